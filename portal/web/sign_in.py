"""The staff's way in and out: email and password, the second factor, joining by an invitation, one's own account."""

import uuid
from datetime import datetime
from typing import Any

import segno
from flask import Blueprint, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import access, accounts, codes, demo
from portal.access import Permission
from portal.accounts import passkeys, providers
from portal.i18n import N_, gettext
from portal.web import cookies
from portal.web.addresses import staff_page
from portal.web.confirming import LONGEST_CODE, WRONG_CODE, app_code
from portal.web.forms import Code, Email, Form, Secret, Words
from portal.web.requests import came_from
from portal.web.security import allow, keeps_typed, public

blueprint = Blueprint("sign_in", __name__, url_prefix="/staff")

NOT_RECOGNISED = N_("We do not know this email with this password. Check both and try again")
WRONG_RECOVERY_CODE = N_("This recovery code is not right, or it was used before")


# Cookies -------------------------------------------------------------------------------------------------------------


def held_token() -> str:
    return cookies.held(cookies.name_of("SIGN_IN_COOKIE")) or ""


# Where to go ---------------------------------------------------------------------------------------------------------


def wanted_page() -> str:
    """The page that somebody wanted before they had to sign in; "" when it is not a page of ours for staff."""
    return staff_page(request.values.get("next", ""))


def home_of(actor: access.Actor) -> str:
    """The first page for this role."""
    if access.may(actor, Permission.READ_INBOX):
        return url_for("caseload.today")
    if access.may(actor, Permission.READ_STAFF):
        return url_for("admin.staff")
    return url_for("sign_in.account")


# In ------------------------------------------------------------------------------------------------------------------


class PasswordForm(Form):
    """Who, and the first of two proofs."""

    email = Email(N_("Email address"), longest=300, missing=N_("Enter your email address"))
    password = Secret(N_("Password"), longest=1000, missing=N_("Enter your password"))


class CodeForm(Form):
    """The second proof, from the app."""

    code = app_code()


class RecoveryForm(Form):
    """The second proof, from the paper."""

    recovery = Code(
        N_("Recovery code"),
        longest=LONGEST_CODE,
        missing=N_("Enter one of your recovery codes"),
        hint=N_("10 letters and numbers, like K7QF2-M9TXA. Each code works once."),
    )


class JoinForm(Form):
    """Everything that an account needs."""

    name = Words(N_("Your name"), longest=accounts.LONGEST_NAME, missing=N_("Enter your name"))
    password = Secret(
        N_("New password"),
        longest=accounts.LONGEST_PASSWORD,
        missing=accounts.PASSWORD_SENTENCES[accounts.PasswordProblem.MISSING],
        hint=N_("12 characters or more. Three or four unusual words are good, and easy to remember."),
    )
    code = app_code()


@blueprint.route("/sign-in", methods=["GET", "POST"])
@public
@keeps_typed
def sign_in() -> ResponseReturnValue:
    """Email and password."""
    if g.service is None:
        return redirect(url_for("public.start"))
    if g.actor is not None:
        return redirect(wanted_page() or home_of(g.actor))
    form = PasswordForm()
    status = 422 if request.method == "POST" else 200
    if form.sent():
        try:
            token = _first_proof(form.email.data, form.password.data or "")
        except accounts.NotRecognised:
            form.refuse("email", gettext(NOT_RECOGNISED))
        except accounts.TooManyTries as stopped:
            return _sign_in(form, 429, [], stopped.until)
        else:
            onward = redirect(url_for("sign_in.second_factor", next=wanted_page() or None), 303)
            cookies.give(onward, cookies.name_of("SIGN_IN_COOKIE"), token)
            return onward
    return _sign_in(form, status, _demonstration())


def _sign_in(form: Form, status: int, demonstration: list[Any], until: datetime | None = None) -> ResponseReturnValue:
    provider = providers.offered(g.store, g.service.id)
    return page("sign_in", status, until, form=form, next=wanted_page(), demonstration=demonstration, provider=provider)


def _first_proof(email: str, password: str) -> str:
    knocked = accounts.knock(g.store, g.service.id, email, device=cookies.held(cookies.device()), address=came_from())
    # The count stands whatever happens now, and nobody else's writing has to wait for our slow hashing.
    g.store.commit()
    return accounts.begin_sign_in(g.store, knocked, password)


