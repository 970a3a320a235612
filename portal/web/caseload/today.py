"""Today: what waits for whoever is signed in, on one screen."""

from flask import g, redirect, render_template
from flask.typing import ResponseReturnValue

from portal.access import Permission
from portal.caseload import today as waiting
from portal.clock import today as this_day
from portal.web.caseload.door import blueprint
from portal.web.security import allow
from portal.web.sign_in import home_of


@blueprint.get("/today")
@allow(Permission.READ_CASELOAD)
def today() -> ResponseReturnValue:
    """Everything that waits, why, and the one next action of each."""
    return render_template("caseload/today.html", groups=waiting.groups(g.store, g.actor), day=this_day())


@blueprint.get("/")
@allow(Permission.SEE_OWN_ACCOUNT)
def home() -> ResponseReturnValue:
    """The first page for whoever it is."""
    return redirect(home_of(g.actor), 303)
