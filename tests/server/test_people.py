"""People and teams through the unmodified client's public API, and what each learns of others."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sweepcnn.storage import people
from sweepcnn.storage.access import Role
from tests.backend import RunningBackend
from tests.server import artifact_wire
from tests.server.client import Client
from tests.server.conftest import Wire
from tests.server.team import Lab, gathered


@pytest.fixture
def lab(server: RunningBackend) -> Iterator[Lab]:
    with gathered(server) as found:
        yield found


@pytest.fixture
def client(client_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Client:
    return Client(client_env, tmp_path_factory.mktemp("work"))


TEAM = """
    import json, sys, wandb

    me, team, other = sys.argv[1:]
    api = wandb.Api()
    with wandb.init(entity=team, project="shared") as run:
        run.log({"a": 1})
    found = api.team(team)
    invited = [found.invite(other), found.invite(other), found.invite("nobody-at-all")]
    found.load(force=True)
    members = {m.username: (m.admin, m.account_type) for m in found.members}
    gone = [m.delete() for m in found.members if m.username == other]
    found.load(force=True)
    viewer = api.viewer
    print(json.dumps({
        "run": run.entity, "projects": [p.name for p in api.projects(team)],
        "ids": [api.project(p.name, team).id == p.id for p in api.projects(team)],
        "is_team": found.is_team, "invited": invited, "members": members, "gone": gone,
        "left": len(found.members), "viewer": viewer.username, "teams": viewer.teams,
        "keys": len(viewer.api_keys), "admin": viewer.admin, "made": viewer.generate_api_key(),
        "user": api.user(me).username, "none": api.user("nobody-at-all"),
        "users": sorted(user.username for user in api.users("")),
        "unknown": api.team("no-such-team").members,
    }))
