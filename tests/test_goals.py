"""Goals: set in one's own words, rated by oneself, revised, achieved, set aside, taken up again and never deleted; goal
attainment scaling for trained workers. On both databases.
"""

import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import accounts, audit, clock, feedback, goals, measures, people
from portal.access import Actor, Refused, Role
from portal.instruments import Mode, Unlike, catalogue
from portal.instruments.files import DATA
from portal.journeys import ABSENCES, NOT_ASKED
from portal.journeys.goal_setting import GOAL_SETTING, REVISED
from portal.journeys.self_referral import NEEDS
from portal.store import (
    Draft,
    Goal,
    GoalAttainment,
    GoalChange,
    GoalLevel,
    GoalRating,
    Service,
    Stores,
)
from tests.world import a_referral, a_service, staff_member

TYPED: Mapping[str, object] = MappingProxyType(
    {
        "goal_words": "Wyjść z domu, choćby raz w tygodniu ☀️",
        "goal_need": "loneliness",
        "importance": "8",
        "goal_why": "I miss people.",
        "first_step": "Ring the walking group.",
        "by_when": "next week",
        "sure": "6",
        "closeness": "2",
    }
)
GIVEN_UP = [absence for absence in ABSENCES if absence != NOT_ASKED]


def read(**typed: object) -> dict[str, object]:
    """What was typed, as the pages read it."""
    answers: dict[str, object] = {}
    for step in GOAL_SETTING.steps:
        said, problems = step.read({**TYPED, **typed})
        assert not problems
        answers.update(said)
    return answers


class Person:
    """Somebody with a referral, and the goals of theirs."""

    def __init__(self, store: Session, service: Service) -> None:
        self.store, self.service = store, service
        self.referral = a_referral(store, service)
        self.id = self.referral.person_id

    def sets(self, actor: Actor | None = None, **typed: object) -> Goal:
        return goals.set_goal(self.store, self.service, self.id, self.referral.id, read(**typed), "en", actor)

    def rates(self, goal: Goal, rating: int | None, absent: str | None = None, **how: Any) -> GoalRating:
        return goals.rate(self.store, self.service, goal.id, self.id, rating, absent, **{"language": "en", **how})

    def lines(self) -> list[goals.GoalLine]:
        return goals.of_person(self.store, self.service.id, self.id)

    def line(self, goal: Goal) -> goals.GoalLine:
        return goals.one_of(self.store, self.service.id, self.id, goal.id)

    def acts(self, what: str, goal: Goal, actor: Actor | None = None) -> Goal:
        return goals.become(self.store, self.service.id, self.id, goal.id, what, actor)

    def revises(self, goal: Goal, version: int = 0, actor: Actor | None = None, **typed: object) -> Goal:
        return goals.revise(
            self.store,
            self.service.id,
            self.id,
            goal.id,
            read(**typed),
            version=version or goal.version,
            language="en",
            actor=actor,
        )


