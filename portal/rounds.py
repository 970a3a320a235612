"""Everything that the clock does, once: the worker calls it again and again.

Each part is a transaction of its own, so a part that fails stops no other, and a worker that is killed loses nothing:
what it had not committed is due again in the next round. Any number of workers may run; where two meet, one gives way.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from portal import alerts, audit, drafts, notifications, referrals, services
from portal.notifications import Delivered, Render, Transport
from portal.store import Service, Stores

log = logging.getLogger(__name__)

Part = Callable[[Session, Service], int]


def _seal(store: Session, service: Service) -> int:
    return int(audit.seal(store, service.id) is not None)


PARTS: dict[str, Part] = {
    "alerts-climbed": alerts.escalate,
    "unfinished-forms": referrals.ask_about_unfinished,
    "broken-promises": referrals.report_broken_promises,
    "drafts-expired": drafts.expire,
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


def run(stores: Stores, transport: Transport, render: Render) -> Round:
    """Do everything that is due. Raises only when the database itself cannot be reached to begin with."""
    with stores.reading.begin() as store:
        everybody = [service.id for service in services.all_services(store)]
    counts = dict.fromkeys(PARTS, 0)
    broken: list[str] = []
    gave_way: list[str] = []
    for name, part in PARTS.items():
        for service_id in everybody:
            try:
                with stores.writing.begin() as store:
                    counts[name] += part(store, store.get_one(Service, service_id))
            except (IntegrityError, StaleDataError):
                gave_way.append(name)
            except Exception as fault:  # whatever it is, the other parts and services must go on
                # Only its kind: the words of a fault can hold what somebody typed.
                log.error("part %s failed for service %s: %s", name, service_id, type(fault).__name__)
                broken.append(name)
    delivered = Delivered()
    try:
        delivered = notifications.deliver(stores, transport, render)
    except Exception as fault:  # as above
        log.error("part messages failed: %s", type(fault).__name__)
        broken.append("messages")
    return Round(counts, delivered, tuple(broken), tuple(gave_way))
