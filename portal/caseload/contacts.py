"""Contacts and attempts: recorded with one press, completed later, counted towards the first contact.

What a worker has written is never lost: a contact sent late, after the case was closed, is kept too, and stands after
the end. The notes are for staff; ``shared_note`` is for the person, and nothing else of a contact is.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from portal import access, audit, codes, measures, people, reading, tasks
from portal.access import Actor, Permission, rows_of
from portal.caseload import letters, lists, triage
from portal.caseload.lists import Listed, codes_in
from portal.clock import now, today
from portal.i18n import LONDON
from portal.store import AccessNeed, CarePlan, CaseNote, Closure, Referral, Service, ServiceUser, Staff, Task
from portal.store import Contact as Contact  # the doors name it in their types
from portal.store.once import write_once

LONGEST_NOTES = 8000
LONGEST_SHARED = 2000
LONGEST_STEP = 300
MOST_MINUTES = 720
FARTHEST = timedelta(days=730)
"""A next step lies no farther ahead; what does is a slip of the hand."""

_ONE_OF: dict[str, Sequence[Listed]] = {
    "outcome": lists.ATTEMPT_OUTCOMES,
    "mechanism": lists.MECHANISMS,
    "direction": lists.DIRECTIONS,
    "location": lists.LOCATIONS,
    "ais_met": lists.ACCESS_MET,
}
_SOME_OF: dict[str, Sequence[Listed]] = {"with_whom": lists.WITH_WHOM, "results": lists.CONTACT_RESULTS}
_WORDS: dict[str, int] = {"notes": LONGEST_NOTES, "shared_note": LONGEST_SHARED, "next_step": LONGEST_STEP}
_MUST = ("outcome", "mechanism", "direction", "happened_at")
FIELDS = (*_ONE_OF, *_SOME_OF, *_WORDS, "happened_at", "minutes", "interpreter_used", "next_due")
"""What of a contact its author may say and change."""


class Gone(LookupError):
    """There is no such contact, or no such referral, in this service."""


class NotTaken(ValueError):
    """Nobody has accepted this referral yet: there is no case in which a contact could stand."""


class NotPossible(ValueError):
    """Something that cannot be: ``problems`` holds a code by the field (happened_at: future, before-referral;
    next_due: past, too-far; minutes: out-of-range; words: too-long, unreadable; any other: not-listed)."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in problems.items()))
        self.problems = dict(problems)


class NotYours(ValueError):
    """Only whoever recorded a contact changes it."""


class Meanwhile(ValueError):
    """The contact was changed after the page had been opened: ``contact`` is as it is now."""

    def __init__(self, contact: Contact) -> None:
        super().__init__("changed meanwhile")
        self.contact = contact


@dataclass(frozen=True)
class SharedNote:
    """Something that staff wrote for the person to read: when, who, the words."""

    at: datetime
    by: str
    words: str


# Recording -----------------------------------------------------------------------------------------------------------


