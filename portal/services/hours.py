"""A service's opening hours as moments: when it is open, when it opens next, what a promise of working days means.

Hours are wall-clock times in London, so the day on which clocks change has 23 or 25 hours, and nine o'clock stays nine
o'clock. Everything given and returned is aware; what is returned is in UTC.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count

from portal.i18n import LONDON
from portal.services.settings import WEEKDAYS, OutOfHours, ServiceSettings

_A_DAY = timedelta(days=1)


def _moment(day: date, at: time) -> datetime:
    # A time that the spring change leaves out means the moment it would have been; of one that comes twice in autumn,
    # the first (PEP 495, fold 0).
    return datetime.combine(day, at, LONDON).astimezone(UTC)


def open_on(settings: ServiceSettings, day: date) -> list[tuple[datetime, datetime]]:
    """The times at which the service opens and closes on a day in London; a span over midnight belongs to the day on
    which it begins. Empty on closed days."""
    if day in settings.closed_days:
        return []
    found = []
    for span in settings.opening_hours.get(WEEKDAYS[day.weekday()], ()):
        closes = day if span.closes > span.opens else day + _A_DAY
        start, end = _moment(day, span.opens), _moment(closes, span.closes)
        if start < end:  # the hour that spring leaves out can swallow a short span whole
            found.append((start, end))
    return found


def _from(settings: ServiceSettings, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Every open span that ends after the moment, in order. Endless: settings always have an open time in the week,
    and only a finite number of closed days."""
    first = moment.astimezone(LONDON).date() - _A_DAY  # yesterday's may last over midnight
    for days in count():
        for start, end in open_on(settings, first + timedelta(days=days)):
            if end > moment:
                yield start, end


def is_open(settings: ServiceSettings, moment: datetime) -> bool:
    """Whether the service is open at the moment; at closing time it is not."""
    return next_opening(settings, moment) == moment


def next_opening(settings: ServiceSettings, moment: datetime) -> datetime:
    """The first moment, from this one on, at which the service is open: the moment itself when it is open."""
    start, _ = next(_from(settings, moment))
    return max(start, moment.astimezone(UTC))


def after_open_minutes(settings: ServiceSettings, start: datetime, minutes: int) -> datetime:
    """The moment at which the service has been open for so many minutes since ``start``."""
    left, reached = timedelta(minutes=minutes), start.astimezone(UTC)
    for opens, closes in _from(settings, start):
        reached = max(reached, opens)
        if closes - reached >= left:
            return reached + left
        left -= max(closes - reached, timedelta(0))
        reached = max(reached, closes)
    raise AssertionError("open spans never end")


def alert_due(settings: ServiceSettings, start: datetime, position: str) -> datetime:
    """When somebody in a position must have opened an alert that came to them at ``start``."""
    minutes = settings.alert_minutes[position]
    if settings.out_of_hours is OutOfHours.ON_CALL:
        return start.astimezone(UTC) + timedelta(minutes=minutes)
    return after_open_minutes(settings, start, minutes)


def alert_starts(settings: ServiceSettings, moment: datetime) -> datetime:
    """When the clock of an alert raised at the moment begins to run."""
    return moment if settings.out_of_hours is OutOfHours.ON_CALL else next_opening(settings, moment)


def promise_due(settings: ServiceSettings, start: datetime) -> datetime:
    """By when we promise to be in touch."""
    return working_days_after(settings, start, settings.promise_working_days)


def working_days_after(settings: ServiceSettings, start: datetime, days: int) -> datetime:
    """Closing time of the nth working day after the day of ``start`` in London.

    A working day is one on which the service opens. A span over midnight counts until the end of its day, so that the
    date we name is the working day itself.
    """
    day, left = start.astimezone(LONDON).date(), days
    while left:
        day += _A_DAY
        left -= bool(open_on(settings, day))
    last_second = _moment(day + _A_DAY, time(0)) - timedelta(seconds=1)
    return min(max(closes for _, closes in open_on(settings, day)), last_second)
