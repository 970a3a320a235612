"""What is to be done: mine and everybody's, one with all that is known of it, done, handed over; and what one of us
writes down to do about a case.
"""

import uuid
from collections.abc import Callable
from datetime import date

from flask import abort, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import referrals, tasks
from portal.access import Permission
from portal.caseload import to_do
from portal.caseload.cases import NotPossible
from portal.clock import today
from portal.i18n import N_, gettext
from portal.referrals import Referral, Task
from portal.web import forms
from portal.web.admin import NOT_A_DAY, read_day
from portal.web.caseload.alerts import Way
from portal.web.caseload.door import (
    Give,
    a_place,
    before_reading,
    blueprint,
    colleagues,
    contact_of_unsent,
    reach,
    read,
    staff_names,
    unread_of,
)
from portal.web.caseload.record import case_page, made_once, once, refuse, to_part, typed_day
from portal.web.caseload.words import shown_task
from portal.web.security import allow, keeps_typed

PAGE = 25
"""Things to do on one page."""
WHOSE: dict[str, str] = {tasks.OWN: N_("Mine, and nobody’s yet"), tasks.EVERYBODYS: N_("Everybody’s")}
LEFT = N_("This colleague has left meanwhile. Choose somebody else")
NOT_YOURS = N_("This is about a case that a colleague has. Ask them to give it to you")

BACK: dict[str, Callable[[Task], str]] = {
    "mine": lambda task: url_for("caseload.tasks_list"),
    "everybodys": lambda task: url_for("caseload.tasks_list", whose=tasks.EVERYBODYS),
    "inbox": lambda task: url_for("caseload.inbox"),
    "task": lambda task: url_for("caseload.task", task_id=task.id),
    "case": lambda task: url_for("caseload.case", referral_id=task.referral_id, _anchor="to-do"),
}
"""The pages on which "It is done" stands, by what its form says of where it was pressed. Nothing else leads away."""


@blueprint.get("/tasks")
@allow(Permission.HANDLE_TASKS)
def tasks_list() -> ResponseReturnValue:
    """What is to be done, mine first, the most urgent first, a page at a time."""
    names, after = staff_names(), a_place()
    whose = request.args.get("whose", tasks.OWN)
    if whose not in WHOSE:
        whose = tasks.OWN
    found = tasks.open_tasks(g.store, g.actor, after, most=PAGE + 1, whose=whose)
    return render_template(
        "caseload/tasks.html",
        tasks=[shown_task(one, names) for one in found[:PAGE]],
        whose=[
            Way(gettext(text), url_for("caseload.tasks_list", whose=code), code == whose)
            for code, text in WHOSE.items()
        ],
        back="everybodys" if whose == tasks.EVERYBODYS else "mine",
        first=url_for("caseload.tasks_list", whose=whose) if after else "",
        older=url_for("caseload.tasks_list", whose=whose, after=found[PAGE - 1].id) if len(found) > PAGE else "",
    )


def _read(task_id: uuid.UUID) -> Task:
    try:
        return referrals.read_task(g.store, g.actor, task_id)
    except referrals.Gone:
        abort(404)


def _opens(task: Task) -> bool:
    """Whether the case that it is about is open to the reader."""
    return task.referral_id is None or before_reading(task.referral_id) is None


def _task_page(found: Task, giving: Give) -> str:
    unsent = referrals.draft_of_task(g.store, g.actor, found)
    return render_template(
        "caseload/task.html",
        shown=shown_task(found, staff_names(), opens=_opens(found)),
        contact=contact_of_unsent(unsent),
        reach=reach(unsent.answers) if unsent else [],
        unread=unread_of(unsent),
        sent=referrals.of_draft(g.store, g.actor, found.draft_id) if found.draft_id else None,
        giving=colleagues(giving, without=found.assigned_to) if _opens(found) else None,
        wrong=giving.problems(),
    )


@blueprint.get("/tasks/<uuid:task_id>")
@allow(Permission.HANDLE_TASKS, audits=True)
def task(task_id: uuid.UUID) -> ResponseReturnValue:
    """What is to be done; for somebody who did not finish their form also how to reach them safely."""
    return _task_page(_read(task_id), Give(formdata=None))


