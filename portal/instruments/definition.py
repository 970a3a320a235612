"""What a scale is: items, answers with explicit values, scores, bands, published thresholds, licence, words.

Rules of the published forms are held here as data; how they are worked out is in scoring.py, and what a definition may
not get wrong is in checking.py.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

Number = int | Decimal
"""A stored answer is an int; a score is an int, or a Decimal where the published table has decimals."""


class State(StrEnum):
    """How a scale comes: what a service may do with it before anybody has set anything up."""

    ON = "on"
    OFF = "off"
    LOCKED = "locked"  # off, until the service has written down its risk protocol
    GATED = "gated"  # a slot: the service brings licence and text


class Kind(StrEnum):
    """How a score comes out of answers."""

    NONE = "none"  # the answer itself, no total
    SUM = "sum"
    SUM_X4 = "sum-x4"
    SUM_TO_TABLE = "sum-to-table"
    COUNT_OF = "count-of"  # how many items have one of the values that count
    MEAN_OF_GOALS = "mean-of-goals"
    GAS = "gas"
    SHARE = "share"  # percentage of many people's answers; one person has none


class Direction(StrEnum):
    """What a higher value says. Only the first three can be better or worse."""

    HIGHER_BETTER = "higher-better"
    HIGHER_WORSE = "higher-worse"
    HIGHER_LONELIER = "higher-lonelier"
    HIGHER_MORE_ACTIVE = "higher-more-active"
    CATEGORY = "category"  # codes, not amounts: never subtracted, never averaged


class Cut(StrEnum):
    """How a threshold compares."""

    BELOW = "below"
    AT_MOST = "at-most"
    AT_LEAST = "at-least"
    ANY_ITEM_AT_MOST = "any-item-at-most"


class TextStatus(StrEnum):
    """What is known about an official text in a language that we do not ship."""

    TWO_SOURCES = "official-two-sources"
    ONE_SOURCE = "official-one-source"
    NOT_HELD = "official-not-held"
    NOT_IN_HOLDER_LIST = "not-in-holder-list"
    NONE_FOUND = "none-found"


@dataclass(frozen=True)
class Option:
    """One answer. `value` is what is stored and scored; None where the published form gives no number."""

    code: str
    value: int | None


@dataclass(frozen=True)
class Item:
    """One question of a scale. Its words are in a Wording: a scale may be here without them.

    `option_set` names its answers, in the order of the form. `counts` are the values that count (kind count-of).
    `weekday_matters`: asked about yesterday, so a Monday and a Saturday are not alike.
    """

    code: str
    option_set: str
    counts: frozenset[int] = frozenset()
    recall: str = ""
    weekday_matters: bool = False


@dataclass(frozen=True)
class Band:
    """A published range of a score, both ends belonging to it."""

    code: str
    lowest: Number
    highest: Number


@dataclass(frozen=True)
class ScoreRule:
    """How one score of a scale is worked out. `most_missing`: how many items may be missing by the published rule."""

    code: str
    kind: Kind
    items: tuple[str, ...]
    direction: Direction
    most_missing: int = 0
    bands: tuple[Band, ...] = ()
    band_source: str = ""
    table: Mapping[int, Decimal] = field(default_factory=dict)
    share_of: tuple[str, ...] = ()
    rho: Decimal | None = None


@dataclass(frozen=True)
class Threshold:
    """A published cut on a score (or on the items under it)."""

    code: str
    score: str
    cut: Cut
    value: int
    source: str


@dataclass(frozen=True)
class Norm:
    """What a population scored, and when. A line to compare with, never a target."""

    score: str
    population: str
    statistic: str
    value: Number
    year: str
    source: str


@dataclass(frozen=True)
class ReliableChange:
    """The published change in one person's score that counts, in points of that score."""

    score: str
    by: Number
    source: str


@dataclass(frozen=True)
class RiskItem:
    """An item whose answer, from this value on, needs a person at once: whatever the total, however little is filled
    in."""

    item: str
    at_least: int
    source: str


@dataclass(frozen=True)
class Licence:
    """Whose the words are, on what terms, and the line to print under the scale. `own_file` says that the words lie in
    a folder of their own with their own LICENSE."""

    holder: str
    terms: str
    url: str
    registration: bool | None
    ships_text: bool
    print_line: str
    own_file: bool = False


@dataclass(frozen=True)
class OfficialText:
    """What is known of the rights holder's text in a language (BCP 47; "*" is every language not named)."""

    language: str
    status: TextStatus
    where: str = ""
    variant: str = ""


