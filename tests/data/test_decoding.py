from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sweepcnn.data.decoding import read_rgb, resize

from .pictures import noise


@pytest.mark.parametrize(
    ("mode", "colour", "suffix", "expected"),
    [
        ("1", 1, ".png", (255, 255, 255)),
        ("L", 77, ".png", (77, 77, 77)),
        ("LA", (77, 9), ".png", (77, 77, 77)),
        ("RGB", (1, 2, 3), ".png", (1, 2, 3)),
        ("RGBA", (1, 2, 3, 0), ".png", (1, 2, 3)),
        ("CMYK", (0, 255, 0, 0), ".tif", (255, 0, 255)),
        ("I;16", 0x4D12, ".png", (0x4D, 0x4D, 0x4D)),
        ("I;16", 0x4D12, ".tif", (0x4D, 0x4D, 0x4D)),
        ("I", 70_000, ".tif", (255, 255, 255)),
    ],
)
def test_every_mode_becomes_rgb(
    tmp_path: Path, mode: str, colour: int, suffix: str, expected: tuple[int, int, int]
) -> None:
    Image.new(mode, (3, 2), colour).save(tmp_path / f"a{suffix}")
    picture = read_rgb(tmp_path / f"a{suffix}")
    assert picture.mode == "RGB"
    assert (np.asarray(picture) == expected).all()


def test_palettes_with_transparency_need_no_warning(tmp_path: Path) -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((1, 0), 1)
    picture.save(tmp_path / "a.png", transparency=bytes([0, 128]))
    assert np.asarray(read_rgb(tmp_path / "a.png")).tolist() == [[[10, 20, 30], [40, 50, 60]]]


@pytest.mark.parametrize(
    ("orientation", "undone"),
    [
        (3, Image.Transpose.ROTATE_180),
        (6, Image.Transpose.ROTATE_270),
        (8, Image.Transpose.ROTATE_90),
    ],
)
def test_exif_orientation_is_applied(
    tmp_path: Path, orientation: int, undone: Image.Transpose
) -> None:
    stored = noise(0, height=4, width=6)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    assert (np.asarray(read_rgb(tmp_path / "a.png")) == np.asarray(stored.transpose(undone))).all()


def test_of_an_animation_the_first_frame_counts(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (2, 2), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert read_rgb(tmp_path / "a.gif").getpixel((0, 0)) == (255, 0, 0)


def test_resizing_averages_when_it_shrinks_and_squashes() -> None:
    stripes = np.zeros((40, 80, 3), np.uint8)
    stripes[:, ::2] = 200
    small = np.asarray(resize(Image.fromarray(stripes), 8))
    assert small.shape == (8, 8, 3)
    assert np.abs(small[:, 1:-1].astype(int) - 100).max() <= 10
