"""Who is logged in, whom they know, and what the server can do."""

import json
from dataclasses import dataclass
from typing import Any

from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.storage import access, projects, teams
from sweepcnn.storage.users import User

# Only what works: the client believes it.
_FEATURES = (
    "LARGE_FILENAMES",
    "ARTIFACT_TAGS",
    "CLIENT_IDS",
    "STRUCTURED_CONSOLE_LOGS",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILES",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILE_DOWNLOAD_HANDLER",
    "ARTIFACT_COLLECTIONS_FILTERING_SORTING",
    "ARTIFACT_MEMBERSHIP_IN_LINK_ARTIFACT_RESPONSE",
    "ARTIFACT_V2_DOWNLOAD_HANDLER_SUPPORTS_ARTIFACT_ID",
    "USE_ARTIFACT_WITH_ENTITY_AND_PROJECT_INFORMATION",
    "PROJECT_ARTIFACT_COLLECTION_MEMBERSHIP",
    "TOTAL_COUNT_IN_FILE_CONNECTION",
    "MARK_RUN_FILES_UPLOADED",
    "SWEEPS_QUERY_FILTERING",
)
_LIKE_VERSION = "0.80.0"  # of W&B's own server; the client warns of older ones


def _server_info(_root: Any, _info: Info) -> dict[str, Any]:
    return {
        "features": [{"name": name, "isEnabled": True} for name in _FEATURES],
        "cliVersionInfo": {"max_cli_version": "99.0.0", "min_cli_version": "0.19.0"},
        "latestLocalVersionInfo": {
            "outOfDate": False,
            "latestVersionString": _LIKE_VERSION,
            "versionOnThisInstanceString": _LIKE_VERSION,
        },
    }


@dataclass(frozen=True)
class Entity:
    """The owner of projects: a user or a team."""

    name: str
    visible: bool = True
    """Whether the user may see it; false also for a name that nobody has."""


def entity(name: str) -> Entity:
    """Describe an entity that the user may see."""
    return Entity(name)


def _entity(_root: Any, info: Info, name: str) -> Entity:
    request: Request = info.context
    return Entity(name, access.role_in(request.connection, request.user, name) is not None)


def is_team(found: Entity, info: Info) -> bool:
    """Tell whether an entity is a team that the user may see."""
    return found.visible and teams.by_name(info.context.connection, found.name) is not None


def _storage_bytes(found: Entity, info: Info) -> int:
    return projects.size_of_entity(info.context.connection, found.name) if found.visible else 0


def _users(_root: Any, info: Info, query: str | None = None) -> dict[str, Any]:
    """Find people by the beginning or the end of their name or e-mail address."""
    request: Request = info.context
    text = query or ""
    found = [
        user
        for user in access.known_to(request.connection, request.user)
        if any(part.startswith(text) or part.endswith(text) for part in (user.name, user.email))
    ]
    found.sort(key=lambda user: text not in (user.name, user.email))  # the client takes the first
    return {"edges": [{"node": user} for user in found]}


def _teams(user: User, info: Info) -> dict[str, Any]:
    """List a user's entities, of which nobody learns more than they may see."""
    request: Request = info.context
    names = [user.name, *access.teams_of(request.connection, user)]
    if user.id != request.user.id:
        seen = set(access.entities_of(request.connection, request.user))
        names = [name for name in names if name in seen]
    return {"edges": [{"node": entity(name)} for name in names]}


def _api_keys(user: User, info: Info) -> dict[str, Any]:
    """Name a user's key, to themselves and the server's admins; the key itself is not kept."""
    request: Request = info.context
    if user.key_hash is None or not (request.user.admin or user.id == request.user.id):
        return {"edges": []}
    name = f"SHA-256 {user.key_hash[:8]}..."
    return {"edges": [{"node": {"id": ids.encode("ApiKey", user.id), "name": name}}]}


def refuse(rule: str, remedy: str) -> Any:
    """Make a resolver for what the command line does instead."""

    def resolve(_root: Any, _info: Info, **_arguments: Any) -> None:
        raise ApiError(f"{rule}; {remedy}", 400)

    return resolve


_BY_COMMAND = "run `sweepcnn user add NAME --key KEY` where the server runs"

RESOLVERS = {
    "Query": {
        "viewer": lambda _root, info: info.context.user,
        "serverInfo": _server_info,
        "entity": _entity,
        "users": _users,
    },
    "Mutation": {
        "createUser": refuse("users are not made over the network", _BY_COMMAND),
        "generateApiKey": refuse("a user has one key, which is not changed so", _BY_COMMAND),
        "deleteApiKey": refuse("a user has one key, which is not deleted so", _BY_COMMAND),
    },
    "User": {
        "id": lambda user, _: ids.encode("User", user.id),
        "username": lambda user, _: user.name,
        "entity": lambda user, _: user.name,
        "flags": lambda *_: json.dumps({"code_saving_enabled": True}),
        "apiKeys": _api_keys,
        "teams": _teams,
    },
    "Entity": {
        "id": lambda found, _: ids.encode(f"Entity-{found.name}", 0),
        "available": lambda found, _: not found.visible,  # to the client: "no such entity"
        "isTeam": is_team,
        "entityType": lambda found, info: "team" if is_team(found, info) else "user",
        "readOnly": lambda *_: False,
        "readOnlyAdmin": lambda *_: False,
        "privateOnly": lambda *_: True,
        "storageBytes": _storage_bytes,
        "codeSavingEnabled": lambda *_: True,
        "defaultAccess": lambda *_: "PRIVATE",
    },
    # Clients before 0.23 fail without an answer, even where there is nothing to say.
    "UpsertBucketPayload": {"serverSettings": lambda *_: {"serverMessages": []}},
}
