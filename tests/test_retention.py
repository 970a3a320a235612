"""Erasure: nothing of the person is left anywhere, nothing of anybody else is touched, and every total stays the same.

The person under test has a marker in every column of every table that could hold words of theirs; the rows are made
from the tables themselves, so that a table or a column that is added later is searched as well.
"""

import ast
import re
import sqlite3
import threading
import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Boolean, Date, Integer, LargeBinary, String, Uuid, func, select, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from portal import (
    accounts,
    alerts,
    audit,
    clock,
    codes,
    experience,
    goals,
    held,
    measures,
    notifications,
    people,
    referrals,
    retention,
    rounds,
    tasks,
)
from portal.access import Actor, Refused, Role
from portal.clock import now
from portal.instruments import catalogue
from portal.notifications import Outgoing, Words
from portal.retention import AlertsOpen, AlreadyDecided, Gone, NeedsWords
from portal.store import (
    Alert,
    AuditEvent,
    Base,
    CheckIn,
    ErasureRequest,
    GoalRating,
    ItemAnswer,
    MeasureResponse,
    Message,
    Record,
    Referral,
    Service,
    ServiceUser,
    Staff,
    Stores,
    Tally,
    Task,
    database,
    open_store,
)
from portal.store.database import Encrypted, UTCDateTime
from tests.lived import reads, two_check_ins_and_two_goals
from tests.world import a_referral, a_service, staff_member

NOBODYS = {
    *("service", "staff", "duty", "recovery_code", "invitation", "sign_in", "tries"),
    *("turned_away", "tally", "friends_and_family", "you_said", "service_scale", "scale_text"),
    *("audit_event", "audit_seal"),
    *("activity", "activity_place", "activity_tag", "activity_time", "feed", "feed_run", "provider", "postcode_place"),
    "topic_needs",
    *("ceremony", "identity_provider", "outside_account", "passkey"),
    *("kiosk", "practice", "saved_view", "service_text"),
}
"""Tables that hold nothing about one person by design: what belongs to the service, counts, and the audit."""

CODES: dict[str, dict[str, object]] = {
    "referral": {
        "status": "accepted",
        "source_channel": "portal",
        "language": "en",
        "referrer_type": "self",
        "urgency": "fine",
        "reason": "moved",
    },
    "service_user": {"gp_practice_code": "V81999"},
    "referral_need": {"need": "food"},
    "check_in": {"occasion": "review", "status": "completed", "why_not": "moved"},
    "measure_response": {
        "scale": "ons4",
        "scale_version": "1",
        "language": "en",
        "response_mode": "web",
        "completed_by": "self",
    },
    "item_answer": {"late": False},
    "goal": {"status": "active", "need": "food"},
    "comment": {"kind": "complaint"},
    "alert": {"rule": "not-safe"},
    "contact": {"outcome": "spoke", "mechanism": "telephone", "ais_met": "yes", "results": ["plan-made"]},
    "care_plan": {"agreed": "yes"},
    "plan_action": {"status": "planned"},
    "onward": {"kind": "signpost", "need": "food", "status": "offered", "barriers": ["cost"]},
    "closure": {"reason": "goals-met", "outcomes": {"food": "resolved"}},
    "letter": {"recipient": "gp", "state": "waiting"},
    "message": {"state": "waiting", "template": "referral-received", "details": {"reference": "K7QF-2M9T-1"}},
    "contact_way": {"channel": "email", "allowed": True},
    "task": {"kind": "tell-the-person"},
    "erasure_request": {"state": "refused"},
    "draft": {"journey": "self-referral"},
}
"""Columns that hold a code of ours, by their table: every other column that can hold words gets the marker. What is
counted must stand here, or the marker lands in a total and the search finds it."""


# A person with a marker everywhere ------------------------------------------------------------------------------------


@dataclass
class Marked:
    """Somebody whose every word is a marker (7 letters); ``rows``: the ids of what was made for them, by table."""

    marker: str
    person_id: uuid.UUID
    referral: Referral
    rows: dict[str, uuid.UUID] = field(default_factory=dict)


def _reachable() -> list[type[Record]]:
    """Every table that names a person, directly or by another one, worked out by foreign keys alone."""
    known = {mapper.local_table: mapper.class_ for mapper in Base.registry.mappers}
    names = {"service_user"}
    while True:
        more = {
            table.name
            for table in Base.metadata.tables.values()
            for key in table.foreign_keys
            if key.column.table.name in names and table.name not in names
        }
        if not more:
            break
        names |= more
    return [known[table] for table in Base.metadata.sorted_tables if table.name in names]


def _value(column: Any, marked: Marked, staff: Staff) -> object:
    kind = column.type
    targets = {key.column.table.name for key in column.foreign_keys}
    if isinstance(kind, Uuid):
        if column.name == "service_id":
            return staff.service_id
        if column.primary_key or not targets:
            return codes.new_id()
        target = next(one for one in targets if one != "service")
        if target not in marked.rows and column.nullable:
            return None  # it leads to the directory or to a screen, or to another row of its own table
        return staff.id if target == "staff" else marked.rows[target]
    if isinstance(kind, Encrypted | JSON):
        # Words stand in texts, in lists and in mappings.
        told = str(_annotation(column))
        if "dict" in told:
            return {"words": [marked.marker]}
        return [marked.marker] if "list" in told else marked.marker
    simple: list[tuple[type, object]] = [
        (UTCDateTime, now()),
        (Boolean, True),
        (Integer, 1),
        (Date, date(2026, 5, 1)),
        (LargeBinary, marked.marker.encode()),
        (String, f"{marked.marker}-{codes.new_key()[:9]}" if column.unique else marked.marker),
    ]
    return next(value for of, value in simple if isinstance(kind, of))


