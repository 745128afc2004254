"""Runs as the search sees them."""

import json
import math
from typing import Any

import sqlalchemy as sa

from sweepcnn.search import Trial
from sweepcnn.storage import runs, sweeps
from sweepcnn.storage.run_states import LIVE


def trials(connection: sa.Connection, sweep_id: int, metric: str | None) -> list[Trial]:
    """Give all points that a sweep handed out, oldest first, with what came of them."""
    by_id = {run.id: run for run in runs.of_sweep(connection, sweep_id)}
    found = []
    for suggestion in sweeps.suggestions(connection, sweep_id):
        run = by_id[suggestion.run_id]
        value = summary_number(run.summary, metric) if metric else None
        if run.state in LIVE:
            found.append(Trial(json.loads(suggestion.point), "running"))
        elif run.state == "finished" or value is not None:
            found.append(Trial(json.loads(suggestion.point), "finished", value))
        else:
            found.append(Trial(json.loads(suggestion.point), "failed"))
    return found


def summary_number(summary: str, name: str) -> float | None:
    """Read a finite number from a run's summary; nested values are named with dots."""
    value: Any = json.loads(summary)
    if name in value:
        value = value[name]
    else:
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None
