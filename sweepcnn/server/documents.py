"""JSON that clients send as text inside their requests."""

import json
from typing import Any

from sweepcnn.server.errors import ApiError


def read(text: str, what: str) -> Any:
    """Read JSON; bare NaN and Infinity are read as Python does.

    Raises:
        ApiError: it is no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ApiError(f"{what} is no JSON", 400) from None


def read_object(text: str, what: str) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ApiError: it is no JSON, or not an object.
    """
    value = read(text, what)
    if not isinstance(value, dict):
        raise ApiError(f"{what} must be a JSON object", 400)
    return value
