"""Sweeps as they are read."""

from functools import partial
from typing import Any

from sweepcnn.scheduler import sweep_files
from sweepcnn.server import ids
from sweepcnn.server.context import Info
from sweepcnn.server.graphql.paging import connection, read_page
from sweepcnn.storage import prior_runs, progress, projects, runs, sweeps
from sweepcnn.storage.projects import Project
from sweepcnn.storage.sweeps import Sweep


def _sweep(
    project: Project,
    info: Info,
    sweepName: str,  # noqa: N803
) -> Sweep | None:
    return sweeps.get(info.context.connection, project.id, sweepName)


def _runs(sweep: Sweep, info: Info, **arguments: Any) -> dict[str, Any]:
    read = partial(runs.of_sweep, info.context.connection, sweep.id)
    return read_page(lambda most, start: read(start=start, most=most), arguments)


def _prior_runs(sweep: Sweep, info: Info, **arguments: Any) -> dict[str, Any]:
    found = prior_runs.of_sweep(info.context.connection, sweep.id)
    return connection(found, arguments.get("first"), arguments.get("after"))


def _best_loss(sweep: Sweep, info: Info) -> float | None:
    """Give the best value of the metric, negated where more is better."""
    metric = sweep_files.metric(sweep.config)
    if metric is None:
        return None
    more = metric.goal == "maximize"
    best = progress.best_of_sweep(info.context.connection, sweep.id, metric.name, largest=more)
    return -best if more and best is not None else best


RESOLVERS = {
    "Project": {"sweep": _sweep},
    "Sweep": {
        "id": lambda sweep, _: ids.encode("Sweep", sweep.id),
        "project": lambda sweep, info: info.context.recall(projects.by_id, sweep.project_id),
        "earlyStopJobRunning": lambda *_: False,
        "bestLoss": _best_loss,
        "runCount": lambda sweep, info: runs.count(info.context.connection, sweep_id=sweep.id),
        "runCountExpected": lambda sweep, _: sweep_files.expected_runs(sweep.config),
        "runs": _runs,
        "priorRuns": _prior_runs,
    },
}
