"""Every table. The only place that knows what a row looks like.

Codes are kebab-case words and for ever. Names of tables and columns are the field's (house.md, section 9).
"""

import uuid
from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, Uuid, false, true
from sqlalchemy.orm import Mapped, mapped_column

from portal.clock import now
from portal.codes import new_id
from portal.store.database import Base, Encrypted, Record, of_a_service, points_to

# The service ---------------------------------------------------------------------------------------------------------


class Service(Base):
    """An organisation that offers link workers. ``settings`` is read and checked by the room ``services``."""

    __tablename__ = "service"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(150))
    settings: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


class Duty(Record):
    """Who holds a position of the alert ladder (``duty``, ``deputy``, ``manager``), and from when to when."""

    __tablename__ = "duty"

    position: Mapped[str] = mapped_column(String(20))
    staff_id: Mapped[uuid.UUID]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]

    __table_args__ = (
        points_to("staff_id", "staff"),
        Index(None, "service_id", "position", "starts_at"),
    )


# Staff ---------------------------------------------------------------------------------------------------------------


class Staff(Record):
    """Somebody who works for a service. ``state``: active, left. ``trained_in_gas``: trained in goal attainment
    scaling, so that it may be used. ``team``: the name of their team, where a service has several. ``safeguarding``: a
    manager has let them read what is written down about safeguarding."""

    __tablename__ = "staff"

    name: Mapped[str] = mapped_column(String(150))
    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(20), default="active")
    password_hash: Mapped[str] = mapped_column(String(200))
    totp_secret: Mapped[str] = mapped_column(Encrypted("staff.totp_secret"))
    totp_last_step: Mapped[int] = mapped_column(default=0)
    trained_in_gas: Mapped[bool] = mapped_column(default=False, server_default=false())
    team: Mapped[str | None] = mapped_column(String(60))
    safeguarding: Mapped[bool] = mapped_column(default=False, server_default=false())
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (of_a_service(), UniqueConstraint("service_id", "email"))
    __mapper_args__ = {"version_id_col": version}


class RecoveryCode(Record):
    """A one-time way in when the second factor is lost. Only a slow hash is kept."""

    __tablename__ = "recovery_code"

    staff_id: Mapped[uuid.UUID]
    code_hash: Mapped[str] = mapped_column(String(100))
    used_at: Mapped[datetime | None]

    __table_args__ = (points_to("staff_id", "staff"), Index(None, "service_id", "staff_id"))


class Invitation(Record):
    """An invitation to join the staff: opened once, by the token sent to the address."""

    __tablename__ = "invitation"

    email: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(30))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    invited_by: Mapped[uuid.UUID | None]
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (of_a_service(), points_to("invited_by", "staff"))


class SignIn(Record):
    """A staff sign-in on one browser: the server side of the cookie, so that it can be revoked.

    ``second_factor_at`` is empty while only the password has been given: such a sign-in opens nothing.
    ``confirmed_at``: when somebody last proved again that they sit there themselves, before an act that asks for it.
    ``via``: password, passkey, provider.
    """

    __tablename__ = "sign_in"

    staff_id: Mapped[uuid.UUID]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    second_factor_at: Mapped[datetime | None]
    confirmed_at: Mapped[datetime | None]
    via: Mapped[str] = mapped_column(String(20), default="password", server_default="password")
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    __table_args__ = (points_to("staff_id", "staff"), Index(None, "service_id", "staff_id"))


