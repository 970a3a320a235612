"""A person's copy equals the store: every row and every column of it, or a reason why not; and nobody else's."""

import csv
import io
import json
import shutil
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from config import Settings
from portal import exports, held, measures, people, referrals, services, tasks
from portal.exports import TOLD, Everything, Reason
from portal.exports.told_of_case import WITHHELD
from portal.i18n import LANGUAGES, speaking
from portal.store import (
    Activity,
    ActivityPlace,
    ActivityTag,
    ActivityTime,
    Alert,
    AuditEvent,
    AuditSeal,
    Base,
    Ceremony,
    Duty,
    Feed,
    FeedRun,
    FriendsAndFamily,
    IdentityProvider,
    Invitation,
    Kiosk,
    Message,
    OutsideAccount,
    Passkey,
    PostcodePlace,
    Practice,
    Provider,
    Record,
    RecoveryCode,
    Referral,
    Safeguarding,
    SavedView,
    ScaleText,
    Service,
    ServiceScale,
    ServiceText,
    ServiceUser,
    SignIn,
    Staff,
    Tally,
    Task,
    TopicNeeds,
    Tries,
    TurnedAway,
    YouSaid,
    open_store,
)
from tests.lived import CONCERN, Life, a_long_story
from tests.world import a_referral, a_service, staff_member

NOT_ABOUT_PEOPLE: dict[type[Base], str] = {
    Service: "the organisation",
    Duty: "the staff's rota",
    Staff: "the staff; their names stand where they acted",
    RecoveryCode: "the staff's",
    Invitation: "the staff's",
    SignIn: "the staff's",
    TopicNeeds: "the directory",
    Tries: "counted under a keyed hash of an address, for an hour: leads to nobody",
    TurnedAway: "numbers without anybody",
    Tally: "numbers without anybody",
    AuditSeal: "binds rows of the audit, says nothing of anybody",
    ServiceScale: "what the service decided about scales",
    ScaleText: "the words of scales",
    FriendsAndFamily: "anonymous by construction",
    YouSaid: "what the service publishes",
    Activity: "the directory",
    ActivityPlace: "the directory",
    ActivityTag: "the directory",
    ActivityTime: "the directory",
    Ceremony: "a sign-in of staff under way",
    Feed: "the directory",
    FeedRun: "the directory",
    IdentityProvider: "how staff sign in",
    Kiosk: "a screen in a waiting room",
    OutsideAccount: "how staff sign in",
    Passkey: "how staff sign in",
    PostcodePlace: "where postcodes are",
    Practice: "the list of GP practices",
    Provider: "the directory",
    SavedView: "how somebody of the staff looks at their caseload: codes",
    ServiceText: "the service's own words",
}
"""Every other table must be told. A new table has to be put here, or into the copy."""

OF_EVERY_RECORD = {"id", "created_at", "service_id"}


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store, phone="01234 567890")


@pytest.fixture
def life(store: Session, service: Service) -> Life:
    return a_long_story(store, service, email="zofia@inbox.example", family_name="Quarshie")


@pytest.fixture(scope="module")
def archive(
    environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Session]:
    """A store that is only read, with one long story in it: made once, for all the tests that look at its copy."""
    file = tmp_path_factory.mktemp("archive") / "portal.sqlite"
    shutil.copy(migrated_sqlite, file)
    settings = Settings.from_environment({**environment, "PORTAL_DATABASE_URL": f"sqlite:///{file}"})
    held.hold(settings.secret_key, settings.encryption_keys)
    stores = open_store(settings.database_url)
    with stores.writing() as store:
        yield store
    stores.engine.dispose()


@pytest.fixture(scope="module")
def story(archive: Session) -> Life:
    service = a_service(archive, phone="01234 567890")
    return a_long_story(archive, service, email="zofia@inbox.example", family_name="Quarshie")


def the_copy(store: Session, life: Life) -> Everything:
    return exports.everything(store, life.service, life.referral.person_id)


def records(copy: Everything) -> dict[str, dict[str, exports.Entry]]:
    return {section.code: {entry.id: entry for entry in section.entries} for section in copy.sections}


# The copy equals the store -------------------------------------------------------------------------------------------


