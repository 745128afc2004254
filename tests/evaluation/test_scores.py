import numpy as np
import pytest
from sklearn import metrics

from sweepcnn.evaluation import Predictions, accuracy, confusion_matrix, per_class


def predictions(true: list[int], predicted: list[int]) -> Predictions:
    return Predictions(
        np.array(true), np.array(predicted), np.ones(len(true), dtype=np.float32), loss=0.0
    )


def test_rows_are_true_and_columns_predicted() -> None:
    found = confusion_matrix(predictions([0, 0, 1, 2, 2], [0, 1, 1, 0, 0]), 4)
    assert found.tolist() == [[1, 1, 0, 0], [0, 1, 0, 0], [2, 0, 0, 0], [0, 0, 0, 0]]


def test_the_matrix_is_that_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    true, predicted = random.integers(0, 7, 500), random.integers(0, 7, 500)
    found = confusion_matrix(predictions(true.tolist(), predicted.tolist()), 7)
    assert np.array_equal(found, metrics.confusion_matrix(true, predicted))


def test_the_accuracy_is_the_share_that_is_right() -> None:
    assert accuracy(predictions([0, 1, 2, 1], [0, 1, 1, 1])) == 0.75


def test_each_class_has_its_row_even_without_images() -> None:
    rows = per_class(predictions([0, 0, 0, 1], [0, 0, 1, 1]), ["cat", "dog", "eel"])
    assert [(row.name, row.n, row.right) for row in rows] == [
        ("cat", 3, 2),
        ("dog", 1, 1),
        ("eel", 0, 0),
    ]
    assert [row.accuracy for row in rows] == [pytest.approx(2 / 3), 1.0, None]
