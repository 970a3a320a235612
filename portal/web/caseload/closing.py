"""The end of a case on the pages of the staff: closing, opening again, a pause, asking again later."""

from portal.referrals import Referral


def for_case(referral: Referral) -> dict[str, object]:
    """What ``caseload/parts/case_closing.html`` shows on the case page: what can be done about the end, and how it
    ended."""
    return {"closing": None}
