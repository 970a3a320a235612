import json
import threading
import uuid
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import func, select

from portal import clock, directory
from portal.clock import now
from portal.directory import lists, saving, streaming, taking_in
from portal.store import Activity, ActivityPlace, ActivityTag, AuditEvent, Feed, FeedRun, Provider, Stores
from tests.feeds import HERE, Answer, a_feed, a_page, a_place, a_row, an_id, ids, paged, serving, take


def shown(stores: Stores, service_id: uuid.UUID, **wish: Any) -> list[str]:
    with stores.reading() as store:
        return [one.name for one in directory.search(store, service_id, **wish).rows]


def kinds(run: FeedRun) -> dict[str, int]:
    found: dict[str, int] = run.counts.get("kinds", {})
    return found


def count(stores: Stores, table: type) -> int:
    with stores.reading() as store:
        return store.scalar(select(func.count()).select_from(table)) or 0


# A file --------------------------------------------------------------------------------------------------------------


def test_a_file_is_taken_in_and_taken_in_again(stores: Stores) -> None:
    here = a_place(stores)
    rows = [a_row(1), a_row(2), a_row(3, name="Tea afternoon")]
    first = take(stores, here, rows)
    assert (first.state, first.error, first.seen) == ("done", None, 3)
    assert first.counts["new"] == 3
    before = ids(stores, here)
    again = take(stores, here, [a_row(1), a_row(2, name="Walking group two"), a_row(4, name="Choir")])
    assert [again.counts[name] for name in ("new", "changed", "same", "gone")] == [1, 1, 1, 1]
    after = ids(stores, here)
    assert after["Walking group 1"] == before["Walking group 1"]
    assert after["Walking group two"] == before["Walking group 2"]
    assert shown(stores, here) == ["Choir", "Walking group 1", "Walking group two"]
    assert count(stores, Provider) == 1
    assert count(stores, ActivityPlace) == 4


def test_what_a_feed_has_lost_is_kept_and_not_offered_and_comes_back(stores: Stores) -> None:
    here = a_place(stores)
    rows = [a_row(number) for number in range(1, 5)]
    take(stores, here, rows)
    take(stores, here, rows[:3])
    lost = ids(stores, here)["Walking group 4"]
    with stores.reading() as store:
        gone = directory.activity(store, here, lost)
        assert gone
        assert (gone.gone, gone.offered) == (True, False)
    take(stores, here, rows)
    assert len(shown(stores, here)) == 4


def test_a_feed_that_has_lost_most_is_not_believed_until_somebody_says_so(stores: Stores) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(number) for number in range(1, 31)])
    run = take(stores, here, [a_row(1)])
    assert (run.state, run.error) == ("done", "shrank")
    assert len(shown(stores, here, size=50)) == 30


def test_a_run_that_breaks_off_takes_what_came_and_takes_nothing_away(stores: Stores) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(1), a_row(2)])
    run = take(stores, here, json.dumps([a_row(3), a_row(1)]).encode()[:-30])
    assert (run.state, run.error, run.counts["new"]) == ("failed", "broke-off", 1)
    assert len(shown(stores, here)) == 3


@pytest.mark.parametrize("content", [b"<html>404</html>", b"", b'{"message": "no"}', b"null"])
def test_what_is_no_feed_fails_and_changes_nothing(stores: Stores, content: bytes) -> None:
    run = take(stores, a_place(stores), content)
    assert (run.state, run.error, run.seen) == ("failed", "not-a-feed", 0)
    assert count(stores, Activity) == 0


