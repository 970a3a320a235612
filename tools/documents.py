"""Write docs/generated from the code itself: who may do what, what is stored, how the forms run, what the scales are.

    python -m tools.documents            write them
    python -m tools.documents --check    say what is out of date, and fail

The suite runs the check, so these pages cannot lie.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from portal.access import MAY, Permission, Role
from portal.instruments import Instrument, ScoreRule, State, Threshold, catalogue
from portal.journeys import Journey
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.dictionary import Entry, entries
from portal.journeys.experience import COMMENTS, EXPERIENCE
from portal.journeys.goal_setting import GOAL_SETTING
from portal.journeys.self_referral import SELF_REFERRAL
from tools import documents_of_case

FOLDER = Path(__file__).parent.parent / "docs" / "generated"
JOURNEYS = (SELF_REFERRAL, ABOUT_YOU, GOAL_SETTING, EXPERIENCE, *COMMENTS.values())
MADE = "Made by `python -m tools.documents` from the code. Do not edit.\n"


def permissions() -> str:
    """The permission table."""
    lines = ["# Who may do what\n", MADE]
    lines.append("| May | " + " | ".join(role.value for role in Role) + " |")
    lines.append("|---|" + "---|" * len(Role))
    for permission in Permission:
        cells = ["yes" if role in MAY[permission] else "" for role in Role]
        lines.append(f"| {permission.value} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _codes(entry: Entry) -> str:
    return "<br>".join(f"`{code}` {label}" for code, label in entry.codes)


def dictionary() -> str:
    """The data dictionary."""
    lines = ["# Data dictionary\n", MADE]
    lines.append(
        "Absences are values of their own: `prefer-not-to-say` and `dont-know` were chosen, `left-blank` was shown and "
        "nothing was chosen, `not-asked` means that the page was never put to the person. Empty free text is stored as "
        "no value.\n"
    )
    journey = ""
    for entry in entries(JOURNEYS):
        if entry.journey != journey:
            journey = entry.journey
            lines.append(f"\n## {entry.journey}, version {entry.version}\n")
            lines.append("| Field | Question | Format | Codes | Absences | Must | Asked when | Source |")
            lines.append("|---|---|---|---|---|---|---|---|")
        length = f", up to {entry.longest} characters" if entry.longest else ""
        lines.append(
            f"| `{entry.field}` | {entry.asked} | {entry.format}{length} | {_codes(entry)} "
            f"| {', '.join(f'`{one}`' for one in entry.absences)} | {'yes' if entry.required else ''} "
            f"| {entry.when} | {entry.source} |"
        )
    lines.extend(documents_of_case.lines())
    return "\n".join(lines) + "\n"


def maps() -> str:
    """The journeys as maps: each step, and when it is shown."""
    lines = ["# How the forms run\n", MADE]
    for journey in JOURNEYS:
        lines.append(f"\n## {journey.code}, version {journey.version}\n\n```mermaid\nflowchart TD")
        lines.extend(_map(journey))
        lines.append("```")
    return "\n".join(lines) + "\n"


def _map(journey: Journey) -> list[str]:
    lines, before = [], "start([start])"
    for step in journey.steps:
        condition = str(step.only_if)
        asks = "<br/>".join(question.code for question in step.questions) or "(a page to read)"
        name = step.slug.replace("-", "_")
        when = "" if condition == "always" else f"<br/><i>only if {condition}</i>"
        lines.append(f'    {before} --> {name}["<b>{step.slug}</b><br/>{asks}{when}"]')
        before = name
    return [*lines, f"    {before} --> done([done])"]


COMES = {
    State.ON: "on",
    State.OFF: "off: a service turns it on",
    State.LOCKED: "locked: until the service has written its risk protocol",
    State.GATED: "gated: the service brings the licence and the words",
}


def scales() -> str:
    """Every scale in every version. Codes and values only: the words are their holders', and stay in the data files."""
    every = catalogue().versions()
    lines = ["# Scales\n", MADE]
    lines.append(
        "Codes and values as they are stored. The words of a scale are its holder's: those that come with the portal "
        "stand in `portal/instruments/data/`, and are not repeated here. *Not checked yet* lists what is still to be "
        "compared with the official page before a release.\n"
    )
    told = [
        (f"[`{one.key}`](#{one.key}-version-{one.version})", one.version, one.title, COMES[one.state]) for one in every
    ]
    lines += _table(("Scale", "Version", "Title", "How it comes"), told)
    for one in every:
        lines += _scale(one)
    return "\n".join(lines) + "\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a table; none when it has no rows."""
    cells = [[str(cell).replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    if not cells:
        return []
    return [*(f"| {' | '.join(row)} |" for row in (heads, ["---"] * len(heads), *cells)), ""]


def _scale(one: Instrument) -> Iterator[str]:
    yield f"\n## {one.key}, version {one.version}\n"
    yield f"{one.title}. {one.publisher}.\n"
    yield from _table(("", ""), _facts(one))
    answers = {name: _values(one, name) for name in one.option_sets}
    yield from _table(
        ("Item", "Answers: code and value", "About"),
        ((f"`{item.code}`", answers[item.option_set], item.recall) for item in one.items),
    )
    yield from _table(
        ("Score", "How", "From", "May be missing", "Higher is", "Bands"), (_score(rule) for rule in one.scores)
    )
    yield from _table(
        ("Threshold", "Reached when", "Source"), ((f"`{cut.code}`", _cut(cut), cut.source) for cut in one.thresholds)
    )
    yield from _table(
        ("Norm of", "Population", "What", "Year", "Source"),
        (
            (f"`{norm.score}`", norm.population, f"{norm.statistic} {norm.value}", norm.year, norm.source)
            for norm in one.norms
        ),
    )
    yield from _table(
        ("Official text", "State", "Where"),
        (
            (
                f"{'every other language' if text.language == '*' else f'`{text.language}`'} {text.variant}".strip(),
                text.status.value,
                text.where,
            )
            for text in one.official_texts
        ),
    )


def _values(one: Instrument, option_set: str) -> str:
    options = one.option_sets[option_set]
    if option_set in one.ranges:
        return f"`{options[0].code}` to `{options[-1].code}`, the value is the number"
    return ", ".join(f"`{option.code}`" + ("" if option.value is None else f" {option.value}") for option in options)


def _facts(one: Instrument) -> Iterator[tuple[str, str]]:
    facts = {
        "How it comes": COMES[one.state],
        "Only for": one.only_for,
        "From age": one.min_age,
        "For somebody else": "may be answered by somebody who knows the person well" if one.proxy else "",
        "Anonymous": "nobody knows whose answer it is" if one.anonymous else "",
        "Not again within": f"{one.not_again_within_days} days" if one.not_again_within_days else "",
        "At most at once": one.repeats if one.repeats > 1 else "",
        "Rights": one.licence.holder,
        "Terms": " ".join(part for part in (one.licence.terms, one.licence.url) if part),
        "Registration": "needed" if one.licence.registration else "",
        "Printed under it": one.licence.print_line,
        "Words here": ", ".join(f"`{language}`" for language in one.languages())
        + (", and as our pages in the other languages" if one.own_wording else "")
        or "none",
        "Risk": "; ".join(f"`{risk.item}` from {risk.at_least} on ({risk.source})" for risk in one.risk),
        "Risk protocol": ", ".join(f"`{part}`" for part in one.protocol),
        "Change that counts": f"{one.change.by} on `{one.change.score}` ({one.change.source})" if one.change else "",
        "Free text": ", ".join(f"`{code}`" for code in one.free_text),
        "Sources": "; ".join(one.sources),
        "Not checked yet": ", ".join(f"`{path}`" for path in one.unverified),
    }
    return ((name, str(value)) for name, value in facts.items() if value)


def _score(rule: ScoreRule) -> tuple[str, ...]:
    """A row about a score."""
    of = ", ".join(f"`{code}`" for code in rule.share_of or rule.items)
    bands = "; ".join(f"`{band.code}` {band.lowest} to {band.highest}" for band in rule.bands)
    source = f" ({rule.band_source})" if bands and rule.band_source else ""
    return f"`{rule.code}`", rule.kind.value, of, str(rule.most_missing), rule.direction.value, bands + source


def _cut(cut: Threshold) -> str:
    return f"`{cut.score}` {cut.cut.value.replace('-', ' ')} {cut.value}"


PAGES = {
    "permissions.md": permissions,
    "data-dictionary.md": dictionary,
    "journeys.md": maps,
    "scales.md": scales,
}


def out_of_date() -> list[str]:
    """The names of the pages that differ from the code."""
    return [
        name
        for name, write in PAGES.items()
        if not (FOLDER / name).exists() or (FOLDER / name).read_text("utf-8") != write()
    ]


if __name__ == "__main__":
    if "--check" in sys.argv:
        stale = out_of_date()
        sys.exit(f"Run python -m tools.documents: {', '.join(stale)}" if stale else 0)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        (FOLDER / name).write_text(write(), "utf-8")
