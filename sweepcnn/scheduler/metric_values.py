"""Reading a metric from what runs log."""

import json
import math
from typing import Any


def value_in(text: str, name: str) -> float | None:
    """Read a finite number from a JSON object: a run's summary, or a line of its history.

    Nested values are named with dots. What is no JSON object has no values.
    """
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(value, dict) and name in value:
        value = value[name]
    else:
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None
