"""Asking an address for a feed: only in the open internet, only so much, only so long.

Whoever may name an address could otherwise make this machine knock at doors of its own house. So every address is
resolved here, each answer of the resolver is looked at, and the connection goes to what was looked at; the same for
every redirect. What comes is kept in a file, never in memory.
"""

import ipaddress
import re
import socket
import tempfile
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

if TYPE_CHECKING:
    import requests

MOST_BYTES = 200 * 1024 * 1024
MOST_BYTES_OF_ONE = 2 * 1024 * 1024
SECONDS = 25
"""For one answer, from the first byte sent to the last one read."""
_CONNECT, _SILENCE = 5, 10  # seconds
_REDIRECTS = 4
_CHUNK = 64 * 1024
PER_PAGE = 50
RESOURCES = ("services", "service_at_locations")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class FetchFailed(Exception):
    """It could not be fetched; ``code`` is one of ``lists.ERRORS``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Allowance:
    """Where we may ask. ``private``: this machine and its network too, and plain http, as in a demonstration."""

    private: bool = False


STRICT = Allowance()


def is_open(address: str) -> bool:
    """Whether this is an address of the open internet, also where one address is wrapped in another."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inside: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = [ip]
    if isinstance(ip, ipaddress.IPv6Address):
        inside += [one for one in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())) if one]
        if ip in _NAT64:
            inside.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in inside)


def check(url: str, allowance: Allowance) -> None:
    """Raises FetchFailed for an address that is not https, or carries a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchFailed("refused-address") from None
    schemes = ("https", "http") if allowance.private else ("https",)
    if parts.scheme not in schemes or not parts.hostname or "@" in parts.netloc or port == 0:
        raise FetchFailed("refused-address")


class Fetcher:
    """Asks one server after the other; to be used in one thread."""

    def __init__(self, allowance: Allowance = STRICT, *, seconds: float = SECONDS) -> None:
        self.allowance, self.seconds = allowance, seconds
        self.session = self._session()
        self.line: socket.socket | None = None
        self.cut = False

    def _session(self) -> "requests.Session":
        import requests  # 60 ms to import: only for those who fetch
        from requests.adapters import HTTPAdapter
        from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
        from urllib3.connection import HTTPConnection, HTTPSConnection

        fetcher = self

        class Plain(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return fetcher._connect(self)

        class Secured(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return fetcher._connect(self)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecuredPool(HTTPSConnectionPool):
            ConnectionCls = Secured

        class Adapter(HTTPAdapter):
            def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
                super().init_poolmanager(*args, **kwargs)
                self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecuredPool}

        session = requests.Session()
        session.trust_env = False  # no proxy of ours, no password of ours
        session.headers.update(
            {"User-Agent": "FrontDoor (Open Referral UK)", "Accept": "application/json", "Accept-Encoding": "gzip"}
        )
        for scheme in ("http://", "https://"):
            session.mount(scheme, Adapter())
        return session

    def _connect(self, connection: Any) -> socket.socket:
        """Every answer of the resolver is looked at, and the connection goes to one of them, not to the name."""
        host, port = str(connection.host).strip("[]"), int(connection.port)
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise FetchFailed("not-reached") from None
        addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
        if not self.allowance.private and not all(map(is_open, addresses)):
            raise FetchFailed("refused-address")
        for address in addresses[:3]:
            try:
                made = socket.create_connection((address, port), timeout=_CONNECT)
            except OSError:
                continue
            # A hold on the line of our own: what reads an answer may have taken the socket from the connection.
            self._let_go()
            self.line = made.dup()
            return made
        raise FetchFailed("not-reached")

    def get(self, url: str, *, most_bytes: int = MOST_BYTES) -> IO[bytes]:
        """What stands at this address, in a file that vanishes when it is closed. Raises FetchFailed."""
        for _ in range(_REDIRECTS + 1):
            check(url, self.allowance)
            with self._in_time(), self._asked(url) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["Location"])
                    continue
                if response.status_code != 200:
                    raise FetchFailed("answered-badly")
                return self._kept(response, most_bytes)
        raise FetchFailed("moved-too-often")

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """Cuts the line when the time is over, however slowly a server drips."""
        self.cut = False
        timer = threading.Timer(self.seconds, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _cut(self) -> None:
        self.cut = True
        if self.line is not None:
            with suppress(OSError):
                self.line.shutdown(socket.SHUT_RDWR)

    def _let_go(self) -> None:
        if self.line is not None:
            self.line.close()
            self.line = None

    def close(self) -> None:
        """Hang up."""
        self.session.close()
        self._let_go()

    @contextmanager
    def _asked(self, url: str) -> Iterator["requests.Response"]:
        import requests
        from urllib3.exceptions import HTTPError

        try:
            with self.session.get(
                url, stream=True, allow_redirects=False, timeout=(_CONNECT, min(_SILENCE, self.seconds))
            ) as response:
                yield response
        except requests.Timeout:
            raise FetchFailed("too-slow") from None
        except (requests.RequestException, HTTPError, OSError, UnicodeError):
            raise FetchFailed("too-slow" if self.cut else "not-reached") from None
        finally:
            if self.cut:
                self.close()

    def _kept(self, response: "requests.Response", most_bytes: int) -> IO[bytes]:
        told = response.headers.get("Content-Length", "")
        if told.isdecimal() and int(told) > most_bytes:
            raise FetchFailed("too-much")
        file = tempfile.TemporaryFile()  # noqa: SIM115 (whoever asked closes it)
        try:
            size = 0
            for chunk in _unpacked(response):
                size += len(chunk)
                if size > most_bytes:
                    raise FetchFailed("too-much")
                file.write(chunk)
            if self.cut:
                raise FetchFailed("too-slow")
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file


def _unpacked(response: "requests.Response") -> Iterator[bytes]:
    """What came, unpacked by small pieces: a small answer may hold a huge one."""
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity", "gzip", "x-gzip"):
        raise FetchFailed("compressed")
    unpack = zlib.decompressobj(wbits=31) if packed not in ("", "identity") else None
    while chunk := response.raw.read(_CHUNK, decode_content=False):
        if unpack is None:
            yield chunk
            continue
        try:
            while chunk:
                yield unpack.decompress(chunk, _CHUNK)
                chunk = unpack.unconsumed_tail
        except zlib.error:
            raise FetchFailed("compressed") from None


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """A file in pieces."""
    while chunk := file.read(_CHUNK):
        yield chunk


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
