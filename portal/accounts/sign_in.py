"""Signing in and out: password, then second factor, then a sign-in that can be taken back at any moment.

The browser holds a random token and the store its hash. A sign-in ends after 30 minutes without a request, after 12
hours in any case, when it is taken back, and when the person has left: all of it is looked at with every request.
30 minutes: a form about a difficult case is filled in while talking to the person (trust 6.5 allows 15 to 30), and an
unlocked screen in a shared office should not stay open over lunch. 12 hours: longer than any working day, and
everybody proves who they are once a day.

Whether an email is known here shows neither in the answer nor in the work done (trust 22).
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from portal import audit, codes, reading, throttle
from portal.access import Actor, Permission, Role
from portal.accounts import passwords, second_factor
from portal.clock import now
from portal.held import look_up_key
from portal.store import Service, SignIn, Staff, Stores
from portal.throttle import Kind, Throttled

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
WAITS_FOR_CODE = timedelta(minutes=10)  # ASVS 6.5.5
SEEN_EVERY = timedelta(minutes=1)  # a write for every page somebody looks at would be too many

STATE_ACTIVE = "active"
STATE_LEFT = "left"


class NotRecognised(Exception):
    """The email or the password, or the code, is not right. Which of them is not said."""


class NotAPassword(Exception):
    """This cannot be a password. ``problem`` says why."""

    def __init__(self, problem: passwords.PasswordProblem) -> None:
        super().__init__(problem.value)
        self.problem = problem


class NotWaiting(Exception):
    """There is no sign-in here that waits for its code: it is over, used, or burnt by wrong codes. Begin anew."""


class TooManyTries(Exception):
    """Too many tries; ``until`` says from when on the next one counts."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until.isoformat())
        self.until = until


def account_email(raw: str) -> str:
    """An email address as accounts keep it: read and in small letters, since nobody remembers how they wrote it once.
    Raises ``reading.Unreadable``."""
    return reading.email(raw).lower()


# --- a browser that has been here before ----------------------------------------------------------------------------

# A random number and, for each account that was signed in here, a keyed mark. It says nothing about anybody; without
# this installation's secret nobody can make one. It opens nothing: it only gives this browser its own count of tries.
_DEVICE = re.compile(r"[A-Za-z0-9_-]{43}(?:\.[0-9a-f]{32}){1,5}")
_MOST_MARKS = 5
DEVICE_KEPT = timedelta(days=180)


def _mark(service_id: uuid.UUID, email: str, number: str) -> str:
    return look_up_key("device", f"{service_id}:{email}:{number}")[:32]


def _knows(device: str | None, service_id: uuid.UUID, email: str) -> str | None:
    """The browser's number, when this account was signed in there before."""
    if not device or not _DEVICE.fullmatch(device):
        return None
    number, *marks = device.split(".")
    return number if _mark(service_id, email, number) in marks else None


def _marked(device: str | None, service_id: uuid.UUID, email: str) -> str:
    """The device cookie with this account's mark in it, newest first; a shared computer serves five people."""
    number, *marks = device.split(".") if device and _DEVICE.fullmatch(device) else [codes.new_key()]
    mine = _mark(service_id, email, number)
    return ".".join([number, mine, *(mark for mark in marks if mark != mine)][: _MOST_MARKS + 1])


# --- email and password ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Knock:
    """Somebody at the door with an email, already counted. Plain values: the password is compared without a transaction
    open, so that slow hashing keeps nobody else waiting."""

    service_id: uuid.UUID
    staff_id: uuid.UUID | None
    password_hash: str | None
    counted: tuple[tuple[Kind, str], ...]


