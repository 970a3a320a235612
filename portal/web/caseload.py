"""The link worker's doors: the inbox, one referral and what is decided about it, alerts, tasks.

The rule of safe contact stands at the top of every page on which somebody might pick up a phone, and the person's own
words before our questions.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from portal import access, alerts, feedback, i18n, people, referrals, tasks
from portal.access import Permission
from portal.clock import now
from portal.i18n import N_, gettext, language_name, ngettext
from portal.journeys import ABSENCES, Question
from portal.journeys.self_referral import SELF_REFERRAL
from portal.people import SHARING
from portal.referrals import Alert, Promise, Referral, Task, Unsent
from portal.web import forms, questions, safe_contact
from portal.web.safe_contact import SafeContact
from portal.web.security import allow, keeps_typed

blueprint = Blueprint("caseload", __name__, url_prefix="/staff")

PAGE = 25
"""Referrals on one page of the inbox."""
TASKS = 10
"""Things to do beneath the inbox; the page of tasks has them all."""
EXCERPT = 120
"""Characters of somebody's own words in a list."""
CLOSED_LATELY = timedelta(days=14)
NO_INTERPRETER = ("no", *ABSENCES)

REACH = (
    "first_name",
    "family_name",
    "preferred_name",
    "pronouns",
    "date_of_birth",
    "postcode",
    "spoken_language",
    "interpreter",
    "access_needs",
    "access_detail",
    "helper_name",
    "helper_relationship",
    "helper_contact",
)
"""The answers of an unsent form that help to reach somebody safely; the rest stays theirs until they send it."""
TYPED = (*REACH, "phone", "email", "post_address", "trusted_name", "trusted_contact", "meeting_place")
"""What is shown of an unsent form as it was typed, where we could not read it."""
SUPPORT = ("spoken_language", "written_language", "interpreter", "access_needs", "access_detail")

DECISIONS: dict[str, str] = {
    "given": N_("Yes"),
    "refused": N_("No"),
    "withdrawn": N_("No: they took it back"),
    "left-blank": N_("Left blank, so no"),
    "prefer-not-to-say": N_("Chose not to say, so no"),
}
GIVEN_BY: dict[str, str] = {
    "person": N_("in the form"),
    "proxy": N_("by the person who filled in the form for them"),
    "staff-recorded-verbal": N_("in words, to one of us"),
}
NEWS: dict[str, str] = {
    "referral-received": N_("Tell them that we have their form"),
    "referral-accepted": N_("Tell them that somebody has taken their referral"),
    "referral-decided": N_("Tell them what was decided"),
    "comment-answered": N_("Tell them that there is an answer for them on their own page"),
}
"""What a worker is asked to tell when the portal may not: by the message that was not sent."""


# Forms ---------------------------------------------------------------------------------------------------------------


class Give(forms.Form):
    """To whom."""

    to = forms.Listed(N_("Give it to"), missing=N_("Choose somebody"))


class Decline(forms.Form):
    """Why not, and what to say."""

    reason = forms.OneOf(N_("Why can we not take it?"), missing=N_("Choose a reason"))
    text = forms.LongWords(
        N_("A note for your team, if you like"), longest=1000, hint=N_("The person does not see this.")
    )
    word = forms.LongWords(
        N_("A word to the person"),
        longest=1000,
        hint=N_("Kind and plain. We never put it in a message: give it to them in a way that they said is safe."),
    )


class PassOn(forms.Form):
    """To whom, why, and what to say."""

    to = forms.Words(N_("Who will help them now?"), longest=150, missing=N_("Type who will help them now"))
    reason = forms.LongWords(N_("Why is that better for them?"), longest=1000, missing=N_("Write why"))
    word = forms.LongWords(
        N_("A word to the person"),
        longest=1000,
        missing=N_("Write a word to the person"),
        hint=N_("Kind and plain. We never put it in a message: give it to them in a way that they said is safe."),
    )


