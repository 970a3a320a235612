"""What a person needs so that they can understand and be understood (Accessible Information Standard, DAPB1605): kept
as rows, looked at again every twelve months and at each new episode, ended and never deleted.

What the person says in a form becomes rows in ``portal.people``; here is what staff do with them.
"""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from portal import access, audit, codes
from portal.access import Actor
from portal.caseload.cases import Gone as Gone
from portal.caseload.cases import Meanwhile as Meanwhile
from portal.caseload.cases import NotPossible as NotPossible
from portal.caseload.cases import held, plain, refused_day
from portal.caseload.lists import NEED_OF, codes_in
from portal.caseload.triage import needs_to_review as to_review
from portal.caseload.triage import settle
from portal.clock import now, today
from portal.journeys.access_needs import BY_CODE, DETAIL, TERMS
from portal.people.access_needs import next_review
from portal.store import AccessNeed as AccessNeed  # the doors name it in their types
from portal.store import Referral

__all__ = [
    "LONGEST",
    "LONGEST_NOT_MET",
    "AccessNeed",
    "Gone",
    "Meanwhile",
    "NotPossible",
    "add",
    "change",
    "end",
    "in_own_words",
    "of_person",
    "read",
    "review",
    "to_review",
]

LONGEST, LONGEST_NOT_MET = 500, 500
_ORDER = {term.code: place for place, term in enumerate(TERMS)}


def add(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    need: str,
    detail: str = "",
    if_not_met: str = "",
    need_of: str = "self",
    need_id: uuid.UUID | None = None,
) -> AccessNeed:
    """A need that was found with the person; to be looked at again in a year. The same need twice is one.

    Raises ``Gone``, and ``NotPossible`` with a code by the field (need, need_of: not-listed; detail: missing, for what
    no term says; too-long; unreadable; if_not_met: too-long, unreadable).
    """
    problems: dict[str, str] = {}
    term = BY_CODE.get(need)
    if term is None:
        problems["need"] = "not-listed"
    if need_of not in codes_in(NEED_OF):
        problems["need_of"] = "not-listed"
    about = plain(detail, LONGEST, "detail", problems, needed=need in NEEDS_WORDS)
    otherwise = plain(if_not_met, LONGEST_NOT_MET, "if_not_met", problems)
    if problems or term is None:
        raise NotPossible(problems)
    referral = held(store, actor, referral_id)
    if need_id and (there := _found(store, referral, need_id)):
        return there
    made = AccessNeed(
        service_id=referral.service_id,
        id=need_id or codes.new_id(),
        person_id=referral.person_id,
        category=term.category,
        need=need,
        detail=about or None,
        if_not_met=otherwise or None,
        need_of=need_of,
        recorded_by=actor.staff_id,
        review_due=next_review(today()),
    )
    store.add(made)
    store.flush()
    audit.record(store, actor.service_id, actor, "recorded an access need", "access_need", made.id, need=need)
    settle(store, actor, referral)
    return made


NEEDS_WORDS = ("other-place", "other-need", "in-their-words", "alternative-communication-skill")
"""The terms that say nothing by themselves."""


def review(store: Session, actor: Actor, referral_id: uuid.UUID, need_id: uuid.UUID) -> AccessNeed:
    """It was looked at with the person and is still right: the next time is in a year. Raises ``Gone``."""
    referral, found = _one(store, actor, referral_id, need_id)
    if found.ended_at is None:
        _reviewed(store, actor, referral, found, next_review(today()))
    return found


def read(store: Session, actor: Actor, referral: Referral, need_id: uuid.UUID) -> AccessNeed:
    """One need of the person. Raises ``Gone``."""
    access.require(actor, access.Permission.WORK_ON_CASE)
    found = _found(store, referral, need_id)
    if found is None:
        raise Gone
    return found


def change(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    need_id: uuid.UUID,
    *,
    version: int,
    detail: str = "",
    if_not_met: str = "",
    review_due: date | None = None,
) -> AccessNeed:
    """It was looked at with the person, and this is what exactly it is, what follows when it is not met, and when it is
    looked at again: in a year, or sooner. What the person wrote of it themselves stays as they wrote it.

    ``version``: which one the page showed. Raises ``Gone``, ``NotPossible`` (detail: missing, for what no term says;
    detail, if_not_met: too-long, unreadable; review_due: past, too-far), and ``Meanwhile`` with the need as it stands
    when a colleague has changed or ended it since.
    """
    referral, found = _one(store, actor, referral_id, need_id)
    problems: dict[str, str] = {}
    about = found.detail or ""
    if not in_own_words(found):
        about = plain(detail, LONGEST, "detail", problems, needed=found.need in NEEDS_WORDS)
    otherwise = plain(if_not_met, LONGEST_NOT_MET, "if_not_met", problems)
    due = review_due or next_review(today())
    if wrong := refused_day(due, next_review(today())):
        problems["review_due"] = wrong
    if problems:
        raise NotPossible(problems)
    same = (found.detail or "", found.if_not_met or "", found.review_due) == (about, otherwise, due)
    meanwhile = found.version != version or found.ended_at is not None
    if meanwhile and same and found.ended_at is None:
        return found  # sent twice, or a colleague said the very same
    if meanwhile:
        raise Meanwhile(found)
    found.detail, found.if_not_met = about or None, otherwise or None
    _reviewed(store, actor, referral, found, due)
    return found


def in_own_words(need: AccessNeed) -> bool:
    """Whether its words are the person's own, from their form or their page."""
    return need.said == DETAIL


def _reviewed(store: Session, actor: Actor, referral: Referral, need: AccessNeed, due: date) -> None:
    need.reviewed_at, need.reviewed_by, need.review_due = now(), actor.staff_id, due
    store.flush()
    audit.record(store, actor.service_id, actor, "reviewed an access need", "access_need", need.id)
    settle(store, actor, referral)


def end(store: Session, actor: Actor, referral_id: uuid.UUID, need_id: uuid.UUID) -> AccessNeed:
    """It is a need no more; it stays in the record, and ended twice it is ended once. Raises ``Gone``."""
    referral, found = _one(store, actor, referral_id, need_id)
    if found.ended_at is None:
        found.ended_at, found.ended_by = now(), actor.staff_id
        audit.record(store, actor.service_id, actor, "ended an access need", "access_need", found.id)
        settle(store, actor, referral)
    return found


def _one(store: Session, actor: Actor, referral_id: uuid.UUID, need_id: uuid.UUID) -> tuple[Referral, AccessNeed]:
    referral = held(store, actor, referral_id)
    found = _found(store, referral, need_id)
    if found is None:
        raise Gone
    return referral, found


def _found(store: Session, referral: Referral, need_id: uuid.UUID) -> AccessNeed | None:
    theirs = access.rows_of(referral.service_id, AccessNeed).where(
        AccessNeed.person_id == referral.person_id, AccessNeed.id == need_id
    )
    return store.scalar(theirs.execution_options(populate_existing=True))


def of_person(
    store: Session, service_id: uuid.UUID, person_id: uuid.UUID, *, ended: bool = False
) -> Sequence[AccessNeed]:
    """The open needs of a person in the order of the list; with ``ended`` those that have ended instead."""
    over = AccessNeed.ended_at.is_not(None) if ended else AccessNeed.ended_at.is_(None)
    theirs = access.rows_of(service_id, AccessNeed).where(AccessNeed.person_id == person_id, over)
    # A code that a newer version of the list does not have any more stands last.
    return sorted(store.scalars(theirs), key=lambda one: (_ORDER.get(one.need, len(_ORDER)), one.id))
