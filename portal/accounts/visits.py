"""How a person comes to their own page: by a code, by their card, by a link; how far they are let in, and for how long.

There is no password. A six-digit code, by email or from a link worker in person, opens one task for writing and shows
nothing earlier; the code together with the return number of the card opens the whole page (trust 6.2). A link in a
message opens exactly one check-in, and never leads further up (trust 6.3). The browser holds a random key and the store
its hash, so that a visit can be ended; a screen is taken to be a shared one.

Nothing here tells whether somebody is known: an address that we do not know gets a code too, which is sent to nobody
and opens nothing, so that every page and all the work after it are the same (trust 22).
"""

import os
import uuid
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from portal import access, audit, codes, drafts, notifications, reading, services, throttle
from portal.access import TASKS, Actor, Permission, Tier, Visitor, rows_of
from portal.accounts.sign_in import SEEN_EVERY, TooManyTries
from portal.clock import now
from portal.held import derived, look_up_key
from portal.store import CheckIn, ContactWay, Merge, PersonCode, Referral, Service, ServiceUser, Stores, Visit
from portal.throttle import Kind

LASTS: dict[Tier, timedelta] = {Tier.TASK: timedelta(hours=2), Tier.READ: timedelta(hours=12)}
"""A visit ends then in any case; long before, when nobody is there (the service's minutes for a shared screen)."""

LAPSED_KEEPS = timedelta(days=1)
"""So long after somebody was last there, what they then send is kept all the same."""

CODE_LIVES = timedelta(minutes=10)  # ASVS 6.5.5
WORKER_CODE_LIVES = timedelta(days=7)  # trust 6.2: from one who has seen the person, on paper
CODE_TRIES = 5  # trust 6.4: 5 of a million, 1 in 200,000

LINK, EMAIL_CODE, WORKER_CODE, CARD, SENT = "link", "email-code", "worker-code", "card", "sent"
"""How a visit began. The stored codes are for ever."""

_MAY_ADD_CARD = (EMAIL_CODE, WORKER_CODE)  # never a link (trust 6.3), never the card a second time (trust D7)
_KEPT = {"codes": timedelta(days=1), "visits": timedelta(days=30)}
_MOST_CARDS = 10  # a slow hash for each of a person's referrals, the latest first


class NeedsReference(Exception):
    """The code is right, but more than one person has this email address: whom it is for must be said."""


class Bound(ValueError):
    """This visit has its one task already, or may not choose."""


class NotHere(LookupError):
    """There is no such person in this service."""


# While somebody is there ---------------------------------------------------------------------------------------------


def visitor_for(store: Session, service_id: uuid.UUID, key: str) -> Visitor | None:
    """Who holds this key now; ``None`` when the visit is idle too long, too old or ended, or reading is off, or records
    were merged or taken apart since it began: it must not show somebody else's."""
    visit = store.scalar(select(Visit).where(Visit.key_hash == codes.digest(key), *_alive(store, service_id)))
    return _visitor(visit) if visit else None


def lapsed_visitor_for(store: Session, service_id: uuid.UUID, key: str) -> Visitor | None:
    """Who held this key until nobody was there for too long: for a page that was on the screen then, and is sent now.
    What was written on it is kept and nothing is shown any more. ``None`` for a visit that was ended on purpose, that
    lapsed more than a day ago, or that would not be let in for any other reason."""
    visit = store.scalar(
        select(Visit).where(
            Visit.key_hash == codes.digest(key), Visit.seen_at > now() - LAPSED_KEEPS, *_let_in(service_id)
        )
    )
    return _visitor(visit) if visit else None


