"""The tables of what people say about themselves and the service: scales, check-ins, goals, visits to their own page,
experience. Everything else is in ``models``.
"""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from portal.store.database import Base, Encrypted, Record, of_a_service, points_to

# Scales: what a service has decided and written down about them ------------------------------------------------------


class ServiceScale(Record):
    """What a service has decided about one scale of the catalogue. No row: as the scale comes.

    ``protocol``: part -> what was written (the risk protocol of a locked scale). ``licence``: number, holder, since,
    until, declared, of a gated scale.
    """

    __tablename__ = "service_scale"

    scale: Mapped[str] = mapped_column(String(40))
    turned_on: Mapped[bool | None]
    protocol: Mapped[dict[str, Any]] = mapped_column(default=dict)
    licence: Mapped[dict[str, Any]] = mapped_column(default=dict)
    changed_by: Mapped[uuid.UUID | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        of_a_service(),
        points_to("changed_by", "staff"),
        UniqueConstraint("service_id", "scale"),
    )
    __mapper_args__ = {"version_id_col": version}


class ScaleText(Record):
    """The words of a scale that a service has brought: an official translation, or the licensed text of a gated scale.

    ``scale`` is the form that the words belong to; ``serves`` the forms that they may show. ``status``:
    official-two-sources, official-one-source, licensed. ``state``: on, waiting (for a signature), refused, replaced.
    ``pack`` is the whole text pack as it came. A changed text is another row: old answers keep theirs.
    """

    __tablename__ = "scale_text"

    scale: Mapped[str] = mapped_column(String(40))
    scale_version: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(35))
    serves: Mapped[list[str]]
    status: Mapped[str] = mapped_column(String(30))
    state: Mapped[str] = mapped_column(String(20))
    pack: Mapped[dict[str, Any]]
    text_sha256: Mapped[str] = mapped_column(String(64))
    file_sha256: Mapped[str] = mapped_column(String(64))
    source_url: Mapped[str] = mapped_column(String(500))
    reviewer: Mapped[str] = mapped_column(String(150))
    imported_by: Mapped[uuid.UUID | None]
    signed_name: Mapped[str | None] = mapped_column(String(150))
    signed_on: Mapped[date | None]
    document_sha256: Mapped[str | None] = mapped_column(String(64))
    signed_by: Mapped[uuid.UUID | None]
    refused_because: Mapped[str | None] = mapped_column(String(500))
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        of_a_service(),
        points_to("imported_by", "staff"),
        points_to("signed_by", "staff"),
        UniqueConstraint("service_id", "scale", "scale_version", "language", "text_sha256"),
    )
    __mapper_args__ = {"version_id_col": version}


# Check-ins -----------------------------------------------------------------------------------------------------------


class CheckIn(Record):
    """One occasion on which a person is asked how they are: what is asked, when it is due, how often they were asked.

    ``occasion`` is the data dictionary's 4.10 (baseline, review, closure, follow-up), ``number`` tells reviews apart.
    ``status``: ready, in-progress, completed, cancelled, on-hold. The window is ``opens_at`` to ``closes_at``.
    ``why_not``: why nothing came back (declined, moved, died, not-reached, service-closed, withdrawn, closed).
    """

    __tablename__ = "check_in"

    person_id: Mapped[uuid.UUID]
    referral_id: Mapped[uuid.UUID]
    occasion: Mapped[str] = mapped_column(String(20))
    number: Mapped[int] = mapped_column(default=1)
    scales: Mapped[list[str]]
    status: Mapped[str] = mapped_column(String(20), default="ready")
    opens_at: Mapped[datetime]
    due_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    asked_at: Mapped[datetime | None]
    reminders: Mapped[int] = mapped_column(default=0)
    last_asked_at: Mapped[datetime | None]
    handed_to_staff_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    why_not: Mapped[str | None] = mapped_column(String(30))
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("referral_id", "referral"),
        UniqueConstraint("service_id", "referral_id", "occasion", "number"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "status", "due_at"),
        Index(None, "service_id", "referral_id", "completed_at"),
    )
    __mapper_args__ = {"version_id_col": version}


