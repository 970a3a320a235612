"""The demonstration: made-up people in every state, told through the rooms alone, and nobody who could be real."""

import json
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, sessionmaker

from config import Settings
from portal import (
    accounts,
    alerts,
    audit,
    clock,
    codes,
    demo,
    directory,
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
    rounds,
    services,
    tasks,
)
from portal.access import Actor, Role, Tier, rows_of
from portal.caseload import care_plan, closing, contacts, moving, risks, today, triage
from portal.demo import made_up, places
from portal.journeys.self_referral import SELF_REFERRAL
from portal.notifications import Outgoing, Words
from portal.services import practices, texts
from portal.store import (
    AccessNeed,
    Activity,
    ActivityPlace,
    Alert,
    AlertEvent,
    AuditEvent,
    CarePlan,
    CarePlanVersion,
    CaseNote,
    CheckIn,
    Closure,
    Comment,
    Contact,
    ContactWay,
    Draft,
    Feed,
    Goal,
    GoalAttainment,
    Letter,
    MeasureResponse,
    Merge,
    Message,
    Onward,
    OnwardChange,
    PlanAction,
    Practice,
    Provider,
    ReadingReason,
    Record,
    Referral,
    ReferralChange,
    Risk,
    Safeguarding,
    Service,
    ServiceText,
    ServiceUser,
    Staff,
    Stores,
    Task,
    open_store,
)
from tests import postgres, run

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
def told(request: pytest.FixtureRequest, environment: dict[str, str]) -> Iterator[Told]:
    """Made once in a run, for all tests of this module and all its processes: nobody below changes anything."""

    def make(folder: Path) -> None:
        if request.param == "sqlite":
            # Whoever asks finds it where the folder will be.
            url = f"sqlite:///{folder.with_suffix('') / 'portal.sqlite'}"
            here = f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_sqlite'), folder / 'portal.sqlite')}"
        else:
            server, empty = request.getfixturevalue("postgres_server"), request.getfixturevalue("migrated_postgresql")
            url = here = postgres.make_database(server, f"demo_{secrets.token_hex(6)}", empty)
        (folder / "url").write_text(url)
        reports: list[tuple[int, int]] = []
        stores = _open(environment, here)
        assert demo.set_up(stores, words, how_many=FEW, report=lambda done, of: reports.append((done, of)))
        stores.engine.dispose()
        (folder / "reports.json").write_text(json.dumps(reports))

    folder = run.prepared(f"demo-{request.param}", make)
    reports = [(done, of) for done, of in json.loads((folder / "reports.json").read_text())]
    made = Told(_open(environment, (folder / "url").read_text()), reports)
    yield made
    made.stores.engine.dispose()


def _open(environment: dict[str, str], url: str) -> Stores:
    settings = Settings.from_environment({**environment, "PORTAL_DATABASE_URL": url})
    held.hold(settings.secret_key, settings.encryption_keys)
    return open_store(settings.database_url)


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
    assert {goal.language for goal in there} >= {"en", "ur"}
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


# --- cases ------------------------------------------------------------------------------------------------------------


def the_case(looking: Session, service: Service, work: str) -> Referral:
    """The case of which this is told: whoever has the nth fate is the nth person."""
    number = next(place for place, fate in enumerate(demo.FATES) if fate.work == work)
    theirs = {f"person{number}@example.org", f"+447700900{number:03d}"}
    whose = {way.person_id for way in looking.scalars(rows_of(service.id, ContactWay)) if way.address in theirs}
    for referral in looking.scalars(rows_of(service.id, Referral).where(Referral.person_id.in_(whose))):
        return referral
    raise AssertionError(work)


def worker(looking: Session, service: Service, email: str = demo.STAFF[0].email) -> Actor:
    staff = looking.scalars(rows_of(service.id, Staff).where(Staff.email == email)).one()
    return Actor(service.id, staff.id, staff.name, Role(staff.role))


def test_every_state_of_a_case_is_there(looking: Session, service: Service) -> None:
    found = {referral.status for referral in looking.scalars(rows_of(service.id, Referral))}
    assert {"accepted", "active", "on-hold", "closed"} <= found
    in_triage = the_case(looking, service, "triage")
    assert in_triage.first_contact_at
    assert "risk" in triage.missing(looking, in_triage)
    assert the_case(looking, service, "in-vain").attempts == 3
    assert the_case(looking, service, "hold").status == "on-hold"
    assert the_case(looking, service, "ends").status == "closed"
    assert the_case(looking, service, "moves").reason == "moved-away"
    again = the_case(looking, service, "again")
    assert again.is_open
    ended = closing.latest(looking, service.id, again.id)
    assert ended
    assert ended.reopened_because


