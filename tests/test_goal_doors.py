"""The doors of goals, as a browser without JavaScript meets them: the person in a visit for one task and on their own
page, a worker beside them, and what neither may see.
"""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from portal import accounts, clock, codes, goals, measures
from portal.access import Role
from portal.goals import MOST_ACTIVE
from portal.journeys.goal_setting import GOAL_SETTING, REVISED
from portal.store import AuditEvent, Draft, Goal, GoalAttainment, GoalChange, GoalRating, Referral, Service, Stores
from portal.web.goals import THEIR_THREE, THREE
from tests.arriving import Known, somebody
from tests.lived import a_goal, comes, reads
from tests.visitor import Typed, Visitor
from tests.world import Member, a_service, sign_in, staff_member

TYPED: dict[str, Typed] = {
    "goal_words": "Wyjść z domu raz w tygodniu",
    "goal_need": "loneliness",
    "importance": "8",
    "goal_why": "I miss people.",
    "first_step": "Ring the walking group.",
    "by_when": "next week",
    "sure": "6",
    "closeness": "2",
}
SECRET = "meet people on Thursdays"


class Scene:
    """A service with a manager and a worker, and somebody who has sent the form and holds its card."""

    def __init__(self, app: Flask, stores: Stores) -> None:
        self.app, self.stores = app, stores
        app.config["SERVICE"] = "here"
        with stores.writing() as store:
            store.expire_on_commit = False
            self.service: Service = a_service(store)
            self.manager: Member = staff_member(store, self.service, Role.MANAGER)
            self.worker: Member = staff_member(store, self.service)
            self.zofia: Known = somebody(store, self.service, self.worker.actor)
            store.commit()

    @property
    def referral(self) -> Referral:
        return self.zofia.referral

    def sets(self, words: str, closeness: str = "3", known: Known | None = None) -> Goal:
        with self.stores.writing() as store:
            store.expire_on_commit = False
            made = a_goal(store, self.service, (known or self.zofia).referral, words, closeness)
            store.commit()
            return made

    def comes(self, task: str = "goal", known: Known | None = None) -> Visitor:
        """Somebody in a visit for one task."""
        key = codes.new_key()
        with self.stores.writing.begin() as store:
            comes(store, self.service, (known or self.zofia).referral, key=key, task=task)
        return self._with(key)

    def reads(self, known: Known | None = None, prefix: str = "") -> Visitor:
        """Somebody on their whole page."""
        known, key = known or self.zofia, codes.new_key()
        with self.stores.writing.begin() as store:
            reads(store, self.service, known.referral, known.number, key=key)
        return self._with(key, prefix)

    def _with(self, key: str, prefix: str = "") -> Visitor:
        there = Visitor(self.app, prefix)
        there.client.set_cookie(self.app.config["VISIT_COOKIE"], key)
        return there

    def works(self, member: Member | None = None) -> Visitor:
        """A member of staff who is signed in."""
        there = Visitor(self.app)
        with self.stores.writing() as store:
            sign_in(there.client, store, member or self.worker)
            store.commit()
        self.app.before_request_funcs[None] = [
            one for one in self.app.before_request_funcs[None] if getattr(one, "__name__", "") != "commit"
        ]
        return there

    def theirs(self) -> list[Goal]:
        with self.stores.reading() as store:
            return [line.goal for line in goals.of_person(store, self.service.id, self.referral.person_id)]

    def line(self, goal: Goal) -> goals.GoalLine:
        with self.stores.reading() as store:
            return goals.one_of(store, self.service.id, self.referral.person_id, goal.id)

    def count(self, table: type) -> int:
        with self.stores.reading() as store:
            return store.scalar(select(func.count()).select_from(table)) or 0

    def address(self, ending: str = "") -> str:
        return f"/staff/referrals/{self.referral.id}/goals{ending}"


@pytest.fixture
def scene(app: Flask, stores: Stores) -> Scene:
    return Scene(app, stores)


def write(there: Visitor, **typed: Typed) -> Visitor:
    """Write a goal page by page, until it is kept or something stops it."""
    answers = {**TYPED, **typed}
    for _ in range(12):
        step = GOAL_SETTING.step(there.here.removeprefix("/goals/new").strip("/") or GOAL_SETTING.steps[0].slug)
        if not there.here.startswith("/goals/new") or step is None:
            break
        there.press("", to="", **{one.code: answers[one.code] for one in step.questions if one.code in answers})
        if there.status != 200:
            break
    return there


# Writing a goal ------------------------------------------------------------------------------------------------------


