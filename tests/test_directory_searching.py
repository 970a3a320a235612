import csv
import uuid
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import select

from portal import clock, directory
from portal.access import Refused, Role
from portal.codes import new_id
from portal.directory import distances, feeds, keeping, topics
from portal.store import ActivityPlace, ActivityTag, Feed, Service, Stores
from portal.web import activities
from tests.feeds import a_place, a_row, ids, take
from tests.staffed import a_colleague, acting

ST_IVES = (52.3233, -0.0741)


def names(stores: Stores, service_id: uuid.UUID, **wish: Any) -> list[str]:
    with stores.reading() as store:
        return [one.name for one in directory.search(store, service_id, **wish).rows]


def a_spot(
    number: int, name: str, point: tuple[float, float] | None, postcode: str = "", **other: Any
) -> dict[str, Any]:
    """A row with one place, whose point may not be known."""
    row = a_row(number, name=name)
    location = row["service_at_locations"][0]["location"]
    location.pop("latitude")
    location.pop("longitude")
    if point:
        location["latitude"], location["longitude"] = point
    location["addresses"][0]["postal_code"] = postcode or None
    return row


def bare(number: int, name: str, **other: Any) -> dict[str, Any]:
    return {"id": str(uuid.UUID(int=number)), "name": name, "status": "active", **other}


def test_by_need_day_language_cost_access_age_and_words_in_any_script(stores: Stores) -> None:
    here = a_place(stores)
    virtual = [{"id": "v", "location": {"id": "l", "location_type": "virtual", "name": "Video"}}]
    take(
        stores,
        here,
        [
            a_row(1, name="River walk"),
            a_row(2, name="Café au lait", description="Kaffee und Kuchen", languages=None, cost_options=None),
            bare(3, "Debt advice", fees="£10 an hour", minimum_age=60, maximum_age=70),
            bare(4, "نادي المشي", description="نمشي معاً", languages=[{"id": "x", "code": "ar"}]),
            bare(5, "Online choir", service_at_locations=virtual),
        ],
    )
    assert names(stores, here, need="money") == ["Debt advice"]
    assert names(stores, here, need="no-such-need") == []
    assert names(stores, here, day="TH", language="ur") == ["River walk"]
    assert set(names(stores, here, language="en")) == {"Café au lait", "Debt advice", "Online choir"}
    assert names(stores, here, free=True) == ["River walk"]
    assert names(stores, here, access=["step-free", "hearing"], need="getting-active", free=True) == ["River walk"]
    assert names(stores, here, access=["braille"]) == []
    assert "Debt advice" not in names(stores, here, age=59)
    assert "Debt advice" in names(stores, here, age=65)
    assert names(stores, here, text="CAFE kuchen") == ["Café au lait"]
    assert names(stores, here, text="المشي") == ["نادي المشي"]
    assert names(stores, here, text="100%") == names(stores, here, text="_") == []


@pytest.mark.parametrize(
    ("how", "miles", "said"),
    [
        (["phone"], None, "By phone, from anywhere"),
        (["phone"], 4.0, "By phone, from anywhere"),
        (["online"], 4.0, "Online, from anywhere"),
        (["home"], None, "They come to your home"),
        (["in-person", "phone"], 4.0, "About 4.0 miles"),
        (["in-person", "phone"], None, "By phone, from anywhere"),
        ([], None, "We do not know how far away it is"),
    ],
)
def test_where_nobody_has_to_go_there_is_no_distance_but_how_one_takes_part(
    stores: Stores, how: list[str], miles: float | None, said: str
) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(1)])
    with stores.reading() as store:
        (row,) = directory.search(store, here).rows
    shown = replace(row, attending=tuple(how), miles=miles, rough=True)
    assert activities.distance(shown) == said


def test_what_is_by_phone_comes_where_what_is_online_comes_however_far_away_its_office_is(stores: Stores) -> None:
    here = a_place(stores)
    by_phone = [{"id": "s", "attending_type": "by telephone", "dtstart": "2026-11-23"}]
    far = {**a_spot(1, "Help line", (52.9, -0.07), "NG31 6AA"), "schedules": by_phone}
    take(stores, here, [far, a_spot(2, "Near", ST_IVES, "PE27 5AD"), a_spot(3, "Far", (52.9, -0.07), "NG31 6AA")])
    assert names(stores, here, near="PE27 5AD", within_miles=5) == ["Near", "Help line"]