def test_bad_rows_are_reported_by_place_id_and_what_is_wrong(stores: Stores) -> None:
    here = a_place(stores)
    rows: list[Any] = [
        a_row(1),
        {"name": "No id", "status": "active"},
        a_row(3, name=["x"]),
        a_row(4, status="sleeping"),
        "a text",
        a_row(1, name="The same id"),
        a_row(7, email="nowhere"),
        a_row(8, description="<p>Tea</p><script>alert(1)</script>"),
        a_row(9, description="x" * 20_000, name="Long"),
    ]
    content = json.dumps(rows).encode()[:-1] + b', {"id": NaN}, {"id": "w", "name": "\xe9t\xe9", "status": "active"}]'
    run = take(stores, here, content)
    assert run.state == "done"
    assert kinds(run) == {
        "no-id": 1,
        "no-name": 1,
        "bad-status": 1,
        "not-an-object": 1,
        "duplicate": 1,
        "bad-email": 1,
        "too-long": 1,
        "not-json": 1,
        "encoding": 1,
    }
    assert run.counts["refused"] == 6
    named = {(row["row"], row["id"], row["what"]) for row in run.bad["rows"]}
    assert {(2, "", "no-id"), (4, an_id(4), "bad-status"), (6, an_id(1), "duplicate")} <= named
    assert all(row["what"] in lists.FAULTS for row in run.bad["rows"])
    assert set(ids(stores, here)) == {"Walking group 1", "Walking group 7", "Walking group 8", "Long", "été"}
    with stores.reading() as store:
        described = set(store.scalars(select(Activity.description)))
    assert "Tea" in described
    assert not any("script" in (words or "") for words in described)


def test_the_report_names_the_first_bad_rows_and_counts_all_of_them(stores: Stores) -> None:
    run = take(stores, a_place(stores), [{"name": "x"}] * 1000)
    assert kinds(run)["no-id"] == 1000
    assert len(run.bad["rows"]) == taking_in.MOST_BAD


