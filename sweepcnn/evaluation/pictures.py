"""The pictures that go with an evaluation."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from sweepcnn.evaluation.predict import Predictions
from sweepcnn.evaluation.scores import confusion_matrix, per_class
from sweepcnn.figures import (
    confusion_matrix_figure,
    per_class_accuracy_figure,
    prediction_grid,
)

GRID_IMAGES = 30

Pick = Callable[[Sequence[int]], NDArray[np.uint8] | Tensor]


def evaluation_pictures(
    predictions: Predictions, pick: Pick, classes: Sequence[str], *, seed: int
) -> dict[str, Image.Image]:
    """Draw "prediction_grid", "confusion_matrix" and "per_class_accuracy".

    Args:
        predictions: the answers over a split.
        pick: gives the images [m x h x w x 3], uint8, at m indices of the split.
        classes: the classes' names.
        seed: decides which images the grid shows; the same split and seed show the same ones,
            whatever the network, so that runs compare.
    """
    indices = grid_indices(predictions.true, len(classes), seed=seed)
    images = pick(indices)
    rows = per_class(predictions, classes)
    return {
        "prediction_grid": prediction_grid(
            images.numpy(force=True) if isinstance(images, Tensor) else images,
            predictions.true[indices].tolist(),
            predictions.predicted[indices].tolist(),
            predictions.confidence[indices].tolist(),
            classes,
        ),
        "confusion_matrix": confusion_matrix_figure(
            confusion_matrix(predictions, len(classes)), classes
        ),
        "per_class_accuracy": per_class_accuracy_figure(
            [row.right for row in rows], [row.n for row in rows], classes
        ),
    }


def grid_indices(
    true: NDArray[np.int64], classes: int, *, seed: int, count: int = GRID_IMAGES
) -> list[int]:
    """Choose images evenly over the classes, in rounds of one a class.

    With ten classes each row of the grid is a round and each column a class. A last round that does
    not hold all classes takes them by lot.
    """
    random = np.random.default_rng(seed)
    waiting = [random.permutation(np.flatnonzero(true == index)) for index in range(classes)]
    chosen: list[int] = []
    for turn in range(count):
        drawn = [int(indices[turn]) for indices in waiting if turn < len(indices)]
        room = count - len(chosen)
        if len(drawn) > room:
            drawn = [drawn[i] for i in np.sort(random.choice(len(drawn), room, replace=False))]
        chosen += drawn
    return chosen
