"""What the loops read images from."""

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor


class Batches(Protocol):
    """Labelled images in batches, iterable any number of times; each pass covers the split once."""

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield images [b x 3 x s x s], float32, and labels [b], int64, both on the device."""
        ...

    def __len__(self) -> int:
        """Give the number of batches in a pass."""
        ...
