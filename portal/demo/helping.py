"""What made-up link workers do with people: talk, plan, go along, tell others, and bring it to an end."""

import random
import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from portal import clock, codes, directory, referrals, services
from portal.access import Actor
from portal.caseload import (
    access_needs,
    agreeing,
    care_plan,
    closing,
    contacts,
    letters,
    notes,
    onward,
    risks,
    safeguarding,
    triage,
)
from portal.caseload.lists import MOVES_DATA, ONWARD_OVER
from portal.caseload.plan_content import stamp
from portal.demo import places, written
from portal.demo.fates import Person
from portal.demo.past import Past
from portal.i18n import LONDON
from portal.store import Onward, Referral, Service

TALKS_BEFORE_END = 3
TRIES = 3

_NEXT_OF = {"offered": "accepted", "accepted": "attended-once", "sent": "accepted-by-service"}
_THEN = {"accepted-by-service": "attending", "attended-once": "attending", "attending": "completed"}
_BY_HAND = ("name", "language", "need", "hope")
"""What is given by hand of somebody whom the worker brings along: no way to reach them has to leave."""


@dataclass
class Case:
    """Somebody's case: who has it, and how far they have got. ``work``: what is to become of it, where chance does not
    say it."""

    person: Person
    referral_id: uuid.UUID
    worker: Actor
    talks: int = 0
    led: list[str] = field(default_factory=list)

    @property
    def work(self) -> str:
        """What is to become of it."""
        return self.person.fate.work

    @property
    def by_chance(self) -> bool:
        """Whether chance says when it ends."""
        return not self.work and not self.person.fate.course

    @property
    def shown(self) -> bool:
        """Whether everything there is can be seen of it."""
        return self.person.fate.course == "shown"


