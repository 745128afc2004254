"""What lists of runs and sweeps are filtered and ordered by: where a value lies, in SQL.

A field has no value, one, or (a list) several: `some` tells whether one of them meets a condition.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from sweepcnn.storage import tables

Truth = sa.ColumnElement[bool]
Kind = Literal["text", "number", "time", "any"]


class FieldError(ValueError):
    """A key that nothing can be filtered or ordered by; the message says why."""


@dataclass(frozen=True)
class Row:
    """The expressions in which one value lies."""

    kind: str | sa.ColumnElement[str]
    number: sa.ColumnElement[Any]
    text: sa.ColumnElement[Any]
    is_element: Truth
    """Whether it is one of a list's."""

    def of(self, kind: str) -> Truth:
        """Tell whether it is a value of this kind."""
        if isinstance(self.kind, str):
            return sa.true() if self.kind == kind else sa.false()
        return self.kind == kind


Condition = Callable[[Row], Truth]


class Field(ABC):
    """Something to filter by."""

    kind: Kind

    @abstractmethod
    def some(self, condition: Condition) -> Truth:
        """Tell whether one of the values meets a condition; never null."""

    @abstractmethod
    def texts(self) -> sa.Select[Any]:
        """Select `owner` (a row id) and `value` of all that have text or a time here."""


class OrderedField(Field):
    """Something to filter and order by."""

    @abstractmethod
    def ordered(
        self, query: sa.Select[Any], *, descending: bool
    ) -> tuple[sa.Select[Any], list[sa.ColumnElement[Any]]]:
        """Give the query with what it takes to order by this field, and what to order by."""


def _directed(expression: sa.ColumnElement[Any], *, descending: bool) -> sa.ColumnElement[Any]:
    return expression.desc() if descending else expression.asc()


def _row(kind: Kind, expression: sa.ColumnElement[Any]) -> Row:
    stored = "text" if kind == "text" else "number"
    return Row(stored, expression, expression, sa.false())


@dataclass(frozen=True)
class Column(OrderedField):
    """A value in the row itself; null is none."""

    id: sa.Column[int]
    expression: sa.ColumnElement[Any]
    kind: Kind

    def some(self, condition: Condition) -> Truth:
        """Tell whether the value meets a condition."""
        return sa.and_(self.expression.is_not(None), condition(_row(self.kind, self.expression)))

    def texts(self) -> sa.Select[Any]:
        """Select all values."""
        found: sa.Select[Any] = sa.select(self.id.label("owner"), self.expression.label("value"))
        return found.where(self.expression.is_not(None))

    def ordered(
        self, query: sa.Select[Any], *, descending: bool
    ) -> tuple[sa.Select[Any], list[sa.ColumnElement[Any]]]:
        """Order by the value; what has none is last."""
        key = _directed(self.expression, descending=descending)
        always = isinstance(self.expression, sa.Column) and not self.expression.nullable
        return query, [key if always else key.nulls_last()]  # without, an index gives the order


@dataclass(frozen=True)
class Reference(OrderedField):
    """The name of another row that the row refers to."""

    id: sa.Column[int]
    column: sa.Column[int]
    name: sa.Column[Any]
    kind: Kind = "text"

    @property
    def _target(self) -> sa.Column[int]:
        found: sa.Column[int] = self.name.table.c.id
        return found

    def some(self, condition: Condition) -> Truth:
        """Tell whether the other's name meets a condition."""
        meeting = sa.select(self._target).where(condition(_row("text", self.name)))
        return sa.and_(self.column.is_not(None), self.column.in_(meeting))

    def texts(self) -> sa.Select[Any]:
        """Select the names of all others."""
        joined = sa.join(self.id.table, self.name.table, self.column == self._target)
        found = sa.select(self.id.label("owner"), self.name.label("value"))
        return found.select_from(joined)

    def ordered(
        self, query: sa.Select[Any], *, descending: bool
    ) -> tuple[sa.Select[Any], list[sa.ColumnElement[Any]]]:
        """Order by the other's name."""
        name = sa.select(self.name).where(self._target == self.column).scalar_subquery()
        return Column(self.id, name, "text").ordered(query, descending=descending)


