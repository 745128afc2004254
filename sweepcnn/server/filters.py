"""W&B's filters (a language like MongoDB's) and orders over runs."""

import math
import re
from collections.abc import Callable, Mapping
from functools import cmp_to_key
from typing import Any

from sweepcnn.server.errors import ApiError

_MAX_PATTERN = 200

Read = Callable[[str], Any]
"""Gives the value of a key of one run; `MISSING` where it has none."""

MISSING = object()


def matches(condition: Mapping[str, Any], read: Read) -> bool:
    """Tell whether a run fulfils a filter.

    Raises:
        ApiError: the filter has an unknown operator or is not well formed.
    """
    return all(_fulfils(key, wanted, read) for key, wanted in _mapping(condition).items())


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ApiError(f"filter {value!r} must be an object", 400)
    return value


def _fulfils(key: str, wanted: Any, read: Read) -> bool:
    match key:
        case "$and":
            return all(matches(part, read) for part in _list(wanted))
        case "$or":
            return any(matches(part, read) for part in _list(wanted))
        case "$nor":
            return not any(matches(part, read) for part in _list(wanted))
        case "$not":
            return not matches(wanted, read)
        case _ if key.startswith("$"):
            raise ApiError(f"filter operator {key} is unknown", 400)
    value = read(key)
    if isinstance(wanted, Mapping) and any(name.startswith("$") for name in wanted):
        return all(_holds(name, argument, value) for name, argument in wanted.items())
    return _equal(value, wanted)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ApiError(f"filter {value!r} must be a list", 400)
    return value


def _holds(operator: str, argument: Any, value: Any) -> bool:
    match operator:
        case "$eq":
            return _equal(value, argument)
        case "$ne":
            return not _equal(value, argument)
        case "$in":
            return any(_equal(value, item) for item in _list(argument))
        case "$nin":
            return not any(_equal(value, item) for item in _list(argument))
        case "$exists":
            return (value is not MISSING) == bool(argument)
        case "$not":
            return not all(_holds(name, item, value) for name, item in _mapping(argument).items())
        case "$gt":
            return _compared(value, argument, lambda sign: sign > 0)
        case "$gte":
            return _compared(value, argument, lambda sign: sign >= 0)
        case "$lt":
            return _compared(value, argument, lambda sign: sign < 0)
        case "$lte":
            return _compared(value, argument, lambda sign: sign <= 0)
        case "$regex":
            return _search(argument, value)
        case "$contains":
            return _contains(value, argument)
        case "$all":
            return isinstance(value, list) and all(item in value for item in _list(argument))
    raise ApiError(f"filter operator {operator} is unknown", 400)


def _contains(value: Any, item: Any) -> bool:
    if isinstance(value, str):
        return isinstance(item, str) and item in value
    return isinstance(value, list) and item in value


def _search(pattern: Any, value: Any) -> bool:
    text = str(pattern)
    if len(text) > _MAX_PATTERN:
        rule = f"has more than {_MAX_PATTERN} characters"
        raise ApiError(f"regular expression {text[:40]!r}... {rule}; use $in or $contains", 400)
    try:
        expression = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ApiError(f"regular expression {pattern!r}: {error}", 400) from None
    return isinstance(value, str) and expression.search(value[:1000]) is not None


def _equal(value: Any, wanted: Any) -> bool:
    if value is MISSING:
        return wanted is None
    if isinstance(value, list) and not isinstance(wanted, list):
        return wanted in value
    if isinstance(value, bool) != isinstance(wanted, bool):
        return False
    return bool(value == wanted)


def _compared(value: Any, argument: Any, holds: Callable[[int], bool]) -> bool:
    sign = _compare(value, argument)
    return sign is not None and holds(sign)


def _compare(a: Any, b: Any) -> int | None:
    """Give the sign of a - b; null where the two cannot be compared (NaN, other types)."""
    if (_is_number(a) and _is_number(b)) or (isinstance(a, str) and isinstance(b, str)):
        return int(a > b) - int(a < b)
    return None


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def ordered(items: list[Any], order: str, read: Callable[[Any], Read]) -> list[Any]:
    """Sort runs by a comma-separated list of keys, each with + (ascending) or - before it.

    Runs whose value is missing or not comparable come last either way; ties keep their order.
    """
    for term in reversed([part.strip() for part in order.split(",") if part.strip()]):
        descending, key = term.startswith("-"), term.lstrip("+-")
        values = {id(item): read(item)(key) for item in items}
        known = [i for i in items if _is_number(values[id(i)]) or isinstance(values[id(i)], str)]
        kept = {id(item) for item in known}

        def compare(a: Any, b: Any, values: dict[int, Any] = values) -> int:
            x, y = values[id(a)], values[id(b)]
            sign = _compare(x, y)
            return int(isinstance(x, str)) - int(isinstance(y, str)) if sign is None else sign

        known.sort(key=cmp_to_key(compare), reverse=descending)
        items = known + [item for item in items if id(item) not in kept]
    return items
