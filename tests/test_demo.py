"""The demonstration: made-up people in every state, told through the rooms alone, and nobody who could be real."""

import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from config import Settings
from portal import (
    accounts,
    alerts,
    audit,
    clock,
    codes,
    demo,
    experience,
    feedback,
    goals,
    held,
    instruments,
    measures,
    notifications,
    people,
    reading,
    referrals,
    retention,
    services,
    tasks,
)
from portal.access import Actor, Role, Tier, rows_of
from portal.demo import made_up
from portal.journeys.self_referral import SELF_REFERRAL
from portal.notifications import Words
from portal.store import (
    Alert,
    AlertEvent,
    AuditEvent,
    CheckIn,
    Comment,
    ContactWay,
    Draft,
    Goal,
    GoalAttainment,
    MeasureResponse,
    Merge,
    Message,
    Referral,
    ReferralChange,
    Service,
    ServiceUser,
    Staff,
    Stores,
    Task,
    open_store,
)
from tests import postgres

FEW = len(demo.FATES)
"""Enough for every fate once."""


def words(template: str, language: str, _values: object) -> Words:
    return Words(template, language)


@dataclass
class Told:
    """The demonstration on one database, and how its making was reported."""

    stores: Stores
    reports: list[tuple[int, int]] = field(default_factory=list)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "told" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--databases").split(",")
        metafunc.parametrize("told", chosen, indirect=True, scope="module")


@pytest.fixture(scope="module")
def told(
    request: pytest.FixtureRequest, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Told]:
    """Made once for all tests of this module: nobody below changes anything."""

    dropped = ""
    if request.param == "sqlite":
        file = tmp_path_factory.mktemp("demo") / "portal.sqlite"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), file)
        url = f"sqlite:///{file}"
    else:
        server, empty = request.getfixturevalue("postgres_server"), request.getfixturevalue("migrated_postgresql")
        dropped = f"demo_{secrets.token_hex(6)}"
        url = postgres.make_database(server, dropped, empty)
    settings = Settings.from_environment({**environment, "PORTAL_DATABASE_URL": url})
    held.hold(settings.secret_key, settings.encryption_keys)
    made = Told(open_store(settings.database_url))
    assert demo.set_up(made.stores, words, how_many=FEW, report=lambda done, of: made.reports.append((done, of)))
    yield made
    made.stores.engine.dispose()
    if dropped:
        postgres.drop_database(request.getfixturevalue("postgres_server"), dropped)


@pytest.fixture(autouse=True)
def held_again(environment: dict[str, str]) -> None:
    """Another test of this process may hold other secrets."""
    settings = Settings.from_environment(environment)
    held.hold(settings.secret_key, settings.encryption_keys)


@pytest.fixture
def looking(told: Told) -> Iterator[Session]:
    with told.stores.reading() as store:
        yield store


@pytest.fixture
def service(looking: Session) -> Service:
    found = services.find(looking, demo.SLUG)
    assert found
    return found


def manager(store: Session, service: Service) -> Actor:
    staff = services.managers(store, service.id)[0]
    return Actor(service.id, staff.id, staff.name, Role.MANAGER)


# --- what is there ----------------------------------------------------------------------------------------------------


def test_somebody_of_every_role_works_there(looking: Session, service: Service) -> None:
    assert {staff.role for staff in looking.scalars(rows_of(service.id, Staff))} == set(Role)
    assert services.may_take_referrals(looking, service)
    assert {duty.position for duty in services.rota(looking, service.id)} == set(services.POSITIONS)


def test_every_state_of_a_referral_is_there(looking: Session, service: Service) -> None:
    found = {referral.status for referral in looking.scalars(rows_of(service.id, Referral))}
    assert {"submitted", "accepted", "not-eligible", "declined", "passed-on"} <= found <= set(referrals.STATUSES)


def test_alerts_are_unopened_opened_closed_climbed_and_without_a_form_that_was_sent(
    looking: Session, service: Service
) -> None:
    there = looking.scalars(rows_of(service.id, Alert)).all()
    assert any(alert.opened_at is None and alert.position == "duty" for alert in there)
    assert any(alert.opened_at and not alert.closed_at for alert in there)
    assert any(alert.closed_at and alert.what_was_done for alert in there)
    assert any(alert.referral_id is None for alert in there)
    happened = {event.what for event in looking.scalars(rows_of(service.id, AlertEvent))}
    assert happened >= {"raised", "climbed", "opened", "closed", "answer-changed", "reminded"}


