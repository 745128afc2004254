"""The free row at which a surface is highest."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sweepcnn.config import SweepConfig
from sweepcnn.search.acquisition import best_free
from sweepcnn.search.axes import Axes, Rows
from sweepcnn.search.space import Space


def axes_of(**parameters: Any) -> Axes:
    config = SweepConfig.model_validate({"method": "random", "parameters": parameters})
    return Axes(Space.of(config.parameters))


def peak_at(*place: float) -> Any:
    def surface(rows: Rows) -> npt.NDArray[np.float64]:
        return np.asarray(-((rows - np.array(place)) ** 2).sum(axis=1))

    return surface


UNIT = {"min": 0.0, "max": 1.0}
REALS = dict.fromkeys("abcdef", UNIT)


def search(axes: Axes, surface: Any, is_free: Any = lambda row: True, seed: int = 0) -> Any:
    known = axes.drawn(np.random.default_rng(1).random((3, len(axes.all))))
    return best_free(surface, axes, is_free, known, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(5))
def test_the_peak_of_a_continuous_surface_is_found(seed: int) -> None:
    place = (0.1, 0.9, 0.5, 0.0, 1.0, 0.33)
    assert search(axes_of(**REALS), peak_at(*place), seed=seed) == pytest.approx(place, abs=0.05)


def test_a_region_that_is_not_free_is_left() -> None:
    axes = axes_of(a=UNIT, b=UNIT)
    row = search(axes, peak_at(1, 1), lambda row: row[0] < 0.2)
    assert row == pytest.approx((0.2, 1), abs=0.02)
    assert row[0] < 0.2


def test_of_a_small_finite_space_the_best_free_row_is_certain() -> None:
    axes = axes_of(a={"min": 0, "max": 60}, b={"min": 0, "max": 60})
    taken = {(30, 40), (30, 41)}
    row = search(axes, peak_at(30, 40.4), lambda row: tuple(row) not in taken)
    assert tuple(row) in {(29, 40), (31, 40)}
    assert tuple(search(axes, peak_at(30, 40), lambda row: tuple(row) == (0, 0))) == (0, 0)
    assert search(axes, peak_at(30, 40), lambda row: False) is None


def test_where_nothing_of_an_endless_space_is_free_nothing_is_given() -> None:
    assert search(axes_of(**REALS), peak_at(*[0.5] * 6), lambda row: False) is None


def test_a_free_row_that_was_found_is_not_lost_among_higher_ones_that_are_not() -> None:
    def is_free(row: Rows) -> bool:
        return bool(abs(row[0] - 0.5) < 0.01)

    def surface(rows: Rows) -> npt.NDArray[np.float64]:
        return np.array([0.0 if is_free(row) else 1.0 for row in rows])

    row = search(axes_of(a=UNIT), surface, is_free)
    assert row is not None
    assert is_free(row)
