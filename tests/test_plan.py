import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, clock, codes, measures, notifications, people, referrals, services, tasks
from portal.access import Actor, Refused, Role
from portal.measures import plan
from portal.referrals import Referral
from portal.services import CheckIns
from portal.store import CheckIn, ContactWay, Goal, ItemAnswer, MeasureResponse, Message, Service, Stores, Task
from tests import world
from tests.asked import LONDON, MONDAY, Kept, a_case, check_in, days, tick, with_email, with_made_up_words


def london(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=LONDON)


@dataclass
class Here:
    """A service, its manager, a worker, and a person whose referral was accepted on Monday 2 March at ten."""

    stores: Stores
    service_id: uuid.UUID
    manager: Actor
    worker: Actor
    referral_id: uuid.UUID
    transport: Kept

    def tick(self, moment: datetime) -> tuple[int, notifications.Delivered]:
        return tick(self.stores, self.transport, moment)

    def every_day(self, first: date, last: date, hour: int = 10) -> None:
        """The clock at this hour of every day."""
        for number in range((last - first).days + 1):
            self.tick(datetime.combine(first + timedelta(days=number), datetime.min.time(), LONDON).replace(hour=hour))

    def state(self, occasion: str = "baseline", number: int = 1) -> tuple[str, str | None, int]:
        with self.stores.reading.begin() as store:
            row = check_in(store, self.referral(store), occasion, number)
            return row.status, row.why_not, row.reminders

    def referral(self, store: Session) -> Referral:
        return store.get_one(Referral, (self.service_id, self.referral_id))

    def service(self, store: Session) -> Service:
        return store.get_one(Service, self.service_id)

    def tasks(self) -> list[Task]:
        """What staff were asked to do about check-ins."""
        with self.stores.reading() as store:
            every = store.scalars(select(Task).where(Task.service_id == self.service_id)).all()
        return [one for one in every if "occasion" in one.details or "check-in" in str(one.details.get("template"))]

    def sent(self) -> list[tuple[int, int, int, str]]:
        """(month, day, hour in London, template) of what was sent about check-ins."""
        with self.stores.reading.begin() as store:
            told = {message.id: message.template for message in store.scalars(select(Message))}
        moments = [(at.astimezone(LONDON), told[one.message_id]) for at, one in self.transport.sent]
        return [(at.month, at.day, at.hour, what) for at, what in moments if what.startswith("check-in")]


def here(
    stores: Stores, settings: dict[str, object] | None = None, *, words: tuple[str, ...] = (), **answers: object
) -> Here:
    with clock.at(MONDAY), stores.writing.begin() as store:
        service = services.create(store, "here", "Service here", settings or {})
        manager = world.staff_member(store, service, Role.MANAGER).actor
        worker = world.staff_member(store, service).actor
        for language in words:
            with_made_up_words(store, service, language)
        referral = a_case(store, service, worker, **answers)
        made = Here(stores, service.id, manager, worker, referral.id, Kept())
    made.tick(MONDAY)  # the news of the acceptance leaves
    return made


FIRST_ASK = (3, 3, 10, "check-in-due")
"""The day after the acceptance, since the acceptance is news of its own."""


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_sending_a_form_plans_the_check_in_at_the_start_and_it_may_be_answered_at_once(store: Session) -> None:
    service = world.a_service(store)
    manager = world.staff_member(store, service, Role.MANAGER)
    referral = with_email(store, service, manager.actor)
    (planned,) = measures.of_referral(store, service.id, referral.id)
    assert (planned.occasion, planned.number, planned.status) == ("baseline", 1, "ready")
    assert planned.scales == ["ons4", "who5", "gss-loneliness", "goals"]
    assert planned.opens_at == planned.due_at == referral.referred_at
    assert measures.due_for(store, service.id, referral.person_id) == [planned]
    with clock.later(days(300)):  # our slowness ends nothing
        assert measures.due_for(store, service.id, referral.person_id) == [planned]


def test_accepting_dates_everything_else_from_that_day_by_the_calendar_of_the_place(store: Session) -> None:
    with clock.at(MONDAY - days(3)):
        service = world.a_service(store)
        worker = world.staff_member(store, service, Role.MANAGER).actor
        referral = with_email(store, service, worker)
    with clock.at(london(3, 2, 23, 30)):
        referrals.accept(store, service, worker, referral.id)
    found = [
        (one.occasion, one.number, one.opens_at, one.due_at, one.closes_at)
        for one in measures.of_referral(store, service.id, referral.id)
    ]
    assert found == [
        ("baseline", 1, referral.referred_at, london(3, 2), london(3, 17)),
        ("review", 1, london(4, 6), london(4, 13), london(5, 5)),  # midnight by the clock of summer
        ("review", 2, london(5, 4), london(5, 25), london(6, 23)),
        ("follow-up", 1, london(7, 30), london(8, 31), london(10, 14)),
    ]


def test_a_baseline_window_does_not_reach_back_before_its_days(store: Session) -> None:
    with clock.at(MONDAY - days(40)):
        service = world.a_service(store)
        worker = world.staff_member(store, service, Role.MANAGER).actor
        early, late = with_email(store, service, worker), with_email(store, service, worker)
        measures.mark_answered(store, service, check_in(store, early))
        kept = check_in(store, early).opens_at
    with clock.at(MONDAY):
        for referral in (early, late):
            referrals.accept(store, service, worker, referral.id)
    assert check_in(store, early).opens_at == kept, "what was answered is not dated anew"
    assert check_in(store, late).opens_at == london(2, 16)


def test_a_plan_is_made_once(store: Session) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    referral = a_case(store, service, worker)
    before = [one.id for one in measures.of_referral(store, service.id, referral.id)]
    measures.plan_rest(store, service, referral)
    measures.plan_baseline(store, service, referral, world.person_of(store, referral))
    assert [one.id for one in measures.of_referral(store, service.id, referral.id)] == before