def test_an_alert_that_nobody_opened_has_reached_the_manager(looking: Session, service: Service) -> None:
    top = [alert for alert in alerts.waiting(looking, manager(looking, service)) if alert.position == "manager"]
    assert any(alert.opened_at is None and alert.owner_id == manager(looking, service).staff_id for alert in top)


def test_records_were_merged_and_somebody_waits_to_be_compared(looking: Session, service: Service) -> None:
    assert looking.scalars(rows_of(service.id, Merge)).all()
    waiting = looking.scalars(rows_of(service.id, Referral).where(Referral.status == "submitted"))
    persons = [looking.get_one(ServiceUser, (service.id, referral.person_id)) for referral in waiting]
    assert any(people.possible_duplicates(looking, person) for person in persons)


def test_forms_are_unfinished_promises_broken_and_tasks_open(looking: Session, service: Service) -> None:
    assert looking.scalars(rows_of(service.id, Draft)).all()
    kinds = {task.kind for task in looking.scalars(rows_of(service.id, Task))}
    assert kinds >= {tasks.Kind.TELL_THE_PERSON, tasks.Kind.UNFINISHED_FORM, tasks.Kind.PROMISE_BROKEN}
    assert any(task.done_at for task in looking.scalars(rows_of(service.id, Task)))
    assert tasks.open_tasks(looking, manager(looking, service))


def test_there_are_helpers_proxies_people_without_address_and_people_from_outside(
    looking: Session, service: Service
) -> None:
    everybody = [referral.answers for referral in looking.scalars(rows_of(service.id, Referral))]
    everybody += [draft.answers for draft in looking.scalars(rows_of(service.id, Draft))]
    assert {answers.get("referring_for") for answers in everybody} >= {"me", "me-with-help", "someone-who-agrees"}
    assert any(answers.get("no_fixed_address") == ["yes"] for answers in everybody)
    assert any(answers.get("fits_area") == "no" for answers in everybody)
    assert any("come-back" in answers.get("safe_ways", []) for answers in everybody)


def test_forms_came_in_several_languages(looking: Session, service: Service) -> None:
    assert {referral.language for referral in looking.scalars(rows_of(service.id, Referral))} >= {
        "en",
        "cy",
        "pl",
        "ur",
    }


def test_every_referral_is_complete(looking: Session, service: Service) -> None:
    for referral in looking.scalars(rows_of(service.id, Referral)):
        assert SELF_REFERRAL.first_gap(referral.answers) is None, referral.answers


def test_nothing_has_happened_in_the_future_or_before_the_beginning(looking: Session, service: Service) -> None:
    moments = [referral.referred_at for referral in looking.scalars(rows_of(service.id, Referral))]
    moments += [alert.created_at for alert in looking.scalars(rows_of(service.id, Alert))]
    moments += [message.sent_at for message in looking.scalars(rows_of(service.id, Message)) if message.sent_at]
    assert max(moments) <= clock.now()
    assert min(moments) >= clock.now() - timedelta(days=demo.DAYS, minutes=10)


def test_no_message_of_the_past_waits_to_be_sent(looking: Session, service: Service) -> None:
    assert {message.state for message in looking.scalars(rows_of(service.id, Message))} == {"sent", "refused"}


def test_nothing_went_to_an_address_that_its_person_has_not_confirmed(looking: Session, service: Service) -> None:
    sent = looking.scalars(rows_of(service.id, Message).where(Message.state == "sent", Message.person_id.is_not(None)))
    for message in sent.all():
        if not notifications.MESSAGES[message.template].unconfirmed:
            ways = people.ways_of(looking, service.id, message.person_id)  # type: ignore[arg-type]
            assert any(way.address == message.address and way.confirmed_at for way in ways)


def test_the_audit_of_all_of_it_is_whole(looking: Session, service: Service) -> None:
    assert audit.count(looking, service.id) > 10 * FEW
    assert audit.verify(looking, service.id) == []


def test_progress_is_told_for_everybody(told: Told) -> None:
    assert told.reports == [(done, FEW) for done in range(1, FEW + 1)]


# --- what people say --------------------------------------------------------------------------------------------------