def _annotation(column: Any) -> object:
    return next(
        mapper.class_.__annotations__[column.name]
        for mapper in Base.registry.mappers
        if mapper.local_table is column.table
    )


def fill(store: Session, marked: Marked, staff: Staff) -> None:
    """One more row in every table that names a person, with the marker in whatever can hold words."""
    for table in _reachable():
        name = table.__tablename__
        given = CODES.get(name, {})
        values = {
            column.key: given[column.key] if column.key in given else _value(column, marked, staff)
            for column in table.__table__.columns
        }
        store.add(table(**values))
        store.flush()
        marked.rows[name] = uuid.UUID(str(values["id"]))


def a_marked_person(store: Session, service: Service, staff: Staff, marker: str) -> Marked:
    """Taken in page by page, with alerts, permissions and a message that waits, and then a row of everything."""
    named = marker.capitalize()
    referral = a_referral(
        store,
        service,
        answers={
            "first_name": named,
            "family_name": named,
            "preferred_name": named,
            "what_matters": f"{named} would like to meet people.",
            "access_detail": named,
            "safe_ways": ["call", "email"],
            "email": f"{marker}@inbox.example",
            "share_onward": "yes",
        },
    )
    marked = Marked(marker, referral.person_id, referral)
    marked.rows["service_user"], marked.rows["referral"] = referral.person_id, referral.id
    for way in people.ways_of(store, service.id, referral.person_id):
        way.confirmed_at = now()
    notifications.tell_person(store, service, referral.person_id, "referral-accepted", once=f"a:{referral.id}")
    fill(store, marked, staff)
    return marked


@dataclass
class Place:
    """A service with two people full of markers, and somebody who may erase."""

    service: Service
    manager: Actor
    worker: Actor
    staff: Staff
    one: Marked
    other: Marked


def a_place(store: Session, slug: str = "here") -> Place:
    service = a_service(store, slug)
    manager, worker = staff_member(store, service, Role.MANAGER).actor, staff_member(store, service).actor
    staff = store.get_one(Staff, (service.id, worker.staff_id))
    one = a_marked_person(store, service, staff, "qzvilma")
    other = a_marked_person(store, service, staff, "qzbruno")
    for marked in (one, other):
        _answered(store, marked, staff)
    store.flush()
    return Place(service, manager, worker, staff, one, other)


def _answered(store: Session, marked: Marked, staff: Staff) -> None:
    """A scale answered twice and a goal rated three times, so that there is something to count."""
    instrument = catalogue()["ons4"]
    for number, occasion in enumerate(("baseline", "closure")):
        times = {"opens_at": now(), "due_at": now(), "closes_at": now(), "completed_at": now() + timedelta(days=number)}
        of = {"service_id": staff.service_id, "person_id": marked.person_id}
        check_in = CheckIn(
            **of,
            id=codes.new_id(),
            referral_id=marked.referral.id,
            occasion=occasion,
            number=90,
            scales=[],
            status="completed",
            **times,
        )
        store.add(check_in)
        store.flush()
        response = MeasureResponse(
            **of,
            id=codes.new_id(),
            check_in_id=check_in.id,
            scale="ons4",
            scale_version=instrument.version,
            language="en",
            text_status="shipped",
            wording_hash="0" * 64,
            completed_by="self",
            response_mode="web",
            completed_at=times["completed_at"],
        )
        store.add(response)
        store.flush()
        for item in instrument.items:
            value = sorted(one.value for one in instrument.options(item.code) if one.value is not None)[3 + number]
            kept = {"service_id": staff.service_id, "response_id": response.id, "item": item.code}
            store.add(ItemAnswer(**kept, answer={"option": "x", "value": value}))
    for rating in (2, None, 7):
        said = {"language": "en", "completed_by": "self", "response_mode": "web"}
        store.add(GoalRating(service_id=staff.service_id, goal_id=marked.rows["goal"], rating=rating, **said))
    store.flush()


# Searching ------------------------------------------------------------------------------------------------------------


def read_everything(store: Session) -> dict[str, list[str]]:
    """Every row of every table in words, decrypted."""
    store.flush()
    return {
        table.name: [repr(tuple(row)) for row in store.execute(select(table))] for table in Base.metadata.sorted_tables
    }


def found_in(store: Session, *wanted: str) -> dict[str, int]:
    """In which tables any of these words stands, and in how many rows."""
    everything = read_everything(store)
    counted = {
        name: sum(any(one in row.lower() for one in wanted) for row in rows) for name, rows in everything.items()
    }
    return {name: number for name, number in counted.items() if number}


def dumped(store: Session) -> str:
    """What the database itself keeps, undecrypted."""
    plain = "text" if store.get_bind().dialect.name == "postgresql" else "blob"
    rows = [
        repr(value)
        for table in Base.metadata.sorted_tables
        for column in table.c
        for (value,) in store.execute(text(f'select cast("{column.name}" as {plain}) from "{table.name}"'))  # noqa: S608
    ]
    return "\n".join(rows).lower()


