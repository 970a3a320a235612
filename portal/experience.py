"""How people find the service: the Friends and Family question, anonymous by construction, complaints and compliments
with an owner and a reply, and the public page of what was said and done (product 10).

An answer to the Friends and Family question leads to nobody: nothing here asks who is there, and nothing is written
into the audit, whose rows carry the moment. A complaint is never closed by the clock, only by somebody who answered it.
"""

import secrets
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import product

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import access, audit, codes, measures, notifications, reading, services, tasks, throttle
from portal.access import MAY, Actor, Permission, rows_of
from portal.clock import now, today
from portal.held import look_up_key
from portal.i18n import LANGUAGES, N_
from portal.instruments import Instrument, catalogue, shares
from portal.journeys.experience import LONGEST_REPLY_TO, LONGEST_WORDS
from portal.measures import Chosen
from portal.store import Comment as Comment
from portal.store import FriendsAndFamily, Message, Referral, Service, Staff, Task, YouSaid
from portal.store.once import write_once

FFT = "fft"
LEAST_SHOWN = 5
"""A number below this is not shown, nor any with which it could be worked out."""
LONGEST_LINE = 500
AGAIN_AFTER = timedelta(days=7)
"""How often everybody is reminded of a complaint whose answer is late."""


class Kind(StrEnum):
    """What somebody says of the service. The stored codes are for ever."""

    COMPLAINT = "complaint"
    COMPLIMENT = "compliment"
    WHAT_HELPED = "what-helped"
    COULD_BE_BETTER = "could-be-better"


KIND_NAMES: Mapping[str, str] = {
    Kind.COMPLAINT: N_("Complaint"),
    Kind.COMPLIMENT: N_("Thanks"),
    Kind.WHAT_HELPED: N_("What helped"),
    Kind.COULD_BE_BETTER: N_("What could be better"),
}
ANSWERED = (Kind.COMPLAINT, Kind.COMPLIMENT)
"""These have an owner, and may be replied to."""


class NothingSaid(ValueError):
    """There are no words, or too many."""


class NotAnAnswer(ValueError):
    """Not one of the answers that the question offers."""


class NotAsked(ValueError):
    """The Friends and Family question is not asked in this service."""


class NotThere(ValueError):
    """Nobody to hand over to: they do not work here, or may not handle comments."""


class NotAnswered(ValueError):
    """A complaint is closed only when it was answered."""


def _words(typed: str | None, longest: int, *, lines: bool = True) -> str:
    """Raises NothingSaid."""
    if reading.is_blank(typed):
        raise NothingSaid("Write something.")
    try:
        return reading.text(typed or "", longest, lines=lines)
    except reading.Unreadable:
        raise NothingSaid(f"Write at most {longest} characters that can be read.") from None


# --- Friends and Family -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Period:
    """Whole months of answers to the Friends and Family question. ``None`` is a hidden number, never a nought; shares
    are in percent of all answers, "don't know" included. ``answers`` is hidden where there are too few so far."""

    first: date
    last: date
    answers: int | None = None
    positive: int | None = None
    negative: int | None = None
    neither: int | None = None
    positive_percent: float | None = None
    negative_percent: float | None = None


@dataclass(frozen=True)
class Said:
    """What people wrote beside their answer, in no order, and never beside the answer itself."""

    why: tuple[str, ...]
    better: tuple[str, ...]


def fft(store: Session, service: Service, language: str) -> Chosen | None:
    """The question with the words to show: official ones in this language, else the English. ``None``: not asked here.

    Nobody translates it for us (instruments 4.1): where the words are English the page says so.
    """
    for wanted in dict.fromkeys((language, "en")):
        if chosen := measures.choose(store, service, FFT, language=wanted, today=today()):
            return chosen
    return None


