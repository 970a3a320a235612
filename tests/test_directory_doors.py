import json
import shutil
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import accounts, codes, directory
from portal.access import Actor, Role
from portal.clock import now
from portal.store import Activity, Feed, FeedRun
from tests.everything import app_on, csrf
from tests.feeds import a_row, take
from tests.inspector import InspectedClient
from tests.world import Member, a_service, staff_member, words_of


@dataclass
class World:
    """Two services with a choir each; the first has a feed as well. ``tokens`` sign in by role."""

    file: Path
    services: dict[str, uuid.UUID] = field(default_factory=dict)
    own: dict[str, uuid.UUID] = field(default_factory=dict)
    feed_id: uuid.UUID | None = None
    tokens: dict[Role, str] = field(default_factory=dict)


def _signed_in(store: Session, member: Member) -> str:
    knocked = accounts.knock(store, member.actor.service_id, member.email)
    waiting = accounts.begin_sign_in(store, knocked, member.password)
    code = member.recovery_codes.pop()
    return accounts.second_factor_given(store, member.actor.service_id, waiting, code).token


def _begin(store: Session, world: World, slug: str) -> Actor:
    service = a_service(store, slug)
    members = {role: staff_member(store, service, role) for role in (Role.MANAGER, Role.LINK_WORKER)}
    manager = members[Role.MANAGER].actor
    words = directory.Words(name="Choir", provider="Town Choirs", needs=["loneliness"], postcode="PE27 5AD")
    world.services[slug] = service.id
    world.own[slug] = directory.keeping.add(store, manager, codes.new_id(), words).id
    if slug == "here":
        world.tokens = {role: _signed_in(store, member) for role, member in members.items()}
    return manager


