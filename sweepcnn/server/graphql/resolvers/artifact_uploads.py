"""Addresses to send an artifact's manifest and files to, in one piece or in parts."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

import sqlalchemy as sa

from sweepcnn.server import ids
from sweepcnn.server.artifact_names import check_key
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.file_names import mimetype
from sweepcnn.server.graphql.paging import connection
from sweepcnn.server.graphql.resolvers.artifact_lookup import find_artifact, storage_path
from sweepcnn.server.graphql.resolvers.artifact_writes import check_open
from sweepcnn.server.manifests import check_path, is_md5
from sweepcnn.server.turns import Turns
from sweepcnn.storage import (
    artifact_collections,
    artifact_files,
    artifact_manifests,
    artifact_uploads,
)
from sweepcnn.storage.access import Role
from sweepcnn.storage.artifact_uploads import Upload
from sweepcnn.storage.artifacts import Artifact
from sweepcnn.storage.blobs import DigestError

_MOST_FILES = 10_000
_MOST_PARTS = 10_000
_HEX_MD5 = re.compile(r"[0-9a-f]{32}")
_joining: Turns[int] = Turns()


def _create_manifest(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    artifact = find_artifact(request, input["artifactID"], role=Role.MEMBER)
    check_open(artifact)
    values = {
        "artifact_id": artifact.id,
        "name": check_key("name of the manifest", input["name"]),
        "digest": check_key("digest of the manifest", input["digest"]),
        "type": input.get("type") or artifact_manifests.FULL,
        "base_id": _base(request, input),
    }
    with request.write() as writing:
        manifest_id = artifact_manifests.add(writing, **values)
    return {"artifactManifest": _manifest_upload(request, manifest_id, input["name"])}


def _update_manifest(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    manifest_id = ids.decode("Manifest", input["artifactManifestID"])
    manifest = artifact_manifests.get(request.connection, manifest_id)
    if manifest is None:
        raise ApiError("artifact not found", 404)
    wire_id = ids.encode("Artifact", manifest.artifact_id)
    check_open(find_artifact(request, wire_id, role=Role.MEMBER))
    base = _base(request, input)
    values: dict[str, Any] = {
        "digest": check_key("digest of the manifest", input.get("digest") or manifest.digest)
    }
    values |= {} if base is None else {"base_id": base}
    with request.write() as writing:
        artifact_manifests.update(writing, manifest.id, **values)
    return {"artifactManifest": _manifest_upload(request, manifest.id, manifest.name)}


def _base(request: Request, given: dict[str, Any]) -> int | None:
    if not given.get("baseArtifactID"):
        return None
    return find_artifact(request, given["baseArtifactID"], role=Role.VIEWER).id


def _manifest_upload(request: Request, manifest_id: int, name: str) -> dict[str, Any]:
    what = {"kind": "manifest", "manifest": manifest_id}
    label = storage_path(manifest_id, "wandb_manifest.json")
    url = request.backend.addresses.upload(request.base_url, what, label)
    wire_id = ids.encode("Manifest", manifest_id)
    file = {"id": wire_id, "name": name, "uploadUrl": url, "uploadHeaders": []}
    return {"id": wire_id, "file": file}


def _create_files(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    specs = input["artifactFiles"]
    if len(specs) > _MOST_FILES:
        raise ApiError(f"{len(specs)} files: at most {_MOST_FILES} at once", 400)
    for spec in specs:
        _check_spec(spec)
    md5s: dict[str, set[str]] = defaultdict(set)
    for spec in specs:
        md5s[spec["artifactID"]].add(spec["md5"])
    owners = {wire_id: find_artifact(request, wire_id, role=Role.MEMBER) for wire_id in md5s}
    for artifact in owners.values():
        check_open(artifact)
    with request.write() as writing:  # of up to 10,000 files, and others wait
        here = {
            (wire_id, md5)
            for wire_id, artifact in owners.items()
            for md5 in _hold_known(request, writing, artifact, md5s[wire_id])
        }
        uploads = [
            _announce(writing, owners[spec["artifactID"]], spec)
            if spec.get("uploadPartsInput") and _key(spec) not in here
            else None
            for spec in specs
        ]
    files = []
    for spec, upload_id in zip(specs, uploads, strict=True):
        artifact = owners[spec["artifactID"]]
        file = _file(artifact, spec)
        if _key(spec) not in here:
            file |= _addresses(request, artifact, spec, upload_id)
        files.append(file)
    return {"files": connection(files)}


def _key(spec: dict[str, Any]) -> tuple[str, str]:
    return spec["artifactID"], spec["md5"]


def _hold_known(
    request: Request, writing: sa.Connection, artifact: Artifact, md5s: Collection[str]
) -> Iterable[str]:
    """Have an artifact hold those bytes that the project has already; gives their digests."""
    project_id = artifact_collections.by_id(writing, artifact.collection_id).project_id
    known = artifact_files.blobs_in_project(writing, project_id, sorted(md5s))
    blobs = request.backend.blobs
    held = {md5: blob for md5, blob in known.items() if blobs.path(blob.sha256).exists()}
    artifact_files.put_blobs(writing, artifact.id, held)
    return held


def _check_spec(spec: dict[str, Any]) -> None:
    check_path(spec["name"])
    if not is_md5(spec["md5"]):
        raise ApiError(f"md5 {spec['md5'][:80]!r} of a file: must be an MD5 in base64", 400)
    parts = spec.get("uploadPartsInput") or []
    numbers = [part["partNumber"] for part in parts]
    if len(parts) > _MOST_PARTS or numbers != list(range(1, len(parts) + 1)):
        raise ApiError(f"the parts of a file are numbered from 1 on, up to {_MOST_PARTS}", 400)
    for part in parts:
        if not _HEX_MD5.fullmatch(part["hexMD5"]):
            rule = "must be an MD5 in hexadecimal"
            raise ApiError(f"hexMD5 {part['hexMD5'][:80]!r} of a part: {rule}", 400)


def _file(artifact: Artifact, spec: dict[str, Any]) -> dict[str, Any]:
    """Describe a file that is here already: without an address."""
    type_ = spec.get("mimetype") or mimetype(spec["name"])
    return {
        "id": ids.encode(f"ArtifactFile-{artifact.id}-{spec['name']}", 0),
        "name": spec["name"],
        "storagePath": storage_path(artifact.id, spec["name"]),
        "uploadUrl": None,
        "uploadHeaders": [f"Content-MD5:{spec['md5']}", f"Content-Type:{type_}"],
        "artifact": artifact,
    }


def _addresses(
    request: Request, artifact: Artifact, spec: dict[str, Any], upload_id: int | None
) -> dict[str, Any]:
    """Give where to send a file: whole, or with an upload's id in parts."""
    label = storage_path(artifact.id, spec["name"])

    def address(**what: Any) -> str:
        return request.backend.addresses.upload(request.base_url, what, label)

    whole = address(kind="artifact", artifact=artifact.id, md5=spec["md5"])
    if upload_id is None:
        return {"uploadUrl": whole}
    parts = {part["partNumber"]: part["hexMD5"] for part in spec["uploadPartsInput"]}
    urls = [
        {
            "partNumber": number,
            "uploadUrl": address(kind="part", upload=upload_id, number=number, hex_md5=hex_md5),
        }
        for number, hex_md5 in parts.items()
    ]
    in_parts = {"uploadID": ids.encode("Upload", upload_id), "uploadUrlParts": urls}
    # With parts the client asks of the first address only whether there is one.
    return {"uploadUrl": whole, "uploadMultipartUrls": in_parts}


