"""Teams and their members."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.errors import InputError
from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.resolvers.accounts import Entity, entity, refuse
from sweepcnn.storage import teams, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.names import check_name
from sweepcnn.storage.teams import Team
from sweepcnn.storage.users import User


@dataclass(frozen=True)
class _Member:
    user: User
    role: Role


def _members(found: Entity, info: Info) -> list[_Member]:
    if not found.visible:
        return []
    reading = info.context.connection
    team = teams.by_name(reading, found.name)
    return [_Member(*pair) for pair in teams.members(reading, team.id)] if team else []


def _create(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
    request: Request = info.context
    if not request.user.admin:
        raise ApiError("teams are made by the admins of this server; ask one", 403)
    name = input["teamName"]
    try:
        check_name("team", name)
    except InputError as error:
        raise ApiError(str(error), 400) from None
    with request.write() as writing:
        if users.by_name(writing, name) or teams.by_name(writing, name):
            raise ApiError(f"{name!r} is the name of another user or team", 400)
        admin = _user(writing, input.get("teamAdminUserName") or request.user.name)
        teams.set_member(writing, teams.add(writing, name), admin.id, Role.ADMIN)
    return {"entity": entity(name)}


def _user(reading: sa.Connection, name: str) -> User:
    """Find a user by name or e-mail address.

    Raises:
        ApiError: there is none.
    """
    for user in users.all_active(reading):
        if name in (user.name, user.email):
            return user
    raise ApiError(f"user {name!r} not found; an admin of the server adds people", 404)


def _invite(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
    request: Request = info.context
    role = Role.ADMIN if input.get("admin") else Role.MEMBER
    with request.write() as writing:
        team = _team(request, writing, input["entityName"])
        user = _user(writing, input.get("username") or input.get("email") or "")
        if user in [member for member, _ in teams.members(writing, team.id)]:
            rule = f"{user.name!r} is in team {team.name!r} already"
            remedy = f"for another role, run `sweepcnn team add {team.name} --member NAME:ROLE`"
            raise ApiError(f"{rule}; {remedy}", 400)
        teams.set_member(writing, team.id, user.id, role)
    wire_id = ids.encode(f"Invite-{team.id}", user.id)
    return {"invite": {"id": wire_id, "name": user.name, "email": user.email, "toUser": user}}


def _expel(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:  # noqa: A002
    request: Request = info.context
    with request.write() as writing:
        team = _team(request, writing, input.get("entityName") or "")
        user_id = ids.decode("Member", input.get("id") or "")
        if user_id not in [member.id for member, _ in teams.members(writing, team.id)]:
            raise ApiError(f"no such member of team {team.name!r}", 404)
        teams.remove_member(writing, team.id, user_id)
    return {"success": True}


def _team(request: Request, reading: sa.Connection, name: str) -> Team:
    """Find a team whose admin the user is.

    Raises:
        ApiError: there is none.
    """
    found = teams.by_name(reading, request.entity(reading, name, role=Role.ADMIN))
    if found is None:
        raise ApiError(f"{name!r} is a person, not a team", 400)
    return found


RESOLVERS = {
    "Mutation": {
        "createTeam": _create,
        "createInvite": _invite,
        "deleteInvite": _expel,
        "createServiceAccount": refuse(
            "service accounts are not served", "add a user for it by `sweepcnn user add NAME`"
        ),
    },
    "Entity": {"members": _members},
    "Member": {
        "id": lambda member, _: ids.encode("Member", member.user.id),
        "admin": lambda member, _: member.role is Role.ADMIN,
        "pending": lambda *_: False,
        "email": lambda member, _: member.user.email,
        "username": lambda member, _: member.user.name,
        "name": lambda member, _: member.user.name,
        "accountType": lambda member, _: member.role.name,
    },
}
