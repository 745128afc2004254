"""Artifacts: versioned collections of files with aliases, and which runs made and used them."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import insert, upsert
from sweepcnn.storage.records import many, one

LATEST = "latest"

_collections = tables.artifact_collections
_artifacts = tables.artifacts
_aliases = tables.artifact_aliases
_usage = tables.run_artifacts


@dataclass(frozen=True)
class Collection:
    """A named sequence of versions of one type."""

    id: int
    project_id: int
    kind: str
    type: str
    name: str
    description: str | None
    tags: str
    created_at: float
    updated_at: float


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


def collection(connection: sa.Connection, project_id: int, name: str) -> Collection | None:
    """Find a collection of a project by name."""
    where = (_collections.c.project_id == project_id, _collections.c.name == name)
    return one(Collection, connection.execute(sa.select(_collections).where(*where)).first())


def collection_by_id(connection: sa.Connection, collection_id: int) -> Collection:
    """Give the collection that a row refers to."""
    query = sa.select(_collections).where(_collections.c.id == collection_id)
    return Collection(**connection.execute(query).one()._mapping)


def find_collection(connection: sa.Connection, collection_id: int) -> Collection | None:
    """Find a collection by row id."""
    query = sa.select(_collections).where(_collections.c.id == collection_id)
    return one(Collection, connection.execute(query).first())


def collections(
    connection: sa.Connection, project_id: int, type_name: str | None = None
) -> list[Collection]:
    """List a project's collections, of one type or of all, newest first."""
    query = sa.select(_collections).where(_collections.c.project_id == project_id)
    if type_name is not None:
        query = query.where(_collections.c.type == type_name)
    return many(Collection, connection.execute(query.order_by(_collections.c.id.desc())))


def get_or_create_collection(
    connection: sa.Connection, project_id: int, type_name: str, name: str
) -> Collection:
    """Give the collection of that name, made with this type if it is new."""
    found = collection(connection, project_id, name)
    if found:
        return found
    now = time.time()
    row = {"project_id": project_id, "kind": "sequence", "type": type_name, "name": name}
    row |= {"tags": "[]", "created_at": now, "updated_at": now}
    connection.execute(_collections.insert().values(row))
    created = collection(connection, project_id, name)
    assert created is not None
    return created


def add(connection: sa.Connection, **values: Any) -> Artifact:
    """Add an artifact that is yet to be uploaded."""
    now = time.time()
    row = {"state": "PENDING", "size": 0, "file_count": 0, "created_at": now, "updated_at": now}
    created = get(connection, insert(connection, _artifacts, row | values))
    assert created is not None
    return created


def get(connection: sa.Connection, artifact_id: int) -> Artifact | None:
    """Find an artifact by row id."""
    query = sa.select(_artifacts).where(_artifacts.c.id == artifact_id)
    return one(Artifact, connection.execute(query).first())


def update(connection: sa.Connection, artifact_id: int, **values: Any) -> None:
    """Change columns of an artifact."""
    values = {"updated_at": time.time()} | values
    connection.execute(_artifacts.update().where(_artifacts.c.id == artifact_id).values(values))


def by_client_id(connection: sa.Connection, client_id: str) -> Artifact | None:
    """Find an artifact by the id that the client gave it before it asked us."""
    query = sa.select(_artifacts).where(_artifacts.c.client_id == client_id)
    return one(Artifact, connection.execute(query.order_by(_artifacts.c.id.desc())).first())


def by_digest(connection: sa.Connection, collection_id: int, digest: str) -> Artifact | None:
    """Find the newest committed version of a collection with this content."""
    query = (
        sa.select(_artifacts)
        .where(
            _artifacts.c.collection_id == collection_id,
            _artifacts.c.digest == digest,
            _artifacts.c.state == "COMMITTED",
        )
        .order_by(_artifacts.c.version_index.desc())
    )
    return one(Artifact, connection.execute(query).first())