def test_a_service_can_plan_other_days_and_scales_or_nothing_at_all(store: Session) -> None:
    occasions = [
        {"occasion": "baseline", "opens": -7, "due": 1, "closes": 10, "scales": ["goals"]},
        {"occasion": "closure", "opens": 20, "due": 30, "closes": 40, "scales": ["ons4"], "or_planned_end": True},
    ]
    service = world.a_service(store, check_ins={"occasions": occasions})
    nothing = world.a_service(store, "there", check_ins={"occasions": []})
    for one, expected in ((service, [("baseline", ["goals"]), ("closure", ["ons4"])]), (nothing, [])):
        worker = world.staff_member(store, one, Role.MANAGER).actor
        referral = a_case(store, one, worker)
        found = measures.of_referral(store, one.id, referral.id)
        assert [(check.occasion, check.scales) for check in found] == expected
        assert measures.remind(store, one) in (0, 1)
        with pytest.raises(plan.NotPossible, match="nothing-to-ask") if not expected else clock.later(days(0)):
            measures.add_review(store, worker, referral.id, clock.today())


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("died", "died"),
        ("moved-away", "moved"),
        ("could-not-contact", "not-reached"),
        ("person-chose-to-stop", "withdrawn"),
        ("outside-area", "closed"),
        ("duplicate", "closed"),
    ],
)
def test_declining_stops_the_asking_and_says_why(store: Session, reason: str, why: str) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    referral = with_email(store, service, worker)
    referrals.decline(store, service, worker, referral.id, reason=reason, text="", word="Sorry.")
    assert (check_in(store, referral).status, check_in(store, referral).why_not) == ("cancelled", why)
    assert measures.due_for(store, service.id, referral.person_id) == []


def test_passing_on_stops_the_asking(store: Session) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    referral = with_email(store, service, worker, share_onward="yes")
    referrals.pass_on(store, service, worker, referral.id, to="A library", reason="nearer", word="They will call.")
    assert (check_in(store, referral).status, check_in(store, referral).why_not) == ("cancelled", "closed")


def test_a_withdrawal_stops_the_asking(store: Session) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    referral = a_case(store, service, worker)
    referrals.withdraw(store, service, referral.person_id, referral.id)
    found = measures.of_referral(store, service.id, referral.id)
    assert {(one.status, one.why_not) for one in found} == {("cancelled", "withdrawn")}
    assert len(found) == 4


def test_of_somebody_who_has_died_nothing_is_asked_about_any_referral(store: Session) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    one, other = a_case(store, service, worker), a_case(store, service, worker)
    people.merge(store, worker, one.person_id, other.person_id)
    assert measures.stop(store, service, one.id, "died") == 8
    assert {row.why_not for row in measures.of_person(store, service.id, one.person_id)} == {"died"}


def test_a_reason_that_does_not_exist_is_refused(store: Session) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    referral = a_case(store, service, worker)
    with pytest.raises(ValueError, match="bored"):
        measures.stop(store, service, referral.id, "bored")


def test_what_staff_may_say_is_part_of_what_there_is() -> None:
    assert set(measures.SAID_BY_STAFF) <= set(measures.WHY_NOT)


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_person_is_asked_once_reminded_twice_and_then_a_worker_has_a_task(stores: Stores) -> None:
    world_ = here(stores)
    world_.every_day(date(2026, 3, 2), date(2026, 3, 31))
    assert world_.sent() == [FIRST_ASK, (3, 6, 10, "check-in-reminder"), (3, 10, 10, "check-in-reminder")]
    (task,) = world_.tasks()
    assert (task.kind, task.assigned_to) == ("check-in-not-back", world_.worker.staff_id)
    assert task.details == {"occasion": "baseline", "why": "no-answer"}
    assert task.done_at is not None, "when the window has closed there is nothing left to do"
    assert world_.state() == ("cancelled", "not-reached", 2)


def test_the_task_is_open_while_there_is_something_to_do(stores: Stores) -> None:
    world_ = here(stores)
    world_.every_day(date(2026, 3, 2), date(2026, 3, 14))
    (task,) = world_.tasks()
    assert task.done_at is None
    assert task.due_at <= london(3, 17)
    assert world_.state() == ("ready", None, 2)


def test_a_message_says_nothing_and_its_link_opens_the_check_in(stores: Stores) -> None:
    world_ = here(stores, {"phone": "01632 960 123"})
    world_.tick(london(3, 3, 10))
    ((_, sent),) = [one for one in world_.transport.sent if "/c/" in one[1].words.body]
    (token,) = world_.transport.tokens()
    assert f"https://refer.example.org/en/c/{token}\n" in sent.words.body
    assert "01632 960 123" in sent.words.body
    assert "do not answer this message" in sent.words.body
    assert "Zofia" not in sent.words.subject + sent.words.body
    with stores.writing.begin() as store:
        message = store.scalars(select(Message).where(Message.template == "check-in-due")).one()
        assert message.details == {}, "the secret is forgotten once it has left"
        with clock.at(london(3, 4)):
            opened = measures.open_link(store, world_.service_id, token)
        assert opened is not None
        assert opened.referral_id == world_.referral_id


def test_a_reminder_carries_a_new_link_and_the_one_before_is_dead(stores: Stores) -> None:
    world_ = here(stores)
    world_.every_day(date(2026, 3, 2), date(2026, 3, 6))
    first, second = world_.transport.tokens()
    with clock.at(london(3, 6, 11)), stores.writing.begin() as store:
        assert measures.open_link(store, world_.service_id, first) is None
        assert measures.open_link(store, world_.service_id, second) is not None


