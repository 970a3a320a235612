"""When somebody is not safe: rows with an owner and a clock that climbs until somebody opens them by name.

Only opening stops the clock; only "what was done" closes. The clock never closes anything, whatever happens (product
6, peers R1 and R13). Raising never stops a journey, and a changed answer never hides the first one.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from portal import access, audit, notifications, reading, services
from portal.access import MAY, Actor, Permission, rows_of
from portal.clock import now
from portal.codes import new_id
from portal.i18n import N_
from portal.services import POSITIONS
from portal.store import Alert, AlertEvent, Service, Staff
from portal.store.once import write_once

LONGEST_WORDS = 4000


@dataclass(frozen=True)
class Rule:
    """What raises an alert, in words for the staff. A choice names its rule by the code (``Choice.alert``)."""

    code: str
    label: str


RULES: Mapping[str, Rule] = {
    rule.code: rule
    for rule in (
        Rule("not-safe", N_("Is not safe, or might hurt themselves or someone else")),
        Rule("being-hurt", N_("Someone is hurting them")),
        Rule("scale-risk", N_("Gave an answer in a check-in that needs somebody at once")),
        Rule("marked-by-staff", N_("A colleague is worried about them")),
    )
}

BY_STAFF = "marked-by-staff"
"""The rule of an alert that staff raised, and what stands in it where a question and an answer stand in others: what
was seen or heard stands in words with its first event."""

EVENT_NAMES: Mapping[str, str] = {
    "raised": N_("The alert was raised"),
    "raised-again": N_("The answer was given again"),
    "answer-changed": N_("The answer was changed"),
    "climbed": N_("Nobody opened it in time: it went to the next person"),
    "reminded": N_("Nobody opened it in time: every manager was told again"),
    "handed-over": N_("Handed over"),
    "opened": N_("Opened"),
    "closed": N_("Closed"),
    "supervision-asked": N_("To be talked over with a supervisor"),
    "supervision-held": N_("Talked over"),
}

OWN, TEAM, EVERYBODYS = "own", "team", "all"
"""Whose alerts the desk shows."""
OPEN, CLOSED, TO_TALK_OVER = "open", "closed", "talk-over"
"""In which state. What is to be talked over is open or closed."""


class NotOpened(ValueError):
    """An alert that nobody has opened cannot be closed."""


class NothingSaid(ValueError):
    """An alert is closed only by saying what was done."""


class NotThere(ValueError):
    """Nobody to hand over to: they do not work here, or may not handle alerts."""


# --- raised by what a person answers ----------------------------------------------------------------------------------


def raise_for(
    store: Session,
    service: Service,
    *,
    form_id: uuid.UUID,
    reference: str,
    question: str,
    answer: str,
    rule: str,
    referral_id: uuid.UUID | None = None,
    person_id: uuid.UUID | None = None,
) -> Alert:
    """The alert for an answer in a form (a draft, or a response to a scale): new, or the same one when the answer is
    saved again. ``referral_id`` and ``person_id`` where they are known already.

    When the person changed the answer and then came back to it, the clock starts again, also on an alert that was
    closed meanwhile. Raises KeyError for a rule that RULES does not have, and NobodyThere only for a service
    that has never had any staff: such a service takes no forms.
    """
    known = RULES[rule]
    answer_changed(store, service.id, form_id, question, answer)
    same = rows_of(service.id, Alert).where(
        Alert.form_id == form_id, Alert.question == question, Alert.answer == answer
    )
    # Held until the end: the clock or a worker may have it in hand, and the person's page must not fail over that.
    if again := store.scalar(same.with_for_update().execution_options(populate_existing=True)):
        if _last_answer(store, again) != answer:
            _raise_again(store, service, again)
        return again
    alert = Alert(
        service_id=service.id,
        id=new_id(),
        form_id=form_id,
        referral_id=referral_id,
        person_id=person_id,
        reference=reference,
        question=question,
        answer=answer,
        rule=known.code,
    )
    _start_clock(store, service, alert, POSITIONS[0])
    found, new = write_once(store, alert, same)
    if new:
        _happened(store, found, "raised", answer=answer)
        audit.record(store, service.id, None, "raised alert", "alert", found.id, rule=rule)
        _tell(store, service, found, [found.owner_id])
    return found


def answer_changed(store: Session, service_id: uuid.UUID, form_id: uuid.UUID, question: str, answer: str) -> None:
    """Write the new answer beneath every alert that the question raised in this draft; the first one stays visible."""
    raised = rows_of(service_id, Alert).where(Alert.form_id == form_id, Alert.question == question)
    for alert in store.scalars(raised).all():
        if answer not in (alert.answer, _last_answer(store, alert)):
            _happened(store, alert, "answer-changed", answer=answer)


def attach(
    store: Session, service_id: uuid.UUID, form_id: uuid.UUID, referral_id: uuid.UUID, person_id: uuid.UUID
) -> None:
    """Tie the alerts of a draft to the referral that came out of it."""
    raised = rows_of(service_id, Alert).where(Alert.form_id == form_id).order_by(Alert.id).with_for_update()
    for alert in store.scalars(raised.execution_options(populate_existing=True)).all():
        alert.referral_id, alert.person_id = referral_id, person_id
    store.flush()


def expected_by(alert: Alert) -> datetime:
    """When a person will have read this at the latest, as far as the present step of the ladder goes."""
    return alert.due_at


def expected_for_form(store: Session, service_id: uuid.UUID, form_id: uuid.UUID) -> datetime | None:
    """When a person will have read what was said in this draft at the latest; ``None`` when it raised nothing, or when
    all of it has been read already."""
    unopened = rows_of(service_id, Alert).where(
        Alert.form_id == form_id, Alert.opened_at.is_(None), Alert.closed_at.is_(None)
    )
    first = store.scalar(unopened.order_by(Alert.due_at).limit(1))
    return expected_by(first) if first else None


def _start_clock(store: Session, service: Service, alert: Alert, position: str, owner: uuid.UUID | None = None) -> None:
    """Give the alert its position, its owner and its due time, from this moment on; it is unopened again."""
    settings = services.settings_of(service)
    moment = now()
    alert.position = position
    alert.owner_id = owner or _owner(store, service, position, services.alert_starts(settings, moment))
    alert.due_at = services.alert_due(settings, moment, position)
    alert.opened_at = alert.opened_by = alert.closed_at = alert.closed_by = alert.what_was_done = None


def _owner(store: Session, service: Service, position: str, moment: datetime) -> uuid.UUID:
    try:
        return services.holder(store, service.id, position, moment)
    except services.NobodyThere:
        # Everybody has left. What was said is kept all the same, under whoever left last; as soon as somebody works
        # here again the clock finds them.
        last = rows_of(service.id, Staff).order_by(Staff.created_at.desc(), Staff.id.desc()).limit(1)
        if staff := store.scalar(last):
            return staff.id
        raise


def _raise_again(store: Session, service: Service, alert: Alert) -> None:
    was_seen = alert.opened_at is not None
    _happened(store, alert, "raised-again", answer=alert.answer)
    audit.record(store, service.id, None, "raised alert again", "alert", alert.id, rule=alert.rule)
    if was_seen:
        _start_clock(store, service, alert, POSITIONS[0])
        _tell(store, service, alert, [alert.owner_id])
        store.flush()


def _last_answer(store: Session, alert: Alert) -> str | None:
    said = rows_of(alert.service_id, AlertEvent).where(AlertEvent.alert_id == alert.id, AlertEvent.answer.is_not(None))
    last = store.scalar(said.order_by(AlertEvent.id.desc()).limit(1))
    return last.answer if last else None


def _happened(
    store: Session,
    alert: Alert,
    what: str,
    *,
    staff_id: uuid.UUID | None = None,
    answer: str | None = None,
    what_was_done: str | None = None,
) -> AlertEvent:
    event = AlertEvent(
        service_id=alert.service_id,
        id=new_id(),
        alert_id=alert.id,
        what=what,
        position=alert.position,
        staff_id=staff_id or alert.owner_id,
        answer=answer,
        what_was_done=what_was_done,
    )
    store.add(event)
    store.flush()
    return event


def _tell(store: Session, service: Service, alert: Alert, staff_ids: Sequence[uuid.UUID]) -> None:
    """That something waits, and where to sign in; nothing else leaves."""
    turn = new_id()
    for staff_id in dict.fromkeys(staff_ids):
        notifications.tell_staff(store, service, staff_id, "alert-waiting", once=f"alert:{turn}:{staff_id}")


# --- raised by staff --------------------------------------------------------------------------------------------------


def raise_by_staff(
    store: Session,
    service: Service,
    actor: Actor,
    *,
    once: str,
    words: str,
    reference: str,
    referral_id: uuid.UUID,
    person_id: uuid.UUID,
) -> Alert:
    """A colleague is worried about somebody: an alert like any other, with the same clock and the same ladder, and with
    what they saw or heard in words (1 to 4,000 characters). Sent again with the same ``once`` it is the same alert.
    Raises Refused, NothingSaid."""
    access.require(actor, Permission.HANDLE_ALERTS)
    said = _said(words)
    key = uuid.uuid5(actor.staff_id, once)
    alert = Alert(
        service_id=service.id,
        id=new_id(),
        form_id=key,
        referral_id=referral_id,
        person_id=person_id,
        reference=reference,
        question=BY_STAFF,
        answer=BY_STAFF,
        rule=RULES[BY_STAFF].code,
    )
    _start_clock(store, service, alert, POSITIONS[0])
    found, new = write_once(store, alert, rows_of(service.id, Alert).where(Alert.form_id == key))
    if new:
        _happened(store, found, "raised", staff_id=actor.staff_id, what_was_done=said)
        audit.record(store, service.id, actor, "raised alert", "alert", found.id, rule=found.rule)
        _tell(store, service, found, [found.owner_id])
    return found


def _said(words: str) -> str:
    if reading.is_blank(words):
        raise NothingSaid("Write what it is about.")
    try:
        return reading.text(words, LONGEST_WORDS, lines=True)
    except reading.Unreadable:
        raise NothingSaid(f"Write at most {LONGEST_WORDS} characters.") from None


# --- seen by the staff ------------------------------------------------------------------------------------------------


def team_of(store: Session, actor: Actor) -> str | None:
    """The name of the actor's team; ``None`` when they are in none."""
    staff = store.get(Staff, (actor.service_id, actor.staff_id))
    return staff.team if staff else None


