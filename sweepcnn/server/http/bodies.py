"""Bodies of requests: bounded in size, and in the time that they may take."""

import asyncio
import json
import re
import zlib
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sweepcnn.server.errors import ApiError

IDLE_S = 30.0
"""Seconds without a byte after which a body is given up."""
GRACE_S = 60.0
"""Seconds of waiting that any body is granted; beyond them it has to keep up the least rate."""
LEAST_BYTES_PER_S = 1024
MAX_JSON_BYTES = 32 * 2**20  # the client sends up to 16 MiB of a stream at once
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")  # half a character; alone, it cannot be stored


class Patience:
    """ASGI middleware that ends requests whose bodies come too slowly, with 408.

    Only the time is counted in which somebody waits for the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        waited, received, more = 0.0, 0, True

        async def timed() -> Message:
            nonlocal waited, received, more
            if not more:  # from here on, what comes is the client's leaving
                return await receive()
            before = asyncio.get_running_loop().time()
            bound = min(IDLE_S, GRACE_S + received / LEAST_BYTES_PER_S - waited)
            try:
                async with asyncio.timeout(bound):
                    message = await receive()
            except TimeoutError:
                raise ApiError("the body came too slowly; send it again", 408) from None
            waited += asyncio.get_running_loop().time() - before
            received += len(message.get("body", b""))
            more = message.get("more_body", False)
            return message

        await self._app(scope, timed if scope["type"] == "http" else receive, send)


def declared_length(request: Request, *, limit: int) -> int | None:
    """Give the size that a request says its body has; null where it does not say.

    Raises:
        ApiError: it is more than `limit` bytes.
    """
    text = request.headers.get("content-length")
    length = int(text) if text is not None else None  # the parser let digits pass only
    if length is not None and length > limit:
        raise ApiError(f"the body has {length} bytes, of at most {limit}", 413)
    return length


async def read_json(request: Request) -> Any:
    """Read a bounded JSON body; bare NaN and Infinity are read as Python does.

    Raises:
        ApiError: it is too large or no JSON.
    """
    declared_length(request, limit=MAX_JSON_BYTES)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise ApiError(f"the body has more than {MAX_JSON_BYTES} bytes", 413)
    if request.headers.get("content-encoding") == "gzip":
        unpacker = zlib.decompressobj(wbits=31)
        try:
            body = bytearray(unpacker.decompress(bytes(body), MAX_JSON_BYTES + 1))
        except zlib.error as error:
            raise ApiError(f"the body is no gzip: {error}", 400) from None
        if len(body) > MAX_JSON_BYTES:
            raise ApiError(f"the body unpacks to more than {MAX_JSON_BYTES} bytes", 413)
    try:
        document = json.loads(bytes(body))
        if _SURROGATE.search(body):
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ApiError("the body is no JSON in UTF-8", 400) from None
    return document
