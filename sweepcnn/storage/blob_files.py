"""The blobs' folder as files: what lies in it, and taking out of it what nobody refers to."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

YOUNG_S = 3600.0
"""Seconds for which a file is left alone: it may be on its way, or not yet referred to."""
_PART_S = 48 * 3600.0  # a part waits for the others; longer than any address for one is good


@dataclass(frozen=True)
class BlobFile:
    """A blob as it lies there; `size` in bytes."""

    sha256: str
    size: int


class BlobFolder:
    """The folder of a `BlobStore`, which may be in use by a server.

    Args:
        path: the folder; need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._incoming, self._trash = path / "incoming", path / "trash"

    def path(self, sha256: str) -> Path:
        """Give the place of a blob."""
        return self._path / sha256[:2] / sha256

    def is_empty(self) -> bool:
        """Tell whether there is no blob."""
        return not any(self._path.glob("[0-9a-f][0-9a-f]/*"))

    def old(self) -> Iterator[BlobFile]:
        """Give the blobs that are not young."""
        for folder in sorted(self._path.glob("[0-9a-f][0-9a-f]")):
            for file in sorted(folder.iterdir()):
                size = _size_if_old(file, YOUNG_S)
                if size is not None:
                    yield BlobFile(file.name, size)

    def leftovers(self) -> Iterator[tuple[Path, int]]:
        """Give the files of uploads that were broken off, with their sizes in bytes."""
        if self._incoming.is_dir():
            for file in sorted(self._incoming.iterdir()):
                size = _size_if_old(file, _PART_S if "-part-" in file.name else YOUNG_S)
                if size is not None:
                    yield file, size

    def remove(self, sha256: str) -> bool:
        """Delete a blob; tells whether it was there and old.

        The caller makes sure that nobody refers to it, and that nobody can begin to meanwhile: by
        a writing transaction. An upload of the same bytes may put the file there anew between our
        look and the deletion; so it is moved aside first, and put back if it is not the old one.
        """
        file = self.path(sha256)
        if _size_if_old(file, YOUNG_S) is None:
            return False
        self._trash.mkdir(exist_ok=True)
        aside = self._trash / sha256
        try:
            file.rename(aside)
        except FileNotFoundError:
            return False
        if _size_if_old(aside, YOUNG_S) is None:
            aside.rename(file)
            return False
        aside.unlink()
        return True

    def restore(self) -> int:
        """Put back what a killed process had moved aside; gives how many files."""
        found = list(self._trash.iterdir()) if self._trash.is_dir() else []
        for aside in found:
            aside.rename(self.path(aside.name))
        return len(found)


def _size_if_old(file: Path, young_s: float) -> int | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_size if found.st_mtime < time.time() - young_s else None
