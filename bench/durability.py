"""Nothing that was acknowledged is lost, nothing is there twice: sends under repetition and under ``kill -9``.

The method is the oldest one of Jepsen: every client adds one unique element and notes what was acknowledged; afterwards
one look at the database. Runs against a portal that it starts itself, on this machine's loopback only, bounded in count
and time; it ends only processes that it started, by their id.

    python -m bench.durability --people 300 --times 3                       same form sent three times at once
    python -m bench.durability --people 2000 --kills 20 --postgresql URL    web processes killed meanwhile

A killed process is not a power cut: the page cache survives. That is not claimed.
"""

import argparse
import http.client
import os
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from sqlalchemy import func, select

from portal import codes
from portal.codes import new_key
from portal.store import Message, Referral, Service, Stores
from tests import world

TRIES, TRY_SECONDS, AT_ONCE = 60, 8.0, 24
CHECK = "/refer/check-your-answers"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_REFERENCE = re.compile(r"\b([0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z])\b")


@dataclass
class Outcome:
    """What was sent, what was acknowledged, and what the database holds afterwards."""

    people: int
    acknowledged: dict[str, str] = field(default_factory=dict)
    tries: int = 0
    given_up: int = 0
    kills: int = 0
    stored: int = 0
    without_message: int = 0
    lost: int = 0
    twice: int = 0
    seconds: float = 0.0

    @property
    def whole(self) -> bool:
        """Everything acknowledged is there, once, with its message; and everybody was acknowledged."""
        broken = self.lost or self.twice or self.without_message or self.given_up
        return not broken and self.stored == self.people == len(self.acknowledged)

    def __str__(self) -> str:
        return (
            f"{self.people} people, {len(self.acknowledged)} acknowledged, {self.stored} stored, {self.lost} lost, "
            f"{self.twice} twice, {self.without_message} without outbox row, {self.given_up} gave up, "
            f"{self.kills} processes killed, {self.tries} requests sent, {self.seconds:.1f} s"
        )


def ready_to_send(stores: Stores, people: int) -> list[str]:
    """That many forms, filled in through the rooms up to the last page; the browser key of each."""
    keys = [new_key() for _ in range(people)]
    for start in range(0, people, 100):
        with stores.writing.begin() as store:
            service = store.scalars(select(Service)).one()
            for key in keys[start : start + 100]:
                world.filled_in(store, service, "en", key)
    return keys


class _Browser:
    """As much of a browser as sending needs: one cookie jar, one retry after another."""

    def __init__(self, address: str, key: str) -> None:
        self.host = urlsplit(address).netloc
        self.cookies = {"form": key}

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
        connection = http.client.HTTPConnection(self.host, timeout=TRY_SECONDS)
        try:
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            if body is not None:
                headers["Content-Type"] = "application/x-www-form-urlencoded"
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
            for given in answer.headers.get_all("Set-Cookie") or []:
                name, _, value = given.split(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.headers.get("Location") or "", text
        finally:
            connection.close()

    def send(self) -> tuple[str, int]:
        """Send until acknowledged; the reference that the page then shows, and the number of posts."""
        posts = 0
        for attempt in range(TRIES):
            try:
                _, _, page = self._ask("GET", CHECK)
                if token := _TOKEN.search(page):
                    posts += 1
                    self._ask("POST", CHECK, urlencode({"csrf_token": token[1]}))
                status, _, sent = self._ask("GET", "/refer/sent")
                if status == 200 and (found := _REFERENCE.search(sent)):
                    return found[1], posts
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(min(0.05 * (attempt + 1), 1.0))
        return "", posts


OLD_ENOUGH = 6.0
"""Seconds: the server takes a worker that dies sooner after its start for a crash loop and gives up, as it should."""


def _children(pid: int) -> list[int]:
    """The web processes whose parent this one is, and that have run for a while."""
    found = []
    running = float(Path("/proc/uptime").read_text().split()[0])
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        age = running - int(fields[19]) / os.sysconf("SC_CLK_TCK")
        # Python's own helper process serves no request: killing it would prove nothing.
        if int(fields[1]) == pid and age > OLD_ENOUGH and b"resource_tracker" not in _command(stat.parent):
            found.append(int(stat.parent.name))
    return found


def _command(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b"resource_tracker"


@contextmanager
def _killing(server: int, kills: int, outcome: Outcome, done: Callable[[], float]) -> Iterator[None]:
    """Kill one of the server's own web processes ``kills`` times, spread over the sends."""
    stop = threading.Event()

    def kill() -> None:
        for number in range(kills):
            while done() < (number + 0.5) / kills and not stop.wait(0.005):
                pass
            web: list[int] = []
            while not web and not stop.wait(0.01):
                web = _children(server)
            if stop.is_set():
                return
            os.kill(random.choice(web), signal.SIGKILL)  # noqa: S311
            outcome.kills += 1

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    yield
    stop.set()
    killer.join()


def send_all(address: str, stores: Stores, *, people: int, times: int = 1, kills: int = 0, server: int = 0) -> Outcome:
    """Send every form ``times`` times at the same moment, kill web processes of ``server`` meanwhile, then look."""
    outcome = Outcome(people)
    keys = ready_to_send(stores, people)
    finished = 0
    lock = threading.Lock()

    def one(key: str) -> None:
        nonlocal finished
        reference, posts = _Browser(address, key).send()
        with lock:
            finished += 1
            outcome.tries += posts
            if not reference:
                outcome.given_up += 1
            elif outcome.acknowledged.setdefault(key, reference) != reference:
                outcome.twice += 1

    began = time.monotonic()
    with (
        _killing(server, kills, outcome, lambda: finished / (people * times)),
        ThreadPoolExecutor(AT_ONCE) as crowd,
    ):
        list(crowd.map(one, [key for key in keys for _ in range(times)]))
    outcome.seconds = time.monotonic() - began
    _look(stores, keys, outcome)
    return outcome


def _look(stores: Stores, keys: Sequence[str], outcome: Outcome) -> None:
    """One last look at the database."""
    with stores.reading() as store:
        rows = store.execute(select(Referral.sent_key_hash, Referral.reference, Referral.id)).all()
        by_key: dict[str, list[str]] = {}
        for key_hash, reference, _ in rows:
            by_key.setdefault(key_hash, []).append(codes.show_reference(reference))
        hashes = {codes.digest(key): key for key in keys}
        ours = {hashes[key_hash]: found for key_hash, found in by_key.items() if key_hash in hashes}
        outcome.stored = sum(len(found) for found in ours.values())
        outcome.twice += sum(len(found) > 1 for found in ours.values())
        outcome.lost = sum(reference not in ours.get(key, []) for key, reference in outcome.acknowledged.items())
        told = set(store.scalars(select(Message.referral_id).where(Message.template == "referral-received")))
        outcome.without_message = sum(referral_id not in told for _, _, referral_id in rows)
        assert store.scalar(select(func.count()).select_from(Referral)) == len(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; exit status 1 when anything was lost, doubled or without its outbox row."""
    from bench.portal import running

    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--people", type=int, default=300)
    given.add_argument("--times", type=int, default=1)
    given.add_argument("--kills", type=int, default=0)
    given.add_argument("--postgresql", default="", help="the URL of a server on this machine; without it SQLite")
    asked = given.parse_args(arguments)
    with running(asked.postgresql, workers=2) as portal:
        outcome = send_all(
            portal.address,
            portal.stores,
            people=asked.people,
            times=asked.times,
            kills=asked.kills,
            server=portal.process.pid,
        )
    print(outcome)
    return 0 if outcome.whole else 1


if __name__ == "__main__":
    sys.exit(main())
