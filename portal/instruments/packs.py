"""Text packs: official translations in the one format that the portal takes in (``text-pack/1``), and the shape of a
licensed scale of which nothing is published that could be written into a data file.

A pack is refused with one plain sentence for each thing that is wrong with it, all at once, in the language now spoken,
for whoever runs a charity's service and not for whoever wrote the file. Nothing is ever repaired: other bytes are other
words.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from babel import Locale
from babel.core import get_global

from portal.i18n import N_, gettext, language_name
from portal.instruments.definition import Instrument, Item, OfficialText, Option, State, TextStatus, Wording
from portal.instruments.files import Catalogue

FORMAT = "text-pack/1"
LARGEST = 50_000  # bytes; the largest that we know of has a quarter of it
STATUSES = (TextStatus.TWO_SOURCES.value, TextStatus.ONE_SOURCE.value)
DIRECTIONS = ("ltr", "rtl")

_TEXTS = {"instructions": 2_000, "attribution": 500, "source_url": 500, "language_name": 100, "transcribed_from": 200}
_OR_NULL = {"variant": 100, "source_sha256": 64, "licence_url": 500, "adaptation": 2_000}
_NEEDED = ("format", "instrument", "version", "language", "direction", "status", "licence", *_TEXTS, *_OR_NULL)
_LISTS = ("serves", "items", "options", "notes")
_KEYS = frozenset({*_NEEDED, *_LISTS, "agreement", "unscored", "text_sha256"})
_LONGEST_ITEM = 1_000
_LONGEST_LABEL = 300
_HASHED = ("instrument", "version", "language", "instructions", "items", "options")

_RIGHT_TO_LEFT = frozenset({"Adlm", "Arab", "Aran", "Hebr", "Mand", "Nkoo", "Rohg", "Samr", "Syrc", "Thaa"})
# How Unicode's names of letters begin, and how CLDR calls the scripts that are written with them.
_LETTERS: Mapping[str, frozenset[str]] = {
    "ARABIC": frozenset({"Arab", "Aran"}),
    "ARMENIAN": frozenset({"Armn"}),
    "BENGALI": frozenset({"Beng"}),  # codespell:ignore
    "CJK": frozenset({"Hans", "Hant", "Jpan", "Kore", "Hani"}),
    "CYRILLIC": frozenset({"Cyrl"}),
    "DEVANAGARI": frozenset({"Deva"}),
    "ETHIOPIC": frozenset({"Ethi"}),
    "GEORGIAN": frozenset({"Geor"}),
    "GREEK": frozenset({"Grek"}),
    "GUJARATI": frozenset({"Gujr"}),
    "GURMUKHI": frozenset({"Guru"}),
    "HANGUL": frozenset({"Kore", "Hang"}),
    "HEBREW": frozenset({"Hebr"}),
    "HIRAGANA": frozenset({"Jpan"}),
    "KANNADA": frozenset({"Knda"}),
    "KATAKANA": frozenset({"Jpan"}),
    "LATIN": frozenset({"Latn"}),
    "MALAYALAM": frozenset({"Mlym"}),
    "SINHALA": frozenset({"Sinh"}),
    "TAMIL": frozenset({"Taml"}),
    "TELUGU": frozenset({"Telu"}),
    "THAI": frozenset({"Thai"}),
}
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(-(?P<script>[A-Z][a-z]{3}))?(-[A-Z]{2}|-[0-9]{3})?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*"
    r"(-x(-[a-z0-9]{1,8})+)?"
)
_PRIVATE = re.compile(r"x(-[a-z0-9]{1,8})+")
_BY_MACHINE = re.compile(
    r"(?<!\bnot )(?<!\bnot been )(?<!\bnever )(?<!\bnon-)"
    r"(\b(machine|computer|auto(mat(ic|ed|ically))?|ai)[\s_-]*(assisted[\s_-]*)?(translat|generated|generation)"
    r"|translat\w*[\s_-]+(by|with|using|through)[\s_-]+(a |an )?(machine|computer|software|ai\b)"
    r"|\bgoogle[\s_-]*translat|\bdeepl\b|\bchat-?gpt\b|\bgpt\b|\bllm\b|\blanguage model|\bneural translat)",
    re.IGNORECASE,
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class BadPack(ValueError):
    """A text pack cannot be taken. ``problems``: one plain sentence for each thing that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True)
