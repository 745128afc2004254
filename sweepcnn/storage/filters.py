"""Filters as trees, and what they are in SQL.

A value that is missing is equal to null and to nothing else, and compares with nothing; a filter's
contrary holds exactly where the filter does not. Where a value is a list, one element that meets
the test is enough.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import sqlalchemy as sa

from sweepcnn.storage.fields import Field, Row, Truth
from sweepcnn.storage.patterns import Pattern
from sweepcnn.storage.run_values import Value

Sign = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True)
class OneOf:
    """Equal to one of these."""

    values: tuple[Value, ...]


@dataclass(frozen=True)
class Compared:
    """Less or more than a value of the same kind; a number may be infinite."""

    sign: Sign
    limit: float | str | bool


@dataclass(frozen=True)
class Matching:
    """Text of which a part matches."""

    pattern: Pattern


@dataclass(frozen=True)
class Containing:
    """Text of which this is a part, or a list that has this element."""

    part: Value


@dataclass(frozen=True)
class Sized:
    """A list of so many elements."""

    length: int


@dataclass(frozen=True)
class Present:
    """Any value, null too."""


Test: TypeAlias = OneOf | Compared | Matching | Containing | Sized | Present


@dataclass(frozen=True)
class Holds:
    """A field passes a test."""

    field: Field
    test: Test


@dataclass(frozen=True)
class Every:
    """All of these hold."""

    parts: tuple["Filter", ...] = ()


@dataclass(frozen=True)
class Some:
    """One of these holds."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True)
class Contrary:
    """This does not hold."""

    part: "Filter"


Filter: TypeAlias = Holds | Every | Some | Contrary

Search: TypeAlias = Callable[[Field, Pattern], Truth]
"""Tells where a pattern is found: regular expressions are not SQL's."""


def in_sql(tree: Filter, search: Search) -> Truth:
    """Give a filter as a condition that is true or false, never null."""
    match tree:
        case Every(parts):
            return sa.and_(sa.true(), *(in_sql(part, search) for part in parts))
        case Some(parts):
            return sa.or_(sa.false(), *(in_sql(part, search) for part in parts))
        case Contrary(part):
            return sa.not_(in_sql(part, search))
        case Holds(field, Matching(pattern)):
            return search(field, pattern)
        case Holds(field, OneOf(values)):
            found = field.some(lambda row: _is_one_of(row, values))
            missing = sa.not_(field.some(lambda _: sa.true()))
            return sa.or_(found, missing) if Value("null") in values else found
        case Holds(field, test):
            return field.some(lambda row: _passes(row, test))


def _passes(row: Row, test: Test) -> Truth:
    match test:
        case Compared(sign, limit):
            return _is_beyond(row, sign, limit)
        case Containing(Value(kind="text", text=text)):
            # Both databases have no other function in common that heeds upper and lower case.
            inside = sa.func.replace(row.text, text, "") != row.text if text else sa.true()
            inside = sa.and_(row.of("text"), inside)
            return sa.or_(
                sa.and_(sa.not_(row.is_element), inside),
                sa.and_(row.is_element, row.of("text"), row.text == text),
            )
        case Containing(part):
            return sa.and_(row.is_element, _is_one_of(row, (part,)))
        case Sized(length):
            return sa.and_(row.of("list"), row.number == float(length))
        case _:
            return sa.true()


_OPERATORS: dict[Sign, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _is_beyond(row: Row, sign: Sign, limit: float | str | bool) -> Truth:
    beyond = _OPERATORS[sign]
    if isinstance(limit, str):
        return sa.and_(row.of("text"), beyond(row.text, limit))
    kind = "boolean" if isinstance(limit, bool) else "number"
    return sa.and_(row.of(kind), beyond(row.number, float(limit)))


def _is_one_of(row: Row, values: tuple[Value, ...]) -> Truth:
    """Tell whether a value is equal to one of these; numbers that are not finite equal none."""
    numbers: dict[str, list[float]] = {"number": [], "boolean": []}
    texts: dict[str, list[str]] = {"text": [], "list": []}  # those of lists are digests
    same = [row.of("null")] if Value("null") in values else []
    for value in values:
        if value.kind in numbers and value.number is not None:
            numbers[value.kind].append(value.number)
        elif value.kind in texts and value.text is not None:
            texts[value.kind].append(value.text)
    same += [sa.and_(row.of(k), row.number.in_(found)) for k, found in numbers.items() if found]
    same += [sa.and_(row.of(k), row.text.in_(found)) for k, found in texts.items() if found]
    return sa.or_(sa.false(), *same)
