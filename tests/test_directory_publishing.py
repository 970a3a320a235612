import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from portal import directory, services
from portal.access import Role
from portal.codes import new_id
from portal.directory import publishing, spelling
from portal.store import Feed, Service, Stores
from tests.feeds import HERE, a_place, a_row, an_id, ids, paged, serving, take
from tests.hsds_uk import TABLES, faults, faults_of_page
from tests.inspector import InspectedClient
from tests.staffed import a_colleague, acting

EXAMPLE = Path(__file__).parent / "fixtures" / "open_referral_page.json"

OURS = directory.Words(
    name="Choir",
    provider="Town Choirs",
    description="We sing on Mondays.",
    needs=["loneliness", "mood-stress"],
    days=["MO"],
    opens_at="19:00",
    closes_at="21:00",
    free="yes",
    minimum_age="18",
    languages="Polish",
    phone="01632 960 456",
    email="choir@choirs.example",
    place="Town Hall",
    address="1 Market Place",
    city="St Ives",
    postcode="PE27 5AD",
    access=["step-free"],
    access_words="Ramp at the side.",
)


def published(stores: Stores) -> uuid.UUID:
    """A service that publishes a full activity of its own and a bare one, and has taken a feed that it does not."""
    here = a_place(stores, publish_activities=True)
    with stores.writing.begin() as store:
        manager = acting(a_colleague(store, store.get_one(Service, here), Role.MANAGER))
        directory.keeping.add(store, manager, new_id(), OURS)
        directory.keeping.add(store, manager, new_id(), directory.Words(name="Bare", provider="Somebody"))
    take(stores, here, [a_row(1), a_row(2)])
    return here


def get(client: InspectedClient, path: str = "") -> Any:
    response = client.get(f"/at/here/open-referral/{path}")
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def everything_published(client: InspectedClient) -> list[str]:
    """Every fault of every endpoint, one after the other, following the ids."""
    found = list(faults("about", get(client)))
    for path, in_list, whole in (
        ("services", "service_in_list", "service"),
        ("service_at_locations", "service_at_location_in_list", "service_at_location_whole"),
        ("taxonomies", "taxonomy", "taxonomy"),
        ("taxonomy_terms", "taxonomy_term", "taxonomy_term"),
    ):
        page = get(client, path)
        assert not page["empty"], path
        found += faults_of_page(in_list, page)
        for row in page["contents"]:
            one = get(client, f"{path}/{row['id']}")
            assert one["id"] == row["id"]
            found += faults(whole, one)
        for wrong in (f"{path}/{an_id(99)}", f"{path}?page=0"):
            response = client.get(f"/at/here/open-referral/{wrong}")
            assert response.status_code in (400, 404)
            found += faults("error", response.get_json())
    return found


@pytest.mark.both_databases
def test_what_we_publish_is_what_the_standard_demands(client: InspectedClient, stores: Stores) -> None:
    here = published(stores)
    assert everything_published(client) == []
    with stores.writing.begin() as store:
        for feed in store.query(Feed):
            feed.published = True
    assert everything_published(client) == []
    assert {row["name"] for row in get(client, "services")["contents"]} == {
        *("Choir", "Bare", "Walking group 1", "Walking group 2"),
    }
    assert get(client, f"services/{an_id(1)}")["name"] == "Walking group 1"
    assert here


ODD = [
    a_row(10, url="https://caffi.example/caffî?q={a}|b#ŷ", assurer_email="ask the council", id=an_id(10).upper()),
    a_row(11, url="https://bücher.example/[x]", email="jo@bücher.example", id=an_id(11).replace("-", "")),
    a_row(12, url="https://faß.example/100%", email="jöe@example.org", assurer_email="Jo@Example.org"),
    a_row(
        13,
        url="https://x.example:8080/a%20b",
        organization={"id": "7", "name": "Caffi", "website": "www.caffî.example"},
    ),
    a_row(
        14,
        schedules=[
            {"id": "1", "opens_at": "9am", "closes_at": "noon", "description": "On Mondays."},
            {"id": "2", "opens_at": "9:30", "closes_at": "12:00:00+01:00", "freq": "MONTHLY", "byday": "2MO,+1TU,-1FR"},
            {"id": "3", "opens_at": "10:00", "closes_at": "late"},
        ],
    ),
    a_row(15, id="not-a-uuid", organization=None, url=None, contacts=None, service_at_locations=None),
    a_row(0xAB, id=an_id(0xAB)[:-1] + "B"),
]


