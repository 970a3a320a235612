"""The portal as it is really run: Granian in a process of its own, on a free port of this machine's loopback.

For browser tests and for the benchmarks. What is started here is ended here, by its process id.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from config import Settings

if TYPE_CHECKING:
    from portal.store import Stores

ROOT = Path(__file__).parent.parent
_SECONDS_TO_START = 30


@dataclass(frozen=True)
class Live:
    """A running portal."""

    address: str  # http://127.0.0.1:<port>, no slash at its end
    settings: Settings
    stores: "Stores"
    log: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)


def free_port() -> int:
    """A port nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_it_answers(address: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < until:
        if server.poll() is not None:
            break
        with contextlib.suppress(OSError):
            parts = urlsplit(address)
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
            with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(address, timeout=5):  # noqa: S310
                pass
            return
        time.sleep(0.05)
    raise AssertionError(f"The portal did not start. Its last words:\n{log.read_text()[-3000:]}")


@contextlib.contextmanager
def serve(variables: dict[str, str], database_url: str, folder: Path, *, workers: int = 1) -> Iterator[Live]:
    """The portal on this database, until the block ends. Fails when the server wrote a traceback meanwhile."""
    from portal import held
    from portal.store import open_store

    port = free_port()
    ours = {**variables, "PORTAL_DATABASE_URL": database_url, "PORTAL_LISTEN": f"127.0.0.1:{port}"}
    settings = Settings.from_environment(ours)
    held.hold(settings.secret_key, settings.encryption_keys)
    log = folder / f"server-{port}.log"
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as out:
        server = subprocess.Popen(
            [
                *command,
                "--workers",
                str(workers),
                "--blocking-threads",
                "4",
                "--no-ws",
                "--respawn-failed-workers",
                "--respawn-interval",
                "0.3",
                "wsgi:app",
            ],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **ours},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a group of its own, so that its web processes can be ended with it
        )
    stores = open_store(database_url)
    try:
        _wait_until_it_answers(settings.public_url, server, log)
        yield Live(settings.public_url, settings, stores, log, server)
    finally:
        stores.engine.dispose()
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        # A server whose web processes were killed may leave one behind: the group is ours, and so is its id.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
    assert "Traceback" not in log.read_text(), f"The server met an error:\n{log.read_text()[-4000:]}"
