"""Artifacts: making, committing, using and naming them.

The order on the wire: createArtifact, createArtifactManifest, createArtifactFiles in batches, the
blobs, the manifest, commitArtifact.
"""

import json
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, Field, ValidationError

from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.file_names import mimetype
from sweepcnn.server.graphql.paging import connection
from sweepcnn.server.graphql.resolvers.artifacts import find_artifact, storage_path
from sweepcnn.server.graphql.resolvers.files import find_run
from sweepcnn.storage import artifact_files, artifacts, runs
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifact_files import Entry
from sweepcnn.storage.artifacts import Artifact

_MAX_MANIFEST_BYTES = 256 * 2**20
_MAX_NAME = 128


def _create(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    names = input.get("artifactCollectionNames") or [input.get("artifactCollectionName") or ""]
    name = names[0]
    if len(names) > 1:
        raise ApiError(f"{len(names)} collections for one artifact: name one", 400)
    if not name or len(name) > _MAX_NAME or set(name) & set("/:"):
        raise ApiError(f"artifact name {name!r}: must be 1 to {_MAX_NAME} characters, no / :", 400)
    aliases = [alias["alias"] for alias in input.get("aliases") or []]
    with request.write() as writing:
        project = request.project(
            writing, input["entityName"], input["projectName"], role=Role.MEMBER
        )
        run = runs.get(writing, project.id, input["runName"]) if input.get("runName") else None
        found = artifacts.get_or_create_collection(
            writing, project.id, input["artifactTypeName"], name
        )
        if found.type != input["artifactTypeName"]:
            raise ApiError(
                f"artifact {name!r} has type {found.type!r}, not {input['artifactTypeName']!r}", 400
            )
        artifact = _known(writing, found.id, input)
        if artifact is None:
            artifact = artifacts.add(
                writing,
                collection_id=found.id,
                user_id=request.user.id,
                run_id=run.id if run else None,
                digest=input["digest"],
                description=input.get("description"),
                metadata=input.get("metadata"),
                aliases=json.dumps(aliases),
                tags=json.dumps([tag["tagName"] for tag in input.get("tags") or []]),
                client_id=input.get("clientID"),
                history_step=input.get("historyStep"),
            )
        elif artifact.state == "COMMITTED":
            artifacts.set_aliases(writing, found.id, artifact.id, [artifacts.LATEST, *aliases])
        if run:
            artifacts.link_run(writing, run.id, artifact.id, "output")
    return {"artifact": artifact}


def _known(writing: sa.Connection, collection_id: int, given: dict[str, Any]) -> Artifact | None:
    """Find the artifact that is meant again: the same request, or the same content."""
    if given.get("clientID"):
        found = artifacts.by_client_id(writing, given["clientID"])
        if found and found.collection_id == collection_id:
            return found
    if given.get("enableDigestDeduplication"):
        return artifacts.by_digest(writing, collection_id, given["digest"])
    return None


def _create_manifest(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    type_ = input.get("type") or "FULL"
    if type_ != "FULL":
        raise ApiError(f"manifests of type {type_} are not served by this backend", 400)
    artifact = find_artifact(request, input["artifactID"], role=Role.MEMBER)
    _check_open(artifact)
    with request.write() as writing:
        values = {"name": input["name"], "digest": input["digest"], "type": type_}
        manifest_id = artifact_files.add_manifest(writing, artifact_id=artifact.id, **values)
    return {"artifactManifest": _manifest_upload(request, manifest_id, input["name"])}


def _update_manifest(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    manifest_id = ids.decode("Manifest", input["artifactManifestID"])
    manifest = artifact_files.manifest(request.connection, manifest_id)
    if manifest is None:
        raise ApiError("artifact not found", 404)
    _check_open(
        find_artifact(request, ids.encode("Artifact", manifest.artifact_id), role=Role.MEMBER)
    )
    if input.get("digest"):
        with request.write() as writing:
            artifact_files.update_manifest(writing, manifest.id, digest=input["digest"])
    return {"artifactManifest": _manifest_upload(request, manifest.id, manifest.name)}


def _check_open(artifact: Artifact) -> None:
    if artifact.state != "PENDING":
        raise ApiError("the artifact is committed and stays as it is; log a new version", 400)


def _manifest_upload(request: Request, manifest_id: int, name: str) -> dict[str, Any]:
    what = {"kind": "manifest", "manifest": manifest_id}
    label = f"wandb_artifacts/{manifest_id}/wandb_manifest.json"
    url = request.backend.addresses.upload(request.base_url, what, label)
    wire_id = ids.encode("Manifest", manifest_id)
    file = {"id": wire_id, "name": name, "uploadUrl": url, "uploadHeaders": []}
    return {"id": wire_id, "file": file}


def _create_files(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    by_id = {spec["artifactID"]: None for spec in input["artifactFiles"]}
    owners = {wire_id: find_artifact(request, wire_id, role=Role.MEMBER) for wire_id in by_id}
    files = [_file_upload(request, owners[s["artifactID"]], s) for s in input["artifactFiles"]]
    return {"files": connection(files)}


def _file_upload(request: Request, artifact: Artifact, spec: dict[str, Any]) -> dict[str, Any]:
    if spec.get("uploadPartsInput"):
        raise ApiError("uploads in parts (files of 2 GiB and more) are not served", 400)
    known = artifact_files.blob_sha256(request.connection, artifact.id, spec["md5"])
    label = storage_path(artifact.id, spec["name"])
    what = {"kind": "artifact", "artifact": artifact.id, "md5": spec["md5"]}
    addresses = request.backend.addresses
    type_ = spec.get("mimetype") or mimetype(spec["name"])
    return {
        "id": ids.encode(f"ArtifactFile-{artifact.id}-{spec['name']}", 0),
        "name": spec["name"],
        "storagePath": label,
        "uploadUrl": None if known else addresses.upload(request.base_url, what, label),
        "uploadHeaders": [f"Content-MD5:{spec['md5']}", f"Content-Type:{type_}"],
        "artifact": artifact,
    }


def _commit(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact = find_artifact(request, input["artifactID"], role=Role.MEMBER)
    entries = _read_manifest(request, artifact) if artifact.state == "PENDING" else []
    with request.write() as writing:
        current = artifacts.get(writing, artifact.id)
        if current is not None and current.state == "PENDING":
            artifact_files.set_entries(writing, entries)
            total = sum(entry.size for entry in entries)
            artifacts.commit(writing, artifact, size=total, file_count=len(entries))
    return {"artifact": artifacts.get(request.connection, artifact.id)}


def _read_manifest(request: Request, artifact: Artifact) -> list[Entry]:
    """Read the uploaded manifest and make sure that all bytes it names are here.

    Raises:
        ApiError: there is no manifest, it cannot be read, or a file of it was not uploaded.
    """
    manifest = artifact_files.current_manifest(request.connection, artifact.id)
    if manifest is None or manifest.sha256 is None:
        raise ApiError("the artifact's manifest was not uploaded", 400)
    if (manifest.size or 0) > _MAX_MANIFEST_BYTES:
        raise ApiError(f"the manifest is larger than {_MAX_MANIFEST_BYTES} bytes", 400)
    try:
        uploaded = _Manifest.model_validate_json(request.backend.blobs.read(manifest.sha256))
    except ValidationError as error:
        raise ApiError(f"the artifact's manifest cannot be read: {error}", 400) from None
    entries = [_entry(artifact, path, item) for path, item in uploaded.contents.items()]
    births = {entry.birth_id for entry in entries if entry.birth_id not in (None, artifact.id)}
    for birth in births:  # bytes of somebody else's artifact cannot be taken along
        find_artifact(request, ids.encode("Artifact", birth or 0), role=Role.VIEWER)
    for entry in entries:
        birth = entry.birth_id or artifact.id
        here = artifact_files.blob_sha256(request.connection, birth, entry.md5)
        if entry.ref is None and here is None:
            raise ApiError(f"file {entry.path!r} of the artifact was not uploaded", 400)
    return entries


class _Item(BaseModel):
    """A file in a manifest; further keys are the client's own."""

    digest: str
    size: int = Field(0, ge=0, lt=2**62)
    birthArtifactID: str | None = None  # noqa: N815
    ref: str | None = None


class _Manifest(BaseModel):
    contents: dict[str, _Item]


def _entry(artifact: Artifact, path: str, item: _Item) -> Entry:
    birth = item.birthArtifactID
    return Entry(
        artifact_id=artifact.id,
        path=path,
        md5=item.digest,
        size=item.size,
        birth_id=ids.decode("Artifact", birth) if birth else artifact.id,
        ref=item.ref,
    )


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
    if (input.get("ttlDurationSeconds") or 0) > 0:
        raise ApiError("a time to live is not kept here: delete the artifact when it is due", 400)
    texts = ("description", "metadata")
    values = {key: input[key] for key in texts if input.get(key) is not None}
    added, removed = (
        {tag["tagName"] for tag in input.get(key) or []} for key in ("tagsToAdd", "tagsToDelete")
    )
    before = artifacts.aliases(request.connection, artifact.id)
    with request.write() as writing:
        if added or removed:
            values["tags"] = json.dumps(sorted(set(json.loads(artifact.tags)) - removed | added))
        if values:
            artifacts.update(writing, artifact.id, **values)
        if input.get("aliases") is not None:
            names = _aliases(writing, artifact, input["aliases"])
            artifacts.remove_aliases(writing, artifact.id, set(before) - set(names))
            artifacts.set_aliases(writing, artifact.collection_id, artifact.id, names)
    return {"artifact": artifacts.get(request.connection, artifact.id)}


def _aliases(writing: sa.Connection, artifact: Artifact, given: list[dict[str, Any]]) -> list[str]:
    """Give the aliases that are meant for the artifact's own collection.

    Raises:
        ApiError: one is for another collection, which would be to link the artifact to it.
    """
    own = artifacts.collection_by_id(writing, artifact.collection_id).name
    other = [alias for alias in given if alias["artifactCollectionName"] != own]
    if other:
        name = other[0]["artifactCollectionName"]
        raise ApiError(f"linking to other collections ({name!r}) is not served", 400)
    return [alias["alias"] for alias in given]


def _change_aliases(add: bool) -> Any:
    def resolve(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
        request: Request = info.context
        artifact = find_artifact(request, input["artifactID"], role=Role.MEMBER)
        with request.write() as writing:
            names = _aliases(writing, artifact, input["aliases"])
            if add:
                artifacts.set_aliases(writing, artifact.collection_id, artifact.id, names)
            else:
                artifacts.remove_aliases(writing, artifact.id, names)
        return {"success": True}

    return resolve


RESOLVERS = {
    "Mutation": {
        "createArtifact": _create,
        "createArtifactManifest": _create_manifest,
        "updateArtifactManifest": _update_manifest,
        "createArtifactFiles": _create_files,
        "commitArtifact": _commit,
        "useArtifact": _use,
        "updateArtifact": _update,
        "addAliases": _change_aliases(True),
        "deleteAliases": _change_aliases(False),
    },
}
