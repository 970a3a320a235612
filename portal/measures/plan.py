"""When people are asked how they are, with which scales, how often at most, and when the asking stops.

A plan hangs on one referral: a check-in at the start, and later ones dated from the day of the first contact; until
there is one, from the day on which the referral was accepted. A person is asked once and reminded twice at most; then a
member of staff decides. Whatever happens, every check-in ends: answered, or with the reason why not. Nothing here
writes to anybody except through ``notifications``.
"""

import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from portal import access, audit, codes, notifications, services, tasks
from portal.access import Actor, Permission, rows_of
from portal.clock import now, today
from portal.i18n import LONDON, N_
from portal.instruments import may_be_asked_again
from portal.measures import links
from portal.measures.scales import Chosen, choose
from portal.notifications import MESSAGES
from portal.services import Occasion
from portal.store import (
    CheckIn,
    Goal,
    ItemAnswer,
    MeasureResponse,
    Message,
    Referral,
    Service,
    ServiceUser,
    Staff,
)
from portal.store.once import write_once

UNFINISHED = ("ready", "in-progress", "on-hold")
OPEN_CASES = ("submitted", *Referral.OPEN)
"""The referrals whose check-ins may be answered; asked for by a message are those of ASKED_CASES only."""
ASKED_CASES = ("accepted", "active")
"""The referrals of which somebody may be asked something by us: in a pause nobody is."""
ENDED_CASE = "closed"
AFTER_THE_END = "follow-up"
"""The occasion that an end may leave to come. What is unfinished of a case that has ended was kept on purpose, when it
ended; everything else ended with it (decision 0035)."""

_ASKED_FOR = tuple(code for code, template in MESSAGES.items() if "code" in template.details)
"""The messages that a person asks for themselves, so that they say nothing of how often we turn to them."""

MOST_REMINDERS = 2
MOST_MESSAGES = 9  # about one check-in, refused ones too: so many keys there are
WAITS = timedelta(days=365)
"""How long the check-in at the start stays open while nobody has decided about the referral: our slowness ends
nothing."""

TIME_TO_ANSWER = timedelta(days=3)
"""Nobody is asked for something that closes before they can get round to it."""

REVIEW_WINDOW = (-7, 0, 21)
"""From when to when a review may be answered that a worker has added: days from the day that was agreed."""

WHY_NOT: dict[str, str] = {
    "declined": N_("The person did not want to answer"),
    "moved": N_("The person has moved away"),
    "died": N_("The person has died"),
    "not-reached": N_("We could not reach the person"),
    "not-due": N_("It was not due: another one took its place, or the person had been asked enough"),
    "service-closed": N_("The service was closed"),
    "not-finished": N_("The person began and did not finish"),
    "withdrawn": N_("The person does not want our help any more"),
    "closed": N_("The case was closed before"),
    "erased": N_("The person asked us to erase their record"),
}
"""Why nothing came back. The stored codes are for ever."""

SAID_BY_STAFF = ("declined", "moved", "died", "not-reached", "not-due", "service-closed")
_ENDED_WITH_THE_CASE = ("closed", "withdrawn", "moved", "died", "not-reached")
_FOUND_BY_THE_CLOCK = ("not-reached", "not-due", "not-finished")
"""Reasons that nobody gave: somebody who knows better may say another one, and a late answer still counts."""

GOALS = "goals"


def goes_on(case: str, occasion: str, among: Sequence[str] = OPEN_CASES) -> bool:
    """Whether a check-in on this occasion may still be answered, by the status of its case; ``among`` ASKED_CASES:
    whether we turn to the person about it."""
    return case in among or (case == ENDED_CASE and occasion == AFTER_THE_END)


class Gone(LookupError):
    """There is no such check-in, or no such referral, in this service."""


class NotPossible(ValueError):
    """It cannot be done now. The message is a code: finished, not-accepted, past, too-soon, closed, today-already,
    asked-enough, nothing-to-ask."""


# The plan ------------------------------------------------------------------------------------------------------------


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(0), LONDON).astimezone(UTC)


def _day_of(moment: datetime) -> date:
    return moment.astimezone(LONDON).date()


def _window(accepted: date, occasion: Occasion) -> tuple[datetime, datetime, datetime]:
    """When it opens, is due and closes; the last day belongs to it."""
    opens, due, last = (accepted + timedelta(days=days) for days in (occasion.opens, occasion.due, occasion.closes))
    return _start_of(opens), _start_of(due), _start_of(last + timedelta(days=1))


