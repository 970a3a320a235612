"""The one engine behind every one-thing-per-page form.

A ``Journey`` is data: ``Step``s holding ``Question``s. Everything else is worked out from the data and the answers
so far: the path, the next step, what may be opened, what is missing, what the answers look like. Nothing is kept but
the answers, so no stored position can go stale.

Answers are codes or canonical values, never labels. Each asked question ends as one of (data dictionary, section 2):

=====================  ==============================================================
a value                a code, a list of codes, a canonical text (date, phone …)
``prefer-not-to-say``  asked; the person chose not to say
``dont-know``          asked; the person chose "I don't know"
``left-blank``         the page was shown and nothing was chosen (free text: ``None``)
absent                 not asked
=====================  ==============================================================
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from portal import reading
from portal.clock import today
from portal.i18n import N_, gettext, language_name, say_date
from portal.reading import Problem, Unreadable

Answers = Mapping[str, object]

PREFER_NOT_TO_SAY = "prefer-not-to-say"
DONT_KNOW = "dont-know"
LEFT_BLANK = "left-blank"
NOT_ASKED = "not-asked"
ABSENCES = (PREFER_NOT_TO_SAY, DONT_KNOW, LEFT_BLANK, NOT_ASKED)


class Kind(StrEnum):
    """What sort of answer a question takes."""

    TEXT = "text"
    LONG_TEXT = "long-text"
    ONE_OF = "one-of"
    SOME_OF = "some-of"
    LANGUAGE = "language"
    BIRTH = "birth"
    POSTCODE = "postcode"
    PHONE = "phone"
    EMAIL = "email"
    NHS_NUMBER = "nhs-number"

    @property
    def coded(self) -> bool:
        """Coded answers keep the four absences apart; free text does not."""
        return self in (Kind.ONE_OF, Kind.SOME_OF, Kind.LANGUAGE)


@dataclass(frozen=True)
class Choice:
    """One answer that may be chosen. ``code`` is for ever; ``label`` may change.

    ``alert`` names the rule by which choosing it raises an alert; ``keeps_nothing`` ends the form politely with
    nothing kept; ``alone`` means that it cannot be chosen beside others; ``value`` is the number that a published scale
    gives to it.
    """

    code: str
    label: str
    hint: str = ""
    alert: str = ""
    keeps_nothing: bool = False
    alone: bool = False
    safety: bool = False
    value: int | None = None

    @property
    def exact(self) -> str:
        """The words of a published scale with their value, which is written next to each of them."""
        if self.value is None:
            return self.label
        if self.code == str(self.value):  # one of a range of numbers, of which only the ends have words
            return f"{self.value}: {self.label}" if self.label else self.code
        return f"{self.label} ({self.value})"


PREFER_NOT = Choice(PREFER_NOT_TO_SAY, N_("I’d rather not say"), alone=True)
NOT_KNOWN = Choice(DONT_KNOW, N_("I don’t know"), alone=True)
_NO_VALUE = {choice.code: choice for choice in (PREFER_NOT, NOT_KNOWN)}


@dataclass(frozen=True)
class Exact:
    """Whose words they are that never pass through gettext: those of a published scale, in this language (BCP 47) and
    direction. ``opening`` is the form's instruction, ``recall`` the time that the question is about."""

    language: str
    direction: str
    opening: str = ""
    recall: str = ""


