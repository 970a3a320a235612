"""The team and the rota, as those who run a service see them. Every page is inspected by the client."""

import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import accounts, clock, services
from portal.access import Role
from portal.store import AuditEvent, Duty, Invitation, Message, Service, Staff
from portal.web import admin as door
from tests.inspector import InspectedClient, Page
from tests.world import Member, a_service, press, sign_in, staff_member, words_of

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with clock.at(MORNING):
        yield


@pytest.fixture
def service(store: Session) -> Service:
    made = a_service(store, "st-ives")
    store.commit()
    return made


@pytest.fixture
def boss(store: Session, service: Service) -> Member:
    made = staff_member(store, service, Role.ADMINISTRATOR, name="Rosa Marchetti")
    store.commit()
    return made


@pytest.fixture
def worker(store: Session, service: Service) -> Member:
    made = staff_member(store, service, name="Amina Yusuf", email="amina@staff.example")
    store.commit()
    return made


@pytest.fixture
def running(client: InspectedClient, store: Session, boss: Member) -> InspectedClient:
    """A browser in which the administrator is signed in."""
    sign_in(client, store, boss)
    return client


def _token(client: InspectedClient) -> str:
    page = Page(client.get("/staff/team").get_data(as_text=True))
    return next(field.get("value", "") for field in page.all("input") if field.get("name") == "csrf_token")


def _hrefs(response: TestResponse) -> list[str]:
    return [link.get("href", "") for link in Page(response.get_data(as_text=True)).all("a")]


def _state(store: Session, member: Member) -> tuple[str, str]:
    row = store.execute(select(Staff.role, Staff.state).where(Staff.id == member.actor.staff_id)).one()
    store.rollback()
    return row.role, row.state


# The team ------------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_the_team_is_listed_with_role_and_state(running: InspectedClient, store: Session, worker: Member) -> None:
    press(running, f"/staff/team/{worker.actor.staff_id}", "/left")
    said = words_of(running.get("/staff/team"))
    assert "Rosa Marchetti" in said
    assert "Amina Yusuf" in said
    assert "Has left" in said
    assert _state(store, worker) == ("link-worker", "left")


@pytest.mark.both_databases
def test_somebody_is_invited_by_a_message_with_a_working_link(running: InspectedClient, store: Session) -> None:
    invited = press(running, "/staff/team/invite", "/invite", email=" Jan@staff.example ", role="manager")
    assert (invited.status_code, invited.location) == (303, "/staff/team?done=invited")
    (message,) = store.scalars(select(Message)).all()
    link, address = message.details["link"], message.address
    store.rollback()
    assert address == "jan@staff.example"
    assert link.startswith("http://127.0.0.1:8000/staff/join/")
    assert "Set up your account" in words_of(running.get(link.removeprefix("http://127.0.0.1:8000")))
    assert "jan@staff.example" in words_of(running.get("/staff/team?done=invited"))


def test_an_invitation_can_be_taken_back(running: InspectedClient, store: Session) -> None:
    press(running, "/staff/team/invite", "/invite", email="jan@staff.example", role="manager")
    assert press(running, "/staff/team", "/withdraw").location == "/staff/team?done=withdrawn"
    assert "jan@staff.example" not in words_of(running.get("/staff/team"))
    again = running.post(
        f"/staff/team/invitations/{store.scalars(select(Invitation.id)).one()}/withdraw",
        data={"csrf_token": _token_of(running, store)},
    )
    assert again.status_code == 404


def _token_of(client: InspectedClient, store: Session) -> str:
    store.rollback()
    return _token(client)


@pytest.mark.parametrize(
    ("typed", "sentence", "field"),
    [
        ({"email": "", "role": "manager"}, "Enter an email address", "#email"),
        ({"email": "not an address", "role": "manager"}, "Enter an email address", "#email"),
        ({"email": "jan@staff.example"}, "Select a role", "#role"),
        ({"email": "jan@staff.example", "role": "chief"}, "Select a role", "#role"),
        ({"email": "AMINA@staff.example", "role": "manager"}, "has this email address already", "#email"),
        ({"email": "a\x00@staff.example", "role": "manager"}, "", "#email"),
        ({"email": "a@staff.example\r\nBcc: b@staff.example", "role": "manager"}, "", "#email"),
        ({"email": "a" * 5000, "role": "manager"}, "", "#email"),
    ],
)
def test_an_invitation_that_cannot_be_sent_says_why_and_keeps_what_was_typed(
    running: InspectedClient, store: Session, worker: Member, typed: dict[str, str], sentence: str, field: str
) -> None:
    shown = press(running, "/staff/team/invite", "/invite", **typed)
    assert shown.status_code == 422
    assert sentence in words_of(shown)
    assert field in _hrefs(shown)
    page = Page(shown.get_data(as_text=True))
    kept = next(one for one in page.all("input") if one.get("name") == "email").get("value")
    assert (kept or "")[:10] == typed["email"].replace("\x00", "")[:10]
    chosen = [one.get("value") for one in page.all("input") if one.get("type") == "radio" and "checked" in one.attrib]
    assert chosen == [role for role in [typed.get("role")] if role in list(Role)]
    assert store.scalars(select(Message)).all() == []


