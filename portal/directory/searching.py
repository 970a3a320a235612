"""Finding an activity, and what is shown of one."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, Select, and_, case, cast, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from portal import services
from portal.access import rows_of
from portal.clock import LONDON, now
from portal.directory import plain
from portal.directory.distances import BY_DISTRICT, Where, degrees, where_is
from portal.store import Activity, ActivityPlace, ActivityTag, ActivityTime, Feed, Provider, Service

MOST_WORDS = 8
MOST_ROWS = 50
_SCALE = 10**10  # of a squared degree, so that it is kept as a whole number: a step is about a metre
_ANYWHERE, _NOT_KNOWN = 10**17, 10**17 + 1


@dataclass(frozen=True)
class Place:
    """Where an activity is. ``kind``: physical, postal, virtual. ``miles`` is empty when the distance is not known;
    ``rough``: worked out by postcode district."""

    kind: str
    name: str = ""
    address: str = ""
    city: str = ""
    postcode: str = ""
    access: str = ""
    miles: float | None = None
    rough: bool = False


@dataclass(frozen=True)
class Time:
    """When it is on: days as RFC 5545 BYDAY has them ("MO"; in a month also "2MO", the second Monday, and "-1FR", the
    last Friday), times as they came ("10:00"), and what the source says in words."""

    days: tuple[str, ...] = ()
    freq: str = ""
    interval: int | None = None
    month_days: str = ""
    opens_at: str = ""
    closes_at: str = ""
    from_day: date | None = None
    to_day: date | None = None
    words: str = ""


@dataclass(frozen=True)
class Shown:
    """An activity as a page shows it, plain values all. ``checked_on``: when a feed, or one of us, last said that it is
    there. ``offered``: active, not hidden and fresh; nothing else may be offered to somebody. ``referrals_to``: the
    email address to which the provider takes referrals, else empty. ``miles``: to its nearest place, empty when not
    known. ``free``: yes, no, or empty when nobody says."""

    id: uuid.UUID
    name: str
    description: str
    provider: str
    provider_id: uuid.UUID | None
    url: str
    email: str
    phone: str
    referrals_to: str
    status: str
    free: str
    cost: str
    minimum_age: int | None
    maximum_age: int | None
    notice: str
    checked_on: date
    offered: bool
    hidden: bool
    gone: bool
    feed: str
    feed_id: uuid.UUID | None
    version: int
    needs: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    access: tuple[str, ...] = ()
    attending: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    times: tuple[Time, ...] = ()
    miles: float | None = None
    rough: bool = False
    online: bool = False


@dataclass(frozen=True)
class Wish:
    """What somebody looks for; every part may be left out."""

    need: str | None = None
    near: str | None = None
    within_miles: int | None = None
    language: str | None = None
    day: str | None = None
    free: bool = False
    access: tuple[str, ...] = ()
    text: str = ""
    age: int | None = None


@dataclass(frozen=True)
class Found:
    """One page of what was found, nearest first (else by name). ``after`` asks for the next page, ``None`` on the last.
    ``near_known`` is ``None`` when no place was asked for, False when we do not know where that place is: then no
    distance is shown at all. ``rough``: distances are from the middle of the postcode district."""

    rows: tuple[Shown, ...]
    after: str | None
    near_known: bool | None = None
    rough: bool = False


# What may be offered -------------------------------------------------------------------------------------------------


def fresh_after(store: Session, service_id: uuid.UUID) -> datetime:
    """What nobody has seen since then is not offered any more."""
    service = store.get_one(Service, service_id)
    return now() - timedelta(days=services.settings_of(service).activity_fresh_days)


def offered(since: datetime) -> ColumnElement[bool]:
    """Active, not hidden, still in its feed (or looked at by us since it vanished), and fresh."""
    return and_(
        Activity.status == "active",
        Activity.hidden.is_(False),
        or_(Activity.gone_at.is_(None), Activity.checked_at > Activity.gone_at),
        or_(Activity.seen_at >= since, Activity.checked_at >= since),
    )


def _is_offered(one: Activity, since: datetime) -> bool:
    here = one.gone_at is None or (one.checked_at is not None and one.checked_at > one.gone_at)
    return one.status == "active" and not one.hidden and here and _last_said(one) >= since


def _last_said(one: Activity) -> datetime:
    return max(one.seen_at, one.checked_at) if one.checked_at else one.seen_at


# Searching -----------------------------------------------------------------------------------------------------------


def search(
    store: Session,
    service_id: uuid.UUID,
    *,
    need: str | None = None,
    near: str | None = None,
    within_miles: int | None = None,
    language: str | None = None,
    day: str | None = None,
    free: bool = False,
    access: Sequence[str] = (),
    text: str = "",
    age: int | None = None,
    after: str | None = None,
    size: int = 20,
    everything: bool = False,
) -> Found:
    """Activities that may be offered: active, not hidden, last seen within the service's set age. ``near``: a postcode
    or a postcode district. With ``within_miles``, what is known to be farther is left out; what is online comes after
    what is near, what has no known distance last. ``everything`` (staff who look after the directory) leaves out
    nothing. A wish that is no code of ours finds nothing; ``after`` that is not ours begins at the beginning."""
    size = max(1, min(size, MOST_ROWS))
    since = fresh_after(store, service_id)
    wanted = select(Activity.id).where(Activity.service_id == service_id)
    if not everything:
        wanted = wanted.where(offered(since))
    tags = [("need", need), ("day", day), *(("access", code) for code in access)]
    for kind, value in tags:
        if value:
            wanted = wanted.where(_tagged(service_id, kind, value))
    if language:
        wanted = wanted.where(_spoken(service_id, language))
    if free:
        wanted = wanted.where(Activity.free == "yes")
    for word in plain.key(text[:200]).split()[:MOST_WORDS]:
        wanted = wanted.where(Activity.words_key.contains(word, autoescape=True))
    if age is not None:
        wanted = wanted.where(
            or_(Activity.minimum_age.is_(None), Activity.minimum_age <= age),
            or_(Activity.maximum_age.is_(None), Activity.maximum_age >= age),
        )
    where = where_is(store, service_id, near) if near else None
    if where:
        ids, following = _nearest(store, service_id, wanted, where, within_miles, after, size)
    else:
        ids, following = _by_name(store, wanted, after, size)
    rows = _shown(store, service_id, ids, since, where)
    return Found(rows, following, None if not near else where is not None, bool(where and where.rough))


def _tagged(service_id: uuid.UUID, kind: str, value: str) -> ColumnElement[bool]:
    return Activity.id.in_(
        select(ActivityTag.activity_id).where(
            ActivityTag.service_id == service_id, ActivityTag.kind == kind, ActivityTag.value == value
        )
    )


def _spoken(service_id: uuid.UUID, language: str) -> ColumnElement[bool]:
    """Where this language is spoken. An activity that names no language is in English."""
    if language != "en":
        return _tagged(service_id, "language", language)
    names_one = exists().where(
        ActivityTag.service_id == service_id, ActivityTag.activity_id == Activity.id, ActivityTag.kind == "language"
    )
    return or_(_tagged(service_id, "language", "en"), ~names_one)


def _by_name(
    store: Session, wanted: Select[uuid.UUID], after: str | None, size: int
) -> tuple[list[uuid.UUID], str | None]:
    name = func.substr(Activity.words_key, 1, 60)
    key, last_id = _place_in_list(after)
    if last_id and key:
        wanted = wanted.where(or_(name > key[1:], and_(name == key[1:], Activity.id > last_id)))
    rows = store.execute(wanted.add_columns(name.label("name")).order_by(name, Activity.id).limit(size + 1)).all()
    return _page([(row[0], "=" + row[1]) for row in rows], size)


def _nearest(
    store: Session,
    service_id: uuid.UUID,
    wanted: Select[uuid.UUID],
    where: Where,
    within_miles: int | None,
    after: str | None,
    size: int,
) -> tuple[list[uuid.UUID], str | None]:
    north = ActivityPlace.latitude - where.latitude
    east = (ActivityPlace.longitude - where.longitude) * where.narrowing
    far = cast((north * north + east * east) * _SCALE, BigInteger)
    places = (
        select(ActivityPlace.activity_id, func.min(far).label("far"))
        .where(
            ActivityPlace.service_id == service_id,
            ActivityPlace.latitude.is_not(None),
            ActivityPlace.kind != "virtual",
        )
        .group_by(ActivityPlace.activity_id)
        .subquery()
    )
    anywhere = or_(*(_tagged(service_id, "attending", how) for how in ("online", "phone")))
    near: ColumnElement[bool] = places.c.far.is_not(None)
    if within_miles is not None:
        near = places.c.far <= int(degrees(within_miles) ** 2 * _SCALE)
    key = case(
        (near, places.c.far),
        (anywhere, literal(_ANYWHERE, BigInteger)),
        (places.c.far.is_(None), literal(_NOT_KNOWN, BigInteger)),
        else_=None,
    )
    wanted = wanted.outerjoin(places, places.c.activity_id == Activity.id).where(key.is_not(None))
    last, last_id = _place_in_list(after)
    if last_id and last.isdecimal() and len(last) < 19:
        wanted = wanted.where(or_(key > int(last), and_(key == int(last), Activity.id > last_id)))
    rows = store.execute(wanted.add_columns(key.label("far")).order_by(key, Activity.id).limit(size + 1)).all()
    return _page([(row[0], str(row[1])) for row in rows], size)


def _place_in_list(after: str | None) -> tuple[str, uuid.UUID | None]:
    key, _, last = (after or "").rpartition("~")
    try:
        return (key, uuid.UUID(last)) if key else ("", None)
    except ValueError:
        return "", None


def _page(rows: list[tuple[uuid.UUID, str]], size: int) -> tuple[list[uuid.UUID], str | None]:
    more = len(rows) > size
    rows = rows[:size]
    return [one for one, _ in rows], f"{rows[-1][1]}~{rows[-1][0]}" if more else None


def activity(store: Session, service_id: uuid.UUID, activity_id: uuid.UUID) -> Shown | None:
    """One activity of this service, offered or not (``offered`` says which); ``None`` when it is not there."""
    return next(iter(_shown(store, service_id, [activity_id], fresh_after(store, service_id), None)), None)


def any_offered(store: Session, service_id: uuid.UUID) -> bool:
    """Whether there is anything to find."""
    since = fresh_after(store, service_id)
    return bool(store.scalar(select(Activity.id).where(Activity.service_id == service_id, offered(since)).limit(1)))


def languages_of(store: Session, service_id: uuid.UUID) -> list[str]:
    """The languages that activities name, for the list to choose from."""
    return _named(store, service_id, "language")


def access_of(store: Session, service_id: uuid.UUID) -> list[str]:
    """The access needs that activities say they meet."""
    return _named(store, service_id, "access")


def _named(store: Session, service_id: uuid.UUID, kind: str) -> list[str]:
    named = select(ActivityTag.value).where(ActivityTag.service_id == service_id, ActivityTag.kind == kind)
    return list(store.scalars(named.distinct().order_by(ActivityTag.value)).all())


# Showing -------------------------------------------------------------------------------------------------------------


def _shown(
    store: Session, service_id: uuid.UUID, ids: Sequence[uuid.UUID], since: datetime, where: Where | None
) -> tuple[Shown, ...]:
    """These activities in this order, read with one query for each table."""
    if not ids:
        return ()
    found = {one.id: one for one in store.scalars(rows_of(service_id, Activity).where(Activity.id.in_(ids)))}
    tags: dict[uuid.UUID, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    wanted = rows_of(service_id, ActivityTag).where(ActivityTag.activity_id.in_(ids)).order_by(ActivityTag.value)
    for tag in store.scalars(wanted):
        tags[tag.activity_id][tag.kind].append(tag.value)
    places: dict[uuid.UUID, list[Place]] = defaultdict(list)
    for place in store.scalars(rows_of(service_id, ActivityPlace).where(ActivityPlace.activity_id.in_(ids))):
        places[place.activity_id].append(_place(place, where))
    times: dict[uuid.UUID, list[Time]] = defaultdict(list)
    for time in store.scalars(rows_of(service_id, ActivityTime).where(ActivityTime.activity_id.in_(ids))):
        times[time.activity_id].append(_time(time))
    providers = _names(store, service_id, Provider, (one.provider_id for one in found.values()))
    feeds = _names(store, service_id, Feed, (one.feed_id for one in found.values()))
    return tuple(
        _one(
            found[each],
            provider=providers.get(found[each].provider_id, ""),
            feed=feeds.get(found[each].feed_id, ""),
            tags=tags[each],
            places=sorted(places[each], key=lambda one: (one.miles is None, one.miles or 0, one.name)),
            times=times[each],
            since=since,
        )
        for each in ids
        if each in found
    )


def _names(
    store: Session, service_id: uuid.UUID, table: type[Provider] | type[Feed], ids: Iterable[uuid.UUID | None]
) -> dict[uuid.UUID | None, str]:
    wanted = {one for one in ids if one}
    if not wanted:
        return {}
    named = select(table.id, table.name).where(table.service_id == service_id, table.id.in_(wanted))
    return {row.id: row.name for row in store.execute(named)}


def _place(place: ActivityPlace, where: Where | None) -> Place:
    miles = None
    if where and place.kind != "virtual" and place.latitude is not None and place.longitude is not None:
        miles = where.miles_to(place.latitude, place.longitude)
    return Place(
        kind=place.kind,
        name=place.name or "",
        address=place.address or "",
        city=place.city or "",
        postcode=place.postcode or "",
        access=place.access or "",
        miles=miles,
        rough=miles is not None and (place.placed_by == BY_DISTRICT or bool(where and where.rough)),
    )


def _time(time: ActivityTime) -> Time:
    return Time(
        days=tuple(time.days),
        freq=time.freq or "",
        interval=time.interval,
        month_days=time.month_days or "",
        opens_at=time.opens_at or "",
        closes_at=time.closes_at or "",
        from_day=time.from_day,
        to_day=time.to_day,
        words=time.words or "",
    )


def _one(
    one: Activity,
    *,
    provider: str,
    feed: str,
    tags: dict[str, list[str]],
    places: list[Place],
    times: list[Time],
    since: datetime,
) -> Shown:
    nearest = next((place for place in places if place.miles is not None), None)
    return Shown(
        id=one.id,
        name=one.name,
        description=one.description or "",
        provider=provider,
        provider_id=one.provider_id,
        url=one.url or "",
        email=one.email or "",
        phone=one.phone or "",
        referrals_to=one.referrals_to or "",
        status=one.status,
        free=one.free or "",
        cost=one.cost or "",
        minimum_age=one.minimum_age,
        maximum_age=one.maximum_age,
        notice=one.notice or "",
        checked_on=_last_said(one).astimezone(ZoneInfo(LONDON)).date(),
        offered=_is_offered(one, since),
        hidden=one.hidden,
        gone=one.gone_at is not None and not (one.checked_at and one.checked_at > one.gone_at),
        feed=feed,
        feed_id=one.feed_id,
        version=one.version,
        needs=tuple(tags["need"]),
        languages=tuple(tags["language"]),
        days=tuple(tags["day"]),
        access=tuple(tags["access"]),
        attending=tuple(tags["attending"]),
        topics=tuple(tags["topic"]),
        places=tuple(places),
        times=tuple(times),
        miles=nearest.miles if nearest else None,
        rough=bool(nearest and nearest.rough),
        online="online" in tags["attending"],
    )
