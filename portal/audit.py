"""The append-only record of acts and of readings, and the proof that nobody has altered it.

Each row carries a keyed hash of itself (the key is not in the database); the worker seals the rows of the last
minutes into a chain, so that a changed, added or removed row shows, and so does a removed seal. What was not yet
sealed (a few minutes) is protected against change only.

Nothing personal stands in a row: codes and ids only (trust 24).
"""

import hashlib
import hmac
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from portal.access import Actor
from portal.clock import now
from portal.codes import new_id
from portal.held import derived
from portal.store import AuditEvent, AuditSeal, canonical


@dataclass(frozen=True)
class Doubt:
    """Something that does not agree: ``what`` in words, ``about_id`` the row or the seal."""

    what: str
    about_id: uuid.UUID


def _mac(event: AuditEvent) -> str:
    facts = [
        event.service_id,
        event.id,
        event.created_at,
        event.actor_id,
        event.actor_kind,
        event.act,
        event.about,
        event.about_id,
        event.reason,
        event.details,
    ]
    return hmac.new(derived("audit"), canonical(facts).encode(), hashlib.sha256).hexdigest()


def record(
    store: Session,
    service_id: uuid.UUID,
    actor: Actor | None,
    act: str,
    about: str | None = None,
    about_id: uuid.UUID | None = None,
    *,
    actor_kind: str = "",
    reason: str | None = None,
    **details: Any,
) -> None:
    """Write down an act or a reading, in the present transaction.

    ``actor_kind`` is ``staff``, ``person`` (the service user or their helper) or ``system`` (the worker, a command);
    ``details`` are codes and ids, never what a person said.
    """
    event = AuditEvent(
        service_id=service_id,
        id=new_id(),
        created_at=now(),
        actor_id=actor.staff_id if actor else None,
        actor_kind=actor_kind or ("staff" if actor else "person"),
        act=act,
        about=about,
        about_id=about_id,
        reason=reason,
        details=details,
        seal_id=None,
    )
    event.mac = _mac(event)
    store.add(event)


def history_of(store: Session, service_id: uuid.UUID, about_id: uuid.UUID) -> Sequence[AuditEvent]:
    """Everything written about a record, oldest first."""
    mine = select(AuditEvent).where(AuditEvent.service_id == service_id, AuditEvent.about_id == about_id)
    return store.scalars(mine.order_by(AuditEvent.id)).all()


def _digest(before: str, macs: Sequence[str]) -> str:
    return hmac.new(derived("audit"), "\n".join([before, *macs]).encode(), hashlib.sha256).hexdigest()


def seal(store: Session, service_id: uuid.UUID) -> AuditSeal | None:
    """Seal all rows that are not sealed yet; ``None`` when there are none. Run by the worker, in its own transaction.

    Two workers at once: the second meets the unique number of the seal and rolls back.
    """
    # The seal before is read first: rows that come in between are left for the next seal, and never taken twice.
    last = store.scalar(
        select(AuditSeal).where(AuditSeal.service_id == service_id).order_by(AuditSeal.number.desc()).limit(1)
    )
    loose = select(AuditEvent.id, AuditEvent.mac).where(
        AuditEvent.service_id == service_id, AuditEvent.seal_id.is_(None)
    )
    rows = store.execute(loose.order_by(AuditEvent.id)).all()
    if not rows:
        return None
    made = AuditSeal(
        service_id=service_id,
        id=new_id(),
        number=last.number + 1 if last else 1,
        rows=len(rows),
        digest=_digest(last.digest if last else "", [row.mac for row in rows]),
    )
    store.add(made)
    store.flush()
    for start in range(0, len(rows), 500):
        some = [row.id for row in rows[start : start + 500]]
        store.execute(
            update(AuditEvent)
            .where(AuditEvent.service_id == service_id, AuditEvent.id.in_(some), AuditEvent.seal_id.is_(None))
            .values(seal_id=made.id)
            .execution_options(synchronize_session=False)
        )
    return made


def verify(store: Session, service_id: uuid.UUID) -> list[Doubt]:
    """Everything in a service's audit that does not agree; an empty list when it is whole."""
    doubts: list[Doubt] = []
    events = store.scalars(select(AuditEvent).where(AuditEvent.service_id == service_id).order_by(AuditEvent.id)).all()
    by_seal: dict[uuid.UUID | None, list[AuditEvent]] = {}
    for event in events:
        if not hmac.compare_digest(event.mac, _mac(event)):
            doubts.append(Doubt("a row was changed", event.id))
        by_seal.setdefault(event.seal_id, []).append(event)
    before, expected = "", 1
    for made in store.scalars(
        select(AuditSeal).where(AuditSeal.service_id == service_id).order_by(AuditSeal.number)
    ).all():
        sealed = by_seal.get(made.id, [])
        if made.number != expected:
            doubts.append(Doubt("a seal is missing", made.id))
        if len(sealed) != made.rows:
            doubts.append(Doubt("rows were added to or removed from a sealed set", made.id))
        if made.digest != _digest(before, [event.mac for event in sealed]):
            doubts.append(Doubt("a sealed set or a seal before it was changed", made.id))
        before, expected = made.digest, made.number + 1
    return doubts


def count(store: Session, service_id: uuid.UUID) -> int:
    """How many rows a service's audit holds."""
    return store.scalar(select(func.count()).select_from(AuditEvent).where(AuditEvent.service_id == service_id)) or 0
