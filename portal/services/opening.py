"""What a new service still has to do before people may be sent to it, and what it should look at once.

Nothing here shuts a door but the first: without a manager no form is taken (hazard H1). The rest says plainly what is
missing, on the first page of the set-up.
"""

import uuid
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.access import Role, rows_of
from portal.clock import now
from portal.i18n import N_
from portal.services import texts
from portal.store import Duty, Service, Staff


@dataclass(frozen=True)
class Step:
    """One thing to do. ``page``: the code of the set-up page on which it is done, or "team", "rota" or "texts".
    ``done``: whether it is. ``needed``: the service must not open without it; else it is something to look at."""

    code: str
    words: str
    page: str
    done: bool
    needed: bool = True


def steps(store: Session, service: Service) -> list[Step]:
    """Everything to do before the service opens, in order, with what is done."""
    kept, missing = service.settings, texts.missing(store, service)
    roles = set(
        store.scalars(select(Staff.role).where(Staff.service_id == service.id, Staff.state == "active").distinct())
    )
    return [
        Step("manager", N_("A manager has joined. Until then no form is taken"), "team", Role.MANAGER in roles),
        Step(
            "administrator",
            N_("An administrator has joined, who can invite others"),
            "team",
            Role.ADMINISTRATOR in roles,
        ),
        Step("worker", N_("A link worker has joined"), "team", Role.LINK_WORKER in roles),
        Step("duty", N_("Somebody is on duty for alerts"), "rota", _on_duty(store, service.id)),
        Step(
            "contact",
            N_("People can reach you by phone or email without the form"),
            "contact",
            bool(kept.get("phone") or kept.get("email")),
        ),
        Step("hours", N_("Your opening hours are right"), "hours", "opening_hours" in kept),
        Step("promise", N_("Your promise is one that you can keep"), "promise", "promise_working_days" in kept),
        Step("area", N_("It is said for whom you are there"), "area", "outcodes" in kept),
        Step("alerts", N_("It is said how soon an alert is opened"), "alerts", "alert_minutes" in kept),
        *(
            Step(f"text-{place.code}", place.name, "texts", place not in missing)
            for place in texts.PLACES
            if place.needed
        ),
        Step("helplines", N_("Local help in a crisis is named"), "help", bool(kept.get("helplines")), needed=False),
        Step("languages", N_("You have looked at the languages"), "languages", "languages" in kept, needed=False),
        Step(
            "check-ins", N_("You have looked at the plan of check-ins"), "check-ins", "check_ins" in kept, needed=False
        ),
        Step(
            "keeping",
            N_("You have looked at how long things are kept"),
            "keeping",
            "retention_years" in kept,
            needed=False,
        ),
    ]


def _on_duty(store: Session, service_id: uuid.UUID) -> bool:
    begun = rows_of(service_id, Duty).where(Duty.starts_at <= now(), (Duty.ends_at.is_(None)) | (Duty.ends_at > now()))
    return store.scalars(begun.limit(1)).first() is not None
