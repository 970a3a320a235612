"""What staff see of check-ins on the case page, and what they do about the plan: every page is inspected."""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import accounts, clock, experience, feedback, measures, notifications, referrals, retention, tasks
from portal.access import Role
from portal.caseload.to_do import NEWS, WHY_NOT_BACK
from portal.instruments import Instrument, catalogue
from portal.notifications import MESSAGES, Audience
from portal.store import CheckIn, Referral, Service, Stores
from tests import asked, lived
from tests.asked import MONDAY
from tests.inspector import InspectedClient, Page
from tests.test_feedback import PROTOCOL
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

LATER = lived.LATER
BETTER, NONE, WORSE = "Better. ", "No reliable change. ", "Worse. "
NOT_IN_OTHER_WAYS = "Not compared with the time before: asked in another way."
NOT_IN_OTHER_WORDS = "Not compared with the time before: asked in other words, or in another language."


@dataclass
class Case:
    """An accepted referral with a check-in at the start and a review twelve weeks later, and Amina's browser."""

    store: Session
    client: InspectedClient
    service: Service
    manager: Member
    amina: Member
    referral: Referral

    @property
    def first(self) -> CheckIn:
        return asked.check_in(self.store, self.referral)

    @property
    def later(self) -> CheckIn:
        return asked.check_in(self.store, self.referral, "review", 2)

    @property
    def address(self) -> str:
        return f"/staff/referrals/{self.referral.id}"

    def answer(
        self, check_in: CheckIn, scale: str, values: Mapping[str, str], *, language: str = "en", **how: object
    ) -> None:
        """Answer items of a scale by the codes of their options, on the day of the check-in, and finish it."""
        check_in.scales = [scale]
        self.store.flush()
        with clock.at(LATER if check_in.number == 2 else MONDAY):
            opened = feedback.begin(self.store, self.service, check_in, language=language, **how)  # type: ignore[arg-type]
            (one,) = [one for one in opened if one.scale == scale]
            for step in one.journey.steps:
                raw = {question.code: values.get(question.code) for question in step.questions}
                if any(raw.values()):
                    feedback.keep(self.store, self.service, check_in, one, step, raw)
            feedback.finish(self.store, self.service, check_in)

    def get(self, ending: str = "", prefix: str = "") -> TestResponse:
        """A page as Amina sees it, two days after the review."""
        with clock.at(LATER + timedelta(days=2)):
            sign_in(self.client, self.store, self.amina)
            answer = self.client.get(f"{prefix}{self.address}{ending}")
        assert answer.status_code == 200
        return answer

    def page(self, ending: str = "", prefix: str = "") -> str:
        return words_of(self.get(ending, prefix))

    def tree(self, ending: str = "") -> Page:
        return Page(self.get(ending).get_data(as_text=True))


@pytest.fixture
def case(client: InspectedClient, store: Session) -> Iterator[Case]:
    with clock.at(MONDAY):
        service = a_service(store)
        manager = staff_member(store, service, Role.MANAGER, name="Mo Manager")
        amina = staff_member(store, service, name="Amina")
        referral = asked.a_case(store, service, amina.actor)
    store.commit()
    yield Case(store, client, service, manager, amina, referral)
    store.rollback()
    client.application.extensions["stores"].engine.dispose()


def adding_up_to(instrument: Instrument, total: int) -> dict[str, str]:
    """Answers whose values add up to this."""
    chosen = {}
    for item in instrument.items:
        options = {option.value: option.code for option in instrument.options(item.code)}
        value = min(total, max(value for value in options if value is not None))
        chosen[item.code] = options[value]
        total -= value
    assert total == 0
    return chosen


def with_scale(case: Case, scale: str) -> Instrument:
    with clock.at(MONDAY):
        if scale == "phq9":
            measures.record_protocol(case.store, case.manager.actor, scale, PROTOCOL)
        if scale.startswith(("phq", "gad")):
            measures.turn_on(case.store, case.manager.actor, scale)
    return catalogue()[scale]


ONS4 = {"satisfied": "3", "worthwhile": "5", "happy": "0", "anxious": "10"}

