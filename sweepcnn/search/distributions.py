"""The continuous distributions of W&B's sweep file, each by its quantile function."""

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Protocol

LEAST = 2.0**-53
"""The least quantile above 0 that a random float takes: where unbounded distributions end."""

_STANDARD = NormalDist()


class Distribution(Protocol):
    """A distribution of real numbers."""

    @property
    def low(self) -> float:
        """The least value."""

    @property
    def high(self) -> float:
        """The greatest value."""

    def ppf(self, u: float) -> float:
        """Give the value at a quantile, 0 to 1."""

    def cdf(self, value: float) -> float:
        """Give the quantile of a value, 0 to 1."""


@dataclass(frozen=True)
class Uniform:
    """Even from low to high."""

    low: float
    high: float

    def ppf(self, u: float) -> float:
        """Give the value at a quantile, 0 to 1."""
        return min(self.low + u * (self.high - self.low), self.high)

    def cdf(self, value: float) -> float:
        """Give the quantile of a value, 0 to 1."""
        return _share(value, self.low, self.high)


@dataclass(frozen=True)
class LogUniform:
    """Even in the logarithm, from low to high, both above 0."""

    low: float
    high: float

    def ppf(self, u: float) -> float:
        """Give the value at a quantile, 0 to 1."""
        first, last = math.log(self.low), math.log(self.high)
        return min(max(math.exp(first + u * (last - first)), self.low), self.high)

    def cdf(self, value: float) -> float:
        """Give the quantile of a value, 0 to 1."""
        if value <= 0:
            return 0.0
        return _share(math.log(value), math.log(self.low), math.log(self.high))


@dataclass(frozen=True)
class Normal:
    """A normal distribution; sigma is its standard deviation, above 0."""

    mu: float
    sigma: float

    @property
    def low(self) -> float:
        """The least value that a random float leads to, 8.2 standard deviations below the mean."""
        return self.ppf(0)

    @property
    def high(self) -> float:
        """The greatest value that a random float leads to."""
        return self.ppf(1)

    def ppf(self, u: float) -> float:
        """Give the value at a quantile, 0 to 1."""
        return self.mu + self.sigma * _STANDARD.inv_cdf(min(max(u, LEAST), 1 - LEAST))

    def cdf(self, value: float) -> float:
        """Give the quantile of a value, 0 to 1."""
        return _STANDARD.cdf((value - self.mu) / self.sigma)


@dataclass(frozen=True)
class LogNormal:
    """A distribution whose logarithm is normal with this mean and standard deviation."""

    mu: float
    sigma: float

    @cached_property
    def low(self) -> float:
        """The least value that a random float leads to."""
        return self.ppf(0)

    @cached_property
    def high(self) -> float:
        """The greatest value that a random float leads to."""
        return self.ppf(1)

    def ppf(self, u: float) -> float:
        """Give the value at a quantile, 0 to 1.

        Raises:
            OverflowError: the value is beyond all floats.
        """
        return math.exp(Normal(self.mu, self.sigma).ppf(u))

    def cdf(self, value: float) -> float:
        """Give the quantile of a value, 0 to 1."""
        return Normal(self.mu, self.sigma).cdf(math.log(value)) if value > 0 else 0.0


@dataclass(frozen=True)
class Beta:
    """A beta distribution with the shapes a and b, both above 0."""

    a: float
    b: float
    low: float = 0.0
    high: float = 1.0

    def ppf(self, u: float) -> float:
        """Give the value at a quantile, 0 to 1."""
        from scipy.special import betaincinv

        return float(betaincinv(self.a, self.b, u))

    def cdf(self, value: float) -> float:
        """Give the quantile of a value, 0 to 1."""
        from scipy.special import betainc

        return float(betainc(self.a, self.b, min(max(value, 0.0), 1.0)))


def _share(value: float, low: float, high: float) -> float:
    """Give where a value lies between two bounds, 0 to 1."""
    if low == high:
        return 0.0 if value < low else 1.0
    return min(max((value - low) / (high - low), 0.0), 1.0)
