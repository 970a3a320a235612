"""The caseload: filters, orders, pages that stay whole while others come in, views that somebody keeps; and that no
page of the staff takes more queries, or reads through a table, when there are more cases."""

import re
import uuid
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal import access, referrals
from portal.access import Role
from portal.caseload import listing, views
from portal.caseload.listing import Asked
from portal.clock import now, today
from portal.store import Alert, Base, Referral, Risk, SavedView, Service, Staff, Stores
from tests.inspector import InspectedClient
from tests.world import Member, a_referral, a_service, person_of, press, sign_in, staff_member, words_of


@pytest.fixture
def service(store: Session) -> Service:
    return a_service(store)


@pytest.fixture
def worker(store: Session, service: Service) -> Member:
    return staff_member(store, service)


@pytest.fixture
def boss(store: Session, service: Service) -> Member:
    return staff_member(store, service, Role.MANAGER)


def a_case(store: Session, service: Service, worker: Member, **more: object) -> Referral:
    """An accepted case of this worker's; ``more``: answers of the form, or columns of the referral."""
    columns = {key: more.pop(key) for key in list(more) if hasattr(Referral, key) and key not in ("answers", "urgency")}
    made = referrals.accept(store, service, worker.actor, a_referral(store, service, **more).id)  # type: ignore[arg-type]
    for key, value in columns.items():
        setattr(made, key, value)
    store.flush()
    return made


def names(store: Session, worker: Member, **asked: str) -> list[str]:
    return [line.name for line in listing.page(store, worker.actor, Asked(**asked)).lines]


# Filters and orders --------------------------------------------------------------------------------------------------


def test_each_filter_shows_whom_it_names(store: Session, service: Service, worker: Member, boss: Member) -> None:
    day = today()
    a_case(store, service, worker, first_name="Late", next_due=day - timedelta(days=1), needs=["money"])
    a_case(store, service, worker, first_name="Soon", next_due=day + timedelta(days=3), status="active")
    held = a_case(
        store, service, worker, first_name="Held", status="on-hold", spoken_language="ur", interpreter="spoken"
    )
    reached = a_case(store, service, worker, first_name="Seen", first_attempt_at=now(), first_contact_at=now())
    a_case(store, service, worker, first_name="Tried", first_attempt_at=now(), attempts=3)
    a_case(store, service, worker, first_name="Over", status="closed")
    a_case(store, service, boss, first_name="Else", status="active")
    long_ago = now() - timedelta(days=40)
    reached.last_contact_at = now()
    held.last_contact_at, held.referred_at = long_ago, long_ago
    store.add(Risk(
        service_id=service.id, person_id=held.person_id, referral_id=held.id, kind="none-known", started=day,
        recorded_by=worker.actor.staff_id,
    ))  # fmt: skip
    person_of(store, held).gp_practice_code = "A81001"
    store.flush()
    mine = {"Late", "Soon", "Held", "Seen", "Tried"}
    expected: dict[tuple[str, str], set[str]] = {
        ("whose", "mine"): mine,
        ("whose", "all"): mine | {"Else"},
        ("whose", "team"): mine | {"Else"},
        ("whose", "nobody"): set(),
        ("status", "accepted"): {"Late", "Seen", "Tried"},
        ("status", "on-hold"): {"Held"},
        ("status", "closed"): {"Over"},
        ("need", "money"): {"Late"},
        ("language", "ur"): {"Held"},
        ("interpreter", "yes"): {"Held"},
        ("due", "overdue"): {"Late"},
        ("due", "this-week"): {"Soon"},
        ("due", "none"): {"Held", "Seen", "Tried"},
        ("waiting", "not-tried"): {"Late", "Soon", "Held"},
        ("waiting", "not-reached"): mine - {"Seen"},
        ("waiting", "tried-enough"): {"Tried"},
        ("quiet", "28"): {"Held"},
        ("quiet", "56"): set(),
        ("missing", "risk"): mine - {"Held"},
        ("missing", "gp"): mine - {"Held"},
        ("missing", "plan"): mine,
        ("missing", "need"): set(),
    }
    for (name, code), whom in expected.items():
        assert set(names(store, worker, **{name: code})) == whom, f"{name}={code}"
    assert set(names(store, worker, whose="all", language="ur")) == {"Held"}
    asked = {(name, one.code) for name, entries in listing.LISTS.items() for one in entries if name not in ("sort",)}
    untold = {("status", "open"), ("status", "active"), ("quiet", "14")}
    assert asked - set(expected) == untold, "every filter is tried"


