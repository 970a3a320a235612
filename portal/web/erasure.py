"""Asking for a record to be erased, and deciding about it: a manager, by name, after looking.

Nobody can be told anything once their record is gone: an address kept for one last message would be a trace. So the
page asks the manager to tell the person first.
"""

import uuid
from dataclasses import dataclass

from flask import Blueprint, abort, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal import access, codes, referrals, retention
from portal.access import Permission
from portal.clock import now
from portal.i18n import N_, gettext, ngettext
from portal.referrals import Referral
from portal.retention import ErasureRequest, Waiting, keeping
from portal.web.forms import Code, Form, LongWords, OneOf, Tick
from portal.web.security import allow, keeps_typed

blueprint = Blueprint("erasure", __name__, url_prefix="/staff")

NOT_THEIRS = N_("This is not a reference of this person. It stands at the top of this page")


class Erase(Form):
    """The last question before it cannot be undone."""

    reference = Code(
        N_("Type the reference to confirm"),
        longest=40,
        missing=N_("Type the reference of this person"),
        hint=N_("It stands at the top of this page."),
    )
    told = Tick(
        N_("I have told the person, or they do not want to hear from us"),
        missing=N_("Tell the person first, then tick this. Afterwards we cannot reach them any more"),
    )


class Refuse(Form):
    """Why not."""

    word = LongWords(
        N_("Why can we not erase it?"),
        longest=retention.LONGEST_WORDS,
        missing=N_("Write why"),
        hint=N_(
            "The person reads this on their own page. Be kind and plain. Tell them that they may complain to the "
            "Information Commissioner’s Office."
        ),
    )


class Keep(Form):
    """What a manager decides on the day that was set when the case ended."""

    decision = OneOf(N_("What do you decide?"), missing=N_("Select what you decide"))


def _answers() -> list[tuple[str, str]]:
    """Keep it for some years, or erase it."""
    keep = [
        (
            str(years),
            ngettext(
                "Yes. Keep it, and ask again in %(num)s year", "Yes. Keep it, and ask again in %(num)s years", years
            ),
        )
        for years in keeping.YEARS
    ]
    return [*keep, (ERASE, gettext(N_("No. Go on to erase it")))]


ERASE = "erase"


@dataclass(frozen=True)
class ShownRequest:
    """A request, in words."""

    request: ErasureRequest
    name: str
    references: tuple[str, ...]
    blocked: bool
    overdue: bool
    decided_by: str


def _shown(waiting: Waiting) -> ShownRequest:
    request = waiting.request
    return ShownRequest(
        request,
        referrals.name_to_use(waiting.referrals[-1].answers) if waiting.referrals else "",
        tuple(one.reference for one in waiting.referrals),
        bool(waiting.alerts),
        request.state == "asked" and request.due_at < now(),
        referrals.staff_names(g.store, g.actor).get(request.decided_by or request.id, ""),
    )


@blueprint.get("/erasures")
@allow(Permission.ERASE_PEOPLE)
def requests() -> ResponseReturnValue:
    """Who asked to be erased, the most urgent first, and what was decided lately."""
    return render_template(
        "erasure/requests.html",
        waiting=[_shown(one) for one in retention.open_requests(g.store, g.actor)],
        keeping=[(one, referrals.name_to_use(one.referral.answers)) for one in keeping.to_decide(g.store, g.actor)],
        decided=[_shown(Waiting(one, (), ())) for one in retention.decided_requests(g.store, g.actor)],
    )


def _read(erasure_id: uuid.UUID) -> Waiting:
    try:
        return retention.read_request(g.store, g.actor, erasure_id)
    except retention.Gone:
        abort(404)


def _page(waiting: Waiting, erase_form: Erase, refuse_form: Refuse) -> str:
    return render_template(
        "erasure/request.html",
        shown=_shown(waiting),
        referrals=waiting.referrals,
        alerts=waiting.alerts,
        erasing=erase_form,
        refusing=refuse_form,
    )


@blueprint.get("/erasures/<uuid:erasure_id>")
@allow(Permission.ERASE_PEOPLE, audits=True)
def request_page(erasure_id: uuid.UUID) -> ResponseReturnValue:
    """What will happen, what stays, and the two answers."""
    return _page(_read(erasure_id), Erase(), Refuse())


