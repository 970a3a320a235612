"""The guard of every door: who may come in, what may be posted, what every answer carries.

An endpoint that does not say who may come in stops the start. The rest of the defaults changed here are trust 2.
"""

from collections.abc import Callable
from typing import TypeVar

from flask import Flask, Request, Response, abort, current_app, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf

from portal import access
from portal.access import TASKS, Mine, Permission, Visitor

PUBLIC = "public"
MOST_FIELDS = 200
SHARED_SECONDS = 300
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
)
View = TypeVar("View", bound=Callable[..., ResponseReturnValue])


def public(view: View) -> View:
    """Everybody may come in."""
    view.door = PUBLIC  # type: ignore[attr-defined]
    return view


def shared(view: View) -> View:
    """Everybody may come in, programs of others and caches between them too: what stands there depends on nobody who
    asks, and is for everybody."""
    view.shared = True  # type: ignore[attr-defined]
    return public(view)


def keeps_typed(view: View) -> View:
    """A form that is shown again, with all that was typed, when its token has died: ``g.stale`` is then true and the
    view must not act. Doubled fields are the question's own problem there, and get its kind sentence."""
    view.keeps_typed = True  # type: ignore[attr-defined]
    return view


def allow(
    permission: Permission,
    *,
    audits: bool = False,
    lists: tuple[str, ...] = (),
    files: tuple[str, ...] = (),
    largest: int = 0,
    confirms: bool = False,
) -> Callable[[View], View]:
    """Staff with this permission may come in. ``audits``: looking at the page is written down, so its transaction
    begins as a write. ``lists``: form fields that may be there more than once. ``files``: form fields that may hold a
    file; everywhere else a file is refused. ``largest``: how many bytes it may have, where that is more than any other
    request may. ``confirms``: an act before which somebody shows again that it is they."""

    def mark(view: View) -> View:
        view.door = permission  # type: ignore[attr-defined]
        view.audits = audits  # type: ignore[attr-defined]
        view.lists = lists  # type: ignore[attr-defined]
        view.files = files  # type: ignore[attr-defined]
        view.largest = largest  # type: ignore[attr-defined]
        view.confirms = confirms  # type: ignore[attr-defined]
        return view

    return mark


def mine(
    what: Mine, *, entrance: bool = False, audits: bool = False, lists: tuple[str, ...] = ()
) -> Callable[[View], View]:
    """A person may come in whose visit to their own page goes that far; ``g.visitor`` is then that visit.

    ``entrance``: the page (GET, without ids) on which this begins; exactly one view of each task of ``access.TASKS``,
    and the page itself. ``audits`` and ``lists`` as in ``allow``.
    """

    def mark(view: View) -> View:
        view.door = what  # type: ignore[attr-defined]
        view.entrance = entrance  # type: ignore[attr-defined]
        view.audits = audits  # type: ignore[attr-defined]
        view.lists = lists  # type: ignore[attr-defined]
        return view

    return mark


def entrance(app: Flask, what: Mine) -> str | None:
    """The endpoint on which this begins."""
    begins = (name for name, view in app.view_functions.items() if getattr(view, "entrance", False))
    return next((name for name in begins if door(app, name) is what), None)


def door(app: Flask, endpoint: str) -> str | Permission | Mine | None:
    """Who may come in at this endpoint; ``None`` when it does not say."""
    found: str | Permission | Mine | None = getattr(app.view_functions[endpoint], "door", None)
    return found


