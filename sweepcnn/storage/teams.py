"""Teams: entities whose projects several people share, each with a role."""

import time
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.access import Role
from sweepcnn.storage.database import insert, upsert
from sweepcnn.storage.records import many, one
from sweepcnn.storage.users import User

_teams = tables.teams
_members = tables.team_members


@dataclass(frozen=True)
class Team:
    """An entity of several people."""

    id: int
    name: str
    created_at: float


def by_name(connection: sa.Connection, name: str) -> Team | None:
    """Find a team."""
    return one(Team, connection.execute(sa.select(_teams).where(_teams.c.name == name)).first())


def all_teams(connection: sa.Connection) -> list[Team]:
    """List all teams by name."""
    return many(Team, connection.execute(sa.select(_teams).order_by(_teams.c.name)))


def add(connection: sa.Connection, name: str) -> int:
    """Add a team and give its row id."""
    return insert(connection, _teams, {"name": name, "created_at": time.time()})


def set_member(connection: sa.Connection, team_id: int, user_id: int, role: Role) -> None:
    """Take a user into a team, or give a member another role."""
    row = {"team_id": team_id, "user_id": user_id, "role": int(role), "created_at": time.time()}
    upsert(connection, _members, [row])


def remove_member(connection: sa.Connection, team_id: int, user_id: int) -> None:
    """Take a user out of a team."""
    where = (_members.c.team_id == team_id, _members.c.user_id == user_id)
    connection.execute(_members.delete().where(*where))


def members(connection: sa.Connection, team_id: int) -> list[tuple[User, Role]]:
    """List a team's members with their roles, by name."""
    query = (
        sa.select(tables.users, _members.c.role)
        .join(_members, _members.c.user_id == tables.users.c.id)
        .where(_members.c.team_id == team_id)
        .order_by(tables.users.c.name)
    )
    found = []
    for row in connection.execute(query):
        values = dict(row._mapping)
        role = Role(values.pop("role"))
        found.append((User(**values), role))
    return found
