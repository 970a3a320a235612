"""The plan of a case: needs, goals and actions, what is agreed with whom, and every version of it (PRSB 19).

Own words first. Needs come from the form and from staff, each goal has its need, each action its goal. From the day on
which it is agreed, every saved change makes a version with the whole content.

Two workers at once: whoever writes holds the case until the end of the transaction, and says by a ``seen`` (a stamp)
what the page showed. The second is told what stands there now, and what either of them wrote is kept in a version.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from portal import access, audit, codes, goals
from portal.access import Actor, Permission
from portal.caseload.cases import Gone as Gone
from portal.caseload.cases import NotPossible as NotPossible
from portal.caseload.cases import held, plain
from portal.caseload.lists import (
    ACTION_STATUSES,
    ACTION_WHO,
    ACTIONS_OPEN,
    NEED_STATUSES,
    codes_in,
)
from portal.caseload.plan_content import Content, PlanNeed, content_of, needs_of, what_is_planned
from portal.caseload.plan_content import PlanGoal as PlanGoal
from portal.caseload.plan_content import stamp as stamp
from portal.clock import now, today
from portal.journeys.self_referral import NEEDS
from portal.store import CarePlan as CarePlan  # the doors name these in their types
from portal.store import CarePlanVersion as CarePlanVersion
from portal.store import PlanAction as PlanAction
from portal.store import Referral
from portal.store import ReferralNeed as ReferralNeed

LONGEST_STRENGTHS, LONGEST_NEED, LONGEST_ACTION, LONGEST_BARRIERS = 1000, 500, 500, 500
LONGEST_NAME = 70

AGREED, NOT_AGREED, CHANGED, REPLACED = "agreed", "not-agreed", "changed", "replaced"
"""What made a version: somebody agreed, nobody could, a change of a plan that has versions, words that another worker
chose to write over."""

_WHO, _STATUSES = codes_in(ACTION_WHO), codes_in(ACTION_STATUSES)


class Meanwhile(ValueError):
    """Somebody else saved it after the page had been opened. ``says``: what stands there now, by field; ``seen``: its
    stamp; ``by`` and ``at``: who wrote it last, and when."""

    def __init__(
        self, says: Mapping[str, Any], seen: str, by: uuid.UUID | None = None, at: datetime | None = None
    ) -> None:
        super().__init__("changed meanwhile")
        self.says, self.seen, self.by, self.at = says, seen, by, at


@dataclass(frozen=True)
class Plan:
    """The whole plan as it stands. ``row`` is empty while nobody has written anything of it but needs and goals.
    ``agreed_on``: the version that the person agreed last. ``changed_since``: something differs from it by now."""

    referral: Referral
    row: CarePlan | None
    needs: tuple[PlanNeed, ...]
    agreed_on: CarePlanVersion | None
    changed_since: bool

    @property
    def agreed(self) -> bool:
        """Whether the person, or somebody who may decide for them, has said yes."""
        return self.agreed_on is not None

    @property
    def content(self) -> Content:
        """As it would be written down."""
        return content_of(self.needs, self.row)

    @property
    def seen(self) -> str:
        """The stamp of everything that is planned."""
        return stamp(what_is_planned(self.content))

    @property
    def goals(self) -> tuple[PlanGoal, ...]:
        """Every goal of the plan."""
        return tuple(goal for need in self.needs for goal in need.goals)


@dataclass(frozen=True)
class ForPerson:
    """The plan as the person agreed it last, for their own page: ``content`` as in a version."""

    referral_id: uuid.UUID
    agreed_on: date
    content: Mapping[str, Any]
    changed_since: bool


# Reading -------------------------------------------------------------------------------------------------------------


def of_referral(store: Session, actor: Actor, referral: Referral) -> Plan:
    """The whole plan of a case."""
    access.require(actor, Permission.READ_REFERRAL)
    return _plan(store, referral)


def _plan(store: Session, referral: Referral) -> Plan:
    row, needs = _row(store, referral), needs_of(store, referral)
    agreed = next((one for one in _versions(store, row) if one.content["act"] == AGREED), None) if row else None
    planned = what_is_planned(content_of(needs, row))
    return Plan(referral, row, needs, agreed, agreed is not None and what_is_planned(agreed.content) != planned)


def _row(store: Session, referral: Referral, *, lock: bool = False) -> CarePlan | None:
    mine = access.rows_of(referral.service_id, CarePlan).where(CarePlan.referral_id == referral.id)
    return store.scalar(mine.with_for_update().execution_options(populate_existing=True) if lock else mine)


def versions(store: Session, actor: Actor, referral: Referral) -> Sequence[CarePlanVersion]:
    """Every version that was kept, the latest first."""
    access.require(actor, Permission.READ_REFERRAL)
    row = _row(store, referral)
    return _versions(store, row) if row else ()


def _versions(store: Session, row: CarePlan) -> Sequence[CarePlanVersion]:
    theirs = access.rows_of(row.service_id, CarePlanVersion).where(CarePlanVersion.plan_id == row.id)
    return store.scalars(theirs.order_by(CarePlanVersion.number.desc())).all()


def for_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[ForPerson]:
    """The plans that this person has agreed, of the latest referral first. What was changed and not agreed since is
    not theirs yet: that something was is all that is said of it."""
    theirs = access.rows_of(service_id, Referral).where(Referral.person_id == person_id)
    found = []
    for referral in store.scalars(theirs.order_by(Referral.referred_at.desc(), Referral.id.desc())).all():
        plan = _plan(store, referral)
        if plan.agreed_on is not None:
            content = plan.agreed_on.content
            on = datetime.fromisoformat(content["agreement"]["at"]).date()
            found.append(ForPerson(referral.id, on, content, plan.changed_since))
    return found


# Versions ------------------------------------------------------------------------------------------------------------


def goals_changed(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, actor: Actor | None) -> None:
    """To be called after a goal of a person was set, changed or ended, by them (``actor`` is then ``None``) or with
    them: a plan that has versions gets another one when its content differs."""
    theirs = access.rows_of(service_id, CarePlan).where(CarePlan.person_id == person_id)
    for row in store.scalars(theirs.order_by(CarePlan.id)).all():
        note(store, actor, store.get_one(Referral, (service_id, row.referral_id)), CHANGED)


def note(store: Session, actor: Actor | None, referral: Referral, act: str) -> None:
    """Write the plan down whole, if it is to have a version and says something else than the last one.

    The plan's row is the last thing that anybody here locks, so that whoever came through the person's goals and
    whoever came through the case never wait for each other.
    """
    store.flush()
    row = _row(store, referral, lock=True)
    if row is None or (act == CHANGED and row.number == 0):
        return
    content = content_of(needs_of(store, referral), row)
    last = next(iter(_versions(store, row)), None)
    if act in (CHANGED, REPLACED) and last and what_is_planned(last.content) == what_is_planned(content):
        return
    row.number += 1
    store.add(
        CarePlanVersion(
            service_id=row.service_id,
            id=codes.new_id(),
            plan_id=row.id,
            number=row.number,
            content={**content, "act": act},
            made_by=actor.staff_id if actor else None,
        )
    )
    store.flush()


def begun(store: Session, referral: Referral) -> CarePlan:
    """The plan's row; the case is held, so there is never a second one."""
    if found := _row(store, referral, lock=True):
        return found
    made = CarePlan(
        service_id=referral.service_id, id=codes.new_id(), referral_id=referral.id, person_id=referral.person_id
    )
    store.add(made)
    store.flush()
    return made


