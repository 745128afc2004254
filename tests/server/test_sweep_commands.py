"""Every command of the client that makes, changes or reads a sweep, by the real client."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.backend import RunningBackend
from tests.server.client import Client, Process
from tests.server.conftest import Wire
from tests.server.processes import wait_for
from tests.server.sweep_wire import read

pytestmark = pytest.mark.each_database

PROJECT = "commands"
STUB = """
    import sys, time, wandb
    from pathlib import Path

    with wandb.init() as run:
        run.log({"loss": run.config["x"]})
        gate = Path(sys.argv[1])
        for _ in range(6000):
            if gate.exists():
                break
            time.sleep(0.02)
"""
SPACE = {"x": {"values": [1, 2, 3]}}


@pytest.fixture(scope="module")
def wire(server: RunningBackend) -> Iterator[Wire]:
    found = Wire(server.url, server.api_key, PROJECT)
    with found.http:
        yield found


@pytest.fixture(scope="module")
def sweep_file(client: Client) -> Callable[..., Path]:
    """Write sweep files, whose runs wait until a file of the sweep's name is there."""
    client.script("stub.py", STUB)

    def write(gate: str, **more: Any) -> Path:
        config = {
            "program": "stub.py",
            "command": [sys.executable, "${program}", f"{gate}.go"],
            "project": PROJECT,
            "method": "grid",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": SPACE,
        }
        file = client.folder / f"{gate}.yaml"
        file.write_text(json.dumps(config | more))  # JSON is YAML
        return file

    return write


def go(client: Client, name: str) -> None:
    """Let the runs of a sweep end at once."""
    (client.folder / f"{name}.go").touch()


def command(client: Client, *words: str | Path) -> str:
    return client.start("-m", "wandb", "sweep", *words).ended()


def states(wire: Wire, path: str) -> tuple[str, list[str]]:
    """Give the state of a sweep, and those of its runs."""
    fields = "state runs { edges { node { state } } }"
    found = read(wire, path.rpartition("/")[2], fields)
    return found["state"], [edge["node"]["state"] for edge in found["runs"]["edges"]]


def beats(wire: Wire, path: str) -> str:
    """Tell when a sweep was last asked for work."""
    return str(read(wire, path.rpartition("/")[2], "heartbeatAt")["heartbeatAt"])


CONTINUOUS: dict[str, Any] = {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}}


@dataclass(frozen=True)
class Aside:
    """Sweeps that run beside others, for most of an agent's time is waiting."""

    capped: str
    counted: str
    agents: list[Process]


@pytest.fixture(scope="module")
def aside(client: Client, sweep_file: Callable[..., Path]) -> Iterator[Aside]:
    """Start two agents on a sweep with a cap, and one that is to leave after two runs."""
    for name in ("capped", "counted"):
        go(client, name)
    capped = client.sweep(sweep_file("capped", run_cap=3, **CONTINUOUS))
    counted = client.sweep(sweep_file("counted"))
    words = [(capped,), (capped,), ("--count", "2", counted)]
    agents = [client.start("-m", "wandb", "agent", *w) for w in words]
    yield Aside(capped, counted, agents)
    for agent in agents:  # a test that was left out has not waited for them
        agent.outcome()


# States


@pytest.fixture(scope="module")
def lives(
    client: Client, wire: Wire, sweep_file: Callable[..., Path], aside: Aside
) -> dict[str, Any]:
    """Pause, stop and cancel a sweep each while its first run is under way."""
    words = {"paused": "--pause", "stopped": "--stop", "canceled": "--cancel"}
    paths = {name: client.sweep(sweep_file(name)) for name in words}
    agents = {name: client.start("-m", "wandb", "agent", path) for name, path in paths.items()}
    found: dict[str, Any] = {}
    for name, word in words.items():
        wait_for(lambda path=paths[name]: states(wire, path) == ("RUNNING", ["running"]))  # type: ignore[misc]
        output = command(client, word, paths[name])
        found[name] = [output, states(wire, paths[name])]
    for name in words:
        go(client, name)
    found["canceled"] += [agents["canceled"].ended(), states(wire, paths["canceled"])]
    found["stopped"] += [agents["stopped"].ended(), states(wire, paths["stopped"])]
    paused = paths["paused"]
    wait_for(lambda: states(wire, paused) == ("PAUSED", ["finished"]))
    for _ in range(2):  # its agent goes on asking, and is given nothing
        last = beats(wire, paused)
        wait_for(lambda last=last: beats(wire, paused) != last)  # type: ignore[misc]
    found["paused"].append(states(wire, paused))
    output = command(client, "--resume", paused)
    found["resumed"] = [output, agents["paused"].ended(), states(wire, paused)]
    found["paths"] = paths
    return found


def test_a_paused_sweep_lets_its_run_end_and_hands_out_no_other(lives: dict[str, Any]) -> None:
    output, at_once, later = lives["paused"]
    assert "Pausing sweep local/commands/" in output
    assert at_once == ("PAUSED", ["running"])
    assert later == ("PAUSED", ["finished"])


