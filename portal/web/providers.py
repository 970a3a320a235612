"""Signing in through the organisation's own provider, connecting an account of it, and setting it up."""

from flask import Blueprint, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal.access import Permission
from portal.accounts import providers
from portal.i18n import N_, gettext
from portal.outside import Allowance
from portal.web import cookies, forms
from portal.web.forms import Form
from portal.web.requests import origin
from portal.web.security import allow, keeps_typed, public
from portal.web.sign_in import let_in, page

blueprint = Blueprint("providers", __name__, url_prefix="/staff")


def away_cookie() -> str:
    """Where this browser keeps the key of a sign-in that is under way at the provider."""
    return cookies.name_of("SIGN_IN_COOKIE", "-away")


def _allowance() -> Allowance:
    allowance: Allowance = current_app.config["PROVIDER_ALLOWANCE"]
    return allowance


def _back() -> str:
    """Our own address to which the provider sends people back: without language, as it was told to the provider."""
    return origin() + url_for("providers.back")


def _asked() -> "providers.Asked | None":
    """The provider as plain values; the transaction is over, for what comes next may be slow."""
    provider = providers.offered(g.store, g.service.id) if g.service else None
    asked = providers.asking(provider, allowance=_allowance()) if provider else None
    g.store.commit()
    return asked


@blueprint.post("/sign-in/provider")
@public
def go() -> ResponseReturnValue:
    """On the way to the provider: a page with its address, so that nobody is sent elsewhere without seeing it."""
    return _go()


@blueprint.post("/account/provider")
@allow(Permission.SEE_OWN_ACCOUNT, confirms=True)
def connect() -> ResponseReturnValue:
    """The same for somebody who is signed in and connects their account there."""
    return _go()


def _go() -> ResponseReturnValue:
    asked = _asked()
    if asked is None:
        return _not_let_in("over")
    try:
        away = providers.send(asked, _back())
    except providers.NotLetIn as refused:
        return _not_let_in(refused.problem)
    key = providers.begin(g.store, g.service.id, away, g.actor)
    provider = providers.offered(g.store, g.service.id)
    shown = current_app.make_response(page("provider_away", 200, provider=provider, address=away.address))
    cookies.give(shown, away_cookie(), key)
    return shown


@blueprint.get("/sign-in/provider/back")
@public
def back() -> ResponseReturnValue:
    """Back from the provider. Looking changes nothing: the button of this page goes on, at once with JavaScript."""
    if request.args.get("error"):
        return _not_let_in("refused")
    state, code = (request.args.get(name, "")[:2000] for name in ("state", "code"))
    return page("provider_back", 200, state=state, code=code)


@blueprint.post("/sign-in/provider/back")
@public
def finish() -> ResponseReturnValue:
    """Let in whoever the provider named, or connect the account of whoever is signed in."""
    if g.service is None:
        return _not_let_in("over")
    held = providers.spend(g.store, g.service.id, g.actor, cookies.held(away_cookie()) or "")
    asked = _asked()
    if asked is None or held is None:
        return _not_let_in("over")
    given = (request.form.get("state", ""), request.form.get("code", ""))
    try:
        who = providers.claims(asked, held, *given, _back())
        if g.actor:
            providers.connect(g.store, g.actor, who)
            return _done(redirect(url_for("sign_in.account"), 303))
        came = providers.let_in(g.store, g.service, who, device=cookies.held(cookies.device()))
    except providers.NotLetIn as refused:
        return _not_let_in(refused.problem)
    if came.opened:
        return _done(let_in(came.opened))
    onward = redirect(url_for("sign_in.second_factor"), 303)
    cookies.give(onward, cookies.name_of("SIGN_IN_COOKIE"), came.token)
    return _done(onward)


def _done(onward: ResponseReturnValue) -> ResponseReturnValue:
    response = current_app.make_response(onward)
    cookies.take(response, away_cookie())
    return response


def _not_let_in(problem: str) -> ResponseReturnValue:
    return _done(page("provider_problem", 403, problem=gettext(providers.PROBLEMS[problem])))


@blueprint.post("/account/provider/end")
@allow(Permission.SEE_OWN_ACCOUNT)
def disconnect() -> ResponseReturnValue:
    """The account there opens nothing here any more."""
    providers.disconnect_own(g.store, g.actor)
    return redirect(url_for("sign_in.account"), 303)


# Setting it up -------------------------------------------------------------------------------------------------------


class SetUp(Form):
    """What the provider has told us, and how far it is trusted."""

    name = forms.Words(
        N_("Name of the organisation"),
        longest=80,
        missing=providers.SET_UP_PROBLEMS["name"],
        hint=N_("Staff see it on the button, such as Sign in with Riverside Council."),
    )
    issuer = forms.Words(
        N_("Address of the provider (issuer)"), longest=300, missing=providers.SET_UP_PROBLEMS["issuer"]
    )
    client_id = forms.Words(N_("Client ID"), longest=300, missing=providers.SET_UP_PROBLEMS["client_id"])
    client_secret = forms.Secret(
        N_("Client secret"),
        longest=500,
        missing="",
        hint=N_("Left empty, the one that we have stays. We never show it again."),
    )
    second_factor = forms.Tick(N_("The organisation always asks for a second proof, such as a code or a passkey"))
    on = forms.Tick(N_("Staff may sign in this way"))


@blueprint.get("/provider")
@allow(Permission.MANAGE_PROVIDER)
def set_up() -> ResponseReturnValue:
    """What is set up now."""
    there = providers.of_service(g.store, g.service.id)
    form = SetUp(formdata=None)
    for name in ("name", "issuer", "client_id", "second_factor", "on"):
        form[name].data = getattr(there, name) if there else form[name].data
    return _set_up(form, 200)


def _set_up(form: SetUp, status: int) -> ResponseReturnValue:
    return page("provider_set_up", status, form=form, back=_back())


@blueprint.post("/provider")
@allow(Permission.MANAGE_PROVIDER, confirms=True)
@keeps_typed
def keep() -> ResponseReturnValue:
    """Keep it, when the provider answers as one."""
    form = SetUp()
    there = providers.of_service(g.store, g.service.id)
    known = there.client_secret if there else ""
    if not form.sent():
        return _set_up(form, 422)
    typed = {name: str(form[name].data or "") for name in ("name", "issuer", "client_id", "client_secret")}
    try:
        given = providers.read_set_up(typed, secret_known=bool(known), allowance=_allowance())
    except providers.NotTaken as refused:
        return _refused(form, refused)
    asked = providers.Asked(given["issuer"], given["client_id"], given["client_secret"] or known, _allowance())
    g.store.commit()
    try:
        providers.look(asked)
    except providers.NotLetIn as refused:
        sentence = "inside" if refused.inside else "answer"
        return _refused(form, providers.NotTaken({"issuer": providers.SET_UP_PROBLEMS[sentence]}))
    providers.set_up(g.store, g.actor, given, on=bool(form.on.data), second_factor=bool(form.second_factor.data))
    return redirect(url_for("providers.set_up"), 303)


def _refused(form: SetUp, refused: providers.NotTaken) -> ResponseReturnValue:
    for name, sentence in refused.problems.items():
        form.refuse(name, gettext(sentence))
    return _set_up(form, 422)
