"""The GP practices that a service knows: a list taken in from a file, found by name, postcode or code without asking
anybody else, and where a message back may go by email.

An address counts only when a manager has said that it is the practice's own secure address. The file is the list of
the NHS Organisation Data Service (``epraccur``, without a heading), or any CSV with a heading that names the columns.
"""

import csv
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from portal import access, audit, reading
from portal.access import Actor, Permission, rows_of
from portal.clock import now, today
from portal.codes import new_id
from portal.store import Practice as Practice  # the doors name it in their types
from portal.store import Stores
from portal.store.once import write_once

CODE = re.compile("[A-Z][0-9]{5}")
LONGEST_NAME = 150
MOST_WORDS = 6
_BATCH = 500
_NAMES: Mapping[str, tuple[str, ...]] = {
    "code": ("code", "organisation code", "organisation_code", "ods code", "ods_code", "practice code"),
    "name": ("name", "organisation name", "practice name"),
    "postcode": ("postcode", "post code"),
    "closed_on": ("close date", "closed_on", "close_date", "closed"),
    "email": ("email", "email address"),
}
_EPRACCUR = {"code": 0, "name": 1, "postcode": 9, "closed_on": 11}
"""Where the columns are in the list of the Organisation Data Service, which has no heading."""


LARGEST_FILE = 8 * 1024 * 1024
"""The list of the Organisation Data Service has less than half of that; what is larger is another file."""


class NotTaken(ValueError):
    """What was typed of a practice cannot be kept: ``problems`` says why, by field (code, name, postcode; missing or
    unreadable)."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {why}" for name, why in problems.items()))
        self.problems = dict(problems)


class Known(ValueError):
    """The list has a practice with this code: ``practice``."""

    def __init__(self, practice: Practice) -> None:
        super().__init__(practice.code)
        self.practice = practice


class NotAList(ValueError):
    """The file has no column with codes, or none with names."""


class Gone(LookupError):
    """There is no such practice in this service's list."""


class Changed(Exception):
    """Somebody else changed it after the page had been opened: ``practice`` is as it is now."""

    def __init__(self, practice: Practice) -> None:
        super().__init__()
        self.practice = practice


@dataclass(frozen=True)
class Bad:
    """A row that could not be taken: its line, its code if it has one, and what is wrong (code, name, twice)."""

    line: int
    code: str
    why: str


@dataclass
class Report:
    """What came of a file. ``bad`` holds the first rows that could not be taken, ``refused`` how many there were."""

    seen: int = 0
    added: int = 0
    changed: int = 0
    same: int = 0
    refused: int = 0
    bad: list[Bad] = field(default_factory=list)

    def refuse(self, one: Bad) -> None:
        """Note a row that could not be taken."""
        self.refused += 1
        if len(self.bad) < 50:
            self.bad.append(one)


@dataclass(frozen=True)
class _Row:
    line: int
    code: str
    name: str
    postcode: str | None
    closed_on: date | None
    email: str | None


# Taking in -----------------------------------------------------------------------------------------------------------


def import_practices(
    stores: Stores, service_id: uuid.UUID, lines: Iterable[str], tell: Callable[[Report], None] = lambda _: None
) -> Report:
    """Take in a list of practices; ``tell`` hears how far it is. Taken in again it changes what has changed; nothing is
    taken away. An address that was confirmed stays, unless the file has another one: then it must be confirmed again.

    Each batch is a transaction of its own, so that what was taken in stays. Raises ``NotAList``.
    """
    report, seen = Report(), set[str]()
    rows = _rows(csv.reader(lines), report, seen)
    while batch := list(islice(rows, _BATCH)):
        with stores.writing.begin() as store:
            _take(store, service_id, batch, report)
        tell(report)
    with stores.writing.begin() as store:
        _taken(store, service_id, None, report)
    return report


def take_in(store: Session, actor: Actor, lines: Iterable[str]) -> Report:
    """The same, brought by somebody on the staff: all of it or, when it is no list, nothing. Raises ``Refused``,
    ``NotAList``."""
    access.require(actor, Permission.CHANGE_SERVICE)
    report, seen = Report(), set[str]()
    with store.begin_nested():
        try:
            rows = _rows(csv.reader(lines), report, seen)
            while batch := list(islice(rows, _BATCH)):
                _take(store, actor.service_id, batch, report)
                store.flush()
        except csv.Error:
            raise NotAList from None
    _taken(store, actor.service_id, actor, report)
    return report


def _taken(store: Session, service_id: uuid.UUID, actor: Actor | None, report: Report) -> None:
    audit.record(
        store,
        service_id,
        actor,
        "took in a list of practices",
        actor_kind="staff" if actor else "system",
        added=report.added,
        changed=report.changed,
        refused=report.refused,
    )


def _rows(table: Iterator[list[str]], report: Report, seen: set[str]) -> Iterator[_Row]:
    first = next(table, [])
    columns = _columns(first)
    if columns is _EPRACCUR:
        yield from _read(1, first, columns, report, seen)
    for line, cells in enumerate(table, 2):
        if any(cell.strip() for cell in cells):
            yield from _read(line, cells, columns, report, seen)


