"""One case, by whichever door: the web, a call, paper, a screen in a waiting room, with an interpreter. The record is
the same; only who and how differ. And what is special about typing in what somebody else says."""

import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access, accounts, clock, codes, drafts, entries, reading, referrals, tasks
from portal.access import Role
from portal.clock import today
from portal.i18n import LANGUAGES
from portal.journeys import NOT_ASKED, orders
from portal.journeys.orders import IN_PERSON, ORDERS, PAPER, PHONE, Order, Section
from portal.journeys.self_referral import SELF_REFERRAL
from portal.people import SHARING
from portal.store import Alert, AuditEvent, Base, Draft, Permission, Referral, Stores, Task
from tests.visitor import Visitor
from tests.world import ANSWERS, Member, a_service, staff_member, typed_in

# One case by five doors ----------------------------------------------------------------------------------------------

CASE: dict[str, Any] = {
    **ANSWERS,
    "family_name": "Quarshie",
    "pronouns": "she/her",
    "safe_ways": ["call", "email", "through-person", "come-back"],
    "voicemail_safe": "no",
    "phone_times": ["weekday-morning", "weekend"],
    "spoken_language": "ur",
    "interpreter": "spoken",
    "access_needs": ["large-print", "more-time"],
    "what_matters": "میں لوگوں سے ملنا چاہتی ہوں۔\nAnd to walk more.",
    "needs": ["loneliness", "getting-active"],
    "urgency": "not-safe",
    "gp_registered": "yes",
    "gp_practice": "The Elms",
    "nhs_number": "999 123 4578",
    "share_gp": "yes",
    "share_onward": "prefer-not-to-say",
    "evaluation": "no",
}
WHO_AND_HOW = {
    "source_channel",
    "completed_by",
    "entered_by",
    "given_by",
    "recorded_by",
    "changed_by",
    "kiosk_id",
    "said_on",
}
RANDOM = {"reference", "return_hash", "sent_key_hash"}
NOT_THE_RECORD = {"audit_event", "kiosk", "recovery_code", "service", "sign_in", "staff", "tries"}
"""Tables that say who came by and what they pressed, not what is known of the person."""

Opened = Callable[..., Flask]


@pytest.fixture(scope="module")
def beginning(
    environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Member, Member]:
    """A service with a manager and a worker, before anybody has asked for anything."""
    from config import Settings
    from portal import create_app

    file = tmp_path_factory.mktemp("doors") / "before.sqlite"
    shutil.copy(migrated_sqlite, file)
    app = create_app(Settings.from_environment({**environment, "PORTAL_DATABASE_URL": f"sqlite:///{file}"}))
    with app.extensions["stores"].writing.begin() as store:
        service = a_service(store)
        manager, worker = staff_member(store, service, Role.MANAGER), staff_member(store, service, name="Amina Khan")
    app.extensions["stores"].engine.dispose()
    return file, manager, worker


@pytest.fixture
def opened(make_app: Opened, beginning: tuple[Path, Member, Member], tmp_path: Path) -> Callable[[str], Flask]:
    """The portal on a copy of that beginning."""

    def copied(name: str) -> Flask:
        file = tmp_path / f"{name}.sqlite"
        shutil.copy(beginning[0], file)
        app = make_app(f"sqlite:///{file}")
        app.config["SERVICE"] = "here"
        return app

    return copied


def signed_in(app: Flask, member: Member, prefix: str = "") -> Visitor:
    """This member of staff at a browser."""
    with app.extensions["stores"].writing.begin() as store:
        knocked = accounts.knock(store, member.actor.service_id, member.email)
        waiting = accounts.begin_sign_in(store, knocked, member.password)
        token = accounts.second_factor_given(
            store, member.actor.service_id, waiting, accounts.code_now(member.secret)
        ).token
    browser = Visitor(app, prefix)
    browser.client.set_cookie(app.config["SIGN_IN_COOKIE"], token)
    return browser


def begun(there: Visitor, **how: str) -> Visitor:
    """The first page of a form that is typed in."""
    there.open("/staff/entry/")
    there.press(to="/staff/entry/", **{"channel": "phone", "completed_by": "self", "language": "en", **how})
    assert there.status == 200, there.errors
    return there


