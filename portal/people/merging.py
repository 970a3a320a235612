"""Who may be the same person, two records made one, and two again exactly as they were.

Nothing is merged by itself.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from portal import access, audit, codes
from portal.access import Actor
from portal.clock import now
from portal.i18n import N_
from portal.people.rows import Gone, read, ways_of
from portal.store import (
    AccessNeed,
    Alert,
    CarePlan,
    CaseMove,
    CaseNote,
    CheckIn,
    Closure,
    Comment,
    Contact,
    ContactWay,
    ErasureRequest,
    Goal,
    Letter,
    MeasureResponse,
    Merge,
    Message,
    NamePart,
    Onward,
    Permission,
    PersonCode,
    PlanAction,
    ReadingReason,
    Referral,
    Risk,
    Safeguarding,
    ServiceUser,
    Task,
    Visit,
)

MATCHES: dict[str, str] = {
    "nhs-number": N_("same NHS number"),
    "name-and-birth": N_("same name and date of birth"),
    "phone": N_("same phone number"),
    "email": N_("same email address"),
    "name-and-year": N_("same name and year of birth"),
}
"""What two records may have in common, strongest first."""


_SAME_ADDRESS: dict[str, tuple[str, ...]] = {"phone": ("call", "text"), "email": ("email",)}
"""The ways whose address says who somebody is. A household shares its letters, many people meet in one library, and one
person may be trusted by several: those say nothing."""


class NotMergeable(ValueError):
    """These two records cannot be merged, or this merge cannot be undone any more."""


@dataclass(frozen=True)
class Duplicate:
    """Somebody who may be the same person, and what matches."""

    person: ServiceUser
    matches: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Two records side by side, and what matches (of MATCHES)."""

    person: ServiceUser
    other: ServiceUser
    matches: tuple[str, ...]


def compare(store: Session, actor: Actor, person_id: uuid.UUID, other_id: uuid.UUID) -> Comparison:
    """Two people side by side; the reading of the other record is written down. Raises ``Gone``."""
    access.require(actor, access.Permission.MERGE_PEOPLE)
    person, other = read(store, actor, person_id), read(store, actor, other_id)
    if person.id == other.id:
        raise Gone
    audit.record(store, actor.service_id, actor, "compared people", "service_user", other.id, beside=str(person.id))
    alike = [one for one in possible_duplicates(store, person) if one.person.id == other.id]
    return Comparison(person, other, alike[0].matches if alike else ())


def possible_duplicates(store: Session, person: ServiceUser) -> list[Duplicate]:
    """People of the same service who may be the same person, strongest match first. Shown to staff only."""
    return duplicates_of_each(store, person.service_id, [person])[person.id]


def duplicates_of_each(
    store: Session, service_id: uuid.UUID, everybody: Sequence[ServiceUser]
) -> dict[uuid.UUID, list[Duplicate]]:
    """``possible_duplicates`` for many people in five queries, however many they are."""
    if not everybody:
        return {}
    mine = _addresses_of(store, service_id, ContactWay.person_id.in_([person.id for person in everybody]))
    keys = {key for ways in mine.values() for _, key in ways}
    theirs = _addresses_of(store, service_id, ContactWay.address_key.in_(keys) & _by_itself())
    others = _alike(store, service_id, everybody, theirs)
    return {person.id: _duplicates(person, others, mine, theirs) for person in everybody}


def what_matches(found: Iterable[Duplicate]) -> tuple[str, ...]:
    """By what somebody may be known already, of MATCHES, strongest first and each once: for a line of a list."""
    there = {match for one in found for match in one.matches}
    return tuple(match for match in MATCHES if match in there)


def _alike(
    store: Session, service_id: uuid.UUID, everybody: Sequence[ServiceUser], theirs: Iterable[uuid.UUID]
) -> list[ServiceUser]:
    """Whoever shares a name and a year of birth, a number or an address with one of these. Each way of being alike is
    asked for by itself, so that each finds its index: together they would read everybody."""
    named = {(person.name_key, person.born[:4]) for person in everybody}
    same_name = [
        and_(ServiceUser.name_key == name, ServiceUser.born >= year, ServiceUser.born < str(int(year) + 1))
        for name, year in named
    ]
    numbers = {person.nhs_number for person in everybody if person.nhs_number}
    found: dict[uuid.UUID, ServiceUser] = {}
    for alike in (or_(*same_name), ServiceUser.nhs_number.in_(numbers), ServiceUser.id.in_(set(theirs))):
        rows = access.rows_of(service_id, ServiceUser).where(ServiceUser.merged_into.is_(None), alike)
        found |= {person.id: person for person in store.scalars(rows)}
    return [found[one] for one in sorted(found)]


