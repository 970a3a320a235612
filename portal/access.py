"""Who may do what, on one screen, and whose rows anybody may see.

``MAY`` is the whole table; nothing is allowed that is not in it. Every query about a service's records starts in
``rows_of``: another service's rows are not forbidden, they are not there.
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import Select, select

from portal.i18n import N_
from portal.store import Record

Row = TypeVar("Row", bound=Record)


class Role(StrEnum):
    """What somebody does in a service. The stored codes are for ever."""

    LINK_WORKER = "link-worker"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"


ROLE_NAMES: dict[Role, str] = {
    Role.LINK_WORKER: N_("Link worker"),
    Role.MANAGER: N_("Manager"),
    Role.ADMINISTRATOR: N_("Administrator"),
    Role.ANALYST: N_("Analyst"),
}


class Permission(StrEnum):
    """One thing that may be allowed."""

    SEE_OWN_ACCOUNT = "see-own-account"
    READ_INBOX = "read-inbox"
    READ_REFERRAL = "read-referral"
    DECIDE_REFERRAL = "decide-referral"
    MERGE_PEOPLE = "merge-people"
    CONFIRM_CONTACT = "confirm-contact"
    HANDLE_ALERTS = "handle-alerts"
    HANDLE_TASKS = "handle-tasks"
    READ_STAFF = "read-staff"
    MANAGE_STAFF = "manage-staff"
    MANAGE_ROTA = "manage-rota"
    READ_AUDIT = "read-audit"
    CHANGE_SERVICE = "change-service"
    MANAGE_SCALES = "manage-scales"
    SCALE_GOALS = "scale-goals"
    HANDLE_COMMENTS = "handle-comments"
    READ_EXPERIENCE = "read-experience"
    ERASE_PEOPLE = "erase-people"
    READ_CASELOAD = "read-caseload"
    WORK_ON_CASE = "work-on-case"
    RECORD_SAFEGUARDING = "record-safeguarding"
    READ_SAFEGUARDING = "read-safeguarding"
    GRANT_SAFEGUARDING = "grant-safeguarding"
    SEND_LETTERS = "send-letters"
    CONFIRM_PRACTICES = "confirm-practices"
    ENTER_REFERRALS = "enter-referrals"
    MANAGE_KIOSKS = "manage-kiosks"
    READ_DIRECTORY = "read-directory"
    MANAGE_DIRECTORY = "manage-directory"
    CHECK_ACTIVITIES = "check-activities"
    MANAGE_PROVIDER = "manage-provider"
    LEAD_TEAM = "lead-team"


_CARE = frozenset({Role.LINK_WORKER, Role.MANAGER})
_RUN = frozenset({Role.MANAGER, Role.ADMINISTRATOR})

MAY: dict[Permission, frozenset[Role]] = {
    Permission.SEE_OWN_ACCOUNT: frozenset(Role),
    Permission.READ_INBOX: _CARE,
    Permission.READ_REFERRAL: _CARE,
    Permission.DECIDE_REFERRAL: _CARE,
    Permission.MERGE_PEOPLE: _CARE,
    Permission.CONFIRM_CONTACT: _CARE,
    Permission.HANDLE_ALERTS: _CARE,
    Permission.HANDLE_TASKS: _CARE,
    Permission.READ_STAFF: _RUN,
    Permission.MANAGE_STAFF: frozenset({Role.ADMINISTRATOR}),
    Permission.MANAGE_ROTA: _RUN,
    Permission.READ_AUDIT: _RUN,
    Permission.CHANGE_SERVICE: _RUN,
    Permission.MANAGE_SCALES: _RUN,
    Permission.SCALE_GOALS: _CARE,
    Permission.HANDLE_COMMENTS: frozenset({Role.MANAGER}),
    Permission.READ_EXPERIENCE: frozenset({Role.MANAGER, Role.ADMINISTRATOR, Role.ANALYST}),
    Permission.ERASE_PEOPLE: frozenset({Role.MANAGER}),
    Permission.READ_CASELOAD: _CARE,
    Permission.WORK_ON_CASE: _CARE,
    Permission.RECORD_SAFEGUARDING: _CARE,
    Permission.READ_SAFEGUARDING: frozenset({Role.MANAGER}),
    Permission.GRANT_SAFEGUARDING: frozenset({Role.MANAGER}),
    Permission.SEND_LETTERS: _CARE,
    Permission.CONFIRM_PRACTICES: frozenset({Role.MANAGER}),
    Permission.ENTER_REFERRALS: _CARE | {Role.ADMINISTRATOR},
    Permission.MANAGE_KIOSKS: _RUN,
    Permission.READ_DIRECTORY: frozenset(Role),
    Permission.MANAGE_DIRECTORY: _RUN,
    Permission.CHECK_ACTIVITIES: _CARE | _RUN,
    Permission.MANAGE_PROVIDER: frozenset({Role.ADMINISTRATOR}),
    Permission.LEAD_TEAM: frozenset({Role.MANAGER}),
}

GRANTED: dict[Permission, frozenset[Role]] = {Permission.READ_SAFEGUARDING: _CARE}
"""What a manager may let one colleague do beyond the table, and in which roles it can be given."""


class Refused(Exception):
    """The actor may not do this."""


@dataclass(frozen=True)
class Actor:
    """A member of staff who is signed in. Not a database row: it can be handed on without a session."""

    service_id: uuid.UUID
    staff_id: uuid.UUID
    name: str
    role: Role
    sign_in_id: uuid.UUID | None = None
    granted: frozenset[Permission] = frozenset()


def may(actor: Actor | None, permission: Permission) -> bool:
    """Whether the actor may do this."""
    if actor is None:
        return False
    given = permission in actor.granted and actor.role in GRANTED.get(permission, ())
    return given or actor.role in MAY[permission]


def require(actor: Actor | None, permission: Permission) -> Actor:
    """The actor, or ``Refused``."""
    if actor is None or not may(actor, permission):
        raise Refused(permission.value)
    return actor


def rows_of(service_id: uuid.UUID, table: type[Row]) -> Select[Row]:
    """Start every query about a service's records here: nobody sees another service's people."""
    return select(table).where(table.service_id == service_id)


# The people themselves -----------------------------------------------------------------------------------------------


class Tier(StrEnum):
    """How far somebody who comes to their own page is let in (trust 6.2). Below both: the form, for everybody."""

    TASK = "task"  # one task, for writing: shows nothing earlier, no name
    READ = "read"  # the whole page


class Mine(StrEnum):
    """One thing that a person may do about their own record."""

    ANSWER_CHECK_IN = "answer-check-in"
    SET_GOAL = "set-goal"
    CHANGE_DETAILS = "change-details"
    READ_PAGE = "read-page"
    CHANGE_GOALS = "change-goals"
    CHANGE_SHARING = "change-sharing"
    DOWNLOAD = "download"
    WITHDRAW = "withdraw"
    ASK_ERASURE = "ask-erasure"
    TURN_READING_OFF = "turn-reading-off"


TASKS: dict[str, Mine] = {
    "check-in": Mine.ANSWER_CHECK_IN,
    "goal": Mine.SET_GOAL,
    "details": Mine.CHANGE_DETAILS,
}
"""What a visit for one task may do, by the task's code: that task and nothing else."""

MY: dict[Mine, frozenset[Tier]] = {mine: frozenset({Tier.READ}) for mine in Mine} | {
    mine: frozenset(Tier) for mine in TASKS.values()
}
"""Who may do what on the person's own page; nothing is allowed that is not in it."""


@dataclass(frozen=True)
class Visitor:
    """A person on their own page, in one browser. Not a database row. ``task`` and ``check_in_id`` say what a visit for
    one task is for."""

    service_id: uuid.UUID
    person_id: uuid.UUID
    referral_id: uuid.UUID
    visit_id: uuid.UUID
    tier: Tier
    task: str | None = None
    check_in_id: uuid.UUID | None = None


def may_visit(visitor: Visitor | None, mine: Mine) -> bool:
    """Whether this visit goes that far: a visit for one task does that task alone."""
    if visitor is None or visitor.tier not in MY[mine]:
        return False
    return visitor.tier is Tier.READ or TASKS.get(visitor.task or "") is mine
