"""`sweepcnn server gc` and `doctor` on the folder of a server that runs."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.cli.conftest import Result
from tests.server.processes import Running, server_process
from tests.server.upkeep.conftest import age


def replaced_file(running: Running) -> None:
    """Upload a file twice, a day ago: the first content is needed no more."""
    wire = running.wire()
    with wire.http:
        url = wire.upload_url(wire.start_run(), "a.txt")
        for content in (b"one", b"three"):
            assert httpx.put(url, content=content).status_code == 200
    for path in (running.data_dir / "blobs").rglob("*"):
        if path.is_file():
            age(path)


def test_gc_tells_what_it_removes(tmp_path: Path, sweepcnn: Callable[..., Result]) -> None:
    with server_process(tmp_path / "data") as running:
        replaced_file(running)
        where = ("--data-dir", str(running.data_dir))
        done = sweepcnn("server", "gc", "--dry-run", *where)
        assert done.out.splitlines()[0] == "would remove 1 files, 0.0 MiB"
        done = sweepcnn("server", "gc", *where, "--json")
        assert done.code == 0
        assert json.loads(done.out) == {
            "blobs": 1,
            "blob_bytes": 3,
            "leftovers": 0,
            "leftover_bytes": 0,
            "checkpoints": [],
            "dry_run": False,
        }
        assert sweepcnn("server", "gc", *where).out.splitlines()[0] == "removed 0 files, 0.0 MiB"


def test_doctor_says_what_is_wrong_and_ends_with_1(
    tmp_path: Path, sweepcnn: Callable[..., Result]
) -> None:
    with server_process(tmp_path / "data") as running:
        replaced_file(running)
        where = ("--data-dir", str(running.data_dir))
        done = sweepcnn("server", "doctor", *where)
        assert done.code == 0
        assert done.out.startswith("note: ")
        assert done.out.endswith("0 problems; 1 files looked at\n")
        (running.data_dir / "secret").chmod(0o644)
        done = sweepcnn("server", "doctor", *where, "--quick", "--json")
        assert done.code == 1
        answer = json.loads(done.out)
        assert (answer["ok"], answer["blobs"], len(answer["problems"])) == (False, 1, 1)
        assert "secret: is open to others (644)" in answer["problems"][0]


def test_a_folder_without_a_backend_is_told(
    tmp_path: Path, sweepcnn: Callable[..., Result]
) -> None:
    for verb in ("gc", "doctor"):
        done = sweepcnn("server", verb, "--data-dir", str(tmp_path))
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: --data-dir {tmp_path}: no backend keeps its")
