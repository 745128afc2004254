"""Files of a run: media, console log, configuration, requirements."""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.blobs import Blob
from sweepcnn.storage.database import upsert
from sweepcnn.storage.records import many

_table = tables.run_files


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
