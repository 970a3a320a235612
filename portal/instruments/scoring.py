"""From answers to scores, as published. Pure functions: nothing is looked up, nothing remembered.

A missing item is never zero. Sums are whole numbers, and what a published table prints with decimals stays Decimal:
no score ever goes through a float.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from portal.instruments.definition import Cut, Instrument, Kind, Number, ScoreRule

Responses = Mapping[str, int | None]
"""Item code -> stored value; None (or left out) where the person gave no answer, for whatever reason."""


class NotAnAnswer(ValueError):
    """A value that this item does not offer, or an item that the scale does not have. Never carries the value."""


@dataclass(frozen=True)
class Score:
    """One score of one response. `value` is None when too much is missing; `band` then too, and where none is
    published."""

    code: str
    value: Number | None
    band: str | None


@dataclass(frozen=True)
class GoalChange:
    """How goals moved. `changes` keeps the order of the goals, None where a rating is missing; `mean` is over the goals
    with both ratings, to four places, None when there are none. Show every line, never the mean alone."""

    changes: tuple[int | None, ...]
    mean: Decimal | None
    complete_goals: int


@dataclass(frozen=True)
class Share:
    """A percentage to one place and what it is of. None of nobody."""

    percent: Decimal | None
    answers: int


def score(instrument: Instrument, responses: Responses) -> dict[str, Score]:
    """Every score that one response has, by code. Raises NotAnAnswer for a value or an item that is not of this scale.
    Kinds that need several goals or several people are not here: see goal_change, gas and shares."""
    answers = _answers(instrument, responses)
    scores = {}
    for rule in instrument.scores:
        if rule.kind in _OF_ONE_RESPONSE:
            value = _value(instrument, rule, answers)
            scores[rule.code] = Score(rule.code, value, band(instrument, rule.code, value))
    return scores


def band(instrument: Instrument, code: str, value: Number | None) -> str | None:
    """The published band of a value of this score; None for no value and where no bands are published.
    Raises KeyError for a score that is not of this scale, NotAnAnswer for a value that it cannot have."""
    rule = instrument.score_by_code[code]
    if value is None:
        return None
    if value not in instrument.possible(code):
        raise NotAnAnswer(f"{instrument.key} {code} cannot have this value")
    return next((one.code for one in rule.bands if one.lowest <= value <= one.highest), None)


def reached(instrument: Instrument, responses: Responses) -> dict[str, bool | None]:
    """Which published cuts these answers reach, by code; None where there is no score. Raises NotAnAnswer."""
    scores = score(instrument, responses)
    found: dict[str, bool | None] = {}
    for threshold in instrument.thresholds:
        value = scores[threshold.score].value
        if value is None:
            found[threshold.code] = None
        elif threshold.cut is Cut.ANY_ITEM_AT_MOST:
            items = instrument.score_by_code[threshold.score].items
            found[threshold.code] = any(
                given <= threshold.value for code in items if (given := responses.get(code)) is not None
            )
        else:
            found[threshold.code] = _CUTS[threshold.cut](value, threshold.value)
    return found


def risks(instrument: Instrument, responses: Responses) -> tuple[str, ...]:
    """The items whose answer needs a person at once. Waits for nothing: ask it after every saved answer, also of a form
    that is never finished. Raises NotAnAnswer."""
    answers = _answers(instrument, responses)
    return tuple(risk.item for risk in instrument.risk if answers.get(risk.item, -1) >= risk.at_least)


def _answers(instrument: Instrument, responses: Responses) -> dict[str, int]:
    """The answers that were given, each one that the form offers."""
    answers = {}
    for code, value in responses.items():
        if code not in instrument.item_by_code:
            raise NotAnAnswer(f"{instrument.key} has no such item")
        if value is None:
            continue
        # True equals 1 and 1.0 equals 1, and neither was on the form.
        if type(value) is not int or value not in {option.value for option in instrument.options(code)}:
            raise NotAnAnswer(f"{instrument.key} {code} does not offer this value")
        answers[code] = value
    return answers


# --- the kinds of one response --------------------------------------------------------------------------------------


def _value(instrument: Instrument, rule: ScoreRule, answers: Mapping[str, int]) -> Number | None:
    given = {code: answers[code] for code in rule.items if code in answers}
    if len(rule.items) - len(given) > rule.most_missing:
        return None
    return _OF_ONE_RESPONSE[rule.kind](instrument, rule, given)


def _total(_instrument: Instrument, _rule: ScoreRule, given: Mapping[str, int]) -> Number:
    return sum(given.values())


def _total_x4(_instrument: Instrument, _rule: ScoreRule, given: Mapping[str, int]) -> Number:
    return 4 * sum(given.values())


def _from_table(_instrument: Instrument, rule: ScoreRule, given: Mapping[str, int]) -> Number:
    return rule.table[sum(given.values())]


def _counted(instrument: Instrument, _rule: ScoreRule, given: Mapping[str, int]) -> Number:
    return sum(value in instrument.item_by_code[code].counts for code, value in given.items())


_OF_ONE_RESPONSE: dict[Kind, Callable[[Instrument, ScoreRule, Mapping[str, int]], Number]] = {
    Kind.NONE: _total,  # of its one item
    Kind.SUM: _total,
    Kind.SUM_X4: _total_x4,
    Kind.SUM_TO_TABLE: _from_table,
    Kind.COUNT_OF: _counted,
}

_CUTS: dict[Cut, Callable[[Number, int], bool]] = {
    Cut.BELOW: lambda value, cut: value < cut,
    Cut.AT_MOST: lambda value, cut: value <= cut,
    Cut.AT_LEAST: lambda value, cut: value >= cut,
}


# --- goals ----------------------------------------------------------------------------------------------------------


def goal_change(instrument: Instrument, first: Sequence[int | None], latest: Sequence[int | None]) -> GoalChange:
    """How each goal moved from its first rating to its latest, and the mean of those with both. Both sequences name the
    goals in the same order. Raises NotAnAnswer for a rating that is not offered, ValueError when the numbers of goals
    differ or are more than the scale takes."""
    _rule_of(instrument, Kind.MEAN_OF_GOALS)
    if len(first) != len(latest) or len(first) > instrument.repeats:
        raise ValueError(f"{instrument.key} takes the same goals twice, at most {instrument.repeats}")
    (item,) = instrument.items
    for rating in (*first, *latest):
        _answers(instrument, {item.code: rating})
    changes = tuple(
        None if before is None or now is None else now - before for before, now in zip(first, latest, strict=True)
    )
    moved = [change for change in changes if change is not None]
    mean = _rounded(Decimal(sum(moved)) / len(moved), "0.0001") if moved else None
    return GoalChange(changes, mean, len(moved))


def gas(instrument: Instrument, levels: Sequence[int | None], weights: Sequence[int]) -> Decimal | None:
    """The T-score of goal attainment scaling to two places, in the form of Kiresuk and Sherman (the formula printed in
    Turner-Stokes 2009 was wrong and has an erratum). None when a goal has no level, or there is no goal.
    `weights` are whole numbers from 1 (importance times difficulty). Raises NotAnAnswer for a level that is not on the
    scale, ValueError for a weight below 1 or when a goal lacks its weight."""
    rule = _rule_of(instrument, Kind.GAS)
    if len(levels) != len(weights) or any(weight < 1 for weight in weights):
        raise ValueError(f"{instrument.key} wants a weight of 1 or more for every goal")
    (options,) = instrument.option_sets.values()
    given = [level for level in levels if level is not None]
    if not {*given} <= {option.value for option in options}:
        raise NotAnAnswer(f"{instrument.key} has no such level")
    if not given or len(given) < len(levels) or rule.rho is None:
        return None
    weighted = sum(weight * level for weight, level in zip(weights, given, strict=True))
    spread = (1 - rule.rho) * sum(weight**2 for weight in weights) + rule.rho * sum(weights) ** 2
    return _rounded(50 + 10 * weighted / spread.sqrt(), "0.01")


# --- many people's answers ------------------------------------------------------------------------------------------


def shares(instrument: Instrument, counts: Mapping[str, int]) -> dict[str, Share]:
    """The published shares of many answers, by score; where the score names no answers of its own, the share of each
    answer by option code. `counts` is option code -> how many gave it; a missing answer is in no share. Never a mean:
    these answers are not amounts. Raises NotAnAnswer for an answer that is not offered or a count below zero."""
    found: dict[str, Share] = {}
    for rule in (rule for rule in instrument.scores if rule.kind is Kind.SHARE):
        codes = [option.code for option in instrument.options(rule.items[0])]
        if set(counts) - set(codes) or any(count < 0 for count in counts.values()):
            raise NotAnAnswer(f"{instrument.key} {rule.code} cannot count these answers")
        wanted = {rule.code: rule.share_of} if rule.share_of else {code: (code,) for code in codes}
        for name, part in wanted.items():
            found[name] = _share(sum(counts.get(code, 0) for code in part), sum(counts.values()))
    return found


def _share(part: int, answers: int) -> Share:
    return Share(_rounded(Decimal(100 * part) / answers, "0.1") if answers else None, answers)


def _rule_of(instrument: Instrument, kind: Kind) -> ScoreRule:
    for rule in instrument.scores:
        if rule.kind is kind:
            return rule
    raise ValueError(f"{instrument.key} has no score of the kind {kind}")


def _rounded(value: Decimal, places: str) -> Decimal:
    """Half away from zero, as on paper: Python's own rounding goes to the even digit."""
    return value.quantize(Decimal(places), ROUND_HALF_UP)