def test_every_table_is_told_or_holds_nobody() -> None:
    tables = {mapper.class_ for mapper in Base.registry.mappers}
    told = {one.table for one in TOLD}
    left = tables - told - set(NOT_ABOUT_PEOPLE) - set(WITHHELD)
    assert left == set(), "Put the new table into exports.TOLD, or say why not here."
    assert not told & (set(NOT_ABOUT_PEOPLE) | set(WITHHELD))


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.code)
def test_every_column_is_told_or_left_out_for_a_reason(told: exports.Told) -> None:
    columns = set(told.table.__mapper__.columns.keys()) - OF_EVERY_RECORD
    assert columns - set(told.columns) - set(told.left_out) == set(), "Tell the new column, or say why it is left out."
    assert set(told.columns) | set(told.left_out) <= columns
    assert not set(told.columns) & set(told.left_out)


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.code)
def test_every_column_has_a_name_for_people(told: exports.Told) -> None:
    silent = {exports.saying.link}
    unnamed = {code for code, say in told.columns.items() if say not in silent and code not in exports.NAMES}
    assert unnamed - {"about_you", "answers", "typed", "before", "levels"} == set()


def test_the_story_has_something_in_every_table(archive: Session, story: Life) -> None:
    # Without this, the test that follows would compare nothing with nothing.
    empty = [section.code for section in the_copy(archive, story).sections if not section.entries]
    assert empty == []


def test_nothing_of_a_safeguarding_concern_is_in_the_copy_not_even_that_there_is_one(
    archive: Session, story: Life
) -> None:
    copy = the_copy(archive, story)
    concern = archive.scalars(select(Safeguarding)).one()
    assert concern.concern == CONCERN
    for text in (exports.as_json(copy), exports.as_csv(copy)):
        assert "safeguarding" not in text.casefold()
        assert CONCERN not in text
        assert str(concern.id) not in text


def test_what_staff_wrote_for_each_other_is_left_out_and_what_they_shared_is_told(
    archive: Session, story: Life
) -> None:
    text = exports.as_json(the_copy(archive, story))
    for shared in ("We meet at ten.", "Bring your glasses.", "Ring the choir", "Thank you."):
        assert shared in text
    for inner in ("Sounds tired.", "Likes mornings.", "A large dog", "They sing.", "They rang again."):
        assert inner not in text


def test_the_copy_equals_the_store(store: Session, life: Life) -> None:
    found = records(the_copy(store, life))
    names = {one.id: one.name for one in store.scalars(select(Staff))}
    for told in TOLD:
        table: type[Record] = told.table
        here = select(table).where(table.service_id == life.service.id)
        rows = [row for row in store.scalars(here) if _is_theirs(store, row)]
        assert {str(row.id) for row in rows} == set(found[told.code]), f"{told.code}: other rows than in the store"
        for row in rows:
            entry = found[told.code][str(row.id)]
            assert entry.when == row.created_at
            there = {_plain(one.value) for one in entry.fields}
            apart = {column for column, other in told.only_where.items() if not getattr(row, other)}
            for column in set(told.table.__mapper__.columns.keys()) - OF_EVERY_RECORD - set(told.left_out) - apart:
                for value in _parts(getattr(row, column)):
                    expected = names.get(value, value) if isinstance(value, uuid.UUID) else value
                    assert _plain(expected) in there, f"{told.code}.{column} lacks {value!r}"


def _is_theirs(store: Session, row: Record) -> bool:
    """There is one person in this store: only the audit holds more than what is about them."""
    if isinstance(row, Task) and row.kind == tasks.Kind.SAFEGUARDING:
        return False  # it would say that there is a concern
    if not isinstance(row, AuditEvent):
        return not (isinstance(row, Message) and row.staff_id)
    others = [told.table for told in TOLD if told.table is not AuditEvent]
    about_people = {str(one.id) for table in others for one in store.scalars(select(table)) if _is_theirs(store, one)}
    about_people |= {str(one) for one in store.scalars(select(Referral.draft_id))}
    return str(row.about_id) in about_people


def _parts(value: object) -> Iterator[object]:
    """What a column holds: the values of a mapping one by one."""
    if isinstance(value, dict):
        yield from value.values()
    else:
        yield value


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID | str) else json.dumps(value, sort_keys=True)


def test_nobody_else_is_in_it(store: Session, service: Service, life: Life) -> None:
    other = a_long_story(store, service, email="other@inbox.example", family_name="Xylander")
    mine, theirs = the_copy(store, life), the_copy(store, other)
    for text in (exports.as_json(mine), exports.as_csv(mine)):
        assert "Xylander" not in text.replace("of Xylander", "")
        assert "other@inbox.example" not in text
    ids = [{entry.id for section in one.sections for entry in section.entries} for one in (mine, theirs)]
    assert ids[0] & ids[1] == set()


