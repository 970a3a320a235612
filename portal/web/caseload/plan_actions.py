"""What is done for a goal of the plan: who, by when, how sure they are, and where it stands."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import abort, g
from flask.typing import ResponseReturnValue

from portal.access import Permission
from portal.caseload import care_plan
from portal.caseload.care_plan import Meanwhile, PlanAction, PlanGoal
from portal.caseload.cases import Gone, NotPossible
from portal.caseload.lists import (
    ACTION_STATUSES,
    ACTION_WHO,
)
from portal.caseload.plan_content import stamp
from portal.i18n import N_, gettext
from portal.referrals import Referral
from portal.web import forms
from portal.web.caseload.clashes import BOTH, MINE, Clash, chosen, clash_of, put_together, seen
from portal.web.caseload.door import blueprint, read
from portal.web.caseload.plan_words import WORD_OF_ACTION
from portal.web.caseload.record import (
    back_to,
    case_page,
    made_once,
    once,
    optional_day,
    options,
    refuse,
    typed_day,
)
from portal.web.security import allow, keeps_typed


class Action(forms.Form):
    """Something that somebody will do for a goal."""

    words = forms.LongWords(
        N_("What will be done?"), longest=care_plan.LONGEST_ACTION, missing=N_("Write what will be done")
    )
    who = forms.OneOf(N_("Who does it?"), missing=N_("Choose who does it"))
    who_name = forms.Words(N_("Their name"), longest=care_plan.LONGEST_NAME, hint=N_("You may leave this blank."))
    due = forms.Code(N_("By when?"), longest=40, hint=N_("You may leave this blank. Such as 24 11 2026."))
    sure = forms.Listed(N_("How sure are they that it will be done?"), missing="")
    barriers = forms.LongWords(
        N_("What could get in the way, and what would help then?"),
        longest=care_plan.LONGEST_BARRIERS,
        hint=N_("You may leave this blank."),
    )
    status = forms.OneOf(N_("Where does it stand?"), missing=N_("Choose where it stands"))
    review_due = forms.Code(
        N_("When is it looked at again?"), longest=40, hint=N_("You may leave this blank. Such as 24 11 2026.")
    )

    def offer(self) -> None:
        """Set what may be chosen."""
        self.who.choices = options(ACTION_WHO)
        self.status.choices = options(ACTION_STATUSES)
        self.sure.choices = [
            ("", gettext(N_("They did not say"))),
            *((str(number), str(number)) for number in range(1, 11)),
        ]

    def fill(self, says: Mapping[str, Any]) -> None:
        """Begin with what stands there now."""
        for name, value in _say_action(says).items():
            self[name].data = value
        self.who.data, self.status.data = says["who"], says["status"]

    def said(self) -> dict[str, Any]:
        """What was written, for the room; what is no day is said at its field."""
        told: dict[str, Any] = {name: self[name].data for name in ("words", "who", "who_name", "barriers", "status")}
        told |= {name: optional_day(self, name) for name in ("due", "review_due")}
        return {**told, "sure": int(self.sure.data) if self.sure.data else None}


def _say_action(says: Mapping[str, Any]) -> dict[str, str]:
    """An action as it stands in the fields of its page."""
    told = {name: says[name] for name in ("words", "who_name", "barriers")}
    told |= {name: typed_day(says[name]) for name in ("due", "review_due")}
    told["sure"] = str(says["sure"]) if says["sure"] is not None else ""
    for name, entries in (("who", ACTION_WHO), ("status", ACTION_STATUSES)):
        told[name] = next((text for code, text in options(entries) if code == says[name]), "")
    return told


def _goal_of(referral: Referral, goal_id: uuid.UUID) -> PlanGoal:
    try:
        return care_plan.goal_of(g.store, g.actor, referral, goal_id)
    except Gone:
        abort(404)


def _action_page(
    referral: Referral,
    form: Action,
    goal: PlanGoal,
    *,
    row: PlanAction | None = None,
    seen: str = "",
    clash: Clash | None = None,
) -> str:
    form.offer()
    if row is None and not form.is_submitted():
        form.status.data = "planned"
    return case_page(
        "care_plan_action", referral, form=form, goal=goal.line.goal, row=row, seen=seen, clash=clash, once=once()
    )


@blueprint.get("/referrals/<uuid:referral_id>/care-plan/goals/<uuid:goal_id>/actions/add")
@allow(Permission.WORK_ON_CASE, audits=True)
def new_action(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """One more thing to do for a goal."""
    referral = read(referral_id)
    return _action_page(referral, Action(formdata=None), _goal_of(referral, goal_id))


@blueprint.post("/referrals/<uuid:referral_id>/care-plan/goals/<uuid:goal_id>/actions/add")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def add_action(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it."""
    referral, form = read(referral_id), Action()
    goal = _goal_of(referral, goal_id)
    form.offer()
    if not form.sent():
        return _action_page(referral, form, goal), 422
    said = form.said()
    if form.problems():
        return _action_page(referral, form, goal), 422
    try:
        care_plan.add_action(g.store, g.actor, referral.id, goal_id, action_id=made_once(), **said)
    except NotPossible as problem:
        refuse(form, problem)
        return _action_page(referral, form, goal), 422
    return back_to("care_plan_of", referral, _anchor=f"goal-{goal_id}")


