"""Files by content: the name of a blob is the SHA-256 of its bytes."""

import asyncio
import base64
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterable
from dataclasses import dataclass
from pathlib import Path

_ABANDONED_S = 24 * 3600


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


class BlobStore:
    """A folder of blobs. Written to a temporary file, synced, then renamed: never half there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        for path in self._incoming.iterdir():  # a killed server leaves uploads half done
            if path.stat().st_mtime < time.time() - _ABANDONED_S:
                path.unlink(missing_ok=True)

    async def put(self, chunks: AsyncIterable[bytes], *, limit: int) -> Blob:
        """Store a stream without holding it in memory.

        Raises:
            TooLargeError: the stream has more than `limit` bytes; nothing of it is kept.
        """
        sha256, md5, size = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
        handle, name = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise TooLargeError
                    sha256.update(chunk)
                    md5.update(chunk)
                    file.write(chunk)
                file.flush()
                await asyncio.to_thread(os.fsync, file.fileno())  # other requests go on
            target = self.path(sha256.hexdigest())
            target.parent.mkdir(exist_ok=True)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Blob(sha256.hexdigest(), base64.b64encode(md5.digest()).decode(), size)

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
