"""Reports and workspaces. Their specification is the client's own, kept as the text that came."""

import time
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import insert
from sweepcnn.storage.records import columns_of, many, one

_table = tables.views


@dataclass(frozen=True)
class View:
    """A report or a workspace without its specification, which may be large."""

    id: int
    project_id: int
    user_id: int
    type: str
    name: str
    display_name: str | None
    description: str | None
    created_at: float
    updated_at: float


_columns = columns_of(_table, View)


def by_id(connection: sa.Connection, view_id: int) -> View | None:
    """Find a view by row id."""
    return one(View, connection.execute(sa.select(*_columns).where(_table.c.id == view_id)).first())


def of_project(
    connection: sa.Connection,
    project_id: int,
    *,
    type_: str | None = None,
    name: str | None = None,
    user_name: str | None = None,
) -> list[View]:
    """List a project's views, newest first; what is null keeps all."""
    query = sa.select(*_columns).where(_table.c.project_id == project_id)
    if type_ is not None:
        query = query.where(_table.c.type == type_)
    if name is not None:
        query = query.where(_table.c.name == name)
    if user_name is not None:
        query = query.join(tables.users, tables.users.c.id == _table.c.user_id)
        query = query.where(tables.users.c.name == user_name)
    return many(View, connection.execute(query.order_by(_table.c.id.desc())))


def spec(connection: sa.Connection, view_id: int) -> str:
    """Give a view's specification."""
    query = sa.select(_table.c.spec).where(_table.c.id == view_id)
    return str(connection.execute(query).scalar_one())


def add(connection: sa.Connection, **values: Any) -> int:
    """Add a view and give its row id."""
    now = time.time()
    return insert(connection, _table, values | {"created_at": now, "updated_at": now})


def update(connection: sa.Connection, view_id: int, **values: Any) -> None:
    """Change some columns of a view."""
    changed = values | {"updated_at": time.time()}
    connection.execute(_table.update().where(_table.c.id == view_id).values(changed))


def delete(connection: sa.Connection, view_id: int) -> None:
    """Delete a view."""
    connection.execute(_table.delete().where(_table.c.id == view_id))
