"""A worker as a process of its own, for tests that kill it: `python -m tests.delivering FILE [DIE_AFTER]`.

It does one round, and writes the id of each message that it sends to FILE. With DIE_AFTER it kills itself (SIGKILL)
after so many sendings, between handing a message over and writing that down: the worst moment there is.
"""

import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from config import Settings
from portal import held, rounds
from portal.notifications import Outgoing, Words
from portal.store import open_store


@dataclass
class ToFile:
    file: str
    die_after: int | None
    sent: int = 0

    def send(self, outgoing: Outgoing) -> None:
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(handle, f"{outgoing.message_id}\n".encode())
        os.close(handle)
        self.sent += 1
        if self.sent == self.die_after:
            os.kill(os.getpid(), signal.SIGKILL)


def plainly(template: str, language: str, values: Mapping[str, object]) -> Words:
    return Words(template, language)


def main() -> None:
    settings = Settings.from_environment(os.environ)
    held.hold(settings.secret_key, settings.encryption_keys)
    stores = open_store(settings.database_url)
    die_after = int(sys.argv[2]) if len(sys.argv) > 2 else None
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    done = rounds.run(stores, ToFile(sys.argv[1], die_after), plainly)
    stores.engine.dispose()
    sys.exit(1 if done.broken else 0)


if __name__ == "__main__":
    main()
