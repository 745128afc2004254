"""What becomes of the point of a run that has ended, in one way or another."""

import pytest

from sweepcnn.scheduler import settling
from sweepcnn.storage import deleted_runs, points
from sweepcnn.storage.points import FAILED, LOST, OUT, SETTLED
from tests.scheduler.house import GRID, RANDOM, House

pytestmark = pytest.mark.each_database
ONE = {"method": "grid", "parameters": {"x": {"value": 1}}, "program": "train.py"}


def test_a_point_whose_run_finished_is_done_with(house: House) -> None:
    sweep, (agent,) = house.sweep(ONE)
    run = house.started(agent)
    house.end(run)
    assert house.commanded(agent) == ["exit"]
    assert (house.states(sweep), house.state(sweep)) == ([SETTLED], "FINISHED")


@pytest.mark.parametrize("config", [GRID, RANDOM], ids=["grid", "random"])
def test_a_lost_point_is_handed_out_once_more_before_new_ones(
    house: House, config: dict[str, object]
) -> None:
    sweep, (one, other) = house.sweep(config, agents=2)
    lost = house.started(one)
    assert house.commanded(one, lost) == []
    again = house.started(one)
    assert house.run(lost).state == "crashed"
    assert again != lost
    assert house.point_of(again).id == house.point_of(lost).id
    assert house.point_of(house.given(other)).id != house.point_of(lost).id
    assert house.point_of(house.given(one)).id != house.point_of(lost).id, "a third time"
    assert house.states(sweep) == [SETTLED, OUT, OUT]


def test_a_lost_point_goes_to_whichever_agent_comes_next(house: House) -> None:
    _, (one, other) = house.sweep(GRID, agents=2)
    lost = house.started(one)
    house.silence(200)
    again = house.given(other)
    assert house.point_of(again) == house.point_of(lost)
    assert house.run(again).config == house.run(lost).config
    assert house.run(again).display_name.endswith("-sweep-2")


