"""How a value is said: each column of the store has its way."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from portal import instruments, measures, services
from portal.exports.words import ABSENT, DERIVED, NAMES, REASON_WORDS, say_act
from portal.i18n import N_, gettext, language_name, say_date, say_moment
from portal.journeys import Journey, Question
from portal.journeys.wellbeing_check import wellbeing_check
from portal.store import (
    MeasureResponse,
    Record,
    Service,
    Staff,
)


@dataclass
class Book:
    """What is looked up while the copy is made."""

    store: Session
    service: Service
    staff: Mapping[uuid.UUID, Staff]
    ids: "dict[type[Record], set[uuid.UUID]]" = field(default_factory=dict)
    rows: "dict[type[Record], Sequence[Any]]" = field(default_factory=dict)
    shown: "dict[uuid.UUID, dict[str, Question]]" = field(default_factory=dict)


Say = Callable[[Book, Any, Any], Iterator[tuple[str, str, object, str]]]
"""From the book, the row and the value of a column: (rest of the code, name or empty, value, words), one or more."""


def plain(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    yield "", "", value, "" if value is None else word(value)


def word(value: object) -> str:
    if isinstance(value, bool):
        return gettext(N_("Yes")) if value else gettext(N_("No"))
    if isinstance(value, datetime):
        return say_moment(value)
    if isinstance(value, date):
        return say_date(value, weekday=False)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def link(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """Leads to another record of this copy: nothing to read."""
    yield "", "", value, ""


def staff_name(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """Somebody of the staff: their name, never their number."""
    who = book.staff.get(value)
    yield "", "", who.name if who else None, who.name if who else ""


def language(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    yield "", "", value, language_name(value)


def one_of(words: Mapping[str, str]) -> Say:
    def say(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
        yield "", "", value, gettext(words.get(value, value)) if value is not None else ""

    return say


def some_of(words: Mapping[str, str]) -> Say:
    """Several codes at once."""

    def say(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
        yield "", "", value, ", ".join(gettext(words.get(one, one)) for one in value or ())

    return say


def answer(journey: Journey, code: str = "") -> Say:
    """An answer to the question that is called as the column (or ``code``)."""

    def say(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
        yield "", "", value, journey.question(code).say(value)

    return say


def answers(*journeys: Journey) -> Say:
    """Answers by question."""

    def say(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
        asked = {question.code: question for journey in journeys for question in journey.questions}
        for code, said in (value or {}).items():
            question = asked.get(code)
            yield (
                code,
                gettext(question.name if question else NAMES[code]) if question or code in NAMES else code,
                said,
                question.say(said) if question else derived(said),
            )

    return say


def derived(said: object) -> str:
    return gettext(DERIVED[said]) if isinstance(said, str) and said in DERIVED else word(said)


def parts(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """Whatever a mapping holds, by its keys."""
    for code, said in (value or {}).items():
        named = NAMES.get(code, "")
        words = gettext(ABSENT[said]) if isinstance(said, str) and said in ABSENT else word(said)
        yield str(code), gettext(named) if named else str(code), said, "" if said is None else words


def scales(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """One scale or several, by their titles."""
    known = instruments.catalogue()
    keys = [value] if isinstance(value, str) else value or ()
    yield "", "", value, "; ".join(known[key].title if key in known else key for key in keys)


def reason(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """Why a referral was not taken up, from the service's own list."""
    known = services.settings_of(book.service).named_reason(value) if value else None
    words = gettext(known.label) if known else REASON_WORDS.get(value or "", value or "")
    yield "", "", value, gettext(words)


def item(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """An answer to a scale, in the words that were shown; the codes stand for words that are not here any more."""
    if row.response_id not in book.shown:
        response = next(one for one in book.rows[MeasureResponse] if one.id == row.response_id)
        book.shown[row.response_id] = _questions_shown(book.store, response)
    question = book.shown[row.response_id].get(row.item)
    for code, part in value.items():
        words = question.say(part) if question and code != "value" else word(part)
        yield code, question.label if question else row.item, part, words


def _questions_shown(store: Session, response: MeasureResponse) -> dict[str, Question]:
    what = (response.service_id, response.scale, response.scale_version)
    try:
        instrument = measures.instrument_of(store, *what)
        wording = measures.words_of(store, *what, response.language, response.wording_hash)
    except KeyError:
        return {}
    asked = wellbeing_check(instrument, wording).questions if wording else ()
    return {question.code: question for question in asked}


def act(book: Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    yield "", "", value, say_act(value)
