"""How a person comes to their own page: every way in, every way it ends, and whoever should not come in."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from portal import accounts, clock, codes, people, reading, referrals, throttle
from portal.access import TASKS, Actor, Mine, Refused, Role, Tier, Visitor, may_visit
from portal.clock import now
from portal.store import AuditEvent, Base, ContactWay, Message, PersonCode, Service, ServiceUser, Stores, Visit
from tests.arriving import EMAIL, Known, a_check_in, a_wrong_one, code_sent, somebody
from tests.world import a_service, staff_member

HERE = "198.51.100.7"
ELSEWHERE = "203.0.113.9"
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class Scene:
    """A service with a worker, and somebody who knows it."""

    service: Service
    worker: Actor
    anna: Known


@pytest.fixture
def scene(store: Session) -> Scene:
    service = a_service(store)
    staff_member(store, service, Role.MANAGER)
    worker = staff_member(store, service).actor
    return Scene(service, worker, somebody(store, service, worker))


def asks(store: Session, scene: Scene, browser: str, email: str = EMAIL, address: str | None = HERE) -> None:
    accounts.ask_code(store, scene.service, email, browser, address=address)


def gives(
    store: Session, scene: Scene, browser: str, code: str, *, reference: str | None = None, address: str | None = HERE
) -> Visitor | None:
    return accounts.code_given(
        store, scene.service, browser, code, codes.new_key(), language="en", reference=reference, address=address
    )


def comes_by_code(store: Session, scene: Scene, key: str = "", browser: str = "") -> Visitor:
    browser = browser or codes.new_key()
    asks(store, scene, browser)
    visitor = accounts.code_given(
        store, scene.service, browser, code_sent(store), key or codes.new_key(), language="en", address=HERE
    )
    assert visitor
    return visitor


def reads(store: Session, scene: Scene, key: str = "") -> Visitor:
    visitor = accounts.card_given(
        store, scene.service, comes_by_code(store, scene), scene.anna.number, key or codes.new_key(), address=HERE
    )
    assert visitor
    return visitor


def acts(store: Session, scene: Scene) -> list[str]:
    theirs = AuditEvent.about_id == scene.anna.referral.person_id
    return list(store.scalars(select(AuditEvent.act).where(theirs).order_by(AuditEvent.id)))


# By email ------------------------------------------------------------------------------------------------------------


def test_a_code_by_email_opens_the_choice_of_one_task_and_nothing_else(store: Session, scene: Scene) -> None:
    visitor = comes_by_code(store, scene)
    assert (visitor.tier, visitor.task, visitor.person_id) == (Tier.TASK, None, scene.anna.referral.person_id)
    assert not any(may_visit(visitor, mine) for mine in Mine)
    assert "came to their page" in acts(store, scene)


@pytest.mark.sweep
@pytest.mark.parametrize("task", TASKS)
def test_the_chosen_task_is_the_only_one_for_good(store: Session, scene: Scene, task: str) -> None:
    key = codes.new_key()
    visitor = accounts.choose_task(store, comes_by_code(store, scene, key), task)
    assert [mine for mine in Mine if may_visit(visitor, mine)] == [TASKS[task]]
    assert accounts.visitor_for(store, scene.service.id, key) == visitor
    for other in TASKS:
        with pytest.raises(accounts.Bound):
            accounts.choose_task(store, visitor, other)


def test_a_task_that_there_is_not_cannot_be_chosen(store: Session, scene: Scene) -> None:
    with pytest.raises(accounts.Bound):
        accounts.choose_task(store, comes_by_code(store, scene), "everything")


def test_the_code_and_the_return_number_open_the_whole_page_in_a_new_visit(store: Session, scene: Scene) -> None:
    before, after = codes.new_key(), codes.new_key()
    visitor = comes_by_code(store, scene, before)
    opened = accounts.card_given(store, scene.service, visitor, scene.anna.number, after, address=HERE)
    assert opened
    assert opened.tier is Tier.READ
    assert all(may_visit(opened, mine) for mine in Mine)
    assert accounts.visitor_for(store, scene.service.id, before) is None
    assert accounts.visitor_for(store, scene.service.id, after) == opened


def test_after_choosing_a_task_the_number_still_opens_the_page(store: Session, scene: Scene) -> None:
    visitor = accounts.choose_task(store, comes_by_code(store, scene), "goal")
    assert accounts.card_given(store, scene.service, visitor, scene.anna.number, codes.new_key())


def test_another_card_of_the_same_person_opens_it_and_somebody_else_s_does_not(store: Session, scene: Scene) -> None:
    other = somebody(store, scene.service, scene.worker, email="other@inbox.example", first_name="Ola")
    visitor = comes_by_code(store, scene)
    assert accounts.card_given(store, scene.service, visitor, other.number, codes.new_key()) is None
    manager = staff_member(store, scene.service, Role.MANAGER).actor
    people.merge(store, manager, scene.anna.referral.person_id, other.referral.person_id)
    # What they said last about contact counts.
    asks(store, scene, "a" * 43, "other@inbox.example")
    again = gives(store, scene, "a" * 43, code_sent(store))
    assert again
    assert accounts.card_given(store, scene.service, again, scene.anna.number, codes.new_key())


@pytest.mark.parametrize(("allowed", "confirmed"), [(False, True), (True, False), (False, False)])
def test_a_code_goes_only_where_it_is_allowed_and_confirmed(
    store: Session, scene: Scene, allowed: bool, confirmed: bool
) -> None:
    way = people.ways_of(store, scene.service.id, scene.anna.referral.person_id)[0]
    way.allowed, way.confirmed_at = allowed, now() if confirmed else None
    asks(store, scene, codes.new_key())
    assert store.scalars(select(Message).where(Message.template == "sign-in-code")).all() == []


def test_a_way_that_is_shut_meanwhile_opens_nothing_any_more(store: Session, scene: Scene) -> None:
    browser = codes.new_key()
    asks(store, scene, browser)
    people.ways_of(store, scene.service.id, scene.anna.referral.person_id)[0].allowed = False
    assert gives(store, scene, browser, code_sent(store)) is None


def test_an_address_is_found_however_it_is_written(store: Session, scene: Scene) -> None:
    browser = codes.new_key()
    asks(store, scene, browser, "  ZOFIA@Inbox.Example ")
    assert gives(store, scene, browser, code_sent(store))
    key = people.address_key(reading.email(EMAIL))
    assert store.scalars(select(ContactWay.address_key)).all() == [key]


def test_what_is_no_email_address_is_said_and_not_counted(store: Session, scene: Scene) -> None:
    for typed in ("", "zofia", "zofia@", "a\nb@inbox.example"):
        with pytest.raises(reading.Unreadable):
            asks(store, scene, codes.new_key(), typed)
    assert store.scalars(select(PersonCode)).all() == []


@pytest.mark.sweep
@pytest.mark.parametrize("typed", ["{} ", "{:.3} {:.3}", "arabic", "wide"])
def test_a_code_is_read_as_people_type_it(store: Session, scene: Scene, typed: str) -> None:
    browser = codes.new_key()
    asks(store, scene, browser)
    code = code_sent(store)
    written = {
        "{} ": f" {code} ",
        "{:.3} {:.3}": f"{code[:3]} {code[3:]}",
        "arabic": "".join(chr(ord("٠") + int(digit)) for digit in code),
        "wide": "".join(chr(ord("０") + int(digit)) for digit in code),
    }
    assert gives(store, scene, browser, written[typed])


def test_a_code_works_in_the_browser_that_asked_and_in_no_other(store: Session, scene: Scene) -> None:
    browser = codes.new_key()
    asks(store, scene, browser)
    assert gives(store, scene, codes.new_key(), code_sent(store)) is None
    assert gives(store, scene, browser, code_sent(store))


def test_a_code_works_once(store: Session, scene: Scene) -> None:
    browser = codes.new_key()
    asks(store, scene, browser)
    assert gives(store, scene, browser, code_sent(store))
    assert gives(store, scene, browser, code_sent(store)) is None


@pytest.mark.parametrize(("after", "works"), [(timedelta(minutes=9, seconds=59), True), (timedelta(minutes=10), False)])
def test_a_code_works_for_ten_minutes(store: Session, scene: Scene, after: timedelta, works: bool) -> None:
    browser = codes.new_key()
    with clock.at(MORNING):
        asks(store, scene, browser)
        with clock.later(after):
            assert bool(gives(store, scene, browser, code_sent(store))) is works


def test_a_newer_code_cancels_the_older_of_the_same_browser_and_of_no_other(store: Session, scene: Scene) -> None:
    mine, somebody_s = codes.new_key(), codes.new_key()
    asks(store, scene, mine)
    asks(store, scene, mine)
    asks(store, scene, somebody_s)
    first, second = code_sent(store, 3), code_sent(store, 2)
    if first != second:
        assert gives(store, scene, mine, first) is None
    assert gives(store, scene, mine, second)


def test_five_wrong_tries_burn_a_code(store: Session, scene: Scene) -> None:
    browser = codes.new_key()
    asks(store, scene, browser)
    code = code_sent(store)
    for _ in range(accounts.CODE_TRIES):
        assert gives(store, scene, browser, a_wrong_one(code)) is None
    assert gives(store, scene, browser, code) is None
    assert "burnt a code" in acts(store, scene)


def test_four_wrong_tries_do_not(store: Session, scene: Scene) -> None:
    browser = codes.new_key()
    asks(store, scene, browser)
    code = code_sent(store)
    for _ in range(accounts.CODE_TRIES - 1):
        assert gives(store, scene, browser, a_wrong_one(code)) is None
    assert gives(store, scene, browser, "12345") is None  # not six: no try
    assert gives(store, scene, browser, code)


def test_the_odds_of_guessing_a_code_are_one_in_200_000(store: Session, scene: Scene) -> None:
    assert 10**codes.CODE_LENGTH / accounts.CODE_TRIES >= 200_000
    browser = codes.new_key()
    asks(store, scene, browser)
    tried = 0
    for _ in range(20):
        gives(store, scene, browser, a_wrong_one(code_sent(store)))
        tried = max(store.scalars(select(PersonCode.tries)))
    assert tried == accounts.CODE_TRIES


def test_an_attacker_who_tries_a_hundred_codes_does_not_keep_the_right_person_out(store: Session, scene: Scene) -> None:
    mine = codes.new_key()
    asks(store, scene, mine)
    code = code_sent(store)
    let_in = 0
    for number in range(100):
        browser = codes.new_key()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(codes, "new_code", lambda: "999999")
            with suppress(accounts.TooManyTries):
                asks(store, scene, browser, address=ELSEWHERE)
        let_in += gives(store, scene, browser, f"{number:06d}", address=ELSEWHERE) is not None
        # With the right digits too: they are bound to another browser.
        let_in += gives(store, scene, browser, code, address=ELSEWHERE) is not None
    assert let_in == 0
    assert gives(store, scene, mine, code)
    # And in a browser that was never here before, on their own network, after all that.
    assert comes_by_code(store, scene)


def test_an_attacker_on_the_same_network_does_not_keep_a_browser_out_that_was_here_before(
    store: Session, scene: Scene
) -> None:
    mine = codes.new_key()
    comes_by_code(store, scene, browser=mine)
    with suppress(accounts.TooManyTries):
        for _ in range(100):
            asks(store, scene, codes.new_key())
    with pytest.raises(accounts.TooManyTries):
        asks(store, scene, codes.new_key())
    asks(store, scene, mine)
    assert gives(store, scene, mine, code_sent(store))


def test_no_more_codes_leave_for_one_address_than_its_limits_allow(store: Session, scene: Scene) -> None:
    with clock.at(MORNING):
        for number in range(300):
            with suppress(accounts.TooManyTries):
                asks(store, scene, codes.new_key(), address=f"203.0.113.{number % 100}")
        left = store.scalar(select(func.count()).select_from(Message).where(Message.template == "sign-in-code"))
    assert left == throttle.LIMITS[throttle.Kind.CODE_ASKED_ANYWHERE].most


def test_sixty_people_behind_one_address_all_come_in(store: Session, scene: Scene) -> None:
    for number in range(60):
        scene.anna = somebody(store, scene.service, scene.worker, email=f"one-{number}@inbox.example")
        browser = codes.new_key()
        asks(store, scene, browser, scene.anna.email)
        for _ in range(2):
            assert gives(store, scene, browser, a_wrong_one(code_sent(store))) is None
        assert gives(store, scene, browser, code_sent(store))


# Nobody learns who is known ------------------------------------------------------------------------------------------


@contextmanager
def counted(store: Session) -> Iterator[list[str]]:
    """Every statement that goes to the database."""
    said: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        said.append(statement.split("(")[0].split(" FROM ")[0][:60])

    engine = store.get_bind()
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


def work_of(store: Session, scene: Scene, email: str) -> tuple[list[str], list[str]]:
    browser = codes.new_key()
    with counted(store) as asking:
        asks(store, scene, browser, email)
    with counted(store) as giving:
        assert gives(store, scene, browser, "000000") is None
    return asking, giving


def test_asking_for_a_code_is_the_same_work_for_an_address_that_nobody_has(store: Session, scene: Scene) -> None:
    store.commit()
    (known, given), (unknown, given_too) = work_of(store, scene, EMAIL), work_of(store, scene, "nobody@inbox.example")
    assert given == given_too
    written = [[line for line in one if line.startswith(("INSERT", "UPDATE"))] for one in (known, unknown)]
    assert written[0] == written[1]
    assert abs(len(known) - len(unknown)) <= 1


def test_an_address_that_nobody_has_leaves_no_message_no_audit_row_and_nobody_s_code(
    store: Session, scene: Scene
) -> None:
    before = store.scalar(select(func.count()).select_from(AuditEvent))
    asks(store, scene, codes.new_key(), "nobody@inbox.example")
    assert store.scalar(select(func.count()).select_from(AuditEvent)) == before
    assert store.scalars(select(Message).where(Message.template == "sign-in-code")).all() == []
    assert [(one.person_id, one.contact_way_id) for one in store.scalars(select(PersonCode))] == [(None, None)]


def test_nobody_s_code_opens_nothing_even_when_it_is_guessed(
    store: Session, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codes, "new_code", lambda: "123456")
    browser = codes.new_key()
    asks(store, scene, browser, "nobody@inbox.example")
    assert gives(store, scene, browser, "123456") is None


def test_only_hashes_are_kept_of_keys_and_codes(store: Session, scene: Scene) -> None:
    browser, key = codes.new_key(), codes.new_key()
    asks(store, scene, browser)
    code = code_sent(store)
    gives(store, scene, browser, code)
    comes_by_code(store, scene, key)
    handed = accounts.issue_code(store, scene.worker, scene.anna.referral.person_id, scene.anna.referral.id)
    for table in Base.metadata.tables.values():
        for row in store.execute(table.select()):
            told = "|".join(str(value) for column, value in row._mapping.items() if column != "details")
            assert browser not in told, table.name
            assert key not in told, table.name
            if table.name in ("person_code", "visit", "audit_event"):
                assert f"|{code}|" not in f"|{told}|", table.name
                assert f"|{handed}|" not in f"|{told}|", table.name


# A household with one email address ----------------------------------------------------------------------------------


def test_where_several_people_have_one_address_the_reference_says_who_it_is(store: Session, scene: Scene) -> None:
    ola = somebody(store, scene.service, scene.worker, first_name="Ola")
    browser = codes.new_key()
    asks(store, scene, browser)
    code = code_sent(store)
    assert store.scalar(select(func.count()).select_from(Message).where(Message.template == "sign-in-code")) == 1
    with pytest.raises(accounts.NeedsReference):
        gives(store, scene, browser, code)
    visitor = gives(store, scene, browser, code, reference=ola.referral.reference)
    assert visitor
    assert visitor.person_id == ola.referral.person_id


def test_the_reference_of_somebody_with_another_address_does_not_help(store: Session, scene: Scene) -> None:
    somebody(store, scene.service, scene.worker, first_name="Ola")
    stranger = somebody(store, scene.service, scene.worker, email="stranger@inbox.example", first_name="Bea")
    browser = codes.new_key()
    asks(store, scene, browser)
    for reference in (stranger.referral.reference, "K7QF2M9TX"):
        with pytest.raises(accounts.NeedsReference):
            gives(store, scene, browser, code_sent(store), reference=reference)


def test_with_a_wrong_code_nothing_tells_that_several_people_have_the_address(store: Session, scene: Scene) -> None:
    somebody(store, scene.service, scene.worker, first_name="Ola")
    browser = codes.new_key()
    asks(store, scene, browser)
    assert gives(store, scene, browser, a_wrong_one(code_sent(store))) is None


# From a link worker, in person ---------------------------------------------------------------------------------------


def hands_out(store: Session, scene: Scene) -> str:
    return accounts.issue_code(store, scene.worker, scene.anna.referral.person_id, scene.anna.referral.id)


def by_slip(
    store: Session, scene: Scene, code: str, reference: str = "", *, address: str | None = HERE, key: str = ""
) -> Visitor | None:
    return accounts.worker_code_given(
        store,
        scene.service,
        reference or scene.anna.referral.reference,
        code,
        key or codes.new_key(),
        language="en",
        address=address,
    )


def test_a_worker_s_code_with_the_reference_opens_one_task_once(store: Session, scene: Scene) -> None:
    code = hands_out(store, scene)
    visitor = by_slip(store, scene, code)
    assert visitor
    assert (visitor.tier, visitor.task) == (Tier.TASK, None)
    assert by_slip(store, scene, code) is None
    given = [one for one in store.scalars(select(AuditEvent)) if one.act == "gave a code in person"]
    assert [(one.actor_id, one.about_id) for one in given] == [(scene.worker.staff_id, scene.anna.referral.person_id)]


def test_a_worker_s_code_and_the_card_open_the_whole_page(store: Session, scene: Scene) -> None:
    visitor = by_slip(store, scene, hands_out(store, scene))
    assert visitor
    opened = accounts.card_given(store, scene.service, visitor, scene.anna.number, codes.new_key())
    assert opened
    assert opened.tier is Tier.READ


@pytest.mark.parametrize(("after", "works"), [(timedelta(days=6, hours=23), True), (timedelta(days=7), False)])
def test_a_worker_s_code_works_for_seven_days(store: Session, scene: Scene, after: timedelta, works: bool) -> None:
    with clock.at(MORNING):
        code = hands_out(store, scene)
        with clock.later(after):
            assert bool(by_slip(store, scene, code)) is works


def test_a_newer_code_from_a_worker_cancels_the_older(store: Session, scene: Scene) -> None:
    first, second = hands_out(store, scene), hands_out(store, scene)
    if first != second:
        assert by_slip(store, scene, first) is None
    assert by_slip(store, scene, second)


def test_a_code_by_email_and_one_from_a_worker_leave_each_other_alone(store: Session, scene: Scene) -> None:
    browser, handed = codes.new_key(), hands_out(store, scene)
    asks(store, scene, browser)
    hands_out_again = store.scalar(select(func.count()).select_from(PersonCode))
    assert hands_out_again == 2
    assert gives(store, scene, browser, code_sent(store))
    assert by_slip(store, scene, handed)


def test_a_worker_s_code_does_not_go_with_another_reference(store: Session, scene: Scene) -> None:
    ola = somebody(store, scene.service, scene.worker, first_name="Ola")
    code = hands_out(store, scene)
    assert by_slip(store, scene, code, ola.referral.reference) is None
    assert by_slip(store, scene, code, "K7QF2M9TX") is None
    assert by_slip(store, scene, code)


def test_one_attacker_with_the_reference_cannot_burn_a_worker_s_code(store: Session, scene: Scene) -> None:
    code = hands_out(store, scene)
    stopped = 0
    for _ in range(100):
        try:
            assert by_slip(store, scene, a_wrong_one(code), address=ELSEWHERE) is None
        except accounts.TooManyTries:
            stopped += 1
    assert stopped == 97
    assert by_slip(store, scene, code)


def test_many_attackers_together_have_five_tries_at_a_worker_s_code(store: Session, scene: Scene) -> None:
    code = hands_out(store, scene)
    for number in range(5):
        assert by_slip(store, scene, a_wrong_one(code), address=f"203.0.113.{number}") is None
    assert by_slip(store, scene, code) is None
    assert by_slip(store, scene, hands_out(store, scene))


def test_only_those_who_care_hand_out_codes_and_only_to_their_own_people(store: Session, scene: Scene) -> None:
    person_id, referral_id = scene.anna.referral.person_id, scene.anna.referral.id
    for role in (Role.ANALYST, Role.ADMINISTRATOR):
        with pytest.raises(Refused):
            accounts.issue_code(store, staff_member(store, scene.service, role).actor, person_id, referral_id)
    there = a_service(store, "there")
    stranger = staff_member(store, there).actor
    with pytest.raises(accounts.NotHere):
        accounts.issue_code(store, stranger, person_id, referral_id)
    ola = somebody(store, scene.service, scene.worker, first_name="Ola")
    with pytest.raises(accounts.NotHere):
        accounts.issue_code(store, scene.worker, ola.referral.person_id, referral_id)


# By the card ---------------------------------------------------------------------------------------------------------


def with_card(store: Session, scene: Scene, who: Known, number: str = "", address: str | None = HERE) -> Visitor | None:
    return accounts.card_alone(
        store,
        scene.service,
        who.referral.reference,
        number or who.number,
        codes.new_key(),
        language="en",
        address=address,
    )


@pytest.mark.sweep
@pytest.mark.parametrize("ways", [("call",), ("post",), ("come-back",), ("through-person",), ("call", "text")])
def test_somebody_to_whom_no_code_can_be_sent_reads_their_page_with_the_card(
    store: Session, scene: Scene, ways: tuple[str, ...]
) -> None:
    ola = somebody(store, scene.service, scene.worker, ways=ways, first_name="Ola")
    visitor = with_card(store, scene, ola)
    assert visitor
    assert visitor.tier is Tier.READ
    assert with_card(store, scene, ola, "000000000000") is None


def test_where_a_code_can_be_sent_the_card_alone_opens_nothing(store: Session, scene: Scene) -> None:
    assert with_card(store, scene, scene.anna) is None
    people.ways_of(store, scene.service.id, scene.anna.referral.person_id)[0].allowed = False
    assert with_card(store, scene, scene.anna)


def test_with_reading_off_the_card_opens_one_task_alone(store: Session, scene: Scene) -> None:
    ola = somebody(store, scene.service, scene.worker, ways=("call",), first_name="Ola")
    accounts.set_reading(store, scene.service.id, ola.referral.person_id, False, scene.worker)
    visitor = with_card(store, scene, ola)
    assert visitor
    assert (visitor.tier, visitor.task) == (Tier.TASK, None)
    # The card a second time is no second secret.
    assert accounts.card_given(store, scene.service, visitor, ola.number, codes.new_key()) is None


def test_wrong_cards_are_counted_for_the_network_that_tried_them(store: Session, scene: Scene) -> None:
    ola = somebody(store, scene.service, scene.worker, ways=("call",), first_name="Ola")
    most = throttle.LIMITS[throttle.Kind.RETURN_CARD].most
    with clock.at(MORNING):
        for _ in range(most):
            assert with_card(store, scene, ola, "000000000000", ELSEWHERE) is None
        with pytest.raises(accounts.TooManyTries):
            with_card(store, scene, ola, ola.number, ELSEWHERE)
        assert with_card(store, scene, ola)


# By a link in a message ----------------------------------------------------------------------------------------------


def test_a_link_opens_exactly_its_check_in_and_never_leads_further_up(store: Session, scene: Scene) -> None:
    check_in = a_check_in(store, scene.anna.referral)
    key = codes.new_key()
    visitor = accounts.open_for_check_in(store, scene.service, check_in, key, "en")
    assert (visitor.task, visitor.check_in_id) == ("check-in", check_in.id)
    assert [mine for mine in Mine if may_visit(visitor, mine)] == [Mine.ANSWER_CHECK_IN]
    assert not accounts.may_add_card(store, visitor)
    assert accounts.card_given(store, scene.service, visitor, scene.anna.number, codes.new_key()) is None
    with pytest.raises(accounts.Bound):
        accounts.choose_task(store, visitor, "details")
    assert accounts.visitor_for(store, scene.service.id, key) == visitor


# How a visit ends ----------------------------------------------------------------------------------------------------


def test_a_visit_ends_when_nobody_is_there(store: Session, scene: Scene) -> None:
    key = codes.new_key()
    with clock.at(MORNING):
        comes_by_code(store, scene, key)
        with clock.later(timedelta(minutes=22)):
            assert accounts.visitor_for(store, scene.service.id, key)
        with clock.later(timedelta(minutes=22, seconds=1)):
            assert accounts.visitor_for(store, scene.service.id, key) is None


@pytest.mark.parametrize("tier", list(Tier))
def test_a_visit_ends_in_any_case(stores: Stores, tier: Tier) -> None:
    """Two hours for a task, twelve for reading, however busy somebody is."""
    key = codes.new_key()
    with clock.at(MORNING):
        with stores.writing.begin() as store:
            service = a_service(store)
            staff_member(store, service, Role.MANAGER)
            worker = staff_member(store, service).actor
            scene = Scene(service, worker, somebody(store, service, worker))
            visitor = comes_by_code(store, scene, key) if tier is Tier.TASK else reads(store, scene, key)
        hours = {Tier.TASK: 2, Tier.READ: 12}[tier]
        for minutes in range(0, hours * 60 + 1, 15):
            with clock.later(timedelta(minutes=minutes)):
                accounts.touch_visit(stores, visitor)
                with stores.reading() as store:
                    there = accounts.visitor_for(store, visitor.service_id, key)
                assert bool(there) is (minutes < hours * 60)


def test_being_there_is_noted_once_a_minute_and_wakes_nobody(stores: Stores) -> None:
    key = codes.new_key()

    def seen() -> datetime:
        with stores.reading() as store:
            return store.scalars(select(Visit.seen_at)).one()

    with clock.at(MORNING):
        with stores.writing.begin() as store:
            service = a_service(store)
            staff_member(store, service, Role.MANAGER)
            worker = staff_member(store, service).actor
            scene = Scene(service, worker, somebody(store, service, worker))
            visitor = comes_by_code(store, scene, key)
        with clock.later(timedelta(seconds=59)):
            accounts.touch_visit(stores, visitor)
            assert seen() == MORNING
        with clock.later(timedelta(minutes=5)):
            accounts.touch_visit(stores, visitor)
            assert seen() == MORNING + timedelta(minutes=5)
        with clock.later(timedelta(minutes=40)):
            accounts.touch_visit(stores, visitor)
            assert seen() == MORNING + timedelta(minutes=5)
        with stores.writing.begin() as store:
            accounts.end(store, visitor)
        with clock.later(timedelta(minutes=8)):
            accounts.touch_visit(stores, visitor)
            assert seen() == MORNING + timedelta(minutes=5)


def test_leaving_ends_this_visit_and_no_other(store: Session, scene: Scene) -> None:
    one, two = codes.new_key(), codes.new_key()
    visitor = comes_by_code(store, scene, one)
    comes_by_code(store, scene, two)
    accounts.end(store, visitor)
    assert accounts.visitor_for(store, scene.service.id, one) is None
    assert accounts.visitor_for(store, scene.service.id, two)


def test_when_somebody_withdraws_every_visit_ends_and_every_code_is_dead(store: Session, scene: Scene) -> None:
    ola = somebody(store, scene.service, scene.worker, email="ola@inbox.example", first_name="Ola")
    key, other, browser = codes.new_key(), codes.new_key(), codes.new_key()
    reads(store, scene, key)
    asks(store, scene, browser)
    code, handed = code_sent(store), hands_out(store, scene)
    asks(store, scene, codes.new_key(), ola.email)
    theirs = store.scalars(select(PersonCode).where(PersonCode.person_id == ola.referral.person_id)).one()
    accounts.worker_code_given(store, scene.service, ola.referral.reference, "000000", other, language="en")
    assert accounts.end_all(store, scene.service.id, scene.anna.referral.person_id) >= 1
    store.expire_all()
    assert accounts.visitor_for(store, scene.service.id, key) is None
    assert gives(store, scene, browser, code) is None
    assert by_slip(store, scene, handed) is None
    assert theirs.expires_at > now()


def test_who_takes_a_referral_back_writes_no_more_for_it_but_reads_on(store: Session, scene: Scene) -> None:
    reading_key, task_key, link_key, later_key = (codes.new_key() for _ in range(4))
    comes_by_code(store, scene, task_key)
    check_in = a_check_in(store, scene.anna.referral)
    accounts.open_for_check_in(store, scene.service, check_in, link_key, "en")
    reads(store, scene, reading_key)
    referrals.withdraw(store, scene.service, scene.anna.referral.person_id, scene.anna.referral.id)
    for key in (task_key, link_key):
        assert accounts.visitor_for(store, scene.service.id, key) is None
    assert accounts.visitor_for(store, scene.service.id, reading_key)
    # And may come back: to read, to download, to ask for erasure.
    comes_by_code(store, scene, later_key)
    assert accounts.visitor_for(store, scene.service.id, later_key)


@pytest.mark.parametrize("which", ["kept", "merged"])
def test_a_merge_and_its_undoing_end_the_visits_of_both(store: Session, scene: Scene, which: str) -> None:
    """What was opened by one person must not show what is another's."""
    manager = staff_member(store, scene.service, Role.MANAGER).actor
    ola = somebody(store, scene.service, scene.worker, email="ola@inbox.example", first_name="Ola")
    kept, merged = (scene.anna, ola) if which == "kept" else (ola, scene.anna)
    key, handed = codes.new_key(), hands_out(store, scene)
    reads(store, scene, key)
    done = people.merge(store, manager, kept.referral.person_id, merged.referral.person_id)
    assert accounts.visitor_for(store, scene.service.id, key) is None
    assert by_slip(store, scene, handed) is None
    people.undo_merge(store, manager, done.id)
    assert accounts.visitor_for(store, scene.service.id, key) is None


