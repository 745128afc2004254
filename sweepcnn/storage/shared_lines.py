"""Streams with several writers, each of which counts its lines by itself."""

import sqlalchemy as sa

from sweepcnn.storage import streams, tables
from sweepcnn.storage.database import upsert

_table = tables.shared_lines


def place(
    connection: sa.Connection, run_id: int, file: str, writer: str, offset: int, count: int
) -> list[int]:
    """Give the line numbers in the stream for so many lines of a writer.

    Lines that the writer sent before keep their place; new ones come after all that are there.
    """
    numbers = range(offset, offset + count)
    query = (
        sa.select(_table.c.number, _table.c.line)
        .where(_table.c.run_id == run_id, _table.c.file == file, _table.c.writer == writer)
        .where(_table.c.number >= offset, _table.c.number < offset + count)
    )
    placed = {row.number: row.line for row in connection.execute(query)}
    end = streams.count(connection, run_id, file)
    new = {number: end + n for n, number in enumerate(n for n in numbers if n not in placed)}
    key = {"run_id": run_id, "file": file, "writer": writer}
    upsert(connection, _table, [key | {"number": n, "line": line} for n, line in new.items()])
    placed |= new
    return [placed[number] for number in numbers]
