"""Requests by chance: no failure of ours, no file astray, nothing of another user.

`SWEEPCNN_TEST_FUZZ=10` makes ten times as many requests as the suite does.
"""

import hashlib
import http.client
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sweepcnn.server.graphql.engine import schema
from sweepcnn.storage import users
from sweepcnn.storage.database import Database
from tests.backend import RunningBackend, running_backend
from tests.conftest import DATABASES
from tests.server import fuzzing, targets
from tests.server.conftest import Wire
from tests.server.targets import Target

MARKER = "of-nobody-elses-business"
_SCALE = int(os.environ.get("SWEEPCNN_TEST_FUZZ", "1"))
_NAMES = {
    "query": sorted(schema().query_type.fields),  # type: ignore[union-attr]
    "mutation": sorted(schema().mutation_type.fields),  # type: ignore[union-attr]
}


def examples(count: int) -> settings:
    return settings(
        max_examples=count * _SCALE,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],  # what fails is shown as it was sent; the rows are others by then
        suppress_health_check=list(HealthCheck),
    )


@dataclass
class World:
    """A server of two users: the one who asks, and another whose things bear a mark."""

    backend: RunningBackend
    wire: Wire
    other: Target
    folder: Path
    keys: tuple[str, ...]
    """Headers to be known by, or not to be."""
    other_key: str

    def target(self) -> Target:
        """Make all that the asker needs, anew: the last example may have deleted it."""
        place = self.backend.database_url
        with closing(Database(place)) as database, database.write() as connection:
            found = users.by_name(connection, "asker")
            assert found is not None
            users.update(connection, found.id, key=str(self.wire.key))
        return targets.make(self.wire, "asker", guest="other")

    def check(self, sent: object, status: int, body: bytes) -> None:
        """Check an answer."""
        shown = f"{sent}\n-> {status} {body[:2000]!r}"
        assert status < 500, shown
        assert b"Traceback" not in body, shown
        assert MARKER.encode() not in body, shown

    def ask(self, operation: fuzzing.Operation) -> Any:
        """Send an operation and give its data."""
        answer = self.wire.http.post("/graphql", content=operation.body)
        self.check(operation, answer.status_code, answer.content)
        return answer.json().get("data")

    def send(self, call: fuzzing.Call) -> None:
        """Send a request as it is, which httpx would mend."""
        place = httpx.URL(self.backend.url)
        with closing(http.client.HTTPConnection(place.host, place.port, timeout=60)) as connection:
            host = "Host" in call.headers
            connection.putrequest(call.method, call.path, skip_host=host, skip_accept_encoding=True)
            for name, value in call.headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(call.body)))
            connection.endheaders(call.body)
            answer = connection.getresponse()
            self.check(call, answer.status, answer.read())


@pytest.fixture(scope="module", params=DATABASES)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").new_database()
    folder = tmp_path_factory.mktemp("fuzzing")
    (folder / "beside").mkdir()
    (folder / "beside" / "secret").write_text(MARKER)
    keys = {name: f"{name}-" + "k" * 40 for name in ("asker", "other")}
    with ExitStack() as stack:
        backend = stack.enter_context(running_backend(folder / "data", database_url=url))
        with closing(Database(backend.database_url)) as database, database.write() as connection:
            for name, key in keys.items():
                users.add(connection, name, key, admin=False)
        wires = {name: Wire(backend.url, key) for name, key in keys.items()}
        for wire in wires.values():
            stack.enter_context(wire.http)
        other = targets.make(wires["other"], "other", guest="asker")
        mark(wires["other"], other)
        header = httpx.BasicAuth("api", keys["asker"])._auth_header
        yield World(backend, wires["asker"], other, folder, (header, ""), keys["other"])


