"""The boxes for closed lists that a service may use in its own way: reasons for declining, reasons for closing.

The codes stay ours for ever: a service orders, switches off and words. A reason of its own gets a code from its first
name, and keeps it when it is renamed; one that is no longer used is kept by its name, for the referrals that have it.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from portal import services
from portal.i18n import N_, gettext
from portal.services import ServiceSettings
from portal.web.setup.boxes import Box, Typed, a_number, first

STATUS_NAMES: dict[str, str] = {
    "not-eligible": N_("We cannot take them"),
    "declined": N_("The person said no"),
    "closed": N_("It came to nothing"),
    "duplicate": N_("The same one twice"),
}


@dataclass(frozen=True)
class Row:
    """One reason on the page. ``number`` names its fields; ``ours`` is our label, "" for a reason of the service.
    ``always``: it cannot be switched off."""

    number: int
    code: str
    ours: str = ""
    always: bool = False


def in_order(typed: Typed, box: str, rows: Sequence[Row]) -> list[Row]:
    """The rows that are ticked, by the numbers typed beside them; those without a number come last."""

    def place(row: Row) -> tuple[int, int]:
        given = a_number(first(typed, f"{box}-{row.number}-place"))
        return (given if isinstance(given, int) else 1_000, row.number)

    return sorted((row for row in rows if first(typed, f"{box}-{row.number}-used")), key=place)


@dataclass(frozen=True)
class DeclineReasons(Box):
    """Why a referral is not taken up."""

    kind: ClassVar[str] = "decline_reasons"
    statuses: tuple[tuple[str, str], ...] = tuple(STATUS_NAMES.items())

    def rows(self, typed: Typed) -> list[Row]:
        """Ours, the service's own, and two to fill in."""
        ours = [Row(number, one.code, one.label) for number, one in enumerate(services.REASONS, 1)]
        numbers = {
            int(found[1]) for name in typed if (found := re.fullmatch(rf"{self.name}-([0-9]{{1,2}})-label", name))
        }
        own = sorted(number for number in numbers if len(ours) < number <= 60)
        kept = [number for number in own if first(typed, f"{self.name}-{number}-label").strip()]
        blank = max([len(ours), *kept]) + 1
        return [
            *ours,
            *(Row(number, first(typed, f"{self.name}-{number}-code")) for number in kept),
            *(Row(number, "") for number in range(blank, blank + 2)),
        ]

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """Ours by their numbers; the service's own after them, those that are no longer used at the end."""
        places = {one.code: place for place, one in enumerate(settings.decline_reasons, 1)}
        codes = [one.code for one in services.REASONS]
        own = [one for one in (*settings.decline_reasons, *settings.retired_reasons) if one.code not in codes]
        found: dict[str, list[str]] = {}
        for number, code in enumerate([*codes, *(one.code for one in own)], 1):
            if code in places:
                found[f"{self.name}-{number}-used"] = ["y"]
                found[f"{self.name}-{number}-place"] = [str(places[code])]
        for number, one in enumerate(own, len(codes) + 1):
            found[f"{self.name}-{number}-code"] = [one.code]
            found[f"{self.name}-{number}-label"] = [one.label]
            found[f"{self.name}-{number}-status"] = [one.status]
        return found

    def read(self, typed: Typed) -> Any:
        """Ours as their codes, the service's own with words and meaning."""
        return [
            self._own(typed, row) if not row.ours else row.code
            for row in in_order(typed, self.name, self._there(typed))
        ]

    def retired(self, typed: Typed) -> list[dict[str, str]]:
        """The service's own that are not ticked: kept by name. One that was never kept is simply not wanted."""
        used = {one["code"] for one in self.read(typed) if not isinstance(one, str)}
        kept = [self._own(typed, row) for row in self._there(typed) if not row.ours and row.code]
        return [one for one in kept if one["code"] not in used]

    def _there(self, typed: Typed) -> list[Row]:
        return [row for row in self.rows(typed) if row.ours or first(typed, f"{self.name}-{row.number}-label").strip()]

    def _own(self, typed: Typed, row: Row) -> dict[str, str]:
        label = first(typed, f"{self.name}-{row.number}-label").strip()
        taken = {one.code for one in services.REASONS} | {
            first(typed, f"{self.name}-{other.number}-code") for other in self.rows(typed) if other.number < row.number
        }
        code = first(typed, f"{self.name}-{row.number}-code") or code_of(label, taken)
        return {
            "code": code,
            "label": label,
            "status": first(typed, f"{self.name}-{row.number}-status") or "not-eligible",
        }

    def field(self, where: str, typed: Typed) -> str:
        """The room counts the reasons in their order."""
        nth, _, part = where.partition("-")
        rows = in_order(typed, self.name, self._there(typed))
        if not nth.isdigit() or not 0 < int(nth) <= len(rows):
            return f"{self.name}-1-used"
        return f"{self.name}-{rows[int(nth) - 1].number}-{part or 'used'}"

    def said(self, settings: ServiceSettings) -> str:
        """Their names in order."""
        return ", ".join(gettext(one.label) for one in settings.decline_reasons)


def code_of(label: str, taken: set[str]) -> str:
    """A code from a name: its letters and digits, or "own" where it has none of ours; with a number if it is taken."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:34].strip("-") or "own"
    return next(code for code in (stem, *(f"{stem}-{number}" for number in range(2, 100))) if code not in taken)


@dataclass(frozen=True)
class ClosureReasons(Box):
    """Why a case ends: ours, in the service's order and words. ``ours``: code and label."""

    kind: ClassVar[str] = "closure_reasons"
    ours: tuple[tuple[str, str], ...] = ()

    def rows(self, typed: Typed) -> list[Row]:
        """All of ours."""
        always = services.ALWAYS_CLOSES
        return [Row(number, code, label, code in always) for number, (code, label) in enumerate(self.ours, 1)]

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """Which are used, in which order, in which words."""
        chosen = {one.code: one for one in settings.closure_reasons}
        order = list(chosen) or [code for code, _ in self.ours]
        found: dict[str, list[str]] = {}
        for number, (code, _) in enumerate(self.ours, 1):
            if code in order:
                found[f"{self.name}-{number}-used"] = ["y"]
                found[f"{self.name}-{number}-place"] = [str(order.index(code) + 1)]
            found[f"{self.name}-{number}-label"] = [chosen[code].label if code in chosen else ""]
        return found

    def read(self, typed: Typed) -> Any:
        """Codes in order, with words where there are any. With none ticked all of ours are used again."""
        return [
            {"code": row.code, "label": first(typed, f"{self.name}-{row.number}-label").strip()}
            for row in in_order(typed, self.name, self.rows(typed))
        ]

    def field(self, where: str, typed: Typed) -> str:
        """The room names the code."""
        code, _, part = where.rpartition("-")
        number = next((row.number for row in self.rows(typed) if row.code == code), 1)
        return f"{self.name}-{number}-{part or 'used'}"

    def said(self, settings: ServiceSettings) -> str:
        """Their names in order."""
        words = dict(self.ours)
        chosen = settings.closure_reasons or tuple(services.Chosen(code) for code, _ in self.ours)
        return ", ".join(one.label or gettext(words.get(one.code, "")) for one in chosen if one.code in words)
