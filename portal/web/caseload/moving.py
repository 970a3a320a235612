"""Cases that change hands: to another service of this portal, and whole caseloads of somebody who leaves."""

import uuid
from typing import Any

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import people, referrals
from portal.access import Permission
from portal.caseload import closing, moving
from portal.i18n import N_, gettext
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.web import forms
from portal.web.caseload.closing import SAY, too_late
from portal.web.caseload.deciding import Spoken
from portal.web.caseload.door import blueprint, colleagues, contact_of, read, say_answer, to_case
from portal.web.security import allow, keeps_typed

# To another service --------------------------------------------------------------------------------------------------


class Move(forms.Form):
    """Where to, how urgent it is today, and what is said to whom."""

    to = forms.OneOf(N_("Which service?"), missing=N_("Choose a service"))
    urgency = forms.OneOf(
        N_("Is anything urgent today?"),
        missing=N_("Choose what is right today"),
        hint=N_("They are not told what was urgent before. Somebody who is not safe today raises an alert there too."),
    )
    word = forms.LongWords(
        N_("A word to the person"),
        longest=closing.LONGEST,
        missing=N_("Write a word to the person"),
        hint=N_("Kind and plain. They read it on their own page. It also tells the GP why it ended here."),
    )
    actions_professionals = forms.LongWords(
        N_("What do you ask of professionals?"),
        longest=closing.LONGEST,
        hint=N_("It stands first in the message to the GP."),
    )
    no_action = forms.Tick(N_("Nothing is asked of professionals"))


def _form(**given: Any) -> Move:
    form = Move(**given)
    form.to.choices = [(one.slug, one.name) for one in moving.elsewhere(g.store, g.actor)]
    urgency = SELF_REFERRAL.question("urgency")
    form.urgency.choices = [(one.code, gettext(one.label)) for one in urgency.choices]
    return form


def _rows(given: "dict[str, object]") -> list[tuple[str, Markup]]:
    """Every field that goes along, as the other service will read it."""
    return [(gettext(SELF_REFERRAL.question(code).name), say_answer(code, given)) for code in given]


def _page(referral: Referral, form: Move, spoken: Spoken | None = None, *, changed: bool = False) -> str:
    given = moving.fields(g.store, g.actor, referral)
    return render_template(
        "caseload/move.html",
        referral=referral,
        contact=contact_of(referral),
        form=form,
        spoken=spoken or Spoken(formdata=None),
        allowed=people.allows(g.store, g.actor.service_id, referral.person_id, moving.SHARE),
        question=SELF_REFERRAL.question(moving.SHARE).label,
        rows=_rows(given),
        listed=moving.listed_as(given),
        changed=changed,
    )


@blueprint.get("/referrals/<uuid:referral_id>/move")
@allow(Permission.WORK_ON_CASE, audits=True)
def move(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Which service, and everything that it would be given."""
    referral = read(referral_id)
    if not referral.is_open:
        return too_late(referral, closing.latest(g.store, g.actor.service_id, referral.id))
    return _page(referral, _form())


@blueprint.post("/referrals/<uuid:referral_id>/move")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def move_it(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Move it, with exactly what was listed."""
    referral, form = read(referral_id), _form()
    if not form.sent():
        return _page(referral, form), 422
    try:
        moving.move(
            g.store,
            g.service,
            g.actor,
            referral.id,
            form.to.data,
            listed=request.form.get("listed", ""),
            urgency=form.urgency.data,
            word=form.word.data,
            actions_professionals=form.actions_professionals.data,
            no_action=bool(form.no_action.data),
        )
    except closing.NotOpen as late:
        return too_late(late.referral, late.closure, form)
    except moving.OtherWords:
        return _page(referral, form, changed=True), 409
    except moving.NotThere:
        form.refuse("to", gettext(N_("This service takes nobody now. Choose another one")))
    except moving.NotComplete:
        form.refuse("to", gettext(N_("This service asks for something that we do not know. Please ring them")))
    except referrals.NotAllowed:
        spoken = Spoken(formdata=None)
        spoken.refuse("agreed", gettext(N_("Ask them first, and tick this when they said yes")))
        return _page(referral, form, spoken), 422
    except closing.NeedsWords as missing:
        name = {"person_summary": "word", "summary": "word"}.get(str(missing), str(missing))
        form.refuse(name, gettext(SAY.get(name, N_("Choose what is right today"))))
    else:
        return to_case(referral.id)
    return _page(referral, form), 422


@blueprint.post("/referrals/<uuid:referral_id>/move/permission")
@allow(Permission.WORK_ON_CASE)
def move_permission(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The person said in words that we may give their details."""
    referral = read(referral_id)
    spoken = Spoken()
    if not spoken.sent():
        return _page(referral, _form(formdata=None), spoken), 422
    people.record_spoken_permission(g.store, g.actor, referral.person_id, moving.SHARE)
    return redirect(url_for("caseload.move", referral_id=referral.id), 303)


# Whole caseloads -----------------------------------------------------------------------------------------------------

NOBODY = "nobody"


class GiveAll(forms.Form):
    """Whose cases, and to whom."""

    whose = forms.Listed(N_("Whose cases?"), missing=N_("Choose whose cases"))
    to = forms.Listed(N_("Who takes them?"), missing=N_("Choose somebody"))


def _holders_page(form: GiveAll) -> str:
    held = moving.holders(g.store, g.actor)
    form.whose.choices = [
        ("", gettext(N_("Choose whose cases"))),
        *((str(one.staff_id or NOBODY), _holder(one)) for one in held),
    ]
    after = _after()
    page = moving.nobodys(g.store, g.actor, after)
    return render_template(
        "caseload/caseloads.html",
        form=form,
        holders=[(_holder(one), one) for one in held],
        nobodys=[(one, referrals.name_to_use(one.answers)) for one in page],
        older=page[-1].id if len(page) == PAGE else None,
        statuses=referrals.STATUSES,
    )


PAGE = 50


def _after() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args["after"]) if "after" in request.args else None
    except ValueError:
        abort(404)


def _holder(one: moving.Holder) -> str:
    if one.staff_id is None:
        return gettext(N_("Nobody"))
    return one.name if one.here else gettext(N_("%(name)s (does not work with cases here any more)"), name=one.name)


def _give_all_form() -> GiveAll:
    form = GiveAll()
    colleagues(form)  # it sets the choices of ``to``
    return form


@blueprint.get("/caseloads")
@allow(Permission.LEAD_TEAM)
def caseloads() -> ResponseReturnValue:
    """Who has how many cases, and the cases that nobody has who works here."""
    return _holders_page(_give_all_form())


@blueprint.post("/caseloads")
@allow(Permission.LEAD_TEAM)
def give_all() -> ResponseReturnValue:
    """Give every open case of one colleague to another."""
    form = _give_all_form()
    held = moving.holders(g.store, g.actor)
    form.whose.choices = [("", ""), *((str(one.staff_id or NOBODY), one.name) for one in held)]
    if not form.sent():
        return _holders_page(form), 422
    whose = None if form.whose.data == NOBODY else uuid.UUID(form.whose.data)
    try:
        moving.give_all(g.store, g.actor, whose, uuid.UUID(form.to.data))
    except referrals.NotThere:
        form.refuse("to", gettext(N_("This colleague has left meanwhile. Choose somebody else")))
        return _holders_page(form), 422
    return redirect(url_for("caseload.caseloads"), 303)