def _action_of(referral: Referral, action_id: uuid.UUID) -> tuple[PlanAction, PlanGoal]:
    try:
        row = care_plan.action_of(g.store, g.actor, referral, action_id)
        return row, care_plan.goal_of(g.store, g.actor, referral, row.goal_id)
    except Gone:
        abort(404)


@blueprint.get("/referrals/<uuid:referral_id>/care-plan/actions/<uuid:action_id>")
@allow(Permission.WORK_ON_CASE, audits=True)
def plan_action(referral_id: uuid.UUID, action_id: uuid.UUID) -> ResponseReturnValue:
    """Change an action."""
    referral = read(referral_id)
    row, goal = _action_of(referral, action_id)
    form, says = Action(formdata=None), care_plan.says_action(row)
    form.fill(says)
    return _action_page(referral, form, goal, row=row, seen=stamp(says))


@blueprint.post("/referrals/<uuid:referral_id>/care-plan/actions/<uuid:action_id>")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def changed_action(referral_id: uuid.UUID, action_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it."""
    referral, form = read(referral_id), Action()
    row, goal = _action_of(referral, action_id)
    form.offer()
    if not form.sent():
        return _action_page(referral, form, goal, row=row, seen=seen()), 422
    if chosen() == BOTH:
        put_together(form, care_plan.says_action(row))
    said = form.said()
    if form.problems():
        return _action_page(referral, form, goal, row=row, seen=seen()), 422
    try:
        care_plan.change_action(
            g.store, g.actor, referral.id, action_id, seen=seen(), over=chosen() in (MINE, BOTH), **said
        )
    except NotPossible as problem:
        refuse(form, problem)
        return _action_page(referral, form, goal, row=row, seen=seen()), 422
    except Meanwhile as meanwhile:
        clash = clash_of(form, meanwhile, _say_action)
        return _action_page(referral, form, goal, row=row, seen=meanwhile.seen, clash=clash), 409
    return back_to("care_plan_of", referral, _anchor=f"goal-{goal.line.goal.id}")


@blueprint.post(f"/referrals/<uuid:referral_id>/care-plan/actions/<uuid:action_id>/<{WORD_OF_ACTION}:becomes>")
@allow(Permission.WORK_ON_CASE)
def action_becomes(referral_id: uuid.UUID, action_id: uuid.UUID, becomes: str) -> ResponseReturnValue:
    """Where an action stands, with one press."""
    referral = read(referral_id)
    _, goal = _action_of(referral, action_id)
    care_plan.set_action(g.store, g.actor, referral.id, action_id, becomes)
    return back_to("care_plan_of", referral, _anchor=f"goal-{goal.line.goal.id}")
