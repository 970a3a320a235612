"""Made-up feeds by the Open Referral UK standard, and a real web server on this machine's loopback that serves them."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select

from portal import directory, services
from portal.outside import Allowance
from portal.store import Activity, Feed, FeedRun, Stores

HERE = Allowance(private=True)
"""A test may ask its own server."""

Answer = tuple[int, dict[str, str], bytes]


def an_id(number: int, kind: int = 0) -> str:
    return str(uuid.UUID(int=(kind << 64) + number, version=4))


def a_row(number: int = 1, **other: Any) -> dict[str, Any]:
    """A row of /services with everything that we read."""
    row: dict[str, Any] = {
        "id": an_id(number),
        "name": f"Walking group {number}",
        "description": "An easy walk along the river, with tea.",
        "url": "https://walks.example/",
        "email": "hello@walks.example",
        "status": "active",
        "minimum_age": 18,
        "last_modified": "2026-09-01T10:00:00.000Z",
        "assured_date": "2026-08-15",
        "organization": {
            "id": an_id(1, 1),
            "name": "River Walks",
            "description": "We walk.",
            "website": "https://walks.example/",
        },
        "schedules": [
            {"id": an_id(number, 2), "freq": "WEEKLY", "byday": "TU,TH", "opens_at": "10:00", "closes_at": "12:00"}
        ],
        "service_at_locations": [
            {
                "id": an_id(number, 3),
                "location": {
                    "id": an_id(number, 4),
                    "location_type": "physical",
                    "name": "Corn Exchange",
                    "latitude": 52.3233,
                    "longitude": -0.0741,
                    "addresses": [
                        {
                            "id": an_id(number, 5),
                            "address_1": "The Pavement",
                            "city": "St Ives",
                            "state_province": "Cambridgeshire",
                            "postal_code": "PE27 5AD",
                            "country": "GB",
                            "address_type": "physical",
                        }
                    ],
                    "accessibility": [{"id": an_id(number, 6), "description": "Level access and a hearing loop."}],
                },
            }
        ],
        "languages": [{"id": an_id(number, 7), "name": "Urdu", "code": "ur"}],
        "cost_options": [{"id": an_id(number, 8), "amount": 0, "option": "Everybody"}],
        "contacts": [{"id": an_id(number, 9), "phones": [{"id": an_id(number, 10), "number": "01632 960 123"}]}],
        "attributes": [
            {
                "id": an_id(number, 11),
                "taxonomy_term": {"id": an_id(1, 12), "name": "Exercise and sport", "taxonomy": "Made up"},
            }
        ],
    }
    return {name: value for name, value in {**row, **other}.items() if value is not None}


def a_page(rows: list[Any], number: int = 1, pages: int = 1, **other: Any) -> bytes:
    """A page of a list, as the standard has it."""
    page = {
        "total_items": len(rows) * pages,
        "total_pages": pages,
        "page_number": number,
        "size": len(rows),
        "first_page": number == 1,
        "last_page": number == pages,
        "empty": not rows,
        "contents": rows,
    }
    return json.dumps({**page, **other}).encode()


# Taking in -----------------------------------------------------------------------------------------------------------


def a_feed(stores: Stores, service_id: uuid.UUID, name: str = "Council", url: str = "") -> uuid.UUID:
    with stores.writing.begin() as store:
        found = store.scalar(select(Feed.id).where(Feed.service_id == service_id, Feed.name == name))
        if found:
            return found
        return directory.feeds.feed_named(store, service_id, None, name, url=url, allowance=HERE).id


def take(
    stores: Stores, service_id: uuid.UUID, content: bytes | list[Any], *, name: str = "Council", url: str = ""
) -> FeedRun:
    """Take in a file, or the address ``url``, from beginning to end."""
    feed_id = a_feed(stores, service_id, name, url)
    with stores.writing.begin() as store:
        run = directory.ask(store, store.get_one(Feed, (service_id, feed_id)), None, begun=True)
        assert run
        run_id = run.id
    file = None if url else BytesIO(content if isinstance(content, bytes) else json.dumps(content).encode())
    return directory.take_in(stores, service_id, run_id, file, allowance=HERE)


def a_place(stores: Stores, slug: str = "here", **settings: object) -> uuid.UUID:
    """A service, by its id."""
    with stores.writing.begin() as store:
        return services.create(store, slug, f"Service {slug}", settings).id


def ids(stores: Stores, service_id: uuid.UUID) -> dict[str, uuid.UUID]:
    """The activities by their names."""
    with stores.reading() as store:
        rows = store.execute(select(Activity.name, Activity.id).where(Activity.service_id == service_id))
        return {row.name: row.id for row in rows}


# A server ------------------------------------------------------------------------------------------------------------


class Served:
    """A server under way: ``asked`` are the addresses that were asked for, ``base`` is its own."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []


@contextmanager
def serving(answer: Callable[[str, dict[str, str]], Answer | Iterator[bytes]]) -> Iterator[Served]:
    """A web server: ``answer(path, query)`` gives status, headers and body, or the pieces of a body without end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            served.asked.append(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            said = answer(parts.path, query)
            if isinstance(said, tuple):
                status, headers, body = said
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                return
            self.close_connection = True
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                for piece in said:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                return

        def log_message(self, *_args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served = Served(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def paged(rows: list[dict[str, Any]], per_page: int = 2, *, brief: bool = False) -> Callable[..., Answer]:
    """A feed as the standard has it: /services page by page, and each row at /services/{id}."""
    short = ("id", "name", "description", "status", "url", "organization")

    def answer(path: str, query: dict[str, str]) -> Answer:
        if path == "/services":
            number = int(query.get("page", "1"))
            pages = max(1, -(-len(rows) // per_page))
            some = rows[(number - 1) * per_page : number * per_page]
            if brief:
                some = [{name: row[name] for name in short if name in row} for row in some]
            return 200, {}, a_page(some, number, pages, total_items=len(rows))
        found = [row for row in rows if path == f"/services/{row['id']}"]
        return (200, {}, json.dumps(found[0]).encode()) if found else (404, {}, b"")

    return answer
