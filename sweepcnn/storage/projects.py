"""Projects of an entity."""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import many, one


@dataclass(frozen=True)
class Project:
    """A named group of runs, sweeps and artifacts."""

    id: int
    entity: str
    name: str
    description: str
    created_at: float


_BY_ID = sa.select(tables.projects).where(tables.projects.c.id == sa.bindparam("id"))
_BY_PATH = sa.select(tables.projects).where(
    tables.projects.c.entity == sa.bindparam("entity"),
    tables.projects.c.name == sa.bindparam("name"),
)


def get(connection: sa.Connection, entity: str, name: str) -> Project | None:
    """Find a project by its path."""
    return one(Project, connection.execute(_BY_PATH, {"entity": entity, "name": name}).first())


def by_id(connection: sa.Connection, project_id: int) -> Project:
    """Give the project that a row refers to."""
    row = connection.execute(_BY_ID, {"id": project_id}).one()
    return Project(**row._mapping)


def of_entity(connection: sa.Connection, entity: str) -> list[Project]:
    """List an entity's projects, newest first."""
    table = tables.projects
    query = sa.select(table).where(table.c.entity == entity).order_by(table.c.id.desc())
    return many(Project, connection.execute(query))


def get_or_create(connection: sa.Connection, entity: str, name: str) -> tuple[Project, bool]:
    """Give a project, made now if it is new; tells whether it was."""
    found = get(connection, entity, name)
    if found:
        return found, False
    values = {"entity": entity, "name": name, "description": "", "created_at": time.time()}
    return by_id(connection, insert(connection, tables.projects, values)), True


def update(connection: sa.Connection, project_id: int, **values: str) -> None:
    """Change some columns of a project."""
    table = tables.projects
    connection.execute(table.update().where(table.c.id == project_id).values(values))


def size_of_entity(connection: sa.Connection, entity: str) -> int:
    """Give the bytes of all run files and artifacts in an entity's projects.

    What several of them share on the disk is counted for each.
    """
    own = sa.select(tables.projects.c.id).where(tables.projects.c.entity == entity)
    files = (
        sa.select(sa.func.sum(tables.run_files.c.size))
        .join(tables.runs, tables.runs.c.id == tables.run_files.c.run_id)
        .where(tables.runs.c.project_id.in_(own))
    )
    of = tables.artifact_collections
    versions = (
        sa.select(sa.func.sum(tables.artifacts.c.size))
        .join(of, of.c.id == tables.artifacts.c.collection_id)
        .where(of.c.project_id.in_(own))
    )
    return sum(int(connection.execute(query).scalar() or 0) for query in (files, versions))
