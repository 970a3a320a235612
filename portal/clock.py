"""The only source of time. Nothing else asks the machine what time it is, so a test can move every clock at once.

Moved time belongs to the whole process, not to one thread: a worker thread, a web thread and the test that started
them must agree whether an alert is overdue. The machine's own sleep and timers are not touched.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

LONDON = "Europe/London"


@dataclass(frozen=True)
class _Setting:
    """How far the clock stands from the machine's. With `stopped_at`, time stands still there until moved again."""

    stopped_at: datetime | None = None
    moved_by: timedelta = timedelta(0)

    def read(self) -> datetime:
        return (self.stopped_at or datetime.now(UTC)) + self.moved_by


_setting = _Setting()
_moving = threading.Lock()


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return _setting.read()


def today(zone: str = LONDON) -> date:
    """The present day as people in `zone` (an IANA name) see it on their calendar; late in a summer evening
    that is not the day in UTC. Raises ZoneInfoNotFoundError for a zone nobody knows.
    """
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Stop the clock at `moment` (aware) for the whole process, for tests; `later` moves it on from there.
    Raises ValueError for a moment without a zone: it would mean different times on different machines.
    """
    if moment.utcoffset() is None:
        raise ValueError("Give the moment a time zone, for example tzinfo=UTC.")
    with _set_to(_Setting(stopped_at=moment.astimezone(UTC))):
        yield


@contextmanager
def later(delta: timedelta) -> Iterator[None]:
    """Move the clock on by `delta` (back, when negative) for the whole process, for tests. Calls add up when nested."""
    with _set_to(_Setting(_setting.stopped_at, _setting.moved_by + delta)):
        yield


@contextmanager
def _set_to(setting: _Setting) -> Iterator[None]:
    global _setting
    with _moving:
        before, _setting = _setting, setting
    try:
        yield
    finally:
        with _moving:
            _setting = before
