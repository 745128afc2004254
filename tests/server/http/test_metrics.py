"""What Prometheus reads, and who may read it."""

import re
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import httpx
import pytest
import wandb
from prometheus_client.parser import text_string_to_metric_families

from sweepcnn.server.http.metrics import known_operations, operation_name
from sweepcnn.storage import users
from sweepcnn.storage.database import Database
from tests.server.operations import operations
from tests.server.processes import Running, server_process

UPLOADS = "/uploads/{token}/{label:path}"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with server_process(tmp_path_factory.mktemp("metrics") / "data") as found:
        yield found


def samples(running: Running) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Give all samples by name and labels."""
    response = running.get("/metrics")
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }


class Change:
    """How much samples grew since the first look."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._before = samples(running)

    def of(self, name: str, **labels: str) -> float:
        key = (name, frozenset(labels.items()))
        return samples(self._running).get(key, 0) - self._before.get(key, 0)


def test_requests_operations_lines_and_bytes_are_counted(running: Running) -> None:
    change = Change(running)
    wire = running.wire()
    with wire.http:
        run = wire.start_run()
        wire.log(run, "{}", "{}", "{}")
        url = wire.upload_url(run, "a.txt")
        assert httpx.put(url, content=b"x" * 1000).status_code == 200
        query = "files(first: 1) { edges { node { directUrl } } }"
        httpx.get(wire.run(run, query)["files"]["edges"][0]["node"]["directUrl"])
        httpx.get(running.url + "/blobs/nonsense/x")
        wire.ask("query Viewer { viewer { id } }")
        wire.ask("query Unheard { viewer { id } }")
        wire.ask("{ viewer { id } }")
        httpx.request("BREW", running.url + "/a/b/c/d")
    of = change.of
    put = {"method": "PUT", "route": UPLOADS, "status": "200"}
    assert of("sweepcnn_http_requests_total", **put) == 1
    assert of("sweepcnn_http_request_seconds_count", route=UPLOADS) == 1
    assert of("sweepcnn_http_requests_total", method="other", route="none", status="404") == 1
    assert of("sweepcnn_graphql_operations_total", operation="Viewer") == 1
    assert of("sweepcnn_graphql_operations_total", operation="other") == 2
    assert of("sweepcnn_stream_lines_total") == 3
    assert of("sweepcnn_stream_bytes_total") > 3 * len('"{}"')
    assert of("sweepcnn_blob_bytes_total", direction="in") == 1000
    assert of("sweepcnn_blob_bytes_total", direction="out") >= 1000
    assert of("sweepcnn_runs", state="running") == 1


def test_states_agents_version_and_uptime_are_told(running: Running) -> None:
    change = Change(running)
    wire = running.wire()
    with wire.http:
        sweep = wire.ask(
            """mutation($i: UpsertSweepInput!) { upsertSweep(input: $i) { sweep { name } } }""",
            i={
                "projectName": wire.project,
                "config": "{method: random, parameters: {x: {value: 1}}}",
            },
        )["upsertSweep"]["sweep"]["name"]
        wire.ask(
            "mutation($i: CreateAgentInput!) { createAgent(input: $i) { agent { id } } }",
            i={"host": "h", "projectName": wire.project, "sweep": sweep},
        )
    assert change.of("sweepcnn_sweeps", state="PENDING") == 1
    assert change.of("sweepcnn_agents_alive") == 1
    assert change.of("sweepcnn_uptime_seconds") > 0
    assert samples(running)["sweepcnn_info", frozenset({("version", version("sweepcnn"))})] == 1
    assert any(name == "process_resident_memory_bytes" for name, _ in samples(running))


def test_other_machines_need_a_key(running: Running) -> None:
    elsewhere = {"X-Forwarded-For": "192.0.2.7"}
    assert running.get("/metrics", headers=elsewhere).status_code == 401
    for lie in ({"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}, {"Via": "1.1 p"}):
        assert running.get("/metrics", headers=lie).status_code == 401
    bearer = {"Authorization": f"Bearer {running.api_key}"}
    assert running.get("/metrics", headers=elsewhere | bearer).status_code == 200
    basic = running.get("/metrics", headers=elsewhere, auth=("api", running.api_key))
    assert basic.status_code == 200
    wrong = {"Authorization": "Bearer " + "x" * 40}
    assert running.get("/metrics", headers=elsewhere | wrong).status_code == 401


def test_nothing_of_anybodys_work_stands_in_it(running: Running) -> None:
    wire = running.wire()
    with wire.http:
        wire.start_run("secret-run")
        wire.post("query SecretOperation { viewer { id } }")
    database = Database(f"sqlite:///{running.data_dir / 'sweepcnn.db'}")
    with database.write() as connection:
        users.add(connection, "secret-user", "k" * 40, admin=False)
    database.close()
    text = running.get("/metrics").text
    assert "ecret" not in text
    assert wire.project not in re.findall(r'"([^"]*)"', text)


def test_the_labels_stay_few_whatever_is_asked(running: Running) -> None:
    wire = running.wire()
    with wire.http:
        for number in range(20):
            wire.http.get(f"/no/such/{number}/page")
            wire.post(f"query Made{number} {{ viewer {{ id }} }}")
            wire.http.request(f"VERB{number}", f"/a{number}")
        before = len(samples(running))
        for number in range(20, 40):
            wire.http.get(f"/no/such/{number}/page")
            wire.post(f"query Made{number} {{ viewer {{ id }} }}")
            wire.http.request(f"VERB{number}", f"/a{number}")
        assert len(samples(running)) == before


def test_every_operation_of_the_installed_client_is_known() -> None:
    assert {name.rstrip("'") for name in operations()} <= known_operations()
    core = (Path(wandb.__file__).parent / "bin" / "wandb-core").read_bytes()
    named = re.findall(rb"\b(?:query|mutation) ([A-Z][A-Za-z0-9_]{2,63}) ?[({]", core)
    assert len(named) > 20
    assert {name.decode() for name in named} <= known_operations()


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"query": "query A { x }"}, "A"),
        ({"query": "#graphql\n  mutation B($x: Int) { x }", "operationName": ""}, "B"),
        ({"query": "fragment F on T { x }\nquery C { x }"}, "C"),
        ({"query": "query A { x } query B { x }", "operationName": "B"}, "B"),
        ({"query": "{ x }"}, None),
        ({"query": 7, "operationName": ["x"]}, None),
        ("nonsense", None),
    ],
)
def test_the_name_of_an_operation_is_found(body: object, name: str | None) -> None:
    assert operation_name(body) == name


def test_a_document_of_blank_lines_is_searched_at_once() -> None:
    before = time.process_time()
    assert operation_name({"query": "\n" * 100_000}) is None  # took a minute, tried from each line
    assert time.process_time() - before < 5
