"""What every part of this room begins with: one case of the actor's service, held while something of it is written."""

import uuid
from datetime import date, timedelta

from sqlalchemy.orm import Session

from portal import access, reading
from portal.access import Actor, Permission
from portal.clock import today
from portal.store import Referral, Service, ServiceUser


class Gone(LookupError):
    """There is no such case, or no such part of it, in this service."""


class NotPossible(ValueError):
    """Something that cannot be: ``problems`` holds a code by the field."""

    def __init__(self, problems: "dict[str, str]") -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in problems.items()))
        self.problems = problems


class Meanwhile(ValueError):
    """Somebody else saved it after the page had been opened: ``now`` is as it stands now."""

    def __init__(self, now: object) -> None:
        super().__init__("changed meanwhile")
        self.now = now


def held(store: Session, actor: Actor, referral_id: uuid.UUID) -> Referral:
    """A case on which the actor may work, held until the end of the transaction: two workers take turns. Raises
    ``Refused`` and ``Gone``."""
    access.require(actor, Permission.WORK_ON_CASE)
    mine = access.rows_of(actor.service_id, Referral).where(Referral.id == referral_id)
    found = store.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise Gone
    return found


def person_of(store: Session, referral: Referral) -> ServiceUser:
    """Whose case it is."""
    return store.get_one(ServiceUser, (referral.service_id, referral.person_id))


def service_of(store: Session, referral: Referral) -> Service:
    """Which service's case it is."""
    return store.get_one(Service, referral.service_id)


FARTHEST = timedelta(days=730)
"""A day on which something is to be looked at again is no farther away."""


def refused_day(day: date | None, farthest: date | None = None) -> str:
    """What is wrong with a day that is still to come (past, too-far); empty when nothing is."""
    if day is None:
        return ""
    if day < today():
        return "past"
    return "too-far" if day > (farthest or today() + FARTHEST) else ""


def plain(typed: str, longest: int, name: str, problems: "dict[str, str]", *, needed: bool = False) -> str:
    """Words as they are kept; what is wrong with them goes into ``problems`` under this name (missing, too-long,
    unreadable)."""
    try:
        text = reading.text(typed, longest, lines=True)
    except reading.Unreadable as unreadable:
        problems[name] = "too-long" if unreadable.problem is reading.Problem.TOO_LONG else "unreadable"
        return ""
    if needed and not text:
        problems[name] = "missing"
    return text
