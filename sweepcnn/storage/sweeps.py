"""Sweeps, their agents, and the points that were handed out."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.columns import NAME_BYTES
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import many, one

AGENT_ALIVE_S = 60.0
"""Seconds since its last heartbeat for which an agent counts as alive; it has one every 5 s."""


@dataclass(frozen=True)
class Sweep:
    """A sweep as stored; `config` is the YAML that the client sent."""

    id: int
    project_id: int
    user_id: int
    name: str
    display_name: str | None
    description: str | None
    config: str
    method: str
    state: str
    controller: str | None
    scheduler: str | None
    created_at: float
    updated_at: float
    heartbeat_at: float | None


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


@dataclass(frozen=True)
class Suggestion:
    """A point that was handed out, and the run that it became."""

    run_id: int
    sweep_id: int
    agent_id: int
    point: str
    point_key: str
    origin: str
    created_at: float


_sweeps, _agents, _suggestions = tables.sweeps, tables.agents, tables.suggestions


def get(connection: sa.Connection, project_id: int, name: str) -> Sweep | None:
    """Find a sweep of a project by the name people type."""
    where = (_sweeps.c.project_id == project_id, _sweeps.c.name == name)
    return one(Sweep, connection.execute(sa.select(_sweeps).where(*where)).first())


def by_id(connection: sa.Connection, sweep_id: int) -> Sweep | None:
    """Find a sweep by row id."""
    query = sa.select(_sweeps).where(_sweeps.c.id == sweep_id)
    return one(Sweep, connection.execute(query).first())


def by_ids(connection: sa.Connection, ids: Sequence[int]) -> list[Sweep]:
    """List sweeps in the order of their row ids."""
    query = sa.select(_sweeps).where(_sweeps.c.id.in_(ids))
    found = {sweep.id: sweep for sweep in many(Sweep, connection.execute(query))}
    return [found[sweep_id] for sweep_id in ids]


def of_project(connection: sa.Connection, project_id: int) -> list[Sweep]:
    """List a project's sweeps, newest first."""
    query = sa.select(_sweeps).where(_sweeps.c.project_id == project_id)
    return many(Sweep, connection.execute(query.order_by(_sweeps.c.id.desc())))


def add(connection: sa.Connection, **values: Any) -> int:
    """Add a sweep and give its row id."""
    now = time.time()
    row = {"state": "PENDING", "created_at": now, "updated_at": now} | values
    return insert(connection, _sweeps, row)


def update(connection: sa.Connection, sweep_id: int, **values: Any) -> None:
    """Change columns of a sweep."""
    values = {"updated_at": time.time()} | values
    connection.execute(_sweeps.update().where(_sweeps.c.id == sweep_id).values(values))


def add_agent(connection: sa.Connection, **values: Any) -> int:
    """Add an agent and give its row id."""
    now = time.time()
    row = {"created_at": now, "heartbeat_at": now} | values
    return insert(connection, _agents, row)


def agent(connection: sa.Connection, agent_id: int) -> Agent | None:
    """Find an agent."""
    query = sa.select(_agents).where(_agents.c.id == agent_id)
    return one(Agent, connection.execute(query).first())


def agents(connection: sa.Connection, sweep_id: int) -> list[Agent]:
    """List a sweep's agents."""
    query = sa.select(_agents).where(_agents.c.sweep_id == sweep_id).order_by(_agents.c.id)
    return many(Agent, connection.execute(query))


def touch_agent(connection: sa.Connection, agent_id: int, now: float) -> None:
    """Note a heartbeat."""
    connection.execute(_agents.update().where(_agents.c.id == agent_id).values(heartbeat_at=now))


def add_suggestion(connection: sa.Connection, **values: Any) -> None:
    """Keep a point that is handed out.

    Raises:
        sqlalchemy.exc.IntegrityError: the sweep has handed out this point before.
    """
    row = {"created_at": time.time()} | values
    row["point_key"] = _index_key(row["point_key"])
    connection.execute(_suggestions.insert().values(row))


def suggestions(connection: sa.Connection, sweep_id: int) -> list[Suggestion]:
    """List what a sweep handed out, oldest first."""
    query = sa.select(_suggestions).where(_suggestions.c.sweep_id == sweep_id)
    return many(Suggestion, connection.execute(query.order_by(_suggestions.c.run_id)))


def _index_key(point_key: str) -> str:
    """Give a key that an index can hold, equal for equal points."""
    encoded = point_key.encode()
    return point_key if len(encoded) <= NAME_BYTES else hashlib.sha256(encoded).hexdigest()
