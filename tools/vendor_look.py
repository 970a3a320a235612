"""Make the style sheets: nhsuk-frontend, purged to the class names in use, in our own colours, in both directions.

A developer's script; what it writes is committed, so no Node is needed to install, build, test or run Front Door.

    python -m tools.gather_classes          # when pages use other class names than before
    python -m tools.vendor_look             # all of it: needs Node and npm once
    python -m tools.vendor_look --own       # only our own rules have changed: needs neither

It writes portal/static/{portal,staff}-{ltr,rtl}.css, upstream's licence beside them, tools/look/upstream-classes.json
(every class name that upstream styles, so that a page using one we purged is noticed), tools/look/upstream.json
(version and integrity of what was taken) and tests/fixtures/nhsuk (what our parts are checked against).

Four things are taken out, each for a reason: the font (licensed to the NHS alone), the NHS identity (protected by law;
no logo, no blue), rules for Internet Explorer (nobody's any more), and the custom properties that upstream declares but
never reads.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOOK = ROOT / "tools" / "look"
STATIC = ROOT / "portal" / "static"
FIXTURES = ROOT / "tests" / "fixtures" / "nhsuk"

OWN = {"portal": ("app.css",), "staff": ("app.css", "staff.css")}
"""Our own rules in each style sheet, in logical properties, so the same for both directions."""

MARK = "/*! Front Door's own */"
"""Stands between upstream's rules and ours; `--own` replaces what follows it."""

COLOURS = {
    "#005eb8": "var(--brand)",
    "#003087": "var(--brand-dark)",
    "#004b93": "var(--brand-dark)",
    "#002f5c": "var(--brand-dark)",
    "#0055a6": "var(--brand-dark)",
    "#003d78": "var(--brand-dark)",
    "#7c2855": "var(--brand-dark)",
    "#212b32": "var(--ink)",
    "#4c6272": "var(--quiet)",
    "#768692": "var(--quiet)",
    "#d8dde0": "var(--line)",
    "#aeb7bd": "var(--edge)",
    "#f0f4f5": "var(--page)",
    "#e0e4e6": "var(--mist)",
    "#d9e7f4": "var(--mist)",
    "#c7dcef": "var(--mist)",
    "#ffeb3b": "var(--focus)",
    "#d5281b": "var(--alarm)",
    "#330072": "var(--visited)",
    "#007f3b": "var(--done)",
    "#fff9c4": "#fdf6d8",
    "#fff59d": "#f6edc0",
}
"""Upstream repeats its colours literally; here each is a role that app.css (or a service) fills."""

BUTTON_COLOURS = {
    "#007f3b": "var(--brand)",
    "#00401e": "var(--brand-dark)",
    "#00662f": "var(--brand-dark)",
    "#fff": "var(--brand-text)",
}
"""The main button is in the service's colour, not in upstream's green."""

RTL_FIXES = {
    # What rtlcss gets wrong: it mirrors a tick, but not arrows that are drawn by rotation or clipping.
    "nhsuk-checkboxes__label": "[dir=rtl] .nhsuk-checkboxes__label::after{right:-.0625rem;"
    "transform:rotate(-45deg) translate(-50%,-50%);border-width:0 0 .25rem .25rem}",
    "nhsuk-back-link": "[dir=rtl] .nhsuk-back-link::before{transform:translateX(-.105em) rotate(45deg)}",
    "nhsuk-details": "[dir=rtl] .nhsuk-details:not([open])>.nhsuk-details__summary::before"
    "{clip-path:polygon(100% 0,0 50%,100% 100%)}",
}

UNUSED = re.compile(
    r"\[type=search\]|\[data-sort\]|\[aria-sort|:disabled|\[disabled\]|\[aria-disabled|-ms-"
    r"|\[class\*?\^?=nhsuk-(?:caption|u-)|(?:^|[\s>+])(?:kbd|samp|var|code|address|h5|h6)\b"
)
"""States and elements no page of ours has: no disabled controls, no sorting by script, no captions, no program code."""

PREFIXED = re.compile(r"(?:-ms-[\w-]+|-moz-osx-font-smoothing|-webkit-font-smoothing|-webkit-clip-path):[^;}]*;?")
"""Old spellings of properties that every browser of the last years knows without prefix."""

