"""Passkeys, as rooms and doors: what is taken, what is refused, and how far one opens."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import accounts, clock
from portal.access import Role
from portal.accounts import passkeys
from portal.accounts.passkeys import NotAccepted
from portal.store import AuditEvent, Ceremony, Passkey, Service, SignIn, Staff
from tests.authenticator import Authenticator
from tests.inspector import InspectedClient, Page
from tests.world import Member, a_service, press, sign_in, staff_member

HOST, ORIGIN = "portal.example.org", "https://portal.example.org"
HERE = {"host": HOST, "origin": ORIGIN}
MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MUST_ASK = {
    *("admin.change_role", "admin.second_factor", "admin.left", "admin.safeguarding"),
    *("caseload.merge", "caseload.undo_merge", "erasure.erase"),
    *("passkeys.new", "providers.connect", "providers.keep", "sign_in.change_password"),
}
"""Acts that cannot be taken back, change whose record is whose, or give somebody more power."""


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def worker(store: Session, service: Service) -> Member:
    return staff_member(store, service)


def added(store: Session, service: Service, worker: Member, device: Authenticator, name: str = "My phone") -> Passkey:
    key, options = passkeys.begin_new(store, service, worker.actor, host=HOST)
    return passkeys.add(store, worker.actor, key, device.make(options), name, **HERE)


def a_device() -> Authenticator:
    return Authenticator(ORIGIN, HOST)


def shows(store: Session, service: Service, device: Authenticator) -> "accounts.SignedIn":
    key, options = passkeys.begin(store, service.id, host=HOST)
    return passkeys.let_in(store, service.id, key, device.show(options), **HERE)


def test_a_passkey_alone_signs_in_whoever_it_belongs_to(store: Session, service: Service, worker: Member) -> None:
    device = a_device()
    added(store, service, worker, device)
    opened = shows(store, service, device)
    assert opened.actor.staff_id == worker.actor.staff_id
    assert accounts.actor_for(store, service.id, opened.token) == opened.actor
    assert store.scalars(select(SignIn.via).where(SignIn.id == opened.actor.sign_in_id)).one() == "passkey"


def test_the_store_keeps_no_secret_of_it(store: Session, service: Service, worker: Member) -> None:
    device = a_device()
    row = added(store, service, worker, device)
    private = f"{device.key.private_numbers().private_value:x}"
    assert private not in " ".join(str(getattr(row, column)) for column in Passkey.__table__.columns.keys())  # noqa: SIM118
    assert store.scalars(select(Ceremony)).all() == []


@pytest.mark.parametrize(
    "device",
    [
        Authenticator("https://portal.example.com", HOST),
        Authenticator(ORIGIN, "elsewhere.example"),
        Authenticator(ORIGIN, HOST, verified=False),
    ],
    ids=["made for a false page", "made for another host", "nobody showed that it is they"],
)
def test_what_was_made_elsewhere_or_by_nobody_is_no_passkey(
    store: Session, service: Service, worker: Member, device: Authenticator
) -> None:
    with pytest.raises(NotAccepted, match="not-accepted"):
        added(store, service, worker, device)
    assert passkeys.own(store, worker.actor) == []


def test_a_false_page_cannot_use_a_passkey_that_is_ours(store: Session, service: Service, worker: Member) -> None:
    device = a_device()
    added(store, service, worker, device)
    device.origin = "https://portal.example.com"
    with pytest.raises(NotAccepted, match="not-accepted"):
        shows(store, service, device)
    assert store.scalars(select(AuditEvent.reason).order_by(AuditEvent.id.desc())).first() == "passkey"


def test_an_answer_works_once_and_for_ten_minutes(store: Session, service: Service, worker: Member) -> None:
    device = a_device()
    added(store, service, worker, device)
    key, options = passkeys.begin(store, service.id, host=HOST)
    said = device.show(options)
    passkeys.let_in(store, service.id, key, said, **HERE)
    with pytest.raises(NotAccepted, match="over"):
        passkeys.let_in(store, service.id, key, said, **HERE)
    key, options = passkeys.begin(store, service.id, host=HOST)
    with clock.at(clock.now() + timedelta(minutes=11)), pytest.raises(NotAccepted, match="over"):
        passkeys.let_in(store, service.id, key, device.show(options), **HERE)


def test_the_answer_to_another_question_opens_nothing(store: Session, service: Service, worker: Member) -> None:
    device = a_device()
    added(store, service, worker, device)
    _, other = passkeys.begin(store, service.id, host=HOST)
    key, _ = passkeys.begin(store, service.id, host=HOST)
    with pytest.raises(NotAccepted, match="not-accepted"):
        passkeys.let_in(store, service.id, key, device.show(other), **HERE)


def test_a_copied_key_is_known_by_its_counter(store: Session, service: Service, worker: Member) -> None:
    device = a_device()
    added(store, service, worker, device)
    device.count = 10
    shows(store, service, device)
    device.count = 3
    with pytest.raises(NotAccepted, match="not-accepted"):
        shows(store, service, device)


def test_somebody_else_s_passkey_is_not_taken_where_one_person_s_is_asked_for(
    store: Session, service: Service, worker: Member
) -> None:
    other, device = staff_member(store, service), a_device()
    added(store, service, other, device)
    key, options = passkeys.begin(store, service.id, host=HOST, staff_id=worker.actor.staff_id)
    with pytest.raises(NotAccepted, match="not-accepted"):
        passkeys.shown(store, service.id, key, device.show(options), **HERE)


def test_a_passkey_opens_its_own_service_alone(store: Session, service: Service, worker: Member) -> None:
    device, elsewhere = a_device(), a_service(store, "elsewhere")
    added(store, service, worker, device)
    with pytest.raises(NotAccepted, match="not-accepted"):
        shows(store, elsewhere, device)


def test_a_passkey_that_was_taken_off_or_whose_person_left_opens_nothing(
    store: Session, service: Service, worker: Member
) -> None:
    device, boss = a_device(), staff_member(store, service, Role.ADMINISTRATOR)
    row = added(store, service, worker, device)
    other = staff_member(store, service)
    assert not passkeys.end(store, other.actor, row.id)
    assert passkeys.end(store, worker.actor, row.id)
    with pytest.raises(NotAccepted, match="not-accepted"):
        shows(store, service, device)
    second = a_device()
    added(store, service, worker, second)
    accounts.leave(store, boss.actor, worker.actor.staff_id)
    with pytest.raises(NotAccepted, match="not-accepted"):
        shows(store, service, second)


def test_one_device_is_not_added_twice_and_not_for_two_people(store: Session, service: Service, worker: Member) -> None:
    device, other = a_device(), staff_member(store, service)
    added(store, service, worker, device)
    for whoever in (worker, other):
        with pytest.raises(NotAccepted, match="not-accepted"):
            added(store, service, whoever, device)


@pytest.mark.sweep
@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\x00b"])
def test_a_passkey_needs_a_name_that_fits(store: Session, service: Service, worker: Member, name: str) -> None:
    with pytest.raises(NotAccepted, match="name"):
        added(store, service, worker, a_device(), name)


@pytest.mark.sweep
@pytest.mark.parametrize("said", ["", "{}", "null", "[1]", '{"id": "x"}', "\x00", '{"id":"AA","response":5}'])
def test_what_is_no_answer_of_a_device_is_refused_kindly(
    store: Session, service: Service, worker: Member, said: str
) -> None:
    key, _ = passkeys.begin_new(store, service, worker.actor, host=HOST)
    with pytest.raises(NotAccepted):
        passkeys.add(store, worker.actor, key, said, "My phone", **HERE)
    key, _ = passkeys.begin(store, service.id, host=HOST)
    with pytest.raises(NotAccepted):
        passkeys.let_in(store, service.id, key, said, **HERE)


# The doors -----------------------------------------------------------------------------------------------------------


@dataclass
class Asking:
    """A page on which a device is asked: what its form sends, and what the device is handed."""

    fields: dict[str, str]
    options: str


def asking(response: TestResponse) -> Asking:
    page = Page(response.get_data(as_text=True))
    form = next(one for one in page.all("form") if one.get("data-passkey"))
    fields = {
        str(one.get("name")): str(one.get("value", "")) for one in form.iter("input") if one.get("type") == "hidden"
    }
    return Asking(fields, str(form.get("data-options")))


def a_box() -> Authenticator:
    """A device of somebody who looks at the pages of the tests."""
    return Authenticator("http://localhost", "localhost")


def with_a_passkey(client: InspectedClient, store: Session, worker: Member) -> Authenticator:
    """Somebody signs in, and adds one by the pages."""
    store.commit()
    sign_in(client, store, worker)
    device, shown = a_box(), asking(press(client, "/staff/account", "/passkeys/new"))
    kept = client.post(
        "/staff/passkeys", data={**shown.fields, "answer": device.make(shown.options), "name": "My work phone"}
    )
    assert kept.status_code == 303
    return device


def test_one_signs_in_with_it_by_the_pages(
    client: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    device = with_a_passkey(client, store, worker)
    assert "My work phone" in client.get("/staff/account").get_data(as_text=True)
    client.post("/staff/sign-out", data={"csrf_token": _token(client, "/staff/account")})
    assert client.get("/staff/account").status_code == 302
    shown = asking(press(client, "/staff/sign-in", "/sign-in/passkey"))
    back = client.post("/staff/sign-in/passkey/answer", data={**shown.fields, "answer": device.show(shown.options)})
    assert (back.status_code, back.location) == (303, "/staff/today")
    assert client.get("/staff/account").status_code == 200


def test_after_the_password_it_is_the_second_proof(
    client: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    device = with_a_passkey(client, store, worker)
    client.post("/staff/sign-out", data={"csrf_token": _token(client, "/staff/account")})
    press(client, "/staff/sign-in", "/sign-in", email=worker.email, password=worker.password)
    shown = asking(press(client, "/staff/second-factor", "/sign-in/passkey"))
    answered = {**shown.fields, "answer": device.show(shown.options)}
    assert client.post("/staff/sign-in/passkey/answer", data=answered).status_code == 303
    assert client.get("/staff/account").status_code == 200


def test_a_device_that_gives_nothing_is_told_kindly_and_can_try_again(
    client: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    store.commit()
    shown = press(client, "/staff/sign-in", "/sign-in/passkey")
    again = client.post("/staff/sign-in/passkey/answer", data={**asking(shown).fields, "answer": "{}"})
    assert again.status_code == 422
    assert asking(again).options != asking(shown).options


def _token(client: InspectedClient, address: str) -> str:
    page = Page(client.get(address).get_data(as_text=True))
    return next(str(one.get("value")) for one in page.all("input") if one.get("name") == "csrf_token")


# Showing again that it is you ----------------------------------------------------------------------------------------


def test_what_cannot_be_taken_back_asks_again_and_loses_nothing(
    client: InspectedClient, store: Session, service: Service
) -> None:
    boss, colleague = staff_member(store, service, Role.ADMINISTRATOR), staff_member(store, service)
    store.commit()
    with clock.at(MORNING):
        sign_in(client, store, boss)
    where = f"/staff/team/{colleague.actor.staff_id}"
    later = MORNING + timedelta(minutes=11)
    with clock.at(later):
        asked = press(client, where, "/role", role="analyst")
        assert asked.status_code == 200
        assert "Show again that it is you" in asked.get_data(as_text=True)
        store.expire_all()
        assert store.get_one(Staff, (service.id, colleague.actor.staff_id)).role == "link-worker"
        form = Page(asked.get_data(as_text=True)).all("form")[-1]
        kept = {str(one.get("name")): str(one.get("value", "")) for one in form.iter("input")}
        assert kept["role"] == "analyst"
        wrong = client.post(f"{where}/role", data={**kept, "confirm_code": "000000"})
        assert wrong.status_code == 422
        form = Page(wrong.get_data(as_text=True)).all("form")[-1]
        kept = {str(one.get("name")): str(one.get("value", "")) for one in form.iter("input")}
        code = accounts.code_now(store.get_one(Staff, (service.id, boss.actor.staff_id)).totp_secret)
        assert client.post(f"{where}/role", data={**kept, "confirm_code": code}).status_code == 303
        store.expire_all()
        assert store.get_one(Staff, (service.id, colleague.actor.staff_id)).role == "analyst"
        # And for the next minutes nobody is asked again.
        assert press(client, where, "/role", role="link-worker").status_code == 303


def test_a_passkey_shows_it_too_but_only_one_s_own(client: InspectedClient, store: Session, service: Service) -> None:
    boss, colleague = staff_member(store, service, Role.ADMINISTRATOR), staff_member(store, service)
    with clock.at(MORNING):
        device = with_a_passkey(client, store, boss)
    where = f"/staff/team/{colleague.actor.staff_id}"
    with clock.at(MORNING + timedelta(minutes=11)):
        shown = asking(press(client, where, "/role", role="analyst"))
        stranger = client.post(f"{where}/role", data={**shown.fields, "answer": a_box().show(shown.options)})
        assert stranger.status_code == 422
        shown = asking(stranger)
        done = client.post(f"{where}/role", data={**shown.fields, "answer": device.show(shown.options)})
        assert done.status_code == 303


def test_every_act_that_cannot_be_taken_back_or_gives_power_asks_again(app: Flask) -> None:
    asks = {name for name, view in app.view_functions.items() if getattr(view, "confirms", False)}
    assert asks >= MUST_ASK


# One's own password --------------------------------------------------------------------------------------------------


def test_one_s_own_password_is_changed_and_every_other_browser_is_signed_out(
    client: InspectedClient, app: Flask, store: Session, service: Service, worker: Member
) -> None:
    store.commit()
    sign_in(client, store, worker)
    other = InspectedClient(app)
    sign_in(other, store, worker)
    refused = press(client, "/staff/account/password", "/password", password="short")
    assert refused.status_code == 422
    assert press(client, "/staff/account/password", "/password", password="velvet anchor pigeon").status_code == 303
    assert client.get("/staff/account").status_code == 200
    assert other.get("/staff/account").status_code == 302
    knocked = accounts.knock(store, service.id, worker.email)
    with pytest.raises(accounts.NotRecognised):
        accounts.begin_sign_in(store, knocked, worker.password)
    assert accounts.begin_sign_in(store, accounts.knock(store, service.id, worker.email), "velvet anchor pigeon")