@pytest.mark.parametrize("near", ["PE27 5AD", "PE27", "pe275ad"])
def test_the_nearest_come_first_what_is_online_after_them_and_what_nobody_can_place_last(
    stores: Stores, near: str
) -> None:
    here = a_place(stores)
    virtual = [{"id": "v", "location": {"id": "l", "location_type": "virtual"}}]
    take(
        stores,
        here,
        [
            a_spot(1, "Far", (52.9, -0.07), "NG31 6AA"),
            a_spot(2, "Near", ST_IVES, "PE27 5AD"),
            a_spot(3, "Unknown", None),
            a_spot(4, "Same town", None, "PE27 6BB"),
            bare(5, "Online", service_at_locations=virtual),
        ],
    )
    with stores.reading() as store:
        found = directory.search(store, here, near=near)
    assert [one.name for one in found.rows][-3:] == ["Far", "Online", "Unknown"]
    assert {one.name for one in found.rows[:2]} == {"Near", "Same town"}
    assert (found.near_known, found.rough) == (True, True)
    unknown = found.rows[-1]
    assert (unknown.miles, unknown.online) == (None, False)
    same = next(one for one in found.rows if one.name == "Same town")
    assert same.miles == pytest.approx(0, abs=0.01)
    assert same.rough
    assert names(stores, here, near=near, within_miles=5)[-2:] == ["Online", "Unknown"]
    assert "Far" not in names(stores, here, near=near, within_miles=5)


@pytest.mark.parametrize("near", ["CB1 1AA", "ZZ99 3VZ", "nonsense", "🦄"])
def test_a_place_that_nobody_knows_is_said_to_be_unknown_and_nothing_is_near_it(stores: Stores, near: str) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(1), a_row(2)])
    with stores.reading() as store:
        found = directory.search(store, here, near=near, within_miles=1)
    assert found.near_known is False
    assert [one.miles for one in found.rows] == [None, None]


def test_every_page_follows_the_one_before_without_a_gap(stores: Stores) -> None:
    here = a_place(stores)
    rows = [a_spot(number, "Same name", (52.3 + number % 3 / 100, -0.07), "PE27 5AD") for number in range(1, 24)]
    take(stores, here, rows + [bare(number, "Same name") for number in range(900, 905)])
    for wish in ({}, {"near": "PE27 5AD"}, {"near": "PE27 5AD", "within_miles": 25}):
        seen: list[uuid.UUID] = []
        after = None
        for _ in range(20):
            with stores.reading() as store:
                page = directory.search(store, here, size=3, after=after, **wish)
            seen += [one.id for one in page.rows]
            after = page.after
            if after is None:
                break
        assert len(seen) == len(set(seen)) == 28, wish


@pytest.mark.parametrize(
    "after", ["", "x", "~", "1~not-an-id", f"{'9' * 40}~{uuid.UUID(int=1)}", f"=~{uuid.UUID(int=1)}"]
)
def test_an_address_of_a_page_that_is_not_ours_does_no_harm(stores: Stores, after: str) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(1)])
    with stores.reading() as store:
        directory.search(store, here, after=after)
        directory.search(store, here, after=after, near="PE27 5AD")


def test_what_nobody_has_seen_for_too_long_is_not_offered_until_somebody_looks(stores: Stores) -> None:
    here = a_place(stores, activity_fresh_days=30)
    take(stores, here, [a_row(1)])
    one = ids(stores, here)["Walking group 1"]
    with clock.later(timedelta(days=31)):
        assert names(stores, here) == []
        assert names(stores, here, everything=True) == ["Walking group 1"]
        with stores.reading() as store:
            assert not directory.any_offered(store, here)
        with stores.writing.begin() as store:
            manager = acting(a_colleague(store, store.get_one(Service, here), Role.MANAGER))
            assert keeping.mark_checked(store, manager, one)
        assert names(stores, here) == ["Walking group 1"]
        take(stores, here, [a_row(2)] + [a_row(3)])
        with stores.reading() as store:
            lost = directory.activity(store, here, one)
        assert lost
        assert (lost.gone, lost.offered) == (True, False)  # what the feed says is newer than our look


