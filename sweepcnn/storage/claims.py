"""The claim of one server on a PostgreSQL database; those of SQLite are kept by their file's lock.

The claim is a lock that PostgreSQL holds for a connection. It goes with the process, however that
ends; where the connection alone is lost, the claim is made again.
"""

import logging
import os
import platform
import threading

import sqlalchemy as sa

from sweepcnn.errors import InputError
from sweepcnn.storage import urls

_log = logging.getLogger(__name__)
_SPACE = 0x5377_6565  # of our keys among all advisory locks; the schema makes the other half
_CHECK_S = 15.0
_WAIT_S = 3.0  # the connection of a process that was killed takes a moment to end
_END_S = 5.0
_SETTINGS = {
    "idle_session_timeout": 0,
    "tcp_keepalives_idle": 30,  # s; here and below: of a machine that died, 1 min keeps the claim
    "tcp_keepalives_interval": 10,
    "tcp_keepalives_count": 3,
}
_TAKE = sa.text("SELECT pg_advisory_lock(:space, hashtext(current_schema()))")
_HOLDER = sa.text(
    "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)"
    " WHERE locktype = 'advisory' AND granted AND datname = current_database()"
    " AND database = datid AND classid = :space"
    " AND objid::bigint = hashtext(current_schema())::bigint & 4294967295"
)


class ClaimedError(Exception):
    """Another process has claimed the database.

    Args:
        holder: which one, and on which machine; empty where that cannot be seen.
    """

    def __init__(self, holder: str) -> None:
        super().__init__(f"claimed by {holder or '?'}")
        self.holder = holder


class Claim:
    """A claim on a PostgreSQL database, or on the schema in it that holds our tables.

    Args:
        url: of the database.
        check_s: seconds after which a lost connection is noticed.
        wait_s: seconds to wait for another process to let go of it.

    Raises:
        ClaimedError: another process has it.
        InputError: the database cannot be used.
    """

    def __init__(self, url: str, *, check_s: float = _CHECK_S, wait_s: float = _WAIT_S) -> None:
        place = urls.read(url)
        self._check_s = check_s
        settings = _SETTINGS | {"lock_timeout": round(wait_s * 1000)}
        try:
            self._engine = sa.create_engine(
                urls.with_settings(place, settings),
                poolclass=sa.NullPool,
                isolation_level="AUTOCOMMIT",
                connect_args={"application_name": f"process {os.getpid()} on {platform.node()}"},
            )
            self._connection = self._take()
        except (sa.exc.SQLAlchemyError, ImportError) as error:
            raise InputError(urls.problem(place, error)) from None
        self._released = threading.Event()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def release(self) -> None:
        """Let others have it."""
        self._released.set()
        self._keeper.join(_END_S)  # it may wait for a database that does not answer
        self._connection.close()

    def _take(self) -> sa.Connection:
        connection = self._engine.connect()
        try:
            connection.execute(_TAKE, {"space": _SPACE})
        except sa.exc.OperationalError as error:
            refused = getattr(error.orig, "sqlstate", None) == "55P03"  # lock_not_available
            holder = connection.execute(_HOLDER, {"space": _SPACE}).scalar() if refused else None
            connection.close()
            if refused:
                raise ClaimedError(str(holder or "")) from None
            raise
        return connection

    def _keep(self) -> None:
        while not self._released.wait(self._check_s):
            try:
                self._connection.exec_driver_sql("SELECT 1")
            except sa.exc.SQLAlchemyError:
                self._renew()

    def _renew(self) -> None:
        try:
            self._connection.close()
            self._connection = self._take()
        except ClaimedError as error:
            _log.error("%s uses our database, too; stop one of us", error.holder or "a server")
        except sa.exc.SQLAlchemyError:
            _log.warning("the database does not answer; the claim on it is made again later")
