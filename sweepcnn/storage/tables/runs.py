"""Runs, and what they send."""

import sqlalchemy as sa

from sweepcnn.storage.columns import BigInteger, Integer
from sweepcnn.storage.tables.parts import id_column, metadata, name, of, text, time

runs = sa.Table(
    "runs",
    metadata,
    id_column(),
    of("projects"),
    of("users"),
    of("sweeps", null=True),
    name("name"),  # the 8 characters that people see
    text("display_name"),
    text("state"),
    text("config"),  # JSON {key: {"value": v}}
    text("summary"),  # JSON, possibly with bare NaN and Infinity
    text("description", null=True),
    text("notes", null=True),
    text("tags"),  # JSON list
    text("group_name", null=True),
    text("job_type", null=True),
    text("host", null=True),
    text("program", null=True),
    text("repo", null=True),
    text("commit", null=True),
    sa.Column("exit_code", Integer),
    sa.Column("stop_requested", sa.Boolean, nullable=False),
    time("created_at"),
    time("heartbeat_at", null=True),
    time("stop_requested_at", null=True),
    text("stop_reason", null=True),  # of early stopping; null for a user's word
    sa.UniqueConstraint("project_id", "name"),
    sa.Index(None, "sweep_id"),
    sa.Index(None, "project_id", "created_at"),
    sqlite_autoincrement=True,
)

# The names of deleted runs: a client that still writes to one is refused.
deleted_runs = sa.Table(
    "deleted_runs",
    metadata,
    of("projects", key=True),
    name("name", key=True),
    time("deleted_at"),
)

# What runs are filtered and ordered by: each value in their config, summary and tags under its
# dotted key. A list has a row for itself (position 0) and one for each of its scalars (from 1 on).
run_values = sa.Table(
    "run_values",
    metadata,
    of("runs", key=True),
    name("source", key=True),  # config, summary, tags
    name("key", key=True),
    sa.Column("position", Integer, primary_key=True),
    text("kind"),  # number, text, boolean, null, list, map
    sa.Column("number", sa.Double),  # null where it is not finite; 0, 1; how long a list is
    text("text", null=True),  # of a list: the digest of its elements
    sqlite_with_rowid=False,
)

# What the metrics of a run's history look like, so that it need not be read for that.
history_keys = sa.Table(
    "history_keys",
    metadata,
    of("runs", key=True),
    sa.Column("lines", Integer, nullable=False),  # how many lines it describes
    text("document"),  # JSON
)

stream_lines = sa.Table(
    "stream_lines",
    metadata,
    of("runs", key=True),
    name("file", key=True),
    sa.Column("line", Integer, primary_key=True),
    text("content"),
    sqlite_with_rowid=False,
)

# Where the lines of each writer stand, in runs that have several (the client's shared mode).
shared_lines = sa.Table(
    "shared_lines",
    metadata,
    of("runs", key=True),
    name("file", key=True),
    name("writer", key=True),
    sa.Column("number", Integer, primary_key=True),  # as the writer counts
    sa.Column("line", Integer, nullable=False),  # in stream_lines
    sqlite_with_rowid=False,
)

run_files = sa.Table(
    "run_files",
    metadata,
    of("runs", key=True),
    name("name", key=True),
    text("sha256"),
    text("md5"),  # base64, as the client compares it
    sa.Column("size", BigInteger, nullable=False),
    text("mimetype"),
    time("updated_at"),
)