def rows_of(store: Session, marked: Marked) -> dict[str, list[str]]:
    """The rows in which this marker stands."""
    return {
        name: sorted(row for row in rows if marked.marker in row.lower())
        for name, rows in read_everything(store).items()
    }


@dataclass
class Kept:
    """Keeps what is sent."""

    sent: list[Outgoing] = field(default_factory=list)

    def send(self, outgoing: Outgoing) -> None:
        self.sent.append(outgoing)


def plainly(template: str, language: str, values: Mapping[str, object]) -> Words:
    return Words(template, language)


# Nothing is left ------------------------------------------------------------------------------------------------------


def test_every_table_either_names_a_person_and_is_searched_or_is_known_to_hold_nobody() -> None:
    reachable = {table.__tablename__ for table in _reachable()}
    assert reachable | NOBODYS == set(Base.metadata.tables)
    assert not reachable & NOBODYS


def test_the_room_finds_every_table_that_a_person_s_rows_stand_in(store: Session) -> None:
    place = a_place(store)
    found = retention.erasing._rows_of_person(store, place.service.id, place.one.person_id, lock=True)
    assert {name for name, ids in found.items() if ids} >= {table.__tablename__ for table in _reachable()}
    assert {
        name: place.one.rows[name] in ids for name, ids in found.items() if name in place.one.rows
    } == dict.fromkeys(place.one.rows, True)
    others = {place.other.person_id, *place.other.rows.values()}
    assert not others & set().union(*found.values())


def test_an_erased_person_is_nowhere_and_everybody_else_is_as_before(store: Session) -> None:
    place = a_place(store)
    elsewhere = a_place(store, "there")
    marker, ids = place.one.marker, [str(place.one.person_id), *map(str, place.one.rows.values())]
    ids.remove(str(place.one.rows["erasure_request"]))
    before = retention.totals(store, place.service.id)
    there = read_everything_of(store, elsewhere)
    theirs = rows_of(store, place.other)
    assert set(found_in_service(store, place, marker)) >= {
        table.__tablename__ for table in _reachable() if table.__tablename__ not in _WORDLESS
    }

    retention.erase(store, place.manager, person_id=place.one.person_id)
    store.commit()

    assert found_in_service(store, place, marker) == {}
    assert set(found_in_service(store, place, *ids)) <= {"audit_event"}
    assert retention.totals(store, place.service.id) == before
    assert rows_of(store, place.other) == theirs
    assert read_everything_of(store, elsewhere) == there
    assert audit.verify(store, place.service.id) == []


_WORDLESS = {"goal_level", "goal_rating", "referral_need"}
"""Tables with nothing but codes, numbers and ids."""


def read_everything_of(store: Session, place: Place) -> dict[str, list[str]]:
    mine = repr(place.service.id)
    return {name: sorted(row for row in rows if mine in row) for name, rows in read_everything(store).items()}


def found_in_service(store: Session, place: Place, *wanted: str) -> dict[str, int]:
    counted = {
        name: sum(any(one in row.lower() for one in wanted) for row in rows)
        for name, rows in read_everything_of(store, place).items()
    }
    return {name: number for name, number in counted.items() if number}


def _lived(store: Session, service: Service, manager: Actor, worker: Actor, named: str) -> Referral:
    """Somebody with a long story, through the rooms alone: every text of theirs, and about them, holds their name."""
    answers: dict[str, Any] = {"first_name": named, "family_name": named, "what_matters": f"{named} would rest."}
    referral, number = two_check_ins_and_two_goals(
        store, service, worker, **{**answers, "email": f"{named}@inbox.example"}
    )
    of = (store, service.id, referral.person_id)
    first = goals.of_person(*of)[0].goal
    goals.become(*of, first.id, goals.PUT_ASIDE)
    measures.new_link(store, measures.of_person(*of)[0])
    accounts.issue_code(store, worker, referral.person_id, referral.id)
    reads(store, service, referral, number)
    said = experience.comment(
        store,
        service,
        "complaint",
        f"{named} was not rung.",
        language="en",
        once=codes.new_key(),
        person_id=referral.person_id,
    )
    experience.reply(store, manager, said.id, f"Sorry, {named}.")
    asked = retention.ask_erasure(store, service, referral.person_id)
    retention.refuse_erasure(store, manager, asked.id, f"Not yet, {named}.")
    again = a_referral(store, service, answers={**answers, "urgency": "not-safe"})
    for alert in alerts.of_referral(store, manager, again.id):
        alerts.open_by_name(store, manager, alert.id)
        alerts.close(store, manager, alert.id, f"Rang {named}.")
    referrals.decline(store, service, worker, again.id, reason="moved-away", text=f"{named}.", word=f"Dear {named}.")
    people.merge(store, manager, referral.person_id, again.person_id)
    referrals.begin_again(store, service, referral, "en", codes.new_key())
    store.flush()
    return referral


