"""What a person allows us to share: asked in the form, told to a worker, changed on their own page."""

import uuid
from collections.abc import Mapping

from sqlalchemy.orm import Session

from portal import access, audit
from portal.access import Actor
from portal.journeys import NOT_ASKED
from portal.journeys.self_referral import SELF_REFERRAL
from portal.people.rows import held, read
from portal.store import Permission as Permission  # the doors name it in their types
from portal.store import Service, ServiceUser, Staff

SHARING = ("share_gp", "share_onward", "evaluation", "share_referrer")
"""The permission questions: their codes are the kinds of the data dictionary's 4.8."""

IN_WORDS = "staff-recorded-verbal"
GIVEN_BY = (IN_WORDS, "person", "proxy")
"""How something was told (data dictionary 4.8): in words to a member of staff, by the person's own hand (in the form,
on their own page, on paper), or by somebody for them."""

NO = ("refused", "withdrawn")
CHANGED = "changed a permission"
"""The act of the audit, whoever wrote it down."""


class SaidMeanwhile(ValueError):
    """Something else about this was written down after the page had been opened."""


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
    given_by = IN_WORDS if spoken else "proxy" if by_another else "person"
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
            given_by=IN_WORDS,
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
    *,
    given_by: str = IN_WORDS,
    seen: str | None = None,
) -> Permission | None:
    """The person changes what they allow: ``decision`` is given or withdrawn, and counts from now on.

    A new row with the words that were shown; the rows before stay. ``None`` when it stood so already. ``actor``: the
    member of staff whom the person told, in a way of GIVEN_BY; to them they may also say no to what they had not
    allowed (refused), so that nobody has to ask again. ``seen``: the id of the row that their page showed, empty for
    none. A no counts at once, over whatever stands there; a yes over something else than was shown does not, and
    raises ``SaidMeanwhile``. Raises ``Gone``, ``Refused``, and ValueError for a kind, decision or way of telling that
    does not exist.
    """
    if kind not in SHARING or given_by not in GIVEN_BY:
        raise ValueError(f"{kind}: {given_by}")
    if decision not in (("given", *NO) if actor else ("given", "withdrawn")):
        raise ValueError(f"{kind}: {decision}")
    if actor is not None:
        access.require(actor, access.Permission.WORK_ON_CASE)
    person = held(store, service.id, person_id)
    before = permissions_of(store, service.id, person.id).get(kind)
    becomes = _becomes(before, decision)
    if becomes is None:
        return None
    if becomes == "given" and seen is not None and seen != (str(before.id) if before else ""):
        raise SaidMeanwhile
    made = Permission(
        service_id=service.id,
        person_id=person.id,
        kind=kind,
        decision=becomes,
        wording=SELF_REFERRAL.question(kind).label,
        wording_version=SELF_REFERRAL.version,
        language=language,
        given_by=given_by if actor else "person",
        recorded_by=actor.staff_id if actor else None,
    )
    store.add(made)
    told = {"given_by": given_by} if actor else {}
    audit.record(store, service.id, actor, CHANGED, "service_user", person.id, kind=kind, decision=becomes, **told)
    store.flush()
    return made


def _becomes(before: Permission | None, decision: str) -> str | None:
    """What is written down; ``None`` when it stands so already. A no after a yes takes it back, whatever the page that
    it was said on still showed."""
    stands = before.decision if before else ""
    if decision == "given":
        return None if stands == "given" else "given"
    if stands == "given":
        return "withdrawn"
    return decision if decision == "refused" and stands not in NO else None


def written_down_by(store: Session, row: Permission) -> str:
    """The name of the member of staff who wrote it down; empty where the person did."""
    return store.get_one(Staff, (row.service_id, row.recorded_by)).name if row.recorded_by else ""
