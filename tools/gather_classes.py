"""Write down which nhsuk-frontend class names the pages use, in ``tools/look/classes-in-use.json``.

Macros put class names together, so scanning sources is not enough: the parts that a page calls are drawn in every state
and the names read from what comes out. Run it, then ``vendor_look.py``, when a test says that a class is missing.
"""

import json
import re

from tests.ui_classes import CLASSES_IN_USE, classes_in, staff_sees
from tests.ui_gallery import FORM_PARTS, PUBLIC_PARTS, TEMPLATES, all_parts, gallery, ui


def _in_templates(staff: bool) -> tuple[set[str], frozenset[str]]:
    """Class names written out in the templates of one look, and the parts they call."""
    literal: set[str] = set()
    called: set[str] = set()
    for template in sorted(TEMPLATES.rglob("*.html")):
        name = str(template.relative_to(TEMPLATES))
        if name in ("ui.html", "gallery.html") or staff_sees(name) != staff:
            continue
        source = template.read_text("utf-8")
        literal |= set(re.findall(r"nhsuk-[\w-]*\w", source))
        called |= set(re.findall(r"\b(?:ui\.|import\s.*?\b)(\w+)", source))
    return literal, frozenset(called) & all_parts()


def _as_heading() -> set[str]:
    """Questions in every size of label, alone on their page (then the label is its h1) or not."""
    parts = ui()
    found: set[str] = set()
    for size in ("s", "m", "l", "xl"):
        for heading in (False, True):
            look = {"size": size, "heading": heading}
            found |= classes_in(parts.input("a", "a", "A", **look))
            found |= classes_in(parts.textarea("a", "a", "A", **look))
            found |= classes_in(parts.choices("radios", "a", "a", "A", [("b", "B")], **look))
    return found


def gather() -> dict[str, list[str]]:
    """Class names by look. Staff pages have every part; public pages what they call and what any of them may need."""
    literal, called = _in_templates(staff=False)
    show = called | FORM_PARTS | PUBLIC_PARTS
    lock = {"minutes": 1, "warn": 1, "still_here": "", "away": ""}
    public = literal | _as_heading() | classes_in(gallery("public", show=show, lock=lock))
    literal, _ = _in_templates(staff=True)
    staff = literal | public | classes_in(gallery("staff"))
    return {"public": sorted(public), "staff": sorted(staff)}


if __name__ == "__main__":
    found = gather()
    CLASSES_IN_USE.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(f"{len(found['public'])} class names on public pages, {len(found['staff'])} on staff pages")