def test_what_a_feed_spells_in_its_own_way_is_published_as_the_standard_has_it(
    client: InspectedClient, stores: Stores
) -> None:
    here = a_place(stores, publish_activities=True)
    take(stores, here, ODD)
    with stores.writing.begin() as store:
        for feed in store.query(Feed):
            feed.published = True
    assert everything_published(client) == []
    rows = {row["name"]: row for row in get(client, "services")["contents"]}
    assert len(rows) == len(ODD)
    assert rows["Walking group 10"]["url"] == "https://caffi.example/caff%C3%AE?q=%7Ba%7D%7Cb#%C5%B7"
    assert rows["Walking group 10"]["id"] == an_id(10)
    assert "assurer_email" not in rows["Walking group 10"]
    assert rows["Walking group 11"]["url"] == "https://xn--bcher-kva.example/%5Bx%5D"
    assert (rows["Walking group 11"]["id"], rows["Walking group 11"]["email"]) == (
        an_id(11),
        "jo@xn--bcher-kva.example",
    )
    # No other host than the one that was meant: then rather our own page.
    assert "/at/here/activities/" in rows["Walking group 12"]["url"]
    assert "email" not in rows["Walking group 12"]
    assert rows["Walking group 12"]["assurer_email"] == "Jo@example.org"
    assert rows["Walking group 13"]["url"] == "https://x.example:8080/a%20b"
    assert rows["Walking group 13"]["organization"]["website"] == "https://www.xn--caff-3pa.example"
    assert rows["Walking group 171"]["id"] == str(ids(stores, here)["Walking group 171"])
    times = get(client, f"services/{an_id(14)}")["schedules"]
    said = {(one.get("opens_at"), one.get("closes_at"), one.get("description")) for one in times}
    assert said == {
        *((None, None, "9am – noon On Mondays."), ("09:30", "12:00:00+01:00", None), ("10:00", None, "10:00 – late")),
    }
    assert names(client, "start_time=09:00") >= {"Walking group 14"}
    assert names(client, "start_time=10:30") == set()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        *(("https://x.example", "https://x.example"), ("HTTPS://X.example/A", "https://x.example/A"), ("", None)),
        *(("https://[::1]:80/x", "https://[::1]:80/x"), ("https://x.example/%zz%20", "https://x.example/%25zz%20")),
        *(("https://a..b/", None), ("https://x.example:port/", None), ("tea", None), ("https://a b.example/", None)),
        *(("https://x.example/?a=b&c=d/e?f#g?h", "https://x.example/?a=b&c=d/e?f#g?h"), (None, None)),
    ],
)
def test_a_web_address_as_a_uri(given: str | None, made: str | None) -> None:
    assert spelling.uri(given) == made


@pytest.mark.parametrize(
    ("given", "made"),
    [
        *(("9:30", "09:30"), ("09:30", "09:30"), (" 21:00:00Z", "21:00:00Z"), ("9.30", None), ("25:00", None)),
        *(("12:60", None), ("noon", None), ("", None), (None, None), ("09:30-05:00", "09:30-05:00")),
    ],
)
def test_a_time_as_hours_and_minutes(given: str | None, made: str | None) -> None:
    assert spelling.clock(given) == made


def test_the_table_itself_finds_what_is_wrong() -> None:
    good = {"id": an_id(1), "name": "Tea", "status": "active", "url": "https://x.example/"}
    assert list(faults("service", good)) == []
    for name, wrong in (
        *(("id", "5"), ("status", "open"), ("url", "tea"), ("name", ""), ("minimum_age", "18"), ("schedules", {})),
        *(("last_modified", "2026-01-01"), ("organization", {"id": an_id(1)}), ("colour", "red"), ("name", None)),
        *(("schedules", [{"id": an_id(1), "byday": "Mon"}]), ("assured_date", "1.1.2026"), ("email", "tea")),
        *(
            ("url", "https://x.example/é"),
            ("url", "https://é.example/"),
            ("url", "https://x.example/a b"),
            ("url", "x:y"),
        ),
        *(("url", "https://x.example/100%"), ("url", "https://x.example/[a]"), ("assurer_email", "ask the council")),
        *(("email", "jo@é.example"), ("assured_date", "20260101"), ("last_modified", "2026-01-01 10:00:00.000Z")),
        *(("schedules", [{"id": an_id(1), "opens_at": time}]) for time in ("9am", "9:30", "24:00")),
    ):
        assert list(faults("service", {**good, name: wrong})), (name, wrong)
    assert set(TABLES) >= {"service", "location", "address", "schedule"}


