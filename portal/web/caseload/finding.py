"""Finding a place for a person: the search of the directory, with what is known of them set beforehand."""

import uuid
from collections.abc import Callable, Mapping

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import directory, people, reading, referrals
from portal.access import Permission
from portal.caseload import access_needs
from portal.clock import today
from portal.i18n import N_, gettext, language_name
from portal.journeys.access_needs import SAID
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.web import activities
from portal.web.activities import ANY, KnownOf
from portal.web.caseload.door import blueprint, contact_of, read
from portal.web.security import allow


def known_of(referral: Referral) -> KnownOf:
    """What is known of the person that helps to find a place. A language and an access need that no activity speaks of
    would hide them all, and are left out."""
    person = people.read(g.store, g.actor, referral.person_id)
    needs = access_needs.of_person(g.store, g.service.id, referral.person_id)
    met, spoken = directory.access_of(g.store, g.service.id), directory.languages_of(g.store, g.service.id)
    theirs = {one.need for one in needs if one.need_of == "self"}
    youngest, oldest = reading.age_on(person.born, today())
    return KnownOf(
        near=person.postcode or "",
        language=person.spoken_language if person.spoken_language != "en" and person.spoken_language in spoken else "",
        age=oldest if youngest == oldest else None,
        access=tuple(code for code in directory.ACCESS if SAID[code] in theirs and code in met),
    )


def _fits(asked: Mapping[str, str], theirs: KnownOf) -> list[str]:
    """What is asked for because it is known of the person, and not because somebody chose it."""
    fits = [language_name(theirs.language)] if theirs.language and not asked["language"] else []
    if not asked["access"]:
        fits += theirs.needs()
    if theirs.age and not asked["age"] and not asked["any_age"]:
        fits.append(gettext(N_("age %(age)s"), age=theirs.age))
    return fits


def _left_out(asked: Mapping[str, str], theirs: KnownOf, address: Callable[..., str]) -> list[tuple[str, str]]:
    """What to leave out so that something is found, and where that leads: one thing where one is enough, else all."""
    parts: dict[str, tuple[str, dict[str, str]]] = {
        "access": (gettext(N_("Whatever the place offers")), {"access": ANY}),
        "language": (gettext(N_("In any language")), {"language": ANY}),
        "age": (gettext(N_("For any age")), {"any_age": "y"}),
        "need": (gettext(N_("For any need")), {"need": ""}),
        "miles": (gettext(N_("However far away")), {"miles": ""}),
    }
    wished = activities.wish(asked, theirs)
    asking = {name: parts[name] for name in parts if wished["within_miles" if name == "miles" else name]}

    def finds(without: Mapping[str, str]) -> bool:
        wider = activities.wish({**asked, **without}, theirs)
        return bool(directory.search(g.store, g.service.id, **wider, size=1).rows)

    one_is_enough = [(words, address(**without)) for words, without in asking.values() if finds(without)]
    every = {name: value for _, without in asking.values() for name, value in without.items()}
    if one_is_enough or len(asking) < 2 or not finds(every):
        return one_is_enough
    return [(gettext(N_("Leave all of this out")), address(**every))]


@blueprint.get("/referrals/<uuid:referral_id>/onward/find")
@allow(Permission.WORK_ON_CASE, audits=True)
def onward_find(referral_id: uuid.UUID) -> ResponseReturnValue:
    """What the directory has that fits the person, the nearest first; or any place that is not in it."""
    referral = read(referral_id)
    theirs, own_needs = known_of(referral), referrals.needs_of(g.store, referral)
    asked = activities.asked_for(request.args)
    if "need" not in request.args and len(own_needs) == 1:
        asked["need"] = own_needs[0]
    found = directory.search(
        g.store, g.service.id, **activities.wish(asked, theirs), after=activities.place(request.args)
    )
    listed = SELF_REFERRAL.question("needs")
    needs = [(code, listed.say([code])) for code in dict.fromkeys([*own_needs, *(c.code for c in listed.choices)])]

    def address(**other: str | None) -> str:
        # The need is named even when it is none: left out, it would be theirs again.
        chosen = {**activities.kept(asked), "need": asked["need"], **other}
        return url_for("caseload.onward_find", referral_id=referral.id, **chosen)

    any_there = bool(found.rows) or directory.any_offered(g.store, g.service.id)
    return render_template(
        "caseload/onward_find.html",
        referral=referral,
        contact=contact_of(referral),
        found=found,
        asked=asked,
        theirs=theirs,
        fits=_fits(asked, theirs),
        lists=activities.lists(asked, needs, theirs),
        distance=activities.distance,
        link=lambda one: url_for(
            "caseload.onward_new", referral_id=referral.id, activity=one.id, need=asked["need"] or None
        ),
        older=address(after=found.after) if found.after else "",
        any_there=any_there,
        left_out=_left_out(asked, theirs, address) if any_there and not found.rows else [],
    )
