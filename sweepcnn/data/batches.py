"""Batches on the device: to train on (shuffled, augmented) and to evaluate on (neither)."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from sweepcnn.data.augmentation import augmented, check_augment
from sweepcnn.data.dataset import Split
from sweepcnn.errors import InputError, Problem

Batch = tuple[Tensor, Tensor]
"""float32 [b x 3 x h x w] in channels_last memory format, and int64 [b], both on the device."""

NORMALIZATIONS = ("none", "half")
"""Pixels as 0..1, or as -1..1 ((x/255 - 0.5) / 0.5)."""

SHARE = 0.25
"""A split is kept on a CUDA device if it takes at most this part of the memory free there."""


class TrainingBatches:
    """Shuffled, augmented and normalised batches; iterating again gives the next epoch.

    An epoch's order and augmentation depend on `seed` and the epoch's number alone: not on what
    ran before, on the device, or on whether the last epoch was seen to its end.

    A last batch of a single image is dropped if there are others of more, since batch
    normalisation cannot learn from one; shuffling makes it another image each epoch.

    Attributes:
        epoch: number of the epoch that the next iteration gives, from 0; set it to resume there.

    Raises:
        InputError: unknown `augment` or `normalize`, batch size or seed out of range.
    """

    def __init__(
        self,
        split: Split,
        *,
        batch_size: int,
        augment: str,
        normalize: str,
        device: torch.device,
        seed: int,
    ) -> None:
        _check(batch_size, normalize)
        check_augment(augment)
        self.epoch = 0
        self._split = _placed(split, device)
        self._batch_size = batch_size
        self._augment = augment
        self._normalize = normalize
        self._device = device
        self._seed = seed

    def __len__(self) -> int:
        full, rest = divmod(len(self._split), self._batch_size)
        return full + (rest > 1 or (rest == 1 and full == 0))

    def __iter__(self) -> Iterator[Batch]:
        state = np.random.SeedSequence([self._seed, self.epoch]).generate_state(1, np.uint64)
        self.epoch += 1
        return self._batches(torch.Generator().manual_seed(int(state[0])))

    def _batches(self, generator: torch.Generator) -> Iterator[Batch]:
        order = torch.randperm(len(self._split), generator=generator)
        for number in range(len(self)):
            positions = order[number * self._batch_size :][: self._batch_size]
            images, labels = _fetched(self._split, positions, self._device)
            yield _normalized(augmented(images, self._augment, generator), self._normalize), labels


class EvaluationBatches:
    """Every image of a split once, in order, normalised and otherwise unchanged.

    The last batch may be smaller.

    Raises:
        InputError: unknown `normalize`, batch size out of range.
    """

    def __init__(
        self, split: Split, *, batch_size: int, normalize: str, device: torch.device
    ) -> None:
        _check(batch_size, normalize)
        self._split = _placed(split, device)
        self._batch_size = batch_size
        self._normalize = normalize
        self._device = device

    def __len__(self) -> int:
        return -(-len(self._split) // self._batch_size)

    def __iter__(self) -> Iterator[Batch]:
        order = torch.arange(len(self._split))
        for number in range(len(self)):
            positions = order[number * self._batch_size :][: self._batch_size]
            images, labels = _fetched(self._split, positions, self._device)
            yield _normalized(images.permute(0, 3, 1, 2).float(), self._normalize), labels


def _placed(split: Split, device: torch.device) -> Split:
    """Move a split to a CUDA device that has ample room for it: once, not batch by batch."""
    if device.type != "cuda":
        return split
    free, _ = torch.cuda.mem_get_info(device)
    if len(split) * split.images[:1].numel() > SHARE * free:
        return split
    images = split.gather(torch.arange(len(split)))
    return Split(images.to(device), split.labels.to(device))


def _fetched(split: Split, positions: Tensor, device: torch.device) -> Batch:
    """Bring one batch, uint8 [b x h x w x 3] and int64 [b], to the device."""
    positions = positions.to(split.images.device)
    return split.gather(positions).to(device), split.labels[positions].to(device)


def _normalized(pixels: Tensor, normalize: str) -> Tensor:
    """Scale float32 [b x 3 x h x w], 0..255, by a policy of `NORMALIZATIONS`."""
    scaled = pixels / 255
    if normalize == "half":
        scaled = (scaled - 0.5) / 0.5
    return scaled.contiguous(memory_format=torch.channels_last)


def _check(batch_size: int, normalize: str) -> None:
    problems = []
    if batch_size < 1:
        problems.append(
            Problem(f"batch_size {batch_size}", "it must be 1 or above", "take 64, for example")
        )
    if normalize not in NORMALIZATIONS:
        problems.append(
            Problem(
                f"normalize {normalize!r}",
                "no such policy",
                f"take one of {', '.join(NORMALIZATIONS)}",
            )
        )
    if problems:
        raise InputError(problems)