def test_nobody_is_asked_before_the_referral_is_accepted(stores: Stores) -> None:
    world_ = here(stores)
    with clock.at(MONDAY), stores.writing.begin() as store:
        waiting = with_email(store, world_.service(store), world_.worker, email="other@inbox.example")
        waiting_id = waiting.id
    world_.every_day(date(2026, 3, 2), date(2026, 4, 2))
    assert "other@inbox.example" not in {one.to for _, one in world_.transport.sent if "/c/" in one.words.body}
    with stores.reading.begin() as store:
        assert check_in(store, store.get_one(Referral, (world_.service_id, waiting_id))).status == "ready"


def test_whoever_has_just_answered_by_themselves_is_left_in_peace(stores: Stores) -> None:
    world_ = here(stores, {"check_ins": {"least_days_between_asks": 60}})
    answered(world_, london(3, 2, 12))
    world_.every_day(date(2026, 3, 3), date(2026, 5, 3))
    assert world_.sent() == []
    world_.every_day(date(2026, 5, 4), date(2026, 6, 1))
    assert world_.sent()[0][:2] == (5, 25)


def answered(world_: Here, moment: datetime, occasion: str = "baseline") -> None:
    with clock.at(moment), world_.stores.writing.begin() as store:
        row = check_in(store, world_.referral(store), occasion)
        measures.mark_started(store, row)
        measures.mark_answered(store, world_.service(store), row)


def test_an_answer_ends_it_all(stores: Stores) -> None:
    world_ = here(stores)
    world_.every_day(date(2026, 3, 2), date(2026, 3, 14))
    answered(world_, london(3, 14, 12))
    (task,) = world_.tasks()
    assert task.done_at is not None
    assert task.done_by is None
    world_.every_day(date(2026, 3, 15), date(2026, 4, 1))
    assert len(world_.sent()) == 3
    assert world_.state() == ("completed", None, 2)
    (*_, last) = world_.transport.tokens()
    with clock.at(london(3, 15)), stores.writing.begin() as store:
        assert measures.open_link(store, world_.service_id, last) is None


@pytest.mark.parametrize("how", ["answered", "closed"])
def test_a_message_that_waits_is_taken_back_by_an_answer_and_by_the_end_of_the_case(stores: Stores, how: str) -> None:
    world_ = here(stores)
    world_.transport.broken = True
    world_.tick(london(3, 3, 10))
    world_.transport.broken = False
    if how == "answered":
        answered(world_, london(3, 3, 10, 1))
    else:
        with clock.at(london(3, 3, 10, 1)), stores.writing.begin() as store:
            measures.stop(store, world_.service(store), world_.referral_id, "closed")
    world_.tick(london(3, 3, 15))
    world_.tick(london(3, 4, 15))
    assert world_.sent() == []
    with stores.reading.begin() as store:
        message = store.scalars(select(Message).where(Message.template == "check-in-due")).one()
        assert (message.state, message.refusal, message.address) == ("refused", "not-needed", None)
        assert message.details == {}
    assert world_.tasks() == []


def test_what_was_begun_and_not_finished_ends_as_that_and_is_reminded_like_the_rest(stores: Stores) -> None:
    world_ = here(stores)
    world_.tick(london(3, 3, 10))
    with clock.at(london(3, 3, 11)), stores.writing.begin() as store:
        measures.mark_started(store, check_in(store, world_.referral(store)))
    assert world_.state() == ("in-progress", None, 0)
    world_.every_day(date(2026, 3, 4), date(2026, 3, 18))
    assert world_.state() == ("cancelled", "not-finished", 2)
    answered(world_, london(3, 18, 12))  # a page that was still open
    assert world_.state() == ("completed", None, 2)


def test_nothing_counts_that_somebody_has_ended_on_purpose(stores: Stores) -> None:
    world_ = here(stores)
    with stores.writing.begin() as store:
        measures.stop(store, world_.service(store), world_.referral_id, "withdrawn")
    answered(world_, london(3, 4))
    assert world_.state() == ("cancelled", "withdrawn", 0)


def test_a_case_that_is_closed_behind_our_back_is_found_by_the_clock(stores: Stores) -> None:
    world_ = here(stores)
    with stores.writing.begin() as store:
        world_.referral(store).status = "closed"
    world_.every_day(date(2026, 3, 3), date(2026, 3, 4))
    assert world_.state() == ("cancelled", "closed", 0)
    assert world_.sent() == []


def test_what_was_never_asked_was_not_due(stores: Stores) -> None:
    world_ = here(stores)
    world_.tick(london(3, 20))
    assert world_.state() == ("cancelled", "not-due", 0)
    assert world_.sent() == []


def test_where_safe_contact_says_no_a_worker_has_the_one_task_and_nobody_is_reminded(stores: Stores) -> None:
    world_ = here(stores, None, safe_ways=["call"])
    world_.every_day(date(2026, 3, 2), date(2026, 3, 31))
    assert world_.sent() == []
    assert [task.kind for task in world_.tasks()] == ["tell-the-person"]
    assert world_.state() == ("cancelled", "not-reached", 0)
    with stores.reading.begin() as store:
        assert measures.due_for(store, world_.service_id, world_.referral(store).person_id) == []


def test_a_mind_changed_while_it_waits_is_a_task_and_no_reminder_follows(stores: Stores) -> None:
    world_ = here(stores)
    world_.transport.broken = True
    world_.tick(london(3, 3, 10))
    with stores.writing.begin() as store:
        for way in store.scalars(select(ContactWay)):
            way.allowed = False
    world_.transport.broken = False
    world_.every_day(date(2026, 3, 4), date(2026, 3, 31))
    assert world_.sent() == []
    assert [task.kind for task in world_.tasks()] == ["tell-the-person"]


