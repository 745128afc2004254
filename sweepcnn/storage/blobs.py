"""Files by content: the name of a blob is the SHA-256 of its bytes."""

import asyncio
import base64
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_ABANDONED_S = 48 * 3600  # longer than any address for an upload is good
_CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class Blob:
    """What is known of a stored blob."""

    sha256: str
    """Hexadecimal."""
    md5: str
    """Base64, as W&B's client states and checks digests."""
    size: int
    """Bytes."""


class TooLargeError(Exception):
    """An upload went on past its limit."""


class DigestError(Exception):
    """An upload is not what was announced.

    Args:
        found: the MD5 of what came, base64.
    """

    def __init__(self, found: str) -> None:
        super().__init__(found)
        self.found = found


class BlobStore:
    """A folder of blobs. Written to a temporary file, synced, then renamed: never half there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        for path in self._incoming.iterdir():  # a killed server leaves uploads half done
            if path.stat().st_mtime < time.time() - _ABANDONED_S:
                path.unlink(missing_ok=True)

    async def put(
        self, chunks: AsyncIterable[bytes], *, limit: int, md5: str | None = None
    ) -> Blob:
        """Store a stream without holding it in memory.

        Args:
            chunks: the bytes.
            limit: the most bytes that are taken.
            md5: the digest that they must have (base64); null takes any.

        Raises:
            TooLargeError: the stream has more than `limit` bytes; nothing of it is kept.
            DigestError: it has another digest; nothing of it is kept.
        """
        with self._arriving() as arriving:
            async for chunk in chunks:
                arriving.write(chunk, limit=limit)
            return await asyncio.to_thread(self._keep, arriving, md5)  # other requests go on

    async def put_part(
        self, upload: int, number: int, chunks: AsyncIterable[bytes], *, limit: int, md5: str
    ) -> None:
        """Store a part of an upload until the parts are joined; it may be stored again.

        Raises:
            TooLargeError: it has more than `limit` bytes; nothing of it is kept.
            DigestError: it has another digest; nothing of it is kept.
        """
        with self._arriving() as arriving:
            async for chunk in chunks:
                arriving.write(chunk, limit=limit)
            arriving.check(md5)
            place = self._part(upload, number)
            await asyncio.to_thread(arriving.move, place)

    def join(self, upload: int, numbers: Iterable[int], *, md5: str) -> Blob:
        """Join the parts of an upload to a blob.

        Raises:
            FileNotFoundError: a part is not there.
            DigestError: the whole has another digest; nothing of it is kept.
        """
        with self._arriving() as arriving:
            for number in numbers:
                with self._part(upload, number).open("rb") as part:
                    while chunk := part.read(_CHUNK_BYTES):
                        arriving.write(chunk)
            return self._keep(arriving, md5)

    def drop_parts(self, upload: int, numbers: Iterable[int]) -> None:
        """Delete the parts of an upload that are there."""
        for number in numbers:
            self._part(upload, number).unlink(missing_ok=True)

    def write(self, chunks: Iterable[bytes]) -> Blob:
        """Store what this program itself writes."""
        with self._arriving() as arriving:
            for chunk in chunks:
                arriving.write(chunk)
            return self._keep(arriving, None)

    def check_writable(self) -> None:
        """Make sure that an upload could be taken now.

        Raises:
            OSError: it could not.
        """
        with tempfile.TemporaryFile(dir=self._incoming) as file:
            file.write(b"\0")

    def free_bytes(self) -> int:
        """Give the room that is left for blobs."""
        return shutil.disk_usage(self._folder).free

    def path(self, sha256: str) -> Path:
        """Give the place of a blob; whether it is there is not checked."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError(f"{sha256!r} is no SHA-256 in hexadecimal")
        return self._folder / sha256[:2] / sha256

    def read(self, sha256: str) -> bytes:
        """Give a small blob's bytes."""
        return self.path(sha256).read_bytes()

    @contextmanager
    def _arriving(self) -> Iterator["_Arriving"]:
        arriving = _Arriving(self._incoming)
        try:
            yield arriving
        finally:
            arriving.drop()

    def _keep(self, arriving: "_Arriving", md5: str | None) -> Blob:
        blob = arriving.check(md5)
        target = self.path(blob.sha256)
        if not target.parent.exists():
            target.parent.mkdir(exist_ok=True)
            _sync(self._folder)
        arriving.move(target)
        return blob

    def _part(self, upload: int, number: int) -> Path:
        return self._incoming / f"upload-{upload}-part-{number}"


class _Arriving:
    """A file that is being written; it is gone again unless it is moved to its place."""

    def __init__(self, folder: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=folder)
        self._path = Path(name)
        self._file = os.fdopen(descriptor, "wb")
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self._size = 0

    def write(self, chunk: bytes, *, limit: int | None = None) -> None:
        self._size += len(chunk)
        if limit is not None and self._size > limit:
            raise TooLargeError
        self._sha256.update(chunk)
        self._md5.update(chunk)
        self._file.write(chunk)

    def check(self, md5: str | None) -> Blob:
        """Tell what came, if it is what was announced."""
        found = base64.b64encode(self._md5.digest()).decode()
        if md5 is not None and found != md5:
            raise DigestError(found)
        return Blob(self._sha256.hexdigest(), found, self._size)

    def move(self, target: Path) -> None:
        """Make it durable in its place: the bytes first, then the name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._path.replace(target)
        _sync(target.parent)

    def drop(self) -> None:
        """Close the file, and delete it where it was not moved."""
        try:
            self._file.close()  # writes what is left, for which there may be no room
        finally:
            self._path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
