"""A store with very many made-up cases, written by fast inserts through the same tables and types as the portal's own.

The shares are those of a service that has worked for years: most cases are closed, a worker has some 35 open ones, and
the staff grows with the cases. What a person typed is taken from one form that was really filled in and sent.
"""

import itertools
import random
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import JSON, Boolean, Connection, Date, Integer, Uuid, insert
from sqlalchemy.orm import Session

from portal import codes, people
from portal.access import Role
from portal.clock import now, today
from portal.store import (
    AccessNeed,
    Alert,
    AlertEvent,
    AuditEvent,
    Base,
    CarePlan,
    CaseNote,
    CheckIn,
    Closure,
    Contact,
    ContactWay,
    Goal,
    Letter,
    Message,
    NamePart,
    Onward,
    Permission,
    PlanAction,
    Record,
    Referral,
    ReferralChange,
    ReferralNeed,
    Risk,
    Service,
    ServiceUser,
    Staff,
    Stores,
    Task,
)
from portal.store.database import UTCDateTime
from tests.world import Member, a_referral, a_service, person_of, staff_member

OPEN_PER_WORKER = 35
STATUSES = {"active": 8, "accepted": 2, "on-hold": 1, "submitted": 3, "closed": 82, "not-eligible": 2, "passed-on": 2}
"""In a hundred cases."""
LANGUAGES = {"en": 70, "ur": 6, "pl": 6, "ar": 5, "bn": 4, "pa": 3, "so": 2, "ro": 2, "cy": 1.5, "fa": 0.5}
NEEDS = ("loneliness", "mood-stress", "money", "housing", "work-learning", "caring", "other")
OPEN_ALERTS = 30
UNOPENED_ALERTS = 3
"""Alerts are opened within hours: how many wait does not grow with the years."""
AT_ONCE = 2_000


@dataclass(frozen=True)
class Filled:
    """What was made: who looks, and ids to look at."""

    worker: Member
    manager: Member
    own: tuple[str, ...]
    alerts: tuple[str, ...]
    names: tuple[str, ...]
    beginnings: tuple[str, ...]
    births: tuple[str, ...]
    reference: str


class _Rows:
    """Rows for many tables, written together, parents first."""

    def __init__(self, store: Session) -> None:
        self.store = store
        self.waiting: dict[type[Base], list[dict[str, Any]]] = {}

    def add(self, table: type[Record], **given: Any) -> Any:
        """A row of which only what matters is given; what must not be empty is made up. Its id."""
        if "id" not in given:
            given["id"] = _new_id()
        self.waiting.setdefault(table, []).append({**_made_up(table), **given})
        return given["id"]

    def write(self) -> None:
        """Everything that waits, parents first; to PostgreSQL by COPY, without its looking up each parent again."""
        connection = self.store.connection()
        fast = connection.dialect.name == "postgresql"
        if fast:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        order = [table.name for table in Base.metadata.sorted_tables]
        for table in sorted(self.waiting, key=lambda one: order.index(one.__tablename__)):
            keys = sorted({key for row in self.waiting[table] for key in row})
            rows = [{key: row.get(key) for key in keys} for row in self.waiting[table]]
            if fast:
                _copy(connection, table, keys, rows)
            else:
                self.store.execute(insert(table.__table__), rows)  # type: ignore[arg-type]
        self.waiting.clear()


def _copy(connection: Connection, table: type[Base], keys: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    columns = [table.__table__.columns[key] for key in keys]
    ways = [column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect) for column in columns]
    names = ", ".join(f'"{column.name}"' for column in columns)
    cursor: Any = connection.connection.cursor()
    with cursor.copy(f'COPY "{table.__tablename__}" ({names}) FROM STDIN') as copy:
        for row in rows:
            both = zip(keys, ways, strict=True)
            copy.write_row([way(row[key]) if way and row[key] is not None else row[key] for key, way in both])


_numbers = itertools.count(1)
_ids = itertools.count(uuid.UUID("019f0000-0000-7000-8000-000000000000").int, 7_919)


def _new_id() -> uuid.UUID:
    """One id after the other, as in life, only faster."""
    return uuid.UUID(int=next(_ids))


_KNOWN: dict[type[Base], tuple[dict[str, Any], tuple[str, ...]]] = {}
_KINDS: tuple[tuple[type[Any], Any], ...] = (
    (JSON, {}),
    (UTCDateTime, now()),
    (Date, today()),
    (Boolean, False),
    (Integer, 1),
)


