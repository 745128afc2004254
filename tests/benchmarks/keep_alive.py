"""HTTP spoken by hand: a client library would take more time than the server that is measured."""

import asyncio
import base64
import json
from typing import Any
from urllib.parse import urlsplit


class KeepAlive:
    """One connection to a server, opened anew when it was lost. One request at a time."""

    def __init__(self, url: str, key: str) -> None:
        where = urlsplit(url)
        self._host, self._port = str(where.hostname), int(where.port or 80)
        user = base64.b64encode(f"api:{key}".encode()).decode()
        self._head = (
            f"Host: {where.netloc}\r\nAuthorization: Basic {user}\r\n"
            "Content-Type: application/json\r\n"
        )
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def post(self, path: str, body: Any) -> bytes:
        """Write a request down."""
        content = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(content)}\r\n\r\n"
        return head.encode() + content

    async def exchange(self, request: bytes) -> bytes:
        """Send a request and give the body of the answer.

        Raises:
            OSError: there is no server, or it went before it had answered.
            RuntimeError: the answer is not a good one.
        """
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            status, _, fields = head.partition(b"\r\n")
            answer = await reader.readexactly(_content_length(fields))
        except asyncio.IncompleteReadError:
            self.close()
            raise ConnectionResetError("the server went away") from None
        except OSError:
            self.close()
            raise
        if b" 200 " not in status or answer.startswith(b'{"data": null'):
            raise RuntimeError(f"{status.decode()}: {answer[:300].decode()}")
        return answer

    def close(self) -> None:
        """Leave the server."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def _content_length(fields: bytes) -> int:
    named = (line.partition(b":") for line in fields.split(b"\r\n"))
    return next(int(value) for name, _, value in named if name.lower() == b"content-length")
