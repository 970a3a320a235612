"""Which class names a page shows, and which of them the style sheet it loads lacks although nhsuk-frontend has them.

The style sheets hold only the rules whose classes are in use, so a page that shows another one looks wrong without any
error.
The inspector of every page calls ``missing_classes``.
"""

import json
import re
from functools import cache
from html.parser import HTMLParser

from tests.ui_gallery import ROOT, STATIC

LOOK = ROOT / "tools" / "look"
CLASSES_IN_USE = LOOK / "classes-in-use.json"
UPSTREAM_CLASSES = LOOK / "upstream-classes.json"

_STAFF_DOORS = ("caseload/", "admin/", "setup/", "sign_in/", "reports/", "layouts/staff.html")


def staff_sees(template: str) -> bool:
    """Whether a template (its path below templates/) is drawn with the staff style sheet."""
    if template.startswith(_STAFF_DOORS):
        return True
    stands_under = re.search(r'{%-? extends "([^"]+)"', _templates()[template])
    if stands_under:
        return staff_sees(stands_under[1])
    # A part is drawn with the style sheet of whoever takes it in.
    around = [name for name, words in _templates().items() if f'"{template}"' in words and name != template]
    return "/parts/" in template and bool(around) and all(staff_sees(name) for name in around)


@cache
def _templates() -> dict[str, str]:
    folder = ROOT / "templates"
    return {one.relative_to(folder).as_posix(): one.read_text("utf-8") for one in folder.rglob("*.html")}


class _Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.classes: set[str] = set()
        self.sheets: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.classes |= set((given.get("class") or "").split())
        if tag == "link" and given.get("rel") == "stylesheet":
            self.sheets.append((given.get("href") or "").split("?")[0].rsplit("/", 1)[-1])


def classes_in(html: str) -> set[str]:
    """The nhsuk- class names that a page or fragment shows."""
    return {name for name in _Page(html).classes if name.startswith("nhsuk-")}


@cache
def styled_by(sheet: str) -> frozenset[str]:
    """The class names that a shipped style sheet has a rule for."""
    return frozenset(re.findall(r"\.(-?[_a-zA-Z][\w-]*)", (STATIC / sheet).read_text("utf-8")))


@cache
def _upstream() -> frozenset[str]:
    return frozenset(json.loads(UPSTREAM_CLASSES.read_text("utf-8")))


def missing_classes(html: str) -> set[str]:
    """The nhsuk- classes of a page that upstream styles and the page's own style sheet does not. Empty is right.

    Remedy: ``python -m tools.gather_classes && python -m tools.vendor_look``.
    """
    page = _Page(html)
    sheets = [sheet for sheet in page.sheets if (STATIC / sheet).exists()] or ["portal-ltr.css"]
    styled = frozenset[str]().union(*(styled_by(sheet) for sheet in sheets))
    return (page.classes & _upstream()) - styled
