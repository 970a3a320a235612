"""The link worker's doors: today, the inbox, a referral, what is decided about it, check-ins, contacts, alerts, tasks.

The rule of safe contact stands at the top of every page on which somebody might pick up a phone, and the person's own
words before our questions.
"""

from portal.web.caseload import (
    alerts,
    care_plan,
    case,
    closing,
    contacts,
    deciding,
    details,
    inbox,
    letters,
    listing,
    moving,
    onward,
    people,
    plan,
    plan_actions,
    plan_agreed,
    reason,
    record,
    reviewing,
    safeguarding,
    search,
    sharing,
    tasks,
    timeline,
    today,
)
from portal.web.caseload.door import blueprint

__all__ = [
    "alerts",
    "blueprint",
    "care_plan",
    "case",
    "closing",
    "contacts",
    "deciding",
    "details",
    "inbox",
    "letters",
    "listing",
    "moving",
    "onward",
    "people",
    "plan",
    "plan_actions",
    "plan_agreed",
    "reason",
    "record",
    "reviewing",
    "safeguarding",
    "search",
    "sharing",
    "tasks",
    "timeline",
    "today",
]
