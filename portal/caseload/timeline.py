"""Everything that happened in a case, in one line of time, newest first, a page at a time.

One query for each kind of thing, each of them bounded by the page; nothing is written down twice to be shown here. What
is written down about safeguarding is not in it: it has a page and a permission of its own.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from portal import access, referrals
from portal.access import Actor, Permission
from portal.caseload.risks import said_anew
from portal.people.correcting import CHANGED
from portal.store import (
    AccessNeed,
    Alert,
    AlertEvent,
    AuditEvent,
    CarePlan,
    CarePlanVersion,
    CaseMove,
    CaseNote,
    CheckIn,
    Contact,
    Goal,
    GoalChange,
    Letter,
    Message,
    Onward,
    OnwardChange,
    Record,
    Referral,
    ReferralChange,
    Risk,
)
from portal.store import Permission as Allowed

MOST = 30


@dataclass(frozen=True)
class Moment:
    """One thing that happened: when, its ``kind`` (KINDS), by whom (empty for the person and the portal), the row it is
    about, and facts by name: codes, dates and the words of the row."""

    at: datetime
    kind: str
    about_id: uuid.UUID
    by: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A part of the line, newest first, and where the next one begins (empty when there is nothing older)."""

    moments: tuple[Moment, ...]
    older: str


@dataclass(frozen=True)
class _Source:
    """Where one kind of moment comes from: the rows of a table that are this case's, by when, by whom, and the columns
    that are its facts."""

    kind: str
    table: type[Any]
    at: InstrumentedAttribute[Any]
    mine: Callable[[Referral], ColumnElement[bool]]
    by: str = ""
    facts: tuple[str, ...] = ()


def _of_referral(table: type[Any]) -> Callable[[Referral], ColumnElement[bool]]:
    return lambda referral: table.referral_id == referral.id


def _of_person(table: type[Any]) -> Callable[[Referral], ColumnElement[bool]]:
    return lambda referral: table.person_id == referral.person_id


def _through(
    column: InstrumentedAttribute[Any], table: type[Any], of: str
) -> Callable[[Referral], ColumnElement[bool]]:
    """The rows that belong to rows of the case (``of`` referral) or of the person."""

    def mine(referral: Referral) -> ColumnElement[bool]:
        own = table.referral_id == referral.id if of == "referral" else table.person_id == referral.person_id
        return column.in_(select(table.id).where(table.service_id == referral.service_id, own))

    return mine


def _really_ended(referral: Referral) -> ColumnElement[bool]:
    return (Risk.person_id == referral.person_id) & ~said_anew()


def _given(referral: Referral) -> ColumnElement[bool]:
    return (AuditEvent.about_id == referral.id) & (AuditEvent.act == referrals.GAVE)


def _corrected(referral: Referral) -> ColumnElement[bool]:
    return AuditEvent.about_id.in_((referral.person_id, referral.id)) & (AuditEvent.act == CHANGED)


_SOURCES: tuple[_Source, ...] = (
    _Source(
        "status",
        ReferralChange,
        ReferralChange.created_at,
        _of_referral(ReferralChange),
        "changed_by",
        ("became", "reason", "words"),
    ),
    _Source("given", AuditEvent, AuditEvent.created_at, _given, "actor_id", ("details",)),
    _Source("details", AuditEvent, AuditEvent.created_at, _corrected, "actor_id", ("details",)),
    _Source(
        "contact",
        Contact,
        Contact.happened_at,
        _of_referral(Contact),
        "worker_id",
        ("outcome", "mechanism", "direction", "notes", "shared_note"),
    ),
    _Source(
        "note", CaseNote, CaseNote.created_at, _of_referral(CaseNote), "written_by", ("words", "shared", "corrects")
    ),
    _Source(
        "plan",
        CarePlanVersion,
        CarePlanVersion.created_at,
        _through(CarePlanVersion.plan_id, CarePlan, "referral"),
        "made_by",
        ("number", "content"),
    ),
    _Source(
        "goal",
        GoalChange,
        GoalChange.created_at,
        _through(GoalChange.goal_id, Goal, "person"),
        "changed_by",
        ("what", "goal_id"),
    ),
    _Source("asked", CheckIn, CheckIn.asked_at, _of_referral(CheckIn), "", ("occasion", "number")),
    _Source("answered", CheckIn, CheckIn.completed_at, _of_referral(CheckIn), "", ("occasion", "number")),
    _Source(
        "onward",
        OnwardChange,
        OnwardChange.created_at,
        _through(OnwardChange.onward_id, Onward, "referral"),
        "changed_by",
        ("status", "onward_id", "reason"),
    ),
    _Source("letter-waits", Letter, Letter.created_at, _of_referral(Letter), "", ("recipient", "occasion")),
    _Source("letter-sent", Letter, Letter.sent_at, _of_referral(Letter), "sent_by", ("recipient", "occasion", "state")),
    _Source(
        "alert",
        AlertEvent,
        AlertEvent.created_at,
        _through(AlertEvent.alert_id, Alert, "referral"),
        "staff_id",
        ("what", "alert_id", "what_was_done"),
    ),
    _Source("message", Message, Message.created_at, _of_referral(Message), "", ("template", "state", "channel")),
    _Source("permission", Allowed, Allowed.created_at, _of_person(Allowed), "recorded_by", ("kind", "decision")),
    _Source("risk", Risk, Risk.created_at, _of_person(Risk), "recorded_by", ("kind", "words")),
    _Source("risk-ended", Risk, Risk.ended_at, _really_ended, "ended_by", ("kind", "words")),
    _Source("access-need", AccessNeed, AccessNeed.created_at, _of_person(AccessNeed), "recorded_by", ("need", "said")),
    _Source(
        "access-need-reviewed", AccessNeed, AccessNeed.reviewed_at, _of_person(AccessNeed), "reviewed_by", ("need",)
    ),
    _Source("access-need-ended", AccessNeed, AccessNeed.ended_at, _of_person(AccessNeed), "ended_by", ("need",)),
    _Source("moved", CaseMove, CaseMove.created_at, _of_referral(CaseMove), "moved_by", ("to_service", "to_reference")),
)

