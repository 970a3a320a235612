"""The link in a message that opens exactly one check-in: once, for writing, after one press (trust 6.3).

The secret has 256 random bits and only its hash is kept. Looking changes nothing; only ``open_link``, which a press of
a button calls, spends it. A link that has run out, is spent or was replaced, or that another service made, is no link:
nobody learns which.
"""

import uuid
from datetime import timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from portal import audit, codes, services
from portal.access import rows_of
from portal.clock import now
from portal.store import CheckIn, CheckInLink, Service

OPEN = ("ready", "in-progress", "on-hold")


def new_link(store: Session, check_in: CheckIn) -> str:
    """The secret of a new link to this check-in; links before it stop working. It is to be sent, never shown."""
    cancel_links(store, check_in.service_id, check_in.id)
    token = codes.new_key()
    service = store.get_one(Service, check_in.service_id)
    store.add(
        CheckInLink(
            service_id=check_in.service_id,
            check_in_id=check_in.id,
            token_hash=codes.digest(token),
            expires_at=now() + timedelta(days=services.settings_of(service).link_days),
        )
    )
    store.flush()
    return token


def cancel_links(store: Session, service_id: uuid.UUID, check_in_id: uuid.UUID) -> None:
    """Every link to this check-in that nobody has used yet stops working."""
    store.execute(
        update(CheckInLink)
        .where(
            CheckInLink.service_id == service_id,
            CheckInLink.check_in_id == check_in_id,
            CheckInLink.used_at.is_(None),
            CheckInLink.cancelled_at.is_(None),
        )
        .values(cancelled_at=now())
    )


def open_link(store: Session, service_id: uuid.UUID, token: str) -> CheckIn | None:
    """The check-in that the link opens; the link is spent by it, so of two presses at once one is answered.

    ``None`` for a link that is spent, replaced, too old or not of this service, and when the check-in is not open any
    more. Call it for a press of the button only.
    """
    asked = rows_of(service_id, CheckInLink).where(CheckInLink.token_hash == codes.digest(token))
    link = store.scalar(asked.with_for_update().execution_options(populate_existing=True))
    if link is None or link.used_at or link.cancelled_at or link.expires_at <= now():
        return None
    wanted = rows_of(service_id, CheckIn).where(CheckIn.id == link.check_in_id)
    check_in = store.scalar(wanted.with_for_update().execution_options(populate_existing=True))
    if check_in is None or check_in.status not in OPEN or check_in.closes_at <= now():
        return None
    link.used_at = now()
    audit.record(store, service_id, None, "opened a check-in", "check_in", check_in.id)
    store.flush()
    return check_in
