"""The working days of made-up link workers: every third day they work through their own Today, line by line, as the
page shows it. On the last one they leave a few lines of every kind, for whoever opens the demonstration.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from portal import accounts, alerts, clock, codes, measures, services, tasks
from portal.access import Actor, Role
from portal.caseload import access_needs, closing, listing, onward, reach, risks, today, views
from portal.caseload.today import TodayLine
from portal.demo import places, written
from portal.demo.fates import Person
from portal.demo.feeling import Feeling
from portal.demo.helping import TRIES, Case, Helping
from portal.demo.keys import FORMER, STAFF
from portal.demo.past import Act, Past
from portal.i18n import LONDON, speaking
from portal.services import texts
from portal.store import Referral, Service
from portal.tasks import Kind

LEFT_OVER: Mapping[str, int] = {"given": 1, "check-in": 1, "message": 0, "task": 1}
"""How many lines of a kind the last working day leaves, beside those of the cases in STAY."""

STAYS_FOR = timedelta(days=6)
"""So long before the end nobody works on those cases that are to show something any more."""
MOST_LOOKS = 4
"""So often Today is looked at in one sitting: a list that was cut shows its next lines then."""
NEWS_STAYS_FOR = timedelta(days=25)
STAY = ("given", "in-vain", "hold", "ends", "asks-again", "worry", "triage")

FORMER_LEAVES = timedelta(days=16)
_TASKS = (Kind.TELL_THE_PERSON, Kind.UNFINISHED_FORM, Kind.MESSAGE_FAILED, Kind.DETAILS_CHANGED, Kind.PERSON_WITHDREW)
"""What a link worker says is done, some days after it was asked for."""


class Working:
    """What the staff do, put into the order of the past."""

    def __init__(self, past: Past, feeling: Feeling, seed: int) -> None:
        self.past, self.feeling = past, feeling
        self.helping = Helping(past, seed)
        self.chance = self.helping.chance
        self.cases: dict[uuid.UUID, Case] = {}

    # Before anybody comes --------------------------------------------------------------------------------------------

    def prepare(self, store: Session) -> None:
        """Two teams, the service's own words, ways of looking at the caseload."""
        manager, administrator = self.past.one_of(Role.MANAGER), self.past.one_of(Role.ADMINISTRATOR)
        for one in (*STAFF, FORMER):
            if one.team:
                accounts.move_to_team(store, administrator, self.past.actors[one.email].staff_id, one.team)
        for place, words in written.TEXTS.items():
            texts.write(store, manager, place, "en", words, number=0)
        lin = self.past.one_of(Role.LINK_WORKER)
        views.keep(store, lin, "With an interpreter", listing.Asked(interpreter=listing.INTERPRETER).as_codes())
        views.keep(store, lin, "Not reached yet", listing.Asked(waiting="not-reached", sort="waiting").as_codes())

    def open_directory(self) -> None:
        """What is near."""
        places.open_up(self.past.stores, self.past.one_of(Role.MANAGER))

    def plan(self) -> None:
        """Every working day on which somebody sits down, the last one first."""
        days: list[date] = []
        day = self.past.ends.astimezone(LONDON).date()
        while len(days) < 70 and day > self.past.begins.astimezone(LONDON).date():
            if services.open_on(self.past.settings, day) and self.past.desk(day) < self.past.ends:
                days.append(day)
            day -= timedelta(days=1)
        for number, one in enumerate((*STAFF[:2], FORMER)):
            for place, day in enumerate(days):
                if place % 3 == 0:
                    self.past.at(self.past.desk(day, number), self._sits_down(one.email, last=place == 0))
        self.past.at(self.past.working(self.past.ends - FORMER_LEAVES, 60, 90), self._leaves())

    def _leaves(self) -> Act:
        def act(store: Session, _service: Service) -> None:
            gone = self.past.actors.pop(FORMER.email)
            accounts.leave(store, self.past.one_of(Role.ADMINISTRATOR), gone.staff_id)
            self.feeling.worker_left(gone)

        return act

    # Whoever was taken on --------------------------------------------------------------------------------------------

    def taken(self, person: Person, worker: Actor) -> None:
        """A link worker has taken somebody on."""
        assert person.referral_id  # noqa: S101 (told to the type checker: it was sent)
        case = Case(person, person.referral_id, worker)
        self.cases[person.referral_id] = case
        ends = self.past.ends
        last = datetime.combine(self.helping.last_day(), time(9, 30), LONDON).astimezone(UTC)
        stories: Mapping[str, tuple[datetime, Act]] = {
            "hold": (self.past.working(ends - timedelta(days=24), 20, 200), self._pauses(case)),
            "ends": (last - timedelta(days=1), self._comes_to_an_end(case, "goals-met")),
            "asks-again": (self.past.working(ends - timedelta(days=33), 20, 200), self._comes_to_an_end(case)),
            "again": (self.past.working(ends - timedelta(days=20), 20, 200), self._comes_to_an_end(case)),
            "moves": (self.past.working(ends - timedelta(days=12), 20, 200), self._comes_to_an_end(case, "moved-away")),
            "worry": (last, self._worries(case)),
        }
        if case.work in stories:
            self.past.at(*stories[case.work])
        if case.work == "again":
            self.past.at(self.past.working(ends - timedelta(days=6), 20, 100), self._opens_again(case))
        if case.shown and person.tongue.page == "en":
            self.past.at(self.past.working(ends - timedelta(days=10), 20, 200), self._is_read_by_a_colleague(case))

    def _of(self, store: Session, case: Case) -> Referral:
        return store.get_one(Referral, (self.past.service_id, case.referral_id))

    def _pauses(self, case: Case) -> Act:
        def act(store: Session, _service: Service) -> None:
            if self._of(store, case).status in ("accepted", "active"):
                until = self.helping.last_day()
                closing.hold(store, case.worker, case.referral_id, reason="away", words=written.ON_HOLD, until=until)

        return act

    def _comes_to_an_end(self, case: Case, reason: str = "goals-met") -> Act:
        def act(store: Session, service: Service) -> None:
            while case.talks < 2:  # nobody's support ends before it has begun
                self.helping.gets_in_touch(store, service, case, self._of(store, case))
            if self._of(store, case).is_open:
                self.helping.ends(store, service, case, reason)

        return act

    def _opens_again(self, case: Case) -> Act:
        def act(store: Session, service: Service) -> None:
            closing.reopen(store, service, case.worker, case.referral_id, because=written.OPENED_AGAIN)

        return act

    def _worries(self, case: Case) -> Act:
        """The link worker raises an alert, and opens it; and writes a concern down."""

        def act(store: Session, service: Service) -> None:
            referral = self._of(store, case)
            raised = alerts.raise_by_staff(
                store,
                service,
                case.worker,
                once=codes.new_key(),
                words=written.WORRY,
                reference=referral.reference,
                referral_id=referral.id,
                person_id=referral.person_id,
            )
            alerts.open_by_name(store, case.worker, raised.id)
            self.helping.writes_concern(store, service, case)

        return act

    def _is_read_by_a_colleague(self, case: Case) -> Act:
        def act(store: Session, _service: Service) -> None:
            sam = self.past.actors[STAFF[1].email]
            reach.give_reason(store, sam, self._of(store, case).person_id, "covering")

        return act

    # A working day ---------------------------------------------------------------------------------------------------

    def _sits_down(self, email: str, last: bool) -> Act:
        def act(store: Session, service: Service) -> None:
            worker = self.past.actors.get(email)
            if worker is None:
                return
            kept = Counter[str]()
            with speaking("en"):
                self._does_tasks(store, worker, kept, last)
                for _ in range(MOST_LOOKS):
                    kept.clear()
                    if not self._through_today(store, service, worker, kept, last):
                        break
            self.helping.sends_letters(store, service, worker, self._staying())

        return act

    def _through_today(self, store: Session, service: Service, worker: Actor, kept: Counter[str], last: bool) -> bool:
        """Every line that is shown; whether there are more of a kind than are shown, and some were worked off."""
        again = False
        for group in today.groups(store, worker):
            for line in group.lines:
                if self._stays(line) or (last and kept[line.kind] < LEFT_OVER.get(line.kind, 0)):
                    kept[line.kind] += 1
                else:
                    again |= self._works_off(store, service, worker, line) and group.cut > 0
        return again

    def _staying(self) -> "set[uuid.UUID]":
        if clock.now() < self.past.ends - STAYS_FOR:
            return set()
        return {one.referral_id for one in self.cases.values() if one.work in STAY}

    def _stays(self, line: TodayLine) -> bool:
        return line.referral_id in self._staying()

    def _works_off(self, store: Session, service: Service, worker: Actor, line: TodayLine) -> bool:
        case = self.cases.get(line.referral_id) if line.referral_id else None
        if case is None or case.worker.staff_id != worker.staff_id:
            return False
        does: Mapping[str, Callable[[Session, Service, Case, TodayLine], None]] = {
            "given": self._next_step,
            "contact": self._next_step,
            "check-in": self._reads_answers,
            "follow-up": self._follows_up,
        }
        if line.kind in does:
            does[line.kind](store, service, case, line)
        return line.kind in does and case.work not in STAY

    def _next_step(self, store: Session, service: Service, case: Case, _line: TodayLine) -> None:
        referral = self._of(store, case)
        if referral.status == "on-hold":
            closing.resume(store, service, case.worker, referral.id)
        if case.work == "in-vain" and referral.attempts >= TRIES:
            return
        if case.by_chance and referral.attempts >= TRIES:
            self.helping.ends(store, service, case, "could-not-contact")
            return
        if self.helping.may_end(case):
            self.helping.ends(store, service, case)
            return
        self.helping.gets_in_touch(store, service, case, referral)

    def _reads_answers(self, store: Session, _service: Service, case: Case, _line: TodayLine) -> None:
        if case.person.fate.course == "link" and clock.now() > self.past.ends - NEWS_STAYS_FOR:
            return  # so that there is always somebody whose answers nobody has seen
        today.looked(store, case.worker, self._of(store, case))

    def _follows_up(self, store: Session, service: Service, case: Case, line: TodayLine) -> None:
        referral = self._of(store, case)
        match line.action.endpoint:
            case "caseload.care_plan_of":
                self.helping.looks_at_plan(store, case, referral)
            case "caseload.access_needs_of":
                for need in access_needs.to_review(store, referral):
                    access_needs.review(store, case.worker, referral.id, need.id)
            case "caseload.risks_of":
                for risk in risks.of_person(store, service.id, referral.person_id):
                    risks.end(store, case.worker, referral.id, risk.id)
                risks.none_known(store, case.worker, referral.id)
            case "caseload.onward_step":
                self.helping.asks_how_it_went(
                    store, case, onward.read(store, case.worker, line.action.args["onward_id"])
                )
            case "caseload.new_contact":
                closing.followed_up(store, case.worker, referral.id)

    # Tasks -----------------------------------------------------------------------------------------------------------

    def _does_tasks(self, store: Session, worker: Actor, kept: Counter[str], last: bool) -> None:
        staying = self._staying()
        for task in tasks.open_tasks(store, worker):
            if task.assigned_to not in (None, worker.staff_id) or task.referral_id in staying:
                continue
            rested = clock.now() - task.created_at
            if task.kind == Kind.CHECK_IN_NOT_BACK and task.referral_id and (last or rested > timedelta(days=5)):
                self._says_why_not(store, worker, task.referral_id)
                tasks.done(store, worker, task.id)
            elif task.kind in _TASKS and (last or rested > self._rests(task.kind)):
                kind = "message" if task.kind in today.NOT_SENT else "task"
                kept[f"{kind} task"] += 1
                if not last or kept[f"{kind} task"] > LEFT_OVER[kind]:
                    tasks.done(store, worker, task.id)

    def _rests(self, kind: str) -> timedelta:
        return timedelta(days=10 if kind == Kind.UNFINISHED_FORM else 1)

    def _says_why_not(self, store: Session, worker: Actor, referral_id: uuid.UUID) -> None:
        for one in measures.of_referral(store, self.past.service_id, referral_id):
            if one.status in measures.UNFINISHED and one.handed_to_staff_at:
                measures.say_why_not(store, worker, one.id, self.chance.choice(["not-reached", "declined"]))
