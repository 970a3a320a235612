"""The services that use this portal: who they are, what they have decided, and who is on duty.

Everything above asks this room. It knows nothing about people who use the service.
"""

import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import inspect, or_, select
from sqlalchemy.orm import Session

from portal import access, audit
from portal.access import MAY, Actor, Permission, Role, rows_of
from portal.clock import now
from portal.services import brand, changes, opening, texts
from portal.services.check_in_plan import scales_to_ask
from portal.services.checked import read_settings, read_stored
from portal.services.faults import BadSettings, Fault
from portal.services.hours import (
    after_open_minutes,
    alert_due,
    alert_starts,
    is_open,
    next_opening,
    open_on,
    promise_due,
    working_days_after,
)
from portal.services.settings import (
    ALWAYS_CLOSES,
    OCCASIONS,
    POSITION_NAMES,
    POSITIONS,
    REASON_STATUSES,
    REASONS,
    WEEKDAYS,
    CheckIns,
    Chosen,
    Elsewhere,
    Occasion,
    OutOfHours,
    Reason,
    ServiceSettings,
    Span,
    as_chosen,
)
from portal.store import Duty, Service, Staff, canonical

__all__ = [
    "ALWAYS_CLOSES",
    "BadDuty",
    "BadService",
    "BadSettings",
    "ChangedMeanwhile",
    "CheckIns",
    "Chosen",
    "Elsewhere",
    "Fault",
    "NobodyThere",
    "OCCASIONS",
    "Occasion",
    "OutOfHours",
    "POSITIONS",
    "POSITION_NAMES",
    "REASONS",
    "REASON_STATUSES",
    "Reason",
    "ServiceSettings",
    "Span",
    "WEEKDAYS",
    "after_open_minutes",
    "alert_due",
    "alert_starts",
    "all_services",
    "as_chosen",
    "brand",
    "change",
    "changes",
    "create",
    "end_duty",
    "find",
    "fingerprint",
    "holder",
    "is_open",
    "managers",
    "may_take_referrals",
    "next_opening",
    "open_on",
    "opening",
    "promise_due",
    "read_settings",
    "rota",
    "scales_to_ask",
    "set_duty",
    "settings_of",
    "texts",
    "working_days_after",
]


class BadService(ValueError):
    """A service's name or short name cannot be right; the message says what to do."""


class ChangedMeanwhile(Exception):
    """Somebody else has changed these settings since the page was opened. Nothing was saved."""


class BadDuty(ValueError):
    """A turn in the rota cannot be right; the message says what to do."""


class NobodyThere(RuntimeError):
    """The service has no active member of staff at all."""


# --- services ---------------------------------------------------------------------------------------------------------


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= 150:
        raise BadService("Give the service a name of at most 150 characters.")
    return name


def create(store: Session, slug: str, name: str, settings: Mapping[str, Any] | None = None) -> Service:
    """A new service. ``slug`` is its short name in addresses: small letters, digits and hyphens, and for ever.

    Raises BadService or BadSettings, with sentences that say what to do.
    """
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) or len(slug) > 60:
        raise BadService("The short name must be small letters, digits and hyphens, such as st-ives.")
    if find(store, slug):
        raise BadService(f"There is a service with the short name {slug} already.")
    read_settings(settings or {})
    service = Service(slug=slug, name=_checked_name(name), settings=dict(settings or {}))
    store.add(service)
    store.flush()
    audit.record(store, service.id, None, "created service", "service", service.id, actor_kind="system")
    return service


def find(store: Session, slug: str | None = None) -> Service | None:
    """The service with this short name; without one the first that was made, which is the only one in most places."""
    if slug is None:
        return store.scalar(select(Service).order_by(Service.created_at, Service.id).limit(1))
    return store.scalar(select(Service).where(Service.slug == slug))


def all_services(store: Session) -> Sequence[Service]:
    """Every service, first made first."""
    return store.scalars(select(Service).order_by(Service.created_at, Service.id)).all()


_settings: dict[uuid.UUID, tuple[int, ServiceSettings | None]] = {}


def settings_of(service: Service) -> ServiceSettings:
    """What the service has decided. Raises BadSettings when somebody has written past ``change``.

    Read once for each version of the row: every request asks.
    """
    if inspect(service).modified:
        return read_stored(service.settings)
    version, settings = _settings.get(service.id, (0, None))
    if settings is None or version != service.version:
        settings = read_stored(service.settings)
        _settings[service.id] = (service.version, settings)
    return settings


def change(
    store: Session,
    actor: Actor,
    settings: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    was: str | None = None,
) -> Service:
    """Change the actor's own service: ``settings`` holds only those that change (``None`` puts the default back).
    ``was``: the ``fingerprint`` of those settings when the page was opened.

    Raises Refused, BadService, BadSettings, and ChangedMeanwhile when somebody else has changed one of them since.
    """
    access.require(actor, Permission.CHANGE_SERVICE)
    service = _locked(store, actor.service_id)
    if was is not None and was != fingerprint(service, [*(settings or {}), *(["name"] if name is not None else [])]):
        raise ChangedMeanwhile
    return _change(store, service, actor, settings, name)


def change_from_server(
    store: Session, service: Service, settings: Mapping[str, Any] | None = None, *, name: str | None = None
) -> Service:
    """The same by whoever runs the server, at the command line. Raises BadService, BadSettings."""
    return _change(store, _locked(store, service.id), None, settings, name)


def _locked(store: Session, service_id: uuid.UUID) -> Service:
    """The service, held until the end of the transaction, as it is now: two who save at once come one by one."""
    mine = select(Service).where(Service.id == service_id).with_for_update().execution_options(populate_existing=True)
    return store.scalars(mine).one()


