"""Answering a check-in, item by item: what is asked now, what is kept, what raises an alert, when it is finished.

Nothing that was answered is ever overwritten: each answer is a row of its own and the last one in time counts. What
comes after the end is kept as well and counts in no score. Whatever is saved, late or half-finished, is looked at for
somebody who may not be safe.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from portal.access import Actor
from portal.i18n import N_
from portal.instruments import Instrument
from portal.journeys import Journey, Problem, Step
from portal.measures import Chosen
from portal.store import CheckIn, MeasureResponse, Service

COMPLETED_BY: Mapping[str, str] = {
    "self": N_("I answer on my own"),
    "supporter-reading": N_("Somebody reads the questions to me"),
    "interpreter": N_("An interpreter helps me"),
    "proxy": N_("Somebody else answers for them"),
}
"""Who answers (data dictionary 4.10)."""

RESPONSE_MODES: Mapping[str, str] = {
    "web": N_("On the web"),
    "phone": N_("By phone"),
    "paper": N_("On paper"),
    "in-person": N_("In person"),
}
"""How the answers come to us (data dictionary 4.10)."""


class Gone(LookupError):
    """There is no such check-in of this referral in this service."""


class NotAsked(LookupError):
    """This scale is not asked in this check-in, in these words and of whoever answers."""


@dataclass(frozen=True)
class Open:
    """One scale of a check-in as it is asked now. ``response`` is ``None`` until something has begun."""

    chosen: Chosen
    journey: Journey
    response: MeasureResponse | None

    @property
    def scale(self) -> str:
        """The key of the scale."""
        return self.chosen.instrument.key

    @property
    def instrument(self) -> Instrument:
        """The scale."""
        return self.chosen.instrument


@dataclass(frozen=True)
class Kept:
    """What became of one page. ``alerted``: an answer on it needs a person at once. ``late``: the check-in had been
    finished (``finished_at``); what was answered stands beside what counts."""

    problems: Mapping[str, Problem]
    alerted: bool = False
    late: bool = False
    finished_at: datetime | None = None


def look(
    store: Session, service: Service, check_in: CheckIn, *, language: str, completed_by: str | None = None
) -> list[Open]:
    """What is asked in this check-in now; writes nothing. A scale that somebody has begun goes on in the words in which
    it was begun. ``completed_by`` empty: as was said before, else ``self``."""
    raise NotImplementedError


def begin(
    store: Session,
    service: Service,
    check_in: CheckIn,
    *,
    language: str,
    completed_by: str | None = None,
    response_mode: str = "web",
    entered_by: uuid.UUID | None = None,
) -> list[Open]:
    """The same with a response for each scale, made once. Who answers, and how, is written on all that is open."""
    raise NotImplementedError


def keep(
    store: Session,
    service: Service,
    check_in: CheckIn,
    opened: Open,
    step: Step,
    raw: Mapping[str, object],
    *,
    actor: Actor | None = None,
) -> Kept:
    """Keep what was answered on one page of a scale; alerts are raised at once. Nothing is kept of a page with a
    problem, except its other answers."""
    raise NotImplementedError


def finish(store: Session, service: Service, check_in: CheckIn, *, actor: Actor | None = None) -> CheckIn:
    """The check-in is answered; finished twice it is finished once, at the first time."""
    raise NotImplementedError


def find(
    store: Session, service_id: uuid.UUID, check_in_id: uuid.UUID, referral_id: uuid.UUID | None = None
) -> CheckIn:
    """A check-in of the service (of this referral). Raises ``Gone``."""
    raise NotImplementedError


def ways(store: Session, check_in: CheckIn) -> tuple[str, str] | None:
    """Who answers and how, as was said last; ``None`` before anything was begun."""
    raise NotImplementedError
