"""A service that is made up: staff, hours, a rota, and as many people as wanted, in many states, over the last 90 days.

Everything is built by calling rooms, with the clock moved back, so the demonstration cannot be in a state that the
portal cannot reach: every answer goes page by page through the same checks as a real person's. All of it is one
transaction: broken off half-way, nothing is there.

``keys`` says how to come in, ``fates`` what becomes of whom, ``feeling`` what people answer and would like to be
different, ``saying`` what they say about the service, ``working`` the working days of the staff and ``helping`` what
they do with people on them, in the words of ``written``; ``places`` is what is near.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from portal import accounts, alerts, clock, drafts, notifications, people, referrals, rounds, services, tasks
from portal.access import Actor, Role
from portal.caseload import closing
from portal.demo import made_up
from portal.demo.fates import CIRCUMSTANCES, FATES, WAYS, Fate, Person
from portal.demo.feeling import Feeling
from portal.demo.keys import (
    CARDS,
    FORMER,
    SLUG,
    STAFF,
    TEAMS,
    Colleague,
    DemonstrationCard,
    DemonstrationSignIn,
    card_key,
    cards,
    password_of,
    sign_ins,
)
from portal.demo.past import DAYS, Act, Past
from portal.demo.saying import Saying
from portal.demo.working import Working
from portal.i18n import LONDON
from portal.journeys import Kind, Step
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.self_referral import ACCESS_NEEDS, SELF_REFERRAL, TIMES
from portal.notifications import Render
from portal.store import Service, Stores

__all__ = [
    "CARDS",
    "DAYS",
    "FATES",
    "FORMER",
    "NAME",
    "PEOPLE",
    "SEED",
    "SLUG",
    "STAFF",
    "TEAMS",
    "Colleague",
    "DemonstrationCard",
    "DemonstrationSignIn",
    "card_key",
    "cards",
    "password_of",
    "set_up",
    "sign_ins",
]

NAME = "Made-up Link Worker Service"
PEOPLE = 200
SEED = 20260105
"""The same seed tells the same stories (except for secrets, references and identifiers, which are random for ever)."""


# --- setting up -------------------------------------------------------------------------------------------------------

Report = Callable[[int, int], None]
"""Called with how many people there are so far, and how many there will be."""


def set_up(
    stores: Stores, render: Render, *, how_many: int = PEOPLE, seed: int = SEED, report: Report = lambda done, of: None
) -> bool:
    """Make the made-up service with so many people, unless it is there; whether it was made now.

    ``render`` turns messages into words, as for the worker. Moves the clock of the whole process meanwhile.
    """
    with stores.engine.execution_options(write=True).connect() as connection, connection.begin():
        # Every session below joins this one transaction; its own commits are savepoints.
        session = sessionmaker(connection, join_transaction_mode="create_savepoint")
        with session() as store:
            if services.find(store, SLUG):
                return False
        _Telling(Stores(stores.engine, session, session), render, how_many, seed, report).tell()
    return True


# --- telling --------------------------------------------------------------------------------------------------------


class _Telling(Past):
    """The 90 days, told from the beginning."""

    def __init__(self, stores: Stores, render: Render, how_many: int, seed: int, report: Report) -> None:
        super().__init__(stores, render, seed)
        self.how_many, self.report = how_many, report
        self.feeling, self.saying = Feeling(self, seed), Saying(self, seed)
        self.staff_work = Working(self, self.feeling, seed)
        self.looked: set[datetime] = set()
        self.nhs_numbers = made_up.nhs_numbers()
        self.told = 0

    def tell(self) -> None:
        """Everything, in the order of time."""
        with clock.at(self.begins), self.stores.writing.begin() as store:
            service = self._open_service(store)
            self.service_id, self.settings = service.id, services.settings_of(service)
            self.feeling.prepare(store)
            self.staff_work.prepare(store)
        with clock.at(self.begins):
            self.staff_work.open_directory()
        self._plan_rounds()
        self.saying.plan()
        self.staff_work.plan()
        persons: list[Person] = []
        for number in range(self.how_many):
            persons.append(self._person(number, persons))
        for person in persons:
            self.at(person.starts, self._fills_in(person))
        self.go_on()
        with clock.at(self.ends):
            rounds.run(self.stores, self.post, self.post.render)

    # The service -----------------------------------------------------------------------------------------------------

    def _open_service(self, store: Session) -> Service:
        service = services.create(store, SLUG, NAME, self._settings())
        for one in (*STAFF, FORMER):
            staff, _, _ = accounts.create_first(
                store, service, name=one.name, email=one.email, role=one.role.value, password=password_of(one.email)
            )
            self.actors[one.email] = Actor(service.id, staff.id, staff.name, one.role)
        for one in STAFF:
            if one.position:
                staff_id = self.actors[one.email].staff_id
                services.set_duty(store, self._manager, one.position, staff_id, clock.now())
        # Next week the two link workers change places.
        monday = self.ends.replace(hour=6, minute=0, second=0, microsecond=0) + timedelta(7 - self.ends.weekday())
        lin, sam = (self.actors[one.email].staff_id for one in STAFF[:2])
        for position, staff_id in (("duty", sam), ("deputy", lin)):
            services.set_duty(store, self._manager, position, staff_id, monday, monday + timedelta(days=7))
        return service

    def _settings(self) -> Mapping[str, Any]:
        years = (self.begins.year, self.ends.year, self.ends.year + 1)
        holidays = {date(year, month, day).isoformat() for year in years for month, day in ((1, 1), (12, 25), (12, 26))}
        return {
            "phone": "01632 960123",
            "email": "hello@example.org",
            "opening_hours": {
                **{day: [["09:00", "17:00"]] for day in services.WEEKDAYS[:4]},
                services.WEEKDAYS[4]: [["09:00", "16:00"]],
            },
            "closed_days": sorted(holidays),
            "outcodes": list(made_up.INSIDE),
            "languages": ["cy", "pl", "ur"],
            "commissioned_by_nhs": True,
            "teams": list(TEAMS),
            "publish_activities": True,
            "helplines": [
                {"name": "Made-up night line", "phone": "01632 960999", "words": "Not real: each service adds its own."}
            ],
            "who_could_help": [
                {
                    "name": "Made-up Neighbours",
                    "phone": "01632 960456",
                    "words": "People who live just outside our area. Not real.",
                },
                {
                    "name": "Made-up Youth Project",
                    "phone": "01632 960789",
                    "words": "Everybody under 18. Not real.",
                },
            ],
        }

    @property
    def _manager(self) -> Actor:
        return self.one_of(Role.MANAGER)

    def _worker(self, fate: Fate | None = None) -> Actor:
        """Lin has those of whom something is to be seen; whoever has left had fewer people than the others."""
        if fate and (fate.course or (fate.work and fate.work != "left")):
            return self.one_of(Role.LINK_WORKER)
        former = self.actors.get(FORMER.email)
        if former and fate and fate.work == "left":
            return former
        lin, sam = (self.actors[one.email] for one in STAFF[:2])
        return self.chance.choice([*[lin] * 5, *[sam] * 6, *([former] if former else [])])

    # Time ------------------------------------------------------------------------------------------------------------

    def _plan_rounds(self) -> None:
        """The worker looks once on every day on which the service is open, while it is, so that people can be asked; an
        alert that nobody opens calls it when it is due as well."""
        day = self.begins.astimezone(LONDON).date()
        while day <= self.ends.astimezone(LONDON).date():
            if services.open_on(self.settings, day):
                self.at(datetime.combine(day, time(15, 31), LONDON).astimezone(UTC), self._round)
            day += timedelta(days=1)

    def _round(self, store: Session, _service: Service) -> None:
        store.commit()  # the round has transactions of its own
        rounds.run(self.stores, self.post, self.post.render)
        for address, token in self.post.arrived():
            self.feeling.gets_link(address, token)
        with self.stores.reading.begin() as looking:
            for alert in alerts.waiting(looking, self._manager):
                if alert.opened_at is None and alert.due_at > clock.now():
                    self._looks_at(alert.due_at)

    def _looks_at(self, due: datetime) -> None:
        if due not in self.looked:
            self.looked.add(due)
            self.at(due + timedelta(seconds=30), self._round)

    def _some_time(self, fate: Fate) -> datetime:
        first, last = fate.days
        if last == 0:  # at the beginning of the last working day, so that by now it has reached the top
            day = self.ends.astimezone(LONDON).date() - timedelta(days=1)
            while not (spans := services.open_on(self.settings, day)):
                day -= timedelta(days=1)
            return spans[0][0] + timedelta(minutes=5)
        # Whoever is new has come before somebody last sat down: what there was to tell them has been told.
        until = self.last_sitting() if fate.code in ("new", "sent-twice", "just-given") else self.ends
        return until - timedelta(days=self.chance.uniform(first, last))

    # Somebody --------------------------------------------------------------------------------------------------------

    def _person(self, number: int, before: Sequence[Person]) -> Person:
        # The first ones go through all fates and circumstances once, so that even a small demonstration has them all.
        fates = [fate for fate in FATES for _ in range(fate.share)]
        fate = FATES[number] if number < len(FATES) else self.chance.choice(fates)
        tongues = [tongue for tongue in made_up.TONGUES for _ in range(tongue.share)]
        in_turn = number < len(FATES)
        shown = next((tongue for tongue in made_up.TONGUES if tongue.code == fate.tongue), None)
        tongue = shown or (made_up.TONGUES[number % len(made_up.TONGUES)] if in_turn else self.chance.choice(tongues))
        spread = [name for name, share in CIRCUMSTANCES for _ in range(share)]
        circumstance = CIRCUMSTANCES[number % len(CIRCUMSTANCES)][0] if in_turn else self.chance.choice(spread)
        ways = fate.ways or (WAYS[number % len(WAYS)] if in_turn else self.chance.choice(WAYS))
        if fate.tongue:
            circumstance = "own"
        typed = {
            **self._who(number, tongue),
            **self._where(fate, circumstance),
            **self._contact(number, ways),
            **self._support(tongue),
            **self._matters(tongue),
            **self._sharing(fate),
        }
        if fate.course == "shown":
            typed["access_needs"] = ["large-print", "step-free"]
        typed["urgency"] = fate.urgency or self.chance.choice(["no", "no", "no", "soon", ""])
        person = Person(fate, tongue, typed, self._some_time(fate))
        if fate.code in CARDS:
            person.key = card_key(fate.code)
        if fate.code == "does-not-know":
            typed["referring_for"] = "someone-who-does-not-know"
        if not fate.sends:
            later = [step.slug for step in SELF_REFERRAL.steps[2:]]
            person.stops_before = "gp" if fate.urgency else self.chance.choice(later)
        if fate.code == "asks-for-contact":
            person.stops_before = "what-matters"
        if fate.code in ("merged", "sent-twice"):
            self._is_the_same(person, before)
        return person

    def _who(self, number: int, tongue: made_up.Tongue) -> dict[str, object]:
        chance = self.chance
        first = chance.choice(tongue.first_names)
        return {
            "device": chance.choice(["own", "shared", "own", ""]),
            "first_name": first,
            "family_name": chance.choice(tongue.family_names) if number % 9 else "",
            "preferred_name": first if chance.random() < 0.2 else "",
            "pronouns": chance.choice(["she/her", "he/him", "they/them"]) if chance.random() < 0.1 else "",
            "nhs_number": next(self.nhs_numbers) if chance.random() < 0.4 else "",
            "gp_registered": chance.choice(["yes", "yes", "yes", "not-registered", "dont-know", ""]),
            "gp_practice": chance.choice(made_up.PRACTICES) if chance.random() < 0.5 else "",
        }

    def _where(self, fate: Fate, circumstance: str) -> dict[str, object]:
        chance = self.chance
        helped = {"helped": "me-with-help", "for-somebody": "someone-who-agrees"}
        name, relationship, organisation = chance.choice(made_up.HELPERS)
        district = chance.choice(made_up.OUTSIDE if circumstance == "outside-area" else made_up.INSIDE)
        letters = "".join(chance.choices("ABDEFGHJLNPQRSTUWXYZ", k=2))
        postcode = f"{district} {chance.randint(1, 9)}{letters}"
        born = self.ends.date() - timedelta(days=chance.randint(19 * 366, 94 * 365))
        if circumstance == "too-young":
            born = self.ends.date() - timedelta(days=chance.randint(14 * 366, 17 * 365))
        ways_to_type = (f"{born.day} {born.month} {born.year}", f"{born:%d/%m/%Y}", f"{born:%d %B %Y}")
        return {
            "referring_for": helped.get(circumstance, "me"),
            "helper_name": name,
            "helper_relationship": relationship,
            "helper_organisation": organisation,
            "helper_contact": made_up.phone(chance.randint(0, 999)),
            "postcode": "" if circumstance == "no-fixed-address" else chance.choice([postcode, postcode.lower()]),
            "no_fixed_address": ["yes"] if circumstance == "no-fixed-address" else [],
            "date_of_birth": str(born.year) if circumstance == "year-only" else chance.choice(ways_to_type),
        }

    def _contact(self, number: int, ways: tuple[str, ...]) -> dict[str, object]:
        chance, yes_no = self.chance, ["yes", "no", ""]
        return {
            "safe_ways": list(ways),
            "phone": made_up.phone(number),
            "voicemail_safe": chance.choice(yes_no),
            "may_say_who": chance.choice(yes_no),
            "others_may_answer": chance.choice([*yes_no, "dont-know"]),
            "phone_times": chance.sample([choice.code for choice in TIMES], chance.randint(0, 2)),
            "email": f"person{number}@example.org",
            "post_address": f"{number + 1} {chance.choice(made_up.STREETS)}\nMade-up Town",
            "trusted_name": chance.choice(made_up.HELPERS)[0],
            "trusted_contact": made_up.phone(number + 500),
            "trusted_may_know": chance.choice(yes_no),
            "meeting_place": chance.choice(("", *made_up.MEETING_PLACES)),
        }

    def _support(self, tongue: made_up.Tongue) -> dict[str, object]:
        chance = self.chance
        needs = [choice.code for choice in ACCESS_NEEDS if not choice.alone]
        foreign = tongue.code not in ("en", "cy")
        return {
            "spoken_language": tongue.code,
            "written_language": tongue.code if chance.random() < 0.8 else "",
            "interpreter": "spoken" if foreign and chance.random() < 0.7 else chance.choice(["no", "no", "", "bsl"]),
            "access_needs": chance.sample(needs, chance.randint(1, 2)) if chance.random() < 0.4 else ["none"],
            "access_detail": "",
        }

    def _matters(self, tongue: made_up.Tongue) -> dict[str, object]:
        story = self.chance.choice(made_up.said_in(tongue.code))
        return {"what_matters": story.words, "needs": list(story.needs)}

    def _sharing(self, fate: Fate) -> dict[str, object]:
        kinds = {kind: self.chance.choice(["yes", "yes", "no", ""]) for kind in people.SHARING}
        if fate.then == "pass-on" or fate.course == "shown":
            kinds["share_onward"] = "yes"
        if fate.course == "shown" or fate.work in ("ends", "asks-again", "again", "moves"):
            kinds["share_gp"] = "yes"
        return dict(kinds)

    def _is_the_same(self, person: Person, before: Sequence[Person]) -> None:
        """Somebody who has been here: the same name and birth and phone, other words."""
        known = self.chance.choice([other for other in before if other.fate.code == "accepted"])
        for code in ("first_name", "family_name", "date_of_birth", "phone", "email", "nhs_number"):
            person.typed[code] = known.typed[code]
        if person.fate.code == "merged":  # some time after the first one, and long enough ago to be decided
            person.starts = known.starts + (self.ends - timedelta(days=9) - known.starts) * self.chance.uniform(0.3, 1)

    # What people do --------------------------------------------------------------------------------------------------

    def _fills_in(self, person: Person) -> Act:
        def act(store: Session, service: Service) -> None:
            self.told += 1
            self.report(self.told, self.how_many)
            draft = referrals.begin(store, service, person.tongue.page, person.key)
            person.draft_id = draft.id
            step: Step | None = SELF_REFERRAL.steps[0]
            while step and step.slug != person.stops_before:
                raw = {question.code: person.typed.get(question.code) for question in step.questions}
                try:
                    referrals.keep(store, service, draft, step, raw, person.tongue.page)
                except referrals.KeepsNothing:
                    return
                step = SELF_REFERRAL.after(step.slug, draft.answers)
            self._after_filling_in(store, person, draft)

        return act

    def _after_filling_in(self, store: Session, person: Person, draft: drafts.Draft) -> None:
        minutes = timedelta(minutes=self.chance.randint(4, 20))
        if person.fate.code == "unsafe-changed":
            self.at(person.starts + minutes / 2, self._thinks_again(person))
        if person.fate.sends:
            self.at(person.starts + minutes, self._sends(person))
        else:
            draft.contact_if_unfinished = person.fate.code == "asks-for-contact"
            drafts.card(store, draft, person.key)
        if person.fate.urgency:
            self._alert_follows(person)

    def _thinks_again(self, person: Person) -> Act:
        def act(store: Session, service: Service) -> None:
            draft = drafts.find(store, service.id, SELF_REFERRAL.code, person.key, lock=True)
            step = SELF_REFERRAL.step("urgent")
            assert draft  # noqa: S101 (told to the type checker: it was kept some minutes ago)
            assert step  # noqa: S101
            referrals.keep(store, service, draft, step, {"urgency": "no"}, person.tongue.page)

        return act

    def _sends(self, person: Person) -> Act:
        def act(store: Session, service: Service) -> None:
            draft = drafts.find(store, service.id, SELF_REFERRAL.code, person.key, lock=True)
            assert draft  # noqa: S101
            referral = referrals.submit(store, service, draft, person.key)
            person.referral_id = referral.id
            self.feeling.has_sent(store, service, person)
            moment = clock.now()
            if self.chance.random() < 0.4:
                self.at(moment + timedelta(minutes=2), self._tells_more(person))
            if self.chance.random() < 0.5 or person.fate.course:
                self.at(moment + timedelta(minutes=4), self._confirms_email(person))
            if person.fate.then in ("accept", "merge", "decline", "said-no", "pass-on", "close", "close-late"):
                waits = timedelta(days=self.chance.choice([0, 0, 1, 1, 2, 3, 4]), hours=self.chance.random() * 6)
                decided = self.working(moment + waits, 30, 200)
                if person.fate.work == "given":  # so lately that nobody has tried to reach them yet
                    decided = self.last_sitting() - timedelta(minutes=25)
                self.at(decided, self._decides(person, person.fate.then))

        return act

    def _tells_more(self, person: Person) -> Act:
        def act(store: Session, service: Service) -> None:
            referral = referrals.sent_by(store, service.id, person.key)
            assert referral  # noqa: S101
            step: Step | None = ABOUT_YOU.steps[0]
            while step:
                raw: dict[str, object] = {
                    question.code: self.chance.choice(["", *(choice.code for choice in question.all_choices)])
                    for question in step.questions
                    if question.kind is Kind.ONE_OF
                }
                referrals.keep_about_you(store, service, referral, step, raw)
                step = ABOUT_YOU.after(step.slug, referrals.about_you_of(store, referral))

        return act

    def _confirms_email(self, person: Person) -> Act:
        def act(store: Session, service: Service) -> None:
            referral = referrals.sent_by(store, service.id, person.key)
            assert referral  # noqa: S101
            for way in people.ways_of(store, service.id, referral.person_id):
                if way.channel == "email":
                    code = people.new_confirmation(store, way)
                    notifications.send_code(store, service, way, code)
                    people.confirm_by_code(store, way, code)

        return act

    # What the staff do -----------------------------------------------------------------------------------------------

    def _alert_follows(self, person: Person) -> None:
        starts = services.alert_starts(self.settings, person.starts)
        due = services.alert_due(self.settings, starts, services.POSITIONS[0])
        self._looks_at(due)
        late = timedelta(hours=2) if person.fate.then == "close-late" else timedelta(0)
        if person.fate.then in ("open", "close", "close-late"):
            opens = self.working(starts + late, 2, 40)
            self.at(opens, self._opens_alert(person))
            if person.fate.then != "open":
                self.at(opens + timedelta(minutes=self.chance.randint(20, 90)), self._closes_alert(person))

    def _alerts_of(self, store: Session, person: Person) -> list[uuid.UUID]:
        return [alert.id for alert in alerts.waiting(store, self._manager) if alert.form_id == person.draft_id]

    def _opens_alert(self, person: Person) -> Act:
        def act(store: Session, _service: Service) -> None:
            late, open_still = person.fate.then == "close-late", person.fate.then == "open"
            lin = self.one_of(Role.LINK_WORKER)
            who = self._manager if late else lin if open_still else self._worker()
            for alert_id in self._alerts_of(store, person):
                alerts.open_by_name(store, who, alert_id)

        return act

    def _closes_alert(self, person: Person) -> Act:
        def act(store: Session, _service: Service) -> None:
            done = "Made up: I rang, we talked for half an hour, and somebody is with them now. I ring again tomorrow."
            for alert_id in self._alerts_of(store, person):
                alerts.close(store, self._manager, alert_id, done)
                if person.fate.then == "close-late":  # it took long, and is to be talked over
                    alerts.ask_supervision(store, self.one_of(Role.LINK_WORKER), alert_id)

        return act

    def _decides(self, person: Person, what: str) -> Act:
        def act(store: Session, service: Service) -> None:
            worker = self._worker(person.fate)
            assert person.referral_id  # noqa: S101
            referral = referrals.read(store, worker, person.referral_id)
            self._DECISIONS[what](self, store, service, worker, referral)
            if referral.status == "accepted":
                self.feeling.accepted(person, worker)
                self.staff_work.taken(person, worker)
            self.at(self.working(clock.now(), 20, 240), self._tells_the_person(person, worker))

        return act

    def _accepts(self, store: Session, service: Service, worker: Actor, referral: referrals.Referral) -> None:
        referrals.accept(store, service, worker, referral.id)

    def _merges(self, store: Session, service: Service, worker: Actor, referral: referrals.Referral) -> None:
        duplicates = people.possible_duplicates(store, people.read(store, worker, referral.person_id))
        if duplicates:
            referrals.merge(store, worker, referral.id, duplicates[0].person.id)
        referrals.accept(store, service, worker, referral.id)

    def _declines(self, store: Session, service: Service, worker: Actor, referral: referrals.Referral) -> None:
        reason = "outside-area" if referral.answers.get("fits_area") == "no" else "needs-beyond-scope"
        word = "We are sorry that we cannot help with this. We gave you the number of Made-up Neighbours on the phone."
        closing.decline(store, service, worker, referral.id, reason=reason, text="Made up for show.", word=word)

    def _hears_no(self, store: Session, service: Service, worker: Actor, referral: referrals.Referral) -> None:
        word = "Thank you for telling us. You can come back at any time."
        closing.decline(store, service, worker, referral.id, reason="person-chose-to-stop", text="", word=word)

    def _passes_on(self, store: Session, service: Service, worker: Actor, referral: referrals.Referral) -> None:
        word = "Made-up Neighbours will ring you. They know about housing."
        closing.pass_on(
            store, service, worker, referral.id, to="Made-up Neighbours", reason="They know about housing.", word=word
        )

    _DECISIONS: Mapping[str, Callable[["_Telling", Session, Service, Actor, referrals.Referral], None]] = {
        "accept": _accepts,
        "close": _accepts,
        "close-late": _accepts,
        "merge": _merges,
        "decline": _declines,
        "said-no": _hears_no,
        "pass-on": _passes_on,
    }

    def _tells_the_person(self, person: Person, worker: Actor) -> Act:
        """What the portal may not send, a worker says; who answers their phone has shown that it is theirs."""

        def act(store: Session, service: Service) -> None:
            assert person.referral_id  # noqa: S101
            referral = referrals.read(store, worker, person.referral_id)
            for task in tasks.open_tasks(store, worker):
                if task.referral_id == referral.id:
                    tasks.done(store, worker, task.id)
            for way in people.ways_of(store, service.id, referral.person_id):
                if way.channel == "call" and way.allowed and way.confirmed_at is None:
                    people.confirm_way(store, worker, way.id)

        return act
