"""A full disk, as the database and the file system tell of it."""

import errno
import sqlite3

from sqlalchemy.exc import DBAPIError

MESSAGE = "the server's disk is full; nothing was stored, and the client tries again"
STATUS = 507  # the client repeats what was answered so, until there is room

_ERRNO = (errno.ENOSPC, errno.EDQUOT)
_SQLITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
_POSTGRES = "53100"  # disk_full


def is_disk_full(error: BaseException | None) -> bool:
    """Tell whether an error means that there is no room left."""
    if isinstance(error, DBAPIError):
        error = error.orig
    if isinstance(error, OSError):
        return error.errno in _ERRNO
    code = getattr(error, "sqlite_errorcode", None)
    return code in _SQLITE or getattr(error, "sqlstate", None) == _POSTGRES
