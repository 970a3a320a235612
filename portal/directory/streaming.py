"""The rows of a feed, one by one, out of JSON of any size: an array, or a page with its rows under one name.

Only one row is in memory at a time, and what is wrong with one row never hurts the next. Works on bytes: the marks that
JSON is built of are the same single bytes wherever they stand in UTF-8.
"""

import codecs
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

ROWS = ("contents", "content", "services", "service_at_locations", "items", "data", "results")
"""Under which names the rows of a page have been seen in public feeds; the standard has the first."""

MOST_BYTES = 512 * 1024
"""Of one row. The largest in a public feed are a tenth of that."""
DEEPEST = 40
# A whole string, an opening, a closing, or the beginning of a string whose end has not come yet.
_MARKS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|([{\[])|([}\]])|(")', re.DOTALL)
_STRING = re.compile(rb'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class NotAFeed(ValueError):
    """It is no JSON with rows in it."""


class BrokeOff(ValueError):
    """It ends, or goes wrong, in the middle; the rows before are good."""


@dataclass(frozen=True)
class Row:
    """One row: what stands in it, or the code of what is wrong with it. ``was_windows``: its letters were not UTF-8."""

    value: Any = None
    fault: str = ""
    was_windows: bool = False


@dataclass
class Rows:
    """Reading rows. ``about`` holds what a page says of itself (total_items, page_number …) once all rows are read."""

    chunks: Iterator[bytes]
    about: dict[str, Any] = field(default_factory=dict)
    _buffer: bytes = b""
    _at: int = 0

    def __iter__(self) -> Iterator[Row]:
        """Raises NotAFeed, BrokeOff."""
        first = self._next_mark()
        if first == b"[":
            self._at += 1
            yield from self._array()
        elif first == b"{":
            self._at += 1
            yield from self._object()
        else:
            raise NotAFeed

    # --- bytes ---

    def _more(self) -> bool:
        """Read on. What has been dealt with is dropped."""
        try:
            chunk = next(self.chunks)
        except StopIteration:
            return False
        self._buffer = self._buffer[self._at :] + chunk
        self._at = 0
        return True

    def _next_mark(self) -> bytes:
        """The next byte that is no space; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                one = self._buffer[self._at : self._at + 1]
                if not one.isspace():
                    return one
                self._at += 1
            if not self._more():
                return b""

    def _value(self) -> Row:
        """The value that begins here, whatever it is; its end is found before it is read."""
        start = self._next_mark()
        if not start:
            raise BrokeOff
        if start in (b"{", b"["):
            return self._nested()
        if start == b'"':
            return self._read(self._until_string_ends())
        return self._bare()

    def _bare(self) -> Row:
        """A number, true, false, null."""
        length = 0
        while True:
            rest = self._buffer[self._at :]
            found = re.match(rb"[-+.0-9a-zA-Z]*", rest)
            length = found.end() if found else 0
            if length < len(rest) or length > 1000 or not self._more():
                break
        if not length or length > 1000:
            raise BrokeOff
        taken, self._at = self._buffer[self._at : self._at + length], self._at + length
        return self._read(taken)

    def _until_string_ends(self) -> bytes | None:
        """The string that begins here; ``None`` when it is too large (and it is skipped)."""
        kept: bytes | None = b""
        inside = self._at + 1
        while True:
            if found := _STRING.match(self._buffer, inside):
                taken = self._buffer[self._at : found.end()]
                self._at = found.end()
                return None if kept is None else kept + taken
            held = len(self._buffer) - self._at
            if held > MOST_BYTES:
                # Drop what was read, but never half of an escape: begin again behind the last whole character.
                kept, slashes = None, len(self._buffer) - len(self._buffer.rstrip(b"\\"))
                self._at = len(self._buffer) - (slashes % 2) - 1
                inside = self._at + 1
                offset = 1
            else:
                offset = inside - self._at
            if not self._more():
                raise BrokeOff
            inside = self._at + offset

    def _nested(self) -> Row:
        depth, deepest, look, too_large = 0, 0, self._at, False
        while True:
            waits = len(self._buffer)
            for found in _MARKS.finditer(self._buffer, look):
                if found[1]:
                    depth += 1
                    deepest = max(deepest, depth)
                elif found[2]:
                    depth -= 1
                    if not depth:
                        return self._row_until(found.end(), deepest, too_large)
                elif found[3]:
                    waits = found.start()
                    break
            # The rest has to be read: keep the place relative to where the row began.
            too_large = too_large or len(self._buffer) - self._at > MOST_BYTES
            if too_large:
                look = self._passed_over(waits)
                continue
            offset = waits - self._at
            if not self._more():
                raise BrokeOff
            look = self._at + offset

    def _row_until(self, end: int, deepest: int, too_large: bool) -> Row:
        taken, self._at = self._buffer[self._at : end], end
        if too_large or len(taken) > MOST_BYTES:
            return Row(fault="too-large")
        return Row(fault="too-deep") if deepest > DEEPEST else self._read(taken)

    def _passed_over(self, waits: int) -> int:
        """Inside a row that is too large, of which nothing is kept: where to go on looking. ``waits``: where a string
        began that has no end yet, or the end of what is here."""
        self._at = waits
        if waits < len(self._buffer):
            self._until_string_ends()
        elif not self._more():
            raise BrokeOff
        return self._at

    def _read(self, taken: bytes | None) -> Row:
        if taken is None:
            return Row(fault="too-large")
        was_windows = False
        try:
            words = taken.decode("utf-8")
        except UnicodeDecodeError:
            words, was_windows = taken.decode("cp1252", "replace"), True
        try:
            return Row(json.loads(words, parse_constant=_no_constant), "", was_windows)
        except (ValueError, RecursionError):
            return Row(fault="not-json")

    # --- shapes ---

    def _array(self) -> Iterator[Row]:
        if self._next_mark() == b"]":
            self._at += 1
            return
        while True:
            yield self._value()
            following = self._next_mark()
            if following == b"]":
                self._at += 1
                return
            if following != b",":
                raise BrokeOff
            self._at += 1

    def _object(self) -> Iterator[Row]:
        rows_seen = False
        while True:
            mark = self._next_mark()
            if mark == b"}":
                break
            if mark == b",":
                self._at += 1
                continue
            if mark != b'"':
                raise BrokeOff if rows_seen else NotAFeed
            name = self._read(self._until_string_ends()).value
            if self._next_mark() != b":":
                raise BrokeOff if rows_seen else NotAFeed
            self._at += 1
            # What has an id is one activity, and its places are not the rows.
            if name in ROWS and not rows_seen and "id" not in self.about and self._next_mark() == b"[":
                rows_seen = True
                self._at += 1
                yield from self._array()
            else:
                self._keep(name, self._value())
        if not rows_seen:
            yield from self._one_only()

    def _keep(self, name: Any, row: Row) -> None:
        if isinstance(name, str) and len(self.about) < 200:
            self.about[name] = row.value

    def _one_only(self) -> Iterator[Row]:
        """A single activity, as at /services/{id}."""
        if "id" not in self.about or "name" not in self.about and "service" not in self.about:
            raise NotAFeed
        row = dict(self.about)
        self.about.clear()
        yield Row(row)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def rows(chunks: Iterable[bytes]) -> Rows:
    """The rows of a feed that comes in these pieces. UTF-16 and UTF-32 are understood by their first bytes."""
    return Rows(_as_utf8(iter(chunks)))


def _as_utf8(chunks: Iterator[bytes]) -> Iterator[bytes]:
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 4:
            break
    if head.startswith(codecs.BOM_UTF8):
        head = head[3:]
    encoding = _wide(head)
    if not encoding:
        yield head
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    yield decoder.decode(head).lstrip("\ufeff").encode("utf-8", "replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode("utf-8", "replace")
    yield decoder.decode(b"", True).encode("utf-8", "replace")


def _wide(head: bytes) -> str:
    """JSON begins with a plain character, so the zeros beside it tell the width (RFC 4627, 3)."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    zeros = "".join("-0"[not byte] for byte in head[:4])
    return {"000-": "utf-32-be", "-000": "utf-32-le", "0-0-": "utf-16-be", "-0-0": "utf-16-le"}.get(zeros, "")