def marked(name: str) -> object:
    """What the view of this request says of itself."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, name, None)


def guard(
    app: Flask,
    write_down: Callable[[Permission], None],
    lapsed: Callable[[], Visitor | None],
    clear: Callable[[Response], Response],
    confirm: Callable[[], ResponseReturnValue | None],
) -> None:
    """Call last in create_app, when every route is known. ``write_down`` keeps a refusal in a transaction of its own,
    for a refusal never commits with its request; ``lapsed`` finds the visit that ran out on this browser, ``clear``
    takes its key away; ``confirm`` answers with the page that asks somebody to show again that it is they. Raises
    ``RuntimeError`` for an endpoint without a door."""
    silent = sorted({rule.endpoint for rule in app.url_map.iter_rules() if door(app, rule.endpoint) is None})
    if silent:
        raise RuntimeError(f"These endpoints do not say who may come in: {', '.join(silent)}")
    csrf = CSRFProtect(app)
    app.jinja_env.globals["csrf_token"] = generate_csrf

    @app.before_request
    def check() -> ResponseReturnValue | None:
        if request.endpoint is None:
            return None
        wanted = door(app, request.endpoint)
        if isinstance(wanted, Permission) and not access.may(g.actor, wanted):
            return _not_staff(wanted, write_down)
        if isinstance(wanted, Mine) and not access.may_visit(g.visitor, wanted):
            return _sent_too_late(csrf, wanted, lapsed())
        if request.method == "POST":
            _check_post(csrf, request)
            # A screen that clears itself sends the form that stands on it; whatever is wrong there, nothing stays.
            g.left = isinstance(wanted, Mine) and request.form.get("go") == "lock"
            if marked("confirms") and not g.stale:
                return confirm()
        return None

    @app.after_request
    def headers(response: Response) -> Response:
        if (g.get("lapsed") or g.get("left")) and response.status_code < 500:
            away = "public.help_now" if g.get("alerted") else "visits.locked"
            response = clear(redirect(url_for(away), 303))  # type: ignore[arg-type]
        return for_everybody(with_headers(response, secure=bool(app.config["SESSION_COOKIE_SECURE"])))


def _not_staff(wanted: Permission, write_down: Callable[[Permission], None]) -> ResponseReturnValue:
    # A stranger's knock at a staff page is no act of anybody: it is answered with the sign-in page.
    if g.actor is not None:
        write_down(wanted)
        abort(403)
    if request.method not in ("GET", "HEAD"):
        abort(401)
    return redirect(url_for("sign_in.sign_in", next=request.script_root + request.path))


def _sent_too_late(csrf: CSRFProtect, wanted: Mine, visitor: Visitor | None) -> ResponseReturnValue | None:
    """A page that lay open until its visit had run out, and is sent now: what stands on it is kept, for nothing that
    somebody sent is lost, but nothing is shown any more. Without JavaScript nobody could warn them."""
    writing = request.method == "POST" and wanted in TASKS.values() and marked("keeps_typed")
    if not writing or not access.may_visit(visitor, wanted):
        return _not_theirs()
    _check_post(csrf, request)
    if g.stale:
        return _not_theirs()
    g.visitor, g.lapsed = visitor, True
    return None


def _not_theirs() -> ResponseReturnValue:
    # Whoever was let in once and is not any more is led where whoever never was is led.
    if request.method not in ("GET", "HEAD"):
        abort(403 if g.visitor else 401)
    return redirect(url_for("visits.sign_in"), 303)


def _check_post(csrf: CSRFProtect, posted: Request) -> None:
    g.stale = False
    if largest := marked("largest"):
        posted.max_content_length = int(str(largest))
    if posted.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        abort(403)
    if posted.mimetype not in FORM_TYPES and (posted.content_length or posted.mimetype):
        abort(415)
    if set(posted.files) - set(marked("files") or ()):  # type: ignore[call-overload]
        abort(400)
    if sum(len(values) for _, values in posted.form.lists()) > MOST_FIELDS:
        abort(413)
    forgiving = bool(marked("keeps_typed"))
    lists = marked("lists") or ()
    for name, values in posted.form.lists():
        if len(values) > 1 and not forgiving and name not in lists:  # type: ignore[operator]
            abort(400)
    try:
        csrf.protect()
    except CSRFError:
        if not forgiving:
            abort(400)
        g.stale = True


def for_everybody(response: Response) -> Response:
    """What a ``shared`` view answers: any page of the web may read it, and any cache may keep it for a while."""
    if not marked("shared") or response.status_code != 200:
        return response
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = f"public, max-age={SHARED_SECONDS}"
    response.headers.pop("Set-Cookie", None)
    return response


def with_headers(response: Response, *, secure: bool) -> Response:
    """What every response carries, errors included."""
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Permissions-Policy"] = "camera=(), microphone=(), geolocation=()"
    response.headers["Cache-Control"] = "no-store"
    if secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response
