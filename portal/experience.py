"""How people find the service: the Friends and Family question, anonymous by construction, complaints and compliments
with an owner and a reply, and the public page of what was said and done (product 10).
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.measures import Chosen
from portal.store import Comment, Service, YouSaid


class Kind(StrEnum):
    """What somebody says of the service. The stored codes are for ever."""

    COMPLAINT = "complaint"
    COMPLIMENT = "compliment"
    WHAT_HELPED = "what-helped"
    COULD_BE_BETTER = "could-be-better"


@dataclass(frozen=True)
class Period:
    """Whole months of answers to the Friends and Family question. ``None`` is a hidden number, never a nought."""

    first: date
    last: date
    answers: int
    positive: int | None
    negative: int | None
    neither: int | None


# Friends and Family


def fft(store: Session, service: Service, language: str) -> Chosen | None:
    """The question with the words to show: official ones in this language, else the English. ``None``: not asked."""
    raise NotImplementedError


def give_fft(
    store: Session,
    service: Service,
    answer: str,
    why: str | None,
    better: str | None,
    *,
    language: str,
    mode: str,
    once: str,
) -> bool:
    """Keep an answer, with nothing that leads to anybody. ``once``: the form's random key."""
    raise NotImplementedError


def fft_figures(store: Session, actor: Actor) -> list[Period]:
    """Shares over whole months, with small numbers hidden. Raises Refused."""
    raise NotImplementedError


# Comments


def comment(
    store: Session,
    service: Service,
    kind: str,
    words: str,
    *,
    language: str,
    once: str,
    person_id: uuid.UUID | None = None,
    reply_to: str | None = None,
) -> Comment:
    """Write down what somebody says."""
    raise NotImplementedError


def number_of(once: str) -> str:
    """The number that opens the answer to a comment, together with its reference; derived from the form's key."""
    raise NotImplementedError


def with_card(store: Session, service_id: uuid.UUID, reference: str, number: str) -> Comment | None:
    """The comment that reference and number open, for its writer."""
    raise NotImplementedError


def of_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> Sequence[Comment]:
    """What a person said under their name on their own page, with our replies, the newest first (MY PAGE, exports)."""
    raise NotImplementedError


def said_by(store: Session, actor: Actor, person_id: uuid.UUID) -> Sequence[Comment]:
    """The same for the staff's case page, without complaints: a complaint is not read by whom it may be about.
    Raises Refused."""
    raise NotImplementedError


def forget_person(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> int:
    """For erasure: no comment leads to the person any more, nor holds their words. How many there were."""
    raise NotImplementedError


def waiting(store: Session, actor: Actor) -> Sequence[Comment]:
    """Complaints and compliments that are not closed, the most urgent first. Raises Refused."""
    raise NotImplementedError


def read(store: Session, actor: Actor, comment_id: uuid.UUID) -> Comment | None:
    """One comment; the reading is written down. Raises Refused."""
    raise NotImplementedError


def acknowledge(store: Session, actor: Actor, comment_id: uuid.UUID) -> Comment | None:
    """Raises Refused."""
    raise NotImplementedError


def hand_over(store: Session, actor: Actor, comment_id: uuid.UUID, to_staff_id: uuid.UUID) -> Comment | None:
    """Raises Refused, NotThere."""
    raise NotImplementedError


def reply(store: Session, actor: Actor, comment_id: uuid.UUID, words: str) -> Comment | None:
    """Answer the writer. Raises Refused, NothingSaid."""
    raise NotImplementedError


def close(store: Session, actor: Actor, comment_id: uuid.UUID) -> Comment | None:
    """Raises Refused, NotAnswered."""
    raise NotImplementedError


def remind(store: Session, service: Service) -> int:
    """The round's part: owners for what was left, reminders of what is late. Closes nothing."""
    raise NotImplementedError


def acknowledge_by(service: Service, found: Comment) -> datetime:
    """By when a complaint must be acknowledged."""
    raise NotImplementedError


# You said, we did


def you_said(store: Session, actor: Actor, said: str, did: str, *, language: str) -> YouSaid:
    """Raises Refused, Unsaid."""
    raise NotImplementedError


def withdraw_said(store: Session, actor: Actor, said_id: uuid.UUID) -> YouSaid | None:
    """Raises Refused."""
    raise NotImplementedError


def published(store: Session, service_id: uuid.UUID) -> Sequence[YouSaid]:
    """What the public page says, the newest first."""
    raise NotImplementedError
