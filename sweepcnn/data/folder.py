"""Image folders: one folder a class, with or without train, val and test above them."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from sweepcnn.data.decoding import read_rgb
from sweepcnn.data.source import Pool, Source, shortages, too_few_classes
from sweepcnn.errors import InputError, Problem

logger = logging.getLogger(__name__)

EXTENSIONS = (
    ".bmp",
    ".gif",
    ".jpeg",
    ".jpg",
    ".pbm",
    ".pgm",
    ".png",
    ".ppm",
    ".tif",
    ".tiff",
    ".webp",
)
"""Endings of names that count as pictures, in upper or lower case; other files are ignored."""

Listing = Mapping[str, list[str]]
"""Class name -> sorted paths of its pictures, relative to the data set's folder."""


def image_folder(root: Path, name: str) -> Source:
    """List an image folder, which must exist, without opening a picture.

    Layouts: `train/<class>/*` with `test/<class>/*` or `val/<class>/*` as the test set; with
    both, val is the validation split; with neither, or as a flat `<class>/*`, the test set
    is still to be held out. Pictures nested deeper in a class folder count; hidden files and
    folders do not. Classes are the sorted folder names of the training part.

    Raises:
        InputError: fewer than two classes, parts with differing classes, classes with too few
            pictures; all of them at once.
    """
    parts = _subfolders(root)
    if "train" not in parts:
        return _source(root, name, _listing(root, root))
    for stray in sorted(set(parts) - {"train", "val", "test"}):
        logger.warning("%s: ignored; only train, val and test are read", root / stray)
    train = _listing(root, root / "train")
    others = {part: _listing(root, root / part) for part in ("val", "test") if part in parts}
    differences = [
        problem
        for part, listing in others.items()
        for problem in _differences(root / part, set(train), set(listing))
    ]
    if "test" not in others:  # then val is the untouched test set, and a validation split is drawn
        return _source(root, name, train, test=others.get("val"), problems=differences)
    return _source(root, name, train, others.get("val"), others["test"], differences)


def _source(
    root: Path,
    name: str,
    train: Listing,
    val: Listing | None = None,
    test: Listing | None = None,
    problems: Sequence[Problem] = (),
) -> Source:
    """Put the listed parts together; `problems` are those found while listing them."""
    classes = tuple(sorted(train))
    training = _pool(root, classes, train, val or {})
    in_train = sum(map(len, train.values()))
    test_pool = None if test is None else _pool(root, classes, test)
    source = Source(
        name,
        classes,
        training,
        validation=None if val is None else np.arange(len(training)) >= in_train,
        test=None if test_pool is None else lambda: test_pool,
    )
    problems = [
        *too_few_classes(str(root), classes),
        *problems,
        *source.shortages(),
        *([] if test_pool is None else shortages(classes, test_pool.labels, ["test"])),
    ]
    if problems:
        raise InputError(problems)
    return source


def _differences(part: Path, training: set[str], found: set[str]) -> list[Problem]:
    """The class folders that val or test lacks, or that the training part does not know."""
    if found == training:
        return []
    missing, unknown = (
        ", ".join(sorted(names)) or "none" for names in (training - found, found - training)
    )
    return [
        Problem(
            str(part),
            f"its class folders differ from the training ones (missing: {missing}; "
            f"unknown: {unknown})",
            "give both the same class folders",
        )
    ]


def _subfolders(folder: Path) -> list[str]:
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_dir() and not entry.name.startswith(".")
    )


def _listing(root: Path, part: Path) -> Listing:
    return {name: _pictures(root, part / name) for name in _subfolders(part)}


def _pictures(root: Path, folder: Path) -> list[str]:
    """Sorted, so that nothing depends on the order in which a file system lists its files."""
    found: list[str] = []
    for where, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            (Path(where) / name).relative_to(root).as_posix()
            for name in files
            if not name.startswith(".") and name.lower().endswith(EXTENSIONS)
        ]
    return sorted(found)


def _pool(root: Path, classes: tuple[str, ...], *listings: Listing) -> Pool:
    entries = [
        (path, label)
        for listing in listings
        for label, name in enumerate(classes)
        for path in listing.get(name, ())
    ]
    return Pool(
        place=str(root),
        ids=tuple(path for path, _ in entries),
        stamps=tuple(_stamp(root / path) for path, _ in entries),
        labels=np.array([label for _, label in entries], np.int64),
        reader=lambda: lambda path: read_rgb(root / path),
    )


def _stamp(path: Path) -> str:
    """Size and time of change: to hash the content would cost about as much as the cache saves."""
    try:
        found = path.stat()
    except OSError:  # such as a link to nowhere; decoding will name it as broken
        return "unreadable"
    return f"{found.st_size}-{found.st_mtime_ns}"
