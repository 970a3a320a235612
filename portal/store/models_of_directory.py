"""The tables of the directory of activities, after Open Referral UK (HSDS-UK 3.0). One word of the standard clashes
with ours: its *service* is our activity, its *organization* our provider. The source's ids are kept as they came.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.store.database import Encrypted, Record, of_a_service, points_to


class Feed(Record):
    """A directory that we take activities from: an address, or a file that somebody brings (``url`` empty). ``on``: the
    worker fetches it again every ``every_hours``. ``published``: its activities stand in what we publish as well."""

    __tablename__ = "feed"

    name: Mapped[str] = mapped_column(String(80))
    url: Mapped[str | None] = mapped_column(String(500))
    on: Mapped[bool] = mapped_column(default=False)
    every_hours: Mapped[int] = mapped_column(default=24)
    published: Mapped[bool] = mapped_column(default=False)
    fetch_at: Mapped[datetime | None]
    taken_at: Mapped[datetime | None]
    added_by: Mapped[uuid.UUID | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (of_a_service(), points_to("added_by", "staff"), UniqueConstraint("service_id", "name"))
    __mapper_args__ = {"version_id_col": version}


class FeedRun(Record):
    """One taking-in of a feed: how far it is, what came of it, and the rows that could not be taken. ``state``:
    waiting, running, done, failed. ``bad`` holds the first rows that could not be taken (place, id, what is wrong),
    ``counts`` how many there were of each kind. ``file`` is what somebody brought, until it has been taken in."""

    __tablename__ = "feed_run"

    feed_id: Mapped[uuid.UUID]
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    asked_by: Mapped[uuid.UUID | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
    total: Mapped[int | None]
    seen: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, Any]]
    bad: Mapped[dict[str, Any]]
    error: Mapped[str | None] = mapped_column(String(200))
    file: Mapped[str | None] = mapped_column(Encrypted("feed_run.file"))

    __table_args__ = (
        points_to("feed_id", "feed"),
        points_to("asked_by", "staff"),
        Index(None, "service_id", "feed_id"),
        Index(None, "state"),
    )


class Provider(Record):
    """Who runs activities (HSDS-UK organization)."""

    __tablename__ = "provider"

    feed_id: Mapped[uuid.UUID | None]
    source_id: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(150))
    description: Mapped[str | None] = mapped_column(String(4000))
    email: Mapped[str | None] = mapped_column(String(254))
    website: Mapped[str | None] = mapped_column(String(500))
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        of_a_service(),
        points_to("feed_id", "feed"),
        UniqueConstraint("service_id", "feed_id", "source_id"),
    )
    __mapper_args__ = {"version_id_col": version}


class Activity(Record):
    """Something that people can go to or get help from (HSDS-UK service). ``feed_id`` is empty for our own.

    ``status``: active, inactive, defunct, temporarily-closed. ``free``: yes, no; empty when nobody says. ``seen_at``:
    when a feed, or one of us, last said that it is there. ``words_key`` is what a text search looks in. ``source``
    keeps what the standard has and we have no column for, so that nothing is lost when we publish. ``hidden``: our
    service does not offer it, whatever the feed says. ``gone_at``: since when its feed does not have it any more.
    ``wrong``: what colleagues say is not right with it, until somebody has put it right; ``wrong_at``, ``wrong_by``:
    when the first of them said so, and who.
    """

    __tablename__ = "activity"

    feed_id: Mapped[uuid.UUID | None]
    provider_id: Mapped[uuid.UUID | None]
    source_id: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(150))
    description: Mapped[str | None] = mapped_column(String(8000))
    url: Mapped[str | None] = mapped_column(String(500))
    email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(60))
    status: Mapped[str] = mapped_column(String(20), default="active")
    free: Mapped[str | None] = mapped_column(String(10))
    cost: Mapped[str | None] = mapped_column(String(500))
    minimum_age: Mapped[int | None]
    maximum_age: Mapped[int | None]
    notice: Mapped[str | None] = mapped_column(String(500))
    referrals_to: Mapped[str | None] = mapped_column(String(254))
    assured_on: Mapped[date | None]
    source_changed_at: Mapped[datetime | None]
    seen_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    checked_by: Mapped[uuid.UUID | None]
    hidden: Mapped[bool] = mapped_column(default=False)
    gone_at: Mapped[datetime | None]
    wrong: Mapped[str | None] = mapped_column(Encrypted("activity.wrong"))
    wrong_at: Mapped[datetime | None]
    wrong_by: Mapped[uuid.UUID | None]
    words_key: Mapped[str] = mapped_column(String(10000))
    source: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        of_a_service(),
        points_to("feed_id", "feed"),
        points_to("provider_id", "provider"),
        points_to("checked_by", "staff"),
        points_to("wrong_by", "staff"),
        UniqueConstraint("service_id", "feed_id", "source_id"),
        Index(None, "service_id", "status", "seen_at"),
    )
    __mapper_args__ = {"version_id_col": version}


class ActivityTag(Record):
    """What an activity can be found by. ``kind``: need, language, day, access, attending, topic. ``value`` is our code
    (a need, a language tag, a weekday, an access need), for topic the name of the source's own taxonomy term."""

    __tablename__ = "activity_tag"

    activity_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(150))

    __table_args__ = (
        points_to("activity_id", "activity"),
        UniqueConstraint("service_id", "activity_id", "kind", "value"),
        Index(None, "service_id", "kind", "value", "activity_id"),
    )


