"""The tables. JSON and YAML that the client sent are kept as the text that came."""

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.Integer, primary_key=True)


def _of(table: str, *, null: bool = False, key: bool = False, name: str = "") -> sa.Column[int]:
    column = name or f"{table.removesuffix('s')}_id"
    target = sa.ForeignKey(f"{table}.id", ondelete="CASCADE")
    return sa.Column(column, sa.Integer, target, nullable=null, primary_key=key)


def _text(
    name: str, *, null: bool = False, key: bool = False, default: str | None = None
) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=null, primary_key=key, default=default)


def _time(name: str, *, null: bool = False) -> sa.Column[float]:
    return sa.Column(name, sa.Double, nullable=null)


users = sa.Table(
    "users",
    metadata,
    _id(),
    _text("name"),
    _text("email"),
    _text("key_hash"),  # SHA-256 of the API key, hexadecimal
    sa.Column("admin", sa.Boolean, nullable=False),
    _time("created_at"),
    sa.UniqueConstraint("name"),
    sa.UniqueConstraint("key_hash"),
)

projects = sa.Table(
    "projects",
    metadata,
    _id(),
    _text("entity"),
    _text("name"),
    _text("description", default=""),
    _time("created_at"),
    sa.UniqueConstraint("entity", "name"),
)

sweeps = sa.Table(
    "sweeps",
    metadata,
    _id(),
    _of("projects"),
    _of("users"),
    _text("name"),  # the 8 characters that people type
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
)

runs = sa.Table(
    "runs",
    metadata,
    _id(),
    _of("projects"),
    _of("users"),
    _of("sweeps", null=True),
    _text("name"),  # the 8 characters that people see
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
    sa.Column("exit_code", sa.Integer),
    sa.Column("stop_requested", sa.Boolean, nullable=False),
    _time("created_at"),
    _time("heartbeat_at", null=True),
    sa.UniqueConstraint("project_id", "name"),
    sa.Index(None, "sweep_id"),
)

# What a sweep handed out. The unique key is what keeps two agents from getting the same point.
suggestions = sa.Table(
    "suggestions",
    metadata,
    _of("runs", key=True),
    _of("sweeps"),
    _of("agents"),
    _text("point"),  # JSON {parameter: value}
    _text("point_key"),  # the same point always has the same key
    _text("origin"),  # how the search came to it
    _time("created_at"),
    sa.UniqueConstraint("sweep_id", "point_key"),
)

stream_lines = sa.Table(
    "stream_lines",
    metadata,
    _of("runs", key=True),
    _text("file", key=True),
    sa.Column("line", sa.Integer, primary_key=True),
    _text("content"),
    sqlite_with_rowid=False,
)

run_files = sa.Table(
    "run_files",
    metadata,
    _of("runs", key=True),
    _text("name", key=True),
    _text("sha256"),
    _text("md5"),  # base64, as the client compares it
    sa.Column("size", sa.BigInteger, nullable=False),
    _text("mimetype"),
    _time("updated_at"),
)

artifact_collections = sa.Table(
    "artifact_collections",
    metadata,
    _id(),
    _of("projects"),
    _text("type"),
    _text("name"),
    _text("description", null=True),
    _time("created_at"),
    sa.UniqueConstraint("project_id", "name"),
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    _id(),
    _of("artifact_collections", name="collection_id"),
    _of("users"),
    _of("runs", null=True),  # the run that made it
    _text("state"),  # PENDING, COMMITTED
    _text("digest"),
    sa.Column("version_index", sa.Integer),  # from the commit on
    _text("description", null=True),
    _text("metadata", null=True),  # JSON
    _text("aliases"),  # JSON list: those asked for, set at the commit
    _text("tags"),  # JSON list
    _text("client_id", null=True),
    sa.Column("history_step", sa.Integer),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("file_count", sa.Integer, nullable=False),
    _time("created_at"),
    _time("updated_at"),
    sa.UniqueConstraint("collection_id", "version_index"),
    sa.Index(None, "client_id"),
)

artifact_aliases = sa.Table(
    "artifact_aliases",
    metadata,
    _of("artifact_collections", key=True, name="collection_id"),
    _text("alias", key=True),
    _of("artifacts"),
)

artifact_manifests = sa.Table(
    "artifact_manifests",
    metadata,
    _id(),
    _of("artifacts"),
    _text("name"),
    _text("digest"),
    _text("type"),  # FULL
    _text("sha256", null=True),  # from the upload on
    sa.Column("size", sa.BigInteger),
)

# Entries of the manifest, known from the commit on; their bytes are in artifact_blobs under the
# artifact that brought them first.
artifact_entries = sa.Table(
    "artifact_entries",
    metadata,
    _of("artifacts", key=True),
    _text("path", key=True),
    _text("md5"),  # base64
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("birth_id", sa.Integer),
    _text("ref", null=True),
)

artifact_blobs = sa.Table(
    "artifact_blobs",
    metadata,
    _of("artifacts", key=True),
    _text("md5", key=True),  # base64
    _text("sha256"),
    sa.Column("size", sa.BigInteger, nullable=False),
)

run_artifacts = sa.Table(
    "run_artifacts",
    metadata,
    _of("runs", key=True),
    _of("artifacts", key=True),
    _text("direction", key=True),  # output, input
    _time("created_at"),
)
