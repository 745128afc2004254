"""Bayesian search: points that a model of the runs so far expects most of."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepcnn.config import SweepConfig
from sweepcnn.search import Suggestion, Trial, suggest
from sweepcnn.search.bayes import WARM_UP, propose
from sweepcnn.search.points import Point
from sweepcnn.search.space import Space

UNIT = {"min": 0.0, "max": 1.0}
MIXED = {
    "x": UNIT,
    "rate": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
    "kind": {"values": [[1], [2, 2], [3, 3, 3]]},
    "depth": {"min": 1, "max": 9},
}


def sweep(parameters: dict[str, Any], method: str = "bayes", **metric: Any) -> SweepConfig:
    """Make a sweep that minimises its loss."""
    return SweepConfig.model_validate(
        {"method": method, "metric": {"name": "loss"} | metric, "parameters": parameters}
    )


def ask(
    config: SweepConfig,
    trials: list[Trial],
    is_free: Callable[[Point], bool] | None = None,
    seed: int = 0,
) -> Suggestion | None:
    """Ask the model alone, without a warm-up."""
    space = Space.of(config.parameters)
    taken = {space.key(trial.point) for trial in trials}
    return propose(
        config, space, trials, is_free or (lambda point: space.key(point) not in taken), seed
    )


def asked(
    config: SweepConfig,
    trials: list[Trial],
    is_free: Callable[[Point], bool] | None = None,
    seed: int = 0,
) -> Suggestion:
    suggestion = ask(config, trials, is_free, seed)
    assert suggestion is not None
    return suggestion


def run_all(
    config: SweepConfig,
    most: int,
    value: Callable[[Mapping[str, Any]], float | None] = lambda _: 1.0,
    seed: int = 0,
) -> list[Trial]:
    """Hand out points, each with its value, until none is left."""
    trials: list[Trial] = []
    while len(trials) < most:
        suggestion = suggest(config, trials, seed)
        if suggestion is None:
            break
        trials.append(Trial(suggestion.point, "finished", value(suggestion.point)))
    return trials


def drawn(parameters: dict[str, Any], values: list[float | None]) -> list[Trial]:
    """Make finished runs at random points."""
    space, rng = Space.of(sweep(parameters).parameters), np.random.default_rng(3)
    return [Trial(space.sample(rng), "finished", value) for value in values]


def line(loss: Callable[[float], float], end: float = 1.0) -> list[Trial]:
    """Make nine finished runs along x."""
    places = np.linspace(0, end, 9).tolist()
    return [Trial({"x": x}, "finished", loss(x)) for x in places]


def expected_improvement(suggestion: Suggestion) -> float:
    found = re.match(r"gp, expected improvement (\S+)", suggestion.origin)
    assert found is not None, suggestion.origin
    return float(found[1])


def mixed_loss(point: Mapping[str, Any]) -> float:
    wrong_kind = {1: 0.3, 2: 0.0, 3: 0.5}[len(point["kind"])]
    rate = (math.log10(point["rate"]) + 3) ** 2 / 4
    return float((point["x"] - 0.7) ** 2 + rate + wrong_kind + abs(point["depth"] - 6) / 10)


def test_an_optimum_is_found_better_than_at_random() -> None:
    best = {
        method: np.mean(
            [
                min(t.value for t in run_all(config, 25, mixed_loss, seed) if t.value is not None)
                for seed in range(2)
            ]
        )
        for method in ("random", "bayes")
        for config in [sweep(MIXED, method)]
    }
    assert best["bayes"] < best["random"] / 5
    assert best["bayes"] < 0.03


def test_the_greatest_value_is_sought_where_that_is_the_goal() -> None:
    config = sweep({"x": UNIT}, goal="maximize")
    suggestion = asked(config, line(lambda x: -((x - 0.3) ** 2)))
    assert suggestion.point["x"] == pytest.approx(0.3, abs=0.03)


def test_the_origin_tells_the_expected_improvement_in_the_metric_s_unit() -> None:
    trials = line(lambda x: abs(x - 0.33))
    one = asked(sweep({"x": UNIT}), trials)
    thousand = [Trial(t.point, "finished", 1000 * (t.value or 0)) for t in trials]
    same = asked(sweep({"x": UNIT}), thousand)
    assert same.point["x"] == pytest.approx(one.point["x"], abs=1e-3)
    assert 0 < expected_improvement(one) < 0.045, "of the best, 0.045, no more can be had"
    assert expected_improvement(same) == pytest.approx(1000 * expected_improvement(one), rel=0.06)


def test_the_origin_names_the_runs_that_still_go_on() -> None:
    trials = [*line(lambda x: x**2), Trial({"x": 0.06}, "running")]
    assert asked(sweep({"x": UNIT}), trials).origin.endswith("with the 1 running")


@pytest.mark.parametrize(
    "values",
    [
        [1.0, math.nan, math.inf, -math.inf, None, 2.0],
        [None] * 6,
        [math.nan] * 6,
        [0.5] * 6,
        [1.7e308, -1.7e308, 0.0, 1e300, 5.0, None],
        [-1e300, 0.0, 1.0, 2.0, 3.0],
        [0.7],
    ],
    ids=["not finite", "missing", "nan", "equal", "huge", "huge and good", "one"],
)
def test_values_that_are_no_measure_are_survived(values: list[float | None]) -> None:
    suggestion = asked(sweep(MIXED), drawn(MIXED, values))
    assert Space.of(sweep(MIXED).parameters).holds(suggestion.point)


@pytest.mark.parametrize("value", [1e300, 1e6, math.nan, math.inf])
def test_a_run_that_diverged_does_not_hide_the_others(value: float) -> None:
    trials = [*line(lambda x: (x - 0.3) ** 2), Trial({"x": 0.95}, "finished", value)]
    assert asked(sweep({"x": UNIT}), trials).point["x"] == pytest.approx(0.3, abs=0.05)


def test_failed_runs_keep_others_away() -> None:
    good = line(lambda x: 1 - x, end=0.7)
    failed = [Trial({"x": 0.8 + i / 20}, "failed") for i in range(5)]
    assert asked(sweep({"x": UNIT}), good).point["x"] > 0.8
    assert asked(sweep({"x": UNIT}), [*good, *failed]).point["x"] < 0.8


def test_points_outside_the_space_change_nothing() -> None:
    trials = drawn(MIXED, [0.5, 0.4, 0.7, 0.1, 0.9])
    strange = [
        Trial({**trials[0].point, "depth": 99}, "finished", -5.0),
        Trial({**trials[0].point, "kind": "other"}, "failed"),
        Trial({}, "running"),
        Trial({"x": "text", "rate": None, "kind": {}, "depth": True}, "finished", 0.0),
    ]
    assert asked(sweep(MIXED), [*strange, *trials]) == asked(sweep(MIXED), trials)


def test_nothing_is_told_of_a_space_that_no_run_has_ended_in() -> None:
    assert ask(sweep(MIXED), []) is None
    assert ask(sweep(MIXED), [Trial({"depth": 99}, "finished", 1.0)]) is None
    assert ask(sweep({"x": UNIT}), [Trial({"x": 0.5}, "running")]) is None


def test_keys_that_clients_add_do_not_count() -> None:
    trials = drawn(MIXED, [0.5, 0.4, 0.7, 0.1, 0.9])
    more = [Trial({**t.point, "_wandb": {"v": 1}, "epochs": 3}, t.state, t.value) for t in trials]
    assert asked(sweep(MIXED), more) == asked(sweep(MIXED), trials)


def test_equal_questions_have_equal_answers() -> None:
    trials = drawn(MIXED, [0.5, 0.4, 0.7, 0.1, 0.9, 0.3])
    trials.append(Trial({**trials[0].point, "x": 0.123}, "running"))
    first = asked(sweep(MIXED), trials, seed=5)
    assert asked(sweep(MIXED), trials, seed=5) == first


def test_when_the_best_point_is_taken_its_best_neighbour_is_given() -> None:
    config = sweep({"x": {"min": 0, "max": 200}})
    trials = [Trial({"x": x}, "finished", (x - 83) ** 2 / 1e4) for x in range(0, 201, 25)]
    refused: set[int] = set()
    last = math.inf
    for _ in range(6):
        suggestion = asked(config, trials, lambda point: point["x"] not in refused)
        assert suggestion.point["x"] == pytest.approx(83, abs=9), "no random point"
        assert expected_improvement(suggestion) <= last
        last = expected_improvement(suggestion)
        refused.add(suggestion.point["x"])
    assert len(refused) == 6


def test_where_no_point_of_an_endless_space_is_free_none_is_given() -> None:
    trials = drawn(MIXED, [float(i) for i in range(6)])
    assert ask(sweep(MIXED), trials, lambda _: False) is None


def test_the_best_point_that_builds_a_network_is_given() -> None:
    config = sweep({"x": UNIT, "y": UNIT})
    rng = np.random.default_rng(0)
    points = [{"x": 0.5 * rng.random(), "y": rng.random()} for _ in range(12)]
    trials = [Trial(p, "finished", (p["x"] - 1) ** 2 + (p["y"] - 0.5) ** 2) for p in points]
    assert asked(config, trials).point["x"] > 0.6
    suggestion = asked(config, trials, lambda point: point["x"] <= 0.5)
    assert suggestion.point == pytest.approx({"x": 0.5, "y": 0.5}, abs=0.1)
    assert suggestion.point["x"] <= 0.5


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_a_finite_space_ends_exactly_when_nothing_is_free(data: st.DataObject) -> None:
    space = {"a": {"values": ["x", "y", "z"]}, "b": {"min": 1, "max": 3}, "c": {"value": 0}}
    points = [{"a": a, "b": b, "c": 0} for a in "xyz" for b in (1, 2, 3)]
    taken = data.draw(st.lists(st.sampled_from(points), min_size=1, unique_by=str))
    values = st.none() | st.floats()
    states: tuple[Literal["running", "finished", "failed"], ...] = ("running", "finished", "failed")
    state = st.sampled_from(states)
    trials = [Trial(p, data.draw(state), data.draw(values)) for p in taken]
    trials.append(Trial(taken[0], "finished", 0.5))
    suggestion = ask(sweep(space), trials)
    if len(taken) == len(points):
        assert suggestion is None
    else:
        assert suggestion is not None
        assert suggestion.point in points
        assert suggestion.point not in taken


def test_a_finite_space_is_used_up_without_repeats() -> None:
    space = {"a": {"values": [[1, 2], None, "x"]}, "b": {"min": 1, "max": 5}, "c": {"value": 7}}
    config = sweep(space)
    trials = run_all(config, 100, lambda point: float(point["b"]))
    assert len({str(trial.point) for trial in trials}) == len(trials) == 15
    assert suggest(config, trials, 0) is None


def test_a_space_of_constants_has_one_point() -> None:
    config = sweep({"a": {"value": 3}, "b": {"values": ["only"]}, "c": {"min": 2, "max": 2}})
    point = {"a": 3, "b": "only", "c": 2}
    assert asked(config, [], lambda _: True).point == point
    assert ask(config, [Trial(point, "finished", 1.0)]) is None
    assert len(run_all(config, 10)) == 1


def test_running_points_are_kept_clear_of() -> None:
    config = sweep({"x": UNIT})
    trials = line(lambda x: (x - 0.3) ** 2 + 0.05 * math.sin(20 * x))
    for _ in range(7):
        trials.append(Trial(asked(config, trials).point, "running"))
    running = sorted(trial.point["x"] for trial in trials[-7:])
    assert np.diff(running).min() > 0.005
    assert running[-1] - running[0] > 0.2


def test_what_a_running_run_showed_counts_where_the_sweep_file_asks_for_it() -> None:
    trials = [*line(lambda x: x), Trial({"x": 0.06}, "running", 5.0)]
    assert asked(sweep({"x": UNIT}), trials).origin.endswith("with the 1 running")
    counted = asked(sweep({"x": UNIT}, impute_while_running="best"), trials)
    assert "running" not in counted.origin
    ended = [*trials[:-1], Trial({"x": 0.06}, "finished", 5.0)]
    assert counted == asked(sweep({"x": UNIT}), ended)


def test_quantised_points_count_however_they_were_rounded() -> None:
    space = {"a": {"distribution": "q_uniform", "min": 0, "max": 0.3, "q": 0.1}, "b": UNIT}

    def trials(rounded: Callable[[int], float]) -> list[Trial]:
        return [Trial({"a": rounded(i % 4), "b": i / 9}, "finished", 1.0 - i % 4) for i in range(8)]

    loose = asked(sweep(space), trials(lambda i: i * 0.1))
    assert loose == asked(sweep(space), trials(lambda i: round(i * 0.1, 1)))
    assert loose.point["a"] == 0.3


def test_a_range_of_seeds_is_searched_without_listing_it() -> None:
    space = {"seed": {"min": 0, "max": 2**32 - 1}, "x": UNIT}
    found = run_all(sweep(space), WARM_UP + 2, lambda point: float(point["x"]))
    assert all(isinstance(trial.point["seed"], int) for trial in found)


@pytest.mark.parametrize(
    "parameter",
    [
        {"distribution": "uniform", "min": -3, "max": 5},
        {"distribution": "q_uniform", "min": 0, "max": 10, "q": 0.25},
        {"distribution": "log_uniform", "min": -7, "max": 0},
        {"distribution": "q_log_uniform_values", "min": 1, "max": 1000, "q": 1},
        {"distribution": "inv_log_uniform_values", "min": 1e-3, "max": 1},
        {"distribution": "normal", "mu": 2, "sigma": 1},
        {"distribution": "q_normal", "mu": 0, "sigma": 1, "q": 0.1},
        {"distribution": "log_normal", "mu": 0, "sigma": 1},
        {"distribution": "beta", "a": 2, "b": 2},
        {"distribution": "q_beta", "a": 2, "b": 2, "q": 0.01},
        {"values": [1, 2, 4, 8, 16], "probabilities": [1, 2, 3, 2, 1]},
    ],
    ids=lambda parameter: parameter.get("distribution", "weighted"),
)
def test_every_distribution_is_searched(parameter: dict[str, Any]) -> None:
    """The optimum is the value of the quantile 0.7."""
    config = sweep({"x": parameter})
    dimension = Space.of(config.parameters).dimensions["x"]
    aim = dimension.value_at(0.7)
    spread = abs(dimension.value_at(0.9) - dimension.value_at(0.1))
    trials = run_all(config, 16, lambda point: abs(point["x"] - aim) / spread)
    assert all(dimension.holds(trial.point["x"]) for trial in trials)
    assert min(trial.value for trial in trials if trial.value is not None) < 0.05


def test_nested_parameters_are_searched() -> None:
    nested = {"parameters": {"rate": UNIT, "kind": {"values": ["a", "b"]}}}
    config = sweep({"optimizer": nested, "x": UNIT})
    rng = np.random.default_rng(0)
    trials = [
        Trial(
            {"optimizer": {"rate": rng.random(), "kind": "ab"[i % 2]}, "x": rng.random()},
            "finished",
        )
        for i in range(14)
    ]
    trials = [
        Trial(t.point, "finished", abs(t.point["optimizer"]["rate"] - 0.4) + t.point["x"])
        for t in trials
    ]
    point = asked(config, trials).point
    assert set(point) == {"optimizer", "x"}
    assert set(point["optimizer"]) == {"rate", "kind"}
    assert point["optimizer"]["rate"] == pytest.approx(0.4, abs=0.25)
    assert point["x"] < 0.2


def test_a_thousand_runs_are_no_obstacle() -> None:
    rng = np.random.default_rng(0)
    trials = [
        Trial({"x": x, "y": y}, "finished", (x - 0.6) ** 2 + (y - 0.2) ** 2 + rng.normal(0, 0.01))
        for x, y in rng.random((1000, 2)).tolist()
    ]
    point = asked(sweep({"x": UNIT, "y": UNIT}), trials).point
    assert point == pytest.approx({"x": 0.6, "y": 0.2}, abs=0.1)


def test_another_version_of_optuna_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import optuna

    class Renamed(optuna.samplers.RandomSampler):
        def __init__(self, seed: int, n_startup_trials: int) -> None:
            super().__init__(seed)

    monkeypatch.setattr(optuna.samplers, "GPSampler", Renamed)
    with pytest.raises(RuntimeError, match=r"optuna .* does not call GPSampler._optimize_acqf"):
        ask(sweep({"x": UNIT}), line(lambda x: x))
