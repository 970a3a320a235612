"""The alerts desk: mine, my team's, everybody's; one of them with its whole history, and what is done about it.

Looking at one stops no clock, and lists are made page by page: however many alerts there ever were.
"""

import uuid
from dataclasses import dataclass
from typing import Any

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import alerts, codes, referrals
from portal.access import Permission
from portal.i18n import N_, gettext
from portal.referrals import Alert
from portal.web import forms, questions
from portal.web.caseload.door import (
    Give,
    blueprint,
    colleagues,
    contact_of,
    contact_of_unsent,
    reach,
    read,
    staff_names,
    unread_of,
)
from portal.web.caseload.words import shown_alert
from portal.web.security import allow, keeps_typed

PAGE = 50
WHOSE: dict[str, str] = {alerts.EVERYBODYS: N_("Everybody’s"), alerts.OWN: N_("Mine"), alerts.TEAM: N_("My team’s")}
WHICH: dict[str, str] = {
    alerts.OPEN: N_("Open"),
    alerts.CLOSED: N_("Closed"),
    alerts.TO_TALK_OVER: N_("To be talked over"),
}
"""The ways of looking at the desk, by the room's codes."""


class Close(forms.Form):
    """What was done."""

    done = forms.LongWords(
        N_("What was done?"),
        longest=alerts.LONGEST_WORDS,
        missing=N_("Write what was done"),
        hint=N_("Who you reached, how, and what happens next."),
    )


class Worried(forms.Form):
    """What somebody saw or heard."""

    words = forms.LongWords(
        N_("What did you see or hear?"),
        longest=alerts.LONGEST_WORDS,
        missing=N_("Write what you saw or heard"),
        hint=N_("What makes you worried, when it was, and what you have done so far. The person is not told of it."),
    )


@dataclass(frozen=True)
class Way:
    """One way of looking at the desk: what it is called, where it is, and whether it is this one."""

    name: str
    address: str
    here: bool


def _asked(name: str, listed: dict[str, str]) -> str:
    """The way of looking that was asked for; the first one when none was."""
    asked = request.args.get(name, next(iter(listed)))
    return asked if asked in listed else abort(404)


def _ways(name: str, listed: dict[str, str], asked: dict[str, str]) -> list[Way]:
    return [Way(gettext(text), _address({**asked, name: code}), asked[name] == code) for code, text in listed.items()]


def _address(asked: dict[str, Any]) -> str:
    return url_for("caseload.alerts_list", **asked)


def _after() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args["after"]) if "after" in request.args else None
    except ValueError:
        abort(404)


@blueprint.get("/alerts")
@allow(Permission.HANDLE_ALERTS)
def alerts_list() -> ResponseReturnValue:
    """The desk: whose and which alerts, a page of them. Those that are open and anybody's stand apart from my own."""
    team = alerts.team_of(g.store, g.actor)
    whose_listed = WHOSE if team else {code: text for code, text in WHOSE.items() if code != alerts.TEAM}
    asked = {"whose": _asked("whose", whose_listed), "which": _asked("which", WHICH)}
    after, names = _after(), staff_names()

    def found(whose: str, after: uuid.UUID | None = None) -> list[Alert]:
        return list(alerts.desk(g.store, g.actor, whose=whose, state=asked["which"], after=after, most=PAGE))

    page = found(asked["whose"], after)
    apart = asked == {"whose": alerts.EVERYBODYS, "which": alerts.OPEN}
    mine = found(alerts.OWN) if apart and not after else []
    listed = [one for one in page if not apart or one.owner_id != g.actor.staff_id]
    last = page[-1].id if len(page) == PAGE else None
    return render_template(
        "caseload/alerts.html",
        apart=apart,
        first=not after,
        mine=[shown_alert(one, names) for one in mine],
        listed=[shown_alert(one, names) for one in listed],
        whose=_ways("whose", whose_listed, asked),
        which=_ways("which", WHICH, asked),
        team=team,
        heading=gettext(WHICH[asked["which"]]),
        to_talk_over=alerts.to_talk_over_count(g.store, g.actor.service_id),
        talk_over_address=_address({"which": alerts.TO_TALK_OVER}),
        older=_address({**asked, "after": last}) if last else "",
    )


def _read_alert(alert_id: uuid.UUID) -> Alert:
    try:
        return referrals.read_alert(g.store, g.actor, alert_id)
    except referrals.Gone:
        abort(404)


