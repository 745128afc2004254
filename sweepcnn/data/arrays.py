"""Data sets of arrays that come with a library: scikit-learn's digits and CIFAR."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sweepcnn.data.decoding import to_rgb
from sweepcnn.data.source import Pool, Reader, Source


def row_reader(images: NDArray[np.uint8]) -> Reader:
    """Read pictures by row from uint8 [n x h x w], [n x h x w x 1] or [n x h x w x 3]."""
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    return lambda row: to_rgb(Image.fromarray(images[int(row)]))


def row_ids(count: int) -> tuple[str, ...]:
    """Name the pictures of an array by their rows."""
    return tuple(map(str, range(count)))


def digits() -> Source:
    """List scikit-learn's 1,797 grey digits of 8 x 8 pixels, their 0..16 scaled to 0..255."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = np.rint(found.images * (255 / 16)).astype(np.uint8)
    pool = Pool(
        place="digits",
        ids=row_ids(len(images)),
        stamps=("digits",) * len(images),
        labels=found.target.astype(np.int64),
        reader=lambda: row_reader(images),
    )
    return Source("digits", tuple(map(str, found.target_names)), pool)


def cifar(name: str, root: Path) -> Source:
    """Read torchvision's CIFAR-10 or CIFAR-100 from where `sweepcnn data fetch` puts it.

    Raises:
        FileNotFoundError: it is not there, or its files differ from the published checksums.
    """
    train = _cifar_part(name, root, train=True)
    return Source(
        name,
        tuple(train.classes),
        _cifar_pool(name, train),
        test=lambda: _cifar_pool(name, _cifar_part(name, root, train=False)),
    )


def _cifar_part(name: str, root: Path, *, train: bool) -> Any:
    from torchvision.datasets import CIFAR10, CIFAR100

    reader = {"cifar10": CIFAR10, "cifar100": CIFAR100}[name]
    with warnings.catch_warnings():  # NumPy's: the old pickles say align=0 where False is meant
        warnings.simplefilter("ignore")
        try:
            return reader(root, train=train, download=False)
        except RuntimeError as error:
            raise FileNotFoundError(f"no undamaged {name} in {root}") from error


def _cifar_pool(name: str, part: Any) -> Pool:
    images: NDArray[np.uint8] = part.data  # [n x 32 x 32 x 3]
    stamp = f"{name} {'train' if part.train else 'test'}"  # torchvision has compared checksums
    return Pool(
        place=name,
        ids=row_ids(len(images)),
        stamps=(stamp,) * len(images),
        labels=np.array(part.targets, np.int64),
        reader=lambda: row_reader(images),
    )
