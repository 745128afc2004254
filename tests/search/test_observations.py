"""What runs teach: their values, and what stands in for those that have none."""

import math
from typing import Any

import numpy as np
import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.search.axes import Axes
from sweepcnn.search.observations import Observations
from sweepcnn.search.space import Space
from sweepcnn.search.trial import Trial


def seen(trials: list[Trial], most: int = 100, **metric: Any) -> Observations:
    config = SweepConfig.model_validate(
        {
            "method": "bayes",
            "metric": {"name": "loss"} | metric,
            "parameters": {"x": {"min": 0, "max": 150}},
        }
    )
    assert config.metric is not None
    space = Space.of(config.parameters)
    return Observations.of(config.metric, space, Axes(space), trials, most)


def at(x: float, state: Any = "finished", value: float | None = None, **more: Any) -> Trial:
    return Trial({"x": x}, state, value, **more)


FIRST = [at(0, value=1.0), at(1, value=3.0), at(2, value=2.0)]


def test_less_is_better_unless_the_goal_is_to_maximize() -> None:
    assert seen(FIRST).values.tolist() == [-1, -3, -2]
    assert seen(FIRST, goal="maximize").values.tolist() == [1, 3, 2]


@pytest.mark.parametrize(
    ("impute", "expected"), [(None, -3), ("worst", -3), ("best", -1.5), ("latest", -2.5)]
)
def test_a_failed_run_counts_as_the_sweep_file_says(impute: str | None, expected: float) -> None:
    failed = at(3, "failed", 1.5, latest=2.5)
    assert seen([*FIRST, failed], impute=impute).values[-1] == expected


@pytest.mark.parametrize("impute", [None, "worst", "best", "latest"])
@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("state", ["finished", "failed"])
def test_a_run_without_a_usable_metric_counts_as_the_worst(
    impute: str | None, value: float | None, state: str
) -> None:
    without = at(3, state, value, latest=value)
    assert seen([*FIRST, without], impute=impute).values[-1] == -3


@pytest.mark.parametrize("setting", [None, "false"])
def test_a_running_run_has_no_value_yet(setting: str | None) -> None:
    found = seen([*FIRST, at(3, "running", 0.5)], impute_while_running=setting)
    assert len(found.values) == 3
    assert found.running.tolist() == [[3]]


@pytest.mark.parametrize("setting", ["best", "latest", "worst"])
def test_a_running_run_counts_by_its_best_value_where_the_file_asks_for_it(setting: str) -> None:
    found = seen([*FIRST, at(3, "running", 0.5), at(4, "running")], impute_while_running=setting)
    assert found.values[3:].tolist() == [-0.5, -3], "as the worst where it has none, like W&B"
    assert not len(found.running)


def test_trials_outside_the_space_teach_nothing() -> None:
    strange = [at(999, value=0.0), at(1.5, value=9.0), Trial({"y": 1}, "finished", 99.0)]
    found = seen([*strange, *FIRST, at(-1, "failed"), at(1000, "running")])
    assert found.values.tolist() == [-1, -3, -2]
    assert not len(found.running)


def test_keys_that_are_not_searched_do_no_harm() -> None:
    assert seen([Trial({"x": 5, "_wandb": {"a": 1}}, "finished", 1.0)]).rows.tolist() == [[5]]


def test_without_any_value_all_runs_are_alike() -> None:
    assert seen([at(0, "failed"), at(1), at(2, value=math.nan)]).values.tolist() == [0, 0, 0]


def test_one_run_that_diverged_does_not_hide_the_differences_among_the_others() -> None:
    for poor in (1e6, 1e300, 1.7e308):
        values = seen([*FIRST, at(3, value=poor)]).values
        assert values.tolist() == [-1, -3, -2, -5.5], "the median 2.5 and twice 1.5"


def test_values_without_a_spread_are_left_alone() -> None:
    assert seen([at(x, value=0.5) for x in range(4)]).values.tolist() == [-0.5] * 4
    half = [at(x, value=0.1) for x in range(5)] + [at(9, value=0.0), at(8, value=0.3)]
    assert np.isfinite(seen(half).values).all()


def test_of_many_values_the_best_the_newest_and_some_of_all_others_are_taken() -> None:
    trials = [at(x, value=float(abs(x - 20))) for x in range(100)]
    found = seen([*trials, at(101, "running")], most=15)
    places = found.rows[:, 0].tolist()
    assert set(places) >= {18, 19, 20, 21, 22}, "the best"
    assert set(places) >= {95, 96, 97, 98, 99}, "the newest"
    assert {17, 94} < set(places), "of the others the best and the worst"
    assert len(places) == 15
    assert places == sorted(places)
    assert len(found.running) == 1
