"""Bayesian search: the free point of which a model of the runs so far expects most."""

import math
from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np

from sweepcnn.config import SweepConfig
from sweepcnn.search.acquisition import best_free
from sweepcnn.search.axes import Axes, Rows
from sweepcnn.search.gaussian_process import Surface, choose
from sweepcnn.search.observations import Observations
from sweepcnn.search.points import Point
from sweepcnn.search.space import Space
from sweepcnn.search.trial import Suggestion, Trial

WARM_UP = 5
"""Finished runs with a metric before the model is asked; until then points are random."""

_MOST = 300  # values that the Gaussian process is fitted to: its time grows with their cube
_STARTS = 8  # of the best known points, near which a better one is looked for


def warm_up_runs(space: Space, trials: Sequence[Trial]) -> int:
    """Count the runs that end the warm-up, up to as many as it takes."""
    usable = (
        trial
        for trial in trials
        if trial.state == "finished"
        and trial.value is not None
        and math.isfinite(trial.value)
        and space.holds(trial.point)
    )
    return sum(1 for _ in islice(usable, WARM_UP))


def propose(
    config: SweepConfig,
    space: Space,
    trials: Sequence[Trial],
    is_free: Callable[[Point], bool],
    seed: int,
) -> Suggestion | None:
    """Suggest the free point of the greatest expected improvement.

    Args:
        config: a sweep with a metric.
        space: its space.
        trials: all points handed out so far, oldest first; those outside the space do not count.
        is_free: tells whether a point may be handed out.
        seed: with equal arguments the answer is equal.

    Returns:
        Null where no free point was found, which of a space of up to 4,096 points means that there
        is none, and where no trial has ended yet.
    """
    assert config.metric is not None, "bayes without a metric is an obstacle"
    axes = Axes(space)
    if not axes.all:
        point = axes.point(np.empty(0))
        return Suggestion(point, "the only point") if is_free(point) else None
    seen = Observations.of(config.metric, space, axes, trials, _MOST)
    if not len(seen.values):
        return None
    expected: list[float] = []
    search_seed, model_seed = np.random.SeedSequence(seed).spawn(2)

    def pick(surface: Surface) -> Rows | None:
        starts = seen.rows[np.argsort(-seen.values, kind="stable")[:_STARTS]]
        rng = np.random.default_rng(search_seed)
        row = best_free(surface, axes, lambda row: is_free(axes.point(row)), starts, rng)
        if row is not None:
            expected.extend(np.exp(surface(row[np.newaxis])))
        return row

    row = choose(axes, seen, pick, int(model_seed.generate_state(1)[0]))
    if row is None:
        return None
    return Suggestion(axes.point(row), _origin(expected[0], len(seen.running)))


def _origin(expected: float, running: int) -> str:
    others = f" with the {running} running" if running else ""
    return f"gp, expected improvement {expected:.2g}{others}"
