"""A question as a page shows it. No rule lives here: what may be answered and what is wrong with it, the question says.

Steps are drawn straight from their questions and not through a form library: building fields anew on every request was
most of what a page cost (decision 0007), and there would be a second place for rules.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup, escape

from portal import i18n
from portal.i18n import N_, gettext, language_name, ngettext
from portal.journeys import Exact, Kind, Problem, Question, Step
from portal.journeys.engine import SPOKEN_LANGUAGES

INPUT: dict[Kind, dict[str, str]] = {
    Kind.TEXT: {"type": "text"},
    Kind.BIRTH: {"type": "text", "dir": "ltr"},
    Kind.POSTCODE: {"type": "text", "dir": "ltr"},
    Kind.PHONE: {"type": "tel"},
    Kind.EMAIL: {"type": "email"},
    Kind.NHS_NUMBER: {"type": "text", "dir": "ltr"},
}
"""How each kind with one line is typed. ``dir`` keeps codes left-to-right on every page."""

INPUT_MODE: dict[Kind, str] = {Kind.PHONE: "tel", Kind.EMAIL: "email", Kind.NHS_NUMBER: "numeric"}


@dataclass(frozen=True)
class Shown:
    """One question of a page, ready to be drawn."""

    question: Question
    label: str | Markup
    hint: str | Markup
    value: object
    error: str
    items: tuple[dict[str, object], ...]
    attributes: Mapping[str, str]
    heading: bool

    @property
    def form(self) -> str:
        """Which part draws it."""
        kind = self.question.kind
        if kind in (Kind.ONE_OF, Kind.SOME_OF):
            return "radios" if kind is Kind.ONE_OF else "checkboxes"
        return {Kind.LANGUAGE: "select", Kind.LONG_TEXT: "textarea"}.get(kind, "input")

    @property
    def counted(self) -> bool:
        """Whether the page counts the characters left: only where people may really write that much."""
        return self.question.longest >= 1000

    @property
    def typed_as(self) -> Mapping[str, str]:
        """The type and direction of a one-line field."""
        return INPUT[self.question.kind]


def english_of(text: str) -> Markup | str:
    """The English beneath a safety-critical text, while the language is a draft; else nothing."""
    if i18n.spoken().reviewed:
        return ""
    return Markup('<span lang="en" dir="ltr">{}</span>').format(text)


def exact_words(exact: Exact, text: str) -> Markup:
    """Words of a published scale, to the letter; marked with their language and direction where the page's differ."""
    spoken = i18n.spoken()
    if exact.language == spoken.code and exact.direction == spoken.direction:
        return escape(text)
    return Markup('<span lang="{}" dir="{}">{}</span>').format(exact.language, exact.direction, text)


def label(question: Question) -> str | Markup:
    """A question as it is read, with the time that it is about."""
    about, item = about_and_label(question)
    return Markup('<span class="nhsuk-body-l">{}</span> {}').format(about, item) if about else item


def about_and_label(question: Question) -> tuple[str | Markup, str | Markup]:
    """The time that a question is about, empty when it says none, and the question alone."""
    if question.exact is None:
        return "", gettext(question.label)
    about = exact_words(question.exact, question.exact.recall) if question.exact.recall else ""
    return about, exact_words(question.exact, question.label)


def show(
    step: Step,
    answers: Mapping[str, object],
    typed: Mapping[str, object] | None,
    problems: Mapping[str, Problem],
    *,
    autofill: bool,
) -> list[Shown]:
    """The questions of a page. What was typed wins over what is stored: nothing typed is lost."""
    alone = len(step.questions) == 1 and not step.title
    return [
        _shown(step, question, answers, typed, problems.get(question.code), autofill=autofill, heading=alone)
        for question in step.questions
    ]


