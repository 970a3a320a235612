"""A person's own line on each score of each scale: for the chart, their page, the staff and the exports.

A person is compared with themselves alone. Where the words or the way of answering changed, the line breaks and no
verdict is given; where no threshold is published there is none either.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from sqlalchemy.orm import Session

from portal import instruments
from portal.feedback.answers import Answered, responses_of
from portal.i18n import N_
from portal.instruments import Change, Instrument, Kind, Mode, Number, ScoreRule, Unlike
from portal.store import MeasureResponse


@dataclass(frozen=True)
class Point:
    """One response on a line. ``value`` is ``None`` where the published rule gives no score."""

    on: date
    value: Number | None
    band: str | None
    answered: Answered

    @property
    def response(self) -> MeasureResponse:
        """Language, words, version, who answered and how."""
        return self.answered.response

    @property
    def mode(self) -> Mode:
        """How the answers came about, as far as it matters when two are compared."""
        return mode_of(self.answered.response)


@dataclass(frozen=True)
class Step:
    """From one point to another. ``breaks``: the two may not be joined, for ``change.unlike`` says that version,
    wording or mode differ. A difference of weekday alone breaks no line, but must be said beside it."""

    change: Change

    @property
    def breaks(self) -> bool:
        """Whether the line is broken here."""
        return bool(self.change.unlike - {Unlike.WEEKDAY})

    @property
    def caution(self) -> bool:
        """The items ask about yesterday, and the two yesterdays were different days of the week."""
        return Unlike.WEEKDAY in self.change.unlike


@dataclass(frozen=True)
class Line:
    """One score of one scale over time, in its newest answered version. ``steps`` has one entry less than ``points``;
    ``overall`` goes from the first point with a value to the last one, if those are two."""

    scale: str
    score: str
    instrument: Instrument
    rule: ScoreRule
    points: tuple[Point, ...]
    steps: tuple[Step, ...]
    overall: Step | None


def mode_of(response: MeasureResponse) -> Mode:
    """The way of answering: alone (on the web or on paper), with somebody's help, by interpreter, by telephone."""
    if response.completed_by == "interpreter":
        return Mode.INTERPRETER
    if response.response_mode == "phone":
        return Mode.TELEPHONE
    alone = response.completed_by == "self" and response.response_mode in ("web", "paper")
    return Mode.SELF if alone else Mode.ASSISTED


def lines_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Line]:
    """A line for every score of every scale that the person has answered, in the order in which they first did."""
    answered = [one for one in responses_of(store, service_id, person_id) if one.counts]
    answered.sort(key=lambda one: one.on)
    by_scale: dict[str, list[Answered]] = {}
    for one in answered:
        by_scale.setdefault(one.response.scale, []).append(one)
    lines: list[Line] = []
    for scale, theirs in by_scale.items():
        scored = [one for one in theirs if one.instrument]
        if scored and (newest := scored[-1].instrument):
            lines += _lines_of_scale(scale, scored, newest)
    return lines


def _lines_of_scale(scale: str, answered: Sequence[Answered], newest: Instrument) -> Iterator[Line]:
    for rule in newest.scores:
        points = tuple(_point(rule, one) for one in answered)
        valued = [point for point in points if point.value is not None]
        yield Line(
            scale,
            rule.code,
            newest,
            rule,
            points,
            tuple(_step(newest, rule, *pair) for pair in pairwise(points)),
            _step(newest, rule, valued[0], valued[-1]) if len(valued) > 1 else None,
        )


def _point(rule: ScoreRule, answered: Answered) -> Point:
    score = answered.scores.get(rule.code)
    return Point(answered.on, score.value if score else None, score.band if score else None, answered)


def _step(newest: Instrument, rule: ScoreRule, earlier: Point, later: Point) -> Step:
    instrument = later.answered.instrument or newest
    return Step(instruments.change(instrument, rule.code, _as_response(earlier), _as_response(later)))


def _as_response(point: Point) -> instruments.Response:
    kept = point.response
    return instruments.Response(kept.scale_version, kept.wording_hash, point.mode, point.on, point.answered.values)


# In words ------------------------------------------------------------------------------------------------------------

SCORES: dict[str, str] = {
    "percent": N_("Percentage score"),
    "metric": N_("Converted score"),
    "total": N_("Total score"),
    "indirect": N_("The three indirect questions together"),
    "emotional": N_("Emotional loneliness"),
    "social": N_("Social loneliness"),
}
SCORE = N_("Score")

BANDS: dict[str, str] = {
    "very-low": N_("very low"),
    "low": N_("low"),
    "medium": N_("medium"),
    "high": N_("high"),
    "very-high": N_("very high"),
    "none-minimal": N_("none or minimal"),
    "minimal": N_("minimal"),
    "mild": N_("mild"),
    "moderate": N_("moderate"),
    "moderately-severe": N_("moderately severe"),
    "severe": N_("severe"),
    "not-lonely": N_("not lonely"),
    "moderately-lonely": N_("moderately lonely"),
    "severely-lonely": N_("severely lonely"),
}

OF_SEVERAL = (Kind.SHARE, Kind.MEAN_OF_GOALS, Kind.GAS)
"""The scores that one response cannot give."""


def told_of(lines: Sequence[Line]) -> Iterator[Line]:
    """Of two scores of the same items one is enough: the one for which a change is published, else the last."""
    for line in lines:
        rule, instrument = line.rule, line.instrument
        if rule.kind in OF_SEVERAL:
            continue
        same = [one.rule.code for one in lines if one.rule.items == rule.items]
        chosen = instrument.change.score if instrument.change and instrument.change.score in same else same[-1]
        if rule.code == chosen:
            yield line
