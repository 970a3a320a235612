"""A running portal for the benchmarks: real server, real database, a made-up service, on this machine alone."""

import base64
import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from portal.access import Role
from portal.store import migrate
from tests import postgres
from tests.live import Live, serve
from tests.world import a_service, staff_member


def environment() -> dict[str, str]:
    """Settings made anew for each run."""
    return {
        "PORTAL_ENVIRONMENT": "testing",
        "PORTAL_SECRET_KEY": secrets.token_urlsafe(48),
        "PORTAL_ENCRYPTION_KEYS": f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}",
    }


@contextlib.contextmanager
def running(postgresql: str = "", *, workers: int = 2, service: bool = True) -> Iterator[Live]:
    """The portal on a new database: SQLite in a folder that goes again, or one of its own on this PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="front-door-bench-") as name:
        folder = Path(name)
        database = f"bench_{secrets.token_hex(6)}"
        url = postgres.make_database(postgresql, database) if postgresql else f"sqlite:///{folder / 'portal.sqlite'}"
        migrate(url)
        try:
            with serve(environment(), url, folder, workers=workers) as live:
                if service:
                    with live.stores.writing.begin() as store:
                        staff_member(store, a_service(store, phone="01632 960001"), Role.MANAGER)
                yield live
        finally:
            if postgresql:
                postgres.drop_database(postgresql, database)
