"""The store's own promises: no lost update, nothing readable that is stored encrypted, moments in UTC."""

import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from portal import held
from portal.codes import new_id
from portal.store import Service, Staff, Stores
from tests.staffed import a_colleague, a_service


@pytest.mark.slow
def test_no_update_is_lost_when_four_add_fifty_each(stores: Stores) -> None:
    """SQLite loses them without BEGIN IMMEDIATE, PostgreSQL without a version column; neither says so."""
    with stores.writing.begin() as store:
        where = a_service(store).id
        first = store.get_one(Service, where)
        first.settings = {"counted": 0}

    def add_fifty() -> None:
        for _ in range(50):
            while True:
                try:
                    with stores.writing.begin() as store:
                        row = store.get_one(Service, where)
                        time.sleep(0.0005)
                        row.settings = {"counted": row.settings["counted"] + 1}
                    break
                except StaleDataError:
                    continue

    threads = [threading.Thread(target=add_fifty) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with stores.reading() as store:
        assert store.get_one(Service, where).settings == {"counted": 200}


def test_what_is_stored_encrypted_cannot_be_read_in_the_database(store: Session) -> None:
    staff = a_colleague(store, a_service(store))
    staff.totp_secret = "VERYSECRETWORD"
    store.flush()
    raw = store.execute(text("select totp_secret from staff")).scalar_one()
    assert b"VERYSECRET" not in bytes(raw)
    store.expire_all()
    assert staff.totp_secret == "VERYSECRETWORD"


def test_a_value_moved_to_another_column_is_refused(store: Session) -> None:
    from cryptography.exceptions import InvalidTag

    from portal.store.database import Encrypted

    sealed = Encrypted("staff.totp_secret").process_bind_param("x", store.get_bind().dialect)
    with pytest.raises(InvalidTag):
        Encrypted("draft.answers").process_result_value(sealed, store.get_bind().dialect)


def test_a_new_key_encrypts_and_the_old_one_still_decrypts(store: Session) -> None:
    staff = a_colleague(store, a_service(store))
    store.flush()
    before = dict(held.encryption_keys())
    held.hold("x" * 40, {**before, 9: b"n" * 32})
    store.expire_all()
    assert staff.totp_secret == "made-up"
    staff.totp_secret = "changed"
    store.flush()
    assert bytes(store.execute(text("select totp_secret from staff")).scalar_one())[0] == 9


def test_a_moment_without_a_zone_is_refused_and_every_moment_comes_back_in_utc(store: Session) -> None:
    service = a_service(store)
    service.created_at = datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=1)))
    store.flush()
    store.expire_all()
    assert service.created_at == datetime(2026, 7, 1, 11, tzinfo=UTC)
    assert service.created_at.tzinfo is UTC
    service.created_at = datetime(2026, 7, 1, 12)
    with pytest.raises(StatementError):
        store.flush()


def test_a_reference_to_another_service_is_impossible(store: Session) -> None:
    from portal.store import Task

    here, there = a_service(store), a_service(store, "there")
    worker = a_colleague(store, there)
    store.add(
        Task(
            service_id=here.id,
            id=new_id(),
            kind="tell-the-person",
            once="x",
            details={},
            assigned_to=worker.id,
            due_at=datetime.now(UTC),
        )
    )
    with pytest.raises(IntegrityError):
        store.flush()
    store.rollback()


def test_the_same_staff_may_not_have_one_email_twice(store: Session) -> None:
    service = a_service(store)
    first = a_colleague(store, service)
    second = a_colleague(store, service)
    second.email = first.email
    with pytest.raises(IntegrityError):
        store.flush()
    store.rollback()
    assert store.query(Staff).count() == 0