@blueprint.post("/erasures/<uuid:erasure_id>/erase")
@allow(Permission.ERASE_PEOPLE, confirms=True)
@keeps_typed
def erase(erasure_id: uuid.UUID) -> ResponseReturnValue:
    """Erase."""
    waiting, form, other = _read(erasure_id), Erase(), Refuse(formdata=None)
    if waiting.request.state != "asked":
        return _page(waiting, form, other), 409
    if not form.sent():
        return _page(waiting, form, other), 422
    if codes.read_reference(form.reference.data) not in {one.reference for one in waiting.referrals}:
        form.refuse("reference", gettext(NOT_THEIRS))
        return _page(waiting, form, other), 422
    try:
        retention.erase(g.store, g.actor, request_id=erasure_id)
    except (retention.AlertsOpen, retention.AlreadyDecided):
        return _page(_read(erasure_id), form, other), 409
    return redirect(url_for("erasure.requests"), 303)


@blueprint.post("/erasures/<uuid:erasure_id>/refuse")
@allow(Permission.ERASE_PEOPLE)
@keeps_typed
def refuse(erasure_id: uuid.UUID) -> ResponseReturnValue:
    """Say no, with the reason."""
    waiting, form, other = _read(erasure_id), Refuse(), Erase(formdata=None)
    if waiting.request.state != "asked":
        return _page(waiting, other, form), 409
    if not form.sent():
        return _page(waiting, other, form), 422
    try:
        retention.refuse_erasure(g.store, g.actor, erasure_id, form.word.data)
    except retention.AlreadyDecided:
        return _page(_read(erasure_id), other, form), 409
    return redirect(url_for("erasure.requests"), 303)


# From a referral -----------------------------------------------------------------------------------------------------


def _referral(referral_id: uuid.UUID) -> Referral:
    try:
        return referrals.read(g.store, g.actor, referral_id)
    except referrals.Gone:
        abort(404)


@blueprint.get("/referrals/<uuid:referral_id>/erase")
@allow(Permission.READ_REFERRAL, audits=True)
def start(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The person asked a worker, in words or in writing: any way of asking counts."""
    referral = _referral(referral_id)
    latest = retention.latest_request(g.store, g.actor.service_id, referral.person_id)
    return render_template(
        "erasure/start.html",
        referral=referral,
        name=referrals.name_to_use(referral.answers),
        asked=latest if latest and latest.state == "asked" else None,
        decides=access.may(g.actor, Permission.ERASE_PEOPLE),
    )


@blueprint.post("/referrals/<uuid:referral_id>/erase")
@allow(Permission.READ_REFERRAL)
def ask(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Write the request down; a manager goes on to decide, anybody else goes back."""
    referral = _referral(referral_id)
    request = retention.ask_erasure(g.store, g.service, referral.person_id, g.actor)
    if access.may(g.actor, Permission.ERASE_PEOPLE):
        return redirect(url_for("erasure.request_page", erasure_id=request.id), 303)
    return redirect(url_for("erasure.start", referral_id=referral.id), 303)


# When the day has come that was set at the end ----------------------------------------------------------------------


def _keeping(referral: Referral, form: Keep, status: int) -> ResponseReturnValue:
    form.decision.choices = _answers()
    drawn = render_template(
        "erasure/keeping.html",
        referral=referral,
        name=referrals.name_to_use(referral.answers),
        end=keeping.due(g.store, g.actor, referral.id),
        form=form,
    )
    return drawn, status


@blueprint.get("/referrals/<uuid:referral_id>/keeping")
@allow(Permission.ERASE_PEOPLE, audits=True)
def keeping_page(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Is the record still needed? Nothing is erased by a clock."""
    return _keeping(_referral(referral_id), Keep(formdata=None), 200)


@blueprint.post("/referrals/<uuid:referral_id>/keeping")
@allow(Permission.ERASE_PEOPLE)
@keeps_typed
def decide(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it for some more years, or go on to erase it; erasing asks for the reference first."""
    referral, form = _referral(referral_id), Keep()
    form.decision.choices = _answers()
    if not form.sent():
        return _keeping(referral, form, 422)
    if keeping.due(g.store, g.actor, referral.id) is None:
        return _keeping(referral, form, 409)
    if form.decision.data == ERASE:
        request = retention.ask_erasure(g.store, g.service, referral.person_id, g.actor)
        return redirect(url_for("erasure.request_page", erasure_id=request.id), 303)
    try:
        keeping.keep(g.store, g.actor, referral.id, int(form.decision.data))
    except keeping.NothingToDecide:
        return _keeping(referral, form, 409)
    return redirect(url_for("erasure.requests"), 303)
