"""How the server ends: in bounded time at the first signal, at once at the second."""

import logging
import os
import signal
import threading
from types import FrameType

import uvicorn

REQUESTS_S = 5
"""Seconds that running requests have to finish."""
THREADS_S = 5
"""Seconds more for work that cannot be broken off, such as a suggestion that is being made."""
_log = logging.getLogger(__name__)


class Server(uvicorn.Server):
    """uvicorn's server with our way to end; `run` returns after the first signal."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Take a signal that asks for the end."""
        if self.should_exit:  # the database and the blobs survive a kill at any moment
            signal.signal(sig, signal.SIG_DFL)
            os.kill(os.getpid(), sig)
        self.should_exit = True
        last = threading.Timer(REQUESTS_S + THREADS_S, _leave)
        last.daemon = True
        last.start()


def _leave() -> None:
    _log.warning("left while work was still being done; clients ask for it again")
    os._exit(0)