# What is said of a change --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "first", "later", "said", "moved"),
    [
        # WHO-5 counts from 10 points of its percentage score on, which goes in steps of 4.
        ("who5", 10, 12, NONE, "+8"),
        ("who5", 10, 13, BETTER, "+12"),
        ("who5", 10, 8, NONE, "-8"),
        ("who5", 10, 7, WORSE, "-12"),
        ("who5", 10, 10, NONE, "0"),
        ("phq9", 10, 15, NONE, "+5"),
        ("phq9", 10, 16, WORSE, "+6"),
        ("phq9", 10, 5, NONE, "-5"),
        ("phq9", 10, 4, BETTER, "-6"),
        ("gad7", 8, 11, NONE, "+3"),
        ("gad7", 8, 12, WORSE, "+4"),
        ("gad7", 8, 5, NONE, "-3"),
        ("gad7", 8, 4, BETTER, "-4"),
    ],
)
def test_a_change_has_the_published_word_from_exactly_the_published_threshold_on(
    case: Case, scale: str, first: int, later: int, said: str, moved: str
) -> None:
    instrument = with_scale(case, scale)
    case.answer(case.first, scale, adding_up_to(instrument, first))
    case.answer(case.later, scale, adding_up_to(instrument, later))
    words = case.page()
    assert (
        f"{said}From first to last the score moved by \N{LEFT-TO-RIGHT ISOLATE}{moved}\N{POP DIRECTIONAL ISOLATE}."
        in words
    )
    assert [one for one in (BETTER, NONE, WORSE) if one in words] == [said]
    published = instrument.change
    assert published
    assert published.source in words, "the rule comes with where it is published"


@pytest.mark.parametrize("scale", ["ons4", "gss-loneliness"])
def test_where_no_threshold_is_published_no_word_is_said(case: Case, scale: str) -> None:
    instrument = catalogue()[scale]
    for check_in, place in ((case.first, 0), (case.later, -1)):
        case.answer(check_in, scale, {one.code: instrument.options(one.code)[place].code for one in instrument.items})
    words = case.page()
    assert "No rule is published for how much change counts here, so none is named." in words
    assert not [one for one in (BETTER, NONE, WORSE) if one in words]


def test_one_answer_is_compared_with_nothing(case: Case) -> None:
    case.answer(case.first, "who5", adding_up_to(catalogue()["who5"], 10))
    words = case.page()
    assert "One answer so far: 40" in words
    assert "moved by" not in words
    assert len(case.tree().all("figure")) == 1, "of two scores of the same answers one is drawn"


# What is shown -------------------------------------------------------------------------------------------------------


def test_ons4_is_four_answers_and_never_a_total(case: Case) -> None:
    case.answer(case.first, "ons4", ONS4)
    case.answer(case.later, "ons4", {**ONS4, "anxious": "2"})
    words = case.page()
    wording = catalogue()["ons4"].wordings["en"]
    assert all(item in words for item in wording.items.values())
    assert "otal" not in words.split("Check-ins")[1]
    assert "Sum of the answers" not in words
    assert not re.search(r"\b(18|10 of 40|4\.5)\b", words.split("Check-ins")[1].split("The plan")[0])
    assert "3 (low)" in words, "a published band"
    assert f"Bands as published by: {catalogue()['ons4'].scores[0].band_source}" in words
    assert "United Kingdom, mean 7.45" in words
    assert "April 2022 to March 2023" in words, "a norm comes with its year"
    assert catalogue()["ons4"].licence.print_line in words


def test_what_is_missing_is_missing_and_no_nought(case: Case) -> None:
    case.answer(case.first, "ons4", {"satisfied": "3", "happy": "prefer-not-to-say"})
    case.answer(case.later, "ons4", {"satisfied": "3", "happy": "0", "worthwhile": "5"})
    tree = case.tree()
    rows = [" | ".join(" ".join("".join(cell.itertext()).split()) for cell in row) for row in tree.all("tr")]
    items = catalogue()["ons4"].wordings["en"].items
    assert f"{items['worthwhile']} | No answer | 5 (medium)" in rows
    assert f"{items['happy']} | I’d rather not say | 0 (low)" in rows, "nought is an answer, missing is none"
    assert f"{items['anxious']} | No answer | No answer" in rows


