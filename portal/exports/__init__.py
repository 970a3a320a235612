"""A person's own copy of everything that is kept about them: one tree, from which the page, the JSON and the CSV
follow.

``TOLD`` declares every table with somebody's rows in it and every column of it: what it is called and how it is said,
or why it is left out. A column that is in neither fails the suite, so that nobody forgets a new one. What is left out
is said in the copy itself, with the number of times and how to ask for it.
"""

from portal.exports.files import COLUMNS, as_csv, as_json, harmless
from portal.exports.making import Gone, Look, everything, who_looked, write_down
from portal.exports.telling import Told
from portal.exports.told import TOLD
from portal.exports.tree import Entry, Everything, Field, LeftOut, Reason, Section
from portal.exports.words import NAMES, say_act

__all__ = [
    "COLUMNS",
    "NAMES",
    "TOLD",
    "Entry",
    "Everything",
    "Field",
    "Gone",
    "LeftOut",
    "Look",
    "Reason",
    "Section",
    "Told",
    "as_csv",
    "as_json",
    "everything",
    "harmless",
    "say_act",
    "who_looked",
    "write_down",
]
