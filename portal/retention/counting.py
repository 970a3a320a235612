"""Counts by month that stay true when people are erased, and the rows that they count."""

import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from portal.access import rows_of
from portal.clock import LONDON
from portal.instruments import Direction, Instrument, NotAnAnswer, Number, catalogue, score
from portal.store import (
    Alert,
    CarePlan,
    CheckIn,
    Closure,
    Comment,
    Contact,
    Goal,
    GoalRating,
    ItemAnswer,
    Letter,
    MeasureResponse,
    Onward,
    PlanAction,
    Record,
    Referral,
    ReferralNeed,
    Tally,
    TurnedAway,
)
from portal.store import ErasureRequest as ErasureRequest  # the doors name it in their types

Totals = dict[tuple[date, str, str], int]
"""How often, by (the first day of the month, what is counted, its value)."""

Rows = dict[str, set[uuid.UUID]]
"""The ids of rows by the name of their table."""


def slices(ids: Collection[uuid.UUID], size: int = 500) -> Iterator[list[uuid.UUID]]:
    listed = sorted(ids)
    for start in range(0, len(listed), size):
        yield listed[start : start + size]


Counted = tuple[date, str, str]
Counting = Callable[[Session, uuid.UUID, Rows | None], Iterable[Counted]]
"""Counts rows of a service, or only those rows. What one person adds must depend on that person's rows alone."""


def _month(moment: datetime) -> date:
    return moment.astimezone(ZoneInfo(LONDON)).date().replace(day=1)


def _among(column: Any, ids: Collection[uuid.UUID] | None) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """The conditions under which a query finds these rows, some at a time; all rows for ``None``."""
    if ids is None:
        yield ()
    else:
        for some in slices(ids):
            yield (column.in_(some),)


@dataclass(frozen=True)
class _By:
    """Counts the rows of a table by month and by what stands in some columns; rows without one of them do not count."""

    what: str
    table: type[Record]
    moment: Any
    values: tuple[Any, ...]
    among: tuple[Any, ...] = field(default=())

    def __call__(self, store: Session, service_id: uuid.UUID, only: Rows | None) -> Iterator[Counted]:
        """Every row once."""
        there = (one.is_not(None) for one in (self.moment, *self.values))
        rows = select(self.moment, *self.values).where(self.table.service_id == service_id, *there, *self.among)
        for condition in _among(self.table.id, None if only is None else only[self.table.__tablename__]):
            for moment, *values in store.execute(rows.where(*condition)):
                yield _month(moment), self.what, "/".join(str(value) for value in values)


def _scores(store: Session, service_id: uuid.UUID, only: Rows | None) -> Iterator[Counted]:
    """Each score of each finished response by its value (none, where too much was left out), apart for the first time
    and later ones; and how far it moved from the first time to the latest of a referral."""
    answers = _answers(store, service_id, only)
    rows = (
        select(MeasureResponse, CheckIn.referral_id, CheckIn.occasion)
        .join(CheckIn, (CheckIn.service_id == MeasureResponse.service_id) & (CheckIn.id == MeasureResponse.check_in_id))
        .where(MeasureResponse.service_id == service_id, MeasureResponse.completed_at.is_not(None))
    )
    lines: dict[tuple[uuid.UUID, str, str, str], list[tuple[bool, datetime, Number | None]]] = {}
    for condition in _among(MeasureResponse.id, None if only is None else only["measure_response"]):
        for response, referral_id, occasion in store.execute(rows.where(*condition)):
            if response.completed_at is None or (instrument := _instrument(response)) is None:
                continue
            first = occasion == "baseline"
            for code, value in _values(instrument, answers.get(response.id, {})):
                when = "baseline" if first else "later"
                yield _month(response.completed_at), f"score:{response.scale}:{code}:{when}", _shown(value)
                if instrument.score_by_code[code].direction is not Direction.CATEGORY:
                    line = (referral_id, response.scale, response.scale_version, code)
                    lines.setdefault(line, []).append((first, response.completed_at, value))
    for (_, scale, _, code), points in lines.items():
        before = [value for first, _, value in points if first and value is not None]
        after = [
            (at, value)
            for first, at, value in sorted(points, key=lambda one: one[1])
            if not first and value is not None
        ]
        if before and after:
            yield _month(after[-1][0]), f"change:{scale}:{code}", _shown(after[-1][1] - before[0])