COMPONENTS = (
    "back-link",
    "button",
    "character-count",
    "checkboxes",
    "details",
    "error-summary",
    "input",
    "inset-text",
    "notification-banner",
    "panel",
    "radios",
    "select",
    "summary-list",
    "tables",
    "tag",
    "textarea",
    "warning-callout",
)
"""Those of which we have a twin: their fixtures are what ours are checked against."""


NOT_OURS = {"card", "scroll", "striped", "compact", "panel", "prefix", "suffix", "conditional", "icon", "formGroup"}
"""Options of upstream's that our parts do not offer: those fixtures are not kept."""


def rules(css: str) -> Iterator[tuple[str, str | None]]:
    """(prelude, body) pairs of one nesting level; body is None for a statement such as @charset."""
    start = 0
    while start < len(css):
        end = start
        while end < len(css) and css[end] not in "{;":
            end += 1
        if end == len(css):
            return
        if css[end] == ";":
            yield css[start:end].strip(), None
            start = end + 1
            continue
        depth, close = 1, end + 1
        while depth:
            depth += {"{": 1, "}": -1}.get(css[close], 0)
            close += 1
        yield css[start:end].strip(), css[end + 1 : close - 1]
        start = close


def classes_of(selector: str) -> set[str]:
    """The class names a selector asks for; what stands inside :not() does not count."""
    return set(re.findall(r"\.(-?[_a-zA-Z][\w-]*)", _positive(selector)))


def _positive(selector: str) -> str:
    return re.sub(r":not\([^)]*\)", "", selector)


def _modern(prelude: str) -> str:
    """A media query without its alternatives for Internet Explorer; empty when nothing is left."""
    if not prelude.startswith("@media"):
        return prelude
    kept = [
        part for part in prelude[len("@media") :].split(",") if "-ms-high-contrast" not in part and "\\0" not in part
    ]
    return "@media " + ",".join(part.strip() for part in kept) if kept else ""


def _coloured(prelude: str, body: str) -> str:
    main_button = "nhsuk-button" in prelude and "nhsuk-button--warning" not in prelude
    colours = COLOURS | (BUTTON_COLOURS if main_button else {})
    return re.sub(r"#(?:[0-9a-f]{6}|fff)\b", lambda found: colours.get(found[0], found[0]), body)


def _wanted(prelude: str, body: str) -> bool:
    """Leave out the unread custom properties, and the English word that upstream prints after each link."""
    return not (prelude == ":root" or "Link: " in body)


def _purged_block(prelude: str, body: str, used: set[str]) -> str:
    """A media or feature query with what is left inside it."""
    if prelude.startswith("@supports not (-ms-"):
        return purge(body, used)  # asks for a browser that is not Internet Explorer: everybody's
    if prelude.startswith("@supports not"):
        return ""  # a way round for browsers that nobody has any more
    query, inner = _modern(prelude), purge(body, used)
    return f"{query}{{{inner}}}" if query and inner else ""


def purge(css: str, used: set[str]) -> str:
    """Keep a selector when every class it names is in use."""
    out: list[str] = []
    for prelude, body in rules(css):
        if body is None:
            continue  # the only statement is the character set; browsers take it from the answer's header
        if prelude.startswith("@"):
            out.append(_purged_block(prelude, body, used))
        elif _wanted(prelude, body := PREFIXED.sub("", body)) and body:
            parts = re.split(r",(?![^(]*\))", prelude)
            kept = [part for part in parts if classes_of(part) <= used and not UNUSED.search(_positive(part))]
            if kept:
                out.append(",".join(kept) + f"{{{_coloured(prelude, body)}}}")
    return "".join(out)


