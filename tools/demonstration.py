"""Fresh secrets for a demonstration on this machine, made once and kept in instance/ (which git ignores).

Prints, as lines for the shell, only those settings that the environment does not decide already, so that
`PORTAL_DATABASE_URL=postgresql://… make run` works and nothing secret is ever built in.
"""

import base64
import os
import secrets
import shlex
import sys
from pathlib import Path

FILE = Path("instance/demonstration.env")


def _made() -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return {
        "PORTAL_ENVIRONMENT": "demonstration",
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTAL_ENCRYPTION_KEYS": f"1:{key}",
    }


def settings(file: Path) -> dict[str, str]:
    """What the file holds; it is written first when it is not there. Only its owner may read it."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as out:
            out.writelines(f"{name}={value}\n" for name, value in _made().items())
    lines = file.read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def main() -> int:
    """Print `export NAME='value'` lines for what is not set yet."""
    for name, value in settings(FILE).items():
        if name not in os.environ:
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