class Spoken(forms.Form):
    """A permission given in words."""

    agreed = forms.Tick(
        N_("I asked them this, and they said yes"), missing=N_("Tick this when you have asked them and they said yes")
    )


class Close(forms.Form):
    """What was done."""

    done = forms.LongWords(
        N_("What was done?"),
        longest=alerts.LONGEST_WORDS,
        missing=N_("Write what was done"),
        hint=N_("Who you reached, how, and what happens next."),
    )


def _colleagues(form: Give, *, without: uuid.UUID | None = None) -> Give:
    there = [(str(one.id), one.name) for one in referrals.colleagues(g.store, g.actor) if one.id != without]
    form.to.choices = [("", gettext(N_("Choose somebody"))), *there]
    return form


# In words ------------------------------------------------------------------------------------------------------------


def say_wait(since: datetime) -> str:
    """How long something has been waiting."""
    minutes = max(0, int((now() - since).total_seconds() // 60))
    if minutes < 60:
        return ngettext("waiting %(num)s minute", "waiting %(num)s minutes", minutes)
    if minutes < 48 * 60:
        return ngettext("waiting %(num)s hour", "waiting %(num)s hours", minutes // 60)
    return ngettext("waiting %(num)s day", "waiting %(num)s days", minutes // (24 * 60))


def say_promise(promise: Promise) -> str:
    """Where a referral stands against what we promised."""
    if promise.late:
        if promise.days_late == 0:
            return gettext(N_("It was due earlier today"))
        return ngettext("%(num)s day late", "%(num)s days late", promise.days_late)
    if promise.working_days_left == 0:
        return gettext(N_("Today is the last day"))
    return ngettext("%(num)s working day left", "%(num)s working days left", promise.working_days_left)


def _said(code: str, answers: Mapping[str, object]) -> Markup:
    return questions.in_words(SELF_REFERRAL.question(code), answers)


def _asked(code: str) -> Question | None:
    return next((question for question in SELF_REFERRAL.questions if question.code == code), None)


def _language(answers: Mapping[str, object]) -> str:
    """The language to speak, and whether somebody must interpret."""
    spoken = people.value_of(answers, "spoken_language")
    said = language_name(spoken) if spoken else _said("spoken_language", answers)
    if answers.get("interpreter", NO_INTERPRETER[-1]) in NO_INTERPRETER:
        return said
    return gettext(
        N_("%(language)s. Interpreter: %(interpreter)s"), language=said, interpreter=_said("interpreter", answers)
    )


def _excerpt(answers: Mapping[str, object]) -> str:
    words = " ".join((people.value_of(answers, "what_matters") or "").split())
    return words if len(words) <= EXCERPT else words[:EXCERPT].rsplit(" ", 1)[0] + "…"


def _needs(codes: Sequence[str]) -> list[str]:
    listed = SELF_REFERRAL.question("needs")
    return [listed.say(code) for code in codes]


@dataclass(frozen=True)
class ShownLine:
    """A referral in a list."""

    line: referrals.Line
    words: str
    needs: list[str]
    language: str
    promise: str


def _shown_line(line: referrals.Line) -> ShownLine:
    answers = line.referral.answers
    return ShownLine(line, _excerpt(answers), _needs(line.needs), _language(answers), say_promise(line.promise))


@dataclass(frozen=True)
class ShownAlert:
    """An alert, in words. ``events``: (when, what happened, who, what was answered, what was done)."""

    alert: Alert
    rule: str
    question: str
    said: str
    owner: str
    wait: str
    opened_by: str
    closed_by: str
    changes: tuple[tuple[datetime, str], ...]
    events: tuple[tuple[datetime, str, str, str, str], ...]
    own: bool
    overdue: bool


def _question_of(alert: Alert) -> Question | None:
    """What was asked: a question of the form, or an item of a scale in words that staff can read."""
    scale, _, item = alert.question.rpartition(":")
    if not scale:
        return _asked(alert.question)
    return feedback.questions_of(g.store, g.service, alert.form_id, i18n.spoken().code).get(item)


def _shown_alert(alert: Alert, names: Mapping[uuid.UUID, str], *, whole: bool = False) -> ShownAlert:
    """``whole``: with everything that happened to it, which is a query more."""
    question = _question_of(alert)
    happened = alerts.events_of(g.store, g.actor, alert.id) if whole else ()

    def say(answer: object) -> str:
        return questions.said(question, answer) if question else str(answer)

    return ShownAlert(
        alert=alert,
        rule=gettext(alerts.RULES[alert.rule].label),
        question=questions.label(question) if question else alert.question,
        said=say(alert.answer),
        owner=names.get(alert.owner_id, ""),
        wait=say_wait(alert.created_at),
        opened_by=names.get(alert.opened_by or alert.id, ""),
        closed_by=names.get(alert.closed_by or alert.id, ""),
        changes=tuple((one.created_at, say(one.answer)) for one in happened if one.what == "answer-changed"),
        events=tuple(
            (
                one.created_at,
                gettext(alerts.EVENT_NAMES[one.what]),
                names.get(one.staff_id or one.id, ""),
                say(one.answer) if one.answer else "",
                one.what_was_done or "",
            )
            for one in happened
        ),
        own=alert.owner_id == g.actor.staff_id,
        overdue=alert.opened_at is None and alert.closed_at is None and alert.due_at < now(),
    )


@dataclass(frozen=True)
class ShownTask:
    """Something to do, in words, and where to look first."""

    task: Task
    what: str
    address: str
    assigned: str
    overdue: bool


def _shown_task(task: Task, names: Mapping[uuid.UUID, str]) -> ShownTask:
    address = ""
    if task.referral_id:
        address = url_for("caseload.case", referral_id=task.referral_id)
    elif task.draft_id:
        address = url_for("caseload.task", task_id=task.id)
    elif task.kind == tasks.Kind.ERASURE_ASKED and access.may(g.actor, Permission.ERASE_PEOPLE):
        address = url_for("erasure.requests")
    elif task.kind == tasks.Kind.COMPLAINT and access.may(g.actor, Permission.HANDLE_COMMENTS):
        address = url_for("experience.comment", comment_id=task.details["comment"])
    news = NEWS.get(str(task.details.get("template", "")), "")
    return ShownTask(
        task,
        gettext(news or tasks.KIND_NAMES[tasks.Kind(task.kind)]),
        address,
        names.get(task.assigned_to or task.id, ""),
        task.due_at < now(),
    )


@blueprint.app_context_processor
def _waiting_alerts() -> dict[str, object]:
    """For the layout of the staff's pages: how many alerts nobody has opened yet."""
    actor = g.get("actor")
    if g.get("failed") or not request.path.startswith("/staff") or not access.may(actor, Permission.HANDLE_ALERTS):
        return {}
    return {"alerts_waiting": alerts.unopened_count(g.store, actor.service_id)}


# The inbox -----------------------------------------------------------------------------------------------------------


@blueprint.get("/inbox")
@allow(Permission.READ_INBOX)
def inbox() -> ResponseReturnValue:
    """Alerts on top, then new referrals, the oldest promise first; my people; what is to be done."""
    after = _after()
    found = referrals.inbox(g.store, g.actor, after, most=PAGE + 1)
    names = referrals.staff_names(g.store, g.actor)
    unopened = [one for one in alerts.waiting(g.store, g.actor) if one.opened_at is None]
    to_do = tasks.open_tasks(g.store, g.actor)
    return render_template(
        "caseload/inbox.html",
        alerts=[_shown_alert(one, names) for one in unopened],
        lines=[_shown_line(line) for line in found[:PAGE]],
        waiting=referrals.waiting_count(g.store, g.actor),
        further=after is not None,
        older=url_for("caseload.inbox", after=found[PAGE - 1].referral.id) if len(found) > PAGE else "",
        mine=[_shown_line(line) for line in referrals.mine(g.store, g.actor)],
        tasks=[_shown_task(one, names) for one in to_do[:TASKS]],
        more_tasks=max(0, len(to_do) - TASKS),
    )


def _after() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args.get("after", ""))
    except ValueError:
        return None


# One referral --------------------------------------------------------------------------------------------------------


def _read(referral_id: uuid.UUID) -> Referral:
    try:
        return referrals.read(g.store, g.actor, referral_id)
    except referrals.Gone:
        abort(404)


def _to_case(referral_id: uuid.UUID) -> ResponseReturnValue:
    return redirect(url_for("caseload.case", referral_id=referral_id), 303)


def _contact_of(referral: Referral) -> SafeContact:
    ways = people.ways_of(g.store, g.actor.service_id, referral.person_id)
    return safe_contact.in_words(referrals.name_to_use(_answers_now(referral)), ways)


def _answers_now(referral: Referral) -> "dict[str, object]":
    """What the form says, with what the person has corrected on their own page since."""
    ways = people.ways_of(g.store, g.actor.service_id, referral.person_id)
    return referrals.answers_now(referral, people.read(g.store, g.actor, referral.person_id), ways)


def _permissions(person_id: uuid.UUID) -> list[tuple[str, str]]:
    """Every question about sharing, and what counts now. No row means no."""
    now_count = people.permissions_of(g.store, g.actor.service_id, person_id)
    told = []
    for kind in SHARING:
        row = now_count.get(kind)
        said = gettext(N_("Not asked, so no"))
        if row:
            said = gettext(
                N_("%(answer)s (%(how)s)"),
                answer=gettext(DECISIONS[row.decision]),
                how=gettext(GIVEN_BY.get(row.given_by, GIVEN_BY["person"])),
            )
        told.append((gettext(SELF_REFERRAL.question(kind).name), said))
    return told


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


def _said_in_history(one: referrals.Happened) -> str:
    reason = g.settings.reason(one.reason) if one.reason else None
    what = gettext(referrals.STATUSES.get(one.what) or referrals.HISTORY_ACTS[one.what])
    said = [what, one.to, gettext(reason.label) if reason else ""]
    return ": ".join(part for part in said if part)


@blueprint.get("/referrals/<uuid:referral_id>")
@allow(Permission.READ_REFERRAL, audits=True)
def case(referral_id: uuid.UUID) -> ResponseReturnValue:
    """One referral: how to reach the person safely, alerts, their own words, everything they said, what to do."""
    referral = _read(referral_id)
    answers, names = _answers_now(referral), referrals.staff_names(g.store, g.actor)
    person = people.read(g.store, g.actor, referral.person_id)
    reason = g.settings.reason(referral.reason) if referral.reason else None
    return render_template(
        "caseload/case.html",
        referral=referral,
        contact=_contact_of(referral),
        support=[(gettext(SELF_REFERRAL.question(code).name), _said(code, answers)) for code in SUPPORT],
        alerts=[_shown_alert(one, names, whole=True) for one in alerts.of_referral(g.store, g.actor, referral.id)],
        words=people.value_of(answers, "what_matters"),
        needs=_needs(referrals.needs_of(g.store, referral)),
        steps=_answers_by_step(answers),
        not_asked=_not_asked(answers),
        permissions=_permissions(referral.person_id),
        duplicates=people.possible_duplicates(g.store, person),
        matches=people.MATCHES,
        others=[one for one in referrals.of_person(g.store, g.actor, person.id) if one.id != referral.id],
        merges=people.merges_of(g.store, g.actor, person.id)[:1],
        statuses=referrals.STATUSES,
        history=[(one, _said_in_history(one)) for one in referrals.history(g.store, g.actor, referral)],
        is_new=referral.status in referrals.WAITING,
        promise=referrals.promise_of(g.settings, referral.due_at),
        promise_words=say_promise(referrals.promise_of(g.settings, referral.due_at)),
        assigned=names.get(referral.assigned_to or referral.id, ""),
        decided_by=names.get(referral.decided_by or referral.id, gettext(N_("The person themselves"))),
        reason=gettext(reason.label) if reason else "",
    )


def _too_late(problem: referrals.AlreadyDecided) -> ResponseReturnValue:
    """Somebody was faster: who, when, and what they decided."""
    referral = problem.referral
    names = referrals.staff_names(g.store, g.actor)
    by = names.get(referral.decided_by or referral.id, gettext(N_("The person themselves")))
    page = render_template(
        "caseload/already_decided.html",
        referral=referral,
        by=by,
        status=gettext(referrals.STATUSES[referral.status]),
    )
    return page, 409


@blueprint.post("/referrals/<uuid:referral_id>/accept")
@allow(Permission.DECIDE_REFERRAL)
def accept(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Take it."""
    try:
        referrals.accept(g.store, g.service, g.actor, referral_id)
    except referrals.Gone:
        abort(404)
    except referrals.AlreadyDecided as problem:
        return _too_late(problem)
    return _to_case(referral_id)


@blueprint.get("/referrals/<uuid:referral_id>/give")
@allow(Permission.DECIDE_REFERRAL, audits=True)
def give(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Whom to give it to."""
    referral = _read(referral_id)
    return _give_page(referral, _colleagues(Give(), without=referral.assigned_to))


def _give_page(referral: Referral, form: Give) -> str:
    return render_template("caseload/give.html", referral=referral, form=form, contact=_contact_of(referral))


@blueprint.post("/referrals/<uuid:referral_id>/give")
@allow(Permission.DECIDE_REFERRAL)
def give_to(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Give it to a colleague; a new one is accepted by that."""
    referral = _read(referral_id)
    form = _colleagues(Give())
    if not form.sent():
        return _give_page(referral, form), 422
    to = uuid.UUID(form.to.data)
    try:
        if referral.status in referrals.WAITING:
            referrals.accept(g.store, g.service, g.actor, referral.id, to)
        else:
            referrals.give_to(g.store, g.actor, referral.id, to)
    except referrals.AlreadyDecided as problem:
        return _too_late(problem)
    except referrals.NotThere:
        form.refuse("to", gettext(N_("This colleague has left meanwhile. Choose somebody else")))
        return _give_page(referral, form), 422
    return _to_case(referral.id)


# Declining and passing on --------------------------------------------------------------------------------------------


def _decline_form() -> Decline:
    form = Decline()
    form.reason.choices = [(reason.code, gettext(reason.label)) for reason in g.settings.decline_reasons]
    return form


def _decline_page(referral: Referral, form: Decline) -> str:
    return render_template("caseload/decline.html", referral=referral, form=form, contact=_contact_of(referral))


@blueprint.get("/referrals/<uuid:referral_id>/decline")
@allow(Permission.DECIDE_REFERRAL, audits=True)
def decline(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Why we cannot take it, and a word to the person."""
    referral = _read(referral_id)
    if referral.status not in referrals.WAITING:
        return _too_late(referrals.AlreadyDecided(referral))
    return _decline_page(referral, _decline_form())


@blueprint.post("/referrals/<uuid:referral_id>/decline")
@allow(Permission.DECIDE_REFERRAL)
@keeps_typed
def decline_it(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Decline."""
    referral = _read(referral_id)
    form = _decline_form()
    if not form.sent():
        return _decline_page(referral, form), 422
    try:
        referrals.decline(
            g.store,
            g.service,
            g.actor,
            referral.id,
            reason=form.reason.data,
            text=form.text.data,
            word=form.word.data,
        )
    except referrals.AlreadyDecided as problem:
        return _too_late(problem)
    except referrals.NeedsWords:
        form.refuse("word", gettext(N_("Write a word to the person")))
        return _decline_page(referral, form), 422
    return _to_case(referral.id)


def _pass_on_page(referral: Referral, form: PassOn, spoken: Spoken) -> str:
    return render_template(
        "caseload/pass_on.html",
        referral=referral,
        form=form,
        spoken=spoken,
        allowed=people.allows(g.store, g.actor.service_id, referral.person_id, "share_onward"),
        question=SELF_REFERRAL.question("share_onward").label,
        contact=_contact_of(referral),
    )


@blueprint.get("/referrals/<uuid:referral_id>/pass-on")
@allow(Permission.DECIDE_REFERRAL, audits=True)
def pass_on(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Who will help instead; only with the person's permission."""
    referral = _read(referral_id)
    if referral.status not in referrals.WAITING:
        return _too_late(referrals.AlreadyDecided(referral))
    return _pass_on_page(referral, PassOn(), Spoken())


@blueprint.post("/referrals/<uuid:referral_id>/pass-on")
@allow(Permission.DECIDE_REFERRAL)
@keeps_typed
def pass_it_on(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Pass on."""
    referral = _read(referral_id)
    form = PassOn()
    if not form.sent():
        return _pass_on_page(referral, form, Spoken(formdata=None)), 422
    try:
        referrals.pass_on(
            g.store, g.service, g.actor, referral.id, to=form.to.data, reason=form.reason.data, word=form.word.data
        )
    except referrals.AlreadyDecided as problem:
        return _too_late(problem)
    except referrals.NotAllowed:
        spoken = Spoken(formdata=None)
        spoken.refuse("agreed", gettext(N_("Ask them first, and tick this when they said yes")))
        return _pass_on_page(referral, form, spoken), 422
    return _to_case(referral.id)


@blueprint.post("/referrals/<uuid:referral_id>/permission")
@allow(Permission.DECIDE_REFERRAL)
def record_permission(referral_id: uuid.UUID) -> ResponseReturnValue:
    """The person said in words that we may give their details."""
    referral = _read(referral_id)
    spoken = Spoken()
    if not spoken.sent():
        return _pass_on_page(referral, PassOn(formdata=None), spoken), 422
    people.record_spoken_permission(g.store, g.actor, referral.person_id, "share_onward")
    return redirect(url_for("caseload.pass_on", referral_id=referral.id), 303)


# Safe contact and possible duplicates --------------------------------------------------------------------------------


@blueprint.post("/referrals/<uuid:referral_id>/ways/<uuid:way_id>/confirm")
@allow(Permission.CONFIRM_CONTACT)
def confirm_way(referral_id: uuid.UUID, way_id: uuid.UUID) -> ResponseReturnValue:
    """The worker has shown that this number or address is the person's own."""
    referral = _read(referral_id)
    if way_id not in {way.id for way in people.ways_of(g.store, g.actor.service_id, referral.person_id)}:
        abort(404)
    try:
        people.confirm_way(g.store, g.actor, way_id)
    except people.Gone:
        abort(404)
    return _to_case(referral.id)


@blueprint.get("/referrals/<uuid:referral_id>/merge/<uuid:person_id>")
@allow(Permission.MERGE_PEOPLE, audits=True)
def compare(referral_id: uuid.UUID, person_id: uuid.UUID) -> ResponseReturnValue:
    """Two records side by side: what matches, what differs."""
    referral = _read(referral_id)
    try:
        found = people.compare(g.store, g.actor, referral.person_id, person_id)
    except people.Gone:
        abort(404)
    ours, others = people.facts_of(found.person), people.facts_of(found.other)
    rows = [
        (
            gettext(SELF_REFERRAL.question(code).name),
            _said(code, ours),
            _said(code, others),
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


def _ways_in_short(person_id: uuid.UUID) -> Markup:
    """The ways of one person, one below the other."""
    ways = safe_contact.in_words("", people.ways_of(g.store, g.actor.service_id, person_id)).ways
    with_address = Markup("{}: <bdi>{}</bdi>")
    return Markup("<br>").join(
        with_address.format(way.name, way.address) if way.address else escape(way.name) for way in ways
    )


@blueprint.post("/referrals/<uuid:referral_id>/merge/<uuid:person_id>")
@allow(Permission.MERGE_PEOPLE)
def merge(referral_id: uuid.UUID, person_id: uuid.UUID) -> ResponseReturnValue:
    """They are one person."""
    try:
        referrals.merge(g.store, g.actor, referral_id, person_id)
    except (referrals.Gone, people.Gone):
        abort(404)
    except people.NotMergeable:
        return _not_merged(referral_id)
    return _to_case(referral_id)


@blueprint.post("/referrals/<uuid:referral_id>/undo-merge/<uuid:merge_id>")
@allow(Permission.MERGE_PEOPLE)
def undo_merge(referral_id: uuid.UUID, merge_id: uuid.UUID) -> ResponseReturnValue:
    """They were two people after all."""
    _read(referral_id)
    try:
        people.undo_merge(g.store, g.actor, merge_id)
    except people.Gone:
        abort(404)
    except people.NotMergeable:
        return _not_merged(referral_id)
    return _to_case(referral_id)


def _not_merged(referral_id: uuid.UUID) -> ResponseReturnValue:
    return render_template("caseload/not_merged.html", back=url_for("caseload.case", referral_id=referral_id)), 409


# Alerts --------------------------------------------------------------------------------------------------------------


@blueprint.get("/alerts")
@allow(Permission.HANDLE_ALERTS)
def alerts_list() -> ResponseReturnValue:
    """Mine, the team's, and those closed lately."""
    names = referrals.staff_names(g.store, g.actor)
    waiting = [_shown_alert(one, names) for one in alerts.waiting(g.store, g.actor)]
    closed = referrals.alerts_closed_since(g.store, g.actor, now() - CLOSED_LATELY)
    return render_template(
        "caseload/alerts.html",
        mine=[one for one in waiting if one.own],
        team=[one for one in waiting if not one.own],
        closed=[_shown_alert(one, names) for one in closed],
        days=CLOSED_LATELY.days,
    )


def _read_alert(alert_id: uuid.UUID) -> Alert:
    try:
        return referrals.read_alert(g.store, g.actor, alert_id)
    except referrals.Gone:
        abort(404)


def _alert_page(alert: Alert, closing: Close, giving: Give) -> str:
    referral = _read(alert.referral_id) if alert.referral_id else None
    unsent = referrals.draft_of_alert(g.store, g.actor, alert)
    names = referrals.staff_names(g.store, g.actor)
    return render_template(
        "caseload/alert.html",
        shown=_shown_alert(alert, names, whole=True),
        referral=referral,
        contact=_contact_of(referral) if referral else _contact_of_unsent(unsent),
        reach=_reach(referral.answers) if referral else _reach(unsent.answers) if unsent else [],
        unread=_unread(unsent),
        closing=closing,
        giving=_colleagues(giving, without=alert.owner_id),
    )


def _contact_of_unsent(unsent: Unsent | None) -> SafeContact | None:
    if unsent is None:
        return None
    return safe_contact.of_answers(referrals.name_to_use(unsent.answers), unsent.answers)


def _reach(answers: Mapping[str, object]) -> list[tuple[str, Markup]]:
    """What has been said that helps to reach somebody safely; what was not asked yet is left out."""
    return [(gettext(SELF_REFERRAL.question(code).name), _said(code, answers)) for code in REACH if code in answers]


def _unread(unsent: Unsent | None) -> list[tuple[str, str]]:
    """What was typed that may help, although we could not read it."""
    typed = unsent.unread if unsent else {}
    return [
        (gettext(SELF_REFERRAL.question(code).name), forms.showable(typed[code])[:200])
        for code in TYPED
        if code in typed
    ]


@blueprint.get("/alerts/<uuid:alert_id>")
@allow(Permission.HANDLE_ALERTS, audits=True)
def alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    """What the person said, how to reach them safely, and what to do. Looking stops no clock."""
    return _alert_page(_read_alert(alert_id), Close(), Give())


@blueprint.post("/alerts/<uuid:alert_id>/open")
@allow(Permission.HANDLE_ALERTS)
def open_alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Open it by name: the clock stops, and it is mine."""
    if alerts.open_by_name(g.store, g.actor, alert_id) is None:
        abort(404)
    return _to_alert(alert_id)


def _to_alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    return redirect(url_for("caseload.alert", alert_id=alert_id), 303)


@blueprint.post("/alerts/<uuid:alert_id>/hand-over")
@allow(Permission.HANDLE_ALERTS)
def hand_over(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Give it to somebody else, with their own time to open it."""
    alert = _read_alert(alert_id)
    giving = _colleagues(Give())
    if not giving.sent():
        return _alert_page(alert, Close(formdata=None), giving), 422
    try:
        alerts.hand_over(g.store, g.actor, alert.id, uuid.UUID(giving.to.data))
    except alerts.NotThere:
        giving.refuse("to", gettext(N_("This colleague has left meanwhile. Choose somebody else")))
        return _alert_page(alert, Close(formdata=None), giving), 422
    return _to_alert(alert.id)


@blueprint.post("/alerts/<uuid:alert_id>/close")
@allow(Permission.HANDLE_ALERTS)
@keeps_typed
def close_alert(alert_id: uuid.UUID) -> ResponseReturnValue:
    """Close it with what was done."""
    alert = _read_alert(alert_id)
    closing = Close()
    if not closing.sent():
        return _alert_page(alert, closing, Give(formdata=None)), 422
    try:
        alerts.close(g.store, g.actor, alert.id, closing.done.data)
    except alerts.NotOpened:
        closing.refuse("done", gettext(N_("Open the alert first, so that the others know that you have it")))
        return _alert_page(alert, closing, Give(formdata=None)), 422
    return _to_alert(alert.id)


# Tasks ---------------------------------------------------------------------------------------------------------------


@blueprint.get("/tasks")
@allow(Permission.HANDLE_TASKS)
def tasks_list() -> ResponseReturnValue:
    """Everything that is to be done."""
    names = referrals.staff_names(g.store, g.actor)
    return render_template(
        "caseload/tasks.html", tasks=[_shown_task(one, names) for one in tasks.open_tasks(g.store, g.actor)]
    )


@blueprint.get("/tasks/<uuid:task_id>")
@allow(Permission.HANDLE_TASKS, audits=True)
def task(task_id: uuid.UUID) -> ResponseReturnValue:
    """What is to be done; for somebody who did not finish their form also how to reach them safely."""
    try:
        found = referrals.read_task(g.store, g.actor, task_id)
    except referrals.Gone:
        abort(404)
    unsent = referrals.draft_of_task(g.store, g.actor, found)
    sent = referrals.of_draft(g.store, g.actor, found.draft_id) if found.draft_id else None
    return render_template(
        "caseload/task.html",
        shown=_shown_task(found, referrals.staff_names(g.store, g.actor)),
        contact=_contact_of_unsent(unsent),
        reach=_reach(unsent.answers) if unsent else [],
        unread=_unread(unsent),
        sent=sent,
    )


@blueprint.post("/tasks/<uuid:task_id>/done")
@allow(Permission.HANDLE_TASKS)
def task_done(task_id: uuid.UUID) -> ResponseReturnValue:
    """It is done."""
    if tasks.done(g.store, g.actor, task_id) is None:
        abort(404)
    return redirect(url_for("caseload.inbox"), 303)
