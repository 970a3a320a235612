"""Erasure: a person is taken out of every table, and counts without anybody stay, so that totals stay true.

What belongs to a person is not listed here: it is worked out from the tables. Whatever names one of the person's rows
by its id is the person's too, and goes; so a table that is added later follows by itself. Two kinds of rows stay: the
audit, which holds codes and ids alone, and the request to be erased, which loses its link and its words.

Nothing is ever erased by the clock: a manager decides, by name.
"""

import calendar
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Uuid, delete, exists, inspect, or_, select, update
from sqlalchemy.orm import Session

from portal import access, audit, notifications, reading, services, tasks
from portal.access import Actor, Permission, rows_of
from portal.clock import LONDON, now
from portal.retention.counting import Rows, counted, slices
from portal.store import (
    Alert,
    AuditEvent,
    AuditSeal,
    Base,
    Record,
    Referral,
    Service,
    ServiceUser,
    Stores,
    Tally,
    Task,
)
from portal.store import ErasureRequest as ErasureRequest  # the doors name it in their types
from portal.store.once import write_once

LONGEST_WORDS = 1000
WIPED_FOR = timedelta(days=7)
"""How long after an erasure each round makes sure that SQLite's files hold nothing of it."""


class Gone(LookupError):
    """There is no such person or request in this service."""


class AlreadyDecided(ValueError):
    """The request has been answered meanwhile: ``request`` says when and how."""

    def __init__(self, request: ErasureRequest) -> None:
        super().__init__(request.state)
        self.request = request


class AlertsOpen(ValueError):
    """Somebody may be in danger: these alerts are to be closed first."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        super().__init__(len(alerts))
        self.alerts = alerts


class NeedsWords(ValueError):
    """A refusal without a reason."""


@dataclass(frozen=True)
class Waiting:
    """A request and whose it is: the person's referrals, oldest first, and the alerts that stand in the way."""

    request: ErasureRequest
    referrals: tuple[Referral, ...]
    alerts: tuple[Alert, ...]


# Asking, and saying no -----------------------------------------------------------------------------------------------


def ask_erasure(store: Session, service: Service, person_id: uuid.UUID, actor: Actor | None = None) -> ErasureRequest:
    """The person asks to be erased (``actor``: a member of staff writes it down for them). Asked again while a request
    is open, it is the same one. It is due in one calendar month (UK GDPR, article 12(3)). Raises ``Gone``, Refused."""
    if actor is not None:
        access.require(actor, Permission.READ_REFERRAL)
    person = _person(store, service.id, person_id)
    if found := store.scalar(_asked(service.id).where(ErasureRequest.person_id == person.id)):
        return found
    request = ErasureRequest(
        service_id=service.id,
        person_id=person.id,
        asked_by=actor.staff_id if actor else None,
        state="asked",
        due_at=_a_month_after(now()),
    )
    store.add(request)
    store.flush()
    tasks.add(
        store,
        service.id,
        tasks.Kind.ERASURE_ASKED,
        once=f"erasure-asked:{request.id}",
        due_at=request.due_at,
        person_id=person.id,
        assigned_to=_manager(store, service.id),
    )
    audit.record(store, service.id, actor, "asked for erasure", "erasure_request", request.id)
    return request


def _person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> ServiceUser:
    """The person, locked; of records that were made one, the one that was kept. Nothing new can point to a person that
    is held like this, and whatever was on its way has arrived."""
    wanted: uuid.UUID | None = person_id
    found: ServiceUser | None = None
    while wanted is not None:
        found = store.get(ServiceUser, (service_id, wanted), with_for_update=True, populate_existing=True)
        if found is None:
            raise Gone
        wanted = found.merged_into
    if found is None:
        raise Gone
    return found


def _manager(store: Session, service_id: uuid.UUID) -> uuid.UUID | None:
    try:
        return services.holder(store, service_id, "manager", now())
    except services.NobodyThere:  # whoever works here next finds the task; asking must not fail over it
        return None


def _asked(service_id: uuid.UUID) -> Select[ErasureRequest]:
    return rows_of(service_id, ErasureRequest).where(ErasureRequest.state == "asked")


def _a_month_after(moment: datetime) -> datetime:
    """The same day of the next month, at the same hour in London; its last day where it has no such day."""
    here = moment.astimezone(ZoneInfo(LONDON))
    year, month = here.year + here.month // 12, here.month % 12 + 1
    day = min(here.day, calendar.monthrange(year, month)[1])
    return here.replace(year=year, month=month, day=day).astimezone(UTC)


