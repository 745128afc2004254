"""Looks for what is wrong with a backend's data, and says what to do about it. Changes nothing."""

import hashlib
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from sweepcnn.errors import Problem
from sweepcnn.server import pairing
from sweepcnn.server.data_folder import BLOBS, SECRET, default_url, require, sqlite_file
from sweepcnn.server.first_user import KEY_FILE
from sweepcnn.storage import blob_references, schema, tables, urls
from sweepcnn.storage.blob_files import BlobFolder
from sweepcnn.storage.blob_references import Reference
from sweepcnn.storage.run_states import LIVE

_LEAST_FREE_BYTES = 2**30
_SILENT_S = 600.0  # a server that runs ends a silent run after two minutes
_UNFINISHED_S = 7 * 24 * 3600.0
_CHUNK_BYTES = 2**20

Progress = Callable[[int, int], None]
"""(bytes of blobs done, bytes in all)."""


@dataclass
class Findings:
    """What was found."""

    problems: list[Problem] = field(default_factory=list)
    """What is wrong: something is lost, in danger, or open to others."""
    notes: list[Problem] = field(default_factory=list)
    """What is only worth knowing."""
    blobs: int = 0
    """Blobs looked at."""


def examine(
    data_dir: Path,
    database_url: str | None,
    *,
    quick: bool,
    progress: Progress = lambda _done, _total: None,
) -> Findings:
    """Look at everything.

    Args:
        data_dir: the data folder.
        database_url: null is SQLite in the data folder.
        quick: looks at the size of each blob, not at its content.
        progress: told of the work.

    Raises:
        InputError: no backend uses the folder, or the URL cannot be read.
    """
    require(data_dir)
    findings = Findings()
    findings.problems += _folder_problems(data_dir)
    url = database_url or default_url(data_dir)
    file = sqlite_file(url)
    if file is not None and not file.exists():
        remedy = "restore a copy of the data folder, or name the right --database-url"
        findings.problems.append(Problem(f"the database {file}", "is missing", remedy))
        return findings
    engine = sa.create_engine(urls.read(url))
    try:
        with engine.connect() as connection:
            if _is_sound(connection, findings) and _is_pair(data_dir, connection, findings):
                _look_at_blobs(connection, data_dir, findings, quick=quick, progress=progress)
                findings.notes += _unfinished(connection)
    except (SQLAlchemyError, ImportError) as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        remedy = "see that it is there and whole, or restore a copy of the data folder"
        findings.problems.append(Problem("the database", f"cannot be read: {reason}", remedy))
    finally:
        engine.dispose()
    return findings


def _folder_problems(data_dir: Path) -> Iterator[Problem]:
    for path in (data_dir, data_dir / SECRET, data_dir / KEY_FILE):
        if path.exists():
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                yield Problem(str(path), f"is open to others ({mode:o})", f"chmod go= {path}")
        elif path.name == SECRET:
            rule = "is missing: addresses and sessions that were given out are void"
            yield Problem(str(path), rule, "restore it, or start the server to make another")
    free = shutil.disk_usage(data_dir).free
    if free < _LEAST_FREE_BYTES:
        rule = f"has {free / 2**20:.0f} MiB of room left"
        yield Problem(f"the disk of {data_dir}", rule, "make room, or run `sweepcnn server gc`")


def _is_pair(data_dir: Path, connection: sa.Connection, findings: Findings) -> bool:
    """Look whether the folder is the database's own; with another, no file would be as it says."""
    problem = pairing.check(data_dir, connection)
    if problem is not None:
        findings.problems.append(problem)
    return problem is None


def _is_sound(connection: sa.Connection, findings: Findings) -> bool:
    """Look at the database itself; tells whether its tables can be read as ours."""
    revision, head = schema.revision(connection), schema.head()
    if revision != head:
        rule = f"has revision {revision}, this program's is {head}"
        remedy = "start the server once; if the database is newer, install a newer sweepcnn"
        findings.problems.append(Problem("the database", rule, remedy))
        return False
    remedy = "stop the server and restore a copy of the data folder"
    if connection.dialect.name == "sqlite":
        told = list(connection.exec_driver_sql("PRAGMA integrity_check").scalars())
        if told != ["ok"]:
            findings.problems.append(Problem("the database", f"is damaged: {told[0]}", remedy))
    for table in tables.metadata.sorted_tables:
        for key in table.foreign_keys:
            other = key.column.table.alias()
            missing = ~sa.exists().where(other.c[key.column.name] == key.parent)
            query = sa.select(sa.func.count()).select_from(table)
            count = connection.execute(query.where(key.parent.is_not(None), missing)).scalar_one()
            if count:
                rule = f"has {count} rows whose {key.parent.name} leads nowhere"
                findings.problems.append(Problem(f"table {table.name}", rule, remedy))
    return True


def _look_at_blobs(
    connection: sa.Connection,
    data_dir: Path,
    findings: Findings,
    *,
    quick: bool,
    progress: Progress,
) -> None:
    """Look for every blob that a row refers to: is it there, of its size, of its content?"""
    folder = BlobFolder(data_dir / BLOBS)
    references = {found.sha256: found for found in blob_references.all_references(connection)}
    total, done = sum(found.size or 0 for found in references.values()), 0
    for reference in references.values():
        wrong = _wrong(folder.path(reference.sha256), reference, quick=quick)
        if wrong and blob_references.referred_to(connection, [reference.sha256]):
            value = f"blob {reference.sha256[:12]} of {reference.table}"
            remedy = f"restore {folder.path(reference.sha256)} from a copy, or log it again"
            findings.problems.append(Problem(value, wrong, remedy))
        done += reference.size or 0
        progress(done, total)
    findings.blobs = len(references)
    leftovers = [size for _, size in folder.leftovers()]
    unneeded = [blob.size for blob in folder.old() if blob.sha256 not in references]
    if leftovers or unneeded:
        rule = f"has {len(unneeded)} blobs that nothing refers to, {len(leftovers)} broken uploads"
        rule += f": {sum(unneeded + leftovers) / 2**20:.1f} MiB"
        remedy = "`sweepcnn server gc` removes them"
        findings.notes.append(Problem(f"the folder {data_dir / BLOBS}", rule, remedy))


def _wrong(path: Path, reference: Reference, *, quick: bool) -> str | None:
    """Say what is wrong with a blob; null if nothing is."""
    try:
        size = path.stat().st_size
        if reference.size is not None and size != reference.size:
            return f"has {size} bytes instead of {reference.size}"
        if quick:
            return None
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if digest.hexdigest() == reference.sha256 else "has other bytes than its name says"


def _unfinished(connection: sa.Connection) -> Iterator[Problem]:
    """Tell of what was begun and seems to go on no more."""
    now, runs, artifacts = time.time(), tables.runs, tables.artifacts
    silent = (runs.c.state.in_(LIVE), runs.c.heartbeat_at < now - _SILENT_S)
    pending = (artifacts.c.state == "PENDING", artifacts.c.updated_at < now - _UNFINISHED_S)
    for what, table, where, remedy in (
        ("live and silent runs", runs, silent, "start the server: it ends them as crashed"),
        ("unfinished artifacts", artifacts, pending, "log them again, or delete their runs"),
    ):
        count = connection.execute(
            sa.select(sa.func.count()).select_from(table).where(*where)
        ).scalar_one()
        if count:
            yield Problem(f"{count} {what}", "have not been heard of for long", remedy)
