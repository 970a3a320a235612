"""The boxes of the set-up pages: how a setting is typed, and how what was typed becomes the setting.

A box checks nothing that the room checks (``services.read_settings``): it only turns what was typed into what the JSON
holds, and says beside which field of its own a fault of the room belongs. What cannot be turned is handed on as it was
typed, so that the room refuses it with the sentence that it has for it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from portal import reading, services
from portal.i18n import N_, gettext, language_name
from portal.services import Fault, ServiceSettings
from portal.web.admin import read_day

Typed = Mapping[str, Sequence[str]]
"""What stands in the fields of a page: as a browser sends it, or as it is kept."""


def first(typed: Typed, name: str) -> str:
    """What was typed into a field, "" for nothing."""
    values = typed.get(name) or [""]
    return values[0]


class NotTurned(Exception):
    """Something was typed that cannot even be handed on. ``faults``: by the name of the field."""

    def __init__(self, faults: Mapping[str, Fault]) -> None:
        super().__init__(", ".join(faults))
        self.faults = dict(faults)


@dataclass(frozen=True)
class Box:
    """How one setting is typed. ``label`` and ``hint`` are texts for gettext."""

    name: str
    label: str
    hint: str = ""
    kind: ClassVar[str] = ""

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """What is kept, as it stands in the fields."""
        return {self.name: [str(getattr(settings, self.name) or "")]}

    def read(self, typed: Typed) -> Any:
        """What was typed, as the JSON holds it."""
        return first(typed, self.name).strip()

    def field(self, where: str, typed: Typed) -> str:
        """The id of the field beside which a fault of the room belongs."""
        return f"{self.name}-{where}" if where else self.name

    def said(self, settings: ServiceSettings) -> str:
        """What is kept, in a few words, for the overview."""
        return ", ".join(value for values in self.typed(settings).values() for value in values if value)


@dataclass(frozen=True)
class Line(Box):
    """One line of words. ``direction``: ltr for codes."""

    kind: ClassVar[str] = "line"
    direction: str = "auto"
    input_type: str = "text"


@dataclass(frozen=True)
class Number(Box):
    """A whole number."""

    kind: ClassVar[str] = "number"

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """The number in digits."""
        return {self.name: [str(getattr(settings, self.name))]}

    def read(self, typed: Typed) -> Any:
        """The number, or what was typed instead of one."""
        return a_number(first(typed, self.name))


def a_number(typed: str) -> Any:
    """A whole number typed in any script's digits, or what was typed instead."""
    plain = reading.digits(typed).strip()
    return int(plain) if re.fullmatch(r"[-−]?[0-9]{1,6}", plain.replace("−", "-")) else typed


@dataclass(frozen=True)
class Tick(Box):
    """Yes or no. ``text`` stands beside the box."""

    kind: ClassVar[str] = "tick"

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """Ticked or not."""
        return {self.name: ["y"] if getattr(settings, self.name) else []}

    def read(self, typed: Typed) -> Any:
        """True when it is ticked."""
        return bool(first(typed, self.name))

    def said(self, settings: ServiceSettings) -> str:
        """Yes or no, in words."""
        return gettext(N_("Yes")) if getattr(settings, self.name) else gettext(N_("No"))


@dataclass(frozen=True)
class Choice(Box):
    """One of a few. ``choices``: code and text (for gettext)."""

    kind: ClassVar[str] = "choice"
    choices: tuple[tuple[str, str], ...] = ()

    def said(self, settings: ServiceSettings) -> str:
        """The text of what is chosen."""
        return gettext(dict(self.choices).get(str(getattr(settings, self.name)), ""))


