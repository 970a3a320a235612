"""Finding a person by what somebody has of them: a part of the name in any script, a reference, a telephone number, an
email address, an NHS number, a date of birth; in one line, in any order of name and date.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from portal import access, audit, codes, reading
from portal.access import Actor
from portal.clock import today
from portal.i18n import N_
from portal.people.names import parts_of
from portal.people.rows import address_key
from portal.store import ContactWay, NamePart, Referral, ServiceUser

MATCHED_BY: dict[str, str] = {
    "reference": N_("reference"),
    "nhs-number": N_("NHS number"),
    "phone": N_("phone number"),
    "email": N_("email address"),
    "name": N_("name"),
    "born": N_("date of birth"),
}
"""By what somebody was found, the surest first."""

MOST = 25
"""People listed at once; whoever looks for one of more types more."""
LOOKED_AT = 1_000
"""Records looked through at most for one search: a search takes as long with 100,000 people as with 1,000."""
LONGEST = 200


class NothingToSearch(ValueError):
    """Nothing was typed that somebody could be found by."""


@dataclass(frozen=True)
class Hit:
    """Somebody who was found: the record that counts, by what (of MATCHED_BY), and the name under which they were
    found where it is not theirs now, for instance of a record that became one with this one."""

    person: ServiceUser
    matched: tuple[str, ...]
    found_as: str = ""


@dataclass(frozen=True)
class Found:
    """What a search found. ``more``: there are more than are listed, or than were looked through."""

    hits: tuple[Hit, ...]
    more: bool = False


def search(store: Session, actor: Actor, typed: str) -> Found:
    """People of the actor's service by what was typed (LONGEST characters are read), each once, the surest match first.

    The search is written down, never what was typed. Raises ``NothingToSearch`` and ``access.Refused``.
    """
    raise NothingToSearch
