"""The box for the plan of check-ins: a block of fields for each, and two numbers on how often at most."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from portal import instruments, services
from portal.i18n import N_, gettext
from portal.services import CheckIns, ServiceSettings
from portal.web.setup.boxes import Box, Typed, a_number, first

KINDS: dict[str, str] = {
    "baseline": N_("At the beginning"),
    "review": N_("On the way"),
    "closure": N_("At the end"),
    "follow-up": N_("Some time after"),
}
DAYS: tuple[tuple[str, str, str], ...] = (
    (
        "opens",
        N_("Opens on day"),
        N_("From this day it can be answered. A minus means before the referral was accepted."),
    ),
    ("due", N_("We ask on day"), N_("Day 0 is the first contact, and until then the day of accepting.")),
    ("closes", N_("Closes on day"), N_("After this day it counts as not answered.")),
)
NUMBERS: tuple[tuple[str, str, str], ...] = (
    ("hand_over_days", N_("Days after the last message until a worker is asked to help"), ""),
    ("least_days_between_asks", N_("Fewest days between two questions to the same person"), ""),
    ("most_asks", N_("Most check-ins that we ask for"), N_("Within the number of days below.")),
    ("per_days", N_("Within this number of days"), ""),
)


@dataclass(frozen=True)
class Plan(Box):
    """When people are asked how they are, which scales, and how often at most."""

    kind: ClassVar[str] = "plan"
    kinds: tuple[tuple[str, str], ...] = tuple(KINDS.items())
    days: tuple[tuple[str, str, str], ...] = DAYS
    numbers: tuple[tuple[str, str, str], ...] = NUMBERS

    def scales(self, chosen: Sequence[str]) -> list[tuple[str, str]]:
        """The scales that can be asked, by key and title: first those that are asked, in their order."""
        known = services.scales_to_ask()
        order = [key for key in chosen if key in known] + [key for key in known if key not in chosen]
        return [(key, instruments.catalogue()[key].title) for key in order]

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """The plan's fields."""
        plan = settings.check_ins
        found = {f"{self.name}-{part}": [str(getattr(plan, part))] for part, _, _ in self.numbers}
        for number in (1, 2):
            days = plan.reminder_days[number - 1 : number]
            found[f"{self.name}-reminder-{number}"] = [str(day) for day in days] or [""]
        for number, one in enumerate(plan.occasions, 1):
            at = f"{self.name}-occasions-{number}"
            found[f"{at}-occasion"] = [one.occasion]
            found |= {f"{at}-{part}": [str(getattr(one, part))] for part, _, _ in self.days}
            found[f"{at}-scales"] = list(one.scales)
            found[f"{at}-or_planned_end"] = ["y"] if one.or_planned_end else []
        return found

    def rows(self, typed: Typed) -> list[int]:
        """The numbers of the check-ins to show: those that are there, and one to fill in."""
        filled = self._filled(typed)
        return list(range(1, min(max(filled, default=0) + 1, 13) + 1))

    def _filled(self, typed: Typed) -> list[int]:
        """A check-in is there when its kind is chosen."""
        at = re.compile(rf"{self.name}-occasions-([0-9]{{1,2}})-occasion")
        return sorted(int(found[1]) for name in typed if (found := at.fullmatch(name)) and first(typed, name))

    def read(self, typed: Typed) -> Any:
        """The plan. A plan with nothing else than ours is ours, also when ours changes."""
        plan: dict[str, Any] = {part: a_number(first(typed, f"{self.name}-{part}")) for part, _, _ in self.numbers}
        reminders = [first(typed, f"{self.name}-reminder-{number}").strip() for number in (1, 2)]
        plan["reminder_days"] = [a_number(days) for days in reminders if days]
        plan["occasions"] = [self._occasion(typed, number) for number in self._filled(typed)]
        return plan

    def _occasion(self, typed: Typed, number: int) -> dict[str, Any]:
        at = f"{self.name}-occasions-{number}"
        one: dict[str, Any] = {part: a_number(first(typed, f"{at}-{part}")) for part, _, _ in self.days}
        one |= {"occasion": first(typed, f"{at}-occasion"), "scales": list(typed.get(f"{at}-scales") or ())}
        return one | ({"or_planned_end": True} if first(typed, f"{at}-or_planned_end") else {})

    def field(self, where: str, typed: Typed) -> str:
        """The room counts the check-ins that are there."""
        found = re.fullmatch(r"occasions-([0-9]+)(?:-(.+))?", where)
        if found is None:
            return f"{self.name}-reminder-1" if where == "reminder_days" else f"{self.name}-{where or 'most_asks'}"
        filled = self._filled(typed)
        number = filled[int(found[1]) - 1] if int(found[1]) <= len(filled) else 1
        return f"{self.name}-occasions-{number}-{found[2] or 'occasion'}"

    def said(self, settings: ServiceSettings) -> str:
        """How many, and on which days."""
        plan: CheckIns = settings.check_ins
        return ", ".join(
            f"{gettext(KINDS[one.occasion])}: {gettext('day %(day)s', day=one.due)}" for one in plan.occasions
        )
