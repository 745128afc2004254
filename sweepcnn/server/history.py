"""Reading a run's history: lines of JSON, one a step, with bare NaN and Infinity.

Rows keep nested values; metrics are named with dots. Where an answer is JSON (and not JSON as
text), numbers that are not finite become the texts NaN, Infinity and -Infinity.
"""

import json
import math
from collections.abc import Sequence
from typing import Any

from sweepcnn.server.errors import ApiError

Row = dict[str, Any]


def parse(lines: Sequence[str]) -> list[Row]:
    """Read lines; a line that is no JSON object counts as an empty row."""
    return [parse_line(line) for line in lines]


def parse_line(line: str) -> Row:
    """Read one line; what is no JSON object is an empty row."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def flatten(row: Row) -> Row:
    """Name nested values with dots; a media value (it has `_type`) stays whole."""
    flat: Row = {}
    levels = [("", row)]  # not by recursion: a line may be nested more deeply than that reaches
    while levels:
        prefix, level = levels.pop()
        for key, value in level.items():
            if is_nested(value):
                levels.append((f"{prefix}{key}.", value))
            else:
                flat[prefix + key] = value
    return flat


def is_nested(value: Any) -> bool:
    """Tell whether a value has values of its own, and is not one of media."""
    return isinstance(value, dict) and bool(value) and "_type" not in value


def finite(value: Any) -> Any:
    """Replace numbers that JSON cannot say by texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return value


def sample(items: Sequence[Any], samples: int | None) -> list[Any]:
    """Take at most so many items, evenly spread, the first and the last among them."""
    if samples is None or len(items) <= samples:
        return list(items)
    if samples <= 1:
        return list(items[:samples])
    step = (len(items) - 1) / (samples - 1)
    return [items[round(index * step)] for index in range(samples)]


def between(lines: Sequence[str], low: int, high: int) -> list[str]:
    """Keep the lines whose step is `low` or more and less than `high`."""
    return [line for line in lines if low <= step(parse_line(line)) < high]


def sampled(lines: Sequence[str], spec: Row) -> list[Row]:
    """Answer one specification of `sampledHistory`.

    Rows that lack one of `keys` are left out; `minStep` and `maxStep` are both included; at most
    `samples` rows are given, but never fewer than the steps between the two. Where both would be
    one step more than `samples`, `maxStep` is left to the next page: so clients before 0.28 ask.
    """
    wanted = [str(key) for key in spec.get("keys") or ()]
    if not wanted:
        return []
    low, high = spec.get("minStep"), spec.get("maxStep")
    if low is not None and high is not None and high - low == spec.get("samples"):
        high -= 1
    found = []
    for row in parse(lines):
        values = _pick(row, wanted)
        if values is not None and _is_within(step(row), low, high):
            found.append(values)
    samples = spec.get("samples") or 500
    if low is not None and high is not None:
        samples = max(samples, int(high - low) + 1)
    return [finite(values) for values in sample(found, samples)]


def _pick(row: Row, wanted: Sequence[str]) -> Row | None:
    """Take the metrics of these names; null where one is missing."""
    if any(key not in row or is_nested(row[key]) for key in wanted):
        row = flatten(row)  # only where it has to be: most metrics are not nested
        if any(key not in row for key in wanted):
            return None
    return {key: row[key] for key in wanted}


def check_spec(spec: Any) -> Row:
    """Check a specification of `sampledHistory`.

    Raises:
        ApiError: it is not of the client's form.
    """
    if not isinstance(spec, dict) or not isinstance(spec.get("keys") or [], list):
        raise ApiError("a history specification must be an object whose keys are a list", 400)
    for name in ("minStep", "maxStep", "samples"):
        value = spec.get(name)
        if value is not None and not (is_number(value) and abs(value) < 2**63):
            raise ApiError(f"{name} of a history specification must be a number", 400)
    return spec | {"samples": int(spec.get("samples") or 0)}


def _is_within(step: int, low: Any, high: Any) -> bool:
    return (low is None or step >= low) and (high is None or step <= high)


def step(row: Row) -> int:
    """Give a row's step; -1 where it has none."""
    found = row.get("_step", -1)
    return int(found) if is_number(found) and abs(found) < 2**63 else -1


def is_number(value: Any) -> bool:
    """Tell whether a value is a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
