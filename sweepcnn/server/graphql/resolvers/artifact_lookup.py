"""Finding artifacts and their collections, by id and by name, for those who may know of them."""

import sqlalchemy as sa

from sweepcnn.server import ids
from sweepcnn.server.context import Request
from sweepcnn.server.errors import ApiError
from sweepcnn.storage import (
    access,
    artifact_aliases,
    artifact_collections,
    artifact_members,
    artifacts,
)
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifact_collections import Collection
from sweepcnn.storage.artifact_members import Member
from sweepcnn.storage.artifacts import Artifact


def find_artifact(request: Request, wire_id: str, *, role: Role) -> Artifact:
    """Find an artifact of an entity in which the user has a role.

    Raises:
        ApiError: there is none, or it was deleted.
    """
    found = artifacts.get(request.connection, ids.decode("Artifact", wire_id))
    if found is None:
        raise ApiError("artifact not found", 404)
    place = artifact_collections.by_id(request.connection, found.collection_id)
    request.check_access(request.connection, place.project_id, "artifact", role=role)
    if found.state == artifacts.DELETED:
        raise ApiError(f"version {found.version_index} of artifact {place.name!r} was deleted", 404)
    return found


def still_there(writing: sa.Connection, artifact: Artifact) -> Artifact:
    """Look at an artifact again, now that nobody else can change it.

    Raises:
        ApiError: it was deleted meanwhile.
    """
    found = artifacts.by_id(writing, artifact.id)
    if found.state == artifacts.DELETED:
        raise ApiError("the artifact was deleted just now", 404)
    return found


def find_collection(request: Request, wire_id: str, *, role: Role) -> Collection:
    """Find a collection of an entity in which the user has a role.

    Raises:
        ApiError: there is none.
    """
    found = artifact_collections.find(request.connection, ids.decode("Collection", wire_id))
    return request.owned(request.connection, found, "artifact collection", role=role)


def find_member(request: Request, project_id: int, name: str) -> Member | None:
    """Find a version by `collection:alias`; without an alias the latest is meant."""
    collection_name, _, alias = name.partition(":")
    found = artifact_collections.get(request.connection, project_id, collection_name)
    if found is None:
        return None
    return artifact_members.named(request.connection, found, alias or artifact_aliases.LATEST)


def visible_entities(request: Request) -> list[str]:
    """List the entities of which the user may know."""
    return access.entities_of(request.connection, request.user)


def storage_path(artifact_id: int, name: str) -> str:
    """Give the place of a file as the client wants to see it."""
    return f"wandb_artifacts/{artifact_id}/{name}"