def _planned(store: Session, referral: Referral, occasion: Occasion, window: Sequence[datetime]) -> CheckIn:
    opens_at, due_at, closes_at = window
    check_in = CheckIn(
        service_id=referral.service_id,
        id=codes.new_id(),
        person_id=referral.person_id,
        referral_id=referral.id,
        occasion=occasion.occasion,
        number=occasion.number,
        scales=list(occasion.scales),
        status="ready",
        opens_at=opens_at,
        due_at=due_at,
        closes_at=closes_at,
    )
    same = rows_of(referral.service_id, CheckIn).where(
        CheckIn.referral_id == referral.id,
        CheckIn.occasion == occasion.occasion,
        CheckIn.number == occasion.number,
    )
    found, _ = write_once(store, check_in, same)
    return found


def plan_baseline(store: Session, service: Service, referral: Referral, person: ServiceUser) -> CheckIn | None:
    """The check-in at the start, open from the sending on; ``None`` when the service plans none."""
    occasions = services.settings_of(service).check_ins.occasions
    if not occasions:
        return None
    sent = referral.referred_at
    return _planned(store, referral, occasions[0], (sent, sent, sent + WAITS))


def plan_rest(store: Session, service: Service, referral: Referral) -> list[CheckIn]:
    """The later check-ins, dated from the acceptance (now); the one at the start is due now and gets its end."""
    accepted = today()
    found = []
    for occasion in services.settings_of(service).check_ins.occasions:
        window = _window(accepted, occasion)
        check_in = _planned(store, referral, occasion, window)
        if occasion.occasion == "baseline" and check_in.status in UNFINISHED:
            # It could be answered from the sending on, but answers older than its window would tell of another time.
            check_in.opens_at = max(referral.referred_at, window[0])
            check_in.due_at, check_in.closes_at = window[1:]
        found.append(check_in)
    store.flush()
    audit.record(
        store, service.id, None, "planned check-ins", "referral", referral.id, actor_kind="system", many=len(found)
    )
    return found


def redate(store: Session, service: Service, referral: Referral, day: date, was: date) -> int:
    """The first contact was on ``day``: what the service plans and nobody has been asked about yet is dated from it, no
    longer from the day ``was``. How many check-ins moved.

    What somebody put on another day by hand stays there, and nothing is moved to where it could not be answered any
    more: a contact that is written down late ends nothing.
    """
    rows = {(one.occasion, one.number): one for one in _locked(store, service.id, CheckIn.referral_id == referral.id)}
    moved = 0
    for occasion in services.settings_of(service).check_ins.occasions:
        check_in = rows.get((occasion.occasion, occasion.number))
        window = _window(day, occasion)
        if check_in is None or day == was or not _waits_as_planned(check_in, _window(was, occasion)[1], window[2]):
            continue
        # Whoever could answer the one at the start already can do so still.
        check_in.opens_at = check_in.opens_at if occasion.occasion == "baseline" else window[0]
        check_in.due_at, check_in.closes_at = window[1:]
        moved += 1
    store.flush()
    if moved:
        act = "dated check-ins from the first contact"
        audit.record(store, service.id, None, act, "referral", referral.id, actor_kind="system", many=moved)
    return moved


def _waits_as_planned(check_in: CheckIn, due_at: datetime, would_close: datetime) -> bool:
    untouched = check_in.status in ("ready", "on-hold") and _asked_on(check_in) is None and check_in.due_at == due_at
    return untouched and would_close > now() + TIME_TO_ANSWER


def plan_end(store: Session, actor: Actor, referral_id: uuid.UUID, day: date) -> CheckIn | None:
    """The support is planned to end on this day: the check-in that is due at the end comes then, if that is earlier.
    ``None`` when there is none, or when it has been asked for already. Raises ``Gone``, ``NotPossible``.

    What would have come before it and is not due by then falls away.
    """
    service, referral = _case(store, actor, referral_id)
    if day < today():
        raise NotPossible("past")
    planned = [one for one in services.settings_of(service).check_ins.occasions if one.or_planned_end]
    rows = {
        (one.occasion, one.number): one for one in _locked(store, actor.service_id, CheckIn.referral_id == referral.id)
    }
    check_in = rows.get((planned[0].occasion, planned[0].number)) if planned else None
    if check_in is None or check_in.status not in ("ready", "on-hold") or _asked_on(check_in):
        return None
    was, due_at = check_in.due_at, _start_of(day)
    if due_at >= was:
        return check_in
    stays_open = _day_of(check_in.closes_at) - _day_of(was)
    check_in.closes_at = min(check_in.closes_at, _start_of(day + stays_open))
    check_in.opens_at, check_in.due_at = min(check_in.opens_at, due_at), due_at
    for other in rows.values():
        waiting = other.status in ("ready", "on-hold") and _asked_on(other) is None
        if other.id != check_in.id and waiting and due_at <= other.due_at < was:
            _end(store, other, "not-due")
    store.flush()
    audit.record(store, actor.service_id, actor, "planned the end", "referral", referral.id, day=day.isoformat())
    return check_in


