"""Artifacts: reading them back."""

import json
from typing import Any

from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.file_names import mimetype
from sweepcnn.server.graphql.paging import connection
from sweepcnn.storage import artifact_files, artifacts, projects, runs, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifact_files import Entry
from sweepcnn.storage.artifacts import Artifact, Collection
from sweepcnn.storage.projects import Project
from sweepcnn.storage.runs import Run

_NO_TTL = -1


def find_artifact(request: Request, wire_id: str, *, role: Role) -> Artifact:
    """Find an artifact of an entity in which the user has a role.

    Raises:
        ApiError: there is none.
    """
    found = artifacts.get(request.connection, ids.decode("Artifact", wire_id))
    if found is None:
        raise ApiError("artifact not found", 404)
    project_id = _collection(request, found).project_id
    request.check_access(request.connection, project_id, "artifact", role=role)
    return found


def _collection(request: Request, artifact: Artifact) -> Collection:
    return artifacts.collection_by_id(request.connection, artifact.collection_id)


def _is_seen(request: Request, artifact: Artifact) -> bool:
    return request.sees(request.connection, _collection(request, artifact).project_id)


def find_by_name(
    request: Request, project_id: int, name: str
) -> tuple[Collection, Artifact] | None:
    """Find a version by `collection:alias`; without an alias the latest is meant."""
    collection_name, _, alias = name.partition(":")
    found = artifacts.collection(request.connection, project_id, collection_name)
    if found is None:
        return None
    version = artifacts.by_alias(request.connection, found.id, alias or artifacts.LATEST)
    return (found, version) if version else None


def creator_type(value: Any, *_: Any) -> str:
    """Tell which type of the union made an artifact."""
    return "Run" if isinstance(value, Run) else "User"


# Query and Project


def _client_id_mapping(
    _root: Any,
    info: Info,
    clientID: str,  # noqa: N803
) -> dict[str, Any] | None:
    request: Request = info.context
    found = artifacts.by_client_id(request.connection, clientID)
    if found is None or not _is_seen(request, found):
        return None
    return {"serverID": ids.encode("Artifact", found.id)}


def _collection_by_id(_root: Any, info: Info, id: str) -> Collection | None:  # noqa: A002
    request: Request = info.context
    found = artifacts.find_collection(request.connection, ids.decode("Collection", id))
    return found if found and request.sees(request.connection, found.project_id) else None


def _by_name(project: Project, info: Info, name: str, **_unused: Any) -> Artifact | None:
    found = find_by_name(info.context, project.id, name)
    return found[1] if found else None


def _membership(project: Project, info: Info, name: str) -> Any:
    return find_by_name(info.context, project.id, name)


def _project_collection(project: Project, info: Info, name: str) -> Collection | None:
    return artifacts.collection(info.context.connection, project.id, name)


def _types(project: Project, info: Info, **arguments: Any) -> dict[str, Any]:
    found = artifacts.collections(info.context.connection, project.id)
    oldest = {c.type: c for c in found}  # newest first, so that the oldest stays
    types = [_type(c) for _, c in sorted(oldest.items())]
    return connection(types, arguments.get("first"), arguments.get("after"))


def _type_by_name(project: Project, info: Info, name: str) -> dict[str, Any] | None:
    found = artifacts.collections(info.context.connection, project.id, name)
    return _type(found[-1]) if found else None


def _type(oldest: Collection) -> dict[str, Any]:
    return {
        "id": ids.encode("ArtifactType", oldest.id),
        "name": oldest.type,
        "createdAt": oldest.created_at,
        "project_id": oldest.project_id,
    }


def _type_collection(type_: dict[str, Any], info: Info, name: str) -> Collection | None:
    found = artifacts.collection(info.context.connection, type_["project_id"], name)
    return found if found and found.type == type_["name"] else None


def _type_artifact(type_: dict[str, Any], info: Info, name: str) -> Artifact | None:
    found = find_by_name(info.context, type_["project_id"], name)
    return found[1] if found and found[0].type == type_["name"] else None


