"""What a message back can say of one case, gathered from its record: nothing of another episode, nothing of anybody
else, no note that was written for staff, and nothing of safeguarding, which is not even read here.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import feedback, goals, letters, people, reading, referrals, services
from portal.access import ROLE_NAMES, Actor, Role, rows_of
from portal.caseload import plan_content, shared_needs
from portal.caseload.lists import (
    ACTION_STATUSES,
    ACTION_WHO,
    ACTIONS_OPEN,
    ATTEMPT_OUTCOMES,
    BARRIERS,
    CLOSURE_REASONS,
    HOLD_REASONS,
    LOCATIONS,
    MECHANISMS,
    NEED_OUTCOMES,
    ONWARD_STATUSES,
    REACHED,
    RISK_KINDS,
    Listed,
    entry,
)
from portal.caseload.plan_content import PlanGoal
from portal.caseload.triage import NONE_KNOWN
from portal.clock import now
from portal.feedback import Line, Point
from portal.i18n import LANGUAGES, gettext, say_date, speaking
from portal.instruments import Direction, Kind
from portal.journeys.engine import SPOKEN_LANGUAGES
from portal.journeys.self_referral import SELF_REFERRAL
from portal.letters import (
    ActionOf,
    AdjustmentOf,
    AssessmentOf,
    ContactOf,
    Gathered,
    GoalOf,
    NeedOf,
    PermissionOf,
    PersonOf,
    PlanOf,
    PracticeOf,
    ReferralOf,
    RiskOf,
    ScoreOf,
    SignpostOf,
    WayOf,
    WorkerOf,
)
from portal.services import practices, texts
from portal.store import (
    Activity,
    CarePlan,
    CarePlanVersion,
    Closure,
    Contact,
    Goal,
    Letter,
    Onward,
    PlanAction,
    Referral,
    ReferralNeed,
    Risk,
    Service,
    ServiceUser,
    Staff,
)

PERMISSION_FOR: Mapping[str, str] = {"gp": "share_gp", "referrer": "share_referrer"}
"""The permission without which nothing goes, by recipient."""
AT_WORK = ("gp-primary-care", "nhs-other", "social-care")
"""The helpers whose work is care: they are told what the GP is told. Anybody else hears how it goes."""
PRIVATE = ("family-friend-carer", "other")
"""The helpers whose own number or address is nobody else's business."""
_TRIED = {
    "signpost": "Signposted to",
    "supported-self-referral": "Helped to refer themselves to",
    "referral": "Referred, with their details, to",
}
_PREFERRED = {"post": "1", "call": "3", "email": "4", "through-person": "6", "text": "9"}
"""The national code of a way (preferred contact method); there is none for coming back."""
_GIVEN_BY = {
    "staff-recorded-verbal": "in words, to a member of staff",
    "proxy": "through whoever filled in the form for them",
}


def gather(
    store: Session,
    service: Service,
    actor: Actor,
    referral: Referral,
    letter: Letter,
    *,
    actions_professionals: str = "",
) -> Gathered:
    """Everything that this message can say now. ``actions_professionals``: what was typed for it, where the record does
    not say it."""
    with speaking("en"):
        return _gather(store, service, actor, referral, letter, actions_professionals)


