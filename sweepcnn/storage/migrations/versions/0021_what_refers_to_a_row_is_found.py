"""What refers to a deleted artifact is found without looking through all manifests.

Revision: 0021, after 0020.
"""

from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_index(
        op.f("ix_artifact_manifests_base_id"), "artifact_manifests", ["base_id"], unique=False
    )
