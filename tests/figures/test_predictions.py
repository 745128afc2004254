import numpy as np
import pytest
from PIL import Image

from sweepcnn.figures import prediction_grid, style

CLASSES = [f"class {index}" for index in range(10)]


def grid(
    n: int = 30,
    *,
    side: int = 32,
    wrong: tuple[int, ...] = (),
) -> Image.Image:
    true = [index % 10 for index in range(n)]
    predicted = [(c + 1) % 10 if i in wrong else c for i, c in enumerate(true)]
    images = np.full((n, side, side, 3), 128, dtype=np.uint8)
    return prediction_grid(images, true, predicted, [0.5] * n, CLASSES)


def border(image: Image.Image, index: int) -> object:
    row, column = divmod(index, 10)
    return image.getpixel((style.MARGIN + 120 * column + 50, style.HEADER + 174 * row + 1))


def test_thirty_images_fill_ten_columns_and_three_rows() -> None:
    image = grid(wrong=(0, 11, 29))
    assert image.width == style.WIDTH
    for index in range(30):
        expected = style.WRONG if index in (0, 11, 29) else style.RIGHT
        assert border(image, index) == expected


@pytest.mark.parametrize("side", [1, 8, 32, 96, 224])
def test_the_figure_has_one_size_whatever_the_images_are(side: int) -> None:
    assert grid(side=side).size == grid().size == (1280, 626)


@pytest.mark.parametrize(("n", "height"), [(0, 278), (1, 278), (10, 278), (11, 452), (23, 626)])
def test_fewer_images_take_fewer_rows(n: int, height: int) -> None:
    assert grid(n).height == height


def test_small_images_keep_their_pixels_as_squares() -> None:
    pixels = np.zeros((1, 8, 8, 3), dtype=np.uint8)
    pixels[0, 0, 0] = (255, 0, 0)
    pixels[0, 7, 7] = (0, 255, 0)
    image = prediction_grid(pixels, [0], [0], [1.0], ["only"])
    left, top = style.MARGIN + 4, style.HEADER + 4
    first = np.asarray(image.crop((left, top, left + 12, top + 12)))
    last = np.asarray(image.crop((left + 84, top + 84, left + 96, top + 96)))
    assert (first == (255, 0, 0)).all()
    assert (last == (0, 255, 0)).all()


def test_oblong_images_keep_their_form() -> None:
    image = prediction_grid(np.zeros((1, 50, 100, 3), dtype=np.uint8), [0], [0], [1.0], ["only"])
    middle = style.MARGIN + 52
    assert image.getpixel((middle, style.HEADER + 10)) == style.EMPTY
    assert image.getpixel((middle, style.HEADER + 52)) == (0, 0, 0)


def test_labels_never_reach_the_next_image() -> None:
    names = ["w" * 80, "Pseudotropheus saulosi of the northern shore"]
    images = np.zeros((10, 8, 8, 3), dtype=np.uint8)
    image = prediction_grid(images, [0] * 10, [1] * 10, [1.0] * 10, names)
    # The last column before an edge may hold the rim of the next caption's first letter.
    labels = np.asarray(image)[style.HEADER + 104 :]
    for column in range(1, 11):
        edge = style.MARGIN + 120 * column
        assert (labels[:, edge - 6 : edge - 1] == style.PAPER).all()


def test_the_same_input_gives_the_same_pixels() -> None:
    assert grid(wrong=(3,)).tobytes() == grid(wrong=(3,)).tobytes()
    assert grid(wrong=(3,)).tobytes() != grid(wrong=(4,)).tobytes()