class Helping:
    """One act of work after the other; when, is for ``working`` to say."""

    def __init__(self, past: Past, seed: int) -> None:
        self.past = past
        self.chance = random.Random(seed + 3)  # noqa: S311 (stories, not secrets)
        self.near: dict[tuple[str, str], list[uuid.UUID]] = {}

    # Days ------------------------------------------------------------------------------------------------------------

    def open_day(self, day: date) -> date:
        """The first day from this one on which the service is open."""
        while not services.open_on(self.past.settings, day):
            day += timedelta(days=1)
        return day

    def in_days(self, soonest: int, latest: int) -> date:
        """Some days from now, on a working day."""
        return self.open_day(clock.today() + timedelta(days=self.chance.randint(soonest, latest)))

    def last_day(self) -> date:
        """The last day on which somebody sat down to work before the demonstration began."""
        return self.past.last_sitting().astimezone(LONDON).date()

    def _a_while_ago(self, referral: Referral) -> datetime:
        """When they talked: earlier on the same day, and never before the case was taken."""
        moment = clock.now() - timedelta(minutes=self.chance.randint(6, 300))
        taken = referral.decided_at or referral.referred_at
        return max(moment, referral.last_contact_at or taken, taken)

    # Getting in touch ------------------------------------------------------------------------------------------------

    def gets_in_touch(self, store: Session, service: Service, case: Case, referral: Referral) -> None:
        """A contact or an attempt, and what is done in it."""
        reached = case.work != "in-vain" and (
            case.talks > 0 or bool(case.work) or case.shown or self.chance.random() < 0.75
        )
        if not reached or (case.talks > 1 and not case.work and not case.shown and self.chance.random() < 0.12):
            self._tries(store, service, case, referral)
            return
        case.talks += 1
        self._talks(store, service, case, referral)

    def _tries(self, store: Session, service: Service, case: Case, referral: Referral) -> None:
        again = referral.attempts + 1 < TRIES
        self._record(
            store,
            service,
            case,
            referral,
            outcome=self.chance.choice(["no-answer", "no-answer", "message-left"]),
            notes=self.chance.choice([written.NO_ANSWER, written.LEFT_WORD, ""]),
            next_due=self.in_days(2, 4) if again or case.talks or case.work != "in-vain" else None,
        )

    def _talks(self, store: Session, service: Service, case: Case, referral: Referral) -> None:
        chance, talk = self.chance, case.talks
        shared = written.SHARED.get(case.person.tongue.page, ())
        came = chance.random() < 0.35
        words = written.FIRST_TALK if talk == 1 else written.PLAN_TALK if talk == 2 else written.LATER_TALK
        foreign = case.person.tongue.code not in ("en", "cy")
        results = {1: ["action-agreed"], 2: ["plan-made"], 3: ["signposted"]}.get(talk, [])
        self._record(
            store,
            service,
            case,
            referral,
            outcome="attended" if came else "spoke",
            mechanism="face-to-face" if came else None,
            location=chance.choice(["community-venue", "gp", "home"]) if came else None,
            direction="in" if talk > 2 and chance.random() < 0.2 else "out",
            minutes=chance.choice([20, 30, 45, 60, 75]),
            interpreter_used=True if foreign and chance.random() < 0.6 else None,
            results=results,
            notes=words[(talk + chance.randint(0, 9)) % len(words)],
            shared_note=shared[talk - 1] if talk <= len(shared) and (case.shown or chance.random() < 0.35) else "",
            next_step=chance.choice(written.NEXT_STEPS),
            next_due=self._next(case),
        )
        if talk == 1:
            self._first(store, case, referral)
        if talk == 2:
            self._plans(store, case, referral)
        if talk >= 3:
            self._goes_on(store, service, case, referral)

    def _next(self, case: Case) -> date:
        """The next step; where the case is to stay as it is, it lies ahead of today."""
        if case.work in ("triage", "worry"):
            ahead = (self.past.ends.astimezone(LONDON).date() - clock.today()).days
            return self.in_days(max(3, ahead + 2), max(4, ahead + 6))
        return self.in_days(6, 9) if case.talks == 1 else self.in_days(15, 25)

    def _record(self, store: Session, service: Service, case: Case, referral: Referral, **said: object) -> None:
        once = codes.new_key()
        moment = self._a_while_ago(referral)
        contacts.record(store, service, case.worker, referral.id, once=once, happened_at=moment, **said)  # type: ignore[arg-type]

    # The first time --------------------------------------------------------------------------------------------------

    def _first(self, store: Session, case: Case, referral: Referral) -> None:
        worker, chance = case.worker, self.chance
        if case.work == "triage":
            return  # what is missing is what shows here
        if not risks.is_said(store, referral):
            if chance.random() < 0.2 or case.shown:
                kind, words = chance.choice(written.RISKS)
                due = self.open_day(clock.today() + timedelta(days=chance.randint(25, 60)))
                risks.record(store, worker, referral.id, kind=kind, words=words, review_due=due)
            else:
                risks.none_known(store, worker, referral.id)
        for one in access_needs.of_person(store, referral.service_id, referral.person_id):
            access_needs.review(store, worker, referral.id, one.id)
        if chance.random() < 0.12:
            access_needs.add(
                store, worker, referral.id, need="lip-reads", if_not_met="They nod, and understand little."
            )
        if chance.random() < 0.92 or case.work or case.shown:
            self._practice(store, case, referral)
        if chance.random() < 0.3:
            words, shared = chance.choice(written.NOTES)
            notes.write(store, worker, referral.id, words=words, shared=shared)

    def _practice(self, store: Session, case: Case, referral: Referral) -> None:
        code, name, *_ = self.chance.choice(places.PRACTICES[:5])
        if case.work in ("ends", "asks-again", "again") or case.shown:
            code, name, *_ = next(one for one in places.PRACTICES if one[0] == places.CONFIRMED)
        if case.person.typed["gp_registered"] == "not-registered":
            code, name = triage.NOT_REGISTERED, ""
        triage.set_practice(store, case.worker, referral.id, code, name)

    # The plan --------------------------------------------------------------------------------------------------------

    def _plans(self, store: Session, case: Case, referral: Referral) -> None:
        plan = care_plan.of_referral(store, case.worker, referral)
        if not plan.goals and not case.work:
            return
        before = care_plan.says_plan(plan.row)
        care_plan.save(
            store,
            case.worker,
            referral.id,
            strengths=self.chance.choice(written.STRENGTHS),
            review_due=self.in_days(30, 45),
            seen=stamp(before),
        )
        for number, goal in enumerate(plan.goals[:3]):
            for words, who, barriers in self.chance.sample(list(written.ACTIONS), 1 + number % 2):
                care_plan.add_action(
                    store,
                    case.worker,
                    referral.id,
                    goal.line.goal.id,
                    words=words,
                    who=who,
                    barriers=barriers,
                    sure=self.chance.choice([None, 5, 6, 8, 9]),
                    due=self.in_days(7, 25),
                )
        self.agrees(store, case, referral)

    def agrees(self, store: Session, case: Case, referral: Referral) -> None:
        """They read it through, and say yes, or not yet."""
        if not risks.is_said(store, referral):
            return
        yes = bool(case.work) or case.shown or self.chance.random() < 0.85
        agreeing.agree(
            store,
            case.worker,
            referral.id,
            agreed="yes" if yes else "no",
            seen=care_plan.of_referral(store, case.worker, referral).seen,
            why_not="" if yes else written.WHY_NOT_AGREED,
            review_due=self.in_days(30, 45),
        )

    def _goes_on(self, store: Session, service: Service, case: Case, referral: Referral) -> None:
        plan = care_plan.of_referral(store, case.worker, referral)
        if case.talks == 3:
            for kind in self._kinds(case):
                self._leads_on(store, service, case, referral, kind)
        for goal in plan.goals[:2]:
            for action in goal.actions:
                if action.status in ("planned", "in-progress") and self.chance.random() < 0.5:
                    became = "done" if action.status == "in-progress" else "in-progress"
                    care_plan.set_action(store, case.worker, referral.id, action.id, became)
        for need in plan.needs:
            if need.row and need.row.status == "open" and self.chance.random() < 0.25:
                seen = stamp(care_plan.says_need(need.row))
                words = need.row.words or ""
                care_plan.change_need(
                    store, case.worker, referral.id, need.row.id, status="improving", words=words, seen=seen
                )
        if plan.agreed and (case.shown or self.chance.random() < 0.4):
            self.agrees(store, case, referral)

    def _kinds(self, case: Case) -> list[str]:
        if case.shown:
            return ["signpost", "supported-self-referral", MOVES_DATA]
        return self.chance.choice(
            [["signpost"], ["supported-self-referral"], [MOVES_DATA], ["signpost", "supported-self-referral"], []]
        )

    # Onward ----------------------------------------------------------------------------------------------------------

    def _leads_on(self, store: Session, service: Service, case: Case, referral: Referral, kind: str) -> None:
        needs = referrals.needs_of(store, referral) or ("loneliness",)
        need = needs[len(case.led) % len(needs)]
        found = [one for one in self._near(store, service, case, need) if str(one) not in case.led]
        if not found or (kind == MOVES_DATA and not onward.allowed(store, service.id, referral.person_id)):
            return
        activity_id = self.chance.choice(found)
        case.led.append(str(activity_id))
        begun = onward.begin(
            store,
            case.worker,
            referral.id,
            once=codes.new_key(),
            kind=kind,
            need=need,
            activity_id=activity_id,
            reason=written.ONWARD_REASON,
            check_due=self.in_days(9, 16),
        )
        if kind == MOVES_DATA:
            self._sends(store, service, case, begun)

    def _near(self, store: Session, service: Service, case: Case, need: str) -> list[uuid.UUID]:
        """What there is for a need, in a language that they speak."""
        spoken = case.person.tongue.code
        if (need, spoken) not in self.near:
            rows = directory.search(store, service.id, need=need).rows
            fits = [one for one in rows if spoken in one.languages or one.languages in ((), ("en",))]
            self.near[need, spoken] = [one.id for one in fits]
        return self.near[need, spoken]

    def _sends(self, store: Session, service: Service, case: Case, begun: Onward) -> None:
        there = onward.shareable(store, case.worker, begun, {})
        chosen = [one for one in there if one.code in _BY_HAND]
        onward.send(
            store,
            service,
            case.worker,
            begun.id,
            fields=[one.code for one in chosen],
            seen=onward.seen_of(chosen),
            rules={},
            to="" if onward.address_of(store, begun) else "The group, by hand, when we go there together",
            agreed=True,
        )

    def asks_how_it_went(self, store: Session, case: Case, begun: Onward) -> None:
        """What became of an onward step; mostly one step farther."""
        status = _NEXT_OF.get(begun.status) or _THEN.get(begun.status, "completed")
        barriers: list[str] = []
        if begun.status != "attending" and self.chance.random() < 0.25 and not case.shown:
            status, barriers = self.chance.choice(
                [
                    ("declined", ["other"]),
                    ("service-full", []),
                    ("not-suitable", ["access"]),
                    ("stopped", ["transport"]),
                ]
            )
        onward.became(
            store,
            case.worker,
            begun.id,
            version=begun.version,
            status=status,
            barriers=barriers,
            reason=written.DECLINED if status == "declined" else "",
            check_due=None if status in ONWARD_OVER else self.in_days(14, 28),
        )

    # Messages back ---------------------------------------------------------------------------------------------------

    def sends_letters(self, store: Session, service: Service, worker: Actor, stay: "set[uuid.UUID]") -> None:
        """Everything that waits in the worker's own cases, except for these."""
        for one in letters.waiting(store, worker, mine=True):
            if one.referral.id in stay:
                continue
            shown = letters.shown(store, service, worker, one.letter.id)
            if shown.document is None:
                letters.not_needed(store, worker, one.letter.id, "They do not want it any more.")
            elif shown.why in ("ready", "no-address"):
                by_email = shown.why == "ready"
                how = letters.EMAIL if by_email else "print"
                to = "" if by_email else "The practice, by post"
                letters.send(store, service, worker, one.letter.id, seen=shown.seen, how=how, to=to)

    # The end ---------------------------------------------------------------------------------------------------------

    def may_end(self, case: Case) -> bool:
        """Whether a case that chance decides about comes to its end now."""
        return case.by_chance and case.talks >= TALKS_BEFORE_END and self.chance.random() < 0.75

    def ends(self, store: Session, service: Service, case: Case, reason: str = "goals-met") -> None:
        """The case is closed; what became of each need is said."""
        referral = store.get_one(Referral, (service.id, case.referral_id))
        needs = closing.beside(store, service, case.worker, referral).needs
        worse = ["resolved", "improved", "improved", "same", "worse", "unknown"]
        moved, vain = reason == "moved-away", reason == "could-not-contact"
        asks = not (moved or vain) and self.chance.random() < 0.4
        due = self.last_day() if case.work == "asks-again" else None
        closing.close(
            store,
            service,
            case.worker,
            case.referral_id,
            reason=reason,
            outcomes={one.need: "unknown" if vain else self.chance.choice(worse) for one in needs},
            summary=written.MOVED_SUMMARY if moved else written.NOT_REACHED if vain else written.SUMMARY,
            person_summary=(
                written.MOVED_FOR_PERSON if moved else written.NOT_REACHED_FOR_PERSON if vain else written.FOR_PERSON
            ),
            actions_professionals=written.ASK_PROFESSIONALS if asks else "",
            no_action=not asks,
            actions_person="" if moved or vain else written.FOR_THEMSELVES,
            follow_up_due=due or (self.in_days(60, 90) if asks else None),
            no_known_risks=not risks.is_said(store, referral),
        )

    def writes_concern(self, store: Session, service: Service, case: Case) -> None:
        """A safeguarding concern, which the manager is asked to read."""
        safeguarding.record(
            store,
            service,
            case.worker,
            case.referral_id,
            concern=written.CONCERN,
            action_taken=written.CONCERN_DONE,
        )

    def looks_at_plan(self, store: Session, case: Case, referral: Referral) -> None:
        """The day of the review has come: they read it through together once more."""
        plan = care_plan.of_referral(store, case.worker, referral)
        if risks.is_said(store, referral):
            self.agrees(store, case, referral)
        elif plan.row:
            care_plan.save(
                store,
                case.worker,
                referral.id,
                strengths=plan.row.strengths or "",
                review_due=self.in_days(30, 45),
                seen=stamp(care_plan.says_plan(plan.row)),
            )
