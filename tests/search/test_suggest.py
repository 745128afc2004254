"""The next point of a sweep: grid, random and bayes."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.search import Suggestion, Trial, point_key, suggest
from sweepcnn.search.bayes import WARM_UP
from sweepcnn.search.space import Space


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


NARROW = {"image_size": {"value": 16}, "blocks": {"min": 1, "max": 8}}
"""Pooling halves 16 pixels four times; a fifth block has none left."""


@pytest.mark.parametrize("method", ["grid", "random", "bayes"])
def test_points_that_build_no_network_are_not_handed_out(method: str) -> None:
    ours = sweep(method, **NARROW).model_copy(update={"command": ("sweepcnn", "train")})
    found = run_all(ours, 20)
    assert sorted(s.point["blocks"] for s in found) == [1, 2, 3, 4]
    other = run_all(sweep(method, **NARROW), 20)
    assert len(other) == 8, "a program of another kind knows itself what its parameters mean"


EVERY_DISTRIBUTION = {
    "constant": {"value": None},
    "categorical": {"values": ["a", [1], {"k": 2}]},
    "weighted": {"values": [1, 2.5], "probabilities": [0.9, 0.1]},
    "int_uniform": {"min": 1, "max": 10**12},
    "uniform": {"min": 0.0, "max": 1},
    "q_uniform": {"distribution": "q_uniform", "min": 0, "max": 1, "q": 0.1},
    "log_uniform": {"distribution": "log_uniform", "min": -3, "max": 0},
    "log_uniform_values": {"distribution": "log_uniform_values", "min": 1e-5, "max": 1},
    "q_log_uniform": {"distribution": "q_log_uniform", "min": 0, "max": 3, "q": 2},
    "q_log_uniform_values": {"distribution": "q_log_uniform_values", "min": 1, "max": 999},
    "inv_log_uniform": {"distribution": "inv_log_uniform", "min": -2, "max": 3},
    "inv_log_uniform_values": {"distribution": "inv_log_uniform_values", "min": 0.1, "max": 3},
    "normal": {"distribution": "normal"},
    "q_normal": {"distribution": "q_normal", "q": 1},
    "log_normal": {"distribution": "log_normal", "sigma": 10},
    "q_log_normal": {"distribution": "q_log_normal", "sigma": 10},
    "nested": {"parameters": {"beta": {"distribution": "beta", "a": 2, "b": 5}}},
    "deeper": {"parameters": {"x": {"parameters": {"q_beta": {"distribution": "q_beta"}}}}},
}


@pytest.mark.parametrize("method", ["random", "bayes"])
def test_every_distribution_is_searched_and_known_again_from_json(method: str) -> None:
    config = sweep(method, **EVERY_DISTRIBUTION)
    space = Space.of(config.parameters)
    trials: list[Trial] = []
    origin = ""
    for number in range(WARM_UP + 2):
        suggestion = suggest(config, trials, 1)
        assert suggestion is not None
        point = json.loads(json.dumps(suggestion.point))
        assert space.holds(point)
        assert set(point) == set(EVERY_DISTRIBUTION)
        trials.append(Trial(point, "finished", float(number)))
        origin = suggestion.origin
    assert origin.startswith("gp" if method == "bayes" else "random")
    assert len({space.key(trial.point) for trial in trials}) == len(trials)
