"""The agents of sweeps."""

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import many, one

ALIVE_S = 60.0
"""Seconds since its last heartbeat for which an agent counts as alive; it has one every 5 s."""


@dataclass(frozen=True)
class Agent:
    """A process that asks a sweep for work."""

    id: int
    sweep_id: int
    user_id: int
    name: str
    host: str
    created_at: float
    heartbeat_at: float

    def is_alive(self, now: float) -> bool:
        """Tell whether it was heard of lately; times are seconds since the epoch."""
        return now - self.heartbeat_at <= ALIVE_S


_table = tables.agents


def add(connection: sa.Connection, **values: Any) -> int:
    """Add an agent and give its row id."""
    now = time.time()
    return insert(connection, _table, {"created_at": now, "heartbeat_at": now} | values)


def by_id(connection: sa.Connection, agent_id: int) -> Agent | None:
    """Find an agent."""
    query = sa.select(_table).where(_table.c.id == agent_id)
    return one(Agent, connection.execute(query).first())


def by_name(connection: sa.Connection, sweep_id: int, name: str) -> Agent | None:
    """Find an agent of a sweep by its name."""
    where = (_table.c.sweep_id == sweep_id, _table.c.name == name)
    return one(Agent, connection.execute(sa.select(_table).where(*where)).first())


def of_sweep(connection: sa.Connection, sweep_id: int) -> list[Agent]:
    """List a sweep's agents, oldest first."""
    query = sa.select(_table).where(_table.c.sweep_id == sweep_id).order_by(_table.c.id)
    return many(Agent, connection.execute(query))


def by_run(connection: sa.Connection, sweep_id: int) -> dict[int, int]:
    """Give the agents of a sweep by the runs that they were given; both by row id."""
    given = tables.assignments
    query = sa.select(given.c.run_id, given.c.agent_id).join(
        _table, _table.c.id == given.c.agent_id
    )
    found = connection.execute(query.where(_table.c.sweep_id == sweep_id))
    return {row.run_id: row.agent_id for row in found}


def run_counts(connection: sa.Connection, sweep_id: int) -> dict[int, int]:
    """Count the runs of each agent of a sweep that was given any, by the agent's row id."""
    given = tables.assignments.c.agent_id
    query = sa.select(given, sa.func.count().label("number")).join(_table, _table.c.id == given)
    found = connection.execute(query.where(_table.c.sweep_id == sweep_id).group_by(given))
    return {row.agent_id: row.number for row in found}


def touch(connection: sa.Connection, agent_id: int, now: float) -> None:
    """Note a heartbeat."""
    connection.execute(_table.update().where(_table.c.id == agent_id).values(heartbeat_at=now))
