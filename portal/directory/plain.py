"""Words that others wrote, made safe to keep: plain text without markup, of bounded length, in characters that can be
shown. Pure functions.
"""

import re
import unicodedata
from html.parser import HTMLParser

from portal import reading

_LONGEST_RAW = 100_000
"""Characters that are looked at at all: far more than any column holds."""
_BLOCKS = frozenset(("p", "br", "div", "li", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6", "tr", "table", "section"))
_SILENT = frozenset(("script", "style", "template", "noscript", "iframe", "object", "svg", "title"))
_LINES = re.compile(r"[ \t]*\n[ \t]*")
_GAPS = re.compile(r"\n{3,}")
_MARKUP = re.compile(r"<[a-zA-Z/!?]|&[a-zA-Z#]")


class _Text(HTMLParser):
    """Keeps what a reader would see."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self.silent += 1
        elif tag in _BLOCKS:
            self.parts.append("\n• " if tag == "li" else "\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self.silent = max(0, self.silent - 1)
        elif tag in _BLOCKS and tag != "li":
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(data)


def without_markup(words: str) -> str:
    """The words that a reader of this HTML would see. Markup that was escaped twice is taken away as well."""
    for _ in range(3):
        if not _MARKUP.search(words):
            break
        reader = _Text()
        reader.feed(words)
        reader.close()
        seen = "".join(reader.parts)
        if seen == words:
            break
        words = seen
    return words


def _shown(character: str) -> bool:
    return character in "\n\t" or (
        unicodedata.category(character) not in ("Cc", "Cs")
        and character != "\N{REPLACEMENT CHARACTER}"
        and ord(character) & 0xFFFE != 0xFFFE
        and not "\ufdd0" <= character <= "\ufdef"
    )


def text(raw: str, longest: int, *, lines: bool = False) -> tuple[str, str | None]:
    """The words as they may be kept, and the code of what was wrong with them: ``too-long`` (then they are cut) or
    ``unreadable`` (then there are none)."""
    cut = len(raw) > _LONGEST_RAW
    plain = (
        without_markup(raw[:_LONGEST_RAW]).replace("\r\n", "\n").replace("\r", "\n").replace("\N{NO-BREAK SPACE}", " ")
    )
    if not plain.isprintable():
        plain = "".join(filter(_shown, plain))
    if lines:
        plain = _GAPS.sub("\n\n", _LINES.sub("\n", plain))
    if plain.isascii():  # most of what comes, and by far the quickest
        plain = plain.strip() if lines else " ".join(plain.split())
    else:
        try:
            plain = reading.text(plain, _LONGEST_RAW * 4, lines=lines)
        except reading.Unreadable:
            return "", "unreadable"
    if len(plain) > longest:
        plain, cut = plain[: longest - 1].rstrip() + "…", True
    return plain, "too-long" if cut else None


def key(words: str) -> str:
    """What a search looks in: the key of ``reading.search_key``, by a short way for plain letters."""
    if words.isascii() and words.isprintable():
        return " ".join(words.casefold().replace("'", "").replace("`", "").replace("-", " ").split())
    return reading.search_key(words)
