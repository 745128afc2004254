"""Links: versions as members of portfolios, in other projects of their entity."""

from typing import Any

import sqlalchemy as sa

from sweepcnn.server import artifact_names, ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.resolvers.artifact_lookup import (
    find_artifact,
    find_collection,
    still_there,
)
from sweepcnn.storage import artifact_collections, artifact_members, artifacts, projects
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifact_collections import PORTFOLIO, Collection
from sweepcnn.storage.artifacts import COMMITTED, Artifact
from sweepcnn.storage.projects import Project

_MODELS = "model-registry"  # where run.link_model puts models, without making it first


def _link(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact = _meant(request, input)
    aliases = artifact_names.check_aliases(a["alias"] for a in input.get("aliases") or [])
    with request.write() as writing:
        artifact = still_there(writing, artifact)
        found = _portfolio(request, writing, artifact, input)
        member = artifact_members.link(writing, found, artifact, aliases)
    return {"versionIndex": member.version_index, "artifactMembership": member}


def _meant(request: Request, given: dict[str, Any]) -> Artifact:
    """Find the artifact to link by its id or by the one that the client gave it."""
    wire_id = given.get("artifactID")
    if not wire_id:
        found = artifacts.by_client_id(request.connection, given.get("clientID") or "")
        wire_id = ids.encode("Artifact", found.id if found else 0)
    artifact = find_artifact(request, wire_id, role=Role.VIEWER)
    if artifact.state != COMMITTED:
        raise ApiError("the artifact is not complete yet; link it when it is logged", 400)
    return artifact


def _portfolio(
    request: Request, writing: sa.Connection, artifact: Artifact, given: dict[str, Any]
) -> Collection:
    """Give the portfolio that is meant, made now if it is new.

    Raises:
        ApiError: the user may not change it, it is no portfolio, or the artifact does not fit.
    """
    source = artifact_collections.by_id(writing, artifact.collection_id)
    if given.get("artifactPortfolioID"):
        found = find_collection(request, given["artifactPortfolioID"], role=Role.MEMBER)
        project = projects.by_id(writing, found.project_id)
    else:
        project = _project(request, writing, given)
        name = given.get("artifactPortfolioName") or ""
        artifact_names.check_collection(name)
        made = (project.id, source.type, name, PORTFOLIO)
        found = artifact_collections.get_or_create(writing, *made)
    # Whoever may see the portfolio may see what is in it, so that it cannot come from elsewhere.
    entity = projects.by_id(writing, source.project_id).entity
    if project.entity != entity:
        rule = f"links stay within the entity of the artifact, {entity!r}"
        raise ApiError(f"entity {project.entity!r}: {rule}; log it there instead", 400)
    if found.kind != PORTFOLIO:
        raise ApiError(f"collection {found.name!r} is of versions logged there: name another", 400)
    if found.type != source.type:
        rule = f"is of type {found.type!r}, the artifact of {source.type!r}"
        raise ApiError(f"collection {found.name!r} {rule}; name another", 400)
    return found


def _project(request: Request, writing: sa.Connection, given: dict[str, Any]) -> Project:
    name = given.get("projectName") or ""
    artifact_names.refuse_registry(name)
    if name == _MODELS:
        owner = request.entity(writing, given.get("entityName"), role=Role.MEMBER)
        return projects.get_or_create(writing, owner, name)[0]
    return request.project(writing, given.get("entityName"), name, role=Role.MEMBER)


def _unlink(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    found = find_collection(request, input["artifactPortfolioID"], role=Role.MEMBER)
    artifact = find_artifact(request, input["artifactID"], role=Role.VIEWER)
    if found.kind != PORTFOLIO:
        raise ApiError(f"{found.name!r} is where the artifact was logged; delete it instead", 400)
    with request.write() as writing:
        if not artifact_members.of(writing, found, artifact.id):
            raise ApiError(f"the artifact is not linked to {found.name!r}", 404)
        artifact_members.unlink(writing, found, artifact.id)
    return {"artifactID": input["artifactID"], "success": True}


RESOLVERS = {"Mutation": {"linkArtifact": _link, "unlinkArtifact": _unlink}}