def _type_collections(type_: dict[str, Any], info: Info, **arguments: Any) -> dict[str, Any]:
    found = artifacts.collections(info.context.connection, type_["project_id"], type_["name"])
    return connection(found, arguments.get("first"), arguments.get("after"))


# Collections


def _versions(found: Collection, info: Info, **arguments: Any) -> dict[str, Any]:
    versions = artifacts.versions(info.context.connection, found.id)
    if (arguments.get("order") or "").lstrip("+") in ("versionIndex", "version_index", "createdAt"):
        versions.reverse()
    return _artifact_connection(versions, arguments)


def _artifact_connection(found: list[Artifact], arguments: dict[str, Any]) -> dict[str, Any]:
    def version(artifact: Artifact) -> dict[str, Any]:
        return {"version": f"v{artifact.version_index}"}

    return connection(found, arguments.get("first"), arguments.get("after"), version)


def _collection_aliases(found: Collection, info: Info, **arguments: Any) -> dict[str, Any]:
    reading = info.context.connection
    aliases = [
        _alias(found, name)
        for version in artifacts.versions(reading, found.id)
        for name in artifacts.aliases(reading, version.id)
    ]
    return connection(aliases, arguments.get("first"), arguments.get("after"))


def _alias(found: Collection, name: str) -> dict[str, Any]:
    wire_id = ids.encode(f"Alias-{found.id}-{name}", 0)
    return {"id": wire_id, "alias": name, "artifactCollection": found}


def _collection_membership(
    found: Collection,
    info: Info,
    aliasName: str,  # noqa: N803
) -> tuple[Collection, Artifact] | None:
    version = artifacts.by_alias(info.context.connection, found.id, aliasName)
    return (found, version) if version else None


def _latest(found: Collection, info: Info) -> Artifact | None:
    return artifacts.by_alias(info.context.connection, found.id, artifacts.LATEST)


def _project(found: Collection, info: Info) -> Project:
    return projects.by_id(info.context.connection, found.project_id)


# Artifacts


def _aliases(artifact: Artifact, info: Info) -> list[dict[str, Any]]:
    found = _collection(info.context, artifact)
    return [_alias(found, name) for name in artifacts.aliases(info.context.connection, artifact.id)]


def _manifest(artifact: Artifact, info: Info) -> dict[str, Any] | None:
    request: Request = info.context
    manifest = artifact_files.current_manifest(request.connection, artifact.id)
    if manifest is None or manifest.sha256 is None:
        return None
    label = f"wandb_artifacts/{artifact.id}/{manifest.name}"
    url = request.backend.addresses.download(
        request.base_url, manifest.sha256, "application/json", label
    )
    file = {"id": ids.encode("Manifest", manifest.id), "name": manifest.name, "directUrl": url}
    return {"id": file["id"], "digest": manifest.digest, "file": file}


def _files(artifact: Artifact, info: Info, **arguments: Any) -> dict[str, Any]:
    request: Request = info.context
    entries = artifact_files.entries(request.connection, artifact.id)
    names = arguments.get("names") or []
    kept = [e for e in entries if e.ref is None and (not names or e.path in names)]
    page = connection(kept, arguments.get("first"), arguments.get("after"))
    for edge in page["edges"]:  # addresses are looked up for this page only
        edge["node"] = _file(request, artifact, edge["node"])
    return page


def _files_by_entries(artifact: Artifact, info: Info, **arguments: Any) -> dict[str, Any]:
    request: Request = info.context
    by_path = {e.path: e for e in artifact_files.entries(request.connection, artifact.id)}
    wanted = [by_path.get(entry["name"]) for entry in arguments.get("entries") or []]
    return connection([_file(request, artifact, entry) for entry in wanted if entry])


def _file(request: Request, artifact: Artifact, entry: Entry) -> dict[str, Any]:
    birth = entry.birth_id or artifact.id
    sha256 = artifact_files.blob_sha256(request.connection, birth, entry.md5)
    label = storage_path(birth, entry.path)
    url = None
    if sha256:
        type_ = mimetype(entry.path)
        url = request.backend.addresses.download(request.base_url, sha256, type_, label)
    return {
        "id": ids.encode(f"ArtifactFile-{artifact.id}-{entry.path}", 0),
        "name": entry.path,
        "directUrl": url,
        "storagePath": label,
        "sizeBytes": entry.size,
        "mimetype": mimetype(entry.path),
        "updatedAt": artifact.updated_at,
        "md5": entry.md5,
        "artifact": artifact,
    }


