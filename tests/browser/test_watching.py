"""What watches the portal in the browser is itself watched: every kind of defect is planted once, on a small server."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import PHONE, Watched, Wire, axe_violations, overflowing

GOOD = b"""<!doctype html><html lang="en"><head><title>Hello</title><link rel="icon" href="data:image/png;base64,">
<meta name="viewport" content="width=device-width"></head><body><main><h1>Hello</h1></main></body></html>"""
PAGES = {
    "/good": GOOD,
    "/unlabelled": GOOD.replace(b"</h1>", b"</h1><input name=who>"),
    "/faint": GOOD.replace(b"</h1>", b'</h1><p style="color:#ccc">You can hardly read this.</p>'),
    "/wide": GOOD.replace(b"</h1>", b'</h1><div style="width:500px">wide</div>'),
    "/elsewhere": GOOD.replace(b"</h1>", b'</h1><img alt="" src="http://elsewhere.invalid/a.png">'),
    "/falls": GOOD.replace(b"</h1>", b'</h1><script>throw new Error("planted")</script>'),
    "/complains": GOOD.replace(b"</h1>", b'</h1><script>console.error("planted")</script>'),
}


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        page = PAGES.get(self.path)
        self.send_response(200 if page else 422)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(page or GOOD)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def small_server() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/elsewhere", "Asked another origin: http://elsewhere.invalid"),
        ("/falls", "A script fell over: planted"),
        ("/complains", "The console says on http://127.0.0.1"),
    ],
)
def test_a_page_that_misbehaves_is_noticed(browser: Browser, small_server: str, path: str, said: str) -> None:
    watched, context = Watched(), browser.new_context(base_url=small_server)
    watched.watch(context, small_server)
    context.new_page().goto(path)
    context.close()
    assert any(said in problem for problem in watched.problems), watched.problems


@pytest.mark.parametrize("path", ["/good", "/answered-with-422"])
def test_a_page_that_behaves_is_left_alone(browser: Browser, small_server: str, path: str) -> None:
    watched, context = Watched(), browser.new_context(base_url=small_server, **PHONE)
    watched.watch(context, small_server)
    page = context.new_page()
    page.goto(path)
    assert axe_violations(page) == []
    assert overflowing(page) == []
    context.close()
    assert watched.problems == []


@pytest.mark.parametrize(("path", "rule"), [("/unlabelled", "label"), ("/faint", "color-contrast")])
def test_axe_finds_what_is_planted(browser: Browser, small_server: str, path: str, rule: str) -> None:
    context = browser.new_context(base_url=small_server)
    page = context.new_page()
    page.goto(path)
    assert any(broken.startswith(f"{rule} ") for broken in axe_violations(page))
    context.close()


def test_what_makes_people_scroll_sideways_is_named(browser: Browser, small_server: str) -> None:
    context = browser.new_context(base_url=small_server, viewport={"width": 320, "height": 740})
    page = context.new_page()
    page.goto("/wide")
    assert any(told.startswith("DIV") for told in overflowing(page))
    context.close()


def test_bytes_are_counted_with_their_headers(browser: Browser, small_server: str) -> None:
    context = browser.new_context(base_url=small_server)
    total = Wire(context).visit("/good")
    assert len(GOOD) < total < len(GOOD) + 500
    context.close()
