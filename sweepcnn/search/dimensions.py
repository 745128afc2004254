"""One searched parameter: its values, drawn by W&B's meaning of its distribution.

Each dimension has a `size` (null where it has no end of values), `at(index)` where it has one,
`value_at(u)` by its quantile, and `holds(value)`. A value's place on a scale from 0 to 1 is its
`coordinate`; a choice, whose values have no order, has none.
"""

import math
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Hashable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np

from sweepcnn.search.distributions import Distribution
from sweepcnn.search.points import is_number, value_key

LARGEST_WHOLE = 2**53
"""Beyond it a float no longer tells whole numbers apart."""


class _Drawn(ABC):
    """What a dimension does by its quantiles and indices."""

    @abstractmethod
    def value_at(self, u: float) -> Any:
        """Give the value at a quantile, 0 to 1."""

    @abstractmethod
    def index_of(self, value: Any) -> int | None:
        """Find a value; null where it is not in the dimension."""

    def sample(self, rng: np.random.Generator) -> Any:
        """Draw a value."""
        return self.value_at(rng.random())

    def holds(self, value: Any) -> bool:
        """Tell whether a value is in the dimension."""
        return self.index_of(value) is not None


@dataclass(frozen=True)
class Choice(_Drawn):
    """One of several different values, evenly or with weights above 0."""

    values: tuple[Any, ...]
    weights: tuple[float, ...] | None = None

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.values)

    def at(self, index: int) -> Any:
        """Give the value at an index."""
        return self.values[index]

    def value_at(self, u: float) -> Any:
        """Give the value at a quantile, 0 to 1."""
        if self._shares is None:
            return self.values[_cell(u, self.size)]
        return self.values[min(bisect_right(self._shares, u), self.size - 1)]

    def index_of(self, value: Any) -> int | None:
        """Find a value; 1 and 1.0 are the same, 1 and true are not.

        Keys that no value has are left out of a mapping: clients add keys of their own.
        """
        if type(value) is dict:
            value = {key: item for key, item in value.items() if key in self._known_keys}
        return self._indices.get(value_key(value))

    @cached_property
    def _indices(self) -> dict[Hashable, int]:
        return {value_key(value): index for index, value in enumerate(self.values)}

    @cached_property
    def _known_keys(self) -> set[Any]:
        return {key for value in self.values if isinstance(value, dict) for key in value}

    @cached_property
    def _shares(self) -> list[float] | None:
        """The share of draws that falls on a value or on one before it."""
        if self.weights is None:
            return None
        total = math.fsum(self.weights)
        return list(accumulate(weight / total for weight in self.weights))


@dataclass(frozen=True)
class Whole(_Drawn):
    """A whole number from low to high, both included, evenly."""

    low: int
    high: int

    @property
    def size(self) -> int:
        """The number of values."""
        return self.high - self.low + 1

    def at(self, index: int) -> int:
        """Give the value at an index."""
        return self.low + index

    def value_at(self, u: float) -> int:
        """Give the value at a quantile, 0 to 1."""
        return self.low + _cell(u, self.size)

    def coordinate(self, value: float) -> float:
        """Give the quantile in the middle of a value's share, 0 to 1."""
        return min(max((value - self.low + 0.5) / self.size, 0.0), 1.0)

    def index_of(self, value: Any) -> int | None:
        """Find a value; null where it is not in the dimension."""
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is int and self.low <= value <= self.high:
            return value - self.low
        return None


