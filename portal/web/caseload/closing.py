"""The end of a case on the pages of the staff: closing, opening again, a pause, asking again later.

What is known already is written down by the page, so that nothing is typed twice; what somebody typed is never lost,
also when a colleague was faster.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import codes, goals, i18n, referrals, services
from portal.access import Permission
from portal.caseload import closing, contacts, lists, moving, notes, onward, risks
from portal.caseload.closing import Beside, Closure
from portal.caseload.lists import Listed
from portal.clock import now, today
from portal.feedback import CheckIn
from portal.i18n import LONDON, N_, gettext, ngettext, say_date, say_moment, say_month
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.web import forms
from portal.web.admin import NOT_A_DAY, read_day
from portal.web.caseload.door import blueprint, contact_of, read, staff_names, to_case
from portal.web.caseload.plan import say_check_in
from portal.web.caseload.scores import scales_of
from portal.web.caseload.words import shown_alert, shown_task
from portal.web.security import allow, keeps_typed

FOLLOW_UP = timedelta(days=91)
"""When most services ask again; the day stands in the form, and can be taken out."""

SAY: dict[str, str] = {
    "reason": N_("Choose why the case ends"),
    "reason_text": N_("Write which other reason, in at most 500 characters"),
    "summary": N_("Write what professionals should know"),
    "person_summary": N_("Write some words for the person to read"),
    "actions_professionals": N_("Write what you ask of professionals, or tick that nothing is asked of them"),
    "no_action": N_("You wrote what you ask of professionals, so take out the tick"),
    "actions_person": N_("Write it in at most 4,000 characters"),
    "follow_up_due": N_("Enter a day from today on and within two years, or leave it blank"),
    "no_known_risks": N_("Tick this, or first write down the risks that you know of"),
    "because": N_("Write why the case is opened again, in at most 500 characters"),
    "words": N_("Write which other reason, in at most 500 characters"),
    "until": N_("Enter a day from today on and within two years"),
    "outcome": N_("Choose what became of this need"),
}
"""What is wrong, by the name that the room gives it."""

AT = {"follow_up_due": "follow_up"}
"""The field of the page, where it is not named as in the room."""


class Close(forms.Form):
    """Why it ends, what became of it, and who reads what."""

    reason = forms.OneOf(N_("Why does the case end?"), missing=SAY["reason"])
    reason_text = forms.Words(
        N_("Which other reason?"), longest=closing.LONGEST_REASON, hint=N_("Only if you chose “another reason”.")
    )
    summary = forms.LongWords(
        N_("What professionals should know"),
        longest=closing.LONGEST,
        hint=N_("What is known stands here already. Change what is not right, and add what is missing."),
    )
    actions_professionals = forms.LongWords(
        N_("What do you ask of professionals?"),
        longest=closing.LONGEST,
        hint=N_("It stands first in the message to the GP."),
    )
    no_action = forms.Tick(N_("Nothing is asked of professionals"))
    person_summary = forms.LongWords(
        N_("What the person reads"),
        longest=closing.LONGEST,
        hint=N_("Kind and plain, on their own page. We never put it into a message."),
    )
    actions_person = forms.LongWords(
        N_("What the person may do themselves"),
        longest=closing.LONGEST,
        hint=N_("If you have agreed something. They read it on their own page."),
    )
    follow_up = forms.Code(
        N_("When do you ask again how they are?"),
        longest=40,
        hint=N_("A day such as 24 11 2026. It then stands on your page of today. Leave it blank if nobody asks again."),
    )
    check_in_declined = forms.Tick(N_("I offered them the last check-in, and they did not want it"))
    ask_later = forms.Tick(N_("Ask them once more how they are"))
    no_known_risks = forms.Tick(N_("I know of no risks"))


class Again(forms.Form):
    """Why a case is opened again."""

    because = forms.LongWords(
        N_("Why is it opened again?"),
        longest=closing.LONGEST_REASON,
        missing=SAY["because"],
        hint=N_("For your team. It stays in the history of the case."),
    )


class Hold(forms.Form):
    """Why and until when a case pauses."""

    reason = forms.OneOf(N_("Why does it pause?"), missing=N_("Choose why it pauses"))
    words = forms.Words(N_("What else should your team know?"), longest=closing.LONGEST_REASON)
    until = forms.Code(
        N_("When do you look at it again?"),
        longest=40,
        missing=NOT_A_DAY,
        hint=N_("A day such as 24 11 2026. It then stands on your page of today. Nothing goes on by itself."),
    )


def choices_of(entries: Sequence[Listed]) -> list[tuple[str, str]]:
    """A closed list as choices, translated."""
    return [(one.code, gettext(one.label)) for one in entries]


def say(entries: Sequence[Listed], code: str | None) -> str:
    """The label of a code; empty without one."""
    found = lists.entry(entries, code)
    return gettext(found.label) if found else ""


def _means(entries: Sequence[Listed]) -> dict[str, str]:
    return {one.code: gettext(one.definition) for one in entries if one.definition}


def need_label(code: str) -> str:
    """A need of the form's list, as it is written in the source."""
    choice = SELF_REFERRAL.question("needs").choice(code)
    return choice.label if choice else code


