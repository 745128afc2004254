"""People, views, links, and what runs are found by.

Revision: 0002, after 0001.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # SQLite then never gives the id of a deleted row again; it takes a copy of the table.
    copied: Any = {"recreate": "never"}
    if op.get_context().dialect.name == "sqlite":
        copied = {"recreate": "always", "table_kwargs": {"sqlite_autoincrement": True}}

    op.create_table(
        "teams",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("name", name=op.f("uq_teams_name")),
    )
    op.create_table(
        "deleted_runs",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"],
            ["projects.id"],
            name=op.f("fk_deleted_runs_project_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("project_id", "name", name=op.f("pk_deleted_runs")),
    )
    op.create_table(
        "team_members",
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_team_members_team_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_team_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_members")),
    )
    op.create_table(
        "views",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("spec", sa.Text(), nullable=False),
        sa.Column("created_using", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_views_project_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_views_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_views")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("views") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_views_project_id_type"), ["project_id", "type"], unique=False
        )

    op.create_table(
        "history_keys",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_history_keys_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_history_keys")),
    )
    op.create_table(
        "run_values",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("number", sa.Double(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_run_values_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "source", "key", "position", name=op.f("pk_run_values")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("run_values") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_run_values_source_key_number"), ["source", "key", "number"], unique=False
        )

    op.create_table(
        "artifact_links",
        sa.Column("collection_id", sa.Integer(), nullable=False),
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column("version_index", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifacts.id"],
            name=op.f("fk_artifact_links_artifact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["artifact_collections.id"],
            name=op.f("fk_artifact_links_collection_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "artifact_id", name=op.f("pk_artifact_links")),
        sa.UniqueConstraint(
            "collection_id",
            "version_index",
            name=op.f("uq_artifact_links_collection_id_version_index"),
        ),
    )
    with op.batch_alter_table("artifact_links") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_artifact_links_artifact_id"), ["artifact_id"], unique=False
        )

    op.create_table(
        "artifact_uploads",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("artifact_id", sa.Integer(), nullable=False),
        sa.Column("md5", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifacts.id"],
            name=op.f("fk_artifact_uploads_artifact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifact_uploads")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("artifact_uploads") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_artifact_uploads_artifact_id"), ["artifact_id"], unique=False
        )

    op.create_table(
        "artifact_upload_parts",
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hex_md5", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["upload_id"],
            ["artifact_uploads.id"],
            name=op.f("fk_artifact_upload_parts_upload_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("upload_id", "number", name=op.f("pk_artifact_upload_parts")),
    )
    with op.batch_alter_table("agents", **copied) as batch_op:
        batch_op.create_index(batch_op.f("ix_agents_sweep_id"), ["sweep_id"], unique=False)

    with op.batch_alter_table("artifact_aliases") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_artifact_aliases_artifact_id"), ["artifact_id"], unique=False
        )

    with op.batch_alter_table("artifact_collections") as batch_op:
        batch_op.add_column(sa.Column("kind", sa.Text()))
        batch_op.add_column(sa.Column("tags", sa.Text()))
        batch_op.add_column(sa.Column("updated_at", sa.Double()))
    op.execute(
        "UPDATE artifact_collections SET kind = 'sequence', tags = '[]', updated_at = created_at"
    )
    with op.batch_alter_table("artifact_collections", **copied) as batch_op:
        batch_op.alter_column("kind", nullable=False)
        batch_op.alter_column("tags", nullable=False)
        batch_op.alter_column("updated_at", nullable=False)

    with op.batch_alter_table("artifact_manifests", **copied) as batch_op:
        batch_op.add_column(sa.Column("base_id", sa.Integer(), nullable=True))
        batch_op.create_index(
            batch_op.f("ix_artifact_manifests_artifact_id"), ["artifact_id"], unique=False
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_artifact_manifests_base_id"),
            "artifacts",
            ["base_id"],
            ["id"],
            ondelete="SET NULL",
        )

    with op.batch_alter_table("artifacts", **copied) as batch_op:
        batch_op.add_column(sa.Column("distributed_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("ttl_s", sa.BigInteger(), nullable=True))
        batch_op.alter_column(
            "history_step",
            existing_type=sa.INTEGER(),
            type_=sa.BigInteger(),
            existing_nullable=True,
        )
        batch_op.create_index(
            batch_op.f("ix_artifacts_collection_id_digest"),
            ["collection_id", "digest"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_artifacts_run_id"), ["run_id"], unique=False)
        batch_op.drop_constraint(batch_op.f("fk_artifacts_run_id"), type_="foreignkey")
        batch_op.create_foreign_key(
            batch_op.f("fk_artifacts_run_id"), "runs", ["run_id"], ["id"], ondelete="SET NULL"
        )

    with op.batch_alter_table("run_artifacts") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_run_artifacts_artifact_id"), ["artifact_id"], unique=False
        )

    with op.batch_alter_table("runs", **copied) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_runs_project_id_created_at"), ["project_id", "created_at"], unique=False
        )

    with op.batch_alter_table("suggestions") as batch_op:
        batch_op.create_index(batch_op.f("ix_suggestions_agent_id"), ["agent_id"], unique=False)

    for table in ("projects", "sweeps"):
        with op.batch_alter_table(table, **copied):
            pass

    with op.batch_alter_table("users") as batch_op:
        batch_op.alter_column("key_hash", existing_type=sa.TEXT(), nullable=True)
