"""Artifacts: making, using, changing and deleting versions.

The order on the wire: createArtifact, createArtifactManifest, createArtifactFiles in batches, the
blobs, the manifest, commitArtifact.
"""

import json
from typing import Any

import sqlalchemy as sa

from sweepcnn.server import artifact_names, documents
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.resolvers.artifact_lookup import find_artifact, still_there
from sweepcnn.server.graphql.resolvers.artifacts import ttl_s
from sweepcnn.server.graphql.resolvers.files import find_run
from sweepcnn.storage import artifact_aliases, artifact_collections, artifacts, runs
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifact_aliases import LATEST
from sweepcnn.storage.artifact_collections import SEQUENCE, Collection
from sweepcnn.storage.artifacts import COMMITTED, PENDING, Artifact


def _create(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact_names.refuse_registry(input["projectName"])
    name, type_ = _collection_name(input), input["artifactTypeName"]
    artifact_names.check_type(type_)
    aliases = artifact_names.check_aliases(a["alias"] for a in input.get("aliases") or [])
    tags = artifact_names.check_tags(tag["tagName"] for tag in input.get("tags") or [])
    _check_keys(input)
    with request.write() as writing:
        project = request.project(
            writing, input["entityName"], input["projectName"], role=Role.MEMBER
        )
        run = runs.get(writing, project.id, input["runName"]) if input.get("runName") else None
        found = artifact_collections.get_or_create(writing, project.id, type_, name)
        _check_fits(found, type_)
        artifact = _known(writing, found.id, input)
        if artifact is None:
            made_by = {"user_id": request.user.id, "run_id": run.id if run else None}
            artifact = _add(writing, found.id, input, made_by)
        _name(writing, artifact, aliases, tags)
        if run:
            artifacts.link_run(writing, run.id, artifact.id, "output")
    return {"artifact": artifacts.by_id(request.connection, artifact.id)}


def _collection_name(given: dict[str, Any]) -> str:
    names = given.get("artifactCollectionNames") or [given.get("artifactCollectionName") or ""]
    if len(names) > 1:
        raise ApiError(f"{len(names)} collections for one artifact: name one", 400)
    artifact_names.check_collection(names[0])
    return str(names[0])


def _check_keys(given: dict[str, Any]) -> None:
    for key in ("digest", "clientID", "distributedID"):
        artifact_names.check_key(key, given.get(key) or "")
    if given.get("metadata"):
        documents.read_object(given["metadata"], "metadata")


def _check_fits(found: Collection, type_: str) -> None:
    if found.kind != SEQUENCE:
        rule = "is a collection of linked versions; log under another name"
        raise ApiError(f"artifact {found.name!r} {rule}", 400)
    if found.type != type_:
        raise ApiError(f"artifact {found.name!r} has type {found.type!r}, not {type_!r}", 400)


def _known(writing: sa.Connection, collection_id: int, given: dict[str, Any]) -> Artifact | None:
    """Find the artifact that is meant again: the same request, draft or content."""
    if given.get("clientID"):
        found = artifacts.by_client_id(writing, given["clientID"])
        if found and found.collection_id == collection_id:
            return found
    if given.get("distributedID"):  # the digest is of what one of several writers brings
        return artifacts.draft(writing, collection_id, given["distributedID"])
    if given.get("enableDigestDeduplication"):
        return artifacts.by_digest(writing, collection_id, given["digest"])
    return None


def _add(
    writing: sa.Connection, collection_id: int, given: dict[str, Any], made_by: dict[str, Any]
) -> Artifact:
    return artifacts.add(
        writing,
        collection_id=collection_id,
        digest=given["digest"],
        description=given.get("description"),
        metadata=given.get("metadata"),
        aliases="[]",
        tags="[]",
        client_id=given.get("clientID"),
        distributed_id=given.get("distributedID"),
        history_step=given.get("historyStep"),
        **ttl_s(given.get("ttlDurationSeconds")),
        **made_by,
    )


def _name(writing: sa.Connection, artifact: Artifact, aliases: list[str], tags: list[str]) -> None:
    """Add aliases and tags: to a version at once, to a draft with its commit."""
    both = artifact_names.check_tags([*json.loads(artifact.tags), *tags])
    values = {"tags": json.dumps(both)}
    if artifact.state == PENDING:
        values["aliases"] = json.dumps(sorted({*json.loads(artifact.aliases), *aliases}))
    else:
        names = [LATEST, *aliases]
        artifact_aliases.put(writing, artifact.collection_id, artifact.id, names)
    artifacts.update(writing, artifact.id, **values)


def _use(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact = find_artifact(request, input["artifactID"], role=Role.VIEWER)
    run = find_run(request, input, role=Role.MEMBER)
    with request.write() as writing:
        artifacts.link_run(writing, run.id, artifact.id, "input")
    return {"artifact": artifact}


def _update(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact = find_artifact(request, input["artifactID"], role=Role.MEMBER)
    values: dict[str, Any] = ttl_s(input.get("ttlDurationSeconds"))
    if input.get("description") is not None:
        values["description"] = input["description"]
    if input.get("metadata") is not None:
        documents.read_object(input["metadata"], "metadata")
        values["metadata"] = input["metadata"]
    added, removed = (
        {tag["tagName"] for tag in input.get(key) or []} for key in ("tagsToAdd", "tagsToDelete")
    )
    with request.write() as writing:
        artifact = still_there(writing, artifact)
        before = set(json.loads(artifact.tags))
        values["tags"] = json.dumps(artifact_names.check_tags(before - removed | added))
        artifacts.update(writing, artifact.id, **values)
        if input.get("aliases") is not None:
            _replace_aliases(writing, artifact, input["aliases"])
    return {"artifact": artifacts.by_id(request.connection, artifact.id)}


def _replace_aliases(
    writing: sa.Connection, artifact: Artifact, given: list[dict[str, Any]]
) -> None:
    """Give a version these aliases and no others.

    Raises:
        ApiError: one is for another collection.
    """
    own = artifact_collections.by_id(writing, artifact.collection_id)
    other = [a["artifactCollectionName"] for a in given if a["artifactCollectionName"] != own.name]
    if other:
        raise ApiError(f"{other[0]!r} is not the artifact's collection; link it there", 400)
    place = (own.id, artifact.id)
    names = artifact_names.check_aliases(alias["alias"] for alias in given)
    if artifact.state != COMMITTED:  # a draft gets them with its commit
        artifacts.update(writing, artifact.id, aliases=json.dumps(names))
        return
    before = artifact_aliases.of_version(writing, *place)
    artifact_aliases.remove(writing, *place, set(before) - set(names))
    artifact_aliases.put(writing, *place, names)


def _delete(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact = find_artifact(request, input["artifactID"], role=Role.MEMBER)
    with request.write() as writing:
        aliases = sorted({name for _, name in artifact_aliases.of_artifact(writing, artifact.id)})
        if aliases and not input.get("deleteAliases"):
            own = artifact_collections.by_id(writing, artifact.collection_id)
            name = f"{own.name}:v{artifact.version_index}"
            rule = f"has existing aliases: {', '.join(aliases)}"
            raise ApiError(f"artifact {name!r} {rule}; delete it with delete_aliases=True", 400)
        artifacts.delete(writing, artifact)
    return {"artifact": artifacts.by_id(request.connection, artifact.id)}


def check_open(artifact: Artifact) -> None:
    """Check that an artifact may still be filled.

    Raises:
        ApiError: it is committed.
    """
    if artifact.state == COMMITTED:
        raise ApiError("the artifact is committed and stays as it is; log a new version", 400)


RESOLVERS = {
    "Mutation": {
        "createArtifact": _create,
        "useArtifact": _use,
        "updateArtifact": _update,
        "deleteArtifact": _delete,
    },
}
