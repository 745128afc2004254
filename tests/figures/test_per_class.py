import numpy as np
from PIL import Image

from sweepcnn.figures import per_class_accuracy_figure, style


def bar_length(image: Image.Image, index: int) -> int:
    row = np.asarray(image)[style.HEADER + 30 * index + 8]
    return int((row == style.RIGHT).all(axis=1).sum())


def test_bars_are_as_long_as_the_accuracies() -> None:
    image = per_class_accuracy_figure([10, 5, 0, 0], [10, 10, 10, 0], ["a", "b", "c", "d"])
    whole = bar_length(image, 0)
    assert whole > 900
    assert abs(bar_length(image, 1) - whole / 2) <= 2
    assert bar_length(image, 2) == bar_length(image, 3) == 0


def test_the_size_follows_from_the_number_of_classes() -> None:
    def size(k: int, name: str) -> tuple[int, int]:
        return per_class_accuracy_figure([1] * k, [2] * k, [name] * k).size

    assert size(2, "x") == size(2, "a very long name " * 9)
    assert size(30, "x")[0] == size(2, "x")[0] == style.WIDTH
    assert size(30, "x")[1] - size(2, "x")[1] == 28 * 30


def test_nothing_is_cut_off_at_the_edges() -> None:
    image = per_class_accuracy_figure([99999] * 3, [99999] * 3, ["W" * 99] * 3)
    pixels = np.asarray(image)
    for edge in (pixels[:, :8], pixels[:, -8:], pixels[:8], pixels[-8:]):
        assert (edge == style.PAPER).all()


def test_classes_without_images_can_be_drawn() -> None:
    assert per_class_accuracy_figure([0], [0], ["none"]).width == style.WIDTH
