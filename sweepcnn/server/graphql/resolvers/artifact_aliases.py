"""Aliases of versions, in the sequence they were made in and where they were linked."""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa

from sweepcnn.server import artifact_names
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.resolvers.artifact_lookup import find_artifact
from sweepcnn.storage import artifact_aliases, artifact_collections, artifact_members
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifacts import Artifact


def _add(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact = find_artifact(request, input["artifactID"], role=Role.VIEWER)
    with request.write() as writing:
        for place, names in _by_collection(request, writing, artifact, input["aliases"]).items():
            checked = artifact_names.check_aliases(names)
            artifact_aliases.put(writing, place, artifact.id, checked)
    return {"success": True}


def _remove(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact = find_artifact(request, input["artifactID"], role=Role.VIEWER)
    with request.write() as writing:
        for place, names in _by_collection(request, writing, artifact, input["aliases"]).items():
            artifact_aliases.remove(writing, place, artifact.id, names)
    return {"success": True}


def _by_collection(
    request: Request, writing: sa.Connection, artifact: Artifact, given: list[dict[str, Any]]
) -> dict[int, list[str]]:
    """Give the aliases by the row ids of the collections that they are for.

    Raises:
        ApiError: the user may not change one of them, or the artifact is not in it.
    """
    names: dict[int, list[str]] = defaultdict(list)
    own = artifact_collections.by_id(writing, artifact.collection_id)
    for alias in given:
        if alias.get("entityName") and alias.get("projectName"):
            where = (alias["entityName"], alias["projectName"])
            project = request.project(writing, *where, role=Role.MEMBER)
        else:
            project = request.check_access(writing, own.project_id, "artifact", role=Role.MEMBER)
        name = alias["artifactCollectionName"]
        found = artifact_collections.get(writing, project.id, name)
        if found is None or not artifact_members.of(writing, found, artifact.id):
            raise ApiError(f"the artifact is not in collection {name[:200]!r}; link it there", 400)
        names[found.id].append(alias["alias"])
    return names


RESOLVERS = {"Mutation": {"addAliases": _add, "deleteAliases": _remove}}