def give_fft(
    store: Session,
    service: Service,
    answer: str,
    why: str | None,
    better: str | None,
    *,
    language: str,
    mode: str,
    once: str,
) -> None:
    """Keep an answer: the month, the words that were shown, and nothing that leads to anybody.

    ``once`` is the random key of the form. The row's own key is made from it and cannot lead back to it, so the same
    form sent three times is one answer, the last one. ``mode`` is a response mode (data dictionary 4.10). Raises
    NotAsked, NotAnAnswer, NothingSaid for words that are too long.
    """
    chosen = fft(store, service, language)
    if chosen is None:
        raise NotAsked("The Friends and Family question is not asked here.")
    (item,) = chosen.instrument.items
    if answer not in {option.code for option in chosen.instrument.options(item.code)}:
        raise NotAnAnswer("Choose one of the answers.")
    given = {
        "answer": answer,
        "why": None if reading.is_blank(why) else _words(why, LONGEST_WORDS),
        "better": None if reading.is_blank(better) else _words(better, LONGEST_WORDS),
        "language": chosen.wording.language,
        "mode": mode,
        "wording_hash": chosen.wording_hash,
    }
    key = uuid.UUID(look_up_key("friends and family", f"{service.id} {once}")[:32], version=4)
    same = select(FriendsAndFamily).where(FriendsAndFamily.service_id == service.id, FriendsAndFamily.id == key)
    row = FriendsAndFamily(service_id=service.id, id=key, month=today().replace(day=1), **given)
    found, new = write_once(store, row, same.with_for_update())
    if not new:
        for name, value in given.items():
            setattr(found, name, value)
    store.flush()


def fft_figures(store: Session, actor: Actor) -> list[Period]:
    """The published shares over whole months, the newest first, small numbers hidden. Raises Refused.

    The month that is running is not in them: else two looks on two days would show what was answered in between.
    """
    access.require(actor, Permission.READ_EXPERIENCE)
    return periods(_counted(store, actor.service_id), catalogue()[FFT])[::-1]


def fft_words(store: Session, actor: Actor) -> Said:
    """What people wrote, from the months of which figures are shown. Raises Refused."""
    shown = [period for period in fft_figures(store, actor) if period.answers is not None]
    rows = select(FriendsAndFamily.id, FriendsAndFamily.why, FriendsAndFamily.better).where(
        FriendsAndFamily.service_id == actor.service_id,
        FriendsAndFamily.month <= max((period.last for period in shown), default=date.min),
    )
    why, better = [], []
    for row in store.execute(rows):
        # In the order of two different hashes: neither list tells which words of the other came from the same person.
        if row.why:
            why.append((codes.digest(f"why {row.id}"), row.why))
        if row.better:
            better.append((codes.digest(f"better {row.id}"), row.better))
    audit.record(store, actor.service_id, actor, "read friends and family")
    return Said(tuple(words for _, words in sorted(why)), tuple(words for _, words in sorted(better)))


def _counted(store: Session, service_id: uuid.UUID) -> dict[date, Counter[str]]:
    """How many gave which answer, for each whole month."""
    rows = (
        select(FriendsAndFamily.month, FriendsAndFamily.answer, func.count().label("number"))
        .where(FriendsAndFamily.service_id == service_id, FriendsAndFamily.month < today().replace(day=1))
        .group_by(FriendsAndFamily.month, FriendsAndFamily.answer)
    )
    counted: dict[date, Counter[str]] = {}
    for row in store.execute(rows):
        counted.setdefault(row.month, Counter())[row.answer] = row.number
    return counted


_Cells = tuple[int, int, int]
"""How many answers were positive, negative, neither of the two."""


def periods(counted: Mapping[date, Mapping[str, int]], asked: Instrument) -> list[Period]:
    """Months of answers made into periods that may be shown, the oldest first.

    A month is shown alone when that gives no small number away; else it is put together with the months after it until
    they may be shown. Periods do not overlap and there is no total, so no hidden number can be worked out by taking one
    figure from another. What is not enough yet at the end is said to be there, without a number.
    """
    found: list[Period] = []
    first: date | None = None
    gathered: Counter[str] = Counter()
    for month in sorted(counted):
        first = first or month
        gathered.update(counted[month])
        cells = _cells(gathered, asked)
        if sum(cells) >= LEAST_SHOWN and not gives_away(cells):
            found.append(_shown(first, month, gathered, cells, asked))
            first, gathered = None, Counter()
    if first:
        found.append(Period(first, max(counted)))
    return found


def _cells(gathered: Mapping[str, int], asked: Instrument) -> _Cells:
    parts = [sum(gathered.get(code, 0) for code in rule.share_of) for rule in asked.scores]
    positive, negative = parts
    return positive, negative, sum(gathered.values()) - positive - negative


def _shown(first: date, last: date, gathered: Mapping[str, int], cells: _Cells, asked: Instrument) -> Period:
    positive, negative, neither = (None if place in hidden_in(cells) else number for place, number in enumerate(cells))
    share = {rule.code: shares(asked, gathered)[rule.code].percent for rule in asked.scores}
    positive_share, negative_share = (share[rule.code] for rule in asked.scores)
    return Period(
        first,
        last,
        sum(cells),
        positive,
        negative,
        neither,
        None if positive is None or positive_share is None else float(positive_share),
        None if negative is None or negative_share is None else float(negative_share),
    )