@dataclass(frozen=True)
class Indexed(OrderedField):
    """A value in a run's config, summary or tags.

    Args:
        source: which of them.
        keys: the dotted keys it may have, the one that is meant first.
    """

    source: str
    keys: tuple[str, ...]
    kind: Kind = "any"

    def some(self, condition: Condition) -> Truth:
        """Tell whether the value or an element of it meets a condition."""
        rows = tables.run_values.alias()
        row = Row(rows.c.kind, rows.c.number, rows.c.text, rows.c.position > 0)
        here = (rows.c.run_id == tables.runs.c.id, self._is_at(rows))
        # The offset keeps PostgreSQL from planning joins, of which hundreds take it for ever.
        return sa.select(sa.literal(1)).where(*here, condition(row)).offset(0).exists()

    def _is_at(self, rows: sa.FromClause) -> Truth:
        return sa.and_(rows.c.source == self.source, rows.c.key.in_(self.keys))

    def texts(self) -> sa.Select[Any]:
        """Select all text values and elements."""
        rows = tables.run_values
        found = sa.select(rows.c.run_id.label("owner"), rows.c.text.label("value"))
        return found.where(self._is_at(rows), rows.c.kind == "text")

    def ordered(
        self, query: sa.Select[Any], *, descending: bool
    ) -> tuple[sa.Select[Any], list[sa.ColumnElement[Any]]]:
        """Order by numbers, then texts, then booleans; all else, and what is missing, is last."""
        rows = [tables.run_values.alias() for _ in self.keys]
        for key, found in zip(self.keys, rows, strict=True):
            place = (found.c.source == self.source, found.c.key == key, found.c.position == 0)
            query = query.outerjoin(found, sa.and_(found.c.run_id == tables.runs.c.id, *place))
        kind, number, text = (_first(rows, name) for name in ("kind", "number", "text"))
        rank = sa.case(
            (sa.and_(kind == "number", number.is_not(None)), 0),
            (kind == "text", 1),
            (kind == "boolean", 2),
            else_=3,
        )
        by_number = sa.case((kind.in_(("number", "boolean")), number))
        by_text = sa.case((kind == "text", text))
        directed = [_directed(key, descending=descending) for key in (by_number, by_text)]
        return query, [rank.asc(), *directed]


def _first(rows: Sequence[sa.FromClause], column: str) -> sa.ColumnElement[Any]:
    """Give a column of the first of these rows that is there."""
    *before, found = [(each.c.kind.is_not(None), each.c[column]) for each in rows]
    return sa.case(*before, else_=found[1]) if before else found[1]


@dataclass(frozen=True)
class Linked(Field):
    """The artifacts that a run used or made, by `collection` and by `collection:vN`."""

    direction: str
    kind: Kind = "text"

    def _names(self, *, versioned: bool) -> sa.Select[Any]:
        links, versions = tables.run_artifacts, tables.artifacts
        collections = tables.artifact_collections
        name: sa.ColumnElement[Any] = collections.c.name
        if versioned:
            name = name + ":v" + sa.cast(versions.c.version_index, sa.Text)
        joined = links.join(versions, versions.c.id == links.c.artifact_id)
        joined = joined.join(collections, collections.c.id == versions.c.collection_id)
        found = sa.select(links.c.run_id.label("owner"), name.label("value")).select_from(joined)
        return found.where(links.c.direction == self.direction)

    def texts(self) -> sa.Select[Any]:
        """Select both names of all of them."""
        both = sa.union_all(self._names(versioned=False), self._names(versioned=True)).subquery()
        return sa.select(both)

    def some(self, condition: Condition) -> Truth:
        """Tell whether a name of one of them meets a condition."""
        names = self.texts().subquery()
        row = Row("text", names.c.value, names.c.value, sa.true())
        return tables.runs.c.id.in_(sa.select(names.c.owner).where(condition(row)))


@dataclass(frozen=True)
class Fields:
    """The fields of runs, or of another table.

    Args:
        table: where each has a row.
        plain: fields by key.
        nested: makes the field of a key that begins so, out of what follows.
    """

    table: sa.Table
    plain: Mapping[str, Field]
    nested: Mapping[str, Callable[[str], Field]]

    def find(self, key: str) -> Field:
        """Give the field of a key.

        Raises:
            FieldError: there is none; the message names the known ones.
        """
        if key in self.plain:
            return self.plain[key]
        for prefix, make in self.nested.items():
            if key.startswith(prefix) and key != prefix:
                return make(key.removeprefix(prefix))
        known = ", ".join([*self.plain, *(f"{prefix}<key>" for prefix in self.nested)])
        raise FieldError(f"key {key[:80]!r} is unknown; known are: {known}")
