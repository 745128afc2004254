"""Connections that nobody can hold open by sending, or reading, next to nothing."""

import asyncio
import resource
import socket
import struct
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0
"""Seconds from the first byte of a request's head to its last; also for what nobody reads."""
STALL_S = 60.0
"""Seconds for which a client may take none of its answer."""
_MOST_CONNECTIONS = 2048
_FILES_BESIDE = 128  # database connections, libraries, the listener
_LATE = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-type: text/plain\r\n"
    b"connection: close\r\ncontent-length: 17\r\n\r\nrequest timed out"
)


def most_connections() -> int:
    """Give the number of connections to serve at once, and allow this process their files."""
    wanted = _FILES_BESIDE + 2 * _MOST_CONNECTIONS  # a connection may have a blob open
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    files = wanted if soft == resource.RLIM_INFINITY else min(wanted, soft)
    return max(16, (files - _FILES_BESIDE) // 2)


class Connection(H11Protocol):
    """One client's connection; uvicorn's own, with bounds on its patience.

    The bound on a request's body lies in `bodies`: only who reads it knows that it is waited for.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._begun = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take a new connection; its first request is due."""
        super().connection_made(cast("asyncio.Transport", transport))
        self._head = self.loop.call_later(HEAD_S, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        for timer in (self._head, self._stall):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in; between requests they begin a head, which is to be whole in time.

        Or they are the rest of a body that was answered without being read: the same bound holds.
        """
        if self._is_between_requests():
            self._begun = True
            if self._head is None:
                self._head = self.loop.call_later(HEAD_S, self._give_up)
        super().data_received(data)
        if self._head is not None and not self._is_between_requests():
            self._head.cancel()
            self._head, self._begun = None, False

    def pause_writing(self) -> None:
        """Note that the client reads more slowly than we write."""
        super().pause_writing()
        if self._stall is None:
            self._stall = self.loop.call_later(STALL_S, self._cut)

    def resume_writing(self) -> None:
        """Note that the client has read on."""
        super().resume_writing()
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also where its client never reads what it was sent."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(STALL_S, self._cut)

    def _is_between_requests(self) -> bool:
        # uvicorn declares a cycle that is there from the first request on only
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]

    def _give_up(self) -> None:
        self._head = None
        if self.transport.is_closing():
            return
        if self._begun and self.conn.our_state is h11.IDLE:
            self.transport.write(_LATE)
            self.transport.close()
        else:  # nothing was asked, or what was asked is answered
            self._cut()

    def _cut(self) -> None:
        """Drop the connection, and what the kernel still has to send on it."""
        opened = self.transport.get_extra_info("socket")
        if opened is not None and opened.fileno() >= 0:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
