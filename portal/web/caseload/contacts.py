"""Contacts: one press that records an attempt, the page on which it is completed, the list on the page of a case."""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import codes, people, reading, referrals
from portal.access import Permission
from portal.caseload import contacts, lists
from portal.caseload.contacts import Contact
from portal.caseload.lists import Listed
from portal.clock import now, today
from portal.i18n import LONDON, N_, gettext, say_date
from portal.referrals import Referral
from portal.web import forms
from portal.web.admin import NOT_A_DAY, read_day
from portal.web.caseload.door import a_place, blueprint, contact_of, read, staff_names
from portal.web.caseload.plan import TOO_FAR
from portal.web.safe_contact import NO_INTERPRETER
from portal.web.security import allow, keeps_typed

MANY = ("with_whom", "results")
"""The fields that may be there more than once."""
ON_THE_CASE = 3
"""Contacts that the page of a case shows; all of them have a page of their own."""
ON_A_PAGE = 20
"""Contacts on one of those."""
YES_NO = (("yes", N_("Yes")), ("no", N_("No")))
NOT_A_TIME = N_("Enter a time such as 14:30, or leave it blank")
DONE: dict[str, str] = {
    "recorded": N_("The contact is recorded. Below you can add to it, now or later. You do not have to."),
    "changed": N_("What you changed is kept."),
}
SAY: dict[tuple[str, str], str] = {
    ("happened_at", "future"): N_("That moment has not come yet. Enter when it was"),
    ("happened_at", "before-referral"): N_("That is before their form came in, on %(day)s. Enter a later day or time"),
    ("next_due", "past"): N_("That day is past. Enter today or a later day"),
    ("next_due", "too-far"): TOO_FAR,
    ("minutes", "out-of-range"): N_("Enter the whole minutes, from 1 to %(most)s, or leave it blank"),
}
"""What is wrong, by the field and the room's code."""


# The form ------------------------------------------------------------------------------------------------------------


class Form(forms.Form):
    """Everything about one contact."""

    outcome = forms.OneOf(N_("What came of it?"), missing=N_("Choose what came of it"))
    mechanism = forms.Listed(N_("How?"), missing=N_("Choose how"))
    direction = forms.OneOf(N_("Who got in touch?"), missing=N_("Choose who got in touch"))
    day = forms.Code(N_("On which day?"), longest=40, hint=N_("Such as 24 11 2026."), missing=NOT_A_DAY)
    time = forms.Code(N_("At what time?"), longest=20, hint=N_("Such as 14:30. You can leave it blank."))
    with_whom = forms.SomeOf(N_("Who was there?"))
    location = forms.OneOf(N_("Where?"), missing="")
    minutes = forms.Code(N_("How many minutes did it take?"), longest=10)
    interpreter = forms.OneOf(N_("Did an interpreter help?"), missing="")
    access_met = forms.OneOf(N_("Did they get what they need to understand and be understood?"), missing="")
    results = forms.SomeOf(N_("What was agreed?"))
    next_step = forms.Words(N_("What is the next step?"), longest=contacts.LONGEST_STEP)
    next_due = forms.Code(
        N_("When is it due?"), longest=40, hint=N_("A day such as 24 11 2026. It then stands on your page of today.")
    )
    notes = forms.LongWords(
        N_("Notes for your team"),
        longest=contacts.LONGEST_NOTES,
        hint=N_("They are not shown on the person's page. The person can ask to see everything we hold about them."),
    )
    shared_note = forms.LongWords(
        N_("What to share with the person"),
        longest=contacts.LONGEST_SHARED,
        hint=N_("They read this on their own page, in your words. It is never put into a message."),
    )


