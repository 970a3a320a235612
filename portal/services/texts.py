"""Texts of ours that a service may put into its own words, language by language; each wording is a version.

The places are declared once, here: the pages, the message to the GP and the report ask ``words``, the set-up page goes
through ``PLACES``. Plain text only: what somebody types is shown, never read as markup. Words on which somebody's
safety hangs are no place: they stay ours (``i18n.S_``).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import Session

from portal import access, audit, reading
from portal.access import Actor, Permission, rows_of
from portal.i18n import LANGUAGES, N_, gettext, speaking
from portal.store import Service, ServiceText, Staff
from portal.store.once import write_once

LONGEST = 4_000


@dataclass(frozen=True)
class Place:
    """One text that a service may put into its own words.

    ``ours``: our words, one sentence text (``N_``) for each paragraph; none means that nothing stands there until the
    service writes something. ``shown``: where it is read. ``most_words``: the most words it may have. ``needed``: a
    service should not open before it has written it, and cannot take it away again.
    """

    code: str
    name: str
    shown: str
    ours: tuple[str, ...] = ()
    most_words: int = 0
    needed: bool = False


PLACES: tuple[Place, ...] = (
    Place(
        "definition",
        N_("What this is"),
        N_("On the first page, on the poster, in the link worker’s help, in the message to the GP and in the report."),
        (
            N_(
                "A link worker is a person who listens to what matters to you. Together you find support near you: "
                "people to meet, help with money or housing, ways to move more, or help when you care for someone."
            ),
            N_("It costs nothing. It is not for emergencies, and it does not replace your doctor."),
        ),
        most_words=100,
    ),
    Place("link-worker", N_("What a link worker does"), N_("On the first page, under what this is."), most_words=100),
    Place(
        "what-happens-next",
        N_("What happens next"),
        N_("On the first page and after the form is sent, under our promise. The promise itself stays."),
        most_words=100,
    ),
    Place(
        "responsible",
        N_("Who is responsible for what we keep"),
        N_("On the page about privacy: the name of the organisation, its address, and whom to ask about data."),
        needed=True,
    ),
    Place(
        "lawful-basis",
        N_("Why we may keep it"),
        N_("On the page about privacy: the lawful basis on which your organisation keeps and uses what people say."),
        needed=True,
    ),
    Place("help-now", N_("More help near here"), N_("On the page “Need help now?”, under the numbers.")),
    Place(
        "closing",
        N_("Words at the end"),
        N_("On the person’s own page, when the support has ended, before how to come back."),
        most_words=100,
    ),
    Place(
        "paper-address",
        N_("Where to send a paper form"),
        N_("On the printed form: the address to post it to, and where it can be handed in."),
        most_words=60,
    ),
    Place("letter-end", N_("The end of a message to a GP"), N_("At the end of each message to a GP practice.")),
)
"""In the order in which they are shown. The codes are for ever (ServiceText.place)."""

BY_CODE: Mapping[str, Place] = {place.code: place for place in PLACES}

EMPTY = N_("Write something here. To take your words away, press the button below")
EMPTY_NEEDED = N_("Write something here. People have a right to know this, so it cannot be left out")
TOO_MANY_WORDS = N_("Use fewer words. There are %(words)s, and it can have %(most)s at most")
UNREADABLE = N_("Some of the characters cannot be read. Type this again")
TOO_LONG = N_("Use fewer words. It can have %(most)s characters at most")


class BadText(ValueError):
    """These words cannot be kept. ``said``: the sentence (English source text, for gettext); ``given``: what stands in
    it."""

    def __init__(self, said: str, **given: Any) -> None:
        super().__init__(said % given if given else said)
        self.said, self.given = said, given


class TextChanged(Exception):
    """Somebody else has changed this text since the page was opened. ``now``: their wording, or ``None`` for ours."""

    def __init__(self, now: ServiceText | None) -> None:
        super().__init__(now.number if now else 0)
        self.now = now


@dataclass(frozen=True)
class Wording:
    """One version of a text: when it was written, by whom (``None``: at the command line), and the words, or "" where
    ours were taken again."""

    text: ServiceText
    by: str | None


# Reading -------------------------------------------------------------------------------------------------------------


def ours(place: str, language: str) -> str:
    """Our own words for a place, with a blank line between paragraphs; "" where we have none."""
    with speaking(language):
        return "\n\n".join(gettext(paragraph) for paragraph in BY_CODE[place].ours)


def words(store: Session, service: Service, place: str, language: str) -> str:
    """What stands in a place (``PLACES``), in a language: the service's words, else ours in that language. Plain text;
    a blank line is a new paragraph. Raises KeyError for a place that does not exist."""
    latest = current(store, service, place, language)
    return (latest.words if latest else "") or ours(place, language)


def shown(store: Session, service: Service, language: str, *places: str) -> dict[str, str]:
    """The same for several places at once, with one query."""
    newest = (
        select(ServiceText.place, func.max(ServiceText.number))
        .where(
            ServiceText.service_id == service.id, ServiceText.language == language, ServiceText.place.in_(list(places))
        )
        .group_by(ServiceText.place)
    )
    rows = store.execute(
        select(ServiceText.place, ServiceText.words).where(
            ServiceText.service_id == service.id,
            ServiceText.language == language,
            tuple_(ServiceText.place, ServiceText.number).in_(newest),
        )
    )
    theirs = {row.place: row.words for row in rows}
    return {place: theirs.get(place) or ours(place, language) for place in places}


def current(store: Session, service: Service, place: str, language: str) -> ServiceText | None:
    """The newest wording of a place in a language; ``None`` when the service has never written one."""
    return store.scalar(_of(service, place, language).order_by(ServiceText.number.desc()).limit(1))


def history(store: Session, actor: Actor, place: str, language: str) -> Sequence[Wording]:
    """Every wording, newest first. Raises Refused."""
    access.require(actor, Permission.CHANGE_SERVICE)
    found = store.execute(
        select(ServiceText, Staff.name)
        .outerjoin(Staff, (Staff.service_id == ServiceText.service_id) & (Staff.id == ServiceText.changed_by))
        .where(ServiceText.service_id == actor.service_id, ServiceText.place == place, ServiceText.language == language)
        .order_by(ServiceText.number.desc())
    )
    return [Wording(text, name) for text, name in found]


def written(store: Session, service: Service) -> dict[str, set[str]]:
    """For each place the languages in which the service's own words count now."""
    every = select(ServiceText).where(ServiceText.service_id == service.id).order_by(ServiceText.number)
    newest = {(text.place, text.language): text.words for text in store.scalars(every)}
    found: dict[str, set[str]] = {place.code: set() for place in PLACES}
    for (place, language), said in newest.items():
        if said and place in found:
            found[place].add(language)
    return found