def test_a_mail_server_that_takes_nothing_leads_to_one_task_and_no_second_message(stores: Stores) -> None:
    world_ = here(stores)
    world_.transport.broken = True
    for hour in range(24 * 12):
        world_.tick(london(3, 3) + timedelta(hours=hour))
    world_.transport.broken = False
    world_.every_day(date(2026, 3, 14), date(2026, 3, 31))
    assert world_.sent() == []
    assert [task.kind for task in world_.tasks()] == ["message-failed"]
    assert world_.state() == ("cancelled", "not-reached", 0)


def test_after_days_without_a_worker_nobody_hears_twice_on_one_day(stores: Stores) -> None:
    world_ = here(stores)
    with clock.at(london(3, 3, 10)), stores.writing.begin() as store:
        assert measures.remind(store, world_.service(store)) == 1  # and then the post stands still
    world_.tick(london(3, 11, 10))
    world_.tick(london(3, 11, 10, 5))
    assert world_.sent() == [(3, 11, 10, "check-in-due")]
    world_.every_day(date(2026, 3, 12), date(2026, 3, 16))
    assert world_.sent()[1:] == [(3, 16, 10, "check-in-reminder")]  # three days later is a Saturday


# --- when -------------------------------------------------------------------------------------------------------------


def test_nothing_leaves_while_the_service_is_closed(stores: Stores) -> None:
    world_ = here(stores, {"closed_days": ["2026-03-03", "2026-03-04"]})
    for number in range(24 * 4 * 2):
        world_.tick(london(3, 3) + timedelta(minutes=30 * number))
    assert world_.sent() == [(3, 5, 9, "check-in-due")]


def test_a_second_try_at_night_waits_for_the_morning_and_does_not_count_as_a_try(stores: Stores) -> None:
    world_ = here(stores)
    world_.transport.broken = True
    world_.tick(london(3, 3, 16, 59))
    world_.transport.broken = False
    moved, delivered = world_.tick(london(3, 3, 17, 5))
    assert (moved, delivered) == (0, notifications.Delivered(later=1))
    with stores.reading.begin() as store:
        message = store.scalars(select(Message).where(Message.template == "check-in-due")).one()
        assert (message.state, message.run_at, message.attempts) == ("waiting", london(3, 4, 9), 1)
    world_.tick(london(3, 4, 8, 59))
    assert world_.sent() == []
    world_.tick(london(3, 4, 9))
    assert world_.sent() == [(3, 4, 9, "check-in-due")]


def test_the_later_check_ins_come_on_their_days(stores: Stores) -> None:
    world_ = here(stores)
    answered(world_, london(3, 2, 11))
    world_.every_day(date(2026, 3, 2), date(2026, 10, 31))
    asked = [(month, day) for month, day, _, what in world_.sent() if what == "check-in-due"]
    assert asked == [(4, 13), (5, 25), (8, 31)]
    assert len(world_.sent()) == 9


def test_a_person_is_not_asked_sooner_than_the_service_has_set(stores: Stores) -> None:
    world_ = here(stores, {"check_ins": {"least_days_between_asks": 60}})
    world_.every_day(date(2026, 3, 2), date(2026, 10, 31))
    asked = [(month, day) for month, day, _, what in world_.sent() if what == "check-in-due"]
    # The last word about the first was the task of 13 March: 60 days later the short review has closed unasked.
    assert asked == [(3, 3), (5, 25), (8, 31)]
    assert world_.state("review", 1) == ("cancelled", "not-due", 0)


def test_a_person_is_not_asked_more_often_than_the_service_has_set(stores: Stores) -> None:
    world_ = here(stores, {"check_ins": {"most_asks": 2, "per_days": 180}})
    world_.every_day(date(2026, 3, 2), date(2026, 10, 31))
    asked = [(month, day) for month, day, _, what in world_.sent() if what == "check-in-due"]
    assert asked == [(3, 3), (4, 13), (9, 10)]  # 180 days after the task about the first, on 13 March
    assert world_.state("review", 2) == ("cancelled", "not-due", 0)


def test_fewer_reminders_can_be_set_and_never_more_than_two(stores: Stores) -> None:
    world_ = here(stores, {"check_ins": {"reminder_days": []}})
    world_.every_day(date(2026, 3, 2), date(2026, 3, 31))
    assert world_.sent() == [FIRST_ASK]
    assert [task.kind for task in world_.tasks()] == ["check-in-not-back"]


def test_a_worker_who_has_left_is_not_given_the_task(stores: Stores) -> None:
    world_ = here(stores)
    with stores.writing.begin() as store:
        world_.referral(store).assigned_to = None
    world_.every_day(date(2026, 3, 2), date(2026, 3, 14))
    assert [task.assigned_to for task in world_.tasks()] == [None]


# --- one person, several referrals ------------------------------------------------------------------------------------


def merged(world_: Here) -> uuid.UUID:
    """A second referral by the same person, accepted at the same time and found to be theirs; its id."""
    with clock.at(MONDAY), world_.stores.writing.begin() as store:
        other = a_case(store, world_.service(store), world_.worker)
        people.merge(store, world_.manager, world_.referral(store).person_id, other.person_id)
        other_id = other.id
    world_.tick(MONDAY)
    return other_id


def test_two_records_that_became_one_ask_once(stores: Stores) -> None:
    world_ = here(stores)
    other_id = merged(world_)
    world_.every_day(date(2026, 3, 2), date(2026, 3, 10))
    assert [what for *_, what in world_.sent()] == ["check-in-due", "check-in-reminder", "check-in-reminder"]
    with stores.reading.begin() as store:
        other = store.get_one(Referral, (world_.service_id, other_id))
        statuses = sorted((check_in(store, world_.referral(store)).status, check_in(store, other).status))
        assert statuses == ["on-hold", "ready"]
        person_id = world_.referral(store).person_id
        with clock.at(london(3, 10, 12)):
            (due,) = measures.due_for(store, world_.service_id, person_id)
        assert due.status == "ready"


