"""Journeys: what we ask, in what order, and when. No Flask, no database."""

from portal.journeys.engine import (
    ABSENCES,
    DONT_KNOW,
    LEFT_BLANK,
    NOT_ASKED,
    PREFER_NOT_TO_SAY,
    Always,
    Answers,
    Choice,
    Condition,
    Exact,
    Journey,
    Kind,
    Question,
    Step,
    all_of,
    answered,
    any_of,
)
from portal.reading import Problem

__all__ = [
    "ABSENCES",
    "DONT_KNOW",
    "LEFT_BLANK",
    "NOT_ASKED",
    "PREFER_NOT_TO_SAY",
    "Always",
    "Answers",
    "Choice",
    "Condition",
    "Exact",
    "Journey",
    "Kind",
    "Problem",
    "Question",
    "Step",
    "all_of",
    "answered",
    "any_of",
]
