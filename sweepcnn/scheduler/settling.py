"""Whether a point is done with, judged by its runs.

A point has several runs if one of them died, or failed in a grid. All of them count, for a run that
was given up may come back to life after its point was handed out again:

* One that finished settles the point, and so does one that was killed at the server's word.
* While one is live, the point is out.
* One that was to stop settles the point once it has ended, whatever its process said.
* One that failed settles it, too; in a grid the point waits for its second turn.
* Else all have died, and the point waits for the next agent: for that of the preempted run, or for
  a new run.

No settled point is ever handed out again, except by deleting its runs.
"""

from collections.abc import Sequence
from itertools import groupby

import sqlalchemy as sa

from sweepcnn.storage import assignments, points, run_states
from sweepcnn.storage.assignments import Turn
from sweepcnn.storage.sweeps import Sweep

ATTEMPTS = 2
"""Processes of a point that may die or fail; one that was preempted does not count."""
MOST_RUNS = 4
"""Runs of a point, with those whose process never spoke: the agent's answer was lost, it was killed
at once, or its program cannot start."""
MOST_RESUMPTIONS = 100
"""Preemptions of a point: one that always preempts itself must end, too."""


def settle(connection: sa.Connection, sweep: Sweep) -> None:
    """Bring the points of a sweep up to date with what became of their runs."""
    turns = assignments.open_turns(connection, sweep.id)
    for point_id, of_point in groupby(turns, key=lambda turn: turn.point_id):
        runs = list(of_point)
        state = judge(runs, is_grid=sweep.method == "grid")
        if state != runs[0].point_state:
            points.update(connection, point_id, state=state)


def judge(turns: Sequence[Turn], *, is_grid: bool) -> str:
    """Give the state of a point by its runs, oldest first."""
    states = {turn.state for turn in turns}
    if run_states.FINISHED in states:
        return points.SETTLED
    if run_states.KILLED in states:
        return points.SETTLED
    if states & set(run_states.LIVE):
        return points.OUT
    if any(turn.stop_requested for turn in turns):
        return points.SETTLED
    newest = turns[-1]
    if run_states.FAILED in states:
        return points.FAILED if is_grid and _has_a_turn(turns) else points.SETTLED
    if newest.state == run_states.PREEMPTED:
        again = newest.resumptions < MOST_RESUMPTIONS
    else:
        again = _has_a_turn(turns)
    return points.LOST if again else points.SETTLED


def _has_a_turn(turns: Sequence[Turn]) -> bool:
    started = sum(turn.started for turn in turns)
    return started < ATTEMPTS and turns[-1].attempts < MOST_RUNS
