"""A message back as plain text, to paste into another record or to send by email: headings, one item a line, nothing
that an old mail program or a record system would break."""

import textwrap
from collections.abc import Iterator

from portal.letters.document import Document, Part
from portal.letters.standard import ATTRIBUTION

INDENT = "  "
WIDTH = 98


def plain(document: Document) -> str:
    """The whole message, what is asked of anybody first."""
    lines = [document.title, document.on, document.facts.get("service", ""), ""]
    for section in document.sections:
        lines += [section.title.upper(), *_lines(section, ""), ""]
    lines += [words for words in (document.facts.get("about"), document.facts.get("end")) if words]
    lines += [f"Written by: {document.facts.get('author', '')}, {document.facts.get('author_role', '')}", ATTRIBUTION]
    return "\n".join(lines) + "\n"


def _lines(part: Part, indent: str) -> Iterator[str]:
    for label, words in said(part):
        yield from _wrapped(f"{label}: {words}", indent)
    for number, below in enumerate(part.parts, 1):
        deeper = indent
        if below.title:
            several = sum(one.code == below.code for one in part.parts) > 1
            yield f"{indent}{below.title}{f' {number}' if several else ''}"
            deeper = indent + INDENT
        yield from _lines(below, deeper)


def said(part: Part) -> list[tuple[str, str]]:
    """What the part says itself, as (label, words); the lines of one address stand together, and a national code stands
    behind its words."""
    found: list[tuple[str, str]] = []
    for value in part.values:
        code = f" ({value.coded})" if value.item in CODED and value.coded and value.coded != value.text else ""
        words = f"{value.text}{code}"
        if found and value.item.startswith("address-") and found[-1][0] == value.label:
            found[-1] = (value.label, f"{found[-1][1]}, {words}")
        else:
            found.append((value.label, words))
    return found


CODED = ("method", "consultation", "contact-outcome", "nhs-number-status", "preferred-contact")
"""The items whose national code is of use to whoever types it into another record."""


def _wrapped(words: str, indent: str) -> Iterator[str]:
    for number, line in enumerate(words.splitlines()):
        here = indent + (INDENT if number else "")
        yield from textwrap.wrap(
            line,
            WIDTH,
            initial_indent=here,
            subsequent_indent=here + INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
