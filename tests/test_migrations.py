"""Migrations: up, down, up again; the newest one equals the models; a day's records survive."""

import pytest
from alembic import command
from sqlalchemy import create_engine, inspect, select

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
    config.attributes["engine"].dispose()
    # Without the keys of SQLite, which stop a step back: a table is made anew there while others point to it.
    config.attributes["engine"] = create_engine(opened.engine.url)
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
