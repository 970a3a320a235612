"""Finding a person. What is typed goes in the body of a POST, so that no name ever stands in an address or a log."""

from dataclasses import dataclass

from flask import g, render_template
from flask.typing import ResponseReturnValue

from portal import people
from portal.access import Permission
from portal.caseload import listing
from portal.i18n import N_, gettext
from portal.web import forms
from portal.web.caseload.door import blueprint, staff_names
from portal.web.caseload.listing import ShownCase, shown_case
from portal.web.security import allow, keeps_typed


class Find(forms.Form):
    """One line for everything."""

    typed = forms.Words(
        N_("Whom are you looking for?"),
        longest=people.LONGEST_SEARCH,
        missing=N_("Type a name, a reference or a number"),
        hint=N_(
            "A name or a part of it, in any script. You can add a date or a year of birth. Or a reference, a phone "
            "number, an email address or an NHS number by itself."
        ),
    )


@dataclass(frozen=True)
class ShownHit:
    """Somebody who was found: enough to know them by."""

    hit: people.Hit
    name: str
    year: str
    matched: str
    cases: list[ShownCase]


def _shown(found: people.Found) -> list[ShownHit]:
    names = staff_names()
    lines = listing.of_people(g.store, g.actor, [hit.person.id for hit in found.hits])
    return [
        ShownHit(
            hit,
            " ".join(part for part in (hit.person.first_name, hit.person.family_name) if part),
            hit.person.born[:4],
            ", ".join(gettext(people.MATCHED_BY[code]) for code in hit.matched),
            [shown_case(line, names) for line in lines.get(hit.person.id, [])],
        )
        for hit in found.hits
    ]


def _page(form: Find, found: people.Found | None = None, status: int = 200) -> ResponseReturnValue:
    hits = _shown(found) if found else []
    page = render_template("caseload/search.html", form=form, found=found, hits=hits, most=people.MOST_FOUND)
    return page, status


@blueprint.get("/search")
@allow(Permission.READ_CASELOAD)
def search() -> ResponseReturnValue:
    """The box."""
    return _page(Find(formdata=None))


@blueprint.post("/search")
@allow(Permission.READ_CASELOAD)
@keeps_typed
def found() -> ResponseReturnValue:
    """Who was found, and by what. Shown at once: what was typed may stand in no address to lead to."""
    form = Find()
    if not form.sent():
        return _page(form, status=422)
    try:
        return _page(form, people.search(g.store, g.actor, form.typed.data))
    except people.NothingToSearch:
        form.refuse("typed", gettext(N_("We cannot search for that. Type a name, a reference or a number")))
        return _page(form, status=422)