@pytest.fixture
def here(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def zofia(store: Session, here: Service) -> Person:
    return Person(store, here)


# What is kept --------------------------------------------------------------------------------------------------------


def test_a_goal_is_kept_as_it_was_said_with_its_first_rating(store: Session, zofia: Person) -> None:
    goal = zofia.sets()
    store.expire_all()
    (line,) = zofia.lines()
    assert line.goal.id == goal.id
    assert (goal.words, goal.language, goal.need) == (TYPED["goal_words"], "en", "loneliness")
    assert (goal.importance, goal.why, goal.first_step) == (8, "I miss people.", "Ring the walking group.")
    assert (goal.by_when, goal.sure, goal.status, goal.recorded_by) == ("next week", 6, "active", None)
    assert [one.what for one in line.changes] == ["set"]
    (rating,) = line.ratings
    assert (rating.rating, rating.absent, rating.completed_by, rating.response_mode) == (2, None, "self", "web")
    assert (line.first, line.latest, line.change) == (rating, None, None)


@pytest.mark.sweep
@pytest.mark.parametrize("absence", GIVEN_UP)
@pytest.mark.parametrize("code", ["importance", "sure", "closeness"])
def test_a_number_that_was_not_given_says_how(zofia: Person, code: str, absence: str) -> None:
    goal = zofia.sets(None, **{code: None if absence == "left-blank" else absence})
    (rating,) = zofia.line(goal).ratings
    if code == "closeness":
        assert (rating.rating, rating.absent) == (None, absence)
        assert zofia.line(goal).first is None
    else:
        assert getattr(goal, code) is None
        assert goal.absent == {code: absence}
        assert goals.answers_of(goal)[code] == absence


def test_only_the_words_and_the_need_must_be_given(zofia: Person) -> None:
    blank = dict.fromkeys(TYPED)
    goal = zofia.sets(None, **{**blank, "goal_words": "Sleep", "goal_need": "other"})
    assert (goal.why, goal.first_step, goal.by_when) == (None, None, None)
    assert goal.absent == {"importance": "left-blank", "sure": "left-blank"}
    assert {one.code for one in GOAL_SETTING.questions if one.required} == {"goal_words", "goal_need"}


@pytest.mark.parametrize("code", ["goal_words", "goal_need"])
def test_a_goal_without_words_or_need_is_not_set(zofia: Person, code: str) -> None:
    answers = read()
    del answers[code]
    with pytest.raises(goals.Unfinished):
        goals.set_goal(zofia.store, zofia.service, zofia.id, zofia.referral.id, answers, "en")
    assert zofia.lines() == []


@given(words=st.text(min_size=1, max_size=60), when=st.text(max_size=40))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_what_was_said_comes_back_as_it_was_read(store: Session, zofia: Person, words: str, when: str) -> None:
    step = GOAL_SETTING.steps[0]
    said, problems = step.read({"goal_words": words})
    if problems:
        return
    with store.begin_nested() as nested:
        answers = {**read(), **said}
        goal = goals.set_goal(store, zofia.service, zofia.id, zofia.referral.id, answers, "ur")
        store.expire(goal)
        assert (goal.words, goal.language) == (said["goal_words"], "ur")
        nested.rollback()


def test_the_needs_are_those_of_the_referral_and_the_last_page_is_the_scale_of_the_catalogue() -> None:
    assert GOAL_SETTING.question("goal_need").choices is NEEDS
    question, scale = GOAL_SETTING.question("closeness"), catalogue()["goals"]
    assert question.label == scale.wordings["en"].items["goal_rating"]
    assert [choice.code for choice in question.choices] == [str(number) for number in range(11)]
    assert {choice.code: choice.hint for choice in question.choices if choice.hint} == dict(
        scale.wordings["en"].options[scale.item_by_code["goal_rating"].option_set]
    )
    for code in ("importance", "sure"):
        assert [choice.code for choice in GOAL_SETTING.question(code).choices] == [str(n) for n in range(1, 11)]
    assert [step.slug for step in REVISED] == [step.slug for step in GOAL_SETTING.steps][:-1]


def test_the_translators_are_given_our_own_words_from_the_scale_s_file_and_nobody_else_s() -> None:
    from tools.catalogues import gathered, own_words

    words = catalogue()["goals"].wordings["en"]
    ours = {*words.items.values(), *(label for labels in words.options.values() for label in labels.values())}
    given = {message.id for message in gathered() if any("toml" in place for place, _ in message.locations)}
    assert given == ours
    for key in ("ons4", "gad7"):
        with (DATA / f"{key}.toml").open("rb") as file:
            assert list(own_words(file, ["N_"], [], {})) == []


# At most three -------------------------------------------------------------------------------------------------------


def test_a_fourth_active_goal_is_refused_until_one_has_ended(zofia: Person) -> None:
    first, *_ = [zofia.sets(goal_words=f"Goal {number}") for number in range(3)]
    assert not goals.may_set_another(zofia.store, zofia.service.id, zofia.id)
    with pytest.raises(goals.TooMany):
        zofia.sets(goal_words="Goal 4")
    zofia.acts("achieved", first)
    fourth = zofia.sets(goal_words="Goal 4")
    with pytest.raises(goals.TooMany):
        zofia.acts("taken-up-again", first)
    zofia.acts("set-aside", fourth)
    assert zofia.acts("taken-up-again", first).status == "active"


def test_three_is_what_the_scale_takes() -> None:
    assert goals.MOST_ACTIVE == catalogue()["goals"].repeats == 3


def test_somebody_else_s_goals_are_not_counted(store: Session, here: Service, zofia: Person) -> None:
    for _ in range(3):
        zofia.sets()
    assert Person(store, here).sets().status == "active"


def test_two_browsers_at_once_make_three_goals_and_not_four(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = a_service(store)
        zofia = Person(store, service)
        zofia.sets()
        zofia.sets()
        service_id, person_id, referral_id = service.id, zofia.id, zofia.referral.id
    refused: list[str] = []
    together = threading.Barrier(3)

    def set_one(number: int) -> None:
        with stores.writing() as store:
            together.wait()
            service = store.get_one(Service, service_id)
            try:
                words = read(goal_words=f"From browser {number}")
                goals.set_goal(store, service, person_id, referral_id, words, "en")
                store.commit()
            except goals.TooMany:
                refused.append("refused")

    browsers = [threading.Thread(target=set_one, args=(number,)) for number in range(3)]
    for browser in browsers:
        browser.start()
    for browser in browsers:
        browser.join()
    with stores.reading() as store:
        assert len(goals.active_of(store, service_id, person_id)) == 3
    assert refused == ["refused", "refused"]


# Ratings -------------------------------------------------------------------------------------------------------------

BAD_RATINGS: list[Any] = [11, -1, 10**20, 2.0, True, "5", None]


@pytest.mark.sweep
@pytest.mark.parametrize("rating", BAD_RATINGS, ids=repr)
def test_a_number_that_the_scale_does_not_offer_is_no_rating(zofia: Person, rating: Any) -> None:
    goal = zofia.sets()
    with pytest.raises(goals.NotARating):
        zofia.rates(goal, rating)
    assert len(zofia.line(goal).ratings) == 1


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("rating", "absent", "how"),
    [
        (3, "dont-know", {}),
        (None, "not-asked", {}),
        (None, "whatever", {}),
        (3, None, {"completed_by": "proxy"}),
        (3, None, {"completed_by": "worker"}),
        (3, None, {"response_mode": "fax"}),
    ],
)
def test_a_rating_is_a_number_or_an_absence_and_the_persons_own(
    zofia: Person, rating: int | None, absent: str | None, how: dict[str, str]
) -> None:
    goal = zofia.sets()
    with pytest.raises(goals.NotARating):
        zofia.rates(goal, rating, absent, **how)


def test_who_may_say_it_and_how_are_the_codes_of_every_other_answer() -> None:
    assert {*goals.BY_THEMSELVES, "proxy"} == set(feedback.COMPLETED_BY)
    assert set(goals.MODES) == set(feedback.RESPONSE_MODES)
    assert not catalogue()["goals"].proxy


@given(said=st.lists(st.one_of(st.integers(0, 10), st.sampled_from(GIVEN_UP)), max_size=12))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_a_goals_line_is_what_was_said_in_the_order_it_was_said(
    store: Session, zofia: Person, said: list[int | str]
) -> None:
    with store.begin_nested() as nested:
        goal = zofia.sets()
        for days, one in enumerate(said, 1):
            with clock.later(timedelta(days=days)):
                number, absent = (one, None) if isinstance(one, int) else (None, one)
                zofia.rates(goal, number, absent)
        store.expire_all()
        line = zofia.line(goal)
        assert [one.absent if one.rating is None else one.rating for one in line.ratings] == [2, *said]
        numbers = [2, *(one for one in said if isinstance(one, int))]
        assert [one.rating for one in line.points] == numbers
        assert line.change == (numbers[-1] - 2 if len(numbers) > 1 else None)
        nested.rollback()


def test_a_button_pressed_twice_adds_one_rating_and_two_days_add_two(zofia: Person) -> None:
    goal = zofia.sets()
    with clock.later(timedelta(days=1)):
        assert zofia.rates(goal, 4).id == zofia.rates(goal, 4).id
        zofia.rates(goal, 5)
    with clock.later(timedelta(days=2)):
        zofia.rates(goal, 5)
    assert [one.rating for one in zofia.line(goal).ratings] == [2, 4, 5, 5]


def test_of_one_check_in_the_last_rating_counts_and_the_others_stay(store: Session, zofia: Person) -> None:
    goal = zofia.sets()
    (check_in, *_) = measures.of_person(store, zofia.service.id, zofia.id)
    for days, rating in ((1, 3), (2, 7)):
        with clock.later(timedelta(days=days)):
            zofia.rates(goal, rating, check_in_id=check_in.id)
    line = zofia.line(goal)
    assert [one.rating for one in line.ratings] == [2, 3, 7]
    assert [one.rating for one in line.points] == [2, 7]
    assert goals.rated_in(store, zofia.service.id, check_in.id)[goal.id].rating == 7


def test_a_goal_that_was_set_aside_still_takes_what_is_said_of_it(zofia: Person) -> None:
    goal = zofia.sets()
    zofia.acts("set-aside", goal)
    with clock.later(timedelta(days=1)):
        zofia.rates(goal, 5)
    assert zofia.line(goal).change == 3


@pytest.mark.parametrize(
    ("first", "latest", "changes", "mean"),
    [
        ([2, 4, 0], [6, 4, 3], (4, 0, 3), Decimal("2.3333")),
        ([3, 5, None], [6, None, 7], (3, None, None), Decimal("3.0000")),
        ([None, None, None], [None, None, None], (None, None, None), None),
        ([10], [0], (-10,), Decimal("-10.0000")),
    ],
)
def test_the_vectors_of_the_reference_hold_for_what_was_stored(
    zofia: Person,
    first: list[int | None],
    latest: list[int | None],
    changes: tuple[int | None, ...],
    mean: Decimal | None,
) -> None:
    made = [zofia.sets(closeness=None if one is None else str(one)) for one in first]
    with clock.later(timedelta(days=84)):
        for goal, now in zip(made, latest, strict=True):
            zofia.rates(goal, now, "left-blank" if now is None else None)
    moved = goals.mean_of([zofia.line(goal) for goal in made])
    assert (moved.changes, moved.mean) == (changes, mean)
    assert moved.complete_goals == len([one for one in changes if one is not None])
    assert tuple(zofia.line(goal).change for goal in made) == changes


def test_more_goals_than_the_scale_takes_have_lines_and_no_mean(zofia: Person) -> None:
    made = []
    for _ in range(4):
        made.append(zofia.sets())
        zofia.acts("achieved", made[-1])
    with clock.later(timedelta(days=1)):
        zofia.rates(made[0], 6)
    moved = goals.mean_of(zofia.lines())
    assert moved.mean is None
    assert sorted(moved.changes, key=str) == [4, None, None, None]


def test_another_language_or_another_way_of_answering_is_said(zofia: Person) -> None:
    alike, language, way = zofia.sets(), zofia.sets(), zofia.sets()
    with clock.later(timedelta(days=1)):
        zofia.rates(alike, 5, response_mode="paper")
        zofia.rates(language, 5, language="ur")
        zofia.rates(way, 5, completed_by="interpreter", response_mode="phone")
    assert zofia.line(alike).unlike == frozenset()
    assert zofia.line(language).unlike == {Unlike.WORDING}
    assert zofia.line(way).unlike == {Unlike.MODE}


@pytest.mark.parametrize(
    ("by", "how", "mode"),
    [
        ("self", "web", Mode.SELF),
        ("self", "in-person", Mode.SELF),
        ("self", "phone", Mode.TELEPHONE),
        ("supporter-reading", "web", Mode.ASSISTED),
        ("interpreter", "phone", Mode.INTERPRETER),
    ],
)
def test_how_an_answer_came_about_is_compared_by_its_mode(by: str, how: str, mode: Mode) -> None:
    assert goals.mode_of(by, how) is mode


# Changing, ending, never deleting ------------------------------------------------------------------------------------


def test_what_a_goal_said_before_is_kept(zofia: Person) -> None:
    goal = zofia.sets(sure=None)
    zofia.revises(goal, goal_words="Wyjść dwa razy", sure="9", sure_why="no such question")
    assert (goal.words, goal.sure, goal.absent) == ("Wyjść dwa razy", 9, {})
    change = zofia.line(goal).changes[-1]
    assert change.what == "revised"
    assert change.before == {
        "words": TYPED["goal_words"],
        "language": "en",
        "sure": None,
        "absent": {"sure": "left-blank"},
    }


def test_saying_the_same_again_is_no_change(zofia: Person) -> None:
    goal = zofia.sets()
    version = goal.version
    zofia.revises(goal)
    assert goal.version == version
    assert [one.what for one in zofia.line(goal).changes] == ["set"]


def test_whoever_changes_an_older_goal_is_told_and_overwrites_nothing(zofia: Person) -> None:
    goal = zofia.sets()
    seen = goal.version
    zofia.revises(goal, seen, goal_words="The first tab")
    with pytest.raises(goals.Changed) as changed:
        zofia.revises(goal, seen, goal_words="The second tab")
    assert changed.value.goal.words == "The first tab"
    zofia.revises(goal, goal.version, goal_words="The second tab")
    said = [one.before["words"] for one in zofia.line(goal).changes if one.before]
    assert [*said, goal.words] == [TYPED["goal_words"], "The first tab", "The second tab"]


def test_a_goal_is_not_changed_into_nothing(zofia: Person) -> None:
    goal = zofia.sets()
    answers = {**read(), "goal_words": None}
    with pytest.raises(goals.Unfinished, match="your-goal"):
        goals.revise(zofia.store, zofia.service.id, zofia.id, goal.id, answers, version=goal.version, language="en")


@pytest.mark.parametrize("what", ["achieved", "set-aside"])
def test_ended_twice_it_has_ended_once_and_taken_up_again_it_goes_on(zofia: Person, what: str) -> None:
    goal = zofia.sets()
    zofia.acts(what, goal)
    ended = goal.ended_at
    assert ended is not None
    zofia.acts(what, goal)
    assert goal.ended_at == ended
    again = zofia.acts("taken-up-again", goal)
    assert again.status == "active"
    assert again.ended_at is None
    assert [one.what for one in zofia.line(goal).changes] == ["set", what, "taken-up-again"]


def test_the_three_ways_are_named_as_people_name_them(zofia: Person) -> None:
    goal = zofia.sets()
    where = (zofia.store, zofia.service.id, zofia.id, goal.id)
    assert goals.become(*where, goals.PUT_ASIDE).status == "on-hold"
    assert goals.become(*where, goals.TAKE_UP).status == "active"
    assert goals.become(*where, goals.ACHIEVE).status == "completed"


ACTS = st.sampled_from(["set", "achieved", "set-aside", "taken-up-again", "revise", "rate"])


@given(acts=st.lists(st.tuples(ACTS, st.integers(0, 5)), max_size=15))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
def test_whatever_is_done_nothing_is_ever_deleted_and_three_are_active(
    store: Session, zofia: Person, acts: list[tuple[str, int]]
) -> None:
    with store.begin_nested() as nested:
        said: set[object] = set()
        rows = 0
        for number, (act, which) in enumerate(acts):
            lines = zofia.lines()
            try:
                if act == "set" or not lines:
                    zofia.sets(goal_words=f"Goal {number}")
                    said.add(f"Goal {number}")
                elif act == "revise":
                    zofia.revises(lines[which % len(lines)].goal, goal_words=f"Changed {number}")
                    said.add(f"Changed {number}")
                elif act == "rate":
                    zofia.rates(lines[which % len(lines)].goal, which)
                else:
                    zofia.acts(act, lines[which % len(lines)].goal)
            except goals.TooMany:
                assert len(goals.active_of(store, zofia.service.id, zofia.id)) == 3
            tables = (Goal, GoalChange, GoalRating)
            counted = sum(store.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
            assert counted >= rows
            rows = counted
        assert len(goals.active_of(store, zofia.service.id, zofia.id)) <= 3
        kept = {line.goal.words for line in zofia.lines()} | {
            change.before["words"] for line in zofia.lines() for change in line.changes if change.before
        }
        assert kept == said
        nested.rollback()


def test_goals_come_active_first_then_set_aside_then_achieved(zofia: Person) -> None:
    made = [zofia.sets(goal_words=f"Goal {number}") for number in range(3)]
    zofia.acts("achieved", made[0])
    zofia.acts("set-aside", made[1])
    made.append(zofia.sets(goal_words="Goal 3"))
    assert [line.goal.words for line in zofia.lines()] == ["Goal 2", "Goal 3", "Goal 1", "Goal 0"]


def test_two_records_that_became_one_keep_all_goals_and_give_them_back(store: Session, here: Service) -> None:
    manager = staff_member(store, here, Role.MANAGER).actor
    one, other = Person(store, here), Person(store, here)
    for person in (one, other):
        for number in range(2):
            person.sets(goal_words=f"Goal {number}")
    done = people.merge(store, manager, one.id, other.id)
    assert len(one.lines()) == 4
    assert len(goals.active_of(store, here.id, one.id)) == 4
    assert not goals.may_set_another(store, here.id, one.id)
    assert goals.mean_of(one.lines()).mean is None
    people.undo_merge(store, manager, done.id)
    assert (len(one.lines()), len(other.lines())) == (2, 2)


# Whose goals ---------------------------------------------------------------------------------------------------------


def test_somebody_elses_goal_is_not_there(store: Session, here: Service, zofia: Person) -> None:
    goal = zofia.sets()
    ola = Person(store, here)
    for act in (
        lambda: ola.rates(goal, 5),
        lambda: ola.revises(goal, goal_words="Mine"),
        lambda: ola.acts("achieved", goal),
        lambda: ola.line(goal),
    ):
        with pytest.raises(goals.Gone):
            act()
    assert (goal.words, goal.status) == (TYPED["goal_words"], "active")


def test_a_goal_belongs_to_a_referral_of_the_same_person(store: Session, here: Service, zofia: Person) -> None:
    ola = Person(store, here)
    with pytest.raises(goals.Gone):
        goals.set_goal(store, here, zofia.id, ola.referral.id, read(), "en")


def test_another_services_person_is_nobody(store: Session, zofia: Person) -> None:
    there = a_service(store, "there")
    with pytest.raises(goals.Gone):
        goals.set_goal(store, there, zofia.id, zofia.referral.id, read(), "en")
    assert goals.of_person(store, there.id, zofia.id) == []


# Staff, on the person's behalf ---------------------------------------------------------------------------------------


def test_a_worker_may_write_for_the_person_and_it_says_so(store: Session, here: Service, zofia: Person) -> None:
    worker = staff_member(store, here).actor
    goal = goals.set_goal(
        store,
        here,
        zofia.id,
        zofia.referral.id,
        read(),
        "en",
        worker,
        completed_by="interpreter",
        response_mode="phone",
    )
    with clock.later(timedelta(days=1)):
        zofia.rates(goal, 6, completed_by="supporter-reading", response_mode="in-person", entered_by=worker)
    zofia.revises(goal, actor=worker, goal_words="Anew")
    zofia.acts("achieved", goal, worker)
    line = zofia.line(goal)
    assert goal.recorded_by == worker.staff_id
    assert {one.entered_by for one in line.ratings} == {one.changed_by for one in line.changes} == {worker.staff_id}
    assert [(one.completed_by, one.response_mode) for one in line.ratings] == [
        ("interpreter", "phone"),
        ("supporter-reading", "in-person"),
    ]


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.ANALYST])
def test_whoever_does_not_care_for_people_writes_no_goals(
    store: Session, here: Service, zofia: Person, role: Role
) -> None:
    goal = zofia.sets()
    actor = staff_member(store, here, role).actor
    for act in (
        lambda: zofia.sets(actor),
        lambda: zofia.rates(goal, 5, entered_by=actor),
        lambda: zofia.revises(goal, actor=actor, goal_words="x"),
        lambda: zofia.acts("achieved", goal, actor),
        lambda: goals.scale(store, actor, goal.id, 1, -1, LEVELS),
        lambda: goals.level(store, actor, goal.id, 1),
    ):
        with pytest.raises(Refused):
            act()


