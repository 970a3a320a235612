"""Today: everything that waits for one member of staff, why it is here, and the one next action.

One query for each kind, however long the lists are: of each the first few are shown, and how many there are is counted
no farther than people count. Nothing is kept of it: a line goes when its reason has gone.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select, union_all
from sqlalchemy.engine import Row
from sqlalchemy.orm import Session

from portal import access, alerts, audit, services
from portal.access import Actor, Permission
from portal.caseload import to_do
from portal.caseload.to_do import Action as Action
from portal.clock import now, today
from portal.i18n import LONDON, N_, gettext, ngettext, say_date
from portal.services import ServiceSettings
from portal.store import (
    AccessNeed,
    Alert,
    AuditEvent,
    CarePlan,
    CheckIn,
    Closure,
    Contact,
    Letter,
    Onward,
    Referral,
    Risk,
    Service,
    ServiceUser,
    Staff,
    Task,
)
from portal.tasks import Kind as TaskKind

Query = Select[*tuple[Any, ...]]
Found = Row[*tuple[Any, ...]]

MOST = 5
"""Lines of one kind on the page; all of them stand on a page of their own."""
COUNTED = 100
"""So many are counted; beyond that it says "more than"."""
CAME_BACK = timedelta(days=30)
"""For so long a check-in that came back waits here until its worker looks at it."""
AFTERWARDS = timedelta(days=400)
"""For so long after its end a case may still get an answer: the last check-in comes half a year later."""
LOOKED = "read the check-ins"
"""The audit's act when a worker looks at the answers of their case."""


@dataclass(frozen=True)
class TodayLine:
    """One thing that waits. ``kind`` is its group; ``why`` says in words why it is here; ``about`` is the name to use
    of the person, ``who`` has it, ``due`` when, ``late``: it was due before now."""

    kind: str
    why: str
    about: str
    who: str
    due: datetime | date | None
    late: bool
    action: Action
    referral_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Group:
    """The lines of one kind. ``many``: how many there are in all, ``or_more`` of them; ``all_of_them``: where the whole
    list stands, where there is one."""

    code: str
    title: str
    lines: tuple[TodayLine, ...]
    many: int
    or_more: bool
    all_of_them: Action | None

    @property
    def cut(self) -> int:
        """How many are not shown."""
        return self.many - len(self.lines)


@dataclass(frozen=True)
class _Asking:
    """Whose page it is, and what every query needs."""

    store: Session
    actor: Actor
    settings: ServiceSettings
    moment: datetime
    day: date

    def mine(self) -> ColumnElement[bool]:
        """The referrals that the actor has."""
        return and_(Referral.service_id == self.actor.service_id, Referral.assigned_to == self.actor.staff_id)


Find = Callable[[_Asking], Query]
Say = Callable[[_Asking, Found], TodayLine]


@dataclass(frozen=True)
class TodayKind:
    """One kind of line: its heading, the query whose rows are its lines, how a row is said, where the whole list is."""

    code: str
    title: str
    find: Find
    say: Say
    permission: Permission
    all_of_them: tuple[str, str, tuple[tuple[str, str], ...]] | None = None


def groups(store: Session, actor: Actor, *, whole: str = "") -> list[Group]:
    """Everything that waits for the actor, by kind; kinds of which there is nothing are left out. ``whole``: only this
    kind, and all of it that is counted."""
    settings = services.settings_of(store.get_one(Service, actor.service_id))
    asking = _Asking(store, actor, settings, now(), today())
    wanted = [kind for kind in KINDS if whole in ("", kind.code) and access.may(actor, kind.permission)]
    found = (_group(asking, kind, COUNTED if whole else MOST) for kind in wanted)
    return [one for one in found if one is not None]


def lines(store: Session, actor: Actor) -> list[TodayLine]:
    """The lines of all kinds, in their order."""
    return [line for group in groups(store, actor) for line in group.lines]


def looked(store: Session, actor: Actor, referral: Referral) -> None:
    """The actor looks at the answers of their own case: what came back since they last did is not news any more."""
    asking = (CheckIn.service_id == actor.service_id, CheckIn.referral_id == referral.id)
    if referral.assigned_to == actor.staff_id and store.scalar(
        select(CheckIn.id).where(*asking, _news(actor)).limit(1)
    ):
        audit.record(store, actor.service_id, actor, LOOKED, "referral", referral.id)


