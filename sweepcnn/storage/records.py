"""Rows as typed, frozen records."""

import dataclasses
from collections.abc import Iterable
from typing import Any, TypeVar

import sqlalchemy as sa

R = TypeVar("R")


def columns_of(table: sa.Table, record: type[Any]) -> list[sa.Column[Any]]:
    """Give the columns that a record's fields name."""
    return [table.c[field.name] for field in dataclasses.fields(record)]


def one(record: type[R], row: sa.Row[Any] | None) -> R | None:
    """Make a record of a row, if there is one."""
    return None if row is None else record(**row._mapping)


def many(record: type[R], rows: Iterable[sa.Row[Any]]) -> list[R]:
    """Make records of rows."""
    return [record(**row._mapping) for row in rows]
