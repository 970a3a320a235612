"""What every test may ask for: a migrated database (SQLite, PostgreSQL), the app on it, a client that inspects pages.

Nothing here is pretended: migrations really run (once per process; tests get copies of the result), and PostgreSQL is a
real server (tests/postgres.py).
"""

import base64
import json
import logging
import os
import secrets
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from argon2 import PasswordHasher
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from config import Settings
from portal.web.logs import JSONLines
from tests import postgres, quick, run
from tests.inspector import INSPECTED, InspectedClient
from tools.squeeze import squeeze

if TYPE_CHECKING:
    from flask import Flask

    from portal.store import Stores

DATABASES = ("sqlite", "postgresql")
_CLIENTS = {"app", "client", "live"}

# How far a property-based test searches: a few inputs while writing, more in `make test`, many in `make test-deep`.
hypothesis.settings.register_profile("default", max_examples=50, deadline=None, print_blob=True)
hypothesis.settings.register_profile("deep", max_examples=20_000, deadline=None, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("PORTAL_TEST_DEPTH", "default"))
# Ours alone: the portal refuses to start with a PORTAL_ variable that it does not know.
DEEP = os.environ.pop("PORTAL_TEST_DEPTH", "") == "deep"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--databases", default=",".join(DATABASES), help="which databases the tests use: sqlite,postgresql"
    )


# --- one folder for a run, and what is gathered in it --------------------------------------------------------------


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


@pytest.hookimpl(tryfirst=True)  # before pytest itself chooses where the tests' folders lie
def pytest_configure(config: pytest.Config) -> None:
    if not _is_worker(config):
        squeeze()  # the pages of the tests are served as those of an installation are
        os.environ[run.FOLDER] = tempfile.mkdtemp(prefix="front-door-run-", dir=_memory())
        if _memory() and config.option.basetemp is None:
            config.option.basetemp = str(run.folder() / "tests")


def _memory() -> str | None:
    """Where files need no disk, if there is room: the portal waits for the disk at every commit, and nothing here
    outlives the run."""
    shared = Path("/dev/shm")  # noqa: S108 (the folders made in it have random names)
    if shared.is_dir() and os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > 4 * 2**30:
        return str(shared)
    return None


def pytest_sessionfinish(session: pytest.Session) -> None:
    if INSPECTED:
        run.note("pages inspected", INSPECTED.total())
        INSPECTED.clear()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for kind, number in sorted(run.figures().items()):
        terminalreporter.write_line(f"{kind}: {number}")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not _is_worker(config) and run.FOLDER in os.environ:
        _drop_prepared()
        postgres.stop_server_in(run.folder())
        shutil.rmtree(run.folder(), ignore_errors=True)
        del os.environ[run.FOLDER]


def _drop_prepared() -> None:
    """On a server of our own they go with the server; another's is left as it was."""
    if "TEST_POSTGRES_URL" in os.environ:
        for made in run.folder().glob("*postgresql/url"):
            postgres.drop_database(postgres.server_in(run.folder()), str(make_url(made.read_text()).database))


# --- hashes -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """The same hashes with little work: accounts and cards are made by the hundred. `real_hashes` gives the real ones
    back for the tests that are about them; what runs in a process of its own has them anyway."""
    from portal import codes
    from portal.accounts import passwords

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        patch.setattr(codes, "_COST", 2)
        yield


@pytest.fixture
def real_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords and codes hashed with the cost that people get."""
    from portal import codes
    from portal.accounts import passwords

    monkeypatch.setattr(passwords, "_hasher", PasswordHasher())
    monkeypatch.setattr(codes, "_COST", 2**13)


@pytest.fixture(scope="session", autouse=True)
def quick_portals() -> Iterator[None]:
    """A portal is made for nearly every test: what is the same in all of them is made once (tests/quick.py)."""
    quick.look_away_from_what_stays()
    with pytest.MonkeyPatch.context() as patch:
        quick.share_templates(patch)
        quick.share_addresses(patch)
        quick.share_sql(patch)
        yield


