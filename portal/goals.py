"""What people would like to be different, in their own words: set, rated by themselves, revised, achieved, set aside,
never deleted (product 8). No rating by anybody else, and a goal's own line is always shown beside any mean.

Whoever writes holds the row of the person until the end of the transaction, so that two browsers take turns: neither a
fourth goal nor a lost word comes of it. Goal attainment scaling is for workers who are trained in it, and for staff's
eyes alone.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import access, audit, codes, drafts, instruments, measures, reading
from portal.access import Actor, Permission
from portal.clock import now
from portal.i18n import N_
from portal.instruments import GoalChange as Moved
from portal.instruments import Instrument, Mode, Unlike
from portal.journeys import ABSENCES, LEFT_BLANK, NOT_ASKED, Answers, Problem, Step
from portal.journeys.goal_setting import CLOSENESS as CLOSENESS  # whoever writes answers names it
from portal.journeys.goal_setting import GOAL_SETTING, REVISED
from portal.store import Draft as Draft  # the doors name it in their types
from portal.store import Goal as Goal
from portal.store import GoalAttainment as GoalAttainment
from portal.store import GoalChange as GoalChange
from portal.store import GoalLevel as GoalLevel
from portal.store import GoalRating as GoalRating
from portal.store import Referral, ReferralNeed, Service, ServiceUser, Staff

ACTIVE, SET_ASIDE, ACHIEVED = "active", "on-hold", "completed"
STATUSES: dict[str, str] = {
    ACTIVE: N_("Working on it"),
    SET_ASIDE: N_("Set aside"),
    ACHIEVED: N_("Achieved"),
}
"""Status codes (data dictionary 4.9) in words, in the order in which goals are shown."""

ACHIEVE, PUT_ASIDE, TAKE_UP = "achieved", "set-aside", "taken-up-again"
CHANGES: dict[str, str] = {
    "set": N_("Set"),
    "revised": N_("Changed"),
    ACHIEVE: N_("Achieved"),
    PUT_ASIDE: N_("Set aside"),
    TAKE_UP: N_("Taken up again"),
}
"""What can become of a goal, in words."""

_LEADS_TO = {ACHIEVE: ACHIEVED, PUT_ASIDE: SET_ASIDE, TAKE_UP: ACTIVE}
_PRESSED_TWICE = timedelta(minutes=1)
WEIGHTS = (1, 2, 3, 4)
BASELINES = (-2, -1)
"""How much a goal weighs (importance times difficulty, Turner-Stokes), and where a goal may stand at the start."""
LONGEST_LEVEL = 500
NUMBERS = ("importance", "sure")
COLUMNS = {
    "words": "goal_words",
    "need": "goal_need",
    "importance": "importance",
    "why": "goal_why",
    "first_step": "first_step",
    "by_when": "by_when",
    "sure": "sure",
}
"""Which question fills which column of a goal."""
BY_THEMSELVES = ("self", "supporter-reading", "interpreter")
"""Who may say how close a goal is (data dictionary 4.10): the person, whoever helps them; nobody in their place."""
MODES = ("web", "phone", "paper", "in-person")


def rating_scale() -> Instrument:
    """The scale by which people rate how close they are."""
    return instruments.catalogue()["goals"]


MOST_ACTIVE = rating_scale().repeats
"""How many goals may be active at once: as many as the scale takes."""


class Gone(LookupError):
    """There is no such goal of this person, or no such referral."""


class TooMany(ValueError):
    """As many goals are active as may be: one must be achieved or set aside first."""


class Unfinished(ValueError):
    """The named step still lacks an answer."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class Changed(Exception):
    """The goal was changed while somebody else was changing it: ``goal`` is what it says now."""

    def __init__(self, goal: Goal) -> None:
        super().__init__()
        self.goal = goal


class NotARating(ValueError):
    """Neither a number that the scale offers nor a way of giving none, or not by the person themselves."""


class NotTrained(Exception):
    """Goal attainment scaling is for workers who are trained in it."""


class NotOffered(Exception):
    """The service has not turned goal attainment scaling on."""


