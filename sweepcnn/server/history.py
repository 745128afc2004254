"""Reading a run's history: lines of JSON, one a step, with bare NaN and Infinity.

Rows keep nested values; metrics are named with dots. Where an answer is JSON (and not JSON as
text), numbers that are not finite become the texts NaN, Infinity and -Infinity.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sweepcnn.server.errors import ApiError

Row = dict[str, Any]
_TYPES = {bool: "boolean", int: "number", float: "number", str: "string", list: "list"}


def parse(lines: Sequence[str]) -> list[Row]:
    """Read lines; a line that is no JSON object counts as an empty row."""
    return [_parse_line(line) for line in lines]


def _parse_line(line: str) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def flatten(row: Row, prefix: str = "") -> Row:
    """Name nested values with dots; a media value (it has `_type`) stays whole."""
    flat: Row = {}
    for key, value in row.items():
        if isinstance(value, dict) and value and "_type" not in value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


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


def keys(lines: Sequence[str]) -> dict[str, Any] | None:
    """Describe the metrics of a history: counts by type, the last value, whether it ever fell."""
    rows = [flatten(row) for row in parse(lines)]
    if not rows:
        return None
    types: dict[str, Counter[str]] = {}
    last: Row = {}
    monotonic: dict[str, bool] = {}
    for row in rows:
        for key, value in row.items():
            types.setdefault(key, Counter())[_TYPES.get(type(value), "map")] += 1
            before = last.get(key)
            if _is_number(value) and _is_number(before):
                monotonic[key] = monotonic.get(key, True) and value >= before
            last[key] = value
    described = {
        key: {
            "typeCounts": [{"type": name, "count": n} for name, n in counts.items()],
            "monotonic": monotonic.get(key, False),
            "previousValue": finite(last[key]),
        }
        for key, counts in types.items()
    }
    return {"sets": [], "keys": described, "lastStep": last_step(rows)}


def last_step(rows: Sequence[Row]) -> int:
    """Give the greatest step; -1 where no row has one."""
    return max((_step(row) for row in rows), default=-1)


def between(lines: Sequence[str], low: int, high: int) -> list[str]:
    """Keep the lines whose step is `low` or more and less than `high`."""
    return [line for line in lines if low <= _step(_parse_line(line)) < high]


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
        flat = flatten(row)
        if all(key in flat for key in wanted) and _is_within(_step(row), low, high):
            found.append({key: finite(flat[key]) for key in wanted})
    samples = spec.get("samples") or 500
    if low is not None and high is not None:
        samples = max(samples, int(high - low) + 1)
    return sample(found, samples)


def check_spec(spec: Any) -> Row:
    """Check a specification of `sampledHistory`.

    Raises:
        ApiError: it is not of the client's form.
    """
    if not isinstance(spec, dict) or not isinstance(spec.get("keys") or [], list):
        raise ApiError("a history specification must be an object whose keys are a list", 400)
    for name in ("minStep", "maxStep", "samples"):
        value = spec.get(name)
        if value is not None and not (_is_number(value) and abs(value) < 2**63):
            raise ApiError(f"{name} of a history specification must be a number", 400)
    return spec | {"samples": int(spec.get("samples") or 0)}


def _is_within(step: int, low: Any, high: Any) -> bool:
    return (low is None or step >= low) and (high is None or step <= high)


def _step(row: Row) -> int:
    step = row.get("_step", -1)
    return int(step) if _is_number(step) and abs(step) < 2**63 else -1


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
