"""Erasure: a person is taken out of every table, and counts without anybody stay, so that totals stay true."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.store import Alert, Referral, Service, Stores
from portal.store import ErasureRequest as ErasureRequest  # the doors name it in their types

Totals = dict[tuple[date, str, str], int]
"""How often, by (the first day of the month, what is counted, its value)."""


class Gone(LookupError):
    """There is no such person or request in this service."""


class AlreadyDecided(ValueError):
    """The request has been answered meanwhile: ``request`` says when and how."""

    def __init__(self, request: ErasureRequest) -> None:
        super().__init__(request.state)
        self.request = request


class AlertsOpen(ValueError):
    """Somebody may be in danger: these alerts are to be closed first."""

    def __init__(self, alerts: Sequence[Alert]) -> None:
        super().__init__(len(alerts))
        self.alerts = alerts


class NeedsWords(ValueError):
    """A refusal without a reason."""


@dataclass(frozen=True)
class Waiting:
    """A request in the list: whose it is, by the referrals of that person, and the alerts that stand in the way."""

    request: ErasureRequest
    referrals: tuple[Referral, ...]
    alerts: tuple[Alert, ...]


def ask_erasure(store: Session, service: Service, person_id: uuid.UUID, actor: Actor | None = None) -> ErasureRequest:
    """The person asks to be erased (``actor``: a member of staff writes it down for them). Asked again while a request
    is open, it is the same one. Raises ``Gone``."""
    raise NotImplementedError


def latest_request(store: Session, service_id: uuid.UUID, person_id: uuid.UUID) -> ErasureRequest | None:
    """What the person asked last, for their own page: state asked or refused, ``due_at``, and ``reason``, which is our
    answer in words when we refused."""
    raise NotImplementedError


def refuse_erasure(store: Session, actor: Actor, request_id: uuid.UUID, reason: str) -> ErasureRequest:
    """Say no, with the reason, which the person reads. Raises Refused, ``Gone``, ``AlreadyDecided``, ``NeedsWords``."""
    raise NotImplementedError


def erase(
    store: Session, actor: Actor, *, request_id: uuid.UUID | None = None, person_id: uuid.UUID | None = None
) -> ErasureRequest:
    """Erase a person now. Raises Refused, ``Gone``, ``AlreadyDecided``, ``AlertsOpen``."""
    raise NotImplementedError


def totals(store: Session, service_id: uuid.UUID) -> Totals:
    """Every count by month: of the rows that are there, and of the people who have been erased."""
    raise NotImplementedError


def remind(store: Session, service: Service) -> int:
    """The round's part: a request that is overdue is a task and a message for the managers, once. How many."""
    raise NotImplementedError


def wipe_traces(stores: Stores) -> bool:
    """The round's step after an erasure: nothing that was deleted stays readable in the files of SQLite. Whether it
    could be done now; readers in the way put it off."""
    raise NotImplementedError