def add_review(store: Session, actor: Actor, referral_id: uuid.UUID, due: date) -> CheckIn:
    """One more review, on a day that the worker and the person agreed. Raises ``Gone``, ``NotPossible``."""
    service, referral = _case(store, actor, referral_id)
    if due < today():
        raise NotPossible("past")
    planned = services.settings_of(service).check_ins.occasions
    like = next((one for one in reversed(planned) if one.occasion == "review"), planned[0] if planned else None)
    if like is None:
        raise NotPossible("nothing-to-ask")
    reviews = [one.number for one in of_referral(store, service.id, referral.id) if one.occasion == "review"]
    occasion = Occasion("review", max(reviews, default=0) + 1, *REVIEW_WINDOW, like.scales)
    check_in = _planned(store, referral, occasion, _window(due, occasion))
    store.flush()
    audit.record(store, service.id, actor, "added a review", "check_in", check_in.id)
    return check_in


def _case(store: Session, actor: Actor, referral_id: uuid.UUID) -> tuple[Service, Referral]:
    access.require(actor, Permission.DECIDE_REFERRAL)
    wanted = rows_of(actor.service_id, Referral).where(Referral.id == referral_id)
    referral = store.scalar(wanted.with_for_update().execution_options(populate_existing=True))
    if referral is None:
        raise Gone
    if not referral.is_open:
        raise NotPossible("not-accepted")
    return store.get_one(Service, actor.service_id), referral


# Looking -------------------------------------------------------------------------------------------------------------


def of_referral(store: Session, service_id: uuid.UUID, referral_id: uuid.UUID) -> Sequence[CheckIn]:
    """Every check-in of a referral, by when it is due."""
    theirs = rows_of(service_id, CheckIn).where(CheckIn.referral_id == referral_id)
    return store.scalars(theirs.order_by(CheckIn.due_at, CheckIn.id)).all()


def of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[CheckIn]:
    """Every check-in of a person, by when it is due."""
    theirs = rows_of(service_id, CheckIn).where(CheckIn.person_id == person_id)
    return store.scalars(theirs.order_by(CheckIn.due_at, CheckIn.id)).all()


