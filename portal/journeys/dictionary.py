"""The data dictionary, worked out from the questions themselves: it cannot say anything else than what is asked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from portal.journeys.engine import LEFT_BLANK, NOT_ASKED, Always, Journey, Kind, Question, Step

FORMATS: dict[Kind, str] = {
    Kind.TEXT: "text, one line",
    Kind.LONG_TEXT: "text",
    Kind.ONE_OF: "one code",
    Kind.SOME_OF: "list of codes",
    Kind.LANGUAGE: "language tag (BCP 47)",
    Kind.BIRTH: "YYYY-MM-DD, or YYYY when only the year is known",
    Kind.POSTCODE: "UK postcode, with its space",
    Kind.PHONE: "E.164",
    Kind.EMAIL: "email address",
    Kind.NHS_NUMBER: "10 digits, modulus 11",
}


@dataclass(frozen=True)
class Entry:
    """One stored field."""

    journey: str
    version: int
    step: str
    field: str
    asked: str
    format: str
    codes: tuple[tuple[str, str], ...]
    absences: tuple[str, ...]
    required: bool
    when: str
    longest: int | None
    source: str


def entries(journeys: Sequence[Journey]) -> Iterator[Entry]:
    """Every field of these journeys, in the order of the questions. Texts are the English source."""
    for journey in journeys:
        for step in journey.steps:
            for question in step.questions:
                yield _entry(journey, step, question)


def _entry(journey: Journey, step: Step, question: Question) -> Entry:
    values = [(choice.code, choice.label) for choice in question.choices]
    chosen = [choice.code for choice in question.all_choices if choice not in question.choices]
    absences = [*chosen, *([LEFT_BLANK] if question.kind.coded and not question.required else []), NOT_ASKED]
    return Entry(
        journey=journey.code,
        version=journey.version,
        step=step.slug,
        field=question.code,
        asked=question.label,
        format=FORMATS[question.kind],
        codes=tuple(values),
        absences=tuple(absences),
        required=question.required,
        when="" if isinstance(step.only_if, Always) else str(step.only_if),
        longest=question.longest if question.kind in (Kind.TEXT, Kind.LONG_TEXT) else None,
        source=question.source,
    )
