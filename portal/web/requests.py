"""One request, one transaction, one actor, one service, one language. A GET writes nothing but audit rows."""

import ipaddress
from urllib.parse import urlsplit

import brotli
from flask import Flask, Response, abort, current_app, g, request, url_for
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as StoreTimeout
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from portal import accounts, audit, drafts, i18n, services
from portal.access import Actor, Mine, Permission, Visitor, may, may_visit
from portal.store import AuditEvent, Stores, open_store
from portal.web import cookies
from portal.web.addresses import LANGUAGE, SERVICE
from portal.web.cookies import Answer
from portal.web.security import PUBLIC, door, marked

LOOKING = ("GET", "HEAD", "OPTIONS")


class WroteOnGet(RuntimeError):
    """A page was only looked at, yet something other than the audit changed."""


def _refuse_writes(store: Session, _context: object, _instances: object) -> None:
    changed = [one for one in (*store.new, *store.dirty, *store.deleted) if not isinstance(one, AuditEvent)]
    if changed:
        raise WroteOnGet(changed)


def open_requests(app: Flask, database_url: str) -> None:
    """Give every request its store, and take it back. Rooms only flush; the commit is here and nowhere else."""
    app.extensions["stores"] = stores = open_store(database_url)

    @app.before_request
    def begin() -> None:
        looking = request.method in LOOKING
        g.store = stores.reading() if looking and not marked("audits") else stores.writing()
        if looking:
            event.listen(g.store, "before_flush", _refuse_writes)
        slug = request.environ.get(SERVICE) or app.config["SERVICE"]
        g.service = services.find(g.store, slug)
        if request.environ.get(SERVICE) and g.service is None:
            abort(404)
        g.settings = services.settings_of(g.service) if g.service else None
        g.speaking = i18n.speaking(_language())
        g.speaking.__enter__()
        g.actor = _actor()
        g.visitor = _visitor()

    @app.after_request
    def finish(response: Response) -> Response:
        # A page that was shown is kept, also one that says what is wrong (422): what was typed is in the draft. An
        # abort or an exception leaves nothing behind.
        if "store" in g and not g.get("failed") and response.status_code < 500:
            g.store.commit()
            _touch(stores)
        return _squeezed(response)

    @app.teardown_request
    def end(_error: BaseException | None) -> None:
        if store := g.pop("store", None):
            store.close()
        if speaking := g.pop("speaking", None):
            speaking.__exit__(None, None, None)


def _touch(stores: Stores) -> None:
    if g.get("actor"):
        accounts.touch(stores, g.actor)
    if g.get("visitor"):
        accounts.touch_visit(stores, g.visitor)


def status_of(fault: BaseException) -> int:
    """What a fault is to whoever asked: somebody was faster, the database is away or busy for a moment, our mistake."""
    if isinstance(fault, StaleDataError):
        return 409
    return 503 if isinstance(fault, (OperationalError, StoreTimeout)) else 500


def write_down_refusal(wanted: Permission) -> None:
    """Keep a refused attempt, in a transaction of its own; the request's own may hold the only writing place."""
    g.store.rollback()
    with current_app.extensions["stores"].writing.begin() as store:
        actor: Actor = g.actor
        audit.record(store, actor.service_id, actor, "was refused", permission=wanted.value, endpoint=request.endpoint)


def may_open(endpoint: str) -> bool:
    """Whether whoever asks may come in at this endpoint: the menu shows only doors that open."""
    wanted = door(current_app, endpoint)
    if isinstance(wanted, Mine):
        return may_visit(g.get("visitor"), wanted)
    return wanted == PUBLIC or (isinstance(wanted, Permission) and may(g.get("actor"), wanted))


def offered_codes() -> list[str]:
    """The languages offered here: in a demonstration all; in production the reviewed ones and those that the
    installation or the service has switched on by name (trust D2)."""
    named = set(current_app.config["LANGUAGES"])
    if g.get("settings"):
        named |= set(g.settings.languages)
    every = current_app.config["OFFER_ALL_LANGUAGES"]
    return [code for code, language in i18n.LANGUAGES.items() if every or language.reviewed or code in named]


