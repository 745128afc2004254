"""Deleting runs. The name of a deleted run is kept, so that its client is refused."""

import time

import sqlalchemy as sa

from sweepcnn.storage import points, tables
from sweepcnn.storage.artifacts import DELETED, Artifact
from sweepcnn.storage.artifacts import delete as delete_artifact
from sweepcnn.storage.database import upsert
from sweepcnn.storage.records import many
from sweepcnn.storage.runs import Run

_table = tables.deleted_runs
_outputs = tables.run_artifacts
_artifacts = tables.artifacts


def delete(connection: sa.Connection, run: Run, *, artifacts: bool) -> None:
    """Delete a run with its lines and files; the blobs stay until nothing refers to them.

    The point of a sweep that only this run had may be handed out again.

    Args:
        connection: a writing transaction.
        run: what to delete.
        artifacts: whether to delete those too that this run, and no other, has logged. Without it
            they outlive their run.
    """
    if artifacts:
        _delete_outputs(connection, run.id)
    connection.execute(tables.runs.delete().where(tables.runs.c.id == run.id))
    if run.sweep_id is not None:
        points.forget_unassigned(connection, run.sweep_id)
    gone = {"project_id": run.project_id, "name": run.name, "deleted_at": time.time()}
    upsert(connection, _table, [gone])


def is_deleted(connection: sa.Connection, project_id: int, name: str) -> bool:
    """Tell whether a run of this name was deleted."""
    where = (_table.c.project_id == project_id, _table.c.name == name)
    return connection.execute(sa.select(_table.c.name).where(*where)).first() is not None


def _delete_outputs(connection: sa.Connection, run_id: int) -> None:
    """Delete a run's own artifacts."""
    logged = sa.select(_outputs.c.artifact_id).where(_outputs.c.direction == "output")
    own = (
        _artifacts.c.run_id == run_id,
        _artifacts.c.id.not_in(logged.where(_outputs.c.run_id != run_id)),
        _artifacts.c.state != DELETED,
    )
    for artifact in many(Artifact, connection.execute(sa.select(_artifacts).where(*own))):
        delete_artifact(connection, artifact)