def check_ins_of(looking: Session, service: Service) -> Sequence[CheckIn]:
    return looking.scalars(rows_of(service.id, CheckIn)).all()


def referral_of(looking: Session, service: Service, fate: str) -> Referral:
    """The form of somebody whose card is shown."""
    digest = codes.digest(demo.card_key(fate))
    return looking.scalars(rows_of(service.id, Referral).where(Referral.sent_key_hash == digest)).one()


def test_check_ins_are_answered_half_answered_waiting_and_ended(looking: Session, service: Service) -> None:
    there = check_ins_of(looking, service)
    assert {one.status for one in there} >= {"ready", "completed", "cancelled"}
    assert {one.occasion for one in there if one.completed_at} >= {"baseline", "review"}
    assert {one.why_not for one in there} >= {"not-reached", "withdrawn"}
    half = [one for one in feedback_of(looking, service) if not one.completed_at and feedback.answers_of(looking, one)]
    assert half


def feedback_of(looking: Session, service: Service) -> Sequence[MeasureResponse]:
    return looking.scalars(rows_of(service.id, MeasureResponse)).all()


def test_people_answer_alone_by_phone_with_a_worker_and_with_an_interpreter(looking: Session, service: Service) -> None:
    ways = {(one.completed_by, one.response_mode) for one in feedback_of(looking, service)}
    assert ways >= {("self", "web"), ("interpreter", "phone")}
    came = looking.scalars(rows_of(service.id, AuditEvent).where(AuditEvent.act == "came to their page"))
    assert {event.details["via"] for event in came} >= {"link", "sent", "card"}
    assert {one.scale for one in feedback_of(looking, service)} >= {"ons4", "who5", "gss-loneliness"}


def test_nobody_was_shown_a_scale_in_a_language_in_which_it_does_not_exist(looking: Session, service: Service) -> None:
    for response in feedback_of(looking, service):
        assert response.language in instruments.catalogue()[response.scale].languages()
        person = looking.get_one(ServiceUser, (service.id, response.person_id))
        if response.entered_by is None and response.completed_by == "self":
            assert measures.language_of(service, person) == response.language


def test_what_was_not_answered_is_a_task_or_has_a_reason(looking: Session, service: Service) -> None:
    kinds = [task.kind for task in looking.scalars(rows_of(service.id, Task))]
    assert tasks.Kind.CHECK_IN_NOT_BACK in kinds
    for one in check_ins_of(looking, service):
        assert (one.status == "cancelled") == bool(one.why_not)


def test_a_line_has_three_points_and_not_everybody_got_better(looking: Session, service: Service) -> None:
    referral = referral_of(looking, service, "own-page")
    lines = feedback.lines_of(looking, service.id, referral.person_id)
    assert max(len(line.points) for line in lines) >= 3
    directions = set()
    for person in looking.scalars(rows_of(service.id, ServiceUser)):
        for line in feedback.lines_of(looking, service.id, person.id):
            values = [point.value for point in line.points if point.value is not None]
            if len(values) > 1:
                directions.add((values[-1] > values[0]) - (values[-1] < values[0]))
    assert directions == {-1, 0, 1}


def test_goals_are_active_achieved_and_set_aside_in_several_languages(looking: Session, service: Service) -> None:
    there = looking.scalars(rows_of(service.id, Goal)).all()
    assert {goal.status for goal in there} == {goals.ACTIVE, goals.ACHIEVED, goals.SET_ASIDE}
    assert {goal.language for goal in there} >= {"en", "ur", "pl"}
    for fate in demo.CARDS:
        theirs = goals.of_person(looking, service.id, referral_of(looking, service, fate).person_id)
        assert len(theirs) == 3
        assert all(len(line.points) >= 3 for line in theirs)
        words = {wish.words for wish in made_up.WISHES}
        assert {line.goal.words for line in theirs} <= words


def test_one_trained_worker_has_scaled_goals(looking: Session, service: Service) -> None:
    lin = looking.scalars(rows_of(service.id, Staff).where(Staff.trained_in_gas)).one()
    assert lin.email == "lin@example.org"
    assert {made.made_by for made in looking.scalars(rows_of(service.id, GoalAttainment))} == {lin.id}
    for fate in demo.CARDS:
        person_id = referral_of(looking, service, fate).person_id
        assert goals.attainment(looking, service.id, person_id) is not None


