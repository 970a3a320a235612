"""What a service has decided about each scale of the catalogue: turned on or off, risk protocol, licence, texts.

Every way to a scale goes through ``instruments.obstacles``, at the moment of asking: what is turned on here counts only
as long as protocol, licence and words are there, so no form, role or command gets round a lock. Sentences for staff are
made in the language now spoken; the words of scales are never translated here.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import Select
from sqlalchemy.orm import Session

from portal import access, audit, clock, codes, instruments, reading, services
from portal.access import Actor, Permission, Refused, rows_of
from portal.i18n import LANGUAGES, N_, gettext, language_name, speaking
from portal.instruments import BadPack, Instrument, LicenceRecord, Obstacle, Recorded, State, TextStatus, Wording
from portal.instruments.packs import direction_of, shaped, tag_problems, wording_from
from portal.store import ScaleText, Service, ServiceScale, canonical
from portal.store.once import write_once

ON, WAITING, REFUSED, REPLACED = "on", "waiting", "refused", "replaced"
SHIPPED, OWN_WORDING, LICENSED = "shipped", "own-wording", "licensed"
LICENSED_FORMAT = "licensed-text/1"

_NHS = "nhs-commissioned"
_LONGEST_NAME = 150
_LONGEST_PART = 300
_LONGEST_WHY = 500
_LONGEST_INSTRUCTION, _LONGEST_QUESTION, _LONGEST_ANSWER = 2_000, 1_000, 300
_MOST_QUESTIONS, _MOST_ANSWERS = 40, 12
_FIRST_DAY = date(1990, 1, 1)

OBSTACLES: Mapping[Obstacle, str] = {
    Obstacle.NOT_TURNED_ON: N_("It is turned off."),
    Obstacle.NOT_FOR_THIS_SERVICE: N_(
        "It is only for services that the NHS pays for. That is a setting of the service."
    ),
    Obstacle.PROTOCOL_INCOMPLETE: N_("The risk protocol is not complete. Until it is, this scale stays locked."),
    Obstacle.NO_LICENCE: N_("No licence is recorded."),
    Obstacle.LICENCE_INCOMPLETE: N_("The record of the licence is not complete."),
    Obstacle.LICENCE_NOT_YET: N_("The licence has not begun yet."),
    Obstacle.LICENCE_EXPIRED: N_("The licence has run out."),
    Obstacle.NO_WORDS: N_("Its words are not here."),
    Obstacle.TOO_YOUNG: N_("It is not for somebody this young."),
    Obstacle.NO_PROXY: N_("Nobody may answer it for somebody else."),
}
"""Why a scale cannot be used, in words for staff."""


class CannotDo(Exception):
    """What was asked cannot be done. ``problems``: by the name of the field ("" for the whole) the sentence that says
    what to do, in the language now spoken."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class Chosen:
    """A scale with the words that somebody is shown. ``text_status``: shipped, own-wording, official-two-sources,
    official-one-source, licensed. ``wording.direction`` is always ltr or rtl."""

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
    """One scale in one language: its state, whose text it is (``status``), where the rights holder's text is found, and
    the row when the service has brought one."""

    scale: str
    language: str
    state: TextState
    status: str = ""
    where: str = ""
    variant: str = ""
    text: ScaleText | None = None


class Question(NamedTuple):
    """One question of a licensed text, with the labels of its answers in the order of the form."""

    text: str
    answers: tuple[str, ...]


# --- what is written down ---------------------------------------------------------------------------------------------


class _Facts(NamedTuple):
    """Everything that a service has decided, read at once."""

    decided: Mapping[str, ServiceScale]
    texts: Sequence[ScaleText]
    commissioned_by: frozenset[str]


def _facts(store: Session, service: Service) -> _Facts:
    decided = {row.scale: row for row in store.scalars(rows_of(service.id, ServiceScale))}
    texts = store.scalars(rows_of(service.id, ScaleText).order_by(ScaleText.id)).all()
    by = frozenset({_NHS}) if services.settings_of(service).commissioned_by_nhs else frozenset[str]()
    return _Facts(decided, texts, by)


