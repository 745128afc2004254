"""What a sweep's state means for its agents, its runs and its points; how it ends by itself."""

import pytest

from sweepcnn.scheduler import StateError
from sweepcnn.storage.points import FAILED, LOST, OUT, SETTLED
from tests.scheduler.house import GRID, RANDOM, House

pytestmark = pytest.mark.each_database


def test_a_paused_sweep_hands_out_nothing_until_it_goes_on(house: House) -> None:
    sweep, (one, other) = house.sweep(GRID, agents=2)
    run = house.started(one)
    house.command(sweep, "PAUSED")
    assert house.commanded(other) == house.commanded(one, run) == []
    assert (house.states(sweep), house.run(run).state) == ([OUT], "running")
    assert house.commanded(one) == []
    assert house.states(sweep) == [LOST]
    house.command(sweep, "RUNNING")
    assert house.point_of(house.given(other)).id == house.point_of(run).id


def test_the_last_run_of_a_paused_sweep_does_not_end_it(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM | {"run_cap": 1})
    run = house.started(agent)
    house.command(sweep, "PAUSED")
    house.end(run)
    assert house.commanded(agent) == []
    house.silence(400)
    assert house.state(sweep) == "PAUSED"
    house.command(sweep, "RUNNING")
    assert house.commanded(agent) == ["exit"]
    assert house.state(sweep) == "FINISHED"


@pytest.mark.parametrize("state", ["PAUSED", "FINISHED", "CANCELED"])
def test_a_command_given_while_the_search_thinks_is_heeded(house: House, state: str) -> None:
    sweep, (agent,) = house.sweep(RANDOM)
    house.search.hurdle = lambda: house.command(sweep, state)  # type: ignore[method-assign]
    assert house.beat(agent) == []
    assert house.runs(sweep) == []
    assert house.state(sweep) == state


def test_a_command_given_while_the_search_finds_nothing_is_heeded(house: House) -> None:
    sweep, (agent,) = house.sweep({"method": "grid", "parameters": {"x": {"value": 1}}})
    house.end(house.given(agent))
    house.search.hurdle = lambda: house.command(sweep, "CANCELED")  # type: ignore[method-assign]
    house.beat(agent)
    assert house.state(sweep) == "CANCELED"


def test_a_canceled_sweep_kills_its_runs_and_sends_agents_away(house: House) -> None:
    sweep, (one, other) = house.sweep(RANDOM, agents=2)
    run, pending = house.started(one), house.given(other)
    house.command(sweep, "CANCELED")
    for name in (run, pending):
        assert (house.run(name).state, house.run(name).stop_requested) == ("killed", True)
    assert house.states(sweep) == [SETTLED, SETTLED]
    assert house.commanded(one, run) == house.commanded(other) == ["exit"]
    house.end(run, 1)
    assert house.run(run).state == "killed", "whatever its process says"


def test_a_canceled_grid_goes_on_with_the_rest(house: House) -> None:
    sweep, agents = house.sweep(GRID, agents=2)
    lost, killed = [house.started(agent) for agent in agents]
    house.command(sweep, "PAUSED")
    house.beat(agents[0])
    house.command(sweep, "CANCELED")
    assert house.states(sweep) == [LOST, SETTLED]
    house.command(sweep, "RUNNING")
    (agent,) = [house.agent(sweep)]
    points = []
    for _ in range(2):
        run = house.started(agent)
        points.append(house.point_of(run).key)
        house.end(run)
    assert house.commanded(agent) == ["exit"]
    assert points == [house.point_of(lost).key, '{"x":3}']
    assert house.run(killed).state == "killed"


