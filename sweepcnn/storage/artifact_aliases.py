"""Aliases: names of versions, each of which points at one version of a collection."""

from collections.abc import Iterable

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import upsert

LATEST = "latest"

_table = tables.artifact_aliases
_links = tables.artifact_links
_artifacts = tables.artifacts


def of_artifact(connection: sa.Connection, artifact_id: int) -> list[tuple[int, str]]:
    """List the aliases of a version in all collections: the collection's row id and the alias."""
    query = sa.select(_table.c.collection_id, _table.c.alias)
    query = query.where(_table.c.artifact_id == artifact_id)
    rows = connection.execute(query.order_by(_table.c.collection_id, _table.c.alias))
    return [(row.collection_id, row.alias) for row in rows]


def of_version(connection: sa.Connection, collection_id: int, artifact_id: int) -> list[str]:
    """List the aliases of a version in one collection."""
    where = (_table.c.collection_id == collection_id, _table.c.artifact_id == artifact_id)
    query = sa.select(_table.c.alias).where(*where).order_by(_table.c.alias)
    return list(connection.execute(query).scalars())


def of_collection(
    connection: sa.Connection, collection_id: int, *, limit: int | None = None, offset: int = 0
) -> list[str]:
    """List all aliases of a collection."""
    query = sa.select(_table.c.alias).where(_table.c.collection_id == collection_id)
    query = query.order_by(_table.c.alias).limit(limit).offset(offset)
    return list(connection.execute(query).scalars())


def count(connection: sa.Connection, collection_id: int) -> int:
    """Count the aliases of a collection."""
    query = sa.select(sa.func.count()).where(_table.c.collection_id == collection_id)
    return connection.execute(query).scalar_one()


def target(connection: sa.Connection, collection_id: int, alias: str) -> int | None:
    """Give the row id of the version that an alias points at."""
    where = (_table.c.collection_id == collection_id, _table.c.alias == alias)
    return connection.execute(sa.select(_table.c.artifact_id).where(*where)).scalar()


def put(
    connection: sa.Connection, collection_id: int, artifact_id: int, names: Iterable[str]
) -> None:
    """Point aliases at a version; each leaves the version that had it."""
    shared = {"collection_id": collection_id, "artifact_id": artifact_id}
    upsert(connection, _table, [shared | {"alias": name} for name in sorted(set(names))])


def remove(
    connection: sa.Connection, collection_id: int, artifact_id: int, names: Iterable[str]
) -> None:
    """Take aliases from a version. A collection with versions keeps its `latest`."""
    where = (
        _table.c.collection_id == collection_id,
        _table.c.artifact_id == artifact_id,
        _table.c.alias.in_(set(names) - {LATEST}),
    )
    connection.execute(_table.delete().where(*where))


def settle_latest(connection: sa.Connection, collection_id: int) -> None:
    """Point `latest` at the newest version that is left, if what it pointed at is gone."""
    if target(connection, collection_id, LATEST) is not None:
        return
    own = sa.select(_artifacts.c.id, _artifacts.c.version_index).where(
        _artifacts.c.collection_id == collection_id, _artifacts.c.state == "COMMITTED"
    )
    linked = sa.select(_links.c.artifact_id, _links.c.version_index).where(
        _links.c.collection_id == collection_id
    )
    versions = sa.union_all(own, linked).subquery()
    query = sa.select(versions.c.id).order_by(versions.c.version_index.desc()).limit(1)
    newest = connection.execute(query).scalar()
    if newest is not None:
        put(connection, collection_id, newest, [LATEST])
