"""A year in the life of a service: two hundred made-up people, the clock moved day by day, and every message that left
checked against every rule. What the rules ask is worked out here anew, from the rows as they were at the moment of
sending; nothing of the plan is called to judge the plan."""

import hashlib
import random
import re
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from config import Settings
from portal import clock, held, measures, notifications, people, referrals
from portal.access import Actor, Role
from portal.measures import plan
from portal.notifications import NotNow, Outgoing
from portal.store import CheckIn, ContactWay, Message, Referral, Service, ServiceUser, Stores, Task, open_store
from tests import conftest, world
from tests.asked import LONDON, RENDER, with_made_up_words
from tests.test_notifications import banned_in

FIRST_DAY = date(2026, 1, 5)
CLOSED = {
    date(2026, 4, 3),
    date(2026, 4, 6),
    date(2026, 5, 4),
    date(2026, 5, 25),
    date(2026, 8, 31),
    date(2026, 12, 25),
}
NO_ROUNDS = {FIRST_DAY + timedelta(days=number) for number in (40, 41, 42, 43, 200, 201)}
NO_MAIL = {FIRST_DAY + timedelta(days=number) for number in (60, 61, 120, 180, 181, 182)}
LEAST_DAYS, MOST_ASKS, PER_DAYS = 14, 3, 150
OFFERED = ("pl", "ur", "cy")
WAYS = {
    "email": 50,
    "email call": 15,
    "call": 8,
    "text": 6,
    "post": 4,
    "come-back": 5,
    "through-person email": 12,
}
"""The ways that people allow, and how many of a hundred."""

Act = Callable[[Session, Service], None]
FEW = 24
"""People in a year that is only there to show that the checker finds what it is for."""


# --- what is remembered -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sent:
    """One message as it left, beside the rows as they were at that moment."""

    at: datetime
    to: str
    words: notifications.Words
    language: str
    template: str
    referral_status: str
    check_in_id: uuid.UUID | None
    check_in_status: str
    opens_at: datetime
    closes_at: datetime
    theirs: frozenset[uuid.UUID]  # every check-in of the same person
    ways: tuple[tuple[str, str | None, bool, datetime | None], ...]
    reads: str
    pages: str
    names: tuple[str, ...]

    @property
    def day(self) -> date:
        return self.at.astimezone(LONDON).date()

    @property
    def token(self) -> str:
        return str(re.findall(r"/c/(\S+)", self.words.body)[0])


