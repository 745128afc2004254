"""Server processes of a test's own: with options, with less patience, with their log at hand."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.server.conftest import Wire

DEADLINE_S = 60.0


@dataclass
class Running:
    """A server that listens."""

    url: str
    api_key: str
    data_dir: Path
    process: subprocess.Popen[str]
    log_file: Path

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", int(self.url.rpartition(":")[2])

    def log(self) -> str:
        return self.log_file.read_text()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=DEADLINE_S)

    def wire(self) -> Wire:
        return Wire(self.url, self.api_key)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(self.url + path, timeout=DEADLINE_S, trust_env=False, **options)


@contextmanager
def server_process(
    data_dir: Path,
    *words: str,
    settings: str = "",
    public: bool = False,
    log_file: Path | None = None,
    **options: Any,
) -> Iterator[Running]:
    """Run `sweepcnn server` until the block ends.

    Args:
        data_dir: its data folder.
        words: further options.
        settings: Python that runs first, to shorten a patience that a test cannot wait for.
        public: whether it announces another address than it listens at.
        log_file: where its stderr goes; by default beside the data folder.
        options: of the process.
    """
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    log_file = log_file or data_dir.parent / f"{data_dir.name}.log"
    code = f"{settings}\nfrom sweepcnn.cli import main\nmain()"
    port = free_port() if public else 0
    command = [sys.executable, "-c", code, "server", "--json", "--port", str(port)]
    with log_file.open("w") as log:
        process = subprocess.Popen(
            [*command, "--data-dir", str(data_dir), *words],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            **options,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, log_file.read_text()
            announced = json.loads(line)
            url = f"http://127.0.0.1:{port}" if public else announced["url"]
            yield Running(url, announced["api_key"], data_dir, process, log_file)
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()


def refused(*words: str, **options: Any) -> tuple[int, str]:
    """Give the exit status and the message of a server that does not start."""
    command = [sys.executable, "-m", "sweepcnn", "server", "--port", "0", *words]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=DEADLINE_S, check=False, **options
    )
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.returncode, done.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def wait_for(
    happened: Callable[[], bool], seconds: float = DEADLINE_S, every_s: float = 0.02
) -> None:
    """Wait until something is the case."""
    until = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(every_s)


def read_all(connection: socket.socket) -> bytes:
    """Read until the other side closes or cuts the connection."""
    found = bytearray()
    try:
        while chunk := connection.recv(65536):
            found += chunk
    except ConnectionResetError:
        pass
    return bytes(found)
