"""Other places that can help: finding one, telling the person about it, helping them to ask, referring them with
exactly the details that were listed, and what became of it.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import codes, directory, i18n, notifications, people, referrals
from portal.access import Permission
from portal.caseload import lists, onward
from portal.caseload.onward import Line, Onward
from portal.clock import today
from portal.i18n import N_, gettext, say_date
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.web import forms, safe_contact
from portal.web.admin import NOT_A_DAY, read_day
from portal.web.caseload.contacts import choices_of, say
from portal.web.caseload.door import blueprint, contact_of, read, staff_names
from portal.web.caseload.plan import TOO_FAR
from portal.web.security import allow, keeps_typed

DONE: dict[str, str] = {
    "begun": N_("It is written down. Nothing about them has left."),
    "sent": N_("It is on its way to the group, with exactly the details that are listed below."),
    "by-hand": N_("It is written down as given by hand, with exactly the details that are listed below."),
    "changed": N_("What became of it is written down."),
    "allowed": N_("Their permission is written down. Now choose what the group gets."),
}
PAST = N_("That day is past. Enter today or a later day")
FUTURE = N_("That day has not come yet. Enter today or an earlier day")
BEFORE = N_("That is before it was begun. Enter a later day")
OTHER_WORDS = N_("Their details have changed since the page was shown. Read the list again before you send it.")
NOT_AGREED = N_("Tick this when you have asked them about each of these details and they said yes")
NO_FIELDS = N_("Choose at least one detail")
NO_ADDRESS = N_("We have no confirmed email address for this group. Give it by hand, and write down how")
SAY: dict[tuple[str, str], str] = {
    ("place", "missing"): N_("Type the name of the place"),
    ("check_due", "past"): PAST,
    ("check_due", "too-far"): TOO_FAR,
    ("on", "future"): FUTURE,
    ("on", "before"): BEFORE,
    ("attended_first_on", "future"): FUTURE,
    ("attended_first_on", "before"): BEFORE,
}


# Forms ---------------------------------------------------------------------------------------------------------------


class Begin(forms.Form):
    """What we do, for which need, where."""

    place = forms.Words(N_("Name of the place or group"), longest=onward.LONGEST_PLACE)
    provider = forms.Words(N_("Who runs it, if you know"), longest=onward.LONGEST_PLACE)
    kind = forms.OneOf(N_("What do you do?"), missing=N_("Choose what you do"))
    need = forms.Listed(N_("What is it for?"), missing=N_("Choose what it is for"))
    reason = forms.LongWords(
        N_("Why may this help?"),
        longest=onward.LONGEST_WORDS,
        hint=N_("You can leave it blank. It goes to the group only if you choose so later."),
    )
    check_due = forms.Code(
        N_("When do you ask how it went?"), longest=40, hint=N_("A day such as 24 11 2026."), missing=NOT_A_DAY
    )

    def offer(self, referral: Referral) -> None:
        """Set what may be chosen: their own needs first, then the rest of the list."""
        self.kind.choices = choices_of(lists.ONWARD_KINDS)
        self.kind.means = {one.code: gettext(one.definition) for one in lists.ONWARD_KINDS}
        listed = SELF_REFERRAL.question("needs")
        theirs = referrals.needs_of(g.store, referral)
        ordered = dict.fromkeys([*theirs, *(choice.code for choice in listed.choices)])
        self.need.choices = [
            ("", gettext(N_("Choose what it is for"))),
            *((code, listed.say([code])) for code in ordered),
        ]


class Became(forms.Form):
    """What became of it."""

    status = forms.OneOf(N_("What became of it?"), missing=N_("Choose what became of it"))
    on = forms.Code(N_("Since when?"), longest=40, hint=N_("A day such as 24 11 2026."), missing=NOT_A_DAY)
    barriers = forms.SomeOf(N_("What stood in the way?"))
    attended_first_on = forms.Code(N_("When did they go there first?"), longest=40, hint=N_("You can leave it blank."))
    reason = forms.LongWords(
        N_("Anything to add, for your team"), longest=onward.LONGEST_WORDS, hint=N_("The person does not see this.")
    )
    check_due = forms.Code(
        N_("When do you ask again?"),
        longest=40,
        hint=N_("Leave it blank for two weeks from now. Not needed once it is over."),
    )

    def offer(self, found: Onward) -> None:
        """Set what may be chosen for this act."""
        able = onward.statuses_for(found)
        entries = [
            one for one in lists.ONWARD_STATUSES if one.code in able and (one.code != "sent" or found.status == "sent")
        ]
        self.status.choices = choices_of(entries)
        self.status.means = {one.code: gettext(one.definition) for one in entries}
        self.barriers.choices = choices_of(lists.BARRIERS)
        self.barriers.means = {one.code: gettext(one.definition) for one in lists.BARRIERS if one.definition}


class Send(forms.Form):
    """What goes, once it has been read."""

    agreed = forms.Tick(N_("I asked them about these details too, and they said yes"))
    to = forms.Words(N_("To whom do you give it, and how?"), longest=onward.LONGEST_SENT_TO)


class Spoken(forms.Form):
    """A permission given in words."""

    agreed = forms.Tick(
        N_("I asked them this, and they said yes"), missing=N_("Tick this when you have asked them and they said yes")
    )


# What is shown -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """An onward step in words. ``history``: when, what, who, words."""

    onward: Onward
    kind: str
    means: str
    need: str
    status: str
    barriers: str
    over: bool
    not_sent: bool
    given: tuple[tuple[str, str], ...]
    history: tuple[tuple[date, str, str, str], ...]


def shown(line: Line, names: Mapping[uuid.UUID, str]) -> Shown:
    """An onward step in words."""
    one = line.onward
    kind = lists.entry(lists.ONWARD_KINDS, one.kind)
    return Shown(
        onward=one,
        kind=gettext(kind.label) if kind else one.kind,
        means=gettext(kind.definition) if kind else "",
        need=SELF_REFERRAL.question("needs").say([one.need]),
        status=say(lists.ONWARD_STATUSES, one.status),
        barriers=", ".join(say(lists.BARRIERS, code) for code in one.barriers),
        over=one.status in lists.ONWARD_OVER,
        not_sent=line.not_sent,
        given=tuple((gettext(str(each["label"])), str(each["value"])) for each in one.shared.get("fields", ())),
        history=tuple(
            (
                each.on,
                say(lists.ONWARD_STATUSES, each.status),
                names.get(each.changed_by or each.id, ""),
                "; ".join(filter(None, (", ".join(say(lists.BARRIERS, code) for code in each.barriers), each.reason))),
            )
            for each in line.changes
        ),
    )


def for_case(referral: Referral) -> dict[str, object]:
    """What ``caseload/parts/case_onward.html`` shows on the case page."""
    names = staff_names()
    return {
        "onward": [shown(line, names) for line in onward.of_referral(g.store, g.actor, referral.id)],
        "onward_allowed": onward.allowed(g.store, g.service.id, referral.person_id),
    }


def _rules(person_id: uuid.UUID) -> dict[uuid.UUID, Sequence[str]]:
    """What the person said about using each way, in English, for it goes along with the way."""
    with i18n.speaking("en"):
        ways = safe_contact.in_words("", people.ways_of(g.store, g.actor.service_id, person_id)).ways
        return {way.id: way.rules for way in ways if way.id}


def _found(onward_id: uuid.UUID) -> tuple[Onward, Referral]:
    try:
        one = onward.read(g.store, g.actor, onward_id)
    except onward.Gone:
        abort(404)
    return one, read(one.referral_id)


def _to(onward_id: uuid.UUID, done: str | None = None, endpoint: str = "onward_step") -> ResponseReturnValue:
    return redirect(url_for(f"caseload.{endpoint}", onward_id=onward_id, done=done), 303)


# Beginning -----------------------------------------------------------------------------------------------------------


def _activity_of(typed: str) -> directory.Shown | None:
    """The activity that was chosen; 404 for one that may not be offered."""
    if not typed:
        return None
    try:
        found = directory.activity(g.store, g.service.id, uuid.UUID(typed))
    except ValueError:
        found = None
    if found is None or not found.offered:
        abort(404)
    return found


def _begin_page(referral: Referral, form: Begin, activity: directory.Shown | None, once: str = "") -> str:
    form.offer(referral)
    return render_template(
        "caseload/onward_new.html",
        referral=referral,
        contact=contact_of(referral),
        form=form,
        activity=activity,
        once=once or codes.new_key(),
        allowed=onward.allowed(g.store, g.service.id, referral.person_id),
    )


@blueprint.get("/referrals/<uuid:referral_id>/onward/new")
@allow(Permission.WORK_ON_CASE, audits=True)
def onward_new(referral_id: uuid.UUID) -> ResponseReturnValue:
    """What to do about a place: one of three acts."""
    referral = read(referral_id)
    theirs = referrals.needs_of(g.store, referral)
    asked = request.args.get("need", "")
    need = asked if SELF_REFERRAL.question("needs").choice(asked) else theirs[0] if len(theirs) == 1 else ""
    due = today() + onward.CHECK_AFTER
    form = Begin(formdata=None, data={"need": need, "check_due": _say_day(due)})
    return _begin_page(referral, form, _activity_of(request.args.get("activity", "")))


def _say_day(day: date) -> str:
    return f"{day.day} {day.month} {day.year}"


@blueprint.post("/referrals/<uuid:referral_id>/onward/new")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def onward_begin(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Write it down. Nothing leaves by it; a referral goes on to what the group gets."""
    referral, form = read(referral_id), Begin()
    form.offer(referral)
    once = request.form.get("once", "")[:64]
    activity = _activity_of(request.form.get("activity", ""))
    whole = form.sent()
    due = _day(form, "check_due")
    if not whole or form.problems():
        return _begin_page(referral, form, activity, once), 422
    try:
        made = onward.begin(
            g.store,
            g.actor,
            referral.id,
            once=once or codes.new_key(),
            kind=form.kind.data,
            need=form.need.data,
            activity_id=activity.id if activity else None,
            place=form.place.data,
            provider=form.provider.data,
            reason=form.reason.data,
            check_due=due,
        )
    except onward.NotPossible as problem:
        _tell(form, problem)
        return _begin_page(referral, form, activity, once), 422
    except onward.NotTaken:
        form.refuse("kind", gettext(N_("Nobody has taken this referral yet. Accept it first. What you wrote is here.")))
        return _begin_page(referral, form, activity, once), 409
    except onward.Gone:
        abort(404)
    if made.kind == lists.MOVES_DATA and not made.shared:
        return _to(made.id, endpoint="onward_share")
    return _to(made.id, "begun")


