"""The settings of one installation, read from the environment once, when the portal starts.

A portal that starts with a weak secret looks exactly like a safe one. So everything missing or weak is found here, all
of it at once, and the portal does not start until each sentence has been answered. This module imports nothing of ours.
"""

import base64
import binascii
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit


class Environment(StrEnum):
    """What an installation is for."""

    PRODUCTION = "production"  # real people: every refusal below applies
    DEMONSTRATION = "demonstration"  # made-up people, on one machine
    TESTING = "testing"  # the test suite


class NotReady(ValueError):
    """The settings are missing or weak; `problems` holds one sentence each, saying what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class MailSecurity(StrEnum):
    """How the way to the mail server is protected."""

    TLS = "tls"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True)
class MailServer:
    """Where messages are handed over."""

    host: str
    port: int
    security: MailSecurity
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


NAMES = (
    "PORTAL_ENVIRONMENT",
    "PORTAL_SECRET_KEY",
    "PORTAL_ENCRYPTION_KEYS",
    "PORTAL_DATABASE_URL",
    "PORTAL_LISTEN",
    "PORTAL_PUBLIC_URL",
    "PORTAL_TRUSTED_HOSTS",
    "PORTAL_MAIL",
    "PORTAL_MAIL_FROM",
    "PORTAL_LANGUAGES",
    "PORTAL_SERVICE",
    "PORTAL_EXIT_URL",
    "PORTAL_PROVIDER_NETWORK",
)

LARGEST_REQUEST = 1024 * 1024  # bytes; the longest free text is 4,000 characters, and nobody sends us files
MOST_FIELDS = 1000

_SHORTEST_SECRET = 32
_KEY_BYTES = 32  # AES-256
_KNOWN_DEFAULTS = ("change", "secret", "password", "example", "default", "insecure", "django", "flask", "your-key")
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})
_HOST = re.compile(r"\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\]|[0-9a-f:]*:[0-9a-f:]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")


@dataclass(frozen=True)
class Settings:
    """What one installation has decided. Build it with `from_environment`, which refuses what is weak.

    `languages` empty means every language the portal has. `mail` None means that messages are printed on the
    console. `encryption_keys` maps key id (1 to 255) to 32 bytes: the highest id encrypts, all of them decrypt.
    """

    environment: Environment
    secret_key: str = field(repr=False)
    encryption_keys: Mapping[int, bytes] = field(repr=False)
    database_url: str = field(repr=False)  # may hold a password
    listen_host: str
    listen_port: int
    public_url: str  # no slash at its end
    trusted_hosts: tuple[str, ...]
    mail: MailServer | None
    mail_from: str
    languages: tuple[str, ...]
    service: str | None  # the slug of the service at the plain address; None: the only one there is
    exit_url: str
    provider_network: str  # where a service's own sign-in may stand: "open" (the internet), "private" (ours too)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the PORTAL_ variables. Raises NotReady with every problem at once."""
        return _Reading(environment).settings()

    @property
    def testing(self) -> bool:
        """True in the test suite only."""
        return self.environment is Environment.TESTING

    @property
    def secure_cookies(self) -> bool:
        """Cookies travel over https only, unless this is a demonstration or a test over http."""
        return self.public_url.startswith("https:")

    def for_flask(self) -> dict[str, object]:
        """The settings Flask itself reads."""
        return {
            "SECRET_KEY": self.secret_key,
            "DEBUG": False,
            "TESTING": self.testing,
            "TRUSTED_HOSTS": list(self.trusted_hosts),
            "PREFERRED_URL_SCHEME": urlsplit(self.public_url).scheme,
            "MAX_CONTENT_LENGTH": LARGEST_REQUEST,
            "MAX_FORM_MEMORY_SIZE": LARGEST_REQUEST,
            "MAX_FORM_PARTS": MOST_FIELDS,
            # __Host-: the browser itself refuses the cookie unless it is secure, of this host alone, and for "/".
            "SESSION_COOKIE_NAME": "__Host-session" if self.secure_cookies else "session",
            "SESSION_COOKIE_PATH": "/",
            "SESSION_COOKIE_HTTPONLY": True,
            "SESSION_COOKIE_SAMESITE": "Lax",
            "SESSION_COOKIE_SECURE": self.secure_cookies,
        }