def test_a_goal_is_written_page_by_page_in_a_visit_for_that_task(scene: Scene) -> None:
    there = write(scene.comes().open("/goals/new"))
    assert there.here == "/goals/kept"
    (goal,) = scene.theirs()
    assert (goal.words, goal.need, goal.importance, goal.sure) == (TYPED["goal_words"], "loneliness", 8, 6)
    assert (goal.why, goal.first_step, goal.by_when) == ("I miss people.", "Ring the walking group.", "next week")
    (rating,) = scene.line(goal).ratings
    assert (rating.rating, rating.completed_by, rating.response_mode, rating.entered_by) == (2, "self", "web", None)
    assert scene.count(Draft) == 0


def test_only_the_words_and_the_need_are_asked_for_and_each_with_its_own_sentence(scene: Scene) -> None:
    there = scene.comes().open("/goals/new").press()
    assert there.status == 422
    assert there.errors == ["Write a few words about what you would like to be different"]
    there.press(goal_words="Sleep").press()
    assert there.errors == ["Choose what it has most to do with. “Something else” is fine"]
    there.press(goal_need="other")
    for slug in ("why-it-matters", "first-step", "today"):
        assert there.here == f"/goals/new/{slug}"
        there.press()
    assert there.here == "/goals/kept"
    (goal,) = scene.theirs()
    assert goal.absent == {"importance": "left-blank", "sure": "left-blank"}
    assert scene.line(goal).ratings[0].absent == "left-blank"


@pytest.mark.parametrize("typed", ["11", "-1", "ten", "5.0", "٥", "", " ", "2 3"], ids=repr)
def test_a_number_that_is_not_on_the_page_is_told_and_nothing_else_is_lost(scene: Scene, typed: str) -> None:
    there = write(scene.comes().open("/goals/new"), closeness=typed)
    if not typed.strip():
        assert there.here == "/goals/kept"
        return
    assert there.status == 422
    assert there.errors == ["Choose one of the answers on this page"]
    assert scene.theirs() == []
    write(there.press(closeness="0"))
    assert scene.line(scene.theirs()[0]).ratings[0].rating == 0


def test_a_doubled_field_is_told_kindly(scene: Scene) -> None:
    there = write(scene.comes().open("/goals/new"), closeness=["3", "4"])
    assert there.status == 422
    assert there.errors == ["Choose one answer only"]
    there = scene.comes().open("/goals/new").press(goal_words=["One", "Two"])
    assert there.errors == ["Choose one answer only"]


def test_every_continue_is_saved_and_back_leads_back(scene: Scene) -> None:
    there = scene.comes().open("/goals/new").press(goal_words=SECRET).press(goal_need="food")
    assert there.here == "/goals/new/why-it-matters"
    there.press("back", goal_why="Because.")
    assert there.here == "/goals/new/need"
    with scene.stores.reading() as store:
        answers = store.scalars(select(Draft)).one().answers
    assert answers["goal_why"] == "Because."
    assert there.fields()["goal_need"] == "food"
    there.open("/goals/new")
    assert there.page.heading == "A first step"


def test_a_page_whose_token_has_died_keeps_what_was_typed_and_keeps_nothing_yet(scene: Scene) -> None:
    there = scene.comes().open("/goals/new")
    fields = {**there.fields(), "goal_words": SECRET, "csrf_token": "old"}
    there.post("/goals/new/your-goal", fields)
    assert there.status == 400
    assert there.fields()["goal_words"] == SECRET
    assert scene.count(Draft) == 0
    assert there.press().here == "/goals/new/need"


def test_the_last_button_pressed_twice_makes_one_goal(scene: Scene) -> None:
    there = scene.comes().open("/goals/new")
    while there.here != "/goals/new/today":
        step = GOAL_SETTING.step(there.here.removeprefix("/goals/new/")) or GOAL_SETTING.steps[0]
        there.press("", to="", **{one.code: TYPED[one.code] for one in step.questions})
    fields, path = there.fields(), there.here
    fields["closeness"] = "2"
    for _ in range(3):
        there.post(path, fields)
        assert there.here == "/goals/kept"
    assert len(scene.theirs()) == 1
    assert scene.count(Draft) == 0


def test_a_page_that_is_not_reached_yet_leads_to_the_one_that_is_missing(scene: Scene) -> None:
    there = scene.comes().open("/goals/new/today")
    assert there.here == "/goals/new"
    assert there.page.heading == "What would you like to be different?"
    assert there.open("/goals/new/no-such-page").status == 404
    assert there.open("/goals/waiting").here == "/goals/new"


def test_no_need_is_proposed_to_whoever_may_not_see_what_was_said_before(scene: Scene) -> None:
    there = scene.comes().open("/goals/new").press(goal_words="Sleep")
    assert "goal_need" not in there.fields()
    there = scene.reads().open("/goals/new").press(goal_words="Sleep")
    assert there.fields()["goal_need"] == "loneliness"


