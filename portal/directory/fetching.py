"""What the address of a feed means: its pages, its rows, and when the last one has come."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

MOST_BYTES_OF_ONE = 2 * 1024 * 1024
PER_PAGE = 50
RESOURCES = ("services", "service_at_locations")


@dataclass(frozen=True)
class Feed:
    """An address, understood. ``resource`` is empty for one document that holds everything."""

    base: str
    resource: str
    query: tuple[tuple[str, str], ...] = ()

    @classmethod
    def at(cls, url: str) -> "Feed":
        """What somebody typed: the address of the standard's pages, of one of its lists, or of one document."""
        parts = urlsplit(url.strip())
        path = parts.path.rstrip("/")
        before, _, last = path.rpartition("/")
        query = tuple(one for one in parse_qsl(parts.query) if one[0] not in ("page", "per_page"))
        if last in RESOURCES:
            return cls(urlunsplit((parts.scheme, parts.netloc, before, "", "")), last, query)
        if re.search(r"\.json$", path):
            return cls(urlunsplit((parts.scheme, parts.netloc, parts.path, parts.query, "")), "")
        return cls(urlunsplit((parts.scheme, parts.netloc, path, "", "")), RESOURCES[0], query)

    def page(self, number: int) -> str:
        """The address of one page of the list."""
        if not self.resource:
            return self.base
        asked = urlencode([*self.query, ("page", number), ("per_page", PER_PAGE)])
        return f"{self.base}/{self.resource}?{asked}"

    def one(self, row_id: str) -> str:
        """The address of one row, with everything about it."""
        return f"{self.base}/{self.resource}/{quote(row_id, safe='')}"


def is_last(about: dict[str, Any], number: int, rows: int) -> bool:
    """Whether this was the last page, by what it says of itself. One that says nothing stands alone."""
    if about.get("last_page") is True or about.get("last") is True or not rows:
        return True
    pages = about.get("total_pages", about.get("totalPages"))
    if isinstance(pages, int) and not isinstance(pages, bool):
        return number >= pages
    return about.get("last_page") is None and about.get("last") is None


def total(about: dict[str, Any]) -> int | None:
    """How many rows there are in all, where the page says it."""
    said = about.get("total_items", about.get("totalElements"))
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said < 10_000_000 else None