def desk(
    store: Session,
    actor: Actor,
    *,
    whose: str = EVERYBODYS,
    state: str = OPEN,
    after: uuid.UUID | None = None,
    most: int = 50,
) -> Sequence[Alert]:
    """Alerts of the actor's service, a page of them: those beyond ``after``. Raises Refused, ValueError.

    ``whose``: those that the actor has, those of the actor's team, or all. ``state``: open ones (unopened first, then
    by due time), closed ones (the latest first), or those that somebody wants to talk over (the longest wait first).
    """
    access.require(actor, Permission.HANDLE_ALERTS)
    found = _whose(store, actor, rows_of(actor.service_id, Alert), whose)
    last = store.scalar(rows_of(actor.service_id, Alert).where(Alert.id == after)) if after else None
    if state not in _ORDERS:
        raise ValueError(state)
    return store.scalars(_ORDERS[state](found, last).limit(most)).all()


def _whose(store: Session, actor: Actor, found: Select[Alert], whose: str) -> Select[Alert]:
    if whose == OWN:
        return found.where(Alert.owner_id == actor.staff_id)
    if whose == TEAM:
        mine = select(Staff.id).where(Staff.service_id == actor.service_id, Staff.team == team_of(store, actor))
        return found.where(Alert.owner_id.in_(mine))
    if whose != EVERYBODYS:
        raise ValueError(whose)
    return found


