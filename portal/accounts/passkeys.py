"""Passkeys of the staff (W3C Web Authentication level 3): a key that stays in a phone, a computer or a small device
and opens only this portal's own address, so that no false page can ask for it.

A passkey always shows that somebody is there and that it is they (fingerprint, face or PIN: user verification), so it
is two factors in one press. It stands beside password and code, which still work: nobody is shut out by a lost phone.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, codes, reading
from portal.access import Actor
from portal.accounts import ceremonies, sign_in
from portal.clock import now
from portal.i18n import N_
from portal.store import Passkey, Service, Staff

LONGEST_NAME = 60
MOST = 10
NEW, USE = "passkey-new", "passkey"

PROBLEMS: dict[str, str] = {
    "not-accepted": N_("Your device did not give a passkey that we can use. Try again, or sign in with your password"),
    "over": N_("This took too long, or the page was used before. Try again"),
    "too-many": N_("You have 10 passkeys, which is the most we keep. Take one off first"),
    "name": N_("Give it a name of 1 to 60 characters, such as My work phone"),
}


class NotAccepted(Exception):
    """The passkey cannot be taken. ``problem`` is a code of PROBLEMS."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def own(store: Session, actor: Actor) -> Sequence[Passkey]:
    """The actor's passkeys, the oldest first."""
    mine = select(Passkey).where(Passkey.service_id == actor.service_id, Passkey.staff_id == actor.staff_id)
    return store.scalars(mine.where(Passkey.ended_at.is_(None)).order_by(Passkey.id)).all()


def has_any(store: Session, service_id: uuid.UUID, staff_id: uuid.UUID | None) -> bool:
    """Whether somebody has a passkey."""
    theirs = select(Passkey.id).where(
        Passkey.service_id == service_id, Passkey.staff_id == staff_id, Passkey.ended_at.is_(None)
    )
    return staff_id is not None and store.scalar(theirs.limit(1)) is not None


# Adding one ----------------------------------------------------------------------------------------------------------


def begin_new(store: Session, service: Service, actor: Actor, *, host: str) -> tuple[str, str]:
    """Ask the actor's device for a new passkey: the key for the browser, and what the page hands to the device (JSON).
    Raises ``NotAccepted``."""
    # It takes half a second to load, which no other page has to wait for.
    from webauthn import generate_registration_options, options_to_json
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    there = own(store, actor)
    if len(there) >= MOST:
        raise NotAccepted("too-many")
    staff = store.get_one(Staff, (actor.service_id, actor.staff_id))
    options = generate_registration_options(
        rp_id=host,
        rp_name=service.name,
        user_name=staff.email,
        user_display_name=staff.name,
        user_id=staff.id.bytes,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=_bytes(one.credential_id)) for one in there],
    )
    held = {"challenge": options.challenge.hex()}
    key = ceremonies.begin(store, actor.service_id, NEW, held, actor.staff_id)
    audit.record(store, actor.service_id, actor, "asked for a new passkey", "staff", actor.staff_id)
    store.flush()
    return key, options_to_json(options)


