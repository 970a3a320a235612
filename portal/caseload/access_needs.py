"""What a person needs so that they can understand and be understood (Accessible Information Standard, DAPB1605): kept
as rows, looked at again every twelve months and at each new episode, ended and never deleted."""

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import AccessNeed as AccessNeed  # the doors name it in their types
from portal.store import Referral


class Gone(LookupError):
    """There is no such referral, or this person has no such need."""


class NotPossible(ValueError):
    """Something that cannot be: ``problems`` holds a code by the field (need: not-listed; detail: missing)."""

    def __init__(self, problems: "dict[str, str]") -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in problems.items()))
        self.problems = problems


def add(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    category: str,
    need: str,
    detail: str = "",
    if_not_met: str = "",
    need_of: str = "self",
    need_id: uuid.UUID | None = None,
) -> AccessNeed:
    """A need that was found with the person; to be looked at again in a year. Raises ``Gone`` and ``NotPossible``."""
    raise NotImplementedError


def review(store: Session, actor: Actor, referral_id: uuid.UUID, need_id: uuid.UUID) -> AccessNeed:
    """It was looked at with the person and is still right: the next time is in a year. Raises ``Gone``."""
    raise NotImplementedError


def end(store: Session, actor: Actor, referral_id: uuid.UUID, need_id: uuid.UUID) -> AccessNeed:
    """It is a need no more; it stays in the record. Raises ``Gone``."""
    raise NotImplementedError


def of_person(
    store: Session, service_id: uuid.UUID, person_id: uuid.UUID, *, ended: bool = False
) -> Sequence[AccessNeed]:
    """The open needs of a person in the order of the list; with ``ended`` those that have ended instead."""
    raise NotImplementedError


def to_review(store: Session, referral: Referral) -> list[AccessNeed]:
    """The open needs that are to be looked at now: the day has come, or nobody has looked since this episode began."""
    raise NotImplementedError