class Pack:
    """A text pack that has passed every check. ``status`` is what counts: two sources only where the portal's own list
    of official texts knows of them too. ``whole`` is the file as it came."""

    instrument: Instrument
    language: str
    status: str
    serves: tuple[str, ...]
    text_sha256: str
    file_sha256: str
    whole: Mapping[str, Any] = field(repr=False)

    def wording_for(self, instrument: Instrument) -> Wording:
        """The words for one of the forms that the pack serves. Raises KeyError for a form that it does not serve."""
        return wording_from(self.whole, self.instrument, instrument)


def wording_from(whole: Mapping[str, Any], full: Instrument, instrument: Instrument) -> Wording:
    """The words for one form from a checked pack that belongs to ``full``: a short form gets its own items and no
    others. Raises KeyError for a form that the pack does not serve."""
    if instrument.key not in whole["serves"]:
        raise KeyError(instrument.key)
    (name,) = full.option_sets
    pairs = zip(full.items, whole["items"], strict=True)
    items = {item.code: given["text"] for item, given in pairs if item.code in instrument.item_by_code}
    labels = zip(full.option_sets[name], whole["options"], strict=True)
    return Wording(
        language=whole["language"],
        instruction=whole["instructions"],
        items=MappingProxyType(items),
        options=MappingProxyType({name: MappingProxyType({option.code: given["text"] for option, given in labels})}),
        direction=whole["direction"],
        variant=whole["variant"] or "",
        attribution=whole["attribution"],
    )


def read_pack(data: bytes, instrument_of: Catalogue) -> Pack:
    """The pack in a file. Raises ``BadPack`` with everything that is wrong with it."""
    whole = _object(data)
    problems = [*_unreadable(whole), *_by_machine(whole), *_in_keys(whole), *_in_words(whole)]
    instrument = _instrument(whole, instrument_of)
    problems += _in_instrument(whole, instrument_of)
    problems += _in_language(whole)
    problems += _in_status(whole)
    problems += _in_items(whole, instrument)
    problems += _in_options(whole, instrument)
    if instrument is not None:
        problems += _in_rights(whole, instrument)
        problems += _in_serves(whole, instrument, instrument_of)
        problems += _in_holders_list(whole, instrument)
    problems += _in_letters(whole)
    problems += _in_hash(whole)
    if problems or instrument is None:
        raise BadPack(list(dict.fromkeys(problems)))
    known = _known_of(instrument, whole["language"])
    two = whole["status"] == TextStatus.TWO_SOURCES.value
    sure = two and known is not None and known.status is TextStatus.TWO_SOURCES
    return Pack(
        instrument=instrument,
        language=whole["language"],
        status=STATUSES[0] if sure else STATUSES[1],
        serves=tuple(whole["serves"]),
        text_sha256=whole["text_sha256"],
        file_sha256=hashlib.sha256(data).hexdigest(),
        whole=whole,
    )


# --- the file as a whole ----------------------------------------------------------------------------------------------


class _Twice(ValueError):
    pass


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _Twice(key)
        made[key] = value
    return made


def _no_number(word: str) -> Any:
    raise ValueError(word)


def _object(data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST:
        raise BadPack([gettext("The file is too large. A text pack has at most %(most)s bytes.", most=f"{LARGEST:,}")])
    try:
        whole = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number)
    except _Twice as twice:
        said = gettext("The file says “%(part)s” twice, so nobody can know which one counts.", part=_short(twice))
        raise BadPack([said]) from None
    except UnicodeDecodeError:
        raise BadPack([gettext("The file is not UTF-8 text. Save it again as UTF-8, or fetch it again.")]) from None
    except (ValueError, RecursionError):
        said = gettext("The file cannot be read as JSON. It may have been cut off or changed on the way.")
        raise BadPack([said]) from None
    if not isinstance(whole, dict):
        raise BadPack([gettext("The file is not a text pack: it must hold one JSON object.")])
    return whole


def _short(value: object) -> str:
    """Something from the file as a sentence can show it."""
    shown = "".join(sign for sign in str(value) if sign.isprintable())
    return shown if len(shown) <= 60 else shown[:60] + "…"


