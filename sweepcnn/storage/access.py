"""Who may do what: a user's role in an entity, which holds for all of its projects."""

from enum import IntEnum

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.records import many
from sweepcnn.storage.users import User

_users = tables.users
_teams = tables.teams
_members = tables.team_members


class Role(IntEnum):
    """What a user may do in an entity; each role includes those below it."""

    VIEWER = 1
    """See everything."""
    MEMBER = 2
    """Add runs, sweeps, artifacts and reports, change and delete them."""
    ADMIN = 3
    """Say who belongs to the team."""


def role_in(connection: sa.Connection, user: User, entity: str) -> Role | None:
    """Give a user's role in an entity; null where they may not know of it, or there is none.

    A user is the admin of the entity of their own name; the server's admins are admins everywhere.
    """
    if entity == user.name:
        return Role.ADMIN
    if user.admin:
        return Role.ADMIN if is_entity(connection, entity) else None
    query = (
        sa.select(_members.c.role)
        .join(_teams, _teams.c.id == _members.c.team_id)
        .where(_teams.c.name == entity, _members.c.user_id == user.id)
    )
    role = connection.execute(query).scalar()
    return None if role is None else Role(role)


def is_entity(connection: sa.Connection, name: str) -> bool:
    """Tell whether a user (also one who was removed) or a team has this name."""
    in_use = sa.union_all(
        sa.select(_users.c.id).where(_users.c.name == name),
        sa.select(_teams.c.id).where(_teams.c.name == name),
    )
    return connection.execute(in_use).first() is not None


def teams_of(connection: sa.Connection, user: User) -> list[str]:
    """List the teams that a user belongs to, by name."""
    query = (
        sa.select(_teams.c.name)
        .join(_members, _members.c.team_id == _teams.c.id)
        .where(_members.c.user_id == user.id)
        .order_by(_teams.c.name)
    )
    return list(connection.execute(query).scalars())


def known_to(connection: sa.Connection, user: User) -> list[User]:
    """List the people whom a user may know of, by name: those of their teams, and themselves.

    The server's admins know everybody who was not removed.
    """
    query = sa.select(_users).where(_users.c.key_hash.is_not(None)).order_by(_users.c.name)
    if not user.admin:
        own = sa.select(_members.c.team_id).where(_members.c.user_id == user.id)
        fellows = sa.select(_members.c.user_id).where(_members.c.team_id.in_(own))
        query = query.where(sa.or_(_users.c.id == user.id, _users.c.id.in_(fellows)))
    return many(User, connection.execute(query))


def entities_of(connection: sa.Connection, user: User) -> list[str]:
    """List the entities that a user may see: their own first, then the others by name."""
    if not user.admin:
        return [user.name, *teams_of(connection, user)]
    both = sa.union(sa.select(_users.c.name), sa.select(_teams.c.name))
    others = sorted(set(connection.execute(both).scalars()) - {user.name})
    return [user.name, *others]
