"""What W&B's filters and orders mean, judged run by run in plain Python."""

import math
import operator
import re
from collections.abc import Iterator, Mapping
from typing import Any

from sweepcnn.storage.columns import storable

Run = Mapping[str, Any]
"""A run's plain keys (missing ones left out), and under `config` and `summary` its documents."""

MISSING = object()
_SIGNS = {"$lt": operator.lt, "$lte": operator.le, "$gt": operator.gt, "$gte": operator.ge}


def keeps(condition: Mapping[str, Any] | None, run: Run) -> bool:
    """Tell whether a filter keeps a run."""
    return all(_fulfils(key, wanted, run) for key, wanted in (condition or {}).items())


def _fulfils(key: str, wanted: Any, run: Run) -> bool:
    match key:
        case "$and":
            return all(keeps(part, run) for part in wanted)
        case "$or":
            return any(keeps(part, run) for part in wanted)
        case "$nor":
            return not any(keeps(part, run) for part in wanted)
        case "$not":
            return not keeps(wanted, run)
    found = [value for value in _candidates(key, run) if value is not MISSING]
    return _holds(found, wanted if isinstance(wanted, dict) else {"$eq": wanted})


def _candidates(key: str, run: Run) -> list[Any]:
    section, _, path = key.partition(".")
    if section == "config":
        parts = path.split(".")
        without = [
            ".".join(parts[:i] + parts[i + 1 :])
            for i in range(1, len(parts))
            if parts[i] == "value"
        ]
        return [at(run["config"], each) for each in (path, *without)]
    if section in ("summary", "summary_metrics"):
        return [at(run["summary"], path)]
    return [run.get(key, MISSING)]


def at(document: Mapping[str, Any], path: str) -> Any:
    """Find what is nested least among all that has this dotted key."""
    for _, key, value in sorted(_walk(document, "", 0), key=operator.itemgetter(0)):
        if key == path:
            return value
    return MISSING


def _walk(document: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[int, str, Any]]:
    for key, value in document.items():
        yield depth, prefix + key, value
        if isinstance(value, dict):
            yield from _walk(value, f"{prefix}{key}.", depth + 1)


def _holds(found: list[Any], asked: Mapping[str, Any]) -> bool:
    return all(_passes(found, name, argument, asked) for name, argument in asked.items())


def _passes(found: list[Any], name: str, argument: Any, asked: Mapping[str, Any]) -> bool:
    lists = [value for value in found if isinstance(value, list)]
    elements = [e for value in lists for e in value if not isinstance(e, list | dict)]
    values = found + elements
    match name:
        case "$eq":
            return any(same(value, argument) for value in values) or (
                argument is None and not found
            )
        case "$ne":
            return not _passes(found, "$eq", argument, asked)
        case "$in":
            return any(_passes(found, "$eq", item, asked) for item in argument)
        case "$nin":
            return not _passes(found, "$in", argument, asked)
        case "$all":
            return bool(argument) and all(_passes(found, "$eq", i, asked) for i in argument)
        case "$exists":
            return bool(found) is argument
        case "$not":
            return not _holds(found, argument if isinstance(argument, dict) else {"$eq": argument})
        case "$regex":
            flags = re.IGNORECASE if "i" in asked.get("$options", "") else re.NOFLAG
            texts = [storable(value) for value in values if isinstance(value, str)]
            return any(re.search(argument, text, flags) for text in texts)
        case "$options":
            return True
        case "$contains":
            texts = [storable(value) for value in found if isinstance(value, str)]
            inside = isinstance(argument, str) and any(storable(argument) in t for t in texts)
            return inside or any(same(value, argument) for value in elements)
        case "$size":
            return any(len(value) == argument for value in lists)
    return any(_compares(value, name, argument) for value in values)


def _compares(value: Any, sign: str, limit: Any) -> bool:
    if isinstance(value, str) and isinstance(limit, str):
        return bool(_SIGNS[sign](storable(value), storable(limit)))
    if isinstance(value, bool) and isinstance(limit, bool):
        return bool(_SIGNS[sign](value, limit))
    return is_number(value) and _is_numeric(limit) and bool(_SIGNS[sign](float(value), limit))


def _is_numeric(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Tell whether it is a finite number, as far as a float goes."""
    try:
        return _is_numeric(value) and math.isfinite(float(value))
    except OverflowError:
        return False


def same(a: Any, b: Any) -> bool:
    """Tell whether two values are equal: neither texts nor booleans are numbers."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_alike(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, str) and isinstance(b, str):
        return storable(a) == storable(b)
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    return is_number(a) and is_number(b) and float(a) == float(b)


def _alike(a: Any, b: Any) -> bool:
    """Compare elements within lists: those that are not finite are equal to themselves."""
    if _is_numeric(a) and _is_numeric(b) and not (is_number(a) or is_number(b)):
        return str(a) == str(b)
    if isinstance(a, str) and isinstance(b, str):
        return a == b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_alike(a[key], b[key]) for key in a)
    return same(a, b)


def ordered(runs: list[Run], order: str) -> list[Run]:
    """Sort runs: numbers, then texts, then booleans, and last what is missing or not finite."""
    for term in reversed(order.split(",")):
        groups: list[list[tuple[Any, Run]]] = [[], [], [], []]
        for run in runs:
            known = [value for value in _candidates(term.lstrip("+-"), run) if value is not MISSING]
            value: Any = known[0] if known else None
            if is_number(value):
                groups[0].append((float(value), run))
            elif isinstance(value, str):
                groups[1].append((storable(value), run))
            elif isinstance(value, bool):
                groups[2].append((value, run))
            else:
                groups[3].append((None, run))
        for group in groups[:3]:
            group.sort(key=operator.itemgetter(0), reverse=term.startswith("-"))
        runs = [run for group in groups for _, run in group]
    return runs
