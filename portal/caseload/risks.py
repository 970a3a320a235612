"""The risk record: what staff know that could go wrong, or that nothing is known (data dictionary 3.4; PRSB 17).

It is for staff, never a rating and never asked of the person. A risk is ended, never deleted.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from sqlalchemy import ColumnElement, and_, exists
from sqlalchemy.orm import Session, aliased

from portal import access, audit, codes
from portal.access import Actor
from portal.caseload.cases import Gone as Gone
from portal.caseload.cases import Meanwhile as Meanwhile
from portal.caseload.cases import NotPossible as NotPossible
from portal.caseload.cases import held, plain, refused_day
from portal.caseload.lists import RISK_KINDS, codes_in
from portal.caseload.triage import NONE_KNOWN as NONE_KNOWN
from portal.caseload.triage import risk_is_said as is_said
from portal.caseload.triage import settle
from portal.clock import now, today
from portal.store import Referral
from portal.store import Risk as Risk  # the doors name it in their types

__all__ = [
    "LONGEST",
    "NONE_KNOWN",
    "LOOK_AGAIN",
    "Gone",
    "Meanwhile",
    "NotPossible",
    "Risk",
    "end",
    "goes_on",
    "is_said",
    "none_known",
    "of_person",
    "read",
    "record",
    "review",
    "said_anew",
]

LONGEST = 150
LOOK_AGAIN = timedelta(days=91)
"""When a risk that is still there is offered to be looked at the next time."""


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
    """A risk of the list RISK_KINDS; "no known risks" ends by it. ``risk_id`` makes doing it twice one.

    Raises ``Gone``, and ``NotPossible`` with a code by the field (kind: not-listed; words: missing, for a risk of
    another kind; too-long; unreadable; started: future; review_due: past, too-far).
    """
    problems: dict[str, str] = {}
    text = plain(words, LONGEST, "words", problems, needed=kind == "other")
    if kind not in codes_in(RISK_KINDS):
        problems["kind"] = "not-listed"
    if started and started > today():
        problems["started"] = "future"
    if wrong := refused_day(review_due):
        problems["review_due"] = wrong
    if problems:
        raise NotPossible(problems)
    referral = held(store, actor, referral_id)
    if risk_id and (there := _found(store, referral, risk_id)):
        return there
    for one in of_person(store, referral.service_id, referral.person_id):
        if one.kind == NONE_KNOWN:
            _end(store, actor, one)
    return _add(store, actor, referral, risk_id, kind=kind, words=text or None, started=started, review_due=review_due)


def none_known(store: Session, actor: Actor, referral_id: uuid.UUID) -> Risk:
    """Say that no risks are known; said twice, it is said once. Raises ``Gone``, and ``NotPossible`` (kind:
    risks-known) while a risk is open."""
    referral = held(store, actor, referral_id)
    for one in of_person(store, referral.service_id, referral.person_id):
        if one.kind != NONE_KNOWN:
            raise NotPossible({"kind": "risks-known"})
        if one.referral_id == referral.id:
            return one
        _end(store, actor, one)  # said in an earlier episode: it is said anew in this one
    return _add(store, actor, referral, None, kind=NONE_KNOWN)


def _add(
    store: Session,
    actor: Actor,
    referral: Referral,
    risk_id: uuid.UUID | None,
    *,
    kind: str,
    words: str | None = None,
    started: date | None = None,
    review_due: date | None = None,
) -> Risk:
    made = Risk(
        service_id=referral.service_id,
        id=risk_id or codes.new_id(),
        person_id=referral.person_id,
        referral_id=referral.id,
        kind=kind,
        words=words,
        started=started or today(),
        review_due=review_due,
        recorded_by=actor.staff_id,
    )
    store.add(made)
    store.flush()
    audit.record(store, actor.service_id, actor, "recorded a risk", "risk", made.id, kind=kind)
    settle(store, actor, referral)
    return made


def read(store: Session, actor: Actor, referral: Referral, risk_id: uuid.UUID) -> Risk:
    """One risk of the person, as it stands now: where its words were said anew, the row that says them. Raises
    ``Gone``."""
    access.require(actor, access.Permission.WORK_ON_CASE)
    found = _found(store, referral, risk_id)
    if found is None or found.kind == NONE_KNOWN:
        raise Gone
    while found.ended_at is not None and (following := _following(store, found)):
        found = following
    return found


def review(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    risk_id: uuid.UUID,
    *,
    version: int,
    words: str = "",
    review_due: date | None = None,
) -> Risk:
    """It was looked at and is still so: when to look again, if at all, and the words for it as they are right now.

    The day it began stays. Other words, or the first look in a later referral, begin a row of their own, and the one
    before ends in that moment, so that what was known when stays in the record (``said_anew`` finds those).
    ``version``: which one the page showed. Saved twice it is saved once. Raises ``Gone``, ``NotPossible`` (words:
    missing, too-long, unreadable; review_due: past, too-far), and ``Meanwhile`` with the risk as it stands when a
    colleague has ended it or looked at it since.
    """
    referral = held(store, actor, referral_id)
    risk = read(store, actor, referral, risk_id)
    problems: dict[str, str] = {}
    text = plain(words, LONGEST, "words", problems, needed=risk.kind == "other")
    if wrong := refused_day(review_due):
        problems["review_due"] = wrong
    if problems:
        raise NotPossible(problems)
    same_words = (risk.words or "") == text
    meanwhile = risk.id != risk_id or risk.version != version or risk.ended_at is not None
    if meanwhile and same_words and risk.review_due == review_due and risk.ended_at is None:
        return risk  # sent twice, or a colleague said the very same
    if meanwhile:
        raise Meanwhile(risk)
    moment = now()
    if same_words and risk.referral_id == referral.id:
        risk.review_due = review_due
    else:
        risk.ended_at, risk.ended_by, before = moment, actor.staff_id, risk
        risk = Risk(
            service_id=referral.service_id,
            created_at=moment,
            person_id=referral.person_id,
            referral_id=referral.id,
            kind=before.kind,
            words=text or None,
            started=before.started,
            review_due=review_due,
            recorded_by=actor.staff_id,
        )
        store.add(risk)
    store.flush()
    audit.record(store, actor.service_id, actor, "reviewed a risk", "risk", risk.id, kind=risk.kind)
    settle(store, actor, referral)
    return risk


def said_anew() -> ColumnElement[bool]:
    """Of risks that have ended: those that have not, but go on in another row from that very moment."""
    later = aliased(Risk)
    return exists().where(
        and_(
            later.service_id == Risk.service_id,
            later.person_id == Risk.person_id,
            later.kind == Risk.kind,
            later.started == Risk.started,
            later.created_at == Risk.ended_at,
        )
    )


def goes_on(ended: Risk, others: Iterable[Risk]) -> bool:
    """The same of one row that has ended, among the rows of its person."""
    was = (ended.kind, ended.started, ended.ended_at)
    return any((one.kind, one.started, one.created_at) == was for one in others)


def _following(store: Session, risk: Risk) -> Risk | None:
    theirs = access.rows_of(risk.service_id, Risk).where(
        Risk.person_id == risk.person_id,
        Risk.kind == risk.kind,
        Risk.started == risk.started,
        Risk.created_at == risk.ended_at,
    )
    return store.scalar(theirs.where(Risk.id != risk.id))


def end(store: Session, actor: Actor, referral_id: uuid.UUID, risk_id: uuid.UUID) -> Risk:
    """It is a risk no more; it stays in the record, and ended twice it is ended once. Raises ``Gone``."""
    referral = held(store, actor, referral_id)
    found = _found(store, referral, risk_id)
    if found is None:
        raise Gone
    if found.ended_at is None:
        _end(store, actor, found)
    return found


def _end(store: Session, actor: Actor, risk: Risk) -> None:
    risk.ended_at, risk.ended_by = now(), actor.staff_id
    audit.record(store, actor.service_id, actor, "ended a risk", "risk", risk.id, kind=risk.kind)
    store.flush()


def _found(store: Session, referral: Referral, risk_id: uuid.UUID) -> Risk | None:
    theirs = access.rows_of(referral.service_id, Risk).where(Risk.person_id == referral.person_id, Risk.id == risk_id)
    return store.scalar(theirs.execution_options(populate_existing=True))


def of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, *, ended: bool = False) -> Sequence[Risk]:
    """The open risks of a person (or "none known"), the latest first; with ``ended`` those that have ended instead."""
    over = Risk.ended_at.is_not(None) if ended else Risk.ended_at.is_(None)
    theirs = access.rows_of(service_id, Risk).where(Risk.person_id == person_id, over)
    return store.scalars(theirs.order_by(Risk.created_at.desc(), Risk.id.desc())).all()