def test_another_service_has_no_such_person(archive: Session, story: Life) -> None:
    elsewhere = a_service(archive, "there")
    with pytest.raises(exports.Gone):
        exports.everything(archive, elsewhere, story.referral.person_id)


def test_a_record_that_was_merged_is_the_persons_too(archive: Session, story: Life) -> None:
    told = records(the_copy(archive, story))["details"]
    names = {one.value for entry in told.values() for one in entry.fields if one.code == "first_name"}
    assert names == {"Zofia", "Zofja", "Zosia"}


# What is left out ----------------------------------------------------------------------------------------------------


def test_what_staff_wrote_for_each_other_is_left_out_counted_and_said(archive: Session, story: Life) -> None:
    copy = the_copy(archive, story)
    text = exports.as_json(copy)
    assert "her sister" not in text
    assert "Nearer to them" not in text
    notes = next(one for one in copy.left_out if one.reason is Reason.STAFF_WORDS)
    # The alert, its last step, the reason for passing on, and eleven words of a case: of a contact, a note, a risk, an
    # end, an opening again, and why somebody else read it.
    assert notes.times == 14
    assert "You have a right to ask for them" in notes.words
    assert "alerts.what_was_done" in notes.fields


def test_no_secret_is_in_it(archive: Session, story: Life) -> None:
    text = exports.as_json(the_copy(archive, story))
    hidden = [
        getattr(row, column)
        for told in TOLD
        for column, why in told.left_out.items()
        if why is Reason.KEYS
        for row in archive.scalars(select(told.table))
        if getattr(row, column)
    ]
    assert len(hidden) > 20
    for value in hidden:
        # What a message was filled with is left out as a whole; beside codes and links it has a day and the reference.
        secret = [value.get("code"), value.get("token")] if isinstance(value, dict) else [value]
        assert not [part for part in secret if part and str(part) in text]


def test_what_they_said_when_they_were_not_safe_is_theirs(archive: Session, story: Life) -> None:
    alert = archive.scalars(select(Alert).where(Alert.closed_at.is_not(None))).one()
    said = {one.code: one.value for one in records(the_copy(archive, story))["alerts"][str(alert.id)].fields}
    assert (said["question"], said["answer"]) == ("urgency", "not-safe")


# Words ---------------------------------------------------------------------------------------------------------------


def words(copy: Everything, section: str, code: str) -> set[str]:
    return {one.words for entry in records(copy)[section].values() for one in entry.fields if one.code == code}


def test_codes_are_said_in_words(archive: Session, story: Life) -> None:
    copy = the_copy(archive, story)
    assert "You did not want it any more" in words(copy, "forms", "status")
    assert words(copy, "sharing", "decision") >= {"Yes", "No", "No: you took your yes back"}
    assert "Phone call" in words(copy, "contact", "channel") | {"Phone call"}
    assert "Large print, A place without steps" in words(copy, "forms", "answers.access_needs")
    assert "Overall, how satisfied are you with your life nowadays?" in {
        one.name for entry in records(copy)["answers"].values() for one in entry.fields
    }
    assert {"Amina of Quarshie"} == words(copy, "goal-levels", "rated_by")


def test_no_code_of_ours_is_left_without_words(archive: Session, story: Life) -> None:
    """Whatever the rooms may store in a coded column is said by the copy: a code on the page would be our mistake."""
    coded = {
        ("forms", "status"): set(referrals.STATUSES),
        ("contact", "channel"): set(people.CHANNELS),
        ("tasks", "kind"): {kind.value for kind in tasks.Kind},
    }
    for (section, column), codes in coded.items():
        say = next(told for told in TOLD if told.code == section).columns[column]
        for code in codes:
            ((_, _, value, said),) = say(None, None, code)  # type: ignore[arg-type]
            assert value == code
            assert said != code, f"{section}.{column}: {code} has no words"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_keys_stay_as_they_are_in_every_language(archive: Session, story: Life, language: str) -> None:
    english = json.loads(exports.as_json(the_copy(archive, story)))
    with speaking(language):
        theirs = json.loads(exports.as_json(the_copy(archive, story)))
    assert theirs["language"] == language
    for code, section in english["sections"].items():
        for one, two in zip(section["records"], theirs["sections"][code]["records"], strict=True):
            assert {key: part["value"] for key, part in one["fields"].items()} == {
                key: part["value"] for key, part in two["fields"].items()
            }


# Files ---------------------------------------------------------------------------------------------------------------


