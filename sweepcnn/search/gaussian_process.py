"""Expected improvement under a Gaussian process: Optuna's, with its surface handed to us."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sweepcnn.search.axes import Axes, Rows
from sweepcnn.search.observations import Observations

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

Surface = Callable[[Rows], npt.NDArray[np.float64]]
"""The logarithm of the improvement that is expected of each row, in the metric's unit."""

_AT_ONCE = 1_000_000  # numbers of an array while the surface is computed, 8 MB
_SAMPLES = 128  # of the values of running rows, by Optuna
_LEAST_SCALE = 1e-10  # below it Optuna takes all values as equal


def choose(
    axes: Axes, seen: Observations, pick: Callable[[Surface], Rows | None], seed: int
) -> Rows | None:
    """Fit a Gaussian process to what was seen, and have a row picked by its surface.

    Rows that still run count as values yet to come: the improvement is expected of them and the
    row together, so that agents spread out (Optuna's GPSampler: a Matern kernel with a length for
    each axis, noise fitted too, and the q-batch logarithm of expected improvement of Ament et al.,
    2023).

    Args:
        axes: what the rows mean; one at least.
        seen: one row with a value at least.
        pick: is given the surface, and gives a row, or null where it finds none.
        seed: with equal arguments the answer is equal.

    Raises:
        RuntimeError: Optuna no longer asks our search; another version is to be installed.
    """
    import optuna
    import torch

    picked: list[Rows | None] = []
    scale = max(float(seen.values.std()), _LEAST_SCALE)
    numbers = seen.rows.size + _SAMPLES * len(seen.running)  # for each row that is asked about
    at_once = _AT_ONCE // numbers + 1

    class Sampler(optuna.samplers.GPSampler):
        def _optimize_acqf(self, acqf: Any, best_params: Any) -> Any:
            """Search the surface our way; "advanced users can override this method"."""

            def surface(rows: Rows) -> npt.NDArray[np.float64]:
                places = axes.coordinates(rows)
                parts = [places[i : i + at_once] for i in range(0, len(places), at_once)]
                values = np.concatenate([acqf.eval_acqf_no_grad(part) for part in parts])
                return np.asarray(values + np.log(scale))

            picked.append(pick(surface))
            return best_params[0]  # Optuna has to get a point; ours is in `picked`

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    torch.set_num_threads(1)  # more of them cost such small matrices more than they give
    sampler = Sampler(seed=seed, n_startup_trials=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = _distributions(axes)
    study.add_trials(list(_trials(axes, seen, distributions)))
    study.ask(distributions)
    if not picked:
        raise RuntimeError(
            f"optuna {optuna.__version__} does not call GPSampler._optimize_acqf, by which points "
            "are chosen; install the version that pyproject.toml names"
        )
    return picked[0]


def _distributions(axes: Axes) -> "dict[str, BaseDistribution]":
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    return {
        f"{column:06}": FloatDistribution(0, 1)  # Optuna sorts the columns by name
        if axis.ordered
        else CategoricalDistribution(range(len(axis.indices)))
        for column, axis in enumerate(axes.all)
    }


def _trials(
    axes: Axes, seen: Observations, distributions: "dict[str, BaseDistribution]"
) -> "Iterator[FrozenTrial]":
    from optuna.trial import TrialState, create_trial

    def params(places: Rows) -> dict[str, float]:
        columns = zip(distributions, axes.all, places, strict=True)
        return {name: float(place) if axis.ordered else int(place) for name, axis, place in columns}

    for places, value in zip(axes.coordinates(seen.rows), seen.values, strict=True):
        yield create_trial(params=params(places), distributions=distributions, value=float(value))
    running = TrialState.RUNNING
    for places in axes.coordinates(seen.running):
        yield create_trial(params=params(places), distributions=distributions, state=running)
