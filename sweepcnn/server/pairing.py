"""Data folder and database belong together: the rows of the one refer to the files of the other.

The folder has a mark, which the database keeps. With another database its files would look like
files that nobody needs, and with another folder the database's files would be missing.
"""

import secrets
from pathlib import Path

import sqlalchemy as sa

from sweepcnn.errors import InputError, Problem
from sweepcnn.server.data_folder import BLOBS, kept_secret
from sweepcnn.storage import blob_references, data_folders
from sweepcnn.storage.blob_files import BlobFolder
from sweepcnn.storage.database import Database

MARK = "id"


def pair(path: Path, database: Database) -> None:
    """Make sure that a folder and a database belong together; those that are new do from now on.

    Raises:
        InputError: they do not.
    """
    mark = kept_secret(path / MARK, lambda: secrets.token_hex(8))
    with database.write() as writing:
        known = data_folders.mark(writing)
        if known is None:
            _refuse_files_of_another(path, writing)
            data_folders.set_mark(writing, mark)
        elif known != mark:
            raise InputError(_mismatch(path, known))


def check(path: Path, connection: sa.Connection) -> Problem | None:
    """Tell what is wrong where a folder and a database do not belong together; null if they do."""
    known = data_folders.mark(connection)
    if known is None:
        rule = "has not been used with this database"
        return Problem(f"--data-dir {path}", rule, "start `sweepcnn server` on both first")
    file = path / MARK
    mark = file.read_text().strip() if file.exists() else None
    return None if mark == known else _mismatch(path, known)


def _refuse_files_of_another(path: Path, writing: sa.Connection) -> None:
    if BlobFolder(path / BLOBS).is_empty() or next(blob_references.all_references(writing), None):
        return
    rule = "holds files of another database than this one, which is new"
    remedy = "name the one that belongs to it by --database-url, or another --data-dir"
    raise InputError(Problem(f"--data-dir {path}", rule, remedy))


def _mismatch(path: Path, known: str) -> Problem:
    rule = "does not belong to this database, whose files are in another folder"
    remedy = f"name that one; only if this is a copy of it, write {known} into its file {MARK}"
    return Problem(f"--data-dir {path}", rule, remedy)
