"""Check-ins through the doors, as a visitor without JavaScript answers them; every page on the way is inspected."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import brotli
import pytest
from flask import Flask
from sqlalchemy import select

from portal import accounts, clock, codes, feedback, goals, measures
from portal.access import Role, Tier
from portal.accounts import visits
from portal.instruments import catalogue
from portal.journeys import LEFT_BLANK, PREFER_NOT_TO_SAY
from portal.journeys.wellbeing_check import recall_of
from portal.store import Alert, CheckIn, ItemAnswer, MeasureResponse, Referral, Service, Stores, Task, Visit
from tests import lived, world
from tests.asked import a_case, check_in, with_made_up_words
from tests.test_feedback import PROTOCOL
from tests.visitor import Visitor
from tests.world import Member

ONS4 = catalogue()["ons4"].wordings["en"]


@dataclass
class Here:
    """A service with somebody whose first check-in is open."""

    stores: Stores
    service: Service
    manager: Member
    asked: CheckIn

    def change(self, act: Callable[..., object]) -> None:
        """Change something by the rooms: ``act`` gets the store and the check-in."""
        with self.stores.writing.begin() as store:
            act(store, feedback.find(store, self.service.id, self.asked.id))

    def answers(self, scale: str = "ons4") -> dict[str, str]:
        with self.stores.reading() as store:
            wanted = select(MeasureResponse).where(MeasureResponse.scale == scale)
            return feedback.answers_of(store, store.scalars(wanted).one())

    def count(self, table: type) -> int:
        with self.stores.reading() as store:
            return len(store.scalars(select(table)).all())

    def now(self) -> CheckIn:
        with self.stores.reading() as store:
            return feedback.find(store, self.service.id, self.asked.id)


@pytest.fixture
def here(stores: Stores) -> Here:
    with stores.writing.begin() as store:
        service = world.a_service(store)
        manager = world.staff_member(store, service, Role.MANAGER)
        asked = check_in(store, a_case(store, service, manager.actor))
        asked.scales = ["goals", "ons4", "who5"]
        store.flush()
        store.expunge_all()
    return Here(stores, service, manager, asked)


def with_scales(here: Here, *scales: str) -> None:
    def change(store: object, asked: CheckIn) -> None:
        asked.scales = list(scales)

    here.change(change)


def with_phq9(here: Here) -> None:
    def change(store: object, asked: CheckIn) -> None:
        measures.record_protocol(store, here.manager.actor, "phq9", PROTOCOL)  # type: ignore[arg-type]
        measures.turn_on(store, here.manager.actor, "phq9")  # type: ignore[arg-type]
        asked.scales = ["phq9"]

    here.change(change)


def let_in(here: Here, app: Flask, prefix: str = "", *, tier: Tier = Tier.TASK) -> Visitor:
    """A browser that may answer: one task, or the whole page."""
    key = codes.new_key()
    with here.stores.writing.begin() as store:
        service = store.get_one(Service, here.service.id)
        asked = feedback.find(store, service.id, here.asked.id)
        if tier is Tier.TASK:
            accounts.open_for_check_in(store, service, asked, key, "en")
        else:
            referral = store.get_one(Referral, (service.id, asked.referral_id))
            visits._open(store, referral, Tier.READ, visits.CARD, key, "en")
    person = Visitor(app, prefix)
    person.client.set_cookie(app.config["VISIT_COOKIE"], key)
    return person


@pytest.fixture
def anna(here: Here, app: Flask) -> Visitor:
    return let_in(here, app)


# The pages -----------------------------------------------------------------------------------------------------------


def test_a_link_is_two_requests_from_the_first_question(here: Here, app: Flask) -> None:
    with here.stores.writing.begin() as store:
        token = measures.new_link(store, feedback.find(store, here.service.id, here.asked.id))
    asked: list[str] = []

    def count() -> None:
        asked.append("")

    app.before_request_funcs.setdefault(None, []).insert(0, count)
    person = Visitor(app).open(f"/c/{token}")
    person.press()
    assert len(asked) == 2
    assert person.status == 200
    assert ONS4.items["satisfied"] in person.words
    assert here.count(MeasureResponse) == 0
    person.press(satisfied="7")
    assert person.here == "/check-in/ons4/worthwhile"
    assert here.answers() == {"satisfied": "7"}


def test_the_first_page_has_the_instruction_the_item_every_option_and_the_licence(anna: Visitor) -> None:
    anna.open("/check-in")
    assert "Question 1 of 9" in anna.words
    assert ONS4.instruction in anna.words
    assert catalogue()["ons4"].licence.print_line in anna.words
    values = [one.get("value") for one in anna.page.all("input") if one.get("name") == "satisfied"]
    assert values == [*map(str, range(11)), "dont-know", "prefer-not-to-say"]
    assert not [one for one in anna.page.all("input") if one.get("checked") is not None]
    assert "Is somebody helping you" in anna.words
    anna.press(satisfied="7")
    assert "Question 2 of 9" in anna.words
    assert ONS4.instruction not in anna.words
    assert "Is somebody helping you" not in anna.words


def test_a_whole_check_in_is_answered_page_by_page_and_then_finished(here: Here, anna: Visitor) -> None:
    anna.open("/check-in")
    for item in ("satisfied", "worthwhile", "happy", "anxious"):
        anna.press(**{item: "5"})
    for number in range(1, 6):
        assert "Over the last two weeks" in anna.words
        anna.press(**{f"who5_{number}": "at_no_time"})
    assert anna.here == "/check-in/done"
    assert "Thank you" in anna.words
    assert here.now().status == "completed"
    assert here.answers() == dict.fromkeys(("satisfied", "worthwhile", "happy", "anxious"), "5")
    assert set(here.answers("who5").values()) == {"at_no_time"}
    assert anna.open("/check-in/ons4/happy").here == "/check-in/done"
    assert anna.open("/check-in").words.count("Thank you") >= 1


def test_each_press_saves_also_back_skip_and_come_back_later(here: Here, anna: Visitor) -> None:
    anna.open("/check-in").press(satisfied="7")
    anna.press("back", worthwhile="3")
    assert anna.here == "/check-in/ons4/satisfied"
    assert here.answers() == {"satisfied": "7", "worthwhile": "3"}
    assert [one.get("value") for one in anna.page.all("input") if one.get("checked") is not None] == ["7"]
    anna.press("skip")
    anna.press("skip")
    assert here.answers() == {"satisfied": "7", "worthwhile": "3"}
    assert anna.here == "/check-in/ons4/happy"
    anna.press("skip", happy="4")
    assert here.answers()["happy"] == LEFT_BLANK
    anna.press("save", anxious=PREFER_NOT_TO_SAY)
    assert anna.here == "/check-in/later"
    assert here.answers()["anxious"] == PREFER_NOT_TO_SAY


def test_what_is_sent_with_a_dead_token_after_the_end_is_not_lost(here: Here, anna: Visitor) -> None:
    anna.open("/check-in").press(satisfied="7")
    here.change(lambda store, asked: feedback.finish(store, here.service, asked))
    anna.post("/check-in/ons4/satisfied", {"csrf_token": "dead", "satisfied": "3"})
    assert anna.status == 400
    assert [one.get("value") for one in anna.page.all("input") if one.get("checked") is not None] == ["3"]
    anna.press(satisfied="3")
    assert anna.here == "/check-in/done"
    assert here.answers() == {"satisfied": "7"}
    assert here.count(ItemAnswer) == 2


def test_a_cleared_screen_keeps_what_was_chosen(here: Here, anna: Visitor) -> None:
    anna.open("/check-in").press("lock", satisfied="7")
    assert anna.here == "/your-page/locked"
    assert here.answers() == {"satisfied": "7"}


def test_somebody_comes_back_where_they_stopped_and_sees_nothing_from_before(
    here: Here, app: Flask, anna: Visitor
) -> None:
    anna.open("/check-in").press(satisfied="7")
    with clock.later(timedelta(minutes=1)):
        again = let_in(here, app).open("/check-in")
        assert ONS4.items["worthwhile"] in again.words
        again.press("back")
        assert again.here == "/check-in/ons4/satisfied"
        assert not [one for one in again.page.all("input") if one.get("checked") is not None]
        again.press()  # nothing chosen takes nothing back
        assert here.answers() == {"satisfied": "7", "worthwhile": LEFT_BLANK}
        whole = let_in(here, app, tier=Tier.READ).open("/check-in/ons4/satisfied")
        assert [one.get("value") for one in whole.page.all("input") if one.get("checked") is not None] == ["7"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("11", "Choose one of the answers on this page"),
        ("-1", "Choose one of the answers on this page"),
        ("<b>", "Choose one of the answers on this page"),
        (["3", "4"], "Choose one answer only"),
    ],
)
def test_a_forged_answer_is_refused_with_a_sentence(
    here: Here, anna: Visitor, typed: str | list[str], sentence: str
) -> None:
    anna.open("/check-in").press(satisfied=typed)
    assert anna.status == 422
    assert anna.errors == [sentence]
    assert here.answers() == {}
    if isinstance(typed, list):
        chosen = [one.get("value") for one in anna.page.all("input") if one.get("checked") is not None]
        assert chosen == typed


def test_a_forged_answer_holds_nobody_back_who_goes_back(here: Here, anna: Visitor) -> None:
    anna.open("/check-in").press(satisfied="7")
    anna.press("back", worthwhile="99")
    assert (anna.here, anna.status) == ("/check-in/ons4/satisfied", 200)


def test_a_page_that_was_open_too_long_comes_back_with_what_was_chosen(here: Here, anna: Visitor) -> None:
    anna.open("/check-in").press(csrf_token="dead", satisfied="7", completed_by="interpreter")
    assert anna.status == 400
    assert here.count(ItemAnswer) == 0
    chosen = [one.get("value") for one in anna.page.all("input") if one.get("checked") is not None]
    assert chosen == ["7", "interpreter"]
    anna.press()
    assert here.answers() == {"satisfied": "7"}


def test_who_answers_is_asked_once_and_kept_with_every_scale(here: Here, anna: Visitor) -> None:
    anna.open("/check-in").press(satisfied="7", completed_by="supporter-reading")
    with here.stores.reading() as store:
        kept = {one.scale: one.completed_by for one in store.scalars(select(MeasureResponse))}
    assert kept == {"ons4": "supporter-reading", "who5": "supporter-reading"}


def test_nobody_answers_in_somebody_s_place(here: Here, anna: Visitor) -> None:
    anna.open("/check-in").press(satisfied="7", completed_by="proxy")
    assert anna.status == 422
    with here.stores.reading() as store:
        assert {one.completed_by for one in store.scalars(select(MeasureResponse))} == {"self"}


def test_no_page_is_asked_that_is_not_of_this_check_in(here: Here, anna: Visitor) -> None:
    assert anna.open("/check-in/phq9/phq-9").here == "/check-in"
    assert anna.open("/check-in/ons4/nothing").here == "/check-in"
    token = anna.token
    anna.post("/check-in/phq9/phq-9", {"csrf_token": token, "phq_9": "several_days"})
    assert anna.here == "/check-in"
    assert here.count(ItemAnswer) == 0
    assert here.count(Alert) == 0


def test_a_stranger_s_answer_is_nobody_s(here: Here, app: Flask) -> None:
    stranger = Visitor(app).open("/check-in")
    assert stranger.here.startswith("/your-page")
    token = stranger.token
    stranger.post("/check-in/ons4/satisfied", {"csrf_token": token, "satisfied": "7"})
    assert stranger.status == 401
    assert here.count(ItemAnswer) == 0


def test_a_page_that_was_passed_over_is_asked_before_the_end(here: Here, anna: Visitor) -> None:
    with_scales(here, "ons4")
    anna.open("/check-in").press(satisfied="7")
    anna.open("/check-in/ons4/anxious").press(anxious="2")
    assert anna.here == "/check-in/ons4/worthwhile"
    assert here.now().status == "in-progress"


# The end, and two devices --------------------------------------------------------------------------------------------


def test_a_second_device_after_the_end_is_told_when_it_was_and_nothing_is_lost(here: Here, app: Flask) -> None:
    with_scales(here, "ons4")
    one, two = let_in(here, app).open("/check-in"), let_in(here, app).open("/check-in")
    for item in ("satisfied", "worthwhile", "happy", "anxious"):
        one.press(**{item: "5"})
    assert one.here == "/check-in/done"
    two.press(satisfied="9")
    assert two.here == "/check-in/done"
    assert re.search(r"You finished this check-in on .+ at \d\d:\d\d\. The answer .* is kept beside it", two.words)
    assert here.answers()["satisfied"] == "5"
    with here.stores.reading() as store:
        late = [row.answer["value"] for row in store.scalars(select(ItemAnswer)) if row.late]
    assert late == [9]


def test_two_devices_answer_the_same_check_in_and_the_later_answer_counts(here: Here, app: Flask) -> None:
    one, two = let_in(here, app).open("/check-in"), let_in(here, app).open("/check-in")
    one.press(satisfied="5")
    two.press(satisfied="9")
    assert here.answers() == {"satisfied": "9"}
    assert here.count(ItemAnswer) == 2
    one.press(worthwhile="4")
    two.press()  # left blank here, answered there: it stays
    assert here.answers() == {"satisfied": "9", "worthwhile": "4"}


def test_a_check_in_that_was_ended_says_so_and_keeps_what_still_comes(here: Here, app: Flask, anna: Visitor) -> None:
    anna.open("/check-in").press(satisfied="7")
    here.change(
        lambda store, asked: measures.stop(store, store.get_one(Service, here.service.id), asked.referral_id, "closed")
    )
    anna.press(worthwhile="5")
    assert anna.here == "/check-in/done"
    assert "We do not ask these questions any more. The answer that you have just given is kept" in anna.words
    assert here.answers() == {"satisfied": "7"}


def answered_before(here: Here, scale: str, **answers: str) -> None:
    """An earlier check-in was answered; the one that is open now asks for this scale alone."""

    def before(store: object, asked: CheckIn) -> None:
        earlier = CheckIn(
            service_id=asked.service_id,
            person_id=asked.person_id,
            referral_id=asked.referral_id,
            occasion="review",
            number=9,
            scales=[scale],
            status="ready",
            opens_at=asked.opens_at,
            due_at=asked.due_at,
            closes_at=asked.closes_at,
        )
        store.add(earlier)  # type: ignore[attr-defined]
        store.flush()  # type: ignore[attr-defined]
        service = store.get_one(Service, asked.service_id)  # type: ignore[attr-defined]
        (one,) = feedback.begin(store, service, earlier, language="en")  # type: ignore[arg-type]
        for item, answer in answers.items():
            step = next(step for step in one.journey.steps if any(asks.code == item for asks in step.questions))
            feedback.keep(store, service, earlier, one, step, {item: answer})  # type: ignore[arg-type]
        feedback.finish(store, service, earlier)  # type: ignore[arg-type]
        asked.scales = [scale]

    with clock.later(timedelta(days=-20)):
        here.change(before)


def test_with_one_task_nothing_earlier_is_shown_at_the_end_and_with_the_whole_page_it_is(
    here: Here, app: Flask
) -> None:
    answered_before(here, "ons4", happy="2")
    task = let_in(here, app).open("/check-in")
    for item in ("satisfied", "worthwhile", "happy", "anxious"):
        task.press(**{item: "8"})
    assert "Last time" not in task.words
    whole = let_in(here, app, tier=Tier.READ).open("/check-in/done")
    assert f"{ONS4.items['happy']} Last time: 2 Now: 8" in whole.words
    assert "Last time: 8" not in whole.words


def test_the_time_that_questions_are_about_is_said_once_at_the_end(here: Here, app: Flask) -> None:
    who5 = catalogue()["who5"]
    items = [item.code for item in who5.items]
    choice = who5.options(items[0])[2].code
    answered_before(here, "who5", **dict.fromkeys(items, choice))
    there = let_in(here, app, tier=Tier.READ).open("/check-in")
    for item in items:
        there.press(**{item: choice})
    assert there.here == "/check-in/done"
    assert there.words.count("Last time:") == len(items)
    assert there.words.count(recall_of(who5, who5.wordings["en"])) == 1


# Somebody who is not safe --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("go", ["", "back", "save"])
def test_a_risky_answer_is_answered_with_help_on_the_very_page_and_then_continue(
    here: Here, anna: Visitor, go: str
) -> None:
    with_phq9(here)
    anna.open("/check-in/phq9/phq-9").press(go, phq_9="several_days")
    assert anna.status == 200
    assert anna.here == "/check-in/phq9/phq-9"
    assert "Your safety comes first" in anna.words
    assert "116 123" in anna.words
    assert "A person from our service will read what you said by" in anna.words
    assert here.count(Alert) == 1
    assert here.now().status == "in-progress"
    anna.carry_on()
    assert anna.status == 200
    assert anna.here.startswith("/check-in")


def test_help_comes_before_the_page_about_a_mistake_or_a_finished_check_in(here: Here, app: Flask) -> None:
    with_phq9(here)
    one, two = let_in(here, app), let_in(here, app)
    two.open("/check-in/phq9/phq-9")
    here.change(lambda store, asked: feedback.finish(store, store.get_one(Service, here.service.id), asked))
    two.press(phq_9="nearly_every_day")
    assert "Your safety comes first" in two.words
    assert here.count(Alert) == 1
    assert two.carry_on().here == "/check-in/done"
    one.open("/check-in")
    assert "Thank you" in one.words


def test_staff_see_the_item_s_words_and_the_answer_on_the_alert(here: Here, anna: Visitor, app: Flask) -> None:
    with_phq9(here)
    anna.open("/check-in/phq9/phq-9").press(phq_9="several_days")
    with here.stores.writing() as store:
        staff = Visitor(app)
        world.sign_in(staff.client, store, here.manager)
        (alert,) = store.scalars(select(Alert))
        store.commit()
        words = staff.open(f"/staff/alerts/{alert.id}").words
        assert catalogue()["phq9"].wordings["en"].items["phq_9"] in words
        assert "Several days (1)" in words
        assert "phq9:phq_9" not in words
        polish = Visitor(app, "/pl")
        polish.client = staff.client
        page = polish.open(f"/staff/alerts/{alert.id}").page
        marked = [one for one in page.all("span") if one.get("lang") == "en"]
        assert any("hurting yourself" in "".join(one.itertext()) for one in marked)
        assert staff.open("/staff/alerts").status == 200


# Languages -----------------------------------------------------------------------------------------------------------


def test_right_to_left_the_order_of_the_answers_is_the_form_s(here: Here, app: Flask) -> None:
    with_scales(here, "who5")
    here.change(lambda store, asked: with_made_up_words(store, store.get_one(Service, here.service.id), "ur", "rtl"))
    person = let_in(here, app, "/ur").open("/check-in")
    values = [one.get("value") for one in person.page.all("input") if one.get("name") == "who5_1"]
    codes_of_form = [option.code for option in catalogue()["who5"].options("who5_1")]
    assert values == [*codes_of_form, "prefer-not-to-say"]
    person.press(who5_1="all_of_the_time")
    assert here.answers("who5") == {"who5_1": "all_of_the_time"}
    with here.stores.reading() as store:
        (response,) = store.scalars(select(MeasureResponse))
    assert (response.language, response.text_status) == ("ur", "official-one-source")


def test_words_begun_in_english_go_on_in_english_on_a_page_in_urdu(here: Here, app: Flask, anna: Visitor) -> None:
    anna.open("/check-in").press(satisfied="7")
    urdu = let_in(here, app, "/ur").open("/check-in")
    marked = [one for one in urdu.page.all("span") if one.get("lang") == "en"]
    assert {one.get("dir") for one in marked} == {"ltr"}
    assert any(ONS4.items["worthwhile"] in "".join(one.itertext()) for one in marked)


def test_where_there_are_no_words_the_page_says_so_and_forces_nothing(here: Here, app: Flask) -> None:
    person = let_in(here, app, "/ur").open("/check-in")
    assert person.status == 200
    assert catalogue()["ons4"].title in person.words
    assert ONS4.items["satisfied"] not in person.words
    assert here.count(MeasureResponse) == 0
    person.press("worker")
    assert here.count(Task) >= 1
    with here.stores.reading() as store:
        assert "check-in-not-back" in {task.kind for task in store.scalars(select(Task))}
    assert here.now().handed_to_staff_at is not None
    person.press("interpreter")
    assert ONS4.items["satisfied"] in person.words
    with here.stores.reading() as store:
        kept = {(one.completed_by, one.language) for one in store.scalars(select(MeasureResponse))}
    assert kept == {("interpreter", "en")}


# Goals ---------------------------------------------------------------------------------------------------------------


def a_goal(here: Here, words: str = "Walk with my sister") -> None:
    def make(store: object, asked: CheckIn) -> None:
        service = store.get_one(Service, here.service.id)  # type: ignore[attr-defined]
        referral = store.get_one(Referral, (service.id, asked.referral_id))  # type: ignore[attr-defined]
        lived.a_goal(store, service, referral, words)  # type: ignore[arg-type]
        asked.scales = ["goals", "ons4"]

    here.change(make)


def test_a_rating_belongs_to_the_goal_that_stood_on_the_page_whatever_became_of_the_goals(
    here: Here, app: Flask
) -> None:
    a_goal(here)
    a_goal(here, "Read a book")
    person = let_in(here, app, tier=Tier.READ).open("/check-in")
    assert "Walk with my sister" in person.words

    def achieve(store: object, asked: CheckIn) -> None:
        walk = goals.active_of(store, here.service.id, asked.person_id)[0]  # type: ignore[arg-type]
        goals.become(store, here.service.id, asked.person_id, walk.id, goals.ACHIEVE)  # type: ignore[arg-type]

    here.change(achieve)
    person.press(closeness="9")
    assert "Read a book" in person.words
    with here.stores.reading() as store:
        lines = goals.of_person(store, here.service.id, here.asked.person_id)
    assert {line.goal.words: line.ratings[-1].rating for line in lines} == {"Walk with my sister": 9, "Read a book": 3}


def test_a_goal_rated_after_the_end_stands_beside_what_was_said_and_changes_nothing(here: Here, app: Flask) -> None:
    a_goal(here)
    here.change(lambda store, asked: setattr(asked, "opens_at", clock.now() - timedelta(days=1)))
    one, two = let_in(here, app, tier=Tier.READ), let_in(here, app, tier=Tier.READ)
    two.open("/check-in")
    one.open("/check-in").press(closeness="4")
    here.change(lambda store, asked: feedback.finish(store, here.service, asked))
    two.press(closeness="9")
    assert two.here == "/check-in/done"
    assert "It does not change what you said before." in two.words
    with here.stores.reading() as store:
        (rated,) = goals.rated_in(store, here.service.id, here.asked.id).values()
        (line,) = goals.of_person(store, here.service.id, here.asked.person_id)
    assert rated.rating == 4
    assert [one.rating for one in line.ratings][-2:] == [4, 9]


def test_goals_are_rated_on_the_whole_page_and_unseen_in_a_visit_for_one_task(here: Here, app: Flask) -> None:
    a_goal(here)
    task = let_in(here, app).open("/check-in")
    assert "Walk with my sister" not in task.words
    assert "of 4" in task.words
    assert task.open("/check-in/goals/goal-1").here == "/check-in"
    whole = let_in(here, app, tier=Tier.READ).open("/check-in")
    assert "Walk with my sister" in whole.words
    whole.press(closeness="6")
    with here.stores.reading() as store:
        (rated,) = goals.rated_in(store, here.service.id, here.asked.id).values()
        assert (rated.rating, rated.check_in_id) == (6, here.asked.id)
    assert whole.here == "/check-in/ons4/satisfied"
    whole.press("back")
    assert [one.get("value") for one in whole.page.all("input") if one.get("checked") is not None] == ["6"]
    whole.press(closeness="99")
    assert whole.status == 422
    for item in ("satisfied", "worthwhile", "happy", "anxious"):
        task.open(f"/check-in/ons4/{item}").press(**{item: "5"})
    assert "You can say how close you are to your goals on your own page." in task.words


# Right after sending -------------------------------------------------------------------------------------------------


def test_after_sending_the_first_check_in_is_one_press_away(stores: Stores, app: Flask) -> None:
    with stores.writing.begin() as store:
        service = world.a_service(store)
        world.staff_member(store, service, Role.MANAGER)
    person = Visitor(app).already().press()
    assert person.here == "/refer/sent"
    assert "how are you now?" in person.words
    person.press(to="/check-in/now")
    assert person.status == 200
    assert ONS4.items["satisfied"] in person.words
    with stores.reading() as store:
        (visit,) = store.scalars(select(Visit))
    assert (visit.tier, visit.via, visit.task) == ("task", "sent", "check-in")
    person.press(satisfied="6")
    with stores.reading() as store:
        (answer,) = store.scalars(select(ItemAnswer))
    assert answer.answer == {"option": "6", "value": 6}


def test_a_browser_that_sent_nothing_opens_no_check_in(here: Here, app: Flask) -> None:
    stranger = Visitor(app).open("/carry-on")
    stranger.post("/check-in/now", {"csrf_token": stranger.token})
    assert stranger.here == "/carry-on"
    assert here.count(Visit) == 0


# Size, and what the pages do not say ---------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/pl", "/ur"])
def test_every_page_fits_one_round_trip_of_a_slow_line(here: Here, app: Flask, prefix: str) -> None:
    with_scales(here, "ons4", "who5", "gss-loneliness")
    languages = prefix.strip("/")
    if languages:
        direction = "rtl" if languages == "ur" else "ltr"
        here.change(
            lambda store, asked: with_made_up_words(
                store, store.get_one(Service, here.service.id), languages, direction
            )
        )
    person = let_in(here, app, prefix)
    person.client.environ_base["HTTP_ACCEPT_ENCODING"] = "br"
    address, seen = f"{prefix}/check-in", 0
    for _ in range(20):
        answer = person.client.get(address)
        if answer.location:
            address = answer.location
            continue
        squeezed, page = answer.get_data(), brotli.decompress(answer.get_data()).decode()
        headers = sum(len(name) + len(value) + 4 for name, value in answer.headers)
        assert len(squeezed) + headers <= 3000, f"{address}: {len(squeezed)} + {headers}"
        seen += 1
        action = re.search(r'<form id="page" method="post" action="([^"]+)"', page)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        if not action or not token:
            break
        answer = person.client.post(action[1], data={"csrf_token": token[1]})
        address = answer.location
    assert seen >= (6 if languages else 14)


def test_no_address_and_no_page_of_the_person_holds_an_id(here: Here, anna: Visitor) -> None:
    anna.open("/check-in")
    for _ in range(10):
        assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-7", anna.page.html + anna.path)
        if anna.here == "/check-in/done":
            break
        anna.press()
    assert anna.here == "/check-in/done"


# What staff type in --------------------------------------------------------------------------------------------------


@pytest.fixture
def staff(here: Here, app: Flask) -> Visitor:
    visitor = Visitor(app)
    with here.stores.writing() as store:
        world.sign_in(visitor.client, store, here.manager)
        store.commit()
    return visitor


def test_a_worker_types_in_what_was_answered_on_the_telephone(here: Here, staff: Visitor) -> None:
    address = f"/staff/referrals/{here.asked.referral_id}/check-ins/{here.asked.id}"
    staff.open(address)
    assert "Type in what the person answers" in staff.words
    staff.follow(staff.links()[catalogue()["ons4"].title])
    staff.press(completed_by="interpreter", response_mode="phone", satisfied="4", happy="8", anxious="99")
    assert staff.status == 422
    assert staff.errors == ["Choose one of the answers on this page"]
    staff.press(anxious="6")
    assert staff.here == address
    assert here.answers() == {"satisfied": "4", "happy": "8", "anxious": "6", "worthwhile": LEFT_BLANK}
    with here.stores.reading() as store:
        (response,) = store.scalars(select(MeasureResponse))
    assert (response.completed_by, response.response_mode) == ("interpreter", "phone")
    assert response.entered_by == here.manager.actor.staff_id
    staff.follow(staff.links()[catalogue()["ons4"].title]).press(happy="9")
    assert "Before that: 8" in staff.words
    staff.press(to="/finish")
    assert here.now().status == "completed"
    staff.follow(staff.links()[catalogue()["ons4"].title]).press(happy="1")
    assert "After it had ended, and not counted: 1" in staff.words
    assert here.answers()["happy"] == "9"


def test_who_answered_and_how_must_be_said(here: Here, staff: Visitor) -> None:
    staff.open(f"/staff/referrals/{here.asked.referral_id}/check-ins/{here.asked.id}/scales/ons4").press(happy="8")
    assert staff.status == 422
    assert staff.errors == ["Say who answers", "Say how the answers come to you"]
    assert [one.get("value") for one in staff.page.all("input") if one.get("checked") is not None] == ["8"]
    assert here.count(ItemAnswer) == 0
    assert "Somebody else answers for them" not in staff.words
    staff.press(completed_by="proxy", response_mode="phone")
    assert staff.status == 422
    assert here.count(ItemAnswer) == 0


def test_a_worker_reads_out_in_any_language_that_has_words(here: Here, staff: Visitor) -> None:
    here.change(lambda store, asked: with_made_up_words(store, store.get_one(Service, here.service.id), "ar", "rtl"))
    staff.open(f"/staff/referrals/{here.asked.referral_id}/check-ins/{here.asked.id}/scales/who5")
    staff.follow(staff.links()["Arabic"])
    assert {one.get("lang") for one in staff.page.all("span") if one.get("dir") == "rtl"} >= {"ar"}
    staff.press(completed_by="self", response_mode="in-person", who5_1="at_no_time")
    with here.stores.reading() as store:
        (response,) = store.scalars(select(MeasureResponse))
    assert response.language == "ar"


def test_a_risky_answer_typed_in_tells_the_worker_at_once(here: Here, staff: Visitor) -> None:
    with_phq9(here)
    staff.open(f"/staff/referrals/{here.asked.referral_id}/check-ins/{here.asked.id}/scales/phq9")
    staff.press(completed_by="self", response_mode="phone", phq_9="several_days")
    assert "An answer needs somebody at once" in staff.words
    assert here.count(Alert) == 1


def test_words_that_were_open_too_long_come_back_with_what_was_typed(here: Here, staff: Visitor) -> None:
    staff.open(f"/staff/referrals/{here.asked.referral_id}/check-ins/{here.asked.id}/scales/ons4")
    staff.press(csrf_token="dead", completed_by="self", response_mode="phone", happy="8")
    assert staff.status == 400
    assert here.count(ItemAnswer) == 0
    chosen = [one.get("value") for one in staff.page.all("input") if one.get("checked") is not None]
    assert chosen == ["self", "phone", "8"]


def test_a_scale_that_is_not_asked_is_not_there_for_staff_either(here: Here, staff: Visitor) -> None:
    for scale in ("phq9", "swemwbs", "nothing"):
        staff.open(f"/staff/referrals/{here.asked.referral_id}/check-ins/{here.asked.id}/scales/{scale}")
        assert staff.status == 404


# A page that lay open too long ---------------------------------------------------------------------------------------


def test_what_is_sent_after_the_visit_ran_out_is_kept_and_nothing_more_is_shown(here: Here, anna: Visitor) -> None:
    anna.open("/check-in")
    with clock.later(timedelta(hours=3)):
        anna.press(satisfied="7")
        assert anna.here == "/your-page/locked"
        assert ONS4.items["worthwhile"] not in anna.words
        anna.open("/check-in")
        assert anna.here == "/your-page"
    assert here.answers() == {"satisfied": "7"}


def test_a_risk_answer_sent_too_late_raises_its_alert_and_shows_who_can_help(here: Here, anna: Visitor) -> None:
    with_phq9(here)
    anna.open("/check-in/phq9/phq-9")
    with clock.later(timedelta(hours=3)):
        anna.press(phq_9="nearly_every_day")
        assert anna.here == "/help-now"
    assert here.count(Alert) == 1


def test_a_visit_that_was_ended_on_purpose_keeps_nothing_more(here: Here, anna: Visitor) -> None:
    anna.open("/check-in")
    with here.stores.writing.begin() as store:
        accounts.end_all(store, here.service.id, here.asked.person_id)
    anna.press(satisfied="7")
    assert anna.status == 401
    assert here.count(ItemAnswer) == 0


def test_a_page_is_not_taken_a_day_after_somebody_was_there(here: Here, anna: Visitor) -> None:
    anna.open("/check-in")
    with clock.later(timedelta(hours=25)):
        anna.press(satisfied="7")
    assert anna.status == 401
    assert here.count(ItemAnswer) == 0
