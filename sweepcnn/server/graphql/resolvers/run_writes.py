"""What changes runs: the client's upsertBucket, states set by hand, rewinding, deleting."""

import json
import time
from typing import Any

import sqlalchemy as sa

from sweepcnn.scheduler import settle
from sweepcnn.server import documents, ids, rewind
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.resolvers.projects import check_name, check_segment
from sweepcnn.storage import deleted_runs, projects, run_states, runs, sweeps
from sweepcnn.storage.access import Role
from sweepcnn.storage.runs import Run


def _upsert_bucket(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    with request.write() as writing:
        run, inserted = _find_or_add(request, writing, input)
        values = _changes(run, input)
        if run.sweep_id is None and input.get("sweep"):
            values["sweep_id"] = _sweep_id(writing, run.project_id, input["sweep"])
        if input.get("name"):  # the run's own process; an edit sends its storage id alone
            values |= _signs_of_life(writing, run, input)
        if values:
            runs.update(writing, run.id, **values)
        bucket = runs.by_id(writing, run.id)
    return {"bucket": bucket, "inserted": inserted}


def _find_or_add(
    request: Request, writing: sa.Connection, given: dict[str, Any]
) -> tuple[Run, bool]:
    """Find the run by its storage id or its path; make it (and its project) if it is new."""
    if given.get("id"):
        return find(request, writing, given["id"]), False
    owner = request.entity(writing, given.get("entityName"), role=Role.MEMBER)
    project_name = check_name(given.get("modelName") or "uncategorized")
    project, _ = projects.get_or_create(writing, owner, project_name)
    name = given.get("name") or ""
    check_segment("run id", name)
    run = runs.get(writing, project.id, name)
    if run is not None:
        return run, False
    if deleted_runs.is_deleted(writing, project.id, name):
        path = f"{owner}/{project.name}/{name}"
        raise ApiError(f"run {path} was deleted; start a run with another id", 410)
    state = given.get("state") or run_states.RUNNING
    if state not in (run_states.PENDING, run_states.RUNNING):
        raise ApiError(f"state {state[:40]!r}: a new run is pending or running", 400)
    row = runs.add(writing, project_id=project.id, user_id=request.user.id, name=name, state=state)
    created = runs.by_id(writing, row)
    assert created is not None
    return created, True


def find(request: Request, connection: sa.Connection, wire_id: str) -> Run:
    """Give the run of a storage id that the user may change.

    Raises:
        ApiError: there is none, or they may not.
    """
    run = runs.by_id(connection, ids.decode("Run", wire_id))
    return request.owned(connection, run, "run", role=Role.MEMBER)


def _sweep_id(writing: sa.Connection, project_id: int, name: str) -> int:
    sweep = sweeps.get(writing, project_id, name)
    if sweep is None:
        project = projects.by_id(writing, project_id)
        path = f"{project.entity}/{project.name}"
        rule = f"sweep {name[:80]!r} not found in {path}"
        raise ApiError(f"{rule}; create it there, or unset WANDB_SWEEP_ID", 404)
    return sweep.id


def _signs_of_life(writing: sa.Connection, run: Run, given: dict[str, Any]) -> dict[str, Any]:
    """Tell what an upsert by a run's process says of its state."""
    if given.get("state"):  # Run.create of the public API: no process is there yet
        return {}
    values: dict[str, Any] = {"heartbeat_at": time.time(), "state": run_states.heard(run.state)}
    sweep = sweeps.by_id(writing, run.sweep_id) if run.sweep_id else None
    if _introduces_itself(given) and not (sweep and sweep.state == "CANCELED"):
        values["state"] = run_states.RUNNING
        if run.state in run_states.ENDED:
            if sweep:
                settle(writing, sweep)  # by how the run ended, which is forgotten now
            values |= {"exit_code": None} | runs.NOT_STOPPED
    return values


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
}


def _introduces_itself(given: dict[str, Any]) -> bool:
    """Tell a process that starts or resumes a run from one that is under way.

    The first sends its configuration and all else; later ones send either, as it changes.
    """
    return given.get("config") is not None and any(given.get(field) for field in _TEXTS)


def _changes(run: Run, given: dict[str, Any]) -> dict[str, Any]:
    """Turn what is given into columns; what is null stays as it is."""
    values = {c: given[field] for field, c in _TEXTS.items() if given.get(field) is not None}
    if given.get("tags") is not None:
        values["tags"] = json.dumps(list(dict.fromkeys(given["tags"])))
    if given.get("summaryMetrics") is not None:
        documents.read_object(given["summaryMetrics"], "summaryMetrics")
        values["summary"] = given["summaryMetrics"]
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
        run = find(request, writing, input["id"])
        if run.state in run_states.LIVE:
            since = run.stop_requested_at or time.time()
            words = {"stop_requested_at": since, "stop_reason": None}  # a user's word, from now on
            runs.update(writing, run.id, stop_requested=True, **words)
    return {"success": True}


def _update_run_state(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    with request.write() as writing:
        run = find(request, writing, input["id"])
        if run.sweep_id is not None:
            rule = f"run {run.name} belongs to a sweep, whose agents tell its state"
            raise ApiError(f"{rule}; stop the run, or change the sweep's state", 400)
        try:
            state = run_states.by_hand(run.state, input["state"])
        except run_states.StateError as error:
            raise ApiError(str(error), 400) from None
        runs.update(writing, run.id, state=state, exit_code=None, **runs.NOT_STOPPED)
    return {"success": True}


def _rewind_run(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    if input["metricName"] != "_step":
        raise ApiError(f"a run is rewound to a _step, not to {input['metricName'][:80]!r}", 400)
    with request.write() as writing:
        project = request.project(
            writing, input.get("entityName"), input.get("projectName"), role=Role.MEMBER
        )
        run = runs.get(writing, project.id, input["runName"])
        if run is None:
            raise ApiError(f"run {input['runName'][:80]!r} not found in {project.name}", 404)
        rewind.to_step(writing, run, input["metricValue"])
        rewound = runs.by_id(writing, run.id)
    return {"rewoundRun": rewound}


def _delete_run(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
    request: Request = info.context
    with request.write() as writing:
        run = find(request, writing, input["id"])
        deleted_runs.delete(writing, run, artifacts=bool(input.get("deleteArtifacts")))
    return {"clientMutationId": input.get("clientMutationId")}


RESOLVERS = {
    "Mutation": {
        "upsertBucket": _upsert_bucket,
        "stopRun": _stop_run,
        "updateRunState": _update_run_state,
        "rewindRun": _rewind_run,
        "deleteRun": _delete_run,
    },
}
