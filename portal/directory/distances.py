"""How far away something is: by a list of postcodes that the service has loaded, else by the directory's own places.

Nobody else is asked where somebody lives. What is not known is said to be not known; nothing is ever guessed near.
"""

import math
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from portal import reading
from portal.access import rows_of
from portal.clock import now
from portal.codes import new_id
from portal.store import Activity, ActivityPlace, PostcodePlace, Stores

One = TypeVar("One")
BY_SOURCE, BY_POSTCODE, BY_DISTRICT = "source", "postcode", "district"
"""How the point of a place is known."""

_BATCH = 2_000
_KM = 111.195  # of one degree of latitude, on a sphere of 6,371 km
MILE = 1.609344  # km
_OUTCODE = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]?")
_NAMES = ("pcds", "pcd", "pcd7", "pcd8", "pcd2", "postcode")


class NotPostcodes(ValueError):
    """The file has no columns for postcode, latitude and longitude."""


@dataclass(frozen=True)
class Where:
    """A point. ``rough``: the middle of a postcode district."""

    latitude: float
    longitude: float
    rough: bool = False

    @property
    def narrowing(self) -> float:
        """How much shorter a degree of longitude is here than one of latitude."""
        return math.cos(math.radians(self.latitude))

    def miles_to(self, latitude: float, longitude: float) -> float:
        """By a flat map around this point: within half a percent as far as anybody travels for an activity."""
        north, east = latitude - self.latitude, (longitude - self.longitude) * self.narrowing
        return math.hypot(north, east) * _KM / MILE


def degrees(miles: float) -> float:
    """So many miles, in degrees of latitude."""
    return miles * MILE / _KM


def postcode_or_district(typed: str) -> str:
    """What was typed as "PE27 5BQ" or "PE27"; empty when it is neither."""
    plain = "".join(typed.split()).upper()
    if _OUTCODE.fullmatch(plain):
        return plain
    try:
        return reading.postcode(typed)
    except reading.Unreadable:
        return ""


def where_is(store: Session, service_id: uuid.UUID, typed: str) -> Where | None:
    """Where a postcode or a postcode district is; ``None`` when nobody here knows, never a guess."""
    wanted = postcode_or_district(typed)
    if not wanted:
        return None
    district = reading.outward(wanted)
    for name in dict.fromkeys((wanted, district)):
        if found := store.scalar(rows_of(service_id, PostcodePlace).where(PostcodePlace.postcode == name)):
            return Where(found.latitude, found.longitude, name == district)
    own = _middles(store, service_id, [district])
    return own.get(district)


def _middles(store: Session, service_id: uuid.UUID, districts: list[str]) -> dict[str, Where]:
    """The middle of each of these districts by the places in it whose point the source told."""
    found: dict[str, Where] = {}
    for district in districts:
        inside = select(func.avg(ActivityPlace.latitude), func.avg(ActivityPlace.longitude), func.count()).where(
            ActivityPlace.service_id == service_id,
            ActivityPlace.placed_by == BY_SOURCE,
            ActivityPlace.postcode.like(f"{district} %"),
        )
        latitude, longitude, count = store.execute(inside).one()
        if count:
            found[district] = Where(latitude, longitude, True)
    return found


# Placing -------------------------------------------------------------------------------------------------------------


def place(store: Session, service_id: uuid.UUID, activity_ids: Iterable[uuid.UUID] | None = None) -> int:
    """Find the point of every place that has a postcode and whose source told none; of these activities, or of all.
    How many are placed now."""
    wanted = rows_of(service_id, ActivityPlace).where(
        ActivityPlace.postcode.is_not(None),
        ActivityPlace.placed_by.is_distinct_from(BY_SOURCE),
    )
    if activity_ids is not None:
        wanted = wanted.where(ActivityPlace.activity_id.in_(list(activity_ids)))
    places = store.scalars(wanted).all()
    names = {one.postcode for one in places if one.postcode}
    names |= {reading.outward(name) for name in names}
    known = _known(store, service_id, sorted(names))
    missing = sorted({reading.outward(one.postcode or "") for one in places} - set(known))
    districts = _middles(store, service_id, missing)
    placed = 0
    for one in places:
        district = reading.outward(one.postcode or "")
        exact = known.get(one.postcode or "")
        point = exact or known.get(district) or districts.get(district)
        one.latitude, one.longitude = (point.latitude, point.longitude) if point else (None, None)
        one.placed_by = (BY_POSTCODE if exact else BY_DISTRICT) if point else None
        placed += point is not None
    store.flush()
    return placed


