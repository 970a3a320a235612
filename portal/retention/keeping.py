"""Whether the record of somebody whose last case has ended is kept any longer: a manager decides, by name, on the day
that was set when the case ended (data dictionary 3.10). No clock deletes anything; it only asks.

What is erased is a person, not a case. So nobody is asked while the person has an open case or is still to be asked how
they are, or while a later end of theirs keeps the record anyway. A referral that nobody took ends as a case does.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session, aliased

from portal import access, audit, measures, referrals, services, tasks
from portal.access import Actor, Permission, rows_of
from portal.caseload import closing
from portal.clock import now, today
from portal.i18n import LONDON
from portal.store import CheckIn, Closure, ErasureRequest, Referral, Service, Task

YEARS = (1, 2, 5)
"""For how long a record can be kept on, before somebody decides again."""

_TO_DECIDE = timedelta(days=31)
"""How long the manager has."""

MOST = 100
"""As many as are asked for in one round, or listed at once."""


class NothingToDecide(ValueError):
    """The day has not come, the case is open again, or somebody else has decided."""


@dataclass(frozen=True)
class Due:
    """The end of the last case of somebody, and the case."""

    closure: Closure
    referral: Referral


def _due(service_id: uuid.UUID) -> Select[Closure]:
    """The last end of everybody whose record is to be decided about today."""
    later = aliased(Closure)
    of_them = and_(later.service_id == Closure.service_id, later.person_id == Closure.person_id)
    keeps = or_(
        later.retention_review_due > Closure.retention_review_due,
        and_(later.retention_review_due == Closure.retention_review_due, later.id > Closure.id),
    )
    with_us = select(Referral.id).where(
        Referral.service_id == Closure.service_id,
        Referral.person_id == Closure.person_id,
        Referral.status.in_((*Referral.OPEN, *referrals.WAITING)),
    )
    asked = select(ErasureRequest.id).where(
        ErasureRequest.service_id == Closure.service_id,
        ErasureRequest.person_id == Closure.person_id,
        ErasureRequest.state == "asked",
    )
    asked_still = select(CheckIn.id).where(
        CheckIn.service_id == Closure.service_id,
        CheckIn.person_id == Closure.person_id,
        CheckIn.status.in_(measures.UNFINISHED),
    )
    return (
        rows_of(service_id, Closure)
        .where(Closure.retention_review_due <= today(), ~select(later.id).where(of_them, keeps).exists())
        .where(~with_us.exists(), ~asked.exists(), ~asked_still.exists())
        .order_by(Closure.retention_review_due, Closure.id)
    )


def ask(store: Session, service: Service) -> int:
    """A record whose day has come is a task for the manager, once for each day that was set. How many."""
    ends = store.scalars(_due(service.id)).all()
    if not ends:  # as in nearly every round: then what was asked in all the years before is not read
        return 0
    asked = set(store.scalars(_tasks(service.id).with_only_columns(Task.once)))
    new = [one for one in ends if closing.task_of_keeping(one) not in asked][:MOST]
    for closure in new:
        day = closure.retention_review_due or today()
        tasks.add(
            store,
            service.id,
            tasks.Kind.RETENTION_REVIEW,
            once=closing.task_of_keeping(closure),
            due_at=datetime.combine(day, time(), LONDON) + _TO_DECIDE,
            person_id=closure.person_id,
            referral_id=closure.referral_id,
            assigned_to=_manager(store, service.id),
        )
    return len(new)


def _tasks(service_id: uuid.UUID) -> Select[Task]:
    return rows_of(service_id, Task).where(Task.kind == tasks.Kind.RETENTION_REVIEW.value)


def _manager(store: Session, service_id: uuid.UUID) -> uuid.UUID | None:
    try:
        return services.holder(store, service_id, "manager", now())
    except services.NobodyThere:  # whoever works here next finds it
        return None


def to_decide(store: Session, actor: Actor) -> Sequence[Due]:
    """Whose record is to be decided about, the longest due first, at most MOST. Raises Refused."""
    access.require(actor, Permission.ERASE_PEOPLE)
    ends = store.scalars(_due(actor.service_id).limit(MOST)).all()
    here = actor.service_id
    return [Due(one, store.get_one(Referral, (here, one.referral_id))) for one in ends]


def due(store: Session, actor: Actor, referral_id: uuid.UUID) -> Closure | None:
    """The end about which somebody decides now, when it is the end of this case. Raises Refused."""
    access.require(actor, Permission.ERASE_PEOPLE)
    return store.scalar(_due(actor.service_id).where(Closure.referral_id == referral_id))


def keep(store: Session, actor: Actor, referral_id: uuid.UUID, years: int) -> date:
    """The record is kept on, and decided about again after so many years (of YEARS; ValueError otherwise): the day.
    Raises ``NothingToDecide``, Refused."""
    access.require(actor, Permission.ERASE_PEOPLE)
    if years not in YEARS:
        raise ValueError(years)
    last = store.scalar(
        _due(actor.service_id)
        .where(Closure.referral_id == referral_id)
        .with_for_update(of=Closure)
        .execution_options(populate_existing=True)
    )
    if last is None:
        raise NothingToDecide
    asked = store.scalars(_tasks(actor.service_id).where(Task.once == closing.task_of_keeping(last))).all()
    for task in asked:
        tasks.done(store, actor, task.id)
    until = closing.years_from_today(years)
    last.retention_review_due = until
    store.flush()
    about = {"closure": str(last.id), "until": until.isoformat()}
    audit.record(store, actor.service_id, actor, "decided to keep a record", "referral", referral_id, **about)
    return until
