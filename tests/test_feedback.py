"""What people answer: every answer a row of its own, the last one in time counts, what comes after the end stands
beside it, and whatever needs somebody at once is an alert as soon as it is saved."""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import alerts, audit, clock, feedback, measures
from portal.access import Actor, Role
from portal.feedback import Answered, Kept, Line, Open
from portal.instruments import Unlike, Verdict, catalogue
from portal.journeys import DONT_KNOW, LEFT_BLANK, PREFER_NOT_TO_SAY, Problem
from portal.journeys.wellbeing_check import slug_of
from portal.store import Alert, AlertEvent, CheckIn, ItemAnswer, MeasureResponse, Service, Stores
from tests import world
from tests.asked import a_case, check_in, with_made_up_words

MONDAY = datetime(2026, 3, 2, 10, tzinfo=UTC)
PROTOCOL = {part: f"Made up: {part}" for part in catalogue()["phq9"].protocol}


@dataclass
class Case:
    """Somebody with a check-in that is open."""

    service: Service
    manager: Actor
    asked: CheckIn

    def begin(self, store: Session, language: str = "en", **how: object) -> dict[str, Open]:
        opened = feedback.begin(store, self.service, self.asked, language=language, **how)  # type: ignore[arg-type]
        return {one.scale: one for one in opened}

    def answer(self, store: Session, scale: str, answers: Mapping[str, object], **how: object) -> Kept:
        """Answer items of a scale, each on its page; the last page's outcome."""
        one = self.begin(store, **how)[scale]  # type: ignore[arg-type]
        for item, raw in answers.items():
            step = one.journey.step(slug_of(item))
            assert step
            kept = feedback.keep(store, self.service, self.asked, one, step, {item: raw})
        return kept

    def answers(self, store: Session, scale: str) -> dict[str, str]:
        return feedback.answers_of(store, self.response(store, scale))

    def response(self, store: Session, scale: str) -> MeasureResponse:
        wanted = select(MeasureResponse).where(
            MeasureResponse.check_in_id == self.asked.id, MeasureResponse.scale == scale
        )
        return store.scalars(wanted).one()


def a_case_of(store: Session, *scales: str, slug: str = "here") -> Case:
    service = world.a_service(store, slug)
    manager = world.staff_member(store, service, Role.MANAGER).actor
    asked = check_in(store, a_case(store, service, manager))
    asked.scales = list(scales or ("ons4", "who5"))
    for scale in asked.scales:
        if scale == "phq9":
            measures.record_protocol(store, manager, "phq9", PROTOCOL)
        if scale.startswith(("phq", "gad")):
            measures.turn_on(store, manager, scale)
    store.flush()
    return Case(service, manager, asked)


def rows(store: Session, item: str = "") -> list[dict[str, object]]:
    found = store.scalars(select(ItemAnswer).order_by(ItemAnswer.created_at, ItemAnswer.id)).all()
    return [row.answer for row in found if item in ("", row.item)]


@pytest.fixture
def case(store: Session) -> Case:
    return a_case_of(store)


# What is kept --------------------------------------------------------------------------------------------------------


def test_every_option_of_every_scale_that_is_on_is_kept_as_its_code_and_its_value(store: Session) -> None:
    case = a_case_of(store, "ons4", "who5", "gss-loneliness", "phq9", "gad7")
    for one in case.begin(store).values():
        for item in one.instrument.items:
            step = one.journey.step(slug_of(item.code))
            assert step
            for option in one.instrument.options(item.code):
                feedback.keep(store, case.service, case.asked, one, step, {item.code: option.code})
                assert rows(store, item.code)[-1] == {"option": option.code, "value": option.value}
                assert case.answers(store, one.scale)[item.code] == option.code


