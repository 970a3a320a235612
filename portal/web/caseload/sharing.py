"""What a person allows us to share, as it stands, and what they now say about it to a member of staff: yes, no, or that
they take it back. It counts from the press, as on their own page; what waits for it is allowed or held back at once."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from flask import abort, g, redirect, request, url_for
from flask.typing import ResponseReturnValue

from portal import people
from portal.access import Permission
from portal.caseload.cases import person_of
from portal.i18n import LONDON, N_, gettext
from portal.journeys.self_referral import SELF_REFERRAL
from portal.people import NO, SHARING
from portal.people.sharing import Permission as Allowance
from portal.referrals import Referral
from portal.web.caseload.details import Told
from portal.web.caseload.door import blueprint, read, staff_names
from portal.web.caseload.record import case_page
from portal.web.security import allow, keeps_typed

DECISIONS: dict[str, str] = {
    "given": N_("Yes"),
    "refused": N_("No"),
    "withdrawn": N_("No: they took it back"),
    "left-blank": N_("Left blank, so no"),
    "prefer-not-to-say": N_("Chose not to say, so no"),
}
GIVEN_BY: dict[str, str] = {
    "person": N_("in the form, on their own page or on paper"),
    "proxy": N_("by somebody for them"),
    people.IN_WORDS: N_("in words, to one of us"),
}
SAY: dict[str, str] = {
    "given": N_("They say yes"),
    "refused": N_("They say no"),
    "withdrawn": N_("They take it back"),
}
MEANWHILE = N_(
    "Somebody wrote down something else about this a moment ago. Look at what stands there now. Is yours still right? "
    "Then press again."
)


@dataclass(frozen=True)
class Shared:
    """One thing that may be shared: the question, what counts now and since when, who wrote it down, and what the
    person can say now (the value of the button, its words)."""

    kind: str
    name: str
    question: str
    said: str
    since: date | None
    by: str
    can_say: tuple[tuple[str, str], ...]


def _shared(kind: str, row: Allowance | None) -> Shared:
    said = gettext(N_("Not asked, so no"))
    if row:
        said = gettext(
            N_("%(answer)s (%(how)s)"), answer=gettext(DECISIONS[row.decision]), how=gettext(GIVEN_BY[row.given_by])
        )
    stands = row.decision if row else ""
    able = ("withdrawn",) if stands == "given" else ("given",) if stands in NO else ("given", "refused")
    question = SELF_REFERRAL.question(kind)
    return Shared(
        kind,
        gettext(question.name),
        gettext(question.label),
        said,
        row.created_at.astimezone(LONDON).date() if row else None,
        staff_names().get(row.recorded_by, "") if row and row.recorded_by else "",
        tuple((f"{kind} {one} {row.id if row else ''}".strip(), gettext(SAY[one])) for one in able),
    )


def for_case(referral: Referral) -> dict[str, object]:
    """What parts/sharing.html shows: every question about sharing and what counts now. No row means no. Whether whoever
    helped may be told is asked only where somebody did."""
    rows = people.permissions_of(g.store, g.actor.service_id, referral.person_id)
    shared = [_shared(kind, rows.get(kind)) for kind in _asked(referral, rows)]
    return {"sharing": shared, "told": Told(formdata=None).offer()}


def _asked(referral: Referral, rows: Mapping[str, Allowance]) -> list[str]:
    return [one for one in SHARING if one != "share_referrer" or one in rows or referral.referrer_type != "self"]


def _page(referral: Referral, told: Told, problem: str = "") -> str:
    return case_page("sharing", referral, **{**for_case(referral), "told": told.offer()}, form=told, problem=problem)


@blueprint.get("/referrals/<uuid:referral_id>/sharing")
@allow(Permission.READ_REFERRAL, audits=True)
def sharing_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """What they allow, and the place for what they say about it now."""
    return _page(read(referral_id), Told(formdata=None))


@blueprint.post("/referrals/<uuid:referral_id>/sharing")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def change_sharing(referral_id: uuid.UUID) -> ResponseReturnValue:
    """They said yes, said no, or took it back."""
    referral, told = read(referral_id), Told().offer()
    kind, decision, seen = (*request.form.get("say", "").split(" "), "", "", "")[:3]
    if not told.sent():
        return _page(referral, told), 400 if g.stale else 422
    if kind not in SHARING or decision not in SAY:
        abort(400)
    try:
        people.change_permission(
            g.store,
            g.service,
            referral.person_id,
            kind,
            decision,
            person_of(g.store, referral).spoken_language,
            g.actor,
            given_by=told.given_by.data,
            seen=seen,
        )
    except people.SaidMeanwhile:
        return _page(referral, told, gettext(MEANWHILE)), 409
    except people.Gone:
        abort(404)
    return redirect(url_for("caseload.sharing_of", referral_id=referral.id, _anchor=kind), 303)
