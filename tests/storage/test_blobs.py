"""Blobs: named by content, there in full or not at all."""

import asyncio
import base64
import hashlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.storage.blobs import Blob, BlobStore, TooLargeError


async def stream(chunks: Sequence[bytes], *, breaks: bool = False) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
    if breaks:
        raise ConnectionResetError("the client is gone")


def put(store: BlobStore, chunks: Sequence[bytes], *, limit: int = 10_000) -> Blob:
    return asyncio.run(store.put(stream(chunks), limit=limit))


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_a_blob_bears_the_name_of_its_content(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes]
) -> None:
    content = b"".join(chunks)
    store = BlobStore(tmp_path_factory.mktemp("blobs"))
    blob = put(store, chunks)
    md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
    assert blob == Blob(hashlib.sha256(content).hexdigest(), md5, len(content))
    assert store.read(blob.sha256) == content


def test_equal_content_is_kept_once(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    assert put(store, [b"ab", b"c"]) == put(store, [b"abc"])
    assert len(files(tmp_path)) == 1


def test_a_broken_off_upload_leaves_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with pytest.raises(ConnectionResetError):
        asyncio.run(store.put(stream([b"half"], breaks=True), limit=100))
    assert files(tmp_path) == []


def test_an_upload_past_its_limit_leaves_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    assert put(store, [b"x" * 10], limit=10).size == 10
    with pytest.raises(TooLargeError):
        put(store, [b"y" * 10, b"y"], limit=10)
    assert len(files(tmp_path)) == 1


def test_uploads_that_a_killed_server_left_are_cleared_away(tmp_path: Path) -> None:
    BlobStore(tmp_path)
    old, new = tmp_path / "incoming" / "old", tmp_path / "incoming" / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, time.time() - 2 * 24 * 3600))
    BlobStore(tmp_path)
    assert files(tmp_path) == [new]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "/" + "a" * 63, "a" * 63])
def test_what_is_no_digest_has_no_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        BlobStore(tmp_path).path(name)
