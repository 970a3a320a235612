"""Erasure: a person is taken out of every table, and counts without anybody stay, so that totals stay true.

What belongs to a person is not listed here: it is worked out from the tables. Whatever names one of the person's rows
by its id is the person's too, and goes; so a table that is added later follows by itself. Two kinds of rows stay: the
audit, which holds codes and ids alone, and the request to be erased, which loses its link and its words.

Nothing is ever erased by the clock: a manager decides, by name.
"""

import calendar
import re
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Uuid, delete, exists, inspect, or_, select, update
from sqlalchemy.orm import Session

from portal import access, audit, notifications, reading, services, tasks
from portal.access import Actor, Permission, rows_of
from portal.clock import LONDON, now
from portal.instruments import Direction, Instrument, NotAnAnswer, Number, catalogue, score
from portal.store import (
    Alert,
    AuditEvent,
    AuditSeal,
    Base,
    CheckIn,
    Comment,
    Goal,
    GoalRating,
    ItemAnswer,
    MeasureResponse,
    Record,
    Referral,
    ReferralNeed,
    Service,
    ServiceUser,
    Stores,
    Tally,
    Task,
    TurnedAway,
)
from portal.store import ErasureRequest as ErasureRequest  # the doors name it in their types
from portal.store.once import write_once

Totals = dict[tuple[date, str, str], int]
"""How often, by (the first day of the month, what is counted, its value)."""

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


def _open_alerts(store: Session, service_id: uuid.UUID, found: "_Rows") -> list[Alert]:
    there = rows_of(service_id, Alert).where(Alert.closed_at.is_(None))
    return [alert for some in _slices(found["alert"]) for alert in store.scalars(there.where(Alert.id.in_(some)))]


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

_Rows = dict[str, set[uuid.UUID]]
"""The ids of rows by the name of their table."""

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


def _slices(ids: Collection[uuid.UUID], size: int = 500) -> Iterator[list[uuid.UUID]]:
    listed = sorted(ids)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


def _rows_of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, *, lock: bool) -> _Rows:
    """Every row that belongs to a person, from the person downwards.

    ``lock`` holds them all, and gives up at once when somebody else has one in hand (OperationalError: try again in a
    moment), so that an erasure never waits for those who wait for it.
    """
    found: _Rows = {table.__tablename__: set() for table in _tables()}
    fresh: _Rows = {ServiceUser.__tablename__: {person_id}}
    while any(fresh.values()):
        for name, ids in fresh.items():
            found[name] |= ids
        fresh = _next_rows(store, service_id, found, fresh, lock)
        if not any(fresh.values()):
            fresh = _named_in_once(store, service_id, found)
    return found


def _next_rows(store: Session, service_id: uuid.UUID, found: _Rows, fresh: _Rows, lock: bool) -> _Rows:
    """The rows that name those found last, and were not found before."""
    new: _Rows = {}
    for table in _tables():
        name = table.__tablename__
        gone = [getattr(table, column) for column in _GONE.get(name, ())]
        for to, ids in fresh.items():
            columns = pointers(table, to)
            for some in _slices(ids) if columns else ():
                rows = select(table.id, *gone).where(
                    table.service_id == service_id, or_(*(column.in_(some) for column in columns))
                )
                for row in store.execute(rows.with_for_update(nowait=True, of=table) if lock else rows):
                    if row.id not in found[name]:
                        new.setdefault(name, set()).add(row.id)
                        new.setdefault("draft", set()).update(row[1:])
    return new


def _named_in_once(store: Session, service_id: uuid.UUID, found: _Rows) -> _Rows:
    """Rows that carry an id of the person's in ``once``: a message to the staff about a referral, for one."""
    theirs = set().union(*found.values())
    new: _Rows = {}
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


def _leave_tallies(store: Session, service_id: uuid.UUID, found: _Rows) -> None:
    """In one order, so that two erasures at once take turns."""
    for (month, what, value), number in sorted(_counted(store, service_id, found).items()):
        same = (
            Tally.service_id == service_id,
            Tally.month == month,
            Tally.what == what,
            Tally.value == value,
        )
        fresh = Tally(service_id=service_id, month=month, what=what, value=value, count=0)
        write_once(store, fresh, select(Tally).where(*same))
        store.execute(update(Tally).where(*same).values(count=Tally.count + number))


def _empty(store: Session, service_id: uuid.UUID, found: _Rows) -> None:
    for table, columns in EMPTIED.items():
        for some in _slices(found[table.__tablename__]):
            rows = update(table).where(table.service_id == service_id, table.id.in_(some))
            store.execute(rows.values(dict.fromkeys(columns)), execution_options={"synchronize_session": False})


