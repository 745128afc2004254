"""Versions as members of collections: of the sequence they were made in, and where linked."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import artifact_aliases, artifact_collections, tables
from sweepcnn.storage.artifact_collections import PORTFOLIO, Collection
from sweepcnn.storage.artifacts import COLUMNS, COMMITTED, Artifact

_artifacts = tables.artifacts
_links = tables.artifact_links


@dataclass(frozen=True)
class Member:
    """A committed version in one of its collections, where it has a number of its own."""

    collection: Collection
    artifact: Artifact
    version_index: int
    created_at: float
    """When it became a member."""


def listed(
    connection: sa.Connection,
    found: Collection,
    *,
    oldest_first: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Member]:
    """List the versions of a collection, newest first."""
    number = _number(found)
    query = _members(found).order_by(number if oldest_first else number.desc())
    rows = connection.execute(query.limit(limit).offset(offset))
    return [_member(found, row) for row in rows]


def count(connection: sa.Connection, found: Collection) -> int:
    """Count the versions of a collection."""
    query = _members(found).with_only_columns(sa.func.count(), maintain_column_froms=True)
    return connection.execute(query).scalar_one()


def named(connection: sa.Connection, found: Collection, name: str) -> Member | None:
    """Find a version of a collection by alias, by its number (`v3`) or by its digest."""
    target = artifact_aliases.target(connection, found.id, name)
    if target is not None:
        return of(connection, found, target)
    if is_version_name(name):
        # Beyond what the column holds there is no version, and PostgreSQL would refuse to look.
        wanted = _number(found) == int(name[1:]) if len(name) < 10 else sa.false()
    else:
        wanted = _artifacts.c.digest == name
    query = _members(found).where(wanted).order_by(_number(found).desc()).limit(1)
    row = connection.execute(query).first()
    return None if row is None else _member(found, row)


def is_version_name(name: str) -> bool:
    """Tell whether a name is that of a version by its number, such as `v3`."""
    return name[:1] == "v" and name[1:].isascii() and name[1:].isdecimal()


def of(connection: sa.Connection, found: Collection, artifact_id: int) -> Member | None:
    """Find a version in a collection."""
    row = connection.execute(_members(found).where(_artifacts.c.id == artifact_id)).first()
    return None if row is None else _member(found, row)


def everywhere(connection: sa.Connection, artifact: Artifact) -> list[Member]:
    """List a version's places: its own sequence first, then where it was linked to, in order."""
    query = sa.select(_links.c.collection_id).where(_links.c.artifact_id == artifact.id)
    linked = connection.execute(query.order_by(_links.c.created_at, _links.c.collection_id))
    places = [artifact.collection_id, *linked.scalars()]
    collections = [artifact_collections.by_id(connection, place) for place in places]
    members = [of(connection, found, artifact.id) for found in collections]
    return [member for member in members if member]


def ids(found: Collection) -> sa.Select[Any]:
    """Select the row ids of the versions of a collection."""
    return _members(found).with_only_columns(_artifacts.c.id, maintain_column_froms=True)


def link(
    connection: sa.Connection, found: Collection, artifact: Artifact, aliases: Iterable[str]
) -> Member:
    """Make a version a member of a portfolio; one that is there already keeps its number."""
    member = of(connection, found, artifact.id)
    if member is None:
        number = artifact_collections.take_version(connection, found.id)
        row = {"collection_id": found.id, "artifact_id": artifact.id, "version_index": number}
        connection.execute(_links.insert().values(row | {"created_at": time.time()}))
    names = [artifact_aliases.LATEST, *aliases]
    artifact_aliases.put(connection, found.id, artifact.id, names)
    member = of(connection, found, artifact.id)
    assert member is not None
    return member


def unlink(connection: sa.Connection, found: Collection, artifact_id: int) -> None:
    """Take a version out of a portfolio; it stays in its own sequence."""
    for table in (_links, tables.artifact_aliases):
        where = (table.c.collection_id == found.id, table.c.artifact_id == artifact_id)
        connection.execute(table.delete().where(*where))
    artifact_aliases.settle_latest(connection, found.id)


def _number(found: Collection) -> sa.Column[int]:
    return (_links if found.kind == PORTFOLIO else _artifacts).c.version_index


def _members(found: Collection) -> sa.Select[Any]:
    if found.kind == PORTFOLIO:
        query = sa.select(*COLUMNS, _links.c.version_index, _links.c.created_at)
        query = query.join(_links, _links.c.artifact_id == _artifacts.c.id)
        query = query.where(_links.c.collection_id == found.id)
    else:
        query = sa.select(*COLUMNS, _artifacts.c.version_index, _artifacts.c.created_at)
        query = query.where(_artifacts.c.collection_id == found.id)
    return query.where(_artifacts.c.state == COMMITTED)


def _member(found: Collection, row: sa.Row[Any]) -> Member:
    *artifact, number, created_at = tuple(row)
    return Member(found, Artifact(*artifact), number, created_at)