def _day(form: forms.Form, name: str) -> date | None:
    """A day that was typed; what is none is told."""
    if not form[name].data:
        return None
    day = read_day(form[name].data)
    if day is None:
        form.refuse(name, gettext(NOT_A_DAY))
    return day


def _tell(form: forms.Form, problem: onward.NotPossible) -> None:
    for name, code in problem.problems.items():
        form.refuse(name, gettext(SAY.get((name, code), N_("Choose one of those that are offered"))))


# What the group gets -------------------------------------------------------------------------------------------------


def _share_page(
    one: Onward, referral: Referral, fields: Sequence[str], form: Send, spoken: Spoken, problem: str = ""
) -> str:
    allowed = onward.allowed(g.store, g.service.id, one.person_id)
    offered = onward.shareable(g.store, g.actor, one, _rules(one.person_id)) if allowed else []
    chosen = [each for each in offered if each.code in fields]
    question = SELF_REFERRAL.question(onward.SHARES)
    return render_template(
        "caseload/onward_share.html",
        referral=referral,
        contact=contact_of(referral),
        one=shown(onward.line_of(g.store, one), {}),
        allowed=allowed,
        can_go=[
            (each.code, gettext(each.field.label), each.value, each.code in fields, each.field.asked)
            for each in offered
        ],
        chosen=[(each.code, gettext(each.field.label), each.value) for each in chosen],
        beyond=[gettext(each.field.label) for each in chosen if not each.field.asked],
        seen=onward.seen_of(chosen),
        address=onward.address_of(g.store, one),
        question=question.label,
        form=form,
        spoken=spoken,
        problem=problem,
        done=gettext(DONE[told]) if (told := request.args.get("done", "")) in DONE else "",
    )


