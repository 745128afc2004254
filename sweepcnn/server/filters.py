"""W&B's filters (a language like MongoDB's) and orders, read from what the client sent."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from sweepcnn.server import documents
from sweepcnn.server.errors import ApiError
from sweepcnn.storage.columns import storable
from sweepcnn.storage.fields import Field, FieldError, Fields, OrderedField
from sweepcnn.storage.filters import (
    Compared,
    Containing,
    Contrary,
    Every,
    Filter,
    Holds,
    Matching,
    OneOf,
    Present,
    Sign,
    Sized,
    Some,
)
from sweepcnn.storage.patterns import Pattern, PatternError
from sweepcnn.storage.run_values import Value, value
from sweepcnn.storage.selections import Term

_DEEPEST = 20
_MOST_CONDITIONS = 500
_MOST_VALUES = 10_000
_MOST_PATTERNS = 20
_MOST_KEYS = 10  # of an order

_SIGNS: dict[str, Sign] = {"$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">="}
_NULL = Value("null")


def read(text: str | None, fields: Fields) -> Filter:
    """Read a filter; nothing, null and {} keep everything.

    Raises:
        ApiError: it is not well formed, too large, or has an unknown key or operator.
    """
    return _Reader(fields).filter(documents.read(text or "{}", "filters"), 0)


def read_order(text: str | None, fields: Fields) -> tuple[Term, ...]:
    """Read an order: keys with commas between them, each with + (ascending) or - before it.

    Raises:
        ApiError: it has an unknown key, or too many.
    """
    keys = [part.strip() for part in (text or "").split(",") if part.strip()]
    if len(keys) > _MOST_KEYS:
        _refuse(f"order has {len(keys)} keys; it may have {_MOST_KEYS}")
    return tuple(_term(key, fields) for key in keys)


def _term(key: str, fields: Fields) -> Term:
    name = key[1:] if key[0] in "+-" else key
    try:
        field = fields.find(name)
    except FieldError as error:
        _refuse(f"order: {error}")
    if not isinstance(field, OrderedField):
        _refuse(f"order: {name!r} is a list; lists have no order")
    return Term(field, descending=key.startswith("-"))


def _refuse(message: str) -> NoReturn:
    raise ApiError(message, 400)


class _Reader:
    """Reads one filter, within the bounds of its size."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._left = {
            "conditions": _MOST_CONDITIONS,
            "values": _MOST_VALUES,
            "regular expressions": _MOST_PATTERNS,
        }

    def _spend(self, what: str, number: int = 1) -> None:
        self._left[what] -= number
        if self._left[what] < 0:
            _refuse(f"the filter has too many {what}; ask in several parts, or use $in")

    def filter(self, given: Any, depth: int) -> Filter:
        """Read an object of conditions that must all hold; null is what a client had switched off.

        Raises:
            ApiError: it is not well formed.
        """
        if depth > _DEEPEST:
            _refuse(f"the filter is nested more than {_DEEPEST} levels deep; write it flatter")
        if given is None or given == {}:
            self._spend("conditions")
            return Every()
        if not isinstance(given, dict):
            _refuse(f"filter {_shown(given)} must be an object, such as {{'state': 'finished'}}")
        parts = [self._entry(key, wanted, depth) for key, wanted in given.items()]
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _entry(self, key: str, wanted: Any, depth: int) -> Filter:
        self._spend("conditions")
        match key:
            case "$and":
                return Every(self._filters(key, wanted, depth))
            case "$or":
                return Some(self._filters(key, wanted, depth))
            case "$nor":
                return Contrary(Some(self._filters(key, wanted, depth)))
            case "$not":
                return Contrary(self.filter(wanted, depth + 1))
            case _ if key.startswith("$"):
                _refuse(
                    f"filter operator {key[:40]!r} is unknown here; known are: $and $or $nor $not"
                )
        try:
            field = self._fields.find(key)
        except FieldError as error:
            _refuse(f"filter: {error}")
        if isinstance(wanted, dict):
            return self._operators(key, field, wanted, depth)
        return self._one_of(key, field, [wanted])

    def _filters(self, key: str, given: Any, depth: int) -> tuple[Filter, ...]:
        return tuple(self.filter(part, depth + 1) for part in self._list(key, given))

    @staticmethod
    def _list(what: str, given: Any) -> list[Any]:
        if not isinstance(given, list):
            _refuse(f"filter {what}: {_shown(given)} must be a list")
        return given

    def _operators(self, key: str, field: Field, given: Mapping[str, Any], depth: int) -> Filter:
        """Read {"$gt": 1, "$lt": 2}: all of what is asked of one field must hold."""
        if not given or not all(name.startswith("$") for name in given):
            rule = "a value cannot be an object; write"
            _refuse(f"filter {key}: {rule} {key}.<part> for each part, or operators such as $gt")
        if depth > _DEEPEST:
            _refuse(f"the filter is nested more than {_DEEPEST} levels deep; write it flatter")
        parts: list[Filter] = []
        for name, argument in given.items():
            self._spend("conditions")
            if name == "$not":
                inner = argument if isinstance(argument, dict) else {"$eq": argument}
                parts.append(Contrary(self._operators(key, field, inner, depth + 1)))
            elif name == "$regex":
                parts.append(self._pattern(field, argument, given.get("$options", "")))
            elif name != "$options" or "$regex" not in given:
                parts.append(self._operator(key, field, name, argument))
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _operator(self, key: str, field: Field, name: str, argument: Any) -> Filter:
        what = f"{key} {name}"
        match name:
            case "$eq":
                return self._one_of(key, field, [argument])
            case "$ne":
                return Contrary(self._one_of(key, field, [argument]))
            case "$in":
                return self._one_of(key, field, self._list(what, argument))
            case "$nin":
                return Contrary(self._one_of(key, field, self._list(what, argument)))
            case "$all":
                wanted = self._list(what, argument)
                self._spend("conditions", len(wanted))
                each = tuple(self._one_of(key, field, [item]) for item in wanted)
                return Every(each) if each else Some(())
            case "$gt" | "$gte" | "$lt" | "$lte":
                return _compared(what, field, _SIGNS[name], argument)
            case "$exists":
                present = Holds(field, Present())
                return present if _boolean(what, argument) else Contrary(present)
            case "$contains":
                self._spend("values")
                return Holds(field, Containing(_scalar(what, argument)))
            case "$size":
                if type(argument) is not int:
                    _refuse(f"filter {what}: {_shown(argument)} must be a whole number")
                return Holds(field, Sized(argument))
        known = "$eq $ne $in $nin $all $gt $gte $lt $lte $exists $regex $contains $size $not"
        _refuse(f"filter {key}: operator {name[:40]!r} is unknown; known are: {known}")

    def _pattern(self, field: Field, pattern: Any, options: Any) -> Filter:
        self._spend("regular expressions")
        if not isinstance(pattern, str) or not isinstance(options, str):
            _refuse(f"filter $regex: {_shown(pattern)} and its $options must be text")
        try:
            return Holds(field, Matching(Pattern(storable(pattern), options)))
        except PatternError as error:
            _refuse(str(error))

    def _one_of(self, key: str, field: Field, given: list[Any]) -> Filter:
        self._spend("values", len(given))
        if any(isinstance(item, dict) for item in given):
            _refuse(f"filter {key}: a value cannot be an object; write {key}.<part> for each part")
        if field.kind != "time":
            return Holds(field, OneOf(tuple(value(item) for item in given)))
        self._spend("conditions", len(given))
        seconds = [_seconds(key, item) for item in given if item is not None]
        found = Some(tuple(_within_second(field, second) for second in seconds))
        missing = Holds(field, OneOf((_NULL,)))
        return Some((*found.parts, missing)) if None in given else found


