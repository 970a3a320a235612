"""Referrals: kept while they are being written, taken in, read, and decided on.

No answer blocks a person and none is lost; an urgent answer raises its alert when it is saved, not when the form is
sent. Sending the same form twice is one referral. Nothing is ever declined or closed by a timer.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, case, func, inspect, select
from sqlalchemy.orm import Session

from portal import access, alerts, audit, codes, drafts, notifications, people, reading, services, tasks
from portal.access import Actor
from portal.clock import now, today
from portal.i18n import LANGUAGES, LONDON, N_
from portal.journeys import Answers, Problem, Step
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.engine import age_fits
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import Draft, ReferralChange, ReferralNeed, Service, ServiceUser, Staff, TurnedAway
from portal.store import Referral as Referral  # the doors name it in their types

STATUSES: dict[str, str] = {
    "submitted": N_("New"),
    "accepted": N_("Accepted"),
    "passed-on": N_("Passed on"),
    "not-eligible": N_("Declined"),
    "declined": N_("The person said no"),
    "closed": N_("Closed"),
    "duplicate": N_("Sent twice"),
}
"""Status codes in use so far (data dictionary 4.6, and passed-on), in the staff's words."""

WAITING = ("submitted",)
SENT_PAGE_OPEN = timedelta(hours=24)
"""How long the browser that sent a form may see its reference again."""
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
    """Somebody has decided about this referral meanwhile."""


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
    """A referral in the inbox, with what a worker needs to choose the next one."""

    referral: Referral
    person: ServiceUser
    needs: tuple[str, ...]
    late: bool
    unopened_alert: bool
    assigned_name: str | None


# Taking in -----------------------------------------------------------------------------------------------------------


def begin(store: Session, service: Service, language: str, key: str) -> Draft:
    """A new self-referral in this browser; nothing is stored before the first answer."""
    return drafts.start(store, service, SELF_REFERRAL.code, SELF_REFERRAL.version, language, key)


def keep(store: Session, service: Service, draft: Draft, step: Step, raw: Mapping[str, object], language: str) -> Kept:
    """Keep what was typed on one page. Readable answers are stored, unreadable ones kept as typed; alerts are raised.

    Raises ``KeepsNothing`` when the answer says so; the draft is then gone.
    """
    answers, problems = step.read(raw)
    for question in step.questions:
        chosen = question.choice(answers.get(question.code))
        if chosen and chosen.keeps_nothing and not problems:
            if not inspect(draft).transient:
                drafts.drop(store, draft)
            raise KeepsNothing
    before = dict(draft.answers)
    # An answer that could not be read never overwrites one that could; what was typed stands beside it.
    together = SELF_REFERRAL.on_path(_with_derived(service, {**before, **answers}))
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
        told["fits_age"] = age_fits(str(told["date_of_birth"]), today(), settings.minimum_age)
        if told["fits_age"] == "unsure" and len(born) > 4:
            told["fits_age_by_day"] = age_fits(born, today(), settings.minimum_age)
    if postcode := people.value_of(told, "postcode"):
        near = not settings.outcodes or reading.outward(postcode) in settings.outcodes
        told["fits_area"] = "yes" if near else "no"
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
        found = store.get(TurnedAway, (service.id, month, reason), with_for_update=True)
        if found:
            found.count += 1
        else:
            store.add(TurnedAway(service_id=service.id, month=month, reason=reason, count=1))


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
                draft_id=draft.id,
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


