"""Arrays in an .npz file: train_x, train_y and, where there are any, test_x, test_y, classes."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.lib.format as npy
from numpy.typing import NDArray

from sweepcnn.data.arrays import row_ids, row_reader
from sweepcnn.data.source import Pool, Reader, Source, shortages, too_few_classes
from sweepcnn.errors import InputError, Problem

UNREADABLE = (ValueError, OSError, EOFError, BadZipFile, zlib.error)


@dataclass(frozen=True)
class Header:
    """What is known of an array without reading it."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stamp: str


Headers = dict[str, Header]


def npz_file(path: Path) -> Source:
    """List the pictures of an .npz file, which must exist; those of the test set stay unread.

    `train_x`, `test_x`: uint8 [n x h x w], [n x h x w x 1] or [n x h x w x 3]. `train_y`,
    `test_y`: integers [n] or [n x 1], 0..classes-1. `classes`: names, an array of strings;
    without it classes are named by their numbers. Without test_x and test_y the test set is
    still to be held out. Nothing is unpickled.

    The cache is keyed by the size and CRC-32 that the archive records of each array: that is
    by content, yet costs no reading.

    Raises:
        InputError: not such a file, or every fault of its arrays at once.
    """
    headers = _headers(path)
    has_test = bool(headers.keys() & {"test_x", "test_y"})
    problems = _image_problems(path, headers, "train")
    names = _class_names(path, headers, problems)
    train_y = _labels(path, headers, "train", problems)
    if names is None and train_y is not None:
        names = _numbered_classes(path, train_y, problems)
    test_y = None
    if has_test:
        problems += _image_problems(path, headers, "test")
        test_y = _labels(path, headers, "test", problems)
    if names is not None:
        for array, labels in (("train_y", train_y), ("test_y", test_y)):
            problems += _range_problems(path, array, labels, len(names))
    if problems:
        raise InputError(problems)
    assert names is not None
    assert train_y is not None
    return _source(path, headers, names, train_y, test_y)


def _source(
    path: Path,
    headers: Headers,
    classes: tuple[str, ...],
    train_y: NDArray[np.int64],
    test_y: NDArray[np.int64] | None,
) -> Source:
    source = Source(
        path.stem,
        classes,
        _pool(path, headers, "train_x", train_y),
        test=None if test_y is None else lambda: _pool(path, headers, "test_x", test_y),
    )
    problems = [*too_few_classes(str(path), classes), *source.shortages()]
    if test_y is not None:
        problems += shortages(classes, test_y, ["test"])
    if problems:
        raise InputError(problems)
    return source


def _pool(path: Path, headers: Headers, array: str, labels: NDArray[np.int64]) -> Pool:
    def reader() -> Reader:
        return row_reader(_read(path, array))

    return Pool(
        place=f"{path} {array}",
        ids=row_ids(len(labels)),
        stamps=(f"{array} {headers[array].stamp}",) * len(labels),
        labels=labels,
        reader=reader,
    )


def _headers(path: Path) -> Headers:
    """Read the header of every array; an array that has none that NumPy knows is an error."""
    headers = {}
    try:
        with ZipFile(path) as archive:
            for member in archive.infolist():
                with archive.open(member) as stream:
                    first = npy.read_magic(stream) == (1, 0)
                    read = npy.read_array_header_1_0 if first else npy.read_array_header_2_0
                    shape, _, dtype = read(stream)
                stamp = f"{member.file_size}-{member.CRC:08x}"
                headers[member.filename.removesuffix(".npy")] = Header(shape, dtype, stamp)
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    return headers


