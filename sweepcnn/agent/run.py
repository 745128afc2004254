"""One run: parameters, plan, data, training, evaluation, artifacts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sweepcnn.agent.progress import TrainingProgress
from sweepcnn.config import RunConfig, overridden
from sweepcnn.data import (
    Dataset,
    EvaluationBatches,
    TrainingBatches,
    load_training,
    resolve_dataset,
)
from sweepcnn.errors import InfeasibleError
from sweepcnn.evaluation import evaluation_pictures, per_class, predict
from sweepcnn.models import build
from sweepcnn.plan import Plan, expand
from sweepcnn.tracking.writing import CHECKPOINT, TrackedRun, in_sweep, tracked_run
from sweepcnn.training import (
    EpochReport,
    FitResult,
    Status,
    autocast_dtype,
    build_optimizer,
    choose_device,
    fit,
    load_checkpoint,
    restore,
    save_checkpoint,
    seed_everything,
)

# Larger than a training batch, for no gradients are kept; as much as 256 images of 64 x 64 pixels,
# so that large images do not take more memory here than in training.
_EVALUATION_BATCH = 256
_EVALUATION_PIXELS = 256 * 64 * 64


@dataclass(frozen=True)
class Outcome:
    """How a run ended, as `sweepcnn train --json` prints it."""

    run_id: str
    status: str
    best_val_accuracy: float
    best_epoch: int | None
    epochs: int
    parameters: int | None
    checkpoint: str | None
    url: str | None
    message: str | None = None


def train_run(values: Mapping[str, Any]) -> Outcome:
    """Train one network and log it as one W&B run.

    Args:
        values: parameters; under `wandb agent` those of the sweep override them.

    Raises:
        InputError: a parameter or the data set cannot be used.
    """
    if not in_sweep():
        RunConfig.model_validate(values)  # before W&B is told of a run that cannot begin
    with tracked_run() as run:
        config = RunConfig.model_validate(overridden(values, run.sweep_values()))
        # What is trained on, and not what the sweep's author had in mind, goes into the checkpoint.
        config = config.model_copy(update={"dataset": resolve_dataset(config.dataset)})
        run.set_config(config.model_dump(mode="json"))
        try:
            # The number of classes does not decide whether a network can be built, so that this is
            # known before any image is read.
            expand(config, image_size=config.image_size, classes=2)
        except InfeasibleError as error:
            return _infeasible(run, error)
        with TrainingProgress(config.epochs) as progress:
            return _train(run, config, progress)


def _infeasible(run: TrackedRun, error: InfeasibleError) -> Outcome:
    """End a run whose network cannot be built: the search shall learn it, not stumble over it."""
    run.set_summary(
        {"status": Status.INFEASIBLE.value, "best_val_accuracy": 0, "message": str(error)}
    )
    return Outcome(
        run_id=run.id,
        status=Status.INFEASIBLE.value,
        best_val_accuracy=0,
        best_epoch=None,
        epochs=0,
        parameters=None,
        checkpoint=None,
        url=run.url,
        message=str(error),
    )


def _train(run: TrackedRun, config: RunConfig, progress: TrainingProgress) -> Outcome:
    dataset = load_training(
        config.dataset,
        image_size=config.image_size,
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
        split_seed=config.split_seed,
        progress=progress.decoded,
    )
    plan = expand(config, image_size=config.image_size, classes=len(dataset.classes))
    run.set_summary(_about(plan, dataset, config.dataset))

    def report(epoch: EpochReport) -> None:
        progress.epoch(epoch)
        run.log_epoch(epoch.metrics())

    result = _fit(config, plan, dataset, report, progress)
    diverged = result.status is Status.DIVERGED
    best = 0.0 if diverged or result.best is None else result.best.best_val_accuracy
    run.set_summary(
        {
            "status": result.status.value,
            "best_val_accuracy": best,
            "train_seconds": result.train_seconds,
        }
    )
    checkpoint = _keep_best(run, config, dataset, result) if result.best else None
    return Outcome(
        run_id=run.id,
        status=result.status.value,
        best_val_accuracy=best,
        best_epoch=result.best.epoch if result.best else None,
        epochs=result.epochs,
        parameters=plan.parameters,
        checkpoint=str(checkpoint) if checkpoint else None,
        url=run.url,
    )


def _about(plan: Plan, dataset: Dataset, source: str) -> dict[str, Any]:
    return {
        "parameters": plan.parameters,
        "multiply_adds": plan.multiply_adds,
        "dataset_source": source,
        "classes": len(dataset.classes),
        "train_images": len(dataset.train),
        "val_images": len(dataset.val),
        "skipped_images": dataset.skipped,
        "split_hash": dataset.split_hash,
    }


def _fit(
    config: RunConfig,
    plan: Plan,
    dataset: Dataset,
    report: Callable[[EpochReport], None],
    progress: TrainingProgress,
) -> FitResult:
    """Build what the configuration names, and train."""
    device = choose_device()
    seed_everything(config.seed)
    model = build(plan)
    optimizer = build_optimizer(
        model.parameters(),
        name=config.optimizer,
        learning_rate=config.learning_rate,
        momentum=config.momentum,
        weight_decay=config.weight_decay,
    )
    training = TrainingBatches(
        dataset.train,
        batch_size=config.batch_size,
        augment=config.augment,
        normalize=config.normalize,
        device=device,
        seed=config.seed,
    )
    return fit(
        model,
        training,
        _validation(config, dataset, device),
        optimizer,
        epochs=config.epochs,
        patience=config.patience,
        device=device,
        autocast_dtype=autocast_dtype(device, config.precision),
        on_epoch=report,
        on_step=progress.step,
    )


def _validation(config: RunConfig, dataset: Dataset, device: torch.device) -> EvaluationBatches:
    fitting = min(_EVALUATION_BATCH, _EVALUATION_PIXELS // config.image_size**2)
    return EvaluationBatches(
        dataset.val,
        batch_size=max(config.batch_size, fitting),
        normalize=config.normalize,
        device=device,
    )


def _keep_best(run: TrackedRun, config: RunConfig, dataset: Dataset, result: FitResult) -> Path:
    """Save the best epoch's weights, upload them, and log the pictures that they give."""
    assert result.best is not None
    path = run.folder / CHECKPOINT
    plain = config.model_dump(mode="json")
    metrics = result.best.metrics()
    save_checkpoint(
        path, weights=result.best_weights, config=plain, classes=dataset.classes, metrics=metrics
    )
    metadata = {"config": plain, "metrics": metrics, "classes": list(dataset.classes)}
    run.save_checkpoint(path, metadata)
    device = choose_device()
    # From the file, not from memory: what is shown is what was saved.
    model = restore(load_checkpoint(path))
    dtype = autocast_dtype(device, config.precision)
    predictions = predict(model, _validation(config, dataset, device), device, dtype)
    pictures = evaluation_pictures(
        predictions, dataset.val.pick, dataset.classes, seed=config.split_seed
    )
    rows = [(r.name, r.n, r.right, r.accuracy) for r in per_class(predictions, dataset.classes)]
    run.log_evaluation(pictures, "per_class_table", ("class", "images", "right", "accuracy"), rows)
    return path