def _strings(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every key and every text in a value, with where it stands."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield f"{where}{key}", key
            yield from _strings(inner, f"{where}{key}, ")
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, where)
    elif isinstance(value, str):
        yield where.rstrip(", "), value


def _unreadable(whole: Mapping[str, Any]) -> Iterator[str]:
    for where, text in _strings(whole, ""):
        if any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in "\n\t" for sign in text):
            yield gettext("“%(part)s” holds signs that no page can show. Fetch the file again.", part=_short(where))


def _by_machine(whole: Mapping[str, Any]) -> Iterator[str]:
    texts = {"instructions", "items", "options", "unscored"}
    for where, text in _strings(whole, ""):
        about = where.split(", ")[0]
        if (about not in texts or text == where.split(", ")[-1]) and _BY_MACHINE.search(text):
            yield gettext(
                "The file says that a machine took part in the translation (“%(part)s”: %(words)s). A scale in the "
                "words of a machine measures something else: it is never used here.",
                part=_short(where),
                words=_short(text),
            )


def _in_keys(whole: Mapping[str, Any]) -> Iterator[str]:
    if whole.get("format") != FORMAT:
        yield gettext("The format must be %(wanted)s.", wanted=FORMAT)
    for key in whole:
        if key not in _KEYS:
            yield gettext("A text pack has no part “%(part)s”. Ask whoever made the file.", part=_short(key))
    for key in _LISTS:
        if not isinstance(whole.get(key), list):
            yield gettext("“%(part)s” is missing, or is not a list.", part=key)
    if not isinstance(whole.get("agreement"), dict):
        yield gettext("“agreement” is missing: it says which words a second copy agrees with.")
    if not isinstance(whole.get("unscored", []), list) or not _all_texts(whole.get("notes", [])):
        yield gettext("“notes” and “unscored” must be lists.")


def _all_texts(value: Any) -> bool:
    return not isinstance(value, list) or all(isinstance(one, str) for one in value)


def _in_words(whole: Mapping[str, Any]) -> Iterator[str]:
    for key, longest in {**_TEXTS, "licence": 500}.items():
        yield from _in_text(f"“{key}”", whole.get(key), longest)
    for key, longest in _OR_NULL.items():
        if key not in whole:
            yield gettext("“%(part)s” is missing. Where there is none, it says null.", part=key)
        elif whole[key] is not None:
            yield from _in_text(f"“{key}”", whole[key], longest)
    url = whole.get("source_url")
    if isinstance(url, str) and url.strip() and not re.fullmatch(r"https?://[^\s<>\"]+", url):
        yield gettext("“source_url” must be the address of the official document. It begins with https://")
    digest = whole.get("source_sha256")
    if isinstance(digest, str) and not _SHA256.fullmatch(digest):
        yield gettext("“source_sha256” must be 64 digits and letters from a to f, or null.")


def _in_text(what: str, given: Any, longest: int) -> Iterator[str]:
    if given is None:
        yield gettext("%(part)s is missing.", part=what)
    elif not isinstance(given, str):
        yield gettext("%(part)s must be text.", part=what)
    elif not given.strip():
        yield gettext("%(part)s is empty.", part=what)
    elif len(given) > longest:
        yield gettext("%(part)s is too long: it can have %(most)s characters at most.", part=what, most=f"{longest:,}")


# --- what it belongs to -----------------------------------------------------------------------------------------------


def _instrument(whole: Mapping[str, Any], instrument_of: Catalogue) -> Instrument | None:
    key, version = whole.get("instrument"), whole.get("version")
    if not isinstance(key, str) or not isinstance(version, str) or key not in instrument_of:
        return None
    instrument = instrument_of[key]
    return instrument if instrument.version == version and not any(_unfit(instrument, instrument_of)) else None


def _in_instrument(whole: Mapping[str, Any], instrument_of: Catalogue) -> Iterator[str]:
    key, version = whole.get("instrument"), whole.get("version")
    if not isinstance(key, str) or key not in instrument_of:
        yield gettext("The portal has no scale “%(scale)s”.", scale=_short(key))
    elif version != instrument_of[key].version:
        yield gettext(
            "The file is for version “%(theirs)s” of %(scale)s, and the portal has version “%(ours)s”. Words of "
            "another version belong to other questions.",
            theirs=_short(version),
            ours=instrument_of[key].version,
            scale=instrument_of[key].title,
        )
    else:
        yield from _unfit(instrument_of[key], instrument_of)


