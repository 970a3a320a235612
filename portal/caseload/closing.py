"""The end of a case, its re-opening, and the pause between: nothing is silent, nothing is deleted.

A case ends by a reason from a closed list, with what became of each need, what professionals read, and what the person
reads (data dictionary 3.10; product 12). Only somebody on the staff, or the person, ends it. Whoever closes a case that
a colleague has closed meanwhile sees what they did, and keeps their own words. What stands open beside it (alerts,
tasks, onward referrals, actions) goes on; nobody is asked how they are any more.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from portal import access, alerts, audit, measures, notifications, reading, referrals, services, tasks
from portal.access import Actor, Permission, rows_of
from portal.caseload import contacts, letters, risks, triage
from portal.caseload.lists import ASKED_LATER, CLOSURE_REASONS, HOLD_REASONS, NEED_OUTCOMES, ONWARD_OVER, codes_in
from portal.clock import now, today
from portal.i18n import LONDON
from portal.store import Alert, CheckIn, Letter, Onward, PlanAction, Referral, ReferralNeed, Service, Task
from portal.store import Closure as Closure  # the doors name it in their types

LONGEST = 4000
LONGEST_REASON = 500

REOPEN_FOR = timedelta(days=183)
"""So long after its end a case is opened again; later, the person begins a new one."""

FARTHEST = timedelta(days=730)
"""A follow-up, or the end of a pause, lies no farther ahead; what does is a slip of the hand."""

NOT_KNOWN = "unknown"
"""What became of a need, where nobody has asked (of NEED_OUTCOMES)."""

SHORT_YEARS = 2
KEPT_SHORTER = ("person-chose-to-stop", "not-eligible")
"""The ends after which a case is looked at after two years already (data dictionary 3.10: withdrawn, not eligible)."""

CHOSE_TO_STOP, WAS_PASSED_ON, NOT_OURS = "person-chose-to-stop", "moved-to-other-support", "not-eligible"
"""What the end of a referral is called of which no member of staff has chosen from CLOSURE_REASONS: the person has
withdrawn, somebody else helps them, or we could not take it for a reason of the service's own."""

SILENT = ("died", "duplicate")
"""The ends of which the person is not told: somebody who has died, and somebody whose other referral goes on."""

REOPENABLE = ("closed", "declined", "withdrawn", "passed-on", "not-eligible")

OPEN_ACTIONS = ("planned", "in-progress")


class NotOpen(ValueError):
    """The case is not open (any more), or not in the state that this needs: ``referral`` says how it stands,
    ``closure`` how it last ended, if it ever did."""

    def __init__(self, referral: Referral, closure: Closure | None = None) -> None:
        super().__init__(referral.status)
        self.referral, self.closure = referral, closure


class NotClosed(ValueError):
    """The case has not ended, or is open again: ``referral`` says how it stands."""

    def __init__(self, referral: Referral) -> None:
        super().__init__(referral.status)
        self.referral = referral


class NeedsWords(ValueError):
    """Something that has to be said is missing, too long, or not on the list: the name of the parameter; for the
    outcome of a need ``outcome:`` and the need."""


class TooFewAttempts(ValueError):
    """ "We could not reach them" needs more attempts first: ``left`` of them."""

    def __init__(self, left: int) -> None:
        super().__init__(str(left))
        self.left = left


class TooLate(ValueError):
    """A case that ended this long ago is not opened again: the person begins a new one."""


@dataclass(frozen=True)
class Beside:
    """What has to be known of a case that is to end. ``attempts_left``: how many more before "we could not reach them";
    ``at_the_end``: the check-in that waits for the end of the support, if one does; ``later``: those that may still
    come after it (see ``may_ask_later``); ``asked``: the check-ins of which nobody is asked any more; the rest goes on.
    ``by_message``: whether we may write to them about it; ``said_no``: they did not want to answer one before.
    ``others``: the person's other open referrals."""

    needs: tuple[ReferralNeed, ...]
    attempts_left: int
    risk_said: bool
    at_the_end: CheckIn | None
    later: tuple[CheckIn, ...]
    by_message: bool
    said_no: bool
    asked: tuple[CheckIn, ...]
    alerts: tuple[Alert, ...]
    tasks: tuple[Task, ...]
    onward: tuple[Onward, ...]
    actions: tuple[PlanAction, ...]
    letters: tuple[Letter, ...]
    others: tuple[Referral, ...]


