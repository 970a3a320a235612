"""How it is declared what a table tells."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.exports.saying import Say, answer
from portal.exports.tree import Reason
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import Record, ServiceUser


@dataclass(frozen=True)
class Told:
    """A table with somebody's rows. ``by``: the columns that lead to the person, each with the table they point at;
    ``columns`` says each column that is told, ``left_out`` why the others are not. ``id``, ``created_at`` (the
    record's own number and time) and ``service_id`` (the same everywhere) are told of each record. ``only_where``: a
    column that is told in the rows in which another one is true, and left out as staff's words in the rest."""

    code: str
    title: str
    table: type[Record]
    by: Mapping[str, type[Record]]
    columns: Mapping[str, Say]
    left_out: Mapping[str, Reason] = field(default_factory=dict)
    only_where: Mapping[str, str] = field(default_factory=dict)


def asked(*codes: str) -> dict[str, Say]:
    return {code: answer(SELF_REFERRAL, code) for code in codes}


def each(say: Say, *columns: str) -> dict[str, Say]:
    return dict.fromkeys(columns, say)


WHOSE = {"person_id": Reason.INNER}
INNER = {"version": Reason.INNER}
PERSON: dict[str, type[Record]] = {"person_id": ServiceUser}
