"""Files of a run."""

import base64
import binascii
import posixpath
import time
from typing import Any

import sqlalchemy as sa

from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.file_names import clean_name, mimetype
from sweepcnn.server.graphql.paging import page_bounds, page_of
from sweepcnn.storage import run_files, runs
from sweepcnn.storage.access import Role
from sweepcnn.storage.run_files import RunFile
from sweepcnn.storage.runs import Run

_MAX_FILES = 10_000
_LONGEST_PATTERN = 1024


def _upload_url(request: Request, run_id: int, name: str) -> str:
    what = {"kind": "run_file", "run": run_id, "name": name}
    return request.backend.addresses.upload(request.base_url, what, name)


def _create_run_files(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    _check_number(input["files"])
    run = find_run(request, input, role=Role.MEMBER)
    targets = [
        {"name": name, "uploadUrl": _upload_url(request, run.id, clean_name(name))}
        for name in input["files"]
    ]
    return {"runID": ids.encode("Run", run.id), "uploadHeaders": [], "files": targets}


def _check_number(files: list[Any]) -> None:
    if len(files) > _MAX_FILES:
        raise ApiError(f"{len(files)} files: at most {_MAX_FILES} at once", 400)


def find_run(request: Request, given: dict[str, Any], *, role: Role) -> Run:
    """Find the run that is named by entity, project and run, where the user has a role.

    Raises:
        ApiError: there is none.
    """
    project = request.project(
        request.connection, given["entityName"], given["projectName"], role=role
    )
    run = runs.get(request.connection, project.id, given["runName"])
    if run is None:
        raise ApiError(f"run {given['runName']!r} not found", 404)
    return run


def _marked(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:  # noqa: A002
    find_run(info.context, input, role=Role.MEMBER)  # the upload itself has said so already
    return {"success": True}


def _delete_files(_root: Any, info: Info, input: dict[str, Any]) -> dict[str, bool]:  # noqa: A002
    request: Request = info.context
    _check_number(input["files"])
    with request.write() as writing:
        for wire_id in input["files"]:
            run_id, name = _read_file_id(wire_id)
            _check_run(request, writing, run_id, input.get("projectId"))
            run_files.delete(writing, run_id, name)
    return {"success": True}


def _check_run(
    request: Request, writing: sa.Connection, run_id: int, project_id: int | None
) -> None:
    run = request.owned(writing, runs.by_id(writing, run_id), "file", role=Role.MEMBER)
    if project_id not in (None, run.project_id):
        raise ApiError(f"the file is not one of project {project_id}", 404)


def _files(run: Run, info: Info, **arguments: Any) -> dict[str, Any]:
    request: Request = info.context
    _, limit = page_bounds(arguments.get("first"))
    after = arguments.get("after")
    begin = _read_file_id(after)[1] if after else ""
    names = {posixpath.normpath(name) for name in arguments.get("names") or () if name}
    pattern = arguments.get("pattern")
    if names:
        found = _named(request, run, names, upload=bool(arguments.get("upload")))
        total = len(found)
        found = [file for file in found if file.name > begin][: limit + 1]
    else:
        like = _like(pattern) if pattern else None
        found = run_files.page(request.connection, run.id, like=like, after=begin, limit=limit + 1)
        total = run_files.count(request.connection, run.id)
    edges = [{"node": file, "cursor": _file_id(file)} for file in found[:limit]]
    return page_of(edges, after, more=len(found) > limit) | {"totalCount": total}


def _named(request: Request, run: Run, names: set[str], *, upload: bool) -> list[RunFile]:
    """Give the files of these names; one that is to be uploaded may not be there yet."""
    _check_number(list(names))
    found = run_files.named(request.connection, run.id, sorted(names))
    if upload:
        missing = sorted(clean_name(name) for name in names - {file.name for file in found})
        now = time.time()
        found += [RunFile(run.id, name, "", "", 0, mimetype(name), now) for name in missing]
    return sorted(found, key=lambda file: file.name)


def _like(pattern: str) -> str:
    """Check a pattern of SQL's LIKE: % for any text, _ for any character, case does not count."""
    if len(pattern) > _LONGEST_PATTERN:
        raise ApiError(f"the pattern has more than {_LONGEST_PATTERN} characters", 400)
    ending = len(pattern) - len(pattern.rstrip("\\"))
    return pattern + "\\" * (ending % 2)  # an escape that escapes nothing stands for itself


def _url(file: Any, info: Info, **arguments: Any) -> str | None:
    """Give the address of a file's bytes; artifact files and manifests are dicts with their own."""
    if isinstance(file, dict):
        return file.get("directUrl")
    request: Request = info.context
    if arguments.get("upload"):
        run = runs.by_id(request.connection, file.run_id)
        request.owned(request.connection, run, "file", role=Role.MEMBER)
        return _upload_url(request, file.run_id, file.name)
    if not file.sha256:
        return None
    addresses = request.backend.addresses
    return addresses.download(request.base_url, file.sha256, file.mimetype, file.name)


def _of(file: Any, key: str, value: Any) -> Any:
    return file.get(key) if isinstance(file, dict) else value(file)


def _file_id(file: RunFile) -> str:
    return base64.b64encode(f"File:{file.run_id}:{file.name}".encode()).decode()


def _read_file_id(wire_id: str) -> tuple[int, str]:
    """Give the run and the name of a file's id, which is its cursor, too.

    Raises:
        ApiError: it is none.
    """
    try:
        kind, run_id, name = base64.b64decode(wire_id, validate=True).decode().split(":", 2)
        if kind == "File" and run_id.isdecimal() and len(run_id) < 10:
            return int(run_id), name
    except (binascii.Error, ValueError):
        pass
    raise ApiError(f"{wire_id[:80]!r} is no id of a File", 404)


RESOLVERS = {
    "Mutation": {
        "createRunFiles": _create_run_files,
        "markRunFilesUploaded": _marked,
        "deleteFiles": _delete_files,
    },
    "Run": {
        "files": _files,
        "fileCount": lambda run, info: run_files.count(info.context.connection, run.id),
    },
    "File": {
        "id": lambda file, _: _of(file, "id", _file_id),
        "displayName": lambda file, _: _of(file, "name", lambda f: f.name),
        "url": _url,
        "directUrl": _url,
        "sizeBytes": lambda file, _: _of(file, "sizeBytes", lambda f: f.size),
        "updatedAt": lambda file, _: _of(file, "updatedAt", lambda f: f.updated_at),
        "digest": lambda file, _: _of(file, "md5", lambda f: f.md5),
    },
}
