"""What is told of each table, or why it is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portal import alerts, feedback, people
from portal.exports.saying import (
    Say,
    act,
    answer,
    answers,
    item,
    language,
    link,
    one_of,
    parts,
    plain,
    reason,
    scales,
    staff_name,
)
from portal.exports.tree import Reason
from portal.exports.words import (
    ABSENT,
    ACTOR,
    CHECK_IN,
    COMMENT,
    DECISION,
    ERASURE,
    GIVEN_BY,
    GOAL,
    GOAL_CHANGE,
    MESSAGE_STATE,
    NEED,
    OCCASION,
    POSITION,
    STATUS,
    TASK,
    VISIT,
)
from portal.i18n import N_, gettext
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.self_referral import SELF_REFERRAL
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
    ServiceUser,
    Task,
    Visit,
)


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


def asked(*codes: str) -> dict[str, Say]:
    return {code: answer(SELF_REFERRAL, code) for code in codes}


def each(say: Say, *columns: str) -> dict[str, Say]:
    return dict.fromkeys(columns, say)


WHOSE = {"person_id": Reason.INNER}
INNER = {"version": Reason.INNER}
PERSON: dict[str, type[Record]] = {"person_id": ServiceUser}

TOLD: tuple[Told, ...] = (
    Told(
        "details",
        N_("Your details"),
        ServiceUser,
        {"id": ServiceUser, "merged_into": ServiceUser},
        {
            **asked("first_name", "family_name", "preferred_name", "pronouns", "postcode", "nhs_number"),
            **asked("gp_registered", "gp_practice", "spoken_language", "written_language", "interpreter"),
            **asked("access_needs", "access_detail"),
            "born": answer(SELF_REFERRAL, "date_of_birth"),
            **each(plain, "no_fixed_address", "reading", "corrected_at"),
            "page_language": language,
            "access_needs_absent": one_of(ABSENT),
            "about_you": answers(ABOUT_YOU),
            "merged_into": link,
        },
        {**INNER, "name_key": Reason.INNER},
    ),
    Told(
        "contact",
        N_("How to reach you"),
        ContactWay,
        PERSON,
        {
            "channel": one_of(people.CHANNELS),
            **each(plain, "address", "trusted_name", "allowed", "voicemail", "say_who", "confirmed_at"),
            "others_may_answer": answer(SELF_REFERRAL, "others_may_answer"),
            "times": answer(SELF_REFERRAL, "phone_times"),
        },
        {**WHOSE, "address_key": Reason.INNER},
    ),
    Told(
        "sharing",
        N_("What you allow us to share"),
        Permission,
        PERSON,
        {
            "kind": one_of({kind: SELF_REFERRAL.question(kind).name for kind in people.SHARING}),
            "decision": one_of(DECISION),
            "wording": lambda book, row, value: iter([("", "", value, gettext(value))]),
            "wording_version": plain,
            "language": language,
            "given_by": one_of(GIVEN_BY),
            "recorded_by": staff_name,
        },
        WHOSE,
    ),
    Told(
        "joined",
        N_("Records put together"),
        Merge,
        {"kept_id": ServiceUser, "merged_id": ServiceUser},
        {**each(staff_name, "merged_by", "undone_by"), "undone_at": plain, **each(link, "kept_id", "merged_id")},
        {"moved": Reason.INNER},
    ),
    Told(
        "forms",
        N_("Forms that you sent"),
        Referral,
        PERSON,
        {
            **each(plain, "reference", "journey_version", "language_reviewed", "source_channel", "referred_at"),
            **each(plain, "due_at", "promise_reported_at", "decided_at", "word_to_person", "passed_to"),
            "language": language,
            "answers": answers(SELF_REFERRAL),
            "referrer_type": one_of(
                {
                    "self": N_("You"),
                    **{one.code: one.label for one in SELF_REFERRAL.question("helper_relationship").choices},
                }
            ),
            "urgency": answer(SELF_REFERRAL, "urgency"),
            "status": one_of(STATUS),
            **each(staff_name, "decided_by", "assigned_to"),
            "reason": reason,
        },
        {
            **WHOSE,
            **INNER,
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
        {"referral_id": link, "need": one_of(NEED)},
    ),
    Told(
        "changes",
        N_("What became of your forms"),
        ReferralChange,
        {"referral_id": Referral},
        {"referral_id": link, **each(one_of(STATUS), "was", "became"), "changed_by": staff_name, "reason": reason},
    ),
    Told(
        "drafts",
        N_("Forms that you have begun"),
        Draft,
        {"referral_id": Referral},
        {
            "referral_id": link,
            **each(plain, "journey", "journey_version", "reference", "source_channel", "own_device", "keep_days"),
            **each(plain, "contact_if_unfinished", "touched_at", "expires_at", "turned_away"),
            "language": language,
            "answers": answers(SELF_REFERRAL),
            "typed": parts,
        },
        {**INNER, "key_hash": Reason.KEYS, "return_hash": Reason.KEYS},
    ),
    Told(
        "check-ins",
        N_("Your check-ins"),
        CheckIn,
        PERSON,
        {
            "referral_id": link,
            "occasion": one_of(OCCASION),
            "status": one_of(CHECK_IN),
            "scales": scales,
            **each(plain, "number", "opens_at", "due_at", "closes_at", "asked_at", "reminders"),
            **each(plain, "last_asked_at", "handed_to_staff_at", "completed_at", "why_not"),
        },
        {**WHOSE, **INNER},
    ),
    Told(
        "links",
        N_("Links that we sent you"),
        CheckInLink,
        {"check_in_id": CheckIn},
        {"check_in_id": link, **each(plain, "expires_at", "used_at", "cancelled_at")},
        {"token_hash": Reason.KEYS},
    ),
    Told(
        "questions",
        N_("Which questions you answered"),
        MeasureResponse,
        PERSON,
        {
            "check_in_id": link,
            "scale": scales,
            **each(plain, "scale_version", "text_status", "wording_hash", "completed_at"),
            "language": language,
            "completed_by": one_of(feedback.COMPLETED_BY),
            "response_mode": one_of(feedback.RESPONSE_MODES),
            "entered_by": staff_name,
        },
        {**WHOSE, **INNER},
    ),
    Told(
        "answers",
        N_("Your answers, one by one"),
        ItemAnswer,
        {"response_id": MeasureResponse},
        {"response_id": link, "item": link, "answer": item, "late": plain},
    ),
    Told(
        "goals",
        N_("Your goals"),
        Goal,
        PERSON,
        {
            "referral_id": link,
            "need": one_of(NEED),
            "language": language,
            **each(plain, "words", "importance", "why", "first_step", "sure", "by_when", "ended_at"),
            "absent": parts,
            "status": one_of(GOAL),
            "recorded_by": staff_name,
        },
        {**WHOSE, **INNER},
    ),
    Told(
        "goal-changes",
        N_("What became of your goals"),
        GoalChange,
        {"goal_id": Goal},
        {"goal_id": link, "what": one_of(GOAL_CHANGE), "before": parts, "changed_by": staff_name},
    ),
    Told(
        "ratings",
        N_("How close you said you are"),
        GoalRating,
        {"goal_id": Goal},
        {
            **each(link, "goal_id", "check_in_id"),
            "rating": plain,
            "absent": one_of(ABSENT),
            "language": language,
            "completed_by": one_of(feedback.COMPLETED_BY),
            "response_mode": one_of(feedback.RESPONSE_MODES),
            "entered_by": staff_name,
        },
    ),
    Told(
        "goal-levels-set",
        N_("What each step of a goal looks like"),
        GoalAttainment,
        {"goal_id": Goal},
        {"goal_id": link, **each(plain, "weight", "baseline"), "levels": parts, "made_by": staff_name},
    ),
    Told(
        "goal-levels",
        N_("Which step a goal was found to be at"),
        GoalLevel,
        {"goal_id": Goal},
        {"goal_id": link, "level": plain, "rated_by": staff_name},
    ),
    Told(
        "comments",
        N_("What you said about the service"),
        Comment,
        PERSON,
        {
            "kind": one_of(COMMENT),
            "language": language,
            **each(plain, "reference", "words", "reply_to", "due_at", "acknowledged_at", "reply", "replied_at"),
            "closed_at": plain,
            **each(staff_name, "owner_id", "replied_by"),
        },
        {**WHOSE, **INNER, "once": Reason.KEYS},
    ),
    Told(
        "alerts",
        N_("When you said that you may not be safe"),
        Alert,
        {"person_id": ServiceUser, "referral_id": Referral},
        {
            **each(link, "referral_id", "form_id"),
            **each(plain, "reference", "question", "answer", "due_at", "opened_at", "closed_at"),
            "rule": one_of({code: rule.label for code, rule in alerts.RULES.items()}),
            "position": one_of(POSITION),
            **each(staff_name, "owner_id", "opened_by", "closed_by"),
        },
        {**WHOSE, **INNER, "what_was_done": Reason.STAFF_WORDS},
    ),
    Told(
        "alert-steps",
        N_("What happened then"),
        AlertEvent,
        {"alert_id": Alert},
        {
            "alert_id": link,
            "what": one_of(alerts.EVENT_NAMES),
            "position": one_of(POSITION),
            "staff_id": staff_name,
            "answer": plain,
        },
        {"what_was_done": Reason.STAFF_WORDS},
    ),
    Told(
        "tasks",
        N_("What staff had to do for you"),
        Task,
        {"person_id": ServiceUser, "referral_id": Referral, "draft_id": Draft},
        {
            "kind": one_of(TASK),
            **each(link, "draft_id", "referral_id", "message_id"),
            "details": parts,
            **each(staff_name, "assigned_to", "done_by"),
            **each(plain, "due_at", "done_at"),
        },
        {**WHOSE, "once": Reason.INNER},
    ),
    Told(
        "messages",
        N_("Messages to you"),
        Message,
        {"person_id": ServiceUser, "referral_id": Referral},
        {
            **each(plain, "template", "address", "refusal", "run_at", "attempts", "sent_at", "last_error"),
            "channel": one_of(people.CHANNELS),
            "language": language,
            "state": one_of(MESSAGE_STATE),
            "referral_id": link,
        },
        {
            **WHOSE,
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
        {"contact_way_id": link, **each(plain, "expires_at", "tries", "used_at")},
        {"code_hash": Reason.KEYS},
    ),
    Told(
        "page-codes",
        N_("Codes to open your page"),
        PersonCode,
        PERSON,
        {
            **each(link, "referral_id", "contact_way_id"),
            "issued_by": staff_name,
            **each(plain, "expires_at", "tries", "used_at"),
        },
        {**WHOSE, "browser_hash": Reason.KEYS, "code_hash": Reason.KEYS},
    ),
    Told(
        "visits",
        N_("When your page was open"),
        Visit,
        PERSON,
        {
            **each(link, "referral_id", "check_in_id"),
            **each(one_of(VISIT), "tier", "via", "task"),
            "language": language,
            **each(plain, "own_device", "seen_at", "expires_at", "ended_at"),
        },
        {**WHOSE, "key_hash": Reason.KEYS},
    ),
    Told(
        "erasure",
        N_("When you asked us to erase your record"),
        ErasureRequest,
        PERSON,
        {
            "state": one_of(ERASURE),
            **each(plain, "due_at", "decided_at", "reason"),
            **each(staff_name, "asked_by", "decided_by"),
        },
        {**WHOSE, **INNER},
    ),
    Told(
        "audit",
        N_("Who did or read what"),
        AuditEvent,
        {},
        {
            "act": act,
            "actor_id": staff_name,
            "actor_kind": one_of(ACTOR),
            **each(link, "about", "about_id"),
            "reason": plain,
            "details": parts,
        },
        {"mac": Reason.KEYS, "seal_id": Reason.INNER},
    ),
)
"""In the order of the copy; a table stands after those that it leads to."""
