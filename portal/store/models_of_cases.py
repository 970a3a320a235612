"""The tables of a case: contacts, plan, needs for access, risks, notes, onward referrals, closing, the message back;
and what staff keep for themselves about their caseload. As in ``models``, codes are kebab-case words and for ever.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.store.database import Encrypted, Record, of_a_service, points_to

# Contacts and notes --------------------------------------------------------------------------------------------------


class Contact(Record):
    """One contact or attempt (data dictionary 3.8). ``direction``: in, out. ``outcome`` is the closed list
    attempt_outcome, ``mechanism`` the NHS consultation mechanism by our own code, ``results`` of contact_outcome,
    ``with_whom`` of person, supporter, professional. ``ais_met``: yes, no, na. ``shared_note`` is for the person to
    read; ``notes`` never are. ``once`` makes sure that one press is one contact. ``safe_followed``: the worker says
    that they kept to the safe-contact rule that stood above.
    """

    __tablename__ = "contact"

    referral_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    once: Mapped[str] = mapped_column(String(64))
    happened_at: Mapped[datetime]
    direction: Mapped[str] = mapped_column(String(10))
    outcome: Mapped[str] = mapped_column(String(30))
    mechanism: Mapped[str] = mapped_column(String(30))
    location: Mapped[str | None] = mapped_column(String(30))
    with_whom: Mapped[list[str]]
    worker_id: Mapped[uuid.UUID]
    recorded_by: Mapped[uuid.UUID]
    minutes: Mapped[int | None]
    interpreter_used: Mapped[bool | None]
    ais_met: Mapped[str | None] = mapped_column(String(10))
    results: Mapped[list[str]]
    notes: Mapped[str | None] = mapped_column(Encrypted("contact.notes"))
    shared_note: Mapped[str | None] = mapped_column(Encrypted("contact.shared_note"))
    next_step: Mapped[str | None] = mapped_column(Encrypted("contact.next_step"))
    next_due: Mapped[date | None]
    safe_followed: Mapped[bool] = mapped_column(default=True)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("person_id", "service_user"),
        points_to("worker_id", "staff"),
        points_to("recorded_by", "staff"),
        UniqueConstraint("service_id", "once"),
        Index(None, "service_id", "referral_id", "happened_at"),
        Index(None, "service_id", "person_id"),
    )
    __mapper_args__ = {"version_id_col": version}


class CaseNote(Record):
    """A note that is no contact. ``shared``: the person reads it on their page. A note is never changed; ``corrects``
    names the note that this one puts right."""

    __tablename__ = "case_note"

    referral_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    words: Mapped[str] = mapped_column(Encrypted("case_note.words"))
    shared: Mapped[bool] = mapped_column(default=False)
    written_by: Mapped[uuid.UUID]
    corrects: Mapped[uuid.UUID | None]

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("person_id", "service_user"),
        points_to("written_by", "staff"),
        points_to("corrects", "case_note"),
        Index(None, "service_id", "referral_id"),
        Index(None, "service_id", "person_id"),
    )


# What must be known about a person -----------------------------------------------------------------------------------


class AccessNeed(Record):
    """One need of the Accessible Information Standard (DAPB1605; data dictionary 3.2), with the day on which it is to
    be looked at again. ``category`` and ``need`` are the lists of 4.5; ``said`` is the code of our form when the person
    chose it there. ``need_of``: self, carer. It is ended, never deleted."""

    __tablename__ = "access_need"

    person_id: Mapped[uuid.UUID]
    category: Mapped[str] = mapped_column(String(30))
    need: Mapped[str] = mapped_column(String(60))
    said: Mapped[str | None] = mapped_column(String(40))
    detail: Mapped[str | None] = mapped_column(Encrypted("access_need.detail"))
    if_not_met: Mapped[str | None] = mapped_column(Encrypted("access_need.if_not_met"))
    need_of: Mapped[str] = mapped_column(String(10), default="self")
    recorded_by: Mapped[uuid.UUID | None]
    review_due: Mapped[date]
    reviewed_at: Mapped[datetime | None]
    reviewed_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[uuid.UUID | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("recorded_by", "staff"),
        points_to("reviewed_by", "staff"),
        points_to("ended_by", "staff"),
        Index(None, "service_id", "person_id", "review_due"),
        Index(None, "service_id", "review_due"),
    )
    __mapper_args__ = {"version_id_col": version}


class Risk(Record):
    """A risk known to staff, or that none is known (``kind`` none-known; PRSB section 17 wants one or the other).
    ``kind`` is the list risk_type. A risk is ended, never deleted; the person is never asked for a rating."""

    __tablename__ = "risk"

    person_id: Mapped[uuid.UUID]
    referral_id: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(30))
    words: Mapped[str | None] = mapped_column(Encrypted("risk.words"))
    started: Mapped[date]
    review_due: Mapped[date | None]
    recorded_by: Mapped[uuid.UUID]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[uuid.UUID | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("referral_id", "referral"),
        points_to("recorded_by", "staff"),
        points_to("ended_by", "staff"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "referral_id", "review_due"),
    )
    __mapper_args__ = {"version_id_col": version}


class Safeguarding(Record):
    """A safeguarding concern. It has a permission of its own, and is in nothing that the person, a GP or a community
    group reads (PRSB section 5)."""

    __tablename__ = "safeguarding"

    person_id: Mapped[uuid.UUID]
    referral_id: Mapped[uuid.UUID]
    concern: Mapped[str] = mapped_column(Encrypted("safeguarding.concern"))
    action_taken: Mapped[str | None] = mapped_column(Encrypted("safeguarding.action_taken"))
    started: Mapped[date]
    recorded_by: Mapped[uuid.UUID]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[uuid.UUID | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("referral_id", "referral"),
        points_to("recorded_by", "staff"),
        points_to("ended_by", "staff"),
        Index(None, "service_id", "person_id"),
    )
    __mapper_args__ = {"version_id_col": version}


# The plan ------------------------------------------------------------------------------------------------------------


class CarePlan(Record):
    """The plan of one case (data dictionary 3.6; PRSB section 19): what is agreed, with whom, and when it is looked at
    again. Needs stand in ``referral_need``, goals in ``goal``, actions in ``plan_action``. ``number`` counts the
    versions that were kept. ``agreed``: yes, no; empty while nobody has said. ``agreed_by``: person, representative.
    """

    __tablename__ = "care_plan"

    referral_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    number: Mapped[int] = mapped_column(default=0)
    strengths: Mapped[str | None] = mapped_column(Encrypted("care_plan.strengths"))
    agreed: Mapped[str | None] = mapped_column(String(10))
    agreed_at: Mapped[datetime | None]
    agreed_by: Mapped[str | None] = mapped_column(String(20))
    agreed_name: Mapped[str | None] = mapped_column(Encrypted("care_plan.agreed_name"))
    why_not_agreed: Mapped[str | None] = mapped_column(Encrypted("care_plan.why_not_agreed"))
    review_due: Mapped[date | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("person_id", "service_user"),
        UniqueConstraint("service_id", "referral_id"),
        Index(None, "service_id", "person_id"),
    )
    __mapper_args__ = {"version_id_col": version}


class CarePlanVersion(Record):
    """The whole plan as it was agreed or changed that time: needs, goals, actions, strengths, who agreed."""

    __tablename__ = "care_plan_version"

    plan_id: Mapped[uuid.UUID]
    number: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(Encrypted("care_plan_version.content"))
    made_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        points_to("plan_id", "care_plan"),
        points_to("made_by", "staff"),
        UniqueConstraint("service_id", "plan_id", "number"),
    )


class PlanAction(Record):
    """Something that somebody will do for a goal. ``who``: person, carer, worker, service. ``sure``: 1 to 10, as the
    person said. ``status``: planned, in-progress, done, declined, stopped."""

    __tablename__ = "plan_action"

    referral_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    goal_id: Mapped[uuid.UUID]
    words: Mapped[str] = mapped_column(Encrypted("plan_action.words"))
    who: Mapped[str] = mapped_column(String(20))
    who_name: Mapped[str | None] = mapped_column(Encrypted("plan_action.who_name"))
    due: Mapped[date | None]
    sure: Mapped[int | None]
    barriers: Mapped[str | None] = mapped_column(Encrypted("plan_action.barriers"))
    status: Mapped[str] = mapped_column(String(20), default="planned")
    review_due: Mapped[date | None]
    changed_at: Mapped[datetime]
    changed_by: Mapped[uuid.UUID | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("person_id", "service_user"),
        points_to("goal_id", "goal"),
        points_to("changed_by", "staff"),
        Index(None, "service_id", "referral_id"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "goal_id"),
    )
    __mapper_args__ = {"version_id_col": version}


# Onward --------------------------------------------------------------------------------------------------------------


class Onward(Record):
    """One of three acts (data dictionary 3.9): ``kind`` signpost, supported-self-referral, referral. Only the last
    moves data: then ``shared`` holds exactly what was sent, by field, and ``permission_id`` the permission that
    counted. ``activity_id`` is empty for a place that is not in the directory; the names are kept as they were that
    day. ``status`` is the list onward_status; ``barriers`` of cost, transport, access, health, other."""

    __tablename__ = "onward"

    referral_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    once: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(30))
    activity_id: Mapped[uuid.UUID | None]
    activity_name: Mapped[str] = mapped_column(String(150))
    provider_name: Mapped[str | None] = mapped_column(String(150))
    need: Mapped[str] = mapped_column(String(40))
    made_on: Mapped[date]
    made_by: Mapped[uuid.UUID]
    shared: Mapped[dict[str, Any]] = mapped_column(Encrypted("onward.shared"))
    permission_id: Mapped[uuid.UUID | None]
    sent_to: Mapped[str | None] = mapped_column(Encrypted("onward.sent_to"))
    message_id: Mapped[uuid.UUID | None]
    status: Mapped[str] = mapped_column(String(30))
    status_on: Mapped[date]
    attended_first_on: Mapped[date | None]
    reason: Mapped[str | None] = mapped_column(Encrypted("onward.reason"))
    barriers: Mapped[list[str]]
    check_due: Mapped[date | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("person_id", "service_user"),
        points_to("activity_id", "activity"),
        points_to("made_by", "staff"),
        points_to("permission_id", "permission"),
        points_to("message_id", "message"),
        UniqueConstraint("service_id", "once"),
        Index(None, "service_id", "referral_id", "check_due"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "activity_id"),
        Index(None, "service_id", "check_due"),
    )
    __mapper_args__ = {"version_id_col": version}


class OnwardChange(Record):
    """What became of an onward referral, step by step; append-only."""

    __tablename__ = "onward_change"

    onward_id: Mapped[uuid.UUID]
    status: Mapped[str] = mapped_column(String(30))
    on: Mapped[date]
    reason: Mapped[str | None] = mapped_column(Encrypted("onward_change.reason"))
    barriers: Mapped[list[str]]
    changed_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        points_to("onward_id", "onward"),
        points_to("changed_by", "staff"),
        Index(None, "service_id", "onward_id"),
    )


# Closing, moving, telling the GP -------------------------------------------------------------------------------------


class Closure(Record):
    """The end of an episode (data dictionary 3.10), and its re-opening when there was one. ``outcomes``: by need, of
    the list need_outcome. ``no_action``: professionals are told in words that nothing is asked of them. What was closed
    when the case was on hold or open again stays; the latest row counts. ``retention_review_due`` is empty once the
    case is open again; ``followed_up_at``: somebody has asked again, as was agreed for ``follow_up_due``. ``closed_by``
    is empty where the person has ended it themselves."""

    __tablename__ = "closure"

    referral_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    reason: Mapped[str] = mapped_column(String(40))
    reason_text: Mapped[str | None] = mapped_column(Encrypted("closure.reason_text"))
    outcomes: Mapped[dict[str, Any]]
    summary: Mapped[str | None] = mapped_column(Encrypted("closure.summary"))
    person_summary: Mapped[str | None] = mapped_column(Encrypted("closure.person_summary"))
    actions_professionals: Mapped[str | None] = mapped_column(Encrypted("closure.actions_professionals"))
    no_action: Mapped[bool] = mapped_column(default=False)
    actions_person: Mapped[str | None] = mapped_column(Encrypted("closure.actions_person"))
    closed_at: Mapped[datetime]
    closed_by: Mapped[uuid.UUID | None]
    follow_up_due: Mapped[date | None]
    followed_up_at: Mapped[datetime | None]
    reopen_until: Mapped[date | None]
    retention_review_due: Mapped[date | None]
    reopened_at: Mapped[datetime | None]
    reopened_by: Mapped[uuid.UUID | None]
    reopened_because: Mapped[str | None] = mapped_column(Encrypted("closure.reopened_because"))
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("person_id", "service_user"),
        points_to("closed_by", "staff"),
        points_to("reopened_by", "staff"),
        Index(None, "service_id", "referral_id", "follow_up_due"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "follow_up_due"),
        Index(None, "service_id", "retention_review_due"),
    )
    __mapper_args__ = {"version_id_col": version}


class CaseMove(Record):
    """A case that was moved to another service of this portal, with the person's permission: what went along, by field,
    and the reference it has there. The other service's rows are not reachable from here."""

    __tablename__ = "case_move"

    referral_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    to_service: Mapped[str] = mapped_column(String(150))
    to_reference: Mapped[str] = mapped_column(String(9))
    shared: Mapped[list[str]]
    permission_id: Mapped[uuid.UUID]
    moved_by: Mapped[uuid.UUID]

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("person_id", "service_user"),
        points_to("permission_id", "permission"),
        points_to("moved_by", "staff"),
        Index(None, "service_id", "referral_id"),
        Index(None, "service_id", "person_id"),
    )


