"""Names of files: paths inside a run, and the types that they tell."""

import mimetypes
import posixpath

from sweepcnn.server.errors import ApiError
from sweepcnn.storage.columns import NAME_BYTES


def clean_name(name: str) -> str:
    """Normalise a file's path in its run, such as `./a/b.txt` to `a/b.txt`.

    Raises:
        ApiError: the path is empty, too long or leaves the run.
    """
    cleaned = posixpath.normpath(name.replace("\\", "/"))
    parts = cleaned.split("/")
    if cleaned in ("", ".") or cleaned.startswith("/") or ".." in parts or "\0" in cleaned:
        raise ApiError(f"file name {name[:80]!r}: must be a path inside the run", 400)
    size = len(cleaned.encode(errors="replace"))
    if size > NAME_BYTES:
        rule = f"has {size} bytes, at most {NAME_BYTES} are kept; shorten it"
        raise ApiError(f"file name {name[:80]!r} {rule}", 400)
    return cleaned


def mimetype(name: str) -> str:
    """Guess the type of a file's content from its name."""
    type_, packing = mimetypes.guess_type(name)
    return type_ if type_ and packing is None else "application/octet-stream"