def test_thousands_of_rows_are_never_all_in_memory(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row by row from the file, batch by batch into the store."""
    most = [0]
    really = saving.save

    def watched(store: Any, service_id: Any, feed_id: Any, several: Any, *rest: Any) -> Any:
        most[0] = max(most[0], len(several))
        return really(store, service_id, feed_id, several, *rest)

    monkeypatch.setattr(taking_in, "save", watched)
    told: list[int] = []
    here = a_place(stores)
    feed_id = a_feed(stores, here)
    with stores.writing.begin() as store:
        run = directory.ask(store, store.get_one(Feed, (here, feed_id)), None, begun=True)
        assert run
        run_id = run.id
    content = json.dumps([a_row(number) for number in range(1, 1001)]).encode()
    done = directory.take_in(stores, here, run_id, BytesIO(content), progress=lambda number, total: told.append(number))
    assert (done.state, done.counts["new"]) == ("done", 1000)
    assert most[0] <= taking_in.BATCH
    assert told[:3] == [200, 400, 600]


def test_places_of_one_activity_that_come_one_by_one_are_gathered(stores: Stores) -> None:
    here = a_place(stores)
    whole = a_row(1)
    (at,) = whole.pop("service_at_locations")
    rows = [
        {**at, "id": an_id(number, 3), "service": whole, "location": {**at["location"], "name": f"Hall {number}"}}
        for number in range(1, 4)
    ]
    run = take(stores, here, rows)
    assert (run.state, run.counts["new"], run.counts["refused"]) == ("done", 1, 0)
    assert count(stores, ActivityPlace) == 3
    assert take(stores, here, rows[:2]).counts["changed"] == 1
    assert count(stores, ActivityPlace) == 2


def test_what_we_decided_stays_when_the_feed_comes_again(stores: Stores) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(1)])
    with stores.writing.begin() as store:
        row = store.scalars(select(Activity)).one()
        row.hidden, row.referrals_to, row.checked_at = True, "refer@walks.example", now()
    take(stores, here, [a_row(1, description="Otherwise")])
    with stores.reading() as store:
        row = store.scalars(select(Activity)).one()
        assert (row.description, row.hidden, row.referrals_to) == ("Otherwise", True, "refer@walks.example")
        assert row.checked_at


def test_two_services_take_the_same_feed_and_never_meet(stores: Stores) -> None:
    here, there = a_place(stores), a_place(stores, "there")
    take(stores, here, [a_row(1)])
    take(stores, there, [a_row(1, name="Theirs")])
    assert (shown(stores, here), shown(stores, there)) == (["Walking group 1"], ["Theirs"])


# An address ----------------------------------------------------------------------------------------------------------


def test_a_feed_is_fetched_page_by_page(stores: Stores) -> None:
    here = a_place(stores)
    rows = [a_row(number) for number in range(1, 6)]
    with serving(paged(rows)) as served:
        run = take(stores, here, b"", url=served.base)
        assert (run.state, run.error, run.seen, run.total) == ("done", None, 5, 5)
        assert [path.partition("?")[0] for path in served.asked] == ["/services"] * 3
    assert len(shown(stores, here)) == 5


def test_where_a_list_has_only_the_beginning_each_row_is_fetched(stores: Stores) -> None:
    here = a_place(stores)
    rows = [a_row(number) for number in range(1, 4)]
    with serving(paged(rows, brief=True)) as served:
        run = take(stores, here, b"", url=served.base + "/services")
        assert f"/services/{an_id(1)}" in served.asked
    assert (run.state, kinds(run)) == ("done", {})
    assert len(shown(stores, here, day="TU", access=["step-free"])) == 3


def test_a_row_whose_own_page_fails_is_taken_as_the_list_has_it(stores: Stores) -> None:
    rows = [a_row(number) for number in range(1, 9)]
    whole = paged(rows, 10, brief=True)

    def answer(path: str, query: dict[str, str]) -> Answer:
        return whole(path, query) if path == "/services" else (500, {}, b"")

    here = a_place(stores)
    with serving(answer) as served:
        run = take(stores, here, b"", url=served.base)
        assert len(served.asked) == 1 + 5  # then nobody is asked in vain any more
    assert (run.state, kinds(run)) == ("done", {"no-detail": 5})
    assert len(shown(stores, here)) == 8


def test_pages_that_go_in_a_circle_are_left(stores: Stores) -> None:
    page = a_page([a_row(1), a_row(2)], 1, 9, last_page=False)
    here = a_place(stores)
    with serving(lambda path, query: (200, {}, page)) as served:
        run = take(stores, here, b"", url=served.base)
        assert len(served.asked) == 2
    assert (run.state, run.error) == ("failed", "circle")
    assert len(shown(stores, here)) == 2


def test_a_feed_with_more_pages_than_sense_is_left(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_in, "MOST_PAGES", 3)

    def answer(path: str, query: dict[str, str]) -> Answer:
        number = int(query["page"])
        return 200, {}, a_page([a_row(number)], number, 99, last_page=False)

    with serving(answer) as served:
        run = take(stores, a_place(stores), b"", url=served.base)
    assert (run.state, run.error, run.seen) == ("failed", "too-many-pages", 3)


def test_a_feed_with_more_rows_than_sense_is_left(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_in, "MOST_ROWS", 2)
    run = take(stores, a_place(stores), [a_row(number) for number in range(1, 6)])
    assert (run.state, run.error) == ("failed", "too-much")


def test_a_plain_list_at_an_address_is_one_document(stores: Stores) -> None:
    here = a_place(stores)
    content = json.dumps([a_row(1), a_row(2)]).encode()
    with serving(lambda path, query: (200, {}, content)) as served:
        run = take(stores, here, b"", url=served.base + "/all.json")
        assert served.asked == ["/all.json"]
    assert (run.state, run.seen) == ("done", 2)


def test_a_server_that_is_not_there_is_said_so(stores: Stores) -> None:
    run = take(stores, a_place(stores), b"", url="http://127.0.0.1:9/")
    assert (run.state, run.error) == ("failed", "not-reached")


# The worker ----------------------------------------------------------------------------------------------------------


def a_due_feed(stores: Stores, service_id: uuid.UUID, url: str) -> uuid.UUID:
    with stores.writing.begin() as store:
        made = directory.feeds.feed_named(store, service_id, None, "Council", url=url, on=True, allowance=HERE)
        return made.id


def last_run(stores: Stores) -> FeedRun:
    with stores.reading() as store:
        found = store.scalars(select(FeedRun).order_by(FeedRun.id.desc()).limit(1)).one()
        store.expunge(found)
        return found


def test_the_worker_fetches_what_is_due_and_not_before_it_is_due_again(stores: Stores) -> None:
    here = a_place(stores)
    assert directory.fetch_due(stores, HERE) == 0
    with serving(paged([a_row(1), a_row(2)])) as served:
        a_due_feed(stores, here, served.base)
        assert directory.fetch_due(stores, HERE) == 2
        assert last_run(stores).state == "done"
        assert directory.fetch_due(stores, HERE) == 0
        with clock.later(timedelta(hours=25)):
            assert directory.fetch_due(stores, HERE) == 2
    assert count(stores, FeedRun) == 2


def test_the_worker_asks_nobody_in_this_house(stores: Stores) -> None:
    with serving(paged([a_row(1)])) as served:
        a_due_feed(stores, a_place(stores), served.base)
        directory.fetch_due(stores)
        assert served.asked == []
    assert last_run(stores).error == "refused-address"


def test_a_round_takes_a_little_and_the_next_goes_on_where_it_stopped(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "BATCH", 2)
    here = a_place(stores)
    rows = [a_row(number) for number in range(1, 8)]
    with serving(paged(rows, 4)) as served:
        a_due_feed(stores, here, served.base)
        rounds = 0
        while last_run_open(stores) or not rounds:
            directory.fetch_due(stores, HERE, seconds=0)
            rounds += 1
            assert rounds < 20
    run = last_run(stores)
    assert rounds > 3
    assert (run.state, run.error, run.seen, run.counts["new"], kinds(run)) == ("done", None, 7, 7, {})
    assert len(shown(stores, here)) == 7


def last_run_open(stores: Stores) -> bool:
    with stores.reading() as store:
        return bool(store.scalar(select(FeedRun.id).where(FeedRun.state.in_(("waiting", "running"))).limit(1)))


def test_one_document_is_fetched_once_however_many_rounds_it_takes(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "BATCH", 2)
    content = json.dumps([a_row(number) for number in range(1, 6)]).encode()
    with serving(lambda path, query: (200, {}, content)) as served:
        a_due_feed(stores, a_place(stores), served.base + "/all.json")
        for _ in range(9):
            directory.fetch_due(stores, HERE, seconds=0)
        assert len(served.asked) == 1
    run = last_run(stores)
    assert (run.state, run.seen, run.file) == ("done", 5, None)


def test_a_worker_that_was_killed_is_followed_by_another_and_counts_nothing_twice(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_in, "BATCH", 2)

    class Killed(BaseException):
        """As if by a signal."""

    really = taking_in._batch
    calls = [0]

    def killing(*given: Any, **named: Any) -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise Killed
        really(*given, **named)

    here = a_place(stores)
    with serving(paged([a_row(number) for number in range(1, 8)], 10)) as served:
        a_due_feed(stores, here, served.base)
        monkeypatch.setattr(taking_in, "_batch", killing)
        with pytest.raises(Killed):
            directory.fetch_due(stores, HERE)
        monkeypatch.setattr(taking_in, "_batch", really)
        assert directory.fetch_due(stores, HERE) == 0  # it may still live
        with clock.later(taking_in.LEASE + timedelta(seconds=1)):
            assert directory.fetch_due(stores, HERE) == 3
    run = last_run(stores)
    assert (run.state, run.seen, run.counts["new"]) == ("done", 7, 7)


def test_a_worker_that_was_too_slow_gives_way(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking_in, "BATCH", 2)
    really = taking_in._batch

    def overtaken(stores: Stores, run: Any, *rest: Any) -> None:
        really(stores, run, *rest)
        with stores.writing.begin() as store:
            found = store.scalars(select(FeedRun)).one()
            found.leased_until = now() + timedelta(hours=1)

    here = a_place(stores)
    with serving(paged([a_row(number) for number in range(1, 8)], 10)) as served:
        a_due_feed(stores, here, served.base)
        monkeypatch.setattr(taking_in, "_batch", overtaken)
        directory.fetch_due(stores, HERE)
    run = last_run(stores)
    assert (run.state, run.seen) == ("running", 2)


def test_two_workers_never_take_the_same_run(stores: Stores) -> None:
    here = a_place(stores)
    with serving(paged([a_row(number) for number in range(1, 30)], 5)) as served:
        a_due_feed(stores, here, served.base)
        threads = [threading.Thread(target=directory.fetch_due, args=(stores, HERE)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    run = last_run(stores)
    assert count(stores, FeedRun) == 1
    assert (run.state, run.seen, run.counts["new"]) == ("done", 29, 29)


def test_a_fault_of_ours_ends_the_run_instead_of_beginning_again_for_ever(
    stores: Stores, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_given: Any) -> None:
        raise ZeroDivisionError("a name of somebody")

    monkeypatch.setattr(taking_in, "save", broken)
    run = take(stores, a_place(stores), [a_row(1)])
    assert (run.state, run.error) == ("failed", "stopped")
    assert "ZeroDivisionError" in caplog.text
    assert "somebody" not in caplog.text


def test_a_run_without_its_file_and_one_that_lasts_for_ever_are_ended(stores: Stores) -> None:
    here = a_place(stores)
    feed_id = a_feed(stores, here)
    with stores.writing.begin() as store:
        directory.ask(store, store.get_one(Feed, (here, feed_id)), None)
    directory.fetch_due(stores, HERE)
    assert last_run(stores).error == "stopped"
    with stores.writing.begin() as store:
        run = directory.ask(store, store.get_one(Feed, (here, feed_id)), None, directory.pack(BytesIO(b"[]")))
        assert run
        run.started_at = now() - taking_in.LONGEST - timedelta(minutes=1)
    directory.fetch_due(stores, HERE)
    assert last_run(stores).error == "too-slow"


def test_a_file_that_waits_is_unreadable_in_the_database_and_gone_when_it_is_taken(stores: Stores) -> None:
    here = a_place(stores)
    feed_id = a_feed(stores, here)
    content = json.dumps([a_row(1)]).encode()
    with stores.writing.begin() as store:
        feed = store.get_one(Feed, (here, feed_id))
        assert directory.ask(store, feed, None, directory.pack(BytesIO(content)))
        assert directory.ask(store, feed, None) is None  # one at a time
    assert directory.fetch_due(stores, HERE) == 1
    run = last_run(stores)
    assert (run.state, run.file) == ("done", None)
    with stores.reading() as store:
        acts = set(store.scalars(select(AuditEvent.act)))
        assert {"asked for activities", "took in activities"} <= acts


def test_what_a_topic_means_is_tagged(stores: Stores) -> None:
    here = a_place(stores)
    take(stores, here, [a_row(1)])
    with stores.reading() as store:
        tags = set(store.execute(select(ActivityTag.kind, ActivityTag.value)))
    assert {("need", "getting-active"), ("topic", "Exercise and sport"), ("language", "ur")} <= tags


def test_rows_are_not_held_back_by_a_huge_one(stores: Stores) -> None:
    content = json.dumps([a_row(1), {"id": "x", "blob": "y" * (streaming.MOST_BYTES + 10)}, a_row(2)]).encode()
    run = take(stores, a_place(stores), content)
    assert (run.counts["new"], kinds(run)) == (2, {"too-large": 1})