class Letter(Record):
    """A message back to the GP or the referrer by the PRSB standard, as it was when it was sent. ``recipient``: gp,
    referrer. ``state``: waiting, sent, by-hand, not-needed. ``how``: email, paste, print, fhir, other. ``content`` is
    the record in the standard's sections, kept from the moment of sending on; empty while it waits.
    ``not_sent_because``: why somebody decided that it is not needed."""

    __tablename__ = "letter"

    referral_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    recipient: Mapped[str] = mapped_column(String(20))
    occasion: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    how: Mapped[str | None] = mapped_column(String(20))
    sent_to: Mapped[str | None] = mapped_column(Encrypted("letter.sent_to"))
    content: Mapped[dict[str, Any] | None] = mapped_column(Encrypted("letter.content"))
    permission_id: Mapped[uuid.UUID | None]
    message_id: Mapped[uuid.UUID | None]
    sent_at: Mapped[datetime | None]
    sent_by: Mapped[uuid.UUID | None]
    not_sent_because: Mapped[str | None] = mapped_column(Encrypted("letter.not_sent_because"))
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("referral_id", "referral"),
        points_to("person_id", "service_user"),
        points_to("permission_id", "permission"),
        points_to("message_id", "message"),
        points_to("sent_by", "staff"),
        Index(None, "service_id", "referral_id", "state"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "state", "id"),
    )
    __mapper_args__ = {"version_id_col": version}


