"""Connections and transactions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sweepcnn.storage.tables import metadata

_BUSY_TIMEOUT_MS = 30_000


class Database:
    """An engine with explicit read and write transactions.

    Args:
        url: a SQLAlchemy URL, such as `sqlite:////path/sweepcnn.db`.
    """

    def __init__(self, url: str) -> None:
        self.engine = sa.create_engine(url, pool_size=16, max_overflow=48)
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)
        self._writer = self.engine.execution_options(writing=True)
        metadata.create_all(self.engine)

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a snapshot for reading."""
        with self.engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that excludes all other writers."""
        with self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all idle connections."""
        self.engine.dispose()


def insert(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> int:
    """Insert a row and give its id."""
    key = connection.execute(table.insert().values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; where the primary key is taken, replace the other columns."""
    if not rows:
        return
    insert_or = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert_or(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), rows)


def _prepare_sqlite(engine: sa.Engine) -> None:
    """Let us, not the driver, begin transactions, and set WAL mode.

    See "Serializable isolation / Savepoints / Transactional DDL" in SQLAlchemy's SQLite dialect.
    """

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        # NORMAL survives a killed process; only FULL also keeps the last commits at a power cut.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
