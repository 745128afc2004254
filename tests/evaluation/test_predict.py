import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from sweepcnn.evaluation import predict

CPU = torch.device("cpu")


class Brightness(nn.Module):
    """Scores classes by how bright an image is; dropout would spoil them."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.9)

    def forward(self, images: Tensor) -> Tensor:
        bright = self.dropout(images.mean(dim=(1, 2, 3)))
        return torch.stack([-bright, torch.zeros_like(bright), bright], dim=1)


def batches_of(values: list[float], labels: list[int], size: int) -> list[tuple[Tensor, Tensor]]:
    images = torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 4, 4)
    return [
        (images[start : start + size], torch.tensor(labels[start : start + size]))
        for start in range(0, len(labels), size)
    ]


def test_answers_come_in_the_order_of_the_images() -> None:
    values, labels = [-2.0, 3.0, 1.0, -1.0, 2.0], [0, 2, 0, 1, 2]
    found = predict(Brightness(), batches_of(values, labels, 2), CPU)
    assert found.true.tolist() == labels
    assert found.predicted.tolist() == [0, 2, 2, 0, 2]
    assert found.true.dtype == found.predicted.dtype == np.dtype(np.int64)
    assert found.confidence.dtype == np.float32
    scores = torch.tensor([[-v, 0.0, v] for v in values])
    expected = scores.softmax(dim=1).amax(dim=1)
    assert found.confidence.tolist() == pytest.approx(expected.tolist())
    assert found.loss == pytest.approx(F.cross_entropy(scores, torch.tensor(labels)).item())


def test_the_size_of_batches_does_not_matter() -> None:
    values, labels = [-2.0, 3.0, 1.0, -1.0, 2.0], [0, 2, 0, 1, 2]
    one, other = (predict(Brightness(), batches_of(values, labels, size), CPU) for size in (2, 5))
    assert one.loss == pytest.approx(other.loss)
    assert np.array_equal(one.predicted, other.predicted)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_in_the_mode_it_was_in(training: bool) -> None:
    model = Brightness().train(training)
    predict(model, batches_of([1.0], [2], 1), CPU)
    assert model.training is training
