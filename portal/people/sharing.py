"""What a person allows us to share: asked in the form, told to a worker, changed on their own page."""

import uuid
from collections.abc import Mapping

from sqlalchemy.orm import Session

from portal import access, audit
from portal.access import Actor
from portal.journeys import NOT_ASKED
from portal.journeys.self_referral import SELF_REFERRAL
from portal.people.rows import held, read
from portal.store import Permission, Service, ServiceUser

SHARING = ("share_gp", "share_onward", "evaluation", "share_referrer")
"""The permission questions: their codes are the kinds of the data dictionary's 4.8."""


def add_permissions(
    store: Session,
    person: ServiceUser,
    answers: Mapping[str, object],
    language: str,
    *,
    recorded_by: uuid.UUID | None = None,
    spoken: bool = False,
) -> None:
    """The permissions that a form asked for. A question that was not asked leaves no row. ``spoken``: the questions
    were read out, and answered in words, to the member of staff who typed the answers in (``recorded_by``)."""
    by_another = answers.get("referring_for") == "someone-who-agrees"
    given_by = "staff-recorded-verbal" if spoken else "proxy" if by_another else "person"
    for kind in SHARING:
        answer = answers.get(kind)
        if answer in (None, NOT_ASKED):
            continue  # not asked: no row, and no row means no
        store.add(
            Permission(
                service_id=person.service_id,
                person_id=person.id,
                kind=kind,
                decision={"yes": "given", "no": "refused"}.get(str(answer), str(answer)),
                wording=SELF_REFERRAL.question(kind).label,
                wording_version=SELF_REFERRAL.version,
                language=language,
                given_by=given_by,
                recorded_by=recorded_by,
            )
        )


def permissions_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> dict[str, Permission]:
    """The permission that counts now, by kind: the latest row."""
    rows = access.rows_of(service_id, Permission).where(Permission.person_id == person_id).order_by(Permission.id)
    return {row.kind: row for row in store.scalars(rows)}


def allows(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, kind: str, *, hold: bool = False) -> bool:
    """Whether the person allows this now. No row means no. ``hold``: the person cannot change it before the present
    transaction ends, so that nothing leaves on a yes that was taken back meanwhile."""
    if hold:
        held(store, service_id, person_id)
    found = permissions_of(store, service_id, person_id).get(kind)
    return found is not None and found.decision == "given"


def record_spoken_permission(store: Session, actor: Actor, person_id: uuid.UUID, kind: str) -> None:
    """Write down a permission that the person gave the worker in words. ``kind`` is one of SHARING (ValueError
    otherwise). Raises ``Gone``."""
    access.require(actor, access.Permission.DECIDE_REFERRAL)
    if kind not in SHARING:
        raise ValueError(kind)
    person = read(store, actor, person_id)
    store.add(
        Permission(
            service_id=actor.service_id,
            person_id=person.id,
            kind=kind,
            decision="given",
            wording=SELF_REFERRAL.question(kind).label,
            wording_version=SELF_REFERRAL.version,
            language=person.spoken_language,
            given_by="staff-recorded-verbal",
            recorded_by=actor.staff_id,
        )
    )
    audit.record(store, actor.service_id, actor, "recorded a permission", "service_user", person.id, kind=kind)
    store.flush()


def change_permission(
    store: Session,
    service: Service,
    person_id: uuid.UUID,
    kind: str,
    decision: str,
    language: str,
    actor: Actor | None = None,
) -> Permission | None:
    """The person changes what they allow: ``decision`` is given or withdrawn, and counts from now on.

    A new row with the words that were shown; the rows before stay. ``None`` when it stood so already. ``actor``: the
    member of staff whom the person told. Raises ``Gone``, and ValueError for a kind or decision that does not exist.
    """
    if kind not in SHARING or decision not in ("given", "withdrawn"):
        raise ValueError(f"{kind}: {decision}")
    if actor is not None:
        access.require(actor, access.Permission.DECIDE_REFERRAL)
    person = held(store, service.id, person_id)
    before = permissions_of(store, service.id, person.id).get(kind)
    if (before is not None and before.decision == "given") == (decision == "given"):
        return None
    made = Permission(
        service_id=service.id,
        person_id=person.id,
        kind=kind,
        decision=decision,
        wording=SELF_REFERRAL.question(kind).label,
        wording_version=SELF_REFERRAL.version,
        language=language,
        given_by="staff-recorded-verbal" if actor else "person",
        recorded_by=actor.staff_id if actor else None,
    )
    store.add(made)
    act = "changed a permission"
    audit.record(store, service.id, actor, act, "service_user", person.id, kind=kind, decision=decision)
    store.flush()
    return made
