import json
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest


@contextmanager
def started(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Run `sweepcnn server` on a free port; it is killed if the block leaves it running."""
    command = [sys.executable, "-m", "sweepcnn", "server", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--data-dir", str(folder), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell that starts the tests in the background has them, and their children, ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def refused(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is not to start."""
    return subprocess.run(
        [sys.executable, "-m", "sweepcnn", "server", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ready(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for the line of JSON that a server announces itself by."""
    assert process.stdout is not None
    announced: dict[str, Any] = json.loads(process.stdout.readline())
    return announced


def test_it_announces_itself_in_one_line_of_json(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    with started(folder, "--json") as process:
        announced = ready(process)
        assert set(announced) == {"url", "api_key", "data_dir"}
        assert announced["url"].startswith("http://127.0.0.1:")
        assert not announced["url"].endswith("/")
        assert announced["data_dir"] == str(folder)
        assert httpx.get(f"{announced['url']}/healthz").text == "ok"
        key_file = folder / "api-key"
        assert key_file.read_text() == announced["api_key"]
        assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
        process.terminate()
        rest, _ = process.communicate(timeout=20)
        assert rest == ""


def test_without_json_it_prints_the_lines_that_a_shell_needs(tmp_path: Path) -> None:
    with started(tmp_path) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline().strip() for _ in range(2)]
        process.terminate()
        rest, told = process.communicate(timeout=20)
    url = lines[0].removeprefix("export WANDB_BASE_URL=")
    assert url.startswith("http://127.0.0.1:")
    assert lines[1] == f"export WANDB_API_KEY={(tmp_path / 'api-key').read_text()}"
    assert rest == ""
    assert told.splitlines() == [f"the backend listens at {url}; its data is in {tmp_path}"]


@pytest.mark.parametrize(("number", "codes"), [(signal.SIGTERM, {0}), (signal.SIGINT, {130})])
def test_a_signal_ends_it_quietly(number: signal.Signals, codes: set[int], tmp_path: Path) -> None:
    with started(tmp_path, "--json") as process:
        url = ready(process)["url"]
        with httpx.Client(base_url=url) as client:  # its connection stays open
            assert client.get("/healthz").text == "ok"
            before = time.monotonic()
            process.send_signal(number)
            rest, told = process.communicate(timeout=30)
        assert time.monotonic() - before < 10
    assert (rest, told) == ("", "")
    assert process.returncode in codes


def test_the_key_stays_the_same_over_restarts(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        with started(tmp_path, "--json") as process:
            keys.append(ready(process)["api_key"])
            process.terminate()
            process.communicate(timeout=20)
    assert keys[0] == keys[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org"])
def test_an_address_that_others_can_reach_is_refused(host: str, tmp_path: Path) -> None:
    done = refused("--host", host, "--port", "0", "--data-dir", str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: --host {host}: serves this machine alone")
    assert "use one of 127.0.0.1, ::1, localhost" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = refused("--port", port, "--data-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: --port {port}: ")
    assert done.stderr.endswith("; stop what uses it, or use --port 0\n")


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    taken = tmp_path / "file"
    taken.touch()
    for folder in (taken, taken / "below"):
        done = refused("--port", "0", "--data-dir", str(folder))
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"error: --data-dir {folder}: ")
        assert done.stderr.endswith("; name a folder you may write to\n")


def test_a_database_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    words = ["--port", "0", "--data-dir", str(tmp_path), "--database-url", "nosuch://x"]
    done = refused(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --database-url: cannot be used: ")
