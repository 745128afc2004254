"""Starting the backend: data folder, first user, socket."""

import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from starlette.routing import BaseRoute

from sweepcnn.errors import InputError, Problem, WorkError
from sweepcnn.scheduler import Scheduler
from sweepcnn.server import first_user
from sweepcnn.server.addresses import Addresses
from sweepcnn.server.app import create_app
from sweepcnn.server.context import Backend
from sweepcnn.storage import people
from sweepcnn.storage.blobs import BlobStore
from sweepcnn.storage.database import Database


@dataclass(frozen=True)
class Ready:
    """A server that listens."""

    url: str
    api_key: str | None
    """The first user's; null where others can reach the server, to whom it is not shown."""
    data_dir: Path


def serve(
    *,
    host: str,
    port: int,
    data_dir: Path,
    database_url: str | None,
    on_ready: Callable[[Ready], None],
    pages: Callable[[Backend], Sequence[BaseRoute]] = lambda _: (),
) -> None:
    """Run the backend until it is told to end (SIGINT, SIGTERM).

    Args:
        host: if it is no loopback address, somebody must have been added.
        port: 0 takes a free one.
        data_dir: made if it is new.
        database_url: a SQLAlchemy URL; null is SQLite in the data folder.
        on_ready: called once requests are taken.
        pages: makes the routes of the web pages.

    Raises:
        InputError: others can reach the address, and nobody was added who could log in.
        WorkError: the data folder cannot be written or the port is taken.
    """
    secret = _prepare_folder(data_dir)
    database = _open(database_url or f"sqlite:///{data_dir / 'sweepcnn.db'}")
    api_key = _admit(database, host, data_dir)
    listener = _listen(host, port)
    backend = Backend(
        database=database,
        blobs=BlobStore(data_dir / "blobs"),
        addresses=Addresses(secret),
        scheduler=Scheduler(database),
        secret=secret,
    )

    def end() -> None:
        backend.scheduler.close()
        database.close()

    shown = f"[{host}]" if ":" in host else host
    ready = Ready(f"http://{shown}:{listener.getsockname()[1]}", api_key, data_dir)
    site = pages(backend)
    app = create_app(backend, pages=site, on_start=lambda: on_ready(ready), on_end=end)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listener])


def _prepare_folder(data_dir: Path) -> str:
    """Make the data folder, readable by its owner alone, and give the signing secret in it."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        return _kept_secret(data_dir / "secret", lambda: secrets.token_hex(32))
    except OSError as error:
        problem = Problem(f"--data-dir {data_dir}", str(error), "name a folder you may write to")
        raise WorkError(problem) from None


def _kept_secret(path: Path, make: Callable[[], str]) -> str:
    """Read a secret, or make it in a file for its owner alone; it is never there half written."""
    if not path.exists():
        descriptor, name = tempfile.mkstemp(dir=path.parent)  # of mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        Path(name).replace(path)
    return path.read_text().strip()


def _open(url: str) -> Database:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
            rule, remedy = "keeps nothing", "name a file, such as sqlite:////path/sweepcnn.db"
            raise InputError(Problem(f"--database-url {url}", rule, remedy))
        return Database(url)
    except (SQLAlchemyError, ImportError) as error:
        remedy = "name one such as sqlite:////path/sweepcnn.db"
        raise InputError(Problem("--database-url", f"cannot be used: {error}", remedy)) from None


def _listen(host: str, port: int) -> socket.socket:
    """Open the socket ourselves: its port is known, and bound, before anything is announced."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol by name: asyncio turns the 40 ms of Nagle's delay off only where it is said.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        problem = Problem(f"--port {port}", str(error), "stop what uses it, or use --port 0")
        raise WorkError(problem) from None
    listener.listen(256)
    return listener


def _admit(database: Database, host: str, data_dir: Path) -> str | None:
    """See that somebody can log in: on loopback the first user, whose key is given, else others."""
    if not first_user.is_loopback(host):
        first_user.check_others(database, host)
        return None
    key = _kept_secret(data_dir / first_user.KEY_FILE, people.new_key)
    first_user.admit(database, key)
    return key