def _is_slot(instrument: Instrument) -> bool:
    """Whether not even the number of questions is published: the service brings that too."""
    return instrument.state is State.GATED and not instrument.items


def _fits(text: ScaleText, scale: str) -> bool:
    """Whether a text belongs to the scale in its present version."""
    published = instruments.catalogue().get(text.scale)
    return published is not None and scale in text.serves and text.scale_version.split("+")[0] == published.version


def _on(facts: _Facts, scale: str) -> dict[str, ScaleText]:
    """The texts of a scale that are on, by language; the newest where there should be only one."""
    return {text.language: text for text in facts.texts if text.state == ON and _fits(text, scale)}


def _shape(text: ScaleText, instrument: Instrument) -> Instrument:
    """The scale that a text belongs to: a slot gets the shape of the text."""
    if not _is_slot(instrument):
        return instrument
    return shaped(instrument, [len(question["answers"]) for question in text.pack["questions"]])


def _words(text: ScaleText, instrument: Instrument) -> Wording:
    if text.status != LICENSED:
        full = instruments.catalogue().version(text.scale, text.scale_version)
        return wording_from(text.pack, full, instrument)
    questions = [Question(one["text"], tuple(one["answers"])) for one in text.pack["questions"]]
    return _licensed(instrument, text.language, text.pack["instructions"], questions)


def _own_wordings(instrument: Instrument) -> dict[str, Wording]:
    """Our own words in the languages of the pages. A translation that lacks a piece is left out whole."""
    english = instrument.wordings["en"]
    made = {}
    for code in LANGUAGES.keys() - {"en"}:
        with speaking(code):
            items = {item: gettext(words) for item, words in english.items.items()}
            options = {
                name: {option: gettext(label) for option, label in labels.items()}
                for name, labels in english.options.items()
            }
        before = [*english.items.values(), *(label for labels in english.options.values() for label in labels.values())]
        after = [*items.values(), *(label for labels in options.values() for label in labels.values())]
        if not any(one == other for one, other in zip(before, after, strict=True)):
            made[code] = Wording(code, english.instruction, items, options, direction=LANGUAGES[code].direction)
    return made


def _recorded(facts: _Facts, scale: str) -> Recorded:
    instrument = instruments.catalogue()[scale]
    wordings = {language: _words(text, _shape(text, instrument)) for language, text in _on(facts, scale).items()}
    if instrument.own_wording:
        wordings |= _own_wordings(instrument)
    row = facts.decided.get(scale)
    return Recorded(
        turned_on=row.turned_on if row else None,
        protocol=dict(row.protocol) if row else None,
        licence=_licence_of(row) if row else None,
        wordings=MappingProxyType(wordings),
        commissioned_by=facts.commissioned_by,
    )


def _licence_of(row: ServiceScale) -> LicenceRecord | None:
    if not row.licence:
        return None
    since, until = (date.fromisoformat(row.licence[name]) for name in ("since", "until"))
    return LicenceRecord(row.licence["number"], row.licence["holder"], since, until, row.licence["declared"])


def recorded(store: Session, service: Service, scale: str) -> Recorded:
    """What a service has set and written down about a scale, with the words that may be shown. Raises KeyError."""
    return _recorded(_facts(store, service), scale)


# --- may it be used? --------------------------------------------------------------------------------------------------


def _instrument(facts: _Facts, scale: str, language: str) -> Instrument:
    instrument = instruments.catalogue()[scale]
    text = _on(facts, scale).get(language)
    return _shape(text, instrument) if text else instrument


def _standing(facts: _Facts, scale: str, today: date) -> tuple[Obstacle, ...]:
    given = _recorded(facts, scale)
    instrument = instruments.catalogue()[scale]
    languages = [*instrument.wordings, *(given.wordings or {})]
    with_words = (
        code for code in languages if instruments.wording(_instrument(facts, scale, code), code, given) is not None
    )
    language = next(with_words, "en")
    found = instruments.obstacles(_instrument(facts, scale, language), given, language=language, today=today)
    if not instrument.items and instrument.state is not State.GATED:  # goal attainment scaling asks nobody anything
        return tuple(obstacle for obstacle in found if obstacle is not Obstacle.NO_WORDS)
    return found


