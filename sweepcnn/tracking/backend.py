"""Whether the backend is there at all, asked before W&B's client waits for it."""

import os
import socket
from urllib.parse import urlsplit

from sweepcnn.errors import Problem, WorkError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_TIMEOUT_S = 3.0


def check_backend() -> None:
    """Make sure that somebody listens where WANDB_BASE_URL points to on this machine.

    The client would try again for a minute and then blame a busy service. Other machines are left
    to it: they may be reached through a proxy.

    Raises:
        WorkError: nobody listens there.
    """
    url = os.environ.get("WANDB_BASE_URL", "")
    parts = urlsplit(url)
    if parts.hostname not in _LOOPBACK:
        return
    try:
        socket.create_connection((parts.hostname, parts.port or 80), _TIMEOUT_S).close()
    except OSError as error:
        remedy = "start `sweepcnn server`, or unset WANDB_BASE_URL"
        raise WorkError(Problem(url, f"no server answers ({error})", remedy)) from None