def test_a_score_with_an_item_missing_is_no_score(case: Case) -> None:
    who5 = catalogue()["who5"]
    whole = adding_up_to(who5, 10)
    case.answer(case.first, "who5", {code: option for code, option in whole.items() if code != "who5_1"})
    case.answer(case.later, "who5", whole)
    words = case.page()
    assert "No score, because too much was left out" in words
    assert "moved by" not in words
    assert "Sum of the answers: 5" not in words


def test_the_answers_came_in_these_words_in_this_way_and_lead_to_the_answers_themselves(case: Case) -> None:
    case.answer(
        case.first,
        "ons4",
        ONS4,
        completed_by="interpreter",
        response_mode="phone",
        entered_by=case.amina.actor.staff_id,
    )
    words = case.page()
    assert "English; version \N{LEFT-TO-RIGHT ISOLATE}1\N{POP DIRECTIONAL ISOLATE}; Comes with the portal" in words
    assert "An interpreter helps them. By phone. Typed in by Amina" in words
    answers = f"{case.address}/check-ins/{case.first.id}"
    assert answers in [link.get("href") for link in case.tree().all("a")]
    assert "version 1; Comes with the portal." in case.page(f"/check-ins/{case.first.id}")


def test_answers_in_another_way_are_not_compared_and_the_page_says_so(case: Case) -> None:
    who5 = catalogue()["who5"]
    case.answer(case.first, "who5", adding_up_to(who5, 5))
    case.answer(
        case.later,
        "who5",
        adding_up_to(who5, 20),
        completed_by="self",
        response_mode="phone",
        entered_by=case.amina.actor.staff_id,
    )
    words = case.page()
    assert NOT_IN_OTHER_WAYS in words
    assert "The first and the last answers are not compared" in words
    assert not [one for one in (BETTER, NONE, WORSE) if one in words]
    assert "First answer: 20" in words
    assert "Now: 80" in words, "both are shown all the same"


def test_answers_in_other_words_are_not_compared_and_the_page_says_so(case: Case) -> None:
    who5 = catalogue()["who5"]
    with clock.at(MONDAY):
        asked.with_made_up_words(case.store, case.service, "ur", "rtl")
    case.answer(case.first, "who5", adding_up_to(who5, 5))
    case.answer(case.later, "who5", adding_up_to(who5, 20), language="ur")
    words = case.page()
    assert NOT_IN_OTHER_WORDS in words
    assert NOT_IN_OTHER_WAYS not in words
    assert not [one for one in (BETTER, NONE, WORSE) if one in words]
    assert "Urdu; version" in words
    assert "Official, one source" in words
    assert case.page(prefix="/ur")


def test_questions_about_yesterday_on_different_weekdays_come_with_a_caution(case: Case) -> None:
    caution = "Asked about yesterday, and the days were not the same day of the week."
    case.answer(case.first, "ons4", ONS4)
    case.answer(case.later, "ons4", ONS4)
    assert caution not in case.page(), "both were Mondays"
    for row in feedback.responses_of(case.store, case.service.id, case.referral.person_id):
        if row.check_in.number == 2:
            with clock.at(LATER + timedelta(days=1)):
                case.later.status = "in-progress"
                (one,) = feedback.begin(case.store, case.service, case.later, language="en")
                for step in one.journey.steps:
                    feedback.keep(case.store, case.service, case.later, one, step, {step.questions[0].code: "4"})
    words = case.page()
    items = catalogue()["ons4"].wordings["en"].items
    assert f"{caution} Compare with care: {items['happy']} / {items['anxious']}" in words


def test_codes_that_are_no_amounts_have_no_picture(case: Case) -> None:
    loneliness = catalogue()["gss-loneliness"]
    for check_in in (case.first, case.later):
        case.answer(
            check_in, "gss-loneliness", {one.code: loneliness.options(one.code)[0].code for one in loneliness.items}
        )
    pictures = [one.get("aria-labelledby") for one in case.tree().all("figure")]
    assert len(pictures) == 1, "the sum of three has one, how often somebody is lonely has none"


