"""A screen in a waiting room: the form and nothing else, cleared after each person, no page of the staff, until a
manager ends it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access, accounts, clock, codes
from portal.access import Role
from portal.i18n import LANGUAGES
from portal.journeys.orders import DEVICE
from portal.store import AuditEvent, Draft, Kiosk, Referral, SignIn, Stores
from portal.web.kiosk import OPEN
from tests.everything import rules
from tests.test_any_door import signed_in
from tests.visitor import Visitor
from tests.world import a_service, staff_member


class World:
    """A service with a manager and a worker."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        with stores.writing.begin() as store:
            self.service = a_service(store)
            self.manager = staff_member(store, self.service, Role.MANAGER)
            self.worker = staff_member(store, self.service)
            store.flush()
            store.expunge_all()

    @contextmanager
    def look(self) -> Iterator[Session]:
        with self.stores.writing.begin() as store:
            store.add(self.service)
            yield store
            store.flush()
            store.expunge_all()


@pytest.fixture
def world(stores: Stores, app: Flask) -> World:
    app.config["SERVICE"] = "here"
    return World(stores)


@pytest.fixture
def screen(app: Flask, world: World) -> Visitor:
    """A browser that a manager has just made a kiosk."""
    browser = signed_in(app, world.manager)
    return browser.open("/staff/kiosks").press(name="The waiting room")


def test_a_manager_makes_a_screen_a_kiosk_and_is_signed_out_of_it(app: Flask, world: World, screen: Visitor) -> None:
    assert screen.here == "/kiosk"
    assert "Choose your language to begin" in screen.words
    cookie = screen.client.get_cookie(app.config["KIOSK_COOKIE"])
    assert cookie
    assert cookie.http_only
    assert screen.client.get_cookie(app.config["SIGN_IN_COOKIE"]) is None
    with world.look() as store:
        kiosk = store.scalars(select(Kiosk)).one()
        assert (kiosk.name, kiosk.key_hash) == ("The waiting room", codes.digest(cookie.value))
        assert (
            store.scalars(select(SignIn).where(SignIn.revoked_at.is_(None), SignIn.second_factor_at.is_not(None))).all()
            == []
        )
        assert {"made a kiosk", "signed out"} <= set(store.scalars(select(AuditEvent.act)))


def test_a_screen_needs_a_name_that_can_be_read(app: Flask, world: World) -> None:
    browser = signed_in(app, world.manager).open("/staff/kiosks")
    for typed, sentence in (("", "Say where this screen stands"), ("x" * 61, "Use 60 characters or fewer")):
        browser.press(name=typed)
        assert browser.status == 422
        assert browser.errors == [sentence]
        assert browser.fields()["name"] == typed
    with world.look() as store:
        assert store.scalars(select(Kiosk)).all() == []


def test_a_link_worker_makes_no_kiosk(app: Flask, world: World) -> None:
    assert signed_in(app, world.worker).open("/staff/kiosks").status == 403
    with world.look() as store, pytest.raises(access.Refused):
        accounts.make_kiosk(store, world.worker.actor, "Here", codes.new_key())


def test_a_kiosk_opens_the_form_and_nothing_else(app: Flask, screen: Visitor) -> None:
    for rule in rules(app, method="GET"):
        if rule.arguments or rule.endpoint in OPEN or not rule.rule.startswith("/"):
            continue
        screen.open(rule.rule)
        assert screen.here in ("/kiosk", "/kiosk/sent"), f"{rule.rule} opens on a kiosk"
    for endpoint in OPEN:
        assert endpoint in app.view_functions, endpoint
    assert not any(endpoint.startswith(("sign_in", "caseload", "admin", "visits", "my")) for endpoint in OPEN)


def test_nobody_on_the_staff_signs_in_on_a_kiosk_nor_comes_with_a_token(
    app: Flask, world: World, screen: Visitor
) -> None:
    token = signed_in(app, world.worker).client.get_cookie(app.config["SIGN_IN_COOKIE"])
    assert token
    screen.client.set_cookie(app.config["SIGN_IN_COOKIE"], token.value)
    assert screen.open("/staff/inbox").here == "/kiosk"
    assert screen.open("/refer/who-for").status == 200
    csrf = screen.token
    posted = screen.client.post("/staff/sign-in", data={"csrf_token": csrf, "email": "x", "password": "y"})
    assert posted.status_code == 403
    assert screen.client.post("/carry-on", data={"csrf_token": csrf}).status_code == 403


def test_a_form_from_a_kiosk_says_so_and_does_not_ask_whose_computer_it_is(world: World, screen: Visitor) -> None:
    screen.open("/refer/who-for")
    assert DEVICE not in screen.fields()
    assert "own phone or computer" not in screen.words
    screen.refer(until="name")
    with world.look() as store:
        draft = store.scalars(select(Draft)).one()
        kiosk = store.scalars(select(Kiosk)).one()
        assert (draft.source_channel, draft.kiosk_id, draft.answers[DEVICE]) == ("kiosk", kiosk.id, "shared")
        assert kiosk.seen_at is not None


