"""The plan as it is agreed, and every version of it beside another."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import g, request
from flask.typing import ResponseReturnValue

from portal import goals
from portal.access import Permission
from portal.caseload import agreeing, care_plan, risks
from portal.caseload.care_plan import Meanwhile
from portal.caseload.cases import NotPossible
from portal.caseload.lists import (
    ACTION_STATUSES,
    AGREED_BY,
    NEED_STATUSES,
)
from portal.caseload.plan_content import Part, beside
from portal.i18n import N_, gettext
from portal.referrals import Referral
from portal.web import forms
from portal.web.caseload.clashes import seen
from portal.web.caseload.door import blueprint, read
from portal.web.caseload.plan_words import say_day, say_listed, say_need, say_who, shown_plan
from portal.web.caseload.record import (
    case_page,
    name_of,
    optional_day,
    refuse,
    to_part,
)
from portal.web.caseload.timeline import AT_ONCE, PLAN_ACTS
from portal.web.security import allow, keeps_typed

RISK_FIRST = N_("Before a plan is agreed: write down a risk, or say that none is known")
PLAN_CHANGED = N_("Somebody changed the plan while this page was open. Look at it again with the person")


# Agreeing ------------------------------------------------------------------------------------------------------------


class Agree(forms.Form):
    """Who agreed, or why nobody could."""

    agreed = forms.OneOf(N_("Is this plan agreed?"), missing=N_("Choose whether it is agreed"))
    name = forms.Words(
        N_("If somebody decides for them: their name"),
        longest=care_plan.LONGEST_NAME,
        hint=N_("With a power of attorney, as a court’s deputy, or otherwise by law. A relative alone may not."),
    )
    why_not = forms.LongWords(
        N_("If it is not agreed: why not?"), longest=agreeing.LONGEST_WHY, hint=N_("Such as: they want more time.")
    )
    review_due = forms.Code(
        N_("When do you look at the plan again together?"),
        longest=40,
        hint=N_("A day, such as 24 11 2026. Left blank, the day that stands in the plan stays."),
    )
    none_known = forms.Tick(N_("No risks are known"), hint=N_("Tick this if you know of none."))

    def offer(self) -> None:
        """Set what may be chosen."""
        self.agreed.choices = [
            *((one.code, gettext(AGREED_WORDS[one.code])) for one in AGREED_BY),
            ("no", gettext(N_("No, it is not agreed"))),
        ]


AGREED_WORDS: dict[str, str] = {
    "person": N_("Yes, with the person"),
    "representative": N_("Yes, with somebody who may decide for them"),
}


def _agree_page(referral: Referral, form: Agree, problem: str = "") -> str:
    form.offer()
    plan = care_plan.of_referral(g.store, g.actor, referral)
    return case_page(
        "care_plan_agree",
        referral,
        form=form,
        seen=plan.seen,
        risk_said=risks.is_said(g.store, referral),
        problem=problem,
        **shown_plan(plan),
    )


@blueprint.get("/referrals/<uuid:referral_id>/care-plan/agree")
@allow(Permission.WORK_ON_CASE, audits=True)
def agree_plan(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The plan as it stands, and whether it is agreed."""
    return _agree_page(read(referral_id), Agree(formdata=None))


