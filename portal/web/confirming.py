"""Before an act that cannot be taken back, or that gives somebody more power: show again that it is you (ASVS 7.5.1).

Whatever was typed on the page stands in hidden fields of the page that asks, and is sent again with the proof: nothing
is lost, and nothing waits on the server. It works without JavaScript.
"""

from flask import g, render_template, request
from flask.typing import ResponseReturnValue

from portal import accounts
from portal.accounts import passkeys
from portal.i18n import N_, gettext
from portal.web import cookies
from portal.web.forms import Code, Form
from portal.web.requests import host, origin

LONGEST_CODE = 100
WRONG_CODE = N_("This code is not right. Wait for the next code and try again")
_NO_PASSKEY = passkeys.PROBLEMS["not-accepted"]
OURS = ("csrf_token", "confirm_code", "confirm_key", "answer", "submit")
"""Fields of the page that asks: they are no part of the act."""


def app_code() -> Code:
    """The field for the code that an app shows at this moment (RFC 6238)."""
    return Code(
        N_("Code from your app"),
        longest=LONGEST_CODE,
        missing=N_("Enter the 6 numbers that the app shows now"),
        hint=N_("6 numbers. They change every half minute."),
    )


class ConfirmForm(Form):
    """The proof, from the app."""

    confirm_code = app_code()


def first() -> ResponseReturnValue | None:
    """For the guard, on an act that asks for it: the page that asks, or nothing when the act may go on."""
    if accounts.is_confirmed(g.store, g.actor):
        return None
    form, until = ConfirmForm(), None
    if "answer" in request.form:
        if _by_passkey():
            return None
        form.refuse("confirm_code", gettext(_NO_PASSKEY))
    elif "confirm_code" in request.form and form.sent():
        try:
            accounts.confirm(g.store, g.actor, form.confirm_code.data, device=cookies.held(cookies.device()))
        except accounts.NotRecognised:
            form.refuse("confirm_code", gettext(WRONG_CODE))
        except accounts.TooManyTries as stopped:
            until = stopped.until
        else:
            return None
    return _page(form, until)


def _by_passkey() -> bool:
    try:
        staff, _ = passkeys.shown(
            g.store,
            g.service.id,
            request.form.get("confirm_key", ""),
            request.form.get("answer", ""),
            host=host(),
            origin=origin(),
        )
    except passkeys.NotAccepted:
        return False
    if staff.id != g.actor.staff_id:
        return False
    accounts.mark_confirmed(g.store, g.actor, "passkey")
    return True


def _page(form: ConfirmForm, until: object) -> ResponseReturnValue:
    key, options = "", ""
    if passkeys.own(g.store, g.actor):
        key, options = passkeys.begin(g.store, g.service.id, host=host(), staff_id=g.actor.staff_id)
    shown = form.problems() if "confirm_code" in request.form or "answer" in request.form else []
    page = render_template(
        "sign_in/confirm.html",
        form=form,
        problems=shown,
        until=until,
        key=key,
        options=options,
        posted=[(name, value) for name, values in request.form.lists() if name not in OURS for value in values],
    )
    return page, 429 if until else 422 if shown else 200