def test_nothing_happened_before_its_referral_and_nothing_is_in_the_future(looking: Session, service: Service) -> None:
    came = {referral.id: referral for referral in looking.scalars(rows_of(service.id, Referral))}
    there = looking.scalars(rows_of(service.id, Contact)).all()
    assert len(there) > FEW
    for contact in there:
        assert came[contact.referral_id].referred_at <= contact.happened_at <= clock.now()
        assert contact.next_due is None or contact.next_due >= contact.happened_at.date()
    for step in looking.scalars(rows_of(service.id, Onward)):
        assert came[step.referral_id].referred_at.date() <= step.made_on <= clock.today()
    for closure in looking.scalars(rows_of(service.id, Closure)):
        assert came[closure.referral_id].referred_at < closure.closed_at <= clock.now()


def test_contacts_have_many_outcomes_and_some_are_shared_with_the_person(looking: Session, service: Service) -> None:
    there = looking.scalars(rows_of(service.id, Contact)).all()
    assert {one.outcome for one in there} >= {"spoke", "attended", "no-answer"}
    assert {one.direction for one in there} == {"in", "out"}
    assert [one for one in there if one.shared_note]
    own_page = referral_of(looking, service, "own-page")
    assert contacts.shared_with(looking, service.id, own_page.person_id)


def test_a_plan_is_agreed_has_versions_and_actions_of_several_kinds(looking: Session, service: Service) -> None:
    lin = worker(looking, service)
    referral = referral_of(looking, service, "own-page")
    plan = care_plan.of_referral(looking, lin, referral)
    assert plan.agreed
    assert len(care_plan.versions(looking, lin, referral)) > 1
    actions = looking.scalars(rows_of(service.id, PlanAction)).all()
    assert len({one.who for one in actions}) > 1
    assert len({one.status for one in actions}) > 1


def test_risks_are_there_and_where_none_is_known_it_says_so(looking: Session, service: Service) -> None:
    kinds = {one.kind for one in looking.scalars(rows_of(service.id, Risk))}
    assert kinds > {risks.NONE_KNOWN}
    assert looking.scalars(rows_of(service.id, Safeguarding)).all()
    assert [one for one in looking.scalars(rows_of(service.id, AccessNeed)) if one.reviewed_at]


def test_people_were_led_on_in_all_three_ways_and_it_is_known_what_became_of_it(
    looking: Session, service: Service
) -> None:
    steps = looking.scalars(rows_of(service.id, Onward)).all()
    assert {one.kind for one in steps} == {"signpost", "supported-self-referral", "referral"}
    assert len({one.status for one in steps}) > 2
    for one in steps:
        assert bool(one.shared) == (one.kind == "referral")
        assert not one.shared or one.permission_id


def test_letters_wait_and_letters_have_gone(looking: Session, service: Service) -> None:
    states = {one.state for one in looking.scalars(rows_of(service.id, Letter))}
    assert states >= {"waiting", "sent"}
    sent = looking.scalars(rows_of(service.id, Letter).where(Letter.how == "email")).all()
    assert {one.sent_to for one in sent} == {"surgery@example.org"}


def test_a_colleague_is_worried_and_an_alert_is_to_be_talked_over(looking: Session, service: Service) -> None:
    there = looking.scalars(rows_of(service.id, Alert)).all()
    assert [one for one in there if one.rule == alerts.RULES[alerts.BY_STAFF].code and not one.closed_at]
    assert alerts.to_talk_over_count(looking, service.id) == 1


def test_two_teams_and_somebody_who_has_left_with_cases_that_nobody_has(looking: Session, service: Service) -> None:
    there = looking.scalars(rows_of(service.id, Staff)).all()
    assert {one.team for one in there} >= set(demo.TEAMS)
    (gone,) = (one for one in there if one.state == "left")
    assert gone.email == demo.FORMER.email
    assert moving.nobodys(looking, manager(looking, service))
    assert tasks.Kind.CASES_WITHOUT_WORKER in {one.kind for one in looking.scalars(rows_of(service.id, Task))}


def test_the_directory_is_full_and_a_file_was_taken_in(looking: Session, service: Service) -> None:
    there = looking.scalars(rows_of(service.id, Activity)).all()
    own = [one for one in there if one.feed_id is None]
    assert 35 <= len(own) <= 60
    (line,) = directory.feeds.feeds(looking, manager(looking, service))
    assert line.activities == 5
    assert line.run
    assert line.run.state == "done"
    near = directory.search(looking, service.id, need="loneliness", near="AB1 1XX")
    assert near.near_known
    assert len(near.rows) > 5
    assert directory.search(looking, service.id, language="ur").rows
    assert directory.search(looking, service.id, day="SU", free=True).rows
    assert directory.search(looking, service.id, access=["step-free", "hearing"]).rows


