"""What HSDS-UK 3.0 demands of each object, as a table of our own, read out of the published profile: which fields there
are, of which type, which are needed. Independent of the code that publishes.

Where published versions of the profile differ (location_type, the name and description of a term, url in a list), all
of them have to be met.
"""

import re
import uuid
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

ENUMS = {
    "status": {"active", "inactive", "defunct", "temporarily closed"},
    "place": {"physical", "postal", "virtual"},
    "freq": {"WEEKLY", "MONTHLY"},
}

# field: type, "!" when it is needed. Types: text, uuid, uri, email, number, day, moment, time, byday, an enum as =name,
# another object by its name, and a list of them as [name].
TABLES: dict[str, dict[str, str]] = {
    "about": {"version": "text!", "profile": "uri!", "openapi_url": "uri!"},
    "error": {"error": "text!", "message": "text!"},
    "service_in_list": {
        "id": "uuid!",
        "organization_id": "uuid",
        "name": "text!",
        "description": "text",
        "url": "uri!",
        "email": "email",
        "status": "=status!",
        "fees": "text",
        "accreditations": "text",
        "alert": "text",
        "minimum_age": "number",
        "maximum_age": "number",
        "assured_date": "day",
        "assurer_email": "email",
        "last_modified": "moment",
        "organization": "organization",
    },
    "organization": {
        "id": "uuid!",
        "name": "text!",
        "description": "text!",
        "email": "email",
        "website": "uri",
        "logo": "uri",
        "uri": "uri",
        "parent_organization_id": "uuid",
    },
    "service_at_location": {"id": "uuid!", "service_id": "uuid!", "location_id": "uuid!", "location": "location"},
    "location": {
        "id": "uuid!",
        "location_type": "=place!",
        "name": "text",
        "description": "text",
        "latitude": "number",
        "longitude": "number",
        "external_identifier": "text",
        "external_identifier_type": "text",
        "addresses": "[address]",
        "accessibility": "[accessibility]",
    },
    "address": {
        "id": "uuid!",
        "location_id": "uuid",
        "attention": "text",
        "address_1": "text!",
        "city": "text!",
        "region": "text",
        "state_province": "text!",
        "postal_code": "text!",
        "country": "country!",
        "address_type": "=place!",
    },
    "accessibility": {"id": "uuid!", "location_id": "uuid", "description": "text", "details": "text", "url": "uri"},
    "schedule": {
        "id": "uuid!",
        "service_id": "uuid",
        "service_at_location_id": "uuid",
        "valid_from": "day",
        "valid_to": "day",
        "dtstart": "day",
        "freq": "=freq",
        "interval": "number",
        "byday": "byday",
        "bymonthday": "text",
        "description": "text",
        "opens_at": "time",
        "closes_at": "time",
        "schedule_link": "uri",
        "attending_type": "text",
        "notes": "text",
    },
    "language": {"id": "uuid!", "service_id": "uuid", "phone_id": "uuid", "code": "text", "name": "text"},
    "cost_option": {
        "id": "uuid!",
        "service_id": "uuid!",
        "valid_from": "day",
        "valid_to": "day",
        "option": "text",
        "amount": "number",
        "amount_description": "text",
    },
    "contact": {"id": "uuid!", "service_id": "uuid", "name": "text", "title": "text", "phones": "[phone]"},
    "phone": {"id": "uuid!", "contact_id": "uuid", "number": "text!", "description": "text"},
    "attribute": {
        "id": "uuid!",
        "link_id": "uuid!",
        "taxonomy_term_id": "uuid!",
        "link_type": "text",
        "taxonomy_term": "taxonomy_term",
    },
    "taxonomy_term": {
        "id": "uuid!",
        "name": "text!",
        "description": "text!",
        "parent_id": "uuid",
        "taxonomy": "text!",
        "taxonomy_id": "uuid",
        "term_uri": "uri",
        "term": "text",
    },
    "taxonomy": {"id": "uuid!", "name": "text!", "description": "text!", "uri": "uri", "version": "text"},
}
TABLES["service"] = TABLES["service_in_list"] | {
    "schedules": "[schedule]",
    "service_at_locations": "[service_at_location]",
    "languages": "[language]",
    "cost_options": "[cost_option]",
    "contacts": "[contact]",
    "attributes": "[attribute]",
}
TABLES["service_at_location_in_list"] = TABLES["service_at_location"] | {"service": "service_in_list!"}
TABLES["service_at_location_whole"] = TABLES["service_at_location"] | {"service": "service!"}
PAGE = {"total_items": int, "total_pages": int, "page_number": int, "size": int}
FLAGS = ("first_page", "last_page", "empty")


