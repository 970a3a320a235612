"""What is to be done."""

import uuid

from flask import abort, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from portal import referrals, tasks
from portal.access import Permission
from portal.web.caseload.door import a_place, blueprint, contact_of_unsent, reach, staff_names, unread_of
from portal.web.caseload.words import shown_task
from portal.web.security import allow

PAGE = 25
"""Things to do on one page."""


@blueprint.get("/tasks")
@allow(Permission.HANDLE_TASKS)
def tasks_list() -> ResponseReturnValue:
    """Everything that is to be done, the most urgent first, a page at a time."""
    names = staff_names()
    after = a_place()
    found = tasks.open_tasks(g.store, g.actor, after, most=PAGE + 1)
    return render_template(
        "caseload/tasks.html",
        tasks=[shown_task(one, names) for one in found[:PAGE]],
        further=after is not None,
        older=url_for("caseload.tasks_list", after=found[PAGE - 1].id) if len(found) > PAGE else "",
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
        shown=shown_task(found, staff_names()),
        contact=contact_of_unsent(unsent),
        reach=reach(unsent.answers) if unsent else [],
        unread=unread_of(unsent),
        sent=sent,
    )


@blueprint.post("/tasks/<uuid:task_id>/done")
@allow(Permission.HANDLE_TASKS)
def task_done(task_id: uuid.UUID) -> ResponseReturnValue:
    """It is done."""
    if tasks.done(g.store, g.actor, task_id) is None:
        abort(404)
    return redirect(url_for("caseload.inbox"), 303)
