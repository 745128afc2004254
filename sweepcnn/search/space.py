"""The searched space: one dimension a parameter, each with W&B's meaning of its distribution."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from sweepcnn.config import Parameter, SweepConfig
from sweepcnn.errors import InputError, Problem

Point = dict[str, Any]

_LARGEST = 1e300  # real bounds; their differences and squares still have to be numbers
_LARGEST_WHOLE = 2**53  # beyond it a float no longer tells neighbours apart


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

    def index_of(self, value: Any) -> int | None:
        """Find a value; null where it is not in the dimension."""
        if _is_number(value) and self.low <= value <= self.high and value == int(value):
            return int(value) - self.low
        return None

    def holds(self, value: Any) -> bool:
        """Tell whether a value is in the dimension."""
        return self.index_of(value) is not None


@dataclass(frozen=True)
class Quantised:
    """A multiple of `step`: an even draw from low to high, rounded as W&B does (`round(x/q)*q`)."""

    low: float
    high: float
    step: float

    @property
    def size(self) -> int:
        """The number of values."""
        return round(self.high / self.step) - round(self.low / self.step) + 1

    def at(self, index: int) -> float:
        """Give the value at an index, as people write it: 0.3 and not 0.30000000000000004."""
        return float(Decimal(repr(self.step)) * (round(self.low / self.step) + index))

    def sample(self, rng: np.random.Generator) -> float:
        """Draw a value; one at an end of the range is as rare as its share of the range."""
        drawn = round(float(rng.uniform(self.low, self.high)) / self.step)
        return self.at(drawn - round(self.low / self.step))

    def index_of(self, value: Any) -> int | None:
        """Find a value, however it was rounded; null where it is not in the dimension."""
        if not _is_number(value) or not abs(value) <= _LARGEST:
            return None
        multiple = value / self.step
        if not math.isfinite(multiple) or abs(multiple - round(multiple)) > 1e-6:
            return None
        index = round(multiple) - round(self.low / self.step)
        return index if 0 <= index < self.size else None

    def holds(self, value: Any) -> bool:
        """Tell whether a value is in the dimension."""
        return self.index_of(value) is not None


@dataclass(frozen=True)
class Real:
    """A real number from low to high, evenly or evenly in its logarithm."""

    low: float
    high: float
    log: bool = False

    @property
    def size(self) -> int | None:
        """The number of values; null where there is no end of them."""
        return 1 if self.low == self.high else None

    def at(self, _index: int) -> float:
        """Give the value of a dimension that has one only."""
        return self.low

    def sample(self, rng: np.random.Generator) -> float:
        """Draw a value."""
        if self.log:
            value = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
            return min(max(value, self.low), self.high)
        return float(rng.uniform(self.low, self.high))

    def holds(self, value: Any) -> bool:
        """Tell whether a value is in the dimension."""
        return _is_number(value) and self.low <= value <= self.high


Dimension = Choice | Whole | Quantised | Real


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def dimension(parameter: Parameter) -> Dimension:
    """Turn a parameter of a sweep file into a dimension.

    `log_uniform` has the natural logarithms of its bounds as min and max, `log_uniform_values` the
    bounds themselves, as in W&B's documentation.

    Raises:
        ValueError: no number or no value can come of it; says the rule.
    """
    low, high = parameter.min or 0, parameter.max or 0
    match parameter.kind:
        case "constant":
            return _choice((parameter.value,), None)
        case "categorical" | "categorical_w_probabilities":
            return _choice(parameter.values or (), parameter.probabilities)
        case "int_uniform":
            return _whole(low, high)
        case "q_uniform":
            return _quantised(low, high, parameter.q or 1)
        case "uniform":
            return _real(float(low), float(high))
        case "log_uniform":
            if max(abs(low), abs(high)) > math.log(_LARGEST):
                raise ValueError("min and max are exponents of e, so they must lie within +-690")
            return _real(math.exp(low), math.exp(high), log=True)
        case "log_uniform_values":
            return _real(float(low), float(high), log=True)
        case kind:
            raise ValueError(f"{kind} is not searched")


def _choice(values: tuple[Any, ...], weights: tuple[float, ...] | None) -> Choice:
    """Make a choice without values that are written twice or can never be drawn."""
    try:
        json.dumps(values)
    except (TypeError, ValueError):
        raise ValueError("every value must be a number, a text, a list or a mapping") from None
    given = list(weights or [1.0] * len(values))
    if not 0 < sum(given) < math.inf:
        raise ValueError("the probabilities must have a sum above 0")
    merged = Choice((), ())
    for value, weight in zip(values, given, strict=True):
        index = merged.index_of(value)
        known, shares = merged.values, list(merged.weights or ())
        if index is not None:
            shares[index] += weight
            merged = Choice(known, tuple(shares))
        elif weight > 0:
            merged = Choice((*known, value), (*shares, weight))
    return merged if weights else Choice(merged.values)


def _whole(low: float, high: float) -> Whole:
    first, last = math.ceil(low), math.floor(high)
    if first > last:
        raise ValueError(f"no whole number lies between {low} and {high}")
    if max(abs(first), abs(last)) > _LARGEST_WHOLE:
        raise ValueError("min and max must lie within +-2**53")
    return Whole(first, last)


def _quantised(low: float, high: float, step: float) -> Quantised:
    if max(abs(low), abs(high)) / step > _LARGEST_WHOLE:
        raise ValueError(f"q = {step} is too small for the range")
    return Quantised(float(low), float(high), float(step))


def _real(low: float, high: float, *, log: bool = False) -> Real:
    if max(abs(low), abs(high)) > _LARGEST or (log and low < 1 / _LARGEST):
        raise ValueError("min and max are out of the range of numbers")
    return Real(low, high, log)


@dataclass(frozen=True)
class Space:
    """The dimensions by parameter name."""

    dimensions: Mapping[str, Dimension]

    @classmethod
    def of(cls, parameters: Mapping[str, Parameter]) -> "Space":
        """Turn the parameters of a sweep file into a space.

        Raises:
            InputError: a parameter has nothing that could be drawn.
        """
        dimensions, problems = {}, []
        for name, parameter in parameters.items():
            try:
                dimensions[name] = dimension(parameter)
            except (ValueError, OverflowError) as error:
                problems.append(Problem(f"parameters.{name}", str(error), "correct it"))
        if problems:
            raise InputError(problems)
        return cls(dimensions)

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


def obstacles(config: SweepConfig) -> list[Problem]:
    """Tell why a sweep cannot be searched, numbers and values included; empty where it can."""
    problems = config.obstacles()
    if not problems:
        try:
            Space.of(config.parameters)
        except InputError as error:
            problems = list(error.problems)
    return problems
