"""Messages back: which are wanted, which wait and why, what exactly would go, sending, and what was sent.

Nothing leaves without the person's permission, looked at when the page is made, again while it is held when somebody
presses, and once more when the message leaves. A message that waits holds nothing: it is made of the record at the
moment it is looked at. What was sent is kept as it was.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal import access, audit, codes, letters, notifications, people
from portal.access import Actor, Permission, rows_of
from portal.caseload.cases import Gone as Gone
from portal.caseload.gathering import PERMISSION_FOR as PERMISSION_FOR
from portal.caseload.gathering import closure_of, gather, says_what_is_asked
from portal.caseload.lists import Listed, codes_in
from portal.clock import now
from portal.i18n import N_
from portal.letters import Document
from portal.services import practices
from portal.store import Letter as Letter  # the doors name it in their types
from portal.store import Message, Practice, Referral, Service, ServiceUser
from portal.store import Permission as Allowance

RECIPIENTS: tuple[Listed, ...] = (
    Listed("gp", N_("The GP practice")),
    Listed("referrer", N_("Whoever referred them")),
)
OCCASIONS: tuple[Listed, ...] = (
    Listed("plan", N_("The plan"), N_("After the first contact, when there is a plan.")),
    Listed("closing", N_("The end"), N_("When the support has ended.")),
    Listed("update", N_("News"), N_("In between, because you want to tell them something.")),
)
BY_HAND: tuple[Listed, ...] = (
    Listed("paste", N_("Copied into another record")),
    Listed("print", N_("Printed and given or posted")),
    Listed("fhir", N_("As a file for another system (FHIR)")),
    Listed("other", N_("Another way")),
)
"""How somebody sent it themselves."""
EMAIL = "email"
WAITING, SENT, SENT_BY_HAND, NOT_NEEDED = "waiting", "sent", "by-hand", "not-needed"
GONE_OUT = (SENT, SENT_BY_HAND)

WHY: tuple[Listed, ...] = (
    Listed("not-arrived", N_("It did not arrive"), N_("It was sent by email and came back, or could not be sent.")),
    Listed("not-allowed", N_("They do not allow it now"), N_("They took their permission back, or never gave it.")),
    Listed("risk-not-said", N_("A risk, or that none is known, is missing"), N_("No message goes without it.")),
    Listed("no-address", N_("No confirmed email address"), N_("Copy or print it, and say that you have sent it.")),
    Listed("ready", N_("Ready to send"), N_("Somebody has to read it and press Send.")),
)
"""Why a message waits, the first that is true."""

TELLS_NOBODY = ("died", "duplicate")
"""The ends about which no professional is told by us."""

NO_CASE_YET = ("submitted",)
"""Nobody is told anything about a form that nobody has decided on."""

LONGEST_ASKED, LONGEST_REASON, LONGEST_TO = 1000, 500, 150


class NotAllowed(ValueError):
    """The person does not allow (any more) that this recipient is told."""


class NotReady(ValueError):
    """It cannot go yet: a code of WHY."""


class NotPossible(ValueError):
    """Something that cannot be: ``problems`` holds a code by the field (how: not-listed; to, because: missing)."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in problems.items()))
        self.problems = dict(problems)


class OtherWords(ValueError):
    """The record has changed since the page was shown: what would go is not what was read."""


# Wanted --------------------------------------------------------------------------------------------------------------


def wanted(store: Session, service: Service, actor: Actor | None, referral: Referral, occasion: str) -> list[Letter]:
    """The messages that this occasion wants (``plan``, ``closing``, ``update``): one for each recipient whom the person
    allows to be told, and nothing where they do not, or after a death. One that still waits serves the new occasion.

    Called when a plan is there after the first contact, and at every end; called twice it is the same. ``actor``:
    ``None`` for the person themselves, who has ended it.
    """
    if occasion not in codes_in(OCCASIONS):
        raise ValueError(occasion)
    found = [_wanted_by(store, service, actor, referral, occasion, recipient) for recipient in PERMISSION_FOR]
    return [one for one in found if one is not None]


