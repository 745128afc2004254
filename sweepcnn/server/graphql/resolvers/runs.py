"""Runs as they are read back."""

import json
from typing import Any

from sweepcnn.server import ids
from sweepcnn.server.context import Info
from sweepcnn.storage import projects, runs, streams, sweeps, users
from sweepcnn.storage.projects import Project
from sweepcnn.storage.run_states import CRASHED, FAILED, RUNNING
from sweepcnn.storage.runs import Run


def _run(project: Project, info: Info, name: str, **_unused: Any) -> Run | None:
    return runs.get(info.context.connection, project.id, name)


def _project_of(run: Run, info: Info) -> Project:
    return info.context.recall(projects.by_id, run.project_id)


def _sweep_name(run: Run, info: Info) -> str | None:
    sweep = info.context.recall(sweeps.by_id, run.sweep_id) if run.sweep_id else None
    return sweep.name if sweep else None


def _wandb_config(run: Run, _info: Info, **arguments: Any) -> str:
    value = json.loads(run.config).get("_wandb", {"value": {}})["value"]
    keys, known = arguments.get("keys"), value if isinstance(value, dict) else {}
    return json.dumps({k: v for k, v in known.items() if keys is None or k in keys})


RESOLVERS = {
    "Project": {"run": _run, "bucket": _run},
    "Run": {
        "id": lambda run, _: ids.encode("Run", run.id),
        "project": _project_of,
        "user": lambda run, info: info.context.recall(users.by_id, run.user_id),
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
