"""A real server process, and a client of its HTTP surface without W&B's own."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx
import pytest

from sweepcnn.storage import users
from sweepcnn.storage.database import Database
from tests.backend import RunningBackend, client_environment, running_backend
from tests.conftest import choose_databases
from tests.server.client import Client

ENTITY = "local"
_numbers = count(1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    choose_databases(metafunc, "server")


@pytest.fixture(scope="session")
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningBackend]:
    """Run a server on the kind of database that is the parameter."""
    url = None
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").new_database()
    with running_backend(tmp_path_factory.mktemp("server") / "data", database_url=url) as backend:
        yield backend


@pytest.fixture(scope="session")
def stranger_key(server: RunningBackend) -> str:
    """Give the key of another user of the same server."""
    key = "stranger-" + "s" * 40
    database = Database(server.database_url)
    with database.write() as connection:
        users.add(connection, "stranger", key, admin=False)
    database.close()
    return key


@dataclass
class Wire:
    """Speaks the protocol by hand, in a project of its own."""

    url: str
    key: str | None
    project: str = field(default_factory=lambda: f"p{next(_numbers)}")

    def __post_init__(self) -> None:
        auth = None if self.key is None else ("api", self.key)
        self.http = httpx.Client(base_url=self.url, auth=auth, timeout=30, trust_env=False)

    def post(self, query: str, **variables: Any) -> httpx.Response:
        body = {"query": query, "variables": variables, "operationName": ""}
        return self.http.post("/graphql", json=body)

    def ask(self, query: str, **variables: Any) -> Any:
        """Give the data of an operation that succeeds."""
        response = self.post(query, **variables)
        answer = response.json()
        assert response.status_code == 200, answer
        assert "errors" not in answer, answer
        return answer["data"]

    def refused(self, query: str, **variables: Any) -> tuple[int, str]:
        """Give the status and the message of an operation that is refused."""
        response = self.post(query, **variables)
        answer = response.json()
        assert answer["errors"], answer
        return response.status_code, "; ".join(error["message"] for error in answer["errors"])

    def start_run(self, name: str | None = None, **given: Any) -> str:
        """Make or change a run and give its id."""
        name = name or f"run{next(_numbers)}"
        document = """mutation UpsertBucket($input: UpsertBucketInput!) {
            upsertBucket(input: $input) { bucket { name } inserted } }"""
        where = {"entityName": ENTITY, "modelName": self.project, "name": name}
        data = self.ask(document, input=where | given)
        return str(data["upsertBucket"]["bucket"]["name"])

    def stream(self, run: str, body: Mapping[str, Any] | bytes | str) -> httpx.Response:
        content = body if isinstance(body, bytes | str) else json.dumps(body)
        path = f"/files/{ENTITY}/{self.project}/{run}/file_stream"
        return self.http.post(path, content=content)

    def log(self, run: str, *lines: str, offset: int = 0, **more: Any) -> None:
        """Send lines of history as they are."""
        part = {"offset": offset, "content": list(lines)}
        response = self.stream(run, {"files": {"wandb-history.jsonl": part}} | more)
        assert response.status_code == 200, response.text

    def run(self, name: str, fields: str, **variables: Any) -> Any:
        """Read fields of a run."""
        declared = "".join(f", ${key}: {type_}" for key, (type_, _) in variables.items())
        document = f"""query Run($project: String, $name: String!{declared}) {{
            project(name: $project) {{ run(name: $name) {{ {fields} }} }} }}"""
        values = {key: value for key, (_, value) in variables.items()}
        return self.ask(document, project=self.project, name=name, **values)["project"]["run"]

    def run_names(self, **arguments: Any) -> list[str]:
        """List the runs that a filter keeps, in an order."""
        document = """query Runs($project: String, $filters: JSONString, $order: String) {
            project(name: $project) { runCount(filters: $filters)
            runs(filters: $filters, order: $order) { edges { node { name } } } } }"""
        found = self.ask(document, project=self.project, **arguments)["project"]
        names = [edge["node"]["name"] for edge in found["runs"]["edges"]]
        assert found["runCount"] == len(names)
        return names

    def upload_url(self, run: str, name: str) -> str:
        """Give the address for a file of a run."""
        document = """mutation CreateRunFiles($input: CreateRunFilesInput!) {
            createRunFiles(input: $input) { files { name uploadUrl } } }"""
        where = {"entityName": ENTITY, "projectName": self.project, "runName": run}
        data = self.ask(document, input=where | {"files": [name]})
        return str(data["createRunFiles"]["files"][0]["uploadUrl"])


@pytest.fixture
def wire(server: RunningBackend) -> Iterator[Wire]:
    found = Wire(server.url, server.api_key)
    with found.http:
        yield found


@pytest.fixture
def filled(wire: Wire) -> Wire:
    """Ask with a project that has a run, `run1`."""
    wire.start_run("run1")
    return wire


@pytest.fixture
def nobody(server: RunningBackend) -> Iterator[Wire]:
    """Ask without a key."""
    found = Wire(server.url, None)
    with found.http:
        yield found


@pytest.fixture
def stranger(server: RunningBackend, stranger_key: str, wire: Wire) -> Iterator[Wire]:
    """Ask as another user, with the eye on the project of `wire`."""
    found = Wire(server.url, stranger_key, wire.project)
    with found.http:
        yield found


@pytest.fixture(scope="module")
def client_env(server: RunningBackend, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give an environment in which wandb knows this server and nothing else."""
    return client_environment(server, tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="module")
def client(client_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Client:
    """Start programs of the first user, in a folder of their own."""
    return Client(client_env, tmp_path_factory.mktemp("work"))
