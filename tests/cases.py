"""A case that a worker has taken, for tests of what is written in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from sqlalchemy.orm import Session

from portal import goals, referrals
from portal.access import Actor, Role
from portal.caseload import contacts
from portal.journeys.goal_setting import GOAL_SETTING
from portal.store import Goal, Referral, Service
from tests.staffed import a_colleague, acting
from tests.world import a_referral, a_service


@dataclass
class Case:
    """One accepted referral of a service with a manager and two workers."""

    store: Session
    service: Service
    amina: Actor
    ben: Actor
    manager: Actor
    referral: Referral

    def goal(self, words: str = "To sing again.", need: str = "loneliness", closeness: str = "3") -> Goal:
        """A goal that the person set."""
        answers: Mapping[str, object] = {
            **{one.code: one.read([]) for one in GOAL_SETTING.questions if not one.required},
            "goal_words": words,
            "goal_need": need,
            "closeness": closeness,
        }
        return goals.set_goal(self.store, self.service, self.referral.person_id, self.referral.id, answers, "en")

    def reached(self) -> None:
        """Somebody spoke with them."""
        contacts.record(self.store, self.service, self.amina, self.referral.id, once="spoke", outcome="spoke")

    @cached_property
    def elsewhere(self) -> Actor:
        """A worker of another service."""
        return acting(a_colleague(self.store, a_service(self.store, "elsewhere"), name="Elsewhere"))


def a_case(store: Session, answers: Mapping[str, object] = MappingProxyType({}), **more: object) -> Case:
    """A case that Amina has taken."""
    service = a_service(store)
    manager = acting(a_colleague(store, service, Role.MANAGER, name="Mo Manager"))
    amina, ben = (acting(a_colleague(store, service, name=name)) for name in ("Amina", "Ben"))
    referral = a_referral(store, service, answers={**answers, **more})
    referrals.accept(store, service, amina, referral.id)
    return Case(store, service, amina, ben, manager, referral)
