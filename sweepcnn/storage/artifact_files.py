"""Files of artifacts: the entries of their manifests, and the blobs that hold the bytes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import artifact_members, tables
from sweepcnn.storage.artifact_collections import Collection as ArtifactCollection
from sweepcnn.storage.blobs import Blob
from sweepcnn.storage.database import upsert
from sweepcnn.storage.records import columns_of, many, one

_entries = tables.artifact_entries
_blobs = tables.artifact_blobs
_AT_ONCE = 500  # parameters of one statement


@dataclass(frozen=True)
class Entry:
    """A file of an artifact as its manifest tells it (`ref`: its bytes are elsewhere)."""

    artifact_id: int
    path: str
    md5: str
    size: int
    ref: str | None
    extra: str | None


@dataclass(frozen=True)
class File:
    """A file of an artifact and the blob that holds it; that of a reference is null."""

    path: str
    md5: str
    size: int
    ref: str | None
    sha256: str | None


def put_entries(connection: sa.Connection, entries: Sequence[Entry]) -> None:
    """Keep entries; those that are already there under the same path are replaced."""
    upsert(connection, _entries, [asdict(entry) for entry in entries])


def clear_entries(connection: sa.Connection, artifact_id: int) -> None:
    """Forget all entries of an artifact."""
    connection.execute(_entries.delete().where(_entries.c.artifact_id == artifact_id))


def entries(connection: sa.Connection, artifact_id: int) -> Iterator[Entry]:
    """Give all entries of an artifact by path, in the order of its characters' code points."""
    query = sa.select(_entries).where(_entries.c.artifact_id == artifact_id)
    query = query.order_by(_entries.c.path)
    rows = connection.execute(query.execution_options(yield_per=1000))  # never all in memory
    yield from (Entry(**row._mapping) for row in rows)


def totals(connection: sa.Connection, artifact_id: int) -> tuple[int, int]:
    """Give the size of an artifact in bytes and the number of its files, references included."""
    query = sa.select(sa.func.coalesce(sa.func.sum(_entries.c.size), 0), sa.func.count())
    size, files = connection.execute(query.where(_entries.c.artifact_id == artifact_id)).one()
    return int(size), files


def files(
    connection: sa.Connection,
    artifact_id: int,
    names: Collection[str] | None = None,
    *,
    limit: int | None = None,
    offset: int = 0,
) -> list[File]:
    """List the files of an artifact, those of some paths or all, by path."""
    columns = columns_of(_entries, Entry)
    fields = {c.name: c for c in columns} | {"sha256": _blobs.c.sha256}
    query = sa.select(*[fields[name] for name in File.__dataclass_fields__])
    query = query.select_from(_entries.outerjoin(_blobs, _blob_of_entry()))
    query = query.where(*_of(artifact_id, names)).order_by(_entries.c.path)
    return many(File, connection.execute(query.limit(limit).offset(offset)))


def count(connection: sa.Connection, artifact_id: int, names: Collection[str] | None = None) -> int:
    """Count the files of an artifact, those of some paths or all."""
    query = sa.select(sa.func.count()).where(*_of(artifact_id, names))
    return connection.execute(query).scalar_one()


def _of(artifact_id: int, names: Collection[str] | None) -> list[sa.ColumnElement[bool]]:
    ours = [_entries.c.artifact_id == artifact_id]
    return ours if names is None else [*ours, _entries.c.path.in_(names)]


def _blob_of_entry() -> sa.ColumnElement[bool]:
    return (
        (_blobs.c.artifact_id == _entries.c.artifact_id)
        & (_blobs.c.md5 == _entries.c.md5)
        & _entries.c.ref.is_(None)
    )


def put_blob(connection: sa.Connection, artifact_id: int, md5: str, blob: Blob) -> None:
    """Note that an artifact holds these bytes."""
    put_blobs(connection, artifact_id, {md5: blob})


def put_blobs(connection: sa.Connection, artifact_id: int, held: Mapping[str, Blob]) -> None:
    """Note that an artifact holds bytes, by their digests."""
    rows = [
        {"artifact_id": artifact_id, "md5": md5, "sha256": blob.sha256, "size": blob.size}
        for md5, blob in held.items()
    ]
    upsert(connection, _blobs, rows)


