"""Artifacts on the wire: manifests of any kind, uploads in parts, digests, and who may what."""

import base64
import hashlib
import threading
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.backend import RunningBackend
from tests.server.artifact_wire import (
    COMMIT,
    COMPLETE,
    CREATE,
    CREATE_FILES,
    DELETE,
    LINK,
    READ,
    UPDATE,
    USE,
    announced,
    arguments,
    begin,
    committed,
    draft,
    manifest,
    md5,
)
from tests.server.conftest import ENTITY, Wire

pytestmark = pytest.mark.each_database


def blobs(server: RunningBackend) -> list[str]:
    folder = server.data_dir / "blobs"
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# Manifests


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"", "no JSON"),
        (b"[]", "no JSON"),
        (b'{"version": 1}', 'no "contents"'),
        (b'{"contents": {"a": 1}}', "file 'a'"),
        (b'{"contents": [1]}', "no JSON"),
        (b'{"contents": {"a": {"digest": "x"}', "must be an MD5"),
        (b'{"contents": ' + b'{"a":' * 100_000, "no JSON"),
        (b'{"contents": {"\\ud800": {}}}', "path inside the artifact"),
        (b'{"contents": {"a\\u0000b": {}}}', "path inside the artifact"),
        (b'{"contents": {"../x": {}}}', "path inside the artifact"),
        (b'{"contents": {"/etc/passwd": {}}}', "path inside the artifact"),
        (b'{"contents": {"": {}}}', "path inside the artifact"),
        (b'{"contents": {"' + b"x" * 1025 + b'": {}}}', "path inside the artifact"),
        (b'{"contents": {"a": {"digest": "d", "ref": "r", "size": -1}}}', "file 'a'"),
        (b'{"contents": {"a": {"digest": "d", "ref": "r", "size": 1e30}}}', "file 'a'"),
        (b'{"contents": {"a": {"digest": "\\udc00", "ref": "r"}}}', "file 'a'"),
        (b'{"contents": {"a": {"digest": "d", "ref": "%s"}}}' % (b"r" * 9000), "file 'a'"),
        (
            b'{"contents": {"a": {"digest": "d", "ref": "r", "extra": {"k": "%s"}}}}'
            % (b"e" * 20_000),
            "extra of file 'a'",
        ),
        (b"\xff\xfe{}", "not UTF-8"),
    ],
)
def test_a_manifest_that_breaks_a_rule_is_refused(
    filled: Wire, document: bytes, problem: str
) -> None:
    made = draft(filled)
    made.list_files(document)
    status, message = made.refused_commit()
    assert (status, problem in message) == (400, True), message
    made.list_files({})  # nothing of it is left
    assert made.commit()["fileCount"] == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(
    st.dictionaries(
        st.text(max_size=10),
        json_values
        | st.fixed_dictionaries(
            {"digest": st.text(max_size=8)},
            optional={"size": json_values, "ref": json_values, "extra": json_values},
        ),
        max_size=4,
    )
)
def test_no_manifest_brings_the_server_down(filled: Wire, contents: dict[str, Any]) -> None:
    made = draft(filled)
    made.list_files(contents)
    response = filled.post(COMMIT, i={"artifactID": made.id})
    assert response.status_code in (200, 400, 404), response.text
    assert "internal error" not in response.text


def test_what_the_client_notes_of_a_reference_is_kept(filled: Wire) -> None:
    noted = {"digest": "etag", "size": 7, "ref": "s3://bucket/key", "extra": {"versionID": "v"}}
    first, second = draft(filled), draft(filled, digest="e")
    first.list_files({"ünï/r": noted, "z": noted})
    base = first.commit()
    second.list_files({"z": noted | {"size": 8}}, type="INCREMENTAL", baseArtifactID=base["id"])
    merged = second.commit()
    document = httpx.get(merged["currentManifest"]["file"]["directUrl"]).json()
    assert document["contents"] == {"ünï/r": noted, "z": noted | {"size": 8}}
    assert (merged["size"], merged["fileCount"], merged["versionIndex"]) == (15, 2, 1)
    lines = "wandb-artifact-manifest-v1\nz:etag\nünï/r:etag\n"
    assert merged["digest"] == hashlib.md5(lines.encode()).hexdigest()


