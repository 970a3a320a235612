"""Messages back: the list of those that wait, exactly what would go, sending, and what was sent; the practices and the
addresses that a manager has confirmed.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import letters as standard
from portal import people, reading
from portal.access import Permission, may
from portal.caseload import letters, lists
from portal.caseload.letters import Letter, Shown, Waits
from portal.i18n import N_, gettext, say_date
from portal.journeys.engine import SAY as SAY_PROBLEM
from portal.journeys.self_referral import SELF_REFERRAL
from portal.letters import Document
from portal.letters.standard import items
from portal.referrals import Referral
from portal.services import practices
from portal.web import forms
from portal.web.caseload.contacts import choices_of, say
from portal.web.caseload.door import blueprint, contact_of, read, staff_names, to_case
from portal.web.security import allow, keeps_typed

TITLES: dict[str, str] = {"gp": N_("Message to the GP"), "referrer": N_("Message to whoever referred them")}
PREPARE: dict[str, str] = {
    "gp": N_("Prepare a message to the GP"),
    "referrer": N_("Prepare a message to whoever referred them"),
}
STATES: dict[str, str] = {
    letters.SENT: N_("Sent by email"),
    letters.SENT_BY_HAND: N_("Sent by hand"),
    letters.NOT_NEEDED: N_("Not needed"),
}
DONE: dict[str, str] = {
    "sent": N_("It is on its way to the practice. This page shows what was sent, as it was."),
    "by-hand": N_("It is written down as sent. This page shows what was sent, as it was."),
    "not-needed": N_("It is off the list."),
    "allowed": N_("Their permission is written down. Below is what would go."),
    "confirmed": N_("The address is confirmed: messages to this practice can go by email."),
    "taken-away": N_("There is no address for this practice any more."),
}
OTHER_WORDS = N_("The record has changed since this page was shown. Below is what would go now. Read it, then send it.")
WITHDRAWN = N_("It was not sent: they do not allow it (any more). Nothing has left.")
RISK_FIRST = N_("It was not sent: say first which risks are known, or that none is.")
NO_ADDRESS = N_("It was not sent: the practice has no email address that a manager has confirmed. Send it by hand.")
MEANWHILE = N_("Somebody else has changed this practice since the page was shown. Look at it, then save again.")


# Forms ---------------------------------------------------------------------------------------------------------------


class Send(forms.Form):
    """What professionals are asked, where the record does not say it; and how it was sent by hand."""

    asked = forms.LongWords(
        N_("What do you ask them to do?"),
        longest=letters.LONGEST_ASKED,
        hint=N_("Leave it blank if nothing. The message then says that no action is needed."),
    )
    by = forms.OneOf(N_("How do you send it?"), missing=N_("Choose how you send it"))
    to = forms.Words(N_("To whom, if you like"), longest=letters.LONGEST_TO)

    def offer(self) -> "Send":
        """Set what may be chosen."""
        self.by.choices = choices_of(letters.BY_HAND)
        return self


class NotNeeded(forms.Form):
    """Why not."""

    because = forms.LongWords(
        N_("Why does nobody have to send it?"), longest=letters.LONGEST_REASON, missing=N_("Write why")
    )


class Spoken(forms.Form):
    """A permission given in words."""

    agreed = forms.Tick(
        N_("I asked them this, and they said yes"), missing=N_("Tick this when you have asked them and they said yes")
    )


class Address(forms.Form):
    """The practice's own secure address."""

    email = forms.Email(
        N_("Email address of the practice"),
        longest=reading.LONGEST_EMAIL,
        hint=N_("Only the practice's own secure address, such as one at nhs.net. Leave it blank to take it away."),
    )
    sure = forms.Tick(
        N_("I have checked with the practice that this is its own secure address"),
        missing=N_("Tick this when you have checked it with the practice"),
    )


# Shown ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A message in a list, in words."""

    letter: Letter
    referral: Referral
    title: str
    name: str
    occasion: str
    state: str
    why: str
    means: str
    ready: bool


def shown(one: Waits) -> Line:
    """A message in a list, in words."""
    letter, why = one.letter, lists.entry(letters.WHY, one.why)
    state = gettext(STATES.get(letter.state, ""))
    if letter.sent_at and letter.state in letters.GONE_OUT:
        state = f"{state}, {say_date(letter.sent_at, weekday=False)}"
    return Line(
        letter,
        one.referral,
        gettext(TITLES[letter.recipient]),
        one.person.preferred_name or one.person.first_name,
        say(letters.OCCASIONS, letter.occasion),
        state,
        gettext(why.label) if why else "",
        gettext(why.definition) if why else "",
        one.why == "ready",
    )


