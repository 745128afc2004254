"""Pictures of what a network does: arrays in, PIL images out, pixel for pixel repeatable."""

from sweepcnn.figures.confusion import confusion_matrix_figure
from sweepcnn.figures.per_class import per_class_accuracy_figure
from sweepcnn.figures.predictions import prediction_grid

__all__ = ["confusion_matrix_figure", "per_class_accuracy_figure", "prediction_grid"]
