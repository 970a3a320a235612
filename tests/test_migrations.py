"""Migrations: up, down, up again; the newest one equals the models; a day's records survive."""

import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Engine,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Uuid,
    create_engine,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.types import TypeEngine

from portal import referrals
from portal.access import Role
from portal.store import Base, Referral, ReferralChange, migrate, open_engine, open_store
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


def test_what_a_person_ended_themselves_is_told_apart_from_what_they_said_no_to(empty_url: str) -> None:
    migrate(empty_url)
    opened = open_store(empty_url)
    with opened.writing.begin() as store:
        service = world.a_service(store)
        worker = world.staff_member(store, service, Role.MANAGER).actor
        ended, refused = (world.a_referral(store, service) for _ in range(2))
        referrals.withdraw(store, service, ended.person_id, ended.id)
        reason = "person-chose-to-stop"
        referrals.decline(store, service, worker, refused.id, reason=reason, text="", word="Thank you.")
        ids = [ended.id, refused.id]
    config = configuration(empty_url)
    seen = []
    for step in ("0002", "head"):
        (command.downgrade if step == "0002" else command.upgrade)(config, step)
        with opened.engine.connect() as bare:
            of_them = {row.id: row.status for row in bare.execute(select(Referral.id, Referral.status))}
            changes = select(ReferralChange.referral_id, ReferralChange.became).order_by(ReferralChange.id)
            last = dict(row for row in bare.execute(changes))
        seen.append([(of_them[one], last[one]) for one in ids])
    said_no = ("declined", "declined")
    assert seen == [[said_no, said_no], [("withdrawn", "withdrawn"), said_no]]
    config.attributes["engine"].dispose()
    opened.engine.dispose()


MOMENT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
BY_TYPE: tuple[tuple[type[TypeEngine[Any]], Any], ...] = (
    (DateTime, MOMENT),
    (Date, MOMENT.date()),
    (Boolean, False),
    (Integer, 1),
    (Float, 1.0),
    (JSON, {}),
    (LargeBinary, b"x"),
    (String, "x"),
)
"""What stands in a column of this type, whatever it is for."""


def a_row_in_every_table(engine: Engine) -> dict[str, int]:
    """One row in each table that is there now, whatever its version, each pointing to the others; how many it has."""
    there = MetaData()
    with engine.connect() as connection:
        there.reflect(connection)
    tables = {name: one for name, one in there.tables.items() if name != "alembic_version"}
    ids = {name: uuid.uuid5(uuid.NAMESPACE_URL, name) for name in tables}

    def value(column: Column[Any]) -> Any:
        to = {key.column.table.name for key in column.foreign_keys if key.column.name in ("id", "service_id")}
        named = "service" if column.name == "service_id" else next(iter(to - {"service"}), None)
        if column.name == "id":
            named = column.table.name
        if isinstance(column.type, Uuid) or (named and isinstance(column.type, String)):
            one = ids[named] if named else uuid.uuid5(uuid.NAMESPACE_URL, column.name)
            return one if isinstance(column.type, Uuid) else one.hex
        return next(plain for kind, plain in BY_TYPE if isinstance(column.type, kind))

    with engine.connect() as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET session_replication_role = replica")  # in whatever order
        for one in tables.values():
            connection.execute(one.insert().values({column.name: value(column) for column in one.columns}))
    return dict.fromkeys(tables, 1)


def counted(engine: Engine) -> dict[str, int]:
    """How many rows each table has."""
    names = inspect(engine).get_table_names()
    with engine.connect() as connection:
        return {name: connection.scalar(select(func.count()).select_from(text(name))) or 0 for name in names}


@pytest.mark.parametrize("version", ["0001", "0002"])
def test_a_portal_of_any_version_before_comes_up_with_every_row_and_every_key(empty_url: str, version: str) -> None:
    migrate(empty_url, version)
    bare = create_engine(empty_url.replace("postgresql://", "postgresql+psycopg://"))
    before = a_row_in_every_table(bare)
    assert len(before) > 10
    migrate(empty_url)  # in which SQLite's keys must lead somewhere
    after = counted(bare)
    assert {name: after.get(name) for name in before} == before
    bare.dispose()


def test_a_migration_that_leaves_a_row_pointing_nowhere_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/broken.sqlite"
    migrate(url, "0002")
    bare = create_engine(url)
    a_row_in_every_table(bare)
    with bare.begin() as connection:
        connection.exec_driver_sql("DELETE FROM referral")
    with pytest.raises(RuntimeError, match="point nowhere"):
        migrate(url)
    assert "name_part" not in counted(bare)
    bare.dispose()


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
