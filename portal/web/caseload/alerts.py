"""Alerts: mine, the team's, one of them, and what is done about it."""

import uuid
from datetime import timedelta

from flask import abort, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal import alerts, referrals
from portal.access import Permission
from portal.clock import now
from portal.i18n import N_, gettext
from portal.referrals import Alert
from portal.web import forms
from portal.web.caseload.door import (
    Give,
    blueprint,
    colleagues,
    contact_of,
    contact_of_unsent,
    reach,
    read,
    unread_of,
)
from portal.web.caseload.words import shown_alert
from portal.web.security import allow, keeps_typed

CLOSED_LATELY = timedelta(days=14)


class Close(forms.Form):
    """What was done."""

    done = forms.LongWords(
        N_("What was done?"),
        longest=alerts.LONGEST_WORDS,
        missing=N_("Write what was done"),
        hint=N_("Who you reached, how, and what happens next."),
    )


@blueprint.get("/alerts")
@allow(Permission.HANDLE_ALERTS)
def alerts_list() -> ResponseReturnValue:
    """Mine, the team's, and those closed lately."""
    names = referrals.staff_names(g.store, g.actor)
    waiting = [shown_alert(one, names) for one in alerts.waiting(g.store, g.actor)]
    closed = referrals.alerts_closed_since(g.store, g.actor, now() - CLOSED_LATELY)
    return render_template(
        "caseload/alerts.html",
        mine=[one for one in waiting if one.own],
        team=[one for one in waiting if not one.own],
        closed=[shown_alert(one, names) for one in closed],
        days=CLOSED_LATELY.days,
    )


def _read_alert(alert_id: uuid.UUID) -> Alert:
    try:
        return referrals.read_alert(g.store, g.actor, alert_id)
    except referrals.Gone:
        abort(404)


def _alert_page(alert: Alert, closing: Close, giving: Give) -> str:
    referral = read(alert.referral_id) if alert.referral_id else None
    unsent = referrals.draft_of_alert(g.store, g.actor, alert)
    names = referrals.staff_names(g.store, g.actor)
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
