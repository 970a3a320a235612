"""How Open Referral UK wants ids, addresses, emails and times spelt, of which feeds and forms have more kinds. What
cannot be spelt so is left out: whoever reads us refuses all of a page for one such field. Pure functions.
"""

import re
import uuid
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from portal import reading

# RFC 3986 section 3.3 and 3.4: what may stand in a path, and in a query or fragment, as it is.
_IN_PATH = "/:@!$&'()*+,;=~%"
_IN_QUERY = _IN_PATH + "?"
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)(:[0-5]\d)?(Z|[+-]\d\d:\d\d)?")


def an_id(given: str) -> uuid.UUID | None:
    """The UUID that a source's own id is, when it is spelt so that we find it again by that."""
    try:
        found = uuid.UUID(given) if len(given) in (32, 36) else None
    except ValueError:
        return None
    return found if found and given in ids(found) else None


def ids(one: uuid.UUID) -> set[str]:
    """How sources write a UUID."""
    return {str(one), str(one).upper(), one.hex, one.hex.upper()}


def uri(given: str | None) -> str | None:
    """A web address as RFC 3986 has it, in ASCII: what people read as "café" is escaped, a host's name in the letters
    of its registry."""
    if not given:
        return None
    try:
        parts = urlsplit(given)
        at = _host_and_port(parts)
    except ValueError:
        return None
    if not at:
        return None
    rest = (_escaped(parts.path, _IN_PATH), _escaped(parts.query, _IN_QUERY), _escaped(parts.fragment, _IN_QUERY))
    return urlunsplit((parts.scheme, at, *rest))


def _host_and_port(parts: SplitResult) -> str | None:
    name = parts.hostname or ""
    host = parts.netloc.partition("]")[0] + "]" if ":" in name else _host(name)
    return f"{host}:{parts.port}" if host and parts.port else host


def _host(name: str) -> str | None:
    """The name of a host in ASCII. None where the two are not the same host: older rules make "ss" of "ß"."""
    try:
        made = name.encode("idna").decode("ascii")
        same = made.encode("ascii").decode("idna") == name.lower()
    except UnicodeError:
        return None
    return made if same and re.fullmatch(r"[A-Za-z0-9._-]+", made) else None


def _escaped(words: str, allowed: str) -> str:
    return quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", words), safe=allowed)


def email(given: str | None) -> str | None:
    """An email address in ASCII."""
    try:
        name, _, domain = reading.email(given or "").rpartition("@")
    except reading.Unreadable:
        return None
    host = _host(domain)
    return f"{name}@{host}" if host and name.isascii() else None


def clock(given: str | None) -> str | None:
    """A time as HH:MM, with seconds and offset where they are given."""
    found = _CLOCK.fullmatch((given or "").strip())
    if not found or int(found[1]) > 23:
        return None
    return f"{int(found[1]):02}:{found[2]}{found[3] or ''}{found[4] or ''}"