def _gather(store: Session, service: Service, actor: Actor, referral: Referral, letter: Letter, typed: str) -> Gathered:
    settings, person = services.settings_of(service), store.get_one(ServiceUser, (service.id, referral.person_id))
    closure = closure_of(store, referral)
    plan, needs = plan_of(store, referral)
    found = _of(store, Onward, referral)
    workers = _workers(store, service.id)
    needed = shared_needs.of_person(store, person)
    risks = rows_of(service.id, Risk).where(Risk.person_id == person.id, Risk.ended_at.is_(None)).order_by(Risk.id)
    known = [one for one in store.scalars(risks) if one.kind != NONE_KNOWN or one.referral_id == referral.id]
    contact = settings.phone or settings.email
    return Gathered(
        letter_id=letter.id,
        service_id=service.id,
        service=service.name,
        recipient=letter.recipient,
        occasion=letter.occasion,
        made_at=now(),
        author=WorkerOf(actor.staff_id, actor.name, gettext(ROLE_NAMES[actor.role])),
        person=person_of(store, person),
        practice=_practice(store, person),
        referral=_referral(store, service, referral, person, letter, contact),
        service_contact=contact,
        about=texts.words(store, service, "definition", "en"),
        end=texts.words(store, service, "letter-end", "en"),
        narrow=letter.recipient == "referrer" and referral.referrer_type not in AT_WORK,
        responsible=workers.get(referral.assigned_to or referral.id),
        permission=_permission(store, letter),
        adjustments=tuple(
            AdjustmentOf(
                id=one.need.id,
                category=one.category,
                need=one.label,
                since=one.need.created_at.date(),
                detail=one.detail,
                theirs=one.need.need_of == "self",
            )
            for one in needed
        ),
        contacts=tuple(_contacts(_of(store, Contact, referral), closure, workers)),
        summary=tuple(_summary(store, referral, closure, found)),
        signposts=tuple(_signposts(store, found)),
        assessments=tuple(_assessments(store, referral)),
        risks=tuple(_risk(one) for one in known if one.kind != NONE_KNOWN),
        no_known_risks=any(one.kind == NONE_KNOWN for one in known),
        actions_professionals=(closure.actions_professionals or "" if closure else "") or typed,
        actions_person=closure.actions_person or "" if closure else "",
        plan=plan,
        needs=needs,
    )


def _of(store: Session, table: Any, referral: Referral) -> Sequence[Any]:
    """The rows of this very case, oldest first."""
    theirs = rows_of(referral.service_id, table).where(table.referral_id == referral.id)
    return store.scalars(theirs.order_by(table.id)).all()


def _say(entries: Sequence[Listed], code: str | None) -> str:
    found = entry(entries, code)
    return gettext(found.label) if found else code or ""


def closure_of(store: Session, referral: Referral) -> Closure | None:
    """How the case ended, while it is closed."""
    found = _of(store, Closure, referral)
    return found[-1] if found and found[-1].reopened_at is None else None


def says_what_is_asked(store: Session, referral: Referral) -> bool:
    """Whether the record says what is asked of professionals, or that nothing is: then nobody types it again."""
    closure = closure_of(store, referral)
    return closure is not None and (closure.no_action or bool(closure.actions_professionals))


def _workers(store: Session, service_id: uuid.UUID) -> dict[uuid.UUID, WorkerOf]:
    return {
        one.id: WorkerOf(one.id, one.name, gettext(ROLE_NAMES[Role(one.role)]), one.team or "")
        for one in store.scalars(rows_of(service_id, Staff))
    }


# The person and the referral -----------------------------------------------------------------------------------------


def person_of(store: Session, person: ServiceUser) -> PersonOf:
    """The person, with the ways that they allow and what they said about each; the address of whoever they trust is
    somebody else's. One number is told: texts to another one are not."""
    allowed = [way for way in people.ways_of(store, person.service_id, person.id) if way.allowed]
    number = next((way.address for way in allowed if way.channel == "call"), None)
    ways = [way for way in allowed if way.channel != "text" or number in (None, way.address)]
    first = next((way.channel for way in ways if way.channel in _PREFERRED and way.address), "")
    spoken = person.spoken_language
    wants = {"no": False, "spoken": True, "bsl": True, "other-sign": True}
    return PersonOf(
        id=person.id,
        first_name=person.first_name,
        family_name=person.family_name or "",
        preferred_name=person.preferred_name or "",
        pronouns=person.pronouns or "",
        born=person.born,
        nhs_number=person.nhs_number or "",
        postcode=person.postcode or "",
        preferred=_PREFERRED.get(first, ""),
        ways=tuple(_way(way) for way in ways),
        language=spoken if spoken in SPOKEN_LANGUAGES or spoken in LANGUAGES else "",
        interpreter=wants.get(person.interpreter),
    )


def _way(way: people.ContactWay) -> WayOf:
    own = "" if way.channel == "through-person" else way.address or ""
    times = SELF_REFERRAL.question("phone_times")
    return WayOf(
        channel=way.channel,
        address=reading.show_phone(own) if own and way.channel in ("call", "text") else own,
        message=way.voicemail,
        say_who=way.say_who,
        others=way.others_may_answer if way.others_may_answer in ("yes", "no") else "",
        times=times.say(list(way.times)) if way.times and len(way.times) < len(times.choices) else "",
    )


