"""The folder of a server: its secrets, its files, and the lock that keeps others out."""

import os
import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path

from sweepcnn.errors import InputError, Problem, WorkError
from sweepcnn.server.locks import HeldError, Lock
from sweepcnn.server.mounts import network_kind
from sweepcnn.storage import urls
from sweepcnn.storage.blobs import BlobStore
from sweepcnn.storage.claims import Claim, ClaimedError
from sweepcnn.storage.database import Database

SECRET, BLOBS, LOCK = "secret", "blobs", "lock"
_DATABASE = "sweepcnn.db"


class DataFolder:
    """A data folder in use by this process.

    Args:
        path: absolute; made if it is new, readable by its owner alone.

    Raises:
        WorkError: it cannot be read or written, or another server uses it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._locks: list[Lock | Claim] = [_lock(path / LOCK, f"--data-dir {path}")]
            self.secret = kept_secret(path / SECRET, lambda: secrets.token_hex(32))
            self.blobs = BlobStore(path / BLOBS)
            self.blobs.check_writable()
        except OSError as error:
            problem = Problem(f"--data-dir {path}", str(error), "name a folder you may write to")
            raise WorkError(problem) from None

    def open_database(self, url: str | None) -> Database:
        """Open the database at a URL, by default the folder's own.

        Raises:
            InputError: the URL is no good.
            WorkError: another server uses it, or its file lies on a disk that is not safe for it.
        """
        url = url or default_url(self.path)
        file = sqlite_file(url)
        if file is None:
            self._locks.append(_claim(url))
        elif file.parent.is_dir():
            _refuse_network_disk(file)
            self._locks.append(_lock(file.with_name(f"{file.name}.lock"), f"database {file}"))
        return Database(url)

    def close(self) -> None:
        """Let another server have it."""
        for lock in self._locks:
            lock.release()


def require(path: Path) -> None:
    """Make sure that a folder is one that a server has used.

    Raises:
        InputError: it is not.
    """
    if not (path / BLOBS).is_dir():
        rule, remedy = "no backend keeps its files there", "name that of `sweepcnn server`"
        raise InputError(Problem(f"--data-dir {path}", rule, remedy))


def default_url(path: Path) -> str:
    """Give the URL of the database that a data folder holds."""
    return f"sqlite:///{path / _DATABASE}"


def sqlite_file(url: str) -> Path | None:
    """Give the file of a SQLite database, its links resolved; null for other databases.

    Raises:
        InputError: the URL cannot be read, or the database would be kept in memory.
    """
    place = urls.read(url)
    if place.get_backend_name() != "sqlite":
        return None
    if place.database in (None, "", ":memory:"):
        remedy = "name a file, such as sqlite:////path/sweepcnn.db"
        raise InputError(Problem(f"--database-url {url}", "keeps nothing", remedy))
    return Path(str(place.database)).resolve()


def kept_secret(path: Path, make: Callable[[], str]) -> str:
    """Read a secret, or make it in a file for its owner alone; it is never there half written."""
    if not path.exists():
        descriptor, name = tempfile.mkstemp(dir=path.parent)  # of mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        Path(name).replace(path)
    return path.read_text().strip()


def _lock(path: Path, what: str) -> Lock:
    try:
        return Lock(path)
    except HeldError as error:
        raise _in_use(what, f"process {error.holder or 'unknown'}") from None
    except OSError as error:
        rule = f"cannot be locked: {error}"
        raise WorkError(Problem(what, rule, "name a place on a disk of this machine")) from None


def _claim(url: str) -> Claim:
    try:
        return Claim(url)
    except ClaimedError as error:
        what = urls.shown(urls.read(url))
        raise _in_use(what, error.holder or "a process that cannot be seen") from None


def _in_use(what: str, holder: str) -> WorkError:
    rule = f"is in use by another server, {holder}"
    return WorkError(Problem(what, rule, "stop that one, or name another place"))


def _refuse_network_disk(file: Path) -> None:
    kind = network_kind(file)
    if kind:
        rule = f"lies on a network disk ({kind}), where SQLite may lose what it was given"
        remedy = "name a --data-dir on a disk of this machine, or a PostgreSQL --database-url"
        raise WorkError(Problem(f"database {file}", rule, remedy))
