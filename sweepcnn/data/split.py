"""Which pictures are held out: per class, seeded, the same on every machine."""

import hashlib
from collections.abc import Iterable
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sweepcnn.data.source import Pool, Source


class Purpose(IntEnum):
    """Each purpose draws from a stream of its own, so that one says nothing about another."""

    TEST = 0
    VALIDATION = 1


def hold_out(
    labels: NDArray[np.int64], fraction: float, seed: int, purpose: Purpose
) -> NDArray[np.bool_]:
    """Choose `fraction` of each class at random.

    The count per class is rounded, at least 1, and leaves at least 1.

    Args:
        labels: int64 [n], at least two of every label that occurs.
        fraction: above 0 and below 1.
        seed: 0 or above.
        purpose: what the chosen ones are for.

    Returns:
        bool [n], true for the chosen ones.
    """
    generator = np.random.Generator(np.random.PCG64([seed, purpose]))
    chosen = np.zeros(len(labels), np.bool_)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = min(max(round(fraction * len(members)), 1), len(members) - 1)
        chosen[generator.permutation(members)[:count]] = True
    return chosen


def training_pool(source: Source, test_fraction: float, split_seed: int) -> Pool:
    """Everything that training may look at: the source without its test pictures."""
    if source.test is not None:
        return source.training
    labels = source.training.labels
    return source.training.select(~hold_out(labels, test_fraction, split_seed, Purpose.TEST))


def test_pool(source: Source, test_fraction: float, split_seed: int) -> Pool:
    """Return the official test set or, where there is none, what `training_pool` leaves out."""
    if source.test is not None:
        return source.test()
    labels = source.training.labels
    return source.training.select(hold_out(labels, test_fraction, split_seed, Purpose.TEST))


def split_digest(train: Iterable[str], val: Iterable[str]) -> str:
    """Hex digest over which pictures, by their ids, are in train and in val."""
    digest = hashlib.sha256()
    for part in (train, val):
        for name in part:
            digest.update(name.encode("utf-8", "surrogateescape") + b"\0")
        digest.update(b"\1")
    return digest.hexdigest()