def _read(path: Path, array: str) -> NDArray[Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            found: NDArray[Any] = archive[array]
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    return found


def _unreadable(path: Path, error: Exception) -> InputError:
    return InputError(
        Problem(
            f"dataset {str(path)!r}",
            f"it cannot be read as an .npz file of arrays ({error})",
            "write it again with numpy.savez",
        )
    )


def _missing(path: Path, array: str) -> Problem:
    return Problem(
        f"{path}: {array}",
        "there is no such array",
        "write train_x and train_y, and for a test set test_x and test_y, with numpy.savez",
    )


def _image_problems(path: Path, headers: Headers, part: str) -> list[Problem]:
    array = f"{part}_x"
    if array not in headers:
        return [_missing(path, array)]
    found, problems = headers[array], []
    if found.dtype != np.uint8:
        problems.append(
            Problem(
                f"{path}: {array} is {found.dtype}",
                "images must be uint8, 0 to 255",
                f"convert with {array}.astype(numpy.uint8) after scaling to 0..255",
            )
        )
    shape = found.shape
    channels = shape[3:] or (1,)
    if len(shape) not in (3, 4) or channels not in ((1,), (3,)) or 0 in shape:
        problems.append(
            Problem(
                f"{path}: {array} has the shape {shape}",
                "images must be N x H x W or N x H x W x C with C 1 or 3, and none of it 0",
                "transpose or reshape it",
            )
        )
    return problems


def _labels(
    path: Path, headers: Headers, part: str, problems: list[Problem]
) -> NDArray[np.int64] | None:
    """Read the labels as int64 [n]; None, and the fault in `problems`, where they are unfit."""
    array = f"{part}_y"
    if array not in headers:
        problems.append(_missing(path, array))
        return None
    found, images = headers[array], headers.get(f"{part}_x")
    if found.dtype.kind not in "iu":
        problems.append(
            Problem(
                f"{path}: {array} is {found.dtype}",
                "labels must be integers",
                "number the classes from 0, and put their names into an array `classes`",
            )
        )
        return None
    fits = len(found.shape) in (1, 2) and found.shape[1:] in ((), (1,))
    if not fits or (images and images.shape[:1] != found.shape[:1]) or 0 in found.shape:
        problems.append(
            Problem(
                f"{path}: {array} has the shape {found.shape}",
                f"labels must be N or N x 1, one for each image of {part}_x"
                + (f" {images.shape}" if images else ""),
                "write one label an image",
            )
        )
        return None
    return _read(path, array).reshape(-1).astype(np.int64)


def _class_names(path: Path, headers: Headers, problems: list[Problem]) -> tuple[str, ...] | None:
    """The array `classes`; None where there is none, or where it is unfit."""
    if "classes" not in headers:
        return None
    found = headers["classes"]
    if found.dtype.kind != "U" or len(found.shape) != 1:
        problems.append(
            Problem(
                f"{path}: classes is {found.dtype} of shape {found.shape}",
                "class names must be an array of strings",
                "write it as numpy.array([...], dtype=str)",
            )
        )
        return None
    names = tuple(map(str, _read(path, "classes")))
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems.append(
            Problem(
                f"{path}: classes names {', '.join(map(repr, twice))} twice",
                "class names must differ",
                "rename one of them",
            )
        )
    return names


def _numbered_classes(
    path: Path, train_y: NDArray[np.int64], problems: list[Problem]
) -> tuple[str, ...] | None:
    """Name the classes by their numbers, which must leave no gap."""
    present = np.unique(train_y)
    if present[0] == 0 and present[-1] == len(present) - 1:
        return tuple(map(str, present))
    problems.append(
        Problem(
            f"{path}: train_y has {len(present)} different labels from {present[0]} to "
            f"{present[-1]}",
            "labels must be 0 to classes-1 without gaps",
            "number the classes again, for example with numpy.unique(y, return_inverse=True)",
        )
    )
    return None


def _range_problems(
    path: Path, array: str, labels: NDArray[np.int64] | None, classes: int
) -> list[Problem]:
    if labels is None or (labels.min() >= 0 and labels.max() < classes):
        return []
    return [
        Problem(
            f"{path}: {array} has labels from {labels.min()} to {labels.max()}",
            f"labels must lie in 0..{classes - 1}, for there are {classes} classes",
            "correct the labels, or the array `classes`",
        )
    ]