def fingerprint(service: Service, names: Iterable[str]) -> str:
    """What some settings of a service ("name" is its name) are now, as a short code: it differs when one of them
    does."""
    now_kept = {name: service.name if name == "name" else service.settings.get(name) for name in set(names)}
    return hashlib.sha256(canonical(now_kept).encode()).hexdigest()[:16]


_UNSAID = ("phone", "email", "logo")
"""Settings of which the audit says that they changed, not to what: they may be somebody's own, and a row of the audit
can never be taken out again; a picture is no row of text."""


def _change(
    store: Session, service: Service, actor: Actor | None, settings: Mapping[str, Any] | None, name: str | None
) -> Service:
    before = dict(service.settings)
    merged = {**before, **(settings or {})}
    wanted = {key: value for key, value in merged.items() if value is not None}
    read_settings(wanted)
    changed = sorted(key for key in merged if merged[key] != before.get(key))
    values = {key: [before.get(key), wanted.get(key)] for key in changed if key not in _UNSAID}
    service.settings = wanted
    if name is not None and _checked_name(name) != service.name:
        values["name"] = [service.name, _checked_name(name)]
        service.name = _checked_name(name)
        changed.append("name")
    store.flush()
    if changed:
        audit.record(
            store,
            service.id,
            actor,
            "changed service",
            "service",
            service.id,
            actor_kind="staff" if actor else "system",
            changed=changed,
            values=values,
        )
    return service


# --- who is there -----------------------------------------------------------------------------------------------------


def _active(store: Session, service_id: uuid.UUID) -> Sequence[Staff]:
    """Active staff, longest there first."""
    there = rows_of(service_id, Staff).where(Staff.state == "active")
    return store.scalars(there.order_by(Staff.created_at, Staff.id)).all()


def managers(store: Session, service_id: uuid.UUID) -> Sequence[Staff]:
    """The active managers, longest there first."""
    return [staff for staff in _active(store, service_id) if staff.role == Role.MANAGER]


def may_take_referrals(store: Session, service: Service) -> bool:
    """Whether the service may take forms: not without an active manager, on whom every alert ends (hazard H1)."""
    return bool(managers(store, service.id))


def set_duty(
    store: Session,
    actor: Actor,
    position: str,
    staff_id: uuid.UUID,
    starts_at: datetime,
    ends_at: datetime | None = None,
) -> Duty:
    """Put somebody in a position of the alert ladder from ``starts_at`` to ``ends_at`` (``None``: until changed).

    Turns may overlap: the one that began last counts. Raises Refused, BadDuty.
    """
    access.require(actor, Permission.MANAGE_ROTA)
    if position not in POSITIONS:
        raise BadDuty("Choose one of the positions: " + ", ".join(POSITIONS) + ".")
    if ends_at is not None and ends_at <= starts_at:
        raise BadDuty("The turn must end after it starts.")
    staff = store.get(Staff, (actor.service_id, staff_id))
    if staff is None or not _may_hold(staff, position):
        raise BadDuty("Choose an active manager." if position == "manager" else "Choose an active link worker.")
    duty = Duty(service_id=actor.service_id, position=position, staff_id=staff_id, starts_at=starts_at, ends_at=ends_at)
    store.add(duty)
    store.flush()
    audit.record(store, actor.service_id, actor, "set duty", "duty", duty.id, position=position)
    return duty


def end_duty(store: Session, actor: Actor, duty_id: uuid.UUID) -> Duty | None:
    """End a turn now; one that has not begun never happens. ``None`` when there is no such turn here."""
    access.require(actor, Permission.MANAGE_ROTA)
    duty = store.get(Duty, (actor.service_id, duty_id))
    if duty is None:
        return None
    if duty.ends_at is None or duty.ends_at > now():
        duty.ends_at = max(duty.starts_at, now())
        store.flush()
        audit.record(store, actor.service_id, actor, "ended duty", "duty", duty.id, position=duty.position)
    return duty


def rota(store: Session, service_id: uuid.UUID, *, since: datetime | None = None) -> Sequence[Duty]:
    """The turns that are not over at ``since`` (now unless told), in the order in which they begin."""
    since = since or now()
    current = rows_of(service_id, Duty).where(
        or_(Duty.ends_at.is_(None), Duty.ends_at > since), or_(Duty.ends_at.is_(None), Duty.ends_at > Duty.starts_at)
    )
    return store.scalars(current.order_by(Duty.starts_at, Duty.id)).all()


def _may_hold(staff: Staff, position: str) -> bool:
    able = staff.role in MAY[Permission.HANDLE_ALERTS]
    return staff.state == "active" and able and (position != "manager" or staff.role == Role.MANAGER)


def holder(store: Session, service_id: uuid.UUID, position: str, moment: datetime) -> uuid.UUID:
    """Who holds a position of the alert ladder at the moment. There is always somebody; the first of these:

    1. whoever the rota puts in the position at the moment, if they still work here (of several, the turn begun last);
    2. whoever the rota puts in the next position up, and so on to the manager;
    3. the manager who has been here longest; 4. the link worker who has been here longest; 5. anybody who works here.

    Raises NobodyThere when the service has no active member of staff.
    """
    there = _active(store, service_id)
    by_id = {staff.id: staff for staff in there}
    begun = [duty for duty in rota(store, service_id, since=moment) if duty.starts_at <= moment]
    for higher in POSITIONS[POSITIONS.index(position) :]:
        for duty in reversed(begun):
            staff = by_id.get(duty.staff_id)
            if duty.position == higher and staff and _may_hold(staff, higher):
                return staff.id
    for able in (Role.MANAGER, Role.LINK_WORKER, None):
        for staff in there:
            if able is None or staff.role == able:
                return staff.id
    raise NobodyThere("This service has no active member of staff.")
