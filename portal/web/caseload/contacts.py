"""Contacts: one press that records an attempt, the page on which it is completed, the list on the page of a case."""

from portal.referrals import Referral


def for_case(referral: Referral) -> dict[str, object]:
    """What parts/quick_contact.html and parts/case_contacts.html need: ``quick_contact`` (none where no contact can be
    recorded) and ``contacts``."""
    return {"quick_contact": None, "contacts": []}
