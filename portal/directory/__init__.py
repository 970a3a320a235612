"""The directory of activities: what people can go to or get help from, ours and that of others, after Open Referral UK.

Taken in from a feed or a file, found by need, distance, language, day, cost, access and words, kept fresh, and
published. It knows nothing about the people who ask.
"""

from portal.directory.distances import Where, import_postcodes, where_is
from portal.directory.lists import DAYS
from portal.directory.searching import Found, Place, Shown, Time, Wish, activity, any_offered, search
from portal.directory.taking_in import take_in

__all__ = [
    "DAYS",
    "Found",
    "Place",
    "Shown",
    "Time",
    "Where",
    "Wish",
    "activity",
    "any_offered",
    "import_postcodes",
    "search",
    "take_in",
    "where_is",
]
