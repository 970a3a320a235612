"""A person's own copy of everything that is kept about them: one tree, from which the page, the JSON and the CSV
follow.

``TOLD`` declares every table with somebody's rows in it and every column of it: what it is called and how it is said,
or why it is left out. A column that is in neither fails the suite, so that nobody forgets a new one. What is left out
is said in the copy itself, with the number of times and how to ask for it.
"""

import csv
import io
import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Select, or_
from sqlalchemy.orm import Session

from portal import access, alerts, audit, feedback, instruments, measures, people, referrals, services, tasks
from portal.access import ROLE_NAMES, Role
from portal.clock import now
from portal.i18n import LONDON, N_, gettext, language_name, say_date, say_moment, spoken
from portal.journeys import Journey, Question
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.self_referral import NEEDS, SELF_REFERRAL
from portal.journeys.wellbeing_check import wellbeing_check
from portal.store import (
    Alert,
    AlertEvent,
    AuditEvent,
    CheckIn,
    CheckInLink,
    Comment,
    Confirmation,
    ContactWay,
    Draft,
    ErasureRequest,
    Goal,
    GoalAttainment,
    GoalChange,
    GoalLevel,
    GoalRating,
    ItemAnswer,
    MeasureResponse,
    Merge,
    Message,
    Permission,
    PersonCode,
    Record,
    Referral,
    ReferralChange,
    ReferralNeed,
    Service,
    ServiceUser,
    Staff,
    Task,
    Visit,
)

FORMAT, VERSION = "front-door-record", 1


# The tree ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """One thing that is kept. ``value`` is what stands in the store, as JSON can hold it; ``words`` is the same for
    people, and empty for what only leads from one record to another."""

    code: str
    name: str
    value: object
    words: str


@dataclass(frozen=True)
class Entry:
    """One record: when it was written, and what it says."""

    id: str
    when: datetime
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Section:
    """All records of one kind, the oldest first."""

    code: str
    title: str
    entries: tuple[Entry, ...]


class Reason(StrEnum):
    """Why something that is kept is not in the copy."""

    KEYS = "keys"
    STAFF_WORDS = "staff-words"
    INNER = "inner"


REASONS: dict[Reason, str] = {
    Reason.KEYS: N_(
        "What keeps your page safe: codes and numbers that open it. We keep them so that nobody can read them, "
        "not even we."
    ),
    Reason.STAFF_WORDS: N_(
        "Notes that staff wrote for each other. You have a right to ask for them. Somebody reads them first, so that "
        "nobody else is put at risk. Ask your link worker, or call us."
    ),
    Reason.INNER: N_("Numbers that only the computer uses. They say nothing more about you than what is here."),
}


@dataclass(frozen=True)
class LeftOut:
    """What is kept and not in the copy: why, in words, which fields, and how often there is something in them."""

    reason: Reason
    words: str
    fields: tuple[str, ...]
    times: int


@dataclass(frozen=True)
class Everything:
    """The copy."""

    service: str
    made_at: datetime
    language: str
    sections: tuple[Section, ...]
    left_out: tuple[LeftOut, ...]


# How a value is said -------------------------------------------------------------------------------------------------


@dataclass
class _Book:
    """What is looked up while the copy is made."""

    store: Session
    service: Service
    staff: Mapping[uuid.UUID, Staff]
    ids: "dict[type[Record], set[uuid.UUID]]" = field(default_factory=dict)
    rows: "dict[type[Record], Sequence[Any]]" = field(default_factory=dict)
    shown: "dict[uuid.UUID, dict[str, Question]]" = field(default_factory=dict)


Say = Callable[[_Book, Any, Any], Iterator[tuple[str, str, object, str]]]
"""From the book, the row and the value of a column: (rest of the code, name or empty, value, words), one or more."""


def _plain(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    yield "", "", value, "" if value is None else _word(value)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return gettext(N_("Yes")) if value else gettext(N_("No"))
    if isinstance(value, datetime):
        return say_moment(value)
    if isinstance(value, date):
        return say_date(value, weekday=False)
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


def _link(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """Leads to another record of this copy: nothing to read."""
    yield "", "", value, ""


def _by(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """Somebody of the staff: their name, never their number."""
    who = book.staff.get(value)
    yield "", "", who.name if who else None, who.name if who else ""


def _language(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    yield "", "", value, language_name(value)


def _one_of(words: Mapping[str, str]) -> Say:
    def say(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
        yield "", "", value, gettext(words.get(value, value)) if value is not None else ""

    return say


def _answer(journey: Journey, code: str = "") -> Say:
    """An answer to the question that is called as the column (or ``code``)."""

    def say(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
        yield "", "", value, journey.question(code).say(value)

    return say


def _answers(*journeys: Journey) -> Say:
    """Answers by question."""

    def say(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
        asked = {question.code: question for journey in journeys for question in journey.questions}
        for code, said in (value or {}).items():
            question = asked.get(code)
            yield (
                code,
                gettext(question.name if question else NAMES[code]) if question or code in NAMES else code,
                said,
                question.say(said) if question else _derived(said),
            )

    return say


def _derived(said: object) -> str:
    return gettext(_DERIVED[said]) if isinstance(said, str) and said in _DERIVED else _word(said)


def _parts(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """Whatever a mapping holds, by its keys."""
    for code, said in (value or {}).items():
        named = NAMES.get(code, "")
        words = gettext(_ABSENT[said]) if isinstance(said, str) and said in _ABSENT else _word(said)
        yield str(code), gettext(named) if named else str(code), said, "" if said is None else words


def _scales(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """One scale or several, by their titles."""
    known = instruments.catalogue()
    keys = [value] if isinstance(value, str) else value or ()
    yield "", "", value, "; ".join(known[key].title if key in known else key for key in keys)


def _reason(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """Why a referral was not taken up, from the service's own list."""
    known = services.settings_of(book.service).reason(value) if value else None
    words = gettext(known.label) if known else _REASON_WORDS.get(value or "", value or "")
    yield "", "", value, gettext(words)