def mark(wire: Wire, target: Target) -> None:
    """Put the mark into all that a user can write, but for the names by which it is asked for."""
    wire.project = target.project
    config = json.dumps({"a": {"value": MARKER}, MARKER: {"value": 1}})
    texts = ("notes", "description", "groupName", "jobType", "host", "displayName", "jobProgram")
    where = {"entityName": target.entity, "modelName": target.project, "name": target.run}
    given = where | dict.fromkeys(texts, MARKER) | {"config": config, "tags": [MARKER]}
    wire.ask("mutation M($i: UpsertBucketInput!) { upsertBucket(input: $i) { inserted } }", i=given)
    line = json.dumps({"_step": 0, MARKER: MARKER})
    files = {name: {"offset": 0, "content": [line]} for name in fuzzing.STREAMS}
    path = f"/files/{target.entity}/{target.project}/{target.run}/file_stream"
    assert wire.http.post(path, json={"files": files}).status_code == 200
    view = {"id": target.view_id, "spec": json.dumps({"a": MARKER}), "displayName": MARKER}
    wire.ask("mutation M($i: UpsertViewInput!) { upsertView(input: $i) { inserted } }", i=view)
    sweep = {"id": target.sweep_id, "description": MARKER, "displayName": MARKER}
    wire.ask("mutation M($i: UpsertSweepInput!) { upsertSweep(input: $i) { __typename } }", i=sweep)
    artifact = {"artifactID": target.artifact_id, "description": MARKER}
    artifact["metadata"] = json.dumps({MARKER: MARKER})
    change = (
        "mutation M($i: UpdateArtifactInput!) { updateArtifact(input: $i) { artifact { id } } }"
    )
    wire.ask(change, i=artifact)