@pytest.mark.slow
def test_somebody_with_a_long_story_through_the_rooms_is_nowhere_either_not_even_by_an_id(store: Session) -> None:
    service = a_service(store)
    manager, worker = staff_member(store, service, Role.MANAGER).actor, staff_member(store, service).actor
    one, other = (_lived(store, service, manager, worker, named) for named in ("qzvilma", "qzbruno"))
    # The audit is clean before anybody is erased: codes and ids alone.
    assert "audit_event" not in found_in(store, "qzvilma", "qzbruno")
    before, theirs = retention.totals(store, service.id), found_in(store, "qzbruno")
    rows = retention.erasing._rows_of_person(store, service.id, one.person_id, lock=False)
    ids = [str(each) for name, every in rows.items() if name != "erasure_request" for each in every]
    assert len([name for name, every in rows.items() if every]) > 18
    retention.erase(store, manager, person_id=one.person_id)
    store.commit()
    assert found_in(store, "qzvilma") == {}
    assert found_in(store, "qzbruno") == theirs
    assert set(found_in(store, *ids)) <= {"audit_event"}
    assert retention.totals(store, service.id) == before
    assert audit.verify(store, service.id) == []
    assert store.get(Referral, (service.id, other.id)) is not None


def test_the_database_itself_keeps_nothing_that_can_be_read(store: Session) -> None:
    place = a_place(store)
    store.commit()
    assert place.one.marker in dumped(store)
    retention.erase(store, place.manager, person_id=place.one.person_id)
    store.commit()
    kept = dumped(store)
    assert place.one.marker not in kept
    assert place.other.marker in kept


def test_the_files_of_sqlite_hold_nothing_after_the_next_round(settings: Any, tmp_path: Path) -> None:
    if not settings.database_url.startswith("sqlite"):
        pytest.skip("PostgreSQL clears up in its own time: docs/runbooks/erasing-a-person.md")
    held.hold(settings.secret_key, settings.encryption_keys)
    stores = open_store(settings.database_url)
    with stores.writing.begin() as store:
        place = a_place(store)
        manager, marker, other, person_id = place.manager, place.one.marker, place.other.marker, place.one.person_id
    with stores.writing.begin() as store:
        retention.erase(store, manager, person_id=person_id)
    assert _bytes_with(tmp_path, marker), "the log beside the database should hold the old pages still"
    done = rounds.run(stores, Kept(), plainly)
    assert done.broken == ()
    assert not _bytes_with(tmp_path, marker)
    assert _bytes_with(tmp_path, other)
    stores.engine.dispose()


def _bytes_with(folder: Path, marker: str) -> list[str]:
    return [
        file.name
        for file in folder.rglob("*")
        if file.is_file() and re.search(marker.encode(), file.read_bytes(), re.IGNORECASE)
    ]


def test_every_connection_overwrites_what_it_deletes_however_sqlite_was_built(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "any.sqlite")) as connection:
        connection.execute("PRAGMA secure_delete=OFF")  # some builds begin with it on
        database._sqlite_settings(connection, None)
        assert connection.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_a_reader_in_the_way_puts_the_wiping_off_and_nothing_fails(stores: Stores) -> None:
    with stores.writing.begin() as store:
        place = a_place(store)
        manager, person_id = place.manager, place.one.person_id
    assert retention.wipe_traces(stores), "nobody was erased yet"
    with stores.reading() as reader:
        reader.scalar(select(func.count()).select_from(ServiceUser))
        with stores.writing.begin() as store:
            retention.erase(store, manager, person_id=person_id)
        on_sqlite = stores.engine.dialect.name == "sqlite"
        assert retention.wipe_traces(stores) is not on_sqlite
    assert retention.wipe_traces(stores)


def test_a_message_that_waits_for_an_erased_person_never_leaves(stores: Stores) -> None:
    with stores.writing.begin() as store:
        place = a_place(store)
        one, other, manager = place.one, place.other, place.manager
        waiting = select(func.count()).select_from(Message).where(Message.state == "waiting")
        assert store.scalar(waiting.where(Message.person_id == one.person_id))
        addressed = f"{one.marker}@inbox.example", f"{other.marker}@inbox.example"
        retention.erase(store, manager, person_id=one.person_id)
    transport = Kept()
    notifications.deliver(stores, transport, plainly)
    assert [one.to for one in transport.sent if one.to == addressed[0]] == []
    assert [one.to for one in transport.sent if one.to == addressed[1]] != []


def test_a_message_already_taken_by_a_worker_is_not_sent_when_its_person_is_erased_meanwhile(stores: Stores) -> None:
    with stores.writing.begin() as store:
        place = a_place(store)
        manager, person_id, marker = place.manager, place.one.person_id, place.one.marker
    with stores.writing.begin() as store:
        claimed = notifications.claim(store, 100)
    with stores.writing.begin() as store:
        retention.erase(store, manager, person_id=person_id)
    transport = Kept()
    for one in claimed:
        notifications._deliver(stores, transport, plainly, one)
    assert [one for one in transport.sent if marker in one.to] == []


def test_a_form_begun_again_and_not_sent_goes_with_the_person(store: Session) -> None:
    place = a_place(store)
    key = codes.new_key()
    draft = referrals.begin_again(store, place.service, place.one.referral, "en", key)
    tasks.add(
        store, place.service.id, tasks.Kind.UNFINISHED_FORM, once=f"u:{draft.id}", due_at=now(), draft_id=draft.id
    )
    store.flush()
    before = str(draft.id)
    retention.erase(store, place.manager, person_id=place.one.person_id)
    assert set(found_in(store, before)) <= {"audit_event"}
    assert place.one.marker not in str(read_everything(store))


