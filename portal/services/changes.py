"""What was changed in a service, by whom and when: read back from the audit, which nobody can alter unseen."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access
from portal.access import Actor, Permission, rows_of
from portal.i18n import N_
from portal.store import AuditEvent, Staff

ACTS: Mapping[str, str] = {
    "created service": N_("The service was made"),
    "changed service": N_("Settings were changed"),
    "changed text": N_("A text was written"),
    "took our text again": N_("Our own text was taken again"),
    "made staff": N_("Somebody was added at the command line"),
    "joined": N_("Somebody joined"),
    "changed role": N_("Somebody has another role"),
    "moved to a team": N_("Somebody is in another team"),
    "let read safeguarding": N_("Somebody may read safeguarding records"),
    "no longer lets read safeguarding": N_("Somebody may no longer read safeguarding records"),
    "noted who is trained in goal attainment scaling": N_("A training was noted"),
    "replaced second factor": N_("Somebody was sent a new link to sign in"),
    "ended all sign-ins": N_("Somebody was signed out everywhere"),
    "has left": N_("Somebody has left"),
}
"""The acts that change how a service works, and what each is called. Everything else about its staff is not here: who
signed in when is nobody's business on this page."""


@dataclass(frozen=True)
class Change:
    """One change: ``what`` names the settings, ``values`` holds old and new of those that may be said, ``person`` is
    the member of staff that it was about, ``by`` who did it (``None``: the command line)."""

    id: uuid.UUID
    at: datetime
    act: str
    by: str | None
    person: str | None
    what: Sequence[str]
    values: Mapping[str, tuple[Any, Any]]
    details: Mapping[str, Any]


def page(
    store: Session, actor: Actor, *, before: uuid.UUID | None = None, most: int = 50
) -> tuple[list[Change], uuid.UUID | None]:
    """The newest changes, or those before one of them; and the key for the page after, if there is more. Raises
    Refused."""
    access.require(actor, Permission.READ_AUDIT)
    names = {staff.id: staff.name for staff in store.scalars(rows_of(actor.service_id, Staff))}
    found = (
        select(AuditEvent)
        .where(
            AuditEvent.service_id == actor.service_id,
            AuditEvent.about_id.in_([actor.service_id, *names]),
            AuditEvent.act.in_(list(ACTS)),
        )
        .order_by(AuditEvent.id.desc())
        .limit(most + 1)
    )
    if before is not None:
        found = found.where(AuditEvent.id < before)
    events = store.scalars(found).all()
    changes = [_change(event, names) for event in events[:most]]
    return changes, (changes[-1].id if len(events) > most else None)


def _change(event: AuditEvent, names: Mapping[uuid.UUID, str]) -> Change:
    about_id, actor_id = event.about_id, event.actor_id
    values = {name: (old, new) for name, (old, new) in event.details.get("values", {}).items()}
    if "before" in event.details:
        values["role"] = (event.details["before"], event.details["after"])
    return Change(
        event.id,
        event.created_at,
        event.act,
        names.get(actor_id) if actor_id else None,
        names.get(about_id) if about_id and event.about == "staff" else None,
        event.details.get("changed", []),
        values,
        event.details,
    )