def for_case(referral: Referral) -> dict[str, object]:
    """What ``caseload/parts/case_letters.html`` shows on the case page: ``letters``, and by recipient whether another
    one can be prepared, or why not (``letters_to``: recipient, title, words of the button, allowed)."""
    if not may(g.actor, Permission.SEND_LETTERS):
        return {"letters": [], "letters_to": []}
    found = [shown(one) for one in letters.of_referral(g.store, g.actor, referral)]
    waiting = {one.letter.recipient for one in found if one.letter.state == letters.WAITING}
    able = letters.PERMISSION_FOR if letters.tells_somebody(g.store, referral) else ()
    wanted = [one for one in able if letters.may_be_told(referral, one) and one not in waiting]
    return {
        "letters": found,
        "letters_to": [
            (
                recipient,
                gettext(TITLES[recipient]),
                gettext(PREPARE[recipient]),
                people.allows(g.store, g.service.id, referral.person_id, letters.PERMISSION_FOR[recipient]),
            )
            for recipient in wanted
        ],
    }


def _shown(letter_id: uuid.UUID) -> Shown:
    try:
        found = letters.shown(g.store, g.service, g.actor, letter_id)
    except letters.Gone:
        abort(404)
    read(found.referral.id)
    return found


def _page(
    found: Shown,
    form: Send | None = None,
    spoken: Spoken | None = None,
    not_needed: NotNeeded | None = None,
    problem: str = "",
) -> str:
    form = (form or Send(formdata=None)).offer()
    spoken, not_needed = spoken or Spoken(formdata=None), not_needed or NotNeeded(formdata=None)
    kind = letters.PERMISSION_FOR[found.letter.recipient]
    why = lists.entry(letters.WHY, found.why)
    return render_template(
        "caseload/letter.html",
        found=found,
        letter=found.letter,
        referral=found.referral,
        contact=contact_of(found.referral),
        heading=gettext(TITLES[found.letter.recipient]),
        state=gettext(STATES.get(found.letter.state, "")),
        how=say(letters.BY_HAND, found.letter.how),
        sender=staff_names().get(found.letter.sent_by or found.letter.id, ""),
        why=gettext(why.label) if why else "",
        means=gettext(why.definition) if why else "",
        missing=[standard_label(code) for code in found.missing],
        question=SELF_REFERRAL.question(kind).label,
        sheet=standard.sheet(found.document) if found.document else None,
        form=form,
        spoken=spoken,
        not_needed=not_needed,
        problem=problem,
        problems=form.problems() + spoken.problems() + not_needed.problems(),
        done=gettext(DONE[told]) if (told := request.args.get("done", "")) in DONE and not problem else "",
    )


def standard_label(code: str) -> str:
    """What an item of the standard is called, in English as in the standard."""
    return items()[code].label


def _to(letter_id: uuid.UUID, done: str) -> ResponseReturnValue:
    return redirect(url_for("caseload.letter", letter_id=letter_id, done=done), 303)


# The pages -----------------------------------------------------------------------------------------------------------


@blueprint.get("/letters")
@allow(Permission.SEND_LETTERS)
def letters_waiting() -> ResponseReturnValue:
    """Every message that waits, and why."""
    found = [shown(one) for one in letters.waiting(g.store, g.actor)]
    own = [one for one in found if one.referral.assigned_to == g.actor.staff_id]
    others = [one for one in found if one.referral.assigned_to != g.actor.staff_id]
    return render_template("caseload/letters.html", own=own, others=others)


@blueprint.get("/letters/<uuid:letter_id>")
@allow(Permission.SEND_LETTERS, audits=True)
def letter(letter_id: uuid.UUID) -> ResponseReturnValue:
    """Exactly what would go, or what was sent."""
    return _page(_shown(letter_id))


