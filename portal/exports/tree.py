"""The copy as one tree, and why something that is kept is not in it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.i18n import N_

FORMAT, VERSION = "front-door-record", 1


@dataclass(frozen=True)
class Field:
    """One thing that is kept. ``value`` is what stands in the store, as JSON can hold it; ``words`` is the same for
    people, and empty for what only leads from one record to another."""

    code: str
    name: str
    value: object
    words: str


@dataclass(frozen=True)
class Entry:
    """One record: when it was written, and what it says."""

    id: str
    when: datetime
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Section:
    """All records of one kind, the oldest first."""

    code: str
    title: str
    entries: tuple[Entry, ...]


class Reason(StrEnum):
    """Why something that is kept is not in the copy."""

    KEYS = "keys"
    STAFF_WORDS = "staff-words"
    INNER = "inner"


REASONS: dict[Reason, str] = {
    Reason.KEYS: N_(
        "What keeps your page safe: codes and numbers that open it. We keep them so that nobody can read them, "
        "not even we."
    ),
    Reason.STAFF_WORDS: N_(
        "Notes that staff wrote for each other. You have a right to ask for them. Somebody reads them first, so that "
        "nobody else is put at risk. Ask your link worker, or call us."
    ),
    Reason.INNER: N_("Numbers that only the computer uses. They say nothing more about you than what is here."),
}


@dataclass(frozen=True)
class LeftOut:
    """What is kept and not in the copy: why, in words, which fields, and how often there is something in them."""

    reason: Reason
    words: str
    fields: tuple[str, ...]
    times: int


@dataclass(frozen=True)
class Everything:
    """The copy."""

    service: str
    made_at: datetime
    language: str
    sections: tuple[Section, ...]
    left_out: tuple[LeftOut, ...]
