from itertools import count

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal import tasks
from portal.access import rows_of
from portal.clock import now
from portal.codes import new_id
from portal.store import Task
from portal.store.once import write_once
from tests.staffed import a_service


def test_when_another_was_quicker_theirs_is_the_row(store: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    service = a_service(store)
    theirs = tasks.add(store, service.id, "promise-broken", once="a", due_at=now())
    ours = Task(service_id=service.id, kind="promise-broken", once="a", due_at=now(), details={})
    really, looks = store.scalar, count()
    # At the first look theirs was not yet to be seen.
    monkeypatch.setattr(store, "scalar", lambda same: really(same) if next(looks) else None)
    assert write_once(store, ours, rows_of(service.id, Task).where(Task.once == "a")) == (theirs, False)
    monkeypatch.undo()
    assert list(store.scalars(select(Task))) == [theirs]


def test_what_the_database_refuses_for_another_reason_stays_refused(store: Session) -> None:
    service = a_service(store)
    nobodys = Task(service_id=service.id, kind="promise-broken", once="a", due_at=now(), details={}, person_id=new_id())
    with pytest.raises(IntegrityError):
        write_once(store, nobodys, rows_of(service.id, Task).where(Task.once == "a"))
    assert list(store.scalars(select(Task))) == []
