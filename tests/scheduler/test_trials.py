"""What the search is told of the points of a sweep."""

from typing import Any

import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.scheduler.trials import trials
from sweepcnn.search import Trial
from sweepcnn.storage import prior_runs, progress, runs
from tests.scheduler.house import House

X = {"x": {"min": 1, "max": 30}}
BAYES = {"method": "grid", "parameters": X, "metric": {"name": "val.acc", "goal": "maximize"}}


def told(house: House, sweep: int, config: dict[str, Any] = BAYES) -> list[Trial]:
    with house.database.read() as reading:
        return trials(reading, sweep, SweepConfig.model_validate(config))


def outcomes(house: House, sweep: int, config: dict[str, Any] = BAYES) -> list[Any]:
    return [(trial.state, trial.value) for trial in told(house, sweep, config)]


def see(house: House, name: str, best: float) -> None:
    with house.database.write() as writing:
        progress.put(writing, house.run(name).id, iterations=3, best=best)


@pytest.mark.each_database
def test_each_fate_of_a_run_is_told(house: House) -> None:
    sweep, agents = house.sweep(BAYES | {"method": "random"}, agents=9)
    finished, empty, failed, killed, crashed, lost, never, preempted, running = map(
        house.given, agents
    )
    for name in (finished, empty, failed, killed, crashed, lost, preempted, running):
        house.speak(name)
    house.end(finished, val={"acc": 0.5})
    house.end(empty, val={"acc": "no number"})
    house.end(failed, 1, val={"acc": 0.9})
    house.set(killed, state="killed", summary='{"val": {"acc": 0.25}}')
    house.set(crashed, state="crashed", summary='{"val": {"acc": 0.125}}')
    house.warn(preempted)
    house.end(preempted, 143)
    house.beat(agents[4])  # gets the one that crashed
    house.speak(newest := house.runs(sweep)[-1].name)
    house.end(newest, 255)
    house.set(lost, state="crashed", summary='{"val": {"acc": 0.125}}')
    house.set(never, state="crashed")
    house.command(sweep, "PAUSED")
    house.beat(agents[0])
    assert outcomes(house, sweep) == [
        ("finished", 0.5),
        ("finished", None),
        ("failed", 0.9),
        ("finished", 0.25),
        ("failed", None),
        ("running", 0.125),
        ("running", None),
        ("running", None),
        ("running", None),
    ]
    assert len({trial.point["x"] for trial in told(house, sweep)}) == 9


@pytest.mark.each_database
@pytest.mark.parametrize(
    ("goal", "summary", "best", "value"),
    [
        ("maximize", 0.5, 0.75, 0.75),
        ("maximize", 0.75, 0.5, 0.75),
        ("minimize", 0.5, 0.75, 0.5),
        ("minimize", 0.75, 0.5, 0.5),
        ("maximize", None, 0.5, 0.5),
        ("maximize", 0.5, None, 0.5),
        ("maximize", None, None, None),
    ],
)
def test_the_better_of_the_last_and_the_best_counts(
    house: House, goal: str, summary: float | None, best: float | None, value: float | None
) -> None:
    config = BAYES | {"metric": {"name": "loss", "goal": goal}}
    sweep, (agent,) = house.sweep(config)
    run = house.started(agent)
    if best is not None:
        see(house, run, best)
    last: dict[str, Any] = {} if summary is None else {"loss": summary}
    house.end(run, **last)
    house.beat(agent)
    assert outcomes(house, sweep, config)[0] == ("finished", value)


def test_the_best_and_the_last_of_a_run_that_failed_or_goes_on_are_told(house: House) -> None:
    sweep, (one, other) = house.sweep(BAYES, agents=2)
    failed, running = house.started(one), house.started(other)
    for name in (failed, running):
        see(house, name, 0.75)
        house.set(name, summary='{"val": {"acc": 0.5}}')
    house.end(failed, 1, val={"acc": 0.5})
    house.beat(one)
    found = [(trial.state, trial.value, trial.latest) for trial in told(house, sweep)[:2]]
    assert found == [("failed", 0.75, 0.5), ("running", 0.75, 0.5)]


@pytest.mark.parametrize("status", ["infeasible", "diverged", "out_of_memory"])
def test_the_best_of_a_run_that_came_to_nothing_does_not_count(house: House, status: str) -> None:
    sweep, agents = house.sweep(BAYES, agents=3)
    zero, without, ok = map(house.started, agents)
    for name in (zero, without, ok):
        see(house, name, 0.9)
    house.end(zero, val={"acc": 0}, status=status)
    house.end(without, status=status)
    house.end(ok, val={"acc": 0.5}, status="ok")
    for agent in agents:
        house.beat(agent)
    found = outcomes(house, sweep)[:3]
    assert found == [("failed", None), ("failed", None), ("finished", 0.9)]


def test_a_run_that_finished_tells_of_its_point_though_a_newer_one_goes_on(house: House) -> None:
    sweep, (one, other) = house.sweep(BAYES, agents=2)
    older = house.started(one)
    house.silence(200)
    house.started(other)
    assert outcomes(house, sweep) == [("running", None)]
    house.speak(older)
    house.end(older, val={"acc": 0.5})
    house.command(1, "FINISHED")
    house.beat(one)
    assert outcomes(house, sweep) == [("finished", 0.5)]


def test_a_search_without_a_metric_learns_no_values(house: House) -> None:
    config = {"method": "grid", "parameters": X}
    sweep, (agent,) = house.sweep(config)
    house.end(house.started(agent), **{"": 1, "x": 2})
    house.beat(agent)
    assert outcomes(house, sweep, config)[0] == ("finished", None)


@pytest.mark.each_database
def test_runs_from_elsewhere_come_first_by_the_names_of_the_parameters(house: House) -> None:
    config = BAYES | {"parameters": X | {"p": {"parameters": {"q": {"values": [1, 2]}}}}}
    sweep, _ = house.sweep(BAYES)
    full = '{"x": {"value": 3}, "p": {"value": {"q": 1, "r": 0}}, "_wandb": {"value": {}}}'
    with house.database.write() as writing:
        found = [
            runs.add(writing, project_id=1, user_id=1, name=name, config=given, **values)
            for name, given, values in [
                ("good", full, {"state": "finished", "summary": '{"val": {"acc": 0.5}}'}),
                ("none", full, {"state": "finished", "summary": '{"val.acc": NaN}'}),
                ("failed", full, {"state": "crashed"}),
                ("live", full, {"state": "running"}),
                ("lacks", '{"x": {"value": 3}}', {"state": "finished"}),
                ("bare", '{"x": 3, "p": [1]}', {"state": "finished"}),
            ]
        ]
        prior_runs.add(writing, sweep, found)
    house.given(house.agent(sweep))
    point = {"x": 3, "p": {"q": 1, "r": 0}}
    *prior, own = told(house, sweep, config)
    assert prior == [
        Trial(point, "finished", 0.5),
        Trial(point, "finished", None),
        Trial(point, "failed"),
    ]
    assert own.state == "running"


def test_prior_runs_do_not_count_for_run_cap(house: House) -> None:
    sweep, (agent,) = house.sweep(BAYES | {"run_cap": 1})
    with house.database.write() as writing:
        given = {"config": '{"x": {"value": 1}}', "state": "finished"}
        run = runs.add(writing, project_id=1, user_id=1, name="prior", **given)
        prior_runs.add(writing, sweep, [run])
    (command,) = house.beat(agent)
    assert command.point == {"x": 2}, "a grid leaves out what is known"
