"""What is in an artifact: manifests, their entries, and the blobs that hold the bytes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.blobs import Blob
from sweepcnn.storage.database import insert, upsert
from sweepcnn.storage.records import many, one

_manifests = tables.artifact_manifests
_entries = tables.artifact_entries
_blobs = tables.artifact_blobs


@dataclass(frozen=True)
class Manifest:
    """The list of an artifact's files, a JSON document that the client uploads."""

    id: int
    artifact_id: int
    name: str
    digest: str
    type: str
    base_id: int | None
    sha256: str | None
    size: int | None


@dataclass(frozen=True)
class Entry:
    """One file of an artifact: its path, and where its bytes are (`ref`: elsewhere)."""

    artifact_id: int
    path: str
    md5: str
    size: int
    birth_id: int | None
    ref: str | None


def add_manifest(connection: sa.Connection, **values: Any) -> int:
    """Add a manifest that is yet to be uploaded."""
    return insert(connection, _manifests, values)


def manifest(connection: sa.Connection, manifest_id: int) -> Manifest | None:
    """Find a manifest."""
    query = sa.select(_manifests).where(_manifests.c.id == manifest_id)
    return one(Manifest, connection.execute(query).first())


def current_manifest(connection: sa.Connection, artifact_id: int) -> Manifest | None:
    """Give an artifact's newest uploaded manifest."""
    where = (_manifests.c.artifact_id == artifact_id, _manifests.c.sha256.is_not(None))
    query = sa.select(_manifests).where(*where).order_by(_manifests.c.id.desc())
    return one(Manifest, connection.execute(query).first())


def update_manifest(connection: sa.Connection, manifest_id: int, **values: Any) -> None:
    """Change columns of a manifest."""
    connection.execute(_manifests.update().where(_manifests.c.id == manifest_id).values(values))


def set_entries(connection: sa.Connection, entries: Sequence[Entry]) -> None:
    """Keep the entries of a manifest."""
    upsert(connection, _entries, [entry.__dict__ for entry in entries])


def entries(connection: sa.Connection, artifact_id: int) -> list[Entry]:
    """List the files of an artifact by path."""
    query = sa.select(_entries).where(_entries.c.artifact_id == artifact_id)
    return many(Entry, connection.execute(query.order_by(_entries.c.path)))


def put_blob(connection: sa.Connection, artifact_id: int, md5: str, blob: Blob) -> None:
    """Note that an artifact brought these bytes."""
    row = {"artifact_id": artifact_id, "md5": md5, "sha256": blob.sha256, "size": blob.size}
    upsert(connection, _blobs, [row])


def blob_sha256(connection: sa.Connection, artifact_id: int, md5: str) -> str | None:
    """Find the blob of a file by the artifact that brought it and its digest."""
    where = (_blobs.c.artifact_id == artifact_id, _blobs.c.md5 == md5)
    return connection.execute(sa.select(_blobs.c.sha256).where(*where)).scalar()
