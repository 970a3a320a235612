"""What a person said about safe contact, in words for the staff: what is allowed, and plainly what is not.

No rule lives here: ``people`` keeps what was said, and ``notifications`` refuses what was not allowed.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from portal import people, reading
from portal.i18n import N_, gettext, language_name
from portal.journeys import ABSENCES, DONT_KNOW, LEFT_BLANK, NOT_ASKED
from portal.journeys.self_referral import SELF_REFERRAL
from portal.people import CHANNELS, ContactWay

NO_INTERPRETER = ("no", *ABSENCES)
VOICEMAIL = {True: N_("You may leave a voice message."), False: N_("Leave no voice message.")}
SAY_WHO = {
    "call": {
        True: N_("If someone else answers, you may say who we are."),
        False: N_("If someone else answers, do not say who we are."),
    },
    "text": {True: N_("You may say who we are."), False: N_("Do not say who we are.")},
    "through-person": {
        True: N_("You may tell them what it is about."),
        False: N_("Do not tell them what it is about."),
    },
}
OTHERS = {
    "yes": N_("Someone else may pick up or see the message."),
    "no": N_("Nobody else picks up or sees the message."),
    DONT_KNOW: N_("They do not know whether someone else may pick up or see the message."),
    LEFT_BLANK: N_("They did not say whether someone else may pick up or see the message."),
    NOT_ASKED: N_("We did not ask whether someone else may pick up or see the message."),
}
ALWAYS = {
    "email": N_("Write nothing about why they came to us."),
    "post": N_("Use a plain envelope. Write nothing on it about who we are."),
    "come-back": N_("Do not get in touch. Wait until they come, or meet them where they said."),
}


@dataclass(frozen=True)
class Way:
    """One way to reach somebody, in words. ``code``: the address keeps its order in every script. ``missing``: they
    chose this way, but have not said the number or address yet."""

    id: uuid.UUID | None
    channel: str
    name: str
    address: str
    code: bool
    missing: bool
    trusted_name: str
    rules: tuple[str, ...]
    confirmed_at: datetime | None

    @property
    def to_confirm(self) -> bool:
        """Whether a worker may still say that this address is theirs."""
        return self.id is not None and self.confirmed_at is None and self.channel != "come-back"


@dataclass(frozen=True)
class SafeContact:
    """Everything about reaching one person. What is in neither list of ways was not allowed either. ``language``: which
    one to speak, and whether somebody must interpret; ``reads``: which one to write, where that is another one;
    ``access``: what they need to understand and be understood."""

    name: str
    ways: tuple[Way, ...]
    forbidden: tuple[str, ...]
    no_longer: tuple[str, ...]
    language: str = ""
    reads: str = ""
    access: tuple[str, ...] = ()


def in_words(
    name: str, told: Sequence[ContactWay], answers: Mapping[str, object] | None = None, access: Sequence[str] = ()
) -> SafeContact:
    """What was said about safe contact, in the language now spoken. ``name`` is the name to use; ``answers``: what was
    said about languages."""
    said = answers or {}
    allowed = [way for way in told if way.allowed]
    channels = {way.channel for way in allowed}
    earlier = [way.channel for way in told if not way.allowed and way.channel not in channels]
    return SafeContact(
        name,
        tuple(_way(way) for way in allowed),
        # To come back here is never ours to do.
        tuple(gettext(label) for channel, label in CHANNELS.items() if channel not in channels | {"come-back"}),
        tuple(gettext(CHANNELS[channel]) for channel in dict.fromkeys(earlier)),
        language_of(said) if "spoken_language" in said else "",
        _reads(said),
        tuple(access),
    )


def language_of(answers: Mapping[str, object]) -> str:
    """The language to speak, and whether somebody must interpret."""
    return say_language(str(answers.get("spoken_language", NOT_ASKED)), str(answers.get("interpreter", NOT_ASKED)))


def say_language(spoken: str, interpreter: str) -> str:
    """The language to speak, and whether somebody must interpret; answers to these two questions of the form."""
    said = SELF_REFERRAL.question("spoken_language").say(spoken) if spoken in ABSENCES else language_name(spoken)
    if interpreter in NO_INTERPRETER:
        return said
    wanted = SELF_REFERRAL.question("interpreter").say(interpreter)
    return gettext(N_("%(language)s. Interpreter: %(interpreter)s"), language=said, interpreter=wanted)


def _reads(answers: Mapping[str, object]) -> str:
    written = answers.get("written_language", NOT_ASKED)
    same = written in ABSENCES or written == answers.get("spoken_language")
    return "" if same else language_name(str(written))


def of_answers(name: str, answers: Mapping[str, object]) -> SafeContact:
    """The same from the answers of a form that has not been sent."""
    needs, detail = answers.get("access_needs"), people.value_of(answers, "access_detail")
    listed = SELF_REFERRAL.question("access_needs")
    chosen = [listed.say([code]) for code in needs if code != "none"] if isinstance(needs, list) else []
    return in_words(name, people.ways_in(answers), answers, [*chosen, *([detail] if detail else [])])


def _way(way: ContactWay) -> Way:
    by_phone = way.channel in ("call", "text")
    address = way.address or ""
    return Way(
        id=way.id,
        channel=way.channel,
        name=gettext(CHANNELS[way.channel]),
        address=reading.show_phone(address) if by_phone and address else address,
        code=by_phone or way.channel == "email",
        missing=not address and way.channel != "come-back",
        trusted_name=way.trusted_name or "",
        rules=tuple(_rules(way)),
        confirmed_at=way.confirmed_at,
    )


def _rules(way: ContactWay) -> "list[str]":
    said = []
    if way.channel == "call":
        said.append(gettext(VOICEMAIL[way.voicemail]))
    if way.channel in SAY_WHO:
        said.append(gettext(SAY_WHO[way.channel][way.say_who]))
    if way.channel in ("call", "text"):
        said.append(gettext(OTHERS.get(way.others_may_answer, OTHERS[LEFT_BLANK])))
        said.append(_times(way.times))
    if way.channel in ALWAYS:
        said.append(gettext(ALWAYS[way.channel]))
    return said


def _times(times: Sequence[str]) -> str:
    if not times:
        return gettext(N_("Good times: any time in our opening hours."))
    return gettext(N_("Good times: %(times)s."), times=SELF_REFERRAL.question("phone_times").say(list(times)))