def minified(css: str) -> str:
    """Our own rules without comments and needless white space (they hold no strings in which it would matter)."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r"\s*([{};,>])\s*", r"\1", css)
    return re.sub(r":\s+", ":", css).replace(";}", "}").strip()


def own_rules(sheet: str) -> str:
    """Our own rules of one style sheet."""
    return "".join(minified((LOOK / name).read_text("utf-8")) for name in OWN[sheet])


def _upstream_css(dist: Path) -> str:
    css = (dist / "nhsuk-frontend.min.css").read_text("utf-8").lstrip("\ufeff")
    css, fonts = re.subn(r"@font-face\{[^}]*\}", "", css)
    if fonts != 2:
        raise SystemExit(f"Expected to strip two fonts and found {fonts}: the font is licensed and must not ship")
    css = re.sub(r"/\*# sourceMappingURL=[^*]*\*/", "", css)
    return re.sub(r"font-family:Frutiger W01[^;}]*(;|(?=}))", "", css)


def _from_upstream(npm: Path) -> None:
    dist = npm / "nhsuk-frontend" / "dist" / "nhsuk"
    css = _upstream_css(dist)
    every = sorted({name for name in re.findall(r"\.(-?[_a-zA-Z][\w-]*)", css) if name.startswith("nhsuk-")})
    (LOOK / "upstream-classes.json").write_text(json.dumps(every, indent=0) + "\n", "utf-8")
    in_use = json.loads((LOOK / "classes-in-use.json").read_text("utf-8"))
    version = json.loads((npm / "nhsuk-frontend" / "package.json").read_text("utf-8"))["version"]
    STATIC.mkdir(parents=True, exist_ok=True)
    for sheet, look in (("portal", "public"), ("staff", "staff")):
        used = set(in_use[look])
        left = purge(css, used)
        if "url(" in left or "https:" in left or "Frutiger" in left or "#005eb8" in left:
            raise SystemExit("The purged style sheet asks for a file, names the licensed font, or holds NHS blue")
        said = f"/*! nhsuk-frontend {version}, MIT: see nhsuk-frontend-LICENSE.txt */"
        with tempfile.TemporaryDirectory() as folder:
            source, flipped = Path(folder, "ltr.css"), Path(folder, "rtl.css")
            source.write_text(left, "utf-8")
            subprocess.run(
                [npm / ".bin" / "rtlcss", source, flipped],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            right_to_left = flipped.read_text("utf-8").strip()
        right_to_left += "".join(fix for name, fix in RTL_FIXES.items() if name in used)
        for direction, rest in (("ltr", left), ("rtl", right_to_left)):
            (STATIC / f"{sheet}-{direction}.css").write_text(f"{said}{rest}\n{MARK}\n", "utf-8")
    lock = json.loads((LOOK / "package-lock.json").read_text("utf-8"))["packages"]["node_modules/nhsuk-frontend"]
    taken = {"name": "nhsuk-frontend", **{key: lock[key] for key in ("version", "integrity", "license")}}
    (LOOK / "upstream.json").write_text(json.dumps(taken, indent=1) + "\n", "utf-8")
    shutil.copy(LOOK / "nhsuk-frontend-LICENSE.txt", STATIC)
    _fixtures(dist)


def _fixtures(dist: Path) -> None:
    """The fixtures of the components we have a twin of, without what the test does not read."""
    FIXTURES.mkdir(parents=True, exist_ok=True)
    for component in COMPONENTS:
        given = json.loads((dist / "components" / component / "fixtures.json").read_text("utf-8"))
        kept = [
            {key: one[key] for key in ("name", "context", "html")}
            for one in given["fixtures"]
            if not NOT_OURS & set(one["context"])
        ]
        (FIXTURES / f"{component}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=0) + "\n", "utf-8")
    shutil.copy(LOOK / "nhsuk-frontend-LICENSE.txt", FIXTURES / "LICENSE.txt")


def _add_own() -> None:
    for sheet in OWN:
        for direction in ("ltr", "rtl"):
            shipped = STATIC / f"{sheet}-{direction}.css"
            before, mark, _ = shipped.read_text("utf-8").partition(f"{MARK}\n")
            if not mark:
                raise SystemExit(f"{shipped} lacks its mark: run without --own first")
            shipped.write_text(before + mark + own_rules(sheet) + "\n", "utf-8")


def main(arguments: list[str]) -> None:
    """All, or with ``--own`` only our own rules."""
    if "--own" not in arguments:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(LOOK / name, folder)
            subprocess.run(["npm", "ci", "--silent"], cwd=folder, check=True)
            _from_upstream(Path(folder, "node_modules"))
    _add_own()


if __name__ == "__main__":
    main(sys.argv[1:])
