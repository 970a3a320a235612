"""What a service has decided about each scale of the catalogue: turned on or off, risk protocol, licence, texts.

Every way to a scale asks ``instruments.obstacles``: no form, role or command gets round it.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy.orm import Session

from portal import instruments
from portal.access import Actor
from portal.instruments import Instrument, Obstacle, Wording
from portal.store import ScaleText, Service


class CannotDo(Exception):
    """What was asked cannot be done. ``problems``: by field (or "" for the whole) the sentence that says what to do
    (English source text for gettext, with its ``values``)."""


@dataclass(frozen=True)
class Chosen:
    """A scale with the words that somebody is shown. ``text_status``: shipped, own-wording, official-two-sources,
    official-one-source, licensed. The direction of the words is ``wording.direction``."""

    instrument: Instrument
    wording: Wording
    text_status: str
    wording_hash: str


class TextState(StrEnum):
    """What staff are told of a scale's words in a language."""

    IN_USE = "in-use"
    WAITING = "waiting"
    NOT_LOADED = "not-loaded"
    NOT_IN_HOLDER_LIST = "not-in-holder-list"
    NONE_FOUND = "none-found"
    REFUSED = "refused"


@dataclass(frozen=True)
class TextLine:
    """One scale in one language: its state, where the rights holder's text is, and the row if there is one."""

    scale: str
    language: str
    state: TextState
    where: str = ""
    variant: str = ""
    text: ScaleText | None = None


def instrument_of(store: Session, service_id: uuid.UUID, scale: str, version: str) -> Instrument:
    """The scale in the version that an answer was given to, also when a service brought its shape with a licensed text
    (versions such as "1+3f9a…": use this and never ``catalogue().version`` for stored answers). Raises KeyError."""
    raise NotImplementedError


def words_of(
    store: Session, service_id: uuid.UUID, scale: str, version: str, language: str, wording_hash: str
) -> Wording | None:
    """The very words that an answer was given to, replaced ones too."""
    raise NotImplementedError


def recorded(store: Session, service: Service, scale: str) -> instruments.Recorded:
    """What the service has set and written down about a scale."""
    raise NotImplementedError


def offered(store: Session, service: Service) -> tuple[str, ...]:
    """The scales that may be used here today, in some language."""
    raise NotImplementedError


def obstacles_of(
    store: Session,
    service: Service,
    scale: str,
    *,
    language: str,
    age: int | None = None,
    by_proxy: bool = False,
    today: date | None = None,
) -> tuple[Obstacle, ...]:
    """Everything that keeps a scale from somebody today."""
    raise NotImplementedError


def choose(
    store: Session,
    service: Service,
    scale: str,
    *,
    language: str,
    age: int | None = None,
    by_proxy: bool = False,
    today: date | None = None,
) -> Chosen | None:
    """The scale in exactly this language, or None when anything stands against it."""
    raise NotImplementedError


def turn_on(store: Session, actor: Actor, scale: str) -> None:
    """Raises Refused, KeyError, CannotDo."""
    raise NotImplementedError


def turn_off(store: Session, actor: Actor, scale: str) -> None:
    """Raises Refused, KeyError."""
    raise NotImplementedError


def record_protocol(store: Session, actor: Actor, scale: str, protocol: Mapping[str, str]) -> None:
    """Raises Refused, KeyError, CannotDo."""
    raise NotImplementedError


def record_licence(
    store: Session, actor: Actor, scale: str, *, number: str, holder: str, since: date, until: date, declared: bool
) -> None:
    """Raises Refused, KeyError, CannotDo."""
    raise NotImplementedError


def import_text(store: Session, service: Service, data: bytes, *, reviewer: str, actor: Actor | None) -> ScaleText:
    """Raises Refused, BadPack."""
    raise NotImplementedError


def sign_text(
    store: Session,
    service: Service,
    scale: str,
    language: str,
    *,
    name: str,
    day: date,
    document_sha256: str,
    actor: Actor | None,
) -> ScaleText:
    """Raises Refused, CannotDo."""
    raise NotImplementedError


def refuse_text(store: Session, actor: Actor, text_id: uuid.UUID, because: str) -> ScaleText | None:
    """Raises Refused, CannotDo."""
    raise NotImplementedError


def bring_text(
    store: Session,
    actor: Actor,
    scale: str,
    language: str,
    *,
    instruction: str,
    items: Sequence[str],
    options: Mapping[str, Sequence[str]],
) -> ScaleText:
    """Raises Refused, KeyError, CannotDo."""
    raise NotImplementedError


def text_states(store: Session, service: Service) -> dict[str, tuple[TextLine, ...]]:
    """Per scale, per language."""
    raise NotImplementedError
