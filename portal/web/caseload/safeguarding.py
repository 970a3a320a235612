"""Safeguarding: its own page. Whoever works with people writes a concern down; only some read what is written."""

import uuid
from dataclasses import dataclass

from flask import abort, g
from flask.typing import ResponseReturnValue

from portal import access
from portal.access import Permission
from portal.caseload import safeguarding
from portal.caseload.cases import Gone, Meanwhile, NotPossible
from portal.caseload.safeguarding import Safeguarding
from portal.i18n import N_, gettext, say_date
from portal.referrals import Referral
from portal.web import forms
from portal.web.caseload.door import blueprint, read
from portal.web.caseload.record import back_to, case_page, made_once, name_of, once, refuse, version_typed
from portal.web.security import allow, keeps_typed


class Concern(forms.Form):
    """A concern."""

    concern = forms.LongWords(
        N_("What are you worried about?"),
        longest=safeguarding.LONGEST,
        missing=N_("Write what you are worried about"),
        hint=N_(
            "What you saw or heard, when and from whom, as exactly as you can. Who may be in danger, and from whom."
        ),
    )
    action_taken = forms.LongWords(
        N_("What have you done already?"),
        longest=safeguarding.LONGEST,
        hint=N_("Whom you told, and when. You may leave this blank."),
    )


class Done(forms.Form):
    """What was done about it."""

    words = forms.LongWords(N_("What was done"), longest=safeguarding.LONGEST, missing=N_("Write what was done"))


@dataclass(frozen=True)
class ShownConcern:
    """A concern in words, and the form on which it is said what was done about it."""

    concern: Safeguarding
    since: str
    by: str
    ended: str
    form: Done


def for_case(referral: Referral) -> dict[str, object]:
    """What parts/case_safeguarding.html shows: that something is written down, and whom to ask."""
    return {
        "concerns_open": safeguarding.open_count(g.store, referral.service_id, referral.person_id),
        "concern_readers": [one.name for one in safeguarding.readers(g.store, referral.service_id)],
        "may_read_concerns": access.may(g.actor, Permission.READ_SAFEGUARDING),
    }


def _page(referral: Referral, form: Concern, told: str = "") -> str:
    return case_page("safeguarding", referral, form=form, once=once(), told=told, **for_case(referral))


@blueprint.get("/referrals/<uuid:referral_id>/safeguarding")
@allow(Permission.RECORD_SAFEGUARDING, audits=True)
def safeguarding_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Write a concern down; what is written down stands on a page of its own."""
    return _page(read(referral_id), Concern(formdata=None))


@blueprint.post("/referrals/<uuid:referral_id>/safeguarding")
@allow(Permission.RECORD_SAFEGUARDING)
@keeps_typed
def record_safeguarding(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a concern."""
    referral, form = read(referral_id), Concern()
    if not form.sent():
        return _page(referral, form), 422
    safeguarding.record(
        g.store,
        g.service,
        g.actor,
        referral.id,
        concern=form.concern.data,
        action_taken=form.action_taken.data,
        concern_id=made_once(),
    )
    return back_to("safeguarding_of", referral, _anchor="written")


def _reading(referral: Referral, wrong: "tuple[uuid.UUID, Done] | None" = None, theirs: str = "") -> str:
    """The concerns; ``wrong``: the form that was sent with a mistake, or while somebody else wrote (``theirs``)."""
    shown = [_shown(one, wrong) for one in safeguarding.read(g.store, g.actor, referral)]
    return case_page(
        "safeguarding_read",
        referral,
        concerns=shown,
        form=wrong[1] if wrong else Done(formdata=None),
        theirs=theirs,
        theirs_id=wrong[0] if wrong else None,
    )


def _shown(one: Safeguarding, wrong: "tuple[uuid.UUID, Done] | None") -> ShownConcern:
    if wrong and wrong[0] == one.id:
        form = wrong[1]
    else:
        # A page with several forms: each field has an id of its own.
        form = _done_form(one.id, sent=False)
        form.words.data = one.action_taken or ""
    return ShownConcern(
        one,
        say_date(one.started, weekday=False),
        name_of(one.recorded_by),
        say_date(one.ended_at, weekday=False) if one.ended_at else "",
        form,
    )


def _done_form(concern_id: uuid.UUID, *, sent: bool) -> Done:
    form = Done() if sent else Done(formdata=None)
    form.words.id = f"words-{concern_id}"
    return form


@blueprint.get("/referrals/<uuid:referral_id>/safeguarding/read")
@allow(Permission.READ_SAFEGUARDING, audits=True)
def read_safeguarding(referral_id: uuid.UUID) -> ResponseReturnValue:
    """What is written down; the reading is written down too."""
    return _reading(read(referral_id))


@blueprint.post("/referrals/<uuid:referral_id>/safeguarding/<uuid:concern_id>/done")
@allow(Permission.READ_SAFEGUARDING)
@keeps_typed
def safeguarding_done(referral_id: uuid.UUID, concern_id: uuid.UUID) -> ResponseReturnValue:
    """What was done about it. Two at once: the second sees what stands there now, above their own words."""
    referral, form = read(referral_id), _done_form(concern_id, sent=True)
    if not form.sent():
        return _reading(referral, (concern_id, form)), 422
    try:
        safeguarding.say_what_was_done(
            g.store, g.actor, referral.id, concern_id, words=form.words.data, version=version_typed()
        )
    except Gone:
        abort(404)
    except NotPossible as problem:
        refuse(form, problem)
        return _reading(referral, (concern_id, form)), 422
    except Meanwhile as meanwhile:
        now: Safeguarding = meanwhile.now  # type: ignore[assignment]
        form.refuse("words", gettext(N_("Somebody else wrote here while you were writing. Put both together")))
        return _reading(referral, (concern_id, form), now.action_taken or ""), 409
    return back_to("read_safeguarding", referral)


@blueprint.post("/referrals/<uuid:referral_id>/safeguarding/<uuid:concern_id>/end")
@allow(Permission.READ_SAFEGUARDING)
def end_safeguarding(referral_id: uuid.UUID, concern_id: uuid.UUID) -> ResponseReturnValue:
    """It is over; it stays in the record."""
    referral = read(referral_id)
    try:
        safeguarding.end(g.store, g.actor, referral.id, concern_id)
    except Gone:
        abort(404)
    return back_to("read_safeguarding", referral)