def test_what_names_the_form_that_was_sent_goes_although_the_form_is_no_more(store: Session) -> None:
    place = a_place(store)
    for number, marked in enumerate((place.one, place.other)):
        sent, once = marked.referral.draft_id, f"rang {number}"
        tasks.add(store, place.service.id, tasks.Kind.UNFINISHED_FORM, once=once, due_at=now(), draft_id=sent)
    retention.erase(store, place.manager, person_id=place.one.person_id)
    assert store.scalars(select(Task.once).where(Task.once.startswith("rang"))).all() == ["rang 1"]


def test_whatever_names_the_person_by_an_id_in_words_goes_too(store: Session) -> None:
    """The managers were told about a promise to this person: the message names no person but carries the referral."""
    place = a_place(store)
    once = f"promise-broken:{place.one.referral.id}"
    notifications.tell_staff(store, place.service, place.manager.staff_id, "promise-broken", once=once)
    notifications.tell_staff(store, place.service, place.manager.staff_id, "promise-broken", once="promise-broken:x")
    retention.erase(store, place.manager, person_id=place.one.person_id)
    left = store.scalars(select(Message.once).where(Message.staff_id == place.manager.staff_id)).all()
    assert left == ["promise-broken:x"]


def test_records_that_were_made_one_are_erased_together_from_whichever_of_them(store: Session) -> None:
    for number, ask_for in enumerate(("kept", "merged")):
        place = a_place(store, f"place-{number}")
        twin = a_marked_person(store, place.service, place.staff, "qztwins")
        people.merge(store, place.manager, place.one.person_id, twin.person_id)
        chosen = place.one.person_id if ask_for == "kept" else twin.person_id
        retention.erase(store, place.manager, person_id=chosen)
        assert found_in_service(store, place, "qztwins", place.one.marker) == {}
        assert found_in_service(store, place, place.other.marker)


def test_two_people_whose_merging_was_undone_are_two_people(store: Session) -> None:
    place = a_place(store)
    merge = people.merge(store, place.manager, place.one.person_id, place.other.person_id)
    people.undo_merge(store, place.manager, merge.id)
    store.flush()
    theirs = {name: len(rows) for name, rows in rows_of(store, place.other).items()}
    retention.erase(store, place.manager, person_id=place.one.person_id)
    assert found_in(store, place.one.marker) == {}
    assert {name: len(rows) for name, rows in rows_of(store, place.other).items()} == theirs


# Totals ---------------------------------------------------------------------------------------------------------------


def test_totals_count_what_there_is(store: Session) -> None:
    service = a_service(store)
    staff_member(store, service, Role.MANAGER)
    with clock.at(datetime(2026, 5, 31, 23, 30, tzinfo=UTC)):  # in London it is June already
        a_referral(store, service, needs=["loneliness", "food"])
    june = date(2026, 6, 1)
    counted = retention.totals(store, service.id)
    assert counted[june, "referral-status", "submitted"] == 1
    assert counted[june, "referral-language", "en"] == 1
    assert {value for month, what, value in counted if what == "need" and month == june} == {"loneliness", "food"}
    assert {month for month, what, _ in counted if what.startswith("referral")} == {june}


def test_scores_and_ratings_are_counted_by_value_with_how_far_they_moved(store: Session) -> None:
    place = a_place(store)
    counted = retention.totals(store, place.service.id)
    by = {(what, value): number for (_, what, value), number in counted.items()}
    rules = [one.code for one in catalogue()["ons4"].scores]
    for code in rules:
        assert sum(number for (what, _), number in by.items() if what == f"score:ons4:{code}:baseline") == 2
        assert sum(number for (what, _), number in by.items() if what == f"change:ons4:{code}") == 2
    assert by["goal-rating-first", "1"] == 2
    assert by["goal-rating-latest", "7"] == 2
    assert by["goal-rating-change", "6"] == 2
    assert by["check-in", "baseline/completed"] == 2
    assert by["comment-kind", "complaint"] == 2
    assert by["alert-rule", "not-safe"] == 2


def test_totals_stay_the_same_when_one_after_another_is_erased_until_nobody_is_left(store: Session) -> None:
    place = a_place(store)
    before = retention.totals(store, place.service.id)
    for marked in (place.one, place.other):
        retention.erase(store, place.manager, person_id=marked.person_id)
        assert retention.totals(store, place.service.id) == before
    assert store.scalar(select(func.count()).select_from(ServiceUser)) == 0
    assert any(number > 1 for number in store.scalars(select(Tally.count)))


def test_what_is_left_of_a_person_fits_its_columns_for_every_scale(store: Session) -> None:
    longest = max(len(f"score:{one.key}:{rule.code}:baseline") for one in catalogue().versions() for rule in one.scores)
    assert longest <= Tally.__table__.c.what.type.length  # type: ignore[attr-defined]