def test_an_answer_is_never_overwritten_and_the_last_one_counts(store: Session, case: Case) -> None:
    for chosen in ("3", "7", "3"):
        case.answer(store, "ons4", {"happy": chosen})
    assert [row["value"] for row in rows(store, "happy")] == [3, 7, 3]
    assert case.answers(store, "ons4") == {"happy": "3"}
    (answered,) = feedback.of_check_in(store, case.asked)
    (happy,) = (one for one in answered.items if one.item == "happy")
    assert happy.counts is not None
    assert (happy.counts.value, [said.value for said in happy.earlier], happy.late) == (3, [3, 7], ())


def test_the_same_answer_pressed_twice_is_one_row(store: Session, case: Case) -> None:
    case.answer(store, "ons4", {"happy": "3"})
    case.answer(store, "ons4", {"happy": "3"})
    assert len(rows(store)) == 1


def test_the_absences_stay_apart_and_none_is_nought(store: Session, case: Case) -> None:
    given = {"satisfied": PREFER_NOT_TO_SAY, "worthwhile": DONT_KNOW, "happy": None, "anxious": "0"}
    case.answer(store, "ons4", given)
    assert rows(store) == [
        {"absent": PREFER_NOT_TO_SAY},
        {"absent": DONT_KNOW},
        {"absent": LEFT_BLANK},
        {"option": "0", "value": 0},
    ]
    (answered,) = feedback.of_check_in(store, case.asked)
    assert answered.values == {"satisfied": None, "worthwhile": None, "happy": None, "anxious": 0}
    assert {code: score.value for code, score in answered.scores.items()} == answered.values
    assert answered.scores["anxious"].band == "very-low"


def test_a_page_sent_with_nothing_on_it_takes_back_nothing(store: Session, case: Case) -> None:
    case.answer(store, "ons4", {"happy": "3"})
    case.answer(store, "ons4", {"happy": None})
    assert case.answers(store, "ons4") == {"happy": "3"}
    assert len(rows(store)) == 1


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("11", Problem.NOT_A_CHOICE),
        ("-1", Problem.NOT_A_CHOICE),
        ("5.0", Problem.NOT_A_CHOICE),
        ("five", Problem.NOT_A_CHOICE),
        ("left-blank", Problem.NOT_A_CHOICE),
        (["5", "6"], Problem.CHOOSE_ONE_ONLY),
    ],
)
def test_a_forged_answer_keeps_nothing_and_says_what_is_wrong(
    store: Session, case: Case, raw: object, problem: Problem
) -> None:
    case.answer(store, "ons4", {"happy": "3"})
    kept = case.answer(store, "ons4", {"happy": raw})
    assert kept.problems == {"happy": problem}
    assert case.answers(store, "ons4") == {"happy": "3"}


def test_one_wrong_answer_on_a_page_of_many_keeps_the_others(store: Session, case: Case) -> None:
    one = case.begin(store, completed_by="self", response_mode="phone", entered_by=case.manager.staff_id)["ons4"]
    (step,) = one.one_page.steps
    given = {"satisfied": "4", "worthwhile": "99", "happy": "8", "anxious": "6"}
    kept = feedback.keep(store, case.service, case.asked, one, step, given, actor=case.manager)
    assert kept.problems == {"worthwhile": Problem.NOT_A_CHOICE}
    assert case.answers(store, "ons4") == {"satisfied": "4", "happy": "8", "anxious": "6"}


def test_a_response_says_which_words_were_shown_by_whom_and_how_it_was_answered(store: Session, case: Case) -> None:
    case.answer(store, "ons4", {"happy": "3"})
    response = case.response(store, "ons4")
    ons4 = catalogue()["ons4"]
    assert (response.language, response.text_status) == ("en", "shipped")
    assert response.wording_hash == case.begin(store)["ons4"].chosen.wording_hash
    assert (response.scale_version, response.completed_by, response.response_mode) == (ons4.version, "self", "web")
    assert response.entered_by is None


def test_the_first_answer_starts_the_check_in_and_looking_starts_nothing(store: Session, case: Case) -> None:
    assert [one.scale for one in feedback.look(store, case.service, case.asked, language="en")] == ["ons4", "who5"]
    assert store.scalars(select(MeasureResponse)).all() == []
    assert feedback.ways(store, case.asked) is None
    assert case.asked.status == "ready"
    case.answer(store, "ons4", {"happy": "3"})
    assert case.asked.status == "in-progress"


