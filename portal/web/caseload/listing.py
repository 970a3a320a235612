"""The caseload: filters, orders, pages, and the ways of looking that somebody keeps for themselves.

What is asked stands in the address, as codes alone: no name, no word of anybody.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import referrals
from portal.access import Permission
from portal.caseload import listing, views
from portal.clock import today
from portal.i18n import N_, gettext, language_name, say_date
from portal.journeys import ABSENCES
from portal.journeys.self_referral import SELF_REFERRAL
from portal.web import forms
from portal.web.caseload.door import blueprint, staff_names
from portal.web.caseload.words import say_late, say_needs
from portal.web.safe_contact import say_language
from portal.web.security import allow, keeps_typed

ANY: dict[str, str] = {
    "need": N_("Any need"),
    "language": N_("Any language"),
    "due": N_("Any next step"),
    "waiting": N_("Reached or not"),
    "quiet": N_("Any last contact"),
    "missing": N_("Anything or nothing missing"),
}
LABELS: dict[str, str] = {
    "whose": N_("Whose"),
    "status": N_("Where they stand"),
    "need": N_("Need"),
    "language": N_("Language"),
    "due": N_("Next step"),
    "waiting": N_("Reaching them"),
    "quiet": N_("Last contact"),
    "missing": N_("What is missing"),
    "sort": N_("Order"),
}


class Keep(forms.Form):
    """Under which name to keep this way of looking."""

    name = forms.Words(
        N_("Name"),
        longest=views.LONGEST_NAME,
        missing=N_("Give it a name"),
        hint=N_("Only you see it. Write no name of a person here."),
    )


@dataclass(frozen=True)
class ShownCase:
    """A case in the list, in words. ``family``: the rest of the name, so that two of the same first name are told
    apart; ``step``: what is next, both of one's own work only. ``late``: how late it is."""

    line: listing.Line
    family: str
    needs: list[str]
    language: str
    status: str
    worker: str
    step: str
    next_due: str
    late: str
    last_contact: str


@dataclass(frozen=True)
class _Choices:
    """A list to choose from: (code, text, chosen)."""

    name: str
    label: str
    items: list[tuple[str, str, bool]]


def shown_case(line: listing.Line, names: Mapping[uuid.UUID, str]) -> ShownCase:
    """A case in a list, in words."""
    referral, due = line.referral, line.referral.next_due
    return ShownCase(
        line,
        (line.person.family_name or "") if line.within else "",
        say_needs(line.needs),
        say_language(line.person.spoken_language, line.person.interpreter) if line.within else "",
        gettext(referrals.STATUSES[referral.status]),
        names.get(referral.assigned_to, "") if referral.assigned_to else "",
        (referral.next_step or "") if line.within else "",
        say_date(due, weekday=False) if due else "",
        say_late(due) if due and due < today() else "",
        say_date(referral.last_contact_at, weekday=False) if referral.last_contact_at else "",
    )


def _needs() -> list[tuple[str, str]]:
    return [(one.code, gettext(one.label)) for one in SELF_REFERRAL.question("needs").choices]


def _asked(given: Mapping[str, str]) -> listing.Asked:
    spoken = [given["language"]] if given.get("language") in listing.languages(g.store, g.actor) else []
    return listing.read(given, [code for code, _ in _needs()], spoken)


def _choices(asked: listing.Asked) -> list[_Choices]:
    lists = {name: [(one.code, gettext(one.label)) for one in entries] for name, entries in listing.LISTS.items()}
    spoken = [(code, language_name(code)) for code in listing.languages(g.store, g.actor) if code not in ABSENCES]
    lists |= {"need": _needs(), "language": sorted(spoken, key=lambda one: one[1])}
    made = []
    for name, label in LABELS.items():
        usual = [("", gettext(ANY[name]))] if name in ANY else []
        items = [(code, text, code == getattr(asked, name)) for code, text in (*usual, *lists[name])]
        made.append(_Choices(name, gettext(label), items))
    return made


def _page(asked: listing.Asked, keeping: Keep, status: int = 200) -> ResponseReturnValue:
    found = listing.page(
        g.store, g.actor, asked, after=request.args.get("after", ""), before=request.args.get("before", "")
    )
    names = staff_names()
    codes = asked.as_codes()
    page = render_template(
        "caseload/caseload_list.html",
        lines=[shown_case(line, names) for line in found.lines],
        choices=_choices(asked),
        interpreter=bool(asked.interpreter),
        codes=codes,
        narrowed=bool(codes),
        newer=_address({**codes, "before": found.newer}) if found.newer else "",
        older=_address({**codes, "after": found.older}) if found.older else "",
        views=[(one, _address(_known(one.asked))) for one in views.of(g.store, g.actor)],
        keeping=keeping,
        mine=asked.whose == "mine",
    )
    return page, status


def _address(asked: Mapping[str, Any]) -> str:
    return url_for("caseload.caseload_list", **asked)


def _known(asked: Mapping[str, object]) -> dict[str, str]:
    """A saved view as an address: codes alone."""
    fields = vars(listing.Asked())
    return {name: said for name, said in asked.items() if name in fields and isinstance(said, str)}


@blueprint.get("/caseload")
@allow(Permission.READ_CASELOAD)
def caseload_list() -> ResponseReturnValue:
    """The people whom somebody works with; by default one's own, the next step that is due first."""
    return _page(_asked(request.args), Keep(formdata=None))


@blueprint.post("/caseload/views")
@allow(Permission.READ_CASELOAD)
@keeps_typed
def keep_view() -> ResponseReturnValue:
    """Keep this way of looking under a name; then the list as it is."""
    asked = _asked(request.form)
    form = Keep()
    if not form.sent():
        return _page(asked, form, 422)
    try:
        views.keep(g.store, g.actor, form.name.data, asked.as_codes())
    except views.TooMany:
        form.refuse("name", gettext(N_("You keep %(most)s views already. Delete one first"), most=views.MOST))
        return _page(asked, form, 422)
    return redirect(_address(asked.as_codes()), 303)


@blueprint.post("/caseload/views/<uuid:view_id>/delete")
@allow(Permission.READ_CASELOAD)
def drop_view(view_id: uuid.UUID) -> ResponseReturnValue:
    """Take a view away. It is nobody else's."""
    if not views.drop(g.store, g.actor, view_id):
        abort(404)
    return redirect(url_for("caseload.caseload_list"), 303)