def _unfit(instrument: Instrument, instrument_of: Catalogue) -> Iterator[str]:
    if instrument.state is State.GATED:
        yield gettext(
            "The words of %(scale)s need a licence. Bring them on the page of that scale, not in a text pack.",
            scale=instrument.title,
        )
    elif not instrument.items or len(instrument.option_sets) != 1 or instrument.ranges or instrument.free_text:
        yield gettext(
            "A text pack has one list of answers. %(scale)s has none, or several: it cannot come this way.",
            scale=instrument.title,
        )
    elif longer := next(
        (one for one in instrument_of.values() if instrument in forms_of(one, instrument_of)[1:]), None
    ):
        yield gettext(
            "%(scale)s is a short form: bring the pack of %(longer)s, which serves it too.",
            scale=instrument.title,
            longer=longer.title,
        )


def forms_of(instrument: Instrument, instrument_of: Catalogue) -> tuple[Instrument, ...]:
    """The scale itself, and its short forms: those that have some of its items, with the same answers."""
    shorter = [
        one
        for one in instrument_of.values()
        if one.items and len(one.items) < len(instrument.items) and set(one.items) < set(instrument.items)
    ]
    return (instrument, *(one for one in shorter if one.option_sets == instrument.option_sets))


def _in_serves(whole: Mapping[str, Any], instrument: Instrument, instrument_of: Catalogue) -> Iterator[str]:
    serves = whole.get("serves")
    forms = [form.key for form in forms_of(instrument, instrument_of)]
    if isinstance(serves, list) and (
        not serves or not _all_texts(serves) or len(set(serves)) != len(serves) or not set(serves) <= set(forms)
    ):
        yield gettext(
            "“serves” must name forms of %(scale)s, each once: %(forms)s.",
            scale=instrument.title,
            forms=", ".join(forms),
        )


def _in_rights(whole: Mapping[str, Any], instrument: Instrument) -> Iterator[str]:
    licence = instrument.licence
    given = whole.get("licence")
    if isinstance(given, str) and given.strip() and given != licence.terms:
        yield gettext(
            "The licence differs from that of %(scale)s: it must read “%(terms)s”.",
            scale=instrument.title,
            terms=licence.terms,
        )
    url = whole.get("licence_url")
    if isinstance(url, str) and licence.url and url != licence.url:
        yield gettext(
            "The address of the licence differs from that of %(scale)s: it must be %(address)s",
            scale=instrument.title,
            address=licence.url,
        )


def _in_status(whole: Mapping[str, Any]) -> Iterator[str]:
    if whole.get("status") not in STATUSES:
        yield gettext("The status must be %(one)s or %(other)s.", one=STATUSES[0], other=STATUSES[1])


def _known_of(instrument: Instrument, language: str) -> OfficialText | None:
    """What the portal's list says of exactly this language, or of the language whatever the country."""
    by_tag = {text.language: text for text in instrument.official_texts}
    return by_tag.get(language) or by_tag.get(language.split("-")[0])


def _in_holders_list(whole: Mapping[str, Any], instrument: Instrument) -> Iterator[str]:
    language = whole.get("language")
    known = _known_of(instrument, language) if isinstance(language, str) else None
    if known and known.status is TextStatus.NOT_IN_HOLDER_LIST:
        yield gettext(
            "%(scale)s has no official text in %(language)s: it is not in the list of the rights holder (%(address)s). "
            "Nobody else’s translation is used.",
            scale=instrument.title,
            language=_named(str(language)),
            address=known.where,
        )


# --- the language -----------------------------------------------------------------------------------------------------


def _named(tag: str) -> str:
    name = language_name(tag)
    return name if name != tag else language_name(tag.split("-")[0])


def tag_problems(tag: object) -> Iterator[str]:
    """Why this is not a language tag (BCP 47, written as usual) of a language that there is."""
    if not isinstance(tag, str) or not tag.strip():
        yield gettext("The language is missing.")
    elif len(tag) > 35 or not (_TAG.fullmatch(tag) or _PRIVATE.fullmatch(tag)):
        yield gettext("“%(tag)s” is not a language tag such as pl, zh-Hans or pt-BR (BCP 47).", tag=_short(tag))
    elif not _is_private(tag) and _named(tag.split("-")[0]) == tag.split("-")[0]:
        yield gettext("“%(tag)s” is not the tag of a language that the portal knows.", tag=_short(tag))


