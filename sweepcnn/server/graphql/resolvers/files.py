"""Files of a run."""

import posixpath
import re
from typing import Any

from sweepcnn.server import ids
from sweepcnn.server.context import Info, Request
from sweepcnn.server.errors import ApiError
from sweepcnn.server.file_names import clean_name
from sweepcnn.server.graphql.paging import connection
from sweepcnn.storage import run_files, runs
from sweepcnn.storage.access import Role
from sweepcnn.storage.run_files import RunFile
from sweepcnn.storage.runs import Run

_MAX_FILES = 10_000


def _upload_url(request: Request, run_id: int, name: str) -> str:
    what = {"kind": "run_file", "run": run_id, "name": name}
    return request.backend.addresses.upload(request.base_url, what, name)


def _create_run_files(_root: Any, info: Info, input: dict[str, Any]) -> Any:  # noqa: A002
    request: Request = info.context
    if len(input["files"]) > _MAX_FILES:
        raise ApiError(f"{len(input['files'])} files: at most {_MAX_FILES} at once", 400)
    run = find_run(request, input, role=Role.MEMBER)
    targets = [
        {"name": name, "uploadUrl": _upload_url(request, run.id, clean_name(name))}
        for name in input["files"]
    ]
    return {"runID": ids.encode("Run", run.id), "uploadHeaders": [], "files": targets}


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


def _files(run: Run, info: Info, **arguments: Any) -> dict[str, Any]:
    request: Request = info.context
    found: list[Any] = list(run_files.of_run(request.connection, run.id))
    names = [posixpath.normpath(name) for name in arguments.get("names") or [] if name]
    if names:
        found = [file for file in found if file.name in names]
    if arguments.get("pattern"):
        like = _like(arguments["pattern"])
        found = [file for file in found if like.fullmatch(file.name)]
    return connection(found, arguments.get("first"), arguments.get("after"))


def _like(pattern: str) -> re.Pattern[str]:
    """Turn SQL's LIKE (% for any text, _ for any character) into a regular expression."""
    escaped = re.escape(pattern[:1024])
    return re.compile(escaped.replace("%", ".*").replace("_", "."), re.DOTALL)


def _url(file: Any, info: Info, **arguments: Any) -> str | None:
    """Give the address of a file's bytes; artifact files and manifests are dicts with their own."""
    if isinstance(file, dict):
        return file.get("directUrl")
    request: Request = info.context
    if arguments.get("upload"):
        return _upload_url(request, file.run_id, file.name)
    addresses = request.backend.addresses
    return addresses.download(request.base_url, file.sha256, file.mimetype, file.name)


def _of(file: Any, key: str, value: Any) -> Any:
    return file.get(key) if isinstance(file, dict) else value(file)


def _file_id(file: RunFile) -> str:
    return ids.encode(f"File-{file.run_id}-{file.name}", 0)


RESOLVERS = {
    "Mutation": {"createRunFiles": _create_run_files, "markRunFilesUploaded": _marked},
    "Run": {
        "files": _files,
        "fileCount": lambda run, info: len(run_files.of_run(info.context.connection, run.id)),
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