def test_an_activity_of_ours_is_published_whole(client: InspectedClient, stores: Stores) -> None:
    published(stores)
    row = next(row for row in get(client, "services")["contents"] if row["name"] == "Choir")
    one = get(client, f"services/{row['id']}")
    assert one["schedules"][0]["byday"] == "MO"
    assert one["service_at_locations"][0]["location"]["addresses"][0]["postal_code"] == "PE27 5AD"
    assert {each["taxonomy_term"]["name"] for each in one["attributes"]} == {
        *("Feeling lonely or cut off", "Low mood, worry or stress"),
    }
    assert one["cost_options"][0]["amount"] == 0
    assert one["contacts"][0]["phones"][0]["number"] == "01632 960 456"
    assert "referrals" not in json.dumps(one)


def test_what_we_publish_can_be_taken_in_again(client: InspectedClient, stores: Stores) -> None:
    """Our own reader reads our own pages: nothing is lost on the way."""
    published(stores)
    page = get(client, "services")
    rows = [get(client, f"services/{row['id']}") for row in page["contents"]]
    there = a_place(stores, "there")
    with serving(paged(rows, 1, brief=True)) as served:
        run = take(stores, there, b"", url=served.base)
    assert (run.state, run.counts["new"], run.counts["kinds"]) == ("done", 2, {})
    with stores.reading() as store:
        again = directory.activity(store, there, ids(stores, there)["Choir"])
    assert again
    assert (again.provider, again.days, again.free, again.languages) == ("Town Choirs", ("MO",), "yes", ("pl",))
    assert again.places[0].postcode == "PE27 5AD"
    assert {"loneliness", "mood-stress"} <= set(again.needs)


def names(client: InspectedClient, query: str, path: str = "services") -> set[str]:
    contents = get(client, f"{path}?{query}")["contents"]
    return {(row.get("service") or row)["name"] for row in contents}


def test_every_filter_of_the_standard(client: InspectedClient, stores: Stores) -> None:
    published(stores)
    assert names(client, "search=sing") == {"Choir"}
    assert names(client, "search=CHOIR+mondays") == {"Choir"}
    assert names(client, "search=nothing") == set()
    assert names(client, "day=MO") == names(client, "day=Monday") == {"Choir"}
    assert names(client, "day=TU") == set()
    assert names(client, "start_time=18:00") == {"Choir"}
    assert names(client, "start_time=19:30") == set()
    assert names(client, "end_time=21:00&start_time=19:00") == {"Choir"}
    assert names(client, "end_time=20:00") == set()
    assert names(client, "minimum_age=16") == {"Choir"}
    assert names(client, "minimum_age=19") == set()
    assert names(client, "maximum_age=99") == set()
    term = next(each for each in get(client, "taxonomy_terms")["contents"] if each["description"] == "Need: loneliness")
    assert names(client, f"taxonomy_term_id={term['id']}") == {"Choir"}
    assert names(client, f"taxonomy_id={term['taxonomy_id']}") == {"Choir"}
    assert names(client, "taxonomy_term_id=none") == names(client, "taxonomy_id=none") == set()


def test_places_near_a_postcode_within_so_many_metres(client: InspectedClient, stores: Stores) -> None:
    here = published(stores)
    rows = [
        {"pcds": "PE27 5AD", "lat": "52.3233", "long": "-0.0741"},
        {"pcds": "PE28 1AA", "lat": "52.33", "long": "-0.2"},
    ]
    directory.import_postcodes(stores, here, rows)
    assert names(client, "postcode=PE28+1AA&proximity=20000", "service_at_locations") == {"Choir"}
    assert names(client, "postcode=PE28+1AA&proximity=1000", "service_at_locations") == set()
    assert names(client, "postcode=CB1+1AA&proximity=1000000", "service_at_locations") == set()


