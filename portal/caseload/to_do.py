"""Tasks in the words of a caseload: what is asked, why, and where to look first."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy.orm import Session

from portal import access, tasks
from portal.access import Actor, Permission
from portal.caseload import reach
from portal.caseload.cases import NotPossible, held, plain, refused_day
from portal.i18n import LONDON, N_, gettext
from portal.store import Task
from portal.tasks import NotThere as NotThere

LONGEST = 300
"""Characters of what one of us wrote down to do."""


class NotYours(ValueError):
    """Nobody takes to themselves what is to be done about a case that is a colleague's: it would open the case to
    them."""


NEWS: dict[str, str] = {
    "referral-received": N_("Tell them that we have their form"),
    "referral-accepted": N_("Tell them that somebody has taken their referral"),
    "referral-decided": N_("Tell them what was decided"),
    "case-given": N_("Tell them who looks after them now"),
    "case-closed": N_("Tell them how it ended, and what you wrote for them"),
    "case-reopened": N_("Tell them that you go on with them"),
    "case-moved": N_("Tell them which service goes on with them"),
    "comment-answered": N_("Tell them that there is an answer for them on their own page"),
    "check-in-due": N_("Ask them the questions of their check-in yourself, or say why nothing will come back"),
    "check-in-reminder": N_("Ask them the questions of their check-in yourself, or say why nothing will come back"),
}
"""What a worker is asked to tell when the portal may not: by the message that was not sent."""

WHY_NOT_BACK: dict[str, str] = {
    "no-answer": N_("They were asked and reminded, and have not answered. They get no more messages about it."),
    "language": N_("We have no words that we may ask in their language. Ask them with an interpreter."),
    "together": N_("They would like to answer it together with a link worker."),
}
"""Why a check-in was given to a worker."""


@dataclass(frozen=True)
class Action:
    """What to press: the words, and the endpoint with its ids."""

    label: str
    endpoint: str
    args: dict[str, Any] = field(default_factory=dict)


def write(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    once: str,
    words: str,
    due: date,
    to: uuid.UUID | None = None,
) -> Task:
    """Write down something to do about a case, until a day, for the actor themselves or for a colleague (``to``).

    Written again with the same ``once`` it is the same task. Raises ``Gone``, ``NotThere``, and ``NotPossible`` with a
    code by the field (words: missing, too-long, unreadable; due: past, too-far).
    """
    problems: dict[str, str] = {}
    text = plain(words, LONGEST, "words", problems, needed=True)
    if wrong := refused_day(due):
        problems["due"] = wrong
    if problems:
        raise NotPossible(problems)
    referral = held(store, actor, referral_id)
    tasks.may_have(store, actor, to or actor.staff_id)
    return tasks.add(
        store,
        actor.service_id,
        tasks.Kind.BY_HAND,
        once=f"by-hand:{once}",
        due_at=datetime.combine(due, time(23, 59), LONDON).astimezone(UTC),
        person_id=referral.person_id,
        referral_id=referral.id,
        assigned_to=to or actor.staff_id,
        by=actor,
        words=text,
    )


def hand_over(store: Session, actor: Actor, task: Task, to: uuid.UUID) -> None:
    """Give a task to a colleague, or take it. Raises ``NotThere``, and ``NotYours`` for taking one that is about a case
    which is not part of the actor's own work: a reason to read it holds for a day, a task for as long as it lasts."""
    if to == actor.staff_id and task.person_id and not reach.within(store, actor, task.person_id):
        raise NotYours
    tasks.hand_over(store, actor, task.id, to)


def has_day(task: Task) -> bool:
    """Whether it is due on a day, and not by an hour of it."""
    return task.kind == tasks.Kind.BY_HAND


def what(task: Task) -> str:
    """What is to be done."""
    if task.words:
        return task.words
    news = NEWS.get(str(task.details.get("template", "")), "")
    return gettext(news or tasks.KIND_NAMES[tasks.Kind(task.kind)])


def why(task: Task) -> str:
    """Why a check-in was given to a worker; empty for everything else."""
    if task.kind != tasks.Kind.CHECK_IN_NOT_BACK:
        return ""
    said = WHY_NOT_BACK.get(str(task.details.get("why", "")), "")
    return gettext(said) if said else ""


def where(actor: Actor, task: Task) -> Action | None:
    """Where to look first; ``None`` when there is nothing to look at for this actor."""
    if task.kind == tasks.Kind.RETENTION_REVIEW and access.may(actor, Permission.ERASE_PEOPLE):
        return Action(gettext(N_("Decide about it")), "erasure.keeping_page", {"referral_id": task.referral_id})
    if task.referral_id:
        part = {"_anchor": "to-do"} if task.kind == tasks.Kind.BY_HAND else {}
        return Action(gettext(N_("Open the case")), "caseload.case", {"referral_id": task.referral_id, **part})
    if task.kind == tasks.Kind.UNFINISHED_ENTRY and access.may(actor, Permission.ENTER_REFERRALS):
        return Action(gettext(N_("Go on with the form")), "entry.check", {"entry_id": task.draft_id})
    if task.draft_id:
        return Action(gettext(N_("See what they wrote")), "caseload.task", {"task_id": task.id})
    if task.kind == tasks.Kind.ERASURE_ASKED and access.may(actor, Permission.ERASE_PEOPLE):
        return Action(gettext(N_("Decide about it")), "erasure.requests")
    if task.kind == tasks.Kind.CASES_WITHOUT_WORKER and access.may(actor, Permission.LEAD_TEAM):
        return Action(gettext(N_("Give on the cases")), "caseload.caseloads")
    if task.kind == tasks.Kind.ACTIVITY_WRONG:
        activity = {"activity_id": task.details["activity"]}
        return Action(gettext(N_("See the activity")), "directory.one", activity)
    if task.kind == tasks.Kind.COMPLAINT and access.may(actor, Permission.HANDLE_COMMENTS):
        comment = {"comment_id": task.details["comment"]}
        return Action(gettext(N_("Read the complaint")), "experience.comment", comment)
    return None
