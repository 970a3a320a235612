"""The closed lists of a case, each declared once: the form, the check, the page and the data dictionary follow.

The codes are for ever (tests/codes_ever_used.txt); the data dictionary writes some of them with underscores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.i18n import N_


@dataclass(frozen=True)
class Listed:
    """One entry of a closed list: the stored code, what staff read, what it means, and the national code where there is
    one. Without a definition the label says it all."""

    code: str
    label: str
    definition: str = ""
    national: str = ""


def codes_in(entries: Sequence[Listed]) -> tuple[str, ...]:
    """The codes of a list, in its order."""
    return tuple(one.code for one in entries)


def entry(entries: Sequence[Listed], code: str | None) -> Listed | None:
    """The entry with this code; ``None`` when the list has none."""
    return next((one for one in entries if one.code == code), None)


# Contacts (data dictionary 3.8 and 4.11) -----------------------------------------------------------------------------

ATTEMPT_OUTCOMES: tuple[Listed, ...] = (
    Listed("spoke", N_("Spoke with them"), N_("You and the person talked, or wrote to each other, at any length.")),
    Listed("attended", N_("They came"), N_("A meeting that was arranged took place.")),
    Listed("no-answer", N_("No answer"), N_("Nobody picked up or wrote back, and no message was left.")),
    Listed(
        "message-left", N_("Left a message"), N_("A message was left in a way that they allowed. You did not talk.")
    ),
    Listed("wrong-number", N_("Wrong number"), N_("The number or address is not theirs, or does not work any more.")),
    Listed("did-not-attend", N_("They did not come"), N_("A meeting was arranged. They did not come or say so.")),
    Listed("cancelled-by-person", N_("They cancelled"), N_("A meeting was arranged. They said that they cannot come.")),
    Listed("cancelled-by-service", N_("We cancelled"), N_("A meeting was arranged. We could not keep it.")),
)
"""What came of it: attempt_outcome."""

REACHED = ("spoke", "attended")
"""The outcomes by which the person was reached: the first of these is the first contact."""

TRIED = ("no-answer", "message-left", "wrong-number", "did-not-attend")
"""The outcomes that count as an attempt in vain. What somebody cancelled is neither."""

DIRECTIONS: tuple[Listed, ...] = (
    Listed("out", N_("We got in touch with them")),
    Listed("in", N_("They got in touch with us")),
)

MECHANISMS: tuple[Listed, ...] = (
    Listed("telephone", N_("Phone call"), national="02"),
    Listed("face-to-face", N_("In person"), national="01"),
    Listed("video", N_("Video call")),
    Listed("text", N_("Text message"), national="09"),
    Listed("email", N_("Email"), national="05"),
    Listed("instant-message", N_("Chat message"), national="10"),
    Listed("talk-type", N_("Typed phone call (text relay), for somebody who cannot speak"), national="04"),
    Listed("other", N_("Another way, such as a letter"), national="98"),
)
"""How: the NHS consultation mechanism by our own code. The national code of a video call could not be verified, so none
is exported."""

MECHANISM_OF_CHANNEL: dict[str, str] = {
    "call": "telephone",
    "text": "text",
    "email": "email",
    "post": "other",
    "through-person": "other",
    "come-back": "face-to-face",
}
"""The mechanism that is meant, by the first safe way that the person named."""

LOCATIONS: tuple[Listed, ...] = (
    Listed("home", N_("At their home")),
    Listed("gp", N_("At a GP practice")),
    Listed("community-venue", N_("In a community place")),
    Listed("online", N_("Online")),
    Listed("other", N_("Somewhere else")),
)
"""Where: location_type."""

WITH_WHOM: tuple[Listed, ...] = (
    Listed("person", N_("The person themselves")),
    Listed("supporter", N_("Somebody who supports them"), N_("A relative, friend or carer, with their permission.")),
    Listed("professional", N_("A professional"), N_("With nobody else, this does not count as reaching the person.")),
)

CONTACT_RESULTS: tuple[Listed, ...] = (
    Listed("plan-made", N_("A plan was made"), N_("You agreed what happens next, who does it, and when.")),
    Listed("action-agreed", N_("A next action was agreed"), N_("Something was added to the plan or changed in it.")),
    Listed("signposted", N_("They were told about a place"), N_("They got the details, and go there themselves.")),
    Listed("referred-on", N_("They were referred to a place"), N_("You passed details on, with their permission.")),
    Listed("no-action", N_("Nothing else"), N_("You talked, and nothing new was agreed.")),
)
"""What was agreed: contact_outcome."""

ACCESS_MET: tuple[Listed, ...] = (
    Listed("yes", N_("Yes"), N_("They got everything that they need to understand and be understood.")),
    Listed("no", N_("No"), N_("Something was missing. Say in the notes what it was.")),
    Listed("na", N_("It did not matter here"), N_("The need has nothing to do with this kind of contact.")),
)
"""Whether the need for accessible information was met: ais_met, asked only of people who have one."""


# Onward (data dictionary 3.9 and 4.12) -------------------------------------------------------------------------------

ONWARD_KINDS: tuple[Listed, ...] = (
    Listed("signpost", N_("Tell them about it"), N_("They get a name and contact details. Nothing about them leaves.")),
    Listed(
        "supported-self-referral",
        N_("Help them to ask for it themselves"),
        N_("They give their own details to the group, with your help. Nothing about them leaves from here."),
    ),
    Listed(
        "referral",
        N_("Refer them, with their details"),
        N_("We give the group what they allow, and nothing else. It needs their permission."),
    ),
)
"""Three acts (onward_kind). Only the last moves data."""

MOVES_DATA = "referral"

ONWARD_STATUSES: tuple[Listed, ...] = (
    Listed("offered", N_("Offered"), N_("They were told about it, or it was agreed. Nothing else is known.")),
    Listed("accepted", N_("They want it"), N_("They said that they will go or ask.")),
    Listed("declined", N_("They do not want it"), N_("They said no, or changed their mind before the first time.")),
    Listed("sent", N_("Details sent"), N_("The group has been given their details. It has not answered yet.")),
    Listed("accepted-by-service", N_("The group said yes"), N_("The group has a place for them.")),
    Listed("waitlisted", N_("On a waiting list"), N_("The group will have a place later.")),
    Listed("attended-once", N_("Went once"), N_("They were there once, and it is not known whether they go on.")),
    Listed("attending", N_("Going"), N_("They have been there more than once, and go on.")),
    Listed("completed", N_("Finished"), N_("They got all of it: the course has ended, or the help is done.")),
    Listed("stopped", N_("Stopped going"), N_("They were there, and do not go any more.")),
    Listed("service-full", N_("The group is full"), N_("There is no place, and no waiting list.")),
    Listed("not-suitable", N_("It does not suit them"), N_("They or the group found that it is not the right thing.")),
    Listed("service-closed", N_("It is not there any more"), N_("The group has ended, or does not run this now.")),
)
"""What became of it: onward_status."""

ONWARD_WENT = ("attended-once", "attending", "completed", "stopped")
"""The outcomes that say that they were there."""

ONWARD_OVER = ("declined", "completed", "stopped", "service-full", "not-suitable", "service-closed")
"""The outcomes after which nobody has to ask again."""

BARRIERS: tuple[Listed, ...] = (
    Listed("cost", N_("Cost"), N_("It costs money, or getting there does.")),
    Listed("transport", N_("Getting there"), N_("There is no way to get there that works for them.")),
    Listed("access", N_("Access"), N_("The place, the language or the way it is done shuts them out.")),
    Listed("health", N_("Health"), N_("They are not well enough for it now.")),
    Listed("other", N_("Something else")),
)
"""What stood in the way: barrier."""


# Reading outside one's own caseload -----------------------------------------------------------------------------------

READING_REASONS: tuple[Listed, ...] = (
    Listed("covering", N_("I am covering for a colleague")),
    Listed("got-in-touch", N_("They, or somebody who helps them, got in touch with me")),
    Listed("not-safe", N_("Somebody may not be safe")),
    Listed("same-person", N_("I am finding out whether two records are one person")),
    Listed("supervision", N_("Supervision, or checking how well we work")),
    Listed("complaint", N_("A complaint, or a question about their data")),
    Listed("other", N_("Something else")),
)
"""Why a record is read that is not part of one's own work. The person reads it on their own page."""


