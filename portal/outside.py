"""Asking another machine: only in the open internet, only so much, only so long. Feeds of activities and an
organisation's own sign-in are asked this way, and nothing of ours asks the web in any other.

Whoever may name an address could otherwise make this machine knock at doors of its own house. So every address is
resolved here, each answer of the resolver is looked at, and the connection goes to what was looked at; the same for
every redirect. What comes is kept in a file, never in memory.
"""

import ipaddress
import socket
import tempfile
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

if TYPE_CHECKING:
    import requests

MOST_BYTES = 200 * 1024 * 1024
SECONDS = 25
"""For one answer, from the first byte sent to the last one read."""
_CONNECT, _SILENCE = 5, 10  # seconds
_REDIRECTS = 4
_CHUNK = 64 * 1024
_IP = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NETWORKS = [ipaddress.ip_network(one) for one in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")]
_OF_A_CLOUD = ipaddress.ip_network("fd00:ec2::/32")
"""Where one cloud tells its machines their secrets."""

CODES = ("refused-address", "not-reached", "too-slow", "too-much", "compressed", "moved-too-often", "answered-badly")
"""Why something could not be fetched. Whoever asks for it may know more reasons."""


class FetchFailed(Exception):
    """It could not be fetched; ``code`` is one of ``CODES``."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Allowance:
    """Where we may ask beside the open internet. ``network``: the private networks of an organisation (RFC 1918, RFC
    4193), never this machine itself and never addresses of one link alone. ``private``: this machine and everything
    around it, and plain http, as in a demonstration."""

    private: bool = False
    network: bool = False

    def covers(self, address: str) -> bool:
        """Whether a connection may go to this address."""
        if self.private:
            return True
        return all(
            _is_open(one) or (self.network and any(one in network for network in _NETWORKS) and one not in _OF_A_CLOUD)
            for one in _inside(address)
        )


STRICT = Allowance()


def _inside(address: str) -> list[_IP]:
    """The address, and those that are wrapped in it."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return [ip]
    wrapped: list[_IP] = [one for one in (ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())) if one]
    if ip in _NAT64:
        wrapped.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [ip, *wrapped]


def _is_open(ip: _IP) -> bool:
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def is_open(address: str) -> bool:
    """Whether this is an address of the open internet, also where one address is wrapped in another."""
    return STRICT.covers(address)


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


def resolved(host: str, port: int, allowance: Allowance) -> list[str]:
    """The addresses of a host. Raises FetchFailed when there is none, or when we may not ask at one of them."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise FetchFailed("not-reached") from None
    addresses = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    if not all(map(allowance.covers, addresses)):
        raise FetchFailed("refused-address")
    return addresses


def look_at(url: str, allowance: Allowance) -> None:
    """Raises FetchFailed for an address that we may not ask; asks nothing but the resolver."""
    check(url, allowance)
    parts = urlsplit(url)
    resolved(str(parts.hostname), parts.port or {"https": 443}.get(parts.scheme, 80), allowance)


class Fetcher:
    """Asks one server after the other; to be used in one thread."""

    def __init__(self, allowance: Allowance = STRICT, *, seconds: float = SECONDS, called: str = "FrontDoor") -> None:
        self.allowance, self.seconds, self.called = allowance, seconds, called
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
        session.headers.update({"User-Agent": self.called, "Accept": "application/json", "Accept-Encoding": "gzip"})
        for scheme in ("http://", "https://"):
            session.mount(scheme, Adapter())
        return session

    def _connect(self, connection: Any) -> socket.socket:
        """Every answer of the resolver is looked at, and the connection goes to one of them, not to the name."""
        host, port = str(connection.host).strip("[]"), int(connection.port)
        for address in resolved(host, port, self.allowance)[:3]:
            try:
                made = socket.create_connection((address, port), timeout=_CONNECT)
            except OSError:
                continue
            # A hold on the line of our own: what reads an answer may have taken the socket from the connection.
            self._let_go()
            self.line = made.dup()
            return made
        raise FetchFailed("not-reached")

    def get(self, url: str, *, most_bytes: int = MOST_BYTES, redirects: int = _REDIRECTS) -> IO[bytes]:
        """What stands at this address, in a file that vanishes when it is closed. Raises FetchFailed."""
        for _ in range(redirects + 1):
            check(url, self.allowance)
            with self._in_time(), self._asked("GET", url) as response:
                if response.is_redirect:
                    url = urljoin(url, response.headers["Location"])
                    continue
                if response.status_code != 200:
                    raise FetchFailed("answered-badly")
                return self._kept(response, most_bytes)
        raise FetchFailed("moved-too-often")

    def post(
        self, url: str, form: Mapping[str, str], proof: tuple[str, str], *, most_bytes: int = MOST_BYTES
    ) -> tuple[int, IO[bytes]]:
        """Hand in a form with a name and a secret (RFC 7617); the number of the answer, and what it says. Never follows
        a redirect: the secret is for this address alone. Raises FetchFailed."""
        check(url, self.allowance)
        with self._in_time(), self._asked("POST", url, data=dict(form), auth=proof) as response:
            if response.is_redirect:
                raise FetchFailed("answered-badly")
            return response.status_code, self._kept(response, most_bytes)

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
    def _asked(self, how: str, url: str, **given: Any) -> Iterator["requests.Response"]:
        import requests
        from urllib3.exceptions import HTTPError

        try:
            timeout = (_CONNECT, min(_SILENCE, self.seconds))
            with self.session.request(
                how, url, stream=True, allow_redirects=False, timeout=timeout, **given
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
