"""One referral: the rule of safe contact, alerts, the person's own words, everything they said, what to do."""

import uuid
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module

from flask import abort, g, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import alerts, experience, people, referrals, retention
from portal.access import Permission
from portal.caseload import today
from portal.i18n import N_, gettext
from portal.journeys.self_referral import SELF_REFERRAL
from portal.people import SHARING
from portal.web import goals, questions
from portal.web.caseload.door import answers_now, blueprint, contact_of, read, say_answer, to_case
from portal.web.caseload.plan import missing_words, next_of, plan_of
from portal.web.caseload.scores import scales_of
from portal.web.caseload.words import say_needs, say_promise, shown_alert
from portal.web.security import allow

SUPPORT = ("spoken_language", "written_language", "interpreter", "access_needs", "access_detail")

DECISIONS: dict[str, str] = {
    "given": N_("Yes"),
    "refused": N_("No"),
    "withdrawn": N_("No: they took it back"),
    "left-blank": N_("Left blank, so no"),
    "prefer-not-to-say": N_("Chose not to say, so no"),
}
GIVEN_BY: dict[str, str] = {
    "person": N_("in the form"),
    "proxy": N_("by the person who filled in the form for them"),
    "staff-recorded-verbal": N_("in words, to one of us"),
}


def _permissions(person_id: uuid.UUID) -> list[tuple[str, str]]:
    """Every question about sharing, and what counts now. No row means no."""
    now_count = people.permissions_of(g.store, g.actor.service_id, person_id)
    told = []
    for kind in SHARING:
        row = now_count.get(kind)
        said = gettext(N_("Not asked, so no"))
        if row:
            said = gettext(
                N_("%(answer)s (%(how)s)"),
                answer=gettext(DECISIONS[row.decision]),
                how=gettext(GIVEN_BY.get(row.given_by, GIVEN_BY["person"])),
            )
        told.append((gettext(SELF_REFERRAL.question(kind).name), said))
    return told


def _answers_by_step(answers: Mapping[str, object]) -> list[tuple[str, list[tuple[str, Markup]]]]:
    """Every question on the person's path, by page, with its answer or its absence in words."""
    return [
        (
            gettext(step.title or step.questions[0].name),
            [(gettext(one.name), questions.in_words(one, answers)) for one in step.questions],
        )
        for step in SELF_REFERRAL.path(answers)
        if step.questions
    ]


def _not_asked(answers: Mapping[str, object]) -> list[str]:
    """The pages that other answers made needless."""
    path = SELF_REFERRAL.path(answers)
    left_out = [step for step in SELF_REFERRAL.steps if step.questions and step not in path]
    return [gettext(step.title or step.questions[0].name) for step in left_out]


def _said_in_history(one: referrals.Happened) -> str:
    reason = g.settings.named_reason(one.reason) if one.reason else None
    what = gettext(referrals.STATUSES.get(one.what) or referrals.HISTORY_ACTS[one.what])
    said = [what, one.to, gettext(reason.label) if reason else ""]
    return ": ".join(part for part in said if part)


def _parts(referral: referrals.Referral) -> dict[str, object]:
    """What the parts of other doors need."""
    told: dict[str, object] = {}
    for name in ("contacts", "onward", "letters", "closing"):
        with suppress(ModuleNotFoundError):
            told |= import_module(f"portal.web.caseload.{name}").for_case(referral)
    return told


@blueprint.get("/referrals/<uuid:referral_id>")
@allow(Permission.READ_REFERRAL, audits=True)
def case(referral_id: uuid.UUID) -> ResponseReturnValue:
    """One referral: how to reach the person safely, alerts, their own words, what to do, goals, check-ins, the rest."""
    referral = read(referral_id)
    answers, names = answers_now(referral), referrals.staff_names(g.store, g.actor)
    person = people.read(g.store, g.actor, referral.person_id)
    reason = g.settings.named_reason(referral.reason) if referral.reason else None
    plan = plan_of(referral)
    not_in, missing = missing_words(referral, plan)
    erasure = retention.latest_request(g.store, g.actor.service_id, person.id)
    today.looked(g.store, g.actor, referral)
    return render_template(
        "caseload/case.html",
        **_parts(referral),
        referral=referral,
        person=person,
        **goals.for_staff(referral),
        plan=plan,
        next=next_of(plan),
        not_in=not_in,
        missing=missing,
        scales=scales_of(referral, names),
        comments=experience.said_by(g.store, g.actor, person.id),
        erasure_asked=erasure is not None and erasure.state == "asked",
        contact=contact_of(referral),
        support=[(gettext(SELF_REFERRAL.question(code).name), say_answer(code, answers)) for code in SUPPORT],
        alerts=[shown_alert(one, names, whole=True) for one in alerts.of_referral(g.store, g.actor, referral.id)],
        words=people.value_of(answers, "what_matters"),
        needs=say_needs(referrals.needs_of(g.store, referral)),
        steps=_answers_by_step(answers),
        not_asked=_not_asked(answers),
        permissions=_permissions(referral.person_id),
        duplicates=people.possible_duplicates(g.store, person),
        matches=people.MATCHES,
        others=[one for one in referrals.of_person(g.store, g.actor, person.id) if one.id != referral.id],
        merges=people.merges_of(g.store, g.actor, person.id)[:1],
        statuses=referrals.STATUSES,
        history=[(one, _said_in_history(one)) for one in referrals.history(g.store, g.actor, referral)],
        is_new=referral.status in referrals.WAITING,
        promise=referrals.promise_of(g.settings, referral.due_at),
        promise_words=say_promise(referrals.promise_of(g.settings, referral.due_at)),
        assigned=names.get(referral.assigned_to or referral.id, ""),
        decided_by=names.get(referral.decided_by or referral.id, gettext(N_("The person themselves"))),
        reason=gettext(reason.label) if reason else "",
    )


@blueprint.post("/referrals/<uuid:referral_id>/ways/<uuid:way_id>/confirm")
@allow(Permission.CONFIRM_CONTACT)
def confirm_way(referral_id: uuid.UUID, way_id: uuid.UUID) -> ResponseReturnValue:
    """The worker has shown that this number or address is the person's own."""
    referral = read(referral_id)
    if way_id not in {way.id for way in people.ways_of(g.store, g.actor.service_id, referral.person_id)}:
        abort(404)
    try:
        people.confirm_way(g.store, g.actor, way_id)
    except people.Gone:
        abort(404)
    return to_case(referral.id)
