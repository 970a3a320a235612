"""The person's own page: what it says, what it never says, and what they change there themselves."""

import json
import re
from datetime import date, datetime, timedelta

import brotli
import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import clock, codes, goals, measures, people, referrals, retention, services
from portal.access import Actor, Role
from portal.i18n import LANGUAGES, LONDON, speaking
from portal.journeys.details import DETAILS
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral, Standing
from portal.store import (
    AuditEvent,
    CheckIn,
    ContactWay,
    Draft,
    ErasureRequest,
    Permission,
    Service,
    ServiceUser,
    Staff,
    Task,
)
from portal.web.my import say_standing
from tests.arriving import somebody
from tests.asked import MONDAY
from tests.lived import LATER, answer, check_ins_of, comes, reads, two_check_ins_and_two_goals
from tests.visitor import Visitor as Browser
from tests.world import a_referral, a_service, press, sign_in, staff_member

SENTENCE_END = re.compile(r"[.?!]$")


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store, phone="01234 567890")


@pytest.fixture
def worker(store: Session, service: Service) -> Actor:
    staff_member(store, service, Role.MANAGER)
    return staff_member(store, service, name="Amina Yusuf").actor


def their_page(app: Flask, store: Session, service: Service, referral: Referral, number: str) -> Browser:
    """Their browser, with their page open for reading."""
    key = codes.new_key()
    reads(store, service, referral, number, key=key)
    return _browser(app, store, key)


def for_details(app: Flask, store: Session, service: Service, referral: Referral) -> Browser:
    """Their browser, let in to change their details and no further."""
    key = codes.new_key()
    comes(store, service, referral, key=key, task="details")
    return _browser(app, store, key)


def _browser(app: Flask, store: Session, key: str) -> Browser:
    store.commit()
    # On SQLite one writes at a time: the test lets go before each request.
    first = app.before_request_funcs.setdefault(None, [])
    if store.commit not in first:
        first.insert(0, store.commit)
    browser = Browser(app)
    browser.client.set_cookie(app.config["VISIT_COOKIE"], key)
    return browser


def fresh(store: Session, row: object) -> None:
    store.commit()
    store.refresh(row)


# Where it stands -----------------------------------------------------------------------------------------------------

DAY, MOMENT = date(2026, 3, 9), datetime(2026, 3, 9, 12, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("standing", "first", "last"),
    [
        (
            Standing("waiting", DAY),
            "We have your form. A person will get in touch with you by Monday 9 March 2026, in a way that you chose.",
            None,
        ),
        (
            Standing("late", DAY, manager_told=True),
            "We said that we would get in touch by Monday 9 March 2026. We are late, and we are sorry.",
            "A manager has been told. You do not have to do anything. Your form is safe with us.",
        ),
        (
            Standing("late", DAY),
            "We said that we would get in touch by Monday 9 March 2026. We are late, and we are sorry.",
            "A manager is being told. You do not have to do anything. Your form is safe with us.",
        ),
        (
            Standing("accepted", since=MOMENT, worker="Amina"),
            "Your link worker is Amina.",
            "What happens next: your link worker gets in touch with you, in a way that you chose.",
        ),
        (
            Standing("accepted", since=MOMENT),
            "We said yes. You will have a link worker. We tell you here who it is.",
            "What happens next: your link worker gets in touch with you, in a way that you chose.",
        ),
        (
            Standing("passed-on", since=MOMENT, passed_to="The Carers’ Centre"),
            "We asked somebody else to help you: The Carers’ Centre.",
            "What happens next: they get in touch with you. If they do not, tell us.",
        ),
        (
            Standing("not-eligible", since=MOMENT),
            "We cannot help you with this. That was decided on Monday 9 March 2026.",
            "You can ask for help again at any time.",
        ),
        (
            Standing("withdrawn", since=MOMENT),
            "This ended on Monday 9 March 2026, because you do not want it any more. We ask you nothing more about it.",
            "You can ask for help again at any time.",
        ),
        (
            Standing("closed", since=MOMENT),
            "This ended on Monday 9 March 2026.",
            "You can ask for help again at any time.",
        ),
        (
            Standing("duplicate", since=MOMENT),
            "You sent this form twice. We go on with the other one. You do not have to do anything.",
            None,
        ),
    ],
    ids=lambda one: one.code if isinstance(one, Standing) else "",
)
def test_where_it_stands_is_said_in_plain_words(standing: Standing, first: str, last: str | None) -> None:
    said = list(say_standing(standing))
    assert said == [first, *([last] if last else [])]