def test_a_risky_answer_leads_to_its_alert(case: Case) -> None:
    phq9 = with_scale(case, "phq9")
    worst = {one.code: max(phq9.options(one.code), key=lambda option: option.value or 0).code for one in phq9.items}
    case.answer(case.first, "phq9", worst)
    tree = case.tree()
    links = {" ".join("".join(link.itertext()).split()): link.get("href", "") for link in tree.all("a")}
    assert "/staff/alerts/" in links["An answer here raised an alert"]
    said = case.tree(f"/check-ins/{case.first.id}")
    there = {" ".join("".join(link.itertext()).split()): link.get("href") for link in said.all("a")}
    assert there["This answer raised an alert"] == links["An answer here raised an alert"]


def test_the_persons_own_words_come_before_every_score(case: Case) -> None:
    case.answer(case.first, "ons4", ONS4)
    with clock.at(MONDAY):
        lived.a_goal(case.store, case.service, case.referral, "To sing again.")
    words = case.page()
    places = [words.index(part) for part in ("In their own words", "To sing again.", "ONS personal wellbeing")]
    assert places == sorted(places)


def test_scales_without_words_in_the_persons_language_are_named_with_where_a_text_is(
    client: InspectedClient, store: Session, case: Case
) -> None:
    with clock.at(MONDAY):
        case.referral = asked.a_case(store, case.service, case.amina.actor, written_language="pl", first_name="Ola")
    words = case.page()
    assert "There are no words in Polish here for:" in words
    assert "ONS personal wellbeing (ONS4). No official text was found." in words
    case.first.scales = ["who5"]
    words = case.page()
    assert "WHO-5 Well-Being Index. An official text exists, and is not loaded." in words
    line = next(one for one in measures.text_states(store, case.service)["who5"] if one.language == "pl")
    assert line.where
    assert line.where in [link.get("href") for link in case.tree().all("a")]


def test_what_they_said_about_the_service_is_there_and_complaints_are_not(case: Case) -> None:
    for kind, words in (("compliment", "Amina listened."), ("complaint", "Amina was late.")):
        experience.comment(
            case.store, case.service, kind, words, language="en", once=kind, person_id=case.referral.person_id
        )
    words = case.page()
    assert "Amina listened." in words
    assert "Amina was late." not in words


def test_the_doors_to_their_own_page_and_to_erasing_stand_on_the_case(case: Case) -> None:
    hrefs = [link.get("href") for link in case.tree().all("a")]
    assert f"{case.address}/their-page" in hrefs
    assert f"{case.address}/erase" in hrefs
    with clock.at(LATER):
        accounts.set_reading(case.store, case.service.id, case.referral.person_id, False, case.amina.actor)
        retention.ask_erasure(case.store, case.service, case.referral.person_id, case.amina.actor)
    words = case.page()
    assert "Reading is off: nobody can read their page." in words
    assert "They have asked us to erase their record." in words


# The plan ------------------------------------------------------------------------------------------------------------


def test_the_plan_says_what_comes_next_and_how_everything_stands(case: Case) -> None:
    case.answer(case.first, "ons4", ONS4)
    words = case.page()
    assert "At the start: Answered on 2 March 2026." in words
    assert re.search(r"Next: Review 1\. Due on 13 April 2026, and not asked yet\.", words)
    assert "Some time after the end: Due on" in words


def test_asking_now_sends_a_message_and_a_second_press_says_why_not(stores: Stores, case: Case) -> None:
    case.store.commit()
    with clock.at(MONDAY):
        notifications.deliver(stores, asked.Kept(), asked.RENDER)  # nobody hears from us twice on one day
    case.store.expire_all()
    with clock.at(LATER):
        sign_in(case.client, case.store, case.amina)
        answer = press(case.client, f"{case.address}/plan", f"{case.later.id}/ask")
        assert answer.status_code == 303
        assert "A message with a link is on its way to them." in words_of(case.client.get(answer.location))
        assert case.later.asked_at
        again = press(case.client, f"{case.address}/plan", f"{case.later.id}/ask")
        assert again.status_code == 409
        assert "They have had a message from us today." in words_of(again)
    assert case.later.reminders == 0