def test_another_service_s_activities_are_not_there(stores: Stores) -> None:
    here, there = a_place(stores), a_place(stores, "there")
    take(stores, there, [a_row(1)])
    one = ids(stores, there)["Walking group 1"]
    with stores.writing.begin() as store:
        manager = acting(a_colleague(store, store.get_one(Service, here), Role.MANAGER))
        assert directory.activity(store, here, one) is None
        assert not keeping.mark_checked(store, manager, one)
        assert not keeping.hide(store, manager, one, True)
        assert feeds.feeds(store, manager) == []
        assert topics.named_topic(store, manager, "Exercise and sport") is None


def test_who_may_not_manage_changes_nothing(stores: Stores) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(1)])
    one = ids(stores, here)["Walking group 1"]
    with stores.writing.begin() as store:
        worker = acting(a_colleague(store, store.get_one(Service, here)))
        with pytest.raises(Refused):
            keeping.hide(store, worker, one, True)
        with pytest.raises(Refused):
            topics.set_topic(store, worker, "Exercise and sport", ["food"])


def test_a_topic_means_what_the_service_says_in_every_activity_and_in_the_next_run(stores: Stores) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(1), a_row(2)])
    assert len(names(stores, here, need="getting-active")) == 2
    with stores.writing.begin() as store:
        manager = acting(a_colleague(store, store.get_one(Service, here), Role.MANAGER))
        words = directory.Words(name="Ours", provider="We", needs=["getting-active"])
        keeping.add(store, manager, new_id(), words)
        assert topics.set_topic(store, manager, "Exercise and sport", ["loneliness", "no-need"])
        assert topics.set_topic(store, manager, "Exercise and sport", ["loneliness"])
        assert not topics.set_topic(store, manager, "Nowhere", ["food"])
        (line,) = topics.topics(store, manager)
        assert (line.needs, line.ours, line.activities) == (("loneliness",), True, 2)
    assert names(stores, here, need="getting-active") == ["Ours"] + names(stores, here, text="nothing")
    assert len(names(stores, here, need="loneliness")) == 2
    take(stores, here, [a_row(1, description="New"), a_row(2)])
    assert len(names(stores, here, need="loneliness")) == 2
    with stores.reading() as store:
        tags = store.scalars(select(ActivityTag).where(ActivityTag.kind == "need")).all()
    assert sorted(tag.value for tag in tags) == ["getting-active", "loneliness", "loneliness"]


# Postcodes -----------------------------------------------------------------------------------------------------------

LIST = """pcd,pcds,dointr,doterm,lat,long
PE275AD,PE27 5AD,198001,,52.3233,-0.0741
PE276BB,PE27 6BB,198001,,52.3300,-0.0800
PE271XX,PE27 1XX,198001,200001,52.9,-0.9
CB1 1AA,CB1 1AA,198001,,52.2,0.13
JE2 3AB,JE2 3AB,198001,,99.999999,0.000000
nonsense,nonsense,198001,,52.2,0.13
"""


def load(stores: Stores, service_id: uuid.UUID, **given: Any) -> int:
    return directory.import_postcodes(stores, service_id, csv.DictReader(StringIO(LIST)), **given)


def test_a_list_of_postcodes_places_what_has_no_point(stores: Stores) -> None:
    here = a_place(stores)
    take(stores, here, [a_spot(1, "By postcode", None, "PE27 6BB"), a_spot(2, "By district", None, "PE27 9ZZ")])
    with stores.reading() as store:
        assert distances.where_is(store, here, "PE27 5AD") is None
    told: list[int] = []
    assert load(stores, here, progress=told.append) == 3
    assert told == [3]
    with stores.reading() as store:
        placed = {one.postcode: one.placed_by for one in store.scalars(select(ActivityPlace))}
        assert placed == {"PE27 6BB": "postcode", "PE27 9ZZ": "district"}
        found = directory.search(store, here, near="PE27 5AD")
        assert (found.near_known, found.rough) == (True, False)
        assert {one.name: one.rough for one in found.rows} == {"By postcode": False, "By district": True}
        by_postcode = next(one for one in found.rows if one.name == "By postcode")
        assert by_postcode.miles == pytest.approx(0.53, abs=0.02)
        assert distances.where_is(store, here, "PE27 1XX") == distances.where_is(store, here, "PE27")
        assert distances.where_is(store, here, "JE2 3AB") is None