@blueprint.post("/tasks/<uuid:task_id>/done")
@allow(Permission.HANDLE_TASKS)
def task_done(task_id: uuid.UUID) -> ResponseReturnValue:
    """It is done; back to where it was pressed."""
    done = tasks.done(g.store, g.actor, task_id)
    if done is None:
        abort(404)
    pressed = request.form.get("back", "")
    known = pressed in BACK and (pressed != "case" or done.referral_id is not None)
    return redirect(BACK[pressed if known else "mine"](done), 303)


@blueprint.post("/tasks/<uuid:task_id>/hand-over")
@allow(Permission.HANDLE_TASKS)
def hand_over_task(task_id: uuid.UUID) -> ResponseReturnValue:
    """Give it to a colleague, or take it. What is about a colleague's case asks why first, as the case itself does."""
    found = _read(task_id)
    if found.referral_id and (asks_why := before_reading(found.referral_id)):
        return asks_why
    giving = colleagues(Give(), without=found.assigned_to)
    if not giving.sent():
        return _task_page(found, giving), 422
    try:
        to_do.hand_over(g.store, g.actor, found, uuid.UUID(giving.to.data))
    except to_do.NotThere:
        giving.refuse("to", gettext(LEFT))
        return _task_page(found, giving), 422
    except to_do.NotYours:
        giving.refuse("to", gettext(NOT_YOURS))
        return _task_page(found, giving), 422
    return redirect(url_for("caseload.task", task_id=found.id), 303)


# Written down by one of us -------------------------------------------------------------------------------------------


class ToDo(forms.Form):
    """Something to do about a case."""

    words = forms.LongWords(
        N_("What is to be done?"),
        longest=to_do.LONGEST,
        missing=N_("Write what is to be done"),
        hint=N_("Such as: ask the library about the door. The person does not see it."),
    )
    due = forms.Code(N_("By which day?"), longest=40, hint=N_("A day such as 24 11 2026."), missing=NOT_A_DAY)
    to = forms.Listed(N_("Who does it?"), missing=N_("Choose who does it"))

    def offer(self) -> None:
        """Set who may be chosen: oneself first."""
        others = referrals.colleagues(g.store, g.actor).items()
        self.to.choices = [
            (str(g.actor.staff_id), gettext(N_("I do it"))),
            *((str(one), name) for one, name in others if one != g.actor.staff_id),
        ]


def for_case(referral: Referral) -> dict[str, object]:
    """What parts/case_to_do.html shows."""
    names = staff_names()
    found = tasks.of_referral(g.store, g.actor, referral.id)
    return {"to_do": [shown_task(one, names, opens=True) for one in found]}


def _page(referral: Referral, form: ToDo) -> str:
    form.offer()
    return case_page("to_do", referral, form=form, once=once())


@blueprint.get("/referrals/<uuid:referral_id>/to-do")
@allow(Permission.HANDLE_TASKS, audits=True)
def new_to_do(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Something to do about this case."""
    return _page(read(referral_id), ToDo(formdata=None, data={"due": typed_day(today())}))


@blueprint.post("/referrals/<uuid:referral_id>/to-do")
@allow(Permission.WORK_ON_CASE)
@keeps_typed
def add_to_do(referral_id: uuid.UUID) -> ResponseReturnValue:
    """Keep it, for oneself or for a colleague."""
    referral, form = read(referral_id), ToDo()
    form.offer()
    if not form.sent():
        return _page(referral, form), 422
    due: date | None = read_day(form.due.data)
    if due is None:
        form.refuse("due", gettext(NOT_A_DAY))
        return _page(referral, form), 422
    try:
        to_do.write(
            g.store,
            g.actor,
            referral.id,
            once=str(made_once() or uuid.uuid4()),
            words=form.words.data,
            due=due,
            to=uuid.UUID(form.to.data),
        )
    except NotPossible as problem:
        refuse(form, problem)
        return _page(referral, form), 422
    except to_do.NotThere:
        form.refuse("to", gettext(LEFT))
        return _page(referral, form), 422
    return to_part(referral, "to-do")
