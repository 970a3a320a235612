"""A message back as people read it: the words alone, each thing said once, what is asked of anybody first.

Declared once, line by line, from the items of the standard: the page, the print and the plain text all follow. Codes
are for the FHIR document; so are the contacts before the latest, which are counted here and told one by one there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from portal.i18n import LONDON, say_date, speaking
from portal.letters.document import Document, Part, Value
from portal.letters.standard import ATTRIBUTION

MOST_CONTACTS = 5
"""As many are told one by one; of more, the earlier ones are counted."""
WHOLE_NAME = "whole-name"
"""Stands for the person's first and family name together."""
OWN_CONTACT = "own-contact"
"""Stands for the contact of whoever came by themselves: it is told with what they said about it, under Contact."""


@dataclass(frozen=True)
class Row:
    """A line: its words, and what stands before them, if anything."""

    label: str
    words: str


@dataclass(frozen=True)
class Block:
    """A section as it is read. ``code`` is the section's."""

    code: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Sheet:
    """The whole message. ``about``: what the service is; ``end``: its words at the end; ``sources``: who the
    questions, the bands and the headings are from."""

    title: str
    origin: str
    whose: tuple[Row, ...]
    blocks: tuple[Block, ...]
    about: str
    end: str
    author: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Piece:
    """One item within a line. ``before`` and ``after`` part it from its neighbours, and fall away where it has none.
    ``low``: begins small. ``day``: the day alone, of a moment. ``unless``: left out where one of these items says the
    same."""

    item: str
    before: str = ""
    after: str = ""
    low: bool = False
    day: bool = False
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Line:
    """One line, and the items that it is made of."""

    label: str
    pieces: tuple[Piece, ...]


def _line(label: str, *pieces: Piece) -> Line:
    return Line(label, pieces)


_ADDRESS = tuple(Piece(f"address-{number}", ", ") for number in range(1, 6))

WHOSE: tuple[Line, ...] = (
    _line("About", Piece("first-name"), Piece("family-name", " ")),
    _line("Likes to be called", Piece("preferred-name", unless=("first-name", WHOLE_NAME))),
    _line("Pronouns", Piece("pronouns")),
    _line("Born", Piece("born")),
    _line("NHS number", Piece("nhs-number"), Piece("nhs-number-status", " (", ")", low=True)),
)
"""Whose message it is: it stands at the head, so that it finds its way into the right record."""

# Words that somebody wrote, in whatever script, end a line: what follows in English would be read in the wrong order.
LINES: Mapping[str, tuple[Line, ...]] = {
    "requested": (
        _line("For professionals", Piece("actions-professionals")),
        _line("For the person or their carer", Piece("actions-person")),
        _line("Agreed with the person", Piece("agreed-all")),
    ),
    "person": (
        _line("Address", *_ADDRESS, Piece("postcode", ", ")),
        _line("Contact", Piece("phone"), Piece("email", ", "), Piece("preferred-contact", ". Best by ", low=True)),
        _line("To reach them safely", Piece("contact-rule")),
    ),
    "consent": (_line("", Piece("consent")),),
    "requirement": (_line("", Piece("adjustment"), Piece("adjustment-detail", ": ")),),
    "practice-entry": (_line("", Piece("practice-details")),),
    "referral-entry": (
        _line("Reason, in the person's words", Piece("reason")),
        _line(
            "Referred",
            Piece("referred-on", day=True),
            Piece("method", ", ", low=True),
            Piece("referrer-name", ", by ", unless=(WHOLE_NAME,)),
            Piece("referrer-role", ", ", low=True),
            Piece("referrer-service", ", ", unless=("referrer-role", "method")),
            Piece("referrer-organisation", ", ", unless=("referrer-role", "method", "referrer-service")),
            Piece("referrer-contact", ", ", unless=(OWN_CONTACT, "to-contact")),
        ),
        _line(
            "Referred to",
            Piece("to-name"),
            Piece("to-role", ", ", low=True),
            Piece("to-team", ", "),
            Piece("to-organisation", ", "),
            Piece("to-contact", ", "),
        ),
    ),
    "contact": (
        _line(
            "",
            Piece("consultation"),
            Piece("contact-location", ", ", low=True),
            Piece("contact-type", ": ", low=True),
        ),
    ),
    "summary": (_line("", Piece("summary")),),
    "signpost": (
        _line(
            "",
            Piece("signpost-service"),
            Piece("signpost-contact", ", "),
            Piece("signpost-reason", ". For: ", low=True),
        ),
    ),
    "risk": (_line("", Piece("risk"), Piece("risk-from", " (since ", ")"), Piece("risk-comment", ": ")),),
    "plan": (
        _line("Strengths", Piece("strengths")),
        _line(
            "Agreed",
            Piece("plan-agreed", unless=("agreed-all",)),
            Piece("plan-agreed-name", ", by ", unless=(WHOLE_NAME,)),
        ),
        _line("Last changed", Piece("plan-updated", day=True)),
        _line(
            "To be looked at again",
            Piece("plan-review"),
            Piece("plan-responsible", ", by "),
            Piece("plan-responsible-role", ", ", low=True, unless=("to-role",)),
            Piece("plan-responsible-contact", ", ", unless=("to-contact",)),
        ),
    ),
    "need": (_line("Need", Piece("need")),),
    "goal": (
        _line("Goal, in the person's words", Piece("goal")),
        _line(
            "How it stands",
            Piece("goal-status"),
            Piece("goal-importance", ". Importance to them: ", " of 10"),
            Piece("goal-outcome", ". "),
        ),
    ),
    "action": (
        _line("Action", Piece("action")),
        _line(
            "By",
            Piece("action-role"),
            Piece("action-who", ", "),
            Piece("action-when", ". Until: "),
            Piece("action-status", ". "),
            Piece("action-updated", " (", ")", day=True),
            Piece("action-confidence", ". How sure they are: ", " of 10"),
            Piece("action-strategies", ". What may get in the way: "),
            Piece("action-review", ". To be looked at again: "),
        ),
    ),
}
"""The lines of a section or a part, by its code."""