def _shown(
    step: Step,
    question: Question,
    answers: Mapping[str, object],
    typed: Mapping[str, object] | None,
    problem: Problem | None,
    *,
    autofill: bool,
    heading: bool,
) -> Shown:
    value = typed[question.code] if typed is not None and question.code in typed else answers.get(question.code)
    if question.prefilled and question.code not in answers and value is None:
        value = i18n.spoken().code
    hint: str | Markup = gettext(question.hint)
    if question.safety and (english := english_of(question.label)):
        hint = Markup("{} {}").format(english, hint)
    attributes: dict[str, str] = {}
    if question.autocomplete and autofill:
        attributes["autocomplete"] = question.autocomplete
    if mode := INPUT_MODE.get(question.kind):
        attributes["inputmode"] = mode
    return Shown(
        question=question,
        label=label(question),
        hint=hint,
        value=_as_typed(question, value),
        error=step.say_problem(question.code, problem) if problem else "",
        items=tuple(_items(question, value)),
        attributes=attributes,
        heading=heading,
    )


def _as_typed(question: Question, value: object) -> str:
    """A stored value as the person may go on typing it."""
    if isinstance(value, list):
        value = ("\n" if question.kind is Kind.LONG_TEXT else " ").join(map(str, value))
    return "" if value is None else printable(str(value))


def printable(typed: str) -> str:
    """What was typed, with a visible sign for each character that no page can hold (NUL, control characters)."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", typed)


_NONCHARACTERS = "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
_UNPRINTABLE = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_NONCHARACTERS}]")


def _items(question: Question, value: object) -> list[dict[str, object]]:
    chosen = set(map(str, value)) if isinstance(value, list) else {str(value)}
    if question.kind is Kind.LANGUAGE:
        named = sorted((language_name(code), code) for code in SPOKEN_LANGUAGES if code != "other")
        listed = [("", gettext(N_("Choose a language"))), *((code, name) for name, code in named)]
        listed.append(("other", language_name("other")))
        listed += [(choice.code, gettext(choice.label)) for choice in question.all_choices]
        return [{"value": code, "text": name, "checked": code in chosen} for code, name in listed]
    return [
        {
            "value": choice.code,
            "text": exact_words(question.exact, choice.exact)
            if question.exact and choice in question.choices
            else gettext(choice.label),
            "hint": (english_of(choice.label) if choice.safety else "") or gettext(choice.hint),
            "checked": choice.code in chosen,
            "exclusive": choice.alone and question.kind is Kind.SOME_OF,
        }
        for choice in question.all_choices
    ]


def count_words(longest: int) -> dict[str, str]:
    """The words of the character count, with every plural form that the browser may ask for."""
    words = {"info": gettext(N_("You can write up to %(longest)s characters"), longest=f"{longest:,}")}
    for category, example in _plural_examples().items():
        # The browser puts the number in, so the words keep a place for it instead of a number.
        place = {"num": "%{count}"}
        words[f"characters-under-limit.{category}"] = ngettext(
            "%(num)s character left", "%(num)s characters left", example, **place
        )
        words[f"characters-over-limit.{category}"] = ngettext(
            "%(num)s character too many", "%(num)s characters too many", example, **place
        )
    return words


def _plural_examples() -> dict[str, int]:
    """A number for each plural category of the language: the browser asks for the category by name."""
    rule = i18n.spoken().locale.plural_form
    found: dict[str, int] = {}
    for number in (0, 1, 2, 3, 5, 6, 11, 100):
        found.setdefault(rule(number), number)
    return {**found, "other": found.get("other", 100)}


def in_words(question: Question, answers: Mapping[str, object]) -> Markup:
    """An answer for a summary: never empty, codes left-to-right, people's own words with their own direction."""
    if question.code not in answers:
        return escape(gettext(N_("Not asked")))
    return said(question, answers[question.code])


def said(question: Question, answer: object) -> Markup:
    """One answer in words, with its direction."""
    said = question.say(answer)
    if question.exact and any(choice.code == answer for choice in question.choices):
        return exact_words(question.exact, said)
    if question.kind in (Kind.PHONE, Kind.EMAIL, Kind.POSTCODE, Kind.NHS_NUMBER):
        return Markup('<bdi dir="ltr">{}</bdi>').format(said)
    return escape(said)
