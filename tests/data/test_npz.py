from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweepcnn.data.npz import npz_file
from sweepcnn.errors import InputError

from .pictures import write_npz

RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (8, 5, 4, 3), np.uint8)
Y = np.arange(8) % 2


def errors_of(path: Path, **arrays: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        npz_file(write_npz(path / "a.npz", **arrays))
    return [str(problem).removeprefix(f"{path / 'a.npz'}: ") for problem in caught.value.problems]


def test_a_file_with_a_test_set_and_names(tmp_path: Path) -> None:
    path = write_npz(
        tmp_path / "pets.npz",
        train_x=X,
        train_y=Y[:, None],
        test_x=X[:2],
        test_y=Y[:2],
        classes=np.array(["cat", "dog"]),
    )
    source = npz_file(path)
    assert source.name == "pets"
    assert source.classes == ("cat", "dog")
    assert source.training.labels.tolist() == Y.tolist()
    assert (np.asarray(source.training.reader()("3")) == X[3]).all()
    assert source.test is not None
    assert (np.asarray(source.test().reader()("1")) == X[1]).all()


@pytest.mark.parametrize("images", [X[..., 0], X[..., :1]])
def test_grey_images_may_lack_the_axis_of_channels(tmp_path: Path, images: Any) -> None:
    source = npz_file(write_npz(tmp_path / "a.npz", train_x=images, train_y=Y))
    assert source.classes == ("0", "1")
    assert source.test is None
    picture = np.asarray(source.training.reader()("2"))
    assert (picture == X[2, ..., :1].repeat(3, axis=-1)).all()


def test_other_content_has_other_stamps(tmp_path: Path) -> None:
    stamps = []
    for images in (X, 255 - X, X):
        source = npz_file(write_npz(tmp_path / "a.npz", train_x=images, train_y=Y))
        stamps.append(source.training.stamps)
    assert stamps[0] == stamps[2] != stamps[1]


def test_test_images_are_not_read_for_their_checks(tmp_path: Path) -> None:
    images = RNG.integers(0, 256, (8, 90, 90), np.uint8)
    path = write_npz(tmp_path / "a.npz", train_x=X, train_y=Y, test_x=images, test_y=Y)
    content = path.read_bytes()
    path.write_bytes(content.replace(images.tobytes(), bytes(images.size)))  # its CRC is wrong now
    source = npz_file(path)
    source.training.reader()
    assert source.test is not None
    with pytest.raises(InputError, match=r"it cannot be read as an \.npz file .*test_x"):
        source.test().reader()


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    assert errors_of(
        tmp_path,
        train_x=X.transpose(0, 3, 1, 2).astype(np.float32),
        train_y=Y[:7],
        test_x=X[:2],
        test_y=np.array([0, 2]),
        classes=np.array(["cat", "cat"]),
    ) == [
        "train_x is float32: images must be uint8, 0 to 255; convert with "
        "train_x.astype(numpy.uint8) after scaling to 0..255",
        "train_x has the shape (8, 3, 5, 4): images must be N x H x W or N x H x W x C with C 1 "
        "or 3, and none of it 0; transpose or reshape it",
        "classes names 'cat' twice: class names must differ; rename one of them",
        "train_y has the shape (7,): labels must be N or N x 1, one for each image of train_x "
        "(8, 3, 5, 4); write one label an image",
        "test_y has labels from 0 to 2: labels must lie in 0..1, for there are 2 classes; correct "
        "the labels, or the array `classes`",
    ]


@pytest.mark.parametrize(
    ("arrays", "messages"),
    [
        (
            {"x": X},
            [
                f"{name}: there is no such array; write train_x and train_y, and for a test set "
                "test_x and test_y, with numpy.savez"
                for name in ("train_x", "train_y")
            ],
        ),
        (
            {"train_x": X, "train_y": Y, "test_x": X},
            [
                "test_y: there is no such array; write train_x and train_y, and for a test set "
                "test_x and test_y, with numpy.savez"
            ],
        ),
        (
            {"train_x": X, "train_y": Y / 2},
            [
                "train_y is float64: labels must be integers; number the classes from 0, and put "
                "their names into an array `classes`"
            ],
        ),
        (
            {"train_x": X, "train_y": Y.astype(object)},
            [
                "train_y is object: labels must be integers; number the classes from 0, and put "
                "their names into an array `classes`"
            ],
        ),
        (
            {"train_x": X, "train_y": Y * 2},
            [
                "train_y has 2 different labels from 0 to 2: labels must be 0 to classes-1 "
                "without gaps; number the classes again, for example with "
                "numpy.unique(y, return_inverse=True)"
            ],
        ),
        (
            {"train_x": X, "train_y": Y, "classes": np.array(["a", "b"], object)},
            [
                "classes is object of shape (2,): class names must be an array of strings; write "
                "it as numpy.array([...], dtype=str)"
            ],
        ),
        (
            {"train_x": X, "train_y": Y, "classes": np.array(["a", "b", "c"])},
            [
                "class 'c': it has 0 usable images, but needs 3 (train, validation, test); add "
                "images or remove the class"
            ],
        ),
        (
            {"train_x": X, "train_y": Y, "test_x": X[:1], "test_y": Y[:1]},
            [
                "class '1': it has 0 usable images, but needs 1 (test); add images or remove the "
                "class"
            ],
        ),
        (
            {"train_x": X, "train_y": Y * 0},
            [
                "a classifier needs at least 2 classes, found 1 (0); put the images of each class "
                "into a folder of its own (<class>/* or train/<class>/*), or number them in train_y"
            ],
        ),
    ],
)
def test_each_fault_has_its_message(
    tmp_path: Path, arrays: dict[str, Any], messages: list[str]
) -> None:
    assert errors_of(tmp_path, **arrays) == messages


def test_a_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    path.write_text("nonsense")
    with pytest.raises(InputError) as caught:
        npz_file(path)
    assert str(caught.value) == (
        f"dataset '{path}': it cannot be read as an .npz file of arrays (File is not a zip file); "
        "write it again with numpy.savez"
    )