def test_a_role_is_changed(running: InspectedClient, store: Session, worker: Member) -> None:
    address = f"/staff/team/{worker.actor.staff_id}"
    page = Page(running.get(address).get_data(as_text=True))
    assert [one.get("value") for one in page.all("input") if "checked" in one.attrib] == ["link-worker"]
    assert press(running, address, "/role", role="analyst").location == f"{address}?done=role"
    assert _state(store, worker) == ("analyst", "active")
    assert "The new role counts from now on" in words_of(running.get(f"{address}?done=role"))


def test_a_service_keeps_an_administrator_and_a_manager(
    running: InspectedClient, store: Session, service: Service, boss: Member
) -> None:
    manager = staff_member(store, service, Role.MANAGER)
    store.commit()
    for member in (boss, manager):
        address = f"/staff/team/{member.actor.staff_id}"
        for ending, typed in (("/role", {"role": "analyst"}), ("/left", {})):
            shown = press(running, address, ending, **typed)
            assert shown.status_code == 422
            assert "Make somebody else" in words_of(shown)
        assert _state(store, member) == (member.actor.role.value, "active")


def test_a_role_nobody_knows_is_refused(running: InspectedClient, store: Session, worker: Member) -> None:
    for typed in ({}, {"role": "chief"}, {"role": ""}, {"role": "\x00"}):
        shown = press(running, f"/staff/team/{worker.actor.staff_id}", "/role", **typed)
        assert shown.status_code == 422
        assert "#role" in _hrefs(shown)
    assert _state(store, worker) == ("link-worker", "active")


def test_a_lost_phone_ends_everything_and_sends_a_link(
    app: Flask, running: InspectedClient, store: Session, worker: Member
) -> None:
    phone = app.test_client()
    assert isinstance(phone, InspectedClient)
    sign_in(phone, store, worker)
    assert press(running, f"/staff/team/{worker.actor.staff_id}", "/second-factor").location == "/staff/team?done=link"
    assert phone.get("/staff/account").status_code == 302
    assert "Waits for the new link" in words_of(running.get("/staff/team"))
    (message,) = store.scalars(select(Message)).all()
    assert message.address == worker.email


def test_somebody_can_be_signed_out_everywhere(
    app: Flask, running: InspectedClient, store: Session, worker: Member
) -> None:
    phone = app.test_client()
    assert isinstance(phone, InspectedClient)
    sign_in(phone, store, worker)
    address = f"/staff/team/{worker.actor.staff_id}"
    assert press(running, address, "/end-sign-ins").location == f"{address}?done=ended"
    assert phone.get("/staff/account").status_code == 302
    assert _state(store, worker) == ("link-worker", "active")


def test_whoever_has_left_can_no_longer_be_changed(running: InspectedClient, store: Session, worker: Member) -> None:
    address = f"/staff/team/{worker.actor.staff_id}"
    press(running, address, "/left")
    assert "This person has left" in words_of(running.get(address))
    token = _token(running)
    assert running.post(f"{address}/left", data={"csrf_token": token}).status_code == 404
    assert running.post(f"{address}/second-factor", data={"csrf_token": token}).status_code == 404
    assert running.post(f"{address}/role", data={"csrf_token": token, "role": "manager"}).status_code == 404


def test_another_services_people_are_not_there(running: InspectedClient, store: Session) -> None:
    elsewhere = a_service(store, "ely")
    stranger = staff_member(store, elsewhere, Role.MANAGER, name="Olga Petrenko")
    store.commit()
    token = _token(running)
    assert "Olga" not in words_of(running.get("/staff/team"))
    for staff_id in (stranger.actor.staff_id, uuid.uuid4()):
        assert running.get(f"/staff/team/{staff_id}").status_code == 404
        for ending in ("role", "end-sign-ins", "second-factor", "left"):
            posted = running.post(f"/staff/team/{staff_id}/{ending}", data={"csrf_token": token, "role": "manager"})
            assert posted.status_code == 404
    assert _state(store, stranger) == ("manager", "active")


