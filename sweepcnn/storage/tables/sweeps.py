"""Sweeps, their agents, and the points that they hand out."""

import sqlalchemy as sa

from sweepcnn.storage.columns import Integer
from sweepcnn.storage.tables.parts import id_column, metadata, name, of, text, time

sweeps = sa.Table(
    "sweeps",
    metadata,
    id_column(),
    of("projects"),
    of("users"),
    name("name"),  # the 8 characters that people type
    text("display_name", null=True),
    text("description", null=True),
    text("config"),  # YAML
    text("method"),
    text("state"),
    text("controller", null=True),
    text("scheduler", null=True),
    time("created_at"),
    time("updated_at"),
    time("heartbeat_at", null=True),
    sa.UniqueConstraint("project_id", "name"),
    sqlite_autoincrement=True,
)

agents = sa.Table(
    "agents",
    metadata,
    id_column(),
    of("sweeps"),
    of("users"),
    text("name"),
    text("host"),
    time("created_at"),
    time("heartbeat_at"),
    sa.Index(None, "sweep_id"),
    sqlite_autoincrement=True,
)


# The points of a sweep that were handed out. The unique key is what keeps two agents from getting
# the same one.
points = sa.Table(
    "points",
    metadata,
    id_column(),
    of("sweeps"),
    name("key"),  # the same point always has the same key
    text("point"),  # JSON {parameter: value}
    text("origin"),  # how the search came to it
    name("state"),  # out, lost, failed, settled
    sa.Column("attempts", Integer, nullable=False),  # how many runs it became
    sa.Column("resumptions", Integer, nullable=False, server_default="0"),
    time("created_at"),
    sa.UniqueConstraint("sweep_id", "key"),
    sa.Index(None, "sweep_id", "state"),
    sqlite_autoincrement=True,
)

# Which run a point became, and which agent has it or had it last.
assignments = sa.Table(
    "assignments",
    metadata,
    of("runs", key=True),
    of("points"),
    of("agents"),
    time("created_at"),
    sa.Index(None, "point_id"),
    sa.Index(None, "agent_id"),
)

# What was seen so far of the metric that a run's sweep optimises.
progress = sa.Table(
    "progress",
    metadata,
    of("runs", key=True),
    sa.Column("iterations", Integer, nullable=False),  # how often it was logged as a number
    sa.Column("best", sa.Double),
)

# The metric at the iterations at which early stopping compares runs.
rungs = sa.Table(
    "rungs",
    metadata,
    of("runs", key=True),
    sa.Column("iteration", Integer, primary_key=True),  # from 1 on
    sa.Column("value", sa.Double, nullable=False),
    sqlite_with_rowid=False,
)

# Runs from elsewhere that a sweep learns from.
prior_runs = sa.Table(
    "prior_runs",
    metadata,
    of("sweeps", key=True),
    of("runs", key=True),
    sa.Index(None, "run_id"),
    sqlite_with_rowid=False,
)
