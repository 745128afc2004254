"""Names of files: paths inside a run, and the types that they tell."""

import mimetypes
import posixpath

from sweepcnn.server.errors import ApiError


def clean_name(name: str) -> str:
    """Normalise a file's path in its run, such as `./a/b.txt` to `a/b.txt`.

    Raises:
        ApiError: the path is empty, too long or leaves the run.
    """
    cleaned = posixpath.normpath(name.replace("\\", "/"))
    parts = cleaned.split("/")
    if cleaned in ("", ".") or cleaned.startswith("/") or ".." in parts or len(cleaned) > 1024:
        raise ApiError(f"file name {name[:80]!r}: must be a path inside the run", 400)
    return cleaned


def mimetype(name: str) -> str:
    """Guess the type of a file's content from its name."""
    type_, packing = mimetypes.guess_type(name)
    return type_ if type_ and packing is None else "application/octet-stream"