def test_help_stands_on_the_page_of_words_and_leads_to_who_can_help_now(scene: Scene) -> None:
    there = scene.comes().open("/goals/new")
    assert "If you are not safe, see who can help right now" in there.words
    main = there.page.all("main")[0]
    assert [link.get("href") for link in main.iter("a")][0] == "/help-now"


def test_what_is_typed_is_kept_when_the_screen_clears_itself(scene: Scene) -> None:
    there = scene.comes().open("/goals/new").press("lock", goal_words=SECRET)
    assert there.here == "/your-page/locked"
    assert there.client.get_cookie(scene.app.config["VISIT_COOKIE"]) is None
    with scene.stores.reading() as store:
        assert store.scalars(select(Draft)).one().answers["goal_words"] == SECRET
    reader = scene.reads().open("/goals")
    assert SECRET in reader.words
    reader.press(to="/go-on")
    assert reader.here == "/goals/new"
    write(reader)
    assert scene.theirs()[0].words == SECRET


def test_saving_says_how_to_go_on(scene: Scene) -> None:
    there = scene.comes().open("/goals/new").press("save", goal_words=SECRET)
    assert there.here == "/goals/saved"
    assert there.open("/goals/new").page.heading == "What does it have most to do with?"
    reader = scene.reads().open("/goals/new").press("save", goal_words="Another")
    assert reader.here == "/goals"


# A visit for one task sees nothing that was there before -------------------------------------------------------------


def test_a_visit_for_one_task_sees_no_goal_no_need_and_no_name(scene: Scene) -> None:
    goal = scene.sets(SECRET)
    there = scene.comes()
    pages = ["/goals/new", "/goals/kept", "/goals/saved", "/goals/waiting"]
    for path in pages:
        there.open(path)
        assert there.status == 200
        assert SECRET not in there.words
        assert "Zofia" not in there.words
    write(there.open("/goals/new"))
    assert there.here == "/goals/kept"
    assert str(TYPED["goal_words"]) not in there.words
    for path in ("/goals", f"/goals/{goal.id}", f"/goals/{goal.id}/rate", f"/goals/{goal.id}/change/your-goal"):
        assert there.open(path).here == "/goals/new", path
    for path in ("/goals/go-on", f"/goals/{goal.id}/rate", f"/goals/{goal.id}/achieved"):
        assert there.client.post(path, data={}).status_code == 403, path


def test_the_goal_that_somebody_else_began_is_not_shown_in_a_new_visit(scene: Scene) -> None:
    scene.comes().open("/goals/new").press(goal_words=SECRET)
    again = scene.comes().open("/goals/new")
    assert SECRET not in again.response.get_data(as_text=True)
    assert again.page.heading == "What would you like to be different?"


@pytest.mark.parametrize("path", ["/goals", "/goals/new", "/goals/kept", "/goals/new/your-goal"])
def test_without_a_visit_there_is_nothing(scene: Scene, path: str) -> None:
    assert Visitor(scene.app).open(path).here == "/your-page"


def test_a_visit_for_a_check_in_writes_no_goal(scene: Scene) -> None:
    there = scene.comes("check-in")
    assert there.open("/goals/new").here == "/check-in"


# The fourth goal -----------------------------------------------------------------------------------------------------


def test_a_fourth_goal_is_told_why_it_waits_and_loses_nothing(scene: Scene) -> None:
    three = [scene.sets(f"Goal {number}") for number in range(MOST_ACTIVE)]
    there = write(scene.reads().open("/goals/new"))
    assert there.here == "/goals/waiting"
    assert THREE in there.words
    assert str(TYPED["goal_words"]) in there.words
    assert len(scene.theirs()) == 3
    assert there.press(to="/goals/waiting").here == "/goals/waiting"
    there.open("/goals")
    assert str(TYPED["goal_words"]) in there.words
    there.open(f"/goals/{three[0].id}").press(to="/set-aside")
    there.open("/goals/waiting")
    assert THREE not in there.words
    there.press(to="/goals/waiting")
    assert there.here == "/goals/kept"
    assert [goal.words for goal in scene.theirs() if goal.status == "active"] == [
        "Goal 1",
        "Goal 2",
        TYPED["goal_words"],
    ]


def test_a_visit_for_one_task_is_told_the_same_without_the_three(scene: Scene) -> None:
    for number in range(MOST_ACTIVE):
        scene.sets(f"Goal {number}")
    there = write(scene.comes().open("/goals/new"))
    assert there.here == "/goals/waiting"
    assert THREE in there.words
    assert "Goal 1" not in there.words
    assert "/goals" not in there.links().values()


