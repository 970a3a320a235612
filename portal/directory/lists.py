"""The closed lists of the directory, each declared once."""

from portal.i18n import N_

DAYS: dict[str, str] = {
    "MO": N_("Monday"),
    "TU": N_("Tuesday"),
    "WE": N_("Wednesday"),
    "TH": N_("Thursday"),
    "FR": N_("Friday"),
    "SA": N_("Saturday"),
    "SU": N_("Sunday"),
}
"""Weekdays by their code (RFC 5545 BYDAY)."""