def test_nobody_is_asked_outside_opening_hours(case: Case) -> None:
    with clock.at(LATER + timedelta(hours=12)):
        sign_in(case.client, case.store, case.amina)
        answer = press(case.client, f"{case.address}/plan", f"{case.later.id}/ask")
    assert answer.status_code == 409
    assert "Nobody gets a message outside opening hours." in words_of(answer)
    assert case.later.asked_at is None


def test_whom_no_way_is_safe_for_is_not_written_to_and_the_page_says_so(case: Case) -> None:
    with clock.at(MONDAY):
        called = a_referral(case.store, case.service, safe_ways=["call"])
        case.referral = referrals.accept(case.store, case.service, case.amina.actor, called.id)
    with clock.at(LATER):
        sign_in(case.client, case.store, case.amina)
        answer = press(case.client, f"{case.address}/plan", f"{case.later.id}/ask")
        assert "We may not write to them in any safe way." in words_of(case.client.get(answer.location))


@pytest.mark.parametrize("why", measures.SAID_BY_STAFF)
def test_a_worker_says_why_nothing_will_come_back(case: Case, why: str) -> None:
    with clock.at(LATER):
        sign_in(case.client, case.store, case.amina)
        page = f"{case.address}/plan/{case.later.id}/why-not"
        refused = press(case.client, page, "why-not")
        assert refused.status_code == 422
        assert "Choose why" in words_of(refused)
        answer = press(case.client, page, "why-not", why=why)
        assert answer.status_code == 303
        assert "Nobody asks them about this any more." in words_of(case.client.get(answer.location))
    assert (case.later.status, case.later.why_not) == ("cancelled", why)
    assert (case.first.why_not == "died") == (why == "died"), "of somebody who has died nothing is asked at all"


def test_why_not_is_one_of_the_reasons_on_the_page(case: Case) -> None:
    with clock.at(LATER):
        sign_in(case.client, case.store, case.amina)
        for forged in ("erased", "withdrawn", "", "\x00"):
            answer = press(case.client, f"{case.address}/plan/{case.later.id}/why-not", "why-not", why=forged)
            assert answer.status_code == 422
    assert case.later.status == "ready"


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("1 6 2026", ""),
        ("٠١/٠٦/٢٠٢٦", ""),
        ("31 2 2026", "Enter a date"),
        ("never", "Enter a date"),
        ("", "Enter a date"),
        ("1 5 2026", "That day is past"),
        ("31 12 9999", "That day is more than two years away"),
    ],
)
def test_a_review_is_added_on_a_day_that_can_be(case: Case, day: str, said: str) -> None:
    before = len(measures.of_referral(case.store, case.service.id, case.referral.id))
    with clock.at(LATER):
        sign_in(case.client, case.store, case.amina)
        answer = press(case.client, f"{case.address}/plan", "plan", due=day)
        words = words_of(answer if said else case.client.get(answer.location))
    assert answer.status_code == (422 if said else 303)
    assert said in words
    assert ("Review 3: Due on 1 June 2026" in words) == (not said)
    assert len(measures.of_referral(case.store, case.service.id, case.referral.id)) == before + (not said)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("20 4 2026", ""),
        ("never", "Enter a date"),
        ("1 3 2026", "That day is past"),
        ("31 12 9999", "That day is more than two years away"),
    ],
)
def test_the_review_at_the_end_comes_on_the_day_on_which_the_support_ends(case: Case, day: str, said: str) -> None:
    due = case.later.due_at
    with clock.at(MONDAY + timedelta(days=20)):
        sign_in(case.client, case.store, case.amina)
        answer = press(case.client, f"{case.address}/plan", "plan/end", ends=day)
        words = words_of(answer if said else case.client.get(answer.location))
    assert answer.status_code == (422 if said else 303)
    assert said in words
    assert ("Review 2: Due on 20 April 2026" in words) == (not said)
    assert (case.later.due_at < due) == (not said)