def knock(
    store: Session, service_id: uuid.UUID, email: str, *, device: str | None = None, address: str | None = None
) -> Knock:
    """Count a try to sign in, and look up whom it may concern. Commit, then go on with ``begin_sign_in``.

    ``device`` is the browser's device cookie, ``address`` where the request came from, if that is known. Raises
    ``TooManyTries``; the count and its audit row stand in the transaction all the same, so commit then too.
    """
    try:
        known_as = account_email(email)
    except reading.Unreadable:
        known_as = ""
    staff = store.scalar(_active(service_id).where(Staff.email == known_as))
    number = _knows(device, service_id, known_as)
    account = f"{service_id}:{known_as}"
    wanted = [(Kind.SIGN_IN_KNOWN, f"{account}:{number}")] if number else [(Kind.SIGN_IN_UNKNOWN, account)]
    if address and not number:
        wanted.append((Kind.SIGN_IN_ADDRESS, throttle.of_address(address)))
    counted: list[tuple[Kind, str]] = []
    for kind, key in wanted:
        if throttled := throttle.count(store, kind, key):
            # The other count must not fill up by tries that were never looked at.
            _give_back(store, counted)
            _refuse_flood(store, service_id, staff, throttled)
        counted.append((kind, key))
    return Knock(service_id, staff.id if staff else None, staff.password_hash if staff else None, tuple(counted))


def begin_sign_in(store: Session, knocked: Knock, password: str) -> str:
    """The token of a sign-in that waits for its second factor: for ten minutes, and opening nothing.

    Raises ``NotRecognised``, which is in the audit then. Slow on purpose.
    """
    right = passwords.matches(password, knocked.password_hash)
    staff = None
    if knocked.staff_id:
        staff = store.scalar(_active(knocked.service_id).where(Staff.id == knocked.staff_id))
    # The password may have been replaced, or the person have left, while we were hashing.
    if not right or staff is None or staff.password_hash != knocked.password_hash:
        about = staff.id if staff else None
        record_refusal(store, knocked.service_id, None, "sign in", reason="password", about_id=about)
        raise NotRecognised
    _give_back(store, knocked.counted)
    if passwords.is_outdated(staff.password_hash):
        staff.password_hash = passwords.hashed(password)
    return wait_for_second_factor(store, staff, "password")


def wait_for_second_factor(store: Session, staff: Staff, via: str) -> str:
    """The token of a sign-in that waits for its second factor, after the first proof (``via``: password, provider)."""
    token = codes.new_key()
    store.add(
        SignIn(
            service_id=staff.service_id,
            staff_id=staff.id,
            token_hash=codes.digest(token),
            second_factor_at=None,
            via=via,
            seen_at=now(),
            expires_at=now() + WAITS_FOR_CODE,
            revoked_at=None,
        )
    )
    store.flush()
    return token


# --- second factor --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SignedIn:
    """A sign-in that is complete. ``token`` goes into the browser's sign-in cookie, ``device`` into its device cookie.
    ``codes_left`` is how many recovery codes there still are, when one of them was used now."""

    token: str
    device: str
    actor: Actor
    codes_left: int | None


def is_waiting(store: Session, service_id: uuid.UUID, token: str) -> bool:
    """Whether this token belongs to a sign-in that waits for its code. Changes nothing."""
    return _waiting(store, service_id, token) is not None


def second_factor_given(
    store: Session, service_id: uuid.UUID, token: str, typed: str, *, device: str | None = None
) -> SignedIn:
    """Complete a sign-in with a code from the app or a recovery code, typed as people type.

    The token changes here: whoever saw or planted the one before has nothing. Raises ``NotWaiting``, ``TooManyTries``
    or ``NotRecognised``; what was counted and audited stands in the transaction, so commit then too.
    """
    pending = _waiting(store, service_id, token)
    if pending is None:
        raise NotWaiting
    staff = store.scalars(_active(service_id).where(Staff.id == pending.staff_id)).one()
    _count_second_factor(store, staff, pending, device)
    how = _right_code(store, staff, typed)
    if how is None:
        record_refusal(store, service_id, None, "sign in", reason="second-factor", about_id=staff.id)
        if throttle.is_full(store, Kind.SECOND_FACTOR_ONCE, str(pending.id)):
            pending.revoked_at = now()
        store.flush()
        raise NotRecognised
    throttle.give_back(store, *_second_factor_count(staff, device))
    if not _claim(store, pending):
        raise NotWaiting
    opened = open_for(store, staff, via=pending.via, by=how, device=device)
    left = second_factor.recovery_codes_left(store, service_id, staff.id) if how == "recovery-code" else None
    return replace(opened, codes_left=left)


