"""One row of a feed, read into what we keep. Pure functions: no clock, no database.

Read by Open Referral UK (HSDS-UK 3.0), with the names of its elder (Open Referral UK 1.0) where feeds still have them.
What is wrong with a field costs that field, what is wrong with id, name or status costs the row.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from portal import reading
from portal.directory import plain, spelling
from portal.directory.lists import FREQUENCIES, PLACE_KINDS, access_of, attending_of

READING = 2
"""Raise this whenever a row is read otherwise than before: every row is then taken in anew."""

_STATUSES = {
    "active": "active",
    "inactive": "inactive",
    "defunct": "defunct",
    "temporarily closed": "temporarily-closed",
}
_KEPT = (
    "accreditations",
    "assurer_email",
    "fees",
    "funding",
    "service_areas",
    "cost_options",
    "languages",
    "attributes",
)
"""What the standard has and we have no column for. Names of contact persons are left out: nobody needs them to go
there, and they are people."""
_MOST_KEPT = 16_000  # characters of all that together
_MOST_IN_A_LIST = 50
_DAY = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)[A-Z]*")
_TIME = re.compile(r"\d{1,2}:\d{2}")
_MONEY = re.compile(r"£\s?(\d+(?:\.\d{1,2})?)|(\d+(?:\.\d{1,2})?)\s?(?:pounds|per )")
_NO_CHARGE = re.compile(r"(?:it is |this (?:service|activity) is )?(free|no (?:charge|cost|fee)|nil|none|£0)\b")


class Refused(ValueError):
    """The row cannot be taken; ``code`` is one of ``lists.FAULTS``."""

    def __init__(self, code: str, row_id: str = "") -> None:
        super().__init__(code)
        self.code, self.row_id = code, row_id


@dataclass(frozen=True)
class TakenProvider:
    """Who runs it."""

    source_id: str
    name: str
    description: str = ""
    email: str = ""
    website: str = ""


@dataclass(frozen=True)
class TakenPlace:
    """Where it is."""

    source_id: str
    kind: str
    name: str = ""
    address: str = ""
    city: str = ""
    postcode: str = ""
    latitude: float | None = None
    longitude: float | None = None
    access: str = ""


@dataclass(frozen=True)
class TakenTime:
    """When it is on."""

    source_id: str
    freq: str = ""
    days: tuple[str, ...] = ()
    month_days: str = ""
    interval: int | None = None
    opens_at: str = ""
    closes_at: str = ""
    from_day: date | None = None
    to_day: date | None = None
    attending: str = ""
    words: str = ""


@dataclass(frozen=True)
class Taken:
    """An activity as a feed has it. ``tags`` hold everything it can be found by but the needs, which depend on the
    service. ``one_place``: the row was one place of it; others may come. ``notes``: what was wrong, field and code.
    ``digest`` tells whether the row has changed."""

    source_id: str
    name: str
    status: str
    description: str = ""
    url: str = ""
    email: str = ""
    phone: str = ""
    free: str = ""
    cost: str = ""
    minimum_age: int | None = None
    maximum_age: int | None = None
    notice: str = ""
    assured_on: date | None = None
    changed_at: datetime | None = None
    provider: TakenProvider | None = None
    places: tuple[TakenPlace, ...] = ()
    times: tuple[TakenTime, ...] = ()
    topics: tuple[str, ...] = ()
    tags: frozenset[tuple[str, str]] = frozenset()
    source: Mapping[str, Any] = field(default_factory=dict)
    one_place: bool = False
    digest: str = ""
    notes: tuple[tuple[str, str], ...] = ()


def row_id(row: Any) -> str:
    """The id of a row as the report names it, empty when it has none that could be named."""
    given = row.get("id") if isinstance(row, Mapping) else None
    return plain.text(given, 100)[0] if isinstance(given, str) else ""


def is_brief(row: Any) -> bool:
    """Whether this is a line of a list, and the whole of it stands at an address of its own."""
    nested = ("service_at_locations", "schedules", "contacts", "attributes", "languages", "cost_options", "location")
    return isinstance(row, Mapping) and not any(name in row for name in nested)


def read(row: Any, today: date) -> Taken:
    """A row of /services or of /service_at_locations. Raises Refused."""
    if not isinstance(row, Mapping):
        raise Refused("not-an-object")
    if "location" in row or "service" in row or ("service_id" in row and "name" not in row):
        return _one_place(row, today)
    return _Reading(row, today).taken()


def place_of(row: Any) -> tuple[str, TakenPlace | None]:
    """The id of the activity that a place belongs to, and the place; for rows that name their activity and no more."""
    reader = _Reading(row, date.min)
    service_id = row.get("service_id")
    if not isinstance(service_id, str) or not service_id:
        raise Refused("no-service", row_id(row))
    return service_id, next(iter(reader.places([row])), None)


def _one_place(row: Mapping[str, Any], today: date) -> Taken:
    service = row.get("service")
    if not isinstance(service, Mapping):
        raise Refused("no-service", row_id(row))
    at = {name: value for name, value in row.items() if name != "service"}
    whole = {**service, "service_at_locations": [at]}
    if isinstance(row.get("schedules"), list) and "schedules" not in service:
        whole["schedules"] = row["schedules"]
    return _Reading(whole, today, one_place=True).taken()


class _Reading:
    """One look at one row, collecting what is wrong with it."""

    def __init__(self, row: Mapping[str, Any], today: date, *, one_place: bool = False) -> None:
        self.row, self.today, self.one_place = row, today, one_place
        self.notes: list[tuple[str, str]] = []

    def note(self, name: str, code: str) -> None:
        if len(self.notes) < 50:
            self.notes.append((name, code))

    def taken(self) -> Taken:
        source_id = self._id()
        name = self.text(self.row, "name", 150) or self._refuse("no-name", source_id)
        status = self._status(source_id)
        provider = self._provider()
        places = tuple(self.places(self.items(self.row, "service_at_locations")))
        times = tuple(self._times())
        topics = self._topics()
        cost, free = self._cost()
        youngest, oldest = self._ages()
        return Taken(
            source_id=source_id,
            name=name,
            status=status,
            description=self.text(self.row, "description", 8000, lines=True),
            url=self.url(self.row, "url"),
            email=self.email(self.row, "email"),
            phone=self._phone(),
            free=free,
            cost=cost,
            minimum_age=youngest,
            maximum_age=oldest,
            notice=self.text(self.row, "alert", 500),
            assured_on=self.day(self.row, "assured_date"),
            changed_at=self._changed_at(),
            provider=provider,
            places=places,
            times=times,
            topics=topics,
            tags=self._tags(places, times),
            source=self._kept(),
            one_place=self.one_place,
            digest=_digest(self.row),
            notes=tuple(self.notes),
        )

    @staticmethod
    def _refuse(code: str, source_id: str = "") -> str:
        raise Refused(code, source_id)

    def _id(self) -> str:
        given = self.row.get("id")
        if given is None or given == "":
            raise Refused("no-id")
        if isinstance(given, int) and not isinstance(given, bool):
            given = str(given)
        if not isinstance(given, str) or len(given) > 100 or not given.isprintable() or not given.strip():
            raise Refused("bad-id")
        return given.strip()

    def _status(self, source_id: str) -> str:
        given = self.row.get("status")
        if given is None or given == "":
            raise Refused("no-status", source_id)
        status = _STATUSES.get(given.strip().lower().replace("-", " ")) if isinstance(given, str) else None
        return status or self._refuse("bad-status", source_id)

    # --- single fields: what cannot be read is noted and left out ---

    def text(self, row: Mapping[str, Any], name: str, longest: int, *, lines: bool = False) -> str:
        given = row.get(name)
        if given is None:
            return ""
        if not isinstance(given, str):
            self.note(name, "wrong-type")
            return ""
        kept, wrong = plain.text(given, longest, lines=lines)
        if wrong:
            self.note(name, wrong)
        return kept

    def email(self, row: Mapping[str, Any], name: str) -> str:
        typed = self.text(row, name, 300).removeprefix("mailto:")
        if not typed:
            return ""
        try:
            return reading.email(typed)
        except reading.Unreadable:
            self.note(name, "bad-email")
            return ""

    def url(self, row: Mapping[str, Any], name: str) -> str:
        typed = self.text(row, name, 1000)
        if not typed:
            return ""
        made = safe_url(typed)
        if not made:
            self.note(name, "bad-url")
        return made

    def day(self, row: Mapping[str, Any], name: str) -> date | None:
        typed = self.text(row, name, 60)
        if not typed:
            return None
        try:
            return date.fromisoformat(typed[:10])
        except ValueError:
            self.note(name, "bad-date")
            return None

    def number(self, row: Mapping[str, Any], name: str, lowest: float, highest: float, code: str) -> float | None:
        given = row.get(name)
        if given is None or given == "":
            return None
        if isinstance(given, str):
            try:
                given = float(given) if len(given) < 30 else None
            except ValueError:
                given = None
        if isinstance(given, bool) or not isinstance(given, (int, float)):
            self.note(name, "wrong-type")
            return None
        if not lowest <= given <= highest:
            self.note(name, code)
            return None
        return float(given)

    def items(self, row: Mapping[str, Any], *names: str) -> list[Mapping[str, Any]]:
        """The objects of a list; what is none is noted."""
        for name in names:
            given = row.get(name)
            if given is None:
                continue
            if not isinstance(given, list):
                self.note(name, "wrong-type")
                continue
            if len(given) > _MOST_IN_A_LIST:
                self.note(name, "too-many")
            found = [one for one in given[:_MOST_IN_A_LIST] if isinstance(one, Mapping)]
            if len(found) < len(given[:_MOST_IN_A_LIST]):
                self.note(name, "wrong-type")
            return found
        return []

    def _source_id(self, row: Mapping[str, Any], instead: str) -> str:
        given = row.get("id")
        return given[:100] if isinstance(given, str) and given.isprintable() and given else instead

    # --- parts ---

    def _changed_at(self) -> datetime | None:
        typed = self.text(self.row, "last_modified", 60)
        if not typed:
            return None
        try:
            moment = datetime.fromisoformat(typed)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.note("last_modified", "bad-date")
            return None

    def _provider(self) -> TakenProvider | None:
        given = self.row.get("organization")
        if not isinstance(given, Mapping):
            if given is not None:
                self.note("organization", "wrong-type")
            return None
        name = self.text(given, "name", 150)
        if not name:
            return None
        return TakenProvider(
            self._source_id(given, "name:" + hashlib.sha256(name.encode()).hexdigest()[:40]),
            name,
            self.text(given, "description", 4000, lines=True),
            self.email(given, "email"),
            self.url(given, "website") or self.url(given, "url"),
        )

    def _phone(self) -> str:
        for row in (*self.items(self.row, "phones"), *self._phones_of_contacts()):
            if number := self.text(row, "number", 60):
                return number
        return ""

    def _phones_of_contacts(self) -> Iterator[Mapping[str, Any]]:
        for contact in self.items(self.row, "contacts"):
            yield from self.items(contact, "phones")

    def places(self, rows: list[Mapping[str, Any]]) -> Iterator[TakenPlace]:
        """Where it is; a row without a place says nothing and is passed over."""
        for number, row in enumerate(rows):
            location = row.get("location")
            if isinstance(location, Mapping):
                yield self._place(location, self._source_id(row, f"place-{number}"))
            elif location is not None:
                self.note("location", "wrong-type")

    def _place(self, location: Mapping[str, Any], source_id: str) -> TakenPlace:
        addresses = self.items(location, "addresses", "physical_addresses")
        physical = [one for one in addresses if one.get("address_type", "physical") == "physical"]
        address = (physical or addresses or [{}])[0]
        kind = location.get("location_type") or (address.get("address_type") if not physical else None)
        latitude, longitude = self._point(location)
        lines = [self.text(address, name, 200) for name in ("address_1", "address_2", "region")]
        return TakenPlace(
            source_id=source_id,
            kind=kind if kind in PLACE_KINDS else "physical",
            name=self.text(location, "name", 150),
            address=", ".join(filter(None, lines))[:500],
            city=self.text(address, "city", 100),
            postcode=self._postcode(address),
            latitude=latitude,
            longitude=longitude,
            access=self._access(location)[:1000],
        )

    def _point(self, location: Mapping[str, Any]) -> tuple[float | None, float | None]:
        # A point far from these islands is a mistake (0, 0; the two swapped); nobody would be told the right distance.
        latitude = self.number(location, "latitude", 49.0, 61.5, "bad-place")
        longitude = self.number(location, "longitude", -9.5, 2.5, "bad-place")
        return (None, None) if latitude is None or longitude is None else (latitude, longitude)

    def _postcode(self, address: Mapping[str, Any]) -> str:
        typed = self.text(address, "postal_code", 40)
        if not typed:
            return ""
        try:
            return reading.postcode(typed)
        except reading.Unreadable:
            self.note("postal_code", "bad-postcode")
            return ""

    def _access(self, location: Mapping[str, Any]) -> str:
        said = []
        for one in self.items(location, "accessibility", "accessibility_for_disabilities"):
            for name in ("description", "details", "accessibility"):
                words = self.text(one, name, 500)
                if words and words not in said:
                    said.append(words)
        return ". ".join(words.rstrip(".") for words in said)

    def _times(self) -> Iterator[TakenTime]:
        rows = self.items(self.row, "schedules", "regular_schedules")
        for at in self.items(self.row, "service_at_locations"):
            rows += self.items(at, "schedules", "regular_schedules")
        for number, row in enumerate(rows[:_MOST_IN_A_LIST]):
            freq = self.text(row, "freq", 20).upper()
            interval = self.number(row, "interval", 1, 366, "bad-number")
            words = [self.text(row, name, 500) for name in ("description", "notes")]
            yield TakenTime(
                source_id=self._source_id(row, f"time-{number}"),
                freq=freq if freq in FREQUENCIES else "",
                days=self._days(row),
                month_days=self.text(row, "bymonthday", 60),
                interval=int(interval) if interval else None,
                opens_at=self._clock(row, "opens_at"),
                closes_at=self._clock(row, "closes_at"),
                from_day=self.day(row, "valid_from"),
                to_day=self.day(row, "valid_to"),
                attending=self.text(row, "attending_type", 100),
                words=" ".join(filter(None, words))[:1000],
            )

    def _clock(self, row: Mapping[str, Any], name: str) -> str:
        """The time, "9:30" as 09:30; where it is none, the words that stand in its place."""
        typed = self.text(row, name, 20)
        return spelling.clock(typed) or typed

    def _days(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        given = row.get("byday")
        typed = ",".join(map(str, given)) if isinstance(given, list) else self.text(row, "byday", 200)
        found = []
        for part in filter(None, re.split(r"[,;\s]+", typed.upper())):
            read = _DAY.fullmatch(part)
            if read:
                found.append((read[1] or "") + read[2])
            else:
                self.note("byday", "bad-day")
        return tuple(dict.fromkeys(found))

    def _topics(self) -> tuple[str, ...]:
        found = []
        for one in self.items(self.row, "attributes", "service_taxonomys"):
            term = one.get("taxonomy_term") or one.get("taxonomy")
            if isinstance(term, Mapping) and (name := self.text(term, "name", 150) or self.text(term, "term", 150)):
                found.append(name)
        return tuple(dict.fromkeys(found))[:40]

    def _ages(self) -> tuple[int | None, int | None]:
        youngest = self.number(self.row, "minimum_age", 0, 130, "bad-number")
        oldest = self.number(self.row, "maximum_age", 0, 999, "bad-number")
        if youngest is not None and oldest is not None and youngest > oldest:
            self.note("maximum_age", "bad-number")
            youngest = oldest = None
        # 0 to 100 and more is how feeds say "everybody".
        return (int(youngest) if youngest else None), (int(oldest) if oldest is not None and oldest < 100 else None)

    def _cost(self) -> tuple[str, str]:
        said, amounts = [], []
        for one in self.items(self.row, "cost_options"):
            until = self.day(one, "valid_to")
            if until and until < self.today:
                continue
            amount = self.number(one, "amount", 0, 1_000_000, "bad-number")
            words = [self.text(one, name, 200) for name in ("option", "amount_description")]
            if amount is not None:
                amounts.append(amount)
                words.insert(0, "" if not amount and any(words) else f"£{amount:.2f}".removesuffix(".00"))
            said.append(" ".join(filter(None, words)))
        fees = self.text(self.row, "fees", 500)
        cost = "; ".join(filter(None, dict.fromkeys(said))) or fees
        if amounts:
            return cost[:500], "no" if any(amounts) else "yes"
        return cost[:500], free_by_words(cost)

    def _tags(self, places: tuple[TakenPlace, ...], times: tuple[TakenTime, ...]) -> frozenset[tuple[str, str]]:
        running = [one for one in times if not one.to_day or one.to_day >= self.today]
        tags = {("day", day[-2:]) for one in running for day in one.days}
        for place in places:
            tags |= {("access", code) for code in access_of(place.access)}
            if place.kind == "virtual":
                tags.add(("attending", "online"))
        for one in times:
            tags |= {("attending", code) for code in attending_of(one.attending)}
        return frozenset(tags | {("language", tag) for tag in self._languages()})

    def _languages(self) -> Iterator[str]:
        for one in self.items(self.row, "languages"):
            for name in ("code", "name", "language"):
                if tag := language_tag(self.text(one, name, 60)):
                    yield tag
                    break

    def _kept(self) -> dict[str, Any]:
        kept = {name: _cleaned(self.row[name]) for name in _KEPT if self.row.get(name) not in (None, "", [], {})}
        for name in (*reversed(_KEPT), ""):
            if len(json.dumps(kept)) <= _MOST_KEPT:
                break
            if kept.pop(name, None) is not None:
                self.note(name, "too-long")
        return kept


def safe_url(typed: str) -> str:
    """An address that may stand in a link: http or https, a host, no password; empty when it is none."""
    if re.match(r"(?i)www\.[^/\s]+\.", typed):
        typed = "https://" + typed
    try:
        parts = urlsplit(typed)
    except ValueError:
        return ""
    good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return typed if good and len(typed) <= 500 and not re.search(r"[\s<>\"\\]", typed) else ""


def free_by_words(words: str) -> str:
    """Whether these words about the cost say that it is free: yes, no, or empty when they do not say."""
    plainly = words.casefold().strip()
    if any(float(one or other) for one, other in _MONEY.findall(plainly)):
        return "no"
    return "yes" if _NO_CHARGE.match(plainly) or re.search(r"\bfree( of charge)?[.!]?$", plainly) else ""


@cache
def _languages_by_name() -> dict[str, str]:
    from babel import Locale

    named = {str(name).casefold(): tag for tag, name in Locale("en").languages.items() if len(tag) in (2, 3)}
    return {**named, "bsl": "bfi", "british sign language": "bfi", "farsi": "fa", "mandarin": "zh", "cantonese": "yue"}


def language_tag(said: str) -> str:
    """The tag (BCP 47, without region) of a language by its tag or its English name; empty when nobody knows it."""
    wanted = said.casefold().strip()
    tags = _languages_by_name()
    base = re.split("[-_]", wanted, maxsplit=1)[0]
    if wanted in tags:
        return tags[wanted]
    return base if len(base) in (2, 3) and base in tags.values() else ""


def _cleaned(value: Any, depth: int = 0) -> Any:
    """The same without markup, without named people, and no deeper than the standard goes."""
    if isinstance(value, str):
        return plain.text(value, 1000, lines=True)[0]
    if isinstance(value, list):
        return [_cleaned(one, depth + 1) for one in value[:_MOST_IN_A_LIST]] if depth < 5 else []
    if isinstance(value, Mapping):
        if depth >= 5:
            return {}
        return {str(name)[:60]: _cleaned(one, depth + 1) for name, one in list(value.items())[:30]}
    return value if isinstance(value, (int, float, bool)) or value is None else None


def _digest(row: Mapping[str, Any]) -> str:
    said = json.dumps([READING, row], sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()[:32]
