"""Manifests of artifacts on the wire: JSON documents that list an artifact's files."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sweepcnn.server.errors import ApiError
from sweepcnn.storage.artifact_files import Entry
from sweepcnn.storage.columns import NAME_BYTES

MAX_BYTES = 128 * 2**20
MAX_FILES = 500_000
_MAX_REFERENCE = 8192
_MAX_EXTRA = 16_384
_MAX_SIZE = 2**43  # times MAX_FILES, still a number that databases hold

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class Item(BaseModel):
    """What a manifest tells of a file; further keys are the client's own."""

    model_config = ConfigDict(frozen=True)

    digest: str = Field(max_length=_MAX_REFERENCE)
    size: int = Field(0, ge=0, le=_MAX_SIZE)
    birthArtifactID: str | None = Field(None, max_length=200)  # noqa: N815
    ref: str | None = Field(None, max_length=_MAX_REFERENCE)
    extra: dict[str, Any] = {}


def read(text: str) -> Iterator[tuple[str, Item]]:
    """Give the files of a manifest with their paths, one at a time: never all of them in memory.

    Raises:
        ApiError: it is no manifest, or a file in it breaks a rule.
    """
    try:
        for key, start in _members(text, 0, until="contents"):
            if key == "contents":
                for path, value in _members(text, start):
                    check_path(path)
                    yield path, _item(path, value)
                return
    except (ValueError, IndexError, RecursionError) as error:
        raise ApiError(f"the artifact's manifest is no JSON: {str(error)[:200]}", 400) from None
    raise ApiError('the artifact\'s manifest has no "contents"', 400)


def _members(text: str, start: int, until: str | None = None) -> Iterator[tuple[str, Any]]:
    """Give the members of the object that starts there, the last as the place of its value.

    Args:
        text: JSON.
        start: where the object starts.
        until: the key of the last member to give; null for all, and their values.
    """
    place = _expect(text, start, "{")
    if text[place] == "}":
        return
    while True:
        key, place = _DECODER.raw_decode(text, place)
        if not isinstance(key, str):
            raise ValueError(f"a key is expected before {place}")
        place = _expect(text, place, ":")
        if key == until:
            yield key, place
            return
        value, place = _DECODER.raw_decode(text, place)
        yield key, value
        place = _skip(text, place)
        if text[place] == "}":
            return
        place = _expect(text, place, ",")


def _expect(text: str, start: int, character: str) -> int:
    place = _skip(text, start)
    if text[place] != character:
        raise ValueError(f"{character!r} is expected at {place}")
    return _skip(text, place + 1)


def _skip(text: str, start: int) -> int:
    space = _SPACE.match(text, start)
    assert space is not None
    return space.end()


def check_path(path: str) -> None:
    """Check the path of a file in an artifact.

    Raises:
        ApiError: it is empty, too long, leaves the artifact or cannot be stored.
    """
    try:
        size = len(path.encode())
    except UnicodeEncodeError:  # half a character
        size = 0
    leaves = path.startswith("/") or ".." in path.split("/")
    if leaves or "\0" in path or not 1 <= size <= NAME_BYTES:
        rule = f"must be a path inside the artifact of 1 to {NAME_BYTES} bytes in UTF-8"
        raise ApiError(f"file name {path[:200]!a}: {rule}", 400)


def _item(path: str, value: Any) -> Item:
    try:
        item = Item.model_validate(value)
        for text in (item.digest, item.ref or ""):
            text.encode()
    except ValidationError as error:
        rules = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()
        )
        raise ApiError(f"file {path[:200]!r} in the manifest: {rules[:500]}", 400) from None
    except UnicodeEncodeError as error:
        raise ApiError(f"file {path[:200]!r} in the manifest: {error}", 400) from None
    if item.ref is None and not is_md5(item.digest):
        rule = "must be an MD5 in base64, for the file is no reference"
        raise ApiError(f"digest {item.digest[:80]!r} of file {path[:200]!r}: {rule}", 400)
    return item


def is_md5(digest: str) -> bool:
    """Tell whether a text is an MD5 in base64, written as it is always written."""
    try:
        found = base64.b64decode(digest, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(found) == 16 and base64.b64encode(found).decode() == digest


def entry(artifact_id: int, path: str, item: Item) -> Entry:
    """Give the row of a file.

    Raises:
        ApiError: what the client notes of it is too long.
    """
    extra = json.dumps(item.extra) if item.extra else None
    if extra and len(extra) > _MAX_EXTRA:
        rule = f"has more than {_MAX_EXTRA} characters"
        raise ApiError(f"extra of file {path[:200]!r} in the manifest {rule}", 400)
    return Entry(artifact_id, path, item.digest, item.size, item.ref, extra)


class Merged:
    """A manifest of our own: of all files of an artifact, whoever brought them.

    Args:
        artifact_id: the artifact's id on the wire.
        entries: its files by path, in the order of code points.
    """

    def __init__(self, artifact_id: str, entries: Iterable[Entry]) -> None:
        self._artifact_id = artifact_id
        self._entries = entries
        self._digest = hashlib.md5(b"wandb-artifact-manifest-v1\n", usedforsecurity=False)

    @property
    def digest(self) -> str:
        """The digest of the artifact as W&B's client computes it; complete after `write`."""
        return self._digest.hexdigest()

    def write(self) -> Iterator[bytes]:
        """Give the document piece by piece."""
        yield b'{"version": 1, "storagePolicy": "wandb-storage-policy-v1", '
        yield b'"storagePolicyConfig": {"storageLayout": "V2"}, "contents": {'
        separator = ""
        for found in self._entries:
            self._digest.update(f"{found.path}:{found.md5}\n".encode())
            yield f"{separator}{json.dumps(found.path)}: {self._described(found)}".encode()
            separator = ", "
        yield b"}}"

    def _described(self, found: Entry) -> str:
        item: dict[str, Any] = {"digest": found.md5, "size": found.size}
        if found.ref is None:
            item["birthArtifactID"] = self._artifact_id
        else:
            item["ref"] = found.ref
        if found.extra:
            item["extra"] = json.loads(found.extra)
        return json.dumps(item)