def _group(asking: _Asking, kind: TodayKind, most: int) -> Group | None:
    query = kind.find(asking)
    # Counted here: asking the database for the lines and for their number would have it look for them twice.
    rows = asking.store.execute(query.limit(COUNTED + 1)).all()
    if not rows:
        return None
    many = min(len(rows), COUNTED)
    where = kind.all_of_them
    return Group(
        kind.code,
        gettext(kind.title),
        tuple(kind.say(asking, row) for row in rows[:most]),
        many,
        or_more=len(rows) > COUNTED,
        all_of_them=Action(gettext(where[0]), where[1], dict(where[2])) if where else None,
    )


# What every kind shares ----------------------------------------------------------------------------------------------

_NAME = func.coalesce(ServiceUser.preferred_name, ServiceUser.first_name).label("name")
_OF_REFERRAL = and_(ServiceUser.service_id == Referral.service_id, ServiceUser.id == Referral.person_id)
WORKED_ON = ("accepted", "active")
"""The open cases that are not on hold."""


def _line(asking: _Asking, kind: str, row: Found, why: str, action: Action, **more: Any) -> TodayLine:
    given: dict[str, Any] = {"due": None, "late": False, "who": asking.actor.name, **more}
    return TodayLine(kind, why, row.name or "", action=action, referral_id=row.referral_id, **given)


def _case(row: Found, label: str, part: str = "") -> Action:
    anchor = {"_anchor": part} if part else {}
    return Action(gettext(label), "caseload.case", {"referral_id": row.referral_id, **anchor})


def _contact(row: Found) -> Action:
    return Action(gettext(N_("Record a contact")), "caseload.new_contact", {"referral_id": row.referral_id})


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(0), LONDON).astimezone(UTC)


# Alerts --------------------------------------------------------------------------------------------------------------


def _alerts(asking: _Asking) -> Query:
    """Those that nobody has opened, whoever has them; and those that the actor has opened and not closed."""
    unopened = Alert.opened_at.is_(None)
    owner = and_(Staff.service_id == Alert.service_id, Staff.id == Alert.owner_id)
    person = and_(ServiceUser.service_id == Alert.service_id, ServiceUser.id == Alert.person_id)
    return (
        select(Alert.id, Alert.referral_id, Alert.rule, Alert.opened_at, Alert.due_at, Staff.name.label("owner"), _NAME)
        .join(Staff, owner)
        .outerjoin(ServiceUser, person)
        .where(
            Alert.service_id == asking.actor.service_id,
            Alert.closed_at.is_(None),
            or_(unopened, Alert.owner_id == asking.actor.staff_id),
        )
        .order_by(unopened.desc(), Alert.due_at, Alert.id)
    )


def _say_alert(asking: _Asking, row: Found) -> TodayLine:
    unopened = row.opened_at is None
    rule = gettext(alerts.RULES[row.rule].label)
    then = N_("Nobody has opened it yet.") if unopened else N_("You opened it. Say what was done, to close it.")
    label = N_("Open the alert") if unopened else N_("Close the alert")
    late = unopened and row.due_at < asking.moment
    action = Action(gettext(label), "caseload.alert", {"alert_id": row.id})
    due = row.due_at if unopened else None
    return _line(asking, "alert", row, f"{rule}. {gettext(then)}", action, who=row.owner, due=due, late=late)


# Promises ------------------------------------------------------------------------------------------------------------


def _promises(asking: _Asking) -> Query:
    """New referrals whose promise is broken, or ends before another working day has gone by."""
    ahead = (asking.day + timedelta(days=number) for number in range(1, 15))
    following = next((day for day in ahead if services.open_on(asking.settings, day)), asking.day)
    return (
        select(Referral.id.label("referral_id"), Referral.due_at, _NAME)
        .join(ServiceUser, _OF_REFERRAL)
        .where(
            Referral.service_id == asking.actor.service_id,
            Referral.status == "submitted",
            Referral.due_at < _start_of(following + timedelta(days=1)),
        )
        .order_by(Referral.due_at, Referral.id)
    )


def _say_promise(asking: _Asking, row: Found) -> TodayLine:
    late = row.due_at < asking.moment
    here = row.due_at.astimezone(LONDON).date() == asking.day
    soon = N_("Today is the last day of what we promised.") if here else N_("What we promised ends soon.")
    why = N_("We promised to be in touch by then, and nobody has taken it.") if late else soon
    action = _case(row, N_("Open it, and accept"))
    return _line(asking, "promise", row, gettext(why), action, who="", due=row.due_at, late=late)


# Cases ---------------------------------------------------------------------------------------------------------------