def test_taking_up_a_fourth_is_refused_with_the_same_sentence(scene: Scene) -> None:
    aside = scene.sets("Aside")
    there = scene.reads().open(f"/goals/{aside.id}").press(to="/set-aside")
    for number in range(MOST_ACTIVE):
        scene.sets(f"Goal {number}")
    there.press(to="/taken-up-again")
    assert there.status == 422
    assert there.errors == [THREE]
    assert {goal.words for goal in scene.theirs() if goal.status == "on-hold"} == {"Aside"}
    there.open("/goals")
    assert "Write down a goal" not in there.words


# The person's own goals ----------------------------------------------------------------------------------------------


def test_the_page_shows_each_goal_with_its_own_line_and_no_mean(scene: Scene) -> None:
    first = scene.sets("To sleep", "2")
    scene.sets("To cook", "5")
    there = scene.reads()
    with clock.later(timedelta(minutes=5)):
        there.open(f"/goals/{first.id}/rate")
        assert there.page.heading == "How is it going?"
        assert "To sleep" in there.words
        there.press(closeness="7")
    assert there.here == f"/goals/{first.id}"
    there.open("/goals")
    assert there.page.heading == "Your goals"
    assert len(there.page.all("figure")) == 2
    assert "First answer: 2" in there.words
    assert "Now: 7" in there.words
    assert "One answer so far: 5" in there.words
    assert "mean change" not in there.words
    assert "T-score" not in there.words


@pytest.mark.parametrize("typed", ["11", "-1", "seven", "7.5"])
def test_a_bad_rating_is_told_and_nothing_is_kept(scene: Scene, typed: str) -> None:
    goal = scene.sets("To sleep")
    there = scene.reads().open(f"/goals/{goal.id}/rate").press(closeness=typed)
    assert there.status == 422
    assert there.errors == ["Choose one of the answers on this page"]
    there.press(closeness=["3", "4"])
    assert there.errors == ["Choose one answer only"]
    assert scene.count(GoalRating) == 1


@pytest.mark.parametrize(
    ("typed", "absent"), [("dont-know", "dont-know"), ("prefer-not-to-say", "prefer-not-to-say"), ("", "left-blank")]
)
def test_a_rating_may_be_skipped_and_how_is_kept(scene: Scene, typed: str, absent: str) -> None:
    goal = scene.sets("To sleep")
    scene.reads().open(f"/goals/{goal.id}/rate").press(closeness=typed)
    last = scene.line(goal).ratings[-1]
    assert (last.rating, last.absent) == (None, absent)


def test_a_part_of_a_goal_is_said_anew_and_the_old_words_stay(scene: Scene) -> None:
    goal = scene.sets("To sleep")
    there = scene.reads().open(f"/goals/{goal.id}")
    for step in REVISED:
        assert f"/goals/{goal.id}/change/{step.slug}" in [link.get("href") for link in there.page.all("a")]
    there.open(f"/goals/{goal.id}/change/your-goal")
    assert there.fields()["goal_words"] == "To sleep"
    there.press(goal_words="To sleep longer")
    assert there.here == f"/goals/{goal.id}"
    assert "To sleep longer" in there.words
    assert "What it said before" in there.words
    before = scene.line(goal).changes[-1].before
    assert before
    assert before["words"] == "To sleep"
    assert there.open(f"/goals/{goal.id}/change/today").status == 404


def test_a_goal_is_not_changed_into_nothing_and_not_by_a_forged_need(scene: Scene) -> None:
    goal = scene.sets("To sleep")
    there = scene.reads().open(f"/goals/{goal.id}/change/your-goal").press(goal_words="  ")
    assert there.status == 422
    there.open(f"/goals/{goal.id}/change/need").press(goal_need="everything")
    assert there.errors == ["Choose one of the answers on this page"]
    assert scene.count(GoalChange) == 1


def test_two_tabs_lose_nobodys_words(scene: Scene) -> None:
    goal = scene.sets("To sleep")
    there = scene.reads()
    one, other = Visitor(scene.app), Visitor(scene.app)
    one.client = other.client = there.client
    for tab in (one, other):
        tab.open(f"/goals/{goal.id}/change/your-goal")
    one.press(goal_words="From the first tab")
    other.press(goal_words="From the second tab")
    assert other.status == 409
    assert "Somebody changed this goal while you were writing" in other.words
    assert "From the first tab" in other.words
    assert other.fields()["goal_words"] == "From the second tab"
    assert scene.theirs()[0].words == "From the first tab"
    other.press()
    assert scene.theirs()[0].words == "From the second tab"
    said = [change.before["words"] for change in scene.line(goal).changes if change.before]
    assert said == ["To sleep", "From the first tab"]


