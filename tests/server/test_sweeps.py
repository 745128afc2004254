"""Sweeps on the wire, and what outlives the server's death."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from sweepcnn.storage import points
from sweepcnn.storage.database import Database
from tests.backend import RunningBackend, running_backend
from tests.server.conftest import ENTITY, Wire
from tests.server.sweep_wire import (
    GRID,
    HEARTBEAT,
    RANDOM,
    beat,
    create_agent,
    read,
    run_to_the_end,
    upsert,
)


def test_a_sweep_is_made_read_and_run_to_its_end(wire: Wire) -> None:
    made = upsert(wire, RANDOM | {"name": "shown"})
    sweep = made["sweep"]
    assert sweep["state"] == "PENDING"
    assert sweep["displayName"] == "shown"
    assert sweep["runCountExpected"] == 8
    assert sweep["project"] == {"name": wire.project, "entity": {"name": ENTITY}}
    assert made["configValidationWarnings"] == []
    names = run_to_the_end(wire, sweep["name"])
    fields = "state bestLoss runCount runs { edges { node { name state sweepName } } }"
    found = read(wire, sweep["name"], fields)
    assert found["state"] == "FINISHED"
    nodes = [edge["node"] for edge in found["runs"]["edges"]]
    assert [node["name"] for node in nodes] == names
    assert {node["state"] for node in nodes} == {"finished"}
    assert {node["sweepName"] for node in nodes} == {sweep["name"]}
    assert found["runCount"] == 8
    assert 0 <= found["bestLoss"] <= 1


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"method": "custom"}, "no search"),
        ({"method": "bayes", "parameters": {"x": {"values": [1]}}}, "metric"),
        ({"method": "grid", "parameters": {"x": {"min": 0.0, "max": 1.0}}}, "grid cannot"),
        ({"parameters": {"x": {"values": [1]}}}, "method"),
        (GRID | {"early_terminate": {"type": "hyperband", "min_iter": 3}}, "has no metric"),
        (GRID | {"controller": {"type": "local"}}, "wandb controller is not served"),
        (GRID | {"no_such_key": 1}, "no_such_key"),
        (
            {
                "method": "random",
                "parameters": {"x": {"distribution": "log_uniform", "min": 1, "max": 1000}},
            },
            "exponents of e",
        ),
        (GRID | {"name": ["no", "text"]}, "name"),
    ],
    ids=str,
)
def test_what_will_not_be_acted_on_is_said_and_the_sweep_made(
    wire: Wire, config: dict[str, Any], said: str
) -> None:
    made = upsert(wire, config)
    assert said in " ".join(made["configValidationWarnings"])
    agent = create_agent(wire, made["sweep"]["name"])
    assert beat(wire, agent)[0]["type"] in ("run", "exit")
    read(wire, made["sweep"]["name"], "bestLoss runCountExpected method config")


def test_states_are_changed_by_the_sweeps_id(wire: Wire) -> None:
    sweep = upsert(wire, GRID)["sweep"]
    agent = create_agent(wire, sweep["name"])
    (command,) = beat(wire, agent)
    run = command["run_id"]
    assert upsert(wire, id=sweep["id"], state="PAUSED")["sweep"]["state"] == "PAUSED"
    assert beat(wire, agent, run) == []
    assert beat(wire, agent) == []
    upsert(wire, id=sweep["id"], state="RUNNING")
    (command,) = beat(wire, agent)
    run = command["run_id"]
    wire.start_run(run)
    upsert(wire, id=sweep["id"], state="CANCELED")
    assert beat(wire, agent, run) == [{"type": "exit"}]
    assert wire.run(run, "state") == {"state": "killed"}
    wire.stream(run, {"complete": True, "exitcode": 0})
    assert wire.run(run, "state") == {"state": "killed"}


def test_a_new_config_of_a_sweep_counts_from_then_on(wire: Wire) -> None:
    sweep = upsert(wire, GRID)["sweep"]
    agent = create_agent(wire, sweep["name"])
    (command,) = beat(wire, agent)
    assert command["args"] == {"x": {"value": 1}}
    wire.start_run(command["run_id"])
    wire.stream(command["run_id"], {"complete": True, "exitcode": 0})
    upsert(wire, id=sweep["id"], config=yaml.safe_dump(GRID | {"parameters": {"x": {"value": 9}}}))
    (command,) = beat(wire, agent)
    assert command["args"] == {"x": {"value": 9}}
    wire.start_run(command["run_id"])
    wire.stream(command["run_id"], {"complete": True, "exitcode": 0})
    assert beat(wire, agent) == [{"type": "exit"}]


def test_a_state_to_which_there_is_no_way_is_refused_in_words(wire: Wire) -> None:
    sweep = upsert(wire, GRID)["sweep"]
    query = "mutation($i: UpsertSweepInput!) { upsertSweep(input: $i) { sweep { state } } }"
    upsert(wire, id=sweep["id"], state="CANCELED")
    for state, told in (
        ("FINISHED", "a sweep that is CANCELED cannot be FINISHED; possible is to RUNNING from"),
        ("SLEEPING", "sweep state 'SLEEPING' is unknown; use one of RUNNING, PAUSED, FINISHED"),
    ):
        status, message = wire.refused(query, i={"id": sweep["id"], "state": state})
        assert (status, told in message) == (400, True), message
    assert read(wire, sweep["name"], "state") == {"state": "CANCELED"}
    assert upsert(wire, id=sweep["id"], state="canceled")["sweep"]["state"] == "CANCELED"
    assert upsert(wire, id=sweep["id"], state="RUNNING")["sweep"]["state"] == "RUNNING"


@pytest.mark.each_database
@pytest.mark.parametrize(("goal", "best"), [("minimize", 0.25), ("maximize", -0.75)])
def test_the_best_of_a_sweep_is_the_best_that_a_run_ever_logged(
    wire: Wire, goal: str, best: float
) -> None:
    metric = {"name": "val.loss", "goal": goal}
    sweep = upsert(wire, GRID | {"metric": metric})["sweep"]["name"]
    assert read(wire, sweep, "bestLoss") == {"bestLoss": None}
    run = beat(wire, create_agent(wire, sweep))[0]["run_id"]
    wire.start_run(run, sweep=sweep)
    values = [0.5, 0.25, 0.75, 0.5]
    wire.log(run, *(json.dumps({"_step": n, "val": {"loss": v}}) for n, v in enumerate(values)))
    summary = {"offset": 0, "content": [json.dumps({"val": {"loss": 0.5}})]}
    wire.stream(run, {"files": {"wandb-summary.json": summary}})
    assert read(wire, sweep, "bestLoss") == {"bestLoss": best}


def test_what_a_local_controller_keeps_is_given_back_and_not_acted_on(wire: Wire) -> None:
    made = upsert(wire, GRID | {"controller": {"type": "local"}})
    (warning,) = made["configValidationWarnings"]
    assert "wandb controller is not served" in warning
    schedule = json.dumps({"schedule": [{"id": "abc", "data": {"args": {"x": {"value": 9}}}}]})
    scheduled = json.dumps({"scheduled": []})
    upsert(wire, id=made["sweep"]["id"], controller=schedule, scheduler=scheduled)
    found = read(wire, made["sweep"]["name"], "controller scheduler")
    assert found == {"controller": schedule, "scheduler": scheduled}
    assert beat(wire, create_agent(wire, made["sweep"]["name"])) == [{"type": "exit"}]


def test_the_runs_of_a_sweep_are_read_page_by_page(wire: Wire) -> None:
    sweep = upsert(wire, GRID)["sweep"]["name"]
    given = [beat(wire, create_agent(wire, sweep))[0]["run_id"] for _ in range(3)]
    page = read(wire, sweep, "runs(first: 2) { edges { node { name } } pageInfo { endCursor } }")
    after = page["runs"]["pageInfo"]["endCursor"]
    fields = f'runs(after: "{after}") {{ edges {{ node {{ name }} }} pageInfo {{ hasNextPage }} }}'
    rest = read(wire, sweep, fields)["runs"]
    edges = page["runs"]["edges"] + rest["edges"]
    assert [edge["node"]["name"] for edge in edges] == given
    assert not rest["pageInfo"]["hasNextPage"]


def test_a_stop_reaches_the_agent_and_the_run(wire: Wire) -> None:
    sweep = upsert(wire, GRID)["sweep"]
    agent = create_agent(wire, sweep["name"])
    run = beat(wire, agent)[0]["run_id"]
    wire.start_run(run)
    query = "mutation($id: ID!) { stopRun(input: {id: $id}) { success } }"
    wire.ask(query, id=wire.run(run, "id")["id"])
    assert wire.stream(run, {}).json()["stopped"] is True
    assert beat(wire, agent, run) == [{"type": "stop", "run_id": run}]


def test_heartbeats_that_are_no_good_are_refused(wire: Wire) -> None:
    agent = create_agent(wire, upsert(wire, GRID)["sweep"]["name"])
    for state in ("[]", "no JSON", "1"):
        assert wire.refused(HEARTBEAT, id=agent, state=state)[0] == 400
    unknown = base64.b64encode(b"Agent:99999").decode()
    assert wire.refused(HEARTBEAT, id=unknown, state="{}")[0] == 404


def test_another_users_agent_and_sweep_are_not_found(wire: Wire, stranger: Wire) -> None:
    sweep = upsert(wire, GRID)["sweep"]
    agent = create_agent(wire, sweep["name"])
    assert stranger.refused(HEARTBEAT, id=agent, state="{}")[0] == 404
    query = "mutation($id: ID!) { upsertSweep(input: {id: $id, state: FIX}) { sweep { id } } }"
    assert stranger.refused(query.replace("FIX", '"CANCELED"'), id=sweep["id"])[0] == 404
    assert read(wire, sweep["name"], "state") == {"state": "PENDING"}


ALIASES = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n"
    for a, b in zip("abcdefghijklmnop", "bcdefghijklmnopq", strict=True)
)


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ("method: random\nprogram: " + "x" * 70_000, "more than 65536 characters"),
        (ALIASES + "method: grid\nparameters: {p: {values: *q}}", "too many values"),
        ("method: grid\nparameters: &p {p: *p}", "too many values"),
    ],
    ids=["long", "aliases", "endless"],
)
def test_a_config_that_would_take_minutes_to_read_is_refused(
    wire: Wire, config: str, problem: str
) -> None:
    query = "mutation($i: UpsertSweepInput!) { upsertSweep(input: $i) { sweep { id } } }"
    status, message = wire.refused(query, i={"config": config, "projectName": wire.project})
    assert (status, problem in message) == (400, True), message


def test_a_config_may_name_a_part_twice(wire: Wire) -> None:
    config = "method: grid\nparameters: {p: {values: &v [1, 2]}, q: {values: *v}}"
    assert upsert(wire, config=config, projectName=wire.project)["sweep"]["runCountExpected"] == 4


def test_sweeps_are_filtered_as_is_promised(wire: Wire) -> None:
    one, other = (upsert(wire, GRID | {"name": name})["sweep"] for name in ("one", "other"))
    query = """query($p: String, $f: JSONString) { project(name: $p) { totalSweeps
        sweeps(filters: $f) { edges { node { name } } } } }"""
    for condition, expected in (
        ({}, {one["name"], other["name"]}),
        ({"name": one["name"]}, {one["name"]}),
        ({"displayName": "other"}, {other["name"]}),
        ({"state": "RUNNING"}, set()),
    ):
        data = wire.ask(query, p=wire.project, f=json.dumps(condition))["project"]
        assert {edge["node"]["name"] for edge in data["sweeps"]["edges"]} == expected
        assert data["totalSweeps"] == 2


def test_agents_are_listed_with_their_runs(wire: Wire) -> None:
    sweep = upsert(wire, GRID)["sweep"]["name"]
    agent = create_agent(wire, sweep)
    run = beat(wire, agent)[0]["run_id"]
    fields = "agents { edges { node { id name host state totalRuns runs { edges { node { name } } }"
    (edge,) = read(wire, sweep, fields + " } } }")["agents"]["edges"]
    found = edge["node"]
    assert (found["id"], found["host"], found["state"]) == (agent, "h", "RUNNING")
    assert found["totalRuns"] == 1
    assert found["runs"]["edges"] == [{"node": {"name": run}}]
    for key in (found["name"], agent):
        assert read(wire, sweep, f'agent(agentName: "{key}") {{ id }}') == {"agent": {"id": agent}}
    other = upsert(wire, GRID)["sweep"]["name"]
    for key in (found["name"], agent, "missing"):
        assert read(wire, other, f'agent(agentName: "{key}") {{ id }}') == {"agent": None}
    assert read(wire, other, "agents { edges { node { id } } }") == {"agents": {"edges": []}}


@pytest.fixture(scope="module")
def victim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBackend]:
    """Give a server that may be killed."""
    with running_backend(tmp_path_factory.mktemp("victim") / "data") as found:
        yield found


def libraries(process_id: int) -> set[str]:
    maps = Path(f"/proc/{process_id}/maps")
    if not maps.exists():
        pytest.skip("there is no /proc here to tell what a process has loaded")
    return {line.split()[-1].rpartition("/")[2] for line in maps.read_text().splitlines()}


def test_the_server_never_loads_torch(victim: RunningBackend) -> None:
    wire = Wire(victim.url, victim.api_key)
    with wire.http:
        before = libraries(victim.process.pid)
        assert len(run_to_the_end(wire, upsert(wire, RANDOM)["sweep"]["name"])) == 8
        after = libraries(victim.process.pid)
    assert any("sqlite" in name for name in after), "the measure sees what is loaded"
    assert not [name for name in before | after if "torch" in name]


def test_what_was_acknowledged_outlives_a_kill(victim: RunningBackend) -> None:
    wire = Wire(victim.url, victim.api_key)
    sweep = upsert(wire, GRID)["sweep"]["name"]
    agent = create_agent(wire, sweep)
    run = beat(wire, agent)[0]["run_id"]
    wire.start_run(run)
    lines = [json.dumps({"_step": n}) for n in range(100)]
    for offset in range(0, 100, 10):
        wire.log(run, *lines[offset : offset + 10], offset=offset)
    httpx.put(wire.upload_url(run, "kept.bin"), content=b"kept")
    late = wire.upload_url(run, "late.bin")
    version = commit_artifact(wire, run, b"weights")
    victim.process.kill()
    victim.process.wait()
    wire.http.close()
    with running_backend(victim.data_dir, port=victim.port) as again:
        assert again.api_key == victim.api_key
        after = Wire(again.url, victim.api_key, wire.project)
        with after.http:
            assert after.run(run, "history(samples: 1000)")["history"] == lines
            assert httpx.put(late, content=b"late").status_code == 200
            urls = "files(first: 9) { edges { node { name directUrl } } }"
            nodes = [edge["node"] for edge in after.run(run, urls)["files"]["edges"]]
            contents = {node["name"]: httpx.get(node["directUrl"]).content for node in nodes}
            assert contents == {"kept.bin": b"kept", "late.bin": b"late"}
            found = after.ask(
                "query($id: ID!) { artifact(id: $id) { state versionIndex "
                "files { edges { node { name directUrl } } } } }",
                id=version,
            )
            assert found["artifact"]["state"] == "COMMITTED"
            (file,) = found["artifact"]["files"]["edges"]
            assert httpx.get(file["node"]["directUrl"]).content == b"weights"
            assert beat(after, agent, run) == []
            after.stream(run, {"complete": True, "exitcode": 0})
            assert beat(after, agent)[0]["args"] == {"x": {"value": 2}}
    database = Database(f"sqlite:///{victim.data_dir / 'sweepcnn.db'}")
    with database.read() as reading:
        handed_out = [item.point for item in points.of_sweep(reading, 2)]
    database.close()
    assert handed_out == ['{"x": 1}', '{"x": 2}']


def commit_artifact(wire: Wire, run: str, content: bytes) -> str:
    """Upload an artifact of one file as the client does, and give its id."""
    where = {"entityName": ENTITY, "projectName": wire.project, "runName": run}
    md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
    given = {"artifactTypeName": "model", "artifactCollectionName": "m", "digest": md5}
    made = wire.ask(
        "mutation($i: CreateArtifactInput!) { createArtifact(input: $i) { artifact { id } } }",
        i=where | given,
    )["createArtifact"]["artifact"]["id"]
    assert unfinished(wire, made) == "the artifact's manifest was not uploaded"
    manifest = wire.ask(
        "mutation($i: CreateArtifactManifestInput!) { createArtifactManifest(input: $i) {"
        " artifactManifest { id file { uploadUrl } } } }",
        i=where | {"artifactID": made, "name": "wandb_manifest.json", "digest": ""},
    )["createArtifactManifest"]["artifactManifest"]
    document = {"version": 1, "contents": {"w.bin": {"digest": md5, "size": len(content)}}}
    for broken in (b"no JSON", b"[]", b'{"contents": {"w.bin": {}}}', b'{"contents": [1]}'):
        httpx.put(manifest["file"]["uploadUrl"], content=broken)
        assert " manifest" in unfinished(wire, made)
    httpx.put(manifest["file"]["uploadUrl"], json=document)
    assert unfinished(wire, made) == "file 'w.bin' of the artifact was not uploaded"
    query = """mutation($i: CreateArtifactFilesInput!) { createArtifactFiles(input: $i) {
        files { edges { node { uploadUrl storagePath } } } } }"""
    files = {"artifactFiles": [{"artifactID": made, "name": "w.bin", "md5": md5}]}
    (edge,) = wire.ask(query, i=files)["createArtifactFiles"]["files"]["edges"]
    assert edge["node"]["storagePath"].startswith("wandb_artifacts/")
    assert httpx.put(edge["node"]["uploadUrl"], content=b"other").status_code == 400
    assert httpx.put(edge["node"]["uploadUrl"], content=content).status_code == 200
    (edge,) = wire.ask(query, i=files)["createArtifactFiles"]["files"]["edges"]
    assert edge["node"]["uploadUrl"] is None, "it is here already"
    wire.ask(COMMIT, id=made)
    return str(made)


COMMIT = "mutation($id: ID!) { commitArtifact(input: {artifactID: $id}) { artifact { state } } }"


def unfinished(wire: Wire, artifact: str) -> str:
    status, message = wire.refused(COMMIT, id=artifact)
    assert status == 400
    return message