def test_a_visit_of_one_service_is_none_in_another(store: Session, scene: Scene) -> None:
    there = a_service(store, "there")
    key = codes.new_key()
    reads(store, scene, key)
    assert accounts.visitor_for(store, there.id, key) is None
    browser = codes.new_key()
    asks(store, scene, browser)
    assert accounts.code_given(store, there, browser, code_sent(store), codes.new_key(), language="en") is None


def test_old_codes_and_visits_are_swept_away(store: Session, scene: Scene) -> None:
    with clock.at(MORNING):
        comes_by_code(store, scene)
        hands_out(store, scene)
        with clock.later(timedelta(days=5)):
            assert accounts.sweep_visits(store, scene.service) == 1
        with clock.later(timedelta(days=40)):
            assert accounts.sweep_visits(store, scene.service) == 2
            assert accounts.sweep_visits(store, scene.service) == 0


# Reading off and on --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_worker", [True, False])
def test_reading_off_ends_every_reading_visit_at_once_and_leaves_the_task(
    store: Session, scene: Scene, by_worker: bool
) -> None:
    reading_key, task_key = codes.new_key(), codes.new_key()
    reads(store, scene, reading_key)
    comes_by_code(store, scene, task_key)
    person_id = scene.anna.referral.person_id
    accounts.set_reading(store, scene.service.id, person_id, False, scene.worker if by_worker else None)
    assert accounts.visitor_for(store, scene.service.id, reading_key) is None
    assert accounts.visitor_for(store, scene.service.id, task_key)
    assert acts(store, scene)[-1] == "turned reading off"