def test_the_friends_and_family_figures_of_every_whole_month_show(looking: Session, service: Service) -> None:
    assert services.settings_of(service).commissioned_by_nhs
    periods = experience.fft_figures(looking, manager(looking, service))
    assert len(periods) >= 2
    assert all(period.answers is not None and period.answers >= 8 for period in periods)
    assert any(period.positive_percent is not None for period in periods)


def test_comments_wait_are_answered_and_led_to_something(looking: Session, service: Service) -> None:
    who = manager(looking, service)
    waiting, closed = experience.waiting(looking, who), experience.closed(looking, who)
    complaints = [one for one in [*waiting, *closed] if one.kind == experience.Kind.COMPLAINT]
    assert {bool(one.reply) for one in complaints} == {True, False}
    assert all(one.owner_id for one in complaints)
    assert {one.kind for one in looking.scalars(rows_of(service.id, Comment))} == set(experience.Kind)
    assert len(experience.published(looking, service.id)) == len(made_up.YOU_SAID) - 1


def test_somebody_waits_to_be_erased_somebody_left_and_somebody_turned_reading_off(
    looking: Session, service: Service
) -> None:
    assert len(retention.open_requests(looking, manager(looking, service))) == 1
    assert referrals.WITHDRAWN in {
        change.reason for change in looking.scalars(rows_of(service.id, ReferralChange)).all()
    }
    assert [person.reading for person in looking.scalars(rows_of(service.id, ServiceUser))].count(False) == 1


# --- nobody could be real ---------------------------------------------------------------------------------------------


def test_every_family_name_says_that_it_is_made_up(looking: Session, service: Service) -> None:
    allowed = {name for tongue in made_up.TONGUES for name in tongue.family_names} | {None}
    assert {person.family_name for person in looking.scalars(rows_of(service.id, ServiceUser))} <= allowed


def test_numbers_and_addresses_belong_to_nobody(looking: Session, service: Service) -> None:
    for person in looking.scalars(rows_of(service.id, ServiceUser)):
        assert person.nhs_number is None or person.nhs_number.startswith("999")
        assert person.postcode is None or reading.outward(person.postcode) in made_up.INSIDE + made_up.OUTSIDE
    for way in looking.scalars(rows_of(service.id, ContactWay)):
        if way.channel in ("call", "text"):
            assert re.fullmatch(r"\+447700900\d{3}", str(way.address))
        if way.channel == "email":
            assert str(way.address).endswith("@example.org")


def test_every_nhs_number_is_another_one() -> None:
    numbers = made_up.nhs_numbers()
    some = [next(numbers) for _ in range(50)]
    assert len(set(some)) == 50
    assert all(reading.nhs_number(number, made_up=True) == number for number in some)


@pytest.mark.parametrize("tongue", made_up.TONGUES, ids=lambda tongue: tongue.code)
def test_every_language_has_something_to_say(tongue: made_up.Tongue) -> None:
    assert made_up.said_in(tongue.code)
    for story in made_up.said_in(tongue.code):
        step = SELF_REFERRAL.step("what-matters")
        assert step
        assert step.read({"what_matters": story.words, "needs": list(story.needs)})[1] == {}


# --- signing in -------------------------------------------------------------------------------------------------------


def test_everybody_made_up_can_sign_in_with_what_is_shown(told: Told) -> None:
    with told.stores.writing() as store:  # rolled back
        service = services.find(store, demo.SLUG)
        assert service
        shown = demo.sign_ins(store, service)
        assert [one.email for one in shown] == [one.email for one in demo.STAFF]
        one = shown[0]
        knocked = accounts.knock(store, service.id, one.email)
        token = accounts.begin_sign_in(store, knocked, one.password)
        signed_in = accounts.second_factor_given(store, service.id, token, one.code)
        assert (signed_in.actor.name, signed_in.actor.role) == (one.name, one.role)
        # The code was used, and is shown no more: the next one is, and works.
        following = demo.sign_ins(store, service)[0].code
        assert following != one.code
        again = accounts.begin_sign_in(store, accounts.knock(store, service.id, one.email), one.password)
        assert accounts.second_factor_given(store, service.id, again, following).actor.name == one.name


def test_no_other_service_shows_its_sign_ins(store: Session) -> None:
    other = services.create(store, "real", "A real service")
    assert demo.sign_ins(store, other) == []
    assert demo.sign_ins(store, None) == []


