"""Somebody with a long story, made through the rooms: every table that can hold a person's rows holds some of
theirs."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import accounts, alerts, clock, codes, experience, feedback, goals, measures, people, referrals, retention
from portal.access import Actor, Role, Visitor
from portal.caseload import (
    agreeing,
    care_plan,
    closing,
    contacts,
    moving,
    notes,
    onward,
    reach,
    risks,
    safeguarding,
)
from portal.journeys.goal_setting import GOAL_SETTING
from portal.referrals import Referral
from portal.store import Alert, CheckIn, Service
from tests.arriving import code_sent, somebody
from tests.asked import MONDAY
from tests.world import a_referral, a_service, staff_member

LATER = MONDAY + timedelta(weeks=12)


@dataclass
class Life:
    """Who it is, and who works with them."""

    service: Service
    referral: Referral
    number: str
    worker: Actor
    manager: Actor


def answer(
    store: Session, service: Service, check_in: CheckIn, places: int, *, language: str = "en", **how: object
) -> None:
    """Answer everything that a check-in asks: always the answer at this place (the last one where there are fewer)."""
    for one in feedback.begin(store, service, check_in, language=language, **how):  # type: ignore[arg-type]
        for step in one.journey.steps:
            raw = {ask.code: ask.choices[min(places, len(ask.choices) - 1)].code for ask in step.questions}
            assert not feedback.keep(store, service, check_in, one, step, raw).problems
    feedback.finish(store, service, check_in)


def check_ins_of(store: Session, referral: Referral) -> list[CheckIn]:
    """By when they are due."""
    return list(measures.of_referral(store, referral.service_id, referral.id))


def a_goal(store: Session, service: Service, referral: Referral, words: str, closeness: str = "3") -> goals.Goal:
    """A goal set on the person's own page."""
    typed = {"goal_words": words, "goal_need": "loneliness", goals.CLOSENESS: closeness}
    answers: dict[str, object] = {}
    while step := GOAL_SETTING.first_gap(answers):
        read, problems = step.read({question.code: typed.get(question.code) for question in step.questions})
        assert not problems, problems
        answers |= read
    return goals.set_goal(store, service, referral.person_id, referral.id, answers, "en")


def two_check_ins_and_two_goals(
    store: Session, service: Service, worker: Actor, *, language: str = "en", **answers: object
) -> tuple[Referral, str]:
    """What the person's page shows at its fullest: the referral, and the return number of its card."""
    with clock.at(MONDAY):
        known = somebody(store, service, worker, share_gp="yes", share_onward="yes", evaluation="no", **answers)  # type: ignore[arg-type]
        referral = known.referral
        referrals.accept(store, service, worker, referral.id)
        answer(store, service, check_ins_of(store, referral)[0], 3, language=language)
        first = a_goal(store, service, referral, "I would like to meet people.")
        a_goal(store, service, referral, "میں روز چلنا چاہتی ہوں")
    with clock.at(LATER):
        later = next(one for one in check_ins_of(store, referral) if one.opens_at <= clock.now() <= one.closes_at)
        answer(store, service, later, 5, language=language)
        goals.rate(store, service, first.id, referral.person_id, 6, None, language=language)
    return referral, known.number


def reads(store: Session, service: Service, referral: Referral, number: str, *, key: str = "") -> Visitor:
    """They come to their page by a code in their email and their card; ``key`` is what their browser then holds."""
    visitor, browser = comes(store, service, referral), codes.new_key()
    opened = accounts.card_given(store, service, visitor, number, key or browser)
    assert opened
    return opened


def comes(store: Session, service: Service, referral: Referral, *, key: str = "", task: str = "") -> Visitor:
    """They come by a code in their email, to do one task."""
    email = next(way for way in people.ways_of(store, service.id, referral.person_id) if way.channel == "email")
    browser = codes.new_key()
    accounts.ask_code(store, service, email.address or "", browser)
    visitor = accounts.code_given(
        store, service, browser, code_sent(store), key or codes.new_key(), language="en", reference=referral.reference
    )
    assert visitor
    return accounts.choose_task(store, visitor, task) if task else visitor


