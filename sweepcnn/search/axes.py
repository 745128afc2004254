"""A space as numbers: what a model is fitted to, and what is moved along to find its best point."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sweepcnn.search.dimensions import Choice, Dimension
from sweepcnn.search.distributions import LogUniform, Uniform
from sweepcnn.search.points import Point, is_number
from sweepcnn.search.space import Space

Rows = npt.NDArray[np.float64]
"""Points as rows: along an axis of few values the place of the value, else its quantile, 0 to 1."""

_FEW = 200  # values that are listed; more of them are as good as a continuum
_TAIL = 0.001  # of an unbounded distribution: values of quantiles beyond are drawn, not proposed


@dataclass(frozen=True)
class Axis:
    """One dimension that has more values than one.

    Args:
        dimension: what gives the values.
        places: of a dimension of few values the coordinates of those, 0 to 1, in ascending order.
        indices: the index of each of those values.
        ordered: whether near coordinates mean like values.
        bounds: the least and the greatest coordinate.
    """

    dimension: Dimension
    places: npt.NDArray[np.float64] | None = None
    indices: tuple[int, ...] = ()
    ordered: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def of(cls, dimension: Dimension) -> "Axis":
        """Describe a dimension; a choice among numbers is one in their order, evenly spaced."""
        size, bounds = dimension.size, _bounds(dimension)
        if isinstance(dimension, Choice):
            values = dimension.values
            ordered = all(is_number(value) for value in values)
            indices = sorted(range(len(values)), key=(lambda i: values[i]) if ordered else None)
            places = (np.arange(len(values)) + 0.5) / len(values)
            return cls(dimension, places, tuple(indices), ordered)
        if size is None or size > _FEW:
            return cls(dimension, bounds=bounds)
        coordinates = [dimension.coordinate(dimension.at(index)) for index in range(size)]
        kept = [i for i, place in enumerate(coordinates) if bounds[0] <= place <= bounds[1]]
        return cls(dimension, np.array([coordinates[i] for i in kept]), tuple(kept))

    def code(self, value: Any) -> float:
        """Give the number of a value that the dimension holds."""
        if isinstance(self.dimension, Choice):
            index = self.dimension.index_of(value)
            assert index is not None, f"{value} is not on the axis"
            return float(self.indices.index(index))
        coordinate = np.clip(self.dimension.coordinate(value), *self.bounds)
        return float(coordinate if self.places is None else self.nearest(coordinate))

    def value(self, code: float) -> Any:
        """Give the value of a number."""
        if self.places is not None:
            return self.dimension.at(self.indices[round(code)])
        return self.dimension.value_at(code)

    def nearest(self, coordinates: Any) -> Any:
        """Give the numbers of the values that are nearest to coordinates."""
        if self.places is None:
            return np.clip(coordinates, *self.bounds)
        return np.searchsorted((self.places[1:] + self.places[:-1]) / 2, coordinates).astype(float)

    def coordinates(self, codes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Give what a model sees: 0 to 1, or the number itself where there is no order."""
        if self.places is None or not self.ordered:
            return codes
        found: npt.NDArray[np.float64] = self.places[codes.astype(int)]
        return found

    def moved(
        self, codes: npt.NDArray[np.float64], reach: float, rng: np.random.Generator
    ) -> npt.NDArray[np.float64]:
        """Move numbers by a normal step of this standard deviation, or to the next value at least.

        Where there is no order every other value is as near.
        """
        if self.places is not None and not self.ordered:
            count = len(self.places)
            return (codes + rng.integers(1, count, len(codes))) % count
        steps = rng.normal(0, reach, len(codes))
        found: npt.NDArray[np.float64] = self.nearest(self.coordinates(codes) + steps)
        if self.places is None:
            return found
        one_on = np.clip(codes + np.sign(steps), 0, len(self.places) - 1)
        return np.where(found == codes, one_on, found)


def _bounds(dimension: Dimension) -> tuple[float, float]:
    distribution = getattr(dimension, "distribution", None)
    if distribution is None or isinstance(distribution, Uniform | LogUniform):
        return 0.0, 1.0
    return _TAIL, 1 - _TAIL


class Axes:
    """The dimensions of a space that have more values than one."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._axes: dict[str, Axis] = {}
        self._fixed: dict[str, Any] = {}
        for name, dimension in space.dimensions.items():
            if dimension.size == 1:
                self._fixed[name] = dimension.at(0)
            else:
                self._axes[name] = Axis.of(dimension)
        self.all = tuple(self._axes.values())

    @property
    def size(self) -> int | None:
        """The number of rows; null where there is no end of them."""
        if any(axis.places is None for axis in self.all):
            return None
        return math.prod(len(axis.indices) for axis in self.all)

    def rows(self, points: Sequence[Mapping[str, Any]]) -> Rows:
        """Give the rows of points that lie in the space."""
        flat = [self._space.flat(point) for point in points]
        rows = [[axis.code(point[name]) for name, axis in self._axes.items()] for point in flat]
        return np.array(rows, dtype=float).reshape(len(points), len(self.all))

    def point(self, row: Rows) -> Point:
        """Give the point of a row."""
        numbers = dict(zip(self._axes, map(float, row), strict=True))
        searched = {name: axis.value(numbers[name]) for name, axis in self._axes.items()}
        values = self._fixed | searched
        return self._space.point({name: values[name] for name in self._space.dimensions})

    def every(self) -> Rows:
        """Give all rows of a finite space."""
        counts = [len(axis.indices) for axis in self.all]
        places = np.unravel_index(np.arange(math.prod(counts)), counts)
        return np.array(places, dtype=float).T.reshape(-1, len(counts))

    def drawn(self, quantiles: Rows) -> Rows:
        """Give the row of each row of quantiles."""
        columns = zip(self.all, quantiles.T, strict=True)
        return np.column_stack([axis.nearest(column) for axis, column in columns])

    def coordinates(self, rows: Rows) -> Rows:
        """Give what a model sees of rows."""
        columns = zip(self.all, rows.T, strict=True)
        return np.column_stack([axis.coordinates(column) for axis, column in columns])
