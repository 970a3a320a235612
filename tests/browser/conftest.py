"""A real server, a real browser, a small phone.

`live` is the portal as it is really run: Granian in a process of its own, on a free port of this machine, on a freshly
migrated database. `page` is a page of a 360 px wide phone that watches what happens: a request to another origin, or an
error in the console, fails the test at its end. Tests speak to the store through `live.stores`, never by an app
context: Playwright's own loop holds this thread.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests import postgres, run
from tests.live import Live, serve

HERE = Path(__file__).parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")  # the same as in tools/browser.sh
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "device_scale_factor": 1,  # a page is laid out the same, and its pictures are drawn in a quarter of the time
    "is_mobile": True,
    "has_touch": True,
}
LEFT_OUT = (
    # A small window of its own for what is typed into the address bar, in each new context: two more processes, and
    # more work than all that a test does in it.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    # The browser takes one such list, the last: what Playwright leaves out by itself must be said again.
    "AimEnabled",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
QUIET = (  # a browser under test speaks to our server and to nobody else
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    f"--disable-features={','.join(LEFT_OUT)}",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-first-run",
    "--no-pings",
)
EACH_LANGUAGE = (
    "en",
    "ur",
    pytest.param("cy", marks=pytest.mark.deep),
    pytest.param("pl", marks=pytest.mark.deep),
)
"""For sweeps over the same templates: both directions in `make test`, all languages in `make test-deep`."""
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# Chromium writes this line for every answer of 400 and above, our own error pages included.
_EXPECTED_IN_THE_CONSOLE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies in this folder drives a browser."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module", autouse=True)
def as_in_the_server() -> Iterator[None]:
    """The server is a process of its own and hashes with full cost: what is made here must match there."""
    from portal import codes

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "_COST", 2**13)
        yield


# --- the server ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live(
    environment: dict[str, str], migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Live]:
    """The portal on a SQLite database of this module's tests alone. It is empty: build what you need with the rooms."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copy(migrated_sqlite, folder / "portal.sqlite")
    with serve(environment, f"sqlite:///{folder / 'portal.sqlite'}", folder) as running:
        yield running


@pytest.fixture(scope="module")
def live_on_postgresql(
    environment: dict[str, str],
    postgres_server: str,
    migrated_postgresql: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Live]:
    """The same on PostgreSQL."""
    folder = tmp_path_factory.mktemp("live")
    name = f"live_{folder.name}_{os.getpid()}"
    url = postgres.make_database(postgres_server, name, migrated_postgresql)
    with serve(environment, url, folder) as running:
        yield running
    postgres.drop_database(postgres_server, name)


# --- the browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Playwright's own process."""
    with sync_playwright() as running:
        yield running


def _executable() -> str | None:
    """The system's Chromium by name; None lets Playwright take one of its own, if it has one."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium for all tests of this process."""
    flags = [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else list(QUIET)  # root has no sandbox to stand in
    chromium = playwright.chromium.launch(executable_path=_executable(), headless=True, args=flags)
    yield chromium
    chromium.close()


@dataclass
class Watched:
    """What a context did that no page of ours may do."""

    problems: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext, origin: str) -> None:
        """Note every request to another origin, every error in the console, every page that fell over."""
        context.on("request", lambda request: self._asked(request.url, origin))
        context.on("console", lambda message: self._said(message.type, message.text, message.page))
        context.on("weberror", lambda error: self.problems.append(f"A script fell over: {error.error}"))

    def _asked(self, url: str, origin: str) -> None:
        if not url.startswith((origin + "/", "data:", "blob:", "about:")) and url != origin:
            self.problems.append(f"Asked another origin: {url}")

    def _said(self, kind: str, words: str, page: Page | None) -> None:
        if kind == "error" and not _EXPECTED_IN_THE_CONSOLE.search(words):
            self.problems.append(f"The console says on {page.url if page else 'a page'}: {words}")


