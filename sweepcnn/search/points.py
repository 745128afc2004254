"""Points, and when two of them are the same."""

import json
import math
from collections.abc import Hashable, Mapping
from typing import Any

Point = dict[str, Any]
"""The searched values by parameter, nested where the sweep file nests them."""


def point_key(point: Mapping[str, Any]) -> str:
    """Give the same text for the same point, however its numbers are written (1 or 1.0)."""
    return _text(point)


def value_key(value: Any) -> Hashable:
    """Give equal keys for equal values; 1 and 1.0 are the same, 1 and true are not."""
    kind = type(value)
    if kind is str or kind is int or value is None or (kind is float and math.isfinite(value)):
        key: Hashable = value
        return key
    return ("bool", value) if kind is bool else ("json", _text(value))


def is_number(value: Any) -> bool:
    """Tell a finite number from all else; true and false are none."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: Any) -> str:
    return json.dumps(_canonical(value), sort_keys=True, separators=(",", ":"))


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _canonical(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return int(value)
    return value