@dataclass(frozen=True)
class Quantised(_Drawn):
    """A draw x rounded to the multiple `round(x / step) * step`, as W&B does.

    The values are whole numbers where the step is one.
    """

    distribution: Distribution
    step: int | float

    @property
    def size(self) -> int | None:
        """The number of values; null where it is beyond what floats tell apart."""
        count = self._last - self._first + 1
        return count if max(abs(self._first), abs(self._last)) <= LARGEST_WHOLE else None

    def at(self, index: int) -> int | float:
        """Give the value at an index, as people write it: 0.3 and not 0.30000000000000004."""
        return _multiple(self.step, self._first + index)

    def value_at(self, u: float) -> int | float:
        """Give the value at a quantile, 0 to 1; one at an end of the range has a half share."""
        return _multiple(self.step, round(self.distribution.ppf(u) / self.step))

    def coordinate(self, value: float) -> float:
        """Give the quantile in the middle of a value's share, 0 to 1."""
        half = self.step / 2
        ends = (self.distribution.cdf(value - half), self.distribution.cdf(value + half))
        return (ends[0] + ends[1]) / 2

    def index_of(self, value: Any) -> int | None:
        """Find a value, however it was rounded; null where it is not in the dimension."""
        if not is_number(value):
            return None
        multiple = _ratio(value, self.step)
        index = round(multiple) - self._first
        near = abs(multiple - round(multiple)) <= 1e-6
        return index if near and 0 <= index <= self._last - self._first else None

    @cached_property
    def _first(self) -> int:
        return round(self.distribution.low / self.step)

    @cached_property
    def _last(self) -> int:
        return round(self.distribution.high / self.step)


@dataclass(frozen=True)
class Steps(_Drawn):
    """The values low, low + step, ... below high: `q_uniform` in a grid, as W&B lists it.

    All are whole numbers where low, high and step are.
    """

    low: int | float
    high: int | float
    step: int | float

    @property
    def size(self) -> int:
        """The number of values."""
        return max(math.ceil((self.high - self.low) / self.step), 1)

    def at(self, index: int) -> int | float:
        """Give the value at an index, as people write it."""
        if all(isinstance(number, int) for number in (self.low, self.high, self.step)):
            return self.low + index * self.step
        return float(Decimal(repr(self.low)) + index * Decimal(repr(self.step)))

    def value_at(self, u: float) -> int | float:
        """Give the value at a quantile, 0 to 1."""
        return self.at(_cell(u, self.size))

    def coordinate(self, value: float) -> float:
        """Give the quantile in the middle of a value's share, 0 to 1."""
        return min(max(((value - self.low) / self.step + 0.5) / self.size, 0.0), 1.0)

    def index_of(self, value: Any) -> int | None:
        """Find a value, however it was rounded; null where it is not in the dimension."""
        if not is_number(value):
            return None
        multiple = _ratio(value, self.step) - self.low / self.step
        near = abs(multiple - round(multiple)) <= 1e-6
        return round(multiple) if near and 0 <= round(multiple) < self.size else None


@dataclass(frozen=True)
class Real(_Drawn):
    """A real number."""

    distribution: Distribution

    @property
    def size(self) -> int | None:
        """The number of values; null where there is no end of them."""
        return 1 if self.distribution.low == self.distribution.high else None

    def at(self, _index: int) -> float:
        """Give the value of a dimension that has one only."""
        return self.distribution.low

    def value_at(self, u: float) -> float:
        """Give the value at a quantile, 0 to 1."""
        return self.distribution.ppf(u)

    def coordinate(self, value: float) -> float:
        """Give the quantile of a value, 0 to 1."""
        return self.distribution.cdf(value)

    def index_of(self, value: Any) -> int | None:
        """Find the value of a dimension that has one only."""
        return 0 if self.size == 1 and self.holds(value) else None

    def holds(self, value: Any) -> bool:
        """Tell whether a value is in the dimension."""
        return is_number(value) and self.distribution.low <= value <= self.distribution.high


Dimension = Choice | Whole | Quantised | Steps | Real


def _cell(u: float, count: int) -> int:
    """Give the index of the cell, of `count` equal ones between 0 and 1, that a quantile is in."""
    return min(max(math.ceil(u * count) - 1, 0), count - 1)


def _multiple(step: int | float, count: int) -> int | float:
    if isinstance(step, int):
        return step * count
    return float(Decimal(repr(step)) * count)


def _ratio(value: int | float, step: int | float) -> float:
    """Divide; what is beyond all floats is no multiple of anything."""
    try:
        ratio = value / step
    except OverflowError:
        return 0.5
    return ratio if math.isfinite(ratio) else 0.5
