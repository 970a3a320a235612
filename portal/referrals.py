"""Referrals: kept while they are being written, taken in, read, and decided on.

No answer blocks a person and none is lost; an urgent answer raises its alert when it is saved, not when the form is
sent. Sending the same form twice is one referral. Nothing is ever declined or closed by a timer.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Select, func, inspect, select, update
from sqlalchemy.orm import Session

from portal import access, alerts, audit, codes, drafts, measures, notifications, people, reading, services, tasks
from portal.access import Actor
from portal.clock import now, today
from portal.i18n import LANGUAGES, LONDON, N_
from portal.journeys import Answers, Problem, Step
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.engine import age_fits
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import Alert as Alert  # the doors name it in their types
from portal.store import (
    CaseMove,
    Closure,
    Draft,
    ReferralChange,
    ReferralNeed,
    Service,
    ServiceUser,
    Staff,
    TurnedAway,
)
from portal.store import Referral as Referral
from portal.store import Task as Task
from portal.store.once import write_once

Row = TypeVar("Row", CaseMove, Closure, ReferralChange)

STATUSES: dict[str, str] = {
    "submitted": N_("New"),
    "accepted": N_("Accepted"),
    "active": N_("Under way"),
    "on-hold": N_("On hold"),
    "passed-on": N_("Passed on"),
    "not-eligible": N_("Declined"),
    "declined": N_("The person said no"),
    "withdrawn": N_("The person has stopped it"),
    "closed": N_("Closed"),
    "duplicate": N_("Sent twice"),
}
"""Status codes in use so far (data dictionary 4.6, and passed-on), in the staff's words."""

WAITING = ("submitted",)
SPOKEN = ("phone", "staff")
"""The doors through which somebody says aloud what a member of staff types (of source_channel)."""
ANSWERED_BY = {"me": "self", "me-with-help": "supporter-reading", "someone-who-agrees": "proxy"}
"""Who answered, as the form itself says it; through a member of staff they are asked (completed_by)."""
SENT_PAGE_OPEN = {"own": timedelta(hours=24), "shared": timedelta(hours=1)}
"""How long the browser that sent a form may see its reference again, by the kind of device."""
ASKED_ANEW = ("what_matters", "needs", "urgency")
"""What a second referral asks again; everything else is shown with "is this still right?" (product 3)."""
UNFINISHED_AFTER = timedelta(hours=24)


class Gone(LookupError):
    """There is no such referral in this service."""