def standing(store: Session, service: Service, scale: str, *, today: date | None = None) -> tuple[Obstacle, ...]:
    """What keeps a scale from everybody, in every language. Raises KeyError."""
    return _standing(_facts(store, service), scale, today or clock.today())


def standings(store: Session, service: Service, *, today: date | None = None) -> dict[str, tuple[Obstacle, ...]]:
    """The same for every scale of the catalogue."""
    facts = _facts(store, service)
    return {scale: _standing(facts, scale, today or clock.today()) for scale in instruments.catalogue()}


def offered(store: Session, service: Service, *, today: date | None = None) -> tuple[str, ...]:
    """The scales that this service may use today, in at least one language."""
    return tuple(scale for scale, found in standings(store, service, today=today).items() if not found)


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
    """Everything that keeps a scale from somebody in this language today. Raises KeyError."""
    return _obstacles(_facts(store, service), scale, language, age, by_proxy, today or clock.today())


def _obstacles(
    facts: _Facts, scale: str, language: str, age: int | None, by_proxy: bool, today: date
) -> tuple[Obstacle, ...]:
    instrument = _instrument(facts, scale, language)
    given = _recorded(facts, scale)
    return instruments.obstacles(instrument, given, language=language, today=today, age=age, by_proxy=by_proxy)


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
    """The scale in exactly this language; ``None`` when anything stands against it, also that it was planned and has
    been taken out of the portal since. The only way to a scale's words for asking."""
    if scale not in instruments.catalogue():
        return None
    facts = _facts(store, service)
    if _obstacles(facts, scale, language, age, by_proxy, today or clock.today()):
        return None
    instrument = _instrument(facts, scale, language)
    found = instruments.wording(instrument, language, _recorded(facts, scale))
    assert found  # noqa: S101 (no words are an obstacle)
    text = _on(facts, scale).get(language)
    status = OWN_WORDING if instrument.own_wording else SHIPPED
    if language not in instrument.wordings and text:
        status = text.status
    words = found if found.direction else replace(found, direction=direction_of(language) or "ltr")
    return Chosen(instrument, words, status, instrument.wording_hash(words))


def instrument_of(store: Session, service_id: uuid.UUID, scale: str, version: str) -> Instrument:
    """The scale in the version that an answer was given to, also when its shape came with a licensed text (a version
    such as "1+3f9a…"). For stored answers use this, never the catalogue alone. Raises KeyError."""
    if "+" not in version:
        return instruments.catalogue().version(scale, version)
    published = instruments.catalogue().version(scale, version.split("+")[0])
    mine = rows_of(service_id, ScaleText).where(ScaleText.scale == scale, ScaleText.scale_version == version)
    text = store.scalars(mine.order_by(ScaleText.id).limit(1)).first()
    if text is None:
        raise KeyError(scale, version)
    return _shape(text, published)


def words_of(
    store: Session, service_id: uuid.UUID, scale: str, version: str, language: str, wording_hash: str
) -> Wording | None:
    """The very words that an answer was given to, those that have been replaced or refused since too; ``None`` when
    they are no longer known. Raises KeyError."""
    instrument = instrument_of(store, service_id, scale, version)
    for wording in _all_words(store, service_id, instrument, language):
        if instrument.wording_hash(wording) == wording_hash:
            return wording
    return None


def _all_words(store: Session, service_id: uuid.UUID, instrument: Instrument, language: str) -> Iterator[Wording]:
    if language in instrument.wordings:
        yield replace(instrument.wordings[language], direction=direction_of(language) or "ltr")
    if instrument.own_wording and language in (own := _own_wordings(instrument)):
        yield own[language]
    for text in store.scalars(rows_of(service_id, ScaleText).where(ScaleText.language == language)):
        if instrument.key in text.serves and (text.status != LICENSED or text.scale_version == instrument.version):
            yield _words(text, instrument)


# --- deciding ---------------------------------------------------------------------------------------------------------


def _locked(store: Session, service_id: uuid.UUID, scale: str) -> ServiceScale:
    """The service's row of a scale, nobody else's until the transaction ends."""
    if scale not in instruments.catalogue():
        raise KeyError(scale)
    mine = rows_of(service_id, ServiceScale).where(ServiceScale.scale == scale)
    write_once(
        store, ServiceScale(service_id=service_id, id=codes.new_id(), scale=scale, protocol={}, licence={}), mine
    )
    return store.scalars(mine.with_for_update().execution_options(populate_existing=True)).one()


