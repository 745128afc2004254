"""The next point of a sweep: grid, random and bayes."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.search import Suggestion, Trial, point_key, suggest
from sweepcnn.search.bayes import WARM_UP


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
