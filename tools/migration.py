"""The next migration: the difference between the migrations so far and the models, written by Alembic for review.

Works on an empty database in a folder of its own, so that nobody's data decides what is written.
"""

import re
import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from portal.store import migrate as bring_up
from portal.store.migrate import configuration


def next_number(folder: Path) -> str:
    """Four digits, one more than the highest number in use."""
    numbers = [int(found[1]) for file in folder.glob("*.py") if (found := re.match(r"(\d{4})_", file.name))]
    return f"{max(numbers, default=0) + 1:04d}"


def main(name: str) -> int:
    """Write <number>_<name>.py, and say where."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        sys.stderr.write("Name it in small letters with underscores, for example goal_ratings.\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/empty.sqlite"
        bring_up(url)
        config = configuration(url)
        versions = Path(ScriptDirectory.from_config(config).versions)
        number = next_number(versions)
        command.revision(config, message=name, autogenerate=True, rev_id=number)
        config.attributes["engine"].dispose()
    sys.stdout.write(
        f"Now read {number}_{name}.py, and write what Alembic cannot know: data, defaults, the way back.\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