def _write(store: Session, actor: Actor, row: ServiceScale, act: str, **details: Any) -> None:
    row.changed_by = actor.staff_id
    store.flush()
    audit.record(store, actor.service_id, actor, act, "service_scale", row.id, scale=row.scale, **details)


def turn_on(store: Session, actor: Actor, scale: str) -> None:
    """Turn a scale on. Raises Refused, KeyError, and CannotDo while anything but that stands against it."""
    access.require(actor, Permission.MANAGE_SCALES)
    row = _locked(store, actor.service_id, scale)
    service = store.get_one(Service, actor.service_id)
    against = [one for one in standing(store, service, scale) if one is not Obstacle.NOT_TURNED_ON]
    if against:
        raise CannotDo({"": " ".join(gettext(OBSTACLES[obstacle]) for obstacle in against)})
    row.turned_on = True
    _write(store, actor, row, "turned scale on")


def turn_off(store: Session, actor: Actor, scale: str) -> None:
    """Turn a scale off: nobody is asked with it from now on. What was answered stays. Raises Refused, KeyError."""
    access.require(actor, Permission.MANAGE_SCALES)
    row = _locked(store, actor.service_id, scale)
    row.turned_on = False
    _write(store, actor, row, "turned scale off")


def record_protocol(store: Session, actor: Actor, scale: str, protocol: Mapping[str, str]) -> None:
    """Write down the risk protocol of a locked scale, whole. A part left blank is taken out, and the scale is turned
    off. Raises Refused, KeyError, CannotDo."""
    access.require(actor, Permission.MANAGE_SCALES)
    wanted = instruments.catalogue()[scale].protocol
    if not wanted:
        raise CannotDo({"": gettext("This scale needs no risk protocol.")})
    problems: dict[str, str] = {}
    parts = {part: _read(protocol.get(part, ""), _LONGEST_PART, part, problems) for part in wanted}
    if parts.get("deputy") and parts["deputy"].casefold() == parts.get("responder", "").casefold():
        problems["deputy"] = gettext("Name somebody else as deputy: both may not be away at once")
    if problems:
        raise CannotDo(problems)
    row = _locked(store, actor.service_id, scale)
    row.protocol = {part: words for part, words in parts.items() if words}
    missing = instruments.missing_from_protocol(instruments.catalogue()[scale], row.protocol)
    shut = bool(missing) and bool(row.turned_on)
    if missing:
        row.turned_on = False
    _write(store, actor, row, "recorded risk protocol", missing=list(missing), turned_off=shut)


def record_licence(
    store: Session, actor: Actor, scale: str, *, number: str, holder: str, since: date, until: date, declared: bool
) -> None:
    """Write down the licence of a gated scale. Raises Refused, KeyError, CannotDo."""
    access.require(actor, Permission.MANAGE_SCALES)
    if instruments.catalogue()[scale].state is not State.GATED:
        raise CannotDo({"": gettext("This scale needs no licence.")})
    problems: dict[str, str] = {}
    number = _read(number, _LONGEST_NAME, "number", problems, N_("Enter the number of the licence"))
    holder = _read(holder, _LONGEST_NAME, "holder", problems, N_("Enter who holds the licence"))
    if since < _FIRST_DAY or until < since:
        problems["until"] = gettext("Enter a last day that is not before the first day")
    elif until < clock.today():
        problems["until"] = gettext("Enter a day that is not over yet")
    if not declared:
        problems["declared"] = gettext("Tick the box, if it is true. Without a licence this scale may not be used")
    if problems:
        raise CannotDo(problems)
    row = _locked(store, actor.service_id, scale)
    row.licence = {
        "number": number,
        "holder": holder,
        "since": since.isoformat(),
        "until": until.isoformat(),
        "declared": True,
    }
    _write(store, actor, row, "recorded licence", until=until.isoformat())


