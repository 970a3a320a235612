"""Alembic's entry: how a migration is run, on SQLite and on PostgreSQL alike."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import Connection

from portal.store.database import Base, Encrypted, UTCDateTime


def _render(kind: str, thing: Any, _autogenerate: object) -> str | Literal[False]:
    """Migrations never import our types: they must still run when the types have moved on."""
    if kind == "type" and isinstance(thing, Encrypted):
        return "sa.LargeBinary()"
    if kind == "type" and isinstance(thing, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _keys(connection: Connection, there: bool) -> None:
    """SQLite changes a table by making it anew, and drops the old one while others point to it. So its foreign keys
    rest meanwhile; inside a transaction they cannot be turned off (sqlite.org/lang_altertable.html, section 7)."""
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().execute(f"PRAGMA foreign_keys={'ON' if there else 'OFF'}")


def _nothing_hangs_loose(connection: Connection) -> None:
    """Before anything is kept: every key of SQLite leads somewhere."""
    if connection.dialect.name == "sqlite":
        loose = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if loose:
            tables = ", ".join(sorted({row[0] for row in loose}))
            raise RuntimeError(f"The migration would leave rows that point nowhere, in {tables}. Nothing was changed.")


engine = context.config.attributes["engine"].execution_options(write=True)
with engine.connect() as connection:
    _keys(connection, there=False)
    taken: list[object] = []
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_render,
        transactional_ddl=True,  # in SQLite too, for we begin its transactions ourselves: a step is whole or nothing
        on_version_apply=lambda **how: taken.append(how["step"]),
    )
    try:
        with context.begin_transaction():
            context.run_migrations()
            if taken:  # where nothing changed, a large portal need not wait for it at each start
                _nothing_hangs_loose(connection)
    finally:
        _keys(connection, there=True)