def versions(connection: sa.Connection, collection_id: int) -> list[Artifact]:
    """List the committed versions of a collection, newest first."""
    query = (
        sa.select(_artifacts)
        .where(_artifacts.c.collection_id == collection_id, _artifacts.c.state == "COMMITTED")
        .order_by(_artifacts.c.version_index.desc())
    )
    return many(Artifact, connection.execute(query))


def by_alias(connection: sa.Connection, collection_id: int, alias: str) -> Artifact | None:
    """Find a version by alias, by its number (`v3`) or by its digest."""
    row = connection.execute(
        sa.select(_aliases.c.artifact_id).where(
            _aliases.c.collection_id == collection_id, _aliases.c.alias == alias
        )
    ).scalar()
    if row is not None:
        return get(connection, row)
    if alias[:1] == "v" and alias[1:].isdecimal() and len(alias) < 19:
        query = sa.select(_artifacts).where(
            _artifacts.c.collection_id == collection_id,
            _artifacts.c.version_index == int(alias[1:]),
        )
        return one(Artifact, connection.execute(query).first())
    return by_digest(connection, collection_id, alias)


def aliases(connection: sa.Connection, artifact_id: int) -> list[str]:
    """List the aliases of a version."""
    query = sa.select(_aliases.c.alias).where(_aliases.c.artifact_id == artifact_id)
    return list(connection.execute(query.order_by(_aliases.c.alias)).scalars())


def set_aliases(
    connection: sa.Connection, collection_id: int, artifact_id: int, names: Iterable[str]
) -> None:
    """Point aliases at a version; each leaves the version that had it."""
    upsert(
        connection,
        _aliases,
        [
            {"collection_id": collection_id, "alias": name, "artifact_id": artifact_id}
            for name in sorted(set(names))
        ],
    )


def remove_aliases(connection: sa.Connection, artifact_id: int, names: Iterable[str]) -> None:
    """Take aliases from a version."""
    where = (_aliases.c.artifact_id == artifact_id, _aliases.c.alias.in_(list(names)))
    connection.execute(_aliases.delete().where(*where))


def commit(connection: sa.Connection, artifact: Artifact, *, size: int, file_count: int) -> None:
    """Make an uploaded artifact the next version and point its aliases at it."""
    highest = connection.execute(
        sa.select(sa.func.max(_artifacts.c.version_index)).where(
            _artifacts.c.collection_id == artifact.collection_id
        )
    ).scalar()
    update(
        connection,
        artifact.id,
        state="COMMITTED",
        version_index=0 if highest is None else highest + 1,
        size=size,
        file_count=file_count,
    )
    wanted = [LATEST, *json.loads(artifact.aliases)]
    set_aliases(connection, artifact.collection_id, artifact.id, wanted)


def link_run(connection: sa.Connection, run_id: int, artifact_id: int, direction: str) -> None:
    """Note that a run made ("output") or used ("input") an artifact."""
    row = {"run_id": run_id, "artifact_id": artifact_id, "direction": direction}
    upsert(connection, _usage, [row | {"created_at": time.time()}])


def of_run(connection: sa.Connection, run_id: int, direction: str) -> list[Artifact]:
    """List the committed artifacts that a run made or used, in order."""
    query = (
        sa.select(_artifacts)
        .join(_usage, _usage.c.artifact_id == _artifacts.c.id)
        .where(
            _usage.c.run_id == run_id,
            _usage.c.direction == direction,
            _artifacts.c.state == "COMMITTED",
        )
        .order_by(_artifacts.c.id)
    )
    return many(Artifact, connection.execute(query))


def users_of(connection: sa.Connection, artifact_id: int) -> list[int]:
    """List the row ids of the runs that used an artifact."""
    where = (_usage.c.artifact_id == artifact_id, _usage.c.direction == "input")
    query = sa.select(_usage.c.run_id).where(*where).order_by(_usage.c.run_id)
    return list(connection.execute(query).scalars())
