"""The searched space: one dimension a parameter, each with W&B's meaning of its distribution."""

import json
import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from sweepcnn.config import Parameter, SweepConfig
from sweepcnn.config.parameter import leaves, place
from sweepcnn.errors import InputError, Problem
from sweepcnn.search.dimensions import (
    LARGEST_WHOLE,
    Choice,
    Dimension,
    Quantised,
    Real,
    Steps,
    Whole,
)
from sweepcnn.search.distributions import (
    Beta,
    Distribution,
    LogNormal,
    LogUniform,
    Normal,
    Uniform,
)
from sweepcnn.search.points import Point, value_key

_LARGEST = 1e300  # real bounds; their differences and squares still have to be numbers


@dataclass(frozen=True)
class Space:
    """The dimensions by name.

    The name of a nested parameter has dots ("optimizer.rate"); points are nested as the sweep file
    is. Dimensions are sorted by name at each level, as W&B does.
    """

    dimensions: Mapping[str, Dimension]
    paths: Mapping[str, tuple[str, ...]]
    """The keys under which a point has each dimension, outermost first."""

    @classmethod
    def of(cls, parameters: Mapping[str, Parameter], *, grid: bool = False) -> "Space":
        """Turn the parameters of a sweep file into a space.

        Args:
            parameters: by name.
            grid: whether it is for a grid, in which W&B lists `q_uniform` differently (`Steps`).

        Raises:
            InputError: a parameter has nothing that could be drawn.
        """
        dimensions: dict[str, Dimension] = {}
        paths, problems = {}, []
        for path, parameter in leaves(parameters):
            name = ".".join(path)
            while name in dimensions:  # a key that has a dot itself
                name += "'"
            try:
                dimensions[name] = dimension(parameter, grid=grid)
                paths[name] = path
            except (ValueError, OverflowError) as error:
                problems.append(Problem(place(path), str(error), "correct it"))
        if problems:
            raise InputError(problems)
        return cls(dimensions, paths)

    @cached_property
    def size(self) -> int | None:
        """The number of points; null where there is no end of them."""
        sizes = [dimension.size for dimension in self.dimensions.values()]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def at(self, index: int) -> Point:
        """Give a point of a finite space; the last parameter varies fastest."""
        values: dict[str, Any] = {}
        for name, dimension, size in reversed(self._places):
            index, place = divmod(index, size)
            values[name] = dimension.at(place)
        return self.point(dict(reversed(values.items())))

    def key(self, point: Mapping[str, Any]) -> Hashable | None:
        """Give equal keys for equal points; null for one outside, which is no point of ours.

        In a finite space the key is the index that `at` takes. Keys of the point that are not
        searched do not count.
        """
        return self._index_of(point) if self.size is not None else self._values_of(point)

    def sample(self, rng: np.random.Generator) -> Point:
        """Draw a point, each parameter by its own distribution."""
        drawn = {name: dimension.sample(rng) for name, dimension in self.dimensions.items()}
        return self.point(drawn)

    def holds(self, point: Mapping[str, Any]) -> bool:
        """Tell whether a point lies in the space; keys that are not searched do not count."""
        return self.key(point) is not None

    def flat(self, point: Mapping[str, Any]) -> dict[str, Any]:
        """Give a point's values by the names of the dimensions, those that it has."""
        found = {name: self._value(point, name) for name in self.dimensions}
        return {name: value for name, value in found.items() if value is not _MISSING}

    def point(self, values: Mapping[str, Any]) -> Point:
        """Nest values that are given by the names of the dimensions."""
        point: Point = {}
        for name, value in values.items():
            level = point
            *outer, last = self.paths[name]
            for part in outer:
                level = level.setdefault(part, {})
            level[last] = value
        return point

    def _index_of(self, point: Mapping[str, Any]) -> int | None:
        index = 0
        for name, dimension, size in self._places:
            place = dimension.index_of(self._value(point, name))
            if place is None:
                return None
            index = index * size + place
        return index

    def _values_of(self, point: Mapping[str, Any]) -> tuple[Hashable, ...] | None:
        keys: list[Hashable] = []
        for name, dimension in self.dimensions.items():
            value = self._value(point, name)
            if dimension.size is None:
                keys.append(value_key(value) if dimension.holds(value) else None)
            else:
                keys.append(dimension.index_of(value))
        return None if None in keys else tuple(keys)

    def _value(self, point: Mapping[str, Any], name: str) -> Any:
        if name in self._top:
            return point.get(name, _MISSING)
        value: Any = point
        for part in self.paths[name]:
            if not isinstance(value, Mapping) or part not in value:
                return _MISSING
            value = value[part]
        return value

    @cached_property
    def _top(self) -> set[str]:
        """The dimensions that are not nested."""
        return {name for name, path in self.paths.items() if path == (name,)}

    @cached_property
    def _places(self) -> list[tuple[str, Dimension, int]]:
        """The dimensions of a finite space, with their sizes."""
        found = []
        for name, dimension in self.dimensions.items():
            size = dimension.size
            assert size is not None, "an endless space has no index"
            found.append((name, dimension, size))
        return found


