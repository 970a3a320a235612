"""Bytes on the wire of a first visit and of each later page, in each language, headers included (budget B1, B2).

    python -m bench.pages

A browser with an empty cache asks a real server; the DevTools protocol counts what crossed the wire. Exit status 1 when
a budget is passed. The suite asserts the same figures (tests/browser/test_referral.py).
"""

import shutil
import sys
from collections.abc import Iterator

from playwright.sync_api import Page, sync_playwright

from bench.portal import running
from portal.i18n import LANGUAGES
from tests.browser.conftest import NAMES, PHONE, QUIET, Wire

FIRST_VISIT = 14_000
LATER_PAGE = 3_000
CONTINUE = "form#page button.nhsuk-button:not([name])"


def _answer(page: Page) -> None:
    """Enough on this page to go on."""
    for what, value in (
        ('[value="me"]', None),
        ('[value="come-back"]', None),
        ('[value="loneliness"]', None),
        ("#postcode", "AB10 1AB"),
        ("#date_of_birth", "1965"),
        ("#first_name", "Ann"),
    ):
        field = page.locator(what)
        if field.count() and value is None:
            field.check()
        elif field.count():
            field.fill(str(value))


def measured(wire: Wire, language: str) -> Iterator[tuple[str, int]]:
    """Each page's name and bytes: the start page with an empty cache, then every page of the form by itself."""
    yield "first visit", wire.visit(f"/{language}/")
    wire.page.goto(f"/{language}/refer/who-for", wait_until="networkidle")
    while True:
        wire.page.wait_for_load_state("networkidle")
        wire.sizes.clear()
        wire.page.reload(wait_until="networkidle")
        slug = wire.page.url.rsplit("/", 1)[-1]
        yield slug, sum(size for address, size in wire.sizes.items() if "/static/" not in address)
        if slug == "check-your-answers":
            return
        _answer(wire.page)
        wire.page.click(CONTINUE)


def main() -> int:
    """Print a line a page; 1 when a budget is passed."""
    passed = 0
    executable = next((found for name in NAMES if (found := shutil.which(name))), None)
    with running(workers=1) as portal, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=[*QUIET, "--no-sandbox"])
        for language in LANGUAGES:
            context = chromium.new_context(base_url=portal.address, **PHONE)
            for name, size in measured(Wire(context), language):
                budget = FIRST_VISIT if name == "first visit" else LATER_PAGE
                passed += size > budget
                print(f"{language}  {name:24} {size:6} bytes  of {budget}{'  OVER' if size > budget else ''}")
            context.close()
        chromium.close()
    return 1 if passed else 0


if __name__ == "__main__":
    sys.exit(main())