def test_a_run_that_outlives_its_canceled_and_resumed_sweep_is_stopped(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    run = house.started(agent)
    house.command(sweep, "CANCELED")
    house.command(sweep, "RUNNING")
    house.clock.pass_s(30)
    assert house.commanded(agent, run) == ["stop"]
    house.speak(run)
    assert house.run(run).state == "killed"


def test_a_stopped_sweep_lets_running_runs_end_before_the_agent_leaves(house: House) -> None:
    sweep, (one, other) = house.sweep(RANDOM, agents=2)
    run = house.started(one)
    house.command(sweep, "FINISHED")
    assert house.commanded(other) == ["exit"]
    assert house.commanded(one, run) == []
    house.end(run)
    assert house.commanded(one) == ["exit"]
    assert house.states(sweep) == [SETTLED]


def test_a_stopped_sweep_hands_out_no_lost_point_until_it_goes_on(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    run = house.started(agent)
    house.command(sweep, "FINISHED")
    assert house.commanded(agent) == ["exit"]
    assert house.states(sweep) == [LOST]
    house.command(sweep, "RUNNING")
    assert house.point_of(house.given(agent)).id == house.point_of(run).id


def test_an_unknown_state_is_refused(house: House) -> None:
    sweep, _ = house.sweep(RANDOM)
    with pytest.raises(StateError, match="SLEEPING"):
        house.command(sweep, "sleeping")


# How a sweep ends by itself


@pytest.mark.parametrize("config", [GRID, RANDOM | {"run_cap": 3}], ids=["grid", "run_cap"])
def test_an_idle_agent_waits_for_the_points_of_others(
    house: House, config: dict[str, object]
) -> None:
    sweep, (one, other) = house.sweep(config, agents=2)
    held = house.started(one)
    for _ in range(2):
        house.end(house.started(other))
    for _ in range(3):
        assert house.commanded(other) == []
    assert house.state(sweep) == "RUNNING"
    house.silence(200)
    again = house.given(other)
    assert house.point_of(again).id == house.point_of(held).id
    house.end(again)
    assert house.commanded(other) == ["exit"]
    assert house.state(sweep) == "FINISHED"
    assert house.commanded(one) == ["exit"]


@pytest.mark.parametrize("config", [GRID, RANDOM | {"run_cap": 3}], ids=["grid", "run_cap"])
def test_a_sweep_whose_last_agent_left_after_the_last_point_ends(
    house: House, config: dict[str, object]
) -> None:
    sweep, (agent,) = house.sweep(config)
    for _ in range(3):
        run = house.started(agent)
        house.beat(agent, run)
        house.end(run)
    house.silence(60)
    assert (house.state(sweep), house.states(sweep)[-1]) == ("RUNNING", SETTLED)
    house.silence(100)
    assert house.state(sweep) == "FINISHED"


def test_a_sweep_with_work_left_waits_for_agents(house: House) -> None:
    grid, (agent,) = house.sweep(GRID)
    endless, (other,) = house.sweep(RANDOM)
    house.end(house.started(agent))
    house.end(house.started(other))
    house.silence(400)
    assert house.states(grid) == house.states(endless) == [SETTLED]
    assert house.state(grid) == house.state(endless) == "RUNNING"
    for _ in range(2):
        house.end(house.started(agent), 1)
    for _ in range(2):
        house.silence(400)
    assert house.states(grid) == [SETTLED, FAILED, FAILED], "each has its second turn"
    assert house.state(grid) == "RUNNING"


def test_a_sweep_that_was_just_resumed_is_left_to_its_agents(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM | {"run_cap": 1})
    house.end(house.started(agent))
    assert house.commanded(agent) == ["exit"]
    house.clock.pass_s(1000)
    house.command(sweep, "RUNNING")
    house.silence(60)
    assert house.state(sweep) == "RUNNING", "time to raise run_cap, and to start an agent"
    house.silence(200)
    assert house.state(sweep) == "FINISHED"


def test_a_sweep_ends_when_the_last_of_its_runs_does(house: House) -> None:
    sweep, (one, other) = house.sweep(RANDOM | {"run_cap": 1}, agents=2)
    older = house.started(one)
    house.silence(200)
    newer = house.started(other)
    house.speak(older)
    house.end(older)
    assert house.commanded(one) == ["exit"]
    for _ in range(3):
        house.silence(100)
        house.speak(newer)
        house.beat(other, newer)
    assert house.state(sweep) == "RUNNING"
    house.end(newer)
    house.silence(200)
    assert house.state(sweep) == "FINISHED"


def test_a_sweep_that_becomes_unsearchable_ends_without_agents(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    house.end(house.started(agent))
    house.rewrite(sweep, {"method": "custom"})
    house.silence(400)
    assert house.state(sweep) == "FINISHED"


def test_a_search_that_fails_for_one_sweep_does_not_keep_others_from_ending(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    both = [house.sweep(GRID) for _ in range(2)]
    for _, (agent,) in both:
        for _ in range(3):
            house.end(house.started(agent))
    asked: list[int] = []

    def hurdle() -> None:
        asked.append(len(asked))
        if len(asked) == 1:
            raise ZeroDivisionError

    house.search.hurdle = hurdle  # type: ignore[method-assign]
    house.silence(400)
    assert [house.state(sweep) for sweep, _ in both] == ["RUNNING", "FINISHED"]
    assert "ZeroDivisionError" in caplog.text
    house.silence(15)
    assert house.state(both[0][0]) == "FINISHED"