class Practice(Record):
    """A GP practice of the list that a service has loaded, by its ODS code. ``email`` is where messages back may go,
    once a manager has said that it is the practice's own secure address."""

    __tablename__ = "practice"

    code: Mapped[str] = mapped_column(String(6))
    name: Mapped[str] = mapped_column(String(150))
    name_key: Mapped[str] = mapped_column(String(150))
    postcode: Mapped[str | None] = mapped_column(String(8))
    email: Mapped[str | None] = mapped_column(String(254))
    email_confirmed_by: Mapped[uuid.UUID | None]
    email_confirmed_at: Mapped[datetime | None]
    closed_on: Mapped[date | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        of_a_service(),
        points_to("email_confirmed_by", "staff"),
        UniqueConstraint("service_id", "code"),
        Index(None, "service_id", "name_key"),
    )
    __mapper_args__ = {"version_id_col": version}


# Finding and reading -------------------------------------------------------------------------------------------------


class NamePart(Record):
    """One part of a person's name as it is searched for: folded, in any script. Made from the name, never typed."""

    __tablename__ = "name_part"

    person_id: Mapped[uuid.UUID]
    # Compared by code point in both databases: a prefix is then a range of the index, in every script.
    part: Mapped[str] = mapped_column(String(70).with_variant(String(70, collation="C"), "postgresql"))

    __table_args__ = (
        points_to("person_id", "service_user"),
        Index(None, "service_id", "part", "person_id"),
        Index(None, "service_id", "person_id", "part"),
    )


