"""One person, two occasions: what moved, and whether a published rule lets us say more than the two numbers.

A person is compared with themselves alone, and only where words and way of answering were the same. Where they were
not, the difference is given together with that fact, and no verdict.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from portal.instruments.definition import Direction, Instrument, Number
from portal.instruments.scoring import Responses, score


class Mode(StrEnum):
    """How a response came about."""

    SELF = "self"
    ASSISTED = "assisted"
    INTERPRETER = "interpreter"
    TELEPHONE = "telephone"


class Verdict(StrEnum):
    """What a published threshold says of one person's change. "Worse" is said as plainly as "better"."""

    BETTER = "better"
    NO_RELIABLE_CHANGE = "no-reliable-change"
    WORSE = "worse"


class Unlike(StrEnum):
    """Why two responses may not be compared as if they were alike."""

    VERSION = "version"
    WORDING = "wording"
    MODE = "mode"
    WEEKDAY = "weekday"  # the items ask about yesterday


@dataclass(frozen=True)
class Response:
    """A response as it was kept: the version of the scale, the hash of the words that were shown, how, and when."""

    version: str
    wording: str
    mode: Mode
    on: date
    answers: Responses


@dataclass(frozen=True)
class Change:
    """`difference` is later minus earlier, None when either has no score or the values are no amounts. `verdict` is
    None where no threshold is published, and whenever `unlike` says that the two are not alike."""

    earlier: Number | None
    later: Number | None
    difference: Number | None
    verdict: Verdict | None
    unlike: frozenset[Unlike]


def change(instrument: Instrument, code: str, earlier: Response, later: Response) -> Change:
    """What moved in this score between two responses of one person. `instrument` is the version of the later one.
    Raises KeyError for a score that one response does not have, NotAnAnswer for answers that the scale does not offer,
    ValueError when the responses are in the wrong order of time."""
    if later.on < earlier.on:
        raise ValueError("The later response lies before the earlier one")
    unlike = frozenset(_unlike(instrument, code, earlier, later))
    after = score(instrument, later.answers)[code].value
    # Answers to another version are scored by that version, where the caller has it; here they say nothing.
    before = None if Unlike.VERSION in unlike else score(instrument, earlier.answers)[code].value
    if before is None or after is None or instrument.score_by_code[code].direction is Direction.CATEGORY:
        return Change(before, after, None, None, unlike)
    difference = after - before
    return Change(before, after, difference, None if unlike else _verdict(instrument, code, difference), unlike)


def _unlike(instrument: Instrument, code: str, earlier: Response, later: Response) -> Iterator[Unlike]:
    if earlier.version != later.version:
        yield Unlike.VERSION
    if earlier.wording != later.wording:
        yield Unlike.WORDING
    if earlier.mode is not later.mode:
        yield Unlike.MODE
    items = instrument.score_by_code[code].items
    if earlier.on.weekday() != later.on.weekday() and any(
        instrument.item_by_code[item].weekday_matters for item in items
    ):
        yield Unlike.WEEKDAY


def _verdict(instrument: Instrument, code: str, difference: Number) -> Verdict | None:
    published = instrument.change
    if published is None or published.score != code:
        return None
    if -published.by < difference < published.by:
        return Verdict.NO_RELIABLE_CHANGE
    rose = difference > 0
    higher_is_better = instrument.score_by_code[code].direction is Direction.HIGHER_BETTER
    return Verdict.BETTER if rose is higher_is_better else Verdict.WORSE


def may_be_asked_again(instrument: Instrument, last: date, today: date) -> bool:
    """Whether enough days have passed: a scale about the last two weeks is not repeated inside them."""
    return today - last >= timedelta(days=instrument.not_again_within_days)
