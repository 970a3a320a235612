"""The staff's way in, as a browser sees it. Every page is inspected by the client."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie

import pytest
from flask import Flask, g
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from portal import accounts, clock, throttle
from portal.access import Role
from portal.accounts import passwords
from portal.store import AuditEvent, Invitation, Message, Service, SignIn, Staff, Tries
from portal.throttle import Kind
from portal.web import sign_in as door
from portal.web.requests import came_from
from tests.inspector import InspectedClient, Page
from tests.world import Member, a_service, press, sign_in, staff_member, words_of

MORNING = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
NEW_PASSWORD = "velvet anchor pigeon"
WRONG = "guessed velvet anchor"


@pytest.fixture(autouse=True)
def morning() -> Iterator[None]:
    with clock.at(MORNING):
        yield


@pytest.fixture
def service(store: Session) -> Service:
    made = a_service(store)
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


def _give_password(client: InspectedClient, member: Member, **typed: object) -> TestResponse:
    given = {"email": member.email, "password": member.password, **typed}
    return press(client, "/staff/sign-in", "/sign-in", **given)


def _give_code(client: InspectedClient, code: str, **typed: object) -> TestResponse:
    return press(client, "/staff/second-factor", "/second-factor", code=code, **typed)


def _in(client: InspectedClient, member: Member) -> TestResponse:
    _give_password(client, member)
    return _give_code(client, accounts.code_now(member.secret))


def _cookies(response: TestResponse) -> SimpleCookie:
    cookies = SimpleCookie()
    for header in response.headers.getlist("Set-Cookie"):
        cookies.load(header)
    return cookies


def _hrefs(response: TestResponse) -> list[str]:
    return [link.get("href", "") for link in Page(response.get_data(as_text=True)).all("a")]


# In ------------------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_email_password_and_code_lead_to_today(client: InspectedClient, worker: Member) -> None:
    first = _give_password(client, worker)
    assert (first.status_code, first.location) == (303, "/staff/second-factor")
    second = _give_code(client, accounts.code_now(worker.secret))
    assert (second.status_code, second.location) == (303, "/staff/today")
    assert client.get("/staff/account").status_code == 200


@pytest.mark.parametrize(
    ("role", "first_page"),
    [
        (Role.LINK_WORKER, "/staff/today"),
        (Role.MANAGER, "/staff/today"),
        (Role.ADMINISTRATOR, "/staff/team"),
        (Role.ANALYST, "/staff/account"),
    ],
)
def test_everybody_lands_on_a_page_they_may_see(
    client: InspectedClient, store: Session, service: Service, role: Role, first_page: str
) -> None:
    member = staff_member(store, service, role)
    store.commit()
    assert _in(client, member).location == first_page
    assert client.get("/staff/sign-in").location == first_page
    assert client.get("/staff/second-factor").location == first_page


def test_whoever_wanted_a_page_gets_it_after_signing_in(client: InspectedClient, worker: Member) -> None:
    sent_away = client.get("/staff/account")
    assert sent_away.status_code == 302
    first = client.get(sent_away.location)
    page = Page(first.get_data(as_text=True))
    hidden = {field.get("name"): field.get("value") for field in page.all("input") if field.get("type") == "hidden"}
    assert hidden["next"] == "/staff/account"
    posted = client.post(
        "/staff/sign-in",
        data={**hidden, "email": worker.email, "password": worker.password},
    )
    code = accounts.code_now(worker.secret)
    assert press(client, posted.location, "/second-factor", code=code).location == "/staff/account"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/staff",
        "//evil.example/staff",
        "/\\evil.example/staff",
        "/staff@evil.example",
        "javascript:alert(1)",
        "/staff/../../evil",
        "/staff/inbox\r\nSet-Cookie: a=b",
        "/staff/inbox?x=https://evil.example",
        "/refer/name",
        "staff/inbox",
        "/" * 3 + "staff",
        "/staff/" + "a" * 300,
        "",
        "\x00",
    ],
)
def test_nobody_is_led_anywhere_else(client: InspectedClient, worker: Member, address: str) -> None:
    first = _give_password(client, worker, next=address)
    assert first.location == "/staff/second-factor"
    assert _give_code(client, accounts.code_now(worker.secret), next=address).location == "/staff/today"


def test_an_address_with_service_and_language_may_come_next(app: Flask) -> None:
    for address in ("/staff/today", "/at/st-ives/staff/team", "/at/st-ives/ur/staff/referrals/0193-abc", "/cy/staff"):
        with app.test_request_context("/staff/sign-in", query_string={"next": address}):
            assert door.wanted_page() == address


def test_the_cookies_are_out_of_reach_and_say_nothing(client: InspectedClient, worker: Member) -> None:
    _give_password(client, worker)
    given = _cookies(_give_code(client, accounts.code_now(worker.secret)))
    for name in ("staff", "staff-device"):
        assert given[name]["httponly"]
        assert given[name]["samesite"] == "Lax"
        assert given[name]["path"] == "/"
        assert "amina" not in given[name].value.lower()
    assert given["staff"]["max-age"] == ""
    assert int(given["staff-device"]["max-age"]) == 180 * 24 * 60 * 60


def test_where_there_is_tls_the_cookies_ask_for_it(
    make_app: "Callable[..., Flask]", database_url: str, worker: Member
) -> None:
    app = make_app(database_url)
    app.config.update(SESSION_COOKIE_SECURE=True, SIGN_IN_COOKIE="__Host-staff")
    client = app.test_client()
    assert isinstance(client, InspectedClient)
    page = Page(client.get("/staff/sign-in", base_url="https://localhost").get_data(as_text=True))
    token = next(field.get("value") for field in page.all("input") if field.get("name") == "csrf_token")
    given = client.post(
        "/staff/sign-in",
        base_url="https://localhost",
        headers={"Referer": "https://localhost/staff/sign-in"},
        data={"csrf_token": token, "email": worker.email, "password": worker.password},
    )
    assert _cookies(given)["__Host-staff"]["secure"]


def test_the_password_alone_opens_no_page(client: InspectedClient, worker: Member) -> None:
    _give_password(client, worker)
    assert client.get("/staff/account").status_code == 302
    assert client.get("/staff/second-factor").status_code == 200


def test_the_token_from_before_the_code_is_dead_afterwards(client: InspectedClient, worker: Member) -> None:
    waiting = _cookies(_give_password(client, worker))["staff"].value
    opened = _cookies(_give_code(client, accounts.code_now(worker.secret)))["staff"].value
    assert waiting != opened
    client.set_cookie("staff", waiting)
    assert client.get("/staff/account").status_code == 302


def test_a_token_planted_by_somebody_else_opens_nothing(client: InspectedClient, worker: Member) -> None:
    for planted in ("planted", "", "x" * 3000, "\x7f"):
        client.set_cookie("staff", planted)
        assert client.get("/staff/account").status_code == 302
        assert client.get("/staff/second-factor").location == "/staff/sign-in"
    assert _in(client, worker).location == "/staff/today"


def test_nobody_waits_for_a_code_without_a_password(client: InspectedClient, service: Service) -> None:
    assert client.get("/staff/second-factor").location == "/staff/sign-in"


# What is wrong -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "sentence", "field"),
    [
        ({"email": "", "password": ""}, "Enter your email address", "#email"),
        ({"email": "", "password": ""}, "Enter your password", "#password"),
        ({"password": WRONG}, "We do not know this email with this password", "#email"),
        ({"email": "nobody@staff.example"}, "We do not know this email with this password", "#email"),
        ({"email": "no email at all"}, "We do not know this email with this password", "#email"),
        ({"email": "a\x00b@staff.example"}, "characters", "#email"),
        ({"email": "a" * 1000}, "", "#email"),
        ({"password": "p" * 20_000}, "That is too long", "#password"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_email_stays(
    client: InspectedClient, worker: Member, typed: dict[str, str], sentence: str, field: str
) -> None:
    shown = _give_password(client, worker, **typed)
    assert shown.status_code == 422
    assert sentence in words_of(shown)
    assert field in _hrefs(shown)
    page = Page(shown.get_data(as_text=True))
    values = {one.get("name"): one.get("value") for one in page.all("input")}
    assert values["email"] == (typed.get("email", worker.email).replace("\x00", "") or None)
    assert values["password"] is None


def test_the_page_is_the_same_for_an_email_that_nobody_has(client: InspectedClient, worker: Member) -> None:
    known = _give_password(client, worker, password=WRONG)
    unknown = _give_password(client, worker, password=WRONG, email="nobody@staff.example")

    def without_what_differs_every_time(response: TestResponse) -> str:
        html = response.get_data(as_text=True)
        html = re.sub(r'name="csrf_token" value="[^"]*"', "", html)
        return html.replace(worker.email, "EMAIL").replace("nobody@staff.example", "EMAIL")

    assert known.status_code == unknown.status_code
    assert without_what_differs_every_time(known) == without_what_differs_every_time(unknown)
    assert set(_cookies(known)) == set(_cookies(unknown))


def test_a_refused_attempt_is_counted_and_written_down(client: InspectedClient, store: Session, worker: Member) -> None:
    client.environ_base["HTTP_X_FORWARDED_FOR"] = "203.0.113.66, 203.0.113.5"
    _give_password(client, worker, password=WRONG)
    assert {row.kind: row.count for row in store.scalars(select(Tries)).all()} == {
        "sign-in-unknown": 1,
        "sign-in-address": 1,
    }
    refused = store.scalars(select(AuditEvent).where(AuditEvent.act == "was refused")).one()
    assert (refused.reason, refused.about_id) == ("password", worker.actor.staff_id)


@pytest.mark.parametrize(
    ("peer", "told", "address"),
    [
        ("127.0.0.1", "203.0.113.66, 198.51.100.5", "198.51.100.5"),
        ("10.1.2.3", "8.8.4.4", "8.8.4.4"),
        ("::1", "2a00:1450::5", "2a00:1450::5"),
        ("8.8.8.8", "8.8.4.4", "8.8.8.8"),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "8.8.4.4, nonsense", None),
        ("", "", None),
    ],
)
def test_a_browser_is_never_taken_for_the_server_in_front(
    app: Flask, peer: str, told: str, address: str | None
) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": peer}, headers={"X-Forwarded-For": told}):
        assert came_from() == address


def test_behind_a_server_in_front_that_says_nothing_nobody_shuts_everybody_out(
    client: InspectedClient, store: Session, worker: Member
) -> None:
    _give_password(client, worker, password=WRONG)
    assert [row.kind for row in store.scalars(select(Tries)).all()] == ["sign-in-unknown"]


def test_too_many_tries_wait_and_the_known_browser_does_not(
    app: Flask, client: InspectedClient, store: Session, worker: Member
) -> None:
    _in(client, worker)
    press(client, "/staff/account", "/end-all")
    assert client.get("/staff/sign-in").status_code == 200
    for _ in range(120):
        throttle.count(store, Kind.SIGN_IN_UNKNOWN, f"{worker.actor.service_id}:{worker.email}")
    store.commit()
    stranger = app.test_client()
    assert isinstance(stranger, InspectedClient)
    stopped = _give_password(stranger, worker)
    assert stopped.status_code == 429
    assert "Wait until 09:15, then try again." in words_of(stopped)
    with clock.later(timedelta(seconds=30)):
        assert _in(client, worker).location == "/staff/today"


def test_too_many_codes_wait_and_one_sign_in_is_burnt_by_five(
    client: InspectedClient, store: Session, worker: Member
) -> None:
    _give_password(client, worker)
    pending = store.scalars(select(SignIn.id)).one()
    for _ in range(5):
        throttle.count(store, Kind.SECOND_FACTOR_ONCE, str(pending))
    store.commit()
    assert _give_code(client, accounts.code_now(worker.secret)).location == "/staff/sign-in"
    for _ in range(30):
        throttle.count(store, Kind.SECOND_FACTOR_UNKNOWN, f"{worker.actor.service_id}:{worker.actor.staff_id}")
    store.commit()
    _give_password(client, worker)
    stopped = _give_code(client, accounts.code_now(worker.secret))
    assert stopped.status_code == 429
    assert "Wait until 00:00, then try again." in words_of(stopped)


@pytest.mark.parametrize("code", ["", "000000", "12345", "abcdef", "\x00", "1" * 5000, "\u202e123456"])
def test_a_wrong_code_is_said_kindly(client: InspectedClient, worker: Member, code: str) -> None:
    _give_password(client, worker)
    shown = _give_code(client, code)
    assert shown.status_code == 422
    assert "#code" in _hrefs(shown)


def test_a_code_with_spaces_and_in_another_script_is_right(client: InspectedClient, worker: Member) -> None:
    _give_password(client, worker)
    code = accounts.code_now(worker.secret)
    bengali = code.translate({ord(str(digit)): chr(0x09E6 + digit) for digit in range(10)})
    assert _give_code(client, f" {bengali[:3]} {bengali[3:]} ").location == "/staff/today"


def test_the_code_field_is_made_for_copying(client: InspectedClient, worker: Member) -> None:
    _give_password(client, worker)
    page = Page(client.get("/staff/second-factor").get_data(as_text=True))
    (field,) = (one for one in page.all("input") if one.get("name") == "code")
    assert (field.get("autocomplete"), field.get("inputmode")) == ("one-time-code", "numeric")
    assert field.get("maxlength") is None


def test_five_wrong_codes_lead_back_to_the_start(client: InspectedClient, worker: Member) -> None:
    _give_password(client, worker)
    statuses = [_give_code(client, "000 000").status_code for _ in range(4)]
    assert statuses == [422] * 4
    last = _give_code(client, "000 000")
    assert (last.status_code, last.location) == (303, "/staff/sign-in")
    assert _in(client, worker).location == "/staff/today"


def test_a_recovery_code_lets_in_once_and_says_how_many_are_left(client: InspectedClient, worker: Member) -> None:
    code = worker.recovery_codes[0]
    _give_password(client, worker)
    opened = press(client, "/staff/second-factor", "/second-factor", recovery=f"{code[:5]}-{code[5:]}".lower())
    assert opened.location == "/staff/account"
    assert "Recovery codes left 9" in words_of(client.get("/staff/account"))
    press(client, "/staff/account", "/end-all")
    _give_password(client, worker)
    again = press(client, "/staff/second-factor", "/second-factor", recovery=code)
    assert again.status_code == 422
    assert "#recovery" in _hrefs(again)
    assert "was used before" in words_of(again)


def test_a_page_left_open_too_long_asks_to_press_again_and_keeps_the_email(
    client: InspectedClient, worker: Member
) -> None:
    shown = client.post(
        "/staff/sign-in", data={"csrf_token": "stale", "email": worker.email, "password": worker.password}
    )
    assert shown.status_code == 422
    assert "This page was open for a long time" in words_of(shown)
    assert worker.email in shown.get_data(as_text=True)
    assert "staff" not in _cookies(shown)


def test_a_form_from_another_site_does_nothing(client: InspectedClient, store: Session, worker: Member) -> None:
    posted = client.post(
        "/staff/sign-in",
        headers={"Sec-Fetch-Site": "cross-site"},
        data={"email": worker.email, "password": worker.password},
    )
    assert posted.status_code == 403
    assert store.scalars(select(SignIn)).all() == []


def test_doubled_fields_and_other_bodies_break_nothing(client: InspectedClient, worker: Member) -> None:
    doubled = client.post("/staff/sign-in", data={"email": [worker.email, "x"], "password": ["a", "b"]})
    assert doubled.status_code == 422
    assert client.post("/staff/sign-in", json={"email": worker.email}).status_code == 415
    assert client.post("/staff/sign-in", data={"x": "1"}).status_code == 422


def test_without_any_service_the_start_page_is_shown(client: InspectedClient) -> None:
    assert client.get("/staff/sign-in").location == "/"
    assert client.get("/staff/second-factor").location == "/staff/sign-in"
    assert client.get("/staff/join/anything").status_code == 404


def test_looking_at_the_pages_writes_nothing(client: InspectedClient, store: Session, worker: Member) -> None:
    for address in ("/staff/sign-in", "/staff/second-factor", "/staff/join/unknown"):
        client.get(address)
    assert store.scalars(select(Tries)).all() == []
    assert store.scalars(select(SignIn)).all() == []


# The demonstration ---------------------------------------------------------------------------------------------------


def test_only_a_demonstration_shows_how_to_sign_in(
    make_app: "Callable[..., Flask]", database_url: str, store: Session
) -> None:
    from portal import demo

    service = a_service(store, demo.SLUG)
    one = demo.STAFF[0]
    staff, _, _ = accounts.create_first(
        store, service, name=one.name, email=one.email, role=one.role, password=demo.password_of(one.email)
    )
    store.commit()
    code = demo.sign_ins(store, service)[0].code
    member = Member(_actor_of(staff), staff.email, staff.totp_secret, [], demo.password_of(one.email))
    store.rollback()
    closed = make_app(database_url).test_client().get("/staff/sign-in").get_data(as_text=True)
    opened = make_app(database_url, PORTAL_ENVIRONMENT="demonstration").test_client()
    shown = opened.get("/staff/sign-in").get_data(as_text=True)
    for secret in (member.email, demo.password_of(one.email), code):
        assert secret in shown
        assert secret not in closed
    production = make_app(database_url)
    production.config.update(DEMONSTRATION=False)
    assert code not in production.test_client().get("/staff/sign-in").get_data(as_text=True)
    assert isinstance(opened, InspectedClient)
    _give_password(opened, member)
    assert _give_code(opened, code).status_code == 303


def _actor_of(staff: Staff) -> accounts.Actor:
    return accounts.Actor(staff.service_id, staff.id, staff.name, Role(staff.role))


# Joining -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def token(store: Session, boss: Member) -> str:
    made = accounts.invite(store, boss.actor, "jan@staff.example", "link-worker", link=lambda token: token)
    store.commit()
    return made.token


def _join(client: InspectedClient, token: str, **typed: object) -> TestResponse:
    given = {
        "name": "Jan Nowak",
        "password": NEW_PASSWORD,
        "code": accounts.code_now(accounts.offered_secret(token)),
        **typed,
    }
    return press(client, f"/staff/join/{token}", f"/join/{token}", **given)


@pytest.mark.both_databases
def test_an_invitation_becomes_an_account_that_can_sign_in(client: InspectedClient, token: str) -> None:
    joined = _join(client, token)
    assert joined.status_code == 200
    shown = re.findall(r"\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b", words_of(joined))
    assert len(set(shown)) == 10
    press(client, "/staff/sign-in", "/sign-in", email="jan@staff.example", password=NEW_PASSWORD)
    assert press(client, "/staff/second-factor", "/second-factor", recovery=shown[4]).location == "/staff/account"


def test_the_page_shows_a_picture_and_the_same_key_in_letters(client: InspectedClient, token: str) -> None:
    shown = client.get(f"/staff/join/{token}")
    page = Page(shown.get_data(as_text=True))
    assert shown.get_data(as_text=True).count("<svg") == 1
    assert next(one for one in page.all("div") if one.get("role") == "img").get("aria-label")
    key = accounts.offered_secret(token)
    assert " ".join(key[start : start + 4] for start in range(0, len(key), 4)) in words_of(shown)
    assert "jan@staff.example" in words_of(shown)


def test_looking_at_the_link_any_number_of_times_uses_nothing_up(
    client: InspectedClient, store: Session, token: str
) -> None:
    first = client.get(f"/staff/join/{token}").get_data(as_text=True)
    client.head(f"/staff/join/{token}")
    second = client.get(f"/staff/join/{token}").get_data(as_text=True)
    key = accounts.offered_secret(token)[:4]
    assert key in first
    assert key in second
    assert store.scalars(select(Invitation.accepted_at)).all() == [None]
    store.rollback()
    assert _join(client, token).status_code == 200


@pytest.mark.parametrize(
    ("typed", "sentence", "field"),
    [
        ({"name": ""}, "Enter your name", "#name"),
        ({"password": "short"}, "Choose a longer password", "#password"),
        ({"password": "Liverpool2024!"}, "harder to guess", "#password"),
        ({"password": "jan.nowak.and.others"}, "without your name", "#password"),
        ({"code": "000000"}, "Enter the 6 numbers", "#code"),
        ({"code": ""}, "Enter the 6 numbers", "#code"),
        ({"name": "A\x00B"}, "", "#name"),
        ({"name": "x" * 100_000}, "", "#name"),
        ({"password": "\ud800" * 3}, "", "#password"),
    ],
)
def test_what_cannot_be_taken_is_said_and_the_name_stays(
    client: InspectedClient, token: str, typed: dict[str, str], sentence: str, field: str
) -> None:
    if typed.get("password", "").startswith("\ud800"):
        typed = {"password": b"\xed\xa0\x80" * 3}  # type: ignore[dict-item]  # half a pair, as bytes on the wire
    shown = _join(client, token, **typed)
    assert shown.status_code == 422
    assert sentence in words_of(shown)
    assert field in _hrefs(shown)
    if "name" not in typed:
        assert 'value="Jan Nowak"' in shown.get_data(as_text=True)
    assert NEW_PASSWORD not in shown.get_data(as_text=True)


def test_a_link_that_is_over_says_so_and_no_more(client: InspectedClient, token: str) -> None:
    used = f"/staff/join/{token}"
    _join(client, token)
    unknown = client.get("/staff/join/unknown")
    assert unknown.status_code == 404
    assert client.get(used).status_code == 404

    def without_addresses(response: TestResponse) -> str:
        return re.sub(r"/staff/join/[\w-]+|value=\"[^\"]*\"", "", response.get_data(as_text=True))

    assert without_addresses(client.get(used)) == without_addresses(unknown)


def test_an_invitation_withdrawn_while_somebody_joins_says_that_it_is_over(
    client: InspectedClient, store: Session, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = passwords.hashed

    def meanwhile(password: str) -> str:
        g.store.execute(update(Invitation).values(withdrawn_at=clock.now()))
        return slow(password)

    monkeypatch.setattr(passwords, "hashed", meanwhile)
    over = _join(client, token)
    assert over.status_code == 404
    assert "This link does not work any more" in words_of(over)


def test_joining_cannot_be_tried_for_ever(client: InspectedClient, store: Session, token: str) -> None:
    invitation = store.scalars(select(Invitation.id)).one()
    for _ in range(60):
        throttle.count(store, Kind.JOIN, str(invitation))
    store.commit()
    stopped = _join(client, token)
    assert stopped.status_code == 429
    assert "Wait until 09:15, then try again." in words_of(stopped)


# One's own account ---------------------------------------------------------------------------------------------------


def test_other_browsers_are_listed_and_can_be_ended(
    app: Flask, client: InspectedClient, store: Session, worker: Member
) -> None:
    sign_in(client, store, worker)
    phone = app.test_client()
    assert isinstance(phone, InspectedClient)
    sign_in(phone, store, worker)
    assert words_of(client.get("/staff/account")).count("Signed in on") == 2
    assert press(client, "/staff/account", "/end").location == "/staff/account"
    assert phone.get("/staff/account").status_code == 302
    assert words_of(client.get("/staff/account")).count("Signed in on") == 1


def test_nobody_can_end_somebody_elses_sign_in(
    app: Flask, client: InspectedClient, store: Session, boss: Member, worker: Member
) -> None:
    sign_in(client, store, worker)
    other = app.test_client()
    assert isinstance(other, InspectedClient)
    theirs = sign_in(other, store, boss).sign_in_id
    page = Page(client.get("/staff/account").get_data(as_text=True))
    csrf = next(field.get("value") for field in page.all("input") if field.get("name") == "csrf_token")
    ended = client.post(f"/staff/account/sign-ins/{theirs}/end", data={"csrf_token": csrf})
    assert ended.status_code == 404
    assert other.get("/staff/account").status_code == 200


def test_signing_out_ends_it_on_the_server_and_clears_the_browser(
    client: InspectedClient, store: Session, worker: Member
) -> None:
    sign_in(client, store, worker)
    cookie = client.get_cookie("staff")
    assert cookie is not None
    page = Page(client.get("/staff/account").get_data(as_text=True))
    csrf = next(field.get("value") for field in page.all("input") if field.get("name") == "csrf_token")
    out = client.post("/staff/sign-out", data={"csrf_token": csrf})
    assert (out.status_code, out.location) == (303, "/staff/sign-in")
    assert "storage" in out.headers["Clear-Site-Data"]
    client.set_cookie("staff", cookie.value)
    assert client.get("/staff/account").status_code == 302


def test_new_recovery_codes_are_shown_once(client: InspectedClient, store: Session, worker: Member) -> None:
    sign_in(client, store, worker)
    wrong = press(client, "/staff/account", "/recovery-codes", code="000 000")
    assert wrong.status_code == 422
    assert "#code" in _hrefs(wrong)
    assert press(client, "/staff/account", "/recovery-codes", code="").status_code == 422
    made = press(client, "/staff/account", "/recovery-codes", code=accounts.code_now(worker.secret))
    shown = re.findall(r"\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b", words_of(made))
    assert len(set(shown)) == 10
    account = words_of(client.get("/staff/account"))
    assert not any(code in account for code in shown)


def test_new_recovery_codes_cannot_be_tried_for_ever(client: InspectedClient, store: Session, worker: Member) -> None:
    sign_in(client, store, worker)
    for _ in range(20):
        key = f"{worker.actor.service_id}:{worker.actor.staff_id}:signed-in"
        throttle.count(store, Kind.SECOND_FACTOR_KNOWN, key)
    store.commit()
    assert press(client, "/staff/account", "/recovery-codes", code=accounts.code_now(worker.secret)).status_code == 429


def test_signing_out_twice_still_leads_out(client: InspectedClient, service: Service) -> None:
    page = Page(client.get("/staff/sign-in").get_data(as_text=True))
    csrf = next(field.get("value") for field in page.all("input") if field.get("name") == "csrf_token")
    assert client.post("/staff/sign-out", data={"csrf_token": csrf}).location == "/staff/sign-in"


def test_half_an_hour_of_nothing_signs_out(client: InspectedClient, store: Session, worker: Member) -> None:
    sign_in(client, store, worker)
    with clock.later(timedelta(minutes=31)):
        assert client.get("/staff/account").status_code == 302


def test_whoever_keeps_looking_at_pages_stays_in(client: InspectedClient, store: Session, worker: Member) -> None:
    sign_in(client, store, worker)
    for minutes in range(0, 120, 20):
        with clock.later(timedelta(minutes=minutes)):
            assert client.get("/staff/account").status_code == 200, minutes


def test_no_secret_ever_stands_in_a_message_but_its_own_link(store: Session, boss: Member, token: str) -> None:
    (message,) = store.scalars(select(Message)).all()
    assert message.details["link"] == token
    assert accounts.offered_secret(token) not in str(message.details)


@pytest.mark.parametrize("language", ["cy", "pl", "ur"])
def test_the_pages_stand_in_every_language(client: InspectedClient, worker: Member, token: str, language: str) -> None:
    for address in ("/staff/sign-in", f"/staff/join/{token}", "/staff/join/unknown"):
        shown = client.get(f"/{language}{address}")
        assert shown.status_code in (200, 404)
        assert f'lang="{language}"' in shown.get_data(as_text=True)