KINDS = tuple(source.kind for source in _SOURCES)
"""Every kind of thing that a line may be about."""


def page(store: Session, actor: Actor, referral: Referral, *, before: str = "", most: int = MOST) -> Page:
    """The moments before the given place; a place that cannot be read is the beginning."""
    access.require(actor, Permission.READ_REFERRAL)
    place = _read_place(before)
    names = referrals.staff_names(store, actor)
    found = [
        _moment(source, row, names) for source in _SOURCES for row in _rows(store, source, referral, place, most + 1)
    ]
    found.sort(key=lambda one: (one.at, one.about_id), reverse=True)
    shown = found[:most]
    return Page(tuple(_with_names(store, referral, shown)), _place_of(shown[-1]) if len(found) > most else "")


def _rows(
    store: Session, source: _Source, referral: Referral, place: tuple[datetime, uuid.UUID] | None, most: int
) -> Iterator[Any]:
    table: Any = source.table
    wanted = access.rows_of(referral.service_id, table).where(source.at.is_not(None), source.mine(referral))
    if place:
        wanted = wanted.where((source.at < place[0]) | ((source.at == place[0]) & (table.id < place[1])))
    yield from store.scalars(wanted.order_by(source.at.desc(), table.id.desc()).limit(most))


def _moment(source: _Source, row: Record, names: Mapping[uuid.UUID, str]) -> Moment:
    by = getattr(row, source.by) if source.by else None
    facts = {name: getattr(row, name) for name in source.facts}
    if source.kind == "given":
        facts = {"to": names.get(uuid.UUID(facts["details"]["to"]), "")}
    if source.kind == "details":
        facts = {"fields": tuple(facts["details"]["fields"])}
    if source.kind == "plan":
        facts = {"number": facts["number"], "act": facts["content"]["act"]}
    return Moment(getattr(row, source.at.key), source.kind, row.id, names.get(by, "") if by else "", facts)


_NAMED: Mapping[str, tuple[str, type[Any], str]] = {
    "goal": ("goal_id", Goal, "words"),
    "onward": ("onward_id", Onward, "activity_name"),
    "alert": ("alert_id", Alert, "rule"),
}
"""What a moment is about, where its own row does not say it: the fact that names the row, its table, the column."""


def _with_names(store: Session, referral: Referral, moments: "list[Moment]") -> Iterator[Moment]:
    names: dict[uuid.UUID, Any] = {}
    for kind, (fact, table, column) in _NAMED.items():
        ids = {one.facts[fact] for one in moments if one.kind == kind}
        if ids:
            rows = store.scalars(access.rows_of(referral.service_id, table).where(table.id.in_(ids)))
            names |= {row.id: getattr(row, column) for row in rows}
    for one in moments:
        if one.kind in _NAMED:
            fact, _, column = _NAMED[one.kind]
            yield Moment(one.at, one.kind, one.about_id, one.by, {**one.facts, column: names.get(one.facts[fact])})
        else:
            yield one


_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def _place_of(one: Moment) -> str:
    return f"{(one.at - _BEGINNING) // timedelta(microseconds=1)}-{one.about_id.hex}"


def _read_place(typed: str) -> tuple[datetime, uuid.UUID] | None:
    micros, _, row = typed.partition("-")
    if not (micros.isascii() and micros.isdigit() and len(micros) <= 17):
        return None
    try:
        return _BEGINNING + timedelta(microseconds=int(micros)), uuid.UUID(row)
    except (ValueError, OverflowError):
        return None
