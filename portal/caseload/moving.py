"""Cases change hands: a whole caseload at once to a colleague, or one case to another service of this portal.

Another service stays blind to ours: it gets a referral of its own, by its own rules, with the fields that were listed
on the page before, and nothing else. No case stays with somebody who has left.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from portal import access, audit, codes, people, referrals, services, tasks
from portal.access import MAY, Actor, Permission, rows_of
from portal.caseload import closing, shared_needs
from portal.i18n import speaking
from portal.journeys import LEFT_BLANK, NOT_ASKED
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import CaseMove as CaseMove  # the doors name it in their types
from portal.store import Referral, Service, Staff, Task

SHARE = "share_onward"
"""The permission without which no data moves."""

ASKED_ANEW = ("urgency",)
"""What the worker says as it is today: what was urgent months ago would raise an alert there that nobody needs."""

STAYS = ("device", *people.SHARING)
"""What is a matter of our own: nothing that a person allows us is allowed to anybody else. There it is left blank, and
left blank is no."""


MOVED = "moved-to-other-support"
"""Why a case ends here that goes on elsewhere."""


class NotThere(ValueError):
    """There is no such service, or it takes no referrals now."""


class OtherWords(ValueError):
    """What would be sent is not what the page listed any more: it must be listed again."""


class NotComplete(ValueError):
    """The other service asks for something that we do not know: the name of the page of its form."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


@dataclass(frozen=True)
class Holder:
    """Somebody who has open cases: their name, how many, and whether they still work here with cases. ``staff_id`` is
    empty for the cases that nobody ever had."""

    staff_id: uuid.UUID | None
    name: str
    many: int
    here: bool


# A whole caseload ----------------------------------------------------------------------------------------------------


def holders(store: Session, actor: Actor) -> list[Holder]:
    """Who has how many open cases; those who have left, or work with cases no more, first. Raises ``Refused``."""
    access.require(actor, Permission.LEAD_TEAM)
    counted = (
        select(Referral.assigned_to, func.count())
        .where(Referral.service_id == actor.service_id, Referral.status.in_(Referral.OPEN))
        .group_by(Referral.assigned_to)
    )
    staff = {one.id: one for one in store.scalars(rows_of(actor.service_id, Staff))}
    found = []
    for staff_id, many in store.execute(counted):
        one = staff.get(staff_id) if staff_id else None
        found.append(Holder(staff_id, one.name if one else "", many, one is not None and _works_with_cases(one)))
    return sorted(found, key=lambda one: (one.here, one.name, str(one.staff_id)))


def _works_with_cases(staff: Staff) -> bool:
    return staff.state == "active" and staff.role in MAY[Permission.READ_REFERRAL]


def nobodys(store: Session, actor: Actor, after: uuid.UUID | None = None, most: int = 50) -> Sequence[Referral]:
    """Open cases that nobody has who works with cases here, the oldest first; those beyond ``after``."""
    access.require(actor, Permission.LEAD_TEAM)
    everybody = store.scalars(rows_of(actor.service_id, Staff)).all()
    gone = [one.id for one in everybody if not _works_with_cases(one)]
    left = rows_of(actor.service_id, Referral).where(
        Referral.status.in_(Referral.OPEN), or_(Referral.assigned_to.is_(None), Referral.assigned_to.in_(gone))
    )
    if after:
        left = left.where(Referral.id > after)
    return store.scalars(left.order_by(Referral.id).limit(most)).all()


