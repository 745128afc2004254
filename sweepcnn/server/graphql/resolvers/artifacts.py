"""Artifacts: reading versions back, and which runs made and used them."""

import json
from typing import Any

from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.graphql.paging import connection, read_page
from sweepcnn.server.graphql.resolvers.artifact_lookup import find_artifact, visible_entities
from sweepcnn.storage import (
    artifact_aliases,
    artifact_collections,
    artifact_members,
    artifacts,
    runs,
    users,
)
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifact_collections import Collection
from sweepcnn.storage.artifacts import Artifact
from sweepcnn.storage.runs import Run

_INHERITS, _NEVER = -1, -2  # for what they are as a time to live


def _client_id_mapping(
    _root: Any,
    info: Info,
    clientID: str,  # noqa: N803
) -> dict[str, Any] | None:
    request: Request = info.context
    found = artifacts.by_client_id(request.connection, clientID)
    if found is None:
        return None
    place = artifact_collections.by_id(request.connection, found.collection_id)
    if not request.sees(request.connection, place.project_id):
        return None
    return {"serverID": ids.encode("Artifact", found.id)}


def creator_type(value: Any, *_: Any) -> str:
    """Tell which type of the union made an artifact."""
    return "Run" if isinstance(value, Run) else "User"


def _sequence(artifact: Artifact, info: Info) -> Collection:
    return artifact_collections.by_id(info.context.connection, artifact.collection_id)


def _aliases(artifact: Artifact, info: Info) -> list[dict[str, Any]]:
    """Give its aliases in all collections; the client picks those of the one it asked for."""
    reading = info.context.connection
    return [
        alias(artifact_collections.by_id(reading, place), name)
        for place, name in artifact_aliases.of_artifact(reading, artifact.id)
    ]


def alias(found: Collection, name: str) -> dict[str, Any]:
    """Describe an alias."""
    wire_id = ids.encode(f"Alias-{found.id}-{name}", 0)
    return {"id": wire_id, "alias": name, "artifactCollection": found}


def tags(text: str) -> list[dict[str, Any]]:
    """Describe tags that are kept as a JSON list."""
    return [{"id": ids.encode(f"Tag-{name}", 0), "name": name} for name in json.loads(text)]


def _memberships(artifact: Artifact, info: Info) -> dict[str, Any]:
    return connection(artifact_members.everywhere(info.context.connection, artifact))


def _ttl(artifact: Artifact, _info: Info) -> int:
    return _INHERITS if artifact.ttl_s is None else artifact.ttl_s or _NEVER


def ttl_s(given: int | None) -> dict[str, int | None]:
    """Give the column that a time to live of the client's means; none where it gives none."""
    if given is None:
        return {}
    return {"ttl_s": None if given == _INHERITS else max(given, 0)}


def _created_by(artifact: Artifact, info: Info) -> Run | users.User | None:
    reading = info.context.connection
    if artifact.run_id is not None:
        return runs.by_id(reading, artifact.run_id)
    return users.by_id(reading, artifact.user_id)


def _used_by(artifact: Artifact, info: Info) -> dict[str, Any]:
    request: Request = info.context
    entities = visible_entities(request)
    return connection(artifacts.users_of(request.connection, artifact.id, entities))


def _of_run(direction: str) -> Any:
    def resolve(run: Run, info: Info, **arguments: Any) -> dict[str, Any]:
        request: Request = info.context
        where = (request.connection, run.id, direction, visible_entities(request))

        def read(limit: int, offset: int) -> list[Artifact]:
            return artifacts.of_run(*where, limit=limit, offset=offset)

        page = read_page(read, arguments, _version)
        return page | {"totalCount": artifacts.count_of_run(*where)}

    return resolve


def _version(artifact: Artifact) -> dict[str, Any]:
    return {"version": f"v{artifact.version_index}"}


RESOLVERS = {
    "Query": {
        "artifact": lambda _root, info, id: find_artifact(info.context, id, role=Role.VIEWER),  # noqa: A006
        "clientIDMapping": _client_id_mapping,
    },
    "Artifact": {
        "id": lambda artifact, _: ids.encode("Artifact", artifact.id),
        "artifactSequence": _sequence,
        "artifactMemberships": _memberships,
        "digestAlgorithm": lambda *_: "MANIFEST_MD5",
        "commitHash": lambda artifact, _: artifact.digest,
        "aliases": _aliases,
        "tags": lambda artifact, _: tags(artifact.tags),
        "ttlDurationSeconds": _ttl,
        "ttlIsInherited": lambda artifact, _: artifact.ttl_s is None,
        "createdBy": _created_by,
        "usedBy": _used_by,
    },
    "Run": {"outputArtifacts": _of_run("output"), "inputArtifacts": _of_run("input")},
}
