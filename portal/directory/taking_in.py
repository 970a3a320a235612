"""Taking in a feed or a file: row by row, in batches, one run at a time.

Each batch is a transaction of its own and says how far the run is, so whoever is interrupted goes on where it stopped,
and nobody waits long for the only writing place. What is wrong with one row costs that row, and stands in the report.
"""

import base64
import logging
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import IO, Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from portal import audit, outside
from portal.access import Actor, rows_of
from portal.clock import now, today
from portal.directory import fetching, shapes, streaming
from portal.directory.distances import batches, place
from portal.directory.lists import FAULTS
from portal.directory.saving import save
from portal.directory.streaming import BrokeOff, NotAFeed, Row
from portal.outside import STRICT, Allowance, Fetcher, FetchFailed
from portal.store import Activity, ActivityPlace, Feed, FeedRun, Stores

log = logging.getLogger(__name__)

BATCH = 200
LEASE = timedelta(minutes=3)
"""Longer than any batch and any answer of a server takes: a run that is not renewed for so long has lost its worker."""
SLICE = 20.0
"""Seconds of one round of the worker: alerts must not wait for somebody's slow server."""
_SAVE_EVERY = 30.0  # seconds, well within the lease, also where each row has to be fetched
LONGEST = timedelta(hours=12)
MOST_PAGES = 5_000
MOST_ROWS = 250_000
MOST_BAD = 200
"""So many rows that could not be taken are named in the report; all of them are counted."""
LARGEST_FILE = 30 * 1024 * 1024
"""What may be brought on a page; larger ones go by the command line."""

Progress = Callable[[int, int | None], None]


def _silent(done: int, total: int | None) -> None:
    """Nobody watches."""


# A file that somebody brings -----------------------------------------------------------------------------------------


def pack(file: IO[bytes]) -> str:
    """A file as it is kept until it has been taken in."""
    packer = zlib.compressobj(6)
    packed = b"".join(map(packer.compress, outside.chunks(file))) + packer.flush()
    return base64.b64encode(packed).decode("ascii")


def _unpacked(kept: str) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    rest = base64.b64decode(kept)
    while rest:
        yield unpacker.decompress(rest, 64 * 1024)
        rest = unpacker.unconsumed_tail


def ask(
    store: Session, feed: Feed, actor: Actor | None, file: str | None = None, *, begun: bool = False
) -> FeedRun | None:
    """A run that waits for the worker, or is ``begun`` by who asks; ``None`` when one is under way already."""
    store.refresh(feed, with_for_update=True)
    if store.scalar(_open_runs(feed.service_id).where(FeedRun.feed_id == feed.id).limit(1)):
        return None
    run = FeedRun(
        service_id=feed.service_id,
        feed_id=feed.id,
        asked_by=actor.staff_id if actor else None,
        counts={},
        bad={},
        file=file,
    )
    if begun:
        run.state, run.started_at, run.leased_until = "running", now(), now() + LEASE
    store.add(run)
    store.flush()
    kind = "" if actor else "system"
    audit.record(store, feed.service_id, actor, "asked for activities", "feed", feed.id, actor_kind=kind)
    return run


def _open_runs(service_id: uuid.UUID) -> Any:
    return rows_of(service_id, FeedRun).where(FeedRun.state.in_(("waiting", "running")))


# The worker ----------------------------------------------------------------------------------------------------------


def fetch_due(stores: Stores, allowance: Allowance = STRICT, *, seconds: float = SLICE) -> int:
    """What the worker does in one round: ask for the feeds that are due, and take in one run for so many seconds. It
    goes on where the round before stopped. How many rows were looked at."""
    with stores.reading() as store:
        idle = not store.scalar(_due().limit(1)) and not store.scalar(_to_do().limit(1))
    if idle:
        return 0
    with stores.writing.begin() as store:
        for feed in store.scalars(_due().with_for_update(skip_locked=True)).all():
            ask(store, feed, None)
            feed.fetch_at = now() + timedelta(hours=feed.every_hours)
    with stores.writing.begin() as store:
        found = store.scalar(_to_do().order_by(FeedRun.id).limit(1).with_for_update(skip_locked=True))
        run = _begun(found) if found else None
    return _work(stores, run, allowance, monotonic() + seconds) if run else 0


