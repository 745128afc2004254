"""Sweeps by many real agents, of which some are killed: every point is settled, and none twice.

The runs are of the real client and train nothing. The server waits less for who is silent than it
does by itself, which is longer than a test.
"""

import json
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import sqlalchemy as sa
import yaml

from sweepcnn.storage import agents, points, projects, runs, streams, sweeps
from sweepcnn.storage.database import Database
from sweepcnn.storage.points import SETTLED, Point
from sweepcnn.storage.runs import Run
from sweepcnn.storage.sweeps import Sweep
from tests.backend import RunningBackend, client_environment
from tests.server.processes import Running, free_port, server_process, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROGRAMS = Path(__file__).parent / "programs"
PROJECT = "stubs"
_PATIENCE_S = 280.0
_POLL_S = 0.5
_SILENCE_S = 40
_IMPATIENT_SERVER = f"""
from sweepcnn.server import app
app.CRASH_AFTER_S, app._SILENCE_CHECK_S = {_SILENCE_S}, 1
"""
# By its own patience the client would wait for minutes after the server was down.
_IMPATIENT_CLIENT = {
    f"WANDB__{part}_RETRY_WAIT_{end}_SECONDS": "1"
    for part in ("GRAPHQL", "FILE_STREAM", "FILE_TRANSFER")
    for end in ("MIN", "MAX")
}


@dataclass(frozen=True)
class Seen:
    """What the server's database holds of the sweep."""

    state: str
    points: list[Point]
    runs: list[Run]
    runs_at: dict[int, list[Run]]
    histories: dict[str, list[dict[str, Any]]]
    runs_of: list[list[str]]
    """The runs that each agent was given last, by the order in which the agents came."""

    def values(self, key: str) -> list[Any]:
        """Give the points' values of a parameter, sorted."""
        return sorted(json.loads(point.point)[key] for point in self.points)

    def turns(self, x: int) -> list[Run]:
        """Give the runs of one point, oldest first."""
        (point,) = [p for p in self.points if json.loads(p.point)["x"] == x]
        return self.runs_at[point.id]


