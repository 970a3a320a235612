"""The one clock: what it says, and that a test can move it for every thread at once."""

import re
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfoNotFoundError

import pytest

from portal import clock

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_now_is_the_machines_time_in_utc() -> None:
    before = datetime.now(UTC)
    said = clock.now()
    assert before <= said <= datetime.now(UTC)
    assert said.utcoffset() == timedelta(0)


def test_a_stopped_clock_stands_still_and_runs_again_afterwards() -> None:
    with clock.at(NOON):
        assert clock.now() == NOON
        assert clock.now() == NOON
    assert clock.now() != NOON


def test_a_moment_in_another_zone_is_told_in_utc() -> None:
    with clock.at(datetime(2026, 11, 22, 14, tzinfo=timezone(timedelta(hours=2)))):
        assert clock.now() == NOON
        assert clock.now().utcoffset() == timedelta(0)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"), clock.at(datetime(2026, 11, 22, 12)):
        pass


def test_later_moves_a_stopped_clock_on_and_puts_it_back() -> None:
    with clock.at(NOON):
        with clock.later(timedelta(hours=2)):
            with clock.later(timedelta(minutes=-30)):
                assert clock.now() == NOON + timedelta(hours=1, minutes=30)
            assert clock.now() == NOON + timedelta(hours=2)
        assert clock.now() == NOON


def test_later_moves_a_running_clock_on_and_leaves_it_running() -> None:
    day = timedelta(days=1)
    with clock.later(day):
        before = datetime.now(UTC) + day
        first, second = clock.now(), clock.now()
        assert before <= first <= second <= datetime.now(UTC) + day


def test_an_error_inside_puts_the_clock_back() -> None:
    with pytest.raises(RuntimeError), clock.at(NOON):
        raise RuntimeError
    assert clock.now() != NOON


def test_every_thread_sees_the_moved_time() -> None:
    seen: list[datetime] = []
    with clock.at(NOON):
        thread = threading.Thread(target=lambda: seen.append(clock.now()))
        thread.start()
        thread.join()
    assert seen == [NOON]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 7, 1, 22, 59, tzinfo=UTC), date(2026, 7, 1)),
        (datetime(2026, 7, 1, 23, 1, tzinfo=UTC), date(2026, 7, 2)),  # summer time: already tomorrow in London
        (datetime(2026, 12, 1, 23, 59, tzinfo=UTC), date(2026, 12, 1)),
    ],
)
def test_today_is_the_day_on_a_calendar_in_london(moment: datetime, day: date) -> None:
    with clock.at(moment):
        assert clock.today() == day


def test_today_may_be_another_day_elsewhere() -> None:
    with clock.at(datetime(2026, 11, 22, 23, 30, tzinfo=UTC)):
        assert clock.today("Asia/Karachi") == date(2026, 11, 23)
        assert clock.today("America/New_York") == date(2026, 11, 22)


def test_a_zone_nobody_knows_is_an_error() -> None:
    with pytest.raises(ZoneInfoNotFoundError):
        clock.today("Europe/Front_Door")


def test_nothing_else_in_the_portal_asks_the_machine_for_the_time() -> None:
    asks = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.time)\(")
    portal = Path(clock.__file__).parent
    files = sorted(portal.rglob("*.py"))
    assert len(files) > 3
    others = [str(file.relative_to(portal)) for file in files if asks.search(file.read_text(encoding="utf-8"))]
    assert others == ["clock.py"]