class Incomplete(Exception):
    """The journey has a gap: the named step."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class KeepsNothing(Exception):
    """The person said that somebody else does not know yet: nothing is kept."""


class AlreadyDecided(ValueError):
    """Somebody has decided about this referral meanwhile: ``referral`` says who, when and what."""

    def __init__(self, referral: Referral) -> None:
        super().__init__(referral.status)
        self.referral = referral


class NotThere(ValueError):
    """Nobody to give it to: they do not work here, or do not read referrals."""


class NotAllowed(ValueError):
    """The person has not allowed this."""


class NeedsWords(ValueError):
    """A reason or a word to the person is missing: the name of the field."""


@dataclass(frozen=True)
class Kept:
    """What became of one page: the problems by question, and whether an alert was raised just now."""

    draft: Draft
    problems: Mapping[str, Problem]
    alerted: bool = False


@dataclass(frozen=True)
class Line:
    """A referral in the inbox, with what a worker needs to choose the next one. ``matches``: by what the person may be
    known already (``people.MATCHES``)."""

    referral: Referral
    person: ServiceUser
    name: str
    needs: tuple[str, ...]
    promise: "Promise"
    unopened_alert: bool
    matches: tuple[str, ...]


@dataclass(frozen=True)
class Promise:
    """Where a referral stands against what we promised: ``working_days_left`` after today, or ``days_late`` by the
    calendar; both 0 means that today is the last day, or, when ``late``, that it was."""

    working_days_left: int
    days_late: int
    late: bool


@dataclass(frozen=True)
class Standing:
    """Where a referral stands, for the person: codes and facts, no words of ours.

    ``code``: waiting, late (waiting, and the promise is broken), accepted, active, on-hold, passed-on, not-eligible,
    withdrawn, closed, duplicate. ``by``: the day that we promised, while it waits. ``manager_told``: whether a manager
    has been told that it is late. ``since``: when it was decided or ended. ``worker``: who is the link worker, as the
    staff are called. ``word``: the service's word to the person, ``to_do`` what they may do themselves. ``next_by``:
    when the worker plans to get in touch again. ``until``: on hold until then, or, after an end, the last day on which
    it can be opened again. ``again``: when it was opened again. ``there``: its reference at the service it went to.
    ``asks_on``: after an end, when we ask once more how they are.
    """

    code: str
    by: date | None = None
    manager_told: bool = False
    since: datetime | None = None
    worker: str = ""
    word: str = ""
    passed_to: str = ""
    to_do: str = ""
    next_by: date | None = None
    until: date | None = None
    again: datetime | None = None
    there: str = ""
    asks_on: date | None = None

    @property
    def open(self) -> bool:
        """Whether something still happens with it, so that it can be withdrawn."""
        return self.code in ("waiting", "late", *Referral.OPEN)


@dataclass(frozen=True)
class Unsent:
    """A form that was not sent: what has been answered so far, and, as it was typed, what we could not read."""

    draft: Draft
    answers: Answers
    unread: Mapping[str, str]


# Taking in -----------------------------------------------------------------------------------------------------------


def begin(store: Session, service: Service, language: str, key: str, came: drafts.Came = drafts.WEB) -> Draft:
    """A new self-referral, in this browser or through another door; nothing is stored before the first answer."""
    return drafts.start(store, service, SELF_REFERRAL.code, SELF_REFERRAL.version, language, key, came)


def keep(store: Session, service: Service, draft: Draft, step: Step, raw: Mapping[str, object], language: str) -> Kept:
    """Keep what was typed on one page. Readable answers are stored, unreadable ones kept as typed; alerts are raised.

    Whoever types in what somebody else says asks in another order: nothing that is missing is a problem there before
    the form is sent, and no answer goes because the one on which it depends has not come yet. Raises ``KeepsNothing``
    when the answer says so; the draft is then gone.
    """
    answers, problems = step.read(raw)
    if draft.entered_by:
        problems = {code: problem for code, problem in problems.items() if problem is not Problem.MISSING}
    for question in step.questions:
        chosen = question.choice(answers.get(question.code))
        if chosen and chosen.keeps_nothing and not problems:
            if not inspect(draft).transient:
                drafts.drop(store, draft)
            raise KeepsNothing
    before = dict(draft.answers)
    # An answer that could not be read never overwrites one that could; what was typed stands beside it.
    together = _with_derived(service, {**before, **answers})
    if not draft.entered_by:
        together = SELF_REFERRAL.on_path(together)
    typed = {slug: fields for slug, fields in draft.typed.items() if slug != step.slug}
    if problems:
        typed[step.slug] = dict(raw)
    draft.language = language
    if "device" in answers and not problems:
        draft.own_device = answers["device"] == "own"
    _count_turned_away(store, service, draft, together)
    drafts.keep(store, service, draft, together, typed)
    return Kept(draft, problems, _raise_alerts(store, service, draft, step, before, answers))


def _with_derived(service: Service, answers: Answers) -> dict[str, object]:
    settings = services.settings_of(service)
    # Worked out anew each time: a changed date or postcode leaves nothing of the old one.
    told = {code: value for code, value in answers.items() if code not in SELF_REFERRAL.derived}
    born = people.value_of(told, "full_date_of_birth") or people.value_of(told, "date_of_birth")
    if born:
        # The year alone decides whether the whole date is asked; the whole date then decides about the age.
        told["fits_age"] = age_fits(str(told.get("date_of_birth") or born), today(), settings.minimum_age)
        if told["fits_age"] == "unsure" and len(born) > 4:
            told["fits_age_by_day"] = age_fits(born, today(), settings.minimum_age)
    if postcode := people.value_of(told, "postcode"):
        told["fits_area"] = settings.fits_area(reading.outward(postcode))
    elif people.value_of(told, "no_fixed_address"):
        told["fits_area"] = "yes"
    return told


def _count_turned_away(store: Session, service: Service, draft: Draft, answers: Answers) -> None:
    """The need that a service's rules leave outside is counted once a draft, without a name."""
    outside = [
        reason
        for reason, said in (
            ("age", [answers.get("fits_age"), answers.get("fits_age_by_day")]),
            ("area", [answers.get("fits_area")]),
        )
        if "no" in said
    ]
    for reason in outside:
        if reason in draft.turned_away:
            continue
        draft.turned_away = [*draft.turned_away, reason]
        month = today().replace(day=1)
        this = (TurnedAway.service_id == service.id, TurnedAway.month == month, TurnedAway.reason == reason)
        fresh = TurnedAway(service_id=service.id, month=month, reason=reason, count=0)
        write_once(store, fresh, select(TurnedAway).where(*this))  # two people may be the month's first
        store.execute(update(TurnedAway).where(*this).values(count=TurnedAway.count + 1))


def _raise_alerts(
    store: Session, service: Service, draft: Draft, step: Step, before: Answers, answers: Answers
) -> bool:
    raised = False
    for question in step.questions:
        if question.code not in answers:
            continue
        answer = answers[question.code]
        if rule := question.alert_for(answer):
            alerts.raise_for(
                store,
                service,
                form_id=draft.id,
                reference=draft.reference,
                question=question.code,
                answer=str(answer),
                rule=rule,
            )
            raised = True
        elif question.alert_for(before.get(question.code)):
            # The first answer stays visible to staff beside the changed one (product 6).
            alerts.answer_changed(store, service.id, draft.id, question.code, str(answer))
    return raised


