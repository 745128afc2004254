"""A backend without a wire, and a clock that a test moves."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import yaml

from sweepcnn.config import SweepConfig
from sweepcnn.scheduler import Command, Scheduler, change_state
from sweepcnn.search import Suggestion, Trial, suggest
from sweepcnn.storage import agents as agent_rows
from sweepcnn.storage import points, projects, run_states, runs, sweeps, users
from sweepcnn.storage.database import Database
from sweepcnn.storage.points import Point
from sweepcnn.storage.runs import Run

GRID = {"method": "grid", "parameters": {"x": {"min": 1, "max": 3}}, "program": "train.py"}
RANDOM = {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}, "program": "train.py"}
_numbers = count(1)


class Clock:
    """Seconds since the epoch, as the test says."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += seconds


class DirectSearch:
    """Asks the search in this process; `hurdle` may act before each answer."""

    def __init__(self) -> None:
        self.prepared = False

    def hurdle(self) -> None:
        """Do nothing."""

    def propose(self, config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        self.hurdle()
        return suggest(config, trials, seed)

    def prepare(self) -> None:
        self.prepared = True

    def close(self) -> None:
        """Nothing was begun."""


@dataclass
class House:
    """A backend without a wire."""

    database: Database
    clock: Clock
    search: DirectSearch = field(default_factory=DirectSearch)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(self.database, self.search)

    def sweep(self, config: dict[str, Any], *, agents: int = 1) -> tuple[int, list[int]]:
        with self.database.write() as writing:
            if users.by_name(writing, "ann") is None:
                users.add(writing, "ann", "k", admin=False)
            project, _ = projects.get_or_create(writing, "ann", "p")
            of = {"project_id": project.id, "user_id": 1, "name": f"s{next(_numbers)}"}
            text = yaml.safe_dump(config)
            sweep = sweeps.add(writing, config=text, method=config["method"], **of)
        return sweep, [self.agent(sweep) for _ in range(agents)]

    def agent(self, sweep: int) -> int:
        with self.database.write() as writing:
            return agent_rows.add(writing, sweep_id=sweep, user_id=1, name="a", host="h")

    def beat(self, agent: int, *alive: str) -> list[Command]:
        return self.scheduler.heartbeat(agent, set(alive))

    def commanded(self, agent: int, *alive: str) -> list[str]:
        """Give the types of the commands that an agent gets."""
        return [command.type for command in self.beat(agent, *alive)]

    def given(self, agent: int) -> str:
        """Give the id of the new run that an idle agent is handed."""
        (command,) = self.beat(agent)
        assert command.type == "run"
        assert command.run_id is not None
        return command.run_id

    def started(self, agent: int) -> str:
        """Give the id of a new run of an agent, whose process has spoken."""
        run = self.given(agent)
        self.speak(run)
        return run

    def silence(self, seconds: float) -> None:
        """Let time pass in which nobody speaks, and look after it as the server does."""
        self.clock.pass_s(seconds)
        self.scheduler.end_silent_runs(self.clock.now - 120)
        self.scheduler.finish_abandoned(self.clock.now - 120)

    # What a run's process says

    def speak(self, name: str) -> None:
        state = run_states.heard(self.run(name).state)
        self.set(name, state=state, heartbeat_at=self.clock.now)

    def warn(self, name: str) -> None:
        """Say that the process may be preempted."""
        state = run_states.warned(self.run(name).state)
        self.set(name, state=state, heartbeat_at=self.clock.now)

    def end(self, name: str, exit_code: int = 0, **summary: Any) -> None:
        run = self.run(name)
        state = run_states.completed(run.state, exit_code, stopped=run.stop_requested)
        values = {"exit_code": exit_code, "heartbeat_at": self.clock.now}
        self.set(name, state=state, summary=json.dumps(summary), **values)

    def set(self, name: str, **values: Any) -> None:
        run = self.run(name)
        with self.database.write() as writing:
            runs.update(writing, run.id, **values)

    def stop(self, name: str, reason: str | None = None) -> None:
        """Ask a run to stop."""
        words = {"stop_requested_at": self.clock.now, "stop_reason": reason}
        self.set(name, stop_requested=True, **words)

    # What a user says and sees

    def command(self, sweep: int, state: str) -> None:
        with self.database.write() as writing:
            change_state(writing, self._sweep(sweep), state)

    def rewrite(self, sweep: int, config: dict[str, Any]) -> None:
        with self.database.write() as writing:
            sweeps.update(writing, sweep, config=yaml.safe_dump(config))

    def runs(self, sweep: int) -> list[Run]:
        with self.database.read() as reading:
            return runs.of_sweep(reading, sweep)

    def run(self, name: str) -> Run:
        with self.database.read() as reading:
            found = runs.get(reading, 1, name)
        assert found is not None
        return found

    def state(self, sweep: int) -> str:
        return self._sweep(sweep).state

    def points(self, sweep: int) -> list[str]:
        """Give the keys of the points that were handed out."""
        with self.database.read() as reading:
            return [point.key for point in points.of_sweep(reading, sweep)]

    def states(self, sweep: int) -> list[str]:
        """Give the states of the points that were handed out."""
        with self.database.read() as reading:
            return [point.state for point in points.of_sweep(reading, sweep)]

    def point_of(self, name: str) -> Point:
        run = self.run(name)
        assert run.sweep_id is not None
        with self.database.read() as reading:
            return points.by_run(reading, run.sweep_id)[run.id]

    def _sweep(self, sweep: int) -> sweeps.Sweep:
        with self.database.read() as reading:
            found = sweeps.by_id(reading, sweep)
        assert found is not None
        return found
