"""Migrations: up, down, up again; the newest one equals the models; a day's records survive."""

import pytest
from alembic import command
from sqlalchemy import inspect, select

from portal.access import Role
from portal.store import Base, Referral, migrate, open_engine, open_store
from portal.store.migrate import configuration
from tests import postgres, world


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: object) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.sqlite"
    name = f"empty_{tmp_path}".replace("/", "_").replace("-", "_")[-40:]
    return postgres.make_database(request.getfixturevalue("postgres_server"), name)


def test_the_newest_migration_equals_the_models(database_url: str) -> None:
    config = configuration(database_url)
    command.check(config)
    config.attributes["engine"].dispose()


def test_up_and_down_and_up_again_leaves_what_the_models_say(empty_url: str) -> None:
    migrate(empty_url)
    config = configuration(empty_url)
    command.downgrade(config, "base")
    engine = config.attributes["engine"]
    assert set(inspect(engine).get_table_names()) <= {"alembic_version"}
    engine.dispose()
    migrate(empty_url)
    engine = open_engine(empty_url)
    assert set(Base.metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_migrating_again_keeps_what_is_there(stores: object, database_url: str) -> None:
    opened = open_store(database_url)
    with opened.writing.begin() as store:
        service = world.a_service(store)
        world.staff_member(store, service, Role.MANAGER)
        reference = world.a_referral(store, service).reference
    migrate(database_url)
    with opened.reading() as store:
        assert store.scalars(select(Referral.reference)).all() == [reference]
    opened.engine.dispose()


COUNTS = {"turned_away", "tally"}
"""Tables of counts without anybody: their key begins with the service too, and goes on with what is counted."""


def test_every_record_table_has_a_key_that_begins_with_its_service() -> None:
    for table in Base.metadata.tables.values():
        if "service_id" in table.columns and table.name not in COUNTS:
            assert [column.name for column in table.primary_key.columns] == ["service_id", "id"], table.name


def test_no_key_leads_from_one_service_to_another() -> None:
    for table in Base.metadata.tables.values():
        for key in table.foreign_key_constraints:
            target = key.referred_table
            if "service_id" in target.columns:
                assert "service_id" in {column.name for column in key.columns}, f"{table.name} -> {target.name}"