class CheckInLink(Record):
    """A link in a message that opens exactly one check-in, once, for writing, after one press (trust 6.3). Only a hash
    is kept; a newer link of the same check-in cancels it."""

    __tablename__ = "check_in_link"

    check_in_id: Mapped[uuid.UUID]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]

    __table_args__ = (points_to("check_in_id", "check_in"), Index(None, "service_id", "check_in_id"))


class MeasureResponse(Record):
    """One scale answered on one occasion. Score, band and change are worked out when shown, never stored.

    ``wording_hash`` and ``text_status`` (shipped, own-wording, official-two-sources, official-one-source, licensed) say
    which words were shown. ``completed_by``: self, supporter-reading, interpreter, proxy. ``response_mode``: web,
    phone, paper, in-person. ``entered_by``: the member of staff who typed it in. ``said_on``: the day that stands on
    the paper, on which it counts.
    """

    __tablename__ = "measure_response"

    check_in_id: Mapped[uuid.UUID]
    person_id: Mapped[uuid.UUID]
    scale: Mapped[str] = mapped_column(String(40))
    scale_version: Mapped[str] = mapped_column(String(20))
    language: Mapped[str] = mapped_column(String(35))
    text_status: Mapped[str] = mapped_column(String(30))
    wording_hash: Mapped[str] = mapped_column(String(64))
    completed_by: Mapped[str] = mapped_column(String(20))
    response_mode: Mapped[str] = mapped_column(String(20))
    entered_by: Mapped[uuid.UUID | None]
    said_on: Mapped[date | None]
    completed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("check_in_id", "check_in"),
        points_to("person_id", "service_user"),
        points_to("entered_by", "staff"),
        UniqueConstraint("service_id", "check_in_id", "scale"),
        Index(None, "service_id", "person_id", "scale"),
    )
    __mapper_args__ = {"version_id_col": version}


class ItemAnswer(Record):
    """One answer to one item, append-only: the last row of an item counts, the earlier ones stay visible to staff.

    ``answer``: ``{"option": code, "value": number or null}``, or ``{"absent": prefer-not-to-say | dont-know |
    left-blank}``. ``late``: it came after the check-in was finished, so it does not count in a score.
    """

    __tablename__ = "item_answer"

    response_id: Mapped[uuid.UUID]
    item: Mapped[str] = mapped_column(String(40))
    answer: Mapped[dict[str, Any]] = mapped_column(Encrypted("item_answer.answer"))
    late: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (points_to("response_id", "measure_response"), Index(None, "service_id", "response_id", "item"))


# Goals ---------------------------------------------------------------------------------------------------------------


class Goal(Record):
    """What a person would like to be different, in their own words; never deleted. Data dictionary 3.6.

    ``status`` (FHIR Goal.lifecycleStatus): active, on-hold (set aside), completed (achieved). ``importance`` and
    ``sure``: 1 to 10; for one that was not given ``absent`` says how. ``by_when`` is as the person said it.
    """

    __tablename__ = "goal"

    person_id: Mapped[uuid.UUID]
    referral_id: Mapped[uuid.UUID]
    need: Mapped[str] = mapped_column(String(40))
    words: Mapped[str] = mapped_column(Encrypted("goal.words"))
    language: Mapped[str] = mapped_column(String(35))
    importance: Mapped[int | None]
    why: Mapped[str | None] = mapped_column(Encrypted("goal.why"))
    first_step: Mapped[str | None] = mapped_column(Encrypted("goal.first_step"))
    sure: Mapped[int | None]
    by_when: Mapped[str | None] = mapped_column(Encrypted("goal.by_when"))
    absent: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[str] = mapped_column(String(20), default="active")
    recorded_by: Mapped[uuid.UUID | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("referral_id", "referral"),
        points_to("recorded_by", "staff"),
        Index(None, "service_id", "person_id"),
    )
    __mapper_args__ = {"version_id_col": version}


class GoalChange(Record):
    """What became of a goal: set, revised, achieved, set-aside, taken-up-again. ``before`` holds what was revised."""

    __tablename__ = "goal_change"

    goal_id: Mapped[uuid.UUID]
    what: Mapped[str] = mapped_column(String(20))
    before: Mapped[dict[str, Any] | None] = mapped_column(Encrypted("goal_change.before"))
    changed_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        points_to("goal_id", "goal"),
        points_to("changed_by", "staff"),
        Index(None, "service_id", "goal_id"),
    )


