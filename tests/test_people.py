"""People: their safe ways, what they allow, who may be the same person, and merging that can be undone exactly."""

import itertools
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import JSON, Boolean, Date, Integer, Uuid, inspect
from sqlalchemy.orm import Session

from portal import access, audit, clock, codes, people, reading, referrals
from portal.access import Role
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import Base, Goal, Permission, Record, Referral, Service, ServiceUser, Stores, Task
from portal.store.database import UTCDateTime
from tests import conftest
from tests.world import Member, a_referral, a_service, person_of, staff_member


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def manager(store: Session, service: Service) -> Member:
    return staff_member(store, service, Role.MANAGER)


# --- safe ways -------------------------------------------------------------------------------------------------------


def test_a_way_that_was_not_chosen_is_not_there(store: Session, service: Service, manager: Member) -> None:
    person = person_of(store, a_referral(store, service, safe_ways=["email"], phone="07700 900123"))
    assert [(way.channel, way.address) for way in people.ways_of(store, service.id, person.id)] == [
        ("email", "zofia@inbox.example")
    ]


def test_only_a_yes_is_a_yes(store: Session, service: Service, manager: Member) -> None:
    for answers, expected in (
        ({}, (False, False)),
        ({"voicemail_safe": "no", "may_say_who": "no"}, (False, False)),
        ({"voicemail_safe": "yes", "may_say_who": "yes"}, (True, True)),
    ):
        person = person_of(store, a_referral(store, service, safe_ways=["call", "text"], answers=answers))
        call, text = people.ways_of(store, service.id, person.id)
        assert (call.voicemail, call.say_who) == expected
        assert text.voicemail is False, "nobody leaves a voice message in a text"


def test_who_may_know_is_asked_of_the_one_they_trust_alone(store: Session, service: Service, manager: Member) -> None:
    ways = ["call", "through-person"]
    person = person_of(store, a_referral(store, service, safe_ways=ways, may_say_who="yes", trusted_may_know="no"))
    call, trusted = people.ways_of(store, service.id, person.id)
    assert (call.say_who, trusted.say_who, trusted.trusted_name) == (True, False, "Ola")


def test_a_way_is_confirmed_once_and_only_when_it_is_allowed(store: Session, service: Service, manager: Member) -> None:
    person = person_of(store, a_referral(store, service, safe_ways=["call", "come-back"]))
    call, come_back = people.ways_of(store, service.id, person.id)
    first = people.confirm_way(store, manager.actor, call.id).confirmed_at
    with clock.later(timedelta(days=1)):
        assert people.confirm_way(store, manager.actor, call.id).confirmed_at == first
    with pytest.raises(people.Gone):
        people.confirm_way(store, manager.actor, come_back.id)
    call.allowed = False
    with pytest.raises(people.Gone):
        people.confirm_way(store, manager.actor, call.id)
    analyst = staff_member(store, service, Role.ANALYST)
    with pytest.raises(access.Refused):
        people.confirm_way(store, analyst.actor, call.id)


def test_a_code_confirms_once_within_its_time_and_its_tries(store: Session, service: Service, manager: Member) -> None:
    person = person_of(store, a_referral(store, service, safe_ways=["email"]))
    way = people.ways_of(store, service.id, person.id)[0]
    old = people.new_confirmation(store, way)
    code = people.new_confirmation(store, way)
    if old != code:
        assert not people.confirm_by_code(store, way, old), "a newer code ends the older one"
    with clock.later(timedelta(minutes=11)):
        assert not people.confirm_by_code(store, way, code)
    assert people.confirm_by_code(store, way, f" {code[:3]} {code[3:]} ")
    assert way.confirmed_at
    assert not people.confirm_by_code(store, way, code)
    burnt = people.new_confirmation(store, way)
    wrong = "000000" if burnt != "000000" else "000001"
    assert not any(people.confirm_by_code(store, way, wrong) for _ in range(people.CODE_TRIES))
    assert not people.confirm_by_code(store, way, burnt), "five wrong tries burn the right one too"


