"""The checkpoints of a sweep that are not among its best."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from sweepcnn.scheduler import sweep_files
from sweepcnn.scheduler.metric_values import value_in
from sweepcnn.scheduler.states import ENDED
from sweepcnn.storage import artifacts, runs, sweeps, tables
from sweepcnn.storage.records import many

# Training gives these to every checkpoint; any other was given by somebody who wants it.
_OWN_ALIASES = ("latest", "best")
_artifacts, _collections = tables.artifacts, tables.artifact_collections


@dataclass(frozen=True)
class Checkpoint:
    """A version of an artifact of type `model`; `size` in bytes."""

    artifact_id: int
    name: str
    run: str
    size: int


def surplus(connection: sa.Connection, keep: int) -> list[Checkpoint]:
    """Give the checkpoints beyond those of the best `keep` runs of each sweep that has ended.

    Left alone is what anybody gave an alias to, linked or used in another run, and every sweep that
    names no metric to rank by.
    """
    found = []
    ended = sa.select(tables.sweeps.c.id).where(tables.sweeps.c.state.in_(ENDED))
    for sweep_id in list(connection.execute(ended).scalars()):
        sweep = sweeps.by_id(connection, sweep_id)
        if sweep is not None and not runs.count_live(connection, sweep_id):
            beyond = _beyond(connection, sweep, keep)
            found += many(Checkpoint, connection.execute(_models(beyond)))
    return found


def delete(connection: sa.Connection, checkpoints: list[Checkpoint]) -> None:
    """Delete checkpoints; their files are found to be needed no more."""
    for checkpoint in checkpoints:
        artifacts.delete(connection, artifacts.by_id(connection, checkpoint.artifact_id))


def _beyond(connection: sa.Connection, sweep: sweeps.Sweep, keep: int) -> list[int]:
    """Give the row ids of a sweep's runs after the best ones; of equals the earlier is better."""
    metric = sweep_files.metric(sweep.config)
    if metric is None:
        return []
    sign = -1.0 if metric.goal == "maximize" else 1.0
    values = {
        run.id: value_in(run.summary, metric.name) for run in runs.of_sweep(connection, sweep.id)
    }
    ranked = sorted((sign * value, run_id) for run_id, value in values.items() if value is not None)
    order = [run_id for _, run_id in ranked]
    order += [run_id for run_id, value in values.items() if value is None]
    return order[keep:] if ranked else []


def _models(run_ids: list[int]) -> sa.Select[Any]:
    """Select the checkpoints of runs that nothing else speaks for."""
    aliases, links, usage = tables.artifact_aliases, tables.artifact_links, tables.run_artifacts
    named = sa.exists().where(
        aliases.c.artifact_id == _artifacts.c.id, aliases.c.alias.not_in(_OWN_ALIASES)
    )
    linked = sa.exists().where(links.c.artifact_id == _artifacts.c.id)
    used = sa.exists().where(
        usage.c.artifact_id == _artifacts.c.id, usage.c.run_id != _artifacts.c.run_id
    )
    version = sa.cast(_artifacts.c.version_index, sa.Text)
    return (
        sa.select(
            _artifacts.c.id.label("artifact_id"),
            (_collections.c.name + ":v" + version).label("name"),
            tables.runs.c.name.label("run"),
            _artifacts.c.size,
        )
        .join(_collections, _collections.c.id == _artifacts.c.collection_id)
        .join(tables.runs, tables.runs.c.id == _artifacts.c.run_id)
        .where(
            _artifacts.c.run_id.in_(run_ids),
            _artifacts.c.state == "COMMITTED",
            _collections.c.type == "model",
            ~named,
            ~linked,
            ~used,
        )
        .order_by(_artifacts.c.id)
    )
