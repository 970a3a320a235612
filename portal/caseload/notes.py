"""Notes that are no contact: for staff, or shared with the person. Never changed; corrected by a new one."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from portal import access, audit, codes
from portal.access import Actor, Permission
from portal.caseload.cases import Gone as Gone
from portal.caseload.cases import NotPossible as NotPossible
from portal.caseload.cases import held, plain
from portal.store import CaseNote as CaseNote  # the doors name it in their types
from portal.store import Referral

LONGEST = 4000


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
    """A new note. One that ``corrects`` another is shared if that one was: what the person has read is put right where
    they read it, and what they never read does not reach them by a correction. ``note_id`` makes doing it twice one.

    Raises ``Gone``, and ``NotPossible`` (words: missing, too-long, unreadable).
    """
    problems: dict[str, str] = {}
    text = plain(words, LONGEST, "words", problems, needed=True)
    if problems:
        raise NotPossible(problems)
    referral = held(store, actor, referral_id)
    if note_id and (there := _found(store, referral, note_id)):
        return there
    if corrects is not None:
        wrong = _found(store, referral, corrects)
        if wrong is None:
            raise Gone
        shared = wrong.shared
    made = CaseNote(
        service_id=referral.service_id,
        id=note_id or codes.new_id(),
        person_id=referral.person_id,
        referral_id=referral.id,
        words=text,
        shared=shared,
        written_by=actor.staff_id,
        corrects=corrects,
    )
    store.add(made)
    store.flush()
    act = "corrected a note" if corrects else "wrote a note"
    audit.record(store, actor.service_id, actor, act, "case_note", made.id, shared=shared)
    return made


def find(store: Session, actor: Actor, referral: Referral, note_id: uuid.UUID) -> CaseNote:
    """A note of this case. Raises ``Gone``."""
    access.require(actor, Permission.READ_REFERRAL)
    found = _found(store, referral, note_id)
    if found is None:
        raise Gone
    return found


def _found(store: Session, referral: Referral, note_id: uuid.UUID) -> CaseNote | None:
    theirs = access.rows_of(referral.service_id, CaseNote).where(
        CaseNote.referral_id == referral.id, CaseNote.id == note_id
    )
    return store.scalar(theirs)


def of_referral(store: Session, actor: Actor, referral_id: uuid.UUID) -> list[Note]:
    """The notes of a case, the latest first."""
    access.require(actor, Permission.READ_REFERRAL)
    theirs = access.rows_of(actor.service_id, CaseNote).where(CaseNote.referral_id == referral_id)
    rows = store.scalars(theirs.order_by(CaseNote.created_at.desc(), CaseNote.id.desc())).all()
    # Corrected twice: the latest of the corrections counts.
    by = {row.corrects: row for row in reversed(rows) if row.corrects}
    return [Note(row, by.get(row.id)) for row in rows]


def shared_with(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[CaseNote]:
    """The notes that this person may read, the latest first; what was put right is left out."""
    theirs = access.rows_of(service_id, CaseNote).where(CaseNote.person_id == person_id, CaseNote.shared)
    rows = store.scalars(theirs.order_by(CaseNote.created_at.desc(), CaseNote.id.desc())).all()
    wrong = {row.corrects for row in rows}
    return [row for row in rows if row.id not in wrong]