def test_an_answer_that_no_form_of_ours_offers_does_not_stop_an_erasure(store: Session) -> None:
    place = a_place(store)
    response = store.scalars(
        select(MeasureResponse).where(MeasureResponse.person_id == place.one.person_id).order_by(MeasureResponse.id)
    ).all()[-1]
    kept = {"service_id": place.service.id, "response_id": response.id, "item": "not-an-item"}
    store.add(ItemAnswer(**kept, answer={"option": "x", "value": 99}))
    before = retention.totals(store, place.service.id)
    retention.erase(store, place.manager, person_id=place.one.person_id)
    assert retention.totals(store, place.service.id) == before


# The audit ------------------------------------------------------------------------------------------------------------


def test_the_audit_holds_codes_and_ids_alone_even_of_those_who_are_not_erased(store: Session) -> None:
    place = a_place(store)
    referrals.accept(store, place.service, place.worker, a_referral(store, place.service, first_name="Qzvilma").id)
    a_code = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._/-]*( [a-z-]+)*")
    for row in store.scalars(select(AuditEvent)):
        said = [row.act, *([row.reason] if row.reason else [])]
        for value in row.details.values():
            said += value if isinstance(value, list) else [value]
        assert [one for one in said if isinstance(one, str) and not a_code.fullmatch(one)] == []
    assert set(found_in(store, "qzvilma", "qzbruno")) & {"audit_event"} == set()


def test_only_a_refused_way_in_gives_the_audit_a_reason() -> None:
    """``reason`` is the one column of the audit that could hold words: whoever fills it does so with a code."""
    givers = set()
    for file in Path("portal").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "audit.record":
                givers |= {file.as_posix() for one in call.keywords if one.arg == "reason"}
    assert givers == {"portal/accounts/sign_in.py", "portal/accounts/visits.py", "portal/caseload/reach.py"}


def test_the_audit_says_that_somebody_was_erased_and_by_whom(store: Session) -> None:
    place = a_place(store)
    request = retention.erase(store, place.manager, person_id=place.one.person_id)
    written = audit.history_of(store, place.service.id, request.id)
    assert [(event.act, event.actor_id) for event in written] == [
        ("asked for erasure", place.manager.staff_id),
        ("erased a person", place.manager.staff_id),
    ]
    audit.seal(store, place.service.id)
    store.commit()
    assert audit.verify(store, place.service.id) == []


# Asking and refusing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        (datetime(2026, 5, 3, 9, tzinfo=UTC), datetime(2026, 6, 3, 9, tzinfo=UTC)),
        (datetime(2026, 1, 31, 9, tzinfo=UTC), datetime(2026, 2, 28, 9, tzinfo=UTC)),
        (datetime(2026, 12, 15, 9, tzinfo=UTC), datetime(2027, 1, 15, 9, tzinfo=UTC)),
        (datetime(2026, 3, 10, 9, tzinfo=UTC), datetime(2026, 4, 10, 8, tzinfo=UTC)),  # summer time began
    ],
)
def test_a_request_is_due_in_one_calendar_month(store: Session, asked: datetime, due: datetime) -> None:
    service = a_service(store)
    staff_member(store, service, Role.MANAGER)
    referral = a_referral(store, service)
    with clock.at(asked):
        assert retention.ask_erasure(store, service, referral.person_id).due_at == due


def a_request(store: Session) -> tuple[Service, Actor, ErasureRequest, Referral]:
    service = a_service(store)
    manager = staff_member(store, service, Role.MANAGER).actor
    referral = a_referral(store, service)
    return service, manager, retention.ask_erasure(store, service, referral.person_id), referral


def test_asking_twice_is_one_request_and_one_task_for_a_manager(store: Session) -> None:
    service, manager, request, referral = a_request(store)
    again = retention.ask_erasure(store, service, referral.person_id)
    assert again.id == request.id
    asked = [task for task in tasks.open_tasks(store, manager) if task.kind == "erasure-asked"]
    assert [(task.assigned_to, task.due_at) for task in asked] == [(manager.staff_id, request.due_at)]
    assert [one.request.id for one in retention.open_requests(store, manager)] == [request.id]
    latest = retention.latest_request(store, service.id, referral.person_id)
    assert latest is not None
    assert latest.id == request.id


def test_a_request_is_taken_although_everybody_has_left(store: Session) -> None:
    service, manager, _, _ = a_request(store)
    other = a_referral(store, service, first_name="Ola")
    store.get_one(Staff, (service.id, manager.staff_id)).state = "left"
    store.flush()
    asked = retention.ask_erasure(store, service, other.person_id)
    assert [task.assigned_to for task in store.scalars(retention.erasing._tasks_about(asked))] == [None]
    with clock.later(timedelta(days=60)):
        assert retention.remind(store, service) == 2


def test_a_merged_record_asks_for_the_person_it_was_made_one_with(store: Session) -> None:
    service, manager, _, referral = a_request(store)
    other = a_referral(store, service, first_name="Ola")
    merged = other.person_id
    people.merge(store, manager, referral.person_id, merged)
    assert retention.ask_erasure(store, service, merged).person_id == referral.person_id


def test_nobody_can_ask_for_somebody_who_is_not_there(store: Session) -> None:
    service, _, _, _ = a_request(store)
    with pytest.raises(Gone):
        retention.ask_erasure(store, service, codes.new_id())
    there = a_service(store, "there")
    staff_member(store, there, Role.MANAGER)
    with pytest.raises(Gone):
        retention.ask_erasure(store, there, store.scalars(select(ServiceUser.id)).one())


