"""How a person comes to their own page: email and code, the card, a code from a link worker, the link in a message."""

from flask import Blueprint, Response, abort, current_app, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal.web.requests import take_visit
from portal.web.security import public

blueprint = Blueprint("visits", __name__)


@blueprint.get("/your-page")
@public
def sign_in() -> ResponseReturnValue:
    """Where a person begins who wants to come to their own page."""
    if g.service is None:
        abort(404)
    return redirect(url_for("public.start"), 303)


@blueprint.post("/your-page/still-here")
@public
def still_here() -> ResponseReturnValue:
    """Somebody is there: the idle time starts anew."""
    return Response(status=204, mimetype="text/plain")


@blueprint.get("/your-page/locked")
@public
def locked() -> ResponseReturnValue:
    """The screen is cleared."""
    return take_visit(current_app.make_response(render_template("visits/locked.html")))
