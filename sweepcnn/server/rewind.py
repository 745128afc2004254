"""Taking a run back to a step, from which its client goes on."""

import json
from typing import Any

import sqlalchemy as sa

from sweepcnn.server import history, history_lines
from sweepcnn.storage import progress, runs, streams
from sweepcnn.storage.runs import Run


def to_step(writing: sa.Connection, run: Run, step: float) -> None:
    """Cut what came after a step.

    The summary becomes what was logged last by then; the sweep's metric is counted anew when more
    comes. Console and system metrics go as a whole: they have no steps, and the client starts both
    anew from their first line.
    """
    kept = history_lines.cut(writing, run.id, int(step))
    for file in (streams.EVENTS, streams.CONSOLE):
        streams.cut(writing, run.id, file, 0)
    summary: dict[str, Any] = {}
    for line in kept:
        _merge(summary, history.parse_line(line))
    progress.forget(writing, run.id)
    runs.update(writing, run.id, summary=json.dumps(summary))


def _merge(into: dict[str, Any], row: dict[str, Any]) -> None:
    """Take over a row's values; nested ones one by one, media as a whole."""
    for key, value in row.items():
        before = into.get(key)
        if history.is_nested(value) and history.is_nested(before):
            assert isinstance(before, dict)
            _merge(before, value)
        else:
            into[key] = value
