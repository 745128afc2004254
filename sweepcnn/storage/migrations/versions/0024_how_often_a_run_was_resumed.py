"""A point knows how often its run was resumed.

Revision: 0024, after 0023.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    column = sa.Column("resumptions", sa.Integer(), nullable=False, server_default="0")
    op.add_column("points", column)