def _demonstration() -> list[Any]:
    """The made-up people one can be, in a demonstration; nobody anywhere else."""
    if not current_app.config["DEMONSTRATION"]:
        return []
    return list(demo.sign_ins(g.store, g.service))


@blueprint.route("/second-factor", methods=["GET", "POST"])
@public
@keeps_typed
def second_factor() -> ResponseReturnValue:
    """The code from the app, or a recovery code."""
    if g.actor is not None:
        return redirect(wanted_page() or home_of(g.actor))
    if g.service is None or not accounts.is_waiting(g.store, g.service.id, held_token()):
        return begin_anew()
    by_recovery = "recovery" in request.form
    form, recovery = CodeForm(), RecoveryForm()
    asked: Form = recovery if by_recovery else form
    name, wrong = ("recovery", WRONG_RECOVERY_CODE) if by_recovery else ("code", WRONG_CODE)
    status, until = 422 if request.method == "POST" else 200, None
    if request.method == "POST" and asked.sent():
        try:
            opened = accounts.second_factor_given(
                g.store, g.service.id, held_token(), asked[name].data, device=cookies.held(cookies.device())
            )
        except accounts.NotRecognised:
            if not accounts.is_waiting(g.store, g.service.id, held_token()):
                return begin_anew()
            asked.refuse(name, gettext(wrong))
        except accounts.NotWaiting:
            return begin_anew()
        except accounts.TooManyTries as stopped:
            until = stopped.until
        else:
            return let_in(opened)
    return page(
        "second_factor",
        429 if until else status,
        form=form,
        recovery=recovery,
        by_recovery=by_recovery,
        has_passkey=passkeys.has_any(g.store, g.service.id, accounts.waiting_for(g.store, g.service.id, held_token())),
        problems=asked.problems(),
        next=wanted_page(),
        until=until,
    )


def begin_anew() -> ResponseReturnValue:
    onward = redirect(url_for("sign_in.sign_in", next=wanted_page() or None), 303)
    return cookies.take(onward, cookies.name_of("SIGN_IN_COOKIE"))


def let_in(opened: accounts.SignedIn) -> ResponseReturnValue:
    # A form's token from before must not work afterwards.
    session.clear()
    used_a_recovery_code = opened.codes_left is not None
    where = url_for("sign_in.account") if used_a_recovery_code else wanted_page() or home_of(opened.actor)
    onward = redirect(where, 303)
    cookies.give(onward, cookies.name_of("SIGN_IN_COOKIE"), opened.token)
    return cookies.give(onward, cookies.device(), opened.device, accounts.DEVICE_KEPT.days)


# Joining -------------------------------------------------------------------------------------------------------------


@blueprint.route("/join/<token>", methods=["GET", "POST"])
@public
@keeps_typed
def join(token: str) -> ResponseReturnValue:
    """Make an account by an invitation. Looking at the page changes nothing, so a mail scanner uses nothing up."""
    invitation = accounts.invitation_for(g.store, g.service.id, token) if g.service else None
    if invitation is None:
        return page("join_over", 404)
    form = JoinForm()
    status, until = 422 if request.method == "POST" else 200, None
    if form.sent():
        try:
            recovery = accounts.accept(
                g.store,
                g.service,
                token,
                name=form.name.data,
                password=form.password.data or "",
                code=form.code.data,
            )
        except accounts.NotInvited:
            return page("join_over", 404)
        except accounts.TooManyTries as stopped:
            until = stopped.until
        except accounts.NotTaken as refused:
            for name, sentence in refused.problems.items():
                form.refuse(name, gettext(sentence))
        else:
            return page("recovery_codes", 200, codes=_shown(recovery), joined=True)
    secret = accounts.offered_secret(token)
    return page(
        "join",
        429 if until else status,
        form=form,
        invitation=invitation,
        secret=_in_fours(secret),
        qr=_qr(invitation, secret),
        until=until,
    )


def _qr(invitation: Any, secret: str) -> Markup:
    address = accounts.address_for_app(secret, email=invitation.email, service_name=g.service.name)
    # segno writes the svg; the words in it are ours and translated, so they are escaped by Markup.
    drawn = Markup(segno.make(address, error="m").svg_inline(scale=4, omitsize=True, svgclass=None, lineclass=None))  # noqa: S704
    return Markup('<div role="img" aria-label="{}">{}</div>').format(gettext("Picture to scan with your app"), drawn)