def _delete(store: Session, service_id: uuid.UUID, found: _Rows) -> None:
    """Those first that point to others; a record that was made one with another before the one that was kept."""
    store.flush()
    for some in _slices(found[ServiceUser.__tablename__]):
        merged = update(ServiceUser).where(ServiceUser.service_id == service_id, ServiceUser.id.in_(some))
        store.execute(merged.values(merged_into=None), execution_options={"synchronize_session": False})
    going = [table for table in reversed(_tables()) if table not in EMPTIED]
    for table in going:
        for some in _slices(found[table.__tablename__]):
            rows = delete(table).where(table.service_id == service_id, table.id.in_(some))
            store.execute(rows, execution_options={"synchronize_session": False})
    for row in list(store.identity_map.values()):
        state = inspect(row)
        if isinstance(row, tuple(going)) and state.identity[1] in found[state.mapper.local_table.name]:
            store.expunge(row)
    store.expire_all()


# Counts --------------------------------------------------------------------------------------------------------------

Counted = tuple[date, str, str]
Counting = Callable[[Session, uuid.UUID, _Rows | None], Iterable[Counted]]
"""Counts rows of a service, or only those rows. What one person adds must depend on that person's rows alone."""


def _month(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(LONDON)).date().replace(day=1)


def _among(column: Any, ids: Collection[uuid.UUID] | None) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """The conditions under which a query finds these rows, some at a time; all rows for ``None``."""
    if ids is None:
        yield ()
    else:
        for some in _slices(ids):
            yield (column.in_(some),)


@dataclass(frozen=True)
class _By:
    """Counts the rows of a table by month and by what stands in some columns; rows without one of them do not count."""

    what: str
    table: type[Record]
    moment: Any
    values: tuple[Any, ...]
    among: tuple[Any, ...] = field(default=())

    def __call__(self, store: Session, service_id: uuid.UUID, only: _Rows | None) -> Iterator[Counted]:
        """Every row once."""
        there = (one.is_not(None) for one in (self.moment, *self.values))
        rows = select(self.moment, *self.values).where(self.table.service_id == service_id, *there, *self.among)
        for condition in _among(self.table.id, None if only is None else only[self.table.__tablename__]):
            for moment, *values in store.execute(rows.where(*condition)):
                yield _month(moment), self.what, "/".join(str(value) for value in values)


def _scores(store: Session, service_id: uuid.UUID, only: _Rows | None) -> Iterator[Counted]:
    """Each score of each finished response by its value (none, where too much was left out), apart for the first time
    and later ones; and how far it moved from the first time to the latest of a referral."""
    answers = _answers(store, service_id, only)
    rows = (
        select(MeasureResponse, CheckIn.referral_id, CheckIn.occasion)
        .join(CheckIn, (CheckIn.service_id == MeasureResponse.service_id) & (CheckIn.id == MeasureResponse.check_in_id))
        .where(MeasureResponse.service_id == service_id, MeasureResponse.completed_at.is_not(None))
    )
    lines: dict[tuple[uuid.UUID, str, str, str], list[tuple[bool, datetime, Number | None]]] = {}
    for condition in _among(MeasureResponse.id, None if only is None else only["measure_response"]):
        for response, referral_id, occasion in store.execute(rows.where(*condition)):
            if response.completed_at is None or (instrument := _instrument(response)) is None:
                continue
            first = occasion == "baseline"
            for code, value in _values(instrument, answers.get(response.id, {})):
                when = "baseline" if first else "later"
                yield _month(response.completed_at), f"score:{response.scale}:{code}:{when}", _shown(value)
                if instrument.score_by_code[code].direction is not Direction.CATEGORY:
                    line = (referral_id, response.scale, response.scale_version, code)
                    lines.setdefault(line, []).append((first, response.completed_at, value))
    for (_, scale, _, code), points in lines.items():
        before = [value for first, _, value in points if first and value is not None]
        after = [
            (at, value)
            for first, at, value in sorted(points, key=lambda one: one[1])
            if not first and value is not None
        ]
        if before and after:
            yield _month(after[-1][0]), f"change:{scale}:{code}", _shown(after[-1][1] - before[0])


def _instrument(response: MeasureResponse) -> Instrument | None:
    try:
        return catalogue().version(response.scale, response.scale_version)
    except KeyError:
        return None


def _answers(store: Session, service_id: uuid.UUID, only: _Rows | None) -> dict[uuid.UUID, dict[str, int | None]]:
    """What counts of each response, by item: the last answer that came in time."""
    rows = rows_of(service_id, ItemAnswer).where(ItemAnswer.late.is_(False)).order_by(ItemAnswer.id)
    found: dict[uuid.UUID, dict[str, int | None]] = {}
    for condition in _among(ItemAnswer.response_id, None if only is None else only["measure_response"]):
        for row in store.scalars(rows.where(*condition)):
            found.setdefault(row.response_id, {})[row.item] = row.answer.get("value")
    return found


