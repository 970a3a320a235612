"""The catalogues: what there is to translate, gathered from the code and the templates, and what is wrong with a file.

`make catalogues` writes translations/messages.pot anew and brings each translations/<code>/LC_MESSAGES/messages.po up
to it: new messages come in empty, gone ones go out, and the plural rule is the one pinned in portal/i18n.py, since
Babel's own table differs from CLDR for several languages. Then it lists every fault it finds in them.

`pybabel compile` and `msgfmt -c` find a quarter of these faults at most; the rules are those of the languages
reference, and tests/test_languages.py proves each on a catalogue with seeded mistakes.
"""

import ast
import io
import re
import sys
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from portal.i18n import CATALOGUES, LANGUAGES, Language

TOP = Path(__file__).parent.parent
TEMPLATE = CATALOGUES / "messages.pot"
SAME = CATALOGUES / "as-in-english.txt"
KEYWORDS = {**DEFAULT_KEYWORDS, "S_": None}
HEADER = """\
# %(what)s of Front Door.
# Made by `make catalogues`; the English stands in the code and the templates, marked _(), N_(), S_() or ngettext().
# A line that begins with "#. Safety" means: a mistake here can hurt somebody. Keep every number.
#"""
BIDI_OVERRIDES = frozenset("\u202a\u202b\u202d\u202e")
# Up to here every plural rule we know shows all its forms (Welsh needs 6, Polish 22).
FAR_ENOUGH = 1_000


# --- gather and write ----------------------------------------------------------------------------------------------


def gathered() -> Catalog:
    """Every message of the code and the templates, in memory. Files are named without lines, so that a moved line is
    no change."""
    methods, options = _mapping()
    template = _empty(None)
    found = extract_from_dir(TOP, methods, options, KEYWORDS, comment_tags=("Translators:",), strip_comment_tags=True)
    safety = safety_texts()
    for place, _line, text, comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        words = text if isinstance(text, str) else text[0]
        if place.endswith(".py") and words not in _given_to_a_keyword(place):
            continue
        told = [*comments, "Safety: the English stands beneath it until a person has checked it."]
        template.add(text, locations=[(place, 0)], auto_comments=told if words in safety else comments, context=context)
    return template


@cache
def _given_to_a_keyword(place: str) -> frozenset[str]:
    """The texts that a file gives to a keyword. Babel also takes a key in brackets for a message, as in
    ``gettext(NAMES["code"])``."""
    calls = (one for one in ast.walk(ast.parse((TOP / place).read_text("utf-8"))) if isinstance(one, ast.Call))
    return frozenset(
        text.value
        for call in calls
        if ast.unparse(call.func).rpartition(".")[2] in KEYWORDS
        for text in call.args
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    )


@cache
def safety_texts() -> frozenset[str]:
    """The texts marked as safety-critical with S_()."""
    methods, options = _mapping()
    found = extract_from_dir(TOP, methods, options, {"S_": None})
    return frozenset(text for _place, _line, text, _comments, _context in found if isinstance(text, str))


def own_words(
    file: IO[bytes], keywords: Collection[str], _comment_tags: Sequence[str], options: Mapping[str, Any]
) -> "Iterator[tuple[int, str, str, list[str]]]":
    """The words of a scale that are our own: the interface translates them, and they stand in the scale's file alone.
    The words of every other scale are somebody else's, and no translator ever sees them."""
    scale = tomllib.load(file)
    if not scale.get("own_wording") or "N_" not in keywords:
        return
    english = scale["wording"]["en"]
    labels = [label for one in english.get("options", {}).values() for label in one.values()]
    for text in (english.get("instruction"), *english["items"].values(), *labels):
        if text:
            yield 0, "N_", text, []


def _mapping() -> "tuple[list[tuple[str, str]], dict[str, dict[str, Any]]]":
    with (TOP / "babel.cfg").open(encoding="utf-8") as file:
        found: tuple[list[tuple[str, str]], dict[str, dict[str, Any]]] = parse_mapping_cfg(file, "babel.cfg")  # type: ignore[no-untyped-call]  # Babel's
    return found


def _empty(language: Language | None) -> Catalog:
    catalogue = Catalog(
        locale=str(language.locale) if language else None,
        project="Front Door",
        version="1",
        charset="utf-8",
        fuzzy=False,
        header_comment=HEADER % {"what": f"The {language.english} words" if language else "The words"},
    )
    if language:
        pin(catalogue, language)
    return catalogue


def pin(catalogue: Catalog, language: Language) -> None:
    """Give the catalogue our plural rule instead of Babel's."""
    catalogue.mime_headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Plural-Forms", language.plurals),
    ]


