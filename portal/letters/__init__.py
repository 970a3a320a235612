"""Messages back to the GP and the referrer by the PRSB standard: headings, order, gaps, the record of sending.

This room knows no store: it is given what was gathered, makes a document of it, and says the document as plain text and
as FHIR.
"""

from portal.letters.checks import check_fhir
from portal.letters.document import (
    NO_PRACTICE,
    NOT_APPLICABLE,
    NOT_KNOWN,
    NOT_REGISTERED,
    ActionOf,
    AdjustmentOf,
    AssessmentOf,
    ContactOf,
    Document,
    Gathered,
    GoalOf,
    NeedOf,
    Part,
    PermissionOf,
    PersonOf,
    PlanOf,
    PracticeOf,
    ReferralOf,
    RiskOf,
    ScoreOf,
    SignpostOf,
    Value,
    WorkerOf,
    build,
    missing,
)
from portal.letters.fhir import fhir
from portal.letters.plain import plain
from portal.letters.reaching import WayOf
from portal.letters.sheet import Sheet, sheet

__all__ = [
    "NOT_APPLICABLE",
    "NOT_KNOWN",
    "NOT_REGISTERED",
    "NO_PRACTICE",
    "ActionOf",
    "AdjustmentOf",
    "AssessmentOf",
    "ContactOf",
    "Document",
    "Gathered",
    "GoalOf",
    "NeedOf",
    "Part",
    "PermissionOf",
    "PersonOf",
    "PlanOf",
    "PracticeOf",
    "ReferralOf",
    "RiskOf",
    "ScoreOf",
    "Sheet",
    "SignpostOf",
    "Value",
    "WayOf",
    "WorkerOf",
    "build",
    "check_fhir",
    "fhir",
    "missing",
    "plain",
    "sheet",
]