@pytest.fixture(scope="module")
def world(environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    made = World(tmp_path_factory.mktemp("directory") / "portal.sqlite")
    shutil.copy(migrated_sqlite, made.file)
    app = app_on(environment, made.file)
    stores = app.extensions["stores"]
    with stores.writing.begin() as store:
        manager = _begin(store, made, "here")
        _begin(store, made, "there")
    row = a_row(1, name="Singing circle", attributes=[{"id": "a", "taxonomy_term": {"id": "t", "name": "Singing"}}])
    take(stores, made.services["here"], [row])
    with stores.writing.begin() as store:
        feed = store.scalars(select(Feed)).one()
        made.feed_id, feed.url, feed.taken_at = feed.id, "https://feeds.example/", now() + timedelta(minutes=1)
        run = store.scalars(select(FeedRun)).one()
        run.error = "shrank"
    assert manager
    stores.engine.dispose()
    return made


@pytest.fixture
def app(world: World, environment: dict[str, str], tmp_path: Path) -> Flask:
    file = tmp_path / "portal.sqlite"
    shutil.copy(world.file, file)
    return app_on(environment, file)


def browser(app: Flask, world: World, role: Role | None = None) -> InspectedClient:
    client = app.test_client()
    assert isinstance(client, InspectedClient)
    if role:
        client.set_cookie(app.config["SIGN_IN_COOKIE"], world.tokens[role])
    return client


@pytest.fixture
def manager(app: Flask, world: World) -> InspectedClient:
    return browser(app, world, Role.MANAGER)


FORM = {"name": "Gardening", "provider": "Allotment Trust", "status": "active"}


def test_a_worker_finds_an_activity_and_reads_all_about_it(app: Flask, world: World) -> None:
    worker = browser(app, world, Role.LINK_WORKER)
    page = worker.get("/staff/activities?text=choir&near=CB1+1AA")
    assert "Choir" in words_of(page)
    assert "We do not know where this postcode is" in words_of(page)
    assert (
        "Content-Encoding" not in worker.get("/staff/activities?text=choir", headers={"Accept-Encoding": "br"}).headers
    )
    one = worker.get(f"/staff/activities/{world.own['here']}")
    assert "Town Choirs" in words_of(one)
    assert "Look after it" not in words_of(one)
    assert worker.get("/staff/activities/new").status_code == 403


def test_every_filter_can_be_used_and_nonsense_finds_nothing_or_is_left_out(manager: InspectedClient) -> None:
    asked = "need=loneliness&day=MO&language=ur&access=step-free&miles=5&age=30&free=y&everything=y&near=PE27"
    assert manager.get(f"/staff/activities?{asked}").status_code == 200
    assert manager.get("/staff/activities?need=<b>&miles=x&age=-1&after=%00&day=%F0%9F%A6%84").status_code == 200


def test_an_activity_is_added_once_however_often_it_is_sent(app: Flask, manager: InspectedClient) -> None:
    form = {**FORM, "csrf_token": csrf(manager), "once": "018f0000-0000-7000-8000-000000000001", "needs": "food"}
    first, second = (manager.post("/staff/activities/new", data=form) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.location == second.location
    assert "Gardening" in words_of(manager.get(first.location))
    with app.extensions["stores"].reading() as store:
        assert len(store.scalars(select(Activity).where(Activity.name == "Gardening")).all()) == 1


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("name", "", "Enter a name"),
        ("provider", "", "Enter who runs it"),
        ("email", "nobody", "Enter an email address"),
        ("referrals_to", "a@b@c", "Enter an email address"),
        ("url", "javascript:alert(1)", "Enter the address of a page"),
        ("postcode", "Cambridge", "Enter a full postcode"),
        ("minimum_age", "old", "Enter an age in years"),
        ("opens_at", "ten", "Enter a time"),
        ("closes_at", "25:00", "Enter a time"),
        ("languages", "Klingonish", "Enter languages by their English names"),
        ("status", "", "Select a state"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_all_words_stay(
    manager: InspectedClient, field: str, typed: str, sentence: str
) -> None:
    form = {**FORM, "description": "My long words.", "csrf_token": csrf(manager), field: typed}
    page = manager.post("/staff/activities/new", data=form)
    assert page.status_code == 422
    assert sentence in words_of(page)
    assert "My long words." in words_of(page)


def test_ages_the_wrong_way_round_are_refused(manager: InspectedClient) -> None:
    form = {**FORM, "csrf_token": csrf(manager), "minimum_age": "60", "maximum_age": "50"}
    assert "not below the youngest" in words_of(manager.post("/staff/activities/new", data=form))


def test_two_people_change_one_activity_and_nobody_s_words_are_lost(world: World, manager: InspectedClient) -> None:
    address = f"/staff/activities/{world.own['here']}/change"
    assert manager.get(address).status_code == 200
    token = csrf(manager)
    first = {**FORM, "name": "Choir of the town", "version": "1", "csrf_token": token}
    assert manager.post(address, data=first).status_code == 303
    second = manager.post(address, data={**FORM, "name": "Town choir", "version": "1", "csrf_token": token})
    assert second.status_code == 409
    assert "Choir of the town" in words_of(second)
    html = second.get_data(as_text=True)
    assert 'value="Town choir"' in html
    assert 'name="version" value="2"' in html
    third = manager.post(address, data={**FORM, "name": "Town choir", "version": "2", "csrf_token": token})
    assert third.status_code == 303


def test_an_activity_of_a_feed_is_hidden_checked_and_given_an_address_but_never_rewritten(
    app: Flask, manager: InspectedClient
) -> None:
    with app.extensions["stores"].reading() as store:
        theirs = store.scalars(select(Activity.id).where(Activity.feed_id.is_not(None))).first()
    base, token = f"/staff/activities/{theirs}", csrf(manager)
    assert manager.get(f"{base}/change").status_code == 404
    assert manager.post(f"{base}/hidden", data={"hidden": "yes", "csrf_token": token}).status_code == 303
    assert "It is hidden." in words_of(manager.get(base))
    assert manager.post(f"{base}/hidden", data={"hidden": "no", "csrf_token": token}).status_code == 303
    assert manager.post(f"{base}/checked", data={"csrf_token": token}).status_code == 303
    wrong = manager.post(f"{base}/referrals", data={"referrals_to": "nobody", "csrf_token": token})
    assert (wrong.status_code, "Enter an email address" in words_of(wrong)) == (422, True)
    right = manager.post(f"{base}/referrals", data={"referrals_to": "to@x.example", "csrf_token": token})
    assert right.status_code == 303
    assert "to@x.example" in words_of(manager.get(base))


def multipart(file: bytes, **fields: str) -> dict[str, Any]:
    """What a browser sends; the test client itself would leave a file open for so large a body."""
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{typed}\r\n' for name, typed in fields.items()
    ]
    head = '--x\r\nContent-Disposition: form-data; name="file"; filename="f.json"\r\n\r\n'
    body = "".join(parts).encode() + head.encode() + file + b"\r\n--x--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=x"}


def test_a_file_is_brought_on_a_page_and_its_report_is_shown(app: Flask, manager: InspectedClient) -> None:
    content = json.dumps([a_row(1), {"name": "x"}, a_row(2, email="nowhere")] + [a_row(9)] * 700).encode()
    sent = manager.post("/staff/activities/feeds/new", **multipart(content, name="Brought", csrf_token=csrf(manager)))
    assert sent.status_code == 303
    assert len(content) > 1024 * 1024  # more than any other page takes
    assert directory.fetch_due(app.extensions["stores"]) == 703
    page = words_of(manager.get(sent.location))
    assert "It has no id" in page
    assert "An email address cannot be one and was left out" in page
    assert "Brought" in words_of(manager.get("/staff/activities/feeds"))


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"name": ""}, "Enter a name"),
        ({"url": ""}, "Choose a file or enter an address"),
        ({"url": "http://example.org"}, "begins with https://"),
        ({"url": "https://me:word@example.org"}, "begins with https://"),
        ({"name": "Council"}, "There is a feed of this name"),
    ],
)
def test_a_feed_that_cannot_be_is_refused(manager: InspectedClient, typed: dict[str, str], sentence: str) -> None:
    form = {"name": "New", "url": "https://example.org/feed", "csrf_token": csrf(manager), **typed}
    page = manager.post("/staff/activities/feeds/new", data=form)
    assert (page.status_code, sentence in words_of(page)) == (422, True)


