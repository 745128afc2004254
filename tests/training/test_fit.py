import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from sweepcnn.config import RunConfig
from sweepcnn.models import build
from sweepcnn.plan import expand
from sweepcnn.training import (
    Batches,
    EpochReport,
    FitResult,
    Status,
    build_optimizer,
    fit,
    seed_everything,
)
from sweepcnn.training.optimizers import OptimizerName

CPU = torch.device("cpu")
Pairs = list[tuple[Tensor, Tensor]]


def make_batches(sizes: list[int], *, classes: int = 3, seed: int = 0) -> Pairs:
    """Make images whose brightness tells their class, with some noise."""
    random = torch.Generator().manual_seed(seed)
    batches = []
    for size in sizes:
        labels = torch.randint(classes, (size,), generator=random)
        noise = torch.rand(size, 3, 8, 8, generator=random)
        batches.append((0.3 * noise + labels.view(-1, 1, 1, 1) / classes, labels))
    return batches


def network(*, seed: int = 0, **values: object) -> nn.Sequential:
    torch.manual_seed(seed)
    config = RunConfig.model_validate(
        {"image_size": 8, "blocks": 2, "filters": 4, "dense_units": 8} | values
    )
    return build(expand(config, image_size=8, classes=3))


def train(
    model: nn.Module,
    training: Batches,
    validation: Batches,
    *,
    epochs: int = 3,
    patience: int | None = None,
    optimizer: OptimizerName = "sgd",
    learning_rate: float = 0.1,
    device: torch.device = CPU,
    dtype: torch.dtype | None = None,
) -> tuple[FitResult, list[EpochReport]]:
    reports: list[EpochReport] = []
    result = fit(
        model,
        training,
        validation,
        build_optimizer(
            model.parameters(),
            name=optimizer,
            learning_rate=learning_rate,
            momentum=0.9,
            weight_decay=0.0,
        ),
        epochs=epochs,
        patience=patience,
        device=device,
        autocast_dtype=dtype,
        on_epoch=reports.append,
    )
    return result, reports


class Scripted(nn.Module):
    """A model whose validation accuracy goes by a script; each pass right on the first n images."""

    def __init__(self, right: list[int]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.register_buffer("passes", torch.zeros((), dtype=torch.int64))
        self._right = right

    def forward(self, images: Tensor) -> Tensor:
        n = len(images)
        if self.training:
            return self.weight.expand(n, 2) * 1.0
        right = self._right[int(self.get_buffer("passes"))]
        self.get_buffer("passes").add_(1)
        return torch.eye(2)[(torch.arange(n) >= right).long()] + 0 * self.weight


def scripted(
    right: list[int], *, patience: int | None = None
) -> tuple[FitResult, list[EpochReport]]:
    ten = [(torch.zeros(10, 3, 2, 2), torch.zeros(10, dtype=torch.int64))]
    return train(Scripted(right), ten, ten, epochs=len(right), patience=patience)


def test_the_loss_curve_of_a_fixed_start_is_known() -> None:
    model = network()
    with torch.no_grad():
        for parameter in model.parameters():
            wave = torch.sin(torch.arange(parameter.numel(), dtype=torch.float32))
            parameter.copy_(0.3 * wave.view_as(parameter))
    training = [(wave_images(9, step), torch.arange(9) % 3) for step in range(3)]
    _, reports = train(model, training, training[:1])
    # The same by a loop in float64 with torch's plain SGD, written for this comparison.
    train_losses = [1.08903982, 1.04513865, 0.86448010]
    val_losses = [1.07403822, 0.96595578, 0.72624600]
    assert [r.train_loss for r in reports] == pytest.approx(train_losses, abs=1e-4)
    assert [r.val_loss for r in reports] == pytest.approx(val_losses, abs=1e-4)


def wave_images(n: int, step: int) -> Tensor:
    values = torch.cos(torch.arange(n * 3 * 8 * 8, dtype=torch.float32) * 0.37 + step)
    brightness = (torch.arange(n) % 3).view(-1, 1, 1, 1)
    return values.view(n, 3, 8, 8) * 0.5 + brightness


def test_the_same_seed_gives_the_same_curve_whatever_ran_before() -> None:
    def curve() -> list[tuple[float, float]]:
        seed_everything(5)
        model = network(seed=5, dropout=0.4)
        _, reports = train(model, make_batches([8, 8, 5]), make_batches([7], seed=1))
        return [(r.train_loss, r.val_loss) for r in reports]

    first = curve()
    train(network(seed=1, batch_norm=True), make_batches([4] * 5), make_batches([3]))
    torch.rand(1000)
    assert curve() == first


def test_training_learns() -> None:
    result, reports = train(
        network(),
        make_batches([16] * 8),
        make_batches([32], seed=1),
        epochs=8,
        optimizer="adam",
        learning_rate=0.01,
    )
    assert result.status is Status.OK
    assert reports[-1].train_loss < reports[0].train_loss
    assert result.best is not None
    assert result.best.val_accuracy > 0.9


def test_the_best_epoch_is_kept_when_later_ones_are_worse() -> None:
    result, reports = scripted([3, 7, 5])
    assert result.best == reports[1]
    assert result.last == reports[2]
    assert result.epochs == 3
    assert result.best_weights["passes"].item() == 2
    assert [r.val_accuracy for r in reports] == [0.3, 0.7, 0.5]
    assert [r.best_val_accuracy for r in reports] == [0.3, 0.7, 0.7]
    assert [r.best_epoch for r in reports] == [1, 2, 2]


def test_of_equal_epochs_the_earlier_is_the_best() -> None:
    result, reports = scripted([3, 7, 7])
    assert result.best == reports[1]
    assert result.best_weights["passes"].item() == 2


def test_an_epoch_without_a_single_hit_can_be_the_best() -> None:
    result, reports = scripted([0])
    assert result.best == reports[0]
    assert result.best_weights


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (3, 7)])
def test_patience_counts_the_epochs_since_the_best(patience: int, epochs: int) -> None:
    result, reports = scripted([3, 4, 4, 5, 4, 5, 4], patience=patience)
    assert result.status is Status.OK
    assert result.epochs == len(reports) == epochs