# Who answers, and in which words -------------------------------------------------------------------------------------


def test_nobody_may_answer_these_scales_in_somebody_s_place(store: Session, case: Case) -> None:
    assert case.begin(store, completed_by="proxy") == {}
    assert store.scalars(select(MeasureResponse)).all() == []


def test_who_answers_and_how_is_one_of_the_codes(store: Session, case: Case) -> None:
    with pytest.raises(KeyError):
        case.begin(store, completed_by="cat")
    with pytest.raises(KeyError):
        case.begin(store, response_mode="telepathy")


def test_help_and_mode_are_written_on_what_is_not_finished_only(store: Session, case: Case) -> None:
    case.answer(store, "ons4", dict.fromkeys(("satisfied", "worthwhile", "happy", "anxious"), "5"))
    case.answer(store, "who5", {"who5_1": "at_no_time"})
    case.begin(store, completed_by="interpreter", response_mode="phone", entered_by=case.manager.staff_id)
    ons4, who5 = case.response(store, "ons4"), case.response(store, "who5")
    assert (ons4.completed_by, ons4.response_mode, ons4.entered_by) == ("self", "web", None)
    assert (who5.completed_by, who5.response_mode, who5.entered_by) == (
        "interpreter",
        "phone",
        case.manager.staff_id,
    )


def test_a_worker_begins_one_scale_and_leaves_the_others_alone(store: Session, case: Case) -> None:
    opened = case.begin(
        store, completed_by="self", response_mode="paper", entered_by=case.manager.staff_id, only="who5"
    )
    assert [one.scale for one in opened.values() if one.response] == ["who5"]


def test_a_scale_goes_on_in_the_words_in_which_it_was_begun(store: Session, case: Case) -> None:
    with_made_up_words(store, case.service, "pl")
    case.answer(store, "who5", {"who5_1": "at_no_time"})
    again = case.begin(store, language="pl")["who5"]
    assert again.chosen.wording.language == "en"
    assert case.response(store, "who5").language == "en"


def test_what_nobody_has_answered_yet_takes_the_language_of_the_page(store: Session, case: Case) -> None:
    with_made_up_words(store, case.service, "pl")
    case.begin(store)
    assert case.response(store, "who5").language == "en"
    opened = case.begin(store, language="pl")
    assert opened["who5"].chosen.wording.language == case.response(store, "who5").language == "pl"
    assert case.response(store, "who5").text_status == "official-two-sources"
    assert "ons4" not in opened  # it has no Polish words, and nobody translates it


def test_without_words_in_the_language_nothing_is_asked_until_an_interpreter_is_there(store: Session) -> None:
    case = a_case_of(store, "ons4")
    assert feedback.look(store, case.service, case.asked, language="ur") == []
    assert [one.key for one in feedback.without_words(store, case.service, case.asked, "ur")] == ["ons4"]
    opened = case.begin(store, language="ur", completed_by="interpreter")["ons4"]
    assert opened.chosen.wording.language == "en"
    response = case.response(store, "ons4")
    assert (response.language, response.completed_by) == ("en", "interpreter")
    assert [one.scale for one in feedback.look(store, case.service, case.asked, language="ur")] == ["ons4"]


def test_a_scale_that_is_turned_off_is_shown_no_more_and_what_is_still_sent_is_kept(store: Session) -> None:
    case = a_case_of(store, "phq9")
    opened = case.begin(store)["phq9"]
    case.answer(store, "phq9", {"phq_1": "not_at_all"})
    measures.turn_off(store, case.manager, "phq9")
    assert [one.shown for one in feedback.look(store, case.service, case.asked, language="en")] == [False]
    step = opened.journey.step("phq-9")
    assert step
    kept = feedback.keep(store, case.service, case.asked, opened, step, {"phq_9": "several_days"})
    assert kept.alerted
    assert case.answers(store, "phq9")["phq_9"] == "several_days"


