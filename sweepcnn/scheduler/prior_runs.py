"""Runs from elsewhere as a sweep's search sees them."""

import json
from typing import Any

from sweepcnn.config import SweepConfig
from sweepcnn.errors import InputError
from sweepcnn.scheduler import sweep_files
from sweepcnn.scheduler.metric_values import value_in
from sweepcnn.search import Trial
from sweepcnn.storage.run_states import FINISHED, LIVE
from sweepcnn.storage.runs import Run

_MOST_TOLD = 10


def trial(run: Run, config: SweepConfig) -> Trial | None:
    """Make a trial of a run; none of one that has not ended or lacks a parameter."""
    point = _point(run, config)
    if run.state in LIVE or len(point) < len(config.parameters):
        return None
    value = value_in(run.summary, config.metric.name) if config.metric else None
    if run.state == FINISHED or value is not None:
        return Trial(point, "finished", value)
    return Trial(point, "failed")


def obstacles(text: str, found: list[Run]) -> list[str]:
    """Say of which runs a stored sweep file's search learns nothing, and why."""
    try:
        config = sweep_files.read(text)
    except InputError:  # such a sweep hands out no runs, as its creator is told
        return []
    reasons = [(run.name, reason) for run in found if (reason := _obstacle(run, config))]
    told = [f"nothing is learnt of prior run {name!r}: it {reason}" for name, reason in reasons]
    more = [f"and of {len(told) - _MOST_TOLD} more"] if len(told) > _MOST_TOLD else []
    return told[:_MOST_TOLD] + more


def _obstacle(run: Run, config: SweepConfig) -> str | None:
    known = _point(run, config)
    if missing := [name for name in config.parameters if name not in known]:
        return f"has no {', '.join(map(repr, missing[:_MOST_TOLD]))} in its config"
    if run.state in LIVE:
        return f"is {run.state}; that changes once it has ended"
    if config.metric and value_in(run.summary, config.metric.name) is None:
        return f"has no number {config.metric.name!r}, the sweep's metric, in its summary"
    return None


def _point(run: Run, config: SweepConfig) -> dict[str, Any]:
    given = json.loads(run.config)
    wrapped = {name: given.get(name) for name in config.parameters}
    return {
        name: item["value"]
        for name, item in wrapped.items()
        if isinstance(item, dict) and "value" in item
    }