def test_practices_are_known_and_one_has_an_address_that_was_confirmed(looking: Session, service: Service) -> None:
    assert practices.search(looking, service.id, "made up")
    confirmed = [one for one in looking.scalars(rows_of(service.id, Practice)) if practices.address_of(one)]
    assert [one.code for one in confirmed] == [places.CONFIRMED]


def test_the_service_has_its_own_words(looking: Session, service: Service) -> None:
    assert texts.missing(looking, service) == []


def test_today_of_the_link_worker_has_every_kind_of_line(looking: Session, service: Service) -> None:
    groups = today.groups(looking, worker(looking, service))
    assert [group.code for group in groups] == [kind.code for kind in today.KINDS]
    assert 8 <= sum(group.many for group in groups) <= 24


def test_a_round_of_the_worker_finds_nothing_wrong(told: Told) -> None:
    class Nowhere:
        def send(self, outgoing: Outgoing) -> None:
            """Nothing leaves."""

    with told.stores.engine.execution_options(write=True).connect() as connection, connection.begin() as all_of_it:
        session = sessionmaker(connection, join_transaction_mode="create_savepoint")
        done = rounds.run(Stores(told.stores.engine, session, session), Nowhere(), words)
        all_of_it.rollback()
    assert done.broken == ()
    assert done.gave_way == ()
    assert done.delivered.failed == 0


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


def said_in_tables(looking: Session, service: Service, *tables: type[Record]) -> Iterator[tuple[str, str]]:
    """Every text of these tables, with the name of its column."""
    for table in tables:
        for row in looking.scalars(rows_of(service.id, table)):
            for column in inspect(table).columns:
                value = getattr(row, column.key)
                if isinstance(value, str):
                    yield f"{table.__tablename__}.{column.key}", value
                elif isinstance(value, dict | list):
                    yield f"{table.__tablename__}.{column.key}", json.dumps(value, ensure_ascii=False)


WRITTEN = (
    *(Activity, ActivityPlace, CarePlan, CarePlanVersion, CaseNote, Closure, Contact, Feed, Letter, Onward),
    *(OnwardChange, PlanAction, Practice, Provider, ReadingReason, Risk, Safeguarding, ServiceText, Staff),
)
DRAMA = re.compile(r"01632960\d{3}|07700900\d{3}")


def test_no_number_or_address_that_somebody_wrote_belongs_to_anybody(looking: Session, service: Service) -> None:
    seen = Counter[str]()
    for column, words in said_in_tables(looking, service, *WRITTEN):
        if column.endswith(("_hash", "once", "totp_secret", "words_key", "_key")):
            continue
        for number in re.findall(r"(?<![\w-])(?:\+44 ?|0)\d(?:[ ]?\d){8,9}(?![\w-])", words):
            plain = number.replace(" ", "").replace("+44", "0")
            assert DRAMA.fullmatch(plain), (column, number)
            seen["phone"] += 1
        for host in re.findall(r"(?:@|https?://)([\w.-]+)", words):
            # What documents of the standard name themselves by is no address of anybody.
            known = host == "example.org" or host.endswith(".example.org")
            assert known or column == "letter.content", (column, host)
            seen["host"] += known
        for postcode in re.findall(r"\b[A-Z]{1,2}\d[A-Z\d]? \d[ABD-HJLNP-UW-Z]{2}\b", words):
            assert reading.outward(postcode) in made_up.INSIDE + made_up.OUTSIDE, (column, postcode)
            seen["postcode"] += 1
    assert min(seen[kind] for kind in ("phone", "host", "postcode")) > 10


def test_practices_and_providers_say_that_they_are_made_up(looking: Session, service: Service) -> None:
    says_so = re.compile("made[- ]up|example|sample|notreal|placeholder", re.IGNORECASE)
    for practice in looking.scalars(rows_of(service.id, Practice)):
        assert says_so.search(practice.name)
        assert practices.CODE.fullmatch(practice.code)
        assert practice.code.startswith("X99")
    for provider in looking.scalars(rows_of(service.id, Provider)):
        assert says_so.search(provider.name)
    for person in looking.scalars(rows_of(service.id, ServiceUser)):
        code = person.gp_practice_code
        assert code is None or code.startswith("X99") or code in triage.NO_PRACTICE


def test_every_point_lies_in_the_sea(looking: Session, service: Service) -> None:
    for place in looking.scalars(rows_of(service.id, ActivityPlace).where(ActivityPlace.latitude.is_not(None))):
        assert 57.0 < place.latitude < 57.3  # type: ignore[operator]
        assert -1.8 < place.longitude < -1.4  # type: ignore[operator]


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

    began = clock.now()
    with pytest.raises(_Interrupted):
        demo.set_up(stores, words, how_many=3, report=stop)
    with stores.reading() as store:
        assert services.all_services(store) == []
    assert timedelta(0) < clock.now() - began < timedelta(minutes=2)
