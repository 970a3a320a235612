"""Writes a brotli copy beside each static file, for the web server to hand out: a first visit must fit into 14 kB.

`make run` and the tests do it by themselves; an installation does it once after each new version:
`python -m tools.squeeze`. Only what has changed is written again, so that no page is ever styled by an older copy.
"""

import sys
from pathlib import Path

import brotli

STATIC = Path(__file__).parent.parent / "portal" / "static"
SUFFIXES = {".css", ".js", ".svg"}


def squeeze(folder: Path = STATIC) -> list[Path]:
    """Bring the copies up to date; returns those that were written or taken away."""
    changed = []
    for file in sorted(folder.rglob("*")):
        copy = file.with_name(file.name + ".br")
        if file.suffix in SUFFIXES and not _holds(copy, file.read_bytes()):
            # Written aside and then moved, so that a server running meanwhile never reads half a file.
            aside = file.with_name(file.name + ".new")
            aside.write_bytes(brotli.compress(file.read_bytes(), quality=11))
            aside.replace(copy)
            changed.append(copy)
    for copy in sorted(folder.rglob("*.br")):
        if not copy.with_suffix("").exists() or copy.with_suffix("").suffix not in SUFFIXES:
            copy.unlink()
            changed.append(copy)
    return changed


def _holds(copy: Path, content: bytes) -> bool:
    try:
        return bool(brotli.decompress(copy.read_bytes()) == content)
    except (FileNotFoundError, brotli.error):
        return False


if __name__ == "__main__":
    sys.stdout.write("".join(f"{path.name}\n" for path in squeeze()))
