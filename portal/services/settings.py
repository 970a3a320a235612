"""What one service may decide, and what counts where it has decided nothing. Read and checked by ``checked``.

This module knows no database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from portal.i18n import LANGUAGES, N_
from portal.instruments import catalogue

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""In the order of ``date.weekday()``."""

POSITIONS = ("duty", "deputy", "manager")
"""The alert ladder, lowest first. The stored codes are for ever."""

POSITION_NAMES: dict[str, str] = {
    "duty": N_("On duty"),
    "deputy": N_("Deputy"),
    "manager": N_("Manager"),
}


class OutOfHours(StrEnum):
    """What an alert's clock does while the service is closed."""

    NEXT_OPENING = "next-opening"  # it waits: only opening hours count
    ON_CALL = "on-call"  # it runs day and night: somebody holds every position all the time


@dataclass(frozen=True)
class Span:
    """Open from ``opens`` to ``closes``, London time. ``closes`` not later than ``opens`` means on the next day, so
    ``00:00`` (or ``24:00`` as typed) as closing time is midnight."""

    opens: time
    closes: time


@dataclass(frozen=True)
class Elsewhere:
    """Somebody else who can help: a helpline, or a service for people whom this one does not reach. ``phone`` as it is
    shown, or empty; ``words`` say what they do, or are empty."""

    name: str
    phone: str = ""
    words: str = ""


@dataclass(frozen=True)
class Reason:
    """Why a referral is not taken up. ``label`` is translated when the reason is one of ours. ``status`` is what the
    referral becomes (data dictionary 4.6): ``not-eligible`` the service cannot take it, ``declined`` the person said
    no, ``closed`` it came to nothing, ``duplicate`` the same one twice."""

    code: str
    label: str
    status: str = "not-eligible"


REASON_STATUSES = ("not-eligible", "declined", "closed", "duplicate")

REASONS: tuple[Reason, ...] = (
    Reason("outside-area", N_("Lives outside our area")),
    Reason("outside-age", N_("Outside our age group")),
    Reason("needs-beyond-scope", N_("Needs help that we cannot give")),
    Reason("service-unavailable", N_("We have no place at the moment")),
    Reason("moved-to-other-support", N_("Has other support already")),
    Reason("person-chose-to-stop", N_("The person does not want this"), "declined"),
    Reason("moved-away", N_("Has moved away"), "closed"),
    Reason("could-not-contact", N_("We could not reach the person"), "closed"),
    Reason("died", N_("The person has died"), "closed"),
    Reason("duplicate", N_("The same referral twice"), "duplicate"),
    Reason("other", N_("Another reason")),
)
"""The data dictionary's ``closure_reason`` as far as it fits a referral that was never taken up, and the two rules that
the portal itself checks (area and age)."""


class Entry(Protocol):
    """One entry of a closed list of ours: whichever room owns it."""

    @property
    def code(self) -> str:
        """The stored code."""

    @property
    def label(self) -> str:
        """What it is called."""


@dataclass(frozen=True)
class Chosen:
    """An entry of one of our closed lists as a service uses it. The code stays ours; ``label`` are the service's own
    words, or empty for ours."""

    code: str
    label: str = ""


ALWAYS_CLOSES = ("died", "other")
"""Reasons for closing a case that no service can switch off: a death is never written down as something else."""


def as_chosen(ours: Sequence[Entry], chosen: Sequence[Chosen]) -> list[tuple[str, str]]:
    """Code and label of a closed list as the service wants it: in its order, in its words, without what it does not
    use. What a service has chosen nothing of is the whole list in our order. Labels of ours are texts for gettext."""
    known = {one.code: one.label for one in ours}
    used = [(one.code, one.label or known[one.code]) for one in chosen if one.code in known]
    return used or list(known.items())


OCCASIONS = ("baseline", "review", "closure", "follow-up")
"""Why somebody is asked how they are (data dictionary 4.10). The stored codes are for ever."""


@dataclass(frozen=True)
class Occasion:
    """One check-in of the plan. ``number`` tells several of a kind apart. Days count from the first contact, and until
    there is one from the day on which the referral was accepted: the check-in may be answered from ``opens`` to
    ``closes``, and is asked for on ``due``. The baseline may be answered as soon as the form is sent.
    ``or_planned_end``: it is due earlier when the support ends earlier.
    """

    occasion: str
    number: int
    opens: int
    due: int
    closes: int
    scales: tuple[str, ...]
    or_planned_end: bool = False


@dataclass(frozen=True)
class CheckIns:
    """When people are asked how they are (instruments 5), and how often at most.

    ``reminder_days``: days from one message to the next, so that there are as many reminders, two at most. After
    ``hand_over_days`` more it is a task. ``least_days_between_asks`` counts from the last message about another
    check-in, or the answer to it; ``most_asks`` in ``per_days`` counts check-ins that we asked for, over everything of
    a person.
    """

    occasions: tuple[Occasion, ...] = field(default_factory=lambda: _usual_plan())
    reminder_days: tuple[int, ...] = (3, 4)
    hand_over_days: int = 3
    least_days_between_asks: int = 14
    most_asks: int = 6
    per_days: int = 365