def _asked_fields(found: Sequence[str]) -> list[str]:
    known = {field.code for field in onward.FIELDS}
    return [code for code in dict.fromkeys(found) if code in known]


@blueprint.get("/onward/<uuid:onward_id>/share")
@allow(Permission.WORK_ON_CASE, audits=True)
def onward_share(onward_id: uuid.UUID) -> ResponseReturnValue:
    """Choose what the group gets; with a choice made, exactly that, listed, to be read before it is sent."""
    one, referral = _found(onward_id)
    if one.kind != lists.MOVES_DATA or (one.shared and not onward.line_of(g.store, one).not_sent):
        return _to(one.id)
    fields = _asked_fields(request.args.getlist("fields"))
    return _share_page(one, referral, fields, Send(formdata=None), Spoken(formdata=None))


@blueprint.post("/onward/<uuid:onward_id>/send")
@allow(Permission.WORK_ON_CASE, lists=("fields",))
@keeps_typed
def onward_send(onward_id: uuid.UUID) -> ResponseReturnValue:
    """Send exactly what was listed: by email, or by hand."""
    one, referral = _found(onward_id)
    fields, form = _asked_fields(request.form.getlist("fields")), Send()
    if not form.sent():
        return _share_page(one, referral, fields, form, Spoken(formdata=None)), 422
    by_hand = request.form.get("how") == "hand"
    if by_hand and not form.to.data:
        form.refuse("to", gettext(N_("Write to whom you give it, and how")))
        return _share_page(one, referral, fields, form, Spoken(formdata=None)), 422
    try:
        onward.send(
            g.store,
            g.service,
            g.actor,
            one.id,
            fields=fields,
            seen=request.form.get("seen", "")[:64],
            rules=_rules(one.person_id),
            to=form.to.data if by_hand else "",
            agreed=bool(form.agreed.data),
        )
    except onward.NotAllowed:
        return _share_page(one, referral, fields, form, Spoken(formdata=None)), 409
    except onward.OtherWords:
        return _share_page(one, referral, fields, form, Spoken(formdata=None), gettext(OTHER_WORDS)), 409
    except onward.NotPossible as problem:
        said = _why_not_sent(form, problem)
        return _share_page(one, referral, fields, form, Spoken(formdata=None), said), 422
    return _to(one.id, "by-hand" if by_hand else "sent")


