"""The values of runs that are already there, to be filtered and ordered by.

Revision: 0003, after 0002.
"""

import hashlib
import json
import math
import re
from collections import deque
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_LONGEST_KEY, _MOST_ROWS, _MOST_ELEMENTS, _LONGEST_LIST = 1_000, 10_000, 1_000, 100_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

_run_values = sa.table(
    "run_values",
    sa.column("run_id", sa.Integer),
    sa.column("source", sa.Text),
    sa.column("key", sa.Text),
    sa.column("position", sa.Integer),
    sa.column("kind", sa.Text),
    sa.column("number", sa.Double),
    sa.column("text", sa.Text),
)


def upgrade() -> None:
    # Rows are found by their run; the index would only make each write slower.
    with op.batch_alter_table("run_values") as batch_op:
        batch_op.drop_index(batch_op.f("ix_run_values_source_key_number"))
    connection = op.get_bind()
    for run_id in connection.execute(sa.text("SELECT id FROM runs ORDER BY id")).scalars().all():
        query = sa.text("SELECT config, summary, tags FROM runs WHERE id = :id")
        config, summary, tags = connection.execute(query, {"id": run_id}).one()
        sources = {
            "config": {
                key: item["value"] if isinstance(item, dict) and "value" in item else item
                for key, item in json.loads(config).items()
                if key != "_wandb"
            },
            "summary": json.loads(summary),
            "tags": {"tags": json.loads(tags)},
        }
        found = [
            {"run_id": run_id, "source": source, "key": key, "position": position} | row
            for source, document in sources.items()
            for (key, position), row in _rows(document).items()
        ]
        if found:
            connection.execute(_run_values.insert(), found)


def _rows(document: dict[str, Any]) -> dict[tuple[str, int], dict[str, Any]]:
    found: dict[tuple[str, int], dict[str, Any]] = {}
    waiting = deque((key, item, False) for key, item in document.items())
    while waiting and len(found) < _MOST_ROWS:
        key, item, in_media = waiting.popleft()
        key = _storable(key)
        if len(key.encode()) > _LONGEST_KEY:
            continue
        if isinstance(item, dict):
            inside = "_type" in item
            waiting.extend((f"{key}.{name}", part, inside) for name, part in item.items())
        if (key, 0) in found:
            continue
        found[key, 0] = _row(item)
        if isinstance(item, list) and not in_media:
            for position, element in enumerate(item[:_MOST_ELEMENTS], 1):
                if not isinstance(element, list | dict):
                    found[key, position] = _row(element)
    return found


def _row(item: Any) -> dict[str, Any]:
    kind, number, text = "map", None, None
    if item is None:
        kind = "null"
    elif isinstance(item, bool):
        kind, number = "boolean", float(item)
    elif isinstance(item, int | float):
        kind, number = "number", _finite(item)
    elif isinstance(item, str):
        kind, text = "text", _storable(item)
    elif isinstance(item, list):
        kind, number, text = "list", float(len(item)), _digest(item)
    return {"kind": kind, "number": number, "text": text}


def _storable(text: str) -> str:
    return _UNSTORABLE.sub("\ufffd", text)


def _finite(number: float) -> float | None:
    try:
        found = float(number)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def _digest(elements: list[Any]) -> str | None:
    try:
        text = json.dumps(elements)
        if len(text) > _LONGEST_LIST:
            return None
        same = json.dumps(json.loads(text, parse_int=_float, parse_float=_float), sort_keys=True)
    except RecursionError:
        return None
    return hashlib.sha256(same.encode()).hexdigest()


def _float(text: str) -> float:
    return float(text) + 0.0
