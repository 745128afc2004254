"""A data folder with runs, files and artifacts in it, made without a server."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sweepcnn.server.pairing import pair
from sweepcnn.storage import (
    artifact_aliases,
    artifact_collections,
    artifact_files,
    artifacts,
    projects,
    run_files,
    runs,
    sweeps,
    users,
)
from sweepcnn.storage.artifact_files import Entry
from sweepcnn.storage.blobs import Blob, BlobStore
from sweepcnn.storage.database import Database

SWEEP = "{method: random, metric: {name: score, goal: maximize}, parameters: {x: {value: 1}}}"


@dataclass
class Estate:
    """A data folder, and what puts things into it."""

    data_dir: Path
    database: Database
    blobs: BlobStore
    user_id: int
    project_id: int

    def blob(self, content: bytes, *, young: bool = False) -> Blob:
        """Store bytes; they look a day old unless they are to be young."""

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        blob = asyncio.run(self.blobs.put(chunks(), limit=2**20))
        if not young:
            age(self.blobs.path(blob.sha256))
        return blob

    def has(self, blob: Blob) -> bool:
        return self.blobs.path(blob.sha256).exists()

    def run(self, name: str, *, sweep_id: int | None = None, **values: Any) -> int:
        with self.database.write() as writing:
            return runs.add(
                writing,
                project_id=self.project_id,
                user_id=self.user_id,
                name=name,
                sweep_id=sweep_id,
                **({"state": "finished"} | values),
            )

    def sweep(self, state: str, config: str = SWEEP) -> int:
        with self.database.write() as writing:
            return sweeps.add(
                writing,
                project_id=self.project_id,
                user_id=self.user_id,
                name=f"sweep{time.monotonic_ns()}",
                config=config,
                method="random",
                state=state,
            )

    def file(self, run_id: int, name: str, content: bytes) -> Blob:
        blob = self.blob(content)
        with self.database.write() as writing:
            run_files.put(writing, run_id, name, blob, "text/plain")
        return blob

    def artifact(
        self,
        name: str,
        content: bytes | None,
        *,
        type_: str = "model",
        run_id: int | None = None,
        state: str = "COMMITTED",
        aliases: tuple[str, ...] = ("best",),
        shares: tuple[Blob, ...] = (),
    ) -> tuple[int, Blob | None]:
        """Add a version with a file of its own, and with bytes that others hold, too."""
        blob = self.blob(content) if content is not None else None
        with self.database.write() as writing:
            owner = artifact_collections.get_or_create(writing, self.project_id, type_, name)
            added = artifacts.add(
                writing,
                collection_id=owner.id,
                user_id=self.user_id,
                run_id=run_id,
                digest="",
                aliases=json.dumps(aliases),
                tags="[]",
            )
            held = [*shares, *([blob] if blob else [])]
            for one in held:
                artifact_files.put_blob(writing, added.id, one.md5, one)
            if state != "PENDING":
                entries = [Entry(added.id, b.sha256, b.md5, b.size, None, None) for b in held]
                artifact_files.put_entries(writing, entries)
                size, digest = sum(one.size for one in held), os.urandom(8).hex()
                artifacts.commit(writing, added, digest=digest, size=size, file_count=len(held))
                artifact_aliases.put(writing, owner.id, added.id, ["latest", *aliases])
            if run_id:
                artifacts.link_run(writing, run_id, added.id, "output")
        return added.id, blob

    def delete(self, artifact_id: int) -> None:
        with self.database.write() as writing:
            artifacts.delete(writing, artifacts.by_id(writing, artifact_id))

    def rows(self) -> dict[str, int]:
        """Count all rows by table."""
        with self.database.read() as reading:
            names = sa.inspect(reading).get_table_names()
            return {
                name: reading.exec_driver_sql(f'SELECT count(*) FROM "{name}"').scalar_one()
                for name in names
            }

    def files(self) -> set[Path]:
        return {
            path for path in self.data_dir.rglob("*") if path.suffix not in (".db-wal", ".db-shm")
        }


def age(path: Path, seconds: float = 24 * 3600) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    with furnished(tmp_path) as found:
        yield found


@contextmanager
def furnished(tmp_path: Path, database_url: str | None = None) -> Iterator[Estate]:
    """Make a data folder with a user and a project, by default on SQLite."""
    data_dir = tmp_path / "data"
    data_dir.mkdir(mode=0o700, parents=True)
    for name in ("secret", "api-key"):
        (data_dir / name).touch(mode=0o600)
    database = Database(database_url or f"sqlite:///{data_dir / 'sweepcnn.db'}")
    with database.write() as writing:
        users.add(writing, "local", "k" * 40, admin=True)
        user = users.by_name(writing, "local")
        project, _ = projects.get_or_create(writing, "local", "p")
    assert user is not None
    pair(data_dir, database)
    yield Estate(data_dir, database, BlobStore(data_dir / "blobs"), user.id, project.id)
    database.close()