def _wanted_by(
    store: Session, service: Service, actor: Actor | None, referral: Referral, occasion: str, recipient: str
) -> Letter | None:
    closure = closure_of(store, referral)
    if closure and closure.reason in TELLS_NOBODY:
        return None
    if not may_be_told(referral, recipient):
        return None
    if not people.allows(store, service.id, referral.person_id, PERMISSION_FOR[recipient]):
        return None
    # Two acts at once may want the same message: they take turns at the case.
    store.get_one(Referral, (service.id, referral.id), with_for_update=True)
    theirs = [one for one in _of(store, service.id, referral.id) if one.recipient == recipient]
    if waiting := next((one for one in theirs if one.state == WAITING), None):
        waiting.occasion = occasion
        store.flush()
        return waiting
    since = closure.closed_at if closure else None
    if occasion != "update" and any(
        one.occasion == occasion and (since is None or (one.sent_at or one.created_at) >= since) for one in theirs
    ):
        return None
    made = Letter(
        service_id=service.id,
        id=codes.new_id(),
        referral_id=referral.id,
        person_id=referral.person_id,
        recipient=recipient,
        occasion=occasion,
    )
    store.add(made)
    audit.record(
        store, service.id, actor, "prepared a message back", "letter", made.id, recipient=recipient, occasion=occasion
    )
    store.flush()
    return made


def tells_somebody(store: Session, referral: Referral) -> bool:
    """Whether professionals may be told anything about it at all, as it stands now."""
    closure = closure_of(store, referral)
    return referral.status not in NO_CASE_YET and not (closure and closure.reason in TELLS_NOBODY)


def may_be_told(referral: Referral, recipient: str) -> bool:
    """Whether there is such a recipient at all: nobody referred somebody who came by themselves."""
    return recipient == "gp" or referral.referrer_type != "self"


def prepare(store: Session, service: Service, actor: Actor, referral_id: uuid.UUID, recipient: str) -> Letter:
    """A message that somebody wants now: at the end of a case the last one, before it news in between. The one that
    waits already, if there is one. Raises ``Gone``, ``NotAllowed``."""
    access.require(actor, Permission.SEND_LETTERS)
    mine = rows_of(service.id, Referral).where(Referral.id == referral_id)
    referral = store.scalar(mine)
    if referral is None or recipient not in PERMISSION_FOR or not may_be_told(referral, recipient):
        raise Gone
    if referral.status in NO_CASE_YET:
        raise Gone
    occasion = "update" if referral.is_open or _has_sent(store, referral, recipient, "closing") else "closing"
    made = _wanted_by(store, service, actor, referral, occasion, recipient)
    if made is None:
        raise NotAllowed
    return made


def _has_sent(store: Session, referral: Referral, recipient: str, occasion: str) -> bool:
    theirs = _of(store, referral.service_id, referral.id)
    return any((one.recipient, one.occasion) == (recipient, occasion) and one.state != WAITING for one in theirs)


def allow_by_word(store: Session, actor: Actor, letter_id: uuid.UUID) -> Letter:
    """The person said yes, in words: the permission is written down with who wrote it. Raises ``Gone``."""
    access.require(actor, Permission.SEND_LETTERS)
    letter = read(store, actor, letter_id)
    people.record_spoken_permission(store, actor, letter.person_id, PERMISSION_FOR[letter.recipient])
    return letter


# What would go -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A message as it would go now, or as it went. ``why``: why it waits (of WHY), empty once it has gone. ``document``
    is ``None`` where the person does not allow it: then nothing is gathered. ``seen`` says what the page showed.
    ``missing``: mandatory items that nobody knows. ``asks``: the record does not say what is asked of professionals."""

    letter: Letter
    referral: Referral
    why: str
    document: Document | None
    seen: str = ""
    address: str = ""
    practice: Practice | None = None
    missing: tuple[str, ...] = ()
    asks: bool = False


def read(store: Session, actor: Actor, letter_id: uuid.UUID) -> Letter:
    """A message of the actor's service. Raises ``Gone``."""
    access.require(actor, Permission.SEND_LETTERS)
    found = store.scalar(rows_of(actor.service_id, Letter).where(Letter.id == letter_id))
    if found is None:
        raise Gone
    return found


