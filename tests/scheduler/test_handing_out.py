"""Who gets which new point, and that nobody gets one that another has."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.scheduler import Scheduler, UnknownAgentError
from sweepcnn.search import Suggestion, Trial, point_key
from sweepcnn.storage.points import SETTLED
from tests.scheduler.house import GRID, RANDOM, DirectSearch, House

PARAMETERS = {"a": {"min": 1, "max": 6}, "b": {"values": ["x", "y", "z", "u", "v"]}}


def in_threads(work: Callable[[int], None], numbers: Sequence[int]) -> None:
    """Do some work at the same time, and raise what it raises."""
    failures: list[BaseException] = []
    meet = threading.Barrier(len(numbers))

    def guarded(number: int) -> None:
        try:
            meet.wait(10)
            work(number)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=guarded, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not failures
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.each_database
def test_the_first_heartbeat_starts_the_sweep_and_hands_out_a_run(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
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
    first = house.started(agent)
    assert house.beat(agent, first) == []
    assert house.beat(agent, first) == []
    house.end(first)
    assert house.given(agent) != first
    assert len(house.runs(sweep)) == 2


def test_an_agent_that_repeats_itself_meanwhile_gets_no_second_run(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM)
    commands: list[str | None] = []
    work = lambda _: commands.extend(c.run_id for c in house.beat(agent))  # noqa: E731
    in_threads(work, range(4))
    live = [run.name for run in house.runs(sweep) if run.state == "pending"]
    assert len(live) == 1
    assert live[0] in commands
    assert len(house.points(sweep)) == 1


@pytest.mark.each_database
@pytest.mark.parametrize("method", ["grid", "random"])
def test_no_point_is_handed_out_twice_however_many_ask(house: House, method: str) -> None:
    sweep, agents = house.sweep({"method": method, "parameters": PARAMETERS}, agents=8)
    twin = Scheduler(house.database, DirectSearch())  # another process would have its own locks

    def work(agent: int) -> None:
        scheduler = [house.scheduler, twin][agent % 2]
        for _ in range(200):
            for command in scheduler.heartbeat(agent, set()):
                if command.type == "exit":
                    return
                assert command.run_id is not None
                house.end(command.run_id)
        pytest.fail("the sweep did not end")

    in_threads(work, agents)
    points = house.points(sweep)
    assert len(points) == len(set(points)) == len(house.runs(sweep)) == 30
    assert house.states(sweep) == [SETTLED] * 30
    assert house.state(sweep) == "FINISHED"


@pytest.mark.each_database
def test_lost_points_are_handed_out_once_more_however_many_ask(house: House) -> None:
    sweep, agents = house.sweep({"method": "grid", "parameters": PARAMETERS}, agents=8)
    twin = Scheduler(house.database, DirectSearch())

    def work(agent: int) -> None:
        scheduler = [house.scheduler, twin][agent % 2]
        for _ in range(400):
            for command in scheduler.heartbeat(agent, set()):
                if command.type == "exit":
                    return
                assert command.run_id is not None
                house.speak(command.run_id)  # and dies
        pytest.fail("the sweep did not end")

    in_threads(work, agents)
    assert len(house.points(sweep)) == 30
    runs = house.runs(sweep)
    assert len(runs) == 60
    assert len({house.point_of(run.name).id for run in runs}) == 30
    assert house.state(sweep) == "FINISHED"


def test_run_cap_is_reached_exactly_by_agents_in_parallel(house: House) -> None:
    sweep, agents = house.sweep(RANDOM | {"run_cap": 11}, agents=4)

    def work(agent: int) -> None:
        for _ in range(200):
            for command in house.beat(agent):
                if command.type == "exit":
                    return
                assert command.run_id is not None
                house.end(command.run_id)
        pytest.fail("the sweep did not end")

    in_threads(work, agents)
    assert len(house.runs(sweep)) == 11
    assert house.state(sweep) == "FINISHED"


def test_run_cap_counts_points_and_not_repeats(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM | {"run_cap": 2})
    house.started(agent)
    for _ in range(2):
        house.end(house.started(agent))
    assert house.commanded(agent) == ["exit"]
    assert (len(house.points(sweep)), len(house.runs(sweep))) == (2, 3)


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


def test_a_search_that_repeats_itself_for_ever_holds_nobody_up(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    sweep, (one, other) = house.sweep(GRID, agents=2)
    same = Suggestion({"x": 1}, "grid")
    house.search.propose = lambda *_: same  # type: ignore[method-assign]
    assert house.commanded(one) == ["run"]
    assert house.commanded(other) == []
    assert len(house.points(sweep)) == 1
    assert "repeats points" in caplog.text


@pytest.mark.each_database
def test_others_write_while_the_search_thinks(house: House) -> None:
    _, (agent,) = house.sweep(RANDOM)

    def write() -> None:
        house.sweep(GRID)

    house.search.hurdle = write  # type: ignore[method-assign]
    assert house.commanded(agent) == ["run"]


def test_a_point_that_is_lost_while_the_search_finds_nothing_is_handed_out(house: House) -> None:
    _, (one, other) = house.sweep(GRID | {"run_cap": 1}, agents=2)
    run = house.started(one)
    assert house.commanded(other) == [], "it may come back"
    house.beat(one)  # takes it again
    (again,) = (r for r in house.runs(1) if r.state == "pending")
    assert house.point_of(again.name).id == house.point_of(run).id


def test_the_search_is_not_asked_anew_while_agents_wait(house: House) -> None:
    _, (one, other) = house.sweep({"method": "grid", "parameters": {"x": {"value": 1}}}, agents=2)
    run = house.started(one)
    assert house.commanded(other) == []

    def unwanted() -> None:
        pytest.fail("asked though nothing has changed")

    house.search.hurdle = unwanted  # type: ignore[method-assign]
    assert house.beat(one, run) == []
    assert house.commanded(other) == []
    house.end(run)
    assert house.commanded(other) == ["exit"]


def test_a_changed_sweep_file_counts_from_the_next_heartbeat_on(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM | {"run_cap": 1})
    house.end(house.started(agent))
    house.rewrite(sweep, RANDOM | {"run_cap": 2, "program": "other.py"})
    (command,) = house.beat(agent)
    assert command.program == "other.py"


def test_points_outside_a_changed_space_stay(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    lost = house.started(agent)
    house.rewrite(sweep, GRID | {"parameters": {"x": {"values": [7, 8]}, "y": {"value": "new"}}})
    assert house.point_of(house.started(agent)).id == house.point_of(lost).id
    for _ in range(2):
        house.end(house.started(agent))
    assert house.commanded(agent) == ["exit"]
    assert house.points(sweep) == ['{"x":1}', '{"x":7,"y":"new"}', '{"x":8,"y":"new"}']


def test_an_agent_says_nothing_about_the_runs_of_others(house: House) -> None:
    _, (one, other) = house.sweep(RANDOM, agents=2)
    run = house.given(one)
    house.given(other)
    house.beat(other, "somebody-elses", run)
    assert house.run(run).state == "pending"
    house.set(run, state="crashed")
    house.beat(other, run)
    assert house.run(run).state == "crashed"


@pytest.mark.each_database
def test_an_unknown_agent_is_told_so(house: House) -> None:
    house.sweep(RANDOM)
    with pytest.raises(UnknownAgentError):
        house.beat(99)


@pytest.mark.each_database
def test_an_agent_of_a_deleted_sweep_is_told_so(house: House) -> None:
    sweep, (agent,) = house.sweep(RANDOM)
    house.started(agent)
    with house.database.write() as writing:
        writing.exec_driver_sql(f"DELETE FROM sweeps WHERE id = {sweep}")
    with pytest.raises(UnknownAgentError):
        house.beat(agent)


def test_all_is_kept_for_a_scheduler_that_starts_anew(house: House) -> None:
    sweep, (agent,) = house.sweep(GRID)
    first = house.started(agent)
    again = House(house.database, house.clock)
    assert again.beat(agent, first) == []
    again.end(first)
    points = [point_key({"x": 1})]
    for number in (2, 3):
        (command,) = again.beat(agent)
        assert command.point == {"x": number}
        assert command.run_id is not None
        again.end(command.run_id)
        points.append(point_key({"x": number}))
    assert again.commanded(agent) == ["exit"]
    assert again.points(sweep) == points


def test_the_model_is_made_ready_on_request(house: House) -> None:
    house.scheduler.expect_model()
    assert house.search.prepared


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
def test_a_sweep_that_cannot_be_searched_ends_with_its_first_agent(
    house: House, config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    sweep, (agent,) = house.sweep(config)
    assert house.commanded(agent) == ["exit"]
    assert (house.runs(sweep), house.state(sweep)) == ([], "FINISHED")
    assert "cannot be searched and has ended" in caplog.text
    house.rewrite(sweep, GRID)
    house.command(sweep, "RUNNING")
    assert house.commanded(agent) == ["run"]


def test_a_sweep_without_a_point_to_hand_out_ends_with_a_word_in_the_log(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    parameters = {"image_size": {"value": 8}, "blocks": {"values": [4, 5]}}
    ours = {"method": "grid", "command": ["sweepcnn", "train"], "parameters": parameters}
    sweep, (agent,) = house.sweep(ours)
    assert house.commanded(agent) == ["exit"]
    assert house.state(sweep) == "FINISHED"
    assert "has no point to hand out: each builds no network" in caplog.text