def test_every_state_of_a_referral_has_its_words(store: Session, service: Service, worker: Actor) -> None:
    referral = a_referral(store, service)
    for status in referrals.STATUSES:
        referral.status = status
        with speaking("en"):
            assert list(say_standing(referrals.standing(store, service, referral))), status


def test_when_it_has_ended_the_services_own_words_stand_between_that_and_how_to_come_back(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker)
    known.referral.status, known.referral.closed_at = "closed", clock.now()
    manager = staff_member(store, service, Role.MANAGER).actor
    services.texts.write(store, manager, "closing", "en", "It was good to know you.\n\nGo well.", number=0)
    browser = their_page(app, store, service, known.referral, known.number).open("/my")
    assert "It was good to know you. Go well. You can ask for help again" in browser.words


def test_a_broken_promise_is_said_and_that_a_manager_knows(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker)
    with clock.later(timedelta(days=20)):
        referrals.report_broken_promises(store, service)
        browser = their_page(app, store, service, known.referral, known.number).open("/my")
        assert "We are late, and we are sorry. A manager has been told." in browser.words


def test_a_link_worker_who_has_left_is_not_named(store: Session, service: Service, worker: Actor) -> None:
    referral = a_referral(store, service)
    referrals.accept(store, service, worker, referral.id)
    assert referrals.standing(store, service, referral).worker == "Amina Yusuf"
    staff = store.get_one(Staff, (service.id, worker.staff_id))
    staff.state = "left"
    assert referrals.standing(store, service, referral).worker == ""


def test_two_forms_are_both_shown_the_newest_first(app: Flask, store: Session, service: Service, worker: Actor) -> None:
    known = somebody(store, service, worker)
    reason = next(one for one in _reasons(service) if one.status == "not-eligible")
    referrals.decline(
        store, service, worker, known.referral.id, reason=reason.code, text="Too far", word="We are sorry, Zofia."
    )
    other = somebody(store, service, worker)
    people.merge(store, worker, known.referral.person_id, other.referral.person_id)
    words = their_page(app, store, service, other.referral, other.number).open("/my").words
    newest, oldest = codes.show_reference(other.referral.reference), codes.show_reference(known.referral.reference)
    assert words.index(newest) < words.index(oldest)
    assert "We have your form." in words
    assert "We wrote to you: We are sorry, Zofia." in words
    assert "Too far" not in words


def _reasons(service: Service) -> list[services.Reason]:
    return list(services.settings_of(service).decline_reasons)


# Their own answers ---------------------------------------------------------------------------------------------------


