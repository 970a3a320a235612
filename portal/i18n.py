"""Languages. Knows Babel and the catalogues; knows nothing of Flask, so any room may import it.

Source text is English, marked where it is written with ``N_`` (or ``S_`` for safety-critical text) and
translated where it is shown, with ``gettext``. Nothing is ever lazily translated: a lazy string once had to be
"untranslated" elsewhere to find out which answer had been given.

Catalogues are read straight from ``translations/<code>/LC_MESSAGES/messages.po``: there is no compiled file that
could be older than its source.

The wording of validated scales is not gettext and never passes through here.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, dates, negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

CATALOGUES = Path(__file__).parent.parent / "translations"
LONDON = ZoneInfo("Europe/London")


@dataclass(frozen=True)
class Language:
    """A language that the pages can be shown in.

    ``code`` is the BCP 47 tag; ``autonym`` the language's name in itself; ``english`` its English name, for staff;
    ``plurals`` the pinned gettext rule: Babel's own table differs from CLDR for several languages;
    ``reviewed`` is true only when native speakers have accepted every string (languages L7).
    """

    code: str
    autonym: str
    english: str
    plurals: str
    reviewed: bool = False

    @property
    def locale(self) -> Locale:
        """CLDR's data; plain English means British English here (languages L1)."""
        return Locale.parse("en_GB" if self.code == "en" else self.code, sep="-" if "-" in self.code else "_")

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``, from the locale and never guessed from a text."""
        return self.locale.text_direction


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language("en", "English", "English", "nplurals=2; plural=(n != 1);", reviewed=True),
        Language(
            "cy",
            "Cymraeg",
            "Welsh",
            "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n==3 ? 3 : n==6 ? 4 : 5);",
        ),
        Language(
            "pl",
            "Polski",
            "Polish",
            "nplurals=3; plural=(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);",
        ),
        Language("ur", "اردو", "Urdu", "nplurals=2; plural=(n != 1);"),
    )
}

_spoken: ContextVar[str] = ContextVar("spoken", default="en")


def N_(text: str) -> str:
    """Mark text for the translators; return it unchanged."""
    return text


def S_(text: str) -> str:
    """Mark safety-critical text (crisis help, permissions, what we share) for the translators; return it unchanged.

    Where it is shown in a draft language the English stands beneath it (trust D3, languages L4): use the ``safety``
    macro in pages.
    """
    return text


@cache
def _catalogue(code: str) -> NullTranslations:
    source = CATALOGUES / code / "LC_MESSAGES" / "messages.po"
    if code == "en" or not source.exists():
        return NullTranslations()
    with source.open("rb") as file:
        catalogue = read_po(file, locale=code)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def gettext(text: str, **values: object) -> str:
    """The text in the language now spoken; ``%(name)s`` placeholders are filled from ``values``."""
    if not text:
        return ""
    said = _catalogue(_spoken.get()).gettext(text)
    return said % values if values else said


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """The form for ``count`` in the language now spoken; ``%(num)s`` stands for the count."""
    said = _catalogue(_spoken.get()).ngettext(one, many, count)
    return said % {"num": count, **values}


def spoken() -> Language:
    """The language of the present request or message."""
    return LANGUAGES[_spoken.get()]


@contextmanager
def speaking(code: str) -> Iterator[Language]:
    """Speak a language within the block."""
    token = _spoken.set(code if code in LANGUAGES else "en")
    try:
        yield LANGUAGES[_spoken.get()]
    finally:
        _spoken.reset(token)


def choose(header: str | None, offered: Sequence[str]) -> str:
    """The best of the offered languages for an Accept-Language header (RFC 9110, 12.5.4); English when none fits."""
    wanted = [wish for part in (header or "").split(",")[:20] if (wish := _wish(part)) is not None]
    ordered = [tag for _, tag in sorted(wanted, key=lambda wish: -wish[0])]
    return negotiate_locale(ordered, list(offered), sep="-") or "en"


def _wish(part: str) -> tuple[float, str] | None:
    """How much a language is wanted, and which; ``None`` when it is not, or cannot be read."""
    tag, _, weight = part.partition(";")
    tag = tag.strip()
    try:
        much = float(weight.strip().removeprefix("q=") or 1)
    except ValueError:
        return None
    readable = tag and tag != "*" and len(tag) <= 35 and tag.isascii()
    return (much, tag) if readable and much > 0 else None


def say_date(day: date, weekday: bool = True) -> str:
    """A date in words, such as "Monday 23 November 2026"; digits stay Latin in every language (languages 5)."""
    if isinstance(day, datetime):
        day = day.astimezone(LONDON).date()
    british = "EEEE d MMMM y" if weekday else "d MMMM y"
    pattern = british if spoken().code == "en" else "full" if weekday else "long"
    return dates.format_date(day, pattern, locale=spoken().locale)


def say_month(day: date) -> str:
    """A month in words, such as "November 2026"."""
    return dates.format_skeleton("yMMMM", day, locale=spoken().locale)


def say_time(moment: datetime) -> str:
    """A time of day in London, such as "14:05"."""
    return dates.format_time(moment, "HH:mm", tzinfo=LONDON, locale=spoken().locale)


def say_moment(moment: datetime) -> str:
    """Date and time in words, in London time."""
    return gettext(N_("%(date)s at %(time)s"), date=say_date(moment), time=say_time(moment))


_NAMED_HERE = {
    "pnb": N_("Mirpuri or Pahari"),
    "syl": N_("Sylheti"),
    "prs": N_("Dari"),
    "other": N_("Another language (please say which)"),
}
"""Spoken languages that CLDR names in few languages or not at all."""


def language_name(code: str) -> str:
    """The name of a BCP 47 language in the language now spoken; in English, or the bare code, when there is none."""
    if code in _NAMED_HERE:
        return gettext(_NAMED_HERE[code])
    key = code.replace("-", "_")
    for locale in (spoken().locale, LANGUAGES["en"].locale):
        if name := locale.languages.get(key):
            return str(name)
    return code


def said_in_english(say: Callable[[Any], str], value: Any) -> str:
    """What ``say`` makes of a value in English: for the English that stands beneath a draft translation."""
    with speaking("en"):
        return say(value)
