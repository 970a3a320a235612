"""The doors of a person's own page, cell by cell: every route that is a person's own × every kind of visit × method;
and the ways in as people walk them, with whoever should not come in beside them.

What should happen is worked out from ``access.MY`` and ``access.TASKS``; a new view is covered the moment it exists.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from portal import accounts, clock, codes, measures
from portal.access import MY, TASKS, Actor, Mine, Role, Tier
from portal.store import AuditEvent, CheckInLink, Message, PersonCode, Service, ServiceUser, Stores, Visit
from portal.web.security import door, entrance
from tests import everything
from tests.arriving import EMAIL, a_check_in, a_wrong_one, code_sent, somebody
from tests.everything import World, address, app_on, csrf, endpoint_at, rules, visiting
from tests.test_doors import content
from tests.visitor import Visitor
from tests.world import Member, a_service, sign_in, staff_member

KINDS = ("", *everything.VISITS)
OPEN: dict[str, frozenset[Mine]] = {
    **dict.fromkeys(KINDS, frozenset()),
    **{task: frozenset({mine}) for task, mine in TASKS.items()},
    "read": frozenset(mine for mine, tiers in MY.items() if Tier.READ in tiers),
}
"""What each kind of visit opens: no visit, one that may still choose, and one that is over open nothing."""
UNKNOWN = "00000000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def world(environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    return everything.build(environment, migrated_sqlite, tmp_path_factory.mktemp("visits") / "portal.sqlite")


@pytest.fixture
def fresh(world: World, environment: dict[str, str], tmp_path: Path) -> Flask:
    file = tmp_path / "portal.sqlite"
    shutil.copy(world.file, file)
    return app_on(environment, file)


def own(app: Flask, method: str | None = None) -> list[Rule]:
    """The routes that are a person's own."""
    return [rule for rule in rules(app, method=method) if isinstance(door(app, rule.endpoint), Mine)]


# Cell by cell --------------------------------------------------------------------------------------------------------


def test_every_thing_that_is_a_person_s_own_has_a_door(fresh: Flask) -> None:
    assert {door(fresh, rule.endpoint) for rule in own(fresh)} == set(Mine)


def test_every_task_and_the_page_begin_on_exactly_one_page(fresh: Flask) -> None:
    for mine in (*TASKS.values(), Mine.READ_PAGE):
        begins = [name for name, view in fresh.view_functions.items() if getattr(view, "entrance", False)]
        here = [name for name in begins if door(fresh, name) is mine]
        assert here == [entrance(fresh, mine)], mine
        assert [rule.arguments for rule in rules(fresh, method="GET") if rule.endpoint == here[0]] == [set()], mine


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind or "never-there")
def test_every_visit_opens_exactly_what_it_may(fresh: Flask, world: World, kind: str) -> None:
    """Acts are sent without a form's token: whoever may is stopped by that alone."""
    cells = 0
    for rule in own(fresh):
        mine = door(fresh, rule.endpoint)
        assert isinstance(mine, Mine)
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            asked = address(fresh, world, rule)
            there = endpoint_at(fresh, asked, method)
            client = visiting(fresh, world, kind)
            response = client.open(asked, method=method)
            told = f"{kind or 'never there'}: {method} {rule.rule} answered {response.status_code} {response.location}"
            if there is None:
                assert response.status_code == 405, told
                continue
            guarded = door(fresh, there.endpoint)
            assert isinstance(guarded, Mine), told
            cells += 1
            if guarded in OPEN[kind]:
                assert response.status_code in {200, 302, 303, 400, 404, 409, 422}, told
                assert response.location != "/your-page", told
            elif method == "POST":
                assert response.status_code == (403 if kind in ("choosing", *TASKS, "read") else 401), told
            else:
                assert (response.status_code, response.location) == (303, "/your-page"), told
    assert cells > 40


@pytest.mark.slow
def test_a_visit_to_one_service_is_none_in_another(fresh: Flask, world: World) -> None:
    client = visiting(fresh, world, "read", "there")
    for rule in own(fresh, "GET"):
        response = client.get(address(fresh, world, rule))
        assert (response.status_code, response.location) == (303, "/your-page"), rule.rule
        there = client.get("/at/there" + address(fresh, world, rule, "there"))
        assert there.location != "/at/there/your-page", rule.rule


