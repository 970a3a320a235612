"""One run of the tests, which may be several processes: the folder they share, and the figures printed at its end."""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

FOLDER = "FRONT_DOOR_TEST_FOLDER"  # in the environment, so that every process of a run finds the same folder


def folder() -> Path:
    """The folder that all processes of this run share; it goes when the run ends."""
    return Path(os.environ[FOLDER])


def prepared(name: str, make: Callable[[Path], None]) -> Path:
    """A folder with something that every process of this run may use, and none may change: the first that asks makes
    it, the others wait for it."""
    made = folder() / name
    with (folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            begun = made.with_suffix(".begun")
            shutil.rmtree(begun, ignore_errors=True)
            begun.mkdir()
            make(begun)
            begun.rename(made)
    return made


def note(kind: str, number: int) -> None:
    """Add to a figure that the run prints before its closing line, for example ("axe page-states", 1)."""
    (folder() / f"figure-{uuid.uuid4().hex}.json").write_text(json.dumps([kind, number]))


def figures() -> dict[str, int]:
    """The sum of everything noted so far, by kind."""
    found: dict[str, int] = {}
    for file in folder().glob("figure-*.json"):
        kind, number = json.loads(file.read_text())
        found[kind] = found.get(kind, 0) + number
    return found
