"""Screenshots of every part in every state, in both directions, on a phone and on a desk: to be looked at by a person.

python -m tools.look_gallery FOLDER
"""

import mimetypes
import sys
from pathlib import Path

from playwright.sync_api import Page, Route, sync_playwright

from tests.ui_gallery import FORM_PARTS, PUBLIC_PARTS, STATIC, gallery

CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; require-trusted-types-for 'script'"  # noqa: E501
SITE = "http://gallery.invalid"


def serve(page: Page, html: str) -> None:
    """Open one page, with the real style sheets and script, and no server."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(SITE).split("?")[0]
        if path.startswith("/static/"):
            file = STATIC / path.removeprefix("/static/")
            route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0])
        else:
            route.fulfill(body=html, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": CSP})

    page.route("**/*", answer)
    page.goto(SITE + "/")


def main(folder: Path) -> None:
    """Write the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for layout in ("public", "staff"):
            for language in ("en", "ur"):
                for width in (360, 1000):
                    page = browser.new_page(viewport={"width": width, "height": 740})
                    serve(page, gallery(layout, language, None if layout == "staff" else FORM_PARTS | PUBLIC_PARTS))
                    page.screenshot(path=folder / f"{layout}-{language}-{width}.png", full_page=True)
                    wide = page.evaluate("document.documentElement.scrollWidth")
                    print(f"{layout} {language} {width}: content is {wide} wide")
                    page.close()
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
