"""What was read of a feed, put into the tables: new, changed, or only seen again."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from portal.access import rows_of
from portal.clock import now
from portal.codes import new_id
from portal.directory import plain
from portal.directory.distances import BY_SOURCE, place
from portal.directory.lists import NEED_CODES, needs_of
from portal.directory.shapes import Taken, TakenPlace, TakenProvider, TakenTime
from portal.store import Activity, ActivityPlace, ActivityTag, ActivityTime, Provider, TopicNeeds

_LONGEST_KEY = 10_000


@dataclass
class Saved:
    """What became of some rows: ``duplicates`` are those, by their place among them, whose id had come before."""

    new: int = 0
    changed: int = 0
    same: int = 0
    duplicates: list[int] = field(default_factory=list)


def save(
    store: Session, service_id: uuid.UUID, feed_id: uuid.UUID, several: Sequence[Taken], started_at: datetime
) -> Saved:
    """Save some rows of one run, which began at ``started_at``; every one that is there was seen then."""
    saved = Saved()
    if not several:
        return saved
    ids = {one.source_id for one in several}
    wanted = rows_of(service_id, Activity).where(Activity.feed_id == feed_id, Activity.source_id.in_(ids))
    here = {one.source_id: one for one in store.scalars(wanted)}
    providers = _providers(store, service_id, feed_id, several)
    seen: set[str] = {one.source_id for one in here.values() if one.seen_at == started_at}
    write: dict[str, Taken] = {}
    more_places: list[Taken] = []
    same: list[uuid.UUID] = []
    for number, one in enumerate(several):
        if one.source_id in seen:
            if one.one_place:
                more_places.append(one)
            else:
                saved.duplicates.append(number)
            continue
        seen.add(one.source_id)
        there = here.get(one.source_id)
        if there and not one.one_place and there.source.get("digest") == one.digest:
            same.append(there.id)
            saved.same += 1
        else:
            write[one.source_id] = one
            saved.new, saved.changed = saved.new + (there is None), saved.changed + (there is not None)
    _see_again(store, service_id, same, started_at)
    written = _write(store, service_id, feed_id, write, here, providers, started_at)
    _add_places(store, service_id, more_places, {**{name: one.id for name, one in here.items()}, **written})
    touched = [*written.values()]
    if touched:
        store.flush()
        place(store, service_id, touched)
    return saved


def _see_again(store: Session, service_id: uuid.UUID, ids: list[uuid.UUID], started_at: datetime) -> None:
    if ids:
        store.execute(
            update(Activity)
            .where(Activity.service_id == service_id, Activity.id.in_(ids))
            .values(seen_at=started_at, gone_at=None)
            .execution_options(synchronize_session=False)
        )


# Providers -----------------------------------------------------------------------------------------------------------


def _providers(
    store: Session, service_id: uuid.UUID, feed_id: uuid.UUID, several: Iterable[Taken]
) -> dict[str, uuid.UUID]:
    """The ids of everybody who runs something of these; who is new is added, who changed is changed."""
    given: dict[str, TakenProvider] = {one.provider.source_id: one.provider for one in several if one.provider}
    if not given:
        return {}
    wanted = rows_of(service_id, Provider).where(Provider.feed_id == feed_id, Provider.source_id.in_(given))
    here = {one.source_id: one for one in store.scalars(wanted)}
    for source_id, one in given.items():
        provider = here.get(source_id)
        if provider is None:
            provider = here[source_id] = Provider(
                service_id=service_id, id=new_id(), feed_id=feed_id, source_id=source_id, name=one.name
            )
            store.add(provider)
        provider.name = one.name
        provider.description = one.description or None
        provider.email = one.email or None
        provider.website = one.website or None
    store.flush()
    return {source_id: one.id for source_id, one in here.items()}


# Activities ----------------------------------------------------------------------------------------------------------


def _write(
    store: Session,
    service_id: uuid.UUID,
    feed_id: uuid.UUID,
    several: Mapping[str, Taken],
    here: Mapping[str, Activity],
    providers: Mapping[str, uuid.UUID],
    started_at: datetime,
) -> dict[str, uuid.UUID]:
    """Write these; what hangs on them is written anew. Our own decisions (hidden, checked, where referrals go) stay."""
    if not several:
        return {}
    needs = needs_by_topic(store, service_id, {topic for one in several.values() for topic in one.topics})
    moment = now()
    rows: list[dict[str, Any]] = []
    ids: dict[str, uuid.UUID] = {}
    for source_id, one in several.items():
        columns = _columns(one, providers, started_at)
        if there := here.get(source_id):
            for name, value in columns.items():
                setattr(there, name, value)
            ids[source_id] = there.id
        else:
            ids[source_id] = new_id()
            ours = {"service_id": service_id, "id": ids[source_id], "created_at": moment, "feed_id": feed_id}
            rows.append({**ours, "hidden": False, "version": 1, **columns})
    changed = [ids[source_id] for source_id in several if source_id in here]
    for table in (ActivityTag, ActivityPlace, ActivityTime):
        if changed:
            store.execute(
                delete(table)
                .where(table.service_id == service_id, table.activity_id.in_(changed))
                .execution_options(synchronize_session=False)
            )
    store.flush()
    if rows:
        store.execute(insert(Activity), rows)
    _hang_on(store, service_id, {ids[source_id]: one for source_id, one in several.items()}, needs, moment)
    return ids


def _columns(one: Taken, providers: Mapping[str, uuid.UUID], started_at: datetime) -> dict[str, Any]:
    return {
        "provider_id": providers.get(one.provider.source_id) if one.provider else None,
        "source_id": one.source_id,
        "name": one.name,
        "description": one.description or None,
        "url": one.url or None,
        "email": one.email or None,
        "phone": one.phone or None,
        "status": one.status,
        "free": one.free or None,
        "cost": one.cost or None,
        "minimum_age": one.minimum_age,
        "maximum_age": one.maximum_age,
        "notice": one.notice or None,
        "assured_on": one.assured_on,
        "source_changed_at": one.changed_at,
        "seen_at": started_at,
        "gone_at": None,
        "words_key": words_key(
            one.name,
            one.provider.name if one.provider else "",
            *one.topics,
            *(place.city for place in one.places),
            one.description,
        ),
        "source": {"digest": one.digest, **one.source},
    }


def words_key(name: str, *others: str) -> str:
    """What a search looks in; the name comes first, so that a list can be sorted by it."""
    return " ".join(filter(None, map(plain.key, (name, *others))))[:_LONGEST_KEY]


def needs_by_topic(store: Session, service_id: uuid.UUID, topics: set[str]) -> dict[str, frozenset[str]]:
    """What each topic means: as the service says, else by the words in its name."""
    wanted = rows_of(service_id, TopicNeeds).where(TopicNeeds.topic.in_(topics)) if topics else None
    said = {one.topic: one.needs for one in store.scalars(wanted)} if wanted is not None else {}
    return {
        topic: frozenset(said[topic]) & frozenset(NEED_CODES) if topic in said else needs_of(topic) for topic in topics
    }


def needs_for(topics: Iterable[str], name: str, needs: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The needs of an activity with these topics; by its name when no topic means any."""
    found = frozenset(need for topic in topics for need in needs.get(topic, ()))
    return found or needs_of(name)


