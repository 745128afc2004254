"""The HTTP application: routes, limits, and errors in the client's form."""

import json
import logging
import re
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from sweepcnn.server import auth, filestream, transfers
from sweepcnn.server.context import Backend
from sweepcnn.server.context import Request as GraphQLRequest
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql import execute
from sweepcnn.storage.columns import UnfitError
from sweepcnn.storage.users import User

_log = logging.getLogger(__name__)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # half a character; alone, it cannot be stored
_MAX_BODY_BYTES = 32 * 2**20  # the client sends up to 16 MiB of a stream at once
CRASH_AFTER_S = 120.0  # the client is silent for 30 s at most, 60 s more when it has to retry
_SILENCE_CHECK_S = 15.0


def create_app(
    backend: Backend,
    *,
    pages: Sequence[BaseRoute] = (),
    on_start: Callable[[], None] = lambda: None,
    on_end: Callable[[], None] = lambda: None,
) -> Starlette:
    """Build the application.

    Args:
        backend: storage, scheduler and addresses.
        pages: the routes of the web pages.
        on_start: called once the server is about to take requests and to heed signals.
        on_end: called at shutdown.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        ended = threading.Event()
        watcher = threading.Thread(target=_watch_silence, args=(backend, ended), daemon=True)
        watcher.start()
        on_start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
            on_end()

    routes: list[BaseRoute] = [
        Route("/graphql", partial(_graphql, backend), methods=["POST"]),
        Route(
            "/files/{entity}/{project}/{run}/file_stream",
            partial(_file_stream, backend),
            methods=["POST"],
        ),
        Route("/uploads/{token}/{label:path}", partial(transfers.upload, backend), methods=["PUT"]),
        Route("/blobs/{token}/{label:path}", partial(transfers.download, backend)),
        *(
            Route(f"/{kind}/{{token}}/{{label:path}}", transfers.preflight, methods=["OPTIONS"])
            for kind in ("uploads", "blobs")
        ),
        Route("/artifactsV2/{path:path}", partial(_artifact_file, backend)),
        Route("/sdk/otel/v1/{kind}", _telemetry, methods=["POST"]),
        Route("/healthz", _healthz),
        *pages,
    ]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        exception_handlers={
            ApiError: _refuse,
            UnfitError: _unfit,
            ClientDisconnect: _gone,
            Exception: _fail,
        },
    )


async def _user(backend: Backend, request: Request) -> User:
    """Give who asks; nothing of a stranger's body is read.

    Raises:
        ApiError: nobody who is known here.
    """
    authorization = request.headers.get("authorization")
    return await run_in_threadpool(auth.authenticate, backend.database, authorization)


async def _graphql(backend: Backend, request: Request) -> Response:
    user = await _user(backend, request)
    body = await _read_json(request)
    base_url = str(request.base_url).rstrip("/")

    def answer() -> tuple[int, dict[str, Any]]:
        with GraphQLRequest(backend, user, base_url) as context:
            return execute(body, context)

    status, content = await run_in_threadpool(answer)
    # ASCII: texts that clients sent may hold halves of surrogate pairs, which UTF-8 cannot say
    return Response(json.dumps(content), status, media_type="application/json")


async def _file_stream(backend: Backend, request: Request) -> Response:
    user = await _user(backend, request)
    body = await _read_json(request)
    path = request.path_params
    run = (path["entity"], path["project"], path["run"])
    return JSONResponse(await run_in_threadpool(filestream.receive, backend, user, *run, body))


async def _artifact_file(backend: Backend, request: Request) -> Response:
    user = await _user(backend, request)
    return await transfers.artifact_file(backend, user, request)


async def _telemetry(_request: Request) -> Response:
    return Response()  # the client's own statistics: taken so that its log stays clean, not kept


async def _healthz(_request: Request) -> Response:
    return PlainTextResponse("ok")


async def _read_json(request: Request) -> Any:
    """Read a bounded JSON body; bare NaN and Infinity are read as Python does.

    Raises:
        ApiError: it is too large or no JSON.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise ApiError(f"the body has more than {_MAX_BODY_BYTES} bytes", 413)
    if request.headers.get("content-encoding") == "gzip":
        unpacker = zlib.decompressobj(wbits=31)
        try:
            body = bytearray(unpacker.decompress(bytes(body), _MAX_BODY_BYTES + 1))
        except zlib.error as error:
            raise ApiError(f"the body is no gzip: {error}", 400) from None
        if len(body) > _MAX_BODY_BYTES:
            raise ApiError(f"the body unpacks to more than {_MAX_BODY_BYTES} bytes", 413)
    try:
        document = json.loads(bytes(body))
        if _SURROGATE.search(body):
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ApiError("the body is no JSON in UTF-8", 400) from None
    return document


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    message = str(error)
    return JSONResponse({"error": message, "errors": [{"message": message}]}, error.status)


async def _unfit(request: Request, error: Exception) -> Response:
    return await _refuse(request, ApiError(str(error), 400))


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)  # nobody is there to read it


async def _fail(request: Request, error: Exception) -> Response:
    # The route, not the path: that of an upload is a right to write.
    route = getattr(request.scope.get("route"), "path", "a page")
    _log.error("%s %s failed", request.method, route, exc_info=error)
    message = "internal error; the server's log has it"
    return JSONResponse({"errors": [{"message": message}]}, 500)


def _watch_silence(backend: Backend, ended: threading.Event) -> None:
    """Mark runs crashed that fell silent; while we were down nobody could be heard."""
    started = time.time()
    while not ended.wait(_SILENCE_CHECK_S):
        before = time.time() - CRASH_AFTER_S
        if before > started:
            try:
                backend.scheduler.end_silent_runs(before)
            except SQLAlchemyError:
                _log.exception("the check for silent runs failed; it is tried again")
