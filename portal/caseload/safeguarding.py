"""Safeguarding concerns: whoever works with people writes one down, few read them (data dictionary 3.4; PRSB 5).

They are in nothing that the person, a GP or a community group reads. Without the permission to read them, all that
can be known is that something is written down and whom to ask.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from portal import access, audit, codes, services, tasks
from portal.access import GRANTED, MAY, Actor, Permission
from portal.caseload.cases import Gone as Gone
from portal.caseload.cases import Meanwhile as Meanwhile
from portal.caseload.cases import NotPossible as NotPossible
from portal.caseload.cases import held, plain
from portal.clock import now, today
from portal.store import Referral, Service, Staff
from portal.store import Safeguarding as Safeguarding  # the doors name it in their types

LONGEST = 4000


def record(
    store: Session,
    service: Service,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    concern: str,
    action_taken: str = "",
    concern_id: uuid.UUID | None = None,
) -> Safeguarding:
    """Write a concern down; the manager who is on duty is given the task to read it. ``concern_id`` makes doing it
    twice one. Raises ``Refused``, ``Gone``, and ``NotPossible`` (concern: missing; both: too-long, unreadable)."""
    access.require(actor, Permission.RECORD_SAFEGUARDING)
    problems: dict[str, str] = {}
    words = plain(concern, LONGEST, "concern", problems, needed=True)
    done = plain(action_taken, LONGEST, "action_taken", problems)
    if problems:
        raise NotPossible(problems)
    referral = held(store, actor, referral_id)
    if concern_id and (there := _found(store, referral, concern_id)):
        return there
    made = Safeguarding(
        service_id=referral.service_id,
        id=concern_id or codes.new_id(),
        person_id=referral.person_id,
        referral_id=referral.id,
        concern=words,
        action_taken=done or None,
        started=today(),
        recorded_by=actor.staff_id,
    )
    store.add(made)
    store.flush()
    audit.record(store, actor.service_id, actor, "recorded a safeguarding concern", "safeguarding", made.id)
    tasks.add(
        store,
        service.id,
        tasks.Kind.SAFEGUARDING,
        once=f"safeguarding:{made.id}",
        due_at=now(),
        # Not tied to the person's record: what is tied to it is told in their copy of everything.
        details={"referral": str(referral.id)},
        assigned_to=services.holder(store, service.id, "manager", now()),
    )
    return made


def read(store: Session, actor: Actor, referral: Referral) -> Sequence[Safeguarding]:
    """The concerns about the person, the open ones first, then the latest; the reading is written down. Raises
    ``Refused``."""
    access.require(actor, Permission.READ_SAFEGUARDING)
    theirs = access.rows_of(actor.service_id, Safeguarding).where(Safeguarding.person_id == referral.person_id)
    found = store.scalars(theirs.order_by(Safeguarding.created_at.desc(), Safeguarding.id.desc())).all()
    for one in found:
        # About the concern alone: the person sees what is written down about their own record.
        audit.record(store, actor.service_id, actor, "read a safeguarding concern", "safeguarding", one.id)
    return sorted(found, key=lambda one: one.ended_at is not None)


def say_what_was_done(
    store: Session, actor: Actor, referral_id: uuid.UUID, concern_id: uuid.UUID, *, words: str, version: int
) -> Safeguarding:
    """What was done about it. Raises ``Refused``, ``Gone``, ``NotPossible`` (words: missing, too-long, unreadable), and
    ``Meanwhile`` when somebody else has written since the page was opened."""
    access.require(actor, Permission.READ_SAFEGUARDING)
    problems: dict[str, str] = {}
    done = plain(words, LONGEST, "words", problems, needed=True)
    if problems:
        raise NotPossible(problems)
    found = _one(store, actor, referral_id, concern_id)
    if found.action_taken == done:
        return found
    if found.version != version:
        raise Meanwhile(found)
    found.action_taken = done
    audit.record(store, actor.service_id, actor, "acted on a safeguarding concern", "safeguarding", found.id)
    store.flush()
    return found


def end(store: Session, actor: Actor, referral_id: uuid.UUID, concern_id: uuid.UUID) -> Safeguarding:
    """It is over; it stays in the record, and ended twice it is ended once. Raises ``Refused`` and ``Gone``."""
    access.require(actor, Permission.READ_SAFEGUARDING)
    found = _one(store, actor, referral_id, concern_id)
    if found.ended_at is None:
        found.ended_at, found.ended_by = now(), actor.staff_id
        audit.record(store, actor.service_id, actor, "ended a safeguarding concern", "safeguarding", found.id)
        store.flush()
    return found


def _one(store: Session, actor: Actor, referral_id: uuid.UUID, concern_id: uuid.UUID) -> Safeguarding:
    found = _found(store, held(store, actor, referral_id), concern_id)
    if found is None:
        raise Gone
    return found


def _found(store: Session, referral: Referral, concern_id: uuid.UUID) -> Safeguarding | None:
    theirs = access.rows_of(referral.service_id, Safeguarding).where(
        Safeguarding.person_id == referral.person_id, Safeguarding.id == concern_id
    )
    return store.scalar(theirs.execution_options(populate_existing=True))


def open_count(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> int:
    """How many concerns are open: all that may be known without the permission to read them."""
    theirs = (
        select(func.count())
        .select_from(Safeguarding)
        .where(
            Safeguarding.service_id == service_id,
            Safeguarding.person_id == person_id,
            Safeguarding.ended_at.is_(None),
        )
    )
    return store.scalar(theirs) or 0


def readers(store: Session, service_id: uuid.UUID) -> Sequence[Staff]:
    """Whom to ask: everybody who works here and may read what is written down, by name."""
    always = [role.value for role in MAY[Permission.READ_SAFEGUARDING]]
    granted = [role.value for role in GRANTED[Permission.READ_SAFEGUARDING]]
    able = or_(Staff.role.in_(always), Staff.safeguarding & Staff.role.in_(granted))
    there = access.rows_of(service_id, Staff).where(Staff.state == "active", able)
    return store.scalars(there.order_by(Staff.name, Staff.id)).all()
