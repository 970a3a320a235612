"""Colleagues who use the directory say that an activity was checked, or what is wrong with it."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import clock, directory, tasks
from portal.access import Refused, Role
from portal.clock import now, today
from portal.codes import new_id
from portal.directory import NotTaken, Words, keeping
from portal.store import Activity, AuditEvent, Service, Task, canonical
from tests.inspector import InspectedClient
from tests.world import Member, a_service, press, sign_in, staff_member, words_of

WORDS = "It is on Tuesdays now."


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store, activity_fresh_days=90)


@pytest.fixture
def worker(store: Session, service: Service) -> Member:
    return staff_member(store, service, name="Amina")


@pytest.fixture
def manager(store: Session, service: Service) -> Member:
    return staff_member(store, service, Role.MANAGER, name="Moss")


@pytest.fixture
def choir(store: Session, manager: Member) -> Activity:
    made = keeping.add(store, manager.actor, new_id(), Words(name="Town choir", provider="Town Choirs"))
    store.commit()
    return made


def asked(store: Session) -> list[Task]:
    return list(store.scalars(select(Task).where(Task.kind == "activity-wrong").order_by(Task.id)))


def test_a_link_worker_says_that_it_was_checked_and_it_is_offered_again(
    store: Session, service: Service, worker: Member, choir: Activity
) -> None:
    with clock.later(timedelta(days=100)):
        stale = directory.activity(store, service.id, choir.id)
        assert stale
        assert not stale.offered
        assert keeping.mark_checked(store, worker.actor, choir.id)
        fresh = directory.activity(store, service.id, choir.id)
        assert fresh
        assert (fresh.offered, fresh.checked_on, choir.checked_by) == (True, today(), worker.actor.staff_id)


def test_what_is_wrong_is_a_task_for_a_manager_until_it_is_put_right(
    store: Session, worker: Member, manager: Member, choir: Activity
) -> None:
    assert keeping.say_wrong(store, worker.actor, choir.id, WORDS)
    assert keeping.say_wrong(store, worker.actor, choir.id, WORDS), "pressed twice"
    assert keeping.say_wrong(store, manager.actor, choir.id, "The number is wrong.")
    (task,) = asked(store)
    assert (task.assigned_to, task.details) == (manager.actor.staff_id, {"activity": str(choir.id)})
    found = keeping.said_wrong(store, worker.actor, choir.id)
    assert found
    assert (found.words, found.by) == (f"{WORDS}\n\nThe number is wrong.", "Amina")
    assert keeping.put_right(store, manager.actor, choir.id)
    assert keeping.said_wrong(store, worker.actor, choir.id) is None
    assert task.done_at
    told = store.scalars(select(AuditEvent).where(AuditEvent.about_id == choir.id)).all()
    assert "Tuesdays" not in canonical([one.details for one in told])
    with clock.later(timedelta(days=1)):
        keeping.say_wrong(store, worker.actor, choir.id, WORDS)
        assert len(asked(store)) == 2


@pytest.mark.parametrize(("words", "problem"), [("", "missing"), (" \u200b\n", "missing"), ("x" * 1001, "too-long")])
def test_words_that_cannot_be_kept_are_refused(
    store: Session, worker: Member, choir: Activity, words: str, problem: str
) -> None:
    with pytest.raises(NotTaken, match=problem):
        keeping.say_wrong(store, worker.actor, choir.id, words)
    assert asked(store) == []


def test_so_many_words_and_no_more(store: Session, worker: Member, choir: Activity) -> None:
    for letter in "abc":
        keeping.say_wrong(store, worker.actor, choir.id, letter * 1000)
    with pytest.raises(NotTaken, match="full"):
        keeping.say_wrong(store, worker.actor, choir.id, "d" * 1000)


def test_who_counts_figures_checks_nothing_and_who_uses_the_directory_does_not_manage_it(
    store: Session, service: Service, worker: Member, choir: Activity
) -> None:
    analyst = staff_member(store, service, Role.ANALYST)
    with pytest.raises(Refused):
        keeping.mark_checked(store, analyst.actor, choir.id)
    with pytest.raises(Refused):
        keeping.say_wrong(store, analyst.actor, choir.id, WORDS)
    with pytest.raises(Refused):
        keeping.put_right(store, worker.actor, choir.id)
    stranger = staff_member(store, a_service(store, "there"))
    assert not keeping.say_wrong(store, stranger.actor, choir.id, WORDS)
    assert keeping.said_wrong(store, stranger.actor, choir.id) is None
    assert not keeping.mark_checked(store, stranger.actor, choir.id)


def test_the_page_takes_both_and_the_public_page_says_nothing_of_it(
    client: InspectedClient, store: Session, service: Service, worker: Member, manager: Member, choir: Activity
) -> None:
    page = f"/staff/activities/{choir.id}"
    sign_in(client, store, worker)
    assert press(client, page, "checked").status_code == 303
    empty = press(client, page, "wrong", words="")
    assert empty.status_code == 422
    assert "Write what is wrong with it" in words_of(empty)
    long = press(client, page, "wrong", words="x" * 1001)
    assert (long.status_code, "x" * 1001 in long.get_data(as_text=True)) == (422, True)
    assert press(client, page, "wrong", words=WORDS).status_code == 303
    shown = words_of(client.get(page))
    assert WORDS in shown
    assert "It is put right" not in shown
    sign_in(client, store, manager)
    assert page in client.get("/staff/today").get_data(as_text=True)
    assert press(client, page, "right").status_code == 303
    assert WORDS not in words_of(client.get(page))
    assert page not in client.get("/staff/today").get_data(as_text=True)
    keeping.say_wrong(store, worker.actor, choir.id, WORDS)
    store.commit()
    assert WORDS not in words_of(client.get(f"/activities/{choir.id}"))
    assert tasks.Kind.ACTIVITY_WRONG in {one.kind for one in asked(store)}
    assert now() < asked(store)[-1].due_at
