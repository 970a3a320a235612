"""Who belongs to a service's staff: inviting, joining, changing role, a new second factor, leaving.

A service always keeps somebody to whom an alert climbs (an active manager) and somebody who can let others in (an
active administrator): the last of either can neither leave nor become something else.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from portal import access, audit, codes, notifications, reading, services, tasks, throttle
from portal.access import GRANTED, MAY, Actor, Permission, Role, rows_of
from portal.accounts import passkeys, passwords, providers, second_factor
from portal.accounts.sign_in import STATE_ACTIVE, STATE_LEFT, NotRecognised, TooManyTries, account_email, end_all
from portal.clock import now
from portal.i18n import N_
from portal.store import Alert, Invitation, Referral, Service, Staff, Task
from portal.throttle import Kind

INVITATION_LIVES = timedelta(days=7)
LONGEST_NAME = 150

Link = Callable[[str], str]
"""The full address of the page that opens an invitation, from its token: only a door knows addresses."""

_ENTER_NAME = N_("Enter your name")
_SHORTER_NAME = N_("Enter a shorter name. It can have 150 characters at most")
_READABLE_NAME = N_("Enter the name again. Some of its characters cannot be read")
_ENTER_EMAIL = N_("Enter an email address, such as name@example.org")
_SELECT_ROLE = N_("Select a role")
_SELECT_TEAM = N_("Select a team from the list")
_ENTER_CODE = N_("Enter the 6 numbers that the app shows now")
_HERE_ALREADY = N_("Somebody in your team has this email address already")
_LAST_MANAGER = N_("Make somebody else a manager first. Without a manager nobody would answer the last alarm")
_LAST_ADMINISTRATOR = N_("Make somebody else an administrator first. Without one nobody could be invited")


class NotTaken(Exception):
    """What was given cannot be taken. ``problems``: by the name of the field, the sentence (English source text, for
    gettext) that says what to do."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(", ".join(sorted(problems)))
        self.problems = dict(problems)


class NotInvited(Exception):
    """No invitation belongs to this link: it was used, withdrawn, is over, or never was. Which of them is not said."""


@dataclass(frozen=True)
class Invited:
    """An invitation, and the token of its link: the only moment at which the token is known."""

    invitation: Invitation
    token: str


@dataclass(frozen=True)
class OpenWork:
    """How much somebody has in hand: open cases, alerts that are not closed, tasks that are not done."""

    cases: int = 0
    alerts: int = 0
    tasks: int = 0


# --- making an account ----------------------------------------------------------------------------------------------


def create_first(
    store: Session, service: Service, *, name: str, email: str, role: str, password: str
) -> tuple[Staff, str, list[str]]:
    """A member of staff made at the command line, where nobody is signed in: with the secret for the app and the
    recovery codes, both to be shown once. Raises ``NotTaken``.
    """
    problems: dict[str, str] = {}
    found_name = _name(name, problems)
    found_email = _email(email, problems)
    found_role = _role(role, problems)
    if found_email and _staff_with(store, service.id, found_email):
        problems["email"] = _HERE_ALREADY
    if wrong := passwords.problem(password, email=found_email, name=found_name, service_name=service.name):
        problems["password"] = passwords.SENTENCES[wrong]
    if problems or found_role is None:
        raise NotTaken(problems)
    secret = second_factor.new_secret()
    staff = Staff(
        service_id=service.id,
        name=found_name,
        email=found_email,
        role=found_role.value,
        password_hash=passwords.hashed(password),
        totp_secret=secret,
    )
    store.add(staff)
    store.flush()
    recovery = second_factor.renew_recovery_codes(store, service.id, staff.id)
    audit.record(store, service.id, None, "made staff", "staff", staff.id, actor_kind="system", role=found_role.value)
    store.flush()
    return staff, secret, recovery


def invite(store: Session, actor: Actor, email: str, role: str, *, link: Link) -> Invited:
    """Invite somebody: a message with a link that works once and for seven days. A newer one withdraws the older.

    Raises ``Refused`` (only an administrator may) and ``NotTaken``.
    """
    access.require(actor, Permission.MANAGE_STAFF)
    problems: dict[str, str] = {}
    found_email = _email(email, problems)
    found_role = _role(role, problems)
    there = _staff_with(store, actor.service_id, found_email) if found_email else None
    if there and there.state == STATE_ACTIVE:
        problems["email"] = _HERE_ALREADY
    if problems or found_role is None:
        raise NotTaken(problems)
    made = _invite(store, actor, found_email, found_role, link)
    audit.record(
        store, actor.service_id, actor, "invited staff", "invitation", made.invitation.id, role=found_role.value
    )
    store.flush()
    return made


