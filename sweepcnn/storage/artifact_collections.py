"""Collections of artifacts: sequences of versions made there, portfolios of versions linked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import artifact_aliases, tables
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import many, one

SEQUENCE, PORTFOLIO = "sequence", "portfolio"

_table = tables.artifact_collections


@dataclass(frozen=True)
class Collection:
    """A named row of versions, all of one type."""

    id: int
    project_id: int
    kind: str
    type: str
    name: str
    description: str | None
    tags: str
    next_version: int
    created_at: float
    updated_at: float


def get(connection: sa.Connection, project_id: int, name: str) -> Collection | None:
    """Find a collection of a project by name."""
    where = (_table.c.project_id == project_id, _table.c.name == name)
    return one(Collection, connection.execute(sa.select(_table).where(*where)).first())


def find(connection: sa.Connection, collection_id: int) -> Collection | None:
    """Find a collection by row id."""
    query = sa.select(_table).where(_table.c.id == collection_id)
    return one(Collection, connection.execute(query).first())


def by_id(connection: sa.Connection, collection_id: int) -> Collection:
    """Give the collection that a row refers to."""
    query = sa.select(_table).where(_table.c.id == collection_id)
    return Collection(**connection.execute(query).one()._mapping)


def by_ids(connection: sa.Connection, ids: Sequence[int]) -> list[Collection]:
    """List collections in the order of their row ids."""
    query = sa.select(_table).where(_table.c.id.in_(ids))
    found = {
        collection.id: collection for collection in many(Collection, connection.execute(query))
    }
    return [found[collection_id] for collection_id in ids]


def types(connection: sa.Connection, project_id: int) -> list[Collection]:
    """Give the oldest collection of each type of a project, by the type's name."""
    first = sa.select(sa.func.min(_table.c.id)).where(_table.c.project_id == project_id)
    query = sa.select(_table).where(_table.c.id.in_(first.group_by(_table.c.type)))
    return many(Collection, connection.execute(query.order_by(_table.c.type)))


def get_or_create(
    connection: sa.Connection, project_id: int, type_name: str, name: str, kind: str = SEQUENCE
) -> Collection:
    """Give the collection of that name, made with this type and kind if it is new."""
    found = get(connection, project_id, name)
    if found:
        return found
    now = time.time()
    row = {"project_id": project_id, "kind": kind, "type": type_name, "name": name}
    row |= {"tags": "[]", "next_version": 0, "created_at": now, "updated_at": now}
    return by_id(connection, insert(connection, _table, row))


def update(connection: sa.Connection, collection_id: int, **values: Any) -> None:
    """Change columns of a collection."""
    values = {"updated_at": time.time()} | values
    connection.execute(_table.update().where(_table.c.id == collection_id).values(values))


def take_version(connection: sa.Connection, collection_id: int) -> int:
    """Give the number of the next version; it is given once."""
    number = by_id(connection, collection_id).next_version
    update(connection, collection_id, next_version=number + 1)
    return number


def delete(connection: sa.Connection, collection_id: int) -> None:
    """Delete a collection with its versions or links; its name is free again."""
    links, versions = tables.artifact_links, tables.artifacts
    linked = sa.select(links.c.collection_id).distinct()
    linked = linked.join(versions, versions.c.id == links.c.artifact_id)
    linked = linked.where(versions.c.collection_id == collection_id)
    portfolios = list(connection.execute(linked).scalars())
    connection.execute(_table.delete().where(_table.c.id == collection_id))
    for portfolio in portfolios:
        artifact_aliases.settle_latest(connection, portfolio)
