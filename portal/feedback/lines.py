"""A person's own line on each score of each scale: for the chart, their page, the staff and the exports.

A person is compared with themselves alone. Where the words or the way of answering changed, the line breaks and no
verdict is given; where no threshold is published there is none either.
"""

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from portal.feedback.answers import Answered
from portal.instruments import Change, Instrument, Number, ScoreRule, Unlike


@dataclass(frozen=True)
class Point:
    """One response on a line. ``value`` is ``None`` where the published rule gives no score."""

    on: date
    value: Number | None
    band: str | None
    answered: Answered

    @property
    def language(self) -> str:
        """The language of the words that were shown."""
        return self.answered.response.language


@dataclass(frozen=True)
class Step:
    """From one point to the next. ``breaks``: the two may not be joined, for ``change.unlike`` says that version,
    wording or mode differ. A difference of weekday alone breaks no line, but must be said beside it."""

    change: Change
    breaks: bool

    @property
    def caution(self) -> bool:
        """The items ask about yesterday, and the two yesterdays were different days of the week."""
        return Unlike.WEEKDAY in self.change.unlike


@dataclass(frozen=True)
class Line:
    """One score of one scale over time. ``steps`` has one entry less than ``points``; ``overall`` goes from the first
    point with a value to the last one."""

    scale: str
    score: str
    instrument: Instrument
    rule: ScoreRule
    points: tuple[Point, ...]
    steps: tuple[Step, ...]
    overall: Step | None


def lines_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Line]:
    """A line for every score of every scale that the person has answered, in the order in which they first did."""
    raise NotImplementedError