"""


@pytest.mark.each_database
def test_an_admin_of_a_team_shares_projects_and_invites(lab: Lab, client: Client) -> None:
    me, guest = lab.names["ann"], lab.names["zoe"]
    script = client.script("team.py", TEAM)
    output = client.start(script, me, lab.team, guest, env={"WANDB_API_KEY": lab.keys["ann"]})
    facts = json.loads(output.ended().strip().splitlines()[-1])
    assert (facts["run"], facts["projects"], facts["ids"]) == (lab.team, ["shared"], [True])
    assert facts["is_team"] is True
    assert facts["invited"] == [True, False, False]
    assert facts["members"] == {
        me: [True, "ADMIN"],
        lab.names["bob"]: [False, "MEMBER"],
        lab.names["vera"]: [False, "VIEWER"],
        guest: [False, "MEMBER"],
    }
    assert (facts["gone"], facts["left"]) == ([True], 3)
    assert (facts["viewer"], facts["admin"]) == (me, False)
    assert facts["teams"] == [me, lab.team]
    assert facts["keys"] == 1
    assert facts["made"] is None
    assert (facts["user"], facts["none"]) == (me, None)
    assert facts["users"] == sorted([me, lab.names["bob"], lab.names["vera"]])
    assert facts["unknown"] == []


ENTITY = """query E($name: String!) { entity(name: $name) {
    id name available isTeam entityType storageBytes members { id username } } }"""
TEAMS = "query U($q: String) { users(query: $q) { edges { node { name teams { edges { node { name }"
TEAMS += " } } apiKeys { edges { node { id name } } } } } } }"


def test_a_stranger_cannot_tell_a_team_from_a_name_that_nobody_has(lab: Lab) -> None:
    team, nothing = (
        lab.ask("zoe", ENTITY, name=name)["entity"] for name in (lab.team, "n" * len(lab.team))
    )
    for told in (team, nothing):
        del told["id"], told["name"]  # which repeat the question
    assert team == nothing
    assert nothing["available"] is True
    assert nothing["members"] == []


def test_a_member_learns_of_fellows_and_of_nobody_else(lab: Lab) -> None:
    def known(who: str) -> list[str]:
        found = lab.ask(who, TEAMS, q="")["users"]["edges"]
        return sorted(edge["node"]["name"] for edge in found)

    team = sorted(name for who, name in lab.names.items() if who != "zoe")
    assert known("vera") == team
    assert known("zoe") == [lab.names["zoe"]]


def test_the_servers_admin_finds_everybody_who_is_there(lab: Lab, wire: Wire) -> None:
    def known() -> set[str]:
        return {edge["node"]["name"] for edge in wire.ask(TEAMS, q=None)["users"]["edges"]}

    assert known() >= {"local", *lab.names.values()}
    with lab.database.write() as connection:
        people.dismiss(connection, lab.names["zoe"])
    assert lab.names["zoe"] not in known()


def test_an_exact_name_comes_first(lab: Lab, wire: Wire) -> None:
    with lab.database.write() as connection:
        people.enrol(connection, "a" + lab.names["ann"])
    found = wire.ask(TEAMS, q=lab.names["ann"])["users"]["edges"]
    assert [edge["node"]["name"] for edge in found] == [
        lab.names["ann"],
        "a" + lab.names["ann"],
    ]


@pytest.mark.each_database
def test_nobody_learns_of_a_fellows_other_teams_and_keys(lab: Lab, wire: Wire) -> None:
    with lab.database.write() as connection:
        people.gather(connection, f"other-{lab.team}", {lab.names["bob"]: None})

    def bob(asking: Wire) -> tuple[list[str], int]:
        (edge,) = asking.ask(TEAMS, q=lab.names["bob"])["users"]["edges"]
        names = [team["node"]["name"] for team in edge["node"]["teams"]["edges"]]
        return names, len(edge["node"]["apiKeys"]["edges"])

    everything = ([lab.names["bob"], lab.team, f"other-{lab.team}"], 1)
    assert bob(lab.wires["vera"]) == ([lab.team], 0)
    assert bob(lab.wires["bob"]) == everything
    assert bob(wire) == everything


CREATE = """mutation CreateTeam($name: String!, $admin: String) {
    createTeam(input: {teamName: $name, teamAdminUserName: $admin}) { entity { name isTeam } } }"""


def test_teams_are_made_by_the_servers_admin(lab: Lab, wire: Wire) -> None:
    name = f"new-{lab.team}"
    assert lab.wires["ann"].refused(CREATE, name=name)[0] == 403
    made = wire.ask(CREATE, name=name, admin=lab.names["bob"])["createTeam"]["entity"]
    assert made == {"name": name, "isTeam": True}
    found = lab.ask("bob", ENTITY, name=name)["entity"]
    assert [member["username"] for member in found["members"]] == [lab.names["bob"]]


@pytest.mark.parametrize("name", ["local", "graphql", "a b", ""])
def test_a_team_needs_a_name_of_its_own(wire: Wire, name: str) -> None:
    assert wire.refused(CREATE, name=name)[0] == 400


INVITE = """mutation CreateInvite($team: String!, $name: String) {
    createInvite(input: {entityName: $team, username: $name}) { invite { name } } }"""
EXPEL = """mutation DeleteInvite($team: String, $id: String) {
    deleteInvite(input: {entityName: $team, id: $id}) { success } }"""


def test_only_an_admin_says_who_belongs_to_a_team(lab: Lab) -> None:
    members = lab.ask("vera", ENTITY, name=lab.team)["entity"]["members"]
    for who, status in (("bob", 403), ("vera", 403), ("zoe", 404)):
        wire = lab.wires[who]
        assert wire.refused(INVITE, team=lab.team, name=lab.names["zoe"])[0] == status
        assert wire.refused(EXPEL, team=lab.team, id=members[0]["id"])[0] == status
    assert lab.wires["ann"].refused(INVITE, team=lab.names["ann"], name="local")[0] == 400
    assert lab.wires["ann"].refused(EXPEL, team=lab.team, id="TWVtYmVyOjk5OTk5")[0] == 404


@pytest.mark.parametrize(
    "document",
    [
        'mutation M { createUser(input: {email: "a@b"}) { user { id } } }',
        "mutation M { generateApiKey(input: {}) { apiKey { name } } }",
        'mutation M { deleteApiKey(input: {id: "x"}) { success } }',
        'mutation M { createServiceAccount(input: {description: "d", entityName: "local"})'
        " { user { id } } }",
    ],
)
def test_what_the_command_line_does_is_refused_with_its_name(wire: Wire, document: str) -> None:
    status, message = wire.refused(document)
    assert status == 400
    assert "sweepcnn user add" in message


def test_a_new_key_or_the_removal_of_a_user_holds_at_once(lab: Lab) -> None:
    wire = lab.wires["bob"]
    assert wire.ask("{ viewer { name } }")["viewer"]["name"] == lab.names["bob"]
    with lab.database.write() as connection:
        people.enrol(connection, lab.names["bob"], key="new-" + lab.keys["bob"])
    assert wire.post("{ viewer { name } }").status_code == 401
    renewed = Wire(wire.url, "new-" + lab.keys["bob"])
    with renewed.http:
        assert renewed.post("{ viewer { name } }").status_code == 200
        with lab.database.write() as connection:
            people.dismiss(connection, lab.names["bob"])
        assert renewed.post("{ viewer { name } }").status_code == 401


def test_addresses_for_uploads_end_with_the_key_that_asked_for_them(lab: Lab) -> None:
    wire = lab.wires["zoe"]
    document = """mutation U($input: UpsertBucketInput!) {
        upsertBucket(input: $input) { bucket { id } } }"""
    wire.ask(document, input={"modelName": "mine", "name": "first"})
    create = """mutation C($input: CreateRunFilesInput!) {
        createRunFiles(input: $input) { files { uploadUrl } } }"""
    where = {"entityName": lab.names["zoe"], "projectName": "mine", "runName": "first"}
    files = wire.ask(create, input=where | {"files": ["a.txt"]})["createRunFiles"]["files"]

    def upload() -> int:
        return httpx.put(files[0]["uploadUrl"], content=b"content").status_code

    assert upload() == 200
    with lab.database.write() as connection:
        people.enrol(connection, lab.names["zoe"], key="new-" + lab.keys["zoe"])
    assert upload() == 403
    with lab.database.write() as connection:
        people.enrol(connection, lab.names["zoe"], key=lab.keys["zoe"])
    assert upload() == 200
    with lab.database.write() as connection:
        people.dismiss(connection, lab.names["zoe"])
    assert upload() == 403


def test_addresses_for_uploads_end_with_the_right_to_write(lab: Lab) -> None:
    wire = lab.wires["bob"]
    document = """mutation U($input: UpsertBucketInput!) {
        upsertBucket(input: $input) { bucket { id } } }"""
    wire.ask(document, input={"entityName": lab.team, "modelName": "ours", "name": "first"})
    create = """mutation C($input: CreateRunFilesInput!) {
        createRunFiles(input: $input) { files { uploadUrl } } }"""
    where = {"entityName": lab.team, "projectName": "ours", "runName": "first"}
    files = wire.ask(create, input=where | {"files": ["a.txt"]})["createRunFiles"]["files"]
    spec = where | {"artifactTypeName": "t", "artifactCollectionName": "c", "digest": "d"}
    made = wire.ask(artifact_wire.CREATE, i=spec)["createArtifact"]["artifact"]
    file = {"artifactID": made["id"], "name": "b.txt", "md5": artifact_wire.md5(b"content")}
    given = wire.ask(artifact_wire.CREATE_FILES, i={"artifactFiles": [file]})["createArtifactFiles"]
    files += [edge["node"] for edge in given["files"]["edges"]]

    def uploads() -> list[int]:
        return [httpx.put(f["uploadUrl"], content=b"content").status_code for f in files]

    def join(role: Role) -> None:
        with lab.database.write() as connection:
            people.gather(connection, lab.team, {lab.names["bob"]: role})

    assert uploads() == [200, 200]
    join(Role.VIEWER)
    assert uploads() == [403, 403]
    join(Role.MEMBER)
    assert uploads() == [200, 200]
    with lab.database.write() as connection:
        people.part(connection, lab.team, [lab.names["bob"]])
    assert uploads() == [403, 403]


@pytest.mark.each_database
def test_the_command_line_adds_people_to_a_server_that_runs(server: RunningBackend) -> None:
    name, key = f"new-{people.new_key()}", f"key-{people.new_key()}"

    def run(*words: str) -> Any:
        command = [sys.executable, "-m", "sweepcnn", *words, "--json"]
        done = subprocess.run(
            [*command, "--database-url", server.database_url], capture_output=True, check=True
        )
        return json.loads(done.stdout)

    wire = Wire(server.url, key)
    with wire.http:
        assert wire.post("{ viewer { name } }").status_code == 401
        assert run("user", "add", name, "--key", key)["added"]
        assert run("team", "add", f"team-{name}", "--member", f"{name}:viewer")["added"]
        found = wire.ask("{ viewer { name teams { edges { node { name } } } } }")["viewer"]
        names = [edge["node"]["name"] for edge in found["teams"]["edges"]]
        assert (found["name"], names) == (name, [name, f"team-{name}"])
        run("user", "remove", name)
        assert wire.post("{ viewer { name } }").status_code == 401


@pytest.mark.each_database
def test_what_a_removed_user_made_stays_and_comes_back_with_them(lab: Lab, wire: Wire) -> None:
    mutation = """mutation U($input: UpsertModelInput!) {
        upsertModel(input: $input) { project { name description } inserted } }"""
    made = lab.ask("zoe", mutation, input={"name": "mine", "description": "first"})
    assert made["upsertModel"]["project"] == {"name": "mine", "description": "first"}
    with lab.database.write() as connection:
        people.dismiss(connection, lab.names["zoe"])
    of = "query P($e: String) { models(entityName: $e) { edges { node { name } } } }"
    assert len(wire.ask(of, e=lab.names["zoe"])["models"]["edges"]) == 1
    with lab.database.write() as connection:
        people.enrol(connection, lab.names["zoe"], key=lab.keys["zoe"])
    found = lab.ask("zoe", of, e=None)["models"]["edges"]
    assert [edge["node"]["name"] for edge in found] == ["mine"]
    changed = lab.ask("zoe", mutation, input={"name": "mine", "description": "second"})
    assert changed["upsertModel"]["project"]["description"] == "second"
    assert changed["upsertModel"]["inserted"] is False
