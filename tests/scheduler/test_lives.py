"""Agents that die, lag, repeat and lie, runs of every fate, users, and a server that starts anew.

`SWEEPCNN_TEST_LIVES=20` lives twenty times as many lives as the suite does, and by chance.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from sweepcnn.storage.points import SETTLED
from tests.scheduler.conftest import NewUrl
from tests.scheduler.house import Clock
from tests.scheduler.ledger import Answer, Ledger
from tests.scheduler.world import RefusedError, Seen, World

_SCALE = int(os.environ.get("SWEEPCNN_TEST_LIVES", "0"))
_MOST_AGENTS = 4
_BEAT_S = 5.0
_SILENCE_S = 400.0
"""Longer than any that the server bears."""
_ROUNDS = 60
"""Heartbeats by which honest agents have ended any of these sweeps."""

_X = {"x": {"values": [1, 2, 3]}}
_XY = _X | {"y": {"values": ["a", "b"]}}
SWEEPS: list[tuple[dict[str, Any], int]] = [
    ({"method": "grid", "parameters": _X}, 3),
    ({"method": "grid", "parameters": _XY}, 6),
    ({"method": "grid", "parameters": _XY, "run_cap": 4}, 4),
    ({"method": "random", "parameters": _X}, 3),
    ({"method": "random", "parameters": _XY, "run_cap": 4}, 4),
    ({"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}, "run_cap": 5}, 5),
]
"""Sweeps, and how many points each has."""

_WEIGHTS = {
    "an_agent_comes": 1,
    "an_agent_asks": 10,
    "an_answer_is_lost": 2,
    "an_old_heartbeat_arrives_late": 1,
    "an_agent_lies": 2,
    "an_agent_dies": 2,
    "a_run_starts": 3,
    "a_run_logs": 2,
    "a_run_may_be_preempted": 2,
    "a_run_ends": 4,
    "a_process_dies": 3,
    "a_run_is_resumed_by_hand": 1,
    "a_user_stops_a_run": 1,
    "a_user_deletes_a_run": 1,
    "a_user_commands_the_sweep": 3,
    "time_passes": 3,
    "the_server_starts_anew": 1,
}
EVENTS = [what for what, weight in _WEIGHTS.items() for _ in range(weight)]

some = st.integers(0, 11)  # which of those there are, and which way it goes


@dataclass(eq=False)
class Agent:
    """An agent and what it believes."""

    id: str
    given: set[str] = field(default_factory=set)
    named: list[set[str]] = field(default_factory=list)
    """What it said to be alive, oldest first."""
    is_here: bool = True


@dataclass(eq=False)
class Process:
    """A process of a run; of no agent if somebody started it by hand."""

    run: str
    agent: Agent | None
    is_started: bool = False
    lines: int = 0


class Lives(RuleBasedStateMachine):
    """Any order of events around one sweep."""

    def __init__(self, new_url: NewUrl, folder: Path, clock: Clock) -> None:
        super().__init__()
        self._new_url, self._folder, self.clock = new_url, folder, clock
        self.agents: list[Agent] = []
        self.processes: list[Process] = []
        self.world: World | None = None

    @initialize(which=st.sampled_from(range(len(SWEEPS))))
    def begin(self, which: int) -> None:
        config, limit = SWEEPS[which]
        self.world = World(self._new_url(), self._folder, config)
        self.ledger = Ledger(config["method"], limit)
        self.seen = self.world.look()
        for _ in range(2):
            self._welcome()

    def teardown(self) -> None:
        try:
            if self.world:
                self._end_well()
        finally:
            if self.world:
                self.world.close()

    def _look(self) -> Seen:
        """Look at what a step did, and check it."""
        assert self.world
        before, self.seen = self.seen, self.world.look()
        self.ledger.check(before, self.seen)
        return before

    # Agents

    def _choose_agent(self, which: int) -> Agent:
        return self.agents[which % len(self.agents)]

    def _alive(self, agent: Agent) -> set[str]:
        return {process.run for process in self.processes if process.agent is agent}

    def _beat(self, agent: Agent, alive: set[str]) -> list[dict[str, Any]]:
        """Send a heartbeat and check the answer."""
        assert self.world
        agent.named.append(alive)
        commands = self.world.beat(agent.id, alive)
        before = self.seen
        after = self.world.look()
        answer = Answer(frozenset(agent.given), frozenset(alive), commands, before, after)
        self.ledger.check_answer(answer)
        self._look()
        agent.given |= {c["run_id"] for c in commands if c["type"] in ("run", "resume")}
        return commands

    def _obey(self, agent: Agent, commands: list[dict[str, Any]]) -> None:
        for command in commands:
            if command["type"] == "exit":
                self._leave(agent, with_processes=True)
            elif command["type"] == "stop":
                self._end_processes(agent, command["run_id"])
            else:
                self.processes.append(Process(command["run_id"], agent))

    def _leave(self, agent: Agent, *, with_processes: bool) -> None:
        agent.is_here = False
        if with_processes:
            self.processes = [p for p in self.processes if p.agent is not agent]

    def _end_processes(self, agent: Agent, run: str) -> None:
        self.processes = [p for p in self.processes if p.agent is not agent or p.run != run]

    def _an_agent_comes(self, _which: int, _how: int) -> None:
        if len(self.agents) < _MOST_AGENTS:
            self._welcome()

    def _welcome(self) -> None:
        assert self.world
        self.agents.append(Agent(self.world.agent()))

    def _an_agent_asks(self, which: int, how: int) -> None:
        self.clock.pass_s([0.0, _BEAT_S, 40.0][how % 3])
        agent = self._choose_agent(which)
        agent.is_here = True  # again, if it was given up
        self._obey(agent, self._beat(agent, self._alive(agent)))

    def _an_answer_is_lost(self, which: int, _how: int) -> None:
        agent = self._choose_agent(which)
        self._beat(agent, self._alive(agent))

    def _an_old_heartbeat_arrives_late(self, which: int, how: int) -> None:
        agent = self._choose_agent(which)
        if agent.named:
            self._beat(agent, agent.named[-1 - how % len(agent.named)])

    def _an_agent_lies(self, which: int, how: int) -> None:
        agent = self._choose_agent(which)
        known = [*self.seen.runs, "nobody"]
        named = {known[(how + number) % len(known)] for number in range(how % 3)}
        commands = self._beat(agent, named)
        if how % 2:
            self._obey(agent, commands)

    def _an_agent_dies(self, which: int, how: int) -> None:
        self._leave(self._choose_agent(which), with_processes=bool(how % 2))

    # Runs

    def _live(self, which: int, act: Callable[[World, Process], None]) -> None:
        """Let a process act, which dies if its run was deleted."""
        assert self.world
        if not self.processes:
            return
        process = self.processes[which % len(self.processes)]
        try:
            if not process.is_started:
                self.world.start(process.run)
                process.is_started = True
            act(self.world, process)
        except RefusedError:
            self.processes.remove(process)
        self._look()

    def _a_run_starts(self, which: int, _how: int) -> None:
        self._live(which, lambda world, process: None)

    def _a_run_logs(self, which: int, _how: int) -> None:
        def log(world: World, process: Process) -> None:
            part = {"offset": process.lines, "content": [f'{{"loss": {process.lines}}}']}
            process.lines += 1
            world.stream(process.run, files={"wandb-history.jsonl": part})

        self._live(which, log)

    def _a_run_may_be_preempted(self, which: int, _how: int) -> None:
        def warn(world: World, process: Process) -> None:
            world.stream(process.run, preempting=True)

        self._live(which, warn)

    def _a_run_ends(self, which: int, how: int) -> None:
        def end(world: World, process: Process) -> None:
            world.stream(process.run, complete=True, exitcode=[0, 0, 1, 255][how % 4])
            self.processes.remove(process)

        self._live(which, end)

    def _a_process_dies(self, which: int, _how: int) -> None:
        if self.processes:
            del self.processes[which % len(self.processes)]

    def _a_run_is_resumed_by_hand(self, which: int, _how: int) -> None:
        if self.seen.runs:
            run = [*self.seen.runs][which % len(self.seen.runs)]
            self.processes.append(Process(run, None))
            self._live(len(self.processes) - 1, lambda world, process: None)

    # Users, and the server

    def _a_user_stops_a_run(self, which: int, _how: int) -> None:
        assert self.world
        if self.seen.runs:
            self.world.stop([*self.seen.runs][which % len(self.seen.runs)])
            self._look()

    def _a_user_deletes_a_run(self, which: int, how: int) -> None:
        assert self.world
        if self.seen.runs:
            self.world.delete([*self.seen.runs][which % len(self.seen.runs)])
            self._look()

    def _a_user_commands_the_sweep(self, _which: int, how: int) -> None:
        states = ["RUNNING"] * 7 + ["PAUSED"] * 3 + ["FINISHED", "CANCELED"]
        self._command(states[how])

    def _command(self, state: str) -> None:
        assert self.world
        with suppress(RefusedError):  # there is no way from any state to any other
            self.world.command(state)
        self._look()

    def _time_passes(self, _which: int, how: int) -> None:
        self._wait([1.0, 30.0, 90.0, _SILENCE_S][how % 4])

    def _wait(self, seconds: float) -> None:
        assert self.world
        self.clock.pass_s(seconds)
        self.world.watch()
        self._look()

    def _the_server_starts_anew(self, _which: int, _how: int) -> None:
        assert self.world
        self.world.restart()
        self._look()

    @rule(what=st.sampled_from(EVENTS), which=some, how=some)
    def step(self, what: str, which: int, how: int) -> None:
        """Let something happen. One rule, for Hypothesis leaves some rules out of a whole life."""
        getattr(self, f"_{what}")(which, how)

    # The end

    def _end_well(self) -> None:
        """Let honest agents go on until the sweep ends, and check that it does."""
        assert self.world
        if self.seen.state != "RUNNING":
            self._command("RUNNING")
        for number in reversed(range(len(self.processes))):
            if number % 2:
                self._a_run_ends(number, 0)
        self.processes.clear()
        self.agents.clear()
        self._wait(_SILENCE_S)
        for _ in range(_ROUNDS):
            self.agents = [agent for agent in self.agents if agent.is_here]
            while len(self.agents) < 2:
                self._welcome()
            self._wait(_BEAT_S)
            for agent in self.agents:
                self._obey(agent, self._beat(agent, self._alive(agent)))
            if self.seen.state == "FINISHED":
                break
            while self.processes:
                self._a_run_ends(0, 0)
        self.ledger.check_end(self.seen)


@pytest.mark.slow
def test_a_sweep_comes_to_its_end_whatever_agents_runs_and_users_do(
    new_url: NewUrl, tmp_path: Path, clock: Clock
) -> None:
    class OfHere(Lives):
        def __init__(self) -> None:
            super().__init__(new_url, tmp_path, clock)

    run_state_machine_as_test(
        OfHere,
        settings=settings(
            max_examples=50 * (_SCALE or 1),
            stateful_step_count=80,
            derandomize=not _SCALE,
            phases=[Phase.generate, Phase.shrink],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture
def world(new_url: NewUrl, tmp_path: Path, clock: Clock) -> Iterator[World]:
    with closing(World(new_url(), tmp_path, SWEEPS[0][0])) as world:
        yield world


@pytest.mark.parametrize("end", ["stopped", "finished"])
def test_a_point_that_is_done_with_stays_so_if_its_run_is_resumed_by_hand_and_dies(
    world: World, clock: Clock, end: str
) -> None:
    agent = world.agent()
    run = world.given(agent)
    world.start(run)
    if end == "stopped":
        world.stop(run)
    world.stream(run, complete=True, exitcode=0)
    world.start(run)
    assert world.look().runs[run].state == "running"
    clock.pass_s(_SILENCE_S)
    world.watch()
    seen = world.look()
    assert seen.runs[run].state == "crashed"
    assert seen.points[seen.point_of[run]].state == SETTLED
    other = world.given(agent)
    assert world.look().point_of[other] != seen.point_of[run]


def test_a_stopped_run_settles_its_point_though_another_one_of_it_goes_on(
    world: World, clock: Clock
) -> None:
    one, other = world.agent(), world.agent()
    lost = world.given(one)
    world.start(lost)
    clock.pass_s(_SILENCE_S)
    world.watch()
    again = world.given(other)
    world.stream(lost)
    seen = world.look()
    assert seen.point_of[lost] == seen.point_of[again]
    assert seen.live_at(seen.point_of[again]) == [lost, again]
    world.stop(lost)
    world.stream(lost, complete=True, exitcode=1)
    world.beat(one, set())
    assert world.look().points[seen.point_of[lost]].state == SETTLED
