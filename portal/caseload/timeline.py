"""Everything that happened in a case, in one line of time, newest first, a page at a time."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import Referral


@dataclass(frozen=True)
class Moment:
    """One thing that happened: when, its ``kind`` (KINDS), by whom (empty for the person and the portal), the row it is
    about, and facts by name: codes, dates and the words of the row."""

    at: datetime
    kind: str
    about_id: uuid.UUID
    by: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """A part of the line, newest first, and where the next one begins (empty when there is nothing older)."""

    moments: tuple[Moment, ...]
    older: str


def page(store: Session, actor: Actor, referral: Referral, *, before: str = "", most: int = 30) -> Page:
    """The moments before the given place; a place that cannot be read is the beginning."""
    raise NotImplementedError
