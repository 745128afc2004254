"""Sweeps: their configuration and state."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import many, one


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


_table = tables.sweeps


def get(connection: sa.Connection, project_id: int, name: str) -> Sweep | None:
    """Find a sweep of a project by the name people type."""
    where = (_table.c.project_id == project_id, _table.c.name == name)
    return one(Sweep, connection.execute(sa.select(_table).where(*where)).first())


def by_id(connection: sa.Connection, sweep_id: int) -> Sweep | None:
    """Find a sweep by row id."""
    query = sa.select(_table).where(_table.c.id == sweep_id)
    return one(Sweep, connection.execute(query).first())


def by_ids(connection: sa.Connection, ids: Sequence[int]) -> list[Sweep]:
    """List sweeps in the order of their row ids."""
    query = sa.select(_table).where(_table.c.id.in_(ids))
    found = {sweep.id: sweep for sweep in many(Sweep, connection.execute(query))}
    return [found[sweep_id] for sweep_id in ids]


def of_project(connection: sa.Connection, project_id: int) -> list[Sweep]:
    """List a project's sweeps, newest first."""
    query = sa.select(_table).where(_table.c.project_id == project_id)
    return many(Sweep, connection.execute(query.order_by(_table.c.id.desc())))


def in_state(connection: sa.Connection, state: str) -> list[Sweep]:
    """List the sweeps of all projects that are in a state, oldest first."""
    query = sa.select(_table).where(_table.c.state == state).order_by(_table.c.id)
    return many(Sweep, connection.execute(query))


def add(connection: sa.Connection, **values: Any) -> int:
    """Add a sweep and give its row id."""
    now = time.time()
    row = {"state": "PENDING", "created_at": now, "updated_at": now} | values
    return insert(connection, _table, row)


def update(connection: sa.Connection, sweep_id: int, **values: Any) -> None:
    """Change columns of a sweep."""
    values = {"updated_at": time.time()} | values
    connection.execute(_table.update().where(_table.c.id == sweep_id).values(values))
