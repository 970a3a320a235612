"""Signing in through an organisation's own OpenID Connect provider: authorisation code with PKCE, state and nonce
(OpenID Connect Core 1.0; RFC 7636; RFC 9700).

Who somebody is here is bound to issuer and subject, never to an email address, which changes hands. The first time, an
address that the provider says it has verified finds the account that an administrator has invited; from then on the
binding counts. Nobody gets an account by it: who has none here is not let in.

The provider is asked over https by the server (``portal.outside``: only in the open internet unless whoever runs the
server says otherwise), never from the person's browser but for the one page on which they sign in there. Nothing is
asked while a transaction is open: a slow provider must not keep others waiting.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access, audit, codes, reading
from portal.access import Actor, Permission, rows_of
from portal.accounts import ceremonies, sign_in
from portal.clock import now
from portal.i18n import N_
from portal.outside import STRICT, Allowance, Fetcher, FetchFailed, look_at
from portal.store import IdentityProvider, OutsideAccount, Service, Staff

SECONDS = 10
"""As long as a provider may take to answer one question."""
_LONGEST_ANSWER = 200_000
COME, CONNECT = "provider", "provider-again"
SCOPE = "openid email profile"
_LEEWAY = 120
"""Seconds by which the provider's clock may differ from ours."""

PROBLEMS: dict[str, str] = {
    "over": N_("This took too long, or the page was used before. Begin again"),
    "refused": N_("Your organisation did not let you in. Try again, or sign in with your password"),
    "trouble": N_(
        "We could not reach your organisation’s sign-in, or could not make sense of its answer. Try again in a few "
        "minutes, or sign in with your password"
    ),
    "unknown": N_(
        "Nobody here has this account. Ask an administrator of your service to invite you, with the email address "
        "that your organisation knows"
    ),
    "taken": N_("This account belongs to somebody else here. Ask an administrator of your service"),
}

SET_UP_PROBLEMS: dict[str, str] = {
    "name": N_("Type the name of the organisation, as staff know it"),
    "issuer": N_("Type the address of the provider as it calls itself. It begins with https:// and has no ? or #"),
    "client_id": N_("Type the client ID that the provider has given you"),
    "client_secret": N_("Type the client secret that the provider has given you"),
    "inside": N_(
        "This address, or one that the provider names, is not in the open internet. Whoever runs this server can allow "
        "a sign-in in your own network"
    ),
    "answer": N_("We could not find a sign-in by OpenID Connect at this address. Check it with whoever runs it"),
}