def submit(store: Session, service: Service, draft: Draft, key: str, actor: Actor | None = None) -> Referral:
    """Send a draft: person, contact ways, permissions, referral, alerts and messages in one transaction. ``actor``: the
    member of staff who sends what somebody else said.

    The draft must be locked (``drafts.find(…, lock=True)``) or new sends will wait at the unique key. Raises
    ``Incomplete`` with the first gap.
    """
    answers = SELF_REFERRAL.on_path(draft.answers)
    if gap := SELF_REFERRAL.first_gap(answers):
        raise Incomplete(gap.slug)
    card = drafts.card(store, draft, key)
    moment = now()
    settings = services.settings_of(service)
    typed_by = actor.staff_id if actor else None
    spoken = draft.source_channel in SPOKEN
    person = people.add(store, service, answers, draft.language, recorded_by=typed_by, spoken=spoken)
    referral = Referral(
        service_id=service.id,
        id=codes.new_id(),
        person_id=person.id,
        reference=card.reference,
        return_hash=draft.return_hash,
        sent_key_hash=codes.digest(key),
        draft_id=draft.id,
        journey_version=draft.journey_version,
        language=draft.language,
        language_reviewed=LANGUAGES[draft.language].reviewed,
        source_channel=draft.source_channel,
        completed_by=draft.completed_by or ANSWERED_BY.get(str(answers["referring_for"])),
        entered_by=typed_by,
        said_on=draft.said_on,
        answers=answers,
        referrer_type=_referrer_type(answers),
        urgency=str(answers["urgency"]),
        status="submitted",
        referred_at=moment,
        due_at=services.promise_due(settings, moment),
    )
    store.add(referral)
    store.flush()
    needs = answers.get("needs")
    for need in needs if isinstance(needs, list) else []:
        store.add(ReferralNeed(service_id=service.id, referral_id=referral.id, need=need))
    _change(store, referral, None, "submitted", actor)
    alerts.attach(store, service.id, draft.id, referral.id, person.id)
    notifications.tell_person(
        store,
        service,
        person.id,
        "referral-received",
        once=f"referral-received:{referral.id}",
        details={
            "reference": codes.show_reference(referral.reference),
            "by": referral.due_at.astimezone(LONDON).date().isoformat(),
        },
        referral_id=referral.id,
    )
    measures.plan_baseline(store, service, referral, person)
    how: dict[str, Any] = {} if draft.source_channel == drafts.WEB.channel else {"channel": draft.source_channel}
    if draft.kiosk_id:
        how["kiosk"] = str(draft.kiosk_id)
    audit.record(store, service.id, actor, "submitted a referral", "referral", referral.id, **how)
    drafts.drop(store, draft)
    return referral


def _referrer_type(answers: Answers) -> str:
    if answers.get("referring_for") == "me":
        return "self"
    return people.value_of(answers, "helper_relationship") or "other"


def sent_by(store: Session, service_id: uuid.UUID, key: str | None) -> Referral | None:
    """The referral that this browser's key has sent: for a day on an own device, for an hour on a shared one."""
    if not key:
        return None
    mine = access.rows_of(service_id, Referral).where(
        Referral.sent_key_hash == codes.digest(key), Referral.referred_at > now() - SENT_PAGE_OPEN["own"]
    )
    found = store.scalar(mine)
    if found and not on_own_device(found) and found.referred_at < now() - SENT_PAGE_OPEN["shared"]:
        return None
    return found


def on_own_device(referral: Referral) -> bool:
    """Whether the person said that only they use the phone or computer it was sent from."""
    return referral.answers.get("device") == "own"


def begin_again(store: Session, service: Service, before: Referral, language: str, key: str) -> Draft:
    """Another referral by the same person: what they said before is there already, and is not asked again."""
    draft = begin(store, service, language, key)
    known = {code: answer for code, answer in before.answers.items() if code not in ASKED_ANEW}
    draft.own_device = on_own_device(before)
    draft.referral_id = before.id  # whose it is, should they be erased before it is sent
    fill_in(store, service, draft, known)
    audit.record(store, service.id, None, "began another referral", "referral", before.id)
    return draft


def fill_in(store: Session, service: Service, draft: Draft, known: Answers) -> None:
    """Begin a form with what is known already, by the rules of this service."""
    drafts.keep(store, service, draft, SELF_REFERRAL.on_path(_with_derived(service, known)))


def sent_with(store: Session, service_id: uuid.UUID, reference: str, number: str) -> Referral | None:
    """The referral that a return card belongs to, when its form has been sent."""
    found = store.scalar(access.rows_of(service_id, Referral).where(Referral.reference == reference))
    if found and drafts.number_opens(found.draft_id, found.return_hash, number):
        return found
    return None


# "A little more about you": after sending, optional ------------------------------------------------------------------


def keep_about_you(
    store: Session, service: Service, referral: Referral, step: Step, raw: Mapping[str, object]
) -> Mapping[str, Problem]:
    """Keep one page of the equality questions, straight on the person: there is nothing to send."""
    answers, problems = step.read(raw)
    # Held until the end: two tabs must not overwrite each other, nor one of them fail.
    person = store.get(ServiceUser, (service.id, referral.person_id), with_for_update=True, populate_existing=True)
    if person is None:
        raise Gone
    if not problems:
        person.about_you = {**ABOUT_YOU.on_path({**person.about_you, **answers}), "version": ABOUT_YOU.version}
        audit.record(store, service.id, None, "told about themselves", "service_user", person.id, step=step.slug)
        store.flush()
    return problems


