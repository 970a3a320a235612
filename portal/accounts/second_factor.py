"""The second factor: a code from an app on the person's phone (TOTP, RFC 6238), or one of ten recovery codes.

No text message and no email code (trust 6.5): both can be read by somebody else.
"""

import base64
import hmac
import uuid

from pyotp import random_base32
from pyotp.totp import TOTP
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from portal import codes
from portal.clock import now
from portal.held import derived
from portal.store import RecoveryCode, Staff

STEP = 30  # seconds a code lives (RFC 6238 section 5.2)
RECOVERY_CODES = 10
_SECRET_BYTES = 20  # as long as SHA-1's output, which is what the apps on phones speak (RFC 4226 section 4: 160 bits)


def offered_secret(token: str) -> str:
    """The secret for an app that belongs to an invitation: always the same one, worked out from its token and from what
    this installation holds. So it needs no hidden field, nobody can put another in its place, and a page that is loaded
    twice does not make the first QR code worthless. Nothing in the database tells it before somebody has joined.
    """
    return base64.b32encode(hmac.digest(derived("second-factor"), token.encode(), "sha256")[:_SECRET_BYTES]).decode()


def new_secret() -> str:
    """A new random secret for an app, in base 32."""
    return random_base32(32)


def address_for_app(secret: str, *, email: str, service_name: str) -> str:
    """The ``otpauth://`` address that an app reads from the QR code."""
    return TOTP(secret, interval=STEP).provisioning_uri(name=email, issuer_name=service_name)


def code_now(secret: str) -> str:
    """The six digits that an app shows at this moment: for tests, and for the demonstration."""
    return TOTP(secret, interval=STEP).at(now())


def step_of(secret: str, code: str, after: int = 0) -> int | None:
    """Which step of time a six-digit code belongs to: the one now, the one before or the one to come (clocks differ).
    ``None`` when it belongs to none of them, or to none later than ``after``: a code that was seen once is dead.
    """
    present = int(now().timestamp()) // STEP
    app = TOTP(secret, interval=STEP)
    found = None
    for step in (present + 1, present, present - 1):
        # All three are always compared, so that the time taken says nothing.
        if hmac.compare_digest(app.at(step * STEP).encode(), code.encode()) and step > after:
            found = step
    return found


def spend_code(store: Session, staff: Staff, code: str) -> bool:
    """Whether this is the person's app code now; if so it never works again, also not for a second request that is on
    its way at the same moment."""
    step = step_of(staff.totp_secret, code, staff.totp_last_step)
    if step is None:
        return False
    taken = store.execute(
        update(Staff)
        .where(Staff.service_id == staff.service_id, Staff.id == staff.id, Staff.totp_last_step < step)
        .values(totp_last_step=step)
        .returning(Staff.id)
        .execution_options(synchronize_session=False)
    ).all()
    store.expire(staff, ["totp_last_step"])
    return bool(taken)


def renew_recovery_codes(store: Session, service_id: uuid.UUID, staff_id: uuid.UUID) -> list[str]:
    """Ten new recovery codes, to be shown once; the ones before stop working."""
    mine = (RecoveryCode.service_id == service_id, RecoveryCode.staff_id == staff_id)
    store.execute(delete(RecoveryCode).where(*mine).execution_options(synchronize_session=False))
    made = [codes.new_recovery_code() for _ in range(RECOVERY_CODES)]
    for code in made:
        store.add(RecoveryCode(service_id=service_id, staff_id=staff_id, code_hash=_hash(staff_id, code), used_at=None))
    store.flush()
    return made


def forget_recovery_codes(store: Session, service_id: uuid.UUID, staff_id: uuid.UUID) -> None:
    """None of the person's recovery codes works any more."""
    mine = (RecoveryCode.service_id == service_id, RecoveryCode.staff_id == staff_id)
    store.execute(delete(RecoveryCode).where(*mine).execution_options(synchronize_session=False))


def spend_recovery_code(store: Session, staff: Staff, code: str) -> bool:
    """Whether this is one of the person's recovery codes; if so it never works again."""
    taken = store.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.service_id == staff.service_id,
            RecoveryCode.staff_id == staff.id,
            RecoveryCode.code_hash == _hash(staff.id, code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now())
        .returning(RecoveryCode.id)
        .execution_options(synchronize_session=False)
    ).all()
    return bool(taken)


def recovery_codes_left(store: Session, service_id: uuid.UUID, staff_id: uuid.UUID) -> int:
    """How many recovery codes somebody has left."""
    mine = select(RecoveryCode.id).where(
        RecoveryCode.service_id == service_id, RecoveryCode.staff_id == staff_id, RecoveryCode.used_at.is_(None)
    )
    return len(store.scalars(mine).all())


def _hash(staff_id: uuid.UUID, code: str) -> str:
    # The id is the salt: one slow hash finds a code among ten, and no two people's codes share one.
    return codes.slow_digest(code, staff_id.bytes, derived("recovery-code"))