@pytest.mark.slow
def test_what_is_somebody_else_s_is_not_there(fresh: Flask, world: World) -> None:
    """By the ids in addresses: of another service, and of nobody."""
    before = content(fresh)
    for rule in own(fresh):
        for name in sorted(one for one in rule.arguments if one.endswith("_id")):
            for one in (world.ids["there"][name], UNKNOWN):
                for method in sorted({"GET", "POST"} & (rule.methods or set())):
                    client = visiting(fresh, world, "read")
                    data = {"csrf_token": csrf(client)} if method == "POST" else None
                    response = client.open(address(fresh, world, rule, **{name: one}), method=method, data=data)
                    assert response.status_code == 404, f"{method} {rule.rule}: {name}"
    assert content(fresh) == before


def test_every_refused_page_is_kind_and_says_where_to_go(fresh: Flask, world: World) -> None:
    """Not a word about a manager, who is no business of a person's."""
    rule = next(rule for rule in own(fresh, "POST") if door(fresh, rule.endpoint) is Mine.WITHDRAW)
    for kind in ("", "goal"):
        client = visiting(fresh, world, kind)
        page = client.post(address(fresh, world, rule), data={"words": "What I wrote here."}).get_data(as_text=True)
        assert "your manager" not in page
        assert 'href="/your-page"' in page


# A service, a worker, somebody ---------------------------------------------------------------------------------------


class Here:
    """One service and who is there."""

    def __init__(self, app: Flask, stores: Stores) -> None:
        self.app, self.stores = app, stores
        with stores.writing.begin() as store:
            self.service = a_service(store, phone="01632 960 123")
            staff_member(store, self.service, Role.MANAGER)
            self.member: Member = staff_member(store, self.service)
            self.worker: Actor = self.member.actor
            self.anna = somebody(store, self.service, self.worker)
            self.service_id = self.service.id
            store.flush()
            store.expunge_all()

    @contextmanager
    def looking(self) -> Iterator[Session]:
        """The store, to look into."""
        with self.stores.reading() as store:
            yield store

    @contextmanager
    def writing(self) -> Iterator[tuple[Session, Service]]:
        """The store, to act by rooms."""
        with self.stores.writing.begin() as store:
            yield store, store.get_one(Service, self.service_id)

    def code(self) -> str:
        """The code that was sent last."""
        with self.looking() as store:
            return code_sent(store)

    def link(self) -> str:
        """A link to what is due for Anna."""
        with self.writing() as (store, _):
            return measures.new_link(store, a_check_in(store, store.merge(self.anna.referral)))

    def visits(self) -> list[Visit]:
        """Every visit."""
        with self.looking() as store:
            return list(store.scalars(select(Visit).order_by(Visit.id)))

    def key_of(self, browser: Visitor) -> str:
        """The key of a visit in this browser; "" without one."""
        cookie = browser.client.get_cookie(self.app.config["VISIT_COOKIE"])
        return cookie.value if cookie else ""

    def comes(self, browser: Visitor) -> Visitor:
        """In by email, as far as the choice of a task."""
        browser.open("/your-page").press(email=EMAIL)
        return browser.press(code=self.code())

    def reads(self, browser: Visitor) -> Visitor:
        """In as far as the page itself."""
        return self.comes(browser).press(to="/number", number=self.anna.number)


@pytest.fixture
def here(app: Flask, stores: Stores) -> Here:
    return Here(app, stores)


@pytest.fixture
def browser(app: Flask) -> Visitor:
    return Visitor(app)


# In by email ---------------------------------------------------------------------------------------------------------


def test_from_the_first_page_to_one_s_own(here: Here, browser: Visitor) -> None:
    browser.open("/")
    browser.follow(browser.links()["See your page, if you have asked us before"])
    browser.press(email=EMAIL)
    assert browser.here == "/your-page/code"
    browser.press(code=here.code())
    assert browser.here == "/your-page/task"
    browser.press(to="/number", number=here.anna.number)
    assert browser.here == "/my"
    assert browser.open("/your-page").here == "/my"


