"""Safeguarding concerns: whoever works with people writes one down, few read them (data dictionary 3.4; PRSB 5).

They are in nothing that the person, a GP or a community group reads.
"""

import uuid
from collections.abc import Sequence

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import Safeguarding as Safeguarding  # the doors name it in their types
from portal.store import Service, Staff


class Gone(LookupError):
    """There is no such referral or no such concern in this service."""


def record(
    store: Session,
    service: Service,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    concern: str,
    action_taken: str = "",
    concern_id: uuid.UUID | None = None,
) -> Safeguarding:
    """Write a concern down; a manager is told that there is one. Raises ``Refused`` and ``Gone``."""
    raise NotImplementedError


def read(store: Session, actor: Actor, referral_id: uuid.UUID) -> Sequence[Safeguarding]:
    """The concerns about the person, the latest first; the reading is written down. Raises ``Refused`` and ``Gone``."""
    raise NotImplementedError


def open_count(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> int:
    """How many concerns are open: all that may be known without the permission to read them."""
    raise NotImplementedError


def readers(store: Session, service_id: uuid.UUID) -> Sequence[Staff]:
    """Whom to ask: everybody who works here and may read what is written down, by name."""
    raise NotImplementedError
