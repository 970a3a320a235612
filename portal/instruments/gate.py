"""Whether a service may use a scale, and in which language: one place, so that no form and no role gets round it.

The facts come as plain values: what the service has recorded lies in its own store, which this room does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from portal.instruments.checking import wording_problems
from portal.instruments.definition import Instrument, OfficialText, State, Wording

_UNSEEN_LETTERS = "\u115f\u1160\u3164\uffa0"  # the fillers of Hangul: letters by their category, and blank


class Obstacle(StrEnum):
    """Why a scale cannot be assigned."""

    NOT_TURNED_ON = "not-turned-on"
    NOT_FOR_THIS_SERVICE = "not-for-this-service"
    PROTOCOL_INCOMPLETE = "protocol-incomplete"
    NO_LICENCE = "no-licence"
    LICENCE_INCOMPLETE = "licence-incomplete"
    LICENCE_NOT_YET = "licence-not-yet"
    LICENCE_EXPIRED = "licence-expired"
    NO_WORDS = "no-words"
    TOO_YOUNG = "too-young"
    NO_PROXY = "no-proxy"


@dataclass(frozen=True)
class LicenceRecord:
    """What an administrator writes down before a gated scale opens. `until` is the last day that it holds."""

    number: str
    holder: str
    since: date
    until: date
    declared: bool


@dataclass(frozen=True)
class Recorded:
    """What a service has set and written down about one scale. `turned_on` None: as the scale comes.
    `protocol` is part -> what was written. `wordings` are words that may be shown: signed official texts, those of a
    gated scale, and the interface's translation of our own wording. Whoever fills it leaves out what still waits for a
    signature. `commissioned_by` are the codes that a scale may be reserved for."""

    turned_on: bool | None = None
    protocol: Mapping[str, str] | None = None
    licence: LicenceRecord | None = None
    wordings: Mapping[str, Wording] | None = None
    commissioned_by: frozenset[str] = frozenset()


def missing_from_protocol(instrument: Instrument, protocol: Mapping[str, str] | None) -> tuple[str, ...]:
    """The parts of the risk protocol that are still to be written, in the order of the scale. A dash, or letters that
    nobody can see, say nothing."""
    return tuple(part for part in instrument.protocol if not _says_something((protocol or {}).get(part, "")))


def _says_something(words: str) -> bool:
    return any(letter.isalnum() for letter in words if letter not in _UNSEEN_LETTERS)


def wording(instrument: Instrument, language: str, recorded: Recorded | None = None) -> Wording | None:
    """The words of this scale in exactly this language, or None. Never another language, never a mixture: words that do
    not fit the scale are as good as none."""
    brought = ((recorded.wordings if recorded else None) or {}).get(language)
    found = instrument.wordings.get(language) or brought
    if found is None or found.language != language or not instrument.items:
        return None
    return None if any(wording_problems(instrument, found)) else found


def official_texts(instrument: Instrument, language: str) -> tuple[OfficialText, ...]:
    """What is known of the rights holder's words in a language, its variants included (pt finds pt-PT and pt-BR);
    empty when nothing is. For staff: such a text may exist without being loaded."""
    named = [text for text in instrument.official_texts if language in (text.language, text.language.split("-")[0])]
    return tuple(named or [text for text in instrument.official_texts if text.language == "*"])


def obstacles(
    instrument: Instrument,
    recorded: Recorded,
    *,
    language: str,
    today: date,
    age: int | None = None,
    by_proxy: bool = False,
) -> tuple[Obstacle, ...]:
    """Everything that keeps this scale from being assigned to somebody today; empty when nothing does.
    `age` in whole years, None when it is not known: not knowing is no obstacle, the service's own minimum age holds."""
    may_not = [
        (not _turned_on(instrument, recorded), Obstacle.NOT_TURNED_ON),
        (instrument.only_for not in {"", *recorded.commissioned_by}, Obstacle.NOT_FOR_THIS_SERVICE),
        (bool(missing_from_protocol(instrument, recorded.protocol)), Obstacle.PROTOCOL_INCOMPLETE),
        (wording(instrument, language, recorded) is None, Obstacle.NO_WORDS),
        (age is not None and age < (instrument.min_age or 0), Obstacle.TOO_YOUNG),
        (by_proxy and not instrument.proxy, Obstacle.NO_PROXY),
    ]
    licence = _licence_obstacle(recorded.licence, today) if instrument.state is State.GATED else None
    return (*(obstacle for holds, obstacle in may_not if holds), *([licence] if licence else ()))


def _turned_on(instrument: Instrument, recorded: Recorded) -> bool:
    return instrument.state is State.ON if recorded.turned_on is None else recorded.turned_on


def _licence_obstacle(licence: LicenceRecord | None, today: date) -> Obstacle | None:
    if licence is None:
        return Obstacle.NO_LICENCE
    if not (licence.number.strip() and licence.holder.strip() and licence.declared):
        return Obstacle.LICENCE_INCOMPLETE
    if today < licence.since:
        return Obstacle.LICENCE_NOT_YET
    return Obstacle.LICENCE_EXPIRED if today > licence.until else None