def _read(given: str, longest: int, name: str, problems: dict[str, str], missing: str = "", lines: bool = False) -> str:
    """Words in the form we keep. What is wrong with them goes into ``problems``."""
    try:
        words = reading.text(given, longest, lines=lines)
    except reading.Unreadable as unreadable:
        too_long = unreadable.problem is reading.Problem.TOO_LONG
        problems[name] = (
            gettext("Enter fewer words. There can be %(longest)s characters at most", longest=f"{longest:,}")
            if too_long
            else gettext("Enter this again. Some of its characters cannot be read")
        )
        return ""
    if missing and not words:
        problems[name] = gettext(missing)
    return words


# --- texts ------------------------------------------------------------------------------------------------------------


def _may(service: Service, actor: Actor | None) -> None:
    if actor is not None and access.require(actor, Permission.MANAGE_SCALES).service_id != service.id:
        raise Refused(Permission.MANAGE_SCALES.value)


def _note(store: Session, service_id: uuid.UUID, actor: Actor | None, act: str, text: ScaleText) -> None:
    store.flush()
    kind = "staff" if actor else "system"
    facts = {"scale": text.scale, "language": text.language, "state": text.state, "text_sha256": text.text_sha256}
    audit.record(store, service_id, actor, act, "scale_text", text.id, actor_kind=kind, **facts)


def _set(store: Session, text: ScaleText, state: str) -> None:
    """Put a text into a state; one that is turned on or waits takes the place of the one before in its language."""
    mine = rows_of(text.service_id, ScaleText).where(
        ScaleText.scale == text.scale,
        ScaleText.language == text.language,
        ScaleText.state == state,
        ScaleText.id != text.id,
    )
    for older in store.scalars(mine.execution_options(populate_existing=True)).all() if state in (ON, WAITING) else ():
        older.state = REPLACED
    text.state = state


def import_text(store: Session, service: Service, data: bytes, *, reviewer: str, actor: Actor | None) -> ScaleText:
    """Take a text pack in. With two sources its words are on at once, with one they wait for a signature; a text that
    was refused before waits too. Without an actor it is somebody at the command line. Raises Refused, and BadPack with
    everything that is wrong."""
    _may(service, actor)
    problems: dict[str, str] = {}
    reviewer = _read(reviewer, _LONGEST_NAME, "reviewer", problems, N_("Enter who has reviewed this text"))
    try:
        pack = instruments.read_pack(data, instruments.catalogue())
    except BadPack as bad:
        raise BadPack([*bad.problems, *problems.values()]) from None
    if problems:
        raise BadPack(list(problems.values()))
    _locked(store, service.id, pack.instrument.key)
    made = ScaleText(
        service_id=service.id,
        id=codes.new_id(),
        scale=pack.instrument.key,
        scale_version=pack.instrument.version,
        language=pack.language,
        serves=list(pack.serves),
        status=pack.status,
        state=REPLACED,
        pack=dict(pack.whole),
        text_sha256=pack.text_sha256,
        file_sha256=pack.file_sha256,
        source_url=pack.whole["source_url"],
        reviewer=reviewer,
        imported_by=actor.staff_id if actor else None,
    )
    text, is_new = write_once(store, made, _same(made))
    store.refresh(text)
    if text.state == ON:
        return text
    was_refused = text.state == REFUSED
    if not is_new:
        for name in ("serves", "status", "pack", "file_sha256", "source_url", "reviewer", "imported_by"):
            setattr(text, name, getattr(made, name))
    if was_refused:
        text.signed_name = text.signed_on = text.document_sha256 = text.signed_by = text.refused_because = None
    two = text.status == TextStatus.TWO_SOURCES.value
    _set(store, text, ON if (two and not was_refused) or text.signed_on else WAITING)
    _note(store, service.id, actor, "imported scale text", text)
    return text


