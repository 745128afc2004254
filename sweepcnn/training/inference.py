"""Running a model forward, alike in training, validation and evaluation."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn


def forward(model: nn.Module, images: Tensor, autocast_dtype: torch.dtype | None) -> Tensor:
    """Give the scores [b x k], float32, of images [b x 3 x s x s], float32.

    The images are laid out channels last, in which convolutions run faster on CPUs and GPUs.
    """
    images = images.contiguous(memory_format=torch.channels_last)
    enabled = autocast_dtype is not None
    with torch.autocast(images.device.type, dtype=autocast_dtype, enabled=enabled):
        scores: Tensor = model(images)
    return scores.float()


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Switch dropout off and batch norm to its running statistics; afterwards back as before."""
    before = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(before)
