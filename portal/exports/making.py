"""Making the copy, and who has looked."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, or_
from sqlalchemy.orm import Session

from portal import access, audit
from portal.access import ROLE_NAMES, Role
from portal.caseload.lists import READING_REASONS, entry
from portal.clock import now
from portal.exports.saying import Book
from portal.exports.telling import Told
from portal.exports.told import TOLD
from portal.exports.tree import REASONS, Entry, Everything, Field, LeftOut, Reason, Section
from portal.exports.words import CHANGING, NAMES, READING, say_act
from portal.i18n import LONDON, gettext, spoken
from portal.store import (
    AuditEvent,
    Draft,
    ReadingReason,
    Record,
    Referral,
    Service,
    ServiceUser,
    Staff,
)


class Gone(LookupError):
    """There is no such person in this service."""


def everything(store: Session, service: Service, person_id: uuid.UUID) -> Everything:
    """Everything that is kept about a person, in the language now spoken. Raises ``Gone``."""
    book = open_book(store, service, person_id)
    sections = tuple(
        Section(
            told.code,
            gettext(told.title),
            tuple(Entry(str(row.id), row.created_at, tuple(_fields(book, told, row))) for row in book.rows[told.table]),
        )
        for told in TOLD
    )
    return Everything(service.name, now(), spoken().code, sections, tuple(_left_out(book)))


def write_down(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, form: str) -> None:
    """Somebody on the person's page makes a copy: that is written down as every reading is."""
    audit.record(store, service_id, None, "downloaded their record", "service_user", person_id, form=form)


def open_book(store: Session, service: Service, person_id: uuid.UUID) -> Book:
    """The person's rows in every table, the oldest first. Raises ``Gone``."""
    book = Book(store, service, {one.id: one for one in store.scalars(access.rows_of(service.id, Staff))})
    book.ids[ServiceUser] = _all_of(store, service.id, person_id)
    for told in TOLD:
        rows = store.scalars(_rows_of(book, told).order_by(told.table.id)).all()
        book.rows[told.table] = rows
        book.ids.setdefault(told.table, set()).update(row.id for row in rows)
        if told.table is Referral:
            # The form that it was, before it was sent: what staff did with that is the person's too.
            book.ids[Draft] = {row.draft_id for row in book.rows[Referral]}
    return book


def _rows_of(book: Book, told: Told) -> Select[Record]:
    table: Any = told.table
    mine: Select[Record] = access.rows_of(book.service.id, table)
    if table is AuditEvent:
        return mine.where(AuditEvent.about_id.in_({one for ids in book.ids.values() for one in ids}))
    return mine.where(or_(*(getattr(table, column).in_(book.ids[target]) for column, target in told.by.items())))


def _all_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> set[uuid.UUID]:
    """The person's record, and those that were found to be theirs too."""
    if store.get(ServiceUser, (service_id, person_id)) is None:
        raise Gone
    found: set[uuid.UUID] = set()
    new = {person_id}
    while new:
        found |= new
        into = access.rows_of(service_id, ServiceUser).where(ServiceUser.merged_into.in_(new))
        new = {one.id for one in store.scalars(into)} - found
    return found


def _fields(book: Book, told: Told, row: Record) -> Iterator[Field]:
    for column, say in told.columns.items():
        if not _is_told(told, row, column):
            continue
        for rest, name, value, words in say(book, row, getattr(row, column)):
            code = f"{column}.{rest}" if rest else column
            yield Field(code, name or gettext(NAMES.get(column, column)), _as_json(value), words)


def _is_told(told: Told, row: Record, column: str) -> bool:
    return column not in told.only_where or bool(getattr(row, told.only_where[column]))


def _as_json(value: object) -> object:
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _left_out(book: Book) -> Iterator[LeftOut]:
    for reason, words in REASONS.items():
        found = [(told, column) for told in TOLD for column, why in told.left_out.items() if why is reason]
        times = sum(getattr(row, column) not in (None, "") for told, column in found for row in book.rows[told.table])
        if reason is Reason.STAFF_WORDS:
            found += (some := [(told, column) for told in TOLD for column in told.only_where])
            times += sum(not _is_told(told, row, column) for told, column in some for row in book.rows[told.table])
        yield LeftOut(reason, gettext(words), tuple(f"{told.code}.{column}" for told, column in found), times)


@dataclass(frozen=True)
class Look:
    """Somebody of the staff read something of a person's record on a day."""

    on: date
    name: str
    role: str
    what: str
    why: str = ""
    """The reason that they gave, where the record was not part of their own work."""


def who_looked(store: Session, service: Service, person_id: uuid.UUID) -> list[Look]:
    """Who of the staff has read what, and who changed what the person told, a line for each day, the latest first.
    Raises ``Gone``."""
    book = open_book(store, service, person_id)
    found: dict[Look, None] = {}
    for event in reversed(book.rows[AuditEvent]):
        who = book.staff.get(event.actor_id)
        if who is not None and (event.act.startswith(READING) or event.act in CHANGING):
            day = event.created_at.astimezone(LONDON).date()
            role, why = gettext(ROLE_NAMES[Role(who.role)]), _why(book, event)
            found.setdefault(Look(day, who.name, role, say_act(event.act), why))
    return list(found)


def _why(book: Book, event: AuditEvent) -> str:
    """The reason that counted when somebody looked, in the words of the list; the worker's own stay with the staff."""
    given = [
        row.reason
        for row in book.rows[ReadingReason]
        if row.staff_id == event.actor_id and row.created_at <= event.created_at < row.ends_at
    ]
    listed = entry(READING_REASONS, given[-1]) if given else None
    return gettext(listed.label) if listed else ""
