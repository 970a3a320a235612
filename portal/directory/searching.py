"""Finding an activity, and what is shown of one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Place:
    """Where an activity is. ``kind``: physical, postal, virtual. ``miles`` is empty when the distance is not known;
    ``rough``: worked out by postcode district."""

    kind: str
    name: str = ""
    address: str = ""
    city: str = ""
    postcode: str = ""
    access: str = ""
    miles: float | None = None
    rough: bool = False


@dataclass(frozen=True)
class Time:
    """When it is on: weekday codes (MO to SU), times as they came ("10:00"), and what the source says in words."""

    days: tuple[str, ...] = ()
    freq: str = ""
    opens_at: str = ""
    closes_at: str = ""
    from_day: date | None = None
    to_day: date | None = None
    words: str = ""


@dataclass(frozen=True)
class Shown:
    """An activity as a page shows it, plain values all. ``checked_on``: when a feed, or one of us, last said that it is
    there. ``offered``: active, not hidden and fresh; nothing else may be offered to somebody. ``referrals_to``: the
    email address to which the provider takes referrals, else empty. ``miles``: to its nearest place, empty when not
    known. ``free``: yes, no, or empty when nobody says."""

    id: uuid.UUID
    name: str
    description: str
    provider: str
    provider_id: uuid.UUID | None
    url: str
    email: str
    phone: str
    referrals_to: str
    status: str
    free: str
    cost: str
    minimum_age: int | None
    maximum_age: int | None
    notice: str
    checked_on: date
    offered: bool
    hidden: bool
    gone: bool
    feed: str
    feed_id: uuid.UUID | None
    version: int
    needs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    attending: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    times: tuple[Time, ...] = ()
    miles: float | None = None
    rough: bool = False
    online: bool = False


@dataclass(frozen=True)
class Wish:
    """What somebody looks for; every part may be left out."""

    need: str | None = None
    near: str | None = None
    within_miles: int | None = None
    language: str | None = None
    day: str | None = None
    free: bool = False
    access: tuple[str, ...] = ()
    text: str = ""
    age: int | None = None


@dataclass(frozen=True)
class Found:
    """One page of what was found, nearest first (else by name). ``after`` asks for the next page, ``None`` on the last.
    ``near_known`` is ``None`` when no place was asked for, False when we do not know where that place is: then no
    distance is shown at all. ``rough``: distances are from the middle of the postcode district."""

    rows: tuple[Shown, ...]
    after: str | None
    near_known: bool | None = None
    rough: bool = False


def search(
    store: Session,
    service_id: uuid.UUID,
    *,
    need: str | None = None,
    near: str | None = None,
    within_miles: int | None = None,
    language: str | None = None,
    day: str | None = None,
    free: bool = False,
    access: Sequence[str] = (),
    text: str = "",
    age: int | None = None,
    after: str | None = None,
    size: int = 20,
    everything: bool = False,
) -> Found:
    """Activities that may be offered: active, not hidden, last seen within the service's set age. ``near``: a postcode
    or a postcode district. With ``within_miles``, what is known to be farther is left out; what is online comes after
    what is near, what has no known distance last. ``everything`` (staff who look after the directory) leaves out
    nothing. A wish that is no code of ours finds nothing; ``after`` that is not ours begins at the beginning."""
    raise NotImplementedError


def activity(store: Session, service_id: uuid.UUID, activity_id: uuid.UUID) -> Shown | None:
    """One activity of this service, offered or not (``offered`` says which); ``None`` when it is not there."""
    raise NotImplementedError


def any_offered(store: Session, service_id: uuid.UUID) -> bool:
    """Whether there is anything to find."""
    raise NotImplementedError
