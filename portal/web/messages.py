"""Messages in words: the templates of ``templates/messages``, in the language of whoever receives them.

Plain text, plain Jinja and our own catalogues; no request is needed, so a worker uses it as well. The first line of a
template is the subject. A draft language has the English beneath (trust D3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from portal.i18n import LANGUAGES, gettext, ngettext, say_date, speaking
from portal.notifications import MESSAGES, Words

TEMPLATES = Path(__file__).parent.parent.parent / "templates" / "messages"
SIGN_IN = "/staff/sign-in"
CHECK_IN = "/c"
BETWEEN = "\n\n----------\n\n"


def _day(iso: str) -> str:
    return say_date(date.fromisoformat(iso))


@cache
def environment() -> Environment:
    """The environment of the message templates. Text, so nothing is escaped; a name nobody gave is an error."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (plain text, never HTML)
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]  # the extension's
    made.filters["day"] = _day
    return made


@dataclass(frozen=True)
class Renderer:
    """Turns a message into words: call it with (template, language, values).

    ``public_url`` is the address people type, without a slash at its end. ``default_service`` is the short name of the
    service at the plain address; other services have theirs in front.
    """

    public_url: str
    default_service: str | None = None

    def __call__(self, template: str, language: str, values: Mapping[str, object]) -> Words:
        """The words in the language, and in English beneath when the language is a draft."""
        declared = MESSAGES[template]
        given: dict[str, object] = dict.fromkeys(declared.may)
        given |= {key: values[key] for key in declared.details | declared.may if key in values}
        given["phone"] = values["phone"]
        given["sign_in"] = self.sign_in_of(str(values["service"]))
        slug = str(values["service"])
        words, reviewed = _said(template, language, {**given, "check_in": self.check_in_of(slug, language)})
        if reviewed:
            return words
        english, _ = _said(template, "en", {**given, "check_in": self.check_in_of(slug, "en")})
        return Words(words.subject, words.body + BETWEEN + english.body)

    def sign_in_of(self, slug: str) -> str:
        """The address of a service's sign-in page for staff."""
        return self._front_of(slug) + SIGN_IN

    def check_in_of(self, slug: str, language: str) -> str:
        """The address, in a language, behind which the secret of a link opens a check-in of the service."""
        return f"{self._front_of(slug)}/{language if language in LANGUAGES else 'en'}{CHECK_IN}/"

    def _front_of(self, slug: str) -> str:
        here = self.default_service is None or slug == self.default_service
        return self.public_url + ("" if here else f"/at/{slug}")


def _said(template: str, language: str, values: Mapping[str, object]) -> tuple[Words, bool]:
    with speaking(language) as spoken:
        text = environment().get_template(f"{template}.txt").render(values)
        subject, _, body = text.partition("\n")
        return Words(subject.strip(), body.strip()), spoken.reviewed