def _offer(form: Form) -> Form:
    """The form with the closed lists, each entry with its definition beside it."""
    for name, entries in (
        ("outcome", lists.ATTEMPT_OUTCOMES),
        ("mechanism", lists.MECHANISMS),
        ("direction", lists.DIRECTIONS),
        ("with_whom", lists.WITH_WHOM),
        ("location", lists.LOCATIONS),
        ("access_met", lists.ACCESS_MET),
        ("results", lists.CONTACT_RESULTS),
    ):
        form[name].choices = choices_of(entries)
        form[name].means = {one.code: gettext(one.definition) for one in entries if one.definition}
    form.interpreter.choices = [(code, gettext(text)) for code, text in YES_NO]
    return form


def choices_of(entries: Sequence[Listed]) -> list[tuple[str, str]]:
    """A closed list as choices, translated."""
    return [(one.code, gettext(one.label)) for one in entries]


def say(entries: Sequence[Listed], code: str | None) -> str:
    """The label of a code; empty without one."""
    found = lists.entry(entries, code)
    return gettext(found.label) if found else ""


def _blank(referral: Referral) -> Form:
    usual = contacts.usual_mechanism(g.store, g.actor, referral.person_id)
    held: dict[str, Any] = {"mechanism": usual, "direction": "out", "with_whom": ["person"]}
    return _offer(Form(formdata=None, data={**held, "day": _say_day(today())}))


def _filled(contact: Contact) -> Form:
    """The form as the contact stands."""
    used = {None: "", True: "yes", False: "no"}[contact.interpreter_used]
    held: dict[str, Any] = {
        "day": _say_day(_local(contact).date()),
        "time": f"{_local(contact):%H:%M}",
        "minutes": str(contact.minutes or ""),
        "interpreter": used,
        "access_met": contact.ais_met or "",
        "next_due": _say_day(contact.next_due) if contact.next_due else "",
    }
    same = ("outcome", "mechanism", "direction", "with_whom", "location", "results", *("next_step", "notes"))
    held |= {name: getattr(contact, name) or "" for name in (*same, "shared_note")}
    return _offer(Form(formdata=None, data=held))


def _local(contact: Contact) -> datetime:
    return contact.happened_at.astimezone(LONDON)


def _say_day(day: date) -> str:
    return f"{day.day} {day.month} {day.year}"


@dataclass(frozen=True)
class Asked:
    """What is asked of this person only: about an interpreter, about what they need to understand."""

    interpreter: bool
    access: bool


def _asked(referral: Referral, contact: Contact | None = None) -> Asked:
    person = people.read(g.store, g.actor, referral.person_id)
    speaks_english = person.spoken_language == "en" and person.interpreter in NO_INTERPRETER
    return Asked(
        interpreter=not speaks_english or bool(contact and contact.interpreter_used is not None),
        access=contacts.has_access_need(g.store, person) or bool(contact and contact.ais_met),
    )


# Reading what was typed ----------------------------------------------------------------------------------------------

_TIME = re.compile(r"([0-9]{1,2})(?:[:.h]?([0-9]{2}))?\s*(am|pm)?")


def read_time(typed: str) -> time | None:
    """A time as people type it: 14:30, 14.30, 1430, 2pm, 2.30 pm, in any script's digits; ``None`` when it is none."""
    found = _TIME.fullmatch(reading.digits(typed).strip().lower())
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2] or 0), found[3]
    if half and not 1 <= hour <= 12:
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    try:
        return time(hour, minute)
    except ValueError:
        return None


def _said(form: Form, referral: Referral, contact: Contact | None = None) -> dict[str, Any] | None:
    """What the form says, for the room; ``None`` when something cannot be read, which the form then tells."""
    whole = form.sent()
    moment = _moment(form, referral, contact)
    due = _next_due(form)
    minutes = reading.digits(form.minutes.data).strip()
    if minutes and not (minutes.isascii() and minutes.isdigit()):
        form.refuse("minutes", _sentence(referral, "minutes", "out-of-range"))
    if not whole or form.problems():
        return None
    asked = _asked(referral, contact)
    said: dict[str, Any] = {
        **{name: form[name].data for name in ("outcome", "mechanism", "direction", "with_whom", "location", "results")},
        **{name: form[name].data for name in ("next_step", "notes", "shared_note")},
        "happened_at": moment,
        "next_due": due,
        "minutes": int(minutes) if minutes else None,
    }
    if asked.interpreter:
        said["interpreter_used"] = {"yes": True, "no": False}.get(form.interpreter.data)
    if asked.access:
        said["ais_met"] = form.access_met.data
    return said