def _hang_on(
    store: Session,
    service_id: uuid.UUID,
    several: Mapping[uuid.UUID, Taken],
    needs: Mapping[str, frozenset[str]],
    moment: datetime,
) -> None:
    def ours(activity_id: uuid.UUID) -> dict[str, Any]:
        return {"service_id": service_id, "id": new_id(), "created_at": moment, "activity_id": activity_id}

    tags = [
        {**ours(activity_id), "kind": kind, "value": value}
        for activity_id, one in several.items()
        for kind, value in sorted(
            {
                *one.tags,
                *(("topic", topic) for topic in one.topics),
                *(("need", need) for need in needs_for(one.topics, one.name, needs)),
            }
        )
    ]
    places = [{**ours(each), **_of_place(place)} for each, one in several.items() for place in _once(one.places)]
    times = [{**ours(each), **_of_time(time)} for each, one in several.items() for time in one.times]
    for table, rows in ((ActivityTag, tags), (ActivityPlace, places), (ActivityTime, times)):
        if rows:
            store.execute(insert(table), rows)


def _once(places: Iterable[TakenPlace]) -> Iterable[TakenPlace]:
    return {place.source_id: place for place in places}.values()


def _of_place(one: TakenPlace) -> dict[str, Any]:
    return {
        "source_id": one.source_id,
        "kind": one.kind,
        "name": one.name or None,
        "address": one.address or None,
        "city": one.city or None,
        "postcode": one.postcode or None,
        "latitude": one.latitude,
        "longitude": one.longitude,
        "placed_by": BY_SOURCE if one.latitude is not None else None,
        "access": one.access or None,
    }


def _of_time(one: TakenTime) -> dict[str, Any]:
    return {
        "source_id": one.source_id,
        "freq": one.freq or None,
        "days": list(one.days),
        "month_days": one.month_days or None,
        "interval": one.interval,
        "opens_at": one.opens_at or None,
        "closes_at": one.closes_at or None,
        "from_day": one.from_day,
        "to_day": one.to_day,
        "attending": one.attending or None,
        "words": one.words or None,
    }


def _add_places(store: Session, service_id: uuid.UUID, several: Iterable[Taken], ids: Mapping[str, uuid.UUID]) -> None:
    """Further places of activities that this run has seen already, with what can be found by them."""
    wanted = {ids[one.source_id]: one for one in several}
    if not wanted:
        return
    store.flush()
    here = Counter(
        (row.activity_id, row.source_id)
        for row in store.scalars(rows_of(service_id, ActivityPlace).where(ActivityPlace.activity_id.in_(wanted)))
    )
    tagged = {
        (row.activity_id, row.kind, row.value)
        for row in store.scalars(rows_of(service_id, ActivityTag).where(ActivityTag.activity_id.in_(wanted)))
    }
    touched = []
    for one in several:
        activity_id = ids[one.source_id]
        for taken in one.places:
            if not here[activity_id, taken.source_id]:
                here[activity_id, taken.source_id] += 1
                store.add(ActivityPlace(service_id=service_id, activity_id=activity_id, **_of_place(taken)))
                touched.append(activity_id)
        for kind, value in one.tags:
            if (activity_id, kind, value) not in tagged:
                tagged.add((activity_id, kind, value))
                store.add(ActivityTag(service_id=service_id, activity_id=activity_id, kind=kind, value=value))
    store.flush()
    place(store, service_id, touched)
