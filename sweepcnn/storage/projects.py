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


def get(connection: sa.Connection, entity: str, name: str) -> Project | None:
    """Find a project by its path."""
    table = tables.projects
    where = (table.c.entity == entity, table.c.name == name)
    return one(Project, connection.execute(sa.select(table).where(*where)).first())


def by_id(connection: sa.Connection, project_id: int) -> Project:
    """Give the project that a row refers to."""
    table = tables.projects
    row = connection.execute(sa.select(table).where(table.c.id == project_id)).one()
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
