"""Removes what nobody needs: blobs without a reference, leftovers of uploads, old checkpoints.

Safe while a server runs: only old files are looked at, and each is deleted inside a writing
transaction in which nothing refers to it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from sweepcnn.errors import InputError, Problem, WorkError
from sweepcnn.server import pairing
from sweepcnn.server.data_folder import BLOBS, require
from sweepcnn.server.locks import HeldError, Lock
from sweepcnn.server.upkeep import checkpoints
from sweepcnn.server.upkeep.checkpoints import Checkpoint
from sweepcnn.storage import blob_references
from sweepcnn.storage.blob_files import BlobFile, BlobFolder
from sweepcnn.storage.database import Database

_BATCH = 200  # blobs a transaction: the server's writers wait for less than a second

Progress = Callable[[int, int], None]
"""(blobs done, blobs in all)."""


@dataclass(frozen=True)
class Removed:
    """What was removed, or would be; sizes in bytes."""

    blobs: int
    blob_bytes: int
    leftovers: int
    leftover_bytes: int
    checkpoints: tuple[Checkpoint, ...]


class _LookedOnlyError(Exception):
    """Rolls back what a dry run did to see what it would do."""


def collect(
    database: Database,
    data_dir: Path,
    *,
    keep_checkpoints: int | None,
    dry_run: bool,
    progress: Progress = lambda _done, _total: None,
) -> Removed:
    """Remove what nobody needs, or only tell of it.

    Args:
        database: where references are.
        data_dir: in which the blobs are.
        keep_checkpoints: runs of each ended sweep, from the best on, whose checkpoints stay; null
            keeps all.
        dry_run: changes nothing.
        progress: told of the work.

    Raises:
        InputError: no backend uses the folder, or the database belongs to another one.
        WorkError: this is going on already.
    """
    require(data_dir)
    with database.read() as reading:
        problem = pairing.check(data_dir, reading)
    if problem is not None:
        raise InputError(problem)
    try:
        lock = Lock(data_dir / "gc.lock")
    except HeldError as error:
        rule = f"is being cleaned up by process {error.holder or 'unknown'}"
        raise WorkError(Problem(f"--data-dir {data_dir}", rule, "wait for its end")) from None
    try:
        folder = BlobFolder(data_dir / BLOBS)
        if not dry_run:
            folder.restore()
        surplus, referenced = _let_go(database, keep_checkpoints, dry_run=dry_run)
        found = [blob for blob in folder.old() if blob.sha256 not in referenced]
        if not dry_run:
            found = _remove(database, folder, found, progress)
        return _with_leftovers(folder, found, surplus, dry_run=dry_run)
    finally:
        lock.release()


def _let_go(
    database: Database, keep: int | None, *, dry_run: bool
) -> tuple[list[Checkpoint], set[str]]:
    """Delete surplus checkpoints and drop references; give them, and the blobs still needed."""
    surplus: list[Checkpoint] = []
    referenced: set[str] = set()
    try:
        with database.write() as writing:
            surplus = checkpoints.surplus(writing, keep) if keep is not None else []
            checkpoints.delete(writing, surplus)
            blob_references.forget_deleted(writing)
            referenced = {found.sha256 for found in blob_references.all_references(writing)}
            if dry_run:
                raise _LookedOnlyError
    except _LookedOnlyError:
        pass
    return surplus, referenced


def _remove(
    database: Database, folder: BlobFolder, found: list[BlobFile], progress: Progress
) -> list[BlobFile]:
    removed: list[BlobFile] = []
    for start in range(0, len(found), _BATCH):
        with database.write() as writing:
            removed += _remove_batch(writing, folder, found[start : start + _BATCH])
        progress(min(start + _BATCH, len(found)), len(found))
    return removed


def _remove_batch(
    writing: sa.Connection, folder: BlobFolder, batch: list[BlobFile]
) -> list[BlobFile]:
    needed = blob_references.referred_to(writing, [blob.sha256 for blob in batch])
    return [b for b in batch if b.sha256 not in needed and folder.remove(b.sha256)]


def _with_leftovers(
    folder: BlobFolder, removed: list[BlobFile], surplus: list[Checkpoint], *, dry_run: bool
) -> Removed:
    leftovers = list(folder.leftovers())
    for path, _ in leftovers:
        if not dry_run:
            path.unlink(missing_ok=True)
    return Removed(
        blobs=len(removed),
        blob_bytes=sum(blob.size for blob in removed),
        leftovers=len(leftovers),
        leftover_bytes=sum(size for _, size in leftovers),
        checkpoints=tuple(surplus),
    )