def _check_seen(store: Session, service_id: uuid.UUID, about_id: uuid.UUID, says: Mapping[str, Any], seen: str) -> None:
    if stamp(says) == seen:
        return
    written = [one for one in audit.history_of(store, service_id, about_id) if one.actor_id and one.act in _WRITES]
    last = written[-1] if written else None
    raise Meanwhile(says, stamp(says), last.actor_id if last else None, last.created_at if last else None)


_SAVED, _NEED_CHANGED, _ACTION_ADDED, _ACTION_CHANGED = (
    "saved a plan",
    "changed a need",
    "added an action",
    "changed an action",
)
_WRITES = (_SAVED, _NEED_CHANGED, _ACTION_ADDED, _ACTION_CHANGED, "added a need")


# Strengths and the day of the review ---------------------------------------------------------------------------------


def says_plan(row: CarePlan | None) -> dict[str, Any]:
    """What is written once for the whole plan."""
    return {"strengths": (row.strengths if row else None) or "", "review_due": row.review_due if row else None}


def save(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    strengths: str,
    review_due: date | None,
    seen: str,
    over: bool = False,
) -> CarePlan:
    """What the person is good at and has to build on, and when the plan is looked at again. ``seen``: the stamp of
    ``says_plan`` as the page showed it; ``over``: the worker has seen what stands there now, and writes over it.

    Raises ``Gone``, ``NotPossible`` (strengths: too-long, unreadable; review_due: past) and ``Meanwhile``.
    """
    problems: dict[str, str] = {}
    words = plain(strengths, LONGEST_STRENGTHS, "strengths", problems)
    referral = held(store, actor, referral_id)
    row = begun(store, referral)
    wanted = {"strengths": words, "review_due": review_due}
    if wanted == says_plan(row):
        return row
    if review_due and review_due < today() and review_due != row.review_due:
        problems["review_due"] = "past"
    if problems:
        raise NotPossible(problems)
    _check_seen(store, referral.service_id, row.id, says_plan(row), seen)
    if over:
        note(store, actor, referral, REPLACED)
    row.strengths, row.review_due = words or None, review_due
    audit.record(store, actor.service_id, actor, _SAVED, "care_plan", row.id)
    note(store, actor, referral, CHANGED)
    return row