def test_everything_that_happens_to_a_goal_is_written_down_without_its_words(
    store: Session, here: Service, zofia: Person
) -> None:
    worker = staff_member(store, here).actor
    goal = zofia.sets()
    zofia.rates(goal, 5)
    zofia.revises(goal, goal_words="Something secret", actor=worker)
    for what in ("achieved", "taken-up-again", "set-aside"):
        zofia.acts(what, goal)
    events = audit.history_of(store, here.id, goal.id)
    assert [event.act for event in events] == [
        "set a goal",
        "rated a goal",
        "revised a goal",
        "noted a goal as achieved",
        "took a goal up again",
        "set a goal aside",
    ]
    assert [event.actor_kind for event in events] == ["person", "person", "staff", "person", "person", "person"]
    assert all("secret" not in str(event.details) and not event.details for event in events)


# A goal in progress --------------------------------------------------------------------------------------------------


def filled(store: Session, zofia: Person, key: str, until: int = 9, **typed: object) -> Draft:
    draft = goals.begin(store, zofia.service, zofia.referral.id, "en", key)
    for step in GOAL_SETTING.steps[:until]:
        raw = {one.code: {**TYPED, **typed}.get(one.code) for one in step.questions}
        goals.keep(store, zofia.service, draft, step, raw, "en")
    return draft


