"""A directory of 50,000 activities: how long taking it in lasts, how much memory that needs, how long a search takes.

    python -m bench.activities                             50,000 made-up activities in a SQLite file of its own
    python -m bench.activities --rows 5000 --postgresql URL

Memory is measured as the largest the process has ever been. The searches are those that people do; each is asked so
many times, and its 95th percentile is told. The budgets are for a machine that does nothing else. Nothing leaves it.
"""

import argparse
import json
import random
import resource
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from io import RawIOBase
from pathlib import Path
from typing import Any

from portal import directory, held, services
from portal.store import Feed, Stores, migrate, open_store

ROWS, TIMES = 50_000, 20
MOST_MEGABYTES = 250
MOST_SECONDS_A_THOUSAND = 3.0
MOST_MILLISECONDS = 500
SEARCHES: dict[str, dict[str, Any]] = {
    "everything": {},
    "a need": {"need": "getting-active"},
    "near a postcode": {"near": "PE27 5AD"},
    "within five miles": {"near": "PE27 5AD", "within_miles": 5},
    "words": {"text": "walking park"},
    "words that nobody has": {"text": "xyzzy"},
    "all at once": {"language": "ur", "day": "MO", "free": True, "access": ["step-free"], "near": "PE1"},
}


def a_row(number: int, chance: random.Random) -> dict[str, Any]:
    """One made-up activity with everything that a full feed has."""
    own = str(uuid.UUID(int=number))
    address = {
        "id": own,
        "address_1": "1 High Street",
        "city": "Town",
        "state_province": "County",
        "postal_code": f"PE{chance.randint(1, 38)} {chance.randint(1, 9)}AB",
        "country": "GB",
        "address_type": "physical",
    }
    location = {
        "id": own,
        "location_type": "physical",
        "name": "Hall",
        "latitude": 51 + 3 * chance.random(),
        "longitude": -2 + 3 * chance.random(),
        "addresses": [address],
        "accessibility": [{"id": own, "description": "Wheelchair access"}],
    }
    topic = chance.choice(["Exercise", "Befriending", "Debt advice", "Food bank"])
    return {
        "id": own,
        "name": f"Walking group {number}",
        "status": "active",
        "description": "A friendly walk for everybody in the park. " * 12,
        "organization": {"id": str(uuid.UUID(int=10**6 + number // 20)), "name": f"Charity {number // 20}"},
        "schedules": [
            {"id": own, "freq": "WEEKLY", "byday": chance.choice(["MO", "TU", "WE,TH"]), "opens_at": "10:00"}
        ],
        "service_at_locations": [{"id": own, "location": location}],
        "attributes": [{"id": own, "taxonomy_term": {"id": own, "name": topic, "taxonomy": "Made up"}}],
        "cost_options": [{"id": own, "amount": 0}],
        "languages": [{"id": own, "name": chance.choice(["Urdu", "English", "Polish"])}],
    }


class Made(RawIOBase):
    """A file that is made while it is read, so that only the reader needs memory."""

    def __init__(self, rows: int) -> None:
        self.pieces, self.rest = self._pieces(rows), b""

    def _pieces(self, rows: int) -> Iterator[bytes]:
        chance = random.Random(1)  # noqa: S311 (made-up rows)
        yield b"["
        for number in range(1, rows + 1):
            yield (b"," if number > 1 else b"") + json.dumps(a_row(number, chance)).encode()
        yield b"]"

    def read(self, size: int = -1) -> bytes:
        """As a file."""
        while len(self.rest) < size and (piece := next(self.pieces, b"")):
            self.rest += piece
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken


def _take(stores: Stores, service_id: uuid.UUID, feed_id: uuid.UUID, rows: int) -> float:
    with stores.writing.begin() as store:
        run = directory.ask(store, store.get_one(Feed, (service_id, feed_id)), None, begun=True)
        assert run
        run_id = run.id
    began = time.perf_counter()
    done = directory.take_in(stores, service_id, run_id, Made(rows))  # type: ignore[arg-type]
    assert (done.state, done.error, done.seen) == ("done", None, rows), (done.state, done.error, done.seen)
    return time.perf_counter() - began


def _p95(stores: Stores, service_id: uuid.UUID, wish: dict[str, Any], times: int) -> float:
    took = []
    for _ in range(times):
        with stores.reading() as store:
            began = time.perf_counter()
            directory.search(store, service_id, **wish)
            took.append(time.perf_counter() - began)
    return sorted(took)[max(0, int(len(took) * 0.95) - 1)] * 1000


def measure(url: str, rows: int, times: int) -> list[str]:
    """Measure, tell, and give back what is over its budget."""
    held.hold("made-up-" * 6, {1: b"k" * 32})
    migrate(url)
    stores = open_store(url)
    with stores.writing.begin() as store:
        service_id = services.create(store, f"bench-{uuid.uuid4().hex[:8]}", "Bench", {}).id
        feed_id = directory.feeds.feed_named(store, service_id, None, "Made up").id
    over = []
    for name in ("new", "the same again"):
        seconds = _take(stores, service_id, feed_id, rows)
        print(f"{rows:,} rows, {name}: {seconds:.1f} s, {seconds / rows * 1000:.2f} s a thousand")
        if seconds / rows * 1000 > MOST_SECONDS_A_THOUSAND:
            over.append(f"taking in ({name})")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"at most {megabytes:.0f} MB of memory")
    if megabytes > MOST_MEGABYTES:
        over.append("memory")
    for name, wish in SEARCHES.items():
        took = _p95(stores, service_id, wish, times)
        print(f"{name}: 95th percentile {took:.0f} ms")
        if took > MOST_MILLISECONDS:
            over.append(name)
    stores.engine.dispose()
    return over


def main(arguments: Sequence[str] | None = None) -> int:
    """0 within the budgets, 1 not."""
    parser = argparse.ArgumentParser(description="Take in and search a large directory of activities.")
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--times", type=int, default=TIMES)
    parser.add_argument("--postgresql", help="the URL of an empty database; without it a SQLite file of its own")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="front-door-activities-") as folder:
        url = options.postgresql or f"sqlite:///{Path(folder) / 'portal.sqlite'}"
        over = measure(url, options.rows, options.times)
    for name in over:
        print(f"over its budget: {name}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
