"""Onward: telling people about a place, helping them to ask for it themselves, referring them with their details.

The three acts are kept apart. Only the last moves data, and then exactly the fields that somebody chose and saw listed,
under a permission that is looked at while it is held, when they are sent, and once more when the message leaves. What
was sent is kept as it was.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from portal import access, audit, codes, directory, notifications, people, reading
from portal.access import Actor, Permission
from portal.caseload import shared_needs
from portal.caseload.cases import Gone as Gone
from portal.caseload.cases import Meanwhile as Meanwhile
from portal.caseload.cases import NotPossible as NotPossible
from portal.caseload.lists import (
    BARRIERS,
    MOVES_DATA,
    ONWARD_KINDS,
    ONWARD_OVER,
    ONWARD_STATUSES,
    ONWARD_WENT,
    codes_in,
)
from portal.clock import today
from portal.i18n import LONDON, N_, gettext, language_name, speaking
from portal.journeys.self_referral import SELF_REFERRAL
from portal.store import Message, OnwardChange, Referral, Service, ServiceUser
from portal.store import Onward as Onward  # the doors name it in their types
from portal.store.once import write_once

CHECK_AFTER = timedelta(days=14)
"""When somebody asks how it went, unless another day is chosen."""
FARTHEST = timedelta(days=730)
LONGEST_PLACE, LONGEST_WORDS, LONGEST_SENT_TO = 150, 1000, 254
SHARES = "share_onward"
"""The permission by which a group may be told anything."""


class NotTaken(ValueError):
    """Nobody has accepted this referral yet, or it never became a case."""


class NotAllowed(ValueError):
    """The person does not allow (any more) that a group is given their details."""


class OtherWords(ValueError):
    """What would be sent is not what the page listed any more: it must be listed again."""


# What a group can be given -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Field:
    """One thing that a group can be given. ``asked``: the question about sharing speaks of it (name, how to reach
    them); anything else needs a yes of its own."""

    code: str
    label: str
    asked: bool = False


FIELDS: tuple[Field, ...] = (
    Field("name", N_("Name"), asked=True),
    Field("call", N_("Phone"), asked=True),
    Field("text", N_("Text messages"), asked=True),
    Field("email", N_("Email"), asked=True),
    Field("post", N_("Address for letters"), asked=True),
    Field("through-person", N_("Through someone they trust"), asked=True),
    Field("language", N_("Language")),
    Field("interpreter", N_("Interpreter")),
    Field("access", N_("What they need, to understand and take part")),
    Field("year-of-birth", N_("Year of birth")),
    Field("area", N_("Part of the postcode")),
    Field("need", N_("What they would like help with")),
    Field("hope", N_("Why this may help, in your words")),
)
"""Everything that can go, in the order in which it is listed. What is not here never goes with a referral."""


@dataclass(frozen=True)
class Shareable:
    """A field with what it says of this person, in English, as the group would read it."""

    field: Field
    value: str

    @property
    def code(self) -> str:
        """The field's code."""
        return self.field.code


def shareable(
    store: Session, actor: Actor, onward: Onward, rules: Mapping[uuid.UUID, Sequence[str]]
) -> list[Shareable]:
    """What can be given of this person, only what is known. ``rules``: what they said about using a way, by its id, in
    words: it goes along with the way, always. A way that they shut is not there."""
    access.require(actor, Permission.WORK_ON_CASE)
    person = people.read(store, actor, onward.person_id)
    with speaking("en"):
        values = _values(person, people.ways_of(store, actor.service_id, person.id), rules) | _needs(store, person)
        values["need"] = SELF_REFERRAL.question("needs").say([onward.need])
        values["hope"] = onward.reason or ""
    return [Shareable(field, values[field.code]) for field in FIELDS if values.get(field.code)]