def test_a_failed_point_of_a_grid_has_its_second_turn_after_all_others(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    failed = house.started(agent)
    house.end(failed, 1)
    for _ in range(2):
        house.end(house.started(agent))
    assert house.states(sweep) == [FAILED, SETTLED, OUT]
    again = house.started(agent)
    assert house.states(sweep) == [OUT, SETTLED, SETTLED]
    assert house.point_of(again).id == house.point_of(failed).id
    house.end(again, 1)
    assert house.commanded(agent) == ["exit"]
    assert (house.states(sweep), house.state(sweep)) == ([SETTLED] * 3, "FINISHED")


def test_a_failed_point_comes_after_a_lost_one(house: House) -> None:
    _, (agent,) = house.sweep(GRID)
    failed = house.started(agent)
    house.end(failed, 1)
    house.end(house.started(agent))
    lost = house.started(agent)
    assert house.point_of(house.started(agent)).id == house.point_of(lost).id
    assert house.point_of(house.started(agent)).id == house.point_of(failed).id


def test_a_failed_point_of_a_random_search_is_not_repeated(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM | {"run_cap": 1})
    house.end(house.started(agent), 1)
    assert house.commanded(agent) == ["exit"]
    assert (house.states(sweep), house.state(sweep)) == ([SETTLED], "FINISHED")


@pytest.mark.parametrize("exit_code", [0, 1, 255, None])
@pytest.mark.parametrize("method", ["grid", "random"])
def test_a_point_whose_run_was_stopped_is_done_with_whatever_the_client_says(
    house: House, method: str, exit_code: int | None
) -> None:
    sweep, (agent,) = house.sweep({**GRID, "method": method})
    run = house.started(agent)
    house.stop(run)
    if exit_code is not None:
        house.end(run, exit_code)
    assert house.commanded(agent) == ["run"]
    assert house.run(run).state == "killed"
    assert house.states(sweep) == [SETTLED, OUT]


def test_a_point_that_early_stopping_ended_is_done_with(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    run = house.started(agent)
    house.stop(run, "stopped at epoch 9")
    house.set(run, state="finished")
    assert house.commanded(agent) == ["run"]
    assert house.states(sweep) == [SETTLED, OUT]


def test_a_run_that_never_spoke_does_not_use_up_the_second_turn(house: House) -> None:
    sweep, (agent,) = house.sweep(ONE)
    for _ in range(2):
        house.given(agent)  # an answer that is lost
    for _ in range(2):
        house.started(agent)
    assert house.commanded(agent) == ["exit"]
    assert [run.state for run in house.runs(sweep)] == ["crashed"] * 4
    assert house.states(sweep) == [SETTLED]


def test_a_point_whose_runs_never_speak_is_given_up(house: House) -> None:
    sweep, (agent,) = house.sweep(ONE)
    runs = [house.given(agent) for _ in range(settling.MOST_RUNS)]
    assert len({house.point_of(run).id for run in runs}) == 1
    assert house.commanded(agent) == ["exit"]
    assert (house.states(sweep), house.state(sweep)) == ([SETTLED], "FINISHED")


def test_a_failed_point_whose_second_run_never_spoke_has_another_turn(house: House) -> None:
    _, (agent,) = house.sweep(ONE)
    house.end(house.started(agent), 1)
    house.given(agent)
    house.end(house.started(agent))
    assert house.commanded(agent) == ["exit"]


@pytest.mark.parametrize("by_word", [True, False], ids=["it said so", "it was killed"])
def test_a_preempted_run_is_resumed_and_that_is_no_attempt(house: House, by_word: bool) -> None:
    sweep, (one, other) = house.sweep(ONE, agents=2)
    run = house.started(one)
    house.warn(run)
    assert house.commanded(one, run) == []
    if by_word:
        house.end(run, 143)
    house.silence(200)
    (command,) = house.beat(other)
    assert command.as_json() == {
        "type": "resume",
        "run_id": run,
        "program": "train.py",
        "args": {"x": {"value": 1}},
    }
    assert (house.run(run).state, house.run(run).exit_code) == ("pending", None)
    assert house.commanded(one) == [], "it is another's now"
    assert house.run(run).state == "pending"
    house.speak(run)
    assert house.states(sweep) == [OUT]
    house.end(run, 0)
    assert house.commanded(other) == ["exit"]
    assert [run.state for run in house.runs(sweep)] == ["finished"]


def test_a_resumed_run_that_does_not_start_is_resumed_again(house: House) -> None:
    _, (agent,) = house.sweep(ONE)
    run = house.started(agent)
    house.warn(run)
    for _ in range(3):
        (command,) = house.beat(agent)
        assert (command.type, command.run_id) == ("resume", run)
    house.speak(run)
    assert house.beat(agent, run) == []
    again = house.given(agent)
    assert again != run, "it died without a warning"
    house.speak(again)
    assert house.commanded(agent) == ["exit"], "two died"


def test_a_run_that_always_preempts_itself_ends(house: House) -> None:
    sweep, (agent,) = house.sweep(ONE)
    run = house.started(agent)
    with house.database.write() as writing:
        points.update(writing, house.point_of(run).id, resumptions=98)
    for _ in range(2):
        house.warn(run)
        house.end(run, 143)
        assert house.commanded(agent) == ["resume"]
        house.speak(run)
    assert house.point_of(run).resumptions == settling.MOST_RESUMPTIONS == 100
    house.warn(run)
    house.end(run, 143)
    assert house.commanded(agent) == ["exit"]
    assert (house.states(sweep), house.state(sweep)) == ([SETTLED], "FINISHED")


def test_a_run_that_was_given_up_and_lives_keeps_its_point(house: House) -> None:
    sweep, (one, other) = house.sweep(ONE, agents=2)
    run = house.started(one)
    house.silence(200)
    assert (house.run(run).state, house.states(sweep)) == ("crashed", [LOST])
    house.speak(run)
    assert house.commanded(other) == []
    assert house.states(sweep) == [OUT]
    house.end(run)
    assert house.commanded(other) == ["exit"]
    assert len(house.runs(sweep)) == 1


def test_an_agent_that_comes_back_speaks_for_its_run(house: House) -> None:
    sweep, (one, other) = house.sweep(GRID, agents=2)
    spoke, pending = house.started(one), house.given(other)
    house.silence(200)
    assert house.states(sweep) == [LOST, LOST]
    assert house.beat(one, spoke) == house.beat(other, pending) == []
    assert [house.run(name).state for name in (spoke, pending)] == ["running", "pending"]
    assert house.states(sweep) == [OUT, OUT]


@pytest.mark.parametrize("state", ["failed", "killed", "preempted", "finished"])
def test_an_agent_that_still_lists_a_run_that_has_ended_does_not_revive_it(
    house: House, state: str
) -> None:
    _, (agent,) = house.sweep(GRID)
    run = house.started(agent)
    house.set(run, state=state, exit_code=1)
    assert house.beat(agent, run) == []
    assert house.run(run).state == state


def test_both_runs_of_a_point_may_finish_and_one_is_enough(house: House) -> None:
    sweep, (one, other) = house.sweep(ONE, agents=2)
    older = house.started(one)
    house.silence(200)
    newer = house.given(other)
    house.speak(older)
    house.end(older, x=1)
    assert house.commanded(one) == ["exit"], "nothing will come back"
    assert house.states(sweep) == [SETTLED], "though the newer is only about to start"
    assert house.state(sweep) == "RUNNING", "a run goes on"
    assert house.beat(other, newer) == []
    house.speak(newer)
    house.end(newer)
    assert house.commanded(other) == ["exit"]
    assert (house.states(sweep), house.state(sweep)) == ([SETTLED], "FINISHED")
    assert [run.state for run in house.runs(sweep)] == ["finished", "finished"]


def test_a_point_is_out_while_one_of_its_runs_lives(house: House) -> None:
    sweep, (one, other) = house.sweep(ONE, agents=2)
    older = house.started(one)
    house.silence(200)
    house.given(other)
    house.speak(older)
    assert house.commanded(other) == [], "the newer one never started, and the older lives"
    assert house.states(sweep) == [OUT]
    house.end(older)
    assert house.commanded(other) == ["exit"]
    assert len(house.runs(sweep)) == 2


def test_a_run_that_finished_settles_its_point_though_the_newer_one_dies(house: House) -> None:
    sweep, (one, other) = house.sweep(ONE, agents=2)
    older = house.started(one)
    house.silence(200)
    newer = house.started(other)
    assert house.beat(other, newer) == []
    house.speak(older)
    house.end(older)
    assert house.commanded(other) == ["exit"]
    assert house.run(newer).state == "crashed"
    assert house.states(sweep) == [SETTLED]


def test_the_point_of_a_deleted_run_is_new_again(house: House) -> None:
    sweep, (agent,) = house.sweep(ONE)
    run = house.started(agent)
    house.end(run)
    assert house.commanded(agent) == ["exit"]
    with house.database.write() as writing:
        deleted_runs.delete(writing, house.run(run), artifacts=False)
    house.command(sweep, "RUNNING")
    assert house.run(house.given(agent)).display_name.endswith("-sweep-1")
