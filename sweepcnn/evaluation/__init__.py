"""A trained network on labelled images: scores, tables, pictures."""

from sweepcnn.evaluation.pictures import evaluation_pictures
from sweepcnn.evaluation.predict import Predictions, predict
from sweepcnn.evaluation.scores import ClassScore, accuracy, confusion_matrix, per_class

__all__ = [
    "ClassScore",
    "Predictions",
    "accuracy",
    "confusion_matrix",
    "evaluation_pictures",
    "per_class",
    "predict",
]
