"""What runs are filtered and ordered by: the values in their config, summary and tags, as rows."""

import hashlib
import json
import math
from collections import deque
from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.columns import storable
from sweepcnn.storage.database import upsert

LONGEST_KEY = 1_000
"""Bytes of a dotted key; longer ones have no row (PostgreSQL's index holds 2,700 bytes)."""

UNINDEXED = "_wandb"
"""The entry of a config that has no rows: what the client tells of itself and its machine."""

_MOST_ROWS = 10_000  # of one source of one run; what is nested least comes first
_MOST_ELEMENTS = 1_000  # of one list
_LONGEST_LIST = 100_000  # characters of the JSON of a list that can be told equal to another

_table = tables.run_values
_STORED = sa.select(
    *(_table.c[name] for name in ("key", "position", "kind", "number", "text"))
).where(_table.c.run_id == sa.bindparam("run_id"), _table.c.source == sa.bindparam("source"))

Place = tuple[str, int]
"""The dotted key and the position of a row."""


class Value(NamedTuple):
    """A value as it is stored and compared.

    The number of a boolean is 0 or 1, that of a list its length; it is null where it is not
    finite. The text of a list is the digest of its elements.
    """

    kind: str
    number: float | None = None
    text: str | None = None


def value(document: Any) -> Value:
    """Give a value of a JSON document in the form in which it is compared."""
    match document:
        case None:
            return Value("null")
        case bool():
            return Value("boolean", float(document))
        case int() | float():
            return Value("number", _finite(document))
        case str():
            return Value("text", None, storable(document))
        case list():
            return Value("list", float(len(document)), _digest(document))
    return Value("map")


def _finite(number: float) -> float | None:
    try:
        found = float(number)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _digest(elements: list[Any]) -> str | None:
    """Tell lists apart; null for one that is too long or too deep for that."""
    try:
        text = json.dumps(elements)
        if len(text) > _LONGEST_LIST:
            return None
        same = json.dumps(json.loads(text, parse_int=_float, parse_float=_float), sort_keys=True)
    except RecursionError:
        return None
    return hashlib.sha256(same.encode()).hexdigest()


def _float(text: str) -> float:
    """Read a number, such that 1 is 1.0 and -0.0 is 0.0."""
    return float(text) + 0.0


def in_summaries(key: str | None, kind: str) -> sa.Subquery:
    """Select a value of runs' summaries, by run, where it is of a kind.

    A key that is too long to have a row, or null, selects nothing.
    """
    has_row = key is not None and len(storable(key).encode()) <= LONGEST_KEY
    named = _table.c.key == key if has_row else sa.false()
    query = sa.select(_table.c.run_id, _table.c.number, _table.c.text).where(
        _table.c.source == "summary", named, _table.c.position == 0, _table.c.kind == kind
    )
    return query.subquery()


def rows(document: Mapping[str, Any]) -> dict[Place, Value]:
    """Lay out a document as rows.

    Where two values have the same dotted key, the one that is nested less deeply stays: that of
    {"a.b": 1}, not that of {"a": {"b": 1}}. Lists in media (what has a `_type`: a histogram's
    bins, say) have a row for themselves only.
    """
    found: dict[Place, Value] = {}
    waiting = deque((key, item, False) for key, item in document.items())
    while waiting and len(found) < _MOST_ROWS:
        key, item, in_media = waiting.popleft()
        key = storable(key)
        if len(key.encode()) > LONGEST_KEY:
            continue
        if isinstance(item, dict):
            inside = "_type" in item
            waiting.extend((f"{key}.{name}", part, inside) for name, part in item.items())
        if (key, 0) in found:
            continue
        found[key, 0] = value(item)
        if isinstance(item, list) and not in_media:
            for position, element in enumerate(item[:_MOST_ELEMENTS], 1):
                if not isinstance(element, list | dict):
                    found[key, position] = value(element)
    return found


def keep(connection: sa.Connection, run_id: int, columns: Mapping[str, Any]) -> None:
    """Bring a run's rows in line with columns of it that are being written.

    Only rows that differ are touched: each request of a running run brings its whole summary.
    """
    for source in ("config", "summary", "tags"):
        if source in columns:
            _store(connection, run_id, source, rows(_document(source, columns[source])))


def _document(source: str, text: str) -> dict[str, Any]:
    document = json.loads(text)
    if source == "tags":
        return {"tags": document}
    if source == "config":
        return {
            key: item["value"] if isinstance(item, dict) and "value" in item else item
            for key, item in document.items()
            if key != UNINDEXED
        }
    return dict(document)


def _store(
    connection: sa.Connection, run_id: int, source: str, wanted: Mapping[Place, Value]
) -> None:
    stored = connection.execute(_STORED, {"run_id": run_id, "source": source})
    known = {(key, position): Value(*parts) for key, position, *parts in stored}
    if gone := known.keys() - wanted.keys():
        of_source = (_table.c.run_id == run_id, _table.c.source == source)
        place = (_table.c.key == sa.bindparam("k"), _table.c.position == sa.bindparam("p"))
        parameters = [{"k": key, "p": position} for key, position in gone]
        connection.execute(_table.delete().where(*of_source, *place), parameters)
    changed = [
        {"run_id": run_id, "source": source, "key": key, "position": position} | new._asdict()
        for (key, position), new in wanted.items()
        if known.get((key, position)) != new
    ]
    upsert(connection, _table, changed)