def withdraw(store: Session, actor: Actor, invitation_id: uuid.UUID) -> bool:
    """Take an invitation back; whether there was an open one. Raises ``Refused``."""
    access.require(actor, Permission.MANAGE_STAFF)
    invitation = store.scalar(_open(actor.service_id).where(Invitation.id == invitation_id))
    if invitation is None:
        return False
    invitation.withdrawn_at = now()
    audit.record(store, actor.service_id, actor, "withdrew invitation", "invitation", invitation.id)
    store.flush()
    return True


def invitation_for(store: Session, service_id: uuid.UUID, token: str) -> Invitation | None:
    """The open invitation that a link belongs to. Changes nothing: a mail scanner that opens it uses up nothing."""
    return store.scalar(_open(service_id).where(Invitation.token_hash == codes.digest(token)))


def accept(store: Session, service: Service, token: str, *, name: str, password: str, code: str) -> list[str]:
    """Join the staff (or come back in with a new password and app). The recovery codes, to be shown once.

    ``code`` is what the app shows for ``second_factor.offered_secret(token)``. Raises ``NotInvited``, ``TooManyTries``,
    and ``NotTaken`` with the problems of name, password and code.
    """
    invitation = invitation_for(store, service.id, token)
    if invitation is None:
        raise NotInvited
    if throttled := throttle.count(store, Kind.JOIN, str(invitation.id)):
        raise TooManyTries(throttled.until)
    secret = second_factor.offered_secret(token)
    problems: dict[str, str] = {}
    found_name = _name(name, problems)
    if wrong := passwords.problem(password, email=invitation.email, name=found_name, service_name=service.name):
        problems["password"] = passwords.SENTENCES[wrong]
    read = codes.read_code(code)
    step = second_factor.step_of(secret, read) if read else None
    if step is None:
        problems["code"] = _ENTER_CODE
    if problems or step is None:
        raise NotTaken(problems)
    kept = passwords.hashed(password)
    if not _claim(store, invitation):
        raise NotInvited
    staff = _staff_with(store, service.id, invitation.email)
    if staff is None:
        staff = Staff(service_id=service.id, email=invitation.email, state=STATE_LEFT)
        store.add(staff)
    if staff.state != STATE_ACTIVE:
        # Whoever is here already keeps the role of this moment: it may have changed since the link was sent.
        staff.role, staff.state = invitation.role, STATE_ACTIVE
    staff.name = found_name
    staff.password_hash = kept
    staff.totp_secret = secret
    staff.totp_last_step = step
    store.flush()
    recovery = second_factor.renew_recovery_codes(store, service.id, staff.id)
    # They are not signed in yet, but they have just shown that they are who was invited.
    themselves = Actor(service.id, staff.id, staff.name, Role(staff.role))
    audit.record(store, service.id, themselves, "joined", "staff", staff.id, role=staff.role)
    store.flush()
    return recovery


def new_recovery_codes(store: Session, actor: Actor, code: str) -> list[str]:
    """Ten new recovery codes for the actor, who proves by a code from the app that they sit there themselves.

    Raises ``NotRecognised`` or ``TooManyTries``; commit then too.
    """
    staff = store.get_one(Staff, (actor.service_id, actor.staff_id))
    account = f"{actor.service_id}:{actor.staff_id}:signed-in"
    if throttled := throttle.count(store, Kind.SECOND_FACTOR_KNOWN, account):
        raise TooManyTries(throttled.until)
    read = codes.read_code(code)
    if read is None or not second_factor.spend_code(store, staff, read):
        raise NotRecognised
    throttle.give_back(store, Kind.SECOND_FACTOR_KNOWN, account)
    made = second_factor.renew_recovery_codes(store, actor.service_id, actor.staff_id)
    audit.record(store, actor.service_id, actor, "made new recovery codes", "staff", actor.staff_id)
    store.flush()
    return made


# --- the team -------------------------------------------------------------------------------------------------------


def colleagues(store: Session, actor: Actor) -> Sequence[Staff]:
    """Everybody of the actor's service, those who have left last. Raises ``Refused``."""
    access.require(actor, Permission.READ_STAFF)
    return store.scalars(rows_of(actor.service_id, Staff).order_by(Staff.state, Staff.name, Staff.id)).all()


