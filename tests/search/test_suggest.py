"""The next point of a sweep: grid, random and bayes."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweepcnn.config import SweepConfig
from sweepcnn.search import Suggestion, Trial, point_key, suggest
from sweepcnn.search.suggest import WARM_UP


def sweep(method: str, **parameters: Any) -> SweepConfig:
    metric = {"name": "loss", "goal": "minimize"}
    return SweepConfig.model_validate(
        {"method": method, "metric": metric, "parameters": parameters}
    )


def run_all(
    config: SweepConfig,
    most: int,
    seed: int = 0,
    value: Callable[[Mapping[str, Any]], float | None] = lambda _: 1.0,
) -> list[Suggestion]:
    """Hand out points, each with its value, until none is left."""
    found: list[Suggestion] = []
    trials: list[Trial] = []
    while len(found) < most:
        suggestion = suggest(config, trials, seed)
        if suggestion is None:
            break
        found.append(suggestion)
        trials.append(Trial(suggestion.point, "finished", value(suggestion.point)))
    return found


def keys(found: list[Suggestion]) -> list[str]:
    return [point_key(suggestion.point) for suggestion in found]


def test_random_depends_on_the_seed_alone() -> None:
    config = sweep("random", a={"min": 0.0, "max": 1.0}, b={"values": [1, 2]})
    assert keys(run_all(config, 10, seed=1)) == keys(run_all(config, 10, seed=1))
    assert keys(run_all(config, 10, seed=1)) != keys(run_all(config, 10, seed=2))


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_a_finite_space_is_used_up_without_repeats(method: str) -> None:
    config = sweep(method, a={"values": [[1, 2], None, "x"]}, b={"min": 1, "max": 4})
    found = keys(run_all(config, 100))
    assert len(found) == len(set(found)) == 12


def test_a_bayesian_sweep_says_how_far_its_warm_up_is() -> None:
    config = sweep("bayes", a={"min": 0.0, "max": 1.0})
    trials = [
        Trial({"a": 0.1}, "finished", 1.0),
        Trial({"a": 0.2}, "finished", math.nan),
        Trial({"a": 0.3}, "finished"),
        Trial({"a": 0.4}, "failed"),
        Trial({"a": 0.5}, "running"),
        Trial({"a": 0.6}, "finished", 2.0),
    ]
    suggestion = suggest(config, trials, 0)
    assert suggestion is not None
    assert suggestion.origin == f"random: 2 of {WARM_UP} warm-up"


MIXED = {
    "x": {"min": 0.0, "max": 1.0},
    "rate": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1.0},
    "kind": {"values": [[1], [2, 2], [3, 3, 3]]},
    "depth": {"min": 1, "max": 9},
}


def objective(point: Mapping[str, Any]) -> float:
    wrong_kind = {1: 0.3, 2: 0.0, 3: 0.5}[len(point["kind"])]
    rate = (math.log10(point["rate"]) + 3) ** 2 / 4
    return float((point["x"] - 0.7) ** 2 + rate + wrong_kind + abs(point["depth"] - 6) / 10)


def test_bayes_finds_an_optimum_better_than_random() -> None:
    seeds, runs = (1, 2), 18
    best = {
        method: np.mean(
            [
                min(objective(s.point) for s in run_all(sweep(method, **MIXED), runs, n, objective))
                for n in seeds
            ]
        )
        for method in ("random", "bayes")
    }
    assert best["bayes"] < best["random"] / 3
    assert best["bayes"] < 0.05


def test_bayes_maximises_where_that_is_the_goal() -> None:
    config = SweepConfig.model_validate(
        {
            "method": "bayes",
            "metric": {"name": "score", "goal": "maximize"},
            "parameters": {"x": {"min": 0.0, "max": 1.0}},
        }
    )
    found = run_all(config, 12, value=lambda point: -((float(point["x"]) - 0.3) ** 2))
    assert min(abs(suggestion.point["x"] - 0.3) for suggestion in found) < 0.02


def trials_of(values: list[float | None], **changes: Any) -> list[Trial]:
    found = run_all(sweep("random", **MIXED), len(values))
    return [Trial(s.point | changes, "finished", v) for s, v in zip(found, values, strict=True)]


@pytest.mark.parametrize(
    "values",
    [
        [1.0, math.nan, math.inf, -math.inf, None, 2.0],
        [None] * 6,
        [math.nan] * 6,
        [0.5] * 6,
        [1.7e308, -1.7e308, 0.0, 1e300, 5.0, None],
    ],
    ids=["not finite", "missing", "nan", "equal", "huge"],
)
def test_bayes_survives_values_that_are_no_measure(values: list[float | None]) -> None:
    trials = trials_of(values)
    suggestion = suggest(sweep("bayes", **MIXED), trials, 0)
    assert suggestion is not None
    assert point_key(suggestion.point) not in {point_key(trial.point) for trial in trials}


def test_bayes_counts_a_failed_run_as_the_worst_seen() -> None:
    config = sweep("bayes", x={"min": 0.0, "max": 1.0})
    good = [Trial({"x": i / 10}, "finished", 1.0 - i / 10) for i in range(8)]
    bad = [Trial({"x": 0.8 + i / 20}, "failed") for i in range(5)]
    drawn_by_trend = suggest(config, good, 0)
    warned = suggest(config, [*good, *bad], 0)
    assert drawn_by_trend is not None
    assert warned is not None
    assert drawn_by_trend.point["x"] > 0.8
    assert warned.point["x"] < 0.8


def test_bayes_leaves_out_points_outside_the_space() -> None:
    trials = trials_of([1.0] * 6, depth=99)
    suggestion = suggest(sweep("bayes", **MIXED), trials, 0)
    assert suggestion is not None
    assert suggestion.origin == "bayes: Gaussian process over 0 runs"


def test_bayes_uses_quantised_points_however_they_were_rounded() -> None:
    config = sweep(
        "bayes",
        a={"distribution": "q_uniform", "min": 0, "max": 0.3, "q": 0.1},
        b={"min": 0.0, "max": 1.0},
    )
    trials = [Trial({"a": (i % 4) * 0.1, "b": i / 9}, "finished", float(i)) for i in range(8)]
    suggestion = suggest(config, trials, 0)
    assert suggestion is not None
    assert suggestion.origin == "bayes: Gaussian process over 8 runs"
    assert suggestion.point["a"] in (0.0, 0.1, 0.2, 0.3)


def test_bayes_takes_a_range_of_seeds_without_listing_it() -> None:
    config = sweep("bayes", seed={"min": 0, "max": 2**32 - 1}, x={"min": 0.0, "max": 1.0})
    found = run_all(config, WARM_UP + 3, value=lambda point: float(point["x"]))
    assert found[-1].origin.startswith("bayes:")
    assert all(isinstance(s.point["seed"], int) for s in found)


def test_bayes_over_constants_ends_after_its_one_point() -> None:
    config = sweep("bayes", a={"value": 3}, b={"values": ["only"]})
    assert len(run_all(config, 10)) == 1
    finished = [Trial({"a": 3, "b": "only"}, "finished", float(i)) for i in range(WARM_UP)]
    assert suggest(config, finished, 0) is None


def test_bayes_gives_the_same_answer_to_the_same_question() -> None:
    trials = trials_of([0.5, 0.4, 0.7, 0.1, 0.9, 0.3])
    trials.append(Trial({**trials[0].point, "x": 0.123}, "running"))
    config = sweep("bayes", **MIXED)
    first = suggest(config, trials, 5)
    assert first is not None
    assert first.origin.startswith("bayes:")
    assert suggest(config, trials, 5) == first


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_bayes_never_gives_a_taken_point(data: st.DataObject) -> None:
    space = {"a": {"values": ["x", "y", "z"]}, "b": {"min": 1, "max": 3}}
    points = [{"a": a, "b": b} for a in "xyz" for b in (1, 2, 3)]
    taken = data.draw(st.lists(st.sampled_from(points), min_size=5, max_size=8))
    value = st.floats(-10, 10) | st.none()
    trials = [
        Trial(point, data.draw(st.sampled_from(["running", "finished", "failed"])), None)
        if (v := data.draw(value)) is None
        else Trial(point, "finished", v)
        for point in taken
    ]
    suggestion = suggest(sweep("bayes", **space), trials, 0)
    assert suggestion is not None
    assert suggestion.point in points
    assert suggestion.point not in taken


NARROW = {"image_size": {"value": 16}, "blocks": {"min": 1, "max": 8}}
"""Pooling halves 16 pixels four times; a fifth block has none left."""


@pytest.mark.parametrize("method", ["grid", "random", "bayes"])
def test_points_that_build_no_network_are_not_handed_out(method: str) -> None:
    ours = sweep(method, **NARROW).model_copy(update={"command": ("sweepcnn", "train")})
    found = run_all(ours, 20)
    assert sorted(s.point["blocks"] for s in found) == [1, 2, 3, 4]
    other = run_all(sweep(method, **NARROW), 20)
    assert len(other) == 8, "a program of another kind knows itself what its parameters mean"
