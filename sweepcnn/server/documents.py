"""JSON that clients send as text inside their requests."""

import json
from typing import Any

from sweepcnn.server.errors import ApiError

_DEEPEST = 100  # levels


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
        ApiError: it is no JSON, not an object, or nested too deeply.
    """
    value = read(text, what)
    if not isinstance(value, dict):
        raise ApiError(f"{what} must be a JSON object", 400)
    _check_depth(value, what)
    return value


def _check_depth(value: dict[str, Any], what: str) -> None:
    level: list[Any] = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, dict | list)
        ]
        if not level:
            return
    raise ApiError(f"{what} is nested more than {_DEEPEST} levels deep", 400)