class Tries(Base):
    """How often something was tried in a window of time, shared by all processes: the throttle.

    ``key_hash`` is a keyed hash of whatever is counted, so that the table holds no address and no name.
    """

    __tablename__ = "tries"

    kind: Mapped[str] = mapped_column(String(30), primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    window_starts: Mapped[datetime] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(default=0)


# People --------------------------------------------------------------------------------------------------------------


class ServiceUser(Record):
    """A person who uses the service. ``merged_into`` names the record that took this one over (reversible).
    ``reading``: whether the person's own page may be opened for reading at all (product 7, hazard H5).
    ``gp_practice_code``: the ODS code, found by staff or in the list of practices (V8199x: known to have none).
    ``corrected_at``: when the person last corrected their own details; from then on these are newer than a form."""

    __tablename__ = "service_user"

    first_name: Mapped[str] = mapped_column(String(35))
    family_name: Mapped[str | None] = mapped_column(String(35))
    preferred_name: Mapped[str | None] = mapped_column(String(70))
    pronouns: Mapped[str | None] = mapped_column(String(30))
    name_key: Mapped[str] = mapped_column(String(150))
    born: Mapped[str] = mapped_column(String(10))
    postcode: Mapped[str | None] = mapped_column(String(8))
    no_fixed_address: Mapped[bool] = mapped_column(default=False)
    nhs_number: Mapped[str | None] = mapped_column(String(10))
    gp_registered: Mapped[str] = mapped_column(String(30))
    gp_practice: Mapped[str | None] = mapped_column(String(150))
    gp_practice_code: Mapped[str | None] = mapped_column(String(6))
    spoken_language: Mapped[str] = mapped_column(String(35))
    written_language: Mapped[str] = mapped_column(String(35))
    page_language: Mapped[str] = mapped_column(String(35))
    interpreter: Mapped[str] = mapped_column(String(30))
    access_needs: Mapped[list[str]]
    access_needs_absent: Mapped[str | None] = mapped_column(String(30))
    access_detail: Mapped[str | None] = mapped_column(String(500))
    about_you: Mapped[dict[str, Any]] = mapped_column(default=dict)
    reading: Mapped[bool] = mapped_column(default=True, server_default=true())
    corrected_at: Mapped[datetime | None]
    merged_into: Mapped[uuid.UUID | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        of_a_service(),
        points_to("merged_into", "service_user"),
        Index(None, "service_id", "name_key"),
        Index(None, "service_id", "nhs_number"),
        Index(None, "service_id", "born"),
        Index(None, "service_id", "spoken_language", "id"),
        Index(None, "service_id", "interpreter", "id"),
    )
    __mapper_args__ = {"version_id_col": version}


class ContactWay(Record):
    """One way to reach a person and what they allow on it. A way that is not here is not allowed.

    ``channel``: call, text, email, post, through-person, come-back. ``address`` is empty for come-back.
    ``voicemail``, ``say_who``: yes only when the person said yes. ``confirmed_at``: when it was shown that the address
    is the person's own; until then it receives nothing but a code.
    """

    __tablename__ = "contact_way"

    person_id: Mapped[uuid.UUID]
    channel: Mapped[str] = mapped_column(String(20))
    address: Mapped[str | None] = mapped_column(Encrypted("contact_way.address"))
    address_key: Mapped[str | None] = mapped_column(String(64))
    trusted_name: Mapped[str | None] = mapped_column(Encrypted("contact_way.trusted_name"))
    allowed: Mapped[bool] = mapped_column(default=True)
    voicemail: Mapped[bool] = mapped_column(default=False)
    say_who: Mapped[bool] = mapped_column(default=False)
    others_may_answer: Mapped[str] = mapped_column(String(30), default="left-blank")
    times: Mapped[list[str]]
    confirmed_at: Mapped[datetime | None]

    __table_args__ = (
        points_to("person_id", "service_user"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "address_key"),
    )


class Permission(Record):
    """What a person allows us to share: append-only, the latest row of a kind counts, no row means no.

    ``kind`` and ``decision`` (given, refused, withdrawn, or how there was no answer) are the data dictionary's 4.8;
    ``wording`` is the exact English source shown, beside the language and the version of the journey.
    """

    __tablename__ = "permission"

    person_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(40))
    decision: Mapped[str] = mapped_column(String(20))
    wording: Mapped[str] = mapped_column(String(500))
    wording_version: Mapped[int]
    language: Mapped[str] = mapped_column(String(35))
    given_by: Mapped[str] = mapped_column(String(30))
    recorded_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("recorded_by", "staff"),
        Index(None, "service_id", "person_id", "kind"),
    )


class Merge(Record):
    """Two records found to be one person. ``moved`` holds what is needed to undo it exactly."""

    __tablename__ = "merge"

    kept_id: Mapped[uuid.UUID]
    merged_id: Mapped[uuid.UUID]
    moved: Mapped[dict[str, Any]]
    merged_by: Mapped[uuid.UUID]
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        points_to("kept_id", "service_user"),
        points_to("merged_id", "service_user"),
        points_to("merged_by", "staff"),
        Index(None, "service_id", "kept_id"),
    )


# Drafts and referrals ------------------------------------------------------------------------------------------------