@pytest.mark.parametrize("role", [Role.LINK_WORKER, Role.MANAGER, Role.ANALYST])
def test_only_an_administrator_changes_the_team(
    client: InspectedClient, store: Session, service: Service, worker: Member, role: Role
) -> None:
    member = staff_member(store, service, role)
    store.commit()
    sign_in(client, store, member)
    account = Page(client.get("/staff/account").get_data(as_text=True))
    token = next(field.get("value") for field in account.all("input") if field.get("name") == "csrf_token")
    address = f"/staff/team/{worker.actor.staff_id}"
    for ending in ("/role", "/end-sign-ins", "/second-factor", "/left"):
        posted = client.post(f"{address}{ending}", data={"csrf_token": token, "role": "manager"})
        assert posted.status_code == 403
    for page in (address, "/staff/team/invite"):
        assert client.get(page).status_code == 403
    assert client.get("/staff/team").status_code == (200 if role is Role.MANAGER else 403)
    assert client.get("/staff/rota").status_code == (200 if role is Role.MANAGER else 403)
    assert _state(store, worker) == ("link-worker", "active")
    refused = store.scalars(select(AuditEvent.act).where(AuditEvent.actor_id == member.actor.staff_id)).all()
    assert refused.count("was refused") >= 6


def test_a_manager_sees_the_team_without_what_they_cannot_press(
    client: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    manager = staff_member(store, service, Role.MANAGER)
    store.commit()
    sign_in(client, store, manager)
    hrefs = _hrefs(client.get("/staff/team"))
    assert not [href for href in hrefs if href.startswith("/staff/team/")]
    assert "/staff/rota" in hrefs


# The rota ------------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_a_turn_is_added_and_shows_who_holds_the_position(
    running: InspectedClient, store: Session, worker: Member
) -> None:
    staff_id = str(worker.actor.staff_id)
    added = press(running, "/staff/rota", "/rota", position="duty", staff=staff_id, starts="", ends="")
    assert (added.status_code, added.location) == (303, "/staff/rota?done=added")
    assert services.holder(store, worker.actor.service_id, "duty", MORNING) == worker.actor.staff_id
    store.rollback()
    assert "On duty Amina Yusuf" in words_of(running.get("/staff/rota"))


def test_first_and_last_day_belong_to_the_turn_in_london(
    running: InspectedClient, store: Session, worker: Member
) -> None:
    staff_id = str(worker.actor.staff_id)
    press(running, "/staff/rota", "/rota", position="deputy", staff=staff_id, starts="28/03/2027", ends="٢٨ ٣ ٢٠٢٧")
    (turn,) = store.scalars(select(Duty)).all()
    # The clocks go forward on that day: it has 23 hours.
    assert (turn.starts_at, turn.ends_at) == (
        datetime(2027, 3, 28, 0, tzinfo=UTC),
        datetime(2027, 3, 28, 23, tzinfo=UTC),
    )


def test_a_turn_can_be_ended(running: InspectedClient, store: Session, worker: Member) -> None:
    press(running, "/staff/rota", "/rota", position="duty", staff=str(worker.actor.staff_id), starts="", ends="")
    with clock.later(timedelta(minutes=5)):
        assert press(running, "/staff/rota", "/end").location == "/staff/rota?done=ended"
        assert "Nothing is planned" in words_of(running.get("/staff/rota"))
    token = _token(running)
    assert running.post(f"/staff/rota/{uuid.uuid4()}/end", data={"csrf_token": token}).status_code == 404


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"position": ""}, "#position"),
        ({"position": "king"}, "#position"),
        ({"staff": ""}, "#staff"),
        ({"staff": "not an id"}, "#staff"),
        ({"staff": "00000000-0000-7000-8000-000000000000"}, "#staff"),
        ({"position": "manager"}, "#staff"),
        ({"starts": "tomorrow"}, "#starts"),
        ({"starts": "31 2 2027"}, "#starts"),
        ({"starts": "22 11 2026"}, "#starts"),
        ({"starts": "1 1 2999"}, "#starts"),
        ({"starts": "9" * 5000}, "#starts"),
        ({"ends": "22 11 2026"}, "#ends"),
        ({"starts": "1 12 2026", "ends": "30 11 2026"}, "#ends"),
        ({"ends": "\x00"}, "#ends"),
        ({"ends": "0 0 0"}, "#ends"),
    ],
)
def test_a_turn_that_cannot_be_says_why_and_keeps_what_was_typed(
    running: InspectedClient, store: Session, worker: Member, typed: dict[str, str], field: str
) -> None:
    given = {"position": "duty", "staff": str(worker.actor.staff_id), "starts": "24 11 2026", "ends": "", **typed}
    shown = press(running, "/staff/rota", "/rota", **given)
    assert shown.status_code == 422
    assert field in _hrefs(shown)
    page = Page(shown.get_data(as_text=True))
    kept = next(one for one in page.all("input") if one.get("name") == "starts").get("value")
    assert kept == given["starts"]
    assert store.scalars(select(Duty)).all() == []


