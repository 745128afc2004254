"""Blobs over HTTP: uploads to signed addresses, downloads from them."""

import base64
import itertools
from typing import Any

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from sweepcnn.server import auth, disk_full, ids
from sweepcnn.server.context import Backend
from sweepcnn.server.errors import ApiError
from sweepcnn.server.file_names import mimetype
from sweepcnn.server.http.bodies import declared_length
from sweepcnn.storage import access, artifact_files, artifacts, projects, run_files, runs
from sweepcnn.storage.blobs import Blob, TooLargeError
from sweepcnn.storage.users import User

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
    await run_in_threadpool(auth.check_upload, backend.database, what)
    length = declared_length(request, limit=_MAX_UPLOAD_BYTES)
    if length is not None and length > backend.blobs.free_bytes():
        raise ApiError(disk_full.MESSAGE, disk_full.STATUS)
    try:
        blob = await backend.blobs.put(request.stream(), limit=_MAX_UPLOAD_BYTES)
    except TooLargeError:
        raise ApiError(f"the file has more than {_MAX_UPLOAD_BYTES} bytes", 413) from None
    if what["kind"] == "artifact" and blob.md5 != what["md5"]:
        raise ApiError(f"the file's MD5 is {blob.md5}, not {what['md5']} as announced", 400)
    await run_in_threadpool(_register, backend, what, blob)
    return Response(headers=_ANY_ORIGIN)


def _register(backend: Backend, what: dict[str, Any], blob: Blob) -> None:
    with backend.database.write() as writing:
        match what["kind"]:
            case "run_file" if runs.by_id(writing, what["run"]):
                type_ = mimetype(what["name"])
                run_files.put(writing, what["run"], what["name"], blob, type_)
            case "artifact" if artifacts.get(writing, what["artifact"]):
                artifact_files.put_blob(writing, what["artifact"], what["md5"], blob)
            case "manifest" if _is_open(writing, what["manifest"]):
                values = {"sha256": blob.sha256, "size": blob.size}
                artifact_files.update_manifest(writing, what["manifest"], **values)
            case _:
                raise ApiError("what the file belongs to is gone or complete", 404)


def _is_open(writing: sa.Connection, manifest_id: int) -> bool:
    """Tell whether a manifest may still be written: a committed artifact stays as it is."""
    manifest = artifact_files.manifest(writing, manifest_id)
    artifact = artifacts.get(writing, manifest.artifact_id) if manifest else None
    return artifact is not None and artifact.state == "PENDING"


async def download(backend: Backend, request: Request) -> Response:
    """Send the blob that a signed address names.

    Raises:
        ApiError: the address is not valid.
    """
    sha256, type_ = backend.addresses.read_download(request.path_params["token"])
    return _send(backend, sha256, type_, _ANY_ORIGIN)


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
    sha256 = await run_in_threadpool(_find_artifact_file, backend, user, parts)
    if sha256 is None:
        raise ApiError("artifact file not found", 404)
    return _send(backend, sha256, mimetype(parts[-1]), {})


def _find_artifact_file(backend: Backend, user: User, parts: list[str]) -> str | None:
    with backend.database.read() as reading:
        for birth, digest in itertools.pairwise(parts):
            found = _decode(birth, digest)
            artifact = artifacts.get(reading, found[0]) if found else None
            if found and artifact:
                owner = artifacts.collection_by_id(reading, artifact.collection_id).project_id
                if access.role_in(reading, user, projects.by_id(reading, owner).entity):
                    return artifact_files.blob_sha256(reading, *found)
    return None


def _decode(birth: str, digest: str) -> tuple[int, str] | None:
    """Read an artifact id and a hexadecimal MD5 out of two neighbouring parts of a path."""
    try:
        row_id, md5 = ids.decode("Artifact", birth), bytes.fromhex(digest)
    except (ApiError, ValueError):
        return None
    return (row_id, base64.b64encode(md5).decode()) if len(md5) == 16 else None


def _send(backend: Backend, sha256: str, type_: str, more: dict[str, str]) -> Response:
    path = backend.blobs.path(sha256)
    if not path.exists():
        raise ApiError("the file is gone", 404)
    return FileResponse(path, media_type=type_, headers=_SAFE | more)