# Closing (data dictionary 3.10 and 4.13) -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Ending(Listed):
    """A reason for which a case ends. ``asked_later``: after it somebody may be asked once more how they are, in the
    follow-up of the plan, if they want that."""

    asked_later: bool = False


CLOSURE_REASONS: tuple[Ending, ...] = (
    Ending(
        "goals-met",
        N_("Done: they have what they wanted"),
        N_("What they wanted to be different is different."),
        asked_later=True,
    ),
    Ending(
        "partly-met",
        N_("Done in part"),
        N_("Some of it is different, and they do not need us for the rest."),
        asked_later=True,
    ),
    Ending(
        "moved-to-other-support",
        N_("Somebody else helps them now"),
        N_("Another service or group has taken over, and they know whom to ask."),
        asked_later=True,
    ),
    Ending("person-chose-to-stop", N_("They chose to stop"), N_("They said that they do not want our help any more.")),
    Ending(
        "could-not-contact",
        N_("We could not reach them"),
        N_("Only after as many attempts as your service has set, in ways that they allowed."),
    ),
    Ending("moved-away", N_("Has moved away"), N_("They live outside our area now.")),
    Ending("not-eligible", N_("Not for us"), N_("It turned out that our service is not for people like them.")),
    Ending("service-unavailable", N_("We cannot go on"), N_("The service ends, or has nobody for them.")),
    Ending(
        "needs-beyond-scope",
        N_("Needs help that we cannot give"),
        N_("They need more than a link worker, and you have told whoever can give it."),
        asked_later=True,
    ),
    Ending("died", N_("The person has died"), N_("Nothing is sent to anybody in their name from now on.")),
    Ending("duplicate", N_("The same referral twice"), N_("They have another open referral here, which goes on.")),
    Ending("other", N_("Another reason"), N_("Write which."), asked_later=True),
)
"""Why a case ends: closure_reason. Nobody is asked again who chose to stop, could not be reached, lives elsewhere, was
not for us, or whom we left without help."""