def test_a_refusal_is_read_by_the_person_and_ends_the_task(store: Session) -> None:
    service, manager, request, referral = a_request(store)
    retention.refuse_erasure(store, manager, request.id, "  We must keep it: the court asked for it.  ")
    answer = retention.latest_request(store, service.id, referral.person_id)
    assert answer is not None
    assert (answer.state, answer.reason) == ("refused", "We must keep it: the court asked for it.")
    kinds = [(task.kind, task.details.get("template")) for task in tasks.open_tasks(store, manager)]
    assert ("erasure-asked", None) not in kinds
    assert ("tell-the-person", "referral-decided") in kinds  # no confirmed address: a worker tells them
    assert retention.ask_erasure(store, service, referral.person_id).id != request.id, "they may ask again"


@pytest.mark.parametrize("words", ["", "  \n ", "x" * 1001])
def test_a_refusal_without_readable_words_is_none(store: Session, words: str) -> None:
    _, manager, request, _ = a_request(store)
    with pytest.raises(NeedsWords):
        retention.refuse_erasure(store, manager, request.id, words)
    assert request.state == "asked"


def test_what_was_decided_is_not_decided_again(store: Session) -> None:
    _, manager, request, _ = a_request(store)
    retention.refuse_erasure(store, manager, request.id, "No.")
    with pytest.raises(AlreadyDecided):
        retention.refuse_erasure(store, manager, request.id, "No.")
    with pytest.raises(AlreadyDecided):
        retention.erase(store, manager, request_id=request.id)


def test_an_erased_request_leads_nowhere(store: Session) -> None:
    service, manager, request, referral = a_request(store)
    person_id = referral.person_id
    retention.erase(store, manager, request_id=request.id)
    store.commit()
    assert (request.state, request.person_id, request.reason) == ("done", None, None)
    assert retention.latest_request(store, service.id, person_id) is None
    assert retention.open_requests(store, manager) == []
    assert [one.id for one in retention.decided_requests(store, manager)] == [request.id]
    assert retention.read_request(store, manager, request.id).referrals == ()
    for again in ({"request_id": request.id}, {"person_id": person_id}):
        with pytest.raises((AlreadyDecided, Gone)):
            retention.erase(store, manager, **again)
    with pytest.raises(Gone):
        retention.erase(store, manager)


def test_both_requests_of_two_records_that_were_made_one_are_answered_together(store: Session) -> None:
    service, manager, request, referral = a_request(store)
    other = a_referral(store, service, first_name="Ola")
    second = retention.ask_erasure(store, service, other.person_id)
    people.merge(store, manager, referral.person_id, other.person_id)
    retention.erase(store, manager, request_id=second.id)
    assert (request.state, second.state) == ("done", "done")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MANAGER])
def test_only_a_manager_decides(store: Session, role: Role) -> None:
    service, _, request, referral = a_request(store)
    actor = staff_member(store, service, role).actor
    acts: list[Any] = [
        lambda: retention.erase(store, actor, request_id=request.id),
        lambda: retention.erase(store, actor, person_id=referral.person_id),
        lambda: retention.refuse_erasure(store, actor, request.id, "No."),
        lambda: retention.open_requests(store, actor),
        lambda: retention.decided_requests(store, actor),
        lambda: retention.read_request(store, actor, request.id),
    ]
    for act in acts:
        with pytest.raises(Refused):
            act()
    assert store.get(ServiceUser, (service.id, referral.person_id)) is not None


def test_staff_who_do_not_read_referrals_write_down_no_request(store: Session) -> None:
    service, _, _, referral = a_request(store)
    analyst = staff_member(store, service, Role.ANALYST).actor
    with pytest.raises(Refused):
        retention.ask_erasure(store, service, referral.person_id, analyst)
    worker = staff_member(store, service).actor
    assert retention.ask_erasure(store, service, referral.person_id, worker)


def test_a_manager_of_another_service_finds_nobody_to_erase(store: Session) -> None:
    service, _, request, referral = a_request(store)
    there = a_service(store, "there")
    stranger = staff_member(store, there, Role.MANAGER).actor
    acts: list[Any] = [
        lambda: retention.erase(store, stranger, request_id=request.id),
        lambda: retention.erase(store, stranger, person_id=referral.person_id),
        lambda: retention.refuse_erasure(store, stranger, request.id, "No."),
        lambda: retention.read_request(store, stranger, request.id),
    ]
    for act in acts:
        with pytest.raises(Gone):
            act()
    assert store.get(ServiceUser, (service.id, referral.person_id)) is not None


# What stands in the way ----------------------------------------------------------------------------------------------


def test_an_open_alert_blocks_until_it_is_closed_with_what_was_done(store: Session) -> None:
    service = a_service(store)
    manager = staff_member(store, service, Role.MANAGER).actor
    referral = a_referral(store, service, urgency="not-safe")
    request = retention.ask_erasure(store, service, referral.person_id)
    (alert,) = store.scalars(select(Alert)).all()
    for _ in ("unopened", "opened"):
        with pytest.raises(AlertsOpen) as blocked:
            retention.erase(store, manager, request_id=request.id)
        assert [one.id for one in blocked.value.alerts] == [alert.id]
        assert [one.id for one in retention.read_request(store, manager, request.id).alerts] == [alert.id]
        alerts.open_by_name(store, manager, alert.id)
    assert [one.alerts for one in retention.open_requests(store, manager)] == [(alert,)]
    alerts.close(store, manager, alert.id, "Rang: safe.")
    assert retention.erase(store, manager, request_id=request.id).state == "done"