def storage_path(birth_id: int, name: str) -> str:
    """Give the place of a file as the client wants to see it."""
    return f"wandb_artifacts/{birth_id}/{name}"


def _created_by(artifact: Artifact, info: Info) -> Run | users.User | None:
    reading = info.context.connection
    if artifact.run_id is not None:
        return runs.by_id(reading, artifact.run_id)
    return users.by_id(reading, artifact.user_id)


def _used_by(artifact: Artifact, info: Info) -> dict[str, Any]:
    request: Request = info.context
    reading = request.connection
    found = (runs.by_id(reading, run_id) for run_id in artifacts.users_of(reading, artifact.id))
    return connection([run for run in found if run and request.sees(reading, run.project_id)])


def _of_run(direction: str) -> Any:
    def resolve(run: Run, info: Info, **arguments: Any) -> dict[str, Any]:
        found = artifacts.of_run(info.context.connection, run.id, direction)
        found = [artifact for artifact in found if _is_seen(info.context, artifact)]
        return _artifact_connection(found, arguments)

    return resolve


def _membership_aliases(found: tuple[Collection, Artifact], info: Info) -> Any:
    return _aliases(found[1], info)


def _membership_files(
    found: tuple[Collection, Artifact], info: Info, **arguments: Any
) -> dict[str, Any]:
    return _files(found[1], info, **arguments)


_COLLECTION = {
    "id": lambda found, _: ids.encode("Collection", found.id),
    "updatedAt": lambda found, _: found.created_at,
    "project": _project,
    "defaultArtifactType": lambda found, _: _type(found),
    "tags": lambda *_: {"edges": []},
    "aliases": _collection_aliases,
    "artifacts": _versions,
    "artifactMembership": _collection_membership,
}

RESOLVERS = {
    "Query": {
        "artifact": lambda _root, info, id: find_artifact(info.context, id, role=Role.VIEWER),  # noqa: A006
        "artifactCollection": _collection_by_id,
        "clientIDMapping": _client_id_mapping,
    },
    "Project": {
        "artifact": _by_name,
        "artifactType": _type_by_name,
        "artifactTypes": _types,
        "artifactCollection": _project_collection,
        "artifactCollectionMembership": _membership,
    },
    "ArtifactType": {
        "artifact": _type_artifact,
        "artifactSequence": _type_collection,
        "artifactCollection": _type_collection,
        "artifactCollections": _type_collections,
    },
    "ArtifactSequence": _COLLECTION | {"latestArtifact": _latest},
    "ArtifactCollectionMembership": {
        "id": lambda found, _: ids.encode("Membership", found[1].id),
        "versionIndex": lambda found, _: found[1].version_index,
        "createdAt": lambda found, _: found[1].created_at,
        "aliases": _membership_aliases,
        "artifactCollection": lambda found, _: found[0],
        "artifact": lambda found, _: found[1],
        "files": _membership_files,
    },
    "Artifact": {
        "id": lambda artifact, _: ids.encode("Artifact", artifact.id),
        "artifactSequence": lambda artifact, info: _collection(info.context, artifact),
        "artifactType": lambda artifact, info: _type(_collection(info.context, artifact)),
        "digestAlgorithm": lambda *_: "MANIFEST_MD5",
        "commitHash": lambda artifact, _: artifact.digest,
        "aliases": _aliases,
        "tags": lambda artifact, _: [
            {"id": ids.encode(f"Tag-{name}", 0), "name": name} for name in json.loads(artifact.tags)
        ],
        "ttlDurationSeconds": lambda *_: _NO_TTL,
        "ttlIsInherited": lambda *_: True,
        "createdBy": _created_by,
        "usedBy": _used_by,
        "currentManifest": _manifest,
        "files": _files,
        "filesByManifestEntries": _files_by_entries,
    },
    "Run": {"outputArtifacts": _of_run("output"), "inputArtifacts": _of_run("input")},
}
