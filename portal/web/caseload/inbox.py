"""The inbox: alerts on top, then new referrals, my people, and what is to be done."""

import uuid

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import alerts, referrals, tasks
from portal.access import Permission
from portal.web.caseload.door import blueprint
from portal.web.caseload.words import shown_alert, shown_line, shown_task
from portal.web.security import allow

PAGE = 25
"""Referrals on one page of the inbox."""
TASKS = 10
"""Things to do beneath the inbox; the page of tasks has them all."""


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
        alerts=[shown_alert(one, names) for one in unopened],
        lines=[shown_line(line) for line in found[:PAGE]],
        waiting=referrals.waiting_count(g.store, g.actor),
        further=after is not None,
        older=url_for("caseload.inbox", after=found[PAGE - 1].referral.id) if len(found) > PAGE else "",
        mine=[shown_line(line) for line in referrals.mine(g.store, g.actor)],
        tasks=[shown_task(one, names) for one in to_do[:TASKS]],
        more_tasks=max(0, len(to_do) - TASKS),
    )


def _after() -> uuid.UUID | None:
    try:
        return uuid.UUID(request.args.get("after", ""))
    except ValueError:
        return None
