"""What the tables are made of."""

import sqlalchemy as sa

from sweepcnn.storage.columns import Integer, Name, Text

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_column() -> sa.Column[int]:
    """Make the column that numbers the rows."""
    return sa.Column("id", Integer, primary_key=True)


def of(
    table: str, *, null: bool = False, key: bool = False, name: str = "", outlives: bool = False
) -> sa.Column[int]:
    """Refer to a row, and go with it; what outlives it forgets it instead."""
    column = name or f"{table.removesuffix('s')}_id"
    target = sa.ForeignKey(f"{table}.id", ondelete="SET NULL" if outlives else "CASCADE")
    return sa.Column(column, Integer, target, nullable=null or outlives, primary_key=key)


def text(column: str, *, null: bool = False, default: str | None = None) -> sa.Column[str]:
    """Make a column of any text."""
    return sa.Column(column, Text, nullable=null, default=default)


def name(column: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    """Make a column that an index holds."""
    return sa.Column(column, Name, nullable=null, primary_key=key)


def time(column: str, *, null: bool = False) -> sa.Column[float]:
    """Make a column of seconds since the epoch."""
    return sa.Column(column, sa.Double, nullable=null)