# Needs ---------------------------------------------------------------------------------------------------------------


def says_need(row: ReferralNeed) -> dict[str, Any]:
    """What a page shows of a need."""
    return {"status": row.status, "words": row.words or ""}


def add_need(store: Session, actor: Actor, referral_id: uuid.UUID, *, need: str, words: str = "") -> ReferralNeed:
    """A need that the form did not name. Added twice with the same words, it is one.

    Raises ``Gone`` and ``NotPossible`` (need: not-listed, there-already; words: too-long, unreadable).
    """
    problems: dict[str, str] = {}
    text = plain(words, LONGEST_NEED, "words", problems)
    if need not in {one.code for one in NEEDS}:
        problems["need"] = "not-listed"
    if problems:
        raise NotPossible(problems)
    referral = held(store, actor, referral_id)
    mine = access.rows_of(actor.service_id, ReferralNeed).where(
        ReferralNeed.referral_id == referral.id, ReferralNeed.need == need
    )
    if there := store.scalar(mine):
        if (there.words or "") != text:
            raise NotPossible({"need": "there-already"})
        return there
    made = _new_need(referral, actor, need, text)
    store.add(made)
    store.flush()
    audit.record(store, actor.service_id, actor, "added a need", "referral_need", made.id, need=need)
    note(store, actor, referral, CHANGED)
    return made


def _new_need(referral: Referral, actor: Actor, need: str, words: str = "") -> ReferralNeed:
    return ReferralNeed(
        service_id=referral.service_id,
        id=codes.new_id(),
        referral_id=referral.id,
        need=need,
        words=words or None,
        added_by=actor.staff_id,
    )


def adopt_needs(store: Session, actor: Actor, referral: Referral) -> None:
    """A need that only a goal names becomes a need of the case."""
    for one in needs_of(store, referral):
        if one.row is None:
            store.add(_new_need(referral, actor, one.need))
    store.flush()


def need_of(store: Session, actor: Actor, referral: Referral, need_id: uuid.UUID) -> ReferralNeed:
    """A need of this case. Raises ``Gone``."""
    access.require(actor, Permission.READ_REFERRAL)
    mine = access.rows_of(referral.service_id, ReferralNeed).where(
        ReferralNeed.referral_id == referral.id, ReferralNeed.id == need_id
    )
    found = store.scalar(mine.execution_options(populate_existing=True))
    if found is None:
        raise Gone
    return found