def _open_ones(found: Select[Alert], last: Alert | None) -> Select[Alert]:
    opened = case((Alert.opened_at.is_(None), 0), else_=1)
    found = found.where(Alert.closed_at.is_(None))
    if last is not None:
        here = 0 if last.opened_at is None else 1
        later = or_(Alert.due_at > last.due_at, and_(Alert.due_at == last.due_at, Alert.id > last.id))
        found = found.where(or_(opened > here, and_(opened == here, later)))
    return found.order_by(opened, Alert.due_at, Alert.id)


def _closed_ones(found: Select[Alert], last: Alert | None) -> Select[Alert]:
    found = found.where(Alert.closed_at.is_not(None))
    if last is not None and last.closed_at is not None:
        at = last.closed_at
        found = found.where(or_(Alert.closed_at < at, and_(Alert.closed_at == at, Alert.id < last.id)))
    return found.order_by(Alert.closed_at.desc(), Alert.id.desc())


def _to_talk_over(found: Select[Alert], last: Alert | None) -> Select[Alert]:
    found = found.where(Alert.supervision_at.is_not(None), Alert.supervised_at.is_(None))
    if last is not None and last.supervision_at is not None:
        at = last.supervision_at
        found = found.where(or_(Alert.supervision_at > at, and_(Alert.supervision_at == at, Alert.id > last.id)))
    return found.order_by(Alert.supervision_at, Alert.id)


_ORDERS: Mapping[str, Callable[[Select[Alert], Alert | None], Select[Alert]]] = {
    OPEN: _open_ones,
    CLOSED: _closed_ones,
    TO_TALK_OVER: _to_talk_over,
}


def to_talk_over_count(store: Session, service_id: uuid.UUID) -> int:
    """How many alerts somebody wants to talk over with a supervisor, and has not yet."""
    waiting = select(func.count()).select_from(Alert)
    found = store.scalar(
        waiting.where(Alert.service_id == service_id, Alert.supervision_at.is_not(None), Alert.supervised_at.is_(None))
    )
    return found or 0


