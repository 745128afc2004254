"""Files of artifacts, with addresses to fetch them from."""

from collections.abc import Sequence
from typing import Any

from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.file_names import mimetype
from sweepcnn.server.graphql.paging import read_page
from sweepcnn.server.graphql.resolvers.artifact_lookup import storage_path
from sweepcnn.storage import artifact_files, artifact_manifests
from sweepcnn.storage.artifact_files import File
from sweepcnn.storage.artifact_members import Member
from sweepcnn.storage.artifacts import Artifact

_MOST_NAMES = 10_000


def _manifest(artifact: Artifact, info: Info) -> dict[str, Any] | None:
    request: Request = info.context
    manifest = artifact_manifests.current(request.connection, artifact.id)
    if manifest is None or manifest.sha256 is None:
        return None
    label = storage_path(artifact.id, "wandb_manifest.json")
    addresses = request.backend.addresses
    url = addresses.download(request.base_url, manifest.sha256, "application/json", label)
    file = {"id": ids.encode("Manifest", manifest.id), "name": manifest.name, "directUrl": url}
    return {"id": file["id"], "digest": manifest.digest, "file": file}


def _files(artifact: Artifact, info: Info, **arguments: Any) -> dict[str, Any]:
    return _listed(info.context, artifact, arguments.get("names"), arguments)


def _member_files(member: Member, info: Info, **arguments: Any) -> dict[str, Any]:
    return _listed(info.context, member.artifact, arguments.get("names"), arguments)


def _files_by_entries(artifact: Artifact, info: Info, **arguments: Any) -> dict[str, Any]:
    names = [entry["name"] for entry in arguments.get("entries") or []]
    return _listed(info.context, artifact, names or [""], arguments)


def _listed(
    request: Request, artifact: Artifact, names: Sequence[str] | None, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Give a page of files; no names are all of them, references included.

    W&B's client downloads what is listed here, and finds references by itself.
    """
    if names and len(names) > _MOST_NAMES:
        raise ApiError(f"{len(names)} files: at most {_MOST_NAMES} at once", 400)
    of = (request.connection, artifact.id, names or None)

    def read(limit: int, offset: int) -> list[dict[str, Any]]:
        found = artifact_files.files(*of, limit=limit, offset=offset)
        return [_file(request, artifact, file) for file in found]

    return read_page(read, arguments) | {"totalCount": artifact_files.count(*of)}


def _file(request: Request, artifact: Artifact, file: File) -> dict[str, Any]:
    label = storage_path(artifact.id, file.path)
    type_ = mimetype(file.path)
    url = file.ref
    if file.sha256:
        url = request.backend.addresses.download(request.base_url, file.sha256, type_, label)
    return {
        "id": ids.encode(f"ArtifactFile-{artifact.id}-{file.path}", 0),
        "name": file.path,
        "directUrl": url,
        "storagePath": label,
        "sizeBytes": file.size,
        "mimetype": type_,
        "updatedAt": artifact.updated_at,
        "md5": file.md5,
        "artifact": artifact,
    }


RESOLVERS = {
    "Artifact": {
        "currentManifest": _manifest,
        "files": _files,
        "filesByManifestEntries": _files_by_entries,
    },
    "ArtifactCollectionMembership": {"files": _member_files},
}
