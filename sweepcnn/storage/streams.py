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
_HIGHEST = sa.select(sa.func.max(_table.c.line)).where(
    _table.c.run_id == sa.bindparam("run_id"), _table.c.file == sa.bindparam("file")
)
_AT_ONCE = 500  # parameters of one statement


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


def numbered(
    connection: sa.Connection, run_id: int, file: str, first: int, limit: int
) -> list[tuple[int, str]]:
    """Give at most `limit` lines, with their numbers, from a line number on."""
    query = (
        sa.select(_table.c.line, _table.c.content)
        .where(_table.c.run_id == run_id, _table.c.file == file, _table.c.line >= first)
        .order_by(_table.c.line)
        .limit(limit)
    )
    return [(line, content) for line, content in connection.execute(query)]


def tail(connection: sa.Connection, run_id: int, file: str, limit: int) -> list[tuple[int, str]]:
    """Give the last lines, at most `limit`, with their numbers, in order."""
    query = (
        sa.select(_table.c.line, _table.c.content)
        .where(_table.c.run_id == run_id, _table.c.file == file)
        .order_by(_table.c.line.desc())
        .limit(limit)
    )
    return [(line, content) for line, content in connection.execute(query)][::-1]


def between(connection: sa.Connection, run_id: int, file: str, first: int, end: int) -> list[str]:
    """Give the lines from a line number on up to, and without, another."""
    query = (
        sa.select(_table.c.content)
        .where(_table.c.run_id == run_id, _table.c.file == file)
        .where(_table.c.line >= first, _table.c.line < end)
        .order_by(_table.c.line)
    )
    return list(connection.execute(query).scalars())


def spread(connection: sa.Connection, run_id: int, file: str, samples: int) -> list[str]:
    """Give at most so many lines, evenly spread, the first and the last among them."""
    here = (_table.c.run_id == run_id, _table.c.file == file)
    numbers = sa.select(_table.c.line).where(*here).order_by(_table.c.line)
    lines = list(connection.execute(numbers).scalars())
    if len(lines) <= samples:
        return read(connection, run_id, file)
    if samples > 1:
        step = (len(lines) - 1) / (samples - 1)
        lines = [lines[round(index * step)] for index in range(samples)]
    else:
        lines = lines[: max(samples, 0)]
    found: list[str] = []
    for start in range(0, len(lines), _AT_ONCE):
        chosen = _table.c.line.in_(lines[start : start + _AT_ONCE])
        query = sa.select(_table.c.content).where(*here, chosen).order_by(_table.c.line)
        found += connection.execute(query).scalars()
    return found


def cut(connection: sa.Connection, run_id: int, file: str, end: int) -> None:
    """Delete the lines from a line number on."""
    here = (_table.c.run_id == run_id, _table.c.file == file)
    connection.execute(_table.delete().where(*here, _table.c.line >= end))


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
    highest = connection.execute(_HIGHEST, {"run_id": run_id, "file": file}).scalar()
    return 0 if highest is None else highest + 1
