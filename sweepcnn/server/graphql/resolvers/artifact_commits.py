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
from sweepcnn.server.turns import Turns
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
_committing: Turns[int] = Turns()


def _commit(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact_id = find_artifact(request, input["artifactID"], role=Role.MEMBER).id
    request.look_anew()  # it may wait for minutes, and see what was done meanwhile
    with _committing.turn(artifact_id):  # the client asks again while a large one is being read
        artifact = find_artifact(request, input["artifactID"], role=Role.MEMBER)
        if artifact.state == artifacts.PENDING:
            layers = _layers(request, artifact)
            births = _keep_entries(request, artifact, layers)
            with request.write() as writing:
                artifact = _still_open(writing, artifact.id)
                _find_blobs(request, writing, artifact, births)
                _take(request, writing, artifact, layers[-1].type)
    return {"artifact": artifacts.by_id(request.connection, artifact.id)}


def _still_open(writing: sa.Connection, artifact_id: int) -> Artifact:
    """Give the draft as it is now, after its manifests were read.

    Raises:
        ApiError: it was deleted meanwhile.
    """
    found = artifacts.get(writing, artifact_id)
    if found is None or found.state != artifacts.PENDING:
        raise ApiError("the artifact was deleted while it was being completed; log it anew", 404)
    return found


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


def _keep_entries(request: Request, artifact: Artifact, layers: list[Manifest]) -> set[str]:
    """Keep what the manifests list, and give the artifacts that they say brought the bytes.

    Others write in between: nothing of a draft is seen.
    """
    births: set[str] = set()
    with request.write() as writing:
        artifact_files.clear_entries(writing, artifact.id)
    for manifest in layers:
        found = manifests.read(_text(request, manifest))
        for number, batch in enumerate(_batches(found)):
            if number * _FILES_AT_ONCE > manifests.MAX_FILES:
                raise ApiError(f"the manifest has more than {manifests.MAX_FILES} files", 400)
            births |= {item.birthArtifactID for _, item in batch if item.birthArtifactID}
            entries = {path: manifests.entry(artifact.id, path, item) for path, item in batch}
            with request.write() as writing:
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
    project_id = artifact_collections.by_id(writing, artifact.collection_id).project_id
    artifact_files.adopt(writing, artifact.id, artifacts.of_project(project_id))
    own = ids.encode("Artifact", artifact.id)
    for birth in births - {own} if artifact_files.wrong(writing, artifact.id) else ():
        # Bytes of somebody else's artifact cannot be taken along.
        brought_by = sa.select(sa.literal(_birth(request, writing, birth)))
        artifact_files.adopt(writing, artifact.id, brought_by)


def _take(request: Request, writing: sa.Connection, artifact: Artifact, type_: str) -> None:
    """Make a version of the entries."""
    wrong = artifact_files.wrong(writing, artifact.id)
    if wrong:
        path, said, has = wrong
        rule = "was not uploaded" if has is None else f"has {has} bytes, not {said} as announced"
        raise ApiError(f"file {path[:200]!r} of the artifact {rule}", 400)
    size, count = artifact_files.totals(writing, artifact.id)
    if count > manifests.MAX_FILES:
        raise ApiError(f"the artifact has {count} files; it may have {manifests.MAX_FILES}", 400)
    digest = artifact.digest if type_ == FULL else _write_manifest(request, writing, artifact)
    artifacts.commit(writing, artifact, digest=digest, size=size, file_count=count)
    names = [artifact_aliases.LATEST, *json.loads(artifact.aliases)]
    artifact_aliases.put(writing, artifact.collection_id, artifact.id, names)
    artifact_uploads.forget(writing, artifact.id)


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