def test_only_people_who_may_hold_a_position_are_offered(
    running: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    analyst = staff_member(store, service, Role.ANALYST)
    gone = staff_member(store, service)
    store.commit()
    press(running, f"/staff/team/{gone.actor.staff_id}", "/left")
    page = Page(running.get("/staff/rota").get_data(as_text=True))
    offered = {option.get("value") for option in page.all("option")}
    assert offered == {"", str(worker.actor.staff_id)}
    assert str(analyst.actor.staff_id) not in offered


def test_a_page_left_open_too_long_changes_nothing(running: InspectedClient, store: Session, worker: Member) -> None:
    given = {"csrf_token": "stale", "position": "duty", "staff": str(worker.actor.staff_id), "email": "x@staff.example"}
    for address in ("/staff/rota", "/staff/team/invite", f"/staff/team/{worker.actor.staff_id}/role"):
        shown = running.post(address, data={**given, "role": "manager"})
        assert shown.status_code == 422
        assert "Please press the button again" in words_of(shown)
    assert store.scalars(select(Duty)).all() == []
    assert store.scalars(select(Message)).all() == []
    assert _state(store, worker) == ("link-worker", "active")


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("24 11 2026", date(2026, 11, 24)),
        ("24/11/26", date(2026, 11, 24)),
        ("24.11.2026", date(2026, 11, 24)),
        ("2026-11-24", date(2026, 11, 24)),
        ("۲۴ ۱۱ ۲۰۲۶", date(2026, 11, 24)),
        ("24112026", None),
        ("24 11", None),
        ("24 13 2026", None),
        ("24 11 2026 x", None),
        ("1 2 3 4", None),
        ("", None),
        ("99 99 99", None),
        ("0 0 0", None),
    ],
)
def test_days_are_read_as_people_type_them(typed: str, day: date | None) -> None:
    assert door.read_day(typed) == day


def test_every_act_is_in_the_audit(running: InspectedClient, store: Session, worker: Member) -> None:
    address = f"/staff/team/{worker.actor.staff_id}"
    press(running, "/staff/team/invite", "/invite", email="jan@staff.example", role="manager")
    press(running, address, "/role", role="manager")
    press(running, address, "/end-sign-ins")
    press(running, "/staff/rota", "/rota", position="manager", staff=str(worker.actor.staff_id), starts="", ends="")
    acts = set(store.scalars(select(AuditEvent.act)).all())
    assert {"invited staff", "changed role", "ended all sign-ins", "set duty"} <= acts


@pytest.mark.parametrize("language", ["cy", "pl", "ur"])
def test_the_pages_stand_in_every_language(running: InspectedClient, worker: Member, language: str) -> None:
    for address in ("/staff/team", "/staff/rota", "/staff/team/invite", f"/staff/team/{worker.actor.staff_id}"):
        shown = running.get(f"/{language}{address}")
        assert shown.status_code == 200
        assert f'lang="{language}"' in shown.get_data(as_text=True)


def test_accounts_and_the_door_agree_on_who_may_hold_a_position(
    store: Session, service: Service, boss: Member, worker: Member
) -> None:
    for role in Role:
        member = staff_member(store, service, role)
        staff = accounts.colleague(store, boss.actor, member.actor.staff_id)
        try:
            services.set_duty(store, boss.actor, "duty", member.actor.staff_id, MORNING)
            taken = True
        except services.BadDuty:
            taken = False
        assert door._may_hold(staff) is taken