def written(catalogue: Catalog) -> bytes:
    """The file of a catalogue: no dates and no names of tools or people, so that the same words give the same bytes."""
    file = io.BytesIO()
    write_po(file, catalogue, width=100, include_lineno=False, ignore_obsolete=True)
    passing = (
        "POT-Creation-Date",
        "PO-Revision-Date",
        "Last-Translator",
        "Language-Team",
        "Generated-By",
        "Report-Msgid",
    )
    lines = file.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(tuple(f'"{name}' for name in passing))).encode()


def read(path: Path, language: Language | None = None) -> Catalog:
    """A catalogue from its file, with the plural rule that the file itself declares."""
    with path.open("rb") as file:
        return read_po(file, locale=language.code if language else None, abort_invalid=True)


def place_of(language: Language) -> Path:
    """Where a language's catalogue lies."""
    return CATALOGUES / language.code / "LC_MESSAGES" / "messages.po"


def drafts() -> list[Language]:
    """The languages that have a catalogue: all but the one the source is written in."""
    return [language for code, language in LANGUAGES.items() if code != "en"]


def brought_up(language: Language, template: Catalog) -> Catalog:
    """A language's catalogue with the messages of the template: translations kept, new ones empty, none guessed."""
    place = place_of(language)
    catalogue = _empty(language)
    known = read(place, language) if place.exists() else catalogue
    for message in template:
        if not message.id:
            continue
        had = known.get(message.id, message.context)
        said = had.string if had and not had.fuzzy else None
        catalogue.add(
            message.id,
            said if said and isinstance(said, str) == isinstance(message.id, str) else None,
            locations=message.locations,
            auto_comments=message.auto_comments,
            context=message.context,
            flags=message.flags,
        )
    return catalogue


def update() -> None:
    """Write the template and bring every language up to it."""
    template = gathered()
    TEMPLATE.write_bytes(written(template))
    for language in drafts():
        place = place_of(language)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(written(brought_up(language, template)))


# --- find what is wrong --------------------------------------------------------------------------------------------


def faults(catalogue: Catalog, template: Catalog, language: Language) -> list[str]:
    """Every fault of a language's catalogue, each as "message: what is wrong"."""
    found = [f"the file: {fault}" for fault in _faults_of_header(catalogue, language)]
    wanted = {_key(message): message for message in template if message.id}
    there = {_key(message): message for message in catalogue if message.id}
    found += [f"{_short(key)}: is missing; run make catalogues" for key in wanted.keys() - there.keys()]
    found += [f"{_short(key)}: is no longer asked for; run make catalogues" for key in there.keys() - wanted.keys()]
    for key, message in there.items():
        found += [f"{_short(key)}: {fault}" for fault in faults_of(message, language)]
    return sorted(found)


def faults_of(message: Message, language: Language) -> Iterator[str]:
    """What is wrong with one translation."""
    sources = _forms(message.id)
    said = _forms(message.string)
    if message.fuzzy:
        yield "is marked fuzzy: nobody has decided whether it is right"
    if not any(said):
        yield "is empty"
        return
    if len(sources) == 2 and len(said) != len(reached_by(language)):
        yield f"has {len(said)} plural forms, and {language.english} has {len(reached_by(language))}"
        return
    if not all(said):
        yield "has an empty plural form"
        return
    for number, words in enumerate(said):
        only = reached_by(language)[number] if len(sources) == 2 else ()
        for rule in _RULES:
            if fault := rule(sources, words, only):
                yield fault
        if words in sources and _has_letters(words) and (language.code, words) not in same_as_english():
            yield "is the English text; if that is right, add it to translations/as-in-english.txt"


@cache
def reached_by(language: Language) -> tuple[tuple[int, ...], ...]:
    """For each plural form the number it stands for, when it stands for that one alone; else nothing."""
    catalogue = Catalog()
    pin(catalogue, language)
    form = c2py(catalogue.plural_expr)
    reach: list[list[int]] = [[] for _ in range(catalogue.num_plurals)]
    for count in range(FAR_ENOUGH):
        reach[form(count)].append(count)
    return tuple(tuple(numbers) if len(numbers) == 1 else () for numbers in reach)


@cache
def same_as_english() -> frozenset[tuple[str, str]]:
    """The (language, text) pairs where the translation may be the English text."""
    lines = SAME.read_text("utf-8").splitlines()
    pairs = [line.partition(":") for line in lines if line.strip() and not line.startswith("#")]
    return frozenset((code.strip(), text.strip()) for code, _, text in pairs)


def placeholders(text: str) -> Counter[str]:
    """The ``%(name)s`` placeholders of a text, each with its kind."""
    return Counter(re.findall(r"%\(\w+\)[a-z]|%%", text))


