"""What somebody says to a member of staff, or wrote on paper: typed in with the form's own questions, in another order.

It is the same draft and becomes the same referral as from the web: only who answered, who typed and through which door
differ. Nothing blocks: whatever is there is kept at every press, any colleague goes on with it, and only sending asks
for what the form itself cannot be sent without. Answers that somebody may not be safe raise their alert when they are
kept.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from portal import access, audit, codes, drafts, feedback, people, reading, referrals, tasks
from portal.access import Actor, Permission
from portal.clock import now, today
from portal.drafts import Draft
from portal.i18n import LANGUAGES, N_
from portal.journeys import Answers, Problem, Question, Step, orders
from portal.journeys.orders import ORDERS, Order
from portal.journeys.self_referral import SELF_REFERRAL
from portal.referrals import Referral
from portal.store import AuditEvent, Service, Staff
from portal.store.once import write_once

CHANNELS: Mapping[str, str] = {
    "phone": N_("On the phone"),
    "paper": N_("From a paper form"),
    "staff": N_("The person is here"),
}
"""How a form comes to the member of staff who types it in (source_channel)."""

COMPLETED_BY = feedback.COMPLETED_BY
"""Who answers: one list for the form and for check-ins."""

SAYS_ALREADY: Mapping[str, str] = {"self": "me", "interpreter": "me", "supporter-reading": "me-with-help"}
"""What is known about whom the form is for when it is known who answers. Somebody who answers for another person is
asked: whether that person agrees is not for us to guess."""


NUMBER_AGAIN = timedelta(hours=24)
"""For how long after sending another return number can be had here; later the person's link worker gives a code."""


MADE_CARD = "made a card for a moved case"


class Gone(LookupError):
    """There is no such form to be typed in: it was sent, thrown away, or its time is over."""


class NotComplete(ValueError):
    """It cannot be sent yet: ``gaps`` says what is missing."""

    def __init__(self, gaps: "Gaps") -> None:
        super().__init__(len(gaps.missing) + len(gaps.unread))
        self.gaps = gaps


@dataclass(frozen=True)
class Entry:
    """A form that somebody has begun to type in. ``name`` and ``number`` (to ring back, of a call) as far as they are
    known; ``by`` is the colleague who typed last."""

    draft: Draft
    name: str
    number: str
    by: str
    begun_at: datetime


@dataclass(frozen=True)
class Gaps:
    """What is not there yet: ``missing`` the form cannot be sent without, ``unread`` was typed and could not be read,
    ``unasked`` nobody has put yet."""

    missing: tuple[Question, ...]
    unread: tuple[Question, ...]
    unasked: tuple[Question, ...]

    @property
    def may_send(self) -> bool:
        """Whether the form can be sent as it is."""
        return not (self.missing or self.unread)


@dataclass(frozen=True)
class Sent:
    """The referral, and the return number that is shown once, to be read out or printed; empty when it was sent
    before."""

    referral: Referral
    number: str


# Beginning and going on ----------------------------------------------------------------------------------------------


def begin(
    store: Session,
    service: Service,
    actor: Actor,
    *,
    channel: str,
    completed_by: str,
    language: str,
    said_on: date | None = None,
    once: uuid.UUID | None = None,
) -> Draft:
    """A form to be typed in; with the same ``once`` (an id) it is begun once.

    ``channel`` of CHANNELS, ``completed_by`` of COMPLETED_BY, ``language`` the person's, of LANGUAGES (KeyError
    otherwise); ``said_on`` the day that stands on the paper (Unreadable when it cannot be true).
    """
    access.require(actor, Permission.ENTER_REFERRALS)
    CHANNELS[channel], COMPLETED_BY[completed_by], LANGUAGES[language]
    given = dict(orders.NOT_THEIRS)
    if completed_by in SAYS_ALREADY:
        given["referring_for"] = SAYS_ALREADY[completed_by]
    came = drafts.Came(
        channel,
        completed_by,
        actor.staff_id,
        said_on=reading.written_on(said_on, today()) if said_on and channel == "paper" else None,
        given=given,
    )
    made = referrals.begin(store, service, language, codes.new_key(), came)
    made.id = once or made.id
    made.contact_if_unfinished = True  # what rests for a day becomes a task
    draft, fresh = write_once(store, made, access.rows_of(service.id, Draft).where(Draft.id == made.id))
    if not fresh:
        return draft
    how = {"channel": channel, "completed_by": completed_by}
    audit.record(store, service.id, actor, "began to type in a form", "draft", draft.id, **how)
    return draft


