"""What a topic of a feed means: which of our needs. The portal knows it by the words in the name; a service may say
otherwise for each."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from portal import audit
from portal.access import Actor, Permission, require, rows_of
from portal.clock import now
from portal.codes import new_id
from portal.directory.distances import batches
from portal.directory.lists import NEED_CODES
from portal.directory.saving import needs_by_topic, needs_for
from portal.store import Activity, ActivityTag, TopicNeeds
from portal.store.once import write_once

PER_PAGE = 50


@dataclass(frozen=True)
class TopicLine:
    """A topic of the feeds: in how many activities it is, which needs it means, and whether we said so ourselves."""

    topic: str
    activities: int
    needs: tuple[str, ...]
    ours: bool


def topics(store: Session, actor: Actor, after: str = "", size: int = PER_PAGE) -> list[TopicLine]:
    """The topics of all feeds by name, from the one after ``after``."""
    wanted = (
        select(ActivityTag.value, func.count())
        .where(ActivityTag.service_id == actor.service_id, ActivityTag.kind == "topic", ActivityTag.value > after)
        .group_by(ActivityTag.value)
        .order_by(ActivityTag.value)
        .limit(size)
    )
    rows = store.execute(wanted).all()
    names = {topic for topic, _ in rows}
    said = set(store.scalars(select(TopicNeeds.topic).where(TopicNeeds.service_id == actor.service_id)))
    needs = needs_by_topic(store, actor.service_id, names)
    return [
        TopicLine(topic, count, tuple(need for need in NEED_CODES if need in needs[topic]), topic in said)
        for topic, count in rows
    ]


def named_topic(store: Session, actor: Actor, name: str) -> TopicLine | None:
    """One topic, by its name; ``None`` when no activity has it."""
    count = store.scalar(
        select(func.count()).where(
            ActivityTag.service_id == actor.service_id, ActivityTag.kind == "topic", ActivityTag.value == name
        )
    )
    if not count:
        return None
    needs = needs_by_topic(store, actor.service_id, {name})[name]
    said = rows_of(actor.service_id, TopicNeeds).where(TopicNeeds.topic == name)
    ordered = tuple(need for need in NEED_CODES if need in needs)
    return TopicLine(name, count, ordered, store.scalars(said).one_or_none() is not None)


def set_topic(store: Session, actor: Actor, name: str, needs: Sequence[str]) -> bool:
    """From now on this topic means these needs, in every activity that has it. Whether there is such a topic."""
    require(actor, Permission.MANAGE_DIRECTORY)
    if named_topic(store, actor, name) is None:
        return False
    chosen = [need for need in NEED_CODES if need in needs]
    said = rows_of(actor.service_id, TopicNeeds).where(TopicNeeds.topic == name)
    row, new = write_once(store, TopicNeeds(service_id=actor.service_id, topic=name, needs=chosen), said)
    if not new:
        row.needs = chosen
    store.flush()
    with_it = select(ActivityTag.activity_id).where(
        ActivityTag.service_id == actor.service_id, ActivityTag.kind == "topic", ActivityTag.value == name
    )
    _tag_anew(store, actor.service_id, store.scalars(with_it).all())
    audit.record(store, actor.service_id, actor, "said what a topic means", "topic", row.id, needs=chosen)
    return True


def _tag_anew(store: Session, service_id: uuid.UUID, ids: Sequence[uuid.UUID]) -> None:
    """The needs of these activities of feeds, worked out again; those of our own were chosen one by one."""
    moment = now()
    for some in batches(ids, 500):
        wanted = select(Activity.id, Activity.name).where(
            Activity.service_id == service_id, Activity.id.in_(some), Activity.feed_id.is_not(None)
        )
        names = {row.id: row.name for row in store.execute(wanted)}
        topics_of: dict[uuid.UUID, list[str]] = {each: [] for each in names}
        tags = rows_of(service_id, ActivityTag).where(ActivityTag.activity_id.in_(names), ActivityTag.kind == "topic")
        for tag in store.scalars(tags):
            topics_of[tag.activity_id].append(tag.value)
        needs = needs_by_topic(store, service_id, {one for several in topics_of.values() for one in several})
        store.execute(
            delete(ActivityTag)
            .where(ActivityTag.service_id == service_id, ActivityTag.activity_id.in_(names), ActivityTag.kind == "need")
            .execution_options(synchronize_session=False)
        )
        rows = [
            {
                "service_id": service_id,
                "id": new_id(),
                "created_at": moment,
                "activity_id": each,
                "kind": "need",
                "value": need,
            }
            for each, several in topics_of.items()
            for need in sorted(needs_for(several, names[each], needs))
        ]
        if rows:
            store.execute(insert(ActivityTag), rows)
    store.flush()
