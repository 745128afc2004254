"""Runs from elsewhere that a sweep learns from."""

from collections.abc import Iterable

import sqlalchemy as sa

from sweepcnn.storage import tables
from sweepcnn.storage.database import upsert
from sweepcnn.storage.records import columns_of, many
from sweepcnn.storage.runs import Run

_table = tables.prior_runs


def add(connection: sa.Connection, sweep_id: int, run_ids: Iterable[int]) -> None:
    """Add runs; those that are there already stay."""
    rows = [{"sweep_id": sweep_id, "run_id": run_id} for run_id in run_ids]
    if rows:
        upsert(connection, _table, rows)


def count(connection: sa.Connection, sweep_id: int) -> int:
    """Count a sweep's prior runs."""
    query = sa.select(sa.func.count()).where(_table.c.sweep_id == sweep_id)
    return connection.execute(query.select_from(_table)).scalar_one()


def of_sweep(connection: sa.Connection, sweep_id: int) -> list[Run]:
    """List a sweep's prior runs, oldest first."""
    runs = tables.runs
    query = (
        sa.select(*columns_of(runs, Run))
        .join(_table, _table.c.run_id == runs.c.id)
        .where(_table.c.sweep_id == sweep_id)
        .order_by(runs.c.id)
    )
    return many(Run, connection.execute(query))
