import math

import pytest
import torch

from sweepcnn.training.metrics import Tally


def scores_for(labels: list[int]) -> torch.Tensor:
    return torch.eye(3)[labels]


def test_batches_count_by_their_images() -> None:
    tally = Tally(torch.device("cpu"))
    tally.add(torch.tensor(1.0), scores_for([0, 1, 2]), torch.tensor([0, 1, 2]))
    tally.add(torch.tensor(5.0), scores_for([0]), torch.tensor([2]))
    score = tally.score()
    assert (score.loss, score.accuracy, score.images) == (2.0, 0.75, 4)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_one_loss_that_is_not_finite_shows_in_the_mean(bad: float) -> None:
    tally = Tally(torch.device("cpu"))
    for loss in (1.0, bad, 1.0):
        tally.add(torch.tensor(loss), scores_for([0]), torch.tensor([0]))
    assert not math.isfinite(tally.score().loss)


def test_many_small_losses_are_not_lost_in_a_large_sum() -> None:
    tally = Tally(torch.device("cpu"))
    tally.add(torch.tensor(1e8), scores_for([0]), torch.tensor([0]))
    for _ in range(99):
        tally.add(torch.tensor(1.0), scores_for([0]), torch.tensor([0]))
    assert tally.score().loss == pytest.approx((1e8 + 99) / 100, abs=1e-6)
