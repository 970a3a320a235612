"""Screens in a waiting room: what they open, how they clear themselves, who makes one and who ends it.

On such a screen there is the choice of a language and the form, and nothing else: no page of the staff, nobody's own
page, no way out to other sites. Whatever else is asked for leads to its first page, which clears the browser.
"""

import uuid
from datetime import timedelta

from flask import Blueprint, abort, current_app, g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from portal import accounts, codes, drafts, i18n, referrals, services
from portal.access import Permission
from portal.clock import now
from portal.i18n import N_
from portal.web import cookies, forms, journeys
from portal.web.addresses import address_in
from portal.web.cookies import Answer
from portal.web.requests import LOOKING, offered_codes
from portal.web.security import allow, keeps_typed, public

blueprint = Blueprint("kiosk", __name__)

OPEN = frozenset(
    {
        "kiosk.start",
        "kiosk.sent",
        "journeys.step",
        "journeys.keep",
        "journeys.help_first",
        "journeys.ask_them_first",
        "journeys.check",
        "journeys.send",
        "journeys.saved",
        "journeys.make_card",
        "journeys.still_here",
        "public.help_now",
        "public.privacy",
        "public.sharing",
        "public.brand",
        "public.logo",
    }
)
"""Every page that a kiosk opens."""

KEPT_DAYS = 400
"""How long the browser keeps its key; browsers keep none for longer."""
SENT_SHOWN = timedelta(minutes=journeys.KIOSK_MINUTES) + drafts.LOCK_GRACE


class Make(forms.Form):
    """Where the screen stands."""

    name = forms.Words(
        N_("Where does this screen stand?"),
        longest=accounts.LONGEST_KIOSK_NAME,
        hint=N_("Such as: waiting room, first floor."),
        missing=N_("Say where this screen stands"),
    )


# What a kiosk opens --------------------------------------------------------------------------------------------------


@blueprint.before_app_request
def keep_to_the_form() -> ResponseReturnValue | None:
    """On a kiosk: the form and nothing else. ``g.kiosk`` is the screen, ``None`` in every other browser."""
    g.kiosk = None
    key = cookies.held(cookies.name_of("KIOSK_COOKIE"))
    found = accounts.kiosk_of(g.store, key) if key else None
    if found is None:
        return None
    if g.service is None or found.service_id != g.service.id:
        slug = next(one.slug for one in services.all_services(g.store) if one.id == found.service_id)
        return redirect(f"/at/{slug}{url_for('kiosk.start').removeprefix(request.script_root)}")
    g.kiosk, g.actor, g.visitor = found, None, None
    if request.endpoint is None or request.endpoint in OPEN:
        if request.method not in LOOKING:
            accounts.kiosk_seen(found)
        return None
    if request.method not in LOOKING:
        abort(403)
    if request.endpoint == "journeys.sent":
        return redirect(url_for("kiosk.sent"))
    return cleared(redirect(url_for("kiosk.start")))


@blueprint.app_context_processor
def _told() -> dict[str, object]:
    """For every page: whether it is on a kiosk, and then how it clears itself."""
    if g.get("kiosk") is None:
        return {"kiosk": False}
    return {"kiosk": True, "lock": journeys.lock()}


def cleared(response: Answer) -> Answer:
    """Nothing of the person before is left in this browser; it stays a kiosk."""
    session.clear()
    personal = ("FORM_COOKIE", "VISIT_COOKIE", "ASKED_COOKIE", "SIGN_IN_COOKIE")
    return cookies.clear(response, *map(cookies.name_of, personal))


@blueprint.get("/kiosk")
@public
def start() -> ResponseReturnValue:
    """The choice of a language. Whoever comes here finds nothing of the person before."""
    if g.kiosk is None:
        return redirect(url_for("public.start"))
    first = url_for("journeys.step", slug=journeys.FIRST)
    page = render_template(
        "kiosk/start.html",
        languages=[(i18n.LANGUAGES[code], address_in(request.environ, code, first)) for code in offered_codes()],
        open_now=services.may_take_referrals(g.store, g.service),
        lock=None,
    )
    return cleared(current_app.make_response(page))


@blueprint.get("/kiosk/sent")
@public
def sent() -> ResponseReturnValue:
    """The reference, to be written down or printed, for a few minutes; then the screen clears itself."""
    key = cookies.held(cookies.name_of("FORM_COOKIE"))
    found = referrals.sent_by(g.store, g.service.id, key) if g.kiosk and key else None
    if not key or found is None or found.referred_at < now() - SENT_SHOWN:
        return redirect(url_for("kiosk.start" if g.kiosk else "public.start"))
    number = codes.return_number_from(key)
    return render_template(
        "kiosk/sent.html",
        referral=found,
        number=number if drafts.number_opens(found.draft_id, found.return_hash, number) else "",
    )


# Who makes one, and ends it ------------------------------------------------------------------------------------------


@blueprint.get("/staff/kiosks")
@allow(Permission.MANAGE_KIOSKS)
def screens() -> ResponseReturnValue:
    """The screens that are kiosks now, and how this browser becomes one."""
    return _screens(Make(formdata=None))


def _screens(form: Make) -> str:
    return render_template(
        "kiosk/screens.html",
        form=form,
        screens=accounts.open_kiosks(g.store, g.actor),
        done=request.args.get("done", ""),
    )


@blueprint.post("/staff/kiosks")
@allow(Permission.MANAGE_KIOSKS)
@keeps_typed
def make() -> ResponseReturnValue:
    """This browser is a kiosk from now on, and whoever pressed is signed out of it."""
    form = Make()
    if form.sent():
        key = codes.new_key()
        accounts.make_kiosk(g.store, g.actor, form.name.data, key)
        response = cleared(redirect(url_for("kiosk.start"), 303))
        return cookies.give(response, cookies.name_of("KIOSK_COOKIE"), key, KEPT_DAYS)
    return _screens(form), 400 if g.stale else 422


@blueprint.post("/staff/kiosks/<uuid:kiosk_id>/end")
@allow(Permission.MANAGE_KIOSKS)
def end(kiosk_id: uuid.UUID) -> ResponseReturnValue:
    """It is a kiosk no more."""
    try:
        accounts.end_kiosk(g.store, g.actor, kiosk_id)
    except accounts.NoSuchKiosk:
        abort(404)
    return redirect(url_for("kiosk.screens", done="ended"), 303)