# --- what they allow -------------------------------------------------------------------------------------------------


def test_no_answer_means_no_and_each_answer_is_kept_with_its_wording(
    store: Session, service: Service, manager: Member
) -> None:
    person = person_of(store, a_referral(store, service, share_gp="yes", share_onward="no"))
    rows = people.permissions_of(store, service.id, person.id)
    assert {kind: row.decision for kind, row in rows.items()} == {
        "share_gp": "given",
        "share_onward": "refused",
        "evaluation": "left-blank",
    }
    assert [people.allows(store, service.id, person.id, kind) for kind in people.SHARING] == [True, False, False, False]
    assert rows["share_gp"].wording == SELF_REFERRAL.question("share_gp").label
    assert rows["share_gp"].wording_version == SELF_REFERRAL.version


def test_the_latest_word_counts_and_the_earlier_stays(store: Session, service: Service, manager: Member) -> None:
    person = person_of(store, a_referral(store, service, share_onward="no", spoken_language="ur"))
    people.record_spoken_permission(store, manager.actor, person.id, "share_onward")
    assert people.allows(store, service.id, person.id, "share_onward")
    rows = store.scalars(access.rows_of(service.id, Permission).where(Permission.kind == "share_onward")).all()
    assert sorted(row.decision for row in rows) == ["given", "refused"]
    latest = people.permissions_of(store, service.id, person.id)["share_onward"]
    assert (latest.given_by, latest.recorded_by) == ("staff-recorded-verbal", manager.actor.staff_id)
    with pytest.raises(ValueError, match="made-up"):
        people.record_spoken_permission(store, manager.actor, person.id, "made-up")


# --- who may be the same ---------------------------------------------------------------------------------------------

NHS_NUMBER = "999 123 4500"


@pytest.mark.parametrize(
    ("first", "second", "matches"),
    [
        ({"first_name": "Zofia"}, {"first_name": "ZÓFIA"}, ("name-and-birth",)),
        ({}, {"date_of_birth": "1965"}, ("name-and-year",)),
        ({"date_of_birth": "1965"}, {"date_of_birth": "1965"}, ("name-and-year",)),
        ({}, {"date_of_birth": "28 3 1965"}, None),
        ({}, {"first_name": "Maria"}, None),
        ({"nhs_number": NHS_NUMBER}, {"first_name": "M", "nhs_number": NHS_NUMBER}, ("nhs-number",)),
        (
            {"nhs_number": NHS_NUMBER, "safe_ways": ["call"]},
            {"nhs_number": NHS_NUMBER, "safe_ways": ["text"]},
            ("nhs-number", "name-and-birth", "phone"),
        ),
        ({"safe_ways": ["call"]}, {"first_name": "M", "safe_ways": ["text"], "phone": "+447700900123"}, ("phone",)),
        ({"safe_ways": ["email"]}, {"first_name": "M", "safe_ways": ["email"]}, ("email",)),
        # A household, a library, somebody whom two people trust: no sign of one person.
        ({"safe_ways": ["post"]}, {"first_name": "M", "safe_ways": ["post"]}, None),
        (
            {"safe_ways": ["come-back"], "meeting_place": "The library"},
            {"first_name": "M", "safe_ways": ["come-back"], "meeting_place": "The library"},
            None,
        ),
        ({"safe_ways": ["through-person"]}, {"first_name": "M", "safe_ways": ["through-person"]}, None),
        (
            {"safe_ways": ["call"], "phone": "07700 900456"},
            {"first_name": "M", "safe_ways": ["through-person"], "trusted_contact": "07700 900456"},
            None,
        ),
    ],
)
def test_who_may_be_the_same_person_and_why(
    store: Session,
    service: Service,
    manager: Member,
    first: dict[str, object],
    second: dict[str, object],
    matches: tuple[str, ...] | None,
) -> None:
    different_ways = ({"safe_ways": ["post"]}, {"safe_ways": ["email"]})
    one = person_of(store, a_referral(store, service, answers={**different_ways[0], **first}))
    two = person_of(store, a_referral(store, service, answers={**different_ways[1], **second}))
    for person, other in ((one, two), (two, one)):
        found = people.possible_duplicates(store, person)
        assert [(each.person.id, each.matches) for each in found] == ([(other.id, matches)] if matches else [])


