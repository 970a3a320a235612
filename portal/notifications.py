"""The one way out. Whatever leaves this portal leaves through here, and what a person has not allowed does not leave.

A message is written down in the same transaction as the act that wants it, and delivered later, at least once, by one
worker or many (libraries 7). When a person may not be written to, the refusal is written down and becomes a task for
the staff: tell the person yourself. What a person allows is looked at again at the moment of sending.

No message names health, what kind of service this is, a need, a score or a person (product 5, hazards H4 and H5): a
template may use nothing but what it declares here, and nobody's name can be declared. Two messages alone say what is
known of a person: to a practice, and to a group that they chose, each under the permission that it names. The log holds
identifiers and codes only.
"""

import logging
import re
import smtplib
import ssl
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from enum import StrEnum
from typing import Any, Protocol, TextIO

from sqlalchemy import Select, select, tuple_, update
from sqlalchemy.orm import Session

from portal import access, audit, services, tasks
from portal.access import Actor, Permission, rows_of
from portal.clock import now
from portal.codes import new_id
from portal.i18n import LANGUAGES
from portal.store import ContactWay, Message, Referral, Service, ServiceUser, Staff, Stores
from portal.store import Permission as Allowance
from portal.store.once import write_once

log = logging.getLogger(__name__)


# --- what may be said, and to whom ------------------------------------------------------------------------------------


class Audience(StrEnum):
    """Whom a message is for."""

    PERSON = "person"  # somebody who uses the service: safe contact is the law
    STAFF = "staff"
    ADDRESS = "address"  # an address that belongs to nobody here yet: an invitation
    PROFESSIONAL = "professional"  # a practice or a group that is told about a person, because the person allows it


@dataclass(frozen=True)
class Template:
    """A message that may be sent; its words are in ``templates/messages/<code>.txt``, the subject on the first line.

    ``details`` are the values that it must be given, ``may`` those that it may be given as well; nothing else is taken.
    ``secret``: what it carried is forgotten once it has left.
    ``unconfirmed``: it may go to an address of which nobody has shown yet that it is the person's own.
    ``in_hours``: it leaves only while the service is open, so that somebody can be called and nobody is woken.
    ``permission``: the kind of permission without which it does not leave; only such a message may say something of a
    person, and only to a professional.
    """

    code: str
    audience: Audience
    channels: tuple[str, ...] = ("email",)
    details: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    secret: bool = False
    unconfirmed: bool = False
    in_hours: bool = False
    permission: str = ""

    @property
    def carries_code(self) -> bool:
        """Whether it carries a code that works for minutes: it goes to one address, and nobody is asked to carry it."""
        return "code" in self.details


MESSAGES: Mapping[str, Template] = {
    template.code: template
    for template in (
        Template("confirm-code", Audience.PERSON, details=frozenset({"code"}), secret=True, unconfirmed=True),
        Template("sign-in-code", Audience.PERSON, details=frozenset({"code"}), secret=True),
        Template("referral-received", Audience.PERSON, details=frozenset({"reference"}), may=frozenset({"by"})),
        Template("referral-accepted", Audience.PERSON, may=frozenset({"reference"})),
        Template("referral-decided", Audience.PERSON, may=frozenset({"reference"})),
        Template("case-given", Audience.PERSON),
        Template("case-closed", Audience.PERSON),
        Template("case-reopened", Audience.PERSON),
        Template("case-moved", Audience.PERSON),
        Template("check-in-due", Audience.PERSON, details=frozenset({"token"}), secret=True, in_hours=True),
        Template("check-in-reminder", Audience.PERSON, details=frozenset({"token"}), secret=True, in_hours=True),
        Template("alert-waiting", Audience.STAFF),
        Template("promise-broken", Audience.STAFF),
        Template("comment-answered", Audience.PERSON),
        Template("comment-waiting", Audience.STAFF),
        Template("invitation", Audience.ADDRESS, details=frozenset({"link", "by"}), secret=True),
        Template(
            "message-back", Audience.PROFESSIONAL, details=frozenset({"words"}), secret=True, permission="share_gp"
        ),
        Template(
            "onward-referral",
            Audience.PROFESSIONAL,
            details=frozenset({"words"}),
            secret=True,
            permission="share_onward",
        ),
    )
}
"""``code``: six digits. ``reference``: as it is shown, in groups. ``by``: a date, ISO 8601. ``link``: an address of
ours. ``token``: the secret of a link that opens one check-in. ``words``: what a professional is told of a person, as
the permission and the page that was sent say. The renderer adds ``phone`` (the service's), ``sign_in``
(the address of the staff's sign-in page) and ``check_in`` (the address that such a secret is put behind)."""