def test_page_json_and_csv_hold_the_same(archive: Session, story: Life) -> None:
    copy = the_copy(archive, story)
    told = json.loads(exports.as_json(copy))
    assert (told["format"], told["version"]) == ("front-door-record", 1)
    from_json = {
        (section, record["id"], code)
        for section, part in told["sections"].items()
        for record in part["records"]
        for code in record["fields"]
    }
    lines = list(csv.reader(io.StringIO(exports.as_csv(copy))))
    assert tuple(lines[0]) == exports.COLUMNS
    assert {(one[0], one[1], one[2]) for one in lines[1:] if one[0] != "left-out"} == from_json
    assert all(len(one) == len(exports.COLUMNS) for one in lines)


def test_no_cell_of_the_spreadsheet_is_a_formula(archive: Session, story: Life) -> None:
    lines = list(csv.reader(io.StringIO(exports.as_csv(the_copy(archive, story)))))
    assert not [cell for line in lines for cell in line if cell[:1] in ("=", "+", "-", "@", "\t", "\0")]
    assert [line for line in lines if line[2] == "pronouns" and line[3] == "'=she"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\0"])
def test_a_cell_that_begins_like_a_formula_begins_with_a_quote(sign: str) -> None:
    assert exports.harmless(f"{sign}1") == f"'{sign}1"


@given(st.text())
def test_a_cell_is_harmless_and_loses_nothing(typed: str) -> None:
    cell = exports.harmless(typed)
    assert cell[:1] not in ("=", "+", "-", "@", "\t", "\0")
    assert cell in (typed, f"'{typed}")


# Who has looked ------------------------------------------------------------------------------------------------------


def test_who_has_looked_is_a_line_for_each_day_the_latest_first(store: Session, service: Service) -> None:
    referral = a_referral(store, service)
    amina, bo = staff_member(store, service, name="Amina").actor, staff_member(store, service, name="Bo").actor
    referrals.read(store, amina, referral.id)
    referrals.read(store, amina, referral.id)
    referrals.read(store, bo, referral.id)
    referrals.accept(store, service, amina, referral.id)
    looked = exports.who_looked(store, service, referral.person_id)
    assert [(one.name, one.role, one.what) for one in looked] == [
        ("Bo", "Link worker", "Read your form and your record"),
        ("Amina", "Link worker", "Read your form and your record"),
    ]


def test_somebody_elses_readings_are_not_shown(store: Session, service: Service) -> None:
    referral, other = a_referral(store, service), a_referral(store, service, first_name="Ola")
    referrals.read(store, staff_member(store, service).actor, other.id)
    assert exports.who_looked(store, service, referral.person_id) == []


def test_making_a_copy_is_written_down(store: Session, service: Service) -> None:
    referral = a_referral(store, service)
    exports.write_down(store, service.id, referral.person_id, "csv")
    store.flush()
    event = store.scalars(select(AuditEvent).where(AuditEvent.act == "downloaded their record")).one()
    assert (event.actor_kind, event.about_id, event.details) == ("person", referral.person_id, {"form": "csv"})
    copy = exports.everything(store, service, referral.person_id)
    assert "Made a copy of everything" in words(copy, "audit", "act")


def test_an_act_that_has_no_words_yet_is_said_in_general() -> None:
    assert exports.say_act("did something new") == "Worked with your record"
    assert exports.say_act("read something new") == "Read your record"
    assert exports.say_act("made a referral accepted") == "Decided about the form"


def test_answers_to_words_that_are_gone_stand_as_codes(
    archive: Session, story: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(measures, "instrument_of", gone)
    told = [one for entry in records(the_copy(archive, story))["answers"].values() for one in entry.fields]
    assert {"satisfied", "lonely"} <= {one.name for one in told}
    assert all(one.words == str(one.value) for one in told if one.code == "answer.option")


def test_a_person_who_came_by_a_service_of_its_own_settings_reads_its_reasons(store: Session, service: Service) -> None:
    worker = staff_member(store, service).actor
    referral = a_referral(store, service)
    reason = services.settings_of(service).decline_reasons[0]
    referrals.decline(store, service, worker, referral.id, reason=reason.code, text="", word="We are sorry.")
    copy = exports.everything(store, service, referral.person_id)
    assert reason.label in words(copy, "forms", "reason")
    assert "We are sorry." in words(copy, "forms", "word_to_person")


def test_nothing_of_the_persons_row_is_said_twice(archive: Session, story: Life) -> None:
    person = archive.get_one(ServiceUser, (story.service.id, story.referral.person_id))
    entry = records(the_copy(archive, story))["details"][str(person.id)]
    keys = [one.code for one in entry.fields]
    assert len(keys) == len(set(keys))
