"""Teams, who may read about safeguarding, and what somebody who leaves still has in hand."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import accounts, audit, clock, referrals, services, tasks
from portal.access import Actor, Permission, Refused, Role, may
from portal.accounts import NotTaken, OpenWork
from portal.store import Service, Staff
from tests.inspector import InspectedClient
from tests.staffed import a_colleague, acting
from tests.world import Member, a_referral, a_service, press, sign_in, staff_member, words_of

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with clock.at(MORNING):
        yield


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store, "st-ives", teams=["North", "South"])


@pytest.fixture
def boss(store: Session, service: Service) -> Actor:
    return acting(a_colleague(store, service, Role.ADMINISTRATOR))


@pytest.fixture
def manager(store: Session, service: Service) -> Actor:
    return acting(a_colleague(store, service, Role.MANAGER))


@pytest.fixture
def amina(store: Session, service: Service) -> Staff:
    return a_colleague(store, service, name="Amina Yusuf")


def acts_on(store: Session, staff: Staff) -> list[str]:
    store.flush()
    return [event.act for event in audit.history_of(store, staff.service_id, staff.id)]


# Teams ---------------------------------------------------------------------------------------------------------------


def test_a_colleague_is_put_into_a_team_and_out_again(store: Session, boss: Actor, amina: Staff) -> None:
    for team, kept in (("North", "North"), ("South", "South"), ("South", "South"), ("", None)):
        moved = accounts.move_to_team(store, boss, amina.id, team)
        assert moved is not None
        assert moved.team == kept
    assert acts_on(store, amina) == ["moved to a team"] * 3
    (_, second, last) = audit.history_of(store, amina.service_id, amina.id)
    assert second.details["values"] == {"team": ["North", "South"]}
    assert last.details["values"] == {"team": ["South", None]}


def test_a_team_that_the_service_does_not_have_is_refused(store: Session, boss: Actor, amina: Staff) -> None:
    with pytest.raises(NotTaken) as refused:
        accounts.move_to_team(store, boss, amina.id, "East")
    assert refused.value.problems == {"team": "Select a team from the list"}
    services.change(store, boss, {"teams": ["South"]})
    with pytest.raises(NotTaken):
        accounts.move_to_team(store, boss, amina.id, "North")
    assert amina.team is None


def test_only_who_manages_the_team_moves_somebody_and_only_who_is_here(
    store: Session, boss: Actor, manager: Actor, amina: Staff
) -> None:
    with pytest.raises(Refused):
        accounts.move_to_team(store, manager, amina.id, "North")
    stranger = a_colleague(store, a_service(store, "ely", teams=["North"]))
    gone = a_colleague(store, store.get_one(Service, boss.service_id), state="left")
    for staff_id in (stranger.id, gone.id, uuid.uuid4()):
        assert accounts.move_to_team(store, boss, staff_id, "North") is None


# Safeguarding --------------------------------------------------------------------------------------------------------


def test_a_manager_lets_a_link_worker_read_about_safeguarding_and_takes_it_back(
    store: Session, manager: Actor, amina: Staff
) -> None:
    for allowed in (True, True, False):
        assert accounts.let_read_safeguarding(store, manager, amina.id, allowed) is amina
        assert amina.safeguarding is allowed
    assert acts_on(store, amina) == ["let read safeguarding", "no longer lets read safeguarding"]


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.LINK_WORKER, Role.ANALYST])
def test_nobody_but_a_manager_decides_who_reads_about_safeguarding(
    store: Session, service: Service, amina: Staff, role: Role
) -> None:
    somebody = a_colleague(store, service, role)
    granted = frozenset({Permission.READ_SAFEGUARDING})
    actor = Actor(service.id, somebody.id, somebody.name, role, granted=granted)
    with pytest.raises(Refused):
        accounts.let_read_safeguarding(store, actor, amina.id, True)
    assert amina.safeguarding is False


def test_a_role_that_reads_no_case_cannot_be_let_and_loses_what_it_had(
    store: Session, boss: Actor, manager: Actor, amina: Staff, service: Service
) -> None:
    analyst = a_colleague(store, service, Role.ANALYST)
    assert accounts.let_read_safeguarding(store, manager, analyst.id, True) is None
    assert accounts.let_read_safeguarding(store, manager, manager.staff_id, True) is None
    accounts.let_read_safeguarding(store, manager, amina.id, True)
    accounts.change_role(store, boss, amina.id, Role.ANALYST.value)
    accounts.change_role(store, boss, amina.id, Role.LINK_WORKER.value)
    assert amina.safeguarding is False
    assert acts_on(store, amina).count("no longer lets read safeguarding") == 1


def test_whoever_has_left_may_read_nothing_when_they_come_back(
    store: Session, boss: Actor, manager: Actor, amina: Staff
) -> None:
    accounts.let_read_safeguarding(store, manager, amina.id, True)
    accounts.leave(store, boss, amina.id)
    assert amina.safeguarding is False
    assert accounts.let_read_safeguarding(store, manager, amina.id, True) is None


def test_another_services_people_are_not_there(store: Session, manager: Actor) -> None:
    stranger = a_colleague(store, a_service(store, "ely"))
    assert accounts.let_read_safeguarding(store, manager, stranger.id, True) is None
    assert stranger.safeguarding is False


# Leaving -------------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_what_each_has_in_hand_is_counted_without_a_name(store: Session, service: Service, boss: Actor) -> None:
    worker = staff_member(store, service).actor
    staff_member(store, service, Role.MANAGER)
    first, second = (a_referral(store, service, first_name=name) for name in ("Ada", "Bea"))
    for one in (first, second):
        referrals.accept(store, service, worker, one.id)
    with clock.later(timedelta(minutes=1)):
        services.set_duty(
            store, acting(a_colleague(store, service, Role.MANAGER)), "duty", worker.staff_id, clock.now()
        )
        a_referral(store, service, first_name="Cleo", urgency="not-safe")
    task = tasks.add(store, service.id, tasks.Kind.UNFINISHED_FORM, once="made-up", due_at=clock.now())
    task.assigned_to = worker.staff_id
    store.flush()
    assert accounts.open_work(store, boss)[worker.staff_id] == OpenWork(cases=2, alerts=1, tasks=5), (
        "for each of the two cases two things to tell, and the one that was asked by name"
    )
    with pytest.raises(Refused):
        accounts.open_work(store, worker)
    other = a_service(store, "ely")
    assert accounts.open_work(store, acting(a_colleague(store, other, Role.MANAGER))) == {}


# On the pages --------------------------------------------------------------------------------------------------------


@pytest.fixture
def worker(store: Session, service: Service) -> Member:
    made = staff_member(store, service, name="Amina Yusuf")
    staff_member(store, service, Role.MANAGER)
    store.commit()
    return made


@pytest.fixture
def running(client: InspectedClient, store: Session, service: Service, worker: Member) -> InspectedClient:
    """A browser in which an administrator is signed in."""
    boss = staff_member(store, service, Role.ADMINISTRATOR)
    store.commit()
    sign_in(client, store, boss)
    return client


def _colleague(client: InspectedClient, member: Member) -> TestResponse:
    return client.get(f"/staff/team/{member.actor.staff_id}")


def test_a_team_is_chosen_on_the_page_of_a_colleague(running: InspectedClient, worker: Member) -> None:
    address = f"/staff/team/{worker.actor.staff_id}"
    assert press(running, address, "/team", team="South").location == f"{address}?done=team"
    assert "Team South" in words_of(_colleague(running, worker))
    assert "South" in words_of(running.get("/staff/team"))
    refused = press(running, address, "/team", team="East")
    assert refused.status_code == 422
    assert "Select a team from the list" in words_of(refused)
    press(running, address, "/team", team="-")
    assert "Team South" not in words_of(_colleague(running, worker))


def test_leaving_with_work_in_hand_is_seen_first(
    running: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    referrals.accept(store, service, worker.actor, a_referral(store, service).id)
    store.commit()
    address = f"/staff/team/{worker.actor.staff_id}"
    assert "Open cases 1" in words_of(_colleague(running, worker))
    assert "1 open case" in words_of(running.get("/staff/team"))
    refused = press(running, address, "/left")
    assert refused.status_code == 422
    assert "Tick the box to say that you have seen" in words_of(refused)
    assert "#seen" in refused.get_data(as_text=True)
    assert press(running, address, "/left", seen="yes").location == "/staff/team?done=left"
    said = words_of(running.get("/staff/team"))
    assert "Has left In hand 1 open case" in said, "what waits for somebody else stays in sight"


def test_a_manager_decides_on_the_page_of_the_team_who_reads_about_safeguarding(
    client: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    manager = staff_member(store, service, Role.MANAGER)
    store.commit()
    sign_in(client, store, manager)
    assert "Amina Yusuf. May not read it." in words_of(client.get("/staff/team"))
    press(client, "/staff/team", "/safeguarding")
    assert "Amina Yusuf. May read it." in words_of(client.get("/staff/team?done=safeguarding"))
    press(client, "/staff/team", "/safeguarding")
    assert "Amina Yusuf. May not read it." in words_of(client.get("/staff/team"))


def test_what_a_manager_lets_counts_from_the_next_request_on(
    client: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    actor = sign_in(client, store, worker)
    assert not may(actor, Permission.READ_SAFEGUARDING)
    boss = acting(a_colleague(store, service, Role.MANAGER))
    accounts.let_read_safeguarding(store, boss, worker.actor.staff_id, True)
    store.commit()
    token = client.get_cookie(client.application.config["SIGN_IN_COOKIE"])
    assert token is not None
    now_acting = accounts.actor_for(store, service.id, token.value)
    assert may(now_acting, Permission.READ_SAFEGUARDING)


def test_an_administrator_sees_who_was_let_and_cannot_change_it(
    running: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    boss = acting(a_colleague(store, service, Role.MANAGER))
    accounts.let_read_safeguarding(store, boss, worker.actor.staff_id, True)
    store.commit()
    page = running.get("/staff/team")
    assert "Amina Yusuf. May read it." in words_of(page)
    assert "/safeguarding" not in page.get_data(as_text=True)
    assert "May read what is written down about it" in words_of(_colleague(running, worker))