class NotLetIn(Exception):
    """Nobody is let in. ``problem`` is a code of PROBLEMS. ``inside``: because of an address that is not in the open
    internet."""

    def __init__(self, problem: str, *, inside: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.inside = problem, inside


class NotTaken(ValueError):
    """The set-up cannot be right. ``problems``: by field, the sentence (English source text, for gettext)."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(", ".join(problems))
        self.problems = dict(problems)


# What is set up ------------------------------------------------------------------------------------------------------


def of_service(store: Session, service_id: Any) -> IdentityProvider | None:
    """The provider of a service, switched on or not."""
    return store.scalar(rows_of(service_id, IdentityProvider))


def offered(store: Session, service_id: Any) -> IdentityProvider | None:
    """The provider by which staff of this service may sign in now."""
    found = of_service(store, service_id)
    return found if found and found.on else None


def read_set_up(typed: Mapping[str, str], *, secret_known: bool, allowance: Allowance = STRICT) -> dict[str, str]:
    """What was typed about a provider, checked; nothing is asked of it yet. Raises ``NotTaken``."""
    problems: dict[str, str] = {}
    given: dict[str, str] = {}
    for name, longest in (("name", 80), ("issuer", 300), ("client_id", 300), ("client_secret", 500)):
        try:
            given[name] = reading.text(typed.get(name, ""), longest)
        except reading.Unreadable:
            given[name] = ""
        if not given[name] and not (name == "client_secret" and secret_known):
            problems[name] = SET_UP_PROBLEMS[name]
    if given["issuer"] and not _is_issuer(given["issuer"], allowance):
        problems["issuer"] = SET_UP_PROBLEMS["issuer"]
    if problems:
        raise NotTaken(problems)
    return given


def _is_issuer(issuer: str, allowance: Allowance) -> bool:
    """``allowance.private`` allows http on this machine, for a demonstration and for tests."""
    try:
        parts = urlsplit(issuer)
        host = parts.hostname
    except ValueError:
        return False
    here = allowance.private and parts.scheme == "http" and host in ("127.0.0.1", "localhost")
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    return bool(host) and plain and (parts.scheme == "https" or here)


def set_up(
    store: Session, actor: Actor, given: Mapping[str, str], *, on: bool, second_factor: bool
) -> IdentityProvider:
    """Keep what ``read_set_up`` has read and ``look`` has found. An empty secret leaves the one that is known. Raises
    Refused."""
    access.require(actor, Permission.MANAGE_PROVIDER)
    wanted = rows_of(actor.service_id, IdentityProvider).with_for_update().execution_options(populate_existing=True)
    provider = store.scalar(wanted)
    if provider is None:
        provider = IdentityProvider(
            service_id=actor.service_id, id=codes.new_id(), name="", issuer="", client_id="", client_secret=""
        )
        store.add(provider)
    changed = [name for name in ("name", "issuer", "client_id") if getattr(provider, name) != given[name]]
    for name in changed:
        setattr(provider, name, given[name])
    if given["client_secret"]:
        provider.client_secret = given["client_secret"]
        changed.append("client_secret")
    provider.on, provider.second_factor = on, second_factor
    audit.record(
        store,
        actor.service_id,
        actor,
        "changed sign-in by a provider",
        "identity_provider",
        provider.id,
        changed=changed,
        on=on,
        second_factor=second_factor,
    )
    store.flush()
    return provider


# What the provider says ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What is needed to speak with a provider: plain values, so that no transaction is open meanwhile."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    allowance: Allowance = STRICT


def asking(provider: IdentityProvider, *, allowance: Allowance = STRICT) -> Asked:
    """A provider as plain values."""
    return Asked(provider.issuer, provider.client_id, provider.client_secret, allowance)


def look(asked: Asked) -> dict[str, Any]:
    """What the provider says of itself (OpenID Connect Discovery 1.0). Raises ``NotLetIn``: also when it names an
    address at which we may not ask, so that whoever sets it up hears of it first."""
    found = _get(f"{asked.issuer.rstrip('/')}/.well-known/openid-configuration", asked)
    needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
    if str(found.get("issuer", "")).rstrip("/") != asked.issuer.rstrip("/"):
        raise NotLetIn("trouble")
    if not all(_is_issuer(str(found.get(name, "")).partition("?")[0], asked.allowance) for name in needed):
        raise NotLetIn("trouble")
    try:
        for name in ("token_endpoint", "jwks_uri"):
            look_at(str(found[name]), asked.allowance)
    except FetchFailed as failed:
        raise NotLetIn("trouble", inside=failed.code == "refused-address") from None
    return found


def _get(address: str, asked: Asked) -> dict[str, Any]:
    with _asked(asked) as fetcher, fetcher.get(address, most_bytes=_LONGEST_ANSWER, redirects=0) as told:
        return _mapping(told.read())


@contextmanager
def _asked(asked: Asked) -> Iterator[Fetcher]:
    """On the line to a provider; whatever goes wrong there is trouble."""
    with closing(Fetcher(asked.allowance, seconds=SECONDS)) as fetcher:
        try:
            yield fetcher
        except FetchFailed as failed:
            raise NotLetIn("trouble", inside=failed.code == "refused-address") from None


def _mapping(body: bytes) -> dict[str, Any]:
    import json

    try:
        found = json.loads(body)
    except ValueError:
        raise NotLetIn("trouble") from None
    if not isinstance(found, dict):
        raise NotLetIn("trouble")
    return found


@dataclass(frozen=True)
class Away:
    """On the way to the provider: ``address`` to go to, and what must be remembered until they come back."""

    address: str
    held: Mapping[str, str] = field(repr=False)


def send(asked: Asked, back: str) -> Away:
    """The address at which somebody signs in, and what comes back must be compared with. ``back``: our own address.
    Raises ``NotLetIn``. Asks the provider: no transaction may be open."""
    from authlib.common.security import generate_token
    from authlib.integrations.requests_client import OAuth2Session

    found = look(asked)
    verifier, nonce, state = generate_token(64), generate_token(32), generate_token(32)
    client = OAuth2Session(
        asked.client_id, asked.client_secret, scope=SCOPE, redirect_uri=back, code_challenge_method="S256"
    )
    address, _ = client.create_authorization_url(
        found["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
    )
    return Away(address, {"verifier": verifier, "nonce": nonce, "state": state})


def begin(store: Session, service_id: Any, away: Away, actor: Actor | None = None) -> str:
    """Remember where somebody was sent; the key for their browser. ``actor``: who connects an account of theirs."""
    return ceremonies.begin(store, service_id, CONNECT if actor else COME, away.held, actor.staff_id if actor else None)


@dataclass(frozen=True)
class Claims:
    """Who the provider says it is. ``email`` is empty unless the provider has verified it."""

    issuer: str
    subject: str
    email: str


def claims(asked: Asked, held: Mapping[str, str], state: str, code: str, back: str) -> Claims:
    """Exchange the code, and check the answer: signature, issuer, audience, times, nonce. Raises ``NotLetIn``. Asks the
    provider: no transaction may be open."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    if not state or state != held.get("state"):
        raise NotLetIn("over")
    found = look(asked)
    token = _token(found["token_endpoint"], asked, code, held["verifier"], back)
    keys = _get(found["jwks_uri"], asked)
    try:
        told = jwt.decode(str(token.get("id_token", "")), KeySet.import_key_set(keys), algorithms=_ALGORITHMS)  # type: ignore[arg-type]
        jwt.JWTClaimsRegistry(
            now=int(now().timestamp()),
            leeway=_LEEWAY,
            iss={"essential": True, "value": found["issuer"]},
            aud={"essential": True, "value": asked.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": held["nonce"]},
        ).validate(told.claims)
    except (JoseError, ValueError, KeyError, TypeError):
        raise NotLetIn("trouble") from None
    who = told.claims
    verified = who.get("email_verified") is True and isinstance(who.get("email"), str)
    return Claims(str(found["issuer"]), str(who["sub"])[:255], str(who["email"]) if verified else "")


def _token(address: str, asked: Asked, code: str, verifier: str, back: str) -> dict[str, Any]:
    """What the provider gives for the code (RFC 6749, 4.1.3), with our secret in the header (2.3.1)."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
    proof = (asked.client_id, asked.client_secret)
    with _asked(asked) as fetcher:
        status, told = fetcher.post(address, form, proof, most_bytes=_LONGEST_ANSWER)
        with told:
            token = _mapping(told.read())
    if status >= 500:
        raise NotLetIn("trouble")
    if status != 200 or "error" in token:
        raise NotLetIn("refused")
    return token


_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures with a public key alone: ``none`` and shared secrets are no proof of who signed."""


# Letting in ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Came:
    """Somebody has come back. ``opened`` when nothing else is asked of them, else ``token`` of a sign-in that waits for
    our second factor."""

    opened: "sign_in.SignedIn | None"
    token: str


def let_in(store: Session, service: Service, who: Claims, *, device: str | None = None) -> Came:
    """Sign in whoever the provider named. Raises ``NotLetIn``, which is in the audit then."""
    provider = offered(store, service.id)
    if provider is None or provider.issuer.rstrip("/") != who.issuer.rstrip("/"):
        raise NotLetIn("over")
    staff = _known(store, service, who) or _found_by_email(store, service, who)
    if staff is None or staff.state != sign_in.STATE_ACTIVE:
        sign_in.record_refusal(store, service.id, None, "sign in", reason="provider-unknown")
        raise NotLetIn("unknown")
    if provider.second_factor:
        return Came(sign_in.open_for(store, staff, via="provider", by="provider", device=device), "")
    return Came(None, sign_in.wait_for_second_factor(store, staff, "provider"))


def connect(store: Session, actor: Actor, who: Claims) -> OutsideAccount:
    """Bind an account at the provider to the actor, who is signed in. Raises ``NotLetIn``."""
    found = _account(store, actor.service_id, who)
    if found is not None and found.staff_id != actor.staff_id:
        raise NotLetIn("taken")
    return found or _bind(store, store.get_one(Staff, (actor.service_id, actor.staff_id)), who, actor)


def connected(store: Session, actor: Actor) -> OutsideAccount | None:
    """The actor's account at the provider that is offered now, if they have connected one."""
    provider = offered(store, actor.service_id)
    mine = rows_of(actor.service_id, OutsideAccount).where(OutsideAccount.staff_id == actor.staff_id)
    return store.scalar(mine.where(OutsideAccount.issuer == provider.issuer)) if provider else None


def disconnect(store: Session, service_id: Any, staff_id: Any) -> int:
    """No account elsewhere is somebody's any more (they have left, or their way in is made anew); how many. The caller
    audits."""
    theirs = store.scalars(rows_of(service_id, OutsideAccount).where(OutsideAccount.staff_id == staff_id)).all()
    for one in theirs:
        store.delete(one)
    store.flush()
    return len(theirs)


def disconnect_own(store: Session, actor: Actor) -> None:
    """The actor's accounts elsewhere open nothing here any more."""
    if disconnect(store, actor.service_id, actor.staff_id):
        audit.record(store, actor.service_id, actor, "disconnected an outside account", "staff", actor.staff_id)
        store.flush()


def spend(store: Session, service_id: Any, actor: Actor | None, key: str) -> Mapping[str, str] | None:
    """What was remembered of whoever comes back, once; ``None`` when it is over or somebody else's."""
    ceremony = ceremonies.spend(store, service_id, CONNECT if actor else COME, key)
    if ceremony is None or (actor is not None and ceremony.staff_id != actor.staff_id):
        return None
    return ceremony.held


def _account(store: Session, service_id: Any, who: Claims) -> OutsideAccount | None:
    issuer = who.issuer.rstrip("/")
    mine = rows_of(service_id, OutsideAccount).where(
        OutsideAccount.issuer.in_((issuer, f"{issuer}/")), OutsideAccount.subject == who.subject
    )
    return store.scalar(mine)


def _known(store: Session, service: Service, who: Claims) -> Staff | None:
    found = _account(store, service.id, who)
    if found is None:
        return None
    found.used_at = now()
    return store.get(Staff, (service.id, found.staff_id))


def _found_by_email(store: Session, service: Service, who: Claims) -> Staff | None:
    """Whoever was invited under the address that the provider has verified, if nobody is bound to them yet."""
    try:
        address = sign_in.account_email(who.email)
    except reading.Unreadable:
        return None
    found = store.scalar(
        select(Staff).where(Staff.service_id == service.id, Staff.email == address, Staff.state == sign_in.STATE_ACTIVE)
    )
    if found is None:
        return None
    bound = rows_of(service.id, OutsideAccount).where(OutsideAccount.staff_id == found.id)
    if store.scalar(bound) is not None:
        return None
    _bind(store, found, who, None)
    return found


def _bind(store: Session, staff: Staff, who: Claims, actor: Actor | None) -> OutsideAccount:
    made = OutsideAccount(
        service_id=staff.service_id,
        id=codes.new_id(),
        staff_id=staff.id,
        issuer=who.issuer,
        subject=who.subject,
        used_at=now(),
    )
    store.add(made)
    audit.record(
        store, staff.service_id, actor, "connected an outside account", "staff", staff.id, actor_kind=_kind(actor)
    )
    store.flush()
    return made


def _kind(actor: Actor | None) -> str:
    return "" if actor else "unknown"
