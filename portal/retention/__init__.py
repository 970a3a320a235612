"""Erasure, how long a record is kept, and the counts that stay true when people are erased."""

from portal.retention import keeping
from portal.retention.counting import totals
from portal.retention.erasing import (
    LONGEST_WORDS,
    AlertsOpen,
    AlreadyDecided,
    ErasureRequest,
    Gone,
    NeedsWords,
    Waiting,
    ask_erasure,
    decided_requests,
    erase,
    latest_request,
    open_requests,
    read_request,
    refuse_erasure,
    remind,
    wipe_traces,
)

__all__ = [
    "LONGEST_WORDS",
    "AlertsOpen",
    "AlreadyDecided",
    "ErasureRequest",
    "Gone",
    "NeedsWords",
    "Waiting",
    "ask_erasure",
    "decided_requests",
    "erase",
    "keeping",
    "latest_request",
    "open_requests",
    "read_request",
    "refuse_erasure",
    "remind",
    "totals",
    "wipe_traces",
]