@dataclass(frozen=True)
class Question:
    """One thing that we ask.

    ``code`` names the answer for ever, in the store, in exports and in the data dictionary. ``label`` is the
    question as the person reads it, ``short`` the label on the summary and for staff, ``missing`` what to say when a
    required answer is not there, ``source`` where the question comes from (a standard, or "project"). ``safety``
    marks a safety-critical label; ``prefilled`` one for which the page proposes an answer. ``exact``: label and choices
    are the words of a published scale, and are shown to the letter.
    """

    code: str
    label: str
    kind: Kind = Kind.TEXT
    choices: tuple[Choice, ...] = ()
    required: bool = False
    short: str = ""
    hint: str = ""
    missing: str = ""
    longest: int = 150
    may_decline: bool = False
    may_not_know: bool = False
    safety: bool = False
    autocomplete: str = ""
    source: str = "project"
    prefilled: bool = False
    exact: Exact | None = None

    @property
    def all_choices(self) -> tuple[Choice, ...]:
        """The choices and, after them, the two ways of giving no value, where the question offers them."""
        return (
            *self.choices,
            *((NOT_KNOWN,) if self.may_not_know else ()),
            *((PREFER_NOT,) if self.may_decline else ()),
        )

    @property
    def name(self) -> str:
        """The label for summaries and staff."""
        return self.short or self.label

    def choice(self, code: object) -> Choice | None:
        """The choice with this code."""
        return next((choice for choice in self.all_choices if choice.code == code), None)

    def read(self, raw: object) -> object:
        """What the person typed or chose, as it is stored.

        Raises ``Unreadable`` with the problem when it cannot be: the words for it are ``say_problem``.
        """
        typed = [str(one) for one in raw] if isinstance(raw, list | tuple) else [] if raw is None else [str(raw)]
        # Only invisible characters are nothing said, whatever the keyboard thought.
        if all(reading.is_blank(one) for one in typed):
            if self.required:
                raise Unreadable(Problem.MISSING)
            return LEFT_BLANK if self.kind.coded else None
        if self.kind is Kind.SOME_OF:
            return self._read_some([reading.text(one, 100, lines=False) for one in typed if one.strip()])
        if len(typed) > 1:
            raise Unreadable(Problem.CHOOSE_ONE_ONLY)
        return _READ[self.kind](self, typed[0])

    def _read_some(self, codes: list[str]) -> list[str] | str:
        chosen = [choice for choice in self.all_choices if choice.code in codes]
        if len(chosen) < len(set(codes)):
            raise Unreadable(Problem.NOT_A_CHOICE)
        alone = [choice for choice in chosen if choice.alone]
        if alone and len(chosen) > 1:
            raise Unreadable(Problem.NONE_AND_SOME)
        if alone and alone[0].code in ABSENCES:
            return alone[0].code
        return [choice.code for choice in chosen]

    def alert_for(self, answer: object) -> str:
        """The alert rule that this answer raises, or an empty string."""
        given = answer if isinstance(answer, list) else [answer]
        return next((choice.alert for choice in self.choices if choice.alert and choice.code in given), "")

    def say(self, answer: object) -> str:
        """An answer in words, in the language now spoken. Never empty: an absence is said as what it is."""
        if answer is None or answer == LEFT_BLANK:
            return gettext(N_("Left blank"))
        if answer == NOT_ASKED:
            return gettext(N_("Not asked"))
        if isinstance(answer, list):
            return ", ".join(self.say(one) for one in answer)
        if choice := self.choice(answer) or _NO_VALUE.get(str(answer)):
            return choice.exact if self.exact and choice in self.choices else gettext(choice.label)
        if self.kind is Kind.LANGUAGE:
            return language_name(str(answer))
        if self.kind is Kind.PHONE:
            return reading.show_phone(str(answer))
        if self.kind is Kind.BIRTH:
            return _say_birth(str(answer))
        return str(answer)


def _say_birth(birth: str) -> str:
    """A date of birth in words; the year alone when that is all that is known."""
    return birth if len(birth) == 4 else say_date(date.fromisoformat(birth), weekday=False)


def _read_choice(question: Question, typed: str) -> str:
    code = reading.text(typed, 100, lines=False)
    if not question.choice(code):
        raise Unreadable(Problem.NOT_A_CHOICE)
    return code


def _read_language(question: Question, typed: str) -> str:
    code = reading.text(typed, 35, lines=False)
    if code not in SPOKEN_LANGUAGES and not question.choice(code):
        raise Unreadable(Problem.NOT_A_CHOICE)
    return code


