"""Rows to test on: some of every table, whatever its columns are, and some of a noun."""

from typing import Any

import sqlalchemy as sa

from sweepcnn.storage import projects, runs, sweeps, users
from sweepcnn.storage.columns import Text
from sweepcnn.storage.tables import metadata


def fill(connection: sa.Connection, number: int = 1) -> None:
    """Put a row into each empty table, which refers to those before it; `number` is its id."""
    for table in metadata.sorted_tables:
        connection.execute(table.insert().values(row_of(table, number)))


def row_of(table: sa.Table, number: int) -> dict[str, Any]:
    """Give a row that refers to the rows of that number."""
    return {
        column.name: number if column.foreign_keys else _value(column, number)
        for column in table.columns
        if column.name != "id"
    }


def counts(connection: sa.Connection) -> dict[str, int]:
    """Count the rows of each table."""
    return {
        table.name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        for table in metadata.sorted_tables
    }


def project_of(connection: sa.Connection, entity: str, name: str = "p") -> int:
    """Give a project, made now if it is new."""
    return projects.get_or_create(connection, entity, name)[0].id


def person(connection: sa.Connection, name: str, *, admin: bool = False) -> users.User:
    """Make a user."""
    found = users.by_id(connection, users.add(connection, name, f"key of {name}", admin=admin))
    assert found is not None
    return found


def run_of(connection: sa.Connection, name: str = "r", **values: Any) -> int:
    """Make a run of ann's in her project p."""
    user = users.by_name(connection, "ann") or person(connection, "ann")
    project = project_of(connection, "ann")
    return runs.add(connection, project_id=project, user_id=user.id, name=name, **values)


def sweep_of(connection: sa.Connection, name: str = "s") -> int:
    """Make a sweep of ann's in her project p."""
    user = users.by_name(connection, "ann") or person(connection, "ann")
    where = {"project_id": project_of(connection, "ann"), "user_id": user.id}
    return sweeps.add(connection, **where, name=name, config="method: grid", method="grid")


def _value(column: sa.Column[Any], number: int) -> Any:
    if isinstance(column.type, Text):
        return f"{column.name} {number}"
    return bool(number) if isinstance(column.type, sa.Boolean) else number
