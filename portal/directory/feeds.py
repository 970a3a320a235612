"""The feeds that a service takes, and what came of them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal import audit
from portal.access import Actor, Permission, require, rows_of
from portal.directory import taking_in
from portal.directory.keeping import Changed, refuse
from portal.outside import STRICT, Allowance, FetchFailed, check
from portal.store import Activity, Feed, FeedRun

MOST_FEEDS = 20
HOURS = (6, 24, 168)
"""How often a feed may be asked for."""


@dataclass(frozen=True)
class FeedLine:
    """A feed, its last run, and how many activities it has."""

    feed: Feed
    run: FeedRun | None
    activities: int


def feeds(store: Session, actor: Actor) -> list[FeedLine]:
    """Every feed and file, by name."""
    counts = dict(
        store.execute(
            select(Activity.feed_id, func.count())
            .where(Activity.service_id == actor.service_id, Activity.feed_id.is_not(None))
            .group_by(Activity.feed_id)
        ).all()
    )
    every = store.scalars(rows_of(actor.service_id, Feed).order_by(func.lower(Feed.name), Feed.id)).all()
    age = func.row_number().over(partition_by=FeedRun.feed_id, order_by=FeedRun.id.desc()).label("age")
    aged = select(FeedRun.id, age).where(FeedRun.service_id == actor.service_id).subquery()
    last = rows_of(actor.service_id, FeedRun).where(FeedRun.id.in_(select(aged.c.id).where(aged.c.age == 1)))
    newest = {run.feed_id: run for run in store.scalars(last)}
    return [FeedLine(feed, newest.get(feed.id), counts.get(feed.id, 0)) for feed in every]


def find_feed(store: Session, actor: Actor, feed_id: uuid.UUID) -> Feed | None:
    """One feed of this service."""
    return store.scalars(rows_of(actor.service_id, Feed).where(Feed.id == feed_id)).one_or_none()


def runs_of(store: Session, actor: Actor, feed_id: uuid.UUID, most: int = 5) -> Sequence[FeedRun]:
    """Its last runs, newest first."""
    wanted = rows_of(actor.service_id, FeedRun).where(FeedRun.feed_id == feed_id)
    return store.scalars(wanted.order_by(FeedRun.id.desc()).limit(most)).all()


def feed_named(
    store: Session,
    service_id: uuid.UUID,
    actor: Actor | None,
    name: str,
    *,
    url: str = "",
    on: bool = False,
    every_hours: int = 24,
    published: bool = False,
    allowance: Allowance = STRICT,
) -> Feed:
    """A new feed, or the file of that name that is there. Raises NotTaken."""
    name = name or refuse("name", "missing")
    if url:
        _check_url(url, allowance)
    found = store.scalars(rows_of(service_id, Feed).where(Feed.name == name)).one_or_none()
    if found and not found.url and not url:
        return found
    if found and found.url == url and actor is None:
        return found
    if found:
        refuse("name", "taken")
    if len(store.scalars(rows_of(service_id, Feed)).all()) >= MOST_FEEDS:
        refuse("name", "too-many")
    made = Feed(
        service_id=service_id,
        name=name,
        url=url or None,
        on=on and bool(url),
        every_hours=every_hours if every_hours in HOURS else HOURS[1],
        published=published,
        added_by=actor.staff_id if actor else None,
    )
    store.add(made)
    store.flush()
    kind = "" if actor else "system"
    audit.record(store, service_id, actor, "added a feed", "feed", made.id, actor_kind=kind, on=made.on)
    return made


def _check_url(url: str, allowance: Allowance) -> None:
    try:
        check(url, allowance)
    except FetchFailed:
        refuse("url", "refused-address")
    if len(url) > 500:
        refuse("url", "refused-address")


def change_feed(
    store: Session, actor: Actor, feed_id: uuid.UUID, version: int, *, on: bool, every_hours: int, published: bool
) -> Feed | None:
    """Whether it is fetched by itself and how often, and whether we pass it on. Raises Changed."""
    require(actor, Permission.MANAGE_DIRECTORY)
    wanted = rows_of(actor.service_id, Feed).where(Feed.id == feed_id).with_for_update()
    row = store.scalars(wanted.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        return None
    if row.version != version:
        raise Changed
    row.on = on and bool(row.url)
    row.every_hours = every_hours if every_hours in HOURS else row.every_hours
    row.published = published
    audit.record(store, actor.service_id, actor, "changed a feed", "feed", row.id, on=row.on, published=published)
    return row


def ask_now(store: Session, actor: Actor, feed_id: uuid.UUID) -> bool | None:
    """Ask for it now: True when a run waits, False when one is under way; ``None`` when there is no such address."""
    require(actor, Permission.MANAGE_DIRECTORY)
    feed = find_feed(store, actor, feed_id)
    if feed is None or not feed.url:
        return None
    return taking_in.ask(store, feed, actor) is not None


def accept_missing(store: Session, actor: Actor, feed_id: uuid.UUID) -> int | None:
    """What the last run did not have is really gone, although it was more than half. How many."""
    require(actor, Permission.MANAGE_DIRECTORY)
    feed = find_feed(store, actor, feed_id)
    if feed is None or feed.taken_at is None:
        return None
    gone = taking_in.mark_gone(store, actor.service_id, feed.id, feed.taken_at)
    for run in runs_of(store, actor, feed_id, 1):
        if run.error == "shrank":
            run.error = None
            run.counts = {**run.counts, "gone": gone}
    audit.record(store, actor.service_id, actor, "took activities as gone", "feed", feed.id, rows=gone)
    return gone