def _is_private(tag: str) -> bool:
    """For private use: qaa to qtz, or x-."""
    return bool(re.fullmatch(r"q[a-t][a-z]|x", tag.split("-")[0]))


def script_of(tag: str) -> str:
    """The script that a language is written in, as CLDR calls it ("Arab"); empty when that is not known."""
    found = _TAG.fullmatch(tag)
    if found is None or _is_private(tag):
        return ""
    if found["script"]:
        return found["script"]
    likely = get_global("likely_subtags")
    parts = str(likely.get(tag.replace("-", "_")) or likely.get(found["language"]) or "").split("_")
    return next((part for part in parts if re.fullmatch("[A-Z][a-z]{3}", part)), "")


def direction_of(tag: str) -> str:
    """``ltr`` or ``rtl`` from the script of the language; empty when that is not known."""
    script = script_of(tag)
    return ("rtl" if script in _RIGHT_TO_LEFT else "ltr") if script else ""


def _in_language(whole: Mapping[str, Any]) -> Iterator[str]:
    tag, direction, name = whole.get("language"), whole.get("direction"), whole.get("language_name")
    wrong = [*tag_problems(tag)]
    yield from wrong
    if direction not in DIRECTIONS:
        yield gettext("The direction must be ltr (left to right) or rtl (right to left).")
    if wrong or not isinstance(tag, str):
        return
    if tag.split("-")[0] == "en":
        yield gettext("English words come with the portal. A text pack is for another language.")
    right = direction_of(tag)
    if right and direction in DIRECTIONS and direction != right:
        sentence = (
            N_("%(language)s (%(tag)s) is written from right to left: the direction must be rtl.")
            if right == "rtl"
            else N_("%(language)s (%(tag)s) is written from left to right: the direction must be ltr.")
        )
        yield gettext(sentence, language=_named(tag), tag=tag)
    other = _tag_named(name) if isinstance(name, str) else ""
    if other and other != tag.split("-")[0]:
        yield gettext(
            "The language tag is %(tag)s, and the file calls the language %(name)s. One of them is wrong.",
            tag=tag,
            name=_short(name),
        )


def _tag_named(name: str) -> str:
    """The language that has this English name; empty when none has."""
    names = Locale.parse("en").languages
    wanted = name.casefold().strip()
    return next((tag for tag, english in names.items() if "_" not in tag and english.casefold() == wanted), "")


def _in_letters(whole: Mapping[str, Any]) -> Iterator[str]:
    """A text whose letters are not those of its language has the wrong tag."""
    tag = whole.get("language")
    script = script_of(tag) if isinstance(tag, str) else ""
    if script not in set().union(*_LETTERS.values()):
        return
    given = [text for key in ("instructions", "items", "options") for _, text in _strings(whole.get(key), "")]
    letters = [sign for text in given if text not in ("n", "text", "value") for sign in text if sign.isalpha()]
    own = sum(script in _LETTERS.get(unicodedata.name(sign, "").split(" ")[0], frozenset()) for sign in letters)
    if letters and own * 2 < len(letters):
        yield gettext(
            "Most letters of the text are not those in which %(language)s (%(tag)s) is written.",
            language=_named(str(tag)),
            tag=tag,
        )


# --- the words --------------------------------------------------------------------------------------------------------


def _pairs(whole: Mapping[str, Any], key: str, number: str) -> tuple[list[Any], Iterator[str]]:
    """The numbers (or values) of a list of words, and what is wrong with its entries."""
    given = whole.get(key)
    entries = given if isinstance(given, list) else []
    what = N_("Question %(place)s") if key == "items" else N_("Answer %(place)s")
    longest = _LONGEST_ITEM if key == "items" else _LONGEST_LABEL
    numbers = [entry.get(number) if isinstance(entry, dict) else None for entry in entries]

    def problems() -> Iterator[str]:
        for place, entry in enumerate(entries, 1):
            if not isinstance(entry, dict) or set(entry) != {number, "text"}:
                yield gettext(
                    "%(part)s must have “%(number)s” and “text”, and nothing else.",
                    part=gettext(what, place=place),
                    number=number,
                )
            else:
                yield from _in_text(gettext(what, place=place), entry["text"], longest)

    return numbers, problems()