def _alive(store: Session, service_id: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    """What is true of every visit that is open now."""
    present = now()
    minutes = services.settings_of(store.get_one(Service, service_id)).lock_minutes
    return (
        Visit.expires_at > present,
        Visit.seen_at >= present - timedelta(minutes=minutes) - drafts.LOCK_GRACE,
        *_let_in(service_id),
    )


def _let_in(service_id: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    """What is true of every visit that nobody has ended, whatever the time."""
    themselves = (ServiceUser.service_id == service_id) & (ServiceUser.id == Visit.person_id)
    there = exists().where(
        themselves, ServiceUser.merged_into.is_(None), or_(Visit.tier == Tier.TASK.value, ServiceUser.reading)
    )
    mixed = exists().where(
        Merge.service_id == service_id,
        or_(Merge.kept_id == Visit.person_id, Merge.merged_id == Visit.person_id),
        or_(Merge.created_at >= Visit.created_at, Merge.undone_at >= Visit.created_at),
    )
    # Whoever takes their referral back may still read, download and ask to be erased; what was to be written is over.
    withdrawn = exists().where(
        Referral.service_id == service_id,
        Referral.id == Visit.referral_id,
        Referral.status.in_(("declined", "withdrawn")),
        func.coalesce(Referral.closed_at, Referral.decided_at) >= Visit.created_at,
    )
    return (
        Visit.service_id == service_id,
        Visit.ended_at.is_(None),
        there,
        ~mixed,
        or_(Visit.tier == Tier.READ.value, ~withdrawn),
    )


def _visitor(visit: Visit) -> Visitor:
    return Visitor(
        visit.service_id,
        visit.person_id,
        visit.referral_id,
        visit.id,
        Tier(visit.tier),
        visit.task,
        visit.check_in_id,
    )


def touch_visit(stores: Stores, visitor: Visitor) -> None:
    """Note that somebody is still there, in a small transaction of its own, at most once a minute.

    Call it when the request's own transaction is over. It never brings a visit back to life.
    """
    mine = (Visit.service_id == visitor.service_id, Visit.id == visitor.visit_id)
    with stores.reading() as store:
        seen = store.scalar(select(Visit.seen_at).where(*mine))
    if seen is None or now() - seen < SEEN_EVERY:
        return
    with stores.writing.begin() as store:
        store.execute(
            update(Visit)
            .where(*mine, *_alive(store, visitor.service_id))
            .values(seen_at=now())
            .execution_options(synchronize_session=False)
        )


def choose_task(store: Session, visitor: Visitor, task: str, check_in_id: uuid.UUID | None = None) -> Visitor:
    """Bind a visit to its one task (of ``access.TASKS``), for good. Raises ``Bound``."""
    visit = _locked(store, visitor)
    if visit is None or visit.tier != Tier.TASK.value or visit.task is not None or task not in TASKS:
        raise Bound
    visit.task, visit.check_in_id = task, check_in_id
    audit.record(store, visit.service_id, None, "chose a task", "visit", visit.id, task=task)
    store.flush()
    return _visitor(visit)


def may_add_card(store: Session, visitor: Visitor) -> bool:
    """Whether this visit may still be opened further with the card, as far as the way goes on which it began."""
    visit = store.get(Visit, (visitor.service_id, visitor.visit_id))
    return visit is not None and visit.tier == Tier.TASK.value and visit.via in _MAY_ADD_CARD


def end(store: Session, visitor: Visitor) -> None:
    """End this visit."""
    _end(store, Visit.service_id == visitor.service_id, Visit.id == visitor.visit_id)
    audit.record(store, visitor.service_id, None, "ended a visit", "visit", visitor.visit_id)
    store.flush()


def end_all(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> int:
    """End every visit of a person and burn every code (they withdrew, or are erased); how many visits. The caller
    audits why."""
    store.execute(
        update(PersonCode)
        .where(PersonCode.service_id == service_id, PersonCode.person_id == person_id, PersonCode.expires_at > now())
        .values(expires_at=now())
    )
    return _end(store, Visit.service_id == service_id, Visit.person_id == person_id)


def _end(store: Session, *which: ColumnElement[bool]) -> int:
    ended = store.execute(
        update(Visit).where(*which, Visit.ended_at.is_(None)).values(ended_at=now()).returning(Visit.id)
    ).all()
    return len(ended)


def _locked(store: Session, visitor: Visitor) -> Visit | None:
    """The visit, if it is open; held until the end, so that two tabs take turns."""
    mine = select(Visit).where(Visit.id == visitor.visit_id, *_alive(store, visitor.service_id))
    return store.scalar(mine.with_for_update(of=Visit).execution_options(populate_existing=True))


def _open(
    store: Session,
    referral: Referral,
    tier: Tier,
    via: str,
    key: str,
    language: str,
    *,
    task: str | None = None,
    check_in_id: uuid.UUID | None = None,
) -> Visitor:
    visit = Visit(
        service_id=referral.service_id,
        id=codes.new_id(),
        person_id=referral.person_id,
        referral_id=referral.id,
        tier=tier.value,
        via=via,
        task=task,
        check_in_id=check_in_id,
        key_hash=codes.digest(key),
        language=language,
        seen_at=now(),
        expires_at=now() + LASTS[tier],
    )
    store.add(visit)
    audit.record(
        store,
        referral.service_id,
        None,
        "came to their page",
        "service_user",
        referral.person_id,
        tier=tier.value,
        via=via,
        visit=str(visit.id),
    )
    store.flush()
    return _visitor(visit)


# By a link in a message ----------------------------------------------------------------------------------------------


def open_for_check_in(
    store: Session, service: Service, check_in: CheckIn, key: str, language: str, *, via: str = LINK
) -> Visitor:
    """A visit for exactly this check-in, for whoever pressed the button. ``key``: the browser's new one. ``via``: the
    link in a message, or SENT in the browser that has just sent the form."""
    referral = store.get_one(Referral, (service.id, check_in.referral_id))
    return _open(store, referral, Tier.TASK, via, key, language, task="check-in", check_in_id=check_in.id)


def open_for_goal(
    store: Session, service: Service, person_id: uuid.UUID, referral_id: uuid.UUID, key: str, language: str
) -> Visitor:
    """A visit for writing a goal, for the browser that has just sent the form. Raises ``NotHere`` when the referral is
    somebody else's."""
    referral = store.get_one(Referral, (service.id, referral_id))
    if referral.person_id != person_id:
        raise NotHere
    return _open(store, referral, Tier.TASK, SENT, key, language, task="goal")


# By a code by email --------------------------------------------------------------------------------------------------


def ask_code(store: Session, service: Service, typed: str, browser_key: str, *, address: str | None = None) -> None:
    """Send a code to this email address, if somebody has confirmed it and allows it: it works in this browser.

    Same work and same answer whether or not. ``address``: where the request came from, if that is known. A newer code
    cancels the older one of the same browser, and of no other: else anybody could cancel the right person's. Raises
    ``reading.Unreadable``, or ``TooManyTries``; what was counted stands in the transaction, so commit then too.
    """
    contact = _address_key(reading.email(typed))
    browser = codes.digest(browser_key)
    _count_asked(store, service, contact, browser, address)
    store.execute(
        update(PersonCode)
        .where(PersonCode.service_id == service.id, PersonCode.browser_hash == browser, PersonCode.expires_at > now())
        .values(expires_at=now())
    )
    ways = _ways_with(store, service.id, contact)
    way = ways[0] if ways else None
    referral = _latest(store, service.id, way.person_id if way else codes.new_id())
    code = _keep_code(store, service.id, referral if way else None, CODE_LIVES, way=way, browser_hash=browser)
    if way is not None and referral is not None:
        notifications.send_code(store, service, way, code, "sign-in-code")
    else:
        notifications.send_code_to_nobody(store, service, code)
    store.flush()


def code_given(
    store: Session,
    service: Service,
    browser_key: str,
    typed: str,
    key: str,
    *,
    language: str,
    reference: str | None = None,
    address: str | None = None,
) -> Visitor | None:
    """A visit for one task by the code that this browser asked for; ``None`` when it is wrong, too old or burnt.

    ``key``: the browser's new one. ``reference`` says who it is, where several people have one email address. Raises
    ``NeedsReference`` then, or ``TooManyTries``; what was counted stands in the transaction, so commit then too.
    """
    asked = rows_of(service.id, PersonCode).where(PersonCode.browser_hash == codes.digest(browser_key))
    given = _try_code(store, asked, typed, (Kind.CODE_TRIED, throttle.of_address(address)) if address else None)
    if given is None or given.contact_way_id is None:
        return None
    sent_to = store.get_one(ContactWay, (service.id, given.contact_way_id))
    # What is allowed now counts, and whose the address is now.
    those = {way.person_id for way in _ways_with(store, service.id, sent_to.address_key or "")}
    if not those:
        return None
    if len(those) > 1:
        referral = _with_reference(store, service.id, reference or "")
        if referral is None or referral.person_id not in those:
            raise NeedsReference
    else:
        referral = _latest(store, service.id, those.pop())
    if referral is None:
        return None
    given.used_at = now()
    return _open(store, referral, Tier.TASK, EMAIL_CODE, key, language)


def _address_key(email: str) -> str:
    """As ``people.address_key`` keeps it."""
    return look_up_key("address", email.casefold())


def _count_asked(store: Session, service: Service, contact: str, browser: str, address: str | None) -> None:
    to_them, network = f"{service.id}:{contact}", throttle.of_address(address)
    if _knows(store, service.id, contact, browser):
        counts = [(Kind.CODE_ASKED_KNOWN, f"{to_them}:{browser}")]
    elif address:
        counts = [(Kind.CODE_ASKED_NETWORK, network), (Kind.CODE_ASKED, f"{to_them}:{network}")]
        counts.append((Kind.CODE_ASKED_ANYWHERE, to_them))
    else:
        counts = [(Kind.CODE_ASKED_ANYWHERE, to_them)]
    for kind, key in counts:
        # One that is full stops the try before it fills the next: what one network asks too much counts there alone.
        _count(store, kind, key)


def _knows(store: Session, service_id: uuid.UUID, contact: str, browser: str) -> bool:
    """Whether a code for this address was right in this browser before."""
    the_way = (ContactWay.service_id == PersonCode.service_id) & (ContactWay.id == PersonCode.contact_way_id)
    before = (
        select(PersonCode.id)
        .join(ContactWay, the_way)
        .where(
            PersonCode.service_id == service_id,
            PersonCode.browser_hash == browser,
            PersonCode.used_at.is_not(None),
            ContactWay.address_key == contact,
        )
    )
    return store.execute(before.limit(1)).first() is not None


def _ways_with(store: Session, service_id: uuid.UUID, contact: str) -> Sequence[ContactWay]:
    """The ways on which a code may go to this address, of everybody who has it."""
    theirs = (ServiceUser.service_id == ContactWay.service_id) & (ServiceUser.id == ContactWay.person_id)
    return store.scalars(
        rows_of(service_id, ContactWay)
        .join(ServiceUser, theirs)
        .where(
            ContactWay.address_key == contact,
            ContactWay.channel == "email",
            ContactWay.allowed,
            ContactWay.confirmed_at.is_not(None),
            ServiceUser.merged_into.is_(None),
        )
        .order_by(ContactWay.id)
    ).all()


# By a code from a link worker ----------------------------------------------------------------------------------------


def issue_code(store: Session, actor: Actor, person_id: uuid.UUID, referral_id: uuid.UUID) -> str:
    """A code that the worker hands to the person in front of them: seven days, once, with their reference, for one
    task. Codes handed out before stop working. Raises ``Refused`` or ``NotHere``."""
    access.require(actor, Permission.CONFIRM_CONTACT)
    person = _person(store, actor.service_id, person_id)
    referral = store.scalar(
        rows_of(actor.service_id, Referral).where(Referral.id == referral_id, Referral.person_id == person.id)
    )
    if referral is None or person.merged_into is not None:
        raise NotHere
    store.execute(
        update(PersonCode)
        .where(
            PersonCode.service_id == actor.service_id,
            PersonCode.person_id == person.id,
            PersonCode.issued_by.is_not(None),
            PersonCode.expires_at > now(),
        )
        .values(expires_at=now())
    )
    code = _keep_code(store, actor.service_id, referral, WORKER_CODE_LIVES, issued_by=actor.staff_id)
    audit.record(store, actor.service_id, actor, "gave a code in person", "service_user", person.id)
    store.flush()
    return code


def worker_code_given(
    store: Session,
    service: Service,
    reference: str,
    typed: str,
    key: str,
    *,
    language: str,
    address: str | None = None,
) -> Visitor | None:
    """A visit for one task by a reference and a code from a link worker; ``None`` when they do not go together.

    Raises ``TooManyTries``; what was counted stands in the transaction, so commit then too.
    """
    referral = _with_reference(store, service.id, reference)
    person_id = referral.person_id if referral else codes.new_id()
    mixed = exists().where(
        Merge.service_id == service.id,
        or_(Merge.kept_id == person_id, Merge.merged_id == person_id),
        or_(Merge.created_at >= PersonCode.created_at, Merge.undone_at >= PersonCode.created_at),
    )
    handed_out = rows_of(service.id, PersonCode).where(
        PersonCode.person_id == person_id, PersonCode.issued_by.is_not(None), ~mixed
    )
    current = store.scalar(handed_out.where(*_open_codes()).order_by(PersonCode.id.desc()).limit(1))
    if address:
        network = throttle.of_address(address)
        # A new code has a new count. Where there is none, tries count in the same way.
        _count(store, Kind.WORKER_CODE_TRIED, f"{service.id}:{reference}:{current.id if current else ''}:{network}")
    given = _try_code(store, handed_out, typed, (Kind.CODE_TRIED, throttle.of_address(address)) if address else None)
    if given is None or referral is None:
        return None
    given.used_at = now()
    return _open(store, referral, Tier.TASK, WORKER_CODE, key, language)


# By the card ---------------------------------------------------------------------------------------------------------


def card_given(
    store: Session, service: Service, visitor: Visitor, number: str, key: str, *, address: str | None = None
) -> Visitor | None:
    """After a code: the return number of any card of theirs opens the whole page. ``key``: the browser's new one.

    ``None`` when the number is not right and, told by nothing from that, when reading is off. Raises ``TooManyTries``;
    what was counted stands in the transaction, so commit then too.
    """
    visit = _locked(store, visitor)
    if visit is None or visit.tier != Tier.TASK.value or visit.via not in _MAY_ADD_CARD:
        return None
    referral = store.get_one(Referral, (service.id, visit.referral_id))
    _count_card(store, service.id, referral.reference, address)
    of_theirs = rows_of(service.id, Referral).where(Referral.person_id == visit.person_id)
    cards = store.scalars(of_theirs.order_by(Referral.id.desc()).limit(_MOST_CARDS)).all()
    right = [drafts.number_opens(one.draft_id, one.return_hash, number) for one in cards]
    person = _person(store, service.id, visit.person_id)
    if not any(right) or not person.reading:
        _refused(store, person, "card" if not any(right) else "reading-off")
        return None
    _end(store, Visit.service_id == service.id, Visit.id == visit.id)
    return _open(store, referral, Tier.READ, visit.via, key, visit.language)


def card_alone(
    store: Session,
    service: Service,
    reference: str,
    number: str,
    key: str,
    *,
    language: str,
    address: str | None = None,
) -> Visitor | None:
    """The card of somebody to whom no code can be sent: the whole page, or one task when reading is off.

    ``None`` when the card is not right and, told by nothing from that, when they have a confirmed way for a code: the
    card alone is then not enough (trust D7). Raises ``TooManyTries``; commit then too.
    """
    _count_card(store, service.id, reference, address)
    referral = _with_reference(store, service.id, reference)
    if referral is None or referral.return_hash is None:
        codes.slow_digest(number, os.urandom(16), _pepper())  # the same work
        return None
    if not drafts.number_opens(referral.draft_id, referral.return_hash, number):
        return None
    person = _person(store, service.id, referral.person_id)
    if notifications.takes_code(store, service.id, person.id):
        _refused(store, person, "card-alone")
        return None
    return _open(store, referral, Tier.READ if person.reading else Tier.TASK, CARD, key, language)


def _count_card(store: Session, service_id: uuid.UUID, reference: str, address: str | None) -> None:
    try:
        drafts.count_try(store, service_id, reference, address)
    except drafts.Throttled:
        raise TooManyTries(now() + throttle.LIMITS[Kind.RETURN_CARD].window) from None


def _refused(store: Session, person: ServiceUser, reason: str) -> None:
    audit.record(store, person.service_id, None, "was refused", "service_user", person.id, reason=reason, wanted="read")
    store.flush()


# Reading off and on --------------------------------------------------------------------------------------------------


def set_reading(
    store: Session, service_id: uuid.UUID, person_id: uuid.UUID, on: bool, actor: Actor | None = None
) -> None:
    """Turn reading off or on. Off ends every visit that reads, at once; on again only by a worker who has talked with
    the person. Raises ``Refused`` or ``NotHere``."""
    if on or actor is not None:
        access.require(actor, Permission.CONFIRM_CONTACT)
    person = _person(store, service_id, person_id)
    if person.reading == on:
        return
    person.reading = on
    if not on:
        _end(store, Visit.service_id == service_id, Visit.person_id == person.id, Visit.tier == Tier.READ.value)
    act = "turned reading on" if on else "turned reading off"
    audit.record(store, service_id, actor, act, "service_user", person.id)
    store.flush()


# Codes, referrals, people --------------------------------------------------------------------------------------------


def _open_codes() -> tuple[ColumnElement[bool], ...]:
    return (PersonCode.used_at.is_(None), PersonCode.expires_at > now(), PersonCode.tries < CODE_TRIES)


def _keep_code(
    store: Session,
    service_id: uuid.UUID,
    referral: Referral | None,
    lives: timedelta,
    *,
    way: ContactWay | None = None,
    browser_hash: str | None = None,
    issued_by: uuid.UUID | None = None,
) -> str:
    code, made = codes.new_code(), codes.new_id()
    store.add(
        PersonCode(
            service_id=service_id,
            id=made,
            created_at=now(),
            person_id=referral.person_id if referral else None,
            referral_id=referral.id if referral else None,
            contact_way_id=way.id if way and referral else None,
            browser_hash=browser_hash,
            issued_by=issued_by,
            code_hash=codes.slow_digest(code, made.bytes, _pepper()),
            expires_at=now() + lives,
        )
    )
    store.flush()
    return code


def _pepper() -> bytes:
    return derived("person code")


def _try_code(
    store: Session, which: Select[PersonCode], typed: str, counted: tuple[Kind, str] | None
) -> PersonCode | None:
    """The latest open one of these codes, if it is what was typed; the row is held, and the try is counted before it is
    looked at. The same work is done when there is none."""
    code = codes.read_code(typed)
    if code is None:
        return None
    if counted:
        _count(store, *counted)
    latest = which.where(*_open_codes()).order_by(PersonCode.id.desc()).limit(1)
    found = store.scalar(latest.with_for_update().execution_options(populate_existing=True))
    salt, kept = (found.id.bytes, found.code_hash) if found else (os.urandom(16), "")
    right = codes.slow_match(code, salt, _pepper(), kept)
    if found is None:
        return None
    found.tries += 1
    if right and counted:
        throttle.give_back(store, *counted)
    if not right and found.tries >= CODE_TRIES and found.person_id:
        audit.record(
            store, found.service_id, None, "burnt a code", "service_user", found.person_id, actor_kind="unknown"
        )
    store.flush()
    return found if right else None


def _count(store: Session, kind: Kind, key: str) -> None:
    if throttled := throttle.count(store, kind, key):
        raise TooManyTries(throttled.until)


def _latest(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Referral | None:
    theirs = rows_of(service_id, Referral).where(Referral.person_id == person_id)
    return store.scalar(theirs.order_by(Referral.referred_at.desc(), Referral.id.desc()).limit(1))


def _with_reference(store: Session, service_id: uuid.UUID, reference: str) -> Referral | None:
    return store.scalar(rows_of(service_id, Referral).where(Referral.reference == reference))


def _person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> ServiceUser:
    """The person, held until the end of the transaction. Raises ``NotHere``."""
    mine = rows_of(service_id, ServiceUser).where(ServiceUser.id == person_id)
    found = store.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise NotHere
    return found


def sweep_visits(store: Session, service: Service) -> int:
    """Delete codes a day after their end and visits a month after theirs: the audit says that there was one. How many
    went."""
    present = now()
    gone = 0
    for table, ended in ((PersonCode, PersonCode.expires_at), (Visit, Visit.expires_at)):
        lasts = _KEPT["codes" if table is PersonCode else "visits"]
        old = delete(table).where(table.service_id == service.id, ended < present - lasts).returning(table.id)
        gone += len(store.execute(old).all())
    return gone
