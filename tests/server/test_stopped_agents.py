"""Hyperband stops runs of the real client: of the command-line agent and of the function agent."""

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import yaml

from sweepcnn.storage import points, projects, runs, sweeps
from sweepcnn.storage.database import Database
from sweepcnn.storage.points import Point
from sweepcnn.storage.runs import Run
from tests.backend import RunningBackend
from tests.server.client import Client
from tests.server.conftest import ENTITY

pytestmark = pytest.mark.each_database

# A run of a good level ends soon; one of a poor level goes on until it is stopped. Lines are sent
# each second: sent together, they would be judged at a rung that the good run did not get to.
TRAINING = """
    import sys, time, wandb

    def train():
        settings = wandb.Settings(x_file_stream_transmit_interval=1)
        with wandb.init(settings=settings) as run:
            level = run.config["level"]
            steps, pause = (27, 0.1) if level > 0.5 else (300, 0.3)
            for step in range(steps):
                run.log({"score": level})
                time.sleep(pause)
            print("came to its end:", level, flush=True)
"""
COMMAND = TRAINING + "\n    train()\n"
FUNCTION = TRAINING + "\n    wandb.agent(sys.argv[1], function=train)\n"


def sweep_file(client: Client, project: str, levels: list[float], program: str | None) -> str:
    """Create a sweep whose first point is the best, and give its path."""
    document = {
        "project": project,
        "method": "grid",
        "metric": {"name": "score", "goal": "maximize"},
        "parameters": {"level": {"values": levels}},
        "early_terminate": {"type": "hyperband", "min_iter": 1},
    }
    if program is not None:
        document |= {"program": program, "command": ["${env}", "python", "${program}"]}
    return client.sweep(client.script(f"{project}.yaml", yaml.safe_dump(document)))


@dataclass
class Stored:
    """What is stored of the one sweep of a project."""

    state: str
    runs: dict[float, Run]
    points: list[Point]


def stored(database: Database, project_name: str) -> Stored:
    with database.read() as reading:
        project = projects.get(reading, ENTITY, project_name)
        assert project is not None
        (sweep,) = sweeps.of_project(reading, project.id)
        found = runs.of_sweep(reading, sweep.id)
        by_level = {yaml.safe_load(run.config)["level"]["value"]: run for run in found}
        assert len(by_level) == len(found), "no point is handed out again"
        return Stored(sweep.state, by_level, points.of_sweep(reading, sweep.id))


@pytest.fixture
def database(server: RunningBackend) -> Iterator[Database]:
    found = Database(server.database_url)
    yield found
    found.close()


def test_poor_runs_of_both_agents_are_stopped_and_never_handed_out_again(
    client: Client, database: Database
) -> None:
    name = str(time.monotonic_ns())
    levels: dict[str, list[float]] = {"command": [0.9, 0.2], "function": [0.9, 0.2, 0.1]}
    script = client.script("stopped.py", COMMAND)
    by_command = sweep_file(client, f"command{name}", levels["command"], str(script))
    by_function = sweep_file(client, f"function{name}", levels["function"], None)
    functions = client.script("functions.py", FUNCTION)
    with ExitStack() as ending:
        started = {
            "command": client.start("-m", "wandb", "agent", by_command),
            "function": client.start(functions, by_function),
        }
        for agent in started.values():
            ending.callback(agent.process.wait)
            ending.callback(agent.process.kill)
        output = {kind: agent.ended() for kind, agent in started.items()}
    for kind, expected in levels.items():
        assert output[kind].count("came to its end:") == 1, output[kind]
        found = stored(database, kind + name)
        assert list(found.runs) == expected
        assert [point.state for point in found.points] == ["settled"] * len(expected)
        assert found.state == "FINISHED"
        good, *poor = found.runs.values()
        assert (good.state, good.stop_requested, good.stop_reason) == ("finished", False, None)
        assert [run.state for run in poor] == ["killed"] * len(poor)
        for run, level in zip(poor, expected[1:], strict=True):
            reason = rf"stopped at iteration [139]: {level}, the rung's cut is 0\.[29]"
            assert re.fullmatch(reason, run.stop_reason or ""), run.stop_reason
