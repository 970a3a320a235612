"""What made-up people answer when they are asked how they are, and what they would like to be different.

Most get a little better, some do not change, some get worse, and many do not answer: nothing here proves anything.
Which scale is asked in which words is decided by the rooms, as for everybody: whoever reads a language without official
words rates their goals, or answers the English with an interpreter.
"""

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal import accounts, clock, codes, experience, feedback, goals, measures, retention
from portal.access import Actor, Role
from portal.caseload import care_plan, closing
from portal.demo import made_up
from portal.demo.fates import Person
from portal.demo.past import Act, Past
from portal.journeys import DONT_KNOW, PREFER_NOT_TO_SAY, Question
from portal.journeys.goal_setting import CLOSENESS, GOAL_SETTING
from portal.store import CheckIn, Referral, Service

LESS_IS_BETTER = ("anxious", "companionship", "left_out", "isolated")
"""The items of which a small number is the better one."""

_WAYS = ("link", "phone", "phone", "page", "worker", "never")
_DRIFTS = (1.2, 0.8, 0.5, 0.4, 0.2, 0.0, 0.0, -0.6, -1.2)
"""How much better, out of ten, somebody says they are from one time to the next."""


@dataclass
class Course:
    """How it goes for somebody: how they answer, how they are out of ten, and how that changes from time to time."""

    person: Person
    referral_id: uuid.UUID
    way: str
    level: float
    drift: float
    worker: Actor | None = None
    goals: int = 0

    @property
    def spoken(self) -> str:
        """The language of the pages that they use."""
        return self.person.tongue.page


