"""The tables. JSON and YAML that the client sent are kept as the text that came."""

import sqlalchemy as sa

from sweepcnn.storage.columns import BigInteger, Integer, Name, Text

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> sa.Column[int]:
    return sa.Column("id", Integer, primary_key=True)


def _of(
    table: str, *, null: bool = False, key: bool = False, name: str = "", outlives: bool = False
) -> sa.Column[int]:
    """Refer to a row, and go with it; what outlives it forgets it instead."""
    column = name or f"{table.removesuffix('s')}_id"
    target = sa.ForeignKey(f"{table}.id", ondelete="SET NULL" if outlives else "CASCADE")
    return sa.Column(column, Integer, target, nullable=null or outlives, primary_key=key)


def _text(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, Text, nullable=null, default=default)


def _name(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    """Make a column that an index holds."""
    return sa.Column(name, Name, nullable=null, primary_key=key)


def _time(name: str, *, null: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=null)


users = sa.Table(
    "users",
    metadata,
    _id(),
    _name("name"),
    _text("email"),
    _name("key_hash", null=True),  # SHA-256 of the API key, hexadecimal; null: removed
    sa.Column("admin", sa.Boolean, nullable=False),
    _time("created_at"),
    sa.UniqueConstraint("name"),
    sa.UniqueConstraint("key_hash"),
)

teams = sa.Table(
    "teams",
    metadata,
    _id(),
    _name("name"),
    _time("created_at"),
    sa.UniqueConstraint("name"),
)

team_members = sa.Table(
    "team_members",
    metadata,
    _of("teams", key=True),
    _of("users", key=True),
    sa.Column("role", Integer, nullable=False),  # access.Role
    _time("created_at"),
)

projects = sa.Table(
    "projects",
    metadata,
    _id(),
    _name("entity"),  # the name of a user or a team
    _name("name"),
    _text("description", default=""),
    _time("created_at"),
    sa.UniqueConstraint("entity", "name"),
    sqlite_autoincrement=True,  # here and below: the id of what was deleted is not given again
)

sweeps = sa.Table(
    "sweeps",
    metadata,
    _id(),
    _of("projects"),
    _of("users"),
    _name("name"),  # the 8 characters that people type
    _text("display_name", null=True),
    _text("description", null=True),
    _text("config"),  # YAML
    _text("method"),
    _text("state"),
    _text("controller", null=True),
    _text("scheduler", null=True),
    _time("created_at"),
    _time("updated_at"),
    _time("heartbeat_at", null=True),
    sa.UniqueConstraint("project_id", "name"),
    sqlite_autoincrement=True,
)

agents = sa.Table(
    "agents",
    metadata,
    _id(),
    _of("sweeps"),
    _of("users"),
    _text("name"),
    _text("host"),
    _time("created_at"),
    _time("heartbeat_at"),
    sa.Index(None, "sweep_id"),
    sqlite_autoincrement=True,
)

runs = sa.Table(
    "runs",
    metadata,
    _id(),
    _of("projects"),
    _of("users"),
    _of("sweeps", null=True),
    _name("name"),  # the 8 characters that people see
    _text("display_name"),
    _text("state"),
    _text("config"),  # JSON {key: {"value": v}}
    _text("summary"),  # JSON, possibly with bare NaN and Infinity
    _text("description", null=True),
    _text("notes", null=True),
    _text("tags"),  # JSON list
    _text("group_name", null=True),
    _text("job_type", null=True),
    _text("host", null=True),
    _text("program", null=True),
    _text("repo", null=True),
    _text("commit", null=True),
    sa.Column("exit_code", Integer),
    sa.Column("stop_requested", sa.Boolean, nullable=False),
    _time("created_at"),
    _time("heartbeat_at", null=True),
    sa.UniqueConstraint("project_id", "name"),
    sa.Index(None, "sweep_id"),
    sa.Index(None, "project_id", "created_at"),
    sqlite_autoincrement=True,
)

# The mark of the data folder that belongs to the database: one row.
data_folders = sa.Table("data_folders", metadata, _name("mark", key=True))

# The names of deleted runs: a client that still writes to one is refused.
deleted_runs = sa.Table(
    "deleted_runs",
    metadata,
    _of("projects", key=True),
    _name("name", key=True),
    _time("deleted_at"),
)

# What runs are filtered and ordered by: each value in their config, summary and tags under its
# dotted key. A list has a row for itself (position 0) and one for each of its scalars (from 1 on).
run_values = sa.Table(
    "run_values",
    metadata,
    _of("runs", key=True),
    _name("source", key=True),  # config, summary, tags
    _name("key", key=True),
    sa.Column("position", Integer, primary_key=True),
    _text("kind"),  # number, text, boolean, null, list, map
    sa.Column("number", sa.Double),  # null where it is not finite; 0, 1; how long a list is
    _text("text", null=True),  # of a list: the digest of its elements
    sqlite_with_rowid=False,
)

# What the metrics of a run's history look like, so that it need not be read for that.
history_keys = sa.Table(
    "history_keys",
    metadata,
    _of("runs", key=True),
    sa.Column("lines", Integer, nullable=False),  # how many lines it describes
    _text("document"),  # JSON
)

# Reports and workspaces, as the client makes them.
views = sa.Table(
    "views",
    metadata,
    _id(),
    _of("projects"),
    _of("users"),
    _name("type"),  # runs: a report; project-view: a workspace
    _text("name"),
    _text("display_name", null=True),
    _text("description", null=True),
    _text("spec"),  # JSON
    _text("created_using", null=True),
    _time("created_at"),
    _time("updated_at"),
    sa.Index(None, "project_id", "type"),
    sqlite_autoincrement=True,
)

# What a sweep handed out. The unique key is what keeps two agents from getting the same point.
suggestions = sa.Table(
    "suggestions",
    metadata,
    _of("runs", key=True),
    _of("sweeps"),
    _of("agents"),
    _text("point"),  # JSON {parameter: value}
    _name("point_key"),  # the same point always has the same key
    _text("origin"),  # how the search came to it
    _time("created_at"),
    sa.UniqueConstraint("sweep_id", "point_key"),
    sa.Index(None, "agent_id"),
)

stream_lines = sa.Table(
    "stream_lines",
    metadata,
    _of("runs", key=True),
    _name("file", key=True),
    sa.Column("line", Integer, primary_key=True),
    _text("content"),
    sqlite_with_rowid=False,
)

# Where the lines of each writer stand, in runs that have several (the client's shared mode).
shared_lines = sa.Table(
    "shared_lines",
    metadata,
    _of("runs", key=True),
    _name("file", key=True),
    _name("writer", key=True),
    sa.Column("number", Integer, primary_key=True),  # as the writer counts
    sa.Column("line", Integer, nullable=False),  # in stream_lines
    sqlite_with_rowid=False,
)

run_files = sa.Table(
    "run_files",
    metadata,
    _of("runs", key=True),
    _name("name", key=True),
    _text("sha256"),
    _text("md5"),  # base64, as the client compares it
    sa.Column("size", BigInteger, nullable=False),
    _text("mimetype"),
    _time("updated_at"),
)

artifact_collections = sa.Table(
    "artifact_collections",
    metadata,
    _id(),
    _of("projects"),
    _text("kind"),  # sequence: of versions made here; portfolio: of versions linked from elsewhere
    _text("type"),
    _name("name"),
    _text("description", null=True),
    _text("tags"),  # JSON list
    sa.Column("next_version", Integer, nullable=False),  # no number is given twice
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("project_id", "name"),
    sqlite_autoincrement=True,
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    _id(),
    _of("artifact_collections", name="collection_id"),
    _of("users"),
    _of("runs", outlives=True),  # the run that made it
    _text("state"),  # PENDING, COMMITTED, DELETED: its row stays, its files and aliases do not
    _name("digest"),
    sa.Column("version_index", Integer),  # from the commit on
    _text("description", null=True),
    _text("metadata", null=True),  # JSON
    _text("aliases"),  # JSON list: those asked for, set at the commit
    _text("tags"),  # JSON list
    _name("client_id", null=True),
    _text("distributed_id", null=True),  # what its several writers agree on
    sa.Column("history_step", BigInteger),
    sa.Column("ttl_s", BigInteger),  # null: by default, 0: by choice kept for good
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("file_count", Integer, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("collection_id", "version_index"),
    sa.Index(None, "collection_id", "digest"),
    sa.Index(None, "client_id"),
    sa.Index(None, "run_id"),
    sqlite_autoincrement=True,
)

# The versions of a portfolio.
artifact_links = sa.Table(
    "artifact_links",
    metadata,
    _of("artifact_collections", key=True, name="collection_id"),
    _of("artifacts", key=True),
    sa.Column("version_index", Integer, nullable=False),
    _time("created_at"),
    sa.UniqueConstraint("collection_id", "version_index"),
    sa.Index(None, "artifact_id"),
)

artifact_aliases = sa.Table(
    "artifact_aliases",
    metadata,
    _of("artifact_collections", key=True, name="collection_id"),
    _name("alias", key=True),
    _of("artifacts"),
    sa.Index(None, "artifact_id"),
)

artifact_manifests = sa.Table(
    "artifact_manifests",
    metadata,
    _id(),
    _of("artifacts"),
    _text("name"),
    _text("digest"),
    _text("type"),  # FULL, PATCH (of one of several writers), INCREMENTAL (on top of its base)
    _of("artifacts", outlives=True, name="base_id"),
    _text("sha256", null=True),  # from the upload on
    sa.Column("size", BigInteger),
    sa.Index(None, "artifact_id"),
    sa.Index(None, "base_id"),
    sqlite_autoincrement=True,
)

# Entries of the manifest, known from the commit on. The bytes of a file are in artifact_blobs under
# the same artifact; of a reference we know only where they are.
artifact_entries = sa.Table(
    "artifact_entries",
    metadata,
    _of("artifacts", key=True),
    _name("path", key=True),
    _text("md5"),  # base64; of a reference whatever its place tells of its content
    sa.Column("size", BigInteger, nullable=False),
    _text("ref", null=True),
    _text("extra", null=True),  # JSON
)

# The bytes that an artifact holds. What its files share with another artifact is noted for both.
artifact_blobs = sa.Table(
    "artifact_blobs",
    metadata,
    _of("artifacts", key=True),
    _name("md5", key=True),  # base64
    _text("sha256"),
    sa.Column("size", BigInteger, nullable=False),
    sa.Index(None, "md5"),
)

# Uploads in parts.
artifact_uploads = sa.Table(
    "artifact_uploads",
    metadata,
    _id(),
    _of("artifacts"),
    _text("md5"),  # of the whole, base64
    sa.Column("complete", sa.Boolean, nullable=False),
    _time("created_at"),
    sa.Index(None, "artifact_id"),
    sqlite_autoincrement=True,
)

artifact_upload_parts = sa.Table(
    "artifact_upload_parts",
    metadata,
    _of("artifact_uploads", key=True, name="upload_id"),
    sa.Column("number", Integer, primary_key=True),  # from 1 on
    _text("hex_md5"),
)

run_artifacts = sa.Table(
    "run_artifacts",
    metadata,
    _of("runs", key=True),
    _of("artifacts", key=True),
    _name("direction", key=True),  # output, input
    _time("created_at"),
    sa.Index(None, "artifact_id"),
)
