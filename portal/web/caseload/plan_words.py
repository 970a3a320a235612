"""The plan of a case in words: for staff, and as the person agreed it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import g

from portal import goals
from portal.caseload import care_plan
from portal.caseload.care_plan import Plan, PlanAction, PlanGoal, ReferralNeed
from portal.caseload.lists import (
    ACTION_STATUSES,
    ACTION_WHO,
    ACTION_WHO_TO_PERSON,
    ACTIONS_OPEN,
    NEED_STATUSES,
    Listed,
    entry,
)
from portal.clock import today
from portal.i18n import N_, gettext, say_date
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.web.goals import THEIR_ENDS, THEIR_THREE

PRESSES: dict[str, str] = {
    "in-progress": N_("It is under way"),
    "done": N_("It is done"),
    "stopped": N_("It will not be done"),
}
"""What one press says of an action."""
WORD_OF_ACTION = "any('in-progress', 'done', 'stopped')"


def say_need(need: str) -> str:
    """A need from the list."""
    return SELF_REFERRAL.question("needs").say(need)


def say_listed(entries: "tuple[Listed, ...]", code: str | None) -> str:
    found = entry(entries, code)
    return gettext(found.label) if found else ""


@dataclass(frozen=True)
class ShownAction:
    """An action in words. ``open``: somebody still does it; ``late``: its day has passed."""

    row: PlanAction
    who: str
    due: str
    sure: str
    status: str
    open: bool
    late: bool
    review: str


def _shown_action(row: PlanAction) -> ShownAction:
    return ShownAction(
        row,
        say_who(row.who, row.who_name),
        say_date(row.due, weekday=False) if row.due else "",
        str(row.sure) if row.sure is not None else "",
        say_listed(ACTION_STATUSES, row.status),
        row.status in ACTIONS_OPEN,
        row.status in ACTIONS_OPEN and row.due is not None and row.due < today(),
        say_date(row.review_due, weekday=False) if row.review_due else "",
    )


def say_who(code: str, name: str | None) -> str:
    who = say_listed(ACTION_WHO, code)
    return gettext(N_("%(who)s: %(name)s"), who=who, name=name) if name else who


@dataclass(frozen=True)
class ShownGoal:
    """A goal in words, with its actions. ``left_over``: how many actions still run although it has ended."""

    goal: goals.Goal
    status: str
    active: bool
    facts: tuple[tuple[str, str], ...]
    actions: tuple[ShownAction, ...]
    left_over: int


def _shown_goal(one: PlanGoal) -> ShownGoal:
    goal = one.line.goal
    told = [
        (N_("How much it matters"), str(goal.importance) if goal.importance is not None else ""),
        (N_("Why"), goal.why or ""),
        (N_("First step"), goal.first_step or ""),
        (N_("When"), goal.by_when or ""),
        (N_("How sure they are"), str(goal.sure) if goal.sure is not None else ""),
    ]
    return ShownGoal(
        goal,
        gettext(goals.STATUSES[goal.status]),
        one.is_open,
        tuple((gettext(name), said) for name, said in told if said),
        tuple(_shown_action(action) for action in one.actions),
        len(one.left_over),
    )


@dataclass(frozen=True)
class ShownNeed:
    """A need in words, with its goals. ``by_staff``: not from the form."""

    code: str
    row: ReferralNeed | None
    name: str
    status: str
    by_staff: bool
    goals: tuple[ShownGoal, ...]


def shown_plan(plan: Plan) -> dict[str, object]:
    """What a page shows of a plan."""
    row = plan.row
    return {
        "plan_needs": [
            ShownNeed(
                need.need,
                need.row,
                say_need(need.need),
                say_listed(NEED_STATUSES, need.row.status if need.row else "open"),
                need.row is not None and need.row.added_by is not None,
                tuple(_shown_goal(goal) for goal in need.goals),
            )
            for need in plan.needs
        ],
        "strengths": row.strengths if row else "",
        "plan_review": say_date(row.review_due, weekday=False) if row and row.review_due else "",
        "plan_review_late": bool(row and row.review_due and row.review_due < today()),
        "agreement": _agreement(plan),
        "changed_since": plan.changed_since,
        "agreed_number": plan.agreed_on.number if plan.agreed_on else 0,
        "kept_versions": row.number if row else 0,
        "running_actions": sum(action.status in ACTIONS_OPEN for goal in plan.goals for action in goal.actions),
        "goals_running": sum(goal.is_open for goal in plan.goals),
        "say_ends": THEIR_ENDS,
        "presses": PRESSES,
        "plan_full": gettext(THEIR_THREE) if sum(goal.is_open for goal in plan.goals) >= goals.MOST_ACTIVE else "",
    }


def _agreement(plan: Plan) -> str:
    """Who agreed and when, or why nobody could; empty while nobody has said anything."""
    row = plan.row
    if row is None or row.agreed is None or row.agreed_at is None:
        return ""
    day = say_date(row.agreed_at, weekday=False)
    if row.agreed == "no":
        return gettext(N_("Not agreed, on %(day)s: %(why)s"), day=day, why=row.why_not_agreed or "")
    if row.agreed_by == "representative":
        who = row.agreed_name or ""
        return gettext(N_("Agreed on %(day)s with %(name)s, who may decide for them"), day=day, name=who)
    return gettext(N_("Agreed with the person on %(day)s"), day=day)


def for_case(referral: Referral) -> dict[str, object]:
    """What parts/case_plan.html shows."""
    return shown_plan(care_plan.of_referral(g.store, g.actor, referral))


def for_person(service_id: uuid.UUID, person_id: uuid.UUID) -> list[dict[str, object]]:
    """The plans that the person has agreed, in words, for their own page. What staff wrote about a need is theirs."""
    return [
        {
            "on": say_date(one.agreed_on, weekday=False),
            "strengths": one.content.get("strengths") or "",
            "needs": [_need_for_person(need) for need in one.content["needs"] if need["goals"]],
            "review": say_day(one.content.get("review_due")),
            "changed_since": one.changed_since,
        }
        for one in care_plan.for_person(g.store, service_id, person_id)
    ]


def _need_for_person(need: Mapping[str, Any]) -> dict[str, object]:
    return {
        "name": say_need(need["need"]),
        "goals": [
            {
                "words": goal["words"],
                "actions": [
                    {
                        "words": action["words"],
                        "who": action["who_name"] or gettext(ACTION_WHO_TO_PERSON[action["who"]]),
                        "due": say_day(action["due"]),
                        "status": say_listed(ACTION_STATUSES, action["status"]),
                    }
                    for action in goal["actions"]
                ],
            }
            for goal in need["goals"]
        ],
    }


def say_day(day: str | None) -> str:
    return say_date(date.fromisoformat(day[:10]), weekday=False) if day else ""
