"""Every field of the schema and every address, asked by everybody from strangers to admins.

A stranger's answer about what is there must be that about what is not there.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from graphql import GraphQLObjectType, get_named_type, is_leaf_type
from starlette.routing import Route

from sweepcnn.scheduler import Scheduler
from sweepcnn.search.worker import SearchWorker
from sweepcnn.server import ids
from sweepcnn.server.addresses import Addresses
from sweepcnn.server.app import create_app
from sweepcnn.server.context import Backend
from sweepcnn.server.graphql.engine import schema
from sweepcnn.storage import names, people, users
from sweepcnn.storage.access import Role
from sweepcnn.storage.blobs import BlobStore
from sweepcnn.storage.database import Database
from sweepcnn.web import pages
from tests.backend import RunningBackend
from tests.server.access_cases import ELSEWHERE, MUTATIONS, OPEN, QUERIES, Case
from tests.server.conftest import Wire
from tests.server.targets import MISSING, Target, make
from tests.server.team import PEOPLE, Lab, gathered

CASES = {("query", key): case for key, case in QUERIES.items()}
CASES |= {("mutation", key): case for key, case in MUTATIONS.items()}


@pytest.fixture(scope="module")
def lab(server: RunningBackend) -> Iterator[Lab]:
    with gathered(server) as found:
        yield found


@pytest.fixture
def target(lab: Lab) -> Target:
    return fresh(lab)


def fresh(lab: Lab) -> Target:
    """Make a project of the team, one who may come and one who may go."""
    guest, leaver = (f"{who}-{people.new_key()[:8]}" for who in ("guest", "leaver"))
    with lab.database.write() as connection:
        people.enrol(connection, guest)
        people.enrol(connection, leaver)
        people.gather(connection, lab.team, {leaver: None})
        user = users.by_name(connection, leaver)
    assert user is not None
    member_id = ids.encode("Member", user.id)
    return make(lab.wires["bob"], lab.team, guest=guest, member_id=member_id)


def root(kind: str) -> GraphQLObjectType:
    found = schema().query_type if kind == "query" else schema().mutation_type
    assert found is not None
    return found


def test_every_field_of_the_schema_has_a_case() -> None:
    fields = {*root("query").fields, *root("mutation").fields}
    told = {key.split()[0] for _, key in CASES} | OPEN | ELSEWHERE
    assert fields - told == set(), "write a case for it in access_cases.py"
    assert told - fields == set(), "it is gone: take its case away"


def operation(kind: str, key: str) -> str:
    """Write the operation that calls a field with all of its arguments."""
    field = key.split()[0]
    definition = root(kind).fields[field]
    declared = ", ".join(f"${name}: {arg.type}" for name, arg in definition.args.items())
    passed = ", ".join(f"{name}: ${name}" for name in definition.args)
    selected = "" if is_leaf_type(get_named_type(definition.type)) else "{ __typename }"
    return f"{kind} A({declared}) {{ {field}({passed}) {selected} }}"


def ask(wire: Wire, kind: str, key: str, case: Case, target: Target) -> httpx.Response:
    given = case.given(target)
    return wire.post(operation(kind, key), **({"input": given} if kind == "mutation" else given))


def as_of(target: Target, answer: httpx.Response) -> tuple[int, str]:
    """Give an answer about what is missing as it would be about the target."""
    text = answer.text
    for field in dataclasses.fields(Target):
        text = text.replace(getattr(MISSING, field.name), getattr(target, field.name))
    return answer.status_code, text


@pytest.mark.parametrize(("kind", "key"), CASES)
def test_a_field_is_for_those_who_have_the_role(
    kind: str, key: str, lab: Lab, target: Target, nobody: Wire, wire: Wire
) -> None:
    case = CASES[kind, key]
    assert ask(nobody, kind, key, case, target).status_code == 401
    told = ask(lab.wires["zoe"], kind, key, case, target)
    about_nothing = ask(lab.wires["zoe"], kind, key, case, MISSING)
    assert (told.status_code, told.text) == as_of(target, about_nothing)
    assert told.status_code == 404 or set(told.json()["data"].values()) == {None}
    for who, role in PEOPLE.items():
        if role and role < case.role:
            refused = ask(lab.wires[who], kind, key, case, target)
            assert refused.status_code == 403, (who, refused.text)
    allowed = [wire, *(lab.wires[w] for w, role in PEOPLE.items() if role and role >= case.role)]
    for asker in allowed:
        answer = ask(asker, kind, key, case, fresh(lab) if case.once else target)
        assert (answer.status_code, answer.json().get("errors")) == (200, None)


# Addresses


@dataclass(frozen=True)
class Address:
    """A route with the role that it takes; null where anybody may come."""

    method: str
    role: Role | None
    path: str
    """To be filled with a target's names."""


