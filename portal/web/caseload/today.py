"""Today: what waits for whoever is signed in, on one screen."""

from dataclasses import dataclass
from datetime import datetime

from flask import g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from portal.access import Permission
from portal.caseload import today as waiting
from portal.caseload.today import TodayLine
from portal.clock import today as this_day
from portal.i18n import N_, gettext, say_date, say_moment
from portal.web.caseload.door import blueprint
from portal.web.caseload.words import day_of, say_late
from portal.web.security import allow
from portal.web.sign_in import home_of

SHARED = ("task", "message")
"""The kinds of which some are for whoever comes first."""


@dataclass(frozen=True)
class _Shown:
    """A line in words. ``when`` it is due; ``late`` how late it is; ``who`` has it, when that is not whoever looks."""

    line: TodayLine
    when: str
    late: str
    who: str


@blueprint.get("/today")
@allow(Permission.READ_CASELOAD)
def today() -> ResponseReturnValue:
    """Everything that waits, why, and the one next action of each; or, asked for one kind, all of that."""
    asked = request.args.get("show", "")
    whole = asked if asked in {kind.code for kind in waiting.KINDS} else ""
    groups = waiting.groups(g.store, g.actor, whole=whole)
    return render_template(
        "caseload/today.html",
        groups=[(group, [_shown(line) for line in group.lines]) for group in groups],
        day=this_day(),
        whole=whole,
    )


def _shown(line: TodayLine) -> _Shown:
    nobody = not line.who and line.kind in SHARED
    who = gettext(N_("Nobody has it")) if nobody else "" if line.who == g.actor.name else line.who
    return _Shown(line, _when(line), say_late(line.due) if line.due and line.late else "", who)


def _when(line: TodayLine) -> str:
    """Until when; nothing of what is late, for that says how late it is. An alert has its hour."""
    if line.due is None or line.late:
        return ""
    if line.kind == "alert" and isinstance(line.due, datetime):
        return gettext(N_("By %(when)s"), when=say_moment(line.due))
    if day_of(line.due) == this_day():
        return gettext(N_("Today"))
    return gettext(N_("By %(when)s"), when=say_date(line.due, weekday=False))


@blueprint.get("/")
@allow(Permission.SEE_OWN_ACCOUNT)
def home() -> ResponseReturnValue:
    """The first page for whoever it is."""
    return redirect(home_of(g.actor), 303)