@pytest.mark.parametrize(("task", "where"), [("goal", "/goals"), ("details", "/my/details"), ("check-in", "/check-in")])
def test_a_code_alone_leads_to_the_one_task_that_is_chosen(here: Here, browser: Visitor, task: str, where: str) -> None:
    if task == "check-in":
        here.link()
    here.comes(browser).press(to="/task", task=task)
    assert browser.here.startswith(where)
    assert browser.status == 200
    visits = here.visits()
    assert [visit.task for visit in visits] == [task]
    assert bool(visits[0].check_in_id) is (task == "check-in")
    # It is the one task for good.
    assert browser.open("/your-page/task").here.startswith(where)
    assert browser.open("/my").here.startswith(where)


def test_a_check_in_is_offered_only_when_one_is_due(here: Here, browser: Visitor) -> None:
    with here.writing() as (store, _):
        for one in measures.due_for(store, here.service_id, here.anna.referral.person_id):
            one.status = "cancelled"
    here.comes(browser)
    assert "Answer a few questions" not in browser.words
    browser.post("/your-page/task", {"csrf_token": browser.token, "task": "check-in"})
    assert browser.status == 422


def test_nothing_chosen_is_said_precisely(here: Here, browser: Visitor) -> None:
    here.comes(browser).press(to="/task")
    assert (browser.status, browser.errors) == (422, ["Choose what you would like to do"])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter your email address"),
        ("zofia", "Enter an email address in the correct format, like name@example.com"),
        ("zofia@inbox", None),
        ("\x00", None),
    ],
)
def test_what_is_no_address_is_said_and_stays_in_the_field(
    here: Here, browser: Visitor, typed: str, said: str | None
) -> None:
    browser.open("/your-page").press(email=typed)
    assert (browser.here, browser.status, len(browser.errors)) == ("/your-page", 422, 1)
    assert browser.fields()["email"] == typed.replace("\x00", "")
    with here.looking() as store:
        assert store.scalars(select(PersonCode)).all() == []


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Type the 6 numbers of the code"),
        ("12345", "Type the 6 numbers of the code"),
        ("abcdef", "Type the 6 numbers of the code"),
        ("WRONG", "This code is not right, or it is too old. Check it, or ask for a new one"),
    ],
)
def test_a_wrong_code_is_said_precisely_and_stays_in_the_field(
    here: Here, browser: Visitor, typed: str, said: str
) -> None:
    browser.open("/your-page").press(email=EMAIL)
    typed = a_wrong_one(here.code()) if typed == "WRONG" else typed
    browser.press(code=typed)
    assert (browser.status, browser.errors) == (422, [said])
    assert browser.fields()["code"] == typed
    assert not here.visits()


def test_the_field_of_a_code_is_one_that_helps(here: Here, browser: Visitor) -> None:
    browser.open("/your-page").press(email=EMAIL)
    field = next(one for one in browser.page.all("input") if one.get("name") == "code")
    assert (field.get("inputmode"), field.get("autocomplete")) == ("numeric", "one-time-code")
    assert field.get("maxlength") is None
    assert [one.get("type") for one in browser.page.all("input") if one.get("name") == "code"] == ["text"]


def test_without_having_asked_the_code_s_page_leads_back(here: Here, browser: Visitor) -> None:
    assert browser.open("/your-page/code").here == "/your-page"


def test_a_household_with_one_address_is_asked_for_the_reference(here: Here, browser: Visitor) -> None:
    with here.writing() as (store, service):
        ola = somebody(store, service, here.worker, first_name="Ola")
        reference, person_id = ola.reference, ola.referral.person_id
    browser.open("/your-page").press(email=EMAIL)
    code = here.code()
    browser.press(code=code)
    assert browser.errors == ["More than one person uses this email. Type your reference as well"]
    browser.press(code=code, reference="nonsense")
    assert browser.errors == ["Type the reference from your card, like K7QF-2M9T-1"]
    browser.press(code=code, reference=reference)
    assert browser.here == "/your-page/task"
    assert [visit.person_id for visit in here.visits()] == [person_id]