ADDRESSES = {
    "/graphql": None,  # above
    "/files/{entity}/{project}/{run}/file_stream": Address(
        "POST", Role.MEMBER, "/files/{entity}/{project}/{run}/file_stream"
    ),
    "/artifactsV2/{path:path}": Address(
        "GET",
        Role.VIEWER,
        "/artifactsV2/default/{entity}/{project}/{collection}/{artifact_id}/{blob}/file.txt",
    ),
    "/{entity}/{project}": Address("GET", Role.VIEWER, "/{entity}/{project}"),
    "/{entity}/{project}/sweeps/{sweep}": Address(
        "GET", Role.VIEWER, "/{entity}/{project}/sweeps/{sweep}"
    ),
    "/{entity}/{project}/runs/{run}": Address("GET", Role.VIEWER, "/{entity}/{project}/runs/{run}"),
}
# The address itself is the right to it: signed, expiring, for one thing.
SIGNED = {"/uploads/{token}/{label:path}": "PUT", "/blobs/{token}/{label:path}": "GET"}
# `/` lists what its reader may see; the others say nothing of anybody's.
OPEN_ADDRESSES = {"/", "/login", "/authorize", "/logout", "/healthz", "/metrics"}
OPEN_ADDRESSES |= {"/sdk/otel/v1/{kind}"}