class NotScaled(ValueError):
    """The problems of a scaling by field; a level needs the five texts first."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(", ".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Kept:
    """What became of one page: the problems by question."""

    draft: Draft
    problems: Mapping[str, Problem]


@dataclass(frozen=True)
class GoalLine:
    """A goal with everything that was said of it, oldest first."""

    goal: Goal
    ratings: tuple[GoalRating, ...]
    changes: tuple[GoalChange, ...]

    @property
    def counted(self) -> tuple[GoalRating, ...]:
        """What counts: of one check-in only what was said last."""
        last = {one.check_in_id: one for one in self.ratings if one.check_in_id}
        return tuple(one for one in self.ratings if one.check_in_id is None or last[one.check_in_id] is one)

    @property
    def points(self) -> tuple[GoalRating, ...]:
        """What counts and has a number."""
        return tuple(one for one in self.counted if one.rating is not None)

    @property
    def first(self) -> GoalRating | None:
        """The first rating with a number."""
        return next(iter(self.points), None)

    @property
    def latest(self) -> GoalRating | None:
        """The last rating with a number, once there are two."""
        return self.points[-1] if len(self.points) > 1 else None

    @property
    def change(self) -> int | None:
        """Latest minus first; nothing until there are two."""
        return _moved([self]).changes[0]

    @property
    def unlike(self) -> frozenset[Unlike]:
        """Why first and latest are not quite alike."""
        return unlike(self.first, self.latest) if self.first and self.latest else frozenset()


def unlike(one: GoalRating, other: GoalRating) -> frozenset[Unlike]:
    """Why two ratings may not be compared without saying so: other words (another language), another way."""
    found = set()
    if one.language != other.language:
        found.add(Unlike.WORDING)
    if mode_of(one.completed_by, one.response_mode) is not mode_of(other.completed_by, other.response_mode):
        found.add(Unlike.MODE)
    return frozenset(found)


@dataclass(frozen=True)
class Scaled:
    """A goal with its five levels, and the level that it was found to be at since they were written."""

    goal: Goal
    attainment: GoalAttainment
    level: GoalLevel | None


def mode_of(completed_by: str, response_mode: str) -> Mode:
    """How an answer came about, as two answers are compared."""
    if completed_by == "interpreter":
        return Mode.INTERPRETER
    if response_mode == "phone":
        return Mode.TELEPHONE
    return Mode.SELF if completed_by == "self" else Mode.ASSISTED


# Writing a goal, page by page ----------------------------------------------------------------------------------------


def begin(store: Session, service: Service, referral_id: uuid.UUID, language: str, key: str) -> Draft:
    """A new goal in this visit; nothing is stored before the first answer."""
    draft = drafts.start(store, service, GOAL_SETTING.code, GOAL_SETTING.version, language, key)
    draft.referral_id = referral_id
    return draft


def draft_of(store: Session, service_id: uuid.UUID, key: str, *, lock: bool = False) -> Draft | None:
    """The goal that is being written in this visit."""
    return drafts.find(store, service_id, GOAL_SETTING.code, key, lock=lock)


def keep(store: Session, service: Service, draft: Draft, step: Step, raw: Mapping[str, object], language: str) -> Kept:
    """Keep what was typed on one page: readable answers are stored, unreadable ones kept as typed."""
    answers, problems = step.read(raw)
    typed = {slug: fields for slug, fields in draft.typed.items() if slug != step.slug}
    if problems:
        typed[step.slug] = dict(raw)
    draft.language = language
    drafts.keep(store, service, draft, GOAL_SETTING.on_path({**draft.answers, **answers}), typed)
    return Kept(draft, problems)


def gap_of(draft: Draft) -> Step | None:
    """The first page that lacks an answer, or holds something that could not be read."""
    gap = GOAL_SETTING.first_gap(draft.answers)
    return next((one for one in GOAL_SETTING.path(draft.answers) if one is gap or one.slug in draft.typed), None)


def finish(store: Session, service: Service, draft: Draft, person_id: uuid.UUID) -> Goal:
    """The draft becomes a goal, by the person themselves. Pressed twice, it is one goal. Raises ``Unfinished``,
    ``TooMany`` (the draft then stays) and ``Gone``."""
    if gap := gap_of(draft):
        raise Unfinished(gap.slug)
    if draft.referral_id is None:
        raise Gone
    goal = set_goal(store, service, person_id, draft.referral_id, draft.answers, draft.language, goal_id=draft.id)
    drafts.drop(store, draft)
    return goal


def unfinished(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Draft | None:
    """The newest goal that the person began to write, in whatever visit, and that can still be gone on with."""
    of_mine = select(Referral.id).where(Referral.service_id == service_id, Referral.person_id == person_id)
    begun = access.rows_of(service_id, Draft).where(
        Draft.journey == GOAL_SETTING.code, Draft.referral_id.in_(of_mine), Draft.expires_at > now()
    )
    return store.scalars(begun.order_by(Draft.touched_at.desc(), Draft.id.desc()).limit(1)).first()


def go_on(store: Session, service: Service, person_id: uuid.UUID, key: str) -> Draft | None:
    """Take the unfinished goal over into this visit; the one that had it before begins anew with what it types."""
    hold(store, service.id, person_id)
    draft = draft_of(store, service.id, key, lock=True) or unfinished(store, service.id, person_id)
    if draft is not None:
        draft.key_hash = codes.digest(key)
        drafts.touch(service, draft)
        audit.record(store, service.id, None, "went on with a goal", "draft", draft.id)
        store.flush()
    return draft


# Goals ---------------------------------------------------------------------------------------------------------------


def hold(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> None:
    """Let this person's other browsers wait until this transaction is over. Raises ``Gone``."""
    mine = select(ServiceUser.id).where(ServiceUser.service_id == service_id, ServiceUser.id == person_id)
    if store.scalar(mine.with_for_update()) is None:
        raise Gone


