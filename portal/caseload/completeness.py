"""What is still missing in a case before the month ends: one list of checks, each with its reason and its standard."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import Referral


@dataclass(frozen=True)
class Check:
    """One thing that a case should have. ``why`` and ``standard`` say why it matters; ``where`` names the page on which
    it is filled in (a code that the door knows)."""

    code: str
    label: str
    why: str
    standard: str
    where: str


@dataclass(frozen=True)
class Found:
    """What the checks found: those that count for this case, and of them those that are missing."""

    counted: Sequence[Check]
    missing: Sequence[Check]

    @property
    def there(self) -> int:
        """How many of the counted ones are there."""
        return len(self.counted) - len(self.missing)


def of_case(store: Session, actor: Actor, referral: Referral) -> Found:
    """What is there and what is missing in this case."""
    raise NotImplementedError