def listing(folder: Path) -> dict[str, str]:
    """Give what lies in a folder, but for the server's own files."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "data" not in path.relative_to(folder).parts[:1]
    }


@pytest.fixture(autouse=True)
def _no_file_is_astray(world: World) -> Iterator[None]:
    before = listing(world.folder)
    yield
    assert listing(world.folder) == before
    own = {path.name.partition(".")[0] for path in (world.folder / "data").iterdir()}
    assert own <= {"secret", "api-key", "id", "blobs", "lock", "sweepcnn"}
    assert world.backend.process.poll() is None


@pytest.mark.parametrize("name", _NAMES["query"])
def test_queries(world: World, name: str) -> None:
    whose = (world.target(), world.other)

    @examples(25 if name in ("project", "model") else 6)
    @given(fuzzing.operations(schema(), whose, "query", name))
    def check(operation: fuzzing.Operation) -> None:
        world.ask(operation)

    check()


@pytest.mark.parametrize("name", _NAMES["mutation"])
def test_mutations(world: World, name: str) -> None:
    whose = (world.target(), world.other)

    @examples(8)
    @given(fuzzing.operations(schema(), whose, "mutation", name))
    def check(operation: fuzzing.Operation) -> None:
        world.ask(operation)

    check()


def test_the_mark_is_seen_by_whose_it_is(world: World) -> None:
    variables = {"e": world.other.entity, "p": world.other.project, "r": world.other.run, "s": []}
    with Wire(world.backend.url, world.other_key).http as http:
        body = fuzzing.Operation(_READ, variables).body
        assert MARKER in http.post("/graphql", content=body).text
        assert MARKER not in world.wire.http.post("/graphql", content=body).text


_READ = """query R($e: String, $p: String, $r: String!, $f: JSONString, $o: String,
                $s: [JSONString!]!, $n: [String]) {
    project(entityName: $e, name: $p) {
        runCount(filters: $f) runs(filters: $f, order: $o) { edges { node { name } } }
        run(name: $r) {
            state exitcode heartbeatAt config wandbConfig(keys: ["t"]) summaryMetrics systemMetrics
            historyLineCount eventsLineCount logLineCount historyTail eventsTail historyKeys
            history(samples: 5) events(samples: 5) sampledHistory(specs: $s)
            parquetHistory(liveKeys: ["a"]) { __typename liveData parquetUrls }
            logLines(last: 9) { edges { node { number timestamp level label line } } }
            files(names: $n, upload: true) { edges { node { name url directUrl mimetype } } }
        } } }"""


def test_streams_and_what_is_read_of_them(world: World) -> None:
    target = world.target()
    where = {"e": target.entity, "p": target.project, "r": target.run}
    path = f"/files/{target.entity}/{target.project}/{target.run}/file_stream"
    specs, filters = st.lists(fuzzing.json_texts, max_size=2), fuzzing.json_texts
    names, config = st.lists(fuzzing.odd_texts, max_size=2), fuzzing.json_texts
    document = "mutation M($i: UpsertBucketInput!) { upsertBucket(input: $i) { inserted } }"
    given_run = {"entityName": target.entity, "modelName": target.project, "name": target.run}

    @examples(40)
    @given(fuzzing.streams, config, st.fixed_dictionaries({"s": specs, "f": filters, "n": names}))
    def check(body: Any, config: str, given: dict[str, Any]) -> None:
        answer = world.wire.http.post(path, content=json.dumps(body))
        world.check(body, answer.status_code, answer.content)
        changed = given_run | {"config": config, "summaryMetrics": config}
        world.ask(fuzzing.Operation(document, {"i": changed}))
        order = "-summary_metrics.loss,config.a"
        world.ask(fuzzing.Operation(_READ, where | given | {"o": order}))

    check()


_FILES = """mutation M($i: CreateRunFilesInput!) {
    createRunFiles(input: $i) { files { name uploadUrl } } }"""


def test_files_of_runs(world: World) -> None:
    target = world.target()
    where = {"entityName": target.entity, "projectName": target.project, "runName": target.run}

    @examples(20)
    @given(st.lists(fuzzing.odd_texts, max_size=3), st.binary(max_size=20))
    def check(names: list[str], content: bytes) -> None:
        made = world.ask(fuzzing.Operation(_FILES, {"i": where | {"files": names}}))
        for file in ((made or {}).get("createRunFiles") or {}).get("files") or []:
            answer = world.wire.http.put(file["uploadUrl"], content=content)
            world.check(file, answer.status_code, answer.content)
        read = {"e": target.entity, "p": target.project, "r": target.run, "s": [], "n": names}
        world.ask(fuzzing.Operation(_READ, read))

    check()


_MANIFEST = """mutation M($a: ID!, $e: String!, $p: String!) { createArtifactManifest(input: {
    artifactID: $a, entityName: $e, projectName: $p, name: "m", digest: "", type: FULL})
    { artifactManifest { id file { uploadUrl } } } }"""
_ARTIFACT = """mutation A($i: CreateArtifactInput!) {
    createArtifact(input: $i) { artifact { id } } }"""
_COMMIT = """mutation C($a: ID!) { commitArtifact(input: {artifactID: $a}) { artifact {
    id state size fileCount digest files { edges { node { name directUrl sizeBytes } } } } } }"""


def test_manifests(world: World) -> None:
    target = world.target()
    where = {"entityName": target.entity, "projectName": target.project}
    kind = {"artifactTypeName": "model", "artifactCollectionName": "weights"}
    digests = iter(range(10**9))

    @examples(25)
    @given(fuzzing.manifests.map(json.dumps) | fuzzing.json_texts)
    def check(content: str) -> None:
        given = where | kind | {"digest": f"d{next(digests)}"}
        made = world.ask(fuzzing.Operation(_ARTIFACT, {"i": given}))
        artifact = made["createArtifact"]["artifact"]["id"]
        named = {"a": artifact, "e": target.entity, "p": target.project}
        manifest = world.ask(fuzzing.Operation(_MANIFEST, named))["createArtifactManifest"]
        url = manifest["artifactManifest"]["file"]["uploadUrl"]
        sent = world.wire.http.put(url, content=content.encode("utf-8", "surrogatepass"))
        world.check(content, sent.status_code, sent.content)
        world.ask(fuzzing.Operation(_COMMIT, {"a": artifact}))

    check()


def test_requests_of_any_kind(world: World) -> None:
    target = world.target()
    given_run = {"entityName": target.entity, "projectName": target.project}
    given_files = given_run | {"runName": target.run, "files": ["f"]}
    made = world.ask(fuzzing.Operation(_FILES, {"i": given_files}))["createRunFiles"]
    upload = made["files"][0]["uploadUrl"]
    where = {"e": target.entity, "p": target.project, "r": target.run, "s": [], "n": ["f"]}
    file = world.ask(fuzzing.Operation(_READ, where))["project"]["run"]["files"]["edges"][0]["node"]
    tokens = [httpx.URL(url).path.split("/")[2] for url in (upload, file["directUrl"])]
    names = [quote(name) for t in (target, world.other) for name in vars(t).values() if name]

    @examples(160)
    @given(fuzzing.calls(world.keys, names, tokens))
    def check(call: fuzzing.Call) -> None:
        world.send(call)

    check()