class GoalRating(Record):
    """How close a person says they are to a goal, 0 to 10; append-only. ``rating`` is empty where they said nothing,
    and ``absent`` says how. ``check_in_id``: on which occasion, when it was one."""

    __tablename__ = "goal_rating"

    goal_id: Mapped[uuid.UUID]
    rating: Mapped[int | None]
    absent: Mapped[str | None] = mapped_column(String(30))
    check_in_id: Mapped[uuid.UUID | None]
    language: Mapped[str] = mapped_column(String(35))
    completed_by: Mapped[str] = mapped_column(String(20))
    response_mode: Mapped[str] = mapped_column(String(20))
    entered_by: Mapped[uuid.UUID | None]

    __table_args__ = (
        points_to("goal_id", "goal"),
        points_to("check_in_id", "check_in"),
        points_to("entered_by", "staff"),
        Index(None, "service_id", "goal_id"),
    )


class GoalAttainment(Record):
    """Goal attainment scaling of one goal, by a trained worker: what each of the five levels (-2 to +2) would look
    like, the weight (1 to 4) and the level at the start. A new row replaces the one before."""

    __tablename__ = "goal_attainment"

    goal_id: Mapped[uuid.UUID]
    weight: Mapped[int]
    baseline: Mapped[int]
    levels: Mapped[dict[str, Any]] = mapped_column(Encrypted("goal_attainment.levels"))
    made_by: Mapped[uuid.UUID]

    __table_args__ = (
        points_to("goal_id", "goal"),
        points_to("made_by", "staff"),
        Index(None, "service_id", "goal_id"),
    )


class GoalLevel(Record):
    """The level (-2 to +2) that a goal was found to be at, by a trained worker; append-only."""

    __tablename__ = "goal_level"

    goal_id: Mapped[uuid.UUID]
    level: Mapped[int]
    rated_by: Mapped[uuid.UUID]

    __table_args__ = (
        points_to("goal_id", "goal"),
        points_to("rated_by", "staff"),
        Index(None, "service_id", "goal_id"),
    )


# The person's own page -----------------------------------------------------------------------------------------------


class Visit(Record):
    """A person on one browser: the server side of the cookie, so that it can be ended.

    ``tier``: task (one task, for writing; shows nothing earlier) or read (the whole page). ``via``: link, email-code,
    worker-code, card. ``task``: check-in, goal, details; empty for the whole page.
    """

    __tablename__ = "visit"

    person_id: Mapped[uuid.UUID]
    referral_id: Mapped[uuid.UUID]
    tier: Mapped[str] = mapped_column(String(10))
    via: Mapped[str] = mapped_column(String(20))
    task: Mapped[str | None] = mapped_column(String(20))
    check_in_id: Mapped[uuid.UUID | None]
    key_hash: Mapped[str] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(35))
    own_device: Mapped[bool] = mapped_column(default=False)
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("referral_id", "referral"),
        points_to("check_in_id", "check_in"),
        UniqueConstraint("service_id", "key_hash"),
        Index(None, "service_id", "person_id"),
    )


class PersonCode(Record):
    """A six-digit code with which a person comes in. Only a slow hash is kept; it works once.

    By email it is bound to the browser that asked (``browser_hash``); from a link worker in person it is not, and
    ``issued_by`` says who gave it. Nobody's (``person_id`` empty): asked for at an address that we do not know. It
    opens nothing, and makes the next page and its work the same for everybody.
    """

    __tablename__ = "person_code"

    person_id: Mapped[uuid.UUID | None]
    referral_id: Mapped[uuid.UUID | None]
    contact_way_id: Mapped[uuid.UUID | None]
    browser_hash: Mapped[str | None] = mapped_column(String(64))
    issued_by: Mapped[uuid.UUID | None]
    code_hash: Mapped[str] = mapped_column(String(100))
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]

    __table_args__ = (
        points_to("person_id", "service_user"),
        points_to("referral_id", "referral"),
        points_to("contact_way_id", "contact_way"),
        points_to("issued_by", "staff"),
        Index(None, "service_id", "person_id"),
        Index(None, "service_id", "browser_hash"),
    )