def hidden_in(cells: _Cells) -> frozenset[int]:
    """Which of the numbers are not shown: the small ones; and when that is one alone, the smallest of the others too,
    since the number of all answers is shown."""
    small = {place for place, number in enumerate(cells) if number < LEAST_SHOWN}
    if len(small) == 1:
        small.add(min((number, place) for place, number in enumerate(cells) if place not in small)[1])
    return frozenset(small)


def gives_away(cells: _Cells) -> bool:
    """Whether somebody who knows these rules could still work out a hidden number that is not nought: because no other
    numbers would be shown in the same way."""
    hidden = sorted(hidden_in(cells))
    left = sum(cells[place] for place in hidden)
    if not left:
        return False
    possible: list[list[int]] = []
    for tried in product(range(left + 1), repeat=len(hidden) - 1):
        if (last := left - sum(tried)) < 0:
            continue
        other = list(cells)
        for place, number in zip(hidden, (*tried, last), strict=True):
            other[place] = number
        if hidden_in((other[0], other[1], other[2])) == frozenset(hidden):
            possible.append(other)
    return any(len({other[place] for other in possible}) == 1 for place in hidden)


# --- comments: written ------------------------------------------------------------------------------------------------


def too_many(store: Session, service: Service, address: str | None) -> bool:
    """Count one more from a network address; whether it is one too many.

    A flood from everywhere never closes the door: while it lasts one address may only send little. An address that is
    not known counts for nothing: all people would look like one.
    """
    flooded = throttle.count(store, throttle.Kind.COMMENTS_FLOOD, str(service.id)) is not None
    if not address:
        return False
    here = f"{service.id}:{throttle.of_address(address)}"
    little = throttle.count(store, throttle.Kind.COMMENTS_IN_A_FLOOD, here) is not None
    return throttle.count(store, throttle.Kind.COMMENTS, here) is not None or (flooded and little)


def comment(
    store: Session,
    service: Service,
    kind: str,
    words: str,
    *,
    language: str,
    once: str,
    person_id: uuid.UUID | None = None,
    reply_to: str | None = None,
) -> Comment:
    """Write down what somebody says. The same words sent again from the same form are the same comment.

    ``once`` is the form's random key, from which ``number_of`` makes the number that opens the answer. ``person_id``
    only when somebody on their own page wants us to know that it was them. A complaint has an owner, two days by which
    something must have happened, and a task; a compliment has an owner. Raises ValueError for a kind that is not one of
    Kind, NothingSaid.
    """
    kind = Kind(kind).value
    said = _words(words, LONGEST_WORDS)
    way = None if reading.is_blank(reply_to) else _words(reply_to, LONGEST_REPLY_TO, lines=False)
    opens = _opened_by(service.id, number_of(once))
    row = Comment(
        service_id=service.id,
        id=codes.new_id(),
        kind=kind,
        reference=codes.new_reference(),
        words=said,
        language=language if language in LANGUAGES else "en",
        person_id=person_id,
        reply_to=way,
        once=opens + look_up_key("comment", f"{opens} {kind} {said}")[: 64 - len(opens)],
    )
    if kind in ANSWERED:
        row.owner_id = _owner(store, service.id)
    if kind == Kind.COMPLAINT:
        row.due_at = services.working_days_after(_settings(service), now(), _settings(service).complaint_answer_days)
    found, new = write_once(store, row, rows_of(service.id, Comment).where(Comment.once == row.once))
    if new:
        audit.record(store, service.id, None, "wrote comment", "comment", found.id, kind=kind)
        if kind == Kind.COMPLAINT:
            _ask(store, service, found)
        if kind in ANSWERED:
            _tell(store, service, found, [found.owner_id], "new")
    return found


def _settings(service: Service) -> services.ServiceSettings:
    return services.settings_of(service)


def number_of(once: str) -> str:
    """The number of 12 digits that opens the answer to a comment together with its reference, from the form's key."""
    return codes.return_number_from(once)


def _opened_by(service_id: uuid.UUID, number: str) -> str:
    return look_up_key("comment number", f"{service_id} {number}")[:32]