def record(
    store: Session,
    service: Service,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    once: str,
    outcome: str,
    mechanism: str | None = None,
    direction: str = "out",
    happened_at: datetime | None = None,
    location: str | None = None,
    with_whom: Sequence[str] = ("person",),
    minutes: int | None = None,
    interpreter_used: bool | None = None,
    ais_met: str | None = None,
    results: Sequence[str] = (),
    notes: str = "",
    shared_note: str = "",
    next_step: str = "",
    next_due: date | None = None,
) -> Contact:
    """Record a contact or an attempt, now or at ``happened_at``; sent again with the same ``once``, it is the same one.

    ``mechanism``: without one, that of the first way that the person allowed. Whoever records it says by that that the
    safe-contact rule was kept. Raises ``Gone``, ``NotTaken``, ``NotPossible``.
    """
    access.require(actor, Permission.WORK_ON_CASE)
    referral = _case(store, actor, referral_id)
    said: dict[str, Any] = {
        "outcome": outcome,
        "mechanism": mechanism or usual_mechanism(store, actor, referral.person_id),
        "direction": direction,
        "happened_at": happened_at or now(),
        "location": location,
        "with_whom": with_whom,
        "minutes": minutes,
        "interpreter_used": interpreter_used,
        "ais_met": ais_met,
        "results": results,
        "notes": notes,
        "shared_note": shared_note,
        "next_step": next_step,
        "next_due": next_due,
    }
    contact = Contact(
        service_id=actor.service_id,
        id=codes.new_id(),
        referral_id=referral.id,
        person_id=referral.person_id,
        # Of one worker and one case: what a page of somebody else holds can never stand for this contact.
        once=codes.digest(f"{referral.id}:{actor.staff_id}:{once}"),
        worker_id=actor.staff_id,
        recorded_by=actor.staff_id,
        **_checked(referral, said),
    )
    found, new = write_once(store, contact, rows_of(actor.service_id, Contact).where(Contact.once == contact.once))
    if new:
        audit.record(
            store,
            actor.service_id,
            actor,
            "recorded a contact",
            "contact",
            found.id,
            outcome=found.outcome,
            mechanism=found.mechanism,
        )
        if reaches(found):
            _told(store, referral)
        _follows(store, service, actor, referral)
    return found


def change(
    store: Session, service: Service, actor: Actor, contact_id: uuid.UUID, version: int, **fields: object
) -> Contact:
    """Change or complete a contact: the fields of ``record`` by name, those that are given. ``version``: the one that
    the page showed. Nothing happens when nothing is different. Raises ``Gone``, ``NotYours``, ``Meanwhile``,
    ``NotPossible``."""
    access.require(actor, Permission.WORK_ON_CASE)
    referral = _case(store, actor, find(store, actor, contact_id).referral_id)
    mine = rows_of(actor.service_id, Contact).where(Contact.id == contact_id)
    contact = store.scalars(mine.with_for_update().execution_options(populate_existing=True)).one()
    if contact.recorded_by != actor.staff_id:
        raise NotYours
    was = {name: getattr(contact, name) for name in FIELDS}
    became = _checked(referral, {**was, **fields}, was)
    different = sorted(name for name in FIELDS if became[name] != was[name])
    if not different:
        return contact
    if contact.version != version:
        raise Meanwhile(contact)
    for name in different:
        setattr(contact, name, became[name])
    store.flush()
    # Which fields, and never a word of them: the audit outlives what was written.
    audit.record(store, actor.service_id, actor, "changed a contact", "contact", contact.id, fields=different)
    _follows(store, service, actor, referral)
    return contact


def _case(store: Session, actor: Actor, referral_id: uuid.UUID) -> Referral:
    """The referral, held until the end: two contacts at once are counted one after the other."""
    wanted = rows_of(actor.service_id, Referral).where(Referral.id == referral_id)
    referral = store.scalar(wanted.with_for_update().execution_options(populate_existing=True))
    if referral is None:
        raise Gone
    if referral.status == "submitted":
        raise NotTaken
    return referral


def usual_mechanism(store: Session, actor: Actor, person_id: uuid.UUID) -> str:
    """How somebody is reached who has said nothing else: by the first way that they allowed."""
    ways = people.ways_of(store, actor.service_id, person_id)
    first = next((way.channel for way in ways if way.allowed), "call")
    return lists.MECHANISM_OF_CHANNEL[first]


