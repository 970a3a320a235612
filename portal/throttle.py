"""How often something may be tried: one count for all processes, in the database. It slows guessing and never locks.

The rule behind the numbers: whoever attacks must never be able to shut out the person attacked. So nothing is counted
by the account alone when there is anything better. A browser on which this account was signed in before has a count of
its own, which nobody else can fill; only browsers that the account has never seen share one. An address is counted last
and generously, since a hostel or a library is one address for everybody in it.

Counts stand under keyed hashes (``held``), so that the table holds no address, no email and no name. Windows are fixed
pieces of time: at the border between two, twice the number is possible, and the arithmetic below allows for it.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from portal.clock import now
from portal.held import look_up_key
from portal.store import Tries


class Kind(StrEnum):
    """What is counted. The codes are stored."""

    SIGN_IN_KNOWN = "sign-in-known"
    SIGN_IN_UNKNOWN = "sign-in-unknown"
    SIGN_IN_ADDRESS = "sign-in-address"
    SECOND_FACTOR_ONCE = "second-factor-once"
    SECOND_FACTOR_KNOWN = "second-factor-known"
    SECOND_FACTOR_UNKNOWN = "second-factor-unknown"
    JOIN = "join"
    RETURN_CARD = "return-card"
    RETURN_CARD_ANYWHERE = "return-card-anywhere"
    CONFIRM_CODE = "confirm-code"
    CODE_ASKED = "code-asked"
    CODE_ASKED_KNOWN = "code-asked-known"
    CODE_ASKED_ANYWHERE = "code-asked-anywhere"
    CODE_ASKED_NETWORK = "code-asked-network"
    CODE_TRIED = "code-tried"
    WORKER_CODE_TRIED = "worker-code-tried"
    COMMENTS = "comments"
    COMMENTS_FLOOD = "comments-flood"
    COMMENTS_IN_A_FLOOD = "comments-in-a-flood"


@dataclass(frozen=True)
class Limit:
    """``most`` tries within ``window``."""

    most: int
    window: timedelta


_QUARTER = timedelta(minutes=15)

LIMITS: Mapping[Kind, Limit] = MappingProxyType(
    {
        # A password: at least 12 characters and not a common one, so at best one of some 10^9. By way of unknown
        # browsers 120 a quarter of an hour are 4.2 million a year: 0.4 %, and then the second factor still stands.
        Kind.SIGN_IN_UNKNOWN: Limit(120, _QUARTER),
        # The person's own browser, however many others are hammering: nobody mistypes 30 times in a quarter of an hour.
        Kind.SIGN_IN_KNOWN: Limit(30, _QUARTER),
        # All unknown browsers behind one address together. 60 people who all need 10 tries fit in; a right try is
        # given back.
        Kind.SIGN_IN_ADDRESS: Limit(600, _QUARTER),
        # The second factor: only somebody with the right password comes here. Three codes of a million are right at
        # any time (the step before, now, the step after).
        # One sign-in that waits for its code: 5 wrong codes burn it (trust 6.4): odds 15 in a million.
        Kind.SECOND_FACTOR_ONCE: Limit(5, timedelta(minutes=20)),
        # One account, all unknown browsers: 30 a day are 90 in a million a day, 3.2 % in a year of trying every day
        # with a stolen password, each try in the audit. Filling this needs the password: it shuts nobody out for free.
        Kind.SECOND_FACTOR_UNKNOWN: Limit(30, timedelta(days=1)),
        # One account on its own known browser: 20 an hour. A thief needs the password and that very browser.
        Kind.SECOND_FACTOR_KNOWN: Limit(20, timedelta(hours=1)),
        # One invitation: its link carries 256 bits, so only the person invited comes here, copying a code.
        Kind.JOIN: Limit(60, _QUARTER),
        # One reference from one address: a return number has 10^12 values. 300 an hour are 2.6 million a year: 1 in
        # 380,000.
        Kind.RETURN_CARD: Limit(300, timedelta(hours=1)),
        # One reference from all addresses: a hundred attackers at once, for the 30 days of a form, are 1 in 46,000.
        Kind.RETURN_CARD_ANYWHERE: Limit(30_000, timedelta(hours=1)),
        # Codes to one address: enough for a slow mailbox, too few to fill a stranger's.
        Kind.CONFIRM_CODE: Limit(3, timedelta(hours=1)),
        # A person's own page. Each code is one of a million and takes 5 tries in the one browser that asked for it:
        # 1 in 200,000 for each code that leaves (trust 6.4), whoever asked. So what is counted here is how many leave.
        # To one email address, asked for from one network address: six a day are 30 tries, 3 in 100,000. Whoever asks
        # from another network has a count of their own.
        Kind.CODE_ASKED: Limit(6, timedelta(days=1)),
        # In a browser where a code for this address was right before: a count that nobody else can fill.
        Kind.CODE_ASKED_KNOWN: Limit(5, timedelta(hours=1)),
        # To one email address, from all networks: 60 a day are 300 tries, 3 in 10,000 a day, with 60 messages in the
        # mailbox to show it; and what opens then is one task for writing. More would fill a stranger's mailbox.
        Kind.CODE_ASKED_ANYWHERE: Limit(60, timedelta(days=1)),
        # For all addresses together, from one network address: 60 people in a hostel who each ask ten times fit in.
        Kind.CODE_ASKED_NETWORK: Limit(600, timedelta(hours=1)),
        # Codes typed from one network address; a right one is given back. 60 people with ten tries each fit in, and
        # nobody guesses faster than 40 a minute.
        Kind.CODE_TRIED: Limit(600, _QUARTER),
        # One code from a link worker: 5 wrong tries burn it (1 in 200,000, by somebody who knows the reference), and
        # one network address has 3 of them a day, so that no single attacker can burn it for the right person.
        Kind.WORKER_CODE_TRIED: Limit(3, timedelta(days=1)),
        # What people say about a service, from one address: a library, or a group that fills it in together.
        Kind.COMMENTS: Limit(120, timedelta(hours=1)),
        # To one service from everywhere: ten times a very busy hour. Filling this shuts nobody out; it only makes the
        # number small that one address may send in that hour.
        Kind.COMMENTS_FLOOD: Limit(1000, timedelta(hours=1)),
        Kind.COMMENTS_IN_A_FLOOD: Limit(6, timedelta(hours=1)),
    }
)


@dataclass(frozen=True)
class Throttled:
    """Too many tries. ``until``: from when the next one counts again. ``first``: this try was the first one too many,
    so that a flood can be written down once and not a thousand times."""

    kind: Kind
    until: datetime
    first: bool


def count(store: Session, kind: str, key: str, limit: Limit | None = None) -> Throttled | None:
    """Count one try, before it is looked at; ``None`` when it may go on.

    ``kind`` is a ``Kind``, ``key`` whatever is counted (an account, a reference, an address); only its keyed hash is
    stored. Raises ``ValueError`` for a kind that is not declared here. One statement,
    so that a thousand tries at the same moment are a thousand. What turns out to be right is given back with
    ``give_back``. Counting before looking, not after: else all tries that are on their way at once pass.
    """
    allowed = limit or LIMITS[Kind(kind)]
    starts = _window(allowed.window)
    insert: Any = postgresql.insert if store.get_bind().dialect.name == "postgresql" else sqlite.insert
    one_more = (
        insert(Tries)
        .values(kind=str(kind), key_hash=_hash(kind, key), window_starts=starts, count=1)
        .on_conflict_do_update(
            index_elements=[Tries.kind, Tries.key_hash, Tries.window_starts], set_={"count": Tries.count + 1}
        )
        .returning(Tries.count)
        # Straight from the database: a row this session has seen before would give its old number.
        .execution_options(synchronize_session=False)
    )
    tried: int = store.execute(one_more).scalar_one()
    if tried <= allowed.most:
        return None
    return Throttled(Kind(kind), starts + allowed.window, first=tried == allowed.most + 1)


def is_full(store: Session, kind: str, key: str, limit: Limit | None = None) -> Throttled | None:
    """Whether the next try would be one too many. Counts nothing, so a GET may ask."""
    allowed = limit or LIMITS[Kind(kind)]
    starts = _window(allowed.window)
    tried = store.scalar(
        select(Tries.count).where(
            Tries.kind == str(kind), Tries.key_hash == _hash(kind, key), Tries.window_starts == starts
        )
    )
    return Throttled(Kind(kind), starts + allowed.window, first=False) if tried and tried >= allowed.most else None


def give_back(store: Session, kind: str, key: str, limit: Limit | None = None) -> None:
    """Take one counted try back: it was right. So only wrong tries fill a count."""
    allowed = limit or LIMITS[Kind(kind)]
    store.execute(
        update(Tries)
        .where(
            Tries.kind == str(kind),
            Tries.key_hash == _hash(kind, key),
            Tries.window_starts == _window(allowed.window),
            Tries.count > 0,
        )
        .values(count=Tries.count - 1)
        .execution_options(synchronize_session=False)
    )


def sweep(store: Session) -> int:
    """Remove counts that no longer matter; how many. Run by the worker, in its own transaction."""
    old = or_(
        *(
            (Tries.kind == kind.value) & (Tries.window_starts < now() - 2 * limit.window)
            for kind, limit in LIMITS.items()
        )
    )
    removed: Any = store.execute(delete(Tries).where(old).execution_options(synchronize_session=False))
    return int(removed.rowcount)


def of_address(address: str | None) -> str:
    """What counts as one network address: an IPv4 address, or the /64 that a household is given under IPv6. A text that
    is no address (a test, a socket) counts as itself.
    """
    try:
        read = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "none"
    if isinstance(read, ipaddress.IPv6Address):
        mapped = read.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(read), 64), strict=False))
    return str(read)


def _hash(kind: str, key: str) -> str:
    return look_up_key(f"tries {kind}", key)


def _window(length: timedelta) -> datetime:
    whole = int(now().timestamp()) // int(length.total_seconds()) * int(length.total_seconds())
    return datetime.fromtimestamp(whole, UTC)
