"""The questions of the form in another order: as a call goes, and as a sheet of paper stands.

Here is only which question comes when, beneath which heading, and what a worker says aloud. What is asked, the words,
the choices and the rules stay where the question is declared, so that every door asks the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from portal.i18n import N_
from portal.journeys.engine import LEFT_BLANK, NOT_ASKED, Answers, Choice, Journey, Question, Step, answered
from portal.journeys.self_referral import SELF_REFERRAL

DEVICE = "device"
"""Whose phone or computer it is: the one question that the web alone asks, for it is about the web."""

NOT_THEIRS: Mapping[str, object] = {DEVICE: "shared"}
"""What a screen of the service's own answers to that question: no, it is not the person's own."""

ONLY_WHEN_UNSURE = ("full_date_of_birth",)
"""Asked again only when a year alone does not say whether somebody is old enough: on no paper, and without a number."""


@dataclass(frozen=True)
class Section:
    """Some questions (``asks``: their codes) under one heading, all on one page. ``say``: what a worker says aloud
    before them."""

    slug: str
    title: str
    asks: tuple[str, ...]
    say: str = ""


@dataclass(frozen=True)
class Depends:
    """When a question is asked at all: when one of these was chosen in answer to another question."""

    question: Question
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Order:
    """Every question of a journey once, in sections; ``given`` is what the door answers itself.

    Raises ``ValueError`` when a question is missing, stands twice or does not exist.
    """

    code: str
    journey: Journey
    sections: tuple[Section, ...]
    given: Mapping[str, object] = field(default_factory=lambda: NOT_THEIRS)

    def __post_init__(self) -> None:
        """Refuse an order that leaves out, repeats or invents a question."""
        asked = [code for section in self.sections for code in section.asks] + list(self.given)
        wanted = [question.code for question in self.journey.questions]
        if sorted(asked) != sorted(wanted):
            raise ValueError(f"{self.code} does not ask what {self.journey.code} asks: {set(asked) ^ set(wanted)}")

    def section(self, slug: str) -> Section | None:
        """The section at this address."""
        return next((section for section in self.sections if section.slug == slug), None)

    def section_of(self, code: str) -> Section:
        """Where a question stands; the first section for what the door answers itself."""
        return next((section for section in self.sections if code in section.asks), self.sections[0])

    def beside(self, slug: str, by: int) -> Section | None:
        """The section so many places further."""
        place = [section.slug for section in self.sections].index(slug) + by
        return self.sections[place] if 0 <= place < len(self.sections) else None

    @cached_property
    def numbers(self) -> Mapping[str, int]:
        """Question -> its number, on the paper and on the screen that it is typed into."""
        asked = [code for section in self.sections for code in section.asks if code not in ONLY_WHEN_UNSURE]
        return {code: number for number, code in enumerate(asked, 1)}

    def page(self, section: Section, answers: Answers = {}, *, printed: bool = False) -> Step:  # noqa: B006  # read only
        """A section as a page. What depends on another answer is on it too, for who it is typed for; only what depends
        on what the room works out itself waits until it is so."""
        known = self.journey.path(answers)
        questions = tuple(
            self.journey.question(code)
            for code in section.asks
            if code not in ONLY_WHEN_UNSURE or (not printed and any(code in _codes(step) for step in known))
        )
        asked = {question.code for question in questions}
        enough = next((step for step in self.journey.steps if step.one_needed and set(step.one_needed) <= asked), None)
        return Step(
            section.slug,
            questions,
            title=section.title,
            one_needed=enough.one_needed if enough else (),
            one_needed_missing=enough.one_needed_missing if enough else "",
        )

    def depends(self, code: str) -> Depends | None:
        """When this question is asked, if an answer that comes before it in this order decides."""
        step = step_of(self.journey, code)
        if not isinstance(step.only_if, answered) or step.only_if.question not in self.numbers:
            return None
        if self.numbers[step.only_if.question] > self.numbers.get(code, 0):
            return None
        question = self.journey.question(step.only_if.question)
        return Depends(question, tuple(choice for choice in question.choices if choice.code in step.only_if.one_of))


def _codes(step: Step) -> tuple[str, ...]:
    return tuple(question.code for question in step.questions)


def step_of(journey: Journey, code: str) -> Step:
    """The page of the journey on which a question stands."""
    return next(step for step in journey.steps if code in _codes(step))


def without(step: Step, codes: Mapping[str, object]) -> Step:
    """A page without the questions that the door answers itself."""
    return replace(step, questions=tuple(question for question in step.questions if question.code not in codes))


# What is still to be asked -------------------------------------------------------------------------------------------


def missing(journey: Journey, answers: Answers) -> list[Question]:
    """What the form cannot be sent without, on the path of these answers; of several of which one is enough, the
    first."""
    found: list[Question] = []
    for step in journey.path(answers):
        lacks = [one for one in step.questions if one.required and answers.get(one.code) in (None, LEFT_BLANK)]
        if step.one_needed and not step.has_one(answers):
            lacks.append(journey.question(step.one_needed[0]))
        found += lacks
    return found


def unasked(journey: Journey, answers: Answers) -> Iterator[Question]:
    """The questions on the path that nobody has put yet, and that need no answer."""
    for step in journey.path(answers):
        yield from (one for one in step.questions if one.code not in answers and not one.required)


def with_unasked(journey: Journey, answers: Answers) -> dict[str, object]:
    """The answers, and for what was never put that it was not asked: which is not the same as left blank."""
    return {**answers, **{question.code: NOT_ASKED for question in unasked(journey, answers)}}


# The orders ----------------------------------------------------------------------------------------------------------

_HELPER = ("helper_name", "helper_relationship", "helper_organisation", "helper_contact")
_REST_OF_NAME = ("family_name", "preferred_name", "pronouns")
_WHERE_AND_WHEN = ("postcode", "no_fixed_address", "date_of_birth", "full_date_of_birth")
_BY_PHONE = ("voicemail_safe", "may_say_who", "others_may_answer", "phone_times")
_OTHER_WAYS = ("email", "post_address", "trusted_name", "trusted_contact", "trusted_may_know", "meeting_place")
_LANGUAGE = ("spoken_language", "written_language", "interpreter", "access_needs", "access_detail")
_GP = ("gp_registered", "gp_practice", "nhs_number")
_SHARING = ("share_gp", "share_onward", "evaluation", "share_referrer")

_TALKING = (
    Section(
        "safe-contact",
        N_("Safe ways to reach them"),
        ("safe_ways", *_BY_PHONE, *_OTHER_WAYS),
        say=N_(
            "Some people are not safe if others learn about this. You decide how we reach you. We use no other way."
        ),
    ),
    Section(
        "urgent",
        N_("Is anything urgent?"),
        ("urgency",),
        say=N_("One question that we ask everybody. Your answer never stops us."),
    ),
    Section(
        "who-for",
        N_("Who the form is for"),
        ("referring_for", *_HELPER),
        say=N_("Is this for you, or are you calling for somebody else?"),
    ),
    Section(
        "what-matters",
        N_("What matters to them"),
        ("what_matters", "needs"),
        say=N_("Tell me in your own words. I write down what you say, as you say it."),
    ),
    Section(
        "about-them",
        N_("About them"),
        (*_REST_OF_NAME, *_WHERE_AND_WHEN),
        say=N_("Now a few facts, so that we find the right help near you."),
    ),
    Section(
        "language-and-access",
        N_("Language and support"),
        _LANGUAGE,
        say=N_("So that we can speak with you in a way that works for you."),
    ),
    Section(
        "gp",
        N_("Their GP practice"),
        _GP,
        say=N_("If you have a GP practice, we can work together with it, if you want that."),
    ),
    Section(
        "sharing",
        N_("What we may share"),
        _SHARING,
        say=N_("It is your choice. You get the same help whatever you answer, and you can change it later."),
    ),
)
_FIRST = ("first_name", "phone")

PHONE = Order(
    "phone",
    SELF_REFERRAL,
    (
        Section(
            "name-and-number",
            N_("Name and a number to ring back"),
            _FIRST,
            say=N_("In case we are cut off: what is your first name, and on which number can I ring you back?"),
        ),
        *_TALKING,
    ),
)
"""A call: first whom to ring back, then which ways are safe, then whether anything is urgent, then the rest."""

IN_PERSON = Order(
    "staff",
    SELF_REFERRAL,
    (
        Section(
            "name-and-number",
            N_("Name and number"),
            _FIRST,
            say=N_("What is your first name? And is there a phone number on which we may call you?"),
        ),
        *_TALKING,
    ),
)
"""The person is here, perhaps with an interpreter: as on a call."""

PAPER = Order(
    "paper",
    SELF_REFERRAL,
    (
        Section("who-for", N_("Who this form is for"), ("referring_for", *_HELPER)),
        Section("about-you", N_("About you"), ("first_name", *_REST_OF_NAME, *_WHERE_AND_WHEN)),
        Section("safe-contact", N_("Safe ways to reach you"), ("safe_ways", "phone", *_BY_PHONE, *_OTHER_WAYS)),
        Section("language-and-access", N_("Language and support"), _LANGUAGE),
        Section("what-matters", N_("What matters to you?"), ("what_matters", "needs")),
        Section("urgent", N_("Is anything urgent?"), ("urgency",)),
        Section("gp", N_("Your GP practice"), _GP),
        Section("sharing", N_("What may we share?"), _SHARING),
    ),
)
"""The sheet of paper, and the screens that it is typed into: the same order, the same numbers."""

ORDERS: Mapping[str, Order] = {order.code: order for order in (PHONE, IN_PERSON, PAPER)}
"""Which order a form is typed in, by the door that it comes through (source_channel)."""
