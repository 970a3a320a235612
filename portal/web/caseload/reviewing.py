"""What is looked at again, and is still so: a risk, an access need. Its words and its next day may change; what a
colleague saved meanwhile is shown, so that nobody's words are lost.
"""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from flask import abort, g
from flask.typing import ResponseReturnValue

from portal.access import Permission
from portal.caseload import access_needs, risks
from portal.caseload.access_needs import AccessNeed
from portal.caseload.cases import Gone, Meanwhile, NotPossible
from portal.caseload.risks import Risk
from portal.clock import today
from portal.i18n import N_, gettext, say_date
from portal.people.access_needs import next_review
from portal.referrals import Referral
from portal.web import forms
from portal.web.caseload.door import blueprint, read, say_access_need
from portal.web.caseload.record import (
    KIND_OF_RISK,
    NewNeed,
    NewRisk,
    case_page,
    optional_day,
    refuse,
    to_part,
    typed_day,
    version_typed,
)
from portal.web.security import allow, keeps_typed

STILL_SO = N_("Still so")
SAVE = N_("Save")
ENDED = N_("A colleague has ended it meanwhile. Your words are still here. If it is still so, write it down anew")
CHANGED = N_("A colleague changed it while this page was open. Put both together, and save again")


class StillARisk(NewRisk):
    """A risk that is still there: what it is and since when is known."""

    kind = None  # type: ignore[assignment]  # so a form leaves out a field of the one it extends
    started = None  # type: ignore[assignment]


class StillANeed(NewNeed):
    """An access need that is still there."""

    need = None  # type: ignore[assignment]
    need_of = None  # type: ignore[assignment]
    review_due = forms.Code(
        N_("When is it to be looked at again?"),
        longest=40,
        hint=N_("At the latest a year from now. Left blank, it is in a year. Such as 24 11 2026."),
    )


Rows = Sequence[tuple[str, str]]


def _row(field: Any, said: object) -> tuple[str, str]:
    return gettext(field.label.text), str(said or "") or gettext(N_("Left blank"))


def _day(day: date | None) -> str:
    return say_date(day, weekday=False) if day else ""


# Risks ---------------------------------------------------------------------------------------------------------------


def _risk_page(referral: Referral, risk: Risk, form: StillARisk, problem: str = "") -> str:
    theirs: Rows = (_row(form.words, risk.words), _row(form.review_due, _day(risk.review_due))) if problem else ()
    return case_page(
        "look_again",
        referral,
        form=form,
        row=risk,
        title=gettext(KIND_OF_RISK[risk.kind]),
        since=_day(risk.started),
        problem=problem,
        theirs=theirs,
        words=gettext(STILL_SO),
        endpoint="caseload.review_risk",
        of={"risk_id": risk.id},
        back_to="caseload.risks_of",
    )


def _risk(referral: Referral, risk_id: uuid.UUID) -> Risk:
    try:
        return risks.read(g.store, g.actor, referral, risk_id)
    except Gone:
        abort(404)


@blueprint.get("/referrals/<uuid:referral_id>/risks/<uuid:risk_id>")
@allow(Permission.WORK_ON_CASE, audits=True)
def look_at_risk(referral_id: uuid.UUID, risk_id: uuid.UUID) -> ResponseReturnValue:
    """Look at a risk again: its words, and when to look the next time."""
    referral = read(referral_id)
    risk = _risk(referral, risk_id)
    following = today() + risks.LOOK_AGAIN
    held = {"words": risk.words or "", "review_due": typed_day(following)}
    return _risk_page(referral, risk, StillARisk(formdata=None, data=held), gettext(ENDED) if risk.ended_at else "")


@blueprint.post("/referrals/<uuid:referral_id>/risks/<uuid:risk_id>")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def review_risk(referral_id: uuid.UUID, risk_id: uuid.UUID) -> ResponseReturnValue:
    """It is still so."""
    referral, form = read(referral_id), StillARisk()
    risk = _risk(referral, risk_id)
    if not form.sent():
        return _risk_page(referral, risk, form), 422
    review_due = optional_day(form, "review_due")
    if form.problems():
        return _risk_page(referral, risk, form), 422
    try:
        risks.review(
            g.store,
            g.actor,
            referral.id,
            risk_id,
            version=version_typed(),
            words=form.words.data,
            review_due=review_due,
        )
    except NotPossible as problem:
        refuse(form, problem, words=N_("Write what kind of risk it is"))
        return _risk_page(referral, risk, form), 422
    except Meanwhile as meanwhile:
        now: Risk = meanwhile.now  # type: ignore[assignment]
        return _risk_page(referral, now, form, gettext(ENDED if now.ended_at else CHANGED)), 409
    return to_part(referral, "risks")


# Access needs --------------------------------------------------------------------------------------------------------


def _need_page(referral: Referral, need: AccessNeed, form: StillANeed, problem: str = "") -> str:
    own = access_needs.in_own_words(need)
    said = () if own else (_row(form.detail, need.detail),)
    theirs = (*said, _row(form.if_not_met, need.if_not_met), _row(form.review_due, _day(need.review_due)))
    return case_page(
        "look_again",
        referral,
        form=form,
        row=need,
        title=say_access_need(need),
        since="",
        problem=problem,
        theirs=theirs if problem else (),
        words=gettext(SAVE),
        endpoint="caseload.change_access_need",
        of={"access_need_id": need.id},
        back_to="caseload.access_needs_of",
        own_words=own,
    )


def _need(referral: Referral, need_id: uuid.UUID) -> AccessNeed:
    try:
        return access_needs.read(g.store, g.actor, referral, need_id)
    except Gone:
        abort(404)


@blueprint.get("/referrals/<uuid:referral_id>/access-needs/<uuid:access_need_id>")
@allow(Permission.WORK_ON_CASE, audits=True)
def look_at_access_need(referral_id: uuid.UUID, access_need_id: uuid.UUID) -> ResponseReturnValue:
    """Look at a need again: its words, and when to look the next time."""
    referral = read(referral_id)
    need = _need(referral, access_need_id)
    held = {"detail": need.detail or "", "if_not_met": need.if_not_met or ""}
    form = StillANeed(formdata=None, data={**held, "review_due": typed_day(next_review(today()))})
    return _need_page(referral, need, form, gettext(ENDED) if need.ended_at else "")


@blueprint.post("/referrals/<uuid:referral_id>/access-needs/<uuid:access_need_id>")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def change_access_need(referral_id: uuid.UUID, access_need_id: uuid.UUID) -> ResponseReturnValue:
    """It is still so, in these words."""
    referral, form = read(referral_id), StillANeed()
    need = _need(referral, access_need_id)
    if not form.sent():
        return _need_page(referral, need, form), 422
    review_due = optional_day(form, "review_due")
    if form.problems():
        return _need_page(referral, need, form), 422
    try:
        access_needs.change(
            g.store,
            g.actor,
            referral.id,
            access_need_id,
            version=version_typed(),
            detail=form.detail.data,
            if_not_met=form.if_not_met.data,
            review_due=review_due,
        )
    except NotPossible as problem:
        too_far = N_("That day is more than a year away. Choose an earlier one")
        refuse(form, problem, detail=N_("Write what they need"), review_due=too_far)
        return _need_page(referral, need, form), 422
    except Meanwhile as meanwhile:
        now: AccessNeed = meanwhile.now  # type: ignore[assignment]
        return _need_page(referral, now, form, gettext(ENDED if now.ended_at else CHANGED)), 409
    return to_part(referral, "access-needs")
