"""The parts of a page without the app: an environment like the app's, made-up globals, and the gallery of every part in every state.

Used by ``test_ui.py``, by ``tools/gather_classes.py`` (which class names do the pages use?) and by ``tools/look.py`` (screenshots).
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
        url_for=lambda endpoint, **values: f"/{endpoint.replace('.', '/')}",
        static_url=lambda name: f"/static/{name}?v=0123456789",
        csrf_token=lambda: "made-up-token",
        service=MadeUpService(),
        actor=SimpleNamespace(name="Sam Example"),
        S_=lambda text: text,
    )
    env.globals.update(changes)
    return env


def ui(language: Language = LANGUAGES["en"]) -> Any:
    """The macros of ui.html, ready to be called."""
    return environment(language).get_template("ui.html").module