def about_you_of(store: Session, referral: Referral) -> dict[str, object]:
    """The equality answers given so far."""
    person = store.get(ServiceUser, (referral.service_id, referral.person_id))
    return dict(person.about_you) if person else {}


# The inbox -----------------------------------------------------------------------------------------------------------


def inbox(store: Session, actor: Actor, after: uuid.UUID | None = None, most: int = 50) -> list[Line]:
    """New referrals, those with an unopened alert first, then the oldest promise first; those beyond ``after``."""
    access.require(actor, access.Permission.READ_INBOX)
    alarmed = alerts.referrals_with_unopened(store, actor.service_id)
    waiting: Select[Referral] = access.rows_of(actor.service_id, Referral).where(Referral.status.in_(WAITING))
    last = store.get(Referral, (actor.service_id, after)) if after else None
    behind = None
    if last is not None:
        behind = (Referral.due_at > last.due_at) | ((Referral.due_at == last.due_at) & (Referral.id > last.id))
    # The few with an alert by themselves, then the others along the index of the promise: nothing is sorted as a whole.
    rows: list[Referral] = []
    for among_alarmed in (True, False):
        some = waiting.where(Referral.id.in_(alarmed) if among_alarmed else Referral.id.not_in(alarmed))
        if last is not None and behind is not None and (last.id in alarmed) == among_alarmed:
            some = some.where(behind)
        elif last is not None and among_alarmed:
            continue  # an alert opened meanwhile moves a referral down, never out of the list
        if len(rows) < most:
            rows += store.scalars(some.order_by(Referral.due_at, Referral.id).limit(most - len(rows)))
    return _lines(store, actor, rows, alarmed)


def mine(store: Session, actor: Actor, most: int = 100) -> list[Line]:
    """Referrals that the actor has taken or been given, newest first."""
    access.require(actor, access.Permission.READ_INBOX)
    taken = access.rows_of(actor.service_id, Referral).where(
        Referral.assigned_to == actor.staff_id, Referral.status.in_(Referral.OPEN)
    )
    # Said so that the index of the worker's own cases is walked, and not everybody's by their ids.
    own = taken.order_by(Referral.referred_at.desc(), Referral.id.desc()).limit(most)
    return _lines(store, actor, store.scalars(own).all(), alerts.referrals_with_unopened(store, actor.service_id))


def _lines(store: Session, actor: Actor, rows: Sequence[Referral], alarmed: "set[uuid.UUID]") -> list[Line]:
    """As many queries for fifty referrals as for one."""
    settings = services.settings_of(store.get_one(Service, actor.service_id))
    theirs = access.rows_of(actor.service_id, ServiceUser).where(ServiceUser.id.in_([row.person_id for row in rows]))
    persons = {person.id: person for person in store.scalars(theirs)}
    waiting = [persons[row.person_id] for row in rows if row.status in WAITING]
    alike = people.duplicates_of_each(store, actor.service_id, waiting)
    needs: dict[uuid.UUID, list[str]] = {}
    chosen = access.rows_of(actor.service_id, ReferralNeed).where(
        ReferralNeed.referral_id.in_([row.id for row in rows])
    )
    for need in store.scalars(chosen.order_by(ReferralNeed.id)):
        needs.setdefault(need.referral_id, []).append(need.need)
    return [
        Line(
            row,
            persons[row.person_id],
            name_to_use(answers_now(row, persons[row.person_id], ())),
            tuple(needs.get(row.id, ())),
            promise_of(settings, row.due_at),
            unopened_alert=row.id in alarmed,
            matches=people.what_matches(alike.get(row.person_id, ())),
        )
        for row in rows
    ]


def name_to_use(answers: Answers) -> str:
    """The name that the person asked us to use, as they said it in these answers; empty when they gave none yet."""
    return people.value_of(answers, "preferred_name") or people.value_of(answers, "first_name") or ""


def answers_now(referral: Referral, person: ServiceUser, ways: Sequence[people.ContactWay]) -> dict[str, object]:
    """The answers of a referral, with what the person has corrected since it was sent."""
    if person.corrected_at is None or person.corrected_at < referral.referred_at:
        return dict(referral.answers)
    # What is blank in the record now was taken out by the person: it must not come back from the form.
    known = people.told_by(person, ways)
    return {code: said for code, said in referral.answers.items() if code not in people.TELLS} | known


def promise_of(settings: services.ServiceSettings, due_at: datetime) -> Promise:
    """Where a promise stands now. A working day is one on which the service opens."""
    here, due = today(), due_at.astimezone(LONDON).date()
    if due_at < now():
        return Promise(0, (here - due).days, late=True)
    days = (here + timedelta(days=ahead) for ahead in range(1, (due - here).days + 1))
    return Promise(sum(bool(services.open_on(settings, day)) for day in days), 0, late=False)


MOST_COUNTED = 500
"""Nobody needs to know whether 3,000 or 4,000 wait; counting them would make the inbox slower with every year."""