def give_all(store: Session, actor: Actor, from_staff: uuid.UUID | None, to_staff: uuid.UUID) -> int:
    """Give every open case of one colleague (``None``: those that nobody has) to another, in one act, with what there
    is to do about them. Each person is told, each case shows it in its history. How many. Raises ``Refused``, and
    ``referrals.NotThere`` for somebody who cannot take them."""
    access.require(actor, Permission.LEAD_TEAM)
    to = referrals.worker(store, actor, to_staff)
    whose: ColumnElement[bool] = Referral.assigned_to == from_staff if from_staff else Referral.assigned_to.is_(None)
    theirs = rows_of(actor.service_id, Referral).where(whose, Referral.status.in_(Referral.OPEN))
    held = store.scalars(theirs.order_by(Referral.id).with_for_update().execution_options(populate_existing=True))
    given = sum(referrals.hand_on(store, actor, referral, to) for referral in held.all())
    _done_with(store, actor, from_staff)
    about = from_staff or to.id
    audit.record(store, actor.service_id, actor, "gave a caseload", "staff", about, to=str(to.id), many=given)
    store.flush()
    return given


def _done_with(store: Session, actor: Actor, staff_id: uuid.UUID | None) -> None:
    """Nobody has to give on this colleague's cases any more."""
    asked = rows_of(actor.service_id, Task).where(
        Task.kind == tasks.Kind.CASES_WITHOUT_WORKER.value, Task.done_at.is_(None)
    )
    keys = [one.once for one in store.scalars(asked) if one.details.get("staff") == str(staff_id)]
    tasks.no_longer_needed(store, actor.service_id, once=keys)


# To another service --------------------------------------------------------------------------------------------------


def elsewhere(store: Session, actor: Actor) -> list[Service]:
    """The other services of this portal that take referrals now."""
    access.require(actor, Permission.WORK_ON_CASE)
    others = [one for one in services.all_services(store) if one.id != actor.service_id]
    return [one for one in others if services.may_take_referrals(store, one)]


def fields(store: Session, actor: Actor, referral: Referral) -> dict[str, object]:
    """What goes along, by the code of the question: what the person said, as it is now; of their access needs what the
    record has. Listed before it is sent."""
    ways = people.ways_of(store, actor.service_id, referral.person_id)
    person = people.read(store, actor, referral.person_id)
    said = referrals.answers_now(referral, person, ways)
    with speaking("en"):
        needs = shared_needs.as_answers(store, person)
    ended = set(shared_needs.FIELDS) - set(needs)
    answers = SELF_REFERRAL.on_path({code: answer for code, answer in (said | needs).items() if code not in ended})
    left_here = (*STAYS, *ASKED_ANEW, *SELF_REFERRAL.derived)
    return {code: said for code, said in answers.items() if code not in left_here}


def listed_as(given: dict[str, object]) -> str:
    """What stands for a list of fields in the form, so that nothing else is sent than what was listed."""
    return codes.digest(json.dumps(given, sort_keys=True, ensure_ascii=False, default=str))


def move(
    store: Session,
    service: Service,
    actor: Actor,
    referral_id: uuid.UUID,
    to: str,
    *,
    listed: str,
    urgency: str,
    word: str,
    actions_professionals: str = "",
    no_action: bool = False,
) -> CaseMove:
    """Move a case to another service of this portal (``to``: its short name): a new referral there, by that service's
    own rules, with exactly the fields that were listed (``listed``: ``listed_as`` of them) and how urgent it is today;
    here the case has ended, passed on. The person reads both on their page.

    Raises ``referrals.Gone``, ``closing.NotOpen``, ``referrals.NotAllowed``, ``NotThere``, ``OtherWords``,
    ``NotComplete``, ``closing.NeedsWords``.
    """
    access.require(actor, Permission.WORK_ON_CASE)
    referral = referrals.find(store, actor, referral_id, lock=True)
    if not referral.is_open:
        raise closing.NotOpen(referral, closing.latest(store, service.id, referral.id))
    other = next((one for one in elsewhere(store, actor) if one.slug == to), None)
    if other is None:
        raise NotThere
    if not people.allows(store, service.id, referral.person_id, SHARE, hold=True):
        raise referrals.NotAllowed
    given = fields(store, actor, referral)
    if listed_as(given) != listed:
        raise OtherWords
    # Nothing of what was begun there stays when it cannot be finished.
    with store.begin_nested():
        there = _begin_there(store, other, referral, given, urgency)
        closure = _end_here(store, service, actor, referral, other, word, actions_professionals, no_action=no_action)
        moved = _written(store, actor, referral, other, there, given)
    closing.end(store, service, actor, referral, closure)
    referrals.tell(store, service, referral, "case-moved", again=True)
    return moved