def _moment(form: Form, referral: Referral, contact: Contact | None) -> datetime | None:
    """When it was: without a time, now on this very day, and noon on any other, but never before the form came in."""
    day, typed = read_day(form.day.data), form.time.data.strip()
    clock = read_time(typed) if typed else None
    if form.day.data and day is None:
        form.refuse("day", gettext(NOT_A_DAY))
    if typed and clock is None:
        form.refuse("time", gettext(NOT_A_TIME))
    if day is None or (typed and clock is None):
        return None
    if contact and (day, clock) == (_local(contact).date(), _local(contact).time().replace(second=0, microsecond=0)):
        return contact.happened_at  # to the second, as it was recorded
    if clock is None and day == today():
        return now()
    moment = datetime.combine(day, clock or time(12), LONDON)
    came = referral.referred_at.astimezone(LONDON)
    same_minute = clock is not None and moment == came.replace(second=0, microsecond=0)
    return came if same_minute or (clock is None and day == came.date()) else moment


def _next_due(form: Form) -> date | None:
    if not form.next_due.data:
        return None
    day = read_day(form.next_due.data)
    if day is None:
        form.refuse("next_due", gettext(NOT_A_DAY))
    return day


def _sentence(referral: Referral, name: str, code: str) -> str:
    came = say_date(referral.referred_at, weekday=False)
    said = SAY.get((name, code))
    if said is None:  # what no page of ours can send
        return gettext(N_("Choose one of those that are offered"))
    return gettext(said, day=came, most=contacts.MOST_MINUTES)


_SHOWN_AT = {"happened_at": "day", "interpreter_used": "interpreter", "ais_met": "access_met"}


def _tell(form: Form, referral: Referral, problem: contacts.NotPossible) -> None:
    for name, code in problem.problems.items():
        form.refuse(_SHOWN_AT.get(name, name), _sentence(referral, name, code))


# Shown ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A contact in words. ``own``: whoever reads this recorded it. ``after``: it was after the case had ended."""

    contact: Contact
    outcome: str
    how: str
    by: str
    results: tuple[str, ...]
    own: bool
    after: bool


def shown(referral: Referral, contact: Contact, names: Mapping[uuid.UUID, str]) -> Shown:
    """A contact in words."""
    whom = [say(lists.WITH_WHOM, code) for code in contact.with_whom if code != "person"]
    came_in = [say(lists.DIRECTIONS, "in")] if contact.direction == "in" else []
    minutes = [gettext(N_("%(num)s minutes"), num=contact.minutes)] if contact.minutes else []
    how = [say(lists.MECHANISMS, contact.mechanism), *came_in, say(lists.LOCATIONS, contact.location), *whom, *minutes]
    return Shown(
        contact,
        say(lists.ATTEMPT_OUTCOMES, contact.outcome),
        ". ".join(filter(None, how)),
        names.get(contact.recorded_by, ""),
        tuple(say(lists.CONTACT_RESULTS, code) for code in contact.results),
        contact.recorded_by == g.actor.staff_id,
        contacts.after_the_end(referral, contact),
    )


