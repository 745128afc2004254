"""Files of a run: media, console log, configuration, requirements."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.blobs import Blob
from sweepcnn.storage.columns import storable
from sweepcnn.storage.database import upsert
from sweepcnn.storage.records import many

_table = tables.run_files
_AT_ONCE = 500  # parameters of one statement


@dataclass(frozen=True)
class RunFile:
    """A file of a run, by its path in the run."""

    run_id: int
    name: str
    sha256: str
    md5: str
    size: int
    mimetype: str
    updated_at: float


def put(connection: sa.Connection, run_id: int, name: str, blob: Blob, mimetype: str) -> None:
    """Set a file of a run."""
    row = {"run_id": run_id, "name": name, "sha256": blob.sha256, "md5": blob.md5}
    row |= {"size": blob.size, "mimetype": mimetype, "updated_at": time.time()}
    upsert(connection, _table, [row])


def of_run(connection: sa.Connection, run_id: int) -> list[RunFile]:
    """List a run's files by name."""
    query = sa.select(_table).where(_table.c.run_id == run_id).order_by(_table.c.name)
    return many(RunFile, connection.execute(query))


def count(connection: sa.Connection, run_id: int) -> int:
    """Count a run's files."""
    query = sa.select(sa.func.count()).where(_table.c.run_id == run_id)
    return connection.execute(query).scalar_one()


def page(
    connection: sa.Connection, run_id: int, *, like: str | None, after: str, limit: int
) -> list[RunFile]:
    """List at most `limit` files by name.

    Args:
        connection: reads or writes.
        run_id: the run.
        like: a pattern of SQL's LIKE with a backslash for an escape, in which the case of ASCII's
            letters does not count; null for every file.
        after: names that come after this one.
        limit: the most files.
    """
    query = sa.select(_table).where(_table.c.run_id == run_id, _table.c.name > after)
    if like is not None:
        pattern = storable(like).encode().lower().decode()  # ASCII's alone, as both databases do
        query = query.where(sa.func.lower(_table.c.name).like(pattern, escape="\\"))
    return many(RunFile, connection.execute(query.order_by(_table.c.name).limit(limit)))


def named(connection: sa.Connection, run_id: int, names: Sequence[str]) -> list[RunFile]:
    """List those of a run's files that have one of these names."""
    found: list[RunFile] = []
    for start in range(0, len(names), _AT_ONCE):
        chosen = _table.c.name.in_(names[start : start + _AT_ONCE])
        query = sa.select(_table).where(_table.c.run_id == run_id, chosen)
        found += many(RunFile, connection.execute(query))
    return sorted(found, key=lambda file: file.name)


def delete(connection: sa.Connection, run_id: int, name: str) -> None:
    """Delete a file of a run; its blob stays until nothing refers to it."""
    where = (_table.c.run_id == run_id, _table.c.name == name)
    connection.execute(_table.delete().where(*where))