def test_a_form_whose_token_died_comes_back_with_what_was_typed(here: Here, browser: Visitor) -> None:
    browser.open("/your-page").post("/your-page", {"csrf_token": "dead", "email": EMAIL})
    assert browser.status == 400
    assert browser.fields()["email"] == EMAIL
    assert "cookies" in browser.words
    with here.looking() as store:
        assert store.scalars(select(PersonCode)).all() == []


def test_too_many_codes_for_one_address_are_refused_until_the_next_day(here: Here, app: Flask) -> None:
    statuses = []
    for _ in range(8):
        client = Visitor(app)
        page = client.open("/your-page")
        more = {"headers": {"X-Forwarded-For": "203.0.113.9"}}
        statuses.append(client.post("/your-page", {"csrf_token": page.token, "email": EMAIL}, **more).status)
    assert statuses[:6] == [200] * 6
    assert statuses[6:] == [429] * 2
    assert "Too many tries" in client.words


# Nobody learns who is known ------------------------------------------------------------------------------------------


def without_tokens(page: str) -> str:
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page)


def told(here: Here, app: Flask, email: str, codes_typed: tuple[str, ...]) -> list[tuple[int, str, list[Any]]]:
    """Everything that a browser receives that asks for this address."""
    client = Visitor(app).client
    answers = []
    for where, fields in (("/your-page", {"email": email}), *(("/your-page/code", {"code": c}) for c in codes_typed)):
        token = re.search(r'csrf_token" value="([^"]+)"', client.get(where).get_data(as_text=True))
        assert token
        response = client.post(where, data={"csrf_token": token[1], **fields})
        headers = [(k, re.sub(r"=[^;]+;", "=…;", v, count=1)) for k, v in response.headers if k != "Content-Length"]
        body = without_tokens(response.get_data(as_text=True)).replace(email, "EMAIL")
        answers.append((response.status_code, body, headers))
        answers.append((200, without_tokens(client.get("/your-page/code").get_data(as_text=True)), []))
    return answers


def test_every_page_is_the_same_for_an_address_that_nobody_has(here: Here, app: Flask) -> None:
    """To the byte, the form's token aside; and after so many wrong codes that they are burnt."""
    wrong = tuple(f"{number:06d}" for number in range(7))
    assert told(here, app, EMAIL, wrong) == told(here, app, "nobody@inbox.example", wrong)


def test_every_page_is_the_same_for_a_reference_that_nobody_has(here: Here, app: Flask) -> None:
    with here.writing() as (store, service):
        ola = somebody(store, service, here.worker, first_name="Ola", ways=("call",))
        accounts.issue_code(store, here.worker, ola.referral.person_id, ola.referral.id)
        known = (here.anna.reference, ola.reference)
    nobody_s = codes.show_reference(codes.new_reference())
    for where, name, typed in (
        ("/your-page/card", "number", "000000000000"),
        ("/your-page/worker-code", "code", "000000"),
    ):
        answers = set()
        for reference in (*known, nobody_s):
            client = Visitor(app)
            client.open(where).press(reference=reference, **{name: typed})
            assert client.status == 422
            answers.add(without_tokens(client.response.get_data(as_text=True)).replace(reference, "REF"))
        assert len(answers) == 1


def test_an_attacker_tries_a_hundred_codes_and_the_right_person_gets_in(here: Here, app: Flask) -> None:
    anna = Visitor(app).open("/your-page").press(email=EMAIL)
    code = here.code()
    attacker = Visitor(app)
    for number in range(100):
        if number % 10 == 0:
            page = attacker.open("/your-page")
            more = {"headers": {"X-Forwarded-For": "203.0.113.9"}}
            attacker.post("/your-page", {"csrf_token": page.token, "email": EMAIL}, **more)
        token = attacker.open("/your-page/code").token
        attacker.post("/your-page/code", {"csrf_token": token, "code": a_wrong_one(code)})
        assert here.key_of(attacker) == ""
    anna.press(code=code)
    assert anna.here == "/your-page/task"
    assert len(here.visits()) == 1


# By the card, and by a worker's code ---------------------------------------------------------------------------------


def test_somebody_without_email_comes_with_their_card(here: Here, browser: Visitor) -> None:
    with here.writing() as (store, service):
        ola = somebody(store, service, here.worker, first_name="Ola", ways=("call",))
    browser.open("/your-page").follow(browser.links()["I have my card, and no email"])
    browser.press(reference=ola.reference, number=ola.number)
    assert browser.here == "/my"


