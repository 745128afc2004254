"""The searched space: one dimension a parameter, each with W&B's meaning of its distribution."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweepcnn.config import Parameter

Point = dict[str, Any]


@dataclass(frozen=True)
class Choice:
    """One of several values, evenly or with weights."""

    values: tuple[Any, ...]
    weights: tuple[float, ...] | None = None

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)

    def at(self, index: int) -> Any:
        """Give the value at an index."""
        return self.values[index]

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw a value."""
        weights = None
        if self.weights and sum(self.weights) > 0:
            weights = np.array(self.weights) / sum(self.weights)
        return self.values[int(rng.choice(self.size, p=weights))]

    def index_of(self, value: Any) -> int | None:
        """Find a value; 1 and 1.0 are the same, 1 and true are not."""
        for index, known in enumerate(self.values):
            if known == value and isinstance(known, bool) == isinstance(value, bool):
                return index
        return None

    def holds(self, value: Any) -> bool:
        """Tell whether a value is in the dimension."""
        return self.index_of(value) is not None


@dataclass(frozen=True)
class Whole:
    """A whole number from low to high, both included."""

    low: int
    high: int

    @property
    def size(self) -> int:
        """The number of values."""
        return self.high - self.low + 1

    def at(self, index: int) -> int:
        """Give the value at an index."""
        return self.low + index

    def sample(self, rng: np.random.Generator) -> int:
        """Draw a value."""
        return int(rng.integers(self.low, self.high, endpoint=True))

    def holds(self, value: Any) -> bool:
        """Tell whether a value is in the dimension."""
        return _is_number(value) and self.low <= value <= self.high and value == int(value)


@dataclass(frozen=True)
class Real:
    """A real number from low to high, evenly or evenly in its logarithm; `step` rounds it."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def size(self) -> int | None:
        """The number of values; null where there is no end of them."""
        if self.step is None:
            return 1 if self.low == self.high else None
        return round(self.high / self.step) - round(self.low / self.step) + 1

    def at(self, index: int) -> float:
        """Give the value at an index of a finite dimension."""
        if self.step is None:
            return self.low
        return (round(self.low / self.step) + index) * self.step

    def sample(self, rng: np.random.Generator) -> float:
        """Draw a value."""
        if self.log:
            value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
            return min(max(value, self.low), self.high)
        value = float(rng.uniform(self.low, self.high))
        return value if self.step is None else round(value / self.step) * self.step

    def holds(self, value: Any) -> bool:
        """Tell whether a value is in the dimension."""
        return _is_number(value) and self.low <= value <= self.high


Dimension = Choice | Whole | Real


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def dimension(parameter: Parameter) -> Dimension:
    """Turn a parameter of a sweep file into a dimension.

    `log_uniform` has the natural logarithms of its bounds as min and max, `log_uniform_values` the
    bounds themselves, as in W&B's documentation.

    Raises:
        ValueError: the distribution is not one of `sweepcnn.config.sweep.SEARCHED`.
    """
    low, high = parameter.min, parameter.max
    match parameter.kind:
        case "constant":
            return Choice((parameter.value,))
        case "categorical" | "categorical_w_probabilities":
            return Choice(parameter.values or (), parameter.probabilities)
        case "int_uniform":
            return Whole(math.ceil(low or 0), math.floor(high or 0))
        case "uniform":
            return Real(float(low or 0), float(high or 0))
        case "q_uniform":
            return Real(float(low or 0), float(high or 0), step=parameter.q or 1)
        case "log_uniform":
            return Real(math.exp(low or 0), math.exp(high or 0), log=True)
        case "log_uniform_values":
            return Real(float(low or 0), float(high or 0), log=True)
        case kind:
            raise ValueError(f"{kind} is not searched")


@dataclass(frozen=True)
class Space:
    """The dimensions by parameter name."""

    dimensions: Mapping[str, Dimension]

    @classmethod
    def of(cls, parameters: Mapping[str, Parameter]) -> "Space":
        """Turn the parameters of a sweep file into a space."""
        return cls({name: dimension(parameter) for name, parameter in parameters.items()})

    @property
    def size(self) -> int | None:
        """The number of points; null where there is no end of them."""
        sizes = [dimension.size for dimension in self.dimensions.values()]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def at(self, index: int) -> Point:
        """Give a point of a finite space; the last parameter varies fastest."""
        point: Point = {}
        for name, dimension in reversed(list(self.dimensions.items())):
            assert dimension.size is not None
            index, place = divmod(index, dimension.size)
            point[name] = dimension.at(place)
        return dict(reversed(point.items()))

    def sample(self, rng: np.random.Generator) -> Point:
        """Draw a point, each parameter by its own distribution."""
        return {name: dimension.sample(rng) for name, dimension in self.dimensions.items()}

    def holds(self, point: Mapping[str, Any]) -> bool:
        """Tell whether a point lies in the space; keys that are not searched do not count."""
        return all(
            name in point and dimension.holds(point[name])
            for name, dimension in self.dimensions.items()
        )

    def project(self, points: Sequence[Mapping[str, Any]]) -> list[Point]:
        """Keep the searched parameters only: clients add keys of their own."""
        return [
            {name: point[name] for name in self.dimensions if name in point} for point in points
        ]
