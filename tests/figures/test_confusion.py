import numpy as np
import pytest
from PIL import Image

from sweepcnn.figures import confusion_matrix_figure, style


def figure(matrix: list[list[int]] | np.ndarray, names: list[str] | None = None) -> Image.Image:
    counts = np.asarray(matrix, dtype=np.int64)
    return confusion_matrix_figure(counts, names or [str(index) for index in range(len(counts))])


def cell_ground(image: Image.Image, row: int, column: int, k: int) -> object:
    """Read the colour of a cell near its corner, clear of the count."""
    area = np.asarray(image)
    inside = np.flatnonzero((area[:, :, :] == style.LINE).all(axis=2).sum(axis=0) > 600)
    left, right = int(inside.min()), int(inside.max())
    step = (right - left) / k
    x, y = left + step * column + 5, style.HEADER + step * row + 5
    return image.getpixel((round(x), round(y)))


def test_cells_are_shaded_by_their_share_of_the_row() -> None:
    image = figure([[10, 0], [500, 500]])
    assert cell_ground(image, 0, 0, 2) == style.RIGHT
    assert cell_ground(image, 0, 1, 2) == style.PAPER
    blue, orange = cell_ground(image, 1, 1, 2), cell_ground(image, 1, 0, 2)
    assert blue == style.mix(0.53, style.RIGHT)
    assert orange == style.mix(0.53, style.WRONG)


def test_one_image_among_many_differs_from_none() -> None:
    image = figure([[100_000, 1], [0, 100_000]])
    assert cell_ground(image, 0, 1, 2) != cell_ground(image, 1, 0, 2) == style.PAPER


@pytest.mark.parametrize("k", [2, 3, 10, 30, 100, 500])
@pytest.mark.parametrize("name", ["{}", "a class of a rather long and winding name {}"])
def test_the_figure_has_one_size_whatever_the_classes_are(k: int, name: str) -> None:
    names = [name.format(index) for index in range(k)]
    matrix = np.random.default_rng(0).integers(0, 100, (k, k))
    assert figure(matrix, names).size == (style.WIDTH, style.WIDTH)


@pytest.mark.parametrize("k", [2, 10, 30])
def test_counts_of_four_digits_are_written_up_to_thirty_classes(k: int) -> None:
    names = [f"a class of a rather long name {index}" for index in range(k)]
    # The shades of both are the same, so that only what is written can differ.
    some, others = (figure(np.full((k, k), count), names) for count in (1111, 9999))
    body = (0, style.HEADER, style.WIDTH, style.WIDTH)
    assert some.crop(body).tobytes() != others.crop(body).tobytes()


def test_nothing_is_cut_off_at_the_edges() -> None:
    names = [f"{'W' * 60} {index}" for index in range(12)]
    pixels = np.asarray(figure(np.eye(12, dtype=np.int64), names))
    for edge in (pixels[:8], pixels[-8:], pixels[:, :8], pixels[:, -8:]):
        assert (edge == style.PAPER).all()


def test_a_matrix_without_images_can_be_drawn() -> None:
    image = figure([[0, 0], [0, 0]])
    assert cell_ground(image, 0, 0, 2) == style.PAPER


def test_the_same_input_gives_the_same_pixels() -> None:
    assert figure([[3, 1], [0, 2]]).tobytes() == figure([[3, 1], [0, 2]]).tobytes()


def test_more_classes_than_pixels_can_be_drawn() -> None:
    assert figure(np.eye(1500, dtype=np.int64)).size == (1280, 1280)