def test_who_has_no_password_any_more_is_not_shown(told: Told) -> None:
    with told.stores.writing() as store:  # rolled back
        service = services.find(store, demo.SLUG)
        assert service
        lin = store.scalars(select(Staff).where(Staff.email == demo.STAFF[0].email)).one()
        lin.password_hash = ""
        assert lin.email not in {one.email for one in demo.sign_ins(store, service)}


def test_passwords_differ_by_person_and_by_installation(environment: dict[str, str]) -> None:
    keys = Settings.from_environment(environment).encryption_keys
    held.hold("one secret that is long enough for a test", keys)
    one = {demo.password_of(each.email) for each in demo.STAFF}
    held.hold("two secrets are better than one secret here", keys)
    two = {demo.password_of(each.email) for each in demo.STAFF}
    held.hold(environment["PORTAL_SECRET_KEY"], keys)
    assert len(one | two) == 2 * len(demo.STAFF)


# --- a person's own page ----------------------------------------------------------------------------------------------


def test_the_cards_that_are_shown_open_two_peoples_own_pages(told: Told) -> None:
    with told.stores.writing() as store:  # rolled back
        service = services.find(store, demo.SLUG)
        assert service
        shown = demo.cards(store, service)
        assert [card.language for card in shown] == ["en", "ur"]
        for card in shown:
            reference, number = codes.read_reference(card.reference), codes.read_return_number(card.number)
            assert reference
            assert number
            visitor = accounts.card_alone(store, service, reference, number, codes.new_key(), language=card.language)
            assert visitor
            assert visitor.tier is Tier.READ


def test_a_card_that_opens_no_page_any_more_is_not_shown(told: Told) -> None:
    with told.stores.writing() as store:  # rolled back
        service = services.find(store, demo.SLUG)
        assert service
        accounts.set_reading(store, service.id, referral_of(store, service, demo.CARDS[0]).person_id, False)
        assert [card.language for card in demo.cards(store, service)] == ["ur"]


@pytest.mark.parametrize("page", ["/en/your-page", "/ur/your-page/card"])
def test_only_a_demonstration_shows_the_cards(told: Told, page: str, make_app: Callable[..., Flask]) -> None:
    url = told.stores.engine.url.render_as_string(hide_password=False)
    with told.stores.reading() as store:
        numbers = [card.number for card in demo.cards(store, services.find(store, demo.SLUG))]
    shown = make_app(url, PORTAL_ENVIRONMENT="demonstration").test_client().get(page).get_data(as_text=True)
    elsewhere = make_app(url).test_client().get(page).get_data(as_text=True)
    assert len(numbers) == 2
    assert all(number in shown and number not in elsewhere for number in numbers)


def test_no_other_service_shows_cards(store: Session) -> None:
    other = services.create(store, "real", "A real service")
    assert demo.cards(store, other) == []
    assert demo.cards(store, None) == []


def test_return_numbers_differ_by_person_and_by_installation(environment: dict[str, str]) -> None:
    keys = Settings.from_environment(environment).encryption_keys
    held.hold("one secret that is long enough for a test", keys)
    one = {codes.return_number_from(demo.card_key(fate)) for fate in demo.CARDS}
    held.hold("two secrets are better than one secret here", keys)
    two = {codes.return_number_from(demo.card_key(fate)) for fate in demo.CARDS}
    held.hold(environment["PORTAL_SECRET_KEY"], keys)
    assert len(one | two) == 2 * len(demo.CARDS)


# --- once, and whole --------------------------------------------------------------------------------------------------


def test_a_second_setting_up_changes_nothing(told: Told) -> None:
    with told.stores.reading() as store:
        before = len(store.scalars(select(Referral.id)).all())
    assert demo.set_up(told.stores, words, how_many=FEW) is False
    with told.stores.reading() as store:
        assert len(store.scalars(select(Referral.id)).all()) == before


class _Interrupted(Exception):
    pass


@pytest.mark.slow
def test_broken_off_half_way_leaves_nothing_behind(stores: Stores) -> None:
    def stop(done: int, _of: int) -> None:
        if done == 2:
            raise _Interrupted

    with pytest.raises(_Interrupted):
        demo.set_up(stores, words, how_many=3, report=stop)
    with stores.reading() as store:
        assert services.all_services(store) == []
    assert abs(clock.now().timestamp() - time.time()) < 5
