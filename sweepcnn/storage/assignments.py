"""Which runs a point became, and which agent has them."""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import upsert
from sweepcnn.storage.points import OPEN, OUT
from sweepcnn.storage.records import columns_of, many, one
from sweepcnn.storage.run_states import LIVE
from sweepcnn.storage.runs import Run

# What an agent was given has 8 characters, and it has one run at a time; it may say anything.
_LONGEST_NAME, _MOST_NAMED = 64, 100
_table, _points, _runs = tables.assignments, tables.points, tables.runs


@dataclass(frozen=True)
class Held:
    """A run that an agent was given, as far as its heartbeats are about it."""

    id: int
    name: str
    state: str
    exit_code: int | None
    stop_requested: bool
    stop_requested_at: float | None
    heartbeat_at: float | None


@dataclass(frozen=True)
class Turn:
    """A run of a point that is not settled."""

    point_id: int
    point_state: str
    attempts: int
    resumptions: int
    state: str
    stop_requested: bool
    started: bool


def assign(connection: sa.Connection, point_id: int, run_id: int, agent_id: int) -> None:
    """Give a point to a new run of an agent."""
    _give(connection, point_id, run_id, agent_id, _points.c.attempts)


def resume(connection: sa.Connection, point_id: int, run_id: int, agent_id: int) -> None:
    """Give the run that a point became before to an agent."""
    _give(connection, point_id, run_id, agent_id, _points.c.resumptions)


def _give(
    connection: sa.Connection, point_id: int, run_id: int, agent_id: int, count: sa.Column[int]
) -> None:
    change = _points.update().where(_points.c.id == point_id)
    connection.execute(change.values({"state": OUT, count.name: count + 1}))
    row = {"run_id": run_id, "point_id": point_id, "agent_id": agent_id}
    upsert(connection, _table, [row | {"created_at": time.time()}])


def held(connection: sa.Connection, agent_id: int, alive: set[str]) -> list[Held]:
    """List an agent's runs that are live, or alive by its word, oldest first."""
    named = sorted(name for name in alive if len(name) <= _LONGEST_NAME)[:_MOST_NAMED]
    query = (
        sa.select(*columns_of(_runs, Held))
        .join(_table, _table.c.run_id == _runs.c.id)
        .where(_table.c.agent_id == agent_id, _runs.c.state.in_(LIVE) | _runs.c.name.in_(named))
        .order_by(_runs.c.id)
    )
    return many(Held, connection.execute(query))


def open_turns(connection: sa.Connection, sweep_id: int) -> list[Turn]:
    """List the runs of all points of a sweep that are not settled, by point, oldest first."""
    query = (
        sa.select(
            _points.c.id.label("point_id"),
            _points.c.state.label("point_state"),
            _points.c.attempts,
            _points.c.resumptions,
            _runs.c.state,
            _runs.c.stop_requested,
            _runs.c.heartbeat_at.is_not(None).label("started"),
        )
        .join_from(_points, _table, _table.c.point_id == _points.c.id)
        .join(_runs, _runs.c.id == _table.c.run_id)
        .where(_points.c.sweep_id == sweep_id, _points.c.state.in_(OPEN))
        .order_by(_points.c.id, _runs.c.id)
    )
    return many(Turn, connection.execute(query))


def newest_run(connection: sa.Connection, point_id: int) -> Run | None:
    """Find the run that a point became last."""
    query = (
        sa.select(*columns_of(_runs, Run))
        .join(_table, _table.c.run_id == _runs.c.id)
        .where(_table.c.point_id == point_id)
        .order_by(_runs.c.id.desc())
        .limit(1)
    )
    return one(Run, connection.execute(query).first())
