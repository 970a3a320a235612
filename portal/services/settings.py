"""What one service has decided, read from ``Service.settings`` and checked.

A setting that cannot be right stops the saving of it, with a sentence that says what to do: a service with wrong hours
would make promises that it cannot keep. This module knows no database.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from portal import reading
from portal.i18n import LANGUAGES, N_
from portal.instruments import Kind, catalogue

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


OCCASIONS = ("baseline", "review", "closure", "follow-up")
"""Why somebody is asked how they are (data dictionary 4.10). The stored codes are for ever."""


@dataclass(frozen=True)
class Occasion:
    """One check-in of the plan. ``number`` tells several of a kind apart. Days count from the day on which the referral
    was accepted: the check-in may be answered from ``opens`` to ``closes``, and is asked for on ``due``. The baseline
    may be answered as soon as the form is sent. ``or_planned_end``: it is due earlier when the support ends earlier.
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


class BadSettings(ValueError):
    """Settings that cannot be right. ``problems`` holds one sentence per setting, by the setting's name."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


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
    somebody decides about it.
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

    def offers(self, code: str) -> bool:
        """Whether this service shows a language: a reviewed one, or a draft switched on by name."""
        return code in LANGUAGES and (LANGUAGES[code].reviewed or code in self.languages)

    def reason(self, code: str) -> Reason | None:
        """The decline reason with this code, if the service has it."""
        return next((reason for reason in self.decline_reasons if reason.code == code), None)


# --- reading one setting: each takes what the JSON holds and raises _Bad with the sentence's end ----------------------


class _Bad(ValueError):
    """The end of the sentence "<setting> …"."""


def _text(longest: int) -> Callable[[Any], str]:
    def read(given: Any) -> str:
        if not isinstance(given, str):
            raise _Bad("must be text.")
        if not given.strip():
            return ""
        try:
            return reading.text(given, longest)
        except reading.Unreadable:
            raise _Bad(f"must be one line of at most {longest} characters.") from None

    return read


def _number(lowest: int, highest: int) -> Callable[[Any], int]:
    def read(given: Any) -> int:
        if not isinstance(given, int) or isinstance(given, bool) or not lowest <= given <= highest:
            raise _Bad(f"must be a whole number from {lowest} to {highest}.")
        return given

    return read


def _yes_or_no(given: Any) -> bool:
    if not isinstance(given, bool):
        raise _Bad("must be true or false.")
    return given


def _list(given: Any, most: int) -> list[Any]:
    if not isinstance(given, (list, tuple)) or len(given) > most:
        raise _Bad(f"must be a list of at most {most}.")
    return list(given)


def _phone(given: Any) -> str:
    shown = _text(30)(given)
    # Short numbers such as 111 and 116 123 are helplines, which reading.phone rightly refuses for a person.
    if shown and not re.fullmatch(r"\+?[0-9][0-9 ]{2,28}", shown):
        raise _Bad("must be a phone number, such as 01234 567890.")
    return shown


def _email(given: Any) -> str:
    if given == "":
        return ""
    try:
        return reading.email(_text(reading.LONGEST_EMAIL)(given))
    except reading.Unreadable:
        raise _Bad("must be an email address, such as hello@example.org.") from None


def _time(given: Any) -> time:
    typed = given if isinstance(given, str) else ""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", typed):
        raise _Bad(f"must have times such as 09:00, not {given!r}.")
    return time(0) if typed == "24:00" else time.fromisoformat(typed)


def _span(given: Any) -> Span:
    pair = _list(given, 2)
    if len(pair) != 2:
        raise _Bad('must have pairs of times, such as ["09:00", "17:00"].')
    return Span(_time(pair[0]), _time(pair[1]))


def _day_of_spans(day: str, given: Any) -> tuple[Span, ...]:
    spans = tuple(sorted((_span(pair) for pair in _list(given, 6)), key=lambda span: span.opens))
    for one, following in zip(spans, spans[1:], strict=False):
        if one.closes <= one.opens or one.closes > following.opens:
            raise _Bad(f"must not have times that overlap on {day.capitalize()}.")
    return spans


def _opening_hours(given: Any) -> Mapping[str, tuple[Span, ...]]:
    if not isinstance(given, Mapping) or not set(given) <= set(WEEKDAYS):
        raise _Bad("must name days of the week: " + ", ".join(WEEKDAYS) + ".")
    hours = {day: _day_of_spans(day, given.get(day, ())) for day in WEEKDAYS}
    if not any(hours.values()):
        raise _Bad("must have at least one time in the week: a service that never opens can promise nothing.")
    return MappingProxyType(hours)


def _closed_days(given: Any) -> frozenset[date]:
    try:
        return frozenset(date.fromisoformat(day) for day in _list(given, 1000))
    except (TypeError, ValueError) as problem:
        if isinstance(problem, _Bad):
            raise
        raise _Bad("must be dates such as 2026-12-25.") from None


def _alert_minutes(given: Any) -> Mapping[str, int]:
    if not isinstance(given, Mapping) or set(given) != set(POSITIONS):
        raise _Bad("must give the minutes for each of: " + ", ".join(POSITIONS) + ".")
    # At most a working day: nobody may switch the ladder off by making it endless (product 6).
    return MappingProxyType({position: _number(5, 480)(given[position]) for position in POSITIONS})


def _out_of_hours(given: Any) -> OutOfHours:
    if given not in list(OutOfHours):
        raise _Bad("must be one of: " + ", ".join(OutOfHours) + ".")
    return OutOfHours(given)


def _outcodes(given: Any) -> tuple[str, ...]:
    found: list[str] = []
    for one in _list(given, 500):
        code = one.strip().upper() if isinstance(one, str) else ""
        if not re.fullmatch(r"[A-Z]{1,2}[0-9][0-9A-Z]?", code):
            raise _Bad(f"must be postcode districts such as PE27, not {one!r}.")
        found.append(code)
    return tuple(dict.fromkeys(found))


def _practices(given: Any) -> tuple[str, ...]:
    found: list[str] = []
    for one in _list(given, 500):
        code = one.strip().upper() if isinstance(one, str) else ""
        if not re.fullmatch(r"[A-Z][0-9A-Z]{4,5}", code):
            raise _Bad(f"must be codes of GP practices such as D81044, not {one!r}.")
        found.append(code)
    return tuple(dict.fromkeys(found))


def _teams(given: Any) -> tuple[str, ...]:
    names = [_text(60)(one) for one in _list(given, 50)]
    if not all(names):
        raise _Bad("must give each team a name.")
    return tuple(dict.fromkeys(names))


def _languages(given: Any) -> tuple[str, ...]:
    codes = _list(given, 100)
    for code in codes:
        if not isinstance(code, str) or code not in LANGUAGES:
            raise _Bad(f"must be languages that the portal has ({', '.join(LANGUAGES)}), not {code!r}.")
    return tuple(dict.fromkeys(codes))


def _elsewhere(phone_needed: bool) -> Callable[[Any], tuple[Elsewhere, ...]]:
    def one(given: Any) -> Elsewhere:
        if not isinstance(given, Mapping) or not set(given) <= {"name", "phone", "words"}:
            raise _Bad("must have a name, a phone number and words for each, and nothing else.")
        found = Elsewhere(
            _text(100)(given.get("name", "")), _phone(given.get("phone", "")), _text(300)(given.get("words", ""))
        )
        if not found.name or (phone_needed and not found.phone):
            raise _Bad("must give each a name" + (" and a phone number." if phone_needed else "."))
        return found

    return lambda given: tuple(one(each) for each in _list(given, 20))


def _decline_reasons(given: Any) -> tuple[Reason, ...]:
    ours = {reason.code: reason for reason in REASONS}
    found: dict[str, Reason] = {}
    for each in _list(given, 40):
        reason = ours.get(each) if isinstance(each, str) else _own_reason(each)
        if reason is None:
            raise _Bad(
                f"must be reasons that the portal has ({', '.join(ours)}) or your own with a label, not {each!r}."
            )
        found[reason.code] = reason
    if not found:
        raise _Bad("must have at least one reason: nobody is turned away without one.")
    return tuple(found.values())


def _own_reason(given: Any) -> Reason:
    if not isinstance(given, Mapping) or not {"code", "label"} <= set(given) <= {"code", "label", "status"}:
        raise _Bad("must have a code and a label for each reason of your own, and a status if you like.")
    code, label, status = given["code"], _text(100)(given["label"]), given.get("status", REASON_STATUSES[0])
    if not isinstance(code, str) or len(code) > 40 or not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code):
        raise _Bad("must have codes such as no-interpreter: small letters and hyphens, at most 40.")
    if not label:
        raise _Bad("must give each reason a label.")
    if status not in REASON_STATUSES:
        raise _Bad(f"must have statuses out of: {', '.join(REASON_STATUSES)}.")
    return Reason(code, label, status)


def _brand_colour(given: Any) -> str | None:
    if given in (None, ""):
        return None
    if not isinstance(given, str) or not re.fullmatch(r"#[0-9a-fA-F]{6}", given):
        raise _Bad("must be a colour such as #005a8c.")
    if contrast_with_white(given) < 4.5:
        raise _Bad("is too light: white words on it must be easy to read (contrast 4.5 to 1, WCAG 1.4.3).")
    return given.lower()


def contrast_with_white(colour: str) -> float:
    """The contrast of white words on ``#rrggbb``, 1.0 to 21.0 (WCAG 2.2, relative luminance)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _exit_url(given: Any) -> str:
    url = _text(300)(given)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or re.search(r"\s", url):
        raise _Bad("must be an https:// address of an everyday page, such as a weather forecast.")
    return url


