"""Ways of looking at the caseload that somebody keeps for themselves: filters and order by their codes."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import access, audit, reading
from portal.access import Actor
from portal.store import SavedView
from portal.store.once import write_once

LONGEST_NAME = 60
MOST = 20
"""Views that one person may keep."""


class NoName(ValueError):
    """A view needs a name of 1 to LONGEST_NAME characters."""


class TooMany(ValueError):
    """There are MOST views already: one must go first."""


def of(store: Session, actor: Actor) -> Sequence[SavedView]:
    """The actor's own views, by name."""
    access.require(actor, access.Permission.READ_CASELOAD)
    mine = access.rows_of(actor.service_id, SavedView).where(SavedView.staff_id == actor.staff_id)
    return store.scalars(mine.order_by(SavedView.name, SavedView.id)).all()


def keep(store: Session, actor: Actor, name: str, asked: Mapping[str, str]) -> SavedView:
    """Keep a view under a name; the same name again is the same view with the new filters. Raises ``NoName``,
    ``TooMany``."""
    access.require(actor, access.Permission.READ_CASELOAD)
    try:
        said = reading.text(name, LONGEST_NAME)
    except reading.Unreadable:
        raise NoName from None
    if not said:
        raise NoName
    same = access.rows_of(actor.service_id, SavedView).where(
        SavedView.staff_id == actor.staff_id, SavedView.name == said
    )
    view = store.scalar(same.with_for_update())
    if view is None:
        count = select(func.count()).select_from(SavedView)
        kept = store.scalar(count.where(SavedView.service_id == actor.service_id, SavedView.staff_id == actor.staff_id))
        if (kept or 0) >= MOST:
            raise TooMany
        fresh = SavedView(service_id=actor.service_id, staff_id=actor.staff_id, name=said, asked=dict(asked))
        view, _ = write_once(store, fresh, same)
    view.asked = dict(asked)
    store.flush()
    audit.record(store, actor.service_id, actor, "kept a view", "saved_view", view.id)
    return view


def drop(store: Session, actor: Actor, view_id: uuid.UUID) -> bool:
    """Take one of the actor's own views away; taken away twice, it is away. Whether it was there."""
    access.require(actor, access.Permission.READ_CASELOAD)
    mine = access.rows_of(actor.service_id, SavedView).where(
        SavedView.staff_id == actor.staff_id, SavedView.id == view_id
    )
    view = store.scalar(mine.with_for_update())
    if view is None:
        return False
    store.delete(view)
    audit.record(store, actor.service_id, actor, "dropped a view", "saved_view", view_id)
    store.flush()
    return True
