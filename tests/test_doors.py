"""Every endpoint × every method × every role × two services, from the route map and the table of permissions.

What should happen is worked out from ``access.MAY`` and from what each view says of itself; nothing here lists who may
do what. A new view is covered the moment it exists: when it needs an id or a form that this file does not know yet, the
test says so.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, inspect, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from portal import access
from portal.access import MAY, Mine, Permission, Role
from portal.clock import now
from portal.store import Alert, AuditEvent, Base, Referral, Task
from portal.web.security import PUBLIC, door, public
from tests import everything
from tests.everything import (
    GOOD,
    INSTEAD,
    TRIED_ELSEWHERE,
    World,
    address,
    app_on,
    csrf,
    endpoint_at,
    good,
    rules,
    typed_for,
    visiting,
    visitor,
    who_comes,
    who_may,
)

ROLES: tuple[Role | None, ...] = (None, *Role)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
UNKNOWN = "00000000-0000-7000-8000-000000000000"


# The world, copied ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    return everything.build(environment, migrated_sqlite, tmp_path_factory.mktemp("doors") / "portal.sqlite")


@pytest.fixture(scope="module")
def unchanged(world: World, environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The portal on one copy of that world, for tests that change nothing but the audit."""
    file = tmp_path_factory.mktemp("unchanged") / "portal.sqlite"
    shutil.copy(world.file, file)
    return app_on(environment, file)


@pytest.fixture
def fresh(world: World, environment: dict[str, str], tmp_path: Path) -> Flask:
    """The portal on a copy of that world for this test alone."""
    file = tmp_path / "portal.sqlite"
    shutil.copy(world.file, file)
    return app_on(environment, file)


def may(app: Flask, rule: Rule, role: Role | None) -> bool:
    wanted = door(app, rule.endpoint)
    return wanted == PUBLIC or (isinstance(wanted, Permission) and role is not None and role in MAY[wanted])


def rows(app: Flask) -> dict[str, int]:
    """How many rows each table has."""
    with app.extensions["stores"].reading() as store:
        return {
            name: store.scalar(select(func.count()).select_from(table)) or 0
            for name, table in Base.metadata.tables.items()
        }


def content(app: Flask) -> dict[str, list[Any]]:
    """Every row of every table but the audit's, and the moment of somebody's last step."""
    passing = {"audit_event": None, "sign_in": {"seen_at", "last_seen_at"}, "visit": {"seen_at"}}
    with app.extensions["stores"].reading() as store:
        return {
            name: sorted(
                tuple(str(value) for column, value in row._mapping.items() if column not in (passing.get(name) or ()))
                for row in store.execute(table.select())
            )
            for name, table in Base.metadata.tables.items()
            if name != "audit_event"
        }


# Who may come in -----------------------------------------------------------------------------------------------------


def test_every_permission_guards_some_door_or_is_planned(unchanged: Flask) -> None:
    guarded = {door(unchanged, rule.endpoint) for rule in rules(unchanged)}
    planned = {Permission.READ_AUDIT, Permission.CHANGE_SERVICE}  # acts of the command line so far
    assert set(Permission) - guarded - planned == set()
    assert set(MAY) == set(Permission)


LEADS_ON = {"caseload.home", "caseload.reason"}
"""Addresses that lead on: to the page that is somebody's own, and to a record that needs no reason."""
SILENT = {"caseload.reason"}
"""It asks why somebody wants to read a record, and says nothing of the person."""
LOOKS = {"caseload.found"}
"""What is typed stands in no address, so it is posted; nothing but the audit changes."""


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("role", ROLES, ids=lambda role: role or "nobody")
def test_every_endpoint_lets_in_exactlywho_may(unchanged: Flask, world: World, role: Role | None, method: str) -> None:
    """Acts are sent without a form's token: whoever may is stopped by that alone (400). Looking changes nothing, and
    every answer of every kind carries every header."""
    client, before = visitor(unchanged, world, role), None if method == "POST" else content(unchanged)
    for rule in rules(unchanged):
        asked = address(unchanged, world, rule)
        # At one address there may be several endpoints, each for its own methods.
        there = endpoint_at(unchanged, asked, method)
        typed = typed_for(unchanged, world, there) if there else {}
        response = client.open(asked, method=method, data=typed)
        told = f"{role or 'nobody'}: {method} {rule.rule} answered {response.status_code}"
        _carries_all(response, told)
        if there is None:
            assert response.status_code == 405, told
            continue
        if not may(unchanged, there, role):
            _refused(response, role, method, told, isinstance(door(unchanged, there.endpoint), Mine))
        elif method == "POST":
            forgiving = getattr(unchanged.view_functions[there.endpoint], "keeps_typed", False)
            assert response.status_code in ({200, 302, 303, 400, 404, 409, 422} if forgiving else {400}), told
        elif isinstance(door(unchanged, there.endpoint), Permission):
            assert response.status_code == (303 if there.endpoint in LEADS_ON and method != "OPTIONS" else 200), told
        else:
            assert response.status_code in {200, 302, 303, 404}, told
            assert "sign-in?" not in (response.location or ""), told
    assert before is None or content(unchanged) == before


