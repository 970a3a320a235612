"""Journeys in progress: kept on the server, opened by a random key in one browser or by the return card on any.

The browser holds only the key; here is only its hash. The card is the reference and a generated return number: the
number is worked out from the key, so that the browser that started the form can always show it, and is stored only as
a slow hash. A resumed draft has a new key: the browser that had it before holds nothing any more.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from portal import audit, codes, services, throttle
from portal.clock import now
from portal.held import derived
from portal.store import Alert, Service
from portal.store import Draft as Draft  # the doors name it in their types

LOCK_GRACE = timedelta(minutes=2)
"""After the idle time comes a warning of two minutes (product 4)."""
OWN_DEVICE_DAYS = (1, 14)
"""How long an own phone stays open: a day, or 14 days on request."""


class Throttled(Exception):
    """Too many wrong tries for this reference in the last hour."""


@dataclass(frozen=True)
class Card:
    """The return card. ``number`` is empty in a browser that opened the form by its card: that card still holds."""

    reference: str
    number: str


def _pepper() -> bytes:
    return derived("return number")


@dataclass(frozen=True)
class Came:
    """Through which door a form comes, and who and how: ``channel`` is portal, phone, paper, staff or kiosk (the data
    dictionary's source_channel, and kiosk), the rest as in the draft. ``given``: what the door answers itself."""

    channel: str = "portal"
    completed_by: str | None = None
    entered_by: uuid.UUID | None = None
    kiosk_id: uuid.UUID | None = None
    said_on: date | None = None
    given: Mapping[str, object] = field(default_factory=dict)


WEB = Came()
"""The person's own browser."""


def start(
    store: Session, service: Service, journey: str, version: int, language: str, key: str, came: Came = WEB
) -> Draft:
    """A new draft for the browser that holds this key; it is added to the store with the first answer kept."""
    moment = now()
    return Draft(
        service_id=service.id,
        id=codes.new_id(),
        created_at=moment,
        journey=journey,
        journey_version=version,
        key_hash=codes.digest(key),
        reference=codes.new_reference(),
        language=language,
        source_channel=came.channel,
        completed_by=came.completed_by,
        entered_by=came.entered_by,
        kiosk_id=came.kiosk_id,
        said_on=came.said_on,
        answers=dict(came.given),
        typed={},
        own_device=False,
        keep_days=OWN_DEVICE_DAYS[0],
        contact_if_unfinished=False,
        turned_away=[],
        touched_at=moment,
        expires_at=_expiry(service, moment),
    )


def _expiry(service: Service, moment: datetime) -> datetime:
    return moment + timedelta(days=services.settings_of(service).draft_days)


def find(store: Session, service_id: uuid.UUID, journey: str, key: str | None, *, lock: bool = False) -> Draft | None:
    """The draft that this browser's key opens; ``None`` when there is none, or it has expired.

    ``lock`` holds the row until the end of the transaction, so that two sends at once take turns.
    """
    if not key:
        return None
    wanted = select(Draft).where(
        Draft.service_id == service_id,
        Draft.key_hash == codes.digest(key),
        Draft.journey == journey,
        Draft.expires_at > now(),
    )
    return store.scalar(wanted.with_for_update() if lock else wanted)


def entries(
    store: Session, service_id: uuid.UUID, journey: str, after: uuid.UUID | None = None, most: int = 50
) -> list[Draft]:
    """The drafts that staff type in and nobody has sent yet, the oldest first; those after ``after``."""
    begun = select(Draft).where(
        Draft.service_id == service_id,
        Draft.journey == journey,
        Draft.entered_by.is_not(None),
        Draft.expires_at > now(),
    )
    if after:
        begun = begun.where(Draft.id > after)
    return list(store.scalars(begun.order_by(Draft.id).limit(most)))


def entry(
    store: Session, service_id: uuid.UUID, journey: str, draft_id: uuid.UUID, *, lock: bool = False
) -> Draft | None:
    """One of them. ``lock`` holds the row until the end of the transaction, so that two colleagues take turns."""
    wanted = select(Draft).where(
        Draft.service_id == service_id,
        Draft.id == draft_id,
        Draft.journey == journey,
        Draft.entered_by.is_not(None),
        Draft.expires_at > now(),
    )
    return store.scalar(wanted.with_for_update().execution_options(populate_existing=True) if lock else wanted)


def is_locked(draft: Draft, lock_minutes: int) -> bool:
    """Whether nobody has pressed anything for so long that this browser must show the card first.

    On a shared device (the default) after the service's minutes; on an own one after a day, or 14 on request.
    """
    idle = timedelta(days=draft.keep_days) if draft.own_device else timedelta(minutes=lock_minutes) + LOCK_GRACE
    return now() > draft.touched_at + idle


def keep(
    store: Session,
    service: Service,
    draft: Draft,
    answers: Mapping[str, object],
    typed: Mapping[str, Mapping[str, object]] | None = None,
) -> None:
    """Keep these answers (they replace all before) and what was typed but could not be read, by step."""
    draft.answers = dict(answers)
    if typed is not None:
        draft.typed = {slug: dict(fields) for slug, fields in typed.items()}
    touch(service, draft)
    store.add(draft)
    store.flush()


def touch(service: Service, draft: Draft) -> None:
    """Somebody is there: the idle time starts anew."""
    draft.touched_at = now()
    draft.expires_at = _expiry(service, draft.touched_at)


def card(store: Session, draft: Draft, key: str) -> Card:
    """The return card of this draft, made when first asked for."""
    return Card(draft.reference, _number_for(draft, key))


def _number_for(draft: Draft, key: str) -> str:
    number = codes.return_number_from(key)
    if draft.return_hash is None:
        draft.return_hash = hash_of(draft.id, number)
        return number
    return number if number_opens(draft.id, draft.return_hash, number) else ""


def number_opens(draft_id: uuid.UUID, return_hash: str | None, number: str) -> bool:
    """Whether this is the return number that was given out with the draft (or with the referral it became)."""
    return return_hash is not None and codes.slow_match(number, draft_id.bytes, _pepper(), return_hash)


def hash_of(draft_id: uuid.UUID, number: str) -> str:
    """What is kept of a return number, in the draft and in the referral that it becomes."""
    return codes.slow_digest(number, draft_id.bytes, _pepper())


def new_number(store: Session, draft: Draft, key: str) -> Card:
    """A card for a browser whose key no longer gives the number: the number before stops working."""
    draft.return_hash = None
    return card(store, draft, key)


def count_try(store: Session, service_id: uuid.UUID, reference: str, address: str | None = None) -> None:
    """Count a try at a reference from a network address, if that is known. Raises ``Throttled`` beyond the limit.

    The limits are per reference and wide, because a number has 12 digits (the arithmetic is in ``throttle``), and each
    address has its own: somebody else's wrong tries never keep the right person out.
    """
    known = f"{service_id}:{reference}"
    from_there = f"{known}:{throttle.of_address(address)}" if address else known
    if throttle.count(store, throttle.Kind.RETURN_CARD, from_there):
        raise Throttled
    if throttle.count(store, throttle.Kind.RETURN_CARD_ANYWHERE, known):
        raise Throttled


def resume(store: Session, service: Service, reference: str, number: str, new_key: str) -> Draft | None:
    """Open a draft by its card in another browser: its key becomes ``new_key``. ``None`` when the card is not right."""
    wanted = select(Draft).where(Draft.service_id == service.id, Draft.reference == reference, Draft.expires_at > now())
    draft = store.scalar(wanted.with_for_update())
    if draft is None or not number_opens(draft.id, draft.return_hash, number):
        return None
    draft.key_hash = codes.digest(new_key)
    # Another browser is a shared one until the person says otherwise there.
    draft.own_device = False
    touch(service, draft)
    audit.record(store, service.id, None, "resumed a draft", "draft", draft.id)
    store.flush()
    return draft


def drop(store: Session, draft: Draft) -> None:
    """Delete a draft: it was sent, or nothing may be kept."""
    store.delete(draft)
    store.flush()


def expire(store: Session, service: Service) -> int:
    """Delete the drafts whose time is over, except those with an alert that nobody has closed. How many went."""
    alerted = exists().where(Alert.service_id == Draft.service_id, Alert.form_id == Draft.id, Alert.closed_at.is_(None))
    over = select(Draft).where(Draft.service_id == service.id, Draft.expires_at <= now(), ~alerted).limit(500)
    gone = store.scalars(over).all()
    for draft in gone:
        audit.record(store, service.id, None, "expired a draft", "draft", draft.id, actor_kind="system")
        store.delete(draft)
    store.flush()
    return len(gone)