def typed(there: Visitor, until: str = "check", **answers: Any) -> Visitor:
    """Page by page until this one is open, as the screens lead."""
    everything = {**CASE, **answers}
    for _ in range(30):
        slug = there.here.rpartition("/")[2]
        if slug == until:
            return there
        if slug == "help":
            there.carry_on()
            continue
        names = {one.get("name") for one in there.page.elements if one.get("name")}
        there.press(**answers_for(names, everything))
        assert there.status == 200, f"{there.path}: {there.errors}"
    raise AssertionError(f"{until} is never reached; at the end: {there.path}")


def answers_for(names: set[str | None], everything: dict[str, Any]) -> dict[str, Any]:
    return {code: said for code, said in everything.items() if code in names}


def by_web(app: Flask, manager: Member, worker: Member) -> None:
    Visitor(app).refer(device="shared", **CASE).press()


def by_phone(app: Flask, manager: Member, worker: Member) -> None:
    typed(begun(signed_in(app, worker))).press()


def on_paper(app: Flask, manager: Member, worker: Member) -> None:
    day = today() - timedelta(days=3)
    typed(begun(signed_in(app, worker), channel="paper", said_on=f"{day.day} {day.month} {day.year}")).press()


def on_a_screen(app: Flask, manager: Member, worker: Member) -> None:
    screen = signed_in(app, manager)
    screen.open("/staff/kiosks").press(name="The waiting room")
    screen.open("/refer/who-for").refer(**CASE).press()
    assert screen.here == "/kiosk/sent"


def with_an_interpreter(app: Flask, manager: Member, worker: Member) -> None:
    typed(begun(signed_in(app, worker), channel="staff", completed_by="interpreter")).press()


DOORS = {
    "portal": by_web,
    "phone": by_phone,
    "paper": on_paper,
    "kiosk": on_a_screen,
    "staff": with_an_interpreter,
}


def record_of(app: Flask) -> dict[str, list[str]]:
    """Every row of every table of the record, without who and how, ids, times and what is random."""
    found: dict[str, list[str]] = {}
    with app.extensions["stores"].reading() as store:
        reference = store.scalars(select(Referral.reference)).one()
        for mapper in Base.registry.mappers:
            name = mapper.local_table.name  # type: ignore[attr-defined]
            if name not in NOT_THE_RECORD:
                rows = store.scalars(select(mapper.class_)).all()
                found[name] = sorted(_row(row, [one.key for one in mapper.column_attrs], reference) for row in rows)
    return found


def _row(row: object, columns: list[str], reference: str) -> str:
    kept = {}
    for column in columns:
        value = getattr(row, column)
        if column in WHO_AND_HOW | RANDOM:
            continue
        if isinstance(value, uuid.UUID | datetime):
            value = type(value).__name__
        elif isinstance(value, dict):
            value = dict(sorted(value.items()))
        kept[column] = value
    said = repr(kept)
    for random in (reference, codes.show_reference(reference)):
        said = said.replace(random, "REFERENCE")
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", said)


def who_and_how(app: Flask) -> dict[str, Any]:
    """What may differ."""
    with app.extensions["stores"].reading() as store:
        referral = store.scalars(select(Referral)).one()
        permissions = store.scalars(select(Permission)).all()
        assert {one.kind for one in permissions} == set(SHARING) - {"share_referrer"}
        return {
            "source_channel": referral.source_channel,
            "completed_by": referral.completed_by,
            "entered_by": referral.entered_by,
            "said_on": referral.said_on,
            "given_by": {one.given_by for one in permissions},
            "recorded_by": {one.recorded_by for one in permissions},
            "wording": {(one.kind, one.wording, one.wording_version) for one in permissions},
        }


