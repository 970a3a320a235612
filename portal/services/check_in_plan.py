"""Reading the plan of a service's check-ins: when people are asked how they are, and which scales. It knows no
database."""

from collections.abc import Mapping
from typing import Any

from portal.i18n import N_
from portal.instruments import Kind, catalogue
from portal.services.faults import WRONG, Bad, a_list, number
from portal.services.settings import OCCASIONS, CheckIns, Occasion


def _fields(given: Any, needed: set[str], may: set[str], what: str) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or not needed <= set(given) <= needed | may:
        more = f" and, if you like, {', '.join(sorted(may))}" if may else ""
        raise Bad(f"must have for {what} {', '.join(sorted(needed)) or 'nothing'}{more}, and nothing else.", WRONG)
    return given


def check_ins(given: Any) -> CheckIns:
    """The plan, from what the JSON holds. Raises Bad."""
    numbers = {
        "hand_over_days": number(1, 60),
        "least_days_between_asks": number(1, 365),
        "most_asks": number(1, 52),
        "per_days": number(7, 730),
    }
    told = _fields(given, set(), {"occasions", "reminder_days", *numbers}, "the plan")
    read: dict[str, Any] = {}
    for name, value in told.items():
        try:
            if name in numbers:
                read[name] = numbers[name](value)
            elif name == "reminder_days":
                # At least two days: a message that is slow to leave must not meet the one after it.
                read[name] = tuple(number(2, 60)(days) for days in a_list(value, 2))
            else:
                read[name] = _occasions(value)
        except Bad as problem:
            raise problem.within(name, f"({name}) {problem}") from None
    return CheckIns(**read)


def _occasions(given: Any) -> tuple[Occasion, ...]:
    found: list[Occasion] = []
    for nth, each in enumerate(a_list(given, 12), 1):
        try:
            one = _occasion(each, [before.occasion for before in found])
            if found and one.opens < found[-1].closes:
                raise Bad(
                    f"must not open a check-in on day {one.opens}, before the one before it closes.",
                    N_("This check-in opens on day %(opens)s, before the one above it closes on day %(closes)s"),
                    "opens",
                    opens=one.opens,
                    closes=found[-1].closes,
                )
        except Bad as problem:
            raise problem.within(str(nth)) from None
        found.append(one)
    kinds = [one.occasion for one in found]
    if found and (kinds[0] != "baseline" or kinds.count("baseline") != 1):
        raise Bad(
            "must begin with the baseline, and have one only.",
            N_("Begin with the check-in at the beginning. There can be only one of it"),
            "1-occasion",
        )
    if sum(one.or_planned_end for one in found) > 1:
        last = max(nth for nth, one in enumerate(found, 1) if one.or_planned_end)
        raise Bad(
            "must bring one check-in forward to the planned end, not several.",
            N_("Only one check-in can come earlier when the support ends earlier"),
            f"{last}-or_planned_end",
        )
    return tuple(found)


def _day(told: Mapping[str, Any], name: str) -> int:
    try:
        return number(-60, 1100)(told[name])
    except Bad as problem:
        raise problem.within(name) from None


def _occasion(given: Any, before: list[str]) -> Occasion:
    told = _fields(given, {"occasion", "opens", "due", "closes", "scales"}, {"or_planned_end"}, "each check-in")
    if told["occasion"] not in OCCASIONS:
        raise Bad(f"must be out of: {', '.join(OCCASIONS)}.", N_("Select what kind of check-in it is"), "occasion")
    opens, due, closes = (_day(told, name) for name in ("opens", "due", "closes"))
    if not opens <= due < closes:
        raise Bad(
            f"must open before they are due and close after it, not {opens}, {due}, {closes}.",
            N_("It must open before we ask, and close after it. Now it opens on day %(opens)s, asks on %(due)s and "
               "closes on %(closes)s"),
            "due",
            opens=opens,
            due=due,
            closes=closes,
        )  # fmt: skip
    if due < 0 or (told["occasion"] != "baseline" and opens < 0):
        raise Bad(
            "must not be due before the referral is accepted.",
            N_("Only the first check-in can open before day 0, and none can be asked for before it"),
            "due" if due < 0 else "opens",
        )
    at_end = told.get("or_planned_end", False)
    if not isinstance(at_end, bool) or (at_end and told["occasion"] == "baseline"):
        raise Bad(
            "must say true or false for or_planned_end, and never true for the baseline.",
            N_("The check-in at the beginning cannot wait for the end"),
            "or_planned_end",
        )
    nth = before.count(told["occasion"]) + 1
    return Occasion(told["occasion"], nth, opens, due, closes, _scales(told["scales"]), at_end)


def scales_to_ask() -> list[str]:
    """The scales that a check-in may ask. Of an anonymous question nobody may know who answered it; a worker, not the
    person, finds the level of a goal."""
    return [
        key
        for key, one in catalogue().items()
        if not one.anonymous and all(rule.kind is not Kind.GAS for rule in one.scores)
    ]


def _scales(given: Any) -> tuple[str, ...]:
    known = scales_to_ask()
    codes = a_list(given, 8)
    for code in codes:
        if code not in known:
            raise Bad(f"must ask scales that the portal has ({', '.join(known)}), not {code!r}.", WRONG, "scales")
    if not codes:
        raise Bad("must ask at least one scale each time.", N_("Select at least one scale"), "scales")
    return tuple(dict.fromkeys(codes))
