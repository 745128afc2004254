"""A server that is killed again and again, with SIGKILL, while it is written to."""

import hashlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.backend import RunningBackend, client_environment, running_backend
from tests.e2e.writer import ENTITY, Acknowledged, Writer

KILLS = int(os.environ.get("SWEEPCNN_TEST_KILLS", "10"))
SEED = int(os.environ.get("SWEEPCNN_TEST_SEED") or random.SystemRandom().randrange(2**31))
PROJECT = "killed"
_LONGEST_LIFE_S = 1.5
_CLIENT_TIMEOUT_S = 240.0

CLIENT = """
    import hashlib, json, random, sys, time
    from pathlib import Path
    import wandb

    # Logs runs until the file `stop` is there; prints what each of them has to have.
    draw, number = random.Random(int(sys.argv[1])), 0
    while not Path("stop").exists():
        number += 1
        with wandb.init(project="killed", id=f"client-{number}", config={"number": number}) as run:
            content = draw.randbytes(draw.randint(1, 300_000))
            Path(run.dir, "noise.bin").write_bytes(content)
            run.save(str(Path(run.dir, "noise.bin")), base_path=run.dir)
            artifact = wandb.Artifact("of-client", type="noise")
            with artifact.new_file("noise.bin", mode="wb") as file:
                file.write(content)
            run.log_artifact(artifact)
            rows = draw.randint(20, 80)
            for step in range(rows):
                run.log({"x": step / 7})
                time.sleep(0.01)
        digest = hashlib.sha256(content).hexdigest()
        print(json.dumps({"run": run.id, "rows": rows, "sha256": digest}), flush=True)
"""
# By its own patience the client would sleep through most of the test; it takes whole seconds only.
# The login of `log_artifact` on the other hand gives up for good after 20 s: it shall go on trying.
IMPATIENT = {
    f"WANDB__{part}_{name}": value
    for part in ("GRAPHQL", "FILE_STREAM", "FILE_TRANSFER")
    for name, value in (
        ("RETRY_WAIT_MIN_SECONDS", "1"),
        ("RETRY_WAIT_MAX_SECONDS", "1"),
        ("RETRY_MAX", "1000"),
    )
} | {"WANDB__FILE_STREAM_TRANSMIT_INTERVAL": "1", "WANDB_HTTP_TIMEOUT": "300"}


class Reader:
    """Reads back over the wire what there is."""

    def __init__(self, backend: RunningBackend) -> None:
        auth = ("api", backend.api_key)
        self._http = httpx.Client(base_url=backend.url, auth=auth, timeout=60, trust_env=False)
        self.close = self._http.close

    def ask(self, query: str, **variables: Any) -> Any:
        answer = self._http.post("/graphql", json={"query": query, "variables": variables})
        found = answer.json()
        assert not found.get("errors"), found
        return found["data"]

    def run(self, name: str) -> Any:
        query = """query Run($p: String, $e: String, $n: String!) {
            project(name: $p, entityName: $e) { run(name: $n) {
                state config history(minStep: 0, maxStep: 1000000)
                files { edges { node { name directUrl } } }
                outputArtifacts { edges { node { id } } } } } }"""
        return self.ask(query, p=PROJECT, e=ENTITY, n=name)["project"]["run"]

    def files(self, found: dict[str, Any]) -> dict[str, bytes]:
        """Download the files of a run or an artifact."""
        nodes = [edge["node"] for edge in found["files"]["edges"]]
        return {node["name"]: self._http.get(node["directUrl"]).content for node in nodes}

    def artifact(self, wire_id: str) -> Any:
        query = """query A($id: ID!) { artifact(id: $id) {
            state files(first: 100) { edges { node { name directUrl } } } } }"""
        return self.ask(query, id=wire_id)["artifact"]


