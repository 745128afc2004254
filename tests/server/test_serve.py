"""Starting the server: what it announces, what it keeps to itself, what it refuses."""

import asyncio
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sweepcnn.server import serve
from tests.backend import RunningBackend, running_backend


def refused(*words: str) -> tuple[int, str]:
    """Give the exit status and the message of a server that does not start."""
    command = [sys.executable, "-m", "sweepcnn", "server", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def test_secrets_are_for_their_owner_alone(server: RunningBackend) -> None:
    assert stat.S_IMODE(server.data_dir.stat().st_mode) == 0o700
    for name in ("secret", "api-key"):
        file = server.data_dir / name
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (server.data_dir / "api-key").read_text() == server.api_key
    assert len(server.api_key) >= 40


def test_a_replaced_key_file_is_the_new_key(tmp_path: Path) -> None:
    with running_backend(tmp_path / "data") as first:
        pass
    (tmp_path / "data" / "api-key").write_text("n" * 40 + "\n")
    with running_backend(tmp_path / "data") as second:
        assert second.api_key == "n" * 40 != first.api_key


@pytest.mark.parametrize("url", ["nonsense", "nosuch://host/db", "sqlite:////no/such/folder/x.db"])
def test_a_database_that_cannot_be_used_is_told(tmp_path: Path, url: str) -> None:
    code, message = refused("--port", "0", "--data-dir", str(tmp_path), "--database-url", url)
    assert code == 2
    assert message.startswith("error: --database-url")


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, message = refused("--port", port, "--data-dir", str(tmp_path))
    assert code == 1
    assert f"--port {port}" in message


def test_an_answer_is_sent_at_once() -> None:
    async def is_undelayed() -> bool:
        found: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            option = (socket.IPPROTO_TCP, socket.TCP_NODELAY)
            found.set_result(bool(writer.get_extra_info("socket").getsockopt(*option)))
            writer.close()

        listener = serve._listen("127.0.0.1", 0)
        async with await asyncio.start_server(accept, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            try:
                return await found
            finally:
                writer.close()

    assert asyncio.run(is_undelayed())