@blueprint.post("/referrals/<uuid:referral_id>/letters")
@allow(Permission.SEND_LETTERS)
def prepare_letter(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Prepare a message now; where they do not allow it, ask them first."""
    referral = read(referral_id)
    try:
        made = letters.prepare(g.store, g.service, g.actor, referral.id, request.form.get("recipient", ""))
    except letters.Gone:
        abort(404)
    except letters.NotAllowed:
        return to_case(referral.id)
    return redirect(url_for("caseload.letter", letter_id=made.id), 303)


@blueprint.post("/letters/<uuid:letter_id>/send")
@allow(Permission.SEND_LETTERS)
@keeps_typed
def send_letter(letter_id: uuid.UUID) -> ResponseReturnValue:
    """Send it by email, or say how it was sent by hand."""
    found, form = _shown(letter_id), Send().offer()
    by_email = request.form.get("how", letters.EMAIL) == letters.EMAIL
    whole = form.sent()
    if by_email and form.by.errors and not g.stale:
        form.by.errors, whole = [], not form.asked.errors and not form.to.errors
    if not whole:
        return _page(found, form), 422
    try:
        letters.send(
            g.store,
            g.service,
            g.actor,
            found.letter.id,
            seen=request.form.get("seen", "")[:64],
            how=letters.EMAIL if by_email else form.by.data,
            to=form.to.data,
            asked=form.asked.data,
        )
    except letters.NotAllowed:
        return _again(letter_id, form, WITHDRAWN)
    except letters.OtherWords:
        return _again(letter_id, form, OTHER_WORDS)
    except letters.NotReady as problem:
        return _again(letter_id, form, RISK_FIRST if str(problem) == "risk-not-said" else NO_ADDRESS)
    return _to(letter_id, "sent" if by_email else "by-hand")


def _again(letter_id: uuid.UUID, form: Send, problem: str) -> ResponseReturnValue:
    return _page(_shown(letter_id), form, problem=gettext(problem)), 409


@blueprint.post("/letters/<uuid:letter_id>/not-needed")
@allow(Permission.SEND_LETTERS)
@keeps_typed
def letter_not_needed(letter_id: uuid.UUID) -> ResponseReturnValue:
    """Nobody has to send it, and why."""
    found, form = _shown(letter_id), NotNeeded()
    if not form.sent():
        return _page(found, not_needed=form), 422
    letters.not_needed(g.store, g.actor, found.letter.id, form.because.data)
    return _to(letter_id, "not-needed")


@blueprint.post("/letters/<uuid:letter_id>/permission")
@allow(Permission.SEND_LETTERS)
def letter_permission(letter_id: uuid.UUID) -> ResponseReturnValue:
    """The person said yes, in words."""
    found, spoken = _shown(letter_id), Spoken()
    if not spoken.sent():
        return _page(found, spoken=spoken), 422
    if found.why == "not-allowed":
        letters.allow_by_word(g.store, g.actor, found.letter.id)
    return _to(letter_id, "allowed")


@blueprint.post("/referrals/<uuid:referral_id>/letters/permission")
@allow(Permission.SEND_LETTERS)
def allow_letter(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The person said in words that this recipient may be told; then the message is prepared."""
    referral, recipient = read(referral_id), request.form.get("recipient", "")
    kind = letters.PERMISSION_FOR.get(recipient)
    if kind is None or not letters.may_be_told(referral, recipient):
        abort(404)
    if not Spoken().sent():
        return redirect(url_for("caseload.case", referral_id=referral.id, _anchor="letters"), 303)
    if not people.allows(g.store, g.service.id, referral.person_id, kind):
        people.record_spoken_permission(g.store, g.actor, referral.person_id, kind)
    return prepare_letter(referral.id)


# Other forms of the same message -------------------------------------------------------------------------------------


def _document(letter_id: uuid.UUID) -> tuple[Shown, Document]:
    """What would go or has gone; 404 where nothing may be told: no other form of it goes round the permission."""
    found = _shown(letter_id)
    if found.document is None:
        abort(404)
    return found, found.document


@blueprint.get("/letters/<uuid:letter_id>/print")
@allow(Permission.SEND_LETTERS, audits=True)
def letter_print(letter_id: uuid.UUID) -> ResponseReturnValue:
    """The message alone, to print."""
    found, document = _document(letter_id)
    return render_template("caseload/letter_print.html", found=found, sheet=standard.sheet(document))


@blueprint.get("/letters/<uuid:letter_id>/text")
@allow(Permission.SEND_LETTERS, audits=True)
def letter_text(letter_id: uuid.UUID) -> ResponseReturnValue:
    """The message as plain text, to copy into another record."""
    found, document = _document(letter_id)
    return render_template(
        "caseload/letter_text.html",
        found=found,
        heading=gettext(TITLES[found.letter.recipient]),
        text=standard.plain(document),
    )


@blueprint.get("/letters/<uuid:letter_id>/text.txt")
@allow(Permission.SEND_LETTERS, audits=True)
def letter_text_file(letter_id: uuid.UUID) -> ResponseReturnValue:
    """The same as a file."""
    _, document = _document(letter_id)
    return _file(standard.plain(document), "text/plain; charset=utf-8", "message-back.txt")


@blueprint.get("/letters/<uuid:letter_id>/fhir.json")
@allow(Permission.SEND_LETTERS, audits=True)
def letter_fhir(letter_id: uuid.UUID) -> ResponseReturnValue:
    """The same as a FHIR R4 document."""
    _, document = _document(letter_id)
    bundle = json.dumps(letters.fhir_of(document), ensure_ascii=False, indent=1)
    return _file(bundle, "application/fhir+json", "message-back.json")


def _file(words: str, kind: str, name: str) -> Response:
    response = Response(words, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


# Practices -----------------------------------------------------------------------------------------------------------


def _practices_page(form: Address | None = None, of: uuid.UUID | None = None, problem: str = "") -> str:
    text = request.args.get("text", "")[:100]
    found = practices.search(g.store, g.service.id, text)
    one = _practice(of) if of else None
    return render_template(
        "caseload/letter_practices.html",
        text=forms.showable(text),
        found=found,
        one=one,
        form=form or Address(formdata=None, data={"email": one.email or "" if one else ""}),
        by=staff_names().get(one.email_confirmed_by or one.id, "") if one else "",
        any_there=practices.any_there(g.store, g.service.id),
        problem=problem,
        done=gettext(DONE[told]) if (told := request.args.get("done", "")) in DONE else "",
    )


def _practice(practice_id: uuid.UUID) -> practices.Practice:
    try:
        return practices.read(g.store, g.actor, practice_id)
    except practices.Gone:
        abort(404)


@blueprint.get("/practices")
@allow(Permission.CONFIRM_PRACTICES)
def practices_list() -> ResponseReturnValue:
    """The practices of the list, found by name, postcode or code."""
    return _practices_page()


@blueprint.get("/practices/<uuid:practice_id>")
@allow(Permission.CONFIRM_PRACTICES)
def practice(practice_id: uuid.UUID) -> ResponseReturnValue:
    """One practice, and where messages to it may go."""
    return _practices_page(of=practice_id)


@blueprint.post("/practices/<uuid:practice_id>")
@allow(Permission.CONFIRM_PRACTICES)
@keeps_typed
def confirm_practice(practice_id: uuid.UUID) -> ResponseReturnValue:
    """Confirm its address, or take it away."""
    form = Address()
    whole = form.sent()
    if not form.email.data and form.sure.errors and not g.stale:
        form.sure.errors, whole = [], not form.email.errors
    if not whole:
        return _practices_page(form, practice_id), 422
    version = request.form.get("version", "")
    try:
        practices.confirm_email(
            g.store,
            g.actor,
            practice_id,
            form.email.data,
            int(version) if version.isascii() and version.isdigit() else 0,
        )
    except practices.Gone:
        abort(404)
    except practices.Changed:
        return _practices_page(form, practice_id, gettext(MEANWHILE)), 409
    except reading.Unreadable as unreadable:
        form.refuse("email", gettext(SAY_PROBLEM[unreadable.problem], longest=reading.LONGEST_EMAIL))
        return _practices_page(form, practice_id), 422
    done = "confirmed" if form.email.data else "taken-away"
    return redirect(url_for("caseload.practice", practice_id=practice_id, done=done), 303)


# For the person's own page -------------------------------------------------------------------------------------------

FOR_PERSON: Mapping[str, str] = {
    "gp": N_("What we told your GP practice on %(day)s"),
    "referrer": N_("What we told the person who helped you, on %(day)s"),
}


def for_person(person_id: uuid.UUID) -> list[tuple[uuid.UUID, str]]:
    """Every message that was sent about a person: its id, and what it is called on their own page."""
    return [
        (one.id, gettext(FOR_PERSON[one.recipient], day=say_date(one.at, weekday=False)))
        for one in letters.for_person(g.store, g.service.id, person_id)
    ]