def due_for(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[CheckIn]:
    """What the person may answer now and has not finished: one check-in at most, the others wait for it."""
    theirs = _opened(service_id).where(CheckIn.person_id == person_id, CheckIn.closes_at > now())
    every = [_Open(*row) for row in store.execute(theirs)]
    open_ones = [one for one in every if goes_on(one.case, one.check_in.occasion)]
    return [min(open_ones, key=_Open.order).check_in] if open_ones else []


@dataclass(frozen=True)
class _Open:
    """A check-in, and of the referral that it hangs on the status and whose it is."""

    check_in: CheckIn
    case: str
    worker_id: uuid.UUID | None

    @property
    def asks(self) -> bool:
        """Whether we turn to the person about it."""
        return goes_on(self.case, self.check_in.occasion, ASKED_CASES)

    def order(self) -> tuple[bool, bool, bool, datetime, uuid.UUID]:
        """Of several at once the first comes, and the others wait: two records that became one must not ask twice."""
        one = self.check_in
        return not self.asks, one.status != "in-progress", _asked_on(one) is None, one.due_at, one.id


def _opened(service_id: uuid.UUID) -> Select[CheckIn, str, uuid.UUID | None]:
    """The check-ins that have opened and are not finished, as the rows that make an ``_Open``. Not the whole referral:
    what a person wrote has no business here, and would be decrypted in every round."""
    return (
        select(CheckIn, Referral.status, Referral.assigned_to)
        .join(Referral, (Referral.service_id == CheckIn.service_id) & (Referral.id == CheckIn.referral_id))
        .where(CheckIn.service_id == service_id, CheckIn.status.in_(UNFINISHED), CheckIn.opens_at <= now())
    )


def _asked_on(check_in: CheckIn) -> datetime | None:
    """When we, or a member of staff in our place, last turned to the person about it."""
    return max((at for at in (check_in.last_asked_at, check_in.handed_to_staff_at) if at), default=None)


def _unfinished(store: Session, service_id: uuid.UUID, which: ColumnElement[bool]) -> list[CheckIn]:
    return [one for one in _locked(store, service_id, which) if one.status in UNFINISHED]


def _locked(store: Session, service_id: uuid.UUID, which: ColumnElement[bool]) -> Sequence[CheckIn]:
    """Check-ins held until the end of the transaction, as they are now."""
    wanted = rows_of(service_id, CheckIn).where(which).order_by(CheckIn.id)
    return store.scalars(wanted.with_for_update().execution_options(populate_existing=True)).all()


# What is asked -------------------------------------------------------------------------------------------------------


def language_of(service: Service, person: ServiceUser) -> str:
    """The language in which a person is asked: the one they like to read, if it is offered here; else that of the
    pages they used."""
    return notifications.language_for(service, person)


def age_of(person: ServiceUser, on: date) -> int:
    """Whole years on a day; when only the year of birth is known, the fewest that it can be."""
    if len(person.born) == 4:
        return on.year - int(person.born) - 1
    born = date.fromisoformat(person.born)
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def scales_for(
    store: Session,
    service: Service,
    check_in: CheckIn,
    *,
    language: str,
    age: int | None,
    by_proxy: bool = False,
    interpreter: bool = False,
) -> tuple[Chosen, ...]:
    """What is asked now, with the exact words; no scale sooner again than it may be. Empty: nothing can be asked.

    Words in the person's own language come first (product 9): the scales of this check-in that have them, or else
    another scale of the service's plan that has; the goals. Only when there is no scale at all, and an interpreter or a
    worker is there (``interpreter``), the English is read out.
    """
    last = _last_answered(store, check_in)

    def words(scales: Sequence[str], spoken: str) -> list[Chosen]:
        found = []
        for scale in scales:
            chosen = choose(store, service, scale, language=spoken, age=age, by_proxy=by_proxy, today=today())
            rested = scale not in last or (chosen and may_be_asked_again(chosen.instrument, last[scale], today()))
            if chosen and rested:
                found.append(chosen)
        return found

    asked = [scale for scale in check_in.scales if scale != GOALS]
    others = [scale for scale in _scales_of_plan(service) if scale not in check_in.scales]
    goals = words([GOALS], language) if GOALS in check_in.scales else []
    found = words(asked, language)
    if not found and language != "en" and any(_has_no_words(store, service, one, language, age) for one in asked):
        found = words(others, language)[:1] or (words(asked, "en") if interpreter else [])
    return (*found, *goals)


def not_available(
    store: Session, service: Service, check_in: CheckIn, *, language: str, age: int | None, by_proxy: bool = False
) -> tuple[str, ...]:
    """The scales of this check-in that could be asked in English, and have no words in this language."""
    return tuple(
        scale for scale in check_in.scales if _has_no_words(store, service, scale, language, age, by_proxy=by_proxy)
    )


def _has_no_words(
    store: Session, service: Service, scale: str, language: str, age: int | None, *, by_proxy: bool = False
) -> bool:
    here, english = (
        choose(store, service, scale, language=spoken, age=age, by_proxy=by_proxy, today=today())
        for spoken in (language, "en")
    )
    return here is None and english is not None


def _scales_of_plan(service: Service) -> list[str]:
    occasions = services.settings_of(service).check_ins.occasions
    return list(dict.fromkeys(scale for one in occasions for scale in one.scales if scale != GOALS))


def _last_answered(store: Session, check_in: CheckIn) -> dict[str, date]:
    """The day on which the person last answered each scale, on any other occasion."""
    rows = store.execute(
        select(MeasureResponse.scale, func.max(ItemAnswer.created_at))
        .join(
            ItemAnswer,
            (ItemAnswer.service_id == MeasureResponse.service_id) & (ItemAnswer.response_id == MeasureResponse.id),
        )
        .where(
            MeasureResponse.service_id == check_in.service_id,
            MeasureResponse.person_id == check_in.person_id,
            MeasureResponse.check_in_id != check_in.id,
        )
        .group_by(MeasureResponse.scale)
    )
    return {scale: _day_of(at) for scale, at in rows}


# What becomes of it --------------------------------------------------------------------------------------------------


def mark_started(store: Session, check_in: CheckIn) -> None:
    """The first answer has been saved."""
    store.refresh(check_in, with_for_update=True)
    if check_in.status in ("ready", "on-hold"):
        check_in.status = "in-progress"
        store.flush()


def takes_answers(check_in: CheckIn) -> bool:
    """Whether an answer given now counts: it is not finished, and nobody has ended it on purpose."""
    ended_by_clock = check_in.status == "cancelled" and check_in.why_not in _FOUND_BY_THE_CLOCK
    return check_in.status in UNFINISHED or ended_by_clock


def mark_answered(store: Session, service: Service, check_in: CheckIn) -> None:
    """The person has finished: nobody is reminded, and what staff were asked to do about it is done.

    Answers that come after the window still count; nothing counts that somebody has ended on purpose.
    """
    store.refresh(check_in, with_for_update=True)
    if takes_answers(check_in):
        check_in.status, check_in.completed_at, check_in.why_not = "completed", now(), None
        _quieten(store, check_in)
        _find_a_reader(store, service, check_in)


def _find_a_reader(store: Session, service: Service, check_in: CheckIn) -> None:
    """What came back after the end stands on the page of whoever had the case. Where they have left, nobody would read
    it: then it is something to do for whoever is on duty."""
    referral = store.get_one(Referral, (service.id, check_in.referral_id))
    if referral.status != ENDED_CASE or _at_work(store, service, referral.assigned_to):
        return
    tasks.add(
        store,
        service.id,
        tasks.Kind.CHECK_IN_BACK,
        once=f"check-in-back:{check_in.id}",
        due_at=services.promise_due(services.settings_of(service), now()),
        person_id=check_in.person_id,
        referral_id=referral.id,
        assigned_to=_on_duty(store, service),
        details={"occasion": check_in.occasion},
    )


def _at_work(store: Session, service: Service, worker_id: uuid.UUID | None) -> uuid.UUID | None:
    """Whoever has the case, while they work here."""
    worker = store.get(Staff, (service.id, worker_id)) if worker_id else None
    return worker.id if worker and worker.state == "active" else None


def _on_duty(store: Session, service: Service) -> uuid.UUID | None:
    try:
        return services.holder(store, service.id, "duty", now())
    except services.NobodyThere:  # whoever works here next finds it
        return None


def stop(store: Session, service: Service, referral_id: uuid.UUID, why: str, *, but: Collection[uuid.UUID] = ()) -> int:
    """Ask nothing more about this referral (``why``: of WHY_NOT), ``but`` what is named; links and waiting messages
    stop too. How many.

    Of somebody who has died, nothing is asked about any referral.
    """
    referral = store.get_one(Referral, (service.id, referral_id))
    whose = CheckIn.person_id == referral.person_id if why == "died" else CheckIn.referral_id == referral_id
    open_ones = [one for one in _unfinished(store, service.id, whose) if one.id not in but]
    for check_in in open_ones:
        _end(store, check_in, why)
    return len(open_ones)


def resume(store: Session, service: Service, referral_id: uuid.UUID) -> int:
    """The case goes on after its end: a follow-up that ended with it, of which nobody was asked yet and that can still
    be answered, waits again. Nothing else does: a review is agreed anew, and no question of the past is asked again.
    How many."""
    ended = (CheckIn.referral_id == referral_id) & (CheckIn.occasion == "follow-up") & (CheckIn.status == "cancelled")
    back = [
        one
        for one in _locked(store, service.id, ended)
        if one.why_not in _ENDED_WITH_THE_CASE and one.asked_at is None and one.closes_at > now() + TIME_TO_ANSWER
    ]
    for check_in in back:
        check_in.status, check_in.why_not = "ready", None
        act = "took up a check-in again"
        audit.record(store, service.id, None, act, "check_in", check_in.id, actor_kind="system")
    store.flush()
    return len(back)


def follow_ups(store: Session, referral: Referral) -> list[CheckIn]:
    """What an end may leave to come, or has left: the follow-ups that are not finished and can still be answered, by
    when they are due."""
    if not goes_on(referral.status, AFTER_THE_END):
        return []
    return [
        one
        for one in of_referral(store, referral.service_id, referral.id)
        if one.occasion == AFTER_THE_END and one.status in UNFINISHED and one.closes_at > now() + TIME_TO_ANSWER
    ]


def not_again(store: Session, service: Service, person_id: uuid.UUID, referral_id: uuid.UUID) -> int:
    """The person does not want to be asked once more after the end. Pressed twice it is one no. How many ended."""
    theirs = (CheckIn.referral_id == referral_id) & (CheckIn.person_id == person_id)
    open_ones = [one for one in _unfinished(store, service.id, theirs) if one.occasion == AFTER_THE_END]
    for check_in in open_ones:
        _end(store, check_in, "declined")
        audit.record(store, service.id, None, "said no to being asked again", "check_in", check_in.id)
    return len(open_ones)


def say_why_not(store: Session, actor: Actor, check_in_id: uuid.UUID, why: str) -> CheckIn:
    """A member of staff says why nothing will come back (``why``: of SAID_BY_STAFF); nobody is asked any more. About
    somebody who has died, everything stops. Raises ``Gone``, ``NotPossible``, ValueError for another reason."""
    access.require(actor, Permission.DECIDE_REFERRAL)
    if why not in SAID_BY_STAFF:
        raise ValueError(why)
    check_in = _one(store, actor, check_in_id)
    if check_in.status not in UNFINISHED and check_in.why_not not in _FOUND_BY_THE_CLOCK:
        raise NotPossible("finished")
    _end(store, check_in, why, actor)
    if why == "died":
        for one in _unfinished(store, actor.service_id, CheckIn.person_id == check_in.person_id):
            _end(store, one, why, actor)
    return check_in


def _one(store: Session, actor: Actor, check_in_id: uuid.UUID) -> CheckIn:
    found = _locked(store, actor.service_id, CheckIn.id == check_in_id)
    if not found:
        raise Gone
    return found[0]


def _end(store: Session, check_in: CheckIn, why: str, actor: Actor | None = None) -> None:
    if why not in WHY_NOT:
        raise ValueError(why)
    check_in.status, check_in.why_not = "cancelled", why
    _quieten(store, check_in)
    kind = "staff" if actor else "system"
    act = "ended a check-in"
    audit.record(store, check_in.service_id, actor, act, "check_in", check_in.id, actor_kind=kind, why=why)
    store.flush()


def _quieten(store: Session, check_in: CheckIn) -> None:
    """Nothing about it leaves any more, nothing that left opens it, and nobody has to do anything about it."""
    links.cancel_links(store, check_in.service_id, check_in.id)
    keys = _message_keys(check_in)
    notifications.take_back(store, check_in.service_id, keys)
    written = select(Message.id).where(Message.service_id == check_in.service_id, Message.once.in_(keys))
    tasks.no_longer_needed(
        store, check_in.service_id, once=[_task_key(check_in)], message_ids=store.scalars(written).all()
    )
    store.flush()


def _message_keys(check_in: CheckIn) -> list[str]:
    return [f"check-in:{check_in.id}:{number}" for number in range(1, MOST_MESSAGES + 1)]


def _task_key(check_in: CheckIn) -> str:
    return f"check-in-not-back:{check_in.id}"


# Asking --------------------------------------------------------------------------------------------------------------


def remind(store: Session, service: Service) -> int:
    """What the clock does: ask, remind twice, hand over to staff, end what is past. How many check-ins moved."""
    # One worker at a time: two that each see no message today would send two.
    store.refresh(service, with_for_update={"key_share": True})
    # What somebody is just answering waits for the next round.
    wanted = _opened(service.id).order_by(CheckIn.person_id, CheckIn.id).with_for_update(of=CheckIn, skip_locked=True)
    everything = [_Open(*row) for row in store.execute(wanted.execution_options(populate_existing=True))]
    moved = 0
    for _, theirs in groupby(everything, key=lambda one: one.check_in.person_id):
        moved += _move(store, service, list(theirs))
    store.flush()
    return moved


def _move(store: Session, service: Service, theirs: list[_Open]) -> int:
    """What the clock does about one person. How many of their check-ins moved."""
    ended = [one for one in theirs if _end_what_is_over(store, one)]
    left = sorted((one for one in theirs if one not in ended), key=_Open.order)
    moved = len(ended)
    for place, one in enumerate(left):
        wanted = "on-hold" if place else "ready"
        if one.check_in.status in ("ready", "on-hold") and one.check_in.status != wanted:
            one.check_in.status = wanted
            moved += 1
    if left and left[0].asks and left[0].check_in.due_at <= now():
        moved += _turn_to(store, service, left[0])
    return moved


def _end_what_is_over(store: Session, one: _Open) -> bool:
    check_in = one.check_in
    if not goes_on(one.case, check_in.occasion):
        _end(store, check_in, "closed")
    elif check_in.closes_at > now():
        return False
    elif check_in.status == "in-progress":
        _end(store, check_in, "not-finished")
    else:
        _end(store, check_in, "not-reached" if _asked_on(check_in) else "not-due")
    return True


def _turn_to(store: Session, service: Service, one: _Open) -> int:
    """The next thing about a check-in that is due: a message, a task, or nothing yet."""
    check_in = one.check_in
    if check_in.handed_to_staff_at or not services.is_open(services.settings_of(service), now()):
        return 0
    return _follow_up(store, service, one) if check_in.asked_at else _ask(store, service, one)


def _ask(store: Session, service: Service, one: _Open) -> int:
    check_in = one.check_in
    if _not_now(store, service, check_in):
        return 0
    person = store.get_one(ServiceUser, (service.id, check_in.person_id))
    if _anything_to_ask(store, service, check_in, person):
        return _write(store, service, check_in)
    if _anything_to_ask(store, service, check_in, person, interpreter=True):
        return _hand_over(store, service, one, "language")
    return 0


def _follow_up(store: Session, service: Service, one: _Open) -> int:
    """What comes after the first message, counted from the moment at which the last one really left."""
    check_in, plan = one.check_in, services.settings_of(service).check_ins
    to_remind = check_in.reminders < len(plan.reminder_days)
    wait = timedelta(days=plan.reminder_days[check_in.reminders] if to_remind else plan.hand_over_days)
    if check_in.last_asked_at and now() < check_in.last_asked_at + wait:
        return 0  # it cannot be due yet: most rounds end here, without a query
    last = _last_message(store, check_in)
    if last is None or last.state in ("refused", "failed"):
        # It never arrived, and that is a task already.
        check_in.handed_to_staff_at = now()
        return 1
    if last.sent_at is None or now() < last.sent_at + wait:
        return 0
    if not to_remind:
        return _hand_over(store, service, one, "no-answer")
    return 0 if _told_today(store, check_in) else _write(store, service, check_in)


def ask_now(store: Session, actor: Actor, check_in_id: uuid.UUID) -> CheckIn:
    """Ask the person now, or send the link again, by the same rules as the clock. Raises ``Gone``, ``NotPossible``.

    A refusal by safe contact is no error: it has become a task.
    """
    access.require(actor, Permission.DECIDE_REFERRAL)
    service = store.get_one(Service, actor.service_id)
    store.refresh(service, with_for_update={"key_share": True})
    check_in = _one(store, actor, check_in_id)
    if problem := _why_not_now(store, service, check_in):
        raise NotPossible(problem)
    audit.record(store, service.id, actor, "asked for a check-in", "check_in", check_in.id)
    _write(store, service, check_in)
    store.flush()
    return check_in


def _why_not_now(store: Session, service: Service, check_in: CheckIn) -> str:
    """Why a worker cannot have the person asked at this moment; empty when they can."""
    person = store.get_one(ServiceUser, (service.id, check_in.person_id))
    referral = store.get_one(Referral, (service.id, check_in.referral_id))
    reasons: dict[str, Callable[[], bool]] = {
        "finished": lambda: check_in.status not in UNFINISHED,
        "not-accepted": lambda: not goes_on(referral.status, check_in.occasion, Referral.OPEN),
        "past": lambda: check_in.closes_at <= now(),
        "too-soon": lambda: check_in.opens_at > now(),
        "closed": lambda: not services.is_open(services.settings_of(service), now()),
        "asked-enough": lambda: check_in.reminders >= MOST_REMINDERS or _written(store, check_in) >= MOST_MESSAGES,
        "nothing-to-ask": lambda: not _anything_to_ask(store, service, check_in, person),
    }
    for code, holds in reasons.items():
        if holds():
            return code
    if check_in.asked_at is None:
        return _not_now(store, service, check_in)
    return "today-already" if _told_today(store, check_in) else ""


def _not_now(store: Session, service: Service, check_in: CheckIn) -> str:
    """Why a person is not asked about something new at this moment; empty when they may be. However many referrals
    they have, it is one person who is asked."""
    plan = services.settings_of(service).check_ins
    if check_in.closes_at < now() + TIME_TO_ANSWER:
        return "past"
    others = [one for one in of_person(store, service.id, check_in.person_id) if one.id != check_in.id]
    asked = [at for one in others if (at := _asked_on(one))]
    # Whoever has just answered by themselves has had enough for now as well.
    heard = asked + [one.completed_at for one in others if one.completed_at]
    if heard and max(heard) + timedelta(days=plan.least_days_between_asks) > now():
        return "too-soon"
    if sum(at > now() - timedelta(days=plan.per_days) for at in asked) >= plan.most_asks:
        return "asked-enough"
    return "today-already" if _told_today(store, check_in) else ""


def _told_today(store: Session, check_in: CheckIn) -> bool:
    """Whether anything has gone to the person today, or is about to: nobody hears from us twice on one day."""
    theirs = rows_of(check_in.service_id, Message).where(
        Message.person_id == check_in.person_id,
        Message.template.not_in(_ASKED_FOR),
        or_(Message.state == "waiting", Message.sent_at >= _start_of(today())),
    )
    return store.scalar(theirs.limit(1)) is not None


def _anything_to_ask(
    store: Session, service: Service, check_in: CheckIn, person: ServiceUser, *, interpreter: bool = False
) -> bool:
    found = scales_for(
        store,
        service,
        check_in,
        language=language_of(service, person),
        age=age_of(person, today()),
        interpreter=interpreter,
    )
    if any(chosen.instrument.key != GOALS for chosen in found):
        return True
    active = rows_of(service.id, Goal).where(Goal.person_id == person.id, Goal.status == "active")
    return bool(found) and store.scalar(active.limit(1)) is not None


def _messages(store: Session, check_in: CheckIn) -> Sequence[Message]:
    ours = rows_of(check_in.service_id, Message).where(Message.once.in_(_message_keys(check_in)))
    return store.scalars(ours.order_by(Message.once)).all()


def _written(store: Session, check_in: CheckIn) -> int:
    return len(_messages(store, check_in))


def _last_message(store: Session, check_in: CheckIn) -> Message | None:
    found = _messages(store, check_in)
    return found[-1] if found else None


def _write(store: Session, service: Service, check_in: CheckIn) -> int:
    """Write to the person, with a new link. What safe contact refuses has become a task, and then staff go on."""
    again = check_in.asked_at is not None
    token = links.new_link(store, check_in)
    message = notifications.tell_person(
        store,
        service,
        check_in.person_id,
        "check-in-reminder" if again else "check-in-due",
        once=_message_keys(check_in)[_written(store, check_in)],
        details={"token": token},
        referral_id=check_in.referral_id,
    )
    if message.state == "refused":
        links.cancel_links(store, service.id, check_in.id)
        check_in.handed_to_staff_at = now()
    else:
        check_in.asked_at, check_in.last_asked_at = check_in.asked_at or now(), now()
        check_in.reminders += again
    store.flush()
    return 1


def _hand_over(store: Session, service: Service, one: _Open, why: str) -> int:
    """No more messages: a worker asks the person, or says why not."""
    check_in, settings = one.check_in, services.settings_of(service)
    worker = _at_work(store, service, one.worker_id)
    tasks.add(
        store,
        service.id,
        tasks.Kind.CHECK_IN_NOT_BACK,
        once=_task_key(check_in),
        due_at=min(services.promise_due(settings, now()), check_in.closes_at),
        person_id=check_in.person_id,
        referral_id=check_in.referral_id,
        assigned_to=worker or (_on_duty(store, service) if one.case == ENDED_CASE else None),
        details={"occasion": check_in.occasion, "why": why},
    )
    check_in.handed_to_staff_at = now()
    return 1


def hand_to_worker(store: Session, service: Service, check_in: CheckIn) -> None:
    """The person would like to answer together with a worker: a task, and no more messages about it."""
    (check_in,) = _locked(store, service.id, CheckIn.id == check_in.id)
    referral = store.get_one(Referral, (service.id, check_in.referral_id))
    _hand_over(store, service, _Open(check_in, referral.status, referral.assigned_to), "together")
    audit.record(store, service.id, None, "asked for a worker", "check_in", check_in.id)
    store.flush()
