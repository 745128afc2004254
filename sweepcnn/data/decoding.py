"""One picture file as RGB."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps


def read_rgb(path: Path) -> Image.Image:
    """Decode a picture file, turn it upright by its EXIF orientation and convert it to RGB.

    Transparency is dropped, of an animation the first frame counts. Raises whatever Pillow
    raises on a broken file.
    """
    with Image.open(path) as stored:
        return to_rgb(ImageOps.exif_transpose(stored))


def to_rgb(picture: Image.Image) -> Image.Image:
    """Convert a picture of any mode to 8 bits of red, green and blue."""
    if picture.mode.startswith("I"):  # 16 bit grey (also inside "I"), which Pillow would clip
        grey = np.asarray(picture).clip(0, 65535) >> 8
        return Image.fromarray(grey.astype(np.uint8)).convert("RGB")
    if picture.mode == "P":  # by way of RGBA: Pillow warns where a palette has transparency
        return picture.convert("RGBA").convert("RGB")
    return picture.convert("RGB")


def resize(picture: Image.Image, image_size: int) -> Image.Image:
    """Squash a picture to `image_size` x `image_size`: bilinear, antialiased when it shrinks."""
    return picture.resize((image_size, image_size), Image.Resampling.BILINEAR)
