"""Artifacts: the versions that runs and people make, and which runs made and used them."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import artifact_aliases, artifact_collections, tables
from sweepcnn.storage.database import insert, upsert
from sweepcnn.storage.records import columns_of, many, one
from sweepcnn.storage.runs import Run

PENDING, COMMITTED, DELETED = "PENDING", "COMMITTED", "DELETED"

_table = tables.artifacts
_usage = tables.run_artifacts


@dataclass(frozen=True)
class Artifact:
    """One version, or (`version_index` null) one that is still being uploaded."""

    id: int
    collection_id: int
    user_id: int
    run_id: int | None
    state: str
    digest: str
    version_index: int | None
    description: str | None
    metadata: str | None
    aliases: str
    tags: str
    client_id: str | None
    distributed_id: str | None
    history_step: int | None
    ttl_s: int | None
    size: int
    file_count: int
    created_at: float
    updated_at: float


COLUMNS = columns_of(_table, Artifact)


def add(connection: sa.Connection, **values: Any) -> Artifact:
    """Add an artifact that is yet to be uploaded."""
    now = time.time()
    row = {"state": PENDING, "size": 0, "file_count": 0, "created_at": now, "updated_at": now}
    return by_id(connection, insert(connection, _table, row | values))


def get(connection: sa.Connection, artifact_id: int) -> Artifact | None:
    """Find an artifact by row id."""
    query = sa.select(_table).where(_table.c.id == artifact_id)
    return one(Artifact, connection.execute(query).first())


def by_id(connection: sa.Connection, artifact_id: int) -> Artifact:
    """Give the artifact that a row refers to."""
    query = sa.select(_table).where(_table.c.id == artifact_id)
    return Artifact(**connection.execute(query).one()._mapping)


def update(connection: sa.Connection, artifact_id: int, **values: Any) -> None:
    """Change columns of an artifact."""
    values = {"updated_at": time.time()} | values
    connection.execute(_table.update().where(_table.c.id == artifact_id).values(values))


def by_client_id(connection: sa.Connection, client_id: str) -> Artifact | None:
    """Find an artifact by the id that the client gave it before it asked us."""
    where = (_table.c.client_id == client_id, _table.c.state != DELETED)
    query = sa.select(_table).where(*where).order_by(_table.c.id.desc()).limit(1)
    return one(Artifact, connection.execute(query).first())


def draft(connection: sa.Connection, collection_id: int, distributed_id: str) -> Artifact | None:
    """Find the artifact that several writers are filling."""
    where = (
        _table.c.collection_id == collection_id,
        _table.c.distributed_id == distributed_id,
        _table.c.state == PENDING,
    )
    query = sa.select(_table).where(*where).order_by(_table.c.id.desc()).limit(1)
    return one(Artifact, connection.execute(query).first())


def by_digest(connection: sa.Connection, collection_id: int, digest: str) -> Artifact | None:
    """Find the newest committed version of a sequence with this content."""
    where = (
        _table.c.collection_id == collection_id,
        _table.c.digest == digest,
        _table.c.state == COMMITTED,
    )
    query = sa.select(_table).where(*where).order_by(_table.c.version_index.desc()).limit(1)
    return one(Artifact, connection.execute(query).first())


def of_project(project_id: int) -> sa.Select[Any]:
    """Select the row ids of a project's artifacts."""
    collections = tables.artifact_collections
    query = sa.select(_table.c.id).join(collections, collections.c.id == _table.c.collection_id)
    return query.where(collections.c.project_id == project_id)


def commit(
    connection: sa.Connection, artifact: Artifact, *, digest: str, size: int, file_count: int
) -> None:
    """Make an uploaded artifact the next version of its sequence."""
    number = artifact_collections.take_version(connection, artifact.collection_id)
    update(
        connection,
        artifact.id,
        state=COMMITTED,
        version_index=number,
        digest=digest,
        size=size,
        file_count=file_count,
    )


def delete(connection: sa.Connection, artifact: Artifact) -> None:
    """Delete a version from its sequence and all portfolios; its number is not given again."""
    update(connection, artifact.id, state=DELETED, client_id=None)
    of_it = (
        tables.artifact_links,
        tables.artifact_aliases,
        tables.artifact_manifests,
        tables.artifact_entries,
        tables.artifact_blobs,
        tables.artifact_uploads,
    )
    linked = sa.select(tables.artifact_links.c.collection_id)
    linked = linked.where(tables.artifact_links.c.artifact_id == artifact.id)
    collections = [artifact.collection_id, *connection.execute(linked).scalars()]
    for table in of_it:
        connection.execute(table.delete().where(table.c.artifact_id == artifact.id))
    for collection_id in collections:
        artifact_aliases.settle_latest(connection, collection_id)


def link_run(connection: sa.Connection, run_id: int, artifact_id: int, direction: str) -> None:
    """Note that a run made ("output") or used ("input") an artifact."""
    row = {"run_id": run_id, "artifact_id": artifact_id, "direction": direction}
    upsert(connection, _usage, [row | {"created_at": time.time()}])


def of_run(
    connection: sa.Connection,
    run_id: int,
    direction: str,
    entities: Collection[str],
    *,
    limit: int | None = None,
    offset: int = 0,
) -> list[Artifact]:
    """List the committed artifacts of some entities that a run made or used, in order."""
    query = _done_by(sa.select(*COLUMNS), run_id, direction, entities)
    query = query.order_by(_table.c.id).limit(limit).offset(offset)
    return many(Artifact, connection.execute(query))


def count_of_run(
    connection: sa.Connection, run_id: int, direction: str, entities: Collection[str]
) -> int:
    """Count the committed artifacts of some entities that a run made or used."""
    query = _done_by(sa.select(sa.func.count()), run_id, direction, entities)
    return int(connection.execute(query).scalar_one())


def _done_by(
    query: sa.Select[Any], run_id: int, direction: str, entities: Collection[str]
) -> sa.Select[Any]:
    collections = tables.artifact_collections
    return (
        query.select_from(_usage)
        .join(_table, _usage.c.artifact_id == _table.c.id)
        .join(collections, collections.c.id == _table.c.collection_id)
        .join(tables.projects, tables.projects.c.id == collections.c.project_id)
        .where(
            _usage.c.run_id == run_id,
            _usage.c.direction == direction,
            _table.c.state == COMMITTED,
            tables.projects.c.entity.in_(entities),
        )
    )


def users_of(connection: sa.Connection, artifact_id: int, entities: Collection[str]) -> list[Run]:
    """List the runs of some entities that used an artifact."""
    query = (
        sa.select(*columns_of(tables.runs, Run))
        .join(_usage, _usage.c.run_id == tables.runs.c.id)
        .join(tables.projects, tables.projects.c.id == tables.runs.c.project_id)
        .where(
            _usage.c.artifact_id == artifact_id,
            _usage.c.direction == "input",
            tables.projects.c.entity.in_(entities),
        )
        .order_by(tables.runs.c.id)
    )
    return many(Run, connection.execute(query))
