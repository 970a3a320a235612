"""Things that a person on the staff has to do, because the portal may not or cannot do them itself."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, literal, or_, select, tuple_
from sqlalchemy.orm import Session

from portal import access, audit
from portal.access import Actor, Permission, rows_of
from portal.clock import now
from portal.i18n import N_
from portal.store import Referral, Staff, Task
from portal.store.once import write_once


class Kind(StrEnum):
    """What there is to do. The stored codes are for ever."""

    TELL_THE_PERSON = "tell-the-person"
    UNFINISHED_FORM = "unfinished-form"
    UNFINISHED_ENTRY = "unfinished-entry"
    PROMISE_BROKEN = "promise-broken"
    MESSAGE_FAILED = "message-failed"
    ERASURE_ASKED = "erasure-asked"
    COMPLAINT = "complaint"
    CHECK_IN_NOT_BACK = "check-in-not-back"
    CHECK_IN_BACK = "check-in-back"
    PERSON_WITHDREW = "person-withdrew"
    DETAILS_CHANGED = "details-changed"
    SAFEGUARDING = "safeguarding"
    CASES_WITHOUT_WORKER = "cases-without-worker"
    RETENTION_REVIEW = "retention-review"
    ACTIVITY_WRONG = "activity-wrong"
    BY_HAND = "by-hand"


KIND_NAMES: dict[Kind, str] = {
    Kind.TELL_THE_PERSON: N_("Tell the person yourself: we may not or cannot send them this message"),
    Kind.UNFINISHED_FORM: N_("Contact someone who did not finish the form and asked for this"),
    Kind.UNFINISHED_ENTRY: N_("Finish typing in a form that a colleague began, and send it"),
    Kind.PROMISE_BROKEN: N_("We promised to be in touch by now"),
    Kind.MESSAGE_FAILED: N_("A message did not arrive"),
    Kind.ERASURE_ASKED: N_("Someone asked us to erase their record: a manager decides"),
    Kind.COMPLAINT: N_("Answer a complaint"),
    Kind.CHECK_IN_NOT_BACK: N_("A check-in has not come back: ask the person yourself, or say why not"),
    Kind.CHECK_IN_BACK: N_("A check-in came back after the case had ended: read the answers"),
    Kind.PERSON_WITHDREW: N_("The person does not want our help any more"),
    Kind.DETAILS_CHANGED: N_("The person changed their own details"),
    Kind.SAFEGUARDING: N_("A safeguarding concern was written down: read it"),
    Kind.CASES_WITHOUT_WORKER: N_("A colleague has left, or does not work with people any more: give on their cases"),
    Kind.RETENTION_REVIEW: N_("A case ended long ago: decide whether we still need the record"),
    Kind.ACTIVITY_WRONG: N_("A colleague says that something is wrong with an activity: look, and put it right"),
    Kind.BY_HAND: N_("Something that one of us wrote down to do"),
}

EVERYBODYS, OWN = "everybodys", "own"
"""Whose tasks: the whole service's; or the actor's, and those that nobody has yet."""


class NotThere(ValueError):
    """Whom a task is given to does not work here, or handles no tasks."""


OF_THE_CASE = frozenset(
    {
        Kind.TELL_THE_PERSON,
        Kind.MESSAGE_FAILED,
        Kind.CHECK_IN_NOT_BACK,
        Kind.PERSON_WITHDREW,
        Kind.DETAILS_CHANGED,
    }
)
"""What is for whoever has the case, when nobody is asked by name: on a colleague's page it would only lead to the
question why they read it."""


def add(
    store: Session,
    service_id: uuid.UUID,
    kind: str,
    *,
    once: str,
    due_at: datetime,
    person_id: uuid.UUID | None = None,
    referral_id: uuid.UUID | None = None,
    draft_id: uuid.UUID | None = None,
    message_id: uuid.UUID | None = None,
    assigned_to: uuid.UUID | None = None,
    details: Mapping[str, Any] | None = None,
    by: Actor | None = None,
    words: str = "",
) -> Task:
    """Ask for something to be done; asked again with the same ``once`` (120 characters at most), it is the same task.
    What is OF_THE_CASE is for the link worker who has it, while they work here.

    ``kind`` is one of Kind (ValueError otherwise); ``details`` are codes, never words of a person. ``by``: the
    colleague who asks, in these ``words``.
    """
    if assigned_to is None and referral_id and kind in OF_THE_CASE:
        has_it = and_(
            Staff.service_id == Referral.service_id, Staff.id == Referral.assigned_to, Staff.state == "active"
        )
        assigned_to = store.scalar(
            select(Staff.id).join(Referral, has_it).where(Referral.service_id == service_id, Referral.id == referral_id)
        )
    task = Task(
        service_id=service_id,
        kind=Kind(kind).value,
        once=once,
        due_at=due_at,
        person_id=person_id,
        referral_id=referral_id,
        draft_id=draft_id,
        message_id=message_id,
        assigned_to=assigned_to,
        details=dict(details or {}),
        words=words or None,
        asked_by=by.staff_id if by else None,
    )
    found, new = write_once(store, task, rows_of(service_id, Task).where(Task.once == once))
    if new:
        kind_of = "" if by else "system"
        audit.record(store, service_id, by, "asked for task", "task", found.id, actor_kind=kind_of, kind=kind)
    return found


def open_tasks(
    store: Session,
    actor: Actor,
    after: uuid.UUID | None = None,
    most: int | None = None,
    *,
    whose: str = EVERYBODYS,
) -> Sequence[Task]:
    """What is to be done in the actor's service (``whose``: EVERYBODYS or OWN), the most urgent first; what comes
    behind the task ``after``, and no more than ``most``. Raises Refused."""
    access.require(actor, Permission.HANDLE_TASKS)
    waiting = rows_of(actor.service_id, Task).where(Task.done_at.is_(None))
    if after and (last := store.get(Task, (actor.service_id, after))):
        waiting = waiting.where(
            tuple_(Task.due_at, Task.id)
            > tuple_(literal(last.due_at, Task.due_at.type), literal(last.id, Task.id.type))
        )
    listed = waiting.order_by(Task.due_at, Task.id).limit(most)
    if whose == EVERYBODYS:
        return store.scalars(listed).all()
    # Each by itself walks the index of what somebody has; together they would be sorted as a whole.
    own, nobodys = (
        store.scalars(listed.where(who)).all()
        for who in (Task.assigned_to == actor.staff_id, Task.assigned_to.is_(None))
    )
    return sorted([*own, *nobodys], key=lambda one: (one.due_at, one.id))[:most]


def hand_over(store: Session, actor: Actor, task_id: uuid.UUID, to: uuid.UUID) -> Task | None:
    """Give a task to a colleague, or take it; what is done stays as it is. ``None`` when the actor's service has no
    such task. Raises Refused, and NotThere for somebody who does not work here or handles no tasks."""
    access.require(actor, Permission.HANDLE_TASKS)
    wanted = rows_of(actor.service_id, Task).where(Task.id == task_id).with_for_update()
    task = store.scalar(wanted.execution_options(populate_existing=True))
    if task is None or task.done_at is not None or task.assigned_to == to:
        return task
    may_have(store, actor, to)
    task.assigned_to = to
    store.flush()
    audit.record(store, actor.service_id, actor, "handed on task", "task", task.id, to=str(to))
    return task


def may_have(store: Session, actor: Actor, staff_id: uuid.UUID) -> None:
    """Raises NotThere when this is nobody who works in the actor's service and handles tasks."""
    staff = store.get(Staff, (actor.service_id, staff_id))
    if staff is None or staff.state != "active" or staff.role not in access.MAY[Permission.HANDLE_TASKS]:
        raise NotThere("Choose somebody who works here and handles tasks.")


