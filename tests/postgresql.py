"""A private PostgreSQL server for tests: Debian's package, a folder and a socket of its own."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

from tests.requirements import missing

_DEBIAN = Path("/usr/lib/postgresql")
_TIMEOUT_S = 60
_SETTINGS = """
listen_addresses = ''
max_connections = 200
# What is lost when the machine fails does not matter here.
fsync = off
full_page_writes = off
synchronous_commit = off
"""
# One whose order of letters is not that of their codes: no test may depend on it.
_LANGUAGE = ("--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en-US")
_GUARDED = "guarded"
# Ends the server and removes its folder when nobody holds its input any more: after the tests, or
# when their process was killed.
_KEEPER = """
cat
"$1" -D "$2/data" --wait --mode=immediate stop
rm -rf "$2"
"""


class PostgreSQL:
    """A running server.

    Args:
        folder: where its socket is.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def new_database(self, *, template: str = "template1") -> str:
        """Make a database, empty or like another, and give its URL."""
        name = f"test{next(self._numbers)}"
        self.command(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def url(self, name: str, *, user: str = "postgres", password: str = "") -> str:
        """Give the URL of a database."""
        login = f"{user}:{password}" if password else user
        return f"postgresql://{login}@/{name}?host={self._folder}"

    def new_guarded_role(self, password: str) -> str:
        """Make a role that has to give its password, and give its name."""
        name = f"{_GUARDED}{next(self._numbers)}"
        self.command(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE {_GUARDED}")
        return name

    def cut_connections(self, url: str) -> None:
        """End all connections to a database, as a restart would."""
        name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        self.command(ended, name)

    def command(self, sql: str, *values: object, database: str = "postgres") -> None:
        """Execute a statement of the administrator, outside of transactions."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(sql, values)


@contextmanager
def running_postgresql() -> Iterator[PostgreSQL]:
    """Run a server until the block ends."""
    programs = _programs()
    # Not in pytest's folders: those are closed to the user that the server has to run as.
    folder = Path(tempfile.mkdtemp(prefix="sweepcnn-postgresql-"))
    data, log = folder / "data", folder / "log"
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root

    def call(program: str, *words: str) -> None:
        command = [str(programs / program), "-D", str(data), *words]
        subprocess.run(
            command,
            check=True,
            timeout=2 * _TIMEOUT_S,
            stdout=subprocess.DEVNULL,
            user=user,
            group=user,
            cwd=folder,
        )

    if user:
        shutil.chown(folder, user, user)
    with _kept(folder, programs / "pg_ctl", user):
        call("initdb", "--username=postgres", "--auth=trust", "--no-sync", *_LANGUAGE)
        settings = data / "postgresql.conf"
        settings.write_text(
            f"{settings.read_text()}{_SETTINGS}unix_socket_directories = '{folder}'\n"
        )
        rules = data / "pg_hba.conf"
        rules.write_text(f"local all +{_GUARDED} scram-sha-256\n{rules.read_text()}")
        call("pg_ctl", "--wait", f"--timeout={_TIMEOUT_S}", f"--log={log}", "start")
        server = PostgreSQL(folder)
        server.command(f"CREATE ROLE {_GUARDED}")
        yield server


@contextmanager
def _kept(folder: Path, pg_ctl: Path, user: str | None) -> Iterator[None]:
    """See that a server ends with the block, and also if this process does not live to its end."""
    keeper = subprocess.Popen(
        ["sh", "-c", _KEEPER, "keeper", str(pg_ctl), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # the interrupt key is not for it
        user=user,
        group=user,
        cwd="/",
    )
    try:
        yield
    finally:
        keeper.communicate(timeout=2 * _TIMEOUT_S)


def _programs() -> Path:
    """Give the folder of the newest version's programs."""
    found = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        missing("postgresql")
    return found[-1].parent
