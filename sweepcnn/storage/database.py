"""Connections and transactions, on SQLite or PostgreSQL."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from sweepcnn.errors import InputError
from sweepcnn.storage import schema, urls

_LOCK_TIMEOUT_MS = 30_000
_IDLE_TIMEOUT_MS = 120_000  # of a transaction: a client that vanished must not keep the lock
_WRITER_LOCK = 0x5377_6565_7043_4E4E  # any number that nobody else uses


class Database:
    """An engine with explicit read and write transactions.

    Opening one creates the tables, or brings those of an older version up to date.

    Args:
        url: a SQLAlchemy URL, such as `sqlite:////path/sweepcnn.db` or `postgresql://host/name`.

    Raises:
        InputError: the URL is none of a database that can be opened.
        WorkError: the database is of a newer version than this program, or damaged.
    """

    def __init__(self, url: str) -> None:
        place = urls.read(url)
        try:
            self._migrate(place)
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise InputError(urls.problem(place, error)) from None
        self._engine = _engine(place)
        self._reader = self._engine.execution_options(postgresql_readonly=True)
        self._writer = _writing(self._engine)
        # The database excludes other processes' writers; ours take turns here, where waiting is a
        # wake-up instead of SQLite's sleep and retry.
        self._turn = threading.Lock()

    @staticmethod
    def _migrate(place: sa.URL) -> None:
        engine = _engine(place, foreign_keys=False)
        try:
            with _writing(engine).begin() as connection:
                if schema.revision(connection) != schema.head():
                    schema.migrate(connection)
        finally:
            engine.dispose()

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """Open a snapshot, taken by the first statement; one that writes is an error."""
        with self._reader.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """Open a transaction that excludes all other writers."""
        with self._turn, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close all idle connections."""
        self._engine.dispose()


def insert(connection: sa.Connection, table: sa.Table, values: dict[str, Any]) -> int:
    """Insert a row and give its id."""
    key = connection.execute(table.insert().values(values)).inserted_primary_key
    assert key is not None
    return int(key[0])


def upsert(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows; where the primary key is taken, replace the other columns."""
    if not rows:
        return
    connection.execute(_upsert(connection.dialect.name, table, tuple(rows[0])), rows)


@lru_cache(maxsize=256)  # to build it takes longer than to execute it
def _upsert(dialect: str, table: sa.Table, columns: tuple[str, ...]) -> sa.Insert:
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in columns if name not in keys}
    if not changed:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=changed)


def _engine(place: sa.URL, *, foreign_keys: bool = True) -> sa.Engine:
    if place.get_backend_name() == "sqlite":
        engine = sa.create_engine(place, pool_size=16, max_overflow=48)
        _prepare_sqlite(engine, foreign_keys=foreign_keys)
        return engine
    settings = {
        "lock_timeout": _LOCK_TIMEOUT_MS,
        "idle_in_transaction_session_timeout": _IDLE_TIMEOUT_MS,
        "jit": "off",  # it takes seconds for a filter of many conditions, each of which is cheap
    }
    return sa.create_engine(
        urls.with_settings(place, settings),
        pool_size=16,
        max_overflow=48,
        pool_pre_ping=True,  # the server may have been started anew
        isolation_level="REPEATABLE READ",  # one snapshot for all of a read
    )


def _writing(engine: sa.Engine) -> sa.Engine:
    """Give an engine whose transactions exclude each other."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(writing=True)
    # Not REPEATABLE READ: the statement that waits for its turn would fix the snapshot before it.
    writer = engine.execution_options(isolation_level="READ COMMITTED")

    @sa.event.listens_for(writer, "begin")
    def _take_turn(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")

    return writer


def _prepare_sqlite(engine: sa.Engine, *, foreign_keys: bool) -> None:
    """Let us, not the driver, begin transactions, and set WAL mode.

    See "Serializable isolation / Savepoints / Transactional DDL" in SQLAlchemy's SQLite dialect.
    """

    @sa.event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_LOCK_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        # NORMAL survives a killed process; only FULL also keeps the last commits at a power cut.
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writing else 'ON'}")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
