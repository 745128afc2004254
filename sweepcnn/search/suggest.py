"""The next point of a sweep."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sweepcnn.config import SweepConfig
from sweepcnn.search.bayes import gaussian_process
from sweepcnn.search.space import Space
from sweepcnn.search.trial import Suggestion, Trial

WARM_UP = 5
"""Finished runs before the Gaussian process is asked; until then points are random."""

_DRAWS = 200  # random draws before the unused points of a finite space are listed


def point_key(point: Mapping[str, Any]) -> str:
    """Give the same text for the same point, however its numbers are written (1 or 1.0)."""
    return json.dumps(_canonical(point), sort_keys=True, separators=(",", ":"))


def suggest(config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
    """Give the next point, one that no trial has; None once a finite space is used up.

    Args:
        config: a sweep without `obstacles()`.
        trials: all points handed out so far, in the order in which they were.
        seed: with equal arguments the answer is equal.
    """
    space = Space.of(config.parameters)
    taken = {point_key(point) for point in space.project([trial.point for trial in trials])}
    rng = np.random.default_rng([seed, len(trials)])
    if config.method == "grid":
        return _next_of_grid(space, taken)
    if needs_model(config, trials):
        suggestion = gaussian_process(config, space, trials, seed=int(rng.integers(2**31)))
        if point_key(suggestion.point) not in taken:
            return suggestion
    return _random(config, space, taken, rng, trials)


def needs_model(config: SweepConfig, trials: Sequence[Trial]) -> bool:
    """Tell whether the next point comes from a model, whose libraries are slow to load."""
    finished = sum(trial.state == "finished" for trial in trials)
    return config.method == "bayes" and finished >= WARM_UP


def _next_of_grid(space: Space, taken: set[str]) -> Suggestion | None:
    size = space.size
    assert size is not None, "a grid over an endless space is an obstacle"
    for index in range(size):
        point = space.at(index)
        if point_key(point) not in taken:
            return Suggestion(point, f"grid: {index + 1} of {size}")
    return None


def _random(
    config: SweepConfig,
    space: Space,
    taken: set[str],
    rng: np.random.Generator,
    trials: Sequence[Trial],
) -> Suggestion | None:
    origin = "random"
    if config.method == "bayes":
        finished = sum(trial.state == "finished" for trial in trials)
        origin = (
            f"random: warm-up, {finished} of {WARM_UP} finished"
            if finished < WARM_UP
            else "random: the model repeated itself"
        )
    for _ in range(_DRAWS):
        point = space.sample(rng)
        if point_key(point) not in taken:
            return Suggestion(point, origin)
    if space.size is None:  # a continuous parameter cannot repeat 200 times by chance
        return None
    unused = [index for index in range(space.size) if point_key(space.at(index)) not in taken]
    return Suggestion(space.at(int(rng.choice(unused))), origin) if unused else None


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    return value
