"""A message back as plain text, to paste into another record or to send by email: the lines of the page under their
headings, with nothing that an old mail program or a record system would break."""

import textwrap
from collections.abc import Iterable, Iterator

from portal.letters.document import Document
from portal.letters.sheet import Row, sheet

INDENT = "  "
WIDTH = 98


def plain(document: Document) -> str:
    """The whole message, as ``sheet`` has it."""
    read = sheet(document)
    lines = [read.title, read.origin, "", *_rows(read.whose, ""), ""]
    for block in read.blocks:
        lines += [block.title, *_rows(block.rows, INDENT), ""]
    if read.about:
        lines += [ABOUT, *_wrapped(read.about, INDENT), ""]
    lines += [*_wrapped(read.end, ""), *([""] if read.end else []), f"Written by {read.author}", ""]
    return "\n".join([*lines, *(line for words in read.sources for line in _wrapped(words, ""))]) + "\n"


ABOUT = "What this service is"


def _rows(rows: Iterable[Row], indent: str) -> Iterator[str]:
    for row in rows:
        if row.label and "\n" in row.words:
            yield from _wrapped(f"{row.label}:", indent)
            yield from _wrapped(row.words, indent + INDENT)
        else:
            yield from _wrapped(f"{row.label}: {row.words}" if row.label else row.words, indent)


def _wrapped(words: str, indent: str) -> Iterator[str]:
    for line in words.splitlines():
        yield from textwrap.wrap(
            line,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=indent + INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