def test_a_goal_that_was_written_page_by_page_becomes_one_goal_however_often_it_is_sent(
    store: Session, zofia: Person
) -> None:
    draft = filled(store, zofia, "one visit")
    goal = goals.finish(store, zofia.service, draft, zofia.id)
    assert goal.id == draft.id
    assert goals.draft_of(store, zofia.service.id, "one visit") is None
    again = goals.set_goal(store, zofia.service, zofia.id, zofia.referral.id, draft.answers, "en", goal_id=draft.id)
    assert again.id == goal.id
    assert len(zofia.lines()) == 1


def test_what_cannot_be_read_is_kept_as_typed_and_holds_the_goal_back(store: Session, zofia: Person) -> None:
    draft = filled(store, zofia, "one visit", closeness="11")
    assert draft.typed == {"today": {"closeness": "11"}}
    gap = goals.gap_of(draft)
    assert gap
    assert gap.slug == "today"
    with pytest.raises(goals.Unfinished, match="today"):
        goals.finish(store, zofia.service, draft, zofia.id)


def test_the_fourth_goal_stays_where_it_was_typed(store: Session, zofia: Person) -> None:
    goal, *_ = [zofia.sets() for _ in range(3)]
    draft = filled(store, zofia, "one visit")
    with pytest.raises(goals.TooMany):
        goals.finish(store, zofia.service, draft, zofia.id)
    assert goals.draft_of(store, zofia.service.id, "one visit") is draft
    zofia.acts("set-aside", goal)
    assert goals.finish(store, zofia.service, draft, zofia.id).words == TYPED["goal_words"]