def waiting_count(store: Session, actor: Actor) -> int:
    """How many referrals are new, counted no further than one beyond MOST_COUNTED."""
    rows = select(Referral.id).where(Referral.service_id == actor.service_id, Referral.status.in_(WAITING))
    return store.scalar(select(func.count()).select_from(rows.limit(MOST_COUNTED + 1).subquery())) or 0


def needs_of(store: Session, referral: Referral) -> tuple[str, ...]:
    """The needs chosen from the list, in its order."""
    rows = access.rows_of(referral.service_id, ReferralNeed).where(ReferralNeed.referral_id == referral.id)
    return tuple(row.need for row in store.scalars(rows.order_by(ReferralNeed.id)))


# One referral --------------------------------------------------------------------------------------------------------


def read(store: Session, actor: Actor, referral_id: uuid.UUID) -> Referral:
    """A referral of the actor's service; the reading is written down. Raises ``Gone``."""
    found = find(store, actor, referral_id)
    audit.record(store, actor.service_id, actor, "read a referral", "referral", found.id)
    return found


def find(store: Session, actor: Actor, referral_id: uuid.UUID, *, lock: bool = False) -> Referral:
    """A referral of the actor's service, without writing down that it was read; ``lock`` holds it until the end of the
    transaction, as it is now. Raises ``Gone``."""
    access.require(actor, access.Permission.READ_REFERRAL)
    wanted = access.rows_of(actor.service_id, Referral).where(Referral.id == referral_id)
    locked = wanted.with_for_update().execution_options(populate_existing=True)
    found = store.scalar(locked if lock else wanted)
    if found is None:
        raise Gone
    return found


GAVE = "gave a referral"
"""The act of the audit by which a colleague gets a referral."""


def colleagues(store: Session, actor: Actor) -> dict[uuid.UUID, str]:
    """Whom a referral or an alert may be given to: everybody who works here and reads referrals, in the order of their
    names."""
    access.require(actor, access.Permission.READ_REFERRAL)
    able = [role.value for role in access.MAY[access.Permission.READ_REFERRAL]]
    # No more of the row than is shown: the rest would be decrypted for nothing.
    there = select(Staff.id, Staff.name).where(Staff.service_id == actor.service_id, Staff.state == "active")
    rows = store.execute(there.where(Staff.role.in_(able)).order_by(Staff.name, Staff.id))
    return {row.id: row.name for row in rows}


def staff_names(store: Session, actor: Actor) -> Mapping[uuid.UUID, str]:
    """The name of everybody who works or has worked here."""
    access.require(actor, access.Permission.READ_REFERRAL)
    # Names alone: the rest of the row would be decrypted for nothing.
    rows = store.execute(select(Staff.id, Staff.name).where(Staff.service_id == actor.service_id))
    return {row.id: row.name for row in rows}


def of_person(store: Session, actor: Actor, person_id: uuid.UUID) -> Sequence[Referral]:
    """A person's referrals, oldest first."""
    access.require(actor, access.Permission.READ_REFERRAL)
    theirs = access.rows_of(actor.service_id, Referral).where(Referral.person_id == person_id)
    return store.scalars(theirs.order_by(Referral.id)).all()


def _decide(store: Session, actor: Actor, referral_id: uuid.UUID) -> Referral:
    access.require(actor, access.Permission.DECIDE_REFERRAL)
    referral = find(store, actor, referral_id, lock=True)
    if referral.status not in WAITING:
        raise AlreadyDecided(referral)
    return referral


def set_status(
    store: Session,
    actor: Actor | None,
    referral: Referral,
    status: str,
    reason: str | None = None,
    *,
    words: str | None = None,
    until: date | None = None,
) -> None:
    """Give a referral, held by whoever calls, another status: the change is kept with who, when and why, and audited.

    ``actor``: ``None`` for the person themselves. ``reason``: a code; ``words`` and ``until`` say more. The moment of
    an end stands in ``closed_at``, which is empty again when it goes on. Raises ValueError for a status that does not
    exist; the status that it has already changes nothing.
    """
    if status not in STATUSES:
        raise ValueError(status)
    if referral.status == status:
        return
    was, referral.status, referral.reason = referral.status, status, reason
    referral.closed_at = None if referral.is_open or status in WAITING else now()
    _change(store, referral, was, status, actor, reason, words=words, until=until)
    audit.record(store, referral.service_id, actor, f"made a referral {status}", "referral", referral.id)
    store.flush()


def _decided(store: Session, actor: Actor, referral: Referral, status: str, reason: str | None = None) -> None:
    referral.decided_at, referral.decided_by = now(), actor.staff_id
    set_status(store, actor, referral, status, reason)


def _change(
    store: Session,
    referral: Referral,
    was: str | None,
    became: str,
    actor: Actor | None,
    reason: str | None = None,
    *,
    words: str | None = None,
    until: date | None = None,
) -> None:
    store.add(
        ReferralChange(
            service_id=referral.service_id,
            referral_id=referral.id,
            was=was,
            became=became,
            changed_by=actor.staff_id if actor else None,
            reason=reason,
            words=words,
            until=until,
        )
    )