def test_a_scale_that_nobody_has_begun_cannot_be_answered(store: Session, case: Case) -> None:
    (one, _) = feedback.look(store, case.service, case.asked, language="en")
    with pytest.raises(feedback.NotAsked):
        feedback.keep(store, case.service, case.asked, one, one.journey.steps[0], {"satisfied": "5"})


def test_another_service_s_check_in_is_not_there(store: Session, case: Case) -> None:
    other = a_case_of(store, slug="there")
    assert feedback.find(store, case.service.id, case.asked.id) is case.asked
    for service_id, check_in_id, referral_id in (
        (case.service.id, other.asked.id, None),
        (case.service.id, case.asked.id, other.asked.referral_id),
        (case.service.id, uuid.uuid4(), None),
        (case.service.id, None, None),
    ):
        with pytest.raises(feedback.Gone):
            feedback.find(store, service_id, check_in_id, referral_id)


# The end, and after it -----------------------------------------------------------------------------------------------


def test_finished_twice_it_is_finished_once(store: Session, case: Case) -> None:
    with clock.at(MONDAY):
        case.answer(store, "ons4", {"happy": "3"})
        feedback.finish(store, case.service, case.asked)
    with clock.at(MONDAY + timedelta(hours=1)):
        feedback.finish(store, case.service, case.asked)
    assert (case.asked.status, case.asked.completed_at) == ("completed", MONDAY)
    assert case.response(store, "ons4").completed_at == MONDAY
    assert case.response(store, "who5").completed_at is None  # it was never put to them
    acts = [event.act for event in audit.history_of(store, case.service.id, case.asked.id)]
    assert acts.count("finished a check-in") == 1


def test_an_answer_after_the_end_is_kept_beside_and_does_not_count(store: Session, case: Case) -> None:
    case.answer(store, "ons4", {"happy": "3"})
    with clock.at(MONDAY):
        feedback.finish(store, case.service, case.asked)
    kept = case.answer(store, "ons4", {"happy": "9", "anxious": "1"})
    assert (kept.late, kept.finished_at) == (True, MONDAY)
    assert case.answers(store, "ons4") == {"happy": "3"}
    (answered,) = feedback.of_check_in(store, case.asked)
    items = {one.item: one for one in answered.items}
    assert [said.value for said in items["happy"].late] == [9]
    assert answered.values == {"satisfied": None, "worthwhile": None, "happy": 3, "anxious": None}
    assert answered.scores["happy"].value == 3
    assert answered.scores["anxious"].value is None


def test_after_the_end_nobody_changes_how_it_was_answered(store: Session, case: Case) -> None:
    case.answer(store, "ons4", {"happy": "3"})
    feedback.finish(store, case.service, case.asked)
    case.begin(store, completed_by="interpreter", response_mode="phone", entered_by=case.manager.staff_id)
    assert (case.response(store, "ons4").completed_by, case.response(store, "ons4").response_mode) == ("self", "web")


def test_what_comes_when_nobody_is_asked_any_more_is_kept_beside(store: Session, case: Case) -> None:
    case.answer(store, "ons4", {"happy": "3"})
    measures.stop(store, case.service, case.asked.referral_id, "closed")
    kept = case.answer(store, "ons4", {"happy": "9"})
    assert kept.late
    feedback.finish(store, case.service, case.asked)
    assert case.asked.status == "cancelled"
    assert case.answers(store, "ons4") == {"happy": "3"}


def test_what_comes_after_the_window_still_counts(store: Session, case: Case) -> None:
    case.asked.status, case.asked.why_not = "cancelled", "not-reached"
    store.flush()
    kept = case.answer(store, "ons4", {"happy": "9"})
    assert not kept.late
    assert case.answers(store, "ons4") == {"happy": "9"}


