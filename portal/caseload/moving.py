"""Cases change hands: to a colleague, a whole caseload at once, or to another service of this portal.

Another service stays blind to ours: it gets a referral of its own with the fields that were listed before, and nothing
else. No case stays with somebody who has left.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import CaseMove as CaseMove  # the doors name it in their types
from portal.store import Referral, Service


@dataclass(frozen=True)
class Holder:
    """Somebody who has open cases: their name, how many, and whether they still work here with cases."""

    staff_id: uuid.UUID | None
    name: str
    many: int
    here: bool


def holders(store: Session, actor: Actor) -> list[Holder]:
    """Who has how many open cases; those who have left, or read cases no more, first."""
    raise NotImplementedError


def nobodys(store: Session, actor: Actor, after: uuid.UUID | None = None, most: int = 50) -> Sequence[Referral]:
    """Open cases that nobody has who works here, the oldest first; those beyond ``after``."""
    raise NotImplementedError


def give_all(store: Session, service: Service, actor: Actor, from_staff: uuid.UUID | None, to_staff: uuid.UUID) -> int:
    """Give every open case of one colleague to another, in one act. How many. Raises ``referrals.NotThere``."""
    raise NotImplementedError


def move(
    store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, to: str, *, urgency: str, word: str
) -> CaseMove:
    """Move a case to another service of this portal (its short name). Raises ``referrals.Gone``, ``closing.NotOpen``,
    ``referrals.NotAllowed``, ``closing.NeedsWords``, ``NotTakenThere``."""
    raise NotImplementedError


def fields(referral_answers: Mapping[str, object]) -> dict[str, object]:
    """What goes along, by the code of the question: listed on the page before anything is sent."""
    raise NotImplementedError