def _boolean(what: str, given: Any) -> bool:
    if given in (0, 1):  # True and False as well
        return bool(given)
    _refuse(f"filter {what}: {_shown(given)} must be true or false")


def _scalar(what: str, given: Any) -> Value:
    if isinstance(given, dict | list):
        _refuse(f"filter {what}: {_shown(given)} must be text, a number or a boolean")
    return value(given)


def _compared(what: str, field: Field, sign: Sign, limit: Any) -> Filter:
    if field.kind == "time":
        return _compared_times(field, sign, _seconds(what, limit))
    if isinstance(limit, str):
        return Holds(field, Compared(sign, storable(limit)))
    if isinstance(limit, bool):
        return Holds(field, Compared(sign, limit))
    number = _number(what, limit)
    return Some(()) if math.isnan(number) else Holds(field, Compared(sign, number))


def _number(what: str, given: Any) -> float:
    if not isinstance(given, int | float):
        _refuse(f"filter {what}: {_shown(given)} must be a number, text or a boolean")
    try:
        return float(given)
    except OverflowError:
        return math.inf if given > 0 else -math.inf


# Times. Clients see whole seconds, and what they send back must find what they saw.


def _seconds(what: str, given: Any) -> float:
    """Read a time: ISO 8601, in UTC where it names no zone, or seconds since 1970."""
    if isinstance(given, str):
        try:
            found = datetime.fromisoformat(given + {4: "-01-01", 7: "-01"}.get(len(given), ""))
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            _refuse(f"filter {what}: {_shown(given)} is no time such as 2026-01-31T12:00:00Z")
    if isinstance(given, bool) or not isinstance(given, int | float) or abs(given) > 1e15:
        _refuse(f"filter {what}: {_shown(given)} must be a time such as 2026-01-31T12:00:00Z")
    if math.isnan(given):
        _refuse(f"filter {what}: NaN is no time")
    return float(given)


def _compared_times(field: Field, sign: Sign, limit: float) -> Filter:
    """Compare as if the time had been cut to a whole second."""
    first = math.ceil(limit) if sign in ("<", ">=") else math.floor(limit) + 1
    return Holds(field, Compared("<" if sign in ("<", "<=") else ">=", float(first)))


def _within_second(field: Field, second: float) -> Filter:
    return Every((_compared_times(field, ">=", second), _compared_times(field, "<=", second)))


def _shown(given: Any) -> str:
    text = repr(given)
    return text if len(text) <= 80 else f"{text[:77]}..."
