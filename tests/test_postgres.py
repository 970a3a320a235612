"""The PostgreSQL of the tests is a real one, and every test has its own database."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests import postgres


def test_a_room_test_runs_on_both_databases(database_url: str, request: pytest.FixtureRequest) -> None:
    wanted = request.node.callspec.params["database_url"]
    engine = create_engine(database_url)
    with engine.connect() as connection:
        assert engine.dialect.name == wanted
        assert connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    engine.dispose()


@pytest.mark.parametrize("turn", [1, 2])
def test_what_one_test_leaves_behind_no_other_test_finds(database_url: str, turn: int) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (n INTEGER)"))
    engine.dispose()


def test_without_any_postgresql_the_run_fails_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)

    def nothing(*_: object) -> Path:
        raise postgres.NoPostgreSQL("Nothing here.")

    monkeypatch.setattr(postgres, "_programs", nothing)
    with pytest.raises(postgres.NoPostgreSQL, match="apt-get install postgresql"):
        postgres.server_in(tmp_path)


@pytest.mark.slow
def test_the_programs_that_a_package_carries_serve_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TEST_POSTGRES_URL", raising=False)
    monkeypatch.setattr(postgres, "_programs", postgres._carried_programs)
    url = postgres.server_in(tmp_path)
    try:
        engine = create_engine(postgres.make_database(url, "proof"))
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT current_database()")) == "proof"
        engine.dispose()
    finally:
        postgres.stop_server_in(tmp_path)
