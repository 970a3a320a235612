"""Today: everything that waits for one member of staff, why it is here, and the one next action."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from portal.access import Actor


@dataclass(frozen=True)
class Action:
    """What to press: the words, and the endpoint with its ids."""

    label: str
    endpoint: str
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TodayLine:
    """One thing that waits. ``kind`` is its group; ``why`` says in words why it is here; ``about`` is the name to use
    of the person, ``who`` has it, ``due`` when, ``late``: it was due before now."""

    kind: str
    why: str
    about: str
    who: str
    due: datetime | None
    late: bool
    action: Action
    referral_id: uuid.UUID | None = None


def lines(store: Session, actor: Actor) -> list[TodayLine]:
    """Everything that waits for the actor, in the order of the kinds."""
    raise NotImplementedError
