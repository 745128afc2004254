"""The commit of an artifact: its manifests become the files of a version."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from sweepcnn.server import ids, manifests
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql.resolvers.artifact_lookup import find_artifact
from sweepcnn.server.manifests import Item, Merged
from sweepcnn.storage import (
    artifact_aliases,
    artifact_collections,
    artifact_files,
    artifact_manifests,
    artifact_uploads,
    artifacts,
)
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifact_manifests import FULL, INCREMENTAL, Manifest
from sweepcnn.storage.artifacts import COMMITTED, Artifact

_FILES_AT_ONCE = 1_000


def _commit(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact = find_artifact(request, input["artifactID"], role=Role.MEMBER)
    if artifact.state != COMMITTED:
        layers = _layers(request, artifact)
        with request.write() as writing:
            current = artifacts.by_id(writing, artifact.id)
            if current.state == artifacts.PENDING:
                _take(request, writing, current, layers)
    return {"artifact": artifacts.by_id(request.connection, artifact.id)}


def _layers(request: Request, artifact: Artifact) -> list[Manifest]:
    """Give the manifests whose files are laid upon each other, the lowest first.

    Raises:
        ApiError: there is none, or the version that it builds on is gone.
    """
    uploaded = artifact_manifests.uploaded(request.connection, artifact.id)
    if not uploaded:
        raise ApiError("the artifact's manifest was not uploaded", 400)
    if uploaded[-1].type == FULL:
        return uploaded[-1:]
    if uploaded[0].type != INCREMENTAL or uploaded[0].base_id is None:
        return uploaded
    base_id = ids.encode("Artifact", uploaded[0].base_id)
    base = find_artifact(request, base_id, role=Role.VIEWER)
    below = artifact_manifests.current(request.connection, base.id)
    if base.state != COMMITTED or below is None:
        raise ApiError("the version that the artifact builds on is not complete", 400)
    return [below, *uploaded]


def _take(
    request: Request, writing: sa.Connection, artifact: Artifact, layers: list[Manifest]
) -> None:
    births = _keep_entries(request, writing, artifact, layers)
    _find_blobs(request, writing, artifact, births)
    wrong = artifact_files.wrong(writing, artifact.id)
    if wrong:
        path, said, has = wrong
        rule = "was not uploaded" if has is None else f"has {has} bytes, not {said} as announced"
        raise ApiError(f"file {path[:200]!r} of the artifact {rule}", 400)
    size, count = artifact_files.totals(writing, artifact.id)
    if count > manifests.MAX_FILES:
        raise ApiError(f"the artifact has {count} files; it may have {manifests.MAX_FILES}", 400)
    digest = artifact.digest
    if layers[-1].type != FULL:
        digest = _write_manifest(request, writing, artifact)
    artifacts.commit(writing, artifact, digest=digest, size=size, file_count=count)
    names = [artifact_aliases.LATEST, *json.loads(artifact.aliases)]
    artifact_aliases.put(writing, artifact.collection_id, artifact.id, names)
    artifact_uploads.forget(writing, artifact.id)


def _keep_entries(
    request: Request, writing: sa.Connection, artifact: Artifact, layers: list[Manifest]
) -> set[str]:
    """Keep what the manifests list, and give the artifacts that they say brought the bytes."""
    births: set[str] = set()
    artifact_files.clear_entries(writing, artifact.id)
    for manifest in layers:
        found = manifests.read(_text(request, manifest))
        for number, batch in enumerate(_batches(found)):
            if number * _FILES_AT_ONCE > manifests.MAX_FILES:
                raise ApiError(f"the manifest has more than {manifests.MAX_FILES} files", 400)
            births |= {item.birthArtifactID for _, item in batch if item.birthArtifactID}
            entries = {path: manifests.entry(artifact.id, path, item) for path, item in batch}
            artifact_files.put_entries(writing, list(entries.values()))
    return births


def _batches(found: Iterator[tuple[str, Item]]) -> Iterator[list[tuple[str, Item]]]:
    while batch := list(itertools.islice(found, _FILES_AT_ONCE)):
        yield batch


def _text(request: Request, manifest: Manifest) -> str:
    assert manifest.sha256 is not None
    try:
        return request.backend.blobs.read(manifest.sha256).decode()
    except UnicodeDecodeError:
        raise ApiError("the artifact's manifest is not UTF-8", 400) from None


def _find_blobs(
    request: Request, writing: sa.Connection, artifact: Artifact, births: set[str]
) -> None:
    """Note for the artifact the bytes that were brought by others which the user may see."""
    missing = artifact_files.without_blob(writing, artifact.id)
    project_id = artifact_collections.by_id(writing, artifact.collection_id).project_id
    for md5 in missing:
        blob = artifact_files.blob_in_project(writing, project_id, md5)
        if blob:
            artifact_files.put_blob(writing, artifact.id, md5, blob)
    still_missing = artifact_files.without_blob(writing, artifact.id) if missing else set()
    for birth in births if still_missing else ():
        # Bytes of somebody else's artifact cannot be taken along.
        brought_by = _birth(request, writing, birth)
        for md5 in still_missing:
            blob = artifact_files.blob(writing, brought_by, md5)
            if blob:
                artifact_files.put_blob(writing, artifact.id, md5, blob)


def _birth(request: Request, writing: sa.Connection, wire_id: str) -> int:
    found = artifacts.get(writing, ids.decode("Artifact", wire_id))
    if found is None:
        raise ApiError("artifact not found", 404)
    place = artifact_collections.by_id(writing, found.collection_id)
    request.check_access(writing, place.project_id, "artifact", role=Role.VIEWER)
    return found.id


def _write_manifest(request: Request, writing: sa.Connection, artifact: Artifact) -> str:
    """Write the manifest of all files, and give the digest of the version."""
    entries = artifact_files.entries(writing, artifact.id)
    merged = Merged(ids.encode("Artifact", artifact.id), entries)
    blob = request.backend.blobs.write(merged.write())
    artifact_manifests.add(
        writing,
        artifact_id=artifact.id,
        name="wandb_manifest.json",
        digest=blob.md5,
        type=FULL,
        sha256=blob.sha256,
        size=blob.size,
    )
    return merged.digest


RESOLVERS = {"Mutation": {"commitArtifact": _commit}}
