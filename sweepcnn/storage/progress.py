"""What was seen of the metric that a run's sweep optimises: how often, its best, its rungs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from sweepcnn.storage import run_values, tables
from sweepcnn.storage.database import upsert


@dataclass(frozen=True)
class Progress:
    """A run's progress; `rungs` has the metric at the iterations that are compared."""

    run_id: int
    state: str
    stop_requested: bool
    iterations: int
    best: float | None
    rungs: Mapping[int, float]


_table, _rungs = tables.progress, tables.rungs


def put(
    connection: sa.Connection,
    run_id: int,
    *,
    iterations: int,
    best: float | None,
    rungs: Iterable[tuple[int, float]] = (),
) -> None:
    """Keep how far a run is, in place of what was known; rungs are added."""
    upsert(connection, _table, [{"run_id": run_id, "iterations": iterations, "best": best}])
    rows = [{"run_id": run_id, "iteration": at, "value": value} for at, value in rungs]
    if rows:
        upsert(connection, _rungs, rows)


def forget(connection: sa.Connection, run_id: int) -> None:
    """Forget what was seen of a run that starts anew or is rewound."""
    for table in (_table, _rungs):
        connection.execute(table.delete().where(table.c.run_id == run_id))


def of_sweep(connection: sa.Connection, sweep_id: int) -> list[Progress]:
    """List the progress of all runs of a sweep that have any, oldest first."""
    runs = tables.runs
    at_rungs: dict[int, dict[int, float]] = {}
    query = (
        sa.select(_rungs.c.run_id, _rungs.c.iteration, _rungs.c.value)
        .join(runs, runs.c.id == _rungs.c.run_id)
        .where(runs.c.sweep_id == sweep_id)
    )
    for run_id, iteration, value in connection.execute(query):
        at_rungs.setdefault(run_id, {})[iteration] = value
    found = connection.execute(
        sa.select(
            runs.c.id, runs.c.state, runs.c.stop_requested, _table.c.iterations, _table.c.best
        )
        .join(_table, _table.c.run_id == runs.c.id)
        .where(runs.c.sweep_id == sweep_id)
        .order_by(runs.c.id)
    )
    return [Progress(*row, rungs=at_rungs.get(row[0], {})) for row in found]


def best_of_sweep(
    connection: sa.Connection, sweep_id: int, metric: str, *, largest: bool
) -> float | None:
    """Give the best value of a metric that any run of a sweep logged or has in its summary.

    Args:
        connection: to read by.
        sweep_id: the sweep.
        metric: what it optimises, named with dots where it is nested.
        largest: whether more of it is better.
    """
    extreme = sa.func.max if largest else sa.func.min
    runs, told = tables.runs, run_values.in_summaries(metric, "number")
    found = [
        connection.execute(
            sa.select(extreme(value))
            .join_from(of_run.table, runs, runs.c.id == of_run)
            .where(runs.c.sweep_id == sweep_id)
        ).scalar()
        for value, of_run in ((_table.c.best, _table.c.run_id), (told.c.number, told.c.run_id))
    ]
    return (max if largest else min)((v for v in found if v is not None), default=None)


def get(connection: sa.Connection, run_id: int) -> tuple[int, float | None] | None:
    """Give how often a run's metric was seen, and its best value; null if nobody looked yet."""
    query = sa.select(_table.c.iterations, _table.c.best).where(_table.c.run_id == run_id)
    row = connection.execute(query).first()
    return (row[0], row[1]) if row else None