def rows_of(one: Shown) -> list[tuple[str, str]]:
    """Everything that is said in a contact, for whoever reads it, under the questions of the form."""
    contact, asked = one.contact, Form(formdata=None)
    used = "" if contact.interpreter_used is None else YES_NO[0 if contact.interpreter_used else 1][1]
    told = {
        "outcome": one.outcome,
        "mechanism": one.how,
        "interpreter": gettext(used) if used else "",
        "access_met": say(lists.ACCESS_MET, contact.ais_met),
        "results": ". ".join(one.results),
        "next_step": contact.next_step,
        "next_due": say_date(contact.next_due) if contact.next_due else "",
        "notes": contact.notes,
        "shared_note": contact.shared_note,
    }
    return [(gettext(asked[name].label.text), value) for name, value in told.items() if value]


def _quick(referral: Referral) -> dict[str, object]:
    """What the bar of outcomes needs: every outcome is one press."""
    usual = contacts.usual_mechanism(g.store, g.actor, referral.person_id)
    return {
        "address": url_for("caseload.record_contact", referral_id=referral.id),
        "once": codes.new_key(),
        "outcomes": [(one.code, gettext(one.label), gettext(one.definition)) for one in lists.ATTEMPT_OUTCOMES],
        "mechanisms": [(code, text, code == usual) for code, text in choices_of(lists.MECHANISMS)],
        "directions": choices_of(lists.DIRECTIONS),
    }


def for_case(referral: Referral) -> dict[str, object]:
    """What parts/quick_contact.html and parts/case_contacts.html need: ``quick_contact`` (none where no contact can be
    recorded) and ``contacts``, with ``contacts_at_once`` of them in sight."""
    names = staff_names()
    theirs = contacts.of_referral(g.store, g.actor, referral.id)
    return {
        "quick_contact": _quick(referral) if referral.is_open else None,
        "contacts": [shown(referral, one, names) for one in theirs],
        "contacts_at_once": ON_THE_CASE,
        "enough_attempts": referral.is_open and referral.attempts >= g.settings.contact_attempts,
    }


# The pages -----------------------------------------------------------------------------------------------------------


def _page(
    referral: Referral,
    form: Form | None,
    contact: Contact | None = None,
    *,
    once: str = "",
    version: int | None = None,
    stands: Shown | None = None,
    problem: str = "",
) -> str:
    """``stands``: the contact as it stands now, beside what was typed or instead of a form."""
    quick = contact is None and form is not None and not form.is_submitted() and referral.status != "submitted"
    return render_template(
        "caseload/contact.html",
        referral=referral,
        contact=contact_of(referral),
        recorded=contact,
        form=form,
        asked=_asked(referral, contact),
        once=once or codes.new_key(),
        version=version or (contact.version if contact else 0),
        stands=stands,
        rows=rows_of(stands) if stands else [],
        problem=problem,
        quick_contact=_quick(referral) if quick else None,
        ended=contacts.ended_at(referral) if referral.status != "submitted" else None,
        status=gettext(referrals.STATUSES[referral.status]),
        done=gettext(DONE[told]) if (told := request.args.get("done", "")) in DONE else "",
    )


NOT_TAKEN = N_("Nobody has taken this referral yet. Accept it first, then record the contact. What you wrote is here.")


@blueprint.get("/referrals/<uuid:referral_id>/contacts")
@allow(Permission.WORK_ON_CASE, audits=True)
def contacts_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Every contact of a case, the latest first."""
    referral = read(referral_id)
    theirs = contacts.of_referral(g.store, g.actor, referral.id)
    after = a_place()
    begins = next((place for place, one in enumerate(theirs, 1) if one.id == after), 0)
    here, names = theirs[begins : begins + ON_A_PAGE], staff_names()
    address = url_for("caseload.contacts_of", referral_id=referral.id)
    return render_template(
        "caseload/contacts.html",
        referral=referral,
        contact=contact_of(referral),
        contacts=[shown(referral, one, names) for one in here],
        newer=address if begins else "",
        older=f"{address}?after={here[-1].id}" if len(theirs) > begins + ON_A_PAGE else "",
    )


@blueprint.get("/referrals/<uuid:referral_id>/contacts/new")
@allow(Permission.WORK_ON_CASE, audits=True)
def new_contact(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Record a contact: with one press, or everything at once."""
    referral = read(referral_id)
    if referral.status == "submitted":
        return redirect(url_for("caseload.case", referral_id=referral.id), 303)
    return _page(referral, _blank(referral))


