"""Everything that the clock does, once: the worker calls it again and again.

Each part is a transaction of its own, so a part that fails stops no other, and a worker that is killed loses nothing:
what it had not committed is due again in the next round. Any number of workers may run; where two meet, one gives way.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from portal import (
    accounts,
    alerts,
    audit,
    directory,
    drafts,
    experience,
    measures,
    notifications,
    referrals,
    retention,
    services,
    throttle,
)
from portal.notifications import Delivered, Render, Transport
from portal.outside import STRICT, Allowance
from portal.store import Service, Stores

log = logging.getLogger(__name__)

Part = Callable[[Session, Service], int]


def _seal(store: Session, service: Service) -> int:
    # One worker at a time: a seal that another commits between our two looks would bind the same rows as ours. This
    # kind of lock lets everybody go on writing records that point to the service.
    store.refresh(service, with_for_update={"key_share": True})
    return int(audit.seal(store, service.id) is not None)


PARTS: dict[str, Part] = {
    "alerts-climbed": alerts.escalate,
    "unfinished-forms": referrals.ask_about_unfinished,
    "broken-promises": referrals.report_broken_promises,
    "check-ins-asked": measures.remind,
    "erasures-overdue": retention.remind,
    "records-to-decide-about": retention.keeping.ask,
    "comments-late": experience.remind,
    "drafts-expired": drafts.expire,
    "visits-swept": accounts.sweep_visits,
    "audit-sealed": _seal,
}
"""What is done for every service, in this order: alerts first, since somebody may be in danger; unfinished forms before
the drafts expire; the seal last, so that it holds what the others wrote."""


@dataclass(frozen=True)
class Round:
    """What one round did: ``counts`` by part over all services, messages as ``delivered``; ``broken`` names the parts
    that failed, ``gave_way`` those in which another worker was quicker."""

    counts: dict[str, int] = field(default_factory=dict)
    delivered: Delivered = Delivered()
    broken: tuple[str, ...] = ()
    gave_way: tuple[str, ...] = ()

    @property
    def idle(self) -> bool:
        """Whether there was nothing to do."""
        return not any(self.counts.values()) and self.delivered == Delivered() and not self.broken


def run(stores: Stores, transport: Transport, render: Render, allowance: Allowance = STRICT) -> Round:
    """Do everything that is due. ``allowance``: where feeds of activities may be asked for. Raises only when the
    database itself cannot be reached to begin with."""
    with stores.reading.begin() as store:
        everybody = [service.id for service in services.all_services(store)]
    done = _Doing()
    for name, part in PARTS.items():
        done.counts[name] = 0
        for service_id in everybody:
            with done.guarded(name):
                with stores.writing.begin() as store:
                    did = part(store, store.get_one(Service, service_id))
                done.counts[name] += did
    with done.guarded("throttle-swept"):
        with stores.writing.begin() as store:
            did = throttle.sweep(store)
        done.counts["throttle-swept"] = did
    with done.guarded("traces-wiped"):
        retention.wipe_traces(stores)
    delivered = Delivered()
    with done.guarded("messages"):
        delivered = notifications.deliver(stores, transport, render)
    # Last, and only for so many seconds: nobody's message waits for a slow server elsewhere.
    with done.guarded("activities-taken-in"):
        done.counts["activities-taken-in"] = directory.fetch_due(stores, allowance)
    return Round(done.counts, delivered, tuple(done.broken), tuple(done.gave_way))


@dataclass
class _Doing:
    """A round under way."""

    counts: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    gave_way: list[str] = field(default_factory=list)

    @contextmanager
    def guarded(self, name: str) -> Iterator[None]:
        """Whatever goes wrong in the part stays in the part, written down by its kind only: the words of a fault can
        hold what somebody typed."""
        try:
            yield
        except (IntegrityError, StaleDataError):
            self.gave_way.append(name)
        except Exception as fault:
            log.error("part %s of the round failed: %s", name, type(fault).__name__)
            self.broken.append(name)
