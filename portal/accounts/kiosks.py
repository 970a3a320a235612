"""Screens in a waiting room: a browser that opens the form and nothing else, until a manager ends that.

The browser holds a random key; here is only its hash. Whoever made it one is signed out of it, and nobody on the staff
signs in there.
"""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access, audit, codes, reading
from portal.access import Actor, Permission
from portal.accounts.sign_in import sign_out
from portal.clock import now
from portal.store import Kiosk as Kiosk  # the doors name it in their types

LONGEST_KIOSK_NAME = 60
SEEN_EVERY = timedelta(minutes=5)


class NoSuchKiosk(LookupError):
    """There is no such screen in this service."""


def make_kiosk(store: Session, actor: Actor, name: str, key: str) -> Kiosk:
    """The browser with this key is a kiosk from now on, and the actor is signed out of it. ``name``: where it stands.
    Raises ``reading.Unreadable`` for a name that is empty, too long or cannot be read."""
    access.require(actor, Permission.MANAGE_KIOSKS)
    if reading.is_blank(name):
        raise reading.Unreadable(reading.Problem.MISSING)
    made = Kiosk(
        service_id=actor.service_id,
        id=codes.new_id(),
        name=reading.text(name, LONGEST_KIOSK_NAME, lines=False),
        key_hash=codes.digest(key),
        made_by=actor.staff_id,
    )
    store.add(made)
    audit.record(store, actor.service_id, actor, "made a kiosk", "kiosk", made.id)
    if actor.sign_in_id:
        sign_out(store, actor)
    store.flush()
    return made


def kiosk_of(store: Session, key: str) -> Kiosk | None:
    """The kiosk that the browser with this key is, of whichever service; ``None`` when it is none, or none any more."""
    return store.scalar(select(Kiosk).where(Kiosk.key_hash == codes.digest(key), Kiosk.ended_at.is_(None)))


def open_kiosks(store: Session, actor: Actor) -> Sequence[Kiosk]:
    """The screens that are kiosks now, by name."""
    access.require(actor, Permission.MANAGE_KIOSKS)
    theirs = access.rows_of(actor.service_id, Kiosk)
    return store.scalars(theirs.where(Kiosk.ended_at.is_(None)).order_by(Kiosk.name, Kiosk.id)).all()


def end_kiosk(store: Session, actor: Actor, kiosk_id: uuid.UUID) -> None:
    """It is a kiosk no more; ended twice it is ended once. Raises ``NoSuchKiosk``."""
    access.require(actor, Permission.MANAGE_KIOSKS)
    found = store.scalar(
        access.rows_of(actor.service_id, Kiosk)
        .where(Kiosk.id == kiosk_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NoSuchKiosk
    if found.ended_at is None:
        found.ended_at = now()
        audit.record(store, actor.service_id, actor, "ended a kiosk", "kiosk", found.id)
        store.flush()


def kiosk_seen(kiosk: Kiosk) -> None:
    """Somebody used it: at most every few minutes a write."""
    if kiosk.seen_at is None or now() - kiosk.seen_at > SEEN_EVERY:
        kiosk.seen_at = now()
