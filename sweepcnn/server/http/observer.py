"""Tells the log and the metrics of every request, whatever became of it."""

import asyncio
import json
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sweepcnn.server.http import logs
from sweepcnn.server.http.metrics import Metrics

_log = logging.getLogger(__name__)
_STOPPING = json.dumps({"errors": [{"message": "the server is stopping; try again"}]}).encode()


class Observer:
    """ASGI middleware around everything but the answer to what nobody foresaw.

    Handlers leave in the request's state what only they know: `user` and `operation`. What is told
    of the address is its route's template, for the address itself may be a right to read or write.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and tell of it once it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send)
        scope.setdefault("state", {})
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:  # the server stops and has waited for as long as it does
            await exchange.break_off()
        finally:
            self._tell(scope, exchange)

    def _tell(self, scope: Scope, exchange: "_Exchange") -> None:
        seconds = time.perf_counter() - exchange.started
        status = exchange.status or 500  # what nobody foresaw, answered further out
        route = getattr(scope.get("route"), "path", "none")
        traffic = (exchange.received, exchange.sent)
        self._metrics.request(scope["method"], route, status, seconds, *traffic)
        level = logging.WARNING if status >= 500 else logging.INFO
        told = logs.fields(
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            user=scope["state"].get("user"),
            operation=scope["state"].get("operation"),
            bytes_in=exchange.received,
            bytes_out=exchange.sent,
        )
        _log.log(level, "request", extra=told)


class _Exchange:
    """One request and its answer, counted (bytes of the bodies)."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self.started = time.perf_counter()
        self.status: int | None = None
        self.received = 0
        self.sent = 0

    async def receive(self) -> Message:
        message = await self._receive()
        self.received += len(message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.sent += len(message.get("body", b""))
        await self._send(message)

    async def break_off(self) -> None:
        """Have the client try again later, unless its answer is on the way already."""
        if self.status is None:
            headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
            headers.append((b"content-length", str(len(_STOPPING)).encode()))
            await self.send({"type": "http.response.start", "status": 503, "headers": headers})
            await self.send({"type": "http.response.body", "body": _STOPPING})
