"""Sweeps and their agents."""

import json
import time
from typing import Any

import yaml

from sweepcnn.scheduler import StateError, UnknownAgentError, change_state, sweep_files
from sweepcnn.scheduler.names import new_id
from sweepcnn.scheduler.trials import summary_number
from sweepcnn.server import documents, ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.paging import connection
from sweepcnn.server.graphql.resolvers.projects import check_name
from sweepcnn.storage import agents, projects, runs, sweeps
from sweepcnn.storage.access import Role
from sweepcnn.storage.agents import Agent
from sweepcnn.storage.projects import Project
from sweepcnn.storage.sweeps import Sweep

_LONGEST_CONFIG = 65_536  # it is read anew whenever the sweep is asked for work

# Reading


def _sweep(
    project: Project,
    info: Info,
    sweepName: str,  # noqa: N803
) -> Sweep | None:
    return sweeps.get(info.context.connection, project.id, sweepName)


def _runs(sweep: Sweep, info: Info, **arguments: Any) -> dict[str, Any]:
    found = runs.of_sweep(info.context.connection, sweep.id)
    return connection(found, arguments.get("first"), arguments.get("after"))


def _best_loss(sweep: Sweep, info: Info) -> float | None:
    """Give the best value of the metric, negated where more is better."""
    metric = sweep_files.metric(sweep.config)
    if metric is None:
        return None
    sign = -1 if metric.goal == "maximize" else 1
    found = runs.of_sweep(info.context.connection, sweep.id)
    values = [summary_number(run.summary, metric.name) for run in found]
    return min((sign * value for value in values if value is not None), default=None)


def _agent_runs(agent: Agent, info: Info, **arguments: Any) -> dict[str, Any]:
    found = runs.of_agent(info.context.connection, agent.id)
    return connection(found, arguments.get("first"), arguments.get("after"))


def _agent(
    sweep: Sweep,
    info: Info,
    agentName: str,  # noqa: N803
) -> Agent | None:
    found = agents.of_sweep(info.context.connection, sweep.id)
    matching = [a for a in found if agentName in (a.name, ids.encode("Agent", a.id))]
    return matching[0] if matching else None


def _agent_state(agent: Agent, _info: Info) -> str:
    return "RUNNING" if time.time() - agent.heartbeat_at <= agents.ALIVE_S else "LOST"


def _agents(sweep: Sweep, info: Info) -> dict[str, Any]:
    return connection(agents.of_sweep(info.context.connection, sweep.id))


# Writing


def _upsert_sweep(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    if input.get("priorRunsFilters"):
        raise ApiError("prior runs are not served by this backend; leave --prior_run out", 400)
    values, warnings = _sweep_values(input)
    with request.write() as writing:
        if input.get("id"):
            sweep = sweeps.by_id(writing, ids.decode("Sweep", input["id"]))
            if sweep is None:
                raise ApiError("sweep not found", 404)
            request.check_access(writing, sweep.project_id, "sweep", role=Role.MEMBER)
            if values:
                sweeps.update(writing, sweep.id, **values)
        else:
            if "config" not in values:
                raise ApiError("a new sweep needs a config", 400)
            owner = request.entity(writing, input.get("entityName"), role=Role.MEMBER)
            name = check_name(input.get("projectName") or "uncategorized")
            project, _ = projects.get_or_create(writing, owner, name)
            of = {"project_id": project.id, "user_id": request.user.id, "name": new_id()}
            sweep = sweeps.by_id(writing, sweeps.add(writing, **of, **values))
        assert sweep is not None
        if input.get("state"):
            try:
                change_state(writing, sweep, input["state"])
            except StateError as error:
                raise ApiError(str(error), 400) from None
        sweep = sweeps.by_id(writing, sweep.id)
    return {"sweep": sweep, "configValidationWarnings": warnings}


_TEXTS = {
    "description": "description",
    "displayName": "display_name",
    "controller": "controller",
    "scheduler": "scheduler",
}


def _sweep_values(given: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Turn what is given into columns, and judge the configuration."""
    values = {c: given[field] for field, c in _TEXTS.items() if given.get(field) is not None}
    if given.get("config") is None:
        return values, []
    if len(given["config"]) > _LONGEST_CONFIG:
        rule = f"has more than {_LONGEST_CONFIG} characters"
        raise ApiError(f"the sweep config {rule}; write long lists of values as a range", 400)
    try:
        document = yaml.safe_load(given["config"])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ApiError(f"the sweep config is no YAML: {error}", 400) from None
    if not isinstance(document, dict):
        raise ApiError("the sweep config must be a mapping", 400)
    _check_expanded(document)
    values |= {"config": given["config"], "method": str(document.get("method") or "custom")}
    for key, column in (("name", "display_name"), ("description", "description")):
        if isinstance(document.get(key), str):
            values.setdefault(column, document[key])
    return values, sweep_files.warnings(document)


def _check_expanded(document: dict[str, Any]) -> None:
    """Check how much a config is when its aliases stand for what they mean.

    Raises:
        ApiError: it is more than could be written without them.
    """
    levels: list[Any] = [document]
    count = 0
    while levels:
        level = levels.pop()
        count += len(level)
        if count > _LONGEST_CONFIG:
            raise ApiError("the sweep config has too many values; use fewer aliases (*name)", 400)
        values = level.values() if isinstance(level, dict) else level
        levels += [value for value in values if isinstance(value, dict | list | tuple)]


def _create_agent(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
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
    "Mutation": {
        "upsertSweep": _upsert_sweep,
        "createAgent": _create_agent,
        "agentHeartbeat": _heartbeat,
    },
    "Project": {"sweep": _sweep},
    "Sweep": {
        "id": lambda sweep, _: ids.encode("Sweep", sweep.id),
        "project": lambda sweep, info: projects.by_id(info.context.connection, sweep.project_id),
        "earlyStopJobRunning": lambda *_: False,
        "bestLoss": _best_loss,
        "runCount": lambda sweep, info: runs.count(info.context.connection, sweep_id=sweep.id),
        "runCountExpected": lambda sweep, _: sweep_files.expected_runs(sweep.config),
        "runs": _runs,
        "agent": _agent,
        "agents": _agents,
    },
    "Agent": {
        "id": lambda agent, _: ids.encode("Agent", agent.id),
        "state": _agent_state,
        "totalRuns": lambda agent, info: len(runs.of_agent(info.context.connection, agent.id)),
        "runs": _agent_runs,
    },
}