NEUTRAL = ("phone", "sign_in", "check_in")
"""What every template may use beside its own details."""

SENDABLE = ("email",)
"""Channels that have a transport. Text messages have none yet: they are refused, and become a task."""


class Refusal(StrEnum):
    """Why nothing was sent. The stored codes are for ever."""

    NO_WAY = "no-way"  # we know no way to reach the person
    NOT_ALLOWED = "not-allowed"  # the person did not allow it
    NOT_CONFIRMED = "not-confirmed"  # nobody has shown that the address is theirs
    NO_TRANSPORT = "no-transport"  # allowed ways there are, but none that the portal can send on
    COME_BACK_ONLY = "come-back-only"  # the person comes to us
    CHANGED_MIND = "changed-mind"  # it was allowed when it was written, and no longer when it was to leave
    NOT_STAFF = "not-staff"  # this member of staff has left
    NOT_NEEDED = "not-needed"  # what it was about is over: nobody has to say it instead


NOT_ARRIVED = ("refused", "failed")
"""The states of a message that did not reach anybody and never will."""


class NotDeclared(ValueError):
    """A message, or something in it, that MESSAGES does not declare."""


def _template(code: str, audience: Audience, details: Mapping[str, Any]) -> Template:
    template = MESSAGES.get(code)
    if template is None or template.audience is not audience:
        raise NotDeclared(f"There is no message {code!r} for {audience.value}.")
    if not template.details <= set(details) <= template.details | template.may:
        raise NotDeclared(
            f"The message {code!r} takes {sorted(template.details | template.may)}, not {sorted(details)}."
        )
    return template


# --- writing it down --------------------------------------------------------------------------------------------------


def tell_person(
    store: Session,
    service: Service,
    person_id: uuid.UUID,
    template: str,
    *,
    once: str,
    details: Mapping[str, Any] | None = None,
    referral_id: uuid.UUID | None = None,
) -> Message:
    """Write down a message to somebody who uses the service, or its refusal together with a task for the staff.

    Only a way that the person allows and has confirmed is used, and only one that the portal can send on. Told again
    with the same ``once``, it is the same message. Raises NotDeclared; codes leave through ``send_code`` only.
    """
    declared = _template(template, Audience.PERSON, details or {})
    if declared.carries_code:
        raise NotDeclared(f"Send {template!r} with send_code.")
    way, refusal = _safe_way(_ways(store, service.id, person_id), declared)
    message = Message(
        template=declared.code,
        channel=way.channel if way else "none",
        address=way.address if way else None,
        language=_language_of(store, service, person_id),
        details=dict(details or {}),
        person_id=person_id,
        referral_id=referral_id,
    )
    return _write(store, service, message, once, refusal)


def send_code(store: Session, service: Service, way: ContactWay, code: str, template: str = "confirm-code") -> Message:
    """Write down a code: ``confirm-code`` shows whether an address is the person's own, and is all that an unconfirmed
    one may receive; ``sign-in-code`` lets a person in.

    Refused, without a task, when the person does not allow the way or we cannot send on it; look at ``state``.
    """
    declared = _template(template, Audience.PERSON, {"code": code})
    usable, refusal = _safe_way([way], declared)
    message = Message(
        template=declared.code,
        channel=way.channel,
        address=usable.address if usable else None,
        language=_language_of(store, service, way.person_id),
        details={"code": code},
        person_id=way.person_id,
    )
    return _write(store, service, message, f"code:{new_id()}", refusal)


