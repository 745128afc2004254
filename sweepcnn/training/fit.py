"""The fit loop: epochs of training and validation, the best weights kept."""

import math
import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - torch's own custom
from torch.optim import Optimizer

from sweepcnn.training.batches import Batches
from sweepcnn.training.inference import evaluating, forward
from sweepcnn.training.metrics import Score, Tally
from sweepcnn.training.report import EpochReport, FitResult, Status


def fit(
    model: nn.Module,
    training: Batches,
    validation: Batches,
    optimizer: Optimizer,
    *,
    epochs: int,
    patience: int | None,
    device: torch.device,
    autocast_dtype: torch.dtype | None = None,
    on_epoch: Callable[[EpochReport], None],
    on_step: Callable[[int, int], None] | None = None,
) -> FitResult:
    """Train a model by cross entropy; it ends with the weights of the last epoch.

    A training or validation loss that is not finite ends the run as diverged. That epoch is not
    reported; the best one before it stands.

    Args:
        model: maps images [b x 3 x s x s] to scores [b x k].
        training: batches to learn from.
        validation: batches to choose the best epoch by.
        optimizer: holds the model's parameters.
        epochs: the number of passes over `training`.
        patience: the epochs without a higher validation accuracy after which training ends; None
            for never.
        device: where the batches lie; the model is moved there.
        autocast_dtype: the type of matrix arithmetic; None for float32.
        on_epoch: called after each epoch.
        on_step: called after each step with its number from 1 and the number of steps an epoch.
    """
    model.to(device).to(memory_format=torch.channels_last)
    best: EpochReport | None = None
    last: EpochReport | None = None
    weights: dict[str, Tensor] = {}
    status = Status.OK
    train_seconds = 0.0
    for epoch in range(1, epochs + 1):
        start = time.perf_counter()
        learned = _train(model, training, optimizer, device, autocast_dtype, on_step)
        validated = _validate(model, validation, device, autocast_dtype)
        # One wait for the device an epoch, here.
        train, val = learned.score(), validated.score()
        seconds = time.perf_counter() - start
        train_seconds += seconds
        if not (math.isfinite(train.loss) and math.isfinite(val.loss)):
            status = Status.DIVERGED
            break
        last = _report(epoch, train, val, best, optimizer, seconds)
        if last.best_epoch == epoch:
            best = last
            weights = _copied(model.state_dict())
        on_epoch(last)
        if patience is not None and epoch - last.best_epoch >= patience:
            break
    return FitResult(
        status=status,
        best=best,
        last=last,
        epochs=last.epoch if last else 0,
        best_weights={name: tensor.cpu() for name, tensor in weights.items()},
        train_seconds=train_seconds,
    )


def _train(
    model: nn.Module,
    batches: Batches,
    optimizer: Optimizer,
    device: torch.device,
    autocast_dtype: torch.dtype | None,
    on_step: Callable[[int, int], None] | None,
) -> Tally:
    model.train()
    tally = Tally(device)
    for step, (images, labels) in enumerate(batches, start=1):
        optimizer.zero_grad()
        scores = forward(model, images, autocast_dtype)
        loss = F.cross_entropy(scores, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        tally.add(loss, scores, labels)
        if on_step:
            on_step(step, len(batches))
    return tally


def _validate(
    model: nn.Module,
    batches: Batches,
    device: torch.device,
    autocast_dtype: torch.dtype | None,
) -> Tally:
    tally = Tally(device)
    with evaluating(model):
        for images, labels in batches:
            # Only around our own work: a tensor that the batches made and kept in here could not
            # be trained on later.
            with torch.inference_mode():
                scores = forward(model, images, autocast_dtype)
                tally.add(F.cross_entropy(scores, labels), scores, labels)
    return tally


def _report(
    epoch: int,
    train: Score,
    val: Score,
    best: EpochReport | None,
    optimizer: Optimizer,
    seconds: float,
) -> EpochReport:
    if best is None or val.accuracy > best.val_accuracy:
        best_accuracy, best_epoch = val.accuracy, epoch
    else:
        best_accuracy, best_epoch = best.val_accuracy, best.epoch
    return EpochReport(
        epoch=epoch,
        train_loss=train.loss,
        train_accuracy=train.accuracy,
        val_loss=val.loss,
        val_accuracy=val.accuracy,
        best_val_accuracy=best_accuracy,
        best_epoch=best_epoch,
        learning_rate=optimizer.param_groups[0]["lr"],
        epoch_seconds=seconds,
        images_per_second=train.images / seconds,
    )


def _copied(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy a state on its device (no waiting), in the plain layout that a file should have."""
    return {
        name: tensor.detach().clone(memory_format=torch.contiguous_format)
        for name, tensor in state.items()
    }
