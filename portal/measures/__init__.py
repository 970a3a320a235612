"""What is asked of whom on which occasion, and with which scale: what a service has decided about each scale of the
catalogue, its texts and licences; the plan of check-ins, when they are due, and when asking stops.
"""

from portal.measures.scales import (
    CannotDo,
    Chosen,
    TextLine,
    TextState,
    bring_text,
    choose,
    import_text,
    instrument_of,
    obstacles_of,
    offered,
    record_licence,
    record_protocol,
    recorded,
    refuse_text,
    sign_text,
    text_states,
    turn_off,
    turn_on,
    words_of,
)

__all__ = [
    "CannotDo",
    "Chosen",
    "TextLine",
    "TextState",
    "bring_text",
    "choose",
    "import_text",
    "instrument_of",
    "obstacles_of",
    "offered",
    "record_licence",
    "record_protocol",
    "recorded",
    "refuse_text",
    "sign_text",
    "text_states",
    "turn_off",
    "turn_on",
    "words_of",
]