def test_two_devices_at_once_lose_nothing_and_the_later_answer_to_each_item_counts(stores: Stores) -> None:
    with stores.writing.begin() as store:
        case = a_case_of(store)
        service_id, check_in_id = case.service.id, case.asked.id
    ready = threading.Barrier(2)
    failed: list[BaseException] = []

    def device(first: int) -> None:
        try:
            for turn in range(6):
                ready.wait(timeout=30)
                with stores.writing.begin() as store:
                    service = store.get_one(Service, service_id)
                    asked = feedback.find(store, service_id, check_in_id)
                    (one, _) = feedback.begin(store, service, asked, language="en")
                    step = one.journey.steps[turn % 4]
                    raw = {step.questions[0].code: str(first + turn % 4)}
                    feedback.keep(store, service, asked, one, step, raw)
        except BaseException as problem:
            failed.append(problem)
            ready.abort()

    devices = [threading.Thread(target=device, args=(first,)) for first in (0, 5)]
    for one in devices:
        one.start()
    for one in devices:
        one.join(timeout=60)
    assert failed == []
    with stores.reading() as store:
        wanted = select(ItemAnswer).order_by(ItemAnswer.created_at, ItemAnswer.id)
        found = store.scalars(wanted).all()
        (response,) = {row.response_id for row in found}
        assert len(store.scalars(select(MeasureResponse)).all()) == 2
        counts = feedback.answers_of(store, store.get_one(MeasureResponse, (service_id, response)))
        for place, item in enumerate(("satisfied", "worthwhile", "happy", "anxious")):
            said = [row.answer["option"] for row in found if row.item == item]
            assert set(said) == {str(place), str(5 + place)}
            assert counts[item] == said[-1]


def test_two_devices_that_finish_at_once_finish_once(stores: Stores) -> None:
    with stores.writing.begin() as store:
        case = a_case_of(store)
        case.answer(store, "ons4", {"happy": "3"})
        service_id, check_in_id = case.service.id, case.asked.id
    ready, failed = threading.Barrier(2), []

    def device() -> None:
        try:
            ready.wait(timeout=30)
            with stores.writing.begin() as store:
                asked = feedback.find(store, service_id, check_in_id)
                feedback.finish(store, store.get_one(Service, service_id), asked)
        except BaseException as problem:
            failed.append(problem)

    devices = [threading.Thread(target=device) for _ in range(2)]
    for one in devices:
        one.start()
    for one in devices:
        one.join(timeout=60)
    assert failed == []
    with stores.reading() as store:
        acts = [event.act for event in audit.history_of(store, service_id, check_in_id)]
        assert acts.count("finished a check-in") == 1


# Somebody who is not safe --------------------------------------------------------------------------------------------


def raised(store: Session) -> list[tuple[str, str]]:
    return [(one.question, one.answer) for one in store.scalars(select(Alert).order_by(Alert.id))]


@pytest.mark.parametrize("option", ["several_days", "more_than_half_the_days", "nearly_every_day"])
def test_one_risky_answer_on_an_empty_form_is_an_alert_at_once(store: Session, option: str) -> None:
    case = a_case_of(store, "phq9")
    kept = case.answer(store, "phq9", {"phq_9": option})
    assert kept.alerted
    (alert,) = store.scalars(select(Alert))
    assert (alert.question, alert.answer, alert.rule) == ("phq9:phq_9", option, "scale-risk")
    assert alert.rule in alerts.RULES
    assert (alert.referral_id, alert.person_id) == (case.asked.referral_id, case.asked.person_id)
    assert alert.form_id == case.response(store, "phq9").id
    assert case.asked.status == "in-progress"
    expected = alerts.expected_for_form(store, case.service.id, case.response(store, "phq9").id)
    assert expected == alert.due_at


@pytest.mark.sweep
@pytest.mark.parametrize("raw", ["not_at_all", PREFER_NOT_TO_SAY, None, "forged"])
def test_no_risky_answer_is_no_alert(store: Session, raw: object) -> None:
    case = a_case_of(store, "phq9")
    assert not case.answer(store, "phq9", {"phq_9": raw}).alerted
    assert not case.answer(store, "phq9", {"phq_1": "nearly_every_day"}).alerted
    assert raised(store) == []


