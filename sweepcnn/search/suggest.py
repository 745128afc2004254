"""The next point of a sweep."""

from collections.abc import Sequence

import numpy as np

from sweepcnn.config import SweepConfig
from sweepcnn.search.bayes import WARM_UP, propose, warm_up_runs
from sweepcnn.search.feasibility import checker
from sweepcnn.search.grid import next_of_grid
from sweepcnn.search.points import Point
from sweepcnn.search.sampling import random_point
from sweepcnn.search.space import Space
from sweepcnn.search.trial import Suggestion, Trial


def suggest(config: SweepConfig, trials: Sequence[Trial], seed: int) -> Suggestion | None:
    """Give the next point, one that no trial has; None once a finite space is used up.

    Points that build no network are left out (`feasibility`).
    Trials whose points lie outside the space are survived: a sweep's file may change, and prior
    runs come from elsewhere.

    Args:
        config: a sweep without `obstacles()`.
        trials: all points handed out so far, in the order in which they were.
        seed: with equal arguments the answer is equal.
    """
    grid = config.method == "grid"
    space = Space.of(config.parameters, grid=grid)
    is_feasible = checker(config)
    taken = {space.key(trial.point) for trial in trials} - {None}
    if grid:
        shuffle = seed if config.order == "shuffled" else None
        return next_of_grid(space, trials, taken, is_feasible, shuffle)

    def is_free(point: Point) -> bool:
        return space.key(point) not in taken and is_feasible(point)

    rng = np.random.default_rng([seed, len(trials)])
    origin = "random"
    if needs_model(config, trials):
        suggestion = propose(config, space, trials, is_free, int(rng.integers(2**31)))
        if suggestion is not None:
            return suggestion
        origin = "random: the model found no free point"
    elif config.method == "bayes":
        origin = f"random: {warm_up_runs(space, trials)} of {WARM_UP} warm-up"
    return random_point(space, taken, is_free, rng, origin)


def needs_model(config: SweepConfig, trials: Sequence[Trial]) -> bool:
    """Tell whether the next point comes from a model, whose libraries are slow to load."""
    if config.method != "bayes":
        return False
    return warm_up_runs(Space.of(config.parameters), trials) == WARM_UP
