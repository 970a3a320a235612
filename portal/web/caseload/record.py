"""What must be known about a person, and what staff write down: risks, access needs, the GP practice, notes."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import access, codes
from portal.access import Permission
from portal.caseload import access_needs, details, notes, risks, triage
from portal.caseload.access_needs import AccessNeed
from portal.caseload.cases import Gone, NotPossible, person_of
from portal.caseload.lists import NEED_OF, RISK_KINDS, Listed, entry
from portal.caseload.notes import CaseNote
from portal.caseload.risks import Risk
from portal.caseload.triage import NO_PRACTICE, NONE_KNOWN
from portal.clock import today
from portal.i18n import N_, gettext, say_date
from portal.journeys.access_needs import BY_CODE, CATEGORIES, TERMS
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.services import practices
from portal.web import forms, questions
from portal.web.admin import NOT_A_DAY, read_day
from portal.web.caseload.door import blueprint, contact_of, read, say_access_need, staff_names
from portal.web.caseload.plan import TOO_FAR
from portal.web.security import allow, keeps_typed

PAST = N_("That day is past")
FUTURE = N_("That day has not come yet")
TOO_LONG = N_("That is too long")
TYPE_AGAIN = N_("Please type it again: a character in it cannot be kept")
SAY: dict[str, str] = {
    "past": PAST,
    "too-far": TOO_FAR,
    "future": FUTURE,
    "too-long": TOO_LONG,
    "unreadable": TYPE_AGAIN,
    "missing": N_("Write a few words"),
    "not-listed": N_("Choose one from the list"),
    "risks-known": N_("A risk is written down here. End it first, if it is none any more"),
}
"""What a room found wrong with a field, in words."""


# What every page of this kind needs ----------------------------------------------------------------------------------


def optional_day(form: forms.Form, name: str) -> date | None:
    """The day that was typed into a field that may be left blank; what is no day is said at the field."""
    typed = form[name].data
    day = read_day(typed) if typed else None
    if typed and day is None:
        form.refuse(name, gettext(NOT_A_DAY))
    return day


def typed_day(day: date | None) -> str:
    """A day as people type it, to stand in a field."""
    return f"{day.day} {day.month} {day.year}" if day else ""


def refuse(form: forms.Form, problem: NotPossible, **other: str) -> None:
    """Say at each field what the room found wrong with it; ``other``: the sentence for a field's missing words, or for
    a day that is too far away."""
    for name, code in problem.problems.items():
        form.refuse(name, gettext(other.get(name, SAY[code]) if code in ("missing", "too-far") else SAY[code]))


def once() -> str:
    """The mark of a page by which the same press is one act; made when the page is first shown."""
    return questions.printable(request.form.get("once", "")[:60]) or str(codes.new_id())


def made_once() -> uuid.UUID | None:
    """The same row for the same page, however often its button is pressed."""
    mark = request.form.get("once", "")
    return uuid.uuid5(g.actor.staff_id, mark) if mark and len(mark) <= 60 else None


def version_typed() -> int:
    """The version that the page was filled in over; -1 when it does not say."""
    typed = request.form.get("version", "")
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else -1


def case_page(name: str, referral: Referral, **more: object) -> str:
    """A page about one case, under the name that the person uses."""
    return render_template(f"caseload/{name}.html", referral=referral, contact=contact_of(referral), **more)


def back_to(endpoint: str, referral: Referral, **more: object) -> ResponseReturnValue:
    """On to a page of the same case."""
    return redirect(url_for(f"caseload.{endpoint}", referral_id=referral.id, **more), 303)  # type: ignore[arg-type]


def to_part(referral: Referral, part: str) -> ResponseReturnValue:
    """Back to a part of the case page."""
    return back_to("case", referral, _anchor=part)


def name_of(staff_id: uuid.UUID | None) -> str:
    """The name of a member of staff; empty for the person themselves."""
    return staff_names().get(staff_id, "") if staff_id else ""


# Risks ---------------------------------------------------------------------------------------------------------------

KIND_OF_RISK: dict[str, str] = {one.code: one.label for one in RISK_KINDS} | {NONE_KNOWN: N_("No known risks")}


@dataclass(frozen=True)
class ShownRisk:
    """A risk in words. ``over``: its day of review has come; ``reworded``: it has not ended, but stands in other words
    since."""

    risk: Risk
    kind: str
    none_known: bool
    started: str
    review: str
    over: bool
    by: str
    ended: str
    reworded: bool


def shown_risk(risk: Risk, *, reworded: bool = False) -> ShownRisk:
    """A risk in words."""
    return ShownRisk(
        risk,
        gettext(KIND_OF_RISK[risk.kind]),
        risk.kind == NONE_KNOWN,
        say_date(risk.started, weekday=False),
        say_date(risk.review_due, weekday=False) if risk.review_due else "",
        risk.review_due is not None and risk.review_due <= today(),
        name_of(risk.recorded_by),
        say_date(risk.ended_at, weekday=False) if risk.ended_at else "",
        reworded,
    )


class NewRisk(forms.Form):
    """A risk."""

    kind = forms.OneOf(N_("What kind of risk?"), missing=N_("Choose what kind of risk it is"))
    words = forms.LongWords(
        N_("What do colleagues have to know?"),
        longest=risks.LONGEST,
        hint=N_(
            "Short and exact. It goes into the message to the GP. What is a safeguarding concern has its own page."
        ),
    )
    started = forms.Code(N_("Since when?"), longest=40, hint=N_("Left blank, it is today. Such as 24 11 2026."))
    review_due = forms.Code(
        N_("When is it to be looked at again?"), longest=40, hint=N_("You may leave this blank. Such as 24 11 2026.")
    )

    def offer(self) -> None:
        """Set what may be chosen."""
        self.kind.choices = options(RISK_KINDS)


def options(listed: "tuple[Listed, ...]") -> list[tuple[str, str]]:
    """A closed list for a field: the label, and the definition where there is one."""
    return [
        (one.code, f"{gettext(one.label)}: {gettext(one.definition)}" if one.definition else gettext(one.label))
        for one in listed
    ]


def risks_for_case(referral: Referral) -> dict[str, object]:
    """What parts/case_risks.html shows."""
    service_id, person_id = referral.service_id, referral.person_id
    there = risks.of_person(g.store, service_id, person_id)
    ended = risks.of_person(g.store, service_id, person_id, ended=True)
    return {
        "risks": [shown_risk(one) for one in there],
        "past_risks": [
            shown_risk(one, reworded=risks.goes_on(one, [*there, *ended])) for one in ended if one.kind != NONE_KNOWN
        ],
        "risk_said": risks.is_said(g.store, referral),
    }


def _risk_page(referral: Referral, form: NewRisk, problem: str = "") -> str:
    form.offer()
    return case_page("risks", referral, form=form, once=once(), problem=problem, **risks_for_case(referral))


@blueprint.get("/referrals/<uuid:referral_id>/risks")
@allow(Permission.READ_REFERRAL, audits=True)
def risks_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The risk record, and a new risk."""
    return _risk_page(read(referral_id), NewRisk(formdata=None))