def _columns(first: Sequence[str]) -> Mapping[str, int]:
    """Where each column is, by the heading; by the known list when there is none. Raises ``NotAList``."""
    if first and CODE.fullmatch(first[0].strip().upper()):
        return _EPRACCUR
    heading = [cell.strip().lstrip("\N{ZERO WIDTH NO-BREAK SPACE}").casefold() for cell in first]
    found = {
        column: place
        for column, names in _NAMES.items()
        for place in [next((heading.index(name) for name in names if name in heading), -1)]
        if place >= 0
    }
    if not {"code", "name"} <= set(found):
        raise NotAList
    return found


def _read(
    line: int, cells: Sequence[str], columns: Mapping[str, int], report: Report, seen: set[str]
) -> Iterator[_Row]:
    def cell(name: str) -> str:
        place = columns.get(name, -1)
        return cells[place].strip() if 0 <= place < len(cells) else ""

    report.seen += 1
    code = cell("code").upper()
    name = _text(cell("name"))
    why = "code" if not CODE.fullmatch(code) else "name" if not name else "twice" if code in seen else ""
    if why:
        report.refuse(Bad(line, code[:20] if code.isprintable() else "", why))
        return
    seen.add(code)
    yield _Row(line, code, name, _postcode(cell("postcode")), _day(cell("closed_on")), _email(cell("email")))


def _text(typed: str) -> str:
    try:
        return reading.text(typed, LONGEST_NAME)
    except reading.Unreadable:
        return ""


def _postcode(typed: str) -> str | None:
    try:
        return reading.postcode(typed)
    except reading.Unreadable:
        return None


def _email(typed: str) -> str | None:
    try:
        return reading.email(typed)
    except reading.Unreadable:
        return None


def _day(typed: str) -> date | None:
    plain = typed.replace("-", "")
    try:
        return date(int(plain[:4]), int(plain[4:6]), int(plain[6:8])) if len(plain) == 8 and plain.isdecimal() else None
    except ValueError:
        return None


def _take(store: Session, service_id: uuid.UUID, batch: Sequence[_Row], report: Report) -> None:
    there = rows_of(service_id, Practice).where(Practice.code.in_([row.code for row in batch]))
    known = {one.code: one for one in store.scalars(there.with_for_update())}
    for row in batch:
        found = known.get(row.code)
        if found is None:
            store.add(
                Practice(
                    service_id=service_id,
                    id=new_id(),
                    code=row.code,
                    name=row.name,
                    name_key=_key(row.name),
                    postcode=row.postcode,
                    email=row.email,
                    closed_on=row.closed_on,
                )
            )
            report.added += 1
        elif _renew(found, row):
            report.changed += 1
        else:
            report.same += 1


def _renew(found: Practice, row: _Row) -> bool:
    before = (found.name, found.postcode, found.closed_on, found.email)
    found.name, found.name_key, found.postcode, found.closed_on = row.name, _key(row.name), row.postcode, row.closed_on
    if row.email and row.email != found.email:
        found.email, found.email_confirmed_at, found.email_confirmed_by = row.email, None, None
    return before != (found.name, found.postcode, found.closed_on, found.email)


def _key(name: str) -> str:
    return reading.search_key(name)[:LONGEST_NAME]


# One by one ----------------------------------------------------------------------------------------------------------


def add(store: Session, actor: Actor, *, code: str, name: str, postcode: str = "") -> Practice:
    """A practice that the list does not have. Where messages to it go by email is said on its own (``confirm_email``).
    Raises ``Refused``, ``NotTaken``, and ``Known`` for a code that is there."""
    access.require(actor, Permission.CHANGE_SERVICE)
    wanted = "".join(code.split()).upper()
    problems = {} if CODE.fullmatch(wanted) else {"code": "unreadable" if wanted else "missing"}
    said = _read_one(name, postcode, problems)
    made = Practice(service_id=actor.service_id, id=new_id(), code=wanted, **said)
    found, new = write_once(store, made, rows_of(actor.service_id, Practice).where(Practice.code == wanted))
    if not new:
        raise Known(found)
    audit.record(store, actor.service_id, actor, "added a practice", "practice", found.id)
    store.flush()
    return found


def correct(
    store: Session, actor: Actor, practice_id: uuid.UUID, version: int, *, name: str, postcode: str, closed: bool
) -> Practice:
    """What the list says of a practice is put right; its code stays, for people are known by it. ``closed``: it is not
    found any more. Raises ``Refused``, ``Gone``, ``Changed``, ``NotTaken``."""
    access.require(actor, Permission.CHANGE_SERVICE)
    found = _held(store, actor, practice_id, version)
    said = _read_one(name, postcode, {})
    found.name, found.name_key, found.postcode = said["name"] or "", said["name_key"] or "", said["postcode"]
    if closed != is_closed(found):
        found.closed_on = today() if closed else None
    audit.record(store, actor.service_id, actor, "put a practice right", "practice", found.id)
    store.flush()
    return found


def is_closed(practice: Practice) -> bool:
    """Whether it has closed, so that it is not found any more."""
    return practice.closed_on is not None and practice.closed_on <= today()


