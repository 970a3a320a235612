"""Our directory as others read it: the shapes of Open Referral UK (HSDS-UK 3.0), for its public pages.

Ours alone; of a feed only what the service has chosen to pass on. What is hidden, gone or stale is not there. Ids are
the source's own where they are UUIDs, ours elsewhere. Where the standard wants an id and we have none, one is worked
out from its activity's, so that it stays the same. No person is named.
"""

import re
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from portal.access import rows_of
from portal.directory import plain, searching, spelling
from portal.directory.distances import MILE, degrees, where_is
from portal.directory.lists import DAYS
from portal.journeys.self_referral import NEEDS
from portal.store import Activity, ActivityPlace, ActivityTag, ActivityTime, Feed, Provider

VERSION = "HSDS-UK-3.0"
PROFILE = "https://docs.openreferraluk.org/en/latest/"
# The elder one, of the profile's own repository, asks of /service_at_locations/{id} to be a service.
OPENAPI = "https://openreferraluk.org/specifications/3.0/openapi.json"
MOST_PER_PAGE = 100
PER_PAGE = 50
_FURTHEST = 10_000  # pages; nobody asks for more in earnest

_OURS = uuid.UUID("6f1d4a1e-7a5b-5d0c-9a57-0f0d0f0d0001")
NEEDS_TAXONOMY = uuid.uuid5(_OURS, "taxonomy:needs")
TOPICS_TAXONOMY = uuid.uuid5(_OURS, "taxonomy:topics")
_NEED_NAMES = {need.code: need.label for need in NEEDS}

PageOf = Callable[[uuid.UUID], str]
"""The address at which people read about an activity."""


class NotAsked(ValueError):
    """A filter has a value that it cannot have; the message is the sentence for the program that asked."""


@dataclass(frozen=True)
class Filters:
    """What a program asks for, as the standard names it; every part may be left out."""

    search: str = ""
    taxonomy_term_id: str = ""
    taxonomy_id: str = ""
    minimum_age: str = ""
    maximum_age: str = ""
    start_time: str = ""
    end_time: str = ""
    day: str = ""
    postcode: str = ""
    proximity: str = ""


def about() -> dict[str, Any]:
    """What stands at the root."""
    return {"version": VERSION, "profile": PROFILE, "openapi_url": OPENAPI}


def page_wanted(typed: str, per_page: str) -> tuple[int, int]:
    """The number of the page and how many rows it has. Raises NotAsked."""
    number, size = _whole(typed, "page", 1), _whole(per_page, "per_page", PER_PAGE)
    if not 1 <= number <= _FURTHEST:
        raise NotAsked("page must be a whole number, 1 or more")
    if size < 1:
        raise NotAsked("per_page must be a whole number, 1 or more")
    return number, min(size, MOST_PER_PAGE)


def _whole(typed: str, name: str, instead: int) -> int:
    if not typed:
        return instead
    if not re.fullmatch(r"[0-9]{1,9}", typed):
        raise NotAsked(f"{name} must be a whole number")
    return int(typed)