def _made_up(table: type[Record]) -> dict[str, Any]:
    """Something for every column that may not be empty: the table's own default, or what its type allows; a number as
    text where it may have to be unlike all others."""
    if table not in _KNOWN:
        row: dict[str, Any] = {}
        texts = []
        for column in table.__table__.columns:
            if column.nullable or isinstance(column.type, Uuid):
                continue
            if column.default is not None:
                value = column.default.arg
                row[column.key] = value(None) if callable(value) else value
            elif found := [value for kind, value in _KINDS if isinstance(column.type, kind)]:
                row[column.key] = found[0]
            else:
                texts.append(column.key)
        _KNOWN[table] = (row, tuple(texts))
    known, texts_of = _KNOWN[table]
    return {**known, **{key: f"{next(_numbers):09d}" for key in texts_of}}


def fill(stores: Stores, cases: int, seed: int = 7) -> Filled:
    """A service with this many cases."""
    chance = random.Random(seed)  # noqa: S311  # the same world in each run, no secret
    with stores.writing.begin() as store:
        service = a_service(store, phone="01632 960001")
        manager = staff_member(store, service, Role.MANAGER, name="Moss")
        worker = staff_member(store, service, name="Amina")
        for member in (manager, worker):
            store.get_one(Staff, (service.id, member.actor.staff_id)).team = "Team 0"
        template = a_referral(
            store, service, safe_ways=["call", "email"], share_gp="yes", share_onward="yes", needs=["loneliness"]
        )
        made = _Making(store, service, template, chance, cases)
        made.staff(worker, manager)
        while made.number < cases:
            for _ in range(min(AT_ONCE, cases - made.number)):
                made.case()
            made.rows.write()
        return Filled(
            worker,
            manager,
            tuple(made.own[:60]),
            tuple(made.alerts[:30]),
            tuple(made.names[:200]),
            _beginnings(made.names),
            tuple(made.births[:200]),
            made.reference,
        )


