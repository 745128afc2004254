"""Ids on the wire: base64 of "Kind:row id", for the client embeds their decoded bytes in URLs."""

import base64
import binascii

from sweepcnn.server.errors import ApiError


def encode(kind: str, row_id: int) -> str:
    """Give the wire id of a row."""
    return base64.b64encode(f"{kind}:{row_id}".encode()).decode()


def decode(kind: str, wire_id: str) -> int:
    """Give the row id of a wire id.

    Raises:
        ApiError: it is no id of that kind.
    """
    try:
        found, _, row_id = base64.b64decode(wire_id, validate=True).decode().partition(":")
        if found == kind and row_id.isdecimal() and len(row_id) < 10:
            return int(row_id)
    except (binascii.Error, ValueError):
        pass
    raise ApiError(f"{wire_id[:80]!r} is no id of a {kind}", 404)
