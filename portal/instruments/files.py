"""The data files of the scales, read once at start: one file per scale and version, nothing made up in between.

A scale whose words have a licence of their own lies in a folder of its own beside that LICENSE; take the folder out and
everything else still works. A new wording is a new file (`<key>-v2.toml`): the old one stays, since old answers keep
their version.
"""

import tomllib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from portal.instruments.checking import problems
from portal.instruments.definition import (
    Band,
    Cut,
    Direction,
    Instrument,
    Item,
    Kind,
    Licence,
    Norm,
    OfficialText,
    Option,
    ReliableChange,
    RiskItem,
    ScoreRule,
    State,
    TextStatus,
    Threshold,
    Wording,
)

DATA = Path(__file__).with_name("data")
_Table = dict[str, Any]


class WrongDefinition(ValueError):
    """A data file contradicts itself; the message names the file and all that is wrong with it."""


class Catalogue(Mapping[str, Instrument]):
    """The scales by key, each in its newest version; `version` finds an older one."""

    def __init__(self, instruments: tuple[Instrument, ...]) -> None:
        self._all = {(instrument.key, instrument.version): instrument for instrument in instruments}
        newest: dict[str, Instrument] = {}
        for instrument in sorted(instruments, key=lambda one: int(one.version)):
            newest[instrument.key] = instrument
        self._newest = dict(sorted(newest.items()))

    def __getitem__(self, key: str) -> Instrument:
        return self._newest[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._newest)

    def __len__(self) -> int:
        return len(self._newest)

    def version(self, key: str, version: str) -> Instrument:
        """The scale in the version that an answer was given to. Raises KeyError when there never was one."""
        return self._all[key, version]

    def versions(self) -> tuple[Instrument, ...]:
        """Every version of every scale."""
        return tuple(self._all.values())


@cache
def catalogue() -> Catalogue:
    """Every scale that comes with the portal. Call it at start: it raises WrongDefinition when a file is wrong."""
    return read(DATA)


def read(folder: Path) -> Catalogue:
    """The scales in a folder and in the folders right below it, checked. Raises WrongDefinition."""
    tables = {path: _table(path) for path in sorted([*folder.glob("*.toml"), *folder.glob("*/*.toml")])}
    by_key = {(table["key"], table["version"]): table for table in tables.values()}
    made = []
    for path, table in tables.items():
        if path.stem != (table["key"] if table["version"] == "1" else f"{table['key']}-v{table['version']}"):
            raise WrongDefinition(f"{path.name} holds {table['key']}, version {table['version']}: name it so")
        own_file = path.parent != folder
        if own_file and not (path.parent / "LICENSE").is_file():
            raise WrongDefinition(f"{path.parent.name} has no LICENSE beside its words")
        try:
            instrument = _instrument(_whole(table, by_key), own_file=own_file)
        except (KeyError, ValueError, TypeError) as wrong:
            raise WrongDefinition(f"{path.name} cannot be read: {wrong!r}") from wrong
        found = [*problems(instrument), *_unknown_paths(table)]
        if found:
            raise WrongDefinition(f"{path.name} {'; '.join(found)}")
        made.append(instrument)
    return Catalogue(tuple(made))


def _table(path: Path) -> _Table:
    # Decimals as printed: 12.40 is never a float on its way to a page.
    return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)


# --- a short form takes everything from the longer form -------------------------------------------------------------


def _whole(table: _Table, by_key: Mapping[tuple[str, str], _Table]) -> _Table:
    """A short form with items, answers, words, licence and official texts of the longer one, so that the two can never
    differ by a letter."""
    if "part_of" not in table:
        return table
    longer = by_key[table["part_of"]["key"], table["part_of"]["version"]]
    codes = table["part_of"]["items"]
    wording = {
        language: {**words, "items": {code: words["items"][code] for code in codes}}
        for language, words in longer["wording"].items()
    }
    return {
        **{name: longer[name] for name in ("licence", "options", "official_texts")},
        "items": [item for item in longer["items"] if item["code"] in codes],
        "wording": wording,
        **{name: value for name, value in table.items() if name != "part_of"},
    }