def with_card(store: Session, service_id: uuid.UUID, reference: str, number: str) -> Comment | None:
    """What its writer wrote, and our answer; ``None`` when reference and number do not belong together. Count the try
    first (``drafts.count_try``)."""
    found = store.scalar(rows_of(service_id, Comment).where(Comment.reference == reference))
    if found is None or not secrets.compare_digest(found.once[:32], _opened_by(service_id, number)):
        return None
    return found if found.kind in ANSWERED else None


def of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[Comment]:
    """What a person said under their name, with our answers, the newest first. For their own page and their copy."""
    theirs = rows_of(service_id, Comment).where(Comment.person_id == person_id)
    return store.scalars(theirs.order_by(Comment.id.desc())).all()


# --- comments: answered -----------------------------------------------------------------------------------------------


def acknowledge_by(service: Service, found: Comment) -> datetime | None:
    """By when a complaint must be acknowledged; ``None`` for what has no clock."""
    if found.kind != Kind.COMPLAINT:
        return None
    return services.working_days_after(
        _settings(service), found.created_at, _settings(service).complaint_acknowledge_days
    )


def waiting(store: Session, actor: Actor) -> Sequence[Comment]:
    """Complaints and compliments that are not closed, the most urgent first. Raises Refused."""
    access.require(actor, Permission.HANDLE_COMMENTS)
    current = rows_of(actor.service_id, Comment).where(Comment.kind.in_(ANSWERED), Comment.closed_at.is_(None))
    return store.scalars(current.order_by(Comment.due_at.is_(None), Comment.due_at, Comment.id)).all()


def closed(store: Session, actor: Actor, most: int = 50) -> Sequence[Comment]:
    """Complaints and compliments that are closed, the last one first. Raises Refused."""
    access.require(actor, Permission.HANDLE_COMMENTS)
    over = rows_of(actor.service_id, Comment).where(Comment.kind.in_(ANSWERED), Comment.closed_at.is_not(None))
    return store.scalars(over.order_by(Comment.closed_at.desc(), Comment.id.desc()).limit(most)).all()


def heard(store: Session, actor: Actor, most: int = 100) -> Sequence[Comment]:
    """What helped and what could be better, the newest first; the reading is written down. Raises Refused.

    Whoever may read this sees words, never whose they are: do not show ``person_id``.
    """
    access.require(actor, Permission.READ_EXPERIENCE)
    kinds = (Kind.WHAT_HELPED, Kind.COULD_BE_BETTER)
    theirs = rows_of(actor.service_id, Comment).where(Comment.kind.in_(kinds))
    audit.record(store, actor.service_id, actor, "read comments")
    return store.scalars(theirs.order_by(Comment.id.desc()).limit(most)).all()


def said_by(store: Session, actor: Actor, person_id: uuid.UUID) -> Sequence[Comment]:
    """What a person said under their name, for the staff's case page, without complaints: a complaint is not read by
    whom it may be about. Raises Refused."""
    access.require(actor, Permission.READ_REFERRAL)
    return [one for one in of_person(store, actor.service_id, person_id) if one.kind != Kind.COMPLAINT]


def read(store: Session, actor: Actor, comment_id: uuid.UUID) -> Comment | None:
    """A complaint or compliment; the reading is written down. ``None`` when there is none here. Raises Refused."""
    access.require(actor, Permission.HANDLE_COMMENTS)
    found = store.scalar(rows_of(actor.service_id, Comment).where(Comment.id == comment_id, Comment.kind.in_(ANSWERED)))
    if found is not None:
        audit.record(store, actor.service_id, actor, "read comment", "comment", found.id)
    return found


def _open_one(store: Session, actor: Actor, comment_id: uuid.UUID) -> Comment | None:
    """The comment, locked until the end of the transaction: two people may press at once, and the clock may run."""
    access.require(actor, Permission.HANDLE_COMMENTS)
    mine = rows_of(actor.service_id, Comment).where(Comment.id == comment_id, Comment.kind.in_(ANSWERED))
    return store.scalar(mine.with_for_update().execution_options(populate_existing=True))


def acknowledge(store: Session, actor: Actor, comment_id: uuid.UUID) -> Comment | None:
    """Say that the writer knows that we have it; twice is once. Its writer sees it with their numbers. ``None`` when
    there is none here. Raises Refused."""
    found = _open_one(store, actor, comment_id)
    if found is not None and found.acknowledged_at is None:
        found.acknowledged_at = now()
        audit.record(store, actor.service_id, actor, "acknowledged comment", "comment", found.id)
        _task_due(store, found)
    return found


