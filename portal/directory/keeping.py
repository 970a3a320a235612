"""What the service itself decides about its directory: its own activities and providers, what is hidden or checked, and
where referrals go."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func
from sqlalchemy.orm import Session

from portal import audit, reading, services, tasks
from portal.access import Actor, Permission, require, rows_of
from portal.clock import now
from portal.codes import new_id
from portal.directory import shapes
from portal.directory.distances import place
from portal.directory.lists import ACCESS, ATTENDING, DAYS, FREE, NEED_CODES, STATUSES
from portal.directory.saving import words_key
from portal.store import Activity, ActivityPlace, ActivityTag, ActivityTime, Provider, Staff
from portal.store.once import write_once

LONGEST_WRONG = 1000
MOST_WRONG = 4000
"""Characters of what is said to be wrong: by one colleague at once, and by all of them."""

TO_PUT_RIGHT = timedelta(days=7)


class NotTaken(ValueError):
    """Something that was typed cannot be kept: ``name`` of the field, ``problem`` as a code."""

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(f"{name}: {problem}")
        self.name, self.problem = name, problem


class Changed(Exception):
    """Somebody else has changed it in the meantime."""


@dataclass(frozen=True)
class Words:
    """What a form says of one of our own activities: words as typed, codes of ``lists``."""

    name: str
    provider: str
    description: str = ""
    url: str = ""
    email: str = ""
    phone: str = ""
    referrals_to: str = ""
    status: str = "active"
    free: str = ""
    cost: str = ""
    minimum_age: str = ""
    maximum_age: str = ""
    notice: str = ""
    needs: Sequence[str] = ()
    languages: str = ""
    days: Sequence[str] = ()
    opens_at: str = ""
    closes_at: str = ""
    when: str = ""
    attending: Sequence[str] = ()
    access: Sequence[str] = ()
    place: str = ""
    address: str = ""
    city: str = ""
    postcode: str = ""
    access_words: str = ""


@dataclass
class _Read:
    """The same, checked. Raises NotTaken with the first thing that is wrong."""

    words: Words
    columns: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = self.words
        name = given.name or refuse("name", "missing")
        if not given.provider:
            refuse("provider", "missing")
        youngest, oldest = _age("minimum_age", given.minimum_age), _age("maximum_age", given.maximum_age)
        if youngest is not None and oldest is not None and youngest > oldest:
            refuse("maximum_age", "too-young")
        url = shapes.safe_url(given.url) if given.url else ""
        if given.url and not url:
            refuse("url", "not-a-url")
        self.postcode = _postcode(given.postcode)
        self.languages = _languages(given.languages)
        for label in ("opens_at", "closes_at"):
            _time(label, getattr(given, label))
        self.columns = {
            "name": name,
            "description": given.description or None,
            "url": url or None,
            "email": _email("email", given.email),
            "phone": given.phone or None,
            "referrals_to": _email("referrals_to", given.referrals_to),
            "status": given.status if given.status in STATUSES else refuse("status", "missing"),
            "free": given.free if given.free in FREE else None,
            "cost": given.cost or None,
            "minimum_age": youngest,
            "maximum_age": oldest,
            "notice": given.notice or None,
            "words_key": words_key(name, given.provider, given.city, given.description),
        }


def refuse(name: str, problem: str) -> str:
    """Raises NotTaken."""
    raise NotTaken(name, problem)


def _age(name: str, typed: str) -> int | None:
    typed = reading.digits(typed).strip()
    if not typed:
        return None
    if not typed.isdecimal() or len(typed) > 3 or int(typed) > 120:
        refuse(name, "not-an-age")
    return int(typed)


def _email(name: str, typed: str) -> str | None:
    if not typed.strip():
        return None
    try:
        return reading.email(typed)
    except reading.Unreadable:
        refuse(name, "not-an-email")
        return None


def _postcode(typed: str) -> str:
    if not typed.strip():
        return ""
    try:
        return reading.postcode(typed)
    except reading.Unreadable:
        return refuse("postcode", "not-a-postcode")


def _time(name: str, typed: str) -> None:
    if typed and not (len(typed) == 5 and typed[2] == ":" and typed[:2].isdecimal() and typed[3:].isdecimal()):
        refuse(name, "not-a-time")
    if typed and not (int(typed[:2]) < 24 and int(typed[3:]) < 60):
        refuse(name, "not-a-time")


def _languages(typed: str) -> list[str]:
    found = []
    for one in filter(None, (part.strip() for part in typed.replace(";", ",").replace("\n", ",").split(","))):
        found.append(shapes.language_tag(one) or refuse("languages", "not-a-language"))
    return list(dict.fromkeys(found))[:20]


# Our own activities --------------------------------------------------------------------------------------------------


def find(store: Session, actor: Actor, activity_id: uuid.UUID) -> Activity | None:
    """An activity of this service; ``None`` when it is not there."""
    return store.scalars(rows_of(actor.service_id, Activity).where(Activity.id == activity_id)).one_or_none()


def _held(store: Session, actor: Actor, activity_id: uuid.UUID) -> Activity | None:
    wanted = rows_of(actor.service_id, Activity).where(Activity.id == activity_id).with_for_update()
    return store.scalars(wanted.execution_options(populate_existing=True)).one_or_none()


def add(store: Session, actor: Actor, once: uuid.UUID, words: Words) -> Activity:
    """One of our own activities. ``once`` was given by the form: sent twice it is one activity. Raises NotTaken."""
    require(actor, Permission.MANAGE_DIRECTORY)
    read = _Read(words)
    provider = _provider(store, actor, words.provider)
    row = Activity(
        service_id=actor.service_id,
        id=once,
        provider_id=provider.id,
        source_id=str(once),
        seen_at=now(),
        checked_at=now(),
        checked_by=actor.staff_id,
        source={},
        **read.columns,
    )
    made, new = write_once(store, row, rows_of(actor.service_id, Activity).where(Activity.id == once))
    if new:
        _hang_on(store, made, read)
        audit.record(store, actor.service_id, actor, "added an activity", "activity", made.id)
    return made


def change(store: Session, actor: Actor, activity_id: uuid.UUID, version: int, words: Words) -> Activity | None:
    """Change one of our own, never what a feed says. ``None`` when it is not there. Raises NotTaken, Changed."""
    require(actor, Permission.MANAGE_DIRECTORY)
    read = _Read(words)
    row = _held(store, actor, activity_id)
    if row is None or row.feed_id is not None:
        return None
    if row.version != version:
        raise Changed
    row.provider_id = _provider(store, actor, words.provider).id
    for name, value in read.columns.items():
        setattr(row, name, value)
    row.seen_at = row.checked_at = now()
    row.checked_by = actor.staff_id
    _hang_on(store, row, read)
    audit.record(store, actor.service_id, actor, "changed an activity", "activity", row.id)
    return row


def _hang_on(store: Session, row: Activity, read: _Read) -> None:
    """Its tags, its place and its times, anew."""
    words, ours = read.words, {"service_id": row.service_id, "activity_id": row.id}
    old = store.scalars(rows_of(row.service_id, ActivityPlace).where(ActivityPlace.activity_id == row.id)).first()
    place_id = old.source_id if old else str(new_id())
    for table in (ActivityTag, ActivityPlace, ActivityTime):
        store.execute(delete(table).where(table.service_id == row.service_id, table.activity_id == row.id))
    kinds: list[tuple[str, Sequence[str], Sequence[str]]] = [
        ("need", words.needs, NEED_CODES),
        ("day", words.days, tuple(DAYS)),
        ("attending", words.attending, tuple(ATTENDING)),
        ("access", words.access, tuple(ACCESS)),
        ("language", read.languages, read.languages),
    ]
    for kind, chosen, offered in kinds:
        for value in dict.fromkeys(chosen):
            if value in offered:
                store.add(ActivityTag(**ours, kind=kind, value=value))
    if words.place or words.address or read.postcode:
        store.add(
            ActivityPlace(
                **ours,
                source_id=place_id,
                kind="physical",
                name=words.place or None,
                address=words.address or None,
                city=words.city or None,
                postcode=read.postcode or None,
                access=words.access_words or None,
            )
        )
    if words.days or words.opens_at or words.when:
        store.add(
            ActivityTime(
                **ours,
                source_id="time",
                freq="WEEKLY" if words.days else None,
                days=[day for day in DAYS if day in words.days],
                opens_at=words.opens_at or None,
                closes_at=words.closes_at or None,
                words=words.when or None,
            )
        )
    store.flush()
    place(store, row.service_id, [row.id])


def words_of(store: Session, row: Activity) -> Words:
    """What the form says of an activity that is there."""
    tags: dict[str, list[str]] = {}
    for tag in store.scalars(rows_of(row.service_id, ActivityTag).where(ActivityTag.activity_id == row.id)):
        tags.setdefault(tag.kind, []).append(tag.value)
    at = store.scalars(rows_of(row.service_id, ActivityPlace).where(ActivityPlace.activity_id == row.id)).first()
    on = store.scalars(rows_of(row.service_id, ActivityTime).where(ActivityTime.activity_id == row.id)).first()
    provider = store.get(Provider, (row.service_id, row.provider_id)) if row.provider_id else None
    return Words(
        name=row.name,
        provider=provider.name if provider else "",
        description=row.description or "",
        url=row.url or "",
        email=row.email or "",
        phone=row.phone or "",
        referrals_to=row.referrals_to or "",
        status=row.status,
        free=row.free or "",
        cost=row.cost or "",
        minimum_age="" if row.minimum_age is None else str(row.minimum_age),
        maximum_age="" if row.maximum_age is None else str(row.maximum_age),
        notice=row.notice or "",
        needs=tags.get("need", []),
        languages=", ".join(sorted(tags.get("language", []))),
        days=tags.get("day", []),
        opens_at=(on.opens_at or "") if on else "",
        closes_at=(on.closes_at or "") if on else "",
        when=(on.words or "") if on else "",
        attending=tags.get("attending", []),
        access=tags.get("access", []),
        place=(at.name or "") if at else "",
        address=(at.address or "") if at else "",
        city=(at.city or "") if at else "",
        postcode=(at.postcode or "") if at else "",
        access_words=(at.access or "") if at else "",
    )


# Any activity --------------------------------------------------------------------------------------------------------


def hide(store: Session, actor: Actor, activity_id: uuid.UUID, hidden: bool) -> bool:
    """Do not offer it, whatever its feed says; or do again. Whether it is there."""
    require(actor, Permission.MANAGE_DIRECTORY)
    row = _held(store, actor, activity_id)
    if row is None:
        return False
    if row.hidden != hidden:
        row.hidden = hidden
        act = "hid an activity" if hidden else "showed an activity again"
        audit.record(store, actor.service_id, actor, act, "activity", row.id)
    return True


def mark_checked(store: Session, actor: Actor, activity_id: uuid.UUID) -> bool:
    """Somebody has looked today, and it is there. Whether we have it."""
    require(actor, Permission.CHECK_ACTIVITIES)
    row = _held(store, actor, activity_id)
    if row is None:
        return False
    row.checked_at, row.checked_by = now(), actor.staff_id
    audit.record(store, actor.service_id, actor, "checked an activity", "activity", row.id)
    return True


@dataclass(frozen=True)
class Wrong:
    """What colleagues say is not right with an activity; who said so first, and when."""

    words: str
    by: str
    at: datetime


def said_wrong(store: Session, actor: Actor, activity_id: uuid.UUID) -> Wrong | None:
    """What stands open about an activity."""
    require(actor, Permission.READ_DIRECTORY)
    row = store.scalar(rows_of(actor.service_id, Activity).where(Activity.id == activity_id))
    if row is None or row.wrong is None or row.wrong_at is None:
        return None
    by = store.get_one(Staff, (actor.service_id, row.wrong_by))
    return Wrong(row.wrong, by.name, row.wrong_at)


def say_wrong(store: Session, actor: Actor, activity_id: uuid.UUID, words: str) -> bool:
    """Something is not right with it: a task for whoever manages the directory. What a colleague has said stays, and
    these words stand below. Whether we have it. Raises NotTaken (words: missing, too-long, full, unreadable)."""
    require(actor, Permission.CHECK_ACTIVITIES)
    row = _held(store, actor, activity_id)
    if row is None:
        return False
    if reading.is_blank(words):
        raise NotTaken("words", "missing")
    try:
        said = reading.text(words, LONGEST_WRONG, lines=True)
    except reading.Unreadable as problem:
        raise NotTaken("words", problem.problem.value) from None
    before = row.wrong.split("\n\n") if row.wrong else []
    if said in before:  # pressed twice, or the same said by two
        return True
    together = "\n\n".join([*before, said])
    if len(together) > MOST_WRONG:
        raise NotTaken("words", "full")
    row.wrong = together
    if row.wrong_at is None:
        row.wrong_at, row.wrong_by = now(), actor.staff_id
    store.flush()
    tasks.add(
        store,
        actor.service_id,
        tasks.Kind.ACTIVITY_WRONG,
        once=_task_of(row),
        due_at=now() + TO_PUT_RIGHT,
        assigned_to=_whose(store, actor.service_id),
        details={"activity": str(row.id)},
    )
    audit.record(store, actor.service_id, actor, "said that an activity is wrong", "activity", row.id)
    return True


def put_right(store: Session, actor: Actor, activity_id: uuid.UUID) -> bool:
    """What was said to be wrong has been looked at: it does not stand there any more. Whether we have the activity."""
    require(actor, Permission.MANAGE_DIRECTORY)
    row = _held(store, actor, activity_id)
    if row is None:
        return False
    if row.wrong_at is not None:
        tasks.no_longer_needed(store, actor.service_id, once=[_task_of(row)])
        row.wrong = row.wrong_at = row.wrong_by = None
        audit.record(store, actor.service_id, actor, "put an activity right", "activity", row.id)
    return True


def _task_of(row: Activity) -> str:
    since = row.wrong_at.astimezone(UTC) if row.wrong_at else now()
    return f"activity-wrong:{row.id}:{since:%Y%m%d%H%M%S%f}"


def _whose(store: Session, service_id: uuid.UUID) -> uuid.UUID | None:
    try:
        return services.holder(store, service_id, "manager", now())
    except services.NobodyThere:
        return None


def send_referrals_to(store: Session, actor: Actor, activity_id: uuid.UUID, email: str) -> bool:
    """To which address its provider takes referrals; empty for none. Whether it is there. Raises NotTaken."""
    require(actor, Permission.MANAGE_DIRECTORY)
    row = _held(store, actor, activity_id)
    if row is None:
        return False
    row.referrals_to = _email("referrals_to", email)
    audit.record(store, actor.service_id, actor, "set where referrals go", "activity", row.id)
    return True


# Providers -----------------------------------------------------------------------------------------------------------


def _provider(store: Session, actor: Actor, name: str) -> Provider:
    """Our own provider of this name; a new one when there is none."""
    ours = rows_of(actor.service_id, Provider).where(Provider.feed_id.is_(None))
    if found := store.scalars(ours.where(Provider.name == name).order_by(Provider.id)).first():
        return found
    made = Provider(service_id=actor.service_id, id=new_id(), name=name, source_id="")
    made.source_id = str(made.id)
    store.add(made)
    store.flush()
    audit.record(store, actor.service_id, actor, "added a provider", "provider", made.id)
    return made


def providers(store: Session, actor: Actor) -> Sequence[Provider]:
    """Our own providers, by name."""
    ours = rows_of(actor.service_id, Provider).where(Provider.feed_id.is_(None))
    return store.scalars(ours.order_by(func.lower(Provider.name), Provider.id)).all()


def find_provider(store: Session, actor: Actor, provider_id: uuid.UUID) -> Provider | None:
    """One of our own providers."""
    ours = rows_of(actor.service_id, Provider).where(Provider.feed_id.is_(None), Provider.id == provider_id)
    return store.scalars(ours).one_or_none()


def change_provider(
    store: Session, actor: Actor, provider_id: uuid.UUID, version: int, given: Mapping[str, str]
) -> Provider | None:
    """Change one of our own: name, description, email, website. Raises NotTaken, Changed."""
    require(actor, Permission.MANAGE_DIRECTORY)
    ours = rows_of(actor.service_id, Provider).where(Provider.feed_id.is_(None), Provider.id == provider_id)
    row = store.scalars(ours.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if row is None:
        return None
    if row.version != version:
        raise Changed
    website = shapes.safe_url(given["website"]) if given["website"] else ""
    if given["website"] and not website:
        refuse("website", "not-a-url")
    row.name = given["name"] or refuse("name", "missing")
    row.description = given["description"] or None
    row.email = _email("email", given["email"])
    row.website = website or None
    audit.record(store, actor.service_id, actor, "changed a provider", "provider", row.id)
    return row
