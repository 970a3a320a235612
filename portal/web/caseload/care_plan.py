"""The plan of a case on the pages of staff: needs, goals, actions, and what is written once for the whole plan."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import abort, g, request
from flask.typing import ResponseReturnValue

from portal import goals
from portal.access import Permission
from portal.caseload import care_plan
from portal.caseload.care_plan import Meanwhile, ReferralNeed
from portal.caseload.cases import Gone, NotPossible
from portal.caseload.lists import (
    NEED_STATUSES,
)
from portal.caseload.plan_content import stamp
from portal.i18n import N_, gettext
from portal.journeys.self_referral import NEEDS
from portal.referrals import Referral
from portal.web import forms
from portal.web.caseload.clashes import BOTH, MINE, Clash, chosen, clash_of, put_together, seen
from portal.web.caseload.door import blueprint, read
from portal.web.caseload.plan_words import say_need, shown_plan
from portal.web.caseload.record import (
    back_to,
    case_page,
    optional_day,
    options,
    refuse,
    typed_day,
)
from portal.web.goals import THEIR_THREE, WORD_OF_CHANGE
from portal.web.security import allow, keeps_typed

THERE_ALREADY = N_("This need is in the plan already. Change it there")


# The page ------------------------------------------------------------------------------------------------------------


def _goal_page(referral: Referral, problem: str = "") -> str:
    plan = care_plan.of_referral(g.store, g.actor, referral)
    return case_page("care_plan", referral, problem=problem, **shown_plan(plan))


@blueprint.get("/referrals/<uuid:referral_id>/care-plan")
@allow(Permission.READ_REFERRAL, audits=True)
def care_plan_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The whole plan on one page."""
    return _goal_page(read(referral_id))


# Strengths and the day of the review ---------------------------------------------------------------------------------


class General(forms.Form):
    """What is written once for the whole plan."""

    strengths = forms.LongWords(
        N_("What are they good at, and what can they build on?"),
        longest=care_plan.LONGEST_STRENGTHS,
        hint=N_("In their own words where you can: people, skills, things that have helped before."),
    )
    review_due = forms.Code(
        N_("When do you look at the plan again together?"),
        longest=40,
        hint=N_("A day, such as 24 11 2026. You may leave this blank."),
    )


def _general_page(referral: Referral, form: General, seen: str, clash: Clash | None = None) -> str:
    return case_page("care_plan_change", referral, form=form, seen=seen, clash=clash)


