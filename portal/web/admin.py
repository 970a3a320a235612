"""Pages for those who run a service: the team, and who is on duty."""

import re
import uuid
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, current_app, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from portal import access, accounts, clock, reading, services
from portal.access import MAY, ROLE_NAMES, Permission, Role
from portal.i18n import N_, gettext
from portal.web.forms import Code, Email, Form, Listed, OneOf
from portal.web.security import allow, keeps_typed

blueprint = Blueprint("admin", __name__, url_prefix="/staff")

NOT_A_DAY = N_("Enter a date, such as 24 11 2026")
ENDS_TOO_EARLY = N_("Enter a last day that is not before the first day")
LONG_OVER = N_("Enter a day that is not over yet")
SEE_WORK = N_("Tick the box to say that you have seen what this person still has in hand")
CANNOT_HOLD = N_("Select somebody who can do this. Only a manager can hold the last position")

_ROLE_HINTS: dict[Role, str] = {
    Role.LINK_WORKER: N_("Reads and answers referrals and alerts"),
    Role.MANAGER: N_("Does all that a link worker does, and plans who is on duty"),
    Role.ADMINISTRATOR: N_("Invites people and plans who is on duty, and reads no referrals"),
    Role.ANALYST: N_("Sees numbers only, no names"),
}

_FURTHEST = timedelta(days=3 * 366)  # a rota for the year after next is a slip of the finger


class InviteForm(Form):
    """Whom to invite, and as what."""

    email = Email(N_("Email address"), longest=300, missing=N_("Enter an email address, such as name@example.org"))
    role = OneOf(N_("Role"), missing=N_("Select a role"))


class RoleForm(Form):
    """What a colleague does from now on."""

    role = OneOf(N_("Role"), missing=N_("Select a role"))


class TeamForm(Form):
    """Which team a colleague is in."""

    team = Listed(N_("Team"), missing=N_("Select a team from the list"))


class DutyForm(Form):
    """One turn."""

    position = OneOf(N_("Position"), missing=N_("Select a position"))
    staff = Listed(N_("Who"), missing=N_("Select a person"))
    starts = Code(N_("First day (optional)"), longest=40, hint=N_("Such as 24 11 2026. Leave it blank to begin now."))
    ends = Code(N_("Last day (optional)"), longest=40, hint=N_("Leave it blank if you do not know it yet."))


def _roles() -> list[tuple[str, str]]:
    return [(role.value, f"{gettext(ROLE_NAMES[role])}: {gettext(_ROLE_HINTS[role])}") for role in Role]


def _link(token: str) -> str:
    public_url: str = current_app.config["PUBLIC_URL"]
    return public_url + url_for("sign_in.join", token=token)


# The team ------------------------------------------------------------------------------------------------------------


@blueprint.get("/team")
@allow(Permission.READ_STAFF)
def staff() -> ResponseReturnValue:
    """Everybody, and who is invited."""
    return _page(
        "staff",
        200,
        joins_again=accounts.has_to_join_again,
        colleagues=accounts.colleagues(g.store, g.actor),
        invitations=accounts.open_invitations(g.store, g.actor),
        work=accounts.open_work(g.store, g.actor),
        may_let=access.may(g.actor, Permission.GRANT_SAFEGUARDING),
        can_be_let=[
            one
            for one in accounts.colleagues(g.store, g.actor)
            if one.state == accounts.STATE_ACTIVE and accounts.can_be_let(one)
        ],
        done=request.args.get("done", ""),
    )


@blueprint.route("/team/invite", methods=["GET", "POST"])
@allow(Permission.MANAGE_STAFF)
@keeps_typed
def invite() -> ResponseReturnValue:
    """Invite somebody."""
    form = InviteForm()
    form.role.choices = _roles()
    if form.sent():
        try:
            accounts.invite(g.store, g.actor, form.email.data, form.role.data, link=_link)
        except accounts.NotTaken as refused:
            _refuse(form, refused)
        else:
            return redirect(url_for("admin.staff", done="invited"), 303)
    return _page("invite", _status(), form=form)


@blueprint.post("/team/invitations/<uuid:invitation_id>/withdraw")
@allow(Permission.MANAGE_STAFF)
def withdraw(invitation_id: uuid.UUID) -> ResponseReturnValue:
    """Take an invitation back."""
    if not accounts.withdraw(g.store, g.actor, invitation_id):
        abort(404)
    return redirect(url_for("admin.staff", done="withdrawn"), 303)


@blueprint.get("/team/<uuid:staff_id>")
@allow(Permission.MANAGE_STAFF)
def colleague(staff_id: uuid.UUID) -> ResponseReturnValue:
    """One colleague, and what can be changed."""
    return _colleague(staff_id, RoleForm(formdata=None), 200)