def test_nobody_of_another_service_is_a_duplicate(store: Session, service: Service, manager: Member) -> None:
    elsewhere = a_service(store, "elsewhere")
    staff_member(store, elsewhere, Role.MANAGER)
    theirs = person_of(store, a_referral(store, elsewhere, nhs_number=NHS_NUMBER))
    ours = person_of(store, a_referral(store, service, nhs_number=NHS_NUMBER))
    assert people.possible_duplicates(store, ours) == []
    with pytest.raises(people.Gone):
        people.compare(store, manager.actor, ours.id, theirs.id)
    with pytest.raises(people.Gone):
        people.merge(store, manager.actor, ours.id, theirs.id)


@given(names=st.tuples(st.text(min_size=1, max_size=35), st.text(max_size=35)))
@settings(max_examples=200)
def test_a_name_of_any_letters_has_a_key_that_fits(names: tuple[str, str]) -> None:
    key = reading.search_key(" ".join(names))[: people.LONGEST_NAME_KEY]
    assert len(key) <= ServiceUser.__table__.c.name_key.type.length  # type: ignore[attr-defined]


def test_a_name_of_letters_that_fall_apart_into_many_is_kept(store: Session, service: Service, manager: Member) -> None:
    person = person_of(store, a_referral(store, service, first_name="ﷺ" * 35, family_name="ﷺ" * 35))
    assert len(person.name_key) == people.LONGEST_NAME_KEY


# --- merging ---------------------------------------------------------------------------------------------------------


def test_what_hangs_on_a_person_moves_with_them() -> None:
    hanging = {
        mapper.class_
        for mapper in Base.registry.mappers
        if issubclass(mapper.class_, Record) and "person_id" in mapper.columns
    }
    assert hanging == {*people._MOVED, *people.STAYS}


def whole(store: Session, service: Service) -> dict[str, object]:
    """Everything in the store about people, but for the versions of rows and the record of the merges themselves."""
    store.flush()
    store.expire_all()
    told: dict[str, object] = {}
    for table in (ServiceUser, *people._MOVED, *people.STAYS):
        columns = [column.key for column in inspect(table).column_attrs if column.key != "version"]
        for row in store.scalars(access.rows_of(service.id, table)):
            told[f"{table.__tablename__} {row.id}"] = {key: getattr(row, key) for key in columns}
    return told


def one_of_everything(store: Session, referral: Referral, worker: Member) -> None:
    """A row in every table that hangs on a person and has none of theirs yet, whatever stands in it: a merge looks at
    nothing but whose it is."""
    store.flush()
    known: dict[str, object] = {
        "referral": referral.id,
        "service_user": referral.person_id,
        "staff": worker.actor.staff_id,
    }
    known["permission"] = store.scalars(
        access.rows_of(referral.service_id, Permission).where(Permission.person_id == referral.person_id)
    ).all()[0].id  # fmt: skip
    for table in (Goal, *people._MOVED, *people.STAYS):
        theirs = access.rows_of(referral.service_id, table).where(table.person_id == referral.person_id)
        row = store.scalar(theirs.limit(1))
        if row is None:
            row = table(**made_up(table, referral.service_id, known))
            store.add(row)
            store.flush()
        known.setdefault(table.__tablename__, row.id)


