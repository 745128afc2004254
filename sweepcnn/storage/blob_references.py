"""Who refers to which blob: every column `sha256` of every table does."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables

_TABLES = [table for table in tables.metadata.sorted_tables if "sha256" in table.c]


@dataclass(frozen=True)
class Reference:
    """A row that needs a blob; `size` in bytes, null where the row does not say."""

    table: str
    sha256: str
    size: int | None


def forget_deleted(connection: sa.Connection) -> None:
    """Let go of the files of deleted artifacts; what they share is noted for the others, too."""
    gone = sa.select(tables.artifacts.c.id).where(tables.artifacts.c.state == "DELETED")
    for table in (tables.artifact_manifests, tables.artifact_entries, tables.artifact_blobs):
        connection.execute(table.delete().where(table.c.artifact_id.in_(gone)))


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