def _same(made: ScaleText) -> Select[ScaleText]:
    return rows_of(made.service_id, ScaleText).where(
        ScaleText.scale == made.scale,
        ScaleText.scale_version == made.scale_version,
        ScaleText.language == made.language,
        ScaleText.text_sha256 == made.text_sha256,
    )


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
    text_id: uuid.UUID | None = None,
) -> ScaleText:
    """A native speaker has compared the waiting text of a scale with the rights holder's document: it is on from now.
    With ``text_id`` it must still be that text which waits. Raises Refused, KeyError, CannotDo."""
    _may(service, actor)
    scale = next((text.scale for text in _waiting(store, service.id) if scale in text.serves), scale)
    _locked(store, service.id, scale)
    mine = [text for text in _waiting(store, service.id) if text.scale == scale and text.language == language]
    if not mine or text_id not in (None, mine[0].id):
        raise CannotDo({"": gettext("No text of this scale waits for a signature in this language.")})
    text = mine[0]
    problems: dict[str, str] = {}
    name = _read(name, _LONGEST_NAME, "name", problems, N_("Enter the name of the person who compared the texts"))
    if not _FIRST_DAY <= day <= clock.today():
        problems["day"] = gettext("Enter the day on which the texts were compared. It may not be in the future")
    digest = "".join(document_sha256.split()).lower()
    known = text.pack.get("source_sha256")
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        problems["document_sha256"] = gettext("Enter the SHA-256 of the document: 64 digits and letters from a to f")
    elif known and digest != known:
        problems["document_sha256"] = gettext(
            "This is another document than the one that the text was taken from. Compare it with the document at the "
            "address of its source"
        )
    if problems:
        raise CannotDo(problems)
    text.signed_name, text.signed_on, text.document_sha256 = name, day, digest
    text.signed_by = actor.staff_id if actor else None
    _set(store, text, ON)
    _note(store, service.id, actor, "signed scale text", text)
    return text


def _waiting(store: Session, service_id: uuid.UUID) -> Sequence[ScaleText]:
    mine = rows_of(service_id, ScaleText).where(ScaleText.state == WAITING).order_by(ScaleText.id.desc())
    return store.scalars(mine.execution_options(populate_existing=True)).all()


def text_of(store: Session, actor: Actor, text_id: uuid.UUID) -> ScaleText | None:
    """One text of the actor's service; ``None`` also for that of a scale that is not here any more. Raises Refused."""
    access.require(actor, Permission.MANAGE_SCALES)
    found = store.get(ScaleText, (actor.service_id, text_id))
    return found if found and found.scale in instruments.catalogue() else None


def shown(store: Session, text: ScaleText) -> tuple[Instrument, Wording]:
    """A text's own scale and words, for whoever reviews it; whether anybody else may see them is ``choose``'s."""
    instrument = instrument_of(store, text.service_id, text.scale, text.scale_version)
    return instrument, _words(text, instrument)


def refuse_text(store: Session, actor: Actor, text_id: uuid.UUID, because: str) -> ScaleText | None:
    """A text is not to be used, or no longer. ``None`` when there is no such text here. Raises Refused, CannotDo."""
    access.require(actor, Permission.MANAGE_SCALES)
    text = text_of(store, actor, text_id)
    if text is None:
        return None
    _locked(store, actor.service_id, text.scale)
    store.refresh(text)
    problems: dict[str, str] = {}
    because = _read(because, _LONGEST_WHY, "because", problems, N_("Enter why this text is not to be used"), lines=True)
    if problems:
        raise CannotDo(problems)
    text.refused_because = because
    _set(store, text, REFUSED)
    _note(store, actor.service_id, actor, "refused scale text", text)
    return text


# --- the licensed text of a gated scale -------------------------------------------------------------------------------