@dataclass(frozen=True)
class Lines(Box):
    """Several, one on each line. ``split``: where else one may end; ``reads`` turns one into what the JSON holds."""

    kind: ClassVar[str] = "lines"
    direction: str = "auto"
    split: str = r"\n"
    reads: Callable[[str], str] = str.strip
    shows: Callable[[Any], str] = str

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """One on each line, in order."""
        kept = getattr(settings, self.name)
        every = sorted(kept) if isinstance(kept, frozenset) else kept
        return {self.name: ["\n".join(self.shows(one) for one in every)]}

    def read(self, typed: Typed) -> Any:
        """The list of what was typed; blank lines are none."""
        given = first(typed, self.name).replace("\r", "\n")
        return [self.reads(part) for part in re.split(self.split, given) if part.strip()]

    def said(self, settings: ServiceSettings) -> str:
        """The list, with commas."""
        return ", ".join(first(self.typed(settings), self.name).split("\n"))


@dataclass(frozen=True)
class Practices(Lines):
    """Codes of GP practices. One whose code nobody knows is found by its name, and ticked."""

    kind: ClassVar[str] = "practices"

    def read(self, typed: Typed) -> Any:
        """The codes that were typed, and those that were ticked."""
        return [*super().read(typed), *(typed.get(f"{self.name}-add") or ())]


def typed_day(typed: str) -> str:
    """A day as the JSON holds it, or what was typed instead of one."""
    day = read_day(typed.strip())
    return day.isoformat() if day else typed.strip()


def shown_day(day: Any) -> str:
    """A day as people type it."""
    return f"{day.day} {day.month} {day.year}"


@dataclass(frozen=True)
class Languages(Box):
    """The draft languages that are switched on by name."""

    kind: ClassVar[str] = "languages"

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """The codes that are ticked."""
        return {self.name: list(settings.languages)}

    def read(self, typed: Typed) -> Any:
        """The codes that were ticked."""
        return list(typed.get(self.name) or ())

    def said(self, settings: ServiceSettings) -> str:
        """The languages that are offered by name, in the reader's own words."""
        return ", ".join(language_name(code) for code in settings.languages)


# Hours ---------------------------------------------------------------------------------------------------------------

_ONE_TIME = r"([0-9]{1,2})(?:[:.]([0-9]{2}))?\s*(am|pm)?"
_FROM_TO = re.compile(rf"{_ONE_TIME}\s*(?:-|–|—|to|until)\s*{_ONE_TIME}", re.IGNORECASE)
HALF_A_DAY = N_("Is “%(typed)s” in the afternoon? Write 17:00 or 5pm for five in the afternoon")


@dataclass(frozen=True)
class Hours(Box):
    """The opening hours: a line for each day of the week."""

    kind: ClassVar[str] = "hours"
    days: tuple[str, ...] = services.WEEKDAYS

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """Such as 09:00 to 12:30, 13:30 to 17:00."""
        return {
            f"{self.name}-{day}": [
                ", ".join(
                    f"{span.opens:%H:%M} to {span.closes:%H:%M}".replace("to 00:00", "to 24:00")
                    for span in settings.opening_hours[day]
                )
            ]
            for day in self.days
        }

    def read(self, typed: Typed) -> Any:
        """The spans of each day. Raises NotTurned where five in the afternoon may be meant by 5."""
        faults: dict[str, Fault] = {}
        week: dict[str, list[list[str]]] = {}
        for day in self.days:
            parts = re.split(r",|;|\n|\band\b|&", reading.digits(first(typed, f"{self.name}-{day}")))
            week[day] = []
            for part in (one.strip() for one in parts if one.strip()):
                span, sure = _span(part)
                week[day].append(span)
                if not sure:
                    faults[f"{self.name}-{day}"] = Fault(HALF_A_DAY, {"typed": part})
        if faults:
            raise NotTurned(faults)
        return week

    def field(self, where: str, typed: Typed) -> str:
        """The field of the day; of the whole week the first one."""
        return f"{self.name}-{where or self.days[0]}"

    def said(self, settings: ServiceSettings) -> str:
        """Each day that is open, with its times."""
        return "; ".join(
            f"{gettext(DAY_NAMES[day])} {typed}"
            for day in self.days
            if (typed := first(self.typed(settings), f"{self.name}-{day}"))
        )