def test_every_address_has_a_case(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    worker = SearchWorker()
    backend = Backend(
        database=database,
        blobs=BlobStore(tmp_path / "blobs"),
        addresses=Addresses("s" * 64),
        scheduler=Scheduler(database, worker),
        secret="s" * 64,
    )
    site = pages.routes(database, "s" * 64, lambda *_: "")
    paths = {
        route.path for route in create_app(backend, pages=site).routes if isinstance(route, Route)
    }
    worker.close()
    database.close()
    assert paths == {*ADDRESSES, *SIGNED, *OPEN_ADDRESSES}
    first = {path.split("/")[1] for path in paths}
    assert first - {"", "{entity}"} <= names.RESERVED  # nobody's pages are hidden by them


def visit(wire: Wire, address: Address, target: Target) -> httpx.Response:
    """Ask at an address with the key, and as one who has logged in with it."""
    path = address.path.format_map(dataclasses.asdict(target))
    with httpx.Client(base_url=wire.url, timeout=30, trust_env=False, auth=wire.http.auth) as http:
        if wire.key is not None:
            http.post("/login", data={"key": wire.key})
        content = b"{}" if address.method == "POST" else None
        return http.request(address.method, path, content=content)


@pytest.mark.parametrize("route", [route for route, found in ADDRESSES.items() if found])
def test_an_address_is_for_those_who_have_the_role(
    route: str, lab: Lab, target: Target, nobody: Wire, wire: Wire
) -> None:
    address = ADDRESSES[route]
    assert address is not None
    assert address.role is not None
    assert visit(nobody, address, target).status_code in (401, 303)  # 303: to the login
    told = visit(lab.wires["zoe"], address, target)
    about_nothing = visit(lab.wires["zoe"], address, MISSING)
    assert told.status_code == 404
    assert (told.status_code, told.text) == as_of(target, about_nothing)
    for who, role in PEOPLE.items():
        if role:
            status = visit(lab.wires[who], address, target).status_code
            assert status == (200 if role >= address.role else 403), who
    assert visit(wire, address, target).status_code == 200


@pytest.mark.parametrize(("route", "method"), SIGNED.items())
def test_an_address_that_was_not_given_out_is_no_right(
    route: str, method: str, wire: Wire, nobody: Wire
) -> None:
    path = route.replace("{token}", "WyJhIl0.aaaaaa.bbbb").replace("{label:path}", "file.txt")
    for asker in (wire, nobody):
        assert asker.http.request(method, path).status_code == 403


def test_the_home_page_lists_what_its_reader_may_see(lab: Lab, target: Target) -> None:
    home = Address("GET", None, "/")
    assert target.project in visit(lab.wires["vera"], home, target).text
    assert target.entity not in visit(lab.wires["zoe"], home, target).text


# Ways that lead from one entity to another


@pytest.fixture
def left(server: RunningBackend) -> Iterator[tuple[Lab, Target]]:
    """Let zoe, while she is in a team, use its artifact in a project of her own."""
    with gathered(server) as lab:
        target = fresh(lab)
        with lab.database.write() as connection:
            people.gather(connection, lab.team, {lab.names["zoe"]: None})
        document = """mutation U($input: UpsertBucketInput!) {
            upsertBucket(input: $input) { bucket { id } } }"""
        lab.ask("zoe", document, input={"modelName": "private", "name": "using"})
        use = "mutation U($i: UseArtifactInput!) { useArtifact(input: $i) { artifact { id } } }"
        own = {"entityName": lab.names["zoe"], "projectName": "private", "runName": "using"}
        lab.ask("zoe", use, i=own | {"artifactID": target.artifact_id})
        yield lab, target


def test_nobody_sees_by_whose_private_run_an_artifact_is_used(
    left: tuple[Lab, Target], wire: Wire
) -> None:
    lab, target = left
    document = "query U($id: ID!) { artifact(id: $id) { usedBy { edges { node { name } } } } }"

    def users_for(asker: Wire) -> list[str]:
        edges = asker.ask(document, id=target.artifact_id)["artifact"]["usedBy"]["edges"]
        return [edge["node"]["name"] for edge in edges]

    assert users_for(lab.wires["zoe"]) == ["using"]
    assert users_for(wire) == ["using"]
    assert users_for(lab.wires["ann"]) == []


def test_one_who_left_a_team_sees_none_of_its_artifacts(left: tuple[Lab, Target]) -> None:
    lab, target = left
    document = """query I { project(name: "private") { run(name: "using") {
        inputArtifacts { edges { node { id } } } } } }"""

    def used() -> list[str]:
        edges = lab.ask("zoe", document)["project"]["run"]["inputArtifacts"]["edges"]
        return [edge["node"]["id"] for edge in edges]

    assert used() == [target.artifact_id]
    with lab.database.write() as connection:
        people.part(connection, lab.team, [lab.names["zoe"]])
    assert used() == []


def test_bytes_of_another_teams_artifact_cannot_be_taken_along(lab: Lab, target: Target) -> None:
    assert visit(lab.wires["bob"], FILE, target).text == target.content
    other = make(lab.wires["zoe"], lab.names["zoe"])
    stolen = dataclasses.replace(other, artifact_id=target.artifact_id, blob=target.blob)
    assert visit(lab.wires["zoe"], FILE, other).text == other.content
    assert visit(lab.wires["zoe"], FILE, stolen).status_code == 404


FILE = Address(
    "GET",
    Role.VIEWER,
    "/artifactsV2/default/{entity}/{project}/{collection}/{artifact_id}/{blob}/file.txt",
)
