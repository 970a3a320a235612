"""The engine of the forms: paths, gaps, the guard, changed minds, what is refused at import. No app and no database."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.caseload import lists
from portal.i18n import LANGUAGES, speaking
from portal.journeys import (
    ABSENCES,
    DONT_KNOW,
    LEFT_BLANK,
    NOT_ASKED,
    PREFER_NOT_TO_SAY,
    Always,
    Choice,
    Condition,
    Journey,
    Kind,
    Problem,
    Question,
    Step,
    all_of,
    answered,
    any_of,
)
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.engine import SAY, SPOKEN_LANGUAGES, age_fits
from portal.journeys.experience import COMMENTS, EXPERIENCE
from portal.journeys.goal_setting import GOAL_SETTING
from portal.journeys.self_referral import SELF_REFERRAL
from portal.reading import Unreadable

JOURNEYS = (SELF_REFERRAL, ABOUT_YOU, GOAL_SETTING, EXPERIENCE, *COMMENTS.values())
CODES_EVER_USED = Path(__file__).parent / "codes_ever_used.txt"
CODED = (Kind.ONE_OF, Kind.SOME_OF)
GOOD: Mapping[Kind, str] = {
    Kind.TEXT: "Zofia",
    Kind.LONG_TEXT: "To meet people.",
    Kind.LANGUAGE: "ur",
    Kind.BIRTH: "27 3 1965",
    Kind.POSTCODE: "AB10 1AB",
    Kind.PHONE: "07700 900123",
    Kind.EMAIL: "zofia@inbox.example",
    Kind.NHS_NUMBER: "999 123 4578",
}


def yes_no(code: str, **more: object) -> Question:
    choices = (Choice("yes", "Yes"), Choice("no", "No"))
    return Question(code, f"{code}?", Kind.ONE_OF, choices, **more)  # type: ignore[arg-type]


def a_journey(*steps: Step, derived: tuple[str, ...] = ()) -> Journey:
    return Journey("made-up", 1, steps, derived)


# Every path ----------------------------------------------------------------------------------------------------------


def _looked_at(journey: Journey) -> dict[str, set[str]]:
    """The questions that some condition looks at, and the answers it looks for."""
    found: dict[str, set[str]] = {}

    def gather(condition: Condition) -> None:
        if isinstance(condition, answered):
            found.setdefault(condition.question, set()).update(condition.one_of)
        elif isinstance(condition, all_of | any_of):
            for part in condition.parts:
                gather(part)

    for step in journey.steps:
        gather(step.only_if)
    return found


def _answers_to(question: Question, decides: bool) -> list[object]:
    """What may be answered: everything when the path depends on it, else one."""
    if question.kind not in CODED:
        return [question.read(GOOD[question.kind])]
    one_by_one: list[object] = [question.read([choice.code]) for choice in question.all_choices]
    if not decides:
        return one_by_one[:1]
    several = [choice.code for choice in question.choices if not choice.alone]
    return one_by_one + ([question.read(several)] if question.kind is Kind.SOME_OF and len(several) > 1 else [])


# What the room works out after a page; the age by the whole date is known only where the year left it open.
DERIVED_AFTER: dict[str, list[dict[str, object]]] = {
    "where-you-live": [
        {"fits_age": age, "fits_area": area} for age in ("yes", "no", "unsure") for area in ("yes", "no")
    ],
    "full-date-of-birth": [{"fits_age_by_day": "yes"}, {"fits_age_by_day": "no"}, {}],
}


def _walks(journey: Journey, answers: dict[str, object]) -> Iterator[dict[str, object]]:
    """Every way through the journey, as its answers."""
    step = journey.first_gap(answers)
    if step is None:
        yield answers
        return
    looked_at = _looked_at(journey)
    ways: list[dict[str, object]] = [{}]
    for question in step.questions:
        possible = _answers_to(question, question.code in looked_at)
        ways = [{**way, question.code: answer} for way in ways for answer in possible]
    for way in ways:
        for derived in DERIVED_AFTER.get(step.slug, [{}]):
            yield from _walks(journey, {**answers, **way, **derived})


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.code)
def test_every_path_can_be_walked_and_every_page_is_on_one(journey: Journey) -> None:
    reached: set[str] = set()
    paths: set[tuple[str, ...]] = set()
    for answers in _walks(journey, {}):
        path = journey.path(answers)
        slugs = tuple(step.slug for step in path)
        assert journey.first_gap(answers) is None
        assert all(journey.may_open(slug, answers) for slug in slugs)
        assert journey.on_path(answers) == answers
        if slugs in paths:
            continue
        paths.add(slugs)
        reached.update(slugs)
        assert [journey.after(a, answers) for a in slugs[:-1]] == path[1:]
        assert [journey.before(b, answers) for b in slugs[1:]] == path[:-1]
        assert journey.before(slugs[0], answers) is None
        assert journey.after(slugs[-1], answers) is None
    assert reached == {step.slug for step in journey.steps}
    assert len(paths) >= {"self-referral": 48, "about-you": 2}.get(journey.code, 1)


def test_the_core_of_the_referral_is_at_most_ten_questions_pages_for_one_who_refers_themselves() -> None:
    answers: dict[str, object] = {
        "referring_for": "me",
        "fits_age": "yes",
        "fits_area": "yes",
        "safe_ways": ["call"],
    }
    assert len(SELF_REFERRAL.path(answers)) <= 10


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.code)
def test_every_page_says_why_it_asks(journey: Journey) -> None:
    assert [step.slug for step in journey.steps if step.questions and not step.why] == []


def test_every_question_says_where_it_comes_from() -> None:
    assert [q.code for journey in JOURNEYS for q in journey.questions if not q.source] == []


def test_a_page_with_several_questions_has_a_heading_of_its_own() -> None:
    assert [
        step.slug for journey in JOURNEYS for step in journey.steps if len(step.questions) > 1 and not step.title
    ] == []


# Changed minds -------------------------------------------------------------------------------------------------------

CHAIN = a_journey(
    Step("one", (yes_no("one"),)),
    Step("two", (yes_no("two"),), only_if=answered("one", "yes")),
    Step("three", (yes_no("three"),), only_if=answered("two", "yes")),
    Step("four", (yes_no("four"),)),
)


def test_a_changed_mind_leaves_no_ghosts() -> None:
    before = {"one": "yes", "two": "yes", "three": "no", "four": "yes"}
    assert CHAIN.on_path(before) == before
    assert CHAIN.on_path({**before, "one": "no"}) == {"one": "no", "four": "yes"}


def test_a_ghost_opens_no_page() -> None:
    answers = {"one": "no", "two": "yes", "three": "no", "four": "yes"}
    assert [step.slug for step in CHAIN.path(answers)] == ["one", "four"]
    assert not CHAIN.may_open("three", answers)


_any_answer = st.sampled_from(["yes", "no", "me", "me-with-help", "unsure", LEFT_BLANK, DONT_KNOW, None, "zzz"])
_any_answers = st.dictionaries(
    st.sampled_from(
        [*(q.code for q in SELF_REFERRAL.questions), *SELF_REFERRAL.derived, "one", "two", "three", "four"]
    ),
    st.one_of(_any_answer, st.lists(st.sampled_from(["call", "email", "post", "come-back", "yes"]), max_size=3)),
)


@given(_any_answers)
def test_taking_ghosts_away_leaves_none_to_take_away(answers: dict[str, object]) -> None:
    for journey in (SELF_REFERRAL, CHAIN):
        once = journey.on_path(answers)
        assert journey.on_path(once) == once
        assert journey.path(once) == journey.path(answers)
        assert once.items() <= answers.items()


@given(_any_answers)
def test_the_guard_opens_exactly_what_comes_before_the_first_gap_and_the_gap(answers: dict[str, object]) -> None:
    path = SELF_REFERRAL.path(answers)
    gap = SELF_REFERRAL.first_gap(answers)
    may = path[: path.index(gap) + 1] if gap else path
    assert [step for step in SELF_REFERRAL.steps if SELF_REFERRAL.may_open(step.slug, answers)] == may


def test_a_page_that_does_not_exist_is_not_open_and_has_nothing_beside_it() -> None:
    assert SELF_REFERRAL.step("no-such-page") is None
    assert not SELF_REFERRAL.may_open("no-such-page", {})
    assert SELF_REFERRAL.after("no-such-page", {}) is None
    with pytest.raises(KeyError):
        SELF_REFERRAL.question("no_such_question")


def test_not_asked_is_a_gap_and_left_blank_is_none() -> None:
    journey = a_journey(Step("one", (yes_no("one"),)), Step("two", (yes_no("two"),)))
    assert journey.first_gap({"two": "yes"}) == journey.steps[0]
    assert journey.first_gap({"one": LEFT_BLANK, "two": DONT_KNOW}) is None


def test_a_required_question_left_blank_is_a_gap() -> None:
    journey = a_journey(Step("one", (yes_no("one", required=True, missing="Say it"),)))
    for blank in ({}, {"one": None}, {"one": LEFT_BLANK}):
        assert journey.first_gap(blank) == journey.steps[0]


@pytest.mark.parametrize("absence", [None, *ABSENCES])
def test_of_several_questions_one_is_needed_and_an_absence_is_none(absence: object) -> None:
    step = Step("one", (yes_no("one"), yes_no("two")), title="One", one_needed=("one", "two"))
    assert not step.done({"one": absence, "two": absence})
    assert step.done({"one": absence, "two": "no"})


# Conditions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "answers", "holds"),
    [
        (Always(), {}, True),
        (answered("a", "x"), {}, False),
        (answered("a", "x"), {"a": "x"}, True),
        (answered("a", "x", "y"), {"a": "y"}, True),
        (answered("a", "x"), {"a": "y"}, False),
        (answered("a", "x"), {"a": ["y", "x"]}, True),
        (answered("a", "x"), {"a": []}, False),
        (answered("a", "x"), {"a": None}, False),
        (answered("a", "x"), {"a": "xx"}, False),
        (all_of(answered("a", "x"), answered("b", "y")), {"a": "x", "b": "y"}, True),
        (all_of(answered("a", "x"), answered("b", "y")), {"a": "x"}, False),
        (any_of(answered("a", "x"), answered("b", "y")), {"b": "y"}, True),
        (any_of(answered("a", "x"), answered("b", "y")), {"a": "y", "b": "x"}, False),
        (all_of(any_of(answered("a", "x"), answered("a", "y")), answered("b", "z")), {"a": "y", "b": "z"}, True),
    ],
)
def test_a_condition_is_data_that_can_be_asked(condition: Condition, answers: dict[str, object], holds: bool) -> None:
    assert condition(answers) is holds


def test_a_condition_names_the_questions_it_looks_at_and_reads_as_a_sentence() -> None:
    both = all_of(answered("a", "x", "y"), any_of(answered("b", "z"), Always()))
    assert list(both.asks()) == ["a", "b"]
    assert str(both) == "(a is x or y) and ((b is z) or (always))"


# Refused at import ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "because"),
    [
        ((Step("one", (yes_no("a"),)), Step("one", (yes_no("b"),))), "two steps called one"),
        ((Step("one", (yes_no("a"),)), Step("two", (yes_no("a"),))), "asks a twice"),
        ((Step("one", (yes_no("a"),), only_if=answered("b", "x")), Step("two", (yes_no("b"),))), "depends on b"),
        ((Step("one", (yes_no("a"),), only_if=answered("a", "yes")),), "depends on a"),
        ((Step("one", (yes_no("a"),), only_if=any_of(Always(), all_of(answered("z", "x")))),), "depends on z"),
        ((Step("one", (yes_no("a"),), one_needed=("b",)),), "needs b"),
        ((Step("one", (yes_no("a", required=True),)),), "does not say what is missing"),
        ((Step("one", (Question("a", "A", Kind.ONE_OF),)),), "nothing to choose"),
        ((Step("one", (Question("a", "A", Kind.SOME_OF),)),), "nothing to choose"),
        ((Step("one", (Question("a", "A", Kind.ONE_OF, (Choice("x", "X"), Choice("x", "Y"))),)),), "a code twice"),
        ((Step("one", (Question("a", "A", Kind.ONE_OF, (Choice(LEFT_BLANK, "?"),)),)),), "absence"),
        ((Step("one", (Question("a", "A", Kind.ONE_OF, (Choice(NOT_ASKED, "?"),)),)),), "absence"),
    ],
)  # fmt: skip
def test_a_journey_that_cannot_be_walked_is_refused(steps: tuple[Step, ...], because: str) -> None:
    with pytest.raises(ValueError, match=because):
        a_journey(*steps)


def test_a_condition_may_look_at_an_answer_that_the_room_works_out() -> None:
    a_journey(Step("one", (yes_no("a"),), only_if=answered("b", "x")), derived=("b",))


def test_every_answer_that_a_condition_looks_for_can_be_given() -> None:
    derived = {"fits_age": {"yes", "no", "unsure"}, "fits_age_by_day": {"yes", "no"}, "fits_area": {"yes", "no"}}
    for journey in JOURNEYS:
        for code, wanted in _looked_at(journey).items():
            known = derived.get(code) or {choice.code for choice in journey.question(code).all_choices}
            assert wanted <= known, f"{journey.code} waits for an answer to {code} that nobody can give"


# What an answer becomes ----------------------------------------------------------------------------------------------


def test_the_four_absences_stay_four_different_things() -> None:
    question = yes_no("a", may_decline=True, may_not_know=True)
    stored = [question.read([PREFER_NOT_TO_SAY]), question.read([DONT_KNOW]), question.read([]), NOT_ASKED]
    assert stored == [PREFER_NOT_TO_SAY, DONT_KNOW, LEFT_BLANK, NOT_ASKED]
    assert len({question.say(one) for one in stored}) == 4
    step = Step("one", (question,))
    assert "a" not in step.read({})[0] or step.read({})[0]["a"] == LEFT_BLANK
    assert not step.done({})


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.code)
def test_an_answer_stored_is_said_in_every_language_and_never_empty(journey: Journey) -> None:
    for code in LANGUAGES:
        with speaking(code):
            for question in journey.questions:
                for answer in (*_answers_to(question, True), None, *ABSENCES):
                    assert question.say(answer).strip(), (code, question.code, answer)


def test_free_text_left_blank_is_nothing_and_a_choice_left_blank_is_said() -> None:
    assert Question("a", "A").read("   ") is None
    assert Question("a", "A", Kind.LONG_TEXT).read([]) is None
    assert yes_no("a").read(None) == LEFT_BLANK


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.code)
def test_a_code_that_is_not_offered_is_not_an_answer(journey: Journey) -> None:
    for question in journey.questions:
        if question.kind.coded:
            for typed in ("zzz", LEFT_BLANK, NOT_ASKED, "YES", "yes no"):
                with pytest.raises(Unreadable):
                    question.read([typed])


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.code)
def test_one_question_takes_one_answer(journey: Journey) -> None:
    for question in journey.questions:
        if question.kind is not Kind.SOME_OF:
            good = GOOD.get(question.kind) or question.choices[0].code
            with pytest.raises(Unreadable) as problem:
                question.read([good, good])
            assert problem.value.problem is Problem.CHOOSE_ONE_ONLY


def test_choices_are_kept_in_the_order_of_the_question_and_once() -> None:
    needs = SELF_REFERRAL.question("needs")
    assert needs.read(["food", "loneliness", "food"]) == ["loneliness", "food"]


def test_none_of_these_stands_alone() -> None:
    access = SELF_REFERRAL.question("access_needs")
    with pytest.raises(Unreadable) as problem:
        access.read(["none", "braille"])
    assert problem.value.problem is Problem.NONE_AND_SOME
    assert access.read(["none"]) == ["none"]


def test_every_problem_has_a_sentence_in_which_nothing_is_left_open() -> None:
    assert set(SAY) == set(Problem)
    for journey in JOURNEYS:
        for step in journey.steps:
            for question in step.questions:
                for problem in Problem:
                    said = step.say_problem(question.code, problem)
                    assert said
                    assert "%" not in said


EXAMPLES = {
    Problem.NOT_A_DATE: (Kind.BIRTH, "27 3 1965"),
    Problem.NOT_A_POSTCODE: (Kind.POSTCODE, "AB1 2AA"),
    Problem.NOT_A_PHONE: (Kind.PHONE, "07700 900123"),
    Problem.NOT_AN_EMAIL: (Kind.EMAIL, "name@example.com"),
    Problem.NOT_AN_NHS_NUMBER: (Kind.NHS_NUMBER, "999 123 4578"),
}


@pytest.mark.parametrize("problem", EXAMPLES, ids=lambda problem: problem.value)
def test_the_example_in_a_sentence_would_be_taken(problem: Problem) -> None:
    kind, example = EXAMPLES[problem]
    assert example in SAY[problem]
    assert Question("a", "A", kind).read(example)


def test_the_sentence_for_a_page_where_one_answer_of_several_is_needed_says_so() -> None:
    step = SELF_REFERRAL.step("what-matters")
    assert step
    _, problems = step.read({})
    assert problems == {"what_matters": Problem.MISSING}
    assert step.say_problem("what_matters", Problem.MISSING) == step.one_needed_missing


@pytest.mark.parametrize(
    ("birth", "fits"),
    [("1965-03-27", "yes"), ("2015-01-01", "no"), ("1990", "yes"), ("2015", "no"), ("2008", "unsure")],
)
def test_a_year_alone_is_enough_unless_it_is_the_very_year(birth: str, fits: str) -> None:
    from datetime import date

    assert age_fits(birth, date(2026, 11, 22), 18) == fits


@pytest.mark.parametrize(("day", "fits"), [("2008-11-22", "yes"), ("2008-11-23", "no")])
def test_on_the_birthday_itself_the_age_is_reached(day: str, fits: str) -> None:
    from datetime import date

    assert age_fits(day, date(2026, 11, 22), 18) == fits


def test_an_urgent_answer_names_its_alert_and_the_others_none() -> None:
    urgency = SELF_REFERRAL.question("urgency")
    assert {choice.code: urgency.alert_for(choice.code) for choice in urgency.choices} == {
        "no": "",
        "soon": "",
        "not-safe": "not-safe",
        "being-hurt": "being-hurt",
    }
    assert SELF_REFERRAL.alerts({"urgency": "being-hurt"}) == [("urgency", "being-hurt")]
    assert SELF_REFERRAL.alerts({}) == []


def test_the_languages_that_may_be_spoken_include_those_of_the_pages_and_each_once() -> None:
    assert set(LANGUAGES) <= set(SPOKEN_LANGUAGES)
    assert len(SPOKEN_LANGUAGES) == len(set(SPOKEN_LANGUAGES))


# Codes are for ever --------------------------------------------------------------------------------------------------


def _codes_now() -> set[str]:
    found = set()
    for journey in JOURNEYS:
        for question in journey.questions:
            found.add(f"{journey.code} {question.code}")
            found.update(f"{journey.code} {question.code} {choice.code}" for choice in question.choices)
    for name, entries in vars(lists).items():
        if isinstance(entries, tuple) and entries and isinstance(entries[0], lists.Listed):
            found.update(f"list {name.lower().replace('_', '-')} {one.code}" for one in entries)
    return found


def test_no_code_is_renamed_or_used_a_second_time() -> None:
    lines = [line for line in CODES_EVER_USED.read_text("utf-8").splitlines() if not line.startswith("#")]
    retired = {line.removeprefix("retired ") for line in lines if line.startswith("retired ")}
    in_use = {line for line in lines if not line.startswith("retired ")}
    assert _codes_now() & retired == set(), "a retired code may never come back with another meaning: choose a new one"
    assert in_use - _codes_now() == set(), (
        "a code is for ever: give it back its name, or write 'retired' before its line"
    )
    assert _codes_now() - in_use == set(), "add the new codes to tests/codes_ever_used.txt"
    assert len(lines) == len(set(lines))