def colleague(store: Session, actor: Actor, staff_id: uuid.UUID) -> Staff | None:
    """One member of the actor's service. Raises ``Refused``."""
    access.require(actor, Permission.READ_STAFF)
    return store.get(Staff, (actor.service_id, staff_id))


def has_to_join_again(staff: Staff) -> bool:
    """Whether this account waits for its person to follow the link that was sent with a new second factor."""
    return not staff.password_hash


def open_invitations(store: Session, actor: Actor) -> Sequence[Invitation]:
    """Invitations of the actor's service that nobody has followed yet. Raises ``Refused``."""
    access.require(actor, Permission.READ_STAFF)
    return store.scalars(_open(actor.service_id).order_by(Invitation.id.desc())).all()


def change_role(store: Session, actor: Actor, staff_id: uuid.UUID, role: str) -> Staff | None:
    """Give a colleague another role. It counts from their next request on. ``None`` when there is no such colleague.

    Raises ``Refused``, and ``NotTaken`` for the last manager or administrator.
    """
    access.require(actor, Permission.MANAGE_STAFF)
    everybody = _locked(store, actor.service_id)
    staff = everybody.get(staff_id)
    if staff is None or staff.state != STATE_ACTIVE:
        return None
    problems: dict[str, str] = {}
    wanted = _role(role, problems)
    if wanted is None:
        raise NotTaken(problems)
    if wanted == staff.role:
        return staff
    _refuse_last(everybody.values(), staff, "role")
    before, staff.role = staff.role, wanted.value
    if wanted not in MAY[Permission.HANDLE_ALERTS]:
        _end_turns(store, actor, staff_id)
    if not can_be_let(staff):
        _take_back_safeguarding(store, actor, staff)  # it is never carried into another role and back
    _ask_for_cases(store, staff)
    audit.record(store, actor.service_id, actor, "changed role", "staff", staff.id, before=before, after=wanted.value)
    store.flush()
    return staff


def set_trained_in_gas(store: Session, actor: Actor, staff_id: uuid.UUID, trained: bool) -> Staff | None:
    """Note whether a colleague is trained in goal attainment scaling: only then they may use it. ``None`` when there is
    no such colleague. Raises ``Refused``."""
    access.require(actor, Permission.MANAGE_STAFF)
    staff = _locked(store, actor.service_id).get(staff_id)
    if staff is None or staff.state != STATE_ACTIVE:
        return None
    if staff.trained_in_gas != trained:
        staff.trained_in_gas = trained
        act = "noted who is trained in goal attainment scaling"
        audit.record(store, actor.service_id, actor, act, "staff", staff.id, trained=trained)
    store.flush()
    return staff


def move_to_team(store: Session, actor: Actor, staff_id: uuid.UUID, team: str) -> Staff | None:
    """Put a colleague into one of the service's teams, "" for none. ``None`` when there is no such colleague. Raises
    ``Refused``, and ``NotTaken`` for a team that the service does not have (any more)."""
    access.require(actor, Permission.MANAGE_STAFF)
    staff = _locked(store, actor.service_id).get(staff_id)
    if staff is None or staff.state != STATE_ACTIVE:
        return None
    known = services.settings_of(store.get_one(Service, actor.service_id)).teams
    if team and team not in known:
        raise NotTaken({"team": _SELECT_TEAM})
    if (staff.team or "") != team:
        values = {"team": [staff.team, team or None]}
        staff.team = team or None
        audit.record(store, actor.service_id, actor, "moved to a team", "staff", staff.id, values=values)
    store.flush()
    return staff


def let_read_safeguarding(store: Session, actor: Actor, staff_id: uuid.UUID, may: bool) -> Staff | None:
    """Let a colleague read what is written down about safeguarding, or no longer. A manager decides, and it counts from
    the colleague's next request on. ``None`` when there is no such colleague, or their role is not one that can be let
    (``access.GRANTED``). Raises ``Refused``."""
    access.require(actor, Permission.GRANT_SAFEGUARDING)
    staff = _locked(store, actor.service_id).get(staff_id)
    if staff is None or staff.state != STATE_ACTIVE or not can_be_let(staff):
        return None
    if staff.safeguarding != may:
        staff.safeguarding = may
        act = "let read safeguarding" if may else "no longer lets read safeguarding"
        audit.record(store, actor.service_id, actor, act, "staff", staff.id)
    store.flush()
    return staff


