"""How much there is of what: for the server's metrics."""

import sqlalchemy as sa

from sweepcnn.storage import tables


def runs_by_state(connection: sa.Connection) -> dict[str, int]:
    """Count all runs by state."""
    return _by(connection, tables.runs.c.state)


def sweeps_by_state(connection: sa.Connection) -> dict[str, int]:
    """Count all sweeps by state."""
    return _by(connection, tables.sweeps.c.state)


def agents_since(connection: sa.Connection, when: float) -> int:
    """Count the agents that were heard of at or after a time (seconds since the epoch)."""
    query = sa.select(sa.func.count()).select_from(tables.agents)
    return connection.execute(query.where(tables.agents.c.heartbeat_at >= when)).scalar_one()


def _by(connection: sa.Connection, column: sa.Column[str]) -> dict[str, int]:
    query = sa.select(column, sa.func.count()).group_by(column)
    return {row[0]: row[1] for row in connection.execute(query)}
