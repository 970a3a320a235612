"""A person's row and their ways of contact, as every part of this room reads them."""

import uuid
from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from portal import access
from portal.access import Actor
from portal.held import look_up_key
from portal.i18n import N_
from portal.journeys import ABSENCES
from portal.store import ContactWay, ServiceUser

CHANNELS: dict[str, str] = {
    "call": N_("Phone call"),
    "text": N_("Text message"),
    "email": N_("Email"),
    "post": N_("Letter"),
    "through-person": N_("Through someone they trust"),
    "come-back": N_("They come back here, or we meet them"),
}


class Gone(LookupError):
    """There is no such record in this service."""


def value_of(answers: Mapping[str, object], code: str) -> str | None:
    """The answer when it is a value; ``None`` for every kind of absence."""
    answer = answers.get(code)
    return str(answer) if answer is not None and answer not in ABSENCES else None


def address_key(address: str | None) -> str | None:
    """A keyed hash by which the same address is found again although it is stored encrypted."""
    return look_up_key("address", address.casefold()) if address else None


def held(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> ServiceUser:
    """The person's row, held until the end of the transaction: two browsers take turns. Raises ``Gone``."""
    found = store.get(ServiceUser, (service_id, person_id), with_for_update=True, populate_existing=True)
    if found is None:
        raise Gone
    return found


def read(store: Session, actor: Actor, person_id: uuid.UUID) -> ServiceUser:
    """A person of the actor's service. Raises ``Gone``."""
    access.require(actor, access.Permission.READ_REFERRAL)
    found = store.scalar(access.rows_of(actor.service_id, ServiceUser).where(ServiceUser.id == person_id))
    if found is None:
        raise Gone
    return found


def ways_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[ContactWay]:
    """The ways that the person gave, in the order in which they are asked."""
    rows = store.scalars(access.rows_of(service_id, ContactWay).where(ContactWay.person_id == person_id)).all()
    return sorted(rows, key=lambda way: (list(CHANNELS).index(way.channel), way.id))
