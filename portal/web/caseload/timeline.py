"""The line of time of a case, in words: what happened, who did it, and where to look."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask import g, request, url_for
from flask.typing import ResponseReturnValue

from portal import alerts, goals, people, referrals
from portal.access import Permission
from portal.caseload import care_plan, timeline
from portal.caseload.lists import (
    ATTEMPT_OUTCOMES,
    MECHANISMS,
    ONWARD_STATUSES,
    Listed,
    entry,
)
from portal.caseload.timeline import Moment
from portal.i18n import N_, gettext
from portal.journeys.access_needs import BY_CODE
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.web.caseload.door import blueprint, read
from portal.web.caseload.record import KIND_OF_RISK, case_page
from portal.web.caseload.sharing import DECISIONS
from portal.web.check_ins import OCCASIONS
from portal.web.security import allow

FIRST = 8
"""How many moments stand on the case page; the rest has a page of its own."""
AT_ONCE = timedelta(minutes=10)
"""What one person does again within so long stands in one line, with how often; every time of it is kept."""

PLAN_ACTS: dict[str, str] = {
    care_plan.AGREED: N_("The plan was agreed"),
    care_plan.NOT_AGREED: N_("The plan could not be agreed"),
    care_plan.CHANGED: N_("The plan was changed"),
    care_plan.REPLACED: N_("Words in the plan were replaced"),
}
RECIPIENTS: dict[str, str] = {"gp": N_("the GP practice"), "referrer": N_("whoever referred them")}
MESSAGE_ABOUT: dict[str, str] = {
    "referral-received": N_("We have your form"),
    "referral-accepted": N_("Somebody has taken your form"),
    "referral-decided": N_("It was decided"),
    "check-in-due": N_("How are you?"),
    "check-in-reminder": N_("How are you? (reminder)"),
    "comment-answered": N_("There is an answer for you"),
    "case-reopened": N_("It goes on"),
    "onward-referral": N_("Details for a place that can help"),
    "message-back": N_("Message to a professional"),
    "case-given": N_("You have another link worker"),
    "case-closed": N_("It has ended"),
    "case-moved": N_("Another service helps you now"),
}
MESSAGE_STATES: dict[str, str] = {
    "waiting": N_("waiting to be sent"),
    "sent": N_("sent"),
    "refused": N_("not sent: they do not allow it"),
    "failed": N_("did not arrive"),
}


@dataclass(frozen=True)
class ShownMoment:
    """One line: when, what, who; the words that were written then; for the person to read or not; where to look; how
    many times it was done at once."""

    at: datetime
    what: str
    by: str
    words: str
    shared: bool
    address: str
    times: int = 1


Say = Callable[[Moment, Referral], tuple[str, str, str]]
"""What happened, the words that belong to it, and where to look."""


def _listed(entries: "tuple[Listed, ...]", code: str) -> str:
    found = entry(entries, code)
    return gettext(found.label) if found else code


def _said(what: str, about: str) -> str:
    return gettext(N_("%(what)s: %(about)s"), what=gettext(what), about=about)


def _status(one: Moment, _referral: Referral) -> tuple[str, str, str]:
    reason = g.settings.named_reason(one.facts["reason"]) if one.facts["reason"] else None
    what = gettext(referrals.STATUSES[one.facts["became"]])
    return (_said(what, gettext(reason.label)) if reason else what), one.facts["words"] or "", ""


def _given(one: Moment, _referral: Referral) -> tuple[str, str, str]:
    return _said(N_("Given to a colleague"), one.facts["to"]), "", ""


def _contact(one: Moment, referral: Referral) -> tuple[str, str, str]:
    facts = one.facts
    what = _said(_listed(ATTEMPT_OUTCOMES, facts["outcome"]), _listed(MECHANISMS, facts["mechanism"]))
    return what, facts["notes"] or facts["shared_note"] or "", ""


def _note(one: Moment, referral: Referral) -> tuple[str, str, str]:
    if one.facts["corrects"]:
        what = N_("A note was put right")
    else:
        what = N_("Note for the person to read") if one.facts["shared"] else N_("Note for staff")
    return gettext(what), one.facts["words"], ""


def _plan(one: Moment, referral: Referral) -> tuple[str, str, str]:
    number = one.facts["number"]
    what = _said(PLAN_ACTS[one.facts["act"]], gettext(N_("version %(number)s"), number=number))
    return what, "", url_for("caseload.plan_versions", referral_id=referral.id, number=number)


def _goal(one: Moment, referral: Referral) -> tuple[str, str, str]:
    change = one.facts["what"]
    what = _said(N_("Goal"), gettext(goals.CHANGES[change]))
    return what, one.facts["words"] or "", url_for("goals.staff_list", referral_id=referral.id)


def _check_in(what: str) -> Say:
    def say(one: Moment, referral: Referral) -> tuple[str, str, str]:
        where = url_for("check_ins.entry", referral_id=referral.id, check_in_id=one.about_id)
        return _said(what, gettext(OCCASIONS[one.facts["occasion"]])), "", where

    return say


def _onward(one: Moment, _referral: Referral) -> tuple[str, str, str]:
    what = _said(one.facts["activity_name"] or "", _listed(ONWARD_STATUSES, one.facts["status"]))
    return what, one.facts["reason"] or "", ""


def _letter(one: Moment, _referral: Referral) -> tuple[str, str, str]:
    to = gettext(RECIPIENTS[one.facts["recipient"]])
    if one.kind == "letter-waits":
        return gettext(N_("A message to %(to)s is waiting to be sent"), to=to), "", ""
    return gettext(N_("A message to %(to)s was sent"), to=to), "", ""


def _alert(one: Moment, _referral: Referral) -> tuple[str, str, str]:
    rule = gettext(alerts.RULES[one.facts["rule"]].label)
    event = one.facts["what"]
    what = _said(rule, gettext(alerts.EVENT_NAMES[event]))
    return what, one.facts["what_was_done"] or "", url_for("caseload.alert", alert_id=one.facts["alert_id"])


def _message(one: Moment, _referral: Referral) -> tuple[str, str, str]:
    about = gettext(MESSAGE_ABOUT.get(one.facts["template"], N_("A message to them")))
    state = gettext(MESSAGE_STATES[one.facts["state"]])
    channel = gettext(people.CHANNELS.get(one.facts["channel"], N_("Message")))
    return gettext(N_("%(channel)s “%(about)s”: %(state)s"), channel=channel, about=about, state=state), "", ""


def _permission(one: Moment, _referral: Referral) -> tuple[str, str, str]:
    question = gettext(SELF_REFERRAL.question(one.facts["kind"]).name)
    return _said(question, gettext(DECISIONS[one.facts["decision"]])), "", ""


def _risk(what: str) -> Say:
    return lambda one, _: (_said(what, gettext(KIND_OF_RISK[one.facts["kind"]])), one.facts["words"] or "", "")


def _access_need(what: str) -> Say:
    def say(one: Moment, _referral: Referral) -> tuple[str, str, str]:
        term = BY_CODE.get(one.facts["need"])
        return _said(what, gettext(term.label) if term else one.facts["need"]), "", ""

    return say


def _moved(one: Moment, _referral: Referral) -> tuple[str, str, str]:
    return _said(N_("Moved to another service"), one.facts["to_service"]), "", ""


def _details(one: Moment, _referral: Referral) -> tuple[str, str, str]:
    names = dict.fromkeys(gettext(SELF_REFERRAL.question(FIELDS.get(code, code)).name) for code in one.facts["fields"])
    return _said(N_("Details changed"), ", ".join(names)), "", ""


FIELDS: dict[str, str] = {"born": "date_of_birth", "access_needs_absent": "access_needs"}
"""The question that a changed field answers, where it has another name."""

SAY: Mapping[str, Say] = {
    "status": _status,
    "given": _given,
    "details": _details,
    "contact": _contact,
    "note": _note,
    "plan": _plan,
    "goal": _goal,
    "asked": _check_in(N_("Asked how they are")),
    "answered": _check_in(N_("Answered how they are")),
    "onward": _onward,
    "letter-waits": _letter,
    "letter-sent": _letter,
    "alert": _alert,
    "message": _message,
    "permission": _permission,
    "risk": _risk(N_("Risk written down")),
    "risk-ended": _risk(N_("A risk no more")),
    "access-need": _access_need(N_("Access need")),
    "access-need-reviewed": _access_need(N_("Access need, looked at again")),
    "access-need-ended": _access_need(N_("Not an access need any more")),
    "moved": _moved,
}
"""How each kind of moment is said."""


def _shown(one: Moment, referral: Referral) -> ShownMoment:
    what, words, address = SAY[one.kind](one, referral)
    facts: Mapping[str, Any] = one.facts
    shared = bool(facts.get("shared")) or bool(facts.get("shared_note") and not facts.get("notes"))
    return ShownMoment(one.at, what, one.by, words, shared, address)


def for_case(referral: Referral) -> dict[str, object]:
    """What parts/case_timeline.html shows: the latest moments."""
    page = timeline.page(g.store, g.actor, referral, most=2 * FIRST)
    told = _folded(page.moments, referral)
    return {"moments": told[:FIRST], "older": page.older or len(told) > FIRST}


def _folded(moments: Sequence[Moment], referral: Referral) -> list[ShownMoment]:
    """In words, newest first; what somebody did several times at once stands where the last of it was."""
    told: list[ShownMoment] = []
    last: dict[tuple[object, ...], int] = {}
    for one in moments:
        said = _shown(one, referral)
        # Each version of a plan has a number and a page of its own; that it was changed is one act.
        about = (one.facts["act"],) if one.kind == "plan" else (said.what, said.address)
        act = (one.kind, said.by, said.words, said.shared, *about)
        place = last.get(act)
        if said.by and place is not None and told[place].at - one.at <= AT_ONCE:
            told[place] = replace(told[place], times=told[place].times + 1)
        else:
            last[act] = len(told)
            told.append(said)
    return told


@blueprint.get("/referrals/<uuid:referral_id>/timeline")
@allow(Permission.READ_REFERRAL, audits=True)
def timeline_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Everything that happened, newest first."""
    referral = read(referral_id)
    page = timeline.page(g.store, g.actor, referral, before=request.args.get("before", ""))
    return case_page("timeline", referral, moments=_folded(page.moments, referral), older=page.older)
