"""What can be wrong with a setting, and the small parts that settings are read from.

Each fault is declared once, with two sentences: one for whoever edits the JSON at the command line, which begins with
the setting's name, and a kind one (for gettext) that the set-up page shows at the field. This module knows no
database.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portal import reading
from portal.i18n import N_


@dataclass(frozen=True)
class Fault:
    """What is wrong with a setting, for a page: ``said`` is a sentence for gettext, ``given`` stands in it, ``where``
    says which part of the setting it is ("monday", "2-phone", "occasions-1-opens"), or is empty."""

    said: str
    given: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""


class BadSettings(ValueError):
    """Settings that cannot be right. ``problems`` holds one sentence per setting, by the setting's name; ``faults`` the
    same for a page."""

    def __init__(self, problems: Mapping[str, str], faults: Mapping[str, Fault]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems, self.faults = dict(problems), dict(faults)


class Bad(ValueError):
    """The end of the sentence "<setting> …", and the fault for a page."""

    def __init__(self, ending: str, said: str, where: str = "", **given: Any) -> None:
        super().__init__(ending)
        self.fault = Fault(said, given, where)

    def within(self, where: str, ending: str = "") -> "Bad":
        """The same, found in a part of something larger."""
        inner = self.fault
        deeper = f"{where}-{inner.where}" if inner.where else where
        return Bad(ending or str(self), inner.said, deeper, **dict(inner.given))


WRONG = N_("Something on this page could not be read. Please load the page again")
"""For what no page of ours sends: only a changed form, or the command line."""

# --- small parts ------------------------------------------------------------------------------------------------------


def text(longest: int) -> Callable[[Any], str]:
    """A reader of one line of words, or none."""

    def read(given: Any) -> str:
        if not isinstance(given, str):
            raise Bad("must be text.", WRONG)
        if not given.strip():
            return ""
        try:
            return reading.text(given, longest)
        except reading.Unreadable:
            raise Bad(
                f"must be one line of at most {longest} characters.",
                N_("Write one line with at most %(longest)s characters"),
                longest=longest,
            ) from None

    return read


def number(lowest: int, highest: int) -> Callable[[Any], int]:
    """A reader of a whole number between the two."""

    def read(given: Any) -> int:
        if not isinstance(given, int) or isinstance(given, bool) or not lowest <= given <= highest:
            raise Bad(
                f"must be a whole number from {lowest} to {highest}.",
                N_("Enter a whole number from %(lowest)s to %(highest)s"),
                lowest=lowest,
                highest=highest,
            )
        return given

    return read


def yes_or_no(given: Any) -> bool:
    """True or false. Raises Bad."""
    if not isinstance(given, bool):
        raise Bad("must be true or false.", WRONG)
    return given


def a_list(given: Any, most: int) -> list[Any]:
    """A list that is not too long. Raises Bad."""
    if not isinstance(given, (list, tuple)) or len(given) > most:
        raise Bad(f"must be a list of at most {most}.", N_("Use fewer. There can be %(most)s at most"), most=most)
    return list(given)


def phone(given: Any) -> str:
    """A phone number as it is shown, or none. Raises Bad."""
    shown = text(30)(given)
    # Short numbers such as 111 and 116 123 are helplines, which reading.phone rightly refuses for a person.
    if shown and not re.fullmatch(r"\+?[0-9][0-9 ]{2,28}", shown):
        raise Bad(
            "must be a phone number, such as 01234 567890.",
            N_("Enter a phone number with digits and spaces, such as 01234 567890"),
        )
    return shown


def email(given: Any) -> str:
    """An email address, or none. Raises Bad."""
    if given == "":
        return ""
    try:
        return reading.email(text(reading.LONGEST_EMAIL)(given))
    except reading.Unreadable:
        raise Bad(
            "must be an email address, such as hello@example.org.",
            N_("Enter an email address, such as hello@example.org"),
        ) from None
