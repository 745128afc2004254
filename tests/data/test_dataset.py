import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sweepcnn.data import Dataset, LabelledImages, Split, decoding, folder, load_test, load_training
from sweepcnn.errors import InputError

from .pictures import write_folder, write_npz

SIZE = 5


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEPCNN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("SWEEPCNN_DATASET", raising=False)


def training(root: Path, **options: Any) -> Dataset:
    return load_training(str(root), image_size=SIZE, **options)


def held_out_of(root: Path, **options: Any) -> LabelledImages:
    return load_test(str(root), image_size=SIZE, **options)


def images(split: Split) -> set[bytes]:
    """The images of a split by their pixels; the tests' images all differ."""
    found = {image.numpy().tobytes() for image in split.pick(range(len(split)))}
    assert len(found) == len(split)
    return found


def three_parts(root: Path) -> Path:
    for seed, (part, count) in enumerate({"train": 8, "val": 3, "test": 2}.items()):
        write_folder(root / part, {"cat": count, "dog": count}, seed)
    return root


def test_a_flat_folder_is_split_three_ways_per_class(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "pets", {"cat": 10, "dog": 20})
    found, held_out = training(root), held_out_of(root)
    assert found.name == held_out.name == "pets"
    assert found.classes == held_out.classes == ("cat", "dog")
    assert np.bincount(held_out.split.labels).tolist() == [2, 4]
    assert np.bincount(found.val.labels).tolist() == [2, 3]
    assert np.bincount(found.train.labels).tolist() == [6, 13]
    parts = [images(found.train), images(found.val), images(held_out.split)]
    assert len(set.union(*parts)) == 30


def test_what_is_loaded_has_the_promised_types(tmp_path: Path) -> None:
    found = training(write_folder(tmp_path / "pets", {"cat": 5, "dog": 5}))
    for split in (found.train, found.val):
        picked = split.pick([1, 0])
        assert picked.shape == (2, SIZE, SIZE, 3)
        assert picked.dtype == torch.uint8
        assert split.labels.dtype == torch.int64
        assert len(split) == len(split.labels)


def test_images_keep_their_labels(tmp_path: Path) -> None:
    values = np.arange(40, dtype=np.uint8)
    grey = np.broadcast_to(values[:, None, None], (40, 3, 3))
    path = write_npz(tmp_path / "a.npz", train_x=grey, train_y=values % 4)
    found, held_out = training(path), held_out_of(path)
    for split in (found.train, found.val, held_out.split):
        assert (split.pick(range(len(split)))[:, 0, 0, 0] % 4 == split.labels).all()


def test_the_split_is_the_same_again_and_another_with_another_seed(tmp_path: Path) -> None:
    root = write_folder(tmp_path / "pets", {"cat": 10, "dog": 20})
    first, again, other = training(root), training(root), training(root, split_seed=1)
    assert again.split_hash == first.split_hash
    assert again.cache_key == first.cache_key
    assert images(again.val) == images(first.val)
    assert other.split_hash != first.split_hash
    assert images(held_out_of(root, split_seed=1).split).isdisjoint(
        images(other.train) | images(other.val)
    )


def test_the_split_does_not_depend_on_when_files_were_written(tmp_path: Path) -> None:
    one = write_folder(tmp_path / "one" / "pets", {"cat": 10, "dog": 20})
    two = tmp_path / "two" / "pets"
    for path in sorted(one.rglob("*.png"), reverse=True):
        copy = two / path.relative_to(one)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
        os.utime(copy, ns=(0, 10**9))
    first, second = training(one), training(two)
    assert second.split_hash == first.split_hash
    assert images(second.val) == images(first.val)
    assert second.cache_key != first.cache_key


@pytest.mark.parametrize("part", ["val", "test"])
def test_an_official_test_set_is_kept_apart(tmp_path: Path, part: str) -> None:
    write_folder(tmp_path / "train", {"cat": 10, "dog": 10})
    write_folder(tmp_path / part, {"cat": 3, "dog": 3}, seed=1)
    found, held_out = training(tmp_path), held_out_of(tmp_path)
    assert (len(found.train), len(found.val), len(held_out.split)) == (16, 4, 6)
    assert images(held_out.split).isdisjoint(images(found.train) | images(found.val))


def test_an_official_validation_split_is_used(tmp_path: Path) -> None:
    found = training(three_parts(tmp_path), val_fraction=0.9, split_seed=3)
    assert (len(found.train), len(found.val)) == (16, 6)
    assert len(held_out_of(tmp_path).split) == 4
    assert images(found.val).isdisjoint(images(found.train))


