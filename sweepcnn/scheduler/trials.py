"""Points as the search sees them."""

import json
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from sweepcnn.config import Metric, SweepConfig
from sweepcnn.scheduler.prior_runs import trial as prior_trial
from sweepcnn.search import Trial
from sweepcnn.storage import points, prior_runs
from sweepcnn.storage.points import LOST, OUT, Outcome
from sweepcnn.storage.run_states import FAILED, FINISHED, LIVE

_WITHOUT_USE = ("infeasible", "diverged", "out_of_memory")
"""A run's `status` that says that its best value was worth nothing."""


def trials(connection: sa.Connection, sweep_id: int, config: SweepConfig) -> list[Trial]:
    """Give what the search knows: runs from elsewhere, then all points handed out, oldest first."""
    name = config.metric.name if config.metric else None
    found = prior_runs.of_sweep(connection, sweep_id)
    prior = (prior_trial(run, config) for run in found)
    own = points.outcomes(connection, sweep_id, name)
    return [*(trial for trial in prior if trial), *(_trial(o, config.metric) for o in own)]


def _trial(outcome: Outcome, metric: Metric | None) -> Trial:
    point = _read(outcome.point)
    # A lost one is tried again.
    goes_on = outcome.run_state in LIVE or outcome.state in (OUT, LOST)
    if outcome.status in _WITHOUT_USE:
        return Trial(point, "running" if goes_on else "failed")
    value, latest = _better(outcome.summary, outcome.best, metric), outcome.summary
    if goes_on:
        return Trial(point, "running", value, latest)
    if outcome.run_state == FINISHED or (outcome.run_state != FAILED and value is not None):
        return Trial(point, "finished", value, latest)
    return Trial(point, "failed", value, latest)


@lru_cache(maxsize=16_384)  # all of them are read for each new one
def _read(point: str) -> dict[str, Any]:
    """Give a point, which nobody changes."""
    values: dict[str, Any] = json.loads(point)
    return values


def _better(summary: float | None, best: float | None, metric: Metric | None) -> float | None:
    """Give the better of what a run had last and of the best that was seen of it."""
    values = [value for value in (summary, best) if value is not None]
    choose = max if metric and metric.goal == "maximize" else min
    return choose(values, default=None)