@pytest.fixture(autouse=True)
def log_of_this_test() -> Iterator[None]:
    """A command starts the log of its process, on the standard error of this test; for the next one that is closed."""
    level = logging.root.level
    yield
    for handler in [one for one in logging.root.handlers if type(one.formatter) is JSONLines]:
        logging.root.removeHandler(handler)
        logging.root.setLevel(level)


# --- databases -----------------------------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Rooms are tested on both databases. Pages are tested on SQLite, and on both when marked `both_databases`."""
    if "database_url" not in metafunc.fixturenames:
        return
    chosen = [name for name in DATABASES if name in metafunc.config.getoption("--databases").split(",")]
    a_page = _CLIENTS.intersection(metafunc.fixturenames)
    if a_page and not metafunc.definition.get_closest_marker("both_databases"):
        chosen = [name for name in chosen if name == "sqlite"] or chosen
    metafunc.parametrize("database_url", chosen, indirect=True)


@pytest.hookimpl(trylast=True)  # after the files' own marks, and after what is left out
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Which tests, and in which order."""
    _leave_out_of_sweeps(config, items)
    if processes := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) - 1:
        items[:] = _long_files_first(items, processes + 1)


def _leave_out_of_sweeps(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a sweep over many values, PostgreSQL gets the first: the values differ in the rules, not in the database."""
    if DEEP or "sqlite" not in config.getoption("--databases"):
        return
    seen: set[str] = set()
    left: list[pytest.Item] = []
    for item in items:
        values = getattr(item, "callspec", None)
        if values and values.params.get("database_url") == "postgresql" and item.get_closest_marker("sweep"):
            name = item.nodeid.partition("[")[0]
            if name in seen:
                left.append(item)
            seen.add(name)
    if left:
        config.hook.pytest_deselected(items=left)
        gone = set(left)
        items[:] = [item for item in items if item not in gone]


def _long_files_first(items: list[pytest.Item], processes: int) -> list[pytest.Item]:
    """Every process gets as many tests in a row, and whoever has ended takes from the end of another's row. So each row
    begins with files that take long (the browser, what waits for other processes), spread evenly, and ends with tests
    that take a moment: no process is left alone with a long test at the end. A file stays together, in its order."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    rows: list[list[pytest.Item]] = [[] for _ in range(processes)]
    lengths = [0] * processes
    long = sorted(files.values(), key=lambda file: -sum(map(_seconds, file)))
    short = [item for file in files.values() if not sum(map(_seconds, file)) for item in file]
    for file in long:
        if seconds := sum(map(_seconds, file)):
            place = lengths.index(min(lengths))
            lengths[place] += seconds
            rows[place] += file
    for number, row in enumerate(rows):
        left = processes - number
        room = (len(short) + sum(map(len, rows[number:]))) // left - len(row)
        row += short[: max(room, 0)]
        short = short[max(room, 0) :]
    return [item for row in [*rows, short] for item in row]


def _seconds(item: pytest.Item) -> int:
    """About how long, by its marks; 0 is a moment."""
    browser, slow = (item.get_closest_marker(mark) is not None for mark in ("browser", "slow"))
    return 20 if browser and slow else 4 if browser else 3 if slow else 0


@pytest.fixture(scope="session")
def migrated_sqlite() -> Path:
    """An empty database at the newest migration, for copying; made once in a run."""
    from portal.store import migrate

    def make(folder: Path) -> None:
        migrate(f"sqlite:///{folder / 'portal.sqlite'}")
        beside = folder / "portal.sqlite-wal"
        assert not beside.exists() or beside.stat().st_size == 0, (
            "migrate() left its connection open; dispose of its engine"
        )

    return run.prepared("migrated-sqlite", make) / "portal.sqlite"


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The URL of a real PostgreSQL server; the first test that needs it starts it."""
    return postgres.server_in(run.folder())