def done(store: Session, actor: Actor, task_id: uuid.UUID) -> Task | None:
    """Say that a task is done; done twice is done once. ``None`` when the actor's service has no such task."""
    access.require(actor, Permission.HANDLE_TASKS)
    task = store.scalar(rows_of(actor.service_id, Task).where(Task.id == task_id).with_for_update())
    if task is not None and task.done_at is None:
        task.done_at, task.done_by = now(), actor.staff_id
        store.flush()
        audit.record(store, actor.service_id, actor, "finished task", "task", task.id, kind=task.kind)
    return task


def of_referral(store: Session, actor: Actor, referral_id: uuid.UUID) -> Sequence[Task]:
    """What is to be done about a referral, the most urgent first. Raises Refused."""
    access.require(actor, Permission.HANDLE_TASKS)
    waiting = rows_of(actor.service_id, Task).where(Task.referral_id == referral_id, Task.done_at.is_(None))
    return store.scalars(waiting.order_by(Task.due_at, Task.id)).all()


def hand_on(store: Session, actor: Actor, referral_id: uuid.UUID, before: uuid.UUID | None, to: uuid.UUID) -> int:
    """What somebody still had to do about a referral, and what is OF_THE_CASE and was nobody's by name, is a
    colleague's now. How many."""
    nobodys = and_(Task.assigned_to.is_(None), Task.kind.in_([kind.value for kind in OF_THE_CASE]))
    whose = or_(Task.assigned_to == before, nobodys) if before else nobodys
    theirs = rows_of(actor.service_id, Task).where(Task.referral_id == referral_id, whose, Task.done_at.is_(None))
    found = store.scalars(theirs.order_by(Task.id).with_for_update()).all()
    for task in found:
        task.assigned_to = to
        audit.record(store, actor.service_id, actor, "handed on task", "task", task.id, to=str(to))
    store.flush()
    return len(found)


def no_longer_needed(
    store: Session, service_id: uuid.UUID, *, once: Sequence[str] = (), message_ids: Sequence[uuid.UUID] = ()
) -> int:
    """What is asked for in these open tasks has come by itself, or is pointless now: nobody has to do it. How many."""
    about: ColumnElement[bool] = or_(Task.once.in_(once), Task.message_id.in_(message_ids))
    waiting = rows_of(service_id, Task).where(Task.done_at.is_(None), about)
    found = store.scalars(waiting.with_for_update()).all()
    for task in found:
        task.done_at = now()
        audit.record(store, service_id, None, "took task back", "task", task.id, actor_kind="system", kind=task.kind)
    store.flush()
    return len(found)