def test_no_patience_is_no_early_end() -> None:
    result, _ = scripted([5, 4, 3, 2, 1])
    assert result.epochs == 5


def test_a_run_that_diverges_at_once_ends_without_a_best_epoch() -> None:
    result, reports = train(network(), make_batches([8] * 6), make_batches([8]), learning_rate=1e6)
    assert result.status is Status.DIVERGED
    assert (result.best, result.last, result.epochs) == (None, None, 0)
    assert result.best_weights == {}
    assert reports == []
    assert result.train_seconds > 0


def test_a_run_that_diverges_later_keeps_its_best_epoch() -> None:
    class Rising(list[tuple[Tensor, Tensor]]):
        """From the second pass on, images too bright for any network."""

        passes = 0

        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            self.passes += 1
            factor = 1.0 if self.passes == 1 else 1e30
            return ((images * factor, labels) for images, labels in super().__iter__())

    result, reports = train(network(), Rising(make_batches([8] * 6)), make_batches([8]))
    assert result.status is Status.DIVERGED
    assert result.epochs == 1
    assert [result.best] == [result.last] == reports
    assert all(tensor.isfinite().all() for tensor in result.best_weights.values())


def test_a_validation_loss_that_is_not_finite_ends_the_run() -> None:
    broken = [(images * math.nan, labels) for images, labels in make_batches([8])]
    result, reports = train(network(), make_batches([8]), broken)
    assert result.status is Status.DIVERGED
    assert reports == []


def test_means_weigh_a_smaller_last_batch_by_its_size() -> None:
    model = network()
    batches = make_batches([8, 8, 3])
    _, [report] = train(model, batches, batches, epochs=1, learning_rate=1e-30)
    images = torch.cat([images for images, _ in batches])
    labels = torch.cat([labels for _, labels in batches])
    with torch.no_grad():
        scores = model(images)
    loss = F.cross_entropy(scores, labels).item()
    accuracy = (scores.argmax(dim=1) == labels).double().mean().item()
    # A step of 1e-30 changes no weight, so training and validation see the same network.
    assert report.train_loss == pytest.approx(loss, abs=1e-6)
    assert report.val_loss == pytest.approx(loss, abs=1e-6)
    assert report.train_accuracy == report.val_accuracy == accuracy