_READ: dict[Kind, Callable[[Question, str], str]] = {
    Kind.TEXT: lambda question, typed: reading.text(typed, question.longest, lines=False),
    Kind.LONG_TEXT: lambda question, typed: reading.text(typed, question.longest, lines=True),
    Kind.ONE_OF: _read_choice,
    Kind.LANGUAGE: _read_language,
    Kind.BIRTH: lambda question, typed: reading.birth(typed, today()),
    Kind.POSTCODE: lambda question, typed: reading.postcode(typed),
    Kind.PHONE: lambda question, typed: reading.phone(typed),
    Kind.EMAIL: lambda question, typed: reading.email(typed),
    Kind.NHS_NUMBER: lambda question, typed: reading.nhs_number(typed, made_up=True),
}

SPOKEN_LANGUAGES = (
    *("en", "cy", "pl", "ro", "pa", "pnb", "ur", "bn", "syl", "gu", "ar", "fa", "prs", "ps", "ckb", "so", "pt", "es"),
    *("zh-Hans", "yue", "tr", "uk", "lt", "ta", "fr", "other"),
)
"""Languages that may be chosen as spoken or read: wider than the languages of the pages (languages 2). ``pnb`` also
stands for Mirpuri and Pahari, ``syl`` for Sylheti: the greatest needs of one hospital are spoken and not written. The
menu is kept to what one packet of a slow line carries; any other is "other", and named in the person's words."""


# Conditions: data, so that journeys can be checked, walked and drawn ------------------------------------------------


@dataclass(frozen=True)
class Always:
    """True for everyone."""

    def __call__(self, answers: Answers) -> bool:
        return True

    def asks(self) -> Iterator[str]:
        """The question codes that the condition looks at."""
        return iter(())

    def __str__(self) -> str:
        return "always"


@dataclass(frozen=True, init=False)
class answered:
    """True when the named question was answered with one of the codes (for a list: with at least one)."""

    question: str
    one_of: tuple[str, ...]

    def __init__(self, question: str, *one_of: str) -> None:
        object.__setattr__(self, "question", question)
        object.__setattr__(self, "one_of", one_of)

    def __call__(self, answers: Answers) -> bool:
        given = answers.get(self.question)
        return bool(set(given if isinstance(given, list) else [given]) & set(self.one_of))

    def asks(self) -> Iterator[str]:
        """The question codes that the condition looks at."""
        yield self.question

    def __str__(self) -> str:
        return f"{self.question} is {' or '.join(self.one_of)}"


@dataclass(frozen=True, init=False)
class all_of:
    """True when every part is."""

    parts: "tuple[Condition, ...]"

    def __init__(self, *parts: "Condition") -> None:
        object.__setattr__(self, "parts", parts)

    def __call__(self, answers: Answers) -> bool:
        return all(part(answers) for part in self.parts)

    def asks(self) -> Iterator[str]:
        """The question codes that the condition looks at."""
        return (code for part in self.parts for code in part.asks())

    def __str__(self) -> str:
        return " and ".join(f"({part})" for part in self.parts)


@dataclass(frozen=True, init=False)
class any_of:
    """True when at least one part is."""

    parts: "tuple[Condition, ...]"

    def __init__(self, *parts: "Condition") -> None:
        object.__setattr__(self, "parts", parts)

    def __call__(self, answers: Answers) -> bool:
        return any(part(answers) for part in self.parts)

    def asks(self) -> Iterator[str]:
        """The question codes that the condition looks at."""
        return (code for part in self.parts for code in part.asks())

    def __str__(self) -> str:
        return " or ".join(f"({part})" for part in self.parts)


Condition = Always | answered | all_of | any_of