@pytest.fixture(scope="session")
def migrated_postgresql(postgres_server: str) -> str:
    """The name of an empty PostgreSQL database at the newest migration, for copying; made once in a run, and taken
    away at its end."""
    from portal.store import migrate

    def make(folder: Path) -> None:
        name = f"migrated_{uuid.uuid4().hex[:12]}"
        (folder / "url").write_text(url := postgres.make_database(postgres_server, name))
        migrate(url)

    return str(make_url((run.prepared("migrated-postgresql", make) / "url").read_text()).database)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """A migrated SQLite database of this test alone."""
    file = tmp_path / "portal.sqlite"
    shutil.copy(migrated_sqlite, file)
    return f"sqlite:///{file}"


@pytest.fixture(scope="session")
def emptied_postgresql(postgres_server: str) -> Iterator[list[str]]:
    """The database that a test has left empty for the next one; none when there is none."""
    left: list[str] = []
    yield left
    for url in left:
        postgres.drop_database(postgres_server, str(make_url(url).database))


@pytest.fixture
def postgresql_url(postgres_server: str, migrated_postgresql: str, emptied_postgresql: list[str]) -> Iterator[str]:
    """A migrated PostgreSQL database without a row, of this test alone: emptied after the last one, or copied."""
    if emptied_postgresql:
        url = emptied_postgresql.pop()
    else:
        url = postgres.make_database(postgres_server, f"test_{uuid.uuid4().hex[:12]}", migrated_postgresql)
    yield url
    if postgres.empty_database(url):
        emptied_postgresql.append(url)
    else:
        postgres.drop_database(postgres_server, str(make_url(url).database))


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test alone: the test runs once on SQLite and once on PostgreSQL."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


# --- settings, store, app ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The variables of a portal under test, except for its database: secrets made anew for every run."""

    def make(folder: Path) -> None:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        made = {
            "PORTAL_ENVIRONMENT": "testing",
            "PORTAL_SECRET_KEY": secrets.token_urlsafe(48),
            "PORTAL_ENCRYPTION_KEYS": f"1:{key}",
        }
        (folder / "environment.json").write_text(json.dumps(made))

    made: dict[str, str] = json.loads((run.prepared("environment", make) / "environment.json").read_text())
    return made


@pytest.fixture
def settings(environment: dict[str, str], database_url: str) -> Settings:
    """Settings read the way the portal reads them."""
    return Settings.from_environment({**environment, "PORTAL_DATABASE_URL": database_url})


@pytest.fixture
def stores(settings: Settings) -> "Iterator[Stores]":
    """Sessions on this test's database, as many as wanted: `with stores.writing.begin() as store`."""
    from portal import held
    from portal.store import open_store

    held.hold(settings.secret_key, settings.encryption_keys)
    opened = open_store(settings.database_url)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def store(stores: "Stores") -> Iterator[Session]:
    """One Session that may write, on this test's database. A test that also uses a client commits before it asks."""
    with stores.writing() as session:
        yield session


@pytest.fixture
def make_app(environment: dict[str, str]) -> "Iterator[Callable[..., Flask]]":
    """Makes an app from a database URL and further PORTAL_ variables."""
    made: list[Flask] = []

    def make(database_url: str, **further: str) -> "Flask":
        from portal import create_app

        app = create_app(Settings.from_environment({**environment, "PORTAL_DATABASE_URL": database_url, **further}))
        app.test_client_class = InspectedClient
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["stores"].engine.dispose()


@pytest.fixture
def app(make_app: "Callable[..., Flask]", database_url: str) -> "Flask":
    """The portal on this test's database."""
    return make_app(database_url)


@pytest.fixture
def client(app: "Flask") -> InspectedClient:
    """A visitor who inspects every page they are given."""
    visitor = app.test_client()
    assert isinstance(visitor, InspectedClient)
    return visitor
