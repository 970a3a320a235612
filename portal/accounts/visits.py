"""How a person comes to their own page: by a code, by their card, by a link; how far they are let in, and for how long.

There is no password. A six-digit code, by email or from a link worker in person, opens one task for writing and shows
nothing earlier; the code together with the return number of the card opens the whole page (trust 6.2). A link in a
message opens exactly one check-in, and never leads further up (trust 6.3). The browser holds a random key and the store
its hash, so that a visit can be ended; a screen is taken to be a shared one.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.access import Actor, Visitor
from portal.store import CheckIn, Service, Stores


class NeedsReference(Exception):
    """The code is right, but more than one person has this email address: which of them it is for must be said."""


def visitor_for(store: Session, service_id: uuid.UUID, key: str) -> Visitor | None:
    """Who holds this key now; ``None`` when the visit is idle too long, too old or ended, or reading is off."""
    return None


def open_for_check_in(store: Session, service: Service, check_in: CheckIn, key: str, language: str) -> Visitor:
    """A visit for exactly this check-in, for whoever pressed the link in a message. ``key``: the browser's new one."""
    raise NotImplementedError


def ask_code(store: Session, service: Service, typed: str, browser_key: str, *, address: str | None = None) -> None:
    """Send a code to this email address if it is a way that somebody has confirmed and allows. Same work and same
    answer whether or not. Raises ``reading.Unreadable`` or ``TooManyTries``."""
    raise NotImplementedError


def code_given(
    store: Session,
    service: Service,
    browser_key: str,
    typed: str,
    key: str,
    *,
    language: str,
    reference: str | None = None,
    address: str | None = None,
) -> Visitor | None:
    """A visit for one task, by the code that this browser asked for. Raises ``NeedsReference``, ``TooManyTries``."""
    raise NotImplementedError


def worker_code_given(
    store: Session,
    service: Service,
    reference: str,
    typed: str,
    key: str,
    *,
    language: str,
    address: str | None = None,
) -> Visitor | None:
    """A visit for one task, by a code that a link worker gave in person. Raises ``TooManyTries``."""
    raise NotImplementedError


def card_given(
    store: Session, service: Service, visitor: Visitor, number: str, key: str, *, address: str | None = None
) -> Visitor | None:
    """After a code: the return number opens the whole page. ``key`` is the browser's new key. Raises
    ``TooManyTries``."""
    raise NotImplementedError


def card_alone(
    store: Session,
    service: Service,
    reference: str,
    number: str,
    key: str,
    *,
    language: str,
    address: str | None = None,
) -> Visitor | None:
    """The card of somebody to whom no code can be sent. Raises ``TooManyTries``."""
    raise NotImplementedError


def choose_task(store: Session, visitor: Visitor, task: str, check_in_id: uuid.UUID | None = None) -> Visitor:
    """Bind a visit to its one task, for good. Raises ``ValueError`` when it is bound already."""
    raise NotImplementedError


def issue_code(store: Session, actor: Actor, person_id: uuid.UUID, referral_id: uuid.UUID) -> str:
    """A code that the worker hands to the person in front of them: seven days, once, for one task."""
    raise NotImplementedError


def set_reading(
    store: Session, service_id: uuid.UUID, person_id: uuid.UUID, on: bool, actor: Actor | None = None
) -> None:
    """Turn reading on or off. Off ends every visit that reads; on again only by a worker, in person."""
    raise NotImplementedError


def end(store: Session, visitor: Visitor) -> None:
    """End this visit."""
    raise NotImplementedError


def end_all(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> int:
    """End every visit of a person and burn their codes (they withdrew, are erased); how many visits."""
    raise NotImplementedError


def touch_visit(stores: Stores, visitor: Visitor) -> None:
    """Note that somebody is still there, in a small transaction of its own, at most once a minute."""


def of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[Visitor]:
    """The visits of a person that are open now."""
    raise NotImplementedError