def _fields(given: Any, needed: set[str], may: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or not needed <= set(given) <= needed | may:
        more = f" and, if you like, {', '.join(sorted(may))}" if may else ""
        raise _Bad(f"must have for {what} {', '.join(sorted(needed)) or 'nothing'}{more}, and nothing else.")
    return given


def _check_ins(given: Any) -> CheckIns:
    numbers = {
        "hand_over_days": _number(1, 60),
        "least_days_between_asks": _number(1, 365),
        "most_asks": _number(1, 52),
        "per_days": _number(7, 730),
    }
    told = _fields(given, set(), {"occasions", "reminder_days", *numbers}, "the plan")
    read: dict[str, Any] = {}
    for name, value in told.items():
        try:
            if name in numbers:
                read[name] = numbers[name](value)
            elif name == "reminder_days":
                # At least two days: a message that is slow to leave must not meet the one after it.
                read[name] = tuple(_number(2, 60)(days) for days in _list(value, 2))
            else:
                read[name] = _occasions(value)
        except _Bad as problem:
            raise _Bad(f"({name}) {problem}") from None
    return CheckIns(**read)


def _occasions(given: Any) -> tuple[Occasion, ...]:
    found: list[Occasion] = []
    for each in _list(given, 12):
        one = _occasion(each, [before.occasion for before in found])
        if found and one.opens < found[-1].closes:
            raise _Bad(f"must not open a check-in on day {one.opens}, before the one before it closes.")
        found.append(one)
    kinds = [one.occasion for one in found]
    if found and (kinds[0] != "baseline" or kinds.count("baseline") != 1):
        raise _Bad("must begin with the baseline, and have one only.")
    if sum(one.or_planned_end for one in found) > 1:
        raise _Bad("must bring one check-in forward to the planned end, not several.")
    return tuple(found)


def _occasion(given: Any, before: list[str]) -> Occasion:
    told = _fields(given, {"occasion", "opens", "due", "closes", "scales"}, {"or_planned_end"}, "each check-in")
    if told["occasion"] not in OCCASIONS:
        raise _Bad(f"must be out of: {', '.join(OCCASIONS)}.")
    opens, due, closes = (_number(-60, 1100)(told[name]) for name in ("opens", "due", "closes"))
    if not opens <= due < closes:
        raise _Bad(f"must open before they are due and close after it, not {opens}, {due}, {closes}.")
    if due < 0 or (told["occasion"] != "baseline" and opens < 0):
        raise _Bad("must not be due before the referral is accepted.")
    at_end = told.get("or_planned_end", False)
    if not isinstance(at_end, bool) or (at_end and told["occasion"] == "baseline"):
        raise _Bad("must say true or false for or_planned_end, and never true for the baseline.")
    number = before.count(told["occasion"]) + 1
    return Occasion(told["occasion"], number, opens, due, closes, _scales(told["scales"]), at_end)


def _scales(given: Any) -> tuple[str, ...]:
    # Of an anonymous question nobody may know who answered it; a worker, not the person, finds the level of a goal.
    known = [
        key
        for key, one in catalogue().items()
        if not one.anonymous and all(rule.kind is not Kind.GAS for rule in one.scores)
    ]
    codes = _list(given, 8)
    for code in codes:
        if code not in known:
            raise _Bad(f"must ask scales that the portal has ({', '.join(known)}), not {code!r}.")
    if not codes:
        raise _Bad("must ask at least one scale each time.")
    return tuple(dict.fromkeys(codes))


_READ: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "phone": _phone,
        "email": _email,
        "opening_hours": _opening_hours,
        "closed_days": _closed_days,
        "promise_working_days": _number(1, 30),
        "alert_minutes": _alert_minutes,
        "out_of_hours": _out_of_hours,
        "outcodes": _outcodes,
        "minimum_age": _number(0, 120),
        "languages": _languages,
        "helplines": _elsewhere(phone_needed=True),
        "who_could_help": _elsewhere(phone_needed=False),
        "decline_reasons": _decline_reasons,
        "brand_colour": _brand_colour,
        "exit_url": _exit_url,
        "lock_minutes": _number(2, 120),
        "draft_days": _number(1, 90),
        "complaint_acknowledge_days": _number(1, 20),
        "complaint_answer_days": _number(1, 130),
        "check_ins": _check_ins,
        "link_days": _number(1, 14),
        "commissioned_by_nhs": _yes_or_no,
        "contact_attempts": _number(1, 20),
        "practices": _practices,
        "publish_activities": _yes_or_no,
        "activity_fresh_days": _number(7, 730),
        "teams": _teams,
        "retention_years": _number(1, 30),
    }
)
"""One reader per setting: the names here are the names in the JSON and in ``ServiceSettings``."""


def read_settings(given: Mapping[str, Any]) -> ServiceSettings:
    """The settings in a service's JSON; what it does not name has its default. Raises BadSettings with every problem
    at once."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    for name, value in given.items():
        if name not in _READ:
            problems[name] = f"{name} is not a setting of a service."
            continue
        try:
            values[name] = _READ[name](value)
        except _Bad as problem:
            problems[name] = f"{name} {problem}"
    if problems:
        raise BadSettings(problems)
    return ServiceSettings(**values)


def read_stored(given: Mapping[str, Any]) -> ServiceSettings:
    """Settings that were right when they were saved. A scale that has been taken out of the portal since is left out
    of the plan, and a check-in that asked nothing else asks about goals; the service goes on. Raises BadSettings."""
    plan = given.get("check_ins")
    try:
        occasions = [
            {**one, "scales": [scale for scale in one["scales"] if scale in catalogue()] or ["goals"]}
            for one in _list(plan["occasions"], 12)  # type: ignore[index]
        ]
    except (KeyError, TypeError, _Bad):  # it names none, or was never right
        return read_settings(given)
    return read_settings({**given, "check_ins": {**plan, "occasions": occasions}})  # type: ignore[dict-item]