def _known(store: Session, service_id: uuid.UUID, names: list[str]) -> dict[str, Where]:
    found: dict[str, Where] = {}
    for some in batches(names, 500):
        for row in store.scalars(rows_of(service_id, PostcodePlace).where(PostcodePlace.postcode.in_(some))):
            found[row.postcode] = Where(row.latitude, row.longitude)
    return found


def batches(items: Iterable[One], size: int) -> Iterator[list[One]]:
    """The same in lists of at most so many."""
    going = iter(items)
    while some := list(islice(going, size)):
        yield some


# A list of postcodes -------------------------------------------------------------------------------------------------


def import_postcodes(
    stores: Stores,
    service_id: uuid.UUID,
    rows: Iterable[Mapping[str, str]],
    *,
    areas: frozenset[str] = frozenset(),
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Load a list of postcodes (columns as the ONS names them: pcds or pcd, lat, long, and doterm for those that are no
    longer in use), and place the directory by it. ``areas``: only postcodes of these areas or districts, such
    as PE or PE27.

    How many were taken. What was there before stays where the list says nothing newer. Raises NotPostcodes.
    """
    done, sums = 0, dict[str, list[float]]()
    for some in batches(_points(rows, areas), _BATCH):
        points = dict(some)
        for name, (latitude, longitude) in points.items():
            total = sums.setdefault(reading.outward(name), [0.0, 0.0, 0.0])
            total[0] += latitude
            total[1] += longitude
            total[2] += 1
        _keep(stores, service_id, points)
        done += len(points)
        progress(done)
    middles = {district: (north / count, east / count) for district, (north, east, count) in sums.items()}
    for some in batches(middles.items(), _BATCH):
        _keep(stores, service_id, dict(some))
    place_all(stores, service_id)
    return done


def place_all(stores: Stores, service_id: uuid.UUID) -> None:
    """Place the whole directory anew, some at a time, so that nobody waits for it."""
    with stores.reading() as store:
        ids = store.scalars(select(Activity.id).where(Activity.service_id == service_id)).all()
    for some in batches(ids, 500):
        with stores.writing.begin() as store:
            place(store, service_id, some)


def _points(rows: Iterable[Mapping[str, str]], areas: frozenset[str]) -> Iterator[tuple[str, tuple[float, float]]]:
    names: list[str] = []
    for row in rows:
        plain = {str(name).strip().lower().removeprefix("\ufeff"): value for name, value in row.items() if name}
        if not names:
            names = [name for name in _NAMES if name in plain]
            if not names or not {"lat", "long"} <= set(plain):
                raise NotPostcodes
        if (plain.get("doterm") or "").strip():
            continue
        if point := _point(plain, names[0], areas):
            yield point


def _point(row: Mapping[str, str], name: str, areas: frozenset[str]) -> tuple[str, tuple[float, float]] | None:
    try:
        postcode = reading.postcode(row[name] or "")
        latitude, longitude = float(row["lat"]), float(row["long"])
    except (reading.Unreadable, ValueError, TypeError):
        return None
    # The list has 99.999999 for those that are nowhere.
    inside = 49 <= latitude <= 61.5 and -9.5 <= longitude <= 2.5
    wanted = not areas or bool(areas & {reading.outward(postcode), re.split("[0-9]", postcode, maxsplit=1)[0]})
    return (postcode, (latitude, longitude)) if inside and wanted else None


def _keep(stores: Stores, service_id: uuid.UUID, points: Mapping[str, tuple[float, float]]) -> None:
    if not points:
        return
    moment = now()
    with stores.writing.begin() as store:
        store.execute(
            delete(PostcodePlace).where(
                PostcodePlace.service_id == service_id, PostcodePlace.postcode.in_(list(points))
            )
        )
        store.execute(
            insert(PostcodePlace),
            [
                {
                    "service_id": service_id,
                    "id": new_id(),
                    "created_at": moment,
                    "postcode": name,
                    "latitude": latitude,
                    "longitude": longitude,
                }
                for name, (latitude, longitude) in points.items()
            ],
        )
