import json
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Result


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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_quietly(number: signal.Signals, tmp_path: Path) -> None:
    with started(tmp_path, "--json") as process:
        url = ready(process)["url"]
        with httpx.Client(base_url=url) as client:  # its connection stays open
            assert client.get("/healthz").text == "ok"
            before = time.monotonic()
            process.send_signal(number)
            rest, told = process.communicate(timeout=30)
        assert time.monotonic() - before < 10
    assert (rest, told) == ("", "")
    assert process.returncode == 0


def test_the_key_stays_the_same_over_restarts(tmp_path: Path) -> None:
    keys = []
    for _ in range(2):
        with started(tmp_path, "--json") as process:
            keys.append(ready(process)["api_key"])
            process.terminate()
            process.communicate(timeout=20)
    assert keys[0] == keys[1]


KEY = "a-user-name-of-more-than-forty-characters-01"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", ""])
def test_others_are_not_served_before_somebody_was_added(host: str, tmp_path: Path) -> None:
    done = refused("--host", host, "--port", "0", "--data-dir", str(tmp_path / "data"))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: --host {host}: can be reached by others")
    assert "run `sweepcnn user add NAME --admin`" in done.stderr
    assert not (tmp_path / "data" / "api-key").exists()


def test_the_first_user_alone_does_not_open_the_server_to_others(tmp_path: Path) -> None:
    with started(tmp_path, "--json") as process:
        ready(process)
        process.terminate()
        process.communicate(timeout=20)
    done = refused("--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")


def test_with_a_user_it_serves_others_and_shows_no_key(
    tmp_path: Path, sweepcnn: Callable[..., Result]
) -> None:
    place = ("--data-dir", str(tmp_path))
    assert sweepcnn("user", "add", "ann", "--key", KEY, *place).code == 0
    with started(tmp_path, "--host", "0.0.0.0", "--json") as process:
        announced = ready(process)
        assert announced["api_key"] is None
        assert announced["url"].startswith(f"http://{socket.gethostname()}:")
        assert not (tmp_path / "api-key").exists()
        port = announced["url"].rpartition(":")[2]
        url, query = f"http://127.0.0.1:{port}/graphql", {"query": "{ viewer { name } }"}
        answer = httpx.post(url, json=query, auth=("api", KEY))
        assert answer.json() == {"data": {"viewer": {"name": "ann"}}}
        # the same database: what changes there holds at once
        assert sweepcnn("user", "remove", "ann", *place).code == 0
        assert httpx.post(url, json=query, auth=("api", KEY)).status_code == 401
        process.terminate()
        process.communicate(timeout=20)
    done = refused("--host", "0.0.0.0", "--port", "0", *place)
    assert done.returncode == 2


def test_without_json_it_tells_others_where_their_key_came_from(
    tmp_path: Path, sweepcnn: Callable[..., Result]
) -> None:
    sweepcnn("user", "add", "ann", "--data-dir", str(tmp_path))
    with started(tmp_path, "--host", "0.0.0.0") as process:
        assert process.stdout is not None
        printed = process.stdout.readline()
        assert printed.startswith(f"export WANDB_BASE_URL=http://{socket.gethostname()}:")
        process.terminate()
        rest, told = process.communicate(timeout=20)
    assert rest == ""
    assert "`sweepcnn user add`" in told


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_a_server_for_others_is_announced_by_its_public_address(
    host: str, tmp_path: Path, sweepcnn: Callable[..., Result]
) -> None:
    sweepcnn("user", "add", "ann", "--data-dir", str(tmp_path))
    public = "https://sweeps.example.org"
    with started(tmp_path, "--host", host, "--public-url", public, "--json") as process:
        assert ready(process)["url"] == public


def test_the_first_users_key_can_be_set(tmp_path: Path, sweepcnn: Callable[..., Result]) -> None:
    with started(tmp_path, "--json") as process:
        old = ready(process)["api_key"]
    assert sweepcnn("user", "add", "local", "--key", KEY, "--data-dir", str(tmp_path)).code == 0
    assert stat.S_IMODE((tmp_path / "api-key").stat().st_mode) == 0o600
    with started(tmp_path, "--json") as process:
        announced = ready(process)
        assert announced["api_key"] == KEY
        query = {"query": "{ viewer { name admin } }"}
        answer = httpx.post(f"{announced['url']}/graphql", json=query, auth=("api", KEY))
        assert answer.json() == {"data": {"viewer": {"name": "local", "admin": True}}}
        answer = httpx.post(f"{announced['url']}/graphql", json=query, auth=("api", old))
        assert answer.status_code == 401


def test_a_weak_key_in_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "api-key").write_text("weak")
    done = refused("--port", "0", "--data-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: the file api-key: must have 40 or more")


def test_the_first_user_has_no_key_of_another(
    tmp_path: Path, sweepcnn: Callable[..., Result]
) -> None:
    sweepcnn("user", "add", "ann", "--key", KEY, "--data-dir", str(tmp_path))
    (tmp_path / "api-key").write_text(KEY)
    done = refused("--port", "0", "--data-dir", str(tmp_path))
    assert done.stderr.startswith("error: the file api-key: has the key of user ann")


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
    assert done.stderr.startswith("error: --database-url nosuch://x: ")