# Steps and journeys -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Step:
    """One page. ``title`` heads a page with several questions; ``why`` says why we ask; ``notice`` names a part of a
    template to show on the page; ``one_needed`` names questions of which at least one must be answered."""

    slug: str
    questions: tuple[Question, ...] = ()
    title: str = ""
    why: str = ""
    notice: str = ""
    only_if: Condition = Always()
    one_needed: tuple[str, ...] = ()
    one_needed_missing: str = ""

    @property
    def heading(self) -> str:
        """The page's one heading."""
        return self.title or self.questions[0].label

    def read(self, raw: Mapping[str, object]) -> "tuple[dict[str, object], dict[str, Problem]]":
        """Answers and problems of what was typed on this page, by question code."""
        answers: dict[str, object] = {}
        problems: dict[str, Problem] = {}
        for question in self.questions:
            try:
                answers[question.code] = question.read(raw.get(question.code))
            except Unreadable as unreadable:
                problems[question.code] = unreadable.problem
        if self.one_needed and not problems and not self.has_one(answers):
            problems[self.one_needed[0]] = Problem.MISSING
        return answers, problems

    def has_one(self, answers: Answers) -> bool:
        """Whether one of those is there of which one is needed."""
        return any(answers.get(code) not in (None, *ABSENCES) for code in self.one_needed)

    def done(self, answers: Answers) -> bool:
        """Asked, and nothing wrong. A blank kept is not the same as a question never put."""
        if not self.questions:
            return True
        return (
            all(question.code in answers for question in self.questions)
            and not any(
                question.required and answers[question.code] in (None, LEFT_BLANK) for question in self.questions
            )
            and (not self.one_needed or self.has_one(answers))
        )

    def say_problem(self, code: str, problem: Problem) -> str:
        """The sentence for a problem with a question of this page, in the language now spoken."""
        question = next(question for question in self.questions if question.code == code)
        if problem is Problem.MISSING:
            special = self.one_needed_missing if code in self.one_needed and not question.required else ""
            return gettext(special or question.missing or SAY[problem])
        return gettext(SAY[problem], longest=question.longest)


SAY: dict[Problem, str] = {
    Problem.MISSING: N_("Answer this question"),
    Problem.UNREADABLE_CHARACTERS: N_("Some of the characters cannot be read. Please type it again"),
    Problem.TOO_LONG: N_("Use %(longest)s characters or fewer"),
    Problem.TOO_MANY_MARKS: N_("There are too many accents on one letter. Please type it again"),
    Problem.NOT_A_DATE: N_("Type a date, like 27 3 1965. If you are not sure, type the year only"),
    Problem.DATE_IN_FUTURE: N_("The date of birth must be in the past"),
    Problem.DATE_TOO_LONG_AGO: N_("Check the year. It is more than 120 years ago"),
    Problem.NOT_A_POSTCODE: N_("Type a full UK postcode, like AB1 2AA"),
    Problem.NOT_A_PHONE: N_("Type a phone number, like 07700 900123"),
    Problem.NOT_AN_EMAIL: N_("Type an email address, like name@example.com"),
    Problem.NOT_AN_NHS_NUMBER: N_("An NHS number has 10 digits, like 999 123 4578. You can leave it blank"),
    Problem.NOT_A_CHOICE: N_("Choose one of the answers on this page"),
    Problem.CHOOSE_ONE_ONLY: N_("Choose one answer only"),
    Problem.NONE_AND_SOME: N_("Choose from the list, or choose the last answer on its own"),
}
"""What to say for each problem: kind, precise, and what to do about it."""