MakeContext = Callable[..., BrowserContext]


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Fails the test at its end when anything forbidden was seen. Clear `problems` where leaving is the point."""
    seen = Watched()
    yield seen
    assert seen.problems == [], "\n".join(seen.problems)


@pytest.fixture
def new_context(browser: Browser, live: Live, watched: Watched) -> Iterator[MakeContext]:
    """Makes a fresh phone (another person, another device): `new_context(locale="ur", java_script_enabled=False)`."""
    made: list[BrowserContext] = []

    def make(address: str = live.address, **how: Any) -> BrowserContext:
        context = browser.new_context(base_url=address, **{**PHONE, "locale": "en-GB", **how})
        context.set_default_timeout(10_000)
        watched.watch(context, address)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def page(new_context: MakeContext) -> Page:
    """A page of a small phone, with JavaScript, in English."""
    return new_context().new_page()


@pytest.fixture
def page_without_javascript(new_context: MakeContext) -> Page:
    """The same phone with JavaScript switched off."""
    return new_context(java_script_enabled=False).new_page()


# --- what a browser can tell -----------------------------------------------------------------------------------------


@cache
def _axe_source() -> str:
    # The package is only the carrier of this file: a user's machine may have no npm.
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text("utf-8")


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it stands now: one line for each rule and element."""
    # From the top: further down the bar that stays in sight may cover half of a link that is scrolling away.
    page.evaluate("scrollTo(0, 0)")
    if not page.evaluate("'axe' in window"):
        page.evaluate(_axe_source() + "; undefined")  # evaluate is not inline script, so the strict policy lets it pass
    how: dict[str, object] = {
        "runOnly": RULES,
        "resultTypes": ["violations"],  # what is right is neither described nor sent over: most would be that
        "selectors": False,  # a line shows the element itself
        "iframes": False,  # the policy lets no page have one
    }
    found = page.evaluate("how => axe.run(document, how).then(told => told.violations)", how)
    return [
        f"{broken['id']} ({broken['impact']}): {broken['help']}: {node['html'][:160]}"
        for broken in found
        for node in broken["nodes"]
    ]


@pytest.fixture
def axe() -> Callable[..., None]:
    """`axe(page)`: the page as it stands now has no accessibility violation. Each call is one page-state."""

    def look(page: Page) -> None:
        broken = axe_violations(page)
        assert broken == [], f"{page.url}\n" + "\n".join(broken)
        run.note("axe page-states", 1)

    return look


def overflowing(page: Page) -> list[str]:
    """Elements that reach beyond the right or left edge of the window, so that people would have to scroll sideways."""
    told: list[str] = page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            return [...document.querySelectorAll('body *')]
                .map(element => [element, element.getBoundingClientRect()])
                .filter(([_, box]) => box.width && (box.right > width + 1 || box.left < -1))
                .map(([element, box]) => `${element.tagName}.${element.className} ${Math.round(box.right)}`);
        }"""
    )
    return told


class Wire:
    """Bytes as they crossed the wire, bodies and headers, in a browser that has nothing in its cache."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = context.new_page()
        self.sizes: dict[str, int] = {}
        self._addresses: dict[str, str] = {}
        session = context.new_cdp_session(self.page)
        session.send("Network.enable")
        session.on("Network.requestWillBeSent", self._began)
        session.on("Network.loadingFinished", self._ended)

    def _began(self, told: dict[str, Any]) -> None:
        self._addresses[told["requestId"]] = told["request"]["url"]

    def _ended(self, told: dict[str, Any]) -> None:
        address = self._addresses.get(told["requestId"], told["requestId"])
        self.sizes[address] = self.sizes.get(address, 0) + int(told["encodedDataLength"])

    def visit(self, path: str) -> int:
        """Go to a page; the bytes of this visit. Read `sizes` for each file."""
        self.sizes.clear()
        self.page.goto(path, wait_until="networkidle")
        return sum(self.sizes.values())


@pytest.fixture
def wire(new_context: MakeContext) -> Callable[..., Wire]:
    """Makes a measuring browser: `wire(locale="ur").visit("/")` is the number of bytes of a first visit."""
    return lambda **how: Wire(new_context(**how))
