"""Users, teams, projects, and what belongs to a project as a whole."""

import sqlalchemy as sa

from sweepcnn.storage.columns import Integer
from sweepcnn.storage.tables.parts import id_column, metadata, name, of, text, time

users = sa.Table(
    "users",
    metadata,
    id_column(),
    name("name"),
    text("email"),
    name("key_hash", null=True),  # SHA-256 of the API key, hexadecimal; null: removed
    sa.Column("admin", sa.Boolean, nullable=False),
    time("created_at"),
    sa.UniqueConstraint("name"),
    sa.UniqueConstraint("key_hash"),
)

teams = sa.Table(
    "teams",
    metadata,
    id_column(),
    name("name"),
    time("created_at"),
    sa.UniqueConstraint("name"),
)

team_members = sa.Table(
    "team_members",
    metadata,
    of("teams", key=True),
    of("users", key=True),
    sa.Column("role", Integer, nullable=False),  # access.Role
    time("created_at"),
)

projects = sa.Table(
    "projects",
    metadata,
    id_column(),
    name("entity"),  # the name of a user or a team
    name("name"),
    text("description", default=""),
    time("created_at"),
    sa.UniqueConstraint("entity", "name"),
    sqlite_autoincrement=True,  # here and below: the id of what was deleted is not given again
)

# The mark of the data folder that belongs to the database: one row.
data_folders = sa.Table("data_folders", metadata, name("mark", key=True))

# Reports and workspaces, as the client makes them.
views = sa.Table(
    "views",
    metadata,
    id_column(),
    of("projects"),
    of("users"),
    name("type"),  # runs: a report; project-view: a workspace
    text("name"),
    text("display_name", null=True),
    text("description", null=True),
    text("spec"),  # JSON
    text("created_using", null=True),
    time("created_at"),
    time("updated_at"),
    sa.Index(None, "project_id", "type"),
    sqlite_autoincrement=True,
)