def shown(store: Session, service: Service, actor: Actor, letter_id: uuid.UUID) -> Shown:
    """A message, made of the record as it is now, or as it was sent. The reading is written down. Raises ``Gone``."""
    letter = read(store, actor, letter_id)
    audit.record(store, service.id, actor, "read a message back", "letter", letter.id)
    return _shown(store, service, actor, letter)


def _shown(store: Session, service: Service, actor: Actor, letter: Letter) -> Shown:
    referral = store.get_one(Referral, (service.id, letter.referral_id))
    practice = _practice_of(store, letter)
    address = practices.address_of(practice) if letter.recipient == "gp" else ""
    lost = _not_arrived(store, service.id, [letter])
    if letter.content is not None and letter.id not in lost:
        return Shown(letter, referral, "", Document.of_json(letter.content), address=address, practice=practice)
    if letter.state == NOT_NEEDED:
        return Shown(letter, referral, "", None, address=address, practice=practice)
    if not people.allows(store, service.id, letter.person_id, PERMISSION_FOR[letter.recipient]):
        return Shown(letter, referral, "not-allowed", None, address=address, practice=practice)
    document = letters.build(gather(store, service, actor, referral, letter))
    why = "risk-not-said" if _lacks_risks(document) else "ready" if address else "no-address"
    if letter.id in lost and why != "risk-not-said":
        why = "not-arrived"
    return Shown(
        letter,
        referral,
        why,
        document,
        seen=seen_of(document),
        address=address,
        practice=practice,
        missing=tuple(letters.missing(document)),
        asks=not says_what_is_asked(store, referral),
    )


def seen_of(document: Document) -> str:
    """A mark of what a document says, without the moment at which it was made."""
    said = [one.to_json() for one in document.sections]
    return codes.digest(json.dumps(said, sort_keys=True, ensure_ascii=False))[:32]


def _lacks_risks(document: Document) -> bool:
    return document.section("risks") is None and not document.facts.get("narrow")


def _practice_of(store: Session, letter: Letter) -> Practice | None:
    person = store.get_one(ServiceUser, (letter.service_id, letter.person_id))
    return practices.by_code(store, letter.service_id, person.gp_practice_code)


# Sending -------------------------------------------------------------------------------------------------------------


def send(
    store: Session,
    service: Service,
    actor: Actor,
    letter_id: uuid.UUID,
    *,
    seen: str,
    how: str = EMAIL,
    to: str = "",
    asked: str = "",
) -> Letter:
    """Send it: by email to the practice's confirmed address, or say how it was sent by hand, and to whom. ``asked``:
    what professionals are asked to do, where the record does not say it. Pressed twice it goes once.

    Raises ``Gone``, ``NotAllowed`` (nothing leaves, nothing is kept), ``NotReady``, ``NotPossible``, ``OtherWords``.
    """
    access.require(actor, Permission.SEND_LETTERS)
    letter = _held(store, actor, letter_id)
    if letter.state == NOT_NEEDED or (letter.state in GONE_OUT and not _not_arrived(store, service.id, [letter])):
        return letter
    if how != EMAIL and how not in codes_in(BY_HAND):
        raise NotPossible({"how": "not-listed"})
    kind = PERMISSION_FOR[letter.recipient]
    if not people.allows(store, service.id, letter.person_id, kind, hold=True):
        audit.record(store, service.id, actor, "was not allowed to send a message back", "letter", letter.id)
        raise NotAllowed
    as_shown = _shown(store, service, actor, letter)
    if as_shown.document is None or _lacks_risks(as_shown.document):
        raise NotReady("risk-not-said")
    if seen != as_shown.seen:
        raise OtherWords
    if how == EMAIL and not as_shown.address:
        raise NotReady("no-address")
    document = _with_asked(store, service, actor, as_shown, asked)
    letter.permission_id = people.permissions_of(store, service.id, letter.person_id)[kind].id
    letter.content, letter.how, letter.sent_at, letter.sent_by = document.to_json(), how, now(), actor.staff_id
    letter.state = SENT if how == EMAIL else SENT_BY_HAND
    letter.sent_to = as_shown.address if how == EMAIL else to.strip() or None
    letter.message_id = _tell(store, service, letter, document).id if how == EMAIL else None
    audit.record(
        store, service.id, actor, "sent a message back", "letter", letter.id, recipient=letter.recipient, how=how
    )
    store.flush()
    return letter