def _refused(response: TestResponse, role: Role | None, method: str, told: str, theirs: bool) -> None:
    if theirs:
        # Nobody on the staff has a visit to a person's own page: to that door they are strangers.
        assert response.status_code == (303 if method in ("GET", "HEAD") else 401), told
        assert method not in ("GET", "HEAD") or response.location == "/your-page", told
    elif role is not None:
        assert response.status_code == 403, told
    elif method in ("GET", "HEAD"):
        assert response.status_code == 302, told
        assert "/staff/sign-in?next=" in str(response.location), told
    else:
        assert response.status_code == 401, told


@pytest.mark.slow
def test_every_refusal_of_a_signed_in_person_is_written_down(unchanged: Flask, world: World) -> None:
    client = visitor(unchanged, world, Role.ANALYST)
    for rule in rules(unchanged, staff=True):
        if may(unchanged, rule, Role.ANALYST):
            continue
        before = rows(unchanged)["audit_event"]
        client.open(address(unchanged, world, rule), method="POST" if "POST" in (rule.methods or ()) else "GET")
        with unchanged.extensions["stores"].reading() as store:
            last = store.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
        assert rows(unchanged)["audit_event"] == before + 1
        assert (last.act, last.actor_id) == ("was refused", world.members[Role.ANALYST].actor.staff_id)


def test_a_signed_in_person_of_one_service_is_nobody_in_another(unchanged: Flask, world: World) -> None:
    client = visitor(unchanged, world, Role.MANAGER)
    for rule in rules(unchanged, staff=True, method="GET"):
        response = client.get("/at/there" + address(unchanged, world, rule, "there"))
        assert response.status_code == 302, rule.rule
        assert "/staff/sign-in" in str(response.location)


# Another service's records -------------------------------------------------------------------------------------------


def _names_of(rule: Rule) -> list[str]:
    return sorted(name for name in rule.arguments if name.endswith("_id"))


def _with_ids(app: Flask) -> list[Rule]:
    return [rule for rule in rules(app, staff=True) if _names_of(rule)]


@pytest.mark.slow
def test_another_service_s_records_are_not_there_and_nothing_tells_them_from_unknown_ones(
    fresh: Flask, world: World
) -> None:
    before = content(fresh)
    asked = 0
    for rule in _with_ids(fresh):
        client = visitor(fresh, world, who_may(fresh, rule))
        token = csrf(client)
        for name in _names_of(rule):
            known = INSTEAD.get(rule.endpoint, {}).get(name, name)
            answers = []
            for one in (world.ids["there"][known], UNKNOWN):
                for method in sorted({"GET", "POST"} & (rule.methods or set())):
                    data = {"csrf_token": token, **good(fresh, world, rule)} if method == "POST" else None
                    target = address(fresh, world, rule, **{name: one})
                    response = client.open(target, method=method, data=data)
                    assert response.status_code == 404, f"{method} {rule.rule} with another service's {name}"
                    headers = sorted((key, value) for key, value in response.headers.items() if key != "Set-Cookie")
                    # The page names its own address in the language links; all else must be the same to the byte.
                    answers.append((response.get_data().replace(one.encode(), b"ID"), headers))
                    asked += 1
            half = len(answers) // 2
            assert answers[:half] == answers[half:], f"{rule.rule}: {name}"
    assert asked > 40
    assert content(fresh) == before


@pytest.mark.parametrize("slug", ["nowhere", "HERE", "he%20re", "here%00"])
def test_a_service_that_does_not_exist_is_not_found(unchanged: Flask, world: World, slug: str) -> None:
    assert visitor(unchanged, world, None).get(f"/at/{slug}/refer/who-for").status_code == 404


# Looking writes nothing, acting is written down ---------------------------------------------------------------------