def hand_over(store: Session, actor: Actor, comment_id: uuid.UUID, to_staff_id: uuid.UUID) -> Comment | None:
    """Give it to another manager; its clock runs on. ``None`` when there is none here, or it is closed. Raises Refused,
    NotThere."""
    found = _open_one(store, actor, comment_id)
    if found is None or found.closed_at is not None:
        return None
    staff = store.get(Staff, (actor.service_id, to_staff_id))
    if staff is None or staff.state != "active" or staff.role not in MAY[Permission.HANDLE_COMMENTS]:
        raise NotThere("Choose somebody who works here and handles comments.")
    _give(store, store.get_one(Service, actor.service_id), found, staff.id, actor)
    return found


def able(store: Session, service_id: uuid.UUID) -> Sequence[Staff]:
    """Who may handle comments, by name."""
    roles = [role.value for role in MAY[Permission.HANDLE_COMMENTS]]
    there = rows_of(service_id, Staff).where(Staff.state == "active", Staff.role.in_(roles))
    return store.scalars(there.order_by(Staff.name, Staff.id)).all()


def reply(store: Session, actor: Actor, comment_id: uuid.UUID, words: str) -> Comment | None:
    """Answer the writer; answered twice, the first words stay. ``None`` when there is none here. Raises Refused,
    NothingSaid.

    The writer reads it with their two numbers, or on their own page when they wrote it there; then a message says that
    there is an answer, if that is safe. Who left another way is told by the staff themselves.
    """
    said = _words(words, LONGEST_WORDS)
    found = _open_one(store, actor, comment_id)
    if found is None or found.replied_at is not None or found.closed_at is not None:
        return found
    found.reply, found.replied_at, found.replied_by = said, now(), actor.staff_id
    found.acknowledged_at = found.acknowledged_at or found.replied_at
    store.flush()
    audit.record(store, actor.service_id, actor, "answered comment", "comment", found.id)
    _task_due(store, found)
    if found.person_id is not None:
        service = store.get_one(Service, actor.service_id)
        latest = rows_of(service.id, Referral).where(Referral.person_id == found.person_id)
        referral = store.scalar(latest.order_by(Referral.id.desc()).limit(1))
        notifications.tell_person(
            store,
            service,
            found.person_id,
            "comment-answered",
            once=f"answered:{found.id}",
            referral_id=referral.id if referral else None,
        )
    return found


def close(store: Session, actor: Actor, comment_id: uuid.UUID) -> Comment | None:
    """Close it; a complaint only when it was answered. ``None`` when there is none here. Raises Refused,
    NotAnswered."""
    found = _open_one(store, actor, comment_id)
    if found is None or found.closed_at is not None:
        return found
    if found.kind == Kind.COMPLAINT and found.replied_at is None:
        raise NotAnswered("Answer the complaint first.")
    found.closed_at = now()
    store.flush()
    audit.record(store, actor.service_id, actor, "closed comment", "comment", found.id)
    _finish_task(store, found, actor)
    return found


# --- comments: owners and clocks --------------------------------------------------------------------------------------


def _owner(store: Session, service_id: uuid.UUID) -> uuid.UUID | None:
    """The manager on duty or another manager; else whoever works here; else whoever left last, until the clock finds
    somebody again. ``None`` only where nobody has ever worked."""
    try:
        return services.holder(store, service_id, "manager", now())
    except services.NobodyThere:
        last = rows_of(service_id, Staff).order_by(Staff.created_at.desc(), Staff.id.desc()).limit(1)
        staff = store.scalar(last)
        return staff.id if staff else None


def _give(store: Session, service: Service, found: Comment, owner: uuid.UUID, actor: Actor | None) -> None:
    found.owner_id = owner
    store.flush()
    if task := _task(store, found):
        task.assigned_to = owner
    kind = "staff" if actor else "system"
    audit.record(store, service.id, actor, "handed over comment", "comment", found.id, actor_kind=kind, to=str(owner))
    _tell(store, service, found, [owner], f"given {codes.new_id()}")


def _tell(store: Session, service: Service, found: Comment, staff: Sequence[uuid.UUID | None], why: str) -> int:
    """That somebody waits, and where to sign in; once for each reason. How many were told now."""
    told = 0
    for staff_id in dict.fromkeys(one for one in staff if one):
        once = f"comment:{found.id}:{why}:{staff_id}"[:120]
        if store.scalar(rows_of(service.id, Message).where(Message.once == once)) is None:
            notifications.tell_staff(store, service, staff_id, "comment-waiting", once=once)
            told += 1
    return told