def _why_not_sent(form: Send, problem: onward.NotPossible) -> str:
    """At its field, or above the page where it has none."""
    ((name, code),) = list(problem.problems.items())[:1]
    if code == "not-agreed":
        form.refuse("agreed", gettext(NOT_AGREED))
        return ""
    if (name, code) == ("how", "no-address"):
        form.refuse("to", gettext(NO_ADDRESS))
        return ""
    return gettext(NO_FIELDS if code == "missing" else OTHER_WORDS)


@blueprint.post("/onward/<uuid:onward_id>/permission")
@allow(Permission.WORK_ON_CASE)
def onward_permission(onward_id: uuid.UUID) -> ResponseReturnValue:
    """The person said in words that a group may have their details."""
    one, referral = _found(onward_id)
    spoken = Spoken()
    if not spoken.sent():
        return _share_page(one, referral, (), Send(formdata=None), spoken), 422
    if not onward.allowed(g.store, g.service.id, one.person_id):
        people.record_spoken_permission(g.store, g.actor, one.person_id, onward.SHARES)
    return _to(one.id, "allowed", "onward_share")


# What became of it ---------------------------------------------------------------------------------------------------


def _step_page(one: Onward, referral: Referral, form: Became, *, meanwhile: bool = False) -> str:
    form.offer(one)
    return render_template(
        "caseload/onward_step.html",
        referral=referral,
        contact=contact_of(referral),
        one=shown(onward.line_of(g.store, one), staff_names()),
        form=form,
        meanwhile=meanwhile,
        done=gettext(DONE[told]) if (told := request.args.get("done", "")) in DONE else "",
    )