def set_goal(
    store: Session,
    service: Service,
    person_id: uuid.UUID,
    referral_id: uuid.UUID,
    answers: Answers,
    language: str,
    actor: Actor | None = None,
    *,
    goal_id: uuid.UUID | None = None,
    completed_by: str = "self",
    response_mode: str = "web",
) -> Goal:
    """A new goal with its first rating; ``answers`` are those of GOAL_SETTING. ``goal_id`` makes doing it twice one.

    Raises ``Unfinished``, ``TooMany``, ``Gone`` and ``NotARating``.
    """
    _check(actor)
    hold(store, service.id, person_id)
    if goal_id and (there := _found(store, service.id, person_id, goal_id)):
        return there
    answers = GOAL_SETTING.on_path(answers)
    if gap := GOAL_SETTING.first_gap(answers):
        raise Unfinished(gap.slug)
    whose = select(Referral.person_id).where(Referral.service_id == service.id, Referral.id == referral_id)
    if store.scalar(whose) != person_id:
        raise Gone
    _refuse_too_many(store, service.id, person_id)
    goal = Goal(
        service_id=service.id,
        id=goal_id or codes.new_id(),
        person_id=person_id,
        referral_id=referral_id,
        language=language,
        recorded_by=actor.staff_id if actor else None,
        status=ACTIVE,
        **_columns(answers),
    )
    store.add(goal)
    store.flush()
    _write_down(store, goal, actor, "set", None)
    number, absent = number_of(answers[CLOSENESS])
    _add_rating(
        store,
        goal,
        number,
        absent,
        check_in_id=None,
        completed_by=completed_by,
        response_mode=response_mode,
        language=language,
        entered_by=actor,
    )
    audit.record(store, service.id, actor, "set a goal", "goal", goal.id)
    store.flush()
    return goal


