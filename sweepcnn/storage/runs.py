"""Runs: their state, configuration and summary."""

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from sweepcnn.storage import run_values, tables
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import many, one
from sweepcnn.storage.run_states import KILLED, LIVE, PENDING, PREEMPTING, lost


@dataclass(frozen=True)
class Run:
    """One run as stored; `name` is the id that people see."""

    id: int
    project_id: int
    user_id: int
    sweep_id: int | None
    name: str
    display_name: str
    state: str
    config: str
    summary: str
    description: str | None
    notes: str | None
    tags: str
    group_name: str | None
    job_type: str | None
    host: str | None
    program: str | None
    repo: str | None
    commit: str | None
    exit_code: int | None
    stop_requested: bool
    created_at: float
    heartbeat_at: float | None
    stop_requested_at: float | None
    stop_reason: str | None


NOT_STOPPED = {"stop_requested": False, "stop_requested_at": None, "stop_reason": None}
"""The columns of a run that nobody asks to stop."""


class _Gone(Protocol):
    @property
    def id(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def stop_requested(self) -> bool: ...
    @property
    def heartbeat_at(self) -> float | None: ...


_table = tables.runs
_BY_ID = sa.select(_table).where(_table.c.id == sa.bindparam("id"))
_BY_NAME = sa.select(_table).where(
    _table.c.project_id == sa.bindparam("project_id"), _table.c.name == sa.bindparam("name")
)
_CHANGE = _table.update().where(_table.c.id == sa.bindparam("row"))


def get(connection: sa.Connection, project_id: int, name: str) -> Run | None:
    """Find a run of a project by the name people see."""
    values = {"project_id": project_id, "name": name}
    return one(Run, connection.execute(_BY_NAME, values).first())


def by_id(connection: sa.Connection, run_id: int) -> Run | None:
    """Find a run by row id."""
    return one(Run, connection.execute(_BY_ID, {"id": run_id}).first())


def of_project(connection: sa.Connection, project_id: int) -> list[Run]:
    """List a project's runs, oldest first."""
    query = sa.select(_table).where(_table.c.project_id == project_id).order_by(_table.c.id)
    return many(Run, connection.execute(query))


def of_sweep(
    connection: sa.Connection, sweep_id: int, *, start: int = 0, most: int | None = None
) -> list[Run]:
    """List a sweep's runs, oldest first; all of them, or some from a position on."""
    query = sa.select(_table).where(_table.c.sweep_id == sweep_id).order_by(_table.c.id)
    return many(Run, connection.execute(_part(query, start, most)))


def of_agent(
    connection: sa.Connection, agent_id: int, *, start: int = 0, most: int | None = None
) -> list[Run]:
    """List the runs that an agent was given, oldest first; all, or some from a position on."""
    given = sa.select(tables.assignments.c.run_id).where(tables.assignments.c.agent_id == agent_id)
    query = sa.select(_table).where(_table.c.id.in_(given)).order_by(_table.c.id)
    return many(Run, connection.execute(_part(query, start, most)))


def _part(query: sa.Select[Any], start: int, most: int | None) -> sa.Select[Any]:
    return query if most is None else query.limit(most).offset(start)


def by_names(connection: sa.Connection, project_id: int, names: Sequence[str]) -> list[Run]:
    """List those of a project's runs that have one of some names, oldest first."""
    where = (_table.c.project_id == project_id, _table.c.name.in_(names))
    return many(Run, connection.execute(sa.select(_table).where(*where).order_by(_table.c.id)))


def by_ids(connection: sa.Connection, ids: Sequence[int]) -> list[Run]:
    """List runs in the order of their row ids."""
    query = sa.select(_table).where(_table.c.id.in_(ids))
    found = {run.id: run for run in many(Run, connection.execute(query))}
    return [found[run_id] for run_id in ids]


def count(connection: sa.Connection, **equal: object) -> int:
    """Count the runs whose columns have these values."""
    where = [_table.c[name] == value for name, value in equal.items()]
    return connection.execute(sa.select(sa.func.count(_table.c.id)).where(*where)).scalar_one()


def count_live(connection: sa.Connection, sweep_id: int) -> int:
    """Count a sweep's runs that have not ended."""
    where = (_table.c.sweep_id == sweep_id, _table.c.state.in_(LIVE))
    return connection.execute(sa.select(sa.func.count(_table.c.id)).where(*where)).scalar_one()


def add(
    connection: sa.Connection, *, project_id: int, user_id: int, name: str, **values: Any
) -> int:
    """Add a run and give its row id."""
    row = {
        "display_name": name,
        "state": "running",
        "config": "{}",
        "summary": "{}",
        "tags": "[]",
        "stop_requested": False,
        "created_at": time.time(),
    }
    row |= {"project_id": project_id, "user_id": user_id, "name": name} | values
    run_id = insert(connection, _table, row)
    run_values.keep(connection, run_id, values)
    return run_id


def update(connection: sa.Connection, run_id: int, **values: Any) -> None:
    """Change columns of a run."""
    connection.execute(_CHANGE, {"row": run_id, **values})
    run_values.keep(connection, run_id, values)


def end(connection: sa.Connection, run_ids: Iterable[int], state: str) -> None:
    """Set runs that have not ended to an end state."""
    where = (_table.c.id.in_(list(run_ids)), _table.c.state.in_(LIVE))
    connection.execute(_table.update().where(*where).values(state=state))


def kill(connection: sa.Connection, sweep_id: int, now: float) -> None:
    """End the live runs of a sweep; a process that goes on all the same is told to stop."""
    where = (_table.c.sweep_id == sweep_id, _table.c.state.in_(LIVE))
    told = {"stop_requested": True, "stop_requested_at": now}
    connection.execute(_table.update().where(*where).values(state=KILLED, **told))


def end_lost(connection: sa.Connection, gone: Iterable[_Gone]) -> None:
    """End runs whose process is gone.

    A run that was preempted, and whose next process did not start, remains preempted.
    """
    by_state: defaultdict[str, list[int]] = defaultdict(list)
    for run in gone:
        before = PREEMPTING if run.state == PENDING and run.heartbeat_at else run.state
        by_state[lost(before, stopped=run.stop_requested)].append(run.id)
    for state, run_ids in by_state.items():
        end(connection, run_ids, state)


def silent_before(connection: sa.Connection, when: float) -> list[Run]:
    """List live runs that neither their own process nor their agent has spoken for since a time.

    A pending run has no process yet, and one that was started by hand has no agent.
    """
    assignments, agents = tables.assignments, tables.agents
    agent_heard = (
        sa.select(assignments.c.run_id)
        .join(agents, agents.c.id == assignments.c.agent_id)
        .where(assignments.c.run_id == _table.c.id, agents.c.heartbeat_at >= when)
    )
    given = sa.select(assignments.c.run_id).where(assignments.c.run_id == _table.c.id)
    query = sa.select(_table).where(
        _table.c.state.in_(LIVE),
        sa.case((_table.c.state == PENDING, given.exists()), else_=_table.c.heartbeat_at < when),
        ~agent_heard.exists(),
    )
    return many(Run, connection.execute(query.order_by(_table.c.id)))