def _permission(store: Session, letter: Letter) -> PermissionOf | None:
    """The permission that counts now, in the words that were asked."""
    kind = PERMISSION_FOR[letter.recipient]
    given = people.permissions_of(store, letter.service_id, letter.person_id).get(kind)
    if given is None or given.decision != "given":
        return None
    return PermissionOf(given.id, given.wording, given.created_at, _GIVEN_BY.get(given.given_by, ""))


def _practice(store: Session, person: ServiceUser) -> PracticeOf:
    code = person.gp_practice_code
    if code is None:
        code = letters.NOT_REGISTERED if person.gp_registered == "not-registered" else letters.NOT_KNOWN
    listed = practices.by_code(store, person.service_id, code)
    name = ", ".join(filter(None, (listed.name, listed.postcode))) if listed else person.gp_practice or ""
    return PracticeOf(code, name)


def _referral(
    store: Session, service: Service, referral: Referral, person: ServiceUser, letter: Letter, contact: str
) -> ReferralOf:
    answers = referral.answers
    made = ReferralOf(
        id=referral.id,
        status=referral.status,
        referred_at=referral.referred_at,
        by=" ".join(filter(None, (person.first_name, person.family_name))),
        by_role="",
        by_organisation="",
        by_contact="",
        self_made=referral.referrer_type == "self",
        reason=people.value_of(answers, "what_matters") or "",
        coded=letter.recipient == "gp" and _is_first(store, letter),
        because=_because(store, service, referral),
    )
    if made.self_made:
        return made
    role = SELF_REFERRAL.question("helper_relationship").say(referral.referrer_type)
    theirs = people.value_of(answers, "helper_contact") or ""
    return replace(
        made,
        by=people.value_of(answers, "helper_name") or role,
        by_role=role,
        by_organisation=people.value_of(answers, "helper_organisation") or role,
        by_contact=contact if referral.referrer_type in PRIVATE else theirs or contact,
        related=referral.referrer_type in PRIVATE,
    )


def _because(store: Session, service: Service, referral: Referral) -> str:
    """Why it is on hold, or was not taken."""
    change = referrals.last_change(store, referral)
    if change is None or change.reason is None:
        return ""
    if referral.status == "on-hold":
        return _say(HOLD_REASONS, change.reason)
    named = services.settings_of(service).named_reason(change.reason)
    return gettext(named.label) if named and referral.status == "not-eligible" else ""


def _is_first(store: Session, letter: Letter) -> bool:
    """Whether no message to the GP has gone for this episode: the code for a referral goes once."""
    gone = select(Letter.id).where(
        Letter.service_id == letter.service_id,
        Letter.referral_id == letter.referral_id,
        Letter.recipient == "gp",
        Letter.state.in_(("sent", "by-hand")),
        Letter.id != letter.id,
    )
    return store.scalar(gone.limit(1)) is None


# Contacts, what was tried ---------------------------------------------------------------------------------------------


def _contacts(
    found: Sequence[Contact], closure: Closure | None, workers: "dict[uuid.UUID, WorkerOf]"
) -> Iterator[ContactOf]:
    reached = sorted((one for one in found if one.outcome in REACHED), key=lambda one: one.happened_at)
    for one in reached:
        last = one is reached[-1]
        follows = ("1" if closure else "2" if one.next_due else "3") if last else "2"
        mechanism = entry(MECHANISMS, one.mechanism)
        yield ContactOf(
            id=one.id,
            at=one.happened_at,
            outcome=_say(ATTEMPT_OUTCOMES, one.outcome),
            mechanism=gettext(mechanism.label) if mechanism else one.mechanism,
            method=mechanism.national if mechanism else "",
            near=one.mechanism == "face-to-face",
            follows=follows,
            location=_say(LOCATIONS, one.location),
            worker=workers.get(one.worker_id),
        )