def bring_text(
    store: Session,
    actor: Actor,
    scale: str,
    language: str,
    *,
    instruction: str,
    questions: Sequence[Question],
    declared: bool,
) -> ScaleText:
    """Take in the words of a gated scale as its rights holder gives them; they are on at once, and lie in the database
    alone. ``declared``: nobody here has translated or changed them. Raises Refused, KeyError, CannotDo."""
    access.require(actor, Permission.MANAGE_SCALES)
    published = instruments.catalogue()[scale]
    if published.state is not State.GATED:
        raise CannotDo({"": gettext("The words of this scale come with the portal, or in a text pack.")})
    row = _locked(store, actor.service_id, scale)
    problems: dict[str, str] = {}
    if not row.licence:
        problems[""] = gettext("Record the licence first.")
    for sentence in tag_problems(language):
        problems["language"] = sentence
    instruction = _read(instruction, _LONGEST_INSTRUCTION, "instruction", problems, lines=True)
    read = _questions(published, questions, problems)
    if not declared:
        problems["declared"] = gettext("Tick the box, if it is true. A text that was translated here is not this scale")
    if problems:
        raise CannotDo(problems)
    instrument = shaped(published, [len(one.answers) for one in read]) if _is_slot(published) else published
    pack = {
        "format": LICENSED_FORMAT,
        "instrument": scale,
        "version": instrument.version,
        "language": language,
        "instructions": instruction,
        "questions": [{"text": one.text, "answers": list(one.answers)} for one in read],
    }
    digest = instrument.wording_hash(_licensed(instrument, language, instruction, read))
    made = ScaleText(
        service_id=actor.service_id,
        id=codes.new_id(),
        scale=scale,
        scale_version=instrument.version,
        language=language,
        serves=[scale],
        status=LICENSED,
        state=REPLACED,
        pack=pack,
        text_sha256=digest,
        file_sha256=hashlib.sha256(canonical(pack).encode()).hexdigest(),
        source_url=published.licence.url,
        reviewer=actor.name,
        imported_by=actor.staff_id,
    )
    text, _ = write_once(store, made, _same(made))
    text.reviewer, text.imported_by, text.refused_because = actor.name, actor.staff_id, None
    _set(store, text, ON)
    _note(store, actor.service_id, actor, "brought scale text", text)
    return text


def _licensed(instrument: Instrument, language: str, instruction: str, questions: Sequence[Question]) -> Wording:
    options: dict[str, dict[str, str]] = {}
    for item, question in zip(instrument.items, questions, strict=True):
        values = [option.code for option in instrument.option_sets[item.option_set]]
        if len(question.answers) == 2 and item.option_set in instrument.ranges:
            values = [values[0], values[-1]]
        if question.answers:
            options[item.option_set] = dict(zip(values, question.answers, strict=True))
    return Wording(
        language=language,
        instruction=instruction,
        items={item.code: question.text for item, question in zip(instrument.items, questions, strict=True)},
        options=options,
        direction=direction_of(language) or "ltr",
    )


def _questions(published: Instrument, given: Sequence[Question], problems: dict[str, str]) -> list[Question]:
    """The questions as they are kept. What does not fit the scale goes into ``problems``."""
    found: dict[str, str] = {}
    read = [
        Question(
            _read(one.text, _LONGEST_QUESTION, "questions", found),
            tuple(_read(label, _LONGEST_ANSWER, "questions", found) for label in one.answers),
        )
        for one in given
    ]
    said = next(_do_not_fit(published, read), "") if not found else found["questions"]
    if any(behind in _plain(one.text) for one in read for behind in _behind_a_lock()):
        said = gettext("This is a question of a scale that needs a risk protocol. It can be asked in that scale only.")
    if said:
        problems["questions"] = said
    return read


def _behind_a_lock() -> set[str]:
    """The questions that may not be asked without a risk protocol: under the name of another scale nothing would say
    that somebody may not be safe."""
    return {
        _plain(wording.items[risk.item])
        for instrument in instruments.catalogue().values()
        if instrument.protocol
        for wording in instrument.wordings.values()
        for risk in instrument.risk
    }


def _plain(words: str) -> str:
    """Its letters and digits alone."""
    return "".join(letter for letter in words.casefold() if letter.isalnum())


def _do_not_fit(published: Instrument, read: Sequence[Question]) -> Iterator[str]:
    wanted = len(published.items)
    if not _is_slot(published) and len(read) != wanted:
        yield gettext(
            "%(scale)s has %(wanted)s questions. Here are %(found)s.",
            scale=published.title,
            wanted=wanted,
            found=len(read),
        )
    elif not 1 <= len(read) <= _MOST_QUESTIONS:
        yield gettext("Enter the questions: 1 at least, %(most)s at most.", most=_MOST_QUESTIONS)
    else:
        yield from _in_answers(published, read)


