"""The scheduler over a real SQLite file: who gets which run, and what becomes of lost ones."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from sweepcnn.config import SweepConfig
from sweepcnn.scheduler import Command, Scheduler, StateError, UnknownAgentError, change_state
from sweepcnn.scheduler.metric_values import value_in
from sweepcnn.scheduler.trials import trials
from sweepcnn.search import Suggestion, Trial, point_key, suggest
from sweepcnn.storage import agents as agent_rows
from sweepcnn.storage import points, projects, runs, sweeps, users
from sweepcnn.storage.database import Database
from sweepcnn.storage.runs import Run

GRID = {"method": "grid", "parameters": {"x": {"min": 1, "max": 3}}}
RANDOM = {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}}


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

    path: Path
    database: Database
    search: DirectSearch
    scheduler: Scheduler

    @classmethod
    def at(cls, path: Path) -> "House":
        database, search = Database(f"sqlite:///{path}"), DirectSearch()
        return cls(path, database, search, Scheduler(database, search))

    def sweep(self, config: dict[str, Any], *, agents: int = 1) -> tuple[int, list[int]]:
        with self.database.write() as writing:
            if users.by_name(writing, "ann") is None:
                users.add(writing, "ann", "k", admin=False)
            project, _ = projects.get_or_create(writing, "ann", "p")
            name = f"s{time.monotonic_ns()}"
            of = {"project_id": project.id, "user_id": 1, "name": name}
            text = yaml.safe_dump(config)
            sweep = sweeps.add(writing, config=text, method=config["method"], **of)
            return sweep, [
                agent_rows.add(writing, sweep_id=sweep, user_id=1, name=f"a{i}", host="h")
                for i in range(agents)
            ]

    def beat(self, agent: int, *alive: str) -> list[Command]:
        return self.scheduler.heartbeat(agent, set(alive))

    def given(self, agent: int) -> str:
        """Give the id of the run that an idle agent is handed."""
        (command,) = self.beat(agent)
        assert command.type == "run"
        assert command.run_id is not None
        return command.run_id

    def runs(self, sweep: int) -> list[Run]:
        with self.database.read() as reading:
            return runs.of_sweep(reading, sweep)

    def run(self, name: str) -> Run:
        with self.database.read() as reading:
            found = runs.get(reading, 1, name)
        assert found is not None
        return found

    def set(self, name: str, **values: Any) -> None:
        run = self.run(name)
        with self.database.write() as writing:
            runs.update(writing, run.id, **values)

    def state(self, sweep: int) -> str:
        with self.database.read() as reading:
            found = sweeps.by_id(reading, sweep)
        assert found is not None
        return found.state

    def command(self, sweep: int, state: str) -> None:
        with self.database.write() as writing:
            found = sweeps.by_id(writing, sweep)
            assert found is not None
            change_state(writing, found, state)

    def points(self, sweep: int) -> list[str]:
        with self.database.read() as reading:
            return [point.key for point in points.of_sweep(reading, sweep)]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House.at(tmp_path / "test.db")


def types(commands: Sequence[Command]) -> list[str]:
    return [command.type for command in commands]


def test_the_first_heartbeat_starts_the_sweep_and_hands_out_a_run(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID | {"program": "train.py"})
    assert house.state(sweep) == "PENDING"
    (command,) = house.beat(agent)
    assert command.as_json() == {
        "type": "run",
        "run_id": command.run_id,
        "program": "train.py",
        "args": {"x": {"value": 1}},
    }
    (run,) = house.runs(sweep)
    assert (run.name, run.state, run.config) == (command.run_id, "pending", '{"x": {"value": 1}}')
    assert run.display_name.endswith("-sweep-1")
    assert house.state(sweep) == "RUNNING"


def test_an_agent_has_one_run_at_a_time(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM)
    first = house.given(agent)
    assert house.beat(agent, first) == []
    assert house.beat(agent, first) == []
    house.set(first, state="finished")
    assert house.given(agent) != first
    assert len(house.runs(sweep)) == 2


def test_an_agent_that_repeats_itself_meanwhile_gets_no_second_run(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM)
    meet = threading.Barrier(4)
    commands: list[Command] = []

    def beat() -> None:
        meet.wait(10)
        commands.extend(house.beat(agent))

    threads = [threading.Thread(target=beat) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    live = [run.name for run in house.runs(sweep) if run.state == "pending"]
    assert len(live) == 1
    assert live[0] in [command.run_id for command in commands]


def test_no_point_is_handed_out_twice_however_many_ask(house: House) -> None:
    parameters = {"a": {"min": 1, "max": 6}, "b": {"values": ["x", "y", "z", "u", "v"]}}
    sweep, agents = house.sweep({"method": "grid", "parameters": parameters}, agents=8)
    twin = Scheduler(house.database, DirectSearch())  # another process would have its own locks
    failures: list[BaseException] = []

    def work(agent: int, scheduler: Scheduler) -> None:
        try:
            for _ in range(100):
                for command in scheduler.heartbeat(agent, set()):
                    if command.type == "exit":
                        return
                    assert command.run_id is not None
                    house.set(command.run_id, state="finished")
            pytest.fail("the sweep did not end")
        except BaseException as error:
            failures.append(error)
            raise

    threads = [
        threading.Thread(target=work, args=(agent, [house.scheduler, twin][i % 2]))
        for i, agent in enumerate(agents)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not failures
    points = house.points(sweep)
    assert len(points) == len(set(points)) == 30
    assert house.state(sweep) == "FINISHED"


def test_run_cap_is_reached_exactly_by_agents_in_parallel(house: House) -> None:
    sweep, agents = house.sweep(RANDOM | {"run_cap": 11}, agents=4)

    def work(agent: int) -> None:
        while types(commands := house.beat(agent)) == ["run"]:
            assert commands[0].run_id is not None
            house.set(commands[0].run_id, state="finished")

    threads = [threading.Thread(target=work, args=(agent,)) for agent in agents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(house.runs(sweep)) == 11
    assert house.state(sweep) == "FINISHED"


def test_a_grid_ends_when_its_last_run_has_ended(house: House) -> None:
    sweep, (one, other) = house.sweep(GRID, agents=2)
    held = house.given(one)
    for _ in range(2):
        house.set(house.given(other), state="finished")
    assert types(house.beat(other)) == ["exit"]
    assert house.state(sweep) == "RUNNING"
    assert house.beat(one, held) == []
    house.set(held, state="finished")
    assert types(house.beat(one)) == ["exit"]
    assert house.state(sweep) == "FINISHED"


def test_a_point_taken_meanwhile_is_replaced_by_another(house: House) -> None:
    sweep, (one, other) = house.sweep(GRID, agents=2)
    rival, propose = Scheduler(house.database, DirectSearch()), house.search.propose

    def late(config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
        answer = propose(config, trials, seed)
        if not trials:  # the rival hands out the point that we are about to
            rival.heartbeat(other, set())
        return answer

    house.search.propose = late  # type: ignore[method-assign]
    house.given(one)
    assert house.points(sweep) == ['{"x":1}', '{"x":2}']


def test_a_paused_sweep_hands_out_nothing_until_it_goes_on(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM)
    house.command(sweep, "paused")
    assert house.beat(agent) == []
    assert house.runs(sweep) == []
    house.command(sweep, "RUNNING")
    assert types(house.beat(agent)) == ["run"]


@pytest.mark.parametrize("state", ["PAUSED", "FINISHED", "CANCELED"])
def test_a_command_given_while_the_search_thinks_is_heeded(house: House, state: str) -> None:
    sweep, (agent,) = house.sweep(RANDOM)
    house.search.hurdle = lambda: house.command(sweep, state)  # type: ignore[method-assign]
    assert house.beat(agent) == []
    assert house.runs(sweep) == []
    assert house.state(sweep) == state


def test_a_command_given_while_the_search_finds_nothing_is_heeded(house: House) -> None:
    sweep, (agent,) = house.sweep({"method": "grid", "parameters": {"x": {"value": 1}}})
    house.set(house.given(agent), state="finished")
    house.search.hurdle = lambda: house.command(sweep, "CANCELED")  # type: ignore[method-assign]
    house.beat(agent)
    assert house.state(sweep) == "CANCELED"


def test_a_canceled_sweep_kills_its_runs_and_sends_agents_away(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM)
    run = house.given(agent)
    house.set(run, state="running")
    house.command(sweep, "CANCELED")
    assert house.run(run).state == "killed"
    assert types(house.beat(agent, run)) == ["exit"]


def test_a_stopped_sweep_lets_running_runs_end_before_the_agent_leaves(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM)
    run = house.given(agent)
    house.command(sweep, "FINISHED")
    assert house.beat(agent, run) == []
    house.set(run, state="finished")
    assert types(house.beat(agent)) == ["exit"]


def test_an_unknown_state_is_refused(house: House) -> None:
    sweep, _ = house.sweep(RANDOM)
    with pytest.raises(StateError, match="SLEEPING"):
        house.command(sweep, "sleeping")


def test_stop_is_repeated_while_the_run_is_alive(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)
    run = house.given(agent)
    house.set(run, state="running", stop_requested=True)
    for _ in range(2):
        assert house.beat(agent, run) == [Command("stop", run)]
    assert house.beat(agent)[0].type == "run"
    assert house.run(run).state == "killed", "its process was ended at our word"


def test_a_run_whose_process_is_gone_has_crashed(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)
    never_started, running, finished = house.given(agent), None, None
    running = house.given(agent)
    assert house.run(never_started).state == "crashed"
    house.set(running, state="running")
    assert house.beat(agent, running) == []
    assert house.run(running).state == "running"
    finished = house.given(agent)
    assert house.run(running).state == "crashed"
    house.set(finished, state="finished")
    house.given(agent)
    assert house.run(finished).state == "finished"


def test_an_agent_says_nothing_about_the_runs_of_others(house: House) -> None:
    _, (one, other) = house.sweep(RANDOM, agents=2)
    run = house.given(one)
    house.given(other)
    house.beat(other, "somebody-elses")
    assert house.run(run).state == "pending"


def test_an_unknown_agent_is_told_so(house: House) -> None:
    house.sweep(RANDOM)
    with pytest.raises(UnknownAgentError):
        house.beat(99)


@pytest.mark.parametrize(
    "config",
    [
        {"method": "custom", "parameters": {"x": {"values": [1]}}},
        {"method": "grid", "parameters": {"x": {"min": 0.0, "max": 1.0}}},
        {"method": "random", "parameters": {}},
        {"method": "bayes", "parameters": {"x": {"values": [1]}}},
        {"method": "no such", "parameters": {"x": {"values": [1]}}},
        {"method": "random", "parameters": {"x": {"min": 3, "max": 1}}},
        {
            "method": "random",
            "parameters": {"x": {"distribution": "log_uniform", "min": 1, "max": 1000}},
        },
    ],
    ids=str,
)
def test_a_sweep_that_cannot_be_searched_sends_agents_home(
    house: House, config: dict[str, Any]
) -> None:
    sweep, (agent,) = house.sweep(config)
    assert types(house.beat(agent)) == ["exit"]
    assert house.runs(sweep) == []


def test_a_search_that_takes_too_long_is_asked_again(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM)

    def too_long() -> None:
        raise TimeoutError

    house.search.hurdle = too_long  # type: ignore[method-assign]
    assert house.beat(agent) == []
    house.search.hurdle = lambda: None  # type: ignore[method-assign]
    assert types(house.beat(agent)) == ["run"]
    assert len(house.runs(sweep)) == 1


def test_the_search_may_think_while_others_write(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)

    def write() -> None:
        with house.database.write() as writing:
            projects.get_or_create(writing, "ann", "meanwhile")

    house.search.hurdle = write  # type: ignore[method-assign]
    assert types(house.beat(agent)) == ["run"]


def test_silent_runs_crash(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)
    pending = house.given(agent)
    with house.database.write() as writing:
        for name, heard in (("old", 100.0), ("new", 300.0)):
            runs.add(writing, project_id=1, user_id=1, name=name, heartbeat_at=heard)
        agent_rows.touch(writing, agent, 300.0)
    house.scheduler.end_silent_runs(200.0)
    states = [house.run(name).state for name in ("old", "new", pending)]
    assert states == ["crashed", "running", "pending"]
    house.scheduler.end_silent_runs(400.0)
    assert house.run(pending).state == "crashed", "its agent is silent"


def test_a_silent_run_that_was_to_stop_was_killed(house: House) -> None:
    house.sweep(RANDOM)
    with house.database.write() as writing:
        values = {"heartbeat_at": 100.0, "stop_requested": True}
        runs.add(writing, project_id=1, user_id=1, name="stopped", **values)
    house.scheduler.end_silent_runs(200.0)
    assert house.run("stopped").state == "killed"


def test_a_silent_run_that_was_warned_was_preempted(house: House) -> None:
    house.sweep(RANDOM)
    with house.database.write() as writing:
        values = {"heartbeat_at": 100.0, "state": "preempting"}
        runs.add(writing, project_id=1, user_id=1, name="warned", **values)
    house.scheduler.end_silent_runs(200.0)
    assert house.run("warned").state == "preempted"


def test_all_is_kept_for_a_scheduler_that_starts_anew(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    first = house.given(agent)
    house.database.close()
    again = House.at(house.path)
    assert again.beat(agent, first) == []
    again.set(first, state="finished")
    points = [point_key({"x": 1})]
    for number in (2, 3):
        (command,) = again.beat(agent)
        assert command.point == {"x": number}
        assert command.run_id is not None
        again.set(command.run_id, state="finished")
        points.append(point_key({"x": number}))
    assert types(again.beat(agent)) == ["exit"]
    assert again.points(sweep) == points


def test_the_model_is_made_ready_on_request(house: House) -> None:
    house.scheduler.expect_model()
    assert house.search.prepared


def test_runs_as_the_search_sees_them(house: House) -> None:
    sweep, agents = house.sweep(GRID | {"method": "random"}, agents=3)
    names = [house.given(agent) for agent in agents]
    house.set(names[0], state="finished", summary='{"val": {"loss": 0.5}}')
    house.set(names[1], state="crashed", summary='{"val.loss": NaN}')
    with house.database.read() as reading:
        found = trials(reading, sweep, "val.loss")
    states = [(trial.state, trial.value) for trial in found]
    assert states == [("finished", 0.5), ("failed", None), ("running", None)]


@pytest.mark.parametrize(
    ("summary", "value"),
    [
        ('{"a": 1}', 1.0),
        ('{"a": true}', None),
        ('{"a": "1"}', None),
        ('{"a": Infinity}', None),
        ('{"a": {"b": 1}}', None),
        ("{}", None),
        ('{"a": 1' + "0" * 400 + "}", None),
    ],
)
def test_only_finite_numbers_of_a_summary_count(summary: str, value: float | None) -> None:
    assert value_in(summary, "a") == value