def _of_my_own(asking: _Asking) -> ColumnElement[bool]:
    """The actor has recorded something about this case since it was last opened again."""
    again = select(Closure.id).where(
        Closure.service_id == Contact.service_id,
        Closure.referral_id == Contact.referral_id,
        Closure.reopened_at > Contact.created_at,
    )
    return (
        select(Contact.id)
        .where(
            Contact.service_id == Referral.service_id,
            Contact.referral_id == Referral.id,
            Contact.recorded_by == asking.actor.staff_id,
            ~again.exists(),
        )
        .exists()
    )


def _given(asking: _Asking) -> Query:
    """Taken, given or opened again, and not worked on by the actor since."""
    reopened = select(func.max(Closure.reopened_at)).where(
        Closure.service_id == Referral.service_id, Closure.referral_id == Referral.id
    )
    return (
        select(
            Referral.id.label("referral_id"),
            Referral.decided_at,
            Referral.first_attempt_at,
            reopened.scalar_subquery().label("reopened_at"),
            _NAME,
        )
        .join(ServiceUser, _OF_REFERRAL)
        .where(
            asking.mine(),
            Referral.status.in_(WORKED_ON),
            or_(Referral.next_due.is_(None), Referral.next_due > asking.day),
            ~_of_my_own(asking),
        )
        .order_by(Referral.referred_at, Referral.id)
    )


def _say_given(asking: _Asking, row: Found) -> TodayLine:
    if row.reopened_at:
        day = say_date(row.reopened_at, weekday=False)
        why = gettext(N_("It was opened again on %(day)s. You have not been in touch since."), day=day)
    elif row.first_attempt_at:
        why = gettext(N_("It was given to you. You have not been in touch with them yet."))
    else:
        day = say_date(row.decided_at, weekday=False) if row.decided_at else ""
        why = gettext(N_("It was accepted on %(day)s. Nobody has tried to reach them yet."), day=day)
    return _line(asking, "given", row, why, _contact(row))


def _contacts(asking: _Asking) -> Query:
    """The next step is due, or none is written down."""
    without = and_(Referral.next_due.is_(None), Referral.status.in_(WORKED_ON), _of_my_own(asking))
    return (
        select(
            Referral.id.label("referral_id"),
            Referral.status,
            Referral.next_due,
            Referral.next_step,
            Referral.attempts,
            _NAME,
        )
        .join(ServiceUser, _OF_REFERRAL)
        .where(asking.mine(), Referral.status.in_(Referral.OPEN), or_(Referral.next_due <= asking.day, without))
        .order_by(Referral.next_due.is_(None), Referral.next_due, Referral.id)
    )


def _say_contact(asking: _Asking, row: Found) -> TodayLine:
    late = row.next_due is not None and row.next_due < asking.day
    if row.next_due is None:
        why = gettext(N_("No next step is written down."))
    elif row.status == "on-hold":
        why = gettext(N_("It was on hold until this day."))
    elif row.next_step:
        why = gettext(N_("Next step: %(step)s"), step=row.next_step)
    else:
        why = gettext(N_("You meant to be in touch."))
    if row.attempts >= asking.settings.contact_attempts:
        tried = ngettext("%(num)s attempt in vain.", "%(num)s attempts in vain.", row.attempts)
        why = " ".join((why, tried, gettext(N_("Decide with your team how to go on."))))
    return _line(asking, "contact", row, why, _contact(row), due=row.next_due, late=late)


# Check-ins that came back --------------------------------------------------------------------------------------------


def _news(actor: Actor) -> ColumnElement[bool]:
    """A check-in has been answered, and the actor has not looked at the answers since."""
    since = select(AuditEvent.id).where(
        AuditEvent.service_id == CheckIn.service_id,
        AuditEvent.about_id == CheckIn.referral_id,
        AuditEvent.actor_id == actor.staff_id,
        AuditEvent.act == LOOKED,
        AuditEvent.created_at >= CheckIn.completed_at,
    )
    # Only what was completed has such a day. To ask for the status as well would lead SQLite to read all of those.
    return and_(CheckIn.completed_at > now() - CAME_BACK, ~since.exists())


def _came_back(asking: _Asking) -> Query:
    """The cases of the actor in which an answer has not been seen yet; those that ended long ago ask nothing more."""
    here = and_(CheckIn.service_id == Referral.service_id, CheckIn.referral_id == Referral.id)
    # Joined, and put together again: asked for as a value of each case, SQLite would look every one of them up twice.
    mine = (
        select(Referral.id, Referral.person_id, func.max(CheckIn.completed_at).label("completed_at"))
        .join(CheckIn, here)
        .where(asking.mine(), or_(Referral.status.in_(Referral.OPEN), Referral.closed_at > asking.moment - AFTERWARDS))
        .where(_news(asking.actor))
        .group_by(Referral.id, Referral.person_id)
        .subquery()
    )
    person = and_(ServiceUser.service_id == asking.actor.service_id, ServiceUser.id == mine.c.person_id)
    return (
        select(mine.c.id.label("referral_id"), mine.c.completed_at, _NAME)
        .join(ServiceUser, person)
        .order_by(mine.c.completed_at, mine.c.id)
    )