def _whole_numbers(numbers: Sequence[Any]) -> bool:
    return all(isinstance(number, int) and not isinstance(number, bool) for number in numbers)


def _in_items(whole: Mapping[str, Any], instrument: Instrument | None) -> Iterator[str]:
    numbers, problems = _pairs(whole, "items", "n")
    yield from problems
    if instrument is None or not isinstance(whole.get("items"), list):
        return
    wanted = list(range(1, len(instrument.items) + 1))
    if numbers == wanted and _whole_numbers(numbers):
        return
    told = {"scale": instrument.title, "number": len(wanted)}
    missing = ", ".join(str(number) for number in wanted if number not in numbers)
    more = ", ".join(_short(number) for number in numbers if number not in wanted or not _whole_numbers([number]))
    twice = ", ".join(str(number) for number in wanted if numbers.count(number) > 1)
    if missing:
        yield gettext("%(scale)s has %(number)s questions. Missing here: %(missing)s.", **told, missing=missing)
    if more:
        yield gettext("%(scale)s has %(number)s questions. Not on the form: %(more)s.", **told, more=more)
    if twice:
        yield gettext("%(scale)s has %(number)s questions. Here twice: %(twice)s.", **told, twice=twice)
    if not (missing or more or twice):
        yield gettext("The questions of %(scale)s stand in another order than 1 to %(number)s.", **told)


def _in_options(whole: Mapping[str, Any], instrument: Instrument | None) -> Iterator[str]:
    values, problems = _pairs(whole, "options", "value")
    yield from problems
    if instrument is None or not isinstance(whole.get("options"), list):
        return
    (options,) = instrument.option_sets.values()
    wanted = [option.value for option in options]
    if values == wanted and _whole_numbers(values):
        return
    order = ", ".join(map(str, wanted))
    if _whole_numbers(values) and sorted(values) == sorted(value for value in wanted if value is not None):
        moved = [str(place) for place, (one, other) in enumerate(zip(values, wanted, strict=True), 1) if one != other]
        yield gettext(
            "The answers stand in another order than on the form of %(scale)s (%(order)s). Swapped here: "
            "answers %(moved)s.",
            scale=instrument.title,
            order=order,
            moved=", ".join(moved),
        )
        return
    yield gettext(
        "The answers of %(scale)s have the values %(order)s, in this order. Here they have: %(found)s.",
        scale=instrument.title,
        order=order,
        found=_short(", ".join("–" if value is None else str(value) for value in values)) or "–",
    )


def text_hash(whole: Mapping[str, Any]) -> str:
    """SHA-256 of the words of a pack: of canonical JSON, without any Unicode normalisation."""
    blob = json.dumps({key: whole[key] for key in _HASHED}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(blob.encode("utf-8")).hexdigest()


def _in_hash(whole: Mapping[str, Any]) -> Iterator[str]:
    given = whole.get("text_sha256")
    if not isinstance(given, str) or not given:
        yield gettext("“text_sha256” is missing: without it nobody can see whether the words were changed on the way.")
        return
    try:
        found = text_hash(whole)
    except (KeyError, UnicodeEncodeError):
        return  # what is missing has been said
    if found != given:
        yield gettext(
            "The words are not those that “text_sha256” was made from. Somebody has changed them: fetch the file again."
        )


# --- the shape of a scale that a service brings -----------------------------------------------------------------------


def shaped(instrument: Instrument, answers: Sequence[int]) -> Instrument:
    """A gated scale of which no shape is published, with the shape of the text that a service has brought: for each
    question how many answers it has. Shown and stored, never scored. Its version says which shape it is."""
    digest = hashlib.sha256(json.dumps([*answers]).encode()).hexdigest()[:12]
    sets = {
        f"item_{n}": tuple(Option(f"answer_{place}", None) for place in range(1, count + 1))
        for n, count in enumerate(answers, 1)
    }
    return replace(
        instrument,
        version=f"{instrument.version}+{digest}",
        items=tuple(Item(code, code) for code in sets),
        option_sets=MappingProxyType(sets),
    )