class ReadingReason(Record):
    """Why somebody read a record that is not of their own caseload: asked before the record is shown, kept for the
    person and the manager to see. ``reason`` is a code of the list, ``words`` what was added."""

    __tablename__ = "reading_reason"

    person_id: Mapped[uuid.UUID]
    staff_id: Mapped[uuid.UUID]
    reason: Mapped[str] = mapped_column(String(30))
    words: Mapped[str | None] = mapped_column(Encrypted("reading_reason.words"))
    ends_at: Mapped[datetime]

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("staff_id", "staff"),
        Index(None, "service_id", "staff_id", "person_id", "ends_at"),
        Index(None, "service_id", "person_id"),
    )


class SavedView(Record):
    """A way of looking at the caseload that somebody keeps for themselves: filters and order, by their codes. It holds
    nothing about anybody."""

    __tablename__ = "saved_view"

    staff_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(String(60))
    asked: Mapped[dict[str, Any]]

    __table_args__ = (points_to("staff_id", "staff"), UniqueConstraint("service_id", "staff_id", "name"))


# Any door ------------------------------------------------------------------------------------------------------------


class Kiosk(Record):
    """A screen in a waiting room that opens the form and nothing else. The browser holds only a random key; here is its
    hash. ``ended_at``: it is a kiosk no more."""

    __tablename__ = "kiosk"

    name: Mapped[str] = mapped_column(String(60))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_by: Mapped[uuid.UUID]
    seen_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (of_a_service(), points_to("made_by", "staff"))