@pytest.mark.slow
def test_no_page_and_no_act_about_somebody_else_s_case_opens_without_a_reason(fresh: Flask, world: World) -> None:
    """Every address that names a referral, whoever wrote it, asked by a link worker who has nothing to do with it."""
    manager = world.members[Role.MANAGER].actor
    with fresh.extensions["stores"].writing.begin() as store:
        for referral in store.scalars(access.rows_of(manager.service_id, Referral)):
            referral.status, referral.assigned_to, referral.decided_by = "active", manager.staff_id, manager.staff_id
        for table, ended in ((Task, "done_at"), (Alert, "closed_at")):
            for row in store.scalars(access.rows_of(manager.service_id, table)):
                setattr(row, ended, now())
    client = visitor(fresh, world, Role.LINK_WORKER)
    token = csrf(client)
    tried = []
    for method in ("GET", "POST"):
        for rule in rules(fresh, staff=True, method=method):
            asks_why = rule.endpoint in ("caseload.reason", "caseload.reason_given")
            if "referral_id" in rule.arguments and not asks_why and may(fresh, rule, Role.LINK_WORKER):
                form = {"csrf_token": token} if method == "POST" else None
                answered = client.open(address(fresh, world, rule), method=method, data=form)
                told = f"{method} {rule.rule} answered {answered.status_code} {answered.location}"
                assert answered.status_code == 303, told
                assert "/reason" in answered.location, told
                tried.append(rule.endpoint)
    assert len(tried) > 30


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["goal", "read"])
def test_looking_at_one_s_own_page_writes_nothing(fresh: Flask, world: World, kind: str) -> None:
    """What the staff and strangers look at: test_every_endpoint_lets_in_exactlywho_may."""
    before, client = content(fresh), visiting(fresh, world, kind)
    for rule in rules(fresh, staff=False, method="GET"):
        for method in ("GET", "HEAD", "OPTIONS"):
            _carries_all(client.open(address(fresh, world, rule), method=method), f"{method} {rule.rule}")
    assert content(fresh) == before


@pytest.mark.slow
def test_a_view_that_says_its_reading_is_written_down_writes_it_down(fresh: Flask, world: World) -> None:
    audited = 0
    for rule in rules(fresh, staff=True, method="GET"):
        role = who_may(fresh, rule)
        before = rows(fresh)["audit_event"]
        wanted = 303 if rule.endpoint in LEADS_ON else 200
        assert visitor(fresh, world, role).get(address(fresh, world, rule)).status_code == wanted
        grown = rows(fresh)["audit_event"] - before
        if getattr(fresh.view_functions[rule.endpoint], "audits", False):
            assert grown >= 1, rule.endpoint
            audited += 1
    assert audited >= 5


def test_every_page_about_one_person_says_that_its_reading_is_written_down(unchanged: Flask) -> None:
    about = {"referral_id", "person_id", "alert_id", "task_id", "draft_id"}
    silent = [
        rule.endpoint
        for rule in rules(unchanged, staff=True, method="GET")
        if rule.arguments & about and not getattr(unchanged.view_functions[rule.endpoint], "audits", False)
    ]
    assert set(silent) == SILENT


@pytest.mark.slow
def test_every_act_of_the_staff_leaves_an_audit_row_with_a_name(
    world: World, environment: dict[str, str], tmp_path: Path
) -> None:
    before: dict[str, list[Any]] | None = None
    for number, endpoint in enumerate(sorted(GOOD)):
        file = tmp_path / f"{number}.sqlite"
        shutil.copy(world.file, file)
        app = app_on(environment, file)
        rule = next(rule for rule in rules(app, method="POST") if rule.endpoint == endpoint)
        role = who_may(app, rule)
        client = visitor(app, world, role)
        given = {"sign_in_id": world.ids["here"][f"sign_in_id of {role}"]} if "sign_in_id" in rule.arguments else {}
        fields = {"csrf_token": csrf(client), **good(app, world, rule)}
        before = before or content(app)  # the same world each time
        response = client.post(address(app, world, rule, **given), data=fields)
        assert response.status_code in (200, 303), f"{endpoint} answered {response.status_code}"
        assert endpoint in LOOKS or content(app) != before, f"{endpoint} did nothing"
        with app.extensions["stores"].reading() as store:
            last = store.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(5)).all()
            acts = [(event.act, event.actor_id) for event in last]
        actor = world.members[role].actor.staff_id
        read = [act for act, who in acts if who == actor and not act.startswith(("read", "signed in"))]
        assert read, f"{endpoint} is not in the audit: {acts}"
        app.extensions["stores"].engine.dispose()