@dataclass
class Year:
    """Everything that happened."""

    stores: Stores
    service_id: uuid.UUID
    rng: random.Random
    merging: float
    last: datetime = datetime.min
    sent: list[Sent] = field(default_factory=list)
    mail_works: bool = True
    answered: set[uuid.UUID] = field(default_factory=set)
    links: list[tuple[str, str, str]] = field(default_factory=list)  # (token, what should happen, what happened)
    merged: set[uuid.UUID] = field(default_factory=set)
    agenda: dict[date, list[Act]] = field(default_factory=lambda: defaultdict(list))
    rows: list[CheckIn] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    ended: set[uuid.UUID] = field(default_factory=set)  # by a worker's word or a planned end

    def send(self, outgoing: Outgoing) -> None:
        """The transport: remembers what leaves, and everything that a rule could ask about it."""
        if not self.mail_works:
            raise NotNow("made up")
        with self.stores.reading.begin() as store:
            message = store.scalars(select(Message).where(Message.id == outgoing.message_id)).one()
            if message.person_id is None:
                return
            status = store.scalar(select(Referral.status).where(Referral.id == message.referral_id))
            named = re.findall(r"^check-in:([0-9a-f-]{36}):", message.once)
            row = store.scalars(select(CheckIn).where(CheckIn.id == uuid.UUID(named[0]))).one() if named else None
            person_id = row.person_id if row else message.person_id
            person = store.get_one(ServiceUser, (message.service_id, person_id))
            ways = store.scalars(select(ContactWay).where(ContactWay.person_id == person_id)).all()
            self.sent.append(
                Sent(
                    at=clock.now(),
                    to=outgoing.to,
                    words=outgoing.words,
                    language=outgoing.language,
                    template=message.template,
                    referral_status=status or "",
                    check_in_id=row.id if row else None,
                    check_in_status=row.status if row else "",
                    opens_at=row.opens_at if row else clock.now(),
                    closes_at=row.closes_at if row else clock.now(),
                    theirs=frozenset(store.scalars(select(CheckIn.id).where(CheckIn.person_id == person_id))),
                    ways=tuple((way.channel, way.address, way.allowed, way.confirmed_at) for way in ways),
                    reads=person.written_language,
                    pages=person.page_language,
                    names=tuple(name for name in (person.first_name, person.family_name) if name),
                )
            )
        if row is not None:
            self._react(self.sent[-1])

    def _react(self, sent: Sent) -> None:
        """What a person does with a message: nothing, an answer, half of one, now or much later."""
        does = self.rng.choices(["nothing", "answer", "half", "late"], [45, 30, 15, 10])[0]
        if does == "nothing":
            return
        wait = self.rng.randint(1, 3) if does != "late" else self.rng.randint(4, 30)
        self.agenda[sent.day + timedelta(days=wait)].append(
            lambda store, service: self._press(store, service, sent, finish=does != "half")
        )

    def _press(self, store: Session, service: Service, sent: Sent, *, finish: bool) -> None:
        row = store.scalars(select(CheckIn).where(CheckIn.id == sent.check_in_id)).one()
        *older, newest = [one.token for one in self.sent if one.check_in_id == sent.check_in_id]
        for token in older:
            if token != sent.token:
                wrong = measures.open_link(store, service.id, token)
                self.links.append((token, "none", "opened" if wrong else "none"))
        alive = row.status in ("ready", "in-progress", "on-hold") and clock.now() < row.closes_at
        used = {token for token, _, happened in self.links if happened == "opened"}
        in_time = clock.now() < sent.at + timedelta(days=14)
        # One that waits for the post, or was refused, has taken the place of the one before as well.
        written = store.scalars(select(Message.id).where(Message.once.startswith(f"check-in:{row.id}:"))).all()
        works = alive and in_time and sent.token == newest and sent.token not in used and len(written) == len(older) + 1
        opened = measures.open_link(store, service.id, sent.token)
        right = opened is not None and opened.id == sent.check_in_id
        self.links.append((sent.token, "opened" if works else "none", "opened" if right else "none"))
        again = measures.open_link(store, service.id, sent.token)
        self.links.append((sent.token, "none", "opened" if again else "none"))
        if opened is not None:
            measures.mark_started(store, opened)
            if finish:
                measures.mark_answered(store, service, opened)
                self.answered.add(opened.id)


# --- living it --------------------------------------------------------------------------------------------------------


@pytest.fixture
def stores(environment: dict[str, str], sqlite_url: str) -> Iterator[Stores]:
    """A year is many thousand transactions: this database forgets to wait for the disk."""
    settings = Settings.from_environment({**environment, "PORTAL_DATABASE_URL": sqlite_url})
    held.hold(settings.secret_key, settings.encryption_keys)
    opened = open_store(settings.database_url)
    event.listen(opened.engine, "connect", lambda dbapi, _: dbapi.execute("PRAGMA synchronous=OFF"))
    yield opened
    opened.engine.dispose()


