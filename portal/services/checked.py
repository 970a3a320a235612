"""Reading a service's settings, each as it stands in ``Service.settings``, and saying what is wrong with one.

A setting that cannot be right stops the saving of it: a service with wrong hours would make promises that it cannot
keep. What is wrong is said twice: for whoever edits the JSON, and for whoever fills in a page (``faults``). This module
knows no database.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, time
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from portal.i18n import LANGUAGES, N_
from portal.instruments import catalogue
from portal.services import brand
from portal.services.check_in_plan import check_ins
from portal.services.faults import WRONG, Bad, BadSettings, Fault, a_list, email, number, phone, text, yes_or_no
from portal.services.settings import (
    ALWAYS_CLOSES,
    POSITIONS,
    REASON_STATUSES,
    REASONS,
    WEEKDAYS,
    Chosen,
    Elsewhere,
    OutOfHours,
    Reason,
    ServiceSettings,
    Span,
)

# --- hours ------------------------------------------------------------------------------------------------------------

NOT_A_TIME = N_("Write times such as 9:00 to 17:00. “%(typed)s” is not one")


def _time(given: Any) -> time:
    typed = given if isinstance(given, str) else ""
    if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00", typed):
        raise Bad(f"must have times such as 09:00, not {given!r}.", NOT_A_TIME, typed=typed)
    return time(0) if typed == "24:00" else time.fromisoformat(typed)


def _span(given: Any) -> Span:
    pair = a_list(given, 2)
    if len(pair) != 2:
        raise Bad('must have pairs of times, such as ["09:00", "17:00"].', WRONG)
    return Span(_time(pair[0]), _time(pair[1]))


def _day_of_spans(day: str, given: Any) -> tuple[Span, ...]:
    try:
        spans = tuple(sorted((_span(pair) for pair in a_list(given, 6)), key=lambda span: span.opens))
    except Bad as problem:
        raise problem.within(day) from None
    for one, following in zip(spans, spans[1:], strict=False):
        if one.closes <= one.opens or one.closes > following.opens:
            raise Bad(
                f"must not have times that overlap on {day.capitalize()}.",
                N_("These times overlap. Each must end before the next begins"),
                day,
            )
    return spans


def _opening_hours(given: Any) -> Mapping[str, tuple[Span, ...]]:
    if not isinstance(given, Mapping) or not set(given) <= set(WEEKDAYS):
        raise Bad("must name days of the week: " + ", ".join(WEEKDAYS) + ".", WRONG)
    hours = {day: _day_of_spans(day, given.get(day, ())) for day in WEEKDAYS}
    if not any(hours.values()):
        raise Bad(
            "must have at least one time in the week: a service that never opens can promise nothing.",
            N_("Write down at least one time in the week. A service that never opens can promise nothing"),
        )
    return MappingProxyType(hours)


def _closed_days(given: Any) -> frozenset[date]:
    found = []
    for day in a_list(given, 1000):
        try:
            found.append(date.fromisoformat(day))
        except (TypeError, ValueError):
            raise Bad(
                "must be dates such as 2026-12-25.",
                N_("Write each day on its own line, such as 25 12 2026. “%(typed)s” is not a day"),
                typed=day,
            ) from None
    return frozenset(found)


def _alert_minutes(given: Any) -> Mapping[str, int]:
    if not isinstance(given, Mapping) or set(given) != set(POSITIONS):
        raise Bad("must give the minutes for each of: " + ", ".join(POSITIONS) + ".", WRONG)
    found = {}
    for position in POSITIONS:
        try:
            # At most a working day: nobody may switch the ladder off by making it endless (product 6).
            found[position] = number(5, 480)(given[position])
        except Bad as problem:
            raise problem.within(position) from None
    return MappingProxyType(found)


def _out_of_hours(given: Any) -> OutOfHours:
    if given not in list(OutOfHours):
        raise Bad("must be one of: " + ", ".join(OutOfHours) + ".", N_("Select what happens while you are closed"))
    return OutOfHours(given)


# --- for whom ---------------------------------------------------------------------------------------------------------


def _coded(pattern: str, what: str, said: str, most: int) -> Callable[[Any], tuple[str, ...]]:
    def read(given: Any) -> tuple[str, ...]:
        found: list[str] = []
        for one in a_list(given, most):
            code = one.strip().upper() if isinstance(one, str) else ""
            if not re.fullmatch(pattern, code):
                raise Bad(f"must be {what}, not {one!r}.", said, typed=one)
            found.append(code)
        return tuple(dict.fromkeys(found))

    return read


_outcodes = _coded(
    r"[A-Z]{1,2}[0-9][0-9A-Z]?",
    "postcode districts such as PE27",
    N_("Write the first half of each postcode, such as PE27. “%(typed)s” is not one"),
    500,
)
_practices = _coded(
    r"[A-Z][0-9A-Z]{4,5}",
    "codes of GP practices such as D81044",
    N_("Write the code of each GP practice, such as D81044. “%(typed)s” is not one"),
    500,
)


def _languages(given: Any) -> tuple[str, ...]:
    codes = a_list(given, 100)
    for code in codes:
        if not isinstance(code, str) or code not in LANGUAGES:
            raise Bad(
                f"must be languages that the portal has ({', '.join(LANGUAGES)}), not {code!r}.",
                N_("Select languages from the list"),
            )
    return tuple(dict.fromkeys(codes))


def _elsewhere(phone_needed: bool) -> Callable[[Any], tuple[Elsewhere, ...]]:
    def one(given: Any) -> Elsewhere:
        if not isinstance(given, Mapping) or not set(given) <= {"name", "phone", "words"}:
            raise Bad("must have a name, a phone number and words for each, and nothing else.", WRONG)
        read: dict[str, str] = {}
        for part, reads in (("name", text(100)), ("phone", phone), ("words", text(300))):
            try:
                read[part] = reads(given.get(part, ""))
            except Bad as problem:
                raise problem.within(part) from None
        ending = "must give each a name" + (" and a phone number." if phone_needed else ".")
        if not read["name"]:
            raise Bad(ending, N_("Enter a name"), "name")
        if phone_needed and not read["phone"]:
            raise Bad(ending, N_("Enter a phone number"), "phone")
        return Elsewhere(**read)

    def every(given: Any) -> tuple[Elsewhere, ...]:
        found = []
        for nth, each in enumerate(a_list(given, 20), 1):
            try:
                found.append(one(each))
            except Bad as problem:
                raise problem.within(str(nth)) from None
        return tuple(found)

    return every


def _teams(given: Any) -> tuple[str, ...]:
    names = [text(60)(one) for one in a_list(given, 50)]
    if not all(names):
        raise Bad("must give each team a name.", N_("Enter a name for each team"))
    return tuple(dict.fromkeys(names))


# --- reasons ----------------------------------------------------------------------------------------------------------

_CODE = r"[a-z0-9]+(-[a-z0-9]+)*"


def _decline_reasons(given: Any) -> tuple[Reason, ...]:
    ours = {reason.code: reason for reason in REASONS}
    found: dict[str, Reason] = {}
    for nth, each in enumerate(a_list(given, 40), 1):
        try:
            reason = ours.get(each) if isinstance(each, str) else _own_reason(each)
        except Bad as problem:
            raise problem.within(str(nth)) from None
        if reason is None:
            raise Bad(
                f"must be reasons that the portal has ({', '.join(ours)}) or your own with a label, not {each!r}.",
                WRONG,
            )
        found[reason.code] = reason
    if not found:
        raise Bad(
            "must have at least one reason: nobody is turned away without one.",
            N_("Keep at least one reason. Nobody is turned away without one"),
        )
    return tuple(found.values())


def _own_reason(given: Any) -> Reason:
    if not isinstance(given, Mapping) or not {"code", "label"} <= set(given) <= {"code", "label", "status"}:
        raise Bad("must have a code and a label for each reason of your own, and a status if you like.", WRONG)
    try:
        label = text(100)(given["label"])
    except Bad as problem:
        raise problem.within("label") from None
    code, status = given["code"], given.get("status", REASON_STATUSES[0])
    if not isinstance(code, str) or len(code) > 40 or not re.fullmatch(_CODE, code):
        raise Bad("must have codes such as no-interpreter: small letters and hyphens, at most 40.", WRONG)
    if not label:
        raise Bad("must give each reason a label.", N_("Enter what this reason is called"), "label")
    if status not in REASON_STATUSES:
        raise Bad(f"must have statuses out of: {', '.join(REASON_STATUSES)}.", N_("Select what it means"), "status")
    return Reason(code, label, status)


def _retired_reasons(given: Any) -> tuple[Reason, ...]:
    return tuple(_own_reason(each) for each in a_list(given, 200))


def _closure_reasons(given: Any) -> tuple[Chosen, ...]:
    found: dict[str, Chosen] = {}
    for each in a_list(given, 60):
        told = each if isinstance(each, Mapping) else {"code": each}
        code = told.get("code")
        if not set(told) <= {"code", "label"} or not isinstance(code, str) or not re.fullmatch(_CODE, code):
            raise Bad(f"must be codes of reasons, or a code with words of your own, not {each!r}.", WRONG)
        try:
            found[code] = Chosen(code, text(100)(told.get("label", "")))
        except Bad as problem:
            raise problem.within(f"{code}-label") from None
    for code in ALWAYS_CLOSES if found else ():
        found.setdefault(code, Chosen(code))
    return tuple(found.values())


# --- how it looks -----------------------------------------------------------------------------------------------------

TOO_LIGHT = N_(
    "This colour is too light to read: its contrast with white is %(ratio)s to 1, and 4.5 to 1 is needed. The nearest "
    "colour that works is %(nearest)s"
)


def _brand_colour(given: Any) -> str | None:
    if given in (None, ""):
        return None
    if not isinstance(given, str) or not re.fullmatch(brand.COLOUR, given):
        raise Bad("must be a colour such as #005a8c.", N_("Enter a colour as # and six digits, such as #005a8c"))
    if (measured := brand.least_contrast(given)) < brand.NEEDED:
        raise Bad(
            "is too light: white words on it must be easy to read (contrast 4.5 to 1, WCAG 1.4.3).",
            TOO_LIGHT,
            ratio=brand.shown(measured),
            nearest=brand.nearest(given),
        )
    return given.lower()


def _logo(given: Any) -> str:
    if given in (None, ""):
        return ""
    try:
        return brand.kept(given if isinstance(given, str) else "")
    except brand.BadLogo as bad:
        raise Bad(f"must be a small PNG in base64. {bad}", bad.said, **bad.given) from None


def _exit_url(given: Any) -> str:
    url = text(300)(given)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or re.search(r"\s", url):
        raise Bad(
            "must be an https:// address of an everyday page, such as a weather forecast.",
            N_("Enter the address of an everyday page that begins with https://, such as a weather forecast"),
        )
    return url


# --- all of them ------------------------------------------------------------------------------------------------------

_READ: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "phone": phone,
        "email": email,
        "opening_hours": _opening_hours,
        "closed_days": _closed_days,
        "promise_working_days": number(1, 30),
        "alert_minutes": _alert_minutes,
        "out_of_hours": _out_of_hours,
        "outcodes": _outcodes,
        "minimum_age": number(0, 120),
        "languages": _languages,
        "helplines": _elsewhere(phone_needed=True),
        "who_could_help": _elsewhere(phone_needed=False),
        "decline_reasons": _decline_reasons,
        "brand_colour": _brand_colour,
        "exit_url": _exit_url,
        "lock_minutes": number(2, 120),
        "draft_days": number(1, 90),
        "complaint_acknowledge_days": number(1, 20),
        "complaint_answer_days": number(1, 130),
        "check_ins": check_ins,
        "link_days": number(1, 14),
        "commissioned_by_nhs": yes_or_no,
        "contact_attempts": number(1, 20),
        "practices": _practices,
        "publish_activities": yes_or_no,
        "activity_fresh_days": number(7, 730),
        "teams": _teams,
        "retention_years": number(1, 30),
        "closure_reasons": _closure_reasons,
        "logo": _logo,
        "retired_reasons": _retired_reasons,
    }
)
"""One reader per setting: the names here are the names in the JSON and in ``ServiceSettings``."""


def read_settings(given: Mapping[str, Any]) -> ServiceSettings:
    """The settings in a service's JSON; what it does not name has its default. Raises BadSettings with every problem
    at once."""
    values: dict[str, Any] = {}
    problems: dict[str, str] = {}
    faults: dict[str, Fault] = {}
    for name, value in given.items():
        if name not in _READ:
            problems[name], faults[name] = f"{name} is not a setting of a service.", Fault(WRONG)
            continue
        try:
            values[name] = _READ[name](value)
        except Bad as problem:
            problems[name], faults[name] = f"{name} {problem}", problem.fault
    if problems:
        raise BadSettings(problems, faults)
    return ServiceSettings(**values)


def read_stored(given: Mapping[str, Any]) -> ServiceSettings:
    """Settings that were right when they were saved. A scale that has been taken out of the portal since is left out
    of the plan, and a check-in that asked nothing else asks about goals; the service goes on. Raises BadSettings."""
    plan = given.get("check_ins")
    try:
        occasions = [
            {**one, "scales": [scale for scale in one["scales"] if scale in catalogue()] or ["goals"]}
            for one in a_list(plan["occasions"], 12)  # type: ignore[index]
        ]
    except (KeyError, TypeError, Bad):  # it names none, or was never right
        return read_settings(given)
    return read_settings({**given, "check_ins": {**plan, "occasions": occasions}})  # type: ignore[dict-item]