def test_a_resumed_sweep_goes_on_to_its_end(lives: dict[str, Any]) -> None:
    output, _, end = lives["resumed"]
    assert "Resuming sweep local/commands/" in output
    assert end == ("FINISHED", ["finished"] * 3)


def test_a_stopped_sweep_lets_its_run_end_and_sends_the_agent_home(lives: dict[str, Any]) -> None:
    output, at_once, _, end = lives["stopped"]
    assert "Stopping sweep local/commands/" in output
    assert at_once == ("FINISHED", ["running"])
    assert end == ("FINISHED", ["finished"])


def test_a_canceled_sweep_kills_its_run(lives: dict[str, Any]) -> None:
    output, at_once, agent, end = lives["canceled"]
    assert "Cancelling sweep local/commands/" in output
    assert at_once == end == ("CANCELED", ["killed"])
    assert "exit" in agent


def test_what_cannot_be_done_in_a_state_is_told(lives: dict[str, Any], client: Client) -> None:
    paths = lives["paths"]
    tries = {
        ("--pause", paths["stopped"]): "Cannot pause finished sweep.",
        ("--pause", paths["canceled"]): "Cannot pause canceled sweep.",
        ("--cancel", paths["stopped"]): "Sweep already finished.",
        ("--stop", paths["canceled"]): "Sweep already canceled.",
        ("--stop", "local/commands/missing1"): "Sweep local/commands/missing1 not found",
    }
    started = {key: client.start("-m", "wandb", "sweep", *key) for key in tries}
    for key, process in started.items():
        code, output = process.outcome()
        assert code != 0, key
        assert tries[key] in output


# Making and changing


def test_a_sweep_bears_the_name_of_its_file_or_of_the_command(
    client: Client, wire: Wire, sweep_file: Callable[..., Path]
) -> None:
    file = sweep_file("named", name="of the file", description="told")
    path = client.sweep(file)
    fields = "displayName description state"
    found = read(wire, path.rpartition("/")[2], fields)
    assert found == {"displayName": "of the file", "description": "told", "state": "PENDING"}
    output = command(client, "--update", path, "--name", "of the command", file)
    assert "Updating sweep with ID" in output
    found = read(wire, path.rpartition("/")[2], fields)
    assert found["displayName"] == "of the command"
    where = ("--project", "elsewhere", "--entity", "local", "--name", "new")
    assert client.sweep(file, *where).startswith("local/elsewhere/")


def test_what_will_not_be_acted_on_is_printed_by_the_client(
    client: Client, sweep_file: Callable[..., Path]
) -> None:
    file = sweep_file("warned", no_such_key=1, scheduler={"engine": "optuna"})
    output = command(client, file)
    assert "Malformed sweep config detected!" in output
    assert "no_such_key = 1: unknown key; it is kept and not acted on" in output
    assert re.search(r"Violation \d\. this sweep will hand out no runs: scheduler.engine", output)


def test_a_sweep_reaches_its_cap_with_two_agents_and_goes_on_under_a_higher_one(
    client: Client, wire: Wire, sweep_file: Callable[..., Path], aside: Aside
) -> None:
    for agent in aside.agents[:2]:
        agent.ended()
    assert states(wire, aside.capped) == ("FINISHED", ["finished"] * 3)
    command(client, "--update", aside.capped, sweep_file("capped", run_cap=4, **CONTINUOUS))
    command(client, "--resume", aside.capped)
    client.start("-m", "wandb", "agent", aside.capped).ended()
    assert states(wire, aside.capped) == ("FINISHED", ["finished"] * 4)
    found = read(wire, aside.capped.rpartition("/")[2], "runCount runCountExpected")
    assert found == {"runCount": 4, "runCountExpected": 4}


def test_an_agent_leaves_after_as_many_runs_as_it_was_told(wire: Wire, aside: Aside) -> None:
    aside.agents[2].ended()
    assert states(wire, aside.counted) == ("RUNNING", ["finished"] * 2)


# Prior runs

PRIOR = """
    import json, sys, wandb

    for name, x in (("before1", 0), ("before2", 5)):
        with wandb.init(project="commands", id=name, config={"x": x}) as run:
            run.log({"loss": x})
    config = json.load(open(sys.argv[1]))
    print(json.dumps(wandb.sweep(config, prior_runs=["before1"])))
"""


def test_prior_runs_are_named_to_the_client(
    client: Client, wire: Wire, sweep_file: Callable[..., Path]
) -> None:
    file = sweep_file("prior")
    made = client.facts("prior.py", PRIOR, str(file))

    def prior(sweep: str) -> list[str]:
        found = read(wire, sweep, "priorRuns { edges { node { name } } } runCount")
        assert found["runCount"] == 0
        return [edge["node"]["name"] for edge in found["priorRuns"]["edges"]]

    assert prior(made) == ["before1"]
    path = client.sweep(file, "--prior_run", "before2", "-R", "before1")
    assert prior(path.rpartition("/")[2]) == ["before1", "before2"]
    command(client, "--update", f"local/commands/{made}", "--prior_run", "before2", file)
    assert prior(made) == ["before1", "before2"]
    code, output = client.start("-m", "wandb", "sweep", "-R", "absent", file).outcome()
    assert code == 1
    told = "Error: prior run 'absent' not found in the sweep's project; give the id of a run"
    assert told in output


