"""What people say of a service: answers that lead to nobody, complaints that somebody has to answer, and no number
small enough to point at a person.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import func, inspect, select, text
from sqlalchemy.orm import Session

from portal import alerts, clock, codes, experience, notifications, rounds, services, tasks, throttle
from portal.access import Actor, Refused, Role
from portal.experience import LEAST_SHOWN, Kind, NotAnAnswer, NotAnswered, NotAsked, NothingSaid, NotThere, Period
from portal.instruments import catalogue, shares
from portal.journeys import Problem
from portal.journeys.experience import COMPLAINT, EXPERIENCE, friends_and_family, read_page, reply_to
from portal.store import AuditEvent, Comment, FriendsAndFamily, Message, Service, Staff, Stores, Task, Tries, YouSaid
from tests.staffed import a_colleague, a_person, a_service, a_way, acting

MONDAY_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
FFT = catalogue()["fft"]
CODES = ("very_good", "good", "neither_good_nor_poor", "poor", "very_poor", "dont_know")


@dataclass
class Here:
    """A service that the NHS pays for, with two managers and a link worker, at noon on a Monday."""

    store: Session
    service: Service
    manager: Staff
    second: Staff
    worker: Staff

    @property
    def actor(self) -> Actor:
        return acting(self.manager)

    def complain(self, words: str = "Nobody rang me.", once: str = "", **more: object) -> Comment:
        key = once or codes.new_key()
        return experience.comment(
            self.store,
            self.service,
            "complaint",
            words,
            language="en",
            once=key,
            **more,  # type: ignore[arg-type]
        )

    def answer(self, answer: str = "good", why: str | None = None, better: str | None = None, once: str = "") -> None:
        experience.give_fft(
            self.store, self.service, answer, why, better, language="en", mode="web", once=once or codes.new_key()
        )

    def answers(self, *numbers: int) -> None:
        """So many of each answer, in the order of the question."""
        for code, number in zip(CODES, numbers, strict=True):
            for _ in range(number):
                self.answer(code)

    def told(self) -> Counter[str]:
        """How many messages to whom, by address."""
        return Counter(message.address or "" for message in self.store.scalars(select(Message)))

    def task(self, comment: Comment) -> Task:
        return self.store.scalars(select(Task).where(Task.once == f"complaint:{comment.id}")).one()


@pytest.fixture
def here(store: Session) -> Iterator[Here]:
    with clock.at(MONDAY_NOON):
        service = a_service(store, commissioned_by_nhs=True)
        manager, second = a_colleague(store, service, Role.MANAGER), a_colleague(store, service, Role.MANAGER)
        yield Here(store, service, manager, second, a_colleague(store, service))


def rows(store: Session) -> list[FriendsAndFamily]:
    return list(store.scalars(select(FriendsAndFamily)))


# --- Friends and Family leads to nobody -------------------------------------------------------------------------------


def test_the_table_of_answers_points_at_nothing_but_the_service() -> None:
    table = FriendsAndFamily.__table__
    assert {key.target_fullname for key in table.foreign_keys} == {"service.id"}
    ids = {column.name for column in table.columns if isinstance(column.type, type(table.c.id.type))}
    assert ids == {"service_id", "id"}, "a key of anything else could lead to somebody"
    moments = {column.name for column in table.columns if column.type.python_type in (datetime, date)}
    assert moments == {"month"}, "the month is all that is known of when"
    assert {column.name for column in table.columns} == {
        "service_id", "id", "month", "language", "mode", "wording_hash", "answer", "why", "better",
    }  # fmt: skip


def test_the_database_has_no_other_column_than_the_model_and_sqlite_no_row_number(store: Session) -> None:
    there = {column["name"] for column in inspect(store.connection()).get_columns("friends_and_family")}
    assert there == {column.name for column in FriendsAndFamily.__table__.columns}
    if store.get_bind().dialect.name == "sqlite":
        made = store.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'friends_and_family'"))
        assert str(made).rstrip().endswith("WITHOUT ROWID")


def test_no_table_points_at_an_answer() -> None:
    tables = FriendsAndFamily.metadata.tables.values()
    assert [
        key for table in tables for key in table.foreign_keys if key.column.table.name == "friends_and_family"
    ] == []


def test_the_keys_of_answers_tell_no_order_and_the_month_is_its_first_day(here: Here) -> None:
    keys = []
    for _ in range(30):
        before = {row.id for row in rows(here.store)}
        here.answer()
        (new,) = {row.id for row in rows(here.store)} - before
        keys.append(new)
    assert all(key.version == 4 for key in keys)
    assert keys not in (sorted(keys), sorted(keys, reverse=True))
    rising = sum(one < other for one, other in zip(keys, keys[1:], strict=False))
    assert 3 < rising < 27, "thirty random keys in a row neither rise nor fall"
    assert {row.month for row in rows(here.store)} == {date(2026, 11, 1)}


def test_an_answer_leaves_no_trace_in_the_audit_or_anywhere_else(here: Here) -> None:
    here.store.flush()

    def counted() -> dict[str, int]:
        tables = FriendsAndFamily.metadata.tables
        return {name: here.store.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables.items()}

    before = counted()
    here.answer("poor", "Nobody rang.", "Ring me.")
    after = counted()
    assert {name for name in after if after[name] != before[name]} == {"friends_and_family"}


def test_the_words_are_the_published_ones_and_what_was_shown_is_kept(here: Here) -> None:
    here.answer("poor", "Nobody rang.", " ")
    (row,) = rows(here.store)
    chosen = experience.fft(here.store, here.service, "en")
    assert chosen is not None
    assert (row.answer, row.why, row.better, row.mode) == ("poor", "Nobody rang.", None, "web")
    assert (row.language, row.wording_hash) == ("en", chosen.wording_hash)


@pytest.mark.sweep
@pytest.mark.parametrize("language", ["en", "ur", "pl", "cy"])
def test_the_question_is_asked_in_english_where_no_official_text_is_loaded(here: Here, language: str) -> None:
    chosen = experience.fft(here.store, here.service, language)
    assert chosen is not None
    assert chosen.wording.language == "en"
    journey = friends_and_family(chosen.instrument, chosen.wording)
    question, why, better = journey.steps[0].questions
    assert question.label == "Overall, how was your experience of our service?"
    assert question.exact is not None
    assert question.exact.opening == "Thinking about the service we provide"
    assert [choice.exact for choice in question.choices] == [
        "Very good", "Good", "Neither good nor poor", "Poor", "Very poor", "Don’t know",
    ]  # fmt: skip
    assert (why.code, better.code) == ("why", "better")


def test_the_question_is_asked_only_where_the_nhs_pays(store: Session) -> None:
    service = a_service(store, "charity")
    assert experience.fft(store, service, "en") is None
    with pytest.raises(NotAsked):
        experience.give_fft(store, service, "good", None, None, language="en", mode="web", once="x")
    assert rows(store) == []


@pytest.mark.sweep
@pytest.mark.parametrize("answer", ["excellent", "", "VERY_GOOD", "0"])
def test_an_answer_that_is_not_offered_is_not_kept(here: Here, answer: str) -> None:
    with pytest.raises(NotAnAnswer):
        here.answer(answer)
    assert rows(here.store) == []


def test_a_form_sent_three_times_is_one_answer_and_the_last_one_counts(here: Here) -> None:
    key = codes.new_key()
    for answer in ("good", "good", "poor"):
        here.answer(answer, once=key)
    (row,) = rows(here.store)
    assert row.answer == "poor"
    here.answer("good")
    assert len(rows(here.store)) == 2


def test_the_form_s_key_cannot_be_found_in_the_row(here: Here) -> None:
    key = codes.new_key()
    here.answer(once=key)
    (row,) = rows(here.store)
    assert row.id.hex[:12] not in codes.digest(key)
    assert row.id != uuid.UUID(codes.digest(key)[:32], version=4), "keyed: else a copy of the form would find its row"


def test_a_triple_click_writes_one_row(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service_id = a_service(store, commissioned_by_nhs=True).id
    key, faults = codes.new_key(), []

    def click() -> None:
        try:
            with stores.writing.begin() as store:
                service = store.get_one(Service, service_id)
                experience.give_fft(store, service, "good", None, None, language="en", mode="web", once=key)
        except Exception as fault:
            faults.append(fault)

    clicks = [threading.Thread(target=click) for _ in range(3)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert faults == []
    with stores.reading() as store:
        assert len(rows(store)) == 1


# --- figures ----------------------------------------------------------------------------------------------------------


def test_the_published_shares_are_those_of_the_published_example() -> None:
    found = shares(FFT, dict(zip(CODES, (6, 2, 0, 1, 0, 1), strict=True)))
    assert {code: (float(share.percent or 0), share.answers) for code, share in found.items()} == {
        "positive_pct": (80.0, 10),
        "negative_pct": (10.0, 10),
    }


def test_small_numbers_are_hidden_in_the_published_example(here: Here) -> None:
    here.answers(6, 2, 0, 1, 0, 1)
    with clock.at(datetime(2026, 12, 1, 12, tzinfo=UTC)):
        (period,) = experience.fft_figures(here.store, here.actor)
    assert period == Period(
        date(2026, 11, 1), date(2026, 11, 1), 10, positive=8, negative=None, neither=None, positive_percent=80.0
    )


def test_large_numbers_are_shown(here: Here) -> None:
    found = experience.periods({date(2026, 1, 1): dict(zip(CODES, (10, 6, 5, 5, 0, 0), strict=True))}, FFT)
    assert found == [Period(date(2026, 1, 1), date(2026, 1, 1), 26, 16, 5, 5, 61.5, 19.2)]


def test_the_month_that_is_running_is_not_shown(here: Here) -> None:
    here.answers(6, 6, 6, 6, 6, 6)
    assert experience.fft_figures(here.store, here.actor) == []
    with clock.at(datetime(2026, 12, 1, tzinfo=UTC)):
        assert [one.answers for one in experience.fft_figures(here.store, here.actor)] == [36]


JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))


@pytest.mark.parametrize(("answers", "shown"), [(4, None), (5, 5)])
def test_four_answers_are_hidden_and_five_are_shown(answers: int, shown: int | None) -> None:
    (period,) = experience.periods({JANUARY: {"good": answers}}, FFT)
    assert (period.answers, period.positive) == (shown, shown)


def test_a_month_with_too_few_answers_is_put_together_with_the_months_after_it() -> None:
    counted = {JANUARY: {"good": 4}, FEBRUARY: {"good": 9}, MARCH: {"good": 3}}
    first, last = experience.periods(counted, FFT)
    assert (first.first, first.last, first.answers) == (JANUARY, FEBRUARY, 13)
    assert (last.first, last.last, last.answers, last.positive) == (MARCH, MARCH, None, None)


def test_periods_never_overlap_and_a_shown_one_never_changes_when_months_are_added() -> None:
    counted = {date(2025, month, 1): {"good": month % 5, "poor": month % 3} for month in range(1, 13)}
    before: list[Period] = []
    for month in sorted(counted):
        found = experience.periods({one: counted[one] for one in counted if one <= month}, FFT)
        shown = [period for period in found if period.answers is not None]
        assert shown[: len(before)] == before
        assert all(one.last < other.first for one, other in zip(found, found[1:], strict=False))
        before = shown


def seen(cells: tuple[int, int, int]) -> tuple[int | None, ...]:
    """What somebody sees of these numbers beside how many there are, when they are a month of their own."""
    found = experience.periods({JANUARY: dict(zip(("good", "poor", "dont_know"), cells, strict=True))}, FFT)
    (period,) = found
    return period.answers, period.positive, period.negative, period.neither


def test_no_hidden_number_can_be_worked_out_from_what_is_shown() -> None:
    """All there is up to sixteen answers of each kind, against somebody who knows the rules: whatever is seen could
    have come from at least two numbers in every hidden place, unless it is a nought."""
    alike: dict[tuple[int | None, ...], list[tuple[int, ...]]] = {}
    for cells in product(range(17), repeat=3):
        if sum(cells):
            alike.setdefault(seen((cells[0], cells[1], cells[2])), []).append(cells)
    checked = 0
    for view, possible in alike.items():
        if view[0] is None:
            continue
        assert all(number is None or number >= LEAST_SHOWN for number in view), view
        for place, number in enumerate(view[1:]):
            if number is None and {cells[place] for cells in possible} != {0}:
                assert len({cells[place] for cells in possible}) > 1, (view, possible)
                checked += 1
    assert checked > 100


def test_one_small_number_alone_takes_the_smallest_of_the_others_with_it(here: Here) -> None:
    """Twenty, ten and two of thirty-two: the two alone hidden would be thirty-two less thirty."""
    (period,) = experience.periods({JANUARY: {"good": 20, "poor": 10, "dont_know": 2}}, FFT)
    assert (period.answers, period.positive, period.negative, period.neither) == (32, 20, None, None)
    assert experience.hidden_in((10, 2, 20)) == {0, 1}


def test_a_month_that_would_give_a_hidden_number_away_waits_for_the_next() -> None:
    four_each = {"good": 4, "poor": 4, "dont_know": 4}
    assert experience.gives_away((4, 4, 4)), "all three below five, and twelve together: they can only be four each"
    assert [one.answers for one in experience.periods({JANUARY: four_each}, FFT)] == [None]
    assert [one.answers for one in experience.periods({JANUARY: four_each, FEBRUARY: four_each}, FFT)] == [24]


def test_words_are_read_without_the_answer_and_only_from_months_that_are_shown(here: Here) -> None:
    for number in range(5):
        here.answer("good", f"why {number}", f"better {number}")
    assert experience.fft_words(here.store, here.actor) == experience.Said((), ())
    with clock.at(datetime(2026, 12, 5, tzinfo=UTC)):
        here.answer("poor", "December", None)
        said = experience.fft_words(here.store, here.actor)
    assert sorted(said.why) == [f"why {number}" for number in range(5)]
    assert sorted(said.better) == [f"better {number}" for number in range(5)]
    last = here.store.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (last.act, last.actor_id, last.about_id) == ("read friends and family", here.manager.id, None)


def test_figures_are_of_the_own_service_and_for_those_who_may(here: Here) -> None:
    there = a_service(here.store, "there", commissioned_by_nhs=True)
    for _ in range(9):
        experience.give_fft(here.store, there, "poor", "There.", None, language="en", mode="web", once=codes.new_key())
    with clock.at(datetime(2026, 12, 5, tzinfo=UTC)):
        assert experience.fft_figures(here.store, here.actor) == []
        assert experience.fft_words(here.store, here.actor).why == ()
        analyst = acting(a_colleague(here.store, here.service, Role.ANALYST))
        assert experience.fft_figures(here.store, analyst) == []
    for act in (experience.fft_figures, experience.fft_words, experience.heard):
        with pytest.raises(Refused):
            act(here.store, acting(here.worker))


# --- complaints -------------------------------------------------------------------------------------------------------


def test_a_complaint_has_an_owner_two_days_and_a_task_from_its_first_moment(here: Here) -> None:
    found = here.complain()
    assert (found.owner_id, found.acknowledged_at, found.closed_at) == (here.manager.id, None, None)
    by, last = experience.acknowledge_by(here.service, found), found.due_at
    # London is on winter time: closing time is 17:00.
    assert by == datetime(2026, 11, 26, 17, tzinfo=UTC)
    assert last == datetime(2026, 12, 21, 17, tzinfo=UTC)
    task = here.task(found)
    assert (task.kind, task.assigned_to, task.due_at, task.person_id) == ("complaint", here.manager.id, by, None)
    assert here.told() == {here.manager.email: 1}


def test_the_days_are_the_service_s_own(store: Session) -> None:
    service = a_service(store, complaint_acknowledge_days=1, complaint_answer_days=2, closed_days=["2026-11-24"])
    a_colleague(store, service, Role.MANAGER)
    with clock.at(MONDAY_NOON):
        found = experience.comment(store, service, "complaint", "Late.", language="en", once="x")
        assert experience.acknowledge_by(service, found) == datetime(2026, 11, 25, 17, tzinfo=UTC)
    assert found.due_at == datetime(2026, 11, 26, 17, tzinfo=UTC)


def test_a_complaint_goes_to_the_manager_on_duty(here: Here) -> None:
    services.set_duty(here.store, here.actor, "manager", here.second.id, clock.now() - timedelta(days=1))
    assert here.complain().owner_id == here.second.id


def test_thanks_have_an_owner_and_no_clock_and_the_rest_neither(here: Here) -> None:
    found = experience.comment(here.store, here.service, "compliment", "Thank you!", language="ur", once="a")
    assert (found.owner_id, found.due_at, found.language) == (here.manager.id, None, "ur")
    other = experience.comment(here.store, here.service, "what-helped", "The walk.", language="en", once="b")
    assert (other.owner_id, other.due_at, other.person_id) == (None, None, None)
    assert here.store.scalars(select(Task)).all() == []


def test_a_complaint_has_an_owner_even_when_everybody_leaves(here: Here) -> None:
    found = here.complain()

    def leaves(*staff: Staff) -> None:
        for one in staff:
            one.state = "left"
        here.store.flush()
        experience.remind(here.store, here.service)

    def owner() -> uuid.UUID | None:
        here.store.refresh(found)
        return found.owner_id

    leaves(here.manager)
    assert owner() == here.second.id == here.task(found).assigned_to
    leaves(here.second)
    assert owner() == here.worker.id, "somebody is better than nobody, although they can only find a manager"
    leaves(here.worker)
    assert owner() == here.worker.id
    late = here.complain("And nobody is there.")
    assert late.owner_id == here.worker.id, "whoever left last has it until somebody works here again"
    new = a_colleague(here.store, here.service, Role.MANAGER)
    experience.remind(here.store, here.service)
    assert owner() == new.id
    assert (late.owner_id, found.closed_at, late.closed_at) == (new.id, None, None)


def test_a_complaint_to_a_service_where_nobody_ever_worked_is_kept_and_finds_its_first_manager(store: Session) -> None:
    service = a_service(store)
    found = experience.comment(store, service, "complaint", "Hello?", language="en", once="x")
    assert found.owner_id is None
    manager = a_colleague(store, service, Role.MANAGER)
    assert experience.remind(store, service) == 1
    assert found.owner_id == manager.id


def test_a_manager_who_becomes_something_else_answers_no_complaints_any_more(here: Here) -> None:
    found = here.complain()
    here.manager.role = Role.ANALYST.value
    here.store.flush()
    experience.remind(here.store, here.service)
    assert found.owner_id == here.second.id


def test_the_clock_reminds_and_reminds_and_never_closes(here: Here) -> None:
    found = here.complain()
    remind = experience.remind

    def told_after(**later: int) -> Counter[str]:
        before = here.told()
        with clock.at(MONDAY_NOON + timedelta(**later)):
            remind(here.store, here.service)
            assert remind(here.store, here.service) == 0, "one round after the other says nothing new"
        return here.told() - before

    both = Counter({here.manager.email: 1, here.second.email: 1})
    assert told_after(days=2) == {}
    assert told_after(days=4) == both, "not acknowledged: every manager hears of it"
    assert told_after(days=5) == {}
    assert told_after(days=29) == both, "not answered"
    assert told_after(days=30) == {}
    assert told_after(days=37) == both, "a week later once more"
    assert told_after(days=400) == both
    here.store.refresh(found)
    assert (found.closed_at, found.replied_at, found.acknowledged_at) == (None, None, None)
    assert here.task(found).done_at is None
    acts = [event.act for event in here.store.scalars(select(AuditEvent).where(AuditEvent.about_id == found.id))]
    assert acts.count("reminded of complaint") == 4


def test_what_was_acknowledged_in_time_reminds_nobody_until_its_answer_is_late(here: Here) -> None:
    found = here.complain()
    experience.acknowledge(here.store, here.actor, found.id)
    assert here.task(found).due_at == found.due_at
    with clock.at(MONDAY_NOON + timedelta(days=10)):
        assert experience.remind(here.store, here.service) == 0
    with clock.at(MONDAY_NOON + timedelta(days=29)):
        assert experience.remind(here.store, here.service) == 1
    experience.reply(here.store, here.actor, found.id, "We are sorry.")
    with clock.at(MONDAY_NOON + timedelta(days=100)):
        assert experience.remind(here.store, here.service) == 0, "it is answered, though nobody has closed it"


def test_the_round_looks_after_complaints() -> None:
    assert rounds.PARTS["comments-late"] is experience.remind


def test_a_complaint_is_closed_only_when_it_was_answered(here: Here) -> None:
    found = here.complain()
    with pytest.raises(NotAnswered):
        experience.close(here.store, here.actor, found.id)
    assert found.closed_at is None
    experience.reply(here.store, here.actor, found.id, "We are sorry. Somebody rings you today.")
    experience.reply(here.store, acting(here.second), found.id, "Other words.")
    assert (found.reply, found.replied_by) == ("We are sorry. Somebody rings you today.", here.manager.id)
    assert found.acknowledged_at == MONDAY_NOON
    experience.close(here.store, here.actor, found.id)
    assert found.closed_at == MONDAY_NOON
    assert (here.task(found).done_at, here.task(found).done_by) == (MONDAY_NOON, here.manager.id)
    assert experience.hand_over(here.store, here.actor, found.id, here.second.id) is None
    assert [one.id for one in experience.closed(here.store, here.actor)] == [found.id]
    assert experience.waiting(here.store, here.actor) == []


def test_thanks_may_be_closed_without_an_answer(here: Here) -> None:
    found = experience.comment(here.store, here.service, "compliment", "Thank you!", language="en", once="a")
    closed = experience.close(here.store, here.actor, found.id)
    assert closed is not None
    assert closed.closed_at == MONDAY_NOON


def test_a_complaint_is_handed_over_and_its_days_go_on_counting(here: Here) -> None:
    found = here.complain()
    due = found.due_at
    with clock.at(MONDAY_NOON + timedelta(days=5)):
        experience.hand_over(here.store, here.actor, found.id, here.second.id)
    assert (found.owner_id, found.due_at) == (here.second.id, due)
    assert here.task(found).assigned_to == here.second.id
    assert here.told()[here.second.email] == 1
    left = a_colleague(here.store, here.service, Role.MANAGER, state="left")
    for nobody in (left.id, here.worker.id, uuid.uuid4()):
        with pytest.raises(NotThere):
            experience.hand_over(here.store, here.actor, found.id, nobody)


def test_the_most_urgent_complaint_stands_first_and_thanks_last(here: Here) -> None:
    thanks = experience.comment(here.store, here.service, "compliment", "Thank you!", language="en", once="a")
    with clock.at(MONDAY_NOON + timedelta(days=3)):
        later = here.complain("Later.")
    first = here.complain("First.")
    assert [one.id for one in experience.waiting(here.store, here.actor)] == [first.id, later.id, thanks.id]


@pytest.mark.parametrize("role", [Role.LINK_WORKER, Role.ADMINISTRATOR, Role.ANALYST])
def test_only_managers_read_and_answer_complaints(here: Here, role: Role) -> None:
    found, actor = here.complain(), acting(a_colleague(here.store, here.service, role))
    for act in (
        lambda: experience.waiting(here.store, actor),
        lambda: experience.closed(here.store, actor),
        lambda: experience.read(here.store, actor, found.id),
        lambda: experience.acknowledge(here.store, actor, found.id),
        lambda: experience.reply(here.store, actor, found.id, "Words"),
        lambda: experience.close(here.store, actor, found.id),
        lambda: experience.hand_over(here.store, actor, found.id, here.second.id),
        lambda: experience.you_said(here.store, actor, "a", "b", language="en"),
        lambda: experience.withdraw_said(here.store, actor, found.id),
    ):
        with pytest.raises(Refused):
            act()


def test_another_service_s_complaint_is_not_there(here: Here) -> None:
    there = a_service(here.store, "there")
    manager = acting(a_colleague(here.store, there, Role.MANAGER))
    found = here.complain()
    said = experience.you_said(here.store, here.actor, "a", "b", language="en")
    assert experience.read(here.store, manager, found.id) is None
    assert experience.acknowledge(here.store, manager, found.id) is None
    assert experience.reply(here.store, manager, found.id, "Words") is None
    assert experience.close(here.store, manager, found.id) is None
    assert experience.hand_over(here.store, manager, found.id, manager.staff_id) is None
    assert experience.withdraw_said(here.store, manager, said.id) is None
    assert experience.waiting(here.store, manager) == []
    assert experience.published(here.store, there.id) == []


def test_reading_a_complaint_is_written_down_and_its_words_are_not(here: Here) -> None:
    found = here.complain("A word nobody else uses: quaggle.")
    experience.read(here.store, here.actor, found.id)
    events = here.store.scalars(select(AuditEvent)).all()
    assert ("read comment", found.id) in {(event.act, event.about_id) for event in events}
    assert "quaggle" not in repr([(event.act, event.details, event.reason) for event in events])
    raw = here.store.execute(text("SELECT words FROM comment")).scalar_one()
    assert b"quaggle" not in bytes(raw)


# --- written once, read again by its writer ---------------------------------------------------------------------------


def test_a_complaint_sent_three_times_is_one_and_other_words_from_the_same_form_are_another(here: Here) -> None:
    key = codes.new_key()
    first = [here.complain("Nobody rang me.", key) for _ in range(3)]
    assert len({one.id for one in first}) == 1
    other = here.complain("Nobody rang me, twice.", key)
    assert other.id != first[0].id, "what was typed after pressing Back is not lost"
    assert here.store.scalar(select(func.count()).select_from(Task)) == 2
    assert here.told() == {here.manager.email: 2}


def test_reference_and_number_together_open_the_answer_and_nothing_else_does(here: Here) -> None:
    key, other = codes.new_key(), codes.new_key()
    found, second = here.complain("One.", key), here.complain("Two.", other)

    def opened(reference: str, number: str) -> Comment | None:
        return experience.with_card(here.store, here.service.id, reference, number)

    assert opened(found.reference, experience.number_of(key)) is found
    assert opened(second.reference, experience.number_of(key)) is None
    assert opened(found.reference, "000000000000") is None
    there = a_service(here.store, "there")
    assert experience.with_card(here.store, there.id, found.reference, experience.number_of(key)) is None
    helped = experience.comment(here.store, here.service, "what-helped", "Tea.", language="en", once=key)
    assert opened(helped.reference, experience.number_of(key)) is None, "nobody was given these numbers"


def test_the_number_stands_nowhere_in_the_row(here: Here) -> None:
    key = codes.new_key()
    found = here.complain("One.", key)
    number = experience.number_of(key)
    assert number not in repr([found.once, found.reference])
    assert codes.digest(number)[:32] != found.once[:32], "keyed: else all numbers could be tried on a copy"


def test_an_answer_to_somebody_s_own_page_is_told_them_in_a_message_that_says_nothing(here: Here) -> None:
    person = a_person(here.store, here.service)
    a_way(here.store, person)
    found = here.complain(person_id=person.id)
    experience.reply(here.store, here.actor, found.id, "We are sorry.")
    (message,) = here.store.scalars(select(Message).where(Message.person_id == person.id))
    assert (message.template, message.details, message.state) == ("comment-answered", {}, "waiting")
    assert [one.reply for one in experience.of_person(here.store, here.service.id, person.id)] == ["We are sorry."]


def test_who_may_not_be_written_to_is_not_and_somebody_is_asked_to_tell_them(here: Here) -> None:
    person = a_person(here.store, here.service)
    a_way(here.store, person, allowed=False)
    found = here.complain(person_id=person.id)
    experience.reply(here.store, here.actor, found.id, "We are sorry.")
    (message,) = here.store.scalars(select(Message).where(Message.person_id == person.id))
    assert (message.state, message.address) == ("refused", None)
    kinds = here.store.scalars(select(Task.kind).where(Task.person_id == person.id)).all()
    assert kinds == [tasks.Kind.TELL_THE_PERSON]


def test_nobody_is_written_to_at_the_way_that_a_stranger_left(here: Here) -> None:
    found = here.complain(reply_to="zofia@inbox.example")
    experience.reply(here.store, here.actor, found.id, "We are sorry.")
    assert found.reply_to == "zofia@inbox.example"
    assert "zofia@inbox.example" not in here.told()


def test_the_staff_of_a_case_see_what_was_said_under_a_name_but_no_complaint(here: Here) -> None:
    person = a_person(here.store, here.service)
    here.complain(person_id=person.id)
    helped = experience.comment(
        here.store, here.service, "what-helped", "The walk.", language="en", once="x", person_id=person.id
    )
    experience.comment(here.store, here.service, "could-be-better", "The tea.", language="en", once="y")
    assert [one.id for one in experience.said_by(here.store, acting(here.worker), person.id)] == [helped.id]
    with pytest.raises(Refused):
        experience.said_by(here.store, acting(a_colleague(here.store, here.service, Role.ANALYST)), person.id)


def test_words_without_a_name_are_read_by_those_who_may(here: Here) -> None:
    experience.comment(here.store, here.service, "could-be-better", "The tea.", language="en", once="y")
    here.complain()
    analyst = acting(a_colleague(here.store, here.service, Role.ANALYST))
    assert [one.words for one in experience.heard(here.store, analyst)] == ["The tea."]


@pytest.mark.parametrize("words", ["", " \n\u200b", "x" * 4001, "a\x00b"])
def test_nothing_and_what_cannot_be_kept_is_refused(here: Here, words: str) -> None:
    with pytest.raises(NothingSaid):
        here.complain(words)
    found = here.complain("Words.")
    with pytest.raises(NothingSaid):
        experience.reply(here.store, here.actor, found.id, words)
    assert found.reply is None


def test_a_kind_that_does_not_exist_is_refused(here: Here) -> None:
    with pytest.raises(ValueError, match="praise"):
        experience.comment(here.store, here.service, "praise", "Words.", language="en", once="x")


def test_two_managers_who_answer_at_once_leave_one_answer(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = a_service(store)
        actors = [acting(a_colleague(store, service, Role.MANAGER)) for _ in range(2)]
        found = experience.comment(store, service, "complaint", "Late.", language="en", once="x").id
    read, faults = threading.Barrier(2, timeout=20), []

    def answers(actor: Actor) -> None:
        try:
            with stores.reading() as store:
                store.scalars(select(Comment)).all()
            read.wait()
            with stores.writing.begin() as store:
                experience.reply(store, actor, found, f"By {actor.staff_id}")
        except Exception as fault:
            faults.append(fault)

    both = [threading.Thread(target=answers, args=(actor,)) for actor in actors]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert faults == []
    with stores.reading() as store:
        kept = store.scalars(select(Comment)).one()
        assert kept.reply == f"By {kept.replied_by}"
        acts = store.scalars(select(AuditEvent.act).where(AuditEvent.about_id == found)).all()
        assert acts.count("answered comment") == 1


# --- floods -----------------------------------------------------------------------------------------------------------


def test_one_address_may_send_much_and_not_everything(here: Here) -> None:
    most = throttle.LIMITS[throttle.Kind.COMMENTS].most
    sent = [experience.too_many(here.store, here.service, "203.0.113.7") for _ in range(most + 1)]
    assert sent == [False] * most + [True]
    assert not experience.too_many(here.store, here.service, "203.0.113.8"), "other people are not shut out"
    assert "203.0.113.7" not in repr(here.store.scalars(select(Tries.key_hash)).all())


def test_a_flood_from_everywhere_never_closes_the_door(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = dict(throttle.LIMITS)
    limits[throttle.Kind.COMMENTS_FLOOD] = throttle.Limit(20, timedelta(hours=1))
    monkeypatch.setattr(throttle, "LIMITS", limits)
    for number in range(40):
        assert not experience.too_many(here.store, here.service, f"203.0.113.{number}")
    little = limits[throttle.Kind.COMMENTS_IN_A_FLOOD].most
    sent = [experience.too_many(here.store, here.service, "198.51.100.1") for _ in range(little + 1)]
    assert sent == [False] * little + [True]


def test_who_cannot_be_told_apart_is_not_counted_as_one(here: Here) -> None:
    assert not any(experience.too_many(here.store, here.service, None) for _ in range(200))


# --- You said, we did -------------------------------------------------------------------------------------------------


def test_what_was_said_and_done_is_published_and_taken_back(here: Here) -> None:
    first = experience.you_said(here.store, here.actor, "The form\nis long.", "It is shorter.", language="en")
    second = experience.you_said(here.store, here.actor, "Mae’n oer.", "Mae’n gynnes.", language="cy")
    assert [one.id for one in experience.published(here.store, here.service.id)] == [second.id, first.id]
    assert (first.said, second.language) == ("The form is long.", "cy")
    experience.withdraw_said(here.store, here.actor, first.id)
    experience.withdraw_said(here.store, here.actor, first.id)
    assert [one.id for one in experience.published(here.store, here.service.id)] == [second.id]
    acts = [event.act for event in here.store.scalars(select(AuditEvent)) if event.about == "you-said"]
    assert acts == ["published what was said and done"] * 2 + ["withdrew what was said and done"]


def test_an_empty_line_is_not_published(here: Here) -> None:
    for said, did in (("", "b"), ("a", " "), ("x" * 501, "b")):
        with pytest.raises(NothingSaid):
            experience.you_said(here.store, here.actor, said, did, language="en")
    assert here.store.scalars(select(YouSaid)).all() == []


# --- the pages as journeys --------------------------------------------------------------------------------------------


def test_one_of_the_two_free_questions_is_enough_and_none_is_too_little() -> None:
    answers, problems = read_page(EXPERIENCE, {"what_helped": "The walk.", "could_be_better": ""})
    assert (answers["what_helped"], problems) == ("The walk.", {})
    assert read_page(EXPERIENCE, {})[1] == {"what_helped": Problem.MISSING}


def test_who_wants_us_to_get_in_touch_says_how() -> None:
    typed = {"comment_words": "Late.", "comment_reply": "contact"}
    assert read_page(COMPLAINT, typed)[1] == {"comment_reply_to": Problem.MISSING}
    answers, problems = read_page(COMPLAINT, {**typed, "comment_reply_to": "Ring 07700 900123, ask for Z."})
    assert problems == {}
    assert reply_to(answers) == "Ring 07700 900123, ask for Z."


@pytest.mark.parametrize("choice", ["no", "here"])
def test_a_way_that_somebody_left_and_did_not_mean_is_not_kept(choice: str) -> None:
    answers, problems = read_page(
        COMPLAINT, {"comment_words": "Late.", "comment_reply": choice, "comment_reply_to": "x"}
    )
    assert problems == {}
    assert reply_to(answers) is None


def test_a_way_is_kept_when_the_question_above_it_was_left_blank() -> None:
    answers, _ = read_page(COMPLAINT, {"comment_words": "Late.", "comment_reply_to": "a@inbox.example"})
    assert reply_to(answers) == "a@inbox.example"


def test_no_word_of_a_complaint_raises_an_alert_by_itself(here: Here) -> None:
    here.complain("I want to die. Please do something.")
    assert alerts.waiting(here.store, here.actor) == [], "no keyword decides anything: the page says whom to call"


def test_the_messages_carry_nothing() -> None:
    for template in ("comment-answered", "comment-waiting"):
        declared = notifications.MESSAGES[template]
        assert declared.details | declared.may == frozenset()
    assert set(Kind) == set(experience.KIND_NAMES)