def rate(
    store: Session,
    service: Service,
    goal_id: uuid.UUID,
    person_id: uuid.UUID,
    rating: int | None,
    absent: str | None,
    *,
    check_in_id: uuid.UUID | None = None,
    completed_by: str = "self",
    response_mode: str = "web",
    language: str,
    entered_by: Actor | None = None,
) -> GoalRating:
    """How close the person says they are today: a number, or how they gave none. A row is added, none is changed; a
    button pressed twice adds one. A goal that has ended takes ratings too: nothing that was said is turned away.

    Raises ``Gone`` and ``NotARating``.
    """
    _check(entered_by)
    hold(store, service.id, person_id)
    goal = _one(store, service.id, person_id, goal_id)
    made = _add_rating(
        store,
        goal,
        rating,
        absent,
        check_in_id=check_in_id,
        completed_by=completed_by,
        response_mode=response_mode,
        language=language,
        entered_by=entered_by,
    )
    audit.record(store, service.id, entered_by, "rated a goal", "goal", goal.id)
    store.flush()
    return made


def _add_rating(
    store: Session,
    goal: Goal,
    rating: int | None,
    absent: str | None,
    *,
    check_in_id: uuid.UUID | None,
    completed_by: str,
    response_mode: str,
    language: str,
    entered_by: Actor | None,
) -> GoalRating:
    _check_rating(rating, absent, completed_by, response_mode)
    made = GoalRating(
        service_id=goal.service_id,
        id=codes.new_id(),
        created_at=now(),
        goal_id=goal.id,
        rating=rating,
        absent=absent,
        check_in_id=check_in_id,
        language=language,
        completed_by=completed_by,
        response_mode=response_mode,
        entered_by=entered_by.staff_id if entered_by else None,
    )
    given = access.rows_of(goal.service_id, GoalRating).where(GoalRating.goal_id == goal.id)
    before = store.scalars(given.order_by(GoalRating.created_at.desc(), GoalRating.id.desc()).limit(1)).first()
    if before and _same(before, made) and made.created_at - before.created_at < _PRESSED_TWICE:
        return before
    store.add(made)
    store.flush()
    return made


def _same(one: GoalRating, other: GoalRating) -> bool:
    names = ("rating", "absent", "check_in_id", "language", "completed_by", "response_mode", "entered_by")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _check_rating(rating: int | None, absent: str | None, completed_by: str, response_mode: str) -> None:
    scale = rating_scale()
    (item,) = scale.items
    offered = {option.value for option in scale.options(item.code)}
    # True equals 1 and 1.0 equals 1, and neither was on the form.
    number_fits = absent is None and type(rating) is int and rating in offered
    absence_fits = rating is None and absent in ABSENCES and absent != NOT_ASKED
    if not (number_fits or absence_fits) or completed_by not in BY_THEMSELVES or response_mode not in MODES:
        raise NotARating


def revise(
    store: Session,
    service_id: uuid.UUID,
    person_id: uuid.UUID,
    goal_id: uuid.UUID,
    answers: Answers,
    *,
    version: int,
    language: str,
    actor: Actor | None = None,
) -> Goal:
    """Say it anew; what it said before is kept. ``answers`` are those of the pages ``REVISED``, and ``version`` that of
    the goal they were written over. Raises ``Gone``, ``Unfinished`` and, when it was changed meanwhile, ``Changed``."""
    _check(actor)
    hold(store, service_id, person_id)
    goal = _one(store, service_id, person_id, goal_id)
    if gap := next((step for step in REVISED if not step.done(answers)), None):
        raise Unfinished(gap.slug)
    wanted = _columns(answers)
    before = {name: getattr(goal, name) for name, value in wanted.items() if getattr(goal, name) != value}
    if not before:
        return goal
    if goal.version != version:
        raise Changed(goal)
    if "words" in before:
        before["language"] = goal.language
        goal.language = language
    for name, value in wanted.items():
        setattr(goal, name, value)
    _write_down(store, goal, actor, "revised", before)
    audit.record(store, service_id, actor, "revised a goal", "goal", goal.id)
    store.flush()
    return goal


def become(
    store: Session,
    service_id: uuid.UUID,
    person_id: uuid.UUID,
    goal_id: uuid.UUID,
    what: str,
    actor: Actor | None = None,
) -> Goal:
    """One of the three, by its code (``ACHIEVE``, ``PUT_ASIDE``, ``TAKE_UP``); done twice it is done once. Raises
    ``Gone``, ``TooMany``, and ``KeyError`` for any other code."""
    _check(actor)
    status = _LEADS_TO[what]
    hold(store, service_id, person_id)
    goal = _one(store, service_id, person_id, goal_id)
    if goal.status == status:
        return goal
    if status == ACTIVE:
        _refuse_too_many(store, service_id, person_id)
    goal.status = status
    goal.ended_at = None if status == ACTIVE else now()
    _write_down(store, goal, actor, what, None)
    audit.record(store, service_id, actor, _ACTS[what], "goal", goal.id)
    store.flush()
    return goal