def _field(need: str) -> str:
    return f"outcome_{need.replace('-', '_')}"


# Closing -------------------------------------------------------------------------------------------------------------


def _form(around: Beside, **given: Any) -> Any:
    """The form of closing this very case: with one question for each of its needs."""
    asked = {_field(one.need): forms.Listed(need_label(one.need), missing=SAY["outcome"]) for one in around.needs}
    form = type("CloseThis", (Close,), asked)(**given)
    chosen = services.as_chosen(lists.CLOSURE_REASONS, g.settings.closure_reasons)
    form.reason.choices = [(code, gettext(label)) for code, label in chosen]
    form.reason.means = _means(lists.CLOSURE_REASONS)
    for one in around.needs:
        form[_field(one.need)].choices = [
            ("", gettext(N_("Choose what became of it"))),
            *choices_of(lists.NEED_OUTCOMES),
        ]
    if around.later:
        form.ask_later.label.text = _asked_later(around.later[0])
        form.ask_later.description = " ".join(_about_asking_later(around, dict(chosen)))
    else:
        del form.ask_later
    return form


def _asked_later(check_in: CheckIn) -> str:
    """What the tick says: when they are asked again, or that they have been asked already."""
    if check_in.due_at < now():
        return gettext(N_("Let them still answer the check-in for which it is time now"))
    return gettext(
        N_("Ask them once more how they are, in %(month)s"), month=say_month(check_in.due_at.astimezone(LONDON).date())
    )


def _about_asking_later(around: Beside, reasons: Mapping[str, str]) -> Iterator[str]:
    yield gettext(N_("The plan has one more check-in after the end. Take the tick out if they do not want it."))
    if around.said_no:
        yield gettext(N_("They did not want to answer a check-in before, so ask them first."))
    if not around.by_message:
        yield gettext(N_("We may not write to them about it. You find it among the things to do then, and ask them."))
    after = ", ".join(f"“{gettext(label)}”" for code, label in reasons.items() if code in lists.ASKED_LATER)
    yield gettext(N_("It counts after %(reasons)s. After any other reason nobody is asked."), reasons=after)


PROPOSED = {"resolved": "resolved", "improving": "improved"}
"""What became of a need, as far as the plan says it already."""


def _prefilled(referral: Referral, around: Beside) -> dict[str, Any]:
    """What the page writes down by itself: everything that is known."""
    outcomes = {_field(one.need): PROPOSED.get(one.status, "") for one in around.needs}
    if referral.first_contact_at is None:
        outcomes = dict.fromkeys(outcomes, "unknown")
    ask = today() + FOLLOW_UP
    with i18n.speaking("en"):  # as the message is in which professionals read it, whatever the worker reads
        known = "\n".join(_known(referral))
    return {
        **outcomes,
        "reason": "could-not-contact" if referral.first_contact_at is None and not around.attempts_left else "",
        "summary": known,
        "person_summary": "\n".join(_for_the_person(referral)),
        "follow_up": f"{ask.day} {ask.month} {ask.year}",
        "ask_later": around.by_message and not around.said_no,
    }


