"""The set-up of a service, without code: one page for each group of settings, its look, its texts, what was changed."""

from flask import Blueprint

blueprint = Blueprint("setup", __name__, url_prefix="/staff/set-up")

from portal.web.setup import history, look, pages, practices, wording  # noqa: E402, F401  # they add their views to the blueprint
