"""What was written on paper before it is typed in: the day that stands on it, and how a printed question looks."""

from datetime import date

from portal import reading
from portal.clock import today
from portal.i18n import N_, gettext
from portal.web.admin import NOT_A_DAY, read_day

_SAY = {
    reading.Problem.DATE_IN_FUTURE: N_("The day on the paper cannot be after today"),
    reading.Problem.DATE_TOO_LONG_AGO: N_("Check the year. This day is more than a year ago"),
}


def day_on_paper(typed: str) -> tuple[date | None, str]:
    """The day that was typed, ``None`` when nothing was or it is today, and what is wrong with it, in a sentence."""
    if reading.is_blank(typed):
        return None, ""
    day = read_day(typed)
    if day is None:
        return None, gettext(NOT_A_DAY)
    try:
        reading.written_on(day, today())
    except reading.Unreadable as unreadable:
        return None, gettext(_SAY[unreadable.problem])
    return (None if day == today() else day), ""


def say_day(day: date | None) -> str:
    """A day as it may be typed again."""
    return f"{day.day} {day.month} {day.year}" if day else ""