def test_what_waited_for_another_comes_back_when_that_is_answered(stores: Stores) -> None:
    world_ = here(stores)
    merged(world_)
    world_.tick(london(3, 3, 10))
    with clock.at(london(3, 3, 12)), stores.writing.begin() as store:
        (due,) = measures.due_for(store, world_.service_id, world_.referral(store).person_id)
        measures.mark_answered(store, world_.service(store), due)
        (other,) = measures.due_for(store, world_.service_id, world_.referral(store).person_id)
        assert other.status == "on-hold"
        other_id = other.id
    world_.tick(london(3, 3, 13))
    with stores.reading.begin() as store:
        assert store.get_one(CheckIn, (world_.service_id, other_id)).status == "ready"
    world_.every_day(date(2026, 3, 4), date(2026, 3, 31))
    assert world_.sent() == [FIRST_ASK], "so soon after, nobody is asked again"


def test_an_undone_merge_gives_each_their_own(stores: Stores) -> None:
    world_ = here(stores)
    merged(world_)
    world_.tick(london(3, 3, 10))
    with clock.at(london(3, 3, 12)), stores.writing.begin() as store:
        (done,) = people.merges_of(store, world_.manager, world_.referral(store).person_id)
        people.undo_merge(store, world_.manager, done.id)
    world_.tick(london(3, 4, 10))
    with stores.reading.begin() as store:
        baselines = store.scalars(select(CheckIn).where(CheckIn.occasion == "baseline")).all()
        assert [one.status for one in baselines] == ["ready", "ready"]
        assert len({one.person_id for one in baselines}) == 2


def test_what_is_begun_goes_on_and_the_other_one_waits(store: Session) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    one, other = a_case(store, service, worker), a_case(store, service, worker)
    people.merge(store, worker, one.person_id, other.person_id)
    begun = check_in(store, other)
    measures.mark_started(store, begun)
    assert measures.due_for(store, service.id, one.person_id) == [begun]
    measures.remind(store, service)
    assert (check_in(store, one).status, check_in(store, other).status) == ("on-hold", "in-progress")


# --- which scales, in which language ----------------------------------------------------------------------------------


def keys_of(store: Session, service: Service, row: CheckIn, language: str, **more: bool) -> list[str]:
    chosen = measures.scales_for(store, service, row, language=language, age=40, **more)
    assert all(one.wording.language in (language, "en") for one in chosen)
    return [one.instrument.key for one in chosen if one.instrument.key != "goals"]


@pytest.fixture
def case(store: Session) -> tuple[Service, Actor, Referral]:
    service = world.a_service(store, languages=["pl", "ur", "cy"])
    worker = world.staff_member(store, service, Role.MANAGER).actor
    return service, worker, a_case(store, service, worker)


Case = tuple[Service, Actor, Referral]


def test_in_english_everything_planned_is_asked(store: Session, case: Case) -> None:
    service, _, referral = case
    row = check_in(store, referral)
    assert keys_of(store, service, row, "en") == ["ons4", "who5", "gss-loneliness"]
    assert keys_of(store, service, row, "en", interpreter=True) == ["ons4", "who5", "gss-loneliness"]
    assert measures.not_available(store, service, row, language="en", age=40) == ()
    chosen = measures.scales_for(store, service, row, language="en", age=40)
    assert "goals" in [one.instrument.key for one in chosen]


def test_where_only_one_scale_has_words_of_the_person_that_one_is_asked(store: Session, case: Case) -> None:
    service, _, referral = case
    with_made_up_words(store, service, "ur", "rtl")
    row = check_in(store, referral)
    for interpreter in (False, True):
        assert keys_of(store, service, row, "ur", interpreter=interpreter) == ["who5"]
    (who5,) = [
        one for one in measures.scales_for(store, service, row, language="ur", age=40) if one.instrument.key == "who5"
    ]
    assert (who5.wording.language, who5.wording.direction) == ("ur", "rtl")
    missing = measures.not_available(store, service, row, language="ur", age=40)
    assert set(missing) - {"goals"} == {"ons4", "gss-loneliness"}


def test_a_scale_of_the_plan_that_has_words_stands_in_for_those_that_have_none(store: Session, case: Case) -> None:
    service, _, referral = case
    row = check_in(store, referral, "review", 1)
    assert row.scales == ["ons4", "goals"]
    assert keys_of(store, service, row, "pl") == []
    with_made_up_words(store, service, "pl")
    assert keys_of(store, service, row, "pl") == ["who5"]
    assert keys_of(store, service, row, "en") == ["ons4"]


def test_english_is_read_out_only_when_somebody_is_there_to_do_it(store: Session, case: Case) -> None:
    service, _, referral = case
    row = check_in(store, referral)
    assert keys_of(store, service, row, "pl") == []
    chosen = measures.scales_for(store, service, row, language="pl", age=40, interpreter=True)
    scales = [one for one in chosen if one.instrument.key != "goals"]
    assert [one.instrument.key for one in scales] == ["ons4", "who5", "gss-loneliness"]
    assert {one.wording.language for one in scales} == {"en"}
    assert {one.wording.language for one in chosen if one.instrument.key == "goals"} <= {"pl"}


def test_nobody_answers_for_somebody_else_where_the_scale_forbids_it(store: Session, case: Case) -> None:
    service, _, referral = case
    assert keys_of(store, service, check_in(store, referral), "en", by_proxy=True) == []
    assert measures.not_available(store, service, check_in(store, referral), language="pl", age=40, by_proxy=True) == ()


