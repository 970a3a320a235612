"""A case of which everything is known that a message back can hold, for tests of the messages: rows as the rooms leave
them, and a practice whose address a manager has confirmed."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal import clock, codes, people, referrals
from portal.access import Role
from portal.caseload import access_needs, agreeing, care_plan, letters, onward
from portal.caseload.plan_content import stamp
from portal.clock import now, today
from portal.referrals import Referral
from portal.services import practices
from portal.store import (
    Closure,
    Contact,
    Goal,
    GoalRating,
    Letter,
    Practice,
    Risk,
    Safeguarding,
    Service,
    Staff,
)
from tests.asked import check_in
from tests.lived import a_goal, answer
from tests.world import Member, a_referral, a_service, staff_member

MONDAY = datetime(2026, 3, 2, 10, tzinfo=ZoneInfo("Europe/London"))
ADDRESS = "surgery@nhs.example"
SECRET = "SECRETWORDS"
"""Stands in everything that no message may say."""

ANSWERS: dict[str, object] = {
    "share_gp": "yes",
    "share_onward": "yes",
    "safe_ways": ["call", "email", "post", "through-person"],
    "trusted_name": f"Ola {SECRET}",
    "post_address": "1 Made Up Street, Aberdeen",
    "voicemail_safe": "yes",
    "may_say_who": "no",
    "others_may_answer": "dont-know",
    "phone_times": ["weekday-morning"],
    "access_needs": ["large-print", "hearing"],
    "preferred_name": "Zosia",
    "pronouns": "she/her",
    "nhs_number": "",
    "gp_registered": "yes",
    "gp_practice": "Harbour Surgery",
    "what_matters": "I would like to meet people. " * 10,
}


@dataclass
class Case:
    """The case and who works with it."""

    service: Service
    worker: Member
    manager: Member
    referral: Referral
    practice: Practice


def add(store: Session, table: type[Any], **columns: Any) -> Any:
    made = table(id=codes.new_id(), **columns)
    store.add(made)
    store.flush()
    return made


def a_practice(store: Session, service: Service, manager: Member | None = None, **more: object) -> Practice:
    given = {"code": "D81044", "name": "Harbour Surgery", "name_key": "harbour surgery", "postcode": "AB10 1AB"}
    made: Practice = add(store, Practice, service_id=service.id, **{**given, **more})
    if manager:
        practices.confirm_email(store, manager.actor, made.id, ADDRESS, made.version)
    return made


def accepted(store: Session, **answers: object) -> Case:
    """A case that somebody has just taken."""
    service = a_service(store, phone="01234 567890")
    manager, worker = staff_member(store, service, Role.MANAGER), staff_member(store, service, name="Amina Yusuf")
    return taken(store, service, manager, worker, **answers)


def taken(store: Session, service: Service, manager: Member, worker: Member, **answers: object) -> Case:
    """The same, by somebody who is there already."""
    sent = a_referral(store, service, answers={**ANSWERS, **answers})
    referral = referrals.accept(store, service, worker.actor, sent.id)
    practice = practices.by_code(store, service.id, "D81044") or a_practice(store, service, manager)
    people.read(store, worker.actor, referral.person_id).gp_practice_code = practice.code
    store.flush()
    return Case(service, worker, manager, referral, practice)


def risk(store: Session, case: Case, kind: str = "none-known", words: str | None = None) -> Risk:
    made: Risk = add(
        store,
        Risk,
        service_id=case.service.id,
        person_id=case.referral.person_id,
        referral_id=case.referral.id,
        kind=kind,
        words=words,
        started=today(),
        recorded_by=case.worker.actor.staff_id,
    )
    return made


def close(store: Session, case: Case, **more: Any) -> Closure:
    given: dict[str, Any] = {
        "reason": "partly-met",
        "outcomes": {"loneliness": "improved"},
        "summary": "She joined a choir. The lunch club did not work.",
        "person_summary": f"{SECRET} for the person alone",
        "reason_text": SECRET,
        "actions_professionals": "Please review her hearing aid.",
        "actions_person": "Goes to the choir on Tuesdays.",
        "closed_at": now(),
        "closed_by": case.worker.actor.staff_id,
        "retention_review_due": today() + timedelta(days=2922),
    }
    made: Closure = add(
        store,
        Closure,
        service_id=case.service.id,
        referral_id=case.referral.id,
        person_id=case.referral.person_id,
        **{**given, **more},
    )
    case.referral.status, case.referral.closed_at = "closed", now()
    store.flush()
    return made


def contact(store: Session, case: Case, outcome: str, at: datetime, **more: Any) -> Contact:
    given: dict[str, Any] = {
        "once": codes.new_key(),
        "happened_at": at,
        "direction": "out",
        "outcome": outcome,
        "mechanism": "telephone",
        "with_whom": ["person"],
        "worker_id": case.worker.actor.staff_id,
        "recorded_by": case.worker.actor.staff_id,
        "results": [],
        "notes": SECRET,
        "shared_note": f"{SECRET} shared",
        "next_step": SECRET,
    }
    made: Contact = add(
        store,
        Contact,
        service_id=case.service.id,
        referral_id=case.referral.id,
        person_id=case.referral.person_id,
        **{**given, **more},
    )
    return made


def a_plan(store: Session, case: Case, goal: Goal) -> None:
    actor, referral = case.worker.actor, case.referral
    nothing = stamp(care_plan.says_plan(None))
    review = today() + timedelta(days=30)
    care_plan.save(store, actor, referral.id, strengths="She sings.", review_due=review, seen=nothing)
    care_plan.add_action(
        store,
        actor,
        referral.id,
        goal.id,
        words="Ring the choir.",
        who="carer",
        who_name="Ola Nowak",
        due=today() + timedelta(days=7),
        sure=7,
        barriers="The bus.",
        status="in-progress",
        review_due=today() + timedelta(days=14),
    )
    seen = care_plan.of_referral(store, actor, referral).seen
    agreeing.agree(store, actor, referral.id, agreed="yes", seen=seen)


def needs(store: Session, case: Case) -> None:
    """What they hear badly is no need any more: staff found what helps them. And a need of their carer."""
    worker, referral = case.worker.actor, case.referral
    for one in access_needs.of_person(store, case.service.id, referral.person_id):
        if one.need == "does-not-hear-well":
            one.detail = SECRET
            access_needs.end(store, worker, referral.id, one.id)
    access_needs.add(
        store, worker, referral.id, need="hearing-aid", detail="On the left.", if_not_met="She misses what is said."
    )
    access_needs.add(store, worker, referral.id, need="easy-read", need_of="carer")


def everything(store: Session, **answers: object) -> Case:
    """A closed case with contacts, answers at two check-ins, a goal with an action, onward steps, a risk, a plan; and
    beside them what no message may say."""
    with clock.at(MONDAY):
        case = accepted(store, **answers)
        worker, referral = case.worker.actor, case.referral
        answer(store, case.service, check_in(store, referral), 3)
        goal = a_goal(store, case.service, referral, "To sing with others.")
        goal.importance = 9
        goal.first_step, goal.by_when, goal.sure = "Look up when they meet.", "Before Easter", 6
        store.get_one(Staff, (case.service.id, worker.staff_id)).team = "Team North"
        needs(store, case)
        contact(store, case, "no-answer", now() - timedelta(minutes=5))
        contact(store, case, "spoke", now(), next_due=today() + timedelta(days=3), location="home")
        risk(store, case, "falls-mobility", "Stairs without a rail.")
        a_plan(store, case, goal)
        add(
            store,
            Safeguarding,
            service_id=case.service.id,
            person_id=referral.person_id,
            referral_id=referral.id,
            concern=f"{SECRET} safeguarding",
            action_taken=SECRET,
            started=today(),
            recorded_by=worker.staff_id,
        )
        steps: dict[str, uuid.UUID] = {}
        for kind, place in (("signpost", "Lunch club"), ("supported-self-referral", "Choir")):
            one = onward.begin(
                store, worker, referral.id, once=kind, kind=kind, need="loneliness", place=place, reason=SECRET
            )
            steps[kind] = one.id
    with clock.at(MONDAY + timedelta(days=84)):
        answer(store, case.service, check_in(store, referral, "review", 2), 8)
        contact(store, case, "attended", now(), mechanism="face-to-face", location="community-venue")
        add(
            store,
            GoalRating,
            service_id=case.service.id,
            goal_id=goal.id,
            rating=7,
            completed_by="self",
            response_mode="web",
            language="en",
        )
        for kind, status in (("signpost", "stopped"), ("supported-self-referral", "attending")):
            step = onward.read(store, worker, steps[kind])
            onward.became(store, worker, step.id, version=step.version, status=status, barriers=["cost"], reason=SECRET)
        close(store, case)
    return case


def a_letter(store: Session, case: Case, recipient: str = "gp", occasion: str = "closing") -> Letter:
    """The message that this occasion wants, to this recipient."""
    found = letters.wanted(store, case.service, case.worker.actor, case.referral, occasion)
    return next(one for one in found if one.recipient == recipient)