def waiting(store: Session, actor: Actor) -> Sequence[Alert]:
    """Every alert of the actor's service that is not closed: unopened ones first, then by due time. Raises Refused."""
    access.require(actor, Permission.HANDLE_ALERTS)
    current = rows_of(actor.service_id, Alert).where(Alert.closed_at.is_(None))
    return store.scalars(current.order_by(Alert.opened_at.is_not(None), Alert.due_at, Alert.id)).all()


def of_referral(store: Session, actor: Actor, referral_id: uuid.UUID) -> Sequence[Alert]:
    """Every alert tied to a referral, closed ones too, in the order in which they were raised. Raises Refused."""
    access.require(actor, Permission.HANDLE_ALERTS)
    theirs = rows_of(actor.service_id, Alert).where(Alert.referral_id == referral_id)
    return store.scalars(theirs.order_by(Alert.id)).all()


def unopened_count(store: Session, service_id: uuid.UUID) -> int:
    """How many alerts nobody has opened: shown at the top of every page of the staff."""
    unopened = select(func.count()).select_from(Alert)
    found = store.scalar(
        unopened.where(Alert.service_id == service_id, Alert.opened_at.is_(None), Alert.closed_at.is_(None))
    )
    return found or 0


def referrals_with_unopened(store: Session, service_id: uuid.UUID) -> set[uuid.UUID]:
    """The referrals to which an alert belongs that nobody has opened."""
    unopened = select(Alert.referral_id).where(
        Alert.service_id == service_id,
        Alert.opened_at.is_(None),
        Alert.closed_at.is_(None),
        Alert.referral_id.is_not(None),
    )
    return {found for found in store.scalars(unopened) if found is not None}


def events_of(store: Session, actor: Actor, alert_id: uuid.UUID) -> Sequence[AlertEvent]:
    """What happened to an alert, oldest first: the first answer, every change, every climb. Raises Refused."""
    access.require(actor, Permission.HANDLE_ALERTS)
    theirs = rows_of(actor.service_id, AlertEvent).where(AlertEvent.alert_id == alert_id)
    return store.scalars(theirs.order_by(AlertEvent.id)).all()


def _of(store: Session, actor: Actor, alert_id: uuid.UUID) -> Alert | None:
    """The alert, locked until the end of the transaction: two people may press at once, and the clock may run."""
    access.require(actor, Permission.HANDLE_ALERTS)
    mine = rows_of(actor.service_id, Alert).where(Alert.id == alert_id)
    return store.scalar(mine.with_for_update().execution_options(populate_existing=True))


def open_by_name(store: Session, actor: Actor, alert_id: uuid.UUID) -> Alert | None:
    """Open an alert: the clock stops, and whoever opened it is its owner. A second opening changes nothing.

    ``None`` when the actor's service has no such alert. Raises Refused.
    """
    alert = _of(store, actor, alert_id)
    if alert is None:
        return None
    if alert.opened_at is None:
        alert.opened_at, alert.opened_by, alert.owner_id = now(), actor.staff_id, actor.staff_id
        _happened(store, alert, "opened", staff_id=actor.staff_id)
    audit.record(store, actor.service_id, actor, "opened alert", "alert", alert.id)
    return alert


def hand_over(store: Session, actor: Actor, alert_id: uuid.UUID, to_staff_id: uuid.UUID) -> Alert | None:
    """Give an alert to somebody else: it is unopened again, with their own time to open it, and they are told.

    ``None`` when the actor's service has no such alert, or it is closed. Raises Refused, NotThere.
    """
    alert = _of(store, actor, alert_id)
    if alert is None or alert.closed_at is not None:
        return None
    staff = store.get(Staff, (actor.service_id, to_staff_id))
    if staff is None or staff.state != "active" or staff.role not in MAY[Permission.HANDLE_ALERTS]:
        raise NotThere("Choose somebody who works here and handles alerts.")
    service = store.get_one(Service, actor.service_id)
    _start_clock(store, service, alert, alert.position, owner=staff.id)
    _happened(store, alert, "handed-over", staff_id=staff.id)
    audit.record(store, actor.service_id, actor, "handed over alert", "alert", alert.id, to=str(staff.id))
    _tell(store, service, alert, [staff.id])
    return alert


