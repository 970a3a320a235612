"""The plan of a case: needs, goals and actions, what is agreed with whom, and every version of it (PRSB 19).

Own words first. Needs come from the form and from staff, each goal has its need, each action its goal. From the day on
which it is agreed, every saved change makes a version with the whole content; what was replaced is never lost.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.goals import GoalLine
from portal.store import CarePlan, CarePlanVersion, PlanAction, Referral, ReferralNeed, Service


class Gone(LookupError):
    """There is no such referral, need, goal or action here."""


class NotPossible(ValueError):
    """Something that cannot be: ``problems`` holds a code by the field."""

    def __init__(self, problems: "dict[str, str]") -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in problems.items()))
        self.problems = problems


class RiskNotSaid(ValueError):
    """A plan is agreed only when a risk is recorded, or that none is known."""


class Meanwhile(ValueError):
    """Somebody else saved it after the page had been opened: ``now`` is as it stands now."""

    def __init__(self, now: object) -> None:
        super().__init__("changed meanwhile")
        self.now = now


@dataclass(frozen=True)
class PlanGoal:
    """A goal with its own line and its actions, the open ones first."""

    line: GoalLine
    actions: tuple[PlanAction, ...]


@dataclass(frozen=True)
class PlanNeed:
    """A need with its goals. ``row`` is empty for a need that only a goal names."""

    need: str
    row: ReferralNeed | None
    goals: tuple[PlanGoal, ...]


@dataclass(frozen=True)
class Plan:
    """The whole plan as it stands. ``row`` is empty while nobody has written anything of it but needs and goals.
    ``changed_since``: something was saved after it was last agreed."""

    referral: Referral
    row: CarePlan | None
    needs: tuple[PlanNeed, ...]
    changed_since: bool

    @property
    def agreed(self) -> bool:
        """Whether the person, or somebody for them, has said yes."""
        return self.row is not None and self.row.agreed == "yes"


@dataclass(frozen=True)
class ForPerson:
    """The plan as it was last agreed, for the person's own page: ``content`` as in a version."""

    referral_id: uuid.UUID
    agreed_at: datetime
    content: Mapping[str, Any]
    changed_since: bool


def of_referral(store: Session, actor: Actor, referral: Referral) -> Plan:
    """The whole plan of a case."""
    raise NotImplementedError


def versions(store: Session, actor: Actor, referral: Referral) -> Sequence[CarePlanVersion]:
    """Every version that was kept, the latest first."""
    raise NotImplementedError


def for_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[ForPerson]:
    """The plans that this person has agreed, of the latest referral first."""
    raise NotImplementedError


def is_agreed(store: Session, referral: Referral) -> bool:
    """Whether the plan of this case was agreed with the person or somebody for them."""
    raise NotImplementedError


def agree(
    store: Session,
    service: Service,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    agreed: str,
    version: int,
    by: str = "person",
    name: str = "",
    why_not: str = "",
    review_due: date | None = None,
) -> CarePlan:
    """Agreed (``yes`` by the person or a representative with a name), or why not (``no``). Makes a version. Raises
    ``Gone``, ``NotPossible``, ``RiskNotSaid``, ``Meanwhile``."""
    raise NotImplementedError


def goals_changed(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, actor: Actor | None) -> None:
    """To be called after goals of a person changed anywhere: an agreed plan gets a version when its content differs."""
    raise NotImplementedError
