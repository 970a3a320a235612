"""A person who can come to their own page, and all that they hold: their card, their email, a code."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import codes, people, referrals
from portal.access import Actor
from portal.clock import now
from portal.store import CheckIn, Message, Referral, Service
from tests.world import filled_in

EMAIL = "zofia@inbox.example"


@dataclass
class Known:
    """Somebody whose referral has come in. ``reference`` and ``number`` as the card has them."""

    referral: Referral
    reference: str
    number: str
    email: str


def somebody(
    store: Session,
    service: Service,
    worker: Actor | None,
    *,
    email: str = EMAIL,
    ways: tuple[str, ...] = ("email",),
    **more: object,
) -> Known:
    """Somebody who sent a form and holds its card; a worker has confirmed their ways."""
    key = codes.new_key()
    draft = filled_in(store, service, "en", key, {"email": email, "safe_ways": list(ways), **more})
    referral = referrals.submit(store, service, draft, key)
    for way in people.ways_of(store, service.id, referral.person_id):
        if worker and way.channel != "come-back":
            people.confirm_way(store, worker, way.id)
    return Known(referral, codes.show_reference(referral.reference), codes.return_number_from(key), email)


def code_sent(store: Session, number: int = 1) -> str:
    """The code in the latest message (or in the latest but so many)."""
    sent = store.scalars(select(Message).where(Message.template == "sign-in-code").order_by(Message.id.desc())).all()
    return str(sent[number - 1].details["code"])


def a_wrong_one(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 1_000_000:06d}"


def a_check_in(store: Session, referral: Referral) -> CheckIn:
    """Something that is due for them now: what was planned, or a review."""
    check_in = store.scalar(
        select(CheckIn).where(
            CheckIn.service_id == referral.service_id, CheckIn.referral_id == referral.id, CheckIn.status == "ready"
        )
    )
    if check_in is None:
        check_in = CheckIn(
            service_id=referral.service_id,
            person_id=referral.person_id,
            referral_id=referral.id,
            occasion="review",
            number=7,
            scales=["ons4"],
            opens_at=now(),
            due_at=now(),
            closes_at=now().replace(year=now().year + 1),
        )
        store.add(check_in)
        store.flush()
    return check_in