class Draft(Record):
    """A journey in progress, on the server. The browser holds only a random key; here is only its hash.

    ``answers`` are read and checked; ``typed`` is what could not be read yet, by step, so that nothing is lost.
    ``return_hash`` is a slow hash of the return number. ``referral_id`` says which referral a later journey belongs to.
    ``source_channel``: portal, phone, paper, staff, kiosk. ``completed_by`` (who answered): self, supporter-reading,
    interpreter, proxy; ``entered_by``: the member of staff who typed it. ``kiosk_id``: on which screen of ours.
    ``said_on``: the day that stands on the paper, where it came on paper.
    """

    __tablename__ = "draft"

    journey: Mapped[str] = mapped_column(String(40))
    journey_version: Mapped[int]
    key_hash: Mapped[str] = mapped_column(String(64))
    reference: Mapped[str] = mapped_column(String(9))
    return_hash: Mapped[str | None] = mapped_column(String(100))
    language: Mapped[str] = mapped_column(String(35))
    source_channel: Mapped[str] = mapped_column(String(20), default="portal")
    completed_by: Mapped[str | None] = mapped_column(String(20))
    entered_by: Mapped[uuid.UUID | None]
    kiosk_id: Mapped[uuid.UUID | None]
    said_on: Mapped[date | None]
    answers: Mapped[dict[str, Any]] = mapped_column(Encrypted("draft.answers"))
    typed: Mapped[dict[str, Any]] = mapped_column(Encrypted("draft.typed"))
    own_device: Mapped[bool] = mapped_column(default=False)
    keep_days: Mapped[int] = mapped_column(default=1)
    contact_if_unfinished: Mapped[bool] = mapped_column(default=False)
    turned_away: Mapped[list[str]]
    referral_id: Mapped[uuid.UUID | None]
    touched_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        of_a_service(),
        points_to("referral_id", "referral"),
        points_to("entered_by", "staff"),
        points_to("kiosk_id", "kiosk"),
        UniqueConstraint("service_id", "key_hash"),
        UniqueConstraint("service_id", "reference"),
        Index(None, "expires_at"),
    )
    __mapper_args__ = {"version_id_col": version}


class Referral(Record):
    """One episode, never overwritten. ``status`` is the data dictionary's 4.6 (kebab-case), plus passed-on.

    ``sent_key_hash`` is the hash of the browser key that sent it: sending again gives the same referral.
    ``source_channel``, ``completed_by``, ``entered_by``, ``said_on``: as in the draft. ``first_attempt_at``,
    ``first_contact_at``, ``last_contact_at`` and ``attempts`` (since anybody was last reached) are worked out from the
    contacts at every
    change of these, never typed; ``next_due`` and ``next_step`` come from the latest contact.
    """

    OPEN: ClassVar[tuple[str, ...]] = ("accepted", "active", "on-hold")
    """Somebody works with this person: taken (not through triage yet), under way, paused."""

    __tablename__ = "referral"

    person_id: Mapped[uuid.UUID]
    reference: Mapped[str] = mapped_column(String(9))
    return_hash: Mapped[str | None] = mapped_column(String(100))
    sent_key_hash: Mapped[str] = mapped_column(String(64))
    draft_id: Mapped[uuid.UUID]
    journey_version: Mapped[int]
    language: Mapped[str] = mapped_column(String(35))
    language_reviewed: Mapped[bool] = mapped_column(default=False)
    source_channel: Mapped[str] = mapped_column(String(20))
    completed_by: Mapped[str | None] = mapped_column(String(20))
    entered_by: Mapped[uuid.UUID | None]
    said_on: Mapped[date | None]
    answers: Mapped[dict[str, Any]] = mapped_column(Encrypted("referral.answers"))
    referrer_type: Mapped[str] = mapped_column(String(30))
    urgency: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(20), default="submitted")
    referred_at: Mapped[datetime]
    due_at: Mapped[datetime]
    promise_reported_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    assigned_to: Mapped[uuid.UUID | None]
    reason: Mapped[str | None] = mapped_column(String(40))
    reason_text: Mapped[str | None] = mapped_column(Encrypted("referral.reason_text"))
    word_to_person: Mapped[str | None] = mapped_column(Encrypted("referral.word_to_person"))
    passed_to: Mapped[str | None] = mapped_column(String(150))
    first_attempt_at: Mapped[datetime | None]
    first_contact_at: Mapped[datetime | None]
    last_contact_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0, server_default="0")
    next_due: Mapped[date | None]
    next_step: Mapped[str | None] = mapped_column(Encrypted("referral.next_step"))
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("decided_by", "staff"),
        points_to("assigned_to", "staff"),
        points_to("entered_by", "staff"),
        UniqueConstraint("service_id", "reference"),
        UniqueConstraint("service_id", "sent_key_hash"),
        UniqueConstraint("service_id", "draft_id"),
        Index(None, "service_id", "status", "due_at", "id"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "assigned_to", "status", "next_due", "id"),
        Index(None, "service_id", "status", "next_due", "id"),
        Index(None, "service_id", "status", "referred_at", "id"),
        Index(None, "service_id", "assigned_to", "status", "referred_at", "id"),
        Index(None, "service_id", "assigned_to", "decided_by"),
        Index(None, "service_id", "status", "last_contact_at", "id"),
    )
    __mapper_args__ = {"version_id_col": version}

    @property
    def is_open(self) -> bool:
        """Whether somebody works with this person now."""
        return self.status in self.OPEN


