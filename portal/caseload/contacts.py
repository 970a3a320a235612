"""Contacts and attempts: recorded with one press, completed later, counted towards the first contact.

What a worker has written is never lost: a contact sent late, after the case was closed, is kept too, and stands after
the end. The notes are for staff; ``shared_note`` is for the person, and nothing else of a contact is.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import Contact as Contact  # the doors name it in their types
from portal.store import Referral, Service


class Gone(LookupError):
    """There is no such contact, or no such referral, in this service."""


class NotTaken(ValueError):
    """Nobody has accepted this referral yet: there is no case in which a contact could stand."""


class NotPossible(ValueError):
    """Something that cannot be: ``problems`` holds a code by the field (happened_at: future, before-referral;
    next_due: past, too-far; any other: not-listed)."""

    def __init__(self, problems: "dict[str, str]") -> None:
        super().__init__(", ".join(f"{name}: {code}" for name, code in problems.items()))
        self.problems = problems


class NotYours(ValueError):
    """Only whoever recorded a contact changes it."""


class Meanwhile(ValueError):
    """The contact was changed after the page had been opened: ``contact`` is as it is now."""

    def __init__(self, contact: Contact) -> None:
        super().__init__("changed meanwhile")
        self.contact = contact


@dataclass(frozen=True)
class SharedNote:
    """Something that staff wrote for the person to read: when, who, the words."""

    at: datetime
    by: str
    words: str


def record(
    store: Session,
    service: Service,
    actor: Actor,
    referral_id: uuid.UUID,
    *,
    once: str,
    outcome: str,
    mechanism: str | None = None,
    direction: str = "out",
    happened_at: datetime | None = None,
    location: str | None = None,
    with_whom: Sequence[str] = ("person",),
    minutes: int | None = None,
    interpreter_used: bool | None = None,
    ais_met: str | None = None,
    results: Sequence[str] = (),
    notes: str = "",
    shared_note: str = "",
    next_step: str = "",
    next_due: date | None = None,
) -> Contact:
    """Record a contact or an attempt, now or at ``happened_at``; sent again with the same ``once``, it is the same one.

    ``mechanism``: without one, that of the first way that the person allowed. Whoever records it says by that that the
    safe-contact rule was kept. Raises ``Gone``, ``NotTaken``, ``NotPossible``.
    """
    raise NotImplementedError


def change(
    store: Session, service: Service, actor: Actor, contact_id: uuid.UUID, version: int, **fields: object
) -> Contact:
    """Change or complete a contact: the fields of ``record`` by name, those that are given. ``version``: the one that
    the page showed. Raises ``Gone``, ``NotYours``, ``Meanwhile``, ``NotPossible``."""
    raise NotImplementedError


def find(store: Session, actor: Actor, contact_id: uuid.UUID) -> Contact:
    """A contact of the actor's service. Raises ``Gone``."""
    raise NotImplementedError


def of_referral(store: Session, actor: Actor, referral_id: uuid.UUID) -> Sequence[Contact]:
    """The contacts of a case, the latest first."""
    raise NotImplementedError


def shared_with(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> list[SharedNote]:
    """Everything that staff wrote for this person to read, in contacts and in notes, the latest first."""
    raise NotImplementedError


def counted(store: Session, service: Service, referral: Referral) -> None:
    """Work out anew what the contacts say of a referral: first attempt, first and last contact, attempts since, next
    step. To be called when contacts change, and when a case is closed or opened again."""
    raise NotImplementedError
