"""What the runs so far teach a model: a number for each point of the space."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sweepcnn.config.sweep import Metric
from sweepcnn.search.axes import Axes, Rows
from sweepcnn.search.space import Space
from sweepcnn.search.trial import Trial

_LARGEST = 1e100  # what is beyond has no square, and with it no variance
_TAIL = 2.0  # spreads below the median beyond which all values are as bad


@dataclass(frozen=True)
class Observations:
    """Rows whose value is known, with that value, the more the better; and rows that still run."""

    rows: Rows
    values: npt.NDArray[np.float64]
    running: Rows

    @classmethod
    def of(
        cls, metric: Metric, space: Space, axes: Axes, trials: Sequence[Trial], most: int
    ) -> "Observations":
        """Take the trials that lie in the space; others say nothing of it.

        Poor values are cut off at twice as far below the median as the best is above it: how much
        worse than poor a run was does not tell where the best is, and one that diverged would
        hide all differences among the others.

        Args:
            metric: its goal, and what stands in for a missing value.
            space: where the points lie.
            axes: the rows of its points.
            trials: all points handed out so far.
            most: of more values than these a third are the best, a third the newest, and a third
                are spread evenly from the better to the worse of the others.
        """
        sign = 1.0 if metric.goal == "maximize" else -1.0
        known = [trial for trial in trials if space.holds(trial.point)]
        worst = _worst(metric.goal, known)
        points, values, running = [], [], []
        for trial in known:
            value = _value(metric, trial, worst)
            if value is None:
                running.append(trial.point)
            else:
                points.append(trial.point)
                values.append(sign * value)
        cut = _without_tail(np.array(values))
        kept = _telling(cut, most)
        return cls(axes.rows([points[i] for i in kept]), cut[kept], axes.rows(running))


def _telling(values: npt.NDArray[np.float64], most: int) -> list[int]:
    """Give the places of so many values at most, in their order."""
    if len(values) <= most:
        return list(range(len(values)))
    third = most // 3
    order = np.argsort(-values, kind="stable")
    best = order[:third].tolist()
    newest = np.setdiff1d(np.arange(len(values)), best)[-third:].tolist()
    rest = [place for place in order.tolist() if place not in {*best, *newest}]
    spread = np.linspace(0, len(rest) - 1, most - 2 * third).round().astype(int)
    return sorted({*best, *newest, *(rest[place] for place in spread)})


def _value(metric: Metric, trial: Trial, worst: float) -> float | None:
    """Give what a trial teaches; null for one that is still to tell."""
    if trial.state == "running":
        if metric.impute_while_running in (None, "false"):
            return None
        return _first_usable(trial.value, worst)
    if trial.state == "finished":
        return _first_usable(trial.value, worst)
    match metric.impute:
        case "best":
            return _first_usable(trial.value, worst)
        case "latest":
            return _first_usable(trial.latest, worst)
        case _:
            return worst


def _worst(goal: str, trials: Sequence[Trial]) -> float:
    seen = [trial.value for trial in trials if trial.state != "running"]
    usable = [_bounded(value) for value in seen if value is not None and math.isfinite(value)]
    if not usable:
        return 0.0
    return min(usable) if goal == "maximize" else max(usable)


def _first_usable(value: float | None, otherwise: float) -> float:
    return _bounded(value) if value is not None and math.isfinite(value) else otherwise


def _bounded(value: float) -> float:
    return min(max(value, -_LARGEST), _LARGEST)


def _without_tail(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if not len(values):
        return values
    best, median = values.max(), np.median(values)
    spread = best - median or best - values.mean()
    cut: npt.NDArray[np.float64] = np.maximum(values, median - _TAIL * spread)
    return cut