def _by_itself() -> ColumnElement[bool]:
    return ContactWay.channel.in_([channel for channels in _SAME_ADDRESS.values() for channel in channels])


def _addresses_of(
    store: Session, service_id: uuid.UUID, which: ColumnElement[bool]
) -> dict[uuid.UUID, set[tuple[str, str]]]:
    """(match, key of the address) of people's ways, by person. The addresses themselves are not decrypted for it."""
    match_of = {channel: match for match, channels in _SAME_ADDRESS.items() for channel in channels}
    rows = select(ContactWay.person_id, ContactWay.channel, ContactWay.address_key).where(
        ContactWay.service_id == service_id, ContactWay.address_key.is_not(None), which
    )
    found: dict[uuid.UUID, set[tuple[str, str]]] = {}
    for person_id, channel, key in store.execute(rows):
        if key and channel in match_of:
            found.setdefault(person_id, set()).add((match_of[channel], key))
    return found


def _duplicates(
    person: ServiceUser,
    others: Sequence[ServiceUser],
    mine: Mapping[uuid.UUID, set[tuple[str, str]]],
    theirs: Mapping[uuid.UUID, set[tuple[str, str]]],
) -> list[Duplicate]:
    found = []
    for other in others:
        shared = {match for match, _ in mine.get(person.id, set()) & theirs.get(other.id, set())}
        if other.id != person.id and (matches := _matches(person, other, shared)):
            found.append(Duplicate(other, matches))
    order = list(MATCHES)
    return sorted(found, key=lambda one: (order.index(one.matches[0]), one.person.id))


def _matches(person: ServiceUser, other: ServiceUser, shared: set[str]) -> tuple[str, ...]:
    same_name = person.name_key == other.name_key
    # Many people give the year alone: it fits a whole date of that year, and two different days do not.
    one_year_only = min(len(person.born), len(other.born)) == 4
    facts = {
        "nhs-number": bool(person.nhs_number) and person.nhs_number == other.nhs_number,
        "name-and-birth": same_name and not one_year_only and person.born == other.born,
        "name-and-year": same_name and one_year_only and person.born[:4] == other.born[:4],
        **{match: match in shared for match in _SAME_ADDRESS},
    }
    return tuple(match for match in MATCHES if facts[match])


_MOVED: tuple[Any, ...] = (
    *(Referral, ContactWay, Permission, Alert, Task, Message),
    *(CheckIn, MeasureResponse, Goal, Comment, ErasureRequest, Visit, PersonCode),
    *(Contact, CaseNote, AccessNeed, Risk, Safeguarding, CarePlan, PlanAction),
    *(Onward, Closure, CaseMove, Letter, ReadingReason),
)
"""Every table that hangs on a person: a merge moves these rows, and its undoing moves exactly these back."""

STAYS: tuple[Any, ...] = (NamePart,)
"""What hangs on a person and belongs to the record that it was made from: the old name goes on finding its record, and
that one says which took it over."""

_QUIET = "no longer allowed"
"""Where a merge remembers the ways that it shut."""


def merge(store: Session, actor: Actor, kept_id: uuid.UUID, merged_id: uuid.UUID) -> Merge:
    """Make two records one: everything of ``merged_id`` moves to ``kept_id``. Raises ``Gone`` or ``NotMergeable``.

    What the person said last about safe contact counts: ways that only the earlier record has are not allowed any more.
    """
    access.require(actor, access.Permission.MERGE_PEOPLE)
    kept, merged = _both(store, actor, kept_id, merged_id)
    if kept.id == merged.id or kept.merged_into or merged.merged_into:
        raise NotMergeable
    moved: dict[str, list[str]] = {_QUIET: _quieten(store, kept, merged)}
    for table in _MOVED:
        rows = store.scalars(access.rows_of(actor.service_id, table).where(table.person_id == merged.id)).all()
        moved[table.__tablename__] = [str(row.id) for row in rows]
        for row in rows:
            row.person_id = kept.id
    merged.merged_into = kept.id
    done = Merge(
        service_id=actor.service_id,
        id=codes.new_id(),
        kept_id=kept.id,
        merged_id=merged.id,
        moved=moved,
        merged_by=actor.staff_id,
    )
    store.add(done)
    audit.record(store, actor.service_id, actor, "merged people", "service_user", kept.id, merged=str(merged.id))
    store.flush()
    return done