def test_every_act_of_the_staff_is_tried(unchanged: Flask) -> None:
    acts = {rule.endpoint for rule in rules(unchanged, staff=True, method="POST")}
    assert acts == set(GOOD) | set(TRIED_ELSEWHERE)


# What every answer carries, what every post must be -----------------------------------------------------------------

CARRIED = {
    "Content-Security-Policy": "default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=()",
    "Cache-Control": "no-store",
}


def test_every_answer_carries_every_header_also_where_nothing_is(unchanged: Flask, world: World) -> None:
    """Where something is: test_every_endpoint_lets_in_exactlywho_may."""
    for client in (
        *(visitor(unchanged, world, role) for role in (None, Role.MANAGER)),
        visiting(unchanged, world, "read"),
    ):
        for path in ("/nope", "/at/nowhere/", "/zz/refer", "/refer/nope"):
            _carries_all(client.get(path), path)
        _carries_all(client.get("/", headers={"Host": "evil.example"}), "another host")


@pytest.mark.slow
def test_every_act_upon_one_s_own_page_carries_every_header(fresh: Flask, world: World) -> None:
    for rule in rules(fresh, staff=False, method="POST"):
        client = visiting(fresh, world, "read")
        asked = address(fresh, world, rule)
        _carries_all(client.post(asked, data=typed_for(fresh, world, rule)), f"POST {rule.rule}")


def _carries_all(response: TestResponse, told: str) -> None:
    cacheable = {"Cache-Control"} if response.mimetype == "text/css" else set()
    for name, value in CARRIED.items():
        if name not in cacheable:
            assert response.headers.get(name, "").startswith(value), f"{told} answered {response.status_code}: {name}"
    assert "Server" not in response.headers
    assert "X-Powered-By" not in response.headers


def _posts(app: Flask) -> list[Rule]:
    return rules(app, method="POST")


@pytest.mark.slow
def test_no_act_takes_anything_but_a_form(unchanged: Flask, world: World) -> None:
    before = content(unchanged)
    for rule in _posts(unchanged):
        client = who_comes(unchanged, world, rule)
        target = address(unchanged, world, rule)
        assert client.post(target, json={"csrf_token": csrf(client)}).status_code == 415, rule.rule
        for content_type in ("text/plain", "application/xml", "application/octet-stream"):
            assert client.post(target, data=b"a=b", content_type=content_type).status_code == 415, rule.rule
    assert content(unchanged) == before


@pytest.mark.slow
def test_no_act_takes_three_thousand_fields_or_a_file_or_another_site_s_form(unchanged: Flask, world: World) -> None:
    before = content(unchanged)
    many = {f"x{number}": "1" for number in range(3000)}
    for rule in _posts(unchanged):
        client = who_comes(unchanged, world, rule)
        target, token = address(unchanged, world, rule), csrf(client)
        assert client.post(target, data={"csrf_token": token, **many}).status_code == 413, rule.rule
        for site in ("cross-site", "same-site"):
            elsewhere = client.post(target, data={"csrf_token": token}, headers={"Sec-Fetch-Site": site})
            assert elsewhere.status_code == 403, rule.rule
        boundary = b'--e\r\nContent-Disposition: form-data; name="f"; filename="x.exe"\r\n\r\nMZ\r\n--e--\r\n'
        upload = client.post(target, data=boundary, content_type="multipart/form-data; boundary=e")
        assert upload.status_code == 400, rule.rule
    assert content(unchanged) == before


def test_doubled_fields_are_refused_where_a_form_does_not_forgive_them(unchanged: Flask, world: World) -> None:
    before = content(unchanged)
    for rule in _posts(unchanged):
        if getattr(unchanged.view_functions[rule.endpoint], "keeps_typed", False):
            continue
        client = who_comes(unchanged, world, rule)
        twice = {"csrf_token": csrf(client), "anything": ["1", "2"]}
        assert client.post(address(unchanged, world, rule), data=twice).status_code == 400, rule.rule
    assert content(unchanged) == before


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1:99999", "", "a" * 300, "localhost\\@x"]
)
def test_a_host_that_is_not_ours_is_refused(unchanged: Flask, world: World, host: str) -> None:
    for path in ("/", "/refer/who-for", "/staff/inbox", "/nope"):
        response = visitor(unchanged, world, None).get(path, headers={"Host": host})
        assert response.status_code == 400
        assert "evil" not in response.get_data(as_text=True)