# The service's own words ---------------------------------------------------------------------------------------------


class ServiceText(Record):
    """A text of ours that a service has put into its own words, in one language; each wording is a version, the highest
    ``number`` counts, and an empty ``words`` means ours again."""

    __tablename__ = "service_text"

    place: Mapped[str] = mapped_column(String(40))
    language: Mapped[str] = mapped_column(String(35))
    number: Mapped[int]
    words: Mapped[str] = mapped_column(String(4000))
    changed_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        of_a_service(),
        points_to("changed_by", "staff"),
        UniqueConstraint("service_id", "place", "language", "number"),
    )


# More ways for staff to sign in --------------------------------------------------------------------------------------


class Passkey(Record):
    """A passkey of a member of staff (W3C Web Authentication level 3): the public half alone. ``count`` is the
    authenticator's signature counter, 0 where it has none."""

    __tablename__ = "passkey"

    staff_id: Mapped[uuid.UUID]
    name: Mapped[str] = mapped_column(String(60))
    credential_id: Mapped[str] = mapped_column(String(1400))
    credential_hash: Mapped[str] = mapped_column(String(64), unique=True)
    public_key: Mapped[str] = mapped_column(String(2000))
    count: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]

    __table_args__ = (points_to("staff_id", "staff"), Index(None, "service_id", "staff_id"))


class Ceremony(Record):
    """A sign-in under way that needs an answer from elsewhere: a passkey's challenge, or what was given to an
    organisation's provider (state, nonce, PKCE verifier). Found by the hash of a random key in the browser; used once.
    ``kind``: passkey-new, passkey, provider, provider-again."""

    __tablename__ = "ceremony"

    kind: Mapped[str] = mapped_column(String(30))
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    staff_id: Mapped[uuid.UUID | None]
    held: Mapped[dict[str, Any]] = mapped_column(Encrypted("ceremony.held"))
    expires_at: Mapped[datetime]

    __table_args__ = (of_a_service(), points_to("staff_id", "staff"), Index(None, "expires_at"))


class IdentityProvider(Record):
    """An organisation's OpenID Connect provider, by which its staff may sign in. One a service; ``on``: it is offered.
    ``second_factor``: the organisation has said in writing that it asks for a second factor itself; else ours is asked.
    """

    __tablename__ = "identity_provider"

    name: Mapped[str] = mapped_column(String(80))
    issuer: Mapped[str] = mapped_column(String(300))
    client_id: Mapped[str] = mapped_column(String(300))
    client_secret: Mapped[str] = mapped_column(Encrypted("identity_provider.client_secret"))
    on: Mapped[bool] = mapped_column(default=False)
    second_factor: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (of_a_service(), UniqueConstraint("service_id"))
    __mapper_args__ = {"version_id_col": version}


class OutsideAccount(Record):
    """Which account at an organisation's provider is whose: issuer and subject, never an email address, which changes
    hands."""

    __tablename__ = "outside_account"

    staff_id: Mapped[uuid.UUID]
    issuer: Mapped[str] = mapped_column(String(300))
    subject: Mapped[str] = mapped_column(String(255))
    used_at: Mapped[datetime | None]

    __table_args__ = (points_to("staff_id", "staff"), UniqueConstraint("service_id", "issuer", "subject"))