def test_patches_are_laid_upon_each_other_in_order(filled: Wire) -> None:
    shared = {"distributedID": "job", "clientID": "one"}
    first = draft(filled, **shared)
    second = draft(filled, **shared | {"clientID": "two"})
    assert first.id == second.id
    first.upload(a=b"a1", b=b"b1")
    second.upload(b=b"b2")
    first.list_files({"a": first.entry(b"a1"), "b": first.entry(b"b1")}, type="PATCH")
    second.list_files({"b": first.entry(b"b2")}, type="PATCH")
    made = first.commit()
    found = {e["node"]["name"]: e["node"]["directUrl"] for e in made["files"]["edges"]}
    assert {name: httpx.get(url).content for name, url in found.items()} == {
        "a": b"a1",
        "b": b"b2",
    }
    assert draft(filled, **shared | {"clientID": "three"}).id != first.id


def test_a_file_must_be_here_and_as_long_as_its_manifest_says(filled: Wire) -> None:
    made = draft(filled)
    made.list_files({"a": made.entry(b"content")})
    assert "was not uploaded" in made.refused_commit()[1]
    made.upload(a=b"content")
    made.list_files({"a": made.entry(b"content") | {"size": 3}})
    assert "has 7 bytes, not 3" in made.refused_commit()[1]
    made.list_files({"a": made.entry(b"content")})
    assert made.commit()["size"] == 7
    assert made.commit()["versionIndex"] == 0  # asking again changes nothing


def test_an_artifact_without_a_manifest_is_not_committed(filled: Wire) -> None:
    assert "manifest was not uploaded" in draft(filled).refused_commit()[1]


# Uploads


def test_what_arrives_must_be_what_was_announced(filled: Wire, server: RunningBackend) -> None:
    made = draft(filled)
    url = made.address(b"right")
    assert url is not None
    before = blobs(server)
    wrong = httpx.put(url, content=b"wrong")
    assert (wrong.status_code, "MD5" in wrong.json()["error"]) == (400, True)
    lying = httpx.put(url, content=b"right", headers={"Content-MD5": md5(b"other")})
    assert (lying.status_code, "Content-MD5" in lying.json()["error"]) == (400, True)
    document = manifest({})
    assert httpx.put(made.manifest_address(document), content=b"{}").status_code == 400
    run_file = filled.upload_url("run1", "a.txt")
    named = {"Content-MD5": md5(b"other")}
    assert httpx.put(run_file, content=b"right", headers=named).status_code == 400
    assert blobs(server) == before
    assert httpx.put(url, content=b"right").status_code == 200
    assert httpx.put(url, content=b"right").status_code == 200


def test_bytes_that_the_project_has_are_not_sent_again(
    filled: Wire, server: RunningBackend, stranger: Wire
) -> None:
    content = b"shared by all " + filled.project.encode()
    first = committed(filled, "first", a=content)
    count = len(blobs(server))
    second = draft(filled, "second")
    assert second.address(content) is None
    second.list_files({"b": second.entry(content)})
    (file,) = second.commit()["files"]["edges"]
    assert httpx.get(file["node"]["directUrl"]).content == content
    assert len(blobs(server)) == count + 1  # the manifest
    filled.ask(DELETE, i={"artifactID": first.id, "deleteAliases": True})
    assert httpx.get(file["node"]["directUrl"]).content == content
    assert draft(filled, "third").address(content) is None
    filled.project += "-other"  # in another project the digest alone proves nothing
    filled.start_run()
    assert draft(filled).address(content) is not None


def test_each_of_several_artifacts_gets_the_bytes_of_its_own_files(filled: Wire) -> None:
    committed(filled, "known", a=b"a", b=b"b")
    first, second = draft(filled, "first"), draft(filled, "second")
    files = [(first, b"a"), (second, b"b"), (second, b"new"), (first, b"new")]
    specs = [{"artifactID": made.id, "name": "f", "md5": md5(content)} for made, content in files]
    answer = filled.ask(CREATE_FILES, i={"artifactFiles": specs})["createArtifactFiles"]["files"]
    urls = [edge["node"]["uploadUrl"] for edge in answer["edges"]]
    assert [url is None for url in urls] == [True, True, False, False]
    assert urls[2] != urls[3]
    assert httpx.put(urls[2], content=b"new").status_code == 200
    for made, content in ((first, b"a"), (second, b"new")):
        made.list_files({"f": made.entry(content)})
        assert made.commit()["fileCount"] == 1