class _Making:
    def __init__(self, store: Session, service: Service, template: Referral, chance: random.Random, cases: int) -> None:
        self.store, self.service, self.template, self.chance, self.cases = store, service, template, chance, cases
        self.rows, self.number = _Rows(store), 0
        self.person = _values(person_of(store, template))
        self.ways = [_values(way) for way in people.ways_of(store, service.id, template.person_id)]
        self.referral = _values(template)
        self.workers: list[Any] = []
        self.own: list[str] = []
        self.alerts: list[str] = []
        self.names: list[str] = []
        self.births: list[str] = []
        self.reference = ""
        # Names as they are spread among people: a few are very common, most are rare.
        self.first = [f"{_syllables(n)}" for n in range(2_000)]
        self.family = [f"{_syllables(n * 7 + 3)}son" for n in range(8_000)]

    def add(self, table: type[Record], **given: Any) -> Any:
        return self.rows.add(table, **{"service_id": self.service.id, **given})

    def staff(self, worker: Member, manager: Member) -> None:
        """Workers in teams of eight, the one who looks in the first of them."""
        like = _values(self.store.get_one(Staff, (self.service.id, worker.actor.staff_id)))
        self.workers = [worker.actor.staff_id]
        for number in range(1, max(2, self.cases * 11 // 100 // OPEN_PER_WORKER)):
            mine = {"email": f"bench-{number}@staff.example", "name": f"Worker {number}", "team": f"Team {number // 8}"}
            self.workers.append(self.add(Staff, **like | {"id": _new_id()} | mine))
        self.rows.write()
        self.manager = manager.actor.staff_id

    def case(self) -> None:
        """A person and everything that hangs on them."""
        chance, number = self.chance, self.number
        self.number += 1
        status = _one_of(chance, STATUSES)
        worked_on = status in Referral.OPEN
        ago = timedelta(days=chance.randint(0, 20 if status == "submitted" else 120 if worked_on else 1_500))
        sent = now() - ago - timedelta(seconds=chance.randint(0, 80_000))
        first = self.first[int(len(self.first) * chance.random() ** 3)]
        family = self.family[int(len(self.family) * chance.random() ** 3)]
        person_id, referral_id, reference = _new_id(), _new_id(), codes.new_reference()
        worker = None if status == "submitted" else chance.choice(self.workers)
        self._person(person_id, first, family)
        reached = None if status in ("submitted", "not-eligible") or chance.random() < 0.1 else sent + ago / 3
        due = today() + timedelta(days=chance.randint(-10, 30)) if worked_on and chance.random() < 0.8 else None
        self.add(
            Referral,
            **self.referral
            | {
                "id": referral_id, "person_id": person_id, "reference": reference, "status": status,
                "sent_key_hash": codes.digest(str(number)), "draft_id": _new_id(),
                "answers": self.referral["answers"] | {"first_name": first, "family_name": family},
                "assigned_to": worker, "decided_by": worker, "decided_at": sent + ago / 5 if worker else None,
                "created_at": sent, "referred_at": sent, "due_at": sent + timedelta(days=15), "next_due": due,
                "first_attempt_at": reached, "first_contact_at": reached,
                "last_contact_at": sent + ago * chance.uniform(0.4, 1) if reached else None,
                "attempts": 0 if reached else chance.randint(0, 4),
                "closed_at": sent + ago * 0.9 if status == "closed" else None,
                "next_step": "Ring about the walking group." if due else None,
            },
        )  # fmt: skip
        hangs = {"person_id": person_id, "referral_id": referral_id}
        for need in chance.sample(NEEDS, chance.randint(1, 3)):
            self.add(ReferralNeed, referral_id=referral_id, need=need)
        self.add(ReferralChange, referral_id=referral_id, was=None, became="submitted")
        self._messages_and_audit(hangs, referral_id, sent, worker)
        if worker and status not in ("not-eligible", "passed-on"):
            self._work(hangs, status, sent, ago, worker)
        self._alerts_and_tasks(hangs, reference, sent, worker)
        if worked_on and worker == self.workers[0]:
            self.own.append(str(referral_id))
        self.names.append(f"{first} {family}")
        self.reference = reference

    def _person(self, person_id: Any, first: str, family: str) -> None:
        key = f"{first} {family}".lower()
        born = date(1925 + self.chance.randint(0, 80), 1 + self.number % 12, 1 + self.number % 28).isoformat()
        self.births.append(f"{first} {family} {born}")
        self.add(
            ServiceUser,
            **self.person
            | {
                "id": person_id, "first_name": first, "family_name": family, "name_key": key,
                "born": born,
                "spoken_language": _one_of(self.chance, LANGUAGES),
                "interpreter": "spoken" if self.chance.random() < 0.08 else "no",
                "gp_practice_code": None if self.chance.random() < 0.3 else "A81001",
            },
        )  # fmt: skip
        for part in (first.lower(), family.lower()):
            self.add(NamePart, person_id=person_id, part=part)
        for way in self.ways:
            theirs = f"+4477009{self.number:05d}" if way["channel"] == "call" else f"p{self.number}@inbox.example"
            where = {"address": theirs, "address_key": people.address_key(theirs)}
            self.add(ContactWay, **way | {"id": _new_id(), "person_id": person_id} | where)
        for kind in people.SHARING:
            self.add(Permission, person_id=person_id, kind=kind, decision="given", given_by="person", language="en")

    def _messages_and_audit(self, hangs: Mapping[str, Any], referral_id: Any, sent: Any, worker: Any) -> None:
        self.add(
            Message, **hangs, template="referral-received", channel="email", language="en", state="sent",
            once=f"received:{referral_id}", run_at=sent, sent_at=sent,
        )  # fmt: skip
        for act in ("submitted a referral", *(["read a referral"] * 3 if worker else [])):
            self.add(
                AuditEvent, act=act, about="referral", about_id=referral_id, actor_id=worker, actor_kind="staff",
                details={}, mac="0" * 64, created_at=sent,
            )  # fmt: skip

    def _work(self, hangs: Mapping[str, Any], status: str, sent: Any, ago: timedelta, worker: Any) -> None:
        chance, by = self.chance, {"recorded_by": worker}
        for number in range(chance.randint(1, 6)):
            self.add(
                Contact, **hangs, **by, once=str(_new_id()), happened_at=sent + ago * number / 7, worker_id=worker,
                direction="out", outcome="spoke", mechanism="telephone", with_whom=["person"], results=[],
                notes="We talked about the group.",
            )  # fmt: skip
        if chance.random() < 0.6:
            self.add(Risk, **hangs, **by, kind="none-known", started=sent.date())
        if chance.random() < 0.2:
            self.add(
                AccessNeed, person_id=hangs["person_id"], category="format", need="large-print", need_of="self",
                review_due=today() + timedelta(days=chance.randint(-20, 300)),
            )  # fmt: skip
        if chance.random() < 0.3:
            self.add(CaseNote, **hangs, words="Prefers mornings.", written_by=worker)
        if chance.random() < 0.5:
            agreed = sent + ago / 2
            self.add(CarePlan, **hangs, agreed="yes", agreed_at=agreed, agreed_by="person", review_due=agreed.date())
            goal = self.add(Goal, **hangs, need="loneliness", words="To meet people.", language="en")
            self.add(
                PlanAction, **hangs, goal_id=goal, words="Go once.", who="person", status="planned",
                due=today() + timedelta(days=chance.randint(-30, 60)) if status == "active" else None,
            )  # fmt: skip
        if chance.random() < 0.4:
            self.add(
                Onward, **hangs, once=str(_new_id()), kind="signpost", activity_name="Walking group",
                need="loneliness", made_on=sent.date(), made_by=worker, shared={}, status="attending", barriers=[],
                status_on=sent.date(), check_due=today() if status == "active" and chance.random() < 0.2 else None,
            )  # fmt: skip
        for number, occasion in enumerate(("baseline", "review", "closure")):
            at = sent + timedelta(days=60 * number)
            done = at < now()
            self.add(
                CheckIn, **hangs, occasion=occasion, number=1, scales=["ons4"], opens_at=at, due_at=at,
                closes_at=at + timedelta(days=28), status="completed" if done else "ready",
                completed_at=at if done else None, asked_at=at if done else None,
            )  # fmt: skip
        if status == "closed":
            self.add(
                Closure, **hangs, reason="completed", outcomes={}, closed_at=sent + ago * 0.9, closed_by=worker,
                retention_review_due=today() + timedelta(days=900),
            )  # fmt: skip
            state = "waiting" if chance.random() < 0.01 else "sent"
            self.add(Letter, **hangs, recipient="gp", occasion="closing", state=state)

    def _alerts_and_tasks(self, hangs: Mapping[str, Any], reference: str, sent: Any, worker: Any) -> None:
        chance, owner = self.chance, worker or self.manager
        waits = len(self.alerts) < OPEN_ALERTS + UNOPENED_ALERTS and self.number % 25 == 0
        if waits or chance.random() < 0.03:
            owner = self.workers[0] if waits else owner
            opened = None if waits and len(self.alerts) < UNOPENED_ALERTS else sent
            alert = self.add(
                Alert, **hangs, form_id=_new_id(), reference=reference, question="urgency", answer="not-safe",
                rule="not-safe", position="duty", owner_id=owner, due_at=sent, opened_at=opened,
                opened_by=opened and owner,
                closed_at=None if waits else sent, closed_by=None if waits else owner,
                what_was_done=None if waits else "Rang; safe.", created_at=sent,
            )  # fmt: skip
            self.add(AlertEvent, alert_id=alert, what="raised", answer="not-safe")
            if waits:
                self.alerts.append(str(alert))
        for number, done in enumerate((True, chance.random() > 0.03)):
            self.add(
                Task, **hangs, kind="tell-the-person", once=str(_new_id()),
                details={"template": "referral-received"}, due_at=sent + timedelta(days=number),
                done_at=sent if done else None, assigned_to=worker,
            )  # fmt: skip


def _values(row: Base) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


def _one_of(chance: random.Random, shares: Mapping[str, float]) -> str:
    return chance.choices(list(shares), list(shares.values()))[0]


def _syllables(number: int) -> str:
    made: Iterator[str] = (
        "bcdfghjklmnprstvwz"[number // step % 18] + "aeiou"[number // step % 5] for step in (1, 18, 324)
    )
    return "".join(made).capitalize()


def _beginnings(names: Sequence[str]) -> tuple[str, ...]:
    """The beginnings of names under which a whole page of people is found, however many there are: two letters of each
    part in a large store, one in a smaller one, one of the first part alone in a small one. A page of many is compared
    with a page of many."""
    for letters, most in ((2, 9), (1, 9), (1, 1)):
        found = Counter(" ".join(part[:letters] for part in name.split()[:most]) for name in names)
        if many := [typed for typed, times in found.items() if times >= people.MOST_FOUND]:
            return tuple(many)
    return tuple(found)