def _known(referral: Referral) -> Iterator[str]:
    """What is known of a case, in sentences for professionals: the scores first and last, what was tried, the risks."""
    needs = [gettext(need_label(code)) for code in referrals.needs_of(g.store, referral)]
    if needs:
        yield gettext(N_("They asked for help with: %(needs)s."), needs=", ".join(needs))
    yield _contacts(referral)
    for line in goals.of_person(g.store, g.actor.service_id, referral.person_id):
        yield _goal(line)
    for scale in scales_of(referral, {}):
        for one in scale.lines:
            yield _score(scale.title, one.name, str(one.first or ""), str(one.last or ""))
    for tried in reversed(onward.of_referral(g.store, g.actor, referral.id)):
        became = say(lists.ONWARD_STATUSES, tried.onward.status)
        yield gettext(N_("Tried: %(place)s (%(became)s)."), place=tried.onward.activity_name, became=became)
    known = risks.of_person(g.store, g.actor.service_id, referral.person_id)
    said = [": ".join(part for part in (say(lists.RISK_KINDS, one.kind), one.words or "") if part) for one in known]
    if said and all(said):
        yield gettext(N_("Risks: %(risks)s."), risks="; ".join(said))
    elif known:
        yield gettext(N_("No known risks."))


def _contacts(referral: Referral) -> str:
    reached = [one for one in contacts.of_referral(g.store, g.actor, referral.id) if one.outcome in lists.REACHED]
    if not reached:
        return ngettext(
            "We tried to reach them %(num)s time, and did not.",
            "We tried to reach them %(num)s times, and did not.",
            referral.attempts,
        )
    days = sorted(one.happened_at.astimezone(LONDON).date() for one in reached)
    if len(days) == 1:
        return gettext(N_("We were in contact once, on %(day)s."), day=say_date(days[0], weekday=False))
    return ngettext(
        "We were in contact %(num)s time, from %(first)s to %(last)s.",
        "We were in contact %(num)s times, from %(first)s to %(last)s.",
        len(days),
        first=say_date(days[0], weekday=False),
        last=say_date(days[-1], weekday=False),
    )


def _goal(line: goals.GoalLine) -> str:
    first, last = line.first, line.points[-1] if line.points else None
    if first is None or last is None or first is last:
        return gettext(N_("Their goal: %(goal)s"), goal=line.goal.words)
    return gettext(
        N_("Their goal: %(goal)s. They rated it %(first)s of 10 first, %(last)s of 10 last."),
        goal=line.goal.words.rstrip("."),
        first=first.rating,
        last=last.rating,
    )


def _score(title: str, name: str, first: str, last: str) -> str:
    what = title if name == title else f"{title}, {name}"
    if first and last:
        return gettext(N_("%(what)s: first %(first)s, last %(last)s."), what=what, first=first, last=last)
    return gettext(N_("%(what)s: %(last)s."), what=what, last=last or first)


def _for_the_person(referral: Referral) -> Iterator[str]:
    if referral.first_contact_at is None:
        yield gettext(
            N_("We tried to reach you, and did not. If you would like to talk, we would like to hear from you.")
        )
        return
    yield gettext(N_("Thank you for working with us. This is where we end for now."))


def _page(referral: Referral, around: Beside, form: Any) -> str:
    names = staff_names()
    return render_template(
        "caseload/close.html",
        referral=referral,
        contact=contact_of(referral),
        form=form,
        around=around,
        outcomes=[form[_field(one.need)] for one in around.needs],
        outcome_means=[(gettext(one.label), gettext(one.definition)) for one in lists.NEED_OUTCOMES],
        alerts=[shown_alert(one, names) for one in around.alerts],
        tasks=[shown_task(one, names, opens=True) for one in around.tasks],
        onward=[(one.activity_name, say(lists.ONWARD_STATUSES, one.status)) for one in around.onward],
        asked=[say_check_in(one) for one in around.asked],
        last_check_in=say_check_in(around.at_the_end) if around.at_the_end else "",
        statuses=referrals.STATUSES,
    )