ASKED_LATER = tuple(one.code for one in CLOSURE_REASONS if one.asked_later)

NEED_OUTCOMES: tuple[Listed, ...] = (
    Listed("resolved", N_("Resolved"), N_("It is no need any more.")),
    Listed("improved", N_("Better"), N_("It is still there, and it is better than at the start.")),
    Listed("same", N_("The same"), N_("Nothing has changed.")),
    Listed("worse", N_("Worse"), N_("It is worse than at the start.")),
    Listed("unknown", N_("Not known"), N_("You have not heard, or could not ask.")),
)
"""What became of a need, as the person sees it: need_outcome."""

HOLD_REASONS: tuple[Listed, ...] = (
    Listed("person-asked", N_("They asked for a break")),
    Listed("unwell", N_("They are not well, or in hospital")),
    Listed("away", N_("They are away")),
    Listed("waits-for-others", N_("Another service has to act first")),
    Listed("other", N_("Another reason"), N_("Write which.")),
)
"""Why a case is on hold."""


# Risk and safeguarding (data dictionary 3.4 and 4.7) -----------------------------------------------------------------

RISK_KINDS: tuple[Listed, ...] = (
    Listed("self-harm-suicide", N_("Self-harm or suicide")),
    Listed("harm-from-others", N_("Harm from others")),
    Listed("harm-to-others", N_("Harm to others")),
    Listed("neglect", N_("Neglect"), N_("They do not look after themselves, or nobody looks after them.")),
    Listed("falls-mobility", N_("Falls or moving about")),
    Listed("lone-worker-visit", N_("Visiting alone"), N_("Something that whoever visits alone must know.")),
    Listed("pets", N_("Pets")),
    Listed("infection", N_("Infection")),
    Listed("other", N_("Something else")),
)
"""Kinds of risk: risk_type. For staff; the person is never asked for a rating."""


# The plan (data dictionary 3.6 and 4.9) ------------------------------------------------------------------------------

NEED_STATUSES: tuple[Listed, ...] = (
    Listed("open", N_("Open"), N_("Nothing has changed yet.")),
    Listed("improving", N_("Getting better")),
    Listed("resolved", N_("Met"), N_("There is nothing more to do about it.")),
    Listed("no-longer-relevant", N_("Not needed any more"), N_("The person does not want help with it now.")),
)
"""Where a need stands: need_status."""

ACTION_WHO: tuple[Listed, ...] = (
    Listed("person", N_("The person themselves")),
    Listed("carer", N_("A carer, relative or friend")),
    Listed("worker", N_("A link worker")),
    Listed("service", N_("Another service or group")),
)
"""Who does it: action_who."""

ACTION_WHO_TO_PERSON: Mapping[str, str] = {
    "person": N_("You"),
    "carer": N_("Somebody close to you"),
    "worker": N_("Your link worker"),
    "service": N_("Another service or group"),
}
"""The same, said to the person."""

ACTION_STATUSES: tuple[Listed, ...] = (
    Listed("planned", N_("Planned")),
    Listed("in-progress", N_("Under way")),
    Listed("done", N_("Done")),
    Listed("declined", N_("Not wanted"), N_("Whoever was to do it does not want to.")),
    Listed("stopped", N_("Stopped"), N_("It was begun or planned, and will not be done.")),
)
"""Where an action stands: action_status."""

ACTIONS_OPEN = ("planned", "in-progress")
"""The actions that somebody still does."""

AGREED_BY: tuple[Listed, ...] = (
    Listed("person", N_("The person themselves")),
    Listed(
        "representative",
        N_("Somebody who may decide for them"),
        N_("With a power of attorney, as a court’s deputy, or otherwise by law. Not simply a relative."),
    ),
)
"""Who agreed to the plan."""

NEED_OF: tuple[Listed, ...] = (
    Listed("self", N_("The person themselves")),
    Listed("carer", N_("Their carer, so that they can help the person")),
)
"""Whose need for access it is."""