class Blobs:
    """The blobs on the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.whole: dict[str, int] = {}
        """Those whose bytes have been seen to be what their names say; when they were written."""

    def check(self) -> None:
        """Make sure that what is there under a digest has it."""
        for path in self._folder.glob("??/*"):
            written = path.stat().st_mtime_ns
            if self.whole.get(path.name) != written:
                assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
                self.whole[path.name] = written


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost_by_a_server_that_is_killed_again_and_again(
    tmp_path: Path,
) -> None:
    print(f"SWEEPCNN_TEST_KILLS={KILLS} SWEEPCNN_TEST_SEED={SEED}")
    draw, data_dir = random.Random(SEED), tmp_path / "data"
    blobs = Blobs(data_dir / "blobs")
    with ExitStack() as stack:
        with running_backend(data_dir) as backend:  # to know the address and the key
            pass
        writers = [Writer(backend.url, backend.api_key, PROJECT, n) for n in (1, 2)]
        client = _start_client(stack, backend, tmp_path / "client")
        for writer in writers:
            writer.start()
            stack.callback(writer.join)
            stack.callback(writer.ended.set)
        for _ in range(KILLS):
            with running_backend(data_dir, port=backend.port) as mortal:
                time.sleep(draw.uniform(0.05, _LONGEST_LIFE_S))
                assert mortal.process.poll() is None, "the server died by itself"
                mortal.process.kill()
                mortal.process.wait()
            blobs.check()  # before the server, or one who sends again, could mend them
        backend = stack.enter_context(running_backend(data_dir, port=backend.port))
        (tmp_path / "client" / "stop").touch()
        assert client.wait(_CLIENT_TIMEOUT_S) == 0, (tmp_path / "client" / "log").read_text()
        for writer in writers:
            writer.ended.set()
            writer.join()
        assert [writer.refused for writer in writers] == ["", ""]
        assert sum(writer.cut_off for writer in writers) >= KILLS / 4, "few kills hit a request"

        reader = stack.enter_context(closing(Reader(backend)))
        for writer in writers:
            _check_acknowledged(reader, writer.acknowledged)
        told = (tmp_path / "client" / "out").read_text().splitlines()
        assert len(told) >= KILLS / 10
        for line in told:
            _check_client_run(reader, **json.loads(line))
    blobs.check()
    for writer in writers:
        assert writer.acknowledged.blobs <= blobs.whole.keys()
    with closing(sqlite3.connect(data_dir / "sweepcnn.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []


def _start_client(
    stack: ExitStack, backend: RunningBackend, folder: Path
) -> subprocess.Popen[bytes]:
    folder.mkdir()
    (folder / "client.py").write_text(textwrap.dedent(CLIENT))
    with (folder / "out").open("w") as out, (folder / "log").open("w") as log:
        client = subprocess.Popen(
            [sys.executable, "client.py", str(SEED)],
            cwd=folder,
            env=client_environment(backend, folder) | IMPATIENT,
            stdout=out,
            stderr=log,
        )
    stack.callback(client.wait)
    stack.callback(client.kill)
    return client


def _check_acknowledged(reader: Reader, known: Acknowledged) -> None:
    assert known.configs
    assert known.artifacts
    for name, config in known.configs.items():
        run = reader.run(name)
        assert json.loads(run["config"]) == config
        lines = known.lines.get(name, [])
        assert run["history"][: len(lines)] == lines
        files = {file: content for (owner, file), content in known.files.items() if owner == name}
        assert files.items() <= reader.files(run).items()
    for wire_id, contents in known.artifacts.items():
        artifact = reader.artifact(wire_id)
        assert artifact["state"] == "COMMITTED"
        assert reader.files(artifact) == contents


def _check_client_run(reader: Reader, run: str, rows: int, sha256: str) -> None:
    found = reader.run(run)
    assert found["state"] == "finished"
    history = [json.loads(line) for line in found["history"]]
    assert [(row["_step"], row["x"]) for row in history] == [(n, n / 7) for n in range(rows)]
    files = reader.files(found)
    assert hashlib.sha256(files["noise.bin"]).hexdigest() == sha256
    assert json.loads(files["wandb-summary.json"])["_step"] == rows - 1
    (edge,) = found["outputArtifacts"]["edges"]
    artifact = reader.artifact(edge["node"]["id"])
    assert artifact["state"] == "COMMITTED"
    (content,) = reader.files(artifact).values()
    assert hashlib.sha256(content).hexdigest() == sha256
