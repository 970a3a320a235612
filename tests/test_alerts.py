import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import alerts, audit, clock, notifications, services
from portal.access import Actor, Refused, Role
from portal.alerts import EVENT_NAMES, RULES, NothingSaid, NotOpened, NotThere
from portal.journeys.self_referral import SELF_REFERRAL
from portal.services import NobodyThere
from portal.store import Alert, AlertEvent, Draft, Message, Service, Staff, Stores
from tests.staffed import a_colleague, a_person, a_referral, a_service, acting

MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTES = {"duty": 60, "deputy": 30, "manager": 20}


@dataclass
class Here:
    """A service with a full ladder on duty, at noon on a Monday."""

    store: Session
    service: Service
    duty: Staff
    deputy: Staff
    manager: Staff
    second_manager: Staff
    form_id: uuid.UUID

    def raised(self, answer: str = "not-safe", rule: str = "not-safe") -> Alert:
        return alerts.raise_for(
            self.store,
            self.service,
            form_id=self.form_id,
            reference="K7QF2M9TX",
            question="urgency",
            answer=answer,
            rule=rule,
        )

    def actor(self) -> Actor:
        return acting(self.duty)

    def events(self, alert: Alert) -> list[str]:
        return [event.what for event in alerts.events_of(self.store, self.actor(), alert.id)]

    def written_to(self) -> Counter[str]:
        """How many messages were written to whom, by address."""
        return Counter(message.address or "" for message in self.store.scalars(select(Message)))


@pytest.fixture
def here(store: Session) -> Iterator[Here]:
    with clock.at(MONDAY_NOON):
        service = a_service(store, alert_minutes=MINUTES)
        manager = a_colleague(store, service, Role.MANAGER)
        second = a_colleague(store, service, Role.MANAGER)
        duty, deputy = a_colleague(store, service), a_colleague(store, service)
        for position, staff in (("duty", duty), ("deputy", deputy), ("manager", manager)):
            services.set_duty(store, acting(manager), position, staff.id, clock.now() - timedelta(days=1))
        yield Here(store, service, duty, deputy, manager, second, uuid.uuid4())


# --- raising ----------------------------------------------------------------------------------------------------------


def test_an_alert_has_an_owner_a_due_time_and_a_first_answer_from_its_first_moment(here: Here) -> None:
    alert = here.raised()
    assert (alert.owner_id, alert.position, alert.opened_at, alert.closed_at) == (here.duty.id, "duty", None, None)
    assert alert.due_at == MONDAY_NOON + timedelta(minutes=60)
    assert alerts.expected_by(alert) == alert.due_at
    assert alerts.expected_for_form(here.store, here.service.id, here.form_id) == alert.due_at
    (event,) = alerts.events_of(here.store, here.actor(), alert.id)
    assert (event.what, event.answer, event.staff_id, event.position) == ("raised", "not-safe", here.duty.id, "duty")
    (message,) = here.store.scalars(select(Message))
    assert (message.template, message.details, message.staff_id) == ("alert-waiting", {}, here.duty.id)
    assert [act.act for act in audit.history_of(here.store, here.service.id, alert.id)] == ["raised alert"]


def test_saving_the_same_answer_again_is_the_same_alert(here: Here) -> None:
    assert here.raised() is here.raised()
    assert here.store.scalar(select(func.count()).select_from(AlertEvent)) == 1
    assert sum(here.written_to().values()) == 1