def test_only_some_areas_and_the_same_list_again(stores: Stores) -> None:
    here = a_place(stores)
    assert load(stores, here, areas=frozenset({"CB"})) == 1
    assert load(stores, here, areas=frozenset({"PE27"})) == 2
    assert load(stores, here) == load(stores, here) == 3
    with pytest.raises(directory.NotPostcodes):
        directory.import_postcodes(stores, here, csv.DictReader(StringIO("a,b\n1,2\n")))


def test_a_mile_is_a_mile() -> None:
    cambridge = distances.Where(52.2053, 0.1218)
    assert cambridge.miles_to(51.5074, -0.1278) == pytest.approx(49.4, rel=0.01)  # to London, by the great circle
    assert cambridge.miles_to(52.2053, 0.1218) == 0


# Feeds ---------------------------------------------------------------------------------------------------------------


def test_feeds_with_their_last_run_and_how_many_activities_they_have(stores: Stores) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(1), a_row(2)], name="A")
    take(stores, here, [a_row(1)], name="A")
    take(stores, here, b"nothing", name="B")
    with stores.writing.begin() as store:
        manager = acting(a_colleague(store, store.get_one(Service, here), Role.MANAGER))
        lines = feeds.feeds(store, manager)
        assert [(line.feed.name, line.activities, line.run and line.run.state) for line in lines] == [
            ("A", 2, "done"),
            ("B", 0, "failed"),
        ]
        assert lines[0].run
        assert lines[0].run.counts["gone"] == 1
        with pytest.raises(directory.NotTaken):
            feeds.feed_named(store, here, manager, "A", url="https://x.example/")
        with pytest.raises(directory.Changed):
            feeds.change_feed(store, manager, lines[0].feed.id, 99, on=True, every_hours=24, published=True)
        changed = feeds.change_feed(
            store, manager, lines[0].feed.id, lines[0].feed.version, on=True, every_hours=5, published=True
        )
        assert changed
        assert (changed.on, changed.every_hours, changed.published) == (False, 24, True)  # a file has no address
        assert feeds.ask_now(store, manager, lines[0].feed.id) is None
        assert feeds.accept_missing(store, manager, uuid.UUID(int=7)) is None
        for number in range(feeds.MOST_FEEDS - 2):
            store.add(Feed(service_id=here, name=f"More {number}"))
        store.flush()
        with pytest.raises(directory.NotTaken):
            feeds.feed_named(store, here, manager, "One too many")


def test_two_people_change_a_provider_and_the_second_is_told(stores: Stores) -> None:
    here = a_place(stores)
    with stores.writing.begin() as store:
        manager = acting(a_colleague(store, store.get_one(Service, here), Role.MANAGER))
        keeping.add(store, manager, new_id(), directory.Words(name="Tea", provider="Tea House"))
        keeping.add(store, manager, new_id(), directory.Words(name="Cake", provider="Tea House"))
        (provider,) = keeping.providers(store, manager)
        given = {"name": "Tea & Cake", "description": "", "email": "", "website": "www.tea.example/"}
        assert keeping.change_provider(store, manager, provider.id, provider.version, given)
        store.flush()
        assert provider.website == "https://www.tea.example/"
        with pytest.raises(directory.Changed):
            keeping.change_provider(store, manager, provider.id, 1, given)
        with pytest.raises(directory.NotTaken):
            keeping.change_provider(store, manager, provider.id, provider.version, {**given, "website": "tea"})
        assert keeping.change_provider(store, manager, new_id(), 1, given) is None
