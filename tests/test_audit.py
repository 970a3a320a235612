"""The audit shows who did what, and shows when somebody has altered it."""

import uuid

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from portal import audit
from portal.access import Actor, Role
from portal.store import AuditEvent, AuditSeal, Service
from tests.staffed import a_service


@pytest.fixture
def service(store: Session) -> Service:
    made = a_service(store)
    store.execute(delete(AuditEvent))
    return made


def written(store: Session, service: Service, number: int = 3) -> list[uuid.UUID]:
    about = [uuid.uuid4() for _ in range(number)]
    for one in about:
        audit.record(store, service.id, None, "did something", "referral", one, colour="green")
    store.flush()
    return about


def test_an_untouched_audit_gives_no_doubt(store: Session, service: Service) -> None:
    written(store, service)
    audit.seal(store, service.id)
    written(store, service)
    audit.seal(store, service.id)
    written(store, service, 1)
    assert audit.verify(store, service.id) == []


def test_a_row_says_who_did_it(store: Session, service: Service) -> None:
    about = uuid.uuid4()
    audit.record(store, service.id, None, "sent a form", "referral", about)
    actor = Actor(service.id, uuid.uuid4(), "Lin", Role.MANAGER)
    audit.record(store, service.id, actor, "read a referral", "referral", about, reason="covering for a colleague")
    audit.record(store, service.id, None, "expired a draft", "draft", about, actor_kind="system")
    store.flush()
    kinds = [(event.actor_kind, event.actor_id) for event in audit.history_of(store, service.id, about)]
    assert kinds == [("person", None), ("staff", actor.staff_id), ("system", None)]


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    "change", [{"act": "did nothing"}, {"reason": "none"}, {"details": {"colour": "red"}}, {"actor_kind": "system"}]
)
def test_a_changed_row_is_named(store: Session, service: Service, change: dict[str, object], sealed: bool) -> None:
    about = written(store, service)
    if sealed:
        audit.seal(store, service.id)
    store.execute(update(AuditEvent).where(AuditEvent.about_id == about[1]).values(**change))
    store.expire_all()
    assert "a row was changed" in {doubt.what for doubt in audit.verify(store, service.id)}


def test_a_removed_row_of_a_sealed_set_is_noticed(store: Session, service: Service) -> None:
    about = written(store, service)
    audit.seal(store, service.id)
    store.execute(delete(AuditEvent).where(AuditEvent.about_id == about[1]))
    store.expire_all()
    assert "rows were added to or removed from a sealed set" in {one.what for one in audit.verify(store, service.id)}


def test_a_removed_seal_is_noticed(store: Session, service: Service) -> None:
    for _ in range(3):
        written(store, service)
        audit.seal(store, service.id)
    second = AuditSeal.number == 2
    gone = store.query(AuditSeal).where(second).one()
    store.execute(update(AuditEvent).where(AuditEvent.seal_id == gone.id).values(seal_id=None))
    store.execute(delete(AuditSeal).where(second))
    store.expire_all()
    assert "a seal is missing" in {doubt.what for doubt in audit.verify(store, service.id)}


def test_a_set_whose_size_was_mended_still_shows(store: Session, service: Service) -> None:
    about = written(store, service)
    made = audit.seal(store, service.id)
    assert made is not None
    store.execute(delete(AuditEvent).where(AuditEvent.about_id == about[0]))
    store.execute(update(AuditSeal).values(rows=2))
    store.expire_all()
    assert {doubt.about_id for doubt in audit.verify(store, service.id)} == {made.id}


def test_sealing_nothing_makes_no_seal(store: Session, service: Service) -> None:
    assert audit.seal(store, service.id) is None


def test_more_rows_than_one_statement_takes_are_all_sealed(store: Session, service: Service) -> None:
    written(store, service, 1201)
    made = audit.seal(store, service.id)
    assert made is not None
    assert made.rows == 1201
    assert audit.verify(store, service.id) == []
    assert audit.count(store, service.id) == 1201