class TopicNeeds(Record):
    """Which of our needs a topic of a feed means, where the service has said so itself. ``needs`` may be empty: then
    the topic means none of them."""

    __tablename__ = "topic_needs"

    topic: Mapped[str] = mapped_column(String(150))
    needs: Mapped[list[str]]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (of_a_service(), UniqueConstraint("service_id", "topic"))
    __mapper_args__ = {"version_id_col": version}


class ActivityPlace(Record):
    """Where an activity is (HSDS-UK service_at_location with its location). ``kind``: physical, postal, virtual.
    ``placed_by``: how we know the point: source, postcode, district; empty when we do not."""

    __tablename__ = "activity_place"

    activity_id: Mapped[uuid.UUID]
    source_id: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str | None] = mapped_column(String(150))
    address: Mapped[str | None] = mapped_column(String(500))
    city: Mapped[str | None] = mapped_column(String(100))
    postcode: Mapped[str | None] = mapped_column(String(8))
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    placed_by: Mapped[str | None] = mapped_column(String(20))
    access: Mapped[str | None] = mapped_column(String(1000))

    __table_args__ = (
        points_to("activity_id", "activity"),
        Index(None, "service_id", "activity_id"),
        Index(None, "service_id", "latitude", "longitude"),
    )


class ActivityTime(Record):
    """When it is on (HSDS-UK schedule). ``days``: weekday codes (RFC 5545 BYDAY: MO to SU). ``freq``: WEEKLY, MONTHLY
    or empty. Times are as they came, London time."""

    __tablename__ = "activity_time"

    activity_id: Mapped[uuid.UUID]
    source_id: Mapped[str] = mapped_column(String(100))
    freq: Mapped[str | None] = mapped_column(String(10))
    days: Mapped[list[str]]
    month_days: Mapped[str | None] = mapped_column(String(60))
    interval: Mapped[int | None]
    opens_at: Mapped[str | None] = mapped_column(String(20))
    closes_at: Mapped[str | None] = mapped_column(String(20))
    from_day: Mapped[date | None]
    to_day: Mapped[date | None]
    attending: Mapped[str | None] = mapped_column(String(100))
    words: Mapped[str | None] = mapped_column(String(1000))

    __table_args__ = (points_to("activity_id", "activity"), Index(None, "service_id", "activity_id"))


class PostcodePlace(Record):
    """Where a postcode (or a postcode district) is, from a list that the service has loaded: to say how far away an
    activity is without asking anybody else."""

    __tablename__ = "postcode_place"

    postcode: Mapped[str] = mapped_column(String(8))
    latitude: Mapped[float]
    longitude: Mapped[float]

    __table_args__ = (of_a_service(), UniqueConstraint("service_id", "postcode"))
