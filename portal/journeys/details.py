"""A person corrects their own details: the steps of the self-referral that are about them, chosen by the person; or a
member of staff does, whom they told.

Nothing is asked in other words than in the form, and nothing that is not in the form.
"""

from collections.abc import Mapping
from dataclasses import replace

from portal.i18n import N_
from portal.journeys.engine import Choice, Condition, Journey, Kind, Question, Step, all_of, answered
from portal.journeys.self_referral import SELF_REFERRAL
from portal.reading import Problem

NAME, CONTACT, LANGUAGE, PLACE, GP = "name", "contact", "language", "place", "gp"


def _if(what: str) -> Condition:
    return answered("change", what)


def _step(slug: str, what: str, *, also: bool = False) -> Step:
    """A step of the form, asked when it was chosen; ``also``: only if the form would ask it as well."""
    step = SELF_REFERRAL.step(slug)
    if step is None:
        raise KeyError(slug)
    only_if = all_of(_if(what), step.only_if) if also else _if(what)
    # Where somebody lives decides about nothing any more: the form's reason for asking is not ours.
    return replace(step, only_if=only_if, why="" if what == PLACE else step.why)


DETAILS = Journey(
    code="details",
    version=1,
    steps=(
        Step(
            "what-to-change",
            (
                Question(
                    code="change",
                    label=N_("What do you want to change?"),
                    hint=N_("Choose all that you like."),
                    kind=Kind.SOME_OF,
                    choices=(
                        Choice(CONTACT, N_("How we reach you: phone, email, letters, safe ways")),
                        Choice(NAME, N_("Your name")),
                        Choice(LANGUAGE, N_("Your language, and what makes it easier for you")),
                        Choice(PLACE, N_("Where you live, or your date of birth")),
                        Choice(GP, N_("Your GP practice")),
                    ),
                    required=True,
                    missing=N_("Choose what you want to change"),
                ),
            ),
        ),
        _step("safe-contact", CONTACT),
        *(
            _step(slug, CONTACT, also=True)
            for slug in ("phone", "email", "letters", "someone-you-trust", "meeting-place")
        ),
        _step("name", NAME),
        _step("language-and-access", LANGUAGE),
        _step("where-you-live", PLACE),
        _step("gp", GP),
    ),
)


# For a member of staff -----------------------------------------------------------------------------------------------

HELPER = "helper"
"""Who helped with the form: staff alone correct it, for the person's own page does not ask about anybody else."""

PARTS = (CONTACT, NAME, LANGUAGE, PLACE, GP, HELPER)
"""What may be corrected, a part on one page."""


def page(part: str) -> Step:
    """Every question of a part on one page, for who it is typed for. Raises ``KeyError``."""
    if part not in PARTS:
        raise KeyError(part)
    steps = [one for one in DETAILS.steps[1:] if part in _parts_of(one)] or [_helper()]
    enough = next((one for one in steps if one.one_needed), Step(part))
    return Step(
        part,
        tuple(question for one in steps for question in one.questions),
        one_needed=enough.one_needed,
        one_needed_missing=enough.one_needed_missing,
    )


def _parts_of(step: Step) -> tuple[str, ...]:
    conditions = step.only_if.parts if isinstance(step.only_if, all_of) else (step.only_if,)
    return next(one.one_of for one in conditions if isinstance(one, answered) and one.question == "change")


def _helper() -> Step:
    return next(one for one in SELF_REFERRAL.steps if one.slug == HELPER)


def read(part: str, raw: Mapping[str, object]) -> tuple[dict[str, object], dict[str, Problem]]:
    """Answers and problems of what was typed on the page of a part. What depends on an answer that was not given was
    not asked: it is neither an answer nor missing."""
    answers, problems = page(part).read(raw)
    if part == HELPER:
        return answers, problems
    path = DETAILS.path({"change": [part], **answers})
    asked = {question.code for step in path for question in step.questions}
    return (
        {code: said for code, said in answers.items() if code in asked},
        {code: problem for code, problem in problems.items() if code in asked},
    )