def test_the_young_are_not_asked_what_is_not_for_them(store: Session, case: Case) -> None:
    service, _, referral = case
    chosen = measures.scales_for(store, service, check_in(store, referral), language="en", age=15)
    assert {one.instrument.key for one in chosen} == {"who5", "goals"}


def test_a_scale_that_was_turned_off_since_is_dropped(store: Session, case: Case) -> None:
    service, worker, referral = case
    measures.turn_off(store, worker, "ons4")
    assert keys_of(store, service, check_in(store, referral), "en") == ["who5", "gss-loneliness"]


def a_response(store: Session, row: CheckIn, scale: str, *, answers: int = 1) -> MeasureResponse:
    response = MeasureResponse(
        service_id=row.service_id,
        id=codes.new_id(),
        check_in_id=row.id,
        person_id=row.person_id,
        scale=scale,
        scale_version="1",
        language="en",
        text_status="shipped",
        wording_hash="0" * 64,
        completed_by="self",
        response_mode="web",
    )
    store.add(response)
    store.flush()
    for number in range(answers):
        answer = {"option": "0", "value": 0}
        store.add(ItemAnswer(service_id=row.service_id, response_id=response.id, item=f"item-{number}", answer=answer))
    store.flush()
    return response


def test_a_scale_about_two_weeks_is_not_asked_again_inside_them(store: Session) -> None:
    with clock.at(MONDAY):
        service = world.a_service(store)
        worker = world.staff_member(store, service, Role.MANAGER).actor
        one, other = a_case(store, service, worker), a_case(store, service, worker)
        people.merge(store, worker, one.person_id, other.person_id)
        first, second = check_in(store, one), check_in(store, other)
        a_response(store, first, "gss-loneliness")
        a_response(store, first, "who5", answers=0)  # opened, and not one answer
        assert "who5" in keys_of(store, service, second, "en")
    with clock.at(MONDAY + days(1)):
        store.add(
            ItemAnswer(
                service_id=service.id,
                response_id=store.scalars(select(MeasureResponse.id).where(MeasureResponse.scale == "who5")).one(),
                item="item-1",
                answer={"option": "0", "value": 0},
            )
        )
        store.flush()
        assert keys_of(store, service, first, "en") == ["ons4", "who5", "gss-loneliness"], "its own answers go on"
    with clock.at(MONDAY + days(14)):
        assert keys_of(store, service, second, "en") == ["ons4", "gss-loneliness"]
    with clock.at(MONDAY + days(15)):
        assert keys_of(store, service, second, "en") == ["ons4", "who5", "gss-loneliness"]


def test_a_scale_that_rests_brings_no_other_in_its_place(store: Session, case: Case) -> None:
    service, worker, referral = case
    with_made_up_words(store, service, "pl")
    measures.turn_off(store, worker, "ons4")
    measures.turn_off(store, worker, "gss-loneliness")
    a_response(store, check_in(store, referral), "who5")
    for language in ("en", "pl"):
        assert keys_of(store, service, check_in(store, referral, "review", 2), language, interpreter=True) == []


def test_people_are_asked_in_the_language_they_like_to_read(stores: Stores) -> None:
    world_ = here(stores, {"languages": ["pl"]}, words=("pl",), spoken_language="pl", written_language="pl")
    world_.tick(london(3, 3, 10))
    ((_, sent),) = [one for one in world_.transport.sent if "/c/" in one[1].words.body]
    assert sent.language == "pl"
    assert f"https://refer.example.org/pl/c/{world_.transport.tokens()[0]}\n" in sent.words.body


def test_where_only_a_worker_could_ask_a_worker_is_asked_and_no_message_leaves(stores: Stores) -> None:
    world_ = here(stores, {"languages": ["pl"]}, spoken_language="pl", written_language="pl")
    world_.every_day(date(2026, 3, 2), date(2026, 3, 5))
    assert world_.sent() == []
    (task,) = world_.tasks()
    assert (task.kind, task.details) == ("check-in-not-back", {"occasion": "baseline", "why": "language"})


def test_goals_alone_are_asked_about_when_there_is_one(stores: Stores) -> None:
    occasions = [{"occasion": "baseline", "opens": 0, "due": 0, "closes": 14, "scales": ["goals"]}]
    world_ = here(stores, {"check_ins": {"occasions": occasions}})
    world_.tick(london(3, 3, 10))
    assert world_.sent() == []
    with clock.at(london(3, 3, 11)), stores.writing.begin() as store:
        referral = world_.referral(store)
        goal = {"need": "loneliness", "words": "To sing again.", "language": "en"}
        store.add(Goal(service_id=referral.service_id, person_id=referral.person_id, referral_id=referral.id, **goal))
    world_.tick(london(3, 4, 10))
    assert world_.sent() == [(3, 4, 10, "check-in-due")]


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("born", "age"), [("1965", 60), ("1965-03-02", 61), ("1965-03-03", 60), ("2010-01-01", 16), ("2008-02-29", 18)]
)
def test_an_age_is_never_guessed_too_high(store: Session, born: str, age: int) -> None:
    service = world.a_service(store)
    world.staff_member(store, service, Role.MANAGER)
    person = world.person_of(store, world.a_referral(store, service))
    person.born = born
    assert measures.age_of(person, date(2026, 3, 2)) == age


# --- what staff do ----------------------------------------------------------------------------------------------------


