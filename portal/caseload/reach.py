"""Whose records somebody reads as part of their own work; for every other one they say why first.

Nothing here forbids: a colleague is ill, a person stands in the hall. But looking up a neighbour must be an act with a
name, a reason and a day, which the person reads on their own page (trust, threat 23).
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from portal import access, audit, people, reading, referrals
from portal.access import Actor, Role
from portal.caseload.lists import READING_REASONS, codes_in
from portal.clock import now
from portal.store import Alert, AuditEvent, ReadingReason, Referral, ServiceUser, Staff, Task

HOLDS = timedelta(hours=12)
"""How long a reason counts: a working day, and never the next one."""

OTHER = "other"
LONGEST_WORDS = 500
READ = "read a referral"


class NeedsWords(ValueError):
    """A reason is missing, is not of the list, or "something else" stands there without words: the field's name."""


@dataclass(frozen=True)
class Standing:
    """Whether a record may be opened now. ``because``: the reason given, where it is open for that alone. ``reference``
    and ``assigned_to`` say whose it is before anything else is shown."""

    person_id: uuid.UUID
    within: bool
    because: str = ""
    reference: str = ""
    assigned_to: uuid.UUID | None = None

    @property
    def opens(self) -> bool:
        """Whether the record may be shown."""
        return self.within or bool(self.because)


def within(store: Session, actor: Actor, person_id: uuid.UUID) -> bool:
    """Whether this person's record is part of the actor's own work; a reason that was given does not count here."""
    return person_id in within_each(store, actor, [person_id])