@pytest.mark.parametrize("version", ["", "x", "-1", "99999999999999999999", "0", "٣"])
def test_a_forged_version_overwrites_nothing(scene: Scene, version: str) -> None:
    goal = scene.sets("To sleep")
    there = scene.reads().open(f"/goals/{goal.id}/change/your-goal").press(goal_words="Forged", version=version)
    assert there.status == 409
    assert scene.theirs()[0].words == "To sleep"


def test_a_goal_is_achieved_set_aside_and_taken_up_again_and_never_deleted(scene: Scene) -> None:
    goal = scene.sets("To sleep")
    there = scene.reads().open(f"/goals/{goal.id}")
    for what, status, words in (
        ("achieved", "completed", "Achieved"),
        ("taken-up-again", "active", "Working on it"),
        ("set-aside", "on-hold", "Set aside"),
    ):
        there.press(to=f"/{what}")
        assert there.here == f"/goals/{goal.id}"
        assert scene.theirs()[0].status == status
        assert words in there.words
    assert there.client.post(f"/goals/{goal.id}/deleted", data={}).status_code == 404
    assert [change.what for change in scene.line(goal).changes] == ["set", "achieved", "taken-up-again", "set-aside"]


def test_a_page_that_was_open_too_long_keeps_a_changed_word_and_a_rating(scene: Scene) -> None:
    goal = scene.sets("To sleep")
    there = scene.reads().open(f"/goals/{goal.id}/change/your-goal")
    there.post(there.here, {**there.fields(), "goal_words": "Anew", "csrf_token": "old"})
    assert (there.status, there.fields()["goal_words"]) == (400, "Anew")
    there.open(f"/goals/{goal.id}/rate")
    there.post(there.here, {"closeness": "9", "csrf_token": "old"})
    assert (there.status, there.fields()["closeness"]) == (400, "9")
    assert scene.count(GoalRating) == 1
    assert scene.theirs()[0].words == "To sleep"


def test_somebody_elses_goal_is_answered_like_one_that_there_is_not(scene: Scene) -> None:
    with scene.stores.writing() as store:
        store.expire_on_commit = False
        ola = somebody(store, scene.service, scene.worker.actor, email="ola@inbox.example", first_name="Ola")
        store.commit()
    goal = scene.sets(SECRET)
    there = scene.reads(ola).open("/goals")
    assert SECRET not in there.words
    token = scene.reads().open("/goals").press  # the token is Ola's own, from a page with a form
    del token
    there.open("/goals/new")
    csrf = there.token
    unknown = "00000000-0000-7000-8000-000000000000"
    for ending in ("", "/rate", "/change/your-goal"):
        answers = []
        for one in (str(goal.id), unknown):
            answer = there.client.get(f"/goals/{one}{ending}")
            assert answer.status_code == 404, ending
            answers.append(answer.get_data().replace(one.encode(), b"ID"))
        assert answers[0] == answers[1]
    for ending in ("/rate", "/change/your-goal", "/achieved", "/set-aside", "/taken-up-again"):
        for one in (str(goal.id), unknown):
            fields = {"csrf_token": csrf, "goal_words": "Mine", "closeness": "9", "version": "1"}
            assert there.client.post(f"/goals/{one}{ending}", data=fields).status_code == 404, ending
    assert (scene.count(GoalRating), scene.count(GoalChange)) == (1, 1)


# From the page that says that the form was sent ----------------------------------------------------------------------


def test_the_browser_that_sent_the_form_may_write_a_goal_at_once_and_sees_nothing_more(scene: Scene) -> None:
    there = Visitor(scene.app).already(first_name="Ewa", what_matters=SECRET)
    there.press()
    assert there.here == "/refer/sent"
    there.press(to="/goals/begin")
    assert there.here == "/goals/new"
    assert SECRET not in there.words
    write(there)
    assert there.here == "/goals/kept"
    with scene.stores.reading() as store:
        goal = store.scalars(select(Goal)).one()
        assert goal.words == TYPED["goal_words"]
        referral = store.scalars(select(Referral).order_by(Referral.id.desc())).first()
        assert referral
        assert (goal.person_id, goal.referral_id) == (referral.person_id, referral.id)
    assert there.open("/goals").here == "/goals/new"


def test_a_browser_that_sent_nothing_is_led_to_the_way_in(scene: Scene) -> None:
    there = Visitor(scene.app).open("/carry-on")
    there.post("/goals/begin", {"csrf_token": there.token})
    assert there.here == "/your-page"
    assert there.client.get_cookie(scene.app.config["VISIT_COOKIE"]) is None


