"""Leaving triage: what must be known before a case counts as under way (data dictionary 3.3, "to leave triage").

Nothing here stops any other work: contacts, notes and the plan may be written in every open state. When the last of it
is known, the case is under way by itself; nobody has to press for it.
"""

import re
import unicodedata
import uuid

from sqlalchemy.orm import Session

from portal import access, audit, referrals
from portal.access import Actor
from portal.caseload.cases import NotPossible, held, person_of
from portal.clock import today
from portal.i18n import N_
from portal.letters import NOT_APPLICABLE
from portal.letters import NOT_KNOWN as NOT_KNOWN
from portal.letters import NOT_REGISTERED as NOT_REGISTERED
from portal.store import AccessNeed, Referral, Risk, ServiceUser

MISSING = ("first-contact", "risk", "access-needs", "gp-practice")
"""What may still be missing, in the order in which it is shown."""

NONE_KNOWN = "none-known"
"""The kind of risk that says that none is known."""

NO_PRACTICE: dict[str, str] = {
    NOT_REGISTERED: N_("They have no GP practice"),
    NOT_APPLICABLE: N_("A GP practice does not apply to them"),
    NOT_KNOWN: N_("It is not known which GP practice they have"),
}
"""The national default codes that say why there is no practice (standards 11.2)."""

_PRACTICE = re.compile("[A-Z][0-9]{5}")


def missing(store: Session, referral: Referral) -> list[str]:
    """What is still missing before this case can leave triage (codes of MISSING); nothing for one that has left it."""
    if referral.status != "accepted":
        return []
    there = {
        "first-contact": referral.first_contact_at is not None,
        "risk": risk_is_said(store, referral),
        "access-needs": not needs_to_review(store, referral),
        "gp-practice": person_of(store, referral).gp_practice_code is not None,
    }
    return [code for code in MISSING if not there[code]]


def risk_is_said(store: Session, referral: Referral) -> bool:
    """Whether a risk of the person is open, or "no known risks" was said in this very referral: what nobody knew of in
    an earlier one says nothing about today."""
    open_ones = access.rows_of(referral.service_id, Risk).where(
        Risk.person_id == referral.person_id,
        Risk.ended_at.is_(None),
        (Risk.kind != NONE_KNOWN) | (Risk.referral_id == referral.id),
    )
    return store.scalars(open_ones.limit(1)).first() is not None


def needs_to_review(store: Session, referral: Referral) -> list[AccessNeed]:
    """The open access needs that are to be looked at now: the day has come, or nobody has looked at them since this
    referral was sent (the standard's sixth step, raised at each new episode)."""
    open_ones = access.rows_of(referral.service_id, AccessNeed).where(
        AccessNeed.person_id == referral.person_id, AccessNeed.ended_at.is_(None)
    )
    return [
        one
        for one in store.scalars(open_ones.order_by(AccessNeed.id))
        if one.review_due <= today() or (one.reviewed_at or one.created_at) < referral.referred_at
    ]


def settle(store: Session, actor: Actor, referral: Referral) -> bool:
    """To be called after each act that may have completed triage: a contact, a risk, an access need, the practice.

    Makes an accepted case active when nothing is missing any more; whether it did. Two acts at once that complete it
    together: whichever comes last does it.
    """
    store.flush()
    # Held before anything is read: what the other act has written is seen, or it waits and sees ours.
    mine = access.rows_of(referral.service_id, Referral).where(Referral.id == referral.id)
    now_there = store.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if now_there is None or now_there.status != "accepted" or missing(store, now_there):
        return False
    referrals.set_status(store, actor, now_there, "active")
    return True


def read_practice(typed: str) -> str | None:
    """The code of a GP practice as it was typed, or ``None``: a letter and five digits, in any case and spacing."""
    plain = "".join(unicodedata.normalize("NFKC", typed).split()).upper()
    return plain if _PRACTICE.fullmatch(plain) else None


def set_practice(store: Session, actor: Actor, referral_id: uuid.UUID, code: str, name: str = "") -> ServiceUser:
    """Which GP practice the person has, by its code, or a default that says why there is none (NO_PRACTICE).

    ``name``: the practice's own, when it was found in the list. What the person called it stays otherwise. Raises
    ``Gone`` and ``NotPossible`` (code: not-listed).
    """
    found = read_practice(code)
    if found is None:
        raise NotPossible({"code": "not-listed"})
    referral = held(store, actor, referral_id)
    wanted = access.rows_of(actor.service_id, ServiceUser).where(ServiceUser.id == referral.person_id)
    person = store.scalars(wanted.with_for_update().execution_options(populate_existing=True)).one()
    if person.gp_practice_code != found:
        person.gp_practice_code = found
        if name:
            person.gp_practice = name[:150]
        audit.record(store, actor.service_id, actor, "recorded a GP practice", "service_user", person.id, code=found)
        store.flush()
    settle(store, actor, referral)
    return person