def _in_answers(published: Instrument, read: Sequence[Question]) -> Iterator[str]:
    for place, question in enumerate(read, 1):
        if not question.text or not all(question.answers):
            yield gettext("Question %(place)s or one of its answers is empty.", place=place)
        elif len(set(question.answers)) != len(question.answers):
            yield gettext("Question %(place)s has the same answer twice.", place=place)
        else:
            yield from _count(published, place, len(question.answers))
    by_set: dict[str, set[tuple[str, ...]]] = {}
    for item, question in zip(published.items, read, strict=False):
        by_set.setdefault(item.option_set, set()).add(question.answers)
    if any(len(labels) > 1 for labels in by_set.values()):
        yield gettext("All questions of this scale have the same answers. Here they differ.")


def _count(published: Instrument, place: int, found: int) -> Iterator[str]:
    """Whether a question has as many answers as the scale wants."""
    if _is_slot(published):
        fits: Iterable[int] = range(2, _MOST_ANSWERS + 1)
    else:
        item = published.items[place - 1]
        number = len(published.option_sets[item.option_set])
        fits = (0, 2, number) if item.option_set in published.ranges else (number,)
    if found not in fits:
        yield gettext(
            "Question %(place)s has %(found)s answers. It can have: %(fits)s.",
            place=place,
            found=found,
            fits=", ".join(map(str, fits)),
        )


# --- what staff are told ----------------------------------------------------------------------------------------------

_TOLD: Mapping[TextStatus, TextState] = {
    TextStatus.TWO_SOURCES: TextState.NOT_LOADED,
    TextStatus.ONE_SOURCE: TextState.NOT_LOADED,
    TextStatus.NOT_HELD: TextState.NOT_LOADED,
    TextStatus.NOT_IN_HOLDER_LIST: TextState.NOT_IN_HOLDER_LIST,
    TextStatus.NONE_FOUND: TextState.NONE_FOUND,
}


def text_states(store: Session, service: Service) -> dict[str, tuple[TextLine, ...]]:
    """For every scale with words, in every language that anything is known of: where its words stand. A language has a
    second line when another text of it waits for a signature."""
    facts = _facts(store, service)
    return {
        scale: tuple(_lines(facts, instrument))
        for scale, instrument in instruments.catalogue().items()
        if instrument.items or instrument.state is State.GATED
    }


def _lines(facts: _Facts, instrument: Instrument) -> Iterator[TextLine]:
    texts = [text for text in facts.texts if _fits(text, instrument.key)]
    given = _recorded(facts, instrument.key).wordings or {}
    known = {text.language for text in instrument.official_texts} - {"*"}
    languages = {*instrument.wordings, *given, *known, *LANGUAGES, *(text.language for text in texts)}
    with speaking("en"):
        ordered = sorted(languages, key=lambda code: (code != "en", language_name(code)))
    for language in ordered:
        mine = {text.state: text for text in texts if text.language == language}
        yield _line(instrument, language, mine, given)
        if WAITING in mine and ON in mine:
            yield _of_row(instrument.key, mine[WAITING], TextState.WAITING)


def _line(
    instrument: Instrument, language: str, mine: Mapping[str, ScaleText], given: Mapping[str, Wording]
) -> TextLine:
    if language in instrument.wordings:
        return TextLine(instrument.key, language, TextState.IN_USE, OWN_WORDING if instrument.own_wording else SHIPPED)
    if instrument.own_wording:
        state = TextState.IN_USE if language in given else TextState.NONE_FOUND
        return TextLine(instrument.key, language, state, OWN_WORDING)
    for found, told in ((ON, TextState.IN_USE), (WAITING, TextState.WAITING), (REFUSED, TextState.REFUSED)):
        if found in mine:
            return _of_row(instrument.key, mine[found], told)
    known = instruments.official_texts(instrument, language)
    exact = next((text for text in known if text.language == language), next(iter(known), None))
    if exact is None:
        return TextLine(instrument.key, language, TextState.NONE_FOUND)
    return TextLine(
        instrument.key, language, _TOLD[exact.status], exact.status.value, exact.where, variant=exact.variant
    )


def _of_row(scale: str, text: ScaleText, told: TextState) -> TextLine:
    return TextLine(scale, text.language, told, text.status, text.source_url, text.pack.get("variant") or "", text)
