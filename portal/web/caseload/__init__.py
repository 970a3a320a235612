"""The link worker's doors: today, the inbox, a referral, what is decided about it, check-ins, contacts, alerts, tasks.

The rule of safe contact stands at the top of every page on which somebody might pick up a phone, and the person's own
words before our questions.
"""

from portal.web.caseload import (
    alerts,
    case,
    closing,
    contacts,
    deciding,
    inbox,
    letters,
    listing,
    onward,
    moving,
    people,
    plan,
    reason,
    search,
    tasks,
    today,
)
from portal.web.caseload.door import blueprint

__all__ = [
    "alerts",
    "blueprint",
    "case",
    "closing",
    "contacts",
    "deciding",
    "inbox",
    "letters",
    "listing",
    "onward",
    "moving",
    "people",
    "plan",
    "reason",
    "search",
    "tasks",
    "today",
]