def send_code_to_nobody(store: Session, service: Service, code: str) -> None:
    """The work of sending a sign-in code, for an address that we do not know: it leaves nothing, not even a row."""
    declared = _template("sign-in-code", Audience.PERSON, {"code": code})
    store.get(ServiceUser, (service.id, new_id()))
    with store.begin_nested() as taken_back:
        message = Message(
            template=declared.code, channel="email", address="nobody@invalid", language="en", details={"code": code}
        )
        _write(store, service, message, f"code:{new_id()}", None)
        store.flush()
        taken_back.rollback()


def takes_code(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> bool:
    """Whether a sign-in code could be sent to this person: on a way that they allow and have confirmed."""
    return may_go(store, service_id, person_id, "sign-in-code")


def may_go(store: Session, service_id: uuid.UUID, person_id: uuid.UUID, template: str) -> bool:
    """Whether this message could be sent to this person as things stand now: on a way that they allow and have
    confirmed."""
    way, _ = _safe_way(_ways(store, service_id, person_id), MESSAGES[template])
    return way is not None


def tell_staff(
    store: Session,
    service: Service,
    staff_id: uuid.UUID,
    template: str,
    *,
    once: str,
    details: Mapping[str, Any] | None = None,
) -> Message:
    """Write down a message to a member of staff; refused when they have left. Raises NotDeclared."""
    declared = _template(template, Audience.STAFF, details or {})
    staff = store.get(Staff, (service.id, staff_id))
    there = staff if staff is not None and staff.state == "active" else None
    message = Message(
        template=declared.code,
        channel="email",
        address=there.email if there else None,
        language="en",
        details=dict(details or {}),
        staff_id=staff_id,
    )
    return _write(store, service, message, once, None if there else Refusal.NOT_STAFF)


def tell_address(
    store: Session,
    service: Service,
    address: str,
    template: str,
    *,
    once: str,
    details: Mapping[str, Any] | None = None,
) -> Message:
    """Write down a message to an address that belongs to nobody here yet: an invitation. Raises NotDeclared."""
    declared = _template(template, Audience.ADDRESS, details or {})
    message = Message(
        template=declared.code, channel="email", address=address, language="en", details=dict(details or {})
    )
    return _write(store, service, message, once, None)


def tell_professional(
    store: Session,
    service: Service,
    address: str,
    template: str,
    *,
    once: str,
    words: str,
    referral_id: uuid.UUID,
) -> Message:
    """Write down what a practice or a group is told of the person of this referral. Whoever calls has looked at the
    permission; it is looked at again when the message leaves. Raises NotDeclared."""
    declared = _template(template, Audience.PROFESSIONAL, {"words": words})
    message = Message(
        template=declared.code,
        channel="email",
        address=address,
        language="en",
        details={"words": words},
        referral_id=referral_id,
    )
    return _write(store, service, message, once, None)


def take_back(store: Session, service_id: uuid.UUID, once: Sequence[str]) -> int:
    """What these messages are about is over: those that have not left yet never leave, and are no task. How many."""
    waiting = rows_of(service_id, Message).where(Message.once.in_(once), Message.state == "waiting")
    found = store.scalars(waiting.with_for_update().execution_options(populate_existing=True)).all()
    for message in found:
        message.state, message.refusal, message.address = "refused", Refusal.NOT_NEEDED.value, None
        _forget(message)
        _record(store, message)
    store.flush()
    return len(found)


def fall_silent(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> int:
    """The person has died: what was written to them and has not left never leaves, and nobody has to say it. How
    many."""
    theirs = rows_of(service_id, Message).where(Message.person_id == person_id)
    keys = store.scalars(theirs.where(Message.state == "waiting").with_only_columns(Message.once)).all()
    taken = take_back(store, service_id, keys)
    refused = theirs.where(Message.state.in_(("refused", "failed"))).with_only_columns(Message.id)
    tasks.no_longer_needed(store, service_id, message_ids=store.scalars(refused).all())
    return taken


def told(store: Session, actor: Actor, person_id: uuid.UUID) -> Sequence[Message]:
    """Every message to a person and every refusal, the newest first. Raises Refused."""
    access.require(actor, Permission.READ_REFERRAL)
    theirs = rows_of(actor.service_id, Message).where(Message.person_id == person_id)
    return store.scalars(theirs.order_by(Message.id.desc())).all()


def _write(store: Session, service: Service, message: Message, once: str, refusal: Refusal | None) -> Message:
    message.service_id, message.id, message.once, message.run_at = service.id, new_id(), once, now()
    message.state, message.refusal = ("refused", refusal.value) if refusal else ("waiting", None)
    if refusal:
        _forget(message)
    found, new = write_once(store, message, rows_of(service.id, Message).where(Message.once == once))
    if new:
        _record(store, found)
        if found.state == "refused":
            _ask_staff(store, found, tasks.Kind.TELL_THE_PERSON)
    return found


def _record(store: Session, message: Message) -> None:
    audit.record(
        store,
        message.service_id,
        None,
        "wrote message" if message.state == "waiting" else f"{message.state} message",
        "message",
        message.id,
        actor_kind="system",
        template=message.template,
        refusal=message.refusal,
    )


def _ask_staff(store: Session, message: Message, kind: tasks.Kind) -> None:
    """The portal could not say it, so a person must. Nobody can be asked to carry a code that has run out."""
    if MESSAGES[message.template].carries_code:
        return
    tasks.add(
        store,
        message.service_id,
        kind,
        once=f"{kind.value}:{message.id}",
        due_at=now(),
        person_id=message.person_id,
        referral_id=message.referral_id,
        message_id=message.id,
        details={"template": message.template, "reason": message.refusal or message.last_error},
    )


def _forget(message: Message) -> None:
    if MESSAGES[message.template].secret:
        message.details = {}


def language_for(service: Service, person: ServiceUser) -> str:
    """The language the person likes to read, if it is offered here; else the one they used the pages in."""
    if services.settings_of(service).offers(person.written_language):
        return person.written_language
    return person.page_language if person.page_language in LANGUAGES else "en"


def _language_of(store: Session, service: Service, person_id: uuid.UUID) -> str:
    person = store.get(ServiceUser, (service.id, person_id))
    return language_for(service, person) if person is not None else "en"


# --- safe contact -----------------------------------------------------------------------------------------------------


def _ways(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[ContactWay]:
    theirs = rows_of(service_id, ContactWay).where(ContactWay.person_id == person_id)
    return store.scalars(theirs.order_by(ContactWay.created_at, ContactWay.id)).all()


def _allows(way: ContactWay, template: Template) -> bool:
    """The rule itself: may this message go this way? Nothing is sent for which this does not say yes."""
    return (
        way.allowed
        and way.channel in template.channels
        and way.channel in SENDABLE
        and bool(way.address)
        and (template.unconfirmed or way.confirmed_at is not None)
    )


def _safe_way(ways: Sequence[ContactWay], template: Template) -> tuple[ContactWay | None, Refusal | None]:
    for way in ways:
        if _allows(way, template):
            return way, None
    allowed = [way for way in ways if way.allowed]
    if any(way.channel in SENDABLE for way in allowed):
        return None, Refusal.NOT_CONFIRMED
    if any(way.channel != "come-back" for way in allowed):
        return None, Refusal.NO_TRANSPORT
    if allowed:
        return None, Refusal.COME_BACK_ONLY
    return None, Refusal.NOT_ALLOWED if ways else Refusal.NO_WAY


def _still_safe(store: Session, message: Message) -> Refusal | None:
    """Look again at the moment of sending: minds change, and staff leave, while a message waits."""
    template = MESSAGES[message.template]
    if template.permission:
        return None if _permitted(store, message, template.permission) else Refusal.CHANGED_MIND
    if message.person_id is not None:
        for way in _ways(store, message.service_id, message.person_id):
            if way.channel == message.channel and way.address == message.address and _allows(way, template):
                return None
        return Refusal.CHANGED_MIND
    if message.staff_id is not None:
        staff = store.get_one(Staff, (message.service_id, message.staff_id))
        return None if staff.state == "active" else Refusal.NOT_STAFF
    return None


def _permitted(store: Session, message: Message, kind: str) -> bool:
    """Whether the person of the message's referral allows this now: the latest row of the kind counts, none is no."""
    whose = select(Referral.person_id).where(
        Referral.service_id == message.service_id, Referral.id == message.referral_id
    )
    rows = rows_of(message.service_id, Allowance).where(
        Allowance.person_id == whose.scalar_subquery(), Allowance.kind == kind
    )
    latest = store.scalars(rows.order_by(Allowance.id.desc()).limit(1)).first()
    return latest is not None and latest.decision == "given"


# --- the ways out -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """A message in words: one line of subject, and the body."""

    subject: str
    body: str


Render = Callable[[str, str, Mapping[str, object]], Words]
"""(template, language, values) -> Words. The values are the details, ``phone`` and ``service`` (its short name)."""


@dataclass(frozen=True)
class Outgoing:
    """A message about to leave. Nothing of it is shown when it is printed by mistake, except its id."""

    message_id: uuid.UUID
    to: str = field(repr=False)
    words: Words = field(repr=False)
    language: str = "en"


class Undeliverable(Exception):
    """It will never arrive: trying again is of no use. The message is a code without anything personal."""


class NotNow(Exception):
    """It did not leave this time. The message is a code without anything personal."""


class Transport(Protocol):
    """A way out. Called with the same message again after a crash: whoever receives it tells by ``message_id``."""

    def send(self, outgoing: Outgoing) -> None:
        """Hand the message over. Raises Undeliverable or NotNow."""
        ...


@dataclass(frozen=True)
class ConsoleTransport:
    """Prints messages, for a demonstration on one machine: there is no real address there."""

    stream: TextIO = field(default_factory=lambda: sys.stdout)

    def send(self, outgoing: Outgoing) -> None:
        """Print the message."""
        words = outgoing.words
        self.stream.write(f"--- to {outgoing.to}: {words.subject}\n{words.body.rstrip()}\n---\n")
        self.stream.flush()


_ADDRESS = re.compile(r"[^@\s<>,;:\"\\()\x00-\x20\x7f]+@[^@\s<>,;:\"\\()\x00-\x20\x7f]+")
SEND_SECONDS = 20  # for each step of talking to a mail server


@dataclass(frozen=True)
class SMTPTransport:
    """Hands messages to a mail server. ``security``: tls (from the start), starttls (refused when not offered), none.

    ``sender`` is the address that messages come from; it carries no name, since a name would say who we are.
    """

    host: str
    port: int
    security: str
    sender: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    context: ssl.SSLContext | None = field(default=None, repr=False)

    def send(self, outgoing: Outgoing) -> None:
        """Hand the message over. Raises Undeliverable when the server says 5xx to it, else NotNow."""
        mail = self.mail(outgoing)
        try:
            with self._connected() as server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as refused:
            raise _sorted(min(code for code, _ in refused.recipients.values())) from None
        except (smtplib.SMTPSenderRefused, smtplib.SMTPAuthenticationError) as refused:
            # That is about us, not about this message: somebody will put the settings right.
            raise NotNow(f"smtp-{refused.smtp_code}") from None
        except smtplib.SMTPResponseException as refused:
            raise _sorted(refused.smtp_code) from None
        except smtplib.SMTPException as problem:
            raise NotNow(type(problem).__name__) from None
        except OSError as problem:
            raise NotNow(type(problem).__name__) from None

    def _connected(self) -> smtplib.SMTP:
        context = self.context or ssl.create_default_context()
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=SEND_SECONDS, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=SEND_SECONDS)
        try:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def mail(self, outgoing: Outgoing) -> EmailMessage:
        """The message as it travels. Raises Undeliverable for an address that could write headers of its own."""
        if not _ADDRESS.fullmatch(outgoing.to):
            raise Undeliverable("address")
        mail = EmailMessage(policy=SMTP)
        try:
            mail["From"] = Address(addr_spec=self.sender)
            mail["To"] = Address(addr_spec=outgoing.to)
        except (ValueError, IndexError):  # the standard library's reader falls over some addresses
            raise Undeliverable("address") from None
        mail["Subject"] = re.sub(r"[\s\x00-\x1f\x7f]+", " ", outgoing.words.subject).strip()
        mail["Date"] = format_datetime(now())
        # The same message sent twice has the same id, so that a mail program can show it once.
        mail["Message-ID"] = f"<{outgoing.message_id}@{self.sender.rpartition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies, please
        mail.set_content(outgoing.words.body)
        mail["Content-Language"] = outgoing.language
        return mail


def _sorted(code: int) -> Exception:
    return Undeliverable(f"smtp-{code}") if 500 <= code < 600 else NotNow(f"smtp-{code}")


# --- delivery ---------------------------------------------------------------------------------------------------------

BACK_OFF: tuple[timedelta, ...] = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=3),
    timedelta(hours=8),
    timedelta(hours=24),
)
"""How long to wait after the first, second … try. After the last of them one more try, then it has failed."""