def close(store: Session, actor: Actor, alert_id: uuid.UUID, what_was_done: str) -> Alert | None:
    """Close an opened alert with what was done (1 to 4,000 characters); closed twice, the first words stay.

    ``None`` when the actor's service has no such alert. Raises Refused, NotOpened, NothingSaid.
    """
    alert = _of(store, actor, alert_id)
    if alert is None or alert.closed_at is not None:
        return alert
    if alert.opened_at is None:
        raise NotOpened("Open the alert first.")
    words = _said(what_was_done)
    alert.closed_at, alert.closed_by, alert.what_was_done = now(), actor.staff_id, words
    _happened(store, alert, "closed", staff_id=actor.staff_id, what_was_done=words)
    audit.record(store, actor.service_id, actor, "closed alert", "alert", alert.id)
    return alert


# --- talked over ------------------------------------------------------------------------------------------------------


def ask_supervision(store: Session, actor: Actor, alert_id: uuid.UUID) -> Alert | None:
    """Somebody wants to talk an alert over with their supervisor, open or closed; asked twice it is asked once, and
    asked again after it was talked over it waits anew. ``None`` when the actor's service has no such alert. Raises
    Refused."""
    alert = _of(store, actor, alert_id)
    if alert is None or (alert.supervision_at and not alert.supervised_at):
        return alert
    alert.supervision_at, alert.supervision_by = now(), actor.staff_id
    alert.supervised_at = alert.supervised_by = None
    _happened(store, alert, "supervision-asked", staff_id=actor.staff_id)
    audit.record(store, actor.service_id, actor, "asked for supervision", "alert", alert.id)
    return alert


def talked_over(store: Session, actor: Actor, alert_id: uuid.UUID) -> Alert | None:
    """A supervisor says that they have talked it over with whoever asked. ``None`` when the actor's service has no
    such alert. Raises Refused for anybody who does not lead the team."""
    access.require(actor, Permission.LEAD_TEAM)
    alert = _of(store, actor, alert_id)
    if alert is None or alert.supervision_at is None or alert.supervised_at is not None:
        return alert
    alert.supervised_at, alert.supervised_by = now(), actor.staff_id
    _happened(store, alert, "supervision-held", staff_id=actor.staff_id)
    audit.record(store, actor.service_id, actor, "held supervision", "alert", alert.id)
    return alert


# --- moved by the clock -----------------------------------------------------------------------------------------------


def escalate(store: Session, service: Service) -> int:
    """Move every alert that nobody opened in time to the next position, and say how many were moved.

    Duty, deputy, manager; there it stays, and at each further interval every manager is told again. It is never closed.
    An alert whose owner has left, or handles alerts no more, goes to whoever is there, opened or not.
    """
    moment = now()
    late = rows_of(service.id, Alert).where(
        Alert.closed_at.is_(None), Alert.opened_at.is_(None), Alert.due_at <= moment
    )
    overdue = store.scalars(
        late.order_by(Alert.due_at, Alert.id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    for alert in overdue:
        _climb(store, service, alert)
    return len(overdue) + _hand_on_what_was_left(store, service)


def _hand_on_what_was_left(store: Session, service: Service) -> int:
    able = [role.value for role in MAY[Permission.HANDLE_ALERTS]]
    there = select(Staff.id).where(Staff.service_id == service.id, Staff.state == "active", Staff.role.in_(able))
    orphaned = rows_of(service.id, Alert).where(Alert.closed_at.is_(None), Alert.owner_id.not_in(there))
    locked = orphaned.order_by(Alert.id).with_for_update(skip_locked=True).execution_options(populate_existing=True)
    moved = 0
    for alert in store.scalars(locked).all():
        owner = _owner(store, service, alert.position, now())
        if owner == alert.owner_id:
            continue  # nobody else works here
        if alert.opened_at is None:
            alert.owner_id = owner  # its clock runs on: a departure gives nobody more time
        else:
            _start_clock(store, service, alert, alert.position, owner=owner)
        _happened(store, alert, "handed-over", staff_id=owner)
        audit.record(
            store, service.id, None, "handed over alert", "alert", alert.id, actor_kind="system", to=str(owner)
        )
        _tell(store, service, alert, [owner])
        moved += 1
    return moved


def _climb(store: Session, service: Service, alert: Alert) -> None:
    at_top = alert.position == POSITIONS[-1]
    position = POSITIONS[-1] if at_top else POSITIONS[POSITIONS.index(alert.position) + 1]
    _start_clock(store, service, alert, position)
    what = "reminded" if at_top else "climbed"
    _happened(store, alert, what)
    audit.record(store, service.id, None, f"{what} alert", "alert", alert.id, actor_kind="system", position=position)
    everybody = [staff.id for staff in services.managers(store, service.id)] if at_top else []
    _tell(store, service, alert, [alert.owner_id, *everybody])