def test_the_page_shows_answers_last_time_and_now_goals_and_lines(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    referral, number = two_check_ins_and_two_goals(store, service, worker)
    with clock.at(LATER + timedelta(days=1)):
        browser = their_page(app, store, service, referral, number).open("/my")
        size = len(browser.client.get("/my", headers={"Accept-Encoding": "br"}).get_data())
    words = browser.words
    assert "Your link worker is Amina Yusuf." in words
    assert "Last time, 2 March 2026Now, 25 May 2026" in words
    assert "Overall, how satisfied are you with your life nowadays?35" in words
    assert "Less than half of the time (2)At no time (0)" in words
    assert words.count("Over the last two weeks") == 1
    assert "I would like to meet people." in words
    assert "First answer: 3, on 2 March 2026. Now: 6, on 25 May 2026. 0 means: \u2068not started\u2069." in words
    assert len([one for one in browser.page.elements if one.tag.endswith("}svg")]) == 2 + 4 + 5 + 4
    assert size <= 14_000


def test_no_total_no_band_no_verdict_and_no_comparison_with_others(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    referral, number = two_check_ins_and_two_goals(store, service, worker)
    with clock.at(LATER + timedelta(days=1)):
        browser = their_page(app, store, service, referral, number).open("/my")
    numbers = {
        "".join(one.itertext())
        for one in browser.page.elements
        if "portal-chart__value" in one.get("class", "") or one.tag == "td"
    }
    # Five times "less than half of the time" (2) is a WHO-5 total of 10, and of 40 in a hundred.
    assert not numbers & {"10", "40"}
    assert "portal-chart__norm" not in browser.page.html
    for word in ("depress", "well done", "score", "improv", "better", "worse", "low ", "risk", "average", "severe"):
        assert word not in browser.words.lower().partition("what we may share")[0], word


def test_what_was_said_in_another_way_breaks_the_line_and_says_so(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    with clock.at(MONDAY):
        known = somebody(store, service, worker)
        referrals.accept(store, service, worker, known.referral.id)
        answer(store, service, check_ins_of(store, known.referral)[0], 3)
    with clock.at(LATER + timedelta(days=1)):
        later = next(one for one in check_ins_of(store, known.referral) if one.opens_at <= clock.now() <= one.closes_at)
        answer(store, service, later, 5, response_mode="phone", entered_by=worker.staff_id)
        browser = their_page(app, store, service, known.referral, known.number).open("/my")
    assert browser.words.count("On 26 May 2026 you answered in another way than before") == 3 + 4 + 5 + 4
    assert "portal-chart__line--broken" in browser.page.html
    # Yesterday was a Sunday then and a Monday now.
    assert "The days were not the same day of the week." in browser.words


def test_an_empty_page_says_what_there_is_not_yet(app: Flask, store: Session, service: Service, worker: Actor) -> None:
    known = somebody(store, service, worker)
    browser = their_page(app, store, service, known.referral, known.number).open("/my")
    assert "You have not set a goal yet." in browser.words
    assert "You have not answered any questions yet." in browser.words
    assert "What you can do now We would like to ask you how you are." in browser.words
    assert "No. We did not ask you." in browser.words or "No, since" in browser.words
    assert "data-lock" in browser.page.html


def test_of_many_check_ins_the_two_last_stand_beside_each_other_and_the_others_below(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    referral, number = two_check_ins_and_two_goals(store, service, worker)
    with clock.at(LATER + timedelta(weeks=4)):
        extra = measures.add_review(store, worker, referral.id, clock.today())
        answer(store, service, extra, 1)
        words = their_page(app, store, service, referral, number).open("/my").words
    assert "Last time, 25 May 2026Now, 22 June 2026" in words
    assert "What you answered before" in words
    assert "Question2 March 2026" in words


# What is shared ------------------------------------------------------------------------------------------------------


def test_a_permission_that_is_taken_back_counts_at_once(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker, share_onward="yes")
    person_id = known.referral.person_id
    assert people.allows(store, service.id, person_id, "share_onward")
    browser = their_page(app, store, service, known.referral, known.number).open("/my")
    switch = next(
        form
        for form in browser.page.all("form")
        if any(one.get("value") == "share_onward" for one in form.iter("input"))
    )
    fields = {one.get("name", ""): one.get("value", "") for one in switch.iter("input")}
    browser.post("/my/sharing", {**fields, "decision": "withdrawn"})
    assert browser.here == "/my"
    assert f"No, since {_today()}." in browser.words
    store.expire_all()
    assert not people.allows(store, service.id, person_id, "share_onward")
    with pytest.raises(referrals.NotAllowed):
        referrals.pass_on(store, service, worker, known.referral.id, to="A club", reason="Nearer", word="They ring.")
    rows = store.scalars(select(Permission).where(Permission.kind == "share_onward").order_by(Permission.id)).all()
    assert [one.decision for one in rows] == ["given", "withdrawn"]
    assert rows[1].wording == SELF_REFERRAL.question("share_onward").label
    assert (rows[1].wording_version, rows[1].language, rows[1].given_by) == (SELF_REFERRAL.version, "en", "person")


def _today() -> str:
    with speaking("en"):
        return f"{clock.today():%-d %B %Y}"


def test_a_permission_is_given_and_taken_back_any_number_of_times(store: Session, service: Service) -> None:
    person_id = a_referral(store, service, share_gp="no").person_id

    def change(decision: str) -> Permission | None:
        return people.change_permission(store, service, person_id, "share_gp", decision, "pl")

    assert change("withdrawn") is None, "a no is a no already"
    assert change("given") is not None
    assert change("given") is None
    assert people.allows(store, service.id, person_id, "share_gp")
    assert change("withdrawn") is not None
    assert not people.allows(store, service.id, person_id, "share_gp")
    acts = store.scalars(select(AuditEvent).where(AuditEvent.act == "changed a permission").order_by(AuditEvent.id))
    assert [one.details for one in acts] == [
        {"kind": "share_gp", "decision": "given"},
        {"kind": "share_gp", "decision": "withdrawn"},
    ]


def test_a_worker_who_was_told_writes_it_down_under_their_name(store: Session, service: Service, worker: Actor) -> None:
    person_id = a_referral(store, service, share_gp="yes").person_id
    row = people.change_permission(store, service, person_id, "share_gp", "withdrawn", "en", worker)
    assert row is not None
    assert (row.given_by, row.recorded_by) == ("staff-recorded-verbal", worker.staff_id)


@pytest.mark.parametrize(("kind", "decision"), [("share_all", "given"), ("share_gp", "refused"), ("", "")])
def test_what_is_no_permission_is_refused(
    app: Flask, store: Session, service: Service, worker: Actor, kind: str, decision: str
) -> None:
    known = somebody(store, service, worker)
    browser = their_page(app, store, service, known.referral, known.number).open("/my")
    before = store.scalar(select(func.count()).select_from(Permission))
    browser.post("/my/sharing", {"csrf_token": browser.token, "kind": kind, "decision": decision})
    assert browser.status == 400
    assert store.scalar(select(func.count()).select_from(Permission)) == before


def test_another_services_person_is_not_there(store: Session, service: Service) -> None:
    elsewhere, person_id = a_service(store, "there"), a_referral(store, service).person_id
    with pytest.raises(people.Gone):
        people.change_permission(store, elsewhere, person_id, "share_gp", "given", "en")
    with pytest.raises(people.Gone):
        people.correct(store, elsewhere, person_id, {"first_name": "Eve"})
    with pytest.raises(people.Gone):
        people.known_of(store, elsewhere.id, person_id)


# Their details -------------------------------------------------------------------------------------------------------


def test_details_are_corrected_with_what_is_known_already(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker, ways=("email", "call"))
    browser = their_page(app, store, service, known.referral, known.number).open("/my/details")
    browser.press(change=["contact", "name"])
    assert browser.here == "/my/details/safe-contact"
    assert set(browser.fields().getlist("safe_ways")) == {"email", "call"}
    browser.press(safe_ways=["email"])
    assert browser.fields()["email"] == known.email
    browser.press(email="new@inbox.example")
    assert browser.fields()["first_name"] == "Zofia"
    browser.press(preferred_name="Zo")
    assert browser.here == "/my/details/check-your-answers"
    assert "new@inbox.example" in browser.words
    fresh(store, known.referral)
    assert people.known_of(store, service.id, known.referral.person_id)["email"] == known.email, "nothing counts yet"
    browser.press()
    assert browser.here == "/my/details/saved"
    store.expire_all()
    ways = {(way.channel, way.address, way.allowed, bool(way.confirmed_at)) for way in _ways(store, known.referral)}
    assert ways == {
        ("email", known.email, False, True),
        ("call", "+447700900123", False, True),
        ("email", "new@inbox.example", True, False),
    }
    person = store.get_one(ServiceUser, (service.id, known.referral.person_id))
    assert (person.first_name, person.preferred_name) == ("Zofia", "Zo")
    assert store.scalar(select(func.count()).select_from(Draft)) == 0
    # The staff see it: a task, the name to use, and the ways at the top of the case.
    task = store.scalars(select(Task).where(Task.kind == "details-changed")).one()
    assert task.details == {"fields": ["preferred_name", "safe_ways"]}
    assert task.referral_id == known.referral.id
    amina = staff_member(store, service)
    sign_in(browser.client, store, amina)
    case = browser.open(f"/staff/referrals/{known.referral.id}").words
    assert "new@inbox.example" in case
    assert "Zo" in case


def _ways(store: Session, referral: Referral) -> list[ContactWay]:
    return list(people.ways_of(store, referral.service_id, referral.person_id))


def test_whoever_came_for_one_task_is_shown_nothing_and_erases_nothing_by_a_blank(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker, preferred_name="Zo", pronouns="fae/faer", gp_practice="High Street")
    browser = for_details(app, store, service, known.referral).open("/my/details")
    browser.press(change=["name", "gp"])
    for told in ("Zofia", "Zo ", "Quarshie", "fae/faer", "High Street"):
        assert told not in browser.page.html
    assert browser.fields()["first_name"] == ""
    browser.press(first_name="Sofia")
    assert "High Street" not in browser.page.html
    browser.press()
    assert "What you left blank stays as it is." in browser.words
    browser.press()
    assert browser.here == "/my/details/saved"
    assert "Go back to your page" not in browser.words
    store.expire_all()
    person = store.get_one(ServiceUser, (service.id, known.referral.person_id))
    assert (person.first_name, person.family_name, person.preferred_name) == ("Sofia", "Quarshie", "Zo")
    assert (person.pronouns, person.gp_practice) == ("fae/faer", "High Street")
    assert people.possible_duplicates(store, person) == []
    assert browser.open("/my").here != "/my"


def test_a_blank_beside_a_number_that_stays_keeps_what_was_said_about_it(store: Session, service: Service) -> None:
    referral = a_referral(store, service, voicemail_safe="yes", phone_times=["weekend"])
    blank: dict[str, object] = {
        "safe_ways": ["call"],
        "phone": "+447700900123",
        "voicemail_safe": "left-blank",
        "phone_times": "left-blank",
    }
    assert people.correct(store, service, referral.person_id, blank, keep_blanks=True) == ()
    (way,) = _ways(store, referral)
    assert (way.voicemail, way.times) == (True, ["weekend"])
    # What was said about one number is not said about another one.
    people.correct(store, service, referral.person_id, {**blank, "phone": "+447700900999"}, keep_blanks=True)
    new = next(way for way in _ways(store, referral) if way.allowed)
    assert (new.address, new.voicemail, new.times) == ("+447700900999", False, [])


def test_a_mistake_is_said_and_nothing_typed_is_lost(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker)
    browser = for_details(app, store, service, known.referral).open("/my/details")
    browser.press()
    assert (browser.status, browser.errors) == (422, ["Choose what you want to change"])
    browser.press(change=["contact"])
    browser.press(safe_ways=["email"])
    browser.press(email="nobody at all")
    assert browser.status == 422
    browser.open("/my/details/email")
    assert browser.fields()["email"] == "nobody at all"
    assert browser.open("/my/details/check-your-answers").here == "/my/details/email"
    browser.press("back")
    assert browser.here == "/my/details/safe-contact"
    browser.press("back")
    assert browser.here == "/my/details"
    assert browser.fields().getlist("change") == ["contact"]


def test_a_page_that_was_not_reached_leads_back_to_the_beginning(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker)
    browser = for_details(app, store, service, known.referral)
    assert browser.open("/my/details/name").here == "/my/details"
    assert browser.open("/my/details/check-your-answers").here == "/my/details"
    assert browser.open("/my/details/no-such-page").status == 404
    token = browser.open("/my/details").token
    assert browser.post("/my/details/name", {"csrf_token": token, "first_name": "Eve"}).here == "/my/details"
    assert browser.post("/my/details/check-your-answers", {"csrf_token": token}).here == "/my/details/saved"
    store.expire_all()
    assert store.get_one(ServiceUser, (service.id, known.referral.person_id)).first_name == "Zofia"


def test_a_dead_token_brings_the_page_back_with_what_was_typed(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker)
    browser = for_details(app, store, service, known.referral)
    browser.post("/my/details/what-to-change", {"csrf_token": "dead", "change": "gp"})
    assert browser.status == 400
    assert browser.fields().getlist("change") == ["gp"]


def test_a_screen_with_nobody_before_it_is_cleared_whatever_stands_on_it(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    referral, number = two_check_ins_and_two_goals(store, service, worker)
    (goal, *_) = goals.of_person(store, service.id, referral.person_id)
    with clock.at(LATER):
        browser = their_page(app, store, service, referral, number)
        cookie = browser.client.get_cookie(app.config["VISIT_COOKIE"])
        assert cookie
        browser.open("/my/details").press(change=["name"])
        pages = [
            ("/my/details/name", {"first_name": "Halina"}),
            ("/my/details/name", {"first_name": ""}),
            (f"/goals/{goal.goal.id}/rate", {}),
            (f"/goals/{goal.goal.id}/change/your-goal", {"goal_words": ""}),
        ]
        for address, typed in pages:
            token = browser.open(address).token
            for told in ("dead", token):
                answer = browser.client.post(address, data={"csrf_token": told, "go": "lock", **typed})
                assert (answer.status_code, answer.location) == (303, "/your-page/locked"), (address, typed)
                browser.client.set_cookie(app.config["VISIT_COOKIE"], cookie.value)
        drafts = store.scalars(select(Draft).where(Draft.journey == DETAILS.code)).all()
        assert [draft.answers.get("first_name") for draft in drafts] == ["Halina"]


def test_what_did_not_change_is_nobodys_work(store: Session, service: Service) -> None:
    referral = a_referral(store, service)
    told = people.known_of(store, service.id, referral.person_id)
    assert people.correct(store, service, referral.person_id, told) == ()
    assert store.scalars(select(Task).where(Task.kind == "details-changed")).all() == []
    assert store.get_one(ServiceUser, (service.id, referral.person_id)).corrected_at is None


EVERYTHING: dict[str, object] = {
    "safe_ways": ["call", "text", "email", "post", "through-person", "come-back"],
    "voicemail_safe": "yes",
    "may_say_who": "yes",
    "others_may_answer": "no",
    "phone_times": ["weekend"],
    "trusted_may_know": "yes",
    "meeting_place": "The library",
    "no_fixed_address": ["yes"],
    "access_needs": ["large-print"],
    "access_detail": "A big screen",
    "interpreter": "spoken",
    "written_language": "pl",
    "gp_registered": "yes",
    "gp_practice": "High Street",
    "nhs_number": "9991234578",
    "preferred_name": "Zo",
    "pronouns": "she/her",
}


@pytest.mark.parametrize("answers", [{}, EVERYTHING], ids=["little", "everything"])
def test_what_is_known_reads_as_the_answers_it_came_from(
    store: Session, service: Service, answers: dict[str, object]
) -> None:
    referral = a_referral(store, service, answers=answers)
    known = people.known_of(store, service.id, referral.person_id)
    for code, said in known.items():
        # A blank about the phone was taken as the safe answer, and reads as that.
        if referral.answers.get(code) not in (None, "left-blank"):
            assert said == referral.answers[code], code
    asked = {question.code for question in DETAILS.questions} - {"change"}
    assert set(known) <= people.TELLS
    assert asked | {"full_date_of_birth"} == people.TELLS


def test_every_fact_can_be_corrected_and_taken_out(store: Session, service: Service) -> None:
    referral = a_referral(store, service, answers=EVERYTHING)
    new: dict[str, object] = {
        "first_name": "Sofia",
        "family_name": None,
        "preferred_name": None,
        "pronouns": None,
        "date_of_birth": "1966",
        "postcode": "AB10 1AB",
        "no_fixed_address": "left-blank",
        "nhs_number": None,
        "gp_registered": "not-registered",
        "gp_practice": None,
        "spoken_language": "pl",
        "written_language": "prefer-not-to-say",
        "interpreter": "no",
        "access_needs": "left-blank",
        "access_detail": None,
        "safe_ways": ["call"],
        "phone": "+447700900123",
        "voicemail_safe": "no",
    }
    changed = people.correct(store, service, referral.person_id, new)
    assert {"first_name", "born", "no_fixed_address", "access_needs_absent", "safe_ways"} <= set(changed)
    assert "name_key" not in changed
    person = store.get_one(ServiceUser, (service.id, referral.person_id))
    assert (person.born, person.no_fixed_address, person.access_needs) == ("1966", False, [])
    assert (person.family_name, person.nhs_number, person.access_needs_absent) == (None, None, "left-blank")
    allowed = [way for way in _ways(store, referral) if way.allowed]
    assert [(way.channel, way.voicemail, way.say_who) for way in allowed] == [("call", False, False)]
    event = store.scalars(select(AuditEvent).where(AuditEvent.act == "changed their details")).one()
    assert event.details == {"fields": list(changed)}
    assert "Sofia" not in json.dumps(event.details)


def test_the_same_address_keeps_its_confirmation(store: Session, service: Service, worker: Actor) -> None:
    known = somebody(store, service, worker)
    told = people.known_of(store, service.id, known.referral.person_id)
    people.correct(store, service, known.referral.person_id, {**told, "safe_ways": ["email", "come-back"]})
    ways = {way.channel: way for way in _ways(store, known.referral)}
    assert ways["email"].confirmed_at is not None
    assert ways["come-back"].allowed


def test_a_form_that_was_sent_after_the_correction_is_newer(store: Session, service: Service, worker: Actor) -> None:
    with clock.at(MONDAY):
        before = a_referral(store, service, preferred_name="Zo", pronouns="she/her")
        person = store.get_one(ServiceUser, (service.id, before.person_id))
    with clock.at(MONDAY + timedelta(days=1)):
        people.correct(store, service, person.id, {"preferred_name": "Zosia", "pronouns": None})
    with clock.at(MONDAY + timedelta(days=2)):
        after = a_referral(store, service, preferred_name="Ola")
        people.merge(store, worker, person.id, after.person_id)
    ways = _ways(store, before)
    now_said = referrals.answers_now(before, person, ways)
    assert now_said["preferred_name"] == "Zosia"
    assert "pronouns" not in now_said
    assert referrals.answers_now(after, person, ways)["preferred_name"] == "Ola"


# Who has looked, and the copy ----------------------------------------------------------------------------------------


def test_who_has_looked_is_said_by_name_and_work(app: Flask, store: Session, service: Service, worker: Actor) -> None:
    known = somebody(store, service, worker)
    browser = their_page(app, store, service, known.referral, known.number)
    assert "Nobody has opened it yet." in browser.open("/my/who-looked").words
    referrals.read(store, worker, known.referral.id)
    store.commit()
    words = browser.open("/my/who-looked").words
    assert f"{_today()}: Amina Yusuf (Link worker). Read your form and your record." in words


def test_the_copy_is_a_page_and_two_files_and_each_is_written_down(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker, gp_practice="=cmd()")
    browser = their_page(app, store, service, known.referral, known.number)
    page = browser.open("/my/copy")
    assert "Everything that we keep about you" in page.words
    assert known.email in page.words
    assert "There are 0 such notes." in page.words
    assert {"Your details", "What is not here"} <= set(page.links())
    for code in ("fits_age", "fits_area"):
        assert code not in page.words
    assert "The age fits this service: Yes" in page.words
    told = browser.client.get("/my/copy.json")
    assert told.mimetype == "application/json"
    assert json.loads(told.get_data())["sections"]["contact"]["records"]
    sheet = browser.client.get("/my/copy.csv")
    assert sheet.mimetype == "text/csv"
    assert sheet.get_data(as_text=True).startswith("\ufeffsection,record,field")
    assert ",'=cmd()," in sheet.get_data(as_text=True)
    for response in (told, sheet):
        assert re.fullmatch(
            r'attachment; filename="copy-\d{4}-\d\d-\d\d\.(json|csv)"', response.headers["Content-Disposition"]
        )
        assert response.headers["Cache-Control"] == "no-store"
    store.commit()
    acts = store.scalars(select(AuditEvent).where(AuditEvent.act == "downloaded their record").order_by(AuditEvent.id))
    assert [one.details["form"] for one in acts] == ["page", "json", "csv"]


# Stopping ------------------------------------------------------------------------------------------------------------


def test_withdrawing_ends_the_form_and_its_questions_and_tells_the_staff(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker)
    referrals.accept(store, service, worker, known.referral.id)
    browser = their_page(app, store, service, known.referral, known.number).open("/my/stop")
    assert "Nothing is erased. You can still read your page." in browser.words
    browser.press()
    assert browser.here == "/my"
    assert "because you do not want it any more. We ask you nothing more about it." in browser.words
    assert "I do not want this any more" not in browser.links()
    fresh(store, known.referral)
    assert known.referral.status == "withdrawn"
    assert {one.status for one in store.scalars(select(CheckIn))} == {"cancelled"}
    task = store.scalars(select(Task).where(Task.kind == "person-withdrew")).one()
    assert (task.assigned_to, task.referral_id) == (worker.staff_id, known.referral.id)
    assert browser.open("/my/stop").here == "/my"
    sign_in(browser.client, store, staff_member(store, service, Role.MANAGER))
    case = browser.open(f"/staff/referrals/{known.referral.id}").words
    assert "The person themselves" in case


def test_whoever_stops_while_staff_close_the_case_is_told_how_it_stands(
    app: Flask, store: Session, service: Service, worker: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = somebody(store, service, worker)
    browser = their_page(app, store, service, known.referral, known.number).open("/my/stop")
    referrals.decline(store, service, worker, known.referral.id, reason="could-not-contact", text="", word="Sorry")
    fresh(store, known.referral)
    store.expunge(known.referral)
    monkeypatch.setattr("portal.web.my._open_forms", lambda: [known.referral])
    browser.press()
    assert browser.here == "/my"
    assert store.get_one(Referral, (service.id, known.referral.id)).status == "closed"


def test_only_the_form_whose_button_was_pressed_ends(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker)
    other = somebody(store, service, worker).referral
    people.merge(store, worker, known.referral.person_id, other.person_id)
    browser = their_page(app, store, service, known.referral, known.number).open("/my/stop")
    fields = {"csrf_token": browser.token, "which": other.reference}
    browser.post("/my/stop", {**fields, "which": "NOT-THERE"})
    browser.post("/my/stop", fields)
    fresh(store, other)
    fresh(store, known.referral)
    assert (known.referral.status, other.status) == ("submitted", "withdrawn")


def test_withdrawing_twice_is_once_and_what_is_over_cannot_be_withdrawn(
    store: Session, service: Service, worker: Actor
) -> None:
    referral, over, foreign = (a_referral(store, service) for _ in range(3))
    for _ in range(2):
        referrals.withdraw(store, service, referral.person_id, referral.id)
    assert len(store.scalars(select(Task).where(Task.kind == "person-withdrew")).all()) == 1
    reason = _reasons(service)[0]
    referrals.decline(store, service, worker, over.id, reason=reason.code, text="", word="Sorry.")
    with pytest.raises(referrals.AlreadyDecided):
        referrals.withdraw(store, service, over.person_id, over.id)
    with pytest.raises(referrals.Gone):
        referrals.withdraw(store, service, referral.person_id, foreign.id)
    with pytest.raises(referrals.AlreadyDecided):
        referrals.accept(store, service, worker, referral.id)


def test_asking_to_be_erased_is_one_request_and_the_page_says_what_becomes_of_it(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    manager = staff_member(store, service, Role.MANAGER).actor
    known = somebody(store, service, worker)
    browser = their_page(app, store, service, known.referral, known.number).open("/my/erase")
    token = browser.token
    browser.press()
    assert "You asked us to erase your record. We answer by" in browser.words
    browser.post("/my/erase", {"csrf_token": token})
    asked = store.scalars(select(ErasureRequest)).one()
    assert "We answer by" in browser.open("/my").words
    retention.refuse_erasure(store, manager, asked.id, "We have to keep it for the court.")
    store.commit()
    assert "We could not. This is why: We have to keep it for the court." in browser.open("/my").words


# In every language ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_stands_in_every_language(
    app: Flask, store: Session, service: Service, worker: Actor, language: str
) -> None:
    referral, number = two_check_ins_and_two_goals(store, service, worker)
    with clock.at(LATER + timedelta(days=1)):
        browser = their_page(app, store, service, referral, number)
        browser.prefix = "" if language == "en" else f"/{language}"
        for address in ("/my", "/my/who-looked", "/my/copy", "/my/details", "/my/stop", "/my/erase"):
            assert browser.open(address).status == 200
        packed = browser.client.get(f"{browser.prefix}/my", headers={"Accept-Encoding": "br"}).get_data()
        assert len(packed) <= 14_000
        assert b"portal-chart" in brotli.decompress(packed)


def test_a_press_on_a_switch_works_in_the_form_that_stands_there(
    app: Flask, store: Session, service: Service, worker: Actor
) -> None:
    known = somebody(store, service, worker, share_gp="yes")
    browser = their_page(app, store, service, known.referral, known.number)
    press(browser.client, "/my", "/my/sharing", decision="withdrawn")
    store.expire_all()
    assert not people.allows(store, service.id, known.referral.person_id, "share_gp")