MOST_TRIES = len(BACK_OFF) + 1
SENDING_TAKES = timedelta(seconds=6 * SEND_SECONDS)  # at most: connect, greet, sign in, sender, receiver, words
LEASE = SENDING_TAKES + timedelta(seconds=30)
"""How long a claimed message is ours; after a crash it waits as long before another worker takes it."""

BATCH = 10


@dataclass(frozen=True)
class Delivered:
    """How many messages were sent, will be tried again, were refused at the last moment, have failed."""

    sent: int = 0
    later: int = 0
    refused: int = 0
    failed: int = 0

    def __add__(self, other: "Delivered") -> "Delivered":
        return Delivered(
            self.sent + other.sent,
            self.later + other.later,
            self.refused + other.refused,
            self.failed + other.failed,
        )


@dataclass(frozen=True)
class _Claimed:
    """A message that is ours to send until ``leased_until``, which is also how we prove it."""

    service_id: uuid.UUID
    id: uuid.UUID
    leased_until: datetime


def claim(store: Session, most: int = BATCH) -> list[_Claimed]:
    """Take messages that are due and that nobody else has, the longest waiting first.

    Call it in a writing transaction of its own, and commit before sending. On SQLite the writers wait for each other;
    on PostgreSQL each skips what another has locked, and the materialised list keeps lock and limit together.
    """
    moment = now()
    due: Select[uuid.UUID, uuid.UUID] = (
        select(Message.service_id, Message.id)
        .where(
            Message.state == "waiting",
            Message.run_at <= moment,
            (Message.leased_until.is_(None)) | (Message.leased_until < moment),
        )
        .order_by(Message.run_at, Message.id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    if store.get_bind().dialect.name == "postgresql":
        taken = due.cte("taken").prefix_with("MATERIALIZED")
        due = select(taken.c.service_id, taken.c.id)
    until = moment + LEASE
    rows = store.execute(
        update(Message)
        .where(tuple_(Message.service_id, Message.id).in_(due))
        .values(leased_until=until, attempts=Message.attempts + 1)
        .returning(Message.service_id, Message.id),
        execution_options={"synchronize_session": False},
    )
    return sorted((_Claimed(service_id, message_id, until) for service_id, message_id in rows), key=lambda one: one.id)


def deliver(stores: Stores, transport: Transport, render: Render, *, most: int | None = None) -> Delivered:
    """Send everything that is due, or at most so many; one bad message never stops another. Any number of workers.

    A worker that dies between sending and writing it down leads to a second sending, never to none.
    """
    done, left = Delivered(), most
    while left is None or left > 0:
        with stores.writing.begin() as store:
            claimed = claim(store, BATCH if left is None else min(BATCH, left))
        if not claimed:
            break
        for one in claimed:
            done += _deliver(stores, transport, render, one)
        left = None if left is None else left - len(claimed)
    return done


def _deliver(stores: Stores, transport: Transport, render: Render, claimed: _Claimed) -> Delivered:
    """Look again, send, write down. Only the last is a write, unless there is little left of the lease."""
    if claimed.leased_until - now() < SENDING_TAKES:
        with stores.writing.begin() as store:
            late = _ours(store, claimed)
            if late is None:
                return Delivered()
            claimed = _Claimed(late.service_id, late.id, now() + LEASE)
            late.leased_until = claimed.leased_until
    with stores.reading.begin() as store:
        mine = _ours(store, claimed, lock=False)
        if mine is None:
            return Delivered()
        refusal, crashed = _still_safe(store, mine), mine.attempts > MOST_TRIES
        service = store.get_one(Service, mine.service_id)
        settings = services.settings_of(service)
        opens = services.next_opening(settings, now()) if MESSAGES[mine.template].in_hours else now()
        values = {**mine.details, "phone": settings.phone, "service": service.slug}
        address, template, language = mine.address or "", mine.template, mine.language
    if refusal:
        return _settle(stores, claimed, lambda store, mine: _refuse(store, mine, refusal))
    if crashed:  # it took its workers down with it, each time
        return _settle(stores, claimed, lambda store, mine: _fail(store, mine, "crash"))
    if opens > now():
        return _settle(stores, claimed, lambda store, mine: _wait(mine, opens))
    problem, forever = "", False
    try:
        transport.send(Outgoing(claimed.id, address, render(template, language, values), language))
    except Undeliverable as refused:
        problem, forever = str(refused), True
    except NotNow as refused:
        problem = str(refused)
    except Exception as fault:  # our own mistake, in a template or a transport: it must not stop the others
        problem = type(fault).__name__
    return _settle(stores, claimed, lambda store, mine: _tried(store, mine, problem, forever))


def _ours(store: Session, claimed: _Claimed, *, lock: bool = True) -> Message | None:
    """The message, if it is still leased to us."""
    still = rows_of(claimed.service_id, Message).where(
        Message.id == claimed.id, Message.state == "waiting", Message.leased_until == claimed.leased_until
    )
    return store.scalar(still.with_for_update() if lock else still)


def _settle(stores: Stores, claimed: _Claimed, write: Callable[[Session, Message], Delivered]) -> Delivered:
    """Write down how it went; when we were so slow that another worker took over, what they write counts."""
    with stores.writing.begin() as store:
        mine = _ours(store, claimed)
        if mine is None:
            return Delivered()
        mine.leased_until = None
        return write(store, mine)


def _tried(store: Session, message: Message, problem: str, forever: bool) -> Delivered:
    if not problem:
        message.state, message.sent_at, message.last_error = "sent", now(), None
        _forget(message)
        return Delivered(sent=1)
    log.warning("message %s did not leave: %s", message.id, problem)
    if forever or message.attempts >= MOST_TRIES:
        return _fail(store, message, problem)
    message.last_error = problem[:200]
    message.run_at = now() + BACK_OFF[message.attempts - 1]
    return Delivered(later=1)


def _wait(message: Message, until: datetime) -> Delivered:
    """Not at this hour. Nothing was tried, so it does not count as a try."""
    message.run_at, message.attempts = until, message.attempts - 1
    return Delivered(later=1)


def _fail(store: Session, message: Message, problem: str) -> Delivered:
    message.state, message.last_error = "failed", problem[:200]
    _forget(message)
    _record(store, message)
    _ask_staff(store, message, tasks.Kind.MESSAGE_FAILED)
    return Delivered(failed=1)


def _refuse(store: Session, message: Message, refusal: Refusal) -> Delivered:
    message.state, message.refusal, message.address = "refused", refusal.value, None
    _forget(message)
    _record(store, message)
    about_them = bool(MESSAGES[message.template].permission)
    _ask_staff(store, message, tasks.Kind.MESSAGE_FAILED if about_them else tasks.Kind.TELL_THE_PERSON)
    return Delivered(refused=1)