def test_somebody_with_email_does_not_come_with_their_card_alone(here: Here, browser: Visitor) -> None:
    browser.open("/your-page/card").press(reference=here.anna.reference, number=here.anna.number)
    assert browser.status == 422
    assert "ask for a code by email" in browser.errors[0]
    browser.press(reference="K7", number="12")
    assert browser.errors == [
        "Type the reference from your card, like K7QF-2M9T-1",
        "Type the 12 digits of the return number from your card",
    ]
    assert not here.visits()


def test_with_reading_off_only_the_open_task_is_there_and_the_answer_is_neutral(here: Here, app: Flask) -> None:
    here.link()
    pages = []
    for on in (True, False):
        with here.writing() as (store, _):
            accounts.set_reading(store, here.service_id, here.anna.referral.person_id, on, here.worker)
        browser = here.comes(Visitor(app))
        number = here.anna.number if not on else "000000000000"
        browser.press(to="/number", number=number)
        assert browser.status == 422
        pages.append(without_tokens(browser.response.get_data(as_text=True)).replace(number, "NUMBER"))
        browser.press(to="/task", task="check-in")
        assert browser.here.startswith("/check-in")
    # The right card while reading is off, and a wrong one while it is on.
    assert pages[0] == pages[1]


def test_a_worker_hands_out_a_code_and_the_person_comes_in_with_it(here: Here, app: Flask, browser: Visitor) -> None:
    staff = Visitor(app)
    with here.stores.writing() as store:
        sign_in(staff.client, store, here.member)
    page = f"/staff/referrals/{here.anna.referral.id}/their-page"
    staff.open(page).press(to="/code")
    assert staff.status == 200
    reference, code = (one.strip() for one in staff.card())
    assert code not in staff.open(page).words
    browser.open("/your-page").follow(browser.links()["I have a code from my link worker"])
    browser.press(reference=reference, code=a_wrong_one(code))
    assert browser.status == 422
    browser.press(reference=reference, code=code)
    assert browser.here == "/your-page/task"
    with here.looking() as store:
        acts = store.scalars(select(AuditEvent.act).where(AuditEvent.actor_id == here.worker.staff_id)).all()
    assert "gave a code in person" in acts


def test_a_worker_turns_reading_off_at_once_and_on_only_with_the_person(here: Here, app: Flask) -> None:
    anna, staff = here.reads(Visitor(app)), Visitor(app)
    with here.stores.writing() as store:
        sign_in(staff.client, store, here.member)
    page = f"/staff/referrals/{here.anna.referral.id}/their-page"
    staff.open(page).press("off", to="/reading")
    assert "Nobody can read their page now." in staff.words
    assert anna.open("/my").here == "/your-page"
    staff.press("on", to="/reading")
    assert staff.errors == ["Tick this when you have talked with them in person and they want this"]
    with here.looking() as store:
        assert not store.get_one(ServiceUser, (here.service_id, here.anna.referral.person_id)).reading
    staff.press("on", to="/reading", agreed="y")
    assert "They can read their page again." in staff.words
    assert here.reads(Visitor(app)).here == "/my"


def test_a_person_turns_reading_off_for_everybody(here: Here, app: Flask) -> None:
    anna, elsewhere = here.reads(Visitor(app)), here.reads(Visitor(app))
    anna.open("/your-page/reading-off").press()
    assert anna.status == 200
    assert here.key_of(anna) == ""
    assert elsewhere.open("/my").here == "/your-page"


# While there, and out ------------------------------------------------------------------------------------------------


def test_a_new_key_is_given_at_each_step_and_the_one_before_is_dead(here: Here, browser: Visitor) -> None:
    here.comes(browser)
    first = here.key_of(browser)
    browser.press(to="/number", number=here.anna.number)
    second = here.key_of(browser)
    assert first
    assert second
    assert first != second
    with here.looking() as store:
        assert accounts.visitor_for(store, here.service_id, first) is None