@blueprint.get("/referrals/<uuid:referral_id>/care-plan/change")
@allow(Permission.WORK_ON_CASE, audits=True)
def change_plan(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Strengths, and when the plan is looked at again."""
    referral = read(referral_id)
    says = care_plan.says_plan(care_plan.of_referral(g.store, g.actor, referral).row)
    form = General(formdata=None)
    form.strengths.data, form.review_due.data = says["strengths"], typed_day(says["review_due"])
    return _general_page(referral, form, stamp(says))


def _say_general(says: Mapping[str, Any]) -> dict[str, str]:
    return {"strengths": says["strengths"], "review_due": typed_day(says["review_due"])}


@blueprint.post("/referrals/<uuid:referral_id>/care-plan/change")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def changed_plan(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it."""
    referral, form = read(referral_id), General()
    if not form.sent():
        return _general_page(referral, form, seen()), 422
    day = optional_day(form, "review_due")
    if form.problems():
        return _general_page(referral, form, seen()), 422
    if chosen() == BOTH:
        put_together(form, care_plan.says_plan(care_plan.of_referral(g.store, g.actor, referral).row))
    try:
        care_plan.save(
            g.store,
            g.actor,
            referral.id,
            strengths=form.strengths.data,
            review_due=day,
            seen=seen(),
            over=chosen() in (MINE, BOTH),
        )
    except NotPossible as problem:
        refuse(form, problem)
        return _general_page(referral, form, seen()), 422
    except Meanwhile as meanwhile:
        return _general_page(referral, form, meanwhile.seen, clash_of(form, meanwhile, _say_general)), 409
    return back_to("care_plan_of", referral)


# Needs ---------------------------------------------------------------------------------------------------------------


class NewNeed(forms.Form):
    """A need that the form did not name."""

    need = forms.Listed(N_("What else do they want help with?"), missing=N_("Choose a need"))
    words = forms.LongWords(
        N_("A note about it"),
        longest=care_plan.LONGEST_NEED,
        hint=N_("Your words, for staff. You may leave this blank."),
    )

    def offer(self, there: "set[str]") -> None:
        """Set what may be chosen: what is not in the plan yet."""
        self.need.choices = [
            ("", gettext(N_("Choose a need"))),
            *((one.code, gettext(one.label)) for one in NEEDS if one.code not in there),
        ]


def _rows_there(referral: Referral) -> "set[str]":
    plan = care_plan.of_referral(g.store, g.actor, referral)
    return {need.need for need in plan.needs if need.row is not None}


def _new_need_page(referral: Referral, form: NewNeed) -> str:
    form.offer(_rows_there(referral))
    return case_page("care_plan_need_add", referral, form=form)


@blueprint.get("/referrals/<uuid:referral_id>/care-plan/needs/add")
@allow(Permission.WORK_ON_CASE, audits=True)
def new_plan_need(referral_id: uuid.UUID) -> ResponseReturnValue:
    """One more need."""
    return _new_need_page(read(referral_id), NewNeed(formdata=None))


@blueprint.post("/referrals/<uuid:referral_id>/care-plan/needs/add")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def add_plan_need(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it."""
    referral, form = read(referral_id), NewNeed()
    form.offer(set())
    if not form.sent():
        return _new_need_page(referral, form), 422
    try:
        care_plan.add_need(g.store, g.actor, referral.id, need=form.need.data, words=form.words.data)
    except NotPossible:
        form.refuse("need", gettext(THERE_ALREADY))
        return _new_need_page(referral, form), 422
    return back_to("care_plan_of", referral)


class ChangeNeed(forms.Form):
    """Where a need stands."""

    status = forms.OneOf(N_("Where does it stand?"), missing=N_("Choose where it stands"))
    words = forms.LongWords(
        N_("A note about it"),
        longest=care_plan.LONGEST_NEED,
        hint=N_("Your words, for staff. You may leave this blank."),
    )

    def offer(self) -> None:
        """Set what may be chosen."""
        self.status.choices = options(NEED_STATUSES)


def _need_of(referral: Referral, need_id: uuid.UUID) -> ReferralNeed:
    try:
        return care_plan.need_of(g.store, g.actor, referral, need_id)
    except Gone:
        abort(404)


def _need_page(referral: Referral, row: ReferralNeed, form: ChangeNeed, seen: str, clash: Clash | None = None) -> str:
    form.offer()
    name = say_need(row.need)
    return case_page("care_plan_need", referral, row=row, need_name=name, form=form, seen=seen, clash=clash)


@blueprint.get("/referrals/<uuid:referral_id>/care-plan/needs/<uuid:need_id>")
@allow(Permission.WORK_ON_CASE, audits=True)
def plan_need(referral_id: uuid.UUID, need_id: uuid.UUID) -> ResponseReturnValue:
    """Where a need stands, and the worker's words about it."""
    referral = read(referral_id)
    row, form = _need_of(referral, need_id), ChangeNeed(formdata=None)
    form.status.data, form.words.data = row.status, row.words or ""
    return _need_page(referral, row, form, stamp(care_plan.says_need(row)))


def _say_need_fields(says: Mapping[str, Any]) -> dict[str, str]:
    found = next((text for code, text in options(NEED_STATUSES) if code == says["status"]), "")
    return {"status": found, "words": says["words"]}


@blueprint.post("/referrals/<uuid:referral_id>/care-plan/needs/<uuid:need_id>")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def changed_plan_need(referral_id: uuid.UUID, need_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it."""
    referral, form = read(referral_id), ChangeNeed()
    row = _need_of(referral, need_id)
    form.offer()
    if not form.sent():
        return _need_page(referral, row, form, seen()), 422
    if chosen() == BOTH:
        put_together(form, care_plan.says_need(row))
    try:
        care_plan.change_need(
            g.store,
            g.actor,
            referral.id,
            need_id,
            status=form.status.data,
            words=form.words.data,
            seen=seen(),
            over=chosen() in (MINE, BOTH),
        )
    except NotPossible as problem:
        refuse(form, problem)
        return _need_page(referral, row, form, seen()), 422
    except Meanwhile as meanwhile:
        return _need_page(referral, row, form, meanwhile.seen, clash_of(form, meanwhile, _say_need_fields)), 409
    return back_to("care_plan_of", referral)


# Goals ---------------------------------------------------------------------------------------------------------------


@blueprint.post(f"/referrals/<uuid:referral_id>/care-plan/goals/<uuid:goal_id>/<{WORD_OF_CHANGE}:what>")
@allow(Permission.WORK_ON_CASE)
def plan_goal_becomes(referral_id: uuid.UUID, goal_id: uuid.UUID, what: str) -> ResponseReturnValue:
    """A goal is achieved, set aside or taken up again; the page then offers to end what is still to be done for it."""
    referral = read(referral_id)
    try:
        care_plan.become(g.store, g.actor, referral.id, goal_id, what)
    except (Gone, goals.Gone):
        abort(404)
    except goals.TooMany:
        return _goal_page(referral, gettext(THEIR_THREE)), 422
    return back_to("care_plan_of", referral, _anchor=f"goal-{goal_id}")


@blueprint.post("/referrals/<uuid:referral_id>/care-plan/goals/<uuid:goal_id>/end-actions")
@allow(Permission.WORK_ON_CASE)
def end_plan_actions(referral_id: uuid.UUID, goal_id: uuid.UUID) -> ResponseReturnValue:
    """What was still to be done for a goal that has ended, ends too."""
    referral = read(referral_id)
    try:
        care_plan.end_actions(g.store, g.actor, referral.id, goal_id, request.form.get("status", ""))
    except Gone:
        abort(404)
    except NotPossible:
        abort(400)
    return back_to("care_plan_of", referral, _anchor=f"goal-{goal_id}")