def accept(
    store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, give_to: uuid.UUID | None = None
) -> Referral:
    """Accept a referral and take it, or give it to a colleague. Raises ``Gone``, ``AlreadyDecided``, ``NotThere``."""
    referral = _decide(store, actor, referral_id)
    referral.assigned_to = worker(store, actor, give_to or actor.staff_id).id
    _decided(store, actor, referral, "accepted")
    if referral.assigned_to != actor.staff_id:
        audit.record(store, actor.service_id, actor, GAVE, "referral", referral.id, to=str(referral.assigned_to))
    tasks.hand_on(store, actor, referral.id, None, referral.assigned_to)
    measures.plan_rest(store, service, referral)
    tell(store, service, referral, "referral-accepted")
    return referral


def worker(store: Session, actor: Actor, staff_id: uuid.UUID) -> Staff:
    """A colleague to whom a case may be given. Raises ``NotThere``."""
    found = store.get(Staff, (actor.service_id, staff_id))
    if found is None or found.state != "active" or found.role not in access.MAY[access.Permission.READ_REFERRAL]:
        raise NotThere
    return found


def tells_the_person(reason: services.Reason) -> bool:
    """Whether a referral that ends for this reason owes the person a word. Nobody is written to when the person has
    died, and a form sent twice is no news to anybody."""
    return reason.status != "duplicate" and reason.code != "died"


STOPS_ASKING = {
    "died": "died",
    "moved-away": "moved",
    "could-not-contact": "not-reached",
    "person-chose-to-stop": "withdrawn",
}
"""Why nothing comes back from the check-ins of a referral that was declined or closed for this reason; "closed" for the
rest."""


def decline(
    store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, *, reason: str, text: str, word: str
) -> Referral:
    """The service cannot take it: a reason from the service's list and a word to the person (see
    ``tells_the_person``) are both needed.

    Raises ``Gone``, ``AlreadyDecided``, ``NeedsWords``.
    """
    why = services.settings_of(service).reason(reason)
    if why is None:
        raise NeedsWords("reason")
    if not word.strip() and tells_the_person(why):
        raise NeedsWords("word")
    referral = _decide(store, actor, referral_id)
    referral.reason_text, referral.word_to_person = text.strip() or None, word.strip() or None
    _decided(store, actor, referral, why.status, reason)
    measures.stop(store, service, referral.id, STOPS_ASKING.get(reason, "closed"))
    if tells_the_person(why):
        tell(store, service, referral, "referral-decided")
    return referral


def pass_on(
    store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, *, to: str, reason: str, word: str
) -> Referral:
    """Somebody else will help: only with the person's permission to give their details.

    Raises ``Gone``, ``AlreadyDecided``, ``NeedsWords``, ``NotAllowed``.
    """
    for name, given in (("to", to), ("reason", reason), ("word", word)):
        if not given.strip():
            raise NeedsWords(name)
    referral = _decide(store, actor, referral_id)
    if not people.allows(store, actor.service_id, referral.person_id, "share_onward", hold=True):
        raise NotAllowed
    referral.passed_to, referral.reason_text, referral.word_to_person = to.strip(), reason.strip(), word.strip()
    _decided(store, actor, referral, "passed-on")
    measures.stop(store, service, referral.id, "closed")
    tell(store, service, referral, "referral-decided")
    return referral


def give_to(store: Session, actor: Actor, referral_id: uuid.UUID, staff_id: uuid.UUID) -> Referral:
    """Give an accepted referral to a colleague, with what there is to do about it; the person is told. Raises ``Gone``,
    ``NotThere``, and ``AlreadyDecided`` for one that nobody has, or has any more."""
    access.require(actor, access.Permission.DECIDE_REFERRAL)
    referral = find(store, actor, referral_id, lock=True)
    if not referral.is_open:
        raise AlreadyDecided(referral)
    hand_on(store, actor, referral, worker(store, actor, staff_id))
    return referral


def hand_on(store: Session, actor: Actor, referral: Referral, to: Staff) -> bool:
    """An open case, held by whoever calls, becomes a colleague's, with the open tasks of whoever had it; the person is
    told. Whether anything changed."""
    if referral.assigned_to == to.id:
        return False
    before, referral.assigned_to = referral.assigned_to, to.id
    audit.record(store, actor.service_id, actor, GAVE, "referral", referral.id, to=str(to.id))
    tasks.hand_on(store, actor, referral.id, before, to.id)
    store.flush()
    tell(store, store.get_one(Service, actor.service_id), referral, "case-given", again=True)
    return True


# The person's own side ------------------------------------------------------------------------------------------------