def _instrument(response: MeasureResponse) -> Instrument | None:
    try:
        return catalogue().version(response.scale, response.scale_version)
    except KeyError:
        return None


def _answers(store: Session, service_id: uuid.UUID, only: Rows | None) -> dict[uuid.UUID, dict[str, int | None]]:
    """What counts of each response, by item: the last answer that came in time."""
    rows = rows_of(service_id, ItemAnswer).where(ItemAnswer.late.is_(False)).order_by(ItemAnswer.id)
    found: dict[uuid.UUID, dict[str, int | None]] = {}
    for condition in _among(ItemAnswer.response_id, None if only is None else only["measure_response"]):
        for row in store.scalars(rows.where(*condition)):
            found.setdefault(row.response_id, {})[row.item] = row.answer.get("value")
    return found


def _values(instrument: Instrument, answers: Mapping[str, int | None]) -> list[tuple[str, Number | None]]:
    try:
        return [(code, one.value) for code, one in score(instrument, answers).items()]
    except NotAnAnswer:  # an erasure must not fail over an answer that no form of ours offers
        return []


def _shown(value: Number | None) -> str:
    return "none" if value is None else str(value)


def _goal_ratings(store: Session, service_id: uuid.UUID, only: Rows | None) -> Iterator[Counted]:
    """The first and the latest rating of each goal, and how far it moved, by the month in which the goal was set."""
    rows = (
        select(Goal.id, Goal.created_at, GoalRating.rating)
        .join(GoalRating, (GoalRating.service_id == Goal.service_id) & (GoalRating.goal_id == Goal.id))
        .where(Goal.service_id == service_id, GoalRating.rating.is_not(None))
        .order_by(GoalRating.id)
    )
    for condition in _among(Goal.id, None if only is None else only["goal"]):
        rated: dict[tuple[uuid.UUID, datetime], list[int]] = {}
        for goal_id, set_at, rating in store.execute(rows.where(*condition)):
            if rating is not None:
                rated.setdefault((goal_id, set_at), []).append(rating)
        for (_, set_at), ratings in rated.items():
            yield _month(set_at), "goal-rating-first", str(ratings[0])
            yield _month(set_at), "goal-rating-latest", str(ratings[-1])
            if len(ratings) > 1:
                yield _month(set_at), "goal-rating-change", str(ratings[-1] - ratings[0])


@dataclass(frozen=True)
class _Days:
    """Counts whole days from one moment of a referral to another, by the month in which it came."""

    what: str
    to: Any

    def __call__(self, store: Session, service_id: uuid.UUID, only: Rows | None) -> Iterator[Counted]:
        """Every referral that came so far."""
        rows = select(Referral.referred_at, self.to).where(Referral.service_id == service_id, self.to.is_not(None))
        for condition in _among(Referral.id, None if only is None else only["referral"]):
            for referred, came in store.execute(rows.where(*condition)):
                yield _month(referred), self.what, str((came - referred).days)


@dataclass(frozen=True)
class _Each:
    """Counts what stands in a list, each entry once for its row."""

    what: str
    table: type[Record]
    moment: Any
    values: Any

    def __call__(self, store: Session, service_id: uuid.UUID, only: Rows | None) -> Iterator[Counted]:
        """Every entry of every row."""
        rows = select(self.moment, self.values).where(self.table.service_id == service_id)
        for condition in _among(self.table.id, None if only is None else only[self.table.__tablename__]):
            for moment, values in store.execute(rows.where(*condition)):
                for value in values or ():
                    yield _month(moment), self.what, str(value)


def _need_outcomes(store: Session, service_id: uuid.UUID, only: Rows | None) -> Iterator[Counted]:
    """What became of each need when a case was closed."""
    rows = select(Closure.closed_at, Closure.outcomes).where(Closure.service_id == service_id)
    for condition in _among(Closure.id, None if only is None else only["closure"]):
        for moment, outcomes in store.execute(rows.where(*condition)):
            for outcome in outcomes.values():
                yield _month(moment), "need-outcome", str(outcome)