def test_an_alert_in_a_form_that_the_person_has_begun_since_blocks_as_well(store: Session) -> None:
    service, manager, request, referral = a_request(store)
    draft = referrals.begin_again(store, service, referral, "en", codes.new_key())
    alerts.raise_for(
        store,
        service,
        form_id=draft.id,
        reference=draft.reference,
        question="urgency",
        answer="not-safe",
        rule="not-safe",
    )
    with pytest.raises(AlertsOpen):
        retention.erase(store, manager, request_id=request.id)
    assert len(retention.read_request(store, manager, request.id).alerts) == 1


# The clock ------------------------------------------------------------------------------------------------------------


def test_the_clock_erases_nobody_and_reminds_every_manager_once(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service, manager, request, referral = a_request(store)
        staff_member(store, service, Role.MANAGER)
        service_id, request_id, person_id = service.id, request.id, referral.person_id
    for days, told in ((27, 0), (32, 2), (60, 2)):
        with clock.later(timedelta(days=days)):
            assert rounds.run(stores, Kept(), plainly).broken == ()
        with stores.reading.begin() as store:
            reminders = select(Message).where(Message.once.startswith("erasure-overdue"))
            assert len(store.scalars(reminders).all()) == told
            overdue = select(Task).where(Task.once == f"erasure-overdue:{request_id}")
            assert len(store.scalars(overdue).all()) == int(told > 0)
            assert store.get(ServiceUser, (service_id, person_id)) is not None
            assert store.get_one(ErasureRequest, (service_id, request_id)).state == "asked"


def test_a_refused_request_reminds_nobody(store: Session) -> None:
    service, manager, request, _ = a_request(store)
    retention.refuse_erasure(store, manager, request.id, "No.")
    with clock.later(timedelta(days=60)):
        assert retention.remind(store, service) == 0


# Two at once ----------------------------------------------------------------------------------------------------------


def _erase_at_last(stores: Stores, manager: Actor, person_id: uuid.UUID) -> None:
    """As a manager does: somebody is writing to this record just now, so press again."""
    while True:
        try:
            with stores.writing.begin() as store:
                retention.erase(store, manager, person_id=person_id)
            return
        except OperationalError:
            continue


def _one_more_answer(stores: Stores, service_id: uuid.UUID, response_id: uuid.UUID) -> None:
    with stores.writing.begin() as store:
        response = store.get(MeasureResponse, (service_id, response_id), with_for_update=True)
        assert response is not None, "erased"
        store.add(ItemAnswer(service_id=service_id, response_id=response_id, item="x", answer={"option": "Qzvilma"}))


def test_an_answer_on_its_way_is_erased_with_the_person_and_none_comes_after(stores: Stores) -> None:
    with stores.writing.begin() as store:
        place = a_place(store)
        manager, one, service_id = place.manager, place.one, place.service.id
        response_id = one.rows["measure_response"]
    arrived = [0]
    stopped: list[str] = []

    def answer() -> None:
        while not stopped:
            try:
                _one_more_answer(stores, service_id, response_id)
                arrived[0] += 1
            except (AssertionError, IntegrityError):
                stopped.append("erased")
            except OperationalError:
                continue

    answering = threading.Thread(target=answer)
    answering.start()
    while arrived[0] < 3 and answering.is_alive():
        pass
    _erase_at_last(stores, manager, one.person_id)
    answering.join()
    with stores.reading.begin() as store:
        assert found_in(store, one.marker) == {}


def test_an_erasure_gives_way_to_somebody_who_is_writing_and_changes_nothing(stores: Stores) -> None:
    if stores.engine.dialect.name == "sqlite":
        pytest.skip("SQLite lets one write at a time")
    with stores.writing.begin() as store:
        place = a_place(store)
        manager, one, service_id = place.manager, place.one, place.service.id
    with stores.writing.begin() as writing:
        writing.get(MeasureResponse, (service_id, one.rows["measure_response"]), with_for_update=True)
        with pytest.raises(OperationalError), stores.writing.begin() as store:
            retention.erase(store, manager, person_id=one.person_id)
    with stores.reading.begin() as store:
        assert found_in(store, one.marker)
        assert store.scalars(select(Tally)).all() == []


def test_two_managers_at_once_erase_once(stores: Stores) -> None:
    with stores.writing.begin() as store:
        place = a_place(store)
        manager, one, service_id = place.manager, place.one, place.service.id
        before = retention.totals(store, service_id)
    ended: list[str] = []

    def press() -> None:
        try:
            _erase_at_last(stores, manager, one.person_id)
            ended.append("erased")
        except Gone:
            ended.append("gone")

    pressing = [threading.Thread(target=press) for _ in range(2)]
    for thread in pressing:
        thread.start()
    for thread in pressing:
        thread.join()
    assert sorted(ended) == ["erased", "gone"]
    with stores.reading.begin() as store:
        assert retention.totals(store, service_id) == before
