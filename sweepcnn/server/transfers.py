"""Blobs over HTTP: uploads to signed addresses, downloads from them."""

import base64
import logging
from typing import Any

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from sweepcnn.server import auth, disk_full, ids
from sweepcnn.server.context import Backend
from sweepcnn.server.errors import ApiError
from sweepcnn.server.file_names import mimetype
from sweepcnn.server.http import logs
from sweepcnn.server.http.bodies import declared_length
from sweepcnn.server.manifests import MAX_BYTES as MAX_MANIFEST_BYTES
from sweepcnn.storage import (
    access,
    artifact_collections,
    artifact_files,
    artifact_manifests,
    artifact_members,
    artifact_uploads,
    artifacts,
    blob_references,
    projects,
    run_files,
    runs,
)
from sweepcnn.storage.artifacts import PENDING, Artifact
from sweepcnn.storage.blobs import Blob, DigestError, TooLargeError
from sweepcnn.storage.users import User

_log = logging.getLogger(__name__)
_MAX_UPLOAD_BYTES = 16 * 2**30
# What users upload is shown on our origin: it must not run there.
_SAFE = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}
_ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}


async def upload(backend: Backend, request: Request) -> Response:
    """Store the body of a PUT at the place that the signed address names.

    Raises:
        ApiError: the address is not valid, the file is too large or not what was announced, or
            there is no room for it.
    """
    what = backend.addresses.read_upload(request.path_params["token"])
    announced = await run_in_threadpool(_announced, backend, what)
    limit = MAX_MANIFEST_BYTES if what["kind"] == "manifest" else _MAX_UPLOAD_BYTES
    length = declared_length(request, limit=limit)
    if length is not None and length > backend.blobs.free_bytes():
        raise ApiError(disk_full.MESSAGE, disk_full.STATUS)
    sent = request.headers.get("content-md5")
    if announced and sent and sent != announced:
        raise ApiError(f"Content-MD5 is {sent[:80]!r}, not {announced} as announced", 400)
    md5 = announced or sent
    try:
        if what["kind"] == "part":
            return await _take_part(backend, what, request, limit)
        blob = await backend.blobs.put(request.stream(), limit=limit, md5=md5)
    except TooLargeError:
        raise ApiError(f"the file has more than {limit} bytes", 413) from None
    except DigestError as error:
        raise ApiError(f"the file's MD5 is {error.found}, not {md5} as announced", 400) from None
    await run_in_threadpool(_register, backend, what, blob)
    return Response(headers=_ANY_ORIGIN)


async def _take_part(
    backend: Backend, what: dict[str, Any], request: Request, limit: int
) -> Response:
    """Store a part; the client hands back the ETag when it is done with all."""
    md5 = _base64(what["hex_md5"])
    place = (what["upload"], what["number"])
    await backend.blobs.put_part(*place, request.stream(), limit=limit, md5=md5)
    return Response(headers={"ETag": f'"{what["hex_md5"]}"'})


def _base64(hex_md5: str) -> str:
    return base64.b64encode(bytes.fromhex(hex_md5)).decode()


def _announced(backend: Backend, what: dict[str, Any]) -> str | None:
    """Give the MD5 that was announced for an upload; null where none was.

    Raises:
        ApiError: what the upload is for is gone or complete, or is not its sender's any more.
    """
    with backend.database.read() as reading:
        project_id, md5 = _target(reading, what)
        auth.check_upload(reading, what, project_id)
    return md5


def _target(reading: sa.Connection, what: dict[str, Any]) -> tuple[int, str | None]:
    """Give the row id of the project that an upload goes to, and the MD5 that was announced.

    Raises:
        ApiError: what the upload is for is gone or complete.
    """
    artifact_id, md5 = 0, None
    match what["kind"]:
        case "run_file":
            run = runs.by_id(reading, what["run"])
            if run is not None:
                return run.project_id, None
        case "artifact":
            artifact_id, md5 = what["artifact"], what["md5"]
        case "part":
            upload = artifact_uploads.get(reading, what["upload"])
            if upload is not None and not upload.complete:
                artifact_id, md5 = upload.artifact_id, _base64(what["hex_md5"])
        case "manifest":
            manifest = artifact_manifests.get(reading, what["manifest"])
            if manifest is not None:
                artifact_id, md5 = manifest.artifact_id, manifest.digest or None
    artifact = _draft(reading, artifact_id)
    if artifact is None:
        raise ApiError("what the file belongs to is gone or complete", 404)
    return artifact_collections.by_id(reading, artifact.collection_id).project_id, md5


