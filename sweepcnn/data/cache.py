"""Decoded pictures on disk, so that each is decoded once and not once a run.

A cache is two files: `KEY.npy`, uint8 [n x s x s x 3] with one row a picture of the pool (black
where it is broken), and `KEY.json`, written last, which holds the checksum of the rows and names
the broken pictures. It counts only where both agree: one that was half written or has changed
since is built again.

Files are written under a temporary name, flushed to disk and renamed, so no reader ever sees half
of one and two builders cannot harm each other. A lock makes the second wait, since decoding the
same pictures twice at once helps nobody; where the file system knows no locks, both decode.
"""

import hashlib
import json
import logging
import os
import sys
import tempfile
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from sweepcnn.data.decoding import resize
from sweepcnn.data.source import Pool
from sweepcnn.errors import Problem, WorkError

if sys.platform != "win32":
    import fcntl

logger = logging.getLogger(__name__)

FORMAT = 1
"""Goes into every key; raised whenever the same picture would come out as other pixels."""

ABANDONED_S = 3600.0
"""Seconds without a write after which a temporary file counts as left behind."""

CHUNK = 256
"""Pictures handed to the decoding threads at once; bounds the memory that they hold."""

Progress = Callable[[int, int], None]
"""Called with (done, total) while decoding."""


@dataclass(frozen=True, eq=False)
class Decoded:
    """The decoded pictures of a pool.

    Attributes:
        key: hex digest that names the cache.
        images: uint8 [n x s x s x 3], memory-mapped; what is written to it never reaches the file.
        intact: bool [n], false for the pictures that could not be decoded.
    """

    key: str
    images: NDArray[np.uint8]
    intact: NDArray[np.bool_]


def decoded(pool: Pool, image_size: int, folder: Path, progress: Progress | None) -> Decoded:
    """Read the pool's pictures, `image_size` pixels square, from the cache; build it if need be.

    The key covers the format, the image size and the id and stamp of each picture: any
    picture added, removed or changed makes another cache. Broken pictures are named in the log.

    Raises:
        WorkError: the cache cannot be written.
    """
    key = _key(pool, image_size)
    shape = (len(pool), image_size, image_size, 3)
    found = _read(folder, key, shape)
    if found is None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with _only_one_builder(folder / f"{key}.lock"):
                found = _read(folder, key, shape) or _build(pool, shape, folder, key, progress)
        except OSError as error:
            raise WorkError(
                Problem(
                    f"cache folder {str(folder)!r}",
                    f"it cannot be written ({error})",
                    "free some space, or point the environment variable SWEEPCNN_CACHE_DIR to a "
                    "folder that has it",
                )
            ) from error
    images, broken = found
    for name, reason in broken.items():
        logger.warning("%s: broken image left out (%s)", Path(pool.place) / name, reason)
    return Decoded(key, images, np.array([name not in broken for name in pool.ids]))


def _key(pool: Pool, image_size: int) -> str:
    digest = hashlib.sha256(f"{FORMAT} {image_size}\n".encode())
    for name, stamp in zip(pool.ids, pool.stamps, strict=True):
        digest.update(f"{name}\0{stamp}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()[:32]


Found = tuple[NDArray[np.uint8], dict[str, str]]
"""The images and, by id, why broken ones are broken."""


def _read(folder: Path, key: str, shape: tuple[int, ...]) -> Found | None:
    """Return what a whole and unchanged cache holds; None where there is none."""
    rows, record = folder / f"{key}.npy", folder / f"{key}.json"
    if not record.exists():
        return None
    try:
        noted = json.loads(record.read_text())
        # copy on write: torch wants an array that it may write to
        images = np.load(rows, mmap_mode="c", allow_pickle=False)
        fits = images.shape == shape and images.dtype == np.uint8
        if fits and zlib.crc32(images) == noted["crc32"]:
            return images, noted["broken"]
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        pass  # as good as a wrong checksum
    logger.warning("%s: damaged cache, decoding the images again", rows)
    return None


def _build(
    pool: Pool, shape: tuple[int, ...], folder: Path, key: str, progress: Progress | None
) -> Found:
    _remove_abandoned(folder, key)
    checksum = 0
    broken: dict[str, str] = {}
    black = bytes(shape[1] * shape[2] * 3)
    with _replacing(folder / f"{key}.npy") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )
        for done, (name, row) in enumerate(zip(pool.ids, _decode(pool, shape[1]), strict=True), 1):
            if isinstance(row, str):
                broken[name] = row
            pixels = black if isinstance(row, str) else row
            checksum = zlib.crc32(pixels, checksum)
            file.write(pixels)
            if progress is not None:
                progress(done, len(pool))
    with _replacing(folder / f"{key}.json") as file:
        file.write(json.dumps({"crc32": checksum, "broken": broken}).encode())
    return np.load(folder / f"{key}.npy", mmap_mode="c", allow_pickle=False), broken


def _remove_abandoned(folder: Path, key: str) -> None:
    """Remove what a killed builder left; one that works writes to its file all the time."""
    for file in folder.glob(f"{key}.npy?*"):
        with suppress(FileNotFoundError):
            if time.time() - file.stat().st_mtime > ABANDONED_S:
                file.unlink()


def _decode(pool: Pool, image_size: int) -> Iterator[bytes | str]:
    """Yield, in order, the pixels of each picture, or why it cannot be decoded."""
    read = pool.reader()

    def pixels(name: str) -> bytes | str:
        try:
            return resize(read(name), image_size).tobytes()
        except MemoryError:
            raise  # says nothing about the picture
        except Exception as error:  # noqa: BLE001 - decoders raise anything on a broken file
            return f"{type(error).__name__}: {error}"

    with warnings.catch_warnings(), ThreadPoolExecutor() as threads:
        # Pillow remarks on odd metadata; what cannot be decoded is named by its path instead
        warnings.simplefilter("ignore")
        for start in range(0, len(pool), CHUNK):
            yield from threads.map(pixels, pool.ids[start : start + CHUNK])


@contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    """Write a file of which nobody sees anything until it is whole and on disk."""
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=target.name, delete=False) as file:
        written = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            written.replace(target)
        finally:
            written.unlink(missing_ok=True)


@contextmanager
def _only_one_builder(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        if sys.platform != "win32":
            with suppress(OSError):  # network file systems without locks
                fcntl.flock(file, fcntl.LOCK_EX)
        yield