def _alert_page(alert: Alert, closing: Close, giving: Give) -> str:
    referral = read(alert.referral_id) if alert.referral_id else None
    unsent = referrals.draft_of_alert(g.store, g.actor, alert)
    names = staff_names()
    return render_template(
        "caseload/alert.html",
        shown=shown_alert(alert, names, whole=True),
        referral=referral,
        contact=contact_of(referral) if referral else contact_of_unsent(unsent),
        reach=reach(referral.answers) if referral else reach(unsent.answers) if unsent else [],
        unread=unread_of(unsent),
        closing=closing,
        giving=colleagues(giving, without=alert.owner_id),
    )


@blueprint.get("/alerts/<uuid:alert_id>")
@allow(Permission.HANDLE_ALERTS, audits=True)
def alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    """What the person said, how to reach them safely, and what to do. Looking stops no clock."""
    return _alert_page(_read_alert(alert_id), Close(), Give())


@blueprint.post("/alerts/<uuid:alert_id>/open")
@allow(Permission.HANDLE_ALERTS)
def open_alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Open it by name: the clock stops, and it is mine."""
    if alerts.open_by_name(g.store, g.actor, alert_id) is None:
        abort(404)
    return _to_alert(alert_id)


def _to_alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    return redirect(url_for("caseload.alert", alert_id=alert_id), 303)


@blueprint.post("/alerts/<uuid:alert_id>/hand-over")
@allow(Permission.HANDLE_ALERTS)
def hand_over(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Give it to somebody else, with their own time to open it."""
    alert = _read_alert(alert_id)
    giving = colleagues(Give())
    if not giving.sent():
        return _alert_page(alert, Close(formdata=None), giving), 422
    try:
        alerts.hand_over(g.store, g.actor, alert.id, uuid.UUID(giving.to.data))
    except alerts.NotThere:
        giving.refuse("to", gettext(N_("This colleague has left meanwhile. Choose somebody else")))
        return _alert_page(alert, Close(formdata=None), giving), 422
    return _to_alert(alert.id)


@blueprint.post("/alerts/<uuid:alert_id>/close")
@allow(Permission.HANDLE_ALERTS)
@keeps_typed
def close_alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Close it with what was done."""
    alert = _read_alert(alert_id)
    closing = Close()
    if not closing.sent():
        return _alert_page(alert, closing, Give(formdata=None)), 422
    try:
        alerts.close(g.store, g.actor, alert.id, closing.done.data)
    except alerts.NotOpened:
        closing.refuse("done", gettext(N_("Open the alert first, so that the others know that you have it")))
        return _alert_page(alert, closing, Give(formdata=None)), 422
    return _to_alert(alert.id)


# Talked over ---------------------------------------------------------------------------------------------------------


@blueprint.post("/alerts/<uuid:alert_id>/supervision")
@allow(Permission.HANDLE_ALERTS)
def ask_supervision(alert_id: uuid.UUID) -> ResponseReturnValue:
    """I want to talk it over with my supervisor."""
    if alerts.ask_supervision(g.store, g.actor, alert_id) is None:
        abort(404)
    return _to_alert(alert_id)


@blueprint.post("/alerts/<uuid:alert_id>/talked-over")
@allow(Permission.LEAD_TEAM)
def talked_over(alert_id: uuid.UUID) -> ResponseReturnValue:
    """It has been talked over."""
    if alerts.talked_over(g.store, g.actor, alert_id) is None:
        abort(404)
    return _to_alert(alert_id)


# Raised by staff -----------------------------------------------------------------------------------------------------


def _worried_page(referral_id: uuid.UUID, form: Worried) -> str:
    referral = read(referral_id)
    once = request.form.get("once", "")[:60] or str(codes.new_id())
    return render_template(
        "caseload/alert_worried.html",
        referral=referral,
        contact=contact_of(referral),
        form=form,
        once=questions.printable(once),
    )


@blueprint.get("/referrals/<uuid:referral_id>/alert")
@allow(Permission.HANDLE_ALERTS, audits=True)
def worried(referral_id: uuid.UUID) -> ResponseReturnValue:
    """What makes me worried about somebody."""
    return _worried_page(referral_id, Worried())


@blueprint.post("/referrals/<uuid:referral_id>/alert")
@allow(Permission.HANDLE_ALERTS)
@keeps_typed
def raise_alert(referral_id: uuid.UUID) -> ResponseReturnValue:
    """An alert like any other, with its clock; pressed twice it is one."""
    form = Worried()
    once = request.form.get("once", "")[:60]
    if not form.sent():
        return _worried_page(referral_id, form), 422
    referral = read(referral_id)
    alert = alerts.raise_by_staff(
        g.store,
        g.service,
        g.actor,
        once=once or str(codes.new_id()),
        words=form.words.data,
        reference=referral.reference,
        referral_id=referral.id,
        person_id=referral.person_id,
    )
    return _to_alert(alert.id)