def _say_came_back(asking: _Asking, row: Found) -> TodayLine:
    why = gettext(N_("They answered a check-in on %(day)s. You have not seen it yet."), day=say_date(row.completed_at))
    return _line(asking, "check-in", row, why, _case(row, N_("Read the answers"), "check-ins"))


# To be looked at again -----------------------------------------------------------------------------------------------

FOLLOW_UPS: dict[str, tuple[str, str, str]] = {
    "plan": (N_("The plan is to be looked at again."), N_("Look at the plan"), "caseload.care_plan_of"),
    "access-need": (
        N_("What they need to understand is to be checked again."),
        N_("Check what they need"),
        "caseload.access_needs_of",
    ),
    "risk": (N_("A risk is to be looked at again."), N_("Look at the risk"), "caseload.risks_of"),
    "onward": (N_("Ask how it went at another place."), N_("Say how it went"), "caseload.onward_step"),
    "closure": (
        N_("The case is closed, and you meant to ask how they are."),
        N_("Record a contact"),
        "caseload.new_contact",
    ),
}
"""Why something comes up again, what to press, and where that leads."""


def _follow_ups(asking: _Asking) -> Query:
    here, day = asking.actor.service_id, asking.day
    of_person = Referral.person_id
    since_closed = select(Contact.id).where(
        Contact.service_id == Closure.service_id,
        Contact.referral_id == Closure.referral_id,
        Contact.happened_at > Closure.closed_at,
    )
    sources: Sequence[tuple[str, Any, Any, ColumnElement[bool]]] = (
        ("plan", CarePlan, CarePlan.review_due, CarePlan.referral_id == Referral.id),
        ("access-need", AccessNeed, AccessNeed.review_due, _open_still(AccessNeed, AccessNeed.person_id == of_person)),
        ("risk", Risk, Risk.review_due, _open_still(Risk, Risk.referral_id == Referral.id)),
        ("onward", Onward, Onward.check_due, Onward.referral_id == Referral.id),
    )
    due = [
        select(literal(kind).label("what"), table.id.label("of"), Referral.id.label("referral_id"), of_person, column)
        .select_from(table)
        .join(Referral, and_(Referral.service_id == table.service_id, about))
        .where(table.service_id == here, column <= day, asking.mine(), Referral.status.in_(WORKED_ON))
        for kind, table, column, about in sources
    ]
    due.append(
        select(literal("closure"), Closure.id, Referral.id, of_person, Closure.follow_up_due)
        .join(Referral, and_(Referral.service_id == Closure.service_id, Referral.id == Closure.referral_id))
        .where(Closure.service_id == here, Closure.follow_up_due <= day, asking.mine(), Referral.status == "closed")
        .where(Closure.reopened_at.is_(None), Closure.followed_up_at.is_(None), ~since_closed.exists())
    )
    every = union_all(*due).subquery()
    what, row_id, referral_id, person_id, when = every.c
    person = and_(ServiceUser.service_id == here, ServiceUser.id == person_id)
    found = select(what, row_id, referral_id, when.label("due"), _NAME).join(ServiceUser, person)
    return found.order_by(when, referral_id, what)


