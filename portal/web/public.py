"""Public pages around the forms: start, help now, privacy, what we share, accessibility, translations, the way out."""

import uuid
from datetime import datetime, timedelta
from hashlib import sha256

import segno
from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import directory, i18n, instruments, referrals, services
from portal.clock import now
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.dictionary import entries
from portal.journeys.experience import COMMENTS, EXPERIENCE
from portal.journeys.goal_setting import GOAL_SETTING
from portal.journeys.self_referral import SELF_REFERRAL
from portal.people import SHARING
from portal.web import cookies
from portal.web.security import public

blueprint = Blueprint("public", __name__)


@blueprint.get("/")
@public
def start() -> ResponseReturnValue:
    """What this is, what it costs, what happens next and by when. Without a service: which services there are."""
    if g.service is None:
        return render_template("public/choose_service.html", services=services.all_services(g.store))
    return render_template(
        "public/start.html",
        open_now=services.may_take_referrals(g.store, g.service),
        promise_days=g.settings.promise_working_days,
        waiting_days=_waiting_days(),
        words=_words("definition", "link-worker", "what-happens-next"),
        activities=directory.any_offered(g.store, g.service.id),
    )


def _words(*places: str) -> dict[str, str]:
    """What stands in some places in the language of the page: the service's own words, or ours."""
    return services.texts.shown(g.store, g.service, i18n.spoken().code, *places)


_WAITING_KEPT = timedelta(minutes=10)
_waiting: dict[uuid.UUID, tuple[datetime, int | None]] = {}


def _waiting_days() -> int | None:
    """The honest waiting time, worked out at most every ten minutes in each process: the first page must stay cheap."""
    worked_out, days = _waiting.get(g.service.id, (None, None))
    if worked_out is None or not worked_out <= now() < worked_out + _WAITING_KEPT:
        days = referrals.median_days_to_first_contact(g.store, g.service)
        _waiting[g.service.id] = (now(), days)
    return days


@blueprint.get("/help-now")
@public
def help_now() -> ResponseReturnValue:
    """Who can help right now, as telephone links."""
    return render_template("public/help_now.html", helplines=g.settings.helplines if g.settings else ())


@blueprint.get("/exit")
@public
def exit() -> ResponseReturnValue:
    """Leave fast: clear this browser of us first, on our own address, then show a neutral site. The draft stays on the
    server; only its card opens it again."""
    neutral = (g.settings.exit_url if g.settings else "") or current_app.config["EXIT_URL"]
    ours = ("FORM_COOKIE", "VISIT_COOKIE", "ASKED_COOKIE", "SESSION_COOKIE_NAME")
    return cookies.clear(redirect(neutral), *map(cookies.name_of, ours))


@blueprint.get("/privacy")
@public
def privacy() -> ResponseReturnValue:
    """What we keep, where, for how long, and what each adversary could obtain."""
    return render_template("public/privacy.html")


@blueprint.get("/what-we-share")
@public
def sharing() -> ResponseReturnValue:
    """The very questions about sharing, and what each answer means."""
    asked = [SELF_REFERRAL.question(code) for code in SHARING]
    return render_template("public/sharing.html", questions=asked)


@blueprint.get("/accessibility")
@public
def accessibility() -> ResponseReturnValue:
    """The accessibility statement, with what is not known."""
    return render_template("public/accessibility.html")


@blueprint.get("/about-the-translations")
@public
def translations() -> ResponseReturnValue:
    """Which languages there are, and that nobody has checked the drafts yet."""
    return render_template("public/translations.html", languages=i18n.LANGUAGES.values())


JOURNEYS = (SELF_REFERRAL, ABOUT_YOU, GOAL_SETTING, EXPERIENCE, *COMMENTS.values())
"""Everything that we ask in our own words."""


@blueprint.get("/data-dictionary")
@public
def data_dictionary() -> ResponseReturnValue:
    """What is stored, worked out from the questions and the scales themselves."""
    return render_template(
        "public/data_dictionary.html",
        journeys=JOURNEYS,
        entries=list(entries(JOURNEYS)),
        scales=[scale for scale in instruments.catalogue().versions() if scale.items],
    )


@blueprint.get("/poster")
@public
def poster() -> ResponseReturnValue:
    """A page to print and hang up, in the language of the page: what this is, the short address, a QR code."""
    if g.service is None:
        abort(404)
    address = current_app.config["PUBLIC_URL"] + url_for("public.start").rstrip("/")
    drawn = segno.make(address, error="m").svg_inline(omitsize=True, svgclass=None, lineclass=None)
    code = Markup(drawn)  # noqa: S704  # our own drawing of our own address
    return render_template("public/poster.html", address=address.split("://", 1)[-1], code=code)


@blueprint.get("/brand.css")
@public
def brand() -> ResponseReturnValue:
    """The service's own colour, whose contrast was checked when it was set, and its logo: only on a wide screen,
    so that a phone never loads it. The service's name stands beside it, so the picture needs no words."""
    colour, logo = (g.settings.brand_colour, g.settings.logo) if g.settings else (None, "")
    if not colour and not logo:
        abort(404)
    sheet = ""
    if colour:
        darker = "#" + "".join(f"{int(colour[at : at + 2], 16) * 3 // 4:02x}" for at in (1, 3, 5))
        sheet = f":root{{--brand:{colour};--brand-dark:{darker};--brand-text:#fff}}"
    if logo:
        # A picture of a style sheet is asked for only where its rule holds.
        name = url_for("public.logo", v=sha256(logo.encode()).hexdigest()[:10])
        sheet += (
            "@media(min-width:48em){.portal-name::before{content:'';display:inline-block;inline-size:3rem;"
            f"block-size:3rem;margin-inline-end:.5rem;vertical-align:middle;background:url('{name}') center/contain "
            "no-repeat}}"
        )
    return Response(sheet, mimetype="text/css")


@blueprint.get("/logo.png")
@public
def logo() -> ResponseReturnValue:
    """The service's logo, as it was drawn anew when it was brought."""
    kept = (g.settings.logo if g.settings else "") or abort(404)
    return Response(services.brand.picture(kept), mimetype="image/png")


@blueprint.get("/refer")
@public
def refer() -> ResponseReturnValue:
    """The short address on posters."""
    return redirect(url_for("journeys.step", slug=SELF_REFERRAL.steps[0].slug))