def test_a_worker_says_why_nothing_will_come_back(stores: Stores) -> None:
    world_ = here(stores)
    world_.every_day(date(2026, 3, 2), date(2026, 3, 14))
    with clock.at(london(3, 14, 11)), stores.writing.begin() as store:
        row = check_in(store, world_.referral(store))
        with pytest.raises(ValueError, match="erased"):
            measures.say_why_not(store, world_.worker, row.id, "erased")
        measures.say_why_not(store, world_.worker, row.id, "declined")
        with pytest.raises(plan.NotPossible, match="finished"):
            measures.say_why_not(store, world_.worker, row.id, "moved")
        (event,) = [one for one in audit.history_of(store, world_.service_id, row.id) if one.act == "ended a check-in"]
        assert (event.actor_id, event.details) == (world_.worker.staff_id, {"why": "declined"})
    assert world_.state() == ("cancelled", "declined", 2)
    assert [bool(task.done_at) for task in world_.tasks()] == [True]


def test_what_the_clock_found_somebody_may_know_better(stores: Stores) -> None:
    world_ = here(stores)
    world_.every_day(date(2026, 3, 2), date(2026, 3, 18))
    assert world_.state()[1] == "not-reached"
    with clock.at(london(3, 18, 11)), stores.writing.begin() as store:
        measures.say_why_not(store, world_.worker, check_in(store, world_.referral(store)).id, "died")
        theirs = measures.of_referral(store, world_.service_id, world_.referral_id)
        assert {one.why_not for one in theirs} == {"died"}


def test_what_was_answered_needs_no_reason(stores: Stores) -> None:
    world_ = here(stores)
    answered(world_, london(3, 2, 12))
    with stores.writing.begin() as store:
        row = check_in(store, world_.referral(store))
        with pytest.raises(plan.NotPossible, match="finished"):
            measures.say_why_not(store, world_.worker, row.id, "declined")


ACTS: dict[str, Callable[[Session, Actor, Referral, CheckIn], object]] = {
    "say why not": lambda store, actor, referral, row: measures.say_why_not(store, actor, row.id, "declined"),
    "ask now": lambda store, actor, referral, row: measures.ask_now(store, actor, row.id),
    "add a review": lambda store, actor, referral, row: measures.add_review(store, actor, referral.id, clock.today()),
    "plan the end": lambda store, actor, referral, row: measures.plan_end(store, actor, referral.id, clock.today()),
}


@pytest.mark.parametrize("act", ACTS)
def test_only_those_who_look_after_people_do_it_and_only_in_their_own_service(store: Session, act: str) -> None:
    with clock.at(MONDAY):
        service, there = world.a_service(store), world.a_service(store, "there")
        worker = world.staff_member(store, service).actor
        referral = a_case(store, service, worker)
        row = check_in(store, referral)
        for role in (Role.ANALYST, Role.ADMINISTRATOR):
            with pytest.raises(Refused):
                ACTS[act](store, world.staff_member(store, service, role).actor, referral, row)
        with pytest.raises(plan.Gone):
            ACTS[act](store, world.staff_member(store, there).actor, referral, row)
        assert row.status == "ready"


def test_a_worker_has_a_person_asked_by_the_same_rules_as_the_clock(stores: Stores) -> None:
    world_ = here(stores)

    def problem(moment: datetime, occasion: str = "baseline", number: int = 1) -> str:
        with clock.at(moment), stores.writing.begin() as store:
            row = check_in(store, world_.referral(store), occasion, number)
            try:
                measures.ask_now(store, world_.worker, row.id)
            except plan.NotPossible as refused:
                return str(refused)
        world_.tick(moment + timedelta(minutes=1))
        return ""

    assert problem(london(3, 2, 12)) == "today-already"
    assert problem(london(3, 3, 7)) == "closed"
    assert problem(london(3, 3, 11), "review", 1) == "too-soon"
    assert problem(london(3, 3, 11)) == ""
    assert problem(london(3, 3, 15)) == "today-already"
    assert problem(london(3, 4, 11)) == ""
    assert problem(london(3, 5, 11)) == ""
    assert problem(london(3, 6, 11)) == "asked-enough"
    templates = [what for *_, what in world_.sent()]
    assert templates == ["check-in-due", "check-in-reminder", "check-in-reminder"]
    assert problem(london(3, 17, 11)) == "past"
    assert problem(london(4, 13, 11), "review", 1) == ""
    answered(world_, london(4, 13, 12), "review")
    assert problem(london(4, 14, 11), "review", 1) == "finished"
    with clock.at(london(5, 4, 11)), stores.writing.begin() as store:
        for scale in ("ons4", "who5", "gss-loneliness"):
            measures.turn_off(store, world_.manager, scale)
    assert problem(london(5, 4, 11), "review", 2) == "nothing-to-ask"
    with stores.writing.begin() as store:
        world_.referral(store).status = "closed"
    assert problem(london(5, 4, 11), "review", 2) == "not-accepted"


def test_the_caps_hold_for_a_worker_too(stores: Stores) -> None:
    world_ = here(stores, {"check_ins": {"most_asks": 1, "least_days_between_asks": 30}})
    other_id = merged(world_)
    world_.tick(london(3, 3, 9))
    world_.tick(london(3, 4, 9))
    for moment, code in ((london(3, 5, 11), "too-soon"), (london(4, 8, 11), "asked-enough")):
        with clock.at(moment), stores.writing.begin() as store:
            rows = [
                check_in(store, store.get_one(Referral, (world_.service_id, one)), *which)
                for one in (world_.referral_id, other_id)
                for which in ([("baseline", 1)] if code == "too-soon" else [("review", 1)])
            ]
            never_asked = next(row for row in rows if row.asked_at is None)
            with pytest.raises(plan.NotPossible, match=code):
                measures.ask_now(store, world_.worker, never_asked.id)


def test_a_worker_who_asks_where_nothing_may_be_sent_gets_a_task(stores: Stores) -> None:
    world_ = here(stores, None, safe_ways=["post"])
    with clock.at(london(3, 3, 11)), stores.writing.begin() as store:
        row = measures.ask_now(store, world_.worker, check_in(store, world_.referral(store)).id)
        assert row.handed_to_staff_at is not None
        assert row.asked_at is None
    # One from the clock, one from the worker.
    assert [task.kind for task in world_.tasks()] == ["tell-the-person", "tell-the-person"]


