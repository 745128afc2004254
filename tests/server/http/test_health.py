"""What /healthz says, and whether it is true."""

import asyncio
from pathlib import Path

from sweepcnn.scheduler import Scheduler
from sweepcnn.server.addresses import Addresses
from sweepcnn.server.context import Backend
from sweepcnn.server.http.health import Health
from sweepcnn.storage.blobs import BlobStore
from sweepcnn.storage.database import Database
from tests.server.processes import server_process


def test_all_is_well(tmp_path: Path) -> None:
    with server_process(tmp_path / "data") as running:
        response = running.get("/healthz")
        assert (response.status_code, response.text) == (200, "ok")


def test_a_folder_that_takes_no_files_is_told_until_it_does(tmp_path: Path) -> None:
    with server_process(tmp_path / "data") as running:
        incoming = running.data_dir / "blobs" / "incoming"
        incoming.rename(tmp_path / "away")
        response = running.get("/healthz")
        assert response.status_code == 503
        assert response.text == "files: cannot be stored (No such file or directory)"
        (tmp_path / "away").rename(incoming)
        assert running.get("/healthz").status_code == 200


def test_a_database_that_does_not_answer_is_told(tmp_path: Path) -> None:
    file = tmp_path / "sweepcnn.db"
    database = Database(f"sqlite:///{file}")
    backend = Backend(
        database=database,
        blobs=BlobStore(tmp_path / "blobs"),
        addresses=Addresses("secret"),
        scheduler=Scheduler(database),
        secret="secret",
    )
    assert trouble(backend) is None
    database.close()
    file.rename(tmp_path / "away")
    file.mkdir()
    assert trouble(backend) == "database: does not answer (OperationalError)"
    file.rmdir()
    (tmp_path / "away").rename(file)
    assert trouble(backend) is None
    with database.write():  # one that writes is in nobody's way
        assert trouble(backend) is None
    database.close()


def trouble(backend: Backend) -> str | None:
    async def look() -> str | None:
        return await Health(backend).trouble()

    return asyncio.run(look())


def test_it_is_cheap(tmp_path: Path) -> None:
    with server_process(tmp_path / "data") as running:
        blobs = running.data_dir / "blobs"
        before = sorted(blobs.rglob("*"))
        for _ in range(50):
            assert running.get("/healthz").elapsed.total_seconds() < 5
        assert sorted(blobs.rglob("*")) == before
