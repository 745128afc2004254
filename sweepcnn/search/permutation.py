"""A random order of 0 to size - 1 that is computed and not listed."""

import math
from dataclasses import dataclass
from functools import cached_property
from hashlib import shake_128

_ROUNDS = 6  # of a Feistel network; four make it as good as random (Luby and Rackoff, 1988)


@dataclass(frozen=True)
class Permutation:
    """A bijection of 0 to size - 1 onto itself that depends on the seed alone.

    A Feistel network over pairs (left, right) of a rectangle just larger than `size`, repeated
    until it lands within it (cycle walking: Black and Rogaway, "Ciphers with arbitrary finite
    domains", 2002). No list is made, so that a size of 10**40 costs no more than one of 10.

    Args:
        size: 1 or more.
        seed: any whole number.
    """

    size: int
    seed: int

    def at(self, position: int) -> int:
        """Give what stands at a position."""
        while True:
            left, right = divmod(position, self._width)
            for number in range(0, _ROUNDS, 2):
                right = (right + self._noise(number, left)) % self._width
                left = (left + self._noise(number + 1, right)) % self._height
            position = left * self._width + right
            if position < self.size:
                return position

    def position_of(self, index: int) -> int:
        """Give the position at which an index stands."""
        while True:
            left, right = divmod(index, self._width)
            for number in reversed(range(0, _ROUNDS, 2)):
                left = (left - self._noise(number + 1, right)) % self._height
                right = (right - self._noise(number, left)) % self._width
            index = left * self._width + right
            if index < self.size:
                return index

    @cached_property
    def _width(self) -> int:
        return math.isqrt(self.size - 1) + 1

    @cached_property
    def _height(self) -> int:
        return -(-self.size // self._width)

    def _noise(self, number: int, half: int) -> int:
        """Give a number that looks random and is 64 bits longer than either half."""
        text = f"{self.seed}/{number}/{half}".encode()
        return int.from_bytes(shake_128(text).digest(self._width.bit_length() // 8 + 9))
