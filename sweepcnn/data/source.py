"""A data set before anything of it is decoded: which pictures there are, and of which class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sweepcnn.errors import Problem

Reader = Callable[[str], Image.Image]


@dataclass(frozen=True, eq=False)
class Pool:
    """Labelled pictures that are known but not yet decoded.

    Attributes:
        place: where they come from, for messages: a folder, a file or a name.
        ids: one stable name a picture, unique in the data set: its path relative to the folder,
            or its row in the array. What the split's digest is made of.
        stamps: per picture, what changes when its content does; goes into the cache's key.
        labels: int64 [n], 0..classes-1.
        reader: called once before decoding (so that arrays are loaded only where the cache lacks
            them); returns a function from id to RGB picture that any thread may call.
    """

    place: str
    ids: tuple[str, ...]
    stamps: tuple[str, ...]
    labels: NDArray[np.int64]
    reader: Callable[[], Reader]

    def __len__(self) -> int:
        return len(self.ids)

    def select(self, chosen: NDArray[np.bool_]) -> "Pool":
        """Return the pictures where `chosen` (bool [n]) is true, in the same order."""
        rows = np.flatnonzero(chosen)
        return Pool(
            self.place,
            tuple(self.ids[row] for row in rows),
            tuple(self.stamps[row] for row in rows),
            self.labels[rows],
            self.reader,
        )


@dataclass(frozen=True, eq=False)
class Source:
    """One data set as it is stored.

    Attributes:
        name: short name for tables.
        classes: class names; a label is an index into them.
        training: everything training may look at, official validation pictures included.
        validation: bool [n] over `training`, the official validation pictures; None where
            they are still to be drawn.
        test: reads the official test set, which training never calls; None where the test
            pictures are still to be held out of `training`.
    """

    name: str
    classes: tuple[str, ...]
    training: Pool
    validation: NDArray[np.bool_] | None = None
    test: Callable[[], Pool] | None = None

    def shortages(self) -> list[Problem]:
        """Classes with too few pictures for the splits that are still to be drawn."""
        if self.validation is not None:  # both splits are given: each needs one of every class
            return [
                *shortages(self.classes, self.training.labels[~self.validation], ["train"]),
                *shortages(self.classes, self.training.labels[self.validation], ["validation"]),
            ]
        drawn = ["train", "validation"] + (["test"] if self.test is None else [])
        return shortages(self.classes, self.training.labels, drawn)


def shortages(
    classes: Sequence[str], labels: NDArray[np.int64], splits: Sequence[str]
) -> list[Problem]:
    """Name the classes that cannot give one picture to each of `splits`."""
    counts = np.bincount(labels, minlength=len(classes))
    return [
        Problem(
            f"class {name!r}",
            f"it has {count} usable images, but needs {len(splits)} ({', '.join(splits)})",
            "add images or remove the class",
        )
        for name, count in zip(classes, counts, strict=True)
        if count < len(splits)
    ]


def too_few_classes(place: str, classes: Sequence[str]) -> list[Problem]:
    """Report fewer than the two classes that a classifier needs."""
    if len(classes) >= 2:
        return []
    return [
        Problem(
            place,
            f"a classifier needs at least 2 classes, found {len(classes)} "
            f"({', '.join(classes) or 'none'})",
            "put the images of each class into a folder of its own (<class>/* or "
            "train/<class>/*), or number them in train_y",
        )
    ]