def _language() -> str:
    offered = offered_codes()
    asked: str = request.environ.get(LANGUAGE, "")
    if asked:
        if asked not in offered:
            abort(404)
        return asked
    return i18n.choose(request.headers.get("Accept-Language"), offered)


def _actor() -> Actor | None:
    token = cookies.held(cookies.name_of("SIGN_IN_COOKIE"))
    if not token or g.service is None:
        return None
    return accounts.actor_for(g.store, g.service.id, token)


def _visitor() -> Visitor | None:
    """The person on their own page in this browser: read only, as everything here."""
    key = cookies.held(cookies.name_of("VISIT_COOKIE"))
    if not key or g.service is None:
        return None
    return accounts.visitor_for(g.store, g.service.id, key)


def lapsed_visitor() -> Visitor | None:
    """The visit that ran out on this browser, when nobody had been there for too long."""
    key = cookies.held(cookies.name_of("VISIT_COOKIE"))
    return accounts.lapsed_visitor_for(g.store, g.service.id, key) if key and g.service else None


def give_visit(response: Answer, key: str) -> Answer:
    """Give this browser the key of a visit, until it is closed: every screen is taken to be a shared one."""
    return cookies.give(response, cookies.name_of("VISIT_COOKIE"), key)


def take_visit(response: Answer) -> Answer:
    """Clear this browser of a visit, and of what was read."""
    return cookies.clear(response, *map(cookies.name_of, ("VISIT_COOKIE", "ASKED_COOKIE")))


def visit_lock() -> dict[str, object]:
    """``lock`` for a page that shows what is a person's own: it clears itself when nobody is there."""
    return {
        "minutes": g.settings.lock_minutes,
        "warn": int(drafts.LOCK_GRACE.total_seconds() // 60),
        "still_here": url_for("visits.still_here"),
        "away": url_for("visits.locked"),
    }


def origin() -> str:
    """Our own address as browsers see it: scheme, host and port. What people type counts (PORTAL_PUBLIC_URL); a
    demonstration and a test are wherever they are found."""
    public = urlsplit(current_app.config["PUBLIC_URL"])
    return f"https://{public.netloc}" if public.scheme == "https" else request.host_url.rstrip("/")


def host() -> str:
    """The host of our own address, which is what a passkey belongs to."""
    return urlsplit(origin()).hostname or ""


def came_from() -> str | None:
    """The network address of the browser; ``None`` when it cannot be known.

    Whoever knocks from this machine or its own network is the server in front (running.md), and the browser's address
    is the last one that it wrote down. Without that all people would look like one, and whoever fills one count would
    shut everybody out: better no address than the proxy's.
    """
    peer, told = request.remote_addr or "", request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    if _is_address(peer) and not ipaddress.ip_address(peer).is_private:
        return peer
    return told if _is_address(told) else None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


ONE_ROUND = 2_200
"""Bytes: with its headers a page of this size stays within the 3 kB of a later page (performance B2)."""


def _small(page: bytes) -> bytes:
    """Squeezed quickly; a page that is still large once more and harder: a slow line feels each packet, and five
    milliseconds of our processor are less than one round trip."""
    quickly: bytes = brotli.compress(page, mode=brotli.MODE_TEXT, quality=7)
    if len(quickly) <= ONE_ROUND or g.get("actor"):
        return quickly
    harder: bytes = brotli.compress(page, mode=brotli.MODE_TEXT, quality=10)
    return harder


def _squeezed(response: Response) -> Response:
    """Brotli for pages. No squeezed page reflects what another site chose beside a secret: a page of somebody who is
    signed in that has a query (a search) is sent as it is, and a POST needs the form's token (BREACH, libraries 5.1).
    """
    if response.mimetype != "text/html" or (request.query_string and g.get("actor")):
        return response
    # No "Vary": every page is no-store, so no cache may keep it in any form.
    if (
        request.accept_encodings.quality("br") > 0
        and not response.direct_passthrough
        and response.status_code not in (204, 304)
    ):
        response.set_data(_small(response.get_data()))
        response.headers["Content-Encoding"] = "br"
    return response