# Staff, with the person ----------------------------------------------------------------------------------------------

STAFF_TYPED: dict[str, Typed] = {**TYPED, "completed_by": "supporter-reading", "response_mode": "phone"}


def test_a_worker_writes_a_goal_down_with_the_person_and_it_says_who_and_how(scene: Scene) -> None:
    there = scene.works().open(scene.address("/add"))
    assert there.fields()["goal_need"] == "loneliness"
    there.press("", to="", **STAFF_TYPED)
    assert there.here == scene.address()
    (goal,) = scene.theirs()
    (rating,) = scene.line(goal).ratings
    staff = scene.worker.actor.staff_id
    assert (goal.recorded_by, rating.entered_by) == (staff, staff)
    assert (rating.completed_by, rating.response_mode, rating.rating) == ("supporter-reading", "phone", 2)
    assert str(TYPED["goal_words"]) in there.words
    assert "Somebody read the question to them" in there.words


def test_a_worker_is_told_what_is_missing_and_loses_nothing(scene: Scene) -> None:
    there = scene.works().open(scene.address("/add")).press(goal_why="Only this")
    assert there.status == 422
    assert there.errors == ["Write it down in the person’s own words", "Choose who answered", "Choose how"]
    assert there.fields()["goal_why"] == "Only this"
    there.press("", to="", **{**STAFF_TYPED, "closeness": "11", "completed_by": "proxy", "response_mode": "web"})
    assert there.errors == ["Choose one", "Choose who answered", "Choose how"]
    assert scene.theirs() == []


def test_the_button_pressed_twice_writes_one_goal_and_two_pages_two(scene: Scene) -> None:
    there = scene.works().open(scene.address("/add"))
    fields = there.fields()
    for name, value in STAFF_TYPED.items():
        fields[name] = str(value)
    for _ in range(2):
        there.post(scene.address("/add"), fields)
        assert there.here == scene.address()
    assert len(scene.theirs()) == 1
    there.open(scene.address("/add")).press("", to="", **STAFF_TYPED)
    assert len(scene.theirs()) == 2


def test_a_fourth_goal_is_told_why_not_and_stays_on_the_workers_page(scene: Scene) -> None:
    for number in range(MOST_ACTIVE):
        scene.sets(f"Goal {number}")
    there = scene.works().open(scene.address("/add")).press("", to="", **STAFF_TYPED)
    assert there.status == 422
    assert there.errors == [THEIR_THREE]
    assert there.fields()["goal_words"] == TYPED["goal_words"]
    assert THEIR_THREE in there.open(scene.address()).words
    assert len(scene.theirs()) == 3


def test_a_worker_rates_changes_and_ends_it_as_the_person_says(scene: Scene) -> None:
    goal = scene.sets("To sleep", "1")
    there = scene.works().open(scene.address(f"/{goal.id}/rate"))
    there.press(closeness="6", completed_by="interpreter", response_mode="in-person")
    assert there.here == scene.address()
    assert "the change of the 1 active goal with two ratings is \u2066+5\u2069" in there.words
    assert "It was answered in another way than the time before." in there.words
    there.open(scene.address(f"/{goal.id}/change")).press(goal_words="To sleep longer", sure="9")
    assert "To sleep longer" in there.words
    there.open(scene.address(f"/{goal.id}/change"))
    assert "What it said before" in there.words
    there.open(scene.address()).press(to="/achieved")
    line = scene.line(goal)
    assert [change.what for change in line.changes] == ["set", "revised", "achieved"]
    assert line.changes[-1].changed_by == scene.worker.actor.staff_id
    assert line.ratings[-1].entered_by == scene.worker.actor.staff_id


def test_how_most_answers_came_about_is_said_once_and_the_others_beside_theirs(scene: Scene) -> None:
    goal = scene.sets("To sleep", "1")
    for minutes, how in enumerate(("in-person", "in-person", "phone"), 1):
        with clock.later(timedelta(minutes=minutes)):
            rating = {"closeness": "6", "completed_by": "interpreter", "response_mode": how}
            scene.works().open(scene.address(f"/{goal.id}/rate")).press("", to="", **rating)
    there = scene.works().open(scene.address())
    usual = "An interpreter helped; In person; English; Written down by a link worker."
    assert f"If the table says nothing else: {usual}" in there.words
    assert there.words.count(usual) == 1
    assert "An interpreter helped; By phone; English; Written down by a link worker." in there.words
    assert "They said it themselves; On the web; English." in there.words
    theirs = scene.reads().open(f"/goals/{goal.id}")
    assert "If the table says nothing else: Written down by a link worker." in theirs.words
    assert "You answered here." in theirs.words


