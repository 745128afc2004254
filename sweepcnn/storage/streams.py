"""Line-addressed streams of a run: history, system metrics, console.

A line is kept as the text that came, under (run, file, line number); writing a line again replaces
it, so a client may resend what it is not sure of.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import upsert

HISTORY = "wandb-history.jsonl"
EVENTS = "wandb-events.jsonl"
SUMMARY = "wandb-summary.json"
CONSOLE = "output.log"

_table = tables.stream_lines


def write(
    connection: sa.Connection, run_id: int, file: str, offset: int, lines: Sequence[str]
) -> None:
    """Write lines from a line number on."""
    upsert(
        connection,
        _table,
        [
            {"run_id": run_id, "file": file, "line": offset + index, "content": content}
            for index, content in enumerate(lines)
        ],
    )


def read(connection: sa.Connection, run_id: int, file: str) -> list[str]:
    """Give all lines of a stream in order."""
    query = (
        sa.select(_table.c.content)
        .where(_table.c.run_id == run_id, _table.c.file == file)
        .order_by(_table.c.line)
    )
    return list(connection.execute(query).scalars())


def last(connection: sa.Connection, run_id: int, file: str) -> str | None:
    """Give the last line of a stream."""
    query = (
        sa.select(_table.c.content)
        .where(_table.c.run_id == run_id, _table.c.file == file)
        .order_by(_table.c.line.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def count(connection: sa.Connection, run_id: int, file: str) -> int:
    """Give the number of lines up to the last one; what a resumed client goes on from."""
    where = (_table.c.run_id == run_id, _table.c.file == file)
    highest = connection.execute(sa.select(sa.func.max(_table.c.line)).where(*where)).scalar()
    return 0 if highest is None else highest + 1
