"""Who refers to which blob: every column `sha256` of every table does."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables

_TABLES = [table for table in tables.metadata.sorted_tables if "sha256" in table.c]
_artifacts, _entries = tables.artifacts, tables.artifact_entries
_blobs, _manifests = tables.artifact_blobs, tables.artifact_manifests


@dataclass(frozen=True)
class Reference:
    """A row that needs a blob; `size` in bytes, null where the row does not say."""

    table: str
    sha256: str
    size: int | None


def forget_deleted(connection: sa.Connection) -> None:
    """Let go of the files of deleted artifacts, but for those that another artifact names.

    What an artifact that is being uploaded builds on is kept whole.
    """
    bases = (
        sa.select(_manifests.c.base_id)
        .join(_artifacts, _artifacts.c.id == _manifests.c.artifact_id)
        .where(_artifacts.c.state == "PENDING", _manifests.c.base_id.is_not(None))
    )
    gone = sa.select(_artifacts.c.id).where(
        _artifacts.c.state == "DELETED", _artifacts.c.id.not_in(bases)
    )
    for table in (_entries, _manifests):
        connection.execute(table.delete().where(table.c.artifact_id.in_(gone)))
    named = sa.exists().where(
        _entries.c.birth_id == _blobs.c.artifact_id, _entries.c.md5 == _blobs.c.md5
    )
    connection.execute(_blobs.delete().where(_blobs.c.artifact_id.in_(gone), ~named))


def all_references(connection: sa.Connection) -> Iterator[Reference]:
    """Give all references, each blob once a table."""
    for table in _TABLES:
        query = sa.select(table.c.sha256, sa.func.max(table.c.size)).group_by(table.c.sha256)
        for sha256, size in connection.execute(query.where(table.c.sha256.is_not(None))):
            yield Reference(table.name, sha256, size)


def referred_to(connection: sa.Connection, among: Collection[str]) -> set[str]:
    """Give those of some blobs that a row refers to."""
    found: set[str] = set()
    for table in _TABLES:
        query = sa.select(table.c.sha256).where(table.c.sha256.in_(among))
        found.update(connection.execute(query).scalars())
    return found