def test_what_the_person_changed_meanwhile_is_not_overwritten_by_a_worker(scene: Scene) -> None:
    goal = scene.sets("To sleep")
    there = scene.works().open(scene.address(f"/{goal.id}/change"))
    scene.reads().open(f"/goals/{goal.id}/change/your-goal").press(goal_words="As I say it")
    there.press(goal_words="As the worker says it")
    assert there.status == 409
    assert "As I say it" in there.words
    assert there.fields()["goal_words"] == "As the worker says it"
    assert scene.theirs()[0].words == "As I say it"
    there.press()
    assert scene.theirs()[0].words == "As the worker says it"


def test_a_worker_takes_up_no_fourth_goal(scene: Scene) -> None:
    aside = scene.sets("Aside")
    there = scene.works().open(scene.address()).press(to="/set-aside")
    for number in range(MOST_ACTIVE):
        scene.sets(f"Goal {number}")
    there.press(to="/taken-up-again")
    assert there.status == 422
    assert THEIR_THREE in there.words
    assert scene.line(aside).goal.status == "on-hold"


def test_reading_somebodys_goals_is_written_down_and_the_words_are_not(scene: Scene) -> None:
    scene.sets(SECRET)
    before = scene.count(AuditEvent)
    scene.works().open(scene.address())
    assert scene.count(AuditEvent) > before
    with scene.stores.reading() as store:
        assert SECRET not in str([(event.act, event.details) for event in store.scalars(select(AuditEvent))])


def test_a_goal_of_another_person_is_not_there_under_this_referral(scene: Scene) -> None:
    with scene.stores.writing() as store:
        store.expire_on_commit = False
        ola = somebody(store, scene.service, scene.worker.actor, email="ola@inbox.example", first_name="Ola")
        store.commit()
    goal = scene.sets(SECRET, known=ola)
    there = scene.works()
    for ending in ("/rate", "/change", "/scale"):
        assert there.open(scene.address(f"/{goal.id}{ending}")).status == 404


# Goal attainment scaling ---------------------------------------------------------------------------------------------

LEVELS = {name: f"Text of {name}" for name in ("much_less", "less", "expected", "more", "much_more")}


def trains(scene: Scene, *, gas: bool = True, trained: bool = True) -> None:
    with scene.stores.writing.begin() as store:
        boss = staff_member(store, scene.service, Role.ADMINISTRATOR).actor
        if trained:
            accounts.set_trained_in_gas(store, boss, scene.worker.actor.staff_id, True)
        if gas:
            measures.turn_on(store, scene.manager.actor, "gas")


def test_a_trained_worker_scales_a_goal_and_staff_see_the_score_with_its_source(scene: Scene) -> None:
    trains(scene)
    goal = scene.sets("To sleep")
    there = scene.works().open(scene.address(f"/{goal.id}/scale"))
    there.press(to="/scale", **LEVELS, weight="2", baseline="-1")
    assert there.here == scene.address(f"/{goal.id}/scale")
    there.press(to="/level", level="1")
    assert there.here == scene.address()
    assert "T-score at the start 40.00, now 60.00" in there.words
    assert "Kiresuk and Sherman" in there.words
    person = scene.reads()
    for path in ("/goals", f"/goals/{goal.id}"):
        person.open(path)
        assert "T-score" not in person.words
        assert "Text of" not in person.words


def test_a_goal_without_a_level_has_no_score(scene: Scene) -> None:
    trains(scene)
    goal = scene.sets("To sleep")
    there = scene.works().open(scene.address(f"/{goal.id}/scale"))
    there.press(to="/scale", **LEVELS, weight="2", baseline="-1")
    there.open(scene.address())
    assert "now none, because a goal has no level" in there.words


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ({"weight": "5"}, "Choose a weight from 1 to 4"),
        ({"weight": "0"}, "Choose a weight from 1 to 4"),
        ({"weight": ""}, "Choose a weight from 1 to 4"),
        ({"baseline": "0"}, "Choose −2 or −1"),
        ({"less": " "}, "Write what this level would look like"),
        ({"less": "x" * 501}, "Use 500 characters or fewer"),
    ],
)
def test_a_bad_scaling_is_told_and_what_was_typed_stays(scene: Scene, typed: dict[str, str], error: str) -> None:
    trains(scene)
    goal = scene.sets("To sleep")
    there = scene.works().open(scene.address(f"/{goal.id}/scale"))
    there.press("", to="/scale", **{**LEVELS, "weight": "2", "baseline": "-1", **typed})
    assert there.status == 422
    assert there.errors == [error]
    assert there.fields("/scale")["more"] == "Text of more"
    assert scene.count(GoalAttainment) == 0