def _usual_plan() -> tuple[Occasion, ...]:
    """The plan of a service that has written down none. WHO-5 comes with a licence of its own, and may have been left
    out of an installation: what is not here is not planned."""
    main = tuple(scale for scale in ("ons4", "who5", "gss-loneliness", "goals") if scale in catalogue())
    return (
        Occasion("baseline", 1, -14, 0, 14, main),
        Occasion("review", 1, 35, 42, 63, ("ons4", "goals")),
        Occasion("review", 2, 63, 84, 112, main, or_planned_end=True),
        Occasion("follow-up", 1, 150, 182, 225, ("ons4", "gss-loneliness", "goals")),
    )


_NINE_TO_FIVE = (Span(time(9), time(17)),)
_WEEK: Mapping[str, tuple[Span, ...]] = MappingProxyType(
    {day: _NINE_TO_FIVE if day not in ("saturday", "sunday") else () for day in WEEKDAYS}
)


@dataclass(frozen=True)
class ServiceSettings:
    """A service's settings. Build it with ``read_settings``, which checks them; everything here has a default.

    Times are London's. ``alert_minutes`` by position: how long somebody has to open an alert. ``outcodes`` are postcode
    districts such as ``PE27``; none means everywhere. ``languages`` are the draft languages switched on by name (trust
    D2). ``phone`` is as it is shown. ``brand_colour`` is ``#rrggbb``. ``promise_working_days``: working days until we
    get in touch. ``draft_days``: days a saved form is kept at most. ``link_days``: days that a link in a message works.
    ``commissioned_by_nhs``: whether the NHS pays for this service, which then asks the Friends and Family question.
    ``complaint_acknowledge_days`` and ``complaint_answer_days``: working days from a complaint to its acknowledgement
    and to its answer. ``exit_url``: where the way out leads; empty means
    where the installation's leads. ``contact_attempts``: after so many attempts without reaching somebody, Today asks
    what is to happen. ``practices`` are codes of GP practices whose people belong to this service wherever they live.
    ``publish_activities``: whether the directory is open to everybody by the Open Referral UK standard.
    ``activity_fresh_days``: an activity that nobody has confirmed for longer is shown as perhaps out of date.
    ``teams``: names that staff may be put under. ``retention_years``: how long after its end a case is kept before
    somebody decides about it. ``closure_reasons``: which of our reasons for closing a case the service uses, in its
    order and words; none means all of ours (``as_chosen``). ``logo``: a small PNG in base64, as ``brand`` has written
    it anew, or empty. ``retired_reasons``: reasons of the service's own for declining that it no longer
    uses, so that older referrals keep their names.
    """

    phone: str = ""
    email: str = ""
    opening_hours: Mapping[str, tuple[Span, ...]] = field(default_factory=lambda: _WEEK)
    closed_days: frozenset[date] = frozenset()
    promise_working_days: int = 5
    alert_minutes: Mapping[str, int] = field(
        default_factory=lambda: MappingProxyType({"duty": 60, "deputy": 30, "manager": 30})
    )
    out_of_hours: OutOfHours = OutOfHours.NEXT_OPENING
    outcodes: tuple[str, ...] = ()
    minimum_age: int = 18
    languages: tuple[str, ...] = ()
    helplines: tuple[Elsewhere, ...] = ()
    who_could_help: tuple[Elsewhere, ...] = ()
    decline_reasons: tuple[Reason, ...] = REASONS
    brand_colour: str | None = None
    exit_url: str = ""
    lock_minutes: int = 20
    draft_days: int = 30
    complaint_acknowledge_days: int = 3
    complaint_answer_days: int = 20
    check_ins: CheckIns = field(default_factory=CheckIns)
    link_days: int = 14
    commissioned_by_nhs: bool = False
    contact_attempts: int = 3
    practices: tuple[str, ...] = ()
    publish_activities: bool = False
    activity_fresh_days: int = 180
    teams: tuple[str, ...] = ()
    retention_years: int = 8
    closure_reasons: tuple[Chosen, ...] = ()
    logo: str = ""
    retired_reasons: tuple[Reason, ...] = ()

    def offers(self, code: str) -> bool:
        """Whether this service shows a language: a reviewed one, or a draft switched on by name."""
        return code in LANGUAGES and (LANGUAGES[code].reviewed or code in self.languages)

    def fits_area(self, outcode: str | None, practice: str | None = None) -> str:
        """Whether somebody belongs to this service by where they live or by their GP practice: ``yes``, ``no``, or
        ``unsure`` where the practice decides and is not known. A service that names neither is there for everybody."""
        if not self.outcodes and not self.practices:
            return "yes"
        if outcode in self.outcodes or practice in self.practices:
            return "yes"
        return "unsure" if self.practices and practice is None else "no"

    def reason(self, code: str) -> Reason | None:
        """The decline reason with this code, if the service uses it."""
        return next((reason for reason in self.decline_reasons if reason.code == code), None)

    def named_reason(self, code: str) -> Reason | None:
        """The same for showing what was decided earlier: also a reason that is no longer used."""
        every = (*self.decline_reasons, *self.retired_reasons, *REASONS)
        return next((reason for reason in every if reason.code == code), None)
