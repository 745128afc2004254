"""How an agent is told to stop a run, and what becomes of the run."""

import pytest

from tests.scheduler.house import GRID, RANDOM, House

FUNCTION = {"method": "random", "parameters": {"x": {"min": 0.0, "max": 1.0}}}
COMMAND = FUNCTION | {"command": ["python", "train.py"]}


@pytest.mark.parametrize("config", [RANDOM, COMMAND], ids=["program", "command"])
def test_a_process_has_25_seconds_to_end_by_itself(house: House, config: dict[str, object]) -> None:
    _, (agent,) = house.sweep(config)
    run = house.started(agent)
    house.stop(run, "stopped at epoch 3")
    assert house.beat(agent, run) == []
    house.clock.pass_s(24.9)
    assert house.beat(agent, run) == []
    house.clock.pass_s(0.1)
    for _ in range(8):
        (command,) = house.beat(agent, run)
        assert command.as_json() == {"type": "stop", "run_id": run}
        house.clock.pass_s(5)
    assert house.commanded(agent) == ["run"]
    assert house.run(run).state == "killed"


def test_a_function_is_stopped_at_once(house: House) -> None:
    _, (agent,) = house.sweep(FUNCTION)
    run = house.started(agent)
    house.stop(run)
    for _ in range(2):
        assert house.commanded(agent, run) == ["stop"]
    assert house.commanded(agent) == ["run"]
    assert house.run(run).state == "killed"


def test_a_stop_of_unknown_time_is_passed_on_at_once(house: House) -> None:
    _, (agent,) = house.sweep(GRID)
    run = house.started(agent)
    house.set(run, stop_requested=True)
    assert house.commanded(agent, run) == ["stop"]


def test_only_runs_that_the_agent_has_are_stopped(house: House) -> None:
    _, (one, other) = house.sweep(FUNCTION, agents=2)
    run, others = house.started(one), house.started(other)
    house.stop(others)
    assert house.beat(one, run, others) == []
    house.stop(run)
    assert [command.run_id for command in house.beat(one, run, others)] == [run]


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_run_that_has_ended_is_not_stopped_any_more(house: House, exit_code: int) -> None:
    _, (agent,) = house.sweep(FUNCTION)
    run = house.started(agent)
    house.end(run, exit_code)
    house.stop(run)
    assert house.beat(agent, run) == [], "its process is about to be gone"


def test_exit_comes_first_and_alone(house: House) -> None:
    sweep, (agent,) = house.sweep(FUNCTION)
    run = house.started(agent)
    house.stop(run)
    house.command(sweep, "CANCELED")
    assert house.commanded(agent, run) == ["exit"], "a function agent heeds the first alone"