@pytest.mark.parametrize("level", ["3", "-3", "", "x"])
def test_a_bad_level_is_told(scene: Scene, level: str) -> None:
    trains(scene)
    goal = scene.sets("To sleep")
    there = scene.works().open(scene.address(f"/{goal.id}/scale"))
    there.press(to="/scale", **LEVELS, weight="2", baseline="-1").press(to="/level", level=level)
    assert there.status == 422
    assert there.errors == ["Choose one of the five levels"]
    assert LEVELS["more"] in there.words


def test_a_level_before_the_five_texts_is_told(scene: Scene) -> None:
    trains(scene)
    goal = scene.sets("To sleep")
    there = scene.works().open(scene.address(f"/{goal.id}/scale"))
    there.post(scene.address(f"/{goal.id}/level"), {"csrf_token": there.token, "level": "1"})
    assert (there.status, there.errors) == (422, ["Write the five levels first"])


@pytest.mark.parametrize(
    ("gas", "trained", "told"),
    [
        (False, True, "Your service has not turned on goal attainment scaling"),
        (True, False, "This is for workers who are trained in it"),
    ],
)
def test_scaling_is_refused_to_whoever_is_not_trained_and_where_it_is_off(
    scene: Scene, gas: bool, trained: bool, told: str
) -> None:
    trains(scene, gas=gas, trained=trained)
    goal = scene.sets("To sleep")
    there = scene.works().open(scene.address(f"/{goal.id}/scale"))
    assert told in there.words
    assert "Keep the five levels" not in there.words
    there.press(to="/scale", **LEVELS, weight="2", baseline="-1")
    assert there.status == 403
    assert there.fields("/scale")["more"] == "Text of more"
    there.post(scene.address(f"/{goal.id}/level"), {"csrf_token": there.fields("/scale")["csrf_token"], "level": "1"})
    assert there.status == 403
    assert scene.count(GoalAttainment) == 0


def test_an_administrator_notes_who_is_trained(scene: Scene) -> None:
    with scene.stores.writing() as store:
        boss = staff_member(store, scene.service, Role.ADMINISTRATOR)
        store.commit()
    there = scene.works(boss).open(f"/staff/team/{scene.worker.actor.staff_id}")
    assert "This person is not noted as trained" in there.words
    there.press(to="/training")
    assert "The training is noted." in there.words
    assert "This person is trained in goal attainment scaling and may use it." in there.words
    there.press(to="/training")
    assert "This person is not noted as trained" in there.words


# In every language ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["cy", "pl", "ur"])
def test_every_page_of_goals_is_whole_in_every_language(scene: Scene, language: str) -> None:
    goal = scene.sets("میں روز چلنا چاہتی ہوں")
    there = scene.reads(prefix=f"/{language}")
    for path in (
        "/goals",
        "/goals/new",
        "/goals/kept",
        "/goals/saved",
        f"/goals/{goal.id}",
        f"/goals/{goal.id}/rate",
        *(f"/goals/{goal.id}/change/{step.slug}" for step in REVISED),
    ):
        assert there.open(path).status == 200, path
    assert there.page.all("html")[0].get("dir") == ("rtl" if language == "ur" else "ltr")


def test_no_address_of_a_goal_holds_an_id_of_a_person(scene: Scene) -> None:
    goal = scene.sets("To sleep")
    there = scene.reads()
    for path in ("/goals", f"/goals/{goal.id}"):
        there.open(path)
        ids = set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", there.response.get_data(as_text=True)))
        assert ids <= {str(goal.id)}


@pytest.mark.both_databases
def test_two_browsers_that_finish_at_once_make_one_goal_too_few_and_none_too_many(scene: Scene) -> None:
    from concurrent.futures import ThreadPoolExecutor

    for number in range(MOST_ACTIVE - 1):
        scene.sets(f"Goal {number}")
    browsers = [scene.comes() for _ in range(3)]
    for there in browsers:
        there.open("/goals/new")
        while there.here != "/goals/new/today":
            step = GOAL_SETTING.step(there.here.removeprefix("/goals/new/")) or GOAL_SETTING.steps[0]
            there.press("", to="", **{one.code: TYPED[one.code] for one in step.questions})

    def finish(there: Visitor) -> str:
        return there.press(closeness="4").here

    with ThreadPoolExecutor(3) as pool:
        arrived = sorted(pool.map(finish, browsers))
    assert arrived == ["/goals/kept", "/goals/waiting", "/goals/waiting"]
    assert len([goal for goal in scene.theirs() if goal.status == "active"]) == MOST_ACTIVE