@dataclass(frozen=True)
class Wording:
    """The exact words of a scale in one language. Never gettext, never put together from two languages.

    `options` is option set -> option code -> label. In a set that is a range of numbers only the named ends (and
    middles) have labels; the others show their number. `direction` is ltr or rtl (empty: as the language is written);
    `attribution` is the line to print under words that were brought, where it differs from the scale's own.
    """

    language: str
    instruction: str
    items: Mapping[str, str]
    options: Mapping[str, Mapping[str, str]]
    stem: str = ""
    free_text: Mapping[str, str] = field(default_factory=dict)
    direction: str = ""
    variant: str = ""
    attribution: str = ""


@dataclass(frozen=True)
class Instrument:
    """A scale in one version. Published once, it never changes: other words or rules are another version."""

    key: str
    version: str
    title: str
    publisher: str
    state: State
    licence: Licence
    sources: tuple[str, ...]
    items: tuple[Item, ...]
    option_sets: Mapping[str, tuple[Option, ...]]
    scores: tuple[ScoreRule, ...]
    proxy: bool
    ranges: frozenset[str] = frozenset()  # the option sets that are ranges of numbers
    wordings: Mapping[str, Wording] = field(default_factory=dict)
    thresholds: tuple[Threshold, ...] = ()
    norms: tuple[Norm, ...] = ()
    change: ReliableChange | None = None
    risk: tuple[RiskItem, ...] = ()
    official_texts: tuple[OfficialText, ...] = ()
    min_age: int | None = None
    not_again_within_days: int = 0
    protocol: tuple[str, ...] = ()
    free_text: tuple[str, ...] = ()
    repeats: int = 1
    own_wording: bool = False
    anonymous: bool = False
    only_for: str = ""
    unverified: tuple[str, ...] = ()

    @cached_property
    def item_by_code(self) -> Mapping[str, Item]:
        return {item.code: item for item in self.items}

    @cached_property
    def score_by_code(self) -> Mapping[str, ScoreRule]:
        return {rule.code: rule for rule in self.scores}

    def options(self, item: str) -> tuple[Option, ...]:
        """The answers of an item, in the order of the form. Raises KeyError for an item that is not of this scale."""
        return self.option_sets[self.item_by_code[item].option_set]

    def possible(self, score: str) -> tuple[Number, ...]:
        """Every value that a score can have, lowest first; none for the kinds that one response cannot give.
        Raises KeyError for a score that is not of this scale."""
        rule = self.score_by_code[score]
        match rule.kind:
            case Kind.NONE | Kind.SUM:
                return self.sums(score)
            case Kind.SUM_X4:
                return tuple(4 * value for value in self.sums(score))
            case Kind.SUM_TO_TABLE:
                return tuple(sorted(rule.table.values()))
            case Kind.COUNT_OF:
                return tuple(range(len(rule.items) + 1))
            case _:  # several goals, or several people
                return ()

    def sums(self, score: str) -> tuple[int, ...]:
        """Every sum that the items of a score can have, lowest first."""
        sums = {0}
        for code in self.score_by_code[score].items:
            values = [option.value for option in self.options(code) if option.value is not None]
            sums = {so_far + value for so_far in sums for value in values}
        return tuple(sorted(sums))

    def languages(self) -> tuple[str, ...]:
        """The languages (BCP 47) whose words come with this scale."""
        return tuple(self.wordings)

    def wording_hash(self, wording: Wording) -> str:
        """SHA-256 of the words with their values: what is stored beside every response, so that answers to other words
        are never mistaken for answers to these. No Unicode normalisation: other bytes are other words."""
        listed = {s: self._labelled(s, wording) for s in self.option_sets if s in wording.options}
        plain = len(listed) == 1 and not self.ranges
        words: dict[str, object] = {
            "instrument": self.key,
            "version": self.version,
            "language": wording.language,
            "instructions": wording.instruction,
            "items": [{"n": n, "text": wording.items[item.code]} for n, item in enumerate(self.items, 1)],
            "options": next(iter(listed.values())) if plain else [],
        }
        if not plain:
            words["option_sets"] = listed
        for name, more in (("stem", wording.stem), ("free_text", dict(wording.free_text))):
            if more:
                words[name] = more
        blob = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(blob.encode()).hexdigest()

    def _labelled(self, option_set: str, wording: Wording) -> list[dict[str, object]]:
        labels = wording.options[option_set]
        options = [option for option in self.option_sets[option_set] if option.code in labels]
        return [{"value": option.value, "text": labels[option.code]} for option in options]