class _Reading:
    """One look through the environment, collecting problems as it goes."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.given = {name: value.strip() for name, value in environment.items()}
        self.problems: list[str] = []
        self.environment = self._environment()

    @property
    def production(self) -> bool:
        return self.environment is Environment.PRODUCTION

    def settings(self) -> Settings:
        self._refuse_unknown_names()
        self._refuse_debug()
        host, port = self._listen()
        public_url = self._public_url(port)
        settings = Settings(
            environment=self.environment,
            secret_key=self._secret_key(),
            encryption_keys=MappingProxyType(self._encryption_keys()),
            database_url=self._database_url(),
            listen_host=host,
            listen_port=port,
            public_url=public_url,
            trusted_hosts=self._trusted_hosts(public_url),
            mail=self._mail(),
            mail_from=self._mail_from(),
            languages=self._languages(),
            service=self._service(),
            exit_url=self._exit_url(),
            provider_network=self._provider_network(),
        )
        if self.problems:
            raise NotReady(self.problems)
        return settings

    def _refuse(self, sentence: str) -> None:
        self.problems.append(sentence)

    def _get(self, name: str, default: str = "", *, needed: str = "") -> str:
        """The value; else, in production, the sentence `needed` as a problem; else the default."""
        value = self.given.get(name, "")
        if not value and needed and self.production:
            self._refuse(needed)
        return value or default

    def _environment(self) -> Environment:
        name = self.given.get("PORTAL_ENVIRONMENT", "")
        try:
            return Environment(name)
        except ValueError:
            self._refuse(f"Set PORTAL_ENVIRONMENT to one of: {', '.join(Environment)}.")
            return Environment.PRODUCTION  # the strictest rules, so that every other problem is found as well

    def _refuse_unknown_names(self) -> None:
        """A misspelt name would leave a default in force that nobody chose."""
        for name in sorted(self.given):
            if name.startswith("PORTAL_") and name not in NAMES:
                near = difflib.get_close_matches(name, NAMES, n=1)
                meant = f"; did you mean {near[0]}?" if near else "; take it away."
                self._refuse(f"{name} is not a setting of the portal{meant}")

    def _refuse_debug(self) -> None:
        if self.production and self.given.get("FLASK_DEBUG", "0").lower() not in {"", "0", "false", "no"}:
            self._refuse("Take FLASK_DEBUG away: in production its error pages would show people's answers.")

    def _secret_key(self) -> str:
        value = self.given.get("PORTAL_SECRET_KEY", "")
        make_one = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
        if not value:
            self._refuse(f"Set PORTAL_SECRET_KEY; {make_one}")
        elif len(value) < _SHORTEST_SECRET:
            self._refuse(f"PORTAL_SECRET_KEY has fewer than {_SHORTEST_SECRET} characters; {make_one}")
        elif _repeats(value.encode()) or any(word in value.lower() for word in _KNOWN_DEFAULTS):
            self._refuse(f"PORTAL_SECRET_KEY can be guessed; {make_one}")
        return value

    def _encryption_keys(self) -> dict[int, bytes]:
        value = self.given.get("PORTAL_ENCRYPTION_KEYS", "")
        make_one = (
            "make one with: python3 -c 'import base64, os; print(\"1:\" + base64.b64encode(os.urandom(32)).decode())'"
        )
        if not value:
            self._refuse(f"Set PORTAL_ENCRYPTION_KEYS, and keep a copy away from the database; {make_one}")
            return {}
        keys: dict[int, bytes] = {}
        for place, part in enumerate(value.split(","), start=1):
            found = _key(part.strip())
            if found is None:
                shape = "<number from 1 to 255>:<base64 of 32 bytes>"
                self._refuse(f"Key {place} in PORTAL_ENCRYPTION_KEYS is not {shape}; {make_one}")
                continue
            number, key = found
            if _repeats(key):
                self._refuse(f"Key {number} in PORTAL_ENCRYPTION_KEYS can be guessed; {make_one}")
            if number in keys:
                self._refuse(f"PORTAL_ENCRYPTION_KEYS has two keys with number {number}; give each its own number.")
            if key in keys.values():
                self._refuse(f"Key {number} in PORTAL_ENCRYPTION_KEYS is there twice; each number needs a new key.")
            keys[number] = key
        return keys

    def _database_url(self) -> str:
        value = self._get(
            "PORTAL_DATABASE_URL",
            "sqlite:///instance/portal.sqlite",
            needed="Set PORTAL_DATABASE_URL to sqlite:////folder/portal.sqlite or postgresql://user:password@host/name.",
        )
        scheme, separator, rest = value.partition("://")
        if scheme in {"postgres", "postgresql"}:
            return f"postgresql+psycopg{separator}{rest}"
        if scheme not in {"sqlite", "postgresql+psycopg"}:
            self._refuse("PORTAL_DATABASE_URL must begin with sqlite:/// or postgresql://.")
        elif scheme == "sqlite" and (rest in {"", "/"} or ":memory:" in rest):
            self._refuse("PORTAL_DATABASE_URL must name a file: a database in memory is lost when the portal stops.")
        return value

    def _listen(self) -> tuple[str, int]:
        value = self._get("PORTAL_LISTEN", "127.0.0.1:8000")
        host, _, port = value.rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            self._refuse("PORTAL_LISTEN must be an address and a port, for example 127.0.0.1:8000.")
            return "127.0.0.1", 8000
        return host.strip("[]"), int(port)

    def _public_url(self, port: int) -> str:
        value = self._get(
            "PORTAL_PUBLIC_URL",
            f"http://127.0.0.1:{port}",
            needed="Set PORTAL_PUBLIC_URL to the address people type, for example https://refer.your-charity.org.",
        ).rstrip("/")
        parts = _split(value)
        if parts is None or parts.scheme not in {"http", "https"} or parts.path or parts.query or parts.fragment:
            self._refuse("PORTAL_PUBLIC_URL must be https:// and a host, with nothing after it.")
        elif self.production and self.given.get("PORTAL_PUBLIC_URL") and parts.scheme != "https":
            self._refuse("PORTAL_PUBLIC_URL must begin with https:// in production: people write about their health.")
        return value

    def _trusted_hosts(self, public_url: str) -> tuple[str, ...]:
        value = self._get(
            "PORTAL_TRUSTED_HOSTS",
            "localhost,127.0.0.1,[::1]",
            needed="Set PORTAL_TRUSTED_HOSTS to the host names people may use, with commas between them.",
        )
        hosts = tuple(host.strip().lower() for host in value.split(",") if host.strip())
        for host in hosts:
            if not _HOST.fullmatch(host):
                self._refuse(
                    f"{host!r} in PORTAL_TRUSTED_HOSTS is not a host name; leave out https://, ports, paths and *."
                )
        parts = _split(public_url)
        own = parts.hostname if parts else None
        given = self.given.get("PORTAL_TRUSTED_HOSTS") and self.given.get("PORTAL_PUBLIC_URL")
        if given and own and not any(_covers(host, own) for host in hosts):
            self._refuse(f"Add {own}, the host of PORTAL_PUBLIC_URL, to PORTAL_TRUSTED_HOSTS.")
        return hosts

    def _mail(self) -> MailServer | None:
        value = self._get(
            "PORTAL_MAIL",
            "console",
            needed="Set PORTAL_MAIL to smtp://user:password@host:587, so that messages are sent.",
        )
        if value == "console":
            if self.given.get("PORTAL_MAIL") and self.production:
                self._refuse("PORTAL_MAIL must not be console in production: messages would be printed, not sent.")
            return None
        parts = _split(value)
        options = parse_qs(parts.query) if parts else {}
        if (
            parts is None
            or parts.scheme not in {"smtp", "smtps"}
            or parts.path.strip("/")
            or options not in ({}, {"starttls": ["yes"]}, {"starttls": ["no"]})
        ):
            self._refuse("PORTAL_MAIL must be console, smtp://user:password@host:port[?starttls=no] or smtps://….")
            return None
        assert parts.hostname  # noqa: S101 (told to the type checker; _split has looked)
        if parts.scheme == "smtps":
            security, port = MailSecurity.TLS, 465
        elif options.get("starttls") == ["no"]:
            security, port = MailSecurity.NONE, 25
            if self.production and parts.hostname not in _HERE:
                self._refuse("Take ?starttls=no out of PORTAL_MAIL: messages must not cross a network in the open.")
        else:
            security, port = MailSecurity.STARTTLS, 587
        return MailServer(
            host=parts.hostname,
            port=parts.port or port,
            security=security,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    def _mail_from(self) -> str:
        value = self._get(
            "PORTAL_MAIL_FROM",
            "front-door@example.org",
            needed="Set PORTAL_MAIL_FROM to the address messages come from.",
        )
        if not _ADDRESS.fullmatch(value):
            self._refuse("PORTAL_MAIL_FROM must be one plain email address.")
        return value

    def _languages(self) -> tuple[str, ...]:
        # A translation that nobody has checked is offered to real people only when somebody says so by name.
        value = self._get("PORTAL_LANGUAGES", "en" if self.production else "")
        codes = tuple(dict.fromkeys(code.strip() for code in value.split(",") if code.strip()))
        for code in codes:
            if not _LANGUAGE.fullmatch(code):
                self._refuse(f"{code!r} in PORTAL_LANGUAGES is not a language code such as en or cy.")
        if codes and "en" not in codes:
            self._refuse("Add en to PORTAL_LANGUAGES: it is what a page falls back on.")
        return codes

    def _service(self) -> str | None:
        value = self._get("PORTAL_SERVICE")
        if value and not _SLUG.fullmatch(value):
            self._refuse(
                "PORTAL_SERVICE must be a service's short name, for example st-ives: small letters, digits, hyphens."
            )
        return value or None

    def _exit_url(self) -> str:
        value = self._get("PORTAL_EXIT_URL", "https://www.bbc.co.uk/weather")
        parts = _split(value)
        if parts is None or parts.scheme != "https" or parts.username is not None:
            self._refuse("PORTAL_EXIT_URL must be an https:// address of an everyday page, such as a weather forecast.")
        return value

    def _provider_network(self) -> str:
        value = self._get("PORTAL_PROVIDER_NETWORK", "open")
        if value not in {"open", "private"}:
            self._refuse("PORTAL_PROVIDER_NETWORK must be open, or private if your own sign-in stands in your network.")
        return value


def _split(url: str) -> SplitResult | None:
    """The parts of an address with a host and a sensible port, or None."""
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 (asking for it is what checks it)
    except ValueError:
        return None
    return parts if parts.hostname and not re.search(r"\s", url) else None


def _repeats(value: bytes) -> bool:
    """True when a value is the same piece again and again, or made of very few different characters."""
    # A value is a repetition exactly when it is found in its own double before its end.
    return (value + value).find(value, 1) < len(value) or len(set(value)) < 10


def _key(text: str) -> tuple[int, bytes] | None:
    number, colon, encoded = text.partition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,3}", number) or not 0 < int(number) < 256:
        return None
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return (int(number), key) if len(key) == _KEY_BYTES else None


def _covers(host: str, name: str) -> bool:
    """Whether a trusted host is this name. A dot in front stands for the name and everything below it."""
    if host.startswith("."):
        return name == host[1:] or name.endswith(host)
    return host.strip("[]") == name