def within_each(store: Session, actor: Actor, person_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these people whose record is part of the actor's own work, in three queries however many they are:

    new referrals (everybody works the inbox); theirs, now or when it ended, or decided on by them; an open case that
    nobody here has; for a manager their team's, and everybody's where they have no team; an alert that nobody has
    opened, or that is theirs; something to do that was given to them. Raises ``access.Refused``.
    """
    access.require(actor, access.Permission.READ_REFERRAL)
    asked = set(person_ids)
    mine = _by_referral(store, actor, asked)
    for table, about in ((Alert, _alert_for(actor)), (Task, _task_for(actor))):
        if left := asked - mine:
            rows = select(table.person_id).where(table.service_id == actor.service_id, table.person_id.in_(left), about)
            mine |= {one for one in store.scalars(rows) if one is not None}
    return mine


def _by_referral(store: Session, actor: Actor, asked: set[uuid.UUID]) -> set[uuid.UUID]:
    team = store.scalar(select(Staff.team).where(Staff.service_id == actor.service_id, Staff.id == actor.staff_id))
    rows = (
        select(Referral.person_id, Referral.status, Referral.assigned_to, Referral.decided_by, Staff.team, Staff.state)
        .outerjoin(Staff, and_(Staff.service_id == Referral.service_id, Staff.id == Referral.assigned_to))
        .where(Referral.service_id == actor.service_id, Referral.person_id.in_(asked))
    )
    found = set()
    for person_id, status, assigned_to, decided_by, their_team, state in store.execute(rows):
        nobody_has_it = status in Referral.OPEN and (assigned_to is None or state != "active")
        leads = actor.role is Role.MANAGER and (team is None or assigned_to is None or their_team == team)
        if status in referrals.WAITING or actor.staff_id in (assigned_to, decided_by) or nobody_has_it or leads:
            found.add(person_id)
    return found


def _alert_for(actor: Actor) -> ColumnElement[bool]:
    return and_(Alert.closed_at.is_(None), or_(Alert.opened_at.is_(None), Alert.owner_id == actor.staff_id))


def _task_for(actor: Actor) -> ColumnElement[bool]:
    """Given to the actor. What they wrote down for themselves opens nothing to them."""
    given = or_(Task.asked_by.is_(None), Task.asked_by != actor.staff_id)
    return and_(Task.done_at.is_(None), Task.assigned_to == actor.staff_id, given)


def of_referral(store: Session, actor: Actor, referral_id: uuid.UUID) -> Standing | None:
    """Where the record of a referral stands: whether it may be opened now, and for which reason that was given.
    ``None`` when the actor's service has no such referral."""
    access.require(actor, access.Permission.READ_REFERRAL)
    asked = select(Referral.person_id, Referral.reference, Referral.assigned_to).where(
        Referral.service_id == actor.service_id, Referral.id == referral_id
    )
    found = store.execute(asked).one_or_none()
    if found is None:
        return None
    if within(store, actor, found.person_id):
        return Standing(found.person_id, True, "", found.reference, found.assigned_to)
    given = access.rows_of(actor.service_id, ReadingReason).where(
        ReadingReason.staff_id == actor.staff_id,
        ReadingReason.person_id == found.person_id,
        ReadingReason.ends_at > now(),
    )
    reason = store.scalar(given.order_by(ReadingReason.id.desc()).limit(1))
    return Standing(found.person_id, False, reason.reason if reason else "", found.reference, found.assigned_to)


def read_lately(store: Session, actor: Actor, referral_id: uuid.UUID) -> bool:
    """Whether the actor has opened this referral within HOLDS: a form that lay open while the case went to somebody
    else, or while the reason ran out, can still be sent, for nothing that somebody wrote is lost."""
    looks = exists().where(
        AuditEvent.service_id == actor.service_id,
        AuditEvent.about_id == referral_id,
        AuditEvent.actor_id == actor.staff_id,
        AuditEvent.act == READ,
        AuditEvent.created_at > now() - HOLDS,
    )
    return bool(store.scalar(select(looks)))


def give_reason(store: Session, actor: Actor, person_id: uuid.UUID, reason: str, words: str = "") -> ReadingReason:
    """Say why this record must be read. It opens at once, for HOLDS; the reason stands for the person to read.

    ``reason`` is a code of READING_REASONS, ``words`` (up to LONGEST_WORDS) are needed with "something else". Raises
    ``people.Gone``, and ``NeedsWords`` with the name of the field.
    """
    if reason not in codes_in(READING_REASONS):
        raise NeedsWords("reason")
    said = "" if reading.is_blank(words) else reading.text(words, LONGEST_WORDS, lines=True)
    if reason == OTHER and not said:
        raise NeedsWords("words")
    person = people.read(store, actor, person_id)
    made = ReadingReason(
        service_id=actor.service_id,
        person_id=person.id,
        staff_id=actor.staff_id,
        reason=reason,
        words=said or None,
        ends_at=now() + HOLDS,
    )
    store.add(made)
    audit.record(store, actor.service_id, actor, "gave a reason for reading", "service_user", person.id, reason=reason)
    store.flush()
    return made


# What a manager reads of it ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Looked:
    """One reading outside somebody's own work. ``by``: who read; ``name``: as the person likes to be called;
    ``referral_id``, ``reference``: the latest case of the person, where there is one."""

    row: ReadingReason
    by: str
    name: str
    referral_id: uuid.UUID | None
    reference: str


def all_reasons(store: Session, actor: Actor, after: uuid.UUID | None = None, most: int | None = None) -> list[Looked]:
    """Every reason that was given in the actor's service, the newest first; those behind the row ``after``, and no more
    than ``most``. Raises Refused."""
    access.require(actor, access.Permission.LEAD_TEAM)
    here = actor.service_id
    rows = (
        select(ReadingReason, Staff.name, func.coalesce(ServiceUser.preferred_name, ServiceUser.first_name))
        .join(Staff, and_(Staff.service_id == here, Staff.id == ReadingReason.staff_id))
        .join(ServiceUser, and_(ServiceUser.service_id == here, ServiceUser.id == ReadingReason.person_id))
        .where(ReadingReason.service_id == here)
        .order_by(ReadingReason.id.desc())
        .limit(most)
    )
    if after is not None:
        rows = rows.where(ReadingReason.id < after)
    found = store.execute(rows).all()
    persons = {row.person_id for row, _, _ in found}
    of_them = select(Referral.person_id, Referral.id, Referral.reference).where(
        Referral.service_id == here, Referral.person_id.in_(persons)
    )
    latest = {person_id: (one, reference) for person_id, one, reference in store.execute(of_them.order_by(Referral.id))}
    return [Looked(row, by, name or "", *latest.get(row.person_id, (None, ""))) for row, by, name in found]