def _unknown_paths(table: _Table) -> Iterator[str]:
    """What `unverified` names and the file does not have: a note about nothing hides a note that is missing."""
    for path in table.get("unverified", ()):
        here: Any = table
        for part in path.split("."):
            if isinstance(here, list):
                here = next((entry for entry in here if part in (entry.get("code"), entry.get("score"))), {})
            else:
                here = here.get(part, {})
        if here == {}:
            yield f"calls {path} unverified, which it does not have"


# --- from a table to a scale ----------------------------------------------------------------------------------------


def _instrument(table: _Table, *, own_file: bool) -> Instrument:
    rest = dict(table)
    ranges = {item["code"]: item["range"] for item in table.get("items", ()) if "range" in item}
    options = {name: tuple(_options(listed)) for name, listed in rest.pop("options", {}).items()}
    for name, (lowest, highest) in ranges.items():
        options[name] = tuple(Option(str(value), value) for value in range(lowest, highest + 1))
    recall = rest.pop("recall", "")
    items = tuple(_item(item, recall) for item in rest.pop("items", ()))
    change = rest.pop("change", None)
    return Instrument(
        state=State(rest.pop("state")),
        licence=_licence(rest.pop("licence"), own_file=own_file),
        sources=tuple(rest.pop("sources")),
        items=items,
        option_sets=MappingProxyType(options),
        ranges=frozenset(ranges),
        scores=tuple(_score(score, items) for score in rest.pop("scores", ())),
        wordings=MappingProxyType({tag: _wording(tag, words) for tag, words in rest.pop("wording", {}).items()}),
        thresholds=tuple(_threshold(threshold) for threshold in rest.pop("thresholds", ())),
        norms=tuple(Norm(**norm) for norm in rest.pop("norms", ())),
        change=ReliableChange(**change) if change else None,
        risk=tuple(RiskItem(**risk) for risk in rest.pop("risk", ())),
        official_texts=tuple(_official_text(text) for text in rest.pop("official_texts", ())),
        protocol=tuple(rest.pop("protocol", ())),
        free_text=tuple(rest.pop("free_text", ())),
        unverified=tuple(rest.pop("unverified", ())),
        **rest,
    )


def _options(listed: list[_Table]) -> Iterator[Option]:
    for option in listed:
        yield Option(option["code"], option.get("value"))


def _item(item: _Table, recall: str) -> Item:
    rest = {name: value for name, value in item.items() if name not in ("range", "options", "counts")}
    option_set = item["code"] if "range" in item else item["options"]
    return Item(**{"recall": recall, "option_set": option_set, "counts": frozenset(item.get("counts", ())), **rest})


def _score(score: _Table, items: tuple[Item, ...]) -> ScoreRule:
    rest = dict(score)
    return ScoreRule(
        kind=Kind(rest.pop("kind")),
        direction=Direction(rest.pop("direction")),
        items=tuple(rest.pop("items", [item.code for item in items])),
        bands=tuple(Band(**band) for band in rest.pop("bands", ())),
        table=MappingProxyType({int(raw): value for raw, value in rest.pop("table", {}).items()}),
        share_of=tuple(rest.pop("share_of", ())),
        **rest,
    )


def _threshold(threshold: _Table) -> Threshold:
    rest = dict(threshold)
    (cut,) = (cut for cut in Cut if cut.value.replace("-", "_") in threshold)
    value = rest.pop(cut.value.replace("-", "_"))
    return Threshold(cut=cut, value=value, **rest)


def _wording(language: str, words: _Table) -> Wording:
    rest = dict(words)
    labels = {name: MappingProxyType(texts) for name, texts in rest.pop("options", {}).items()}
    return Wording(
        language=language,
        instruction=rest.pop("instruction", ""),
        items=MappingProxyType(rest.pop("items", {})),
        options=MappingProxyType(labels),
        free_text=MappingProxyType(rest.pop("free_text", {})),
        **rest,
    )


def _official_text(text: _Table) -> OfficialText:
    return OfficialText(**{**text, "status": TextStatus(text["status"])})


def _licence(licence: _Table, *, own_file: bool) -> Licence:
    return Licence(**{"holder": "", "url": "", "print_line": "", "registration": None, **licence}, own_file=own_file)