def can_be_let(staff: Staff) -> bool:
    """Whether a manager can let this colleague read about safeguarding: not who may by their role already."""
    role = Role(staff.role)
    return role in GRANTED[Permission.READ_SAFEGUARDING] and role not in MAY[Permission.READ_SAFEGUARDING]


def open_work(store: Session, actor: Actor) -> dict[uuid.UUID, OpenWork]:
    """What each colleague still has in hand, by their id: only numbers, for whoever runs the service may read no case.
    Raises ``Refused``."""
    access.require(actor, Permission.READ_STAFF)
    found: dict[uuid.UUID, dict[str, int]] = {}
    counted = (
        ("cases", Referral, Referral.assigned_to, Referral.status.in_(Referral.OPEN)),
        ("alerts", Alert, Alert.owner_id, Alert.closed_at.is_(None)),
        ("tasks", Task, Task.assigned_to, Task.done_at.is_(None)),
    )
    for name, table, owner, unfinished in counted:
        mine = select(owner, func.count()).where(table.service_id == actor.service_id, owner.is_not(None), unfinished)
        for staff_id, number in store.execute(mine.group_by(owner)):
            assert staff_id is not None  # by the query  # noqa: S101
            found.setdefault(staff_id, {})[name] = number
    return {staff_id: OpenWork(**numbers) for staff_id, numbers in found.items()}


def leave(store: Session, actor: Actor, staff_id: uuid.UUID) -> Staff | None:
    """Somebody has left: their sign-ins, invitations and turns on the rota end now. What they did stays in the record.
    ``None`` when there is no such colleague.

    Raises ``Refused``, and ``NotTaken`` for the last manager or administrator.
    """
    access.require(actor, Permission.MANAGE_STAFF)
    everybody = _locked(store, actor.service_id)
    staff = everybody.get(staff_id)
    if staff is None or staff.state != STATE_ACTIVE:
        return None
    _refuse_last(everybody.values(), staff, "staff")
    staff.state = STATE_LEFT
    _take_back_safeguarding(store, actor, staff)
    _shut(store, staff)
    _end_turns(store, actor, staff_id)
    _withdraw_all(store, actor.service_id, staff.email)
    _ask_for_cases(store, staff)
    audit.record(store, actor.service_id, actor, "has left", "staff", staff.id)
    store.flush()
    return staff


def revoke_all(store: Session, actor: Actor, staff_id: uuid.UUID) -> int | None:
    """End every sign-in of a colleague, or of oneself; how many. ``None`` when there is no such colleague. Raises
    ``Refused``."""
    if staff_id != actor.staff_id:
        access.require(actor, Permission.MANAGE_STAFF)
    if store.get(Staff, (actor.service_id, staff_id)) is None:
        return None
    ended = end_all(store, actor.service_id, staff_id)
    audit.record(store, actor.service_id, actor, "ended all sign-ins", "staff", staff_id, ended=ended)
    store.flush()
    return ended


def replace_second_factor(store: Session, actor: Actor, staff_id: uuid.UUID, *, link: Link) -> Invited | None:
    """A colleague has lost the phone, or the password: everything they signed in with dies at once, and a link goes to
    their email, by which they choose both anew. ``None`` when there is no such colleague. Raises ``Refused``.
    """
    access.require(actor, Permission.MANAGE_STAFF)
    staff = _locked(store, actor.service_id).get(staff_id)
    if staff is None or staff.state != STATE_ACTIVE:
        return None
    _shut(store, staff)
    made = _invite(store, actor, staff.email, Role(staff.role), link)
    audit.record(store, actor.service_id, actor, "replaced second factor", "staff", staff.id)
    store.flush()
    return made


# --- inside ---------------------------------------------------------------------------------------------------------


def _invite(store: Session, actor: Actor, email: str, role: Role, link: Link) -> Invited:
    _withdraw_all(store, actor.service_id, email)
    token = codes.new_key()
    invitation = Invitation(
        service_id=actor.service_id,
        id=codes.new_id(),
        email=email,
        role=role.value,
        token_hash=codes.digest(token),
        invited_by=actor.staff_id,
        expires_at=now() + INVITATION_LIVES,
        accepted_at=None,
        withdrawn_at=None,
    )
    store.add(invitation)
    store.flush()
    notifications.tell_address(
        store,
        store.get_one(Service, actor.service_id),
        email,
        "invitation",
        once=f"invitation:{invitation.id}",
        details={"link": link(token), "by": invitation.expires_at.date().isoformat()},
    )
    return Invited(invitation, token)


