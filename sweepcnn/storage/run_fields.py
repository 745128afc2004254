"""The keys of W&B's filters and orders of runs and of sweeps."""

import sqlalchemy as sa

from sweepcnn.storage import run_values, tables
from sweepcnn.storage.columns import storable
from sweepcnn.storage.fields import (
    Column,
    Field,
    FieldError,
    Fields,
    Indexed,
    Kind,
    Linked,
    Reference,
)

_runs, _sweeps = tables.runs.c, tables.sweeps.c


def _column(column: sa.Column[object], kind: Kind = "text") -> Column:
    return Column(column.table.c.id, column, kind)


def _checked(source: str, keys: tuple[str, ...]) -> Indexed:
    if len(keys[0].encode("utf-8", "replace")) > run_values.LONGEST_KEY:
        rule = f"has more than {run_values.LONGEST_KEY} bytes"
        raise FieldError(f"key {keys[0][:40]!r}... {rule}; values of such keys are not found")
    return Indexed(source, tuple(storable(key) for key in keys))


def _config(path: str) -> Field:
    """Find a value of the config; `lr.value` is `lr`, as the client may write either."""
    if path.split(".")[0] == run_values.UNINDEXED:
        raise FieldError(f"key 'config.{path[:80]}' is the client's own; it cannot be filtered by")
    parts = path.split(".")
    without = (
        ".".join(parts[:i] + parts[i + 1 :]) for i in range(1, len(parts)) if parts[i] == "value"
    )
    return _checked("config", tuple(dict.fromkeys((path, *without))))


def _summary(path: str) -> Field:
    return _checked("summary", (path,))


_lasted = sa.func.coalesce(_runs.heartbeat_at, _runs.created_at) - _runs.created_at
_duration = Column(_runs.id, _lasted, "number")
_username = Reference(_runs.id, _runs.user_id, tables.users.c.name)
_entity = Reference(_runs.id, _runs.project_id, tables.projects.c.entity)

RUNS = Fields(
    table=tables.runs,
    plain={
        "name": _column(_runs.name),
        "displayName": _column(_runs.display_name),
        "display_name": _column(_runs.display_name),
        "state": _column(_runs.state),
        "sweep": Reference(_runs.id, _runs.sweep_id, _sweeps.name),
        "group": _column(_runs.group_name),
        "jobType": _column(_runs.job_type),
        "job_type": _column(_runs.job_type),
        "tags": Indexed("tags", ("tags",)),
        "createdAt": _column(_runs.created_at, "time"),
        "created_at": _column(_runs.created_at, "time"),
        "heartbeatAt": _column(_runs.heartbeat_at, "time"),
        "heartbeat_at": _column(_runs.heartbeat_at, "time"),
        "updatedAt": _column(_runs.heartbeat_at, "time"),
        "updated_at": _column(_runs.heartbeat_at, "time"),
        "duration": _duration,
        "username": _username,
        "user.username": _username,
        "entity": _entity,
        "host": _column(_runs.host),
        "commit": _column(_runs.commit),
        "notes": _column(_runs.notes),
        "description": _column(_runs.description),
        "inputArtifacts": Linked("input"),
        "outputArtifacts": Linked("output"),
        "_step": _summary("_step"),
        "_runtime": _summary("_runtime"),
        "_timestamp": _summary("_timestamp"),
        "_absolute_runtime": _duration,
    },
    nested={"config.": _config, "summary_metrics.": _summary, "summary.": _summary},
)

SWEEPS = Fields(
    table=tables.sweeps,
    plain={
        "name": _column(_sweeps.name),
        "displayName": _column(_sweeps.display_name),
        "display_name": _column(_sweeps.display_name),
        "state": _column(_sweeps.state),
        "method": _column(_sweeps.method),
        "description": _column(_sweeps.description),
        "createdAt": _column(_sweeps.created_at, "time"),
        "created_at": _column(_sweeps.created_at, "time"),
        "updatedAt": _column(_sweeps.updated_at, "time"),
        "updated_at": _column(_sweeps.updated_at, "time"),
        "heartbeatAt": _column(_sweeps.heartbeat_at, "time"),
        "heartbeat_at": _column(_sweeps.heartbeat_at, "time"),
        "username": Reference(_sweeps.id, _sweeps.user_id, tables.users.c.name),
    },
    nested={},
)
