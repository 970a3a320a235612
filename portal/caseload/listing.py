"""The caseload as a list: filters, orders, pages. It answers as fast with 100,000 cases in the store as with 1,000:
every order has an index, a page begins behind the last line of the page before it, and nothing is counted.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select, tuple_
from sqlalchemy.orm import Session, defer

from portal import access, services
from portal.access import Actor
from portal.caseload import reach
from portal.caseload.lists import Listed, codes_in
from portal.clock import now, today
from portal.i18n import N_
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import Alert, CarePlan, ReferralNeed, Risk, Service, ServiceUser, Staff
from portal.store import Referral as Referral  # the doors name it in their types

PAGE = 25
"""Lines on one page."""

FEW = 1_000
"""Where no more people than these speak a language or need an interpreter, the list begins with them and not with the
order."""

WHOSE: tuple[Listed, ...] = (
    Listed("mine", N_("My own")),
    Listed("team", N_("My team's")),
    Listed("nobody", N_("Nobody's")),
    Listed("all", N_("Everybody's")),
)
STATUS: tuple[Listed, ...] = (
    Listed("open", N_("All that are open")),
    Listed("accepted", N_("Accepted")),
    Listed("active", N_("Under way")),
    Listed("on-hold", N_("On hold")),
    Listed("closed", N_("Closed")),
)
DUE: tuple[Listed, ...] = (
    Listed("overdue", N_("Late")),
    Listed("this-week", N_("In the next 7 days")),
    Listed("none", N_("No next step")),
)
WAITING: tuple[Listed, ...] = (
    Listed("not-tried", N_("Nobody has tried to reach them")),
    Listed("not-reached", N_("Not reached yet")),
    Listed("tried-enough", N_("Tried as often as we do, and not reached")),
)
QUIET: tuple[Listed, ...] = (
    Listed("14", N_("No contact for 2 weeks")),
    Listed("28", N_("No contact for 4 weeks")),
    Listed("56", N_("No contact for 8 weeks")),
)
MISSING: tuple[Listed, ...] = (
    Listed("risk", N_("Nothing said about risks")),
    Listed("gp", N_("GP practice not found")),
    Listed("plan", N_("No plan agreed")),
    Listed("need", N_("No need written down")),
)
SORTS: tuple[Listed, ...] = (
    Listed("next-due", N_("Next step, soonest first")),
    Listed("waiting", N_("Oldest referral first")),
    Listed("newest", N_("Newest referral first")),
    Listed("quiet", N_("Longest without contact first")),
    Listed("name", N_("By name")),
)
INTERPRETER = "yes"
_INTERPRETERS = tuple(one.code for one in SELF_REFERRAL.question("interpreter").choices if one.code != "no")

LISTS: dict[str, tuple[Listed, ...]] = {
    "whose": WHOSE,
    "status": STATUS,
    "due": DUE,
    "waiting": WAITING,
    "quiet": QUIET,
    "missing": MISSING,
    "sort": SORTS,
}
"""What may be asked, by the name of the field in the address; need, language and interpreter come beside them."""


@dataclass(frozen=True)
class Asked:
    """What somebody wants to see: codes alone, never words of anybody. Empty: not asked."""

    whose: str = "mine"
    status: str = "open"
    need: str = ""
    language: str = ""
    interpreter: str = ""
    due: str = ""
    waiting: str = ""
    quiet: str = ""
    missing: str = ""
    sort: str = "next-due"

    def as_codes(self) -> dict[str, str]:
        """What differs from the usual view, for an address or a saved view."""
        usual = Asked()
        return {name: said for name, said in vars(self).items() if said != getattr(usual, name)}


@dataclass(frozen=True)
class Line:
    """A case in the list. ``within``: it is part of the actor's own work; of others no needs and no next step are told
    here."""

    referral: Referral
    person: ServiceUser
    name: str
    needs: tuple[str, ...]
    within: bool
    unopened_alert: bool


@dataclass(frozen=True)
class Page:
    """One page of the list. ``newer`` and ``older`` are where the pages before and after it begin; empty where there is
    none."""

    lines: tuple[Line, ...]
    newer: str = ""
    older: str = ""


@dataclass(frozen=True)
class _Order:
    """How a list is ordered: by this column and the id; ``parts`` says whether those without it come first or last."""

    column: Any
    descending: bool = False
    parts: tuple[str, ...] = ("filled",)


_ORDERS: dict[str, _Order] = {
    "next-due": _Order(Referral.next_due, parts=("filled", "empty")),
    "waiting": _Order(Referral.referred_at),
    "newest": _Order(Referral.referred_at, descending=True),
    "quiet": _Order(Referral.last_contact_at, parts=("empty", "filled")),
    "name": _Order(ServiceUser.name_key),
}


@dataclass(frozen=True)
class _Place:
    """A place in a list: behind which line a page begins."""

    referral_id: uuid.UUID
    value: Any

    @property
    def part(self) -> str:
        return "empty" if self.value is None else "filled"


def read(given: Mapping[str, str], needs: Sequence[str] = (), languages: Sequence[str] = ()) -> Asked:
    """What an address or a saved view asks. A code that nobody knows (any more) asks nothing."""
    lists = {**{name: codes_in(entries) for name, entries in LISTS.items()}, "need": needs, "language": languages}
    known = {name: said for name, said in given.items() if said in lists.get(name, ())}
    if given.get("interpreter") == INTERPRETER:
        known["interpreter"] = INTERPRETER
    return Asked(**known)


def languages(store: Session, actor: Actor) -> list[str]:
    """The languages that people of this service speak, by their codes. One query that leaps from language to language
    along the index, however many people speak each."""
    access.require(actor, access.Permission.READ_CASELOAD)
    spoken = ServiceUser.spoken_language
    first = select(func.min(spoken).label("code")).where(ServiceUser.service_id == actor.service_id)
    found = first.cte("found", recursive=True)
    further = select(func.min(spoken)).where(ServiceUser.service_id == actor.service_id, spoken > found.c.code)
    found = found.union_all(select(further.correlate(found).scalar_subquery()).where(found.c.code.is_not(None)))
    return list(store.scalars(select(found.c.code).where(found.c.code.is_not(None))))


def page(store: Session, actor: Actor, asked: Asked, *, after: str = "", before: str = "", most: int = PAGE) -> Page:
    """The page behind ``after`` or in front of ``before`` (places that a page has named; one that cannot be read is the
    first page). What comes in meanwhile moves nothing from one page to another. Raises ``access.Refused``."""
    access.require(actor, access.Permission.READ_CASELOAD)
    order = _ORDERS[asked.sort]
    place = _place(store, actor, order, before or after)
    back = bool(before) and place is not None
    rows = _rows(store, actor, asked, place, back=back, most=most + 1)
    beyond, rows = len(rows) > most, rows[:most]
    if back:
        rows.reverse()
    newer = beyond if back else place is not None
    older = beyond if not back else True
    first, last = (rows[0], rows[-1]) if rows else (place, place)
    return Page(
        _lines(store, actor, [one.referral_id for one in rows]),
        _written(order, first) if newer and first else "",
        _written(order, last) if older and last and rows else "",
    )


# Places ---------------------------------------------------------------------------------------------------------------


def _written(order: _Order, place: _Place) -> str:
    """A place as an address holds it: the id, and the day or the moment that it is ordered by; never a name."""
    if order.column is ServiceUser.name_key:
        return str(place.referral_id)
    if isinstance(place.value, datetime):
        return f"{place.referral_id}.{int(place.value.timestamp() * 1_000_000)}"
    return f"{place.referral_id}.{place.value.isoformat() if place.value else ''}"


def _place(store: Session, actor: Actor, order: _Order, written: str) -> _Place | None:
    if not written:
        return None
    identity, _, value = written.partition(".")
    try:
        referral_id = uuid.UUID(identity)
        if order.column is ServiceUser.name_key:
            name = _name_of(store, actor, referral_id)
            return _Place(referral_id, name) if name is not None else None
        if order.column is Referral.next_due:
            return _Place(referral_id, date.fromisoformat(value) if value else None)
        return _Place(
            referral_id, datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(value)) if value else None
        )
    except (ValueError, OverflowError):
        return None


def _name_of(store: Session, actor: Actor, referral_id: uuid.UUID) -> str | None:
    theirs = select(ServiceUser.name_key).join(
        Referral, and_(Referral.service_id == ServiceUser.service_id, Referral.person_id == ServiceUser.id)
    )
    return store.scalar(theirs.where(Referral.service_id == actor.service_id, Referral.id == referral_id))


# Rows -----------------------------------------------------------------------------------------------------------------


def _rows(store: Session, actor: Actor, asked: Asked, place: _Place | None, *, back: bool, most: int) -> list[_Place]:
    """The next lines from a place, forwards or backwards: each status is walked along its own index, and the shortest
    way to a full page is taken from them together."""
    order = _ORDERS[asked.sort]
    parts = tuple(reversed(order.parts)) if back else order.parts
    if asked.due and order.column is Referral.next_due:
        parts = ("empty",) if asked.due == "none" else ("filled",)
    if place is not None:
        parts = parts[parts.index(place.part) :] if place.part in parts else parts
    down = order.descending != back
    found: list[_Place] = []
    for part in parts:
        here = place if place is not None and place.part == part else None
        some = [
            _Place(referral_id, value)
            for query in _queries(store, actor, asked, part)
            for referral_id, value in store.execute(_seek(query, order, part, here, down=down, most=most))
        ]
        some.sort(key=lambda one: (one.value is not None, one.value or 0, one.referral_id), reverse=down)
        found += some[: most - len(found)]
        if len(found) >= most:
            break
    return found


def _seek(
    query: "Select[Any]", order: _Order, part: str, here: _Place | None, *, down: bool, most: int
) -> "Select[Any]":
    keys: list[Any] = [Referral.id] if part == "empty" else [order.column, Referral.id]
    if here is not None:
        values = [literal(here.referral_id, Referral.id.type)]
        if part == "filled":
            values.insert(0, literal(here.value, order.column.type))
        beyond = tuple_(*keys) < tuple_(*values) if down else tuple_(*keys) > tuple_(*values)
        query = query.where(beyond)
    return query.order_by(*(key.desc() if down else key for key in keys)).limit(most)


def _queries(store: Session, actor: Actor, asked: Asked, part: str) -> "list[Select[Any]]":
    """One query for each status that is asked for: (id, what it is ordered by)."""
    order = _ORDERS[asked.sort]
    query = select(Referral.id, order.column).where(Referral.service_id == actor.service_id)
    if order.column is ServiceUser.name_key:
        query = query.join(
            ServiceUser, and_(ServiceUser.service_id == Referral.service_id, ServiceUser.id == Referral.person_id)
        ).where(ServiceUser.service_id == actor.service_id)
    elif len(order.parts) > 1:
        query = query.where(order.column.is_(None) if part == "empty" else order.column.is_not(None))
    query = query.where(*_whose(store, actor, asked), *_about(store, actor, asked))
    statuses = Referral.OPEN if asked.status == "open" else (asked.status,)
    few = _few(store, actor, asked)
    if few is not None:
        query = query.where(Referral.person_id.in_(few))
    if few is not None or (order.column is ServiceUser.name_key and asked.whose in ("all", "nobody")):
        # Said so that no index of the status is used: a few people are looked up one by one, or the index of the names
        # is walked until a page is full, instead of everybody being read and sorted.
        return [query.where(func.coalesce(Referral.status, "").in_(statuses))]
    return [query.where(Referral.status == status) for status in statuses]


def _whose(store: Session, actor: Actor, asked: Asked) -> list[ColumnElement[bool]]:
    if asked.whose == "mine":
        return [Referral.assigned_to == actor.staff_id]
    if asked.whose == "nobody":
        return [Referral.assigned_to.is_(None)]
    if asked.whose == "team":
        me = store.get_one(Staff, (actor.service_id, actor.staff_id))
        team = select(Staff.id).where(
            Staff.service_id == actor.service_id, Staff.team == me.team if me.team else Staff.team.is_(None)
        )
        return [Referral.assigned_to.in_(store.scalars(team).all())]
    return []


def _about(store: Session, actor: Actor, asked: Asked) -> list[ColumnElement[bool]]:
    """The filters, each a condition on one referral."""
    person = and_(ServiceUser.service_id == Referral.service_id, ServiceUser.id == Referral.person_id)
    theirs = select(ServiceUser.id).correlate(Referral)
    wanted: list[ColumnElement[bool]] = []
    if asked.need:
        needs = select(ReferralNeed.id).where(
            ReferralNeed.service_id == Referral.service_id,
            ReferralNeed.referral_id == Referral.id,
            ReferralNeed.need == asked.need,
        )
        wanted.append(exists(needs.correlate(Referral)))
    if asked.language:
        wanted.append(exists(theirs.where(person, ServiceUser.spoken_language == asked.language)))
    if asked.interpreter:
        wanted.append(exists(theirs.where(person, ServiceUser.interpreter.in_(_INTERPRETERS))))
    if asked.due:
        wanted.append(_due(asked.due))
    if asked.waiting:
        wanted.append(_waiting(store, actor, asked.waiting))
    if asked.quiet:
        since = now() - timedelta(days=int(asked.quiet))
        wanted.append(
            or_(
                Referral.last_contact_at < since, and_(Referral.last_contact_at.is_(None), Referral.referred_at < since)
            )
        )
    if asked.missing:
        wanted.append(_missing(asked.missing))
    return wanted


def _due(asked: str) -> ColumnElement[bool]:
    if asked == "none":
        return Referral.next_due.is_(None)
    if asked == "overdue":
        return Referral.next_due < today()
    return Referral.next_due.between(today(), today() + timedelta(days=7))


def _waiting(store: Session, actor: Actor, asked: str) -> ColumnElement[bool]:
    if asked == "not-tried":
        return and_(Referral.first_attempt_at.is_(None), Referral.first_contact_at.is_(None))
    if asked == "not-reached":
        return Referral.first_contact_at.is_(None)
    settings = services.settings_of(store.get_one(Service, actor.service_id))
    return Referral.attempts >= settings.contact_attempts


def _missing(asked: str) -> ColumnElement[bool]:
    service_id, referral_id, person_id = Referral.service_id, Referral.id, Referral.person_id
    if asked == "risk":
        said = select(Risk.id).where(
            Risk.service_id == service_id, Risk.person_id == person_id, Risk.ended_at.is_(None)
        )
        return ~exists(said.correlate(Referral))
    if asked == "gp":
        unknown = select(ServiceUser.id).where(
            ServiceUser.service_id == service_id, ServiceUser.id == person_id, ServiceUser.gp_practice_code.is_(None)
        )
        return exists(unknown.correlate(Referral))
    if asked == "plan":
        agreed = select(CarePlan.id).where(
            CarePlan.service_id == service_id, CarePlan.referral_id == referral_id, CarePlan.agreed.is_not(None)
        )
        return ~exists(agreed.correlate(Referral))
    needs = select(ReferralNeed.id).where(
        ReferralNeed.service_id == service_id, ReferralNeed.referral_id == referral_id
    )
    return ~exists(needs.correlate(Referral))


def _few(store: Session, actor: Actor, asked: Asked) -> Sequence[uuid.UUID] | None:
    """Everybody who speaks a language, or who needs an interpreter, where these are few; ``None`` where they are many,
    or neither is asked for."""
    if asked.whose == "mine":
        return None
    wanted = []
    if asked.language:
        wanted.append(ServiceUser.spoken_language == asked.language)
    if asked.interpreter:
        wanted.append(ServiceUser.interpreter.in_(_INTERPRETERS))
    for one in wanted:
        theirs = select(ServiceUser.id).where(ServiceUser.service_id == actor.service_id, one)
        found = store.scalars(theirs.limit(FEW + 1)).all()
        if len(found) <= FEW:
            return found
    return None


# Lines ----------------------------------------------------------------------------------------------------------------


def _lines(store: Session, actor: Actor, ids: Sequence[uuid.UUID]) -> tuple[Line, ...]:
    """As many queries for a page as for one line. What somebody wrote in their form is not decrypted for it."""
    if not ids:
        return ()
    wanted = access.rows_of(actor.service_id, Referral).where(Referral.id.in_(ids))
    rows = {row.id: row for row in store.scalars(wanted.options(defer(Referral.answers)))}
    of_them = {row.person_id for row in rows.values()}
    theirs = access.rows_of(actor.service_id, ServiceUser).where(ServiceUser.id.in_(of_them))
    persons = {person.id: person for person in store.scalars(theirs)}
    own = reach.within_each(store, actor, of_them)
    chosen = select(ReferralNeed.referral_id, ReferralNeed.need).where(
        ReferralNeed.service_id == actor.service_id, ReferralNeed.referral_id.in_(ids)
    )
    needs: dict[uuid.UUID, list[str]] = {}
    for referral_id, need in store.execute(chosen.order_by(ReferralNeed.id)):
        needs.setdefault(referral_id, []).append(need)
    unopened = select(Alert.referral_id).where(
        Alert.service_id == actor.service_id,
        Alert.referral_id.in_(ids),
        Alert.opened_at.is_(None),
        Alert.closed_at.is_(None),
    )
    alarmed = set(store.scalars(unopened))
    made = []
    for one in ids:
        row, person = rows[one], persons[rows[one].person_id]
        within = person.id in own
        made.append(
            Line(
                row,
                person,
                person.preferred_name or person.first_name,
                tuple(needs.get(one, ())) if within else (),
                within,
                one in alarmed,
            )
        )
    return tuple(made)


def of_people(store: Session, actor: Actor, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Line]]:
    """The referrals of these people as lines, the newest first, by person: for what a search found."""
    access.require(actor, access.Permission.READ_CASELOAD)
    theirs = select(Referral.id).where(Referral.service_id == actor.service_id, Referral.person_id.in_(person_ids))
    found: dict[uuid.UUID, list[Line]] = {}
    for line in _lines(store, actor, store.scalars(theirs.order_by(Referral.id.desc())).all()):
        found.setdefault(line.person.id, []).append(line)
    return found
