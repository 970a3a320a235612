"""A goal: what a person would like to be different, in their own words (product 8; data dictionary 3.6).

Only the words and the need they belong to are asked for; everything else may be skipped. The last page is the goal
scale: its words and its numbers are those of the catalogue, and they are our own, so the interface may translate them.
"""

from collections.abc import Mapping

from portal.i18n import N_
from portal.instruments import catalogue
from portal.journeys.engine import Choice, Journey, Kind, Question, Step
from portal.journeys.self_referral import NEEDS

CLOSENESS = "closeness"


def numbers(first: int, last: int, words: Mapping[int, str]) -> tuple[Choice, ...]:
    """The whole numbers from one to another as choices; some have words beneath them. A number is its own code."""
    return tuple(Choice(str(number), str(number), hint=words.get(number, "")) for number in range(first, last + 1))


def _closeness() -> Question:
    """The question of the goal scale, as the catalogue has it."""
    scale = catalogue()["goals"]
    (item,) = scale.items
    words = scale.wordings["en"]
    labels = words.options[item.option_set]
    return Question(
        code=CLOSENESS,
        label=words.items[item.code],
        kind=Kind.ONE_OF,
        choices=tuple(
            Choice(option.code, option.code, hint=labels.get(option.code, "")) for option in scale.options(item.code)
        ),
        may_decline=True,
        may_not_know=True,
        source=f"{scale.key} {scale.version}, {scale.publisher}",
    )


GOAL_SETTING = Journey(
    code="goal-setting",
    version=1,
    steps=(
        Step(
            "your-goal",
            (
                Question(
                    code="goal_words",
                    label=N_("What would you like to be different?"),
                    short=N_("Goal, in your own words"),
                    hint=N_("Use your own words, in any language. One thing at a time is enough."),
                    kind=Kind.LONG_TEXT,
                    longest=1000,
                    required=True,
                    missing=N_("Write a few words about what you would like to be different"),
                    source="PRSB plan: goal; data dictionary 3.6",
                ),
            ),
            why=N_("So that the help fits what you want. You can change it at any time."),
            notice="help-now",
        ),
        Step(
            "need",
            (
                Question(
                    code="goal_need",
                    label=N_("What does it have most to do with?"),
                    short=N_("Has to do with"),
                    kind=Kind.ONE_OF,
                    choices=NEEDS,
                    required=True,
                    missing=N_("Choose what it has most to do with. “Something else” is fine"),
                    source="data dictionary 4.6 need",
                ),
            ),
            why=N_("So that we look for help in the right place."),
        ),
        Step(
            "why-it-matters",
            (
                Question(
                    code="importance",
                    label=N_("How much does it matter to you?"),
                    short=N_("How much it matters, 1 to 10"),
                    kind=Kind.ONE_OF,
                    choices=numbers(1, 10, {1: N_("it matters a little"), 10: N_("nothing matters more")}),
                    may_decline=True,
                    may_not_know=True,
                    source="data dictionary 3.6 importance",
                ),
                Question(
                    code="goal_why",
                    label=N_("Why does it matter? (if you want to say)"),
                    short=N_("Why it matters"),
                    kind=Kind.LONG_TEXT,
                    longest=500,
                    source="data dictionary 3.6 why_important",
                ),
            ),
            title=N_("Why it matters"),
            why=N_("So that we know what to begin with. You can skip each question."),
            notice="help-now",
        ),
        Step(
            "first-step",
            (
                Question(
                    code="first_step",
                    label=N_("What could be a small first step? (if you can think of one)"),
                    short=N_("First step"),
                    hint=N_("Like: ring the walking group, or ask my sister to come along."),
                    kind=Kind.LONG_TEXT,
                    longest=500,
                    source="data dictionary 3.6 action",
                ),
                Question(
                    code="by_when",
                    label=N_("When would you like to take it?"),
                    short=N_("When"),
                    hint=N_("Like: next week, or before Easter."),
                    longest=100,
                    source="data dictionary 3.6 action: when",
                ),
                Question(
                    code="sure",
                    label=N_("How sure are you that you can take it?"),
                    short=N_("How sure, 1 to 10"),
                    kind=Kind.ONE_OF,
                    choices=numbers(1, 10, {1: N_("not sure at all"), 10: N_("completely sure")}),
                    may_decline=True,
                    may_not_know=True,
                    source="data dictionary 3.6 action: confidence",
                ),
            ),
            title=N_("A first step"),
            why=N_("Small steps are easier to begin. You can skip each question."),
        ),
        Step(
            "today",
            (_closeness(),),
            why=N_("So that you can see later how it goes. There is no right answer."),
        ),
    ),
)

REVISED = GOAL_SETTING.steps[:-1]
"""The pages that are asked again when a goal is changed; how close it is has a line of its own."""