def test_an_alias_given_to_a_draft_moves_with_its_commit(filled: Wire) -> None:
    version = committed(filled, a=b"a")
    best = [{"artifactCollectionName": "c", "alias": "best"}]
    filled.ask(UPDATE, i={"artifactID": version.id, "aliases": best})
    made = draft(filled, digest="other")
    filled.ask(UPDATE, i={"artifactID": made.id, "aliases": best})
    query = """query Q($p: String!) { project(name: $p) {
        artifactCollectionMembership(name: "c:best") { versionIndex } } }"""

    def best_version() -> int:
        found = filled.ask(query, p=filled.project)["project"]["artifactCollectionMembership"]
        return int(found["versionIndex"])

    assert best_version() == 0
    made.list_files({})
    made.commit()
    assert best_version() == 1


def parts_of(content: bytes, size: int = 5) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def send(urls: list[str], parts: list[bytes]) -> list[dict[str, Any]]:
    sent = []
    for number, (url, part) in enumerate(zip(urls, parts, strict=True), 1):
        response = httpx.put(url, content=part, headers={"Content-MD5": md5(part)})
        assert response.status_code == 200, response.text
        sent.append({"partNumber": number, "hexMD5": response.headers["ETag"]})
    return sent


def test_a_large_file_comes_in_parts(filled: Wire, server: RunningBackend) -> None:
    content = b"a file in several parts " + filled.project.encode()
    made, parts = draft(filled), parts_of(content)
    done, urls = begin(made, content, parts)
    upload_id = base64.b64decode(done["uploadID"]).decode().split(":")[1]
    status, message = filled.refused(COMPLETE, i=done | {"completedParts": announced(parts)})
    assert (status, "not all parts" in message) == (400, True)
    wrong = httpx.put(urls[0], content=b"wrong")
    assert wrong.status_code == 400
    sent = send(urls, parts)
    status, message = filled.refused(COMPLETE, i=done | {"completedParts": sent[1:]})
    assert (status, "[1]" in message) == (400, True)
    answers: list[Any] = []
    for _ in range(2):  # the client asks again where an answer is late
        complete = lambda: answers.append(filled.ask(COMPLETE, i=done | {"completedParts": sent}))  # noqa: E731
        threads = [threading.Thread(target=complete) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    expected = {"completeMultipartUploadArtifact": {"digest": md5(content)}}
    assert answers == [expected] * 6
    assert not [name for name in blobs(server) if name.startswith(f"upload-{upload_id}-")]
    assert httpx.put(urls[0], content=parts[0]).status_code == 404
    made.list_files({"big.bin": made.entry(content)})
    (file,) = made.commit()["files"]["edges"]
    assert httpx.get(file["node"]["directUrl"]).content == content


def test_parts_that_make_another_file_are_refused(filled: Wire, server: RunningBackend) -> None:
    made, parts = draft(filled), parts_of(b"in this order")
    done, urls = begin(made, b"not that one", parts)
    sent = send(urls, parts)
    before = blobs(server)
    status, message = filled.refused(COMPLETE, i=done | {"completedParts": sent})
    assert (status, "MD5 of the file that the parts make" in message) == (400, True)
    assert blobs(server) == before


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ([{"partNumber": 2, "hexMD5": "0" * 32}], "numbered from 1"),
        ([{"partNumber": 1, "hexMD5": "../../x"}], "hexadecimal"),
        ([{"partNumber": 1, "hexMD5": "0" * 32}] * 2, "numbered from 1"),
    ],
)
def test_parts_are_announced_by_number_and_digest(
    filled: Wire, parts: list[dict[str, Any]], problem: str
) -> None:
    spec: dict[str, Any] = {"artifactID": draft(filled).id, "name": "a", "md5": md5(b"")}
    spec["uploadPartsInput"] = parts
    status, message = filled.refused(CREATE_FILES, i={"artifactFiles": [spec]})
    assert (status, problem in message) == (400, True)


@pytest.mark.parametrize("digest", ["", "x", "AAAA", "A" * 24, "../../../etc/passwd"])
def test_a_file_is_announced_by_its_md5(filled: Wire, digest: str) -> None:
    spec = {"artifactID": draft(filled).id, "name": "a", "md5": digest}
    status, message = filled.refused(CREATE_FILES, i={"artifactFiles": [spec]})
    assert (status, "MD5 in base64" in message) == (400, True)