def a_long_story(store: Session, service: Service, *, email: str, family_name: str) -> Life:
    """Everything that can happen to somebody: asked, answered, alarmed, written to, corrected, merged, withdrawn."""
    manager = staff_member(store, service, Role.MANAGER, name=f"Mo of {family_name}").actor
    worker = staff_member(store, service, name=f"Amina of {family_name}").actor
    told: dict[str, object] = {
        "email": email,
        "family_name": family_name,
        "urgency": "not-safe",
        "referring_for": "me-with-help",
        "share_referrer": "yes",
        "access_needs": ["large-print", "step-free"],
    }
    referral, number = two_check_ins_and_two_goals(store, service, worker, **told)  # type: ignore[arg-type]
    person_id = referral.person_id
    with clock.at(LATER + timedelta(days=2)):
        _alarmed(store, service, worker, referral)
        _says(store, service, referral, worker, number)
        for one in goals.of_person(store, service.id, person_id)[:1]:
            _scaled(store, service, worker, manager, one.goal)
        other = a_referral(store, service, first_name="Zofja", share_onward="yes", answers=told)
        people.merge(store, manager, person_id, other.person_id)
        referrals.pass_on(store, service, worker, other.id, to="A club", reason="Nearer to them", word="They ring you.")
        links = [one for one in check_ins_of(store, referral) if one.status == "ready"]
        measures.new_link(store, links[0])
        worked_with(store, service, worker, manager, referral)
        _moved(store, service, worker, manager, person_id, told)
        referrals.begin_again(store, service, referral, "en", codes.new_key())
        retention.ask_erasure(store, service, person_id)
        referrals.withdraw(store, service, person_id, referral.id)
    return Life(service, referral, number, worker, manager)


def worked_with(store: Session, service: Service, worker: Actor, manager: Actor, referral: Referral) -> None:
    """Everything that staff write about a case, to its end and on: words for the person, and words for each other."""
    contacts.record(
        store,
        service,
        worker,
        referral.id,
        once=f"spoke {referral.id}",
        outcome="spoke",
        notes="Sounds tired.",
        shared_note="We meet at ten.",
        next_step="Ring the choir.",
    )
    notes.write(store, worker, referral.id, words="Likes mornings.", shared=False)
    notes.write(store, worker, referral.id, words="Bring your glasses.", shared=True)
    risks.record(store, worker, referral.id, kind="pets", words="A large dog")
    safeguarding.record(store, service, worker, referral.id, concern=CONCERN)
    reach.give_reason(store, manager, referral.person_id, "covering", "Amina is ill")
    goal = goals.of_person(store, service.id, referral.person_id)[0].goal
    care_plan.add_action(store, worker, referral.id, goal.id, words="Ring the choir", who="worker")
    seen = care_plan.of_referral(store, worker, referral).seen
    agreeing.agree(store, worker, referral.id, agreed="yes", seen=seen)
    led = onward.begin(
        store, worker, referral.id, once=f"led {referral.id}", kind="signpost", need="loneliness", place="The choir"
    )
    onward.became(store, worker, led.id, version=led.version, status="attending")
    people.change_permission(store, service, referral.person_id, "share_gp", "given", "en")
    closing.close(
        store,
        service,
        worker,
        referral.id,
        reason="goals-met",
        outcomes={"loneliness": "improved"},
        summary="They sing.",
        person_summary="Thank you.",
        no_action=True,
    )
    closing.reopen(store, service, worker, referral.id, because="They rang again.")


CONCERN = "Bruises on both arms."


def _moved(
    store: Session, service: Service, worker: Actor, manager: Actor, person_id: UUID, told: "dict[str, object]"
) -> None:
    """A case of theirs that another service took over, and that was found to be theirs later."""
    there = a_service(store, f"beside-{person_id.hex}")
    staff_member(store, there, Role.MANAGER)
    sent = a_referral(store, service, first_name="Zosia", share_onward="yes", answers=told)
    moves = referrals.accept(store, service, worker, sent.id)
    listed = moving.listed_as(moving.fields(store, worker, moves))
    word = "They ring you."
    moving.move(store, service, worker, moves.id, there.slug, listed=listed, urgency="soon", word=word, no_action=True)
    people.merge(store, manager, person_id, moves.person_id)


def _alarmed(store: Session, service: Service, worker: Actor, referral: Referral) -> None:
    alert = store.scalars(select(Alert).where(Alert.referral_id == referral.id)).one()
    alerts.open_by_name(store, worker, alert.id)
    alerts.close(store, worker, alert.id, "Rang her sister, who is with her.")


def _says(store: Session, service: Service, referral: Referral, worker: Actor, number: str) -> None:
    reads(store, service, referral, number)
    accounts.issue_code(store, worker, referral.person_id, referral.id)
    people.change_permission(store, service, referral.person_id, "share_gp", "withdrawn", "ur")
    people.correct(store, service, referral.person_id, {"preferred_name": "+Zo", "pronouns": "=she"})
    way = next(way for way in people.ways_of(store, service.id, referral.person_id))
    people.new_confirmation(store, way)
    words = "The worker listened."
    experience.comment(
        store, service, "compliment", words, language="en", once=codes.new_key(), person_id=referral.person_id
    )


def _scaled(store: Session, service: Service, worker: Actor, manager: Actor, goal: goals.Goal) -> None:
    """Goal attainment scaling, by somebody who was trained in it."""
    boss = staff_member(store, service, Role.ADMINISTRATOR).actor
    accounts.set_trained_in_gas(store, boss, worker.staff_id, True)
    measures.turn_on(store, manager, "gas")
    texts = {step: f"What it looks like at {step}" for step in range(-2, 3)}
    goals.scale(store, worker, goal.id, 2, -1, texts)
    goals.level(store, worker, goal.id, 1)