def test_each_training_pass_is_in_training_mode_and_validation_is_not() -> None:
    modes: list[tuple[int, bool, bool]] = []

    class Watching(Scripted):
        def forward(self, images: Tensor) -> Tensor:
            modes.append((len(images), self.training, torch.is_inference_mode_enabled()))
            return super().forward(images)

    four, two = ([(torch.zeros(n, 3, 2, 2), torch.zeros(n, dtype=torch.int64))] for n in (4, 2))
    model = Watching([1, 1])
    model.eval()  # as a restored network comes
    train(model, four, two, epochs=2)
    assert modes == [(4, True, False), (2, False, True)] * 2
    assert model.training


def test_validation_drops_nothing_and_leaves_batch_norm_alone() -> None:
    model = network(dropout=0.9, batch_norm=True)
    validation = make_batches([16], seed=1)
    _, [report] = train(model, make_batches([8]), validation, epochs=1)
    images, labels = validation[0]
    with torch.no_grad():
        expected = F.cross_entropy(model.eval()(images), labels).item()
    assert report.val_loss == pytest.approx(expected, abs=1e-6)


def test_batches_may_keep_what_they_make_during_validation() -> None:
    class Lazy:
        """Makes its images in the first pass and gives the same ones ever after."""

        kept: Pairs | None = None

        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            self.kept = self.kept or make_batches([8])
            return iter(self.kept)

        def __len__(self) -> int:
            return 1

    validation = Lazy()
    train(network(), make_batches([8]), validation, epochs=1)
    result, _ = train(network(), validation, validation, epochs=1)
    assert result.status is Status.OK


def test_steps_are_told_from_one_to_the_number_of_batches() -> None:
    model, steps = network(), []
    fit(
        model,
        make_batches([4, 4, 2]),
        make_batches([4]),
        build_optimizer(
            model.parameters(), name="adam", learning_rate=1e-3, momentum=0.9, weight_decay=0.0
        ),
        epochs=2,
        patience=None,
        device=CPU,
        on_epoch=lambda report: None,
        on_step=lambda step, of: steps.append((step, of)),
    )
    assert steps == [(1, 3), (2, 3), (3, 3)] * 2


def test_the_report_is_logged_under_the_names_of_the_metrics() -> None:
    _, reports = train(network(), make_batches([8, 4]), make_batches([4]), learning_rate=0.05)
    last = reports[-1].metrics()
    assert list(last) == [
        "epoch",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "best_val_accuracy",
        "best_epoch",
        "learning_rate",
        "epoch_seconds",
        "images_per_second",
    ]
    assert last["epoch"] == 3
    assert last["learning_rate"] == 0.05
    assert last["images_per_second"] == pytest.approx(12 / last["epoch_seconds"])
    assert {type(value) for value in last.values()} == {int, float}


def test_best_weights_are_a_copy_in_plain_layout_that_gives_the_best_accuracy() -> None:
    model = network(batch_norm=True)
    validation = make_batches([32], seed=1)
    result, reports = train(model, make_batches([8] * 4), validation, epochs=4)
    assert result.best is not None
    assert sum(r.epoch_seconds for r in reports) == pytest.approx(result.train_seconds)
    for name, tensor in model.state_dict().items():
        assert result.best_weights[name].data_ptr() != tensor.data_ptr()
        assert result.best_weights[name].is_contiguous()
    fresh = network(seed=9, batch_norm=True)
    fresh.load_state_dict(result.best_weights)
    images, labels = validation[0]
    hits = (fresh.eval()(images).argmax(dim=1) == labels).double().mean().item()
    assert hits == result.best.val_accuracy


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_a_gpu_trains_in_bfloat16() -> None:
    gpu = torch.device("cuda")

    def on_gpu(batches: Pairs) -> Pairs:
        return [(images.to(gpu), labels.to(gpu)) for images, labels in batches]

    model = network()
    model.to(gpu)
    result, reports = train(
        model,
        on_gpu(make_batches([16] * 8)),
        on_gpu(make_batches([32], seed=1)),
        epochs=8,
        optimizer="adam",
        learning_rate=0.01,
        device=gpu,
        dtype=torch.bfloat16,
    )
    assert result.status is Status.OK
    assert reports[-1].train_loss < reports[0].train_loss
    assert {tensor.device.type for tensor in result.best_weights.values()} == {"cpu"}