def test_refusals_come_to_an_end_too(stores: Stores) -> None:
    world_ = here(stores, None, safe_ways=["post"])
    with clock.at(london(3, 3, 11)), stores.writing.begin() as store:
        row = check_in(store, world_.referral(store))
        for _ in range(plan.MOST_MESSAGES - 1):  # the clock has tried once
            measures.ask_now(store, world_.worker, row.id)
        with pytest.raises(plan.NotPossible, match="asked-enough"):
            measures.ask_now(store, world_.worker, row.id)


def test_a_review_can_be_added_for_a_day_that_was_agreed(stores: Stores) -> None:
    world_ = here(stores)
    answered(world_, london(3, 2, 12))
    with clock.at(london(3, 2, 12)), stores.writing.begin() as store:
        with pytest.raises(plan.NotPossible, match="past"):
            measures.add_review(store, world_.worker, world_.referral_id, date(2026, 3, 1))
        row = measures.add_review(store, world_.worker, world_.referral_id, date(2026, 3, 19))
        assert (row.occasion, row.number, row.due_at) == ("review", 3, london(3, 19))
        assert (row.opens_at, row.closes_at) == (london(3, 12), london(4, 10))
    world_.every_day(date(2026, 3, 2), date(2026, 3, 20))
    assert world_.sent() == [(3, 19, 10, "check-in-due")]


def test_nothing_is_planned_for_a_case_that_nobody_has(store: Session) -> None:
    service = world.a_service(store)
    worker = world.staff_member(store, service, Role.MANAGER).actor
    referral = with_email(store, service, worker)
    for act in (measures.add_review, measures.plan_end):
        with pytest.raises(plan.NotPossible, match="not-accepted"):
            act(store, worker, referral.id, clock.today())


def test_a_planned_end_brings_the_last_check_in_forward_and_drops_what_would_come_before(stores: Stores) -> None:
    world_ = here(stores)
    answered(world_, london(3, 2, 12))
    with clock.at(london(3, 10, 12)), stores.writing.begin() as store:
        with pytest.raises(plan.NotPossible, match="past"):
            measures.plan_end(store, world_.worker, world_.referral_id, date(2026, 3, 9))
        row = measures.plan_end(store, world_.worker, world_.referral_id, date(2026, 4, 2))
        assert row is not None
        assert (row.occasion, row.number, row.due_at) == ("review", 2, london(4, 2))
        assert row.opens_at <= row.due_at < row.closes_at
        later = measures.plan_end(store, world_.worker, world_.referral_id, date(2026, 8, 1))
        assert later is row
        assert row.due_at == london(4, 2), "whichever comes first"
    assert world_.state("review", 1) == ("cancelled", "not-due", 0)
    world_.every_day(date(2026, 3, 10), date(2026, 6, 1))
    assert [one[:2] for one in world_.sent() if one[3] == "check-in-due"] == [(4, 2)]
    with clock.at(london(4, 20)), stores.writing.begin() as store:
        assert measures.plan_end(store, world_.worker, world_.referral_id, date(2026, 5, 1)) is None


def test_a_plan_without_a_last_check_in_has_no_end_to_move(store: Session) -> None:
    occasions = [{"occasion": "baseline", "opens": 0, "due": 0, "closes": 14, "scales": ["ons4"]}]
    service = world.a_service(store, check_ins={"occasions": occasions})
    worker = world.staff_member(store, service, Role.MANAGER).actor
    referral = a_case(store, service, worker)
    assert measures.plan_end(store, worker, referral.id, clock.today()) is None


# --- many at once -----------------------------------------------------------------------------------------------------


def test_the_settings_of_the_plan_are_what_the_manual_says() -> None:
    named = [(one.occasion, one.opens, one.due, one.closes) for one in CheckIns().occasions]
    assert named == [
        ("baseline", -14, 0, 14),
        ("review", 35, 42, 63),
        ("review", 63, 84, 112),
        ("follow-up", 150, 182, 225),
    ]


@pytest.mark.slow
def test_several_workers_at_once_ask_everybody_once(stores: Stores) -> None:
    world_ = here(stores)
    with clock.at(MONDAY), stores.writing.begin() as store:
        for number in range(15):
            a_case(store, world_.service(store), world_.worker, email=f"{number}@inbox.example")
    world_.tick(MONDAY)
    ready, problems = threading.Barrier(4), []

    def work() -> None:
        ready.wait()
        try:
            with stores.writing.begin() as store:
                measures.remind(store, world_.service(store))
        except Exception as problem:
            problems.append(problem)

    with clock.at(london(3, 3, 10)):
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        notifications.deliver(stores, world_.transport, lambda *_: notifications.Words("a", "b"))
    assert problems == []
    sent = Counter(one.to for at, one in world_.transport.sent if at >= london(3, 3))
    assert set(sent.values()) == {1}
    assert len(sent) == 16


def test_a_task_is_taken_back_once_and_says_that_nobody_did_it(store: Session) -> None:
    service = world.a_service(store)
    for name in ("a", "b"):
        tasks.add(store, service.id, tasks.Kind.CHECK_IN_NOT_BACK, once=name, due_at=clock.now())
    assert tasks.no_longer_needed(store, service.id, once=["a", "x"]) == 1
    assert tasks.no_longer_needed(store, service.id, once=["a"], message_ids=[uuid.uuid4()]) == 0
    done = store.scalars(select(Task).where(Task.done_at.is_not(None))).one()
    assert (done.once, done.done_by) == ("a", None)
    acts = [event.act for event in audit.history_of(store, service.id, done.id)]
    assert acts[-1] == "took task back"