def markup(text: str) -> Counter[str]:
    """The tags of a text with all their attributes."""
    return Counter(re.findall(r"<[^<>]*>", text))


def numbers(text: str) -> Counter[str]:
    """The numbers of a text, whatever digits they are written in; 4,000 and 4 000 are the same number."""
    text = re.sub(r"%\(\w+\)[a-z]|<[^<>]*>", " ", text)
    text = "".join(str(digit) if (digit := unicodedata.decimal(char, None)) is not None else char for char in text)
    return Counter(re.findall(r"\d+", re.sub(r"(?<=\d)[.,'’ \u00a0\u202f\u066c](?=\d{3}(?!\d))", "", text)))


def _key(message: Message) -> tuple[str | None, tuple[str, ...]]:
    return message.context, tuple(_forms(message.id))


def _short(key: tuple[str | None, tuple[str, ...]]) -> str:
    return repr(key[1][0] if len(key[1][0]) < 70 else key[1][0][:69] + "…")


def _forms(text: object) -> list[str]:
    return [str(form) for form in text] if isinstance(text, (tuple, list)) else [str(text or "")]


def _has_letters(text: str) -> bool:
    return any(char.isalpha() for char in re.sub(r"%\(\w+\)[a-z]|<[^<>]*>", "", text))


def _faults_of_header(catalogue: Catalog, language: Language) -> Iterator[str]:
    pinned = Catalog()
    pin(pinned, language)
    if catalogue.plural_forms != pinned.plural_forms:
        yield f"its plural rule must be {language.plurals}"
    if str(catalogue.charset).lower() != "utf-8":
        yield "it must be UTF-8"
    header = dict(catalogue.mime_headers).get("Language", "")
    if header != str(language.locale):
        yield f"its header says that its language is {header!r}, and it is {language.locale!s}"


def _placeholder_fault(sources: list[str], words: str, only: tuple[int, ...]) -> str | None:
    there = placeholders(words)
    allowed = [placeholders(source) for source in sources]
    if only:  # a form that one number alone reaches may say it in words
        allowed += [one - Counter({"%(num)s": 1}) for one in allowed]
    return None if there in allowed else f"its placeholders are {_listed(there)}, the source's {_listed(allowed[-1])}"


def _markup_fault(sources: list[str], words: str, only: tuple[int, ...]) -> str | None:
    if markup(words) in [markup(source) for source in sources]:
        return None
    return "its tags or links are not those of the source"


def _number_fault(sources: list[str], words: str, only: tuple[int, ...]) -> str | None:
    there = numbers(words)
    if only:
        there -= Counter({str(only[0]): 1})
    if there in [numbers(source) for source in sources]:
        return None
    return f"its numbers are {_listed(there)}, the source's {_listed(numbers(sources[-1]))}"


def _bidi_fault(sources: list[str], words: str, only: tuple[int, ...]) -> str | None:
    return "it holds a mark that turns the direction of the text around" if BIDI_OVERRIDES & set(words) else None


def _space_fault(sources: list[str], words: str, only: tuple[int, ...]) -> str | None:
    source = sources[-1]
    if _edges(words) == _edges(source):
        return None
    return "its white space at the beginning or the end is not that of the source"


def _length_fault(sources: list[str], words: str, only: tuple[int, ...]) -> str | None:
    longest = max(len(source) for source in sources)
    return "it is much longer than the source" if longest >= 20 and len(words) > 2.5 * longest else None


def _edges(text: str) -> tuple[str, str]:
    return text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]


def _listed(counted: Counter[str]) -> str:
    return ", ".join(sorted(counted.elements())) or "none"


_RULES: tuple[Callable[[list[str], str, tuple[int, ...]], str | None], ...] = (
    _placeholder_fault,
    _markup_fault,
    _number_fault,
    _bidi_fault,
    _space_fault,
    _length_fault,
)


def main(arguments: list[str]) -> int:
    """Bring the files up to the source (unless asked only to check), then say what is wrong and how far each is."""
    if arguments not in ([], ["check"]):
        sys.stderr.write("Use: python -m tools.catalogues [check]\n")
        return 2
    if not arguments:
        update()
    template = gathered()
    total = sum(1 for message in template if message.id)
    wrong = 0
    for language in drafts():
        catalogue = read(place_of(language), language)
        done = sum(1 for message in catalogue if message.id and all(_forms(message.string)))
        found = [fault for fault in faults(catalogue, template, language) if not fault.endswith(": is empty")]
        wrong += len(found) + (done < total)
        state = "reviewed" if language.reviewed else "a draft"
        sys.stdout.write(f"{language.english}: {done} of {total} messages translated; {state}\n")
        sys.stdout.writelines(f"    {fault}\n" for fault in found)
    return 1 if arguments and wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