def _with_asked(store: Session, service: Service, actor: Actor, as_shown: Shown, asked: str) -> Document:
    assert as_shown.document is not None  # noqa: S101  # nothing else gets here
    if not as_shown.asks or not asked.strip():
        return as_shown.document
    gathered = gather(store, service, actor, as_shown.referral, as_shown.letter, actions_professionals=asked.strip())
    return letters.build(gathered)


def _tell(store: Session, service: Service, letter: Letter, document: Document) -> Message:
    return notifications.tell_professional(
        store,
        service,
        letter.sent_to or "",
        "message-back",
        once=f"message-back:{letter.id}:{letter.version}",
        words=letters.plain(document),
        referral_id=letter.referral_id,
    )


def not_needed(store: Session, actor: Actor, letter_id: uuid.UUID, because: str) -> Letter:
    """Nobody has to send it, and why. One that has gone stays gone. Raises ``Gone``, ``NotPossible``."""
    access.require(actor, Permission.SEND_LETTERS)
    letter = _held(store, actor, letter_id)
    if not because.strip():
        raise NotPossible({"because": "missing"})
    if letter.state == WAITING or _not_arrived(store, actor.service_id, [letter]):
        letter.state, letter.not_sent_because, letter.content = NOT_NEEDED, because.strip(), None
        audit.record(store, actor.service_id, actor, "decided that a message back is not needed", "letter", letter.id)
        store.flush()
    return letter


def _held(store: Session, actor: Actor, letter_id: uuid.UUID) -> Letter:
    mine = rows_of(actor.service_id, Letter).where(Letter.id == letter_id)
    found = store.scalar(mine.with_for_update().execution_options(populate_existing=True))
    if found is None:
        raise Gone
    return found


def fhir_of(document: Document) -> "dict[str, object]":
    """The document for another system. Raises ``ValueError`` for one that our own checks do not pass: it is not handed
    out."""
    bundle = letters.fhir(document)
    if problems := letters.check_fhir(bundle):
        raise ValueError(" ".join(problems))
    return bundle


# Lists ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Waits:
    """A message that waits: whose it is, and why (of WHY)."""

    letter: Letter
    referral: Referral
    person: ServiceUser
    why: str


def waiting(store: Session, actor: Actor, *, mine: bool = False, most: int = 100) -> list[Waits]:
    """The messages that wait, the longest first, and those that were sent by email and did not arrive. ``mine``: of my
    own cases alone. As many queries for a hundred as for one."""
    access.require(actor, Permission.SEND_LETTERS)
    lost = rows_of(actor.service_id, Message).with_only_columns(Message.id)
    lost = lost.where(Message.template == "message-back", Message.state.in_(notifications.NOT_ARRIVED))
    there = rows_of(actor.service_id, Letter).where(
        (Letter.state == WAITING) | ((Letter.state == SENT) & Letter.message_id.in_(lost))
    )
    if mine:
        own = rows_of(actor.service_id, Referral).with_only_columns(Referral.id)
        there = there.where(Letter.referral_id.in_(own.where(Referral.assigned_to == actor.staff_id)))
    found = store.scalars(there.order_by(Letter.id).limit(most)).all()
    return _waits(store, actor.service_id, found)


