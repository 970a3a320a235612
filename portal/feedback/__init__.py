"""What people answer: kept item by item as codes, with the words that were shown, how, and by whom; scores, bands and
change are worked out when shown.
"""

from portal.feedback.answering import (
    COMPLETED_BY,
    RESPONSE_MODES,
    Gone,
    Kept,
    NotAsked,
    Open,
    begin,
    find,
    finish,
    keep,
    look,
    ways,
)
from portal.feedback.answers import Answered, ItemAnswers, Said, answers_of, in_words, responses_of
from portal.feedback.lines import Line, Point, Step, lines_of

__all__ = [
    "COMPLETED_BY",
    "RESPONSE_MODES",
    "Answered",
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
    "in_words",
    "keep",
    "lines_of",
    "look",
    "responses_of",
    "ways",
]