def missing(store: Session, service: Service) -> list[Place]:
    """The places that the service must write before it opens, and has not written in English."""
    there = written(store, service)
    return [place for place in PLACES if place.needed and "en" not in there[place.code]]


# Writing -------------------------------------------------------------------------------------------------------------


def checked(place: str, typed: str) -> str:
    """The words as they would be kept. Raises BadText."""
    where = BY_CODE[place]
    try:
        plain = reading.text(typed, LONGEST, lines=True)
    except reading.Unreadable as wrong:
        raise BadText(
            *((TOO_LONG,) if wrong.problem is reading.Problem.TOO_LONG else (UNREADABLE,)), most=LONGEST
        ) from None
    if not plain:
        raise BadText(EMPTY_NEEDED if where.needed else EMPTY)
    count = len(plain.split())
    if where.most_words and count > where.most_words:
        raise BadText(TOO_MANY_WORDS, words=count, most=where.most_words)
    return re.sub(r"\n{3,}", "\n\n", plain)


def write(store: Session, actor: Actor, place: str, language: str, typed: str, *, number: int) -> ServiceText:
    """Put a text into the service's own words. ``number``: the version over which it was written, 0 for ours.

    Raises Refused, KeyError (no such place or language), BadText, TextChanged.
    """
    access.require(actor, Permission.CHANGE_SERVICE)
    return _add(store, actor, BY_CODE[place], language, checked(place, typed), number)


def take_ours(store: Session, actor: Actor, place: str, language: str, *, number: int) -> ServiceText | None:
    """Our words again; the service's stay in the history. ``None`` when it had none. Raises as ``write``; BadText for a
    text that has to be there and that we cannot write."""
    access.require(actor, Permission.CHANGE_SERVICE)
    where = BY_CODE[place]
    if where.needed and language == "en":
        raise BadText(EMPTY_NEEDED)
    if number == 0 and current(store, store.get_one(Service, actor.service_id), place, language) is None:
        return None
    return _add(store, actor, where, language, "", number)


def _add(store: Session, actor: Actor, place: Place, language: str, said: str, number: int) -> ServiceText:
    service = store.get_one(Service, actor.service_id)
    known = LANGUAGES[language].code
    before = current(store, service, place.code, known)
    standing = before.number if before else 0
    if before is not None and before.words == said:
        return before
    if standing != number:
        raise TextChanged(before)
    row = ServiceText(
        service_id=service.id,
        place=place.code,
        language=known,
        number=standing + 1,
        words=said,
        changed_by=actor.staff_id,
    )
    made, new = write_once(store, row, _of(service, place.code, known).where(ServiceText.number == standing + 1))
    if not new:  # another one was written in the same moment
        raise TextChanged(made)
    audit.record(
        store,
        service.id,
        actor,
        "changed text" if said else "took our text again",
        "service",
        service.id,
        place=place.code,
        language=known,
        number=made.number,
    )
    store.flush()
    return made


def _of(service: Service, place: str, language: str) -> Select[ServiceText]:
    where = BY_CODE[place]
    return rows_of(service.id, ServiceText).where(ServiceText.place == where.code, ServiceText.language == language)


# Helping whoever writes ----------------------------------------------------------------------------------------------


def reading_age(text: str) -> int | None:
    """The age at which somebody reads such an English text with ease (Flesch-Kincaid grade and five years), or ``None``
    for a few words: a hint, never a rule. Syllables are counted by groups of vowels, so it is rough."""
    said = re.findall(r"[A-Za-z’']+", text)
    sentences = max(1, len(re.findall(r"[.!?:]+(?=\s|$)|\n\n", text.strip() + "\n\n")))
    if len(said) < 20:
        return None
    syllables = sum(_syllables(word.lower()) for word in said)
    grade = 0.39 * len(said) / sentences + 11.8 * syllables / len(said) - 15.59
    return max(5, round(grade) + 5)


def _syllables(word: str) -> int:
    groups = len(re.findall(r"[aeiouy]+", word))
    silent = word.endswith("e") and not word.endswith("le") and groups > 1
    return max(1, groups - silent)
