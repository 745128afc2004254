"""Each artifact holds its own files, and no version number is given twice.

Revision: 0020, after 0010.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0010"

_NEXT_VERSION = """
UPDATE artifact_collections SET next_version = 1 + COALESCE(
    (SELECT MAX(version_index) FROM artifacts
     WHERE artifacts.collection_id = artifact_collections.id),
    (SELECT MAX(version_index) FROM artifact_links
     WHERE artifact_links.collection_id = artifact_collections.id),
    -1)
"""
_OWN_BLOBS = """
INSERT INTO artifact_blobs (artifact_id, md5, sha256, size)
SELECT DISTINCT entry.artifact_id, blob.md5, blob.sha256, blob.size
FROM artifact_entries AS entry
JOIN artifact_blobs AS blob ON blob.artifact_id = entry.birth_id AND blob.md5 = entry.md5
WHERE entry.birth_id <> entry.artifact_id AND NOT EXISTS (
    SELECT 1 FROM artifact_blobs AS own
    WHERE own.artifact_id = entry.artifact_id AND own.md5 = entry.md5)
"""


def upgrade() -> None:
    with op.batch_alter_table("artifact_collections") as batch_op:
        batch_op.add_column(sa.Column("next_version", sa.Integer()))
    op.execute(_NEXT_VERSION)
    copied: Any = {"recreate": "never"}
    if op.get_context().dialect.name == "sqlite":  # it never gives a deleted row's id again
        copied = {"recreate": "always", "table_kwargs": {"sqlite_autoincrement": True}}
    with op.batch_alter_table("artifact_collections", **copied) as batch_op:
        batch_op.alter_column("next_version", nullable=False)

    op.execute(_OWN_BLOBS)
    with op.batch_alter_table("artifact_blobs") as batch_op:
        batch_op.create_index(batch_op.f("ix_artifact_blobs_md5"), ["md5"], unique=False)
    with op.batch_alter_table("artifact_entries") as batch_op:
        batch_op.add_column(sa.Column("extra", sa.Text(), nullable=True))
        batch_op.drop_column("birth_id")

    # Until now nothing was uploaded in parts.
    with op.batch_alter_table("artifact_uploads") as batch_op:
        batch_op.add_column(
            sa.Column("complete", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("artifact_uploads", **copied) as batch_op:
        batch_op.alter_column("complete", server_default=None)
    with op.batch_alter_table("artifact_upload_parts") as batch_op:
        batch_op.drop_column("sha256")
        batch_op.drop_column("size")
