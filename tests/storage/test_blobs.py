"""Blobs: named by content, there in full or not at all."""

import asyncio
import base64
import errno
import hashlib
import os
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepcnn.storage.blobs import Blob, BlobStore, DigestError, TooLargeError


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


def test_an_upload_that_is_not_what_was_announced_leaves_nothing(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    with pytest.raises(DigestError) as error:
        asyncio.run(store.put(stream([b"other"]), limit=100, md5=md5(b"announced")))
    assert error.value.found == md5(b"other")
    assert files(tmp_path) == []


def md5(content: bytes) -> str:
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def put_part(store: BlobStore, number: int, content: bytes) -> None:
    part = stream([content[:2], content[2:]])
    asyncio.run(store.put_part(7, number, part, limit=100, md5=md5(content)))


def test_parts_are_joined_in_the_order_asked_for(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    for number, content in ((2, b"two"), (1, b"no"), (1, b"one"), (3, b"three")):
        put_part(store, number, content)
    blob = store.join(7, [1, 2, 3], md5=md5(b"onetwothree"))
    assert store.read(blob.sha256) == b"onetwothree"
    store.drop_parts(7, [1, 2, 3, 4])
    assert files(tmp_path) == [store.path(blob.sha256)]


def test_parts_that_are_missing_or_make_another_file_make_no_blob(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    put_part(store, 1, b"one")
    parts = files(tmp_path)
    with pytest.raises(FileNotFoundError):
        store.join(7, [1, 2], md5=md5(b"onetwo"))
    with pytest.raises(DigestError):
        store.join(7, [1], md5=md5(b"two"))
    with pytest.raises(DigestError):
        asyncio.run(store.put_part(7, 2, stream([b"x"]), limit=100, md5=md5(b"two")))
    with pytest.raises(TooLargeError):
        asyncio.run(store.put_part(7, 2, stream([b"two"]), limit=2, md5=md5(b"two")))
    assert files(tmp_path) == parts


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BlobStore(tmp_path)

    def no_room(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", no_room)
    with pytest.raises(OSError, match="No space left"):
        put(store, [b"content"])
    assert files(tmp_path) == []


def test_a_blob_is_durable_before_it_is_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlobStore(tmp_path)
    synced: list[str] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    blob = put(store, [b"content"])
    folder, file, place = synced
    assert (folder, place) == (str(tmp_path), str(store.path(blob.sha256).parent))
    assert file.startswith(str(tmp_path / "incoming"))


def test_uploads_that_a_killed_server_left_are_cleared_away(tmp_path: Path) -> None:
    BlobStore(tmp_path)
    old, new = tmp_path / "incoming" / "old", tmp_path / "incoming" / "new"
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, time.time() - 3 * 24 * 3600))
    BlobStore(tmp_path)
    assert files(tmp_path) == [new]


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "/" + "a" * 63, "a" * 63])
def test_what_is_no_digest_has_no_place(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256"):
        BlobStore(tmp_path).path(name)
