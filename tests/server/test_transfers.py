"""Files over HTTP: signed addresses, and uploads that must not run in a browser."""

import base64
import hashlib
import time
from typing import Any

import httpx
import pytest
from itsdangerous import TimestampSigner

from sweepcnn.server.addresses import Addresses
from tests.backend import RunningBackend
from tests.server.conftest import ENTITY, Wire

HTML = b"<script>alert(1)</script>"


def put(url: str, content: bytes = b"content") -> int:
    return httpx.put(url, content=content).status_code


def files(wire: Wire, run: str, **arguments: str) -> list[dict[str, Any]]:
    given = "".join(f", {key}: {value}" for key, value in arguments.items())
    fields = "name url directUrl md5 sizeBytes mimetype"
    query = f"files(first: 100{given}) {{ totalCount edges {{ node {{ id {fields} }} }} }}"
    return [edge["node"] for edge in wire.run(run, query)["files"]["edges"]]


@pytest.mark.parametrize(
    "name",
    ["output.log", "media/images/a b%20c.png", "ümlaut/✓.txt", "a+b&c=d;e.txt", "x" * 300],
)
def test_a_file_comes_back_as_it_was_sent(wire: Wire, name: str) -> None:
    run = wire.start_run()
    content = name.encode() * 3
    assert put(wire.upload_url(run, name), content) == 200
    (file,) = files(wire, run)
    assert file["name"] == name
    assert file["sizeBytes"] == len(content)
    assert file["md5"] == base64.b64encode(hashlib.md5(content).digest()).decode()
    assert httpx.get(file["directUrl"]).content == content


def test_a_file_sent_again_replaces_the_first(wire: Wire) -> None:
    run = wire.start_run()
    url = wire.upload_url(run, "config.yaml")
    assert [put(url, b"one"), put(url, b"two")] == [200, 200]
    (file,) = files(wire, run)
    assert httpx.get(file["directUrl"]).content == b"two"


def test_files_are_listed_by_name_by_pattern_and_in_pages(wire: Wire) -> None:
    run = wire.start_run()
    for name in ("ab.txt", "ba.txt", "media/x_1.png", "media/xy1.png", "ünï.txt"):
        assert put(wire.upload_url(run, name)) == 200
    found = files(wire, run)
    assert len({file["id"] for file in found}) == len(found) == 5
    assert [f["name"] for f in files(wire, run, names='["./ab.txt", "none"]')] == ["ab.txt"]
    by_pattern = [f["name"] for f in files(wire, run, pattern='"media/x_1%"')]
    assert by_pattern == ["media/x_1.png", "media/xy1.png"]
    query = "fileCount files(first: 2, after: $after) { edges { node { name } cursor }"
    query += " pageInfo { endCursor hasNextPage } }"
    names, after, more = [], None, True
    while more:
        page = wire.run(run, query, after=("String", after))
        names += [edge["node"]["name"] for edge in page["files"]["edges"]]
        after = page["files"]["pageInfo"]["endCursor"]
        more = page["files"]["pageInfo"]["hasNextPage"]
        assert page["fileCount"] == 5
    assert names == sorted(file["name"] for file in found)


def test_uploaded_pages_cannot_run_on_our_origin(wire: Wire) -> None:
    run = wire.start_run()
    for name, type_ in (
        ("media/html/page.html", "text/html"),
        ("media/images/picture.svg", "image/svg+xml"),
        ("page.html.gz", "application/octet-stream"),
        ("no-extension", "application/octet-stream"),
    ):
        put(wire.upload_url(run, name), HTML)
        (file,) = files(wire, run, names=f'["{name}"]')
        response = httpx.get(file["directUrl"])
        assert response.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["content-type"].partition(";")[0] == type_
        assert response.content == HTML


@pytest.mark.parametrize(
    "name", ["../x", "a/../../x", "/etc/passwd", "", ".", "..\\..\\x", "a/..", "a\0b"]
)
def test_a_file_name_cannot_leave_the_run(wire: Wire, name: str) -> None:
    run = wire.start_run()
    query = "mutation($i: CreateRunFilesInput!) { createRunFiles(input: $i) { runID } }"
    where = {"entityName": ENTITY, "projectName": wire.project, "runName": run}
    status, message = wire.refused(query, i=where | {"files": ["fine.txt", name]})
    assert status == 400
    assert "inside the run" in message