def _item(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    """An answer to a scale, in the words that were shown; the codes stand for words that are not here any more."""
    if row.response_id not in book.shown:
        response = next(one for one in book.rows[MeasureResponse] if one.id == row.response_id)
        book.shown[row.response_id] = _questions_shown(book.store, response)
    question = book.shown[row.response_id].get(row.item)
    for code, part in value.items():
        words = question.say(part) if question and code != "value" else _word(part)
        yield code, question.label if question else row.item, part, words


def _questions_shown(store: Session, response: MeasureResponse) -> dict[str, Question]:
    what = (response.service_id, response.scale, response.scale_version)
    try:
        instrument = measures.instrument_of(store, *what)
        wording = measures.words_of(store, *what, response.language, response.wording_hash)
    except KeyError:
        return {}
    asked = wellbeing_check(instrument, wording).questions if wording else ()
    return {question.code: question for question in asked}


def _act(book: _Book, row: Any, value: Any) -> Iterator[tuple[str, str, object, str]]:
    yield "", "", value, say_act(value)


# What is called how --------------------------------------------------------------------------------------------------

NAMES: dict[str, str] = {
    "absent": N_("No answer"),
    "access_detail": N_("More about access"),
    "access_needs": N_("Access needs"),
    "access_needs_absent": N_("Access needs: no answer"),
    "acknowledged_at": N_("We said that we have it"),
    "act": N_("What was done"),
    "actor_id": N_("Who"),
    "actor_kind": N_("Who it was"),
    "address": N_("Number or address"),
    "allowed": N_("Safe to use"),
    "answer": N_("Answer"),
    "asked_at": N_("We asked on"),
    "asked_by": N_("Asked by"),
    "assigned_to": N_("Given to"),
    "attempts": N_("How often we tried"),
    "baseline": N_("At the start"),
    "born": N_("Date of birth"),
    "by_when": N_("By when"),
    "cancelled_at": N_("Stopped on"),
    "changed_by": N_("Changed by"),
    "channel": N_("How"),
    "closed_at": N_("Closed on"),
    "closed_by": N_("Closed by"),
    "closes_at": N_("Open until"),
    "completed_at": N_("Finished on"),
    "completed_by": N_("Who answered"),
    "confirmed_at": N_("Shown to be yours on"),
    "contact_if_unfinished": N_("Get in touch if it is not finished"),
    "corrected_at": N_("You corrected it on"),
    "decided_at": N_("Decided on"),
    "decided_by": N_("Decided by"),
    "decision": N_("Your answer"),
    "details": N_("More"),
    "done_at": N_("Done on"),
    "done_by": N_("Done by"),
    "due_at": N_("Due on"),
    "ended_at": N_("Ended on"),
    "entered_by": N_("Typed in by"),
    "expires_at": N_("Works until"),
    "family_name": N_("Family name"),
    "first_name": N_("First name"),
    "first_step": N_("First step"),
    "given_by": N_("Who said it"),
    "fits_age": N_("The age fits this service"),
    "fits_age_by_day": N_("The day of birth fits this service"),
    "fits_area": N_("The place fits this service"),
    "gp_practice": N_("GP practice"),
    "gp_registered": N_("Has a GP practice"),
    "handed_to_staff_at": N_("Given to a person of the staff on"),
    "importance": N_("How important, 1 to 10"),
    "interpreter": N_("Interpreter"),
    "issued_by": N_("Given out by"),
    "item": N_("Question"),
    "journey": N_("Form"),
    "journey_version": N_("Version of the form"),
    "keep_days": N_("Days it is kept"),
    "kind": N_("Kind"),
    "language": N_("Language"),
    "language_reviewed": N_("Translation checked"),
    "last_asked_at": N_("Last asked on"),
    "last_error": N_("What went wrong"),
    "late": N_("Came after the end"),
    "level": N_("Level, -2 to 2"),
    "made_by": N_("Written by"),
    "merged_by": N_("Put together by"),
    "need": N_("Help with"),
    "nhs_number": N_("NHS number"),
    "no_fixed_address": N_("No fixed address"),
    "number": N_("Number"),
    "occasion": N_("When in your time with us"),
    "opened_at": N_("Opened on"),
    "opened_by": N_("Opened by"),
    "opens_at": N_("Open from"),
    "others_may_answer": N_("Others may pick up"),
    "own_device": N_("Own phone or computer"),
    "owner_id": N_("Who looks after it"),
    "page_language": N_("Language of the pages"),
    "passed_to": N_("Passed on to"),
    "position": N_("Who was asked"),
    "postcode": N_("Postcode"),
    "preferred_name": N_("Name to use"),
    "promise_reported_at": N_("A manager was told that we are late"),
    "pronouns": N_("Pronouns"),
    "question": N_("Question"),
    "rated_by": N_("Found by"),
    "rating": N_("How close, 0 to 10"),
    "reading": N_("Your page may be read"),
    "reason": N_("Why"),
    "recorded_by": N_("Written down by"),
    "reference": N_("Reference"),
    "referred_at": N_("Sent on"),
    "referrer_type": N_("Who filled in the form"),
    "refusal": N_("Why we did not send it"),
    "reminders": N_("Reminders"),
    "replied_at": N_("We answered on"),
    "replied_by": N_("Answered by"),
    "reply": N_("Our answer"),
    "reply_to": N_("How to answer you"),
    "response_mode": N_("How it was answered"),
    "role": N_("Their work"),
    "rule": N_("What it means"),
    "run_at": N_("To be sent from"),
    "say_who": N_("We may say who we are"),
    "scale": N_("Questions from"),
    "scale_version": N_("Version of the questions"),
    "scales": N_("Questions from"),
    "seen_at": N_("Last seen"),
    "sent_at": N_("Sent on"),
    "source_channel": N_("How it came"),
    "spoken_language": N_("Spoken language"),
    "staff_id": N_("Who"),
    "state": N_("State"),
    "step": N_("Page of the form"),
    "status": N_("State"),
    "sure": N_("How sure, 1 to 10"),
    "task": N_("For what"),
    "template": N_("Message"),
    "text_status": N_("Where the words come from"),
    "tier": N_("How much it opened"),
    "times": N_("Good times"),
    "tries": N_("Wrong tries"),
    "trusted_name": N_("Someone you trust"),
    "undone_at": N_("Taken apart again on"),
    "undone_by": N_("Taken apart by"),
    "urgency": N_("Urgent"),
    "used_at": N_("Used on"),
    "version": N_("How often it was changed"),
    "via": N_("Opened with"),
    "voicemail": N_("Voice message allowed"),
    "was": N_("Before"),
    "became": N_("After"),
    "weight": N_("Weight, 1 to 4"),
    "what": N_("What happened"),
    "why": N_("Why it matters"),
    "why_not": N_("Why nothing came"),
    "word_to_person": N_("A word to you"),
    "wording": N_("What you were asked"),
    "wording_hash": N_("Exact words, as a check number"),
    "wording_version": N_("Version of the words"),
    "words": N_("In your words"),
    "written_language": N_("Written language"),
    "turned_away": N_("Outside our rules"),
    "touched_at": N_("Last changed"),
}
"""What a column is called, for the person. One word for one thing, whatever the table."""

_STATUS = {
    **referrals.STATUSES,
    "not-eligible": N_("We could not help with it"),
    "declined": N_("You did not want it any more"),
}
_CHECK_IN = {
    "ready": N_("Not begun"),
    "in-progress": N_("Begun"),
    "completed": N_("Finished"),
    "cancelled": N_("Stopped"),
    "on-hold": N_("Waiting"),
}
_OCCASION = {
    "baseline": N_("At the start"),
    "review": N_("On the way"),
    "closure": N_("At the end"),
    "follow-up": N_("Some time after"),
}
_DECISION = {
    "given": N_("Yes"),
    "refused": N_("No"),
    "withdrawn": N_("No: you took your yes back"),
    "left-blank": N_("Left blank"),
    "prefer-not-to-say": N_("I’d rather not say"),
}
_GIVEN_BY = {
    "person": N_("You"),
    "proxy": N_("Someone who helped you"),
    "staff-recorded-verbal": N_("You told a member of staff"),
}
_GOAL = {"active": N_("Going on"), "on-hold": N_("Set aside"), "completed": N_("Reached")}
_GOAL_CHANGE = {
    "set": N_("Set"),
    "revised": N_("Changed"),
    "achieved": N_("Reached"),
    "set-aside": N_("Set aside"),
    "taken-up-again": N_("Taken up again"),
}
_ABSENT = {
    "prefer-not-to-say": N_("I’d rather not say"),
    "dont-know": N_("I don’t know"),
    "left-blank": N_("Left blank"),
    "not-asked": N_("Not asked"),
}
_DERIVED: dict[str, str] = {"yes": N_("Yes"), "no": N_("No"), "unsure": N_("I don’t know")}
"""What the form works out by itself, such as whether the age fits."""
_ACTOR = {
    "staff": N_("Staff"),
    "person": N_("You, or someone who helped you"),
    "system": N_("The computer, by itself"),
}
_MESSAGE_STATE = {
    "waiting": N_("Waiting to be sent"),
    "sent": N_("Sent"),
    "refused": N_("Not sent"),
    "failed": N_("Did not arrive"),
}
_VISIT = {
    "task": N_("One task, without reading"),
    "read": N_("The whole page"),
    "link": N_("A link in a message"),
    "email-code": N_("A code by email"),
    "worker-code": N_("A code from a link worker"),
    "card": N_("The return card"),
    "check-in": N_("A check-in"),
    "goal": N_("A goal"),
    "details": N_("Your details"),
}
_REASON_WORDS = {referrals.WITHDRAWN: N_("You did not want it any more")}
_TASK = {
    **{kind.value: words for kind, words in tasks.KIND_NAMES.items()},
    "tell-the-person": N_("Tell you something that we could not send"),
    "unfinished-form": N_("Get in touch about a form that you did not finish"),
    "person-withdrew": N_("You do not want our help any more"),
    "details-changed": N_("You changed your details"),
}
_POSITION = {"duty": N_("Whoever was on duty"), "deputy": N_("The deputy"), "manager": N_("The manager")}
_COMMENT = {
    "complaint": N_("Complaint"),
    "compliment": N_("Praise"),
    "what-helped": N_("What helped"),
    "could-be-better": N_("What could be better"),
}
_ERASURE = {"asked": N_("Asked"), "refused": N_("We said no"), "done": N_("Done")}
_NEED = {choice.code: choice.label for choice in NEEDS}

ACTS: dict[str, str] = {
    "read a referral": N_("Read your form and your record"),
    "read an alert": N_("Read that you may not be safe"),
    "read an unsent form": N_("Read a form before it was sent"),
    "read a request for erasure": N_("Read that you want your record erased"),
    "compared people": N_("Compared your record with another one"),
    "submitted a referral": N_("Sent the form"),
    "withdrew a referral": N_("Said that they do not want this any more"),
    "changed a permission": N_("Changed what we may share"),
    "recorded a permission": N_("Wrote down what we may share"),
    "changed their details": N_("Changed the details"),
    "confirmed a contact way": N_("Showed that a number or address is right"),
    "told about themselves": N_("Told us more"),
    "downloaded their record": N_("Made a copy of everything"),
    referrals.GAVE: N_("Gave it to a colleague"),
    "merged people": N_("Put two records together"),
    "undid a merge": N_("Took two records apart again"),
    "asked for erasure": N_("Asked us to erase the record"),
    "opened alert": N_("Opened the warning that you may not be safe"),
    "closed alert": N_("Closed the warning that you may not be safe"),
    "set a goal": N_("Set a goal"),
    "rated a goal": N_("Rated a goal"),
    "revised a goal": N_("Changed a goal"),
}
"""What the audit says, for the person. Whatever is not here is said in general, and stands there as its code."""


def say_act(act: str) -> str:
    """An act of the audit in plain words."""
    if act.startswith(READING):
        return gettext(ACTS.get(act, N_("Read your record")))
    if act.startswith("made a referral "):
        return gettext(N_("Decided about the form"))
    return gettext(ACTS.get(act, N_("Worked with your record")))


READING = ("read ", "compared ")
"""How the acts begin that are readings and change nothing."""


# What is told --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A table with somebody's rows. ``by``: the columns that lead to the person, each with the table they point at;
    ``columns`` says each column that is told, ``left_out`` why the others are not. ``id``, ``created_at`` (the
    record's own number and time) and ``service_id`` (the same everywhere) are told of each record."""

    code: str
    title: str
    table: type[Record]
    by: Mapping[str, type[Record]]
    columns: Mapping[str, Say]
    left_out: Mapping[str, Reason] = field(default_factory=dict)


def _ask(*codes: str) -> dict[str, Say]:
    return {code: _answer(SELF_REFERRAL, code) for code in codes}


def _as(say: Say, *columns: str) -> dict[str, Say]:
    return dict.fromkeys(columns, say)


_WHOSE = {"person_id": Reason.INNER}
_INNER = {"version": Reason.INNER}
_PERSON: dict[str, type[Record]] = {"person_id": ServiceUser}

TOLD: tuple[Told, ...] = (
    Told(
        "details",
        N_("Your details"),
        ServiceUser,
        {"id": ServiceUser, "merged_into": ServiceUser},
        {
            **_ask("first_name", "family_name", "preferred_name", "pronouns", "postcode", "nhs_number"),
            **_ask("gp_registered", "gp_practice", "spoken_language", "written_language", "interpreter"),
            **_ask("access_needs", "access_detail"),
            "born": _answer(SELF_REFERRAL, "date_of_birth"),
            **_as(_plain, "no_fixed_address", "reading", "corrected_at"),
            "page_language": _language,
            "access_needs_absent": _one_of(_ABSENT),
            "about_you": _answers(ABOUT_YOU),
            "merged_into": _link,
        },
        {**_INNER, "name_key": Reason.INNER},
    ),
    Told(
        "contact",
        N_("How to reach you"),
        ContactWay,
        _PERSON,
        {
            "channel": _one_of(people.CHANNELS),
            **_as(_plain, "address", "trusted_name", "allowed", "voicemail", "say_who", "confirmed_at"),
            "others_may_answer": _answer(SELF_REFERRAL, "others_may_answer"),
            "times": _answer(SELF_REFERRAL, "phone_times"),
        },
        {**_WHOSE, "address_key": Reason.INNER},
    ),
    Told(
        "sharing",
        N_("What you allow us to share"),
        Permission,
        _PERSON,
        {
            "kind": _one_of({kind: SELF_REFERRAL.question(kind).name for kind in people.SHARING}),
            "decision": _one_of(_DECISION),
            "wording": lambda book, row, value: iter([("", "", value, gettext(value))]),
            "wording_version": _plain,
            "language": _language,
            "given_by": _one_of(_GIVEN_BY),
            "recorded_by": _by,
        },
        _WHOSE,
    ),
    Told(
        "joined",
        N_("Records put together"),
        Merge,
        {"kept_id": ServiceUser, "merged_id": ServiceUser},
        {**_as(_by, "merged_by", "undone_by"), "undone_at": _plain, **_as(_link, "kept_id", "merged_id")},
        {"moved": Reason.INNER},
    ),
    Told(
        "forms",
        N_("Forms that you sent"),
        Referral,
        _PERSON,
        {
            **_as(_plain, "reference", "journey_version", "language_reviewed", "source_channel", "referred_at"),
            **_as(_plain, "due_at", "promise_reported_at", "decided_at", "word_to_person", "passed_to"),
            "language": _language,
            "answers": _answers(SELF_REFERRAL),
            "referrer_type": _one_of(
                {
                    "self": N_("You"),
                    **{one.code: one.label for one in SELF_REFERRAL.question("helper_relationship").choices},
                }
            ),
            "urgency": _answer(SELF_REFERRAL, "urgency"),
            "status": _one_of(_STATUS),
            **_as(_by, "decided_by", "assigned_to"),
            "reason": _reason,
        },
        {
            **_WHOSE,
            **_INNER,
            "return_hash": Reason.KEYS,
            "sent_key_hash": Reason.KEYS,
            "draft_id": Reason.INNER,
            "reason_text": Reason.STAFF_WORDS,
        },
    ),
    Told(
        "needs",
        N_("What you want help with"),
        ReferralNeed,
        {"referral_id": Referral},
        {"referral_id": _link, "need": _one_of(_NEED)},
    ),
    Told(
        "changes",
        N_("What became of your forms"),
        ReferralChange,
        {"referral_id": Referral},
        {"referral_id": _link, **_as(_one_of(_STATUS), "was", "became"), "changed_by": _by, "reason": _reason},
    ),
    Told(
        "drafts",
        N_("Forms that you have begun"),
        Draft,
        {"referral_id": Referral},
        {
            "referral_id": _link,
            **_as(_plain, "journey", "journey_version", "reference", "source_channel", "own_device", "keep_days"),
            **_as(_plain, "contact_if_unfinished", "touched_at", "expires_at", "turned_away"),
            "language": _language,
            "answers": _answers(SELF_REFERRAL),
            "typed": _parts,
        },
        {**_INNER, "key_hash": Reason.KEYS, "return_hash": Reason.KEYS},
    ),
    Told(
        "check-ins",
        N_("Your check-ins"),
        CheckIn,
        _PERSON,
        {
            "referral_id": _link,
            "occasion": _one_of(_OCCASION),
            "status": _one_of(_CHECK_IN),
            "scales": _scales,
            **_as(_plain, "number", "opens_at", "due_at", "closes_at", "asked_at", "reminders"),
            **_as(_plain, "last_asked_at", "handed_to_staff_at", "completed_at", "why_not"),
        },
        {**_WHOSE, **_INNER},
    ),
    Told(
        "links",
        N_("Links that we sent you"),
        CheckInLink,
        {"check_in_id": CheckIn},
        {"check_in_id": _link, **_as(_plain, "expires_at", "used_at", "cancelled_at")},
        {"token_hash": Reason.KEYS},
    ),
    Told(
        "questions",
        N_("Which questions you answered"),
        MeasureResponse,
        _PERSON,
        {
            "check_in_id": _link,
            "scale": _scales,
            **_as(_plain, "scale_version", "text_status", "wording_hash", "completed_at"),
            "language": _language,
            "completed_by": _one_of(feedback.COMPLETED_BY),
            "response_mode": _one_of(feedback.RESPONSE_MODES),
            "entered_by": _by,
        },
        {**_WHOSE, **_INNER},
    ),
    Told(
        "answers",
        N_("Your answers, one by one"),
        ItemAnswer,
        {"response_id": MeasureResponse},
        {"response_id": _link, "item": _link, "answer": _item, "late": _plain},
    ),
    Told(
        "goals",
        N_("Your goals"),
        Goal,
        _PERSON,
        {
            "referral_id": _link,
            "need": _one_of(_NEED),
            "language": _language,
            **_as(_plain, "words", "importance", "why", "first_step", "sure", "by_when", "ended_at"),
            "absent": _parts,
            "status": _one_of(_GOAL),
            "recorded_by": _by,
        },
        {**_WHOSE, **_INNER},
    ),
    Told(
        "goal-changes",
        N_("What became of your goals"),
        GoalChange,
        {"goal_id": Goal},
        {"goal_id": _link, "what": _one_of(_GOAL_CHANGE), "before": _parts, "changed_by": _by},
    ),
    Told(
        "ratings",
        N_("How close you said you are"),
        GoalRating,
        {"goal_id": Goal},
        {
            **_as(_link, "goal_id", "check_in_id"),
            "rating": _plain,
            "absent": _one_of(_ABSENT),
            "language": _language,
            "completed_by": _one_of(feedback.COMPLETED_BY),
            "response_mode": _one_of(feedback.RESPONSE_MODES),
            "entered_by": _by,
        },
    ),
    Told(
        "goal-levels-set",
        N_("What each step of a goal looks like"),
        GoalAttainment,
        {"goal_id": Goal},
        {"goal_id": _link, **_as(_plain, "weight", "baseline"), "levels": _parts, "made_by": _by},
    ),
    Told(
        "goal-levels",
        N_("Which step a goal was found to be at"),
        GoalLevel,
        {"goal_id": Goal},
        {"goal_id": _link, "level": _plain, "rated_by": _by},
    ),
    Told(
        "comments",
        N_("What you said about the service"),
        Comment,
        _PERSON,
        {
            "kind": _one_of(_COMMENT),
            "language": _language,
            **_as(_plain, "reference", "words", "reply_to", "due_at", "acknowledged_at", "reply", "replied_at"),
            "closed_at": _plain,
            **_as(_by, "owner_id", "replied_by"),
        },
        {**_WHOSE, **_INNER, "once": Reason.KEYS},
    ),
    Told(
        "alerts",
        N_("When you said that you may not be safe"),
        Alert,
        {"person_id": ServiceUser, "referral_id": Referral},
        {
            **_as(_link, "referral_id", "form_id"),
            **_as(_plain, "reference", "question", "answer", "due_at", "opened_at", "closed_at"),
            "rule": _one_of({code: rule.label for code, rule in alerts.RULES.items()}),
            "position": _one_of(_POSITION),
            **_as(_by, "owner_id", "opened_by", "closed_by"),
        },
        {**_WHOSE, **_INNER, "what_was_done": Reason.STAFF_WORDS},
    ),
    Told(
        "alert-steps",
        N_("What happened then"),
        AlertEvent,
        {"alert_id": Alert},
        {
            "alert_id": _link,
            "what": _one_of(alerts.EVENT_NAMES),
            "position": _one_of(_POSITION),
            "staff_id": _by,
            "answer": _plain,
        },
        {"what_was_done": Reason.STAFF_WORDS},
    ),
    Told(
        "tasks",
        N_("What staff had to do for you"),
        Task,
        {"person_id": ServiceUser, "referral_id": Referral, "draft_id": Draft},
        {
            "kind": _one_of(_TASK),
            **_as(_link, "draft_id", "referral_id", "message_id"),
            "details": _parts,
            **_as(_by, "assigned_to", "done_by"),
            **_as(_plain, "due_at", "done_at"),
        },
        {**_WHOSE, "once": Reason.INNER},
    ),
    Told(
        "messages",
        N_("Messages to you"),
        Message,
        {"person_id": ServiceUser, "referral_id": Referral},
        {
            **_as(_plain, "template", "address", "refusal", "run_at", "attempts", "sent_at", "last_error"),
            "channel": _one_of(people.CHANNELS),
            "language": _language,
            "state": _one_of(_MESSAGE_STATE),
            "referral_id": _link,
        },
        {
            **_WHOSE,
            "staff_id": Reason.INNER,
            "once": Reason.INNER,
            "leased_until": Reason.INNER,
            "details": Reason.KEYS,
        },
    ),
    Told(
        "address-codes",
        N_("Codes to show that an address is yours"),
        Confirmation,
        {"contact_way_id": ContactWay},
        {"contact_way_id": _link, **_as(_plain, "expires_at", "tries", "used_at")},
        {"code_hash": Reason.KEYS},
    ),
    Told(
        "page-codes",
        N_("Codes to open your page"),
        PersonCode,
        _PERSON,
        {
            **_as(_link, "referral_id", "contact_way_id"),
            "issued_by": _by,
            **_as(_plain, "expires_at", "tries", "used_at"),
        },
        {**_WHOSE, "browser_hash": Reason.KEYS, "code_hash": Reason.KEYS},
    ),
    Told(
        "visits",
        N_("When your page was open"),
        Visit,
        _PERSON,
        {
            **_as(_link, "referral_id", "check_in_id"),
            **_as(_one_of(_VISIT), "tier", "via", "task"),
            "language": _language,
            **_as(_plain, "own_device", "seen_at", "expires_at", "ended_at"),
        },
        {**_WHOSE, "key_hash": Reason.KEYS},
    ),
    Told(
        "erasure",
        N_("When you asked us to erase your record"),
        ErasureRequest,
        _PERSON,
        {
            "state": _one_of(_ERASURE),
            **_as(_plain, "due_at", "decided_at", "reason"),
            **_as(_by, "asked_by", "decided_by"),
        },
        {**_WHOSE, **_INNER},
    ),
    Told(
        "audit",
        N_("Who did or read what"),
        AuditEvent,
        {},
        {
            "act": _act,
            "actor_id": _by,
            "actor_kind": _one_of(_ACTOR),
            **_as(_link, "about", "about_id"),
            "reason": _plain,
            "details": _parts,
        },
        {"mac": Reason.KEYS, "seal_id": Reason.INNER},
    ),
)
"""In the order of the copy; a table stands after those that it leads to."""


# Making it -----------------------------------------------------------------------------------------------------------


class Gone(LookupError):
    """There is no such person in this service."""


def everything(store: Session, service: Service, person_id: uuid.UUID) -> Everything:
    """Everything that is kept about a person, in the language now spoken. Raises ``Gone``."""
    book = _open_book(store, service, person_id)
    sections = tuple(
        Section(
            told.code,
            gettext(told.title),
            tuple(Entry(str(row.id), row.created_at, tuple(_fields(book, told, row))) for row in book.rows[told.table]),
        )
        for told in TOLD
    )
    return Everything(service.name, now(), spoken().code, sections, tuple(_left_out(book)))


def write_down(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, form: str) -> None:
    """Somebody on the person's page makes a copy: that is written down as every reading is."""
    audit.record(store, service_id, None, "downloaded their record", "service_user", person_id, form=form)


def _open_book(store: Session, service: Service, person_id: uuid.UUID) -> _Book:
    """The person's rows in every table, the oldest first. Raises ``Gone``."""
    book = _Book(store, service, {one.id: one for one in store.scalars(access.rows_of(service.id, Staff))})
    book.ids[ServiceUser] = _all_of(store, service.id, person_id)
    for told in TOLD:
        rows = store.scalars(_rows_of(book, told).order_by(told.table.id)).all()
        book.rows[told.table] = rows
        book.ids.setdefault(told.table, set()).update(row.id for row in rows)
        if told.table is Referral:
            # The form that it was, before it was sent: what staff did with that is the person's too.
            book.ids[Draft] = {row.draft_id for row in book.rows[Referral]}
    return book


def _rows_of(book: _Book, told: Told) -> Select[Record]:
    table: Any = told.table
    mine: Select[Record] = access.rows_of(book.service.id, table)
    if table is AuditEvent:
        return mine.where(AuditEvent.about_id.in_({one for ids in book.ids.values() for one in ids}))
    return mine.where(or_(*(getattr(table, column).in_(book.ids[target]) for column, target in told.by.items())))


def _all_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> set[uuid.UUID]:
    """The person's record, and those that were found to be theirs too."""
    if store.get(ServiceUser, (service_id, person_id)) is None:
        raise Gone
    found: set[uuid.UUID] = set()
    new = {person_id}
    while new:
        found |= new
        into = access.rows_of(service_id, ServiceUser).where(ServiceUser.merged_into.in_(new))
        new = {one.id for one in store.scalars(into)} - found
    return found


def _fields(book: _Book, told: Told, row: Record) -> Iterator[Field]:
    for column, say in told.columns.items():
        for rest, name, value, words in say(book, row, getattr(row, column)):
            code = f"{column}.{rest}" if rest else column
            yield Field(code, name or gettext(NAMES.get(column, column)), _as_json(value), words)


def _as_json(value: object) -> object:
    if isinstance(value, uuid.UUID):
        return str(value)
    return value.isoformat() if isinstance(value, date) else value


def _left_out(book: _Book) -> Iterator[LeftOut]:
    for reason, words in REASONS.items():
        found = [(told, column) for told in TOLD for column, why in told.left_out.items() if why is reason]
        times = sum(getattr(row, column) not in (None, "") for told, column in found for row in book.rows[told.table])
        yield LeftOut(reason, gettext(words), tuple(f"{told.code}.{column}" for told, column in found), times)


# As files ------------------------------------------------------------------------------------------------------------


def as_json(copy: Everything) -> str:
    """The copy for machines: keys that stay as they are, codes beside words."""
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "service": copy.service,
            "made_at": copy.made_at.isoformat(),
            "language": copy.language,
            "sections": {
                section.code: {
                    "title": section.title,
                    "records": [
                        {
                            "id": entry.id,
                            "when": entry.when.isoformat(),
                            "fields": {
                                one.code: {"name": one.name, "value": one.value, "words": one.words}
                                for one in entry.fields
                            },
                        }
                        for entry in section.entries
                    ],
                }
                for section in copy.sections
            },
            "left_out": [
                {"why": one.reason.value, "words": one.words, "fields": one.fields, "times": one.times}
                for one in copy.left_out
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


COLUMNS = ("section", "record", "field", "code", "value", "when")


def as_csv(copy: Everything) -> str:
    """The copy for a spreadsheet: one line for each field. ``code`` is what stands in the store, ``value`` the words.
    Each cell is kept from being taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for section in copy.sections:
        for entry in section.entries:
            for one in entry.fields:
                coded = "" if one.value is None else _coded(one.value)
                line = (section.code, entry.id, one.code, coded, one.words, entry.when.isoformat())
                writer.writerow([harmless(cell) for cell in line])
    for left in copy.left_out:
        line = ("left-out", left.reason.value, ", ".join(left.fields), str(left.times), left.words, "")
        writer.writerow([harmless(cell) for cell in line])
    return out.getvalue()


def _coded(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (OWASP ASVS 1.2.10)."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\0")) else cell


# Who has looked ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Look:
    """Somebody of the staff read something of a person's record on a day."""

    on: date
    name: str
    role: str
    what: str


def who_looked(store: Session, service: Service, person_id: uuid.UUID) -> list[Look]:
    """Who of the staff has read what, a line for each day, the latest first. Raises ``Gone``."""
    book = _open_book(store, service, person_id)
    found: dict[Look, None] = {}
    for event in reversed(book.rows[AuditEvent]):
        who = book.staff.get(event.actor_id)
        if who is not None and event.act.startswith(READING):
            day = event.created_at.astimezone(LONDON).date()
            found.setdefault(Look(day, who.name, gettext(ROLE_NAMES[Role(who.role)]), say_act(event.act)))
    return list(found)