def open_for(store: Session, staff: Staff, *, via: str, by: str, device: str | None = None) -> SignedIn:
    """A complete sign-in for somebody who has proved who they are. ``via``: how they came (password, passkey,
    provider); ``by``: the second proof, for the audit."""
    token = codes.new_key()
    sign_in = SignIn(
        service_id=staff.service_id,
        staff_id=staff.id,
        token_hash=codes.digest(token),
        second_factor_at=now(),
        via=via,
        seen_at=now(),
        expires_at=now() + LONGEST,
        revoked_at=None,
    )
    store.add(sign_in)
    store.flush()
    actor = _actor(staff, sign_in)
    audit.record(store, staff.service_id, actor, "signed in", "sign_in", sign_in.id, via=via, by=by)
    return SignedIn(token, _marked(device, staff.service_id, staff.email), actor, None)


def _waiting(store: Session, service_id: uuid.UUID, token: str) -> SignIn | None:
    return store.scalar(
        select(SignIn)
        .join(Staff, (Staff.service_id == SignIn.service_id) & (Staff.id == SignIn.staff_id))
        .where(
            SignIn.service_id == service_id,
            SignIn.token_hash == codes.digest(token),
            SignIn.second_factor_at.is_(None),
            SignIn.revoked_at.is_(None),
            SignIn.expires_at > now(),
            Staff.state == STATE_ACTIVE,
        )
    )


def _second_factor_count(staff: Staff, device: str | None) -> tuple[Kind, str]:
    account = f"{staff.service_id}:{staff.id}"
    number = _knows(device, staff.service_id, staff.email)
    return (Kind.SECOND_FACTOR_KNOWN, f"{account}:{number}") if number else (Kind.SECOND_FACTOR_UNKNOWN, account)


def _count_second_factor(store: Session, staff: Staff, pending: SignIn, device: str | None) -> None:
    if throttle.count(store, Kind.SECOND_FACTOR_ONCE, str(pending.id)):
        raise NotWaiting
    if throttled := throttle.count(store, *_second_factor_count(staff, device)):
        _refuse_flood(store, staff.service_id, staff, throttled)


def _right_code(store: Session, staff: Staff, typed: str) -> str | None:
    if (code := codes.read_code(typed)) is not None:
        return "app" if second_factor.spend_code(store, staff, code) else None
    if (recovery := codes.read_recovery_code(typed)) is not None:
        return "recovery-code" if second_factor.spend_recovery_code(store, staff, recovery) else None
    return None