@pytest.mark.each_database
@pytest.mark.parametrize("letter", ["x", "\u00e4", "\U0001f600"])
def test_a_file_name_is_as_long_as_the_database_can_index(wire: Wire, letter: str) -> None:
    run = wire.start_run()
    size = len(letter.encode())
    longest = letter * (1024 // size)
    assert wire.http.put(wire.upload_url(run, longest), content=b"x").status_code == 200
    found = wire.run(run, "files { edges { node { name } } }")["files"]["edges"]
    assert [edge["node"]["name"] for edge in found] == [longest]
    query = "mutation($i: CreateRunFilesInput!) { createRunFiles(input: $i) { runID } }"
    where = {"entityName": ENTITY, "projectName": wire.project, "runName": run}
    status, message = wire.refused(query, i=where | {"files": [longest + letter]})
    assert status == 400
    assert "at most 1024" in message


def test_the_label_of_an_address_means_nothing(wire: Wire, server: RunningBackend) -> None:
    run = wire.start_run()
    url = wire.upload_url(run, "real.txt")
    token = url.split("/uploads/")[1].split("/")[0]
    before = sorted(server.data_dir.parent.iterdir())
    for label in ("..%2F..%2Fevil.txt", "%2Fetc%2Fpasswd", "other.txt"):
        assert put(f"{server.url}/uploads/{token}/{label}") == 200
    assert [file["name"] for file in files(wire, run)] == ["real.txt"]
    assert sorted(server.data_dir.parent.iterdir()) == before


def test_tampered_addresses_are_refused(wire: Wire, server: RunningBackend) -> None:
    run = wire.start_run()
    url = wire.upload_url(run, "a.txt")
    put(url)
    download = files(wire, run)[0]["directUrl"]
    for address, ask in ((url, httpx.put), (download, httpx.get)):
        head, kind, rest = address.partition("/uploads/" if "/uploads/" in address else "/blobs/")
        token, _, label = rest.partition("/")
        payload, _, signature = token.partition(".")
        for wrong in (
            f"{payload[:-2]}xx.{signature}",
            f"{payload}.{signature[:-2]}xx",
            payload,
            "x",
            "%00",
        ):
            assert ask(f"{head}{kind}{wrong}/{label}").status_code == 403
        assert ask(address).status_code == 200


def test_an_address_is_good_for_one_thing(wire: Wire, server: RunningBackend) -> None:
    run = wire.start_run()
    url = wire.upload_url(run, "a.txt")
    put(url)
    download = files(wire, run)[0]["directUrl"]
    assert httpx.get(url.replace("/uploads/", "/blobs/")).status_code == 403
    assert httpx.put(download.replace("/blobs/", "/uploads/")).status_code == 403
    assert httpx.get(url).status_code == 405


def test_addresses_expire(
    wire: Wire, server: RunningBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = int(base64.b64decode(wire.run(wire.start_run(), "id")["id"]).split(b":")[1])
    addresses = Addresses((server.data_dir / "secret").read_text())
    what = {"kind": "run_file", "run": run_id, "name": "late.txt"}
    assert put(addresses.upload(server.url, what, "late.txt")) == 200
    for age, status in ((23 * 3600, 200), (25 * 3600, 403)):
        then = int(time.time()) - age
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _, then=then: then)
        assert put(addresses.upload(server.url, what, "late.txt")) == status
        monkeypatch.undo()


def test_an_upload_for_what_is_gone_is_refused(server: RunningBackend) -> None:
    addresses = Addresses((server.data_dir / "secret").read_text())
    for what in (
        {"kind": "run_file", "run": 10**9, "name": "x"},
        {"kind": "manifest", "manifest": 10**9},
        {"kind": "artifact", "artifact": 10**9, "md5": "AAAAAAAAAAAAAAAAAAAAAA=="},
        {"kind": "part", "upload": 10**9, "number": 1, "hex_md5": "0" * 32},
        {"kind": "no such kind"},
    ):
        assert put(addresses.upload(server.url, what, "x")) == 404


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a/b",
        "default/local/p/c/QXJ0aWZhY3Q6MQ==/zz/name",
        f"default/local/p/c/QXJ0aWZhY3Q6MQ==/{'0' * 32}/name",
        f"default/local/p/c/{base64.b64encode(b'Artifact:' + b'9' * 30).decode()}/{'0' * 32}/n",
        f"default/local/p/c/{'%FF' * 4}/{'0' * 32}/n",
    ],
)
def test_an_artifact_address_that_names_nothing_is_404(wire: Wire, path: str) -> None:
    assert wire.http.get(f"/artifactsV2/{path}").status_code == 404


def test_a_committed_artifact_stays_as_it_is(wire: Wire) -> None:
    run = wire.start_run()
    given = {"entityName": ENTITY, "projectName": wire.project, "runName": run}
    kind = {"artifactTypeName": "t", "artifactCollectionName": "c", "digest": "d"}
    created = wire.ask(
        "mutation M($i: CreateArtifactInput!) { createArtifact(input: $i) { artifact { id } } }",
        i=given | kind,
    )
    artifact = created["createArtifact"]["artifact"]["id"]
    document = """mutation M($i: CreateArtifactManifestInput!) { createArtifactManifest(input: $i) {
        artifactManifest { file { uploadUrl } } } }"""
    content = b'{"contents": {}}'
    digest = base64.b64encode(hashlib.md5(content).digest()).decode()
    manifest = given | {"artifactID": artifact, "name": "m.json", "digest": digest, "type": "FULL"}
    made = wire.ask(document, i=manifest)["createArtifactManifest"]["artifactManifest"]
    address = made["file"]["uploadUrl"]
    assert wire.http.put(address, content=content).status_code == 200
    wire.ask(
        "mutation M($i: CommitArtifactInput!) { commitArtifact(input: $i) { artifact { id } } }",
        i={"artifactID": artifact},
    )
    status, message = wire.refused(document, i=manifest)
    assert (status, "committed" in message) == (400, True)
    assert wire.http.put(address, content=b'{"contents": {"x": {}}}').status_code == 404


def test_pages_of_any_origin_may_use_signed_addresses(wire: Wire) -> None:
    run = wire.start_run()
    url = wire.upload_url(run, "a.txt")
    origin = {"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "PUT"}
    assert wire.http.put(url, content=b"a").headers["Access-Control-Allow-Origin"] == "*"
    (file,) = files(wire, run)
    for address in (url, file["directUrl"]):
        asked = httpx.options(address, headers=origin)
        assert asked.status_code == 200
        assert asked.headers["Access-Control-Allow-Origin"] == "*"
        assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
    assert httpx.get(file["directUrl"]).headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in wire.http.options("/graphql").headers
