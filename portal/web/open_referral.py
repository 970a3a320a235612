"""Our directory for programs: the read endpoints of Open Referral UK (HSDS-UK 3.0), when the service has opened them.

Nothing here depends on who asks: no cookie is read or set, any page of the web may read it, and caches may keep it.
"""

import uuid

from flask import Blueprint, Response, abort, current_app, g, jsonify, request, url_for
from flask.typing import ResponseReturnValue

from portal.directory import publishing
from portal.directory.publishing import Filters, NotAsked
from portal.web.security import shared

blueprint = Blueprint("open_referral", __name__, url_prefix="/open-referral")


@blueprint.before_request
def only_when_open() -> None:
    """Off until the service switches it on: then it is not there."""
    if g.service is None or not g.settings.publish_activities:
        abort(404)


def _address(activity_id: uuid.UUID) -> str:
    return str(current_app.config["PUBLIC_URL"]) + url_for("activities.one", activity_id=activity_id)


def _asked() -> Filters:
    return Filters(**{name: request.args.get(name, "")[:200] for name in vars(Filters())})


def _page() -> tuple[int, int]:
    return publishing.page_wanted(request.args.get("page", ""), request.args.get("per_page", ""))


def _said(answer: object) -> Response:
    if answer is None:
        abort(404)
    return jsonify(answer)


@blueprint.errorhandler(NotAsked)
def not_asked(problem: NotAsked) -> ResponseReturnValue:
    """A filter that has no sense, in words for whoever wrote the program."""
    return jsonify({"error": "bad request", "message": str(problem)}), 400


@blueprint.errorhandler(404)
def not_here(_problem: Exception) -> ResponseReturnValue:
    """Programs read JSON here, also of what is not there."""
    return jsonify({"error": "not found", "message": "There is nothing here at this address."}), 404


@blueprint.get("/")
@shared
def about() -> ResponseReturnValue:
    """What this is."""
    return _said(publishing.about())


@blueprint.get("/services")
@shared
def services() -> ResponseReturnValue:
    """Activities, page by page."""
    return _said(publishing.services_page(g.store, g.service.id, _asked(), *_page(), _address))


@blueprint.get("/services/<public_id>")
@shared
def service(public_id: str) -> ResponseReturnValue:
    """One activity with everything about it."""
    return _said(publishing.one_service(g.store, g.service.id, public_id, _address))


@blueprint.get("/service_at_locations")
@shared
def places() -> ResponseReturnValue:
    """Places with their activities, page by page."""
    return _said(publishing.places_page(g.store, g.service.id, _asked(), *_page(), _address))


@blueprint.get("/service_at_locations/<public_id>")
@shared
def place(public_id: str) -> ResponseReturnValue:
    """One place with everything about its activity."""
    return _said(publishing.one_place(g.store, g.service.id, public_id, _address))


@blueprint.get("/taxonomies")
@shared
def taxonomies() -> ResponseReturnValue:
    """By what activities are filed."""
    return _said(publishing.taxonomies_page(*_page()))


@blueprint.get("/taxonomies/<public_id>")
@shared
def taxonomy(public_id: str) -> ResponseReturnValue:
    """One of them."""
    return _said(publishing.one_taxonomy(public_id))


@blueprint.get("/taxonomy_terms")
@shared
def terms() -> ResponseReturnValue:
    """The terms, page by page."""
    return _said(publishing.terms_page(g.store, g.service.id, *_page()))


@blueprint.get("/taxonomy_terms/<public_id>")
@shared
def term(public_id: str) -> ResponseReturnValue:
    """One term."""
    return _said(publishing.one_term(g.store, g.service.id, public_id))