def test_a_double_press_raises_one_alert_and_writes_one_message(stores: Stores) -> None:
    with stores.writing() as store:
        store.expire_on_commit = False
        service = a_service(store)
        a_colleague(store, service, Role.MANAGER)
        store.commit()
    ready, form_id, raised = threading.Barrier(5), uuid.uuid4(), list[uuid.UUID]()

    def press() -> None:
        ready.wait()
        with stores.writing.begin() as store:
            alert = alerts.raise_for(
                store,
                service,
                form_id=form_id,
                reference="K7QF2M9TX",
                question="urgency",
                answer="not-safe",
                rule="not-safe",
            )
            raised.append(alert.id)

    threads = [threading.Thread(target=press) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(raised) == 5
    assert len(set(raised)) == 1
    with stores.reading.begin() as store:
        for table in (Alert, AlertEvent, Message):
            assert store.scalar(select(func.count()).select_from(table)) == 1


def test_every_rule_of_every_question_is_known_and_unknown_ones_are_refused(here: Here) -> None:
    named = {
        choice.alert
        for step in SELF_REFERRAL.steps
        for question in step.questions
        for choice in question.choices
        if choice.alert
    }
    # One is raised by an item of a scale, one by staff.
    assert named | {"scale-risk", "marked-by-staff"} == set(RULES)
    with pytest.raises(KeyError):
        here.raised(rule="bad-weather")


def test_the_first_answer_and_every_change_stay_visible(here: Here) -> None:
    alert = here.raised()
    for answer in ("no", "no", "soon"):
        alerts.answer_changed(here.store, here.service.id, here.form_id, "urgency", answer)
    said = [event.answer for event in alerts.events_of(here.store, here.actor(), alert.id)]
    assert said == ["not-safe", "no", "soon"]
    assert (alert.answer, alert.closed_at, alert.opened_at) == ("not-safe", None, None)
    assert alerts.unopened_count(here.store, here.service.id) == 1


def test_a_change_in_another_draft_or_another_question_is_none_here(here: Here) -> None:
    alert = here.raised()
    alerts.answer_changed(here.store, here.service.id, uuid.uuid4(), "urgency", "no")
    alerts.answer_changed(here.store, here.service.id, here.form_id, "needs", "no")
    assert here.events(alert) == ["raised"]


def test_another_urgent_answer_is_another_alert_and_shows_on_the_first(here: Here) -> None:
    first = here.raised()
    second = here.raised("being-hurt", "being-hurt")
    assert second is not first
    assert here.events(first) == ["raised", "answer-changed"]
    assert here.events(second) == ["raised"]


def test_coming_back_to_the_answer_after_it_was_closed_starts_the_clock_again(here: Here) -> None:
    alert = here.raised()
    alerts.open_by_name(here.store, here.actor(), alert.id)
    alerts.close(here.store, here.actor(), alert.id, "Rang; she is with her sister.")
    assert here.raised().closed_at is not None  # saved again unchanged: nothing new was said
    alerts.answer_changed(here.store, here.service.id, here.form_id, "urgency", "no")
    with clock.later(timedelta(minutes=90)):
        again = here.raised()
        assert again is alert
        assert (alert.closed_at, alert.opened_at, alert.what_was_done) == (None, None, None)
        assert alert.due_at == clock.now() + timedelta(minutes=60)
    events = alerts.events_of(here.store, here.actor(), alert.id)
    assert [event.what for event in events] == ["raised", "opened", "closed", "answer-changed", "raised-again"]
    assert events[2].what_was_done == "Rang; she is with her sister."
    assert here.written_to()[here.duty.email] == 2


def test_coming_back_while_nobody_has_opened_it_gives_nobody_more_time(here: Here) -> None:
    alert = here.raised()
    due = alert.due_at
    with clock.later(timedelta(minutes=30)):
        alerts.answer_changed(here.store, here.service.id, here.form_id, "urgency", "no")
        here.raised()
    assert alert.due_at == due
    assert here.events(alert) == ["raised", "answer-changed", "raised-again"]


def test_out_of_hours_the_clock_waits_for_the_opening_and_finds_who_is_on_duty_then(here: Here) -> None:
    saturday = datetime(2026, 11, 28, 20, tzinfo=UTC)
    monday = datetime(2026, 11, 30, 9, tzinfo=UTC)
    services.set_duty(here.store, acting(here.manager), "duty", here.deputy.id, monday)
    with clock.at(saturday):
        alert = here.raised()
        assert (alert.owner_id, alert.due_at) == (here.deputy.id, monday + timedelta(minutes=60))
        services.change(here.store, acting(here.manager), {"out_of_hours": "on-call"})
        here.form_id = uuid.uuid4()
        on_call = here.raised()
        assert (on_call.owner_id, on_call.due_at) == (here.duty.id, saturday + timedelta(minutes=60))


def test_nothing_a_person_said_is_lost_when_everybody_has_left(here: Here) -> None:
    for staff in here.store.scalars(select(Staff)):
        staff.state = "left"
    here.store.flush()
    alert = here.raised()
    assert alert.owner_id == here.deputy.id  # who came last
    newcomer = a_colleague(here.store, here.service, Role.MANAGER)
    with clock.later(timedelta(hours=1)):
        assert alerts.escalate(here.store, here.service) == 1
    assert alert.owner_id == newcomer.id


def test_a_service_that_never_had_staff_says_so(here: Here) -> None:
    here.service = a_service(here.store, "empty")
    with pytest.raises(NobodyThere):
        here.raised()


# --- the clock --------------------------------------------------------------------------------------------------------


def test_the_clock_climbs_duty_deputy_manager_and_closes_nothing(here: Here) -> None:
    alert = here.raised()
    start = clock.now()
    assert alerts.escalate(here.store, here.service) == 0
    expected = [
        (59, "duty", here.duty, 0),
        (60, "deputy", here.deputy, 1),
        (89, "deputy", here.deputy, 0),
        (90, "manager", here.manager, 1),
        (109, "manager", here.manager, 0),
        (110, "manager", here.manager, 1),
        (130, "manager", here.manager, 1),
        (150, "manager", here.manager, 1),
    ]
    for minute, position, owner, moved in expected:
        with clock.at(start + timedelta(minutes=minute)):
            assert alerts.escalate(here.store, here.service) == moved
            assert alerts.escalate(here.store, here.service) == 0  # a second round finds nothing to do
        assert (alert.position, alert.owner_id) == (position, owner.id)
        assert alert.due_at > start + timedelta(minutes=minute)
        assert (alert.closed_at, alert.closed_by, alert.opened_at) == (None, None, None)
    assert here.events(alert) == ["raised", "climbed", "climbed", "reminded", "reminded", "reminded"]
    assert set(here.events(alert)) <= set(EVENT_NAMES)
    assert here.written_to() == {
        here.duty.email: 1,
        here.deputy.email: 1,
        here.manager.email: 4,
        here.second_manager.email: 3,  # at each further interval every manager
    }


def test_a_month_without_anybody_ends_with_an_open_alert(here: Here) -> None:
    alert = here.raised()
    for hours in range(0, 24 * 30, 7):
        with clock.later(timedelta(hours=hours)):
            alerts.escalate(here.store, here.service)
    assert (alert.position, alert.closed_at) == ("manager", None)
    assert list(alerts.waiting(here.store, here.actor())) == [alert]
    assert alerts.unopened_count(here.store, here.service.id) == 1


def test_the_ladder_waits_at_night(here: Here) -> None:
    with clock.at(datetime(2026, 11, 23, 16, 30, tzinfo=UTC)):
        alert = here.raised()
    tuesday = datetime(2026, 11, 24, 9, tzinfo=UTC)
    assert alert.due_at == tuesday + timedelta(minutes=30)
    for moment, moved in ((tuesday - timedelta(hours=1), 0), (tuesday + timedelta(minutes=30), 1)):
        with clock.at(moment):
            assert alerts.escalate(here.store, here.service) == moved


def test_a_worker_that_slept_gives_the_next_person_their_time(here: Here) -> None:
    alert = here.raised()
    with clock.later(timedelta(hours=4)):
        alerts.escalate(here.store, here.service)
        assert (alert.position, alert.due_at) == ("deputy", clock.now() + timedelta(minutes=30))


def test_an_empty_position_goes_to_the_next_one_up(here: Here) -> None:
    here.deputy.state = "left"
    here.store.flush()
    alert = here.raised()
    with clock.later(timedelta(hours=1)):
        alerts.escalate(here.store, here.service)
    assert (alert.position, alert.owner_id) == ("deputy", here.manager.id)


def test_every_alert_always_has_an_owner_who_works_here(here: Here) -> None:
    alert = here.raised()
    for staff in (here.duty, here.deputy, here.manager):
        staff.state = "left"
        here.store.flush()
        with clock.at(alert.due_at):
            alerts.escalate(here.store, here.service)
        owner = here.store.get_one(Staff, (here.service.id, alert.owner_id))
        assert owner.state == "active"
    assert alert.owner_id == here.second_manager.id


def test_what_somebody_had_opened_when_they_left_goes_to_whoever_is_there(here: Here) -> None:
    opened, unopened = here.raised(), here.raised(answer="being-hurt", rule="being-hurt")
    alerts.open_by_name(here.store, here.actor(), opened.id)
    due = unopened.due_at
    here.duty.state = "left"
    here.store.flush()
    with clock.later(timedelta(minutes=10)):
        assert alerts.escalate(here.store, here.service) == 2
        assert (opened.owner_id, opened.opened_at, opened.position) == (here.deputy.id, None, "duty")
        assert opened.due_at == clock.now() + timedelta(minutes=60)
        assert (unopened.owner_id, unopened.due_at) == (here.deputy.id, due)
        assert here.written_to()[here.deputy.email] == 2
        assert alerts.escalate(here.store, here.service) == 0


def test_an_opened_alert_does_not_stay_with_somebody_who_handles_alerts_no_more(here: Here) -> None:
    alert = here.raised()
    alerts.open_by_name(here.store, here.actor(), alert.id)
    here.duty.role = Role.ADMINISTRATOR.value
    here.store.flush()
    alerts.escalate(here.store, here.service)
    assert alert.owner_id == here.deputy.id
    for other in (here.deputy, here.manager, here.second_manager):
        other.state = "left"
    here.store.flush()
    alerts.escalate(here.store, here.service)
    assert alert.owner_id == here.duty.id
    assert alerts.escalate(here.store, here.service) == 0


def test_sending_while_the_clock_climbs_fails_for_nobody(stores: Stores) -> None:
    with stores.writing() as store:
        store.expire_on_commit = False
        service, form_id = a_service(store), uuid.uuid4()
        a_colleague(store, service, Role.MANAGER)
        alert = _raised_in(store, service, form_id)
        person = a_person(store, service)
        referral = a_referral(store, person, form_id)
        store.commit()
    faults: list[Exception] = []

    def send() -> None:
        try:
            with stores.writing.begin() as store:
                alerts.attach(store, service.id, form_id, referral.id, person.id)
                _raised_in(store, service, form_id)
        except Exception as fault:
            faults.append(fault)

    sending = threading.Thread(target=send)
    with clock.later(timedelta(days=7)):
        with stores.writing.begin() as store:
            assert alerts.escalate(store, store.get_one(Service, service.id)) == 1
            sending.start()
            sending.join(0.5)
            assert sending.is_alive()  # it waits for its turn
        sending.join()
    assert faults == []
    with stores.reading() as store:
        found = store.get_one(Alert, (service.id, alert.id))
        assert (found.position, found.referral_id) == ("deputy", referral.id)


def _raised_in(store: Session, service: Service, form_id: uuid.UUID) -> Alert:
    return alerts.raise_for(
        store,
        service,
        form_id=form_id,
        reference="K7QF2M9TX",
        question="urgency",
        answer="not-safe",
        rule="not-safe",
    )


def test_another_services_clock_is_its_own(here: Here) -> None:
    here.raised()
    other = a_service(here.store, "there")
    with clock.later(timedelta(hours=5)):
        assert alerts.escalate(here.store, other) == 0


# --- people -----------------------------------------------------------------------------------------------------------


def test_only_opening_by_name_stops_the_clock_and_the_opener_owns_it(here: Here) -> None:
    alert = here.raised()
    assert alerts.open_by_name(here.store, acting(here.deputy), alert.id) is alert
    assert (alert.opened_by, alert.owner_id, alert.opened_at) == (here.deputy.id, here.deputy.id, MONDAY_NOON)
    with clock.later(timedelta(hours=5)):
        assert alerts.escalate(here.store, here.service) == 0
        alerts.open_by_name(here.store, acting(here.manager), alert.id)
    assert (alert.opened_by, alert.opened_at) == (here.deputy.id, MONDAY_NOON)
    assert here.events(alert) == ["raised", "opened"]
    here.store.flush()
    readers = [act.actor_id for act in audit.history_of(here.store, here.service.id, alert.id)]
    assert readers == [None, here.deputy.id, here.manager.id]  # who looked later stands in the audit too
    assert alerts.expected_for_form(here.store, here.service.id, here.form_id) is None


def test_looking_at_the_list_stops_nothing(here: Here) -> None:
    alert = here.raised()
    alerts.waiting(here.store, here.actor())
    alerts.events_of(here.store, here.actor(), alert.id)
    assert alert.opened_at is None


def test_handing_over_starts_the_clock_for_the_next_person(here: Here) -> None:
    alert = here.raised()
    alerts.open_by_name(here.store, here.actor(), alert.id)
    with clock.later(timedelta(hours=3)):
        alerts.hand_over(here.store, here.actor(), alert.id, here.deputy.id)
        assert (alert.owner_id, alert.opened_at, alert.position) == (here.deputy.id, None, "duty")
        assert alert.due_at == clock.now() + timedelta(minutes=60)
    with clock.at(alert.due_at):
        assert alerts.escalate(here.store, here.service) == 1  # and when they do not open it, it climbs
    assert here.events(alert) == ["raised", "opened", "handed-over", "climbed"]
    assert here.written_to()[here.deputy.email] == 2


def test_nobody_can_be_handed_an_alert_who_could_not_handle_it(here: Here) -> None:
    alert = here.raised()
    gone = a_colleague(here.store, here.service, state="left")
    analyst = a_colleague(here.store, here.service, Role.ANALYST)
    stranger = a_colleague(here.store, a_service(here.store, "there"))
    for staff in (gone, analyst, stranger):
        with pytest.raises(NotThere):
            alerts.hand_over(here.store, here.actor(), alert.id, staff.id)
    assert alert.owner_id == here.duty.id


def test_only_what_was_done_closes_and_only_after_opening(here: Here) -> None:
    alert = here.raised()
    with pytest.raises(NotOpened):
        alerts.close(here.store, here.actor(), alert.id, "Rang.")
    alerts.open_by_name(here.store, here.actor(), alert.id)
    for nothing in ("", "  \n\u200b ", "x" * 4001, "\x00"):
        with pytest.raises(NothingSaid):
            alerts.close(here.store, here.actor(), alert.id, nothing)
    assert alert.closed_at is None
    alerts.close(here.store, here.actor(), alert.id, " Rang.\nShe is safe now. ")
    assert (alert.what_was_done, alert.closed_by) == ("Rang.\nShe is safe now.", here.duty.id)
    with clock.later(timedelta(hours=1)):
        alerts.close(here.store, acting(here.deputy), alert.id, "Something else.")
        assert alerts.hand_over(here.store, here.actor(), alert.id, here.deputy.id) is None
    first_words, closed_at = alert.what_was_done, alert.closed_at
    assert first_words == "Rang.\nShe is safe now."
    assert closed_at == MONDAY_NOON
    assert list(alerts.waiting(here.store, here.actor())) == []
    assert here.events(alert) == ["raised", "opened", "closed"]


def test_unopened_alerts_stand_first_and_then_the_one_due_soonest(here: Here) -> None:
    opened = here.raised()
    alerts.open_by_name(here.store, here.actor(), opened.id)
    later = []
    for minutes in (20, 10):
        here.form_id = uuid.uuid4()
        with clock.later(timedelta(minutes=minutes)):
            later.append(here.raised())
    assert list(alerts.waiting(here.store, acting(here.deputy))) == [later[1], later[0], opened]
    assert alerts.unopened_count(here.store, here.service.id) == 2


def test_who_may_not_handle_alerts_may_do_nothing_with_them(here: Here) -> None:
    alert = here.raised()
    for role in (Role.ANALYST, Role.ADMINISTRATOR):
        actor = acting(a_colleague(here.store, here.service, role))
        for doing in (
            lambda who: alerts.waiting(here.store, who),
            lambda who: alerts.events_of(here.store, who, alert.id),
            lambda who: alerts.of_referral(here.store, who, alert.id),
            lambda who: alerts.open_by_name(here.store, who, alert.id),
            lambda who: alerts.hand_over(here.store, who, alert.id, here.deputy.id),
            lambda who: alerts.close(here.store, who, alert.id, "x"),
        ):
            with pytest.raises(Refused):
                doing(actor)
    assert alert.opened_at is None


def test_another_services_alerts_are_not_there(here: Here) -> None:
    alert = here.raised()
    stranger = acting(a_colleague(here.store, a_service(here.store, "there"), Role.MANAGER))
    assert list(alerts.waiting(here.store, stranger)) == []
    assert list(alerts.events_of(here.store, stranger, alert.id)) == []
    assert alerts.open_by_name(here.store, stranger, alert.id) is None
    assert alerts.hand_over(here.store, stranger, alert.id, stranger.staff_id) is None
    assert alerts.close(here.store, stranger, alert.id, "x") is None
    assert alerts.unopened_count(here.store, stranger.service_id) == 0
    assert alert.opened_at is None


def test_an_alert_follows_its_draft_into_the_referral(here: Here) -> None:
    alert = here.raised()
    person = a_person(here.store, here.service)
    referral = a_referral(here.store, person, here.form_id)
    assert alerts.referrals_with_unopened(here.store, here.service.id) == set()
    alerts.attach(here.store, here.service.id, here.form_id, referral.id, person.id)
    assert (alert.referral_id, alert.person_id) == (referral.id, person.id)
    assert alerts.referrals_with_unopened(here.store, here.service.id) == {referral.id}
    assert list(alerts.of_referral(here.store, here.actor(), referral.id)) == [alert]
    alerts.open_by_name(here.store, here.actor(), alert.id)
    assert alerts.referrals_with_unopened(here.store, here.service.id) == set()


def test_an_alert_outlives_its_draft(here: Here) -> None:
    draft = Draft(
        service_id=here.service.id,
        id=here.form_id,
        journey="self-referral",
        journey_version=1,
        key_hash="0" * 64,
        reference="K7QF2M9TX",
        language="en",
        answers={},
        typed={},
        turned_away=[],
        touched_at=clock.now(),
        expires_at=clock.now(),
    )
    here.store.add(draft)
    here.store.flush()
    alert = here.raised()
    here.store.delete(draft)
    here.store.flush()
    assert list(alerts.waiting(here.store, here.actor())) == [alert]


def test_no_message_about_an_alert_carries_what_was_said(here: Here) -> None:
    here.raised()
    for message in here.store.scalars(select(Message)):
        assert message.details == {}
        assert message.template == "alert-waiting"
    assert notifications.MESSAGES["alert-waiting"].details == frozenset()
