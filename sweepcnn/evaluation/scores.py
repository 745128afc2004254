"""Tables from predictions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sweepcnn.evaluation.predict import Predictions


@dataclass(frozen=True)
class ClassScore:
    """One class's row of the table."""

    name: str
    n: int
    """The images that belong to the class."""
    right: int
    """Those of them that were recognised."""

    @property
    def accuracy(self) -> float | None:
        """The share that was recognised, 0..1; None for a class without images."""
        return self.right / self.n if self.n else None


def accuracy(predictions: Predictions) -> float:
    """Give the share of images that were recognised, 0..1."""
    return float(np.mean(predictions.true == predictions.predicted))


def confusion_matrix(predictions: Predictions, classes: int) -> NDArray[np.int64]:
    """Count how often each class was taken for which: [k x k], rows true, columns predicted."""
    cells = predictions.true * classes + predictions.predicted
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)


def per_class(predictions: Predictions, classes: Sequence[str]) -> list[ClassScore]:
    """Give each class's row, in the order of the classes."""
    matrix = confusion_matrix(predictions, len(classes))
    return [
        ClassScore(name, n=int(matrix[index].sum()), right=int(matrix[index, index]))
        for index, name in enumerate(classes)
    ]