DAY_NAMES: dict[str, str] = {
    "monday": N_("Monday"),
    "tuesday": N_("Tuesday"),
    "wednesday": N_("Wednesday"),
    "thursday": N_("Thursday"),
    "friday": N_("Friday"),
    "saturday": N_("Saturday"),
    "sunday": N_("Sunday"),
}


def _span(part: str) -> tuple[list[str], bool]:
    """Opening and closing time, and whether it is sure what is meant; what cannot be read stays as it was typed."""
    found = _FROM_TO.fullmatch(part)
    if found is None:
        return [part, part], True
    opens, closes = _clock(*found.group(1, 2, 3)), _clock(*found.group(4, 5, 6))
    # 9 to 5 is no night: only times with minutes, or with am and pm, may run over midnight.
    plain = found[5] is None and found[6] is None and not found[4].startswith("0")
    return [opens, closes], not (plain and closes <= opens and found[4] not in ("24", "12"))


def _clock(hour: str, minute: str | None, half: str | None) -> str:
    number = int(hour)
    if half:
        number = number % 12 + (12 if half.lower() == "pm" else 0)
    return f"{number:02}:{minute or '00'}"


@dataclass(frozen=True)
class Minutes(Box):
    """How soon each position of the alert ladder opens an alert."""

    kind: ClassVar[str] = "minutes"
    positions: Mapping[str, str] = field(default_factory=lambda: services.POSITION_NAMES, hash=False)

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """A number for each."""
        return {f"{self.name}-{one}": [str(minutes)] for one, minutes in settings.alert_minutes.items()}

    def field(self, where: str, typed: Typed) -> str:
        """The field of the position."""
        return f"{self.name}-{where or 'duty'}"

    def said(self, settings: ServiceSettings) -> str:
        """The minutes in the order of the ladder."""
        return ", ".join(f"{gettext(name)}: {settings.alert_minutes[one]}" for one, name in self.positions.items())

    def read(self, typed: Typed) -> Any:
        """The numbers by position."""
        return {one: a_number(first(typed, f"{self.name}-{one}")) for one in self.positions}


# Rows ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Elsewhere(Box):
    """Others who can help: a row for each, and two to fill in."""

    kind: ClassVar[str] = "elsewhere"
    parts: tuple[tuple[str, str], ...] = (("name", N_("Name")), ("phone", N_("Phone")), ("words", N_("What they do")))

    def typed(self, settings: ServiceSettings) -> dict[str, list[str]]:
        """The parts of each row, by its number from 1."""
        return {
            f"{self.name}-{number}-{part}": [getattr(one, part)]
            for number, one in enumerate(getattr(settings, self.name), 1)
            for part, _ in self.parts
        }

    def rows(self, typed: Typed) -> list[int]:
        """The numbers of the rows to show: those that hold something, and two more."""
        filled = self._filled(typed)
        last = max(filled, default=0)
        return list(range(1, min(last + 2, 22) + 1))

    def _filled(self, typed: Typed) -> list[int]:
        numbers = {int(found[1]) for name in typed if (found := re.fullmatch(rf"{self.name}-([0-9]{{1,2}})-\w+", name))}
        return sorted(
            number
            for number in numbers
            if any(first(typed, f"{self.name}-{number}-{part}").strip() for part, _ in self.parts)
        )

    def read(self, typed: Typed) -> Any:
        """The rows that hold something."""
        return [
            {part: first(typed, f"{self.name}-{number}-{part}").strip() for part, _ in self.parts}
            for number in self._filled(typed)
        ]

    def field(self, where: str, typed: Typed) -> str:
        """The room counts rows that hold something; the page has blank ones between."""
        number, _, part = where.partition("-")
        filled = self._filled(typed)
        if not number.isdigit() or not filled:
            return f"{self.name}-1-name"
        return f"{self.name}-{filled[int(number) - 1]}-{part or 'name'}"

    def said(self, settings: ServiceSettings) -> str:
        """Their names."""
        return ", ".join(one.name for one in getattr(settings, self.name))