def beside(store: Session, service: Service, actor: Actor, referral: Referral) -> Beside:
    """What has to be known of a case that is to end, and what stands open beside it."""
    access.require(actor, Permission.READ_REFERRAL)
    here, mine = referral.service_id, referral.id
    onward = rows_of(here, Onward).where(Onward.referral_id == mine, Onward.status.not_in(ONWARD_OVER))
    actions = rows_of(here, PlanAction).where(PlanAction.referral_id == mine, PlanAction.status.in_(OPEN_ACTIONS))
    waiting = rows_of(here, Letter).where(Letter.referral_id == mine, Letter.state == "waiting")
    every = measures.of_referral(store, here, mine)
    unfinished = [one for one in every if one.status in measures.UNFINISHED]
    later = may_ask_later(store, service, referral)
    theirs = referrals.of_person(store, actor, referral.person_id)
    return Beside(
        needs=tuple(_needs(store, referral)),
        attempts_left=attempts_left(service, referral),
        risk_said=risks.is_said(store, referral),
        at_the_end=_at_the_end(service, unfinished),
        later=tuple(later),
        by_message=notifications.may_go(store, here, referral.person_id, "check-in-due"),
        said_no=any(one.why_not == "declined" for one in every),
        asked=tuple(one for one in unfinished if one not in later),
        alerts=tuple(one for one in alerts.of_referral(store, actor, mine) if one.closed_at is None),
        tasks=tuple(tasks.of_referral(store, actor, mine)),
        onward=tuple(store.scalars(onward.order_by(Onward.id))),
        actions=tuple(store.scalars(actions.order_by(PlanAction.id))),
        letters=tuple(store.scalars(waiting.order_by(Letter.id))),
        others=tuple(one for one in theirs if one.id != mine and (one.is_open or one.status in referrals.WAITING)),
    )


def attempts_left(service: Service, referral: Referral) -> int:
    """How many more attempts there must be before it may be said that nobody could be reached."""
    return max(0, services.settings_of(service).contact_attempts - referral.attempts)


def _needs(store: Session, referral: Referral) -> Sequence[ReferralNeed]:
    theirs = rows_of(referral.service_id, ReferralNeed).where(ReferralNeed.referral_id == referral.id)
    return store.scalars(theirs.order_by(ReferralNeed.id)).all()


def _at_the_end(service: Service, unfinished: Sequence[CheckIn]) -> CheckIn | None:
    """The check-in that comes when the support ends, as the service has planned it."""
    planned = services.settings_of(service).check_ins.occasions
    ends = {(one.occasion, one.number) for one in planned if one.or_planned_end or one.occasion == "closure"}
    return next((one for one in unfinished if (one.occasion, one.number) in ends), None)


def may_ask_later(store: Session, service: Service, referral: Referral) -> list[CheckIn]:
    """The check-ins of an open case that may still come after its end: the follow-up of the plan, unless it is the one
    that comes at the end anyway."""
    last = _at_the_end(service, measures.of_referral(store, service.id, referral.id))
    return [one for one in measures.follow_ups(store, referral) if last is None or one.id != last.id]


def tells_the_person(reason: str) -> bool:
    """Whether an end for this reason owes the person a word."""
    return reason not in SILENT


# The end -------------------------------------------------------------------------------------------------------------


