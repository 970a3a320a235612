"""A service with staff and a few people, for tests of the lower rooms: those that make staff and people stand above."""

import uuid

from sqlalchemy.orm import Session

from portal import services
from portal.access import Actor, Role
from portal.clock import now
from portal.store import ContactWay, Referral, Service, ServiceUser, Staff


def a_service(store: Session, slug: str = "here", **settings: object) -> Service:
    return services.create(store, slug, f"Service {slug}", settings)


def a_colleague(
    store: Session, service: Service, role: Role = Role.LINK_WORKER, *, state: str = "active", name: str = "Made Up"
) -> Staff:
    staff = Staff(
        service_id=service.id,
        name=name,
        email=f"{uuid.uuid4().hex}@staff.example",
        role=role.value,
        state=state,
        password_hash="made-up",
        totp_secret="made-up",
    )
    store.add(staff)
    store.flush()
    return staff


def acting(staff: Staff) -> Actor:
    return Actor(staff.service_id, staff.id, staff.name, Role(staff.role))


def a_person(store: Session, service: Service, *, reads: str = "en", pages: str = "en") -> ServiceUser:
    person = ServiceUser(
        service_id=service.id,
        first_name="Zofia",
        family_name="Quarshie",
        name_key="quarshie zofia",
        born="1961",
        gp_registered="left-blank",
        spoken_language="en",
        written_language=reads,
        page_language=pages,
        interpreter="left-blank",
        access_needs=[],
    )
    store.add(person)
    store.flush()
    return person


def a_way(
    store: Session,
    person: ServiceUser,
    channel: str = "email",
    *,
    address: str | None = "zofia@inbox.example",
    allowed: bool = True,
    confirmed: bool = True,
) -> ContactWay:
    way = ContactWay(
        service_id=person.service_id,
        person_id=person.id,
        channel=channel,
        address=address,
        allowed=allowed,
        times=[],
        confirmed_at=now() if confirmed else None,
    )
    store.add(way)
    store.flush()
    return way


def a_referral(store: Session, person: ServiceUser, draft_id: uuid.UUID) -> Referral:
    referral = Referral(
        service_id=person.service_id,
        person_id=person.id,
        reference="K7QF2M9TX",
        sent_key_hash="0" * 64,
        draft_id=draft_id,
        journey_version=1,
        language="en",
        source_channel="portal",
        answers={},
        referrer_type="self",
        urgency="not-safe",
        referred_at=now(),
        due_at=now(),
    )
    store.add(referral)
    store.flush()
    return referral