_ACTS = {ACHIEVE: "noted a goal as achieved", PUT_ASIDE: "set a goal aside", TAKE_UP: "took a goal up again"}


def of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[GoalLine]:
    """All goals of a person, each with its own line: the active ones first, then those set aside, then the achieved."""
    mine = access.rows_of(service_id, Goal).where(Goal.person_id == person_id).order_by(Goal.created_at, Goal.id)
    found = sorted(store.scalars(mine).all(), key=lambda goal: [*STATUSES].index(goal.status))
    ids = [goal.id for goal in found]
    ratings = access.rows_of(service_id, GoalRating).where(GoalRating.goal_id.in_(ids))
    changes = access.rows_of(service_id, GoalChange).where(GoalChange.goal_id.in_(ids))
    rated = store.scalars(ratings.order_by(GoalRating.created_at, GoalRating.id)).all()
    changed = store.scalars(changes.order_by(GoalChange.created_at, GoalChange.id)).all()
    return [
        GoalLine(
            goal,
            tuple(one for one in rated if one.goal_id == goal.id),
            tuple(one for one in changed if one.goal_id == goal.id),
        )
        for goal in found
    ]


def active_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Goal]:
    """The goals that a check-in asks about, oldest first: at most ``MOST_ACTIVE``, unless two records became one."""
    return [line.goal for line in of_person(store, service_id, person_id) if line.goal.status == ACTIVE]


def one_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, goal_id: uuid.UUID) -> GoalLine:
    """One goal of this person. Raises ``Gone``: somebody else's goal is not there."""
    for line in of_person(store, service_id, person_id):
        if line.goal.id == goal_id:
            return line
    raise Gone


def is_there(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, goal_id: uuid.UUID) -> bool:
    """Whether this person has this goal."""
    mine = select(Goal.id).where(Goal.service_id == service_id, Goal.id == goal_id, Goal.person_id == person_id)
    return store.scalar(mine) is not None


def proposed_need(store: Session, service_id: uuid.UUID, referral_id: uuid.UUID) -> str | None:
    """The need of a referral that named only one: a goal most likely belongs to it."""
    named = store.scalars(access.rows_of(service_id, ReferralNeed).where(ReferralNeed.referral_id == referral_id)).all()
    return named[0].need if len(named) == 1 else None


def rated_in(store: Session, service_id: uuid.UUID, check_in_id: uuid.UUID) -> dict[uuid.UUID, GoalRating]:
    """What was said of each goal in a check-in, by goal: the last that was given."""
    given = access.rows_of(service_id, GoalRating).where(GoalRating.check_in_id == check_in_id)
    return {one.goal_id: one for one in store.scalars(given.order_by(GoalRating.created_at, GoalRating.id)).all()}


