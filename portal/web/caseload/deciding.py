"""What is decided about a referral: taken, given to a colleague, declined, passed on."""

import uuid

from flask import abort, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal import people, referrals
from portal.access import Permission
from portal.caseload import closing
from portal.i18n import N_, gettext
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.web import forms
from portal.web.caseload.door import Give, blueprint, colleagues, contact_of, read, staff_names, to_case
from portal.web.security import allow, keeps_typed


class Decline(forms.Form):
    """Why not, and what to say."""

    reason = forms.OneOf(N_("Why can we not take it?"), missing=N_("Choose a reason"))
    text = forms.LongWords(
        N_("A note for your team, if you like"), longest=1000, hint=N_("The person does not see this.")
    )
    word = forms.LongWords(
        N_("A word to the person"),
        longest=1000,
        hint=N_("Kind and plain. We never put it in a message: give it to them in a way that they said is safe."),
    )


class PassOn(forms.Form):
    """To whom, why, and what to say."""

    to = forms.Words(N_("Who will help them now?"), longest=150, missing=N_("Type who will help them now"))
    reason = forms.LongWords(N_("Why is that better for them?"), longest=1000, missing=N_("Write why"))
    word = forms.LongWords(
        N_("A word to the person"),
        longest=1000,
        missing=N_("Write a word to the person"),
        hint=N_("Kind and plain. We never put it in a message: give it to them in a way that they said is safe."),
    )


class Spoken(forms.Form):
    """A permission given in words."""

    agreed = forms.Tick(
        N_("I asked them this, and they said yes"), missing=N_("Tick this when you have asked them and they said yes")
    )


def _too_late(problem: referrals.AlreadyDecided) -> ResponseReturnValue:
    """Somebody was faster: who, when, and what they decided."""
    referral = problem.referral
    names = staff_names()
    change = referrals.last_change(g.store, referral)
    by = names.get((change.changed_by if change else None) or referral.id, gettext(N_("The person themselves")))
    page = render_template(
        "caseload/already_decided.html",
        referral=referral,
        by=by,
        when=change.created_at if change and change.was else None,
        status=gettext(referrals.STATUSES[referral.status]),
    )
    return page, 409


@blueprint.post("/referrals/<uuid:referral_id>/accept")
@allow(Permission.DECIDE_REFERRAL)
def accept(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Take it."""
    try:
        referrals.accept(g.store, g.service, g.actor, referral_id)
    except referrals.Gone:
        abort(404)
    except referrals.AlreadyDecided as problem:
        return _too_late(problem)
    return to_case(referral_id)


@blueprint.get("/referrals/<uuid:referral_id>/give")
@allow(Permission.DECIDE_REFERRAL, audits=True)
def give(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Whom to give it to."""
    referral = read(referral_id)
    return _give_page(referral, colleagues(Give(), without=referral.assigned_to))


def _give_page(referral: Referral, form: Give) -> str:
    return render_template("caseload/give.html", referral=referral, form=form, contact=contact_of(referral))


@blueprint.post("/referrals/<uuid:referral_id>/give")
@allow(Permission.DECIDE_REFERRAL)
def give_to(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Give it to a colleague; a new one is accepted by that."""
    referral = read(referral_id)
    form = colleagues(Give())
    if not form.sent():
        return _give_page(referral, form), 422
    to = uuid.UUID(form.to.data)
    try:
        if referral.status in referrals.WAITING:
            referrals.accept(g.store, g.service, g.actor, referral.id, to)
        else:
            referrals.give_to(g.store, g.actor, referral.id, to)
    except referrals.AlreadyDecided as problem:
        return _too_late(problem)
    except referrals.NotThere:
        form.refuse("to", gettext(N_("This colleague has left meanwhile. Choose somebody else")))
        return _give_page(referral, form), 422
    return to_case(referral.id)


# Declining and passing on --------------------------------------------------------------------------------------------


def _decline_form() -> Decline:
    form = Decline()
    form.reason.choices = [(reason.code, gettext(reason.label)) for reason in g.settings.decline_reasons]
    return form


def _decline_page(referral: Referral, form: Decline) -> str:
    return render_template("caseload/decline.html", referral=referral, form=form, contact=contact_of(referral))


@blueprint.get("/referrals/<uuid:referral_id>/decline")
@allow(Permission.DECIDE_REFERRAL, audits=True)
def decline(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Why we cannot take it, and a word to the person."""
    referral = read(referral_id)
    if referral.status not in referrals.WAITING:
        return _too_late(referrals.AlreadyDecided(referral))
    return _decline_page(referral, _decline_form())


@blueprint.post("/referrals/<uuid:referral_id>/decline")
@allow(Permission.DECIDE_REFERRAL)
@keeps_typed
def decline_it(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Decline."""
    referral = read(referral_id)
    form = _decline_form()
    if not form.sent():
        return _decline_page(referral, form), 422
    try:
        closing.decline(
            g.store,
            g.service,
            g.actor,
            referral.id,
            reason=form.reason.data,
            text=form.text.data,
            word=form.word.data,
        )
    except referrals.AlreadyDecided as problem:
        return _too_late(problem)
    except referrals.NeedsWords:
        form.refuse("word", gettext(N_("Write a word to the person")))
        return _decline_page(referral, form), 422
    return to_case(referral.id)


def _pass_on_page(referral: Referral, form: PassOn, spoken: Spoken) -> str:
    return render_template(
        "caseload/pass_on.html",
        referral=referral,
        form=form,
        spoken=spoken,
        allowed=people.allows(g.store, g.actor.service_id, referral.person_id, "share_onward"),
        question=SELF_REFERRAL.question("share_onward").label,
        contact=contact_of(referral),
    )


@blueprint.get("/referrals/<uuid:referral_id>/pass-on")
@allow(Permission.DECIDE_REFERRAL, audits=True)
def pass_on(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Who will help instead; only with the person's permission."""
    referral = read(referral_id)
    if referral.status not in referrals.WAITING:
        return _too_late(referrals.AlreadyDecided(referral))
    return _pass_on_page(referral, PassOn(), Spoken())


@blueprint.post("/referrals/<uuid:referral_id>/pass-on")
@allow(Permission.DECIDE_REFERRAL)
@keeps_typed
def pass_it_on(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Pass on."""
    referral = read(referral_id)
    form = PassOn()
    if not form.sent():
        return _pass_on_page(referral, form, Spoken(formdata=None)), 422
    try:
        closing.pass_on(
            g.store, g.service, g.actor, referral.id, to=form.to.data, reason=form.reason.data, word=form.word.data
        )
    except referrals.AlreadyDecided as problem:
        return _too_late(problem)
    except referrals.NotAllowed:
        spoken = Spoken(formdata=None)
        spoken.refuse("agreed", gettext(N_("Ask them first, and tick this when they said yes")))
        return _pass_on_page(referral, form, spoken), 422
    return to_case(referral.id)


@blueprint.post("/referrals/<uuid:referral_id>/permission")
@allow(Permission.DECIDE_REFERRAL)
def record_permission(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The person said in words that we may give their details."""
    referral = read(referral_id)
    spoken = Spoken()
    if not spoken.sent():
        return _pass_on_page(referral, PassOn(formdata=None), spoken), 422
    people.record_spoken_permission(g.store, g.actor, referral.person_id, "share_onward")
    return redirect(url_for("caseload.pass_on", referral_id=referral.id), 303)
