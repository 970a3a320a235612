"""What was answered to each item, and what was answered before that; scores are worked out here and kept nowhere."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import instruments, measures
from portal.access import Tier, Visitor, rows_of
from portal.i18n import LONDON
from portal.instruments import Instrument, Score
from portal.journeys import Question
from portal.journeys.wellbeing_check import wellbeing_check
from portal.store import CheckIn, ItemAnswer, MeasureResponse, Service, Visit


@dataclass(frozen=True)
class Said:
    """One answer as it was given: an option with its value, or an absence (prefer-not-to-say, dont-know,
    left-blank)."""

    at: datetime
    option: str | None
    value: int | None
    absent: str | None
    late: bool

    @property
    def code(self) -> str:
        """The option's code, or the absence."""
        return self.option or self.absent or ""


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
    """One scale answered on one occasion. ``instrument`` is ``None`` when the scale's file is not here any more; its
    answers are, and there are no scores then. ``scores`` by code: no value where too much is missing, never 0."""

    response: MeasureResponse
    check_in: CheckIn
    instrument: Instrument | None
    items: tuple[ItemAnswers, ...]

    @cached_property
    def values(self) -> dict[str, int | None]:
        """Item -> the value that counts; ``None`` for an absence and for what was not asked."""
        return {one.item: one.counts.value if one.counts else None for one in self.items}

    @cached_property
    def scores(self) -> Mapping[str, Score]:
        """Every score that this response has."""
        return instruments.score(self.instrument, self.values) if self.instrument else {}

    @cached_property
    def on(self) -> date:
        """The day on which the last answer that counts was given; of a paper form the day that stands on it, or that on
        which it was finished."""
        if self.response.said_on:
            return self.response.said_on
        given = [one.counts.at for one in self.items if one.counts]
        last = max(given, default=self.response.created_at)
        if self.response.response_mode == "paper" and self.response.completed_at:
            last = self.response.completed_at
        return last.astimezone(LONDON).date()

    @property
    def counts(self) -> bool:
        """Whether anything was answered in time."""
        return any(one.counts for one in self.items)


def _said(row: ItemAnswer) -> Said:
    kept = row.answer
    return Said(row.created_at, kept.get("option"), kept.get("value"), kept.get("absent"), row.late)


def rows_by_response(
    store: Session, service_id: uuid.UUID, response_ids: Iterable[uuid.UUID]
) -> Mapping[uuid.UUID, list[ItemAnswer]]:
    """Every answer to these responses, in the order of time."""
    wanted = rows_of(service_id, ItemAnswer).where(ItemAnswer.response_id.in_(list(response_ids)))
    found: dict[uuid.UUID, list[ItemAnswer]] = defaultdict(list)
    for row in store.scalars(wanted.order_by(ItemAnswer.created_at, ItemAnswer.id)):
        found[row.response_id].append(row)
    return found


def answers_of(store: Session, response: MeasureResponse, *, since: datetime | None = None) -> dict[str, str]:
    """Item -> the answer that counts, as an option's code or an absence; what was not asked is not there.
    ``since``: only what was answered from then on."""
    rows = rows_by_response(store, response.service_id, [response.id])[response.id]
    return {row.item: _said(row).code for row in rows if not row.late and (since is None or row.created_at >= since)}


def shown_from(store: Session, visitor: Visitor) -> datetime | None:
    """From when on answers may be shown again to this visitor: a visit for one task shows nothing from before it."""
    if visitor.tier is Tier.READ:
        return None
    begun = select(Visit.created_at).where(Visit.service_id == visitor.service_id, Visit.id == visitor.visit_id)
    return store.scalars(begun).one()


def responses_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Answered]:
    """Every scale that a person has answered, half-finished ones too, the oldest first; also what came late alone."""
    theirs = rows_of(service_id, MeasureResponse).where(MeasureResponse.person_id == person_id)
    return _answered(store, service_id, store.scalars(theirs.order_by(MeasureResponse.id)).all())


def of_check_in(store: Session, check_in: CheckIn) -> list[Answered]:
    """Every scale that was answered in one check-in."""
    theirs = rows_of(check_in.service_id, MeasureResponse).where(MeasureResponse.check_in_id == check_in.id)
    return _answered(store, check_in.service_id, store.scalars(theirs.order_by(MeasureResponse.id)).all())


def _answered(store: Session, service_id: uuid.UUID, responses: Sequence[MeasureResponse]) -> list[Answered]:
    rows = rows_by_response(store, service_id, [response.id for response in responses])
    occasions = rows_of(service_id, CheckIn).where(CheckIn.id.in_({one.check_in_id for one in responses}))
    check_ins = {one.id: one for one in store.scalars(occasions)}
    return [
        _one(store, response, check_ins[response.check_in_id], rows[response.id])
        for response in responses
        if rows[response.id]
    ]


def _one(store: Session, response: MeasureResponse, check_in: CheckIn, rows: Sequence[ItemAnswer]) -> Answered:
    try:
        instrument = measures.instrument_of(store, response.service_id, response.scale, response.scale_version)
    except KeyError:
        instrument = None
    by_item: dict[str, list[Said]] = {item.code: [] for item in instrument.items} if instrument else {}
    for row in rows:
        by_item.setdefault(row.item, []).append(_said(row))
    items = []
    for item, said in by_item.items():
        in_time = [one for one in said if not one.late]
        late = tuple(one for one in said if one.late)
        items.append(ItemAnswers(item, in_time[-1] if in_time else None, tuple(in_time[:-1]), late))
    return Answered(response, check_in, instrument, tuple(items))


def questions_of(store: Session, service: Service, response_id: uuid.UUID | None, language: str) -> dict[str, Question]:
    """The items of a response with their answers, to be read again, by code: in ``language`` where there are words in
    it, else in English, else as they were shown. Empty when none are here any more."""
    response = store.get(MeasureResponse, (service.id, response_id)) if response_id else None
    if response is None:
        return {}
    try:
        instrument = measures.instrument_of(store, service.id, response.scale, response.scale_version)
    except KeyError:
        return {}
    recorded = measures.recorded(store, service, response.scale)
    wording = (
        instruments.wording(instrument, language, recorded)
        or instruments.wording(instrument, "en", recorded)
        or measures.words_of(
            store, service.id, response.scale, response.scale_version, response.language, response.wording_hash
        )
    )
    if wording is None:
        return {}
    return {question.code: question for question in wellbeing_check(instrument, wording).questions}
