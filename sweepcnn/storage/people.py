"""Who belongs to the server: adding people and teams under names of their own."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.errors import InputError, Problem
from sweepcnn.storage import access, names, teams, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.teams import Team
from sweepcnn.storage.users import User


@dataclass(frozen=True)
class Enrolled:
    """A user as they stand now."""

    name: str
    admin: bool
    key: str | None
    """The key that was set; null where the user keeps theirs, which nobody knows but they."""
    added: bool
    """Whether the user is new, or was removed before."""


def new_key() -> str:
    """Make an API key: 160 random bits in the 40 characters that every version of the client takes.

    `wandb login` of 0.19 takes no other length.
    """
    return secrets.token_hex(20)


def enrol(
    connection: sa.Connection, name: str, *, key: str | None = None, admin: bool = False
) -> Enrolled:
    """Add a user, or give one who is there another key or the standing of an admin.

    Args:
        connection: a writing transaction.
        name: of the user and of their own entity.
        key: an API key of theirs; null makes one for whoever is new.
        admin: makes the user an admin of the server; nobody is demoted.

    Raises:
        InputError: the name or the key is no good, belongs to another, or there is nothing to do.
    """
    if key is not None:
        names.check_key(key)
    found = users.by_name(connection, name)
    if found is not None and found.key_hash is not None:
        return _change(connection, found, key, admin=admin)
    key = key or new_key()
    _check_key_is_free(connection, key)
    if found is not None:
        users.update(connection, found.id, key=key, admin=admin)
    else:
        names.check_name("user", name)
        _check_name_is_free(connection, name)
        users.add(connection, name, key, admin=admin)
    return Enrolled(name, admin, key, added=True)


def _change(connection: sa.Connection, user: User, key: str | None, *, admin: bool) -> Enrolled:
    promoted = admin and not user.admin
    if key is None and not promoted:
        remedy = "give --key KEY to set another key, or choose another name"
        raise InputError(Problem(f"user {user.name}", "is there already", remedy))
    if key is not None:
        _check_key_is_free(connection, key, but=user)
    users.update(connection, user.id, key=key, admin=True if promoted else None)
    return Enrolled(user.name, user.admin or promoted, key, added=False)


def _check_key_is_free(connection: sa.Connection, key: str, but: User | None = None) -> None:
    owner = users.by_key(connection, key)
    if owner is not None and (but is None or owner.id != but.id):
        raise InputError(Problem("the key", "is another user's", "choose another one"))


def _check_name_is_free(connection: sa.Connection, name: str) -> None:
    if access.is_entity(connection, name):
        rule = "is the name of a user or a team"
        raise InputError(Problem(name, rule, "users and teams need names of their own"))


def dismiss(connection: sa.Connection, name: str) -> None:
    """Remove a user: their key and memberships are void at once, what they made stays.

    Raises:
        InputError: there is no such user.
    """
    users.remove(connection, _user(connection, name).id)


def _user(connection: sa.Connection, name: str) -> User:
    found = users.by_name(connection, name)
    if found is None or found.key_hash is None:
        remedy = "see `sweepcnn user list`, or add them by `sweepcnn user add`"
        raise InputError(Problem(f"user {name}", "is not known here", remedy))
    return found


def gather(connection: sa.Connection, team: str, members: Mapping[str, Role | None]) -> bool:
    """Make a team, or take people into one that is there; tells whether it is new.

    Args:
        connection: a writing transaction.
        team: its name.
        members: names with roles; null is a member's, and leaves the role of who has one.

    Raises:
        InputError: the name is no good or belongs to a user, or a user is not known.
    """
    people = {name: _user(connection, name) for name in members}
    found = teams.by_name(connection, team)
    if found is None:
        names.check_name("team", team)
        _check_name_is_free(connection, team)
        team_id = teams.add(connection, team)
    else:
        team_id = found.id
    standing = {user.name for user, _ in teams.members(connection, team_id)}
    for name, role in members.items():
        if role is not None or name not in standing:
            teams.set_member(connection, team_id, people[name].id, role or Role.MEMBER)
    return found is None


def part(connection: sa.Connection, team: str, members: Sequence[str]) -> None:
    """Take people out of a team.

    Raises:
        InputError: there is no such team, or one of them is not in it.
    """
    found = _team(connection, team)
    standing = {user.name: user.id for user, _ in teams.members(connection, found.id)}
    for name in members:
        if name not in standing:
            remedy = "see `sweepcnn team list`"
            raise InputError(Problem(f"user {name}", f"is not in team {team}", remedy))
        teams.remove_member(connection, found.id, standing[name])


def _team(connection: sa.Connection, name: str) -> Team:
    found = teams.by_name(connection, name)
    if found is None:
        rule, remedy = "is not known here", "see `sweepcnn team list`"
        raise InputError(Problem(f"team {name}", rule, remedy))
    return found