def test_after_sending_the_numbers_are_shown_once_and_the_screen_is_cleared(world: World, screen: Visitor) -> None:
    screen.open("/refer/who-for").refer().press()
    assert screen.here == "/kiosk/sent"
    reference, number = screen.card()
    assert "See your page" not in screen.words
    with world.look() as store:
        assert store.scalars(select(Referral)).one().reference == codes.read_reference(reference)
    screen.carry_on()
    assert screen.here == "/kiosk"
    assert screen.key is None
    assert screen.response.headers["Clear-Site-Data"] == '"cache", "storage"'
    for back in ("/kiosk/sent", "/refer/sent", "/refer/check-your-answers", "/refer/saved", "/refer/name"):
        screen.open(back)
        assert reference not in screen.words
        assert number not in screen.words
        assert "Zofia" not in screen.words


def test_the_numbers_do_not_stay_when_nobody_presses_anything(screen: Visitor) -> None:
    screen.open("/refer/who-for").refer().press()
    with clock.later(timedelta(minutes=6)):
        assert screen.open("/kiosk/sent").here == "/kiosk"


def test_a_screen_that_was_left_is_cleared_after_three_minutes_and_the_form_is_kept(
    world: World, screen: Visitor
) -> None:
    screen.open("/refer/who-for").refer(until="safe-contact")
    body = screen.page.all("body")[0]
    assert (body.get("data-lock-minutes"), body.get("data-lock-warn")) == ("3", "1")
    with clock.later(timedelta(minutes=6)):
        screen.press(safe_ways=["come-back"])
        assert screen.here == "/kiosk"
        assert screen.key is None
        screen.open("/refer/name")
        assert screen.here == "/refer/who-for"
        assert "Zofia" not in screen.words
    with world.look() as store:
        assert store.scalars(select(Draft)).one().answers["safe_ways"] == ["come-back"]


def test_the_first_page_clears_itself_too(screen: Visitor) -> None:
    screen.open("/refer/who-for")
    body = screen.page.all("body")[0]
    assert body.get("data-lock-minutes") == "3"
    assert (body.get("data-lock-url") or "").endswith("/refer/locked")
    assert screen.open("/refer/locked").here == "/kiosk"


def test_a_page_sent_again_after_the_screen_was_cleared_shows_nothing_of_it(screen: Visitor) -> None:
    screen.open("/refer/who-for").refer(until="name")
    fields = screen.fields()
    screen.open("/exit")
    assert screen.here == "/kiosk"
    screen.post("/refer/name", {**fields.to_dict(), "first_name": "Zofia"})
    assert screen.here == "/kiosk"
    assert "Zofia" not in screen.words


def test_the_way_out_leads_to_the_first_page_and_to_no_other_site(screen: Visitor) -> None:
    assert screen.open("/refer/who-for").follow("/exit").here == "/kiosk"
    assert "Staff sign-in" not in screen.words


def test_every_language_is_a_button_and_keeps_the_form_in_it(screen: Visitor) -> None:
    screen.open("/kiosk")
    for code, language in LANGUAGES.items():
        there = screen.links()[language.autonym]
        assert there == f"/{code}/refer/who-for"
    assert screen.follow("/ur/refer/who-for").page.root.get("lang") == "ur"


def test_a_manager_ends_a_kiosk_from_another_browser(app: Flask, world: World, screen: Visitor) -> None:
    desk = signed_in_later(app, world)
    desk.open("/staff/kiosks")
    assert "The waiting room" in desk.words
    desk.press(to="/end")
    assert "That screen is an ordinary browser again" in desk.words
    assert screen.open("/staff/sign-in").here == "/staff/sign-in"
    assert screen.open("/kiosk").here == "/"
    with world.look() as store:
        kiosk = store.scalars(select(Kiosk)).one()
        ended = kiosk.ended_at
        accounts.end_kiosk(store, world.manager.actor, kiosk.id)
        assert kiosk.ended_at == ended
        with pytest.raises(accounts.NoSuchKiosk):
            accounts.end_kiosk(store, world.manager.actor, codes.new_id())


def signed_in_later(app: Flask, world: World) -> Visitor:
    """A code of the app works only once: another manager is as good."""
    with world.look() as store:
        other = staff_member(store, world.service, Role.MANAGER)
    return signed_in(app, other)


def test_a_kiosk_of_one_service_opens_no_other_one(app: Flask, world: World, screen: Visitor) -> None:
    with world.look() as store:
        a_service(store, "there")
    for path in ("/at/there/", "/at/there/staff/sign-in", "/at/there/refer/who-for"):
        screen.open(path)
        assert screen.path == "/at/here/kiosk"


def test_kiosks_belong_to_their_service(world: World) -> None:
    with world.look() as store:
        kiosk = accounts.make_kiosk(store, world.manager.actor, "Here", codes.new_key())
        elsewhere = staff_member(store, a_service(store, "there"), Role.MANAGER).actor
        assert accounts.open_kiosks(store, elsewhere) == []
        with pytest.raises(accounts.NoSuchKiosk):
            accounts.end_kiosk(store, elsewhere, kiosk.id)
        assert [one.id for one in accounts.open_kiosks(store, world.manager.actor)] == [kiosk.id]


def test_an_ordinary_browser_is_no_kiosk(app: Flask, world: World) -> None:
    anna = Visitor(app)
    assert anna.open("/kiosk").here == "/"
    assert anna.open("/kiosk/sent").here == "/"
    anna.client.set_cookie(app.config["KIOSK_COOKIE"], "nonsense")
    assert anna.open("/staff/sign-in").here == "/staff/sign-in"
