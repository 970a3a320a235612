"""Passkeys: adding one to an account, taking it off, signing in with it, alone or after the password."""

import uuid

from flask import Blueprint, abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal import accounts
from portal.access import Permission
from portal.accounts import passkeys
from portal.i18n import N_, gettext
from portal.web import cookies
from portal.web.forms import Form, Words
from portal.web.requests import host, origin
from portal.web.security import allow, public
from portal.web.sign_in import begin_anew, held_token, let_in, page, wanted_page

blueprint = Blueprint("passkeys", __name__, url_prefix="/staff")


class NameForm(Form):
    """What one's own passkey is called."""

    name = Words(
        N_("A name for it"),
        longest=passkeys.LONGEST_NAME,
        missing=passkeys.PROBLEMS["name"],
        hint=N_("So that you know it again, such as My work phone."),
    )


@blueprint.post("/passkeys/new")
@allow(Permission.SEE_OWN_ACCOUNT, confirms=True)
def new() -> ResponseReturnValue:
    """The page on which the device makes a passkey."""
    return _new(NameForm(formdata=None), 200)


def _new(form: NameForm, status: int) -> ResponseReturnValue:
    try:
        key, options = passkeys.begin_new(g.store, g.service, g.actor, host=host())
    except passkeys.NotAccepted as refused:
        form.refuse("name", gettext(passkeys.PROBLEMS[refused.problem]))
        key, options, status = "", "", 422
    return page("passkey_new", status, form=form, key=key, options=options)


@blueprint.post("/passkeys")
@allow(Permission.SEE_OWN_ACCOUNT)
def add() -> ResponseReturnValue:
    """Keep what the device made."""
    form = NameForm()
    if not form.sent():
        return _new(form, 422)
    given = (request.form.get("key", ""), request.form.get("answer", ""), form.name.data)
    try:
        passkeys.add(g.store, g.actor, *given, host=host(), origin=origin())
    except passkeys.NotAccepted as refused:
        form.refuse("name", gettext(passkeys.PROBLEMS[refused.problem]))
        return _new(form, 422)
    return redirect(url_for("sign_in.account"), 303)


@blueprint.post("/passkeys/<uuid:passkey_id>/end")
@allow(Permission.SEE_OWN_ACCOUNT)
def end(passkey_id: uuid.UUID) -> ResponseReturnValue:
    """Take one off."""
    if not passkeys.end(g.store, g.actor, passkey_id):
        abort(404)
    return redirect(url_for("sign_in.account"), 303)


# Signing in ----------------------------------------------------------------------------------------------------------


@blueprint.post("/sign-in/passkey")
@public
def ask() -> ResponseReturnValue:
    """The page that asks the device: for anybody's passkey, or, after a password, for that person's."""
    if g.service is None:
        return redirect(url_for("public.start"))
    return _ask("")


def _ask(problem: str) -> ResponseReturnValue:
    whose = accounts.waiting_for(g.store, g.service.id, held_token())
    key, options = passkeys.begin(g.store, g.service.id, host=host(), staff_id=whose)
    problems = [{"text": gettext(passkeys.PROBLEMS[problem]), "href": "#passkey"}] if problem else []
    status = 422 if problem else 200
    return page("passkey", status, key=key, options=options, problems=problems, next=wanted_page())


@blueprint.post("/sign-in/passkey/answer")
@public
def answer() -> ResponseReturnValue:
    """What the device said."""
    if g.service is None:
        return redirect(url_for("public.start"))
    given = (request.form.get("key", ""), request.form.get("answer", ""))
    device = cookies.held(cookies.device())
    waiting = accounts.waiting_for(g.store, g.service.id, held_token())
    try:
        if waiting is None:
            opened = passkeys.let_in(g.store, g.service.id, *given, host=host(), origin=origin(), device=device)
        else:
            staff, _ = passkeys.shown(g.store, g.service.id, *given, host=host(), origin=origin())
            opened = accounts.second_factor_shown(
                g.store, g.service.id, held_token(), staff, by="passkey", device=device
            )
    except passkeys.NotAccepted as refused:
        return _ask(refused.problem)
    except accounts.NotWaiting:
        return begin_anew()
    return let_in(opened)
