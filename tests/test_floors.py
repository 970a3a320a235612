"""The floors of the house, and that the lists which hold them forget no room."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent.parent
DOORS = {"portal.web", "portal.cli"}


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def rooms_with_a_floor() -> set[str]:
    floors = contracts()[0]
    return {f"portal.{room}" for floor in floors["layers"] for room in re.split(r" [|:] ", floor)}


def rooms_there_are() -> set[str]:
    folder = HERE / "portal"
    modules = {file.stem for file in folder.glob("*.py") if file.stem != "__init__"}
    return {f"portal.{name}" for name in modules | {file.parent.name for file in folder.glob("*/__init__.py")}}


def lint(folder: Path) -> "subprocess.CompletedProcess[str]":
    """The import contracts, read by a process of their own: the linter remembers what it read."""
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_goes_down() -> None:
    told = lint(HERE)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_room_is_held_to_every_rule() -> None:
    _, no_flask, *_ = contracts()
    assert rooms_with_a_floor() - DOORS == set(no_flask["source_modules"])


def test_the_list_of_floors_names_the_rooms_there_are() -> None:
    assert rooms_with_a_floor() == rooms_there_are()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("portal/journeys/engine.py", "from flask import session", "Flask stays at the doors"),
        ("portal/clock.py", "from portal.store import Base", "Floors"),
        ("portal/clock.py", "import sqlalchemy", "The core needs no database"),
        ("portal/loose.py", "import datetime", "Floors"),
        ("portal/access.py", "import config", "Flask stays at the doors"),
        ("portal/accounts/providers.py", "import requests", "Only one room asks"),
        ("portal/web/security.py", "from portal.store import Staff", "Doors do not query"),
    ],
)
def test_a_broken_rule_is_noticed(tmp_path: Path, file: str, line: str, broken: str) -> None:
    subprocess.run(["cp", "-r", HERE / "portal", HERE / "pyproject.toml", tmp_path], check=True)
    with (tmp_path / file).open("a", encoding="utf-8") as out:
        out.write(f"\n\ndef _planted() -> None:\n    {line}\n")
    told = lint(tmp_path)
    assert told.returncode != 0
    assert re.search(rf"{broken}.*BROKEN", told.stdout), told.stdout
