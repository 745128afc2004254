"""The log: what a line holds, what never stands in it, and when there is one."""

import hashlib
import json
import logging
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from sweepcnn.server.http import logs
from tests.server.conftest import ENTITY
from tests.server.processes import Running, server_process, wait_for


def use(running: Running) -> dict[str, str]:
    """Ask for this and that; gives what is secret in it."""
    wire = running.wire()
    with wire.http:
        run = wire.start_run()
        wire.log(run, '{"_step": 0, "loss": 0.5}')
        upload = wire.upload_url(run, "a.txt")
        assert httpx.put(upload, content=b"x" * 1000).status_code == 200
        query = "files(first: 1) { edges { node { directUrl } } }"
        download = wire.run(run, query)["files"]["edges"][0]["node"]["directUrl"]
        assert httpx.get(download).content == b"x" * 1000
        assert wire.http.get("/no/such/page/at/all?key=hidden").status_code == 404
        wire.http.post("/graphql", json={"query": "{ viewer { id } }", "operationName": 'a" b=c\n'})
    tokens = {"upload": upload.split("/")[4], "download": download.split("/")[4]}
    return tokens | {"key": running.api_key, "query string": "hidden"}


def lines(running: Running, number: int) -> list[str]:
    line = re.compile(r'message(=|": ")request')
    wait_for(lambda: len(line.findall(running.log())) >= number)
    return running.log().splitlines()


def test_as_json_each_request_is_one_line(tmp_path: Path) -> None:
    words = ("--log-level", "info", "--log-format", "json")
    with server_process(tmp_path / "data", *words) as running:
        secrets = use(running)
        found = [json.loads(line) for line in lines(running, 8)]
    requests = [line for line in found if line["message"] == "request"]
    by_route: dict[str, list[dict[str, Any]]] = {}
    for line in requests:
        by_route.setdefault(line["route"], []).append(line)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
        assert line["level"] == "info"
        assert 0 < line["ms"] < 60_000
    (upload,) = by_route["/uploads/{token}/{label:path}"]
    assert (upload["method"], upload["status"], upload["bytes_in"]) == ("PUT", 200, 1000)
    assert "user" not in upload
    (download,) = by_route["/blobs/{token}/{label:path}"]
    assert download["bytes_out"] == 1000
    (stream,) = by_route["/files/{entity}/{project}/{run}/file_stream"]
    assert stream["user"] == ENTITY
    (missing,) = by_route["none"]
    assert missing["status"] == 404
    operations = [line["operation"] for line in by_route["/graphql"]]
    assert operations == ["UpsertBucket", "CreateRunFiles", "Run", 'a" b=c\n']
    for name, secret in secrets.items():
        assert secret not in running.log(), name


def test_as_text_each_request_is_one_line_of_keys_and_values(tmp_path: Path) -> None:
    with server_process(tmp_path / "data", "--log-level", "info") as running:
        secrets = use(running)
        found = lines(running, 8)
    requests = [line for line in found if " message=request " in line]
    assert len(requests) == 8
    for line in requests:
        words = dict(word.split("=", 1) for word in shlex.split(line))
        assert {"time", "level", "method", "route", "status", "ms"} <= set(words)
    assert r'operation="a\" b=c\n"' in requests[-1]
    for name, secret in secrets.items():
        assert secret not in running.log(), name


def test_a_laptop_hears_nothing_of_requests(tmp_path: Path) -> None:
    with server_process(tmp_path / "data") as running:
        use(running)
        running.process.terminate()
        running.process.wait(30)
    assert running.log() == ""


def test_a_stored_file_without_bytes_is_told_by_its_digest(tmp_path: Path) -> None:
    with server_process(tmp_path / "data") as running:
        secrets = use(running)
        for blob in (tmp_path / "data" / "blobs").rglob("*"):
            if blob.is_file():
                blob.unlink()
        answer = running.get(f"/blobs/{secrets['download']}/a.txt")
        assert (answer.status_code, answer.json()["error"]) == (404, "the file is gone")
        wait_for(lambda: "a stored file has no bytes" in running.log())
    (line,) = running.log().splitlines()
    assert " level=error " in line
    assert f"sha256={hashlib.sha256(b'x' * 1000).hexdigest()}" in line
    assert secrets["download"] not in line


def record(message: str, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("sweepcnn.test", logging.WARNING, __file__, 1, message, (), None)
    made.__dict__.update(logs.fields(**fields))
    return made


def formatter(format_: logs.Format) -> logging.Formatter:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        logs.configure(format_, "warning")
        found = root.handlers[0].formatter
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    assert found is not None
    return found


@pytest.mark.parametrize("format_", ["text", "json"])
def test_nobody_writes_a_line_of_their_own(format_: logs.Format) -> None:
    made = record("a\nb", name="x\r\nlevel=error\u2028 \u202e", none=None)
    told = formatter(format_).format(made)
    assert len(told.splitlines()) == 1
    assert told.isprintable()
    assert "none" not in told


def test_a_traceback_is_a_field_of_json_and_follows_the_line_of_text() -> None:
    made = record("failed")
    try:
        raise ValueError("why")
    except ValueError:
        made.exc_info = sys.exc_info()
    assert "ValueError: why" in json.loads(formatter("json").format(made))["exception"]
    line, *rest = formatter("text").format(made).splitlines()
    assert line.endswith("message=failed")
    assert rest[-1] == "ValueError: why"
