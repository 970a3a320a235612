"""What a person says in a form about their access needs, kept as rows of the Accessible Information Standard."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from portal import access
from portal.clock import now, today
from portal.journeys.access_needs import BY_CODE, DETAIL, IN_THEIR_WORDS, SAID
from portal.store import AccessNeed, ServiceUser


def next_review(day: date) -> date:
    """The same day a year later: a need is looked at again at least every twelve months (DAPB1605)."""
    return day.replace(year=day.year + 1, day=min(day.day, 28) if day.month == 2 else day.day)


FIELDS = ("access_needs", "access_detail", "interpreter")
"""What a person changes when they say something about their needs."""


def follow(store: Session, person: ServiceUser, recorded_by: uuid.UUID | None = None) -> None:
    """Make the rows say what the person has said: a new choice is a new row, one that is taken back ends. What staff
    found is theirs, and stays; it is not written down a second time. ``recorded_by``: who wrote it down for them."""
    wanted: list[tuple[str, str | None]] = [
        (said, None) for said in dict.fromkeys([*person.access_needs, person.interpreter]) if said in SAID
    ]
    if person.access_detail:
        wanted.append((DETAIL, person.access_detail))
    there = [(row, (row.said, row.detail if row.said == DETAIL else None)) for row in _said(store, person)]
    for row, said in there:
        if said not in wanted:
            row.ended_at = now()
    known = [said for _, said in there]
    found = _found_by_staff(store, person)
    wanted = [(said, detail) for said, detail in wanted if said == DETAIL or SAID[said] not in found]
    for code, detail in [said for said in wanted if said not in known]:
        _add(store, person, code, detail, recorded_by)
    store.flush()


def _said(store: Session, person: ServiceUser) -> Sequence[AccessNeed]:
    theirs = access.rows_of(person.service_id, AccessNeed).where(
        AccessNeed.person_id == person.id, AccessNeed.said.is_not(None), AccessNeed.ended_at.is_(None)
    )
    return store.scalars(theirs).all()


def _found_by_staff(store: Session, person: ServiceUser) -> set[str]:
    theirs = access.rows_of(person.service_id, AccessNeed).where(
        AccessNeed.person_id == person.id,
        AccessNeed.said.is_(None),
        AccessNeed.need_of == "self",
        AccessNeed.ended_at.is_(None),
    )
    return {row.need for row in store.scalars(theirs)}


def _add(store: Session, person: ServiceUser, said: str, detail: str | None, recorded_by: uuid.UUID | None) -> None:
    need = SAID.get(said, IN_THEIR_WORDS)
    store.add(
        AccessNeed(
            service_id=person.service_id,
            person_id=person.id,
            category=BY_CODE[need].category,
            need=need,
            said=said,
            detail=detail,
            recorded_by=recorded_by,
            review_due=next_review(today()),
        )
    )