def _colleague(
    staff_id: uuid.UUID,
    form: RoleForm,
    status: int,
    problems: list[dict[str, str]] | None = None,
    team: TeamForm | None = None,
) -> ResponseReturnValue:
    found = accounts.colleague(g.store, g.actor, staff_id) or abort(404)
    form.role.choices = _roles()
    if status == 200:
        form.role.data = found.role
    if team is None:
        team = TeamForm(formdata=None)
        team.team.data = found.team or NO_TEAM
    team.team.choices = _teams()
    return _page(
        "colleague",
        status,
        form=form,
        team=team if g.settings.teams else None,
        colleague=found,
        work=accounts.open_work(g.store, g.actor).get(found.id, accounts.OpenWork()),
        problems=form.problems() + team.problems() + (problems or []),
        done=request.args.get("done", ""),
    )


@blueprint.post("/team/<uuid:staff_id>/role")
@allow(Permission.MANAGE_STAFF, confirms=True)
@keeps_typed
def change_role(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Give a colleague another role."""
    form = RoleForm()
    form.role.choices = _roles()
    if form.sent():
        try:
            accounts.change_role(g.store, g.actor, staff_id, form.role.data) or abort(404)
        except accounts.NotTaken as refused:
            _refuse(form, refused)
        else:
            return redirect(url_for("admin.colleague", staff_id=staff_id, done="role"), 303)
    return _colleague(staff_id, form, 422)


NO_TEAM = "-"


def _teams() -> list[tuple[str, str]]:
    return [(NO_TEAM, gettext("No team")), *((name, name) for name in g.settings.teams)]


@blueprint.post("/team/<uuid:staff_id>/team")
@allow(Permission.MANAGE_STAFF)
@keeps_typed
def move_to_team(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Put a colleague into another team."""
    form = TeamForm()
    form.team.choices = _teams()
    if form.sent():
        team = "" if form.team.data == NO_TEAM else form.team.data
        accounts.move_to_team(g.store, g.actor, staff_id, team) or abort(404)
        return redirect(url_for("admin.colleague", staff_id=staff_id, done="team"), 303)
    role = RoleForm(formdata=None)
    found = accounts.colleague(g.store, g.actor, staff_id) or abort(404)
    role.role.data = found.role
    return _colleague(staff_id, role, 422, team=form)


@blueprint.post("/team/<uuid:staff_id>/safeguarding")
@allow(Permission.GRANT_SAFEGUARDING, confirms=True)
def safeguarding(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Let a colleague read what is written down about safeguarding, or no longer."""
    may = request.form.get("may") == "yes"
    accounts.let_read_safeguarding(g.store, g.actor, staff_id, may) or abort(404)
    return redirect(url_for("admin.staff", done="safeguarding" if may else "no-safeguarding"), 303)


@blueprint.post("/team/<uuid:staff_id>/training")
@allow(Permission.MANAGE_STAFF)
def training(staff_id: uuid.UUID) -> ResponseReturnValue:
    """Note whether a colleague is trained in goal attainment scaling."""
    trained = request.form.get("trained") == "yes"
    accounts.set_trained_in_gas(g.store, g.actor, staff_id, trained) or abort(404)
    return redirect(url_for("admin.colleague", staff_id=staff_id, done="training"), 303)


@blueprint.post("/team/<uuid:staff_id>/end-sign-ins")
@allow(Permission.MANAGE_STAFF)
def end_sign_ins(staff_id: uuid.UUID) -> ResponseReturnValue:
    """End everything a colleague is signed in to."""
    if accounts.revoke_all(g.store, g.actor, staff_id) is None:
        abort(404)
    return redirect(url_for("admin.colleague", staff_id=staff_id, done="ended"), 303)


@blueprint.post("/team/<uuid:staff_id>/second-factor")
@allow(Permission.MANAGE_STAFF, confirms=True)
def second_factor(staff_id: uuid.UUID) -> ResponseReturnValue:
    """A colleague has lost the phone or the password."""
    accounts.replace_second_factor(g.store, g.actor, staff_id, link=_link) or abort(404)
    return redirect(url_for("admin.staff", done="link"), 303)


@blueprint.post("/team/<uuid:staff_id>/left")
@allow(Permission.MANAGE_STAFF, confirms=True)
def left(staff_id: uuid.UUID) -> ResponseReturnValue:
    """A colleague has left. Cases that they still have stay with their name until somebody gives them on: so whoever
    presses says that they have seen how many there are."""
    work = accounts.open_work(g.store, g.actor).get(staff_id, accounts.OpenWork())
    if work != accounts.OpenWork() and request.form.get("seen") != "yes":
        return _colleague(staff_id, RoleForm(formdata=None), 422, [{"text": gettext(SEE_WORK), "href": "#seen"}])
    try:
        accounts.leave(g.store, g.actor, staff_id) or abort(404)
    except accounts.NotTaken as refused:
        said = [{"text": gettext(sentence), "href": "#left"} for sentence in refused.problems.values()]
        return _colleague(staff_id, RoleForm(formdata=None), 422, said)
    return redirect(url_for("admin.staff", done="left"), 303)


# Help ----------------------------------------------------------------------------------------------------------------


@blueprint.get("/help")
@allow(Permission.SEE_OWN_ACCOUNT)
def help_page() -> ResponseReturnValue:
    """What this is, in the service's own words, and where each thing of the day is done."""
    return render_template("admin/help.html")


# The rota ------------------------------------------------------------------------------------------------------------


@blueprint.route("/rota", methods=["GET", "POST"])
@allow(Permission.MANAGE_ROTA)
@keeps_typed
def rota() -> ResponseReturnValue:
    """Who holds which position of the alert ladder, now and later; and one more turn."""
    form = DutyForm()
    able = [one for one in accounts.colleagues(g.store, g.actor) if _may_hold(one)]
    form.position.choices = [(code, gettext(name)) for code, name in services.POSITION_NAMES.items()]
    form.staff.choices = [("", gettext("Select a person")), *((str(one.id), one.name) for one in able)]
    if form.sent() and _add_turn(form):
        return redirect(url_for("admin.rota", done="added"), 303)
    names = {one.id: one.name for one in accounts.colleagues(g.store, g.actor)}
    moment = clock.now()
    return _page(
        "rota",
        _status(),
        form=form,
        now_holding=[
            (gettext(name), names[services.holder(g.store, g.actor.service_id, code, moment)])
            for code, name in services.POSITION_NAMES.items()
        ],
        turns=services.rota(g.store, g.actor.service_id),
        positions=services.POSITION_NAMES,
        names=names,
        begun=moment,
        done=request.args.get("done", ""),
    )


def _may_hold(one: Any) -> bool:
    return one.state == accounts.STATE_ACTIVE and Role(one.role) in MAY[Permission.HANDLE_ALERTS]


def _add_turn(form: DutyForm) -> bool:
    starts, ends = _day_of(form, "starts"), _day_of(form, "ends")
    if form.problems():
        return False
    starts_at = _midnight(starts) if starts and starts > clock.today() else clock.now()
    # The last day belongs to the turn.
    ends_at = _midnight(ends + timedelta(days=1)) if ends else None
    if ends_at is not None and ends_at <= starts_at:
        form.refuse("ends", gettext(ENDS_TOO_EARLY))
        return False
    try:
        services.set_duty(g.store, g.actor, form.position.data, uuid.UUID(form.staff.data), starts_at, ends_at)
    except services.BadDuty:
        form.refuse("staff", gettext(CANNOT_HOLD))
        return False
    return True


def _day_of(form: DutyForm, name: str) -> date | None:
    typed = form[name].data
    if not typed:
        return None
    day = read_day(typed)
    if day is None or day > clock.today() + _FURTHEST:
        form.refuse(name, gettext(NOT_A_DAY))
    elif day < clock.today():
        form.refuse(name, gettext(LONG_OVER))
    return day


def read_day(typed: str) -> date | None:
    """A day typed as 24 11 2026, 24/11/26 or 2026-11-24, in any script's digits; ``None`` when it is not one."""
    parts = [int(part) for part in re.findall(r"[0-9]{1,4}", reading.digits(typed)[:40])]
    if len(parts) != 3 or not re.fullmatch(r"[0-9\s./-]+", reading.digits(typed)):
        return None
    year, month, day = parts if parts[0] > 31 else reversed(parts)
    try:
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), ZoneInfo(clock.LONDON))


@blueprint.post("/rota/<uuid:duty_id>/end")
@allow(Permission.MANAGE_ROTA)
def end_turn(duty_id: uuid.UUID) -> ResponseReturnValue:
    """End a turn now; one that has not begun never happens."""
    if services.end_duty(g.store, g.actor, duty_id) is None:
        abort(404)
    return redirect(url_for("admin.rota", done="ended"), 303)


def _refuse(form: Form, refused: accounts.NotTaken) -> None:
    for name, sentence in refused.problems.items():
        form.refuse(name, gettext(sentence))


def _status() -> int:
    return 422 if request.method == "POST" else 200


def _page(name: str, status: int, **given: Any) -> tuple[str, int]:
    given.setdefault("problems", given["form"].problems() if "form" in given else [])
    may_manage = access.may(g.actor, Permission.MANAGE_STAFF)
    roles = {role.value: gettext(label) for role, label in ROLE_NAMES.items()}
    return render_template(f"admin/{name}.html", may_manage=may_manage, roles=roles, **given), status
