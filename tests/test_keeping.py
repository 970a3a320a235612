"""On the day that was set when a case ended, a manager decides whether the record is kept; no clock deletes."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, clock, referrals, retention, tasks
from portal.access import Refused, Role
from portal.caseload import closing, risks
from portal.retention import keeping
from portal.retention.keeping import NothingToDecide
from portal.store import Closure, Referral, Service, ServiceUser, Task
from tests.inspector import InspectedClient
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

ENDED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
DAY = date(2034, 11, 23)
LATER = datetime(2034, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def amina(store: Session, service: Service) -> Member:
    return staff_member(store, service, name="Amina")


@pytest.fixture
def manager(store: Session, service: Service) -> Member:
    return staff_member(store, service, Role.MANAGER, name="Moss")


def an_end(store: Session, service: Service, amina: Member, referral: Referral, reason: str = "goals-met") -> Closure:
    with clock.at(ENDED):
        referrals.accept(store, service, amina.actor, referral.id)
        risks.none_known(store, amina.actor, referral.id)
        outcomes = dict.fromkeys(referrals.needs_of(store, referral), "resolved")
        said: dict[str, Any] = {"summary": "All well.", "person_summary": "Thank you."}
        closure = closing.close(
            store, service, amina.actor, referral.id, reason=reason, outcomes=outcomes, no_action=True, **said
        )
    store.commit()
    return closure


@pytest.fixture
def end(store: Session, service: Service, amina: Member, manager: Member) -> Closure:
    return an_end(store, service, amina, a_referral(store, service))


@pytest.fixture
def later(end: Closure) -> Iterator[None]:
    """The day that was set has come."""
    with clock.at(LATER):
        yield


def asked(store: Session) -> list[Task]:
    return list(store.scalars(select(Task).where(Task.kind == "retention-review").order_by(Task.id)))


def test_a_manager_is_asked_on_the_day_and_once(
    store: Session, service: Service, end: Closure, manager: Member
) -> None:
    with clock.at(LATER - timedelta(days=1)):
        assert keeping.ask(store, service) == 0
    with clock.at(LATER):
        assert end.retention_review_due == DAY
        assert keeping.ask(store, service) == 1
        assert keeping.ask(store, service) == 0
        (task,) = asked(store)
        assert (task.referral_id, task.assigned_to, task.done_at) == (end.referral_id, manager.actor.staff_id, None)
        assert task.due_at.date() == date(2034, 12, 24)
        tasks.done(store, manager.actor, task.id)
        assert keeping.ask(store, service) == 0
        # Saying that the task is done decides nothing: it stays on the list.
        assert [one.closure.id for one in keeping.to_decide(store, manager.actor)] == [end.id]
    assert store.get(Referral, (service.id, end.referral_id))


@pytest.mark.usefixtures("later")
def test_what_is_kept_is_asked_about_again_after_so_many_years(
    store: Session, service: Service, end: Closure, manager: Member
) -> None:
    keeping.ask(store, service)
    assert keeping.keep(store, manager.actor, end.referral_id, 2) == date(2036, 11, 23)
    (task,) = asked(store)
    assert task.done_by == manager.actor.staff_id
    assert keeping.to_decide(store, manager.actor) == []
    assert keeping.ask(store, service) == 0
    told = audit.history_of(store, service.id, end.referral_id)[-1]
    assert (told.act, told.actor_id) == ("decided to keep a record", manager.actor.staff_id)
    assert told.details == {"closure": str(end.id), "until": "2036-11-23"}
    with pytest.raises(NothingToDecide):
        keeping.keep(store, manager.actor, end.referral_id, 2)
    with clock.at(LATER.replace(year=2036)):
        assert keeping.ask(store, service) == 1
    assert len(asked(store)) == 2


@pytest.mark.usefixtures("later")
def test_nobody_is_asked_about_somebody_whom_we_work_with_or_whose_later_case_keeps_the_record(
    store: Session, service: Service, end: Closure, amina: Member, manager: Member
) -> None:
    again = a_referral(store, service, first_name="Zofia")
    again.person_id = end.person_id
    store.flush()
    assert keeping.ask(store, service) == 0
    second = an_end(store, service, amina, again)
    second.retention_review_due = DAY + timedelta(days=1)
    store.flush()
    assert keeping.ask(store, service) == 0
    with clock.at(LATER + timedelta(days=1)):
        assert keeping.ask(store, service) == 1
    assert [one.referral_id for one in asked(store)] == [again.id]


def test_a_case_that_is_opened_again_is_nothing_to_decide_about(
    store: Session, service: Service, end: Closure, amina: Member, manager: Member
) -> None:
    with clock.at(ENDED + timedelta(days=90)):
        end.retention_review_due = clock.today()
        keeping.ask(store, service)
        closing.reopen(store, service, amina.actor, end.referral_id, because="They rang.")
        (task,) = asked(store)
        assert (task.done_at is not None, task.done_by) == (True, None)
        assert keeping.due(store, manager.actor, end.referral_id) is None


@pytest.mark.usefixtures("later")
def test_the_task_goes_with_the_record(store: Session, service: Service, end: Closure, manager: Member) -> None:
    keeping.ask(store, service)
    request = retention.ask_erasure(store, service, end.person_id, manager.actor)
    assert keeping.to_decide(store, manager.actor) == []
    retention.erase(store, manager.actor, request_id=request.id)
    assert asked(store) == []
    assert store.scalars(select(ServiceUser)).all() == []


@pytest.mark.usefixtures("later")
def test_only_a_manager_of_this_service_decides(
    store: Session, service: Service, end: Closure, amina: Member, manager: Member
) -> None:
    for act in (keeping.to_decide, lambda store, actor: keeping.keep(store, actor, end.referral_id, 1)):
        with pytest.raises(Refused):
            act(store, amina.actor)
    elsewhere = staff_member(store, a_service(store, "there"), Role.MANAGER)
    assert keeping.to_decide(store, elsewhere.actor) == []
    with pytest.raises(NothingToDecide):
        keeping.keep(store, elsewhere.actor, end.referral_id, 1)
    with pytest.raises(ValueError, match="7"):
        keeping.keep(store, manager.actor, end.referral_id, 7)


@pytest.mark.usefixtures("later")
def test_from_today_to_the_decision_and_from_there_to_erasing(
    client: InspectedClient, store: Session, service: Service, end: Closure, manager: Member
) -> None:
    keeping.ask(store, service)
    store.commit()
    sign_in(client, store, manager)
    page = f"/staff/referrals/{end.referral_id}/keeping"
    assert page in client.get("/staff/today").get_data(as_text=True)
    assert page in client.get("/staff/tasks").get_data(as_text=True)
    assert "Thursday 23 November 2034" in words_of(client.get("/staff/erasures"))
    assert "ended on Monday 23 November 2026" in words_of(client.get(page))
    assert press(client, page, "keeping").status_code == 422
    kept = press(client, page, "keeping", decision="2")
    assert kept.status_code == 303
    assert "Do we still need these records?" not in words_of(client.get("/staff/erasures"))
    assert "nothing to decide" in words_of(client.get(page))
    assert page not in client.get("/staff/today").get_data(as_text=True)
    with clock.at(LATER.replace(year=2036)):
        sign_in(client, store, manager)
        on = press(client, page, "keeping", decision="erase")
        assert on.status_code == 303
        assert "Erase a person’s record" in words_of(client.get(on.location or ""))
