"""When people are asked how they are, with which scales, how often at most, and when the asking stops.

A plan hangs on one referral: a check-in at the start, and later ones dated from the day on which the referral was
accepted. A person is asked once and reminded twice at most; then a member of staff decides. Nothing here writes to
anybody except through ``notifications``.
"""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.measures.scales import Chosen
from portal.store import CheckIn, Referral, Service, ServiceUser


class Gone(LookupError):
    """There is no such check-in, or no such referral, in this service."""


class NotPossible(ValueError):
    """It cannot be done now; the message is a code: finished, not-accepted, asked-enough, too-soon, closed, past."""


WHY_NOT: dict[str, str] = {}
"""Why nothing came back: what staff may say, and what the portal says itself."""


def plan_baseline(store: Session, service: Service, referral: Referral, person: ServiceUser) -> CheckIn | None:
    """The check-in at the start, open from the sending on; ``None`` when the service plans none."""
    raise NotImplementedError


def plan_rest(store: Session, service: Service, referral: Referral) -> list[CheckIn]:
    """The later check-ins, dated from the acceptance; the one at the start gets its end."""
    raise NotImplementedError


def plan_end(store: Session, actor: Actor, referral_id: uuid.UUID, day: date) -> CheckIn | None:
    """The support is planned to end on this day: the check-in that is due at the end comes then, if that is earlier."""
    raise NotImplementedError


def add_review(store: Session, actor: Actor, referral_id: uuid.UUID, due: date) -> CheckIn:
    """One more review on a day that the worker and the person agreed."""
    raise NotImplementedError


def stop(store: Session, service: Service, referral_id: uuid.UUID, why: str) -> int:
    """Ask nothing more about this referral (``why``: of WHY_NOT); links and waiting messages stop too. How many."""
    raise NotImplementedError


def of_referral(store: Session, service_id: uuid.UUID, referral_id: uuid.UUID) -> Sequence[CheckIn]:
    """Every check-in of a referral, by when it is due."""
    raise NotImplementedError


def of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[CheckIn]:
    """Every check-in of a person, by when it is due."""
    raise NotImplementedError


def due_for(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[CheckIn]:
    """The check-ins that the person may answer now and has not finished, by when they are due."""
    raise NotImplementedError


def language_of(service: Service, person: ServiceUser) -> str:
    """The language in which a person is asked: the one they like to read, if it is offered here; else that of the
    pages they used."""
    raise NotImplementedError


def age_of(person: ServiceUser, on: date) -> int | None:
    """Whole years on a day; when only the year of birth is known, the fewest that it can be."""
    raise NotImplementedError


def scales_for(
    store: Session,
    service: Service,
    check_in: CheckIn,
    *,
    language: str,
    age: int | None,
    by_proxy: bool = False,
    interpreter: bool = False,
) -> tuple[Chosen, ...]:
    """What is asked now, with the exact words: the language rule (product 9), and no scale too soon again.

    ``interpreter``: an interpreter or a worker is there, so that the English may be read out.
    """
    raise NotImplementedError


def not_available(
    store: Session, service: Service, check_in: CheckIn, *, language: str, age: int | None, by_proxy: bool = False
) -> tuple[str, ...]:
    """The scales of this check-in that could be asked in English, and have no words in this language."""
    raise NotImplementedError


def mark_started(store: Session, check_in: CheckIn) -> None:
    """The first answer has been saved."""
    raise NotImplementedError


def mark_answered(store: Session, service: Service, check_in: CheckIn) -> None:
    """The person has finished: nobody is reminded, and what staff were asked to do about it is done."""
    raise NotImplementedError


def say_why_not(store: Session, actor: Actor, check_in_id: uuid.UUID, why: str) -> CheckIn:
    """A member of staff says why nothing will come back (``why``: of WHY_NOT); nobody is asked any more."""
    raise NotImplementedError


def ask_now(store: Session, actor: Actor, check_in_id: uuid.UUID) -> CheckIn:
    """Ask the person now, or remind them, by the same rules as the clock. Raises ``Gone``, ``NotPossible``."""
    raise NotImplementedError


def remind(store: Session, service: Service) -> int:
    """What the clock does: ask, remind twice, hand over to staff, end what is past. How many check-ins moved."""
    raise NotImplementedError