class Feeling:
    """What people answer, put into the order of the past."""

    def __init__(self, past: Past, seed: int) -> None:
        self.past = past
        self.chance = random.Random(seed + 1)  # noqa: S311 (stories, not secrets)
        self.courses: dict[uuid.UUID, Course] = {}
        self.by_address: dict[str, Course] = {}

    def prepare(self, store: Session) -> None:
        """Goal attainment scaling is turned on, and the first link worker is trained in it."""
        manager, lin = self.past.one_of(Role.MANAGER), self.past.one_of(Role.LINK_WORKER)
        measures.turn_on(store, manager, "gas")
        accounts.set_trained_in_gas(store, self.past.one_of(Role.ADMINISTRATOR), lin.staff_id, True)

    # What sets it off ------------------------------------------------------------------------------------------------

    def has_sent(self, store: Session, service: Service, person: Person) -> None:
        """Somebody has sent their form: some answer a few questions more right away, or write a goal."""
        chance = self.chance
        way = {"shown": "page", "withdraws": "link", "erasure": "page", "reading-off": "link"}.get(
            person.fate.course, person.fate.course or chance.choice(_WAYS)
        )
        shown = person.fate.course == "shown"
        drift = 0.7 if shown else chance.choice(_DRIFTS)
        assert person.referral_id  # noqa: S101 (told to the type checker: it was sent now)
        course = Course(person, person.referral_id, way, 3.2 if shown else chance.uniform(2, 6.5), drift)
        course.goals = 3 if shown else chance.choice([0, 1, 1, 2, 3])
        self.courses[person.referral_id] = course
        self.by_address.setdefault(str(person.typed["email"]), course)
        if way == "never":
            return
        if shown or (chance.random() < 0.45 and not person.fate.course):
            stops = 1.0 if shown or chance.random() < 0.75 else 0.5
            if stops < 1 and chance.random() < 0.5:
                course.way = "link"  # nobody asks them in another way to go on
            self.past.at(clock.now() + timedelta(minutes=5), self._answers_at_once(course, stops))
        if course.goals and (shown or chance.random() < 0.4):
            self.past.at(clock.now() + timedelta(minutes=12), self._writes_goal(course))

    def accepted(self, person: Person, worker: Actor) -> None:
        """A link worker has taken somebody on: they meet, and people are asked again later."""
        course = self.courses[person.referral_id] if person.referral_id else None
        if course is None:
            return
        course.worker, start, chance = worker, clock.now(), self.chance
        if person.fate.course == "shown":
            self._shown(course, start)
        elif course.way != "never":
            self._as_chance_has_it(course, start)
        special = {"withdraws": self._withdraws, "erasure": self._asks_erasure, "reading-off": self._turns_reading_off}
        if act := special.get(person.fate.course):
            self.past.at(start + timedelta(days=chance.uniform(38, 44)), act(course))

    def worker_left(self, worker: Actor) -> None:
        """Nobody asks, or writes anything down, for those whose worker has left."""
        for course in self.courses.values():
            if course.worker == worker:
                course.worker = None

    def _as_chance_has_it(self, course: Course, start: datetime) -> None:
        chance = self.chance
        meets = self.past.working(start + timedelta(days=chance.uniform(5, 12)), 20, 300)
        for _ in range(course.goals):
            self.past.at(meets, self._goal_with_worker(course))
            meets += timedelta(minutes=9)
        for days in (26, 55):
            if course.goals and chance.random() < 0.7:
                self.past.at(self._day(start, days), self._rates_with_worker(course))
        if course.goals > 1 and chance.random() < 0.4:
            what = chance.choice([goals.ACHIEVE, goals.ACHIEVE, goals.PUT_ASIDE])
            self.past.at(self._day(start, 48), self._goal_becomes(course, what))
        if course.goals and course.worker == self.past.one_of(Role.LINK_WORKER) and chance.random() < 0.3:
            self.past.at(self._day(start, 16), self._scales_goal(course))
            self.past.at(self._day(start, 58), self._finds_level(course))
        told = course.person.fate.course
        for days in (3, 43, chance.choice([66, 74, 85])):
            if course.way in ("phone", "worker", "interpreter") and (chance.random() < 0.75 or told):
                self.past.at(self._day(start, days), self._answers_with_worker(course))
            elif course.way == "page" and chance.random() < 0.75:
                self.past.at(self._day(start, days), self._answers_on_page(course))
        if chance.random() < 0.1:
            self.past.at(self._day(start, 70), self._says_why_not(course))

    def _shown(self, course: Course, start: datetime) -> None:
        """Somebody of whom everything there is can be seen."""
        for number in range(course.goals - 1):
            self.past.at(self._day(start, 6) + timedelta(minutes=9 * number), self._goal_with_worker(course))
        self.past.at(self._day(start, 9), self._scales_goal(course))
        for days in (14, 29, 45):
            self.past.at(self._day(start, days), self._rates_with_worker(course))
        self.past.at(self._day(start, 31), self._finds_level(course))
        self.past.at(self._day(start, 52), self._goal_becomes(course, goals.ACHIEVE))
        self.past.at(self._day(start, 53), self._goal_becomes(course, goals.PUT_ASIDE))
        self.past.at(self._day(start, 60), self._finds_level(course))
        if course.spoken == "en":  # a review more than is usual; and one waits to be answered
            self.past.at(self._day(start, 17), self._agrees_review(course, 21))
            for days in (3, 21, 39):
                self.past.at(self._day(start, days), self._answers_on_page(course))
            self.past.at(self._day(start, 70), self._thanks(course))
        else:
            for days in (3, 38, 66):
                self.past.at(self._day(start, days), self._answers_with_worker(course, "interpreter"))

    def _day(self, start: datetime, days: int) -> datetime:
        return self.past.working(start + timedelta(days=days + self.chance.uniform(0, 2)), 5, 400)

    def _whose(self, store: Session, service: Service, course: Course) -> uuid.UUID:
        """Whose the referral is now: two records may have become one."""
        return store.get_one(Referral, (service.id, course.referral_id)).person_id

    # Check-ins -------------------------------------------------------------------------------------------------------

    def _answers_at_once(self, course: Course, stops: float) -> Act:
        def act(store: Session, service: Service) -> None:
            if check_in := self._due(store, service, course):
                visitor = accounts.open_for_check_in(
                    store, service, check_in, codes.new_key(), course.spoken, via="sent"
                )
                self._answer(store, service, course, check_in, stops=stops)
                accounts.end(store, visitor)

        return act

    def gets_link(self, address: str, token: str) -> None:
        """A message with a link has come; its reader presses the button some days later, or never."""
        course = self.by_address.get(address)
        if course is None or course.way == "never":
            return
        skips, stops = self.chance.random() < 0.35, 0.4 if self.chance.random() < 0.2 else 1.0
        if told := course.person.fate.course:  # so that even a small demonstration has both
            skips, stops = False, 0.4 if told == "reading-off" else 1.0
        if skips:
            return

        def act(store: Session, service: Service) -> None:
            check_in = measures.open_link(store, service.id, token)
            if check_in is not None:
                visitor = accounts.open_for_check_in(store, service, check_in, codes.new_key(), course.spoken)
                self._answer(store, service, course, check_in, stops=stops)
                accounts.end(store, visitor)

        self.past.at(clock.now() + timedelta(days=self.chance.uniform(0.05, 2.8)), act)

    def _answers_on_page(self, course: Course) -> Act:
        """By the card: the whole page, and so the goals are rated too."""

        def act(store: Session, service: Service) -> None:
            number = codes.return_number_from(course.person.key)
            reference = store.get_one(Referral, (service.id, course.referral_id)).reference
            visitor = accounts.card_alone(store, service, reference, number, codes.new_key(), language=course.spoken)
            check_in = self._due(store, service, course)
            if visitor and check_in:
                for goal in goals.active_of(store, service.id, check_in.person_id):
                    self._rate(store, service, course, goal.id, check_in_id=check_in.id)
                self._answer(store, service, course, check_in)
            if visitor:
                accounts.end(store, visitor)

        return act

    def _answers_with_worker(self, course: Course, who: str = "") -> Act:
        """By phone or where they met; the worker types it in."""

        def act(store: Session, service: Service) -> None:
            check_in = self._due(store, service, course)
            if check_in is None or course.worker is None:
                return
            foreign = course.person.tongue.code not in ("en", "cy")
            by = who or ("interpreter" if foreign or course.way == "interpreter" else "self")
            mode = "in-person" if course.way == "worker" else "phone"
            self._answer(store, service, course, check_in, by=by, mode=mode)

        return act

    def _due(self, store: Session, service: Service, course: Course) -> CheckIn | None:
        due = measures.due_for(store, service.id, self._whose(store, service, course))
        return next((one for one in due if one.referral_id == course.referral_id), None)

    def _answer(
        self,
        store: Session,
        service: Service,
        course: Course,
        check_in: CheckIn,
        *,
        stops: float = 1.0,
        by: str = "self",
        mode: str = "web",
    ) -> None:
        """Item by item, as far as they get: whoever stops half-way has not finished."""
        actor = course.worker if mode != "web" else None
        opened = feedback.begin(
            store,
            service,
            check_in,
            language="en" if actor else course.spoken,
            completed_by=by,
            response_mode=mode,
            entered_by=actor.staff_id if actor else None,
        )
        shown = [one for one in opened if one.shown]
        pages = [(one, step) for one in shown for step in (one.one_page if actor else one.journey).steps]
        reached = pages[: max(1, round(len(pages) * stops))]
        for one, step in reached:
            raw = {question.code: self._says(question, course.level) for question in step.questions}
            feedback.keep(store, service, check_in, one, step, raw, actor=actor)
        if reached == pages and (pages or check_in.status == "in-progress"):
            feedback.finish(store, service, check_in, actor=actor)
        if pages:
            course.level = min(9.5, max(0.5, course.level + course.drift + self.chance.gauss(0, 0.3)))

    def _says(self, question: Question, level: float) -> str:
        """An answer that goes with how somebody is, more or less; now and then none."""
        if self.chance.random() < 0.02:
            return DONT_KNOW if question.may_not_know else PREFER_NOT_TO_SAY
        felt = min(10.0, max(0.0, level + self.chance.gauss(0, 0.8)))
        worst_first = sorted(question.choices, key=lambda one: one.value or 0, reverse=question.code in LESS_IS_BETTER)
        return worst_first[round(felt / 10 * (len(worst_first) - 1))].code

    def _agrees_review(self, course: Course, days: int) -> Act:
        due = (clock.now() + timedelta(days=days)).date()

        def act(store: Session, _service: Service) -> None:
            if course.worker is not None:
                measures.add_review(store, course.worker, course.referral_id, due)

        return act

    def _says_why_not(self, course: Course) -> Act:
        def act(store: Session, service: Service) -> None:
            check_in = self._due(store, service, course)
            if check_in is not None and course.worker is not None:
                why = self.chance.choice(["declined", "moved", "not-reached"])
                measures.say_why_not(store, course.worker, check_in.id, why)

        return act

    # Goals -----------------------------------------------------------------------------------------------------------

    def _wish(self, store: Session, service: Service, course: Course) -> "dict[str, object] | None":
        """The answers that make a goal; ``None`` when all wishes are goals already, or as many as may be."""
        there = goals.of_person(store, service.id, self._whose(store, service, course))
        said = {line.goal.words for line in there}
        left = [wish for wish in made_up.wished_in(course.person.tongue.code) if wish.words not in said]
        if not left or not goals.may_set_another(store, service.id, self._whose(store, service, course)):
            return None
        wish = left[0] if course.person.fate.course == "shown" else self.chance.choice(left)
        raw = {
            "goal_words": wish.words,
            "goal_need": wish.need,
            "importance": str(self.chance.randint(6, 10)),
            "goal_why": wish.why,
            "first_step": wish.step,
            "by_when": wish.when,
            "sure": self.chance.choice(["", "3", "5", "6", "8"]),
            CLOSENESS: str(self.chance.randint(0, 4)),
        }
        answers: dict[str, object] = {}
        for step in GOAL_SETTING.steps:
            answers |= step.read({question.code: raw[question.code] for question in step.questions})[0]
        return answers

    def _writes_goal(self, course: Course) -> Act:
        """Right after the form was sent, in the same browser."""

        def act(store: Session, service: Service) -> None:
            person_id = self._whose(store, service, course)
            answers = self._wish(store, service, course)
            if answers:
                visitor = accounts.open_for_goal(
                    store, service, person_id, course.referral_id, codes.new_key(), course.spoken
                )
                goals.set_goal(store, service, person_id, course.referral_id, answers, course.spoken)
                accounts.end(store, visitor)

        return act

    def _goal_with_worker(self, course: Course) -> Act:
        def act(store: Session, service: Service) -> None:
            person_id = self._whose(store, service, course)
            answers = self._wish(store, service, course)
            if answers and course.worker:
                goals.set_goal(
                    store,
                    service,
                    person_id,
                    course.referral_id,
                    answers,
                    course.spoken,
                    course.worker,
                    completed_by="interpreter" if course.spoken in ("pl", "ur") else "self",
                    response_mode="in-person",
                )
                care_plan.goals_changed(store, service.id, person_id, course.worker)

        return act

    def _rates_with_worker(self, course: Course) -> Act:
        def act(store: Session, service: Service) -> None:
            if course.worker is None:
                return
            for goal in goals.active_of(store, service.id, self._whose(store, service, course)):
                self._rate(store, service, course, goal.id, actor=course.worker)

        return act

    def _rate(
        self,
        store: Session,
        service: Service,
        course: Course,
        goal_id: uuid.UUID,
        *,
        actor: Actor | None = None,
        check_in_id: uuid.UUID | None = None,
    ) -> None:
        """A little closer than last time, mostly."""
        line = goals.one_of(store, service.id, self._whose(store, service, course), goal_id)
        before = line.points[-1].rating if line.points else None
        closer = (before or 0) + int(course.drift) + self.chance.choice([-1, 0, 0, 0, 1, 1, 1, 2])
        none_given = self.chance.random() < 0.04
        goals.rate(
            store,
            service,
            goal_id,
            self._whose(store, service, course),
            None if none_given else min(10, max(0, closer)),
            DONT_KNOW if none_given else None,
            check_in_id=check_in_id,
            completed_by="interpreter" if actor and course.spoken in ("pl", "ur") else "self",
            response_mode="in-person" if actor else "web",
            language=course.spoken,
            entered_by=actor,
        )

    def _goal_becomes(self, course: Course, what: str) -> Act:
        """The oldest active goal is achieved, or the newest is set aside."""

        def act(store: Session, service: Service) -> None:
            active = goals.active_of(store, service.id, self._whose(store, service, course))
            if len(active) > 1:
                goal = active[0] if what == goals.ACHIEVE else active[-1]
                person_id = self._whose(store, service, course)
                goals.become(store, service.id, person_id, goal.id, what)
                care_plan.goals_changed(store, service.id, person_id, None)

        return act

    def _scales_goal(self, course: Course) -> Act:
        """The last of the active goals: it is not the one that is achieved first."""

        def act(store: Session, service: Service) -> None:
            active = goals.active_of(store, service.id, self._whose(store, service, course))
            if active and course.worker:
                levels = dict(zip(range(-2, 3), made_up.LEVELS, strict=True))
                weight, baseline = self.chance.randint(1, 4), self.chance.choice(goals.BASELINES)
                goals.scale(store, course.worker, active[min(1, len(active) - 1)].id, weight, baseline, levels)

        return act

    def _finds_level(self, course: Course) -> Act:
        def act(store: Session, service: Service) -> None:
            for scaled in goals.scaled_of(store, service.id, self._whose(store, service, course)):
                before = scaled.level.level if scaled.level else scaled.attainment.baseline
                level = min(2, before + self.chance.choice([0, 1, 1]))
                if course.worker:
                    goals.level(store, course.worker, scaled.goal.id, level)

        return act

    # Rights ----------------------------------------------------------------------------------------------------------

    def _withdraws(self, course: Course) -> Act:
        def act(store: Session, service: Service) -> None:
            closing.withdraw(store, service, self._whose(store, service, course), course.referral_id)

        return act

    def _asks_erasure(self, course: Course) -> Act:
        def act(store: Session, service: Service) -> None:
            retention.ask_erasure(store, service, self._whose(store, service, course))

        return act

    def _turns_reading_off(self, course: Course) -> Act:
        def act(store: Session, service: Service) -> None:
            accounts.set_reading(store, service.id, self._whose(store, service, course), False)

        return act

    def _thanks(self, course: Course) -> Act:
        """Under their name, on their own page; the manager answers."""

        def act(store: Session, service: Service) -> None:
            found = experience.comment(
                store,
                service,
                experience.Kind.COMPLIMENT,
                "Thank you. On Thursdays I sing, and I know four names now.",
                language=course.spoken,
                once=codes.new_key(),
                person_id=self._whose(store, service, course),
            )
            comment_id = found.id

            def replies(store: Session, _service: Service) -> None:
                experience.reply(store, self.past.one_of(Role.MANAGER), comment_id, made_up.THANKS)

            self.past.at(self.past.working(clock.now(), 60, 300), replies)

        return act
