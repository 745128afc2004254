"""Whether the server can do its work: the database answers and files can be stored."""

import asyncio

import anyio
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from sweepcnn.server.context import Backend
from sweepcnn.storage import tables

_TIMEOUT_S = 5.0


class Health:
    """Looks whether all is well; for one event loop, in which its limit of threads is made."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._threads = anyio.CapacityLimiter(4)  # of its own: the others may all be busy

    async def trouble(self) -> str | None:
        """Give what is wrong, in words that may be shown to anybody; null if all is well."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await anyio.to_thread.run_sync(
                    self._look, abandon_on_cancel=True, limiter=self._threads
                )
        except TimeoutError:
            return f"database and files: no answer within {_TIMEOUT_S:.0f} s"

    def _look(self) -> str | None:
        try:
            with self._backend.database.read() as reading:
                reading.execute(sa.select(tables.users.c.id).limit(1))
        except SQLAlchemyError as error:
            return f"database: does not answer ({type(error).__name__})"
        try:
            self._backend.blobs.check_writable()
        except OSError as error:
            return f"files: cannot be stored ({error.strerror})"
        return None