def _uuid(value: Any) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def _uri(value: Any) -> bool:
    """RFC 3986: in ASCII, everything else escaped; a host; square brackets only around an IPv6 address."""
    found = isinstance(value, str) and re.fullmatch(
        r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d+)?([/?#](%[0-9A-Fa-f]{2}|[A-Za-z0-9._~:/?@!$&'()*+,;=#-])*)?",
        value,
    )
    return bool(found) and value.count("#") <= 1


def _when(value: Any, read: Any) -> bool:
    try:
        return isinstance(value, str) and bool(read(value))
    except ValueError:
        return False


CHECKS: dict[str, Any] = {
    "text": lambda value: isinstance(value, str) and value != "",
    "uuid": _uuid,
    "uri": _uri,
    "email": lambda value: (
        isinstance(value, str)
        and re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", value)
    ),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "day": lambda value: _when(value, date.fromisoformat) and len(value) == 10,
    "moment": lambda value: (
        _when(value, datetime.fromisoformat) and re.search(r"T\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)$", value)
    ),
    "time": lambda value: (
        isinstance(value, str) and re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?(Z|[+-]\d\d:\d\d)?", value)
    ),
    "byday": lambda value: (
        isinstance(value, str)
        and all(re.fullmatch(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)", day) for day in value.split(","))
    ),
    "country": lambda value: isinstance(value, str) and re.fullmatch("[A-Z]{2}", value),
}


def faults(table: str, given: Any, at: str = "") -> Iterator[str]:
    """Everything that is wrong with an object, by the path to it."""
    at = at or table
    if not isinstance(given, Mapping):
        yield f"{at} is no object"
        return
    for name, kind in TABLES[table].items():
        if kind.endswith("!") and given.get(name) in (None, ""):
            yield f"{at}.{name} is missing"
    for name, value in given.items():
        yield from _of_field(TABLES[table].get(name, "").removesuffix("!"), value, f"{at}.{name}")


def _of_field(kind: str, value: Any, at: str) -> Iterator[str]:
    if not kind:
        yield f"{at} is no field of the standard"
    elif kind.startswith("["):
        yield from _of_list(kind[1:-1], value, at)
    elif kind.startswith("="):
        if value not in ENUMS[kind[1:]]:
            yield f"{at} is {value!r}"
    elif kind in CHECKS:
        if not CHECKS[kind](value):
            yield f"{at} is {value!r}, which is no {kind}"
    else:
        yield from faults(kind, value, at)


def _of_list(table: str, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at} is no list"
        return
    for number, one in enumerate(value):
        yield from faults(table, one, f"{at}[{number}]")


def faults_of_page(table: str, given: Any) -> Iterator[str]:
    """The same for a page of a list."""
    for name, kind in PAGE.items():
        if type(given.get(name)) is not kind:
            yield f"{name} is {given.get(name)!r}"
    for name in FLAGS:
        if type(given.get(name)) is not bool:
            yield f"{name} is {given.get(name)!r}"
    if given.get("size") != len(given.get("contents", ())):
        yield "size is not how many there are"
    if len({one.get("id") for one in given.get("contents", ())}) < len(given.get("contents", ())):
        yield "two have the same id"
    yield from _of_list(table, given.get("contents"), "contents")
