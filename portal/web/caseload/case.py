"""One referral: the rule of safe contact, alerts, the person's own words, everything they said, what to do."""

import uuid
from collections.abc import Mapping, Sequence

from flask import abort, g, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from portal import alerts, experience, people, referrals, retention
from portal.access import Permission
from portal.caseload import completeness, today, triage
from portal.i18n import N_, gettext
from portal.journeys.details import LANGUAGE
from portal.journeys.self_referral import SELF_REFERRAL
from portal.services import practices
from portal.services.practices import Practice
from portal.web import goals, questions
from portal.web.caseload import (
    closing,
    contacts,
    letters,
    onward,
    plan_words,
    record,
    safeguarding,
    sharing,
    tasks,
    timeline,
)
from portal.web.caseload.door import answers_now, blueprint, contact_of, read, staff_names, to_case
from portal.web.caseload.plan import missing_words, next_of, plan_of
from portal.web.caseload.scores import scales_of
from portal.web.caseload.words import say_needs, say_promise, shown_alert
from portal.web.security import allow


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


# What is still missing ------------------------------------------------------------------------------------------------

FILLED_ON: dict[str, tuple[str, str] | tuple[str, str, str]] = {
    "give": ("caseload.give", ""),
    "contacts": ("caseload.case", "contacts"),
    "risks": ("caseload.risks_of", ""),
    "gp-practice": ("caseload.gp_practice", ""),
    "access-needs": ("caseload.access_needs_of", ""),
    "interpreter": ("caseload.details_part", "interpreter", LANGUAGE),
    "share-gp": ("caseload.sharing_of", "share_gp"),
    "plan": ("caseload.care_plan_of", ""),
    "plan-change": ("caseload.change_plan", ""),
    "agree": ("caseload.agree_plan", ""),
    "check-ins": ("caseload.plan", ""),
    "onward": ("caseload.case", "onward"),
    "closing": ("caseload.case", "closing"),
}
"""The page, the place on it, and which part of the details, where something that is missing is filled in."""


def _completeness(referral: referrals.Referral) -> dict[str, object]:
    """What parts/case_completeness.html shows: a share with its denominator, and a link to each gap."""
    found = completeness.of_case(g.store, g.actor, referral)
    return {
        "checks_there": found.there,
        "checks_counted": len(found.counted),
        "missing_checks": [
            (gettext(one.label), gettext(one.why), _standards(one), _address(one.where, referral.id))
            for one in found.missing
        ],
    }


def _standards(check: completeness.Check) -> str:
    """Which standards ask for it, in one line."""
    return "; ".join(f"{gettext(name)} {part}".strip() for name, part in check.standard)


def _address(where: str, referral_id: uuid.UUID) -> str:
    endpoint, place, *part = FILLED_ON[where]
    return url_for(endpoint, referral_id=referral_id, slug=part[0] if part else None, _anchor=place or None)


def _parts(referral: referrals.Referral) -> dict[str, object]:
    """What every part of the page needs."""
    return {
        **contacts.for_case(referral),
        **plan_words.for_case(referral),
        **record.risks_for_case(referral),
        **record.needs_for_case(referral),
        **tasks.for_case(referral),
        **safeguarding.for_case(referral),
        **record.notes_for_case(referral),
        **onward.for_case(referral),
        **letters.for_case(referral),
        **closing.for_case(referral),
        **timeline.for_case(referral),
        **sharing.for_case(referral),
        **_completeness(referral),
        "triage": triage.missing(g.store, referral),
        "no_practice": triage.NO_PRACTICE,
    }


def _practices_like(referral: referrals.Referral, said: str, code: str | None) -> Sequence[Practice]:
    """The practices that the person may mean, while triage asks which it is."""
    asked = said and code is None and referral.status == "accepted"
    return practices.like(g.store, referral.service_id, said) if asked else ()


@blueprint.get("/referrals/<uuid:referral_id>")
@allow(Permission.READ_REFERRAL, audits=True)
def case(referral_id: uuid.UUID) -> ResponseReturnValue:
    """One referral: how to reach the person safely, alerts, their own words, what to do, goals, check-ins, the rest."""
    referral = read(referral_id)
    answers, names = answers_now(referral), staff_names()
    person = people.read(g.store, g.actor, referral.person_id)
    reason = g.settings.named_reason(referral.reason) if referral.reason else None
    plan = plan_of(referral)
    not_in, missing = missing_words(referral, plan)
    erasure = retention.latest_request(g.store, g.actor.service_id, person.id)
    today.looked(g.store, g.actor, referral)
    last = referrals.last_change(g.store, referral)
    return render_template(
        "caseload/case.html",
        **_parts(referral),
        practices_like=_practices_like(referral, person.gp_practice or "", person.gp_practice_code),
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
        alerts=[shown_alert(one, names, whole=True) for one in alerts.of_referral(g.store, g.actor, referral.id)],
        words=people.value_of(answers, "what_matters"),
        needs=say_needs(referrals.needs_of(g.store, referral)),
        steps=_answers_by_step(answers),
        not_asked=_not_asked(answers),
        duplicates=people.possible_duplicates(g.store, person),
        matches=people.MATCHES,
        others=[one for one in referrals.of_person(g.store, g.actor, person.id) if one.id != referral.id],
        merges=people.merges_of(g.store, g.actor, person.id)[:1],
        statuses=referrals.STATUSES,
        # What was ever taken stays a case, however it ended.
        is_case=referral.is_open or referral.assigned_to is not None,
        is_new=referral.status in referrals.WAITING,
        promise=referrals.promise_of(g.settings, referral.due_at),
        promise_words=say_promise(referrals.promise_of(g.settings, referral.due_at)),
        assigned=names.get(referral.assigned_to or referral.id, ""),
        decided_by=names.get((last.changed_by if last else None) or referral.id, gettext(N_("The person themselves"))),
        decided_at=last.created_at if last else referral.decided_at,
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