def lived(stores: Stores, how_many: int, days: int, *, merging: float = 0.12, seed: int = 7) -> Year:
    """So many people over so many days; how many of them turn out to be somebody known already."""
    rng = random.Random(seed)  # noqa: S311 (nothing secret hangs on it)
    with clock.at(at(FIRST_DAY, 9)), stores.writing.begin() as store:
        service = world.a_service(
            store,
            languages=list(OFFERED),
            phone="01632 960 123",
            closed_days=[day.isoformat() for day in sorted(CLOSED)],
            check_ins={"most_asks": MOST_ASKS, "per_days": PER_DAYS, "least_days_between_asks": LEAST_DAYS},
        )
        manager = world.staff_member(store, service, Role.MANAGER).actor
        worker = world.staff_member(store, service).actor
        with_made_up_words(store, service, "pl")
        with_made_up_words(store, service, "ur", "rtl")
        year = Year(stores, service.id, rng, merging)
    for number in range(how_many):
        arrives = rng.randint(0, min(150, days // 2))
        year.agenda[FIRST_DAY + timedelta(days=arrives)].append(Life(year, number, arrives, manager, worker).send)
    for number in range(days):
        one_day(year, FIRST_DAY + timedelta(days=number))
    year.last = at(FIRST_DAY + timedelta(days=days), 0)
    with stores.reading.begin() as store:
        year.rows = list(store.scalars(select(CheckIn)))
        year.tasks = list(store.scalars(select(Task)))
        store.expunge_all()
    return year


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=LONDON)


def one_day(year: Year, day: date) -> None:
    year.mail_works = day not in NO_MAIL
    hours = sorted({10, year.rng.randint(0, 23)}) if year.rng.random() < 0.4 else [10]
    for hour in hours:
        if day not in NO_ROUNDS:
            with clock.at(at(day, hour, year.rng.randint(0, 59))):
                with year.stores.writing.begin() as store:
                    measures.remind(store, store.get_one(Service, year.service_id))
                notifications.deliver(year.stores, year, RENDER)
        if hour == hours[-1] and day in year.agenda:
            with clock.at(at(day, hours[-1], 59)):
                while year.agenda[day]:
                    act = year.agenda[day].pop(0)
                    with year.stores.writing.begin() as store:
                        act(store, store.get_one(Service, year.service_id))


@dataclass(frozen=True)
class Life:
    """One person: who they are, when they come, and what will become of them, drawn as it happens."""

    year: Year
    number: int
    arrives: int
    manager: Actor
    worker: Actor

    def on(self, day: int, act: Act, chance: float = 1) -> None:
        """Perhaps something happens so many days after the first."""
        if self.year.rng.random() < chance:
            self.year.agenda[FIRST_DAY + timedelta(days=day)].append(act)

    def send(self, store: Session, service: Service) -> None:
        """They send the form."""
        rng = self.year.rng
        ways = rng.choices(list(WAYS), list(WAYS.values()))[0].split()
        answers = {
            "safe_ways": ways,
            "email": f"person-{self.number}@inbox.example",
            "first_name": f"Zofia{self.number}",
            "written_language": rng.choices(["en", "pl", "ur", "cy", "ar"], [60, 12, 10, 8, 10])[0],
            "share_onward": "yes",
            "meeting_place": "the library",
        }
        referral = world.a_referral(store, service, language=rng.choice(["en", "pl", "ur"]), answers=answers)
        one, person_id = referral.id, referral.person_id
        self.on(self.arrives + rng.choice([1, 1, 1, 30]), lambda store, _: confirm(store, self.worker, person_id), 0.85)
        decided = self.arrives + rng.randint(1, 20)
        fates: dict[str, Act] = {
            "accept": lambda store, service: self.accepted(store, service, one, person_id, decided),
            "decline": lambda store, service: decline(store, service, self.worker, one),
            "pass-on": lambda store, service: pass_on(store, service, self.worker, one),
            "withdraw": lambda store, service: withdraw(store, service, one),
            "wait": lambda store, service: None,
        }
        self.on(decided, fates[rng.choices(list(fates), [86, 4, 3, 3, 4])[0]])

    def accepted(self, store: Session, service: Service, one: uuid.UUID, person_id: uuid.UUID, decided: int) -> None:
        """Somebody takes their case; later they may leave it, change their mind, be asked by hand …"""
        year, day = self.year, year_day(self.year, decided)
        referrals.accept(store, service, self.worker, one)
        self.on(day(1, 200), lambda store, service: withdraw(store, service, one), 0.25)
        self.on(day(1, 100), lambda store, service: change_mind(store, service, person_id), 0.12)
        self.on(day(3, 120), lambda store, _: say_why(store, year, self.worker, one), 0.15)
        self.on(day(1, 120), lambda store, _: ask_by_hand(store, self.worker, one), 0.25)
        self.on(day(10, 50), lambda store, _: plan_end(store, year, self.worker, one), 0.1)
        self.on(day(1, 90), lambda store, _: merge(store, year, self.manager, person_id), year.merging)


def year_day(year: Year, after: int) -> Callable[[int, int], int]:
    return lambda soonest, latest: after + year.rng.randint(soonest, latest)


def confirm(store: Session, worker: Actor, person_id: uuid.UUID) -> None:
    for way in people.ways_of(store, worker.service_id, person_id):
        if way.channel == "email" and way.allowed:
            people.confirm_way(store, worker, way.id)


def decline(store: Session, service: Service, worker: Actor, referral_id: uuid.UUID) -> None:
    referrals.decline(store, service, worker, referral_id, reason="outside-area", text="", word="We are sorry.")


def pass_on(store: Session, service: Service, worker: Actor, referral_id: uuid.UUID) -> None:
    referrals.pass_on(store, service, worker, referral_id, to="Others", reason="Nearer", word="They will call.")


def withdraw(store: Session, service: Service, referral_id: uuid.UUID) -> None:
    referral = store.get_one(Referral, (service.id, referral_id))
    referrals.withdraw(store, service, referral.person_id, referral_id)


def change_mind(store: Session, service: Service, person_id: uuid.UUID) -> None:
    people.correct(store, service, person_id, {"safe_ways": ["call"], "phone": "07700 900123"})


def say_why(store: Session, year: Year, worker: Actor, referral_id: uuid.UUID) -> None:
    for row in measures.of_referral(store, worker.service_id, referral_id):
        if row.handed_to_staff_at and row.status in ("ready", "in-progress"):
            why = year.rng.choice(["declined", "moved", "died"])
            measures.say_why_not(store, worker, row.id, why)
            year.ended.update(store.scalars(select(CheckIn.id).where(CheckIn.why_not == why)))


def ask_by_hand(store: Session, worker: Actor, referral_id: uuid.UUID) -> None:
    for row in measures.of_referral(store, worker.service_id, referral_id):
        try:
            measures.ask_now(store, worker, row.id)
        except measures.NotPossible:
            continue


def plan_end(store: Session, year: Year, worker: Actor, referral_id: uuid.UUID) -> None:
    if store.get_one(Referral, (worker.service_id, referral_id)).status != "accepted":
        return
    measures.plan_end(store, worker, referral_id, clock.today() + timedelta(days=10))
    rows = measures.of_referral(store, worker.service_id, referral_id)
    year.ended.update(one.id for one in rows if one.why_not == "not-due")


def merge(store: Session, year: Year, manager: Actor, person_id: uuid.UUID) -> None:
    """The person turns out to be somebody we know already; a third of the time that was a mistake."""
    others = [
        one.id
        for one in store.scalars(select(ServiceUser).order_by(ServiceUser.id))
        if one.merged_into is None and one.id != person_id
    ]
    try:
        done = people.merge(store, manager, year.rng.choice(others), person_id)
    except people.NotMergeable:
        return
    year.merged.update((done.kept_id, done.merged_id))
    merge_id = done.id
    if year.rng.random() < 0.33:
        back = clock.today() + timedelta(days=year.rng.randint(1, 60))
        year.agenda[back].append(lambda store, _: undo(store, manager, merge_id))


def undo(store: Session, manager: Actor, merge_id: uuid.UUID) -> None:
    try:
        people.undo_merge(store, manager, merge_id)
    except people.NotMergeable:
        return


# --- the rules, worked out anew ---------------------------------------------------------------------------------------


def problems(year: Year) -> Iterator[str]:
    """Everything that went against a rule."""
    asked: dict[uuid.UUID, list[Sent]] = defaultdict(list)
    days: dict[tuple[str, date], list[Sent]] = defaultdict(list)
    for sent in year.sent:
        if "code" in sent.template:
            continue
        if sent.check_in_id is not None:
            yield from in_itself(sent)
            yield from among_others(sent, asked, days)
            asked[sent.check_in_id].append(sent)
        days[sent.to, sent.day].append(sent)
    for token, should, did in year.links:
        if should != did:
            yield f"link: {token[:5]} should have {should}, and has {did}"
    yield from at_the_end(year, asked)


def in_itself(sent: Sent) -> Iterator[str]:
    """What one message must be, whatever went before."""
    own = [way for way in sent.ways if way[0] == "email" and way[1] == sent.to]
    if not any(allowed and confirmed is not None and confirmed <= sent.at for _, _, allowed, confirmed in own):
        yield f"contact: {sent.to} was written to on {sent.day}, and had not allowed it"
    if sent.referral_status != "accepted":
        yield f"case: {sent.to} was written to, and the case was {sent.referral_status}"
    if sent.check_in_status not in ("ready", "in-progress"):
        yield f"over: {sent.to} was asked for what was {sent.check_in_status}"
    if not sent.opens_at <= sent.at < sent.closes_at:
        yield f"window: {sent.to} was asked on {sent.day}, outside {sent.opens_at} to {sent.closes_at}"
    clock_time = sent.at.astimezone(LONDON)
    if clock_time.weekday() > 4 or not 9 <= clock_time.hour < 17 or sent.day in CLOSED:
        yield f"hours: {sent.to} was written to at {clock_time}"
    expected = sent.reads if sent.reads in ("en", *OFFERED) else sent.pages
    if sent.language != expected or f"/{expected}/c/{sent.token}\n" not in sent.words.body:
        yield f"language: {sent.to} reads {expected}, and was written to in {sent.language}"
    if len(sent.token) < 43 or len(set(re.findall(r"/c/(\S+)", sent.words.body))) != 1:
        yield f"link: {sent.to} was sent no link, or more than one"
    said = f"{sent.words.subject}\n{sent.words.body}".replace(sent.token, "")
    said = re.sub(r"https://refer\.example\.org/\S*", "", said)
    if any(name in said for name in sent.names) or [*banned_in(said, sent.language), *banned_in(said, "en")]:
        yield f"words: {said!r}"


def among_others(
    sent: Sent, asked: dict[uuid.UUID, list[Sent]], days: dict[tuple[str, date], list[Sent]]
) -> Iterator[str]:
    """What one message must be beside those before it."""
    if days[sent.to, sent.day] or any(
        before.day == sent.day for other in sent.theirs for before in asked.get(other, [])
    ):
        yield f"one a day: {sent.to} heard twice on {sent.day}"
    assert sent.check_in_id is not None
    same = asked.get(sent.check_in_id, [])
    if [one.template for one in [*same, sent]] != ["check-in-due", *["check-in-reminder"] * len(same)]:
        yield f"order: {sent.to} got {[one.template for one in [*same, sent]]}"
    if len(same) > 2:
        yield f"reminders: {sent.to} was reminded {len(same)} times"
    if sent.token in {one.token for one in same}:
        yield f"link: {sent.to} was sent the same link twice"
    if same:
        return
    others = [one for other in sent.theirs - {sent.check_in_id} for one in asked.get(other, [])]
    if any(sent.at - one.at < timedelta(days=LEAST_DAYS) for one in others):
        yield f"cap: {sent.to} was asked for something new {LEAST_DAYS} days after the last at the soonest"
    firsts = [asked[other][0].at for other in sent.theirs - {sent.check_in_id} if asked.get(other)]
    recent = sum(sent.at - first < timedelta(days=PER_DAYS) for first in firsts)
    if recent >= MOST_ASKS:
        yield f"cap: {sent.to} was asked {recent + 1} times in {PER_DAYS} days"


def at_the_end(year: Year, asked: dict[uuid.UUID, list[Sent]]) -> Iterator[str]:
    """Nobody is forgotten: what was not answered ended in a task or with a reason."""
    about: dict[uuid.UUID, list[Task]] = defaultdict(list)
    with year.stores.reading.begin() as store:
        once = {message.id: message.once for message in store.scalars(select(Message))}
        cases = {one.id: (one.status, one.person_id) for one in store.scalars(select(Referral))}
    for task in year.tasks:
        for found in re.findall(r"[0-9a-f-]{36}", f"{task.once} {once.get(task.message_id or uuid.UUID(int=0), '')}"):
            about[uuid.UUID(found)].append(task)
    for row in year.rows:
        status, person_id = cases[row.referral_id]
        yield from of_one(year, row, status, asked.get(row.id, []), about[row.id])
        if row.why_not == "not-due" and row.id not in year.ended and not excused(year, row, person_id, asked):
            yield f"forgotten: {row.id} was not asked for, and there is no reason to be seen"


def of_one(year: Year, row: CheckIn, case: str, sent: list[Sent], about: list[Task]) -> Iterator[str]:
    """How one check-in must stand in the end."""
    done = row.status in ("completed", "cancelled")
    goes_on = case in ("submitted", "accepted")
    silent = len(sent) == 3 and year.last > sent[-1].at + timedelta(days=12)  # some days of which may be closed
    cared_for = bool(about) or row.closes_at <= sent[-1].at + timedelta(days=12) if silent else True
    wrong = {
        f"answers: it is {row.status}": (row.status == "completed") != (row.id in year.answered),
        "forgotten: it ended without a reason": row.status == "cancelled" and row.why_not not in measures.WHY_NOT,
        "forgotten: its window is over": goes_on and not done and row.closes_at <= year.last - timedelta(days=7),
        "case: it goes on, and the case does not": not goes_on and not done,
        "tasks: it is over, and somebody still has a task": done and any(task.done_at is None for task in about),
        "forgotten: nobody was asked": row.why_not in ("not-reached", "not-finished") and not (sent or about),
        "forgotten: asked three times, and then no worker": not cared_for
        and (not done or row.why_not in ("not-reached", "not-finished")),
    }
    for problem, holds in wrong.items():
        if holds:
            yield f"{problem} ({row.occasion} {row.number}, {row.status}, {row.why_not}, case {case})"


def excused(year: Year, row: CheckIn, person_id: uuid.UUID, asked: dict[uuid.UUID, list[Sent]]) -> bool:
    """Whether there is a reason why nobody was asked: two records that were one, the cap, or nothing to ask."""
    if person_id in year.merged:
        return True
    theirs = [one for other in year.rows if other.person_id == person_id for one in asked.get(other.id, [])[:1]]
    return sum(row.due_at - timedelta(days=PER_DAYS) < one.at < row.closes_at for one in theirs) >= MOST_ASKS


# --- the year ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_in_a_year_of_many_people_no_message_breaks_a_rule_and_nobody_is_forgotten(stores: Stores) -> None:
    people = 200 if conftest.DEEP else 90
    year = lived(stores, people, 365)
    found = list(problems(year))
    assert found == [], f"{len(found)} problems, such as {found[:5]}"
    asked = Counter(sent.template for sent in year.sent)
    assert asked["check-in-due"] > people
    assert asked["check-in-reminder"] > people
    # Everything that the year is for has really happened.
    assert {sent.language for sent in year.sent if sent.check_in_id} == {"en", "pl", "ur"}
    assert {row.status for row in year.rows} >= {"ready", "completed", "cancelled"}
    reasons = {row.why_not for row in year.rows if row.why_not}
    assert reasons >= {"not-reached", "not-finished", "not-due", "closed", "withdrawn", "declined", "moved", "died"}
    kinds = {task.kind for task in year.tasks}
    assert kinds >= {"check-in-not-back", "tell-the-person"}
    whys = {task.details.get("why") for task in year.tasks}
    assert whys >= {"language", "no-answer"}
    assert {happened for _, _, happened in year.links} == {"opened", "none"}
    assert len(year.merged) > people // 20
    digests = {hashlib.sha256(sent.token.encode()).hexdigest() for sent in year.sent if sent.check_in_id}
    assert len(digests) == asked["check-in-due"] + asked["check-in-reminder"]


def always(answer: Any) -> Callable[..., Any]:
    return lambda *_, **__: answer


def remind_on(store: Session, service: Service, one: plan._Open, why: str) -> int:
    more = plan._written(store, one.check_in) < plan.MOST_MESSAGES
    return plan._write(store, service, one.check_in) if more else 0


BROKEN: dict[str, tuple[list[tuple[str, Any]], str]] = {
    "safe contact": (
        [("notifications._allows", lambda way, template: way.channel == "email" and bool(way.address))],
        "contact",
    ),
    "opening hours": (
        [("services.is_open", always(True)), ("services.next_opening", lambda settings, moment: moment)],
        "hours",
    ),
    "one message a day": ([("measures.plan._told_today", always(False))], "one a day"),
    "the cap": (
        [("measures.plan._not_now", lambda store, _, row: "today-already" if plan._told_today(store, row) else "")],
        "cap",
    ),
    "the end of a window": (
        [
            ("measures.plan._end_what_is_over", always(False)),
            ("measures.plan._hand_over", remind_on),
        ],
        "window",
    ),
    "the end of a case": (
        [("measures.plan._end_what_is_over", always(False)), ("measures.stop", always(0))],
        "case",
    ),
    "two reminders": (
        [("measures.plan._hand_over", remind_on)],
        "reminders",
    ),
    "the language": ([("notifications.language_for", always("en"))], "language"),
    "links that die": ([("measures.links.cancel_links", always(None))], "link"),
    "the task at the end": ([("tasks.add", always(None))], "forgotten"),
}


@pytest.mark.slow
@pytest.mark.parametrize("rule", BROKEN)
def test_the_checker_finds_a_rule_that_is_broken(stores: Stores, monkeypatch: pytest.MonkeyPatch, rule: str) -> None:
    patches, kind = BROKEN[rule]
    for where, instead in patches:
        monkeypatch.setattr(f"portal.{where}", instead)
    found = list(problems(lived(stores, FEW, 90, merging=0.8)))
    assert kind in {problem.partition(":")[0] for problem in found}, found[:5]


@pytest.mark.slow
def test_the_checker_finds_nothing_in_the_same_small_year_when_no_rule_is_broken(stores: Stores) -> None:
    assert list(problems(lived(stores, FEW, 90, merging=0.8))) == []
