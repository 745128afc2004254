"""Who is logged in, and what the server can do."""

import json
from typing import Any

from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request

# Only what works: the client believes it.
_FEATURES = (
    "LARGE_FILENAMES",
    "ARTIFACT_TAGS",
    "CLIENT_IDS",
    "STRUCTURED_CONSOLE_LOGS",
    "ARTIFACT_COLLECTION_MEMBERSHIP_FILES",
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
        "cliVersionInfo": json.dumps({"max_cli_version": "99.0.0", "min_cli_version": "0.19.0"}),
        "latestLocalVersionInfo": {
            "outOfDate": False,
            "latestVersionString": _LIKE_VERSION,
            "versionOnThisInstanceString": _LIKE_VERSION,
        },
    }


def entity(name: str) -> dict[str, Any]:
    """Describe an entity that the user may see."""
    return {
        "id": ids.encode(f"Entity-{name}", 0),
        "name": name,
        "available": False,
        "isTeam": False,
        "entityType": "user",
        "organization": None,
    }


def _entity(_root: Any, info: Info, name: str) -> dict[str, Any]:
    request: Request = info.context
    if name == request.user.name:
        return entity(name)
    return entity(name) | {"available": True}  # the client takes this for "no such entity"


RESOLVERS = {
    "Query": {
        "viewer": lambda _root, info: info.context.user,
        "serverInfo": _server_info,
        "entity": _entity,
    },
    "User": {
        "id": lambda user, _: ids.encode("User", user.id),
        "username": lambda user, _: user.name,
        "entity": lambda user, _: user.name,
        "flags": lambda *_: json.dumps({"code_saving_enabled": True}),
        "apiKeys": lambda *_: {"edges": []},
        "teams": lambda user, _: {"edges": [{"node": entity(user.name)}]},
    },
}
