"""From the name or path of a data set to its list of pictures."""

import os
from pathlib import Path

from sweepcnn.data.arrays import cifar, digits
from sweepcnn.data.folder import image_folder
from sweepcnn.data.locations import data_folder, fetched_folder
from sweepcnn.data.npz import npz_file
from sweepcnn.data.source import Source
from sweepcnn.errors import InputError, Problem

NAMES = ("digits", "cifar10", "cifar100", "inaturalist")
"""Data sets known by name; all else is the path of a folder or of an .npz file."""


def resolve_dataset(dataset: str) -> str:
    """Return what to read: the environment variable SWEEPCNN_DATASET where set, else `dataset`.

    So one configuration trains on machines that keep the images in different places. Either
    is one of `NAMES` or the path of an image folder or an .npz file; a folder that bears such a
    name is written ./digits.
    """
    return os.environ.get("SWEEPCNN_DATASET") or dataset


def open_source(dataset: str) -> Source:
    """List the pictures of a data set, as `resolve_dataset` has it; none is decoded yet.

    Raises:
        InputError: the data set is missing or unfit.
    """
    dataset = resolve_dataset(dataset)
    path = Path(dataset).expanduser()
    if dataset == "digits":
        return digits()
    if dataset in ("cifar10", "cifar100"):
        try:
            return cifar(dataset, data_folder())
        except FileNotFoundError as error:
            raise _missing(dataset, fetched_folder(dataset), fetch=dataset) from error
    if dataset == "inaturalist":
        path = fetched_folder(dataset)
        if not path.is_dir():
            raise _missing(dataset, path, fetch=dataset)
    if path.suffix == ".npz" and path.is_file():
        return npz_file(path)
    if not path.is_dir():
        raise _missing(dataset, path, fetch="NAME")
    return image_folder(path, dataset if dataset in NAMES else path.resolve().name)


def _missing(dataset: str, path: Path, fetch: str) -> InputError:
    return InputError(
        Problem(
            f"dataset {dataset!r}",
            f"there is nothing (or nothing whole) at {path}, and the known names are "
            + ", ".join(NAMES),
            f"correct the path, download with `sweepcnn data fetch {fetch}`, or point the "
            "environment variable SWEEPCNN_DATASET to your images",
        )
    )