def test_my_team_is_who_has_the_same_team(store: Session, service: Service, worker: Member, boss: Member) -> None:
    for member, team in ((worker, "North"), (boss, "South")):
        store.get_one(Staff, (service.id, member.actor.staff_id)).team = team
    a_case(store, service, worker, first_name="Mine")
    a_case(store, service, boss, first_name="Else")
    assert names(store, worker, whose="team") == ["Mine"]
    a_case(store, service, boss, first_name="Nobody", assigned_to=None)
    assert names(store, worker, whose="nobody") == ["Nobody"]


def test_each_order_is_what_it_says_with_those_who_have_none_at_the_right_end(
    store: Session, service: Service, worker: Member
) -> None:
    moment, day = now(), today()
    for name, due, contact, sent in (
        ("Ada", 5, 3, 9), ("Bea", None, None, 8), ("Cleo", 1, 9, 7), ("Dee", 1, 1, 6), ("Eve", None, 5, 10),
    ):  # fmt: skip
        a_case(
            store, service, worker, first_name=name, status="active" if name in "Ada Dee" else "accepted",
            next_due=day + timedelta(days=due) if due else None,
            last_contact_at=moment - timedelta(days=contact) if contact else None,
            referred_at=moment - timedelta(days=sent),
        )  # fmt: skip
    assert names(store, worker) == ["Cleo", "Dee", "Ada", "Bea", "Eve"]
    assert names(store, worker, sort="waiting") == ["Eve", "Ada", "Bea", "Cleo", "Dee"]
    assert names(store, worker, sort="newest") == ["Dee", "Cleo", "Bea", "Ada", "Eve"]
    assert names(store, worker, sort="quiet") == ["Bea", "Cleo", "Eve", "Ada", "Dee"]
    assert names(store, worker, sort="name") == ["Ada", "Bea", "Cleo", "Dee", "Eve"]


def test_of_a_case_that_is_not_part_of_one_s_work_no_needs_are_told(
    store: Session, service: Service, worker: Member, boss: Member
) -> None:
    a_case(store, service, boss, first_name="Else", needs=["money"])
    line = listing.page(store, worker.actor, Asked(whose="all")).lines[0]
    assert (line.within, line.needs) == (False, ())
    line = listing.page(store, boss.actor, Asked(whose="all")).lines[0]
    assert (line.within, line.needs) == (True, ("money",))


def test_only_those_who_care_for_people_see_the_list(store: Session, service: Service, boss: Member) -> None:
    for role in (Role.ADMINISTRATOR, Role.ANALYST):
        with pytest.raises(access.Refused):
            listing.page(store, staff_member(store, service, role).actor, Asked())


# Pages ---------------------------------------------------------------------------------------------------------------


def walked(store: Session, worker: Member, asked: Asked, most: int) -> list[list[uuid.UUID]]:
    """Every page forwards; and backwards the same pages again."""
    there = listing.page(store, worker.actor, asked, most=most)
    pages = [[line.referral.id for line in there.lines]]
    while there.older:
        there = listing.page(store, worker.actor, asked, after=there.older, most=most)
        pages.append([line.referral.id for line in there.lines])
    back = [pages[-1]]
    while there.newer:
        there = listing.page(store, worker.actor, asked, before=there.newer, most=most)
        back.insert(0, [line.referral.id for line in there.lines])
    assert [one for page in back for one in page] == [one for page in pages for one in page]
    return pages