def _page(contents: list[dict[str, Any]], total: int, number: int, size: int) -> dict[str, Any]:
    pages = max(1, -(-total // size))
    return {
        "total_items": total,
        "total_pages": pages,
        "page_number": number,
        "size": len(contents),
        "first_page": number == 1,
        "last_page": number >= pages,
        "empty": not contents,
        "contents": contents,
    }


# What is published ---------------------------------------------------------------------------------------------------


def _published(store: Session, service_id: uuid.UUID) -> Select[uuid.UUID]:
    since = searching.fresh_after(store, service_id)
    feeds = select(Feed.id).where(Feed.service_id == service_id, Feed.published)
    return select(Activity.id).where(
        Activity.service_id == service_id,
        Activity.hidden.is_(False),
        or_(Activity.feed_id.is_(None), Activity.feed_id.in_(feeds)),
        or_(Activity.gone_at.is_(None), Activity.checked_at > Activity.gone_at),
        or_(Activity.seen_at >= since, Activity.checked_at >= since),
    )


def _filtered(store: Session, service_id: uuid.UUID, asked: Filters) -> list[ColumnElement[bool]]:
    """What an activity must be. Raises NotAsked."""
    wanted: list[ColumnElement[bool]] = [
        Activity.words_key.contains(word, autoescape=True)
        for word in plain.key(asked.search[:200]).split()[: searching.MOST_WORDS]
    ]
    if asked.minimum_age:
        wanted.append(Activity.minimum_age >= _whole(asked.minimum_age, "minimum_age", 0))
    if asked.maximum_age:
        wanted.append(Activity.maximum_age <= _whole(asked.maximum_age, "maximum_age", 0))
    if asked.taxonomy_term_id:
        wanted.append(_has_term(store, service_id, asked.taxonomy_term_id))
    if asked.taxonomy_id:
        kind = {str(NEEDS_TAXONOMY): "need", str(TOPICS_TAXONOMY): "topic"}.get(asked.taxonomy_id.lower())
        wanted.append(_tagged(service_id, kind or ""))
    if asked.day:
        wanted.append(_tagged(service_id, "day", _day(asked.day)))
    if asked.start_time or asked.end_time:
        wanted.append(_on_at(service_id, asked))
    return wanted


def _tagged(service_id: uuid.UUID, kind: str, *values: str) -> ColumnElement[bool]:
    tags = select(ActivityTag.activity_id).where(ActivityTag.service_id == service_id, ActivityTag.kind == kind)
    return Activity.id.in_(tags.where(ActivityTag.value.in_(values)) if values else tags)


def _day(typed: str) -> str:
    day = typed.strip().upper()[:2]
    if day not in DAYS:
        raise NotAsked("day must be a day of the week, such as MO or Monday")
    return day


def _on_at(service_id: uuid.UUID, asked: Filters) -> ColumnElement[bool]:
    on = [ActivityTime.service_id == service_id, ActivityTime.activity_id == Activity.id]
    for name, typed in (("start_time", asked.start_time), ("end_time", asked.end_time)):
        if typed and not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?(Z|[+-][0-9:]{2,6})?", typed):
            raise NotAsked(f"{name} must be a time such as 09:00")
    if asked.start_time:
        on.append(ActivityTime.opens_at.like("__:__%"))
        on.append(ActivityTime.opens_at >= asked.start_time[:5])
    if asked.end_time:  # "12:00:00" is not later than "12:00"
        on.append(ActivityTime.closes_at.like("__:__%"))
        on.append(func.substr(ActivityTime.closes_at, 1, 5) <= asked.end_time[:5])
    return exists().where(and_(*on))


def _has_term(store: Session, service_id: uuid.UUID, term_id: str) -> ColumnElement[bool]:
    kind, value = next(
        (
            (kind, value)
            for kind, value in _terms_used(store, service_id)
            if str(_term_id(kind, value)) == term_id.lower()
        ),
        ("", ""),
    )
    return _tagged(service_id, kind, value)


# Services ------------------------------------------------------------------------------------------------------------


def services_page(
    store: Session, service_id: uuid.UUID, asked: Filters, number: int, size: int, page_of: PageOf
) -> dict[str, Any]:
    """One page of /services: what each activity has one of. Raises NotAsked."""
    wanted = _published(store, service_id).where(*_filtered(store, service_id, asked))
    total = store.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    ids = store.scalars(wanted.order_by(Activity.id).offset((number - 1) * size).limit(size)).all()
    gathered = _gather(store, service_id, ids)
    return _page([_service(one, gathered, page_of) for one in gathered.activities], total, number, size)


def one_service(store: Session, service_id: uuid.UUID, given: str, page_of: PageOf) -> dict[str, Any] | None:
    """/services/{id}: an activity with everything about it."""
    found = _find(store, service_id, given)
    return _whole_service(found, _gather(store, service_id, [found.id]), page_of) if found else None


def _find(store: Session, service_id: uuid.UUID, given: str) -> Activity | None:
    wanted = _asked_for(given)
    if wanted is None:
        return None
    ours = _published(store, service_id)
    named = or_(Activity.id == wanted, Activity.source_id.in_(spelling.ids(wanted)))
    found = store.scalars(
        rows_of(service_id, Activity).where(Activity.id.in_(ours.where(named))).order_by(Activity.id)
    ).all()
    return next((one for one in found if str(public_id(one)) == str(wanted)), None)


def _asked_for(given: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(given)
    except ValueError:
        return None


def public_id(one: Activity) -> uuid.UUID:
    """The id under which an activity is published."""
    return (spelling.an_id(one.source_id) if one.feed_id else None) or one.id


@dataclass(frozen=True)
class _Gathered:
    activities: Sequence[Activity]
    providers: dict[uuid.UUID, Provider]
    places: dict[uuid.UUID, list[ActivityPlace]]
    times: dict[uuid.UUID, list[ActivityTime]]
    tags: dict[uuid.UUID, list[ActivityTag]]


def _gather(store: Session, service_id: uuid.UUID, ids: Iterable[uuid.UUID]) -> _Gathered:
    wanted = list(ids)
    activities = store.scalars(rows_of(service_id, Activity).where(Activity.id.in_(wanted)).order_by(Activity.id)).all()
    providers = store.scalars(
        rows_of(service_id, Provider).where(Provider.id.in_({one.provider_id for one in activities if one.provider_id}))
    )
    places: dict[uuid.UUID, list[ActivityPlace]] = defaultdict(list)
    for place in store.scalars(rows_of(service_id, ActivityPlace).where(ActivityPlace.activity_id.in_(wanted))):
        places[place.activity_id].append(place)
    times: dict[uuid.UUID, list[ActivityTime]] = defaultdict(list)
    for time in store.scalars(rows_of(service_id, ActivityTime).where(ActivityTime.activity_id.in_(wanted))):
        times[time.activity_id].append(time)
    tags: dict[uuid.UUID, list[ActivityTag]] = defaultdict(list)
    for tag in store.scalars(rows_of(service_id, ActivityTag).where(ActivityTag.activity_id.in_(wanted))):
        tags[tag.activity_id].append(tag)
    return _Gathered(activities, {one.id: one for one in providers}, places, times, tags)


def _said(**given: Any) -> dict[str, Any]:
    """Without what is not known: the standard has no null."""
    return {name: value for name, value in given.items() if value not in (None, "", [], {})}


def _service(one: Activity, gathered: _Gathered, page_of: PageOf) -> dict[str, Any]:
    provider = gathered.providers.get(one.provider_id) if one.provider_id else None
    organisation = _organisation(provider) if provider else None
    changed = one.source_changed_at or (one.checked_at or one.seen_at)
    checked = one.assured_on if one.feed_id else (one.checked_at or one.seen_at).date()
    return _said(
        id=str(public_id(one)),
        organization_id=organisation["id"] if organisation else None,
        name=one.name,
        description=one.description,
        url=spelling.uri(one.url) or page_of(one.id),
        email=spelling.email(one.email),
        status=one.status.replace("-", " "),
        fees=one.cost or ("Free" if one.free == "yes" else None),
        accreditations=_text_of(one, "accreditations"),
        minimum_age=one.minimum_age,
        maximum_age=one.maximum_age,
        assured_date=checked.isoformat() if checked else None,
        assurer_email=spelling.email(_text_of(one, "assurer_email")),
        alert=one.notice,
        last_modified=changed.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        organization=organisation,
    )


def _text_of(one: Activity, name: str) -> str | None:
    kept = one.source.get(name)
    return kept if isinstance(kept, str) and one.feed_id else None


def _whole_service(one: Activity, gathered: _Gathered, page_of: PageOf) -> dict[str, Any]:
    own = public_id(one)
    return _service(one, gathered, page_of) | _said(
        schedules=[_schedule(own, time) for time in gathered.times[one.id]],
        service_at_locations=[_at_location(own, place) for place in gathered.places[one.id]],
        languages=[
            {"id": _part(own, f"language:{tag.value}"), "service_id": str(own), "code": tag.value}
            for tag in gathered.tags[one.id]
            if tag.kind == "language"
        ],
        cost_options=_costs(one, own),
        contacts=_contacts(one, own),
        attributes=[
            {
                "id": _part(own, f"{tag.kind}:{tag.value}"),
                "link_id": str(own),
                "link_type": "service",
                "taxonomy_term_id": str(_term_id(tag.kind, tag.value)),
                "taxonomy_term": _term(tag.kind, tag.value),
            }
            for tag in gathered.tags[one.id]
            if tag.kind in ("need", "topic")
        ],
    )


def _part(activity_id: uuid.UUID, name: str) -> str:
    return str(uuid.uuid5(activity_id, name))


def _organisation(provider: Provider) -> dict[str, Any]:
    own = (spelling.an_id(provider.source_id) if provider.feed_id else None) or provider.id
    return _said(
        id=str(own),
        name=provider.name,
        description=provider.description or provider.name,
        email=spelling.email(provider.email),
        website=spelling.uri(provider.website),
    )


def _schedule(own: uuid.UUID, time: ActivityTime) -> dict[str, Any]:
    opens, closes = spelling.clock(time.opens_at), spelling.clock(time.closes_at)
    in_words = ""
    if (time.opens_at and not opens) or (time.closes_at and not closes):
        in_words = " – ".join(filter(None, (time.opens_at, time.closes_at)))  # "9am": for people, not for programs
    return _said(
        id=_part(own, f"schedule:{time.source_id}"),
        service_id=str(own),
        valid_from=time.from_day.isoformat() if time.from_day else None,
        valid_to=time.to_day.isoformat() if time.to_day else None,
        freq=time.freq,
        interval=time.interval,
        byday=",".join(time.days),
        bymonthday=time.month_days,
        description=" ".join(filter(None, (in_words, time.words))),
        opens_at=opens,
        closes_at=closes,
        attending_type=time.attending,
    )


def _place_id(place: ActivityPlace) -> uuid.UUID:
    return spelling.an_id(place.source_id) or place.id


def _at_location(own: uuid.UUID, place: ActivityPlace) -> dict[str, Any]:
    location_id = _part(own, f"location:{place.source_id}")
    told = place.placed_by in ("source", "postcode")
    address = None
    # The standard wants all of an address or none of it.
    if place.address and place.postcode:
        address = {
            "id": _part(own, f"address:{place.source_id}"),
            "location_id": location_id,
            "address_1": place.address,
            "city": place.city or place.postcode.partition(" ")[0],
            "state_province": place.city or "United Kingdom",
            "postal_code": place.postcode,
            "country": "GB",
            "address_type": place.kind,
        }
    return {
        "id": str(_place_id(place)),
        "service_id": str(own),
        "location_id": location_id,
        "location": _said(
            id=location_id,
            location_type=place.kind,
            name=place.name,
            latitude=place.latitude if told else None,
            longitude=place.longitude if told else None,
            addresses=[address] if address else None,
            accessibility=[
                {
                    "id": _part(own, f"access:{place.source_id}"),
                    "location_id": location_id,
                    "description": place.access,
                }
            ]
            if place.access
            else None,
        ),
    }


def _costs(one: Activity, own: uuid.UUID) -> list[dict[str, Any]]:
    amount = 0 if one.free == "yes" else None
    if amount is None and not one.cost:
        return []
    return [_said(id=_part(own, "cost"), service_id=str(own), amount_description=one.cost) | _amount(amount)]


def _amount(amount: int | None) -> dict[str, Any]:
    return {} if amount is None else {"amount": amount}


def _contacts(one: Activity, own: uuid.UUID) -> list[dict[str, Any]]:
    if not one.phone:
        return []
    contact_id = _part(own, "contact")
    phone = {"id": _part(own, "phone"), "contact_id": contact_id, "number": one.phone}
    return [{"id": contact_id, "service_id": str(own), "phones": [phone]}]


# Places --------------------------------------------------------------------------------------------------------------


def places_page(
    store: Session, service_id: uuid.UUID, asked: Filters, number: int, size: int, page_of: PageOf
) -> dict[str, Any]:
    """One page of /service_at_locations. Raises NotAsked."""
    wanted = (
        select(ActivityPlace)
        .join(Activity, (Activity.service_id == ActivityPlace.service_id) & (Activity.id == ActivityPlace.activity_id))
        .where(
            ActivityPlace.service_id == service_id,
            Activity.id.in_(_published(store, service_id)),
            *_filtered(store, service_id, asked),
            *_near(store, service_id, asked),
        )
    )
    total = store.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    rows = store.scalars(
        wanted.order_by(ActivityPlace.activity_id, ActivityPlace.id).offset((number - 1) * size).limit(size)
    ).all()
    gathered = _gather(store, service_id, {row.activity_id for row in rows})
    by_id = {one.id: one for one in gathered.activities}
    contents = [_place_with_service(row, by_id[row.activity_id], gathered, page_of) for row in rows]
    return _page(contents, total, number, size)


def _place_with_service(
    place: ActivityPlace, one: Activity, gathered: _Gathered, page_of: PageOf, *, whole: bool = False
) -> dict[str, Any]:
    service = (_whole_service if whole else _service)(one, gathered, page_of)
    service.pop("service_at_locations", None)
    return _at_location(public_id(one), place) | {"service": service}


def _near(store: Session, service_id: uuid.UUID, asked: Filters) -> list[ColumnElement[bool]]:
    """Within so many metres of the middle of a postcode. Where nobody knows where that is, nothing is near it."""
    if not asked.postcode:
        return []
    where = where_is(store, service_id, asked.postcode)
    if where is None:
        return [ActivityPlace.id.is_(None)]
    miles = _whole(asked.proximity.removesuffix(".0"), "proximity", 16_000) / 1000 / MILE
    reach = degrees(miles)
    north = ActivityPlace.latitude - where.latitude
    east = (ActivityPlace.longitude - where.longitude) * where.narrowing
    return [
        ActivityPlace.latitude.between(where.latitude - reach, where.latitude + reach),
        north * north + east * east <= reach * reach,
    ]


def one_place(store: Session, service_id: uuid.UUID, given: str, page_of: PageOf) -> dict[str, Any] | None:
    """/service_at_locations/{id}: a place, with everything about its activity."""
    wanted = _asked_for(given)
    if wanted is None:
        return None
    found = rows_of(service_id, ActivityPlace).where(
        or_(ActivityPlace.id == wanted, ActivityPlace.source_id.in_(spelling.ids(wanted))),
        ActivityPlace.activity_id.in_(_published(store, service_id)),
    )
    for place in store.scalars(found.order_by(ActivityPlace.id)):
        if _place_id(place) == wanted:
            gathered = _gather(store, service_id, [place.activity_id])
            return _place_with_service(place, gathered.activities[0], gathered, page_of, whole=True)
    return None


# Taxonomies ----------------------------------------------------------------------------------------------------------


def _taxonomies() -> list[dict[str, Any]]:
    return [
        {
            "id": str(NEEDS_TAXONOMY),
            "name": "Needs",
            "description": "What people ask a link worker to help with.",
            "version": "1",
        },
        {
            "id": str(TOPICS_TAXONOMY),
            "name": "Topics",
            "description": "How those who run an activity, or another directory, file it.",
            "version": "1",
        },
    ]


def _term_id(kind: str, value: str) -> uuid.UUID:
    return uuid.uuid5(NEEDS_TAXONOMY if kind == "need" else TOPICS_TAXONOMY, value)


def _term(kind: str, value: str) -> dict[str, Any]:
    label = _NEED_NAMES.get(value, value) if kind == "need" else value
    return {
        "id": str(_term_id(kind, value)),
        "name": label,
        "term": label,
        "description": f"Need: {value}" if kind == "need" else f"Topic: {value}",
        "taxonomy": "Needs" if kind == "need" else "Topics",
        "taxonomy_id": str(NEEDS_TAXONOMY if kind == "need" else TOPICS_TAXONOMY),
    }


def _terms_used(store: Session, service_id: uuid.UUID) -> list[tuple[str, str]]:
    """Every need there is, and the topics that are published."""
    topics = (
        select(ActivityTag.value)
        .where(
            ActivityTag.service_id == service_id,
            ActivityTag.kind == "topic",
            ActivityTag.activity_id.in_(_published(store, service_id)),
        )
        .distinct()
        .order_by(ActivityTag.value)
    )
    return [("need", code) for code in _NEED_NAMES] + [("topic", value) for value in store.scalars(topics)]


def taxonomies_page(number: int, size: int) -> dict[str, Any]:
    """One page of /taxonomies."""
    every = _taxonomies()
    return _page(every[(number - 1) * size : number * size], len(every), number, size)


def one_taxonomy(given: str) -> dict[str, Any] | None:
    """/taxonomies/{id}."""
    return next((one for one in _taxonomies() if one["id"] == given.lower()), None)


def terms_page(store: Session, service_id: uuid.UUID, number: int, size: int) -> dict[str, Any]:
    """One page of /taxonomy_terms."""
    every = _terms_used(store, service_id)
    some = [_term(kind, value) for kind, value in every[(number - 1) * size : number * size]]
    return _page(some, len(every), number, size)


def one_term(store: Session, service_id: uuid.UUID, given: str) -> dict[str, Any] | None:
    """/taxonomy_terms/{id}."""
    found = (one for one in _terms_used(store, service_id) if str(_term_id(*one)) == given.lower())
    return next((_term(*one) for one in found), None)
