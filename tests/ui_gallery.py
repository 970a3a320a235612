"""The parts of a page without the app: an environment like the app's, and the gallery of every part in every state.

Used by the tests of the look, by ``tools/gather_classes.py`` (which class names do the pages use?) and by
``tools/look_gallery.py`` (screenshots).
"""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.i18n import LANGUAGES, Language

ROOT = Path(__file__).parent.parent
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "portal" / "static"


@dataclass(frozen=True)
class MadeUpService:
    """As much of a service as the layouts read."""

    name: str = "Harbour Link Workers"
    phone: str = "01632 960 123"
    slug: str = "harbour"
    brand_colour: str | None = None
    logo: str = ""


def environment(language: Language = LANGUAGES["en"], **changes: Any) -> Environment:
    """Jinja as the app sets it up, with globals that need no request. ``changes`` replaces some of them."""
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    env.globals.update(
        language=lambda: language,
        offered=lambda: list(LANGUAGES.values()),
        url_in=lambda code: f"/{code}/refer",
        may_open=lambda endpoint: True,
        url_for=lambda endpoint, **values: f"/{endpoint.replace('.', '/')}",
        static_url=lambda name: f"/static/{name}?v=0123456789",
        csrf_token=lambda: "made-up-token",
        service=MadeUpService(),
        actor=SimpleNamespace(name="Sam Example"),
        kiosk=False,
        access_flag=lambda referral: [],
        S_=lambda text: text,
    )
    env.globals.update(changes)
    return env


def ui(language: Language = LANGUAGES["en"]) -> Any:
    """The macros of ui.html, ready to be called."""
    return environment(language).get_template("ui.html").module


WORDS = {
    "en": {
        "short": "Your own words",
        "sentence": "A link worker will call you by Tuesday 1 December and ask what matters to you.",
        "question": "What would you like to change?",
        "name": "Ann Example",
        "error": "Tell us your postcode, or tick that you have none",
        "either": "or",
        "count_info": "You can write up to 400 characters",
        "count_left": "Characters left: %{count}",
        "count_over": "Characters too many: %{count}",
    },
    # A sample to look at, not a translation to ship.
    "ur": {
        "short": "آپ کے اپنے الفاظ",
        "sentence": "ایک لنک ورکر منگل 1 دسمبر تک آپ کو فون کرے گا اور پوچھے گا کہ آپ کے لیے کیا اہم ہے۔",
        "question": "آپ کیا بدلنا چاہیں گے؟",
        "name": "Ann Example",
        "error": "اپنا پوسٹ کوڈ لکھیں",
        "either": "یا",
        "count_info": "آپ 400 حروف تک لکھ سکتے ہیں",
        "count_left": "باقی حروف: %{count}",
        "count_over": "زیادہ حروف: %{count}",
    },
}
"""Filling for the gallery, in one language of each direction."""

FORM_PARTS = frozenset({"input", "textarea", "choices", "select", "button", "back_button", "error_summary"})
"""The macros that Python calls when it draws a form, so that no template names them."""

PUBLIC_PARTS = frozenset({"details", "inset_text", "callout", "panel", "summary_list", "safety"})
"""Further parts that any public page may use without a thought for the style sheet; the byte budget knows them."""


def all_parts() -> frozenset[str]:
    """Every macro of ui.html."""
    return frozenset(name for name in dir(ui()) if not name.startswith("_"))


def gallery(layout: str = "public", language: str = "en", show: frozenset[str] | None = None, **changes: Any) -> str:
    """The gallery page in the public or the staff layout; ``show`` names the macros to draw, by default all."""
    changes.setdefault("alerts_waiting", 2)
    return (
        environment(LANGUAGES[language])
        .get_template("gallery.html")
        .render(
            layout=f"layouts/{layout}.html",
            show=all_parts() if show is None else show,
            words=SimpleNamespace(**WORDS[language]),
            **changes,
        )
    )
