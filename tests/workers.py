"""Workers as real processes: start them, let them go all at once, wait for them."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path


def a_worker(
    environment: Mapping[str, str], database_url: str, file: Path, *, die_after: int | None = None
) -> "subprocess.Popen[bytes]":
    """A worker on this database that writes what it sends to the file, and waits for `go`."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.delivering", str(file), *([str(die_after)] if die_after else [])],
        env={**os.environ, **environment, "PORTAL_DATABASE_URL": database_url},
        cwd=Path(__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def go(workers: "Sequence[subprocess.Popen[bytes]]") -> None:
    """Let all of them begin, once every one is ready, and wait until they have ended."""
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
        worker.stdin.flush()
    for worker in workers:
        worker.communicate(timeout=90)
