"""Alembic's entry: how a migration is run, on SQLite and on PostgreSQL alike."""

from typing import Any, Literal

from alembic import context

from portal.store.database import Base, Encrypted, UTCDateTime


def _render(kind: str, thing: Any, _autogenerate: object) -> str | Literal[False]:
    """Migrations never import our types: they must still run when the types have moved on."""
    if kind == "type" and isinstance(thing, Encrypted):
        return "sa.LargeBinary()"
    if kind == "type" and isinstance(thing, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


engine = context.config.attributes["engine"].execution_options(write=True)
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()