def _in_fours(secret: str) -> str:
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def _shown(recovery: list[str]) -> list[str]:
    return [codes.show_recovery_code(code) for code in recovery]


class PasswordChange(Form):
    """A new password."""

    password = Secret(
        N_("New password"),
        longest=accounts.LONGEST_PASSWORD,
        missing=accounts.PASSWORD_SENTENCES[accounts.PasswordProblem.MISSING],
        hint=N_("12 characters or more. Three or four unusual words are good, and easy to remember."),
    )


# One's own account ---------------------------------------------------------------------------------------------------


@blueprint.get("/account")
@allow(Permission.SEE_OWN_ACCOUNT)
def account() -> ResponseReturnValue:
    """Where one is signed in, and how many recovery codes are left."""
    return _account(CodeForm(formdata=None), 200)


def _account(form: Form, status: int, until: datetime | None = None) -> ResponseReturnValue:
    return page(
        "account",
        status,
        until=until,
        form=form,
        this_one=g.actor.sign_in_id,
        role=gettext(access.ROLE_NAMES[g.actor.role]),
        sign_ins=accounts.own_sign_ins(g.store, g.actor),
        codes_left=accounts.own_recovery_codes_left(g.store, g.actor),
        passkeys=passkeys.own(g.store, g.actor),
        provider=providers.offered(g.store, g.service.id),
        connected=providers.connected(g.store, g.actor),
    )


@blueprint.get("/account/password")
@allow(Permission.SEE_OWN_ACCOUNT)
def password() -> ResponseReturnValue:
    """A new password for oneself."""
    return page("password", 200, form=PasswordChange(formdata=None))


@blueprint.post("/account/password")
@allow(Permission.SEE_OWN_ACCOUNT, confirms=True)
@keeps_typed
def change_password() -> ResponseReturnValue:
    """Change it; every other sign-in of one's own ends."""
    form = PasswordChange()
    if form.sent():
        try:
            accounts.change_password(g.store, g.actor, form.password.data or "")
        except accounts.NotAPassword as refused:
            form.refuse("password", gettext(accounts.PASSWORD_SENTENCES[refused.problem]))
        else:
            return redirect(url_for("sign_in.account"), 303)
    return page("password", 422, form=form)


@blueprint.post("/recovery-codes")
@allow(Permission.SEE_OWN_ACCOUNT)
@keeps_typed
def recovery_codes() -> ResponseReturnValue:
    """Ten new recovery codes, shown once."""
    form = CodeForm()
    if form.sent():
        try:
            made = accounts.new_recovery_codes(g.store, g.actor, form.code.data)
        except accounts.NotRecognised:
            form.refuse("code", gettext(WRONG_CODE))
        except accounts.TooManyTries as stopped:
            return _account(form, 429, stopped.until)
        else:
            return page("recovery_codes", 200, codes=_shown(made), joined=False)
    return _account(form, 422)


@blueprint.post("/account/sign-ins/<uuid:sign_in_id>/end")
@allow(Permission.SEE_OWN_ACCOUNT)
def end_sign_in(sign_in_id: uuid.UUID) -> ResponseReturnValue:
    """End one of one's own sign-ins, on a lost telephone for example."""
    if not accounts.revoke(g.store, g.actor, sign_in_id):
        abort(404)
    return redirect(url_for("sign_in.account"), 303)


@blueprint.post("/account/end-all")
@allow(Permission.SEE_OWN_ACCOUNT)
def sign_out_everywhere() -> ResponseReturnValue:
    """End all of one's own sign-ins, this one too."""
    accounts.revoke_all(g.store, g.actor, g.actor.staff_id)
    return _out()


@blueprint.post("/sign-out")
@public
def sign_out() -> ResponseReturnValue:
    """End this sign-in; pressed again, or after it has ended by itself, it still leads out."""
    if g.actor is not None:
        accounts.sign_out(g.store, g.actor)
    return _out()


def _out() -> ResponseReturnValue:
    session.clear()
    onward = redirect(url_for("sign_in.sign_in"), 303)
    # Nothing of what was read stays behind in a shared browser.
    return cookies.clear(onward, cookies.name_of("SIGN_IN_COOKIE"))


def page(name: str, status: int, until: datetime | None = None, **given: Any) -> tuple[str, int]:
    """A page of this door. ``until``: there were too many tries, and from when on the next one counts."""
    return render_template(f"sign_in/{name}.html", until=until, **given), status