@pytest.mark.parametrize("flat", [True, False])
def test_training_never_opens_a_test_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flat: bool
) -> None:
    opened: set[Path] = set()

    def noting(path: Path) -> Any:
        opened.add(path)
        return decoding.read_rgb(path)

    monkeypatch.setattr(folder, "read_rgb", noting)
    root = tmp_path / "pets"
    if flat:
        write_folder(root, {"cat": 10, "dog": 20})
    else:
        three_parts(root)
    training(root)
    by_training = set(opened)
    opened.clear()
    held_out_of(root)
    assert by_training.isdisjoint(opened)
    assert by_training | opened == set(root.rglob("*.png"))


def test_broken_images_are_counted_and_in_no_split(tmp_path: Path) -> None:
    write_folder(tmp_path / "train", {"cat": 10, "dog": 10})
    write_folder(tmp_path / "test", {"cat": 3, "dog": 3}, seed=1)
    for broken in ("train/cat/003.png", "train/dog/000.png", "test/dog/001.png"):
        (tmp_path / broken).write_text("no picture")
    found, held_out = training(tmp_path), held_out_of(tmp_path)
    assert (found.skipped, held_out.skipped) == (2, 1)
    assert len(found.train) + len(found.val) == 18
    assert len(held_out.split) == 5
    black = bytes(SIZE * SIZE * 3)
    assert black not in images(found.train) | images(found.val) | images(held_out.split)


@pytest.mark.parametrize(
    ("part", "load", "message"),
    [
        ("train", training, "class 'cat': it has 1 usable images, but needs 2 (train, validation)"),
        ("test", held_out_of, "class 'cat': it has 0 usable images, but needs 1 (test)"),
    ],
)
def test_a_class_of_which_too_much_is_broken_is_an_error(
    tmp_path: Path, part: str, load: Callable[[Path], object], message: str
) -> None:
    write_folder(tmp_path / "train", {"cat": 3, "dog": 3})
    write_folder(tmp_path / "test", {"cat": 2, "dog": 2})
    for number in range(2):
        (tmp_path / part / "cat" / f"{number:03}.png").write_text("no picture")
    with pytest.raises(InputError) as caught:
        load(tmp_path)
    assert str(caught.value) == message + "; add images or remove the class"


@pytest.mark.parametrize(("part", "split"), [("train", "train"), ("val", "validation")])
def test_given_splits_must_each_keep_every_class(tmp_path: Path, part: str, split: str) -> None:
    three_parts(tmp_path)
    for path in (tmp_path / part / "dog").iterdir():
        path.write_text("no picture")
    with pytest.raises(InputError, match=rf"class 'dog': it has 0 .* but needs 1 \({split}\)"):
        training(tmp_path)


def test_numbers_out_of_range_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        load_training("digits", image_size=0, val_fraction=0.0, test_fraction=1.0, split_seed=-1)
    assert [str(problem) for problem in caught.value.problems] == [
        "val_fraction 0.0: it must lie above 0 and below 1; take 0.2, for example",
        "test_fraction 1.0: it must lie above 0 and below 1; take 0.2, for example",
        "image_size 0: it must be 1 or above; take 64, for example",
        "split_seed -1: it must be 0 or above; take 0, for example",
    ]


def test_the_environment_names_the_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write_folder(tmp_path / "pets", {"cat": 4, "dog": 4})
    monkeypatch.setenv("SWEEPCNN_DATASET", str(root))
    assert load_training("cifar10", image_size=SIZE).name == "pets"
    assert load_test("cifar10", image_size=SIZE).name == "pets"


def test_digits_need_no_download(tmp_path: Path) -> None:
    totals: list[tuple[int, int]] = []
    found = load_training(
        "digits",
        image_size=8,
        cache_dir=tmp_path / "own",
        progress=lambda done, total: totals.append((done, total)),
    )
    held_out = load_test("digits", image_size=8, cache_dir=tmp_path / "own")
    assert totals[-1] == (1438, 1438)
    assert len(found.train) + len(found.val) + len(held_out.split) == 1797
    assert not (tmp_path / "cache").exists()


def test_a_split_may_be_all_of_its_images() -> None:
    pixels = torch.arange(24, dtype=torch.uint8).view(2, 2, 2, 3)
    split = Split(pixels, torch.tensor([0, 1]))
    assert (split.pick([1]) == pixels[1:]).all()
    assert (split.gather(torch.tensor([1, 0])) == pixels.flip(0)).all()
