"""Files that a process locks for as long as it lives; however it dies, the lock is gone."""

import fcntl
import os
from pathlib import Path


class HeldError(Exception):
    """Another process holds the lock.

    Args:
        holder: its process id as it wrote it down; empty where it has not yet.
    """

    def __init__(self, holder: str) -> None:
        super().__init__(f"locked by process {holder or '?'}")
        self.holder = holder


class Lock:
    """A locked file that names its holder. The file itself stays: removing it would open a race.

    Raises:
        HeldError: another process holds it.
        OSError: the file cannot be made, or its file system knows no locks.
    """

    def __init__(self, path: Path) -> None:
        # Closed at exec, so that no process we start keeps the lock after us.
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._file, 32).decode("ascii", "replace").strip()
            os.close(self._file)
            raise HeldError(holder) from None
        except OSError:
            os.close(self._file)
            raise
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let others have it."""
        os.close(self._file)