def _due() -> Any:
    return select(Feed).where(Feed.on, Feed.url.is_not(None), or_(Feed.fetch_at.is_(None), Feed.fetch_at <= now()))


def _to_do() -> Any:
    return select(FeedRun).where(
        or_(FeedRun.state == "waiting", (FeedRun.state == "running") & (FeedRun.leased_until <= now()))
    )


def _begun(found: FeedRun) -> "_Run":
    found.state = "running"
    found.started_at = found.started_at or now()
    found.leased_until = now() + LEASE
    counts = found.counts or {}
    return _Run(
        found.service_id,
        found.id,
        found.feed_id,
        found.started_at,
        page=counts.get("page", 1),
        row=counts.get("row", 0),
        held=found.leased_until,
    )


def take_in(
    stores: Stores,
    service_id: uuid.UUID,
    run_id: uuid.UUID,
    file: IO[bytes] | None = None,
    *,
    allowance: Allowance = STRICT,
    progress: Progress = _silent,
) -> FeedRun:
    """Take in one run from beginning to end, as the command line does: a file, or the address of its feed. The run as
    it ended: what was taken, what was wrong, and why it failed if it did."""
    with stores.writing.begin() as store:
        run = _begun(store.scalars(rows_of(service_id, FeedRun).where(FeedRun.id == run_id)).one())
    _work(stores, run, allowance, None, file=file, progress=progress)
    with stores.reading() as store:
        found = store.scalars(rows_of(service_id, FeedRun).where(FeedRun.id == run_id)).one()
        store.expunge(found)
        return found


# One run -------------------------------------------------------------------------------------------------------------


class _Lost(Exception):
    """Another worker has taken over."""


@dataclass
class _Run:
    service_id: uuid.UUID
    id: uuid.UUID
    feed_id: uuid.UUID
    started_at: datetime
    page: int
    row: int  # rows of that page that are done
    held: datetime
    looked: int = 0
    fresh: int = 0  # rows of this page whose id had not come before
    details: bool = True  # whether the pages of single rows answer
    failures: int = field(default=0)


def _work(
    stores: Stores,
    run: _Run,
    allowance: Allowance,
    until: float | None,
    *,
    file: IO[bytes] | None = None,
    progress: Progress = _silent,
) -> int:
    """Work on a run until it ends or the time is over; until then it is ours. How many rows were looked at."""
    with stores.reading() as store:
        feed = store.scalars(rows_of(run.service_id, Feed).where(Feed.id == run.feed_id)).one()
        kept = store.scalar(select(FeedRun.file).where(FeedRun.service_id == run.service_id, FeedRun.id == run.id))
        url = feed.url
    error: str | None = None
    complete = True
    try:
        if now() - run.started_at > LONGEST:
            raise FetchFailed("too-slow")
        if file is not None or kept:
            pieces = outside.chunks(file) if file is not None else _unpacked(kept or "")
            complete = _rows(stores, run, streaming.rows(pieces), until, progress) is not None
        elif not url:  # whoever had the file in hand was stopped
            raise FetchFailed("stopped")
        else:
            with closing(Fetcher(allowance, called="FrontDoor (Open Referral UK)")) as fetcher:
                complete = _pages(stores, run, fetching.Feed.at(url), fetcher, until, progress)
    except _Lost:
        return run.looked
    except FetchFailed as failed:
        error = failed.code
    except NotAFeed:
        error = "not-a-feed"
    except BrokeOff:
        error = "broke-off"
    except Exception as fault:  # whatever it is: the run ends, and says so, instead of beginning again for ever
        log.error("taking in activities failed: %s", type(fault).__name__)
        error = "stopped"
    with suppress(_Lost):
        if error or complete:
            _end(stores, run, error)
        else:
            _let_go(stores, run)
    return run.looked


def _rows(
    stores: Stores,
    run: _Run,
    rows: streaming.Rows,
    until: float | None,
    progress: Progress,
    whole: Callable[[Row], Row] = lambda row: row,
) -> int | None:
    """The rows of one page or one file, from where we are; how many there are, or ``None`` when the time was over."""
    several: list[tuple[int, Row]] = []
    saved_at, number = monotonic(), 0
    try:
        for number, row in enumerate(rows, 1):
            if number <= run.row:
                continue
            if number > MOST_ROWS:
                raise FetchFailed("too-much")
            several.append((number, whole(row)))
            over = until is not None and monotonic() > until
            if len(several) >= BATCH or over or monotonic() - saved_at > _SAVE_EVERY:
                _batch(stores, run, several, progress, fetching.total(rows.about))
                several, saved_at = [], monotonic()
                if over:
                    return None
    except (BrokeOff, FetchFailed):
        _batch(stores, run, several, progress, None)  # what came before is good
        raise
    _batch(stores, run, several, progress, fetching.total(rows.about))
    return number


