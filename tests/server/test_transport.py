"""GraphQL over HTTP: who may ask, and what becomes of requests that are no good."""

import base64
import gzip
import json

import httpx
import pytest

from tests.backend import RunningBackend
from tests.server.conftest import ENTITY, Wire

VIEWER = "query Viewer { viewer { id username entity flags teams { edges { node { name } } } } }"


def test_an_empty_operation_name_means_none(wire: Wire) -> None:
    assert wire.ask(VIEWER)["viewer"]["username"] == ENTITY


def test_a_request_without_a_key_is_401(nobody: Wire) -> None:
    status, message = nobody.refused(VIEWER)
    assert (status, message.split(";")[0]) == (401, "not logged in")


@pytest.mark.parametrize(
    "header",
    [
        "Basic " + base64.b64encode(b"api:" + b"x" * 40).decode(),
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
        "Basic not-base64!",
        "Basic",
        "Bearer abc",
        "nonsense",
    ],
)
def test_a_key_that_is_wrong_or_cannot_be_read_is_401(server: RunningBackend, header: str) -> None:
    headers = {"Authorization": header}
    for path, body in (("/graphql", {"query": VIEWER}), ("/files/local/p/r/file_stream", {})):
        response = httpx.post(server.url + path, json=body, headers=headers)
        assert response.status_code == 401
        assert response.json()["errors"][0]["message"]


def test_everything_of_a_user_needs_a_key(nobody: Wire) -> None:
    for query in (
        '{ project(name: "p") { id } }',
        "{ models { edges { node { name } } } }",
        '{ artifact(id: "QXJ0aWZhY3Q6MQ==") { id } }',
        'mutation { upsertModel(input: {name: "p"}) { inserted } }',
        'mutation { upsertBucket(input: {name: "r", modelName: "p"}) { inserted } }',
    ):
        status, message = nobody.refused(query)
        assert status == 401
        assert "WANDB_API_KEY" in message
    assert nobody.stream("r", {}).status_code == 401
    assert nobody.http.get("/artifactsV2/a/b/c/d/e/f").status_code == 401


def test_what_is_another_users_is_not_found(wire: Wire, stranger: Wire) -> None:
    run = wire.start_run()
    found = (
        "query ($name: String, $owner: String) { project(name: $name, entityName: $owner) { id } }"
    )
    assert stranger.ask(found, name=wire.project, owner=ENTITY)["project"] is None
    run_id = wire.run(run, "id")["id"]
    for query in (
        "{ models(entityName: $owner) { edges { node { id } } } }",
        "mutation { upsertBucket(input: {name: $run, modelName: $project, entityName: $owner})"
        " { inserted } }",
        "mutation { upsertBucket(input: {id: $id, notes: $run}) { inserted } }",
        "mutation { stopRun(input: {id: $id}) { success } }",
        "mutation { createRunFiles(input: {entityName: $owner, projectName: $project,"
        " runName: $run, files: [$run]}) { runID } }",
    ):
        values = {"$project": wire.project, "$owner": ENTITY, "$run": run, "$id": run_id}
        for word, value in values.items():
            query = query.replace(word, json.dumps(value))
        assert stranger.refused(query)[0] == 404
    assert stranger.stream(run, {}).status_code == 404
    assert wire.run(run, "shouldStop notes") == {"shouldStop": False, "notes": None}


def test_an_entity_that_does_not_exist_is_available(wire: Wire) -> None:
    data = wire.ask('{ entity(name: "nobody") { name available organization { id } } }')
    assert data["entity"] == {"name": "nobody", "available": True, "organization": None}


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { noSuchField } }",
        "{ viewer(noSuchArgument: 1) { id } }",
        "{ viewer { id ",
        "",
        "query A { viewer { id } } query B { viewer { id } }",
        '{ project(name: "p") { runs(first: 99999999999) { edges { cursor } } } }',
    ],
)
def test_a_document_that_is_wrong_is_an_error_and_not_repeated(wire: Wire, query: str) -> None:
    assert wire.refused(query)[0] == 200


