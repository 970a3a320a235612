"""What a person said about being reached, in words for somebody else's surgery or office: a number never goes without
it. What is not known is told as the safe answer: no message, no name, others may answer.

In English, as messages are. All of it fits the one item of the standard that has room for it, whatever was said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LONGEST = 255
OWN = {"call": "calls", "text": "texts", "email": "email", "post": "letters"}
"""The ways that are the person's own, as they are called here."""


@dataclass(frozen=True)
class WayOf:
    """A way that the person allows. ``address`` is empty where it is somebody else's. ``others``: yes, no, or empty for
    whatever is not known. ``times``: good times in words, empty for any."""

    channel: str
    address: str = ""
    message: bool = False
    say_who: bool = False
    others: str = ""
    times: str = ""


def rule(ways: Sequence[WayOf]) -> str:
    """How to reach them safely, and what is not safe. The good times are left out where all together is too long."""
    said = " ".join(_said(ways, times=True))
    return said if len(said) <= LONGEST else " ".join(_said(ways, times=False))


def _said(ways: Sequence[WayOf], *, times: bool) -> Iterator[str]:
    there = {way.channel: way for way in reversed(ways)}
    call, text = there.get("call"), there.get("text")
    if call:
        together = text is not None and (text.say_who, text.others) == (call.say_who, call.others)
        message = "you may leave a message" if call.message else "do not leave a message"
        yield f"{'Calls and texts' if together else 'Calls'}: {message}."
        yield "You may say who you are." if call.say_who else "Do not say who you are to others."
        yield "Nobody else answers." if call.others == "no" else "Others may answer."
        text = None if together else text
    if text:
        yield f"Texts: {'you may say' if text.say_who else 'do not say'} who you are."
        yield "Nobody else sees them." if text.others == "no" else "Others may see them."
    if times and (good := next((way.times for way in ways if way.times), "")):
        yield f"Good times: {good[:1].lower()}{good[1:]}."
    if "email" in there:
        yield "Email: nothing private."
    if "post" in there:
        yield "Letters: plain envelope."
    if "through-person" in there:
        yield "Through someone they trust: ask us."
    if shut := [name for channel, name in OWN.items() if channel not in there]:
        yield f"Not safe: {', '.join(shut)}."


_BRIEFLY = {"text": "texts alone", "email": "nothing private", "post": "plain envelope"}


def contact(ways: Sequence[WayOf], longest: int) -> str:
    """Their first way with what matters most about it, where both fit; empty otherwise."""
    for way in ways:
        message = "you may leave a message" if way.message else "do not leave a message"
        said = f"{way.address} ({_BRIEFLY.get(way.channel, message)})"
        if way.address and len(said) <= longest:
            return said
    return ""