def _written(
    store: Session, actor: Actor, referral: Referral, other: Service, there: Referral, given: dict[str, object]
) -> CaseMove:
    permission = people.permissions_of(store, referral.service_id, referral.person_id)[SHARE]
    moved = CaseMove(
        service_id=referral.service_id,
        referral_id=referral.id,
        person_id=referral.person_id,
        to_service=other.name,
        to_reference=there.reference,
        shared=[*given, *ASKED_ANEW],
        permission_id=permission.id,
        moved_by=actor.staff_id,
    )
    store.add(moved)
    store.flush()
    many = len(moved.shared)
    audit.record(store, referral.service_id, actor, "moved a case", "referral", referral.id, to=other.slug, many=many)
    return moved


def _end_here(
    store: Session,
    service: Service,
    actor: Actor,
    referral: Referral,
    other: Service,
    word: str,
    actions_professionals: str,
    *,
    no_action: bool,
) -> closing.Closure:
    """Here it has ended, for the one reason that there is."""
    said = closing.words_of_the_end(
        MOVED, summary=word, person_summary=word, actions_professionals=actions_professionals, no_action=no_action
    )
    closure = closing.write(store, service, actor, referral, MOVED, said, {}, no_action=no_action)
    referral.passed_to, referral.word_to_person = other.name, closure.person_summary
    referrals.set_status(store, actor, referral, "passed-on", MOVED)
    return closure


def _begin_there(
    store: Session, other: Service, referral: Referral, given: dict[str, object], urgency: str
) -> Referral:
    """The referral at the other service: its own form, checked and sent as any other, so that its rules count, its
    alerts are raised and its messages are written."""
    key = codes.new_key()
    draft = referrals.begin(store, other, referral.language, key)
    draft.source_channel = "staff"
    # Of what stays here the form is told nothing, which is no.
    told = {**given, **dict.fromkeys(STAYS, LEFT_BLANK)}
    referrals.fill_in(store, other, draft, told)
    blank = _blank(draft.answers, referral)
    while blank:
        told |= blank
        referrals.fill_in(store, other, draft, told)
        blank = _blank(draft.answers, referral)
    for step in SELF_REFERRAL.path(draft.answers):
        if set(ASKED_ANEW) & {question.code for question in step.questions}:
            kept = referrals.keep(store, other, draft, step, {"urgency": urgency}, referral.language)
            if kept.problems:
                raise closing.NeedsWords("urgency")
    try:
        there = referrals.submit(store, other, draft, key)
    except referrals.Incomplete as gap:
        raise NotComplete(gap.slug) from None
    there.return_hash = None  # nobody has this number: whoever takes the case there makes the card
    return there


def _blank(answers: Mapping[str, object], referral: Referral) -> dict[str, object]:
    """What the form still lacks and need not have: taken out by the person since, or never asked here."""
    return {
        question.code: LEFT_BLANK if question.code in referral.answers else NOT_ASKED
        for step in SELF_REFERRAL.path(answers)
        for question in step.questions
        if question.code not in answers and question.code not in ASKED_ANEW and not question.required
    }


def of_referral(store: Session, service_id: uuid.UUID, referral_id: uuid.UUID) -> CaseMove | None:
    """Where a case last moved to, if it did."""
    theirs = rows_of(service_id, CaseMove).where(CaseMove.referral_id == referral_id)
    return store.scalar(theirs.order_by(CaseMove.id.desc()).limit(1))
