"""What a running run sends: lines of history, system metrics and console, and its end."""

import json
import time
from typing import Any

import sqlalchemy as sa

from sweepcnn.scheduler import reports
from sweepcnn.server import documents, history_lines
from sweepcnn.server.context import Backend
from sweepcnn.server.errors import ApiError
from sweepcnn.server.history_lines import Change
from sweepcnn.storage import (
    access,
    deleted_runs,
    projects,
    run_states,
    runs,
    shared_lines,
    streams,
    sweeps,
)
from sweepcnn.storage.access import Role
from sweepcnn.storage.runs import Run
from sweepcnn.storage.users import User

_MOST_LINES = 2**31
_STREAMS = (streams.HISTORY, streams.EVENTS, streams.CONSOLE)
_LONGEST_WRITER = 128


def receive(
    backend: Backend,
    user: User,
    entity: str,
    project: str,
    run: str,
    body: Any,
    *,
    writer: str | None = None,
) -> dict[str, Any]:
    """Take in one request of a run's stream, in one transaction.

    Resent lines replace themselves, so a request may arrive twice.

    Args:
        backend: the server's parts.
        user: who sends it.
        entity: the run's path, as are the next two.
        project: see there.
        run: see there.
        body: the request.
        writer: which of several processes that write to this run; null where there is one.

    Raises:
        ApiError: the run is unknown or the body is not of the client's form. The client then gives
            up on the stream, so nothing that may pass answers so.
    """
    if not isinstance(body, dict):
        raise ApiError("the body must be a JSON object", 400)
    with backend.database.write() as writing:
        found = _find(writing, user, entity, project, run)
        values: dict[str, Any] = {}
        change: Change | None = None
        for name, part in _read_files(body).items():
            offset, content = _read_part(name, part)
            if name == streams.SUMMARY and content:
                values["summary"] = _summary(found, content[-1], shared=writer is not None)
            elif name in _STREAMS and writer is not None:
                change = _write_shared(writing, found.id, name, writer, offset, content) or change
            elif name in _STREAMS:
                change = _write(writing, found.id, name, offset, content) or change
        values |= _progress(writing, found, body, values.get("summary", found.summary))
        runs.update(writing, found.id, **values)
        stopped = values.get("stop_requested", found.stop_requested)
        if change is not None and found.sweep_id is not None:
            # After the state was written: a run that ends with its last line is not stopped.
            first, end, replaces = change
            asked = reports.history_came(writing, found, first=first, end=end, anew=replaces)
            stopped = stopped or found.id in asked
    if body.get("complete") and found.sweep_id:
        backend.scheduler.run_ended(found.sweep_id)
    return {"exitcode": None, "stopped": stopped, "limits": {}}


def _write(
    writing: sa.Connection, run_id: int, name: str, offset: int, lines: list[str]
) -> Change | None:
    """Write lines; gives what is new in the history."""
    if name == streams.HISTORY:
        return history_lines.write(writing, run_id, offset, lines)
    streams.write(writing, run_id, name, offset, lines)
    return None


def _write_shared(
    writing: sa.Connection, run_id: int, name: str, writer: str, offset: int, lines: list[str]
) -> Change | None:
    """Write the lines of one of several writers, which all count from 0, without mixing them up."""
    if not 1 <= len(writer) <= _LONGEST_WRITER:
        raise ApiError(f"a writer's id has 1 to {_LONGEST_WRITER} characters", 400)
    places = shared_lines.place(writing, run_id, name, writer, offset, len(lines))
    start, changes = 0, []
    for end in range(1, len(lines) + 1):
        if end == len(lines) or places[end] != places[end - 1] + 1:
            change = _write(writing, run_id, name, places[start], lines[start:end])
            changes += [change] if change else []
            start = end
    if not changes:
        return None
    end = streams.count(writing, run_id, name)  # the others' lines beyond count as well
    return Change(min(c.first for c in changes), end, any(c.replaces for c in changes))


def _summary(run: Run, text: str, *, shared: bool) -> str:
    """Give the new summary: what came, and of a run with several writers what the others sent."""
    given = documents.read_object(text, streams.SUMMARY)
    return json.dumps(json.loads(run.summary) | given) if shared else text


def _find(writing: sa.Connection, user: User, entity: str, project: str, run: str) -> Run:
    role = access.role_in(writing, user, entity)
    owner = projects.get(writing, entity, project) if role else None
    found = runs.get(writing, owner.id, run) if owner else None
    if owner and found is None and deleted_runs.is_deleted(writing, owner.id, run):
        raise ApiError(f"run {entity}/{project}/{run} was deleted", 410)
    if role is None or found is None:
        raise ApiError(f"run {entity}/{project}/{run} not found", 404)
    if role < Role.MEMBER:
        raise ApiError(f"you may see {entity!r}, not write to it; ask an admin of it", 403)
    return found


def _read_files(body: dict[str, Any]) -> dict[str, Any]:
    files = body.get("files") or {}
    if not isinstance(files, dict):
        raise ApiError("files must be an object", 400)
    return files


def _read_part(name: str, part: Any) -> tuple[int, list[str]]:
    offset = part.get("offset") if isinstance(part, dict) else None
    content = part.get("content") if isinstance(part, dict) else None
    if type(offset) is not int or not 0 <= offset < _MOST_LINES or not isinstance(content, list):
        raise ApiError(f"{name}: needs a whole offset of 0 or more and a list of lines", 400)
    if not all(isinstance(line, str) for line in content):
        raise ApiError(f"{name}: every line must be text", 400)
    return offset, content


def _progress(
    writing: sa.Connection, run: Run, body: dict[str, Any], summary: str
) -> dict[str, Any]:
    """Tell what a request says of the run's state; any request shows that it is alive."""
    values: dict[str, Any] = {"heartbeat_at": time.time()}
    if not body.get("complete"):
        change = run_states.warned if body.get("preempting") else run_states.heard
        return values | {"state": change(run.state)}
    code = body.get("exitcode")
    # Windows has unsigned codes; GraphQL's numbers have 32 bits and a sign.
    code = (code + 2**31) % 2**32 - 2**31 if isinstance(code, int) else 1
    stopped = _is_stopped(writing, run, code, summary)
    values |= {"exit_code": code, "state": run_states.completed(run.state, code, stopped=stopped)}
    if values["state"] == run_states.FINISHED and run.stop_requested:
        values |= runs.NOT_STOPPED
    return values


def _is_stopped(writing: sa.Connection, run: Run, code: int, summary: str) -> bool:
    """Tell whether the server ended the run; that decides before the exit code does."""
    sweep = sweeps.by_id(writing, run.sweep_id) if run.sweep_id else None
    if sweep is not None and sweep.state == "CANCELED":
        return True
    if run.stop_reason is None:
        return run.stop_requested
    status = documents.read_object(summary, streams.SUMMARY).get("status")
    return not run_states.came_to_its_end(code, status)
