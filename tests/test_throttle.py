"""Counting tries: shared by all processes, without a name in the table, and never shutting out the person attacked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import clock, throttle
from portal.store import Stores, Tries
from portal.throttle import LIMITS, Kind, Limit

THREE = Limit(3, timedelta(minutes=15))
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def test_tries_up_to_the_limit_pass_and_the_next_one_does_not(store: Session) -> None:
    with clock.at(NOON):
        assert [throttle.count(store, Kind.RETURN_CARD, "K7QF2M9TX", THREE) for _ in range(3)] == [None] * 3
        too_many = throttle.count(store, Kind.RETURN_CARD, "K7QF2M9TX", THREE)
    assert too_many is not None
    assert too_many.until == NOON + THREE.window


def test_only_the_first_try_too_many_says_that_it_is_the_first(store: Session) -> None:
    tries = [throttle.count(store, Kind.RETURN_CARD, "one", THREE) for _ in range(6)]
    assert [one.first for one in tries if one] == [True, False, False]


def test_each_key_and_each_kind_has_a_count_of_its_own(store: Session) -> None:
    for _ in range(4):
        throttle.count(store, Kind.RETURN_CARD, "one", THREE)
    assert throttle.count(store, Kind.RETURN_CARD, "another", THREE) is None
    assert throttle.count(store, Kind.JOIN, "one", THREE) is None


def test_a_new_window_begins_at_nought(store: Session) -> None:
    with clock.at(NOON):
        for _ in range(9):
            throttle.count(store, Kind.RETURN_CARD, "one", THREE)
        with clock.later(timedelta(minutes=14, seconds=59)):
            assert throttle.count(store, Kind.RETURN_CARD, "one", THREE)
        with clock.later(timedelta(minutes=15)):
            assert throttle.count(store, Kind.RETURN_CARD, "one", THREE) is None


def test_a_right_try_is_given_back(store: Session) -> None:
    for _ in range(50):
        assert throttle.count(store, Kind.RETURN_CARD, "one", THREE) is None
        throttle.give_back(store, Kind.RETURN_CARD, "one", THREE)


def test_nothing_is_given_back_that_was_never_counted(store: Session) -> None:
    throttle.give_back(store, Kind.RETURN_CARD, "one", THREE)
    for _ in range(3):
        assert throttle.count(store, Kind.RETURN_CARD, "one", THREE) is None
    assert throttle.count(store, Kind.RETURN_CARD, "one", THREE)


def test_asking_whether_it_is_full_counts_nothing(store: Session) -> None:
    for _ in range(20):
        assert throttle.is_full(store, Kind.RETURN_CARD, "one", THREE) is None
    for _ in range(3):
        throttle.count(store, Kind.RETURN_CARD, "one", THREE)
    full = throttle.is_full(store, Kind.RETURN_CARD, "one", THREE)
    assert full is not None
    assert not full.first


def test_a_kind_that_nobody_declared_is_an_error(store: Session) -> None:
    with pytest.raises(ValueError, match="sign-in-by-magic"):
        throttle.count(store, "sign-in-by-magic", "one")


def test_every_kind_has_a_limit() -> None:
    assert set(LIMITS) == set(Kind)


def test_the_table_tells_neither_address_nor_name(store: Session) -> None:
    throttle.count(store, Kind.SIGN_IN_ADDRESS, "203.0.113.7")
    throttle.count(store, Kind.SIGN_IN_UNKNOWN, "amina@example.org")
    for row in store.scalars(select(Tries)).all():
        assert len(row.key_hash) == 64
        assert int(row.key_hash, 16)


def test_a_hundred_tries_at_the_same_moment_are_a_hundred(stores: Stores) -> None:
    def knock(_number: int) -> bool:
        with stores.writing.begin() as store:
            return throttle.count(store, Kind.RETURN_CARD, "one", Limit(40, timedelta(days=1))) is None

    with ThreadPoolExecutor(8) as at_once:
        passed = sum(at_once.map(knock, range(100)))
    assert passed == 40


def test_what_was_rolled_back_was_not_counted(stores: Stores) -> None:
    with stores.writing() as store:
        throttle.count(store, Kind.RETURN_CARD, "one", THREE)
        store.rollback()
        assert store.scalars(select(Tries)).all() == []


def test_the_sweep_takes_old_windows_and_leaves_present_ones(store: Session) -> None:
    with clock.at(NOON):
        throttle.count(store, Kind.SIGN_IN_UNKNOWN, "quick")
        throttle.count(store, Kind.SECOND_FACTOR_UNKNOWN, "slow")
        with clock.later(timedelta(minutes=20)):
            assert throttle.sweep(store) == 0
        with clock.later(timedelta(hours=1)):
            throttle.count(store, Kind.SIGN_IN_UNKNOWN, "quick")
            assert throttle.sweep(store) == 1
            assert {row.kind for row in store.scalars(select(Tries)).all()} == {
                "sign-in-unknown",
                "second-factor-unknown",
            }
        with clock.later(timedelta(days=4)):
            assert throttle.sweep(store) == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::4", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        (None, "", True),
        ("unix:", "203.0.113.7", False),
    ],
)
def test_a_household_is_one_address(one: str | None, other: str | None, same: bool) -> None:
    assert (throttle.of_address(one) == throttle.of_address(other)) is same
