"""What becomes of made-up people: whether their form is sent, what the staff decide, and what follows."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime

from portal import codes
from portal.demo.made_up import Tongue


@dataclass(frozen=True)
class Fate:
    """What becomes of somebody's form. ``days``: it was filled in between so many days ago; ``share``: how many of a
    hundred people or so (none: once); ``sends``: whether it is sent; ``then``: what the staff do; ``course``: what
    becomes of them afterwards, and ``work``: what becomes of their case, where chance does not say it; ``tongue`` and
    ``ways``: so that it can be shown."""

    code: str
    share: int
    days: tuple[float, float]
    sends: bool = True
    urgency: str = ""
    then: str = ""
    course: str = ""
    tongue: str = ""
    ways: tuple[str, ...] = ()
    work: str = ""


FATES: tuple[Fate, ...] = (
    Fate("accepted", 42, (12, 88), then="accept"),
    Fate("new", 7, (0.05, 3.5)),
    Fate("merged", 3, (7, 60), then="merge"),
    Fate("sent-twice", 2, (0.1, 3)),
    Fate("accepted-lately", 8, (2, 7), then="accept"),
    Fate("late", 0, (14, 18)),
    Fate("declined", 5, (9, 85), then="decline"),
    Fate("said-no", 3, (9, 85), then="said-no"),
    Fate("passed-on", 5, (9, 85), then="pass-on"),
    Fate("unfinished", 6, (0.1, 25), sends=False),
    Fate("asks-for-contact", 1, (3, 9), sends=False),
    Fate("unsafe-new", 0, (0.016, 0.035), urgency="not-safe"),
    Fate("unsafe-opened", 0, (5, 7), urgency="being-hurt", then="open"),
    Fate("unsafe-closed", 3, (6, 80), urgency="not-safe", then="close"),
    Fate("unsafe-climbed", 1, (10, 60), urgency="not-safe", then="close-late"),
    Fate("unsafe-nobody-opens", 0, (0, 0), urgency="being-hurt"),
    Fate("unsafe-not-sent", 1, (6, 20), sends=False, urgency="not-safe", then="close"),
    Fate("unsafe-changed", 1, (6, 60), urgency="not-safe", then="close"),
    Fate("does-not-know", 2, (1, 80), sends=False),
    Fate("own-page", 0, (86, 88), then="accept", course="shown", tongue="en", ways=("call",)),
    Fate("own-page-urdu", 0, (86, 88), then="accept", course="shown", tongue="ur", ways=("call",)),
    Fate("answers-by-link", 0, (53, 55), then="accept", course="link", tongue="en", ways=("email",)),
    Fate("answers-with-interpreter", 0, (62, 66), then="accept", course="interpreter", tongue="pl", ways=("call",)),
    Fate("never-answers", 0, (60, 64), then="accept", course="never", tongue="en", ways=("email",)),
    Fate("withdraws", 0, (50, 60), then="accept", course="withdraws", tongue="cy", ways=("email",)),
    Fate("asks-to-be-erased", 0, (50, 60), then="accept", course="erasure", tongue="en", ways=("email",)),
    Fate("reading-off", 0, (50, 60), then="accept", course="reading-off", tongue="en", ways=("text", "email")),
    Fate("just-given", 0, (1, 2), then="accept", tongue="en", ways=("call",), work="given"),
    Fate("in-triage", 0, (20, 23), then="accept", tongue="en", ways=("call",), work="triage"),
    Fate("not-reached", 0, (38, 42), then="accept", tongue="en", ways=("call",), work="in-vain"),
    Fate("on-hold", 0, (56, 60), then="accept", tongue="en", ways=("call",), work="hold"),
    Fate("ended", 0, (80, 86), then="accept", tongue="en", ways=("call",), work="ends"),
    Fate("ended-earlier", 0, (84, 88), then="accept", tongue="en", ways=("email",), work="asks-again"),
    Fate("opened-again", 0, (80, 86), then="accept", tongue="en", ways=("call",), work="again"),
    Fate("moved-away", 0, (60, 66), then="accept", tongue="en", ways=("text",), work="moves"),
    Fate("worried-about", 0, (40, 44), then="accept", tongue="en", ways=("call",), work="worry"),
    Fate("worker-left", 0, (50, 56), then="accept", tongue="en", ways=("call",), work="left"),
)

WAYS: tuple[tuple[str, ...], ...] = (
    ("call", "text"),
    ("call",),
    ("email",),
    ("text", "email"),
    ("call", "email", "post"),
    ("come-back",),
    ("through-person",),
    ("post",),
)
CIRCUMSTANCES: tuple[tuple[str, int], ...] = (
    ("own", 60),
    ("helped", 8),
    ("for-somebody", 6),
    ("no-fixed-address", 5),
    ("outside-area", 4),
    ("too-young", 2),
    ("year-only", 8),
)


@dataclass
class Person:
    """Somebody made up: what they type, when, and what becomes of it."""

    fate: Fate
    tongue: Tongue
    typed: dict[str, object]
    starts: datetime
    key: str = field(default_factory=codes.new_key)
    stops_before: str = ""
    draft_id: uuid.UUID | None = None
    referral_id: uuid.UUID | None = None
