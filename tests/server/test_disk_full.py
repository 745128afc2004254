"""A disk that is full: the client is told to try again, and goes on once there is room."""

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from sweepcnn.server import disk_full
from tests.backend import RunningBackend, client_environment
from tests.server.processes import Running, server_process, wait_for

DISK_BYTES = 6 * 2**20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of a few MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only, and not in every container")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave no room; removing the file makes some."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 1):
            with pytest.raises(OSError, match="No space left"):
                write_on(file, bytes(size))
    return filler


def write_on(file: FileIO, content: bytes) -> None:
    while file.write(content):
        pass


def leftovers(running: Running) -> list[Path]:
    return [path for path in (running.data_dir / "blobs").rglob("*") if path.is_file()]


def test_uploads_streams_and_mutations_say_507_and_work_again_later(
    disk: Path, tmp_path: Path
) -> None:
    with server_process(disk / "data", log_file=tmp_path / "log") as running:
        wire = running.wire()
        with wire.http:
            run = wire.start_run()
            url = wire.upload_url(run, "file.bin")
            content = os.urandom(100_000)
            before = leftovers(running)
            filler = fill(disk)
            assert httpx.put(url, content=content).status_code == 507
            assert (
                httpx.put(url, content=iter([content])).status_code == 507
            )  # of a length not told
            line = '{"text": "' + "x" * 100_000 + '"}'
            part = {"files": {"wandb-history.jsonl": {"offset": 0, "content": [line]}}}
            stream = wire.stream(run, part)
            assert stream.status_code == 507
            document = "mutation($i: UpsertBucketInput!) { upsertBucket(input: $i) { inserted } }"
            values = {"modelName": wire.project, "name": run, "notes": "x" * 100_000}
            assert wire.refused(document, i=values) == (507, disk_full.MESSAGE)
            assert leftovers(running) == before
            assert wire.run(run, "name notes") == {"name": run, "notes": None}  # it still reads
            assert running.get("/healthz").status_code == 503
            filler.unlink()
            assert running.get("/healthz").status_code == 200
            assert httpx.put(url, content=content).status_code == 200
            assert wire.stream(run, part).status_code == 200
            wire.ask(document, i=values)
    assert "Traceback" not in running.log()


STORY = """
import sys, wandb
run = wandb.init(project="full", settings=wandb.Settings(silent=True))
print("ready", flush=True)
sys.stdin.readline()
for step in range(100):
    run.log({"text": "x" * 2000, "step": step})
with open("big.bin", "wb") as file:
    file.write(bytes(range(256)) * 400)
run.save("big.bin")
run.finish()
"""


@pytest.mark.slow
def test_the_client_waits_until_there_is_room_and_loses_nothing(disk: Path, tmp_path: Path) -> None:
    with server_process(disk / "data", log_file=tmp_path / "log") as running:
        backend = RunningBackend(
            running.url, running.api_key, running.data_dir, "", running.process
        )
        with subprocess.Popen(
            [sys.executable, "-c", STORY],
            cwd=tmp_path,
            env=client_environment(backend, tmp_path / "client"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n"
                filler = fill(disk)
                assert process.stdin is not None
                process.stdin.write("\n")
                process.stdin.flush()
                wait_for(lambda: running.log().count("status=507") >= 2)
                filler.unlink()
                assert process.wait(200) == 0
            finally:
                process.kill()
        wire = running.wire()
        with wire.http:
            answer = wire.ask(
                """{ project(name: "full") { runs(first: 1) { edges { node {
                    state historyLineCount
                    files(names: ["big.bin"]) { edges { node { sizeBytes } } } } } } } }"""
            )
    (edge,) = answer["project"]["runs"]["edges"]
    assert edge["node"]["state"] == "finished"
    assert edge["node"]["historyLineCount"] == 100
    (file,) = edge["node"]["files"]["edges"]
    assert file["node"]["sizeBytes"] == 256 * 400


def sqlite_error(code: int) -> OperationalError:
    error = sqlite3.OperationalError("told")
    error.sqlite_errorcode = code
    return OperationalError("INSERT", {}, error)


def test_only_what_means_a_full_disk_counts_as_one() -> None:
    class PostgresError(Exception):
        sqlstate = "53100"

    assert disk_full.is_disk_full(OSError(errno.ENOSPC, "x"))
    assert disk_full.is_disk_full(OSError(errno.EDQUOT, "x"))
    assert disk_full.is_disk_full(sqlite_error(sqlite3.SQLITE_FULL))
    assert disk_full.is_disk_full(OperationalError("INSERT", {}, PostgresError()))
    assert not disk_full.is_disk_full(OSError(errno.EACCES, "x"))
    assert not disk_full.is_disk_full(sqlite_error(sqlite3.SQLITE_BUSY))
    assert not disk_full.is_disk_full(ValueError("x"))
    assert not disk_full.is_disk_full(None)