def made_up(table: type[Record], service_id: object, known: dict[str, object]) -> dict[str, object]:
    """Values for every column that must have one."""
    values: dict[str, object] = {"service_id": service_id, "id": codes.new_id()}
    points = {key.parent.key: key.column.table.name for key in table.__table__.foreign_keys}
    by_type: tuple[tuple[type, object], ...] = (
        (JSON, {}),
        (UTCDateTime, clock.now()),
        (Date, clock.today()),
        (Boolean, False),
        (Integer, 1),
    )
    for column in table.__table__.columns:
        if column.key in values or column.nullable or column.default is not None:
            continue
        if column.key in points:
            values[column.key] = known[points[column.key]]
        elif isinstance(column.type, Uuid):
            values[column.key] = codes.new_id()
        else:
            longest = getattr(column.type, "length", None) or 9
            text = str(next(NUMBERS)).zfill(min(longest, 9))
            values[column.key] = next((value for kind, value in by_type if isinstance(column.type, kind)), text)
    return values


NUMBERS = itertools.count(1)


def test_what_is_written_about_a_referral_while_two_records_are_one_goes_back_with_it(
    store: Session, service: Service, manager: Member
) -> None:
    kept, merged = (a_referral(store, service, share_gp="yes") for _ in range(2))
    old = merged.person_id
    done = people.merge(store, manager.actor, kept.person_id, old)
    for referral in (kept, merged):
        store.refresh(referral)
        one_of_everything(store, referral, manager)
    late = Task(
        service_id=service.id, kind="tell-the-person", once="late", due_at=clock.now(), details={},
        person_id=kept.person_id, referral_id=merged.id,
    )  # fmt: skip
    store.add(late)
    store.flush()
    people.undo_merge(store, manager.actor, done.id)
    assert late.person_id == merged.person_id == old
    for table in people._MOVED:
        if "referral_id" in table.__mapper__.columns:
            for row in store.scalars(access.rows_of(service.id, table).where(table.referral_id.is_not(None))):
                assert row.person_id == store.get_one(Referral, (service.id, row.referral_id)).person_id, table


def test_merging_and_undoing_gives_both_back_exactly(store: Session, service: Service, manager: Member) -> None:
    kept = a_referral(store, service, share_gp="yes", safe_ways=["call", "email"], urgency="not-safe")
    merged = a_referral(store, service, share_gp="no", safe_ways=["email"], urgency="being-hurt")
    old, new = kept.person_id, merged.person_id
    for referral in (kept, merged):
        one_of_everything(store, referral, manager)
    before = whole(store, service)
    done = people.merge(store, manager.actor, old, new)
    assert {referral.person_id for referral in (kept, merged)} == {old}
    assert not people.allows(store, service.id, old, "share_gp"), "they said no after they had said yes"
    assert people.possible_duplicates(store, store.get_one(ServiceUser, (service.id, old))) == []
    people.undo_merge(store, manager.actor, done.id)
    assert whole(store, service) == before
    with pytest.raises(people.NotMergeable):
        people.undo_merge(store, manager.actor, done.id)
    acts = [event.act for event in audit.history_of(store, service.id, old)]
    assert acts.count("merged people") == acts.count("undid a merge") == 1


@pytest.mark.parametrize("newer_is_kept", [True, False])
def test_after_a_merge_only_what_was_said_last_is_safe(
    store: Session, service: Service, manager: Member, newer_is_kept: bool
) -> None:
    earlier = a_referral(store, service, safe_ways=["call", "email"], voicemail_safe="yes").person_id
    later = a_referral(store, service, safe_ways=["post"]).person_id
    kept, merged = (later, earlier) if newer_is_kept else (earlier, later)
    people.merge(store, manager.actor, kept, merged)
    ways = people.ways_of(store, service.id, kept)
    assert {way.channel: way.allowed for way in ways} == {"call": False, "email": False, "post": True}