def may_set_another(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> bool:
    """Whether fewer goals are active than may be."""
    return len(active_of(store, service_id, person_id)) < MOST_ACTIVE


def mean_of(lines: Sequence[GoalLine]) -> Moved:
    """How these goals moved, each and on average over those with two ratings. More goals than the scale takes (two
    records that became one) have no mean. Show every line, never the mean alone."""
    if len(lines) <= MOST_ACTIVE:
        return _moved(lines)
    changes = tuple(line.change for line in lines)
    return Moved(changes, None, len([change for change in changes if change is not None]))


def _moved(lines: Sequence[GoalLine]) -> Moved:
    first = [line.first.rating if line.first else None for line in lines]
    latest = [line.latest.rating if line.latest else None for line in lines]
    return instruments.goal_change(rating_scale(), first, latest)


# Goal attainment scaling: for trained workers, on staff's pages only -------------------------------------------------


def may_scale(store: Session, actor: Actor) -> bool:
    """Whether this worker is trained in goal attainment scaling and the service has turned it on."""
    return access.may(actor, Permission.SCALE_GOALS) and _trained(store, actor) and gas_is_on(store, actor.service_id)


def gas_is_on(store: Session, service_id: uuid.UUID) -> bool:
    """Whether the service has turned goal attainment scaling on."""
    return "gas" in measures.offered(store, store.get_one(Service, service_id))


def _trained(store: Session, actor: Actor) -> bool:
    staff = store.get(Staff, (actor.service_id, actor.staff_id))
    return staff is not None and staff.trained_in_gas


def _check_trained(store: Session, actor: Actor) -> None:
    access.require(actor, Permission.SCALE_GOALS)
    if not _trained(store, actor):
        raise NotTrained
    if not gas_is_on(store, actor.service_id):
        raise NotOffered


def scale(
    store: Session, actor: Actor, goal_id: uuid.UUID, weight: int, baseline: int, levels: Mapping[int, str]
) -> GoalAttainment:
    """Write down what each of the five levels would look like, by level from -2 to +2. The scaling before stays in the
    record, and what was found by it counts no more.

    Raises ``Refused``, ``NotTrained``, ``NotOffered``, ``Gone``, and ``NotScaled`` with the problems.
    """
    _check_trained(store, actor)
    goal = _of_service(store, actor, goal_id)
    problems: dict[str, str] = {}
    texts = {level: _level_text(levels.get(level, ""), level, problems) for level in _levels()}
    if type(weight) is not int or weight not in WEIGHTS:
        problems["weight"] = N_("Choose a weight from 1 to 4")
    if type(baseline) is not int or baseline not in BASELINES:
        problems["baseline"] = N_("Choose −2 or −1")
    if problems:
        raise NotScaled(problems)
    made = GoalAttainment(
        service_id=actor.service_id,
        id=codes.new_id(),
        goal_id=goal.id,
        weight=weight,
        baseline=baseline,
        levels={str(level): text for level, text in texts.items()},
        made_by=actor.staff_id,
    )
    store.add(made)
    audit.record(store, actor.service_id, actor, "scaled a goal", "goal", goal.id)
    store.flush()
    return made


def _level_text(raw: str, level: int, problems: dict[str, str]) -> str:
    try:
        text = reading.text(raw, LONGEST_LEVEL, lines=True)
    except reading.Unreadable as unreadable:
        long = unreadable.problem is Problem.TOO_LONG
        problems[f"level_{level}"] = N_("Use 500 characters or fewer") if long else N_("Please type it again")
        return ""
    if not text:
        problems[f"level_{level}"] = N_("Write what this level would look like")
    return text


def level(store: Session, actor: Actor, goal_id: uuid.UUID, level: int) -> GoalLevel:
    """The level that a goal was found to be at today. Raises ``Refused``, ``NotTrained``, ``NotOffered``, ``Gone``, and
    ``NotScaled`` for a goal without its five texts or a level that there is not."""
    _check_trained(store, actor)
    goal = _of_service(store, actor, goal_id)
    if _scaling_of(store, goal) is None:
        raise NotScaled({"level": N_("Write the five levels first")})
    if type(level) is not int or level not in _levels():
        raise NotScaled({"level": N_("Choose one of the five levels")})
    made = GoalLevel(
        service_id=actor.service_id, id=codes.new_id(), goal_id=goal.id, level=level, rated_by=actor.staff_id
    )
    store.add(made)
    audit.record(store, actor.service_id, actor, "found the level of a goal", "goal", goal.id)
    store.flush()
    return made


def scaled_of(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Scaled]:
    """The person's goals that are scaled and not set aside."""
    found = []
    for line in of_person(store, service_id, person_id):
        made = _scaling_of(store, line.goal)
        if made is not None and line.goal.status != SET_ASIDE:
            found.append(Scaled(line.goal, made, _level_since(store, made)))
    return found


def attainment(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Decimal | None:
    """The T-score of the goals that are scaled and not set aside; none while one of them has no level."""
    found = scaled_of(store, service_id, person_id)
    return _t_score(found, [one.level.level if one.level else None for one in found])


def attainment_at_start(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Decimal | None:
    """The T-score of the same goals where they stood at the start."""
    found = scaled_of(store, service_id, person_id)
    return _t_score(found, [one.attainment.baseline for one in found])


def _t_score(found: Sequence[Scaled], levels: Sequence[int | None]) -> Decimal | None:
    return instruments.gas(instruments.catalogue()["gas"], levels, [one.attainment.weight for one in found])


def _levels() -> tuple[int, ...]:
    (options,) = instruments.catalogue()["gas"].option_sets.values()
    return tuple(option.value for option in options if option.value is not None)


def _scaling_of(store: Session, goal: Goal) -> GoalAttainment | None:
    made = access.rows_of(goal.service_id, GoalAttainment).where(GoalAttainment.goal_id == goal.id)
    newest = made.order_by(GoalAttainment.created_at.desc(), GoalAttainment.id.desc()).limit(1)
    return store.scalars(newest).first()


def _level_since(store: Session, made: GoalAttainment) -> GoalLevel | None:
    """A level is a level of the texts that stood there: one that was found by others says nothing of these."""
    found = access.rows_of(made.service_id, GoalLevel).where(GoalLevel.goal_id == made.goal_id)
    newest = store.scalars(found.order_by(GoalLevel.created_at.desc(), GoalLevel.id.desc()).limit(1)).first()
    since = newest and (newest.created_at, newest.id) > (made.created_at, made.id)
    return newest if since else None


# Inside --------------------------------------------------------------------------------------------------------------


def _check(actor: Actor | None) -> None:
    if actor is not None:
        access.require(actor, Permission.READ_REFERRAL)


def _found(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, goal_id: uuid.UUID) -> Goal | None:
    mine = access.rows_of(service_id, Goal).where(Goal.id == goal_id, Goal.person_id == person_id)
    return store.scalar(mine.with_for_update().execution_options(populate_existing=True))


def _one(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, goal_id: uuid.UUID) -> Goal:
    found = _found(store, service_id, person_id, goal_id)
    if found is None:
        raise Gone
    return found


def _of_service(store: Session, actor: Actor, goal_id: uuid.UUID) -> Goal:
    found = store.scalar(access.rows_of(actor.service_id, Goal).where(Goal.id == goal_id))
    if found is None:
        raise Gone
    return found


def _refuse_too_many(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> None:
    if not may_set_another(store, service_id, person_id):
        raise TooMany


def _write_down(
    store: Session, goal: Goal, actor: Actor | None, what: str, before: Mapping[str, object] | None
) -> None:
    store.add(
        GoalChange(
            service_id=goal.service_id,
            id=codes.new_id(),
            goal_id=goal.id,
            what=what,
            before=dict(before) if before is not None else None,
            changed_by=actor.staff_id if actor else None,
        )
    )


def _columns(answers: Answers) -> dict[str, object]:
    """The answers as the goal keeps them. Free text that was left blank is no value; a number that was not given says
    in ``absent`` how."""
    read: dict[str, object] = {column: answers[code] for column, code in COLUMNS.items()}
    absent = {}
    for column in NUMBERS:
        read[column], how = number_of(answers[COLUMNS[column]])
        if how:
            absent[column] = how
    return {**read, "absent": absent}


def answers_of(goal: Goal) -> dict[str, object]:
    """A goal as the answers that it was made of, without how close it was."""
    told: dict[str, object] = {code: getattr(goal, column) for column, code in COLUMNS.items()}
    for column in NUMBERS:
        number = getattr(goal, column)
        told[COLUMNS[column]] = goal.absent.get(column, LEFT_BLANK) if number is None else str(number)
    return told


def number_of(answer: object) -> tuple[int | None, str | None]:
    """A chosen number, or how none was given. Raises ``NotARating`` for anything else."""
    if answer in ABSENCES and answer != NOT_ASKED:
        return None, str(answer)
    if not isinstance(answer, str) or not answer.isascii() or not answer.isdigit():
        raise NotARating
    return int(answer), None
