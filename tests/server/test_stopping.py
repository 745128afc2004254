"""How the server ends while it is at work."""

import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.server.processes import Running, read_all, server_process, wait_for

SIGNALS = [signal.SIGTERM, signal.SIGINT]


def begin_upload(running: Running, size: int) -> tuple[str, bytes]:
    wire = running.wire()
    with wire.http:
        url = wire.upload_url(wire.start_run(), "file.bin")
    path = url.removeprefix(running.url)
    return url, f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()


def is_closed(running: Running) -> bool:
    try:
        running.connect().close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize("number", SIGNALS)
def test_an_upload_in_flight_is_finished_and_kept(tmp_path: Path, number: signal.Signals) -> None:
    with server_process(tmp_path / "data") as running:
        _, head = begin_upload(running, 6)
        with running.connect() as slow:
            slow.sendall(head + b"abc")
            wait_for(lambda: any((running.data_dir / "blobs" / "incoming").iterdir()))
            running.process.send_signal(number)
            wait_for(lambda: is_closed(running))  # nobody else is taken
            slow.sendall(b"def")
            assert read_all(slow).startswith(b"HTTP/1.1 200")
        assert running.process.wait(30) == 0
    with closing(sqlite3.connect(running.data_dir / "sweepcnn.db")) as database:
        assert database.execute("SELECT name, size FROM run_files").fetchall() == [("file.bin", 6)]
    assert not (running.data_dir / "sweepcnn.db-wal").exists()  # closed, not only left


def test_an_upload_that_does_not_end_is_broken_off_after_five_seconds(tmp_path: Path) -> None:
    with server_process(tmp_path / "data") as running:
        url, head = begin_upload(running, 6)
        with running.connect() as slow:
            slow.sendall(head + b"abc")
            wait_for(lambda: any((running.data_dir / "blobs" / "incoming").iterdir()))
            before = time.monotonic()
            running.process.terminate()
            answer = read_all(slow)
            assert running.process.wait(30) == 0
            assert 4 < time.monotonic() - before < 12
    assert answer.startswith(b"HTTP/1.1 503")  # the client tries again
    assert "Traceback" not in running.log()
    assert not any((running.data_dir / "blobs" / "incoming").iterdir())
    with server_process(running.data_dir) as again:
        retried = again.url + url.removeprefix(running.url)
        assert httpx.put(retried, content=b"abcdef").status_code == 200


def test_work_that_cannot_be_broken_off_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    stuck = """
import sys, time
from sweepcnn.server import filestream, stopping
stopping.THREADS_S = 1
def stuck(*_, **__):
    print("stuck", file=sys.stderr, flush=True)
    time.sleep(600)
filestream.receive = stuck
"""
    with server_process(tmp_path / "data", settings=stuck) as running:
        wire = running.wire()

        def ask() -> None:
            with pytest.raises(httpx.HTTPError), wire.http:
                wire.stream("r", {}).raise_for_status()

        asking = threading.Thread(target=ask)
        asking.start()
        wait_for(lambda: "stuck" in running.log())
        running.process.terminate()
        assert running.process.wait(30) == 0
        asking.join()
    assert "left while work was still being done" in running.log()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_signal_ends_it_at_once(tmp_path: Path, number: signal.Signals) -> None:
    with server_process(tmp_path / "data") as running:
        _, head = begin_upload(running, 6)
        with running.connect() as slow:
            slow.sendall(head + b"abc")
            wait_for(lambda: any((running.data_dir / "blobs" / "incoming").iterdir()))
            running.process.terminate()
            wait_for(lambda: is_closed(running))
            before = time.monotonic()
            running.process.send_signal(number)
            assert running.process.wait(30) == -number
            assert time.monotonic() - before < 3
    with server_process(running.data_dir) as again:
        assert again.get("/healthz").status_code == 200


def test_idle_connections_do_not_delay_the_end(tmp_path: Path) -> None:
    with server_process(tmp_path / "data") as running, running.connect() as half:
        half.sendall(b"GET /healthz HT")
        with httpx.Client(base_url=running.url) as client:
            assert client.get("/healthz").status_code == 200
            before = time.monotonic()
            running.process.terminate()
            assert running.process.wait(30) == 0
            assert time.monotonic() - before < 4
