"""Manifests: the lists of an artifact's files, JSON documents that clients upload."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import many, one

FULL, PATCH, INCREMENTAL = "FULL", "PATCH", "INCREMENTAL"

_table = tables.artifact_manifests


@dataclass(frozen=True)
class Manifest:
    """A list of files; without a blob (`sha256`) it is yet to be uploaded."""

    id: int
    artifact_id: int
    name: str
    digest: str
    type: str
    base_id: int | None
    sha256: str | None
    size: int | None


def add(connection: sa.Connection, **values: Any) -> int:
    """Add a manifest."""
    return insert(connection, _table, values)


def get(connection: sa.Connection, manifest_id: int) -> Manifest | None:
    """Find a manifest."""
    query = sa.select(_table).where(_table.c.id == manifest_id)
    return one(Manifest, connection.execute(query).first())


def uploaded(connection: sa.Connection, artifact_id: int) -> list[Manifest]:
    """List an artifact's manifests that are here, oldest first."""
    where = (_table.c.artifact_id == artifact_id, _table.c.sha256.is_not(None))
    return many(Manifest, connection.execute(sa.select(_table).where(*where).order_by(_table.c.id)))


def current(connection: sa.Connection, artifact_id: int) -> Manifest | None:
    """Give an artifact's newest uploaded manifest; of a committed artifact it is the whole one."""
    where = (_table.c.artifact_id == artifact_id, _table.c.sha256.is_not(None))
    query = sa.select(_table).where(*where).order_by(_table.c.id.desc()).limit(1)
    return one(Manifest, connection.execute(query).first())


def update(connection: sa.Connection, manifest_id: int, **values: Any) -> None:
    """Change columns of a manifest."""
    connection.execute(_table.update().where(_table.c.id == manifest_id).values(values))