def _values(
    person: ServiceUser, ways: Sequence[people.ContactWay], rules: Mapping[uuid.UUID, Sequence[str]]
) -> dict[str, str]:
    said = {"name": _name(person)}
    for way in ways:
        if way.allowed and way.address and way.channel != "come-back":
            told = " ".join(rules.get(way.id, ()))
            by_phone = way.channel in ("call", "text")
            address = reading.show_phone(way.address) if by_phone else way.address
            whose = f"{way.trusted_name}, {address}" if way.trusted_name else address
            said[way.channel] = f"{whose}. {told}".strip()
    said["language"] = language_name(person.spoken_language)
    said["year-of-birth"] = person.born[:4]
    said["area"] = reading.outward(person.postcode) if person.postcode else ""
    return said


def _needs(store: Session, person: ServiceUser) -> dict[str, str]:
    """What they need to understand and take part, as the record has it; and the interpreter, who is booked apart."""
    answers = shared_needs.as_answers(store, person)
    wanted = people.value_of(answers, "interpreter")
    return {
        "interpreter": SELF_REFERRAL.question("interpreter").say(wanted) if wanted else "",
        "access": "; ".join(one.words for one in shared_needs.of_person(store, person)),
    }


def _name(person: ServiceUser) -> str:
    whole = " ".join(filter(None, (person.first_name, person.family_name)))
    called = person.preferred_name
    return f"{whole} (likes to be called {called})" if called and called != person.first_name else whole


def seen_of(chosen: Sequence[Shareable]) -> str:
    """What a page has listed, as a mark to send along with the button."""
    return codes.digest("\n".join(f"{one.code}\t{one.value}" for one in chosen))[:32]


def chosen_of(offered: Sequence[Shareable], fields: Sequence[str]) -> list[Shareable]:
    """Of what can be given, what was chosen. Raises ``NotPossible``."""
    there = {one.code for one in offered}
    if not fields:
        raise NotPossible({"fields": "missing"})
    if not set(fields) <= there:
        raise NotPossible({"fields": "not-listed"})
    return [one for one in offered if one.code in fields]


# Beginning -----------------------------------------------------------------------------------------------------------