def test_with_reading_off_the_right_card_and_a_wrong_one_are_answered_alike(store: Session, scene: Scene) -> None:
    accounts.set_reading(store, scene.service.id, scene.anna.referral.person_id, False)
    visitor = comes_by_code(store, scene)
    for number in (scene.anna.number, "000000000000"):
        assert accounts.card_given(store, scene.service, visitor, number, codes.new_key()) is None
    assert accounts.choose_task(store, visitor, "goal")


def test_a_visit_that_reads_is_over_when_reading_is_off_however_that_came_about(store: Session, scene: Scene) -> None:
    key = codes.new_key()
    reads(store, scene, key)
    store.get_one(ServiceUser, (scene.service.id, scene.anna.referral.person_id)).reading = False
    store.flush()
    assert accounts.visitor_for(store, scene.service.id, key) is None


def test_reading_is_turned_on_again_only_by_a_worker(store: Session, scene: Scene) -> None:
    person_id = scene.anna.referral.person_id
    accounts.set_reading(store, scene.service.id, person_id, False)
    with pytest.raises(Refused):
        accounts.set_reading(store, scene.service.id, person_id, True)
    analyst = staff_member(store, scene.service, Role.ANALYST).actor
    with pytest.raises(Refused):
        accounts.set_reading(store, scene.service.id, person_id, True, analyst)
    accounts.set_reading(store, scene.service.id, person_id, True, scene.worker)
    accounts.set_reading(store, scene.service.id, person_id, True, scene.worker)
    assert [act for act in acts(store, scene) if act.startswith("turned")] == [
        "turned reading off",
        "turned reading on",
    ]
    assert reads(store, scene)


