"""The plan of a case as one piece: gathered from its tables, written down whole as a version, compared with another.

A version is JSON of codes, dates and words; it is read by these functions alone.
"""

import hashlib
import json
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from portal import access, goals
from portal.caseload.lists import ACTION_STATUSES, ACTIONS_OPEN, codes_in
from portal.goals import GoalLine
from portal.store import CarePlan, PlanAction, Referral, ReferralNeed

Content = dict[str, Any]

_STATUSES = codes_in(ACTION_STATUSES)


@dataclass(frozen=True)
class PlanGoal:
    """A goal with its own line and its actions, in the order of their status."""

    line: GoalLine
    actions: tuple[PlanAction, ...]

    @property
    def is_open(self) -> bool:
        """Whether somebody works on it."""
        return self.line.goal.status == goals.ACTIVE

    @property
    def left_over(self) -> tuple[PlanAction, ...]:
        """The actions that still run although the goal has ended."""
        return () if self.is_open else tuple(one for one in self.actions if one.status in ACTIONS_OPEN)


@dataclass(frozen=True)
class PlanNeed:
    """A need with its goals. ``row`` is empty for a need that only a goal names."""

    need: str
    row: ReferralNeed | None
    goals: tuple[PlanGoal, ...]


def needs_of(store: Session, referral: Referral, kept: Collection[uuid.UUID] | None = None) -> tuple[PlanNeed, ...]:
    """The needs of a case in the order in which they came, each with its goals and their actions.

    A goal that the person still works on is here whichever referral it came with, while this case is open. ``kept``: of
    goals that came with another referral these alone, open or not (``goals_in`` a version).
    """
    rows = access.rows_of(referral.service_id, ReferralNeed).where(ReferralNeed.referral_id == referral.id)
    by_need = {row.need: row for row in store.scalars(rows.order_by(ReferralNeed.id))}
    lines = [
        line
        for line in goals.of_person(store, referral.service_id, referral.person_id)
        if line.goal.referral_id == referral.id
        or (line.goal.id in kept if kept is not None else line.goal.status == goals.ACTIVE and referral.is_open)
    ]
    actions: dict[uuid.UUID, list[PlanAction]] = {line.goal.id: [] for line in lines}
    theirs = access.rows_of(referral.service_id, PlanAction).where(PlanAction.goal_id.in_(actions))
    for one in store.scalars(theirs.order_by(PlanAction.created_at, PlanAction.id)):
        actions[one.goal_id].append(one)
    named = dict.fromkeys([*by_need, *(line.goal.need for line in lines)])
    return tuple(
        PlanNeed(
            need,
            by_need.get(need),
            tuple(
                PlanGoal(line, tuple(sorted(actions[line.goal.id], key=lambda one: _STATUSES.index(one.status))))
                for line in lines
                if line.goal.need == need
            ),
        )
        for need in named
    )


# A version -----------------------------------------------------------------------------------------------------------


def content_of(needs: Sequence[PlanNeed], row: CarePlan | None) -> Content:
    """The whole plan, to be kept."""
    return {
        "strengths": row.strengths if row else None,
        "review_due": _day(row.review_due) if row else None,
        "needs": [_need(one) for one in needs],
        "agreement": _agreement(row) if row else None,
    }


def _agreement(row: CarePlan) -> Content:
    return {
        "agreed": row.agreed,
        "at": _day(row.agreed_at),
        "by": row.agreed_by,
        "name": row.agreed_name,
        "why_not": row.why_not_agreed,
    }


def goals_in(content: Mapping[str, Any]) -> frozenset[uuid.UUID]:
    """Which goals a version holds."""
    return frozenset(uuid.UUID(goal["id"]) for need in content["needs"] for goal in need["goals"])


def _need(one: PlanNeed) -> Content:
    return {
        "need": one.need,
        "status": one.row.status if one.row else "open",
        "words": one.row.words if one.row else None,
        "goals": [_goal(goal) for goal in one.goals],
    }


def _goal(one: PlanGoal) -> Content:
    goal = one.line.goal
    said = {name: getattr(goal, name) for name in ("words", "language", "status", "importance", "why", "first_step")}
    said |= {"by_when": goal.by_when, "sure": goal.sure}
    return {"id": str(goal.id), **said, "actions": [_action(action) for action in one.actions]}


def _action(one: PlanAction) -> Content:
    said = {name: getattr(one, name) for name in ("words", "who", "who_name", "sure", "barriers", "status")}
    return {"id": str(one.id), **said, "due": _day(one.due), "review_due": _day(one.review_due)}


def _day(value: date | datetime | None) -> str | None:
    return value.isoformat() if value else None


def what_is_planned(content: Mapping[str, Any]) -> Content:
    """A version without who agreed to it: two that are alike in this plan the same things."""
    return {code: content.get(code) for code in ("strengths", "review_due", "needs")}


def stamp(said: object) -> str:
    """A short sign of what a page showed: when it is another one by the time the page is sent, somebody else has
    written meanwhile."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode()).hexdigest()[:16]


# Two versions beside each other --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One thing that a version says: ``kind`` strengths, review, need, goal, action or agreement; ``key`` is the same
    in every version; ``said`` as in the version, without what stands in parts of its own."""

    kind: str
    key: str
    said: Mapping[str, Any]


@dataclass(frozen=True)
class Beside:
    """The same part in two versions; ``None`` where it is not."""

    kind: str
    before: Part | None
    after: Part | None

    @property
    def differs(self) -> bool:
        """Whether the two versions do not say the same."""
        return (self.before.said if self.before else None) != (self.after.said if self.after else None)


def parts_of(content: Mapping[str, Any]) -> Iterator[Part]:
    """Everything that a version says, in the order of the page."""
    yield Part("strengths", "", {"words": content.get("strengths")})
    for need in content["needs"]:
        yield Part("need", need["need"], _without(need, "goals"))
        for goal in need["goals"]:
            yield Part("goal", goal["id"], _without(goal, "actions"))
            for action in goal["actions"]:
                yield Part("action", action["id"], action)
    yield Part("review", "", {"day": content.get("review_due")})
    yield Part("agreement", "", content.get("agreement") or {})


def _without(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {code: value for code, value in said.items() if code != name}


def beside(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Beside]:
    """Two versions part by part: what came, went or changed, and what stayed."""
    old = {(part.kind, part.key): part for part in parts_of(before)}
    new = {(part.kind, part.key): part for part in parts_of(after)}
    # What went stands where it stood: behind the part that came before it.
    order = list(new)
    for place, key in enumerate(old):
        if key not in new:
            earlier = [one for one in list(old)[:place] if one in order]
            order.insert(order.index(earlier[-1]) + 1 if earlier else 0, key)
    return [Beside(key[0], old.get(key), new.get(key)) for key in order]
