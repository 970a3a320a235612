"""What is told of the tables of a case, or why it is left out."""

from collections.abc import Mapping, Sequence

from portal.caseload import lists
from portal.exports.saying import link, one_of, parts, plain, some_of, staff_name
from portal.exports.telling import INNER, PERSON, WHOSE, Told, each
from portal.exports.tree import Reason
from portal.exports.words import AGREED, LETTER, LETTER_HOW, LETTER_TO, NEED
from portal.i18n import N_
from portal.journeys import access_needs
from portal.store import (
    AccessNeed,
    CarePlan,
    CarePlanVersion,
    CaseMove,
    CaseNote,
    Closure,
    Contact,
    Letter,
    NamePart,
    Onward,
    OnwardChange,
    PlanAction,
    ReadingReason,
    Record,
    Risk,
    Safeguarding,
)

WITHHELD: Mapping[type[Record], str] = {
    # Who reads over the person's shoulder may be who the concern is about (PRSB section 5; data dictionary 3.4).
    Safeguarding: "not even that there is one",
    NamePart: "made from the name, which is told",
}
"""Tables with somebody's rows that the copy does not name, and why. Staff find these by another way (the runbook on
requests for access says how)."""


def _words(listed: Sequence[lists.Listed]) -> dict[str, str]:
    return {one.code: one.label for one in listed}


def _for_staff(*columns: str) -> dict[str, Reason]:
    return dict.fromkeys(columns, Reason.STAFF_WORDS)