def _open_still(table: type[AccessNeed] | type[Risk], about: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(about, table.ended_at.is_(None))


def _say_follow_up(asking: _Asking, row: Found) -> TodayLine:
    why, label, endpoint = FOLLOW_UPS[row.what]
    ids = {"onward_id": row.of} if row.what == "onward" else {"referral_id": row.referral_id}
    action = Action(gettext(label), endpoint, ids)
    return _line(asking, "follow-up", row, gettext(why), action, due=row.due, late=row.due < asking.day)


# Letters -------------------------------------------------------------------------------------------------------------

RECIPIENTS: dict[str, str] = {
    "gp": N_("A message to the GP waits to be sent."),
    "referrer": N_("A message to whoever referred them waits to be sent."),
}


def _letters(asking: _Asking) -> Query:
    """Those of the actor's own referrals, and of those that nobody has taken and they have decided about. Two lists,
    because each walks an index of its own; with "or" the database would look at every letter that waits."""
    here = asking.actor.service_id
    waiting = (
        select(Letter.id, Letter.recipient, Referral.id.label("referral_id"), _NAME)
        .join(Referral, and_(Referral.service_id == Letter.service_id, Referral.id == Letter.referral_id))
        .join(ServiceUser, _OF_REFERRAL)
        .where(Letter.service_id == here, Letter.state == "waiting", Referral.service_id == here)
    )
    decided = and_(Referral.assigned_to.is_(None), Referral.decided_by == asking.actor.staff_id)
    both = union_all(waiting.where(asking.mine()), waiting.where(decided)).subquery()
    return select(both).order_by(both.c.id)


def _say_letter(asking: _Asking, row: Found) -> TodayLine:
    return _line(
        asking, "letter", row, gettext(RECIPIENTS[row.recipient]), _case(row, N_("See the message"), "letters")
    )


# Tasks ---------------------------------------------------------------------------------------------------------------

NOT_SENT = (TaskKind.TELL_THE_PERSON.value, TaskKind.MESSAGE_FAILED.value)
"""The tasks that say that a message could not be sent."""
ENDINGS = ".!?…。؟।۔"
"""What a sentence ends with, in the scripts in which one of us may write."""


def _tasks(asking: _Asking, *, not_sent: bool) -> Query:
    """Those of the actor, and those of nobody; what one of us wrote down, from its day on."""
    tomorrow = _start_of(asking.day + timedelta(days=1))
    person = and_(ServiceUser.service_id == Task.service_id, ServiceUser.id == Task.person_id)
    which = Task.kind.in_(NOT_SENT) if not_sent else Task.kind.not_in(NOT_SENT)
    return (
        select(Task, Task.referral_id, _NAME)
        .outerjoin(ServiceUser, person)
        .where(
            Task.service_id == asking.actor.service_id,
            Task.done_at.is_(None),
            or_(Task.assigned_to.is_(None), Task.assigned_to == asking.actor.staff_id),
            or_(Task.kind != TaskKind.BY_HAND.value, Task.due_at < tomorrow),
            which,
        )
        .order_by(Task.due_at, Task.id)
    )


def _say_task(kind: str) -> Say:
    def say(asking: _Asking, row: Found) -> TodayLine:
        task: Task = row.Task
        what = to_do.what(task)
        why = " ".join(filter(None, (what if what[-1] in ENDINGS else f"{what}.", to_do.why(task))))
        action = to_do.where(asking.actor, task) or Action(gettext(N_("See what is to be done")), "caseload.tasks_list")
        who = asking.actor.name if task.assigned_to else ""
        return _line(asking, kind, row, why, action, who=who, due=task.due_at, late=task.due_at < asking.moment)

    return say


# All of them ---------------------------------------------------------------------------------------------------------

_TASKS = (N_("See everything that is to be done"), "caseload.tasks_list", ())

_ALL = N_("See all that wait")
_LETTERS = (_ALL, "caseload.letters_waiting", ())


def _here(code: str) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Where nothing else lists exactly these, the page shows all of them itself."""
    return _ALL, "caseload.today", (("show", code),)


KINDS: tuple[TodayKind, ...] = (
    TodayKind(
        "alert",
        N_("Alerts"),
        _alerts,
        _say_alert,
        Permission.HANDLE_ALERTS,
        (N_("See all alerts"), "caseload.alerts_list", ()),
    ),
    TodayKind(
        "promise",
        N_("Promises about to break"),
        _promises,
        _say_promise,
        Permission.READ_INBOX,
        (N_("See the inbox"), "caseload.inbox", ()),
    ),
    TodayKind("given", N_("New to you"), _given, _say_given, Permission.WORK_ON_CASE, _here("given")),
    TodayKind("contact", N_("Contacts due"), _contacts, _say_contact, Permission.WORK_ON_CASE, _here("contact")),
    TodayKind(
        "check-in",
        N_("Check-ins that came back"),
        _came_back,
        _say_came_back,
        Permission.WORK_ON_CASE,
        _here("check-in"),
    ),
    TodayKind(
        "message",
        N_("Messages that could not be sent"),
        lambda asking: _tasks(asking, not_sent=True),
        _say_task("message"),
        Permission.HANDLE_TASKS,
        _TASKS,
    ),
    TodayKind(
        "follow-up",
        N_("To be looked at again"),
        _follow_ups,
        _say_follow_up,
        Permission.WORK_ON_CASE,
        _here("follow-up"),
    ),
    TodayKind("letter", N_("Messages to send"), _letters, _say_letter, Permission.SEND_LETTERS, _LETTERS),
    TodayKind(
        "task",
        N_("To do"),
        lambda asking: _tasks(asking, not_sent=False),
        _say_task("task"),
        Permission.HANDLE_TASKS,
        _TASKS,
    ),
)
"""Everything that can wait, the most pressing first."""
