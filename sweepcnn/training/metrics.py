"""Loss and accuracy over a pass, summed on the device."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Score:
    """Means over the images of a pass; the accuracy lies in 0..1."""

    loss: float
    accuracy: float
    images: int


class Tally:
    """Sums up batches without waiting for the device; only `score` does."""

    def __init__(self, device: torch.device) -> None:
        self._loss = torch.zeros((), dtype=torch.float64, device=device)
        self._hits = torch.zeros((), dtype=torch.int64, device=device)
        self._images = 0

    def add(self, loss: Tensor, scores: Tensor, labels: Tensor) -> None:
        """Add a batch: its mean loss [], scores [b x k], labels [b]; weighted by its size."""
        self._loss += loss.detach().double() * len(labels)
        self._hits += (scores.detach().argmax(dim=1) == labels).sum()
        self._images += len(labels)

    def score(self) -> Score:
        """Read the means; a single loss that is not finite leaves the mean not finite."""
        loss, hits = torch.stack([self._loss, self._hits.double()]).tolist()
        return Score(loss / self._images, hits / self._images, self._images)