# At the same moment --------------------------------------------------------------------------------------------------


def test_of_many_presses_with_one_code_at_the_same_moment_one_comes_in(stores: Stores) -> None:
    browser = codes.new_key()
    with stores.writing.begin() as store:
        service = a_service(store)
        staff_member(store, service, Role.MANAGER)
        worker = staff_member(store, service).actor
        scene = Scene(service, worker, somebody(store, service, worker))
        asks(store, scene, browser)
        code, service_id = code_sent(store), service.id
    gate = threading.Barrier(6)

    def press(_: int) -> bool:
        gate.wait()
        with stores.writing.begin() as store:
            here = store.get_one(Service, service_id)
            found = accounts.code_given(store, here, browser, code, codes.new_key(), language="en", address=HERE)
            return found is not None

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(press, range(6))) == 1


def test_wrong_tries_at_the_same_moment_are_all_counted(stores: Stores) -> None:
    browser = codes.new_key()
    with stores.writing.begin() as store:
        service = a_service(store)
        staff_member(store, service, Role.MANAGER)
        worker = staff_member(store, service).actor
        scene = Scene(service, worker, somebody(store, service, worker))
        asks(store, scene, browser)
        code, service_id = code_sent(store), service.id
    gate = threading.Barrier(8)

    def press(_: int) -> bool:
        gate.wait()
        with stores.writing.begin() as store:
            here = store.get_one(Service, service_id)
            wrong = a_wrong_one(code)
            return accounts.code_given(store, here, browser, wrong, codes.new_key(), language="en") is not None

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(press, range(8))) == 0
    with stores.writing.begin() as store:
        here = store.get_one(Service, service_id)
        assert accounts.code_given(store, here, browser, code, codes.new_key(), language="en") is None
        assert store.scalars(select(PersonCode.tries)).one() == accounts.CODE_TRIES


def test_a_task_is_chosen_once_though_two_tabs_choose(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service = a_service(store)
        staff_member(store, service, Role.MANAGER)
        worker = staff_member(store, service).actor
        scene = Scene(service, worker, somebody(store, service, worker))
        visitor = comes_by_code(store, scene)
    gate = threading.Barrier(2)

    def choose(task: str) -> bool:
        gate.wait()
        try:
            with stores.writing.begin() as store:
                accounts.choose_task(store, visitor, task)
        except accounts.Bound:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(choose, ["goal", "details"])) == 1
