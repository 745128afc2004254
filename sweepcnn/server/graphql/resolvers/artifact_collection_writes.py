"""Collections of artifacts: renaming, describing, tagging and deleting them."""

import json
from typing import Any

from sweepcnn.server import artifact_names
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.resolvers.artifact_collections import Deleted
from sweepcnn.server.graphql.resolvers.artifact_lookup import find_collection
from sweepcnn.server.graphql.resolvers.artifacts import tags
from sweepcnn.storage import artifact_collections
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifact_collections import PORTFOLIO, SEQUENCE, Collection

_IDS = {SEQUENCE: "artifactSequenceID", PORTFOLIO: "artifactPortfolioID"}


def _found(request: Request, given: dict[str, Any], kind: str) -> Collection:
    found = find_collection(request, given[_IDS[kind]], role=Role.MEMBER)
    if found.kind != kind:
        raise ApiError(f"collection {found.name!r} is a {found.kind}, not a {kind}", 400)
    return found


def _update(kind: str) -> Any:
    def resolve(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
        request: Request = info.context
        found = _found(request, input, kind)
        values = {}
        if input.get("description") is not None:
            values["description"] = input["description"]
        name = input.get("name")
        if name and name != found.name:
            artifact_names.check_collection(name)
            values["name"] = name
        with request.write() as writing:
            taken = values.get("name")
            if taken and artifact_collections.get(writing, found.project_id, taken):
                raise ApiError(f"artifact {name!r} exists already; choose another name", 400)
            artifact_collections.update(writing, found.id, **values)
        return _answer(request, found)

    return resolve


def _answer(request: Request, found: Collection) -> dict[str, Collection]:
    return {"artifactCollection": artifact_collections.by_id(request.connection, found.id)}


def _move(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    found = _found(request, input, SEQUENCE)
    type_ = input["destinationArtifactTypeName"]
    artifact_names.check_type(type_)
    with request.write() as writing:
        artifact_collections.update(writing, found.id, type=type_)
    return _answer(request, found)


def _delete(kind: str) -> Any:
    def resolve(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
        request: Request = info.context
        found = _found(request, input, kind)
        with request.write() as writing:
            artifact_collections.delete(writing, found.id)
        return {"artifactCollection": Deleted(**vars(found))}

    return resolve


def _change_tags(info: Info, given: dict[str, Any], *, add: bool) -> list[str]:
    request: Request = info.context
    names = {tag["tagName"] for tag in given["tags"]}
    with request.write() as writing:
        where = (given["entityName"], given["projectName"])
        project = request.project(writing, *where, role=Role.MEMBER)
        name = given["artifactCollectionName"]
        found = artifact_collections.get(writing, project.id, name)
        if found is None:
            raise ApiError(f"artifact collection {name[:200]!r} not found", 404)
        before = set(json.loads(found.tags))
        after = artifact_names.check_tags(before | names if add else before - names)
        artifact_collections.update(writing, found.id, tags=json.dumps(after))
    return after


def _add_tags(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    return {"tags": tags(json.dumps(_change_tags(info, input, add=True)))}


def _delete_tags(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    _change_tags(info, input, add=False)
    return {"success": True}


RESOLVERS = {
    "Mutation": {
        "updateArtifactSequence": _update(SEQUENCE),
        "updateArtifactPortfolio": _update(PORTFOLIO),
        "moveArtifactSequence": _move,
        "deleteArtifactSequence": _delete(SEQUENCE),
        "deleteArtifactPortfolio": _delete(PORTFOLIO),
        "createArtifactCollectionTagAssignments": _add_tags,
        "deleteArtifactCollectionTagAssignments": _delete_tags,
    },
}
