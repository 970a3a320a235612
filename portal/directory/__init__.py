"""The directory of activities: what people can go to or get help from, ours and that of others, after Open Referral UK.

Taken in from a feed or a file, found by need, distance, language, day, cost, access and words, kept fresh, and
published. It knows nothing about the people who ask.
"""

from portal.directory import feeds, keeping, publishing, topics
from portal.directory.distances import NotPostcodes, Where, import_postcodes, where_is
from portal.directory.keeping import Changed, NotTaken, Words
from portal.directory.lists import ACCESS, ATTENDING, DAYS, ERRORS, FAULTS, FREE, RUN_STATES, STATUSES
from portal.directory.searching import (
    Found,
    Place,
    Shown,
    Time,
    Wish,
    access_of,
    activity,
    any_offered,
    languages_of,
    search,
)
from portal.directory.taking_in import LARGEST_FILE, ask, fetch_due, pack, take_in

__all__ = [
    "ACCESS",
    "ATTENDING",
    "DAYS",
    "ERRORS",
    "FAULTS",
    "FREE",
    "LARGEST_FILE",
    "RUN_STATES",
    "STATUSES",
    "Changed",
    "Found",
    "NotPostcodes",
    "NotTaken",
    "Place",
    "Shown",
    "Time",
    "Where",
    "Wish",
    "Words",
    "access_of",
    "activity",
    "any_offered",
    "ask",
    "feeds",
    "fetch_due",
    "import_postcodes",
    "keeping",
    "languages_of",
    "pack",
    "publishing",
    "search",
    "take_in",
    "topics",
    "where_is",
]