def _checked(referral: Referral, said: Mapping[str, Any], was: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What was said, as it is kept. ``was``: what stood there before; what did not change is not judged again."""
    kept, problems = dict(said), dict[str, str]()
    for name in (*_ONE_OF, *_SOME_OF, *_WORDS):
        kept[name], problem = _read(name, said[name])
        if problem:
            problems[name] = problem
    before = was or {}
    for name, judge in (("minutes", _lasted), ("next_due", _next), ("happened_at", partial(_when, referral))):
        given = said[name]
        if given is not None and given != before.get(name) and (problem := judge(given)):
            problems[name] = problem
    if problems:
        raise NotPossible(problems)
    return kept


def _read(name: str, said: Any) -> tuple[Any, str]:
    """One field as it is kept, and what is wrong with it."""
    if name in _WORDS:
        return _words(said or "", _WORDS[name], lines=name != "next_step")
    if name in _SOME_OF:
        chosen = [code for code in codes_in(_SOME_OF[name]) if code in said]
        return chosen, "" if set(said) <= set(chosen) else "not-listed"
    left_out = not said and name not in _MUST
    return said or None, "" if left_out or said in codes_in(_ONE_OF[name]) else "not-listed"


def _words(typed: str, longest: int, *, lines: bool) -> tuple[str | None, str]:
    try:
        return (None if reading.is_blank(typed) else reading.text(typed, longest, lines=lines)), ""
    except reading.Unreadable as unreadable:
        return None, "too-long" if unreadable.problem is reading.Problem.TOO_LONG else "unreadable"


def _lasted(minutes: int) -> str:
    return "" if 1 <= minutes <= MOST_MINUTES else "out-of-range"


def _when(referral: Referral, moment: datetime) -> str:
    if moment > now():
        return "future"
    return "before-referral" if moment < referral.referred_at else ""


def _next(day: date) -> str:
    if day < today():
        return "past"
    return "too-far" if day - today() > FARTHEST else ""


# What follows from it ------------------------------------------------------------------------------------------------

NO_NEWS = ("referral-received", "referral-accepted")
"""The messages that tell a person nothing any more with whom somebody has spoken."""


def _told(store: Session, referral: Referral) -> None:
    """Nobody has to tell them what we could not send: that we have their form, that somebody has taken it."""
    untold = select(Task.once, Task.details).where(
        Task.service_id == referral.service_id,
        Task.referral_id == referral.id,
        Task.kind == tasks.Kind.TELL_THE_PERSON,
        Task.done_at.is_(None),
    )
    once = [one for one, details in store.execute(untold) if details.get("template") in NO_NEWS]
    if once:
        tasks.no_longer_needed(store, referral.service_id, once=once)


def _follows(store: Session, service: Service, actor: Actor, referral: Referral) -> None:
    had = referral.first_contact_at
    counted(store, service, referral)
    if not referral.is_open:
        return
    triage.settle(store, actor, referral)
    if had is None and referral.first_contact_at and _has_plan(store, referral):
        letters.wanted(store, service, actor, referral, "plan")


def _has_plan(store: Session, referral: Referral) -> bool:
    agreed = rows_of(referral.service_id, CarePlan).where(CarePlan.referral_id == referral.id, CarePlan.agreed == "yes")
    return store.scalar(agreed.limit(1)) is not None


def counted(store: Session, service: Service, referral: Referral) -> None:
    """Work out anew what the contacts say of a referral: first attempt, first and last contact, attempts since, next
    step. To be called when contacts change, and when a case is closed or opened again.

    What happened after the end of a closed case stands after the end and changes none of it. Whoever got in touch with
    us did not have to be tried: then the first contact is the first attempt as well. A step that was agreed before the
    case ended is not the next one of a case that was opened again.
    """
    theirs = rows_of(referral.service_id, Contact).where(Contact.referral_id == referral.id)
    every = store.scalars(theirs.order_by(Contact.happened_at, Contact.id)).all()
    rows = [one for one in every if not after_the_end(referral, one)]
    reached = [place for place, one in enumerate(rows) if reaches(one)]
    first = next((one.happened_at for one in rows if one.direction == "out" or reaches(one)), None)
    since = rows[reached[-1] + 1 :] if reached else rows
    had = referral.first_contact_at
    referral.first_attempt_at = first
    referral.first_contact_at = rows[reached[0]].happened_at if reached else None
    referral.last_contact_at = rows[reached[-1]].happened_at if reached else None
    referral.attempts = sum(one.direction == "out" and one.outcome in lists.TRIED for one in since)
    again = store.scalar(
        select(func.max(Closure.reopened_at)).where(
            Closure.service_id == referral.service_id, Closure.referral_id == referral.id
        )
    )
    last = rows[-1] if rows and (again is None or rows[-1].created_at >= again) else None
    referral.next_due = last.next_due if last else None
    referral.next_step = last.next_step if last else None
    store.flush()
    if referral.is_open and referral.first_contact_at != had:
        _date_check_ins(store, service, referral, had)


def reaches(contact: Contact) -> bool:
    """Whether the person, or whoever supports them, was reached: with a professional alone they were not."""
    return contact.outcome in lists.REACHED and contact.with_whom != ["professional"]


def ended_at(referral: Referral) -> datetime | None:
    """When the case ended, however it did; ``None`` while somebody works with the person."""
    return None if referral.is_open else referral.closed_at or referral.decided_at


def after_the_end(referral: Referral, contact: Contact) -> bool:
    """Whether this happened after the case had ended."""
    ended = ended_at(referral)
    return ended is not None and contact.happened_at > ended


def _date_check_ins(store: Session, service: Service, referral: Referral, had: datetime | None) -> None:
    """The check-ins count from the first contact; until there is one, from the acceptance."""
    accepted = referral.decided_at or referral.referred_at
    was, became = (moment or accepted for moment in (had, referral.first_contact_at))
    measures.redate(store, service, referral, _day(became), _day(was))


def _day(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()


# Looking -------------------------------------------------------------------------------------------------------------


def find(store: Session, actor: Actor, contact_id: uuid.UUID) -> Contact:
    """A contact of the actor's service. Raises ``Gone``."""
    access.require(actor, Permission.WORK_ON_CASE)
    found = store.scalar(rows_of(actor.service_id, Contact).where(Contact.id == contact_id))
    if found is None:
        raise Gone
    return found


def of_referral(store: Session, actor: Actor, referral_id: uuid.UUID) -> Sequence[Contact]:
    """The contacts of a case, the latest first."""
    access.require(actor, Permission.WORK_ON_CASE)
    theirs = rows_of(actor.service_id, Contact).where(Contact.referral_id == referral_id)
    return store.scalars(theirs.order_by(Contact.happened_at.desc(), Contact.id.desc())).all()


def has_access_need(store: Session, person: ServiceUser) -> bool:
    """Whether the person needs anything to understand and be understood, by what they said or staff found out."""
    known = rows_of(person.service_id, AccessNeed).where(
        AccessNeed.person_id == person.id, AccessNeed.ended_at.is_(None)
    )
    return any(code != "none" for code in person.access_needs) or store.scalar(known.limit(1)) is not None


def shared_with(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[SharedNote]:
    """Everything that staff wrote for this person to read, in contacts and in notes, the latest first. A note that
    another one puts right is left out: the person reads what is right."""
    correction = aliased(CaseNote)
    corrected = select(correction.id).where(
        correction.service_id == CaseNote.service_id, correction.corrects == CaseNote.id
    )
    in_contacts = select(Contact.happened_at, Contact.recorded_by, Contact.shared_note).where(
        Contact.service_id == service_id, Contact.person_id == person_id, Contact.shared_note.is_not(None)
    )
    in_notes = select(CaseNote.created_at, CaseNote.written_by, CaseNote.words).where(
        CaseNote.service_id == service_id,
        CaseNote.person_id == person_id,
        CaseNote.shared,
        ~corrected.exists(),
    )
    rows = [*store.execute(in_contacts), *store.execute(in_notes)]
    written_by = rows_of(service_id, Staff).where(Staff.id.in_({row[1] for row in rows}))
    names = {one.id: one.name for one in store.scalars(written_by)} if rows else {}
    notes = [SharedNote(at, names.get(by, ""), words) for at, by, words in rows if words]
    return sorted(notes, key=lambda note: note.at, reverse=True)