@blueprint.post("/referrals/<uuid:referral_id>/care-plan/agree")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def agreed_plan(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it."""
    referral, form = read(referral_id), Agree()
    form.offer()
    if not form.sent():
        return _agree_page(referral, form), 422
    day = optional_day(form, "review_due")
    if form.problems():
        return _agree_page(referral, form), 422
    by = form.agreed.data
    try:
        if form.none_known.data and not risks.is_said(g.store, referral):
            risks.none_known(g.store, g.actor, referral.id)
        agreeing.agree(
            g.store,
            g.actor,
            referral.id,
            agreed="no" if by == "no" else "yes",
            seen=seen(),
            by=by,
            name=form.name.data,
            why_not=form.why_not.data,
            review_due=day,
        )
    except agreeing.RiskNotSaid:
        form.refuse("none_known", gettext(RISK_FIRST))
        return _agree_page(referral, form), 422
    except NotPossible as problem:
        refuse(form, problem, name=N_("Write the name of whoever decides for them"), why_not=N_("Write why not"))
        return _agree_page(referral, form), 422
    except Meanwhile:
        return _agree_page(referral, form, gettext(PLAN_CHANGED)), 409
    return to_part(referral, "plan")


# Versions ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One thing that two versions say, beside each other."""

    name: str
    before: str
    after: str
    differs: bool


Said = Mapping[str, Any]

PARTS: dict[str, str] = {
    "strengths": N_("Strengths"),
    "review": N_("Looked at again on"),
    "need": N_("Help with"),
    "goal": N_("Goal"),
    "action": N_("To do"),
    "agreement": N_("Agreed"),
}


def _say_part(part: Part | None) -> str:
    """What a version says of one thing, in words, a line for each."""
    return "\n".join(line for line in SAY_PART[part.kind](part.said) if line) if part else ""


def _need_lines(said: Said) -> list[str]:
    return [f"{say_need(said['need'])} ({say_listed(NEED_STATUSES, said['status'])})", said["words"] or ""]


def _goal_lines(said: Said) -> list[str]:
    more = [said[name] or "" for name in ("why", "first_step", "by_when")]
    return [f"{said['words']} ({gettext(goals.STATUSES[said['status']])})", *more]


def _action_lines(said: Said) -> list[str]:
    return [
        f"{said['words']} ({say_listed(ACTION_STATUSES, said['status'])})",
        say_who(said["who"], said["who_name"]),
        say_day(said["due"]),
        said["barriers"] or "",
    ]


SAY_PART: Mapping[str, Callable[[Said], list[str]]] = {
    "strengths": lambda said: [said["words"] or ""],
    "review": lambda said: [say_day(said["day"])],
    "need": _need_lines,
    "goal": _goal_lines,
    "action": _action_lines,
    "agreement": lambda said: [_say_agreement(said)],
}


def _say_agreement(said: Mapping[str, Any]) -> str:
    if not said.get("agreed"):
        return ""
    day = say_day(said["at"])
    if said["agreed"] == "no":
        return gettext(N_("Not agreed, on %(day)s: %(why)s"), day=day, why=said["why_not"] or "")
    if said["by"] == "representative":
        return gettext(N_("Agreed on %(day)s with %(name)s, who may decide for them"), day=day, name=said["name"] or "")
    return gettext(N_("Agreed with the person on %(day)s"), day=day)


def _number(name: str, numbers: "list[int]", otherwise: int) -> int:
    typed = request.args.get(name, "")
    number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else otherwise
    return number if number in numbers else otherwise


@dataclass(frozen=True)
class Made:
    """Versions that somebody made at once, by the same act, the latest first; most often there is one. ``before``: the
    number of the version in front of them, 0 where there is none."""

    kept: tuple[care_plan.CarePlanVersion, ...]
    by: str
    what: str
    before: int


def _at_once(found: Sequence[care_plan.CarePlanVersion]) -> list[Made]:
    """The versions, the latest first, those together that one person made one after the other within a few minutes."""
    groups: list[list[care_plan.CarePlanVersion]] = []
    for one in found:
        newest = groups[-1][0] if groups else None
        if (
            newest
            and (newest.made_by, newest.content["act"]) == (one.made_by, one.content["act"])
            and newest.created_at - one.created_at <= AT_ONCE
        ):
            groups[-1].append(one)
        else:
            groups.append([one])
    return [
        Made(
            tuple(group),
            name_of(group[0].made_by),
            gettext(PLAN_ACTS[group[0].content["act"]]),
            next((one.number for one in found if one.number < group[-1].number), 0),
        )
        for group in groups
    ]


@blueprint.get("/referrals/<uuid:referral_id>/care-plan/versions")
@allow(Permission.READ_REFERRAL, audits=True)
def plan_versions(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Every version, and two of them beside each other: the chosen one and the one before it."""
    referral = read(referral_id)
    found = care_plan.versions(g.store, g.actor, referral)
    kept = {one.number: one for one in found}
    rows: list[Row] = []
    number = before = 0
    if kept:
        number = _number("number", list(kept), max(kept))
        before = _number("before", list(kept), max((one for one in kept if one < number), default=0))
        earlier = kept[before].content if before else {"needs": []}
        rows = [
            Row(gettext(PARTS[one.kind]), _say_part(one.before), _say_part(one.after), one.differs)
            for one in beside(earlier, kept[number].content)
        ]
    return case_page(
        "care_plan_versions",
        referral,
        versions=_at_once(found),
        number=number,
        before=before,
        rows=[row for row in rows if row.before or row.after],
    )