def allowed(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> bool:
    """Whether the person allows now that a group is given their name and how to reach them."""
    return people.allows(store, service_id, person_id, SHARES)


def begin(
    store: Session,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    once: str,
    kind: str,
    need: str,
    activity_id: uuid.UUID | None = None,
    place: str = "",
    provider: str = "",
    reason: str = "",
    check_due: date | None = None,
) -> Onward:
    """One of the three acts, for one need. Nothing leaves by it: a referral is sent by ``send``. ``place`` and
    ``provider`` are for what is not in the directory; the names of what is are kept as they are today. ``check_due``:
    when to ask how it went, two weeks from now unless another day is given.

    Sent again with the same ``once`` it is the same one. Raises ``Gone``, ``NotTaken``, and ``NotPossible`` with a code
    by the field (kind, need: not-listed; place: missing; check_due: past, too-far).
    """
    access.require(actor, Permission.WORK_ON_CASE)
    referral = _case(store, actor, referral_id)
    activity = _activity(store, actor.service_id, activity_id) if activity_id else None
    due = check_due or today() + CHECK_AFTER
    problems = {
        "kind": "" if kind in codes_in(ONWARD_KINDS) else "not-listed",
        "need": "" if SELF_REFERRAL.question("needs").choice(need) else "not-listed",
        "place": "" if activity or place.strip() else "missing",
        "check_due": "past" if due < today() else "too-far" if due > today() + FARTHEST else "",
    }
    _refuse(problems)
    made = Onward(
        service_id=actor.service_id,
        id=codes.new_id(),
        referral_id=referral.id,
        person_id=referral.person_id,
        once=once,
        kind=kind,
        activity_id=activity.id if activity else None,
        activity_name=activity.name if activity else place.strip(),
        provider_name=(activity.provider if activity else provider.strip())[:LONGEST_PLACE] or None,
        need=need,
        made_on=today(),
        made_by=actor.staff_id,
        shared={},
        status="offered",
        status_on=today(),
        reason=reason.strip() or None,
        barriers=[],
        check_due=due,
    )
    same = access.rows_of(actor.service_id, Onward).where(Onward.once == once)
    found, new = write_once(store, made, same)
    if new:
        _note(store, actor, found, "began an onward step")
    elif found.referral_id != referral.id:
        raise Gone
    return found


def _case(store: Session, actor: Actor, referral_id: uuid.UUID) -> Referral:
    """A case that somebody has or had. What is said late, after the end, is kept as well."""
    wanted = access.rows_of(actor.service_id, Referral).where(Referral.id == referral_id)
    found = store.scalar(wanted)
    if found is None:
        raise Gone
    if not found.is_open and found.status != "closed":
        raise NotTaken
    return found


def _activity(store: Session, service_id: uuid.UUID, activity_id: uuid.UUID) -> directory.Shown:
    """An activity that may be offered today: active, not hidden, and seen lately."""
    found = directory.activity(store, service_id, activity_id)
    if found is None or not found.offered:
        raise Gone
    return found


def _refuse(problems: Mapping[str, str]) -> None:
    there = {name: code for name, code in problems.items() if code}
    if there:
        raise NotPossible(there)


# Sending -------------------------------------------------------------------------------------------------------------


def address_of(store: Session, onward: Onward) -> str:
    """Where referrals to this activity go by email, as the directory has it; empty when they go by hand."""
    found = directory.activity(store, onward.service_id, onward.activity_id) if onward.activity_id else None
    return found.referrals_to if found else ""


def send(
    store: Session,
    service: Service,
    actor: Actor,
    onward_id: uuid.UUID,
    *,
    fields: Sequence[str],
    seen: str,
    rules: Mapping[uuid.UUID, Sequence[str]],
    to: str = "",
    agreed: bool = False,
) -> Onward:
    """Give the group these fields: by email to the address that we have for it, or, with ``to`` (to whom and how), by
    hand. ``seen`` is ``seen_of`` what the page listed. ``agreed``: the person said yes to everything that the question
    about sharing does not speak of. Pressed twice it is sent once.

    Raises ``Gone``, ``NotAllowed`` (nothing leaves, nothing is kept), ``OtherWords``, and ``NotPossible`` (fields:
    missing, not-listed, not-agreed; how: no-address, no-data).
    """
    access.require(actor, Permission.WORK_ON_CASE)
    onward = _held(store, actor, onward_id)
    if onward.shared and not line_of(store, onward).not_sent:
        return onward
    if onward.kind != MOVES_DATA:
        raise NotPossible({"how": "no-data"})
    if not people.allows(store, service.id, onward.person_id, SHARES, hold=True):
        audit.record(store, service.id, actor, "was not allowed to send a referral", "onward", onward.id)
        raise NotAllowed
    chosen = chosen_of(shareable(store, actor, onward, rules), fields)
    _refuse({"fields": "not-agreed" if not agreed and not all(one.field.asked for one in chosen) else ""})
    if seen != seen_of(chosen):
        raise OtherWords
    address = "" if to.strip() else address_of(store, onward)
    _refuse({"how": "" if address or to.strip() else "no-address"})
    permission = people.permissions_of(store, service.id, onward.person_id)[SHARES]
    onward.shared = {
        "fields": [{"code": one.code, "label": one.field.label, "value": one.value} for one in chosen],
        "agreed": agreed,
    }
    onward.permission_id = permission.id
    onward.sent_to = address or to.strip()
    if address:
        onward.message_id = _tell(store, service, actor, onward, address, chosen).id
    _became(onward, "sent", today())
    _note(store, actor, onward, "sent a referral to a group", fields=[one.code for one in chosen])
    return onward


def _tell(
    store: Session, service: Service, actor: Actor, onward: Onward, address: str, chosen: Sequence[Shareable]
) -> Message:
    with speaking("en"):
        lines = [
            gettext(N_("For: %(activity)s"), activity=onward.activity_name),
            *(f"{gettext(one.field.label)}: {one.value}" for one in chosen),
            "",
            gettext(N_("From: %(name)s, %(service)s"), name=actor.name, service=service.name),
        ]
    return notifications.tell_professional(
        store,
        service,
        address,
        "onward-referral",
        once=f"onward-referral:{onward.id}:{onward.version}",
        words="\n".join(lines),
        referral_id=onward.referral_id,
    )


# What became of it ---------------------------------------------------------------------------------------------------


def became(
    store: Session,
    actor: Actor,
    onward_id: uuid.UUID,
    *,
    version: int,
    status: str,
    on: date | None = None,
    reason: str = "",
    barriers: Sequence[str] = (),
    attended_first_on: date | None = None,
    check_due: date | None = None,
) -> Onward:
    """What became of it, of the closed list; each step stays in the record. ``version``: the one that the page showed.
    ``check_due``: when to ask again; nobody has to once it is over.

    Raises ``Gone``, ``Meanwhile``, and ``NotPossible`` (status, barriers: not-listed; on, attended_first_on: future,
    before; check_due: past, too-far).
    """
    access.require(actor, Permission.WORK_ON_CASE)
    onward = _held(store, actor, onward_id)
    day = on or today()
    over = status in ONWARD_OVER
    settable = [code for code in statuses_for(onward) if code != "sent" or onward.status == "sent"]
    problems = {
        "status": "" if status in settable else "not-listed",
        "barriers": "" if set(barriers) <= set(codes_in(BARRIERS)) else "not-listed",
        "on": _day_problem(day, onward),
        "attended_first_on": _day_problem(attended_first_on, onward) if attended_first_on else "",
        "check_due": "past"
        if check_due and check_due < today() and not over
        else "too-far"
        if check_due and check_due > today() + FARTHEST
        else "",
    }
    _refuse(problems)
    if onward.version != version:
        raise Meanwhile(onward)
    onward.barriers = list(barriers)
    if attended_first_on or (status in ONWARD_WENT and onward.attended_first_on is None):
        onward.attended_first_on = attended_first_on or day
    _became(onward, status, day)
    if not over:
        onward.check_due = check_due or today() + CHECK_AFTER
    _note(store, actor, onward, "said what became of an onward step", reason=reason.strip() or None)
    return onward


def statuses_for(onward: Onward) -> tuple[str, ...]:
    """What can become of an act of this kind: nobody answers us about a place that they were only told about."""
    only_with_data = ("sent", "accepted-by-service", "waitlisted")
    wanted = codes_in(ONWARD_STATUSES)
    if onward.kind == MOVES_DATA:
        return wanted
    told = ("sent",) if onward.kind == "supported-self-referral" else only_with_data
    return tuple(code for code in wanted if code not in told)


def _day_problem(day: date, onward: Onward) -> str:
    if day > today():
        return "future"
    return "before" if day < onward.made_on else ""


def _became(onward: Onward, status: str, on: date) -> None:
    onward.status, onward.status_on = status, on
    if status in ONWARD_OVER:
        onward.check_due = None


def _note(
    store: Session, actor: Actor, onward: Onward, act: str, *, reason: str | None = None, fields: Sequence[str] = ()
) -> None:
    """A line in its history, and in the audit: there the codes alone."""
    store.add(
        OnwardChange(
            service_id=onward.service_id,
            id=codes.new_id(),
            onward_id=onward.id,
            status=onward.status,
            on=onward.status_on,
            reason=reason,
            barriers=list(onward.barriers),
            changed_by=actor.staff_id,
        )
    )
    audit.record(
        store,
        onward.service_id,
        actor,
        act,
        "onward",
        onward.id,
        kind=onward.kind,
        status=onward.status,
        fields=list(fields),
    )
    store.flush()


# Reading -------------------------------------------------------------------------------------------------------------


def read(store: Session, actor: Actor, onward_id: uuid.UUID) -> Onward:
    """An onward step of the actor's service. Raises ``Gone``."""
    access.require(actor, Permission.READ_REFERRAL)
    found = store.scalar(access.rows_of(actor.service_id, Onward).where(Onward.id == onward_id))
    if found is None:
        raise Gone
    return found


def _held(store: Session, actor: Actor, onward_id: uuid.UUID) -> Onward:
    mine = access.rows_of(actor.service_id, Onward).where(Onward.id == onward_id)
    found = store.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise Gone
    return found


@dataclass(frozen=True)
class Line:
    """An onward step with its history, oldest first. ``not_sent``: it was given to the outbox and did not arrive."""

    onward: Onward
    changes: tuple[OnwardChange, ...]
    not_sent: bool = False


def of_referral(store: Session, actor: Actor, referral_id: uuid.UUID) -> list[Line]:
    """The onward steps of a case, the latest first."""
    access.require(actor, Permission.READ_REFERRAL)
    theirs = access.rows_of(actor.service_id, Onward).where(Onward.referral_id == referral_id)
    return _lines(store, actor.service_id, store.scalars(theirs.order_by(Onward.id.desc())).all())


def line_of(store: Session, onward: Onward) -> Line:
    """One with its history."""
    return _lines(store, onward.service_id, [onward])[0]


def _lines(store: Session, service_id: uuid.UUID, found: Sequence[Onward]) -> list[Line]:
    told = access.rows_of(service_id, OnwardChange).where(OnwardChange.onward_id.in_([one.id for one in found]))
    changes = store.scalars(told.order_by(OnwardChange.id)).all() if found else ()
    messages = [one.message_id for one in found if one.message_id]
    lost = access.rows_of(service_id, Message).where(
        Message.id.in_(messages), Message.state.in_(notifications.NOT_ARRIVED)
    )
    not_sent = {one.id for one in store.scalars(lost)} if messages else set()
    return [
        Line(one, tuple(each for each in changes if each.onward_id == one.id), one.message_id in not_sent)
        for one in found
    ]


def due(store: Session, actor: Actor, until: date | None = None, most: int = 50) -> Sequence[Onward]:
    """What somebody should ask about by that day (today), in cases that are mine, the longest due first."""
    access.require(actor, Permission.READ_CASELOAD)
    waiting = (
        access.rows_of(actor.service_id, Onward)
        .join(Referral, (Referral.service_id == Onward.service_id) & (Referral.id == Onward.referral_id))
        .where(
            Onward.check_due <= (until or today()),
            Referral.assigned_to == actor.staff_id,
            Referral.status.in_(Referral.OPEN),
        )
    )
    return store.scalars(waiting.order_by(Onward.check_due, Onward.id).limit(most)).all()


@dataclass(frozen=True)
class Told:
    """An onward step, for the person themselves: what it is, since when, how it stands, and what a group was given."""

    kind: str
    name: str
    provider: str
    on: date
    status: str
    given: tuple[tuple[str, str], ...]
    given_on: date | None


def for_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Told]:
    """Every onward step of a person, for their own page, the latest first. The worker's words are not there."""
    theirs = access.rows_of(service_id, Onward).where(Onward.person_id == person_id)
    return [
        Told(
            one.kind,
            one.activity_name,
            one.provider_name or "",
            one.made_on,
            one.status,
            tuple((str(each["label"]), str(each["value"])) for each in one.shared.get("fields", ())),
            _sent_on(store, one) if one.shared else None,
        )
        for one in store.scalars(theirs.order_by(Onward.id.desc()))
    ]


def _sent_on(store: Session, onward: Onward) -> date | None:
    sent = access.rows_of(onward.service_id, OnwardChange).where(
        OnwardChange.onward_id == onward.id, OnwardChange.status == "sent"
    )
    found = store.scalars(sent.order_by(OnwardChange.id).limit(1)).first()
    return found.created_at.astimezone(LONDON).date() if found else None
