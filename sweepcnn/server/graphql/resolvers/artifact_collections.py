"""Collections of artifacts, their types, and the versions in them."""

from typing import Any

from sweepcnn.server import documents, filters, ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.paging import connection, read_page
from sweepcnn.server.graphql.resolvers.artifact_lookup import find_member
from sweepcnn.server.graphql.resolvers.artifacts import alias, tags
from sweepcnn.storage import artifact_aliases, artifact_collections, artifact_members, projects
from sweepcnn.storage.artifact_collections import PORTFOLIO, Collection
from sweepcnn.storage.artifact_fields import COLLECTIONS
from sweepcnn.storage.artifact_members import Member
from sweepcnn.storage.artifacts import Artifact
from sweepcnn.storage.filters import Every, Holds, OneOf
from sweepcnn.storage.projects import Project
from sweepcnn.storage.run_values import value
from sweepcnn.storage.selections import Selection

_NEWEST_FIRST = "-id"
_ORDERS = ("versionIndex", "version_index", "createdAt", "created_at")


class Deleted(Collection):
    """A collection that is no more, as it was."""


def collection_type(found: Collection, *_: Any) -> str:
    """Tell which type of the interface a collection is."""
    return "ArtifactPortfolio" if found.kind == PORTFOLIO else "ArtifactSequence"


# Of a project


def _collection_by_id(_root: Any, info: Info, id: str) -> Collection | None:  # noqa: A002
    request: Request = info.context
    found = artifact_collections.find(request.connection, ids.decode("Collection", id))
    return found if found and request.sees(request.connection, found.project_id) else None


def _by_name(project: Project, info: Info, name: str, **_unused: Any) -> Artifact | None:
    found = find_member(info.context, project.id, name)
    return found.artifact if found else None


def _membership(project: Project, info: Info, name: str) -> Member | None:
    return find_member(info.context, project.id, name)


def _collection(project: Project, info: Info, name: str) -> Collection | None:
    return artifact_collections.get(info.context.connection, project.id, name)


def _collections(project: Project, info: Info, **arguments: Any) -> dict[str, Any]:
    return _listed(info.context, project.id, None, arguments)


def _listed(
    request: Request, project_id: int, type_name: str | None, arguments: dict[str, Any]
) -> dict[str, Any]:
    kept = filters.read(arguments.get("filters"), COLLECTIONS)
    if type_name is not None:
        of_type = Holds(COLLECTIONS.find("type"), OneOf((value(type_name),)))
        kept = Every((of_type, kept))
    order = filters.read_order(arguments.get("order") or _NEWEST_FIRST, COLLECTIONS)
    selection = Selection(COLLECTIONS, project_id, kept, order)
    reading = request.connection

    def read(limit: int, offset: int) -> list[Collection]:
        return artifact_collections.by_ids(reading, selection.page(reading, offset, limit))

    return read_page(read, arguments) | {"totalCount": selection.count(reading)}


# Types: a type is there as long as a collection has it


def _types(project: Project, info: Info, **arguments: Any) -> dict[str, Any]:
    found = artifact_collections.types(info.context.connection, project.id)
    types = [_type(oldest) for oldest in found]
    return connection(types, arguments.get("first"), arguments.get("after"))


def _type_by_name(project: Project, info: Info, name: str) -> dict[str, Any] | None:
    found = artifact_collections.types(info.context.connection, project.id)
    return next((_type(oldest) for oldest in found if oldest.type == name), None)


def _type(oldest: Collection) -> dict[str, Any]:
    return {
        "id": ids.encode("ArtifactType", oldest.id),
        "name": oldest.type,
        "createdAt": oldest.created_at,
        "project_id": oldest.project_id,
    }


def _artifact_type(artifact: Artifact, info: Info) -> dict[str, Any]:
    return _type(artifact_collections.by_id(info.context.connection, artifact.collection_id))


def _type_collection(type_: dict[str, Any], info: Info, name: str) -> Collection | None:
    found = artifact_collections.get(info.context.connection, type_["project_id"], name)
    return found if found and found.type == type_["name"] else None


def _type_artifact(type_: dict[str, Any], info: Info, name: str) -> Artifact | None:
    found = find_member(info.context, type_["project_id"], name)
    return found.artifact if found and found.collection.type == type_["name"] else None