@blueprint.get("/onward/<uuid:onward_id>")
@allow(Permission.WORK_ON_CASE, audits=True)
def onward_step(onward_id: uuid.UUID) -> ResponseReturnValue:
    """One onward step: what it is, what was given, what became of it so far."""
    one, referral = _found(onward_id)
    held = {"on": _say_day(today()), "barriers": list(one.barriers)}
    if one.attended_first_on:
        held["attended_first_on"] = _say_day(one.attended_first_on)
    return _step_page(one, referral, Became(formdata=None, data=held))


@blueprint.post("/onward/<uuid:onward_id>")
@allow(Permission.WORK_ON_CASE, lists=("barriers",))
@keeps_typed
def onward_became(onward_id: uuid.UUID) -> ResponseReturnValue:
    """Write down what became of it."""
    one, referral = _found(onward_id)
    form = Became()
    form.offer(one)
    whole = form.sent()
    days = {name: _day(form, name) for name in ("on", "attended_first_on", "check_due")}
    if not whole or form.problems():
        return _step_page(one, referral, form), 422
    version = request.form.get("version", "")
    try:
        onward.became(
            g.store,
            g.actor,
            one.id,
            version=int(version) if version.isascii() and version.isdigit() and len(version) < 9 else 0,
            status=form.status.data,
            reason=form.reason.data,
            barriers=form.barriers.data,
            **days,
        )
    except onward.NotPossible as problem:
        _tell(form, problem)
        return _step_page(one, referral, form), 422
    except onward.Meanwhile:
        return _step_page(one, referral, form, meanwhile=True), 409
    return _to(one.id, "changed")


# On paper, for the person --------------------------------------------------------------------------------------------


@blueprint.get("/onward/<uuid:onward_id>/slip")
@allow(Permission.WORK_ON_CASE, audits=True)
def onward_slip(onward_id: uuid.UUID) -> ResponseReturnValue:
    """The place on paper, in the language that the person likes to read. It names nobody but the place and us."""
    one, _ = _found(onward_id)
    person = people.read(g.store, g.actor, one.person_id)
    activity = directory.activity(g.store, g.service.id, one.activity_id) if one.activity_id else None
    with i18n.speaking(notifications.language_for(g.service, person)):
        return render_template(
            "caseload/onward_slip.html",
            one=one,
            activity=activity,
            places=list(_places(activity)),
            times=_times(activity),
        )


def _places(activity: directory.Shown | None) -> Iterator[str]:
    for place in activity.places if activity else ():
        said = ", ".join(filter(None, (place.name, place.address, place.city, place.postcode)))
        if said:
            yield said


def _times(activity: directory.Shown | None) -> list[str]:
    return [time.words for time in activity.times if time.words] if activity else []


# For the person's own page -------------------------------------------------------------------------------------------

FOR_PERSON: dict[str, str] = {
    "signpost": N_("We told you about this."),
    "supported-self-referral": N_("You ask for this yourself, and we help you with it."),
    "referral": N_("We ask them for you."),
}
"""What we do about a place, to the person."""


@dataclass(frozen=True)
class Theirs:
    """A place that can help, on the person's own page. ``given``: what we told the group about them, and when."""

    name: str
    provider: str
    what: str
    on: str
    given: tuple[tuple[str, str], ...]
    given_on: str


def for_person(person_id: uuid.UUID) -> list[Theirs]:
    """Every place that we told them about, or asked for them."""
    return [
        Theirs(
            one.name,
            one.provider,
            gettext(FOR_PERSON[one.kind]),
            say_date(one.on, weekday=False),
            tuple((gettext(label), value) for label, value in one.given),
            say_date(one.given_on, weekday=False) if one.given_on else "",
        )
        for one in onward.for_person(g.store, g.service.id, person_id)
    ]