TOLD_OF_CASE: tuple[Told, ...] = (
    Told(
        "contacts",
        N_("When we spoke, or tried to"),
        Contact,
        PERSON,
        {
            "referral_id": link,
            **each(plain, "happened_at", "minutes", "interpreter_used", "shared_note", "next_due", "safe_followed"),
            "direction": one_of({"in": N_("You got in touch"), "out": N_("We got in touch")}),
            "outcome": one_of(_words(lists.ATTEMPT_OUTCOMES)),
            "mechanism": one_of(_words(lists.MECHANISMS)),
            "location": one_of(_words(lists.LOCATIONS)),
            "with_whom": some_of(_words(lists.WITH_WHOM)),
            "results": some_of(_words(lists.CONTACT_RESULTS)),
            "ais_met": one_of(_words(lists.ACCESS_MET)),
            **each(staff_name, "worker_id", "recorded_by"),
        },
        {**WHOSE, **INNER, "once": Reason.INNER, **_for_staff("notes", "next_step")},
    ),
    Told(
        "notes",
        N_("Notes shared with you"),
        CaseNote,
        PERSON,
        {**each(link, "referral_id", "corrects"), **each(plain, "shared", "words"), "written_by": staff_name},
        WHOSE,
        {"words": "shared"},
    ),
    Told(
        "access",
        N_("What makes it easier for you"),
        AccessNeed,
        PERSON,
        {
            "category": one_of(access_needs.CATEGORIES),
            "need": one_of({term.code: term.label for term in access_needs.TERMS}),
            **each(plain, "said", "detail", "if_not_met", "review_due", "reviewed_at", "ended_at"),
            "need_of": one_of(_words(lists.NEED_OF)),
            **each(staff_name, "recorded_by", "reviewed_by", "ended_by"),
        },
        {**WHOSE, **INNER},
    ),
    Told(
        "safety",
        N_("Whether staff wrote down anything about safety"),
        Risk,
        PERSON,
        {
            "referral_id": link,
            **each(plain, "started", "review_due", "ended_at"),
            **each(staff_name, "recorded_by", "ended_by"),
        },
        {**WHOSE, **INNER, **_for_staff("kind", "words")},
    ),
    Told(
        "plan",
        N_("Your plan"),
        CarePlan,
        PERSON,
        {
            "referral_id": link,
            **each(plain, "number", "strengths", "agreed_at", "agreed_name", "review_due"),
            "agreed": one_of(AGREED),
            "agreed_by": one_of(_words(lists.AGREED_BY)),
        },
        {**WHOSE, **INNER, **_for_staff("why_not_agreed")},
    ),
    Told(
        "plan-versions",
        N_("How your plan changed"),
        CarePlanVersion,
        {"plan_id": CarePlan},
        {"plan_id": link, "number": plain, "content": parts, "made_by": staff_name},
    ),
    Told(
        "actions",
        N_("Who does what for your goals"),
        PlanAction,
        PERSON,
        {
            **each(link, "referral_id", "goal_id"),
            **each(plain, "words", "who_name", "due", "sure", "barriers", "review_due", "changed_at"),
            "who": one_of(lists.ACTION_WHO_TO_PERSON),
            "status": one_of(_words(lists.ACTION_STATUSES)),
            "changed_by": staff_name,
        },
        {**WHOSE, **INNER},
    ),
    Told(
        "onward",
        N_("Where we pointed you or sent your details"),
        Onward,
        PERSON,
        {
            **each(link, "referral_id", "activity_id", "permission_id", "message_id"),
            "kind": one_of(_words(lists.ONWARD_KINDS)),
            **each(plain, "activity_name", "provider_name", "made_on", "sent_to", "status_on", "attended_first_on"),
            "check_due": plain,
            "need": one_of(NEED),
            "shared": parts,
            "status": one_of(_words(lists.ONWARD_STATUSES)),
            "barriers": some_of(_words(lists.BARRIERS)),
            "made_by": staff_name,
        },
        {**WHOSE, **INNER, "once": Reason.INNER, **_for_staff("reason")},
    ),
    Told(
        "onward-steps",
        N_("What became of it"),
        OnwardChange,
        {"onward_id": Onward},
        {
            "onward_id": link,
            "status": one_of(_words(lists.ONWARD_STATUSES)),
            "on": plain,
            "barriers": some_of(_words(lists.BARRIERS)),
            "changed_by": staff_name,
        },
        _for_staff("reason"),
    ),
    Told(
        "endings",
        N_("When our work together ended"),
        Closure,
        PERSON,
        {
            "referral_id": link,
            "reason": one_of(_words(lists.CLOSURE_REASONS)),
            "outcomes": parts,
            **each(plain, "person_summary", "actions_professionals", "no_action", "actions_person", "closed_at"),
            **each(plain, "follow_up_due", "reopen_until", "retention_review_due", "reopened_at"),
            "followed_up_at": plain,
            **each(staff_name, "closed_by", "reopened_by"),
        },
        {**WHOSE, **INNER, **_for_staff("reason_text", "summary", "reopened_because")},
    ),
    Told(
        "moves",
        N_("When another service took over"),
        CaseMove,
        PERSON,
        {
            **each(link, "referral_id", "permission_id"),
            **each(plain, "to_service", "to_reference", "shared"),
            "moved_by": staff_name,
        },
        WHOSE,
    ),
    Told(
        "letters",
        N_("Messages about you to your GP, or to who asked us to help"),
        Letter,
        PERSON,
        {
            **each(link, "referral_id", "permission_id", "message_id"),
            "recipient": one_of(LETTER_TO),
            **each(plain, "occasion", "sent_to", "sent_at"),
            "state": one_of(LETTER),
            "how": one_of(LETTER_HOW),
            "sent_by": staff_name,
        },
        # What was said about risks stands in it: somebody reads it first.
        {**WHOSE, **INNER, **_for_staff("content", "not_sent_because")},
    ),
    Told(
        "reasons",
        N_("Why somebody else than your link worker read your record"),
        ReadingReason,
        PERSON,
        {"staff_id": staff_name, "reason": one_of(_words(lists.READING_REASONS)), "ends_at": plain},
        {**WHOSE, **_for_staff("words")},
    ),
)
"""In the order of the copy; a table stands after those that it leads to."""