class Site:
    """A machine with a server, a sweep, and agents.

    Args:
        folder: for all files.
        stack: ends with what was started.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack = folder, stack
        self._data_dir, self._port = folder / "data", free_port()
        for program in PROGRAMS.glob("*.py"):
            shutil.copy(program, folder)
        self.agents: list[subprocess.Popen[bytes]] = []
        url = f"sqlite:///{self._data_dir / 'sweepcnn.db'}"
        server = self.start_server()
        backend = RunningBackend(server.url, server.api_key, self._data_dir, url, server.process)
        self._env = client_environment(backend, folder / "client") | _IMPATIENT_CLIENT
        self._database = stack.enter_context(closing(Database(url)))

    def start_server(self) -> Running:
        """Start the server, always at the same port and on the same data."""
        words = ("--port", str(self._port))
        started = server_process(self._data_dir, *words, settings=_IMPATIENT_SERVER)
        running = self._stack.enter_context(started)
        self._server = running.process
        return running

    def kill_server(self) -> None:
        self._server.kill()
        self._server.wait()

    def sweep(self, program: str, **config: Any) -> None:
        (self._folder / "sweep.yaml").write_text(yaml.safe_dump({"program": program} | config))
        done = subprocess.run(
            [sys.executable, "-m", "wandb", "sweep", "--project", PROJECT, "sweep.yaml"],
            cwd=self._folder,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        found = re.search(r"wandb agent (\S+)", done.stdout + done.stderr)
        assert found, done.stderr
        self._path = found[1]

    def start_agent(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `wandb agent`."""
        return self._start("-m", "wandb", "agent", *words, self._path)

    def start_function_agent(self, program: str) -> subprocess.Popen[bytes]:
        return self._start(program, self._path.rpartition("/")[2], PROJECT)

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"agent{len(self.agents)}.log").open("w") as log:
            agent = subprocess.Popen(
                [sys.executable, *words],
                cwd=self._folder,
                env=self._env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.agents.append(agent)
        self._stack.callback(kill_with_children, agent)
        return agent

    def hold(self, *points: Any) -> None:
        """Let the first run of each of some points hang."""
        for x in points:
            (self._folder / f"hold-{x}").touch()

    def held(self, x: Any) -> psutil.Process:
        """Wait until the run of a point hangs, and give its process."""
        path = self._folder / f"held-{x}"
        wait_for(path.exists, _PATIENCE_S)
        return psutil.Process(int(path.read_text()))

    def agent_of(self, process: psutil.Process) -> subprocess.Popen[bytes]:
        """Find the agent that is a process, or its parent."""
        ids = [process.pid, *(parent.pid for parent in process.parents())]
        (agent,) = [agent for agent in self.agents if agent.pid in ids]
        return agent

    def look(self) -> Seen:
        with self._database.read() as reading:
            sweep = self._find(reading)
            found = runs.of_sweep(reading, sweep.id)
            by_run = points.by_run(reading, sweep.id)
            runs_at: dict[int, list[Run]] = {point.id: [] for point in by_run.values()}
            for run in found:
                runs_at[by_run[run.id].id].append(run)
            lines = {run.name: streams.read(reading, run.id, streams.HISTORY) for run in found}
            came = agents.of_sweep(reading, sweep.id)
            return Seen(
                sweep.state,
                points.of_sweep(reading, sweep.id),
                found,
                runs_at,
                {name: [json.loads(line) for line in of_run] for name, of_run in lines.items()},
                [[run.name for run in runs.of_agent(reading, agent.id)] for agent in came],
            )

    def wait_for_the_end(self) -> None:
        def has_ended() -> bool:
            with self._database.read() as reading:
                return self._find(reading).state == "FINISHED"

        wait_for(has_ended, _PATIENCE_S, _POLL_S)

    @staticmethod
    def _find(reading: sa.Connection) -> Sweep:
        project = projects.get(reading, "local", PROJECT)
        assert project is not None
        (sweep,) = sweeps.of_project(reading, project.id)
        return sweep

    def log(self) -> str:
        """Give what the agents printed last."""
        return "\n".join(path.read_text()[-2000:] for path in self._folder.glob("agent*.log"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


def kill_with_children(agent: subprocess.Popen[bytes]) -> None:
    """Kill an agent with its runs, as when their machine dies."""
    try:
        process = psutil.Process(agent.pid)
        process.suspend()
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    for member in family:
        member.kill()
    agent.wait()


def all_settled_once(seen: Seen) -> None:
    """Check that each point of a sweep finished, and only once."""
    assert seen.state == "FINISHED"
    assert {point.state for point in seen.points} == {SETTLED}
    keys = [point.key for point in seen.points]
    assert len(set(keys)) == len(keys)
    for point in seen.points:
        states = [run.state for run in seen.runs_at[point.id]]
        assert states.count("finished") == 1, states
        assert set(states) <= {"finished", "crashed"}


def test_a_grid_of_24_by_3_agents_and_two_kills_has_24_settled_points(site: Site) -> None:
    site.sweep("stub.py", method="grid", parameters={"x": {"min": 0, "max": 23}})
    site.hold(5, 11)
    for _ in range(3):
        site.start_agent()
    kill_with_children(site.agent_of(site.held(5)))
    site.held(11).kill()
    site.wait_for_the_end()
    seen = site.look()
    all_settled_once(seen)
    assert seen.values("x") == list(range(24))
    assert [run.state for run in seen.turns(5)] == ["crashed", "finished"]
    assert [run.state for run in seen.turns(11)] == ["crashed", "finished"]
    assert Counter(run.state for run in seen.runs) == {"finished": 24, "crashed": 2}
    codes = sorted(agent.wait(60) for agent in site.agents)
    assert codes == [-signal.SIGKILL, 0, 0]


def test_8_agents_settle_60_points_through_a_killed_server_and_two_killed_agents(
    site: Site,
) -> None:
    site.sweep("stub.py", method="grid", parameters={"x": {"min": 0, "max": 59}})
    site.hold(20, 40)
    for _ in range(5):
        site.start_agent()
    for _ in range(3):
        site.start_function_agent("calling.py")
    killed = [site.agent_of(site.held(20))]
    site.kill_server()
    before = site.look()
    kill_with_children(killed[0])
    site.start_server()
    killed.append(site.agent_of(site.held(40)))
    kill_with_children(killed[1])
    site.wait_for_the_end()
    seen = site.look()
    all_settled_once(seen)
    assert seen.values("x") == list(range(60))
    assert [p.key for p in seen.points[: len(before.points)]] == [p.key for p in before.points]
    for x in (20, 40):
        assert [run.state for run in seen.turns(x)] == ["crashed", "finished"]
    for agent in site.agents:
        assert agent.wait(60) == (-signal.SIGKILL if agent in killed else 0)


def test_a_preempted_run_is_resumed_by_another_agent_and_its_history_goes_on(site: Site) -> None:
    site.sweep("preempted.py", method="grid", parameters={"x": {"values": [1, 2]}})
    assert site.start_agent("--count", "1").wait(120) == 0
    (run,) = site.look().runs
    assert (run.state, run.exit_code) == ("preempted", 1)
    assert site.start_agent().wait(120) == 0
    seen = site.look()
    all_settled_once(seen)
    assert [run.name for run in seen.turns(1)] == [run.name]
    rows = [(row["_step"], row["loss"], row["first"]) for row in seen.histories[run.name]]
    assert rows == [(0, 1.0, 0), (1, 1 / 2, 0), (2, 1 / 3, 2), (3, 1 / 4, 2)]
    one, other = seen.runs_of
    assert (one, other) == ([], [run.name for run in seen.runs])


def test_a_point_at_which_a_function_raised_has_its_second_turn_last(site: Site) -> None:
    site.sweep("failing.py", method="grid", parameters={"x": {"values": [1, 2, 3]}})
    assert site.start_function_agent("failing.py").wait(180) == 0, site.log()
    seen = site.look()
    assert seen.state == "FINISHED"
    assert {point.state for point in seen.points} == {SETTLED}
    turns = [(json.loads(run.config)["x"]["value"], run.state) for run in seen.runs]
    assert turns == [(1, "failed"), (2, "finished"), (3, "finished"), (1, "finished")]