def _type_collections(type_: dict[str, Any], info: Info, **arguments: Any) -> dict[str, Any]:
    return _listed(info.context, type_["project_id"], type_["name"], arguments)


# Of a collection


def _versions(found: Collection, info: Info, **arguments: Any) -> dict[str, Any]:
    reading = info.context.connection
    order = arguments.get("order") or "-versionIndex"
    if order.lstrip("+-") not in _ORDERS:
        raise ApiError(f"order {order[:80]!r}: versions are ordered by {', '.join(_ORDERS)}", 400)
    if not _keeps_committed(arguments.get("filters")):
        return connection([])
    oldest_first = not order.startswith("-")

    def read(limit: int, offset: int) -> list[Member]:
        window = {"limit": limit, "offset": offset}
        return artifact_members.listed(reading, found, oldest_first=oldest_first, **window)

    page = read_page(read, arguments, _version)
    return page | {"totalCount": artifact_members.count(reading, found)}


def _version(member: Member) -> dict[str, Any]:
    """Give an edge: the version has a number of its own in each of its collections."""
    return {"node": member.artifact, "version": f"v{member.version_index}"}


def _keeps_committed(text: str | None) -> bool:
    """Tell whether a filter of versions, which is by their state, keeps the committed ones.

    Raises:
        ApiError: it is by something else.
    """
    given = documents.read(text or "{}", "filters") or {}
    if not isinstance(given, dict) or given.keys() - {"state"}:
        raise ApiError(f"filter {str(given)[:80]}: versions are filtered by their state alone", 400)
    return bool(given.get("state", "COMMITTED") == "COMMITTED")


def _aliases(found: Collection, info: Info, **arguments: Any) -> dict[str, Any]:
    reading = info.context.connection

    def read(limit: int, offset: int) -> list[dict[str, Any]]:
        names = artifact_aliases.of_collection(reading, found.id, limit=limit, offset=offset)
        return [alias(found, name) for name in names]

    return read_page(read, arguments) | {"totalCount": artifact_aliases.count(reading, found.id)}


def _member(found: Collection, info: Info, aliasName: str) -> Member | None:  # noqa: N803
    return artifact_members.named(info.context.connection, found, aliasName)


def _latest(found: Collection, info: Info) -> Artifact | None:
    member = artifact_members.named(info.context.connection, found, artifact_aliases.LATEST)
    return member.artifact if member else None


def _project(found: Collection, info: Info) -> Project:
    return projects.by_id(info.context.connection, found.project_id)


# Of a membership


def _member_aliases(member: Member, info: Info) -> list[dict[str, Any]]:
    of = (member.collection.id, member.artifact.id)
    names = artifact_aliases.of_version(info.context.connection, *of)
    return [alias(member.collection, name) for name in names]


_COLLECTION = {
    "id": lambda found, _: ids.encode("Collection", found.id),
    "state": lambda found, _: "DELETED" if isinstance(found, Deleted) else "READY",
    "project": _project,
    "defaultArtifactType": lambda found, _: _type(found),
    "tags": lambda found, _: {"edges": [{"node": tag} for tag in tags(found.tags)]},
    "aliases": _aliases,
    "artifacts": _versions,
    "artifactMembership": _member,
}

RESOLVERS = {
    "Query": {
        "artifactCollection": _collection_by_id,
    },
    "Project": {
        "artifact": _by_name,
        "artifactType": _type_by_name,
        "artifactTypes": _types,
        "artifactCollection": _collection,
        "artifactCollections": _collections,
        "artifactCollectionMembership": _membership,
    },
    "ArtifactType": {
        "artifact": _type_artifact,
        "artifactSequence": _type_collection,
        "artifactCollection": _type_collection,
        "artifactCollections": _type_collections,
    },
    "ArtifactSequence": _COLLECTION | {"latestArtifact": _latest},
    "ArtifactPortfolio": _COLLECTION,
    "ArtifactCollectionMembership": {
        "id": lambda member, _: ids.encode(
            f"Membership-{member.collection.id}", member.artifact.id
        ),
        "aliases": _member_aliases,
        "artifactCollection": lambda member, _: member.collection,
    },
    "Artifact": {"artifactType": _artifact_type},
}