def _waits(store: Session, service_id: uuid.UUID, found: Sequence[Letter]) -> list[Waits]:
    if not found:
        return []
    referrals = _by_id(store, service_id, Referral, {one.referral_id for one in found})
    persons = _by_id(store, service_id, ServiceUser, {one.person_id for one in found})
    rows = rows_of(service_id, Allowance).where(
        Allowance.person_id.in_(persons), Allowance.kind.in_(PERMISSION_FOR.values())
    )
    allowed = {(row.person_id, row.kind): row.decision for row in store.scalars(rows.order_by(Allowance.id))}
    codes_of = {one.gp_practice_code for one in persons.values() if one.gp_practice_code}
    listed = rows_of(service_id, Practice).where(Practice.code.in_(codes_of))
    confirmed = {one.code for one in store.scalars(listed) if practices.address_of(one)}
    lost = _not_arrived(store, service_id, found)

    def why(one: Letter) -> str:
        if allowed.get((one.person_id, PERMISSION_FOR[one.recipient])) != "given":
            return "not-allowed"
        if one.id in lost:
            return "not-arrived"
        by_email = one.recipient == "gp" and persons[one.person_id].gp_practice_code in confirmed
        return "ready" if by_email else "no-address"

    return [Waits(one, referrals[one.referral_id], persons[one.person_id], why(one)) for one in found]


def _by_id(
    store: Session, service_id: uuid.UUID, table: "type[access.Row]", ids: "set[uuid.UUID]"
) -> "dict[uuid.UUID, access.Row]":
    return {one.id: one for one in store.scalars(rows_of(service_id, table).where(table.id.in_(ids)))}


def _not_arrived(store: Session, service_id: uuid.UUID, found: Sequence[Letter]) -> "set[uuid.UUID]":
    """Those that were given to the outbox and reached nobody."""
    by_message = {one.message_id: one.id for one in found if one.message_id and one.state == SENT}
    if not by_message:
        return set()
    lost = rows_of(service_id, Message).where(Message.id.in_(by_message), Message.state.in_(notifications.NOT_ARRIVED))
    return {by_message[one.id] for one in store.scalars(lost)}


def _of(store: Session, service_id: uuid.UUID, referral_id: uuid.UUID) -> Sequence[Letter]:
    theirs = rows_of(service_id, Letter).where(Letter.referral_id == referral_id)
    return store.scalars(theirs.order_by(Letter.id)).all()


def of_referral(store: Session, actor: Actor, referral: Referral) -> list[Waits]:
    """The messages of a case, the latest first; ``why`` is empty for one that has gone or is not needed."""
    access.require(actor, Permission.READ_REFERRAL)
    found = _of(store, actor.service_id, referral.id)
    lost = _not_arrived(store, actor.service_id, found)
    told = {one.letter.id: one for one in _waits(store, actor.service_id, found)}
    return [
        Waits(one, referral, told[one.id].person, told[one.id].why if one.state == WAITING or one.id in lost else "")
        for one in reversed(found)
    ]


# The person's own side -----------------------------------------------------------------------------------------------

NOT_ON_THE_PAGE = ("risks",)
"""The sections that a person's own page leaves out, and says so: somebody else may be reading over their shoulder."""


@dataclass(frozen=True)
class Told:
    """A message that was sent about a person, for them to read."""

    id: uuid.UUID
    recipient: str
    at: datetime
    document: Document


def for_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[Told]:
    """What we told their GP, or whoever referred them: every message that has gone, the latest first, as it was. One
    that reached nobody told nobody anything."""
    theirs = rows_of(service_id, Letter).where(Letter.person_id == person_id, Letter.state.in_(GONE_OUT))
    found = store.scalars(theirs.order_by(Letter.id.desc())).all()
    lost = _not_arrived(store, service_id, found)
    return [
        Told(one.id, one.recipient, one.sent_at, Document.of_json(one.content))
        for one in found
        if one.content is not None and one.sent_at is not None and one.id not in lost
    ]


def one_for_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, letter_id: uuid.UUID) -> Told:
    """One of them. Raises ``Gone``: somebody else's is not there."""
    for one in for_person(store, service_id, person_id):
        if one.id == letter_id:
            return one
    raise Gone