SAID_OTHERWISE = (
    *("contact-at", "seen-by", "seen-by-role", "responsible", "contact-outcome", "signpost-on"),
    *("assessment-type", "assessment-name", "assessment-summary", "assessment-score", "assessment-value"),
    *("assessment-band", "assessment-comment", "subscale-score", "subscale-value", "subscale-band"),
)
"""Items that no line above is made of: contacts stand by their days, answers by their scales, see below."""
FOR_MACHINES = ("practice-code", "to-service", "adjustment-flag")
"""Items that nobody reads: the name of the practice says the first (the standard lets it go unshown), the title the
second, the need itself the third."""


def sheet(document: Document) -> Sheet:
    """The message as people read it."""
    with speaking("en"):
        return _Made(document).sheet()


class _Made:
    """The lines of one message. ``told``: what each item says anywhere in it."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.told = {value.item: _plain(value.text) for section in document.sections for value in _values(section)}
        self.told[WHOLE_NAME] = f"{self.told.get('first-name', '')} {self.told.get('family-name', '')}".strip()
        if "method" in self.told:
            self.told[OWN_CONTACT] = self.told.get("referrer-contact", "")

    def sheet(self) -> Sheet:
        facts, day = self.document.facts, datetime.fromisoformat(self.document.made_at).astimezone(LONDON)
        origin = f"{facts.get('service', '')}, {say_date(day, weekday=False)}"
        whose = tuple(self._rows(WHOSE, self.document.section("person") or Part("person")))
        blocks = (Block(one.code, one.title, tuple(self._block(one))) for one in self.document.sections)
        return Sheet(
            self.document.title,
            origin,
            whose,
            tuple(one for one in blocks if one.rows),
            facts.get("about", ""),
            facts.get("end", ""),
            ", ".join(filter(None, (facts.get("author"), _low(facts.get("author_role", ""))))),
            (*self._sources(), ATTRIBUTION),
        )

    def _block(self, section: Part) -> Iterator[Row]:
        special: dict[str, Callable[[Sequence[Part]], Iterator[Row]]] = {
            "contacts": self._contacts,
            "signposts": self._signposts,
            "assessments": self._assessments,
        }
        if section.code in special:
            yield from (row for row in special[section.code](section.parts) if row.words)
        else:
            yield from self._all(section)

    def _all(self, part: Part) -> Iterator[Row]:
        yield from self._rows(LINES.get(part.code, ()), part)
        for below in part.parts:
            yield from self._all(below)

    def _rows(self, lines: Sequence[Line], part: Part) -> Iterator[Row]:
        for line in lines:
            if words := self._words(line, part):
                yield Row(line.label, words)

    def _again(self, piece: Piece, words: str) -> bool:
        """Whether another item says so already, as it stands or in more words ("Self" after "Self-referral")."""
        return any(f"{self.told.get(other, '')} ".startswith(f"{_plain(words)} ") for other in piece.unless)

    def _words(self, line: Line, part: Part) -> str:
        made = ""
        for piece in line.pieces:
            words = _day(part, piece.item) if piece.day else part.text_of(piece.item)
            if not words or self._again(piece, words):
                continue
            within = made or piece.before.strip(BETWEEN)
            made = _joined(made, piece, _low(words) if piece.low and within else words)
        return made

    # What stands by its day ------------------------------------------------------------------------------------------

    def _contacts(self, parts: Sequence[Part]) -> Iterator[Row]:
        """One line for each, the latest first; of many, the earlier ones by their number."""
        latest = parts if len(parts) <= MOST_CONTACTS else parts[1 - MOST_CONTACTS :]
        earlier = parts[: len(parts) - len(latest)]
        workers = dict.fromkeys(_worker(one) for one in parts)
        together = len(workers) == 1
        for one in reversed(latest):
            words = self._words(LINES["contact"][0], one)
            who = _worker(one)
            yield Row(_day(one, "contact-at"), words if together or not who else f"{words}. With {who}")
        if earlier:
            how: dict[str, int] = {}
            for one in earlier:
                kind = one.text_of("consultation")
                how[kind] = how.get(kind, 0) + 1
            first, last = _day(earlier[0], "contact-at"), _day(earlier[-1], "contact-at")
            told = ", ".join(f"{kind}: {many}" for kind, many in how.items())
            days = f"on {first}" if first == last else f"between {first} and {last}"
            yield Row("Before that", f"{len(earlier)} contacts {days}. {told}")
        if together and (who := next(iter(workers))):
            yield Row("With", who)
        responsible = parts[-1].text_of("responsible")
        if _plain(responsible) != self.told.get("to-name"):
            yield Row("Responsible", responsible)
        yield Row("What follows", parts[-1].text_of("contact-outcome"))

    def _signposts(self, parts: Sequence[Part]) -> Iterator[Row]:
        for one in parts:
            yield Row(one.text_of("signpost-on"), self._words(LINES["signpost"][0], one))

    # Answers ---------------------------------------------------------------------------------------------------------

    def _assessments(self, parts: Sequence[Part]) -> Iterator[Row]:
        """Each scale once: when it was answered, and each score then and now."""
        by_scale: dict[str, list[Part]] = {}
        for one in parts:
            by_scale.setdefault(one.text_of("assessment-name"), []).append(one)
        for name, answered in by_scale.items():
            days = " and ".join(one.text_of("assessment-summary") for one in answered)
            kind = answered[0].text_of("assessment-type")
            yield Row(name, "\n".join([f"{kind}: {days}", *_scores(answered)]))

    def _sources(self) -> Iterator[str]:
        """What the holders of rights want said, once for each scale."""
        section = self.document.section("assessments") or Part("assessments")
        said = ((one.text_of("assessment-name"), one.text_of("assessment-comment")) for one in section.parts)
        yield from (f"{name}: {words}" for name, words in dict.fromkeys(said) if words)


def _scores(answered: Sequence[Part]) -> Iterator[str]:
    """Each score or question: what it was at first, and what it is now."""
    told: dict[str, dict[int, str]] = {}
    for place, one in enumerate(answered):
        own = [(one, "assessment")] if one.text_of("assessment-value") else []
        for part, kind in (*own, *((below, "subscale") for below in one.parts)):
            band = part.text_of(f"{kind}-band")
            value = f"{part.text_of(f'{kind}-value')}{f' ({band})' if band else ''}"
            told.setdefault(part.text_of(f"{kind}-score"), {})[place] = value
    for asked, values in told.items():
        several, named = len(answered) > 1, ("first", "latest")
        now = ", ".join(f"{named[place]} {value}" if several else value for place, value in values.items())
        yield f"{asked} {now[:1].upper()}{now[1:]}" if asked.endswith("?") else f"{asked}: {now}"


# Words ---------------------------------------------------------------------------------------------------------------


def _worker(part: Part) -> str:
    return ", ".join(filter(None, (part.text_of("seen-by"), _low(part.text_of("seen-by-role")))))


BETWEEN = " ,.:("
"""What parts one item of a line from the next."""


def _low(words: str) -> str:
    """As it stands within a sentence; "GP" and "NHS" stay."""
    return words if words[1:2].isupper() else f"{words[:1].lower()}{words[1:]}"


def _joined(made: str, piece: Piece, words: str) -> str:
    if not made:
        before = piece.before.lstrip(BETWEEN)
        return f"{before[:1].upper()}{before[1:]}{words}{piece.after.replace(')', '')}"
    before = piece.before
    if made[-1] in ".!?…؟۔" and before.startswith("."):
        before = before[1:]
    return f"{made}{before}{words}{piece.after}"


def _day(part: Part, item: str) -> str:
    """The day of a moment or a date, in words; as it is told where it is none."""
    kept = part.code_of(item)
    try:
        return say_date(date.fromisoformat(kept[:10]), weekday=False)
    except ValueError:
        return part.text_of(item)


def _values(part: Part) -> Iterator[Value]:
    yield from part.values
    for below in part.parts:
        yield from _values(below)


def _plain(words: str) -> str:
    """Words as they are compared: neither capitals nor hyphens make a difference, nor the colon after them."""
    return " ".join(words.casefold().replace("-", " ").replace(":", " ").split())
