"""Error pages: plain, kind, in the person's language, with a way to reach someone. Nothing personal is in them."""

import logging

from flask import Flask, Response, g, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError

from portal.access import Mine, Permission
from portal.i18n import N_, gettext, speaking
from portal.web.requests import status_of
from portal.web.security import marked, with_headers

log = logging.getLogger("portal")

SAY: dict[int, tuple[str, str]] = {
    400: (N_("We could not read that"), N_("Please go back and try again. What you saved is still there.")),
    401: (N_("Please sign in"), N_("You need to sign in to see this page.")),
    403: (N_("You cannot open this page"), N_("If you think you should, ask your manager.")),
    404: (N_("We cannot find this page"), N_("The address may be wrong. You can go to the first page.")),
    405: (N_("We could not do that"), N_("Please go back and try again. What you saved is still there.")),
    409: (N_("Somebody was faster"), N_("Somebody has changed this meanwhile. Please open it again.")),
    413: (N_("That was too long"), N_("Please go back and write a little less. What you saved is still there.")),
    415: (N_("We could not read that"), N_("Please go back and try again. What you saved is still there.")),
    429: (N_("Too many tries"), N_("Please wait a little and try again.")),
    500: (N_("Something went wrong"), N_("It is our fault. What you saved is still there. Please try again soon.")),
    503: (N_("We are busy"), N_("What you saved is still there. Please try again in a minute.")),
}

SAY_THEIRS: dict[int, tuple[str, str]] = {
    401: (N_("Please come in again"), N_("Your page was closed here, because nobody pressed anything for a while.")),
    403: (N_("This needs another code"), N_("The code that you used is for something else.")),
}
"""What is said at a door of a person's own page."""


def catch(app: Flask) -> None:
    """Give every error a page of ours."""

    # Flask's own line about a fault holds the path, and a path can hold an invitation.
    app.log_exception = lambda exc_info: _write_down(exc_info[1])  # type: ignore[method-assign]

    @app.errorhandler(HTTPException)
    def http(problem: HTTPException) -> ResponseReturnValue:
        g.failed = True
        if isinstance(problem, InternalServerError) and problem.original_exception is not None:
            return page(status_of(problem.original_exception))  # after the view, when the work was to be committed
        if problem.response is not None:
            return problem.response
        if isinstance(problem, SecurityError):
            # The host is not ours, so no address of ours can be worked out for a page.
            return with_headers(_plain(*SAY[400], 400), secure=False)
        return page(problem.code or 500)

    @app.errorhandler(Exception)
    def anything(problem: Exception) -> ResponseReturnValue:
        g.failed = True
        _write_down(problem)
        if app.config["TESTING"] and not app.config.get("SHOW_ERROR_PAGES"):
            raise problem
        return page(status_of(problem))


def _write_down(problem: BaseException | None) -> None:
    """Only where it happened: an exception's own words, and its frames' values, may hold what somebody typed."""
    last = problem.__traceback__ if problem else None
    while last and last.tb_next:
        last = last.tb_next
    where = f"{last.tb_frame.f_code.co_filename.rsplit('/portal/', 1)[-1]}:{last.tb_lineno}" if last else "?"
    log.error("failed: %s at %s", type(problem).__name__, where)


def page(code: int) -> ResponseReturnValue:
    """The page for an error code; the plainest one when even the templates fail."""
    title, text = SAY.get(code, SAY[500 if code >= 500 else 400])
    if _is_theirs():
        title, text = SAY_THEIRS.get(code, (title, text))
    try:
        if "speaking" not in g:
            with speaking("en"):
                return _drawn(title, text, code), code
        return _drawn(title, text, code), code
    except Exception as problem:
        _write_down(problem)
        return with_headers(_plain(title, text, code), secure=False)


def _is_theirs() -> bool:
    return isinstance(marked("door"), Mine)


def _drawn(title: str, text: str, code: int) -> str:
    return render_template(
        "errors/error.html",
        title=gettext(title),
        text=gettext(text),
        # When we cannot help, others must be reachable all the same: their numbers need no database.
        show_helplines=code >= 500,
        helplines=(),
        written=_written(),
        theirs=code in SAY_THEIRS and _is_theirs(),
    )


def _written() -> list[str]:
    """What somebody wrote into a form that was refused, for instance because they were signed out meanwhile: it goes
    back to them and nowhere else. Never from a page for everybody or of signing in, and never what another site sent in
    their name: that would say it in ours."""
    ours = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    if request.method != "POST" or not ours or not isinstance(marked("door"), (Mine, Permission)):
        return []
    return [text for name, text in request.form.items() if name not in ("csrf_token", "go") and len(text.split()) > 1]


def _plain(title: str, text: str, code: int) -> Response:
    head = f"<title>{title} – Front Door</title>"
    wide = '<meta name="viewport" content="width=device-width, initial-scale=1">'
    html = f'<!doctype html><html lang="en" dir="ltr"><head><meta charset="utf-8">{head}{wide}</head>'
    return Response(f"{html}<body><main><h1>{title}</h1><p>{text}</p></main></body></html>", code, mimetype="text/html")