class ReferralNeed(Record):
    """A need: chosen from the list in the form (``added_by`` empty), in the order of the list, or found later by staff.

    ``status``: open, improving, resolved, no-longer-relevant (data dictionary 4.9). ``words`` are the worker's.
    """

    __tablename__ = "referral_need"

    referral_id: Mapped[uuid.UUID]
    need: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20), default="open", server_default="open")
    words: Mapped[str | None] = mapped_column(Encrypted("referral_need.words"))
    added_by: Mapped[uuid.UUID | None]
    changed_at: Mapped[datetime | None]

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("added_by", "staff"),
        UniqueConstraint("service_id", "referral_id", "need"),
    )


class ReferralChange(Record):
    """A change of a referral's status: who, when, from what to what, why. ``words`` say more about the reason, and
    ``until`` is the day that was named for it (on hold until …)."""

    __tablename__ = "referral_change"

    referral_id: Mapped[uuid.UUID]
    was: Mapped[str | None] = mapped_column(String(20))
    became: Mapped[str] = mapped_column(String(20))
    changed_by: Mapped[uuid.UUID | None]
    reason: Mapped[str | None] = mapped_column(String(40))
    words: Mapped[str | None] = mapped_column(Encrypted("referral_change.words"))
    until: Mapped[date | None]

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("changed_by", "staff"),
        Index(None, "service_id", "referral_id"),
    )


class TurnedAway(Base):
    """How many people a service's rules left outside, by month and reason: counted without a name."""

    __tablename__ = "turned_away"

    service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(20), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)


# Alerts and tasks ----------------------------------------------------------------------------------------------------


class Alert(Record):
    """A person said that they are not safe. It always has an owner; only opening it by name stops the clock; only
    "what was done" closes it. ``position``: duty, deputy, manager. ``rule`` and ``question`` say what raised it, and
    ``form_id`` where it was said: the draft, or the response to a scale; when staff raised it, the key of that page, so
    that two presses are one alert.
    ``supervision_at``: somebody wants to talk it over with their supervisor; ``supervised_at``: they have."""

    __tablename__ = "alert"

    form_id: Mapped[uuid.UUID | None]
    referral_id: Mapped[uuid.UUID | None]
    person_id: Mapped[uuid.UUID | None]
    reference: Mapped[str] = mapped_column(String(9))
    question: Mapped[str] = mapped_column(String(60))
    answer: Mapped[str] = mapped_column(String(60))
    rule: Mapped[str] = mapped_column(String(40))
    position: Mapped[str] = mapped_column(String(20))
    owner_id: Mapped[uuid.UUID]
    due_at: Mapped[datetime]
    opened_at: Mapped[datetime | None]
    opened_by: Mapped[uuid.UUID | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[uuid.UUID | None]
    what_was_done: Mapped[str | None] = mapped_column(Encrypted("alert.what_was_done"))
    supervision_at: Mapped[datetime | None]
    supervision_by: Mapped[uuid.UUID | None]
    supervised_at: Mapped[datetime | None]
    supervised_by: Mapped[uuid.UUID | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("person_id", "service_user"),
        points_to("owner_id", "staff"),
        points_to("opened_by", "staff"),
        points_to("closed_by", "staff"),
        points_to("supervision_by", "staff"),
        points_to("supervised_by", "staff"),
        UniqueConstraint("service_id", "form_id", "question", "answer"),
        Index(None, "service_id", "closed_at", "due_at"),
        Index(None, "opened_at", "due_at"),
        Index(None, "service_id", "opened_at", "closed_at"),
        Index(None, "service_id", "referral_id"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "owner_id", "closed_at"),
        Index(None, "service_id", "supervised_at", "supervision_at"),
    )
    __mapper_args__ = {"version_id_col": version}


class AlertEvent(Record):
    """What happened to an alert: raised, climbed, reminded, opened, handed-over, answer-changed, raised-again, closed,
    supervision-asked, supervision-held.

    ``answer`` is what the person then said; ``what_was_done`` the words with which it was closed that time, or with
    which staff raised it.
    """

    __tablename__ = "alert_event"

    alert_id: Mapped[uuid.UUID]
    what: Mapped[str] = mapped_column(String(30))
    position: Mapped[str | None] = mapped_column(String(20))
    staff_id: Mapped[uuid.UUID | None]
    answer: Mapped[str | None] = mapped_column(String(60))
    what_was_done: Mapped[str | None] = mapped_column(Encrypted("alert_event.what_was_done"))

    __table_args__ = (
        points_to("alert_id", "alert"),
        points_to("staff_id", "staff"),
        Index(None, "service_id", "alert_id"),
    )


class Task(Record):
    """Something that a person has to do. ``kind`` is ``tasks.Kind``; ``words`` and ``asked_by`` are there when a
    colleague has asked for it.

    ``once`` makes sure that the same thing is not asked twice.
    """

    __tablename__ = "task"

    kind: Mapped[str] = mapped_column(String(40))
    once: Mapped[str] = mapped_column(String(120))
    draft_id: Mapped[uuid.UUID | None]
    person_id: Mapped[uuid.UUID | None]
    referral_id: Mapped[uuid.UUID | None]
    message_id: Mapped[uuid.UUID | None]
    details: Mapped[dict[str, Any]]
    words: Mapped[str | None] = mapped_column(Encrypted("task.words"))
    asked_by: Mapped[uuid.UUID | None]
    assigned_to: Mapped[uuid.UUID | None]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]
    done_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("referral_id", "referral"),
        points_to("message_id", "message"),
        points_to("asked_by", "staff"),
        points_to("assigned_to", "staff"),
        points_to("done_by", "staff"),
        UniqueConstraint("service_id", "once"),
        Index(None, "service_id", "done_at", "due_at"),
        Index(None, "service_id", "assigned_to", "done_at", "due_at", "id"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "referral_id"),
    )


