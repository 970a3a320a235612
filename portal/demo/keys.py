"""How to come into the demonstration: as one of its made-up staff, or as a made-up person with their card.

Passwords and return numbers are worked out from the secret that this installation holds. They stand in no file and no
repository, and whoever holds another secret has others.
"""

import base64
import hmac
from dataclasses import dataclass

from pyotp.totp import TOTP
from sqlalchemy.orm import Session

from portal import accounts, clock, codes, notifications
from portal.access import Role, rows_of
from portal.accounts.second_factor import STEP
from portal.held import derived
from portal.store import Referral, Service, ServiceUser, Staff

SLUG = "made-up"


@dataclass(frozen=True)
class Colleague:
    """A made-up member of staff. ``position`` is theirs on the rota; ``team`` may be empty."""

    name: str
    email: str
    role: Role
    position: str = ""
    team: str = ""


TEAMS = ("Riverside", "Hilltop")

STAFF: tuple[Colleague, ...] = (
    Colleague("Lin Made-Up", "lin@example.org", Role.LINK_WORKER, "duty", TEAMS[0]),
    Colleague("Sam Example", "sam@example.org", Role.LINK_WORKER, "deputy", TEAMS[1]),
    Colleague("Maya Sample", "maya@example.org", Role.MANAGER, "manager"),
    Colleague("Ade Testperson", "ade@example.org", Role.ADMINISTRATOR),
    Colleague("Noor Example", "noor@example.org", Role.ANALYST),
)

FORMER = Colleague("Kim Notreal", "kim@example.org", Role.LINK_WORKER, team=TEAMS[1])
"""Somebody who has left, with cases that nobody has now."""


# --- staff ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DemonstrationSignIn:
    """How to sign in as one of the made-up staff. ``code`` is the one that works at this moment; ``secret`` is for an
    app on a phone."""

    name: str
    role: Role
    email: str
    password: str
    code: str
    secret: str


# No vowels and nothing that is read as one: no word can come out, so no rule about words in passwords can refuse it.
_LETTERS = "bcdfghjkmnpqrstvwxz"
_PASSWORD_GROUPS, _PASSWORD_GROUP = 4, 4


def password_of(email: str) -> str:
    """The password of a made-up member of staff in this installation: 16 letters in groups, some 68 bits."""
    drawn = hmac.digest(derived("demonstration password"), email.encode(), "sha256")
    letters = [_LETTERS[each % len(_LETTERS)] for each in drawn[: _PASSWORD_GROUPS * _PASSWORD_GROUP]]
    starts = range(0, len(letters), _PASSWORD_GROUP)
    return "-".join("".join(letters[start : start + _PASSWORD_GROUP]) for start in starts)


def sign_ins(store: Session, service: Service | None) -> list[DemonstrationSignIn]:
    """How to sign in as the made-up staff, with codes that work now; empty for every other service.

    Only a demonstration may show it: whoever calls has looked at the settings.
    """
    if service is None or service.slug != SLUG:
        return []
    there = store.scalars(rows_of(service.id, Staff).where(Staff.state == accounts.STATE_ACTIVE)).all()
    by_email = {staff.email: staff for staff in there}
    return [
        DemonstrationSignIn(
            staff.name, Role(staff.role), staff.email, password_of(staff.email), _code(staff), staff.totp_secret
        )
        for staff in (by_email[one.email] for one in STAFF if one.email in by_email)
        if staff.password_hash
    ]


def _code(staff: Staff) -> str:
    """The code that works now. One that was used is dead, and then the app's next one is right already."""
    step = max(int(clock.now().timestamp()) // STEP, staff.totp_last_step + 1)
    return TOTP(staff.totp_secret, interval=STEP).at(step * STEP)


# --- people -----------------------------------------------------------------------------------------------------------

CARDS = ("own-page", "own-page-urdu")
"""The made-up people whose cards are shown: the fates of their forms, each of which one person has."""


@dataclass(frozen=True)
class DemonstrationCard:
    """How to open a made-up person's own page: reference and return number as they stand on the card."""

    name: str
    language: str
    reference: str
    number: str


def card_key(fate: str) -> str:
    """The key of the browser in which one of CARDS sent their form; the return number comes of it."""
    drawn = hmac.digest(derived("demonstration card"), fate.encode(), "sha256")
    return base64.urlsafe_b64encode(drawn).decode().rstrip("=")


def cards(store: Session, service: Service | None) -> list[DemonstrationCard]:
    """The cards of made-up people with which their own pages open; empty for every other service. Somebody who has been
    erased since, has turned reading off, or comes by a code now, is not among them.

    Only a demonstration may show it: whoever calls has looked at the settings.
    """
    if service is None or service.slug != SLUG:
        return []
    found = []
    for fate in CARDS:
        key = card_key(fate)
        referral = store.scalar(rows_of(service.id, Referral).where(Referral.sent_key_hash == codes.digest(key)))
        person = store.get(ServiceUser, (service.id, referral.person_id)) if referral else None
        if referral and person and person.reading and not notifications.takes_code(store, service.id, person.id):
            name = " ".join(part for part in (person.first_name, person.family_name) if part)
            reference = codes.show_reference(referral.reference)
            number = codes.show_return_number(codes.return_number_from(key))
            found.append(DemonstrationCard(name, referral.language, reference, number))
    return found
