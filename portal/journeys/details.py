"""A person corrects their own details: the steps of the self-referral that are about them, chosen by the person.

Nothing is asked in other words than in the form, and nothing that is not in the form.
"""

from dataclasses import replace

from portal.i18n import N_
from portal.journeys.engine import Choice, Condition, Journey, Kind, Question, Step, all_of, answered
from portal.journeys.self_referral import SELF_REFERRAL

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