def latest_request(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> ErasureRequest | None:
    """What the person asked last, for their own page: state asked or refused, ``due_at``, and ``reason``, which is our
    answer in words when we refused."""
    theirs = rows_of(service_id, ErasureRequest).where(ErasureRequest.person_id == person_id)
    return store.scalar(theirs.order_by(ErasureRequest.id.desc()).limit(1))


def open_requests(store: Session, actor: Actor) -> list[Waiting]:
    """The requests that wait for a decision, the most urgent first. Raises Refused."""
    access.require(actor, Permission.ERASE_PEOPLE)
    rows = store.scalars(_asked(actor.service_id).order_by(ErasureRequest.due_at, ErasureRequest.id)).all()
    return [_waiting(store, request, _alerts_about) for request in rows]


def decided_requests(store: Session, actor: Actor, most: int = 50) -> Sequence[ErasureRequest]:
    """The requests that were answered, the latest first. Raises Refused."""
    access.require(actor, Permission.ERASE_PEOPLE)
    answered = rows_of(actor.service_id, ErasureRequest).where(ErasureRequest.state != "asked")
    return store.scalars(
        answered.order_by(ErasureRequest.decided_at.desc(), ErasureRequest.id.desc()).limit(most)
    ).all()


def read_request(store: Session, actor: Actor, request_id: uuid.UUID) -> Waiting:
    """One request; the reading is written down. Raises Refused, ``Gone``."""
    access.require(actor, Permission.ERASE_PEOPLE)
    found = store.scalar(rows_of(actor.service_id, ErasureRequest).where(ErasureRequest.id == request_id))
    if found is None:
        raise Gone
    audit.record(store, actor.service_id, actor, "read a request for erasure", "erasure_request", found.id)
    return _waiting(store, found, _alerts_in_the_way)


def _waiting(
    store: Session, request: ErasureRequest, alerts_of: Callable[[Session, uuid.UUID, uuid.UUID], list[Alert]]
) -> Waiting:
    if request.person_id is None:
        return Waiting(request, (), ())
    theirs = rows_of(request.service_id, Referral).where(Referral.person_id == request.person_id)
    alerts = alerts_of(store, request.service_id, request.person_id)
    return Waiting(request, tuple(store.scalars(theirs.order_by(Referral.id))), tuple(alerts))


def _alerts_about(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Alert]:
    """Without those of a form that the person has begun since: quick enough for a list."""
    there = rows_of(service_id, Alert).where(Alert.person_id == person_id, Alert.closed_at.is_(None))
    return list(store.scalars(there.order_by(Alert.id)))


def _alerts_in_the_way(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Alert]:
    return _open_alerts(store, service_id, _rows_of_person(store, service_id, person_id, lock=False))


def _open_alerts(store: Session, service_id: uuid.UUID, found: "Rows") -> list[Alert]:
    there = rows_of(service_id, Alert).where(Alert.closed_at.is_(None))
    return [alert for some in slices(found["alert"]) for alert in store.scalars(there.where(Alert.id.in_(some)))]


def refuse_erasure(store: Session, actor: Actor, request_id: uuid.UUID, reason: str) -> ErasureRequest:
    """Say no, with the reason (1,000 characters at most), which the person reads on their own page. They are told that
    there is news, or a task says that a worker must tell them.

    Raises Refused, ``Gone``, ``AlreadyDecided``, ``NeedsWords``.
    """
    access.require(actor, Permission.ERASE_PEOPLE)
    try:
        words = reading.text(reason, LONGEST_WORDS, lines=True)
    except reading.Unreadable:
        raise NeedsWords from None
    if not words:
        raise NeedsWords
    mine = rows_of(actor.service_id, ErasureRequest).where(ErasureRequest.id == request_id)
    request = store.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if request is None:
        raise Gone
    if request.state != "asked" or request.person_id is None:
        raise AlreadyDecided(request)
    request.state, request.reason = "refused", words
    request.decided_at, request.decided_by = now(), actor.staff_id
    store.flush()
    for task in store.scalars(_tasks_about(request).where(Task.done_at.is_(None))).all():
        tasks.done(store, actor, task.id)
    theirs = rows_of(actor.service_id, Referral).where(Referral.person_id == request.person_id)
    last = store.scalar(theirs.order_by(Referral.id.desc()).limit(1))
    notifications.tell_person(
        store,
        store.get_one(Service, actor.service_id),
        request.person_id,
        "referral-decided",
        once=f"erasure-refused:{request.id}",
        referral_id=last.id if last else None,
    )
    audit.record(store, actor.service_id, actor, "refused erasure", "erasure_request", request.id)
    return request


def _tasks_about(request: ErasureRequest) -> Select[Task]:
    kind = tasks.Kind.ERASURE_ASKED.value
    return rows_of(request.service_id, Task).where(Task.kind == kind, Task.person_id == request.person_id)


# What is a person's --------------------------------------------------------------------------------------------------

STAYS: Mapping[type[Record], str] = {
    AuditEvent: "who did what and when: codes and ids, sealed",
    AuditSeal: "what binds the audit together",
}
"""What is never erased, and why."""

EMPTIED: Mapping[type[Record], tuple[str, ...]] = {ErasureRequest: ("person_id", "reason")}
"""What stays without its link and its words: that somebody was erased, when, and by whom."""

_GONE = {"referral": ("draft_id",)}
"""Columns of a person's rows that name what is no longer there, and is named by others too: the form that was sent."""

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _tables() -> list[type[Record]]:
    """Every table of records in which a person's rows are looked for, those first that others point to."""
    known = {mapper.local_table: mapper.class_ for mapper in Base.registry.mappers}
    return [
        known[table]
        for table in Base.metadata.sorted_tables
        if issubclass(known[table], Record) and known[table] not in STAYS
    ]


def pointers(table: type[Record], to: str) -> list[ColumnElement[Any]]:
    """The columns by which rows of this table may name a row of that one: its foreign keys to it, and every id that has
    no foreign key at all, since it might."""
    found: list[ColumnElement[Any]] = []
    for column in inspect(table).local_table.c:
        if not isinstance(column.type, Uuid) or column.primary_key:
            continue
        targets = {key.column.table.name for key in column.foreign_keys}
        if not targets or to in targets:
            found.append(getattr(table, column.key))
    return found


def _rows_of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, *, lock: bool) -> Rows:
    """Every row that belongs to a person, from the person downwards.

    ``lock`` holds them all, and gives up at once when somebody else has one in hand (OperationalError: try again in a
    moment), so that an erasure never waits for those who wait for it.
    """
    found: Rows = {table.__tablename__: set() for table in _tables()}
    fresh: Rows = {ServiceUser.__tablename__: {person_id}}
    while any(fresh.values()):
        for name, ids in fresh.items():
            found[name] |= ids
        fresh = _next_rows(store, service_id, found, fresh, lock)
        if not any(fresh.values()):
            fresh = _named_in_once(store, service_id, found)
    return found