def _values(instrument: Instrument, answers: Mapping[str, int | None]) -> list[tuple[str, Number | None]]:
    try:
        return [(code, one.value) for code, one in score(instrument, answers).items()]
    except NotAnAnswer:  # an erasure must not fail over an answer that no form of ours offers
        return []


def _shown(value: Number | None) -> str:
    return "none" if value is None else str(value)


def _goal_ratings(store: Session, service_id: uuid.UUID, only: _Rows | None) -> Iterator[Counted]:
    """The first and the latest rating of each goal, and how far it moved, by the month in which the goal was set."""
    rows = (
        select(Goal.id, Goal.created_at, GoalRating.rating)
        .join(GoalRating, (GoalRating.service_id == Goal.service_id) & (GoalRating.goal_id == Goal.id))
        .where(Goal.service_id == service_id, GoalRating.rating.is_not(None))
        .order_by(GoalRating.id)
    )
    for condition in _among(Goal.id, None if only is None else only["goal"]):
        rated: dict[tuple[uuid.UUID, datetime], list[int]] = {}
        for goal_id, set_at, rating in store.execute(rows.where(*condition)):
            if rating is not None:
                rated.setdefault((goal_id, set_at), []).append(rating)
        for (_, set_at), ratings in rated.items():
            yield _month(set_at), "goal-rating-first", str(ratings[0])
            yield _month(set_at), "goal-rating-latest", str(ratings[-1])
            if len(ratings) > 1:
                yield _month(set_at), "goal-rating-change", str(ratings[-1] - ratings[0])


def _days_to_decision(store: Session, service_id: uuid.UUID, only: _Rows | None) -> Iterator[Counted]:
    """Whole days from referral to decision."""
    rows = select(Referral.referred_at, Referral.decided_at).where(
        Referral.service_id == service_id, Referral.decided_at.is_not(None)
    )
    for condition in _among(Referral.id, None if only is None else only["referral"]):
        for referred, decided in store.execute(rows.where(*condition)):
            if decided is not None:
                yield _month(referred), "referral-days-to-decision", str((decided - referred).days)


_OF_NEED = (ReferralNeed.service_id == Referral.service_id, ReferralNeed.referral_id == Referral.id)
_FINISHED = (MeasureResponse.completed_at.is_not(None),)

COUNTINGS: tuple[Counting, ...] = (
    _By("referral-status", Referral, Referral.referred_at, (Referral.status,)),
    _By("referral-source-channel", Referral, Referral.referred_at, (Referral.source_channel,)),
    _By("referral-language", Referral, Referral.referred_at, (Referral.language,)),
    _By("referral-referrer-type", Referral, Referral.referred_at, (Referral.referrer_type,)),
    _By("referral-urgency", Referral, Referral.referred_at, (Referral.urgency,)),
    _By("referral-reason", Referral, Referral.referred_at, (Referral.reason,)),
    _days_to_decision,
    _By("need", ReferralNeed, Referral.referred_at, (ReferralNeed.need,), _OF_NEED),
    _By("check-in", CheckIn, CheckIn.due_at, (CheckIn.occasion, CheckIn.status)),
    _By("check-in-why-not", CheckIn, CheckIn.due_at, (CheckIn.why_not,)),
    _By("response-scale", MeasureResponse, MeasureResponse.completed_at, (MeasureResponse.scale,), _FINISHED),
    _By("response-language", MeasureResponse, MeasureResponse.completed_at, (MeasureResponse.language,), _FINISHED),
    _By("response-mode", MeasureResponse, MeasureResponse.completed_at, (MeasureResponse.response_mode,), _FINISHED),
    _By("response-by", MeasureResponse, MeasureResponse.completed_at, (MeasureResponse.completed_by,), _FINISHED),
    _scores,
    _By("goal-status", Goal, Goal.created_at, (Goal.status,)),
    _By("goal-need", Goal, Goal.created_at, (Goal.need,)),
    _goal_ratings,
    _By("comment-kind", Comment, Comment.created_at, (Comment.kind,)),
    _By("alert-rule", Alert, Alert.created_at, (Alert.rule,)),
)
"""Everything that is counted and stays true when people are erased. Each is one dimension and the month, never two
together (but for a check-in's occasion and what became of it): a crossing could single somebody out."""


def _counted(store: Session, service_id: uuid.UUID, only: _Rows | None = None) -> "Counter[Counted]":
    return Counter(one for counting in COUNTINGS for one in counting(store, service_id, only))


def totals(store: Session, service_id: uuid.UUID) -> Totals:
    """Every count by month: of the rows that are there, and of the people who have been erased. Who shows them hides
    small numbers."""
    found = _counted(store, service_id)
    for left in store.scalars(select(Tally).where(Tally.service_id == service_id)):
        found[left.month, left.what, left.value] += left.count
    for away in store.scalars(select(TurnedAway).where(TurnedAway.service_id == service_id)):
        found[away.month, "turned-away", away.reason] += away.count
    return dict(found)


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