def test_a_key_that_somebody_planted_is_never_taken_over(here: Here, browser: Visitor) -> None:
    browser.client.set_cookie(here.app.config["VISIT_COOKIE"], "planted" * 6)
    here.comes(browser)
    assert here.key_of(browser) != "planted" * 6


@pytest.mark.parametrize("value", ["", "x", "A" * 3000, "%00", "é", "'; drop table visit; --"])
def test_a_forged_key_is_nobody(here: Here, browser: Visitor, value: str) -> None:
    browser.client.set_cookie(here.app.config["VISIT_COOKIE"], value)
    assert browser.open("/my").here == "/your-page"
    assert browser.status == 200


def test_leaving_ends_the_visit_and_clears_the_browser(here: Here, browser: Visitor) -> None:
    here.comes(browser)
    key, token = here.key_of(browser), browser.token
    answer = browser.client.post("/your-page/leave", data={"csrf_token": token})
    assert (answer.status_code, answer.headers["Clear-Site-Data"]) == (303, '"cache", "storage"')
    assert here.key_of(browser) == ""
    browser.client.set_cookie(here.app.config["VISIT_COOKIE"], key)
    assert browser.open("/my").here == "/your-page"
    assert browser.open("/your-page/task").here == "/your-page"


def test_the_way_out_and_the_cleared_screen_take_the_key_away(here: Here, app: Flask) -> None:
    for where in ("/exit", "/your-page/locked"):
        browser = here.comes(Visitor(app))
        assert here.key_of(browser)
        browser.client.get(where)
        assert here.key_of(browser) == ""
        assert browser.client.get_cookie(app.config["ASKED_COOKIE"]) is None


def test_nobody_there_for_twenty_minutes_and_the_warning_is_the_end(here: Here, browser: Visitor) -> None:
    here.reads(browser)
    with clock.later(timedelta(minutes=21)):
        assert browser.open("/my").here == "/my"
    with clock.later(timedelta(minutes=42)):
        token = browser.token
        assert browser.client.post("/your-page/still-here", data={"csrf_token": token}).status_code == 204
    with clock.later(timedelta(minutes=63)):
        assert browser.open("/my").here == "/my"
    with clock.later(timedelta(minutes=86)):
        assert browser.open("/my").here == "/your-page"


def test_every_page_of_a_visit_clears_itself(here: Here, browser: Visitor) -> None:
    def lock() -> str:
        return browser.page.all("body")[0].get("data-lock-url", "")

    assert here.comes(browser).here == "/your-page/task"
    assert lock() == "/your-page/locked"
    browser.press(to="/number", number=here.anna.number)
    for mine in (rule for rule in own(here.app, "GET") if not rule.arguments):
        response = browser.client.get(mine.rule)
        if response.status_code == 200 and response.mimetype == "text/html":
            assert 'data-lock-url="/your-page/locked"' in response.get_data(as_text=True), mine.rule


def test_the_cookies_hold_random_keys_and_nothing_else(here: Here, browser: Visitor) -> None:
    here.reads(browser)
    names = (here.app.config["VISIT_COOKIE"], here.app.config["ASKED_COOKIE"])
    for name in names:
        cookie = browser.client.get_cookie(name)
        assert cookie
        assert re.fullmatch(r"[A-Za-z0-9_-]{43}", cookie.value)
        assert (cookie.http_only, cookie.same_site, cookie.path, cookie.max_age) == (True, "Lax", "/", None)


# The link in a message -----------------------------------------------------------------------------------------------


def counted_rows(here: Here) -> dict[str, list[Any]]:
    return content(here.app)


def test_from_the_message_to_the_first_question_there_are_two_requests(here: Here, browser: Visitor) -> None:
    token = here.link()
    seen = []
    browser.client.application.before_request_funcs.setdefault(None, []).append(lambda: seen.append(1))
    browser.open(f"/c/{token}").press()
    assert (browser.path, browser.status, len(seen)) == (f"/c/{token}", 200, 2)
    assert browser.form().get("action", "").startswith("/check-in/")
    assert [(visit.task, visit.via) for visit in here.visits()] == [("check-in", "link")]