def test_a_file_and_an_address_or_far_too_much_are_refused(
    manager: InspectedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = csrf(manager)
    both = {"name": "N", "url": "https://x.example", "csrf_token": token, "file": (BytesIO(b"[]"), "f.json")}
    assert "not both" in words_of(manager.post("/staff/activities/feeds/new", data=both))
    monkeypatch.setattr(directory, "LARGEST_FILE", 10)
    large = {"name": "N", "csrf_token": token, "file": (BytesIO(b"[" + b" " * 20 + b"]"), "f.json")}
    assert "too large" in words_of(manager.post("/staff/activities/feeds/new", data=large))
    monkeypatch.undo()
    monkeypatch.setattr(manager.application.view_functions["directory.add_feed"], "largest", 500)
    endless = multipart(b"[" + b" " * 500, name="N", csrf_token=token)
    assert manager.post("/staff/activities/feeds/new", **endless).status_code == 413


def test_what_is_missing_is_gone_when_somebody_says_so(app: Flask, world: World, manager: InspectedClient) -> None:
    address = f"/staff/activities/feeds/{world.feed_id}"
    assert "What is missing is really gone" in words_of(manager.get(address))
    assert manager.post(f"{address}/gone", data={"csrf_token": csrf(manager)}).status_code == 303
    with app.extensions["stores"].reading() as store:
        feed = store.scalars(select(Feed).where(Feed.name == "Council")).first()
        run = store.scalars(select(FeedRun).where(FeedRun.feed_id == feed.id)).one()
        row = store.scalars(select(Activity).where(Activity.feed_id == feed.id)).one()
        assert (run.error, row.gone_at is not None) == (None, True)


def test_a_service_says_what_a_topic_means(app: Flask, world: World, manager: InspectedClient) -> None:
    assert "None of our needs" in words_of(manager.get("/staff/activities/topics"))
    form = {"topic": "Singing", "needs": ["mood-stress", "loneliness"], "csrf_token": csrf(manager)}
    assert manager.post("/staff/activities/topics/change", data=form).status_code == 303
    here = world.services["here"]
    with app.extensions["stores"].reading() as store:
        assert len(directory.search(store, here, need="mood-stress").rows) == 1
    assert "Set by us" in words_of(manager.get("/staff/activities/topics"))


# For everybody -------------------------------------------------------------------------------------------------------


def test_anybody_finds_an_activity_and_sees_when_it_was_checked(app: Flask, world: World) -> None:
    stranger = browser(app, world)
    assert "Find an activity near you" in words_of(stranger.get("/"))
    found = stranger.get("/activities/?text=choir")
    assert "Last checked" in words_of(found)
    one = stranger.get(f"/activities/{world.own['here']}")
    assert "Last checked" in words_of(one)
    assert not [value for name, value in (*found.headers, *one.headers) if name == "Set-Cookie"]
    assert "Nothing was found" in words_of(stranger.get("/activities/?text=xyzzy"))
    assert stranger.get(f"/activities/{world.own['there']}").status_code == 404


def test_what_is_hidden_is_not_there_for_the_public(app: Flask, world: World, manager: InspectedClient) -> None:
    one = world.own["here"]
    manager.post(f"/staff/activities/{one}/hidden", data={"hidden": "yes", "csrf_token": csrf(manager)})
    stranger = browser(app, world)
    assert stranger.get(f"/activities/{one}").status_code == 404


def test_a_service_without_activities_does_not_lead_to_them(app: Flask, world: World) -> None:
    with app.extensions["stores"].writing.begin() as store:
        for row in store.scalars(select(Activity)):
            row.status = "inactive"
    stranger = browser(app, world)
    assert "Find an activity near you" not in words_of(stranger.get("/"))
    assert "There are no activities here yet" in words_of(stranger.get("/activities/?text=a"))


def test_the_public_pages_are_small_also_when_they_are_full(app: Flask, world: World) -> None:
    here = world.services["here"]
    run = take(app.extensions["stores"], here, [a_row(number) for number in range(1, 40)], name="Many")
    assert run.state == "done"
    stranger = browser(app, world)
    squeezed, full = {"Accept-Encoding": "br"}, "/activities/?near=PE27+5AD&text=walk"
    assert "Walking group" in words_of(stranger.get(full))
    page = stranger.get(full, headers=squeezed)
    assert len(page.get_data()) < 2_700  # with its headers within 3,000
    with app.extensions["stores"].reading() as store:
        one = directory.search(store, here, text="walking").rows[0]
    assert len(stranger.get(f"/activities/{one.id}", headers=squeezed).get_data()) < 2_700
