"""What people answer: kept item by item as codes, with the words that were shown, how, and by whom; scores, bands and
change are worked out when shown.
"""

from portal.feedback.answering import (
    COMPLETED_BY,
    GOALS,
    RESPONSE_MODES,
    CheckIn,
    Gone,
    Kept,
    NotAsked,
    Open,
    begin,
    find,
    finish,
    is_open,
    keep,
    look,
    ways,
)
from portal.feedback.answers import (
    Answered,
    ItemAnswers,
    Said,
    answers_of,
    of_check_in,
    question_of,
    responses_of,
    shown_from,
)
from portal.feedback.lines import Line, Point, Step, lines_of, mode_of

__all__ = [
    "COMPLETED_BY",
    "GOALS",
    "RESPONSE_MODES",
    "Answered",
    "CheckIn",
    "Gone",
    "ItemAnswers",
    "Kept",
    "Line",
    "NotAsked",
    "Open",
    "Point",
    "Said",
    "Step",
    "answers_of",
    "begin",
    "find",
    "finish",
    "is_open",
    "keep",
    "lines_of",
    "look",
    "mode_of",
    "of_check_in",
    "question_of",
    "responses_of",
    "shown_from",
    "ways",
]
