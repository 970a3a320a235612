"""The database itself: engine, sessions, column types, names. SQLite by default, PostgreSQL by another URL."""

import os
import uuid
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, date, datetime
from json import dumps, loads
from typing import Any, ClassVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Engine,
    ForeignKeyConstraint,
    LargeBinary,
    MetaData,
    Uuid,
    create_engine,
    event,
)
from sqlalchemy.engine import Connection
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.types import TypeDecorator

from portal import held
from portal.clock import now
from portal.codes import new_id

NAMES = {  # the thing comes first and its kind last, so that a table's constraints sort together
    "pk": "%(table_name)s_key",
    "fk": "%(table_name)s_%(column_1_name)s_points_to_%(referred_table_name)s",
    "uq": "%(table_name)s_%(column_0_N_name)s_unique",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "ix": "%(table_name)s_%(column_0_N_name)s_index",
}


class UTCDateTime(TypeDecorator[datetime]):
    """A moment. Refuses naive values and always gives aware UTC: SQLite forgets time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC) if value else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Encrypted(TypeDecorator[Any]):
    """Any JSON value, unreadable in the database file and in its backups (AES-256-GCM).

    Layout: key id (1 byte), nonce (12), ciphertext. The column's name is bound in, so that a value cannot be moved to
    another column.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, column: str) -> None:
        super().__init__()
        self.column = column

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> bytes | None:
        """To the database."""
        if value is None:
            return None
        keys = held.encryption_keys()
        key_id, nonce = max(keys), os.urandom(12)
        sealed = AESGCM(keys[key_id]).encrypt(nonce, dumps(value).encode(), self.column.encode())
        return bytes([key_id]) + nonce + sealed

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any | None:
        """From the database. Raises ``KeyError`` when the key that sealed the value is not held."""
        if value is None:
            return None
        return loads(AESGCM(held.encryption_keys()[value[0]]).decrypt(value[1:13], value[13:], self.column.encode()))


class Base(DeclarativeBase):
    """Every table."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UTCDateTime, dict[str, Any]: JSON, list[str]: JSON}


class Record(Base):
    """A table that holds a service's records: its key is (service_id, id), so that a reference from one service to
    another is impossible in the database itself. ``id`` is a time-ordered UUID (RFC 9562, version 7)."""

    __abstract__ = True

    service_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, sort_order=-3)
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, default=new_id, sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(default=now, sort_order=-1)


def points_to(column: str, table: str) -> ForeignKeyConstraint:
    """A foreign key within one service: it carries service_id as well."""
    return ForeignKeyConstraint(["service_id", column], [f"{table}.service_id", f"{table}.id"])


def of_a_service() -> ForeignKeyConstraint:
    """The foreign key of a table that hangs on the service alone."""
    return ForeignKeyConstraint(["service_id"], ["service.id"])


@dataclass(frozen=True)
class Stores:
    """Sessions on one database. ``writing`` begins SQLite's transaction as a write, so that it waits for its turn
    instead of failing half-way (libraries, traps 2 and 4)."""

    engine: Engine
    reading: sessionmaker[Session]
    writing: sessionmaker[Session]


def _sqlite_settings(dbapi: Any, _record: object) -> None:
    dbapi.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON", "busy_timeout=15000"):
        dbapi.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("write")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def open_engine(url: str) -> Engine:
    """An engine on the database at this URL. SQLite: WAL, every commit on disk, foreign keys on, and what is deleted is
    overwritten."""
    if url.startswith("sqlite"):
        engine = create_engine(url)
        event.listen(engine, "connect", _sqlite_settings)
        event.listen(engine, "begin", _sqlite_begin)
        return engine
    url = url.replace("postgresql://", "postgresql+psycopg://", 1).replace("postgres://", "postgresql+psycopg://", 1)
    return create_engine(url, pool_pre_ping=True, pool_timeout=5, pool_size=10, max_overflow=10)


def open_store(url: str) -> Stores:
    """Sessions on the database at this URL. What is stored encrypted needs the keys of ``portal.held``."""
    engine = open_engine(url)
    return Stores(engine, sessionmaker(engine), sessionmaker(engine.execution_options(write=True)))


def canonical(value: object) -> str:
    """One text for one value, for hashes: keys sorted, no spaces, dates and ids as text."""

    def plain(one: object) -> str:
        if isinstance(one, datetime):
            return one.astimezone(UTC).isoformat()
        if isinstance(one, date):
            return one.isoformat()
        return b64encode(one).decode() if isinstance(one, bytes) else str(one)

    return dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=plain)
