"""Leaving triage: what must be known before a case counts as under way (data dictionary 3.3, "to leave triage").

Nothing here stops any other work: contacts, notes and the plan may be written in every open state. When the last of it
is known, the case is under way by itself; nobody has to press for it.
"""

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import Referral

MISSING = ("first-contact", "risk", "access-needs", "gp-practice")
"""What may still be missing, in the order in which it is shown."""


def missing(store: Session, referral: Referral) -> list[str]:
    """What is still missing before this case can leave triage (codes of MISSING); nothing for one that has left it."""
    raise NotImplementedError


def settle(store: Session, actor: Actor, referral: Referral) -> bool:
    """To be called after each act that may have completed triage: a contact, a risk, an access need, the practice.

    Makes an accepted case active when nothing is missing any more; whether it did. Two acts at once that complete it
    together: whichever comes last does it.
    """
    raise NotImplementedError
