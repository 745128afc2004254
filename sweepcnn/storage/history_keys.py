"""What is known of the metrics in a run's history, and of how many lines."""

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import upsert

_table = tables.history_keys
_BY_RUN = sa.select(_table.c.lines, _table.c.document).where(
    _table.c.run_id == sa.bindparam("run_id")
)


def get(connection: sa.Connection, run_id: int) -> tuple[int, str] | None:
    """Give the number of lines described and the description."""
    row = connection.execute(_BY_RUN, {"run_id": run_id}).first()
    return None if row is None else (row.lines, row.document)


def put(connection: sa.Connection, run_id: int, lines: int, document: str) -> None:
    """Set the description of the first so many lines."""
    upsert(connection, _table, [{"run_id": run_id, "lines": lines, "document": document}])


def forget(connection: sa.Connection, run_id: int) -> None:
    """Drop the description: a line that it describes is another now."""
    connection.execute(_table.delete().where(_table.c.run_id == run_id))