def _ask(store: Session, service: Service, found: Comment) -> None:
    tasks.add(
        store,
        service.id,
        tasks.Kind.COMPLAINT,
        once=f"complaint:{found.id}",
        due_at=acknowledge_by(service, found) or now(),
        assigned_to=found.owner_id,
        details={"comment": str(found.id)},
    )


def _task(store: Session, found: Comment) -> Task | None:
    theirs = rows_of(found.service_id, Task).where(Task.once == f"complaint:{found.id}")
    return store.scalar(theirs.with_for_update().execution_options(populate_existing=True))


def _task_due(store: Session, found: Comment) -> None:
    """From the acknowledgement on the answer is what is due."""
    task = _task(store, found)
    if task is not None and found.due_at is not None:
        task.due_at = found.due_at


def _finish_task(store: Session, found: Comment, actor: Actor | None) -> None:
    task = _task(store, found)
    if task is not None and task.done_at is None:
        task.done_at, task.done_by = now(), actor.staff_id if actor else None


def remind(store: Session, service: Service) -> int:
    """The round's part: an owner who is there and may answer for everything that is open, and reminders of complaints
    that are late. How much was done. It closes nothing, whatever the hour."""
    waits = rows_of(service.id, Comment).where(Comment.kind.in_(ANSWERED), Comment.closed_at.is_(None))
    locked = waits.order_by(Comment.id).with_for_update(skip_locked=True).execution_options(populate_existing=True)
    may_answer = {staff.id for staff in able(store, service.id)}
    everybody = [staff.id for staff in services.managers(store, service.id)]
    done = 0
    for found in store.scalars(locked).all():
        if found.owner_id not in may_answer:
            done += _hand_on(store, service, found)
        if late := _late(service, found):
            done += _remind(store, service, found, late, everybody)
    return done


def _hand_on(store: Session, service: Service, found: Comment) -> int:
    owner = _owner(store, service.id)
    if owner is None or owner == found.owner_id:
        return 0
    _give(store, service, found, owner, None)
    return 1


def _late(service: Service, found: Comment) -> str:
    """What is late: nothing, the acknowledgement, the answer, the answer for so many weeks."""
    if found.due_at is None or found.replied_at is not None:
        return ""
    if found.due_at <= now():
        return f"answer {(now() - found.due_at) // AGAIN_AFTER}"
    by = acknowledge_by(service, found)
    return "acknowledge" if found.acknowledged_at is None and by is not None and by <= now() else ""


def _remind(store: Session, service: Service, found: Comment, late: str, everybody: Sequence[uuid.UUID]) -> int:
    told = _tell(store, service, found, [found.owner_id, *everybody], late)
    if told:
        audit.record(
            store,
            service.id,
            None,
            "reminded of complaint",
            "comment",
            found.id,
            actor_kind="system",
            late=late.split()[0],
        )
    return int(bool(told))


# --- You said, we did -------------------------------------------------------------------------------------------------


def you_said(store: Session, actor: Actor, said: str, did: str, *, language: str) -> YouSaid:
    """Publish what was said and what was done about it, one line each. Raises Refused, NothingSaid."""
    access.require(actor, Permission.HANDLE_COMMENTS)
    row = YouSaid(
        service_id=actor.service_id,
        said=_words(said, LONGEST_LINE, lines=False),
        did=_words(did, LONGEST_LINE, lines=False),
        language=language if language in LANGUAGES else "en",
        made_by=actor.staff_id,
    )
    store.add(row)
    store.flush()
    audit.record(store, actor.service_id, actor, "published what was said and done", "you-said", row.id)
    return row


def withdraw_said(store: Session, actor: Actor, said_id: uuid.UUID) -> YouSaid | None:
    """Take it off the public page; twice is once. ``None`` when there is none here. Raises Refused."""
    access.require(actor, Permission.HANDLE_COMMENTS)
    row = store.scalar(rows_of(actor.service_id, YouSaid).where(YouSaid.id == said_id).with_for_update())
    if row is not None and row.withdrawn_at is None:
        row.withdrawn_at = now()
        store.flush()
        audit.record(store, actor.service_id, actor, "withdrew what was said and done", "you-said", row.id)
    return row


def published(store: Session, service_id: uuid.UUID) -> Sequence[YouSaid]:
    """What the public page says, the newest first."""
    there = rows_of(service_id, YouSaid).where(YouSaid.withdrawn_at.is_(None))
    return store.scalars(there.order_by(YouSaid.id.desc())).all()