# Open redirects ------------------------------------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "https:evil.example", "http:///evil.example", "javascript:alert(1)", "data:text/html,x", "/staff/x@evil.example",
    "/staff//evil.example", "/%2f%2fevil.example", "/staff/inbox\r\nLocation: //evil.example",
    "/staff/\t/evil.example",
    "//localhost@evil.example", "/staff/inbox?x=//evil.example", "/staff/../../evil", "/staff/inbox#//evil.example",
    "evil.example/staff", "/ /evil.example", "/at/here//evil.example/staff", "/．／evil.example", "/staff/sign-out",
    "\x00//evil.example", "https://localhost.evil.example", "/staff/inbox" + "a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("wanted", ELSEWHERE, ids=lambda wanted: repr(wanted[:30]))
def test_next_leads_nowhere_else(fresh: Flask, world: World, wanted: str) -> None:
    """Asked by somebody signed in, who is sent on at once; and by somebody who is not, who finds it in the form."""
    sent_on = visitor(fresh, world, Role.MANAGER).get("/staff/sign-in", query_string={"next": wanted})
    assert sent_on.status_code == 302
    where = str(sent_on.location)
    assert re.fullmatch(r"(/[A-Za-z0-9_-]+)*/staff(/[A-Za-z0-9_-]+)*", where), where
    assert "evil" not in where or where.startswith("/staff")
    page = visitor(fresh, world, None).get("/staff/sign-in", query_string={"next": wanted}).get_data(as_text=True)
    for found in re.findall(r'name="next" value="([^"]*)"', page):
        assert found == "" or re.fullmatch(r"(/[A-Za-z0-9_-]+)*/staff(/[A-Za-z0-9_-]+)*", found)


@pytest.mark.slow
def test_no_redirect_of_ours_leads_to_another_site_but_the_way_out(unchanged: Flask, world: World) -> None:
    for role in ROLES:
        client = visitor(unchanged, world, role)
        for rule in rules(unchanged, method="GET"):
            response = client.get(
                address(unchanged, world, rule), query_string={"next": "//evil.example", "then": "//evil"}
            )
            if response.location and rule.endpoint != "public.exit":
                assert re.match(r"/(?!/)", response.location), rule.rule
                assert "//evil" not in response.location


# The guard itself ----------------------------------------------------------------------------------------------------


def test_a_view_that_does_not_say_who_may_come_in_stops_the_start(
    environment: dict[str, str], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.web import public as public_door

    monkeypatch.delattr(public_door.privacy, "door")
    with pytest.raises(RuntimeError, match=r"do not say who may come in: public\.privacy$"):
        app_on(environment, world.file)


def test_a_view_that_writes_when_it_is_looked_at_is_caught(fresh: Flask, world: World) -> None:
    from flask import g

    from portal.web.requests import WroteOnGet

    def careless() -> str:
        g.service.name = "Changed by looking"
        g.store.flush()
        return "x"

    fresh.view_functions["public.privacy"] = public(careless)
    with pytest.raises(WroteOnGet):
        visitor(fresh, world, None).get("/privacy")


def test_every_table_of_records_belongs_to_a_service() -> None:
    common = {"service", "tries"}
    for mapper in Base.registry.mappers:
        table = mapper.local_table
        if table.name not in common:  # type: ignore[attr-defined]
            assert [key.name for key in inspect(mapper.class_).primary_key][0] == "service_id", table.name  # type: ignore[attr-defined]


def test_the_table_itself_keeps_people_s_words_from_those_who_do_not_care_for_them() -> None:
    """Everything above is worked out from the table; these lines of it are promises to the people who wrote to us."""
    care = frozenset({Role.LINK_WORKER, Role.MANAGER})
    about_people = {
        Permission.READ_INBOX,
        Permission.READ_REFERRAL,
        Permission.DECIDE_REFERRAL,
        Permission.MERGE_PEOPLE,
        Permission.CONFIRM_CONTACT,
        Permission.HANDLE_ALERTS,
        Permission.HANDLE_TASKS,
        Permission.READ_CASELOAD,
        Permission.WORK_ON_CASE,
        Permission.RECORD_SAFEGUARDING,
        Permission.SEND_LETTERS,
    }
    assert {permission for permission in about_people if MAY[permission] != care} == set()
    assert MAY[Permission.MANAGE_STAFF] == {Role.ADMINISTRATOR}
    without_names = {Permission.SEE_OWN_ACCOUNT, Permission.READ_EXPERIENCE, Permission.READ_DIRECTORY}
    assert {permission for permission in Permission if Role.ANALYST in MAY[permission]} == without_names


def test_nobody_may_anything_without_a_role() -> None:
    assert [permission for permission in Permission if access.may(None, permission)] == []
