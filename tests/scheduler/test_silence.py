"""Runs and agents that are not heard of any more."""

import pytest

from sweepcnn.storage import runs
from sweepcnn.storage.points import LOST, OUT
from tests.scheduler.house import GRID, RANDOM, House

pytestmark = pytest.mark.each_database


def test_a_run_is_given_up_when_it_and_its_agent_are_silent(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    run = house.started(agent)
    house.silence(110)
    assert house.run(run).state == "running"
    house.silence(11)
    assert (house.run(run).state, house.states(sweep)) == ("crashed", [LOST])


def test_a_run_whose_agent_is_gone_lives_on(house: House) -> None:
    sweep, (agent, other) = house.sweep(GRID, agents=2)
    run = house.started(agent)
    for _ in range(10):
        house.silence(30)
        house.speak(run)
    assert (house.run(run).state, house.states(sweep)) == ("running", [OUT])
    assert house.point_of(house.given(other)).id != house.point_of(run).id


def test_a_silent_run_that_its_agent_has_alive_lives_on(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)
    run = house.started(agent)
    for _ in range(10):
        house.silence(30)
        assert house.beat(agent, run) == []
    assert house.run(run).state == "running"


def test_a_pending_run_lives_by_its_agents_word(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)
    run = house.given(agent)
    for _ in range(10):
        house.silence(30)
        assert house.beat(agent, run) == []
    assert house.run(run).state == "pending"
    house.silence(121)
    assert house.run(run).state == "crashed"


def test_a_run_without_an_agent_is_given_up_by_its_own_silence(house: House) -> None:
    house.sweep(RANDOM)
    with house.database.write() as writing:
        for name, silent_s in (("old", 150), ("new", 50)):
            heard = house.clock.now - silent_s
            runs.add(writing, project_id=1, user_id=1, name=name, heartbeat_at=heard)
    house.silence(0)
    assert [house.run(name).state for name in ("old", "new")] == ["crashed", "running"]


def test_a_silent_run_that_was_to_stop_was_killed(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)
    run = house.started(agent)
    house.stop(run)
    house.silence(200)
    assert house.run(run).state == "killed"


def test_a_silent_run_that_was_warned_was_preempted(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)
    run = house.started(agent)
    house.warn(run)
    house.silence(200)
    assert house.run(run).state == "preempted"


def test_a_run_whose_process_is_gone_has_crashed(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)
    never_started = house.given(agent)
    running = house.started(agent)
    assert house.run(never_started).state == "crashed"
    assert house.beat(agent, running) == []
    assert house.run(running).state == "running"
    finished = house.started(agent)
    assert house.run(running).state == "crashed"
    house.end(finished)
    house.given(agent)
    assert house.run(finished).state == "finished"


def test_an_agent_that_was_lost_goes_on(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    house.end(house.started(agent))
    house.silence(1000)
    house.end(house.started(agent))
    assert len(house.states(sweep)) == 2