def submit(store: Session, service: Service, draft: Draft, key: str) -> Referral:
    """Send a draft: person, contact ways, permissions, referral, alerts and messages in one transaction.

    The draft must be locked (``drafts.find(…, lock=True)``) or new sends will wait at the unique key. Raises
    ``Incomplete`` with the first gap.
    """
    answers = SELF_REFERRAL.on_path(draft.answers)
    if gap := SELF_REFERRAL.first_gap(answers):
        raise Incomplete(gap.slug)
    card = drafts.card(store, draft, key)
    moment = now()
    settings = services.settings_of(service)
    person = people.add(store, service, answers, draft.language)
    referral = Referral(
        service_id=service.id,
        id=codes.new_id(),
        person_id=person.id,
        reference=card.reference,
        return_hash=draft.return_hash,
        sent_key_hash=draft.key_hash,
        draft_id=draft.id,
        journey_version=draft.journey_version,
        language=draft.language,
        language_reviewed=LANGUAGES[draft.language].reviewed,
        source_channel=draft.source_channel,
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
    _change(store, referral, None, "submitted", None)
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
    audit.record(store, service.id, None, "submitted a referral", "referral", referral.id)
    drafts.drop(store, draft)
    return referral


def _referrer_type(answers: Answers) -> str:
    if answers.get("referring_for") == "me":
        return "self"
    return people.value_of(answers, "helper_relationship") or "other"


def sent_by(store: Session, service_id: uuid.UUID, key: str | None) -> Referral | None:
    """The referral that this browser's key has sent, for a day after sending."""
    if not key:
        return None
    mine = access.rows_of(service_id, Referral).where(
        Referral.sent_key_hash == codes.digest(key), Referral.referred_at > now() - SENT_PAGE_OPEN
    )
    return store.scalar(mine)


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
    person = store.get(ServiceUser, (service.id, referral.person_id))
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
    """New referrals, those with an unopened alert first, then the oldest promise first."""
    access.require(actor, access.Permission.READ_INBOX)
    alarmed = alerts.referrals_with_unopened(store, actor.service_id)
    first = case((Referral.id.in_(alarmed), 0), else_=1)
    waiting: Select[Referral] = access.rows_of(actor.service_id, Referral).where(Referral.status.in_(WAITING))
    if after and (last := store.get(Referral, (actor.service_id, after))):
        waiting = waiting.where(
            Referral.id.not_in(alarmed),
            (Referral.due_at > last.due_at) | ((Referral.due_at == last.due_at) & (Referral.id > last.id)),
        )
    rows = store.scalars(waiting.order_by(first, Referral.due_at, Referral.id).limit(most)).all()
    return [_line(store, row, alarmed) for row in rows]


def mine(store: Session, actor: Actor, most: int = 100) -> list[Line]:
    """Referrals that the actor has taken, newest first."""
    access.require(actor, access.Permission.READ_INBOX)
    taken = access.rows_of(actor.service_id, Referral).where(
        Referral.assigned_to == actor.staff_id, Referral.status == "accepted"
    )
    rows = store.scalars(taken.order_by(Referral.id.desc()).limit(most)).all()
    return [_line(store, row, set()) for row in rows]


def _line(store: Session, referral: Referral, alarmed: "set[uuid.UUID]") -> Line:
    person = store.get_one(ServiceUser, (referral.service_id, referral.person_id))
    assigned = store.get(Staff, (referral.service_id, referral.assigned_to)) if referral.assigned_to else None
    return Line(
        referral,
        person,
        needs_of(store, referral),
        late=referral.status in WAITING and referral.due_at < now(),
        unopened_alert=referral.id in alarmed,
        assigned_name=assigned.name if assigned else None,
    )


def waiting_count(store: Session, actor: Actor) -> int:
    """How many referrals are new."""
    rows = (
        select(func.count())
        .select_from(Referral)
        .where(Referral.service_id == actor.service_id, Referral.status.in_(WAITING))
    )
    return store.scalar(rows) or 0


def needs_of(store: Session, referral: Referral) -> tuple[str, ...]:
    """The needs chosen from the list, in its order."""
    rows = access.rows_of(referral.service_id, ReferralNeed).where(ReferralNeed.referral_id == referral.id)
    return tuple(row.need for row in store.scalars(rows.order_by(ReferralNeed.id)))


# One referral --------------------------------------------------------------------------------------------------------


def read(store: Session, actor: Actor, referral_id: uuid.UUID) -> Referral:
    """A referral of the actor's service; the reading is written down. Raises ``Gone``."""
    found = _find(store, actor, referral_id)
    audit.record(store, actor.service_id, actor, "read a referral", "referral", found.id)
    return found


def _find(store: Session, actor: Actor, referral_id: uuid.UUID, *, lock: bool = False) -> Referral:
    access.require(actor, access.Permission.READ_REFERRAL)
    wanted = access.rows_of(actor.service_id, Referral).where(Referral.id == referral_id)
    found = store.scalar(wanted.with_for_update() if lock else wanted)
    if found is None:
        raise Gone
    return found


def history(store: Session, actor: Actor, referral: Referral) -> Sequence[ReferralChange]:
    """Every change of status, oldest first."""
    rows = access.rows_of(actor.service_id, ReferralChange).where(ReferralChange.referral_id == referral.id)
    return store.scalars(rows.order_by(ReferralChange.id)).all()


def others_of(store: Session, actor: Actor, referral: Referral) -> Sequence[Referral]:
    """The person's other referrals."""
    rows = access.rows_of(actor.service_id, Referral).where(
        Referral.person_id == referral.person_id, Referral.id != referral.id
    )
    return store.scalars(rows.order_by(Referral.id)).all()


def _decide(store: Session, actor: Actor, referral_id: uuid.UUID) -> Referral:
    access.require(actor, access.Permission.DECIDE_REFERRAL)
    referral = _find(store, actor, referral_id, lock=True)
    if referral.status not in WAITING:
        raise AlreadyDecided(referral.status)
    return referral


def _decided(store: Session, actor: Actor, referral: Referral, status: str, reason: str | None = None) -> None:
    was = referral.status
    referral.status, referral.reason = status, reason
    referral.decided_at, referral.decided_by = now(), actor.staff_id
    _change(store, referral, was, status, actor, reason)
    audit.record(store, actor.service_id, actor, f"made a referral {status}", "referral", referral.id)
    store.flush()


def _change(
    store: Session, referral: Referral, was: str | None, became: str, actor: Actor | None, reason: str | None = None
) -> None:
    store.add(
        ReferralChange(
            service_id=referral.service_id,
            referral_id=referral.id,
            was=was,
            became=became,
            changed_by=actor.staff_id if actor else None,
            reason=reason,
        )
    )


def accept(
    store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, give_to: uuid.UUID | None = None
) -> Referral:
    """Accept a referral and take it, or give it to a colleague. Raises ``Gone``, ``AlreadyDecided``."""
    referral = _decide(store, actor, referral_id)
    worker = store.get(Staff, (actor.service_id, give_to or actor.staff_id))
    if worker is None or worker.state != "active" or worker.role not in access.MAY[access.Permission.READ_REFERRAL]:
        raise Gone
    referral.assigned_to = worker.id
    _decided(store, actor, referral, "accepted")
    _tell(store, service, referral, "referral-accepted")
    return referral


def decline(
    store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, *, reason: str, text: str, word: str
) -> Referral:
    """The service cannot take it: a reason from the service's list and a word to the person are both needed.

    Raises ``Gone``, ``AlreadyDecided``, ``NeedsWords``.
    """
    why = services.settings_of(service).reason(reason)
    if why is None:
        raise NeedsWords("reason")
    if not word.strip():
        raise NeedsWords("word")
    referral = _decide(store, actor, referral_id)
    referral.reason_text, referral.word_to_person = text.strip() or None, word.strip()
    _decided(store, actor, referral, why.status, reason)
    _tell(store, service, referral, "referral-declined")
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
    if not people.allows(store, actor.service_id, referral.person_id, "share_onward"):
        raise NotAllowed
    referral.passed_to, referral.reason_text, referral.word_to_person = to.strip(), reason.strip(), word.strip()
    _decided(store, actor, referral, "passed-on")
    _tell(store, service, referral, "referral-passed-on")
    return referral


def give_to(store: Session, actor: Actor, referral_id: uuid.UUID, staff_id: uuid.UUID) -> Referral:
    """Give an accepted referral to a colleague. Raises ``Gone``."""
    access.require(actor, access.Permission.DECIDE_REFERRAL)
    referral = _find(store, actor, referral_id, lock=True)
    worker = store.get(Staff, (actor.service_id, staff_id))
    if worker is None or worker.state != "active" or worker.role not in access.MAY[access.Permission.READ_REFERRAL]:
        raise Gone
    referral.assigned_to = worker.id
    audit.record(store, actor.service_id, actor, "gave a referral", "referral", referral.id, to=str(worker.id))
    store.flush()
    return referral


def merge(store: Session, actor: Actor, referral_id: uuid.UUID, into_person: uuid.UUID) -> Referral:
    """The referral's person is somebody we know: the records become one, reversibly. Raises ``people.NotMergeable``."""
    referral = _find(store, actor, referral_id, lock=True)
    people.merge(store, actor, into_person, referral.person_id)
    return referral


def _tell(store: Session, service: Service, referral: Referral, template: str) -> None:
    """Tell the person, by what they allow; a task says what a worker must tell them otherwise.

    A word written by a worker may name health or a service, so it is never put into a message: the message says only
    that there is news.
    """
    notifications.tell_person(
        store,
        service,
        referral.person_id,
        template,
        once=f"{template}:{referral.id}",
        referral_id=referral.id,
    )


# What the clock does -------------------------------------------------------------------------------------------------


def ask_about_unfinished(store: Session, service: Service) -> int:
    """ "If I don't finish, please contact me": a task for each such draft that has rested for a day. How many."""
    resting = access.rows_of(service.id, Draft).where(
        Draft.contact_if_unfinished.is_(True), Draft.touched_at < now() - UNFINISHED_AFTER
    )
    made = 0
    for draft in store.scalars(resting.limit(200)).all():
        tasks.add(
            store,
            service.id,
            "unfinished-form",
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


def median_days_to_decision(store: Session, service: Service, days: int = 90, least: int = 10) -> int | None:
    """The honest waiting time: median whole days from referral to decision over the last 90 days.

    ``None`` under ten decided referrals. First contacts are not recorded yet; until they are, the decision is the
    first thing that a person hears.
    """
    rows = select(Referral.referred_at, Referral.decided_at).where(
        Referral.service_id == service.id,
        Referral.decided_at.is_not(None),
        Referral.referred_at > now() - timedelta(days=days),
    )
    waited = sorted((decided - referred).days for referred, decided in store.execute(rows) if decided)
    return waited[len(waited) // 2] if len(waited) >= least else None