def of_one(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[Referral]:
    """A person's referrals for their own page, the newest first."""
    theirs = access.rows_of(service_id, Referral).where(Referral.person_id == person_id)
    return store.scalars(theirs.order_by(Referral.referred_at.desc(), Referral.id.desc())).all()


def standing(store: Session, service: Service, referral: Referral) -> Standing:
    """Where a referral stands now, for the person whose it is."""
    if referral.status in WAITING:
        by = referral.due_at.astimezone(LONDON).date()
        late = referral.due_at < now()
        return Standing("late" if late else "waiting", by, manager_told=referral.promise_reported_at is not None)
    return _open_standing(store, service, referral) if referral.is_open else _standing_at_the_end(store, referral)


def _open_standing(store: Session, service: Service, referral: Referral) -> Standing:
    worker = store.get(Staff, (service.id, referral.assigned_to)) if referral.assigned_to else None
    closure, change = _last(store, referral, Closure), _last(store, referral, ReferralChange)
    next_due = referral.next_due if referral.next_due and referral.next_due >= today() else None
    return Standing(
        referral.status,
        since=referral.decided_at,
        # Whoever has left is nobody to ask for.
        worker=worker.name if worker and worker.state == "active" else "",
        next_by=next_due if referral.status == "active" else None,
        until=change.until if change and referral.status == "on-hold" else None,
        again=closure.reopened_at if closure else None,
    )


def _standing_at_the_end(store: Session, referral: Referral) -> Standing:
    closure, move = _last(store, referral, Closure), _last(store, referral, CaseMove)
    if closure and closure.reopened_at:
        closure = None  # that end is over; what counts is how it ended since
    twice = closure is not None and closure.reason == "duplicate"
    later = measures.follow_ups(store, referral) if referral.status == "closed" else []
    return Standing(
        "withdrawn" if referral.status in SAID_NO else "duplicate" if twice else referral.status,
        since=referral.closed_at or referral.decided_at,
        word=(closure.person_summary if closure else referral.word_to_person) or "",
        to_do=(closure.actions_person if closure else None) or "",
        until=closure.reopen_until if closure and referral.status == "closed" and not twice else None,
        passed_to=referral.passed_to or "",
        there=move.to_reference if move and referral.status == "passed-on" else "",
        asks_on=later[0].due_at.astimezone(LONDON).date() if later else None,
    )


def _last(store: Session, referral: Referral, table: type[Row]) -> Row | None:
    """The last row of this kind that hangs on a referral."""
    theirs = access.rows_of(referral.service_id, table).where(table.referral_id == referral.id)
    return store.scalar(theirs.order_by(table.id.desc()).limit(1))


def last_change(store: Session, referral: Referral) -> ReferralChange | None:
    """The last change of a referral's status: who, when, why."""
    return _last(store, referral, ReferralChange)


WITHDRAWN = "withdrawn"
"""The status, and in its history the code for it, of a referral that the person has ended."""
SAID_NO = ("declined", WITHDRAWN)
"""How a referral stands that the person did not want: they said no when we asked, or ended it themselves (data
dictionary 4.6). For them it is one thing."""


def withdraw(store: Session, service: Service, person_id: uuid.UUID, referral_id: uuid.UUID) -> Referral:
    """ "I do not want this any more": the person ends their own referral. Nothing is deleted; check-ins stop, and a
    task tells the staff. Pressed twice it is one withdrawal. ``caseload.closing.withdraw`` writes down the end of the
    case as well. Raises ``Gone``, and ``AlreadyDecided`` for one that is over.
    """
    mine = access.rows_of(service.id, Referral).where(Referral.id == referral_id, Referral.person_id == person_id)
    referral = store.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if referral is None:
        raise Gone
    if referral.status in SAID_NO:
        return referral
    if referral.status not in (*WAITING, *Referral.OPEN):
        raise AlreadyDecided(referral)
    if referral.status in WAITING:  # nobody has decided about it; who once took it stays in the record
        referral.decided_at, referral.decided_by = now(), None
    set_status(store, None, referral, WITHDRAWN, WITHDRAWN)
    referral.reason = None  # nobody is made to give one (data dictionary 3.3)
    measures.stop(store, service, referral.id, WITHDRAWN)
    tasks.add(
        store,
        service.id,
        "person-withdrew",
        once=f"person-withdrew:{referral.id}",
        due_at=services.promise_due(services.settings_of(service), now()),
        person_id=referral.person_id,
        referral_id=referral.id,
        assigned_to=referral.assigned_to,
    )
    audit.record(store, service.id, None, "withdrew a referral", "referral", referral.id)
    store.flush()
    return referral


def merge(store: Session, actor: Actor, referral_id: uuid.UUID, into_person: uuid.UUID) -> Referral:
    """The referral's person is somebody we know: the records become one, reversibly. Raises ``people.NotMergeable``."""
    referral = find(store, actor, referral_id, lock=True)
    people.merge(store, actor, into_person, referral.person_id)
    return referral


def tell(store: Session, service: Service, referral: Referral, template: str, *, again: bool = False) -> None:
    """Tell the person, by what they allow; a task says what a worker must tell them otherwise. ``again``: it may happen
    more than once to the same referral.

    A word written by a worker may name health or a service, so it is never put into a message: the message says only
    that there is news.
    """
    notifications.tell_person(
        store,
        service,
        referral.person_id,
        template,
        once=f"{template}:{referral.id}:{codes.new_id()}" if again else f"{template}:{referral.id}",
        referral_id=referral.id,
    )


# Alerts, tasks and the forms behind them -----------------------------------------------------------------------------


def read_alert(store: Session, actor: Actor, alert_id: uuid.UUID) -> Alert:
    """An alert of the actor's service; the reading is written down, and stops no clock. Raises ``Gone``."""
    access.require(actor, access.Permission.HANDLE_ALERTS)
    found = store.scalar(access.rows_of(actor.service_id, Alert).where(Alert.id == alert_id))
    if found is None:
        raise Gone
    audit.record(store, actor.service_id, actor, "read an alert", "alert", found.id)
    return found


def draft_of_alert(store: Session, actor: Actor, alert: Alert) -> Unsent | None:
    """The unsent form that an alert came from: what the person said so far is what helps to reach them safely.

    ``None`` when the form was sent (the alert then has its referral) or is not kept any more. The reading is written
    down.
    """
    access.require(actor, access.Permission.HANDLE_ALERTS)
    return _unsent(store, actor, alert.form_id) if alert.referral_id is None else None


def read_task(store: Session, actor: Actor, task_id: uuid.UUID) -> Task:
    """A task of the actor's service. Raises ``Gone``."""
    access.require(actor, access.Permission.HANDLE_TASKS)
    found = store.scalar(access.rows_of(actor.service_id, Task).where(Task.id == task_id))
    if found is None:
        raise Gone
    return found


def draft_of_task(store: Session, actor: Actor, task: Task) -> Unsent | None:
    """The unsent form whose writer asked us to get in touch; ``None`` when it was sent or is not kept any more. The
    reading is written down."""
    access.require(actor, access.Permission.HANDLE_TASKS)
    return _unsent(store, actor, task.draft_id)


def of_draft(store: Session, actor: Actor, draft_id: uuid.UUID | None) -> Referral | None:
    """The referral that a form became."""
    access.require(actor, access.Permission.READ_INBOX)
    return store.scalar(access.rows_of(actor.service_id, Referral).where(Referral.draft_id == draft_id))


def _unsent(store: Session, actor: Actor, draft_id: uuid.UUID | None) -> Unsent | None:
    draft = store.scalar(access.rows_of(actor.service_id, Draft).where(Draft.id == draft_id)) if draft_id else None
    if draft is None:
        return None
    audit.record(store, actor.service_id, actor, "read an unsent form", "draft", draft.id)
    answers = SELF_REFERRAL.on_path(draft.answers)
    typed = {code: raw for fields in draft.typed.values() for code, raw in fields.items()}
    unread = {code: " ".join(raw) if isinstance(raw, list) else str(raw) for code, raw in typed.items()}
    return Unsent(draft, answers, {code: raw for code, raw in unread.items() if code not in answers and raw.strip()})


# What the clock does -------------------------------------------------------------------------------------------------


def ask_about_unfinished(store: Session, service: Service) -> int:
    """ "If I don't finish, please contact me": a task for each such draft that has rested for a day, and for each that
    a colleague has begun to type in. How many."""
    resting = access.rows_of(service.id, Draft).where(
        Draft.contact_if_unfinished.is_(True), Draft.touched_at < now() - UNFINISHED_AFTER
    )
    made = 0
    for draft in store.scalars(resting.limit(200)).all():
        tasks.add(
            store,
            service.id,
            tasks.Kind.UNFINISHED_ENTRY if draft.entered_by else tasks.Kind.UNFINISHED_FORM,
            once=f"unfinished-form:{draft.id}",
            due_at=services.promise_due(services.settings_of(service), now()),
            draft_id=draft.id,
        )
        draft.contact_if_unfinished = False
        made += 1
    store.flush()
    return made


def report_broken_promises(store: Session, service: Service) -> int:
    """A referral that waits longer than promised becomes a manager's task, once. It is never closed by the clock."""
    late = access.rows_of(service.id, Referral).where(
        Referral.status.in_(WAITING), Referral.due_at < now(), Referral.promise_reported_at.is_(None)
    )
    made = 0
    for referral in store.scalars(late.limit(200)).all():
        manager = services.holder(store, service.id, "manager", now())
        tasks.add(
            store,
            service.id,
            "promise-broken",
            once=f"promise-broken:{referral.id}",
            due_at=now(),
            referral_id=referral.id,
            person_id=referral.person_id,
            assigned_to=manager,
        )
        notifications.tell_staff(store, service, manager, "promise-broken", once=f"promise-broken:{referral.id}")
        referral.promise_reported_at = now()
        made += 1
    store.flush()
    return made


def median_days_to_first_contact(store: Session, service: Service, days: int = 90, least: int = 10) -> int | None:
    """The honest waiting time: median whole days from referral to first contact, of the first contacts of the last 90
    days, so that whoever waited longer than that counts too.

    ``None`` under ten first contacts: fewer say little, and nothing else (a decision, an attempt in vain) stands in for
    having been spoken with.
    """
    rows = select(Referral.referred_at, Referral.first_contact_at).where(
        Referral.service_id == service.id, Referral.first_contact_at > now() - timedelta(days=days)
    )
    waited = sorted((reached - referred).days for referred, reached in store.execute(rows) if reached)
    return waited[len(waited) // 2] if len(waited) >= least else None
