"""What is called how in the copy: columns, codes, acts."""

from portal import referrals, tasks
from portal.i18n import N_, gettext
from portal.journeys.self_referral import NEEDS

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


STATUS = {
    **referrals.STATUSES,
    "not-eligible": N_("We could not help with it"),
    "declined": N_("You did not want it any more"),
}
CHECK_IN = {
    "ready": N_("Not begun"),
    "in-progress": N_("Begun"),
    "completed": N_("Finished"),
    "cancelled": N_("Stopped"),
    "on-hold": N_("Waiting"),
}
OCCASION = {
    "baseline": N_("At the start"),
    "review": N_("On the way"),
    "closure": N_("At the end"),
    "follow-up": N_("Some time after"),
}
DECISION = {
    "given": N_("Yes"),
    "refused": N_("No"),
    "withdrawn": N_("No: you took your yes back"),
    "left-blank": N_("Left blank"),
    "prefer-not-to-say": N_("I’d rather not say"),
}
GIVEN_BY = {
    "person": N_("You"),
    "proxy": N_("Someone who helped you"),
    "staff-recorded-verbal": N_("You told a member of staff"),
}
GOAL = {"active": N_("Going on"), "on-hold": N_("Set aside"), "completed": N_("Reached")}
GOAL_CHANGE = {
    "set": N_("Set"),
    "revised": N_("Changed"),
    "achieved": N_("Reached"),
    "set-aside": N_("Set aside"),
    "taken-up-again": N_("Taken up again"),
}
ABSENT = {
    "prefer-not-to-say": N_("I’d rather not say"),
    "dont-know": N_("I don’t know"),
    "left-blank": N_("Left blank"),
    "not-asked": N_("Not asked"),
}
DERIVED: dict[str, str] = {"yes": N_("Yes"), "no": N_("No"), "unsure": N_("I don’t know")}
"""What the form works out by itself, such as whether the age fits."""
ACTOR = {
    "staff": N_("Staff"),
    "person": N_("You, or someone who helped you"),
    "system": N_("The computer, by itself"),
}
MESSAGE_STATE = {
    "waiting": N_("Waiting to be sent"),
    "sent": N_("Sent"),
    "refused": N_("Not sent"),
    "failed": N_("Did not arrive"),
}
VISIT = {
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
REASON_WORDS = {referrals.WITHDRAWN: N_("You did not want it any more")}
TASK = {
    **{kind.value: words for kind, words in tasks.KIND_NAMES.items()},
    "tell-the-person": N_("Tell you something that we could not send"),
    "unfinished-form": N_("Get in touch about a form that you did not finish"),
    "person-withdrew": N_("You do not want our help any more"),
    "details-changed": N_("You changed your details"),
}
POSITION = {"duty": N_("Whoever was on duty"), "deputy": N_("The deputy"), "manager": N_("The manager")}
COMMENT = {
    "complaint": N_("Complaint"),
    "compliment": N_("Praise"),
    "what-helped": N_("What helped"),
    "could-be-better": N_("What could be better"),
}
ERASURE = {"asked": N_("Asked"), "refused": N_("We said no"), "done": N_("Done")}
NEED = {choice.code: choice.label for choice in NEEDS}

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
