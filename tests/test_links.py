import string
import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, clock, codes, measures
from portal.access import Role
from portal.services import BadSettings, read_settings
from portal.store import CheckIn, CheckInLink, Service, Stores
from tests import world
from tests.asked import MONDAY, a_case, check_in, days


def an_asked_one(store: Session, slug: str = "here") -> CheckIn:
    """A check-in that is open now; ``slug``: of which service."""
    service = world.a_service(store, slug)
    manager = world.staff_member(store, service, Role.MANAGER)
    return check_in(store, a_case(store, service, manager.actor))


def test_a_link_opens_its_check_in_once(store: Session) -> None:
    asked = an_asked_one(store)
    token = measures.new_link(store, asked)
    opened = measures.open_link(store, asked.service_id, token)
    assert opened is not None
    assert opened.id == asked.id
    assert measures.open_link(store, asked.service_id, token) is None
    acts = [(event.act, event.actor_kind) for event in audit.history_of(store, asked.service_id, asked.id)]
    assert acts.count(("opened a check-in", "person")) == 1


def test_the_secret_is_long_and_random_and_the_store_keeps_a_hash_of_it_alone(store: Session) -> None:
    asked = an_asked_one(store)
    tokens = {measures.new_link(store, asked) for _ in range(50)}
    assert len(tokens) == 50
    for token in tokens:
        assert set(token) <= set(string.ascii_letters + string.digits + "-_")
        assert len(token) * 6 >= 128
    for link in store.scalars(select(CheckInLink)):
        assert len(link.token_hash) == 64
        values = {str(getattr(link, column.key)) for column in CheckInLink.__table__.columns}
        assert not values & tokens
    assert {link.token_hash for link in store.scalars(select(CheckInLink))} == {codes.digest(one) for one in tokens}


def test_a_newer_link_takes_the_place_of_the_one_before(store: Session) -> None:
    asked = an_asked_one(store)
    first, second = measures.new_link(store, asked), measures.new_link(store, asked)
    assert measures.open_link(store, asked.service_id, first) is None
    assert measures.open_link(store, asked.service_id, second) is not None


def test_a_link_that_was_used_is_not_cancelled_afterwards(store: Session) -> None:
    asked = an_asked_one(store)
    measures.open_link(store, asked.service_id, measures.new_link(store, asked))
    measures.new_link(store, asked)
    states = [(bool(one.used_at), bool(one.cancelled_at)) for one in store.scalars(select(CheckInLink))]
    assert sorted(states) == [(False, False), (True, False)]


@pytest.mark.parametrize("link_days", [1, 14])
def test_a_link_lives_for_the_days_that_the_service_has_set(store: Session, link_days: int) -> None:
    with clock.at(MONDAY):
        asked = an_asked_one(store)
        store.get_one(Service, asked.service_id).settings = {"link_days": link_days}
        asked.closes_at = clock.now() + days(100)
        store.flush()
        soon, late = measures.new_link(store, asked), ""
        with clock.later(timedelta(days=link_days) - timedelta(seconds=1)):
            assert measures.open_link(store, asked.service_id, soon) is not None
        late = measures.new_link(store, asked)
        with clock.later(timedelta(days=link_days)):
            assert measures.open_link(store, asked.service_id, late) is None


@pytest.mark.parametrize("link_days", [0, 15, "14", True, None])
def test_no_service_can_make_a_link_live_longer_than_two_weeks(link_days: object) -> None:
    with pytest.raises(BadSettings, match="link_days must be a whole number from 1 to 14"):
        read_settings({"link_days": link_days})


def test_a_link_opens_nothing_in_another_service_and_nothing_is_spent_by_trying(store: Session) -> None:
    asked, elsewhere = an_asked_one(store), an_asked_one(store, "there")
    token = measures.new_link(store, asked)
    assert measures.open_link(store, elsewhere.service_id, token) is None
    assert measures.open_link(store, asked.service_id, token) is not None


@pytest.mark.parametrize("typed", ["", "x", "0" * 43, "ż" * 43, "\x00", "a" * 10_000])
def test_what_nobody_was_sent_opens_nothing(store: Session, typed: str) -> None:
    asked = an_asked_one(store)
    measures.new_link(store, asked)
    assert measures.open_link(store, asked.service_id, typed) is None


def test_a_link_opens_nothing_once_its_check_in_is_over(store: Session) -> None:
    asked = an_asked_one(store)
    service = store.get_one(Service, asked.service_id)
    for over in ("answered", "ended", "window"):
        token = measures.new_link(store, asked)
        if over == "answered":
            measures.mark_answered(store, service, asked)
        elif over == "ended":
            asked.status = "ready"
            measures.stop(store, service, asked.referral_id, "closed")
        else:
            asked.status, asked.closes_at = "ready", clock.now()
            store.flush()
        assert measures.open_link(store, asked.service_id, token) is None, over


def test_a_link_goes_on_working_for_a_check_in_that_is_begun_or_waits_for_another(store: Session) -> None:
    asked = an_asked_one(store)
    for status in ("in-progress", "on-hold"):
        asked.status = status
        token = measures.new_link(store, asked)
        assert measures.open_link(store, asked.service_id, token) is not None


@pytest.mark.slow
def test_of_many_presses_at_once_one_is_answered(stores: Stores) -> None:
    with stores.writing.begin() as store:
        asked = an_asked_one(store)
        tokens = []
        service_id = asked.service_id
        for _ in range(3):
            tokens.append(measures.new_link(store, asked))
    presses, ready = 12, threading.Barrier(12)
    opened: list[str] = []

    def press(token: str) -> None:
        ready.wait()
        with stores.writing.begin() as store:
            if measures.open_link(store, service_id, token):
                opened.append(token)

    threads = [threading.Thread(target=press, args=(tokens[n % 3],)) for n in range(presses)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(opened) == {tokens[-1]: 1}
