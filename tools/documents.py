"""Write docs/generated from the code itself: who may do what, what is stored, how the forms run.

    python -m tools.documents            write them
    python -m tools.documents --check    say what is out of date, and fail

The suite runs the check, so these pages cannot lie.
"""

import sys
from pathlib import Path

from portal.access import MAY, Permission, Role
from portal.journeys import Journey
from portal.journeys.about_you import ABOUT_YOU
from portal.journeys.dictionary import Entry, entries
from portal.journeys.experience import COMMENTS, EXPERIENCE
from portal.journeys.goal_setting import GOAL_SETTING
from portal.journeys.self_referral import SELF_REFERRAL

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


PAGES = {"permissions.md": permissions, "data-dictionary.md": dictionary, "journeys.md": maps}


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
