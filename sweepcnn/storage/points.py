"""The points of sweeps, and the runs that they became.

out --> settled            its run ended well, was stopped, or there is no further turn
out --> lost --> out       its run's process died: the next agent gets it
out --> failed --> out     its run ended with an error: in a grid it gets a second turn, last
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.columns import NAME_BYTES
from sweepcnn.storage.database import insert, upsert
from sweepcnn.storage.records import columns_of, many, one
from sweepcnn.storage.run_states import LIVE
from sweepcnn.storage.runs import Run

OUT, LOST, FAILED, SETTLED = "out", "lost", "failed", "settled"


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
    created_at: float


@dataclass(frozen=True)
class Outcome:
    """What came of a point: its newest run's state, and the metric by its summary and its best."""

    point: str
    state: str
    summary: float | None
    best: float | None


_table, _assignments = tables.points, tables.assignments
_COLUMNS = columns_of(_table, Point)


def add(connection: sa.Connection, *, sweep_id: int, point: str, key: str, origin: str) -> int:
    """Keep a new point and give its row id; it is out, and no run has it yet.

    Raises:
        sqlalchemy.exc.IntegrityError: the sweep has this point already.
    """
    row = {"sweep_id": sweep_id, "point": point, "key": _index_key(key), "origin": origin}
    row |= {"state": OUT, "attempts": 0, "created_at": time.time()}
    return insert(connection, _table, row)


def assign(connection: sa.Connection, point_id: int, run_id: int, agent_id: int) -> None:
    """Give a point to a run of an agent, or a run that has it to another agent."""
    connection.execute(
        _table.update()
        .where(_table.c.id == point_id)
        .values(state=OUT, attempts=_table.c.attempts + 1)
    )
    row = {"run_id": run_id, "point_id": point_id, "agent_id": agent_id}
    upsert(connection, _assignments, [row | {"created_at": time.time()}])


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


def ended(connection: sa.Connection, sweep_id: int) -> list[tuple[Point, Run]]:
    """List the points that are out though their newest run has ended, with that run."""
    runs = tables.runs
    newest = (
        sa.select(sa.func.max(_assignments.c.run_id))
        .where(_assignments.c.point_id == _table.c.id)
        .scalar_subquery()
    )
    query = (
        sa.select(_table.c.id, runs.c.id)
        .join_from(_table, runs, runs.c.id == newest)
        .where(_table.c.sweep_id == sweep_id, _table.c.state == OUT, runs.c.state.not_in(LIVE))
        .order_by(_table.c.id)
    )
    pairs = connection.execute(query).all()
    by_id = {p.id: p for p in _by_ids(connection, [point_id for point_id, _ in pairs])}
    chosen = sa.select(*columns_of(runs, Run)).where(runs.c.id.in_([run for _, run in pairs]))
    run_by_id = {run.id: run for run in many(Run, connection.execute(chosen))}
    return [(by_id[point_id], run_by_id[run_id]) for point_id, run_id in pairs]


def newest_run(connection: sa.Connection, point_id: int) -> Run | None:
    """Find the run that a point became last."""
    runs = tables.runs
    query = (
        sa.select(*columns_of(runs, Run))
        .join(_assignments, _assignments.c.run_id == runs.c.id)
        .where(_assignments.c.point_id == point_id)
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    return one(Run, connection.execute(query).first())


def by_run(connection: sa.Connection, sweep_id: int) -> dict[int, Point]:
    """Give the points of a sweep by the ids of the runs that they became."""
    found = {point.id: point for point in of_sweep(connection, sweep_id)}
    query = (
        sa.select(_assignments.c.run_id, _assignments.c.point_id)
        .join(_table, _table.c.id == _assignments.c.point_id)
        .where(_table.c.sweep_id == sweep_id)
    )
    return {run_id: found[point_id] for run_id, point_id in connection.execute(query)}


def outcomes(connection: sa.Connection, sweep_id: int, metric: str | None) -> list[Outcome]:
    """List what came of each point of a sweep, oldest first.

    Numbers that are not finite count as missing. The metric is named with dots where it is nested.
    """
    runs, values, progress = tables.runs, tables.run_values, tables.progress
    newest = (
        sa.select(_assignments.c.point_id, sa.func.max(_assignments.c.run_id).label("run_id"))
        .join(_table, _table.c.id == _assignments.c.point_id)
        .where(_table.c.sweep_id == sweep_id)
        .group_by(_assignments.c.point_id)
        .subquery()
    )
    of_metric = (
        (values.c.run_id == runs.c.id)
        & (values.c.source == "summary")
        & (values.c.key == (metric or ""))
        & (values.c.position == 0)
        & (values.c.kind == "number")
    )
    query = (
        sa.select(_table.c.point, runs.c.state, values.c.number.label("summary"), progress.c.best)
        .join_from(_table, newest, newest.c.point_id == _table.c.id)
        .join(runs, runs.c.id == newest.c.run_id)
        .outerjoin(values, of_metric)
        .outerjoin(progress, progress.c.run_id == runs.c.id)
        .order_by(_table.c.id)
    )
    return many(Outcome, connection.execute(query))


def forget_unassigned(connection: sa.Connection, sweep_id: int) -> None:
    """Free the points all of whose runs were deleted: the sweep may hand them out anew."""
    assigned = sa.select(_assignments.c.point_id).where(_assignments.c.point_id == _table.c.id)
    where = (_table.c.sweep_id == sweep_id, ~assigned.exists())
    connection.execute(_table.delete().where(*where))


def _by_ids(connection: sa.Connection, ids: Sequence[int]) -> list[Point]:
    return many(Point, connection.execute(sa.select(*_COLUMNS).where(_table.c.id.in_(ids))))


def _index_key(key: str) -> str:
    """Give a key that an index can hold, equal for equal points."""
    encoded = key.encode()
    return key if len(encoded) <= NAME_BYTES else hashlib.sha256(encoded).hexdigest()