def test_unknown_null_input_fields_are_dropped_and_others_refused(wire: Wire) -> None:
    document = "mutation($input: UpsertModelInput!) { upsertModel(input: $input) { inserted } }"
    known = {"name": wire.project, "entityName": ENTITY}
    assert wire.ask(document, input=known | {"storageRegion": None})["upsertModel"]["inserted"]
    status, message = wire.refused(document, input=known | {"storageRegion": "eu"})
    assert status == 200
    assert "storageRegion" in message


def test_unknown_nulls_are_dropped_inside_lists_and_lone_items(wire: Wire) -> None:
    document = """mutation($input: CreateArtifactInput!) {
        createArtifact(input: $input) { artifact { state } } }"""
    wire.start_run()
    given = {
        "entityName": ENTITY,
        "projectName": wire.project,
        "artifactTypeName": "t",
        "artifactCollectionName": "c",
        "digest": "d",
        "aliases": [{"artifactCollectionName": "c", "alias": "best", "future": None}],
        "tags": {"tagName": "x", "future": None},
    }
    assert wire.ask(document, input=given)["createArtifact"]["artifact"]["state"] == "PENDING"


def test_variables_that_are_not_declared_are_ignored(wire: Wire) -> None:
    assert wire.ask(VIEWER, locked=True)["viewer"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"no JSON", 400),
        (b"\xff\xfe", 400),
        (b"[]", 400),
        (b"null", 400),
        (b"{}", 400),
        (b'{"query": 1}', 400),
        (b'{"query": "{viewer{id}}", "variables": []}', 200),
        (b'{"query": "{viewer{id}}", "variables": [1]}', 400),
        (b'{"query": "\\ud800"}', 400),
        (b"[" * 200_000, 400),
        (b'{"query": "' + b"#" * 200_000 + b'"}', 400),
        (b'{"a": ' + b"1" * 10_000 + b"}", 400),
        (b" " * (33 * 2**20), 413),
    ],
    ids=range(14),
)
def test_bodies_that_are_no_good_are_refused(wire: Wire, body: bytes, status: int) -> None:
    response = wire.http.post("/graphql", content=body)
    assert response.status_code == status
    assert "Traceback" not in response.text


def test_compressed_bodies_are_read_and_bombs_refused(wire: Wire) -> None:
    packed = {"Content-Encoding": "gzip"}
    body = json.dumps({"query": VIEWER}).encode()
    fine = wire.http.post("/graphql", content=gzip.compress(body), headers=packed)
    assert fine.json()["data"]["viewer"]["username"] == ENTITY
    bomb = gzip.compress(b" " * 200 * 2**20, 1)
    assert wire.http.post("/graphql", content=bomb, headers=packed).status_code == 413
    for broken in (b"no gzip", gzip.compress(body)[:20]):
        assert wire.http.post("/graphql", content=broken, headers=packed).status_code == 400


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("query($v: JSONString) { project(name: $p) { runCount(filters: $v) } }", "no JSON"),
        ("query($v: JSONString) { project(name: $p) { runCount(filters: $v) } }", "[1]"),
        ("query($v: JSONString) { project(name: $p) { runCount(filters: $v) } }", "[" * 5000),
        (
            "query($v: JSONString) { project(name: $p) { runCount(filters: $v) } }",
            '{"$not":' * 300 + '{"a":1}' + "}" * 300,
        ),
        ("query($v: JSONString) { project(name: $p) { sweeps(filters: $v) { totalCount }}}", "{"),
        ("query($v: String) { project(name: $p) { runs(after: $v) { edges { cursor }}}}", "x"),
        (
            "query($v: String) { project(name: $p) { runs(after: $v) { edges { cursor }}}}",
            "9" * 5000,
        ),
        ("query($v: ID!) { artifact(id: $v) { id } }", "no id"),
        ("query($v: ID!) { artifact(id: $v) { id } }", "QXJ0aWZhY3Q6OTk5"),
        ("query($v: ID!) { artifactCollection(id: $v) { id } }", "Q29sbGVjdGlvbjo5OTk="),
        ("query($v: String!) { project(name: $p) { artifact(name: $v) { id }}}", "c:v" + "9" * 40),
        ("mutation($v: ID!) { agentHeartbeat(input: {id: $v}) { commands }}", "QWdlbnQ6OTk5"),
        ("mutation($v: String) { upsertBucket(input: {name: $v}) { inserted }}", "../x"),
        ("mutation($v: String) { upsertBucket(input: {name: $v}) { inserted }}", ".."),
        ("mutation($v: String) { upsertModel(input: {name: $v}) { inserted }}", ".."),
        (
            'mutation($v: JSONString) { upsertBucket(input: {name: "x", config: $v}) { inserted }}',
            "[1]",
        ),
        (
            'mutation($v: JSONString) { upsertBucket(input: {name: "x", config: $v}) { inserted }}',
            "[" * 5000,
        ),
        (
            "mutation($v: JSONString) { upsertBucket(input: {name: "
            '"x", summaryMetrics: $v}) { inserted }}',
            "1",
        ),
        ("mutation($v: String) { upsertSweep(input: {config: $v}) { sweep { id }}}", "[1"),
        ("mutation($v: String) { upsertSweep(input: {config: $v}) { sweep { id }}}", "[" * 5000),
        ("mutation($v: String) { upsertSweep(input: {config: $v}) { sweep { id }}}", "just text"),
        ("mutation($v: String) { upsertSweep(input: {state: $v}) { sweep { id }}}", "RUNNING"),
    ],
    ids=range(22),
)
def test_values_that_are_no_good_never_fail_the_server(
    wire: Wire, query: str, variables: str
) -> None:
    wire.start_run()
    response = wire.post(query.replace("$p", f'"{wire.project}"'), v=variables)
    assert response.status_code < 500, response.text
    answer = response.json()
    assert answer.get("errors") or list(answer["data"].values()) in ([None], [{"artifact": None}])
    assert "internal error" not in response.text


