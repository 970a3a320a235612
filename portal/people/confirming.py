"""Whether an address is the person's own: shown to a worker, or by a code that was sent there."""

import uuid
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal import access, audit, codes
from portal.access import Actor
from portal.clock import now
from portal.held import derived
from portal.people.rows import Gone
from portal.store import Confirmation, ContactWay

CODE_TRIES = 5


def confirm_way(store: Session, actor: Actor, way_id: uuid.UUID) -> ContactWay:
    """The worker has shown that this address is the person's own. Confirmed twice, the first time stays.

    Raises ``Gone``, also for a way that is not allowed or has no address.
    """
    access.require(actor, access.Permission.CONFIRM_CONTACT)
    mine = access.rows_of(actor.service_id, ContactWay).where(ContactWay.id == way_id, ContactWay.allowed)
    way = store.scalar(mine)
    if way is None or way.channel == "come-back":
        raise Gone
    if way.confirmed_at:
        return way
    way.confirmed_at = now()
    audit.record(
        store, actor.service_id, actor, "confirmed a contact way", "service_user", way.person_id, channel=way.channel
    )
    store.flush()
    return way


def new_confirmation(store: Session, way: ContactWay, minutes: int = 10) -> str:
    """A new six-digit code for this address; codes before it stop working. The code is to be sent, never shown."""
    store.execute(
        update(Confirmation)
        .where(Confirmation.service_id == way.service_id, Confirmation.contact_way_id == way.id)
        .values(used_at=now())
    )
    code = codes.new_code()
    made = codes.new_id()
    store.add(
        Confirmation(
            service_id=way.service_id,
            id=made,
            contact_way_id=way.id,
            code_hash=codes.slow_digest(code, made.bytes, derived("confirmation")),
            expires_at=now() + timedelta(minutes=minutes),
        )
    )
    store.flush()
    return code


def confirm_by_code(store: Session, way: ContactWay, typed: str) -> bool:
    """Whether the typed code is right; then the address is confirmed. Five wrong tries burn the code."""
    open_ones = access.rows_of(way.service_id, Confirmation).where(
        Confirmation.contact_way_id == way.id, Confirmation.used_at.is_(None), Confirmation.expires_at > now()
    )
    asked = store.scalar(open_ones.order_by(Confirmation.id.desc()).limit(1).with_for_update())
    if asked is None or asked.tries >= CODE_TRIES:
        return False
    asked.tries += 1
    code = codes.read_code(typed)
    if code is None or not codes.slow_match(code, asked.id.bytes, derived("confirmation"), asked.code_hash):
        return False
    asked.used_at = way.confirmed_at = now()
    audit.record(
        store, way.service_id, None, "confirmed a contact way", "service_user", way.person_id, channel=way.channel
    )
    store.flush()
    return True
