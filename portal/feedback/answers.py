"""What was answered to each item, and what was answered before that; scores are worked out here and kept nowhere."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.instruments import Instrument, Score
from portal.store import CheckIn, MeasureResponse, Service


@dataclass(frozen=True)
class Said:
    """One answer as it was given: an option with its value, or an absence (prefer-not-to-say, dont-know,
    left-blank)."""

    at: datetime
    option: str | None
    value: int | None
    absent: str | None
    late: bool


@dataclass(frozen=True)
class ItemAnswers:
    """Everything that was answered to one item. ``counts`` is the last answer that came in time, ``earlier`` those
    before it and ``late`` those after the check-in was finished, all in the order of time."""

    item: str
    counts: Said | None
    earlier: tuple[Said, ...]
    late: tuple[Said, ...]


@dataclass(frozen=True)
class Answered:
    """One scale answered on one occasion. ``scores`` by code: no value where too much is missing, never 0."""

    response: MeasureResponse
    check_in: CheckIn
    instrument: Instrument
    items: tuple[ItemAnswers, ...]
    scores: Mapping[str, Score]

    @property
    def values(self) -> dict[str, int | None]:
        """Item -> the value that counts; ``None`` for an absence and for what was not asked."""
        raise NotImplementedError


def answers_of(store: Session, response: MeasureResponse, *, since: datetime | None = None) -> dict[str, str]:
    """Item -> the answer that counts, as an option's code or an absence; what was not asked is not there.
    ``since``: only what was answered from then on."""
    raise NotImplementedError


def responses_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Answered]:
    """Every scale that a person has answered, half-finished ones too, the oldest first."""
    raise NotImplementedError


def in_words(
    store: Session, service: Service, scale: str, item: str, answer: str, language: str
) -> tuple[str, str, str]:
    """The words of an item and of an answer to it, and the language that they are in: ``language`` where there are
    official words in it, else English, else the bare codes (and no language)."""
    raise NotImplementedError
