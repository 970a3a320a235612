"""Possible duplicates: two records side by side, made one, and two again."""

import uuid

from flask import abort, g, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from portal import people, referrals
from portal.access import Permission
from portal.caseload import reach
from portal.i18n import N_, gettext
from portal.journeys.self_referral import SELF_REFERRAL
from portal.web import safe_contact
from portal.web.caseload.door import blueprint, read, say_answer, to_case
from portal.web.security import allow


@blueprint.get("/referrals/<uuid:referral_id>/merge/<uuid:person_id>")
@allow(Permission.MERGE_PEOPLE, audits=True)
def compare(referral_id: uuid.UUID, person_id: uuid.UUID) -> ResponseReturnValue:
    """Two records side by side: what matches, what differs."""
    referral = read(referral_id)
    try:
        found = people.compare(g.store, g.actor, referral.person_id, person_id)
    except people.Gone:
        abort(404)
    if not _may_be_seen(found):
        abort(404)
    ours, others = people.facts_of(found.person), people.facts_of(found.other)
    rows = [
        (
            gettext(SELF_REFERRAL.question(code).name),
            say_answer(code, ours),
            say_answer(code, others),
            # Two blanks are nothing that they have in common.
            bool(people.value_of(ours, code) and people.value_of(others, code)),
        )
        for code in people.FACTS
    ]
    ways = [_ways_in_short(person.id) for person in (found.person, found.other)]
    return render_template(
        "caseload/compare.html",
        referral=referral,
        found=found,
        rows=[*rows, (gettext(N_("Safe ways to reach them")), *ways, all(ways))],
        matches=people.MATCHES,
        theirs=referrals.of_person(g.store, g.actor, found.other.id),
        statuses=referrals.STATUSES,
    )


def _may_be_seen(found: people.Comparison) -> bool:
    """Nobody is opened by an address alone: there is something that matches, or their record is open to the reader."""
    theirs = referrals.of_person(g.store, g.actor, found.other.id)
    standings = (reach.of_referral(g.store, g.actor, one.id) for one in theirs)
    return bool(found.matches) or any(standing.opens for standing in standings if standing)


def _ways_in_short(person_id: uuid.UUID) -> Markup:
    """The ways of one person, one below the other."""
    ways = safe_contact.in_words("", people.ways_of(g.store, g.actor.service_id, person_id)).ways
    with_address = Markup("{}: <bdi>{}</bdi>")
    return Markup("<br>").join(
        with_address.format(way.name, way.address) if way.address else escape(way.name) for way in ways
    )


@blueprint.post("/referrals/<uuid:referral_id>/merge/<uuid:person_id>")
@allow(Permission.MERGE_PEOPLE, confirms=True)
def merge(referral_id: uuid.UUID, person_id: uuid.UUID) -> ResponseReturnValue:
    """They are one person."""
    try:
        ours = read(referral_id).person_id
        # Pressed twice, they are one already.
        if ours != person_id and not _may_be_seen(people.compare(g.store, g.actor, ours, person_id)):
            abort(404)
        referrals.merge(g.store, g.actor, referral_id, person_id)
    except (referrals.Gone, people.Gone):
        abort(404)
    except people.NotMergeable:
        return _not_merged(referral_id)
    return to_case(referral_id)


@blueprint.post("/referrals/<uuid:referral_id>/undo-merge/<uuid:merge_id>")
@allow(Permission.MERGE_PEOPLE, confirms=True)
def undo_merge(referral_id: uuid.UUID, merge_id: uuid.UUID) -> ResponseReturnValue:
    """They were two people after all."""
    read(referral_id)
    try:
        people.undo_merge(g.store, g.actor, merge_id)
    except people.Gone:
        abort(404)
    except people.NotMergeable:
        return _not_merged(referral_id)
    return to_case(referral_id)


def _not_merged(referral_id: uuid.UUID) -> ResponseReturnValue:
    return render_template("caseload/not_merged.html", back=url_for("caseload.case", referral_id=referral_id)), 409