def test_every_order_walks_through_everybody_once_forwards_and_back(
    store: Session, service: Service, worker: Member
) -> None:
    moment, day = now(), today()
    for number in range(11):
        a_case(
            store, service, worker, first_name="ABC"[number % 3], status=Referral.OPEN[number % 3],
            next_due=day + timedelta(days=number % 2) if number % 4 else None,
            last_contact_at=moment - timedelta(days=number % 3) if number % 3 else None,
            referred_at=moment - timedelta(days=number // 3), spoken_language="ur" if number % 2 else "en",
        )  # fmt: skip
    for sort in (one.code for one in listing.SORTS):
        for more in ({}, {"whose": "all", "language": "ur"}):
            asked = Asked(sort=sort, **more)
            everybody = [line.referral.id for line in listing.page(store, worker.actor, asked).lines]
            assert len(set(everybody)) == (5 if more else 11)
            for most in (1, 2, 4):
                assert [one for page in walked(store, worker, asked, most) for one in page] == everybody, (sort, most)


def test_somebody_new_moves_nobody_from_one_page_to_another(store: Session, service: Service, worker: Member) -> None:
    cases = [a_case(store, service, worker, next_due=today() + timedelta(days=number)) for number in range(6)]
    first = listing.page(store, worker.actor, Asked(), most=2)
    a_case(store, service, worker, next_due=today() - timedelta(days=9))
    second = listing.page(store, worker.actor, Asked(), after=first.older, most=2)
    assert [line.referral.id for line in second.lines] == [one.id for one in cases[2:4]]
    # Also when the last one on the page has moved in the list meanwhile: the page goes on from where it ended.
    cases[3].next_due = today() + timedelta(days=90)
    store.flush()
    third = listing.page(store, worker.actor, Asked(), after=second.older, most=2)
    assert [line.referral.id for line in third.lines] == [one.id for one in cases[4:6]]


PLACES = ["", ".", "x", "0" * 32, f"{uuid.UUID(int=1)}", f"{uuid.UUID(int=1)}.", f"{uuid.UUID(int=1)}.2026-02-31",
          f"{uuid.UUID(int=1)}.{10**30}", f"{uuid.UUID(int=1)}.-9", "\x00", "١" * 40, "%00", "a" * 5000]  # fmt: skip


def test_a_place_that_cannot_be_read_is_the_first_page(store: Session, service: Service, worker: Member) -> None:
    a_case(store, service, worker, next_due=today())
    for sort in (one.code for one in listing.SORTS):
        for place in PLACES:
            listing.page(store, worker.actor, Asked(sort=sort), after=place)
            listing.page(store, worker.actor, Asked(sort=sort), before=place)


@given(given=st.dictionaries(st.sampled_from([*vars(Asked()), "x"]), st.text(max_size=12), max_size=6))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_codes_that_nobody_knows_ask_nothing(given: dict[str, str]) -> None:
    asked = listing.read(given)
    known = {name: {one.code for one in entries} for name, entries in listing.LISTS.items()}
    for name, said in vars(asked).items():
        assert said == getattr(Asked(), name) or said in known.get(name, {"yes"})


# Views ---------------------------------------------------------------------------------------------------------------


def test_a_view_is_kept_under_its_name_replaced_and_deleted_by_whose_it_is(
    store: Session, service: Service, worker: Member, boss: Member
) -> None:
    view = views.keep(store, worker.actor, "  Late ones ", {"due": "overdue"})
    again = views.keep(store, worker.actor, "Late ones", {"due": "overdue", "whose": "team"})
    assert (view.id, again.name, again.asked) == (again.id, "Late ones", {"due": "overdue", "whose": "team"})
    assert views.of(store, boss.actor) == []
    assert not views.drop(store, boss.actor, view.id)
    assert views.drop(store, worker.actor, view.id)
    assert not views.drop(store, worker.actor, view.id)
    for name in ("", "  ", "\x00", "x" * 61):
        with pytest.raises(views.NoName):
            views.keep(store, worker.actor, name, {})
    for number in range(views.MOST):
        views.keep(store, worker.actor, f"View {number}", {})
    with pytest.raises(views.TooMany):
        views.keep(store, worker.actor, "One more", {})
    views.keep(store, worker.actor, "View 3", {"sort": "name"})


def test_the_page_filters_pages_keeps_views_and_says_what_to_do_when_it_is_empty(
    client: InspectedClient, store: Session, service: Service, worker: Member
) -> None:
    sign_in(client, store, worker)
    empty = words_of(client.get("/staff/caseload"))
    assert "You have nobody yet. New people wait in the inbox." in empty
    for number in range(listing.PAGE + 2):
        a_case(store, service, worker, first_name=f"Person {number:02}", next_due=today() + timedelta(days=number))
    page = client.get("/staff/caseload")
    assert "Person 00" in words_of(page)
    assert "Person 26" not in words_of(page)
    older = page.get_data(as_text=True).split('class="portal-pages__older" href="')[1].split('"')[0]
    assert "Person" not in older
    second = words_of(client.get(older.replace("&amp;", "&")))
    assert "Person 26" in second
    assert "Previous page" in second
    nobody = words_of(client.get("/staff/caseload?status=closed"))
    assert "Nobody fits this." in nobody
    assert client.get("/staff/caseload?sort=%00&whose=zzz&language=tlh&after=x&need=").status_code == 200
    unnamed = press(client, "/staff/caseload?due=overdue&sort=name", "/views", name="")
    assert unnamed.status_code == 422
    assert "Give it a name" in words_of(unnamed)
    kept = press(client, "/staff/caseload?due=overdue&sort=name", "/views", name="Late ones")
    assert (kept.status_code, kept.location) == (303, "/staff/caseload?due=overdue&sort=name")
    store.expire_all()
    assert [one.asked for one in store.scalars(access.rows_of(service.id, SavedView))] == [
        {"due": "overdue", "sort": "name"}
    ]
    assert "Late ones" in words_of(client.get("/staff/caseload"))
    assert press(client, "/staff/caseload", "/delete").status_code == 303
    assert "Late ones" not in words_of(client.get("/staff/caseload"))


def test_a_case_in_the_list_has_its_whole_name_its_step_and_how_late_that_is(
    client: InspectedClient, store: Session, service: Service, worker: Member, boss: Member
) -> None:
    late = today() - timedelta(days=3)
    for family in ("Nowak", "Kowalska"):
        name = {"first_name": "Zofia", "family_name": family}
        a_case(store, service, worker, **name, next_due=late, next_step="Ring about the choir")
    elsewhere = {"first_name": "Ola", "family_name": "Secret", "next_step": "Not for everybody"}
    a_case(store, service, boss, **elsewhere, next_due=late)
    sign_in(client, store, worker)
    said = words_of(client.get("/staff/caseload?whose=all"))
    assert "Zofia Nowak" in said
    assert "Zofia Kowalska" in said
    assert said.count("3 days late Ring about the choir") == 2
    assert "Ola" in said
    assert "Secret" not in said, "what is not part of one's own work is not told"
    assert "Not for everybody" not in said


# As fast with many ---------------------------------------------------------------------------------------------------

STAFF_PAGES = (
    "/staff/inbox", "/staff/today", "/staff/alerts", "/staff/tasks", "/staff/search", "/staff/caseload",
    *(f"/staff/caseload?whose=all&{more}" for more in (
        "sort=waiting", "sort=newest", "sort=quiet", "sort=name", "language=en", "need=loneliness", "interpreter=yes",
        "due=overdue", "due=none", "quiet=28", "missing=risk", "missing=plan", "missing=gp", "status=closed",
    )),
)  # fmt: skip
Asking = tuple[str, object]


def asked_of(stores: Stores, client: InspectedClient, address: str, **typed: str) -> list[Asking]:
    """The queries that a page takes."""
    queries: list[Asking] = []

    def note(_conn: object, _cursor: object, statement: str, given: object, *_rest: object) -> None:
        queries.append((statement, given))

    event.listen(stores.engine, "before_cursor_execute", note)
    try:
        answered = press(client, address, **typed) if typed else client.get(address)
        assert answered.status_code == 200, address
    finally:
        event.remove(stores.engine, "before_cursor_execute", note)
    return queries


# What does not grow with the cases; or is walked along an index until a page is full, in the order that is asked for.
SMALL = {"service", "staff", "duty", "service_scale", "scale_text", "saved_view", "feed"}
WALKED = ("service_user_service_id_name_key_index", "service_user_service_id_spoken_language_id_index")


def read_through(stores: Stores, asking: Asking) -> list[str]:
    """The steps of SQLite's plan for a query that read every row of a service in a table that grows with the cases."""
    statement, given = asking
    if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
        return []
    with stores.engine.connect() as connection:
        plan = [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]  # type: ignore[arg-type]
    tables = {table.name for table in Base.metadata.sorted_tables} - SMALL
    whole = re.compile(r"(?:SCAN (\w+)|SEARCH (\w+) .*\(service_id=\?\))$")
    found = [(step, whole.match(step)) for step in plan if not any(index in step for index in WALKED)]
    aliases = {word.lower() for word in re.findall(r"\b(?:FROM|JOIN) (\w+)", statement)}
    return [
        f"{step}: {statement[:90]} … {statement[-200:]}"
        for step, match in found
        if match and re.sub(r"_\d+$", "", match[1] or match[2]) in tables & aliases
    ]


def test_no_page_of_the_staff_reads_through_a_table(
    client: InspectedClient, store: Session, service: Service, worker: Member, boss: Member
) -> None:
    """The plans are those of a store of any size: SQLite's planner is told our figures and never measures."""
    stores: Stores = client.application.extensions["stores"]
    if stores.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL plans by what it has measured; the bench asks it with a hundred thousand cases")
    sent = a_case(store, service, worker, next_due=today())
    a_referral(store, service, urgency="not-safe")
    sign_in(client, store, worker)
    one = store.scalars(access.rows_of(service.id, Alert)).one()
    pages = (*STAFF_PAGES, f"/staff/referrals/{sent.id}", f"/staff/alerts/{one.id}", f"/staff/referrals/{sent.id}/give")
    queries = {asking[0]: asking for page in pages for asking in asked_of(stores, client, page)}
    for typed in ("zof quar", "1965", "zofia 1965", sent.reference, "07700 900123", "zofia@inbox.example"):
        queries |= {asking[0]: asking for asking in asked_of(stores, client, "/staff/search", typed=typed)}
    assert len(queries) > 100
    assert [step for asking in queries.values() for step in read_through(stores, asking)] == []


def test_a_page_takes_as_many_queries_for_many_cases_as_for_few(
    client: InspectedClient, store: Session, service: Service, worker: Member, boss: Member
) -> None:
    sign_in(client, store, worker)
    stores: Stores = client.application.extensions["stores"]

    def some_more(number: int) -> None:
        for _ in range(number):
            a_case(store, service, worker, next_due=today() - timedelta(days=1))
            a_referral(store, service, urgency="not-safe")
        store.commit()

    some_more(2)
    few = {address: len(asked_of(stores, client, address)) for address in STAFF_PAGES}
    some_more(6)
    many = {address: len(asked_of(stores, client, address)) for address in STAFF_PAGES}
    assert many == few