def close(
    store: Session,
    service: Service,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    reason: str,
    reason_text: str = "",
    outcomes: Mapping[str, str],
    summary: str = "",
    person_summary: str = "",
    actions_professionals: str = "",
    no_action: bool = False,
    actions_person: str = "",
    follow_up_due: date | None = None,
    no_known_risks: bool = False,
    check_in_declined: bool = False,
    ask_later: bool = False,
) -> Closure:
    """End a case. ``outcomes``: by the code of every need, of NEED_OUTCOMES. ``no_known_risks``: the worker says so
    now, where nothing has been said about risks yet. ``check_in_declined``: the last check-in was offered, and they
    did not want it. ``ask_later``: the follow-up that is still to come stays, where the reason is one of ASKED_LATER;
    of everything else nobody is asked after this. The letters that the person allows wait to be sent.

    Raises ``referrals.Gone``, ``NotOpen`` (first of all: whoever is late sees what was done), ``NeedsWords``,
    ``TooFewAttempts``.
    """
    access.require(actor, Permission.WORK_ON_CASE)
    referral = referrals.find(store, actor, referral_id, lock=True)
    if not referral.is_open:
        raise NotOpen(referral, latest(store, referral.service_id, referral.id))
    if reason not in codes_in(CLOSURE_REASONS):
        raise NeedsWords("reason")
    if reason == "could-not-contact" and (left := attempts_left(service, referral)):
        raise TooFewAttempts(left)
    said = words_of_the_end(
        reason,
        reason_text=reason_text,
        summary=summary,
        person_summary=person_summary,
        actions_professionals=actions_professionals,
        actions_person=actions_person,
        no_action=no_action,
    )
    found = _outcomes(store, referral, reason, outcomes)
    _refuse_day("follow_up_due", follow_up_due, reason != "died")
    if not risks.is_said(store, referral):
        if not no_known_risks:
            raise NeedsWords("no_known_risks")
        risks.none_known(store, actor, referral.id)
    later = may_ask_later(store, service, referral)
    closure = write(store, service, actor, referral, reason, said, found, no_action=no_action)
    closure.follow_up_due = follow_up_due
    referrals.set_status(store, actor, referral, "closed", reason, words=said["reason_text"])
    if check_in_declined:
        _declined(store, service, actor, referral)
    kept = later if ask_later and reason in ASKED_LATER else []
    end(store, service, actor, referral, closure, but=[one.id for one in kept])
    if reason == "died":
        notifications.fall_silent(store, service.id, referral.person_id)
    if tells_the_person(reason):
        referrals.tell(store, service, referral, "case-closed", again=True)
    return closure


def words_of_the_end(
    reason: str,
    *,
    reason_text: str = "",
    summary: str,
    person_summary: str,
    actions_professionals: str,
    actions_person: str = "",
    no_action: bool,
) -> dict[str, str | None]:
    """What was written about an end, canonical; everything that must be said is. Raises ``NeedsWords``."""
    last = reason == "duplicate"  # there is nothing to tell of it: the other referral goes on
    said = {
        "reason_text": _words("reason_text", reason_text, longest=LONGEST_REASON, needed=reason == "other"),
        "summary": _words("summary", summary, needed=not last),
        "person_summary": _words("person_summary", person_summary, needed=tells_the_person(reason)),
        "actions_professionals": _words("actions_professionals", actions_professionals),
        "actions_person": _words("actions_person", actions_person),
    }
    # Never blank, and never both: professionals read in so many words that nothing is asked of them (PRSB 11).
    if not last and bool(said["actions_professionals"]) == no_action:
        raise NeedsWords("no_action" if no_action else "actions_professionals")
    if reason == "died":
        said["person_summary"] = said["actions_person"] = None
    return said


def _words(name: str, given: str, *, longest: int = LONGEST, needed: bool = False) -> str | None:
    try:
        found = None if reading.is_blank(given) else reading.text(given, longest, lines=True)
    except reading.Unreadable:
        raise NeedsWords(name) from None
    if needed and not found:
        raise NeedsWords(name)
    return found


