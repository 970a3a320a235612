"""The risk record: what staff know that could go wrong, or that nothing is known (data dictionary 3.4; PRSB 17).

It is for staff, never a rating and never asked of the person. A risk is ended, never deleted.
"""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import Referral
from portal.store import Risk as Risk  # the doors name it in their types

NONE_KNOWN = "none-known"
LONGEST = 150


class Gone(LookupError):
    """There is no such referral or no such risk in this service."""


class NotPossible(ValueError):
    """Something that cannot be: ``problems`` holds a code by the field (kind: not-listed, risks-known; words: missing,
    too-long; started: future; review_due: past)."""

    def __init__(self, problems: "dict[str, str]") -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in problems.items()))
        self.problems = problems


def record(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    kind: str,
    words: str = "",
    started: date | None = None,
    review_due: date | None = None,
    risk_id: uuid.UUID | None = None,
) -> Risk:
    """A risk of the list RISK_KINDS; "no known risks" ends by it. ``risk_id`` makes doing it twice one. Raises
    ``Gone`` and ``NotPossible``."""
    raise NotImplementedError


def none_known(store: Session, actor: Actor, referral_id: uuid.UUID) -> Risk:
    """Say that no risks are known; said twice, it is said once. Raises ``Gone``, and ``NotPossible`` (kind:
    risks-known) while a risk is open."""
    raise NotImplementedError


def end(store: Session, actor: Actor, referral_id: uuid.UUID, risk_id: uuid.UUID) -> Risk:
    """It is a risk no more; it stays in the record. Raises ``Gone``."""
    raise NotImplementedError


def of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, *, ended: bool = False) -> Sequence[Risk]:
    """The open risks of a person (or "none known"), the latest first; with ``ended`` those that have ended instead."""
    raise NotImplementedError


def is_said(store: Session, referral: Referral) -> bool:
    """Whether a risk of the person is open, or "no known risks" was said in this very referral."""
    raise NotImplementedError