def _summary(store: Session, referral: Referral, closure: Closure | None, found: Sequence[Onward]) -> Iterator[str]:
    if closure:
        if closure.summary:
            yield closure.summary
        yield f"How it ended: {_say(CLOSURE_REASONS, closure.reason).replace(': ', ', ')}"
        if closure.reason == "could-not-contact" and referral.attempts:
            yield f"Attempts to reach them: {referral.attempts}"
        listed = SELF_REFERRAL.question("needs")
        for need, outcome in closure.outcomes.items():
            yield f"{listed.say([need])}: {_say(NEED_OUTCOMES, str(outcome)).casefold()}"
    said = closure.summary or "" if closure else ""
    for one in found:
        # The page of closing proposes what was tried: what stands there is not said again.
        if one.activity_name not in said:
            yield _tried(one)


def _tried(one: Onward) -> str:
    """What was tried and what became of it, also where it did not work."""
    where = f"{one.activity_name} ({one.provider_name})" if one.provider_name else one.activity_name
    stood = (
        f". In the way: {', '.join(_say(BARRIERS, each).casefold() for each in one.barriers)}" if one.barriers else ""
    )
    since = say_date(one.status_on, weekday=False)
    return f"{_TRIED[one.kind]} {where}. {_say(ONWARD_STATUSES, one.status)}, {since}{stood}"


def _signposts(store: Session, found: Sequence[Onward]) -> Iterator[SignpostOf]:
    for one in found:
        if one.kind == "signpost":
            activity = store.get(Activity, (one.service_id, one.activity_id)) if one.activity_id else None
            reach = (activity.phone or activity.email or activity.url or "") if activity else ""
            where = f"{one.activity_name} ({one.provider_name})" if one.provider_name else one.activity_name
            yield SignpostOf(one.id, one.made_on, where, reach, SELF_REFERRAL.question("needs").say([one.need]))


# Answers to scales ---------------------------------------------------------------------------------------------------


def _assessments(store: Session, referral: Referral) -> Iterator[AssessmentOf]:
    """The first and the latest answers to each scale in this episode, each with its day; a total only where the
    published rule has one, a band only where one is published."""
    by_scale: dict[str, list[Line]] = {}
    for line in feedback.lines_of(store, referral.service_id, referral.person_id):
        by_scale.setdefault(line.scale, []).append(line)
    for lines in by_scale.values():
        told = list(feedback.told_of(lines))
        if not told:
            continue
        places = [
            place
            for place, point in enumerate(told[0].points)
            if point.answered.check_in.referral_id == referral.id
            and any(line.points[place].value is not None for line in told)
        ]
        for place in dict.fromkeys([*places[:1], *places[-1:]]):
            when = "latest" if place == places[-1] and len(places) > 1 else "first"
            yield _assessment(told, place, when)


def _assessment(told: Sequence[Line], place: int, when: str) -> AssessmentOf:
    point, instrument = told[0].points[place], told[0].instrument
    scores = tuple(_score(line, line.points[place]) for line in told if line.points[place].value is not None)
    bands = dict.fromkeys(line.rule.band_source for line in told if line.points[place].band)
    comment = [f"Bands as published by {source}." for source in bands if source]
    return AssessmentOf(
        id=point.response.id,
        name=instrument.title,
        on=point.on,
        when=when,
        scores=scores,
        single=len(told) == 1 and told[0].rule.kind is not Kind.NONE,
        comment=" ".join((*comment, instrument.licence.print_line)).strip(),
    )


def _score(line: Line, point: Point) -> ScoreOf:
    rule, wording = line.rule, line.instrument.wordings.get("en")
    name = gettext(feedback.SCORES.get(rule.code, feedback.SCORE))
    words = gettext(feedback.BANDS[point.band]) if point.band in feedback.BANDS else ""
    if rule.kind is Kind.NONE:
        item = rule.items[0]
        name = wording.items[item] if wording and item in wording.items else item
        if rule.direction is Direction.CATEGORY:
            return ScoreOf(name, _answer(line, point), amount=False)
    return ScoreOf(name, f"{point.value}", words)


def _answer(line: Line, point: Point) -> str:
    """What an answer is called that is no amount."""
    item = line.rule.items[0]
    said = next((one.counts.option for one in point.answered.items if one.item == item and one.counts), None) or ""
    wording = line.instrument.wordings.get("en")
    options = wording.options.get(line.instrument.item_by_code[item].option_set, {}) if wording else {}
    return options.get(said, said)


# Risks and the plan --------------------------------------------------------------------------------------------------