def test_a_goal_begun_in_another_visit_is_gone_on_with_by_the_same_person_alone(
    store: Session, here: Service, zofia: Person
) -> None:
    draft = filled(store, zofia, "an old visit", 2)
    ola = Person(store, here)
    assert goals.unfinished(store, here.id, ola.id) is None
    assert goals.go_on(store, here, ola.id, "of Ola") is None
    found = goals.go_on(store, here, zofia.id, "a new visit")
    assert found is draft
    assert goals.draft_of(store, here.id, "a new visit") is draft
    assert goals.draft_of(store, here.id, "an old visit") is None


# Goal attainment scaling ---------------------------------------------------------------------------------------------

LEVELS = {level: f"What {level} would look like" for level in range(-2, 3)}


@pytest.fixture
def trained(store: Session, here: Service) -> Actor:
    manager = staff_member(store, here, Role.MANAGER).actor
    boss = staff_member(store, here, Role.ADMINISTRATOR).actor
    worker = staff_member(store, here).actor
    assert accounts.set_trained_in_gas(store, boss, worker.staff_id, True)
    measures.turn_on(store, manager, "gas")
    return worker


@pytest.mark.parametrize(
    ("levels", "weights", "score"),
    [
        ([1], [1], "60.00"),
        ([1, 1, 1], [1, 1, 1], "63.69"),
        ([-1, -1, -1], [1, 1, 1], "36.31"),
        ([-2, -2, -2], [1, 1, 1], "22.61"),
        ([1, 0, -1], [3, 2, 1], "54.41"),
        ([2, -1], [4, 1], "65.89"),
        ([2, None], [4, 1], None),
    ],
)
def test_the_score_is_that_of_the_reference_for_what_was_stored(
    store: Session,
    here: Service,
    zofia: Person,
    trained: Actor,
    levels: list[int | None],
    weights: list[int],
    score: str | None,
) -> None:
    for level, weight in zip(levels, weights, strict=True):
        goal = zofia.sets()
        goals.scale(store, trained, goal.id, weight, -1, LEVELS)
        if level is not None:
            goals.level(store, trained, goal.id, level)
    assert goals.attainment(store, here.id, zofia.id) == (None if score is None else Decimal(score))
    at_start = goals.attainment_at_start(store, here.id, zofia.id)
    assert at_start is not None
    assert at_start < 50


