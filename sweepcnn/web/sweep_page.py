"""What the page of a sweep tells: its points, runs and agents, and the runs that it learns from."""

import json
import time
from collections import Counter
from typing import Any

import sqlalchemy as sa

from sweepcnn.scheduler import sweep_files
from sweepcnn.scheduler.metric_values import value_in
from sweepcnn.storage import agents, points, prior_runs, runs
from sweepcnn.storage.run_states import CRASHED, KILLED, LIVE, PREEMPTED
from sweepcnn.storage.runs import Run
from sweepcnn.storage.sweeps import Sweep

METRIC = "best_val_accuracy"
"""What is shown of runs whose sweep names no metric."""

# A run that may be the best, as for `sweepcnn best`: it ended, and its value is its network's own.
_ENDED = ("finished", "killed")
_USABLE = ("ok", "stopped", None)  # null: a run of another program, which sets no status

Row = dict[str, Any]
"""A run, its metric and status, and in a sweep its point."""


def tell(connection: sa.Connection, sweep: Sweep) -> dict[str, Any]:
    """Give what the template shows of a sweep."""
    metric, maximize = _metric_of(sweep)
    found = runs.of_sweep(connection, sweep.id)
    rows = _rows(connection, sweep.id, found, metric)
    usable = [row for row in rows if _is_usable(row)]
    names = sorted({name for row in rows for name in row["point"]})
    return {
        "rows": rows,
        "best": max(usable, key=lambda row: row["value"] * (1 if maximize else -1), default=None),
        "metric": metric,
        "parameters": [
            n for n in names if len({json.dumps(row["point"].get(n)) for row in rows}) > 1
        ],
        "repeated": any(row["try"] > 1 for row in rows),
        "stopped": any(row["reason"] for row in rows),
        "points": _counts(connection, sweep.id),
        "expected": sweep_files.expected_runs(sweep.config),
        "agents": _agents(connection, sweep.id, found),
        "prior": [row_of(run, metric) for run in prior_runs.of_sweep(connection, sweep.id)],
    }


def row_of(run: Run, metric: str) -> Row:
    """Give a run with its metric and its status; `reason` says why it was stopped early, if so."""
    return {
        "run": run,
        "value": value_in(run.summary, metric),
        "status": json.loads(run.summary).get("status"),
        "reason": run.stop_reason if run.state == KILLED else None,
    }


def _rows(connection: sa.Connection, sweep_id: int, found: list[Run], metric: str) -> list[Row]:
    """Give the runs with their points, and the how-manieth try of its point each is."""
    tried = points.by_run(connection, sweep_id)
    tries: Counter[int] = Counter()
    rows = []
    for run in found:
        point = tried.get(run.id)
        if point:
            tries[point.id] += 1
        rows.append(
            row_of(run, metric)
            | {
                "point": _flat(json.loads(point.point)) if point else {},
                "origin": point.origin if point else "",
                "try": tries[point.id] if point else 1,
            }
        )
    return rows


def _flat(point: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Name nested parameters with dots."""
    found: dict[str, Any] = {}
    for name, value in point.items():
        if isinstance(value, dict) and value:
            found |= _flat(value, f"{above}{name}.")
        else:
            found[above + name] = value
    return found


def _counts(connection: sa.Connection, sweep_id: int) -> dict[str, int]:
    return {
        "settled": points.count(connection, sweep_id, points.SETTLED),
        "out": points.count(connection, sweep_id, points.OUT),
        "waiting": points.count(connection, sweep_id, points.LOST, points.FAILED),
    }


def _agents(connection: sa.Connection, sweep_id: int, found: list[Run]) -> list[dict[str, Any]]:
    """Give the agents with the number of their runs and those that are under way."""
    given = agents.by_run(connection, sweep_id)
    own: dict[int, list[Run]] = {}
    for run in found:
        own.setdefault(given.get(run.id, 0), []).append(run)
    now = time.time()
    return [
        {
            "agent": agent,
            "state": "alive" if agent.is_alive(now) else _silence(own.get(agent.id, [])),
            "count": len(own.get(agent.id, [])),
            "live": [run for run in own.get(agent.id, []) if run.state in LIVE],
        }
        for agent in agents.of_sweep(connection, sweep_id)
    ]


def _silence(own: list[Run]) -> str:
    """Say what the silence of an agent means: one that leaves says nothing, but its runs ended."""
    return "lost" if own and own[-1].state in (*LIVE, CRASHED, PREEMPTED) else "left"


def _metric_of(sweep: Sweep) -> tuple[str, bool]:
    """Give a sweep's metric, and whether more of it is better."""
    metric = sweep_files.metric(sweep.config)
    return (metric.name, metric.goal == "maximize") if metric else (METRIC, True)


def _is_usable(row: Row) -> bool:
    ended, status = row["run"].state in _ENDED, row["status"]
    return ended and status in _USABLE and row["value"] is not None
