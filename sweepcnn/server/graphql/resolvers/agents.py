"""The agents of sweeps: as they come, ask for work, and are read."""

import json
import time
from functools import partial
from typing import Any

from sweepcnn.scheduler import UnknownAgentError
from sweepcnn.scheduler.names import new_id
from sweepcnn.server import documents, ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.paging import connection, read_page
from sweepcnn.storage import agents, runs, sweeps
from sweepcnn.storage.access import Role
from sweepcnn.storage.agents import Agent
from sweepcnn.storage.sweeps import Sweep


def _agents(sweep: Sweep, info: Info) -> dict[str, Any]:
    return connection(agents.of_sweep(info.context.connection, sweep.id))


def _agent(
    sweep: Sweep,
    info: Info,
    agentName: str,  # noqa: N803
) -> Agent | None:
    """Find an agent by its name or its id."""
    reading = info.context.connection
    found = agents.by_name(reading, sweep.id, agentName)
    if found is None:
        try:
            found = agents.by_id(reading, ids.decode("Agent", agentName))
        except ApiError:
            return None
    return found if found and found.sweep_id == sweep.id else None


def _runs(agent: Agent, info: Info, **arguments: Any) -> dict[str, Any]:
    read = partial(runs.of_agent, info.context.connection, agent.id)
    return read_page(lambda most, start: read(start=start, most=most), arguments)


def _run_count(agent: Agent, info: Info) -> int:
    return info.context.recall(agents.run_counts, agent.sweep_id).get(agent.id, 0)


def _create(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    with request.write() as writing:
        project = request.project(
            writing, input.get("entityName"), input.get("projectName"), role=Role.MEMBER
        )
        sweep = sweeps.get(writing, project.id, input["sweep"])
        if sweep is None:
            raise ApiError(f"sweep {input['sweep']!r} not found in {project.name!r}", 404)
        of = {"sweep_id": sweep.id, "user_id": request.user.id, "host": input["host"][:200]}
        agent_id = agents.add(writing, name=new_id(), **of)
        agent = agents.by_id(writing, agent_id)
    if sweep.method == "bayes":
        request.backend.scheduler.expect_model()
    return {"agent": agent}


def _heartbeat(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    agent_id = ids.decode("Agent", input["id"])
    with request.backend.database.read() as reading:  # not kept open while the search thinks
        agent = agents.by_id(reading, agent_id)
        sweep = sweeps.by_id(reading, agent.sweep_id) if agent else None
        if sweep is None or not request.sees(reading, sweep.project_id):
            raise ApiError("Sweep was deleted or agent was not found.", 404)
        request.check_access(reading, sweep.project_id, "agent", role=Role.MEMBER)
    state = documents.read_object(input.get("runState") or "{}", "runState")
    alive = {str(run) for run, is_alive in state.items() if is_alive}
    try:
        commands = request.backend.scheduler.heartbeat(agent_id, alive)
    except UnknownAgentError as error:
        raise ApiError(str(error), 404) from None
    return {"agent": agent, "commands": json.dumps([c.as_json() for c in commands])}


RESOLVERS = {
    "Mutation": {"createAgent": _create, "agentHeartbeat": _heartbeat},
    "Sweep": {"agent": _agent, "agents": _agents},
    "Agent": {
        "id": lambda agent, _: ids.encode("Agent", agent.id),
        "state": lambda agent, _: "RUNNING" if agent.is_alive(time.time()) else "LOST",
        "totalRuns": _run_count,
        "runs": _runs,
    },
}