def _announce(writing: sa.Connection, artifact: Artifact, spec: dict[str, Any]) -> int:
    """Note that a file is to come in parts, and give the upload's row id."""
    parts = {part["partNumber"]: part["hexMD5"] for part in spec["uploadPartsInput"]}
    return artifact_uploads.add(writing, artifact.id, spec["md5"], parts)


def _complete(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, str]:  # noqa: A002
    request: Request = info.context
    artifact = find_artifact(request, input["artifactID"], role=Role.MEMBER)
    upload_id = ids.decode("Upload", input["uploadID"])
    request.look_anew()  # PostgreSQL ends a transaction that rests for the minutes this may take
    with _joining.turn(upload_id):  # the client asks again while a large file is being joined
        with request.backend.database.read() as reading:
            upload = artifact_uploads.get(reading, upload_id)
            parts = artifact_uploads.parts(reading, upload_id)
        if upload is None or upload.artifact_id != artifact.id:
            raise ApiError("upload not found", 404)
        if not upload.complete:
            _check_parts(parts, input["completedParts"])
            _join(request, upload, list(parts))
    return {"digest": upload.md5}


def _check_parts(parts: dict[int, str], given: list[dict[str, Any]]) -> None:
    """Check that the client is done with the parts which it announced.

    Raises:
        ApiError: it is done with others.
    """
    done = {part["partNumber"]: part["hexMD5"].strip('"') for part in given}  # as ETag has it
    if done != parts:
        wrong = sorted(
            number for number in {*parts, *done} if done.get(number) != parts.get(number)
        )
        raise ApiError(f"parts {wrong[:10]} of the upload are not those that were announced", 400)


def _join(request: Request, upload: Upload, numbers: list[int]) -> None:
    blobs = request.backend.blobs
    try:
        blob = blobs.join(upload.id, numbers, md5=upload.md5)
    except FileNotFoundError:
        raise ApiError("not all parts of the upload are here; send the others", 400) from None
    except DigestError as error:
        rule = f"is {error.found}, not {upload.md5} as announced"
        raise ApiError(f"the MD5 of the file that the parts make {rule}", 400) from None
    with request.write() as writing:
        artifact_files.put_blob(writing, upload.artifact_id, upload.md5, blob)
        artifact_uploads.complete(writing, upload.id)
    blobs.drop_parts(upload.id, numbers)


RESOLVERS = {
    "Mutation": {
        "createArtifactManifest": _create_manifest,
        "updateArtifactManifest": _update_manifest,
        "createArtifactFiles": _create_files,
        "completeMultipartUploadArtifact": _complete,
    },
}