def _both(store: Session, actor: Actor, *ids: uuid.UUID) -> list[ServiceUser]:
    """People by these ids, locked in one order whoever asks, so that two merges at once take turns. Raises ``Gone``."""
    access.require(actor, access.Permission.READ_REFERRAL)
    rows = access.rows_of(actor.service_id, ServiceUser).where(ServiceUser.id.in_(ids)).order_by(ServiceUser.id)
    locked = store.scalars(rows.with_for_update().execution_options(populate_existing=True))
    found = {person.id: person for person in locked}
    if not found.keys() >= set(ids):
        raise Gone
    return [found[one] for one in ids]


def _quieten(store: Session, kept: ServiceUser, merged: ServiceUser) -> list[str]:
    """Shut the ways of whichever record spoke about contact first; their ids. A way once said to be safe may have
    become dangerous, and the person has since said which ways are."""
    ways = {person.id: ways_of(store, person.service_id, person.id) for person in (kept, merged)}
    last = {one: max((way.id for way in theirs if way.allowed), default=None) for one, theirs in ways.items()}
    if last[kept.id] is None or last[merged.id] is None:
        return []
    earlier = min(last, key=lambda one: str(last[one]))
    shut = [way for way in ways[earlier] if way.allowed]
    for way in shut:
        way.allowed = False
    return [str(way.id) for way in shut]


def merges_of(store: Session, actor: Actor, person_id: uuid.UUID) -> Sequence[Merge]:
    """Merges into this person that are not undone, latest first: only the latest can be undone."""
    access.require(actor, access.Permission.READ_REFERRAL)
    mine = access.rows_of(actor.service_id, Merge).where(Merge.kept_id == person_id, Merge.undone_at.is_(None))
    return store.scalars(mine.order_by(Merge.id.desc())).all()


def undo_merge(store: Session, actor: Actor, merge_id: uuid.UUID) -> Merge:
    """Give both people back exactly what each had. Merges are undone latest first, so that nothing lies in between.

    What has come since stays with the record that was kept (a new referral, a new permission), but for what was
    written about a referral that goes back: that goes with it. Raises ``Gone``, or ``NotMergeable`` when the merge was
    undone already or another one came after it.
    """
    access.require(actor, access.Permission.MERGE_PEOPLE)
    done = store.scalar(access.rows_of(actor.service_id, Merge).where(Merge.id == merge_id))
    if done is None:
        raise Gone
    kept, merged = _both(store, actor, done.kept_id, done.merged_id)
    store.refresh(done)
    latest = merges_of(store, actor, kept.id)[:1]
    if kept.merged_into or [one.id for one in latest] != [done.id]:
        raise NotMergeable
    shut = [uuid.UUID(one) for one in done.moved.get(_QUIET, [])]
    for way in store.scalars(access.rows_of(actor.service_id, ContactWay).where(ContactWay.id.in_(shut))):
        way.allowed = True
    _move_back(store, done)
    merged.merged_into = None
    done.undone_at, done.undone_by = now(), actor.staff_id
    audit.record(store, actor.service_id, actor, "undid a merge", "service_user", done.kept_id, merged=str(merged.id))
    store.flush()
    return done


def _move_back(store: Session, done: Merge) -> None:
    """What moved goes back, and with a referral everything that was written about it since."""
    theirs = [uuid.UUID(one) for one in done.moved.get(Referral.__tablename__, [])]
    for table in _MOVED:
        ids = [uuid.UUID(one) for one in done.moved.get(table.__tablename__, [])]
        which = table.id.in_(ids)
        if "referral_id" in table.__mapper__.columns:
            which |= (table.person_id == done.kept_id) & table.referral_id.in_(theirs)
        for row in store.scalars(access.rows_of(done.service_id, table).where(which)):
            row.person_id = done.merged_id