def _pages(
    stores: Stores, run: _Run, feed: fetching.Feed, fetcher: Fetcher, until: float | None, progress: Progress
) -> bool:
    """Page after page; whether the last one is done."""
    while run.page <= MOST_PAGES:
        run.fresh = 0
        begun_at = run.row
        with fetcher.get(feed.page(run.page)) as file:
            rows = streaming.rows(outside.chunks(file))

            def whole(row: Row) -> Row:
                return _whole(row, run, feed, fetcher)

            count = _rows(stores, run, rows, until, progress, whole)
            if count is None:
                if not feed.resource:
                    file.seek(0)
                    _keep_file(stores, run, pack(file))
                return False
        if fetching.is_last(rows.about, run.page, count) or not feed.resource:
            return True
        if count and not run.fresh and not begun_at:
            raise FetchFailed("circle")
        run.page, run.row = run.page + 1, 0
        if until is not None and monotonic() > until:
            return False
    raise FetchFailed("too-many-pages")


def _whole(row: Row, run: _Run, feed: fetching.Feed, fetcher: Fetcher) -> Row:
    """What stands at the row's own address, where the list only has the beginning of it."""
    row_id = shapes.row_id(row.value)
    if not feed.resource or not run.details or not row_id or not shapes.is_brief(row.value):
        return row
    try:
        with fetcher.get(feed.one(row_id), most_bytes=fetching.MOST_BYTES_OF_ONE) as file:
            found = list(streaming.rows(outside.chunks(file)))
    except (FetchFailed, NotAFeed, BrokeOff):
        found = []
    if len(found) == 1 and shapes.row_id(found[0].value) == row_id:
        run.failures = 0
        return found[0]
    run.failures += 1
    run.details = run.failures < 5
    return Row(row.value, "no-detail", row.was_windows)


def _batch(stores: Stores, run: _Run, rows: Iterable[tuple[int, Row]], progress: Progress, total: int | None) -> None:
    """Take in some rows, and write down how far we are, in one transaction."""
    reading = [(number, *_read(row)) for number, row in rows]
    with stores.writing.begin() as store:
        found = _ours(store, run)
        taken = [(number, one) for number, one, _ in reading if isinstance(one, shapes.Taken)]
        saved = save(store, run.service_id, run.feed_id, [one for _, one in taken], run.started_at)
        _count(found, run, reading, {taken[at][0] for at in saved.duplicates})
        for name in ("new", "changed", "same"):
            found.counts = {**found.counts, name: found.counts.get(name, 0) + getattr(saved, name)}
        if reading:
            run.row = reading[-1][0]
            run.looked += len(reading)
        run.fresh += saved.new + saved.changed + saved.same
        found.seen += len(reading)
        found.total = total if total is not None else found.total
        found.counts = {**found.counts, "page": run.page, "row": run.row}
        found.leased_until = run.held = now() + LEASE
        seen, in_all = found.seen, found.total
    progress(seen, in_all)


def _read(row: Row) -> tuple[shapes.Taken | None, list[tuple[str, str, str]]]:
    """What is taken of a row, and what is wrong with it: id, field, code."""
    notes: list[tuple[str, str, str]] = []
    row_id = shapes.row_id(row.value)
    if row.fault and FAULTS[row.fault].refuses:
        return None, [(row_id, "", row.fault)]
    notes += [(row_id, "", "encoding")] if row.was_windows else []
    notes += [(row_id, "", row.fault)] if row.fault else []
    try:
        taken = shapes.read(row.value, today())
    except shapes.Refused as refused:
        return None, [*notes, (refused.row_id or row_id, "", refused.code)]
    return taken, notes + [(taken.source_id, name, code) for name, code in taken.notes]