def test_one_case_by_five_doors_is_one_record_and_differs_only_in_who_and_how(
    opened: Callable[[str], Flask], beginning: tuple[Path, Member, Member]
) -> None:
    _, manager, worker = beginning
    records, differs = {}, {}
    for door, enter in DOORS.items():
        app = opened(door)
        enter(app, manager, worker)
        records[door], differs[door] = record_of(app), who_and_how(app)
    web = records["portal"]
    for table in (
        "service_user",
        "referral",
        "contact_way",
        "permission",
        "alert",
        "check_in",
        "referral_need",
        "task",
    ):
        assert web[table], f"{table} is empty: nothing is compared there"
    assert web["draft"] == []
    for door, record in records.items():
        for table, rows in record.items():
            assert rows == web[table], f"{table} differs by {door}"
    wording = {(kind, SELF_REFERRAL.question(kind).label, SELF_REFERRAL.version) for kind in SHARING[:3]}
    me, none, aloud = worker.actor.staff_id, None, "staff-recorded-verbal"
    expected = {
        "portal": ("portal", "self", none, none, {"person"}, {none}),
        "phone": ("phone", "self", me, none, {aloud}, {me}),
        "paper": ("paper", "self", me, today() - timedelta(days=3), {"person"}, {me}),
        "kiosk": ("kiosk", "self", none, none, {"person"}, {none}),
        "staff": ("staff", "interpreter", me, none, {aloud}, {me}),
    }
    assert {door: tuple(one.values()) for door, one in differs.items()} == {
        door: (*one, wording) for door, one in expected.items()
    }


# The orders ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
def test_every_order_asks_every_question_of_the_form_once(order: Order) -> None:
    asked = [code for section in order.sections for code in section.asks]
    assert sorted([*asked, *order.given]) == sorted(one.code for one in SELF_REFERRAL.questions)
    assert len(set(order.numbers.values())) == len(order.numbers) == len(asked) - len(orders.ONLY_WHEN_UNSURE)


def test_an_order_that_leaves_out_a_question_is_refused() -> None:
    with pytest.raises(ValueError, match="referring_for"):
        Order("short", SELF_REFERRAL, (Section("one", "One", ("first_name",)),))
    with pytest.raises(ValueError, match="does not ask"):
        Order("twice", SELF_REFERRAL, (*PAPER.sections, Section("again", "Again", ("first_name",))))


def test_a_call_begins_with_whom_to_ring_back_then_what_is_safe_then_what_is_urgent() -> None:
    assert [section.slug for section in PHONE.sections[:3]] == ["name-and-number", "safe-contact", "urgent"]
    assert PHONE.sections[0].asks == ("first_name", "phone")
    assert all(section.say for section in (*PHONE.sections, *IN_PERSON.sections))
    assert "cut off" in PHONE.sections[0].say
    assert "cut off" not in IN_PERSON.sections[0].say


def test_a_question_says_which_answer_it_depends_on_only_when_that_is_asked_before_it() -> None:
    depends = PAPER.depends("email")
    assert depends
    assert (depends.question.code, [one.code for one in depends.choices]) == ("safe_ways", ["email"])
    assert PHONE.depends("phone") is None  # the number is asked first: nobody has chosen a way yet
    assert PAPER.depends("first_name") is None
    assert PAPER.depends("full_date_of_birth") is None  # worked out by the room, nobody's answer


def test_a_year_alone_asks_for_the_whole_date_only_where_it_decides(world: "World") -> None:
    section = PHONE.section_of("date_of_birth")
    with world.look() as store:
        draft = typed_in(store, world.service, world.amina.actor, answers={"date_of_birth": str(today().year - 18)})
        assert "full_date_of_birth" in {one.code for one in PHONE.page(section, draft.answers).questions}
        assert "full_date_of_birth" not in {one.code for one in PHONE.page(section).questions}
        assert [one.code for one in entries.gaps(draft).unasked] == ["full_date_of_birth"]


# A world of its own for what follows ---------------------------------------------------------------------------------


