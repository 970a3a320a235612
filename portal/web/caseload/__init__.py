"""The link worker's doors: the inbox, one referral and what is decided about it, its check-ins, alerts, tasks.

The rule of safe contact stands at the top of every page on which somebody might pick up a phone, and the person's own
words before our questions.
"""

from portal.web.caseload import alerts, case, deciding, inbox, people, plan, tasks
from portal.web.caseload.door import blueprint

__all__ = ["alerts", "blueprint", "case", "deciding", "inbox", "people", "plan", "tasks"]
