"""The inbox: alerts on top, then new referrals, my people, and what is to be done."""

from flask import g, render_template, url_for
from flask.typing import ResponseReturnValue

from portal import alerts, referrals, tasks
from portal.access import Permission
from portal.web.caseload.door import a_place, blueprint, staff_names
from portal.web.caseload.words import shown_alert, shown_line, shown_task
from portal.web.security import allow

PAGE = 25
"""Referrals on one page of the inbox."""
TASKS = 10
"""Things to do beneath the inbox; the page of tasks has them all."""
MORE = 20
"""Further things to do that are counted; beyond that there are simply more."""
ALERTS = 25
"""Unopened alerts on top; the alerts desk has them all, and every page says how many there are."""
MINE = 10
"""The people whom somebody has taken last; the caseload has them all."""


@blueprint.get("/inbox")
@allow(Permission.READ_INBOX)
def inbox() -> ResponseReturnValue:
    """Alerts on top, then new referrals, the oldest promise first; what is to be done; the people taken last."""
    after = a_place()
    found = referrals.inbox(g.store, g.actor, after, most=PAGE + 1)
    names = staff_names()
    unopened = [one for one in alerts.desk(g.store, g.actor, most=ALERTS) if one.opened_at is None]
    to_do = tasks.open_tasks(g.store, g.actor, most=TASKS + MORE)
    return render_template(
        "caseload/inbox.html",
        alerts=[shown_alert(one, names) for one in unopened],
        lines=[shown_line(line) for line in found[:PAGE]],
        waiting=referrals.waiting_count(g.store, g.actor),
        further=after is not None,
        older=url_for("caseload.inbox", after=found[PAGE - 1].referral.id) if len(found) > PAGE else "",
        most_counted=referrals.MOST_COUNTED,
        mine=[shown_line(line) for line in referrals.mine(g.store, g.actor, most=MINE)],
        tasks=[shown_task(one, names) for one in to_do[:TASKS]],
        more_tasks=max(0, len(to_do) - TASKS),
        more=MORE,
    )