@blueprint.post("/referrals/<uuid:referral_id>/risks")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def add_risk(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a new risk."""
    referral, form = read(referral_id), NewRisk()
    form.offer()
    if not form.sent():
        return _risk_page(referral, form), 422
    started, review_due = optional_day(form, "started"), optional_day(form, "review_due")
    if form.problems():
        return _risk_page(referral, form), 422
    try:
        risks.record(
            g.store,
            g.actor,
            referral.id,
            kind=form.kind.data,
            words=form.words.data,
            started=started,
            review_due=review_due,
            risk_id=made_once(),
        )
    except NotPossible as problem:
        refuse(form, problem, words=N_("Write what kind of risk it is"))
        return _risk_page(referral, form), 422
    return to_part(referral, "risks")


@blueprint.post("/referrals/<uuid:referral_id>/risks/none-known")
@allow(Permission.WORK_ON_CASE)
def no_known_risks(referral_id: uuid.UUID) -> ResponseReturnValue:
    """No risks are known, with one press."""
    referral = read(referral_id)
    try:
        risks.none_known(g.store, g.actor, referral.id)
    except NotPossible:
        return _risk_page(referral, NewRisk(formdata=None), gettext(SAY["risks-known"])), 409
    return to_part(referral, "risks")


@blueprint.post("/referrals/<uuid:referral_id>/risks/<uuid:risk_id>/end")
@allow(Permission.WORK_ON_CASE)
def end_risk(referral_id: uuid.UUID, risk_id: uuid.UUID) -> ResponseReturnValue:
    """It is a risk no more."""
    referral = read(referral_id)
    try:
        risks.end(g.store, g.actor, referral.id, risk_id)
    except Gone:
        abort(404)
    return to_part(referral, "risks")


# Access needs --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownNeed:
    """An access need in words. ``raised``: it is to be looked at now; ``ask``: what is still to be asked."""

    need: AccessNeed
    label: str
    category: str
    ask: str
    whose: str
    review: str
    raised: bool
    said: bool


def _shown_need(need: AccessNeed, raised: "set[uuid.UUID]") -> ShownNeed:
    term, whose = BY_CODE.get(need.need), entry(NEED_OF, need.need_of)
    return ShownNeed(
        need,
        gettext(term.label) if term else need.need,
        gettext(CATEGORIES.get(need.category, CATEGORIES["other"])),
        gettext(term.ask) if term and term.ask and not need.detail else "",
        gettext(whose.label) if whose and whose.code != "self" else "",
        say_date(need.review_due, weekday=False),
        need.id in raised,
        need.said is not None,
    )


class NewNeed(forms.Form):
    """An access need that was found with the person."""

    need = forms.Listed(N_("What do they need?"), missing=N_("Choose what they need"))
    need_of = forms.OneOf(N_("Whose need is it?"), missing=N_("Choose whose need it is"))
    detail = forms.LongWords(
        N_("What exactly?"),
        longest=access_needs.LONGEST,
        hint=N_("Such as: 28 point, on yellow paper. You may leave this blank when the list says it all."),
    )
    if_not_met = forms.LongWords(
        N_("What happens when it is not met?"),
        longest=access_needs.LONGEST_NOT_MET,
        hint=N_("You may leave this blank."),
    )

    def offer(self) -> None:
        """Set what may be chosen."""
        self.need.choices = [
            ("", gettext(N_("Choose a need"))),
            *((term.code, f"{gettext(CATEGORIES[term.category])}: {gettext(term.label)}") for term in TERMS),
        ]
        self.need_of.choices = options(NEED_OF)
        if not self.is_submitted():
            self.need_of.data = "self"


def needs_for_case(referral: Referral) -> dict[str, object]:
    """What parts/case_access.html shows."""
    raised = {one.id for one in access_needs.to_review(g.store, referral)}
    rows = access_needs.of_person(g.store, referral.service_id, referral.person_id)
    past = access_needs.of_person(g.store, referral.service_id, referral.person_id, ended=True)
    return {
        "interpreter_differs": _interpreter_differs(referral),
        "access_needs": [_shown_need(one, raised) for one in rows],
        "past_access_needs": [
            (say_access_need(one), say_date(one.ended_at, weekday=False), name_of(one.ended_by))
            for one in past
            if one.ended_at
        ],
    }


def _interpreter_differs(referral: Referral) -> tuple[str, ...]:
    """Where the answer about an interpreter is another one than their needs say: the question, the answer, and what it
    would be."""
    person = person_of(g.store, referral)
    wanted = details.needs_interpreter(g.store, person)
    question = SELF_REFERRAL.question("interpreter")
    return (gettext(question.label), question.say(person.interpreter), question.say(wanted)) if wanted else ()


def access_flag(referral: object) -> list[str]:
    """What stands on every page of staff about this person: their open access needs, in a few words each."""
    if not isinstance(referral, Referral) or not access.may(g.get("actor"), Permission.READ_REFERRAL):
        return []
    rows = access_needs.of_person(g.store, referral.service_id, referral.person_id)
    return [say_access_need(one) for one in rows]


@blueprint.app_context_processor
def _flag() -> dict[str, object]:
    return {"access_flag": access_flag}


def _needs_page(referral: Referral, form: NewNeed) -> str:
    form.offer()
    return case_page("access_needs", referral, form=form, once=once(), **needs_for_case(referral))


@blueprint.get("/referrals/<uuid:referral_id>/access-needs")
@allow(Permission.READ_REFERRAL, audits=True)
def access_needs_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """What the person needs, and one more need."""
    return _needs_page(read(referral_id), NewNeed(formdata=None))


@blueprint.post("/referrals/<uuid:referral_id>/access-needs")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def add_access_need(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a new need."""
    referral, form = read(referral_id), NewNeed()
    form.offer()
    if not form.sent():
        return _needs_page(referral, form), 422
    try:
        access_needs.add(
            g.store,
            g.actor,
            referral.id,
            need=form.need.data,
            detail=form.detail.data,
            if_not_met=form.if_not_met.data,
            need_of=form.need_of.data,
            need_id=made_once(),
        )
    except NotPossible as problem:
        refuse(form, problem, detail=N_("Write what they need"))
        return _needs_page(referral, form), 422
    return to_part(referral, "access-needs")


@blueprint.post("/referrals/<uuid:referral_id>/access-needs/<uuid:access_need_id>/review")
@allow(Permission.WORK_ON_CASE)
def review_access_need(referral_id: uuid.UUID, access_need_id: uuid.UUID) -> ResponseReturnValue:
    """Looked at with the person, and still right."""
    referral = read(referral_id)
    try:
        access_needs.review(g.store, g.actor, referral.id, access_need_id)
    except Gone:
        abort(404)
    return to_part(referral, "access-needs")


@blueprint.post("/referrals/<uuid:referral_id>/access-needs/<uuid:access_need_id>/end")
@allow(Permission.WORK_ON_CASE)
def end_access_need(referral_id: uuid.UUID, access_need_id: uuid.UUID) -> ResponseReturnValue:
    """It is a need no more."""
    referral = read(referral_id)
    try:
        access_needs.end(g.store, g.actor, referral.id, access_need_id)
    except Gone:
        abort(404)
    return to_part(referral, "access-needs")


# The GP practice -----------------------------------------------------------------------------------------------------


class FindPractice(forms.Form):
    """A practice by its name or postcode."""

    wanted = forms.Words(N_("Name or postcode of the practice"), longest=100, missing=N_("Type a name or a postcode"))


class TypePractice(forms.Form):
    """A practice by its code."""

    code = forms.Code(
        N_("Code of the practice"),
        longest=40,
        missing=N_("Type the code: a letter and five digits, such as A81001"),
        hint=N_("A letter and five digits, such as A81001."),
    )


def _practice_page(referral: Referral, form: forms.Form | None = None, wanted: str = "", *, none: bool = False) -> str:
    person = person_of(g.store, referral)
    there = practices.any_there(g.store, referral.service_id)
    find = form if isinstance(form, FindPractice) else FindPractice(formdata=None)
    if not isinstance(form, FindPractice):
        find.wanted.data = person.gp_practice or ""
    return case_page(
        "gp_practice",
        referral,
        person=person,
        known=practices.by_code(g.store, referral.service_id, person.gp_practice_code),
        why_none=gettext(NO_PRACTICE[person.gp_practice_code]) if person.gp_practice_code in NO_PRACTICE else "",
        list_there=there,
        found=_practices(referral, wanted, person.gp_practice or "") if there else (),
        looked=bool(wanted or person.gp_practice),
        find=find,
        type=form if isinstance(form, TypePractice) else TypePractice(formdata=None),
        form=form or find,
        no_practice=NO_PRACTICE,
    )


def _practices(referral: Referral, wanted: str, said: str) -> Sequence[practices.Practice]:
    """What was looked for; before that, what fits the person's own words for it."""
    if wanted:
        return practices.search(g.store, referral.service_id, wanted)
    return practices.like(g.store, referral.service_id, said)


@blueprint.get("/referrals/<uuid:referral_id>/gp-practice")
@allow(Permission.READ_REFERRAL, audits=True)
def gp_practice(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Which GP practice they have: what fits their own words stands there already."""
    return _practice_page(read(referral_id))


@blueprint.post("/referrals/<uuid:referral_id>/gp-practice")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def set_practice(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it; or look for another one, which changes nothing."""
    referral = read(referral_id)
    if "wanted" in request.form:
        find = FindPractice()
        return _practice_page(referral, find, find.wanted.data if find.sent() else ""), 200 if find.sent() else 422
    form = TypePractice()
    if not form.sent():
        return _practice_page(referral, form), 422
    listed = practices.by_code(g.store, referral.service_id, triage.read_practice(form.code.data))
    try:
        triage.set_practice(g.store, g.actor, referral.id, form.code.data, listed.name if listed else "")
    except NotPossible:
        form.refuse("code", gettext(form.code.missing))
        return _practice_page(referral, form), 422
    return to_part(referral, "gp-practice")


# Notes ---------------------------------------------------------------------------------------------------------------


class NewNote(forms.Form):
    """A note, and who reads it."""

    who_reads = forms.OneOf(N_("Who reads it?"), missing=N_("Choose who reads it"))
    words = forms.LongWords(N_("Note"), longest=notes.LONGEST, missing=N_("Write a few words"))

    def offer(self) -> None:
        """Set what may be chosen; nothing is chosen beforehand, so that nobody shares by mistake."""
        self.who_reads.choices = [
            ("staff", gettext(N_("Only staff"))),
            ("person", gettext(N_("Staff, and the person on their own page"))),
        ]


class Correction(forms.Form):
    """What puts a note right."""

    words = forms.LongWords(N_("How it should be"), longest=notes.LONGEST, missing=N_("Write a few words"))


@dataclass(frozen=True)
class ShownNote:
    """A note in words: who wrote it, and which one puts it right."""

    note: CaseNote
    by: str
    corrected_by: CaseNote | None


def notes_for_case(referral: Referral) -> dict[str, object]:
    """What parts/case_notes.html shows: the notes for staff and those that the person reads, apart."""
    found = [
        ShownNote(one.note, name_of(one.note.written_by), one.corrected_by)
        for one in notes.of_referral(g.store, g.actor, referral.id)
    ]
    return {
        "unshared_notes": [one for one in found if not one.note.shared],
        "shared_notes": [one for one in found if one.note.shared],
    }


def _notes_page(referral: Referral, form: NewNote) -> str:
    form.offer()
    return case_page("notes", referral, form=form, once=once(), **notes_for_case(referral))


@blueprint.get("/referrals/<uuid:referral_id>/notes")
@allow(Permission.READ_REFERRAL, audits=True)
def notes_of(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The notes of a case, and a new one."""
    return _notes_page(read(referral_id), NewNote(formdata=None))


@blueprint.post("/referrals/<uuid:referral_id>/notes")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def write_note(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep a new note."""
    referral, form = read(referral_id), NewNote()
    form.offer()
    if not form.sent():
        return _notes_page(referral, form), 422
    shared = form.who_reads.data == "person"
    notes.write(g.store, g.actor, referral.id, words=form.words.data, shared=shared, note_id=made_once())
    return to_part(referral, "notes")


def _note_of(referral: Referral, note_id: uuid.UUID) -> CaseNote:
    try:
        return notes.find(g.store, g.actor, referral, note_id)
    except Gone:
        abort(404)


def _correct_page(referral: Referral, note: CaseNote, form: Correction) -> str:
    return case_page("note_correct", referral, note=note, by=name_of(note.written_by), form=form, once=once())


@blueprint.get("/referrals/<uuid:referral_id>/notes/<uuid:note_id>/correct")
@allow(Permission.WORK_ON_CASE, audits=True)
def correct_note(referral_id: uuid.UUID, note_id: uuid.UUID) -> ResponseReturnValue:
    """Put a note right by a new one."""
    referral = read(referral_id)
    return _correct_page(referral, _note_of(referral, note_id), Correction(formdata=None))


@blueprint.post("/referrals/<uuid:referral_id>/notes/<uuid:note_id>/correct")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def corrected_note(referral_id: uuid.UUID, note_id: uuid.UUID) -> ResponseReturnValue:
    """Keep what puts it right; the first one stays."""
    referral, form = read(referral_id), Correction()
    note = _note_of(referral, note_id)
    if not form.sent():
        return _correct_page(referral, note, form), 422
    notes.write(
        g.store,
        g.actor,
        referral.id,
        words=form.words.data,
        shared=note.shared,
        corrects=note.id,
        note_id=made_once(),
    )
    return to_part(referral, "notes")