def change_need(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    need_id: uuid.UUID,
    *,
    status: str,
    words: str,
    seen: str,
    over: bool = False,
) -> ReferralNeed:
    """Where a need stands, and the worker's words about it. ``seen`` and ``over`` as in ``save``. Raises ``Gone``,
    ``NotPossible`` (status: not-listed; words: too-long, unreadable) and ``Meanwhile``."""
    problems: dict[str, str] = {}
    text = plain(words, LONGEST_NEED, "words", problems)
    if status not in codes_in(NEED_STATUSES):
        problems["status"] = "not-listed"
    if problems:
        raise NotPossible(problems)
    referral = held(store, actor, referral_id)
    row = need_of(store, actor, referral, need_id)
    if {"status": status, "words": text} == says_need(row):
        return row
    _check_seen(store, referral.service_id, row.id, says_need(row), seen)
    if over:
        _keep_replaced(store, actor, referral)
    row.status, row.words, row.changed_at = status, text or None, now()
    audit.record(store, actor.service_id, actor, _NEED_CHANGED, "referral_need", row.id, status=status)
    note(store, actor, referral, CHANGED)
    return row


def _keep_replaced(store: Session, actor: Actor, referral: Referral) -> None:
    """Words that are about to be written over are kept, also in a plan that nobody has agreed yet."""
    begun(store, referral)
    note(store, actor, referral, REPLACED)


# Goals and their actions ---------------------------------------------------------------------------------------------


def become(store: Session, actor: Actor, referral_id: uuid.UUID, goal_id: uuid.UUID, what: str) -> PlanGoal:
    """A goal of the plan was achieved, is set aside or taken up again (``goals.ACHIEVE``, ``PUT_ASIDE``, ``TAKE_UP``).
    Its actions stay as they are: ``left_over`` says which still run. Raises ``Gone`` and ``goals.TooMany``."""
    referral = held(store, actor, referral_id)
    _goal(store, referral, goal_id)
    goals.become(store, referral.service_id, referral.person_id, goal_id, what, actor)
    note(store, actor, referral, CHANGED)
    return _goal(store, referral, goal_id)


def _goal(store: Session, referral: Referral, goal_id: uuid.UUID) -> PlanGoal:
    for need in needs_of(store, referral):
        for goal in need.goals:
            if goal.line.goal.id == goal_id:
                return goal
    raise Gone


def goal_of(store: Session, actor: Actor, referral: Referral, goal_id: uuid.UUID) -> PlanGoal:
    """A goal of this plan. Raises ``Gone``."""
    access.require(actor, Permission.READ_REFERRAL)
    return _goal(store, referral, goal_id)


def says_action(row: PlanAction) -> dict[str, Any]:
    """What a page shows of an action."""
    return {
        "words": row.words,
        "who": row.who,
        "who_name": row.who_name or "",
        "due": row.due,
        "sure": row.sure,
        "barriers": row.barriers or "",
        "status": row.status,
        "review_due": row.review_due,
    }


