"""The data folder that belongs to a database: its files are what the rows refer to."""

import sqlalchemy as sa

from sweepcnn.storage import tables

_table = tables.data_folders


def mark(connection: sa.Connection) -> str | None:
    """Give the mark of the database's folder; null for a database that has yet to meet it."""
    return connection.execute(sa.select(_table.c.mark)).scalar()


def set_mark(connection: sa.Connection, mark: str) -> None:
    """Note the mark of the folder, once and for all."""
    connection.execute(_table.insert().values(mark=mark))
