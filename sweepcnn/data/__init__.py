"""Image data: from a name or a folder to batches on the device.

A source is listed, its test pictures are set aside, the rest is decoded once into a cache
and split; training and evaluation draw batches from that. Downloading is in `sweepcnn.data.fetch`.
"""

from sweepcnn.data.augmentation import AUGMENTATIONS
from sweepcnn.data.batches import NORMALIZATIONS, EvaluationBatches, TrainingBatches
from sweepcnn.data.dataset import Dataset, LabelledImages, Split, load_test, load_training
from sweepcnn.data.sources import NAMES, resolve_dataset

__all__ = [
    "AUGMENTATIONS",
    "NAMES",
    "NORMALIZATIONS",
    "Dataset",
    "EvaluationBatches",
    "LabelledImages",
    "Split",
    "TrainingBatches",
    "load_test",
    "load_training",
    "resolve_dataset",
]
