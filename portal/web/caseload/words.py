"""Referrals, alerts and things to do, in words."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import g, url_for

from portal import alerts, feedback, i18n, people, referrals, tasks
from portal.caseload import to_do
from portal.clock import now, today
from portal.i18n import LONDON, N_, gettext, ngettext, say_date, say_moment
from portal.journeys import Question
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Alert, Promise, Task
from portal.web import questions
from portal.web.safe_contact import language_of

EXCERPT = 120
"""Characters of somebody's own words in a list."""


def say_wait(since: datetime) -> str:
    """How long something has been waiting."""
    minutes = max(0, int((now() - since).total_seconds() // 60))
    if minutes < 60:
        return ngettext("waiting %(num)s minute", "waiting %(num)s minutes", minutes)
    if minutes < 48 * 60:
        return ngettext("waiting %(num)s hour", "waiting %(num)s hours", minutes // 60)
    return ngettext("waiting %(num)s day", "waiting %(num)s days", minutes // (24 * 60))


def day_of(due: date) -> date:
    """The day of a moment here; a day is itself."""
    return due.astimezone(LONDON).date() if isinstance(due, datetime) else due


def say_late(due: date) -> str:
    """How late something is that was due before now, in days."""
    days = (today() - day_of(due)).days
    return ngettext("%(num)s day late", "%(num)s days late", days) if days > 0 else gettext(N_("Late"))


def say_promise(promise: Promise) -> str:
    """Where a referral stands against what we promised."""
    if promise.late:
        if promise.days_late == 0:
            return gettext(N_("It was due earlier today"))
        return ngettext("%(num)s day late", "%(num)s days late", promise.days_late)
    if promise.working_days_left == 0:
        return gettext(N_("Today is the last day"))
    return ngettext("%(num)s working day left", "%(num)s working days left", promise.working_days_left)


def _asked(code: str) -> Question | None:
    return next((question for question in SELF_REFERRAL.questions if question.code == code), None)


def _excerpt(answers: Mapping[str, object]) -> str:
    words = " ".join((people.value_of(answers, "what_matters") or "").split())
    return words if len(words) <= EXCERPT else words[:EXCERPT].rsplit(" ", 1)[0] + "…"


def say_needs(codes: Sequence[str]) -> list[str]:
    """What somebody would like help with."""
    listed = SELF_REFERRAL.question("needs")
    return [listed.say(code) for code in codes]


@dataclass(frozen=True)
class ShownLine:
    """A referral in a list. ``matches``: by what somebody like this may be known already."""

    line: referrals.Line
    words: str
    needs: list[str]
    language: str
    promise: str
    matches: str


def shown_line(line: referrals.Line) -> ShownLine:
    """A referral in a list, in words."""
    answers = line.referral.answers
    return ShownLine(
        line,
        _excerpt(answers),
        say_needs(line.needs),
        language_of(answers),
        say_promise(line.promise),
        ", ".join(gettext(people.MATCHES[match]) for match in line.matches),
    )


@dataclass(frozen=True)
class ShownAlert:
    """An alert, in words. ``events``: (when, what happened, who, what was answered, what was done). ``by_staff``: who
    raised it, when that was one of us; ``said`` is then what they saw or heard. ``question``, ``said``, ``changes`` and
    ``events`` are empty in a list. ``talk_over``: ``asked_by`` would like to talk it over with a supervisor."""

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
    by_staff: str
    asked_by: str
    talk_over: bool


def _question_of(alert: Alert) -> Question | None:
    """What was asked: a question of the form, or an item of a scale in words that staff can read."""
    scale, _, item = alert.question.rpartition(":")
    if not scale:
        return _asked(alert.question)
    return feedback.questions_of(g.store, g.service, alert.form_id, i18n.spoken().code).get(item)


def shown_alert(alert: Alert, names: Mapping[uuid.UUID, str], *, whole: bool = False) -> ShownAlert:
    """``whole``: with everything that happened to it, which is a query more."""
    happened = alerts.events_of(g.store, g.actor, alert.id) if whole else ()
    raised = next((one for one in happened if one.what == "raised"), None) if alert.rule == alerts.BY_STAFF else None
    question = _question_of(alert) if whole and alert.rule != alerts.BY_STAFF else None

    def say(answer: object) -> str:
        if alert.rule == alerts.BY_STAFF:
            return (raised.what_was_done if raised else None) or ""
        return questions.said(question, answer) if question else str(answer)

    return ShownAlert(
        alert=alert,
        rule=gettext(alerts.RULES[alert.rule].label),
        question=questions.label(question) if question else "" if raised else alert.question,
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
        by_staff=names.get(raised.staff_id or alert.id, "") if raised else "",
        asked_by=names.get(alert.supervision_by or alert.id, ""),
        talk_over=alert.supervision_at is not None and alert.supervised_at is None,
    )


@dataclass(frozen=True)
class ShownTask:
    """Something to do, in words, and where to look first. ``asked_by``: the colleague who wrote it down for somebody
    else."""

    task: Task
    what: str
    why: str
    address: str
    assigned: str
    late: str
    by_when: str
    asked_by: str


def shown_task(task: Task, names: Mapping[uuid.UUID, str], *, opens: bool = False) -> ShownTask:
    """Something to do, in words. What a colleague wrote about a case is shown where the case is open to the reader
    (``opens``), and to those whose task it is; anybody else reads that there is something."""
    may_read = opens or task.assigned_to is None or g.actor.staff_id in (task.assigned_to, task.asked_by)
    when = say_date(day_of(task.due_at), weekday=False) if to_do.has_day(task) else say_moment(task.due_at)
    first = to_do.where(g.actor, task)
    return ShownTask(
        task,
        to_do.what(task) if may_read else gettext(tasks.KIND_NAMES[tasks.Kind(task.kind)]),
        to_do.why(task),
        url_for(first.endpoint, **first.args) if first else "",
        names.get(task.assigned_to or task.id, ""),
        say_late(task.due_at) if task.due_at < now() else "",
        gettext(N_("By %(when)s"), when=when),
        names.get(task.asked_by, "") if task.asked_by and task.asked_by != task.assigned_to else "",
    )