def test_a_goal_that_nobody_scaled_is_in_no_score_and_nobody_has_none(
    store: Session, here: Service, zofia: Person, trained: Actor
) -> None:
    assert goals.attainment(store, here.id, zofia.id) is None
    scaled, _ = zofia.sets(), zofia.sets()
    goals.scale(store, trained, scaled.id, 1, -2, LEVELS)
    goals.level(store, trained, scaled.id, 1)
    assert goals.attainment(store, here.id, zofia.id) == Decimal("60.00")


def test_a_goal_that_was_set_aside_leaves_the_score_and_an_achieved_one_does_not(
    store: Session, here: Service, zofia: Person, trained: Actor
) -> None:
    one, other = zofia.sets(), zofia.sets()
    for goal, level in ((one, 1), (other, -2)):
        goals.scale(store, trained, goal.id, 1, -1, LEVELS)
        goals.level(store, trained, goal.id, level)
    zofia.acts("achieved", one)
    zofia.acts("set-aside", other)
    assert goals.attainment(store, here.id, zofia.id) == Decimal("60.00")


def test_other_level_texts_want_another_level(store: Session, here: Service, zofia: Person, trained: Actor) -> None:
    goal = zofia.sets()
    goals.scale(store, trained, goal.id, 1, -1, LEVELS)
    goals.level(store, trained, goal.id, 2)
    with clock.at(datetime(2026, 11, 24, 9, tzinfo=UTC)):
        goals.scale(store, trained, goal.id, 4, -2, {**LEVELS, 0: "Something else"})
        assert goals.attainment(store, here.id, zofia.id) is None
        (scaled,) = goals.scaled_of(store, here.id, zofia.id)
        assert (scaled.attainment.weight, scaled.level) == (4, None)
        goals.level(store, trained, goal.id, 0)
        assert goals.attainment(store, here.id, zofia.id) == Decimal("50.00")
    assert store.scalar(select(func.count()).select_from(GoalAttainment)) == 2
    assert store.scalar(select(func.count()).select_from(GoalLevel)) == 2


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("weight", "baseline", "levels", "field"),
    [
        (0, -1, LEVELS, "weight"),
        (5, -1, LEVELS, "weight"),
        (True, -1, LEVELS, "weight"),
        (1, 0, LEVELS, "baseline"),
        (1, -3, LEVELS, "baseline"),
        (1, -1, {**LEVELS, 2: "   "}, "level_2"),
        (1, -1, {**LEVELS, -2: "x" * 501}, "level_-2"),
        (1, -1, {**LEVELS, 1: "\x00"}, "level_1"),
        (1, -1, {}, "level_0"),
    ],
)
def test_a_scaling_with_something_wrong_is_not_kept(
    store: Session, zofia: Person, trained: Actor, weight: int, baseline: int, levels: dict[int, str], field: str
) -> None:
    goal = zofia.sets()
    with pytest.raises(goals.NotScaled) as wrong:
        goals.scale(store, trained, goal.id, weight, baseline, levels)
    assert field in wrong.value.problems
    assert store.scalar(select(func.count()).select_from(GoalAttainment)) == 0