def _risk(one: Risk) -> RiskOf:
    return RiskOf(one.id, _say(RISK_KINDS, one.kind), one.started, one.words or "")


def plan_of(store: Session, referral: Referral) -> tuple[PlanOf | None, tuple[NeedOf, ...]]:
    """The plan, and the needs with their goals and actions; a need that only a goal names is there too. Of an earlier
    referral there is what the kept plan of this one holds: a goal that they work on, and what is still to do for it."""
    row = next(iter(_of(store, CarePlan, referral)), None)
    version = _version(store, row) if row else None
    kept = plan_content.goals_in(version.content) if version else frozenset()
    named = tuple(
        _need(referral, one.need, one.row, [_goal(goal, referral) for goal in one.goals])
        for one in plan_content.needs_of(store, referral, kept)
    )
    return (_plan(store, row, version) if row else None), named


def _version(store: Session, row: CarePlan) -> CarePlanVersion | None:
    """The plan as it was kept last."""
    theirs = rows_of(row.service_id, CarePlanVersion).where(CarePlanVersion.plan_id == row.id)
    return store.scalar(theirs.order_by(CarePlanVersion.number.desc()).limit(1))


def _agreed_by(store: Session, row: CarePlan) -> str:
    """Who agreed: the representative by their name, the person by theirs."""
    if row.agreed != "yes" or row.agreed_by != "person":
        return row.agreed_name or ""
    person = store.get_one(ServiceUser, (row.service_id, row.person_id))
    return " ".join(filter(None, (person.first_name, person.family_name)))


def _plan(store: Session, row: CarePlan, version: CarePlanVersion | None) -> PlanOf:
    return PlanOf(
        id=row.id,
        strengths=row.strengths or "",
        agreed=row.agreed or "",
        agreed_name=_agreed_by(store, row),
        why_not=row.why_not_agreed or "",
        updated=version.created_at if version else row.agreed_at,
        review=row.review_due,
    )


def _need(referral: Referral, need: str, row: ReferralNeed | None, theirs: Sequence[GoalOf]) -> NeedOf:
    return NeedOf(
        id=row.id if row else uuid.uuid5(referral.id, need),
        name=SELF_REFERRAL.question("needs").say([need]),
        words=(row.words or "") if row else "",
        resolved=row is not None and row.status in ("resolved", "no-longer-relevant"),
        goals=tuple(theirs),
    )


def _goal(planned: PlanGoal, referral: Referral) -> GoalOf:
    goal, first, latest = planned.line.goal, planned.line.first, planned.line.latest
    stands = ""
    if first:
        stands = f"Their own rating, 0 to 10: {first.rating} on {say_date(first.created_at, weekday=False)}"
    if latest:
        stands += f", {latest.rating} on {say_date(latest.created_at, weekday=False)}"
    actions = [one for one in planned.actions if one.referral_id == referral.id or one.status in ACTIONS_OPEN]
    return GoalOf(
        id=goal.id,
        words=goal.words,
        status=gettext(goals.STATUSES[goal.status]),
        status_code=goal.status,
        since=goal.created_at.date(),
        importance=goal.importance,
        stands=stands,
        actions=(*_first_step(goal, actions), *(_action(one) for one in actions)),
    )


def _first_step(goal: Goal, actions: Sequence[PlanAction]) -> Iterator[ActionOf]:
    """The first step that they named themselves is the first action; one that was written down as an action since is
    told there."""
    words = goal.first_step or ""
    if words and words.casefold().strip() not in (one.words.casefold().strip() for one in actions):
        yield ActionOf(
            id=uuid.uuid5(goal.id, "first-step"),
            words=words,
            who=_say(ACTION_WHO, "person"),
            who_code="person",
            when=goal.by_when or "",
            sure=goal.sure,
        )


def _action(one: PlanAction) -> ActionOf:
    return ActionOf(
        id=one.id,
        words=one.words,
        who=_say(ACTION_WHO, one.who),
        who_code=one.who,
        status=_say(ACTION_STATUSES, one.status),
        status_code=one.status,
        changed_at=one.changed_at,
        name=one.who_name or "",
        due=one.due,
        barriers=one.barriers or "",
        sure=one.sure,
        review=one.review_due,
    )