class World:
    """A service on this test's database, two colleagues and a manager, and their browsers."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        with stores.writing.begin() as store:
            self.service = a_service(store, outcodes=["AB10"], who_could_help=[{"name": "Elsewhere", "phone": "999"}])
            self.manager = staff_member(store, self.service, Role.MANAGER)
            self.amina = staff_member(store, self.service, name="Amina Khan")
            self.ben = staff_member(store, self.service, name="Ben Hall")
            store.flush()
            store.expunge_all()

    @contextmanager
    def look(self) -> Iterator[Session]:
        """Looks, and writes, on the store."""
        with self.stores.writing.begin() as store:
            store.add(self.service)
            yield store
            store.flush()
            store.expunge_all()

    def draft(self) -> Draft:
        with self.look() as store:
            return store.scalars(select(Draft)).one()


@pytest.fixture
def world(stores: Stores) -> World:
    return World(stores)


@pytest.fixture
def amina(app: Flask, world: World) -> Visitor:
    return signed_in(app, world.amina)


@pytest.fixture
def ben(app: Flask, world: World) -> Visitor:
    return signed_in(app, world.ben)


# Typing in: nothing blocks, nothing is lost ---------------------------------------------------------------------------


def test_a_call_that_is_cut_off_is_rung_back_by_a_colleague_who_goes_on(
    amina: Visitor, ben: Visitor, world: World
) -> None:
    begun(amina).press("stop", first_name="Zofia", phone="07700 900123")
    assert amina.here == "/staff/entry/"
    ben.open("/staff/entry/")
    assert "Zofia" in ben.words
    assert "07700 900123" in ben.words
    assert "Amina Khan" in ben.words
    assert "07700" not in ben.path
    ben.follow(ben.links()["Zofia"])
    assert "Not asked yet" in ben.words
    typed(ben.follow(next(href for href in ben.links().values() if href.split("#")[0].endswith("/safe-contact"))))
    ben.press()
    assert "Read both numbers out" in ben.words
    with world.look() as store:
        assert store.scalars(select(Referral)).one().entered_by == world.ben.actor.staff_id


def test_what_was_blank_when_the_call_ended_was_not_asked(amina: Visitor, world: World) -> None:
    begun(amina).press("to-gp").press("stop", gp_practice="The Elms")
    answers = world.draft().answers
    assert answers["gp_practice"] == "The Elms"
    assert "gp_registered" not in answers
    amina.open(f"/staff/entry/{world.draft().id}/part/gp").press()
    assert world.draft().answers["gp_registered"] == "left-blank"


def test_every_button_keeps_what_is_on_the_page(amina: Visitor, world: World) -> None:
    begun(amina).press("to-what-matters", first_name="Zofia")
    assert amina.here.endswith("/what-matters")
    amina.press("back", what_matters="To meet people.")
    assert amina.here.endswith("/who-for")
    amina.press("to-check")
    answers = world.draft().answers
    assert (answers["first_name"], answers["what_matters"]) == ("Zofia", "To meet people.")
    amina.open(f"/staff/entry/{world.draft().id}/part/name-and-number").press("to-nowhere")
    assert amina.here.endswith("/check")


def test_an_answer_that_cannot_be_read_is_said_kindly_and_stays_typed(amina: Visitor, world: World) -> None:
    begun(amina).press(first_name="Zofia", phone="twelve")
    assert amina.status == 422
    assert amina.errors == ["Type a phone number, like 07700 900123"]
    assert amina.fields()["phone"] == "twelve"
    amina.press("to-safe-contact")
    assert amina.status == 200  # it holds nobody up
    amina.press(safe_ways=["call"])
    amina.open(f"/staff/entry/{world.draft().id}/check")
    assert "We could not read this answer: Phone number" in amina.words
    amina.press()
    assert amina.here.endswith("/about-them")  # the first of what is still needed, said where it is typed
    typed(amina.follow(amina.here.replace("about-them", "urgent")), phone="twelve")
    amina.press()
    assert amina.here.endswith("/name-and-number")
    assert amina.errors == ["Type a phone number, like 07700 900123"]


def test_what_is_missing_is_asked_for_only_when_the_form_is_sent(amina: Visitor, world: World) -> None:
    begun(amina)
    for _ in PHONE.sections:
        amina.press()
        assert amina.status == 200
    assert amina.here.endswith("/check")
    assert amina.links()["Type a first name. Any name is fine"].endswith("/name-and-number#first_name")
    assert "Write a few words, or choose something from the list" in amina.links()
    assert "Choose at least one way that is safe. You can choose to come back here yourself" in amina.links()
    amina.press()
    assert amina.status == 422
    assert amina.here.endswith("/about-them")
    assert amina.errors == [
        "Type a postcode, or tick that there is no fixed address",
        "Type a date of birth. The year alone is fine",
    ]
    with world.look() as store:
        assert store.scalars(select(Referral)).all() == []


def test_what_nobody_asked_is_kept_as_not_asked_and_allows_nothing(world: World) -> None:
    with world.look() as store:
        draft = typed_in(store, world.service, world.amina.actor, until="about-them")
        draft.answers = {**draft.answers, "spoken_language": "en"}
        sent = entries.send(store, world.service, world.amina.actor, draft.id)
        assert sent.referral.answers["gp_registered"] == NOT_ASKED
        assert sent.referral.answers["share_gp"] == NOT_ASKED
        assert store.scalars(select(Permission)).all() == []


def test_a_number_to_ring_back_on_is_forgotten_when_the_person_does_not_want_calls(world: World) -> None:
    with world.look() as store:
        answers = {"safe_ways": ["email"]}
        draft = typed_in(store, world.service, world.amina.actor, answers=answers)
        assert draft.answers["phone"] == "+447700900123"
        sent = entries.send(store, world.service, world.amina.actor, draft.id)
        assert "phone" not in sent.referral.answers


def test_an_answer_that_somebody_is_not_safe_raises_its_alert_at_once_and_shows_who_can_help(
    amina: Visitor, world: World
) -> None:
    begun(amina).press("to-urgent", first_name="Zofia").press("stop", urgency="being-hurt")
    assert amina.here.endswith("/help")
    assert "Stay with them" in amina.words
    assert "116 123" in amina.words
    assert "0808 2000 247" in amina.words
    with world.look() as store:
        alert = store.scalars(select(Alert)).one()
        assert (alert.rule, alert.form_id, alert.referral_id) == ("being-hurt", world_draft(store).id, None)
    assert amina.carry_on().here == "/staff/entry/"  # where the press led
    amina.open(f"/staff/entry/{world.draft().id}/part/urgent").press(urgency="no")
    assert not amina.here.endswith("/help")


def world_draft(store: Session) -> Draft:
    return store.scalars(select(Draft)).one()


def test_two_colleagues_on_one_page_see_both_versions_and_lose_nothing(
    amina: Visitor, ben: Visitor, world: World
) -> None:
    begun(amina).press("to-what-matters")
    ben.follow(amina.path)
    ben.press(what_matters="She said: to walk.")
    amina.press(what_matters="She said: to meet people.")
    assert amina.status == 409
    assert "She said: to walk." in amina.words
    assert amina.fields()["what_matters"] == "She said: to meet people."
    assert world.draft().answers["what_matters"] == "She said: to walk."
    amina.press()
    assert world.draft().answers["what_matters"] == "She said: to meet people."
    # The same answer twice is no quarrel.
    ben.follow(amina.path.replace("about-them", "what-matters"))
    ben.press(what_matters="Both.")
    amina.open(f"/staff/entry/{world.draft().id}/part/what-matters")
    ben.open(f"/staff/entry/{world.draft().id}/part/what-matters").press(what_matters="Once more.")
    amina.press(what_matters="Once more.")
    assert amina.status == 200


def test_a_page_whose_token_has_died_comes_back_with_what_was_typed(amina: Visitor, world: World) -> None:
    begun(amina)
    for path in (amina.path, f"/staff/entry/{world.draft().id}/check", "/staff/entry/"):
        amina.open(path)
        fields = amina.fields(path)
        fields["csrf_token"] = "dead"
        if path == "/staff/entry/":
            fields["said_on"] = "1 2 2026"
        amina.post(path, {**fields.to_dict(flat=True), "first_name": "Zofia"})
        assert amina.status == 400
        if path == "/staff/entry/":
            assert amina.fields(path)["said_on"] == "1 2 2026"
        elif not path.endswith("check"):
            assert amina.fields()["first_name"] == "Zofia"
    assert "first_name" not in world.draft().answers


def test_begun_twice_by_a_double_press_it_is_one_form(amina: Visitor, world: World) -> None:
    amina.open("/staff/entry/")
    once = amina.fields("/staff/entry/")
    how = {"channel": "phone", "completed_by": "self", "language": "en"}
    for _ in range(2):
        amina.post("/staff/entry/", {**once.to_dict(), **how})
    assert world.draft()


def test_sent_twice_it_is_one_referral_and_the_number_opens_it(amina: Visitor, world: World) -> None:
    with world.look() as store:
        draft = typed_in(store, world.service, world.amina.actor)
    amina.open(f"/staff/entry/{draft.id}/check")
    fields = amina.fields()
    amina.press()
    reference, number = amina.card()
    amina.post(f"/staff/entry/{draft.id}/check", fields)
    assert amina.here.endswith("/sent")
    assert reference in amina.words
    assert number not in amina.words
    with world.look() as store:
        referral = store.scalars(select(Referral)).one()
        assert drafts.number_opens(referral.draft_id, referral.return_hash, codes.read_return_number(number) or "")
        assert referral.reference == codes.read_reference(reference)
    amina.press(to="/sent")
    _, again = amina.card()
    with world.look() as store:
        referral = store.scalars(select(Referral)).one()
        assert drafts.number_opens(referral.draft_id, referral.return_hash, codes.read_return_number(again) or "")
        assert not drafts.number_opens(referral.draft_id, referral.return_hash, codes.read_return_number(number) or "")
    with clock.later(timedelta(hours=25)), world.look() as store, pytest.raises(entries.Gone):
        entries.new_number(store, world.amina.actor, draft.id)


def test_with_an_interpreter_each_question_stands_in_both_languages(amina: Visitor) -> None:
    begun(amina, channel="staff", completed_by="interpreter", language="ur").press("to-urgent")
    label = amina.page.all("legend")[0]
    said = [("".join(one.itertext()), one.get("lang"), one.get("dir")) for one in label.iter("span")]
    assert said[0][1:] == ("ur", "rtl")
    assert said[1:] == [("Is anything urgent?", "en", None)] or "Is anything urgent?" in "".join(label.itertext())
    assert "ہنگامی" in said[0][0] or said[0][0] != "Is anything urgent?"
    choices = [one for one in amina.page.all("label") if "not safe" in "".join(one.itertext())]
    assert any(span.get("lang") == "ur" for span in choices[0].iter("span"))


def test_the_english_beneath_is_marked_on_a_page_in_another_language(app: Flask, world: World) -> None:
    polish = signed_in(app, world.amina, "/pl")
    begun(polish, language="ur").press("to-urgent")
    legend = polish.page.all("legend")[0]
    spans = [(one.get("lang"), one.get("dir")) for one in legend.iter("span")]
    assert spans == [("ur", "rtl"), ("en", "ltr")]


def test_who_answers_is_asked_once_and_says_for_whom_the_form_is(world: World) -> None:
    expected = {"self": "me", "interpreter": "me", "supporter-reading": "me-with-help", "proxy": None}
    for completed_by, whom in expected.items():
        with world.look() as store:
            draft = entries.begin(
                store, world.service, world.amina.actor, channel="phone", completed_by=completed_by, language="en"
            )
            assert draft.answers.get("referring_for") == whom
            assert draft.completed_by == completed_by


def test_somebody_who_does_not_know_about_it_yet_leaves_nothing_behind(amina: Visitor, world: World) -> None:
    begun(amina, completed_by="proxy").press("to-who-for", first_name="Zofia")
    amina.press(referring_for="someone-who-does-not-know")
    assert "We have kept nothing of this form" in amina.words
    with world.look() as store:
        assert store.scalars(select(Draft)).all() == []


def test_somebody_outside_the_area_is_told_so_kindly_and_may_still_be_sent(amina: Visitor, world: World) -> None:
    begun(amina).press("to-about-them", first_name="Zofia")
    amina.press(postcode="ZE1 0AA", date_of_birth="1965")
    amina.press("to-check")
    assert "outside our area" in amina.words
    assert "Elsewhere" in amina.words


def test_a_form_that_is_thrown_away_is_gone_and_written_down(amina: Visitor, world: World) -> None:
    begun(amina)
    amina.open(f"/staff/entry/{world.draft().id}/check").press(to="/throw-away")
    assert "Thrown away" in amina.words
    with world.look() as store:
        assert store.scalars(select(Draft)).all() == []
        assert "threw away an unsent form" in store.scalars(select(AuditEvent.act)).all()


# What is wrong when it begins -----------------------------------------------------------------------------------------


def test_beginning_says_what_is_missing_and_keeps_the_rest(amina: Visitor) -> None:
    amina.open("/staff/entry/").press(to="/staff/entry/", channel="paper", said_on="soon")
    assert amina.status == 422
    assert amina.errors == ["Choose who answers", "Choose a language"]
    assert amina.fields("/staff/entry/")["said_on"] == "soon"
    assert amina.fields("/staff/entry/")["channel"] == "paper"


def test_a_day_on_the_paper_must_be_one_that_can_be_true(amina: Visitor) -> None:
    tomorrow, long_ago = today() + timedelta(days=1), today() - timedelta(days=367)
    how = {"channel": "paper", "completed_by": "self", "language": "en"}
    for said, sentence in (
        ("yesterday", "Enter a date, such as 24 11 2026"),
        (f"{tomorrow:%d %m %Y}", "The day on the paper cannot be after today"),
        (f"{long_ago:%d %m %Y}", "Check the year. This day is more than a year ago"),
    ):
        amina.open("/staff/entry/").press(to="/staff/entry/", **how, said_on=said)
        assert amina.errors == [sentence]
        assert amina.fields("/staff/entry/")["said_on"] == said
    amina.press(to="/staff/entry/", **{**how, "channel": "phone"}, said_on="1 11 2026")
    assert amina.errors == ["A day is only needed for a paper form. Take it out, or choose paper"]


# The room: who may, and whose ----------------------------------------------------------------------------------------


def test_a_room_checks_again_what_it_is_handed(world: World) -> None:
    how: dict[str, Any] = {"channel": "phone", "completed_by": "self", "language": "en"}
    with world.look() as store:
        for wrong in ({"channel": "fax"}, {"completed_by": "nobody"}, {"language": "xx"}):
            with pytest.raises(KeyError):
                entries.begin(store, world.service, world.amina.actor, **{**how, **wrong})
        future = {"channel": "paper", "said_on": today() + timedelta(days=1)}
        with pytest.raises(reading.Unreadable):
            entries.begin(store, world.service, world.amina.actor, **{**how, **future})
        analyst = staff_member(store, world.service, Role.ANALYST).actor
        with pytest.raises(access.Refused):
            entries.begin(store, world.service, analyst, **how)


def test_another_service_s_form_and_a_person_s_own_draft_are_not_there(world: World) -> None:
    from tests.world import a_draft

    with world.look() as store:
        there = a_service(store, "there")
        elsewhere = staff_member(store, there).actor
        draft = typed_in(store, world.service, world.amina.actor, until="name-and-number")
        own = a_draft(store, world.service, "name")
        for actor, draft_id in ((elsewhere, draft.id), (world.amina.actor, own.id)):
            with pytest.raises(entries.Gone):
                entries.find(store, actor, draft_id)
            with pytest.raises(entries.Gone):
                entries.send(store, world.service, actor, draft_id)
        assert entries.unfinished(store, elsewhere) == []
        assert [one.draft.id for one in entries.unfinished(store, world.amina.actor)] == [draft.id]


def test_what_is_not_finished_after_a_day_becomes_a_task_of_its_own(world: World) -> None:
    with world.look() as store:
        draft = typed_in(store, world.service, world.amina.actor, until="name-and-number")
    with clock.later(timedelta(hours=25)), world.look() as store:
        assert referrals.ask_about_unfinished(store, world.service) == 1
        task = store.scalars(select(Task)).one()
        assert (task.kind, task.draft_id) == (tasks.Kind.UNFINISHED_ENTRY, draft.id)
        assert referrals.ask_about_unfinished(store, world.service) == 0
        assert [one.id for one in tasks.open_tasks(store, world.amina.actor)] == [task.id]
        found = entries.find(store, world.amina.actor, draft.id)
        entries.throw_away(store, world.amina.actor, found)
        assert tasks.open_tasks(store, world.amina.actor) == []


def test_every_part_that_is_typed_in_is_written_down_with_a_name(world: World) -> None:
    with world.look() as store:
        draft = typed_in(store, world.service, world.ben.actor)
        entries.send(store, world.service, world.ben.actor, draft.id)
        events = store.scalars(select(AuditEvent).where(AuditEvent.actor_id == world.ben.actor.staff_id)).all()
        acts = [event.act for event in events]
        assert acts.count("typed in part of a form") == len(PHONE.sections)
        assert {"began to type in a form", "submitted a referral"} <= set(acts)
        assert not any("Zofia" in str(event.details) for event in events)


def test_every_language_of_the_portal_can_be_the_person_s(world: World) -> None:
    for code in LANGUAGES:
        with world.look() as store:
            draft = typed_in(store, world.service, world.amina.actor, language=code, channel="paper", said_on=_may())
            sent = entries.send(store, world.service, world.amina.actor, draft.id)
            assert (sent.referral.language, sent.referral.said_on) == (code, _may())


def _may() -> date:
    return today() - timedelta(days=20)
