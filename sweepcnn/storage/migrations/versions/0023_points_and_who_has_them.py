"""A point may be handed out again; the early stopping keeps what it saw of each run.

Revision: 0023, after 0022.
"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "points",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sweep_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("point", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sweep_id"], ["sweeps.id"], name=op.f("fk_points_sweep_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_points")),
        sa.UniqueConstraint("sweep_id", "key", name=op.f("uq_points_sweep_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_points_sweep_id_state"), "points", ["sweep_id", "state"])
    op.create_table(
        "assignments",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("point_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_assignments_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["point_id"], ["points.id"], name=op.f("fk_assignments_point_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["agent_id"], ["agents.id"], name=op.f("fk_assignments_agent_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_assignments")),
    )
    op.create_index(op.f("ix_assignments_point_id"), "assignments", ["point_id"])
    op.create_index(op.f("ix_assignments_agent_id"), "assignments", ["agent_id"])
    op.execute(
        "INSERT INTO points (sweep_id, key, point, origin, state, attempts, created_at)"
        " SELECT s.sweep_id, s.point_key, s.point, s.origin,"
        " CASE WHEN r.state IN ('pending', 'running', 'preempting') THEN 'out' ELSE 'settled' END,"
        " 1, s.created_at FROM suggestions s JOIN runs r ON r.id = s.run_id ORDER BY s.run_id"
    )
    op.execute(
        "INSERT INTO assignments (run_id, point_id, agent_id, created_at)"
        " SELECT s.run_id, p.id, s.agent_id, s.created_at FROM suggestions s"
        " JOIN points p ON p.sweep_id = s.sweep_id AND p.key = s.point_key"
    )
    op.drop_table("suggestions")
    _add_progress()


def _add_progress() -> None:
    op.create_table(
        "progress",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("iterations", sa.Integer(), nullable=False),
        sa.Column("best", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_progress_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_progress")),
    )
    op.create_table(
        "rungs",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_rungs_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "iteration", name=op.f("pk_rungs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "prior_runs",
        sa.Column("sweep_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sweep_id"], ["sweeps.id"], name=op.f("fk_prior_runs_sweep_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_prior_runs_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sweep_id", "run_id", name=op.f("pk_prior_runs")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_prior_runs_run_id"), "prior_runs", ["run_id"])
    op.add_column("runs", sa.Column("stop_requested_at", sa.Double(), nullable=True))
    op.add_column("runs", sa.Column("stop_reason", sa.Text(), nullable=True))
