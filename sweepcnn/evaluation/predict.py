"""A network's answers over a split."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional as F  # noqa: N812 - torch's own custom

from sweepcnn.training import Batches, evaluating, forward


@dataclass(frozen=True)
class Predictions:
    """The answers in the order of the images."""

    true: NDArray[np.int64]
    """[n], class indices."""
    predicted: NDArray[np.int64]
    """[n], class indices."""
    confidence: NDArray[np.float32]
    """[n], the probability given to the predicted class, 0..1."""
    loss: float
    """The mean cross entropy."""


def predict(
    model: nn.Module,
    batches: Batches,
    device: torch.device,
    autocast_dtype: torch.dtype | None = None,
) -> Predictions:
    """Run a network over labelled images.

    Args:
        model: maps images [b x 3 x s x s] to scores [b x k]; it is moved to the device.
        batches: the images, in the order that the answers shall have.
        device: where the batches lie.
        autocast_dtype: the type of matrix arithmetic; None for float32.
    """
    model.to(device).to(memory_format=torch.channels_last)
    true, scores = [], []
    with evaluating(model):
        for images, labels in batches:
            with torch.inference_mode():
                scores.append(forward(model, images, autocast_dtype))
            true.append(labels)
    with torch.inference_mode():
        all_true, all_scores = torch.cat(true), torch.cat(scores)
        confidence, predicted = all_scores.softmax(dim=1).max(dim=1)
        loss = F.cross_entropy(all_scores, all_true)
    return Predictions(
        true=all_true.cpu().numpy(),
        predicted=predicted.cpu().numpy(),
        confidence=confidence.cpu().numpy(),
        loss=loss.item(),
    )
