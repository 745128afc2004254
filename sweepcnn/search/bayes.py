"""Bayesian search with Optuna's Gaussian process."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sweepcnn.config import SweepConfig
from sweepcnn.search.space import Choice, Dimension, Space
from sweepcnn.search.trial import Suggestion, Trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_MOST_LISTED = 1000  # Optuna lists every value of a whole-numbered dimension in memory
_LARGEST_VALUE = 1e100  # what is beyond has no square, and with it no variance


def gaussian_process(
    config: SweepConfig, space: Space, trials: Sequence[Trial], *, seed: int
) -> Suggestion:
    """Suggest the point of the greatest expected improvement.

    A Gaussian process with a Matern kernel is fitted to the finished runs; runs that are still
    going on count as points whose value is to come, so that agents spread out (optuna.samplers.
    GPSampler). A run that failed, or whose metric is missing or not finite, counts as the worst
    value seen.
    """
    import optuna

    assert config.metric is not None, "bayes without a metric is an obstacle"
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        direction=config.metric.goal,
        sampler=optuna.samplers.GPSampler(seed=seed, n_startup_trials=0),
    )
    distributions = {name: _distribution(d) for name, d in space.dimensions.items()}
    worst = _worst(trials, config.metric.goal)
    known = [trial for trial in trials if space.holds(trial.point)]
    study.add_trials([_frozen(space, distributions, trial, worst) for trial in known])
    asked = study.ask(distributions)
    values = {name: _decoded(d, asked.params[name]) for name, d in space.dimensions.items()}
    finished = sum(trial.state != "running" for trial in known)
    return Suggestion(space.point(values), f"bayes: Gaussian process over {finished} runs")


def _worst(trials: Sequence[Trial], goal: str) -> float:
    values = [trial.value for trial in trials if trial.value is not None]
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0
    return min(finite) if goal == "maximize" else max(finite)


def _distribution(dimension: Dimension) -> "BaseDistribution":
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if dimension.size is None:  # by its quantile, whatever the distribution
        return FloatDistribution(0, 1)
    if isinstance(dimension, Choice):  # by index, for Optuna takes no lists as categories
        return CategoricalDistribution(range(dimension.size))
    if dimension.size > _MOST_LISTED:
        return FloatDistribution(0, dimension.size - 1)
    return IntDistribution(0, dimension.size - 1)


def _decoded(dimension: Dimension, param: Any) -> Any:
    return dimension.value_at(param) if dimension.size is None else dimension.at(round(param))


def _frozen(
    space: Space, distributions: "dict[str, BaseDistribution]", trial: Trial, worst: float
) -> "FrozenTrial":
    from optuna.trial import TrialState, create_trial

    values = space.flat(trial.point)
    params = {
        name: d.coordinate(values[name]) if d.size is None else d.index_of(values[name])
        for name, d in space.dimensions.items()
    }
    if trial.state == "running":
        return create_trial(state=TrialState.RUNNING, params=params, distributions=distributions)
    value = trial.value if trial.value is not None and math.isfinite(trial.value) else worst
    value = min(max(value, -_LARGEST_VALUE), _LARGEST_VALUE)
    return create_trial(value=value, params=params, distributions=distributions)