def test_numbers_of_64_bits_are_checked(wire: Wire) -> None:
    run = wire.start_run()
    for value in ("text", 2**70, True, 1.5):
        query = "query($p: String, $r: String!, $v: Int64) { project(name: $p) { run(name: $r) {"
        query += " history(minStep: $v) } } }"
        status, message = wire.refused(query, p=wire.project, r=run, v=value)
        assert status == 200
        assert "Int64" in message


def test_documents_may_come_as_json_instead_of_text(wire: Wire) -> None:
    run = wire.start_run(config={"lr": {"value": 0.5}})
    assert json.loads(wire.run(run, "config")["config"]) == {"lr": {"value": 0.5}}


def test_introspection_is_answered(wire: Wire) -> None:
    data = wire.ask('{ __type(name: "UpsertSweepInput") { inputFields { name } } }')
    assert {"name": "priorRunsFilters"} in data["__type"]["inputFields"]


def test_what_older_clients_probe_for_is_there(wire: Wire) -> None:
    fields = wire.ask('{ __type(name: "ServerSettings") { fields { name } } }')["__type"]["fields"]
    assert fields == [{"name": "serverMessages"}]
    document = """mutation M($input: UpsertBucketInput!) { upsertBucket(input: $input) {
        serverSettings { serverMessages { utfText } } } }"""
    answer = wire.ask(document, input={"name": "r", "modelName": wire.project})["upsertBucket"]
    assert answer == {"serverSettings": {"serverMessages": []}}
    info = wire.ask("{ serverInfo { cliVersionInfo } }")["serverInfo"]
    assert info["cliVersionInfo"]["max_cli_version"] == "99.0.0"


def test_small_answers_that_the_client_expects(server: RunningBackend) -> None:
    assert httpx.get(f"{server.url}/healthz").text == "ok"
    assert httpx.post(f"{server.url}/sdk/otel/v1/metrics", content=b"x").content == b""
    assert httpx.get(f"{server.url}/graphql").status_code == 405
    assert httpx.get(f"{server.url}/no/such/thing/here").status_code == 404


def test_lists_in_lists_end_where_the_answer_grows_too_large(wire: Wire) -> None:
    for number in range(16):
        wire.start_run(f"run{number}")
    fields = " ".join(f"a{number}: name" for number in range(1000))
    for _ in range(3):  # four million of them
        fields = f"project {{ runs {{ edges {{ node {{ {fields} }} }} }} }}"
    query = f'query R($p: String) {{ project(name: $p) {{ run(name: "run0") {{ {fields} }} }} }}'
    wire.http.timeout = httpx.Timeout(120)
    status, message = wire.refused(query, p=wire.project)
    assert status == 400
    assert "more than 500000 fields" in message