def test_looking_at_a_link_a_hundred_times_changes_no_row(here: Here, app: Flask) -> None:
    token = here.link()
    before = content(app)
    client = Visitor(app).client
    for _ in range(100):
        assert client.get(f"/c/{token}").status_code == 200
        assert client.head(f"/c/{token}").status_code == 200
        client.options(f"/c/{token}")
    assert content(app) == before
    with here.looking() as store:
        assert store.scalars(select(CheckInLink.used_at)).one() is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch"},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Purpose": "preview"},
        {"X-Moz": "prefetch"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_what_a_script_or_another_site_sends_spends_nothing(
    here: Here, browser: Visitor, headers: dict[str, str]
) -> None:
    token = here.link()
    form = browser.open(f"/c/{token}").token
    before = content(here.app)
    client = browser.client
    for method in ("GET", "HEAD", "POST"):
        data = {"csrf_token": form} if method == "POST" else None
        assert client.open(f"/c/{token}", method=method, data=data, headers=headers).status_code in (200, 403)
    assert content(here.app) == before
    browser.press()
    assert browser.form().get("action", "").startswith("/check-in/")


def test_a_browser_that_keeps_no_cookies_is_told_so_and_nothing_is_spent(here: Here, app: Flask) -> None:
    token = here.link()
    client = app.test_client(use_cookies=False)
    page = client.get(f"/c/{token}").get_data(as_text=True)
    form = re.search(r'csrf_token" value="([^"]+)"', page)
    assert form
    before = content(app)
    answer = client.post(f"/c/{token}", data={"csrf_token": form[1]})
    assert answer.status_code == 400
    assert "cookies" in answer.get_data(as_text=True)
    assert content(app) == before


def dead_links(here: Here) -> dict[str, str]:
    """A link of each kind that opens nothing."""
    used, replaced, unknown = here.link(), "", codes.new_key()
    with here.writing() as (store, _):
        assert measures.open_link(store, here.service_id, used)
    replaced = here.link()
    here.link()
    with here.writing() as (store, _):
        there = a_service(store, "there")
        staff_member(store, there, Role.MANAGER)
        worker = staff_member(store, there).actor
        foreign = measures.new_link(store, a_check_in(store, somebody(store, there, worker).referral))
    return {"used": used, "replaced": replaced, "unknown": unknown, "foreign": foreign, "nonsense": "x"}


def test_every_link_looks_the_same_whatever_has_become_of_it(here: Here, app: Flask) -> None:
    dead = dead_links(here)
    live = here.link()

    def page_of(token: str) -> str:
        page = Visitor(app).client.get(f"/at/here/c/{token}").get_data(as_text=True)
        return without_tokens(page).replace(f"/c/{token}", "/c/TOKEN")

    pages = {page_of(token) for token in (*dead.values(), live)}
    with clock.later(timedelta(days=20)):
        pages.add(page_of(live))
    assert len(pages) == 1


def test_a_link_that_opens_nothing_offers_a_code_and_says_not_why(here: Here, app: Flask) -> None:
    dead = dead_links(here)
    answers = set()
    for token in dead.values():
        browser = Visitor(app, "/at/here")
        browser.open(f"/c/{token}").press()
        assert browser.status == 410
        assert here.key_of(browser) == ""
        assert browser.links()["Send me a code instead"] == "/at/here/your-page"
        answers.add(without_tokens(browser.response.get_data(as_text=True)).replace(f"/c/{token}", "/c/T"))
    live = here.link()
    browser = Visitor(app, "/at/here").open(f"/c/{live}")
    with clock.later(timedelta(days=20)):
        browser.press()
    assert browser.status == 410
    answers.add(without_tokens(browser.response.get_data(as_text=True)).replace(f"/c/{live}", "/c/T"))
    assert len(answers) == 1
    assert not here.visits()


def test_a_link_works_once_and_loading_the_page_again_leads_to_the_check_in(here: Here, app: Flask) -> None:
    token = here.link()
    anna, other = Visitor(app), Visitor(app)
    form = anna.open(f"/c/{token}").token
    anna.press()
    anna.post(f"/c/{token}", {"csrf_token": form})
    anna.post(f"/c/{token}", {"csrf_token": anna.open(f"/c/{token}").token})
    assert anna.here.startswith("/check-in")
    assert other.open(f"/c/{token}").press().status == 410
    assert len(here.visits()) == 1


def test_a_visit_by_a_link_opens_its_check_in_and_nothing_else(here: Here, browser: Visitor) -> None:
    browser.open(f"/c/{here.link()}").press()
    for rule in own(here.app, "GET"):
        mine = door(here.app, rule.endpoint)
        if mine is Mine.ANSWER_CHECK_IN or rule.arguments:
            continue
        assert browser.client.get(rule.rule).location == "/your-page", rule.rule
    token = browser.token
    assert (
        browser.client.post("/your-page/number", data={"csrf_token": token, "number": here.anna.number}).status_code
        == 303
    )
    assert [visit.tier for visit in here.visits()] == ["task"]


def test_a_link_puts_its_visit_in_the_place_of_the_one_before(here: Here, browser: Visitor) -> None:
    here.reads(browser)
    before = here.key_of(browser)
    browser.open(f"/c/{here.link()}").press()
    assert browser.open("/my").here.startswith("/check-in")
    with here.looking() as store:
        assert accounts.visitor_for(store, here.service_id, before) is None


def test_a_link_in_a_language_stays_in_it(here: Here, browser: Visitor) -> None:
    browser.open(f"/ur/c/{here.link()}").press()
    assert browser.page.all("html")[0].get("lang") == "ur"
    assert [visit.language for visit in here.visits()] == ["ur"]


# What a task shows ---------------------------------------------------------------------------------------------------

MARKED = {
    "first_name": "Zmarkfirst",
    "family_name": "Zmarkfamily",
    "preferred_name": "Zmarkpreferred",
    "what_matters": "Zmarkwords matter to me.",
    "phone": "07700 900987",
    "post_address": "9 Zmarkstreet",
    "trusted_name": "Zmarktrusted",
    "trusted_contact": "07700 900654",
    "postcode": "AB10 9ZP",
    "date_of_birth": "13 4 1951",
}
TRACES = ("Zmark", "900987", "900 987", "900654", "AB10 9ZP", "AB109ZP", "1951", "zmark@inbox.example")


def test_nothing_that_somebody_told_us_is_shown_before_the_card(here: Here, app: Flask) -> None:
    """Every answer that every kind of task visit can get, searched for every mark of the person."""
    with here.writing() as (store, service):
        marked = somebody(
            store,
            service,
            here.worker,
            email="zmark@inbox.example",
            ways=("email", "call", "post", "through-person"),
            **MARKED,
        )
        a_check_in(store, marked.referral)
    looked = 0
    for task in ("", *TASKS, "link"):
        browser = Visitor(app)
        answers: list[str] = []
        if task == "link":
            with here.writing() as (store, _):
                token = measures.new_link(store, a_check_in(store, store.merge(marked.referral)))
            answers.append(browser.open(f"/c/{token}").response.get_data(as_text=True))
            answers.append(browser.press().response.get_data(as_text=True))
        else:
            browser.open("/your-page").press(email="zmark@inbox.example")
            answers.append(browser.press(code=here.code()).response.get_data(as_text=True))
            if task:
                answers.append(browser.press(to="/task", task=task).response.get_data(as_text=True))
        page = browser.response.get_data(as_text=True)
        form = re.search(r'csrf_token" value="([^"]+)"', page)
        for rule in rules(app):
            if rule.arguments or rule.endpoint in ("visits.leave", "public.exit", "visits.locked"):
                continue
            answers.append(browser.client.get(rule.rule).get_data(as_text=True))
            if "POST" in (rule.methods or ()) and form and not rule.rule.startswith("/staff"):
                answers.append(browser.client.post(rule.rule, data={"csrf_token": form[1]}).get_data(as_text=True))
        looked += len(answers)
        for answer in answers:
            for trace in TRACES:
                assert trace.lower() not in answer.lower(), f"{task or 'choosing'} shows {trace}: {answer[:200]}"
    assert looked > 100


def test_no_message_names_anybody_or_says_what_it_is_about(here: Here, browser: Visitor) -> None:
    browser.open("/your-page").press(email=EMAIL)
    with here.looking() as store:
        sent = store.scalars(select(Message).where(Message.template == "sign-in-code")).one()
        assert set(sent.details) == {"code"}