def test_merges_are_undone_latest_first(store: Session, service: Service, manager: Member) -> None:
    one, two, three = (a_referral(store, service, safe_ways=["call"]).person_id for _ in range(3))
    before = whole(store, service)
    first = people.merge(store, manager.actor, one, two)
    second = people.merge(store, manager.actor, one, three)
    with pytest.raises(people.NotMergeable):
        people.undo_merge(store, manager.actor, first.id)
    with pytest.raises(people.NotMergeable):
        people.merge(store, manager.actor, one, three)
    people.undo_merge(store, manager.actor, second.id)
    people.undo_merge(store, manager.actor, first.id)
    assert whole(store, service) == before


def test_nobody_is_merged_with_themselves(store: Session, service: Service, manager: Member) -> None:
    person = a_referral(store, service).person_id
    with pytest.raises(people.NotMergeable):
        people.merge(store, manager.actor, person, person)


def test_a_referral_that_came_after_the_merge_stays_where_it_came(
    store: Session, service: Service, manager: Member
) -> None:
    one, two = a_referral(store, service).person_id, a_referral(store, service).person_id
    done = people.merge(store, manager.actor, one, two)
    people.record_spoken_permission(store, manager.actor, one, "share_gp")
    people.undo_merge(store, manager.actor, done.id)
    assert people.allows(store, service.id, one, "share_gp")
    assert not people.allows(store, service.id, two, "share_gp")


Step = tuple[str, int, int]
STEPS = st.lists(st.tuples(st.sampled_from(["merge", "undo"]), st.integers(0, 3), st.integers(0, 3)))


@given(steps=STEPS, ways=st.lists(st.sets(st.sampled_from(list(people.CHANNELS)), min_size=1), min_size=4, max_size=4))
# The database is the same for every example, and every example rolls back what it did.
@settings(max_examples=250 if conftest.DEEP else 8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_merges_all_undone_leave_no_trace(
    made_once: tuple[Stores, Service, Member], steps: list[Step], ways: list[set[str]]
) -> None:
    """Four people, merged and unmerged in any order that the room lets happen; then whatever is left is undone."""
    stores, service, manager = made_once
    with stores.writing() as store:
        chosen = [sorted(one, key=list(people.CHANNELS).index) for one in ways]
        sent = [a_referral(store, service, safe_ways=one, share_gp="yes") for one in chosen]
        persons = [referral.person_id for referral in sent]
        for referral in sent:
            one_of_everything(store, referral, manager)
        before = whole(store, service)
        hanging = {name.split()[0] for name in before}
        assert hanging == {table.__tablename__ for table in (ServiceUser, *people._MOVED, *people.STAYS)}
        open_merges = []
        for what, one, other in steps:
            try:
                if what == "merge":
                    open_merges.append(people.merge(store, manager.actor, persons[one], persons[other]).id)
                elif what == "undo" and open_merges:
                    which = open_merges[one % len(open_merges)]
                    people.undo_merge(store, manager.actor, which)
                    open_merges.remove(which)
            except people.NotMergeable:
                continue
            homes = {row.person_id for row in store.scalars(access.rows_of(service.id, Referral))}
            gone = {row.id for row in store.scalars(access.rows_of(service.id, ServiceUser)) if row.merged_into}
            assert not homes & gone, "nothing hangs on a record that was merged into another"
        for which in reversed(open_merges):
            people.undo_merge(store, manager.actor, which)
        assert whole(store, service) == before
        store.rollback()


@pytest.fixture
def made_once(stores: Stores) -> tuple[Stores, Service, Member]:
    """A service and its manager, committed, for many tries on one database."""
    with stores.writing() as store:
        store.expire_on_commit = False
        service = a_service(store)
        manager = staff_member(store, service, Role.MANAGER)
        store.commit()
        return stores, service, manager


def test_the_reference_number_of_a_merged_person_still_opens_its_referral(
    store: Session, service: Service, manager: Member
) -> None:
    one, two = a_referral(store, service), a_referral(store, service)
    people.merge(store, manager.actor, one.person_id, two.person_id)
    for referral in (one, two):
        read = codes.read_reference(codes.show_reference(referral.reference))
        assert read == referral.reference
        assert referrals.read(store, manager.actor, referral.id).person_id == one.person_id