_OF_NEED = (ReferralNeed.service_id == Referral.service_id, ReferralNeed.referral_id == Referral.id)
_FINISHED = (MeasureResponse.completed_at.is_not(None),)

COUNTINGS: tuple[Counting, ...] = (
    _By("referral-status", Referral, Referral.referred_at, (Referral.status,)),
    _By("referral-source-channel", Referral, Referral.referred_at, (Referral.source_channel,)),
    _By("referral-language", Referral, Referral.referred_at, (Referral.language,)),
    _By("referral-referrer-type", Referral, Referral.referred_at, (Referral.referrer_type,)),
    _By("referral-urgency", Referral, Referral.referred_at, (Referral.urgency,)),
    _By("referral-reason", Referral, Referral.referred_at, (Referral.reason,)),
    _Days("referral-days-to-decision", Referral.decided_at),
    _Days("referral-days-to-first-attempt", Referral.first_attempt_at),
    _Days("referral-days-to-first-contact", Referral.first_contact_at),
    _Days("referral-days-to-closing", Referral.closed_at),
    _By("need", ReferralNeed, Referral.referred_at, (ReferralNeed.need,), _OF_NEED),
    _By("check-in", CheckIn, CheckIn.due_at, (CheckIn.occasion, CheckIn.status)),
    _By("check-in-why-not", CheckIn, CheckIn.due_at, (CheckIn.why_not,)),
    _By("response-scale", MeasureResponse, MeasureResponse.completed_at, (MeasureResponse.scale,), _FINISHED),
    _By("response-language", MeasureResponse, MeasureResponse.completed_at, (MeasureResponse.language,), _FINISHED),
    _By("response-mode", MeasureResponse, MeasureResponse.completed_at, (MeasureResponse.response_mode,), _FINISHED),
    _By("response-by", MeasureResponse, MeasureResponse.completed_at, (MeasureResponse.completed_by,), _FINISHED),
    _scores,
    _By("goal-status", Goal, Goal.created_at, (Goal.status,)),
    _By("goal-need", Goal, Goal.created_at, (Goal.need,)),
    _goal_ratings,
    _By("comment-kind", Comment, Comment.created_at, (Comment.kind,)),
    _By("alert-rule", Alert, Alert.created_at, (Alert.rule,)),
    _By("contact-outcome", Contact, Contact.happened_at, (Contact.outcome,)),
    _By("contact-mechanism", Contact, Contact.happened_at, (Contact.mechanism,)),
    _By("contact-ais-met", Contact, Contact.happened_at, (Contact.ais_met,)),
    _Each("contact-result", Contact, Contact.happened_at, Contact.results),
    _By("plan-agreed", CarePlan, CarePlan.created_at, (CarePlan.agreed,)),
    _By("action-status", PlanAction, PlanAction.created_at, (PlanAction.status,)),
    _By("onward-kind", Onward, Onward.created_at, (Onward.kind,)),
    _By("onward-need", Onward, Onward.created_at, (Onward.need,)),
    _By("onward-status", Onward, Onward.created_at, (Onward.status,)),
    _Each("onward-barrier", Onward, Onward.created_at, Onward.barriers),
    _By("closure-reason", Closure, Closure.closed_at, (Closure.reason,)),
    _By("reopened", Closure, Closure.reopened_at, (Closure.reason,)),
    _need_outcomes,
    _By("letter-state", Letter, Letter.created_at, (Letter.recipient, Letter.state)),
)
"""Everything that is counted and stays true when people are erased. Each is one dimension and the month, never two
together (but for a check-in's occasion and what became of it): a crossing could single somebody out."""


def counted(store: Session, service_id: uuid.UUID, only: Rows | None = None) -> "Counter[Counted]":
    return Counter(one for counting in COUNTINGS for one in counting(store, service_id, only))


def totals(store: Session, service_id: uuid.UUID) -> Totals:
    """Every count by month: of the rows that are there, and of the people who have been erased. Who shows them hides
    small numbers."""
    found = counted(store, service_id)
    for left in store.scalars(select(Tally).where(Tally.service_id == service_id)):
        found[left.month, left.what, left.value] += left.count
    for away in store.scalars(select(TurnedAway).where(TurnedAway.service_id == service_id)):
        found[away.month, "turned-away", away.reason] += away.count
    return dict(found)
