"""Gives points to agents. Each function works within the writing transaction of its caller."""

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from sweepcnn.scheduler.commands import Command
from sweepcnn.scheduler.names import new_id, sweep_run_name
from sweepcnn.search import Suggestion, point_key
from sweepcnn.storage import assignments, points, runs
from sweepcnn.storage.agents import Agent
from sweepcnn.storage.run_states import PENDING, PREEMPTED
from sweepcnn.storage.sweeps import Sweep


def hand_out_again(
    connection: sa.Connection, sweep: Sweep, agent: Agent, state: str, program: str | None
) -> Command | None:
    """Give the oldest point that waits in a state for another turn, if there is one.

    A preempted run is resumed, for it has written down how far it is; else a new run begins.
    """
    point = points.next_in_state(connection, sweep.id, state)
    if point is None:
        return None
    values = json.loads(point.point)
    before = assignments.newest_run(connection, point.id)
    if before is not None and before.state == PREEMPTED:
        runs.update(connection, before.id, state=PENDING, exit_code=None)
        assignments.resume(connection, point.id, before.id, agent.id)
        return Command("resume", before.name, program, values)
    name = _new_run(connection, sweep, agent, point.id, values, program)
    return Command("run", name, program, values)


def hand_out_new(
    connection: sa.Connection,
    sweep: Sweep,
    agent: Agent,
    suggestion: Suggestion,
    program: str | None,
) -> Command:
    """Reserve a point that the search suggests, and give it.

    Raises:
        sqlalchemy.exc.IntegrityError: the sweep handed it out already.
    """
    point_id = points.add(
        connection,
        sweep_id=sweep.id,
        point=json.dumps(suggestion.point),
        key=point_key(suggestion.point),
        origin=suggestion.origin,
    )
    name = _new_run(connection, sweep, agent, point_id, suggestion.point, program)
    return Command("run", name, program, suggestion.point)


def _new_run(
    connection: sa.Connection,
    sweep: Sweep,
    agent: Agent,
    point_id: int,
    point: Mapping[str, Any],
    program: str | None,
) -> str:
    name = new_id()
    run_id = runs.add(
        connection,
        project_id=sweep.project_id,
        user_id=agent.user_id,
        name=name,
        display_name=sweep_run_name(runs.count(connection, sweep_id=sweep.id) + 1),
        sweep_id=sweep.id,
        state=PENDING,
        program=program,
        config=json.dumps({key: {"value": value} for key, value in point.items()}),
    )
    assignments.assign(connection, point_id, run_id, agent.id)
    return name