def _next_rows(store: Session, service_id: uuid.UUID, found: Rows, fresh: Rows, lock: bool) -> Rows:
    """The rows that name those found last, and were not found before."""
    new: Rows = {}
    for table in _tables():
        name = table.__tablename__
        gone = [getattr(table, column) for column in _GONE.get(name, ())]
        for to, ids in fresh.items():
            columns = pointers(table, to)
            for some in slices(ids) if columns else ():
                rows = select(table.id, *gone).where(
                    table.service_id == service_id, or_(*(column.in_(some) for column in columns))
                )
                for row in store.execute(rows.with_for_update(nowait=True, of=table) if lock else rows):
                    if row.id not in found[name]:
                        new.setdefault(name, set()).add(row.id)
                        new.setdefault("draft", set()).update(row[1:])
    return new


def _named_in_once(store: Session, service_id: uuid.UUID, found: Rows) -> Rows:
    """Rows that carry an id of the person's in ``once``: a message to the staff about a referral, for one."""
    theirs = set().union(*found.values())
    new: Rows = {}
    for table in _tables():
        once = getattr(table, "once", None)
        if once is None:
            continue
        for row_id, words in store.execute(select(table.id, once).where(table.service_id == service_id)):
            named = {uuid.UUID(one) for one in _ID.findall(words)}
            if named & theirs and row_id not in found[table.__tablename__]:
                new.setdefault(table.__tablename__, set()).add(row_id)
    return new


# Erasing -------------------------------------------------------------------------------------------------------------


def erase(
    store: Session, actor: Actor, *, request_id: uuid.UUID | None = None, person_id: uuid.UUID | None = None
) -> ErasureRequest:
    """Take a person out of every table, by the request or by the person (who then is taken to have asked). All records
    that were made one with theirs go as well; forms that were begun and never sent are nobody's, and run out.

    Raises Refused, ``Gone``, ``AlreadyDecided``, and ``AlertsOpen`` while an alert about the person is not closed.
    """
    access.require(actor, Permission.ERASE_PEOPLE)
    if request_id is not None:
        person_id = _still_asked(store, actor, request_id).person_id
    if person_id is None:
        raise Gone
    person = _person(store, actor.service_id, person_id)
    if request_id is not None:
        request = _still_asked(store, actor, request_id)
    else:
        request = ask_erasure(store, store.get_one(Service, actor.service_id), person.id, actor)
    found = _rows_of_person(store, actor.service_id, person.id, lock=True)
    if alerts := _open_alerts(store, actor.service_id, found):
        raise AlertsOpen(alerts)
    _leave_tallies(store, actor.service_id, found)
    _empty(store, actor.service_id, found)
    _delete(store, actor.service_id, found)
    for asked in store.scalars(_asked(actor.service_id).where(ErasureRequest.id.in_(found["erasure_request"]))).all():
        asked.state, asked.decided_at, asked.decided_by = "done", now(), actor.staff_id
    store.flush()
    audit.record(
        store, actor.service_id, actor, "erased a person", "erasure_request", request.id, person=str(person_id)
    )
    return request