def blob(connection: sa.Connection, artifact_id: int, md5: str) -> Blob | None:
    """Find bytes that an artifact holds by their digest."""
    where = (_blobs.c.artifact_id == artifact_id, _blobs.c.md5 == md5)
    query = sa.select(*columns_of(_blobs, Blob)).where(*where)
    return one(Blob, connection.execute(query).first())


def blobs_in_project(
    connection: sa.Connection, project_id: int, md5s: Sequence[str]
) -> dict[str, Blob]:
    """Find the bytes among these digests that any artifact of a project holds."""
    artifacts, collections = tables.artifacts, tables.artifact_collections
    query = (
        sa.select(*columns_of(_blobs, Blob))
        .join(artifacts, artifacts.c.id == _blobs.c.artifact_id)
        .join(collections, collections.c.id == artifacts.c.collection_id)
        .where(collections.c.project_id == project_id)
        .order_by(_blobs.c.artifact_id.desc())  # of several the oldest is what stays
    )
    found: dict[str, Blob] = {}
    for start in range(0, len(md5s), _AT_ONCE):
        among = query.where(_blobs.c.md5.in_(md5s[start : start + _AT_ONCE]))
        found |= {blob.md5: blob for blob in many(Blob, connection.execute(among))}
    return found


def blob_in_collection(
    connection: sa.Connection, found: ArtifactCollection, md5: str
) -> Blob | None:
    """Find bytes that a version of a collection holds by their digest."""
    versions = artifact_members.ids(found)
    query = sa.select(*columns_of(_blobs, Blob))
    query = query.where(_blobs.c.md5 == md5, _blobs.c.artifact_id.in_(versions)).limit(1)
    return one(Blob, connection.execute(query).first())


def adopt(connection: sa.Connection, artifact_id: int, owners: sa.Select[Any]) -> None:
    """Note that an artifact holds those bytes of its files that it lacks and others hold.

    Args:
        connection: a writing transaction.
        artifact_id: the artifact.
        owners: selects the row ids of the others.
    """
    lacking = (
        sa.select(_entries.c.md5)
        .distinct()
        .select_from(_entries.outerjoin(_blobs, _blob_of_entry()))
        .where(*_of(artifact_id, None), _entries.c.ref.is_(None), _blobs.c.sha256.is_(None))
        .subquery()
    )
    theirs = tables.artifact_blobs.alias()
    here = (theirs.c.md5 == lacking.c.md5, theirs.c.artifact_id.in_(owners))
    # Whichever is found first: thousands of versions may hold the same bytes.
    owner = sa.select(theirs.c.artifact_id).where(*here).limit(1).scalar_subquery()
    chosen = sa.select(lacking.c.md5, owner.label("owner")).subquery()
    query = sa.select(sa.literal(artifact_id), _blobs.c.md5, _blobs.c.sha256, _blobs.c.size)
    one_each = (_blobs.c.md5 == chosen.c.md5) & (_blobs.c.artifact_id == chosen.c.owner)
    query = query.select_from(_blobs.join(chosen, one_each))
    columns = ["artifact_id", "md5", "sha256", "size"]
    connection.execute(_blobs.insert().from_select(columns, query))


def wrong(connection: sa.Connection, artifact_id: int) -> tuple[str, int, int | None] | None:
    """Find a file that is not as its manifest says: its path, the size said, and that it has.

    The last is null where its bytes are missing.
    """
    query: sa.Select[Any] = (
        sa.select(_entries.c.path, _entries.c.size, _blobs.c.size)
        .select_from(_entries.outerjoin(_blobs, _blob_of_entry()))
        .where(
            *_of(artifact_id, None),
            _entries.c.ref.is_(None),
            sa.or_(_blobs.c.sha256.is_(None), _blobs.c.size != _entries.c.size),
        )
        .order_by(_entries.c.path)
        .limit(1)
    )
    row = connection.execute(query).first()
    return None if row is None else (row[0], row[1], row[2])
