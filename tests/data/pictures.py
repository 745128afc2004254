"""Picture files and folders that the tests make for themselves."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def noise(seed: int, height: int = 12, width: int = 10) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def write_folder(root: Path, classes: Mapping[str, int], seed: int = 0) -> Path:
    """Write `classes[name]` different PNG files into each folder `root/name`."""
    for number, (name, count) in enumerate(classes.items()):
        (root / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            picture = noise(1_000_000 * seed + 1_000 * number + index)
            picture.save(root / name / f"{index:03}.png")
    return root


def write_npz(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path