def add(store: Session, actor: Actor, key: str, answer: str, name: str, *, host: str, origin: str) -> Passkey:
    """Keep the passkey that the device made. Raises ``NotAccepted``."""
    from webauthn import verify_registration_response
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        called = reading.text(name, LONGEST_NAME)
    except reading.Unreadable:
        called = ""
    if not called:
        raise NotAccepted("name")
    ceremony = ceremonies.spend(store, actor.service_id, NEW, key)
    if ceremony is None or ceremony.staff_id != actor.staff_id:
        raise NotAccepted("over")
    try:
        made = verify_registration_response(
            credential=answer,
            expected_challenge=bytes.fromhex(ceremony.held["challenge"]),
            expected_rp_id=host,
            expected_origin=origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise NotAccepted("not-accepted") from None
    identity = made.credential_id.hex()
    if store.scalar(select(Passkey.id).where(Passkey.credential_hash == codes.digest(identity))) is not None:
        raise NotAccepted("not-accepted")
    passkey = Passkey(
        service_id=actor.service_id,
        id=codes.new_id(),
        staff_id=actor.staff_id,
        name=called,
        credential_id=identity,
        credential_hash=codes.digest(identity),
        public_key=made.credential_public_key.hex(),
        count=made.sign_count,
    )
    store.add(passkey)
    audit.record(store, actor.service_id, actor, "added a passkey", "passkey", passkey.id)
    store.flush()
    return passkey


def end(store: Session, actor: Actor, passkey_id: uuid.UUID) -> bool:
    """Take one of the actor's passkeys off; whether there was such a one."""
    passkey = next((one for one in own(store, actor) if one.id == passkey_id), None)
    if passkey is None:
        return False
    passkey.ended_at = now()
    audit.record(store, actor.service_id, actor, "took a passkey off", "passkey", passkey.id)
    store.flush()
    return True


def end_all(store: Session, service_id: uuid.UUID, staff_id: uuid.UUID) -> int:
    """None of somebody's passkeys works any more (they have left, or lost their device); how many. The caller
    audits."""
    theirs = select(Passkey).where(
        Passkey.service_id == service_id, Passkey.staff_id == staff_id, Passkey.ended_at.is_(None)
    )
    ended = store.scalars(theirs).all()
    for one in ended:
        one.ended_at = now()
    store.flush()
    return len(ended)


# Using one -----------------------------------------------------------------------------------------------------------


def begin(store: Session, service_id: uuid.UUID, *, host: str, staff_id: uuid.UUID | None = None) -> tuple[str, str]:
    """Ask for a passkey: the key for the browser, and what the page hands to the device (JSON). ``staff_id``: whose it
    has to be; else whoever comes, and the device offers the passkeys that it has for this address."""
    from webauthn import generate_authentication_options, options_to_json
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor, UserVerificationRequirement

    theirs = select(Passkey).where(Passkey.service_id == service_id, Passkey.ended_at.is_(None))
    named = [] if staff_id is None else store.scalars(theirs.where(Passkey.staff_id == staff_id)).all()
    options = generate_authentication_options(
        rp_id=host,
        allow_credentials=[PublicKeyCredentialDescriptor(id=_bytes(one.credential_id)) for one in named],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    held = {"challenge": options.challenge.hex()}
    return ceremonies.begin(store, service_id, USE, held, staff_id), options_to_json(options)


def shown(
    store: Session, service_id: uuid.UUID, key: str, answer: str, *, host: str, origin: str
) -> tuple[Staff, Passkey]:
    """Whose passkey answered, and which. Raises ``NotAccepted``, which is in the audit then.

    A counter that went backwards is the sign of a copied key (Web Authentication, 7.2 step 22): it is refused.
    """
    from webauthn import verify_authentication_response
    from webauthn.helpers import parse_authentication_credential_json
    from webauthn.helpers.exceptions import WebAuthnException

    ceremony = ceremonies.spend(store, service_id, USE, key)
    if ceremony is None:
        raise NotAccepted("over")
    try:
        credential = parse_authentication_credential_json(answer)
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise NotAccepted("not-accepted") from None
    passkey = _with_credential(store, service_id, credential.raw_id.hex())
    staff = store.get(Staff, (service_id, passkey.staff_id)) if passkey else None
    if passkey is None or staff is None or staff.state != sign_in.STATE_ACTIVE:
        raise _refused(store, service_id, None)
    if ceremony.staff_id not in (None, staff.id):
        raise _refused(store, service_id, staff)
    try:
        proved = verify_authentication_response(
            credential=credential,
            expected_challenge=bytes.fromhex(ceremony.held["challenge"]),
            expected_rp_id=host,
            expected_origin=origin,
            credential_public_key=_bytes(passkey.public_key),
            credential_current_sign_count=passkey.count,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise _refused(store, service_id, staff) from None
    passkey.count, passkey.used_at = proved.new_sign_count, now()
    store.flush()
    return staff, passkey


def let_in(
    store: Session, service_id: uuid.UUID, key: str, answer: str, *, host: str, origin: str, device: str | None = None
) -> "sign_in.SignedIn":
    """Sign in by a passkey alone. Raises ``NotAccepted``."""
    staff, _ = shown(store, service_id, key, answer, host=host, origin=origin)
    return sign_in.open_for(store, staff, via="passkey", by="passkey", device=device)


def _with_credential(store: Session, service_id: uuid.UUID, identity: str) -> Passkey | None:
    wanted = select(Passkey).where(
        Passkey.service_id == service_id,
        Passkey.credential_hash == codes.digest(identity),
        Passkey.ended_at.is_(None),
    )
    return store.scalar(wanted.with_for_update().execution_options(populate_existing=True))


def _refused(store: Session, service_id: uuid.UUID, staff: Staff | None) -> NotAccepted:
    about: Any = staff.id if staff else None
    sign_in.record_refusal(store, service_id, None, "sign in", reason="passkey", about_id=about)
    return NotAccepted("not-accepted")


def _bytes(told: str) -> bytes:
    return bytes.fromhex(told)
