"""The addresses that are given out: from a public URL, a proxy's word, or the Host header."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from sweepcnn.errors import InputError
from sweepcnn.server.http import public_address
from tests.server.conftest import ENTITY
from tests.server.processes import Running, read_all, refused, server_process


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://sweeps.example.org", "https://sweeps.example.org"),
        ("https://Sweeps.Example.org/", "https://sweeps.example.org"),
        ("http://10.0.0.1:8080", "http://10.0.0.1:8080"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_an_address_is_kept_without_its_slash(text: str, address: str) -> None:
    assert public_address.read(text) == address


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("sweeps.example.org", "no address of the form"),
        ("ftp://example.org", "no address of the form"),
        ("https://", "no address of the form"),
        ("", "no address of the form"),
        ("https://host:port", "Port"),
        ("https://host:99999", "Port"),
        ("http://[::1", "Invalid IPv6"),
        ("https://host/prefix", "has the path '/prefix'"),
        ("https://me:secret@host", "holds a user name"),
        ("https://host/?x=1", "query or a fragment"),
        ("https://host#x", "query or a fragment"),
        ("https://b\u00fccher.example", "no header can carry"),
    ],
)
def test_what_cannot_be_built_on_is_refused(text: str, reason: str) -> None:
    with pytest.raises(InputError, match="--public-url") as error:
        public_address.read(text)
    assert reason in str(error.value)


def test_a_bad_public_url_is_told_before_anything_is_made(tmp_path: Path) -> None:
    where = ["--data-dir", str(tmp_path / "data")]
    code, message = refused(*where, "--public-url", "https://host/prefix")
    assert code == 2
    assert message.startswith("error: --public-url https://host/prefix: has the path")
    code, message = refused(*where, "--trusted-proxy", "nonsense")
    assert code == 2
    assert message.startswith("error: --trusted-proxy: ")
    assert not (tmp_path / "data").exists()


def test_a_public_url_is_announced_and_stands_in_every_address(tmp_path: Path) -> None:
    words = ("--public-url", "https://sweeps.example.org/")
    with server_process(tmp_path / "data", *words, public=True) as running:
        wire = running.wire()
        with wire.http:
            run = wire.start_run()
            url = wire.upload_url(run, "a.txt")
            assert url.startswith("https://sweeps.example.org/uploads/")
            path = url.removeprefix("https://sweeps.example.org")
            assert httpx.put(running.url + path, content=b"a").status_code == 200


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a server that trusts one proxy, which is not this machine."""
    folder = tmp_path_factory.mktemp("hosts") / "data"
    with server_process(folder, "--trusted-proxy", "192.0.2.1", "--log-level", "info") as found:
        yield found


def upload_url(running: Running, **headers: str) -> str:
    wire = running.wire()
    with wire.http:
        run = wire.start_run()
        wire.http.headers.update({key.replace("_", "-"): text for key, text in headers.items()})
        return wire.upload_url(run, "a.txt")


def test_addresses_follow_the_host_that_a_port_forward_shows(running: Running) -> None:
    url = upload_url(running, host="laptop:9999")
    assert url.startswith("http://laptop:9999/uploads/")


def test_the_word_of_a_proxy_that_is_not_trusted_counts_for_nothing(running: Running) -> None:
    assert upload_url(running, x_forwarded_proto="https").startswith("http://127.0.0.1")


def test_the_word_of_a_trusted_proxy_counts(tmp_path: Path) -> None:
    with server_process(tmp_path / "data") as trusting:  # loopback, by default
        url = upload_url(trusting, x_forwarded_proto="https", host="sweeps.example.org")
        assert url.startswith("https://sweeps.example.org/uploads/")
        assert upload_url(trusting, x_forwarded_proto="javascript").startswith("http://")


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b"evil/path",
        b"a b",
        b"user@evil",
        b"host:port",
        b"host:99999999",
        b"[::1",
        b"\xff\xfe",
        b"x?y#z",
        b"<script>",
        b"x" * 20_000,
    ],
)
def test_a_nonsensical_host_does_no_harm(running: Running, host: bytes) -> None:
    wire = running.wire()
    with wire.http:
        run = wire.start_run()
        document = """mutation($i: CreateRunFilesInput!) {
            createRunFiles(input: $i) { files { uploadUrl } } }"""
        where = {"entityName": ENTITY, "projectName": wire.project, "runName": run}
        variables = {"i": where | {"files": ["a.txt"]}}
        request = wire.http.build_request(
            "POST", "/graphql", json={"query": document, "variables": variables}
        )
        # by hand: no client would send such a header
        key = request.headers.get("authorization") or httpx.BasicAuth("api", wire.key or "")
        key = key if isinstance(key, str) else key._auth_header
        body = request.read()
    with running.connect() as connection:
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n"
            b"Authorization: " + key.encode() + b"\r\n"
            b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body
        )
        head, _, content = read_all(connection).partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status in (200, 400)
    if status == 200:
        (file,) = json.loads(content)["data"]["createRunFiles"]["files"]
        told = file["uploadUrl"].partition("/uploads/")[0]
        assert told == running.url or host.decode("latin-1") in told
        assert not set(told.partition("://")[2]) & set("/@?# <>")