def _outcomes(store: Session, referral: Referral, reason: str, given: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for need in () if reason == "duplicate" else _needs(store, referral):
        if given.get(need.need) not in codes_in(NEED_OUTCOMES):
            raise NeedsWords(f"outcome:{need.need}")
        found[need.need] = given[need.need]
    return found


def _refuse_day(name: str, day: date | None, may: bool) -> None:
    if day and (not may or not today() <= day <= today() + FARTHEST):
        raise NeedsWords(name)


def write(
    store: Session,
    service: Service,
    actor: Actor | None,
    referral: Referral,
    reason: str,
    said: Mapping[str, str | None],
    outcomes: Mapping[str, str],
    *,
    no_action: bool,
) -> Closure:
    """Write down an end of the case, held by whoever calls. ``actor``: ``None`` for the person themselves."""
    closure = Closure(
        service_id=referral.service_id,
        referral_id=referral.id,
        person_id=referral.person_id,
        reason=reason,
        outcomes=dict(outcomes),
        no_action=no_action,
        closed_at=now(),
        closed_by=actor.staff_id if actor else None,
        reopen_until=today() + REOPEN_FOR,
        retention_review_due=review_due(service, reason),
        **said,
    )
    store.add(closure)
    store.flush()
    return closure


def review_due(service: Service, reason: str) -> date:
    """When somebody decides whether the record of a case that ends today is kept any longer; nothing is deleted by a
    clock."""
    years = services.settings_of(service).retention_years
    return years_from_today(min(years, SHORT_YEARS) if reason in KEPT_SHORTER else years)


def years_from_today(years: int) -> date:
    """The same day so many years from now; a leap day has a day after."""
    here = today()
    try:
        return here.replace(year=here.year + years)
    except ValueError:  # 29 February
        return date(here.year + years, 3, 1)


def task_of_keeping(closure: Closure) -> str:
    """The ``once`` of the task to decide whether the record is kept, for the day that is set now."""
    return f"retention-review:{closure.id}:{closure.retention_review_due}"


def _declined(store: Session, service: Service, actor: Actor, referral: Referral) -> None:
    unfinished = [
        one for one in measures.of_referral(store, service.id, referral.id) if one.status in measures.UNFINISHED
    ]
    if last := _at_the_end(service, unfinished):
        measures.say_why_not(store, actor, last.id, "declined")


def end(
    store: Session,
    service: Service,
    actor: Actor | None,
    referral: Referral,
    closure: Closure,
    *,
    but: Collection[uuid.UUID] = (),
) -> None:
    """What follows every end: nobody is asked any more, ``but`` about what is named; the counting ends, and the letters
    wait that may be sent. ``actor``: ``None`` for the person themselves."""
    measures.stop(store, service, referral.id, referrals.STOPS_ASKING.get(closure.reason, "closed"), but=but)
    contacts.counted(store, service, referral)
    if closure.reason != "duplicate":
        letters.wanted(store, service, actor, referral, "closing")
    about = {"closure": str(closure.id), "why": closure.reason}
    if but:
        about["asks_later"] = str(len(but))
    audit.record(store, service.id, actor, "closed a case", "referral", referral.id, **about)
    store.flush()


# The end of what was never begun, and an end by the person ---------------------------------------------------------


def decline(
    store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, *, reason: str, text: str, word: str
) -> Referral:
    """The service cannot take it (see ``referrals.decline``, and what it raises); whoever may be told is told."""
    referral = referrals.decline(store, service, actor, referral_id, reason=reason, text=text, word=word)
    known = services.settings_of(service).reason(reason)
    said_no = known is not None and known.status == "declined"
    why = reason if reason in codes_in(CLOSURE_REASONS) else CHOSE_TO_STOP if said_no else NOT_OURS
    _ended_untaken(store, service, actor, referral, why)
    return referral


def pass_on(
    store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, *, to: str, reason: str, word: str
) -> Referral:
    """Somebody else will help (see ``referrals.pass_on``, and what it raises); whoever may be told is told."""
    referral = referrals.pass_on(store, service, actor, referral_id, to=to, reason=reason, word=word)
    _ended_untaken(store, service, actor, referral, WAS_PASSED_ON)
    return referral


def withdraw(store: Session, service: Service, person_id: uuid.UUID, referral_id: uuid.UUID) -> Referral:
    """The person ends their own referral (see ``referrals.withdraw``, and what it raises). What became of the needs
    nobody has asked: of what was begun it is written down as not known. Pressed twice it is one end."""
    referral = referrals.withdraw(store, service, person_id, referral_id)
    last, ended = latest(store, service.id, referral.id), referrals.last_change(store, referral)
    if last and last.reopened_at is None:
        return referral
    begun = ended is not None and ended.was in Referral.OPEN
    if begun:
        outcomes = dict.fromkeys(referrals.needs_of(store, referral), NOT_KNOWN)
        end(
            store,
            service,
            None,
            referral,
            write(store, service, None, referral, CHOSE_TO_STOP, {}, outcomes, no_action=False),
        )
    else:
        _ended_untaken(store, service, None, referral, CHOSE_TO_STOP)
    return referral


def _ended_untaken(store: Session, service: Service, actor: Actor | None, referral: Referral, why: str) -> None:
    """A referral that nobody took has ended: the record has a day on which somebody decides about keeping it, and the
    messages wait that may be sent. Of needs and of what professionals should know there is nothing to say."""
    said = {"person_summary": referral.word_to_person} if tells_the_person(why) else {}
    closure = write(store, service, actor, referral, why, said, {}, no_action=False)
    end(store, service, actor, referral, closure)


# Looking -------------------------------------------------------------------------------------------------------------


def latest(store: Session, service_id: uuid.UUID, referral_id: uuid.UUID) -> Closure | None:
    """How a case last ended; also when it is open again (then ``reopened_at`` is set)."""
    theirs = rows_of(service_id, Closure).where(Closure.referral_id == referral_id)
    return store.scalar(theirs.order_by(Closure.id.desc()).limit(1))


def all_of(store: Session, service_id: uuid.UUID, referral_id: uuid.UUID) -> Sequence[Closure]:
    """Every end that a case has had, the first one first."""
    theirs = rows_of(service_id, Closure).where(Closure.referral_id == referral_id)
    return store.scalars(theirs.order_by(Closure.id)).all()


def may_be_reopened(referral: Referral, closure: Closure | None) -> bool:
    """Whether a case has ended, and not too long ago to be opened again."""
    return referral.status in REOPENABLE and today() <= reopen_until(referral, closure)


def reopen_until(referral: Referral, closure: Closure | None) -> date:
    """The last day on which a case that has ended may be opened again."""
    if closure and closure.reopen_until and closure.reopened_at is None:
        return closure.reopen_until
    ended = referral.closed_at or referral.decided_at or referral.referred_at
    return ended.astimezone(LONDON).date() + REOPEN_FOR


# Again ---------------------------------------------------------------------------------------------------------------


def reopen(store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, *, because: str) -> Referral:
    """Open a case again, for a reason in words. It is the worker's who had it, or the actor's when they have left; the
    person is told. How it ended stays in the record, and nobody decides about keeping it any more.

    Of the check-ins that ended with it, a follow-up that can still be answered comes back; a review is agreed anew.
    Raises ``referrals.Gone``, ``NotClosed`` (somebody else was faster), ``TooLate``, ``NeedsWords``.
    """
    access.require(actor, Permission.WORK_ON_CASE)
    referral = referrals.find(store, actor, referral_id, lock=True)
    if referral.status not in REOPENABLE:
        raise NotClosed(referral)
    closure = latest(store, service.id, referral.id)
    if not may_be_reopened(referral, closure):
        raise TooLate
    why = _words("because", because, longest=LONGEST_REASON, needed=True)
    if closure and closure.reopened_at is None:
        closure.reopened_at, closure.reopened_by, closure.reopened_because = now(), actor.staff_id, why
        tasks.no_longer_needed(store, service.id, once=[task_of_keeping(closure)])
        closure.retention_review_due = None
    was = referrals.last_change(store, referral)
    before = was.was if was else None
    try:
        referrals.worker(store, actor, referral.assigned_to or actor.staff_id)
    except referrals.NotThere:
        referral.assigned_to = None
    referral.assigned_to = referral.assigned_to or actor.staff_id
    tasks.hand_on(store, actor, referral.id, None, referral.assigned_to)
    if before not in Referral.OPEN:  # it was never taken
        referral.decided_at, referral.decided_by = now(), actor.staff_id
    referral.word_to_person = referral.passed_to = referral.reason_text = None
    referrals.set_status(store, actor, referral, _goes_on_as(before), words=why)
    if before in Referral.OPEN:
        measures.resume(store, service, referral.id)
    else:
        measures.plan_rest(store, service, referral)
    contacts.counted(store, service, referral)
    triage.settle(store, actor, referral)
    audit.record(store, service.id, actor, "opened a case again", "referral", referral.id)
    referrals.tell(store, service, referral, "case-reopened", again=True)
    return referral


def _goes_on_as(before: str | None) -> str:
    """The status of a case that goes on: as it was, and one that had not left triage has not left it now."""
    return "active" if before in ("active", "on-hold") else "accepted"


# A pause -------------------------------------------------------------------------------------------------------------


def hold(
    store: Session, actor: Actor, referral_id: uuid.UUID, *, reason: str, words: str = "", until: date | None
) -> Referral:
    """Pause a case, for a reason of HOLD_REASONS, until a day on which somebody looks at it again: Today shows it then,
    and nothing goes on by itself. Nobody is asked how they are meanwhile. Raises ``referrals.Gone``, ``NotOpen``,
    ``NeedsWords``."""
    access.require(actor, Permission.WORK_ON_CASE)
    referral = referrals.find(store, actor, referral_id, lock=True)
    if referral.status not in ("accepted", "active"):
        raise NotOpen(referral, latest(store, referral.service_id, referral.id))
    if reason not in codes_in(HOLD_REASONS):
        raise NeedsWords("reason")
    said = _words("words", words, longest=LONGEST_REASON, needed=reason == "other")
    if until is None:
        raise NeedsWords("until")
    _refuse_day("until", until, True)
    referral.next_due = until
    referrals.set_status(store, actor, referral, "on-hold", reason, words=said, until=until)
    return referral


def resume(store: Session, service: Service, actor: Actor, referral_id: uuid.UUID) -> Referral:
    """Go on with a case that was on hold, as it was before. Pressed twice it goes on once. Raises ``referrals.Gone``,
    ``NotOpen``."""
    access.require(actor, Permission.WORK_ON_CASE)
    referral = referrals.find(store, actor, referral_id, lock=True)
    if referral.status in ("accepted", "active"):
        return referral
    if referral.status != "on-hold":
        raise NotOpen(referral, latest(store, referral.service_id, referral.id))
    paused = referrals.last_change(store, referral)
    referrals.set_status(store, actor, referral, _goes_on_as(paused.was if paused else None))
    contacts.counted(store, service, referral)
    triage.settle(store, actor, referral)
    return referral


# Asking again later --------------------------------------------------------------------------------------------------


def followed_up(store: Session, actor: Actor, referral_id: uuid.UUID) -> Closure | None:
    """Somebody has asked again after the end, as was agreed; done twice it is done once. ``None`` when nothing was
    agreed. Raises ``referrals.Gone``."""
    access.require(actor, Permission.WORK_ON_CASE)
    referral = referrals.find(store, actor, referral_id, lock=True)
    closure = latest(store, referral.service_id, referral.id)
    if closure is None or closure.follow_up_due is None:
        return None
    if closure.followed_up_at is None:
        closure.followed_up_at = now()
        audit.record(store, referral.service_id, actor, "followed up after the end", "referral", referral.id)
        store.flush()
    return closure