def test_a_changed_answer_keeps_the_first_visible_and_coming_back_raises_again(store: Session) -> None:
    case = a_case_of(store, "phq9")
    case.answer(store, "phq9", {"phq_9": "several_days"})
    (alert,) = store.scalars(select(Alert))
    alerts.open_by_name(store, case.manager, alert.id)
    alerts.close(store, case.manager, alert.id, "Rang, and they are safe.")
    assert not case.answer(store, "phq9", {"phq_9": "not_at_all"}).alerted
    assert raised(store) == [("phq9:phq_9", "several_days")]
    closed_at = alert.closed_at
    assert case.answer(store, "phq9", {"phq_9": "several_days"}).alerted
    assert (closed_at is None, alert.closed_at is None) == (False, True)
    happened = store.scalars(select(AlertEvent).order_by(AlertEvent.id)).all()
    changed = [(one.what, one.answer) for one in happened if one.answer]
    assert changed == [("raised", "several_days"), ("answer-changed", "not_at_all"), ("raised-again", "several_days")]


def test_answering_something_else_raises_nothing_again(store: Session) -> None:
    case = a_case_of(store, "phq9")
    case.answer(store, "phq9", {"phq_9": "several_days"})
    case.answer(store, "phq9", {"phq_9": "not_at_all", "phq_1": "several_days"})
    assert [one.what for one in store.scalars(select(AlertEvent).order_by(AlertEvent.id))] == [
        "raised",
        "answer-changed",
    ]


def test_a_risky_answer_after_the_end_is_an_alert_all_the_same(store: Session) -> None:
    case = a_case_of(store, "phq9")
    case.answer(store, "phq9", {"phq_9": "not_at_all"})
    feedback.finish(store, case.service, case.asked)
    kept = case.answer(store, "phq9", {"phq_9": "nearly_every_day"})
    assert (kept.late, kept.alerted) == (True, True)
    assert raised(store) == [("phq9:phq_9", "nearly_every_day")]
    assert case.answers(store, "phq9") == {"phq_9": "not_at_all"}


def test_a_risky_answer_that_staff_type_in_is_an_alert_too(store: Session) -> None:
    case = a_case_of(store, "phq9")
    one = case.begin(store, completed_by="self", response_mode="phone", entered_by=case.manager.staff_id)["phq9"]
    (step,) = one.one_page.steps
    given = {"phq_1": "not_at_all", "phq_9": "several_days"}
    assert feedback.keep(store, case.service, case.asked, one, step, given, actor=case.manager).alerted
    assert raised(store) == [("phq9:phq_9", "several_days")]
    acts = [(event.act, event.actor_id) for event in audit.history_of(store, case.service.id, case.asked.id)]
    assert ("entered answers", case.manager.staff_id) in acts


def test_staff_read_the_item_and_the_answer_in_words(store: Session) -> None:
    case = a_case_of(store, "phq9")
    case.answer(store, "phq9", {"phq_9": "several_days"})
    response = case.response(store, "phq9")
    question = feedback.questions_of(store, case.service, response.id, "pl")["phq_9"]
    assert question.label == catalogue()["phq9"].wordings["en"].items["phq_9"]
    assert question.say("several_days") == "Several days (1)"
    assert feedback.questions_of(store, case.service, uuid.uuid4(), "en") == {}
    assert feedback.questions_of(store, case.service, None, "en") == {}


# Scores and lines ----------------------------------------------------------------------------------------------------

WHO5 = ("at_no_time", "some_of_the_time", "less_than_half_of_the_time", "more_than_half_of_the_time")


def who5(option: str, **changed: object) -> dict[str, object]:
    return {**{f"who5_{n}": option for n in range(1, 6)}, **changed}