# Reading

READING = """
    import json, wandb

    def train():
        with wandb.init() as run:
            run.log({"loss": abs(run.config["x"] - 2) + 0.5})

    config = {"name": "read", "method": "grid", "metric": {"name": "loss", "goal": "minimize"},
              "parameters": {"x": {"values": [1, 2, 3]}}}
    made = wandb.sweep(config, project="reading")
    wandb.agent(made, function=train, project="reading", count=2)
    api = wandb.Api()
    path = f"local/reading/{made}"
    sweep = api.sweep(path)
    (agent,) = sweep.agents()
    found = {
        "made": made, "id": sweep.id, "name": sweep.name, "state": sweep.state,
        "config": sweep.config, "order": sweep.order, "expected": sweep.expected_run_count,
        "url": sweep.url, "path": sweep.path, "entity": sweep.entity,
        "losses": [run.summary["loss"] for run in sweep.runs],
        "runs": [run.id for run in sweep.runs], "best": sweep.best_run().id,
        "first by x": sweep.best_run(order="-config.x").config["x"],
        "best_loss": sweep.bestLoss, "count": sweep.runCount, "method": sweep.method,
        "agent": [agent.host != "", agent.state, agent.totalRuns, agent.name != "",
                  agent.createdAt <= agent.heartbeatAt],
        "agent's runs": [run.id for run in agent.runs(per_page=1)],
        "by name": sweep.agent(agent.name).id == agent.id,
        "by id": sweep.agent(agent.id).name == agent.name,
        "of project": [[s.id, s.state] for s in api.project("reading", "local").sweeps()],
        "filtered": [[s.id for s in api.project("reading", "local").sweeps(filters=kept)]
                     for kept in ({"state": "PENDING"}, {"displayName": "read"})],
        "from path": api.from_path(f"local/reading/sweeps/{made}").id,
        "of run": [run.sweep.id for run in api.runs("local/reading", include_sweeps=True)],
    }
    empty = wandb.sweep(config, project="reading")
    bare = wandb.Api().sweep(f"local/reading/{empty}")
    found["empty"] = [bare.state, bare.best_run(), len(bare.runs), bare.agents(), bare.bestLoss]
    for name, read in (("sweep", lambda: wandb.Api().sweep("local/reading/missing1")),
                       ("agent", lambda: sweep.agent("missing"))):
        try:
            read()
        except Exception as error:
            found["no " + name] = str(error)
    wandb.teardown()
    print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def seen(client: Client) -> dict[str, Any]:
    found: dict[str, Any] = client.facts("sweep_reads.py", READING)
    return found


def test_a_sweep_is_read_by_the_public_api(seen: dict[str, Any], server: RunningBackend) -> None:
    made = seen["made"]
    assert (seen["id"], seen["name"], seen["state"]) == (made, "read", "RUNNING")
    assert (seen["method"], seen["expected"], seen["count"]) == ("grid", 3, 2)
    assert seen["config"]["parameters"] == {"x": {"values": [1, 2, 3]}}
    assert seen["order"] == "+summary_metrics.loss"
    assert seen["url"] == f"{server.url}/local/reading/sweeps/{made}"
    assert (seen["path"], seen["entity"]) == (["local", "reading", made], "local")
    assert seen["from path"] == made
    assert seen["of run"] == [made, made]


def test_the_best_of_a_sweep_is_read_by_the_public_api(seen: dict[str, Any]) -> None:
    assert seen["losses"] == [1.5, 0.5]
    assert seen["best"] == seen["runs"][1]
    assert seen["first by x"] == 2
    assert seen["best_loss"] == 0.5


def test_agents_are_read_with_their_runs(seen: dict[str, Any]) -> None:
    assert seen["agent"] == [True, "RUNNING", 2, True, True]
    assert seen["agent's runs"] == seen["runs"]
    assert seen["by name"]
    assert seen["by id"]


def test_a_projects_sweeps_are_listed(seen: dict[str, Any]) -> None:
    assert seen["of project"] == [[seen["made"], "RUNNING"]]
    assert seen["filtered"] == [[], [seen["made"]]]


def test_a_sweep_without_runs_is_read(seen: dict[str, Any]) -> None:
    assert seen["empty"] == ["PENDING", None, 0, [], None]


def test_what_is_not_there_is_told(seen: dict[str, Any]) -> None:
    assert "Could not find sweep" in seen["no sweep"]
    assert "incomplete or invalid" in seen["no agent"]
