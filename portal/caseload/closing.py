"""The end of a case, its re-opening, and the pause between: nothing is silent, nothing is deleted.

A case ends by a reason from a closed list, with what became of each need, what professionals read, and what the person
reads. Nothing but a person ends it. Whoever closes a case that somebody has closed meanwhile sees what they did, and
keeps their own words. What still stands open beside it (alerts, tasks, onward referrals, actions) goes on and is shown.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import Closure as Closure  # the doors name it in their types
from portal.store import Referral, Service


class NotOpen(ValueError):
    """The case is not open (any more): ``referral`` says how it stands, ``closure`` how it ended, if it was closed."""

    def __init__(self, referral: Referral, closure: Closure | None = None) -> None:
        super().__init__(referral.status)
        self.referral, self.closure = referral, closure


class NeedsWords(ValueError):
    """Something that has to be said is missing or not on the list: the name of the field (outcomes: ``outcome:need``)."""


class TooFewAttempts(ValueError):
    """ "We could not reach them" needs more attempts first: ``left`` of them."""

    def __init__(self, left: int) -> None:
        super().__init__(str(left))
        self.left = left


class TooLate(ValueError):
    """A case that ended this long ago is not opened again: the person begins a new one."""


@dataclass(frozen=True)
class Beside:
    """What still stands open beside a case that is to end."""


def beside(store: Session, actor: Actor, referral: Referral) -> Beside:
    """What still stands open beside a case that is to end."""
    raise NotImplementedError


def close(
    store: Session,
    service: Service,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    reason: str,
    reason_text: str = "",
    outcomes: Mapping[str, str],
    summary: str = "",
    person_summary: str = "",
    actions_professionals: str = "",
    no_action: bool = False,
    actions_person: str = "",
    follow_up_due: date | None = None,
    no_known_risks: bool = False,
) -> Closure:
    """End a case. Raises ``referrals.Gone``, ``NotOpen``, ``NeedsWords``, ``TooFewAttempts``."""
    raise NotImplementedError


def latest(store: Session, service_id: uuid.UUID, referral_id: uuid.UUID) -> Closure | None:
    """How a case last ended; also when it is open again (then ``reopened_at`` is set)."""
    raise NotImplementedError


def all_of(store: Session, service_id: uuid.UUID, referral_id: uuid.UUID) -> Sequence[Closure]:
    """Every end that a case has had, the first one first."""
    raise NotImplementedError


def reopen(store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, *, because: str) -> Referral:
    """Open a case again. Raises ``referrals.Gone``, ``NeedsWords``, ``TooLate``, and ``NotClosed``."""
    raise NotImplementedError


def hold(
    store: Session, actor: Actor, referral_id: uuid.UUID, *, reason: str, words: str = "", until: date | None = None
) -> Referral:
    """Pause a case. Raises ``referrals.Gone``, ``NotOpen``, ``NeedsWords``."""
    raise NotImplementedError


def resume(store: Session, actor: Actor, referral_id: uuid.UUID) -> Referral:
    """Go on with a case that was on hold. Raises ``referrals.Gone``, ``NotOpen``."""
    raise NotImplementedError


def followed_up(store: Session, actor: Actor, referral_id: uuid.UUID) -> Closure | None:
    """Somebody has asked again after the end, as was agreed: ``closure.followed_up_at`` is set. ``None`` when nothing was
    agreed."""
    raise NotImplementedError