def another(store: Session, case: Case, number: int, *scales: str) -> Case:
    """A later check-in of the same person."""
    row = CheckIn(
        service_id=case.service.id,
        person_id=case.asked.person_id,
        referral_id=case.asked.referral_id,
        occasion="review",
        number=10 + number,
        scales=list(scales or case.asked.scales),
        status="ready",
        opens_at=case.asked.opens_at,
        due_at=case.asked.due_at,
        closes_at=case.asked.closes_at,
    )
    store.add(row)
    store.flush()
    return Case(case.service, case.manager, row)


def line(store: Session, case: Case, scale: str, score: str) -> Line:
    (found,) = (
        one
        for one in feedback.lines_of(store, case.service.id, case.asked.person_id)
        if (one.scale, one.score) == (scale, score)
    )
    return found


def test_a_line_has_a_point_for_each_response_with_value_band_and_day(store: Session, case: Case) -> None:
    with clock.at(MONDAY):
        case.answer(store, "ons4", {"happy": "4", "anxious": "1"})
    later = another(store, case, 1)
    with clock.at(MONDAY + timedelta(days=42)):
        later.answer(store, "ons4", {"happy": "8"})
    happy = line(store, case, "ons4", "happy")
    assert [(point.on, point.value, point.band) for point in happy.points] == [
        (MONDAY.date(), 4, "low"),
        (MONDAY.date() + timedelta(days=42), 8, "high"),
    ]
    assert [(step.change.difference, step.change.verdict, step.breaks, step.caution) for step in happy.steps] == [
        (4, None, False, False)
    ]
    assert happy.overall == happy.steps[0]
    anxious = line(store, case, "ons4", "anxious")
    assert [point.value for point in anxious.points] == [1, None]
    assert anxious.overall is None
    satisfied = line(store, case, "ons4", "satisfied")
    assert [point.value for point in satisfied.points] == [None, None]


def test_a_missing_item_gives_no_score_and_never_nought(store: Session, case: Case) -> None:
    answers = who5("most_of_the_time")
    del answers["who5_3"]
    case.answer(store, "who5", answers)
    assert [point.value for point in line(store, case, "who5", "percent").points] == [None]
    case.answer(store, "who5", {"who5_3": PREFER_NOT_TO_SAY})
    assert [point.value for point in line(store, case, "who5", "percent").points] == [None]


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ("some_of_the_time", "most_of_the_time", Verdict.BETTER),
        ("most_of_the_time", "some_of_the_time", Verdict.WORSE),
        ("most_of_the_time", "most_of_the_time", Verdict.NO_RELIABLE_CHANGE),
    ],
)
def test_only_a_published_threshold_says_better_or_worse(
    store: Session, case: Case, before: str, after: str, verdict: Verdict
) -> None:
    with clock.at(MONDAY):
        case.answer(store, "who5", who5(before))
    with clock.at(MONDAY + timedelta(days=43)):
        another(store, case, 1).answer(store, "who5", who5(after))
    percent, raw = line(store, case, "who5", "percent"), line(store, case, "who5", "raw")
    assert [step.change.verdict for step in percent.steps] == [verdict]
    assert [step.change.verdict for step in raw.steps] == [None]


def test_other_words_break_the_line_and_give_no_verdict(store: Session, case: Case) -> None:
    with_made_up_words(store, case.service, "pl")
    with clock.at(MONDAY):
        case.answer(store, "who5", who5("some_of_the_time"))
    with clock.at(MONDAY + timedelta(days=42)):
        another(store, case, 1).answer(store, "who5", who5("all_of_the_time"), language="pl")
    (step,) = line(store, case, "who5", "percent").steps
    assert step.breaks
    assert step.change.unlike == frozenset({Unlike.WORDING})
    assert step.change.verdict is None
    assert (step.change.earlier, step.change.later) == (20, 100)