def test_an_end_for_which_no_check_in_waits_is_said(case: Case) -> None:
    measures.stop(case.store, case.service, case.referral.id, "declined")
    with clock.at(MONDAY + timedelta(days=20)):
        sign_in(case.client, case.store, case.amina)
        answer = press(case.client, f"{case.address}/plan", "plan/end", ends="20 4 2026")
    assert answer.status_code == 422
    assert "No check-in waits for the end of the support" in words_of(answer)


@pytest.mark.parametrize("why", ["no-answer", "language", "together"])
def test_a_check_in_that_is_not_back_says_why(case: Case, why: str) -> None:
    task = tasks.add(
        case.store,
        case.service.id,
        tasks.Kind.CHECK_IN_NOT_BACK,
        once="made-up",
        due_at=LATER,
        referral_id=case.referral.id,
        details={"occasion": "baseline", "why": why},
    )
    with clock.at(LATER):
        sign_in(case.client, case.store, case.amina)
        for address in ("/staff/tasks", f"/staff/tasks/{task.id}"):
            assert WHY_NOT_BACK[why] in words_of(case.client.get(address))


def test_whatever_was_not_sent_can_be_told_in_words() -> None:
    # What somebody asks for and then does not get, they ask for again: nobody tells them a code.
    not_asked_for = {name for name, one in MESSAGES.items() if one.audience is Audience.PERSON and not one.carries_code}
    assert set(NEWS) == not_asked_for


def test_a_review_waits_for_the_referral_to_be_accepted(case: Case) -> None:
    with clock.at(LATER):
        case.referral = a_referral(case.store, case.service)
        sign_in(case.client, case.store, case.amina)
        words = words_of(case.client.get(f"{case.address}/plan"))
    assert "Reviews can be added when the referral has been accepted." in words


# Whose it is ---------------------------------------------------------------------------------------------------------


def _addresses(case: Case, referral_id: uuid.UUID, check_in_id: uuid.UUID) -> Sequence[tuple[str, str]]:
    here = f"/staff/referrals/{referral_id}"
    return [
        ("GET", f"{here}/plan/{check_in_id}/why-not"),
        ("POST", f"{here}/plan/{check_in_id}/why-not"),
        ("POST", f"{here}/plan/{check_in_id}/ask"),
        ("GET", f"{here}/check-ins/{check_in_id}"),
    ]


def test_another_services_and_another_referrals_check_ins_are_not_there(case: Case) -> None:
    with clock.at(MONDAY):
        there = a_service(case.store, "there")
        theirs = asked.a_case(case.store, there, staff_member(case.store, there).actor)
        other = asked.a_case(case.store, case.service, case.amina.actor, first_name="Bea")
    with clock.at(LATER):
        sign_in(case.client, case.store, case.amina)
        token = Page(case.client.get(case.address).get_data(as_text=True))
        csrf = next(one.get("value") for one in token.all("input") if one.get("name") == "csrf_token")
        for referral, check_in in (
            (theirs, asked.check_in(case.store, theirs)),
            (case.referral, asked.check_in(case.store, theirs)),
            (case.referral, asked.check_in(case.store, other)),
        ):
            for method, address in _addresses(case, referral.id, check_in.id):
                answer = case.client.open(address, method=method, data={"csrf_token": csrf, "why": "died"})
                assert answer.status_code == 404, f"{method} {address}"
            assert check_in.status == "ready"
        assert case.client.get(f"/staff/referrals/{theirs.id}/plan").status_code == 404
        assert case.client.post(f"/staff/referrals/{theirs.id}/plan", data={"csrf_token": csrf}).status_code == 404


@pytest.mark.parametrize("role", list(Role))
def test_only_those_who_care_for_people_see_scores_and_the_plan(case: Case, role: Role) -> None:
    may = role in (Role.LINK_WORKER, Role.MANAGER)
    with clock.at(LATER):
        member = staff_member(case.store, case.service, role)
        case.referral.assigned_to = member.actor.staff_id  # part of their own work, were they to care for people
        sign_in(case.client, case.store, member)
        for address in ("", "/plan", f"/plan/{case.later.id}/why-not"):
            assert case.client.get(f"{case.address}{address}").status_code == (200 if may else 403)
