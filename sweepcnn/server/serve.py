"""Starting the backend: data folder, first user, socket."""

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import uvicorn
from starlette.routing import BaseRoute
from starlette.types import HTTPExceptionHandler

from sweepcnn.errors import InputError, Problem, WorkError
from sweepcnn.scheduler import Scheduler
from sweepcnn.server import first_user
from sweepcnn.server.addresses import Addresses
from sweepcnn.server.app import create_app
from sweepcnn.server.context import Backend
from sweepcnn.server.data_folder import DataFolder, kept_secret
from sweepcnn.server.http import logs, public_address
from sweepcnn.server.http.connections import Connection, most_connections
from sweepcnn.server.pairing import pair
from sweepcnn.server.stopping import REQUESTS_S, Server
from sweepcnn.storage import people
from sweepcnn.storage.database import Database

LOOPBACK = ("127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - to tell what is no address to reach


@dataclass(frozen=True)
class Ready:
    """A server that listens."""

    url: str
    """How clients reach it: the public address where there is one, else this machine's."""
    listens_at: str
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
    nowhere: HTTPExceptionHandler | None = None,
    public_url: str | None = None,
    trusted_proxies: Sequence[str] = LOOPBACK,
    log_format: logs.Format = "text",
    log_level: logs.Level = "warning",
) -> None:
    """Run the backend until it is told to end (SIGINT, SIGTERM).

    Args:
        host: if it is no loopback address, somebody must have been added.
        port: 0 takes a free one.
        data_dir: made if it is new.
        database_url: a SQLAlchemy URL; null is SQLite in the data folder.
        on_ready: called once requests are taken.
        pages: makes the routes of the web pages.
        nowhere: answers at an address that no route has; null does so in plain text.
        public_url: how others reach the server; null derives it from each request.
        trusted_proxies: addresses or networks whose X-Forwarded-For and -Proto are believed.
        log_format: of the lines on stderr.
        log_level: the least level that is logged; `info` has a line for each request.

    Raises:
        InputError: an address or URL is no good, the database belongs to another folder, or others
            can reach the server, and nobody was added who could log in.
        WorkError: the data folder or database cannot be used or is in use, or the port is taken.
    """
    public = public_address.read(public_url) if public_url else None
    _check_proxies(trusted_proxies)
    logs.configure(log_format, log_level)
    folder = DataFolder(data_dir)
    database = folder.open_database(database_url)
    pair(data_dir, database)
    api_key = _admit(database, host, data_dir)
    listener = _listen(host, port)
    backend = Backend(
        database=database,
        blobs=folder.blobs,
        addresses=Addresses(folder.secret),
        scheduler=Scheduler(database),
        secret=folder.secret,
    )

    def end() -> None:
        backend.scheduler.close()
        database.close()

    port = listener.getsockname()[1]
    reached = public or _address(socket.gethostname() if host in _EVERYWHERE else host, port)
    ready = Ready(reached, _address(host, port), api_key, data_dir)
    app = create_app(
        backend,
        pages=pages(backend),
        nowhere=nowhere,
        public_url=public,
        on_start=lambda: on_ready(ready),
        on_end=end,
    )
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=list(trusted_proxies),
        limit_concurrency=most_connections(),
        timeout_graceful_shutdown=REQUESTS_S,
    )
    Server(config).run(sockets=[listener])
    folder.close()


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _check_proxies(addresses: Sequence[str]) -> None:
    for address in addresses:
        try:
            ip_network(address)
        except ValueError as error:
            remedy = "name an address or a network, such as 10.0.0.0/8"
            raise InputError(Problem("--trusted-proxy", str(error), remedy)) from None


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
    key = kept_secret(data_dir / first_user.KEY_FILE, people.new_key)
    first_user.admit(database, key)
    return key