@pytest.mark.sweep
@pytest.mark.parametrize("level", [3, -3, True, None])
def test_a_level_that_there_is_not_is_not_kept(store: Session, zofia: Person, trained: Actor, level: Any) -> None:
    goal = zofia.sets()
    with pytest.raises(goals.NotScaled):
        goals.level(store, trained, goal.id, 0)
    goals.scale(store, trained, goal.id, 1, -1, LEVELS)
    with pytest.raises(goals.NotScaled):
        goals.level(store, trained, goal.id, level)
    assert store.scalar(select(func.count()).select_from(GoalLevel)) == 0


def test_only_trained_workers_scale_and_only_where_it_is_turned_on(
    store: Session, here: Service, zofia: Person, trained: Actor
) -> None:
    goal = zofia.sets()
    untrained = staff_member(store, here).actor
    manager = staff_member(store, here, Role.MANAGER).actor
    assert goals.may_scale(store, trained)
    assert not goals.may_scale(store, untrained)
    for act in (
        lambda who: goals.scale(store, who, goal.id, 1, -1, LEVELS),
        lambda who: goals.level(store, who, goal.id, 1),
    ):
        with pytest.raises(goals.NotTrained):
            act(untrained)
    measures.turn_off(store, manager, "gas")
    assert not goals.may_scale(store, trained)
    for act in (
        lambda who: goals.scale(store, who, goal.id, 1, -1, LEVELS),
        lambda who: goals.level(store, who, goal.id, 1),
    ):
        with pytest.raises(goals.NotOffered):
            act(trained)
    assert store.scalar(select(func.count()).select_from(GoalAttainment)) == 0


