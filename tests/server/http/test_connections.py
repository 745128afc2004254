"""Clients that are slow, silent or too many, beside one that is served."""

import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.server.processes import Running, read_all, server_process, wait_for

HASTY = """
from sweepcnn.server.http import bodies, connections
connections.HEAD_S = connections.STALL_S = 1.5
bodies.IDLE_S, bodies.GRACE_S = 1.0, 2.0
"""


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with server_process(tmp_path_factory.mktemp("hasty") / "data", settings=HASTY) as running:
        yield running


def leftovers(running: Running) -> list[Path]:
    return [path for path in (running.data_dir / "blobs").rglob("*") if path.is_file()]


def upload_path(running: Running) -> str:
    wire = running.wire()
    with wire.http:
        return wire.upload_url(wire.start_run(), "file.bin").removeprefix(running.url)


def test_half_a_head_is_ended_with_408(hasty: Running) -> None:
    with hasty.connect() as slow:
        slow.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        assert read_all(slow).startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_a_head_that_trickles_in_is_ended_with_408(hasty: Running) -> None:
    with hasty.connect() as slow:
        ended = threading.Event()

        def trickle() -> None:
            try:
                while not ended.wait(0.1):
                    slow.sendall(b"x")
            except OSError:
                pass

        slow.sendall(b"GET /")
        thread = threading.Thread(target=trickle)
        thread.start()
        answer = read_all(slow)
        ended.set()
        thread.join()
    assert answer.startswith(b"HTTP/1.1 408") or answer == b""  # cut while it still sent


def test_a_second_head_on_a_connection_is_bounded_too(hasty: Running) -> None:
    with hasty.connect() as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"\r\n\r\nok"):
            answer += slow.recv(65536)
        slow.sendall(b"GET /healthz HTT")
        assert read_all(slow).startswith(b"HTTP/1.1 408")


def test_a_connection_on_which_nothing_comes_is_closed_without_a_word(hasty: Running) -> None:
    with hasty.connect() as silent:
        assert read_all(silent) == b""


def test_a_body_that_stops_is_ended_with_408_and_nothing_is_kept(hasty: Running) -> None:
    path = upload_path(hasty)
    before = leftovers(hasty)
    with hasty.connect() as slow:
        slow.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\nabc".encode())
        answer = read_all(slow)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"too slowly" in answer
    assert b"connection: close" in answer.lower()
    assert leftovers(hasty) == before


def test_a_body_that_only_drips_is_ended_with_408(hasty: Running) -> None:
    path = upload_path(hasty)
    with hasty.connect() as slow:
        slow.settimeout(0.2)
        slow.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n".encode())
        answer, until = b"", time.monotonic() + 30
        while not answer and time.monotonic() < until:
            slow.sendall(b"x")
            try:
                answer = slow.recv(65536)
            except TimeoutError:
                continue
    assert answer.startswith(b"HTTP/1.1 408")


def test_a_body_that_is_shorter_than_announced_is_not_kept(hasty: Running) -> None:
    path = upload_path(hasty)
    before = leftovers(hasty)
    with hasty.connect() as short:
        short.sendall(f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc".encode())
        short.shutdown(socket.SHUT_WR)
        assert b" 200 " not in read_all(short)
    wait_for(lambda: leftovers(hasty) == before)


def test_the_rest_of_a_body_that_is_refused_is_not_waited_for(hasty: Running) -> None:
    with hasty.connect() as slow:
        slow.sendall(b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n")
        assert slow.recv(65536).startswith(b"HTTP/1.1 401")
        slow.sendall(b"x")
        read_all(slow)  # to its end, though the connection might have been kept


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(hasty: Running) -> None:
    path = upload_path(hasty)
    for target, size in ((path, 17 * 2**30), ("/graphql", 33 * 2**20)):
        key = httpx.BasicAuth("api", hasty.api_key)._auth_header
        method = "PUT" if target == path else "POST"
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nAuthorization: {key}\r\n"
        with hasty.connect() as large:
            large.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
            assert large.recv(65536).startswith(b"HTTP/1.1 413")


def test_who_does_not_read_their_answer_is_cut_off(hasty: Running) -> None:
    wire = hasty.wire()
    size = 64 * 2**20
    with wire.http:
        run = wire.start_run()
        assert httpx.put(wire.upload_url(run, "large.bin"), content=bytes(size)).status_code == 200
        query = "files(first: 1) { edges { node { directUrl } } }"
        url = wire.run(run, query)["files"]["edges"][0]["node"]["directUrl"]
    with hasty.connect() as lazy:
        lazy.sendall(f"GET {url.removeprefix(hasty.url)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        lazy.recv(1000)
        wait_for(lambda: is_cut(lazy))
        assert len(read_all(lazy)) < size


def is_cut(connection: socket.socket) -> bool:
    """Tell whether the other side has reset a connection, without reading from it."""
    try:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == 7  # TCP_CLOSE
    except OSError:
        return True


def test_many_slow_clients_do_not_slow_down_another(hasty: Running) -> None:
    path = upload_path(hasty)
    head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n".encode()
    with ExitStack() as stack:
        for number in range(120):
            slow = stack.enter_context(hasty.connect())
            slow.sendall(head if number % 2 else b"GET /")
        with httpx.Client(base_url=hasty.url) as quick:
            worst = 0.0
            for _ in range(20):
                before = time.monotonic()
                assert quick.get("/healthz").status_code == 200
                worst = max(worst, time.monotonic() - before)
    assert worst < 5


def test_beyond_its_files_a_server_says_503_and_recovers(tmp_path: Path) -> None:
    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))

    with (
        server_process(tmp_path / "data", settings=HASTY, preexec_fn=few_files) as running,
        ExitStack() as stack,
    ):
        for _ in range(60):
            stack.enter_context(running.connect()).sendall(b"GET /")
        wait_for(lambda: running.get("/healthz").status_code == 503)
        wait_for(lambda: running.get("/healthz").status_code == 200)