@blueprint.get("/referrals/<uuid:referral_id>/close")
@allow(Permission.WORK_ON_CASE, audits=True)
def close(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Everything that an end needs, with what is known already."""
    referral = read(referral_id)
    if not referral.is_open:
        return too_late(referral, closing.latest(g.store, g.actor.service_id, referral.id))
    around = closing.beside(g.store, g.service, g.actor, referral)
    return _page(referral, around, _form(around, formdata=None, data=_prefilled(referral, around)))


@blueprint.post("/referrals/<uuid:referral_id>/close")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def close_it(referral_id: uuid.UUID) -> ResponseReturnValue:
    """End it."""
    referral = read(referral_id)
    around = closing.beside(g.store, g.service, g.actor, referral)
    form = _form(around)
    if not referral.is_open:
        return too_late(referral, closing.latest(g.store, g.actor.service_id, referral.id), form)
    day = _day(form, "follow_up")
    sent = form.sent() and (day is not None or not form.follow_up.data)
    if not sent:
        if form.follow_up.data and day is None:
            form.refuse("follow_up", gettext(NOT_A_DAY))
        return _page(referral, around, form), 422
    plain = ("reason", "reason_text", "summary", "person_summary", "actions_professionals", "actions_person")
    said: dict[str, Any] = {name: form[name].data for name in plain}
    said |= {name: bool(form[name].data) for name in ("no_action", "no_known_risks", "check_in_declined")}
    try:
        closing.close(
            g.store,
            g.service,
            g.actor,
            referral.id,
            outcomes={one.need: form[_field(one.need)].data for one in around.needs},
            follow_up_due=day if form.reason.data != "died" else None,
            ask_later="ask_later" in form and bool(form.ask_later.data),
            **said,
        )
    except closing.NotOpen as late:
        return too_late(late.referral, late.closure, form)
    except closing.TooFewAttempts as few:
        form.refuse("reason", _attempts(few.left))
        return _page(referral, around, form), 422
    except closing.NeedsWords as missing:
        _refuse(form, missing)
        return _page(referral, around, form), 422
    return to_case(referral.id)


def _attempts(left: int) -> str:
    return ngettext(
        "Try %(num)s more time first, in a way that they allow, and record it. Or choose another reason",
        "Try %(num)s more times first, in a way that they allow, and record each. Or choose another reason",
        left,
    )


def _refuse(form: Any, missing: closing.NeedsWords) -> None:
    name, _, need = str(missing).partition(":")
    form.refuse(_field(need) if need else AT.get(name, name), gettext(SAY[name]))


def _day(form: Any, name: str) -> date | None:
    return read_day(form[name].data) if form[name].data else None


# Somebody was faster -------------------------------------------------------------------------------------------------


def typed_in(form: Any) -> list[tuple[str, str]]:
    """The words that somebody typed into a form that came too late."""
    long = [field for field in form if isinstance(field, (forms.LongWords, forms.Words)) and field.raw_data]
    return [(gettext(one.label.text), one.data) for one in long if one.data]


def too_late(referral: Referral, closure: Closure | None, form: Any = None) -> ResponseReturnValue:
    """How the case stands now, and what was typed, which can be kept as a note."""
    names = staff_names()
    change = referrals.last_change(g.store, referral)
    typed = typed_in(form) if form is not None else []
    page = render_template(
        "caseload/close_late.html",
        referral=referral,
        contact=contact_of(referral),
        status=gettext(referrals.STATUSES[referral.status]),
        by=names.get((change.changed_by if change else None) or referral.id, gettext(N_("The person themselves"))),
        when=change.created_at if change else None,
        ended=shown(closure, names) if closure and not referral.is_open else None,
        typed=typed,
        words="\n\n".join(f"{name}\n{said}" for name, said in typed),
        once=uuid.uuid4(),
        longest=notes.LONGEST,
    )
    return page, 409


@blueprint.post("/referrals/<uuid:referral_id>/keep-words")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def keep_words(referral_id: uuid.UUID) -> ResponseReturnValue:
    """What was typed into a form that came too late becomes a note for the team."""
    referral = read(referral_id)
    form = Keep()
    if not form.sent():
        page = render_template(
            "caseload/keep_words.html", referral=referral, contact=contact_of(referral), form=form, once=_once()
        )
        return page, 422
    notes.write(
        g.store,
        g.actor,
        referral.id,
        words=form.words.data,
        shared=False,
        note_id=uuid.uuid5(g.actor.staff_id, _once()),
    )
    return to_case(referral.id)


def _once() -> str:
    return request.form.get("once", "")[:60]


class Keep(forms.Form):
    """What was typed, as a note."""

    words = forms.LongWords(
        N_("What you wrote"), longest=notes.LONGEST, missing=N_("There is nothing to keep. Write it, or go back")
    )


# Opening again -------------------------------------------------------------------------------------------------------


def _again_page(referral: Referral, form: Again) -> str:
    closure = closing.latest(g.store, g.actor.service_id, referral.id)
    return render_template(
        "caseload/reopen.html",
        referral=referral,
        contact=contact_of(referral),
        form=form,
        may=closing.may_be_reopened(referral, closure),
        until=closing.reopen_until(referral, closure),
    )


@blueprint.get("/referrals/<uuid:referral_id>/reopen")
@allow(Permission.WORK_ON_CASE, audits=True)
def reopen(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Why it is opened again."""
    referral = read(referral_id)
    if referral.status not in closing.REOPENABLE:
        return too_late(referral, None)
    return _again_page(referral, Again())


@blueprint.post("/referrals/<uuid:referral_id>/reopen")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def reopen_it(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Open it again."""
    referral, form = read(referral_id), Again()
    if not form.sent():
        return _again_page(referral, form), 422
    try:
        closing.reopen(g.store, g.service, g.actor, referral.id, because=form.because.data)
    except closing.NotClosed as problem:
        return too_late(problem.referral, None, form)
    except closing.TooLate:
        form.refuse("because", gettext(N_("This case ended too long ago. Please fill in a new form with them")))
        return _again_page(referral, form), 422
    except closing.NeedsWords as missing:
        _refuse(form, missing)
        return _again_page(referral, form), 422
    return to_case(referral.id)


# A pause -------------------------------------------------------------------------------------------------------------


def _hold_form() -> Hold:
    form = Hold()
    form.reason.choices, form.reason.means = choices_of(lists.HOLD_REASONS), _means(lists.HOLD_REASONS)
    return form


def _hold_page(referral: Referral, form: Hold) -> str:
    return render_template("caseload/hold.html", referral=referral, contact=contact_of(referral), form=form)


@blueprint.get("/referrals/<uuid:referral_id>/hold")
@allow(Permission.WORK_ON_CASE, audits=True)
def hold(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Why and until when."""
    referral = read(referral_id)
    if referral.status not in ("accepted", "active"):
        return too_late(referral, closing.latest(g.store, g.actor.service_id, referral.id))
    return _hold_page(referral, _hold_form())


@blueprint.post("/referrals/<uuid:referral_id>/hold")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def hold_it(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Pause it."""
    referral, form = read(referral_id), _hold_form()
    if not form.sent():
        return _hold_page(referral, form), 422
    try:
        closing.hold(
            g.store,
            g.actor,
            referral.id,
            reason=form.reason.data,
            words=form.words.data,
            until=_day(form, "until"),
        )
    except closing.NotOpen as late:
        return too_late(late.referral, late.closure, form)
    except closing.NeedsWords as missing:
        _refuse(form, missing)
        return _hold_page(referral, form), 422
    return to_case(referral.id)


@blueprint.post("/referrals/<uuid:referral_id>/resume")
@allow(Permission.WORK_ON_CASE)
def resume(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Go on."""
    referral = read(referral_id)
    try:
        closing.resume(g.store, g.service, g.actor, referral.id)
    except closing.NotOpen as late:
        return too_late(late.referral, late.closure)
    return to_case(referral.id)


@blueprint.post("/referrals/<uuid:referral_id>/followed-up")
@allow(Permission.WORK_ON_CASE)
def followed_up(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Somebody has asked again after the end."""
    referral = read(referral_id)
    if closing.followed_up(g.store, g.actor, referral.id) is None:
        abort(404)
    return redirect(url_for("caseload.case", referral_id=referral.id, _anchor="closing"), 303)


# On the page of a case -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShownEnd:
    """How a case ended, in words: everything that was said, in the order of the form. ``again``: who opened it again,
    when and why; empty while it has not been."""

    closure: Closure
    rows: tuple[tuple[str, str], ...]
    again: str


@dataclass(frozen=True)
class ShownClosing:
    """What can be done about the end of a case, and every end that it has had, the last one first. ``paused``: why and
    until when it is on hold. ``follow_up``: the day on which somebody asks again, until they have."""

    paused: str
    until: date | None
    ends: tuple[ShownEnd, ...]
    may_reopen: bool
    reopen_until: date
    follow_up: date | None
    moved: str


def for_case(referral: Referral) -> dict[str, object]:
    """What ``caseload/parts/case_closing.html`` shows on the case page: what can be done about the end, and how it
    ended."""
    names = staff_names()
    every = closing.all_of(g.store, g.actor.service_id, referral.id)
    last = every[-1] if every else None
    change = referrals.last_change(g.store, referral) if referral.status == "on-hold" else None
    move = moving.of_referral(g.store, g.actor.service_id, referral.id)
    over = last is not None and last.reopened_at is None
    return {
        "closing": ShownClosing(
            paused=_why(change.reason, change.words) if change else "",
            until=change.until if change else None,
            # How a referral ended that nobody took stands above, as what was decided.
            ends=tuple(shown(one, names) for one in reversed(every)) if referral.assigned_to else (),
            may_reopen=closing.may_be_reopened(referral, last),
            reopen_until=closing.reopen_until(referral, last),
            follow_up=last.follow_up_due if last and over and last.followed_up_at is None else None,
            moved=gettext(N_("Moved to %(service)s, where its reference is %(reference)s."), **_where(move))
            if move and referral.status == "passed-on"
            else "",
        )
    }


def _where(move: moving.CaseMove) -> Mapping[str, str]:
    return {"service": move.to_service, "reference": codes.show_reference(move.to_reference)}


def _why(reason: str | None, words: str | None) -> str:
    return ": ".join(part for part in (say(lists.HOLD_REASONS, reason), words or "") if part)


def shown(closure: Closure, names: Mapping[uuid.UUID, str]) -> ShownEnd:
    """How a case ended, in words."""
    outcomes = [
        f"{gettext(need_label(need))}: {say(lists.NEED_OUTCOMES, code)}" for need, code in closure.outcomes.items()
    ]
    asked = gettext(N_("Nothing is asked of them.")) if closure.no_action else closure.actions_professionals
    rows = (
        (
            N_("Ended by"),
            names.get(closure.closed_by, "") if closure.closed_by else gettext(N_("The person themselves")),
        ),
        (N_("When"), say_moment(closure.closed_at)),
        (N_("Reason"), ": ".join(x for x in (say(lists.CLOSURE_REASONS, closure.reason), closure.reason_text) if x)),
        (N_("What became of the needs"), "; ".join(outcomes)),
        (N_("What professionals should know"), closure.summary),
        (N_("What is asked of professionals"), asked),
        (N_("What the person reads"), closure.person_summary),
        (N_("What the person may do themselves"), closure.actions_person),
        (N_("Ask again"), say_date(closure.follow_up_due, weekday=False) if closure.follow_up_due else ""),
    )
    return ShownEnd(closure, tuple((gettext(name), said) for name, said in rows if said), _again(closure, names))


def _again(closure: Closure, names: Mapping[uuid.UUID, str]) -> str:
    if closure.reopened_at is None:
        return ""
    return gettext(
        N_("Opened again by %(name)s on %(when)s: %(why)s"),
        name=names.get(closure.reopened_by or closure.id, ""),
        when=say_moment(closure.reopened_at),
        why=closure.reopened_because or "",
    )