def test_another_services_goal_is_not_there_for_a_trained_worker(store: Session, trained: Actor) -> None:
    goal = Person(store, a_service(store, "there")).sets()
    with pytest.raises(goals.Gone):
        goals.scale(store, trained, goal.id, 1, -1, LEVELS)


# Who is trained ------------------------------------------------------------------------------------------------------


def test_an_administrator_says_who_is_trained_and_it_is_written_down(store: Session, here: Service) -> None:
    boss, worker = staff_member(store, here, Role.ADMINISTRATOR).actor, staff_member(store, here).actor
    for trained in (True, True, False):
        colleague = accounts.set_trained_in_gas(store, boss, worker.staff_id, trained)
        assert colleague
        assert colleague.trained_in_gas is trained
    told = [(one.act, one.details) for one in audit.history_of(store, here.id, worker.staff_id) if "trained" in one.act]
    assert told == [
        ("noted who is trained in goal attainment scaling", {"trained": True}),
        ("noted who is trained in goal attainment scaling", {"trained": False}),
    ]


@pytest.mark.sweep
@pytest.mark.parametrize("role", [Role.LINK_WORKER, Role.MANAGER, Role.ANALYST])
def test_nobody_else_says_who_is_trained(store: Session, here: Service, role: Role) -> None:
    actor = staff_member(store, here, role).actor
    with pytest.raises(Refused):
        accounts.set_trained_in_gas(store, actor, actor.staff_id, True)


def test_nobody_of_another_service_and_nobody_unknown_is_trained_here(store: Session, here: Service) -> None:
    boss = staff_member(store, here, Role.ADMINISTRATOR).actor
    elsewhere = staff_member(store, a_service(store, "there")).actor
    for staff_id in (elsewhere.staff_id, uuid.uuid4()):
        assert accounts.set_trained_in_gas(store, boss, staff_id, True) is None