def _claim(store: Session, pending: SignIn) -> bool:
    """End the waiting sign-in; only one of two requests at the same moment gets it."""
    taken = store.execute(
        update(SignIn)
        .where(SignIn.service_id == pending.service_id, SignIn.id == pending.id, SignIn.revoked_at.is_(None))
        .values(revoked_at=now())
        .returning(SignIn.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(taken)


# --- while signed in ------------------------------------------------------------------------------------------------


def actor_for(store: Session, service_id: uuid.UUID, token: str) -> Actor | None:
    """Who holds this token now; ``None`` when the sign-in is idle too long, too old, taken back, not complete, another
    service's, or its person has left. The role is the one of this moment."""
    row = store.execute(
        select(SignIn, Staff)
        .join(Staff, (Staff.service_id == SignIn.service_id) & (Staff.id == SignIn.staff_id))
        .where(SignIn.service_id == service_id, SignIn.token_hash == codes.digest(token), *_alive())
        .where(Staff.state == STATE_ACTIVE)
    ).one_or_none()
    return _actor(row[1], row[0]) if row else None


def touch(stores: Stores, actor: Actor) -> None:
    """Note that somebody is still there, in a small transaction of its own, at most once a minute.

    Call it when the request's own transaction has not begun or is over: on SQLite two writers wait for each other.
    It never brings a sign-in back to life.
    """
    if actor.sign_in_id is None:
        return
    mine = (SignIn.service_id == actor.service_id, SignIn.id == actor.sign_in_id)
    with stores.reading() as store:
        seen = store.scalar(select(SignIn.seen_at).where(*mine))
    if seen is None or now() - seen < SEEN_EVERY:
        return
    with stores.writing.begin() as store:
        store.execute(
            update(SignIn).where(*mine, *_alive()).values(seen_at=now()).execution_options(synchronize_session=False)
        )


CONFIRMED_FOR = timedelta(minutes=10)
"""How long after a proof an act that asks for one asks for no other (ASVS 7.5.1: before a sensitive act, again)."""


def is_confirmed(store: Session, actor: Actor) -> bool:
    """Whether somebody has proved within the last ten minutes that it is they who sit there."""
    mine = store.get(SignIn, (actor.service_id, actor.sign_in_id)) if actor.sign_in_id else None
    last = max((at for at in (mine.second_factor_at, mine.confirmed_at) if at), default=None) if mine else None
    return last is not None and now() - last < CONFIRMED_FOR


def confirm(store: Session, actor: Actor, typed: str, *, device: str | None = None) -> None:
    """Prove again, by a code from the app, that it is the actor who sits there. Raises ``NotRecognised``,
    ``TooManyTries``; what was counted and audited stands in the transaction, so commit then too."""
    staff = store.scalars(_active(actor.service_id).where(Staff.id == actor.staff_id)).one()
    if throttled := throttle.count(store, *_second_factor_count(staff, device)):
        _refuse_flood(store, staff.service_id, staff, throttled)
    code = codes.read_code(typed)
    if code is None or not second_factor.spend_code(store, staff, code):
        record_refusal(store, actor.service_id, actor, "confirm", reason="second-factor", about_id=staff.id)
        raise NotRecognised
    throttle.give_back(store, *_second_factor_count(staff, device))
    mark_confirmed(store, actor, "app")


def change_password(store: Session, actor: Actor, new: str) -> None:
    """Give the actor a new password; every other sign-in of theirs ends. The door has asked for a proof (``confirm``).
    Raises ``NotAPassword``."""
    staff = store.scalars(_active(actor.service_id).where(Staff.id == actor.staff_id).with_for_update()).one()
    named = store.get_one(Service, actor.service_id).name
    problem = passwords.problem(new, email=staff.email, name=staff.name, service_name=named)
    if problem is not None:
        raise NotAPassword(problem)
    staff.password_hash = passwords.hashed(new)
    ended = _end(store, actor, (SignIn.staff_id == actor.staff_id) & (SignIn.id != actor.sign_in_id))
    audit.record(store, actor.service_id, actor, "changed their password", "staff", actor.staff_id, ended=ended)
    store.flush()


def mark_confirmed(store: Session, actor: Actor, by: str) -> None:
    """Somebody has proved again that it is they who sit there (``by``: app, passkey)."""
    mine = store.get(SignIn, (actor.service_id, actor.sign_in_id)) if actor.sign_in_id else None
    if mine is not None:
        mine.confirmed_at = now()
    audit.record(store, actor.service_id, actor, "confirmed who they are", "sign_in", actor.sign_in_id, by=by)
    store.flush()


def waiting_for(store: Session, service_id: uuid.UUID, token: str) -> uuid.UUID | None:
    """Whose sign-in waits for its second factor under this token."""
    pending = _waiting(store, service_id, token)
    return pending.staff_id if pending else None


def second_factor_shown(
    store: Session, service_id: uuid.UUID, token: str, staff: Staff, *, by: str, device: str | None = None
) -> SignedIn:
    """Complete a sign-in that waits, by a proof that was looked at elsewhere (``by``: passkey). Raises
    ``NotWaiting``."""
    pending = _waiting(store, service_id, token)
    if pending is None or pending.staff_id != staff.id or not _claim(store, pending):
        raise NotWaiting
    return open_for(store, staff, via=pending.via, by=by, device=device)


def sign_out(store: Session, actor: Actor) -> None:
    """End the sign-in that the actor is using."""
    if actor.sign_in_id is not None:
        _end(store, actor, SignIn.id == actor.sign_in_id)
    audit.record(store, actor.service_id, actor, "signed out", "sign_in", actor.sign_in_id)
    store.flush()


def own_sign_ins(store: Session, actor: Actor) -> Sequence[SignIn]:
    """Where the actor is signed in now, the newest first."""
    return store.scalars(
        select(SignIn)
        .where(SignIn.service_id == actor.service_id, SignIn.staff_id == actor.staff_id, *_alive())
        .order_by(SignIn.id.desc())
    ).all()


def own_recovery_codes_left(store: Session, actor: Actor) -> int:
    """How many recovery codes the actor has left."""
    return second_factor.recovery_codes_left(store, actor.service_id, actor.staff_id)


def revoke(store: Session, actor: Actor, sign_in_id: uuid.UUID) -> bool:
    """End one of the actor's own sign-ins; whether there was such a one."""
    ended = _end(store, actor, (SignIn.id == sign_in_id) & (SignIn.staff_id == actor.staff_id))
    if ended:
        audit.record(store, actor.service_id, actor, "ended a sign-in", "sign_in", sign_in_id)
        store.flush()
    return bool(ended)


def end_all(store: Session, service_id: uuid.UUID, staff_id: uuid.UUID) -> int:
    """End every sign-in of somebody, also those that wait for a code; how many. The caller audits why."""
    ended = store.execute(
        update(SignIn)
        .where(SignIn.service_id == service_id, SignIn.staff_id == staff_id, SignIn.revoked_at.is_(None))
        .values(revoked_at=now())
        .returning(SignIn.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(ended)


def record_refusal(
    store: Session,
    service_id: uuid.UUID,
    actor: Actor | None,
    act: str,
    *,
    reason: str,
    about_id: uuid.UUID | None = None,
) -> None:
    """Write down that something was refused. ``about_id`` is the member of staff whose account it concerns.

    It stands in the given transaction: a door that will abort gives one of its own.
    """
    audit.record(
        store,
        service_id,
        actor,
        "was refused",
        "staff" if about_id else None,
        about_id,
        actor_kind="" if actor else "unknown",
        reason=reason,
        wanted=act,
    )
    store.flush()


def _alive() -> tuple[ColumnElement[bool], ...]:
    present = now()
    return (
        SignIn.second_factor_at.is_not(None),
        SignIn.revoked_at.is_(None),
        SignIn.expires_at > present,
        SignIn.seen_at > present - IDLE,
    )


def _end(store: Session, actor: Actor, which: ColumnElement[bool]) -> int:
    ended = store.execute(
        update(SignIn)
        .where(SignIn.service_id == actor.service_id, SignIn.revoked_at.is_(None), which)
        .values(revoked_at=now())
        .returning(SignIn.id)
        .execution_options(synchronize_session=False)
    ).all()
    return len(ended)


def _actor(staff: Staff, sign_in: SignIn) -> Actor:
    granted = frozenset({Permission.READ_SAFEGUARDING}) if staff.safeguarding else frozenset[Permission]()
    return Actor(staff.service_id, staff.id, staff.name, Role(staff.role), sign_in.id, granted)


def _active(service_id: uuid.UUID) -> Select[Staff]:
    return select(Staff).where(Staff.service_id == service_id, Staff.state == STATE_ACTIVE)


def _give_back(store: Session, counted: Sequence[tuple[Kind, str]]) -> None:
    for kind, key in counted:
        throttle.give_back(store, kind, key)


def _refuse_flood(store: Session, service_id: uuid.UUID, staff: Staff | None, throttled: Throttled) -> None:
    if throttled.first:
        about = staff.id if staff else None
        record_refusal(store, service_id, None, "sign in", reason=f"too-many-{throttled.kind.value}", about_id=about)
    raise TooManyTries(throttled.until)
