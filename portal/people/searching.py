"""Finding a person by what somebody has of them: a part of the name in any script, a reference, a telephone number, an
email address, an NHS number, a date of birth; in one line, in any order of name and date.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from portal import access, audit, codes, reading
from portal.access import Actor
from portal.clock import today
from portal.i18n import N_
from portal.people.names import parts_of
from portal.people.rows import address_key
from portal.store import ContactWay, NamePart, Referral, ServiceUser

MATCHED_BY: dict[str, str] = {
    "reference": N_("reference"),
    "nhs-number": N_("NHS number"),
    "phone": N_("phone number"),
    "email": N_("email address"),
    "name": N_("name"),
    "born": N_("date of birth"),
}
"""By what somebody was found, the surest first."""

MOST = 25
"""People listed at once; whoever looks for one of more types more."""
LOOKED_AT = 500
"""Records looked through at most for one search: a search takes as long with 100,000 people as with 1,000."""
LONGEST = 200
MOST_WORDS = 8
LAST_CHARACTER = "\U0010ffff"


class NothingToSearch(ValueError):
    """Nothing was typed that somebody could be found by."""


@dataclass(frozen=True)
class Hit:
    """Somebody who was found: the record that counts, by what (of MATCHED_BY), and the name under which they were
    found where it is not theirs now, for instance of a record that became one with this one."""

    person: ServiceUser
    matched: tuple[str, ...]
    found_as: str = ""


@dataclass(frozen=True)
class Found:
    """What a search found. ``more``: there are more than are listed, or than were looked through."""

    hits: tuple[Hit, ...]
    more: bool = False


@dataclass(frozen=True)
class _Asked:
    """What was typed, as what it may be. ``born``: a whole date, or a year alone."""

    reference: str | None
    nhs_number: str | None
    phone: str | None
    email: str | None
    parts: tuple[str, ...]
    born: str | None

    @property
    def ways(self) -> tuple[str, ...]:
        """What was looked for, by the codes of MATCHED_BY."""
        given = {
            "reference": self.reference,
            "nhs-number": self.nhs_number,
            "phone": self.phone,
            "email": self.email,
            "name": self.parts,
            "born": self.born,
        }
        return tuple(code for code in MATCHED_BY if given[code])


def search(store: Session, actor: Actor, typed: str) -> Found:
    """People of the actor's service by what was typed (LONGEST characters are read), each once, the surest match first.

    The search is written down, never what was typed. Raises ``NothingToSearch`` and ``access.Refused``.
    """
    access.require(actor, access.Permission.READ_CASELOAD)
    asked = _read(typed)
    if not asked.ways:
        raise NothingToSearch
    found: dict[uuid.UUID, list[str]] = {}
    for code, people in _by_numbers(store, actor.service_id, asked):
        for person_id in people:
            found.setdefault(person_id, []).append(code)
    named, more = _by_name_and_birth(store, actor.service_id, asked)
    for person_id in named:
        found.setdefault(person_id, []).extend(code for code in ("name", "born") if code in asked.ways)
    hits = _hits(store, actor.service_id, found)
    listed = hits[:MOST]
    shown = [str(hit.person.id) for hit in listed]
    audit.record(store, actor.service_id, actor, "searched for people", by=list(asked.ways), found=shown)
    return Found(tuple(listed), more or len(hits) > MOST)


# Reading what was typed -----------------------------------------------------------------------------------------------


def _read(typed: str) -> _Asked:
    """Everything that this line may be. A number that is a telephone number is no date as well."""
    try:
        line = reading.text(typed[:LONGEST], LONGEST)
    except reading.Unreadable:
        return _Asked(None, None, None, None, (), None)
    reference = codes.read_reference(line)
    number = _or_none(partial(reading.nhs_number, made_up=True), line)
    phone = _or_none(reading.phone, line)
    email = _or_none(reading.email, line) if "@" in line else None
    sure = number or phone or email or (reference and any(character.isdecimal() for character in line))
    parts, born = ((), None) if sure else _name_and_birth(line)
    return _Asked(reference, number, phone, email, parts, born)


def _or_none(read: Callable[[str], str], line: str) -> str | None:
    try:
        return read(line)
    except reading.Unreadable:
        return None


def _name_and_birth(line: str) -> tuple[tuple[str, ...], str | None]:
    """A name, a date, or both in either order: "Zofia Quarshie 27 March 1965". The longest date counts."""

    def as_birth(words: Sequence[str]) -> str | None:
        return _or_none(lambda text: reading.birth(text, today()), " ".join(words))

    words = line.split()[:MOST_WORDS]
    if born := as_birth(words):
        return (), born
    for cut in range(1, len(words)):
        if born := as_birth(words[cut:]):
            return _letters(words[:cut]), born
    for cut in range(len(words) - 1, 0, -1):
        if born := as_birth(words[:cut]):
            return _letters(words[cut:]), born
    return _letters(words), None


def _letters(words: Sequence[str]) -> tuple[str, ...]:
    """The parts of a name; a sign alone is none."""
    return tuple(part for part in parts_of(*words) if any(character.isalnum() for character in part))


# Looking --------------------------------------------------------------------------------------------------------------


def _by_numbers(store: Session, service_id: uuid.UUID, asked: _Asked) -> Iterator[tuple[str, Sequence[uuid.UUID]]]:
    """The people whom a number or an address names, by the code of what it is."""
    theirs = select(ContactWay.person_id).where(ContactWay.service_id == service_id).limit(MOST + 1)
    if asked.reference:
        sent = select(Referral.person_id).where(
            Referral.service_id == service_id, Referral.reference == asked.reference
        )
        yield "reference", store.scalars(sent).all()
    if asked.nhs_number:
        known = select(ServiceUser.id).where(
            ServiceUser.service_id == service_id, ServiceUser.nhs_number == asked.nhs_number
        )
        yield "nhs-number", store.scalars(known.limit(MOST + 1)).all()
    if asked.phone:
        # Numbers that are not safe any more still say who somebody is; the number of somebody they trust does not.
        by_phone = ContactWay.channel.in_(("call", "text"))
        yield "phone", store.scalars(theirs.where(ContactWay.address_key == address_key(asked.phone), by_phone)).all()
    if asked.email:
        by_email = ContactWay.channel == "email"
        yield "email", store.scalars(theirs.where(ContactWay.address_key == address_key(asked.email), by_email)).all()


def _by_name_and_birth(store: Session, service_id: uuid.UUID, asked: _Asked) -> tuple[list[uuid.UUID], bool]:
    """The people whose name has every part and who were born then; and whether there may be more of them."""
    if not asked.parts and not asked.born:
        return [], False
    if not asked.parts:
        born = select(ServiceUser.id).where(ServiceUser.service_id == service_id, _born(asked.born or "", alone=True))
        rows = store.scalars(born.order_by(ServiceUser.born, ServiceUser.id).limit(MOST + 1)).all()
        return list(rows[:MOST]), len(rows) > MOST
    # The rarest part leads, and no more than LOOKED_AT of its records are looked at.
    sizes = {part: _how_many(store, service_id, part) for part in asked.parts}
    rarest = min(asked.parts, key=lambda part: (sizes[part], -len(part)))
    led = select(NamePart.person_id, NamePart.part).where(NamePart.service_id == service_id, _begins(NamePart, rarest))
    looked_at = led.order_by(NamePart.part, NamePart.person_id).limit(LOOKED_AT).subquery()
    wanted: Select[Any] = select(looked_at.c.person_id)
    for part in asked.parts:
        if part != rarest:
            other = aliased(NamePart)
            wanted = wanted.where(
                exists().where(
                    other.service_id == service_id, other.person_id == looked_at.c.person_id, _begins(other, part)
                )
            )
    if asked.born:
        wanted = wanted.join(
            ServiceUser, (ServiceUser.service_id == service_id) & (ServiceUser.id == looked_at.c.person_id)
        ).where(_born(asked.born, alone=False))
    rows = store.scalars(wanted.order_by(looked_at.c.part, looked_at.c.person_id).limit(4 * MOST)).all()
    found = list(dict.fromkeys(rows))
    return found[:MOST], len(found) > MOST or sizes[rarest] > LOOKED_AT


def _how_many(store: Session, service_id: uuid.UUID, part: str) -> int:
    """How many records have a part that begins so, counted no further than one beyond LOOKED_AT."""
    some = select(NamePart.person_id).where(NamePart.service_id == service_id, _begins(NamePart, part))
    return store.scalar(select(func.count()).select_from(some.limit(LOOKED_AT + 1).subquery())) or 0


def _begins(row: type[NamePart], part: str) -> ColumnElement[bool]:
    # A range, because LIKE uses no index in some collations. The column is compared by code point in both databases.
    return (row.part >= part) & (row.part < part + LAST_CHARACTER)


def _born(born: str, *, alone: bool) -> ColumnElement[bool]:
    """Born on that day, or in that year. Many people gave the year alone: beside a name it fits a whole date."""
    year = born[:4]
    if len(born) == 4:
        return (ServiceUser.born >= year) & (ServiceUser.born < str(int(year) + 1))
    return ServiceUser.born.in_([born] if alone else [born, year])


# Telling --------------------------------------------------------------------------------------------------------------


def _hits(store: Session, service_id: uuid.UUID, found: Mapping[uuid.UUID, Sequence[str]]) -> list[Hit]:
    """The records that count now, each once, with everything by which it was found."""
    rows = _rows(store, service_id, found)
    kept: dict[uuid.UUID, tuple[ServiceUser, dict[str, None], str]] = {}
    for person_id, matched in found.items():
        was = person = rows[person_id]
        while person.merged_into:
            person = rows[person.merged_into]
        _, codes_of, found_as = kept.get(person.id, (person, {}, ""))
        codes_of |= dict.fromkeys(matched)
        if "name" in matched and was.name_key != person.name_key:
            found_as = " ".join(name for name in (was.first_name, was.family_name) if name)
        kept[person.id] = (person, codes_of, found_as)
    order = list(MATCHED_BY)
    hits = [
        Hit(person, tuple(code for code in order if code in matched), found_as)
        for person, matched, found_as in kept.values()
    ]
    return sorted(hits, key=lambda hit: (order.index(hit.matched[0]), hit.person.name_key, hit.person.id))


def _rows(store: Session, service_id: uuid.UUID, wanted: Iterable[uuid.UUID]) -> dict[uuid.UUID, ServiceUser]:
    """These people, and the records that took them over."""
    rows: dict[uuid.UUID, ServiceUser] = {}
    missing = set(wanted)
    while missing:
        some = access.rows_of(service_id, ServiceUser).where(ServiceUser.id.in_(missing))
        rows |= {person.id: person for person in store.scalars(some)}
        missing = {person.merged_into for person in rows.values() if person.merged_into} - rows.keys()
    return rows