def _read_one(name: str, postcode: str, problems: dict[str, str]) -> dict[str, str | None]:
    said = _text(name)
    if not said:
        problems["name"] = "unreadable" if name.strip() else "missing"
    where = _postcode(postcode) if postcode.strip() else None
    if postcode.strip() and where is None:
        problems["postcode"] = "unreadable"
    if problems:
        raise NotTaken(problems)
    return {"name": said, "name_key": _key(said), "postcode": where}


def _held(store: Session, actor: Actor, practice_id: uuid.UUID, version: int) -> Practice:
    """A practice, held until the end of the transaction, as it was when the page was opened."""
    mine = rows_of(actor.service_id, Practice).where(Practice.id == practice_id)
    found = store.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise Gone
    if found.version != version:
        raise Changed(found)
    return found


# Finding -------------------------------------------------------------------------------------------------------------


def search(
    store: Session, service_id: uuid.UUID, text: str, most: int = 20, *, closed: bool = False
) -> Sequence[Practice]:
    """The practices that are open and fit what was typed: a code, a postcode or its beginning, words of the name.
    ``closed``: also those that have closed."""
    typed = " ".join(text.split())[:100]
    words = reading.search_key(typed).split()[:MOST_WORDS]
    if not typed or not words:
        return ()
    plain = typed.upper().replace(" ", "")
    by_name = and_(*(Practice.name_key.contains(word, autoescape=True) for word in words))
    fits = [Practice.code == plain, by_name]
    if len(plain) >= 2:
        # A postcode is kept with one space before its last three signs; whoever types the first half means all of it.
        begun = f"{plain[:-3]} {plain[-3:]}" if len(plain) > 4 else plain
        fits.append(Practice.postcode.startswith(begun, autoescape=True))
    open_ones = rows_of(service_id, Practice).where(or_(*fits))
    if not closed:
        open_ones = open_ones.where(or_(Practice.closed_on.is_(None), Practice.closed_on > today()))
    return store.scalars(open_ones.order_by(Practice.name_key, Practice.code).limit(most)).all()


ANY_PRACTICE = {
    *("the", "and", "doctor", "doctors", "surgery", "surgeries", "practice", "practices", "medical", "health"),
    *("healthcare", "centre", "center", "clinic", "group", "family", "partners", "partnership"),
}
"""Words that stand in the name of many practices: alone they say nothing."""


def like(store: Session, service_id: uuid.UUID, said: str, most: int = 3) -> Sequence[Practice]:
    """The practices that somebody may mean who called theirs so: those that fit all of it; where none does, those that
    share its own words, the most of them first."""
    if found := search(store, service_id, said, most):
        return found
    words = [word for word in re.findall(r"\w+", reading.search_key(said[:100])) if len(word) > 2]
    own = [word for word in dict.fromkeys(words) if word not in ANY_PRACTICE][:MOST_WORDS]
    if not own:
        return ()
    open_ones = rows_of(service_id, Practice).where(
        or_(*(Practice.name_key.contains(word, autoescape=True) for word in own)),
        or_(Practice.closed_on.is_(None), Practice.closed_on > today()),
    )
    several = store.scalars(open_ones.order_by(Practice.name_key, Practice.code).limit(_BATCH)).all()
    return sorted(several, key=lambda one: -sum(word in one.name_key for word in own))[:most]


def by_code(store: Session, service_id: uuid.UUID, code: str | None) -> Practice | None:
    """The practice with this code."""
    return store.scalar(rows_of(service_id, Practice).where(Practice.code == code)) if code else None


def read(store: Session, actor: Actor, practice_id: uuid.UUID) -> Practice:
    """A practice of the list of the actor's service. Raises ``Gone``."""
    found = store.get(Practice, (actor.service_id, practice_id))
    if found is None:
        raise Gone
    return found


def any_there(store: Session, service_id: uuid.UUID) -> bool:
    """Whether a list has been taken in."""
    return store.scalar(select(Practice.id).where(Practice.service_id == service_id).limit(1)) is not None


# Where a message may go ----------------------------------------------------------------------------------------------


def address_of(practice: Practice | None) -> str:
    """Where messages back may go by email: only an address that a manager has confirmed; else empty."""
    if practice is None or practice.email_confirmed_at is None:
        return ""
    return practice.email or ""


def confirm_email(store: Session, actor: Actor, practice_id: uuid.UUID, email: str, version: int) -> Practice:
    """A manager says that this is the practice's own secure address; empty takes it away. Raises ``Refused``, ``Gone``,
    ``Changed``, and ``reading.Unreadable`` for what is no address."""
    access.require(actor, Permission.CONFIRM_PRACTICES)
    wanted = reading.email(email) if email.strip() else None
    found = _held(store, actor, practice_id, version)
    found.email = wanted
    found.email_confirmed_by, found.email_confirmed_at = (actor.staff_id, now()) if wanted else (None, None)
    act = "confirmed the address of a practice" if wanted else "took the address of a practice away"
    audit.record(store, actor.service_id, actor, act, "practice", found.id)
    store.flush()
    return found
