"""Service users: who they are, which ways to reach them are safe, what they allow, and who may be the same person.

Nothing is merged by itself; a merge can be undone exactly. What people say about contact is a rule: a way that is not
in the store is not allowed (product 5).
"""

from portal.people.confirming import CODE_TRIES, confirm_by_code, confirm_way, new_confirmation
from portal.people.correcting import correct
from portal.people.merging import (
    _MOVED,
    MATCHES,
    STAYS,
    Comparison,
    Duplicate,
    NotMergeable,
    compare,
    duplicates_of_each,
    merge,
    merges_of,
    possible_duplicates,
    undo_merge,
    what_matches,
)
from portal.people.names import keep_parts
from portal.people.records import FACTS, LONGEST_NAME_KEY, TELLS, add, facts_of, known_of, told_by, ways_in
from portal.people.rows import CHANNELS, Gone, address_key, read, value_of, ways_of
from portal.people.searching import LONGEST as LONGEST_SEARCH
from portal.people.searching import MATCHED_BY, Found, Hit, NothingToSearch, search
from portal.people.searching import MOST as MOST_FOUND
from portal.people.sharing import (
    GIVEN_BY,
    IN_WORDS,
    NO,
    SHARING,
    SaidMeanwhile,
    allows,
    change_permission,
    permissions_of,
    record_spoken_permission,
    written_down_by,
)
from portal.store import ContactWay  # the doors name it in their types

__all__ = [
    "_MOVED",
    "CHANNELS",
    "CODE_TRIES",
    "FACTS",
    "GIVEN_BY",
    "IN_WORDS",
    "LONGEST_NAME_KEY",
    "LONGEST_SEARCH",
    "MATCHED_BY",
    "MATCHES",
    "MOST_FOUND",
    "NO",
    "SHARING",
    "STAYS",
    "TELLS",
    "Comparison",
    "ContactWay",
    "Duplicate",
    "Found",
    "Gone",
    "Hit",
    "NotMergeable",
    "NothingToSearch",
    "SaidMeanwhile",
    "add",
    "address_key",
    "allows",
    "change_permission",
    "compare",
    "confirm_by_code",
    "confirm_way",
    "correct",
    "duplicates_of_each",
    "facts_of",
    "keep_parts",
    "known_of",
    "merge",
    "merges_of",
    "new_confirmation",
    "permissions_of",
    "possible_duplicates",
    "read",
    "record_spoken_permission",
    "search",
    "told_by",
    "undo_merge",
    "value_of",
    "ways_in",
    "ways_of",
    "what_matches",
    "written_down_by",
]