@blueprint.post("/referrals/<uuid:referral_id>/contacts")
@allow(Permission.WORK_ON_CASE, lists=MANY)
@keeps_typed
def record_contact(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Record a contact. One press sends the outcome alone; the whole form sends its day as well."""
    referral = read(referral_id)
    once = request.form.get("once", "")[:100]
    quick = "day" not in request.form
    form = _offer(_pressed(referral) if quick else Form())
    said = _said(form, referral)
    if said is None:
        return _page(referral, form, once=once), 422
    try:
        contact = contacts.record(g.store, g.service, g.actor, referral.id, once=once or codes.new_key(), **said)
    except contacts.NotTaken:
        return _page(referral, form, once=once, problem=gettext(NOT_TAKEN)), 409
    except contacts.NotPossible as problem:
        _tell(form, referral, problem)
        return _page(referral, form, once=once), 422
    return _to_contact(contact, "recorded")


def _pressed(referral: Referral) -> Form:
    """The form that one press stands for: now, with the person, in the way that is preset or was chosen beside it."""
    filled = request.form.copy()
    filled["day"] = _say_day(today())
    filled.setdefault("direction", "out")
    filled.setdefault("mechanism", contacts.usual_mechanism(g.store, g.actor, referral.person_id))
    filled.setlist("with_whom", ["person"])
    return Form(formdata=filled)


def _to_contact(contact: Contact, done: str) -> ResponseReturnValue:
    where = url_for("caseload.contact", referral_id=contact.referral_id, contact_id=contact.id, done=done)
    return redirect(where, 303)


def _contact(referral: Referral, contact_id: uuid.UUID) -> Contact:
    """A contact of this very referral; of any other one there is none."""
    try:
        found = contacts.find(g.store, g.actor, contact_id)
    except contacts.Gone:
        abort(404)
    if found.referral_id != referral.id:
        abort(404)
    return found


def _stands(referral: Referral, contact: Contact) -> Shown:
    return shown(referral, contact, staff_names())


@blueprint.get("/referrals/<uuid:referral_id>/contacts/<uuid:contact_id>")
@allow(Permission.WORK_ON_CASE, audits=True)
def contact(referral_id: uuid.UUID, contact_id: uuid.UUID) -> ResponseReturnValue:
    """One contact: to complete for whoever recorded it, to read for everybody else."""
    referral = read(referral_id)
    found = _contact(referral, contact_id)
    own = found.recorded_by == g.actor.staff_id
    return _page(referral, _filled(found) if own else None, found, stands=_stands(referral, found))


@blueprint.post("/referrals/<uuid:referral_id>/contacts/<uuid:contact_id>")
@allow(Permission.WORK_ON_CASE, lists=MANY)
@keeps_typed
def change_contact(referral_id: uuid.UUID, contact_id: uuid.UUID) -> ResponseReturnValue:
    """Complete or change one's own contact."""
    referral = read(referral_id)
    found, form = _contact(referral, contact_id), _offer(Form())
    version = request.form.get("version", type=int)
    said = _said(form, referral, found)
    if said is None:
        return _page(referral, form, found, version=version), 422
    try:
        contacts.change(g.store, g.service, g.actor, found.id, version or 0, **said)
    except contacts.NotYours:
        abort(403)
    except contacts.NotPossible as problem:
        _tell(form, referral, problem)
        return _page(referral, form, found, version=version), 422
    except contacts.Meanwhile as meanwhile:
        told = gettext(N_("This contact was changed while you were writing. Nothing is lost: both stand here."))
        return _page(referral, form, found, stands=_stands(referral, meanwhile.contact), problem=told), 409
    return _to_contact(found, "changed")
