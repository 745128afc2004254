"""Runs: reading them back, and the client's upsertBucket."""

import json
import time
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from sweepcnn.server import console, documents, filters, history, ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.paging import connection
from sweepcnn.server.graphql.resolvers.projects import check_name, check_segment
from sweepcnn.storage import projects, runs, streams, sweeps, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.projects import Project
from sweepcnn.storage.runs import Run

# Reading


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


def _lines(run: Run, info: Info, file: str) -> list[str]:
    return streams.read(info.context.connection, run.id, file)


def _history(run: Run, info: Info, **arguments: Any) -> list[str]:
    lines = _lines(run, info, streams.HISTORY)
    low, high = arguments.get("minStep"), arguments.get("maxStep")
    if low is not None or high is not None:
        limit = 2**62
        return history.between(lines, int(low or 0), int(limit if high is None else high))
    return history.sample(lines, arguments.get("samples"))


def _events(run: Run, info: Info, samples: int | None = None) -> list[str]:
    return history.sample(_lines(run, info, streams.EVENTS), samples)


def _sampled_history(run: Run, info: Info, specs: list[Any]) -> list[Any]:
    lines = _lines(run, info, streams.HISTORY)
    read = [history.check_spec(documents.read(spec, "a history specification")) for spec in specs]
    return [history.sampled(lines, spec) for spec in read]


def _parquet(run: Run, info: Info, **_unused: Any) -> dict[str, Any]:
    """Say that all history is live: none of it has been put into parquet files."""
    some = streams.count(info.context.connection, run.id, streams.HISTORY)
    return {"parquetUrls": [], "liveData": [{"_step": 0}] if some else []}


def _tail(run: Run, info: Info, file: str) -> str:
    last = streams.last(info.context.connection, run.id, file)
    return json.dumps([] if last is None else [last])


def _line_count(file: str) -> Any:
    return lambda run, info: streams.count(info.context.connection, run.id, file)


def _log_lines(run: Run, info: Info, **arguments: Any) -> dict[str, Any]:
    lines = [
        console.read_line(n, text) for n, text in enumerate(_lines(run, info, streams.CONSOLE))
    ]
    if arguments.get("last") is not None:
        return connection(lines[max(len(lines) - max(arguments["last"], 0), 0) :])
    return connection(lines, arguments.get("first"), arguments.get("after"))


# Writing


def _upsert_bucket(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    with request.write() as writing:
        run, inserted = _find_or_add(request, writing, input)
        values = _changes(run, input)
        if input.get("name"):  # the run itself; an edit through the public API sends its id alone
            values["heartbeat_at"] = time.time()
            if run.state in ("pending", "crashed") or input.get("state") == "running":
                values["state"] = "running"
        if values:
            runs.update(writing, run.id, **values)
        bucket = runs.by_id(writing, run.id)
    return {"bucket": bucket, "inserted": inserted}


def _find_or_add(
    request: Request, writing: sa.Connection, given: dict[str, Any]
) -> tuple[Run, bool]:
    """Find the run by its storage id or its path; make it (and its project) if it is new."""
    if given.get("id"):
        run = runs.by_id(writing, ids.decode("Run", given["id"]))
        if run is None:
            raise ApiError("run not found", 404)
        request.check_access(writing, run.project_id, "run", role=Role.MEMBER)
        return run, False
    owner = request.entity(writing, given.get("entityName"), role=Role.MEMBER)
    project_name = check_name(given.get("modelName") or "uncategorized")
    project, _ = projects.get_or_create(writing, owner, project_name)
    name = given.get("name") or ""
    check_segment("run id", name)
    run = runs.get(writing, project.id, name)
    if run is not None:
        return run, False
    sweep = sweeps.get(writing, project.id, given["sweep"]) if given.get("sweep") else None
    user, sweep_id = request.user.id, sweep.id if sweep else None
    row = runs.add(writing, project_id=project.id, user_id=user, name=name, sweep_id=sweep_id)
    created = runs.by_id(writing, row)
    assert created is not None
    return created, True


_TEXTS = {
    "groupName": "group_name",
    "description": "description",
    "displayName": "display_name",
    "notes": "notes",
    "commit": "commit",
    "host": "host",
    "jobProgram": "program",
    "jobRepo": "repo",
    "jobType": "job_type",
    "summaryMetrics": "summary",
}


def _changes(run: Run, given: dict[str, Any]) -> dict[str, Any]:
    """Turn what is given into columns; what is null stays as it is."""
    values = {c: given[field] for field, c in _TEXTS.items() if given.get(field) is not None}
    if given.get("tags") is not None:
        values["tags"] = json.dumps(given["tags"])
    if given.get("summaryMetrics") is not None:
        documents.read_object(given["summaryMetrics"], "summaryMetrics")
    if given.get("config") is not None:
        config = documents.read_object(given["config"], "config")
        config = {key: _wrapped(item) for key, item in config.items()}
        values["config"] = json.dumps(json.loads(run.config) | config)
    return values


def _wrapped(item: Any) -> Any:
    """Give a value of a configuration in the client's form, {"value": v}."""
    return item if isinstance(item, dict) and "value" in item else {"value": item}


def _stop_run(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:  # noqa: A002
    request: Request = info.context
    with request.write() as writing:
        run = runs.by_id(writing, ids.decode("Run", input["id"]))
        if run is None:
            raise ApiError("run not found", 404)
        request.check_access(writing, run.project_id, "run", role=Role.MEMBER)
        runs.update(writing, run.id, stop_requested=True)
    return {"success": True}


RESOLVERS = {
    "Mutation": {"upsertBucket": _upsert_bucket, "stopRun": _stop_run},
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
        "failed": lambda run, _: run.state in ("failed", "crashed"),
        "running": lambda run, _: run.state == "running",
        "historyLineCount": _line_count(streams.HISTORY),
        "eventsLineCount": _line_count(streams.EVENTS),
        "logLineCount": _line_count(streams.CONSOLE),
        "historyTail": lambda run, info: _tail(run, info, streams.HISTORY),
        "eventsTail": lambda run, info: _tail(run, info, streams.EVENTS),
        "historyKeys": lambda run, info: history.keys(_lines(run, info, streams.HISTORY)),
        "history": _history,
        "events": _events,
        "sampledHistory": _sampled_history,
        "parquetHistory": _parquet,
        "logLines": _log_lines,
    },
}