# Messages ------------------------------------------------------------------------------------------------------------


class Message(Record):
    """The outbox: one message in one language to one address, or one refusal. Written in the same transaction as the
    act that wants it; delivered later, at least once.

    ``state``: waiting, sent, refused, failed. ``once`` makes sure that the same thing is not said twice.
    ``refusal`` says why nothing was sent.
    """

    __tablename__ = "message"

    template: Mapped[str] = mapped_column(String(40))
    once: Mapped[str] = mapped_column(String(120))
    channel: Mapped[str] = mapped_column(String(20))
    address: Mapped[str | None] = mapped_column(Encrypted("message.address"))
    language: Mapped[str] = mapped_column(String(35))
    details: Mapped[dict[str, Any]] = mapped_column(Encrypted("message.details"))
    person_id: Mapped[uuid.UUID | None]
    referral_id: Mapped[uuid.UUID | None]
    staff_id: Mapped[uuid.UUID | None]
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    refusal: Mapped[str | None] = mapped_column(String(40))
    run_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(200))

    __table_args__ = (
        of_a_service(),
        points_to("person_id", "service_user"),
        points_to("referral_id", "referral"),
        points_to("staff_id", "staff"),
        UniqueConstraint("service_id", "once"),
        Index(None, "state", "run_at"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "referral_id"),
    )


class Confirmation(Record):
    """A six-digit code sent to show that an address is the person's own. Only a slow hash is kept."""

    __tablename__ = "confirmation"

    contact_way_id: Mapped[uuid.UUID]
    code_hash: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]

    __table_args__ = (points_to("contact_way_id", "contact_way"),)


# Audit ---------------------------------------------------------------------------------------------------------------


class AuditEvent(Record):
    """An act or a reading: who did what to which record, when, why. Append-only.

    ``mac`` is a keyed hash of the row (the key is not in the database); ``seal`` rows bind the set of rows, so that a
    changed, added or removed row shows.
    """

    __tablename__ = "audit_event"

    actor_id: Mapped[uuid.UUID | None]
    actor_kind: Mapped[str] = mapped_column(String(20))
    act: Mapped[str] = mapped_column(String(60))
    about: Mapped[str | None] = mapped_column(String(40))
    about_id: Mapped[uuid.UUID | None]
    reason: Mapped[str | None] = mapped_column(String(500))
    details: Mapped[dict[str, Any]]
    mac: Mapped[str] = mapped_column(String(64))
    seal_id: Mapped[uuid.UUID | None]

    __table_args__ = (
        of_a_service(),
        points_to("seal_id", "audit_seal"),
        Index(None, "service_id", "about_id"),
        Index(None, "service_id", "actor_id"),
        Index(None, "seal_id"),
    )


class AuditSeal(Record):
    """Binds a set of audit rows to all seals before it: ``digest`` is a keyed hash of the seal before and of the macs
    of ``rows`` rows, in the order of their ids."""

    __tablename__ = "audit_seal"

    number: Mapped[int]
    rows: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))

    __table_args__ = (of_a_service(), UniqueConstraint("service_id", "number"))
