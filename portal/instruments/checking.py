"""What a definition may not get wrong. Each function yields one sentence for each thing that is wrong, none when all is
well; the catalogue refuses to open with any, so a mistake in a data file stops the start and never reaches a person.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from portal.instruments.definition import (
    Direction,
    Instrument,
    Kind,
    Norm,
    Number,
    ReliableChange,
    ScoreRule,
    State,
    Threshold,
    Wording,
)

_HAS_NUMBERS = {Kind.NONE, Kind.SUM, Kind.SUM_X4, Kind.SUM_TO_TABLE, Kind.COUNT_OF}
_HAS_ITEMS = _HAS_NUMBERS | {Kind.SHARE}
_HAS_A_BETTER_END = {Direction.HIGHER_BETTER, Direction.HIGHER_WORSE, Direction.HIGHER_LONELIER}


def problems(instrument: Instrument) -> Iterator[str]:
    """Everything that keeps this scale from being asked, scored or shown as published."""
    if not (instrument.key and instrument.version and instrument.title and instrument.publisher):
        yield "has no key, version, title or publisher"
    if broken := [*_in_frame(instrument)]:
        yield from broken
        return  # nothing else about it can be worked out
    yield from _in_answers(instrument)
    for rule in instrument.scores:
        yield from _in_score(instrument, rule)
    yield from _in_what_points_at_scores(instrument)
    yield from _in_norms_and_change(instrument)
    yield from _in_rights(instrument)
    for language, wording in instrument.wordings.items():
        if language != wording.language:
            yield f"keeps {wording.language} words under {language}"
        yield from wording_problems(instrument, wording)


def _twice(codes: Iterable[str]) -> list[str]:
    return [code for code, times in Counter(codes).items() if times > 1]


def _in_frame(instrument: Instrument) -> Iterator[str]:
    for code in _twice(item.code for item in instrument.items):
        yield f"has item {code} twice"
    for code in _twice(rule.code for rule in instrument.scores):
        yield f"has score {code} twice"
    for item in instrument.items:
        if item.option_set not in instrument.option_sets:
            yield f"item {item.code} has no answers"


def _in_answers(instrument: Instrument) -> Iterator[str]:
    for name, options in instrument.option_sets.items():
        values = [str(option.value) for option in options if option.value is not None]
        if len(options) < 2 or _twice(option.code for option in options) or _twice(values):
            yield f"answers {name} are fewer than two, or have a code or a value twice"
        if values and len(values) < len(options):
            yield f"answers {name} have a value for some and none for others"


def _in_score(instrument: Instrument, rule: ScoreRule) -> Iterator[str]:
    if unknown := set(rule.items) - {item.code for item in instrument.items}:
        yield f"score {rule.code} wants items that are not there: {', '.join(sorted(unknown))}"
        return
    if rule.kind in _HAS_ITEMS and not rule.items:
        yield f"score {rule.code} has no items"
        return
    if rule.kind is Kind.NONE and len(rule.items) != 1:
        yield f"score {rule.code} is an answer itself, so it has exactly one item"
    if rule.kind in _HAS_NUMBERS and any(
        option.value is None for code in rule.items for option in instrument.options(code)
    ):
        yield f"score {rule.code} needs a value for every answer"
        return
    yield from _in_rule(instrument, rule)
    yield from _in_bands(instrument, rule)


def _in_rule(instrument: Instrument, rule: ScoreRule) -> Iterator[str]:
    if rule.most_missing and rule.kind is not Kind.COUNT_OF:
        # In a sum a missing item would count as zero, and zero is an answer that nobody gave.
        yield f"score {rule.code} may not miss items"
    if rule.kind is Kind.SUM_TO_TABLE:
        rising = list(rule.table.values()) == sorted(rule.table.values())
        if tuple(rule.table) != instrument.sums(rule.code) or not rising:
            yield f"score {rule.code} needs a table with every sum from lowest to highest"
    if rule.kind is Kind.COUNT_OF:
        for code in rule.items:
            values = {option.value for option in instrument.options(code)}
            if not instrument.item_by_code[code].counts or instrument.item_by_code[code].counts - values:
                yield f"score {rule.code} does not know which answers of {code} count"
    if rule.kind is Kind.SHARE:
        codes = {option.code for item in rule.items for option in instrument.options(item)}
        if len(rule.items) != 1 or set(rule.share_of) - codes:
            yield f"score {rule.code} needs one item, and shares of its own answers"
    if (rule.kind is Kind.GAS) != (rule.rho is not None):
        yield f"score {rule.code}: rho belongs to goal attainment scaling, and to nothing else"


def _in_bands(instrument: Instrument, rule: ScoreRule) -> Iterator[str]:
    if not rule.bands:
        return
    if not rule.band_source:
        yield f"score {rule.code} has bands without a source"
    for value in instrument.possible(rule.code):
        holding = [band.code for band in rule.bands if band.lowest <= value <= band.highest]
        if len(holding) != 1:
            yield f"score {rule.code}: {value} is in {len(holding)} bands"
    reached: set[Number] = set(instrument.possible(rule.code))
    for band in rule.bands:
        if not {band.lowest, band.highest} <= reached:
            yield f"score {rule.code}: band {band.code} ends at a value that cannot be reached"


def _in_what_points_at_scores(instrument: Instrument) -> Iterator[str]:
    pointing: list[Threshold | Norm | ReliableChange] = [*instrument.thresholds, *instrument.norms]
    if instrument.change:
        pointing.append(instrument.change)
    for point in pointing:
        if point.score not in instrument.score_by_code:
            yield f"{type(point).__name__} on {point.score}, which is no score of it"
        if not point.source:
            yield f"{type(point).__name__} on {point.score} without a source"
    for risk in instrument.risk:
        if risk.item not in instrument.item_by_code:
            yield f"watches {risk.item}, which is no item of it"


def _in_norms_and_change(instrument: Instrument) -> Iterator[str]:
    if any(not norm.year for norm in instrument.norms):
        yield "has a norm without its year"
    if (change := instrument.change) and change.score in instrument.score_by_code:
        rule = instrument.score_by_code[change.score]
        if change.by <= 0 or rule.direction not in _HAS_A_BETTER_END:
            yield f"score {rule.code} has no better end, or a change that is nothing"


def _in_rights(instrument: Instrument) -> Iterator[str]:
    licence = instrument.licence
    if not licence.terms:
        yield "has no licence"
    if (instrument.wordings or instrument.scores) and not instrument.sources:
        yield "names no source"
    if instrument.wordings and not licence.ships_text:
        yield "ships words that its licence does not let us pass on"
    if instrument.wordings and instrument.items and not (licence.print_line or instrument.own_wording):
        yield "has no line to print under its words"
    if (instrument.state is State.GATED) == licence.ships_text:
        yield "is gated exactly when its words may not be shipped"
    if instrument.state is not State.GATED and "en" not in instrument.wordings:
        yield "has no English words"
    if bool(instrument.protocol) != (instrument.state is State.LOCKED):
        yield "is locked exactly when it names what a risk protocol needs"
    if instrument.risk and instrument.state is not State.LOCKED:
        yield "asks about risk and is not locked"


def wording_problems(instrument: Instrument, wording: Wording) -> Iterator[str]:
    """Why these words do not fit this scale: every item and every answer has words, and nothing else has."""
    where = f"words in {wording.language}"
    yield from _apart(f"{where}: items", {item.code for item in instrument.items}, wording.items)
    yield from _apart(f"{where}: free text", set(instrument.free_text), wording.free_text)
    with_labels = {name for name in instrument.option_sets if name not in instrument.ranges}
    if missing := with_labels - set(wording.options):
        yield f"{where}: no labels for {', '.join(sorted(missing))}"
    for name, labels in wording.options.items():
        codes = [option.code for option in instrument.option_sets.get(name, ())]
        # Numbers speak for themselves; but a range that names one end names both.
        wanted = {codes[0], codes[-1], *(set(labels) & set(codes))} if name in instrument.ranges else set(codes)
        yield from _apart(f"{where}: labels of {name}", wanted, labels)


def _apart(what: str, wanted: set[str], given: Mapping[str, str]) -> Iterator[str]:
    if wanted != set(given):
        yield f"{what} differ: {', '.join(sorted(wanted ^ set(given)))}"
    if empty := sorted(code for code, text in given.items() if not text.strip()):
        yield f"{what} are empty: {', '.join(empty)}"