_MISSING = ("missing",)  # no value of JSON is a tuple


def obstacles(config: SweepConfig) -> list[Problem]:
    """Tell why a sweep cannot be searched, numbers and values included; empty where it can."""
    problems = config.obstacles()
    if not problems:
        try:
            Space.of(config.parameters, grid=config.method == "grid")
        except InputError as error:
            problems = list(error.problems)
    return problems


def dimension(parameter: Parameter, *, grid: bool = False) -> Dimension:
    """Turn a parameter of a sweep file into a dimension, with W&B's meaning and defaults.

    Raises:
        ValueError: no number or no value can come of it; says the rule.
    """
    kind = parameter.kind
    match kind:
        case None:
            raise ValueError("has nothing to choose from")
        case "constant":
            return _choice((parameter.value,), None)
        case "categorical" | "categorical_w_probabilities":
            return _choice(parameter.values or (), parameter.probabilities)
        case "int_uniform":
            return _whole(parameter.min or 0, parameter.max or 0)
    distribution = _distribution(parameter, kind.removeprefix("q_"))
    if not kind.startswith("q_"):
        return Real(distribution)
    step = parameter.q or 1.0
    if max(abs(distribution.low), abs(distribution.high)) > _LARGEST * min(step, 1.0):
        raise ValueError(f"q = {step} is too small for the range")
    if grid and kind == "q_uniform":
        return Steps(parameter.min or 0, parameter.max or 0, step)
    return Quantised(distribution, step)


def _distribution(parameter: Parameter, kind: str) -> Distribution:
    """Give a parameter's distribution, without its quantisation."""
    low, high = float(parameter.min or 0), float(parameter.max or 0)
    if "log_uniform" in kind and not kind.endswith("_values"):
        low, high = _powers_of_e(low, high)
    mu, sigma = parameter.mu or 0.0, 1.0 if parameter.sigma is None else parameter.sigma
    found: Distribution
    match kind:
        case "uniform":
            found = Uniform(low, high)
        case "log_uniform" | "log_uniform_values":
            found = LogUniform(low, high)
        case "inv_log_uniform":  # x so that 1 / x is log-uniform between the bounds
            found = LogUniform(1 / high, 1 / low)
        case "inv_log_uniform_values":  # which is the same as x being log-uniform between them
            found = LogUniform(low, high)
        case "normal":
            found = Normal(mu, sigma)
        case "log_normal":
            found = LogNormal(mu, sigma)
        case "beta":
            found = Beta(_or_1(parameter.a), _or_1(parameter.b))
        case _:
            raise ValueError(f"{kind} is not searched")
    if max(abs(found.low), abs(found.high)) > _LARGEST or (
        isinstance(found, LogUniform) and found.low < 1 / _LARGEST
    ):
        raise ValueError("its bounds are out of the range of numbers")
    return found


def _or_1(shape: float | None) -> float:
    return 1.0 if shape is None else float(shape)


def _powers_of_e(low: float, high: float) -> tuple[float, float]:
    if max(abs(low), abs(high)) > math.log(_LARGEST):
        raise ValueError("min and max are exponents of e, so they must lie within +-690")
    return math.exp(low), math.exp(high)


def _choice(values: tuple[Any, ...], probabilities: Sequence[float] | None) -> Choice:
    """Make a choice without values that are written twice or can never be drawn."""
    try:
        json.dumps(values)
    except (TypeError, ValueError):
        raise ValueError("every value must be a number, a text, a list or a mapping") from None
    given = probabilities or [1.0] * len(values)
    if not 0 < sum(given) < math.inf:
        raise ValueError("the probabilities must have a sum above 0")
    weights: dict[Hashable, float] = {}
    first: dict[Hashable, Any] = {}
    for value, weight in zip(values, given, strict=True):
        if weight > 0:
            key = value_key(value)
            weights[key] = weights.get(key, 0.0) + weight
            first.setdefault(key, value)
    even = len(set(weights.values())) == 1
    return Choice(tuple(first.values()), None if even else tuple(weights.values()))


def _whole(low: float, high: float) -> Whole:
    first, last = math.ceil(low), math.floor(high)
    if first > last:
        raise ValueError(f"no whole number lies between {low} and {high}")
    if max(abs(first), abs(last)) > LARGEST_WHOLE:
        raise ValueError("min and max must lie within +-2**53")
    return Whole(first, last)
