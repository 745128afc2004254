"""A data set ready to train on, and its test set, which nothing here mixes with the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sweepcnn.data.cache import Decoded, Progress, decoded
from sweepcnn.data.locations import cache_folder
from sweepcnn.data.source import shortages
from sweepcnn.data.sources import open_source
from sweepcnn.data.split import Purpose, hold_out, split_digest, test_pool, training_pool
from sweepcnn.errors import InputError, Problem


@dataclass(frozen=True, eq=False)
class Split:
    """Labelled images, chosen by their rows from images that several splits share.

    Attributes:
        images: uint8 [N x h x w x 3], may be memory-mapped; not only this split's.
        labels: int64 [n], one for each image of this split.
        rows: int64 [n], where this split's images are in `images`; None: they are all of it.
    """

    images: torch.Tensor
    labels: torch.Tensor
    rows: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def gather(self, positions: torch.Tensor) -> torch.Tensor:
        """Copy the images at `positions` (int64 [k], 0..n-1) to uint8 [k x h x w x 3]."""
        return self.images[positions if self.rows is None else self.rows[positions]]

    def pick(self, indices: Sequence[int]) -> torch.Tensor:
        """As `gather`, by plain numbers; for a grid of pictures."""
        return self.gather(torch.tensor(indices, dtype=torch.int64))


@dataclass(frozen=True, eq=False)
class Dataset:
    """What training may see.

    Attributes:
        name: short name of the source.
        classes: class names; labels are indices into them.
        train: to learn from.
        val: to choose by.
        skipped: broken images left out.
        cache_key: names the cache of the decoded images.
        split_hash: hex digest over which images are in train and which in val.
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    val: Split
    skipped: int
    cache_key: str
    split_hash: str


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images to evaluate on.

    Attributes:
        name: short name of the source.
        classes: class names; labels are indices into them.
        split: the images.
        skipped: broken images left out.
    """

    name: str
    classes: tuple[str, ...]
    split: Split
    skipped: int


def load_training(
    dataset: str,
    *,
    image_size: int,
    val_fraction: float = 0.2,
    test_fraction: float = 0.2,
    split_seed: int = 0,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Load the training and validation images; those of the test set are not decoded.

    The test pictures are set aside first, then broken ones are left out, then validation is drawn
    from what remains, per class.

    Args:
        dataset: see `resolve_dataset`.
        image_size: height and width in pixels to which images are squashed, 1 or above.
        val_fraction: above 0 and below 1; unused where the source has a validation split.
        test_fraction: above 0 and below 1; unused where the source has a test set.
        split_seed: 0 or above; which images are held out.
        cache_dir: see `cache_folder`.
        progress: called with (done, total) while decoding; never where the cache has all.

    Raises:
        InputError: a number out of range, a data set that is missing or unfit.
        WorkError: the cache cannot be written.
    """
    _check_numbers(image_size, split_seed, val_fraction=val_fraction, test_fraction=test_fraction)
    source = open_source(dataset)
    pool = training_pool(source, test_fraction, split_seed)
    found = decoded(pool, image_size, cache_folder(cache_dir), progress)
    in_val = source.validation
    if in_val is None:
        _check_intact(source.classes, pool.labels[found.intact], ["train", "validation"])
        in_val = np.zeros(len(pool), np.bool_)
        in_val[found.intact] = hold_out(
            pool.labels[found.intact], val_fraction, split_seed, Purpose.VALIDATION
        )
    else:
        _check_intact(source.classes, pool.labels[found.intact & ~in_val], ["train"])
        _check_intact(source.classes, pool.labels[found.intact & in_val], ["validation"])
    train, val = found.intact & ~in_val, found.intact & in_val
    return Dataset(
        source.name,
        source.classes,
        _split(found, pool.labels, train),
        _split(found, pool.labels, val),
        skipped=int((~found.intact).sum()),
        cache_key=found.key,
        split_hash=split_digest(
            *([pool.ids[row] for row in np.flatnonzero(part)] for part in (train, val))
        ),
    )


def load_test(
    dataset: str,
    *,
    image_size: int,
    test_fraction: float = 0.2,
    split_seed: int = 0,
    cache_dir: Path | None = None,
    progress: Progress | None = None,
) -> LabelledImages:
    """Load the test set: the official one, or exactly what `load_training` has set aside.

    Arguments and errors are those of `load_training`; the same `test_fraction` and `split_seed`
    must be given, or the two overlap. The images have a cache of their own.
    """
    _check_numbers(image_size, split_seed, test_fraction=test_fraction)
    source = open_source(dataset)
    pool = test_pool(source, test_fraction, split_seed)
    found = decoded(pool, image_size, cache_folder(cache_dir), progress)
    _check_intact(source.classes, pool.labels[found.intact], ["test"])
    return LabelledImages(
        source.name,
        source.classes,
        _split(found, pool.labels, found.intact),
        skipped=int((~found.intact).sum()),
    )


def _split(found: Decoded, labels: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Split:
    """Choose by rows: the images stay in the one memory map that all splits share."""
    rows = np.flatnonzero(chosen)
    return Split(
        torch.from_numpy(found.images), torch.from_numpy(labels[rows]), torch.from_numpy(rows)
    )


def _check_intact(classes: Sequence[str], labels: NDArray[np.int64], splits: Sequence[str]) -> None:
    """Complain if the broken images have left a class without enough of them."""
    problems = shortages(classes, labels, splits)
    if problems:
        raise InputError(problems)


def _check_numbers(image_size: int, split_seed: int, **fractions: float) -> None:
    problems = [
        Problem(f"{name} {value}", "it must lie above 0 and below 1", "take 0.2, for example")
        for name, value in fractions.items()
        if not 0 < value < 1
    ]
    if image_size < 1:
        problems.append(
            Problem(f"image_size {image_size}", "it must be 1 or above", "take 64, for example")
        )
    if split_seed < 0:
        problems.append(
            Problem(f"split_seed {split_seed}", "it must be 0 or above", "take 0, for example")
        )
    if problems:
        raise InputError(problems)