def test_pages_hold_together(client: InspectedClient, stores: Stores) -> None:
    published(stores)
    first, second = get(client, "services?page=1&per_page=1"), get(client, "services?page=2&per_page=1")
    assert (first["total_items"], first["total_pages"], first["first_page"], first["last_page"]) == (2, 2, True, False)
    assert (second["first_page"], second["last_page"]) == (False, True)
    assert first["contents"][0]["id"] != second["contents"][0]["id"]
    beyond = get(client, "services?page=99")
    assert (beyond["empty"], beyond["contents"]) == (True, [])
    assert len(get(client, "services?per_page=100000")["contents"]) == 2
    assert get(client, "taxonomies?per_page=1")["total_pages"] == 2


@pytest.mark.parametrize(
    "query",
    [
        *("page=0", "page=x", "page=-1", "page=99999999999", "per_page=0", "per_page=ten", "day=someday"),
        *("start_time=9", "end_time=25:00", "minimum_age=old", "maximum_age=1.5"),
    ],
)
def test_a_filter_without_sense_is_answered_with_what_it_should_be(
    client: InspectedClient, stores: Stores, query: str
) -> None:
    a_place(stores, publish_activities=True)
    response = client.get(f"/at/here/open-referral/services?{query}")
    assert response.status_code == 400
    assert "must be" in response.get_json()["message"]
    assert list(faults("error", response.get_json())) == []


PATHS = ("", "services", "service_at_locations", "taxonomies", "taxonomy_terms")


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_there_until_the_service_opens_it(client: InspectedClient, stores: Stores, path: str) -> None:
    here = a_place(stores)
    assert client.get(f"/at/here/open-referral/{path}").status_code == 404
    with stores.writing.begin() as store:
        services.find(store, "here").settings = {"publish_activities": True}  # type: ignore[union-attr]
    assert client.get(f"/at/here/open-referral/{path}").status_code == 200
    assert here


def test_programs_of_others_and_caches_may_read_it_and_no_cookie_is_set(app: Flask, stores: Stores) -> None:
    published(stores)
    client = app.test_client()
    for path in PATHS:
        answer = client.get(f"/at/here/open-referral/{path}")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "public" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers
        assert answer.mimetype == "application/json"
    for page in ("/at/here/", "/at/here/activities/"):
        assert "Access-Control-Allow-Origin" not in client.get(page).headers
    missing = client.get(f"/at/here/open-referral/services/{uuid.uuid4()}")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")
    assert client.post("/at/here/open-referral/services").status_code == 405


@pytest.mark.parametrize("given", ["x", "%00", "' or 1=1", an_id(99), "../services", "a" * 300])
@pytest.mark.parametrize("path", PATHS[1:])
def test_what_is_not_there_is_not_found(client: InspectedClient, stores: Stores, path: str, given: str) -> None:
    a_place(stores, publish_activities=True)
    assert client.get(f"/at/here/open-referral/{path}/{given}").status_code in (404, 405)


def test_what_is_hidden_gone_stale_or_another_service_s_is_not_published(
    client: InspectedClient, stores: Stores
) -> None:
    here = published(stores)
    there = a_place(stores, "there", publish_activities=True)
    take(stores, there, [a_row(5)], name="Theirs")
    assert names(client, "") == {"Choir", "Bare"}
    one = ids(stores, here)["Choir"]
    with stores.writing.begin() as store:
        manager = acting(a_colleague(store, store.get_one(Service, here), Role.MANAGER))
        directory.keeping.hide(store, manager, one, True)
    assert names(client, "") == {"Bare"}
    assert client.get(f"/at/here/open-referral/services/{one}").status_code == 404
    theirs = ids(stores, there)["Walking group 5"]
    assert client.get(f"/at/here/open-referral/services/{theirs}").status_code == 404


def test_a_made_up_page_in_the_shape_of_a_public_feed_is_taken_in(stores: Stores) -> None:
    run = take(stores, a_place(stores), EXAMPLE.read_bytes(), name="Example")
    assert (run.state, run.error) == ("done", None)
    assert (run.counts["new"], run.counts["refused"]) == (3, 1)
    assert run.counts["kinds"]["duplicate"] == 1


def test_a_page_is_no_larger_than_asked_and_ids_are_those_of_the_source() -> None:
    assert publishing.page_wanted("", "") == (1, publishing.PER_PAGE)
    assert publishing.page_wanted("3", "9999") == (3, publishing.MOST_PER_PAGE)
    assert HERE.private