def _count(
    found: FeedRun,
    run: _Run,
    reading: list[tuple[int, shapes.Taken | None, list[tuple[str, str, str]]]],
    doubled: set[int],
) -> None:
    """Put what was wrong into the report. ``doubled``: the rows whose id had come before."""
    counts: dict[str, Any] = dict(found.counts or {})
    kinds: dict[str, int] = dict(counts.get("kinds", {}))
    bad: list[dict[str, Any]] = list((found.bad or {}).get("rows", []))
    for number, taken, notes in reading:
        if taken is not None and number in doubled:
            notes = [*notes, (taken.source_id, "", "duplicate")]
        refused = any(FAULTS[code].refuses for _, _, code in notes)
        counts["refused"] = counts.get("refused", 0) + refused
        for row_id, name, code in notes:
            kinds[code] = kinds.get(code, 0) + 1
            if len(bad) < MOST_BAD:
                bad.append({"page": run.page, "row": number, "id": row_id, "field": name, "what": code})
    found.counts = {**counts, "kinds": kinds}
    found.bad = {"rows": bad}


def _ours(store: Session, run: _Run) -> FeedRun:
    wanted = rows_of(run.service_id, FeedRun).where(FeedRun.id == run.id).with_for_update()
    found = store.scalars(wanted.execution_options(populate_existing=True)).one()
    if found.state != "running" or found.leased_until != run.held:
        raise _Lost
    return found


def _let_go(stores: Stores, run: _Run) -> None:
    """The time is over; whoever comes next goes on."""
    with stores.writing.begin() as store:
        found = _ours(store, run)
        found.counts = {**found.counts, "page": run.page, "row": run.row}
        found.leased_until = now()


def _keep_file(stores: Stores, run: _Run, packed: str) -> None:
    with stores.writing.begin() as store:
        _ours(store, run).file = packed


def _end(stores: Stores, run: _Run, error: str | None) -> None:
    """The run is over. Only one that came to its end knows what is gone."""
    place_missing(stores, run.service_id, run.feed_id)
    with stores.writing.begin() as store:
        found = _ours(store, run)
        feed = store.scalars(rows_of(run.service_id, Feed).where(Feed.id == run.feed_id).with_for_update()).one()
        if error is None:
            feed.taken_at = run.started_at
            missing = _missing(store, run)
            seen = sum(found.counts.get(name, 0) for name in ("new", "changed", "same"))
            if missing > max(seen, 10):
                error = "shrank"
            else:
                found.counts = {**found.counts, "gone": mark_gone(store, run.service_id, run.feed_id, run.started_at)}
        found.state = "done" if error in (None, "shrank") else "failed"
        found.error = error
        found.ended_at = now()
        found.leased_until, found.file = None, None
        audit.record(
            store,
            run.service_id,
            None,
            "took in activities",
            "feed",
            run.feed_id,
            actor_kind="system",
            state=found.state,
            error=error or "",
            rows=found.seen,
        )


def _missing(store: Session, run: _Run) -> int:
    return (
        store.scalar(
            select(func.count()).where(
                Activity.service_id == run.service_id,
                Activity.feed_id == run.feed_id,
                Activity.gone_at.is_(None),
                Activity.seen_at < run.started_at,
            )
        )
        or 0
    )


def mark_gone(store: Session, service_id: uuid.UUID, feed_id: uuid.UUID, since: datetime) -> int:
    """What the feed has not had since then is gone from it: kept, and not offered any more. How many."""
    gone = store.execute(
        update(Activity)
        .where(
            Activity.service_id == service_id,
            Activity.feed_id == feed_id,
            Activity.gone_at.is_(None),
            Activity.seen_at < since,
        )
        .values(gone_at=now(), version=Activity.version + 1)
        .execution_options(synchronize_session=False)
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]


def place_missing(stores: Stores, service_id: uuid.UUID, feed_id: uuid.UUID) -> None:
    """Places that could not be placed while later ones, from which the middle of a district is known, had not come."""
    wanted = (
        select(ActivityPlace.activity_id)
        .join(Activity, (Activity.service_id == ActivityPlace.service_id) & (Activity.id == ActivityPlace.activity_id))
        .where(
            ActivityPlace.service_id == service_id,
            Activity.feed_id == feed_id,
            ActivityPlace.placed_by.is_(None),
            ActivityPlace.postcode.is_not(None),
        )
        .distinct()
    )
    with stores.reading() as store:
        ids = list(store.scalars(wanted))
    for some in batches(ids, 500):
        with stores.writing.begin() as store:
            place(store, service_id, some)
