import threading
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import audit, tasks
from portal.access import Refused, Role
from portal.clock import now
from portal.store import Stores, Task
from tests.staffed import a_colleague, a_service, acting


def test_the_same_thing_is_asked_once(store: Session) -> None:
    service = a_service(store)
    first = tasks.add(store, service.id, "promise-broken", once="promise:1", due_at=now())
    again = tasks.add(store, service.id, "promise-broken", once="promise:1", due_at=now())
    other = tasks.add(store, a_service(store, "there").id, "promise-broken", once="promise:1", due_at=now())
    assert first is again
    assert other is not first


def test_two_workers_asking_at_the_same_moment_ask_once(stores: Stores) -> None:
    with stores.writing.begin() as store:
        service_id = a_service(store).id
    ready, failures = threading.Barrier(6), list[BaseException]()

    def ask() -> None:
        try:
            ready.wait()
            for number in range(10):
                with stores.writing.begin() as store:
                    tasks.add(store, service_id, "promise-broken", once=f"promise:{number}", due_at=now())
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with stores.reading.begin() as store:
        assert store.scalar(select(func.count()).select_from(Task)) == 10


def test_the_most_urgent_task_comes_first_and_a_finished_one_is_gone(store: Session) -> None:
    service, moment = a_service(store), now()
    actor = acting(a_colleague(store, service))
    later = tasks.add(store, service.id, "unfinished-form", once="a", due_at=moment + timedelta(days=1))
    sooner = tasks.add(store, service.id, "message-failed", once="b", due_at=moment)
    assert list(tasks.open_tasks(store, actor)) == [sooner, later]
    assert tasks.done(store, actor, sooner.id) is sooner
    assert list(tasks.open_tasks(store, actor)) == [later]
    finished_at = sooner.done_at
    tasks.done(store, actor, sooner.id)
    assert sooner.done_at == finished_at
    assert sooner.done_by == actor.staff_id
    store.flush()
    acts = [event.act for event in audit.history_of(store, service.id, sooner.id)]
    assert acts == ["asked for task", "finished task"]


def test_another_services_tasks_are_not_there(store: Session) -> None:
    here, there = a_service(store), a_service(store, "there")
    task = tasks.add(store, there.id, "promise-broken", once="a", due_at=now())
    actor = acting(a_colleague(store, here))
    seen: Sequence[Task] = tasks.open_tasks(store, actor)
    assert list(seen) == []
    assert tasks.done(store, actor, task.id) is None
    assert task.done_at is None


def test_only_those_who_care_for_people_see_tasks(store: Session) -> None:
    service = a_service(store)
    for role in (Role.ANALYST, Role.ADMINISTRATOR):
        actor = acting(a_colleague(store, service, role))
        with pytest.raises(Refused):
            tasks.open_tasks(store, actor)
        with pytest.raises(Refused):
            tasks.done(store, actor, service.id)


def test_every_kind_has_words_and_no_other_kind_is_taken(store: Session) -> None:
    assert set(tasks.KIND_NAMES) == set(tasks.Kind)
    with pytest.raises(ValueError, match="cup-of-tea"):
        tasks.add(store, a_service(store).id, "cup-of-tea", once="a", due_at=now())
