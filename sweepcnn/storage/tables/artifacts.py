"""Artifacts."""

import sqlalchemy as sa

from sweepcnn.storage.columns import BigInteger, Integer
from sweepcnn.storage.tables.parts import id_column, metadata, name, of, text, time

artifact_collections = sa.Table(
    "artifact_collections",
    metadata,
    id_column(),
    of("projects"),
    text("kind"),  # sequence: of versions made here; portfolio: of versions linked from elsewhere
    text("type"),
    name("name"),
    text("description", null=True),
    text("tags"),  # JSON list
    sa.Column("next_version", Integer, nullable=False),  # no number is given twice
    time("created_at"),
    time("updated_at"),
    sa.UniqueConstraint("project_id", "name"),
    sqlite_autoincrement=True,
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    id_column(),
    of("artifact_collections", name="collection_id"),
    of("users"),
    of("runs", outlives=True),  # the run that made it
    text("state"),  # PENDING, COMMITTED, DELETED: its row stays, its files and aliases do not
    name("digest"),
    sa.Column("version_index", Integer),  # from the commit on
    text("description", null=True),
    text("metadata", null=True),  # JSON
    text("aliases"),  # JSON list: those asked for, set at the commit
    text("tags"),  # JSON list
    name("client_id", null=True),
    text("distributed_id", null=True),  # what its several writers agree on
    sa.Column("history_step", BigInteger),
    sa.Column("ttl_s", BigInteger),  # null: by default, 0: by choice kept for good
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("file_count", Integer, nullable=False),
    time("created_at"),
    time("updated_at"),
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
    of("artifact_collections", key=True, name="collection_id"),
    of("artifacts", key=True),
    sa.Column("version_index", Integer, nullable=False),
    time("created_at"),
    sa.UniqueConstraint("collection_id", "version_index"),
    sa.Index(None, "artifact_id"),
)

artifact_aliases = sa.Table(
    "artifact_aliases",
    metadata,
    of("artifact_collections", key=True, name="collection_id"),
    name("alias", key=True),
    of("artifacts"),
    sa.Index(None, "artifact_id"),
)

artifact_manifests = sa.Table(
    "artifact_manifests",
    metadata,
    id_column(),
    of("artifacts"),
    text("name"),
    text("digest"),
    text("type"),  # FULL, PATCH (of one of several writers), INCREMENTAL (on top of its base)
    of("artifacts", outlives=True, name="base_id"),
    text("sha256", null=True),  # from the upload on
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
    of("artifacts", key=True),
    name("path", key=True),
    text("md5"),  # base64; of a reference whatever its place tells of its content
    sa.Column("size", BigInteger, nullable=False),
    text("ref", null=True),
    text("extra", null=True),  # JSON
)

# The bytes that an artifact holds. What its files share with another artifact is noted for both.
artifact_blobs = sa.Table(
    "artifact_blobs",
    metadata,
    of("artifacts", key=True),
    name("md5", key=True),  # base64
    text("sha256"),
    sa.Column("size", BigInteger, nullable=False),
    sa.Index(None, "md5"),
)

# Uploads in parts.
artifact_uploads = sa.Table(
    "artifact_uploads",
    metadata,
    id_column(),
    of("artifacts"),
    text("md5"),  # of the whole, base64
    sa.Column("complete", sa.Boolean, nullable=False),
    time("created_at"),
    sa.Index(None, "artifact_id"),
    sqlite_autoincrement=True,
)

artifact_upload_parts = sa.Table(
    "artifact_upload_parts",
    metadata,
    of("artifact_uploads", key=True, name="upload_id"),
    sa.Column("number", Integer, primary_key=True),  # from 1 on
    text("hex_md5"),
)

run_artifacts = sa.Table(
    "run_artifacts",
    metadata,
    of("runs", key=True),
    of("artifacts", key=True),
    name("direction", key=True),  # output, input
    time("created_at"),
    sa.Index(None, "artifact_id"),
)