@pytest.mark.parametrize(
    "how",
    [
        {"completed_by": "self", "response_mode": "phone"},
        {"completed_by": "interpreter", "response_mode": "web"},
        {"completed_by": "supporter-reading", "response_mode": "web"},
        {"completed_by": "self", "response_mode": "in-person"},
    ],
)
def test_another_way_of_answering_breaks_the_line(store: Session, case: Case, how: dict[str, str]) -> None:
    with clock.at(MONDAY):
        case.answer(store, "who5", who5("some_of_the_time"))
    with clock.at(MONDAY + timedelta(days=42)):
        another(store, case, 1).answer(store, "who5", who5("all_of_the_time"), **how)
    (step,) = line(store, case, "who5", "percent").steps
    assert step.breaks
    assert step.change.unlike == frozenset({Unlike.MODE})
    assert step.change.verdict is None


def test_paper_and_screen_are_both_alone(store: Session, case: Case) -> None:
    with clock.at(MONDAY):
        case.answer(store, "who5", who5("some_of_the_time"))
    with clock.at(MONDAY + timedelta(days=42)):
        later = another(store, case, 1)
        later.answer(store, "who5", who5("all_of_the_time"), completed_by="self", response_mode="paper")
    (step,) = line(store, case, "who5", "percent").steps
    assert not step.breaks


def test_what_was_asked_about_yesterday_is_compared_with_caution_on_another_weekday(store: Session, case: Case) -> None:
    with clock.at(MONDAY):
        case.answer(store, "ons4", {"happy": "4", "satisfied": "4"})
    with clock.at(MONDAY + timedelta(days=47)):
        another(store, case, 1).answer(store, "ons4", {"happy": "8", "satisfied": "8"})
    (happy,), (satisfied,) = (line(store, case, "ons4", score).steps for score in ("happy", "satisfied"))
    assert (happy.caution, happy.breaks, happy.change.difference) == (True, False, 4)
    assert (satisfied.caution, satisfied.breaks) == (False, False)


def test_what_came_late_alone_is_on_no_line(store: Session, case: Case) -> None:
    feedback.finish(store, case.service, case.asked)
    case.answer(store, "ons4", {"happy": "9"})
    assert feedback.lines_of(store, case.service.id, case.asked.person_id) == []
    (answered,) = feedback.responses_of(store, case.service.id, case.asked.person_id)
    assert isinstance(answered, Answered)
    assert not answered.counts


def test_a_paper_form_counts_on_the_day_on_which_it_was_finished(store: Session, case: Case) -> None:
    with clock.at(MONDAY):
        how = {"completed_by": "self", "response_mode": "paper"}
        case.answer(store, "ons4", {"happy": "4"}, **how)
        case.answer(store, "who5", who5("at_no_time"))
    with clock.at(MONDAY + timedelta(days=2)):
        feedback.finish(store, case.service, case.asked)
    assert line(store, case, "ons4", "happy").points[0].on == MONDAY.date() + timedelta(days=2)


def test_answers_stay_when_the_file_of_a_scale_is_taken_out(
    store: Session, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WHO-5 lies in a pack of its own, that an installation may leave out."""
    case.answer(store, "who5", who5("at_no_time"))
    case.answer(store, "ons4", {"happy": "4"})

    def without(store: Session, service_id: uuid.UUID, scale: str, version: str) -> object:
        if scale == "who5":
            raise KeyError(scale)
        return catalogue().version(scale, version)

    monkeypatch.setattr(measures, "instrument_of", without)
    answered = feedback.responses_of(store, case.service.id, case.asked.person_id)
    gone = next(one for one in answered if one.response.scale == "who5")
    assert (gone.instrument, gone.scores) == (None, {})
    assert [one.counts.option for one in gone.items if one.counts] == ["at_no_time"] * 5
    lines = feedback.lines_of(store, case.service.id, case.asked.person_id)
    assert {one.scale for one in lines} == {"ons4"}
    assert feedback.questions_of(store, case.service, gone.response.id, "en") == {}
    assert "who5" not in {
        one.scale for one in feedback.look(store, case.service, case.asked, language="en") if one.response
    }
