"""Runs as they are read back."""

import json
from datetime import UTC, datetime
from typing import Any

from sweepcnn.server import documents, filters, ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.graphql.paging import connection
from sweepcnn.storage import projects, runs, streams, sweeps, users
from sweepcnn.storage.projects import Project
from sweepcnn.storage.run_states import CRASHED, FAILED, RUNNING
from sweepcnn.storage.runs import Run


def _run(project: Project, info: Info, name: str, **_unused: Any) -> Run | None:
    return runs.get(info.context.connection, project.id, name)


def _selected(project: Project, info: Info, arguments: dict[str, Any]) -> list[Run]:
    """Give the runs that a filter keeps, in the order asked for."""
    request: Request = info.context
    found = runs.of_project(request.connection, project.id)
    names = {s.id: s.name for s in sweeps.of_project(request.connection, project.id)}
    people = users.names(request.connection)
    readers = {run.id: _reader(run, names, people) for run in found}
    condition = documents.read(arguments.get("filters") or "{}", "filters") or {}
    kept = [run for run in found if filters.matches(condition, readers[run.id])]
    order = arguments.get("order") or "+created_at"
    return filters.ordered(kept, order, lambda run: readers[run.id])


def _reader(run: Run, sweep_names: dict[int, str], people: dict[int, str]) -> filters.Read:
    """Read a run by the keys of W&B's filters."""
    plain = {
        "name": run.name,
        "displayName": run.display_name,
        "display_name": run.display_name,
        "state": run.state,
        "sweep": sweep_names.get(run.sweep_id or 0, filters.MISSING),
        "group": run.group_name,
        "jobType": run.job_type,
        "job_type": run.job_type,
        "tags": json.loads(run.tags),
        "createdAt": _iso(run.created_at),
        "created_at": _iso(run.created_at),
        "heartbeatAt": _iso(run.heartbeat_at),
        "heartbeat_at": _iso(run.heartbeat_at),
        "username": people.get(run.user_id, filters.MISSING),
        "user.username": people.get(run.user_id, filters.MISSING),
        "duration": (run.heartbeat_at or run.created_at) - run.created_at,
    }

    def read(key: str) -> Any:
        if key in plain:
            return plain[key]
        section, _, path = key.partition(".")
        if section == "summary_metrics":
            return _at(json.loads(run.summary), path)
        if section == "config":
            config = {k: v["value"] for k, v in json.loads(run.config).items()}
            value = _at(config, path)
            return _at(config, path.removesuffix(".value")) if value is filters.MISSING else value
        return filters.MISSING

    return read


def _at(document: dict[str, Any], path: str) -> Any:
    if path in document:
        return document[path]
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, dict) or part not in value:
            return filters.MISSING
        value = value[part]
    return value


def _iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _runs(project: Project, info: Info, **arguments: Any) -> dict[str, Any]:
    found = _selected(project, info, arguments)
    return connection(found, arguments.get("first"), arguments.get("after"))


def _count(project: Project, info: Info, **arguments: Any) -> int:
    return len(_selected(project, info, arguments))


def _project_of(run: Run, info: Info) -> Project:
    return projects.by_id(info.context.connection, run.project_id)


def _sweep_name(run: Run, info: Info) -> str | None:
    sweep = sweeps.by_id(info.context.connection, run.sweep_id) if run.sweep_id else None
    return sweep.name if sweep else None


def _wandb_config(run: Run, _info: Info, **arguments: Any) -> str:
    value = json.loads(run.config).get("_wandb", {"value": {}})["value"]
    keys, known = arguments.get("keys"), value if isinstance(value, dict) else {}
    return json.dumps({k: v for k, v in known.items() if keys is None or k in keys})


RESOLVERS = {
    "Project": {"run": _run, "bucket": _run, "runs": _runs, "runCount": _count},
    "Run": {
        "id": lambda run, _: ids.encode("Run", run.id),
        "project": _project_of,
        "user": lambda run, info: users.by_id(info.context.connection, run.user_id),
        "summaryMetrics": lambda run, _: run.summary,
        "systemMetrics": lambda run, info: (
            streams.last(info.context.connection, run.id, streams.EVENTS) or "{}"
        ),
        "wandbConfig": _wandb_config,
        "sweepName": _sweep_name,
        "group": lambda run, _: run.group_name,
        "readOnly": lambda *_: False,
        "tags": lambda run, _: json.loads(run.tags),
        "exitcode": lambda run, _: run.exit_code,
        "shouldStop": lambda run, _: run.stop_requested,
        "stopped": lambda run, _: run.stop_requested,
        "failed": lambda run, _: run.state in (FAILED, CRASHED),
        "running": lambda run, _: run.state == RUNNING,
    },
}