# Experience of the service -------------------------------------------------------------------------------------------


class FriendsAndFamily(Base):
    """One answer to the Friends and Family question. Anonymous by construction: no key to a person, to a visit or to a
    moment; ``id`` is random and SQLite keeps no row number of its own, so that not even the order is known."""

    __tablename__ = "friends_and_family"

    service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service.id"), primary_key=True)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=uuid.uuid4)
    month: Mapped[date]
    language: Mapped[str] = mapped_column(String(35))
    mode: Mapped[str] = mapped_column(String(20))
    wording_hash: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str] = mapped_column(String(30))
    why: Mapped[str | None] = mapped_column(Encrypted("friends_and_family.why"))
    better: Mapped[str | None] = mapped_column(Encrypted("friends_and_family.better"))

    __table_args__ = (Index(None, "service_id", "month"), {"sqlite_with_rowid": False})


class Comment(Record):
    """What somebody says about the service. ``kind``: complaint, compliment, what-helped, could-be-better.

    A complaint always has an owner and a day by which it is answered. ``person_id`` only when it was written on the
    person's own page; ``reply_to`` is how the writer wants to hear from us, if they do.
    """

    __tablename__ = "comment"

    kind: Mapped[str] = mapped_column(String(20))
    reference: Mapped[str] = mapped_column(String(9))
    words: Mapped[str] = mapped_column(Encrypted("comment.words"))
    language: Mapped[str] = mapped_column(String(35))
    person_id: Mapped[uuid.UUID | None]
    reply_to: Mapped[str | None] = mapped_column(Encrypted("comment.reply_to"))
    once: Mapped[str] = mapped_column(String(64))
    owner_id: Mapped[uuid.UUID | None]
    due_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    reply: Mapped[str | None] = mapped_column(Encrypted("comment.reply"))
    replied_at: Mapped[datetime | None]
    replied_by: Mapped[uuid.UUID | None]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        of_a_service(),
        points_to("person_id", "service_user"),
        points_to("owner_id", "staff"),
        points_to("replied_by", "staff"),
        UniqueConstraint("service_id", "reference"),
        UniqueConstraint("service_id", "once"),
        Index(None, "service_id", "closed_at", "due_at"),
        Index(None, "service_id", "person_id"),
    )
    __mapper_args__ = {"version_id_col": version}


class YouSaid(Record):
    """One line of the public page "You said, we did"."""

    __tablename__ = "you_said"

    said: Mapped[str] = mapped_column(String(500))
    did: Mapped[str] = mapped_column(String(500))
    language: Mapped[str] = mapped_column(String(35))
    made_by: Mapped[uuid.UUID]
    withdrawn_at: Mapped[datetime | None]

    __table_args__ = (of_a_service(), points_to("made_by", "staff"))


# Erasure -------------------------------------------------------------------------------------------------------------


class ErasureRequest(Record):
    """A person asked us to erase their record. ``state``: asked, refused, done. When it is done, ``person_id`` is
    empty: nothing leads back."""

    __tablename__ = "erasure_request"

    person_id: Mapped[uuid.UUID | None]
    asked_by: Mapped[uuid.UUID | None]
    state: Mapped[str] = mapped_column(String(20), default="asked")
    due_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None]
    reason: Mapped[str | None] = mapped_column(Encrypted("erasure_request.reason"))
    version: Mapped[int] = mapped_column(default=1)

    __table_args__ = (
        of_a_service(),
        points_to("person_id", "service_user"),
        points_to("asked_by", "staff"),
        points_to("decided_by", "staff"),
        Index(None, "service_id", "state", "due_at"),
        Index(None, "service_id", "person_id"),
    )
    __mapper_args__ = {"version_id_col": version}


class Tally(Base):
    """What erased people leave behind: counts by month, without anybody, so that totals stay true."""

    __tablename__ = "tally"

    service_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("service.id"), primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[str] = mapped_column(String(80), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