def _read_action(said: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an action as they are kept. Raises ``NotPossible``."""
    problems: dict[str, str] = {}
    read = {**before, **said}
    read["words"] = plain(read["words"], LONGEST_ACTION, "words", problems, needed=True)
    read["who_name"] = plain(read["who_name"], LONGEST_NAME, "who_name", problems)
    read["barriers"] = plain(read["barriers"], LONGEST_BARRIERS, "barriers", problems)
    if read["who"] not in _WHO:
        problems["who"] = "not-listed"
    if read["status"] not in _STATUSES:
        problems["status"] = "not-listed"
    if read["sure"] is not None and (type(read["sure"]) is not int or not 1 <= read["sure"] <= 10):
        problems["sure"] = "not-listed"
    if read["review_due"] and read["review_due"] < today() and read["review_due"] != before.get("review_due"):
        problems["review_due"] = "past"
    if problems:
        raise NotPossible(problems)
    return read


_NOTHING: Mapping[str, Any] = {
    **dict.fromkeys(("words", "who", "who_name", "barriers"), ""),
    **dict.fromkeys(("due", "sure", "review_due")),
    "status": "planned",
}


def add_action(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    goal_id: uuid.UUID,
    *,
    action_id: uuid.UUID | None = None,
    **said: Any,
) -> PlanAction:
    """Something that somebody will do for a goal: ``words``, ``who``, and perhaps ``who_name``, ``due``, ``sure`` (1 to
    10, as the person said), ``barriers``, ``status``, ``review_due``. ``action_id`` makes doing it twice one.

    Raises ``Gone`` and ``NotPossible`` (words: missing; words, who_name, barriers: too-long, unreadable; who, sure,
    status: not-listed; review_due: past).
    """
    read = _read_action(said, _NOTHING)
    referral = held(store, actor, referral_id)
    goal = _goal(store, referral, goal_id)
    if there := next((one for one in goal.actions if one.id == action_id), None):
        return there
    made = PlanAction(
        service_id=referral.service_id,
        id=action_id or codes.new_id(),
        referral_id=referral.id,
        person_id=referral.person_id,
        goal_id=goal_id,
        changed_at=now(),
        changed_by=actor.staff_id,
        **_as_kept(read),
    )
    store.add(made)
    store.flush()
    audit.record(store, actor.service_id, actor, _ACTION_ADDED, "plan_action", made.id)
    note(store, actor, referral, CHANGED)
    return made


def _as_kept(read: Mapping[str, Any]) -> dict[str, Any]:
    return {**read, "who_name": read["who_name"] or None, "barriers": read["barriers"] or None}


def action_of(store: Session, actor: Actor, referral: Referral, action_id: uuid.UUID) -> PlanAction:
    """An action of this plan. Raises ``Gone``."""
    access.require(actor, Permission.READ_REFERRAL)
    theirs = access.rows_of(referral.service_id, PlanAction).where(
        PlanAction.person_id == referral.person_id, PlanAction.id == action_id
    )
    found = store.scalar(theirs.execution_options(populate_existing=True))
    if found is None:
        raise Gone
    return found


def change_action(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    action_id: uuid.UUID,
    *,
    seen: str,
    over: bool = False,
    **said: Any,
) -> PlanAction:
    """Change an action: the fields of ``add_action`` that are given. ``seen`` and ``over`` as in ``save``. Raises
    ``Gone``, ``NotPossible`` and ``Meanwhile``."""
    referral = held(store, actor, referral_id)
    row = action_of(store, actor, referral, action_id)
    before = says_action(row)
    read = _read_action(said, before)
    if read == before:
        return row
    _check_seen(store, referral.service_id, row.id, before, seen)
    if over:
        _keep_replaced(store, actor, referral)
    _write_action(store, actor, row, read)
    note(store, actor, referral, CHANGED)
    return row


def _write_action(store: Session, actor: Actor, row: PlanAction, read: Mapping[str, Any]) -> None:
    for name, value in _as_kept(read).items():
        setattr(row, name, value)
    row.changed_at, row.changed_by = now(), actor.staff_id
    store.flush()
    audit.record(store, actor.service_id, actor, _ACTION_CHANGED, "plan_action", row.id, status=row.status)


def set_action(store: Session, actor: Actor, referral_id: uuid.UUID, action_id: uuid.UUID, status: str) -> PlanAction:
    """Where an action stands now, with one press. Raises ``Gone`` and ``NotPossible`` (status: not-listed)."""
    referral = held(store, actor, referral_id)
    row = action_of(store, actor, referral, action_id)
    if row.status != status:
        _write_action(store, actor, row, _read_action({"status": status}, says_action(row)))
        note(store, actor, referral, CHANGED)
    return row


def end_actions(store: Session, actor: Actor, referral_id: uuid.UUID, goal_id: uuid.UUID, status: str) -> int:
    """A goal has ended, and what was still to be done for it ends too: ``done``, ``declined`` or ``stopped``. How many.
    Raises ``Gone`` and ``NotPossible`` (status: not-listed)."""
    if status in ACTIONS_OPEN or status not in _STATUSES:
        raise NotPossible({"status": "not-listed"})
    referral = held(store, actor, referral_id)
    running = [one for one in _goal(store, referral, goal_id).actions if one.status in ACTIONS_OPEN]
    for row in running:
        _write_action(store, actor, row, {**says_action(row), "status": status})
    note(store, actor, referral, CHANGED)
    return len(running)