def _claim(store: Session, invitation: Invitation) -> bool:
    """Use an invitation up; only one of two requests at the same moment gets it."""
    taken = store.execute(
        update(Invitation)
        .where(
            Invitation.service_id == invitation.service_id,
            Invitation.id == invitation.id,
            Invitation.accepted_at.is_(None),
            Invitation.withdrawn_at.is_(None),
        )
        .values(accepted_at=now())
        .returning(Invitation.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(taken)


def _withdraw_all(store: Session, service_id: uuid.UUID, email: str) -> None:
    for older in store.scalars(_open(service_id).where(Invitation.email == email)).all():
        older.withdrawn_at = now()
    store.flush()


def _open(service_id: uuid.UUID) -> Select[Invitation]:
    return rows_of(service_id, Invitation).where(
        Invitation.accepted_at.is_(None), Invitation.withdrawn_at.is_(None), Invitation.expires_at > now()
    )


def _shut(store: Session, staff: Staff) -> None:
    """Nothing that the person signed in with works any more."""
    staff.password_hash = ""
    second_factor.forget_recovery_codes(store, staff.service_id, staff.id)
    passkeys.end_all(store, staff.service_id, staff.id)
    providers.disconnect(store, staff.service_id, staff.id)
    end_all(store, staff.service_id, staff.id)


def _take_back_safeguarding(store: Session, actor: Actor, staff: Staff) -> None:
    if staff.safeguarding:
        staff.safeguarding = False
        audit.record(store, actor.service_id, actor, "no longer lets read safeguarding", "staff", staff.id)


def _ask_for_cases(store: Session, staff: Staff) -> None:
    """A manager is asked to give on the open cases of somebody who cannot look after them any more. Whoever leaves may
    leave all the same: the cases stay where they are until then, in sight of every manager."""
    if staff.state == STATE_ACTIVE and staff.role in MAY[Permission.READ_REFERRAL]:
        return
    theirs = rows_of(staff.service_id, Referral).where(
        Referral.assigned_to == staff.id, Referral.status.in_(Referral.OPEN)
    )
    if store.scalar(theirs.limit(1)) is None:
        return
    tasks.add(
        store,
        staff.service_id,
        tasks.Kind.CASES_WITHOUT_WORKER,
        once=f"cases-without-worker:{staff.id}:{codes.new_id()}",
        due_at=now(),
        assigned_to=services.holder(store, staff.service_id, "manager", now()),
        details={"staff": str(staff.id)},
    )


def _end_turns(store: Session, actor: Actor, staff_id: uuid.UUID) -> None:
    for turn in services.rota(store, actor.service_id):
        if turn.staff_id == staff_id:
            services.end_duty(store, actor, turn.id)


def _locked(store: Session, service_id: uuid.UUID) -> dict[uuid.UUID, Staff]:
    """A service's staff, held until the end of the transaction: else the last two managers could leave at once."""
    mine = rows_of(service_id, Staff).order_by(Staff.id).with_for_update().execution_options(populate_existing=True)
    return {staff.id: staff for staff in store.scalars(mine).all()}


def _refuse_last(everybody: Iterable[Staff], staff: Staff, field: str) -> None:
    sentences = {Role.MANAGER.value: _LAST_MANAGER, Role.ADMINISTRATOR.value: _LAST_ADMINISTRATOR}
    if staff.role not in sentences:
        return
    others = [one for one in everybody if one.id != staff.id and one.state == STATE_ACTIVE and one.role == staff.role]
    if not others:
        raise NotTaken({field: sentences[staff.role]})


def _staff_with(store: Session, service_id: uuid.UUID, email: str) -> Staff | None:
    return store.scalar(rows_of(service_id, Staff).where(Staff.email == email))


def _name(raw: str, problems: dict[str, str]) -> str:
    try:
        found = reading.text(raw, LONGEST_NAME)
    except reading.Unreadable as wrong:
        problems["name"] = _SHORTER_NAME if wrong.problem is reading.Problem.TOO_LONG else _READABLE_NAME
        return ""
    if not found:
        problems["name"] = _ENTER_NAME
    return found


def _email(raw: str, problems: dict[str, str]) -> str:
    try:
        return account_email(raw)
    except reading.Unreadable:
        problems["email"] = _ENTER_EMAIL
        return ""


def _role(raw: str, problems: dict[str, str]) -> Role | None:
    try:
        return Role(raw)
    except ValueError:
        problems["role"] = _SELECT_ROLE
        return None