def _still_asked(store: Session, actor: Actor, request_id: uuid.UUID) -> ErasureRequest:
    mine = rows_of(actor.service_id, ErasureRequest).where(ErasureRequest.id == request_id)
    request = store.scalar(mine.execution_options(populate_existing=True))
    if request is None:
        raise Gone
    if request.state != "asked" or request.person_id is None:
        raise AlreadyDecided(request)
    return request


def _leave_tallies(store: Session, service_id: uuid.UUID, found: Rows) -> None:
    """In one order, so that two erasures at once take turns."""
    for (month, what, value), number in sorted(counted(store, service_id, found).items()):
        same = (
            Tally.service_id == service_id,
            Tally.month == month,
            Tally.what == what,
            Tally.value == value,
        )
        fresh = Tally(service_id=service_id, month=month, what=what, value=value, count=0)
        write_once(store, fresh, select(Tally).where(*same))
        store.execute(update(Tally).where(*same).values(count=Tally.count + number))


def _empty(store: Session, service_id: uuid.UUID, found: Rows) -> None:
    for table, columns in EMPTIED.items():
        for some in slices(found[table.__tablename__]):
            rows = update(table).where(table.service_id == service_id, table.id.in_(some))
            store.execute(rows.values(dict.fromkeys(columns)), execution_options={"synchronize_session": False})


def _delete(store: Session, service_id: uuid.UUID, found: Rows) -> None:
    """Those first that point to others; a record that was made one with another before the one that was kept."""
    store.flush()
    for some in slices(found[ServiceUser.__tablename__]):
        merged = update(ServiceUser).where(ServiceUser.service_id == service_id, ServiceUser.id.in_(some))
        store.execute(merged.values(merged_into=None), execution_options={"synchronize_session": False})
    going = [table for table in reversed(_tables()) if table not in EMPTIED]
    for table in going:
        for some in slices(found[table.__tablename__]):
            rows = delete(table).where(table.service_id == service_id, table.id.in_(some))
            store.execute(rows, execution_options={"synchronize_session": False})
    for row in list(store.identity_map.values()):
        state = inspect(row)
        if isinstance(row, tuple(going)) and state.identity[1] in found[state.mapper.local_table.name]:
            store.expunge(row)
    store.expire_all()


# What the clock does -------------------------------------------------------------------------------------------------


def remind(store: Session, service: Service) -> int:
    """A request that is overdue is a task and a message for every manager, once. How many requests."""
    made = 0
    for request in store.scalars(_asked(service.id).where(ErasureRequest.due_at < now())).all():
        once = f"erasure-overdue:{request.id}"
        if store.scalar(select(exists().where(Task.service_id == service.id, Task.once == once))):
            continue
        tasks.add(
            store,
            service.id,
            tasks.Kind.ERASURE_ASKED,
            once=once,
            due_at=request.due_at,
            person_id=request.person_id,
            assigned_to=_manager(store, service.id),
        )
        for manager in services.managers(store, service.id):
            notifications.tell_staff(store, service, manager.id, "promise-broken", once=f"{once}:{manager.id}")
        made += 1
    return made


def wipe_traces(stores: Stores) -> bool:
    """After an erasure, nothing that was deleted stays in SQLite's files.

    The database overwrites what is deleted by itself (``PRAGMA secure_delete``); this empties the log beside it, which
    still holds the pages as they were.
    ``False`` when somebody was reading: the next round tries again. PostgreSQL clears up by itself, in its own time
    (see the runbook).
    """
    if stores.engine.dialect.name != "sqlite":
        return True
    with stores.reading.begin() as store:
        lately = exists().where(ErasureRequest.state == "done", ErasureRequest.decided_at > now() - WIPED_FOR)
        if not store.scalar(select(lately)):
            return True
    connection = stores.engine.raw_connection()
    try:
        cursor = connection.cursor()
        (waits,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout=500")  # nobody who writes is kept waiting for long
        (busy, _, _) = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        cursor.execute(f"PRAGMA busy_timeout={waits}")
        cursor.close()
    finally:
        connection.close()
    return not busy
