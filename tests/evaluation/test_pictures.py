from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from sweepcnn.evaluation import Predictions, evaluation_pictures
from sweepcnn.evaluation.pictures import grid_indices


def labels(counts: list[int]) -> NDArray[np.int64]:
    true = np.repeat(np.arange(len(counts)), counts)
    return np.random.default_rng(1).permutation(true)


def test_ten_classes_give_three_rows_with_a_column_a_class() -> None:
    true = labels([20] * 10)
    chosen = grid_indices(true, 10, seed=0)
    assert true[chosen].reshape(3, 10).tolist() == [list(range(10))] * 3
    assert len(set(chosen)) == 30


@pytest.mark.parametrize("classes", [2, 3, 7, 29, 30])
def test_images_are_spread_evenly_over_the_classes(classes: int) -> None:
    true = labels([40] * classes)
    counts = np.bincount(true[grid_indices(true, classes, seed=0)], minlength=classes)
    assert counts.sum() == 30
    assert counts.max() - counts.min() <= 1


def test_more_classes_than_places_are_drawn_by_lot() -> None:
    true = labels([5] * 100)
    one, other = (set(true[grid_indices(true, 100, seed=seed)].tolist()) for seed in (0, 1))
    assert len(one) == len(other) == 30
    assert one != other


def test_small_classes_leave_their_places_to_others() -> None:
    true = labels([1, 0, 50])
    chosen = grid_indices(true, 3, seed=0)
    assert np.bincount(true[chosen]).tolist() == [1, 0, 29]
    assert len(set(chosen)) == 30


def test_a_split_of_fewer_images_is_shown_whole() -> None:
    true = labels([3, 4])
    assert sorted(grid_indices(true, 2, seed=0)) == list(range(7))


def test_the_seed_decides_and_the_answers_do_not() -> None:
    true = labels([20] * 10)
    assert grid_indices(true, 10, seed=0) == grid_indices(true, 10, seed=0)
    assert grid_indices(true, 10, seed=0) != grid_indices(true, 10, seed=1)


@pytest.mark.parametrize("as_tensor", [True, False])
def test_three_pictures_are_drawn_of_the_picked_images(as_tensor: bool) -> None:
    true = labels([20] * 10)
    images = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), dtype=np.uint8)
    asked: list[int] = []

    def pick(indices: Sequence[int]) -> NDArray[np.uint8] | torch.Tensor:
        asked.extend(indices)
        found: NDArray[np.uint8] = images[list(indices)]
        return torch.from_numpy(found) if as_tensor else found

    predictions = Predictions(true, true, np.ones(200, dtype=np.float32), loss=0.1)
    pictures = evaluation_pictures(predictions, pick, [str(c) for c in range(10)], seed=0)
    assert list(pictures) == ["prediction_grid", "confusion_matrix", "per_class_accuracy"]
    assert asked == grid_indices(true, 10, seed=0)
    assert all(picture.width == 1280 for picture in pictures.values())
