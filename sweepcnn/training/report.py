"""What training tells: a report an epoch, and the result."""

from dataclasses import asdict, dataclass
from enum import StrEnum

from torch import Tensor


class Status(StrEnum):
    """How a run ended."""

    OK = "ok"
    STOPPED = "stopped"
    PREEMPTED = "preempted"
    DIVERGED = "diverged"
    INFEASIBLE = "infeasible"
    OUT_OF_MEMORY = "out_of_memory"


@dataclass(frozen=True)
class EpochReport:
    """One epoch in numbers; accuracies lie in 0..1, losses are means over a split's images."""

    epoch: int
    """Counts from 1."""
    train_loss: float
    """As met during the pass, while the weights still change; so is train_accuracy."""
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    best_val_accuracy: float
    """The highest so far, this epoch's included."""
    best_epoch: int
    learning_rate: float
    epoch_seconds: float
    """Training and validation, without the callbacks."""
    images_per_second: float
    """Training images over epoch_seconds."""

    def metrics(self) -> dict[str, float | int]:
        """Give the numbers by name, to be logged as they are."""
        return asdict(self)


@dataclass(frozen=True)
class FitResult:
    """What training leaves behind."""

    status: Status
    best: EpochReport | None
    """The epoch of the highest validation accuracy, the earlier of equals; None without epochs."""
    last: EpochReport | None
    epochs: int
    """The epochs that were finished with finite losses."""
    best_weights: dict[str, Tensor]
    """The state of the model after the best epoch, on the CPU; empty without a best epoch."""
    train_seconds: float
    """The time spent in epochs, a diverged one included."""