def unfinished(store: Session, actor: Actor, after: uuid.UUID | None = None, most: int = 50) -> list[Entry]:
    """What colleagues have begun and nobody has sent, the oldest first; the reading is written down."""
    access.require(actor, Permission.ENTER_REFERRALS)
    begun = drafts.entries(store, actor.service_id, SELF_REFERRAL.code, after, most)
    staff = access.rows_of(actor.service_id, Staff).where(Staff.id.in_({one.entered_by for one in begun}))
    names = {one.id: one.name for one in store.scalars(staff)}
    if begun:
        audit.record(store, actor.service_id, actor, "read the unfinished forms", number=len(begun))
    return [
        Entry(
            one,
            referrals.name_to_use(one.answers),
            people.value_of(one.answers, "phone") or "" if one.source_channel == "phone" else "",
            names.get(one.entered_by, "") if one.entered_by else "",
            one.created_at,
        )
        for one in begun
    ]


def find(store: Session, actor: Actor, draft_id: uuid.UUID, *, lock: bool = False) -> Draft:
    """A form that somebody has begun to type in, whoever it was. Raises ``Gone``."""
    access.require(actor, Permission.ENTER_REFERRALS)
    found = drafts.entry(store, actor.service_id, SELF_REFERRAL.code, draft_id, lock=lock)
    if found is None:
        raise Gone
    return found


def look(store: Session, actor: Actor, draft_id: uuid.UUID) -> Draft:
    """The same, to be shown: the reading is written down. Raises ``Gone``."""
    found = find(store, actor, draft_id)
    audit.record(store, actor.service_id, actor, "read an unsent form", "draft", found.id)
    return found


def order_of(draft: Draft) -> Order:
    """The order in which this form is typed in."""
    return ORDERS[draft.source_channel]


# Keeping -------------------------------------------------------------------------------------------------------------


def stands(draft: Draft, step: Step) -> str:
    """A mark of what is kept of a page now: when it differs from the one that a page was shown with, a colleague has
    changed something meanwhile."""
    kept = {question.code: draft.answers.get(question.code) for question in step.questions}
    return codes.digest(json.dumps([kept, draft.typed.get(step.slug)], sort_keys=True))[:16]


def differs(draft: Draft, step: Step, raw: Mapping[str, object]) -> tuple[Question, ...]:
    """The questions of a page to which something else is kept than what is typed now."""
    typed, problems = step.read(raw)
    return tuple(
        question
        for question in step.questions
        if question.code in draft.answers
        and (question.code in problems or typed.get(question.code) != draft.answers[question.code])
    )


def keep(
    store: Session,
    service: Service,
    actor: Actor,
    draft: Draft,
    step: Step,
    raw: Mapping[str, object],
    *,
    stops: bool = False,
) -> referrals.Kept:
    """Keep what was typed on one page; alerts are raised at once. ``stops``: the talk ended in the middle of the page,
    so what is blank there was not left blank: it was not asked.

    Raises ``referrals.KeepsNothing``; the draft is then gone.
    """
    access.require(actor, Permission.ENTER_REFERRALS)
    if stops:
        step = replace(step, questions=tuple(one for one in step.questions if _is_there(one, raw, draft.answers)))
    draft.entered_by = actor.staff_id
    audit.record(store, service.id, actor, "typed in part of a form", "draft", draft.id, section=step.slug)
    return referrals.keep(store, service, draft, step, raw, draft.language)


def _is_there(question: Question, raw: Mapping[str, object], answers: Answers) -> bool:
    given = raw.get(question.code)
    typed = given if isinstance(given, list | tuple) else [given or ""]
    return question.code in answers or not all(reading.is_blank(str(one)) for one in typed)


def gaps(draft: Draft) -> Gaps:
    """What is not there yet."""
    answers = SELF_REFERRAL.on_path(draft.answers)
    unread = tuple(one for one in _unread(draft) if _asked(one.code, answers))
    missing = tuple(one for one in orders.missing(SELF_REFERRAL, answers) if one not in unread)
    unasked = tuple(one for one in orders.unasked(SELF_REFERRAL, answers) if one not in unread)
    return Gaps(missing, unread, unasked)


def _asked(code: str, answers: Answers) -> bool:
    return any(one.code == code for step in SELF_REFERRAL.path(answers) for one in step.questions)