# Downloads


def test_a_file_is_sent_in_ranges(filled: Wire) -> None:
    content = bytes(range(256)) * 8
    committed(filled, a=content)
    (file,) = files(filled, "c")
    part = httpx.get(file["directUrl"], headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, content[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(content)}"
    assert httpx.get(file["directUrl"], headers={"Range": "bytes=99999-"}).status_code == 416


def files(wire: Wire, name: str, project: str | None = None) -> list[Any]:
    query = """query Q($p: String!, $n: String!) { project(name: $p, entityName: "local") {
        artifactCollectionMembership(name: $n) { files { edges { node {
        name directUrl storagePath } } } } } }"""
    data = wire.ask(query, p=project or wire.project, n=name)["project"]
    edges = data["artifactCollectionMembership"]["files"]["edges"]
    return [edge["node"] for edge in edges]


def test_a_file_is_found_by_the_address_that_the_client_makes_up(
    filled: Wire, stranger: Wire, nobody: Wire
) -> None:
    content = b"by address " + filled.project.encode()
    made = committed(filled, "weights", **{"a.bin": content})
    digest = hashlib.md5(content).hexdigest()
    where = f"/artifactsV2/default/{ENTITY}/{filled.project}/weights"
    for path in (f"{where}/{made.id}/{digest}/a.bin", f"{where}/{made.id}/x/{digest}/a.bin"):
        assert filled.http.get(path).content == content
        assert stranger.http.get(path).status_code == 404
        assert nobody.http.get(path).status_code == 401
    assert filled.http.get(f"{where}/{made.id}/{'0' * 32}/a.bin").status_code == 404
    other = committed(filled, "other", b=b"else")
    assert filled.http.get(f"{where}/{other.id}/x/{digest}/a.bin").status_code == 404
    hidden = draft(filled, "draft")
    hidden.upload(a=content)
    draft_path = where.replace("weights", "draft")
    assert filled.http.get(f"{draft_path}/{hidden.id}/{digest}/a.bin").status_code == 404


# Names and collections


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"artifactCollectionName": "a:b"}, "artifact name"),
        ({"artifactCollectionName": "x" * 129}, "artifact name"),
        ({"artifactTypeName": "a/b"}, "artifact type"),
        ({"digest": "d" * 300}, "digest"),
        ({"clientID": "c" * 300}, "clientID"),
        ({"metadata": "[1]"}, "metadata must be a JSON object"),
        ({"tags": [{"tagName": "a,b"}]}, "tag 'a,b'"),
        ({"aliases": [{"artifactCollectionName": "c", "alias": "v12"}]}, "version 12"),
        ({"aliases": [{"artifactCollectionName": "c", "alias": "a:b"}]}, "alias 'a:b'"),
        ({"projectName": "wandb-registry-model"}, "registries are not served"),
    ],
)
def test_an_artifact_that_breaks_a_rule_is_refused(
    filled: Wire, given: dict[str, Any], problem: str
) -> None:
    whole = {"entityName": ENTITY, "projectName": filled.project, "artifactTypeName": "t"}
    whole |= {"artifactCollectionName": "c", "digest": "d"}
    status, message = filled.refused(CREATE, i=whole | given)
    assert (status, problem in message) == (400, True), message


def test_the_same_request_is_the_same_artifact(filled: Wire) -> None:
    first = draft(filled, clientID="same")
    assert draft(filled, clientID="same").id == first.id
    first.list_files({})
    first.commit()
    assert draft(filled, clientID="same").state == "COMMITTED"
    filled.ask(DELETE, i={"artifactID": first.id, "deleteAliases": True})
    assert draft(filled, clientID="same").id != first.id


def test_a_deleted_artifact_is_told_as_such(filled: Wire) -> None:
    made = committed(filled, a=b"a")
    filled.ask(DELETE, i={"artifactID": made.id, "deleteAliases": True})
    for query in (READ, LINK, USE, UPDATE, DELETE, COMMIT):
        status, message = filled.refused(query, **arguments(query, filled, made))
        assert (status, "version 0 of artifact 'c' was deleted" in message) == (404, True)
