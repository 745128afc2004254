"""What runs report of the metric that their sweep optimises, and what follows from it.

Decided when history arrives, in the transaction that stores it: there is no timer.
"""

import json
import time
from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from sweepcnn.config import Metric
from sweepcnn.scheduler import sweep_files
from sweepcnn.scheduler.metric_values import value_in
from sweepcnn.scheduler.states import ENDED, change_state
from sweepcnn.scheduler.sweep_files import Aim
from sweepcnn.search.stopping import Course, Seen, judge
from sweepcnn.storage import progress, runs, streams, sweeps
from sweepcnn.storage.progress import Progress
from sweepcnn.storage.run_states import RUNNING
from sweepcnn.storage.runs import Run
from sweepcnn.storage.sweeps import Sweep


def history_came(
    connection: sa.Connection, run: Run, *, first: int, end: int, anew: bool
) -> set[int]:
    """Keep a run's progress after lines of its history were stored, and stop whom it shows poor.

    Lines are counted once, however often they are sent.

    Args:
        connection: the writing transaction; the states of runs are as it has them.
        run: whose history it is; nothing is done for one that is in no sweep.
        first: the number of the first line that was not known yet.
        end: the number after the last one.
        anew: whether lines took the place of others, so that the run has begun anew: what comes
            after them is of the process before and does not count.

    Returns:
        The row ids of the runs that are asked to stop now.
    """
    sweep = sweeps.by_id(connection, run.sweep_id) if run.sweep_id else None
    aim = sweep_files.aim(sweep.config) if sweep else None
    if sweep is None or aim is None:
        return set()
    known = None if anew else progress.get(connection, run.id)
    if known is None:
        progress.forget(connection, run.id)
        first = 0
    before = Seen(*known) if known else Seen()
    lines = streams.between(connection, run.id, streams.HISTORY, first, end)
    seen, rungs = _keep(connection, run.id, aim, before, lines)
    if sweep.state not in ENDED and _reaches(aim.metric, before, seen):
        change_state(connection, sweep, "FINISHED")
    return _judge(connection, sweep.id, run.id, aim, rungs) if rungs else set()


def config_changed(connection: sa.Connection, before: Sweep) -> None:
    """Count anew what the runs of a sweep have logged, if its metric or its rungs are others now.

    Nothing is decided by it; that is left to the next line that arrives.
    """
    sweep = sweeps.by_id(connection, before.id)
    aim = sweep_files.aim(sweep.config) if sweep else None
    if aim == sweep_files.aim(before.config):
        return
    for run in runs.of_sweep(connection, before.id):
        progress.forget(connection, run.id)
        if aim is not None:
            lines = streams.read(connection, run.id, streams.HISTORY)
            _keep(connection, run.id, aim, Seen(), lines)


def _keep(
    connection: sa.Connection, run_id: int, aim: Aim, before: Seen, lines: Iterable[str]
) -> tuple[Seen, dict[int, float]]:
    """Keep what further lines show; gives it with the rungs that they reach."""
    found = (value_in(line, aim.metric.name) for line in lines)
    values = [value for value in found if value is not None]
    seen = before.after(aim.metric.goal, values)
    rungs = before.rungs(aim.rule, values) if aim.rule else {}
    progress.put(
        connection, run_id, iterations=seen.iterations, best=seen.best, rungs=rungs.items()
    )
    return seen, rungs


def _reaches(metric: Metric, before: Seen, now: Seen) -> bool:
    """Tell whether a run is at the sweep's target now, and was not before."""
    if metric.target is None or now.best is None:
        return False
    choose = max if metric.goal == "maximize" else min
    reached = choose(now.best, metric.target) == now.best
    return reached and (before.best is None or choose(before.best, metric.target) != before.best)


def _judge(
    connection: sa.Connection, sweep_id: int, run_id: int, aim: Aim, at: Iterable[int]
) -> set[int]:
    """Ask runs of the sweep to stop, now that one has reached rungs; gives which."""
    assert aim.rule is not None
    found = {seen.run_id: seen for seen in progress.of_sweep(connection, sweep_id)}
    courses = {
        seen.run_id: Course(
            seen.best, seen.rungs, is_running=seen.state == RUNNING and not seen.stop_requested
        )
        for seen in found.values()
        if seen.best is not None
    }
    now, asked = time.time(), set()
    for poor, stop in judge(aim.rule, aim.metric.goal, courses, run_id, at).items():
        if aim.is_ours and _has_trained(connection, found[poor]):
            continue
        words: dict[str, Any] = {"stop_requested_at": now, "stop_reason": stop.reason}
        runs.update(connection, poor, stop_requested=True, **words)
        asked.add(poor)
    return asked


def _has_trained(connection: sa.Connection, seen: Progress) -> bool:
    """Tell whether a run of `sweepcnn train` has all its epochs behind it."""
    run = runs.by_id(connection, seen.run_id)
    entry = json.loads(run.config).get("epochs") if run else None
    epochs = entry.get("value") if isinstance(entry, dict) else None
    return isinstance(epochs, int) and seen.iterations >= epochs
