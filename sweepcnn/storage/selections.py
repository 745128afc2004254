"""The rows of a project that a filter keeps, counted or page by page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import sqlalchemy as sa

from sweepcnn.storage.fields import Field, Fields, OrderedField, Truth
from sweepcnn.storage.filters import Filter, in_sql
from sweepcnn.storage.patterns import Pattern

_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True)
class Term:
    """One key of an order."""

    field: OrderedField
    descending: bool


@dataclass(frozen=True)
class Selection:
    """Which rows of a project, in which order; ties are in the order in which rows were made."""

    fields: Fields
    project_id: int
    filter: Filter
    order: Sequence[Term]

    def count(self, connection: sa.Connection) -> int:
        """Count the rows."""
        query = sa.select(sa.func.count()).select_from(self.fields.table)
        return connection.execute(query.where(*self._where(connection))).scalar_one()

    def page(self, connection: sa.Connection, start: int, most: int) -> list[int]:
        """Give the ids of some rows, from a position on."""
        table = self.fields.table
        query = sa.select(table.c.id).select_from(table)
        keys: list[sa.ColumnElement[object]] = []
        for term in self.order:
            query, more = term.field.ordered(query, descending=term.descending)
            keys += more
        query = query.where(*self._where(connection)).order_by(*keys, table.c.id)
        return list(connection.execute(query.limit(most).offset(start)).scalars())

    def _where(self, connection: sa.Connection) -> tuple[Truth, Truth]:
        def search(field: Field, pattern: Pattern) -> Truth:
            return self._search(connection, field, pattern)

        in_project = self.fields.table.c.project_id == self.project_id
        return in_project, in_sql(self.filter, search)

    def _search(self, connection: sa.Connection, field: Field, pattern: Pattern) -> Truth:
        """Find the rows with text that a pattern matches."""
        table, texts = self.fields.table, field.texts().subquery()
        query = sa.select(texts.c.owner, texts.c.value).join(table, table.c.id == texts.c.owner)
        query = query.where(table.c.project_id == self.project_id)
        matches = lru_cache(_ROWS_AT_ONCE)(pattern.found_in)  # the same few texts in many rows
        found = {
            owner
            for owner, value in connection.execute(query.execution_options(yield_per=_ROWS_AT_ONCE))
            if matches(value if field.kind != "time" else _utc(value))
        }
        # Written out, as a statement takes only so many parameters.
        ids = sa.bindparam(None, sorted(found), sa.Integer, expanding=True, literal_execute=True)
        return table.c.id.in_(ids)


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