def _draft(connection: sa.Connection, artifact_id: int) -> Artifact | None:
    """Find an artifact that may still be filled: a committed one stays as it is."""
    artifact = artifacts.get(connection, artifact_id)
    return artifact if artifact is not None and artifact.state == PENDING else None


def _register(backend: Backend, what: dict[str, Any], blob: Blob) -> None:
    with backend.database.write() as writing:
        match what["kind"]:
            case "run_file" if runs.by_id(writing, what["run"]):
                type_ = mimetype(what["name"])
                run_files.put(writing, what["run"], what["name"], blob, type_)
            case "artifact" if _draft(writing, what["artifact"]):
                artifact_files.put_blob(writing, what["artifact"], what["md5"], blob)
            case "manifest" if _draft(writing, _artifact_of(writing, what["manifest"])):
                values = {"sha256": blob.sha256, "size": blob.size}
                artifact_manifests.update(writing, what["manifest"], **values)
            case _:
                raise ApiError("what the file belongs to is gone or complete", 404)


def _artifact_of(connection: sa.Connection, manifest_id: int) -> int:
    manifest = artifact_manifests.get(connection, manifest_id)
    return manifest.artifact_id if manifest else 0


async def download(backend: Backend, request: Request) -> Response:
    """Send the blob that a signed address names.

    Raises:
        ApiError: the address is not valid.
    """
    sha256, type_ = backend.addresses.read_download(request.path_params["token"])
    return await run_in_threadpool(_send, backend, sha256, type_, _ANY_ORIGIN)


async def preflight(_request: Request) -> Response:
    """Let pages of any origin use signed addresses: they carry their right, and no cookie counts.

    `wandb verify` asks for it.
    """
    allowed = {"Access-Control-Allow-Methods": "GET, PUT", "Access-Control-Allow-Headers": "*"}
    return Response(headers=_ANY_ORIGIN | allowed)


async def artifact_file(backend: Backend, user: User, request: Request) -> Response:
    """Send a file of an artifact by the address that the client makes up by itself.

    It is /artifactsV2/{region}/{entity}/{project}/{collection}/[{artifact}/]{birth}/{md5}/{name}.

    Raises:
        ApiError: there is no such file, or it is not the user's.
    """
    parts = request.path_params["path"].split("/")
    blob = None
    if len(parts) in (7, 8):
        blob = await run_in_threadpool(_find_artifact_file, backend, user, parts)
    if blob is None:
        raise ApiError("artifact file not found", 404)
    type_ = mimetype(parts[-1])
    return await run_in_threadpool(_send, backend, blob.sha256, type_, {})


def _find_artifact_file(backend: Backend, user: User, parts: list[str]) -> Blob | None:
    """Find bytes in a collection that the user may see; each artifact holds its own."""
    _, entity, project_name, collection_name, *artifact, _, digest, _ = parts
    try:
        md5 = _base64(digest)
    except ValueError:
        return None
    with backend.database.read() as reading:
        if not access.role_in(reading, user, entity):
            return None
        project = projects.get(reading, entity, project_name)
        found = project and artifact_collections.get(reading, project.id, collection_name)
        if not found:
            return None
        if not artifact:
            return artifact_files.blob_in_collection(reading, found, md5)
        member = artifact_members.of(reading, found, ids.decode("Artifact", artifact[0]))
        return artifact_files.blob(reading, member.artifact.id, md5) if member else None


def _send(backend: Backend, sha256: str, type_: str, more: dict[str, str]) -> Response:
    path = backend.blobs.path(sha256)
    if not path.exists():
        with backend.database.read() as reading:
            is_stored = sha256 in blob_references.referred_to(reading, [sha256])
        if is_stored:  # told by its digest, for the address is a right to read
            _log.error("a stored file has no bytes", extra=logs.fields(sha256=sha256))
        raise ApiError("the file is gone", 404)
    return FileResponse(path, media_type=type_, headers=_SAFE | more)
