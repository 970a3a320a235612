"""The doors: Flask, and only Flask. Rooms never import this."""

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, g, request
from jinja2 import StrictUndefined
from whitenoise import WhiteNoise

from portal import codes, i18n, reading, services
from portal.outside import Allowance
from portal.web import (
    activities,
    admin,
    caseload,
    check_ins,
    confirming,
    directory,
    entry,
    erasure,
    errors,
    experience,
    goals,
    journeys,
    kiosk,
    my,
    open_referral,
    paper,
    passkeys,
    providers,
    public,
    requests,
    scales,
    security,
    setup,
    sign_in,
    visits,
)
from portal.web.addresses import Addresses, in_language

if TYPE_CHECKING:
    from config import Settings

TOP = Path(__file__).parent.parent.parent
STATIC = Path(__file__).parent.parent / "static"


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]


def static_url(name: str) -> str:
    """The address of a static file, with a hash of its content: it may be kept for ever."""
    return f"/static/{name}?v={_digest(name)}"


def _where_providers_stand(settings: "Settings") -> Allowance:
    """Where a service's own sign-in may be asked: a demonstration and the suite have one on this machine."""
    here = settings.environment.value != "production"
    return Allowance(private=here, network=settings.provider_network == "private")


def open_doors(settings: "Settings") -> Flask:
    """Register everything, in order."""
    app = Flask("portal", template_folder=str(TOP / "templates"), static_folder=None)
    app.config.from_mapping(settings.for_flask())
    demonstration = settings.environment.value == "demonstration"
    prefix = "__Host-" if settings.secure_cookies else ""
    app.config.from_mapping(
        SERVICE=settings.service,
        LANGUAGES=settings.languages,
        OFFER_ALL_LANGUAGES=settings.environment.value != "production",
        DEMONSTRATION=demonstration,
        EXIT_URL=settings.exit_url,
        PROVIDER_ALLOWANCE=_where_providers_stand(settings),
        PUBLIC_URL=settings.public_url,
        FORM_COOKIE=f"{prefix}form",
        SIGN_IN_COOKIE=f"{prefix}staff",
        VISIT_COOKIE=f"{prefix}me",
        KIOSK_COOKIE=f"{prefix}kiosk",
        ASKED_COOKIE=f"{prefix}asked",
        WTF_CSRF_TIME_LIMIT=None,  # the token lives as long as its session; trust 2
        WTF_CSRF_CHECK_DEFAULT=False,  # our guard checks every POST, and keeps what was typed when it fails
        WTF_CSRF_SSL_STRICT=False,  # some people's browsers send no Referer; the token and Sec-Fetch-Site decide
    )
    _set_up_templates(app)
    requests.open_requests(app, settings.database_url)
    for door in (
        public,
        activities,
        open_referral,
        directory,
        journeys,
        sign_in,
        passkeys,
        providers,
        visits,
        check_ins,
        entry,
        kiosk,
        paper,
        goals,
        my,
        caseload,
        admin,
        scales,
        experience,
        erasure,
        setup,
    ):
        app.register_blueprint(door.blueprint)
    errors.catch(app)
    security.guard(app, requests.write_down_refusal, requests.lapsed_visitor, requests.take_visit, confirming.first)
    caseload.reason.stand_before(app)
    files = WhiteNoise(
        Addresses(app.wsgi_app),
        root=str(STATIC),
        prefix="static/",
        immutable_file_test=lambda path, url: True,  # every address carries the content's hash
        allow_all_origins=False,
        add_headers_function=_static_headers,
    )
    app.wsgi_app = files  # type: ignore[method-assign]
    return app


def _static_headers(headers: "dict[str, str]", path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"


def _set_up_templates(app: Flask) -> None:
    app.jinja_options = {
        **app.jinja_options,
        "autoescape": True,  # whatever the suffix: Flask alone escapes only some (libraries, trap 1)
        "undefined": StrictUndefined,
        "trim_blocks": True,
        "lstrip_blocks": True,
    }
    env = app.jinja_env
    env.add_extension("jinja2.ext.i18n")
    env.install_gettext_callables(i18n.gettext, i18n.ngettext, newstyle=True)  # type: ignore[attr-defined]  # by jinja2.ext.i18n
    env.globals.update(
        language=i18n.spoken,
        static_url=static_url,
        offered=lambda: [i18n.LANGUAGES[code] for code in requests.offered_codes()],
        url_in=lambda code: in_language(request.environ, code),
        S_=i18n.S_,
        in_english=i18n.said_in_english,
        may_open=requests.may_open,
        own_words=own_words,
        say_date=i18n.say_date,
        say_time=i18n.say_time,
        say_moment=i18n.say_moment,
        language_name=i18n.language_name,
        show_reference=codes.show_reference,
        show_return_number=codes.show_return_number,
        show_phone=reading.show_phone,
    )

    @app.context_processor
    def present() -> dict[str, object]:
        return {"service": shown_service(), "actor": g.get("actor")}


def own_words(place: str) -> str:
    """What stands in a place (``services.texts.PLACES``) in the language of the page: the service's words, or ours."""
    language = i18n.spoken().code
    if not g.get("service"):
        return services.texts.ours(place, language)
    return services.texts.words(g.store, g.service, place, language)


def shown_service() -> "dict[str, str] | None":
    """What pages may show of the service."""
    if not (g.get("service") and g.get("settings")):
        return None
    return {
        "name": g.service.name,
        "slug": g.service.slug,
        "phone": g.settings.phone,
        "brand_colour": g.settings.brand_colour or "",
        "logo": "yes" if g.settings.logo else "",
    }
