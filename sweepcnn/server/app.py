"""The HTTP application: routes, limits, and errors in the client's form."""

import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import HTTPExceptionHandler

from sweepcnn.server import auth, disk_full, filestream, transfers
from sweepcnn.server.context import Backend
from sweepcnn.server.context import Request as GraphQLRequest
from sweepcnn.server.errors import ApiError
from sweepcnn.server.graphql import execute
from sweepcnn.server.http.bodies import Patience, read_json
from sweepcnn.server.http.metrics import Metrics, operation_name
from sweepcnn.server.http.observer import Observer
from sweepcnn.server.http.public_address import PublicAddress
from sweepcnn.server.http.state_routes import state_routes
from sweepcnn.storage.columns import UnfitError
from sweepcnn.storage.users import User

_log = logging.getLogger(__name__)
CRASH_AFTER_S = 120.0  # the client is silent for 30 s at most, 60 s more when it has to retry
_SILENCE_CHECK_S = 15.0


def create_app(
    backend: Backend,
    *,
    pages: Sequence[BaseRoute] = (),
    nowhere: HTTPExceptionHandler | None = None,
    public_url: str | None = None,
    on_start: Callable[[], None] = lambda: None,
    on_end: Callable[[], None] = lambda: None,
) -> Starlette:
    """Build the application.

    Args:
        backend: storage, scheduler and addresses.
        pages: the routes of the web pages.
        nowhere: answers at an address that no route has; null does so in plain text.
        public_url: how others reach the server; null derives it from each request.
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

    metrics = Metrics(backend.database)
    routes: list[BaseRoute] = [
        Route("/graphql", partial(_graphql, backend, metrics), methods=["POST"]),
        Route(
            "/files/{entity}/{project}/{run}/file_stream",
            partial(_file_stream, backend, metrics),
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
        *state_routes(backend, metrics),
        *pages,
    ]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[
            Middleware(Observer, metrics),
            Middleware(PublicAddress, public_url),
            Middleware(Patience),
        ],
        exception_handlers={
            ApiError: _refuse,
            UnfitError: _unfit,
            ClientDisconnect: _gone,
            OSError: _no_room,
            DBAPIError: _no_room,
            Exception: _fail,
        }
        | ({404: nowhere} if nowhere else {}),
    )


async def _user(backend: Backend, request: Request) -> User:
    """Give who asks; nothing of a stranger's body is read.

    Raises:
        ApiError: nobody who is known here.
    """
    authorization = request.headers.get("authorization")
    user = await run_in_threadpool(auth.authenticate, backend.database, authorization)
    request.state.user = user.name
    return user


async def _graphql(backend: Backend, metrics: Metrics, request: Request) -> Response:
    user = await _user(backend, request)
    body = await read_json(request)
    request.state.operation = operation_name(body)
    metrics.operation(request.state.operation)
    base_url = str(request.base_url).rstrip("/")

    def answer() -> tuple[int, dict[str, Any]]:
        with GraphQLRequest(backend, user, base_url) as context:
            return execute(body, context)

    status, content = await run_in_threadpool(answer)
    # ASCII: texts that clients sent may hold halves of surrogate pairs, which UTF-8 cannot say
    return Response(json.dumps(content), status, media_type="application/json")


async def _file_stream(backend: Backend, metrics: Metrics, request: Request) -> Response:
    user = await _user(backend, request)
    body = await read_json(request)
    path = request.path_params
    run = (path["entity"], path["project"], path["run"])
    headers = request.headers
    is_shared = headers.get("x-wandb-use-async-filestream") == "true"
    writer = headers.get("x-wandb-async-client-id", "") if is_shared else None
    receive = partial(filestream.receive, backend, user, *run, body, writer=writer)
    answer = await run_in_threadpool(receive)
    metrics.stream_lines(sum(len(part["content"]) for part in (body.get("files") or {}).values()))
    return JSONResponse(answer)


async def _artifact_file(backend: Backend, request: Request) -> Response:
    user = await _user(backend, request)
    return await transfers.artifact_file(backend, user, request)


async def _telemetry(_request: Request) -> Response:
    return Response()  # the client's own statistics: taken so that its log stays clean, not kept


async def _refuse(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    message = str(error)
    # What is left of a body that came too slowly is not waited for.
    headers = {"Connection": "close"} if error.status == 408 else None
    content = {"error": message, "errors": [{"message": message}]}
    return JSONResponse(content, error.status, headers)


async def _unfit(request: Request, error: Exception) -> Response:
    return await _refuse(request, ApiError(str(error), 400))


async def _gone(_request: Request, _error: Exception) -> Response:
    return Response(status_code=499)  # nobody is there to read it


async def _no_room(request: Request, error: Exception) -> Response:
    """Answer an error of the disk or the database: one that is not told by its name is a bug."""
    if not disk_full.is_disk_full(error):
        raise error
    return await _refuse(request, ApiError(disk_full.MESSAGE, disk_full.STATUS))


async def _fail(request: Request, error: Exception) -> Response:
    # The route, not the path: that of an upload is a right to write.
    route = getattr(request.scope.get("route"), "path", "a page")
    _log.error("%s %s failed", request.method, route, exc_info=error)
    message = "internal error; the server's log has it"
    return JSONResponse({"errors": [{"message": message}]}, 500)


def _watch_silence(backend: Backend, ended: threading.Event) -> None:
    """Give up runs and sweeps that fell silent; while we were down nobody could be heard."""
    started = time.time()
    while not ended.wait(_SILENCE_CHECK_S):
        before = time.time() - CRASH_AFTER_S
        if before > started:
            try:
                backend.scheduler.end_silent_runs(before)
                backend.scheduler.finish_abandoned(before)
            except SQLAlchemyError:
                _log.exception("the check for silent runs failed; it is tried again")
