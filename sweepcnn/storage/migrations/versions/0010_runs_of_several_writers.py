"""Runs that several processes write to.

Revision: 0010, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "shared_lines",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("writer", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_shared_lines_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "file", "writer", "number", name=op.f("pk_shared_lines")),
        sqlite_with_rowid=False,
    )