def _unread(draft: Draft) -> Iterator[Question]:
    """What was typed and could not be read."""
    order = order_of(draft)
    for slug, typed in draft.typed.items():
        if section := order.section(slug):
            page = order.page(section, draft.answers)
            for code, problem in page.read(typed)[1].items():
                if problem is not Problem.MISSING and code in typed:
                    yield SELF_REFERRAL.question(code)


# Sending and throwing away -------------------------------------------------------------------------------------------


def send(store: Session, service: Service, actor: Actor, draft_id: uuid.UUID) -> Sent:
    """Send a form. Sent twice it is one referral, and the number is shown the first time only. Raises ``NotComplete``,
    ``Gone``."""
    access.require(actor, Permission.ENTER_REFERRALS)
    try:
        draft = find(store, actor, draft_id, lock=True)
    except Gone:
        if before := sent_as(store, actor, draft_id):
            return Sent(before, "")
        raise
    found = gaps(draft)
    if not found.may_send:
        raise NotComplete(found)
    draft.answers = orders.with_unasked(SELF_REFERRAL, SELF_REFERRAL.on_path(draft.answers))
    key = codes.new_key()
    referral = referrals.submit(store, service, draft, key, actor)
    _nobody_has_to_go_on(store, service.id, draft_id)
    return Sent(referral, codes.return_number_from(key))


def sent_as(store: Session, actor: Actor, draft_id: uuid.UUID) -> Referral | None:
    """The referral that a typed-in form became."""
    access.require(actor, Permission.ENTER_REFERRALS)
    theirs = access.rows_of(actor.service_id, Referral)
    return store.scalar(theirs.where(Referral.draft_id == draft_id, Referral.entered_by.is_not(None)))


def look_sent(store: Session, actor: Actor, draft_id: uuid.UUID) -> Sent:
    """The same, to be shown: the reading is written down. Raises ``Gone``."""
    found = sent_as(store, actor, draft_id)
    if found is None:
        raise Gone
    audit.record(store, actor.service_id, actor, "read a referral", "referral", found.id)
    return Sent(found, "")


def new_number(store: Session, actor: Actor, draft_id: uuid.UUID) -> Sent:
    """Another return number for a form that was typed in and sent; the one before stops working. Raises ``Gone``."""
    found = sent_as(store, actor, draft_id)
    if found is None or found.referred_at < now() - NUMBER_AGAIN:
        raise Gone
    number = codes.return_number_from(codes.new_key())
    found.return_hash = drafts.hash_of(found.draft_id, number)
    audit.record(store, actor.service_id, actor, "gave a new return number", "referral", found.id)
    store.flush()
    return Sent(found, number)


def may_make_card(store: Session, referral: Referral) -> bool:
    """Whether nobody has a card of this referral, because it came from another service of this portal; or the card was
    made within NUMBER_AGAIN, and was perhaps not written down."""
    if referral.source_channel != "staff" or referral.entered_by is not None:
        return False
    made = (
        access.rows_of(referral.service_id, AuditEvent)
        .where(AuditEvent.about_id == referral.id, AuditEvent.act == MADE_CARD)
        .where(AuditEvent.created_at > now() - NUMBER_AGAIN)
    )
    return referral.return_hash is None or store.scalars(made.limit(1)).first() is not None


def make_card(store: Session, actor: Actor, referral_id: uuid.UUID) -> Sent:
    """The card of somebody whose case came from another service: their number there opens nothing here. Raises
    ``referrals.Gone``, and ``Gone`` when they have a card already."""
    access.require(actor, Permission.CONFIRM_CONTACT)
    referral = referrals.find(store, actor, referral_id, lock=True)
    if not may_make_card(store, referral):
        raise Gone
    number = codes.return_number_from(codes.new_key())
    referral.return_hash = drafts.hash_of(referral.draft_id, number)
    audit.record(store, actor.service_id, actor, MADE_CARD, "referral", referral.id)
    store.flush()
    return Sent(referral, number)


def throw_away(store: Session, actor: Actor, draft: Draft) -> None:
    """Nothing is to come of it: typed in twice, or the person does not want it. Its alerts stay."""
    access.require(actor, Permission.ENTER_REFERRALS)
    audit.record(store, actor.service_id, actor, "threw away an unsent form", "draft", draft.id)
    _nobody_has_to_go_on(store, actor.service_id, draft.id)
    drafts.drop(store, draft)


def _nobody_has_to_go_on(store: Session, service_id: uuid.UUID, draft_id: uuid.UUID) -> None:
    tasks.no_longer_needed(store, service_id, once=[f"unfinished-form:{draft_id}"])
