"""Why must this record be read? Asked before a record opens that is not part of one's own work.

It stands before every page and every act whose address names a referral, whoever wrote that page: nothing can be
forgotten. A form that lay open when the case went to somebody else is still taken.
"""

import uuid

from flask import Flask, abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import access
from portal.access import Permission
from portal.caseload import reach
from portal.caseload.lists import READING_REASONS
from portal.i18n import N_, gettext
from portal.web import forms
from portal.web.addresses import staff_page
from portal.web.caseload.door import a_place, before_reading, blueprint, staff_names
from portal.web.security import allow, door, keeps_typed

PAGE = 25
"""Readings on one page."""

NOT_BEFORE = ("caseload.reason", "caseload.reason_given")


class Why(forms.Form):
    """Why, by the list; more words where that is not enough."""

    reason = forms.OneOf(N_("Why do you need to read it?"), missing=N_("Choose why you need to read it"))
    words = forms.LongWords(
        N_("In your own words, if you like"),
        longest=reach.LONGEST_WORDS,
        hint=N_("If you chose something else, say what it is. These words are kept, and are for staff alone."),
    )


def stand_before(app: Flask) -> None:
    """Call after the guard of the doors, so that whoever may not come in at all never gets here."""

    @app.before_request
    def ask_why() -> ResponseReturnValue | None:
        referral_id = (request.view_args or {}).get("referral_id")
        if request.endpoint is None or request.endpoint in NOT_BEFORE or not isinstance(referral_id, uuid.UUID):
            return None
        at_staff_door = isinstance(door(current_app, request.endpoint), Permission)
        if not at_staff_door or not access.may(g.actor, Permission.READ_REFERRAL):
            return None
        return before_reading(referral_id)


def _found(referral_id: uuid.UUID) -> reach.Standing:
    found = reach.of_referral(g.store, g.actor, referral_id)
    if found is None:
        abort(404)
    return found


def _page(found: reach.Standing, form: Why, status: int = 200) -> ResponseReturnValue:
    form.reason.choices = [(one.code, gettext(one.label)) for one in READING_REASONS]
    names = staff_names()
    page = render_template(
        "caseload/reason.html",
        form=form,
        reference=found.reference,
        worker=names.get(found.assigned_to, "") if found.assigned_to else "",
        hours=int(reach.HOLDS.total_seconds() // 3600),
        next=staff_page(request.values.get("next", "")),
    )
    return page, status


@blueprint.get("/referrals/<uuid:referral_id>/reason")
@allow(Permission.READ_REFERRAL)
def reason(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Whose it is, and nothing about the person; the question."""
    found = _found(referral_id)
    return _on(referral_id) if found.opens else _page(found, Why(formdata=None))


@blueprint.post("/referrals/<uuid:referral_id>/reason")
@allow(Permission.READ_REFERRAL)
@keeps_typed
def reason_given(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Why; then on to the page that was wanted."""
    form = Why()
    form.reason.choices = [(one.code, gettext(one.label)) for one in READING_REASONS]
    found = _found(referral_id)
    if not form.sent():
        return _page(found, form, 422)
    try:
        reach.give_reason(g.store, g.actor, found.person_id, form.reason.data, form.words.data)
    except reach.NeedsWords as missing:
        form.refuse(str(missing), gettext(N_("Say in a few words what it is")))
        return _page(found, form, 422)
    return _on(referral_id)


def _on(referral_id: uuid.UUID) -> ResponseReturnValue:
    wanted = staff_page(request.values.get("next", ""))
    return redirect(wanted or url_for("caseload.case", referral_id=referral_id), 303)


@blueprint.get("/readings")
@allow(Permission.LEAD_TEAM)
def readings() -> ResponseReturnValue:
    """Who of the staff has read a record outside their own work, whose and why: the newest first, a page at a time."""
    after = a_place()
    found = reach.all_reasons(g.store, g.actor, after, most=PAGE + 1)
    labels = {one.code: gettext(one.label) for one in READING_REASONS}
    return render_template(
        "caseload/readings.html",
        readings=found[:PAGE],
        labels=labels,
        further=after is not None,
        older=url_for("caseload.readings", after=found[PAGE - 1].row.id) if len(found) > PAGE else "",
    )
