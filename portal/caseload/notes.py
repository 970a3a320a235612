"""Notes that are no contact: for staff, or shared with the person. Never changed; corrected by a new one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import CaseNote as CaseNote  # the doors name it in their types


class Gone(LookupError):
    """There is no such referral or no such note in this service."""


@dataclass(frozen=True)
class Note:
    """A note, and the one that puts it right, if there is one."""

    note: CaseNote
    corrected_by: CaseNote | None


def write(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    words: str,
    shared: bool,
    corrects: uuid.UUID | None = None,
    note_id: uuid.UUID | None = None,
) -> CaseNote:
    """A new note. One that ``corrects`` another is shared as that one was. Raises ``Gone``."""
    raise NotImplementedError


def of_referral(store: Session, actor: Actor, referral_id: uuid.UUID) -> Sequence[Note]:
    """The notes of a case, the latest first."""
    raise NotImplementedError


def shared_with(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[CaseNote]:
    """The notes that this person may read, the latest first; what was put right is left out."""
    raise NotImplementedError