@dataclass(frozen=True)
class Journey:
    """Steps in order, with conditions. ``version`` rises with every change of what is asked; ``derived`` names the
    answers that the room works out itself (never typed) and that conditions may look at."""

    code: str
    version: int
    steps: tuple[Step, ...]
    derived: tuple[str, ...] = ()
    _by_slug: dict[str, Step] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a journey that cannot be walked."""
        asked: set[str] = set(self.derived)
        for step in self.steps:
            if step.slug in self._by_slug:
                raise ValueError(f"{self.code} has two steps called {step.slug}")
            self._by_slug[step.slug] = step
            for looked_at in step.only_if.asks():
                if looked_at not in asked:
                    raise ValueError(f"{self.code}/{step.slug} depends on {looked_at}, which is not asked before it")
            for question in step.questions:
                if question.code in asked:
                    raise ValueError(f"{self.code} asks {question.code} twice")
                asked.add(question.code)
                _refuse_a_broken_question(self.code, question)
            for code in step.one_needed:
                if code not in {question.code for question in step.questions}:
                    raise ValueError(f"{self.code}/{step.slug} needs {code}, which it does not ask")

    @property
    def questions(self) -> tuple[Question, ...]:
        """Every question, in order."""
        return tuple(question for step in self.steps for question in step.questions)

    def question(self, code: str) -> Question:
        """The question with this code; ``KeyError`` when there is none."""
        for question in self.questions:
            if question.code == code:
                return question
        raise KeyError(code)

    def step(self, slug: str) -> Step | None:
        """The step at this address."""
        return self._by_slug.get(slug)

    def path(self, answers: Answers) -> list[Step]:
        """The steps that these answers lead through. Only answers of steps that are themselves on the path decide: a
        ghost of a changed mind opens no page."""
        known = {code: answers[code] for code in self.derived if code in answers}
        path = []
        for step in self.steps:
            if step.only_if(known):
                path.append(step)
                known.update((one.code, answers[one.code]) for one in step.questions if one.code in answers)
        return path

    def first_gap(self, answers: Answers) -> Step | None:
        """The first step on the path that still lacks an answer."""
        return next((step for step in self.path(answers) if not step.done(answers)), None)

    def may_open(self, slug: str, answers: Answers) -> bool:
        """A step may be opened when it is on the path and nothing before it is missing."""
        for step in self.path(answers):
            if step.slug == slug:
                return True
            if not step.done(answers):
                return False
        return False

    def after(self, slug: str, answers: Answers) -> Step | None:
        """The step after this one on the path."""
        return self._beside(slug, answers, 1)

    def before(self, slug: str, answers: Answers) -> Step | None:
        """The step before this one on the path."""
        return self._beside(slug, answers, -1)

    def _beside(self, slug: str, answers: Answers, by: int) -> Step | None:
        path = self.path(answers)
        slugs = [step.slug for step in path]
        if slug not in slugs:
            return None
        place = slugs.index(slug) + by
        return path[place] if 0 <= place < len(path) else None

    def on_path(self, answers: Answers) -> dict[str, object]:
        """Only the answers that the path still asks for: a changed mind leaves no ghosts."""
        asked = {question.code for step in self.path(answers) for question in step.questions} | set(self.derived)
        return {code: value for code, value in answers.items() if code in asked}

    def alerts(self, answers: Answers) -> Sequence[tuple[str, str]]:
        """``(question code, alert rule)`` for each answer that raises an alert."""
        return [
            (question.code, rule)
            for question in self.questions
            if (rule := question.alert_for(answers.get(question.code)))
        ]


def _refuse_a_broken_question(journey: str, question: Question) -> None:
    codes = [choice.code for choice in question.all_choices]
    if len(codes) != len(set(codes)):
        raise ValueError(f"{journey}: {question.code} offers a code twice")
    if question.kind in (Kind.ONE_OF, Kind.SOME_OF) and not question.choices:
        raise ValueError(f"{journey}: {question.code} offers nothing to choose")
    if {LEFT_BLANK, NOT_ASKED} & set(codes):
        raise ValueError(f"{journey}: {question.code} offers an absence that cannot be chosen")
    if question.required and not question.missing:
        raise ValueError(f"{journey}: {question.code} is required but does not say what is missing")


def age_fits(birth: str, day: date, youngest: int) -> str:
    """``yes``, ``no`` or ``unsure`` (a year alone, in the year in which the person reaches the age)."""
    low, high = reading.age_on(birth, day)
    return "yes" if low >= youngest else "no" if high < youngest else "unsure"
