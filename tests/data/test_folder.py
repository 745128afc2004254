import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweepcnn.data.folder import image_folder
from sweepcnn.errors import InputError

from .pictures import noise, write_folder


def errors_of(root: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        image_folder(root, "set")
    return [str(problem) for problem in caught.value.problems]


def test_a_flat_folder_has_no_test_set(tmp_path: Path) -> None:
    source = image_folder(write_folder(tmp_path, {"dog": 3, "cat": 4}), "pets")
    assert source.name == "pets"
    assert source.classes == ("cat", "dog")
    assert source.test is None
    assert source.validation is None
    assert source.training.ids[0] == "cat/000.png"
    assert source.training.labels.tolist() == [0] * 4 + [1] * 3


@pytest.mark.parametrize("part", ["test", "val"])
def test_with_train_the_one_other_part_is_the_test_set(tmp_path: Path, part: str) -> None:
    write_folder(tmp_path / "train", {"cat": 2, "dog": 2})
    write_folder(tmp_path / part, {"cat": 1, "dog": 1})
    source = image_folder(tmp_path, "pets")
    assert source.validation is None
    assert len(source.training) == 4
    assert source.test is not None
    assert source.test().ids == (f"{part}/cat/000.png", f"{part}/dog/000.png")


def test_with_val_and_test_val_is_the_validation_split(tmp_path: Path) -> None:
    for part in ("train", "val", "test"):
        write_folder(tmp_path / part, {"cat": 1, "dog": 1})
    source = image_folder(tmp_path, "pets")
    assert source.validation is not None
    assert source.validation.tolist() == [False, False, True, True]
    assert source.training.ids[2:] == ("val/cat/000.png", "val/dog/000.png")
    assert source.test is not None
    assert source.test().ids == ("test/cat/000.png", "test/dog/000.png")


def test_train_alone_is_held_out_of(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", {"cat": 3, "dog": 3})
    assert image_folder(tmp_path, "pets").test is None


def test_nested_pictures_count_and_hidden_or_other_files_do_not(tmp_path: Path) -> None:
    write_folder(tmp_path, {"cat": 3, "dog": 3})
    (tmp_path / "cat" / "deep" / "er").mkdir(parents=True)
    noise(0).save(tmp_path / "cat" / "deep" / "er" / "A.JPG")
    for ignored in ("cat/.hidden.png", "cat/notes.txt", "notes.png"):
        noise(0).save(tmp_path / ignored, format="PNG")
    for folder in (".git", "cat/.thumbnails"):
        write_folder(tmp_path / folder, {"x": 1})
    ids = image_folder(tmp_path, "pets").training.ids
    assert ids == (
        *(f"cat/00{i}.png" for i in range(3)),
        "cat/deep/er/A.JPG",
        *(f"dog/00{i}.png" for i in range(3)),
    )


def test_folders_beside_train_are_named_as_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_folder(tmp_path / "train", {"cat": 3, "dog": 3})
    (tmp_path / "valid").mkdir()
    with caplog.at_level(logging.WARNING):
        image_folder(tmp_path, "pets")
    assert caplog.messages == [f"{tmp_path / 'valid'}: ignored; only train, val and test are read"]


def test_the_order_of_the_file_system_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, {"b": 5, "a": 5, "c": 5})
    expected = image_folder(tmp_path, "set").training.ids
    walk, iterdir = os.walk, Path.iterdir

    def backwards(top: Any) -> Iterator[tuple[str, list[str], list[str]]]:
        for where, folders, files in walk(top):
            yield where, folders, sorted(files, reverse=True)

    monkeypatch.setattr(os, "walk", backwards)
    monkeypatch.setattr(Path, "iterdir", lambda path: iter(sorted(iterdir(path), reverse=True)))
    assert image_folder(tmp_path, "set").training.ids == expected


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", {"cat": 3, "dog": 1, "eel": 0})
    write_folder(tmp_path / "test", {"cat": 1, "dog": 0, "fox": 1})
    assert errors_of(tmp_path) == [
        f"{tmp_path / 'test'}: its class folders differ from the training ones (missing: eel; "
        "unknown: fox); give both the same class folders",
        "class 'dog': it has 1 usable images, but needs 2 (train, validation); add images or "
        "remove the class",
        "class 'eel': it has 0 usable images, but needs 2 (train, validation); add images or "
        "remove the class",
        "class 'dog': it has 0 usable images, but needs 1 (test); add images or remove the class",
        "class 'eel': it has 0 usable images, but needs 1 (test); add images or remove the class",
    ]


def test_differing_val_as_test_set_is_named_by_its_own_folder(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", {"cat": 3, "dog": 3})
    write_folder(tmp_path / "val", {"cat": 1, "dog": 1, "fox": 1})
    assert errors_of(tmp_path) == [
        f"{tmp_path / 'val'}: its class folders differ from the training ones (missing: none; "
        "unknown: fox); give both the same class folders"
    ]


def test_an_empty_class_of_the_validation_split_is_an_error(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", {"cat": 1, "dog": 1})
    write_folder(tmp_path / "val", {"cat": 1, "dog": 0})
    write_folder(tmp_path / "test", {"cat": 1, "dog": 1})
    assert errors_of(tmp_path) == [
        "class 'dog': it has 0 usable images, but needs 1 (validation); add images or remove the "
        "class"
    ]


def test_a_flat_class_needs_an_image_for_each_split(tmp_path: Path) -> None:
    assert errors_of(write_folder(tmp_path, {"cat": 3, "dog": 2})) == [
        "class 'dog': it has 2 usable images, but needs 3 (train, validation, test); add images "
        "or remove the class"
    ]


@pytest.mark.parametrize(
    ("classes", "found"), [({}, "found 0 (none)"), ({"cat": 3}, "found 1 (cat)")]
)
def test_fewer_than_two_classes_is_an_error(
    tmp_path: Path, classes: dict[str, int], found: str
) -> None:
    (message,) = errors_of(write_folder(tmp_path, classes))
    assert message == (
        f"{tmp_path}: a classifier needs at least 2 classes, {found}; put the images of each "
        "class into a folder of its own (<class>/* or train/<class>/*), or number them in train_y"
    )
