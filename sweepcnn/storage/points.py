"""The points of sweeps, and what came of them.

out --> settled            a run of it ended well or was stopped, or there is no further turn
out <-> lost               its run's process died: the next agent gets it
out <-> failed             its run ended with an error: in a grid it gets a second turn, last
"""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import run_values, tables
from sweepcnn.storage.columns import NAME_BYTES
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import columns_of, many, one
from sweepcnn.storage.run_states import FINISHED, LIVE

OUT, LOST, FAILED, SETTLED = "out", "lost", "failed", "settled"
OPEN = (OUT, LOST, FAILED)


@dataclass(frozen=True)
class Point:
    """A point that was handed out, how the search came to it, and how often it was tried."""

    id: int
    sweep_id: int
    key: str
    point: str
    origin: str
    state: str
    attempts: int
    resumptions: int
    created_at: float


@dataclass(frozen=True)
class Outcome:
    """What came of a point.

    `run_state` and the rest are those of the run that finished, else of one that goes on, else of
    the newest: the metric by its summary and at its best, and the summary's `status`.
    """

    point: str
    state: str
    run_state: str
    summary: float | None
    best: float | None
    status: str | None


_table, _assignments = tables.points, tables.assignments
_COLUMNS = columns_of(_table, Point)


def add(connection: sa.Connection, *, sweep_id: int, point: str, key: str, origin: str) -> int:
    """Keep a new point and give its row id; it is out, and no run has it yet.

    Raises:
        sqlalchemy.exc.IntegrityError: the sweep has this point already.
    """
    row = {"sweep_id": sweep_id, "point": point, "key": _index_key(key), "origin": origin}
    row |= {"state": OUT, "attempts": 0, "resumptions": 0, "created_at": time.time()}
    return insert(connection, _table, row)


def update(connection: sa.Connection, point_id: int, **values: Any) -> None:
    """Change columns of a point."""
    connection.execute(_table.update().where(_table.c.id == point_id).values(values))


def of_sweep(connection: sa.Connection, sweep_id: int) -> list[Point]:
    """List what a sweep handed out, oldest first."""
    query = sa.select(*_COLUMNS).where(_table.c.sweep_id == sweep_id).order_by(_table.c.id)
    return many(Point, connection.execute(query))


def next_in_state(connection: sa.Connection, sweep_id: int, state: str) -> Point | None:
    """Find the oldest point of a sweep that is in a state."""
    where = (_table.c.sweep_id == sweep_id, _table.c.state == state)
    query = sa.select(*_COLUMNS).where(*where).order_by(_table.c.id).limit(1)
    return one(Point, connection.execute(query).first())


def count(connection: sa.Connection, sweep_id: int, *states: str) -> int:
    """Count the points of a sweep, those in some states or all."""
    where = [_table.c.sweep_id == sweep_id]
    if states:
        where.append(_table.c.state.in_(states))
    return connection.execute(sa.select(sa.func.count(_table.c.id)).where(*where)).scalar_one()


def by_run(connection: sa.Connection, sweep_id: int) -> dict[int, Point]:
    """Give the points of a sweep by the ids of the runs that they became."""
    found = {point.id: point for point in of_sweep(connection, sweep_id)}
    query = (
        sa.select(_assignments.c.run_id, _assignments.c.point_id)
        .join(_table, _table.c.id == _assignments.c.point_id)
        .where(_table.c.sweep_id == sweep_id)
    )
    return {run_id: found[point_id] for run_id, point_id in connection.execute(query)}


def of_run(connection: sa.Connection, run_id: int) -> Point | None:
    """Find the point that became a run."""
    query = sa.select(*_COLUMNS).join(_assignments, _assignments.c.point_id == _table.c.id)
    return one(Point, connection.execute(query.where(_assignments.c.run_id == run_id)).first())


def open_sweeps(connection: sa.Connection) -> list[int]:
    """List the row ids of the sweeps that have points which are not settled."""
    query = sa.select(_table.c.sweep_id).distinct().where(_table.c.state.in_(OPEN))
    return list(connection.execute(query.order_by(_table.c.sweep_id)).scalars())


def outcomes(connection: sa.Connection, sweep_id: int, metric: str | None) -> list[Outcome]:
    """List what came of each point of a sweep, oldest first.

    Numbers that are not finite count as missing. The metric is named with dots where it is nested.
    """
    runs, progress = tables.runs, tables.progress
    telling = _telling_runs(sweep_id)
    metric_value = run_values.in_summaries(metric, "number")
    status = run_values.in_summaries("status", "text")
    query = (
        sa.select(
            _table.c.point,
            _table.c.state,
            runs.c.state.label("run_state"),
            metric_value.c.number.label("summary"),
            progress.c.best,
            status.c.text.label("status"),
        )
        .join_from(_table, telling, telling.c.point_id == _table.c.id)
        .join(runs, runs.c.id == telling.c.run_id)
        .outerjoin(metric_value, metric_value.c.run_id == runs.c.id)
        .outerjoin(status, status.c.run_id == runs.c.id)
        .outerjoin(progress, progress.c.run_id == runs.c.id)
        .where(telling.c.place == 1)
        .order_by(_table.c.id)
    )
    return many(Outcome, connection.execute(query))


def _telling_runs(sweep_id: int) -> sa.Subquery:
    """Rank the runs of each point: a finished one first, then a live one, then the newest."""
    runs = tables.runs
    rank = sa.case((runs.c.state == FINISHED, 0), (runs.c.state.in_(LIVE), 1), else_=2)
    place = sa.func.row_number().over(
        partition_by=_assignments.c.point_id, order_by=[rank, runs.c.id.desc()]
    )
    return (
        sa.select(_assignments.c.point_id, runs.c.id.label("run_id"), place.label("place"))
        .join(_table, _table.c.id == _assignments.c.point_id)
        .join(runs, runs.c.id == _assignments.c.run_id)
        .where(_table.c.sweep_id == sweep_id)
        .subquery()
    )


def forget_unassigned(connection: sa.Connection, sweep_id: int) -> None:
    """Free the points all of whose runs were deleted: the sweep may hand them out anew."""
    assigned = sa.select(_assignments.c.point_id).where(_assignments.c.point_id == _table.c.id)
    where = (_table.c.sweep_id == sweep_id, ~assigned.exists())
    connection.execute(_table.delete().where(*where))


def _index_key(key: str) -> str:
    """Give a key that an index can hold, equal for equal points."""
    encoded = key.encode()
    return key if len(encoded) <= NAME_BYTES else hashlib.sha256(encoded).hexdigest()
